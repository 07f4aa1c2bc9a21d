//! What is known of programs: sub-commands, wrappers, interpreters.

use skvm_core::artifact::TemplateLanguage;

/// Commands whose arguments are names of variables that they set.
pub(super) const READERS: [&str; 4] = ["read", "mapfile", "readarray", "getopts"];

/// Options of [`READERS`] that have a value.
pub(super) const READER_OPTIONS: [&str; 9] = ["-p", "-d", "-n", "-N", "-t", "-u", "-i", "-s", "-c"];

/// Programs whose first argument is an operand also when it is a plain lower-case word.
pub(super) const TAKE_OPERANDS: [&str; 41] = [
    "[",
    "awk",
    "basename",
    "cat",
    "cd",
    "chmod",
    "chown",
    "cp",
    "curl",
    "cut",
    "diff",
    "dirname",
    "du",
    "echo",
    "export",
    "find",
    "grep",
    "head",
    "jq",
    "kill",
    "ln",
    "ls",
    "mkdir",
    "mv",
    "pdftotext",
    "printf",
    "rg",
    "rm",
    "rmdir",
    "sed",
    "sleep",
    "sort",
    "tail",
    "tee",
    "test",
    "touch",
    "tr",
    "uniq",
    "wc",
    "wget",
    "which",
];

/// Programs whose sub-commands have sub-commands.
pub(super) const DEEP: [&str; 8] =
    ["aws", "az", "docker", "gcloud", "gh", "kubectl", "openstack", "uv"];

/// Sub-commands of others that have sub-commands.
pub(super) const DEEP_COMMANDS: [(&str, &[&str]); 9] = [
    ("conda", &["env"]),
    ("git", &["bisect", "lfs", "notes", "reflog", "remote", "stash", "submodule", "worktree"]),
    ("go", &["mod", "tool", "work"]),
    ("helm", &["repo"]),
    ("npm", &["config", "exec", "run", "run-script", "x"]),
    ("pip", &["cache", "config"]),
    ("pnpm", &["dlx", "exec", "run"]),
    ("terraform", &["state", "workspace"]),
    ("yarn", &["dlx", "run", "workspace"]),
];

/// Programs with sub-commands that are known to have options before them.
pub(super) const HAVE_COMMANDS: [&str; 24] = [
    "apt",
    "apt-get",
    "aws",
    "az",
    "brew",
    "cargo",
    "conda",
    "docker",
    "gcloud",
    "gh",
    "git",
    "go",
    "helm",
    "kubectl",
    "npm",
    "pip",
    "pip3",
    "pnpm",
    "poetry",
    "systemctl",
    "terraform",
    "uv",
    "yarn",
    "openstack",
];

/// Programs that run the program in their arguments.
pub(super) const WRAPPERS: [&str; 20] = [
    "builtin", "bunx", "command", "doas", "env", "exec", "ionice", "nice", "nohup", "npx",
    "parallel", "pkexec", "setsid", "stdbuf", "sudo", "time", "timeout", "uvx", "watch", "xargs",
];

/// Programs whose sub-command `run` runs the program in its arguments.
pub(super) const RUNNERS: [&str; 7] = ["conda", "hatch", "pdm", "pipenv", "pipx", "poetry", "uv"];

/// Options of [`WRAPPERS`] that have no value.
pub(super) const SWITCHES: [&str; 16] = [
    "-0",
    "-E",
    "-H",
    "-S",
    "-p",
    "-q",
    "-r",
    "-t",
    "-v",
    "-y",
    "--foreground",
    "--no-sync",
    "--null",
    "--quiet",
    "--yes",
    "--no-run-if-empty",
];

/// Commands whose arguments the shell reads as code.
pub(super) const READ_AS_CODE: [&str; 4] = ["alias", "eval", "let", "trap"];

/// What runs a script.
pub(super) struct Interpreter {
    /// `None` for one that has no shapes.
    pub(super) language: Option<TemplateLanguage>,
    /// The letter of the option whose value is code.
    pub(super) letter: char,
    /// Its long name.
    pub(super) long: &'static str,
    /// Words that are no scripts.
    pub(super) commands: &'static [&'static str],
}

pub(super) fn interpreter(program: &str) -> Option<Interpreter> {
    use TemplateLanguage::{JavaScript, Python, Shell};
    let name = program.rsplit('/').next().unwrap_or(program);
    let (language, letter, long) = match name {
        "sh" | "bash" | "dash" | "zsh" | "ksh" => (Some(Shell), 'c', ""),
        "node" | "bun" => (Some(JavaScript), 'e', "--eval"),
        "ruby" | "perl" | "deno" | "Rscript" => (None, 'e', ""),
        "php" => (None, 'r', "--run"),
        "source" | "." => (None, '\0', ""),
        _ if name == "python" || name.starts_with("python3") || name == "python2" => {
            (Some(Python), 'c', "")
        }
        _ => return None,
    };
    let commands: &[&str] = match name {
        "bun" | "deno" => &["eval", "exec", "run", "test", "x"],
        _ => &[],
    };
    Some(Interpreter { language, letter, long, commands })
}

impl Interpreter {
    /// Whether the value of an option is code: `-c`, also with others as in `-lc`.
    pub(super) fn takes_code(&self, flag: &str) -> bool {
        flag == self.long
            || flag.strip_prefix('-').is_some_and(|letters| {
                letters.ends_with(self.letter) && letters.bytes().all(|b| b.is_ascii_alphabetic())
            })
    }
}

/// The language of a file by its name.
pub(super) fn language_of(path: &str) -> Option<TemplateLanguage> {
    match path.rsplit_once('.')?.1 {
        "py" => Some(TemplateLanguage::Python),
        "sh" | "bash" => Some(TemplateLanguage::Shell),
        "js" | "mjs" | "cjs" | "ts" => Some(TemplateLanguage::JavaScript),
        _ => None,
    }
}

/// Endings of files of code, besides those in languages that have shapes.
const CODE_ENDINGS: [&str; 22] = [
    "R", "awk", "bat", "cmd", "fish", "htm", "html", "ksh", "lua", "mk", "php", "pl", "ps1", "r",
    "rb", "sed", "service", "sql", "svg", "vim", "xml", "zsh",
];

/// Names of files that shells and build tools read as code.
const CODE_FILES: [&str; 15] = [
    ".bash_aliases",
    ".bash_profile",
    ".bashrc",
    ".env",
    ".envrc",
    ".gitconfig",
    ".profile",
    ".vimrc",
    ".zprofile",
    ".zshenv",
    ".zshrc",
    "Dockerfile",
    "Makefile",
    "config.fish",
    "crontab",
];

/// Whether a file holds code, by its name as it is written.
pub(super) fn is_code_file(written: &str) -> bool {
    let path = written.trim_matches(['"', '\'']);
    let name = path.rsplit('/').next().unwrap_or_default();
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    language_of(name).is_some() || CODE_ENDINGS.contains(&ending) || CODE_FILES.contains(&name)
}

/// Whether a text can be the name of a variable.
pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}
