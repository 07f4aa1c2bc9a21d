//! The whole way for Python without a network: wheels that the test makes, a real virtual environment.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use serde_json::json;
use skvm_core::llm::LlmResponse;
use skvm_passes::environment::{PackageIndex, PlanOptions};
use skvm_runtime::engine::{EngineError, SkVm};
use skvm_runtime::environment::{Binder, ConsentPolicy, PrepareError};
use skvm_runtime::harness::bare::BareAgent;
use skvm_runtime::scripted::ScriptedModel;

use super::{Place, has, host_distributions, python, shown_by_run, skill, target};

/// Makes wheels: name, version, module, what the module says.
const WHEELS: &str = r#"
import base64, hashlib, sys, zipfile
folder, *rows = sys.argv[1:]
for row in rows:
    name, version, module, code = row.split('|')
    stem = f"{name.replace('-', '_')}-{version}"
    files = {
        f'{module}/__init__.py': code.replace('\\n', '\n') + '\n',
        f'{stem}.dist-info/METADATA': f'Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n',
        f'{stem}.dist-info/WHEEL': 'Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
    }
    record = ''
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b'=').decode()
        record += f'{path},sha256={digest},{len(text.encode())}\n'
    files[f'{stem}.dist-info/RECORD'] = record + f'{stem}.dist-info/RECORD,,\n'
    with zipfile.ZipFile(f'{folder}/{stem}-py3-none-any.whl', 'w') as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)
"#;

const SKILL: &str = "---\nname: reports\ndescription: Makes reports.\n---\n# Reports\n\n\
                     ```bash\npython3 scripts/report.py\n```\n";

const SCRIPT: &str = "import yaml\nfrom docx import Document\nfrom bs4 import BeautifulSoup\n\
                      try:\n    import richer\nexcept ImportError:\n    richer = None\n\
                      print(yaml.WHO, Document, BeautifulSoup, richer)\n";

fn wheels(place: &Place, rows: &[&str]) -> PlanOptions {
    let folder = place.path("wheels");
    fs::create_dir_all(&folder).unwrap();
    let folder_text = folder.to_string_lossy().into_owned();
    let arguments: Vec<&str> =
        std::iter::once(folder_text.as_str()).chain(rows.iter().copied()).collect();
    python(WHEELS, &arguments);
    PlanOptions { index: PackageIndex::Folder(folder), ..PlanOptions::default() }
}

const ALL: [&str; 4] = [
    "PyYAML|6.0.1|yaml|WHO = 'the yaml of the test'",
    "PyYAML|5.0|yaml|WHO = 'too old'",
    "python-docx|1.1|docx|Document = 'a document'",
    "beautifulsoup4|4.12|bs4|BeautifulSoup = 'a soup'",
];

fn command(command: &str) -> Result<LlmResponse, skvm_core::llm::LlmError> {
    Ok(LlmResponse::tool_call("1", "execute_command", json!({"command": command})))
}

fn engine(place: &Place, options: PlanOptions, answers: &[&str]) -> SkVm {
    let mut script: Vec<_> = answers.iter().map(|text| command(text)).collect();
    script.push(Ok(LlmResponse::text("done")));
    let model = ScriptedModel::new("scripted", script);
    SkVm::builder()
        .binder(Binder::new(place.root()).with_options(options))
        .harness(Arc::new(BareAgent::new(Arc::new(model))))
        .build()
}

fn demo(place: &Place, requirements: &str) -> Arc<skvm_core::skill::Skill> {
    let files =
        [("SKILL.md", SKILL), ("scripts/report.py", SCRIPT), ("requirements.txt", requirements)];
    skill(&place.path("reports"), &files)
}

#[tokio::test]
async fn a_skill_gets_its_distributions_and_the_hosts_python_stays_as_it_is() {
    if !has("python3") {
        return;
    }
    let before = host_distributions();
    let place = Place::new();
    let options = wheels(&place, &ALL);
    let script = place.path("reports").join("scripts/report.py");
    let vm =
        engine(&place, options, &[&format!("python3 {}", script.display()), "command -v python3"]);
    let skill = demo(&place, "PyYAML>=6\n");
    let variant = vm.compile(&skill, &target()).await.unwrap();

    let prepared = vm.prepare(&variant, &ConsentPolicy::own_environment()).await.unwrap();
    assert!(prepared.is_complete(), "{:?}", prepared.open);
    let done: Vec<&str> = prepared.performed.iter().map(|p| p.action.as_str()).collect();
    assert_eq!(done, ["python-environment", "python-packages"]);
    assert_eq!(prepared.open.len(), 1, "the guarded import is nowhere: {:?}", prepared.open);
    assert!(prepared.open[0].optional && prepared.open[0].dependencies == ["python:richer"]);

    let again = vm.prepare(&variant, &ConsentPolicy::nothing()).await.unwrap();
    assert!(again.performed.is_empty() && again.environment == prepared.environment);

    let shown = shown_by_run(&vm, &place, skill, prepared.environment).await;
    assert!(shown.contains("the yaml of the test a document a soup None"), "{shown}");
    let own = place.root().canonicalize().unwrap();
    assert!(
        shown.contains(&*own.to_string_lossy()) || shown.contains(&*place.root().to_string_lossy()),
        "{shown}"
    );
    assert_eq!(host_distributions(), before);
}

#[tokio::test]
async fn a_distribution_that_is_nowhere_is_named_and_nothing_is_left() {
    if !has("python3") {
        return;
    }
    let place = Place::new();
    let options = wheels(&place, &ALL[..2]);
    let vm = engine(&place, options, &[]);
    let variant = vm.compile(&demo(&place, "PyYAML>=6\n"), &target()).await.unwrap();
    let error = vm.prepare(&variant, &ConsentPolicy::own_environment()).await.unwrap_err();
    let EngineError::Prepare(PrepareError::Failed(failed)) = &error else { panic!("{error:?}") };
    assert_eq!(failed.action, "python-packages");
    assert!(
        failed.output.contains("beautifulsoup4") || failed.output.contains("docx"),
        "{failed:?}"
    );
    assert!(failed.advice.contains("registry has no such distribution"), "{failed:?}");
    assert!(place.environments().is_empty());
}

#[tokio::test]
async fn a_module_that_cannot_be_imported_fails_the_verification() {
    if !has("python3") {
        return;
    }
    let place = Place::new();
    let rows =
        [ALL[0], ALL[2], "beautifulsoup4|4.12|bs4|raise OSError('libmissing.so is not there')"];
    let options = wheels(&place, &rows);
    let vm = engine(&place, options, &[]);
    let variant = vm.compile(&demo(&place, ""), &target()).await.unwrap();
    let error = vm.prepare(&variant, &ConsentPolicy::own_environment()).await.unwrap_err();
    let EngineError::Prepare(PrepareError::Failed(failed)) = &error else { panic!("{error:?}") };
    assert!(failed.in_verification && failed.output.contains("libmissing.so"), "{failed:?}");
    assert!(place.environments().is_empty());
}

#[tokio::test]
async fn a_version_that_is_demanded_and_not_there_is_a_failure() {
    if !has("python3") {
        return;
    }
    let place = Place::new();
    let options = wheels(&place, &ALL);
    let vm = engine(&place, options, &[]);
    let variant = vm.compile(&demo(&place, "PyYAML>=7\n"), &target()).await.unwrap();
    let error = vm.prepare(&variant, &ConsentPolicy::own_environment()).await.unwrap_err();
    let EngineError::Prepare(PrepareError::Failed(failed)) = &error else { panic!("{error:?}") };
    assert!(!failed.in_verification && failed.output.contains("PyYAML>=7"), "{failed:?}");
}

/// The environment is built under a name with a space, as a user's folder may have.
#[tokio::test]
async fn a_folder_with_a_space_does() {
    if !has("python3") {
        return;
    }
    let place = Place::new();
    let options = wheels(&place, &ALL);
    let vm = SkVm::builder()
        .binder(Binder::new(place.path("with a space")).with_options(options))
        .build();
    let variant = vm.compile(&demo(&place, ""), &target()).await.unwrap();
    let prepared = vm.prepare(&variant, &ConsentPolicy::own_environment()).await.unwrap();
    let interpreter = prepared.environment.path[0].join("python");
    let output = std::process::Command::new(interpreter)
        .args(["-I", "-c", "import yaml; print(yaml.WHO)"])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "the yaml of the test");
    assert!(Path::new(&prepared.environment.variables["VIRTUAL_ENV"]).is_dir());
}
