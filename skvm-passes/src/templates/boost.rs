//! The original SkVM's `boost-candidates.json`.
//!
//! Reading it makes its templates ours, or refuses them with the reason: an empty template, a parameter that
//! stands where no value can be put safely, an expression that needs look-around or grows too large. Its
//! expressions run in linear time here. A candidate that was read is no more than a template: it is solidified
//! on the same evidence as any other.

use std::collections::BTreeMap;

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};
use skvm_core::artifact::{
    Fingerprint, LiteralContent, Parameter, ParameterSource, ParameterType, Part, Segment,
    SkillTemplate, Spelling, Template, TemplateLanguage,
};
use skvm_core::span::Span;

use super::build::{Marked, fill, mask, word};
use super::shape::Shape;

/// The file as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoostCandidates {
    /// The candidates.
    pub candidates: Vec<BoostCandidate>,
}

/// One candidate as it stands in the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BoostCandidate {
    /// What the code is for.
    pub purpose_id: String,
    /// Words of tasks that it is for.
    pub keywords: Vec<String>,
    /// A regular expression for the code that a model writes.
    pub code_signature: String,
    /// The code, with `${name}` where a parameter stands.
    pub function_template: String,
    /// The parameters.
    pub params: BTreeMap<String, BoostParameter>,
    /// What the code is.
    pub materialization_type: Materialization,
    /// The tools whose calls carry such code; the usual ones when it is not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monitored_tools: Option<Vec<String>>,
}

/// The languages of the original's templates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Materialization {
    /// Shell.
    Shell,
    /// Python.
    Python,
}

/// A parameter as it stands in the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum BoostParameter {
    /// With a description.
    #[serde(rename_all = "camelCase")]
    Described {
        /// `string` or `number`.
        #[serde(rename = "type")]
        kind: String,
        /// What it is.
        #[serde(default)]
        description: String,
        /// A regular expression whose first group is the value in a task's text.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        extract_pattern: Option<String>,
    },
    /// Only a type, as older files have it. Any word but `number` is a text.
    Legacy(String),
}

impl BoostParameter {
    fn kind(&self) -> ParameterType {
        let (Self::Described { kind, .. } | Self::Legacy(kind)) = self;
        if kind == "number" { ParameterType::Number } else { ParameterType::Text }
    }

    fn pattern(&self) -> Option<&str> {
        match self {
            Self::Described { extract_pattern, .. } => extract_pattern.as_deref(),
            Self::Legacy(_) => None,
        }
    }
}

/// The file is none.
#[derive(Debug, thiserror::Error)]
#[error("reading boost candidates")]
pub struct BoostError(#[from] serde_json::Error);

/// What came of reading a file.
#[derive(Debug, Clone, Default)]
pub struct Imported {
    /// The candidates that are templates now, in the file's order.
    pub candidates: Vec<Candidate>,
    /// Those that are not.
    pub refused: Vec<Refused>,
}

/// A candidate that was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Its purpose.
    pub purpose: String,
    /// Why.
    pub reason: String,
}

/// A candidate that was read.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// What the code is for.
    pub purpose: String,
    /// Words of tasks that it is for.
    pub keywords: Vec<String>,
    /// The tools whose calls carry such code.
    pub tools: Vec<String>,
    /// The code.
    pub template: Template,
    /// Its structure.
    pub fingerprint: Fingerprint,
    signature: Regex,
    patterns: Vec<Option<Regex>>,
}

/// The tools that the original looks at when a candidate names none.
const MONITORED: [&str; 3] = ["execute_command", "write_file", "web_fetch"];

/// Bytes that a compiled expression may take.
const EXPRESSION_BYTES: usize = 1024 * 1024;

impl BoostCandidates {
    /// Reads a file.
    ///
    /// # Errors
    /// [`BoostError`] when it is no JSON of this form.
    pub fn from_json(json: &str) -> Result<Self, BoostError> {
        Ok(serde_json::from_str(json)?)
    }

    /// Makes templates of the candidates.
    ///
    /// ```
    /// use skvm_passes::templates::boost::BoostCandidates;
    ///
    /// let file = BoostCandidates::from_json(r#"{"candidates": [{
    ///     "purposeId": "weather", "keywords": ["weather"], "codeSignature": "wttr\\.in",
    ///     "functionTemplate": "curl -s \"wttr.in/${city}?u=${HOME}\"",
    ///     "params": {"city": {"type": "string", "description": "", "extractPattern": "in (\\w+)"}},
    ///     "materializationType": "shell"}]}"#)?;
    /// let candidate = &file.import().candidates[0];
    /// let values = candidate.values("the weather in Oslo").ok_or("no values")?;
    /// assert_eq!(candidate.template.render(&values)?, r#"curl -s "wttr.in/"'Oslo'"?u=${HOME}""#);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn import(&self) -> Imported {
        let mut imported = Imported::default();
        for candidate in &self.candidates {
            match candidate.import() {
                Ok(candidate) => imported.candidates.push(candidate),
                Err(reason) => {
                    let purpose = candidate.purpose_id.clone();
                    imported.refused.push(Refused { purpose, reason });
                }
            }
        }
        imported
    }

    /// The templates of a skill in the original's form, those whose language it knows. Signatures are the fixed
    /// text with anything in the holes. A template whose holes lie in code within code has no such form and is
    /// left out.
    #[must_use]
    pub fn export<'t>(templates: impl IntoIterator<Item = &'t SkillTemplate>) -> Self {
        let candidates = templates.into_iter().filter_map(|it| export(&it.template)).collect();
        Self { candidates }
    }
}

impl BoostCandidate {
    fn import(&self) -> Result<Candidate, String> {
        if self.function_template.trim().is_empty() {
            return Err("its template is empty".to_owned());
        }
        let language = match self.materialization_type {
            Materialization::Shell => TemplateLanguage::Shell,
            Materialization::Python => TemplateLanguage::Python,
        };
        let marked = self.marked();
        if let Some(name) = self.params.keys().find(|name| {
            !marked.iter().any(|it| it.parameter.name == **name)
        }) {
            return Err(format!("its parameter {name} stands nowhere in the template"));
        }
        let (template, fingerprint) = build(language, &self.function_template, &marked)?;
        let patterns = template
            .parameters
            .iter()
            .map(|parameter| {
                let pattern = self.params.get(&parameter.name).and_then(BoostParameter::pattern);
                pattern.map(|pattern| expression(pattern)).transpose()
            })
            .collect::<Result<_, _>>()?;
        let monitored = || MONITORED.map(str::to_owned).to_vec();
        Ok(Candidate {
            purpose: self.purpose_id.clone(),
            keywords: self.keywords.clone(),
            tools: self.monitored_tools.clone().unwrap_or_else(monitored),
            signature: expression(&self.code_signature)?,
            template,
            fingerprint,
            patterns,
        })
    }

    /// The places of declared parameters. Anything else of the form `${…}` is the code's own.
    fn marked(&self) -> Vec<Marked> {
        let mut marked = Vec::new();
        for (start, _) in self.function_template.match_indices("${") {
            let rest = self.function_template.get(start + 2..).unwrap_or_default();
            let Some(end) = rest.find('}') else { continue };
            let Some((name, parameter)) = self.params.get_key_value(&rest[..end]) else { continue };
            marked.push(Marked {
                span: Span::new(start, start + end + 3),
                parameter: Parameter {
                    name: name.clone(),
                    kind: parameter.kind(),
                    source: ParameterSource::Placeholder,
                    spelling: Some(Spelling::Candidate),
                },
            });
        }
        marked
    }
}

fn build(
    language: TemplateLanguage,
    code: &str,
    marked: &[Marked],
) -> Result<(Template, Fingerprint), String> {
    if marked.is_empty() {
        let shape = Shape::of(language, code).ok_or("its code is not understood")?;
        let segments = shape.segments(&mut |_, _| None);
        let template = Template { language, segments, parameters: Vec::new() };
        return Ok((template, shape.fingerprint()));
    }
    // A number may stand where no text can, and the other way round.
    let as_text: Vec<String> = (0..marked.len()).map(word).collect();
    let as_number = marked.iter().enumerate().map(|(number, it)| match it.parameter.kind {
        ParameterType::Number => format!("90{number}090009"),
        _ => word(number),
    });
    for words in [as_text, as_number.collect()] {
        let Some(shape) = Shape::of(language, &mask(code, marked, &words)) else { continue };
        if let Some(template) = fill(&shape, marked, &words, &|_, _| None) {
            return Ok((template, shape.fingerprint()));
        }
    }
    Err("its code is not understood, or a parameter stands where no value can be put safely".to_owned())
}

fn expression(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(pattern)
        .case_insensitive(true)
        .size_limit(EXPRESSION_BYTES)
        .build()
        .map_err(|error| {
            let told = error.to_string();
            let reason = told.lines().last().unwrap_or_default().trim();
            format!("its expression {pattern:?} cannot be used: {reason}")
        })
}

impl Candidate {
    /// Whether the signature recognises a piece of code.
    #[must_use]
    pub fn recognizes(&self, code: &str) -> bool {
        self.signature.is_match(code)
    }

    /// Whether one of the keywords is in a task's text, as words of its own: `text` is not in `context`.
    #[must_use]
    pub fn concerns(&self, task: &str) -> bool {
        let task = task.to_lowercase();
        self.keywords.iter().map(|keyword| keyword.to_lowercase()).any(|keyword| {
            task.match_indices(keyword.as_str()).any(|(start, found)| {
                let before = task[..start].chars().next_back();
                let behind = task[start + found.len()..].chars().next();
                !found.is_empty()
                    && !before.is_some_and(char::is_alphanumeric)
                    && !behind.is_some_and(char::is_alphanumeric)
            })
        })
    }

    /// The values of the template's parameters that the patterns find in a task's text; `None` when one is not
    /// found, has no pattern, or is not of its type.
    #[must_use]
    pub fn values(&self, task: &str) -> Option<Vec<String>> {
        let find = |(pattern, parameter): (&Option<Regex>, &Parameter)| {
            let value = pattern.as_ref()?.captures(task)?.get(1)?.as_str();
            parameter.kind.check(value).is_ok().then(|| value.to_owned())
        };
        self.patterns.iter().zip(&self.template.parameters).map(find).collect()
    }
}

fn export(template: &Template) -> Option<BoostCandidate> {
    let materialization_type = match template.language {
        TemplateLanguage::Shell => Materialization::Shell,
        TemplateLanguage::Python => Materialization::Python,
        TemplateLanguage::JavaScript | TemplateLanguage::Json => return None,
    };
    let (mut code, mut signature) = (String::new(), String::new());
    for segment in &template.segments {
        match segment {
            Segment::Text(text) => {
                code.push_str(text);
                signature.push_str(&regex::escape(text.trim()));
            }
            Segment::Literal(literal) => {
                let LiteralContent::Parts(parts) = &literal.content else { return None };
                code.push('"');
                for part in parts {
                    match part {
                        Part::Text(text) => code.push_str(text),
                        Part::Hole(index) => {
                            let name = &template.parameters.get(*index)?.name;
                            code.push_str(&format!("${{{name}}}"));
                        }
                    }
                }
                code.push('"');
                signature.push_str(r"[\s\S]*?");
            }
        }
    }
    let described = |parameter: &Parameter| {
        let is_number = parameter.kind == ParameterType::Number;
        let kind = if is_number { "number" } else { "string" }.to_owned();
        let description = parameter.name.replace('_', " ");
        let parameter = BoostParameter::Described { kind, description, extract_pattern: None };
        parameter
    };
    let keywords = first_word(&code);
    Some(BoostCandidate {
        purpose_id: template.digest().short(),
        keywords: vec![keywords],
        code_signature: signature,
        function_template: code,
        params: template.parameters.iter().map(|p| (p.name.clone(), described(p))).collect(),
        materialization_type,
        monitored_tools: None,
    })
}

/// The original wants at least one keyword: what the code calls first.
fn first_word(code: &str) -> String {
    code.split(|c: char| !c.is_alphanumeric()).find(|word| word.len() > 2).unwrap_or("run").to_owned()
}
