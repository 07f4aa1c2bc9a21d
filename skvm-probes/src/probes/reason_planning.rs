//! `reason.planning`: orders that follow from dependencies, conditions and failures.

use std::collections::BTreeSet;

use super::Levels;
use super::phrase::question;
use crate::draw::Draw;
use crate::probe::Instance;

pub(super) const LEVELS: Levels = [order, rounds, recovery];

/// Things to do, without a natural order.
const STEPS: [&str; 16] = [
    "paint the fence",
    "call the office",
    "wash the bus",
    "print the cards",
    "test the pump",
    "pack the crates",
    "water the plants",
    "copy the tapes",
    "label the jars",
    "fix the roof",
    "sort the mail",
    "charge the drill",
    "hang the signs",
    "weigh the bags",
    "scan the maps",
    "oil the gate",
];

fn letter(at: usize) -> char {
    char::from(b'A' + at as u8)
}

/// Steps under letters in an order that tells nothing.
fn listed(draw: &mut Draw, count: usize) -> String {
    let steps = draw.sample(&STEPS, count);
    steps.iter().enumerate().map(|(at, step)| format!("{}: {step}\n", letter(at))).collect()
}

/// Three to five steps in the one order that their dependencies allow.
fn order(draw: &mut Draw) -> Instance {
    let count = draw.between(4..=5) as usize;
    let steps = listed(draw, count);
    let mut right: Vec<usize> = (0..count).collect();
    draw.shuffle(&mut right);
    let mut told: Vec<String> = right
        .windows(2)
        .map(|pair| match draw.below(3) {
            0 => format!("{} has to be done before {}.", letter(pair[0]), letter(pair[1])),
            1 => format!("{} cannot begin until {} is done.", letter(pair[1]), letter(pair[0])),
            _ => format!("{} needs what {} gives.", letter(pair[1]), letter(pair[0])),
        })
        .collect();
    draw.shuffle(&mut told);
    let line = |order: &[usize]| {
        order.iter().map(|at| letter(*at).to_string()).collect::<Vec<_>>().join(", ")
    };
    let swapped = |at: usize| {
        let mut order = right.clone();
        order.swap(at, at + 1);
        line(&order)
    };
    let turned: Vec<usize> = right.iter().rev().copied().collect();
    let wrong = vec![
        ("from the end to the start", line(&turned)),
        ("the first two are swapped", swapped(0)),
        ("the last two are swapped", swapped(count - 2)),
        ("a step is missing", line(&right[1..])),
    ];
    let asked = format!(
        "These steps are to be done one after the other:\n{steps}\n{}\nIn which order?",
        told.join(" ")
    );
    let form = "the letters of all steps in their order, with commas between them.";
    question(&asked, form, &line(&right), wrong)
}

/// What can be done at the same time: each step as early as its dependencies allow.
fn rounds(draw: &mut Draw) -> Instance {
    const COUNT: usize = 7;
    let steps = listed(draw, COUNT);
    let mut names: Vec<usize> = (0..COUNT).collect();
    draw.shuffle(&mut names);
    // Two or three rounds of two or three; each step but those of the first needs one of the round before.
    let widths = draw.pick(&[[2, 3, 2], [3, 2, 2], [2, 2, 3]]);
    let mut layers: Vec<Vec<usize>> = Vec::new();
    let mut rest = names.as_slice();
    for width in widths {
        let (layer, others) = rest.split_at(width);
        layers.push(layer.to_vec());
        rest = others;
    }
    let mut needs: BTreeSet<(usize, usize)> = BTreeSet::new();
    for pair in layers.windows(2) {
        for step in &pair[1] {
            needs.insert((pair[0][draw.below(pair[0].len() as u64) as usize], *step));
        }
    }
    // One that reaches over a round, which changes nothing, and one more within neighbours.
    needs.insert((layers[0][0], layers[2][0]));
    needs.insert((layers[1][0], layers[2][1]));
    let mut told: Vec<String> = needs
        .iter()
        .map(|(from, to)| format!("{} needs {} to be done.", letter(*to), letter(*from)))
        .collect();
    draw.shuffle(&mut told);
    let line = |layers: &[Vec<usize>]| {
        let round = |layer: &Vec<usize>| {
            let mut letters: Vec<char> = layer.iter().map(|at| letter(*at)).collect();
            letters.sort_unstable();
            letters.into_iter().collect::<String>()
        };
        layers.iter().map(round).collect::<Vec<_>>().join(", ")
    };
    let moved = |from: usize, to: usize| {
        let mut layers = layers.clone();
        let step = layers[from].pop();
        layers[to].extend(step);
        line(&layers)
    };
    let mut turned = layers.clone();
    turned.reverse();
    let single: Vec<Vec<usize>> = layers.iter().flatten().map(|step| vec![*step]).collect();
    let wrong = vec![
        ("a step is done too late", moved(0, 1)),
        ("a step is done too early", moved(2, 1)),
        ("the rounds are turned round", line(&turned)),
        ("one step in each round", line(&single)),
        ("the last round is missing", line(&layers[..2])),
    ];
    let asked = format!(
        "These steps are to be done:\n{steps}\n{}\nEach step takes one round, and in a round any number of steps \
         can be done at the same time. A step can be done in a round if all that it needs was done in earlier \
         rounds. Every step is done in the earliest round possible. What is done in which round?",
        told.join(" ")
    );
    let form = "the rounds in their order with commas between them, each as its letters in alphabetical order \
        without spaces, as in `AC, BD, E`.";
    question(&asked, form, &line(&layers), wrong)
}

/// A plan that meets conditions and failures; what is done follows from its rules.
fn recovery(draw: &mut Draw) -> Instance {
    const COUNT: usize = 6;
    let steps = listed(draw, COUNT + 2);
    let (repair, give_up) = (letter(COUNT), letter(COUNT + 1));
    let mut failing: Vec<usize> = (1..COUNT - 1).collect();
    draw.shuffle(&mut failing);
    // One step fails once, another twice; a third is left out.
    let (once, twice, skipped) = (failing[0], failing[1], failing[2]);
    let back = once - 1;
    let simulate = |retry: bool, skip: bool, again: bool| {
        let mut log: Vec<char> = Vec::new();
        let (mut at, mut failed_once, mut failed_twice) = (0, !retry, 0);
        while at < COUNT {
            if at == skipped && skip {
                at += 1;
                continue;
            }
            log.push(letter(at));
            if at == once && !failed_once {
                failed_once = true;
                log.push(repair);
                at = if again { back } else { once };
                continue;
            }
            if at == twice && failed_twice < 2 {
                failed_twice += 1;
                if failed_twice == 2 {
                    log.push(give_up);
                    at += 1;
                }
                continue;
            }
            at += 1;
        }
        log
    };
    let line = |log: &[char]| log.iter().map(char::to_string).collect::<Vec<_>>().join(", ");
    let right = simulate(true, true, true);
    let asked = format!(
        "A plan has these steps:\n{steps}\nThe steps {} to {} are done in alphabetical order, with these rules:\n\
         - Step {} is left out.\n\
         - When step {} fails, step {repair} is done next, and then the plan goes on from step {} in \
         alphabetical order, doing all steps from there on again (what is left out stays left out).\n\
         - When step {} fails for the first time, it is done once more at once. When it fails for the second \
         time, step {give_up} is done next, and then the plan goes on with the step after {}, for which {} \
         counts as done.\n\
         - A step that the plan has come back to is done like any other step; when a step has already failed \
         twice and the plan comes back to it, it does not fail again.\n\n\
         This happens: step {} fails the first time it is done and never after that. Step {} fails the first two \
         times it is done. No other step fails. Which steps are done, in their order, failed ones included?",
        letter(0),
        letter(COUNT - 1),
        letter(skipped),
        letter(once),
        letter(back),
        letter(twice),
        letter(twice),
        letter(twice),
        letter(once),
        letter(twice),
    );
    let wrong = vec![
        ("nothing fails", line(&simulate(false, true, true))),
        ("nothing is left out", line(&simulate(true, false, true))),
        ("it goes on where it failed", line(&simulate(true, true, false))),
        ("the last step is missing", line(&right[..right.len() - 1])),
        ("the plan without its failures", {
            let plain: Vec<char> = (0..COUNT).filter(|at| *at != skipped).map(letter).collect();
            line(&plain)
        }),
    ];
    let form = "the letters of all steps that are done, in their order, with commas between them; a step that is \
        done several times stands there several times.";
    question(&asked, form, &line(&right), wrong)
}
