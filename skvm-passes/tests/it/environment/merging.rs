//! Several places that speak of the same thing.

use skvm_core::artifact::DependencyKind::{Npm, Program, Python, Runtime};
use skvm_core::artifact::DependencySource;
use skvm_core::diagnostic::Diagnostic;
use skvm_core::skill::Skill;

use super::{dependencies, entry, lines, names, shell, shown};
use crate::samples;

/// What the pipeline tells of the versions.
fn conflicts(skill: Skill) -> Vec<Diagnostic> {
    let variant = samples::compile(&samples::unit(skill));
    let told = variant.diagnostics().iter();
    told.filter(|found| found.code.as_str() == "environment/version-conflict").cloned().collect()
}

/// A skill that demands one distribution several times.
fn demanding(demands: &[&str]) -> Skill {
    let files: Vec<(String, &str)> = demands
        .iter()
        .enumerate()
        .map(|(at, line)| (format!("requirements-{at}.txt"), *line))
        .collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(p, c)| (p.as_str(), *c)).collect();
    samples::bundled("# Demo\n", &files)
}

#[test]
fn demands_that_agree_are_joined() {
    let cases: [(&[&str], &str); 8] = [
        (&["aaa>=1", "aaa<3"], "aaa <3,>=1"),
        (&["aaa", "aaa>=1"], "aaa >=1"),
        (&["aaa>=1", "AAA>=1"], "aaa >=1"),
        (&["aaa==1.5", "aaa>=1"], "aaa ==1.5,>=1"),
        (&["aaa[x]", "aaa[y,x]"], "aaa[x,y]"),
        (&["a-b", "a_b>=1", "A.B"], "a-b >=1"),
        (&["aaa ; os_name == 'nt'", "aaa"], "aaa"),
        (
            &["aaa ; os_name == 'nt'", "aaa ; os_name == 'java'"],
            "aaa ; (os_name == 'java') or (os_name == 'nt')",
        ),
    ];
    for (demands, line) in cases {
        let skill = demanding(demands);
        assert_eq!(lines(Python, &skill), [line], "{demands:?}");
        assert_eq!(conflicts(skill), [], "{demands:?}");
    }
}

#[test]
fn demands_that_do_not_agree_are_told_with_both_places() {
    for (demands, first) in [
        (["aaa==1", "aaa>=2"], "aaa ==1"),
        (["aaa<1", "aaa>=1"], "aaa <1"),
        (["aaa==1.*", "aaa==2.*"], "aaa ==1.*"),
        (["aaa @ https://e.org/aaa.zip", "aaa>=1"], "aaa @ https://e.org/aaa.zip"),
    ] {
        let skill = demanding(&demands);
        assert_eq!(lines(Python, &skill), [first], "{demands:?}");
        let aaa = entry(&skill, Python, "aaa");
        assert_eq!(shown(&skill, &aaa), demands, "no place is lost");
        let told = conflicts(skill);
        assert_eq!(told.len(), 1, "{demands:?}");
        for place in ["requirements-0.txt", "requirements-1.txt"] {
            assert!(told[0].message.contains(place), "{}", told[0].message);
        }
    }
}

#[test]
fn a_conflict_with_the_text_is_shown_there() {
    let skill = samples::bundled(
        "# Demo\n\n```bash\npip install 'aaa<1'\n```\n",
        &[("requirements.txt", "aaa>=2\n")],
    );
    let source = skill.source().to_owned();
    let told = conflicts(skill);
    assert_eq!(
        told[0].message,
        "the Python distribution aaa is demanded in versions that do not agree: \
         >=2 (requirements.txt), <1 (SKILL.md)"
    );
    assert_eq!(told[0].span.unwrap().text(&source), "pip install 'aaa<1'");
    assert_eq!(told[0].help.as_deref(), Some(">=2 is taken, as it is told first; let them agree"));
}

#[test]
fn ranges_of_npm_and_of_runtimes_take_the_narrower_one() {
    let package = |range: &str| format!("{{\"dependencies\":{{\"aaa\":\"{range}\"}}}}");
    let skill = |one: &str, other: &str| {
        let files = [("a/package.json", package(one)), ("b/package.json", package(other))];
        let files = files.each_ref().map(|(path, content)| (*path, content.as_str()));
        samples::bundled("# Demo\n", &files)
    };
    assert_eq!(lines(Npm, &skill("^1", "^1.5")), ["aaa ^1.5"]);
    assert_eq!(conflicts(skill("^1", "^1.5")), []);
    assert_eq!(lines(Npm, &skill("^1", "^2")), ["aaa ^1"]);
    assert_eq!(conflicts(skill("^1", "^2")).len(), 1);
    let skill = samples::bundled(
        "# Demo\n\n## Requirements\n\n- Node.js 18+\n",
        &[("package.json", "{\"engines\":{\"node\":\">=20\"}}")],
    );
    assert_eq!(lines(Runtime, &skill), ["node >=20"]);
    assert_eq!(conflicts(skill), []);
}

#[test]
fn the_condition_of_a_declaration_wins_over_that_of_a_use() {
    let cases = [
        ("aaa ; os_name == 'nt'", "import aaa", "aaa ; os_name == 'nt'"),
        ("aaa", "if os.name == 'nt':\n    import aaa", "aaa"),
        ("bbb", "if os.name == 'nt':\n    import aaa", "aaa ; os_name == \"nt\""),
    ];
    for (declared, code, line) in cases {
        let files = [("requirements.txt", declared), ("run.py", code)];
        let found = lines(Python, &samples::bundled("# Demo\n", &files));
        assert_eq!(found[0], line, "{declared} {code}");
    }
}

#[test]
fn a_declared_need_makes_a_guarded_import_needed() {
    let guarded = "try:\n    import aaa\nexcept ImportError:\n    aaa = None\n";
    let skill =
        samples::bundled("# Demo\n", &[("run.py", guarded), ("requirements.txt", "aaa>=1\n")]);
    assert_eq!(lines(Python, &skill), ["aaa >=1"]);
    assert_eq!(shown(&skill, &entry(&skill, Python, "aaa")), ["aaa>=1", "import aaa"]);
    let toml = "[project.optional-dependencies]\nx = [\"aaa>=1\"]\n";
    let skill = samples::bundled("# Demo\n", &[("run.py", guarded), ("pyproject.toml", toml)]);
    assert_eq!(lines(Python, &skill), ["aaa >=1 ?"]);
}

#[test]
fn many_places_of_one_thing_are_bounded() {
    let code = "aaa x\n".repeat(500);
    let skill = samples::skill(&format!("# Demo\n\n```bash\n{code}```\n"));
    let count = entry(&skill, Program, "aaa").evidence.len();
    assert!((2..=64).contains(&count), "{count}");
}

#[test]
fn too_many_things_of_one_kind_are_told() {
    let names: Vec<String> = (0..2500).map(|at| format!("d{at:04}\n")).collect();
    let skill = samples::bundled("# Demo\n", &[("requirements.txt", &names.concat())]);
    assert_eq!(lines(Python, &skill).len(), 2000);
    let variant = samples::compile(&samples::unit(skill));
    let codes: Vec<&str> = variant.diagnostics().iter().map(|found| found.code.as_str()).collect();
    assert_eq!(codes, ["environment/too-many"]);
}

#[test]
fn the_surest_place_tells_how_sure_a_dependency_is() {
    let confidence = |files: &[(&str, &str)]| {
        entry(&samples::bundled("# Demo\n", files), Python, "unheard").confidence
    };
    let used = ("run.py", "import unheard\n");
    assert!(confidence(&[used]) < 1.0);
    assert!(confidence(&[used, ("requirements.txt", "unheard\n")]) == 1.0);
}

#[test]
fn the_same_skill_gives_the_same_entries() {
    let make = || {
        samples::bundled(
            "# Demo\n\n```bash\npip install zzz aaa && npm i q && jq . | gh api x\n```\n",
            &[
                ("b.py", "import mmm, bbb\n"),
                ("a.sh", "jq .\n"),
                ("requirements.txt", "ccc\naaa>=1\n"),
            ],
        )
    };
    let (first, second) = (dependencies(&make()), dependencies(&make()));
    assert_eq!(first, second);
    let mut sorted = names(&make());
    sorted.sort();
    assert_eq!(names(&make()), sorted);
}

#[test]
fn places_that_speak_of_the_same_thing_are_merged() {
    let skill = samples::bundled(
        "# Demo\n\n```bash\npip install 'pyyaml>=6'\n```\n\n```python\nimport yaml\n```\n",
        &[("requirements.txt", "PyYAML>=5\n")],
    );
    let entries = dependencies(&skill);
    let yaml = &entries[0];
    assert_eq!((yaml.kind, yaml.name.as_str()), (Python, "PyYAML"), "as it is declared");
    assert_eq!(yaml.requirement.as_deref(), Some(">=5,>=6"), "both demands hold");
    assert_eq!(yaml.provides, ["yaml"]);
    assert_eq!(yaml.confidence, 1.0);
    let sources: Vec<DependencySource> = yaml.evidence.iter().map(|e| e.source).collect();
    assert_eq!(
        sources,
        [
            DependencySource::RequirementsFile,
            DependencySource::InstallCommand,
            DependencySource::Import
        ]
    );
    assert_eq!(entries.len(), 2);
}

#[test]
fn entries_come_by_kind_then_name_and_once() {
    let entries = shell("jq .\ngh x\njq .\npip install z a\nnpm i q");
    let mut sorted = entries.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!(entries, sorted);
}
