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
    Fingerprint, Literal, LiteralContent, LiteralForm, Parameter, ParameterSource, ParameterType,
    Part, Segment, SkillTemplate, Spelling, Template, TemplateLanguage,
};
use skvm_core::span::Span;

use super::build::{Marked, WORD, fill, mask, word};
use super::shape::{MAX_BYTES, Shape};

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
    /// assert_eq!(candidate.template.render(&values)?, r#"curl -s ""'wttr.in/Oslo?u='"${HOME}""#);
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
    /// text with anything in the holes. A template whose holes lie in code within code, or in a Python
    /// f-string, has no such form and is left out.
    #[must_use]
    pub fn export<'t>(templates: impl IntoIterator<Item = &'t SkillTemplate>) -> Self {
        let candidates = templates.into_iter().filter_map(|it| export(&it.template)).collect();
        Self { candidates }
    }
}

impl BoostCandidate {
    fn import(&self) -> Result<Candidate, String> {
        self.check()?;
        let language = match self.materialization_type {
            Materialization::Shell => TemplateLanguage::Shell,
            Materialization::Python => TemplateLanguage::Python,
        };
        let marked = self.marked();
        let unused = |name: &&String| !marked.iter().any(|it| it.parameter.name == **name);
        if let Some(name) = self.params.keys().find(unused) {
            return Err(format!("its parameter {name} stands nowhere in the template"));
        }
        let (template, fingerprint) = build(language, &self.function_template, &marked)?;
        let pattern = |parameter: &Parameter| {
            let pattern = self.params.get(&parameter.name).and_then(BoostParameter::pattern);
            pattern.map(expression).transpose()
        };
        let patterns = template.parameters.iter().map(pattern).collect::<Result<_, _>>()?;
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

    /// What the original's schema asks for, and what it lets pass.
    fn check(&self) -> Result<(), String> {
        if self.function_template.trim().is_empty() {
            return Err("its template is empty".to_owned());
        }
        if self.function_template.len() > MAX_BYTES {
            return Err(format!("its template is longer than {MAX_BYTES} bytes"));
        }
        if self.function_template.contains(WORD) {
            return Err(format!("its template has the word {WORD}, which has a meaning here"));
        }
        if self.code_signature.is_empty() {
            return Err("its signature is empty and would recognise everything".to_owned());
        }
        if self.keywords.iter().all(|keyword| keyword.trim().is_empty()) {
            return Err("it has no keyword".to_owned());
        }
        for (name, parameter) in &self.params {
            if let BoostParameter::Described { kind, .. } = parameter
                && !matches!(kind.as_str(), "string" | "number")
            {
                return Err(format!("its parameter {name} has the unknown type {kind:?}"));
            }
        }
        Ok(())
    }

    /// The places of declared parameters. Anything else of the form `${…}` is the code's own.
    fn marked(&self) -> Vec<Marked> {
        let longest = self.params.keys().map(String::len).max().unwrap_or_default();
        let mut marked = Vec::new();
        for (start, _) in self.function_template.match_indices("${") {
            let rest = self.function_template.get(start + 2..).unwrap_or_default();
            let end = rest.bytes().take(longest + 1).position(|b| b == b'}');
            let Some(name) = end.and_then(|end| rest.get(..end)) else { continue };
            let Some((name, parameter)) = self.params.get_key_value(name) else { continue };
            marked.push(Marked {
                span: Span::new(start, start + name.len() + 3),
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

/// Most places of parameters.
const MAX_PLACES: usize = 256;

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
    if marked.len() > MAX_PLACES {
        return Err(format!("its parameters stand in more than {MAX_PLACES} places"));
    }
    // A number may stand where no text can, and the other way round.
    let as_text: Vec<String> = (0..marked.len()).map(word).collect();
    let as_number = marked.iter().enumerate().map(|(number, it)| match it.parameter.kind {
        ParameterType::Number => format!("90{number}090009"),
        _ => word(number),
    });
    for words in [as_text, as_number.collect()] {
        let masked = mask(code, marked, &words);
        let Some(shape) = Shape::of(language, &masked) else { continue };
        if let Some(template) = fill(&shape, marked, &words, &|_, _| None) {
            return Ok((template, shape.fingerprint()));
        }
    }
    Err("its code is not understood, or a parameter stands where no value can be put safely"
        .to_owned())
}

fn expression(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(pattern).case_insensitive(true).size_limit(EXPRESSION_BYTES).build().map_err(
        |error| {
            let told = error.to_string();
            let reason = told.lines().last().unwrap_or_default().trim();
            format!("its expression {pattern:?} cannot be used: {reason}")
        },
    )
}

impl Candidate {
    /// Whether the signature recognises a piece of code.
    #[must_use]
    pub fn recognizes(&self, code: &str) -> bool {
        self.signature.is_match(code)
    }

    /// Whether one of the keywords is in a task's text, as words of its own: `text` is not in `context`. Scripts
    /// that do not put spaces between words have no such borders.
    #[must_use]
    pub fn concerns(&self, task: &str) -> bool {
        let task = task.to_lowercase();
        self.keywords.iter().map(|keyword| keyword.trim().to_lowercase()).any(|keyword| {
            let (first, last) = (keyword.chars().next(), keyword.chars().next_back());
            !keyword.is_empty()
                && task.match_indices(keyword.as_str()).any(|(start, found)| {
                    let before = task.get(..start).and_then(|head| head.chars().next_back());
                    let behind =
                        task.get(start + found.len()..).and_then(|tail| tail.chars().next());
                    !runs_on(before, first) && !runs_on(last, behind)
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

/// Whether two characters are of one word.
fn runs_on(one: Option<char>, next: Option<char>) -> bool {
    let in_word = |c: char| c.is_lowercase() || c.is_numeric();
    one.is_some_and(in_word) && next.is_some_and(in_word)
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
            Segment::Text(text) if names_parameter(template, text) => return None,
            Segment::Text(text) => {
                code.push_str(text);
                signature.push_str(&regex::escape(text.trim_matches(['"', '\'', ' ', '\n'])));
            }
            Segment::Literal(literal) => {
                write(template, literal, &mut code)?;
                signature.push_str(r"[\s\S]*?");
            }
        }
    }
    let params = template.parameters.iter().map(|it| (it.name.clone(), described(it))).collect();
    Some(BoostCandidate {
        purpose_id: template.digest().short(),
        keywords: vec![first_word(&code)],
        code_signature: signature,
        function_template: code,
        params,
        materialization_type,
        monitored_tools: None,
    })
}

fn described(parameter: &Parameter) -> BoostParameter {
    let is_number = parameter.kind == ParameterType::Number;
    let kind = if is_number { "number" } else { "string" }.to_owned();
    let description = parameter.name.replace('_', " ");
    BoostParameter::Described { kind, description, extract_pattern: None }
}

/// Whether a fixed text has what would be read as the place of a parameter.
fn names_parameter(template: &Template, text: &str) -> bool {
    template.parameters.iter().any(|it| text.contains(&format!("${{{}}}", it.name)))
}

/// Writes a literal in the original's form: in quotes, with `${name}` in the holes.
fn write(template: &Template, literal: &Literal, code: &mut String) -> Option<()> {
    let LiteralContent::Parts(parts) = &literal.content else { return None };
    let is_shell = template.language == TemplateLanguage::Shell;
    let (quote, escaped): (&str, &[char]) = match literal.form {
        LiteralForm::Quoted if is_shell => ("\"", &['\\', '"', '$', '`']),
        LiteralForm::Quoted => ("\"", &['\\', '"']),
        LiteralForm::Number | LiteralForm::HereDocument { expands: false, .. } => ("", &[]),
        LiteralForm::HereDocument { expands: true, .. } => ("", &['\\', '$', '`']),
        LiteralForm::Interpolated => return None,
    };
    code.push_str(quote);
    for part in parts {
        match part {
            // Quotes of Python end with their line.
            Part::Text(text) if !is_shell && text.contains(char::is_control) => return None,
            Part::Text(text) if names_parameter(template, text) => return None,
            Part::Text(text) => {
                for c in text.chars() {
                    if escaped.contains(&c) {
                        code.push('\\');
                    }
                    code.push(c);
                }
            }
            Part::Hole(index) => {
                let name = &template.parameters.get(*index)?.name;
                code.extend(["${", name, "}"]);
            }
        }
    }
    code.push_str(quote);
    Some(())
}

/// The original wants at least one keyword: what the code calls first.
fn first_word(code: &str) -> String {
    code.split(|c: char| !c.is_alphanumeric())
        .find(|word| word.len() > 2)
        .unwrap_or("run")
        .to_owned()
}
