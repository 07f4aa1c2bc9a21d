//! Words that tell of order, of what came before, and of doing things at the same time.

use skvm_core::document::StepList;
use skvm_core::skill::Skill;

/// What stands around the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Context {
    /// The author says of the whole list that its steps may be done together.
    pub(super) together: bool,
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
        let said = format!("{} {paragraph}", section.title()).to_lowercase();
        Self { together: says_together(&said) }
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
    TOGETHER.iter().any(|words| has_words(text, words))
        && !NOT_TOGETHER.iter().any(|words| has_words(text, words))
        && !is_in_sequence(text)
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
const REFERENCES: [&str; 25] = [
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
