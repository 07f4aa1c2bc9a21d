//! Plans for Python distributions.

use std::path::PathBuf;

use skvm_core::artifact::{ActionKind, Check, Scope};
use skvm_core::host::{HostFacts, Interpreter, OsFamily, PackageManager};
use skvm_passes::environment::{PackageIndex, PlanOptions, PythonPlace};

use super::{lines, linux, mac, of_requirements, of_shell, planned, planned_with, shown};
use crate::samples;

const VENV: &str = "python-environment: python3 -m venv ENV/python";
const UV_VENV: &str = "python-environment: uv venv --python python3 -- ENV/python";
const PIP: &str = "python-packages: ENV/python/bin/python -m pip install --disable-pip-version-check --no-input --";
const UV_PIP: &str = "python-packages: uv pip install --python ENV/python/bin/python --";

fn with_uv() -> HostFacts {
    linux().with_manager(PackageManager::Uv)
}

/// A machine whose Python is older than skills ask for.
fn old() -> HostFacts {
    linux().with_python(Interpreter::new("python3", "3.7.3"))
}

fn without_python(mut host: HostFacts) -> HostFacts {
    host.python = None;
    host
}

#[test]
fn declared_distributions_go_into_an_environment_of_the_skills_own() {
    let text = "pandas>=2.0,<3\nuvicorn[standard,x] ~= 0.20 # web\n";
    let packages = "pandas>=2.0,<3 uvicorn[standard,x]~=0.20";
    for (host, venv, pip) in
        [(linux(), VENV, PIP), (with_uv(), UV_VENV, UV_PIP), (mac(), VENV, PIP)]
    {
        let plan = of_requirements(text, &host);
        assert_eq!(lines(&plan), [venv.to_owned(), format!("{pip} {packages}")]);
        assert!(plan.has_own_environment());
        let packages = plan.action("python-packages").unwrap();
        assert_eq!(packages.scope, Scope::Skill);
        assert_eq!(packages.after, ["python-environment"]);
        assert_eq!(packages.dependencies, ["python:pandas", "python:uvicorn"]);
        assert!(plan.is_preparation("python-environment"));
        assert!(!plan.is_preparation("python-packages"));
    }
}

#[test]
fn nothing_is_made_for_a_skill_without_distributions() {
    assert_eq!(lines(&of_shell("python3 x.py", &linux())), [""; 0]);
}

#[test]
fn the_versions_that_are_there_are_checked_and_modules_are_imported() {
    let files =
        [("requirements.txt", "PyYAML>=6\nrich\n"), ("run.py", "import yaml\nimport yaml.nodes\n")];
    let plan = planned(&samples::bundled("# Demo\n", &files), &linux());
    let action = plan.action("python-packages").unwrap();
    let argvs = |checks: &[Check]| -> Vec<Vec<String>> {
        let words = checks.iter().map(|check| match check {
            Check::Run { argv, folder: None } => argv.iter().map(shown).collect(),
            other => panic!("{other:?}"),
        });
        words.collect()
    };
    let (checked, verified) = (argvs(&action.check), argvs(&action.verify));
    assert_eq!(checked.len(), 1);
    assert_eq!(checked[0][..3], ["ENV/python/bin/python", "-I", "-c"]);
    assert_eq!(checked[0][4..], ["PyYAML>=6", "rich"]);
    assert_eq!(verified.len(), 2);
    assert_eq!(verified[0], checked[0]);
    assert_eq!(verified[1][4..], ["yaml"]);
}

#[test]
fn an_old_python_is_replaced_by_uv_and_by_nobody_else() {
    let toml = "[project]\nname = \"x\"\nrequires-python = \">=3.8\"\ndependencies = [\"rich\"]\n";
    let skill = samples::bundled("# Demo\n", &[("pyproject.toml", toml)]);
    let manual = ["manual python:rich Runtime", "manual runtime:python Runtime"];
    assert_eq!(lines(&planned(&skill, &linux())), [VENV, &format!("{PIP} rich")]);
    assert_eq!(lines(&planned(&skill, &old())), manual);
    assert_eq!(lines(&planned(&skill, &without_python(linux()))), manual);
    let fetched = "python-environment: uv venv --python >=3.8 -- ENV/python";
    let with_uv = |host: HostFacts| host.with_manager(PackageManager::Uv);
    for host in [with_uv(old()), with_uv(without_python(linux()))] {
        let lines = lines(&planned(&skill, &host));
        assert_eq!(lines[..2], [fetched.to_owned(), format!("{UV_PIP} rich")]);
    }
    let bare = of_requirements("rich\n", &with_uv(without_python(linux())));
    assert_eq!(lines(&bare)[0], "python-environment: uv venv --python 3 -- ENV/python");
}

#[test]
fn an_address_is_no_version_of_an_interpreter() {
    let host = without_python(with_uv());
    for demand in ["@ https://evil.example/x", "@ file:/tmp/x", "@ git+https://evil.example/x"] {
        let toml =
            format!("[project]\nname='x'\nrequires-python='{demand}'\ndependencies=['rich']\n");
        let front =
            format!("---\nname: d\ndescription: d\ndependencies: ['python {demand}', rich]\n---\n");
        let script = format!(
            "# /// script\n# requires-python = '{demand}'\n# dependencies = ['rich']\n# ///\n"
        );
        let skills = [
            samples::bundled("# Demo\n", &[("pyproject.toml", &toml)]),
            samples::loaded(&front, &[]),
            samples::bundled("# Demo\n", &[("run.py", &script)]),
        ];
        for skill in skills {
            let lines = lines(&planned(&skill, &host));
            assert_eq!(
                lines[0], "python-environment: uv venv --python 3 -- ENV/python",
                "{demand}"
            );
        }
    }
}

#[test]
fn markers_are_decided_when_the_plan_is_made() {
    let cases = [
        ("python_version < \"3.12\"", true, false),
        ("python_version >= \"3.12\"", false, true),
        ("sys_platform == \"darwin\"", false, true),
        ("sys_platform != \"win32\" and platform_machine == \"x86_64\"", true, false),
        ("platform_machine == \"arm64\"", false, true),
        ("extra == \"dev\"", false, false),
    ];
    for (marker, on_linux, on_mac) in cases {
        for (host, expected) in [(linux(), on_linux), (mac(), on_mac)] {
            let plan = of_requirements(&format!("rich>=1; {marker}\n"), &host);
            let found = lines(&plan);
            let wanted = [VENV.to_owned(), format!("{PIP} rich>=1")];
            assert_eq!(
                found,
                wanted.into_iter().filter(|_| expected).collect::<Vec<_>>(),
                "{marker}"
            );
        }
    }
    // What the facts do not tell, the installer decides.
    let plan = of_requirements("rich>=1; platform_release == \"6\"\n", &linux());
    let install = format!("{PIP} rich>=1 ; platform_release == \"6\"");
    assert_eq!(lines(&plan), [VENV.to_owned(), install]);
}

#[test]
fn optional_distributions_and_guesses_stand_apart_at_the_end() {
    let files = [
        ("requirements.txt", "rich\n"),
        (
            "run.py",
            "import unheard_of_thing\ntry:\n    import requests\nexcept ImportError:\n    pass\n",
        ),
    ];
    let body = "# Demo\n\n```bash\nnpm install left-pad\n```\n";
    let plan = planned(&samples::bundled(body, &files), &linux());
    let pip = |name: &str| {
        let pip = PIP.replace("python-packages", &format!("python-packages-{name}?"));
        format!("{pip} {name}")
    };
    let npm = "npm-packages: npm install --prefix ENV/npm --no-audit --no-fund --loglevel=error \
               --ignore-scripts -- left-pad";
    let expected = [
        VENV.to_owned(),
        format!("{PIP} rich"),
        npm.to_owned(),
        pip("requests"),
        pip("unheard-of-thing"),
    ];
    assert_eq!(lines(&plan), expected);
    for action in &plan.actions[3..] {
        assert_eq!(action.after, ["python-environment"]);
        assert_eq!(action.dependencies.len(), 1);
    }
}

#[test]
fn addresses_are_left_to_a_person_with_the_place_that_names_them() {
    let text = "tool @ git+https://e.org/o/tool.git@v1\nhttps://e.org/pkg-1.0-py3-none-any.whl\n\
                -e git+https://e.org/o/other.git#egg=other\n";
    let plan = of_requirements(text, &linux());
    let expected =
        ["manual python:other Source", "manual python:pkg Source", "manual python:tool Source"];
    assert_eq!(lines(&plan), expected);
    for step in &plan.manual {
        assert!(step.advice.contains("://e.org/"), "{step:?}");
        assert_eq!(step.evidence[0].file.as_deref(), Some("requirements.txt"));
    }
}

#[test]
fn a_program_out_of_an_address_is_not_taken_from_the_registry() {
    for code in [
        "pip install git+https://e.org/o/mytool.git\nmytool run",
        "pip install 'mytool @ git+https://e.org/o/mytool.git'\nmytool run",
    ] {
        let plan = of_shell(code, &linux());
        assert_eq!(
            lines(&plan),
            ["manual python:mytool Source", "manual program:mytool UnknownSource"],
            "{code}"
        );
    }
    let front = "---\nname: d\ndescription: d\nmetadata: {openclaw: {install: [{kind: uv, package: \
                 'mytool @ git+https://e.org/o/mytool.git', bins: [mytool]}]}}\n---\n";
    let plan = planned(&samples::loaded(front, &[]), &linux());
    let expected = ["manual python:mytool Source", "manual program:mytool UnknownSource"];
    assert_eq!(lines(&plan), expected);
}

#[test]
fn the_hosts_python_and_a_folder_of_wheels_are_the_hosts_choice() {
    let skill = samples::bundled("# Demo\n", &[("requirements.txt", "rich\n")]);
    let options = PlanOptions { python: PythonPlace::Host, ..PlanOptions::default() };
    let plan = planned_with(&skill, &linux(), &options);
    let pip =
        "!python-packages: python3 -m pip install --disable-pip-version-check --no-input -- rich";
    assert_eq!(lines(&plan), [pip]);
    assert!(!plan.has_own_environment());
    assert_eq!(planned_with(&skill, &without_python(linux()), &options).actions, []);
    let folder = PathBuf::from("/wheels of mine");
    let options = PlanOptions { index: PackageIndex::Folder(folder), ..PlanOptions::default() };
    let found = lines(&planned_with(&skill, &with_uv(), &options));
    let uv = "python-packages: uv pip install --python ENV/python/bin/python --no-index --find-links \
              /wheels of mine -- rich";
    assert_eq!(found[1], uv);
}

#[test]
fn windows_has_its_own_place_for_the_interpreter() {
    let mut host = linux();
    host.os = OsFamily::Windows;
    let skill = samples::bundled("# Demo\n", &[("requirements.txt", "rich\n")]);
    let code = skvm_passes::code::analyze(&skill);
    let dependencies = skvm_passes::environment::dependencies(&skill, &code);
    let plan = skvm_passes::environment::plan(&dependencies, &host, &PlanOptions::default());
    assert_eq!(shown(&plan.actions[1].argv[0]), "ENV/python/Scripts/python.exe");
    assert_eq!(plan.path_entries()[0], "python/Scripts");
}

#[test]
fn a_program_of_a_distribution_is_verified_where_it_is_installed() {
    let plan = of_shell("pip install 'ruff>=0.5'\nruff check .", &linux());
    assert_eq!(lines(&plan), [VENV, &format!("{PIP} ruff>=0.5")]);
    let action = plan.action("python-packages").unwrap();
    assert_eq!(action.kind, ActionKind::PythonPackages);
    assert_eq!(action.dependencies, ["python:ruff", "program:ruff"]);
    let on_path = action
        .verify
        .iter()
        .any(|check| matches!(check, Check::Program { name, .. } if name == "ruff"));
    assert!(on_path);
}
