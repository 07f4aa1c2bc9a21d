//! `tool.call.batch`: several calls in one turn.

use std::collections::BTreeSet;

use super::phrase::{LAST_LINE, is_final_answer, listed, serial, token};
use super::{Levels, pools};
use crate::draw::Draw;
use crate::probe::{Answer, Call, Evidence, Instance, Mismatch, ToolNeed, by_evidence};

pub(super) const LEVELS: Levels = [pair, sum, comparison];

const ONE_TURN: &str = "Read them with one call for each file, and make all these calls together in one turn, \
    before you see the result of any of them.";

/// Wants one turn with a call for each file, which shows what stands in it and nowhere else.
fn in_one_turn(evidence: &Evidence<'_>, contents: &[String]) -> Result<(), Mismatch> {
    let calls = evidence.calls();
    let turns: BTreeSet<usize> = calls.iter().map(|call| call.turn).collect();
    let together = turns.iter().any(|turn| {
        let mut free: Vec<_> = calls.iter().filter(|call| call.turn == *turn).collect();
        contents.iter().all(|content| {
            let found = free.iter().position(|call| call.shows(content));
            found.map(|at| free.remove(at)).is_some()
        })
    });
    if together { Ok(()) } else { Err("no turn has a call for each of the files".into()) }
}

/// Files, what is asked of them, and the answers.
struct Batch {
    asked: String,
    files: Vec<(String, String)>,
    /// What shows that a file was read.
    marks: Vec<String>,
    right: String,
    wrong: Vec<(&'static str, String)>,
}

impl Batch {
    fn into_instance(self) -> Instance {
        let Self { asked, files, marks, right, wrong } = self;
        let paths: Vec<&str> = files.iter().map(|(path, _)| path.as_str()).collect();
        let prompt = format!(
            "The files {} lie in the working directory. {ONE_TURN} {asked}",
            listed(&paths)
        );
        let reads: Vec<Call> = paths.iter().map(|path| Call::read(path)).collect();
        let done = |turns: Vec<Vec<Call>>, answer: &str| {
            Answer::after_turns(turns, format!("Answer: {answer}"))
        };
        let together = vec![reads.clone()];
        let one_by_one: Vec<Vec<Call>> = reads.iter().map(|call| vec![call.clone()]).collect();
        let (first, rest) = reads.split_at(1);
        let shell = Call::run(&format!("cat {}", paths.join(" ")));
        let expected = right.clone();
        let grader = by_evidence(move |evidence| {
            is_final_answer(evidence.answer, &expected)?;
            in_one_turn(evidence, &marks)
        });
        let misses: Vec<(&str, Answer)> =
            wrong.iter().map(|(fault, text)| (*fault, done(together.clone(), text))).collect();
        let instance = Instance::new(prompt, done(together, &right), grader)
            .with_tools(ToolNeed::Harness)
            .with_near_misses(misses)
            .with_near_miss("one call a turn", done(one_by_one, &right))
            .with_near_miss("the first alone", done(vec![first.to_vec(), rest.to_vec()], &right))
            .with_near_miss("one call for all", done(vec![vec![shell]], &right))
            .with_near_miss("nothing is called", done(Vec::new(), &right))
            .with_near_miss("one is not read", done(vec![rest.to_vec()], &right));
        files.into_iter().fold(instance, |instance, (path, text)| instance.with_file(path, text))
    }
}

fn paths(draw: &mut Draw, count: usize) -> Vec<String> {
    let serial = serial(draw);
    let keys = draw.sample(&pools::KEYS, count).into_iter();
    keys.map(|key| format!("{key}-{serial}.txt")).collect()
}

/// Two reads.
fn pair(draw: &mut Draw) -> Instance {
    let paths = paths(draw, 2);
    let marks: Vec<String> = (0..2).map(|_| token(draw)).collect();
    let files = paths.into_iter().zip(marks.iter().map(|mark| format!("code: {mark}\n")));
    Batch {
        asked: format!(
            "Each has one line with a code. Which codes are they?\n\n{LAST_LINE}the two codes in the order of the \
             files, with a comma between them."
        ),
        files: files.collect(),
        right: marks.join(", "),
        wrong: vec![
            ("in the other order", format!("{}, {}", marks[1], marks[0])),
            ("one code only", marks[0].clone()),
        ],
        marks,
    }
    .into_instance()
}

/// Five reads, added up.
fn sum(draw: &mut Draw) -> Instance {
    let paths = paths(draw, 5);
    let values: Vec<u64> = (0..5).map(|_| draw.between(11..=99)).collect();
    let marks: Vec<String> = (0..5).map(|_| token(draw)).collect();
    let contents =
        values.iter().zip(&marks).map(|(value, mark)| format!("stock: {value} {mark}\n"));
    let sum: u64 = values.iter().sum();
    Batch {
        asked: format!(
            "Each has a line `stock: <number> <code>`. What is the sum of the five numbers?\n\n{LAST_LINE}the sum."
        ),
        files: paths.into_iter().zip(contents).collect(),
        marks,
        right: sum.to_string(),
        wrong: vec![
            ("one file is left out", (sum - values[4]).to_string()),
            ("off by one", (sum + 1).to_string()),
        ],
    }
    .into_instance()
}

/// Five reads whose results only together tell.
fn comparison(draw: &mut Draw) -> Instance {
    let paths = paths(draw, 5);
    let people: Vec<&'static str> = draw.sample(&pools::PEOPLE, 5);
    let marks: Vec<String> = (0..5).map(|_| token(draw)).collect();
    // Different differences, so that one is the largest; the largest amounts belong to others.
    let mut gains: Vec<u64> = (0..5).map(|at| 10 * at + draw.below(9)).collect();
    draw.shuffle(&mut gains);
    let before: Vec<u64> = gains.iter().map(|gain| 300 - 4 * gain + draw.below(3)).collect();
    let contents = (0..5).map(|at| {
        let after = before[at] + gains[at];
        format!("{}\nname: {}\nbefore: {}\nafter: {after}\n", marks[at], people[at], before[at])
    });
    let files: Vec<(String, String)> = paths.into_iter().zip(contents).collect();
    let mut ranked: Vec<usize> = (0..5).collect();
    ranked.sort_by_key(|at| std::cmp::Reverse(gains[*at]));
    let sum = gains[ranked[0]] + gains[ranked[1]];
    let names = |a: usize, b: usize| format!("{}, {}", people[a], people[b]);
    Batch {
        asked: format!(
            "Each tells the name of a person and two numbers, before and after. Which two persons gained most \
             from before to after, the one who gained most first, and how much did the two gain \
             together?\n\n{LAST_LINE}the two names and the sum of their two gains, with commas between them."
        ),
        files,
        marks,
        right: format!("{}, {sum}", names(ranked[0], ranked[1])),
        wrong: vec![
            ("in the other order", format!("{}, {sum}", names(ranked[1], ranked[0]))),
            ("the third for the second", format!("{}, {sum}", names(ranked[0], ranked[2]))),
            ("no sum", names(ranked[0], ranked[1])),
            ("the gain of the first alone", format!("{}, {}", names(ranked[0], ranked[1]), gains[ranked[0]])),
        ],
    }
    .into_instance()
}
