//! Recognising the templates of a skill in what a model calls.

use std::collections::HashMap;
use std::sync::OnceLock;

use skvm_core::artifact::{Fingerprint, ParameterType, Part, SkillTemplate, Template, Templates};
use skvm_core::digest::Digest;
use skvm_core::llm::ToolCall;
use skvm_passes::templates::Shape;

use super::call;

/// The templates of a skill by their structure.
///
/// ```
/// use serde_json::json;
/// use skvm_core::artifact::Templates;
/// use skvm_core::llm::ToolCall;
/// use skvm_core::pass::Unit;
/// use skvm_core::skill::Skill;
/// use skvm_core::target::Target;
/// use skvm_passes::manager::PassManager;
/// use skvm_runtime::jit::TemplateIndex;
///
/// let skill = Skill::from_text("x", "# Weather\n\nRun `curl wttr.in/<city> -o <file>`.\n");
/// let unit = Unit::new(skill, Target::new("m", "h"));
/// let compiled = futures::executor::block_on(PassManager::standard().compile(&unit))?;
/// let templates = compiled.variant.artifacts().get::<Templates>()?.ok_or("no templates")?;
///
/// let index = TemplateIndex::new(&templates);
/// let arguments = json!({"command": "curl 'wttr.in/Rio de Janeiro' -o rio.txt"});
/// let call = ToolCall { id: "1".into(), name: "execute_command".into(), arguments };
/// let observation = index.observe(&call).ok_or("no shape")?;
/// let values: Vec<&str> = observation.values.iter().map(|value| value.value.as_str()).collect();
/// assert_eq!(values, ["Rio de Janeiro", "rio.txt"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct TemplateIndex {
    templates: Vec<Entry>,
    by_fingerprint: HashMap<Fingerprint, Vec<usize>>,
}

#[derive(Debug)]
struct Entry {
    template: Template,
    digest: Digest,
    /// The parts of each literal that has holes, by its position; worked out when first needed.
    places: OnceLock<Vec<(usize, Vec<Part>)>>,
}

/// What was seen of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Observation {
    /// The structure of the whole call.
    pub fingerprint: Fingerprint,
    /// The template that its code is written by, if it is one of the skill's.
    pub template: Option<Digest>,
    /// What stands in the holes of that template.
    pub values: Vec<ObservedValue>,
}

/// A value in a call.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ObservedValue {
    /// The parameter.
    pub name: String,
    /// Its type.
    pub kind: ParameterType,
    /// The value.
    pub value: String,
}

impl std::fmt::Debug for ObservedValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let is_secret = self.kind == ParameterType::Secret;
        let value = if is_secret { "(secret)" } else { &self.value };
        f.debug_struct("ObservedValue").field("name", &self.name).field("value", &value).finish()
    }
}

impl TemplateIndex {
    /// An index of templates.
    #[must_use]
    pub fn new(templates: &Templates) -> Self {
        let mut index = Self::default();
        for SkillTemplate { template, fingerprint, .. } in &templates.templates {
            index.by_fingerprint.entry(*fingerprint).or_default().push(index.templates.len());
            let (template, digest) = (template.clone(), template.digest());
            index.templates.push(Entry { template, digest, places: OnceLock::new() });
        }
        index
    }

    /// What a call is, in time that does not depend on how many templates there are; `None` when its arguments
    /// are too large to be looked at.
    #[must_use]
    pub fn observe(&self, call: &ToolCall) -> Option<Observation> {
        Some(self.of_shape(&call::shape(&call.name, &call.arguments)?))
    }

    pub(super) fn of_shape(&self, shape: &Shape) -> Observation {
        let fingerprint = shape.fingerprint();
        for (_, code, first) in shape.embedded() {
            let known = self.by_fingerprint.get(&code).into_iter().flatten();
            for entry in known.filter_map(|at| self.templates.get(*at)) {
                let literals: Vec<&str> = shape.values().skip(first).collect();
                if let Some(values) = entry.values(&literals) {
                    return Observation { fingerprint, template: Some(entry.digest), values };
                }
            }
        }
        Observation { fingerprint, template: None, values: Vec::new() }
    }
}

impl Entry {
    /// What stands in the holes; `None` when the fixed parts of a literal are others.
    fn values(&self, literals: &[&str]) -> Option<Vec<ObservedValue>> {
        let mut found: Vec<Option<String>> = vec![None; self.template.parameters.len()];
        for (at, parts) in self.places.get_or_init(|| places(&self.template)) {
            read(literals.get(*at)?, parts, &mut found)?;
        }
        let parameters = self.template.parameters.iter().zip(found);
        parameters
            .map(|(parameter, value)| {
                let (name, kind) = (parameter.name.clone(), parameter.kind);
                Some(ObservedValue { name, kind, value: value? })
            })
            .collect()
    }
}

/// Reads a value by parts.
fn read(value: &str, parts: &[Part], found: &mut [Option<String>]) -> Option<()> {
    let mut rest = value;
    let mut parts = parts.iter().peekable();
    while let Some(part) = parts.next() {
        match part {
            Part::Text(text) => rest = rest.strip_prefix(text.as_str())?,
            Part::Hole(number) => {
                let length = match parts.peek() {
                    Some(Part::Text(next)) => rest.find(next.as_str())?,
                    Some(Part::Hole(_)) => rest.chars().next()?.len_utf8(),
                    None => rest.len(),
                };
                let (filler, behind) = rest.split_at_checked(length)?;
                let slot = found.get_mut(*number)?;
                if slot.as_deref().is_some_and(|known| known != filler) {
                    return None;
                }
                *slot = Some(filler.to_owned());
                rest = behind;
            }
        }
    }
    rest.is_empty().then_some(())
}

/// Where the holes of a template are among the literals of its code: seen by putting marks into them.
fn places(template: &Template) -> Vec<(usize, Vec<Part>)> {
    let marks: Vec<String> = template
        .parameters
        .iter()
        .enumerate()
        .map(|(number, parameter)| match parameter.kind {
            ParameterType::Number => format!("90{number}090009"),
            ParameterType::Url => format!("mark://{number}z"),
            _ => format!("skvmmark{number}z"),
        })
        .collect();
    let shape = template.render(&marks).ok().and_then(|code| Shape::of(template.language, &code));
    let mut places = Vec::new();
    for (at, value) in shape.iter().flat_map(Shape::values).enumerate() {
        let mut found: Vec<(usize, usize)> = Vec::new();
        for (number, mark) in marks.iter().enumerate() {
            found.extend(value.match_indices(mark.as_str()).map(|(start, _)| (start, number)));
        }
        found.sort_unstable();
        let (mut parts, mut end) = (Vec::new(), 0);
        for (start, number) in &found {
            let text = value.get(end..*start).unwrap_or_default();
            if !text.is_empty() {
                parts.push(Part::Text(text.to_owned()));
            }
            parts.push(Part::Hole(*number));
            end = start + marks.get(*number).map_or(0, String::len);
        }
        let rest = value.get(end..).unwrap_or_default();
        if !found.is_empty() {
            if !rest.is_empty() {
                parts.push(Part::Text(rest.to_owned()));
            }
            places.push((at, parts));
        }
    }
    places
}
