//! `reason.logic`: what follows, what fits, and what is best.

use super::phrase::{joined, question};
use super::{Levels, pools};
use crate::draw::Draw;
use crate::probe::Instance;

pub(super) const LEVELS: Levels = [rules, arrangement, choice];

/// If-then rules and what follows from them.
fn rules(draw: &mut Draw) -> Instance {
    let colours: Vec<&'static str> = draw.sample(&pools::COLOURS, 7);
    // A chain of three, a rule whose condition never holds, and one that leads away from the chain's start.
    let chain = &colours[..4];
    let (stray, beside, never) = (colours[4], colours[5], colours[6]);
    let mut told: Vec<String> = chain.windows(2).map(|pair| rule(pair[0], pair[1])).collect();
    told.push(rule(stray, beside));
    told.push(rule(never, stray));
    draw.shuffle(&mut told);
    let mut lit: Vec<&str> = chain.to_vec();
    lit.sort_unstable();
    let right = lit.join(", ");
    let asked = format!(
        "A panel has lamps of these colours: {}. These rules hold:\n{}\nA lamp is off unless it was switched on or a rule says \
         that it is on. Someone switches on the {} lamp and no other. Which lamps are on then?",
        {
            let mut all: Vec<String> = colours.iter().map(|c| (*c).to_owned()).collect();
            all.sort();
            joined(&all)
        },
        told.concat(),
        chain[0],
    );
    let form =
        "the colours of all lamps that are on, in alphabetical order, with commas between them.";
    let with = |more: &[&str]| {
        let mut lit: Vec<&str> = chain.iter().chain(more).copied().collect();
        lit.sort_unstable();
        lit.join(", ")
    };
    let without = |less: &str| {
        let lit: Vec<&str> = lit.iter().copied().filter(|colour| *colour != less).collect();
        lit.join(", ")
    };
    let wrong = vec![
        ("the rules are read backwards", with(&[never, stray])),
        ("one lamp too many", with(&[beside])),
        ("the end of the chain is missing", without(chain[3])),
        ("the first lamp is missing", without(chain[0])),
    ];
    question(&asked, form, &right, wrong)
}

fn rule(from: &str, to: &str) -> String {
    format!("- If the {from} lamp is on, the {to} lamp is on.\n")
}

/// A statement about an order of people.
#[derive(Debug, Clone, Copy)]
enum Clue {
    /// Somewhere before.
    Before(usize, usize),
    /// Next to each other.
    Beside(usize, usize),
    /// Not next to each other.
    Apart(usize, usize),
    /// At a place.
    At(usize, usize),
    /// Not at a place.
    NotAt(usize, usize),
}

impl Clue {
    fn holds(self, order: &[usize]) -> bool {
        let place = |who: usize| order.iter().position(|other| *other == who).unwrap_or(0);
        match self {
            Self::Before(a, b) => place(a) < place(b),
            Self::Beside(a, b) => place(a).abs_diff(place(b)) == 1,
            Self::Apart(a, b) => place(a).abs_diff(place(b)) != 1,
            Self::At(a, at) => place(a) == at,
            Self::NotAt(a, at) => place(a) != at,
        }
    }

    fn told(self, names: &[&str]) -> String {
        const PLACES: [&str; 5] = ["first", "second", "third", "fourth", "fifth"];
        match self {
            Self::Before(a, b) => {
                format!("{} stands somewhere before {}.", names[a], names[b])
            }
            Self::Beside(a, b) => {
                format!("{} and {} stand next to each other.", names[a], names[b])
            }
            Self::Apart(a, b) => {
                format!("{} and {} do not stand next to each other.", names[a], names[b])
            }
            Self::At(a, at) => format!("{} is the {} in the queue.", names[a], PLACES[at]),
            Self::NotAt(a, at) => format!("{} is not the {} in the queue.", names[a], PLACES[at]),
        }
    }
}

fn orders(count: usize) -> Vec<Vec<usize>> {
    let mut orders = vec![Vec::new()];
    for _ in 0..count {
        orders = orders
            .into_iter()
            .flat_map(|order: Vec<usize>| {
                let free: Vec<usize> = (0..count).filter(|who| !order.contains(who)).collect();
                free.into_iter().map(move |who| [order.clone(), vec![who]].concat())
            })
            .collect();
    }
    orders
}

/// Several constraints with one solution, found by trying all.
fn arrangement(draw: &mut Draw) -> Instance {
    const COUNT: usize = 5;
    let names: Vec<&'static str> = draw.sample(&pools::PEOPLE, COUNT);
    let all = orders(COUNT);
    let right = all[draw.below(all.len() as u64) as usize].clone();
    // True statements in random order; each is kept that leaves fewer orders, until one order is left.
    let mut possible: Vec<Clue> = Vec::new();
    for a in 0..COUNT {
        for b in 0..COUNT {
            if a != b {
                possible.push(Clue::Before(a, b));
                possible.push(Clue::NotAt(a, b));
            }
            if a < b {
                possible.push(Clue::Beside(a, b));
                possible.push(Clue::Apart(a, b));
            }
        }
    }
    possible.retain(|clue| clue.holds(&right));
    draw.shuffle(&mut possible);
    let mut left = all.clone();
    let mut clues: Vec<Clue> = Vec::new();
    // A place is a help of last resort: it stands behind all others.
    let places = (0..COUNT).map(|at| Clue::At(right[at], at));
    for clue in possible.into_iter().chain(places) {
        let fewer = left.iter().filter(|order| clue.holds(order)).count();
        if left.len() > 1 && fewer < left.len() {
            left.retain(|order| clue.holds(order));
            clues.push(clue);
        }
    }
    // What the others already say is left out.
    let mut at = 0;
    while at < clues.len() {
        let rest = |order: &&Vec<usize>| {
            clues.iter().enumerate().all(|(other, clue)| other == at || clue.holds(order))
        };
        if all.iter().filter(rest).count() == 1 {
            clues.remove(at);
        } else {
            at += 1;
        }
    }
    let told: String = clues.iter().map(|clue| format!("- {}\n", clue.told(&names))).collect();
    let mut sorted: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    sorted.sort();
    let asked = format!(
        "Five people stand in a queue, one behind the other: {}. The first in the queue stands before all \
         others.\n{told}In which order do they stand?",
        joined(&sorted)
    );
    let form = "the five names from the first to the last, with commas between them.";
    let line = |order: &[usize]| order.iter().map(|who| names[*who]).collect::<Vec<_>>().join(", ");
    let mut swapped = right.clone();
    swapped.swap(0, 1);
    let mut last = right.clone();
    last.swap(3, 4);
    let turned: Vec<usize> = right.iter().rev().copied().collect();
    let wrong = vec![
        ("from the last to the first", line(&turned)),
        ("the first two are swapped", line(&swapped)),
        ("the last two are swapped", line(&last)),
        ("one is missing", line(&right[..4])),
    ];
    question(&asked, form, &line(&right), wrong)
}

/// Something that may be packed.
#[derive(Debug, Clone, Copy)]
struct Item {
    name: &'static str,
    weight: u64,
    value: u64,
}

/// The best choice under constraints; there is one only.
fn choice(draw: &mut Draw) -> Instance {
    const COUNT: usize = 6;
    loop {
        let names = draw.sample(&pools::THINGS, COUNT);
        let items: Vec<Item> = names
            .into_iter()
            .map(|name| Item { name, weight: draw.between(2..=12), value: draw.between(10..=60) })
            .collect();
        let limit = draw.between(16..=22);
        let mut order: Vec<usize> = (0..COUNT).collect();
        draw.shuffle(&mut order);
        let (apart, needs) = ((order[0], order[1]), (order[2], order[3]));
        let has = |set: u32, item: usize| set >> item & 1 == 1;
        let sum = |set: u32, of: fn(&Item) -> u64| -> u64 {
            items.iter().enumerate().filter(|(at, _)| has(set, *at)).map(|(_, i)| of(i)).sum()
        };
        let fits = |set: u32| sum(set, |item| item.weight) <= limit;
        let is_apart = |set: u32| !(has(set, apart.0) && has(set, apart.1));
        let is_whole = |set: u32| !has(set, needs.0) || has(set, needs.1);
        // The best two of those that a test lets through.
        let best = |test: &dyn Fn(u32) -> bool| {
            let mut sets: Vec<u32> = (1..1 << COUNT).filter(|set| test(*set)).collect();
            sets.sort_by_key(|set| std::cmp::Reverse(sum(*set, |item| item.value)));
            sets
        };
        let ranked = best(&|set| fits(set) && is_apart(set) && is_whole(set));
        let [first, second, ..] = ranked.as_slice() else { continue };
        let value = |set: u32| sum(set, |item| item.value);
        if value(*first) == value(*second) {
            continue;
        }
        // Each rule has to matter: without it another choice would be the best.
        let without = [
            ("the limit is ignored", best(&|set| is_apart(set) && is_whole(set))[0]),
            ("what excludes each other is packed", best(&|set| fits(set) && is_whole(set))[0]),
            ("what needs the other goes alone", best(&|set| fits(set) && is_apart(set))[0]),
        ];
        if without.iter().any(|(_, set)| value(*set) == value(*first)) {
            continue;
        }
        let line = |set: u32| {
            let mut packed: Vec<&str> = items
                .iter()
                .enumerate()
                .filter(|(at, _)| has(set, *at))
                .map(|(_, item)| item.name)
                .collect();
            packed.sort_unstable();
            packed.join(", ")
        };
        let told: String = items
            .iter()
            .map(|item| format!("- {}: {} kg, value {}\n", item.name, item.weight, item.value))
            .collect();
        let asked = format!(
            "These things can be packed, each at most once:\n{told}All that is packed together weighs at most \
             {limit} kg. The {} and the {} are not packed together. The {} is packed only if the {} is packed, \
             too. Which choice has the largest total value? There is exactly one.",
            items[apart.0].name, items[apart.1].name, items[needs.0].name, items[needs.1].name
        );
        let form = "the names of what is packed, in alphabetical order, with commas between them.";
        let wrong = without.into_iter().chain([("the second best", *second)]);
        let wrong = wrong.map(|(fault, set)| (fault, line(set))).collect();
        return question(&asked, form, &line(*first), wrong);
    }
}
