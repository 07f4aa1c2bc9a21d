//! `tool.file.read`: answers that stand in files and nowhere else.

use super::phrase::{LAST_LINE, done, final_answer, is_final_answer, listed, serial, token};
use super::{Levels, pools};
use crate::draw::Draw;
use crate::probe::{Answer, Call, Evidence, Instance, Mismatch, ToolNeed, by_evidence};

pub(super) const LEVELS: Levels = [one, several, large];

/// Wants a call that shows what stands in a file, and nowhere else.
fn was_read(evidence: &Evidence<'_>, file: &str, content: &str) -> Result<(), Mismatch> {
    if evidence.calls().iter().any(|call| call.shows(content)) {
        Ok(())
    } else {
        Err(format!("no call read {file}").into())
    }
}

/// One file by its path.
fn one(draw: &mut Draw) -> Instance {
    let folder = draw.pick(&pools::KEYS);
    let path = format!("{folder}/{}-{}.txt", draw.pick(&pools::THINGS), serial(draw));
    let (right, other) = (token(draw), token(draw));
    let content =
        format!("owner: {}\ncode: {right}\nold code: {other}\n", draw.pick(&pools::PEOPLE));
    let prompt = format!(
        "The file `{path}` in the working directory has a line that begins with `code:`. Read the file. What is \
         the code?\n\n{LAST_LINE}the code alone."
    );
    let (expected, file) = (right.clone(), path.clone());
    let grader = by_evidence(move |evidence| {
        is_final_answer(evidence.answer, &expected)?;
        was_read(evidence, &file, &expected)
    });
    Instance::new(prompt, done([Call::read(&path)], &right), grader)
        .with_tools(ToolNeed::Harness)
        .with_file(path.as_str(), content)
        .with_near_miss("nothing is read", done([], &right))
        .with_near_miss("the other code", done([Call::read(&path)], &other))
        .with_near_miss("another file is read", done([Call::read("code.txt")], &right))
        .with_near_miss("no answer", Answer::after([Call::read(&path)], ""))
}

/// Several files, one of which is missing.
fn several(draw: &mut Draw) -> Instance {
    let names: Vec<String> =
        draw.sample(&pools::KEYS, 5).into_iter().map(|key| format!("data/{key}.txt")).collect();
    let missing = draw.below(5) as usize;
    let values: Vec<u64> = (0..5).map(|_| draw.between(101..=999)).collect();
    let marks: Vec<String> = (0..5).map(|_| token(draw)).collect();
    let sum: u64 = (0..5).filter(|at| *at != missing).map(|at| values[at]).sum();
    let right = format!("{sum}, {}", names[missing]);
    let prompt = format!(
        "Each of the files {} in the working directory has a line `value: <number> <code>`, but one of them does not \
         exist. Read them. What is the sum of the values of those that exist, and which file does not exist?\n\n\
         {LAST_LINE}the sum, a comma, and the path of the missing file as it stands here.",
        listed(&names)
    );
    let there: Vec<usize> = (0..5).filter(|at| *at != missing).collect();
    let (expected, files, marked) = (right.clone(), names.clone(), marks.clone());
    let shown = there.clone();
    let grader = by_evidence(move |evidence| {
        is_final_answer(evidence.answer, &expected)?;
        shown.iter().try_for_each(|at| was_read(evidence, &files[*at], &marked[*at]))
    });
    let reads =
        |places: &[usize]| places.iter().map(|at| Call::read(&names[*at])).collect::<Vec<_>>();
    let all = [0, 1, 2, 3, 4];
    let least = format!("{}, {}", sum - values[there[0]], names[missing]);
    let mut instance = Instance::new(prompt, done(reads(&all), &right), grader)
        .with_tools(ToolNeed::Harness)
        .with_near_miss("nothing is read", done([], &right))
        .with_near_miss("one file is not read", done(reads(&there[1..]), &right))
        .with_near_miss("one value is left out", done(reads(&all), &least))
        .with_near_miss("another file is called missing", {
            done(reads(&all), &format!("{sum}, {}", names[there[0]]))
        })
        .with_near_miss("the missing file is not named", done(reads(&all), &sum.to_string()));
    for at in there {
        let content = format!("value: {} {}\n", values[at], marks[at]);
        instance = instance.with_file(names[at].as_str(), content);
    }
    instance
}

/// Lines of a file that is too large to be read as a whole.
fn large(draw: &mut Draw) -> Instance {
    const LINES: u64 = 6_000;
    let path = format!("{}-{}.log", draw.pick(&pools::KEYS), serial(draw));
    let line = draw.between(2_600..=3_400);
    let mut right = String::new();
    let mut beside = String::new();
    let mut content = String::new();
    for number in 1..=LINES {
        let entry = token(draw);
        if number == line {
            right.clone_from(&entry);
        } else if number == line + 1 {
            beside.clone_from(&entry);
        }
        content.push_str(&format!(
            "{entry} {} {}\n",
            draw.pick(&pools::THINGS),
            draw.below(10_000)
        ));
    }
    let prompt = format!(
        "The file `{path}` in the working directory has {LINES} lines, each of which begins with a code and one \
         space. The file is too large to be read as a whole, so read a part of it. With which code does line \
         {line} begin, counted from 1?\n\n{LAST_LINE}the code alone."
    );
    let (expected, file) = (right.clone(), path.clone());
    let grader = by_evidence(move |evidence| {
        let found = final_answer(evidence.answer)?;
        if !found.eq_ignore_ascii_case(&expected) {
            return Err(format!("{expected} was right, the answer is {found}").into());
        }
        was_read(evidence, &file, &expected)
    });
    let at = line as usize;
    let lines = |offset: usize| Call::read_lines(&path, offset, 5);
    Instance::new(prompt, done([lines(at - 2)], &right), grader)
        .with_tools(ToolNeed::Harness)
        .with_file(path.as_str(), content)
        .with_near_miss("only the beginning is read", done([Call::read(&path)], &right))
        .with_near_miss("the next line", done([lines(at)], &beside))
        .with_near_miss("nothing is read", done([], &right))
        .with_near_miss("no code", done([lines(at)], "unknown"))
}
