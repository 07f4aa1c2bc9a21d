//! The `lessons` pass: corrects a skill by what failures taught.
//!
//! # What it does
//! For each [`Lesson`] of the unit that is about the text, the edits that heed it: a file of the skill's own is named by
//! its full path, a script is run through its interpreter, a word of a command is replaced by the one that works, a
//! sentence out of a fixed list is added at the head. A lesson that finds no place is told. Lessons about the machine
//! are heeded by [`environment`](crate::environment), those about abilities by [`capability`](crate::capability).
//!
//! # Before/after
//! With the lesson that `pdf-cli` has no `--fmt` but `--format`, `pdf-cli convert in.pdf --fmt png` becomes
//! `pdf-cli convert in.pdf --format png`; the option of another program stays.
//!
//! # Requires
//! [`CodeIndex`]. Without lessons it does nothing.
//!
//! # Preserves
//! Everything that the [guard](crate::guard) checks: no lesson brings a program, a path or an address that the skill
//! does not have, but for the other name of an interpreter. In inline code only paths of the skill's files change.
//!
//! # Cost
//! One look at each command for each lesson about places, of which at most 64 are heeded.

mod place;
mod words;

use std::collections::BTreeSet;

use async_trait::async_trait;
use skvm_core::artifact::{Artifact, ArtifactKey, CodeIndex};
use skvm_core::diagnostic::{Code, Diagnostic};
use skvm_core::edit::{Edit, EditKind, EditReason};
use skvm_core::failure::{Advice, Lesson};
use skvm_core::pass::{Pass, PassContext, PassError, PassId};
use skvm_core::skill::Skill;

use crate::opening::{Opening, newline, opening};
use place::Places;

/// Most lessons about places that are heeded.
const MAX_LESSONS: usize = 64;

/// Most characters of a lesson that are told of it.
const MAX_SHOWN: usize = 300;

const NO_PLACE: Code = Code::new("lessons/no-place");
const TOO_MANY: Code = Code::new("lessons/too-many");

/// See the [module](self).
#[derive(Debug, Clone, Copy, Default)]
pub struct LessonsPass;

#[async_trait]
impl Pass for LessonsPass {
    fn id(&self) -> PassId {
        PassId::new("lessons")
    }

    fn version(&self) -> u32 {
        1
    }

    fn reads(&self) -> &'static [ArtifactKey] {
        &[CodeIndex::KEY]
    }

    fn heeds_lessons(&self) -> bool {
        true
    }

    async fn run(&self, cx: &mut PassContext<'_>) -> Result<(), PassError> {
        let Some(lessons) = cx.lessons() else { return Ok(()) };
        let code = cx.artifact::<CodeIndex>()?.unwrap_or_default();
        let places = Places { skill: cx.skill(), code: &code, install_dir: cx.install_dir() };
        let mut advice = BTreeSet::new();
        let mut of_places = Vec::new();
        for lesson in &lessons.lessons {
            match lesson {
                Lesson::Advice { advice: one } => _ = advice.insert(*one),
                Lesson::Path { .. } | Lesson::Script { .. } | Lesson::Word { .. } => {
                    of_places.push(lesson);
                }
                Lesson::Dependency { .. } | Lesson::Ability { .. } => {}
            }
        }
        // Who runs a script through its interpreter names its path as well.
        of_places.sort_by_key(|lesson| !matches!(lesson, Lesson::Script { .. }));
        if let Some(left) = of_places.get(MAX_LESSONS..).filter(|left| !left.is_empty()) {
            let message =
                format!("{} lessons are left out; at most {MAX_LESSONS} are heeded", left.len());
            cx.diagnose(Diagnostic::warning(TOO_MANY, message));
        }
        for lesson in of_places.into_iter().take(MAX_LESSONS) {
            let edits = match lesson {
                Lesson::Path { written, file } => places.path(written, file),
                Lesson::Script { file } => places.script(file),
                Lesson::Word { program, written, instead } => {
                    places.word(program, written, instead)
                }
                Lesson::Advice { .. } | Lesson::Dependency { .. } | Lesson::Ability { .. } => {
                    continue;
                }
            };
            if edits.is_empty() {
                let shown: String = format!("{lesson:?}").chars().take(MAX_SHOWN).collect();
                let message = format!("a lesson finds no place in the skill: {shown}");
                cx.diagnose(Diagnostic::note(NO_PLACE, message));
            }
            for edit in edits {
                // Where two lessons are about one place, the first is heeded.
                if let Err(error) = cx.edit(edit) {
                    cx.diagnose(Diagnostic::note(NO_PLACE, format!("a lesson: {error}")));
                }
            }
        }
        if let Some(edit) = advise(cx.skill(), &advice) {
            cx.edit(edit)?;
        }
        Ok(())
    }
}

/// Puts sentences at the head of a skill, one line each; those that stand in it already are left out.
fn advise(skill: &Skill, advice: &BTreeSet<Advice>) -> Option<Edit> {
    let lacks = |advice: &&Advice| !skill.source().contains(advice.sentence());
    let sentences: Vec<&str> = advice.iter().filter(lacks).map(|one| one.sentence()).collect();
    if sentences.is_empty() {
        return None;
    }
    let (Opening { at, before, after }, line) = (opening(skill), newline(skill));
    let behind = skill.source().get(at..).unwrap_or("").trim_start_matches(['\r', '\n']);
    let said = if behind.starts_with([' ', '\t']) {
        // What is indented would become a part of a list.
        format!("Learned from earlier runs: {}{line}", sentences.join(" "))
    } else {
        let item = |sentence: &&str| format!("- {sentence}{line}");
        let list: String = sentences.iter().map(item).collect();
        format!("Learned from earlier runs:{line}{line}{list}")
    };
    let text = format!("{before}{said}{after}");
    let note = "what went wrong in earlier runs is kept from going wrong again";
    Some(Edit::insert(at, text, EditReason::new("advice", EditKind::Compensation, note)))
}
