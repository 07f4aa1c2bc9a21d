//! `gen.text.long`: a text that goes on to its end without losing its structure.

use super::phrase::words;
use super::{Levels, pools};
use crate::draw::Draw;
use crate::probe::{Instance, Mismatch, by_answer};

pub(super) const LEVELS: Levels = [
    |draw| list(draw, &Shape { parts: 1, lines: 6, words: (6, 20), bytes: (200, 1_000) }),
    |draw| list(draw, &Shape { parts: 4, lines: 5, words: (8, 25), bytes: (1_000, 5_000) }),
    |draw| list(draw, &Shape { parts: 8, lines: 7, words: (14, 40), bytes: (5_000, 20_000) }),
];

/// How much is asked for.
#[derive(Debug, Clone, Copy)]
struct Shape {
    parts: usize,
    lines: usize,
    /// Fewest and most words of a line's sentence.
    words: (usize, usize),
    /// Fewest and most bytes of everything.
    bytes: (usize, usize),
}

/// Numbered lines about things, in parts between delimiters.
fn list(draw: &mut Draw, shape: &Shape) -> Instance {
    let Shape { parts, lines, words: (fewest, most), bytes: (least, limit) } = *shape;
    let topics: Vec<&'static str> = draw.sample(&pools::KEYS, parts);
    let things: Vec<Vec<&'static str>> =
        topics.iter().map(|_| draw.sample(&pools::THINGS, lines)).collect();
    let end = format!("END OF TEXT {}", draw.between(1_000..=9_999));
    let plan: String = topics
        .iter()
        .zip(&things)
        .map(|(topic, things)| format!("- part {topic}: {}\n", things.join(", ")))
        .collect();
    let prompt = format!(
        "Write a text about everyday things. It has the parts below, in this order. Each part begins with the \
         line `=== BEGIN <part> ===` and ends with the line `=== END <part> ===`, with the part's name in place \
         of `<part>`. Between them stand exactly {lines} lines, one for each thing of the part in the order \
         given: the line's number within the part, a full stop, one space, and one sentence of {fewest} to \
         {most} words that contains the name of the thing, in small letters, as a word of its own. There are \
         no other lines but empty ones, which may stand anywhere, and the very last line of the text is `{end}`. The whole text has more than {least} and \
         fewer than {limit} bytes. Write all of it out; nothing is left out or abbreviated. Answer with the text \
         alone.\n\nThe parts and their things:\n{plan}"
    );
    let count = (fewest + most) / 2;
    let write = |topics: &[&str], things: &[Vec<&str>], words: usize, end: &str| {
        let mut text = String::new();
        for (topic, things) in topics.iter().zip(things) {
            text.push_str(&format!("=== BEGIN {topic} ===\n"));
            for (at, thing) in things.iter().enumerate() {
                text.push_str(&format!("{}. {}\n", at + 1, sentence(thing, words)));
            }
            text.push_str(&format!("=== END {topic} ===\n\n"));
        }
        text.push_str(end);
        text
    };
    let right = write(&topics, &things, count, &end);
    let mut turned = things.clone();
    turned.iter_mut().for_each(|things| things.reverse());
    let shorter: Vec<Vec<&str>> =
        things.iter().map(|things| things.iter().skip(1).copied().collect()).collect();
    let last = topics.last().copied().unwrap_or_default();
    let misses = vec![
        ("the end is missing", write(&topics, &things, count, "")),
        ("things are out of order", write(&topics, &turned, count, &end)),
        ("a line is missing in each part", write(&topics, &shorter, count, &end)),
        ("sentences are too short", write(&topics, &things, 3, &end)),
        ("a delimiter is lost", right.replace(&format!("=== END {last} ===\n"), "")),
        ("it is abbreviated", {
            let from = right.find("2. ").unwrap_or(0);
            let to = right.find("=== END").unwrap_or(from);
            format!("{}...\n{}", &right[..from], &right[to..])
        }),
        ("words follow the end", format!("{right}\nI hope this helps.")),
    ];
    let shape = *shape;
    let grader = by_answer(move |answer| check(answer, &topics, &things, &end, shape));
    Instance::new(prompt, right, grader).with_near_misses(misses)
}

/// A sentence of this many words about a thing.
fn sentence(thing: &str, count: usize) -> String {
    const MORE: [&str; 24] = [
        "stands", "in", "the", "corner", "of", "a", "quiet", "room", "where", "nobody", "has",
        "moved", "it", "since", "the", "last", "long", "winter", "came", "over", "the", "small",
        "old", "town",
    ];
    let words: Vec<&str> = MORE.iter().copied().cycle().take(count.saturating_sub(2)).collect();
    format!("The {thing} {}.", words.join(" "))
}

fn check(
    answer: &str,
    topics: &[&str],
    things: &[Vec<&str>],
    end: &str,
    shape: Shape,
) -> Result<(), Mismatch> {
    let answer = answer.trim();
    let mut lines = answer.lines().map(str::trim).filter(|line| !line.is_empty());
    let mut next = || lines.next().ok_or("the text ends too early");
    let is = |found: &str, right: &str| {
        let told = || Mismatch::new(format!("in place of `{right}` stands `{found}`"));
        if found == right { Ok(()) } else { Err(told()) }
    };
    for (topic, things) in topics.iter().zip(things) {
        is(next()?, &format!("=== BEGIN {topic} ==="))?;
        for (at, thing) in things.iter().enumerate() {
            check_line(next()?, at + 1, thing, shape.words)?;
        }
        is(next()?, &format!("=== END {topic} ==="))?;
    }
    is(next()?, end)?;
    if let Some(line) = lines.next() {
        return Err(format!("after the end stands `{line}`").into());
    }
    let (least, limit) = shape.bytes;
    if answer.len() <= least || answer.len() >= limit {
        return Err(format!("the text has {} bytes", answer.len()).into());
    }
    Ok(())
}

fn check_line(
    line: &str,
    number: usize,
    thing: &str,
    (fewest, most): (usize, usize),
) -> Result<(), Mismatch> {
    let sentence = line.strip_prefix(&format!("{number}. "));
    let sentence = sentence.ok_or_else(|| format!("`{line}` should be line {number}"))?;
    let words = words(sentence);
    if !(fewest..=most).contains(&words.len()) {
        return Err(format!("`{line}` has {} words", words.len()).into());
    }
    if !words.iter().any(|word| word == thing) {
        return Err(format!("`{line}` does not contain `{thing}`").into());
    }
    Ok(())
}
