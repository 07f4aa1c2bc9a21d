//! What runs failed for want of: it is believed where the skill or what is generally known speaks for it.

use futures::executor::block_on;
use skvm_core::artifact::{
    Dependencies, Dependency, DependencyKind, DependencySource, EnvironmentPlan, Evidence,
};
use skvm_core::failure::{Advice, Lesson, Lessons};
use skvm_core::host::HostFacts;
use skvm_core::pass::Unit;
use skvm_core::skill::Skill;
use skvm_passes::code::CodePass;
use skvm_passes::environment::EnvironmentPass;
use skvm_passes::manager::PassManager;
use skvm_passes::variant::Variant;

use super::{fenced, line};
use crate::samples;
use DependencyKind::{Npm, Program, Python, Runtime};

fn missing(kind: DependencyKind, name: &str) -> Lesson {
    Lesson::Dependency { dependency: kind, name: name.to_owned() }
}

fn compile(unit: &Unit) -> Variant {
    let manager =
        PassManager::builder().pass(CodePass).pass(EnvironmentPass::default()).build().unwrap();
    block_on(manager.compile(unit)).unwrap().variant
}

fn learned(skill: &Skill, lessons: impl IntoIterator<Item = Lesson>) -> Variant {
    compile(&samples::unit(skill.clone()).with_lessons(Lessons::new(lessons)))
}

fn entries(variant: &Variant) -> Vec<Dependency> {
    variant.artifacts().get::<Dependencies>().unwrap().unwrap().entries.clone()
}

/// What a lesson adds to a skill, a line each with its kind; and what is told.
fn added(skill: &Skill, lesson: Lesson) -> (Vec<String>, Vec<String>) {
    let lines = |variant: &Variant| -> Vec<String> {
        let entries = entries(variant);
        entries.iter().map(|entry| format!("{} {}", entry.kind.as_str(), line(entry))).collect()
    };
    let before = lines(&compile(&samples::unit(skill.clone())));
    let variant = learned(skill, [lesson]);
    let new = lines(&variant).into_iter().filter(|line| !before.contains(line)).collect();
    (new, told(&variant))
}

fn told(variant: &Variant) -> Vec<String> {
    let told = variant.diagnostics().iter();
    let told = told.filter(|found| found.code.as_str() == "environment/unfounded-lesson");
    told.map(|found| found.message.clone()).collect()
}

fn is_added(skill: &Skill, kind: DependencyKind, name: &str, expected: &str) {
    let (new, told) = added(skill, missing(kind, name));
    assert_eq!((new, told), (vec![expected.to_owned()], Vec::new()), "{name}");
}

fn is_refused(skill: &Skill, kind: DependencyKind, name: &str) {
    let (new, told) = added(skill, missing(kind, name));
    assert_eq!(new, [""; 0], "{name:?}");
    let [told] = told.as_slice() else { panic!("{name:?}: {told:?}") };
    assert!(told.starts_with(&format!("a run missed {} \"", kind.as_str())), "{told}");
    assert!(told.ends_with("\", which the skill does not name"), "{told}");
    assert!(told.len() < 1_200, "{told}");
}

fn plain() -> Skill {
    samples::skill("# Demo\n\nIt reads and writes reports.\n")
}

#[test]
fn a_module_is_its_distribution() {
    for (module, distribution) in [
        ("yaml", "python PyYAML"),
        ("cv2", "python opencv-python"),
        ("PIL", "python pillow"),
        ("bs4", "python beautifulsoup4"),
        ("sklearn.cluster", "python scikit-learn"),
        ("zqx_y", "python zqx-y"),
    ] {
        let import = format!("import {module} as x\n");
        // A script that is not looked into, so that only the lesson says it.
        let skill = samples::bundled("# Demo\n", &[("venv/run.py", import.as_str())]);
        let (new, told) = added(&skill, missing(Python, module));
        let names: Vec<String> = new.iter().map(|line| line.to_lowercase()).collect();
        assert_eq!(names, [distribution.to_lowercase()], "{module}");
        assert!(told.is_empty());
    }
}

#[test]
fn what_is_well_known_needs_no_mention() {
    is_added(&plain(), Python, "yaml", "python pyyaml");
    is_added(&plain(), Python, "numpy", "python numpy");
    is_added(&plain(), Python, "requests.adapters", "python requests");
    is_added(&plain(), Program, "jq", "program jq");
    is_added(&plain(), Program, "ffmpeg", "program ffmpeg");
    is_added(&plain(), Program, "python3", "runtime python");
    is_added(&plain(), Program, "node", "runtime node");
}

#[test]
fn anything_else_the_skill_has_to_name() {
    for (kind, name, expected) in [
        (Python, "zqx", "python zqx"),
        (Python, "zqx.part", "python zqx"),
        (Program, "zqx", "program zqx"),
        (Npm, "zqx", "npm zqx"),
        (Npm, "zqx/deep", "npm zqx"),
        (Npm, "@a/zqx", "npm @a/zqx"),
    ] {
        is_refused(&plain(), kind, name);
        let word = if name.starts_with('@') { "@a/zqx" } else { "zqx" };
        is_added(&samples::skill(&format!("# Demo\n\nIt needs `{word}`.\n")), kind, name, expected);
        // Prose has all kinds of words.
        is_refused(&samples::skill(&format!("# Demo\n\nIt needs {word}.\n")), kind, name);
        let script = format!("# needs {word}\n");
        is_added(&samples::bundled("# Demo\n", &[("run.py", &script)]), kind, name, expected);
        // A part of another word is not it, nor is a file that is no script.
        for other in ["zqxs", "azqx", "zqx_y", "zqx-y"] {
            is_refused(&samples::skill(&format!("# Demo\n\nIt needs `{other}`.\n")), kind, name);
        }
        is_refused(&samples::bundled("# Demo\n", &[("notes.txt", &script)]), kind, name);
    }
}

#[test]
fn what_somebody_made_up_is_refused_and_told() {
    let long = "a".repeat(300);
    let skill = samples::skill(
        "# Demo\n\nIt needs evil_ and `a;b` and ../x and os and $(id) and numpy; rm -rf / too.\n",
    );
    for name in [
        "evil-pkg",
        "evil_pkg",
        "",
        "a;b",
        "../x",
        "./x",
        "/etc/passwd",
        "$(id)",
        "a b",
        "numpy; rm -rf /",
        "numpy && id",
        "-r",
        "--index-url=http://evil.example",
        "numpy @ http://evil.example/x.whl",
        "git+https://evil.example/x",
        "numpy\nevil",
        "numpy\0",
        "num\u{440}y",
        "numpy\u{200b}",
        "\u{ff4e}umpy",
        "é",
        &long,
    ] {
        is_refused(&skill, Python, name);
        is_refused(&skill, Npm, name);
        is_refused(&skill, Program, name);
    }
    for name in ["os", "json", "sys", "os.path", "_thread", "__future__", "collections.abc"] {
        is_refused(&skill, Python, name);
    }
    for name in ["numpy[x]", "numpy>=1", "numpy==1.0", ".numpy", "pip"] {
        is_refused(&skill, Python, name);
    }
}

#[test]
fn shells_bring_their_own_programs() {
    let skill = samples::skill("# Demo\n\nUse cd, ls, cat, grep, test, bash, sudo and [.\n");
    for name in ["cd", "ls", "cat", "grep", "test", "bash", "sudo", "[", ".", "sh", "echo", "tar"] {
        is_refused(&skill, Program, name);
    }
    for name in ["fs", "fs/promises", "node:fs", "bun:test", "./x", "@/x", "http", "child_process"]
    {
        is_refused(&skill, Npm, name);
    }
}

/// A registry has packages of any name: what is the skill's own never comes from there.
#[test]
fn nothing_of_the_skills_own_is_installed() {
    let files = [
        ("scripts/run.py", "import helper\nfrom parts import one\nimport utils\nimport zqx_own\n"),
        ("scripts/helper.py", "X = 1\n"),
        ("scripts/parts/__init__.py", ""),
        ("scripts/parts/one.py", ""),
        ("pyproject.toml", "[project]\nname = \"zqx-own\"\n"),
        (
            "web/package.json",
            "{\"name\": \"zqx-web\", \"dependencies\": {\"zqx-part\": \"file:../p\"}}",
        ),
        ("web/run.mjs", "import 'zqx-web/x'\nimport 'zqx-part'\n"),
    ];
    let skill =
        samples::bundled("# Demo\n\nThe helper, parts, zqx-web, zqx-part, zqx_own.\n", &files);
    for module in ["helper", "parts", "parts.one", "utils", "zqx_own", "one"] {
        is_refused(&skill, Python, module);
    }
    for package in ["zqx-web", "zqx-web/x", "zqx-part", "web"] {
        is_refused(&skill, Npm, package);
    }
}

/// Below a namespace anybody may publish.
#[test]
fn a_namespace_is_no_name() {
    let skill =
        samples::skill("# Demo\n\nIt asks `google` and `azure` for `google.cloud.storage`.\n");
    for module in ["google", "google.evil", "azure.evil", "google.cloud.evil", "google.cloud"] {
        is_refused(&skill, Python, module);
    }
    is_added(&skill, Python, "google.cloud.storage", "python google-cloud-storage");
    let entry = entries(&learned(&skill, [missing(Python, "google.cloud.storage.blob")])).remove(0);
    assert_eq!(entry.provides, ["google.cloud.storage"]);
}

#[test]
fn what_was_optional_is_needed() {
    let skill = samples::bundled(
        "# Demo\n",
        &[("run.py", "try:\n    import rich\nexcept ImportError:\n    rich = None\n")],
    );
    let before = entries(&compile(&samples::unit(skill.clone()))).remove(0);
    assert!(before.optional);
    let after = entries(&learned(&skill, [missing(Python, "rich")])).remove(0);
    assert!(!after.optional && after.name == "rich");
    assert_eq!(after.evidence.len(), 2);

    let shown = fenced("ts", "import x from 'lodash'");
    assert!(entries(&compile(&samples::unit(shown.clone()))).remove(0).optional);
    let after = entries(&learned(&shown, [missing(Npm, "lodash")]));
    let lodash = after.iter().find(|entry| entry.kind == Npm).unwrap();
    assert!(!lodash.optional);

    // On this machine it was needed, whatever the import's condition.
    let skill = samples::bundled(
        "# Demo\n",
        &[("run.py", "import sys\nif sys.platform == 'win32':\n    import rich\n")],
    );
    assert_eq!(
        line(&entries(&compile(&samples::unit(skill.clone())))[0]),
        "rich ; sys_platform == \"win32\""
    );
    assert_eq!(line(&entries(&learned(&skill, [missing(Python, "rich")]))[0]), "rich");
}

#[test]
fn a_declared_version_stays() {
    let files = [("requirements.txt", "pyyaml>=6,<7\n"), ("run.py", "import yaml\n")];
    let skill = samples::bundled("# Demo\n", &files);
    let variant = learned(&skill, [missing(Python, "yaml")]);
    let entries = entries(&variant);
    let modules: Vec<&Dependency> = entries.iter().filter(|entry| entry.kind == Python).collect();
    let [entry] = modules.as_slice() else { panic!("{entries:?}") };
    assert_eq!(line(entry), "pyyaml >=6,<7");
    assert!(told(&variant).is_empty());
    // Another distribution that the skill declares for the module is the one that is meant.
    let skill = samples::bundled("# Demo\n", &[("requirements.txt", "opencv-python-headless\n")]);
    let names: Vec<String> =
        self::entries(&learned(&skill, [missing(Python, "cv2")])).iter().map(line).collect();
    assert_eq!(names, ["opencv-python-headless"]);
}

#[test]
fn the_evidence_is_a_failure() {
    let variant = learned(&plain(), [missing(Python, "yaml"), missing(Program, "jq")]);
    for entry in entries(&variant) {
        let name = entry.name.clone();
        let seen =
            Evidence { source: DependencySource::Failure, file: None, span: None, quote: name };
        assert_eq!(entry.evidence, [seen]);
        assert!(entry.confidence > 0.8 && !entry.optional);
    }
    let provides = |kind| {
        let entries = entries(&variant).into_iter();
        entries.filter(|entry| entry.kind == kind).flat_map(|e| e.provides).collect::<Vec<_>>()
    };
    assert_eq!(provides(Python), ["yaml"]);
    let json = serde_json::to_string(&DependencySource::Failure).unwrap();
    assert_eq!(json, "\"failure\"");
}

/// What is checked after an install is a word that a script could import, and nothing else.
#[test]
fn what_is_checked_later_is_a_specifier() {
    let skill = samples::skill("# Demo\n\nIt needs `lodash`.\n");
    for (name, checked) in [
        ("lodash/fp", "lodash/fp"),
        ("lodash@1", "lodash"),
        ("lodash/'; process.exit()", "lodash"),
        ("lodash/../../x", "lodash"),
        ("lodash/$(id)", "lodash"),
        ("npm:lodash", "lodash"),
    ] {
        let entries = entries(&learned(&skill, [missing(Npm, name)]));
        let entry = entries.iter().find(|entry| entry.kind == Npm).unwrap();
        assert_eq!(
            (entry.name.as_str(), entry.provides.as_slice()),
            ("lodash", [checked.to_owned()].as_slice()),
            "{name}"
        );
    }
}

#[test]
fn a_plan_installs_what_runs_missed() {
    let words = |host: HostFacts, lessons: &[Lesson]| -> Vec<String> {
        let lessons = Lessons::new(lessons.iter().cloned());
        let unit = samples::unit(plain()).with_host(host).with_lessons(lessons);
        let variant = compile(&unit);
        let plan = variant.artifacts().get::<EnvironmentPlan>().unwrap().unwrap();
        let actions = plan.actions.iter();
        let words = actions.flat_map(|action| action.argv.iter().map(crate::plan::shown));
        words.chain(plan.manual.iter().map(|step| step.dependency.clone())).collect()
    };
    let lessons = [
        missing(Python, "yaml"),
        missing(Program, "jq"),
        missing(Python, "evil-pkg"),
        missing(Npm, "evil-pkg"),
        missing(Program, "evil-pkg"),
    ];
    let has = |words: &[String], word: &str| words.iter().any(|one| one == word);
    for (host, jq) in [(crate::plan::linux(), "program:jq"), (crate::plan::root(), "jq")] {
        assert_eq!(words(host.clone(), &[]), [""; 0]);
        let words = words(host, &lessons);
        assert!(has(&words, "pyyaml") && has(&words, jq), "{words:?}");
        assert!(!words.iter().any(|word| word.contains("evil")), "{words:?}");
    }
}

#[test]
fn lessons_about_other_things_change_nothing_here() {
    let skill = fenced("bash", "jq . x");
    let before = entries(&compile(&samples::unit(skill.clone())));
    let lessons = [
        Lesson::Script { file: "yaml".to_owned() },
        Lesson::Path { written: "numpy".to_owned(), file: "requests".to_owned() },
        Lesson::Advice { advice: Advice::InParts },
    ];
    let variant = learned(&skill, lessons);
    assert_eq!(entries(&variant), before);
    assert!(variant.diagnostics().is_empty());
    // Nor does a lesson of a kind that nobody can miss.
    for kind in [Runtime, DependencyKind::SystemPackage, DependencyKind::NetworkHost] {
        is_refused(&skill, kind, "jq");
    }
}
