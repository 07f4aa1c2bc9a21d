//! What no package manager gives: variables, runtimes, systems, services, files.

use skvm_core::artifact::{Check, ManualReason};
use skvm_core::host::HostFacts;

use super::{lines, linux, mac, of_shell, planned};
use crate::samples;

#[test]
fn secrets_are_named_and_never_with_a_value() {
    let value = "sk-live-0123456789";
    let code =
        format!("export DEMO_API_KEY={value}\ncurl -H \"x: $DEMO_API_KEY\" https://e.org/\n");
    let script = format!(
        "import os\nkey = os.environ.get('DEMO_TOKEN', '{value}')\nother = os.environ['DEMO_SECRET']\n"
    );
    let body = format!("# Demo\n\nSet `DEMO_PRIVATE_KEY={value}`.\n\n```bash\n{code}```\n");
    let settings = format!("DEMO_PASSWORD={value}\n");
    let files = [("run.py", script.as_str()), (".env.example", &settings)];
    let plan = planned(&samples::bundled(&body, &files), &linux());
    let asked: Vec<(&str, bool)> = plan
        .manual
        .iter()
        .filter(|step| step.reason == ManualReason::Value)
        .map(|step| match &step.check {
            Some(Check::Variable { name }) => (name.as_str(), step.optional),
            other => panic!("{other:?}"),
        })
        .collect();
    let expected = [
        ("DEMO_API_KEY", false),
        ("DEMO_PASSWORD", false),
        ("DEMO_PRIVATE_KEY", false),
        ("DEMO_SECRET", false),
        ("DEMO_TOKEN", true),
    ];
    assert_eq!(asked, expected);
    let mut values = plan.manual.iter().filter(|step| step.reason == ManualReason::Value);
    assert!(values.all(|step| step.advice.contains("secret")));
    let json = serde_json::to_string(&plan).unwrap();
    assert!(!json.contains(value), "{json}");
    for (_, script) in skvm_passes::environment::scripts(&plan).files() {
        assert!(!script.contains(value), "{script}");
    }
}

#[test]
fn a_runtime_that_is_missing_is_left_to_a_person() {
    let bare = HostFacts::new(linux().os, "x86_64");
    let plan = of_shell("python3 x.py\nnode x.js", &bare);
    assert_eq!(lines(&plan), ["manual runtime:node Runtime", "manual runtime:python Runtime"]);
    let programs: Vec<&str> = plan
        .manual
        .iter()
        .map(|step| match &step.check {
            Some(Check::Program { name, .. }) => name.as_str(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(programs, ["node", "python3"]);
    assert_eq!(lines(&of_shell("python3 x.py\nnode x.js", &linux())), [""; 0]);
}

#[test]
fn a_skill_for_another_system_says_so() {
    let head = |systems: &str| {
        format!("---\nname: d\ndescription: d\nmetadata: {{openclaw: {{os: [{systems}]}}}}\n---\n")
    };
    let skill = samples::loaded(&head("darwin"), &[]);
    let expected = ["manual operating-system:darwin OperatingSystem"];
    assert_eq!(lines(&planned(&skill, &linux())), expected);
    assert_eq!(lines(&planned(&skill, &mac())), [""; 0]);
    let both = samples::loaded(&head("darwin, linux"), &[]);
    assert_eq!(lines(&planned(&both, &linux())), [""; 0]);
}

#[test]
fn files_that_the_bundle_lacks_are_told() {
    let skill = samples::skill("# Demo\n\n```bash\npython3 scripts/missing.py\n```\n");
    let plan = planned(&skill, &linux());
    assert_eq!(lines(&plan), ["manual bundle-file:scripts/missing.py BundleFile"]);
    assert_eq!(plan.manual[0].check, None);
}

#[test]
fn servers_and_services_are_to_be_running() {
    let front = "---\nname: d\ndescription: d\nallowed-tools: mcp__files__read\n---\n# D\n\n\
                 ```bash\ncurl http://localhost:8080/x\n```\n";
    let plan = planned(&samples::loaded(front, &[]), &linux());
    let services: Vec<String> =
        lines(&plan).into_iter().filter(|line| line.ends_with("Service")).collect();
    let expected = ["manual service:localhost:8080 Service", "manual mcp-server:files Service"];
    assert_eq!(services, expected);
}
