//! The places in a skill's code that a lesson is about.

use std::path::Path;

use skvm_core::artifact::{CodeBlock, CodeIndex, CodeLanguage, CodeOrigin, Command};
use skvm_core::edit::{Edit, EditKind, EditReason};
use skvm_core::skill::{BundleFile, Skill};
use skvm_core::span::Span;

use crate::code::{launched, path_at};

/// Most edits for one lesson.
const MAX_EDITS: usize = 64;

/// Longest word that a lesson may put into a command.
const MAX_WORD: usize = 120;

/// The names of interpreters, by what they run.
const INTERPRETERS: [&[&str]; 5] = [
    &["python", "python3"],
    &["sh", "bash", "dash", "zsh"],
    &["node", "nodejs"],
    &["ruby"],
    &["perl"],
];

pub(super) struct Places<'a> {
    pub(super) skill: &'a Skill,
    pub(super) code: &'a CodeIndex,
    pub(super) install_dir: &'a Path,
}

impl Places<'_> {
    /// The blocks that stand in the skill's text, with their places.
    fn blocks(&self) -> impl Iterator<Item = &CodeBlock> {
        let in_text = |block: &&CodeBlock| !matches!(block.origin, CodeOrigin::File { .. });
        self.code.blocks.iter().filter(in_text)
    }

    /// Names a file by its full path, wherever code refers to it or has the written name.
    pub(super) fn path(&self, written: &str, file: &str) -> Vec<Edit> {
        let Some(file) = self.skill.bundle().file(file) else { return Vec::new() };
        let mut edits: Vec<Edit> = Vec::new();
        for block in self.blocks() {
            let references = block.scripts.iter().filter(|script| script.path == file.path());
            let references = references.filter(|script| !script.absolute).map(|script| script.span);
            let literal = self.literal(block, written);
            for span in references.chain(literal) {
                let is_known = edits.iter().any(|edit| edit.span.overlaps(span));
                if !is_known && let Some(edit) = self.named(span, file, None) {
                    edits.push(edit);
                }
            }
        }
        edits.truncate(MAX_EDITS);
        edits
    }

    /// Runs a script through its interpreter, by its full path.
    pub(super) fn script(&self, file: &str) -> Vec<Edit> {
        let Some(file) = self.skill.bundle().file(file) else { return Vec::new() };
        let Some(interpreter) = file.interpreter() else { return Vec::new() };
        let mut edits = Vec::new();
        for block in self.blocks() {
            let uses = block.scripts.iter().filter(|script| script.path == file.path());
            for script in uses.filter(|script| script.as_program || script.run) {
                let runs_it = |command: &&Command| {
                    command.span.contains(script.span) && command.word.end <= script.span.start
                };
                let command = block.commands.iter().find(runs_it);
                let through = script.as_program.then_some(interpreter);
                let run = command.and_then(|it| self.run_by(it, interpreter, script.span, file));
                edits.extend(run.or_else(|| self.named(script.span, file, through)));
            }
        }
        edits.truncate(MAX_EDITS);
        edits
    }

    /// Another interpreter in the place of one that runs another language, and the file by its full path. It is one edit:
    /// the guard passes a new interpreter only where it is seen to run a file of the skill's own.
    fn run_by(
        &self,
        command: &Command,
        interpreter: &str,
        script: Span,
        file: &BundleFile,
    ) -> Option<Edit> {
        let group = |program: &str| INTERPRETERS.iter().position(|names| names.contains(&program));
        let (is, has_to_be) = (group(&command.program)?, group(interpreter)?);
        let source = self.skill.source();
        let written = command.word.text(source);
        if is == has_to_be || written != command.program {
            return None;
        }
        let (path_span, path) = self.path_of(script, file)?;
        // Options are those of the other program.
        let between = Span::new(command.word.end, path_span.start).text(source);
        if !between.trim().is_empty() {
            return None;
        }
        let note = format!("{} runs {}", interpreter, file.path());
        let reason = EditReason::new("own-file", EditKind::Substitution, note);
        let span = Span::new(command.word.start, path_span.end);
        Some(Edit::replace(span, format!("{interpreter}{between}{path}"), reason))
    }

    /// The full path of a file as it is to be written in the place of a reference to it.
    fn path_of(&self, reference: Span, file: &BundleFile) -> Option<(Span, String)> {
        let path = self.install_dir.join(file.path());
        path_at(self.skill.source(), reference, path.to_str()?)
    }

    fn named(&self, span: Span, file: &BundleFile, through: Option<&str>) -> Option<Edit> {
        let source = self.skill.source();
        let (span, path) = self.path_of(span, file)?;
        let replacement = match through {
            Some(interpreter) => format!("{interpreter} {path}"),
            None => path,
        };
        let note = format!("{} was not found or not run in earlier runs", file.path());
        let reason = EditReason::new("own-file", EditKind::Substitution, note);
        (span.text(source) != replacement).then(|| Edit::replace(span, replacement, reason))
    }

    /// Where a path stands in a block as it is written, as a whole word.
    fn literal(&self, block: &CodeBlock, written: &str) -> Vec<Span> {
        let Some(place) = self.content(block) else { return Vec::new() };
        let text = place.text(self.skill.source());
        // Two characters are in too many places to mean one file.
        if written.len() < 3 || !matches!(block.facts.language, CodeLanguage::Shell) {
            return Vec::new();
        }
        let found = words(text, written)
            .map(|at| Span::new(place.start + at, place.start + at + written.len()));
        found.collect()
    }

    /// The code of a block, fences left out.
    fn content(&self, block: &CodeBlock) -> Option<Span> {
        match block.origin {
            CodeOrigin::Inline { span, .. } => Some(span),
            CodeOrigin::Fence { index, .. } => {
                let fence = self.skill.document().fences().get(index)?;
                let (first, last) = (fence.segments().first()?, fence.segments().last()?);
                Some(Span::new(first.start, last.end))
            }
            CodeOrigin::File { .. } => None,
        }
    }

    /// Replaces a word in the commands of a program, or the program itself.
    pub(super) fn word(&self, program: &str, written: &str, instead: &str) -> Vec<Edit> {
        if !is_plain(instead) || written.is_empty() || written == instead {
            return Vec::new();
        }
        let source = self.skill.source();
        let mut edits = Vec::new();
        for command in self.blocks().flat_map(|block| &block.commands) {
            let (launched, _) = launched(&command.program, &command.arguments);
            if command.program != program && launched != program {
                continue;
            }
            let text = command.span.text(source);
            let places = words(text, written).map(|at| command.span.start + at);
            let note = format!("{written:?} did not work in earlier runs, and {instead:?} did");
            for start in places {
                let span = Span::new(start, start + written.len());
                // The first word of that name is the program, also behind `sudo` and its kind.
                let before = Span::new(command.span.start, start).text(source);
                let is_program = command.word.contains(span)
                    || (launched == written && words(before, written).next().is_none());
                // An option of that name is no program, and a program no option.
                if is_program != (written == program) {
                    continue;
                }
                let reason = EditReason::new("word", EditKind::Substitution, note.clone());
                edits.push(Edit::replace(span, instead, reason));
            }
        }
        edits.truncate(MAX_EDITS);
        edits
    }
}

/// Where a word stands in a text as a whole.
fn words<'t>(text: &'t str, word: &'t str) -> impl Iterator<Item = usize> + 't {
    let before_of_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
    let behind_of_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '/');
    text.match_indices(word).map(|(at, _)| at).filter(move |at| {
        let (before, behind) = (&text[..*at], &text[at + word.len()..]);
        !before.ends_with(before_of_word) && !behind.starts_with(behind_of_word)
    })
}

/// Whether a word means itself in a shell, whatever stands around it.
fn is_plain(word: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._/=:,@%+-".contains(&b);
    !word.is_empty() && word.len() <= MAX_WORD && word.bytes().all(plain)
}
