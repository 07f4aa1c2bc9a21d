//! `gen.code.javascript`: a script for Node.js that is run on inputs that the target never saw.

use serde_json::{Map, Value, json};
use skvm_core::files::FileTree;
use skvm_core::program::Program;

use super::script::{ALONE, Expected, Script, Trial};
use super::{Levels, phrase, pools};
use crate::draw::Draw;
use crate::probe::Instance;

pub(super) const LEVELS: Levels = [lines, links, reads];

fn fenced(code: &str) -> String {
    format!("```javascript\n{code}```")
}

fn graded(prompt: String, reference: &str, script: Script) -> Instance {
    Instance::new(prompt, fenced(reference), script)
        .with_requirement(Program::new("node", ["--version"]))
}

fn script(trials: Vec<Trial>) -> Script {
    Script::new("node", "script.js", trials)
}

/// One script with `fs`.
fn lines(draw: &mut Draw) -> Instance {
    let input_file = format!("words-{}.txt", phrase::serial(draw));
    let letter = draw.pick(&['a', 'e', 'i', 'o', 'r', 's', 't']);
    let least = draw.between(5..=7) as usize;
    let trials = (0..2)
        .map(|_| {
            let mut words: Vec<String> =
                draw.sample(&pools::THINGS, 14).into_iter().map(str::to_owned).collect();
            // Three that count, a short one and one in capitals stand at the edges of the rules.
            words.extend((least - 1..=least + 2).map(|length| letter.to_string().repeat(length)));
            words.push(letter.to_uppercase().to_string().repeat(least + 1));
            draw.shuffle(&mut words);
            let kept: Vec<&str> = words
                .iter()
                .filter(|word| word.len() >= least && word.contains(letter))
                .map(String::as_str)
                .collect();
            let expected = kept.iter().rev().map(|word| format!("{word}\n")).collect();
            Trial::with_file(&input_file, words.join("\n"), Expected::File("kept.txt", expected))
        })
        .collect();
    let prompt = format!(
        "Write a JavaScript script for Node.js (CommonJS, no packages) that reads `{input_file}` in the working \
         directory, which has one word on each line. It writes to `kept.txt` those words that have at \
         least {least} characters and contain the small letter `{letter}`, one on each line, in the \
         reverse of their order in `{input_file}`. {ALONE}"
    );
    let code = |condition: &str, order: &str| {
        format!(
            "const fs = require('fs');\nconst words = fs.readFileSync('{input_file}', 'utf8').split('\\n');\n\
             const kept = words.filter((word) => {condition}){order};\n\
             fs.writeFileSync('kept.txt', kept.join('\\n') + '\\n');\n"
        )
    };
    let right = format!("word.length >= {least} && word.includes('{letter}')");
    graded(prompt, &code(&right, ".reverse()"), script(trials))
        .with_near_miss("not reversed", fenced(&code(&right, "")))
        .with_near_miss("the first is lost", fenced(&code(&right, ".reverse().slice(1)")))
        .with_near_miss(
            "one character more is wanted",
            fenced(&code(&right.replace(">=", ">"), ".reverse()")),
        )
        .with_near_miss(
            "capitals count",
            fenced(&code(&right.replace("word.inc", "word.toLowerCase().inc"), ".reverse()")),
        )
        .with_near_miss("syntax error", fenced("const fs = require('fs'\n"))
}

/// Built-in modules: `URL` and `path`.
fn links(draw: &mut Draw) -> Instance {
    let input_file = format!("links-{}.txt", phrase::serial(draw));
    let name = draw.pick(&["page", "item", "id", "ref"]);
    let trials = (0..2)
        .map(|_| {
            let hosts = draw.sample(&pools::KEYS, 3);
            let mut input = String::new();
            let (mut by_host, mut extensions, mut values) = (Map::new(), Map::new(), Vec::new());
            for at in 0..9 {
                let host = format!("{}.example", hosts[at % 3]);
                let extension = match at {
                    0 => "",
                    1 => ".tar.gz",
                    _ => draw.pick(&[".html", ".tar.gz", ".pdf", ""]),
                };
                let file = format!("{}{extension}", draw.pick(&pools::THINGS));
                let value = format!("{} & {}", draw.pick(&pools::COLOURS), draw.between(1..=99));
                let query = match at % 3 {
                    0 => format!("?{name}={}", value.replace(" & ", "%20%26%20")),
                    1 => format!("?x{name}=no&{name}={}#top", value.replace(" & ", "+%26+")),
                    _ => "?other=1".to_owned(),
                };
                if at % 3 < 2 {
                    values.push(value);
                }
                let port = if at % 2 == 0 { ":8080" } else { "" };
                input.push_str(&format!("https://{host}{port}/a/{file}{query}\n"));
                let count = |map: &mut Map<String, Value>, key: &str| {
                    let before = map.get(key).and_then(Value::as_u64).unwrap_or(0);
                    map.insert(key.to_owned(), (before + 1).into());
                };
                count(&mut by_host, &host);
                let last = extension.rfind('.').and_then(|dot| extension.get(dot..)).unwrap_or("");
                count(&mut extensions, last);
            }
            values.sort();
            values.dedup();
            let expected = json!({ "hosts": by_host, "extensions": extensions, "values": values });
            Trial::with_file(&input_file, input, Expected::Json("report.json", expected))
        })
        .collect();
    let prompt = format!(
        "Write a JavaScript script for Node.js (CommonJS, built-in modules only). It reads `{input_file}` in the \
         working directory, which has one web address on each line, with no query parameter twice, and writes `report.json`: a JSON object \
         with three keys. `hosts` maps each host name, without port, to the number of its addresses. \
         `extensions` maps each file extension of the addresses' paths, as `path.extname` gives it, to the \
         number of addresses with it; the empty extension counts too. `values` is the list of the different \
         decoded values of the query parameter `{name}`, sorted by `Array.prototype.sort` without arguments. \
         {ALONE}"
    );
    let code = |host: &str, extension: &str, values: &str| {
        format!(
            "const fs = require('fs');\nconst path = require('path');\n\
             const hosts = {{}}, extensions = {{}}, values = new Set();\n\
             for (const line of fs.readFileSync('{input_file}', 'utf8').split('\\n')) {{\n  \
             if (!line.trim()) continue;\n  const url = new URL(line);\n  const host = {host};\n  \
             hosts[host] = (hosts[host] || 0) + 1;\n  const extension = {extension};\n  \
             extensions[extension] = (extensions[extension] || 0) + 1;\n  const value = {values};\n  \
             if (value) values.add(value);\n}}\n\
             fs.writeFileSync('report.json', JSON.stringify({{ hosts, extensions, values: [...values].sort() }}));\n"
        )
    };
    let (host, extension) = ("url.hostname", "path.extname(url.pathname)");
    let value = format!("url.searchParams.get('{name}')");
    let raw = format!("(line.match(/[?&]{name}=([^&#]*)/) || [])[1]");
    graded(prompt, &code(host, extension, &value), script(trials))
        .with_near_miss("hosts with ports", fenced(&code("url.host", extension, &value)))
        .with_near_miss("values as they are encoded", fenced(&code(host, extension, &raw)))
        .with_near_miss(
            "the extension of the whole address",
            fenced(&code(host, "path.extname(line)", &value)),
        )
        .with_near_miss(
            "the empty extension is left out",
            fenced(&code(host, extension, &value).replace(
                "const value",
                "if (!extension) delete extensions[extension];\n  const value",
            )),
        )
}

/// Watches how many reads are under way at once, and slows them down so that it shows.
const WATCH: &str = "\
const fs = require('fs');
const note = process.env.SKVM_NOTE;
delete process.env.SKVM_NOTE;
const write = fs.writeFileSync;
const real = fs.promises.readFile;
let now = 0, most = 0;
fs.promises.readFile = async function (...args) {
  now += 1;
  most = Math.max(most, now);
  try {
    await new Promise((done) => setTimeout(done, 20));
    return await real.apply(this, args);
  } finally {
    now -= 1;
  }
};
require('module').syncBuiltinESMExports();
process.on('exit', () => write(note, String(most)));
";

/// Asynchronous code with concurrent reads.
fn reads(draw: &mut Draw) -> Instance {
    let input_file = format!("list-{}.json", phrase::serial(draw));
    let what = draw.pick(&["ERROR", "WARN", "RETRY"]);
    let trials = (0..2)
        .map(|_| {
            let names: Vec<String> = draw
                .sample(&pools::KEYS, 6)
                .into_iter()
                .map(|key| format!("{key}-{}.log", draw.between(10..=99)))
                .collect();
            let mut list = names.clone();
            list.push("missing.log".to_owned());
            let mut files = FileTree::default().with(&*input_file, json!(list).to_string());
            let mut report = Map::new();
            for (at, name) in names.iter().enumerate() {
                let mut text = String::new();
                let mut found = 0;
                for line in 0..draw.between(3..=9) {
                    // The first file has such a line, and one with the word in small letters.
                    let kind = if at == 0 && line < 2 { line } else { draw.below(3) };
                    let word = match kind {
                        0 => what.to_owned(),
                        1 => what.to_lowercase(),
                        _ => "INFO".to_owned(),
                    };
                    found += u64::from(kind == 0);
                    text.push_str(&format!("{line} {word} {}\n", draw.pick(&pools::THINGS)));
                }
                files = files.with(name.as_str(), text);
                report.insert(name.clone(), found.into());
            }
            report.insert("missing.log".to_owned(), Value::Null);
            let noted = draw.pick(&NOTES);
            Trial {
                files: files.with("watch.js", WATCH),
                variables: vec![("SKVM_NOTE".to_owned(), noted.to_owned())],
                expected: vec![
                    Expected::Json("report.json", Value::Object(report)),
                    Expected::File(noted, "7".to_owned()),
                ],
            }
        })
        .collect();
    let prompt = format!(
        "Write a JavaScript script for Node.js (CommonJS, built-in modules only). The file `{input_file}` in the \
         working directory is a JSON array of file names. The script first reads it with `fs.readFileSync`. \
         Then it reads all the files of the list at the same time: every read uses `fs.promises.readFile`, and \
         all of them are started before the first is awaited. It writes `report.json`: a JSON object that maps \
         each file name to the number of the file's lines that contain `{what}` in capital letters, and to null \
         if the file cannot be read. {ALONE}"
    );
    let code = |body: &str, failed: &str, mark: &str| {
        format!(
            "const fs = require('fs');\nconst list = JSON.parse(fs.readFileSync('{input_file}', 'utf8'));\n\
             async function count(name) {{\n  try {{\n    \
             const text = await fs.promises.readFile(name, 'utf8');\n    \
             return text.split('\\n').filter((line) => line.includes({mark})).length;\n  \
             }} catch {{\n    return {failed};\n  }}\n}}\n\
             async function main() {{\n{body}  const report = {{}};\n  \
             list.forEach((name, at) => {{ report[name] = counts[at]; }});\n  \
             fs.writeFileSync('report.json', JSON.stringify(report));\n}}\nmain();\n"
        )
    };
    let together = "  const counts = await Promise.all(list.map(count));\n";
    let in_turn =
        "  const counts = [];\n  for (const name of list) counts.push(await count(name));\n";
    let mark = format!("'{what}'");
    let watched =
        Script { before: vec!["-r".to_owned(), "./watch.js".to_owned()], ..script(trials) };
    graded(prompt, &code(together, "null", &mark), watched)
        .with_near_miss("one read after the other", fenced(&code(in_turn, "null", &mark)))
        .with_near_miss("0 for a missing file", fenced(&code(together, "0", &mark)))
        .with_near_miss(
            "reads that block",
            fenced(
                &code(together, "null", &mark)
                    .replace("await fs.promises.readFile", "fs.readFileSync"),
            ),
        )
        .with_near_miss(
            "small letters count",
            fenced(&code(together, "null", &format!("{mark}.toLowerCase()"))),
        )
}

/// Names of the note that the watcher leaves; the script cannot know which it is.
const NOTES: [&str; 4] = [".watched-3f", ".watched-a1", ".watched-c8", ".watched-e5"];
