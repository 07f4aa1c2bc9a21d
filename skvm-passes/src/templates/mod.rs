//! The `templates` pass: code blocks with holes.
//!
//! # What it does
//! Writes [`Templates`]: every shell and Python block that leaves something to fill in, as fixed text
//! and typed parameters. The same placeholder twice is one parameter.
//!
//! # Requires
//! The [`CodeIndex`].
//!
//! # Preserves
//! The text: this pass makes no edit.
//!
//! # Cost
//! Linear in the code.

use async_trait::async_trait;
use skvm_core::artifact::{
    Artifact, ArtifactKey, CodeBlock, CodeIndex, CodeLanguage, CodeOrigin, Parameter,
    ParameterType, Placeholder, Segment, Template, TemplateLanguage, Templates,
};
use skvm_core::pass::{Pass, PassContext, PassError, PassId};
use skvm_core::skill::Skill;

use crate::code;

/// See the [module](self).
#[derive(Debug, Clone, Copy, Default)]
pub struct TemplatesPass;

#[async_trait]
impl Pass for TemplatesPass {
    fn id(&self) -> PassId {
        PassId::new("templates")
    }

    fn version(&self) -> u32 {
        1
    }

    fn reads(&self) -> &'static [ArtifactKey] {
        &[CodeIndex::KEY]
    }

    fn writes(&self) -> &'static [ArtifactKey] {
        &[Templates::KEY]
    }

    async fn run(&self, cx: &mut PassContext<'_>) -> Result<(), PassError> {
        let code = cx.artifact::<CodeIndex>()?.unwrap_or_default();
        let templates =
            code.blocks.iter().filter_map(|block| template(cx.skill(), block)).collect();
        cx.put(Templates { templates })
    }
}

fn template(skill: &Skill, block: &CodeBlock) -> Option<Template> {
    let language = match block.facts.language {
        CodeLanguage::Shell => TemplateLanguage::Shell,
        CodeLanguage::Python => TemplateLanguage::Python,
        _ => return None,
    };
    if block.placeholders.is_empty() {
        return None;
    }
    let span = block.origin.span()?;
    let code = match block.origin {
        CodeOrigin::Fence { index, .. } => {
            skill.document().fences().get(index)?.code(skill.source())
        }
        CodeOrigin::Inline { span, .. } => span.text(skill.source()).into(),
        CodeOrigin::File { .. } => return None,
    };
    // Found again in the code itself, since a fence in a list is not contiguous in the source.
    let holes = code::placeholders(&code, &|span| span);
    let (segments, parameters) = split(&code, &holes);
    Some(Template { language, segments, parameters, span })
}

fn split(code: &str, holes: &[Placeholder]) -> (Vec<Segment>, Vec<Parameter>) {
    let (mut segments, mut parameters) = (Vec::new(), Vec::<Parameter>::new());
    let mut at = 0;
    for hole in holes {
        let text = code.get(at..hole.span.start).unwrap_or("");
        if !text.is_empty() {
            segments.push(Segment::Text(text.to_owned()));
        }
        let known = parameters.iter().position(|parameter| parameter.name == hole.name);
        let index = known.unwrap_or_else(|| {
            let (name, spelling) = (hole.name.clone(), hole.kind);
            parameters.push(Parameter { kind: kind_of(&name), name, spelling });
            parameters.len() - 1
        });
        segments.push(Segment::Hole(index));
        at = hole.span.end;
    }
    let rest = code.get(at..).unwrap_or("");
    if !rest.is_empty() {
        segments.push(Segment::Text(rest.to_owned()));
    }
    (segments, parameters)
}

/// The type that a parameter's name tells.
fn kind_of(name: &str) -> ParameterType {
    let has = |words: &[&str]| name.split('_').any(|part| words.contains(&part));
    if has(&["key", "token", "secret", "password"]) {
        ParameterType::Secret
    } else if has(&["url", "uri", "endpoint"]) {
        ParameterType::Url
    } else if has(&[
        "file", "path", "dir", "folder", "pdf", "csv", "json", "txt", "input", "output",
    ]) {
        ParameterType::Path
    } else if has(&["number", "count", "limit", "port", "page", "pages", "amount", "size"]) {
        ParameterType::Number
    } else {
        ParameterType::Text
    }
}
