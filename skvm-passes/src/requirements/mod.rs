//! The `requirements` pass: what a skill demands, and what shows it.
//!
//! # What it does
//! Writes [`Requirements`]: one purpose a part of the skill (a section at the second heading level, or
//! the skill as a whole), each with the primitives, levels and spans that show the demand. Evidence is
//! structural: fences, commands, own scripts, lists, constraints, conditions. Words count only in name
//! and description, where their precision was measured at 55 to 87 % (elsewhere: 25 to 55 %).
//!
//! [Directions](Direction) in the text take demands down, and what the skill itself offers besides (a
//! bundled script beside code to write, a command instead of a web tool) becomes an alternative path.
//!
//! Text in set-up, troubleshooting, credits and quotations demands nothing of the agent. What a bundled
//! script does is delegation, not the agent's own reasoning.
//!
//! # Requires
//! The [`CodeIndex`].
//!
//! # Preserves
//! The text: this pass makes no edit.
//!
//! # Cost
//! Linear in the text.

mod alternatives;
mod code;
mod cues;
mod direction;
mod evidence;
mod text;

use async_trait::async_trait;
use skvm_core::artifact::{Artifact, ArtifactKey, CodeIndex};
use skvm_core::capability::Requirements;
use skvm_core::pass::{Pass, PassContext, PassError, PassId};
use skvm_core::skill::Skill;

pub(crate) use code::{ADDRESS_FOLLOWS, FILL_IN, partial_request};
pub(crate) use direction::shows;
pub use direction::{DIRECTIONS, Direction, Needs, directions_in};
use evidence::Collector;
pub(crate) use text::{
    CHECK_PREFIXES, FILES_FOLLOW, MAX_CHECKS, bindings, is_unbounded_loop, unlisted_folders,
};

/// See the [module](self).
#[derive(Debug, Clone, Copy, Default)]
pub struct RequirementsPass;

#[async_trait]
impl Pass for RequirementsPass {
    fn id(&self) -> PassId {
        PassId::new("requirements")
    }

    fn version(&self) -> u32 {
        1
    }

    fn reads(&self) -> &'static [ArtifactKey] {
        &[CodeIndex::KEY]
    }

    fn writes(&self) -> &'static [ArtifactKey] {
        &[Requirements::KEY]
    }

    async fn run(&self, cx: &mut PassContext<'_>) -> Result<(), PassError> {
        let code = cx.artifact::<CodeIndex>()?.unwrap_or_default();
        cx.put(extract(cx.skill(), &code))
    }
}

/// The requirements of a skill whose code is already read.
#[must_use]
pub fn extract(skill: &Skill, code: &CodeIndex) -> Requirements {
    let mut collector = Collector::new(skill);
    code::collect(skill, code, &mut collector);
    text::collect(skill, &mut collector);
    cues::collect(skill, &mut collector);
    let mut purposes = collector.finish();
    alternatives::apply(skill, &mut purposes);
    Requirements { skill_name: skill.name().to_owned(), purposes }
}
