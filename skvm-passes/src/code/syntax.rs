//! Parsers, one a thread, and bounds on their work.

use std::cell::RefCell;
use std::ops::ControlFlow;

use tree_sitter::{Language, ParseOptions, Parser, Tree};

/// How often the parser may report progress before it is stopped; it reports every few hundred
/// steps. A count and not a clock, so that the outcome is the same on every machine.
const MAX_PROGRESS: usize = 20_000;

thread_local! {
    static BASH: RefCell<Option<Parser>> = const { RefCell::new(None) };
    static PYTHON: RefCell<Option<Parser>> = const { RefCell::new(None) };
}

/// The syntax tree of a shell text; `None` when the parser gave up.
pub(super) fn parse_shell(code: &str) -> Option<Tree> {
    BASH.with_borrow_mut(|parser| parse(parser, &tree_sitter_bash::LANGUAGE.into(), code))
}

/// The syntax tree of a Python text; `None` when the parser gave up.
pub(super) fn parse_python(code: &str) -> Option<Tree> {
    PYTHON.with_borrow_mut(|parser| parse(parser, &tree_sitter_python::LANGUAGE.into(), code))
}

fn parse(slot: &mut Option<Parser>, language: &Language, code: &str) -> Option<Tree> {
    let parser = match slot {
        Some(parser) => parser,
        None => {
            let mut parser = Parser::new();
            parser.set_language(language).ok()?;
            slot.insert(parser)
        }
    };
    let mut left = MAX_PROGRESS;
    let mut progress = |_: &tree_sitter::ParseState| {
        left = left.saturating_sub(1);
        if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let options = ParseOptions::new().progress_callback(&mut progress);
    let bytes = code.as_bytes();
    let tree = parser.parse_with_options(
        &mut |at, _| bytes.get(at..).unwrap_or_default(),
        None,
        Some(options),
    );
    if tree.is_none() {
        parser.reset();
    }
    tree
}
