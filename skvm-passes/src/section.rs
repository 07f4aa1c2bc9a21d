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

const PROCEDURE: [&str; 8] = [
    "workflow",
    "process",
    "procedure",
    "instructions",
    "steps",
    "pipeline",
    "how to use",
    "playbook",
];
const SETUP: [&str; 14] = [
    "install",
    "setup",
    "set up",
    "set-up",
    "requirements",
    "prerequisite",
    "configuration",
    "configure",
    "authentication",
    "credentials",
    "getting started",
    "dependencies",
    "api key",
    "environment",
];
const TROUBLESHOOTING: [&str; 5] =
    ["troubleshoot", "faq", "common issues", "known issues", "common errors"];
const CREDITS: [&str; 10] = [
    "license",
    "credits",
    "changelog",
    "author",
    "contributing",
    "acknowledg",
    "resources",
    "links",
    "see also",
    "version history",
];

/// The role of a section, from the headings that lead to it: set-up, troubleshooting and credits
/// cover everything below them; a procedure is named by the nearest heading.
#[must_use]
pub fn role(headings: &[&str]) -> SectionRole {
    let lower: Vec<String> = headings.iter().map(|title| title.to_lowercase()).collect();
    let any = |words: &[&str]| {
        lower.iter().skip(usize::from(lower.len() > 1)).any(|t| words.iter().any(|w| t.contains(w)))
    };
    let nearest =
        |words: &[&str]| lower.last().is_some_and(|t| words.iter().any(|w| t.contains(w)));
    if any(&SETUP) {
        SectionRole::Setup
    } else if any(&TROUBLESHOOTING) {
        SectionRole::Troubleshooting
    } else if any(&CREDITS) {
        SectionRole::Credits
    } else if nearest(&PROCEDURE) {
        SectionRole::Procedure
    } else {
        SectionRole::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_come_from_the_path_of_headings() {
        let cases: [(&[&str], SectionRole); 6] = [
            (&["My Skill", "Workflow"], SectionRole::Procedure),
            (&["My Skill", "Installation", "Linux"], SectionRole::Setup),
            (&["Installer helper", "Usage"], SectionRole::Other),
            (&["My Skill", "Troubleshooting"], SectionRole::Troubleshooting),
            (&["My Skill", "License"], SectionRole::Credits),
            (&[], SectionRole::Other),
        ];
        for (headings, expected) in cases {
            assert_eq!(role(headings), expected, "{headings:?}");
        }
    }
}
