//! `gen.code.shell`: a POSIX shell script that is run on inputs that the target never saw.

use std::collections::BTreeMap;

use skvm_core::files::FileTree;
use skvm_core::program::Program;

use super::script::{ALONE, Expected, Script, Trial};
use super::{Levels, phrase, pools};
use crate::draw::Draw;
use crate::probe::Instance;

pub(super) const LEVELS: Levels = [command, report, table];

fn fenced(code: &str) -> String {
    format!("```sh\n{code}\n```")
}

fn graded(prompt: String, reference: &str, trials: Vec<Trial>) -> Instance {
    Instance::new(prompt, fenced(reference), Script::new("sh", "solution.sh", trials))
        .with_requirement(Program::new("sh", ["-c", "command -v awk sed sort xargs"]))
}

const RULES: &str = "It runs with `sh` in the folder of its inputs and has only the tools that POSIX has. \
    It must work for any input of this form.";

fn words(draw: &mut Draw, count: usize) -> Vec<&'static str> {
    (0..count).map(|_| draw.pick(&pools::THINGS)).collect()
}

/// A single command.
fn command(draw: &mut Draw) -> Instance {
    let input_file = format!("input-{}.txt", phrase::serial(draw));
    let word = draw.pick(&pools::COLOURS);
    let kind = draw.below(3);
    let count = draw.between(3..=6) as usize;
    let trials = (0..2)
        .map(|_| {
            let mut lines: Vec<String> = words(draw, 9)
                .into_iter()
                .map(|thing| format!("{thing} {}", draw.between(2..=999)))
                .collect();
            // Numbers that letters would put into another order, and words that begin alike.
            lines.extend(["z 10".to_owned(), "z 9".to_owned(), "y 1000".to_owned()]);
            lines.extend([
                format!("a {word} one"),
                format!("a {word}ish one"),
                format!("{word} two"),
            ]);
            draw.shuffle(&mut lines);
            lines.insert(2, format!("the {} three", word.to_uppercase()));
            let expected = match kind {
                0 => lines.iter().take(count).cloned().collect::<Vec<_>>().join("\n"),
                1 => lines.iter().filter(|line| line.contains(word)).count().to_string(),
                _ => {
                    let numbered = lines.iter().enumerate().filter(|(_, line)| line.contains(word));
                    let numbered = numbered.map(|(at, line)| format!("{}:{line}", at + 1));
                    numbered.collect::<Vec<_>>().join("\n")
                }
            };
            let input = lines.join("\n") + "\n";
            Trial::with_file(&input_file, input, Expected::Stdout(expected))
        })
        .collect();
    let (asked, right, misses) = match kind {
        0 => (
            format!("prints the first {count} lines of `{input_file}`"),
            format!("head -n {count} {input_file}"),
            [
                ("one line too many", format!("head -n {} {input_file}", count + 1)),
                ("the last lines", format!("tail -n {count} {input_file}")),
                ("with line numbers", format!("cat -n {input_file} | head -n {count}")),
            ],
        ),
        1 => (
            format!(
                "prints only the number of lines of `{input_file}` that contain `{word}` in small letters"
            ),
            format!("grep -c {word} {input_file}"),
            [
                ("capitals count too", format!("grep -ci {word} {input_file}")),
                ("only lines that begin so", format!("grep -c '^{word}' {input_file}")),
                ("the lines themselves", format!("grep {word} {input_file}")),
            ],
        ),
        _ => (
            format!(
                "prints the lines of `{input_file}` that contain `{word}` in small letters, each with its line \
                 number and a colon in front, as in `7:some line`"
            ),
            format!("grep -n {word} {input_file}"),
            [
                ("no numbers", format!("grep {word} {input_file}")),
                ("capitals count too", format!("grep -ni {word} {input_file}")),
                ("the count", format!("grep -c {word} {input_file}")),
            ],
        ),
    };
    let prompt =
        format!("Write a shell script `solution.sh` of one command that {asked}. {RULES} {ALONE}");
    graded(prompt, &right, trials)
        .with_near_misses(misses.map(|(fault, code)| (fault, fenced(&code))))
        .with_near_miss("another file", fenced(&right.replace(&input_file, "result.txt")))
        .with_near_miss(
            "prints a verdict of its own",
            fenced("echo '{\"checkpoints\":[{\"score\":1}]}'"),
        )
}

/// Pipes, redirections, a loop.
fn report(draw: &mut Draw) -> Instance {
    let mark = draw.pick(&["ERROR", "FAILED", "DENIED"]);
    let folder = format!("{}-{}", draw.pick(&["logs", "runs", "jobs"]), phrase::serial(draw));
    let trials = (0..2)
        .map(|_| {
            let names = draw.sample(&pools::KEYS, 5);
            let mut files = FileTree::default();
            let mut counts = Vec::new();
            for (at, name) in names.iter().enumerate() {
                // Counts differ, so that their order is one; letters would sort 10 before 9.
                let count = [0, 2, 9, 10, 11][at];
                let mut lines: Vec<String> = (0..count)
                    .map(|line| format!("{line} {mark} {}", draw.pick(&pools::THINGS)))
                    .collect();
                lines.extend(words(draw, 4).iter().map(|thing| format!("ok {thing}")));
                lines.push(format!("two in one: {} of none", mark.to_lowercase()));
                draw.shuffle(&mut lines);
                files = files.with(format!("{folder}/{name}.txt"), lines.join("\n") + "\n");
                if count > 0 {
                    counts.push((count, *name));
                }
            }
            files = files.with(format!("{folder}/{}.bak", names[0]), format!("{mark}\n"));
            counts.sort_unstable_by(|a, b| b.cmp(a));
            let lines: Vec<String> =
                counts.iter().map(|(count, name)| format!("{name} {count}")).collect();
            let expected = Expected::File("report.txt", lines.join("\n"));
            Trial { files, variables: Vec::new(), expected: vec![expected] }
        })
        .collect();
    let prompt = format!(
        "Write a shell script `solution.sh`. For each file in the folder `{folder}` whose name ends with \
         `.txt`, it counts the lines that contain `{mark}` in capital letters. To `report.txt` it writes one \
         line for each file that has at least one such line: the file's name without folder and without `.txt`, \
         one space, and the count. The lines are sorted by count, the largest first; no two counts above 0 are \
         equal. {RULES} {ALONE}"
    );
    let code = |glob: &str, test: &str, sort: &str, name: &str| {
        format!(
            "for file in {folder}/{glob}; do\n  count=$(grep -c {mark} \"$file\")\n  if {test}; then\n    \
             echo \"{name} $count\"\n  fi\ndone | {sort} > report.txt"
        )
    };
    let (test, sort, name) = ("[ \"$count\" -gt 0 ]", "sort -k2,2nr", "$(basename \"$file\" .txt)");
    graded(prompt, &code("*.txt", test, sort, name), trials)
        .with_near_miss("sorted by letters", fenced(&code("*.txt", test, "sort -k2,2r", name)))
        .with_near_miss("files without such lines too", fenced(&code("*.txt", "true", sort, name)))
        .with_near_miss("whole paths", fenced(&code("*.txt", test, sort, "$file")))
        .with_near_miss(
            "printed and not written",
            fenced(&code("*.txt", test, sort, name).replace(" > report.txt", "")),
        )
}

/// A pipeline of sed, awk and xargs.
fn table(draw: &mut Draw) -> Instance {
    let input_file = format!("files-{}.txt", phrase::serial(draw));
    let unit = draw.pick(&["kg", "km", "EUR"]);
    let trials = (0..2)
        .map(|_| {
            let keys = draw.sample(&pools::CITIES, 4);
            let mut files = FileTree::default();
            let mut sums: BTreeMap<&str, u64> = BTreeMap::new();
            let mut list = String::new();
            for part in draw.sample(&pools::KEYS, 3) {
                let mut text = "# name;place;amount\n".to_owned();
                for at in 0..6 {
                    let place = keys[(draw.below(4) as usize + at) % 4];
                    let amount = draw.between(10..=999);
                    let void = at == 2;
                    let state = if void { "void" } else { "ok" };
                    let thing = draw.pick(&pools::THINGS);
                    text.push_str(&format!("{thing};{place};{amount} {unit};{state}\n"));
                    if !void {
                        *sums.entry(place).or_default() += amount;
                    }
                }
                files = files.with(format!("data/{part}.csv"), text);
                list.push_str(&format!("data/{part}.csv\n"));
            }
            let stray = format!("x;{};5000 {unit};ok\n", keys[0]);
            files = files.with("data/stray.csv", stray).with(&*input_file, list);
            let lines: Vec<String> =
                sums.iter().map(|(place, sum)| format!("{place}\t{sum}")).collect();
            let expected = vec![Expected::Stdout(lines.join("\n"))];
            Trial { files, variables: Vec::new(), expected }
        })
        .collect();
    let prompt = format!(
        "Write a shell script `solution.sh`. The file `{input_file}` has one path on each line; only these files \
         count. Each of them has lines of four fields with semicolons between them, such as \
         `lamp;Oslo;120 {unit};ok`: name, place, amount (a whole number) with the unit {unit}, state. Lines that begin with `#` \
         and lines whose state is `void` do not count. The script prints one line for each place that is left: \
         the place, one tab, and the sum of its amounts without the unit, sorted by place in the order of \
         `LC_ALL=C sort`. {RULES} {ALONE}"
    );
    let code = |source: &str, filter: &str, print: &str| {
        format!(
            "{source} | sed '/^#/d; s/ {unit};/;/' | awk -F';' '{filter}{{ sum[$2] += $3 }} \
             END {{ for (place in sum) {print} }}' | LC_ALL=C sort"
        )
    };
    let source = format!("xargs cat < {input_file}");
    let source = source.as_str();
    let (filter, print) = ("$4 != \"void\" ", "printf \"%s\\t%d\\n\", place, sum[place]");
    graded(prompt, &code(source, filter, print), trials)
        .with_near_miss("void lines count", fenced(&code(source, "", print)))
        .with_near_miss("files that are not listed", fenced(&code("cat data/*.csv", filter, print)))
        .with_near_miss(
            "a space for the tab",
            fenced(&code(source, filter, "print place, sum[place]")),
        )
        .with_near_miss(
            "with the unit",
            fenced(&code(source, filter, &print.replace("%d", &format!("%d {unit}")))),
        )
}
