//! The YAML block at the head of a `SKILL.md`.

use serde_json::Value;

use super::codes;
use super::repair;
use super::yaml::{Field, read_yaml};
use crate::diagnostic::Diagnostic;
use crate::span::Span;

/// The front matter: every key in the order of the file, and how it was obtained.
#[derive(Debug, Clone, PartialEq)]
pub struct FrontMatter {
    state: FrontMatterState,
    span: Option<Span>,
    fields: Vec<Field>,
}

/// How the front matter was obtained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrontMatterState {
    /// There is none.
    Missing,
    /// It is there and is valid YAML.
    Valid,
    /// It is there, and a repair made it readable; a diagnostic tells which.
    Repaired,
}

impl FrontMatter {
    /// How the front matter was obtained.
    #[must_use]
    pub fn state(&self) -> FrontMatterState {
        self.state
    }

    /// From the first `---` to the line end after the last one; `None` when there is no front matter.
    #[must_use]
    pub fn span(&self) -> Option<Span> {
        self.span
    }

    /// Every key with its value, in the order of the file.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.fields.iter().find(|field| field.key == key).map(|field| &field.value)
    }

    /// Reads the front matter of `source` and tells where the body begins.
    pub(super) fn parse(source: &str, diagnostics: &mut Vec<Diagnostic>) -> (Self, usize) {
        let Some(block) = Block::find(source, diagnostics) else {
            let missing = Self { state: FrontMatterState::Missing, span: None, fields: Vec::new() };
            let bom = if source.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
            return (missing, bom);
        };
        let yaml = block.yaml.text(source);
        let (fields, repaired) = match read_yaml(yaml) {
            Ok(fields) => (fields, block.recovered),
            Err(error) => {
                diagnostics.push(
                    Diagnostic::error(codes::INVALID_YAML, "the front matter is not valid YAML")
                        .at(error.span(block.yaml))
                        .with_note(error.message)
                        .with_help("put quotes around a value that contains `: `"),
                );
                let repair = repair::repair(yaml);
                for change in &repair.changes {
                    diagnostics.push(
                        Diagnostic::warning(codes::REPAIRED, change.what.clone())
                            .at(change.span.shifted(block.yaml.start)),
                    );
                }
                (repair.fields, true)
            }
        };
        let state = if repaired { FrontMatterState::Repaired } else { FrontMatterState::Valid };
        (Self { state, span: Some(block.whole), fields }, block.body)
    }
}

/// Where the front matter lies.
struct Block {
    whole: Span,
    yaml: Span,
    body: usize,
    recovered: bool,
}

fn is_delimiter(line: &str) -> bool {
    line.trim_end() == "---"
}

/// A line that opens a YAML mapping entry at the top level: `word: …`.
fn is_key_line(line: &str) -> bool {
    line.split_once(':').is_some_and(|(key, value)| {
        !key.is_empty()
            && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && (value.is_empty() || value.starts_with([' ', '\t', '\r', '\n']))
    })
}

impl Block {
    fn find(source: &str, diagnostics: &mut Vec<Diagnostic>) -> Option<Self> {
        let start = skip_preamble(source);
        let rest = source.get(start..)?;
        let first = rest.split_inclusive('\n').next()?;
        if is_delimiter(first) {
            return Some(Self::delimited(source, start, first.len(), diagnostics));
        }
        if first.starts_with("name:") || first.starts_with("description:") {
            let end = end_of_entries(rest);
            let yaml = Span::new(start, start + end);
            let after = rest.get(end..).unwrap_or("");
            let closing = after.split_inclusive('\n').next().filter(|line| is_delimiter(line));
            let body = yaml.end + closing.map_or(0, str::len);
            diagnostics.push(
                Diagnostic::error(codes::UNDELIMITED, "the front matter has no `---` lines")
                    .at(yaml)
                    .with_help("put a line `---` before and after it"),
            );
            return Some(Self { whole: Span::new(start, body), yaml, body, recovered: true });
        }
        None
    }

    fn delimited(
        source: &str,
        start: usize,
        opening: usize,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Self {
        let yaml_start = start + opening;
        let rest = source.get(yaml_start..).unwrap_or("");
        let mut at = yaml_start;
        for line in rest.split_inclusive('\n') {
            let next = at + line.len();
            if is_delimiter(line) {
                let (whole, yaml) = (Span::new(start, next), Span::new(yaml_start, at));
                return Self { whole, yaml, body: next, recovered: false };
            }
            at = next;
        }
        let yaml = Span::new(yaml_start, yaml_start + end_of_entries(rest));
        diagnostics.push(
            Diagnostic::error(codes::UNCLOSED, "the front matter is opened and never closed")
                .at(Span::new(start, yaml_start))
                .with_help("put a line `---` after the last key"),
        );
        Self { whole: Span::new(start, yaml.end), yaml, body: yaml.end, recovered: true }
    }
}

/// Passes over what may stand before the front matter: a byte order mark, blank lines, a comment.
fn skip_preamble(source: &str) -> usize {
    let bom = if source.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let blank = |at: usize| -> usize {
        let rest = source.get(at..).unwrap_or("");
        let lines = rest.split_inclusive('\n').take_while(|line| line.trim().is_empty());
        at + lines.map(str::len).sum::<usize>()
    };
    let start = blank(bom);
    let rest = source.get(start..).unwrap_or("");
    let after_comment = rest
        .strip_prefix("<!--")
        .and_then(|comment| comment.find("-->"))
        .map(|end| blank(start + "<!--".len() + end + "-->".len()));
    match after_comment {
        Some(at)
            if source.get(at..).is_some_and(|r| r.lines().next().is_some_and(is_delimiter)) =>
        {
            at
        }
        _ => start,
    }
}

/// Length of the leading lines that look like YAML entries; they end at a blank line or a heading.
fn end_of_entries(text: &str) -> usize {
    text.split_inclusive('\n')
        .take_while(|line| {
            is_key_line(line) || (line.starts_with([' ', '\t', '-']) && !line.trim().is_empty())
        })
        .map(str::len)
        .sum()
}
