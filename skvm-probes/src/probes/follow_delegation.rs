//! `follow.delegation`: leaving the work to the script that was named for it.

use super::mixer::{file_mixed, file_mixer, mixed, mixer};
use super::phrase::{LAST_LINE, done, is_final_answer, serial};
use super::script_run::has_run;
use super::{Levels, pools};
use crate::draw::Draw;
use crate::probe::{Call, Instance, ToolNeed, by_evidence};

pub(super) const LEVELS: Levels = [given, data, exact];

/// The given script, not the head.
fn given(draw: &mut Draw) -> Instance {
    let (rounds, factor) = (draw.between(300..=500), draw.between(1_001..=9_999));
    let number = draw.between(100_000..=999_999);
    let right = format!("CHK-{:06}", mixed(number, rounds, factor));
    let other = format!("CHK-{:06}", mixed(number, rounds - 1, factor));
    let prompt = format!(
        "In the working directory lies the script `mix.sh`, which computes the check code of an article number: \
         `sh mix.sh NUMBER` prints it. What is the check code of the article {number}? Use the script for it and do \
         not work it out in another way.\n\n{LAST_LINE}the check code."
    );
    let expected = right.clone();
    let grader = by_evidence(move |evidence| {
        is_final_answer(evidence.answer, &expected)?;
        has_run(evidence, "mix.sh", &expected)
    });
    let call = Call::run(&format!("sh mix.sh {number}"));
    let own = format!(
        "n={number}; i=0; while [ $i -lt {rounds} ]; do n=$(( (n*{factor}+7919) % 999983 )); \
        i=$((i+1)); done; printf 'CHK-%06d\\n' $n"
    );
    Instance::new(prompt, done([call.clone()], &right), grader)
        .with_tools(ToolNeed::Harness)
        .with_file("mix.sh", mixer(rounds, factor, "CHK"))
        .with_near_miss("nothing is run", done([], &right))
        .with_near_miss("the script is read and worked out", done([Call::read("mix.sh")], &right))
        .with_near_miss("a program of its own", done([Call::run(&own)], &right))
        .with_near_miss("another code", done([call], &other))
}

/// The given script on a file of data.
fn data(draw: &mut Draw) -> Instance {
    let factor = draw.between(1_001..=9_999);
    let number = serial(draw);
    let names = draw.sample(&pools::KEYS, 3).into_iter();
    let names: Vec<String> = names.map(|key| format!("{key}-{number}")).collect();
    let values: Vec<Vec<u64>> =
        (0..3).map(|_| (0..8).map(|_| draw.between(10..=9_999)).collect()).collect();
    let code = |at: usize| format!("SUM-{:06}", file_mixed(&values[at], factor));
    let right = code(1);
    let path = format!("data/{}.txt", names[1]);
    let prompt = format!(
        "In the working directory lies the script `tools/score.sh`; `sh tools/score.sh FILE` prints the score code \
         of a file of numbers. What is the score code of `{path}`? Use the script for it and do not work it out in \
         another way.\n\n{LAST_LINE}the score code."
    );
    let expected = right.clone();
    let grader = by_evidence(move |evidence| {
        is_final_answer(evidence.answer, &expected)?;
        has_run(evidence, "score.sh", &expected)
    });
    let call = |at: usize| Call::run(&format!("sh tools/score.sh data/{}.txt", names[at]));
    let mut instance = Instance::new(prompt, done([call(1)], &right), grader)
        .with_tools(ToolNeed::Harness)
        .with_file("tools/score.sh", file_mixer(factor, "SUM", "sh score.sh FILE"))
        .with_near_miss("nothing is run", done([], &right))
        .with_near_miss("run on another file", done([call(0)], &code(0)))
        .with_near_miss("run on another file and guessed", done([call(0)], &right))
        .with_near_miss("both are only read", {
            done([Call::read("tools/score.sh"), Call::read(&path)], &right)
        })
        .with_near_miss("another code", done([call(1)], &code(2)));
    for (name, values) in names.iter().zip(&values) {
        let lines: String = values.iter().map(|value| format!("{value}\n")).collect();
        instance = instance.with_file(format!("data/{name}.txt"), lines);
    }
    instance
}

/// The demanded one of two methods, with the demanded setting.
fn exact(draw: &mut Draw) -> Instance {
    let factor = draw.between(1_001..=9_999);
    let (strict, quick) = (draw.between(1_001..=4_999), draw.between(5_000..=9_999));
    let values: Vec<u64> = (0..10).map(|_| draw.between(10..=9_999)).collect();
    let path = format!("data/{}-{}.txt", draw.pick(&pools::KEYS), serial(draw));
    let code = |factor: u64| format!("AUD-{:06}", file_mixed(&values, factor));
    let (plain, right, fast) = (code(factor), code(strict), code(quick));
    // Without the setting the exact script takes another factor, so its setting shows in the code.
    let body = file_mixer(factor, "AUD", "sh exact.sh [--mode strict] FILE");
    let chosen = format!(
        "factor={factor}\nif [ \"$1\" = --mode ] && [ \"$2\" = strict ]; then factor={strict}; fi\nfor file in"
    );
    let exact =
        body.replacen("for file in", &chosen, 1).replace(&format!("* {factor} +"), "* factor +");
    let prompt = format!(
        "In the working directory lie two scripts, `tools/quick.sh` and `tools/exact.sh`, which both print an audit \
         code of a file of numbers. The audit code of `{path}` is needed. It has to be made by \
         `tools/exact.sh` with the option `--mode strict` in front of the file, as in `sh tools/exact.sh --mode \
         strict FILE`. Do not use the quick script and do not work the code out in another way.\n\n\
         {LAST_LINE}the audit code."
    );
    let (expected, quickly) = (right.clone(), fast.clone());
    let grader = by_evidence(move |evidence| {
        is_final_answer(evidence.answer, &expected)?;
        if evidence.calls().iter().any(|call| call.runs("quick.sh") && call.shows(&quickly)) {
            return Err("the quick script was run".into());
        }
        has_run(evidence, "exact.sh", &expected)
    });
    let call = |command: &str| Call::run(&format!("sh tools/{command} {path}"));
    let lines: String = values.iter().map(|value| format!("{value}\n")).collect();
    Instance::new(prompt, done([call("exact.sh --mode strict")], &right), grader)
        .with_tools(ToolNeed::Harness)
        .with_file("tools/exact.sh", exact)
        .with_file("tools/quick.sh", file_mixer(quick, "AUD", "sh quick.sh FILE"))
        .with_file(path.as_str(), lines)
        .with_near_miss("the quick script", done([call("quick.sh")], &fast))
        .with_near_miss("without the option", done([call("exact.sh")], &plain))
        .with_near_miss("the quick script first", {
            done([call("quick.sh"), call("exact.sh --mode strict")], &right)
        })
        .with_near_miss("nothing is run", done([], &right))
        .with_near_miss("the script is only read", done([Call::read("tools/exact.sh")], &right))
        .with_near_miss("another code", done([call("exact.sh --mode strict")], &plain))
}
