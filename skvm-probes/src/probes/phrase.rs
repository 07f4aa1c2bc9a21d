//! Reading answers in words.

use crate::draw::Draw;
use crate::probe::{Answer, Call, Instance, Mismatch, by_answer};

/// Asks for the form that [`final_answer`] reads.
pub(super) const LAST_LINE: &str =
    "You may show your working. The last line of your answer must be `Answer: ` followed by ";

/// What stands behind `Answer:` on the last line, without markup around it. `The answer is` will do, too: reasoning
/// is what is measured here, and no form.
pub(super) fn final_answer(answer: &str) -> Result<&str, Mismatch> {
    const MARKS: [&str; 4] = ["answer:", "the answer is:", "the answer is ", "final answer:"];
    let last = answer.trim().lines().next_back().ok_or("the answer is empty")?;
    let markup = ['*', '`', '_', ' ', '\t', '\r', '#', '>'];
    let plain = last.trim_matches(markup);
    let behind = |mark: &&str| {
        let start = plain.get(..mark.len()).filter(|start| start.eq_ignore_ascii_case(mark))?;
        plain.get(start.len()..)
    };
    let rest = MARKS.iter().find_map(behind);
    let rest =
        rest.ok_or_else(|| format!("the last line does not begin with `Answer:`: {last}"))?;
    Ok(rest.trim_matches(markup).trim_end_matches('.').trim_end_matches(markup))
}

/// Wants this word or phrase as the final answer; letters may be large or small.
pub(super) fn is_final_answer(answer: &str, right: &str) -> Result<(), Mismatch> {
    let found = final_answer(answer)?;
    if simplified(found) == simplified(right) {
        Ok(())
    } else {
        Err(format!("{right} was right, the answer is {found}").into())
    }
}

/// A question whose final answer is a word or phrase. Wrong answers that happen to be right are left out.
pub(super) fn question(
    asked: &str,
    form: &str,
    right: &str,
    wrong: Vec<(&'static str, String)>,
) -> Instance {
    let prompt = format!("{asked}\n\n{LAST_LINE}{form}");
    let expected = right.to_owned();
    let grader = by_answer(move |answer| is_final_answer(answer, &expected));
    let misses = wrong
        .into_iter()
        .filter(|(_, text)| text != right)
        .map(|(fault, text)| (fault, format!("Answer: {text}")));
    let misses: Vec<(&str, String)> = misses.collect();
    Instance::new(prompt, format!("Answer: {right}"), grader)
        .with_near_misses(misses)
        .with_near_miss("the answer is not marked", right)
        .with_near_miss("words follow", format!("Answer: {right}\nAnything else?"))
}

/// Calls, one a turn, and then a final answer.
pub(super) fn done(calls: impl IntoIterator<Item = Call>, answer: &str) -> Answer {
    Answer::after(calls, format!("Answer: {answer}"))
}

/// In small letters, with single spaces, and none beside commas.
fn simplified(text: &str) -> String {
    let words = text.to_lowercase();
    let parts: Vec<String> = words
        .split(',')
        .map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    parts.join(",")
}

/// The code of an answer: the one fenced block, or everything where there is no fence.
pub(super) fn code(answer: &str) -> Result<String, Mismatch> {
    let mut blocks: Vec<String> = Vec::new();
    let mut fence: Option<(&str, String)> = None;
    for line in answer.lines() {
        let bare = line.trim_start();
        match &mut fence {
            Some((mark, block)) => {
                if bare.trim_end() == *mark {
                    blocks.push(std::mem::take(block));
                    fence = None;
                } else {
                    block.push_str(line);
                    block.push('\n');
                }
            }
            None => {
                let length = bare.bytes().take_while(|byte| *byte == b'`').count();
                if length >= 3 {
                    fence = bare.get(..length).map(|mark| (mark, String::new()));
                }
            }
        }
    }
    if let Some((_, block)) = fence {
        blocks.push(block);
    }
    let mut blocks = blocks.into_iter();
    match (blocks.next(), blocks.next()) {
        (Some(block), None) => Ok(block),
        (Some(_), Some(_)) => Err("the answer has more than one code block".into()),
        (None, _) if answer.trim().is_empty() => Err("the answer is empty".into()),
        (None, _) => Ok(answer.trim().trim_matches('`').to_owned()),
    }
}

/// Paragraphs: what stands between empty lines.
pub(super) fn paragraphs(text: &str) -> Vec<String> {
    let mut paragraphs = vec![String::new()];
    for line in text.lines() {
        if line.trim().is_empty() {
            paragraphs.push(String::new());
        } else if let Some(last) = paragraphs.last_mut() {
            last.push_str(line.trim());
            last.push('\n');
        }
    }
    paragraphs.retain(|paragraph| !paragraph.is_empty());
    paragraphs.iter().map(|paragraph| paragraph.trim_end().to_owned()).collect()
}

/// Words in small letters: letters, digits, and hyphens and apostrophes between them.
pub(super) fn words(text: &str) -> Vec<String> {
    let apart = |c: char| !(c.is_alphanumeric() || matches!(c, '\'' | '’' | '-'));
    let words = text.split(apart).map(|word| word.trim_matches(['\'', '’', '-']));
    words
        .filter(|word| !word.is_empty())
        .map(|word| word.replace('’', "'").to_lowercase())
        .collect()
}

/// Sentences: what ends with a full stop, a question mark or an exclamation mark, and any quotes or brackets behind
/// it, before white space or the end. The full stop of an abbreviation ends none.
pub(super) fn sentences(text: &str) -> Vec<String> {
    let mut sentences = Vec::new();
    let mut current = String::new();
    let mut words = text.split_whitespace().peekable();
    while let Some(word) = words.next() {
        if !current.is_empty() {
            current.push(' ');
        }
        current.push_str(word);
        let bare = word.trim_end_matches(['"', '\'', '”', '’', ')', ']', '*', '_']);
        let goes_on = words.peek().is_some_and(|next| is_abbreviation(bare, next));
        if bare.ends_with(['.', '!', '?']) && !goes_on {
            sentences.push(std::mem::take(&mut current));
        }
    }
    if !current.is_empty() {
        sentences.push(current);
    }
    sentences
}

/// Whether a word's full stop belongs to an abbreviation, by the word that follows.
fn is_abbreviation(word: &str, next: &str) -> bool {
    const BEFORE_NAMES: [&str; 9] = ["mr", "mrs", "ms", "dr", "st", "no", "prof", "vs", "approx"];
    let Some(stem) = word.strip_suffix('.') else { return false };
    let stem = stem.trim_start_matches(['"', '(', '[', '“']).to_lowercase();
    let inner = stem.contains('.') || stem == "etc";
    let small = next.chars().next().is_some_and(|c| c.is_lowercase() || c.is_ascii_digit());
    // "No." ends a sentence unless a number follows.
    let number = next.chars().next().is_some_and(|c| c.is_ascii_digit());
    match stem.as_str() {
        "no" => number,
        stem => BEFORE_NAMES.contains(&stem) || (inner && small),
    }
}

/// Wants a word to occur as a whole word.
pub(super) fn has_word(text: &str, word: &str) -> bool {
    words(text).iter().any(|other| other == word)
}

/// `a`, `b` and `c`, each in backticks.
pub(super) fn listed<T: AsRef<str>>(items: &[T]) -> String {
    let quoted: Vec<String> = items.iter().map(|item| format!("`{}`", item.as_ref())).collect();
    joined(&quoted)
}

/// a, b and c.
pub(super) fn joined(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

/// A code that nobody guesses, such as `K7Q-4M2X`.
pub(super) fn token(draw: &mut Draw) -> String {
    const SIGNS: &[u8; 31] = b"ABCDEFGHJKLMNPQRSTUVWXYZ2345679";
    let mut sign = || char::from(draw.pick(SIGNS));
    let first: String = (0..3).map(|_| sign()).collect();
    let second: String = (0..4).map(|_| sign()).collect();
    format!("{first}-{second}")
}

/// A number of six digits, for names of files and the like: no two instances put the same question.
pub(super) fn serial(draw: &mut Draw) -> u64 {
    draw.between(100_000..=999_999)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_final_answer_stands_on_the_last_line_with_or_without_markup() {
        for text in [
            "Answer: B",
            "so\n**Answer: B**",
            "answer: `B`.",
            "**Answer:** B\n",
            "Answer:B",
            "The answer is B.",
        ] {
            assert_eq!(final_answer(text), Ok("B"), "{text}");
        }
        for text in ["", "B", "Answer: B\nThat is all.", "The answer: B"] {
            assert!(final_answer(text).is_err(), "{text}");
        }
        assert_eq!(is_final_answer("Answer: B,a , C", "b, A,c"), Ok(()));
    }

    #[test]
    fn code_is_the_only_block_or_everything() {
        let block = |text| code(text).ok();
        assert_eq!(block("Here:\n```python\na\n\nb\n```\ndone").as_deref(), Some("a\n\nb\n"));
        assert_eq!(block("a = 1").as_deref(), Some("a = 1"));
        assert_eq!(block("````\n```\nx\n```\n````").as_deref(), Some("```\nx\n```\n"));
        assert_eq!(block("```\ncut").as_deref(), Some("cut\n"));
        assert_eq!(block("```\na\n```\n```\nb\n```"), None);
        assert_eq!(block(" \n"), None);
    }

    #[test]
    fn words_sentences_and_paragraphs_are_told_apart() {
        assert_eq!(words("It's a well-known – 'fact'."), ["it's", "a", "well-known", "fact"]);
        assert_eq!(sentences("It costs 3.5. Really? Yes").len(), 3);
        assert_eq!(
            sentences("Served from 7 a.m. to 10 a.m. in the hall. St. Vitus stays.").len(),
            2
        );
        assert_eq!(
            sentences("See No. 12, e.g. this. \"Really?\" No. It ends at 7 p.m. Good.").len(),
            5
        );
        assert_eq!(paragraphs("a\nb\n\n \nc\n"), ["a\nb", "c"]);
    }
}
