//! Programs out of blocks with slots, printed in many styles.

use super::*;

/// A small generator (xorshift64*), so that the programs are the same in every run.
pub(super) struct Rng(u64);

impl Rng {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(high).unwrap() % bound
    }

    pub(super) fn flip(&mut self) -> bool {
        self.below(2) == 0
    }

    pub(super) fn pick<'a, T: ?Sized>(&mut self, items: &[&'a T]) -> &'a T {
        items[self.below(items.len())]
    }
}

/// Blocks are texts with slots: `«$x»` a name that the program binds, `«"»` a string, `«#»` a number, `«~»` text
/// in an interpolated string between `«f»` and `«/f»`, `«w»` a shell word, `«{x}»` an expansion, `«a¦b»` one of
/// several that mean different things, `«(»` and `«)»` parentheses that change nothing, `«,»` a comma and `«;»` a
/// semicolon that may be left out, `«_»` a place for a line break. A line that begins with `?` may be left out,
/// which changes the meaning; one with `!` (of a here document) is followed by no comment.
pub(super) const PYTHON: [&str; 16] = [
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

pub(super) const JAVASCRIPT: [&str; 14] = [
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

pub(super) const SHELL: [&str; 19] = [
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
pub(super) enum Slot<'t> {
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

pub(super) fn slots(line: &str) -> Vec<Slot<'_>> {
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
pub(super) struct Program {
    language: TemplateLanguage,
    blocks: Vec<&'static str>,
    /// By the number of the slot in the program.
    choices: BTreeMap<usize, usize>,
    /// The line that is left out, by its number.
    without: Option<usize>,
}

pub(super) fn blocks(language: TemplateLanguage) -> &'static [&'static str] {
    match language {
        Python => &PYTHON,
        JavaScript => &JAVASCRIPT,
        Shell => &SHELL,
        Json => &[],
    }
}

impl Program {
    pub(super) fn new(language: TemplateLanguage, rng: &mut Rng) -> Self {
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

    pub(super) fn lines(&self) -> Vec<&'static str> {
        self.blocks.iter().flat_map(|block| block.lines()).collect()
    }

    /// The slots with several ways, and how many those are.
    pub(super) fn ways(&self) -> Vec<(usize, usize)> {
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
    pub(super) fn changed(&self, rng: &mut Rng) -> (Self, &'static str) {
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

    pub(super) fn plain(mut self) -> Self {
        self.choices.clear();
        self
    }

    /// The program as text. `names`, `values` and `style` are the seeds of the three.
    pub(super) fn print(&self, names: u64, values: u64, style: u64) -> String {
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

pub(super) const NAMES: [&str; 8] = ["a", "row", "value_", "_x", "tmp", "longName", "K", "zz"];
pub(super) const VALUES: [&str; 17] = [
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
pub(super) const PLAIN_VALUES: [&str; 4] = ["key", "Ü", "a b", "x.y"];
pub(super) const WORDS: [&str; 17] = [
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
pub(super) const NUMBERS: [&str; 9] = ["0", "7", "42", "-1", "3.5", "1e6", "1_000", "-0.25", "12"];
pub(super) const FRAGMENTS: [&str; 5] = ["total: ", " rows, ", "ü ", "; ", "x=1 "];

pub(super) struct Printer {
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
    pub(super) fn slot(&mut self, slot: Slot<'_>, chosen: usize) {
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

    pub(super) fn interpolated(&mut self, opens: bool) {
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

    pub(super) fn name(&mut self, name: &str) {
        if self.names == 0 {
            return self.text.push_str(name);
        }
        // Different names stay different.
        let number = name.bytes().fold(self.names, |sum, byte| sum * 31 + u64::from(byte));
        let base = NAMES[usize::try_from(number % 8).unwrap()];
        write!(self.text, "{base}{name}{}", number % 10).unwrap();
    }

    pub(super) fn expansion(&mut self, name: &str, in_quotes: bool) {
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

    pub(super) fn one(&mut self, ways: &str, chosen: usize) {
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

    pub(super) fn quoted(&mut self, value: &str) {
        let quote = if self.rng.flip() { '"' } else { '\'' };
        self.text.push(quote);
        self.text.push_str(value);
        self.text.push(quote);
    }

    pub(super) fn string(&mut self) {
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

    pub(super) fn escaped(&mut self, value: &str, quote: char) -> String {
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

    pub(super) fn python_string(&mut self, value: &str) {
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

    pub(super) fn javascript_string(&mut self, value: &str) {
        let quote = self.rng.pick(&["'", "\"", "`"]);
        let inner = self.escaped(value, quote.chars().next().unwrap());
        let inner = if quote == "`" { inner.replace("${", "\\${") } else { inner };
        write!(self.text, "{quote}{inner}{quote}").unwrap();
    }

    pub(super) fn word(&mut self) {
        let value = self.values.pick(&WORDS);
        self.shell_word(value);
    }

    pub(super) fn shell_word(&mut self, value: &str) {
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

    pub(super) fn end_of_line(&mut self, verbatim: bool) {
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
