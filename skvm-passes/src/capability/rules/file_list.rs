//! The rule `file-list`.

use std::collections::BTreeSet;

use skvm_core::capability::{Level, Primitive};
use skvm_core::edit::{Edit, EditKind, EditReason};

use super::super::{RewriteRule, RuleInput, purpose_around};
use crate::requirements::{FILES_FOLLOW, unlisted_folders};

/// The rule `file-list`: where a skill first says to read a folder, the files are named.
#[derive(Debug, Clone, Copy, Default)]
pub struct FileList;

/// Longest list; a folder with more files is left as it is.
const MAX_FILES: usize = 12;

impl RewriteRule for FileList {
    fn id(&self) -> &'static str {
        "file-list"
    }

    fn primitives(&self) -> &'static [Primitive] {
        &[Primitive::ToolFileRead]
    }

    fn edits(&self, input: &RuleInput<'_>) -> Vec<Edit> {
        let mut edits = Vec::new();
        let mut seen = BTreeSet::new();
        for (code, folder) in unlisted_folders(input.skill) {
            // Once said, it is known.
            if !seen.insert(folder) {
                continue;
            }
            let names: Vec<String> = input
                .skill
                .bundle()
                .files()
                .iter()
                .filter(|file| file.path().starts_with(folder) && file.text().is_some())
                .map(|file| format!("`{}`", input.install_dir.join(file.path()).display()))
                .filter(|name| !name.contains(char::is_control) && name.matches('`').count() == 2)
                .collect();
            if names.is_empty() || names.len() > MAX_FILES {
                continue;
            }
            let note = format!("the files of {folder} are named");
            let mut reason = EditReason::new(self.id(), EditKind::Compensation, note);
            reason.purpose = purpose_around(input, code.span());
            reason.primitive = Some(Primitive::ToolFileRead);
            (reason.from, reason.to) = (Some(Level::L2), Some(Level::L1));
            let text = format!("{FILES_FOLLOW}{})", names.join(", "));
            edits.push(Edit::insert(code.span().end, text, reason));
        }
        edits
    }
}
