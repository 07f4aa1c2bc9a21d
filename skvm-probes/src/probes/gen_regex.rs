//! `gen.regex`: a regular expression for a described set of texts.

use fancy_regex::{Regex, RegexBuilder};

use super::phrase::code;
use super::{Levels, pools};
use crate::draw::Draw;
use crate::probe::{Instance, Mismatch, by_answer};

pub(super) const LEVELS: Levels = [codes, forms, conditions];

/// Steps of backtracking that one match may take.
const BACKTRACKS: usize = 100_000;

const RULES: &str = "It is matched by a Perl-like engine without flags, in which `^` and `$` mean the start and the end \
    of the text and letters match in their own case only. The expression has to match the whole text, from `^` \
    to `$`, and no other text. Answer with the regular expression alone, on one line, without delimiters such \
    as slashes.";

/// What is described, and what follows from the description.
struct Problem {
    asked: String,
    right: String,
    wrong: Vec<(&'static str, String)>,
    matching: Vec<String>,
    others: Vec<String>,
    /// Names of groups, and what each captures of the first text that matches.
    groups: Vec<(&'static str, String)>,
}

impl Problem {
    fn into_instance(self) -> Instance {
        let Self { asked, right, wrong, matching, others, groups } = self;
        let prompt = format!("Write a regular expression. {asked} {RULES}");
        let misses = wrong.into_iter().chain([("no anchors", right.replace(['^', '$'], ""))]);
        let misses: Vec<(&str, String)> = misses.collect();
        let grader = by_answer(move |answer| check(answer, &matching, &others, &groups));
        Instance::new(prompt, right, grader)
            .with_near_misses(misses)
            .with_near_miss("nothing but text", "Use a character class for the letters.")
    }
}

fn check(
    answer: &str,
    matching: &[String],
    others: &[String],
    groups: &[(&'static str, String)],
) -> Result<(), Mismatch> {
    let expression = code(answer)?;
    let expression = expression.trim();
    let refused =
        |error: fancy_regex::Error| Mismatch::new(format!("the expression fails: {error}"));
    let regex: Regex = RegexBuilder::new(expression)
        .backtrack_limit(BACKTRACKS)
        .delegate_size_limit(1 << 20)
        .build()
        .map_err(refused)?;
    let whole = |text: &String| -> Result<bool, Mismatch> {
        let found = regex.find(text).map_err(refused)?;
        Ok(found.is_some_and(|found| found.start() == 0 && found.end() == text.len()))
    };
    for text in matching {
        if !whole(text)? {
            return Err(format!("it does not match {text:?}").into());
        }
    }
    for text in others {
        // A text that must not match must not match in part either: the expression is anchored.
        if regex.is_match(text).map_err(refused)? {
            return Err(format!("it matches {text:?}").into());
        }
    }
    let first = matching.first().map(String::as_str).unwrap_or_default();
    let captures = regex.captures(first).map_err(refused)?;
    for (name, right) in groups {
        let found = captures.as_ref().and_then(|captures| captures.name(name));
        match found.map(|found| found.as_str()) {
            Some(found) if found == right => {}
            found => {
                return Err(format!("of {first:?} the group {name} captures {found:?}").into());
            }
        }
    }
    Ok(())
}

fn digits(draw: &mut Draw, count: u64) -> String {
    (0..count).map(|_| char::from(b'0' + draw.below(10) as u8)).collect()
}

fn letters(draw: &mut Draw, count: u64) -> String {
    (0..count).map(|_| char::from(b'A' + draw.below(26) as u8)).collect()
}

/// Literals, classes, quantifiers.
fn codes(draw: &mut Draw) -> Instance {
    let capitals = draw.between(2..=4);
    let sign = draw.pick(&['-', '_', ':', '#']);
    let (fewest, most) = (draw.between(2..=3), draw.between(5..=6));
    let word = format!("{}{}", draw.pick(&pools::KEYS), draw.between(100..=999));
    let word = word.as_str();
    let asked = format!(
        "It matches texts of exactly {capitals} capital letters from A to Z, then one `{sign}`, then {fewest} to {most} \
         digits from 0 to 9, then the word `{word}`."
    );
    let mut text = |capitals: u64, sign: &str, count: u64, word: &str| {
        format!("{}{sign}{}{word}", letters(draw, capitals), digits(draw, count))
    };
    let s = sign.to_string();
    let matching = vec![
        text(capitals, &s, fewest, word),
        text(capitals, &s, most, word),
        text(capitals, &s, fewest + 1, word),
        text(capitals, &s, most - 1, word),
    ];
    let mut others = vec![
        text(capitals + 1, &s, fewest, word),
        text(capitals - 1, &s, fewest, word),
        text(capitals, &s, fewest - 1, word),
        text(capitals, &s, most + 1, word),
        text(capitals, "", fewest, word),
        text(capitals, &s, fewest, ""),
        text(capitals, &s, fewest, &format!("{word}s")),
        text(capitals, ".", fewest, word),
        text(capitals, &s, fewest, &word.to_uppercase()),
        String::new(),
    ];
    others.push(matching[0].to_lowercase());
    others.push(format!("x{}", matching[0]));
    let expression = |capital: &str, low: u64, high: u64, word: &str| {
        format!("^{capital}{{{capitals}}}{sign}[0-9]{{{low},{high}}}{word}$")
    };
    let right = expression("[A-Z]", fewest, most, word);
    let wrong = vec![
        ("small letters too", expression("[A-Za-z]", fewest, most, word)),
        ("one digit more", expression("[A-Z]", fewest, most + 1, word)),
        ("no least number", expression("[A-Z]", 0, most, word)),
        ("no word", expression("[A-Z]", fewest, most, "")),
        ("does not compile", format!("{right}(")),
    ];
    Problem { asked, right, wrong, matching, others, groups: Vec::new() }.into_instance()
}

/// Groups, alternation, anchors.
fn forms(draw: &mut Draw) -> Instance {
    let kinds: Vec<&'static str> = draw.sample(&pools::THINGS, 3);
    let unit = draw.pick(&["kg", "km", "ml", "cm", "lb", "oz"]);
    let mark = draw.pick(&["=", ":", "@"]);
    let parts = draw.between(2..=3);
    let asked = format!(
        "It matches texts of this form: one of the words `{}`, `{}` or `{}`; then, {parts} times, a `/` and one or more \
         small letters from a to z; then, optionally, a `{mark}` and a number with the unit `{unit}` directly behind \
         it. The number is one or more digits, optionally followed by a point and exactly two digits.",
        kinds[0], kinds[1], kinds[2]
    );
    let path = |count: u64| "/ab".repeat(count as usize);
    let base = path(parts);
    let matching = vec![
        format!("{}{base}{mark}{}.{}{unit}", kinds[0], draw.between(1..=99), draw.between(10..=99)),
        format!("{}{base}", kinds[1]),
        format!("{}{}{mark}{}{unit}", kinds[2], base.replace("ab", "z"), draw.between(1..=9_999)),
    ];
    let others = vec![
        format!("pony{base}"),
        format!("{}{}", kinds[0], path(parts - 1)),
        format!("{}{}", kinds[0], path(parts + 1)),
        format!("{}{base}{mark}", kinds[1]),
        format!("{}{base}{mark}5", kinds[1]),
        format!("{}{base}{mark}{unit}", kinds[1]),
        format!("{}{base}{mark}5.1{unit}", kinds[2]),
        format!("{}{base}{mark}5.123{unit}", kinds[2]),
        format!("{}{base}{mark}5x12{unit}", kinds[2]),
        format!("{}{base}{mark}.12{unit}", kinds[2]),
        format!("{}{}{mark}5{unit}", kinds[0], base.replace("ab", "Ab")),
        format!("{}{}", kinds[0], base.replace("ab", "")),
        format!("{}{}{base}", kinds[0], kinds[1]),
        format!("x{}{base}", kinds[0]),
        format!("{}{base} ", kinds[2]),
        format!("{}{base}{mark}5.10{unit}{mark}5{unit}", kinds[0]),
        kinds[0].to_owned(),
    ];
    let kinds = kinds.join("|");
    let right =
        format!("^(?:{kinds})(?:/[a-z]+){{{parts}}}(?:{mark}[0-9]+(?:\\.[0-9]{{2}})?{unit})?$");
    let wrong = vec![
        ("alternatives without a group", right.replacen(&format!("(?:{kinds})"), &kinds, 1)),
        ("any number of parts", right.replace(&format!("{{{parts}}}"), "+")),
        ("a point that is any sign", right.replace("\\.", ".")),
        ("the number is required", right.replace(")?$", ")$")),
        ("a decimal is required", right.replace(&format!(")?{unit}"), &format!("){unit}"))),
    ];
    Problem { asked, right, wrong, matching, others, groups: Vec::new() }.into_instance()
}

/// Look-around, named groups.
fn conditions(draw: &mut Draw) -> Instance {
    let year = draw.between(2001..=2099);
    // No digit of the banned number occurs in the texts unless it is meant to.
    let banned =
        draw.pick(&["00", "99", "11", "33", "55", "19", "91", "35", "53", "93", "39", "95"]);
    let length = draw.between(8..=12);
    let tail = format!(
        "{}{}",
        draw.pick(&pools::KEYS),
        draw.pick(&["2", "4", "6", "8", "24", "46", "68", "82"])
    );
    let mark = draw.pick(&['-', '_', ':', '#']);
    let asked = format!(
        "It matches texts of a year of exactly four digits, a `{mark}`, and a key. The key has at least {length} \
         characters, all of them small letters from a to z or digits from 0 to 9; it contains at least one small \
         letter and at least one digit; it nowhere contains `{banned}`; and it does not end with `{tail}`. The \
         group named `year` captures the year, and the group named `key` captures the key, in the syntax \
         `(?<name>...)`."
    );
    let key = |body: &str| {
        let fill = "abcdefghkmnp2468";
        let rest = length as usize - body.len().min(length as usize);
        format!("{}{body}", fill.chars().rev().take(rest).collect::<String>())
    };
    let first = key("x4y");
    let matching = vec![
        format!("{year}{mark}{first}"),
        format!("{year}{mark}{}{tail}z", key("q6")),
        format!("{year}{mark}{}z", key("2a8")),
        format!("{year}{mark}{}", "7".repeat(length as usize - 1) + "b"),
    ];
    let others = vec![
        format!("{year}{mark}{}", key(&format!("{banned}q"))),
        format!("{year}{mark}{banned}{}", key("ab6")),
        format!("{year}{mark}{}4{banned}", key("ab")),
        format!("{year}{mark}4{}{tail}", key("ab")),
        format!("{year}{mark}{}", "a".repeat(length as usize)),
        format!("{year}{mark}{}", "7".repeat(length as usize + 1)),
        format!("{year}{mark}{}", &first[1..]),
        format!("{year}{mark}{}", first.to_uppercase()),
        format!("{year}{mark}{}_", first),
        format!("{}{mark}{first}", year % 1000),
        format!("{year}{first}"),
        format!("1{year}{mark}{first}"),
        String::new(),
    ];
    let expression = |ahead: &str, class: &str, behind: &str| {
        format!("^(?<year>[0-9]{{4}}){mark}{ahead}(?<key>{class}{{{length},}}){behind}$")
    };
    let ahead = format!("(?=.*[a-z])(?=[a-z]*[0-9])(?!.*{banned})");
    let class = "[a-z0-9]";
    let behind = format!("(?<!{tail})");
    let right = expression(&ahead, class, &behind);
    let wrong = vec![
        ("no digit is needed", expression(&ahead.replace("(?=[a-z]*[0-9])", ""), class, &behind)),
        ("no letter is needed", expression(&ahead.replace("(?=.*[a-z])", ""), class, &behind)),
        (
            "the banned digits may stand",
            expression(&ahead.replace(&format!("(?!.*{banned})"), ""), class, &behind),
        ),
        ("any end will do", expression(&ahead, class, "")),
        ("groups without names", right.replace("?<year>", "").replace("?<key>", "")),
        (
            "too short a key",
            right.replace(&format!("{{{length},}}"), &format!("{{{},}}", length - 1)),
        ),
    ];
    let groups = vec![("year", year.to_string()), ("key", first)];
    Problem { asked, right, wrong, matching, others, groups }.into_instance()
}
