//! Real skills, where a folder of them is at hand:
//! `SKVM_CORPUS=<folder> cargo test -p skvm-passes -- --ignored mutations`.

use skvm_core::edit::{Edit, EditKind, EditReason};
use skvm_core::skill::{Skill, discover};
use skvm_core::span::Span;
use skvm_passes::guard::GuardRule;

use super::verdict;

#[test]
#[ignore = "needs SKVM_CORPUS to name a folder of real skills"]
fn no_changed_character_of_any_block_goes_unnoticed() {
    let folders = discover(std::env::var("SKVM_CORPUS").unwrap()).unwrap();
    let (mut blocks, mut checked, mut missed) = (0, 0, Vec::new());
    for folder in folders {
        let skill = Skill::load(&folder).unwrap();
        // The bundle has no part in this, and reading it again for each edit would.
        let skill = Skill::from_text(&folder, skill.source());
        checked += 1;
        for fence in skill.document().fences() {
            let code = fence.code(skill.source());
            let shows = |(_, c): &(usize, char)| !c.is_whitespace();
            let letters: Vec<(usize, char)> = code.char_indices().filter(shows).collect();
            let Some((at, c)) = letters.get(letters.len() / 2).copied() else { continue };
            blocks += 1;
            let span = fence.source_span(Span::new(at, at + c.len_utf8()));
            let text = if c == 'q' { "z" } else { "q" };
            for kind in [EditKind::Compensation, EditKind::Elimination] {
                let reason = EditReason::new("mutation", kind, "changes a character");
                let found = verdict(&skill, Edit::replace(span, text, reason));
                if !found.contains(&GuardRule::CodeBlocks) {
                    missed.push(format!("{folder:?} at {}: {found:?}", span.start));
                }
            }
        }
    }
    assert!(checked > 0, "no skill is found");
    assert!(missed.is_empty(), "{} misses of {blocks} blocks: {missed:#?}", missed.len());
    println!("{blocks} blocks of {checked} skills"); // shown with `--nocapture`
}
