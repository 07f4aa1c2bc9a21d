//! From code with stand-ins to a template.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

use skvm_core::artifact::{
    CodeOrigin, Parameter, ParameterSource, ParameterType, Part, Placeholder, PlaceholderKind,
    SkillTemplate, Spelling, Template, TemplateLanguage,
};
use skvm_core::skill::Bundle;
use skvm_core::span::Span;

use super::arguments::Arguments;
use super::shape::{MAX_BYTES, Place, Role, Shape, takes_parts};
use super::spelling::{self, StandIn, kind_of, stand_ins, variables};
use crate::code::placeholders;

/// Most placeholders of a piece of code. One with more is no call that a model repeats.
const MAX_MARKED: usize = 256;

/// Most parameters of a template.
const MAX_PARAMETERS: usize = 64;

/// What templates are built with.
pub(super) struct Builder<'a> {
    pub(super) bundle: &'a Bundle,
    /// The argument parsers of bundled scripts, by path.
    pub(super) parsers: &'a BTreeMap<&'a str, Arguments>,
    /// What the skill calls by its name: variables that it sets, asks for or tells about.
    pub(super) named: &'a HashSet<&'a str>,
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
        if code.len() > MAX_BYTES || code.contains(WORD) {
            return None;
        }
        let marked = marked(language, code, self.named)?;
        let words: Vec<String> = (0..marked.len()).map(word).collect();
        let masked = mask(code, &marked, &words);
        if language == TemplateLanguage::Shell && is_no_call(&masked) {
            return None;
        }
        let shape = Shape::of(language, &masked)?;
        let template = fill(&shape, &marked, &words, &self.others(&shape))?;
        let (fingerprint, origin) = (shape.fingerprint(), origin.clone());
        Some(SkillTemplate { template, fingerprint, origin, span })
    }

    /// What literals of a shape are that have no placeholder.
    fn others<'s>(&self, shape: &'s Shape) -> impl Fn(usize, &str) -> Option<Found> + use<'_, 's> {
        let language = shape.language();
        let numbers: Vec<bool> = shape.are_numbers().collect();
        let roles = shape.roles();
        // With an operand that is taken for the value of a switch the others are not where they seem to be.
        let is_shifted = roles.iter().flatten().any(|role| {
            self.parser(role).is_some_and(|(_, parser)| parser.is_behind_switch(&role.place))
        });
        move |index, value| {
            if let Some(role) = roles.get(index).copied().flatten()
                && !(is_shifted && matches!(role.place, Place::Operand(_)))
                && let Some(known) = self.declared(role)
            {
                return Some(vec![(0..value.len(), known)]);
            }
            let is_number = numbers.get(index).copied().unwrap_or_default();
            let found = stand_ins(language, is_number, value).into_iter();
            let found = found.map(|StandIn { range, name, kind, spelling }| {
                (range, placeholder(name, kind, spelling))
            });
            Some(found.collect())
        }
    }

    /// The argument parser of the bundled script that an argument is handed to, and the script's path.
    fn parser(&self, role: &Role) -> Option<(&str, &Arguments)> {
        let path = self.bundle.resolve(&role.script)?.file.path();
        Some((path, self.parsers.get(path)?))
    }

    /// What the argument parser of a bundled script tells of an argument.
    fn declared(&self, role: &Role) -> Option<Parameter> {
        let (path, parser) = self.parser(role)?;
        let argument = parser.at(&role.place)?;
        let (name, kind) = (argument.name.clone(), argument.kind);
        let (script, argument) = (path.to_owned(), name.clone());
        let source = ParameterSource::ArgumentParser { script, argument };
        Some(Parameter { name, kind, source, spelling: None })
    }
}

fn placeholder(name: String, kind: ParameterType, spelling: Spelling) -> Parameter {
    let source = ParameterSource::Placeholder;
    Parameter { name, kind, source, spelling: Some(spelling) }
}

/// The placeholders of a piece of code in order; `None` when there are too many, or one lies in another.
fn marked(language: TemplateLanguage, code: &str, named: &HashSet<&str>) -> Option<Vec<Marked>> {
    let mut found = placeholders(code, &|span| span);
    if found.len() > MAX_MARKED {
        return None;
    }
    if language != TemplateLanguage::Shell {
        let formats = has_formats(code);
        found.retain(|hole| match hole.kind {
            PlaceholderKind::Brace => !formats && is_in_plain_string(code, hole.span),
            // `MY_APP_ID` is a variable or a constant.
            PlaceholderKind::YourUpper => hole.span.text(code).starts_with("YOUR"),
            _ => true,
        });
    }
    let mut all: Vec<Marked> = Vec::with_capacity(found.len());
    for hole in found {
        let (span, name) = widened(code, &hole);
        let kind = match hole.kind {
            PlaceholderKind::PathTo => ParameterType::Path,
            _ => kind_of(&name),
        };
        all.push(Marked { span, parameter: placeholder(name, kind, hole.kind.into()) });
    }
    if language == TemplateLanguage::Shell {
        for (range, name, spelling) in variables(code, named) {
            let kind = kind_of(&name);
            all.push(Marked { span: range.into(), parameter: placeholder(name, kind, spelling) });
        }
        all.sort_by_key(|it| (it.span.start, it.span.end));
    }
    let apart = all.is_sorted_by(|one, next| one.span.end <= next.span.start);
    (apart && all.len() <= MAX_MARKED).then_some(all)
}

/// Whether code fills in names in braces itself.
fn has_formats(code: &str) -> bool {
    [".format(", ".format_map(", "f\"\"\"", "F\"\"\"", "f'''", "F'''", "Template"]
        .iter()
        .any(|format| code.contains(format))
}

/// What a placeholder takes of the code, and its name. A path is one from its root; what stands for a host or
/// an address takes the domain behind it.
fn widened(code: &str, hole: &Placeholder) -> (Span, String) {
    let (mut span, mut name) = (hole.span, hole.name.clone());
    match hole.kind {
        PlaceholderKind::PathTo => {
            let before = code.get(..span.start).unwrap_or_default();
            let root = ["~/", "./", "/"].into_iter().find(|root| before.ends_with(root));
            span.start -= root.map_or(0, str::len);
            let last = hole.span.text(code).rsplit('/').find(|part| !part.is_empty());
            name = spelling::normalise(last.unwrap_or("path"));
        }
        PlaceholderKind::YourLower | PlaceholderKind::YourUpper => {
            let behind = code.get(span.end..).unwrap_or_default();
            let domain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '@');
            let length = behind.find(|c| !domain(c)).unwrap_or(behind.len());
            let tail = behind.get(..length).unwrap_or_default().trim_end_matches('.');
            let top = tail.rsplit('.').next().unwrap_or_default();
            if tail.starts_with(['@', '.']) && TOP_LEVELS.contains(&top) {
                span.end += tail.len();
            }
        }
        _ => {}
    }
    (span, spelling::bare(&name))
}

/// Endings of the hosts that skills make up.
const TOP_LEVELS: [&str; 9] = ["ai", "app", "co", "com", "dev", "io", "local", "net", "org"];

/// Whether a place in Python or JavaScript is within a string that ends on its line and is not interpolated.
/// Elsewhere braces are the language's own.
fn is_in_plain_string(code: &str, span: Span) -> bool {
    const LONGEST: usize = 4096;
    let head = code.get(..span.start).unwrap_or_default();
    let line = head.rsplit('\n').next().unwrap_or_default();
    if line.len() > LONGEST || line.ends_with('$') {
        return false;
    }
    let (mut open, mut is_plain, mut previous) = (None, true, ' ');
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (open, c) {
            (Some(_), '\\') => {
                chars.next();
            }
            (Some(quote), c) if c == quote => open = None,
            (None, '"' | '\'' | '`') => {
                is_plain = c != '`' && !matches!(previous, 'f' | 'F');
                open = Some(c);
            }
            _ => {}
        }
        previous = c;
    }
    open.is_some() && is_plain
}

/// Whether a shell text is no call that is made again: it tells how something is called (`tool [options] NAME`,
/// `view <PR#>`, `curl ... | jq`), is an address, or only sets variables.
fn is_no_call(masked: &str) -> bool {
    let mut lines =
        masked.lines().map(str::trim).filter(|it| !it.is_empty() && !it.starts_with('#'));
    let mut only_sets = true;
    lines.any(|line| {
        only_sets &= is_setting(line);
        line.starts_with("http://")
            || line.starts_with("https://")
            || line.replace("YYYY-MM-DD", "").contains("YYYY")
            || line.split_whitespace().any(|word| word.ends_with("...") || word.ends_with('…'))
            || is_schedule(line)
            || has_left_open(line)
    }) || only_sets
}

/// Whether a line is one of a `crontab`.
fn is_schedule(line: &str) -> bool {
    let first = line.split_whitespace().next().unwrap_or_default();
    first.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'*' | b'/' | b',' | b'-'))
}

/// Whether a line only sets a variable.
fn is_setting(line: &str) -> bool {
    let (is_export, setting) = match line.strip_prefix("export ") {
        Some(setting) => (true, setting),
        None => (false, line),
    };
    let Some((name, value)) = setting.split_once('=') else { return false };
    let is_name = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let runs = value.contains("$(") || value.contains('`');
    let is_quoted = value.starts_with(['"', '\'']) && value.ends_with(['"', '\'']);
    is_name && !runs && (is_export || is_quoted || !value.contains(' '))
}

/// Whether something in brackets is in a line: what may be left out, or a placeholder that is not understood.
fn has_left_open(line: &str) -> bool {
    const LONGEST: usize = 48;
    let mut previous = ' ';
    line.char_indices().any(|(at, c)| {
        let begins = previous.is_whitespace() || matches!(previous, '=' | '/' | '-' | '_');
        previous = c;
        let close = match c {
            '[' => b']',
            '<' => b'>',
            _ => return false,
        };
        let rest = line.get(at + 1..).unwrap_or_default();
        begins
            && rest.starts_with(|next: char| {
                next.is_ascii_alphabetic()
                    || matches!(next, '-' | '"' | '\'')
                    || (c, next) == ('[', '<')
            })
            && rest.bytes().take(LONGEST).any(|b| b == close)
    })
}

/// What stands for a placeholder while the code is parsed begins with this: a word and a name in every language.
pub(super) const WORD: &str = "SKVMHOLE";

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
pub(super) type Found = Vec<(Range<usize>, Parameter)>;

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
    let (mut placed, mut is_safe) = (vec![0; marked.len()], true);
    let is_data: Vec<bool> = shape.is_data().collect();
    let segments = shape.segments(&mut |index, value| {
        let mut found = words_in(value, marked, words, &mut placed);
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
        is_safe &= is_data.get(index).copied().unwrap_or_default()
            && found.iter().all(|(range, _)| takes_parts(value, range));
        parts(value, found, &mut parameters)
    });
    let parameters: Vec<Parameter> = parameters.0.into_iter().map(|(it, _)| it).collect();
    let complete = placed.iter().all(|placed| *placed == 1) && !parameters.is_empty();
    let language = shape.language();
    (complete && is_safe && parameters.len() <= MAX_PARAMETERS).then_some(Template {
        language,
        segments,
        parameters,
    })
}

/// The placeholders in a value whose words stand in it, in order. Counts them.
fn words_in(value: &str, marked: &[Marked], words: &[String], placed: &mut [usize]) -> Found {
    let mut found = Found::new();
    for ((it, word), placed) in marked.iter().zip(words).zip(placed) {
        for (start, _) in value.match_indices(word.as_str()) {
            found.push((start..start + word.len(), it.parameter.clone()));
            *placed += 1;
        }
    }
    found.sort_by_key(|(range, _)| range.start);
    found
}

fn parts(value: &str, found: Found, parameters: &mut Parameters) -> Option<Vec<Part>> {
    let (mut parts, mut at) = (Vec::new(), 0);
    for (range, parameter) in found {
        let text = value.get(at..range.start)?;
        if !text.is_empty() {
            parts.push(Part::Text(text.to_owned()));
        }
        let written = value.get(range.clone())?;
        parts.push(Part::Hole(parameters.add(parameter, written)));
        at = range.end;
    }
    let rest = value.get(at..)?;
    if !rest.is_empty() {
        parts.push(Part::Text(rest.to_owned()));
    }
    Some(parts)
}

/// The parameters of a template so far, with what the source has for each.
#[derive(Default)]
struct Parameters(Vec<(Parameter, String)>);

impl Parameters {
    /// The position of a parameter. The same placeholder again is the same parameter; another one that has the
    /// same name gets a number behind it.
    fn add(&mut self, mut parameter: Parameter, written: &str) -> usize {
        let is_known = |(it, text): &(Parameter, String)| {
            let same = it.spelling.map_or(Sameness::Never, sameness);
            let agrees = match same {
                Sameness::Name => it.name == parameter.name,
                Sameness::Text => text == written,
                Sameness::Never => false,
            };
            agrees && it.spelling == parameter.spelling
        };
        if let Some(known) = self.0.iter().position(is_known) {
            return known;
        }
        if self.0.len() > MAX_PARAMETERS {
            // There is no template with as many.
            return self.0.len();
        }
        let (base, mut number) = (parameter.name.clone(), 2);
        while self.0.iter().any(|(it, _)| it.name == parameter.name) {
            parameter.name = format!("{base}_{number}");
            number += 1;
        }
        self.0.push((parameter, written.to_owned()));
        self.0.len() - 1
    }
}

/// When a spelling that occurs twice stands for the same value.
enum Sameness {
    /// With the same name.
    Name,
    /// With the same text.
    Text,
    /// A dummy stands for anything.
    Never,
}

fn sameness(spelling: Spelling) -> Sameness {
    match spelling {
        Spelling::DummyId
        | Spelling::CrossedOut
        | Spelling::Ellipsis
        | Spelling::Percent
        | Spelling::HexStub => Sameness::Never,
        Spelling::ExampleDomain | Spelling::SampleFile => Sameness::Text,
        _ => Sameness::Name,
    }
}
