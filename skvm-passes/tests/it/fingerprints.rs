//! Fingerprints of code: what leaves them as they are, what changes them, and that code is rendered to the same.
//!
//! Programs are put together from blocks with slots. The same program is printed in many styles, and with one
//! change of its meaning.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use skvm_core::artifact::{Part, Template, TemplateLanguage};
use skvm_passes::templates::shape::MAX_BYTES;
use skvm_passes::templates::{Argument, Shape};

use TemplateLanguage::{JavaScript, Json, Python, Shell};

/// Pairs of each kind and language.
const PAIRS: usize = 600;

/// A small generator (xorshift64*), so that the programs are the same in every run.
struct Rng(u64);

impl Rng {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(high).unwrap() % bound
    }

    fn flip(&mut self) -> bool {
        self.below(2) == 0
    }

    fn pick<'a, T: ?Sized>(&mut self, items: &[&'a T]) -> &'a T {
        items[self.below(items.len())]
    }
}

/// Blocks are texts with slots: `«$x»` a name that the program binds, `«"»` a string, `«#»` a number, `«~»` text
/// in an interpolated string between `«f»` and `«/f»`, `«w»` a shell word, `«{x}»` an expansion, `«a¦b»` one of
/// several that mean different things, `«(»` and `«)»` parentheses that change nothing, `«,»` a comma and `«;»` a
/// semicolon that may be left out, `«_»` a place for a line break. A line that begins with `?` may be left out,
/// which changes the meaning; one with `!` (of a here document) is followed by no comment.
const PYTHON: [&str; 16] = [
    "import csv\nwith open(«\"», «newline¦encoding»=«\"») as «$f»:\n\t«$rows» = list(csv.«DictReader¦reader»(«$f»«,»))\n?print(«f»«~»{len(«$rows»)}«~»«/f»)",
    "import pandas as «$pd»\n«$df» = «$pd».«read_csv¦read_excel»(«_»«\"», «sep¦delimiter»=«\"», «header¦skiprows»=«#»«,»)\n«$out» = «$df».«groupby¦pivot»(«\"»)[«\"»].«sum¦mean»()\n?«$out».to_csv(«\"», index=«False¦True»)",
    "import «json¦yaml»\n«$data» = «json¦yaml».load(open(«\"»))\n?«$data»[«\"»] = «#»\nfor «$key», «$value» in «sorted¦reversed»(«$data».«items¦popitem»()):\n\tprint(«$key», «$value», «sep¦end»=«\"»)",
    "from pypdf import «PdfReader¦PdfWriter» as «$Reader»\n«$reader» = «$Reader»(«\"»)\n«$text» = «\"».join(«$page».«extract_text¦get_contents»() for «$page» in «$reader».pages«[1:]¦[:1]¦[::1]»)\n?print(«$text».«strip¦lstrip»()«[0]¦[:0]»)",
    "def «$total»(«$items», «$rate»=«#»):\n\t«$sum» = «#»\n\tfor «$item» in «$items»:\n\t\tif «(»«$item» «>¦>=¦<¦==¦!=» «#»«)» «and¦or» «$item»«¦ is not None¦ is None»:\n\t\t\t«$sum» «+=¦-=¦*=» «(»«$item» «*¦/¦+¦//» «$rate»«)»\n?\t\telse:\n?\t\t\t«continue¦break»\n\treturn «$sum»\n?print(«$total»([«#», «#»«,»]))",
    "try:\n\timport «requests¦httpx»\n\t«$r» = «requests¦httpx».«get¦post»(«\"», «params¦data»={«\"»: «\"», «\"»: «#»«,»}, timeout=«#»)\n\t«$r».raise_for_status()\nexcept «Exception¦ValueError» as «$e»:\n\tprint(«f»«~»{«$e»«!r¦!s¦»}«~»«/f»)\n?\traise SystemExit(«#»)",
    "import os, sys\n«$path» = os.path.join(os.environ[«\"»], «\"»)\n?os.«makedirs¦removedirs»(«$path»«, exist_ok=True¦»)\nif «not ¦»os.path.«exists¦isdir»(«$path»):\n\tsys.exit(«\"»)",
    "from pathlib import Path\n«$sizes» = {«$p».«name¦stem»: «$p».stat().«st_size¦st_mtime» for «$p» in Path(«\"»).«glob¦rglob»(«\"») if «(»«$p».«suffix¦name» «==¦!=¦in» «\"»«)»}\n?print(max(«$sizes».values(), default=«#»))",
    "class «$Counter»:\n\tdef __init__(self, «$start»):\n\t\tself.«count¦total» = «$start»\n\n\tdef add(self, «$n»):\n\t\tself.count «+=¦-=» «$n»\n\t\treturn self\n«$c» = «$Counter»(«#»).«add¦sub»(«#»)",
    "import re\n«$found» = re.«findall¦split»(«\"», «\"»«, re.I¦, re.M¦»)\n«$first» = next((«$m» for «$m» in «$found» if «$m»), «None¦True»)\n?print(«f»«~»{«$first»«:>10¦:<10¦:.2f»}«/f»)",
    "import argparse\n«$parser» = argparse.ArgumentParser(«_»description=«\"»«,»)\n«$parser».add_argument(«\"», «type¦choices»=«int¦float», «required=True¦required=False¦nargs=2»)\n«$args» = «$parser».«parse_args¦parse_known_args»()\n?print(«$args».«input¦output»)",
    "«$scores» = [«#», «#», «#»«,»]\n«$best» = «sorted¦max»(«$scores», key=lambda «$s»: «-¦+»«$s»)\n«$a», «$b» = «$scores»[«#»], «$scores»[«#»]\n«assert¦print»(«$a» «<¦<=» «$b»)",
    "import subprocess\n«$done» = subprocess.«run¦Popen»([«\"», «\"», «\"»«,»], «capture_output¦check¦text»=«True¦False»)\nif «$done».returncode «!=¦==» «#»: \n\tprint(«$done».«stderr¦stdout», file=__import__(«\"»).stderr)",
    "import asyncio\nasync def «$fetch»(«$url»):\n\t«await ¦»asyncio.sleep(«#»)\n\treturn «$url»«.upper()¦.lower()¦»\n«$result» = asyncio.run(«$fetch»(«\"»))",
    "«$n» = «#»\nwhile «$n» «>¦<» «#» «and¦or» «not ¦»«(»«$n» «%¦//» «#» == «#»«)»:\n\t«$n» «-=¦+=» «#»\n?\tprint(«$n»)",
    "import sqlite3\nwith sqlite3.connect(«\"») as «$db», open(«\"», «\"») as «$log»:\n\t«$cur» = «$db».«execute¦executemany»(«\"», («\"», «#»«,»))\n?\t«$log».write(str(«$cur».«fetchall¦fetchone»()))\n?\t«$db».«commit¦rollback»()",
];

const JAVASCRIPT: [&str; 14] = [
    "const «$fs» = require(«q:fs¦fs-extra¦node:path»)«;»\n«const¦let» «$data» = JSON.«parse¦stringify»(«$fs».«readFileSync¦readFile»(«\"», «\"»«,»))«;»\n?console.«log¦error»(«$data».length)«;»",
    "import { «readFile¦writeFile» as «$read» } from «q:fs/promises¦fs-promise»«;»\nconst «$text» = «await ¦»«$read»(«\"», { «encoding¦flag»: «\"»«,» })«;»\nconsole.log(«f»«~»${«$text».«length¦size»}«~»«/f»)«;»",
    "const «$rows» = [«#», «#», «#»«,»]«;»\nconst «$sum» = «$rows».«reduce¦reduceRight»((«$a», «$b») => «(»«$a» «+¦-¦*» «$b»«)», «#»)«;»\n?console.log(«$sum»)«;»",
    "const { «name¦title»: «$name», «a¦b»: «$other» = «#», ...«$rest» } = JSON.parse(«\"»)«;»\nif («$name» «===¦==¦!==» «\"» «&&¦||» «!¦»«$other») {\n\tconsole.log(«$name», «$rest»)«;»\n} else {\n?\tprocess.«exit¦abort»(«#»)«;»\n}",
    "async function «$load»(«$url», «$limit» = «#») {\n\tconst «$res» = «await ¦»fetch(«$url», { «method¦mode»: «\"», «headers¦body»: { «k:Accept¦Content-Type»: «\"» } })«;»\n?\tif (!«$res».«ok¦redirected») throw new «Error¦TypeError»(«\"»)«;»\n\treturn «$res».«json¦text»()«;»\n}\n«$load»(«\"»).«then¦catch»(«$x» => console.log(«$x»))«;»",
    "for («const¦let» [«$k», «$v»] «of¦in» Object.«entries¦keys»({ «a¦b»: «#», c: «\"»«,» })) {\n\tconsole.log(«$k»«, ¦ + »«$v»)«;»\n?\tbreak«;»\n}",
    "const «$words» = «\"».split(«/\\s+/¦/\\s*/¦/\\s+/g»).«map¦filter»(«$w» => «$w».«trim¦trimEnd»())«;»\n?console.log(«$words»«?.¦.»length «??¦||» «#»)«;»",
    "try {\n\tconst «$conf» = require(«q:./conf.json¦./other.json»)«;»\n\tmodule.exports = { conf: «$conf», «port¦host»: «#» }«;»\n} catch («$err») {\n\tconsole.«warn¦error»(«\"», «$err».«message¦stack»)«;»\n?\tthrow «$err»«;»\n}",
    "let «$i» = «#»«;»\nwhile («(»«$i» «<¦<=¦>» «+»«)») {\n\t«$i»«++¦--»«;»\n?\tif («$i» «%¦/» «#» === «#») continue«;»\n}\nfor (let «$j» = «#»; «$j» «<¦>» «+»; «$j»++) {\n\tconsole.log(«$j»)«;»\n}",
    "class «$Queue» extends «Array¦Map» {\n\t«static ¦»size(«$q») { return «$q».length «-¦+» «#»«;» }\n\tget «first¦last»() { return this[«#»]«;» }\n}\nconst «$queue» = new «$Queue»(«#»)«;»\n?«$queue».«push¦unshift»(«\"»)«;»",
    "const «$args» = process.argv.slice(«#»)«;»\nconst «$flag» = «$args».«includes¦indexOf»(«\"») ? «\"» : «\"»«;»\nconst «$show» = «async ¦»(«$it») => «$it»«.length¦.size¦»«;»\n?«$show»(«$flag»)«;»",
    "const [«, ¦»«$one», «$two»] = «f»«~»${process.env.«HOME¦PATH»}«~»«/f».split(«\"»)«;»\nconst «$date» = new Date(«$one»).«toISOString¦toJSON»()«;»\n?console.log({ [«$two»]: «$date» })«;»",
    "switch (process.«platform¦arch») {\n\tcase «\"»:\n\t\tconsole.log(«#»)«;»\n?\t\tbreak«;»\n\tdefault:\n\t\tconsole.«log¦info»(«typeof ¦void »process)«;»\n}",
    "const «$wait» = «$ms» => new Promise(«$done» => setTimeout(«$done», «$ms»))«;»\nconst «$all» = Promise.«all¦race»([«$wait»(«#»), «$wait»(«#»)«,»])«;»\n«$all».then(() => «{}¦null»)«;»",
];

const SHELL: [&str; 19] = [
    "python3 «convert.py¦merge.py» «w» «--out¦--in» «w» «--mode=¦--kind=»«w»«¦ --verbose»",
    "«$DIR»=«w»\nmkdir «-p¦-m» «\"{DIR}¦{DIR}»\n?cp «-r ¦»«w» «\"{DIR}¦{DIR}»",
    "for «$f» in «*.csv¦*.json¦\"$@\"»«;»do\n\tcat «\"{f}¦{f}» «|¦|&» «sort¦uniq» «>¦>>» «w»\n?\techo «w»\ndone",
    "curl «-sSL¦-fsS» «-X¦-o» «w» «-H¦-d» «w» «w» «2>&1¦2>/dev/null¦>&2» «|¦||¦&&» jq «-r¦-c» «w»",
    "git «add¦rm» «w» «&&¦||¦;» git «commit¦tag» «-m¦-F» «w»\n?git «push¦pull» «--force¦--tags»",
    "while IFS= read «-r ¦»«$line»«;»do\n\techo «\"{line}¦{line}»«;»\ndone «<¦<<<» «w»",
    "«$n»=«$(¦<(»«wc -l¦wc -c» < «w»)\nif [ «-n¦-z» «\"{n}¦\"$HOME\"» ]«;»then\n\techo «w»\nelse\n?\t«exit¦return» 1\n\t«true¦false»\nfi",
    "«TZ¦LANG»=«w» «PYTHONPATH¦NODE_PATH»=«w» «node¦ruby» «run.js¦go.js» «w»",
    "python3 -c «c:import sys; print(sys.argv[1])¦import os; print(os.sep)¦print(1)» «w»",
    "«cat¦tee» <<'EOF' «>¦>>» «notes.txt»\n!Hello there,\n!it's «~»\n!EOF",
    "python3 - <<'PY'\n!import «json¦csv»\n!print(«json.dumps¦json.loads»(«d»))\n!PY",
    "«$out»() {\n\tlocal «$name»=\"$1\"\n\techo «\"{name}¦{name}» «>¦>>» «w»\n?\t«return¦exit» 1\n}\n«$out» «w»",
    "find «w» «-name¦-path» «w» «-type¦-xtype» f «-exec rm {} \\;¦-exec cat {} \\;¦-exec rm {} +¦-delete»",
    "sudo apt-get «install¦remove» «-y¦-q» «w» «&&¦;» «¦! »test «-f¦-d» «w»",
    "npm «run build¦run test¦install»\nnpx «tsc¦eslint» «--fix¦--check» «w»\n?xargs «-0¦-r» «rm¦mv» < «w»",
    "«$x»=$((«{x} »«+¦-» 1))\necho \"«~»«{x}»«~»\" «${y:-1}¦${y:-2}¦${y%.a}»",
    "case «\"{1}¦{1}» in\n\t«start)¦stop)» echo «w» ;;\n\t*) «exit¦return» 1 ;;\nesac",
    "export «API¦TOKEN»=«w»«;»cd «w» «&&¦||» «./run.sh¦./go.sh» «w» «&¦¦| tee log»",
    "bash «-lc¦-euc» «c:cd x && ls *.py¦rm -r x¦ls x» «¦2>&1»\ndocker compose «up¦down» «-d¦--wait»",
];

#[derive(Debug, Clone, Copy, PartialEq)]
enum Slot<'t> {
    Text(&'t str),
    Name(&'t str),
    Expansion {
        name: &'t str,
        in_quotes: bool,
    },
    Literal,
    Number,
    /// A grammar for TypeScript takes `a < (-1)` for the begin of types.
    Unsigned,
    Fragment,
    Word,
    One(&'t str),
    Parenthesis(bool),
    Comma,
    Semicolon,
    Gap,
    Interpolated(bool),
}

fn slots(line: &str) -> Vec<Slot<'_>> {
    let mut found = Vec::new();
    for (index, part) in line.split('«').enumerate() {
        let Some((slot, text)) = part.split_once('»').filter(|_| index > 0) else {
            found.push(Slot::Text(part));
            continue;
        };
        let inner = |at: usize| slot[at..].trim_end_matches([' ', '}']);
        found.push(match slot {
            "\"" | "d" => Slot::Literal,
            "#" => Slot::Number,
            "+" => Slot::Unsigned,
            "~" => Slot::Fragment,
            "w" => Slot::Word,
            "(" => Slot::Parenthesis(true),
            ")" => Slot::Parenthesis(false),
            "," => Slot::Comma,
            ";" => Slot::Semicolon,
            "_" => Slot::Gap,
            "f" => Slot::Interpolated(true),
            "/f" => Slot::Interpolated(false),
            _ if slot.contains('¦') => Slot::One(slot),
            _ if slot.starts_with('{') => Slot::Expansion { name: inner(1), in_quotes: false },
            _ if slot.starts_with('$') => Slot::Name(&slot[1..]),
            _ => Slot::Text(slot),
        });
        found.push(Slot::Text(text));
    }
    found
}

/// A program: blocks, and what is chosen where there are several ways.
#[derive(Debug, Clone, PartialEq)]
struct Program {
    language: TemplateLanguage,
    blocks: Vec<&'static str>,
    /// By the number of the slot in the program.
    choices: BTreeMap<usize, usize>,
    /// The line that is left out, by its number.
    without: Option<usize>,
}

fn blocks(language: TemplateLanguage) -> &'static [&'static str] {
    match language {
        Python => &PYTHON,
        JavaScript => &JAVASCRIPT,
        Shell => &SHELL,
        Json => &[],
    }
}

impl Program {
    fn new(language: TemplateLanguage, rng: &mut Rng) -> Self {
        let all = blocks(language);
        let mut chosen: Vec<&str> = Vec::new();
        for _ in 0..=rng.below(3) {
            let block = rng.pick(all);
            if !chosen.contains(&block) {
                chosen.push(block);
            }
        }
        let mut program =
            Self { language, blocks: chosen, choices: BTreeMap::new(), without: None };
        for (slot, ways) in program.ways() {
            // The first way is the most common one, and several at once may make no program.
            if rng.below(8) == 0 {
                program.choices.insert(slot, rng.below(ways));
            }
        }
        program
    }

    fn lines(&self) -> Vec<&'static str> {
        self.blocks.iter().flat_map(|block| block.lines()).collect()
    }

    /// The slots with several ways, and how many those are.
    fn ways(&self) -> Vec<(usize, usize)> {
        let mut found = Vec::new();
        let all = self.lines();
        for (index, slot) in all.iter().flat_map(|line| slots(line)).enumerate() {
            if let Slot::One(ways) = slot {
                found.push((index, ways.split('¦').count()));
            }
        }
        found
    }

    /// The same program with one change of what it means.
    fn changed(&self, rng: &mut Rng) -> (Self, &'static str) {
        let mut other = self.clone();
        let kind = match rng.below(8) {
            0 if self.blocks.len() > 1 => {
                let last = self.blocks.len() - 1;
                other.blocks.swap(0, last);
                return (other.plain(), "reordered");
            }
            1 => {
                let new = rng.pick(blocks(self.language));
                other.blocks.push(new);
                "added"
            }
            2 if self.blocks.len() > 1 => {
                other.blocks.pop();
                "removed"
            }
            3 => {
                let lines = self.lines();
                let open: Vec<usize> =
                    (0..lines.len()).filter(|at| lines[*at].starts_with('?')).collect();
                if open.is_empty() {
                    return self.changed(rng);
                }
                other.without = Some(open[rng.below(open.len())]);
                "without a line"
            }
            _ => {
                let ways = self.ways();
                let (slot, count) = ways[rng.below(ways.len())];
                let now = self.choices.get(&slot).copied().unwrap_or(0);
                other.choices.insert(slot, (now + 1 + rng.below(count - 1)) % count);
                "another way"
            }
        };
        (other, kind)
    }

    fn plain(mut self) -> Self {
        self.choices.clear();
        self
    }

    /// The program as text. `names`, `values` and `style` are the seeds of the three.
    fn print(&self, names: u64, values: u64, style: u64) -> String {
        let mut printer = Printer {
            language: self.language,
            names,
            rng: Rng::new(style),
            values: Rng::new(values),
            text: String::new(),
            within: None,
            parentheses: Vec::new(),
            in_document: false,
        };
        let indent = if style == 0 { "    " } else { printer.rng.pick(&["  ", "    ", "\t"]) };
        let mut at = 0;
        let lines = self.lines();
        let mut document = false;
        for (number, written) in lines.iter().enumerate() {
            let line = written.trim_start_matches(['?', '!']);
            let slots = slots(written);
            let first = at;
            at += slots.len();
            printer.in_document = document;
            let is_left_out = self.without.is_some_and(|without| {
                // `else:` goes with what is in it.
                number == without || number == without + 1 && lines[without].contains("else:")
            });
            if is_left_out {
                continue;
            }
            let tabs = line.len() - line.trim_start_matches('\t').len();
            let body_is_left_out =
                self.without == Some(number + 1) && line.trim_end().ends_with("else:");
            if body_is_left_out {
                continue;
            }
            printer.text.push_str(&indent.repeat(tabs));
            for (offset, slot) in slots.iter().enumerate() {
                let chosen = self.choices.get(&(first + offset)).copied().unwrap_or(0);
                printer.slot(*slot, chosen);
            }
            document =
                (written.starts_with('!') || line.contains("<<'")) && !matches!(line, "EOF" | "PY");
            printer.end_of_line(document || written.starts_with('!'));
        }
        printer.text
    }
}

const NAMES: [&str; 8] = ["a", "row", "value_", "_x", "tmp", "longName", "K", "zz"];
const VALUES: [&str; 17] = [
    "data.csv",
    "",
    "Ünï",
    "日本語.pdf",
    "it's",
    "say \"hi\"",
    "a\\b",
    "tab\there",
    "line\nbreak",
    "{x}",
    "${y}",
    "%s",
    "`tick`",
    "#no",
    "a'b\"c",
    "😀",
    "-1",
];
const PLAIN_VALUES: [&str; 4] = ["key", "Ü", "a b", "x.y"];
const WORDS: [&str; 17] = [
    "data/a.csv",
    "b c.txt",
    "X1",
    "ünï.pdf",
    "it's.md",
    "$HOME.txt",
    "a\"b.c",
    "*.log",
    "",
    "{a,b}.c",
    "~/x",
    "#hash!",
    "日本/語",
    "a;b|c",
    "back\\slash.x",
    "`cmd`.1",
    "99",
];
const NUMBERS: [&str; 9] = ["0", "7", "42", "-1", "3.5", "1e6", "1_000", "-0.25", "12"];
const FRAGMENTS: [&str; 5] = ["total: ", " rows, ", "ü ", "; ", "x=1 "];

struct Printer {
    language: TemplateLanguage,
    names: u64,
    rng: Rng,
    values: Rng,
    text: String,
    /// The quote of the interpolated string that this is in.
    within: Option<char>,
    parentheses: Vec<bool>,
    in_document: bool,
}

impl Printer {
    fn slot(&mut self, slot: Slot<'_>, chosen: usize) {
        match slot {
            Slot::Text(text) => {
                let text = text.trim_start_matches(['?', '!', '\t']);
                self.text.push_str(text);
            }
            Slot::Name(name) => self.name(name),
            Slot::Expansion { name, in_quotes } => self.expansion(name, in_quotes),
            Slot::Literal if self.language == Shell => {
                let value = self.values.pick(&VALUES);
                self.python_string(value);
            }
            Slot::Literal => self.string(),
            Slot::Number => {
                let value = self.values.pick(&NUMBERS);
                let plain = self.rng.flip();
                self.text.push_str(if plain && value == "1_000" { "1000" } else { value });
            }
            Slot::Unsigned => {
                let value = self.values.pick(&NUMBERS).trim_start_matches('-');
                self.text.push_str(value);
            }
            Slot::Fragment => {
                let text = self.values.pick(&FRAGMENTS);
                self.text.push_str(text);
            }
            Slot::Word => self.word(),
            Slot::One(ways) => self.one(ways, chosen),
            Slot::Parenthesis(opens) => {
                let is_there = if opens {
                    let is_there = self.rng.flip();
                    self.parentheses.push(is_there);
                    is_there
                } else {
                    self.parentheses.pop().unwrap()
                };
                if is_there {
                    self.text.push(if opens { '(' } else { ')' });
                }
            }
            Slot::Comma if self.rng.flip() => self.text.push(','),
            Slot::Semicolon if self.language == Shell => {
                let ends = if self.rng.flip() { "; " } else { "\n" };
                self.text.push_str(ends);
            }
            Slot::Semicolon if self.rng.flip() => self.text.push(';'),
            Slot::Comma | Slot::Semicolon => {}
            Slot::Gap => {
                let gap = self.rng.pick(&["", " ", "\n        ", "  # why\n    "]);
                self.text.push_str(gap);
            }
            Slot::Interpolated(opens) => self.interpolated(opens),
        }
    }

    fn interpolated(&mut self, opens: bool) {
        let quote = match (opens, self.language) {
            (true, Python) => {
                self.text.push('f');
                if self.rng.flip() { '"' } else { '\'' }
            }
            (true, _) => '`',
            (false, _) => self.within.unwrap(),
        };
        self.text.push(quote);
        self.within = opens.then_some(quote);
    }

    fn name(&mut self, name: &str) {
        if self.names == 0 {
            return self.text.push_str(name);
        }
        // Different names stay different.
        let number = name.bytes().fold(self.names, |sum, byte| sum * 31 + u64::from(byte));
        let base = NAMES[usize::try_from(number % 8).unwrap()];
        write!(self.text, "{base}{name}{}", number % 10).unwrap();
    }

    fn expansion(&mut self, name: &str, in_quotes: bool) {
        let quote = if in_quotes { "\"" } else { "" };
        let braces = self.rng.flip();
        self.text.push_str(quote);
        self.text.push_str(if braces { "${" } else { "$" });
        if name.starts_with(|c: char| c.is_ascii_digit()) {
            self.text.push_str(name);
        } else {
            self.name(name);
        }
        if braces {
            self.text.push('}');
        }
        // Text may come right behind it.
        if !braces && !in_quotes && self.text.contains("echo \"") {
            let at = self.text.rfind('$').unwrap();
            self.text.insert(at + 1, '{');
            self.text.push('}');
        }
        self.text.push_str(quote);
    }

    fn one(&mut self, ways: &str, chosen: usize) {
        let (kind, rest) = match ways.split_once(':') {
            Some((kind @ ("q" | "k" | "c"), rest)) => (kind, rest),
            _ => ("", ways),
        };
        let way = rest.split('¦').nth(chosen).unwrap();
        match kind {
            "q" => self.quoted(way),
            "c" => self.shell_word(way),
            // A key of an object, which is the same in quotes.
            "k" if way.contains('-') || self.rng.flip() => self.quoted(way),
            _ => match (self.language, way.trim_end_matches('}').split_once('{')) {
                (Shell, Some((quote @ ("" | "\""), name)))
                    if way.ends_with('}') || !name.is_empty() && !name.contains(' ') =>
                {
                    self.expansion(name, quote == "\"");
                }
                _ => self.text.push_str(way),
            },
        }
    }

    fn quoted(&mut self, value: &str) {
        let quote = if self.rng.flip() { '"' } else { '\'' };
        self.text.push(quote);
        self.text.push_str(value);
        self.text.push(quote);
    }

    fn string(&mut self) {
        if let Some(quote) = self.within {
            let value = self.values.pick(&PLAIN_VALUES);
            let other = if quote == '"' { '\'' } else { '"' };
            write!(self.text, "{other}{value}{other}").unwrap();
            return;
        }
        let value = self.values.pick(&VALUES);
        match self.language {
            Python | Shell | Json => self.python_string(value),
            JavaScript => self.javascript_string(value),
        }
    }

    fn escaped(&mut self, value: &str, quote: char) -> String {
        let mut text = String::new();
        for c in value.chars() {
            match c {
                '\\' => text.push_str("\\\\"),
                '\n' => text.push_str("\\n"),
                '\t' if self.rng.flip() => text.push_str("\\x09"),
                '\t' => text.push_str("\\t"),
                c if c == quote => {
                    text.push('\\');
                    text.push(c);
                }
                c if u32::from(c) > 127 && u32::from(c) < 0xffff && self.rng.flip() => {
                    write!(text, "\\u{:04x}", u32::from(c)).unwrap();
                }
                c => text.push(c),
            }
        }
        text
    }

    fn python_string(&mut self, value: &str) {
        let quote = if self.rng.flip() { '"' } else { '\'' };
        let raw = !value.contains(['\n', '\\', '"', '\'']);
        let inner = self.escaped(value, quote);
        match self.rng.below(if self.in_document { 2 } else { 6 }) {
            2 if raw => write!(self.text, "r{quote}{value}{quote}"),
            // Three quotes end at the first three.
            3 if !value.is_empty() && !value.ends_with(quote) => {
                write!(self.text, "{quote}{quote}{quote}{inner}{quote}{quote}{quote}")
            }
            4 if raw && value.is_ascii() && value.len() > 2 => {
                let (one, two) = value.split_at(2);
                write!(self.text, "{quote}{one}{quote} '{two}'")
            }
            5 => write!(self.text, "u{quote}{inner}{quote}"),
            _ => write!(self.text, "{quote}{inner}{quote}"),
        }
        .unwrap();
    }

    fn javascript_string(&mut self, value: &str) {
        let quote = self.rng.pick(&["'", "\"", "`"]);
        let inner = self.escaped(value, quote.chars().next().unwrap());
        let inner = if quote == "`" { inner.replace("${", "\\${") } else { inner };
        write!(self.text, "{quote}{inner}{quote}").unwrap();
    }

    fn word(&mut self) {
        let value = self.values.pick(&WORDS);
        self.shell_word(value);
    }

    fn shell_word(&mut self, value: &str) {
        let single = |value: &str| format!("'{}'", value.replace('\'', "'\\''"));
        let mut double = String::from("\"");
        let mut bare = String::new();
        for c in value.chars() {
            if matches!(c, '"' | '$' | '`' | '\\') {
                double.push('\\');
            }
            double.push(c);
            if c.is_ascii() && !c.is_ascii_alphanumeric() && !matches!(c, '.' | '/' | ',' | '_') {
                bare.push('\\');
            }
            bare.push(c);
        }
        double.push('"');
        let written = match self.rng.below(5) {
            0 => double,
            1 if !value.is_empty() => bare,
            2 if value.len() > 3 && value.is_ascii() => {
                let (one, two) = value.split_at(2);
                format!("{}{}", single(one), single(two))
            }
            3 => format!("''{double}"),
            _ => single(value),
        };
        self.text.push_str(&written);
    }

    fn end_of_line(&mut self, verbatim: bool) {
        if !verbatim {
            let (line, comment) = match self.language {
                JavaScript => ("// it's so\n", " /* why */"),
                _ => ("# it's so\n", "  # why"),
            };
            match self.rng.below(6) {
                0 => self.text.push_str(comment),
                1 if self.language != Python => {
                    self.text.push('\n');
                    self.text.push_str(line);
                }
                2 => self.text.push('\n'),
                _ => {}
            }
        }
        self.text.push('\n');
    }
}

fn shape(language: TemplateLanguage, code: &str) -> Shape {
    Shape::of(language, code).unwrap_or_else(|| panic!("{language:?} is not understood:\n{code}"))
}

fn values(shape: &Shape) -> Vec<&str> {
    shape.values().collect()
}

/// Every literal written anew with its own value: the same program.
fn assert_round_trip(shape: &Shape, code: &str) {
    let segments = shape.segments(&mut |_, value| Some(vec![Part::Text(value.into())]));
    let language = shape.language();
    let template = Template { language, segments, parameters: Vec::new() };
    let rendered = template.render::<&str>(&[]);
    let rendered = rendered.unwrap_or_else(|error| panic!("{error}:\n{code}\n{shape:#?}"));
    let again = Shape::of(language, &rendered)
        .unwrap_or_else(|| panic!("rendered to what is not understood:\n{code}\n=>\n{rendered}"));
    assert_eq!(values(shape), values(&again), "values of\n{code}\n=>\n{rendered}");
    assert_eq!(shape.fingerprint(), again.fingerprint(), "of\n{code}\n=>\n{rendered}");
    assert_eq!(shape.embedded().len(), again.embedded().len(), "code in\n{code}\n=>\n{rendered}");
}

fn assert_matching(language: TemplateLanguage) {
    let mut seen = BTreeSet::new();
    for seed in 1..=10_000 {
        let program = Program::new(language, &mut Rng::new(seed));
        let (one, other) = (program.print(0, seed, 0), program.print(seed, seed + 1, seed));
        let restyled = program.print(seed + 1, seed, seed + 1);
        let (first, second) = (shape(language, &one), shape(language, &other));
        let third = shape(language, &restyled);
        let same = first.fingerprint() == second.fingerprint();
        assert!(same, "should match:\n{one}\n-----\n{other}\n{program:?}");
        let same = first.fingerprint() == third.fingerprint();
        assert!(same, "should match:\n{one}\n-----\n{restyled}\n{program:?}");
        assert_eq!(values(&first), values(&third), "of\n{one}\n-----\n{restyled}");
        assert_round_trip(&first, &one);
        assert_round_trip(&second, &other);
        if one != other {
            seen.insert((one, other));
        }
        if seen.len() == PAIRS {
            return;
        }
    }
    panic!("only {} pairs", seen.len());
}

fn assert_differing(language: TemplateLanguage) {
    let mut seen = BTreeSet::new();
    for seed in 1..=10_000 {
        let mut rng = Rng::new(seed);
        let program = Program::new(language, &mut rng);
        let (changed, kind) = program.changed(&mut rng);
        let one = program.print(0, seed, 0);
        // Half of them in the same style, so that nothing but the change can make the difference.
        let other = match seed % 2 {
            0 => changed.print(0, seed, 0),
            _ => changed.print(seed, seed + 1, seed),
        };
        // A change may make what is no program.
        let Some(second) = Shape::of(language, &other) else { continue };
        let first = shape(language, &one);
        let same = first.fingerprint() == second.fingerprint();
        assert!(!same, "should differ ({kind}):\n{one}\n-----\n{other}\n{program:?}\n{changed:?}");
        seen.insert((one, other));
        if seen.len() == PAIRS {
            return;
        }
    }
    panic!("only {} pairs", seen.len());
}

#[test]
fn python_of_other_style_names_and_values_has_the_same_fingerprint() {
    assert_matching(Python);
}

#[test]
fn python_of_other_meaning_has_another_fingerprint() {
    assert_differing(Python);
}

#[test]
fn javascript_of_other_style_names_and_values_has_the_same_fingerprint() {
    assert_matching(JavaScript);
}

#[test]
fn javascript_of_other_meaning_has_another_fingerprint() {
    assert_differing(JavaScript);
}

#[test]
fn shell_of_other_style_names_and_values_has_the_same_fingerprint() {
    assert_matching(Shell);
}

#[test]
fn shell_of_other_meaning_has_another_fingerprint() {
    assert_differing(Shell);
}

/// A JSON document without its values.
#[derive(Debug, Clone, PartialEq)]
enum Tree {
    Constant(&'static str),
    Number,
    Text,
    List(Vec<Tree>),
    Object(Vec<(String, Tree)>),
}

const CONSTANTS: [&str; 3] = ["true", "false", "null"];
const KEYS: [&str; 6] = ["path", "file_text", "limit", "größe", "a \"b\"", ""];

impl Tree {
    fn new(rng: &mut Rng, depth: usize) -> Self {
        match rng.below(if depth == 0 { 2 } else { 6 }) + if depth == 3 { 4 } else { 0 } {
            0 | 2 => Self::Text,
            1 => Self::Number,
            3 => Self::Constant(rng.pick(&CONSTANTS)),
            4 | 6 | 8 => {
                let fields = 1 + rng.below(4);
                let key = |at: usize, rng: &mut Rng| format!("{}{at}", rng.pick(&KEYS));
                Self::Object(
                    (0..fields).map(|at| (key(at, rng), Self::new(rng, depth - 1))).collect(),
                )
            }
            _ => Self::List((0..rng.below(4)).map(|_| Self::new(rng, depth - 1)).collect()),
        }
    }

    /// The same with one change.
    fn change(&mut self, rng: &mut Rng) {
        let deeper = rng.below(3) > 0;
        match self {
            Self::Object(fields) if deeper && !fields.is_empty() => {
                let at = rng.below(fields.len());
                fields[at].1.change(rng);
            }
            Self::List(items) if deeper && !items.is_empty() => {
                let at = rng.below(items.len());
                items[at].change(rng);
            }
            Self::Object(fields) => match rng.below(3) {
                0 => fields[0].0.push('x'),
                1 => fields.push(("new".to_owned(), Self::Text)),
                _ => drop(fields.pop()),
            },
            Self::List(items) if items.is_empty() || rng.flip() => items.push(Self::Number),
            Self::List(items) => drop(items.pop()),
            Self::Text | Self::Number if rng.flip() => *self = Self::List(vec![self.clone()]),
            Self::Text => *self = Self::Number,
            Self::Number => *self = Self::Constant("null"),
            Self::Constant(now) => {
                let at = CONSTANTS.iter().position(|constant| constant == now).unwrap();
                *now = CONSTANTS[(at + 1) % 3];
            }
        }
    }

    /// As text; the fields in any order, each with values of its own.
    fn print(&self, values: u64, rng: &mut Rng, out: &mut String) {
        let mut own = Rng::new(values);
        let gap = |rng: &mut Rng| *[" ", "", "\n", "\t"].get(rng.below(4)).unwrap();
        match self {
            Self::Constant(constant) => out.push_str(constant),
            Self::Number => {
                let numbers = ["0", "-12", "3.25", "1e-9", "18446744073709551615"];
                out.push_str(own.pick(&numbers));
            }
            Self::Text => json_text(own.pick(&VALUES), rng, out),
            Self::List(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    out.push_str(if index > 0 { "," } else { "" });
                    out.push_str(gap(rng));
                    item.print(values * 31 + index as u64, rng, out);
                }
                out.push_str(gap(rng));
                out.push(']');
            }
            Self::Object(fields) => {
                let mut order: Vec<usize> = (0..fields.len()).collect();
                let first = rng.below(fields.len().max(1));
                order.rotate_left(first);
                out.push('{');
                for (index, at) in order.into_iter().enumerate() {
                    out.push_str(if index > 0 { "," } else { "" });
                    out.push_str(gap(rng));
                    json_text(&fields[at].0, rng, out);
                    out.push_str(gap(rng));
                    out.push(':');
                    fields[at].1.print(values * 37 + at as u64, rng, out);
                }
                out.push('}');
            }
        }
    }
}

fn json_text(value: &str, rng: &mut Rng, out: &mut String) {
    let mut text = serde_json::to_string(value).unwrap();
    if rng.flip() {
        text = text.replace('Ü', "\\u00dc").replace('ß', "\\u00DF").replace('/', "\\/");
    }
    out.push_str(&text);
}

#[test]
fn json_of_other_style_and_values_has_the_same_fingerprint() {
    let mut seen = BTreeSet::new();
    for seed in 1..=10_000 {
        let tree = Tree::new(&mut Rng::new(seed), 3);
        let print = |values, style| {
            let mut text = String::new();
            tree.print(values, &mut Rng::new(style), &mut text);
            text
        };
        let (one, other, restyled) = (print(1, 1), print(seed + 5, seed), print(1, seed + 9));
        let (first, second) = (shape(Json, &one), shape(Json, &other));
        let third = shape(Json, &restyled);
        assert_eq!(first.fingerprint(), second.fingerprint(), "{one}\n-----\n{other}");
        assert_eq!(first.fingerprint(), third.fingerprint(), "{one}\n-----\n{restyled}");
        assert_eq!(values(&first), values(&third), "{one}\n-----\n{restyled}");
        assert_round_trip(&first, &one);
        assert_round_trip(&second, &other);
        if one != other {
            seen.insert((one, other));
        }
        if seen.len() == PAIRS {
            return;
        }
    }
    panic!("only {} pairs", seen.len());
}

#[test]
fn json_of_other_structure_has_another_fingerprint() {
    let mut seen = BTreeSet::new();
    for seed in 1..=10_000 {
        let mut rng = Rng::new(seed);
        let tree = Tree::new(&mut rng, 3);
        let mut changed = tree.clone();
        changed.change(&mut rng);
        let (mut one, mut other) = (String::new(), String::new());
        tree.print(1, &mut Rng::new(1), &mut one);
        changed.print(1 + seed % 2, &mut Rng::new(seed), &mut other);
        let (first, second) = (shape(Json, &one), shape(Json, &other));
        assert_ne!(first.fingerprint(), second.fingerprint(), "{one}\n-----\n{other}");
        seen.insert((one, other));
        if seen.len() == PAIRS {
            return;
        }
    }
    panic!("only {} pairs", seen.len());
}

/// The arguments of a tool call whose `command` is code.
fn call(language: TemplateLanguage, command: &str) -> Shape {
    let arguments = serde_json::json!({ "command": command, "timeout": 5 });
    let code = |key: &str| if key == "command" { Argument::Code(language) } else { Argument::Data };
    Shape::of_json(&arguments, &|key, _| code(key)).unwrap()
}

#[test]
fn the_fingerprint_of_a_tool_call_is_that_of_the_code_in_it() {
    for language in [Shell, Python, JavaScript] {
        for seed in 1..=100 {
            let mut rng = Rng::new(seed);
            let program = Program::new(language, &mut rng);
            let (changed, _) = program.changed(&mut rng);
            let (one, other) = (program.print(0, 1, 0), program.print(seed, seed, seed));
            let first = call(language, &one);
            let again = call(language, &other);
            assert_eq!(first.fingerprint(), again.fingerprint(), "{one}\n-----\n{other}");
            assert_eq!(first.embedded().len(), 1 + shape(language, &one).embedded().len());
            assert_round_trip_of_call(&first, language, &one);
            let changed = changed.print(0, 1, 0);
            let another = call(language, &changed).fingerprint();
            assert_ne!(first.fingerprint(), another, "{one}\n-----\n{changed}");
        }
    }
    let (one, other) = (call(Shell, "if then ("), call(Shell, "if then )"));
    assert_ne!(one.fingerprint(), other.fingerprint(), "what is not understood is taken as it is");
}

fn assert_round_trip_of_call(shape: &Shape, language: TemplateLanguage, code: &str) {
    let segments = shape.segments(&mut |_, value| Some(vec![Part::Text(value.into())]));
    let template = Template { language: Json, segments, parameters: Vec::new() };
    let rendered = template.render::<&str>(&[]).unwrap();
    let arguments: serde_json::Value = serde_json::from_str(&rendered).unwrap();
    let again = call(language, arguments["command"].as_str().unwrap());
    assert_eq!(values(shape), values(&again), "values of\n{code}\n=>\n{rendered}");
    assert_eq!(shape.fingerprint(), again.fingerprint(), "of\n{code}\n=>\n{rendered}");
}

/// Programs that mean the same, with the same values.
const SAME: &[(TemplateLanguage, &str, &str)] = &[
    (Python, "f(.5, 5.)", "f(0.5, 5.0)"),
    (Python, "for i, x in y: f(i)", "for (i, x) in y:\n  f(i)"),
    (Python, "return_ = 1, 2", "return_ = (1, 2)"),
    (Python, "f('\\d')", "f(r'\\d')"),
    (Python, "f('\\U0001F600')", "f('😀')"),
    (Python, "if a not in b: f()", "if a not   in b:\n\tf()"),
    (Python, "with (open('a') as f, g() as h): f()", "with open('a') as x, g() as y: x()"),
    (Python, "match a:\n  case [b, *c] if b: f(b, c)", "match a:\n  case [x, *y] if x: f(x, y)"),
    (
        Python,
        "match a:\n  case {'k': b, **c} as d: f(b, d)",
        "match a:\n  case {'k': x, **y} as z: f(x, z)",
    ),
    (Python, "x = 1\nf(rf'{x}\\d')", "y = 1\nf(rf\"{y}\\d\")"),
    (Python, "def f(): 'what it does'; return 1", "def g():\n  return 1"),
    (JavaScript, "f({'a': 1, 'b-c': 2})", "f({a: 1, \"b-c\": 2})"),
    (JavaScript, "let a = 1; f({a})", "let b = 1; f({a: b})"),
    (JavaScript, "const {a} = f()", "const {a: b} = f()"),
    (JavaScript, "const f = x => x", "const g = (y) => (y)"),
    (JavaScript, "let x = 1; tag`a${x}`", "let y = 1; tag`a${y}`"),
    (JavaScript, "require(`x`)", "require('x')"),
    (JavaScript, "f('\\d\\/')", "f('d/')"),
    (Shell, "cat a.b; ls c.d", "cat a.b\nls c.d"),
    (Shell, "echo `date +A`", "echo $(date +A)"),
    (Shell, "X=1.a; echo \"a $X ${X}b\"", "Y=1.a; echo 'a '\"$Y $Y\"b"),
    (Shell, "function f { :; }; f A", "g() { :; }\ng A"),
    (Shell, "read -r a B; echo $a $B", "read -r c D; echo $c $D"),
    (
        Shell,
        "for ((i=0; i<3; i++)); do echo $((i+1)); done",
        "for ((j=0; j<3; j++)); do echo $((j+1)); done",
    ),
    (Shell, "case $1 in 'a') ls X;; esac", "case $1 in a) ls X;; esac"),
    (Shell, "cat <<EOF\na $HOME\nEOF", "cat <<X\na ${HOME}\nX"),
    (Shell, "cat <<EOF\na \\$x\nEOF", "cat <<'X'\na $x\nX"),
    (Shell, "N=A; cat <<EOF > f.txt\nHi $N,\nbye\nEOF", "M=A; cat <<EOF > f.txt\nHi $M,\nbye\nEOF"),
    (Shell, "python3 -c 'print(1)'", "python3 -c \"print( 1 )\""),
    (Shell, "x --a=\"b $HOME\"", "x --a='b '\"$HOME\""),
    (Shell, "rm A # é", "rm 'A'"),
    (Shell, "rm A\\{B", "rm 'A{B'"),
    (
        Shell,
        "x -d '{\"a\": \"b\", \"c\": [1]}'",
        "x -d \"{\\\"a\\\":\\\"b\\\",\n\\\"c\\\":[ 1 ]}\"",
    ),
    (Shell, "x <<'E'\n[\"a\"]\nE", "x <<F\n[ \"\\\\u0061\" ]\nF"),
];

#[test]
fn the_same_in_other_words() {
    for (language, one, other) in SAME {
        let (first, second) = (shape(*language, one), shape(*language, other));
        assert_eq!(first.fingerprint(), second.fingerprint(), "{one}\n-----\n{other}");
        assert_eq!(values(&first), values(&second), "{one}\n-----\n{other}");
        assert_round_trip(&first, one);
        assert_round_trip(&second, other);
    }
}

/// Programs that look alike and mean different things.
const DIFFERENT: &[(TemplateLanguage, &str, &str)] = &[
    (Python, "f(f'{x:.2f}')", "f(f'{x:.4f}')"),
    (Python, "f(f'{x:>{w}}')", "f(f'{x:<{w}}')"),
    (Python, "f(f'{x!r}')", "f(f'{x}')"),
    (Python, "f'{x()}'", "f'{y()}'"),
    (Python, "f(b'a')", "f('a')"),
    (Python, "f('a')", "f(1)"),
    (Python, "x[a,]", "x[a]"),
    (Python, "f((a,))", "f((a))"),
    (Python, "try: f()\nexcept A as e: pass", "try: f()\nexcept B as e: pass"),
    (Python, "class A:\n  def f(self): pass", "class A:\n  def g(self): pass"),
    (Python, "class A:\n  x: int = 1", "class A:\n  y: int = 1"),
    (
        Python,
        "class A:\n  @property\n  def f(self): pass",
        "class A:\n  @property\n  def g(self): pass",
    ),
    (Python, "assert x, 'm'", "assert (x, 'm')"),
    (Python, "match a:\n  case X.y: f()", "match a:\n  case X.z: f()"),
    (Python, "match a:\n  case P(x=0): f()", "match a:\n  case P(y=0): f()"),
    (Python, "match a:\n  case _: f()", "match a:\n  case x: f()"),
    (Python, "x = a < b < c", "x = (a < b) < c"),
    (Python, "x = a - (b - c)", "x = a - b - c"),
    (Python, "a = b = 1; f(a, b)", "a = b = 1; f(b, a)"),
    (Python, "if a:\n  f()\n  g()", "if a:\n  f()\ng()"),
    (Python, "import os", "import os.path"),
    (Python, "from . import a", "from .. import a"),
    (Python, "f(*a)", "f(**a)"),
    (Python, "def f(a, /): pass", "def f(a): pass"),
    (Python, "def f(a, *, b): pass", "def f(a, b): pass"),
    (Python, "f(x=True)", "f(x=False)"),
    (JavaScript, "const [, b] = p", "const [b] = p"),
    (JavaScript, "f([1,,2])", "f([1,2])"),
    (JavaScript, "for (;x;) y()", "for (x;;) y()"),
    (JavaScript, "(a?.b).c", "a?.b.c"),
    (JavaScript, "a?.b", "a.b"),
    (JavaScript, "export function f() {}", "export function g() {}"),
    (JavaScript, "export const a = 1", "export const b = 1"),
    (JavaScript, "const a = 1; export {a}", "const b = 1; export {b}"),
    (JavaScript, "f({'a-b': 1})", "f({'a-c': 1})"),
    (JavaScript, "f(/a/g)", "f(/a/i)"),
    (JavaScript, "import a from 'x'", "import a from 'y'"),
    (JavaScript, "import {a} from 'x'", "import {b} from 'x'"),
    (JavaScript, "await import('x')", "await import('y')"),
    (JavaScript, "const f = function() {}", "const f = () => {}"),
    (JavaScript, "var a = 1", "let a = 1"),
    (JavaScript, "f(a => a)", "f(async a => a)"),
    (JavaScript, "tag`a`", "tag`b`"),
    (JavaScript, "class A { static f() {} }", "class A { f() {} }"),
    (JavaScript, "f(typeof a)", "f(void a)"),
    (JavaScript, "a; (b)", "a(b)"),
    (Shell, "bash -lc 'ls x'", "bash -lc 'rm x'"),
    (Shell, "bash -c \"ls $1\"", "bash -c \"rm $1\""),
    (Shell, "bash -x a.sh", "bash -x b.sh"),
    (Shell, "python3 -u a.py X", "python3 -u b.py X"),
    (Shell, "python3 -m http.server 8000", "python3 -m json.tool 8000"),
    (Shell, "python3 \"$D/a.py\"", "python3 \"$D/b.py\""),
    (Shell, "\"$D/a\" X", "\"$D/b\" X"),
    (Shell, "source a.sh", "source b.sh"),
    (Shell, ". ./a", ". ./b"),
    (Shell, "node --eval 'f()'", "node --eval 'g()'"),
    (Shell, "perl -pe 's/a/b/' X", "perl -pe 's/a/c/' X"),
    (Shell, "deno run a.ts", "deno run b.ts"),
    (Shell, "npm run build:a", "npm run build:b"),
    (Shell, "npx @scope/a X", "npx @scope/b X"),
    (Shell, "uv run a.py X", "uv run b.py X"),
    (Shell, "uv run --with A a.py X", "uv run --with A b.py X"),
    (Shell, "timeout 30 python3 a.py", "timeout 30 ruby a.py"),
    (Shell, "timeout 30 python3 a.py", "timeout 30 python3 b.py"),
    (Shell, "env A=1 rm X", "env A=1 ls X"),
    (Shell, "env A=1 rm X", "env B=1 rm X"),
    (Shell, "sudo -u bob rm X", "sudo -u bob ls X"),
    (Shell, "xargs -n 1 rm", "xargs -n 1 ls"),
    (Shell, "xargs -I {} cp {} X", "xargs -I {} mv {} X"),
    (Shell, "find . -exec rm {} \\;", "find . -exec ls {} \\;"),
    (Shell, "find . -exec rm {} \\;", "find . -exec rm {} +"),
    (Shell, "find . -exec sh -c 'ls X' \\;", "find . -exec sh -c 'rm X' \\;"),
    (Shell, "git --no-pager log A", "git --no-pager diff A"),
    (Shell, "git remote add A", "git remote remove A"),
    (Shell, "git -C dir status", "git -C dir diff"),
    (Shell, "docker compose up", "docker compose down"),
    (Shell, "x --a=\"$HOME\"", "x --b=\"$HOME\""),
    (Shell, "x -- A", "x A"),
    (Shell, "PATH=/a; x", "MYPATH=/a; x"),
    (Shell, "IFS=,; x", "A=,; x"),
    (Shell, "A=1 x", "B=1 x"),
    (Shell, "export A=1", "export B=1"),
    (Shell, "A=1; declare -x A", "B=1; declare -x B"),
    (Shell, "echo ${A:-1}", "echo ${A:=1}"),
    (Shell, "echo ${A%.a}", "echo ${A%%.a}"),
    (Shell, "echo $((A + 1))", "echo $((A - 1))"),
    (Shell, "rm a{b,c}", "rm 'a{b,c}'"),
    (Shell, "rm *", "rm '*'"),
    (Shell, "rm ~/x", "rm '~/x'"),
    (Shell, "echo $A''", "echo $A"),
    (Shell, "echo \"$A\"", "echo $A"),
    (Shell, "echo \"$(ls A)\"", "echo $(ls A)"),
    (Shell, "x 2>&1 >A", "x >A"),
    (Shell, "x <A", "x >A"),
    (Shell, "x &", "x"),
    (Shell, "(x; y)", "{ x; y; }"),
    (Shell, "case $a in *) x;; esac", "case $a in '*') x;; esac"),
    (Shell, "case $a in a) x;; esac", "case $a in b) x;; esac"),
    (Shell, "[ a = b ]", "[ a != b ]"),
    (Shell, "[[ $a == b* ]]", "[[ $a == c* ]]"),
    (Shell, "f() { ls A; }; f", "f() { ls A; }; g"),
    (Shell, "eval 'ls A'", "eval 'rm A'"),
    (Shell, "trap 'ls A' EXIT", "trap 'rm A' EXIT"),
    (Shell, "python3 - X <<'E'\nf(1)\nE", "python3 - X <<'E'\ng(1)\nE"),
    (Shell, "python3 - \"$X\" <<'E'\nf(1)\nE", "python3 - \"$X\" <<'E'\ng(1)\nE"),
    (Shell, "bash -s A <<'E'\nls X\nE", "bash -s A <<'E'\nrm X\nE"),
    (Shell, "ssh host bash <<'E'\nls X\nE", "ssh host bash <<'E'\nrm X\nE"),
    (Shell, "sudo bash <<'E'\nls X\nE", "sudo bash <<'E'\nrm X\nE"),
    (Shell, "python3 <<E\nf('$X')\nE", "python3 <<E\ng('$X')\nE"),
    (Shell, "bash <<< 'ls X'", "bash <<< 'rm X'"),
    (Shell, "cat > a.py <<'E'\nf(1)\nE", "cat > a.py <<'E'\ng(1)\nE"),
    (Shell, "cat <<'E' > a.sh\nls X\nE", "cat <<'E' > a.sh\nrm X\nE"),
    (Shell, "cat <<E\n$A\nE", "cat <<E\n$B\nE"),
    (Shell, "ruby <<'E'\nputs 1\nE", "ruby <<'E'\nputs 2\nE"),
    (Json, "{\"a\": true}", "{\"a\": false}"),
    (Json, "{\"a\": 1}", "{\"a\": \"1\"}"),
    (Json, "[]", "{}"),
    (Json, "[[1], 2]", "[[1, 2]]"),
    (Shell, "x '{\"a\": 1}'", "x '{\"a\": \"1\"}'"),
    (Shell, "x '{\"a\": 1}'", "x '{\"b\": 1}'"),
    (Shell, "x '{\"a\": [1, true]}'", "x '{\"a\": [1, null]}'"),
    (Shell, "x '{\"a\": 1, \"b\": 2}'", "x '{\"b\": 2, \"a\": 1}'"),
    (Shell, "x '[1]'", "x '[1, 1]'"),
    (Shell, "x '[1]'", "x 1"),
];

#[test]
fn alike_and_different() {
    for (language, one, other) in DIFFERENT {
        let (first, second) = (shape(*language, one), shape(*language, other));
        assert_ne!(first.fingerprint(), second.fingerprint(), "{one}\n-----\n{other}");
        assert_round_trip(&first, one);
        assert_round_trip(&second, other);
    }
}

/// What is seldom written, and hard to read.
const NASTY_SHELL: &[&str] = &[
    "cat <<'A'\ncat <<B\n$x\nB\nA\necho done",
    "cat <<A <<B\na\nA\nb\nB",
    "cat <<-E\n\ta\n\tE",
    "cat <<\\E\n$a\nE",
    "cat <<E | grep x > y.txt && echo z\na $b `c` \\$d \\\\ $\nE",
    "cat <<E\n  $a$b ${c} $(d e) $((1 + 2))\n\nlast\nE",
    "cat <<E\nE",
    "echo $'a\\n\\'b' $\"x\" a$'b'c",
    "ls *.py [a-c]?.txt **/x !(a) @(b|c)",
    "echo {a,b}.c {1..5} a{b,c}d x{} {}y '{a,b}' \\{a,b\\}",
    "grep x <<< \"a $b c\"",
    "case \"$1\" in -h|--help) echo a;; a|b) ;; [0-9]*) echo c;& *) exit 1;; esac",
    "f() { local a=1 b; f \"$a\" \"$@\"; return 1; }; function g { f; }; f; g x",
    "a=(1 \"b c\" $d); a+=(e); echo \"${a[@]}\" ${#a[@]} ${a[0]} ${a[$i]} \"${!a[@]}\"",
    "declare -A m; m[x]=1; m[\"y z\"]=2; echo ${m[x]}",
    "x=$((a + 1)); ((x++)); (( x > 1 )) && let y=x+1; echo $((x ** 2 % 3))",
    "for ((i = 0; i < 10; i++)); do echo $i; done",
    "echo `echo \\`date\\`` \"`ls`\"",
    "[[ -f $a && $b =~ ^[0-9]+$ || ! $c -ot d ]] && test -z \"$x\"",
    "echo \"${a:-b c}\" ${a:?\"x y\"} \"${a#*/}\" ${a//x/y} ${a^^} ${a:1:2} \"${a:-$b}\"",
    "echo \"a\"'b'c\\ d\"$e\"'f'\"g $h i\" ''\"\"",
    "echo \"$a $b\" \" $a\" \"$a \" \"  ${a}  ${b:-x} \"",
    "echo \"\\\"\\$x\\`\\\\ \\n !\" \\\"",
    "diff <(sort a) <(sort -u b) > >(tee log)",
    "x 2>&1 >/dev/null </dev/null 3>&- &>> log | y |& z",
    "A=1 B=$C D=\"e f\" x --y=\"$A\" --z='a b' -k=v --w=$B\"c d\"",
    "if ! x; then y; elif z; then :; else exit; fi",
    "until x; do sleep 1; done; select a in b c; do break; done",
    "while read -r a b; do echo \"$a\" \"$b\"; done < <(cat x)",
    "(cd /tmp && ls) ; { a; b; } > c",
    "python3 -c \"import sys; print('\\$x', \\\"a\\\")\" \"$1\"",
    "python3 -c 'print(\"it'\\''s\")' && bash -c 'echo \"$1\" '\\''a'\\''' _ X",
    "bash -c 'python3 -c \"print(1)\"'",
    "ssh host 'ls; rm x' && sudo -E python3 x.py --a b && time ls X",
    "python3 - <<'PY' > out.txt\nimport sys\nprint(\"a\\tb\", 'c')\nPY",
    "cat > x.sh <<'A'\npython3 <<'B'\nprint('c')\nB\nA",
    "find . -name '*.py' ! -path './a/*' \\( -type f -o -type l \\) -print0 | xargs -0 -I{} cp {} X",
    "echo é \"$x é\" 'ü' ü\\ ü日本 # ö\nmkdir Ü && cd Ü",
    "echo a\\\nb c \\\n  d",
    "set -euo pipefail\ntrap 'rm -f \"$t\"' EXIT\nt=$(mktemp)\nexport T=$t U\nunset t",
    "awk -F, '{print $1, \"a\\n\"}' a.csv | sed -E 's/a\"b/c/g' | jq -r '.a[] | \"\\(.b)\"'",
    "curl -s \"https://x.example/?a=$b&c=d\" -H 'A: b' -d '{\"a\": \"'\"$x\"'\"}'",
    "echo \"a\nb\" 'c\nd'\r",
    "",
    "# nothing",
];

const NASTY_PYTHON: &[&str] = &[
    "f(f\"{a['b']} {{c}} {d!r:>{e}.{f}} {g:%Y-%m-%d} {h=} {'i'}\")",
    "f(f'{x:,}' f\"a{y}\" 'b' \"c\")",
    "f(f'''a\n{x}\n\"b\" 'c' \\n''')",
    "f(rf'\\d{x}\\{{', fr\"a\", F'b', Rb'\\x', bR'', B'c', u'd', R'e\\'')",
    "f(b'a\\x00', b\"\\xff\", '\\x00\\0\\N{BULLET}\\'\\\"\\a\\b\\f\\v\\\\')",
    "f('a' 'b'\n  # why\n  \"c\")",
    "f('a\\\nb', '''a\n'b' \"c\"''', \"\"\"\"a\"\"\")",
    "f('\\d\\$\\{\\`', '\\u00e9\\U0001F600', '\\ud800')",
    "if (n := len(a)) > 1: print(n)\nx = [y := 1, y**2]",
    "@a.b(c='d')\n@e\nclass A(B, metaclass=C):\n  '''doc'''\n  x: int = 1\n  def f(self, *a, k: str = 'v', **kw) -> 'A':\n    'doc'\n    return super().f(*a, **kw)",
    "match a:\n  case [1, -2.5, *_]: pass\n  case {'k': v, **r} if v: pass\n  case A(b=1) | C.d | 'x' | None: pass\n  case (x, y): pass\n  case _: pass",
    "f = lambda x, *y, z=1, **k: (x, y, z, k)",
    "x[1:2, ::-1, ..., a:], y[:], z[-1:], w[a,]",
    "print(1_000, 0x_ff, 0o17, 0b1, 1e10, 1.5E-3, .5, 5., 1j, 00, -1, - 1, --1, +1, ~1, -x, -1**2, (-1)**2, 2**-1)",
    "1 .real; 1.5.hex(); (1).real; -1 .real",
    "async def f():\n  async with a as b, c as d: await e\n  async for x in y: yield x\n  return [z async for z in w if await z]",
    "try: pass\nexcept* (A, B) as e: raise C from e\nelse: pass\nfinally: del a, b[0]",
    "global x\nx = y = *a, *b\nx, (y, *z) = 1, (2, 3)\nx: int\nx += 1,",
    "a = b if c else d if e else f\nassert a, 'b'\nreturn_ = not a is not b not in c",
    "{**a, 'b': 1, c: {d: e for d, e in f}}; {*a, 1}; (x for x in y for z in x if z if w)",
    "with open('a') as f, (b): pass\nwith (open('a') as f, open('b'),): pass",
    "for i in range(3): print(i)\nelse: print('x')\nwhile True:\n\tbreak",
    "print('日本', f'é{x}ü', \"😀\") # ö\nü = 'ß'; print(ü)",
    "def f(a, /, b, *, c): nonlocal x; return a, b, c",
    "type X[T] = list[T]\ndef f[T: int](x: T) -> T: return x",
    "if a:\n    b()  ;  c()\n\n    # d\n\n    e()\nelif f: g()\nelse:\n  h()",
    "x = (\n  1\n  + 2 # a\n)\ny = 1 \\\n  + 2",
    "return'a'if x else-1",
    "print(\"a\\\r\\n\", 'b')\r\nx = '''a\r\nb'''\r\n",
    "",
    "# nothing",
    "'doc'",
];

const NASTY_JAVASCRIPT: &[&str] = &[
    "const r = /a\\/[/'\"`]b/gi.test(x) ? 1 / 2 : x / y / z;",
    "tag`a${b}\\d${`c${d}`}`; `a\\`b\\${c}${d}\\n$`; `$`; `a\nb`; String.raw`\\d`",
    "a?.b?.[c]?.(d) ?? e; (a?.b).c; a ??= b; a ||= c; a **= 2",
    "const e = <A b=\"x\\n &amp;\" c='d' {...f} g={`h`} i>text {j} <>k</> <l.m/></A>;",
    "interface A<T> { b?: string; c: T[] } type D = A<'x' | 1>; enum E { F = 'g', H = 1 } const x = y as D; let z!: number;",
    "class A extends B { #x = 1; static y = 'z'; static { f() } get a() { return this.#x } set a(v) {} async *b() { yield* c(); } 'd e'() {} [f]() {} constructor() { super(); } }",
    "async function* f() { for await (const x of y) yield x; } function* g() {}",
    "f({a, b: c, 'd-e': 1, 'f': 2, [g]: 3, h() {}, async i() {}, get j() { return 1 }, ...k, 5: 6, 1.5: 7});",
    "const {a, b: {c = 1, ...d}, 'e-f': g} = h, [i, , j = 2, ...k] = l;",
    "f(0xff, 0b1, 0o7, 1e10, 1.5E-3, 1_000, .5, 5., 10n, -1, - 1, - -1, +1, ~1, -x, (-1) ** 2, 017)",
    "1..toFixed(); 1.5.toFixed(); (5).toFixed(); (-5).x; f({1: 'a', '2': 'b'})",
    "label: for (;;) { for (let i = 0, j = 1; ; ) break label; for (;x;) ; for (var k in o) continue }",
    "import a, {b, c as d} from 'e'; import * as f from \"g\"; import 'h'; export {i as j, k}; export * from 'l'; export const m = 1;",
    "import x from './a.json' with { type: 'json' };",
    "const m = await import(`./a`); const n = await import('b'), o = require(`c${d}`);",
    "f('it\\'s', \"a\\\"b\", '\\x41\\u0042\\u{43}\\d\\0\\\\', 'a\\\nb', '\\ud83d\\ude00')",
    "switch (a) { case 'b': case -1: c(); break; default: { d } }",
    "x = a ? b : c, d; void 0; delete a.b; typeof a === 'b' && !c || d in e; new F; new G(1, ...h)",
    "if (a) b(); else if (c) d(); else { e() }\ndo { f() } while (g)\nwhile (h);",
    "'use strict'; throw new Error(`a ${b} c`);",
    "const f = async x => { await x }, g = (x, {y}, [z] = []) => ({x}), h = function i() { return i };",
    "console.log('日本', `é${x}ü`, \"😀\") // ö\nconst ü = 'ß'; f(ü)",
    "#!/usr/bin/env node\nf()",
    "debugger; with_(a); try { f() } catch { g() } finally { h() }",
    "a = b\n++c\nreturn_\nx = y\n",
    "const a = (b, c), d = ((e)), f = ((g));",
    "return'a';typeof'b';case_('c')in'd'",
    "f(`a\r\nb`, 'c')\r\ng(`a\r${x}`)",
    "",
    "// nothing",
];

#[test]
fn seldom_programs_are_rendered_to_themselves() {
    let mut read = 0;
    for (language, programs) in
        [(Shell, NASTY_SHELL), (Python, NASTY_PYTHON), (JavaScript, NASTY_JAVASCRIPT)]
    {
        for code in programs {
            // Two here documents at once, and a negated pattern, are too much for the grammar.
            let Some(shape) = Shape::of(language, code) else { continue };
            read += 1;
            assert_round_trip(&shape, code);
            assert_eq!(left_alone(&shape), *code);
        }
    }
    let all = NASTY_SHELL.len() + NASTY_PYTHON.len() + NASTY_JAVASCRIPT.len();
    assert!(read + 2 >= all, "only {read} of {all} were understood");
}

/// The code of a template in which no literal has a hole.
fn left_alone(shape: &Shape) -> String {
    let segments = shape.segments(&mut |_, _| None);
    let template = Template { language: shape.language(), segments, parameters: Vec::new() };
    template.render::<&str>(&[]).unwrap()
}

/// Code in pieces; put together at random, some of it can be read.
const PIECES: &[&str] = &[
    "a",
    "x = ",
    "'",
    "\"",
    "\"\"\"",
    "`",
    "f'",
    "rf\"",
    "{",
    "}",
    "{{",
    "(",
    ")",
    "[",
    "]",
    "$",
    "${",
    "$(",
    "$((",
    "))",
    "<<EOF",
    "<<'E'",
    "\nEOF\n",
    "\nE\n",
    "<<<",
    "\n",
    "\n    ",
    "\t",
    "\r",
    "\r\n",
    " ",
    ";",
    ";;",
    ",",
    ":",
    "::",
    "=",
    "==",
    "=>",
    "->",
    "|",
    "||",
    "&",
    "&&",
    ">",
    ">>",
    "2>&1",
    "<",
    "\\",
    "\\\n",
    "#",
    "//",
    "/*",
    "*/",
    "/",
    "*",
    "**",
    "?",
    "?.",
    "!",
    "~",
    "@",
    "-",
    "-1",
    "--x=",
    "-c",
    "1.5e3",
    ".5",
    "0x1f",
    "1_0",
    "é",
    "日本",
    "😀",
    "\u{feff}",
    "\0",
    "\u{2028}",
    "python3",
    "bash",
    "cat",
    "find . -exec ",
    "xargs ",
    "echo ",
    "for x in ",
    "do ",
    "done",
    "if ",
    "then ",
    "fi",
    "case ",
    "in ",
    "esac",
    "def f(x): ",
    "lambda x: ",
    "class A:",
    "return ",
    "await ",
    "async ",
    "function f(x) ",
    "const {a} = ",
    "import ",
    "from ",
    "match x:\n case ",
    "require(",
    "export ",
    "let ",
    "a.b",
    "a.b()",
    "a[1:]",
    "a\"$x\"'b'",
    "--y=\"$x\"",
    "$x",
    "$'a'",
    "{a,b}",
    "True",
];

/// Neither panics nor makes spans that are none; what is read is written again.
fn assert_harmless(code: &str) {
    for language in [Shell, Python, JavaScript, Json] {
        if let Some(shape) = Shape::of(language, code) {
            assert_eq!(left_alone(&shape), code_of(language, code));
            assert_eq!(shape.values().count(), shape.are_numbers().count());
            let marked = shape.segments(&mut |at, _| Some(vec![Part::Text(at.to_string())]));
            let template = Template { language, segments: marked, parameters: Vec::new() };
            template.render::<&str>(&[]).unwrap();
        }
    }
    let arguments = serde_json::json!({ "a": code, "b": [code] });
    for language in [Shell, Python, JavaScript, Json] {
        let shape = Shape::of_json(&arguments, &|_, _| Argument::Code(language));
        assert_eq!(left_alone(&shape.unwrap()), arguments.to_string());
    }
}

/// JSON is written anew.
fn code_of(language: TemplateLanguage, code: &str) -> String {
    match language {
        Json => serde_json::from_str::<serde_json::Value>(code).unwrap().to_string(),
        _ => code.to_owned(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 80, failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_harmless(code in any::<String>()) {
        assert_harmless(&code);
    }

    #[test]
    fn glued_pieces_are_harmless(
        pieces in prop::collection::vec(prop::sample::select(PIECES), 0..24)
    ) {
        assert_harmless(&pieces.concat());
    }

    #[test]
    fn damaged_programs_are_harmless(
        seed in 1u64..1_000_000, at in 0usize..400, length in 0usize..3,
        piece in prop::sample::select(PIECES),
    ) {
        for language in [Shell, Python, JavaScript] {
            let program = Program::new(language, &mut Rng::new(seed)).print(0, seed, seed);
            let start = program.floor_char_boundary(at % program.len());
            let end = program.floor_char_boundary((start + length).min(program.len())).max(start);
            let mut code = program.clone();
            code.replace_range(start..end, piece);
            assert_harmless(&code);
            if let Some(shape) = Shape::of(language, &code) {
                assert_round_trip(&shape, &code);
            }
        }
    }
}

/// Pieces that long code is made of.
const LONG: [(TemplateLanguage, &[&str]); 4] = [
    (
        Shell,
        &[
            "a;",
            "a 'b'\n",
            "é ",
            "\"$a\"",
            "{a,b}",
            "\\\n",
            "<<E\nE\n",
            "a | ",
            "a | sh | ",
            "x=$x y=$y\n",
            "eval $x$\n",
            "x=$y;eval $x;",
            "sed -i '' a\n",
            "a '{\"b\": 1}'\n",
            "echo a > b.py\n",
            "((x+$x));",
        ],
    ),
    (
        Python,
        &["a;", "x = 'y'\n", "'a',", "f'{a}'\n", "-1+", "'a' ", "run(a(", "a.evaluate(", "a.run."],
    ),
    (
        JavaScript,
        &["a;", "x = 'y'\n", "'a',", "`${a}`;", "1+", "a.b.", "spawn(a(", "exec.", "`a${1}'`;"],
    ),
    (Json, &["[", "1", " ", "é"]),
];

#[test]
fn deep_and_long_code_is_harmless() {
    let deep: [(TemplateLanguage, &[(&str, &str)]); 3] = [
        (
            Shell,
            &[
                ("(", ")"),
                ("[", "]"),
                ("$(", ")"),
                ("\"$(", ")\""),
                ("{ ", "; }"),
                ("! ", ""),
                ("a | (", ")"),
            ],
        ),
        (
            Python,
            &[
                ("(", ")"),
                ("[", "]"),
                ("{", "}"),
                ("f(", ")"),
                ("f'{", "}'"),
                ("not ", "a"),
                ("-", "1"),
            ],
        ),
        (
            JavaScript,
            &[
                ("(", ")"),
                ("[", "]"),
                ("{", "}"),
                ("a(", ")"),
                ("x=>", "x"),
                ("- ", "1"),
                ("<a>", "</a>"),
            ],
        ),
    ];
    for (language, pairs) in deep {
        for (open, close) in pairs {
            // The parser takes its time where it has to guess what was meant.
            let most = if matches!(*open, "(" | "[" | "$(") { 10_000 } else { 1_000 };
            assert_left_alone(language, &open.repeat(most));
            let closed = |depth: usize| open.repeat(depth) + "a" + &close.repeat(depth);
            assert_left_alone(language, &closed(1_000));
            assert_left_alone(language, &closed(60));
        }
    }
    for (language, pieces) in LONG {
        for piece in pieces {
            let text = piece.repeat(MAX_BYTES / piece.len());
            assert_left_alone(language, &text);
            assert!(Shape::of(language, &(text + piece)).is_none(), "longer than all code");
        }
    }
    for code in ["\u{feff}a = 'b'", "a 'b'\rc", "\r", "\u{feff}", "a = 'é'\r\n"] {
        assert_harmless(code);
    }
    for language in [Shell, Python, JavaScript] {
        assert!(Shape::of(language, "a\0b").is_none());
    }
    let nested =
        (0..6).fold("ls X".to_owned(), |code, _| format!("bash -c {}", single_quoted(&code)));
    assert!(Shape::of(Shell, &nested).is_some(), "code in code in code is a text at last");
}

fn assert_left_alone(language: TemplateLanguage, code: &str) {
    if let Some(shape) = Shape::of(language, code) {
        assert_eq!(left_alone(&shape), code_of(language, code));
    }
}

fn single_quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', "'\\''"))
}
