//! From code with stand-ins to a template.

use std::collections::BTreeMap;
use std::ops::Range;

use skvm_core::artifact::{
    CodeOrigin, Parameter, ParameterSource, ParameterType, Part, SkillTemplate, Spelling, Template,
    TemplateLanguage,
};
use skvm_core::skill::Bundle;
use skvm_core::span::Span;

use super::arguments::Arguments;
use super::shape::{Role, Shape};
use super::spelling::{StandIn, kind_of, stand_ins, variables};
use crate::code::placeholders;

/// What templates are built with.
pub(super) struct Builder<'a> {
    pub(super) bundle: &'a Bundle,
    /// The argument parsers of bundled scripts, by path.
    pub(super) parsers: &'a BTreeMap<&'a str, Arguments>,
}

/// Something in the code that is not the code's own: its marks would not be understood by a parser.
pub(super) struct Marked {
    pub(super) span: Span,
    pub(super) parameter: Parameter,
}

impl Builder<'_> {
    /// The template of a piece of code; `None` when it has nothing to fill in, or not where a value can stand.
    pub(super) fn template(
        &self,
        language: TemplateLanguage,
        code: &str,
        origin: &CodeOrigin,
        span: Span,
    ) -> Option<SkillTemplate> {
        let marked = marked(language, code);
        let words: Vec<String> = (0..marked.len()).map(word).collect();
        let shape = Shape::of(language, &mask(code, &marked, &words))?;
        let roles = shape.roles();
        let declared = |index: usize| self.declared(roles.get(index).copied().flatten()?);
        let template = fill(&shape, &marked, &words, &|index, value| match declared(index) {
            Some(known) => Some(vec![(0..value.len(), known)]),
            None => {
                let parameter = |it: StandIn| {
                    let (source, spelling) = (ParameterSource::Placeholder, Some(it.spelling));
                    (it.range, Parameter { name: it.name, kind: it.kind, source, spelling })
                };
                Some(stand_ins(value).into_iter().map(parameter).collect())
            }
        })?;
        let (fingerprint, origin) = (shape.fingerprint(), origin.clone());
        Some(SkillTemplate { template, fingerprint, origin, span })
    }

    /// What the argument parser of a bundled script tells of an argument.
    fn declared(&self, role: &Role) -> Option<Parameter> {
        let script = self.bundle.resolve(&role.script)?;
        let path = script.file.path();
        let argument = self.parsers.get(path)?.at(&role.place)?;
        Some(Parameter {
            name: argument.name.clone(),
            kind: argument.kind,
            source: ParameterSource::ArgumentParser {
                script: path.to_owned(),
                argument: argument.name.clone(),
            },
            spelling: None,
        })
    }
}

/// The placeholders of a piece of code.
fn marked(language: TemplateLanguage, code: &str) -> Vec<Marked> {
    let found = placeholders(code, &|span| span);
    let mut all: Vec<Marked> = found
        .into_iter()
        // In an interpolated string braces are the language's own.
        .filter(|hole| language == TemplateLanguage::Shell || !is_interpolation(code, hole.span))
        .map(|hole| {
            let kind = kind_of(&hole.name);
            let spelling = Some(Spelling::from(hole.kind));
            let (name, source) = (hole.name, ParameterSource::Placeholder);
            Marked { span: hole.span, parameter: Parameter { name, kind, source, spelling } }
        })
        .collect();
    if language == TemplateLanguage::Shell {
        for (range, name, spelling) in variables(code) {
            let span = Span::from(range);
            if all.iter().any(|it| it.span.start < span.end && span.start < it.span.end) {
                continue;
            }
            let kind = kind_of(&name);
            let (source, spelling) = (ParameterSource::Placeholder, Some(spelling));
            all.push(Marked { span, parameter: Parameter { name, kind, source, spelling } });
        }
        all.sort_by_key(|it| it.span.start);
    }
    all
}

/// Whether a name in braces is in the braces of Python's or JavaScript's own: `f"{x}"`, `` `${x}` ``.
fn is_interpolation(code: &str, span: Span) -> bool {
    if !span.text(code).starts_with('{') {
        return false;
    }
    let line = code.get(..span.start).and_then(|head| head.rsplit('\n').next()).unwrap_or("");
    line.ends_with('$')
        || line.contains(['f', 'F']) && (line.contains("f\"") || line.contains("f'"))
        || line.contains('`')
        || code.contains(".format(")
}

/// What stands for a placeholder while the code is parsed begins with this: a word and a name in every language.
const WORD: &str = "SKVMHOLE";

/// What stands for the placeholder of this number.
pub(super) fn word(number: usize) -> String {
    format!("{WORD}{number}Z")
}

/// The code with a word for each placeholder.
pub(super) fn mask(code: &str, marked: &[Marked], words: &[String]) -> String {
    let (mut masked, mut at) = (String::with_capacity(code.len()), 0);
    for (it, word) in marked.iter().zip(words) {
        masked.push_str(code.get(at..it.span.start).unwrap_or_default());
        masked.push_str(word);
        at = it.span.end;
    }
    masked.push_str(code.get(at..).unwrap_or_default());
    masked
}

/// Parameters at places of a value, in order.
type Found = Vec<(Range<usize>, Parameter)>;

/// The template of code in which words stand for placeholders. What literals without words hold is told by
/// `other`, by the literal's position and value. `None` when nothing is to be filled in, or a placeholder stands
/// where no value can.
pub(super) fn fill(
    shape: &Shape,
    marked: &[Marked],
    words: &[String],
    other: &dyn Fn(usize, &str) -> Option<Found>,
) -> Option<Template> {
    let mut parameters = Parameters::default();
    let mut placed = vec![false; marked.len()];
    let segments = shape.segments(&mut |index, value| {
        let mut found = Found::new();
        for (number, (it, word)) in marked.iter().zip(words).enumerate() {
            for (start, _) in value.match_indices(word.as_str()) {
                found.push((start..start + word.len(), it.parameter.clone()));
                if let Some(placed) = placed.get_mut(number) {
                    *placed = true;
                }
            }
        }
        let known = other(index, value);
        if found.is_empty() {
            found = known?;
        } else if let ([(range, parameter)], Some([(_, known)])) =
            (found.as_mut_slice(), known.as_deref())
            && *range == (0..value.len())
            && parameter.kind == ParameterType::Text
        {
            // The name is the placeholder's, the type is what its argument parser tells.
            (parameter.kind, parameter.source) = (known.kind, known.source.clone());
        }
        if found.is_empty() {
            return None;
        }
        found.sort_by_key(|(range, _)| range.start);
        parts(value, found, &mut parameters)
    });
    let complete = placed.iter().all(|placed| *placed) && !parameters.0.is_empty();
    let language = shape.language();
    complete.then_some(Template { language, segments, parameters: parameters.0 })
}

fn parts(value: &str, found: Found, parameters: &mut Parameters) -> Option<Vec<Part>> {
    let (mut parts, mut at) = (Vec::new(), 0);
    for (range, parameter) in found {
        let text = value.get(at..range.start)?;
        if !text.is_empty() {
            parts.push(Part::Text(text.to_owned()));
        }
        parts.push(Part::Hole(parameters.add(parameter)));
        at = range.end;
    }
    let rest = value.get(at..)?;
    if !rest.is_empty() {
        parts.push(Part::Text(rest.to_owned()));
    }
    Some(parts)
}

/// The parameters of a template so far.
#[derive(Default)]
struct Parameters( Vec<Parameter>);

impl Parameters {
    /// The position of a parameter. The same placeholder again is the same parameter; another one that has the
    /// same name gets a number behind it.
    fn add(&mut self, mut parameter: Parameter) -> usize {
        if let Some(known) = self.0.iter().position(|it| {
            it.name == parameter.name
                && it.spelling == parameter.spelling
                && it.spelling.is_some_and(names_one_thing)
        }) {
            return known;
        }
        let (base, mut number) = (parameter.name.clone(), 2);
        while self.0.iter().any(|it| it.name == parameter.name) {
            parameter.name = format!("{base}_{number}");
            number += 1;
        }
        self.0.push(parameter);
        self.0.len() - 1
    }
}

/// Whether the same spelling twice stands for the same value. A dummy stands for anything.
fn names_one_thing(spelling: Spelling) -> bool {
    !matches!(
        spelling,
        Spelling::DummyId
            | Spelling::CrossedOut
            | Spelling::Ellipsis
            | Spelling::Percent
            | Spelling::HexStub
            | Spelling::ExampleDomain
            | Spelling::SampleFile
    )
}
