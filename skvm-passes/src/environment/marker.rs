//! Environment markers (PEP 508): conditions such as `python_version < "3.11"`.

use skvm_core::host::{HostFacts, OsFamily};

use super::version::python_satisfies;

/// Longest marker, and deepest brackets, that are read.
const MAX_BYTES: usize = 1000;
const MAX_DEPTH: usize = 16;

/// Whether a text is a marker.
pub(super) fn is_wellformed(text: &str) -> bool {
    read(text, &|_, _, _| Some(true)).is_some()
}

/// Whether a marker holds on a machine; `None` when it is no marker, or asks for what is not known.
pub(super) fn holds(text: &str, host: &HostFacts) -> Option<bool> {
    read(text, &|variable, operator, value| compare(host, variable, operator, value))?
}

type Compare<'a> = &'a dyn Fn(&str, &str, &str) -> Option<bool>;

/// Reads a marker; the outer `None` says that it is none, the inner that its value is not known.
fn read(text: &str, compare: Compare<'_>) -> Option<Option<bool>> {
    let tokens = tokens(text)?;
    let mut reader = Reader { tokens: &tokens, compare };
    let value = reader.any(0)?;
    reader.tokens.is_empty().then_some(value)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'t> {
    Open,
    Close,
    Word(&'t str),
    Operator(&'t str),
    Value(&'t str),
}

fn tokens(text: &str) -> Option<Vec<Token<'_>>> {
    let mut tokens = Vec::new();
    let mut rest = text.trim();
    if rest.is_empty() || rest.len() > MAX_BYTES {
        return None;
    }
    while let Some(first) = rest.chars().next() {
        let end_of =
            |is_part: fn(char) -> bool| rest.find(|c: char| !is_part(c)).unwrap_or(rest.len());
        let (token, length) = match first {
            '(' => (Token::Open, 1),
            ')' => (Token::Close, 1),
            '"' | '\'' => {
                let end = rest.get(1..)?.find(first)? + 1;
                let value = rest.get(1..end)?;
                let is_plain = |c: char| c.is_ascii_alphanumeric() || " .,_-+*#:~".contains(c);
                if !value.chars().all(is_plain) {
                    return None;
                }
                (Token::Value(value), end + 1)
            }
            '<' | '>' | '=' | '!' | '~' => {
                let end = end_of(|c| matches!(c, '<' | '>' | '=' | '!' | '~'));
                (Token::Operator(rest.get(..end)?), end)
            }
            c if c.is_ascii_alphabetic() => {
                let end = end_of(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'));
                (Token::Word(rest.get(..end)?), end)
            }
            _ => return None,
        };
        tokens.push(token);
        rest = rest.get(length..)?.trim_start();
    }
    Some(tokens)
}

struct Reader<'r, 't> {
    tokens: &'r [Token<'t>],
    compare: Compare<'r>,
}

impl<'t> Reader<'_, 't> {
    fn next(&mut self) -> Option<Token<'t>> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(*first)
    }

    fn skip(&mut self, token: Token<'_>) -> bool {
        let found = self.tokens.first() == Some(&token);
        if found {
            self.next();
        }
        found
    }

    fn any(&mut self, depth: usize) -> Option<Option<bool>> {
        let mut value = self.all(depth)?;
        while self.skip(Token::Word("or")) {
            value = match (value, self.all(depth)?) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            };
        }
        Some(value)
    }

    fn all(&mut self, depth: usize) -> Option<Option<bool>> {
        let mut value = self.one(depth)?;
        while self.skip(Token::Word("and")) {
            value = match (value, self.one(depth)?) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            };
        }
        Some(value)
    }

    fn one(&mut self, depth: usize) -> Option<Option<bool>> {
        if depth > MAX_DEPTH {
            return None;
        }
        if self.skip(Token::Open) {
            let value = self.any(depth + 1)?;
            return self.skip(Token::Close).then_some(value);
        }
        let left = self.next()?;
        let operator = match self.next()? {
            Token::Operator(operator @ ("==" | "!=" | "<" | "<=" | ">" | ">=" | "~=" | "===")) => {
                operator
            }
            Token::Word("in") => "in",
            Token::Word("not") if self.skip(Token::Word("in")) => "not in",
            _ => return None,
        };
        match (left, self.next()?) {
            (Token::Word(variable), Token::Value(value)) if is_variable(variable) => {
                Some((self.compare)(variable, operator, value))
            }
            (Token::Value(value), Token::Word(variable)) if is_variable(variable) => {
                Some((self.compare)(variable, mirrored(operator)?, value))
            }
            _ => None,
        }
    }
}

/// The operator with its sides exchanged; `in` is kept apart as one that asks for the value in the
/// variable.
fn mirrored(operator: &str) -> Option<&str> {
    Some(match operator {
        "<" => ">",
        "<=" => ">=",
        ">" => "<",
        ">=" => "<=",
        "in" => "has",
        "not in" => "has not",
        "==" | "!=" => operator,
        _ => return None,
    })
}

fn is_variable(word: &str) -> bool {
    matches!(
        word,
        "python_version"
            | "python_full_version"
            | "os_name"
            | "sys_platform"
            | "platform_release"
            | "platform_system"
            | "platform_version"
            | "platform_machine"
            | "platform_python_implementation"
            | "implementation_name"
            | "implementation_version"
            | "extra"
    )
}

fn compare(host: &HostFacts, variable: &str, operator: &str, value: &str) -> Option<bool> {
    let python = host.python.as_ref().map(|python| python.version.as_str());
    let fact = match variable {
        "python_version" => {
            let mut numbers = python?.split('.');
            let version = format!("{}.{}", numbers.next()?, numbers.next()?);
            return version_holds(&version, operator, value);
        }
        "python_full_version" => return version_holds(python?, operator, value),
        "sys_platform" => match host.os {
            OsFamily::Linux => "linux",
            OsFamily::MacOs => "darwin",
            OsFamily::Windows => "win32",
            OsFamily::Other => return None,
        },
        "platform_system" => match host.os {
            OsFamily::Linux => "Linux",
            OsFamily::MacOs => "Darwin",
            OsFamily::Windows => "Windows",
            OsFamily::Other => return None,
        },
        "os_name" => match host.os {
            OsFamily::Windows => "nt",
            OsFamily::Linux | OsFamily::MacOs => "posix",
            OsFamily::Other => return None,
        },
        "platform_machine" => match (host.os, host.arch.as_str()) {
            (OsFamily::MacOs, "aarch64") => "arm64",
            (_, arch) => arch,
        },
        // What is asked for are the extras of a project, and this is none.
        "extra" => "",
        _ => return None,
    };
    Some(match operator {
        "==" | "===" => fact == value,
        "!=" => fact != value,
        "in" => value.split([' ', ',']).any(|word| word == fact),
        "not in" => !value.split([' ', ',']).any(|word| word == fact),
        "has" => fact.contains(value),
        "has not" => !fact.contains(value),
        _ => return None,
    })
}

fn version_holds(version: &str, operator: &str, value: &str) -> Option<bool> {
    match operator {
        "in" => Some(value.split([' ', ',']).any(|word| word == version)),
        "not in" => Some(!value.split([' ', ',']).any(|word| word == version)),
        _ => python_satisfies(version, &format!("{operator}{value}")),
    }
}

#[cfg(test)]
mod tests {
    use skvm_core::host::Interpreter;

    use super::*;

    #[test]
    fn markers_hold_or_not_on_a_machine() {
        let linux = HostFacts::new(OsFamily::Linux, "x86_64")
            .with_python(Interpreter::new("python3", "3.11.7"));
        let cases = [
            ("python_version < \"3.12\"", Some(true)),
            ("python_version >= '3.12'", Some(false)),
            ("sys_platform == 'win32'", Some(false)),
            ("sys_platform != 'win32' and python_version > '3.8'", Some(true)),
            (
                "(os_name == 'nt' or platform_system == 'Linux') and python_full_version >= '3.11.7'",
                Some(true),
            ),
            ("'linux' in sys_platform", Some(true)),
            ("platform_machine in 'x86_64 arm64'", Some(true)),
            ("platform_machine not in 'x86_64'", Some(false)),
            ("extra == 'dev'", Some(false)),
            ("platform_release == '6'", None),
            ("platform_release == '6' and sys_platform == 'win32'", Some(false)),
        ];
        for (marker, expected) in cases {
            assert!(is_wellformed(marker), "{marker}");
            assert_eq!(holds(marker, &linux), expected, "{marker}");
        }
    }

    #[test]
    fn what_is_no_marker_is_refused() {
        let deep = format!("{}os_name == 'a'{}", "(".repeat(99), ")".repeat(99));
        for text in [
            "",
            "rm -rf ~",
            "$(id)",
            "python_version",
            "python_version <",
            "python_version < 3",
            "python_version < \"$(id)\"",
            "python_version < \"3\" --option",
            "x == 'a'",
            "(os_name == 'a'",
            "os_name == 'a' or",
            "os_name == \"a\n\"",
            "'a' == 'b'",
            &deep,
        ] {
            assert!(!is_wellformed(text), "{text}");
        }
    }
}
