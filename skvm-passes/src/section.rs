//! What a section is for, as its headings tell.

/// What a section is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SectionRole {
    /// It tells what to do, in order.
    Procedure,
    /// It is for the person who installs the skill.
    Setup,
    /// It is for when something goes wrong.
    Troubleshooting,
    /// License, authors, links, history.
    Credits,
    /// Anything else.
    Other,
}

const PROCEDURE: [&str; 12] = [
    "workflow",
    "workflows",
    "process",
    "procedure",
    "instructions",
    "steps",
    "pipeline",
    "how to use",
    "playbook",
    "step by step",
    "how it works",
    "method",
];
const SETUP: [&str; 20] = [
    "install",
    "installing",
    "installation",
    "setup",
    "set up",
    "setting up",
    "requirements",
    "prerequisite",
    "prerequisites",
    "configuration",
    "configure",
    "configuring",
    "authentication",
    "credentials",
    "getting started",
    "dependencies",
    "api key",
    "api keys",
    "environment variables",
    "environment",
];
const TROUBLESHOOTING: [&str; 6] =
    ["troubleshooting", "troubleshoot", "faq", "common issues", "known issues", "common errors"];
const CREDITS: [&str; 14] = [
    "license",
    "credits",
    "changelog",
    "author",
    "authors",
    "contributing",
    "contributors",
    "acknowledgements",
    "acknowledgments",
    "resources",
    "links",
    "see also",
    "version history",
    "related",
];

/// Longest heading, in words, whose last words can name its role: "System requirements".
const SHORT: usize = 3;

/// The role of a section, from the headings that lead to it: set-up, troubleshooting and credits
/// cover everything below them; a procedure is named by the nearest heading. The words that name a
/// role stand at the head of the heading, or at the end of a short one.
#[must_use]
pub fn role(headings: &[&str]) -> SectionRole {
    let titles: Vec<Vec<String>> = headings.iter().map(|title| words(title)).collect();
    let below_first = titles.iter().skip(usize::from(titles.len() > 1));
    let any = |names: &[&str]| below_first.clone().any(|title| is_named(title, names));
    if any(&SETUP) {
        SectionRole::Setup
    } else if any(&TROUBLESHOOTING) {
        SectionRole::Troubleshooting
    } else if any(&CREDITS) {
        SectionRole::Credits
    } else if titles.last().is_some_and(|title| is_named(title, &PROCEDURE)) {
        SectionRole::Procedure
    } else {
        SectionRole::Other
    }
}

/// The words of a heading in lower case, without a number at its head.
fn words(title: &str) -> Vec<String> {
    title
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .skip_while(|word| word.bytes().all(|b| b.is_ascii_digit()))
        .collect()
}

fn is_named(title: &[String], names: &[&str]) -> bool {
    names.iter().any(|name| {
        let length = name.bytes().filter(|b| *b == b' ').count() + 1;
        let same = |part: &[String]| part.iter().map(String::as_str).eq(name.split(' '));
        let head = title.get(..length).is_some_and(same);
        let tail = title.len().checked_sub(length).and_then(|at| title.get(at..));
        // "Generate the configuration" is a task; "Optional configuration" is not told apart from it.
        head || (title.len() <= SHORT && !is_task(title) && tail.is_some_and(same))
    })
}

/// Whether a heading tells somebody to do something.
fn is_task(title: &[String]) -> bool {
    const TASKS: [&str; 16] = [
        "check", "inspect", "generate", "create", "write", "update", "analyze", "review", "verify",
        "fix", "find", "list", "read", "validate", "collect", "extract",
    ];
    title.first().is_some_and(|first| TASKS.contains(&first.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_come_from_the_path_of_headings() {
        let cases: [(&[&str], SectionRole); 11] = [
            (&["My Skill", "Workflow"], SectionRole::Procedure),
            (&["My Skill", "Installation", "Linux"], SectionRole::Setup),
            (&["Installer helper", "Usage"], SectionRole::Other),
            (&["My Skill", "Troubleshooting"], SectionRole::Troubleshooting),
            (&["My Skill", "License"], SectionRole::Credits),
            (&["My Skill", "2. System requirements"], SectionRole::Setup),
            (&["My Skill", "Authoring the pipeline"], SectionRole::Procedure),
            (&["My Skill", "Inspect the environment"], SectionRole::Other),
            (&["My Skill", "Check links"], SectionRole::Other),
            (&["My Skill", "The process"], SectionRole::Procedure),
            (&[], SectionRole::Other),
        ];
        for (headings, expected) in cases {
            assert_eq!(role(headings), expected, "{headings:?}");
        }
    }
}
