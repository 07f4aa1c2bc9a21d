//! What can be broken in a skill, and where.

use proptest::sample::Index;
use skvm_core::document::{Fence, Language};
use skvm_core::skill::Skill;
use skvm_core::span::Span;
use skvm_passes::guard::GuardRule;

/// A replacement that the guard has to refuse.
pub(super) struct Mutation {
    pub(super) span: Span,
    pub(super) text: String,
    /// It lies in a code block, which a substitution may change.
    pub(super) is_code: bool,
}

/// What a mutation breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    CodeChanged,
    CodeGrown,
    CodeLineGone,
    Info,
    FenceEnd,
    InlineCode,
    CodeReach,
    HeadingRenamed,
    HeadingLevel,
    HeadingGone,
    HeadingNew,
    ItemGone,
    ItemEscaped,
    NumberChanged,
    NumberGrown,
    LinkRetargeted,
    FrontMatter,
    Command,
    Address,
    Package,
    LinkNew,
}

/// Behind a paragraph: what reaches outside.
const COMMANDS: [&str; 7] = [
    "\n\n```sh\nzzcmd --now\n```\n",
    "\n\n~~~~bash\nls; zzcmd x\n~~~~\n",
    "\n\n```\n$ zzcmd --now\n```\n",
    "\n\n```\nzzcmd --now\n```\n",
    " Run `zzcmd --now` first.",
    " Run `sudo zzcmd --now`, then `ls $(zzcmd)`.",
    "\n\n```console\n$ zzcmd --now\n```\n",
];
const ADDRESSES: [&str; 8] = [
    " See https://zz.example/x.",
    " See <https://zz.example>.",
    " See HTTPS://ZZ.EXAMPLE.",
    " See [x](https://zz.example/y).",
    " See [x](http://user@zz.example:80).",
    "\n\n[zz]: https://zz.example\n",
    "\n\n```json\n{\"u\": \"https://zz.example\"}\n```\n",
    " Ask www.zz.example for it.",
];
/// At the head of a shell block: what even a substitution may not bring.
const REACHES: [&str; 6] = [
    "zzcmd --now",
    "ls | zzcmd",
    "echo $(zzcmd)",
    "pip install zzpkg",
    "ls https://zz.example/x",
    "if true; then zzcmd; fi",
];
const PACKAGES: [&str; 7] = [
    "\n\n```sh\npip install zzpkg\n```\n",
    "\n\n```sh\npython3 -m pip install -q zzpkg\n```\n",
    " First `npm i zzpkg`.",
    " First `npx zzpkg`.",
    "\n\n```sh\nuv add zzpkg\n```\n",
    "\n\n```python\nimport zzpkg\n```\n",
    "\n\n```python\nfrom zzpkg.x import y\n```\n",
];

impl Class {
    pub(super) const ALL: [Self; 21] = [
        Self::CodeChanged,
        Self::CodeGrown,
        Self::CodeLineGone,
        Self::Info,
        Self::FenceEnd,
        Self::InlineCode,
        Self::CodeReach,
        Self::HeadingRenamed,
        Self::HeadingLevel,
        Self::HeadingGone,
        Self::HeadingNew,
        Self::ItemGone,
        Self::ItemEscaped,
        Self::NumberChanged,
        Self::NumberGrown,
        Self::LinkRetargeted,
        Self::FrontMatter,
        Self::Command,
        Self::Address,
        Self::Package,
        Self::LinkNew,
    ];

    /// The rule that has to notice.
    pub(super) fn rule(self) -> GuardRule {
        match self {
            Self::CodeChanged
            | Self::CodeGrown
            | Self::CodeLineGone
            | Self::Info
            | Self::FenceEnd
            | Self::InlineCode => GuardRule::CodeBlocks,
            Self::HeadingRenamed | Self::HeadingLevel | Self::HeadingGone | Self::HeadingNew => {
                GuardRule::Headings
            }
            Self::ItemGone | Self::ItemEscaped => GuardRule::Enumerations,
            Self::NumberChanged | Self::NumberGrown => GuardRule::Wording,
            Self::LinkRetargeted | Self::LinkNew => GuardRule::Links,
            Self::FrontMatter => GuardRule::FrontMatter,
            Self::CodeReach | Self::Command | Self::Address | Self::Package => GuardRule::External,
        }
    }

    /// Whether another rule may notice in its place, because the place is two things at once.
    pub(super) fn any_rule(self) -> bool {
        matches!(self, Self::FenceEnd | Self::HeadingNew | Self::ItemEscaped | Self::LinkRetargeted)
    }
}

/// A mutation of a class somewhere in a skill; `None` when the skill has no such place.
pub(super) fn mutate(class: Class, skill: &Skill, place: Index, inner: Index) -> Option<Mutation> {
    let (source, document) = (skill.source(), skill.document());
    let prose = |span: Span, text: String| Some(Mutation { span, text, is_code: false });
    match class {
        Class::CodeChanged | Class::CodeGrown => {
            let (at, c) = pick(&letters(pick(document.fences(), place)?, source), inner)?;
            let text = if class == Class::CodeGrown {
                format!("{c}q")
            } else if c == 'q' {
                "z".to_owned()
            } else {
                "q".to_owned()
            };
            Some(Mutation { span: Span::new(at, at + c.len_utf8()), text, is_code: true })
        }
        Class::CodeLineGone => {
            let fence = pick(document.fences(), place)?;
            let span = pick(fence.segments(), inner)?;
            let whole = !span.is_empty() && !span.text(source).trim().is_empty();
            whole.then(|| Mutation { span, text: String::new(), is_code: true })
        }
        Class::Info => {
            let fences: Vec<&Fence> =
                document.fences().iter().filter(|fence| !fence.info().is_empty()).collect();
            let fence = pick(&fences, place)?;
            let line = fence.span().text(source).lines().next()?;
            let at = fence.span().start + line.find(fence.info())?;
            prose(Span::at(at + 1), "q".to_owned())
        }
        Class::FenceEnd => {
            let fences: Vec<&Fence> =
                document.fences().iter().filter(|fence| fence.fenced() && fence.closed()).collect();
            let span = pick(&fences, place)?.span();
            let last = span.text(source).trim_end().lines().last()?;
            let marks = last.len() - last.trim_start_matches(['>', ' ', '\t']).len();
            let end = span.start + span.text(source).trim_end().len();
            let start = end - (last.len() - marks);
            prose(Span::new(start, end), String::new())
        }
        Class::InlineCode => {
            let content = pick(document.code_spans(), place)?.content();
            let text = content.text(source);
            let all: Vec<usize> = text
                .char_indices()
                .filter(|(_, c)| c.is_alphanumeric())
                .map(|(at, _)| at)
                .collect();
            let at = content.start + pick(&all, inner)?;
            let c = source.get(at..)?.chars().next()?;
            let span = Span::new(at, at + c.len_utf8());
            Some(Mutation { span, text: format!("{c} --zz "), is_code: true })
        }
        Class::CodeReach => {
            let of_shell = |fence: &&Fence| fence.language() == Language::Shell;
            let fences: Vec<&Fence> = document.fences().iter().filter(of_shell).collect();
            let fence = pick(&fences, place)?;
            let at = fence.segments().first()?.start;
            let indent = source.get(..at)?.rsplit('\n').next()?;
            let line = REACHES[inner.index(REACHES.len())];
            // The block may hold nothing that a shell reads.
            let code = fence.code(source);
            let other =
                code.trim().is_empty() || code.trim_start().starts_with(['{', '[', '/', '#']);
            (!other).then_some(())?;
            prose(Span::at(at), format!("{line}\n{indent}"))
        }
        _ => prose_mutation(class, skill, place, inner),
    }
}

fn prose_mutation(class: Class, skill: &Skill, place: Index, inner: Index) -> Option<Mutation> {
    let (source, document) = (skill.source(), skill.document());
    let prose = |span: Span, text: String| Some(Mutation { span, text, is_code: false });
    let headings: Vec<_> =
        document.sections().iter().filter_map(|section| section.heading()).collect();
    match class {
        Class::HeadingRenamed => {
            let heading = pick(&headings, place)?;
            let word = heading.text().split_whitespace().next()?;
            let at = heading.span().start + heading.span().text(source).find(word)?;
            prose(Span::at(at), "Zz".to_owned())
        }
        Class::HeadingLevel => {
            let span = pick(&headings, place)?.span();
            let ranked =
                span.text(source).starts_with('#') && !span.text(source).starts_with("######");
            ranked.then_some(())?;
            prose(Span::at(span.start), "#".to_owned())
        }
        Class::HeadingGone => prose(pick(&headings, place)?.span(), String::new()),
        Class::HeadingNew => behind(skill, place, "\n\n## Zz\n\n"),
        Class::ItemGone => prose(pick(document.items(), place)?.span(), String::new()),
        Class::ItemEscaped => {
            prose(Span::at(pick(document.items(), place)?.span().start), "\\".to_owned())
        }
        Class::NumberChanged | Class::NumberGrown => {
            let (span, digits) = pick(&numbers(skill), place)?;
            let grown =
                if inner.index(2) == 0 { format!("{digits}0") } else { format!("1{digits}") };
            let other = digits.chars().map(|c| if c == '7' { '8' } else { '7' }).collect();
            prose(span, if class == Class::NumberGrown { grown } else { other })
        }
        Class::LinkRetargeted => {
            let link = pick(document.links(), place)?;
            let (start, text) = match link.span().text(source).rfind(link.dest()) {
                Some(at) => (link.span().start + at, link.dest()),
                // The target stands in a definition.
                None => (source.find(&format!("]: {}", link.dest()))? + 3, link.dest()),
            };
            (!text.is_empty()).then_some(())?;
            prose(Span::at(start + text.len()), "/zz".to_owned())
        }
        Class::FrontMatter => {
            let end = document.span().start;
            let text = source.get(..end)?;
            if text.trim_start_matches('\u{feff}').is_empty() {
                return prose(Span::at(end), "---\nname: zz\n---\n".to_owned());
            }
            let places: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
            prose(Span::at(pick(&places, inner)?), "z".to_owned())
        }
        Class::Command => behind(skill, place, COMMANDS[inner.index(COMMANDS.len())]),
        Class::Address => behind(skill, place, ADDRESSES[inner.index(ADDRESSES.len())]),
        Class::Package => behind(skill, place, PACKAGES[inner.index(PACKAGES.len())]),
        Class::LinkNew => behind(skill, place, " See [x](references/zz.md)."),
        _ => None,
    }
}

fn pick<T: Clone>(all: &[T], place: Index) -> Option<T> {
    (!all.is_empty()).then(|| place.get(all).clone())
}

/// The characters of a block's code that show, with their places.
fn letters(fence: Fence, source: &str) -> Vec<(usize, char)> {
    let of = |segment: &Span| -> Vec<(usize, char)> {
        let text = segment.text(source).char_indices();
        text.map(|(at, c)| (segment.start + at, c)).filter(|(_, c)| !c.is_whitespace()).collect()
    };
    fence.segments().iter().flat_map(of).collect()
}

/// Top-level paragraphs.
fn paragraphs(skill: &Skill) -> Vec<Span> {
    use skvm_core::document::BlockKind;

    let blocks = skill.document().blocks().iter();
    blocks
        .filter(|block| block.kind() == BlockKind::Paragraph && block.parent().is_none())
        .map(|block| block.span())
        .collect()
}

/// Something behind a paragraph, in the line ends of the skill.
fn behind(skill: &Skill, place: Index, text: &str) -> Option<Mutation> {
    let span = pick(&paragraphs(skill), place)?;
    let end = span.start + span.text(skill.source()).trim_end().len();
    let crlf = skill.source().contains("\r\n");
    let text = if crlf { text.replace('\n', "\r\n") } else { text.to_owned() };
    Some(Mutation { span: Span::at(end), text, is_code: false })
}

/// The numbers in paragraphs and items, outside code and links.
fn numbers(skill: &Skill) -> Vec<(Span, String)> {
    let (source, document) = (skill.source(), skill.document());
    let apart = |span: Span| {
        !document.code_spans().iter().any(|code| code.span().overlaps(span))
            && !document.links().iter().any(|link| link.span().overlaps(span))
    };
    let items = document.items().iter().map(|item| item.text());
    let mut found = Vec::new();
    for around in paragraphs(skill).into_iter().chain(items) {
        let text = around.text(source);
        let mut at = 0;
        while let Some(start) =
            text.get(at..).and_then(|rest| rest.find(|c: char| c.is_ascii_digit()))
        {
            let start = at + start;
            let digits: String = text[start..].chars().take_while(char::is_ascii_digit).collect();
            at = start + digits.len();
            let span = Span::new(start, at).shifted(around.start);
            if apart(span) {
                found.push((span, digits));
            }
        }
    }
    found
}
