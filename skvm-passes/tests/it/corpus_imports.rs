//! Imports of real skills against Python's own parser:
//! `SKVM_CORPUS=/path/to/skills cargo test -p skvm-passes -- --ignored corpus --nocapture`

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};
use skvm_core::artifact::{DependencyKind, DependencySource};
use skvm_core::document::Language;
use skvm_core::skill::{Skill, discover};
use skvm_passes::{code, environment};

/// Gives for each code the top-level modules of its absolute imports outside the standard library, and
/// nothing for one that does not parse.
const AST: &str = "\
import ast, json, sys
gone = {'distutils', 'imp', 'asyncore', 'asynchat', 'smtpd', 'cgi', 'cgitb', 'pipes', 'crypt', 'test'}
def modules(code):
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError):
        return None
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {name.name.split('.')[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(node.module.split('.')[0])
    return sorted(m for m in found - sys.stdlib_module_names - gone if not m.startswith('_'))
json.dump([[modules(code) for code in codes] for codes in json.load(sys.stdin)], sys.stdout)
";

#[derive(Serialize, Deserialize)]
struct Parsed(Vec<Option<Vec<String>>>);

/// Python code of a skill: its scripts, and the blocks of its text.
fn python_code(skill: &Skill) -> Vec<String> {
    let files = skill.bundle().files().iter().filter(|file| file.interpreter() == Some("python3"));
    let files = files.filter_map(|file| file.text().map(str::to_owned));
    let fences = skill.document().fences().iter();
    let fences = fences.filter(|fence| fence.language() == Language::Python);
    files.chain(fences.map(|fence| fence.code(skill.source()).into_owned())).collect()
}

/// Names under which the skill's own files can be imported.
fn own(skill: &Skill) -> BTreeSet<String> {
    let files = skill.bundle().files().iter().filter(|file| file.extension() == "py");
    let parts = files.flat_map(|file| file.path().split('/'));
    let mut own: BTreeSet<String> =
        parts.map(|part| part.strip_suffix(".py").unwrap_or(part).to_owned()).collect();
    own.insert(skill.folder_name().to_owned());
    own
}

fn parsed(skills: &[Skill]) -> Vec<Parsed> {
    let codes: Vec<Vec<String>> = skills.iter().map(python_code).collect();
    let mut child = Command::new("python3")
        .args(["-I", "-W", "ignore", "-c", AST])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let written = std::thread::spawn(move || {
        input.write_all(&serde_json::to_vec(&codes).unwrap()).unwrap();
    });
    let output = child.wait_with_output().unwrap();
    written.join().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
#[ignore = "reads the folder that SKVM_CORPUS names, and needs Python"]
fn corpus_imports_are_those_that_ast_finds() {
    let folder = std::env::var_os("SKVM_CORPUS").expect("SKVM_CORPUS names a folder of skills");
    let skills: Vec<Skill> = discover(Path::new(&folder))
        .unwrap()
        .iter()
        .filter_map(|folder| Skill::load(folder).ok())
        .collect();
    let (mut both, mut ours_alone, mut theirs_alone) = (0, 0, 0);
    for (skill, Parsed(codes)) in skills.iter().zip(parsed(&skills)) {
        let own = own(skill);
        let is_whole = codes.iter().all(Option::is_some);
        let theirs: BTreeSet<String> =
            codes.into_iter().flatten().flatten().filter(|module| !own.contains(module)).collect();
        let entries = environment::dependencies(skill, &code::analyze(skill)).entries;
        let imported = entries.iter().filter(|entry| {
            entry.kind == DependencyKind::Python
                && entry.evidence.iter().any(|e| e.source == DependencySource::Import)
        });
        let ours: BTreeSet<String> = imported
            .flat_map(|entry| &entry.provides)
            .map(|module| module.split('.').next().unwrap_or(module).to_owned())
            .filter(|module| !own.contains(module))
            .collect();
        both += ours.intersection(&theirs).count();
        for module in theirs.difference(&ours) {
            println!("missed: {module} in {}", skill.root().display());
            theirs_alone += 1;
        }
        // Of code that does not parse, its parser says nothing.
        for module in ours.difference(&theirs).filter(|_| is_whole) {
            println!("too much: {module} in {}", skill.root().display());
            ours_alone += 1;
        }
    }
    let share = |alone: usize| 100.0 * both as f64 / (both + alone).max(1) as f64;
    let (precision, recall) = (share(ours_alone), share(theirs_alone));
    println!(
        "{} skills, {both} modules: precision {precision:.1} %, recall {recall:.1} %",
        skills.len()
    );
    assert!(both > 0, "no skill imports anything");
    assert!(precision >= 98.0 && recall >= 99.0);
}
