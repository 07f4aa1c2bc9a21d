//! `follow.constraint`: keeping rules that are given as such.

use super::phrase::{listed, sentences, words};
use super::{Levels, pools};
use crate::draw::Draw;
use crate::probe::{Instance, Mismatch, by_answer};

pub(super) const LEVELS: Levels = [single, several, habit];

/// One MUST.
fn single(draw: &mut Draw) -> Instance {
    let (thing, city) = (draw.pick(&pools::THINGS), draw.pick(&pools::CITIES));
    let house = draw.between(10..=999);
    let start = format!(
        "Write at least fifteen words about this: {thing}, at number {house} of a street in {city}. The number \
         {house} occurs in the text, in digits. Answer with the text alone."
    );
    match draw.below(3) {
        0 => {
            let last = draw.pick(&pools::COLOURS);
            let prompt = format!(
                "{start} The very last word MUST be `{last}`; only a full stop may follow it."
            );
            let body = filler(thing, city, house, 18);
            let right = format!("{body} and all of it is {last}.");
            let misses = [
                ("another end", format!("{body} and all of it is {last} today.")),
                (
                    "the word stands at the start",
                    format!("It is {last}, for {body} and nothing more."),
                ),
                ("too short", format!("It is {last}.")),
                ("a question follows", format!("{right} Is that enough?")),
            ];
            let grader = by_answer(move |answer| {
                on_topic(answer, house)?;
                let text = answer.trim().strip_suffix('.').unwrap_or(answer.trim());
                let ends = text.split_whitespace().next_back() == Some(last);
                if ends { Ok(()) } else { Err(format!("the last word is not `{last}`").into()) }
            });
            Instance::new(prompt, right, grader).with_near_misses(misses)
        }
        1 => {
            let word = draw.pick(&["the", "and", "is"]);
            let prompt =
                format!("{start} You MUST NOT use the word `{word}`, in capital or small letters.");
            let body = format!(
                "Some {thing} stood near number {house} of {city} where people sat, talked, ate, read, slept, danced, \
                 cooked, or sang until dawn came"
            );
            let right = format!("{body}.");
            let misses = [
                ("the word occurs", format!("{body} {word} went.")),
                ("it occurs in capitals", format!("{} {body}.", word.to_uppercase())),
                ("too short", format!("A {thing}.")),
                ("the number is missing", format!("{body}.").replace(&house.to_string(), "nine")),
            ];
            let grader = by_answer(move |answer| {
                on_topic(answer, house)?;
                if words(answer).iter().any(|other| other == word) {
                    Err(format!("the word `{word}` occurs").into())
                } else {
                    Ok(())
                }
            });
            Instance::new(prompt, right, grader).with_near_misses(misses)
        }
        _ => {
            let prompt =
                format!("{start} You MUST NOT use any capital letter, not even for names.");
            let body = filler(thing, city, house, 18).to_lowercase();
            let misses = [
                ("the name has a capital", body.replace(&city.to_lowercase(), city)),
                ("the sentence begins with one", format!("A{body}.")),
                ("all capitals", body.to_uppercase()),
                ("too short", format!("a {thing}.")),
            ];
            let grader = by_answer(move |answer| {
                on_topic(answer, house)?;
                match answer.chars().find(|c| c.is_uppercase()) {
                    None => Ok(()),
                    Some(capital) => Err(format!("there is the capital letter {capital}").into()),
                }
            });
            Instance::new(prompt, format!("{body}."), grader).with_near_misses(misses)
        }
    }
}

/// Wants fifteen words, the number of the house among them.
fn on_topic(answer: &str, house: u64) -> Result<(), Mismatch> {
    if !words(answer).contains(&house.to_string()) {
        return Err(format!("the number {house} is missing").into());
    }
    let least = 15;
    let count = words(answer).len();
    if count >= least { Ok(()) } else { Err(format!("there are {count} words").into()) }
}

/// Words about a thing in a city.
fn filler(thing: &str, city: &str, house: u64, count: usize) -> String {
    const MORE: [&str; 12] = [
        "that", "people", "pass", "on", "their", "way", "to", "work", "in", "spring", "or", "later",
    ];
    let more: Vec<&str> = MORE.iter().copied().cycle().take(count.saturating_sub(5)).collect();
    format!("there stands one {thing} at {house} in {city} {}", more.join(" "))
}

/// Four rules at once.
fn several(draw: &mut Draw) -> Instance {
    let topic = draw.pick(&pools::THINGS);
    let count = draw.between(4..=6) as usize;
    let first = draw.pick(&["Today", "Often", "Perhaps", "Every"]);
    let needed: Vec<&'static str> = draw.sample(&pools::COLOURS, 2);
    let most = draw.between(7..=9) as usize + 3;
    let prompt = format!(
        "Write a text about this: {topic}. All of these rules hold (line breaks make no difference):\n- It has exactly {count} sentences.\n- Every \
         sentence begins with the word `{first}`.\n- No sentence has more than {most} words.\n- It contains the \
         words {}, each at least once.\n- It contains no comma.\n\nAnswer with the text alone.",
        listed(&needed)
    );
    let sentence =
        |first: &str, word: &str| format!("{first} the {topic} looks {word} to someone.");
    let text = |first: &str, words: &[&str], count: usize| {
        let sentences = (0..count).map(|at| sentence(first, words[at % words.len()]));
        sentences.collect::<Vec<_>>().join(" ")
    };
    let right = text(first, &needed, count);
    let misses = [
        ("a sentence too many", text(first, &needed, count + 1)),
        ("a word is missing", text(first, &needed[..1], count)),
        ("another beginning", right.replacen(first, "Sometimes", 1)),
        ("a comma", right.replacen(" looks", ", looks", 1)),
        (
            "a sentence too long",
            right.replacen(
                "someone.",
                "someone who has come all the way from the other side of town.",
                1,
            ),
        ),
        ("a sentence precedes it", format!("Here is the text. {right}")),
    ];
    let grader = by_answer(move |answer| {
        let found = sentences(answer);
        if found.len() != count {
            return Err(format!("there are {} sentences", found.len()).into());
        }
        for sentence in &found {
            if sentence.split_whitespace().next() != Some(first) {
                return Err(format!("`{sentence}` does not begin with `{first}`").into());
            }
            if words(sentence).len() > most {
                return Err(format!("`{sentence}` has more than {most} words").into());
            }
        }
        if answer.contains(',') {
            return Err("there is a comma".into());
        }
        let all = words(answer);
        match needed.iter().find(|word| !all.iter().any(|other| other == *word)) {
            None => Ok(()),
            Some(word) => Err(format!("the word `{word}` is missing").into()),
        }
    });
    Instance::new(prompt, right, grader).with_near_misses(misses)
}

/// Rules that go against habit. One text alone keeps all of them.
fn habit(draw: &mut Draw) -> Instance {
    let mut names: Vec<&'static str> = draw.sample(&pools::CITIES, 5);
    names.sort_unstable();
    let (mark, end) = (draw.pick(&["~", "+", ">>", "%"]), draw.pick(&["hello", "good morning"]));
    let start = draw.pick(&["goodbye", "see you"]);
    let mut told: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    draw.shuffle(&mut told);
    let prompt = format!(
        "List these cities: {}. All of these rules hold:\n- The first line is `{start}` and the last line is \
         `{end}`.\n- Between them stands one line for each city, in reverse alphabetical order.\n- These lines \
         are numbered downwards: the first of them has the number 5, the last has the number 1. The number comes \
         first, then one space, then `{mark}`, then one space, then the city.\n- No capital letter is used \
         anywhere, not even in the names of cities.\n- There are no full stops, no empty lines and no other \
         lines.\n\nAnswer with these lines alone.",
        told.join(", ")
    );
    let write = |order: &[&str], down: bool, capital: bool, frame: (&str, &str)| {
        let mut lines = vec![frame.0.to_owned()];
        for (at, name) in order.iter().enumerate() {
            let number = if down { order.len() - at } else { at + 1 };
            let name = if capital { (*name).to_owned() } else { name.to_lowercase() };
            lines.push(format!("{number} {mark} {name}"));
        }
        lines.push(frame.1.to_owned());
        lines.join("\n")
    };
    let mut turned = names.clone();
    turned.reverse();
    let right = write(&turned, true, false, (start, end));
    let misses = [
        ("in alphabetical order", write(&names, true, false, (start, end))),
        ("numbered upwards", write(&turned, false, false, (start, end))),
        ("names with capitals", write(&turned, true, true, (start, end))),
        ("first and last line are swapped", write(&turned, true, false, (end, start))),
        ("no last line", right.lines().take(6).collect::<Vec<_>>().join("\n")),
        ("a full stop behind the number", right.replace(&format!(" {mark}"), &format!(". {mark}"))),
        ("a sentence precedes it", format!("Here is the list:\n{right}")),
    ];
    let expected = right.clone();
    let grader = by_answer(move |answer| {
        let mut found = answer.trim().lines().map(str::trim);
        for right in expected.lines() {
            match found.next() {
                Some(line) if line == right => {}
                Some(line) => return Err(format!("in place of `{right}` stands `{line}`").into()),
                None => return Err(format!("the line `{right}` is missing").into()),
            }
        }
        match found.next() {
            None => Ok(()),
            Some(line) => Err(format!("after the last line stands `{line}`").into()),
        }
    });
    Instance::new(prompt, right, grader).with_near_misses(misses)
}
