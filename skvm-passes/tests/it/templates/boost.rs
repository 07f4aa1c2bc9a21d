//! The original's `boost-candidates.json`.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use skvm_core::artifact::{Parameter, ParameterType, Part, SkillTemplate, TemplateLanguage};
use skvm_passes::templates::Shape;
use skvm_passes::templates::boost::{BoostCandidates, Candidate, Imported};

use crate::samples;

/// A file of one candidate, with fields put over the usual ones.
fn file(fields: &Value) -> BoostCandidates {
    let mut candidate = json!({
        "purposeId": "weather",
        "keywords": ["weather"],
        "codeSignature": "wttr\\.in",
        "functionTemplate": "curl -s \"wttr.in/${city}?format=3\"",
        "params": {"city": {"type": "string", "description": "", "extractPattern": "in (.+)$"}},
        "materializationType": "shell",
    });
    for (key, value) in fields.as_object().unwrap() {
        candidate[key] = value.clone();
    }
    BoostCandidates::from_json(&json!({"candidates": [candidate]}).to_string()).unwrap()
}

fn import(fields: &Value) -> Imported {
    file(fields).import()
}

fn taken(fields: &Value) -> Candidate {
    let mut imported = import(fields);
    assert_eq!(imported.refused, []);
    imported.candidates.remove(0)
}

fn refused(fields: &Value) -> String {
    let imported = import(fields);
    assert!(imported.candidates.is_empty(), "{fields}");
    assert_eq!(imported.refused[0].purpose, "weather");
    imported.refused[0].reason.clone()
}

#[test]
fn a_candidate_is_a_template() {
    let candidate = taken(&json!({}));
    assert_eq!(
        (candidate.purpose.as_str(), candidate.keywords.as_slice()),
        ("weather", &["weather".to_owned()][..])
    );
    assert_eq!(candidate.tools, ["execute_command", "write_file", "web_fetch"]);
    assert_eq!(candidate.template.outline(), "curl -s wttr.in/{city}?format=3");
    let shape = Shape::of(TemplateLanguage::Shell, "curl -s 'wttr.in/Oslo?format=3'").unwrap();
    assert_eq!(candidate.fingerprint, shape.fingerprint());
    assert!(candidate.recognizes("CURL WTTR.IN/x") && !candidate.recognizes("wttrxin"));
    assert_eq!(candidate.values("weather in Tokyo"), Some(vec!["Tokyo".to_owned()]));
    assert_eq!(candidate.values("weather"), None);
}

#[test]
fn a_tool_list_of_its_own_replaces_the_usual_one() {
    assert_eq!(taken(&json!({"monitoredTools": ["read_file"]})).tools, ["read_file"]);
}

#[test]
fn values_from_a_task_are_never_code() {
    let candidate = taken(&json!({}));
    for value in
        ["$(id>x)", "`id`", "x; rm -rf ~", "$&", "$$", "${city}", "${HOME}", "a\"b", "\"; id; \""]
    {
        let values = candidate.values(&format!("weather in {value}")).unwrap();
        assert_eq!(values, [value]);
        let rendered = candidate.template.render(&values).unwrap();
        assert_eq!(rendered, format!("curl -s 'wttr.in/{value}?format=3'"));
    }
}

#[test]
fn variables_of_the_code_stay_and_a_place_may_occur_twice() {
    let candidate = taken(&json!({
        "functionTemplate": "cp ${a} ${b}\nls \"${HOME}\" ${#LIST[@]} ${UNSET:-x} ${a}",
        "params": {"a": "string", "b": "string"},
    }));
    let rendered = candidate.template.render(&["${b}", "y"]).unwrap();
    assert_eq!(rendered, "cp '${b}' 'y'\nls \"${HOME}\" ${#LIST[@]} ${UNSET:-x} '${b}'");
    assert_eq!(candidate.values("any"), None, "without an expression there is no value");
}

#[test]
fn a_candidate_without_parameters_needs_no_values() {
    let candidate = taken(&json!({"functionTemplate": "curl -s wttr.in", "params": {}}));
    assert_eq!(candidate.values("any"), Some(Vec::new()));
    assert_eq!(candidate.template.render::<&str>(&[]).unwrap(), "curl -s wttr.in");
}

#[test]
fn one_of_two_values_is_none() {
    let candidate = taken(&json!({
        "functionTemplate": "get ${a} ${b}",
        "params": {
            "a": {"type": "string", "description": "", "extractPattern": "a=(\\w+)"},
            "b": {"type": "string", "description": "", "extractPattern": "b=(\\w+)"},
        },
    }));
    assert_eq!(candidate.values("a=1"), None);
    assert_eq!(candidate.values("A=1 b=zwölf"), Some(vec!["1".to_owned(), "zwölf".to_owned()]));
}

#[test]
fn numbers_are_numbers() {
    for (kind, legacy) in [
        (json!("number"), true),
        (json!({"type": "number", "description": "", "extractPattern": "(\\S+) days"}), false),
    ] {
        let candidate = taken(&json!({
            "functionTemplate": "x = ${n} + 1\nprint(x - ${n}, \"${n} days\")",
            "params": {"n": kind},
            "materializationType": "python",
        }));
        assert_eq!(candidate.template.parameters[0].kind, ParameterType::Number);
        assert_eq!(
            candidate.template.render(&["-3"]).unwrap(),
            "x = (-3) + 1\nprint(x - (-3), '-3 days')"
        );
        assert!(candidate.template.render(&["3; import os"]).is_err());
        let found = candidate.values("in 12 days");
        assert_eq!(found, (!legacy).then(|| vec!["12".to_owned()]));
        assert_eq!(candidate.values("in x days"), None);
    }
}

#[test]
fn old_files_tell_only_a_type_and_any_word_is_a_text() {
    for word in ["string", "path", "whatever"] {
        let candidate = taken(&json!({"params": {"city": word}}));
        assert_eq!(candidate.template.parameters[0].kind, ParameterType::Text);
    }
}

#[test]
fn python_and_here_documents_hold_values_as_texts() {
    let candidate = taken(&json!({
        "functionTemplate": "import pypdf\nreader = pypdf.PdfReader(\"${pdf}\")\nprint(f\"{len(reader.pages)} in ${pdf}\")",
        "params": {"pdf": "string"},
        "materializationType": "python",
    }));
    assert_eq!(
        candidate.template.render(&["a'\"{x}.pdf"]).unwrap(),
        "import pypdf\nreader = pypdf.PdfReader('a\\'\"{x}.pdf')\nprint(f\"{len(reader.pages)} in a\\'\\\"{{x}}.pdf\")"
    );
    let candidate = taken(&json!({
        "functionTemplate": "python3 - <<'EOF'\nprint(open(\"${path}\").read())\nEOF\n",
        "params": {"path": "string"},
    }));
    assert_eq!(
        candidate.template.render(&["a\nEOF\nid\n\""]).unwrap(),
        "python3 - <<'EOF'\nprint(open('a\\nEOF\\nid\\n\"').read())\nEOF\n"
    );
}

#[test]
fn what_cannot_be_a_template_is_refused_with_the_reason() {
    let huge = "(a{1000}){1000}";
    let many = "${city} ".repeat(5_000);
    let cases = [
        (json!({"functionTemplate": ""}), "empty"),
        (json!({"functionTemplate": " \n"}), "empty"),
        (json!({"functionTemplate": format!("ls {many}")}), "places"),
        (json!({"functionTemplate": format!("ls ${{city}} {}", "x".repeat(100_000))}), "longer"),
        (json!({"functionTemplate": "ls Oslo"}), "stands nowhere"),
        (json!({"functionTemplate": "${city} -s"}), "safely"),
        (json!({"functionTemplate": "if ${city}; do"}), "safely"),
        (json!({"functionTemplate": "eval \"curl ${city}\""}), "safely"),
        (json!({"functionTemplate": "curl -d '{\"city\": \"${city}\"' x"}), "safely"),
        (json!({"functionTemplate": "x = ${city}", "materializationType": "python"}), "safely"),
        (json!({"codeSignature": "(?=wttr)"}), "look-around"),
        (json!({"codeSignature": "(?<!x)wttr"}), "look-around"),
        (json!({"codeSignature": "(a)\\1"}), "backreferences"),
        (json!({"codeSignature": huge}), "size limit"),
        (json!({"codeSignature": "("}), "unclosed group"),
        (json!({"codeSignature": ""}), "everything"),
        (json!({"keywords": []}), "no keyword"),
        (json!({"keywords": [" "]}), "no keyword"),
        (
            json!({"params": {"city": {"type": "string", "description": "", "extractPattern": "(?=x)"}}}),
            "look-around",
        ),
        (json!({"params": {"city": {"type": "boolean", "description": ""}}}), "boolean"),
    ];
    for (fields, expected) in cases {
        let reason = refused(&fields);
        assert!(reason.contains(expected), "{reason}");
    }
}

#[test]
fn one_refused_candidate_does_not_hold_up_the_others() {
    let mut both = file(&json!({}));
    both.candidates.extend(file(&json!({"functionTemplate": ""})).candidates);
    both.candidates.extend(file(&json!({})).candidates);
    let imported = both.import();
    assert_eq!((imported.candidates.len(), imported.refused.len()), (2, 1));
}

#[test]
fn a_keyword_is_a_word_of_the_task() {
    let cases = [
        ("text", "what is in the context", false),
        ("text", "the texts", false),
        ("text", "The Text!", true),
        ("text", "plain-text file", true),
        ("pdf", "a.pdf", true),
        ("pdf", "pdf2txt", false),
        ("c++", "in C++ please", true),
        ("Zürich", "wetter in zürich", true),
        ("rich", "wetter in zürich", false),
        ("İstanbul", "weather in İSTANBUL", true),
        ("天气", "上海天气怎么样", true),
        ("weather in", "the weather in Oslo", true),
        ("x", "", false),
        ("ß", "STRASSE", false),
        ("\u{301}", "e\u{301}", true),
    ];
    for (keyword, task, expected) in cases {
        let candidate = taken(&json!({"keywords": [keyword]}));
        assert_eq!(candidate.concerns(task), expected, "{keyword} in {task}");
    }
}

#[test]
fn expressions_take_linear_time() {
    let pattern = "(a+)+$";
    let candidate = taken(&json!({
        "codeSignature": "open\\([\\s\\S]*?read\\([\\s\\S]*?write\\([\\s\\S]*?close\\(",
        "params": {"city": {"type": "string", "description": "", "extractPattern": pattern}},
    }));
    let begun = Instant::now();
    assert_eq!(candidate.values(&("a".repeat(100_000) + "!")), None);
    assert!(!candidate.recognizes(&"open(read(write(".repeat(6_000)));
    assert!(!candidate.concerns(&"weathe ".repeat(15_000)));
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[test]
fn what_is_no_such_file_is_refused_with_the_place() {
    let cases = [
        ("", "line 1"),
        ("[]", "line 1"),
        ("{}", "candidates"),
        ("{\"candidates\": [{}]}", "purposeId"),
        ("{\"candidates\":\n [{\"purposeId\": 1}]}", "line 2"),
        (
            "{\"candidates\": [{\"purposeId\": \"\", \"keywords\": [], \"codeSignature\": \"\", \
             \"functionTemplate\": \"\", \"params\": {}, \"materializationType\": \"ruby\"}]}",
            "ruby",
        ),
    ];
    for (json, expected) in cases {
        let error = BoostCandidates::from_json(json).unwrap_err();
        let told = std::error::Error::source(&error).unwrap().to_string();
        assert!(told.contains(expected), "{told}");
    }
}

/// A template of code with a hole for each `HOLE1`, `HOLE2` … in its literals.
fn found(language: TemplateLanguage, code: &str) -> SkillTemplate {
    let body = samples::skill(&format!(
        "```{}\n{code}\n```\n",
        match language {
            TemplateLanguage::Python => "python",
            _ => "sh",
        }
    ));
    let found = super::templates(&body);
    found.into_iter().next().unwrap_or_else(|| panic!("no template: {code}"))
}

#[test]
fn what_is_exported_is_imported_as_the_same() {
    use TemplateLanguage::{Python, Shell};
    let codes = [
        (Shell, "curl -s \"wttr.in/<city>?u=${HOME}\""),
        (Shell, "convert <input.pdf> --title 'a $HOME \"b\" `x` <title> \\ c' -o '<out>'"),
        (Shell, "cp <one> <two>\nmv <two> \"$HOME/<one>\""),
        (Shell, "X=$(id)\nfor i in 1 2; do get \"$X\" <x> $i; done > <file>"),
        (Shell, "cat > <file> <<'EOF'\nDear <name>,\nbye $x\nEOF"),
        (Python, "open('<file>').write('a \"b\" <text> \\\\ ${x} y')"),
        (Python, "get(12345, x='<y>')"),
    ];
    for (language, code) in codes {
        let it = found(language, code);
        let file = BoostCandidates::export([&it]);
        assert_eq!(file.candidates.len(), 1, "{code}");
        let json = serde_json::to_string(&file).unwrap();
        let imported = BoostCandidates::from_json(&json).unwrap().import();
        assert_eq!(imported.refused, [], "{json}");
        let candidate = &imported.candidates[0];
        assert_eq!(candidate.fingerprint, it.fingerprint, "{json}");
        // Its parameters stand in the order of the code in both.
        let values: Vec<&str> = it
            .template
            .parameters
            .iter()
            .map(|it| match it.kind {
                ParameterType::Number => "7",
                ParameterType::Path => "a 'b'.csv",
                _ => "$(id) \"x\" ${y}",
            })
            .collect();
        let rendered = candidate.template.render(&values).unwrap();
        let expected = it.template.render(&values).unwrap();
        let values = |code: &str| {
            let shape = Shape::of(language, code).unwrap();
            (shape.fingerprint(), shape.values().map(str::to_owned).collect::<Vec<_>>())
        };
        assert_eq!(values(&rendered), values(&expected), "{rendered}\n{expected}");
        assert!(candidate.recognizes(&expected), "{}", file.candidates[0].code_signature);
    }
}

#[test]
fn what_the_original_has_no_form_for_is_not_exported() {
    let shape = Shape::of(TemplateLanguage::JavaScript, "f('HOLE')").unwrap();
    let javascript = super::only(&super::fenced("js", "f('<x>')"));
    assert_eq!(javascript.fingerprint, {
        assert_eq!(shape.values().count(), 1);
        shape.fingerprint()
    });
    let nested = found(TemplateLanguage::Shell, "python3 -c \"open('<x>')\"");
    let interpolated = found(TemplateLanguage::Python, "f(f'{x} your-city')");
    let mut own = found(TemplateLanguage::Shell, "ls <x> \"${Y}\"");
    own.template.parameters = vec![Parameter::new("Y", ParameterType::Text)];
    for it in [&javascript, &nested, &interpolated, &own] {
        assert_eq!(BoostCandidates::export([it]).candidates, [], "{}", it.template.outline());
    }
    assert!(matches!(Part::Hole(0), Part::Hole(_)));
}

#[test]
fn what_shipped_skills_have_is_exported_and_imported() {
    for name in samples::SHIPPED.iter() {
        let templates = super::templates(&samples::shipped(name));
        let imported = BoostCandidates::export(&templates).import();
        assert_eq!(imported.refused, [], "{name}");
        for candidate in imported.candidates {
            assert!(templates.iter().any(|it| it.fingerprint == candidate.fingerprint), "{name}");
        }
    }
}
