//! What a skill uses.

mod commands;
mod downloads;
mod files;
mod imports;
mod surroundings;

use skvm_core::artifact::{CodeBlock, CodeIndex, CodeOrigin};
use skvm_core::skill::Skill;

use super::collector::Collector;
pub(super) use imports::{is_own_module, is_own_package};

pub(super) fn collect(skill: &Skill, code: &CodeIndex, collector: &mut Collector<'_>) {
    imports::collect(skill, code, collector);
    commands::collect(skill, code, collector);
    surroundings::collect(skill, code, collector);
    downloads::collect(skill, code, collector);
    files::collect(skill, code, collector);
}

/// The bundle file that a block is; `None` for one of the text.
fn file_of(block: &CodeBlock) -> Option<&str> {
    match &block.origin {
        CodeOrigin::File { path } => Some(path.as_str()),
        CodeOrigin::Fence { .. } | CodeOrigin::Inline { .. } => None,
    }
}
