//! Programs that read a program in their arguments first, and then files.

use super::command::Arguments;

/// What is known of a program whose first operand is a program, and whose others are files.
pub(super) struct TextFirst {
    /// Letters of options that have no value.
    switches: &'static str,
    /// Letters of those that may have a suffix as a part of them.
    suffixed: &'static str,
    /// Letters of those that have a value.
    valued: &'static str,
    /// Letters of those whose value is the program.
    texts: &'static str,
    /// Long options that have no value.
    long: &'static [&'static str],
    /// Long options with values, and how many.
    long_valued: &'static [(&'static str, usize)],
    /// Long options whose value is the program.
    long_texts: &'static [&'static str],
}

const SED: TextFirst = TextFirst {
    switches: "nrEsuzb",
    suffixed: "i",
    valued: "l",
    texts: "ef",
    long: &["--quiet", "--silent", "--regexp-extended", "--null-data", "--in-place"],
    long_valued: &[],
    long_texts: &["--expression", "--file"],
};

const AWK: TextFirst = TextFirst {
    switches: "",
    suffixed: "",
    valued: "Fv",
    texts: "f",
    long: &[],
    long_valued: &[],
    long_texts: &["--file"],
};

const JQ: TextFirst = TextFirst {
    switches: "rcsnejSaRCM",
    suffixed: "",
    valued: "L",
    texts: "f",
    long: &[
        "--color-output",
        "--compact-output",
        "--exit-status",
        "--join-output",
        "--null-input",
        "--raw-input",
        "--raw-output",
        "--slurp",
        "--sort-keys",
        "--tab",
    ],
    long_valued: &[
        ("--arg", 2),
        ("--argjson", 2),
        ("--indent", 1),
        ("--rawfile", 2),
        ("--slurpfile", 2),
    ],
    long_texts: &["--from-file"],
};

const YQ: TextFirst = TextFirst {
    switches: "irPnNMC",
    suffixed: "",
    valued: "op",
    texts: "",
    long: &["--inplace", "--no-doc", "--prettyPrint"],
    long_valued: &[],
    long_texts: &[],
};

/// Sub-commands of `yq` before its program.
const OF_YQ: [&str; 4] = ["e", "ea", "eval", "eval-all"];

pub(super) fn text_first(name: &str) -> Option<&'static TextFirst> {
    match name {
        "sed" | "gsed" => Some(&SED),
        "awk" | "gawk" | "mawk" | "nawk" => Some(&AWK),
        "jq" | "gojq" => Some(&JQ),
        "yq" => Some(&YQ),
        _ => None,
    }
}

impl TextFirst {
    /// How many values an option has behind it, and whether one is the program; `None` when it is not known.
    fn option(&self, option: &str) -> Option<(usize, bool)> {
        if option == "--" {
            return Some((0, false));
        }
        if option.starts_with("--") {
            return self.long_option(option);
        }
        self.letters(option.strip_prefix('-')?)
    }

    fn letters(&self, letters: &str) -> Option<(usize, bool)> {
        for (at, letter) in letters.char_indices() {
            let is_last = at + letter.len_utf8() == letters.len();
            match letter {
                _ if self.texts.contains(letter) => return Some((usize::from(is_last), true)),
                _ if self.valued.contains(letter) => return Some((usize::from(is_last), false)),
                _ if self.suffixed.contains(letter) => return Some((0, false)),
                _ if self.switches.contains(letter) => {}
                _ => return None,
            }
        }
        Some((0, false))
    }

    fn long_option(&self, option: &str) -> Option<(usize, bool)> {
        let (name, is_whole) = match option.split_once('=') {
            Some((name, _)) => (name, false),
            None => (option, true),
        };
        if self.long_texts.contains(&name) {
            return Some((usize::from(is_whole), true));
        }
        let valued = self.long_valued.iter().find(|(known, _)| *known == name);
        match valued {
            Some((_, count)) => Some((*count, false)),
            None => self.long.contains(&name).then_some((0, false)),
        }
    }
}

/// How far the program in the arguments is read.
#[derive(Default)]
pub(super) struct Text {
    /// It was there.
    is_seen: bool,
    /// Values of an option that are still to come.
    pending: usize,
}

impl Arguments {
    /// Whether the next argument is the program of a program that reads one, or may be. Counts it.
    pub(super) fn next_is_text(
        &mut self,
        begin: Option<&str>,
        option: Option<&str>,
        is_whole: bool,
    ) -> bool {
        if self.name() == "sqlite3" {
            // The first operand is a file, if no option has a value before it.
            self.text.is_seen |= option.is_some();
            return std::mem::replace(&mut self.text.is_seen, true);
        }
        let Some(known) = text_first(self.name()) else { return false };
        if let Some(option) = option {
            match known.option(option).filter(|_| is_whole) {
                Some((values, is_text)) => {
                    self.text.pending = values;
                    self.text.is_seen |= is_text;
                }
                // Whatever comes may be its value.
                None => self.again = true,
            }
            return true;
        }
        if self.text.pending > 0 {
            self.text.pending -= 1;
            return true;
        }
        self.again |= self.name() == "yq" && self.commands > 0 && !OF_YQ.contains(&&*self.command);
        let was_seen = self.text.is_seen;
        self.text.is_seen |= !self.is_before_text(begin, is_whole);
        self.again || !was_seen
    }

    /// Whether a word that is no option stands before the program: a sub-command, or the suffix of
    /// `sed -i '' s/a/b/ file`, as some have it.
    fn is_before_text(&self, word: Option<&str>, is_whole: bool) -> bool {
        match self.name() {
            "yq" => word.is_some_and(|it| OF_YQ.contains(&it)),
            "sed" | "gsed" => {
                let may_be = |it: &str| it.is_empty() || it.starts_with('.') || !is_whole;
                self.flag.as_deref() == Some("-i") && word.is_none_or(may_be)
            }
            _ => false,
        }
    }
}
