//! Hostile sizes: work and memory grow with the text and not with its square. Each of these took minutes
//! or all memory when they did not.

use super::dependencies;
use crate::samples;

#[test]
fn a_module_with_a_very_long_name_is_none() {
    for line in ["import google", "from google.cloud", "python -m azure"] {
        let code = format!("{line}{} import x\n", ".a".repeat(100_000));
        let skill = samples::bundled("# Demo\n", &[("scripts/a.py", &code)]);
        assert!(dependencies(&skill).len() < 3);
        let skill = samples::skill(&format!("# Demo\n\n```bash\n{code}```\n"));
        assert!(dependencies(&skill).len() < 3);
    }
}

#[test]
fn many_imports_are_bounded() {
    let code: String = (0..5_000).map(|n| format!("import m{n}\n")).collect();
    let skill = samples::bundled("# Demo\n", &[("scripts/a.py", &code)]);
    assert_eq!(dependencies(&skill).len(), 2001, "two thousand and the interpreter");
}

#[test]
fn many_code_spans_below_a_heading_of_prerequisites_do() {
    let body = format!("# Demo\n\n## Requirements\n\n{}", "- `a` and `jq`\n".repeat(40_000));
    assert!(dependencies(&samples::skill(&body)).iter().any(|entry| entry.name == "jq"));
}

#[test]
fn many_demands_on_one_distribution_are_bounded() {
    let lines: String =
        (0..20_000).map(|n| format!("a>={n}; python_version < \"3.{n}\"\n")).collect();
    let skill = samples::bundled("# Demo\n", &[("requirements.txt", &lines)]);
    let entry = dependencies(&skill).remove(0);
    assert!(entry.requirement.unwrap().len() < 1000);
    assert!(entry.marker.is_none_or(|marker| marker.len() < 5000));
}

#[test]
fn files_that_include_each_other_are_read_once() {
    let names: Vec<String> = (0..150).map(|n| format!("requirements-{n}.txt")).collect();
    let includes: String = names.iter().map(|name| format!("-r {name}\n")).collect();
    let content = format!("{includes}{}", "some-distribution\n".repeat(300));
    let files: Vec<(&str, &str)> =
        names.iter().map(|name| (name.as_str(), content.as_str())).collect();
    let skill = samples::bundled("# Demo\n", &files);
    assert_eq!(dependencies(&skill).len(), 1);
}

#[test]
fn large_declarations_do() {
    let entries: Vec<String> = (0..20_000).map(|n| format!("\"p{n}\": \"^1\"")).collect();
    let json = format!("{{\"dependencies\": {{{}}}}}", entries.join(","));
    let skill = samples::bundled("# Demo\n", &[("package.json", &json)]);
    assert_eq!(dependencies(&skill).len(), 2000);
    let entries: Vec<String> = (0..20_000).map(|n| format!("\"p{n}>=1\"")).collect();
    let toml = format!("[project]\nname = \"x\"\ndependencies = [{}]\n", entries.join(","));
    let skill = samples::bundled("# Demo\n", &[("pyproject.toml", &toml)]);
    assert_eq!(dependencies(&skill).len(), 2000);
}
