//! Directions: sentences to the agent that take a demand down, wherever they stand in a skill.
//!
//! A demand is not only what a skill wants done but how it wants it done. "Run these commands" leaves
//! an agent to chain them, to wait or not, to look or not; "run one command at a time, exactly as it
//! is written" does not. Each direction here says for which primitives it holds and down to which
//! level, following the step downs of the [catalogue](skvm_core::capability::PrimitiveSpec::degradation).
//! Extraction honours a direction in any skill that has it, and the `capability` pass adds those that a
//! target needs.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use skvm_core::capability::{Level, Primitive as P};
use skvm_core::skill::Skill;

use super::text::prose;
use crate::concurrency::is_procedure;

/// A sentence to the agent, and what it does to demands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Direction {
    /// Names it in the reasons of edits.
    pub id: &'static str,
    /// The sentence.
    pub sentence: &'static str,
    /// Demands of these primitives above the level fall to it.
    pub lowers: &'static [(P, Level)],
    /// Demands of these primitives can be met another way…
    pub replaces: &'static [P],
    /// …with these instead.
    pub instead: &'static [(P, Level)],
    /// What must be in the skill for the sentence to mean anything.
    pub needs: Needs,
}

/// What a direction speaks about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Needs {
    /// Nothing in particular.
    Nothing,
    /// A code block.
    Code,
    /// A block that shows the form of an answer.
    Form,
    /// A block that shows an example.
    Example,
    /// A procedure, in a skill that is not itself about making plans.
    Steps,
}

const fn lowering(
    id: &'static str,
    sentence: &'static str,
    lowers: &'static [(P, Level)],
) -> Direction {
    Direction { id, sentence, lowers, replaces: &[], instead: &[], needs: Needs::Nothing }
}

impl Direction {
    const fn replacing(mut self, replaces: &'static [P], instead: &'static [(P, Level)]) -> Self {
        self.replaces = replaces;
        self.instead = instead;
        self
    }

    const fn needing(mut self, needs: Needs) -> Self {
        self.needs = needs;
        self
    }
}

/// Every direction. Where two serve the same primitive, the one that replaces it comes first.
pub const DIRECTIONS: [Direction; 20] = [
    lowering(
        "compute-by-program",
        "Compute every number with a small program and copy its output; do not compute in your head.",
        &[],
    )
    .replacing(
        &[P::ReasonArithmetic, P::ReasonSpatial],
        &[(P::ToolExec, Level::L1), (P::GenCodePython, Level::L1)],
    ),
    lowering(
        "one-operation",
        "Do one calculation at a time and write its result down before the next.",
        &[(P::ReasonArithmetic, Level::L1), (P::ReasonSpatial, Level::L1)],
    ),
    lowering(
        "copy-code",
        "Copy code blocks as they are and change only the values that have to be filled in.",
        &[],
    )
    .replacing(
        &[P::GenCodePython, P::GenCodeJavascript, P::GenCodeShell, P::GenCodeSql, P::GenCodeHtml],
        &[(P::FollowFormat, Level::L1), (P::ToolFileWrite, Level::L1)],
    )
    .needing(Needs::Code),
    lowering(
        "one-command",
        "Run one command at a time: pass it to the tool exactly as it is written, with its variables set in the same call, and read the output before the next.",
        &[(P::ToolExec, Level::L1)],
    )
    .replacing(&[P::ToolExec, P::FollowDelegation], &[(P::ToolCallFormat, Level::L1)])
    .needing(Needs::Code),
    lowering(
        "exact-request",
        "Send each request exactly as it is written, one at a time, and ask for a further page only when the answer names one.",
        &[(P::ToolWeb, Level::L1)],
    )
    .needing(Needs::Code),
    lowering(
        "copy-arguments",
        "Pass arguments in the form that is shown, and change only the values that have to be filled in.",
        &[(P::ToolCallFormat, Level::L1)],
    )
    .needing(Needs::Code),
    lowering(
        "fill-in-data",
        "Build JSON and YAML from the block that is shown: copy it, then replace one value at a time.",
        &[(P::GenTextStructured, Level::L1)],
    )
    .needing(Needs::Code),
    lowering(
        "part-by-part",
        "Write a long text part by part, one heading at a time, and add each part to the same file.",
        &[(P::GenTextLong, Level::L1)],
    ),
    lowering(
        "outline-first",
        "Write an outline first, one line a paragraph, then one paragraph for each line.",
        &[(P::GenTextProse, Level::L1)],
    ),
    lowering(
        "match-in-two-steps",
        "To match a pattern, first pick the lines that hold its fixed text, then check each of them for the rest.",
        &[(P::GenRegex, Level::L1)],
    ),
    lowering(
        "one-condition",
        "Check conditions one at a time in the order in which they stand, act on the first that holds, and if none holds go on with the next step.",
        &[(P::ReasonLogic, Level::L1)],
    ),
    lowering(
        "given-order",
        "Keep to the order that is given here; do not make a plan of your own.",
        &[(P::ReasonPlanning, Level::L1)],
    )
    .replacing(&[P::ReasonPlanning], &[(P::FollowProcedure, Level::L1)])
    .needing(Needs::Steps),
    lowering(
        "one-part",
        "Look at one part at a time, say what it does, and name the first part that does not do what it should.",
        &[(P::ReasonAnalysis, Level::L1)],
    ),
    lowering(
        "one-file",
        "Read the files that are named one at a time, each by its path.",
        &[(P::ToolFileRead, Level::L1)],
    ),
    lowering(
        "one-write",
        "Write one file at a time, and a long one in several short parts.",
        &[(P::ToolFileWrite, Level::L1)],
    ),
    lowering(
        "one-call",
        "Make one tool call at a time, also where several could be made at once.",
        &[],
    )
    .replacing(&[P::ToolCallBatch], &[(P::ToolCallFormat, Level::L1)]),
    lowering(
        "one-page",
        "Finish with one page of the browser before you open the next.",
        &[(P::ToolBrowser, Level::L2)],
    ),
    lowering(
        "fill-in-form",
        "Give the answer in the form that is shown: copy it and replace only the values.",
        &[(P::FollowFormat, Level::L1)],
    )
    .needing(Needs::Form),
    lowering(
        "one-step",
        "Do the steps one at a time, in order; when a step fails, try it at most 5 times, then stop and say what is left.",
        &[(P::FollowProcedure, Level::L1), (P::FollowDelegation, Level::L1)],
    ),
    lowering(
        "like-the-example",
        "Write every part in the manner of the example that is shown.",
        &[(P::FollowStyle, Level::L1)],
    )
    .needing(Needs::Example),
];

static AUTOMATON: LazyLock<Option<AhoCorasick>> =
    LazyLock::new(|| AhoCorasick::new(DIRECTIONS.iter().map(|direction| direction.sentence)).ok());

/// The directions that stand in a skill's prose, in the order of [`DIRECTIONS`].
#[must_use]
pub fn directions_in(skill: &Skill) -> Vec<&'static Direction> {
    let Some(automaton) = AUTOMATON.as_ref() else { return Vec::new() };
    let body = skill.document().span();
    // Most skills have none, and one look at the whole text tells.
    if !automaton.is_match(body.text(skill.source())) {
        return Vec::new();
    }
    let mut present = [false; DIRECTIONS.len()];
    for (_, span) in prose(skill.document()) {
        for found in automaton.find_iter(span.text(skill.source())) {
            present[found.pattern().as_usize()] = true;
        }
    }
    DIRECTIONS.iter().zip(present).filter(|(_, present)| *present).map(|(d, _)| d).collect()
}

/// Whether a skill has what a direction speaks about.
pub(crate) fn shows(skill: &Skill, needs: Needs) -> bool {
    let document = skill.document();
    let below = |words: &[&str]| {
        let holds = |title: &str| {
            let title = title.to_lowercase();
            words.iter().any(|word| title.contains(word))
        };
        let sections = document.sections().iter();
        let mut named = sections.filter(|section| holds(section.title())).map(|s| s.span());
        named.any(|around| {
            let fences = document.fences();
            let next = fences.partition_point(|fence| fence.span().start < around.start);
            fences.get(next).is_some_and(|fence| around.contains(fence.span()))
        })
    };
    match needs {
        Needs::Nothing => true,
        Needs::Code => !document.fences().is_empty() || !document.code_spans().is_empty(),
        Needs::Form => below(&["format", "output", "template", "report", "response"]),
        Needs::Example => below(&["example", "sample"]),
        Needs::Steps => {
            let about = skill.description().unwrap_or("").to_lowercase();
            !about.contains("plan")
                && document.step_lists().iter().any(|list| is_procedure(skill, list))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directions_are_told_apart_by_id_and_sentence() {
        for (index, one) in DIRECTIONS.iter().enumerate() {
            for other in &DIRECTIONS[index + 1..] {
                assert_ne!(one.id, other.id);
                assert!(!other.sentence.contains(one.sentence), "{}", one.id);
            }
            assert!(one.sentence.ends_with('.') && !one.sentence.contains('\n'));
            assert_eq!(one.replaces.is_empty(), one.instead.is_empty(), "{}", one.id);
        }
    }

    #[test]
    fn a_direction_counts_in_prose_and_not_in_code() {
        let sentence = DIRECTIONS[0].sentence;
        let ids = |text: String| -> Vec<&str> {
            directions_in(&Skill::from_text("x", text)).iter().map(|d| d.id).collect()
        };
        assert_eq!(ids(format!("# A\n\n- {sentence}\n")), [DIRECTIONS[0].id]);
        assert_eq!(ids(format!("# A\n\n```\n{sentence}\n```\n")), Vec::<&str>::new());
        assert_eq!(ids(format!("# A\n\n> {sentence}\n")), Vec::<&str>::new());
    }
}
