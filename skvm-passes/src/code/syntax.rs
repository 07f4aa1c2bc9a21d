//! Parsers, one a thread, and bounds on their work.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ops::ControlFlow;

use tree_sitter::{Language, ParseOptions, Parser, Tree};

/// How often the parser may report progress before it is stopped; it reports every few hundred
/// steps. A count and not a clock, so that the outcome is the same on every machine.
const MAX_PROGRESS: usize = 20_000;

/// The parser gets a text in chunks of this size, so that its reads can be counted.
const CHUNK: usize = 1024;

/// How often each chunk may be read on average. Ordinary code is read two or three times; a scanner
/// that looks for the end of each of many here documents reads a text thousands of times, and reports
/// no progress meanwhile.
const MAX_READS: usize = 64;

/// Most pipes in a shell text. The parser needs memory for every pair of them when the last has nothing
/// behind it.
const MAX_PIPES: usize = 1024;

/// Most trees that a thread keeps, and the longest text whose tree is kept. One compilation looks at
/// the same block several times: as its author wrote it, edited, and for the guard. The next one
/// begins with none.
const KEPT_TREES: usize = 128;
const KEPT_BYTES: usize = 8 * 1024;

thread_local! {
    static BASH: RefCell<Option<Parser>> = const { RefCell::new(None) };
    static PYTHON: RefCell<Option<Parser>> = const { RefCell::new(None) };
    static TYPESCRIPT: RefCell<Option<Parser>> = const { RefCell::new(None) };
    static TSX: RefCell<Option<Parser>> = const { RefCell::new(None) };
    static TREES: RefCell<Trees> = RefCell::default();
}

/// What the parser gave for a text, by grammar.
type Trees = HashMap<(Grammar, Box<str>), Option<Tree>>;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Grammar {
    Shell,
    Python,
    JavaScript(Dialect),
}

/// Two readings of what begins with `<`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Dialect {
    /// TypeScript, where it can be a type.
    TypeScript,
    /// JavaScript, JSX and TSX, where it can be an element.
    Jsx,
}

/// Lets go of the trees of this thread.
pub(super) fn forget() {
    TREES.with_borrow_mut(HashMap::clear);
}

/// The tree from an earlier call with the same text, else from `parse`.
fn kept(grammar: Grammar, code: &str, parse: impl FnOnce() -> Option<Tree>) -> Option<Tree> {
    if code.len() > KEPT_BYTES {
        return parse();
    }
    let key = (grammar, code.into());
    if let Some(tree) = TREES.with_borrow(|trees| trees.get(&key).cloned()) {
        return tree;
    }
    let tree = parse();
    TREES.with_borrow_mut(|trees| {
        if trees.len() >= KEPT_TREES {
            trees.clear();
        }
        trees.insert(key, tree.clone());
    });
    tree
}

/// The syntax tree of a shell text; `None` when the parser gave up.
pub(super) fn parse_shell(code: &str) -> Option<Tree> {
    kept(Grammar::Shell, code, || parse_shell_now(code))
}

/// [`parse_shell`] without looking at what is kept.
pub(crate) fn parse_shell_now(code: &str) -> Option<Tree> {
    if code.replace("||", "").matches('|').count() > MAX_PIPES {
        return None;
    }
    // This grammar's scanner looks characters up in tables for ASCII, whatever they are
    // (tree-sitter-bash issue 337), so it gets letters in the place of others.
    let ascii =
        code.bytes().map(|byte| if byte.is_ascii() { byte } else { b'X' }).collect::<Vec<_>>();
    BASH.with_borrow_mut(|parser| parse(parser, &tree_sitter_bash::LANGUAGE.into(), &ascii))
}

/// The syntax tree of a Python text; `None` when the parser gave up.
pub(crate) fn parse_python(code: &str) -> Option<Tree> {
    kept(Grammar::Python, code, || parse_python_now(code))
}

/// [`parse_python`] without looking at what is kept.
pub(crate) fn parse_python_now(code: &str) -> Option<Tree> {
    PYTHON.with_borrow_mut(|parser| {
        parse(parser, &tree_sitter_python::LANGUAGE.into(), code.as_bytes())
    })
}

/// The syntax tree of a JavaScript or TypeScript text; `None` when the parser gave up.
pub(super) fn parse_javascript(dialect: Dialect, code: &str) -> Option<Tree> {
    kept(Grammar::JavaScript(dialect), code, || parse_javascript_now(dialect, code))
}

/// [`parse_javascript`] without looking at what is kept.
pub(crate) fn parse_javascript_now(dialect: Dialect, code: &str) -> Option<Tree> {
    match dialect {
        Dialect::TypeScript => TYPESCRIPT.with_borrow_mut(|parser| {
            parse(parser, &tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into(), code.as_bytes())
        }),
        Dialect::Jsx => TSX.with_borrow_mut(|parser| {
            parse(parser, &tree_sitter_typescript::LANGUAGE_TSX.into(), code.as_bytes())
        }),
    }
}

fn parse(slot: &mut Option<Parser>, language: &Language, code: &[u8]) -> Option<Tree> {
    let parser = match slot {
        Some(parser) => parser,
        None => {
            let mut parser = Parser::new();
            parser.set_language(language).ok()?;
            slot.insert(parser)
        }
    };
    let mut left = MAX_PROGRESS;
    let reads = Cell::new((code.len() / CHUNK + 16) * MAX_READS);
    let mut progress = |_: &tree_sitter::ParseState| {
        left = left.saturating_sub(1);
        if left == 0 || reads.get() == 0 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    let options = ParseOptions::new().progress_callback(&mut progress);
    let mut read = |at: usize, _| {
        let rest = code.get(at..).unwrap_or_default();
        reads.set(reads.get().saturating_sub(1));
        // Out of reads, the text seems to end here, and the next report of progress stops the parser.
        if reads.get() == 0 { Default::default() } else { &rest[..rest.len().min(CHUNK)] }
    };
    let tree = parser.parse_with_options(&mut read, None, Some(options));
    if tree.is_none() {
        parser.reset();
    }
    // A text that seemed to end early may have been parsed to that end.
    tree.filter(|_| reads.get() > 0)
}
