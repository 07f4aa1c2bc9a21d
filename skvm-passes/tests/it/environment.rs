//! The `environment` pass: what is declared, what is used, what is neither, and where it shows.

use skvm_core::artifact::{Dependencies, Dependency, DependencyKind, DependencySource};
use skvm_core::skill::Skill;
use skvm_passes::{code, environment};

use crate::samples;
use DependencyKind::{
    BundleFile, EnvironmentVariable, NetworkHost, Npm, OperatingSystem, Program, Python, Runtime,
};

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

#[test]
fn front_matter_declares_programs_variables_and_systems() {
    let skill = samples::loaded(
        "\n---\nname: demo\ndescription: d\nmetadata: {\"openclaw\":{\"os\":[\"darwin\"],\"primaryEnv\":\"MAIN_KEY\",\
         \"requires\":{\"bins\":[\"ffmpeg\"],\"anyBins\":[\"magick\",\"gm\"],\"env\":[\"API_KEY\"]}}}\n---\n# Demo\n",
        &[],
    );
    let entries = dependencies(&skill);
    let found: Vec<(DependencyKind, &str, bool)> =
        entries.iter().map(|e| (e.kind, e.name.as_str(), e.optional)).collect();
    assert_eq!(
        found,
        [
            (Program, "ffmpeg", false),
            (Program, "gm", true),
            (Program, "magick", true),
            (EnvironmentVariable, "API_KEY", false),
            (EnvironmentVariable, "MAIN_KEY", false),
            (OperatingSystem, "darwin", false),
        ]
    );
    for entry in &entries {
        assert_eq!(entry.evidence[0].source, DependencySource::FrontMatter);
        assert_eq!(entry.evidence[0].span.unwrap().text(skill.source()), entry.name);
    }
}

#[test]
fn a_requirements_file_declares_distributions() {
    let file = "# comment\n\npandas>=2.0  # inline\nuvicorn[standard,x] ~= 0.20, <1\n\
                tomli ; python_version < \"3.11\"\n-r other.txt\n--index-url https://e.org/simple\n";
    let skill = samples::bundled("# Demo\n", &[("requirements-dev.txt", file)]);
    let entries = dependencies(&skill);
    let found: Vec<Seen<'_>> = entries
        .iter()
        .map(|e| {
            let extras = e.extras.iter().map(String::as_str).collect();
            (e.name.as_str(), e.requirement.as_deref(), extras, e.marker.as_deref())
        })
        .collect();
    assert_eq!(
        found,
        [
            ("pandas", Some(">=2.0"), vec![], None),
            ("tomli", None, vec![], Some("python_version < \"3.11\"")),
            ("uvicorn", Some("~=0.20,<1"), vec!["standard", "x"], None),
        ]
    );
    let evidence = &entries[2].evidence[0];
    assert_eq!(evidence.source, DependencySource::RequirementsFile);
    assert_eq!(evidence.file.as_deref(), Some("requirements-dev.txt"));
    assert_eq!(evidence.span.unwrap().text(file), "uvicorn[standard,x] ~= 0.20, <1");
}

#[test]
fn hostile_lines_of_a_requirements_file_declare_nothing() {
    for line in [
        "a b c",
        "$(id)",
        "a$(id)",
        "a`id`",
        "a|b",
        "a && b",
        "../../etc",
        "/etc/passwd",
        "-e .",
        "--pre",
        "a[b",
        "_",
        "-",
        ".",
        "a>=1;",
        "\u{202e}a",
        "<name>",
    ] {
        let skill = samples::bundled("# Demo\n", &[("requirements.txt", &format!("{line}\n"))]);
        let found = names(&skill);
        let plain = found.iter().all(|(_, name)| name == "a");
        assert!(found.is_empty() || (line == "a>=1;" && plain), "{line}: {found:?}");
    }
}

#[test]
fn a_package_json_declares_packages_and_the_runtime() {
    let json = r#"{"dependencies":{"left-pad":"^1.0","@a/b":"2"},"optionalDependencies":{"fsevents":"*"},
        "devDependencies":{"jest":"1"},"engines":{"node":">=18"}}"#;
    let skill = samples::bundled("# Demo\n", &[("tool/package.json", json)]);
    let found: Vec<(DependencyKind, String, Option<String>, bool)> = dependencies(&skill)
        .into_iter()
        .map(|e| (e.kind, e.name, e.requirement, e.optional))
        .collect();
    let row = |kind, name: &str, requirement: &str, optional| {
        (kind, name.to_owned(), Some(requirement.to_owned()), optional)
    };
    assert_eq!(
        found,
        [
            row(Npm, "@a/b", "2", false),
            row(Npm, "fsevents", "*", true),
            row(Npm, "left-pad", "^1.0", false),
            row(Runtime, "node", ">=18", false),
        ]
    );
    for broken in ["", "{", "[]", "{\"dependencies\":[\"x\"]}", "{\"dependencies\":null}"] {
        let skill = samples::bundled("# Demo\n", &[("package.json", broken)]);
        assert_eq!(names(&skill), [], "{broken}");
    }
}

#[test]
fn install_commands_declare_what_they_install() {
    let python = (Runtime, "python");
    let node = (Runtime, "node");
    let cases: [(&str, &[(DependencyKind, &str)]); 17] = [
        ("pip install requests", &[(Python, "requests"), python]),
        ("pip3 install -U 'a>=1' \"b[c]\"", &[(Python, "a"), (Python, "b"), python]),
        ("python -m pip install x", &[(Python, "x"), python]),
        ("sudo pip install x", &[(Python, "x"), python]),
        ("uv pip install x && uv tool install y", &[(Python, "x"), (Python, "y")]),
        ("uv add x", &[(Python, "x")]),
        ("pipx install x", &[(Python, "x")]),
        ("pip install -r requirements.txt", &[python]),
        ("pip install -e . ./local /abs $X <name> {name} package-name", &[python]),
        (
            "pip install git+https://e.org/o/repo.git",
            &[(Python, "repo"), python, (NetworkHost, "e.org")],
        ),
        (
            "pip install --index-url https://e.org/simple x",
            &[(Python, "x"), python, (NetworkHost, "e.org")],
        ),
        ("pip uninstall x", &[python]),
        ("npm install -g @a/b@^1 c", &[(Npm, "@a/b"), (Npm, "c"), node]),
        ("yarn add c", &[(Npm, "c")]),
        ("brew install jq", &[(Program, "jq")]),
        ("sudo apt-get install -y jq ffmpeg", &[(Program, "ffmpeg"), (Program, "jq")]),
        ("brew install a/tap/tool", &[(Program, "tool")]),
    ];
    for (command, names) in cases {
        assert_eq!(shell(command), expected(names), "{command}");
    }
    let skill = samples::skill("# Demo\n\n```bash\nbrew install jq # later\n```\n");
    let jq = dependencies(&skill).into_iter().find(|entry| entry.name == "jq").unwrap();
    assert_eq!(jq.evidence[0].source, DependencySource::InstallCommand);
    assert_eq!(jq.evidence[0].span.unwrap().text(skill.source()), "brew install jq");
}

#[test]
fn programs_are_found_and_those_of_every_machine_are_not() {
    let cases: [(&str, &[(DependencyKind, &str)]); 10] = [
        ("jq . x | head", &[(Program, "jq")]),
        ("cd x && ls -l | grep y > z; echo done", &[]),
        ("for f in *; do ffmpeg -i $f; done", &[(Program, "ffmpeg")]),
        ("X=$(gh api x)", &[(Program, "gh")]),
        ("/usr/local/bin/mytool x", &[]),
        ("$TOOL x", &[]),
        ("<tool> x", &[]),
        ("MYTOOL x", &[]),
        ("python3.11 x.py", &[(Program, "python3.11")]),
        ("helper() { jq .; }\nhelper", &[(Program, "jq")]),
    ];
    for (command, names) in cases {
        assert_eq!(shell(command), expected(names), "{command}");
    }
}

#[test]
fn imports_are_distributions_and_the_standard_library_is_not() {
    let cases: [(&str, &[(DependencyKind, &str)]); 9] = [
        ("import requests", &[(Python, "requests")]),
        ("import yaml, cv2", &[(Python, "opencv-python"), (Python, "pyyaml")]),
        ("from PIL import Image", &[(Python, "pillow")]),
        ("from google.cloud import storage", &[(Python, "google-cloud-storage")]),
        ("import google.cloud.storage", &[(Python, "google-cloud-storage")]),
        ("import os.path, json, _thread, tomllib", &[]),
        ("from __future__ import annotations", &[]),
        ("from . import x", &[]),
        ("import some_thing.deep", &[(Python, "some-thing")]),
    ];
    for (code, names) in cases {
        assert_eq!(python(code), expected(names), "{code}");
    }
}

#[test]
fn the_evidence_of_an_import_lies_where_the_import_does() {
    let body = "- x\n\n  ```python\n  import csv\n  import requests\n  ```\n";
    for body in [body.to_owned(), body.replace('\n', "\r\n")] {
        let skill = samples::skill(&body);
        let entry = only(&skill);
        assert_eq!(entry.provides, ["requests"]);
        assert_eq!(entry.evidence[0].source, DependencySource::Import);
        assert_eq!(entry.evidence[0].span.unwrap().text(skill.source()), "import requests");
    }
    let script = "import os\nimport requests\n";
    let skill = samples::bundled("# Demo\n", &[("scripts/x.py", script)]);
    let entry = dependencies(&skill).remove(0);
    assert_eq!(entry.evidence[0].file.as_deref(), Some("scripts/x.py"));
    assert_eq!(entry.evidence[0].span.unwrap().text(script), "import requests");
}

#[test]
fn modules_of_the_skill_itself_are_no_dependencies() {
    let skill = samples::bundled(
        "# Demo\n\n```python\nimport helper\nimport pkg.deep\nfrom scripts import other\n```\n",
        &[
            ("scripts/helper.py", "import pkg\n"),
            ("lib/pkg/deep.py", ""),
            ("lib/pkg/__init__.py", ""),
        ],
    );
    let found = names(&skill);
    assert_eq!(found, expected(&[(Runtime, "python")]), "only the interpreter of the scripts");
}

#[test]
fn what_one_place_needs_is_needed() {
    let guarded = "try:\n    import rich\nexcept ImportError:\n    rich = None\n";
    let optional =
        |code: &str| only(&samples::skill(&format!("# Demo\n\n```python\n{code}```\n"))).optional;
    assert!(optional(guarded));
    assert!(!optional("import rich\n"));
    assert!(!optional(&format!("{guarded}import rich\n")));
    assert!(!optional(&format!("import rich\n{guarded}")));
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
fn a_declared_name_wins_over_an_inferred_one() {
    let skill = samples::bundled(
        "# Demo\n\n```python\nimport fitz\n```\n",
        &[("requirements.txt", "fitz\n")],
    );
    assert_eq!(names(&skill), expected(&[(Python, "fitz")]));
}

#[test]
fn own_scripts_need_their_interpreters_and_are_no_programs() {
    let skill = samples::bundled(
        "# Demo\n\n```bash\n./scripts/run.py a\nscripts/go.sh\ntool b\n```\n",
        &[
            ("scripts/run.py", "x = 1\n"),
            ("scripts/go.sh", "ls\n"),
            ("bin/tool", "#!/usr/bin/env ruby\n"),
            ("web/a.mjs", "1\n"),
        ],
    );
    let found = names(&skill);
    assert_eq!(
        found,
        expected(&[(Program, "ruby"), (Program, "tool"), (Runtime, "node"), (Runtime, "python")])
    );
}

#[test]
fn a_file_that_the_bundle_lacks_is_named() {
    let skill = samples::bundled(
        "# Demo\n\nSee `references/gone.md` and `references/here.md`.\n\n```bash\n\
         python {baseDir}/scripts/gone.py\nbash ./scripts/here.sh x\ncat other/scripts/not-ours.py\n\
         cat scripts/*.py scripts/<name>.py templates/\n```\n",
        &[("references/here.md", "x"), ("scripts/here.sh", "ls\n")],
    );
    let gone: Vec<String> = dependencies(&skill)
        .into_iter()
        .filter(|entry| entry.kind == BundleFile)
        .map(|entry| entry.name)
        .collect();
    assert_eq!(gone, ["references/gone.md", "scripts/gone.py"]);
}

#[test]
fn prose_needs_nothing() {
    let body = "# Demo\n\nFirst import the data, then `import` it. Use `pandas` and jq, or pip install x.\n\n\
                ```\nimport the data\n```\n\n```text\nimport os, requests\n```\n\n    import requests\n";
    assert_eq!(of_body(body), []);
}

#[test]
fn entries_come_by_kind_then_name_and_once() {
    let entries = shell("jq .\ngh x\njq .\npip install z a\nnpm i q");
    let mut sorted = entries.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!(entries, sorted);
}

/// Name, requirement, extras and marker of a dependency.
type Seen<'d> = (&'d str, Option<&'d str>, Vec<&'d str>, Option<&'d str>);
