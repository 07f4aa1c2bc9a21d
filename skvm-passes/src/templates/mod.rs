//! The `templates` pass: code that is written again and again with other values.
//!
//! # What it does
//! Writes [`Templates`]: shell, Python and JavaScript code of the skill that has something to fill in, as fixed
//! text and typed parameters, each with the [fingerprint](shape) by which the same code is recognised in what a
//! model writes. It looks at code blocks (and at each command of a shell block), at inline commands, and at the
//! calls that bundled scripts document. What is to be filled in is told by placeholders in twenty-odd
//! [spellings](skvm_core::artifact::Spelling) and by the argument parsers of bundled Python scripts.
//!
//! # Before/after
//! `python scripts/convert.py <input.csv> --out report.json` gives a template with the parameters `input_csv` and
//! `out`, both paths.
//!
//! # Requires
//! The [`CodeIndex`].
//!
//! # Preserves
//! The text: this pass makes no edit. A placeholder that stands where no literal can (a program's name, half a
//! statement) makes no template, since no value could be put there safely. Nor does one in a text that something
//! reads again (see [`Shape::is_data`]); JSON in an argument is written by its own rules.
//!
//! # Cost
//! One parse a block, and one a command of a shell block.

mod arguments;
pub mod boost;
mod build;
pub mod shape;
mod spelling;

use std::collections::BTreeMap;

use async_trait::async_trait;
use skvm_core::artifact::{
    Artifact, ArtifactKey, CodeBlock, CodeIndex, CodeLanguage, CodeOrigin, SkillTemplate,
    TemplateLanguage, Templates,
};
use skvm_core::pass::{Pass, PassContext, PassError, PassId};
use skvm_core::skill::Skill;
use skvm_core::span::Span;

use arguments::Arguments;
use build::Builder;
pub use shape::{Argument, Shape, takes_parts};

use crate::code::{placeholders, syntax};

/// See the [module](self).
#[derive(Debug, Clone, Copy, Default)]
pub struct TemplatesPass;

#[async_trait]
impl Pass for TemplatesPass {
    fn id(&self) -> PassId {
        PassId::new("templates")
    }

    fn version(&self) -> u32 {
        3
    }

    fn reads(&self) -> &'static [ArtifactKey] {
        &[CodeIndex::KEY]
    }

    fn writes(&self) -> &'static [ArtifactKey] {
        &[Templates::KEY]
    }

    async fn run(&self, cx: &mut PassContext<'_>) -> Result<(), PassError> {
        let code = cx.artifact::<CodeIndex>()?.unwrap_or_default();
        let templates = templates(cx.skill(), &code);
        cx.put(Templates { templates })
    }
}

fn templates(skill: &Skill, code: &CodeIndex) -> Vec<SkillTemplate> {
    let files = skill.bundle().files();
    let parsers: BTreeMap<&str, Arguments> =
        files.iter().filter_map(|file| Some((file.path(), Arguments::of(file)?))).collect();
    let named = spelling::named(skill.source());
    let builder = Builder { bundle: skill.bundle(), parsers: &parsers, named: &named };
    let mut found = Vec::new();
    for block in &code.blocks {
        from_block(skill, block, &builder, &mut found);
    }
    for file in files {
        let origin = CodeOrigin::File { path: file.path().to_owned() };
        for (span, call) in arguments::documented_calls(file) {
            found.extend(builder.template(TemplateLanguage::Shell, &call, &origin, span));
        }
    }
    found
}

fn from_block(
    skill: &Skill,
    block: &CodeBlock,
    builder: &Builder<'_>,
    found: &mut Vec<SkillTemplate>,
) {
    let language = match block.facts.language {
        CodeLanguage::Shell => TemplateLanguage::Shell,
        CodeLanguage::Python => TemplateLanguage::Python,
        CodeLanguage::JavaScript => TemplateLanguage::JavaScript,
        _ => return,
    };
    let (code, whole) = match block.origin {
        CodeOrigin::Fence { index, span } => match skill.document().fences().get(index) {
            Some(fence) => (fence.code(skill.source()), span),
            None => return,
        },
        CodeOrigin::Inline { span, .. } => (span.text(skill.source()).into(), span),
        CodeOrigin::File { .. } => return,
    };
    found.extend(builder.template(language, &code, &block.origin, whole));
    let lines = commands(&code);
    if language == TemplateLanguage::Shell && lines.len() > 1 {
        // A model may make one of the calls of a block.
        for line in lines {
            let span = match block.origin {
                CodeOrigin::Fence { index, .. } => skill
                    .document()
                    .fences()
                    .get(index)
                    .map_or(whole, |fence| fence.source_span(line)),
                CodeOrigin::Inline { .. } | CodeOrigin::File { .. } => whole,
            };
            let text = code.get(line.start..line.end).unwrap_or_default();
            found.extend(builder.template(language, text, &block.origin, span));
        }
    }
}

/// Most commands of a block that become templates of their own.
const MAX_COMMANDS: usize = 64;

/// The statements of a shell text, without comments; none when it is not understood as a whole.
fn commands(code: &str) -> Vec<Span> {
    let masked = without_marks(code);
    let Some(tree) = syntax::parse_shell_now(&masked).filter(|tree| !tree.root_node().has_error())
    else {
        return Vec::new();
    };
    let root = tree.root_node();
    let mut cursor = root.walk();
    let found: Vec<Span> = root
        .named_children(&mut cursor)
        .filter(|node| node.kind() != "comment")
        .map(|node| Span::from(node.byte_range()))
        .collect();
    if found.len() > MAX_COMMANDS { Vec::new() } else { found }
}

/// The code with letters instead of placeholders, which a parser would take for redirects and groups. Places
/// stay the same.
fn without_marks(code: &str) -> String {
    let (mut masked, mut at) = (String::with_capacity(code.len()), 0);
    for hole in placeholders(code, &|span| span) {
        masked.push_str(code.get(at..hole.span.start).unwrap_or_default());
        masked.extend(std::iter::repeat_n('X', hole.span.len()));
        at = hole.span.end;
    }
    masked.push_str(code.get(at..).unwrap_or_default());
    masked
}
