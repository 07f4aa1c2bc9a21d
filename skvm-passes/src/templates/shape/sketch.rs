//! What a walk over a syntax tree writes down.

use std::collections::HashMap;

use skvm_core::artifact::{Fingerprint, LiteralForm, TemplateLanguage};
use skvm_core::span::Span;
use tree_sitter::Node;

use super::{Role, Shape, ShapeContent, ShapeLiteral};

/// How deep a tree is walked; code that nests deeper has no shape.
pub(super) const MAX_DEPTH: usize = 200;

/// The canonical form of the structure so far, and the literals.
pub(super) struct Sketch<'c> {
    pub(super) code: &'c str,
    structure: Vec<u8>,
    literals: Vec<ShapeLiteral>,
    /// Names that the code binds, by the order in which they first occur.
    names: HashMap<&'c str, Option<u32>>,
    numbered: u32,
}

/// What can stand in the canonical form. Each is followed by its content and a zero; code has none.
#[derive(Clone, Copy)]
enum Mark {
    Open = 1,
    Close,
    Token,
    Name,
    Text,
    Number,
    Code,
}

impl<'c> Sketch<'c> {
    pub(super) fn new(code: &'c str) -> Self {
        let structure = Vec::with_capacity(code.len() * 2);
        Self { code, structure, literals: Vec::new(), names: HashMap::new(), numbered: 0 }
    }

    /// Makes a name one of the code's own.
    pub(super) fn bind(&mut self, name: &'c str) {
        self.names.insert(name, None);
    }

    /// Makes a name one that means something outside.
    pub(super) fn unbind(&mut self, name: &str) {
        self.names.remove(name);
    }

    pub(super) fn text(&self, node: Node<'_>) -> &'c str {
        self.code.get(node.byte_range()).unwrap_or_default()
    }

    fn mark(&mut self, mark: Mark, content: &[u8]) {
        self.structure.push(mark as u8);
        self.structure.extend_from_slice(content);
        self.structure.push(0);
    }

    pub(super) fn open(&mut self, kind: &str) {
        self.mark(Mark::Open, kind.as_bytes());
    }

    pub(super) fn close(&mut self) {
        self.mark(Mark::Close, &[]);
    }

    /// Something that is part of the structure as it is written.
    pub(super) fn token(&mut self, text: &str) {
        self.mark(Mark::Token, text.as_bytes());
    }

    /// A name: a number if it is the code's own, else as it is written.
    pub(super) fn name(&mut self, name: &'c str) {
        let Some(known) = self.names.get_mut(name) else { return self.token(name) };
        let number = *known.get_or_insert_with(|| {
            self.numbered += 1;
            self.numbered
        });
        self.mark(Mark::Name, &number.to_le_bytes());
    }

    pub(super) fn literal(&mut self, span: Span, form: LiteralForm, value: String) {
        self.literal_within(span, form, "", value);
    }

    pub(super) fn literal_within(
        &mut self,
        span: Span,
        form: LiteralForm,
        around: &'static str,
        value: String,
    ) {
        let mark = if form == LiteralForm::Number { Mark::Number } else { Mark::Text };
        self.mark(mark, &[]);
        let content = ShapeContent::Value(value);
        self.literals.push(ShapeLiteral { span, form, around, role: None, content });
    }

    /// Tells what the last literal is to a script.
    pub(super) fn role(&mut self, role: Option<Role>) {
        if let Some(literal) = self.literals.last_mut() {
            literal.role = role;
        }
    }

    /// A literal that holds code.
    pub(super) fn embedded(&mut self, span: Span, form: LiteralForm, shape: Shape) {
        self.mark(Mark::Code, shape.fingerprint.to_string().as_bytes());
        let content = ShapeContent::Code(Box::new(shape));
        self.literals.push(ShapeLiteral { span, form, around: "", role: None, content });
    }

    pub(super) fn finish(mut self, language: TemplateLanguage) -> Shape {
        self.structure.push(language as u8);
        let fingerprint = Fingerprint::of(&self.structure);
        Shape { language, code: self.code.to_owned(), literals: self.literals, fingerprint }
    }
}

/// A number without the signs between its digits, if it is one that a template can hold.
pub(super) fn decimal(text: &str) -> Option<String> {
    let plain = text.replace('_', "");
    skvm_core::artifact::ParameterType::Number.check(&plain).is_ok().then_some(plain)
}

/// The value of a text with backslash escapes as Python and JavaScript have them in common; `None` when it has
/// another.
pub(super) fn unescaped(text: &str) -> Option<String> {
    if !text.contains('\\') {
        return Some(text.to_owned());
    }
    let mut value = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            value.push(c);
            continue;
        }
        let decoded = match chars.next()? {
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            '\n' => continue,
            same @ ('\\' | '\'' | '"' | '`' | '$' | '{') => same,
            'x' => hexadecimal(&mut chars, 2)?,
            'u' => hexadecimal(&mut chars, 4)?,
            _ => return None,
        };
        value.push(decoded);
    }
    Some(value)
}

fn hexadecimal(chars: &mut std::str::Chars<'_>, digits: usize) -> Option<char> {
    let text: String = chars.take(digits).collect();
    let all = text.len() == digits && text.bytes().all(|b| b.is_ascii_hexdigit());
    all.then(|| u32::from_str_radix(&text, 16).ok()).flatten().and_then(char::from_u32)
}
