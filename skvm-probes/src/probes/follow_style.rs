//! `follow.style`: a register, told by markers that anyone can count.

use super::phrase::{listed, sentences, words};
use super::{Levels, pools};
use crate::draw::Draw;
use crate::probe::{Instance, Mismatch, by_answer};

pub(super) const LEVELS: Levels = [formal, childlike, register];

fn no_apostrophe(text: &str) -> Result<(), Mismatch> {
    if text.contains(['\'', '’']) { Err("there is an apostrophe".into()) } else { Ok(()) }
}

fn none_of(text: &str, banned: &[&str]) -> Result<(), Mismatch> {
    let words = words(text);
    match banned.iter().find(|word| words.iter().any(|other| other == *word)) {
        None => Ok(()),
        Some(word) => Err(format!("the word `{word}` is used").into()),
    }
}

fn count_of(
    what: &str,
    found: usize,
    range: std::ops::RangeInclusive<usize>,
) -> Result<(), Mismatch> {
    if range.contains(&found) { Ok(()) } else { Err(format!("there are {found} {what}").into()) }
}

/// A formal letter.
fn formal(draw: &mut Draw) -> Instance {
    let (name, thing) = (draw.pick(&pools::PEOPLE), draw.pick(&pools::THINGS));
    let number = draw.between(1_000..=9_999);
    let banned = ["hi", "hey", "thanks", "okay", "ok", "sorry", "guys"];
    let prompt = format!(
        "A customer named {name} writes that the {thing} of order {number} came broken. Write a formal reply. The \
         first line is `Dear {name},` and the last line is `Yours sincerely`. Between them stand 3 to 6 sentences, and the order number \
         occurs at least once. Empty lines do not count. There are no apostrophes (so no contractions such as don't), no exclamation marks, and none of the words {}. \
         Answer with the reply alone.",
        listed(&banned)
    );
    let write = |greeting: &str, sentences: &[&str], end: &str| {
        format!("{greeting}\n\n{}\n\n{end}", sentences.join(" "))
    };
    let body = [
        format!("We regret to learn that the {thing} of order {number} was broken on arrival."),
        "A replacement will leave our store tomorrow.".to_owned(),
        "We kindly ask that the damaged one be kept until then.".to_owned(),
    ];
    let body: Vec<&str> = body.iter().map(String::as_str).collect();
    let dear = format!("Dear {name},");
    let end = "Yours sincerely";
    let right = write(&dear, &body, end);
    let misses = [
        ("a loose greeting", write(&format!("Hello {name},"), &body, end)),
        ("a contraction", right.replace("was broken", "wasn't whole")),
        ("an exclamation mark", right.replace("tomorrow.", "tomorrow!")),
        ("a loose word", right.replace("We kindly", "Sorry, we kindly")),
        ("another end", write(&dear, &body, "Best wishes")),
        ("too few sentences", write(&dear, &body[..2], end)),
        ("no order number", right.replace(&number.to_string(), "yours")),
    ];
    let grader = by_answer(move |answer| {
        let lines: Vec<&str> =
            answer.trim().lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let [first, body @ .., last] = lines.as_slice() else {
            return Err("there are fewer than three lines".into());
        };
        if *first != dear {
            return Err(format!("the first line is `{first}`").into());
        }
        if *last != end {
            return Err(format!("the last line is `{last}`").into());
        }
        let body = body.join(" ");
        count_of("sentences", sentences(&body).len(), 3..=6)?;
        if !body.contains(&number.to_string()) {
            return Err("the order number is missing".into());
        }
        if answer.contains('!') {
            return Err("there is an exclamation mark".into());
        }
        no_apostrophe(answer)?;
        none_of(answer, &banned)
    });
    Instance::new(prompt, right, grader).with_near_misses(misses)
}

/// For a child.
fn childlike(draw: &mut Draw) -> Instance {
    let (topic, jargon) = draw.pick(&[
        ("why it rains", ["evaporation", "condensation", "precipitation", "vapour", "atmosphere"]),
        (
            "how a plant drinks",
            ["capillary", "osmosis", "photosynthesis", "xylem", "transpiration"],
        ),
        ("why the moon shines", ["reflection", "orbit", "luminosity", "satellite", "albedo"]),
        ("how bread gets big", ["fermentation", "yeast", "dioxide", "gluten", "enzyme"]),
    ]);
    let animal = draw.pick(&["cat", "dog", "duck", "frog", "owl", "mouse"]);
    let (child, colour) = (draw.pick(&pools::PEOPLE), draw.pick(&pools::COLOURS));
    let thing = draw.pick(&pools::THINGS);
    let most = draw.between(8..=10) as usize;
    let count = draw.between(5..=6) as usize;
    let prompt = format!(
        "Explain to {child}, a child of six, {topic}. All of this holds: there are {count} to 9 sentences; no sentence has \
         more than {most} words; the word `you` occurs in at least two sentences; the words `{animal}`, `{colour}` and `{thing}` occur at least once each, in just this form; none of the words {} is \
         used; there are no brackets, no semicolons and no digits. Answer with the explanation alone.",
        listed(&jargon)
    );
    let line = |at: usize| match at % 4 {
        0 => format!("Do you see the little {animal}?"),
        1 => format!("It is {colour} and warm."),
        2 => format!("Now you can take the {thing}."),
        _ => "That is how it goes.".to_owned(),
    };
    let lines: Vec<String> = (0..count).map(line).collect();
    let right = lines.join(" ");
    let misses = [
        ("a hard word", right.replace("little", jargon[0])),
        (
            "a sentence too long",
            format!("{right} And then it goes on and on and on until all of us are quite tired."),
        ),
        ("too few sentences", lines[..3].join(" ")),
        ("no `you`", right.replace("you", "they")),
        ("the animal is missing", right.replace(animal, "thing")),
        ("brackets", right.replace("warm", "warm (and soft)")),
        ("a digit", right.replace("warm", "2 times as warm")),
    ];
    let grader = by_answer(move |answer| {
        let found = sentences(answer);
        count_of("sentences", found.len(), count..=9)?;
        if let Some(long) = found.iter().find(|sentence| words(sentence).len() > most) {
            return Err(format!("`{long}` has more than {most} words").into());
        }
        let has =
            |sentence: &&String, word: &str| words(sentence).iter().any(|other| other == word);
        if found.iter().filter(|sentence| has(sentence, "you")).count() < 2 {
            return Err("fewer than two sentences say `you`".into());
        }
        for needed in [animal, colour, thing] {
            if !found.iter().any(|sentence| has(&sentence, needed)) {
                return Err(format!("there is no `{needed}`").into());
            }
        }
        if answer.contains(['(', ')', '[', ']', ';']) || answer.bytes().any(|b| b.is_ascii_digit())
        {
            return Err("there are brackets, semicolons or digits".into());
        }
        none_of(answer, &jargon)
    });
    Instance::new(prompt, right, grader).with_near_misses(misses)
}

/// One register through every section.
fn register(draw: &mut Draw) -> Instance {
    let house = format!("{} {}", draw.pick(&pools::CITIES), draw.between(100..=999));
    let places: Vec<&'static str> =
        draw.sample(&["Arrival", "Breakfast", "Garden", "Keys", "Library", "Luggage", "Sauna"], 4);
    let opening = draw.pick(&["Esteemed guest,", "Dear visitor,", "Honoured traveller,"]);
    let closing = draw.pick(&["at your convenience.", "with our compliments.", "at your service."]);
    let banned = ["i", "we", "you", "please", "very"];
    let headings: Vec<String> = places.iter().map(|place| format!("## {place}")).collect();
    let prompt = format!(
        "Write the house notes of the hotel {house}. There are four sections with these heading lines, in this \
         order: {}. Every section keeps the same register: its text begins with `{opening}`, has exactly three sentences, and its last sentence \
         ends with `{closing}` In no section stands an apostrophe, an exclamation mark, a question mark, or one \
         of the words {}, in capital or small letters (`your` is another word than `you`). Nothing stands before the first heading. Answer with the notes alone.",
        listed(&headings),
        listed(&banned)
    );
    let section = |place: &str, opening: &str, closing: &str| {
        format!(
            "## {place}\n\n{opening} the {} awaits from seven in the morning. The staff will gladly show the way. \
             All that is needed stands ready {closing}\n\n",
            place.to_lowercase()
        )
    };
    let write = |slip: Option<usize>, opening_: &str, closing_: &str| {
        let part = |(at, place): (usize, &&str)| {
            if slip == Some(at) {
                section(place, opening_, closing_)
            } else {
                section(place, opening, closing)
            }
        };
        places.iter().enumerate().map(part).collect::<String>()
    };
    let right = write(None, opening, closing);
    let misses = [
        ("the third section begins in another way", write(Some(2), "Hello,", closing)),
        ("the last section ends in another way", write(Some(3), opening, "for all.")),
        ("a sentence too many", write(Some(1), &format!("{opening} all is well. Indeed"), closing)),
        (
            "an exclamation mark",
            write(Some(3), opening, &format!("now! So {closing}")).replacen(
                "The staff will gladly show the way. All that is needed stands ready now!",
                "All that is needed stands ready. Now!",
                1,
            ),
        ),
        ("`you` in one section", right.replacen("show the way", "show you the way", 1)),
        ("a section is missing", right[right.find(headings[1].as_str()).unwrap_or(0)..].to_owned()),
        ("a sentence precedes it", format!("Here are the notes.\n\n{right}")),
    ];
    let grader = by_answer(move |answer| {
        let mut rest = answer.trim();
        for (at, heading) in headings.iter().enumerate() {
            rest = rest
                .strip_prefix(heading.as_str())
                .ok_or_else(|| format!("where `{heading}` should stand there is something else"))?;
            let next = headings.get(at + 1).and_then(|next| rest.find(next.as_str()));
            let (text, after) = rest.split_at(next.unwrap_or(rest.len()));
            check_section(heading, text.trim(), opening, closing, &banned)?;
            rest = after;
        }
        Ok(())
    });
    Instance::new(prompt, right, grader).with_near_misses(misses)
}

fn check_section(
    heading: &str,
    text: &str,
    opening: &str,
    closing: &str,
    banned: &[&str],
) -> Result<(), Mismatch> {
    if !text.starts_with(opening) {
        return Err(format!("`{heading}` does not begin with `{opening}`").into());
    }
    if !text.ends_with(closing) {
        return Err(format!("`{heading}` does not end with `{closing}`").into());
    }
    let count = sentences(text).len();
    if count != 3 {
        return Err(format!("`{heading}` has {count} sentences").into());
    }
    if text.contains(['!', '?']) {
        return Err(format!("`{heading}` has an exclamation mark or a question mark").into());
    }
    no_apostrophe(text)?;
    none_of(text, banned)
}
