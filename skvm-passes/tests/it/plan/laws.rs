//! What holds of every plan, whatever a skill's names hold.

use proptest::prelude::*;
use skvm_core::artifact::EnvironmentPlan;
use skvm_core::skill::Skill;
use skvm_passes::code;
use skvm_passes::environment::{self, PlanOptions};

use super::{assert_form, everything, linux, plain_root};
use crate::samples;

/// Pieces of names, and of what would do harm.
const PIECES: [&str; 44] = [
    "a",
    "rich",
    "jq",
    "left-pad",
    "@a/b",
    "github.com/o/t",
    "1.2",
    "==1",
    ">=1,<2",
    "[x]",
    "@",
    "@ ",
    "https://e.org/x",
    "git+https://e.org/x",
    "; rm -rf ~",
    "$(touch PWNED)",
    "`id`",
    "\n",
    "\r",
    "\t",
    "\u{b}",
    "\u{a0}",
    "\u{2028}",
    "\u{202e}",
    "\0",
    "\u{1b}[2J",
    "'",
    "\"",
    "\\",
    "-",
    "--",
    "-r",
    "--index-url=http://evil",
    "/etc/passwd",
    "../..",
    ".",
    "%s",
    "*",
    "?",
    "|",
    "&",
    ",",
    " ",
    ".whl",
];

fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        6 => prop::sample::select(&PIECES[..]).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

/// A text as JSON, which is also YAML and mostly TOML.
fn json(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

/// Skills in which a text stands wherever a name can.
fn skills(text: &str) -> Vec<Skill> {
    let quoted = json(text);
    let kinds = ["brew", "apt", "dnf", "apk", "node", "uv", "cargo", "go", "gem", "download"];
    let installs: Vec<String> = kinds
        .iter()
        .map(|kind| format!("{{kind: {kind}, package: {quoted}, bins: [{quoted}]}}"))
        .chain([format!("{{kind: go, package: github.com/o/t@latest, bins: [{quoted}]}}")])
        .chain([format!("{{kind: cargo, package: ripgrep, bins: [{quoted}]}}")])
        .chain([format!("{{kind: shell, command: {quoted}}}")])
        .collect();
    let keys = ["bins", "anyBins", "env", "python", "pip", "npm", "commands", "os", "mcp"];
    let requires: Vec<String> = keys.iter().map(|key| format!("{key}: [{quoted}]")).collect();
    let front = format!(
        "---\nname: demo\ndescription: d\nallowed-tools: [{quoted}, 'Bash(x)']\ndependencies: [{quoted}]\n\
         metadata: {{openclaw: {{requires: {{{}}}, install: [{}], primaryEnv: {quoted}}}}}\n---\n# D\n",
        requires.join(", "),
        installs.join(", ")
    );
    let package = format!(
        "{{\"dependencies\":{{{quoted}:\"1\",\"a\":{quoted}}},\"engines\":{{\"node\":{quoted}}}}}"
    );
    let toml = format!(
        "[project]\nrequires-python = {quoted}\ndependencies = [{quoted}, {}]\n",
        json(&format!("rich{text}"))
    );
    let script = format!(
        "# /// script\n# requires-python = {quoted}\n# dependencies = [{quoted}]\n# ///\nimport {text}\n"
    );
    let code: String = [
        "pip install",
        "uvx",
        "npm install",
        "npx",
        "brew install",
        "apt-get install",
        "dnf install",
        "apk add",
        "cargo install",
        "cargo install x --version",
        "go install",
        "gem install",
        "gem install x -v",
        "git clone",
        "curl",
    ]
    .iter()
    .map(|command| format!("{command} {text}\n{command} '{text}'\n{command} {quoted}\n"))
    .collect();
    let files = [
        ("requirements.txt", format!("{text}\nrich{text}\n")),
        ("package.json", package),
        ("pyproject.toml", toml),
        ("run.py", script),
        ("run.mjs", format!("import x from {quoted};\n")),
        (".mcp.json", format!("{{\"mcpServers\":{{{quoted}:{{}}}}}}")),
        (".env.example", format!("{text}=x\n")),
    ];
    let files: Vec<(&str, &str)> =
        files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    vec![
        samples::loaded(&front, &[]),
        samples::bundled(
            &format!("# D\n\n`{text}` `scripts/{text}`\n\n```bash\n{code}{text}\n```\n"),
            &files,
        ),
    ]
}

fn assert_laws(skill: &Skill) {
    let dependencies = environment::dependencies(skill, &code::analyze(skill));
    let mut bare = everything();
    bare.python = None;
    for host in [everything(), plain_root(), linux(), bare] {
        let made = || environment::plan(&dependencies, &host, &PlanOptions::default());
        let plan = made();
        assert_form(&plan);
        assert_eq!(plan, made());
        let json = serde_json::to_string(&plan).unwrap();
        assert_eq!(serde_json::from_str::<EnvironmentPlan>(&json).unwrap(), plan);
        for (name, script) in environment::scripts(&plan).files() {
            let hidden = script.chars().find(|c| c.is_control() && *c != '\n');
            assert_eq!(hidden, None, "{name}");
        }
    }
}

#[test]
fn every_piece_alone_and_at_a_name_keeps_its_grammar() {
    for piece in PIECES {
        for text in
            [piece.to_owned(), format!("a{piece}"), format!("{piece}a"), format!("a{piece}b")]
        {
            skills(&text).iter().for_each(assert_laws);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn words_out_of_a_skill_keep_their_grammar(text in text()) {
        skills(&text).iter().for_each(assert_laws);
    }
}

/// Dependencies that this crate's pass did not find: whoever made them, no name becomes a word of a
/// command unless it has the form of its kind.
#[test]
fn dependencies_from_elsewhere_keep_the_grammar_too() {
    use serde_json::json;
    use skvm_core::artifact::Dependencies;

    let kinds = [
        "python",
        "npm",
        "cargo",
        "go",
        "gem",
        "program",
        "system-package",
        "runtime",
        "environment-variable",
        "service",
        "download",
    ];
    let managers = ["apt", "dnf", "apk", "brew", "pip", "npm", "cargo", "gem"];
    let (mut actions, mut refused) = (0, 0);
    for piece in PIECES {
        for kind in kinds {
            for (name, requirement, provided, package) in [
                (piece, None, "a", "a"),
                ("a", Some(piece), "a", "a"),
                ("a", None, piece, "a"),
                ("a", None, "a", piece),
            ] {
                let packages: Vec<_> =
                    managers.iter().map(|m| json!({"manager": m, "name": package})).collect();
                let written = json!({"entries": [{
                    "kind": kind,
                    "name": name,
                    "requirement": requirement,
                    "provides": [provided],
                    "packages": packages,
                    "evidence": [{"source": "import", "quote": ""}],
                    "confidence": 1.0,
                }]});
                let dependencies: Dependencies = serde_json::from_value(written).unwrap();
                for host in [everything(), plain_root(), linux()] {
                    let plan = environment::plan(&dependencies, &host, &PlanOptions::default());
                    assert_form(&plan);
                    actions += plan.actions.len();
                    refused += plan.manual.iter().filter(|m| m.advice.contains("no such")).count();
                }
            }
        }
    }
    assert!(actions > 500 && refused > 1000, "{actions} {refused}");
}
