//! What a walk over a syntax tree writes down.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use skvm_core::artifact::{Fingerprint, LiteralForm, TemplateLanguage};
use skvm_core::span::Span;
use tree_sitter::{Node, TreeCursor};

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
    /// Functions that the code defines, where they have names of their own.
    functions: HashMap<&'c str, Option<u32>>,
    numbered: u32,
    /// What is written down now is read again by something whose quoting is not known.
    pub(super) read_again: bool,
    /// All of it is.
    all_again: bool,
    /// What the code is given is.
    given_again: bool,
}

/// What can stand in the canonical form. Each is followed by its content and a zero, which code does not have
/// and numbers are written without.
#[derive(Clone, Copy)]
enum Mark {
    Open = 1,
    Close,
    Token,
    Name,
    Function,
    Fixed,
    Text,
    Number,
    Code,
}

impl<'c> Sketch<'c> {
    pub(super) fn new(code: &'c str) -> Self {
        let structure = Vec::with_capacity(code.len() * 2);
        let (names, functions) = (HashMap::new(), HashMap::new());
        Self {
            code,
            structure,
            literals: Vec::new(),
            names,
            functions,
            numbered: 0,
            read_again: false,
            all_again: false,
            given_again: false,
        }
    }

    /// From now on what is written down is read again, if it is told so or was before; gives what was before.
    pub(super) fn reading_again(&mut self, again: bool) -> bool {
        let outer = self.read_again;
        self.read_again |= again;
        outer
    }

    /// The code hands its texts to a shell or to itself.
    pub(super) fn runs_texts(&mut self) {
        self.all_again = true;
    }

    /// The code hands the arguments or variables that it is given to a shell or to itself.
    pub(super) fn runs_what_it_is_given(&mut self) {
        self.given_again = true;
    }

    /// How many literals there are.
    pub(super) fn count(&self) -> usize {
        self.literals.len()
    }

    /// The literals that begin at some places are read again.
    pub(super) fn are_read_again_at(&mut self, places: &HashSet<usize>) {
        for literal in &mut self.literals {
            literal.read_again |= places.contains(&literal.span.start);
        }
    }

    /// Some literals are read again.
    pub(super) fn are_read_again(&mut self, literals: Range<usize>) {
        for literal in self.literals.get_mut(literals).unwrap_or_default() {
            literal.read_again = true;
        }
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
        match numbered(&mut self.names, &mut self.numbered, name) {
            Some(number) => self.mark(Mark::Name, number.as_bytes()),
            None => self.token(name),
        }
    }

    /// Makes a name one of the code's own functions.
    pub(super) fn bind_function(&mut self, name: &'c str) {
        self.functions.insert(name, None);
    }

    /// A function that the code defines; `false` when it is none.
    pub(super) fn function(&mut self, name: &str) -> bool {
        let number = numbered(&mut self.functions, &mut self.numbered, name);
        if let Some(number) = &number {
            self.mark(Mark::Function, number.as_bytes());
        }
        number.is_some()
    }

    /// A text that is part of the structure, however it is quoted.
    pub(super) fn fixed(&mut self, value: &str) {
        self.mark(Mark::Fixed, value.as_bytes());
    }

    /// A number where one can be filled in, else a token.
    pub(super) fn number(&mut self, node: Node<'_>, is_fixed: bool) {
        let text = self.text(node);
        match decimal(text).filter(|_| !is_fixed) {
            Some(value) => self.literal(node.byte_range().into(), LiteralForm::Number, value),
            None => self.token(text),
        }
    }

    pub(super) fn literal(&mut self, span: Span, form: LiteralForm, value: String) {
        self.literal_within(span, form, ("", ""), value);
    }

    pub(super) fn literal_within(
        &mut self,
        span: Span,
        form: LiteralForm,
        around: (&'static str, &'static str),
        value: String,
    ) {
        let mark = if form == LiteralForm::Number { Mark::Number } else { Mark::Text };
        self.mark(mark, &[]);
        let content = ShapeContent::Value(value);
        let read_again = self.read_again;
        self.literals.push(ShapeLiteral { span, form, around, role: None, read_again, content });
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
        self.all_again |= shape.rereads;
        let content = ShapeContent::Code(Box::new(shape));
        let (around, read_again) = (("", ""), self.read_again);
        self.literals.push(ShapeLiteral { span, form, around, role: None, read_again, content });
    }

    pub(super) fn finish(mut self, language: TemplateLanguage) -> Shape {
        if self.all_again {
            self.are_read_again(0..self.count());
        }
        self.structure.push(language as u8);
        Shape {
            language,
            code: self.code.to_owned(),
            fingerprint: Fingerprint::of(&self.structure),
            rereads: self.all_again || self.given_again,
            literals: self.literals,
        }
    }
}

/// The number of a name, by the order in which names first occur; `None` when the code does not bind it.
fn numbered(names: &mut HashMap<&str, Option<u32>>, last: &mut u32, name: &str) -> Option<String> {
    let number = names.get_mut(name)?.get_or_insert_with(|| {
        *last += 1;
        *last
    });
    Some(number.to_string())
}

/// Shows every named node below `root` with the node that it is in, from the front to the back.
pub(super) fn each_node<'t>(root: Node<'t>, visit: &mut dyn FnMut(Node<'t>, Node<'t>)) {
    let (mut cursor, mut around) = (root.walk(), vec![root]);
    while advance(&mut cursor, &mut around) {
        let node = cursor.node();
        if node.is_named() {
            visit(node, around.last().copied().unwrap_or(root));
        }
    }
}

/// To the next node; `around` gets the nodes that it is in.
fn advance<'t>(cursor: &mut TreeCursor<'t>, around: &mut Vec<Node<'t>>) -> bool {
    let node = cursor.node();
    if cursor.goto_first_child() {
        around.push(node);
        return true;
    }
    while !cursor.goto_next_sibling() {
        if !cursor.goto_parent() {
            return false;
        }
        around.pop();
    }
    true
}

/// A number without the signs between its digits, if it is one that a template can hold.
pub(super) fn decimal(text: &str) -> Option<String> {
    let mut plain = text.replace('_', "");
    // `.5` and `5.` are how some write `0.5` and `5.0`.
    if plain.starts_with('.') {
        plain.insert(0, '0');
    }
    if plain.ends_with('.') {
        plain.push('0');
    }
    skvm_core::artifact::ParameterType::Number.check(&plain).is_ok().then_some(plain)
}

/// What a backslash means before a character that makes no escape with it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Backslash {
    /// Itself, as in Python.
    Kept,
    /// Nothing, as in JavaScript.
    Dropped,
}

/// The value of a text with backslash escapes; `None` when it has one that is not known here, such as those with
/// octal digits, or a carriage return, which the language may read as a line feed.
pub(super) fn unescaped(text: &str, backslash: Backslash) -> Option<String> {
    if text.contains('\r') {
        return None;
    }
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
        let decoded = match (chars.next()?, backslash) {
            ('n', _) => '\n',
            ('r', _) => '\r',
            ('t', _) => '\t',
            ('b', _) => '\u{8}',
            ('v', _) => '\u{b}',
            ('f', _) => '\u{c}',
            ('a', Backslash::Kept) => '\u{7}',
            ('\n', _) => continue,
            (same @ ('\\' | '\'' | '"'), _) => same,
            ('x', _) => hexadecimal(&mut chars, 2)?,
            ('u', _) => hexadecimal(&mut chars, 4)?,
            ('U', Backslash::Kept) => hexadecimal(&mut chars, 8)?,
            ('0'..='9' | 'N' | '\u{2028}' | '\u{2029}', _) => return None,
            (other, Backslash::Kept) => {
                value.push('\\');
                other
            }
            (other, Backslash::Dropped) => other,
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
