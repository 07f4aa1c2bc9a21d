//! Laws that hold whatever a skill's text is, and bounds on the time that a hostile one takes.

use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use skvm_core::artifact::{
    Artifact, CodeIndex, CodeOrigin, Dependencies, Literal, LiteralContent, Part, Segment,
    Templates, Workflow,
};
use skvm_core::capability::{Gaps, Level, Requirements};
use skvm_core::pass::Unit;
use skvm_core::skill::Skill;
use skvm_core::span::Span;
use skvm_passes::code::shell_commands;
use skvm_passes::guard::Guard;
use skvm_passes::variant::Variant;

use crate::samples;

/// A skill with a bundle, whose text is replaced.
static BUNDLED: LazyLock<Skill> = LazyLock::new(|| {
    samples::bundled(
        "# Demo\n",
        &[
            (
                "run.py",
                "import os, requests\ntry:\n    import rich\nexcept ImportError:\n    pass\n",
            ),
            ("scripts/go.sh", "jq . <x> | head > y\n"),
            ("bin/tool", "#!/usr/bin/env node\n"),
            ("package.json", "{\"dependencies\":{\"a\":\"1\"}}"),
            ("requirements.txt", "a>=1\n"),
            ("guide.md", "x\n"),
        ],
    )
});

fn artifact<A: Artifact>(variant: &Variant) -> A {
    let json = variant.artifacts().json(A::KEY.as_str()).unwrap();
    serde_json::from_str(json).unwrap()
}

/// Everything that must hold for every variant, whatever its skill.
pub(crate) fn assert_sound(unit: &Unit, variant: &Variant) {
    let (skill, source) = (&unit.skill, unit.skill.source());
    assert_eq!(variant.text(), variant.edits().apply(source), "the text is the edited source");
    let verified = Guard::default().verify(skill, &unit.install_dir, variant.edits().clone());
    assert!(verified.is_ok(), "{}", verified.unwrap_err().0);
    let check = |what: &str, file: Option<&str>, span: Span| {
        let text = match file {
            Some(file) => skill.bundle().file(file).unwrap().text().unwrap(),
            None => source,
        };
        assert!(span.get(text).is_some(), "{what} at {span:?} leaves {file:?}");
    };
    assert_code(&artifact(variant), &check);
    let requirements: Requirements = artifact(variant);
    let mut purposes = BTreeSet::new();
    for purpose in &requirements.purposes {
        assert!(purposes.insert(&purpose.id), "purpose {} is there twice", purpose.id);
        check("purpose", None, purpose.span.unwrap());
        for requirement in &purpose.current_path.primitives {
            requirement.spans.iter().for_each(|span| check("requirement", None, *span));
        }
    }
    if unit.profile.is_some() {
        let gaps: Gaps = artifact(variant);
        assert!(gaps.gaps.iter().all(|gap| purposes.contains(&gap.purpose_id)));
    }
    let Dependencies { entries } = artifact(variant);
    for evidence in entries.iter().flat_map(|entry| &entry.evidence) {
        if let Some(span) = evidence.span {
            check("evidence", evidence.file.as_deref(), span);
        }
    }
    let workflow: Workflow = artifact(variant);
    workflow.steps.iter().for_each(|step| check("step", None, step.span));
    let steps = workflow.steps.len();
    assert!(workflow.edges.iter().all(|edge| edge.from < edge.to && edge.to.0 < steps));
    let Templates { templates } = artifact(variant);
    for template in &templates {
        let file = match &template.origin {
            CodeOrigin::File { path } => Some(path.as_str()),
            CodeOrigin::Fence { .. } | CodeOrigin::Inline { .. } => None,
        };
        check("template", file, template.span);
        let template = &template.template;
        let mut used = BTreeSet::new();
        holes(&template.segments, &mut used);
        assert_eq!(used, (0..template.parameters.len()).collect(), "every parameter is used");
    }
    for diagnostic in variant.diagnostics() {
        diagnostic.span.into_iter().for_each(|span| check("diagnostic", None, span));
    }
}

fn holes(segments: &[Segment], used: &mut BTreeSet<usize>) {
    for segment in segments {
        match segment {
            Segment::Text(_) => {}
            Segment::Literal(Literal { content: LiteralContent::Code(code), .. }) => {
                holes(&code.segments, used);
            }
            Segment::Literal(Literal { content: LiteralContent::Parts(parts), .. }) => {
                used.extend(parts.iter().filter_map(|part| match part {
                    Part::Hole(index) => Some(*index),
                    Part::Text(_) => None,
                }));
            }
        }
    }
}

fn assert_code(index: &CodeIndex, check: &dyn Fn(&str, Option<&str>, Span)) {
    for block in &index.blocks {
        let file = match &block.origin {
            CodeOrigin::File { path } => Some(path.as_str()),
            CodeOrigin::Fence { span, .. } | CodeOrigin::Inline { span, .. } => {
                check("block", None, *span);
                None
            }
        };
        for command in &block.commands {
            check("command", file, command.span);
            check("word", file, command.word);
            assert!(command.span.contains(command.word), "{command:?}");
        }
        block.imports.iter().for_each(|import| check("import", file, import.span));
        block.scripts.iter().for_each(|script| check("script", file, script.span));
        block.placeholders.iter().for_each(|hole| check("placeholder", file, hole.span));
    }
}

/// Compiles a text for a weak target and checks every law.
fn compile(text: &str) -> Variant {
    let unit = weak(text);
    let variant = samples::compile(&unit);
    assert_sound(&unit, &variant);
    variant
}

fn weak(text: &str) -> Unit {
    Unit::new(BUNDLED.with_text(text), samples::target())
        .with_install_dir("/opt/my skills/demo")
        .with_profile(samples::profile_of(Level::L1))
}

const PIECES: [&str; 66] = [
    "---\n",
    "---\nname: x\ndescription: regex\n---\n",
    "# H\n",
    "## Workflow\n",
    "## Output format\n",
    "## Setup\n",
    "1. Run it\n",
    "2. If x, stop\n",
    "- [ ] b\n",
    "   ",
    "> ",
    "\n",
    "\r\n",
    "\n\n",
    "```sh\n",
    "```bash\n",
    "```\n",
    "```python\n",
    "```json\n",
    "~~~\n",
    "````\n",
    "    ",
    "`",
    "``",
    "./run.py",
    "run.py a\n",
    "python {baseDir}/run.py ",
    "\"$D\"/scripts/go.sh",
    "'scripts/go.sh'",
    "bin/tool <x>\n",
    "{baseDir}/scripts/go.sh\n",
    "/a/run.py",
    "$ ./run.py\n",
    "scripts/gone.sh ",
    "[l](guide.md)",
    "[l](../../x)",
    "<https://e.org>",
    "curl -d '{\"a\":1}' https://e.org/x ",
    "pip install 'a[b]>=1' x\n",
    "npm i @a/b@1 ",
    " | ",
    " > ",
    " >> \"",
    " <<EOF\n",
    "EOF\n",
    "$(",
    ")",
    "f() {\n",
    "}\n",
    "; do ",
    "; done\n",
    "case x in ",
    "\\\n",
    "\"",
    "'",
    "<city name>",
    "{{ id }}",
    "YOUR_KEY",
    "path/to/x.txt",
    "import a.b as c, d\n",
    "from x import (\n  y,\n)\n",
    "try:\n    ",
    "def f():\n    ",
    "MUST NOT ",
    "é步\u{202e}",
    "\0",
];

fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        12 => (0..PIECES.len()).prop_map(|which| PIECES[which].to_owned()),
        1 => ".{0,12}",
    ];
    proptest::collection::vec(piece, 0..32).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_bytes_compile_soundly(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        compile(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn any_pieces_compile_soundly(text in pieces()) {
        compile(&text);
    }

    #[test]
    fn any_shell_compiles_soundly(code in pieces()) {
        compile(&format!("# Demo\n\n```bash\n{code}\n```\n"));
        for command in shell_commands(&code).commands {
            prop_assert!(command.span.get(&code).is_some() && command.word.get(&code).is_some());
        }
    }

    #[test]
    fn any_python_in_a_list_compiles_soundly(code in pieces()) {
        let code = code.replace('\n', "\n  ");
        compile(&format!("# Demo\n\n- x\n\n  ```python\n  {code}\n  ```\n"));
    }

    #[test]
    fn any_front_matter_and_bundle_reference_compile_soundly(
        front_matter in pieces(),
        reference in "[./a-z${}~\"' ]{0,16}",
    ) {
        compile(&format!("---\n{front_matter}\n---\n# Demo\n\n```sh\n{reference}run.py x\n```\n"));
    }
}

#[test]
fn texts_that_once_broke_something_compile_soundly() {
    for code in [
        // Read outside of a table in the scanner of the shell grammar.
        "{\u{31860}",
        "{\u{e3ebb}",
        "{\u{10ffff}",
        // A node that ended inside of a character.
        "\\\r¡",
        // A path that was taken apart at its second quote.
        "python \"$D\"/run.py x",
    ] {
        compile(&in_fence("bash", code));
        compile(&in_fence("bash", &format!("ls\n{code}")));
    }
}

/// Cuts, doubles and moves parts of a real skill.
fn mutated(text: &str, cuts: Vec<(f64, f64, u8)>) -> String {
    let mut text = text.to_owned();
    for (from, to, action) in cuts {
        let place = |share: f64| {
            let at = (share * text.len() as f64) as usize;
            (at..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap()
        };
        let (from, to) = (place(from.min(to)), place(from.max(to)));
        let part = text[from..to].to_owned();
        match action {
            0 => text.replace_range(from..to, ""),
            1 => text.insert_str(to, &part),
            _ => text.insert_str(0, &part),
        }
        let end = (0..=text.len().min(8_000)).rev().find(|at| text.is_char_boundary(*at));
        text.truncate(end.unwrap());
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn mutated_skills_compile_soundly(
        which in 0..samples::SHIPPED.len(),
        cuts in proptest::collection::vec((0.0..1.0_f64, 0.0..1.0_f64, 0..3_u8), 1..6),
    ) {
        let skill = samples::shipped(&samples::SHIPPED[which]);
        let skill = skill.with_text(mutated(skill.source(), cuts));
        let unit = samples::unit(skill).with_profile(samples::profile_of(Level::L1));
        assert_sound(&unit, &samples::compile(&unit));
    }
}

/// Compiles a text and fails when that takes long; the bound is far above what it needs.
fn compile_soon(what: &str, text: &str) {
    let started = Instant::now();
    samples::compile(&weak(text));
    let took = started.elapsed();
    assert!(took < Duration::from_secs(20), "{what} of {} bytes took {took:?}", text.len());
}

fn in_fence(label: &str, code: &str) -> String {
    format!("# Demo\n\n```{label}\n{code}\n```\n")
}

#[test]
fn deep_nesting_ends_soon() {
    let deep = 40_000;
    for (open, close) in
        [("(", ")"), ("$(", ")"), ("{ ", "; }"), ("\"$(", ")\""), ("if a; then ", "; fi\n")]
    {
        let times = deep / open.len();
        compile_soon(
            open,
            &in_fence("bash", &format!("{}ls{}", open.repeat(times), close.repeat(times))),
        );
        compile_soon(open, &in_fence("bash", &open.repeat(80_000 / open.len())));
    }
    for open in ["(", "[", "{", "f(", "if x:\n ", "lambda: "] {
        compile_soon(
            open,
            &in_fence("python", &format!("import a\n{}", open.repeat(80_000 / open.len()))),
        );
    }
    for open in ["> ", "- ", "1. ", "[", "**", "`", "<", "  "] {
        compile_soon(open, &open.repeat(80_000 / open.len()));
    }
}

#[test]
fn long_monotony_ends_soon() {
    for unit in [
        "(((", "<<<<", "<", "<<EOF ", "| ", "> ", "a", "a ", "\"", "'", "\\", "$", "`", "{a,",
        "<x", "YOUR_", "path/to/", "&",
    ] {
        compile_soon(unit, &in_fence("bash", &unit.repeat(200_000 / unit.len())));
    }
}

#[test]
fn many_parts_end_soon() {
    for unit in [
        "./run.py\n",
        "ls <x> | wc > y\n",
        "a=1\n",
        "f() { ls; }\n",
        "cat <<E\nE\n",
        "pip install a\n",
    ] {
        let many = unit.repeat(60_000 / unit.len());
        compile_soon(unit, &in_fence("bash", &many));
        let indented: String = many.lines().map(|line| format!("  {line}\n")).collect();
        compile_soon(unit, &format!("- x\n\n  ```bash\n{indented}  ```\n"));
    }
    for unit in [
        "# Output\n\n```\n```\n\n",
        "# `./run.py`\n",
        "- `./run.py a`\n",
        "`./run.py`\n\n",
        "[a](guide.md) ",
        "1. If x, MUST run\n",
        "## Step 1: x\n",
        "```sh\n./run.py\n```\n",
        "https://e.org/ ",
        "**Step 1** x\n\n",
    ] {
        compile_soon(unit, &unit.repeat(60_000 / unit.len()));
    }
}

#[test]
fn refusals_of_many_edits_are_short() {
    let text = "# `./run.py`\n\n".repeat(900) + "```sh\n./run.py\n```\n";
    let variant = compile(&text);
    assert_eq!((variant.edits().len(), variant.diagnostics().len()), (1, 900));
    let told: usize = variant.diagnostics().iter().map(|found| found.message.len()).sum();
    assert!(told < 200 * 900, "{told} bytes");
    assert!(variant.text().ends_with("python3 '/opt/my skills/demo/run.py'\n```\n"));
}
