//! Rules about the parts of the document.

use std::collections::{BTreeMap, BTreeSet};

use skvm_core::document::{Fence, Heading, ListItem};
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
            None => violation("a code block is no longer one", touching.first().copied()),
            Some(now) if touching.is_empty() => {
                if now.code(text) != fence.code(source)
                    || now.info() != fence.info()
                    || now.closed() != fence.closed()
                {
                    violation("a code block reads differently", None);
                }
            }
            Some(now) if now.info() != fence.info() || now.closed() != fence.closed() => {
                violation(
                    "a code block changes its language or its end",
                    touching.first().copied(),
                );
            }
            Some(_) => {}
        }
    }
}

/// Inside inline code, too, only a substitution changes something.
pub(super) fn inline_code(comparison: &Comparison<'_>, violations: &mut Vec<Violation>) {
    for code in comparison.source.document().code_spans() {
        for index in comparison.touching(code.span()) {
            let edit = comparison.edits.iter().nth(index);
            if edit.is_some_and(|edit| {
                edit.reason.kind != EditKind::Substitution && !edit.span.contains(code.span())
            }) {
                violations.push(Violation {
                    rule: GuardRule::CodeBlocks,
                    message: "an edit that is no substitution changes inline code".to_owned(),
                    span: Some(code.span()),
                    edit: Some(index),
                });
            }
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
    let starts: BTreeSet<usize> =
        comparison.variant.document().items().iter().map(|item| item.span().start).collect();
    let mut gone = |item: &ListItem, edit| {
        violations.push(Violation {
            rule: GuardRule::Enumerations,
            message: "a list item is no longer one".to_owned(),
            span: Some(item.span()),
            edit,
        });
    };
    // By edit: the items that begin in what it replaces.
    let mut rewritten: BTreeMap<usize, Vec<&ListItem>> = BTreeMap::new();
    for item in comparison.source.document().items() {
        let start = item.span().start;
        match comparison.replacing(start) {
            Some(index) => rewritten.entry(index).or_default().push(item),
            None if !starts.contains(&comparison.mapped(start)) => {
                gone(item, comparison.touching(item.span()).first().copied());
            }
            None => {}
        }
    }
    for (index, items) in rewritten {
        let now = starts.range(comparison.replacement(index)).count();
        items.into_iter().skip(now).for_each(|item| gone(item, Some(index)));
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
