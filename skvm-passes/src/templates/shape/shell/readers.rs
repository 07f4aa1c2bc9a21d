//! Programs that read their arguments, or what they are given, as code of their own.

use std::ops::Range;

use skvm_core::artifact::TemplateLanguage;
use tree_sitter::Node;

use super::super::sketch::each_node;
use super::Walk;
use super::command::Arguments;
use super::here_document::Holds;
use super::programs::{interpreter, is_code_file};
use super::text_first::text_first;
use super::words::{Piece, Word};

/// Programs that run or read as code whatever they are given.
const ALL: [&str; 45] = [
    "at",
    "batch",
    "bc",
    "bind",
    "busybox",
    "clickhouse-client",
    "cmd",
    "compgen",
    "complete",
    "cqlsh",
    "crontab",
    "dc",
    "duckdb",
    "emacs",
    "enable",
    "expect",
    "fc",
    "flock",
    "gdb",
    "gmake",
    "make",
    "mariadb",
    "mongo",
    "mongosh",
    "mysql",
    "nvim",
    "osascript",
    "parallel",
    "powershell",
    "psql",
    "pwsh",
    "redis-cli",
    "runuser",
    "screen",
    "script",
    "sqlcmd",
    "ssh",
    "su",
    "tmux",
    "toybox",
    "unset",
    "vi",
    "vim",
    "watch",
    "wsl",
];

/// Programs that run a program somewhere else, and their sub-commands that do.
const CONTAINERS: [&str; 7] =
    ["docker", "docker-compose", "kubectl", "lxc", "nerdctl", "oc", "podman"];
const RUN: [&str; 4] = ["attach", "debug", "exec", "run"];

/// Programs that are meant by their names also where it is not known that a program runs others.
const ANYWHERE: [&str; 15] = [
    "awk",
    "bash",
    "dash",
    "gawk",
    "ksh",
    "mysql",
    "osascript",
    "perl",
    "psql",
    "python",
    "python3",
    "sed",
    "sh",
    "ssh",
    "zsh",
];

/// Sub-commands of any program that hand texts to a shell.
const REMOTE: [&str; 2] = ["shell", "ssh"];

/// Sub-commands of `git` that run texts, or keep them for later.
const OF_GIT: [&str; 4] = ["bisect", "config", "filter-branch", "submodule"];

/// Options whose value is run, of any program.
const OPTIONS: [&str; 25] = [
    "--checkpoint-action",
    "--cmd",
    "--command",
    "--eval",
    "--exec",
    "--exec-batch",
    "--execute",
    "--expression",
    "--extcmd",
    "--info-script",
    "--init-file",
    "--open-files-in-pager",
    "--pager",
    "--post-exec",
    "--pre",
    "--preprocess",
    "--rcfile",
    "--receive-pack",
    "--rsh",
    "--script",
    "--split-string",
    "--to-command",
    "--tree-filter",
    "--upload-pack",
    "--use-compress-program",
];

/// Options whose value is run, by program.
const OPTIONS_OF: [(&str, &[&str]); 8] = [
    ("env", &["-S"]),
    ("fd", &["-x", "-X"]),
    ("git", &["--config", "--config-env", "-c", "-O", "-u", "-x"]),
    ("mapfile", &["-C"]),
    ("printf", &["-v"]),
    ("readarray", &["-C"]),
    ("rsync", &["-e"]),
    ("tar", &["-F", "-I"]),
];

/// Comparisons of numbers and look-ups of variables, whose operands shells work out.
const WORKED_OUT: [&str; 8] = ["-eq", "-ge", "-gt", "-le", "-lt", "-ne", "-v", "-R"];

/// Whether an operator has the shell work its operands out.
pub(super) fn is_worked_out(operator: &str) -> bool {
    WORKED_OUT.contains(&operator)
}

/// Variables whose value programs run, besides those that end in `_COMMAND`.
const VARIABLES: [&str; 20] = [
    "BASH_ENV",
    "BROWSER",
    "EDITOR",
    "ENV",
    "GIT_EDITOR",
    "GIT_EXTERNAL_DIFF",
    "GIT_PAGER",
    "GIT_SSH",
    "IFS",
    "LD_PRELOAD",
    "LESSOPEN",
    "MANPAGER",
    "NODE_OPTIONS",
    "PAGER",
    "PERL5OPT",
    "PS1",
    "PS4",
    "RUBYOPT",
    "SHELL",
    "VISUAL",
];

/// Whether the value of a variable is run by programs.
pub(super) fn is_run(variable: &str) -> bool {
    VARIABLES.contains(&variable) || variable.ends_with("_COMMAND")
}

/// Whether a program may run what it is given.
pub(super) fn may_run(program: &str) -> bool {
    let name = program.rsplit('/').next().unwrap_or_default();
    ALL.contains(&name)
        || CONTAINERS.contains(&name)
        || name == "sqlite3"
        || text_first(name).is_some()
        || interpreter(name).is_some()
}

/// Whether a program that is computed in part is known by its end to be none that runs what it is given.
pub(super) fn is_told(end: &str) -> bool {
    end.contains('/') && !may_run(end)
}

impl Arguments {
    pub(super) fn name(&self) -> &str {
        self.program.rsplit('/').next().unwrap_or(&self.program)
    }

    /// Whether the next argument is read again. Counts it.
    pub(super) fn next_is_read_again(&mut self, word: &Word<'_>) -> bool {
        let begin = match word {
            Word::Plain(value) => Some(value.as_str()),
            Word::Pieces(pieces) => match pieces.first() {
                Some(Piece::Plain { value, .. }) => Some(value.as_str()),
                _ => None,
            },
            Word::Other => None,
        };
        let option = begin.filter(|it| it.len() > 1 && it.starts_with('-'));
        self.again |= ALL.contains(&self.name())
            || self.script.as_deref() == Some("timeit")
            || begin.is_some_and(|it| self.is_run(it) || self.runs_unasked(it));
        let flag = match option {
            Some(option) => option.split('=').next(),
            None => self.flag.as_deref(),
        };
        let is_value = flag.is_some_and(|flag| self.is_run_by(flag));
        let is_whole = matches!(word, Word::Plain(_));
        let in_text = self.next_is_text(begin, option, is_whole);
        self.again || is_value || in_text
    }

    /// Whether a sub-command makes everything behind it code.
    fn is_run(&self, word: &str) -> bool {
        let is_first = self.operands == 0 && self.script.is_none();
        match self.name() {
            name if CONTAINERS.contains(&name) => is_first && RUN.contains(&word),
            "git" => self.commands == 0 && OF_GIT.contains(&word),
            name => is_first && REMOTE.contains(&word) && name != "git",
        }
    }

    /// Whether a word seems to be a program that is run, by one that is not known to.
    fn runs_unasked(&self, word: &str) -> bool {
        let is_asked = self.wraps || self.executes || self.name() == "find";
        let opens = self.script.is_none() && interpreter(&self.program).is_some();
        !is_asked && !opens && ANYWHERE.contains(&word.rsplit('/').next().unwrap_or_default())
    }

    /// Whether what stands behind an option is run.
    fn is_run_by(&self, flag: &str) -> bool {
        let name = self.name();
        let is_its = |(program, flags): &(&str, &[&str])| *program == name && flags.contains(&flag);
        // What runs code that it is given has options behind it that load more.
        let loads = self.script.as_deref() == Some("")
            && interpreter(name).is_some_and(|it| {
                !matches!(it.language, Some(TemplateLanguage::Python | TemplateLanguage::Shell))
            });
        OPTIONS.contains(&flag) || OPTIONS_OF.iter().any(is_its) || loads
    }

    /// Whether the program that now begins gets texts put into its own by the one that runs it.
    pub(super) fn is_fed(&self, program: &str) -> bool {
        self.again || self.fills() && interpreter(program).is_some()
    }

    /// Whether what it runs gets texts put into its arguments.
    pub(super) fn fills(&self) -> bool {
        self.is_filled || matches!(self.name(), "find" | "xargs")
    }
}

impl Walk<'_, '_> {
    /// Whether a statement, or a command in it, takes what it is given on its input for code.
    pub(super) fn runs_input(&self, statement: Node<'_>) -> bool {
        let mut runs = statement.kind() == "command" && self.command_runs_input(statement);
        each_node(statement, &mut |node, _| {
            runs = runs || node.kind() == "command" && self.command_runs_input(node);
        });
        runs
    }

    fn command_runs_input(&self, command: Node<'_>) -> bool {
        if matches!(self.reads(command), Holds::Code(_)) {
            return true;
        }
        let mut cursor = command.walk();
        let mut words = command
            .child_by_field_name("name")
            .into_iter()
            .chain(command.children_by_field_name("argument", &mut cursor))
            .map(|word| self.sketch.text(word).trim_matches(['"', '\'']));
        let mut fills = false;
        let mut runs = false;
        words.any(|word| {
            let name = word.rsplit('/').next().unwrap_or_default();
            runs |= CONTAINERS.contains(&name);
            let found = ALL.contains(&name)
                || name == "sqlite3"
                || fills && interpreter(name).is_some()
                || runs && RUN.contains(&name)
                || REMOTE.contains(&name);
            fills |= matches!(name, "xargs");
            found
        }) || self.writes_code(command)
    }

    /// Whether a command takes a here document for code that is not understood as such: a text of its own
    /// language, or one for a program on another machine.
    pub(super) fn runs_document(&self, command: Node<'_>, is_text: bool) -> bool {
        let name = command.child_by_field_name("name").map_or("", |it| self.sketch.text(it));
        name == "ssh" || is_text && self.runs_input(command)
    }

    /// Whether a command writes its input into a file of code.
    fn writes_code(&self, command: Node<'_>) -> bool {
        let mut cursor = command.walk();
        let name = command.child_by_field_name("name").map_or("", |it| self.sketch.text(it));
        name == "tee"
            && command
                .children_by_field_name("argument", &mut cursor)
                .any(|it| is_code_file(self.sketch.text(it)))
    }

    /// Whether a command of the shell compares numbers, or looks variables up, by the words of its arguments.
    pub(super) fn works_out(&self, command: Node<'_>) -> bool {
        let name = command.child_by_field_name("name").map_or("", |it| self.sketch.text(it));
        let mut cursor = command.walk();
        matches!(name, "test" | "[")
            && command
                .children_by_field_name("argument", &mut cursor)
                .any(|it| is_worked_out(self.sketch.text(it)))
    }

    /// From which stage of a pipeline on nothing takes its input for code: what is before it is read again.
    pub(super) fn read_again_before(&self, pipeline: Node<'_>) -> Range<usize> {
        let mut cursor = pipeline.walk();
        let stages: Vec<Node<'_>> = pipeline.children(&mut cursor).collect();
        0..stages.iter().rposition(|stage| self.runs_input(*stage)).unwrap_or_default()
    }
}
