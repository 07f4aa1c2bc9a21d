//! Advice: sentences out of a fixed list, at the head, each once.

use skvm_core::capability::Level;
use skvm_core::failure::{Advice, Lessons};
use skvm_core::skill::Skill;

use super::{advice, codes, compile, compile_unit};
use crate::samples;

fn of(text: &str, given: &[Advice]) -> String {
    let variant =
        compile(Skill::from_text("/skills/demo", text), given.iter().copied().map(advice));
    assert_eq!(codes(&variant, "guard/refused"), [""; 0], "{text:?}");
    variant.text().to_owned()
}

const PARTS: &str =
    "- Read long files a part at a time, and write long answers to a file part by part.\n";
const STEPS: &str = "- Do every step once, in order, and name each step when it is done.\n";
const LEARNED: &str = "Learned from earlier runs:\n\n";

#[test]
fn advice_stands_at_the_head() {
    let head = samples::HEAD;
    for (before, after) in [
        // Behind what stands below the title.
        (
            "# Demo\n\nIt reads.\n\n## Steps\n\n1. Read.\n",
            format!("# Demo\n\nIt reads.\n\n{LEARNED}{PARTS}\n## Steps\n\n1. Read.\n"),
        ),
        ("# Demo\n## Steps\n", format!("# Demo\n\n{LEARNED}{PARTS}\n## Steps\n")),
        (
            "# Demo\nIt reads.\n## Steps\n",
            format!("# Demo\nIt reads.\n\n{LEARNED}{PARTS}\n## Steps\n"),
        ),
        // In front of the first heading.
        ("It reads.\n\n## Steps\n", format!("It reads.\n\n{LEARNED}{PARTS}\n## Steps\n")),
        // Where there is none, or nothing below it, before everything.
        ("# Demo\n\nIt reads.\n", format!("\n{LEARNED}{PARTS}\n# Demo\n\nIt reads.\n")),
        ("It reads.\n", format!("\n{LEARNED}{PARTS}\nIt reads.\n")),
        ("- It reads.\n- It writes.\n", format!("\n{LEARNED}{PARTS}\n- It reads.\n- It writes.\n")),
        ("", format!("\n{LEARNED}{PARTS}\n")),
    ] {
        assert_eq!(of(&format!("{head}{before}"), &[Advice::InParts]), format!("{head}{after}"));
    }
    let plain = "Reads a file.\n\nIt does so slowly.\n";
    assert_eq!(of(plain, &[Advice::InParts]), format!("{LEARNED}{PARTS}\n{plain}"));
}

#[test]
fn advice_is_given_in_one_list_and_once() {
    let text = format!("{}# Demo\n\nIt reads.\n\n## Steps\n\n1. Read.\n", samples::HEAD);
    let both = of(&text, &[Advice::InParts, Advice::EveryStep, Advice::InParts]);
    assert!(both.contains(&format!("It reads.\n\n{LEARNED}{STEPS}{PARTS}\n## Steps")), "{both}");
    // What stands in the skill already is not said again, wherever it stands.
    let known = format!("{text}\n{STEPS}");
    let more = of(&known, &[Advice::InParts, Advice::EveryStep]);
    assert_eq!(more.matches(STEPS).count(), 1);
    assert_eq!(more.matches(PARTS).count(), 1);
    assert_eq!(of(&known, &[Advice::EveryStep]), known);
}

#[test]
fn every_piece_of_advice_finds_its_place() {
    let text = format!("{}# Demo\n\nIt reads.\n\n## Steps\n\n1. Read.\n2. Write.\n", samples::HEAD);
    let all = of(&text, &Advice::ALL);
    for one in Advice::ALL {
        assert_eq!(all.matches(one.sentence()).count(), 1);
        assert_eq!(of(&text, &[one]).matches(one.sentence()).count(), 1);
    }
    // The rest is as it was.
    let (front, list) = all.split_once("Learned from earlier runs:").unwrap();
    let (_, back) = list.split_once("\n## Steps").unwrap();
    assert_eq!(format!("{front}## Steps{back}"), text);
}

#[test]
fn line_ends_are_those_of_the_skill() {
    let text = format!("{}# Demo\n\nIt reads.\n\n## Steps\n\n1. Read.\n", samples::HEAD);
    let crlf = of(&text.replace('\n', "\r\n"), &Advice::ALL);
    assert_eq!(crlf, of(&text, &Advice::ALL).replace('\n', "\r\n"));
}

/// Both stand at the head: what was learned, and what a weak target is told.
#[test]
fn advice_and_directions_stand_side_by_side() {
    let skill = samples::shipped("pdf-tools");
    let unit = samples::unit(skill).with_profile(samples::profile_of(Level::L1));
    let without = samples::compile(&unit);
    let with = compile_unit(&unit.with_lessons(Lessons::from([advice(Advice::InParts)])));
    assert!(without.edits().len() > 1);
    assert_eq!(with.edits().len(), without.edits().len() + 1);
    assert_eq!(with.text().replacen(&format!("{LEARNED}{PARTS}\n"), "", 1), without.text());
}
