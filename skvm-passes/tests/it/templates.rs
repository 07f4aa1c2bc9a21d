//! The `templates` pass: code with holes as text and typed parameters.

use skvm_core::artifact::{
    ParameterType, PlaceholderKind, Segment, Template, TemplateLanguage, Templates,
};
use skvm_core::skill::Skill;

use crate::samples;

fn templates(skill: &Skill) -> Vec<Template> {
    let variant = samples::compile(&samples::unit(skill.clone()));
    variant.artifacts().get::<Templates>().unwrap().unwrap().templates.clone()
}

fn only(skill: &Skill) -> Template {
    match <[Template; 1]>::try_from(templates(skill)) {
        Ok([template]) => template,
        Err(templates) => panic!("{templates:?}"),
    }
}

fn fenced(label: &str, code: &str) -> Skill {
    samples::skill(&format!("# Demo\n\n```{label}\n{code}```\n"))
}

/// The text of a template with each hole filled by the name of its parameter in brackets.
fn filled(template: &Template) -> String {
    let fill = |segment: &Segment| match segment {
        Segment::Text(text) => text.clone(),
        Segment::Hole(index) => format!("[{}]", template.parameters[*index].name),
    };
    template.segments.iter().map(fill).collect()
}

#[test]
fn holes_are_parameters_and_the_rest_is_text() {
    let skill = fenced("bash", "curl <url> -H 'X: YOUR_API_KEY' > {out_file}\n");
    let template = only(&skill);
    assert_eq!(template.language, TemplateLanguage::Shell);
    assert_eq!(filled(&template), "curl [url] -H 'X: [api_key]' > [out_file]\n");
    let parameters: Vec<(&str, ParameterType, PlaceholderKind)> =
        template.parameters.iter().map(|p| (p.name.as_str(), p.kind, p.spelling)).collect();
    assert_eq!(
        parameters,
        [
            ("url", ParameterType::Url, PlaceholderKind::Angle),
            ("api_key", ParameterType::Secret, PlaceholderKind::YourUpper),
            ("out_file", ParameterType::Path, PlaceholderKind::Brace),
        ]
    );
    assert!(template.span.text(skill.source()).starts_with("```bash\ncurl"));
}

#[test]
fn the_same_placeholder_is_one_parameter() {
    let template = only(&fenced("sh", "cp <in> <in>.bak\nmv <out> <in>\n"));
    assert_eq!(template.parameters.len(), 2);
    assert_eq!(filled(&template), "cp [in] [in].bak\nmv [out] [in]\n");
}

#[test]
fn text_before_between_and_behind_holes_may_be_empty() {
    let template = only(&fenced("sh", "<in><out>\n"));
    assert_eq!(
        template.segments,
        [Segment::Hole(0), Segment::Hole(1), Segment::Text("\n".to_owned())]
    );
}

#[test]
fn types_come_from_the_words_of_a_name() {
    let cases = [
        ("<api token>", ParameterType::Secret),
        ("<password>", ParameterType::Secret),
        ("<base-url>", ParameterType::Url),
        ("<endpoint>", ParameterType::Url),
        ("<input.pdf>", ParameterType::Path),
        ("<outputDir>", ParameterType::Path),
        ("path/to/x", ParameterType::Text),
        ("<page count>", ParameterType::Number),
        ("<port>", ParameterType::Number),
        ("<city>", ParameterType::Text),
        ("<report>", ParameterType::Text),
        ("<monkey>", ParameterType::Text),
    ];
    for (placeholder, expected) in cases {
        let template = only(&fenced("sh", &format!("run {placeholder}\n")));
        assert_eq!(template.parameters[0].kind, expected, "{placeholder}");
    }
}

#[test]
fn only_shell_and_python_with_holes_are_templates() {
    for (label, code, count) in [
        ("bash", "ls <x>\n", 1),
        ("python", "open('<x>')\n", 1),
        ("bash", "ls x\n", 0),
        ("json", "{\"a\": \"<x>\"}\n", 0),
        ("md", "# <x>\n", 0),
        ("text", "<x>\n", 0),
        ("js", "f('<x>')\n", 0),
    ] {
        assert_eq!(templates(&fenced(label, code)).len(), count, "{label}: {code}");
    }
}

#[test]
fn inline_commands_with_holes_are_templates() {
    let skill = samples::skill("# Demo\n\nRun `git show <hash>` and `<hash>`.\n");
    let template = only(&skill);
    assert_eq!(filled(&template), "git show [hash]");
    assert_eq!(template.span.text(skill.source()), "git show <hash>");
}

#[test]
fn the_text_of_a_template_in_a_list_has_no_indentation() {
    for line_end in ["\n", "\r\n"] {
        let body = "1. Run:\n\n   ```sh\n   cd <dir>\n   ls <x>\n   ```\n".replace('\n', line_end);
        let template = only(&samples::skill(&body));
        assert_eq!(filled(&template).replace('\r', ""), "cd [dir]\nls [x]\n");
    }
}

#[test]
fn bundled_scripts_are_no_templates() {
    let skill = samples::bundled("# Demo\n", &[("x.sh", "ls <x>\n"), ("y.py", "open('{y}')\n")]);
    assert_eq!(templates(&skill), []);
}
