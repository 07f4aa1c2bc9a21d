//! The `environment` pass: what is declared, what is used, what is neither, and where it shows.

mod declared;
mod imports;
mod installs;
mod laws;
mod learned;
mod merging;
mod modules;
mod npm;
mod programs;
mod prose;
mod sizes;
mod surroundings;

use skvm_core::artifact::{Dependencies, Dependency, DependencyKind};
use skvm_core::skill::Skill;
use skvm_passes::{code, environment};

use crate::samples;

/// The dependencies of a skill; every piece of evidence must show what it says.
fn dependencies(skill: &Skill) -> Vec<Dependency> {
    let Dependencies { entries } = environment::dependencies(skill, &code::analyze(skill));
    for entry in &entries {
        assert!(!entry.evidence.is_empty(), "{entry:?}");
        assert!((0.0..=1.0).contains(&entry.confidence), "{entry:?}");
        for evidence in &entry.evidence {
            let text = match &evidence.file {
                Some(file) => skill.bundle().file(file).unwrap().text().unwrap(),
                None => skill.source(),
            };
            if let Some(span) = evidence.span {
                let shown = span.get(text).unwrap().lines().next().unwrap_or("");
                assert!(shown.starts_with(&evidence.quote), "{evidence:?} shows {shown:?}");
            }
        }
    }
    entries
}

/// The dependencies of one kind, a line each: `name[extras] requirement ; marker ?`, the last for one
/// that the skill works without.
fn lines(kind: DependencyKind, skill: &Skill) -> Vec<String> {
    dependencies(skill).iter().filter(|entry| entry.kind == kind).map(line).collect()
}

fn line(entry: &Dependency) -> String {
    let mut line = entry.name.clone();
    if !entry.extras.is_empty() {
        line.push_str(&format!("[{}]", entry.extras.join(",")));
    }
    if let Some(requirement) = &entry.requirement {
        line.push_str(&format!(" {requirement}"));
    }
    if let Some(marker) = &entry.marker {
        line.push_str(&format!(" ; {marker}"));
    }
    if entry.optional {
        line.push_str(" ?");
    }
    line
}

/// The lines of one kind for a skill of one fence.
fn fence(kind: DependencyKind, label: &str, code: &str) -> Vec<String> {
    lines(kind, &fenced(label, code))
}

/// The lines of one kind for a skill of one bundle file.
fn file(kind: DependencyKind, path: &str, content: &str) -> Vec<String> {
    lines(kind, &samples::bundled("# Demo\n", &[(path, content)]))
}

fn fenced(label: &str, code: &str) -> Skill {
    samples::skill(&format!("# Demo\n\n```{label}\n{code}\n```\n"))
}

fn entry(skill: &Skill, kind: DependencyKind, name: &str) -> Dependency {
    let entries = dependencies(skill);
    match entries.iter().find(|entry| entry.kind == kind && entry.name == name) {
        Some(entry) => entry.clone(),
        None => panic!("{name} is not in {entries:?}"),
    }
}

/// The texts under the spans of an entry's evidence.
fn shown<'s>(skill: &'s Skill, entry: &Dependency) -> Vec<&'s str> {
    let text = |file: Option<&str>| match file {
        Some(file) => skill.bundle().file(file).unwrap().text().unwrap(),
        None => skill.source(),
    };
    let places = entry.evidence.iter();
    places.filter_map(|at| Some(at.span?.text(text(at.file.as_deref())))).collect()
}

fn names(skill: &Skill) -> Vec<(DependencyKind, String)> {
    dependencies(skill).into_iter().map(|entry| (entry.kind, entry.name)).collect()
}

fn of_body(body: &str) -> Vec<(DependencyKind, String)> {
    names(&samples::skill(body))
}

fn shell(code: &str) -> Vec<(DependencyKind, String)> {
    of_body(&format!("# Demo\n\n```bash\n{code}\n```\n"))
}

fn python(code: &str) -> Vec<(DependencyKind, String)> {
    of_body(&format!("# Demo\n\n```python\n{code}\n```\n"))
}

fn expected(names: &[(DependencyKind, &str)]) -> Vec<(DependencyKind, String)> {
    names.iter().map(|(kind, name)| (*kind, (*name).to_owned())).collect()
}

fn only(skill: &Skill) -> Dependency {
    match <[Dependency; 1]>::try_from(dependencies(skill)) {
        Ok([entry]) => entry,
        Err(entries) => panic!("{entries:?}"),
    }
}
