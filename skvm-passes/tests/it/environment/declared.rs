//! What is declared: requirements files, `pyproject.toml`, the metadata of scripts, the front matter.

use skvm_core::artifact::DependencyKind::{
    self, Cargo, EnvironmentVariable, Gem, Go, McpServer, Npm, OperatingSystem, Program, Python,
    Runtime,
};
use skvm_core::artifact::DependencySource;
use skvm_core::skill::Skill;

use super::{dependencies, entry, fenced, file, lines, names, shown};
use crate::samples;

/// The Python distributions of a requirements file.
fn requirements(content: &str) -> Vec<String> {
    file(Python, "requirements.txt", content)
}

#[test]
fn a_line_of_a_requirements_file_is_one_requirement() {
    let cases: [(&str, &[&str]); 25] = [
        ("aaa", &["aaa"]),
        ("aaa==1.2.3", &["aaa ==1.2.3"]),
        ("aaa>=1,<2", &["aaa >=1,<2"]),
        ("aaa ~= 1.4 , != 1.4.2", &["aaa ~=1.4,!=1.4.2"]),
        ("aaa===1.0", &["aaa ===1.0"]),
        ("aaa==1.*", &["aaa ==1.*"]),
        ("Aaa_B.c", &["Aaa_B.c"]),
        ("aaa[x,y]>=1", &["aaa[x,y] >=1"]),
        ("aaa [x] ; os_name == 'nt'", &["aaa[x] ; os_name == 'nt'"]),
        (
            "aaa>=1 ; python_version < '3.9' and sys_platform != 'win32'",
            &["aaa >=1 ; python_version < '3.9' and sys_platform != 'win32'"],
        ),
        ("aaa # a comment", &["aaa"]),
        ("aaa>=1  \t# a comment", &["aaa >=1"]),
        ("# aaa", &[]),
        ("   aaa   ", &["aaa"]),
        ("aaa==1 \\\n    --hash=sha256:abc \\\n    --hash=sha256:def\nbbb", &["aaa ==1", "bbb"]),
        ("aaa==1 --hash=sha256:abc", &["aaa ==1"]),
        ("aaa \\\n>=1", &["aaa >=1"]),
        (
            "aaa @ https://e.org/aaa-1-py3-none-any.whl",
            &["aaa @ https://e.org/aaa-1-py3-none-any.whl"],
        ),
        (
            "aaa@https://e.org/x.zip ; os_name == 'nt'",
            &["aaa @ https://e.org/x.zip ; os_name == 'nt'"],
        ),
        ("git+https://e.org/o/aaa.git@v1", &["aaa @ git+https://e.org/o/aaa.git@v1"]),
        ("-e git+https://e.org/o/x.git#egg=aaa", &["aaa @ git+https://e.org/o/x.git#egg=aaa"]),
        ("--editable=git+https://e.org/o/aaa.git", &["aaa @ git+https://e.org/o/aaa.git"]),
        ("https://e.org/aaa-1.0.tar.gz", &["aaa @ https://e.org/aaa-1.0.tar.gz"]),
        ("-e .\n-e ./local\n./x.whl\nfile.whl", &[]),
        (
            "-i https://e.org/simple\n--extra-index-url https://e.org\n-f x\n--pre\n--no-binary aaa\naaa",
            &["aaa"],
        ),
    ];
    for (content, found) in cases {
        assert_eq!(requirements(content), found, "{content}");
        assert_eq!(requirements(&content.replace('\n', "\r\n")), found, "CRLF {content}");
    }
}

#[test]
fn a_requirements_file_begins_with_a_byte_order_mark_or_not() {
    assert_eq!(requirements("\u{feff}aaa\nbbb\n"), ["aaa", "bbb"]);
}

#[test]
fn python_in_a_requirements_file_is_the_runtime() {
    let skill = samples::bundled("# Demo\n", &[("requirements.txt", "python>=3.9\naaa\n")]);
    assert_eq!(lines(Python, &skill), ["aaa"]);
    assert_eq!(lines(Runtime, &skill), ["python >=3.9"]);
}

#[test]
fn requirements_files_have_several_names() {
    for path in [
        "requirements.txt",
        "requirements-dev.txt",
        "requirements_gpu.txt",
        "requirements.in",
        "scripts/requirements.txt",
        "requirements/base.txt",
        "dev-requirements.txt",
        "test_requirements.txt",
    ] {
        assert_eq!(file(Python, path, "aaa\n"), ["aaa"], "{path}");
    }
    for path in ["notes.txt", "docs/requirements.md", "my-requirements.json", "txt"] {
        assert_eq!(file(Python, path, "aaa\n"), [""; 0], "{path}");
    }
}

#[test]
fn requirements_files_include_others_of_the_bundle() {
    let found = |files: &[(&str, &str)]| lines(Python, &samples::bundled("# Demo\n", files));
    assert_eq!(
        found(&[
            ("requirements.txt", "-r deps/a.txt\naaa\n"),
            ("deps/a.txt", "--requirement=b.txt\nbbb\n"),
            ("deps/b.txt", "--requirement ../deps/c.txt\nccc\n"),
            ("deps/c.txt", "-rd.txt\nddd\n"),
            ("deps/d.txt", "eee\n"),
        ]),
        ["aaa", "bbb", "ccc", "ddd", "eee"]
    );
    // In a circle.
    assert_eq!(
        found(&[
            ("requirements.txt", "-r a.txt\naaa\n"),
            ("a.txt", "-r requirements.txt\n-r a.txt\nbbb\n")
        ]),
        ["aaa", "bbb"]
    );
    // Out of the bundle, to nothing, to a folder.
    for path in
        ["../other.txt", "/etc/passwd", "gone.txt", "deps", "../../x", "https://e.org/r.txt", ""]
    {
        let content = format!("-r {path}\naaa\n");
        assert_eq!(
            found(&[("requirements.txt", &content), ("deps/x.txt", "bbb\n")]),
            ["aaa"],
            "{path}"
        );
    }
    // Constraints ask for nothing.
    assert_eq!(
        found(&[
            ("requirements.txt", "-c limits.txt\n--constraint limits.txt\naaa\n"),
            ("limits.txt", "bbb<2\n")
        ]),
        ["aaa"]
    );
}

#[test]
fn a_long_chain_of_requirements_files_ends() {
    let files: Vec<(String, String)> = (0..300)
        .map(|at| (format!("deps/{at}.txt"), format!("-r {}.txt\nd{at}\n", at + 1)))
        .chain([("requirements.txt".to_owned(), "-r deps/0.txt\n".to_owned())])
        .collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(p, c)| (p.as_str(), c.as_str())).collect();
    let found = lines(Python, &samples::bundled("# Demo\n", &files));
    assert!(found.len() > 10 && found.len() < 300, "{}", found.len());
}

#[test]
fn a_script_declares_in_its_head() {
    let head = "# /// script\n# requires-python = \">=3.11\"\n# dependencies = [\n#   \"aaa>=1\",\n#\n\
                #   \"bbb[x]\", # why\n#   \"ccc ; os_name == 'nt'\",\n# ]\n# ///\n";
    let found = ["aaa >=1", "bbb[x]", "ccc ; os_name == 'nt'"];
    for content in [
        format!("{head}import os\n"),
        format!("#!/usr/bin/env -S uv run --script\n# A tool.\n{head}"),
        head.replace('\n', "\r\n"),
    ] {
        let skill = samples::bundled("# Demo\n", &[("run.py", &content)]);
        assert_eq!(lines(Python, &skill), found, "{content}");
        assert_eq!(lines(Runtime, &skill), ["python >=3.11"], "{content}");
        let aaa = entry(&skill, Python, "aaa");
        assert_eq!(aaa.evidence[0].source, DependencySource::ScriptMetadata);
        assert_eq!(shown(&skill, &aaa), ["aaa>=1"]);
    }
    let skill = fenced("python", head);
    assert_eq!(lines(Python, &skill), found);
    assert_eq!(shown(&skill, &entry(&skill, Python, "bbb")), ["bbb[x]"]);
}

#[test]
fn a_head_that_is_none_declares_nothing() {
    for content in [
        "# /// script\n# dependencies = [\"aaa\"]\n",
        "# /// script\n# dependencies = [\"aaa\"]\nimport os\n# ///\n",
        "# /// script\n# dependencies = [\"aaa\"\n# ///\n",
        "# /// script\n# dependencies = \"aaa\"\n# ///\n",
        "# /// script\n# dependencies = [1, {}]\n# ///\n",
        "# /// other\n# dependencies = [\"aaa\"]\n# ///\n",
        "#/// script\n#dependencies = [\"aaa\"]\n#///\n",
        "x = '''\n/// script\ndependencies = [\"aaa\"]\n///\n'''\n",
        "# /// script\n# dependencies = [\"--index-url=x\", \"a; rm -rf ~\", \"$(id)\"]\n# ///\n",
    ] {
        assert_eq!(file(Python, "run.py", content), [""; 0], "{content}");
    }
}

#[test]
fn a_pyproject_declares_its_dependencies() {
    let cases: [(&str, &[&str]); 10] = [
        ("[project]\ndependencies = [\"aaa>=1\", 'bbb[x]~=2.0']", &["aaa >=1", "bbb[x] ~=2.0"]),
        (
            "[project]\ndependencies = [\n  \"aaa ; os_name == 'nt'\",\n]",
            &["aaa ; os_name == 'nt'"],
        ),
        (
            "[project.optional-dependencies]\npdf = [\"aaa>=1\"]\ndev = [\"bbb\"]\ntest = [\"ccc\"]",
            &["aaa >=1 ?"],
        ),
        (
            "[project]\ndependencies = [\"aaa\"]\n[project.optional-dependencies]\nx = [\"aaa[y]\"]",
            &["aaa[y]"],
        ),
        ("[dependency-groups]\ndev = [\"aaa\"]", &[]),
        ("[build-system]\nrequires = [\"setuptools\"]", &[]),
        (
            "[tool.poetry.dependencies]\naaa = \"^1.2\"\nbbb = \"~2.3\"\nccc = \"*\"\nddd = \"1.5\"\neee = \">=1,<3\"",
            &["aaa >=1.2,<2", "bbb >=2.3,<2.4", "ccc", "ddd ==1.5", "eee >=1,<3"],
        ),
        (
            "[tool.poetry.dependencies]\naaa = {version = \"^0.3.1\", extras = [\"x\"], optional = true}\nbbb = {path = \"../b\"}",
            &["aaa[x] >=0.3.1,<0.4 ?"],
        ),
        (
            "[tool.poetry.group.dev.dependencies]\naaa = \"1\"\n[tool.poetry.dev-dependencies]\nbbb = \"1\"",
            &[],
        ),
        ("[project]\ndependencies = [1, \"a; rm -rf ~\", \"--pre\", \"$(id)\"]", &[]),
    ];
    for (content, found) in cases {
        assert_eq!(file(Python, "pyproject.toml", content), found, "{content}");
        assert_eq!(file(Python, "tool/pyproject.toml", content), found, "{content}");
    }
    for broken in
        ["", "[project", "project = 1", "[project]\ndependencies = {}", "[tool]\npoetry = 2"]
    {
        assert_eq!(file(Python, "pyproject.toml", broken), [""; 0], "{broken}");
    }
}

#[test]
fn poetry_names_places_and_conditions() {
    let cases: [(&str, &[&str]); 7] = [
        ("aaa = {path = \"../aaa\"}", &[]),
        ("aaa = {git = \"https://e.org/o/r.git\"}", &["aaa @ git+https://e.org/o/r.git"]),
        (
            "aaa = {git = \"https://e.org/o/r.git\", tag = \"v1\"}",
            &["aaa @ git+https://e.org/o/r.git@v1"],
        ),
        ("aaa = {url = \"https://e.org/aaa.zip\"}", &["aaa @ https://e.org/aaa.zip"]),
        (
            "aaa = {version = \"^1\", markers = \"os_name == 'nt'\"}",
            &["aaa >=1,<2 ; os_name == 'nt'"],
        ),
        ("aaa = [{version = \"^1\", python = \"<3.9\"}, {version = \"^2\"}]", &["aaa"]),
        ("aaa = {git = \"$(id)\"}", &[]),
    ];
    for (line, found) in cases {
        let content = format!("[tool.poetry.dependencies]\n{line}\n");
        assert_eq!(file(Python, "pyproject.toml", &content), found, "{line}");
    }
}

#[test]
fn a_pyproject_asks_for_a_python() {
    let python = |content| file(Runtime, "pyproject.toml", content);
    assert_eq!(python("[project]\nrequires-python = \">=3.10,<4\""), ["python >=3.10,<4"]);
    assert_eq!(python("[tool.poetry.dependencies]\npython = \"^3.9\""), ["python >=3.9,<4"]);
    assert_eq!(python("[project]\nrequires-python = \"$(id)\""), [""; 0]);
    let skill = samples::bundled(
        "# Demo\n",
        &[("pyproject.toml", "[project]\nrequires-python = \">=3.10\"\n")],
    );
    assert_eq!(shown(&skill, &entry(&skill, Runtime, "python")), [">=3.10"]);
}

#[test]
fn the_name_of_the_own_project_is_no_dependency() {
    for content in [
        "[project]\nname = \"aaa\"\ndependencies = [\"aaa[x]\", \"bbb\"]",
        "[tool.poetry]\nname = \"Aaa\"\n[tool.poetry.dependencies]\naaa = \"1\"\nbbb = \"*\"",
    ] {
        assert_eq!(file(Python, "pyproject.toml", content), ["bbb"], "{content}");
    }
}

/// A skill whose front matter has these lines.
fn with_front_matter(lines: &str) -> Skill {
    samples::loaded(&format!("---\nname: demo\ndescription: d\n{lines}\n---\n# Demo\n"), &[])
}

#[test]
fn front_matter_names_what_is_needed() {
    let cases: [(&str, DependencyKind, &[&str]); 27] = [
        (
            "requires: {bins: [jq, ffmpeg], anyBins: [magick]}",
            Program,
            &["ffmpeg", "jq", "magick ?"],
        ),
        ("requires: {bins: [python3]}", Runtime, &["python"]),
        ("requires: {env: [API_KEY, lower, HOME]}", EnvironmentVariable, &["API_KEY"]),
        ("requires: {python: [aaa>=1, '-e .']}", Python, &["aaa >=1"]),
        ("requires: {pip: 'aaa, bbb==2'}", Python, &["aaa", "bbb ==2"]),
        ("requires: {npm: ['@a/b@^1', '--x']}", Npm, &["@a/b ^1"]),
        ("requires: {commands: [jq], optionalBins: [rg]}", Program, &["jq", "rg ?"]),
        ("requires: {optionalEnv: [API_KEY]}", EnvironmentVariable, &["API_KEY ?"]),
        ("requires: {python: '>=3.8'}", Runtime, &["python >=3.8"]),
        ("requires: {python: '3.8+'}", Python, &[]),
        ("requires: {python: 3.8+, node: '18'}", Runtime, &["node >=18", "python >=3.8"]),
        ("dependencies: {python: [aaa], npm: [bbb]}", Python, &["aaa"]),
        ("install: pip install aaa", Python, &["aaa"]),
        ("install: [pip install aaa, npm i bbb]", Npm, &["bbb"]),
        ("install: '$(id); --x'", Python, &[]),
        ("requires: {os: [linux, macos]}", OperatingSystem, &["darwin", "linux"]),
        ("requires: {mcp: [github, 'a b']}", McpServer, &["github"]),
        ("dependencies: 'python>=3.8, pandas>=1.5'", Python, &["pandas >=1.5"]),
        ("dependencies: 'python>=3.8, pandas>=1.5'", Runtime, &["python >=3.8"]),
        ("dependencies: [ffmpeg]", Program, &["ffmpeg"]),
        ("allowed-tools: Bash(jq:*), Bash(git log), Read", Program, &["git", "jq"]),
        ("allowed-tools: Bash(python3:*)", Runtime, &["python"]),
        ("allowed-tools: Bash(ls:*), Bash, Bash(*)", Program, &[]),
        ("allowed-tools: mcp__github__create_issue, mcp__slack", McpServer, &["github", "slack"]),
        ("install: [{kind: brew, formula: jq, bins: [jq]}]", Program, &["jq"]),
        ("install: [{kind: uv, package: 'aaa>=1', bins: [aaa]}]", Python, &["aaa >=1"]),
        ("install: [{kind: shell, command: 'pip install aaa && npm i bbb'}]", Python, &["aaa"]),
    ];
    for (front_matter, kind, found) in cases {
        assert_eq!(lines(kind, &with_front_matter(front_matter)), found, "{front_matter}");
    }
}

#[test]
fn a_vendor_tells_how_its_programs_are_installed() {
    let vendor = |spec: &str| {
        with_front_matter(&format!("metadata: {{\"openclaw\":{{\"install\":[{spec}]}}}}"))
    };
    let cases = [
        (r#"{"kind":"brew","formula":"a/tap/tool","bins":["tool"]}"#, Program, "tool"),
        (r#"{"kind":"apt","package":"tool-bin","bins":["tool"]}"#, Program, "tool"),
        (r#"{"kind":"node","package":"@a/tool@2","bins":["tool"]}"#, Npm, "@a/tool 2"),
        (r#"{"kind":"node","package":"@a/tool","bins":["tool"]}"#, Program, "tool"),
        (r#"{"kind":"uv","package":"tool","bins":["tool"]}"#, Python, "tool"),
        (r#"{"kind":"go","module":"e.org/o/tool@v1.2","bins":["tool"]}"#, Go, "e.org/o/tool v1.2"),
        (r#"{"kind":"go","module":"e.org/o/tool@latest","bins":["tool"]}"#, Go, "e.org/o/tool"),
        (r#"{"kind":"cargo","package":"tool-cli","bins":["tool"]}"#, Cargo, "tool-cli"),
        (r#"{"kind":"gem","package":"tool","bins":["tool"]}"#, Gem, "tool"),
        (r#"{"kind":"download","url":"https://e.org/x","bins":["tool"]}"#, Program, "tool"),
    ];
    for (spec, kind, line) in cases {
        assert_eq!(lines(kind, &vendor(spec)), [line], "{spec}");
    }
    let tool = entry(&vendor(cases[0].0), Program, "tool");
    assert_eq!(tool.packages[0].name, "a/tap/tool");
    for hostile in [
        r#"{"kind":"brew","formula":"--x","bins":["-y"]}"#,
        r#"{"kind":"brew","formula":"a; rm -rf ~","bins":["$(id)"]}"#,
        r#"{"kind":"uv","package":"--index-url=x","bins":["a b"]}"#,
        r#"{"kind":"node","package":"a@git+https://e.org"}"#,
        r#"{"kind":"go","module":"x"}"#,
        r#"{"kind":5}"#,
        r#"7"#,
    ] {
        assert_eq!(names(&vendor(hostile)), [], "{hostile}");
    }
}

#[test]
fn compatibility_is_prose() {
    for text in
        ["Requires Python 3.10+ and ffmpeg on macOS", ">\n  Requires Python 3.10+\n  and ffmpeg"]
    {
        let skill = with_front_matter(&format!("compatibility: {text}\nlicense: jq"));
        assert_eq!(lines(Runtime, &skill), ["python >=3.10"]);
        assert_eq!(lines(Program, &skill), ["ffmpeg"]);
        for entry in dependencies(&skill) {
            assert_eq!(entry.evidence[0].source, DependencySource::Prose);
            assert!(entry.confidence < 0.5);
        }
    }
}

#[test]
fn front_matter_declares_programs_variables_and_systems() {
    let skill = samples::loaded(
        "\n---\nname: demo\ndescription: d\nmetadata: {\"openclaw\":{\"os\":[\"darwin\"],\"primaryEnv\":\"MAIN_KEY\",\
         \"requires\":{\"bins\":[\"ffmpeg\"],\"anyBins\":[\"magick\",\"gm\"],\"env\":[\"API_KEY\"]}}}\n---\n# Demo\n",
        &[],
    );
    let entries = dependencies(&skill);
    let found: Vec<(DependencyKind, &str, bool)> =
        entries.iter().map(|e| (e.kind, e.name.as_str(), e.optional)).collect();
    assert_eq!(
        found,
        [
            (Program, "ffmpeg", false),
            (Program, "gm", true),
            (Program, "magick", true),
            (EnvironmentVariable, "API_KEY", false),
            (EnvironmentVariable, "MAIN_KEY", false),
            (OperatingSystem, "darwin", false),
        ]
    );
    for entry in &entries {
        assert_eq!(entry.evidence[0].source, DependencySource::FrontMatter);
        assert_eq!(entry.evidence[0].span.unwrap().text(skill.source()), entry.name);
    }
}

#[test]
fn a_requirements_file_declares_distributions() {
    let file = "# comment\n\npandas>=2.0  # inline\nuvicorn[standard,x] ~= 0.20, <1\n\
                tomli ; python_version < \"3.11\"\n-r other.txt\n--index-url https://e.org/simple\n";
    let skill = samples::bundled("# Demo\n", &[("requirements-dev.txt", file)]);
    let entries = dependencies(&skill);
    let found: Vec<Seen<'_>> = entries
        .iter()
        .map(|e| {
            let extras = e.extras.iter().map(String::as_str).collect();
            (e.name.as_str(), e.requirement.as_deref(), extras, e.marker.as_deref())
        })
        .collect();
    assert_eq!(
        found,
        [
            ("pandas", Some(">=2.0"), vec![], None),
            ("tomli", None, vec![], Some("python_version < \"3.11\"")),
            ("uvicorn", Some("~=0.20,<1"), vec!["standard", "x"], None),
        ]
    );
    let evidence = &entries[2].evidence[0];
    assert_eq!(evidence.source, DependencySource::RequirementsFile);
    assert_eq!(evidence.file.as_deref(), Some("requirements-dev.txt"));
    assert_eq!(evidence.span.unwrap().text(file), "uvicorn[standard,x] ~= 0.20, <1");
}

#[test]
fn hostile_lines_of_a_requirements_file_declare_nothing() {
    for line in [
        "a b c",
        "$(id)",
        "a$(id)",
        "a`id`",
        "a|b",
        "a && b",
        "../../etc",
        "/etc/passwd",
        "-e .",
        "--pre",
        "a[b",
        "_",
        "-",
        ".",
        "a>=1;",
        "\u{202e}a",
        "<name>",
    ] {
        let skill = samples::bundled("# Demo\n", &[("requirements.txt", &format!("{line}\n"))]);
        let found = names(&skill);
        let plain = found.iter().all(|(_, name)| name == "a");
        assert!(found.is_empty() || (line == "a>=1;" && plain), "{line}: {found:?}");
    }
}

/// Name, requirement, extras and marker of a dependency.
type Seen<'d> = (&'d str, Option<&'d str>, Vec<&'d str>, Option<&'d str>);
