//! `reason.arithmetic`: computing a number without a program.

use std::fmt;

use super::Levels;
use super::phrase::{LAST_LINE, final_answer};
use crate::draw::Draw;
use crate::probe::{Instance, Mismatch, by_answer};

// Everything is computed in integers, and no result lies halfway between two roundings.

pub(super) const LEVELS: Levels = [
    |draw| if draw.flip() { product(draw) } else { difference(draw) }.into_instance(),
    |draw| if draw.flip() { average(draw) } else { bill(draw) }.into_instance(),
    |draw| {
        if draw.flip() { compound_interest(draw) } else { chained_percentages(draw) }
            .into_instance()
    },
];

const RULES: &str = "the number alone, in plain digits with a point before any decimals: no unit and no \
    thousands separator.";
const EXACT: &str = "Give the exact result.";
const ROUNDED: &str = "Do not round in between. Round the final result to two digits after the \
    decimal point, half up.";

/// A number held as an integer: a whole one, or hundredths of one.
#[derive(Debug, Clone, Copy)]
struct Number {
    units: u128,
    hundredths: bool,
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { units, hundredths } = self;
        if *hundredths { write!(f, "{}.{:02}", units / 100, units % 100) } else { units.fmt(f) }
    }
}

fn cents(units: impl Into<u128>) -> Number {
    Number { units: units.into(), hundredths: true }
}

/// A question, its answer and mistakes that are easily made.
struct Problem {
    question: String,
    rounding: &'static str,
    answer: Number,
    mistakes: Vec<(&'static str, u128)>,
}

impl Problem {
    fn into_instance(self) -> Instance {
        let Self { question, rounding, answer, mut mistakes } = self;
        let reference = format!("Answer: {answer}");
        let expected = answer.to_string();
        let grader = by_answer(move |answer| check(answer, &expected));
        let prompt = format!("{question} {rounding}\n\n{LAST_LINE}{RULES}");
        let instance = Instance::new(prompt, reference, grader)
            .with_near_miss("the last line is not marked", answer.to_string())
            .with_near_miss("a unit follows", format!("Answer: {answer} units"))
            .with_near_miss("words follow", format!("Answer: {answer}\nPlease check it."));
        mistakes.push(("one too many in the last digit", answer.units + 1));
        mistakes.push(("a lost carry", answer.units + 10));
        // A mistake in rounding shows in some results only; in the others it is no mistake.
        mistakes.into_iter().filter(|(_, units)| *units != answer.units).fold(
            instance,
            |instance, (fault, units)| {
                let wrong = Number { units, ..answer };
                instance.with_near_miss(fault, format!("Answer: {wrong}"))
            },
        )
    }
}

/// `n / d` rounded half up.
fn rounded(n: u128, d: u128) -> u128 {
    (2 * n + d) / (2 * d)
}

/// What `x` needs so that `x * m / d` is not halfway between two integers: nothing or 1. One step is
/// enough: a tie means that `x * m` and so `m` is no multiple of `d`, but two neighbouring ties would
/// differ by a multiple of `d`, and they differ by `m`.
fn off_tie(x: u128, m: u128, d: u128) -> u64 {
    u64::from(2 * (x * m % d) == d)
}

fn product(draw: &mut Draw) -> Problem {
    let (each, crates) = (draw.between(103..=989), draw.between(13..=97));
    let thing = draw.pick(&["bolts", "candles", "cups", "lamps", "lids", "nails", "pens", "tiles"]);
    Problem {
        question: format!(
            "A depot holds {crates} crates with {each} {thing} in each crate. How \
            many {thing} does it hold?"
        ),
        rounding: EXACT,
        answer: Number { units: (each * crates).into(), hundredths: false },
        mistakes: vec![
            ("added instead", (each + crates).into()),
            ("one crate forgotten", (each * (crates - 1)).into()),
        ],
    }
}

fn difference(draw: &mut Draw) -> Problem {
    let (left, sold) = (draw.between(10_001..=49_999), draw.between(10_001..=49_999));
    let thing = draw.pick(&["cable", "chain", "pipe", "rope"]);
    Problem {
        question: format!(
            "A drum holds {} metres of {thing}, of which {} metres are sold. How many \
            metres of {thing} are left?",
            cents(left + sold),
            cents(sold)
        ),
        rounding: EXACT,
        answer: cents(left),
        mistakes: vec![("added instead", (left + 2 * sold).into())],
    }
}

fn average(draw: &mut Draw) -> Problem {
    let count = draw.between(6..=9);
    let mut values: Vec<u64> = (0..count).map(|_| draw.between(103..=997)).collect();
    let n = u128::from(count);
    values[0] += off_tie(values.iter().sum::<u64>().into(), 100, n);
    let sum = u128::from(values.iter().sum::<u64>());
    let list = values.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
    Problem {
        question: format!(
            "A counter showed these {count} numbers of visitors: {list}. What is \
            their average?"
        ),
        rounding: ROUNDED,
        answer: cents(rounded(sum * 100, n)),
        mistakes: vec![
            ("divided by one less", rounded(sum * 100, n - 1)),
            ("cut off instead of rounded", sum * 100 / n),
        ],
    }
}

fn bill(draw: &mut Draw) -> Problem {
    let rows: [(u64, u64); 3] =
        std::array::from_fn(|_| (draw.between(3..=19), draw.between(105..=4_995)));
    let [(a, x), (b, y), (c, z)] = rows;
    let goods = a * x + b * y + c * z;
    let tax = u128::from(draw.between(4..=24));
    let mut delivery = draw.between(395..=1_995);
    delivery += off_tie((goods + delivery).into(), 100 + tax, 100);
    let net = u128::from(goods + delivery);
    Problem {
        question: format!(
            "An order lists {a} brushes at {} each, {b} buckets at {} each and {c} \
            ladders at {} each. Delivery adds {}. On all of this, delivery included, {tax} % tax is \
            charged. What is the total to pay?",
            cents(x),
            cents(y),
            cents(z),
            cents(delivery)
        ),
        rounding: ROUNDED,
        answer: cents(rounded(net * (100 + tax), 100)),
        mistakes: vec![
            ("no tax", net),
            (
                "no tax on delivery",
                u128::from(delivery) + rounded(u128::from(goods) * (100 + tax), 100),
            ),
            ("cut off instead of rounded", net * (100 + tax) / 100),
        ],
    }
}

fn compound_interest(draw: &mut Draw) -> Problem {
    let (tenths, years) = (draw.between(11..=94), draw.below(2) as u32 + 3);
    let rate = u128::from(tenths);
    let (factor, scale) = ((1000 + rate).pow(years), 1000_u128.pow(years));
    let start = draw.between(1_203..=9_797);
    let start = u128::from(start + off_tie(start.into(), 100 * factor, scale));
    let by_year = (0..years).fold(start * 100, |sum, _| rounded(sum * (1000 + rate), 1000));
    Problem {
        question: format!(
            "{start} is put into an account that pays {}.{} % interest a year. The \
            interest is added to the account at the end of each year. How much is in the account \
            after {years} years?",
            tenths / 10,
            tenths % 10
        ),
        rounding: ROUNDED,
        answer: cents(rounded(start * 100 * factor, scale)),
        mistakes: vec![
            ("simple interest", rounded(start * 100 * (1000 + rate * u128::from(years)), 1000)),
            ("one year short", rounded(start * 100 * factor, scale / 1000 * (1000 + rate))),
            ("rounded each year", by_year),
        ],
    }
}

fn chained_percentages(draw: &mut Draw) -> Problem {
    let [up, down, more] = std::array::from_fn(|_| u128::from(draw.between(3..=29)));
    let steps = [100 + up, 100 - down, 100 + more];
    let factor = steps.iter().product::<u128>();
    let price = draw.between(12_003..=97_997);
    let price = u128::from(price + off_tie(price.into(), factor, 1_000_000));
    let by_step = steps.iter().fold(price, |sum, step| rounded(sum * step, 100));
    Problem {
        question: format!(
            "A price of {} is raised by {up} %, the new price is lowered by {down} %, \
            and that price is raised by {more} %. What is the final price?",
            cents(price)
        ),
        rounding: ROUNDED,
        answer: cents(rounded(price * factor, 1_000_000)),
        mistakes: vec![
            ("percentages added up", rounded(price * (100 + up + more - down), 100)),
            ("the last step forgotten", rounded(price * steps[0] * steps[1], 10_000)),
            ("rounded each step", by_step),
        ],
    }
}

/// Wants a number of the expected value as the final answer.
fn check(answer: &str, expected: &str) -> Result<(), Mismatch> {
    let number = final_answer(answer)?;
    match canonical(number) {
        None => Err(format!("not a plain number: {number}").into()),
        found if found == canonical(expected) => Ok(()),
        Some(_) => Err(format!("{expected} was right, the answer is {number}").into()),
    }
}

/// The digits before and after the point, without zeros that do not count; `None` for anything but
/// plain digits with at most one point between them.
fn canonical(number: &str) -> Option<(&str, &str)> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let plain = |digits: &str| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    (plain(whole) && plain(fraction))
        .then(|| (whole.trim_start_matches('0'), fraction.trim_end_matches('0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_rounded_up_and_one_step_leaves_every_tie() {
        assert_eq!((rounded(5, 2), rounded(7, 3), rounded(8, 3)), (3, 2, 3));
        for d in 1..=40 {
            for m in 1..=40 {
                for x in 0..=80 {
                    let off = x + u128::from(off_tie(x, m, d));
                    assert_ne!(2 * (off * m % d), d, "{x} * {m} / {d}");
                }
            }
        }
    }

    #[test]
    fn numbers_compare_by_value() {
        assert_eq!(canonical("0012.50"), canonical("12.5"));
        assert_eq!(canonical("12"), canonical("12.00"));
        for wrong in ["", ".", "1.", ".5", "1.2.3", "-1", "+1", "1,000", "1e3", "١"] {
            assert_eq!(canonical(wrong), None, "{wrong}");
        }
    }
}
