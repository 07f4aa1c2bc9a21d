//! The rule `script-path`.

use skvm_core::artifact::{CodeOrigin, ScriptUse};
use skvm_core::capability::{Level, Primitive};
use skvm_core::edit::{Edit, EditKind, EditReason};
use skvm_core::skill::BundleFile;

use super::super::{RewriteRule, RuleInput, purpose_around};
use crate::code::{means_own, path_at};

/// The rule `script-path`: references to the skill's own scripts become absolute paths at the place
/// of installation, run through an interpreter.
///
/// A relative path works only from the right folder, and a script without its interpreter only with
/// the right permission bits, which published skills have lost. Both are things that a weak target
/// does not find out. This is the example that the paper gives for PASS-1.
///
/// In a command only what it runs is rewritten: `cp`, `rm` and `git add` may well mean a file of the
/// user's that goes by the same name.
#[derive(Debug, Clone, Copy, Default)]
pub struct ScriptPath;

impl RewriteRule for ScriptPath {
    fn id(&self) -> &'static str {
        "script-path"
    }

    fn primitives(&self) -> &'static [Primitive] {
        &[Primitive::ToolExec]
    }

    fn edits(&self, input: &RuleInput<'_>) -> Vec<Edit> {
        let mut edits = Vec::new();
        for block in &input.code.blocks {
            if matches!(block.origin, CodeOrigin::File { .. }) {
                continue;
            }
            for script in &block.scripts {
                // In a command what is not run is data; standing alone it is a reference.
                let is_alone =
                    matches!(block.origin, CodeOrigin::Inline { span, .. } if span == script.span);
                if !script.run && !script.as_program && !is_alone {
                    continue;
                }
                let file = input.skill.bundle().file(&script.path);
                let Some(file) = file.filter(|file| file.interpreter().is_some()) else { continue };
                edits.extend(self.edit(input, script, file));
            }
        }
        edits
    }
}

impl ScriptPath {
    fn edit(&self, input: &RuleInput<'_>, script: &ScriptUse, file: &BundleFile) -> Option<Edit> {
        let written = script.span.text(input.skill.source());
        let path = input.install_dir.join(&script.path);
        let path = path.to_str()?;
        if (script.absolute && !script.as_program)
            || !means_own(input.skill.bundle(), script, written, path)
        {
            return None;
        }
        let (span, path) = path_at(input.skill.source(), script.span, path)?;
        let replacement = match file.interpreter().filter(|_| script.as_program) {
            Some(interpreter) => format!("{interpreter} {path}"),
            None => path,
        };
        let note = format!("{} is named by its full path", script.path);
        let mut reason = EditReason::new(self.id(), EditKind::Substitution, note);
        reason.purpose = purpose_around(input, script.span);
        reason.primitive = Some(Primitive::ToolExec);
        (reason.from, reason.to) = (Some(Level::L2), Some(Level::L1));
        Some(Edit::replace(span, replacement, reason))
    }
}
