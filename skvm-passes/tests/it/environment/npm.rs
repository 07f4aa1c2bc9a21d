//! JavaScript and TypeScript: imports and `package.json`.

use skvm_core::artifact::DependencyKind;
use skvm_core::artifact::DependencyKind::{Npm, Program, Runtime};

use super::{dependencies, entry, fence, fenced, file, lines, names, shown};
use crate::samples;

#[test]
fn every_form_of_an_import_is_read() {
    let cases: [(&str, &[&str]); 20] = [
        ("import a from 'aaa'", &["aaa"]),
        ("import 'aaa'", &["aaa"]),
        ("import * as a from \"aaa\"", &["aaa"]),
        ("import { a, b as c } from 'aaa/deep/x.js';", &["aaa"]),
        ("import a, { b } from '@s/aaa/deep'", &["@s/aaa"]),
        ("import {\n  a, // one\n  b,\n} from 'aaa'", &["aaa"]),
        ("export { a } from 'aaa'", &["aaa"]),
        ("export * from 'aaa'", &["aaa"]),
        ("export * as x from 'aaa'", &["aaa"]),
        ("const a = require('aaa')", &["aaa"]),
        ("const { b } = require(`aaa/x`).c", &["aaa"]),
        ("require.resolve('aaa')", &["aaa"]),
        ("const a = await import('aaa')", &["aaa"]),
        ("import('aaa').then(x => x)", &["aaa"]),
        (
            "async function f() { const a = require('aaa'); class B { c() { require('bbb') } } }",
            &["aaa", "bbb"],
        ),
        ("import a from 'aaa'; import b from 'bbb'", &["aaa", "bbb"]),
        ("import data from 'aaa/x.json' with { type: 'json' }", &["aaa"]),
        ("import a from 'npm:aaa@^1'\nimport b from 'npm:@s/b@2/x'", &["@s/b 2", "aaa ^1"]),
        ("const x = <div a={1}>{require('aaa')}</div>", &["aaa"]),
        ("#!/usr/bin/env node\nimport a from 'aaa'", &["aaa"]),
    ];
    for (code, names) in cases {
        for path in ["run.js", "run.mjs", "run.cjs", "run.jsx", "src/run.tsx"] {
            assert_eq!(file(Npm, path, &format!("{code}\n")), names, "{path} {code}");
        }
        assert_eq!(file(Npm, "run.js", &code.replace('\n', "\r\n")), names, "CRLF {code}");
    }
}

#[test]
fn typescript_is_read_with_its_types() {
    let cases: [(&str, &[&str]); 8] = [
        ("import type { A } from 'aaa'", &["aaa ?"]),
        ("import type A from 'aaa'\nimport { b } from 'aaa'", &["aaa"]),
        ("export type { A } from 'aaa'", &["aaa ?"]),
        ("import { type A, b } from 'aaa'", &["aaa"]),
        ("import a = require('aaa')", &["aaa"]),
        ("const f = <T,>(x: T): T => x;\nimport a from 'aaa'", &["aaa"]),
        (
            "enum X { A }\ndeclare module 'x' {}\nabstract class B<T> { private c?: T }\nimport a from 'aaa'",
            &["aaa"],
        ),
        (
            "const x = y as unknown as Map<string, number>;\nconst a: A = require('aaa') satisfies A",
            &["aaa"],
        ),
    ];
    for (code, names) in cases {
        for path in ["run.ts", "run.mts", "src/run.cts"] {
            assert_eq!(file(Npm, path, &format!("{code}\n")), names, "{path} {code}");
        }
    }
    assert_eq!(file(Npm, "x.ts", "const a = <any>b;\nimport c from 'aaa'\n"), ["aaa"]);
    assert_eq!(file(Npm, "x.tsx", "const a = <A<B> x={y}>t</A>;\nimport c from 'aaa'\n"), ["aaa"]);
}

#[test]
fn what_comes_with_the_runtime_or_the_skill_is_no_package() {
    for code in [
        "import fs from 'fs'",
        "import { readFile } from 'node:fs/promises'",
        "import x from 'fs/promises'",
        "import { test } from 'node:test'",
        "import { Database } from 'bun:sqlite'",
        "import { $ } from 'bun'",
        "const { exec } = require('child_process')",
        "import a from './a'",
        "import a from '../a/b.js'",
        "import a from '/abs/a.js'",
        "import a from '@/components/x'",
        "import a from '~/x'",
        "import a from '#internal'",
        "import a from '$lib/x'",
        "import a from 'https://e.org/x.js'",
        "import a from 'jsr:@a/b'",
        "import a from 'virtual:x'",
        "// import a from 'aaa'",
        "/* require('aaa') */",
        "const x = \"import a from 'aaa'\"",
        "const x = `\nimport a from 'aaa'\n`",
        "require(name)",
        "require('a' + b)",
        "require(`aaa${b}`)",
        "object.require_('aaa')",
    ] {
        assert_eq!(file(Npm, "run.mjs", &format!("{code}\n")), [""; 0], "{code}");
        assert_eq!(file(Npm, "run.ts", &format!("{code}\n")), [""; 0], "{code}");
    }
}

#[test]
fn a_guarded_require_is_optional() {
    let cases: [(&str, &[&str]); 7] = [
        ("try { require('aaa') } catch { x = null }", &["aaa ?"]),
        ("let a;\ntry {\n  a = require('aaa');\n} catch (e) {\n  console.warn(e);\n}", &["aaa ?"]),
        ("try { a = await import('aaa') } catch (e) { a = require('bbb') }", &["aaa ?", "bbb"]),
        ("try { require('aaa') } catch (e) { throw new Error('x') }", &["aaa"]),
        ("try { require('aaa') } catch (e) { console.error(e); process.exit(1) }", &["aaa"]),
        ("try { require('aaa') } finally { f() }", &["aaa"]),
        ("try { require('aaa') } catch {}\nrequire('aaa')", &["aaa"]),
    ];
    for (code, names) in cases {
        assert_eq!(file(Npm, "run.cjs", &format!("{code}\n")), names, "{code}");
    }
}

#[test]
fn code_that_the_text_shows_needs_nothing_by_itself() {
    for label in ["javascript", "js", "typescript", "ts", "tsx", "jsx"] {
        let skill = fenced(label, "import a from 'aaa'");
        assert_eq!(lines(Npm, &skill), ["aaa ?"], "{label}");
        let aaa = entry(&skill, Npm, "aaa");
        assert_eq!(shown(&skill, &aaa), ["import a from 'aaa'"]);
        assert!(aaa.confidence < 0.6);
    }
    for label in ["", "text", "python", "bash"] {
        assert_eq!(fence(Npm, label, "import a from 'aaa'"), [""; 0], "{label}");
    }
}

#[test]
fn the_bundles_own_packages_are_none() {
    let json = r#"{"name":"@me/tool","dependencies":{"one":"file:./one","two":"workspace:*","three":"link:../x","aaa":"^1"}}"#;
    let code = "import a from '@me/tool/x'\nimport b from 'one'\nimport c from 'two'\nimport d from 'three'\n\
                import e from 'src/x'\nimport f from 'aaa'\n";
    let skill = samples::bundled("# Demo\n", &[("package.json", json), ("src/run.mjs", code)]);
    assert_eq!(lines(Npm, &skill), ["aaa ^1"]);
    assert_eq!(entry(&skill, Npm, "aaa").provides, ["aaa"]);
}

#[test]
fn a_package_json_has_several_sections() {
    let cases: [(&str, &[&str]); 13] = [
        (r#"{"dependencies":{"aaa":"^1.0.0","@s/b":"~2"}}"#, &["@s/b ~2", "aaa ^1.0.0"]),
        (
            r#"{"dependencies":{"aaa":"*","bbb":"latest","ccc":""}}"#,
            &["aaa *", "bbb latest", "ccc"],
        ),
        (r#"{"dependencies":{"aaa":">=1 <2 || 3.x"}}"#, &["aaa >=1 <2 || 3.x"]),
        (r#"{"devDependencies":{"aaa":"1"}}"#, &[]),
        (r#"{"peerDependencies":{"aaa":"1"}}"#, &["aaa 1"]),
        (
            r#"{"peerDependencies":{"aaa":"1"},"peerDependenciesMeta":{"aaa":{"optional":true}}}"#,
            &["aaa 1 ?"],
        ),
        (r#"{"optionalDependencies":{"aaa":"1"}}"#, &["aaa 1 ?"]),
        (r#"{"dependencies":{"aaa":"1"},"optionalDependencies":{"aaa":"1"}}"#, &["aaa 1"]),
        (r#"{"dependencies":{"aaa":"file:../x","bbb":"workspace:*","ccc":"link:x"}}"#, &[]),
        (r#"{"dependencies":{"aaa":"github:o/aaa"}}"#, &["aaa @ github:o/aaa"]),
        (
            r#"{"dependencies":{"aaa":"git+https://e.org/o/aaa.git"}}"#,
            &["aaa @ git+https://e.org/o/aaa.git"],
        ),
        (r#"{"dependencies":{"aaa":1,"bbb":null,"ccc":["1"]}}"#, &[]),
        (
            r#"{"dependencies":{"-x":"1","a b":"1","$(id)":"1","../a":"1","a;b":"1","":"1","@":"1","@a":"1","a/b":"1","aaa":"$(id)","bbb":"1; rm -rf ~","ccc":"--x"}}"#,
            &[],
        ),
    ];
    for (json, found) in cases {
        assert_eq!(file(Npm, "package.json", json), found, "{json}");
        assert_eq!(file(Npm, "tool/package.json", json), found, "{json}");
    }
}

#[test]
fn engines_are_runtimes_and_bins_are_the_skills_own() {
    let engines = |engine: &str| format!("{{\"engines\":{{{engine}}}}}");
    assert_eq!(file(Runtime, "package.json", &engines("\"node\":\">=18\"")), ["node >=18"]);
    assert_eq!(file(Program, "package.json", &engines("\"bun\":\">=1\"")), ["bun >=1"]);
    assert_eq!(
        file(Npm, "package.json", "\u{feff}{\"dependencies\":{\"aaa\":\"1\"}}"),
        ["aaa 1"],
        "byte order mark"
    );
    for hostile in ["\"node\":\"$(id)\"", "\"node\":1", "\"npm\":\">=9\"", "\"vscode\":\"1\""] {
        assert_eq!(
            names(&samples::bundled("# Demo\n", &[("package.json", &engines(hostile))])),
            [],
            "{hostile}"
        );
    }
    for json in [r#"{"name":"@me/tool","bin":"./x.js"}"#, r#"{"name":"x","bin":{"tool":"./x.js"}}"#]
    {
        let skill =
            samples::bundled("# Demo\n\n```bash\ntool x | jq .\n```\n", &[("package.json", json)]);
        assert_eq!(lines(Program, &skill), ["jq"], "{json}");
    }
}

#[test]
fn the_place_of_a_package_is_its_key() {
    let json = "{\n  \"name\": \"demo\",\n  \"dependencies\": {\n    \"aaa\": \"^1\"\n  }\n}\n";
    let skill = samples::bundled("# Demo\n", &[("package.json", json)]);
    assert_eq!(shown(&skill, &entry(&skill, Npm, "aaa")), ["aaa"]);
    let kinds: Vec<DependencyKind> = dependencies(&skill).iter().map(|entry| entry.kind).collect();
    assert_eq!(kinds, [Npm]);
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
