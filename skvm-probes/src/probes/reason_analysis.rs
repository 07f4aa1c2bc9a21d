//! `reason.analysis`: reading code: what it is for, which line is wrong, and where a fault comes from.

use super::phrase::question;
use super::{Levels, pools};
use crate::draw::Draw;
use crate::probe::Instance;

pub(super) const LEVELS: Levels = [purpose, wrong_line, root_cause];

/// What a function of a list of integers gives, and code for it. `F`, `X`, `Y` and `Z` stand for names.
const PURPOSES: [(&str, &str); 10] = [
    (
        "the largest difference between two neighbours",
        "    Y = 0\n    for Z in range(1, len(X)):\n        Y = max(Y, abs(X[Z] - X[Z - 1]))\n    return Y\n",
    ),
    (
        "how many different numbers there are",
        "    Y = []\n    for Z in X:\n        if Z not in Y:\n            Y.append(Z)\n    return len(Y)\n",
    ),
    (
        "the second largest of the different numbers",
        "    Y = sorted(set(X))\n    Z = len(Y) - 2\n    return Y[Z]\n",
    ),
    (
        "whether no number is smaller than the one before it",
        "    for Z in range(len(X) - 1):\n        Y = X[Z + 1]\n        if X[Z] > Y:\n            return False\n    return True\n",
    ),
    (
        "the list of the sums of all numbers up to each place",
        "    Y = []\n    for Z in X:\n        Y.append(Z + (Y[-1] if Y else 0))\n    return Y\n",
    ),
    (
        "the place of the first negative number, or -1",
        "    Y = -1\n    for Z in range(len(X) - 1, -1, -1):\n        if X[Z] < 0:\n            Y = Z\n    return Y\n",
    ),
    (
        "the length of the longest run of equal numbers next to each other",
        "    Y = Z = 0\n    for at in range(len(X)):\n        Z = Z + 1 if at and X[at] == X[at - 1] else 1\n        Y = max(Y, Z)\n    return Y\n",
    ),
    (
        "how many even numbers there are",
        "    Y = len(X)\n    for Z in X:\n        Y -= Z % 2\n    return Y\n",
    ),
    (
        "the numbers in reverse order",
        "    Y = []\n    for Z in X:\n        Y = [Z] + Y\n    return Y\n",
    ),
    (
        "the numbers without the smallest and the largest, in ascending order",
        "    Y = sorted(X)\n    Z = len(Y) - 1\n    return Y[1:Z]\n",
    ),
];

/// What a snippet is for.
fn purpose(draw: &mut Draw) -> Instance {
    let chosen = draw.sample(&PURPOSES, 5);
    let names = draw.sample(&pools::KEYS, 4);
    let right = draw.below(5) as usize;
    let body = rename(chosen[right].1, &names[1..]);
    let options: String = chosen
        .iter()
        .enumerate()
        .map(|(at, (told, _))| format!("{}: {told}\n", letter(at)))
        .collect();
    let asked = format!(
        "This Python function gets a list of integers, which has at least two different ones:\n\n```python\ndef {}({}):\n{body}```\n\nWhat does \
         it give?\n{options}",
        names[0], names[1],
    );
    let others = ["the next option", "the one after that", "the third other", "the fourth other"];
    let wrong = others.iter().enumerate();
    let wrong = wrong.map(|(by, fault)| (*fault, letter((right + 1 + by) % 5).to_string()));
    question(&asked, "the letter of the right option.", &letter(right).to_string(), wrong.collect())
}

fn letter(at: usize) -> char {
    char::from(b'A' + at as u8)
}

fn rename(code: &str, names: &[&str]) -> String {
    ["X", "Y", "Z"]
        .iter()
        .zip(names)
        .fold(code.to_owned(), |code, (from, to)| code.replace(from, to))
}

/// A function that does what its description says, and lines that each break it: the number of the line from 1,
/// and what stands there then. `X`, `Y` and `Z` stand for names, `N` for a number.
struct Broken {
    told: &'static str,
    code: &'static str,
    faults: &'static [(usize, &'static str)],
}

const BROKEN: [Broken; 5] = [
    Broken {
        told: "gives the average of those numbers of a list that are greater than N, and 0 if there are none",
        code: "def F(X):\n    Y = 0\n    Z = 0\n    for value in X:\n        if value > N:\n            Y += value\n            Z += 1\n    if Z == 0:\n        return 0\n    return Y / Z\n",
        faults: &[
            (3, "    Z = 1"),
            (5, "        if value >= N:"),
            (6, "            Y = value"),
            (7, "            Z += value"),
            (10, "    return Z / Y"),
        ],
    },
    Broken {
        told: "gives the list of the places, counted from 0, at which a list has the number N",
        code: "def F(X):\n    Y = []\n    Z = 0\n    while Z < len(X):\n        if X[Z] == N:\n            Y.append(Z)\n        Z += 1\n    return Y\n",
        faults: &[
            (3, "    Z = 1"),
            (4, "    while Z < len(X) - 1:"),
            (5, "        if X[Z] != N:"),
            (6, "            Y.append(X[Z])"),
            (7, "        Z += 2"),
        ],
    },
    Broken {
        told: "gives how often each word occurs in a text as a dictionary, leaving out words with fewer than N letters",
        code: "def F(X):\n    Y = {}\n    for Z in X.split():\n        if len(Z) < N:\n            continue\n        if Z not in Y:\n            Y[Z] = 0\n        Y[Z] += 1\n    return Y\n",
        faults: &[
            (4, "        if len(Z) > N:"),
            (5, "            break"),
            (7, "            Y[Z] = 1"),
            (8, "        Y[Z] = 1"),
            (9, "    return len(Y)"),
        ],
    },
    Broken {
        told: "gives the greatest common divisor of two positive integers multiplied by N",
        code: "def F(X, Y):\n    while Y != 0:\n        Z = X % Y\n        X = Y\n        Y = Z\n    return X * N\n",
        faults: &[
            (2, "    while X != 0:"),
            (3, "        Z = X // Y"),
            (4, "        X = Z"),
            (6, "    return Y * N"),
        ],
    },
    Broken {
        told: "gives the first N elements of a sorted list that two sorted lists make together, or all if there are fewer",
        code: "def F(X, Y):\n    Z = []\n    while (X or Y) and len(Z) < N:\n        if not Y or (X and X[0] <= Y[0]):\n            Z.append(X[0])\n            X = X[1:]\n        else:\n            Z.append(Y[0])\n            Y = Y[1:]\n    return Z\n",
        faults: &[
            (3, "    while (X or Y) and len(Z) <= N:"),
            (4, "        if not Y or (X and X[0] >= Y[0]):"),
            (6, "            X = X[2:]"),
            (8, "            Z.append(Y[-1])"),
            (10, "    return Z[1:]"),
        ],
    },
];

fn numbered(code: &str) -> String {
    code.lines().enumerate().map(|(at, line)| format!("{:>2}: {line}\n", at + 1)).collect()
}

fn with_line(code: &str, number: usize, line: &str) -> String {
    code.lines()
        .enumerate()
        .map(|(at, old)| format!("{}\n", if at + 1 == number { line } else { old }))
        .collect()
}

/// The line with the bug.
fn wrong_line(draw: &mut Draw) -> Instance {
    let Broken { told, code, faults } = &BROKEN[draw.below(BROKEN.len() as u64) as usize];
    let (line, fault) = faults[draw.below(faults.len() as u64) as usize];
    let number = draw.between(2..=9).to_string();
    let names = draw.sample(&pools::KEYS, 4);
    let fill = |text: &str| {
        let text = rename(text, &names[1..]);
        text.replace("F(", &format!("{}(", names[0])).replace('N', &number)
    };
    let shown = numbered(&fill(&with_line(code, line, fault)));
    let asked = format!(
        "This Python function should do this: it {}. Exactly one of its lines is wrong; all others are as they should \
         be.\n\n```python\n{shown}```\n\nWhich line is wrong?",
        fill(told),
    );
    let count = code.lines().count();
    let wrong = [
        ("the line after it", line % count + 1),
        ("the line before it", (line + count - 2) % count + 1),
        ("two lines further", (line + 1) % count + 1),
    ];
    let wrong = wrong.into_iter().map(|(fault, line)| (fault, line.to_string()));
    let wrong = wrong.chain([("the text of the line", fill(fault).trim().to_owned())]);
    question(&asked, "the number of the wrong line.", &line.to_string(), wrong.collect())
}

/// Three files that work together. Each line that can be wrong: file, number, and what stands there then.
const FILES: [(&str, &str); 3] = [
    (
        "units.py",
        "# All weights in this project are grams, all prices are cents.\nGRAMS_PER_KILO = 1000\n\n\
         def to_grams(kilos):\n    return kilos * GRAMS_PER_KILO\n\n\
         def to_cents(euros):\n    return round(euros * 100)\n",
    ),
    (
        "parcel.py",
        "from units import to_cents, to_grams\n\n\
         # A parcel costs BASE cents, and EXTRA cents for each started LIMIT grams above LIMIT grams.\n\
         LIMIT = to_grams(A)\nBASE = to_cents(B)\nEXTRA = to_cents(C)\n\n\
         def price(grams):\n    over = max(0, grams - LIMIT)\n    steps = -(-over // LIMIT)\n    \
         return BASE + steps * EXTRA\n",
    ),
    (
        "invoice.py",
        "from parcel import price\nfrom units import to_grams\n\n\
         # The total of several parcels, given their weights in kilos, less D percent from five parcels on.\n\
         def total(weights):\n    cents = sum(price(to_grams(kilos)) for kilos in weights)\n    \
         if len(weights) >= 5:\n        cents = cents * (100 - D) // 100\n    return cents\n\n\
         # The same total as a text in euros, such as 12.05.\n\
         def told(weights):\n    cents = total(weights)\n    return f\"{cents // 100}.{cents % 100:02}\"\n",
    ),
];

const CAUSES: [(usize, usize, &str, &str); 7] = [
    (
        1,
        4,
        "LIMIT = to_cents(A)",
        "Parcels between a tenth of the limit and the limit cost more than the base price.",
    ),
    (
        0,
        8,
        "    return round(euros) * 100",
        "Prices have no cents although the price list has some.",
    ),
    (
        1,
        9,
        "    over = max(0, grams)",
        "Parcels of exactly the limit cost more than the base price.",
    ),
    (
        1,
        10,
        "    steps = over // LIMIT",
        "A parcel slightly above the limit costs the base price only.",
    ),
    (
        1,
        11,
        "    return BASE + EXTRA",
        "Even very light parcels cost the base price and one extra, and no parcel costs more.",
    ),
    (2, 7, "    if len(weights) > 5:", "Exactly five parcels together get no discount."),
    (
        2,
        14,
        "    return f\"{cents // 100}.{cents % 100}\"",
        "An invoice over 12 euros and 5 cents reads 12.5.",
    ),
];

/// The line at fault over several files.
fn root_cause(draw: &mut Draw) -> Instance {
    let (file, line, fault, seen) = draw.pick(&CAUSES);
    let values = [
        ("A", draw.between(2..=5).to_string()),
        ("B", format!("{}.{}5", draw.between(2..=6), draw.between(1..=9))),
        ("C", format!("{}.{}5", draw.between(1..=3), draw.between(1..=9))),
        ("D", draw.between(5..=30).to_string()),
    ];
    let fill = |code: &str| {
        let code = code.replace("(A)", &format!("({})", values[0].1));
        let code = code.replace("to_cents(B)", &format!("to_cents({})", values[1].1));
        let code = code.replace("to_cents(C)", &format!("to_cents({})", values[2].1));
        code.replace("less D percent", &format!("less {} percent", values[3].1))
            .replace("(100 - D)", &format!("(100 - {})", values[3].1))
    };
    // The files stand in any order.
    let mut order = [0, 1, 2];
    draw.shuffle(&mut order);
    let shown: String = order
        .iter()
        .map(|at| {
            let (name, code) = FILES[*at];
            let code = if *at == file { with_line(code, line, fault) } else { code.to_owned() };
            format!("{name}:\n```python\n{}```\n\n", numbered(&fill(&code)))
        })
        .collect();
    let asked = format!(
        "A project has these three files. The comments say what is meant and are right, and so are all numbers \
         of the price list (limit, base, extra, per cent).\n\n{shown}This was observed: {seen} Exactly one line \
         of all files is wrong and is the cause. Which one?",
    );
    let name = |file: usize| FILES[file % 3].0;
    let right = format!("{}:{line}", name(file));
    let wrong = vec![
        ("the line after it", format!("{}:{}", name(file), line + 1)),
        ("the line before it", format!("{}:{}", name(file), line - 1)),
        ("another file", format!("{}:{line}", name(file + 1))),
        ("the file alone", name(file).to_owned()),
        ("the line alone", line.to_string()),
    ];
    question(&asked, "the file and the number of the line as in `units.py:3`.", &right, wrong)
}
