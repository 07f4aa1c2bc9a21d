//! `gen.code.python`: a script that is run on inputs that the target never saw.

use serde_json::{Map, Value, json};
use skvm_core::program::Program;

use super::script::{ALONE, Expected, Script, Trial};
use super::{Levels, phrase, pools};
use crate::draw::Draw;
use crate::probe::Instance;

pub(super) const LEVELS: Levels = [numbers, orders, stock];

fn fenced(code: &str) -> String {
    format!("```python\n{code}```")
}

fn graded(prompt: String, reference: &str, trials: Vec<Trial>) -> Instance {
    Instance::new(prompt, fenced(reference), Script::new("python3", "script.py", trials))
        .with_requirement(Program::new("python3", ["-c", "pass"]))
}

/// Basic syntax, file in and out.
fn numbers(draw: &mut Draw) -> Instance {
    let input_file = format!("numbers-{}.txt", phrase::serial(draw));
    let least = draw.between(20..=60) as i64;
    let divisor = draw.between(3..=7) as i64;
    let (name, above) = draw.pick(&[("greater than", true), ("less than", false)]);
    let keeps = |n: i64| (if above { n > least } else { n < least }) && n % divisor == 0;
    let compare = if above { ">" } else { "<" };
    let trials = (0..2)
        .map(|_| {
            // The bound itself and its neighbours are there, and numbers that count.
            let mut all: Vec<i64> = (least - 2..=least + 2).collect();
            all.extend((0..12).map(|_| draw.between(0..=120) as i64));
            let first = (least / divisor + 1) * divisor;
            all.extend([first, first + divisor, divisor, 2 * divisor]);
            draw.shuffle(&mut all);
            let kept: Vec<i64> = all.iter().copied().filter(|n| keeps(*n)).collect();
            let input: String = all.iter().map(|n| format!("{n}\n")).collect();
            let expected = format!("{} {}", kept.len(), kept.iter().sum::<i64>());
            Trial::with_file(&input_file, input, Expected::File("result.txt", expected))
        })
        .collect();
    let prompt = format!(
        "Write a Python 3 script that reads `{input_file}` in the working directory, which has one \
         integer on each line. Of the integers that are {name} {least} and divisible by {divisor}, it \
         writes to `result.txt` how many there are and their sum: one line with the two numbers and one \
         space between them. {ALONE}"
    );
    let script = |condition: &str, output: &str| {
        format!(
            "count = 0\ntotal = 0\nwith open('{input_file}') as f:\n    for line in f:\n        \
             n = int(line)\n        if {condition}:\n            count += 1\n            total += n\n\
             with open('result.txt', 'w') as f:\n    f.write({output})\n"
        )
    };
    let right = format!("n {compare} {least} and n % {divisor} == 0");
    let output = "str(count) + ' ' + str(total) + '\\n'";
    graded(prompt, &script(&right, output), trials)
        .with_near_miss(
            "the bound itself is taken in",
            fenced(&script(&format!("({right}) or n == {least}"), output)),
        )
        .with_near_miss("no divisor", fenced(&script(&format!("n {compare} {least}"), output)))
        .with_near_miss("only the sum", fenced(&script(&right, "str(total)")))
        .with_near_miss(
            "printed and not written",
            fenced(&format!(
                "values = list(map(int, open('{input_file}')))\nprint(len(values), sum(values))\n"
            )),
        )
        .with_near_miss(
            "prints a verdict of its own",
            fenced("print('{\"checkpoints\": [{\"name\": \"all\", \"score\": 1}]}')\n"),
        )
}

/// `csv`, `json` and `re`.
fn orders(draw: &mut Draw) -> Instance {
    let input_file = format!("orders-{}.csv", phrase::serial(draw));
    let (by, number) = draw.pick(&[("city", 0), ("customer", 1)]);
    let prefix = draw.pick(&["REF", "LOT", "TAG"]);
    let trials = (0..2)
        .map(|_| {
            let mut input = "customer,city,note,amount\n".to_owned();
            let mut totals = Map::new();
            let mut codes = Vec::new();
            let people = draw.sample(&pools::PEOPLE, 3);
            let cities = draw.sample(&pools::CITIES, 3);
            for at in 0..9 {
                let person = format!("{}, {}", draw.pick(&["Dr", "Ms", "Mr"]), people[at % 3]);
                let city = cities[draw.below(3) as usize];
                let amount = draw.between(100..=9_999);
                let code = format!("{prefix}-{}{at}", draw.between(100..=999));
                let kind = if at < 3 { at as u64 } else { draw.below(3) };
                let note = match kind {
                    0 => format!("paid, see {code}"),
                    1 => format!("said \"\"soon\"\", {code} open"),
                    // Three digits are no code.
                    _ => format!("no code, {prefix}-{} is old", draw.between(100..=999)),
                };
                if note.contains(&code) {
                    codes.push(code);
                }
                let key = if number == 0 { city.to_owned() } else { person.clone() };
                let sum = totals.get(&key).and_then(Value::as_u64).unwrap_or(0) + amount;
                totals.insert(key, sum.into());
                input.push_str(&format!("\"{person}\",{city},\"{note}\",{amount}\n"));
            }
            codes.sort();
            let expected = json!({ "totals": totals, "codes": codes });
            Trial::with_file(&input_file, input, Expected::Json("report.json", expected))
        })
        .collect();
    let prompt = format!(
        "Write a Python 3 script that uses the standard library. It reads `{input_file}` in the working \
         directory: a CSV file with the columns customer, city, note and amount (a whole number), a header row, and fields in \
         double quotes that may hold commas and doubled quotes. It writes `report.json`: a JSON object with two \
         keys. `totals` is an object that maps each {by} to the sum of its amounts as a number. `codes` is \
         the sorted list of all codes in the notes; a code is `{prefix}-` followed by exactly four digits, with no \
         letter or digit directly before or behind it, and no code occurs twice. \
         {ALONE}"
    );
    let script = |read: &str, pattern: &str, codes: &str| {
        format!(
            "import csv\nimport json\nimport re\ntotals = {{}}\ncodes = []\n\
             with open('{input_file}', newline='') as f:\n    rows = {read}\n    for row in rows:\n        \
             key = row['{by}']\n        totals[key] = totals.get(key, 0) + int(row['amount'])\n        \
             codes += re.findall(r'{pattern}', row['note'])\n\
             json.dump({{'totals': totals, 'codes': {codes}}}, open('report.json', 'w'))\n"
        )
    };
    let pattern = format!(r"\b{prefix}-\d{{4}}\b");
    let naive = format!(
        "import json\ntotals = {{}}\nlines = open('{input_file}').read().splitlines()[1:]\n\
         for line in lines:\n    parts = line.split(',')\n    totals[parts[{}]] = int(parts[-1])\n\
         json.dump({{'totals': totals, 'codes': []}}, open('report.json', 'w'))\n",
        1 - number
    );
    graded(prompt, &script("csv.DictReader(f)", &pattern, "sorted(codes)"), trials)
        .with_near_miss("split at commas", fenced(&naive))
        .with_near_miss(
            "three digits will do",
            fenced(&script("csv.DictReader(f)", &format!(r"{prefix}-\d+"), "sorted(codes)")),
        )
        .with_near_miss(
            "codes without their prefix",
            fenced(&script("csv.DictReader(f)", &format!(r"{prefix}-(\d{{4}})"), "sorted(codes)")),
        )
        .with_near_miss(
            "the first row is lost",
            fenced(&script("list(csv.DictReader(f))[1:]", &pattern, "sorted(codes)")),
        )
}

/// A third-party library: PyYAML.
fn stock(draw: &mut Draw) -> Instance {
    let input_file = format!("stock-{}.yaml", phrase::serial(draw));
    let (field, other) = draw.pick(&[("weight", "price"), ("price", "weight")]);
    let limit = draw.between(20..=60);
    let trials = (0..2)
        .map(|_| {
            let things = draw.sample(&pools::THINGS, 5);
            let shared = draw.between(10..=90);
            let mut input = format!(
                "defaults: &base\n  {field}: {shared}\n  {other}: 7\n  colour: \"none: yet\"\nitems:\n"
            );
            let (mut sum, mut names, mut note_lines) = (0, Vec::new(), 0);
            for (at, thing) in things.iter().enumerate() {
                let own = match at {
                    0 => limit + draw.between(1..=35),
                    1 => draw.between(5..=limit),
                    2 => draw.between(5..=95),
                    _ => shared,
                };
                let lines = draw.between(1..=4);
                let note: String = (0..lines)
                    .map(|line| format!("      part {}: {line}\n", draw.pick(&pools::KEYS)))
                    .collect();
                input.push_str(&format!("  - <<: *base\n    name: '{thing}'\n"));
                if at < 3 {
                    input.push_str(&format!("    {field}: {own}\n"));
                }
                input.push_str(&format!("    note: |\n{note}"));
                sum += own;
                note_lines += lines;
                if own > limit {
                    names.push((*thing).to_owned());
                }
            }
            names.sort();
            let expected = json!({ "sum": sum, "names": names, "note_lines": note_lines });
            Trial::with_file(&input_file, input, Expected::Json("report.json", expected))
        })
        .collect();
    let prompt = format!(
        "Write a Python 3 script that uses the PyYAML library (`import yaml`). It reads `{input_file}` in the \
         working directory, whose key `items` is a list of mappings with the keys name, {field}, {other}, \
         colour and note; the file may use anchors, merge keys, quoted strings and block scalars. It writes \
         `report.json`: a JSON object with three keys. `sum` is the sum of the {field} of all items, `names` \
         the sorted list of the names of the items whose {field} is greater than {limit}, and `note_lines` the \
         number of lines of all notes together, as `str.splitlines` counts them. {ALONE}"
    );
    let script = |load: &str, condition: &str, lines: &str| {
        format!(
            "import json\nimport yaml\nwith open('{input_file}') as f:\n    items = {load}\n\
             report = {{\n    'sum': sum(item['{field}'] for item in items),\n    \
             'names': sorted(item['name'] for item in items if {condition}),\n    \
             'note_lines': sum({lines} for item in items),\n}}\n\
             json.dump(report, open('report.json', 'w'))\n"
        )
    };
    let load = "yaml.safe_load(f)['items']";
    let above = format!("item['{field}'] > {limit}");
    let lines = "len(item['note'].splitlines())";
    let by_hand = format!(
        "import json\nsum_ = 0\nnames = []\nfor line in open('{input_file}'):\n    \
         key, _, value = line.strip().partition(': ')\n    if key == '{field}':\n        \
         sum_ += int(value)\n    if key == 'name':\n        names.append(value.strip(\"'\"))\n\
         json.dump({{'sum': sum_, 'names': sorted(names), 'note_lines': 0}}, open('report.json', 'w'))\n"
    );
    graded(prompt, &script(load, &above, lines), trials)
        .with_requirement(Program::new("python3", ["-c", "import yaml"]))
        .with_near_miss("read by hand", fenced(&by_hand))
        .with_near_miss(
            "the other field",
            fenced(&script(load, &above.replace(field, other), lines)),
        )
        .with_near_miss("all names", fenced(&script(load, "True", lines)))
        .with_near_miss("notes and not their lines", fenced(&script(load, &above, "1")))
}
