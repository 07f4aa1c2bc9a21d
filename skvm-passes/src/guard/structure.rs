//! Rules about the parts of the document.

use std::collections::BTreeMap;

use skvm_core::document::{Fence, Heading, ListItem, Table};
use skvm_core::edit::EditKind;
use skvm_core::skill::{ResolutionRule, Skill};

use super::{Comparison, GuardRule, Violation};

pub(super) fn front_matter(comparison: &Comparison<'_>, violations: &mut Vec<Violation>) {
    let end = comparison.source.document().span().start;
    let unchanged = comparison.source.source().get(..end) == comparison.variant.source().get(..end)
        && comparison.variant.document().span().start == end;
    if unchanged {
        return;
    }
    let blamed = comparison.edits.iter().enumerate().filter(|(_, edit)| edit.span.start < end);
    let mut found = false;
    for (index, edit) in blamed {
        found = true;
        violations.push(Violation {
            rule: GuardRule::FrontMatter,
            message: "an edit changes the front matter".to_owned(),
            span: Some(edit.span),
            edit: Some(index),
        });
    }
    if !found {
        violations.push(Violation {
            rule: GuardRule::FrontMatter,
            message: "the front matter is read differently".to_owned(),
            span: None,
            edit: None,
        });
    }
}

pub(super) fn code_blocks(comparison: &Comparison<'_>, violations: &mut Vec<Violation>) {
    let after: BTreeMap<usize, &Fence> = comparison
        .variant
        .document()
        .fences()
        .iter()
        .map(|fence| (fence.span().start, fence))
        .collect();
    let (source, text) = (comparison.source.source(), comparison.variant.source());
    // By edit: how many blocks that begin in what it replaces have been looked up in its replacement.
    let mut rewritten: BTreeMap<usize, usize> = BTreeMap::new();
    for fence in comparison.source.document().fences() {
        let mut violation = |message: &str, edit| {
            violations.push(Violation {
                rule: GuardRule::CodeBlocks,
                message: message.to_owned(),
                span: Some(fence.span()),
                edit,
            });
        };
        let touching = comparison.touching(fence.span());
        let nearest =
            || touching.first().copied().or_else(|| comparison.last_before(fence.span().end));
        for index in &touching {
            let kind = comparison.edits.iter().nth(*index).map(|edit| edit.reason.kind);
            if kind != Some(EditKind::Substitution) {
                violation("an edit that is no substitution changes a code block", Some(*index));
            }
        }
        let now = match comparison.replacing(fence.span().start) {
            None => after.get(&comparison.mapped(fence.span().start)),
            Some(index) => {
                let nth = rewritten.entry(index).or_insert(0_usize);
                *nth += 1;
                after.range(comparison.replacement(index)).nth(*nth - 1).map(|(_, fence)| fence)
            }
        };
        match now {
            None => violation("a code block is no longer one", nearest()),
            Some(now) if touching.is_empty() => {
                if now.code(text) != fence.code(source)
                    || now.info() != fence.info()
                    || now.closed() != fence.closed()
                {
                    violation("a code block reads differently", nearest());
                }
            }
            Some(now) if now.info() != fence.info() || now.closed() != fence.closed() => {
                violation("a code block changes its language or its end", nearest());
            }
            Some(_) => {}
        }
    }
}

/// Inside inline code, too, only a substitution changes something: the path of a file of the skill.
pub(super) fn inline_code(comparison: &Comparison<'_>, violations: &mut Vec<Violation>) {
    let source = comparison.source.source();
    for code in comparison.source.document().code_spans() {
        for index in comparison.touching(code.span()) {
            let Some(edit) = comparison.edits.iter().nth(index) else { continue };
            let (before, after) = (edit.span.text(source), edit.replacement.as_str());
            let message = if edit.span.contains(code.span()) {
                (!after.contains(code.span().text(source))).then_some("inline code is gone")
            } else if edit.reason.kind != EditKind::Substitution {
                Some("an edit that is no substitution changes inline code")
            } else {
                let fits = code.span().contains(edit.span)
                    && (before == after || names_own_file(comparison, before, after));
                (!fits).then_some("an edit changes more in inline code than the path of a file")
            };
            violations.extend(message.map(|message| Violation {
                rule: GuardRule::CodeBlocks,
                message: message.to_owned(),
                span: Some(code.span()),
                edit: Some(index),
            }));
        }
    }
}

/// Whether `before` names a file of the bundle and `after` the same file where it is installed, perhaps
/// behind its interpreter.
fn names_own_file(comparison: &Comparison<'_>, before: &str, after: &str) -> bool {
    let before = before.trim_matches(['"', '\'']);
    comparison.source.bundle().files().iter().any(|file| {
        let is_named = before.strip_suffix(file.name()).is_some_and(|folder| {
            (folder.is_empty() || folder.ends_with('/'))
                && (file.path().contains(' ') || !folder.contains(char::is_whitespace))
        });
        let run = file.interpreter().and_then(|interpreter| after.strip_prefix(interpreter));
        let path = run.and_then(|rest| rest.strip_prefix(' ')).unwrap_or(after);
        let quote = path.chars().next().filter(|c| matches!(c, '"' | '\''));
        let bare = quote
            .and_then(|quote| path.strip_prefix(quote)?.strip_suffix(quote))
            .map_or_else(|| path.to_owned(), |inner| inner.replace(r"'\''", "'"));
        is_named && comparison.install_dir.join(file.path()).to_str() == Some(bare.as_str())
    })
}

/// A table keeps its rows and the number of its cells; what the cells say is the rule `wording`'s.
pub(super) fn tables(comparison: &Comparison<'_>, violations: &mut Vec<Violation>) {
    let shape = |table: &Table| -> Vec<usize> {
        std::iter::once(table.header().len()).chain(table.rows().iter().map(Vec::len)).collect()
    };
    let after: BTreeMap<usize, Vec<usize>> = comparison
        .variant
        .document()
        .tables()
        .iter()
        .map(|table| (table.span().start, shape(table)))
        .collect();
    let mut rewritten: BTreeMap<usize, usize> = BTreeMap::new();
    for table in comparison.source.document().tables() {
        let start = table.span().start;
        let now = match comparison.replacing(start) {
            None => after.get(&comparison.mapped(start)),
            Some(index) => {
                let nth = rewritten.entry(index).or_insert(0_usize);
                *nth += 1;
                after.range(comparison.replacement(index)).nth(*nth - 1).map(|(_, now)| now)
            }
        };
        if now != Some(&shape(table)) {
            let touching = comparison.touching(table.span()).first().copied();
            violations.push(Violation {
                rule: GuardRule::Enumerations,
                message: "a table has not the same rows".to_owned(),
                span: Some(table.span()),
                edit: touching.or_else(|| comparison.last_before(table.span().end)),
            });
        }
    }
}

pub(super) fn headings(comparison: &Comparison<'_>, violations: &mut Vec<Violation>) {
    fn of(skill: &Skill) -> impl Iterator<Item = &Heading> {
        skill.document().sections().iter().filter_map(|section| section.heading())
    }
    let same = of(comparison.source)
        .map(|heading| (heading.level(), heading.text()))
        .eq(of(comparison.variant).map(|heading| (heading.level(), heading.text())));
    if same {
        return;
    }
    let touched: Vec<usize> =
        of(comparison.source).flat_map(|heading| comparison.touching(heading.span())).collect();
    let blamed: Vec<Option<usize>> =
        if touched.is_empty() { vec![None] } else { touched.into_iter().map(Some).collect() };
    violations.extend(blamed.into_iter().map(|edit| Violation {
        rule: GuardRule::Headings,
        message: "the headings are not the same".to_owned(),
        span: None,
        edit,
    }));
}

pub(super) fn enumerations(comparison: &Comparison<'_>, violations: &mut Vec<Violation>) {
    let says = |skill: &Skill, item: &ListItem| !item.text().text(skill.source()).trim().is_empty();
    // Where the items begin, and whether they say something.
    let starts: BTreeMap<usize, bool> = comparison
        .variant
        .document()
        .items()
        .iter()
        .map(|item| (item.span().start, says(comparison.variant, item)))
        .collect();
    let mut violation = |message: &str, item: &ListItem, edit: Option<usize>| {
        violations.push(Violation {
            rule: GuardRule::Enumerations,
            message: message.to_owned(),
            span: Some(item.span()),
            edit: edit.or_else(|| comparison.last_before(item.span().end)),
        });
    };
    let gone = "a list item is no longer one";
    // By edit: the items that begin in what it replaces.
    let mut rewritten: BTreeMap<usize, Vec<&ListItem>> = BTreeMap::new();
    for item in comparison.source.document().items() {
        let start = item.span().start;
        match comparison.replacing(start) {
            Some(index) => rewritten.entry(index).or_default().push(item),
            None => {
                let touching = || comparison.touching(item.span()).first().copied();
                match starts.get(&comparison.mapped(start)) {
                    None => violation(gone, item, touching()),
                    Some(false) if says(comparison.source, item) => {
                        violation("a list item says nothing any more", item, touching());
                    }
                    Some(_) => {}
                }
            }
        }
    }
    for (index, items) in rewritten {
        let now = starts.range(comparison.replacement(index)).count();
        let said = starts.range(comparison.replacement(index)).filter(|(_, says)| **says).count();
        let (mut all, mut saying) = (0, 0);
        for item in items {
            all += 1;
            saying += usize::from(says(comparison.source, item));
            if all > now {
                violation(gone, item, Some(index));
            } else if saying > said {
                violation("a list item says nothing any more", item, Some(index));
            }
        }
    }
}

pub(super) fn links(comparison: &Comparison<'_>, violations: &mut Vec<Violation>) {
    let mut after: BTreeMap<usize, &str> = comparison
        .variant
        .document()
        .links()
        .iter()
        .map(|link| (link.span().start, link.dest()))
        .collect();
    for link in comparison.source.document().links() {
        let now = after.remove(&comparison.mapped(link.span().start));
        if now != Some(link.dest()) {
            violations.push(Violation {
                rule: GuardRule::Links,
                message: format!("the link to {:?} is gone or leads elsewhere", link.dest()),
                span: Some(link.span()),
                edit: comparison.touching(link.span()).first().copied(),
            });
        }
    }
    for dest in after.into_values() {
        let path = dest.split('#').next().unwrap_or("");
        // A link is followed as it stands: a file of that name elsewhere is not where it leads.
        let found = comparison.source.bundle().resolve(path);
        let leads =
            path.is_empty() || found.is_some_and(|found| found.rule <= ResolutionRule::Prefix);
        if !leads {
            violations.push(Violation {
                rule: GuardRule::Links,
                message: format!("a new link to {dest:?} finds no file of the skill"),
                span: None,
                edit: comparison.bringing(dest),
            });
        }
    }
}
