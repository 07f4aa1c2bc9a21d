//! Words that tell of order, of what came before, and of doing things at the same time.

use skvm_core::document::StepList;
use skvm_core::skill::Skill;

use super::step::named_steps;

/// What stands around the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Context {
    /// The author says of the whole list that its steps may be done together.
    pub(super) together: bool,
    /// The author says so of the steps with these labels.
    named: Vec<String>,
}

/// How much text in front of a list is looked at.
const LEAD: usize = 400;

impl Context {
    pub(super) fn of(skill: &Skill, list: &StepList) -> Self {
        let source = skill.source();
        let section = skill.document().section(list.section());
        let start = section.span().start.max(list.span().start.saturating_sub(LEAD));
        let start = (start..=list.span().start).find(|at| source.is_char_boundary(*at));
        let lead = start.and_then(|start| source.get(start..list.span().start)).unwrap_or("");
        // The paragraph that leads to the list, and the heading above it.
        let paragraph = lead.trim_end().rsplit("\n\n").next().unwrap_or("");
        let title = section.title().to_lowercase();
        let paragraph = paragraph.to_lowercase();
        let nothing = Self { together: false, named: Vec::new() };
        if takes_back(&title) || takes_back(&paragraph) {
            return nothing;
        }
        let sentences = || paragraph.split_inclusive(['.', ':', ';']);
        // "Steps 2 and 3 can run at the same time" is said of those two; "step 4" is not among them.
        let of_steps = |said: &str| named_steps(&said.replace("step ", ""));
        let named = sentences().filter(|said| says_together(said)).flat_map(of_steps).collect();
        let is_of_list = |said: &str| {
            says_together(said) && named_steps(said).is_empty() && speaks_of_list(said)
        };
        Self { together: is_of_list(&title) || sentences().any(is_of_list), named }
    }

    /// Whether the author says of both steps by their numbers that they may be done together.
    pub(super) fn names_both(&self, a: &str, b: &str) -> bool {
        let is_named = |label: &str| self.named.iter().any(|named| named == label);
        is_named(a) && is_named(b)
    }
}

/// Words by which an author says that things may be done at the same time.
const TOGETHER: [&str; 11] = [
    "in parallel",
    "simultaneously",
    "concurrently",
    "at the same time",
    "in any order",
    "independently of each other",
    "are independent",
    "parallel tool calls",
    "parallel agents",
    "parallel sub-agents",
    "parallel subagents",
];

/// Whether a sentence is about the list that follows: "launch these in parallel", "in any order", and
/// not about what some program does.
fn speaks_of_list(said: &str) -> bool {
    let of_list = ["these", "following", "below", "steps", "all", "each", "any order"];
    of_list.iter().any(|words| has_words(said, words)) || said.trim_end().ends_with(':')
}

/// Words that take the same back.
const NOT_TOGETHER: [&str; 12] = [
    "not in parallel",
    "never in parallel",
    "don't run in parallel",
    "do not run in parallel",
    "not simultaneously",
    "not at the same time",
    "not concurrently",
    "not at once",
    "not all at once",
    "never at the same time",
    "one at a time",
    "rather than in parallel",
];

/// Whether a text, in lower case, says that things may be done at the same time.
pub(super) fn says_together(text: &str) -> bool {
    TOGETHER.iter().any(|words| has_words(text, words)) && !takes_back(text)
}

fn takes_back(text: &str) -> bool {
    NOT_TOGETHER.iter().any(|words| has_words(text, words)) || is_in_sequence(text)
}

/// Words of a step that gathers what others gave. Where the author says that the steps of a list may be
/// done together, it is not meant of this one and those behind it.
const GATHERING: [&str; 31] = [
    "then",
    "after",
    "afterwards",
    "once",
    "finally",
    "lastly",
    "next",
    "results",
    "result",
    "findings",
    "output",
    "outputs",
    "everything",
    "both",
    "all",
    "previous",
    "above",
    "earlier",
    "preceding",
    "these",
    "those",
    "them",
    "merge",
    "combine",
    "aggregate",
    "synthesize",
    "consolidate",
    "collate",
    "compare",
    "reconcile",
    "integrate",
];

/// Verbs that close a list of things done together, unless the list begins with the same.
const CLOSING: [&str; 24] = [
    "choose",
    "commit",
    "decide",
    "deliver",
    "deploy",
    "display",
    "evaluate",
    "judge",
    "output",
    "pick",
    "present",
    "publish",
    "push",
    "rank",
    "release",
    "report",
    "return",
    "save",
    "select",
    "send",
    "show",
    "submit",
    "summarize",
    "write",
];

/// Whether a step gathers what the steps before it gave; by its text, its verb and that of the first.
pub(super) fn gathers(text: &str, verb: Option<&str>, first: Option<&str>) -> bool {
    words(text).any(|word| is_one_of(word, &GATHERING))
        || (verb != first && verb.is_some_and(|verb| CLOSING.contains(&verb)))
}

/// Whether a text, in lower case, says that its step may be done together with the one of a label.
pub(super) fn is_with_step(text: &str, label: &str) -> bool {
    const WITH: [&str; 5] = [
        "in parallel with step ",
        "in parallel to step ",
        "at the same time as step ",
        "simultaneously with step ",
        "concurrently with step ",
    ];
    !takes_back(text)
        && WITH.iter().flat_map(|words| text.split(words).skip(1)).any(|rest| {
            rest.strip_prefix(label).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
        })
}

/// Words by which an author asks for one thing after the other.
const SEQUENCE: [&str; 16] = [
    "one at a time",
    "one by one",
    "in order",
    "in this order",
    "in that order",
    "sequentially",
    "in sequence",
    "in turn",
    "step by step",
    "before moving",
    "before the next",
    "before continuing",
    "carry over",
    "accumulat",
    "running total",
    "the previous one",
];

/// Whether a text, in lower case, asks for one thing after the other.
pub(super) fn is_in_sequence(text: &str) -> bool {
    SEQUENCE.iter().any(|words| has_words(text, words))
}

/// Words that open a step which waits for what came before.
const LEADS: [&str; 22] = [
    "then",
    "next",
    "after",
    "afterwards",
    "once",
    "finally",
    "lastly",
    "now",
    "when",
    "second",
    "third",
    "fourth",
    "fifth",
    "last",
    "later",
    "subsequently",
    "following",
    "continue",
    "proceed",
    "repeat",
    "otherwise",
    "else",
];

/// Words that refer to what came before.
const REFERENCES: [&str; 33] = [
    "it",
    "its",
    "them",
    "they",
    "their",
    "these",
    "those",
    "this",
    "that",
    "above",
    "previous",
    "previously",
    "earlier",
    "prior",
    "preceding",
    "results",
    "result",
    "resulting",
    "output",
    "outputs",
    "findings",
    "both",
    "all",
    "everything",
    "again",
    "if",
    "unless",
    "when",
    "otherwise",
    "instead",
    "alternatively",
    "fallback",
    "fails",
];

/// The word by which a step shows that it waits for what came before; `None` when it has none.
pub(super) fn order_word(text: &str) -> Option<&str> {
    let mut words = words(text);
    let first = words.next();
    if let Some(first) = first.filter(|word| is_one_of(word, &LEADS)) {
        return Some(first);
    }
    let mut words = first.into_iter().chain(words).peekable();
    while let Some(word) = words.next() {
        if is_one_of(word, &REFERENCES) {
            return Some(word);
        }
        let follows =
            ["then", "after", "once", "before", "until", "from", "based", "using", "with"];
        // "using the …" takes what is there; "with the user" and the like do not.
        if is_one_of(word, &follows[..5]) {
            return Some(word);
        }
        if is_one_of(word, &follows[5..])
            && words.peek().is_some_and(|next| is_one_of(next, &["the", "on", "each"]))
        {
            return Some(word);
        }
    }
    None
}

fn is_one_of(word: &str, list: &[&str]) -> bool {
    list.iter().any(|known| word.eq_ignore_ascii_case(known))
}

/// The words of a text; what stands between backticks is none.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split('`')
        .step_by(2)
        .flat_map(|part| part.split(|c: char| !c.is_alphanumeric() && c != '\'' && c != '-'))
        .filter(|word| !word.is_empty())
}

/// Whether words stand in a text, not as a part of longer ones at their head.
pub(super) fn has_words(text: &str, words: &str) -> bool {
    text.match_indices(words).any(|(at, _)| {
        !text.get(..at).is_some_and(|head| head.ends_with(|c: char| c.is_alphanumeric()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authors_say_that_things_may_be_done_together_or_not() {
        for text in ["run these in parallel:", "in any order", "launch them simultaneously"] {
            assert!(says_together(text), "{text}");
        }
        for text in ["do not run in parallel", "one at a time", "parallelism", "run it"] {
            assert!(!says_together(text), "{text}");
        }
    }

    #[test]
    fn order_shows_in_words() {
        let cases = [
            ("Then read the file", Some("Then")),
            ("Read the file after the build", Some("after")),
            ("Summarise it", Some("it")),
            ("Write a report from the notes", Some("from")),
            ("Read `it`", None),
            ("Read a.md", None),
            ("Search the web for prices", None),
            ("Talk with a friend", None),
        ];
        for (text, expected) in cases {
            assert_eq!(order_word(text), expected, "{text}");
        }
    }
}
