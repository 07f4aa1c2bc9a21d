//! `gen.text.prose`: paragraphs with given words and a given structure; taste is not graded.

use super::phrase::{has_word, listed, paragraphs, sentences, words};
use super::{Levels, pools};
use crate::draw::Draw;
use crate::probe::{Instance, Mismatch, by_answer};

pub(super) const LEVELS: Levels = [paragraph, headed, essay];

/// Words that fill a sentence without meaning anything in particular.
const FILL: [&str; 20] = [
    "people", "often", "say", "that", "it", "takes", "a", "while", "before", "such", "a", "matter",
    "can", "be", "seen", "in", "its", "full", "quiet", "light",
];

/// A sentence of this many words that contains `word`.
fn sentence(word: &str, count: usize) -> String {
    let fill: Vec<&str> = FILL.iter().copied().cycle().take(count.saturating_sub(3)).collect();
    format!("Near the {word} {}.", fill.join(" "))
}

/// A paragraph with these words, a sentence each.
fn about<T: AsRef<str>>(words: &[T], count: usize) -> String {
    let sentences: Vec<String> = words.iter().map(|word| sentence(word.as_ref(), count)).collect();
    sentences.join(" ")
}

fn holds(paragraph: &str, needed: &[&str]) -> Result<(), Mismatch> {
    match needed.iter().find(|word| !has_word(paragraph, word)) {
        None => Ok(()),
        Some(word) => Err(format!("the word `{word}` is missing in a paragraph").into()),
    }
}

/// One paragraph with given words.
fn paragraph(draw: &mut Draw) -> Instance {
    let needed = draw.sample(&pools::THINGS, 3);
    let city = draw.pick(&pools::CITIES);
    let fewest = draw.between(3..=4) as usize;
    let prompt = format!(
        "Write one paragraph about a walk through {city}. It has {fewest} to 6 sentences and at least 40 words, \
         and contains each of the words {} in just this form, not as a part of other words. There is no heading, no list and no \
         empty line. Answer with the paragraph alone.",
        listed(&needed)
    );
    let mut all = needed.clone();
    all.extend(["river", "bridge"]);
    let right = about(&all, 12);
    let misses = [
        ("a word is missing", about(&[needed[0], needed[1], "river", "bridge"], 14)),
        ("two paragraphs", format!("{}\n\n{}", about(&needed, 12), about(&["river"], 12))),
        ("one long sentence", right.replace(". ", ", and ")),
        ("far too short", format!("{needed:?}.").replace(['[', ']', '"'], "")),
        ("a list", needed.iter().map(|word| format!("- {}\n", sentence(word, 15))).collect()),
        ("a heading", format!("# A walk\n{right}")),
        ("a plural for a word", right.replace(needed[0], &format!("{}s", needed[0]))),
    ];
    let grader = by_answer(move |answer| {
        let found = paragraphs(answer);
        let [only] = found.as_slice() else {
            return Err(format!("there should be one paragraph, there are {}", found.len()).into());
        };
        plain(only)?;
        let count = sentences(only).len();
        if !(fewest..=6).contains(&count) {
            return Err(format!("there are {count} sentences").into());
        }
        if words(only).len() < 40 {
            return Err(format!("there are {} words", words(only).len()).into());
        }
        holds(only, &needed)
    });
    Instance::new(prompt, right, grader).with_near_misses(misses)
}

/// Sections: a Markdown heading and paragraphs below it.
fn sections(answer: &str) -> Result<Vec<(String, Vec<String>)>, Mismatch> {
    let mut sections: Vec<(String, String)> = Vec::new();
    for line in answer.lines() {
        let heading = line.trim().strip_prefix("## ");
        match (heading, sections.last_mut()) {
            (Some(heading), _) => sections.push((heading.trim().to_owned(), String::new())),
            (None, Some((_, text))) => {
                text.push_str(line);
                text.push('\n');
            }
            (None, None) if line.trim().is_empty() => {}
            (None, None) => return Err(format!("before the first heading stands `{line}`").into()),
        }
    }
    Ok(sections.into_iter().map(|(heading, text)| (heading, paragraphs(&text))).collect())
}

fn headings_are(sections: &[(String, Vec<String>)], right: &[String]) -> Result<(), Mismatch> {
    let found: Vec<&str> = sections.iter().map(|(heading, _)| heading.as_str()).collect();
    if found == right { Ok(()) } else { Err(format!("the headings are {found:?}").into()) }
}

/// Several headed paragraphs.
fn headed(draw: &mut Draw) -> Instance {
    let headings: Vec<String> = draw
        .sample(&pools::KEYS, 3)
        .into_iter()
        .map(|key| format!("{}{}", key[..1].to_uppercase(), &key[1..]))
        .collect();
    let things: Vec<&'static str> = draw.sample(&pools::THINGS, 6);
    let pairs: Vec<Vec<&'static str>> = things.chunks(2).map(<[_]>::to_vec).collect();
    let plan: String = headings
        .iter()
        .zip(&pairs)
        .map(|(heading, pair)| format!("- `## {heading}`, with {}\n", listed(pair)))
        .collect();
    let prompt = format!(
        "Write a short text about life in {}. It has three sections in this order, each a heading line and then \
         exactly one paragraph of at least 35 words that contains the two words named beside the heading, in just this form. \
         The heading lines are written as they stand here. Empty lines may stand around a heading. Nothing stands before the first heading, and there are no lists. Answer with the text alone.\n\n{plan}",
        draw.pick(&pools::CITIES)
    );
    let write = |headings: &[String], pairs: &[Vec<&str>], count: usize| {
        let section = |(heading, pair): (&String, &Vec<&str>)| {
            format!("## {heading}\n\n{}\n\n", about(pair, count))
        };
        headings.iter().zip(pairs).map(section).collect::<String>()
    };
    let right = write(&headings, &pairs, 20);
    let turned: Vec<String> = headings.iter().rev().cloned().collect();
    let mut swapped = pairs.clone();
    swapped.rotate_left(1);
    let misses = [
        ("headings out of order", write(&turned, &pairs, 20)),
        ("words under the wrong heading", write(&headings, &swapped, 20)),
        ("paragraphs too short", write(&headings, &pairs, 12)),
        ("a section is missing", write(&headings[..2], &pairs, 20)),
        ("a sentence precedes it", format!("Here is the text:\n\n{right}")),
        ("two paragraphs in a section", right.replacen(". Near", ".\n\nNear", 1)),
    ];
    let grader = by_answer(move |answer| {
        let sections = sections(answer)?;
        headings_are(&sections, &headings)?;
        for ((heading, paragraphs), pair) in sections.iter().zip(&pairs) {
            let [only] = paragraphs.as_slice() else {
                return Err(format!("`{heading}` has {} paragraphs", paragraphs.len()).into());
            };
            plain(only)?;
            if words(only).len() < 35 {
                return Err(format!("`{heading}` has {} words", words(only).len()).into());
            }
            holds(only, pair)?;
        }
        Ok(())
    });
    Instance::new(prompt, right, grader).with_near_misses(misses)
}

/// Wants neither lists nor headings.
fn plain(paragraph: &str) -> Result<(), Mismatch> {
    let marked = |line: &str| ["- ", "* ", "#"].iter().any(|mark| line.starts_with(mark));
    if paragraph.lines().any(marked) { Err("there is a list or a heading".into()) } else { Ok(()) }
}

/// A long form with introduction and conclusion.
fn essay(draw: &mut Draw) -> Instance {
    let topics: Vec<&'static str> = draw.sample(&pools::THINGS, 3);
    let colours: Vec<&'static str> = draw.sample(&pools::COLOURS, 3);
    let named = |thing: &str| format!("The {thing}");
    let headings: Vec<String> = ["Introduction".to_owned()]
        .into_iter()
        .chain(topics.iter().map(|topic| named(topic)))
        .chain(["Conclusion".to_owned()])
        .collect();
    let shown: Vec<String> = headings.iter().map(|heading| format!("## {heading}")).collect();
    let prompt = format!(
        "Write an essay about three things in a house in {}: {}. Its sections have these heading lines, in this \
         order: {}. The introduction and the conclusion are exactly one paragraph each, and each of the two \
         contains all of the words {} in just this form. Each of the three sections between them has exactly two paragraphs, its \
         thing's name occurs as a word of its own in both of them, and its second paragraph contains a colour: \
         {}. Every paragraph has at least 45 words; an empty line stands between paragraphs and may stand around headings. There are no lists, and nothing stands before the first \
         heading. Answer with the essay alone.",
        draw.pick(&pools::CITIES),
        listed(&topics),
        listed(&shown),
        listed(&topics),
        topics
            .iter()
            .zip(&colours)
            .map(|(topic, colour)| format!("`{colour}` in `## {}`", named(topic)))
            .collect::<Vec<_>>()
            .join(", "),
    );
    let write = |order: &[usize], frame: &[&str], seconds: bool, count: usize| {
        let mut text = format!("## Introduction\n\n{}\n\n", about(frame, count));
        for at in order {
            let (topic, colour) = (topics[*at], colours[*at]);
            text.push_str(&format!("## {}\n\n{}\n\n", named(topic), about(&[topic; 3], count)));
            if seconds {
                text.push_str(&format!("{}\n\n", about(&[topic, colour, "door"], count)));
            }
        }
        text + &format!("## Conclusion\n\n{}\n", about(frame, count))
    };
    let right = write(&[0, 1, 2], &topics, true, 18);
    let misses = [
        ("sections out of order", write(&[1, 0, 2], &topics, true, 18)),
        (
            "the introduction leaves a thing out",
            write(&[0, 1, 2], &[topics[0], topics[1], "door"], true, 18),
        ),
        ("no second paragraphs", write(&[0, 1, 2], &topics, false, 18)),
        ("paragraphs too short", write(&[0, 1, 2], &topics, true, 10)),
        ("no conclusion", right[..right.find("## Conclusion").unwrap_or(0)].to_owned()),
        ("a colour is missing", right.replace(colours[1], "pale")),
    ];
    let grader = by_answer(move |answer| {
        let sections = sections(answer)?;
        headings_are(&sections, &headings)?;
        let last = sections.len() - 1;
        for (at, (heading, paragraphs)) in sections.iter().enumerate() {
            let outer = at == 0 || at == last;
            if paragraphs.len() != if outer { 1 } else { 2 } {
                return Err(format!("`{heading}` has {} paragraphs", paragraphs.len()).into());
            }
            for paragraph in paragraphs {
                plain(paragraph)?;
                if words(paragraph).len() < 45 {
                    let count = words(paragraph).len();
                    return Err(format!("a paragraph of `{heading}` has {count} words").into());
                }
                holds(paragraph, if outer { &topics } else { &topics[at - 1..at] })?;
            }
            if let [_, second] = paragraphs.as_slice() {
                holds(second, &colours[at - 1..at])?;
            }
        }
        Ok(())
    });
    Instance::new(prompt, right, grader).with_near_misses(misses)
}
