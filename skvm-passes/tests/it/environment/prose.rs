//! Prerequisites that the text names, and text that names none.

use skvm_core::artifact::DependencyKind::{self, Program, Python, Runtime, Service};
use skvm_core::artifact::DependencySource;

use super::{dependencies, entry, lines, names, of_body, shown};
use crate::samples;

#[test]
fn prerequisites_under_their_heading_are_named() {
    let cases: [(&str, DependencyKind, &[&str]); 14] = [
        ("- Python 3.8+", Runtime, &["python >=3.8"]),
        ("- Python >= 3.10", Runtime, &["python"]),
        ("- Python >=3.10", Runtime, &["python >=3.10"]),
        ("- Python 3.10 or later", Runtime, &["python >=3.10"]),
        ("- Node.js 18+ and npm", Runtime, &["node >=18"]),
        ("- **Python** installed", Runtime, &["python"]),
        ("- Docker and Redis must run", Service, &["docker", "redis"]),
        ("- PostgreSQL 14", Service, &["postgresql"]),
        ("- ffmpeg, jq and curl", Program, &["curl", "ffmpeg", "jq"]),
        ("- `rg` in the path", Program, &["rg"]),
        ("1. Install tesseract.", Program, &["tesseract"]),
        ("| gh | the CLI |", Program, &["gh"]),
        ("- make sure that you go and find it", Program, &[]),
        ("- an API key and the data", Program, &[]),
    ];
    for (line, kind, found) in cases {
        for heading in
            ["## Requirements", "## Prerequisites", "### System requirements", "# Dependencies"]
        {
            let skill = samples::skill(&format!("# Demo\n\n{heading}\n\n{line}\n"));
            assert_eq!(lines(kind, &skill), found, "{heading} {line}");
        }
        let elsewhere = samples::skill(&format!("# Demo\n\n## Background\n\n{line}\n"));
        assert_eq!(names(&elsewhere), [], "{line}");
    }
}

#[test]
fn prose_is_the_least_sure_source() {
    let skill = samples::skill("# Demo\n\n## Requirements\n\n- Python 3.8+\n- ffmpeg\n");
    for entry in dependencies(&skill) {
        assert_eq!(entry.evidence[0].source, DependencySource::Prose);
        assert!(entry.confidence < 0.5, "{entry:?}");
    }
    assert_eq!(shown(&skill, &entry(&skill, Program, "ffmpeg")), ["ffmpeg"]);
    assert_eq!(shown(&skill, &entry(&skill, Runtime, "python")), ["Python"]);
}

#[test]
fn prose_supports_what_is_known_and_adds_no_packages() {
    let body =
        "# Demo\n\n## Requirements\n\n- `aaa` and `bbb`\n\n## Use\n\n```python\nimport aaa\n```\n";
    let skill = samples::skill(body);
    assert_eq!(lines(Python, &skill), ["aaa"]);
    assert_eq!(shown(&skill, &entry(&skill, Python, "aaa")), ["import aaa", "aaa"]);
}

#[test]
fn sentences_and_examples_name_nothing() {
    for body in [
        "Import the data, then import it again.",
        "from the start import everything",
        "Use pandas, requests and numpy.",
        "Run pip install aaa when you can.",
        "The user may say \"npm install aaa\".",
        "> import aaa",
        "- import aaa\n- require('bbb')",
        "| import | aaa |\n|---|---|\n| from x | import y |",
        "<!-- pip install aaa -->",
        "    import aaa\n    pip install bbb",
        "~~~\nimport aaa\n~~~",
        "The `import` statement, `aaa.b()` and `x = 1`.",
        "See [python](https://python.org) and https://api.service.io.",
    ] {
        assert_eq!(of_body(&format!("# Demo\n\n{body}\n")), [], "{body}");
    }
}

#[test]
fn prose_needs_nothing() {
    let body = "# Demo\n\nFirst import the data, then `import` it. Use `pandas` and jq, or pip install x.\n\n\
                ```\nimport the data\n```\n\n```text\nimport os, requests\n```\n\n    import requests\n";
    assert_eq!(of_body(body), []);
}
