//! Which commands are programs that have to be installed, and what installs them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use skvm_core::artifact::Package;
use skvm_core::host::PackageManager;

/// Words that a shell understands by itself.
const BUILTINS: [&str; 63] = [
    ".",
    ":",
    "[",
    "[[",
    "alias",
    "bg",
    "break",
    "builtin",
    "caller",
    "case",
    "cd",
    "command",
    "compgen",
    "complete",
    "compopt",
    "continue",
    "declare",
    "dirs",
    "disown",
    "echo",
    "enable",
    "eval",
    "exec",
    "exit",
    "export",
    "false",
    "fc",
    "fg",
    "function",
    "getopts",
    "hash",
    "help",
    "history",
    "jobs",
    "let",
    "local",
    "logout",
    "mapfile",
    "popd",
    "printf",
    "pushd",
    "pwd",
    "read",
    "readarray",
    "readonly",
    "return",
    "select",
    "set",
    "shift",
    "shopt",
    "source",
    "suspend",
    "test",
    "times",
    "trap",
    "true",
    "type",
    "typeset",
    "ulimit",
    "umask",
    "unalias",
    "unset",
    "wait",
];

/// Programs of a POSIX system and of GNU coreutils, findutils, grep, sed and tar.
const CORE: [&str; 121] = [
    "arch",
    "awk",
    "b2sum",
    "base64",
    "basename",
    "basenc",
    "bash",
    "cat",
    "chcon",
    "chgrp",
    "chmod",
    "chown",
    "chroot",
    "cksum",
    "cmp",
    "comm",
    "cp",
    "csplit",
    "cut",
    "date",
    "dd",
    "df",
    "diff",
    "dir",
    "dircolors",
    "dirname",
    "du",
    "egrep",
    "env",
    "expand",
    "expr",
    "factor",
    "fgrep",
    "file",
    "find",
    "fmt",
    "fold",
    "grep",
    "groups",
    "gunzip",
    "gzip",
    "head",
    "hostid",
    "hostname",
    "id",
    "install",
    "join",
    "kill",
    "less",
    "link",
    "ln",
    "logname",
    "ls",
    "md5sum",
    "mkdir",
    "mkfifo",
    "mknod",
    "mktemp",
    "more",
    "mv",
    "nice",
    "nl",
    "nohup",
    "nproc",
    "numfmt",
    "od",
    "paste",
    "pathchk",
    "pinky",
    "pkill",
    "pr",
    "printenv",
    "ps",
    "ptx",
    "readlink",
    "realpath",
    "rm",
    "rmdir",
    "runcon",
    "sed",
    "seq",
    "sh",
    "sha1sum",
    "sha224sum",
    "sha256sum",
    "sha384sum",
    "sha512sum",
    "shred",
    "shuf",
    "sleep",
    "sort",
    "split",
    "stat",
    "stdbuf",
    "stty",
    "sudo",
    "sum",
    "sync",
    "tac",
    "tail",
    "tar",
    "tee",
    "time",
    "timeout",
    "touch",
    "tr",
    "truncate",
    "tsort",
    "tty",
    "uname",
    "unexpand",
    "uniq",
    "unlink",
    "users",
    "vdir",
    "wc",
    "which",
    "who",
    "whoami",
    "xargs",
    "yes",
];

/// Whether a command is a program that a skill needs on the machine.
pub(in super::super) fn is_dependency(program: &str) -> bool {
    is_name(program)
        && BUILTINS.binary_search(&program).is_err()
        && CORE.binary_search(&program).is_err()
}

/// Whether a word has the form of a program's or a package's name: no capitals, which are
/// placeholders, and a dot only in front of a digit, which tells `python3.11` from `console.log`.
pub(in super::super) fn is_name(word: &str) -> bool {
    let bytes = word.as_bytes();
    bytes.first().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        && bytes.iter().any(u8::is_ascii_lowercase)
        && bytes.iter().enumerate().all(|(at, b)| match b {
            b'.' => bytes.get(at + 1).is_some_and(u8::is_ascii_digit),
            b'-' | b'_' | b'+' => true,
            other => other.is_ascii_lowercase() || other.is_ascii_digit(),
        })
}

/// The runtime that a program belongs to, when it is one.
pub(in super::super) fn runtime(program: &str) -> Option<&'static str> {
    match program {
        "python" | "python3" | "py" | "pip" | "pip3" => Some("python"),
        "node" | "nodejs" | "npm" | "npx" => Some("node"),
        _ => None,
    }
}

/// Whether a program is Python: `python`, `python3`, `python3.11`.
pub(in super::super) fn is_python(program: &str) -> bool {
    program == "py"
        || program
            .strip_prefix("python")
            .is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit() || b == b'.'))
}

/// Whether a program is pip: `pip`, `pip3`, `pip3.11`.
pub(in super::super) fn is_pip(program: &str) -> bool {
    let version = program.strip_prefix("pip");
    version.is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit() || b == b'.'))
}

/// Whether a program is in the table.
pub(in super::super) fn is_known(program: &str) -> bool {
    PACKAGES.contains_key(program)
}

/// The packages that are known to install a program.
pub(in super::super) fn packages(program: &str) -> Vec<Package> {
    let known = PACKAGES.get(program).map(Vec::as_slice).unwrap_or_default();
    known
        .iter()
        .map(|(manager, name)| Package { manager: *manager, name: (*name).to_owned() })
        .collect()
}

/// The programs that a package is known to install.
pub(in super::super) fn of_package(manager: PackageManager, package: &str) -> Vec<&'static str> {
    let brings = |packages: &Vec<(PackageManager, &str)>| packages.contains(&(manager, package));
    PACKAGES.iter().filter(|(_, packages)| brings(packages)).map(|(program, _)| *program).collect()
}

/// The npm package that brings a program which `npx` is told to run.
pub(in super::super) fn npm_package(program: &str) -> &str {
    let known = PACKAGES.get(program).map(Vec::as_slice).unwrap_or_default();
    let of_npm = known.iter().find(|(manager, _)| *manager == PackageManager::Npm);
    of_npm.map_or(program, |(_, package)| package)
}

/// Whether a package of a system is a library, headers, fonts: no program.
pub(in super::super) fn is_library(package: &str) -> bool {
    package.ends_with("-dev")
        || package.ends_with("-devel")
        || ["lib", "python3-", "fonts-", "font-", "ttf-", "build-essential", "ca-certificates"]
            .iter()
            .any(|start| package.starts_with(start))
}

/// Whether a program is there on macOS only.
pub(in super::super) fn is_of_mac(program: &str) -> bool {
    [
        "osascript",
        "launchctl",
        "pbcopy",
        "pbpaste",
        "defaults",
        "sw_vers",
        "mdfind",
        "shortcuts",
        "xcrun",
        "security",
        "dns-sd",
    ]
    .contains(&program)
}

/// The service that a program is a client of.
pub(in super::super) fn service(program: &str) -> Option<&'static str> {
    Some(match program {
        "docker" | "docker-compose" => "docker",
        "psql" | "pg_dump" => "postgresql",
        "redis-cli" => "redis",
        "mongosh" | "mongo" => "mongodb",
        "mysql" | "mysqldump" => "mysql",
        "kubectl" | "helm" => "kubernetes",
        "ollama" => "ollama",
        _ => return None,
    })
}

/// Arguments with which a program tells its version and does nothing else; none for a program that is
/// not known: what it would do with them is not known either.
pub(in super::super) fn version_arguments(program: &str) -> Vec<String> {
    let arguments: &[&str] = match program {
        "ffmpeg" | "ffprobe" | "ffplay" | "java" | "javac" | "convert" | "identify" | "magick" => {
            &["-version"]
        }
        "ssh" | "dot" | "tmux" => &["-V"],
        "pdftotext" | "pdftoppm" | "pdfinfo" | "pdfimages" | "unzip" | "zip" | "lsof"
        | "screen" => &["-v"],
        "go" | "openssl" | "hugo" | "terraform" | "helm" | "age" => &["version"],
        "kubectl" => &["version", "--client"],
        _ if is_known(program) || runtime(program).is_some() => &["--version"],
        _ => &[],
    };
    arguments.iter().map(|argument| (*argument).to_owned()).collect()
}

/// Programs and the packages that install them.
static PACKAGES: LazyLock<BTreeMap<&str, Vec<(PackageManager, &str)>>> = LazyLock::new(|| {
    let rows = include_str!("programs.tsv").lines().filter_map(|line| {
        let (program, packages) = line.split_once('\t')?;
        let packages = packages.split(';').filter_map(|package| {
            let (manager, name) = package.split_once('=')?;
            Some((manager_of(manager)?, name))
        });
        Some((program, packages.collect()))
    });
    rows.collect()
});

fn manager_of(word: &str) -> Option<PackageManager> {
    Some(match word {
        "apt" => PackageManager::Apt,
        "dnf" => PackageManager::Dnf,
        "apk" => PackageManager::Apk,
        "brew" => PackageManager::Brew,
        "npm" => PackageManager::Npm,
        "pypi" => PackageManager::Pip,
        "cargo" => PackageManager::Cargo,
        "go" => PackageManager::Go,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_sorted_for_the_search() {
        assert!(BUILTINS.is_sorted());
        assert!(CORE.is_sorted());
        let lines: Vec<&str> = include_str!("programs.tsv").lines().collect();
        assert!(lines.is_sorted() && lines.len() > 20);
        assert_eq!(lines.len(), PACKAGES.len(), "a program stands there once");
        for line in lines {
            let (_, packages) = line.split_once('\t').unwrap();
            for package in packages.split(';') {
                let (manager, name) = package.split_once('=').unwrap();
                assert!(manager_of(manager).is_some() && !name.is_empty(), "{line}");
            }
        }
    }

    #[test]
    fn placeholders_and_builtins_are_no_dependencies() {
        for program in ["cd", "ls", "XXXX", "", "$X", "YOUR_TOOL", "-x"] {
            assert!(!is_dependency(program), "{program}");
        }
        assert!(is_dependency("jq"));
    }
}
