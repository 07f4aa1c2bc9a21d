//! The `lessons` pass: what becomes of each kind of lesson, and what no lesson can bring about.

mod advice;
mod hostile;
mod laws;
mod memo;
mod path;
mod script;
mod word;

use std::path::Path;

use futures::executor::block_on;
use skvm_core::failure::{Advice, Lesson, Lessons};
use skvm_core::pass::Unit;
use skvm_core::skill::Skill;
use skvm_passes::manager::PassManager;
use skvm_passes::variant::Variant;

use crate::samples;

/// Files of the skills of these tests.
const FILES: [(&str, &str); 5] = [
    ("data/a.json", "{}\n"),
    ("scripts/go.sh", "echo\n"),
    ("scripts/run.py", "print()\n"),
    ("tools/cli.js", "console.log()\n"),
    ("tools/helper.py", "X = 1\n"),
];

fn path(written: &str, file: &str) -> Lesson {
    Lesson::Path { written: written.to_owned(), file: file.to_owned() }
}

fn script(file: &str) -> Lesson {
    Lesson::Script { file: file.to_owned() }
}

fn word(program: &str, written: &str, instead: &str) -> Lesson {
    Lesson::Word {
        program: program.to_owned(),
        written: written.to_owned(),
        instead: instead.to_owned(),
    }
}

fn advice(advice: Advice) -> Lesson {
    Lesson::Advice { advice }
}

/// What the standard pipeline makes of a skill with lessons. What holds of every variant is checked on the way.
fn compile(skill: Skill, lessons: impl IntoIterator<Item = Lesson>) -> Variant {
    compile_unit(&samples::unit(skill).with_lessons(Lessons::new(lessons)))
}

fn compile_unit(unit: &Unit) -> Variant {
    let variant = samples::compile(unit);
    assert_lawful(unit, &variant);
    variant
}

/// Front matter as it was, the same bytes again, and nothing more to do in a skill that is compiled.
fn assert_lawful(unit: &Unit, variant: &Variant) {
    let (source, head) = (unit.skill.source(), unit.skill.document().span().start);
    assert_eq!(variant.text().get(..head), source.get(..head));
    assert_eq!(variant.edits().apply(source), variant.text());
    let json = |variant: &Variant| serde_json::to_string(variant).unwrap();
    assert_eq!(json(variant), json(&samples::compile(unit)));
    let compiled = Unit { skill: unit.skill.with_text(variant.text()).into(), ..unit.clone() };
    let again = block_on(PassManager::standard().compile(&compiled)).unwrap().variant;
    assert_eq!(again.text(), variant.text(), "{:?}", again.edits());
}

/// The code of the only fence of a skill that lessons were heeded in.
fn fence(code: &str, lessons: impl IntoIterator<Item = Lesson>) -> String {
    fence_in("/opt/skills/demo", code, lessons)
}

/// The same, installed in another folder.
fn fence_in(folder: &str, code: &str, lessons: impl IntoIterator<Item = Lesson>) -> String {
    let skill = samples::bundled(&format!("# Demo\n\n```sh\n{code}\n```\n"), &FILES);
    let unit = samples::unit(skill).with_install_dir(Path::new(folder));
    let variant = compile_unit(&unit.with_lessons(Lessons::new(lessons)));
    assert_eq!(codes(&variant, "guard/refused"), [""; 0]);
    let (_, code) = variant.text().split_once("```sh\n").unwrap();
    code.split_once("\n```").unwrap().0.to_owned()
}

/// The text behind the heading of a skill that lessons were heeded in.
fn body(text: &str, lessons: impl IntoIterator<Item = Lesson>) -> String {
    let variant = compile(samples::bundled(&format!("# Demo\n\n{text}\n"), &FILES), lessons);
    assert_eq!(codes(&variant, "guard/refused"), [""; 0]);
    variant.text().split_once("# Demo\n\n").unwrap().1.trim_end().to_owned()
}

/// The messages of the diagnostics with a code.
fn codes(variant: &Variant, code: &str) -> Vec<String> {
    let told = variant.diagnostics().iter().filter(|found| found.code.as_str() == code);
    told.map(|found| found.message.clone()).collect()
}

/// How many lessons found no place.
fn placeless(variant: &Variant) -> usize {
    codes(variant, "lessons/no-place").len()
}
