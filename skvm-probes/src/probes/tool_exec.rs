//! `tool.exec`: results that only running shows.

use super::mixer::{mixed, mixer};
use super::phrase::{LAST_LINE, done, is_final_answer, token};
use super::script_run::has_run;
use super::{Levels, pools};
use crate::draw::Draw;
use crate::probe::{Call, Instance, ToolNeed, by_evidence};

pub(super) const LEVELS: Levels = [command, script, chain];

/// One command.
fn command(draw: &mut Draw) -> Instance {
    let (rounds, factor) = (draw.between(200..=400), draw.between(1_001..=9_999));
    let number = draw.between(1_000_000..=9_999_999);
    let prefix = draw.pick(&["KEY", "LOT", "RUN"]);
    let right = format!("{prefix}-{:06}", mixed(number, rounds, factor));
    let near = format!("{prefix}-{:06}", mixed(number + 1, rounds, factor));
    let call = format!("sh mix.sh {number}");
    let prompt = format!(
        "In the working directory lies the script `mix.sh`. Run the command `{call}`. What does it print?\n\n\
         {LAST_LINE}what it prints."
    );
    let expected = right.clone();
    let grader = by_evidence(move |evidence| {
        is_final_answer(evidence.answer, &expected)?;
        has_run(evidence, "mix.sh", &expected)
    });
    Instance::new(prompt, done([Call::run(&call)], &right), grader)
        .with_tools(ToolNeed::Harness)
        .with_file("mix.sh", mixer(rounds, factor, prefix))
        .with_near_miss("nothing is run", done([], &right))
        .with_near_miss("the script is only read", done([Call::read("mix.sh")], &right))
        .with_near_miss("run with another number", {
            done([Call::run(&format!("sh mix.sh {}", number + 1))], &near)
        })
        .with_near_miss("another answer", done([Call::run(&call)], "unknown"))
}

/// A script that is written, run, and whose output is saved.
fn script(draw: &mut Draw) -> Instance {
    let mark = draw.pick(&["OPEN", "LATE", "VOID"]);
    let name = format!("{}.sh", draw.pick(&pools::KEYS));
    let code = token(draw);
    let count = draw.between(46..=60);
    let lines: Vec<String> = (0..90)
        .map(|at| {
            let state = if at < count { mark } else { draw.pick(&["DONE", "PAID", "SENT"]) };
            format!("{} {state} {}", draw.pick(&pools::THINGS), draw.between(100..=999))
        })
        .collect();
    let mut shuffled = lines;
    draw.shuffle(&mut shuffled);
    let right = format!("{code} {count}");
    let prompt = format!(
        "The file `list.txt` in the working directory has one entry on each line. Write a shell script \
         `{name}` that prints one line: the text `{code}`, one space, and the number of lines of `list.txt` that \
         contain `{mark}`. Run the script and save what it prints in the file `result.txt`. Then show that file. \
         What does it say?\n\n{LAST_LINE}what the file says."
    );
    let (expected, file) = (right.clone(), name.clone());
    let grader = by_evidence(move |evidence| {
        is_final_answer(evidence.answer, &expected)?;
        let written = evidence.files.text(&file).unwrap_or_default();
        if !(written.contains("list.txt") && written.contains(mark)) {
            return Err(
                format!("there is no script {file} that looks for {mark} in list.txt").into()
            );
        }
        let saved = evidence.files.text("result.txt").ok_or("there is no result.txt")?;
        if saved.trim() != expected {
            return Err(
                format!("result.txt should say {expected} and says {}", saved.trim()).into()
            );
        }
        if evidence.calls().iter().any(|call| call.runs(&file)) {
            Ok(())
        } else {
            Err(format!("no call ran {file}").into())
        }
    });
    let body = format!("echo \"{code} $(grep -c {mark} list.txt)\"\n");
    let write = Call::write(&name, &body);
    let run = Call::run(&format!("sh {name} > result.txt && cat result.txt"));
    let by_hand = Call::write("result.txt", &format!("{right}\n"));
    Instance::new(prompt, done([write.clone(), run.clone()], &right), grader)
        .with_tools(ToolNeed::Harness)
        .with_file("list.txt", shuffled.join("\n") + "\n")
        .with_near_miss("written and not run", done([write.clone(), by_hand.clone()], &right))
        .with_near_miss("no script", {
            let direct = format!("echo \"{code} $(grep -c {mark} list.txt)\" > result.txt");
            done([Call::run(&direct)], &right)
        })
        .with_near_miss("nothing is saved", done([write, Call::run(&format!("sh {name}"))], &right))
        .with_near_miss("only said", done([], &right))
        .with_near_miss("the script counts other lines", {
            let other = Call::write(&name, &body.replace("-c", "-vc"));
            done([other, run], &format!("{code} {}", 90 - count))
        })
}

/// Several runs, each of which needs what the one before printed.
fn chain(draw: &mut Draw) -> Instance {
    let (rounds, factor) = (draw.between(100..=200), draw.between(1_001..=9_999));
    let start = draw.between(1_000_000..=9_999_999);
    let runs = draw.between(4..=5) as usize;
    let script = mixer(rounds, factor, "N").replace("'N-%06d\\n'", "'%d\\n'");
    let mut numbers = vec![start];
    for at in 0..runs {
        numbers.push(mixed(numbers[at], rounds, factor));
    }
    let right = numbers[runs].to_string();
    let prompt = format!(
        "In the working directory lies the script `mix.sh`. Run `sh mix.sh {start}`; it prints a number. Run it \
         again with that number, and so on, each time with the number that the last run printed, until it has \
         been run {runs} times in all. Which number does the last run print?\n\n{LAST_LINE}that number."
    );
    let printed: Vec<String> = numbers.iter().skip(1).map(u64::to_string).collect();
    let expected = printed.clone();
    let grader = by_evidence(move |evidence| {
        let last = expected.last().map_or("", String::as_str);
        is_final_answer(evidence.answer, last)?;
        has_run(evidence, "mix.sh", last)
    });
    let calls = |count: usize| -> Vec<Call> {
        numbers[..count].iter().map(|n| Call::run(&format!("sh mix.sh {n}"))).collect()
    };
    Instance::new(prompt, done(calls(runs), &right), grader)
        .with_tools(ToolNeed::Harness)
        .with_file("mix.sh", script)
        .with_near_miss("one run too few", done(calls(runs - 1), &printed[runs - 2]))
        .with_near_miss("one run too many", {
            let more = mixed(numbers[runs], rounds, factor).to_string();
            done(calls(runs + 1), &more)
        })
        .with_near_miss("the last run is guessed", done(calls(runs - 1), &right))
        .with_near_miss("nothing is run", done([], &right))
        .with_near_miss("the same number each time", {
            let same = (0..runs).map(|_| Call::run(&format!("sh mix.sh {start}")));
            done(same, &printed[0])
        })
}
