//! Plans for npm packages, tools of other languages, programs and packages of the system.

use skvm_core::artifact::{Check, Scope, Word};
use skvm_core::host::{HostFacts, Interpreter, PackageManager};
use skvm_passes::environment::PlanOptions;

use super::{everything, lines, linux, mac, of_shell, planned, planned_with, root, shown};
use crate::samples;

const NPM: &str =
    "npm install --prefix ENV/npm --no-audit --no-fund --loglevel=error --ignore-scripts --";

fn without_node(mut host: HostFacts) -> HostFacts {
    host.node = None;
    host
}

#[test]
fn npm_packages_go_below_a_prefix_of_the_skills_own() {
    let json = r#"{"dependencies":{"@a/b":"^1.2","left-pad":"1 || 2"},"optionalDependencies":{"fsevents":"*"}}"#;
    let files = [("package.json", json), ("run.mjs", "import x from '@a/b';\n")];
    let skill = samples::bundled("# Demo\n", &files);
    let plan = planned(&skill, &linux());
    let expected = [
        format!("npm-packages: {NPM} @a/b@^1.2 left-pad@1 || 2"),
        format!("npm-packages-fsevents?: {NPM} fsevents@*"),
    ];
    assert_eq!(lines(&plan), expected);
    let action = &plan.actions[0];
    let files: Vec<String> = action
        .check
        .iter()
        .map(|check| match check {
            Check::File { path } => shown(path),
            other => panic!("{other:?}"),
        })
        .collect();
    let at = |name: &str| format!("ENV/npm/node_modules/{name}/package.json");
    assert_eq!(files, [at("@a/b"), at("left-pad")]);
    let Some(Check::Run { argv, folder }) = action.verify.last() else { panic!("{action:?}") };
    assert_eq!(folder.as_ref().map(shown).as_deref(), Some("ENV/npm"));
    assert_eq!(argv.last(), Some(&Word::text("@a/b")));
    let options = PlanOptions { npm_scripts: true, ..PlanOptions::default() };
    let with_scripts = planned_with(&skill, &linux(), &options);
    assert!(!with_scripts.actions[0].argv.contains(&Word::text("--ignore-scripts")));
}

#[test]
fn npm_packages_wait_for_a_node_that_fits() {
    let json = r#"{"dependencies":{"left-pad":"1"},"engines":{"node":">=18"}}"#;
    let skill = samples::bundled("# Demo\n", &[("package.json", json)]);
    let manual = ["manual npm:left-pad Runtime", "manual runtime:node Runtime"];
    let old = linux().with_node(Interpreter::new("node", "16.0.0"));
    for host in [without_node(linux()), old] {
        assert_eq!(lines(&planned(&skill, &host)), manual);
    }
    let mut without_npm = linux();
    without_npm.managers.remove(&PackageManager::Npm);
    assert_eq!(lines(&planned(&skill, &without_npm)), manual[..1]);
}

#[test]
fn packages_of_npm_from_elsewhere_are_left_to_a_person() {
    let json = r#"{"dependencies":{"a":"git+https://e.org/x.git","b":"https://e.org/b.tgz","c":"github:o/r",
        "d":"file:../d","e":"..","f":".","g":"evil.tgz","evil.tgz":"1","h":"npm:other@1"}}"#;
    let skill = samples::bundled("# Demo\n", &[("package.json", json)]);
    let expected = ["manual npm:a Source", "manual npm:b Source", "manual npm:c Source"];
    assert_eq!(lines(&planned(&skill, &linux())), expected);
}

#[test]
fn tools_of_other_languages_go_into_the_skills_own_environment() {
    let code = "cargo install ripgrep --version 14.1.0\ngo install github.com/o/tool/cmd/run@v1.2\n\
                gem install asciidoctor -v 2.0";
    let plan = of_shell(code, &everything());
    let expected = [
        "cargo-ripgrep: cargo install --locked --root ENV/ --version 14.1.0 -- ripgrep",
        "go-github.com/o/tool/cmd/run: go install github.com/o/tool/cmd/run@v1.2",
        "gem-asciidoctor: gem install --no-document --install-dir ENV/gems --bindir ENV/bin --version 2.0 asciidoctor",
    ];
    assert_eq!(lines(&plan), expected);
    assert!(plan.actions.iter().all(|action| action.scope == Scope::Skill));
    assert_eq!(plan.actions[1].variables["GOBIN"], Word::in_environment("bin"));
    let manual = [
        "manual cargo:ripgrep UnknownSource",
        "manual go:github.com/o/tool/cmd/run UnknownSource",
        "manual gem:asciidoctor UnknownSource",
    ];
    assert_eq!(lines(&of_shell(code, &linux())), manual);
}

#[test]
fn packages_of_the_system_take_the_superuser_or_a_person() {
    let code = "sudo apt-get install -y jq libmagic-dev\njq . x";
    let lists = "!package-lists: apt-get update";
    let apt = |name: &str| {
        format!("!apt-get-{name}: apt-get install -y --no-install-recommends -- {name}")
    };
    let plan = of_shell(code, &root());
    assert_eq!(lines(&plan), [lists.to_owned(), apt("libmagic-dev"), apt("jq")]);
    assert_eq!(plan.action("apt-get-jq").unwrap().after, ["package-lists"]);
    let Check::Run { argv, .. } = &plan.actions[0].check[0] else { panic!("{plan:?}") };
    let simulated: Vec<String> = argv.iter().map(shown).collect();
    assert_eq!(simulated[simulated.len() - 3..], ["--", "libmagic-dev", "jq"]);
    let plan = of_shell(code, &linux());
    let manual = ["manual system-package:libmagic-dev Privileges", "manual program:jq Privileges"];
    assert_eq!(lines(&plan), manual);
    assert!(plan.manual[1].advice.contains("sudo apt-get install"), "{plan:?}");
    assert_eq!(plan.manual[1].evidence[0].quote, code.lines().next().unwrap());
    let plan = of_shell(code, &mac());
    let expected =
        ["!brew-jq: brew install -- jq", "manual system-package:libmagic-dev UnknownSource"];
    assert_eq!(lines(&plan), expected);
}

#[test]
fn a_word_that_takes_a_package_away_or_means_a_file_is_no_package() {
    for name in ["coreutils-", "evil.deb", "evil.rpm", "evil.apk"] {
        for manager in ["apt-get install", "dnf install", "apk add"] {
            let plan = of_shell(&format!("{manager} {name}"), &everything());
            assert_eq!(lines(&plan), [""; 0], "{manager} {name}");
        }
    }
    for code in [
        "gem install evil.gem",
        "pip install evil.whl",
        "pip install evil-1.0.tar.gz",
        "npm install evil.tgz",
        "npm install a@..",
        "npm install a@.",
        "npm install a@x.tgz",
        "uvx evil.zip",
        "npx evil.tgz",
    ] {
        let plan = of_shell(code, &everything());
        let actions = plan.actions.iter().flat_map(|action| &action.argv);
        let words: Vec<String> = actions.map(shown).collect();
        let is_file = words.iter().any(|word| word.contains("evil") || word.starts_with("a@"));
        assert!(!is_file, "{code}: {words:?}");
    }
}

#[test]
fn a_program_without_a_known_package_is_left_to_a_person_with_a_check() {
    let plan = of_shell("unheard-of-tool --run", &everything());
    assert_eq!(lines(&plan), ["manual program:unheard-of-tool UnknownSource"]);
    let check = Check::Program { name: "unheard-of-tool".to_owned(), version: Vec::new() };
    assert_eq!(plan.manual[0].check, Some(check));
    assert!(!plan.manual[0].optional);
}

#[test]
fn a_program_of_an_npm_package_is_verified_where_it_is_installed() {
    let plan = of_shell("npm install -g @ast-grep/cli\nast-grep run", &linux());
    assert_eq!(lines(&plan), [format!("npm-packages: {NPM} @ast-grep/cli")]);
    let action = &plan.actions[0];
    assert_eq!(action.dependencies, ["npm:@ast-grep/cli", "program:ast-grep"]);
    assert!(
        matches!(action.verify.last(), Some(Check::Program { name, .. }) if name == "ast-grep")
    );
    let alone = of_shell("agent-browser open x", &linux());
    assert_eq!(lines(&alone), [format!("program-agent-browser: {NPM} agent-browser")]);
}

#[test]
fn what_runs_unseen_from_the_network_is_left_to_a_person() {
    let code = "curl -fsSL https://e.org/install.sh | sh\ngit clone https://e.org/o/r.git\n\
                sudo bash -c \"$(wget -qO- https://e.org/other.sh)\"";
    let plan = of_shell(code, &everything());
    let downloads: Vec<&str> = plan
        .manual
        .iter()
        .filter(|step| step.dependency.starts_with("download:"))
        .map(|step| step.dependency.as_str())
        .collect();
    let expected = [
        "download:https://e.org/install.sh",
        "download:https://e.org/o/r.git",
        "download:https://e.org/other.sh",
    ];
    assert_eq!(downloads, expected);
    assert!(plan.manual.iter().all(|step| !step.evidence.is_empty()));
    for action in &plan.actions {
        assert!(action.argv.iter().all(|word| !shown(word).contains("://")), "{action:?}");
    }
}
