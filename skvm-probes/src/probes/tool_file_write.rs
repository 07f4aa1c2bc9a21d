//! `tool.file.write`: files that are written through a tool.

use super::phrase::listed;
use super::{Levels, pools};
use crate::draw::Draw;
use crate::probe::{Answer, Call, Evidence, Instance, Mismatch, ToolNeed, by_evidence};

pub(super) const LEVELS: Levels = [short, table, chain];

/// Wants a file of these lines. Gives the place of the first call that names it, where one does.
fn was_written(
    evidence: &Evidence<'_>,
    path: &str,
    right: &str,
) -> Result<Option<usize>, Mismatch> {
    let found = evidence.files.text(path).ok_or_else(|| format!("there is no text file {path}"))?;
    if found.trim_end() != right.trim_end() {
        let differs = right.lines().zip(found.lines().chain(std::iter::repeat("")));
        let differs = differs.enumerate().find(|(_, (right, found))| right != found);
        return Err(match differs {
            Some((at, (right, found))) => {
                format!("line {} of {path} should be {right:?} and is {found:?}", at + 1).into()
            }
            None => format!("{path} has lines too many").into(),
        });
    }
    let name = path.rsplit('/').next().unwrap_or(path);
    let wrote = |call: &crate::probe::TracedCall<'_>| call.mentions(name) && call.succeeded();
    Ok(evidence.calls().iter().position(wrote))
}

fn said(calls: impl IntoIterator<Item = Call>) -> Answer {
    Answer::after(calls, "It is written.")
}

/// A short file.
fn short(draw: &mut Draw) -> Instance {
    let path = format!("{}/{}.txt", draw.pick(&pools::KEYS), draw.pick(&pools::THINGS));
    let lines: Vec<String> = (0..3)
        .map(|_| {
            let (thing, place) = (draw.pick(&pools::THINGS), draw.pick(&pools::CITIES));
            format!("{thing} to {place}: {}", draw.between(10..=999))
        })
        .collect();
    let right = lines.join("\n") + "\n";
    let prompt = format!(
        "Write the file `{path}` below the working directory (its folder does not exist yet). It has exactly these three lines:\n\n{right}\nWhen \
         it is written, say so."
    );
    let file = path.clone();
    let expected = right.clone();
    let grader = by_evidence(move |evidence| was_written(evidence, &file, &expected).map(drop));
    let turned: Vec<&str> = lines.iter().rev().map(String::as_str).collect();
    Instance::new(prompt, said([Call::write(&path, &right)]), grader)
        .with_tools(ToolNeed::Harness)
        .with_near_miss("it is only said", said([]))
        .with_near_miss("shown and not written", format!("{path}:\n{right}"))
        .with_near_miss("in another order", said([Call::write(&path, &turned.join("\n"))]))
        .with_near_miss("a line is missing", said([Call::write(&path, &lines[..2].join("\n"))]))
        .with_near_miss("another path", said([Call::write("other.txt", &right)]))
}

/// A file of some kilobytes, line by line after a rule.
fn table(draw: &mut Draw) -> Instance {
    let path = format!("{}.csv", draw.pick(&pools::KEYS));
    let count = draw.between(60..=80);
    let (start, step) = (draw.between(11..=99), draw.between(3..=9));
    let cycle: Vec<&'static str> = draw.sample(&pools::COLOURS, 3);
    let right: String = (1..=count)
        .map(|n| {
            let colour = cycle[(n as usize - 1) % 3];
            format!("{n:03};{};{colour}\n", start + step * (n - 1))
        })
        .collect();
    let prompt = format!(
        "Write the file `{path}` in the working directory. It has exactly {count} lines of three fields with \
         semicolons between them and no spaces. The first field is the number of the line with three digits, \
         from 001. The second field is {start} in the first line and in each further line greater by {step} \
         than in the line before. The third field goes through {} in this order, again and again. The file \
         begins like this:\n\n{}\nWrite all lines out. When the file is written, say so.",
        listed(&cycle),
        right.lines().take(4).map(|line| format!("{line}\n")).collect::<String>(),
    );
    let file = path.clone();
    let expected = right.clone();
    let grader = by_evidence(move |evidence| was_written(evidence, &file, &expected).map(drop));
    let cut: String = right.lines().take(20).map(|line| format!("{line}\n")).collect();
    let shifted = right.replace(
        &format!("060;{};", start + step * 59),
        &format!("060;{};", start + step * 59 + 1),
    );
    Instance::new(prompt, said([Call::write(&path, &right)]), grader)
        .with_tools(ToolNeed::Harness)
        .with_near_miss("abbreviated", said([Call::write(&path, &format!("{cut}...\n"))]))
        .with_near_miss("a number slips", said([Call::write(&path, &shifted)]))
        .with_near_miss("a line too many", {
            said([Call::write(&path, &format!("{right}{:03};0;{}\n", count + 1, cycle[0]))])
        })
        .with_near_miss("shown and not written", format!("```\n{right}```"))
}

/// Several files, one after the other.
fn chain(draw: &mut Draw) -> Instance {
    let keys: Vec<&'static str> = draw.sample(&pools::KEYS, 4);
    let paths: Vec<String> = keys.iter().map(|key| format!("out/{key}.txt")).collect();
    let word = draw.pick(&pools::COLOURS);
    let number = draw.between(100..=900);
    let contents: Vec<String> = (0..4)
        .map(|at| {
            let next = if at == 3 { "none".to_owned() } else { (at + 2).to_string() };
            format!("file {} of 4\n{word} {}\nnext: {next}\n", at + 1, number + at as u64)
        })
        .collect();
    let prompt = format!(
        "Write the files {} below the working directory, in this order: each is complete before the next is \
         begun. Each has three lines. The first line is `file <number> of 4`, with the file's number in the \
         order, from 1. The second line is `{word} <value>`: the value is {number} in the first file and by 1 \
         greater in each further file than in the one before. The third line is `next: <number>` with the number of the next \
         file, and `next: none` in the last file. When all are written, say so.",
        listed(&paths)
    );
    let files: Vec<(String, String)> =
        paths.iter().cloned().zip(contents.iter().cloned()).collect();
    let grader = by_evidence(move |evidence| {
        let mut last = None;
        for (path, content) in &files {
            let place = was_written(evidence, path, content)?;
            if place.is_some() && place < last {
                return Err(format!("{path} was written before the file in front of it").into());
            }
            last = place.or(last);
        }
        Ok(())
    });
    let writes = |order: &[usize]| {
        let calls = order.iter().map(|at| Call::write(&paths[*at], &contents[*at]));
        calls.collect::<Vec<_>>()
    };
    let mut wrong = writes(&[0, 1, 2]);
    wrong.push(Call::write(&paths[3], &contents[3].replace("none", "1")));
    Instance::new(prompt, said(writes(&[0, 1, 2, 3])), grader)
        .with_tools(ToolNeed::Harness)
        .with_near_miss("in the reverse order", said(writes(&[3, 2, 1, 0])))
        .with_near_miss("two are swapped", said(writes(&[0, 2, 1, 3])))
        .with_near_miss("the last is missing", said(writes(&[0, 1, 2])))
        .with_near_miss("the last points to the first", said(wrong))
        .with_near_miss("it is only said", said([]))
}
