//! Prerequisites that the text names: the least sure source.

use skvm_core::artifact::{DependencyKind as Kind, DependencySource as Source};
use skvm_core::skill::Skill;
use skvm_core::span::Span;

use super::collector::{Collector, Facts, Place};
use super::names::program;

/// Words of headings under which prerequisites stand.
const HEADINGS: [&str; 6] =
    ["requirement", "requirements", "prerequisite", "prerequisites", "dependencies", "requires"];

/// Programs whose names are no words of English, so that they need no backticks.
const UNMISTAKABLE: [&str; 12] = [
    "curl",
    "ffmpeg",
    "gh",
    "git",
    "jq",
    "kubectl",
    "pandoc",
    "tesseract",
    "tmux",
    "uv",
    "wget",
    "yt-dlp",
];

const SERVICES: [(&str, &str); 7] = [
    ("docker", "docker"),
    ("mongodb", "mongodb"),
    ("mysql", "mysql"),
    ("ollama", "ollama"),
    ("postgres", "postgresql"),
    ("postgresql", "postgresql"),
    ("redis", "redis"),
];

pub(super) fn collect(skill: &Skill, collector: &mut Collector<'_>) {
    let document = skill.document();
    let sections = document.sections().iter().filter(|section| {
        let title = section.title().to_lowercase();
        let mut words = title.split(|c: char| !c.is_alphanumeric());
        section.heading().is_some() && words.any(|word| HEADINGS.contains(&word))
    });
    for section in sections {
        lines(skill, section.span(), collector);
    }
    let said = skill.front_matter().span().filter(|_| skill.metadata().compatibility.is_some());
    if let Some(block) = said {
        let text = block.text(skill.source());
        // The value may go on in lines below.
        let mut lines = text.lines().skip_while(|line| !line.starts_with("compatibility:"));
        let first = lines.next();
        let more = lines.take_while(|line| line.starts_with([' ', '\t']));
        for span in first.into_iter().chain(more).filter_map(|line| Span::of_slice(text, line)) {
            line_of(skill, span.shifted(block.start), collector);
        }
    }
}

/// The lines of a section that are not code.
fn lines(skill: &Skill, section: Span, collector: &mut Collector<'_>) {
    let text = section.text(skill.source());
    for line in text.lines() {
        let Some(span) = Span::of_slice(text, line) else { continue };
        let span = span.shifted(section.start);
        let fences = skill.document().fences();
        let next = fences.partition_point(|fence| fence.span().end < span.end);
        let in_code = fences.get(next).is_some_and(|fence| fence.span().contains(span));
        if !in_code && !line.trim_start().starts_with('#') {
            line_of(skill, span, collector);
        }
    }
}

fn line_of(skill: &Skill, line: Span, collector: &mut Collector<'_>) {
    let text = line.text(skill.source());
    let place = |word: &str| {
        let span = Span::of_slice(text, word).map(|span| span.shifted(line.start));
        Place { source: Source::Prose, file: None, span }
    };
    let words: Vec<&str> = text
        .split(|c: char| !(c.is_alphanumeric() || "._-+>=≥".contains(c)))
        .map(|word| word.trim_end_matches('.'))
        .filter(|word| !word.is_empty())
        .collect();
    for (at, word) in words.iter().enumerate() {
        let lower = word.to_lowercase();
        let runtime = match lower.as_str() {
            "python" | "python3" => Some(("python", "python3")),
            "node" | "node.js" | "nodejs" => Some(("node", "node")),
            _ => None,
        };
        if let Some((runtime, provides)) = runtime {
            let requirement = words.get(at + 1).and_then(|next| least(next, words.get(at + 2)));
            let facts = Facts { requirement, ..Facts::providing(provides) };
            collector.add(Kind::Runtime, runtime, facts, place(word));
        } else if let Some((_, service)) = SERVICES.iter().find(|(name, _)| *name == lower) {
            collector.add(Kind::Service, service, Facts::default(), place(word));
        } else if UNMISTAKABLE.binary_search(&lower.as_str()).is_ok() {
            collector.add(Kind::Program, &lower, Facts::default(), place(word));
        }
    }
    let spans = skill.document().code_spans();
    let first = spans.partition_point(|code| code.content().start < line.start);
    let inside = spans.iter().skip(first).map(|code| code.content());
    for code in inside.take_while(|code| code.end <= line.end) {
        let word = code.text(skill.source());
        let place = Place { source: Source::Prose, file: None, span: Some(code) };
        if program::is_known(word) && program::runtime(word).is_none() {
            collector.add(Kind::Program, word, Facts::default(), place);
        }
        collector.support(Kind::Python, word, Facts::default().optional(true), place);
        collector.support(Kind::Npm, word, Facts::default().optional(true), place);
    }
}

/// `3.8+`, `>=3.8` and `3.10 or later` as `>=3.8`; `None` for what is no version.
fn least(word: &str, next: Option<&&str>) -> Option<String> {
    let number = word.trim_start_matches(['>', '=', '≥', 'v']);
    let is_open = number.ends_with('+')
        || word.starts_with(['>', '≥'])
        || next.is_some_and(|next| matches!(*next, "or" | "and"));
    let number = number.trim_end_matches(['+', 'x', 'X', '.']);
    let is_version = !number.is_empty()
        && number.len() < 12
        && number
            .split('.')
            .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
    (is_version && (is_open || !number.contains('.') || number.split('.').count() == 2))
        .then(|| format!(">={number}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_for_the_search() {
        assert!(UNMISTAKABLE.is_sorted());
    }

    #[test]
    fn versions_in_words() {
        let cases = [
            ("3.8+", None, Some(">=3.8")),
            (">=18", None, Some(">=18")),
            ("≥3.10", None, Some(">=3.10")),
            ("3.10", Some("or"), Some(">=3.10")),
            ("3", None, Some(">=3")),
            ("18.x", None, Some(">=18")),
            ("scripts", None, None),
            ("+", None, None),
        ];
        for (word, next, expected) in cases {
            assert_eq!(least(word, next.as_ref()).as_deref(), expected, "{word}");
        }
    }
}
