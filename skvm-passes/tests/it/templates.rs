//! The `templates` pass: code with something to fill in, as text and typed parameters.

mod boost;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use futures::executor::block_on;
use skvm_core::artifact::Spelling::{self, *};
use skvm_core::artifact::{
    CodeOrigin, Parameter, ParameterSource, ParameterType, SkillTemplate, Template,
    TemplateLanguage, Templates,
};
use skvm_core::skill::{Skill, discover};
use skvm_passes::code::CodePass;
use skvm_passes::manager::PassManager;
use skvm_passes::templates::{Shape, TemplatesPass};

use crate::samples;

fn templates(skill: &Skill) -> Vec<SkillTemplate> {
    let variant = samples::compile(&samples::unit(skill.clone()));
    variant.artifacts().get::<Templates>().unwrap().unwrap().templates.clone()
}

fn only(skill: &Skill) -> SkillTemplate {
    match <[SkillTemplate; 1]>::try_from(templates(skill)) {
        Ok([template]) => template,
        Err(templates) => panic!("{templates:#?}"),
    }
}

fn fenced(label: &str, code: &str) -> Skill {
    samples::skill(&format!("# Demo\n\n```{label}\n{code}\n```\n"))
}

fn outlines(skill: &Skill) -> Vec<String> {
    templates(skill).iter().map(|it| it.template.outline()).collect()
}

/// Name, type and spelling of each parameter.
fn parameters(template: &Template) -> Vec<(&str, ParameterType, Option<Spelling>)> {
    let told = |it: &'_ Parameter| (it.kind, it.spelling);
    template.parameters.iter().map(|it| (it.name.as_str(), told(it).0, told(it).1)).collect()
}

/// A value of each parameter's type.
fn values(template: &Template) -> Vec<&'static str> {
    let value = |it: &Parameter| match it.kind {
        ParameterType::Text => "it's a \"value\"; $(id)",
        ParameterType::Number => "7",
        ParameterType::Path => "some/where/a b.csv",
        ParameterType::Url => "https://example.org/?a='b'&c=$d",
        ParameterType::Secret => "s3cr3t",
    };
    template.parameters.iter().map(value).collect()
}

/// What is wrong with a template: whatever fills it, the same code comes out.
fn fault(it: &SkillTemplate) -> Option<String> {
    let template = &it.template;
    let names: BTreeSet<&str> = template.parameters.iter().map(|it| it.name.as_str()).collect();
    if names.len() != template.parameters.len() || names.contains("") || names.is_empty() {
        return Some(format!("names of {}: {names:?}", template.outline()));
    }
    let rendered = match template.render(&values(template)) {
        Ok(rendered) => rendered,
        Err(error) => return Some(format!("{}: {error}", template.outline())),
    };
    let same = Shape::of(template.language, &rendered)
        .is_some_and(|shape| shape.fingerprint() == it.fingerprint);
    (!same).then(|| format!("{}\nis other code as\n{rendered}", template.outline()))
}

#[test]
fn placeholders_are_parameters_and_the_rest_is_text() {
    let skill = fenced("bash", "curl <url> -H 'X: YOUR_API_KEY' > {out_file}");
    let found = only(&skill);
    let template = &found.template;
    assert_eq!(template.language, TemplateLanguage::Shell);
    assert_eq!(template.outline().trim_end(), "curl {url} -H X: {api_key} > {out_file}");
    assert_eq!(
        parameters(template),
        [
            ("url", ParameterType::Url, Some(Angle)),
            ("api_key", ParameterType::Secret, Some(YourUpper)),
            ("out_file", ParameterType::Path, Some(Brace)),
        ]
    );
    assert!(template.parameters.iter().all(|it| it.source == ParameterSource::Placeholder));
    assert!(found.span.text(skill.source()).starts_with("```bash\ncurl"));
    let rendered = template.render(&["https://x/$y", "k'ey", "a b"]).unwrap();
    assert_eq!(rendered.trim_end(), r"curl 'https://x/$y' -H 'X: k'\''ey' > 'a b'");
}

#[test]
fn every_spelling_has_a_name_and_a_type() {
    use ParameterType::{Number, Path, Secret, Text, Url};
    let cases = [
        (Angle, "sh", "get <city name>", "city_name", Text),
        (Angle, "sh", "get <inputFile>", "input_file", Path),
        (Brace, "sh", "get {page_count}", "page_count", Number),
        (DoubleBrace, "sh", "get {{ base_url }}", "base_url", Url),
        (YourUpper, "sh", "get -H 'X: YOUR_API_KEY'", "api_key", Secret),
        (YourUpper, "sh", "get --to YOUR_EMAIL@example.com", "email", Text),
        (YourLower, "sh", "get your-city", "city", Text),
        (YourLower, "sh", "get https://your-site.com/x", "site", Text),
        (PathTo, "sh", "get /path/to/my/report.pdf", "report_pdf", Path),
        (Variable, "sh", "get --in $CITY", "city", Text),
        (BracedVariable, "sh", "get \"wttr.in/${CITY}?x\"", "city", Text),
        (Argument, "sh", "get $1", "argument_1", Text),
        (Argument, "sh", "get \"$ARGUMENTS\"", "arguments", Text),
        (BareUpper, "sh", "get task --id TASK_ID", "task_id", Text),
        (BareUpper, "sh", "get https://x.dev/tasks/TASK_ID/done", "task_id", Text),
        (Bracket, "sh", "get --in '[city name]'", "city_name", Text),
        (SampleFile, "sh", "get input.pdf", "input", Path),
        (SampleFile, "py", "open('output.csv')", "output", Path),
        (ExampleDomain, "sh", "get 'https://example.com/a?b=c'", "url", Url),
        (ExampleDomain, "sh", "get you@example.com", "email", Text),
        (ExampleDomain, "js", "get('example.com')", "domain", Text),
        (DummyId, "sh", "gh view 123", "id", Text),
        (DummyId, "py", "get(12345)", "id", Number),
        (CrossedOut, "sh", "get --in xxxx", "value", Text),
        (HexStub, "js", "get('0x1234...')", "address", Text),
        (KeyStub, "py", "Client(api_key='sk-...')", "key", Secret),
        (ColonSegment, "sh", "get https://x.dev/users/:user_id/posts", "user_id", Text),
        (DatePattern, "sh", "get --since YYYY-MM-DD", "date", Text),
        (Ellipsis, "py", "get('...')", "value", Text),
        (Percent, "sh", "get https://x.dev/%s/y", "value", Text),
    ];
    for (spelling, label, code, name, kind) in cases {
        let found = templates(&fenced(label, code));
        let [it] = found.as_slice() else { panic!("{code}: {found:#?}") };
        assert_eq!(parameters(&it.template), [(name, kind, Some(spelling))], "{code}");
        assert_eq!(fault(it), None);
    }
}

#[test]
fn types_come_from_the_words_of_a_name() {
    use ParameterType::{Number, Path, Secret, Text, Url};
    let cases = [
        ("<api token>", Secret),
        ("<password>", Secret),
        ("<key-name>", Text),
        ("<token address>", Text),
        ("<max-token-count>", Number),
        ("<base-url>", Url),
        ("<endpoint>", Url),
        ("<input.pdf>", Path),
        ("<outputDir>", Path),
        ("<folder-id>", Text),
        ("<output format>", Text),
        ("<json-params>", Text),
        ("path/to/x", Path),
        ("<page count>", Number),
        ("<page id>", Text),
        ("<port>", Number),
        ("<pr number>", Number),
        ("<phone number>", Text),
        ("<city>", Text),
        ("<report>", Text),
        ("<monkey>", Text),
    ];
    for (placeholder, expected) in cases {
        let found = only(&fenced("sh", &format!("run {placeholder}")));
        assert_eq!(found.template.parameters[0].kind, expected, "{placeholder}");
    }
}

#[test]
fn the_same_placeholder_is_one_parameter_and_dummies_are_several() {
    let block = |code| {
        let found = templates(&fenced("sh", code));
        let names = found[0].template.parameters.iter().map(|it| it.name.clone());
        names.collect::<Vec<_>>()
    };
    assert_eq!(block("cp <in> <in>.bak\nmv <out> <in>"), ["in", "out"]);
    assert_eq!(block("cp <in> {in}"), ["in", "in_2"]);
    assert_eq!(block("gh view 123 123"), ["id", "id_2"]);
    assert_eq!(block("x --save input.json\nx --load input.json"), ["input"]);
    assert_eq!(block("x input.json input.pdf"), ["input", "input_2"]);
}

#[test]
fn each_command_of_a_block_is_a_template_and_the_block_is_one() {
    let code =
        "# First\ncurl <url> \\\n  -o in.json\nls\ncat <<EOF > <file>\nDear <name>,\nBye <x>\nEOF";
    let skill = fenced("sh", code);
    let found = templates(&skill);
    let spans: Vec<&str> = found.iter().map(|it| it.span.text(skill.source())).collect();
    assert_eq!(spans.len(), 3, "{spans:?}");
    assert!(spans[0].starts_with("```sh"));
    assert_eq!(spans[1], "curl <url> \\\n  -o in.json");
    assert!(spans[2].starts_with("cat <<EOF"));
    assert_eq!(only(&fenced("sh", "# <not> this\nls\nwc <file>")).template.outline(), "wc {file}");
}

#[test]
fn lines_of_what_reaches_over_several_are_no_commands() {
    for code in [
        "curl x -d '{\n  \"name\": \"<name>\"\n}'\nls",
        "cat <<'EOF'\necho <x>\nEOF\nls",
        "for x in a b; do\n  get \"$x\" 'a b\n  run <y>'\ndone\nls",
        "python3 -c \"\nrun <x>\n\"\nls",
    ] {
        let lines = outlines(&fenced("sh", code));
        assert!(lines.iter().all(|it| !it.starts_with("  \"name") && !it.starts_with("run")));
        assert!(lines.iter().all(|it| !it.starts_with("echo")), "{lines:?}");
    }
}

#[test]
fn inline_commands_are_templates() {
    let skill = samples::skill("# Demo\n\nRun `git show <hash>` and `<hash>`.\n");
    let found = only(&skill);
    assert_eq!(found.template.outline(), "git show {hash}");
    assert_eq!(found.span.text(skill.source()), "git show <hash>");
    assert!(matches!(found.origin, CodeOrigin::Inline { .. }));
}

#[test]
fn the_code_of_a_fence_in_a_list_has_no_indentation() {
    for line_end in ["\n", "\r\n"] {
        let body = "1. Run:\n\n   ```sh\n   cd <dir>\n   ls <x>\n   ```\n".replace('\n', line_end);
        let skill = samples::skill(&body);
        let found = templates(&skill);
        assert_eq!(found[0].template.outline().replace('\r', ""), "cd {dir}\nls {x}\n");
        let spans: Vec<&str> = found[1..].iter().map(|it| it.span.text(skill.source())).collect();
        assert_eq!(spans, ["cd <dir>", "ls <x>"]);
        assert!(found.iter().all(|it| fault(it).is_none()));
    }
}

#[test]
fn only_code_of_known_languages_with_something_to_fill_in_is_a_template() {
    for (label, code, count) in [
        ("bash", "ls <x>", 1),
        ("python", "open('<x>')", 1),
        ("js", "f('<x>')", 1),
        ("ts", "const x: string = f('<x>')", 1),
        ("bash", "ls x", 0),
        ("json", "{\"a\": \"<x>\"}", 0),
        ("md", "# <x>", 0),
        ("text", "<x>", 0),
        ("ruby", "f('<x>')", 0),
    ] {
        assert_eq!(templates(&fenced(label, code)).len(), count, "{label}: {code}");
    }
}

/// Code in which something is written that is nothing to fill in, or nowhere a value can be.
const NONE: [(&str, &str); 68] = [
    // Variables of the surroundings, secrets, and what the code sets.
    ("sh", "ls ${HOME} \"$HOME/x\" $PWD"),
    ("sh", "curl -H \"X: $API_KEY\" -u \"$USER:${ADMIN_PASSWORD}\" $AUTH_HEADER"),
    ("sh", "CITY=Oslo; curl wttr.in/$CITY"),
    ("sh", "export CITY=Oslo\ncurl \"wttr.in/${CITY}\""),
    ("sh", "for FILE in *.csv; do wc \"$FILE\"; done"),
    ("sh", "read -r CITY\ncurl $CITY"),
    ("sh", "f() { curl \"$1\"; }\nf x"),
    ("sh", "function f { curl \"$1\"; }\nf x"),
    ("sh", "curl ${CITY:-Oslo} ${#CITY} ${CITY%x}"),
    ("sh", "curl $city $x"),
    ("sh", "awk '{print $1}' x"),
    ("sh", "echo 'in $CITY' # for $CITY and $1"),
    ("sh", "cat <<'X'\n$CITY\nX"),
    ("sh", "pay $100 $1.50"),
    // What is no value.
    ("sh", "<tool> x"),
    ("sh", "{tool} x"),
    ("sh", "YOUR_TOOL x"),
    ("sh", "$TOOL x"),
    ("sh", "if <condition>; then ls; fi"),
    ("sh", "ls | <filter>"),
    ("sh", "x=$(<command>)"),
    ("sh", "ls *.<extension>"),
    ("sh", "echo $((<n> + 1))"),
    ("sh", "echo \"${X:-<default>}\""),
    ("sh", "python3 <script> x"),
    ("sh", "eval \"ls <dir>\""),
    ("sh", "ls # <dir>"),
    ("py", "<name> = 1"),
    ("py", "{name}(1)"),
    ("py", "import {module}"),
    ("py", "def your_function(x): pass"),
    ("py", "x = <value>"),
    ("py", "f(b'<x>')"),
    ("js", "const <name> = 1"),
    ("js", "import {chromium} from 'playwright'"),
    ("js", "const {a} = b; f({a})"),
    ("js", "f(<App/>)"),
    // What the language fills in itself.
    ("py", "f(f'{city}')"),
    ("py", "f(f\"\"\"\n{city}\n\"\"\")"),
    ("py", "f('{city}'.format(city=c))"),
    ("py", "f('%s' % c)"),
    ("js", "f(`${city}`)"),
    ("js", "f(`{city}`)"),
    // Names and formats that are meant as they are.
    ("py", "os.environ['MY_APP_ID'] if False else os.environ['TASK_ID']"),
    ("py", "x.number_format = 'YYYY-MM-DD'"),
    ("js", "f(process.env['TASK_ID'], 'ERROR_NAME')"),
    ("py", "time.sleep(123)"),
    ("py", "open('main.py')"),
    // Texts of languages whose rules are not known here.
    ("sh", "sqlite3 x.db \"SELECT * FROM t WHERE a = '<name>'\""),
    ("sh", "jq '.[] | select(.name == \"<name>\")' x.json"),
    ("sh", "ssh host \"cat '<file>'\""),
    ("sh", "ssh host \"cat <file>\""),
    ("sh", "ssh <host> ls"),
    ("sh", "ls; sudo docker exec box sh -c \"cat <file>\""),
    ("sh", "cat x | sed \"s/a/<name>/\""),
    ("sh", "awk '/<name>/ {print}' x"),
    ("sh", "[[ $(id) -eq <count> ]]"),
    ("sh", "echo `cat <file>`"),
    ("sh", "echo \"x `cat <file>`\""),
    ("sh", "cat <<EOF\n$(cat <file>)\nEOF"),
    ("py", "os.system('cat <file>')"),
    ("js", "execSync('cat <file>')"),
    ("sh", "curl https://api.example.com/v1/x"),
    // What is no call.
    ("sh", "tool [options] <file>"),
    ("sh", "gh view <PR#> --id <id>"),
    ("sh", "curl ... <file>"),
    ("sh", "export X=<value>\nY='<value>'"),
    ("sh", "0 8 * * * run <file>"),
];

#[test]
fn what_is_nothing_to_fill_in_makes_no_template() {
    for (label, code) in NONE {
        let found = outlines(&fenced(label, code));
        assert_eq!(found, [""; 0], "{code}");
    }
}

#[test]
fn what_is_not_filled_in_stays_as_it_is() {
    let cases = [
        (
            "curl -H \"X: $API_KEY\" \"${HOME}/<file>\" > $TMPDIR/x",
            "curl -H \"X: $API_KEY\" \"${HOME}\"'/a b' > $TMPDIR/x",
        ),
        ("get $CITY '$CITY' \"\\$CITY\" $HOME", "get 'a b' '$CITY' \"\\$CITY\" $HOME"),
        ("X=$(id)\nget \"$X\" `id` $((1 + 2)) <y>", "X=$(id)\nget \"$X\" `id` $((1 + 2)) 'a b'"),
        ("get *.csv {a,b} ~/x <y> # it's", "get *.csv {a,b} ~/x 'a b' # it's"),
    ];
    for (code, expected) in cases {
        let found = templates(&fenced("sh", code));
        let rendered = found[0].template.render(&["a b"]).unwrap();
        assert_eq!(rendered.trim_end().replace("\"\"", ""), expected, "{code}");
        assert_eq!(fault(&found[0]), None);
    }
}

#[test]
fn programs_with_a_language_of_their_own_take_files() {
    for code in ["sed -n 1p <file>", "awk '{print $1}' \"<file>\"", "jq . '<file>' | cat"] {
        assert_eq!(outlines(&fenced("sh", code)).len(), 1, "{code}");
    }
}

#[test]
fn a_variable_that_the_skill_names_somewhere_stays_one() {
    let set = "# Demo\n\nSet `WP_SITE` first.\n\n```sh\ncurl $WP_SITE/$POST\n```\n";
    assert_eq!(outlines(&samples::skill(set)), ["curl $WP_SITE/{post}\n"]);
}

const ARGPARSE: &str = "#!/usr/bin/env python3
import argparse
from pathlib import Path

class Parser(argparse.ArgumentParser):
    pass

parser = Parser()
parser.add_argument('source', type=Path, help='what to read')
parser.add_argument(\"pages\", type=int)
parser.add_argument('-o', '--out', type=argparse.FileType('w'))
parser.add_argument('--scale', type=float)
parser.add_argument('--title')
parser.add_argument('--verbose', '-v', action='store_true')
parser.add_argument('--fast', action=argparse.BooleanOptionalAction)
parser.add_argument('--tag', action='append')
";

const CLICK: &str = "import click
@click.command()
@click.argument('source', type=click.Path(exists=True))
@click.argument('title')
@click.option('--limit', '-n', type=click.IntRange(1))
@click.option('--shout/--no-shout')
@click.option('--dry', is_flag=True)
@click.option('--endpoint')
def main(source, title, limit, shout, dry, endpoint): ...
";

#[test]
fn arguments_of_bundled_scripts_have_the_types_of_their_declarations() {
    use ParameterType::{Number, Path, Text, Url};
    let files = [("scripts/a.py", ARGPARSE), ("scripts/c.py", CLICK)];
    let cases = [
        (
            "python3 scripts/a.py a.csv 3 -v --out b.json --scale 1.5 --title Hello --tag x --fast",
            vec![
                ("source", Path),
                ("pages", Number),
                ("out", Path),
                ("scale", Number),
                ("title", Text),
                ("tag", Text),
            ],
        ),
        (
            "python scripts/a.py --title='A b' --out=x a.csv 3",
            vec![("title", Text), ("out", Path), ("source", Path), ("pages", Number)],
        ),
        ("uv run scripts/a.py -v a.csv 3 --title x", vec![("title", Text)]),
        (
            "python3 scripts/c.py x.md Hello -n 3 --endpoint https://x --dry",
            vec![("source", Path), ("title", Text), ("limit", Number), ("endpoint", Url)],
        ),
    ];
    for (code, expected) in cases {
        let found = only(&samples::bundled(&format!("```sh\n{code}\n```\n"), &files));
        let told: Vec<_> =
            found.template.parameters.iter().map(|it| (it.name.as_str(), it.kind)).collect();
        assert_eq!(told, expected, "{code}");
        assert_eq!(fault(&found), None);
        for it in &found.template.parameters {
            let script = if code.contains("a.py") { "scripts/a.py" } else { "scripts/c.py" };
            let argument = it.name.clone();
            let source = ParameterSource::ArgumentParser { script: script.into(), argument };
            assert_eq!((&it.source, it.spelling), (&source, None));
        }
    }
}

#[test]
fn a_placeholder_gets_its_type_from_the_declaration_and_keeps_its_name() {
    let body = "```sh\npython3 scripts/a.py <report> <how many> --title <name>\n```\n";
    let found = only(&samples::bundled(body, &[("scripts/a.py", ARGPARSE)]));
    let told: Vec<_> =
        found.template.parameters.iter().map(|it| (it.name.as_str(), it.kind)).collect();
    let expected = [
        ("report", ParameterType::Path),
        ("how_many", ParameterType::Number),
        ("name", ParameterType::Text),
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_list_takes_every_operand_from_its_place_on() {
    let script = "import argparse\np = argparse.ArgumentParser()\np.add_argument('out', type=Path)\n\
                  p.add_argument('page', nargs='+', type=int)\n";
    let body = "```sh\npython3 x.py a.pdf 1 2 3\n```\n";
    let found = only(&samples::bundled(body, &[("x.py", script)]));
    let names: Vec<&str> = found.template.parameters.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["out", "page", "page_2", "page_3"]);
}

#[test]
fn operands_of_scripts_with_sub_commands_are_not_told_by_their_place() {
    let script = "import argparse\np = argparse.ArgumentParser()\ns = p.add_subparsers()\n\
                  a = s.add_parser('get')\na.add_argument('id', type=int)\na.add_argument('--out')\n\
                  b = s.add_parser('put')\nb.add_argument('file')\n";
    let body = "```sh\npython3 x.py put a.csv --out b.csv\n```\n";
    let found = only(&samples::bundled(body, &[("x.py", script)]));
    assert_eq!(parameters(&found.template), [("out", ParameterType::Text, None)]);
}

#[test]
fn calls_that_scripts_document_are_templates() {
    let script = "#!/usr/bin/env python3\n\"\"\"Converts.\n\nUsage:\n    python convert.py <in> <out.pdf>\n\
                  \n    convert.py is fast: python convert.py may take <n> seconds (or more)\n\"\"\"\n\
                  import sys\nprint(\"python convert.py <x>\")\n";
    let shell = "#!/bin/sh\n# Usage: ./run.sh <city> --days <count>\nset -e\ncurl \"$1\"\n";
    let skill = samples::bundled("# Demo\n", &[("convert.py", script), ("bin/run.sh", shell)]);
    let found = templates(&skill);
    let told: Vec<(String, &str)> = found
        .iter()
        .map(|it| {
            let CodeOrigin::File { path } = &it.origin else { panic!("{it:?}") };
            let file = skill.bundle().resolve(path).unwrap().file.text().unwrap();
            (it.template.outline(), it.span.text(file))
        })
        .collect();
    assert_eq!(
        told,
        [
            ("./run.sh {city} --days {count}".to_owned(), "./run.sh <city> --days <count>"),
            ("python convert.py {in} {out_pdf}".to_owned(), "python convert.py <in> <out.pdf>"),
        ]
    );
}

#[test]
fn the_word_that_stands_for_a_placeholder_means_nothing_in_a_skill() {
    for code in ["ls SKVMHOLE0Z", "ls SKVMHOLE0Z <x>", "ls SKVMHOLE1Z <x> <y>", "SKVMHOLE0Z <x>"] {
        assert_eq!(outlines(&fenced("sh", code)), [""; 0], "{code}");
    }
}

#[test]
fn hostile_skills_take_linear_time() {
    let pieces = [
        "get <x> ",
        "get <x>\n",
        "$A ",
        "${A ",
        "'",
        "\"",
        "$1",
        "{x} ",
        "{{x}} ",
        "`get <x>` ",
        "input.pdf ",
        "/path/to/",
        "your-",
        "YOUR_A ",
        "x:// /: ",
        "[x] ",
        "<",
        "f'{x}' ",
        "echo <<EOF ",
        "\\\n",
        "...\n",
        "get 123\n",
        "if <x>; then\n",
        "((",
        "$((<x>",
        "A_ID ",
        "x=/:a ",
        "SKVMHOLE0Z ",
        "é<x>\u{202e} ",
        "\r",
    ];
    let manager = PassManager::builder().pass(CodePass).pass(TemplatesPass).build().unwrap();
    for piece in pieces {
        for label in ["sh", "python", "js"] {
            let code = piece.repeat(16_000 / piece.len());
            let skill = fenced(label, &code);
            let begun = Instant::now();
            block_on(manager.compile(&samples::unit(skill))).unwrap();
            let took = begun.elapsed();
            assert!(took < Duration::from_secs(5), "{piece:?} in {label}: {took:?}");
        }
    }
}

#[test]
fn what_makes_a_shipped_skill_s_template_is_found_in_what_it_renders() {
    let mut count = 0;
    for name in samples::SHIPPED.iter() {
        for it in templates(&samples::shipped(name)) {
            assert_eq!(fault(&it), None, "{name}");
            let json = serde_json::to_string(&it).unwrap();
            assert_eq!(serde_json::from_str::<SkillTemplate>(&json).unwrap(), it);
            count += 1;
        }
    }
    assert!(count > 0);
}

#[test]
#[ignore = "needs SKVM_CORPUS to name a folder of real skills"]
fn corpus_templates_are_found_in_what_they_render() {
    let corpus = std::env::var("SKVM_CORPUS").unwrap();
    let (mut skills, mut with_one, mut time) = (0, 0, Duration::ZERO);
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut faults = Vec::new();
    for path in discover(&corpus).unwrap() {
        let skill = Skill::load(&path).unwrap();
        let begun = Instant::now();
        let found = templates(&skill);
        time += begun.elapsed();
        skills += 1;
        with_one += usize::from(!found.is_empty());
        for it in found {
            *counts.entry(format!("{:?}", it.template.language)).or_default() += 1;
            for parameter in &it.template.parameters {
                let spelling = parameter.spelling.map_or("parser".into(), |it| format!("{it:?}"));
                *counts.entry(format!("hole {spelling}")).or_default() += 1;
            }
            if std::env::var_os("SKVM_SHOW").is_some() {
                println!(
                    "@@ {} {:?}\n{}",
                    path.display(),
                    parameters(&it.template),
                    it.template.outline()
                );
            }
            faults.extend(fault(&it).map(|fault| format!("{}: {fault}", path.display())));
        }
    }
    println!("{with_one} of {skills} skills, compiled in {time:?}: {counts:#?}");
    assert!(faults.is_empty(), "{} templates\n{}", faults.len(), faults.join("\n\n"));
}
