//! The places in a skill's code that a lesson is about.

use std::path::Path;

use skvm_core::artifact::{CodeBlock, CodeIndex, CodeLanguage, CodeOrigin, Command, ScriptUse};
use skvm_core::edit::{Edit, EditKind, EditReason};
use skvm_core::skill::{BundleFile, Skill};
use skvm_core::span::Span;

use super::words::{is_open, parts, whole, words};
use crate::code::{launched, looks_like_path, means_own, path_at, path_is_plain};
use crate::guard::is_same_program;

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
            let references = block.scripts.iter().filter(|script| {
                script.path == file.path()
                    && (script.span.text(self.skill.source()) == written || self.is_own(script))
            });
            let references = references.map(|script| script.span);
            let literal = self.literal(block, written, file);
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
                if !self.is_own(script) {
                    continue;
                }
                let through = script.as_program.then_some(interpreter);
                let edit = self
                    .run_by(block, script, interpreter, file)
                    .or_else(|| self.named(script.span, file, through));
                edits.extend(edit);
            }
        }
        edits.truncate(MAX_EDITS);
        edits
    }

    /// Whether a reference means the skill's own file rather than one of the user's with the same name.
    fn is_own(&self, script: &ScriptUse) -> bool {
        let installed = self.installed(&script.path);
        let written = script.span.text(self.skill.source());
        installed.is_some_and(|path| means_own(self.skill.bundle(), script, written, &path))
    }

    fn installed(&self, file: &str) -> Option<String> {
        Some(self.install_dir.join(file).to_str()?.to_owned())
    }

    /// The file's interpreter in the place of one that runs another language, with the options that are meant for that.
    fn run_by(
        &self,
        block: &CodeBlock,
        script: &ScriptUse,
        interpreter: &str,
        file: &BundleFile,
    ) -> Option<Edit> {
        let group = |program: &str| INTERPRETERS.iter().position(|names| names.contains(&program));
        let source = self.skill.source();
        let is_fence = matches!(block.origin, CodeOrigin::Fence { .. });
        if !is_fence || script.as_program {
            return None;
        }
        let commands = block.commands.iter().filter(|command| {
            command.span.contains(script.span) && command.word.end <= script.span.start
        });
        // Of commands inside commands, the one that the script stands in.
        let command = commands.min_by_key(|command| command.span.len())?;
        let path = self.installed(file.path())?;
        let (place, path) = path_at(source, script.span, &path)?;
        let front = Span::new(command.word.start, place.start);
        let is_meant = |word: &Span| !word.text(source).starts_with(['-', '\\']);
        let runs = words(source, front).into_iter().rev().find(is_meant)?;
        let program = runs.text(source).rsplit('/').next()?;
        if group(program)? == group(interpreter)? {
            return None;
        }
        let note = format!("{} runs {}", interpreter, file.path());
        let reason = EditReason::new("own-file", EditKind::Substitution, note);
        let whole = Span::new(runs.start, place.end);
        Some(Edit::replace(whole, format!("{interpreter} {path}"), reason))
    }

    fn named(&self, span: Span, file: &BundleFile, through: Option<&str>) -> Option<Edit> {
        let source = self.skill.source();
        let (span, path) = path_at(source, span, &self.installed(file.path())?)?;
        let replacement = match through {
            Some(interpreter) => format!("{interpreter} {path}"),
            None => path,
        };
        let note = format!("{} was not found or not run in earlier runs", file.path());
        let reason = EditReason::new("own-file", EditKind::Substitution, note);
        (span.text(source) != replacement).then(|| Edit::replace(span, replacement, reason))
    }

    /// Where a path stands in a block as it is written, as a whole word.
    fn literal(&self, block: &CodeBlock, written: &str, file: &BundleFile) -> Vec<Span> {
        let source = self.skill.source();
        let Some(place) = self.content(block) else { return Vec::new() };
        // Two characters are in too many places to mean one file.
        if written.len() < 3 || !looks_like_path(written) {
            return Vec::new();
        }
        // Quotes inside of quotes would end them.
        let is_plain = self.installed(file.path()).is_some_and(|path| path_is_plain(&path));
        let fits = |span: &Span| {
            let before = Span::new(place.start, span.start).text(source);
            let quote = before.chars().next_back().filter(|c| matches!(c, '"' | '\''));
            let is_quoted = quote.is_some_and(|quote| source[span.end..].starts_with(quote));
            is_plain || is_quoted || !is_open(before)
        };
        whole(source, place, written).filter(fits).collect()
    }

    /// The code of a block of shell commands, fences left out.
    fn content(&self, block: &CodeBlock) -> Option<Span> {
        let CodeOrigin::Fence { index, .. } = block.origin else { return None };
        let fence = self.skill.document().fences().get(index)?;
        let (first, last) = (fence.segments().first()?, fence.segments().last()?);
        let is_shell = block.facts.language == CodeLanguage::Shell;
        is_shell.then(|| Span::new(first.start, last.end))
    }

    /// Replaces a word in the commands of a program, or the program itself by another of its names.
    pub(super) fn word(&self, program: &str, written: &str, instead: &str) -> Vec<Edit> {
        let source = self.skill.source();
        let leads_out = leads_out(instead)
            && whole(source, Span::new(0, source.len()), instead).next().is_none();
        if !is_plain(instead) || leads_out || written.is_empty() || written == instead {
            return Vec::new();
        }
        let is_renamed = written == program && is_same_program(program, instead);
        let mut edits = Vec::new();
        // In inline code nothing but paths of the skill's files may change.
        let fences = self.blocks().filter(|b| matches!(b.origin, CodeOrigin::Fence { .. }));
        for block in fences {
            for command in &block.commands {
                for (word, is_program) in words_of(source, block, command, program) {
                    let places = match is_program {
                        true if is_renamed => parts(source, word).take(1),
                        true => continue,
                        // An option of a program's name is an option.
                        false if written == program => continue,
                        // An option with its value takes the place of a whole word.
                        false if instead.contains('=') => parts(source, word).take(1),
                        false => parts(source, word).take(3),
                    };
                    let place = places.into_iter().find(|part| part.text(source) == written);
                    let note =
                        format!("{written:?} did not work in earlier runs, and {instead:?} did");
                    let reason = EditReason::new("word", EditKind::Substitution, note);
                    edits.extend(place.map(|place| Edit::replace(place, instead, reason)));
                }
            }
        }
        edits.truncate(MAX_EDITS);
        edits
    }
}

/// The words of a command of a program, each with whether a program stands there; none of another program's command,
/// and none of a command inside it.
fn words_of<'c>(
    source: &'c str,
    block: &'c CodeBlock,
    command: &'c Command,
    program: &str,
) -> Vec<(Span, bool)> {
    let (started, rest) = launched(&command.program, &command.arguments);
    if command.program != program && started != program {
        return Vec::new();
    }
    let is_inside =
        |other: &&Command| other.span != command.span && command.span.contains(other.span);
    let inside: Vec<Span> =
        block.commands.iter().filter(is_inside).map(|other| other.span).collect();
    let from_word = Span::new(command.word.start, command.span.end);
    let behind = command.arguments.len() - rest.len();
    let words = words(source, from_word).into_iter().enumerate();
    words
        .filter(|(_, word)| !inside.iter().any(|other| other.overlaps(*word)))
        .map(|(at, word)| (word, at == 0 || at == behind))
        .collect()
}

/// Whether a word means itself in a shell, whatever stands around it, and names nobody's account.
fn is_plain(word: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._/=:,%+-".contains(&b);
    !word.is_empty() && word.len() <= MAX_WORD && word.bytes().all(plain)
}

/// Whether a word has a path in it that leads out of the folder one works in.
fn leads_out(word: &str) -> bool {
    word.split(['=', ':', ',']).any(|part| {
        // `-o/etc/x`
        let path =
            if part.starts_with('-') { part.find('/').map_or("", |at| &part[at..]) } else { part };
        path.starts_with('/') || path.split('/').any(|step| step == "..")
    })
}
