//! `follow.procedure`: steps that are easy by themselves, whose order and outcome stamped lines show.

use super::{Levels, pools};
use crate::draw::Draw;
use crate::probe::{Instance, by_answer};

pub(super) const LEVELS: Levels = [straight, branching, looping];

const RULES: &str = "Each time a step is carried out, write one line: the number of the step, a colon, one space, \
    and the list as it is after the step, with a comma and one space between the words (or what the step says \
    instead). Answer with these lines alone, in the order in which they come about.";

/// What a step does to a list of words.
#[derive(Debug, Clone, Copy)]
enum Act {
    FirstToEnd,
    LastToFront,
    SwapFirstTwo,
    Reverse,
    DropLast,
    DropFirst,
    Append(&'static str),
    Prepend(&'static str),
}

impl Act {
    fn told(self) -> String {
        match self {
            Self::FirstToEnd => "move the first word to the end".to_owned(),
            Self::LastToFront => "move the last word to the front".to_owned(),
            Self::SwapFirstTwo => "swap the first two words".to_owned(),
            Self::Reverse => "turn the whole list round".to_owned(),
            Self::DropLast => "remove the last word".to_owned(),
            Self::DropFirst => "remove the first word".to_owned(),
            Self::Append(word) => format!("add the word `{word}` at the end"),
            Self::Prepend(word) => format!("add the word `{word}` at the front"),
        }
    }

    fn apply(self, list: &mut Vec<&'static str>) {
        match self {
            Self::FirstToEnd => list.rotate_left(1),
            Self::LastToFront => list.rotate_right(1),
            Self::SwapFirstTwo => list.swap(0, 1),
            Self::Reverse => list.reverse(),
            Self::DropLast => drop(list.pop()),
            Self::DropFirst => drop(list.remove(0)),
            Self::Append(word) => list.push(word),
            Self::Prepend(word) => list.insert(0, word),
        }
    }
}

/// What a branch looks at.
#[derive(Debug, Clone, Copy)]
enum Test {
    MoreWordsThan(usize),
    FirstIs(&'static str),
    EvenCount,
}

impl Test {
    fn told(self) -> String {
        match self {
            Self::MoreWordsThan(count) => format!("the list has more than {count} words"),
            Self::FirstIs(word) => format!("the first word is `{word}`"),
            Self::EvenCount => "the list has an even number of words".to_owned(),
        }
    }

    fn holds(self, list: &[&'static str]) -> bool {
        match self {
            Self::MoreWordsThan(count) => list.len() > count,
            Self::FirstIs(word) => list.first() == Some(&word),
            Self::EvenCount => list.len().is_multiple_of(2),
        }
    }
}

fn line(number: usize, list: &[&str]) -> String {
    format!("{number}: {}", list.join(", "))
}

/// An instance whose only right answer are these lines.
fn graded(
    list: &[&str],
    steps: &str,
    right: Vec<String>,
    wrong: Vec<(&'static str, Vec<String>)>,
) -> Instance {
    let prompt = format!(
        "Begin with this list of words: {}. Carry out these steps:\n{steps}\n{RULES}",
        list.join(", ")
    );
    let text = right.join("\n");
    let last = right.last().cloned().unwrap_or_default();
    let misses: Vec<(&str, String)> = wrong
        .into_iter()
        .filter(|(_, lines)| *lines != right)
        .map(|(fault, lines)| (fault, lines.join("\n")))
        .collect();
    let swapped: Vec<&str> = right.iter().rev().map(String::as_str).collect();
    let swapped = swapped.join("\n");
    let without = right[1..].join("\n");
    let expected = right;
    let grader = by_answer(move |answer| {
        let mut found = answer.trim().lines().map(str::trim).filter(|line| !line.is_empty());
        for right in &expected {
            match found.next() {
                Some(line) if line.trim_matches('`') == right => {}
                Some(line) => return Err(format!("in place of `{right}` stands `{line}`").into()),
                None => return Err(format!("the line `{right}` is missing").into()),
            }
        }
        match found.next() {
            None => Ok(()),
            Some(line) => Err(format!("one line too many: `{line}`").into()),
        }
    });
    Instance::new(prompt, text, grader)
        .with_near_misses(misses)
        .with_near_miss("the lines are turned round", swapped)
        .with_near_miss("the first line is missing", without)
        .with_near_miss("only the last line", last)
}

/// Three steps.
fn straight(draw: &mut Draw) -> Instance {
    let list: Vec<&'static str> = draw.sample(&pools::THINGS, 4);
    let word = draw.pick(&pools::COLOURS);
    let first = draw.pick(&[Act::FirstToEnd, Act::LastToFront, Act::SwapFirstTwo]);
    let second = draw.pick(&[Act::Append(word), Act::Prepend(word), Act::DropFirst]);
    let third = draw.pick(&[Act::Reverse, Act::DropLast, Act::SwapFirstTwo]);
    let acts = [first, second, third];
    let steps: String = acts
        .iter()
        .enumerate()
        .map(|(at, act)| format!("{}. {}.\n", at + 1, sentence(*act)))
        .collect();
    let run = |order: &[usize]| {
        let mut words = list.clone();
        let stamp = |(number, at): (usize, &usize)| {
            acts[*at].apply(&mut words);
            line(number + 1, &words)
        };
        order.iter().enumerate().map(stamp).collect::<Vec<_>>()
    };
    let wrong = vec![
        ("the first two steps are swapped", run(&[1, 0, 2])),
        ("the last step is missing", run(&[0, 1])),
        ("a step is done twice", run(&[0, 1, 2, 2])),
    ];
    graded(&list, &steps, run(&[0, 1, 2]), wrong)
}

/// The act as the beginning of a sentence.
fn sentence(act: Act) -> String {
    let told = act.told();
    let mut characters = told.chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    first + characters.as_str()
}

/// Six steps, three of which branch.
fn branching(draw: &mut Draw) -> Instance {
    let list: Vec<&'static str> = draw.sample(&pools::THINGS, 5);
    let colours: Vec<&'static str> = draw.sample(&pools::COLOURS, 4);
    let count = draw.between(4..=5) as usize;
    let branches = [
        (Test::MoreWordsThan(count), Act::DropLast, Act::Append(colours[0])),
        (Test::EvenCount, Act::FirstToEnd, Act::Prepend(colours[1])),
        (Test::FirstIs(colours[1]), Act::SwapFirstTwo, Act::LastToFront),
    ];
    let plain = [
        draw.pick(&[Act::Append(colours[2]), Act::DropFirst]),
        draw.pick(&[Act::Reverse, Act::SwapFirstTwo]),
        draw.pick(&[Act::Prepend(colours[3]), Act::DropLast]),
    ];
    let mut steps = String::new();
    for at in 0..3 {
        let (test, yes, no) = branches[at];
        steps.push_str(&format!("{}. {}.\n", 2 * at + 1, sentence(plain[at])));
        steps.push_str(&format!(
            "{}. If {}, {}; otherwise {}.\n",
            2 * at + 2,
            test.told(),
            yes.told(),
            no.told()
        ));
    }
    // Which branch is taken wrongly, if any.
    let run = |wrong: Option<usize>| {
        let mut words = list.clone();
        let mut lines = Vec::new();
        for at in 0..3 {
            plain[at].apply(&mut words);
            lines.push(line(2 * at + 1, &words));
            let (test, yes, no) = branches[at];
            let holds = test.holds(&words) != (wrong == Some(at));
            if holds { yes } else { no }.apply(&mut words);
            lines.push(line(2 * at + 2, &words));
        }
        lines
    };
    let right = run(None);
    let mut short = right.clone();
    short.remove(3);
    let wrong = vec![
        ("the first branch is the wrong one", run(Some(0))),
        ("the second branch is the wrong one", run(Some(1))),
        ("the third branch is the wrong one", run(Some(2))),
        ("a step leaves no line", short),
    ];
    graded(&list, &steps, right, wrong)
}

/// Loops and a check that may send one back.
fn looping(draw: &mut Draw) -> Instance {
    let list: Vec<&'static str> = draw.sample(&pools::THINGS, 6);
    let wanted = list[draw.between(2..=4) as usize];
    let spare = draw.pick(&pools::COLOURS);
    let most = draw.between(3..=4) as usize;
    let steps = format!(
        "1. {}.\n2. While the first word is not `{wanted}`: move the first word to the end. Each such move is one time \
         that the step is carried out; if the first word is `{wanted}` already when you come to this step, leave \
         it out.\n3. While the list has more than {most} words: remove the last word. Each removal is one time that \
         the step is carried out.\n4. Check whether the list contains the \
         word `{spare}`. If it does, write `4: checked` and stop. If it does not, put `{spare}` into the \
         list as its second word, write the line of this step with the list, and go on with step 2.\n",
        sentence(Act::Reverse)
    );
    let run = |until: bool, check: bool, again: bool| {
        let mut words = list.clone();
        words.reverse();
        let mut lines = vec![line(1, &words)];
        // The second check finds the word: step 3 takes words from behind only.
        for _ in 0..2 {
            while words.first() != Some(&wanted) && words.contains(&wanted) {
                words.rotate_left(1);
                lines.push(line(2, &words));
                if !until {
                    break;
                }
            }
            while words.len() > most {
                words.pop();
                lines.push(line(3, &words));
            }
            if !check {
                break;
            }
            if words.contains(&spare) {
                lines.push("4: checked".to_owned());
                break;
            }
            words.insert(1, spare);
            lines.push(line(4, &words));
            if !again {
                lines.push("4: checked".to_owned());
                break;
            }
        }
        lines
    };
    let right = run(true, true, true);
    let once: Vec<String> = {
        let mut seen = Vec::new();
        let number = |line: &String| line.split(':').next().unwrap_or_default().to_owned();
        right
            .iter()
            .filter(|line| {
                let fresh = !seen.contains(&number(line));
                seen.push(number(line));
                fresh
            })
            .cloned()
            .collect()
    };
    let wrong = vec![
        ("the first loop ends after one round", run(false, true, true)),
        ("the check is left out", run(true, false, true)),
        ("it does not go back after the repair", run(true, true, false)),
        ("one line for each step", once),
    ];
    graded(&list, &steps, right, wrong)
}
