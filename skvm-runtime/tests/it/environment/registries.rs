//! The whole way with the real registries. Needs PyPI and the npm registry, Python with `venv`, and
//! Node.js with npm: `cargo test -p skvm-runtime -- --ignored registries`

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use skvm_core::llm::LlmResponse;
use skvm_runtime::engine::SkVm;
use skvm_runtime::environment::{Binder, ConsentPolicy};
use skvm_runtime::harness::bare::BareAgent;
use skvm_runtime::scripted::ScriptedModel;

use super::{Place, host_distributions, shown_by_run, skill, target};

const SKILL: &str = "---\nname: reports\ndescription: Makes reports.\n---\n# Reports\n\n\
                     ```bash\npython3 scripts/report.py\nnode scripts/pad.cjs\nnode scripts/pad.mjs\n```\n";

const REPORT: &str = "import yaml\nfrom docx import Document\nfrom bs4 import BeautifulSoup\n\
                      document = Document()\n\
                      document.add_paragraph(BeautifulSoup('<b>soup</b>', 'html.parser').b.text)\n\
                      document.save('report.docx')\n\
                      print(yaml.safe_load('a: [1, 2]'), Document('report.docx').paragraphs[0].text)\n";

#[tokio::test]
#[ignore = "needs PyPI and the npm registry"]
async fn registries_give_a_skill_what_it_needs() {
    let before = host_distributions();
    let place = Place::new();
    let files = [
        ("SKILL.md", SKILL),
        ("scripts/report.py", REPORT),
        ("scripts/pad.cjs", "console.log(require('left-pad')('7', 3, '0'))\n"),
        ("scripts/pad.mjs", "import pad from 'left-pad'\nconsole.log(pad('8', 3, '0'))\n"),
        ("package.json", "{\"name\": \"reports\", \"dependencies\": {\"left-pad\": \"^1.3.0\"}}\n"),
    ];
    let folder = place.path("reports");
    let skill = skill(&folder, &files);
    let scripts = folder.join("scripts");
    let run = |program: &str, script: &str| {
        let command = format!("{program} {}", scripts.join(script).display());
        Ok(LlmResponse::tool_call("1", "execute_command", json!({"command": command})))
    };
    let model = ScriptedModel::new(
        "scripted",
        [
            run("python3", "report.py"),
            run("node", "pad.cjs"),
            run("node", "pad.mjs"),
            Ok(LlmResponse::text("done")),
        ],
    );
    let binder = Binder::new(place.root());
    let vm = SkVm::builder()
        .host(binder.host().await.clone())
        .binder(binder)
        .harness(Arc::new(BareAgent::new(Arc::new(model))))
        .build();
    let variant = vm.compile(&skill, &target()).await.unwrap();

    let prepared = vm.prepare(&variant, &ConsentPolicy::own_environment()).await.unwrap();
    assert!(prepared.is_complete(), "{:?}", prepared.open);
    let done: Vec<&str> = prepared.performed.iter().map(|p| p.action.as_str()).collect();
    assert_eq!(done, ["python-environment", "python-packages", "npm-packages"]);

    let started = Instant::now();
    let again = vm.prepare(&variant, &ConsentPolicy::nothing()).await.unwrap();
    let took = started.elapsed();
    assert!(again.performed.is_empty() && again.is_complete());
    assert!(took < Duration::from_millis(50), "{took:?}");

    let shown = shown_by_run(&vm, &place, skill, prepared.environment).await;
    for said in ["{'a': [1, 2]} soup", "007", "008"] {
        assert!(shown.contains(said), "{said}: {shown}");
    }
    assert_eq!(host_distributions(), before, "the host's own Python is unchanged");
}
