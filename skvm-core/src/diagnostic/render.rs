//! The one renderer of diagnostics.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::{Diagnostic, Severity};
use crate::span::Span;

/// Renders a finding for people, with the line it points at. Plain text, no colour.
///
/// `name` is what the source is called (usually the path of `SKILL.md`) and `source` the text that
/// [`Diagnostic::span`] points into.
///
/// ```
/// use skvm_core::diagnostic::{Code, Diagnostic, render};
/// use skvm_core::span::Span;
///
/// let finding = Diagnostic::warning(Code::new("demo/word"), "this word is wrong").at(Span::new(5, 8));
/// let text = render(&finding, "SKILL.md", "read teh file\n");
/// assert!(text.contains("SKILL.md:1:6"));
/// ```
#[must_use]
pub fn render(diagnostic: &Diagnostic, name: &str, source: &str) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let code = diagnostic.code.to_string();
    let title = level.primary_title(diagnostic.message.clone()).id(code);
    let mut group = match diagnostic.span.filter(|span| span.get(source).is_some()) {
        Some(span) if diagnostic.file.is_none() => title.element(
            Snippet::source(source.to_owned())
                .path(name.to_owned())
                .annotation(AnnotationKind::Primary.span(first_line(span, source).into())),
        ),
        _ => Group::with_title(title).element(Level::NOTE.message(match &diagnostic.file {
            Some(file) => format!("in {file} of {name}"),
            None => format!("in {name}"),
        })),
    };
    for note in &diagnostic.notes {
        group = group.element(Level::NOTE.message(note.clone()));
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(help.clone()));
    }
    Renderer::plain().render(&[group])
}

/// A finding about a whole section is shown at its first line only.
fn first_line(span: Span, source: &str) -> Span {
    let length = span.text(source).lines().next().map_or(0, str::len);
    Span::new(span.start, span.start + length)
}
