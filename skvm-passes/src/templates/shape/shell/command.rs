//! Commands and their arguments.

use skvm_core::artifact::LiteralForm;
use skvm_core::span::Span;
use tree_sitter::Node;

use super::super::{Place, Role, Shape};
use super::Walk;
use super::flow::ARGUMENTS;
use super::programs::{
    DEEP, DEEP_COMMANDS, HAVE_COMMANDS, Interpreter, READ_AS_CODE, READER_OPTIONS, READERS,
    RUNNERS, SWITCHES, TAKE_OPERANDS, WRAPPERS, interpreter, is_name, language_of,
};
use super::readers::{is_run, is_told, may_run};
use super::text_first::Text;
use super::words::{Piece, Word};

impl<'c> Walk<'_, 'c> {
    pub(super) fn command(&mut self, node: Node<'_>, depth: usize) -> Option<()> {
        self.sketch.open("command");
        let mut arguments = Arguments::default();
        let mut cursor = node.walk();
        if !cursor.goto_first_child() {
            return None;
        }
        let outer = self.sketch.reading_again(self.works_out(node));
        let mut end = None;
        loop {
            let child = cursor.node();
            // The grammar takes some words for two.
            let is_word = matches!(cursor.field_name(), Some("name" | "argument"));
            if is_word && end == Some(child.start_byte()) {
                return None;
            }
            end = (child.kind() != "$").then(|| child.end_byte());
            match cursor.field_name() {
                Some("name") => arguments = self.program(child, depth)?,
                Some("argument") => self.argument(child, &mut arguments, depth)?,
                _ => self.surroundings(child, node, &arguments, depth)?,
            }
            if !cursor.goto_next_sibling() {
                break;
            }
        }
        self.sketch.read_again = outer;
        self.sketch.close();
        Some(())
    }

    /// The name of a command.
    fn program(&mut self, name: Node<'_>, depth: usize) -> Option<Arguments> {
        let name = name.named_child(0).unwrap_or(name);
        let program = match self.read(name) {
            Word::Plain(program) => program,
            word => {
                // It may be any program, if its last part is not told.
                let is_told = matches!(
                    &word,
                    Word::Pieces(pieces)
                        if matches!(pieces.last(), Some(Piece::Plain { value, .. }) if is_told(value))
                );
                self.fixed(name, depth)?;
                return Some(Arguments { again: !is_told, ..Arguments::default() });
            }
        };
        let is_function = self.sketch.function(&program);
        if !is_function {
            self.sketch.token(&program);
        }
        let sets_arguments = is_function || program == "set";
        Some(Arguments { sets_arguments, ..Arguments::of(program) })
    }

    /// What stands in a command besides its words: variables for it, and what it is given.
    fn surroundings(
        &mut self,
        child: Node<'_>,
        command: Node<'_>,
        seen: &Arguments,
        depth: usize,
    ) -> Option<()> {
        let is_given = child.kind() == "herestring_redirect";
        if is_given && interpreter(&seen.program).is_some() {
            return self.fixed(child, depth + 1);
        }
        let outer = self.sketch.reading_again(is_given && self.runs_input(command));
        self.node(child, depth + 1)?;
        self.sketch.read_again = outer;
        Some(())
    }

    fn argument(&mut self, node: Node<'_>, seen: &mut Arguments, depth: usize) -> Option<()> {
        let written = self.sketch.text(node);
        if READ_AS_CODE.contains(&seen.program.as_str()) {
            let is_call = self.sketch.function(written);
            return if is_call { Some(()) } else { self.fixed(node, depth + 1) };
        }
        let word = self.read(node);
        let (first, again) = (self.sketch.count(), seen.next_is_read_again(&word));
        let outer = self.sketch.reading_again(again);
        if seen.program == "printf" && seen.flag.as_deref() == Some("-v") {
            self.flow.read(written);
        }
        self.known(node, word, seen, depth)?;
        self.sketch.read_again = outer;
        if seen.sets_arguments {
            self.flow.put(ARGUMENTS, first..self.sketch.count(), written);
        }
        Some(())
    }

    /// An argument by what is known of those before it.
    fn known(
        &mut self,
        node: Node<'_>,
        word: Word<'_>,
        seen: &mut Arguments,
        depth: usize,
    ) -> Option<()> {
        let written = self.sketch.text(node);
        let is_flag = matches!(&word, Word::Plain(v) if v.len() > 1 && v.starts_with('-'));
        if is_flag && let Word::Plain(value) = word {
            self.flag(node, seen, value);
            return Some(());
        }
        let flag = seen.flag.take();
        if let Some(runs) = interpreter(&seen.program)
            && seen.script.is_none()
        {
            return self.script(node, &runs, flag.as_deref(), word, seen, depth);
        }
        if seen.wraps || is_execution(flag.as_deref(), seen) {
            return self.wrapped(node, flag.as_deref(), word, seen, depth);
        }
        let Word::Plain(value) = word else {
            seen.operands += usize::from(flag.is_none());
            return self.written_word(node, word, depth);
        };
        if !self.own(written, flag.as_deref(), &value, seen) {
            self.operand(node, flag, value, seen);
        }
        Some(())
    }

    /// An argument that is no value: a variable that is read, what belongs to `find`; `false` when it is none.
    fn own(
        &mut self,
        written: &'c str,
        flag: Option<&str>,
        value: &str,
        seen: &mut Arguments,
    ) -> bool {
        let reads = READERS.contains(&seen.program.as_str()) && is_name(value);
        if reads && flag.is_none_or(|flag| !READER_OPTIONS.contains(&flag)) {
            self.sketch.name(written);
            self.flow.read(written);
            return true;
        }
        let belongs = seen.executes && matches!(value, "{}" | ";" | "+");
        if belongs {
            self.sketch.token(value);
            if value != "{}" {
                *seen = Arguments { again: seen.again, ..Arguments::of("find".to_owned()) };
            }
        }
        belongs
    }

    /// An option.
    fn flag(&mut self, node: Node<'_>, seen: &mut Arguments, value: String) {
        let (written, span) = (self.sketch.text(node), Span::from(node.byte_range()));
        let is_open = seen.script.is_none() && interpreter(&seen.program).is_some();
        // `--name=value` as one unquoted text, or with quotes behind the sign.
        if let Some((name, inner)) = value.split_once('=')
            && written.get(..=name.len()) == value.get(..=name.len())
            && name.starts_with("--")
            && !is_open
        {
            let start = span.start + name.len() + 1;
            self.sketch.token(value.get(..=name.len()).unwrap_or_default());
            let inner = inner.to_owned();
            self.value(Span::new(start, span.end), LiteralForm::Quoted, inner);
            self.sketch.role(seen.role(Place::Option(name.to_owned())));
            seen.flag = None;
        } else {
            self.sketch.token(&value);
            seen.flag = Some(value);
        }
    }

    /// What an interpreter runs, which is what is called. Values of the options before it stay as well, since it
    /// is not known which have one.
    fn script(
        &mut self,
        node: Node<'_>,
        runs: &Interpreter,
        flag: Option<&str>,
        word: Word<'_>,
        seen: &mut Arguments,
        depth: usize,
    ) -> Option<()> {
        let is_code = flag.is_some_and(|flag| runs.takes_code(flag));
        let Word::Plain(value) = word else {
            seen.script = Some(self.sketch.text(node).to_owned());
            return self.fixed(node, depth + 1);
        };
        if is_code {
            seen.operands += 1;
            seen.script = Some(String::new());
            let span = Span::from(node.byte_range());
            let shape = runs.language.and_then(|it| Shape::within(it, &value, self.nesting + 1));
            match shape {
                Some(shape) => self.sketch.embedded(span, LiteralForm::Quoted, shape),
                None => {
                    self.sketch.fixed(&value);
                    seen.again = true;
                }
            }
            return Some(());
        }
        self.sketch.token(&value);
        let is_script = flag.is_none_or(|flag| flag == "-m")
            || language_of(&value).is_some()
            || value.contains('/')
            || value == "-";
        if is_script && !runs.commands.contains(&value.as_str()) {
            seen.script = Some(value);
        }
        Some(())
    }

    /// An argument of a program that runs another one.
    fn wrapped(
        &mut self,
        node: Node<'_>,
        flag: Option<&str>,
        word: Word<'_>,
        seen: &mut Arguments,
        depth: usize,
    ) -> Option<()> {
        let Word::Plain(value) = word else {
            // `env NAME="$value" program`
            let is_assignment =
                self.sketch.text(node).split_once('=').is_some_and(|(name, _)| is_name(name));
            if !is_assignment {
                seen.wraps = false;
                // It may be any program.
                seen.again = true;
            }
            return self.fixed(node, depth + 1);
        };
        let span = Span::from(node.byte_range());
        if let Some((name, inner)) = value.split_once('=')
            && is_name(name)
            && self.sketch.text(node).starts_with(name)
        {
            let start = span.start + name.len() + 1;
            self.sketch.token(value.get(..=name.len()).unwrap_or_default());
            let inner = inner.to_owned();
            let outer = self.sketch.reading_again(is_run(name));
            self.sketch.literal(Span::new(start, span.end), LiteralForm::Quoted, inner);
            self.sketch.read_again = outer;
        } else if value.starts_with(|c: char| c.is_ascii_digit()) {
            self.sketch.literal(span, LiteralForm::Quoted, value);
        } else {
            self.wrapped_program(flag, value, seen);
        }
        Some(())
    }

    /// The program that another one runs, or what stands before it.
    fn wrapped_program(&mut self, flag: Option<&str>, value: String, seen: &mut Arguments) {
        if !self.sketch.function(&value) {
            self.sketch.token(&value);
        }
        // Whatever stands behind another option may be its value.
        if flag.is_none_or(|flag| SWITCHES.contains(&flag) || !seen.wraps) {
            let executes = !seen.wraps || seen.executes;
            let (again, is_filled) = (seen.is_fed(&value), seen.fills());
            *seen = Arguments { executes, again, is_filled, ..Arguments::of(value) };
        } else {
            seen.again |= may_run(&value);
        }
    }

    /// A plain argument that is no option.
    fn operand(
        &mut self,
        node: Node<'_>,
        flag: Option<String>,
        value: String,
        seen: &mut Arguments,
    ) {
        let written = self.sketch.text(node);
        if seen.is_command(flag.as_deref(), written, &value) {
            self.sketch.token(&value);
            seen.commands += 1;
            if seen.commands == 1 {
                seen.wraps = value == "run" && RUNNERS.contains(&seen.program.as_str());
                seen.command = value;
            }
            return;
        }
        if flag.is_some() && seen.may_be_command(written, &value) {
            return self.sketch.token(&value);
        }
        self.value(node.byte_range().into(), LiteralForm::Quoted, value);
        let place = match flag {
            Some(flag) => Place::Option(flag),
            None => Place::Operand(seen.commands + seen.operands),
        };
        if matches!(place, Place::Operand(_)) {
            seen.operands += 1;
        }
        self.sketch.role(seen.role(place));
    }
}

/// Whether the next argument of `find` is a program.
fn is_execution(flag: Option<&str>, seen: &Arguments) -> bool {
    seen.program == "find" && matches!(flag, Some("-exec" | "-execdir" | "-ok" | "-okdir"))
}

/// What was seen of a command's arguments so far.
#[derive(Default)]
pub(super) struct Arguments {
    pub(super) program: String,
    /// The option that stands right before.
    pub(super) flag: Option<String>,
    /// Words that were taken for sub-commands.
    pub(super) commands: usize,
    /// The first of them.
    pub(super) command: String,
    /// The script that an interpreter runs.
    pub(super) script: Option<String>,
    pub(super) operands: usize,
    /// The program that is run is still to come.
    pub(super) wraps: bool,
    /// Within `find -exec`.
    pub(super) executes: bool,
    /// Everything from here on is read again.
    pub(super) again: bool,
    /// It is run by something that puts what it reads into its arguments.
    pub(super) is_filled: bool,
    /// The arguments become those of the code itself or of one of its functions.
    sets_arguments: bool,
    /// The program that is read from the arguments.
    pub(super) text: Text,
}

impl Arguments {
    fn of(program: String) -> Self {
        let wraps = WRAPPERS.contains(&program.as_str());
        Self { program, wraps, ..Self::default() }
    }

    /// How many sub-commands stand behind one another.
    fn levels(&self) -> usize {
        let (program, command) = (self.program.as_str(), self.command.as_str());
        let is_deep =
            |(name, commands): &(&str, &[&str])| *name == program && commands.contains(&command);
        match program {
            _ if TAKE_OPERANDS.contains(&program) => 0,
            _ if DEEP.contains(&program) || DEEP_COMMANDS.iter().any(is_deep) => 2,
            _ => 1,
        }
    }

    /// Whether a plain word is a sub-command.
    fn is_command(&self, flag: Option<&str>, written: &str, value: &str) -> bool {
        let is_word = written == value
            && value.starts_with(|c: char| c.is_ascii_lowercase())
            && value.bytes().all(|b| {
                b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b':')
            });
        is_word && flag.is_none() && self.operands == 0 && self.commands < self.levels()
    }

    /// Whether a plain word behind an option may be a sub-command.
    fn may_be_command(&self, written: &str, value: &str) -> bool {
        self.commands == 0
            && HAVE_COMMANDS.contains(&self.program.as_str())
            && self.is_command(None, written, value)
    }

    fn role(&self, place: Place) -> Option<Role> {
        let program = Some(&self.program).filter(|program| program.contains('/'));
        Some(Role { script: self.script.as_ref().or(program)?.clone(), place })
    }
}
