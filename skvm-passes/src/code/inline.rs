//! Code between backticks: commands, and names of bundle files.

use skvm_core::artifact::{CodeBlock, CodeLanguage, CodeOrigin, ScriptUse};
use skvm_core::skill::Skill;
use skvm_core::span::Span;

use super::{MAX_BYTES, classify, empty_block, looks_like_path, placeholders, shell};

/// Inline code that is a command or names a bundle file; `None` for anything else.
pub(super) fn analyze(skill: &Skill, index: usize, content: Span) -> Option<CodeBlock> {
    let code = content.text(skill.source());
    if code.len() > MAX_BYTES {
        return None;
    }
    let origin = || CodeOrigin::Inline { index, span: content };
    let Some((first, _)) = code.split_once(' ') else {
        if !looks_like_path(code) {
            return None;
        }
        let found = skill.bundle().resolve(code)?;
        let mut block = empty_block(origin(), CodeLanguage::Other, code);
        block.scripts.push(ScriptUse {
            path: found.file.path().to_owned(),
            span: content,
            as_program: false,
            run: false,
            absolute: code.starts_with('/'),
        });
        return Some(block);
    };
    let is_own = first.contains('/') && skill.bundle().resolve(first).is_some();
    if !is_own && !classify::is_well_known(first) {
        return None;
    }
    let to_source = |span: Span| span.shifted(content.start);
    let mut block = empty_block(origin(), CodeLanguage::Shell, code);
    shell::analyze(code, skill.bundle(), &to_source, &mut block);
    block.placeholders = placeholders(code, &to_source);
    Some(block)
}
