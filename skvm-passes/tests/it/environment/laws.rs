//! Laws that hold whatever a skill's files are.

use std::collections::BTreeSet;

use proptest::prelude::*;
use skvm_core::artifact::Dependency;
use skvm_core::artifact::DependencyKind::{Npm, Python};
use skvm_core::skill::Skill;

use super::{dependencies, lines};
use crate::samples;

/// What holds for every dependency, wherever it comes from; [`dependencies`] looks at the evidence.
fn assert_lawful(skill: &Skill) -> Vec<Dependency> {
    let entries = dependencies(skill);
    for entry in &entries {
        let told = [&entry.requirement, &entry.marker];
        let words = told.into_iter().flatten().chain(&entry.extras).chain(&entry.provides);
        for word in words.chain([&entry.name]).chain(entry.packages.iter().map(|p| &p.name)) {
            assert!(!word.is_empty() && !word.starts_with('-'), "{entry:?}");
            assert!(!word.contains(['\n', '\r', '\0']), "{entry:?}");
        }
        match entry.kind {
            Python => assert!(is_python_name(&entry.name), "{entry:?}"),
            Npm => assert!(is_npm_name(&entry.name), "{entry:?}"),
            _ => {}
        }
    }
    let order: Vec<_> = entries.iter().map(|e| (e.kind, e.name.clone())).collect();
    assert_eq!(order.iter().collect::<BTreeSet<_>>().len(), order.len(), "{order:?}");
    entries
}

/// The grammar of PEP 508.
fn is_python_name(name: &str) -> bool {
    let is_end = |c: char| c.is_ascii_alphanumeric();
    name.starts_with(is_end)
        && name.ends_with(is_end)
        && name.chars().all(|c| is_end(c) || "-_.".contains(c))
}

fn is_npm_name(name: &str) -> bool {
    let is_part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphanumeric())
            && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
    };
    match name.strip_prefix('@') {
        Some(scoped) => scoped.split_once('/').is_some_and(|(s, n)| is_part(s) && is_part(n)),
        None => is_part(name),
    }
}

/// Words that the readers look for, so that random text gets beyond their first line.
const WORDS: [&str; 72] = [
    "import ",
    "from ",
    "try:\n",
    "except ImportError:\n",
    "    ",
    "\t",
    "\n",
    "\r\n",
    "\\\n",
    "as ",
    "aaa",
    "bbb.c",
    "数据",
    "é",
    "\u{feff}",
    "\0",
    "pip install ",
    "npm install ",
    "npx ",
    "uvx ",
    "brew install ",
    "apt install ",
    "go install ",
    "cargo install ",
    "gem install ",
    "-r ",
    "-e ",
    "--",
    "-",
    "@",
    "@a/b",
    "git+https://e.org/o/r.git",
    "https://e.org/x",
    "; ",
    "os_name == 'nt'",
    "==1",
    ">=1,<2",
    "[x]",
    "[",
    "]",
    "{",
    "}",
    "\"",
    "'",
    "`",
    "```",
    "```bash\n",
    "```python\n",
    "$(",
    ")",
    "(",
    "${X:-",
    "$API_KEY",
    "|",
    "&&",
    "<<EOF\n",
    "EOF\n",
    "# /// script\n",
    "# ///\n",
    "# dependencies = [\"aaa\"]\n",
    "dependencies",
    "[project]\n",
    "name = ",
    ":",
    ",",
    "=",
    "if sys.platform == 'win32':\n",
    "require('aaa')",
    "process.env.API_KEY",
    "os.environ['A_B']",
    "../",
    "scripts/x.py",
];

fn text() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        6 => prop::sample::select(WORDS.as_slice()).prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    prop::collection::vec(word, 0..40).prop_map(|words| words.concat())
}

/// A valid name that is neither of the standard library nor a word of Python.
fn module() -> impl Strategy<Value = String> {
    "zq[a-z0-9]{0,6}(_[a-z0-9]{1,4}){0,2}"
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn any_text_gives_lawful_dependencies(body in text()) {
        assert_lawful(&samples::skill(&body));
        for label in ["bash", "python", "ts", "json", "env", ""] {
            assert_lawful(&samples::skill(&format!("# Demo\n\n~~~{label}\n{body}\n~~~\n")));
        }
    }

    #[test]
    fn any_front_matter_gives_lawful_dependencies(value in text()) {
        for key in ["dependencies", "allowed-tools", "compatibility", "requires", "install"] {
            let skill = Skill::from_text("/skills/demo", format!("---\nname: demo\n{key}: {value}\n---\n# Demo\n"));
            assert_lawful(&skill);
            let quoted = serde_json::to_string(&value).unwrap();
            let yaml = format!("{key}: [{quoted}]\nrequires: {{bins: [{quoted}], env: [{quoted}], python: [{quoted}], npm: [{quoted}]}}");
            let skill = Skill::from_text("/skills/demo", format!("---\nname: demo\n{yaml}\n---\n# Demo\n"));
            assert_lawful(&skill);
        }
    }

    #[test]
    fn any_files_give_lawful_dependencies(content in text(), other in text()) {
        let files = [
            ("run.py", content.as_str()),
            ("run.sh", &content),
            ("run.ts", &content),
            ("tool", &content),
            ("requirements.txt", &content),
            ("requirements-dev.txt", &other),
            ("package.json", &content),
            ("pyproject.toml", &content),
            (".env.example", &content),
            (".mcp.json", &content),
        ];
        assert_lawful(&samples::bundled(&other, &files));
    }

    #[test]
    fn any_value_in_well_formed_files_gives_lawful_dependencies(word in text()) {
        let quoted = serde_json::to_string(&word).unwrap();
        let package = format!(
            "{{\"name\":{quoted},\"dependencies\":{{{quoted}:\"1\",\"aaa\":{quoted}}},\
             \"peerDependencies\":{{{quoted}:{quoted}}},\"engines\":{{\"node\":{quoted}}},\"bin\":{{{quoted}:\"x\"}}}}"
        );
        let value = toml_string(&word);
        let pyproject = format!(
            "[project]\nname = {value}\nrequires-python = {value}\ndependencies = [{value}]\n\
             [project.optional-dependencies]\n{value} = [{value}]\n[tool.poetry.dependencies]\n{value} = {value}\naaa = {{version = {value}, extras = [{value}]}}\n"
        );
        let servers = format!("{{\"mcpServers\":{{{quoted}:{{}}}}}}");
        let files = [
            ("package.json", package.as_str()),
            ("tool/pyproject.toml", &pyproject),
            (".mcp.json", &servers),
        ];
        assert_lawful(&samples::bundled("# Demo\n", &files));
    }

    #[test]
    fn the_modules_found_are_those_that_are_imported(
        modules in prop::collection::vec((module(), 0..8usize, any::<bool>()), 1..12),
        crlf in any::<bool>(),
    ) {
        let mut code = String::from("\"\"\"Text: import zzz\"\"\"\n");
        let mut written = BTreeSet::new();
        for (name, form, nested) in &modules {
            let statement = match form {
                0 => format!("import {name}"),
                1 => format!("import {name} as x"),
                2 => format!("import {name}.a.b"),
                3 => format!("from {name} import a, b as c"),
                4 => format!("from {name}.a import (\n        b,\n        c,\n    )"),
                5 => format!("import os, {name} as y, json"),
                6 => format!("x = 1; import {name}; y = 2"),
                _ => format!("from {name} import *"),
            };
            match nested {
                true => code.push_str(&format!("def f_{name}():\n    {statement}\n")),
                false => code.push_str(&format!("{statement}  # import zzz\n")),
            }
            written.insert(name.replace('_', "-"));
        }
        if crlf {
            code = code.replace('\n', "\r\n");
        }
        for skill in [
            samples::bundled("# Demo\n", &[("scripts/run.py", &code)]),
            samples::skill(&format!("# Demo\n\n```python\n{code}\n```\n")),
        ] {
            let found: BTreeSet<String> = lines(Python, &skill).into_iter().collect();
            prop_assert_eq!(&found, &written, "{}", code);
        }
    }

    #[test]
    fn the_packages_found_are_those_that_are_required(
        names in prop::collection::btree_map("(@z[a-z0-9-]{0,4}/)?zq[a-z0-9]{0,6}", 0..6usize, 1..10),
    ) {
        let statements: Vec<String> = names.iter().enumerate().map(|(at, (name, form))| match form {
            0 => format!("import a{at} from '{name}'\n"),
            1 => format!("import * as a{at} from \"{name}/deep/x.js\";\n"),
            2 => format!("const a{at} = require('{name}')\n"),
            3 => format!("export * from '{name}'\n"),
            4 => format!("const a{at} = await import(`{name}`)\n"),
            _ => format!("import '{name}'\n"),
        }).collect();
        let skill = samples::bundled("# Demo\n", &[("run.mjs", &statements.concat())]);
        let found: BTreeSet<String> = lines(Npm, &skill).into_iter().collect();
        prop_assert_eq!(found, names.into_keys().collect::<BTreeSet<_>>());
    }
}

/// A text as a string of TOML.
fn toml_string(text: &str) -> String {
    let escaped: String = text
        .chars()
        .map(|c| match c {
            '"' => "\\\"".to_owned(),
            '\\' => "\\\\".to_owned(),
            c if c.is_control() => format!("\\u{:04X}", u32::from(c)),
            c => c.to_string(),
        })
        .collect();
    format!("\"{escaped}\"")
}
