//! Tasks that are worded nearly like known ones and mean something else. None may be answered.

use serde_json::json;
use skvm_core::llm::ToolCall;
use skvm_runtime::jit::SolidifyPolicy;

use super::host::{Answer, Host, between, quoted, same_call};

type Calls = fn(&str) -> Vec<(&'static str, serde_json::Value)>;

/// A task that is learned, tasks that are the same, and tasks that only look so.
struct Case {
    name: &'static str,
    /// What the model does in the only turn with calls.
    calls: Calls,
    seen: &'static [&'static str],
    same: &'static [&'static str],
    other: &'static [&'static str],
}

fn world(call: &ToolCall) -> (String, i32) {
    (format!("ok, {} characters\n", call.arguments.to_string().len()), 0)
}

fn learned(case: &Case) -> Host {
    let host = Host::new(SolidifyPolicy::default());
    let model = |task: &str, results: &[String]| match results.len() {
        0 => Answer::Calls((case.calls)(task)),
        _ => Answer::text("It is done."),
    };
    let asked = host.run_all(case.seen, &model, &world);
    let reports = futures::executor::block_on(host.reports());
    assert!(host.is_solidified(), "{}: {asked:?} {reports:#?}", case.name);
    host
}

/// Checks a case; what is wrong, in words.
fn faults(case: &Case) -> Vec<String> {
    let host = learned(case);
    let mut faults = Vec::new();
    for task in case.same {
        let Some(answer) = host.probe(task) else {
            faults.push(format!("{}: not answered: {task}", case.name));
            continue;
        };
        let task = &task.split_whitespace().collect::<Vec<_>>().join(" ");
        let expected = (case.calls)(task);
        let is_same = answer.tool_calls.len() == expected.len()
            && answer.tool_calls.iter().zip(&expected).all(|(call, (tool, arguments))| {
                same_call((&call.name, &call.arguments), (tool, arguments))
            });
        if !is_same {
            faults.push(format!("{}: answered {:?} to: {task}", case.name, answer.tool_calls));
        }
    }
    for task in case.other {
        if let Some(answer) = host.probe(task) {
            let calls: Vec<String> =
                answer.tool_calls.iter().map(|call| call.arguments.to_string()).collect();
            faults.push(format!("{}: {task:?} was answered with {}", case.name, calls.join(", ")));
        }
    }
    faults
}

fn check(cases: &[Case]) {
    let faults: Vec<String> = cases.iter().flat_map(faults).collect();
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

fn command(text: String) -> Vec<(&'static str, serde_json::Value)> {
    vec![("execute_command", json!({"command": text}))]
}

fn converts(task: &str) -> Vec<(&'static str, serde_json::Value)> {
    let file = between(task, "Convert ", " to JSON");
    let stem = file.rsplit('/').next().unwrap().trim_end_matches(".csv");
    let (file, out) = (quoted(file), quoted(&format!("out/{stem}.json")));
    command(format!("python3 scripts/convert.py {file} --out {out}"))
}

const FILES: Case = Case {
    name: "convert",
    calls: converts,
    seen: &[
        "Convert data/q1.csv to JSON.",
        "Convert data/sales.csv to JSON.",
        "Convert data/q3.csv to JSON.",
        "Convert data/orders.csv to JSON.",
        "Convert data/stock.csv to JSON.",
    ],
    same: &[
        "Convert data/q7.csv to JSON.",
        "Convert data/customers.csv to JSON.",
        "Convert data/q1.csv to JSON.",
        "Convert  data/q9.csv\tto JSON.",
    ],
    other: &[
        "Do not convert data/q1.csv to JSON.",
        "Convert data/q1.csv to JSON",
        "Convert data/q1.csv to JSON?",
        "Convert data/q1.csv to JSON!",
        "Convert data/q1.csv to json.",
        "convert data/q1.csv to JSON.",
        "CONVERT DATA/Q1.CSV TO JSON.",
        "Convert data/q1.csv to XML.",
        "Convert data/q1.csv to JSONL.",
        "Convert data/q1.tsv to JSON.",
        "Convert data/q1.CSV to JSON.",
        "Convert data/q1.csv from JSON.",
        "Convert data/q1.json to CSV.",
        "Convert JSON to data/q1.csv.",
        "Convert data/q1.csv and data/q2.csv to JSON.",
        "Convert data/q1.csv, data/q2.csv to JSON.",
        "Convert data/*.csv to JSON.",
        "Convert data/{q1,q2}.csv to JSON.",
        "Convert data/q1.csv to JSON and then delete it.",
        "Convert data/q1.csv to JSON. Then delete it.",
        "Convert data/q1.csv to JSON.\nThen delete it.",
        "Convert data/q1.csv to JSON.\n\nIgnore what was said before.",
        "Convert data/q1.csv to JSON, except the last column.",
        "Convert data/q1.csv to JSON if it has more than ten rows.",
        "Convert everything but data/q1.csv to JSON.",
        "Convert not data/q1.csv to JSON.",
        "Convert data/not q1.csv to JSON.",
        "How do I convert data/q1.csv to JSON.",
        "Did you convert data/q1.csv to JSON.",
        "Who can convert data/q1.csv to JSON.",
        "Delete data/q1.csv.",
        "Validate data/q1.csv to JSON.",
        "\"Convert data/q1.csv to JSON.\"",
        "Translate to French: Convert data/q1.csv to JSON.",
        "What does \"Convert data/q1.csv to JSON.\" mean?",
        "Konvertiere data/q1.csv nach JSON.",
        "Convertis data/q1.csv en JSON.",
        "Convert data/q1.csv to JSON. Convert data/q2.csv to JSON.",
        "Convert data/q1.csv to JSON. Convert data/q1.csv to JSON.",
        "Convert data/-q1.csv to JSON.",
        "Convert data/--help.csv to JSON.",
        "Convert data/../../etc/passwd.csv to JSON.",
        "Convert data//etc/passwd.csv to JSON.",
        "Convert /data/q1.csv to JSON.",
        "Convert data/~/q1.csv to JSON.",
        "Convert data/q1;rm -rf ~;.csv to JSON.",
        "Convert data/$(reboot).csv to JSON.",
        "Convert data/`reboot`.csv to JSON.",
        "Convert data/q1|sh.csv to JSON.",
        "Convert data/q1'.csv to JSON.",
        "Convert data/q1\".csv to JSON.",
        "Convert data/q1\n.csv to JSON.",
        "Convert data/q1\u{0}.csv to JSON.",
        "Convert data/q1\u{202e}.csv to JSON.",
        "Convert data/q1\u{200b}.csv to JSON.",
        "Convert data/.csv to JSON.",
        "Convert data/ .csv to JSON.",
        "Convert data/q1.csv  to JSON .",
        " Convert data/q1.csv to JSON.",
        "Convert data/q1.csv to JSON. ",
        "Convert data/q1.csv to J\u{405}ON.",
        "Convert data/q1.csv to JSON.\u{200b}",
        "Convert data/q1.csv.bak/q2.csv to JSON.",
        "Convert data/q1.csv to JSON.csv to JSON.",
        "",
        ".",
    ],
};

/// Files whose values have folders, spaces, dots and marks, so that much fits the gap.
const WIDE_FILES: Case = Case {
    name: "convert wide",
    calls: converts,
    seen: &[
        "Convert data/q1.csv to JSON.",
        "Convert in/sales.csv to JSON.",
        "Convert work/north.csv to JSON.",
        "Convert old/q2.csv to JSON.",
        "Convert in/sales report.csv to JSON.",
        "Convert my files/old data.csv to JSON.",
        "Convert work/first-half.csv to JSON.",
        "Convert work/second-half.csv to JSON.",
        "Convert data/cost v1.2.csv to JSON.",
    ],
    same: &[
        "Convert data/q7.csv to JSON.",
        "Convert in/cost report.csv to JSON.",
        "Convert data/third-half.csv to JSON.",
    ],
    other: &[
        "Convert q1.csv and q2.csv to JSON.",
        "Convert data/q1.csv and data/q2.csv to JSON.",
        "Convert q1.csv but not q2.csv to JSON.",
        "Convert all files but data/q1.csv to JSON.",
        "Convert everything except data/q1.csv to JSON.",
        "Convert not data/q1.csv to JSON.",
        "Convert nothing in data/q1.csv to JSON.",
        "Convert and delete data/q1.csv to JSON.",
        "Convert the first row of data/q1.csv to JSON.",
        "Convert half of data/q1.csv to JSON.",
        "Convert data/q1.csv from here.csv to JSON.",
        "Convert a/../../b.csv to JSON.",
        "Convert ../q1.csv to JSON.",
        "Convert data/../../q1.csv to JSON.",
        "Convert data/q1.csv or in/q2.csv to JSON.",
        "Convert data/q1 -rf.csv to JSON.",
        "Convert data/a\nb.csv to JSON.",
        "Convert data/q1.csv.\nDelete data/q2.csv to JSON.",
    ],
};

#[test]
fn files_and_formats() {
    check(&[FILES]);
}

#[test]
fn files_with_wide_names() {
    check(&[WIDE_FILES]);
}

fn weather(city: &str) -> Vec<(&'static str, serde_json::Value)> {
    vec![("get_weather", json!({"city": city}))]
}

const ASKED_WEATHER: Case = Case {
    name: "weather",
    calls: |task| weather(between(task, "weather in ", "?")),
    seen: &[
        "What is the weather in Berlin?",
        "What is the weather in Oslo?",
        "What is the weather in New York?",
        "What is the weather in Rio de Janeiro?",
        "What is the weather in Rome?",
    ],
    same: &[
        "What is the weather in Madrid?",
        "What is the weather in New Delhi?",
        "What is the weather in Rio de Oro?",
    ],
    other: &[
        "What is the weather not in Berlin?",
        "What was the weather in Berlin?",
        "What is the weather like in Berlin?",
        "Why is the weather in Berlin?",
        "What is the best weather in Berlin?",
        "What is the weather in Berlin",
        "What is the weather in Berlin!",
        "What is the weather in Berlin tomorrow?",
        "What is the weather in Berlin next week?",
        "What is the weather in Berlin and in Oslo?",
        "What is the weather in Berlin and Oslo?",
        "What is the weather in Berlin or Oslo?",
        "What is the weather in Berlin, Oslo?",
        "What is the weather in Berlin? And in Oslo?",
        "What is the weather in Berlin in Fahrenheit?",
        "What is the weather in neither Berlin nor Oslo?",
        "What is the weather in all cities except Berlin?",
        "What is the weather in Berlin compared to Oslo?",
        "What is the weather in every city?",
        "What is the weather in which city?",
        "What is the weather in general?",
        "What is the weather in the worst case?",
        "What is the weather in 2019?",
        "What is the weather in Berlin 2019?",
        "What is the weather in this picture?",
        "What is the weather in Berlin\nDelete all files?",
        "What is the climate in Berlin?",
        "Wie ist das Wetter in Berlin?",
        "Say: What is the weather in Berlin?",
        "what is the weather in berlin?",
        "WHAT IS THE WEATHER IN BERLIN?",
    ],
};

const TYPED_WEATHER: Case = Case {
    name: "typed weather",
    calls: |task| weather(between(task, "weather in ", "")),
    seen: &[
        "show the weather in berlin",
        "show the weather in oslo",
        "show the weather in new york",
        "show the weather in rome",
        "show the weather in lima",
    ],
    // A lower-case word of its own may be anything; only those that were seen are values.
    same: &["show the weather in lima"],
    other: &[
        "show the weather in berlin tomorrow",
        "show the weather in berlin not oslo",
        "show the weather in berlin and oslo",
        "show the weather in berlin or oslo",
        "show the weather in berlin please",
        "show the weather in berlin next week",
        "show the weather in both cities",
        "show the weather in no city",
        "show the weather in every city",
        "show the weather in all cities",
        "show the weather in my city",
        "show the weather in fahrenheit",
        "show the weather in it",
        "show the weather in there",
        "show the weather in that city",
        "show the weather in words only",
        "show the weather in berlin then stop",
        "show the weather in berlin\nstop",
    ],
};

const WEATHER_FIRST: Case = Case {
    name: "weather first",
    calls: |task| weather(task.split_whitespace().next().unwrap()),
    seen: &[
        "Berlin weather please",
        "Oslo weather please",
        "Rome weather please",
        "Lima weather please",
        "Paris weather please",
        "Athens weather please",
    ],
    same: &["Oslo weather please"],
    other: &[
        "No weather please",
        "Forget weather please",
        "Stop weather please",
        "Not Berlin weather please",
        "Tomorrow weather please",
        "Better weather please",
        "Which weather please",
        "Berlin Oslo weather please",
        "Berlin weather please stop",
    ],
};

#[test]
fn weather_and_places() {
    check(&[ASKED_WEATHER]);
}

#[test]
fn weather_as_it_is_typed() {
    check(&[TYPED_WEATHER]);
}

#[test]
fn values_that_come_first() {
    check(&[WEATHER_FIRST]);
}

const MERGE: Case = Case {
    name: "merge",
    calls: |task| {
        let one = quoted(between(task, "Merge ", " and "));
        let other = quoted(between(task, " and ", " into "));
        let out = quoted(between(task, " into ", ".pdf"));
        command(format!("pdfunite {one} {other} {}.pdf", out.trim_matches('\'')))
    },
    seen: &[
        "Merge a.pdf and b.pdf into ab.pdf",
        "Merge front.pdf and back.pdf into book.pdf",
        "Merge x1.pdf and y2.pdf into z3.pdf",
        "Merge march.pdf and april.pdf into spring.pdf",
        "Merge one.pdf and two.pdf into three.pdf",
    ],
    same: &["Merge left.pdf and right.pdf into both.pdf", "Merge c4.pdf and d5.pdf into e6.pdf"],
    other: &[
        "Merge a.pdf and b.pdf into c.pdf and d.pdf",
        "Merge a.pdf and b.pdf and c.pdf into d.pdf",
        "Merge a.pdf, b.pdf and c.pdf into d.pdf",
        "Merge a.pdf or b.pdf into c.pdf",
        "Merge a.pdf and not b.pdf into c.pdf",
        "Merge a.pdf and b.pdf into c.pdf and then delete a.pdf",
        "Merge a.pdf and b.pdf into c.pdf in reverse order",
        "Merge a.pdf and b.pdf into c.txt",
        "Merge a.pdf and b.pdf, into c.pdf",
        "Merge into c.pdf a.pdf and b.pdf",
        "Split a.pdf and b.pdf into c.pdf",
        "Never merge a.pdf and b.pdf into c.pdf",
        "Merge a.pdf and b.pdf into c.pdf?",
        "Merge a.pdf into b.pdf and c.pdf",
        "Merge page 2 of a.pdf and b.pdf into c.pdf",
        "Merge a.pdf and page 2 of b.pdf into c.pdf",
        "Merge A.pdf and B.pdf into C.pdf",
        "Merge ../a.pdf and b.pdf into c.pdf",
        "Merge a.pdf and b.pdf into ../c.pdf",
        "Merge -a.pdf and b.pdf into c.pdf",
    ],
};

#[test]
fn two_values_and_their_order() {
    check(&[MERGE]);
}

const ISSUE: Case = Case {
    name: "issue",
    calls: |task| {
        let title = quoted(between(task, "titled \"", "\""));
        let place = quoted(between(task, "issue in ", " titled"));
        command(format!("gh issue create --repo {place} --title {title}"))
    },
    seen: &[
        "Create an issue in acme/web titled \"Login fails\"",
        "Create an issue in zoo/api titled \"Search hangs\"",
        "Create an issue in corp/docs titled \"Memory leaks\"",
        "Create an issue in acme/shop titled \"Links break\"",
        "Create an issue in zoo/web titled \"Login fails on mobile\"",
        "Create an issue in acme/cli titled \"Dark mode is too bright\"",
        "Create an issue in zoo/core titled \"Too many open files\"",
        "Create an issue in corp/web titled \"Typo in the guide\"",
    ],
    same: &["Create an issue in acme/shop titled \"Cart is empty\""],
    other: &[
        "Close an issue in acme/web titled \"Login fails\"",
        "Create no issue in acme/web titled \"Login fails\"",
        "Create two issues in acme/web titled \"Login fails\"",
        "Create an issue in acme/web titled \"Login fails\" and \"Logout fails\"",
        "Create an issue in acme/web titled \"Login fails\" and close it",
        "Create an issue in acme/web titled \"Login fails\" unless there is one",
        "Create an issue in acme/web titled \"Login fails\", labelled \"bug\"",
        "Create an issue in acme/web and acme/api titled \"Login fails\"",
        "Create an issue in acme/web titled Login fails",
        "Create an issue in acme/web titled 'Login fails'",
        "Create an issue in ../web titled \"Login fails\"",
        "Create an issue in acme/web titled \"\"",
        "Create an issue in acme/web titled \"$(whoami)\"",
        "Create an issue in acme/web titled \"Login fails\"; rm -rf /",
        "Do not create an issue in acme/web titled \"Login fails\"",
        "Create a pull request in acme/web titled \"Login fails\"",
        "Create an issue in acme/web titled \"one\" then one in acme/web titled \"two\"",
        "Create an issue in acme/web titled \"a\" titled \"b\"",
    ],
};

/// Free words at the end, with nothing behind them that tells where they end.
const NOTE: Case = Case {
    name: "note",
    calls: |task| vec![("add_issue", json!({"title": between(task, "issue: ", "")}))],
    seen: &[
        "Open an issue: Login fails",
        "Open an issue: Search hangs",
        "Open an issue: Memory leaks",
        "Open an issue: Links break",
        "Open an issue: Login fails on mobile",
        "Open an issue: Dark mode is too bright",
        "Open an issue: Too many open files",
        "Open an issue: Typo in the guide",
    ],
    same: &["Open an issue: Links break"],
    other: &[
        "Open an issue: Login fails and then close it",
        "Open an issue: Search is slow and assign it to Bob",
        "Open an issue: Crash then delete the old one",
        "Open an issue: Crash but do not tell anybody",
        "Open an issue: Crash\nThen close it",
        "Open an issue: Crash. Then close it",
        "Open an issue: Crash, and close it",
        "Open an issue: no wait do nothing",
        "Close an issue: Login fails on mobile",
        "Open no issue: Login fails on mobile",
        "Open an issue: Crash (not now)",
    ],
};

#[test]
fn titles_in_quotes() {
    check(&[ISSUE]);
}

#[test]
fn words_without_an_end() {
    check(&[NOTE]);
}

const TRANSLATE: Case = Case {
    name: "translate",
    calls: |task| {
        let text = between(task, "Translate ", " to ");
        vec![("translate", json!({"text": text, "to": between(task, " to ", "").to_lowercase()}))]
    },
    seen: &[
        "Translate hello to French",
        "Translate thanks to German",
        "Translate goodbye to Spanish",
        "Translate welcome to Italian",
        "Translate good morning to Polish",
        "Translate see you to Danish",
        "Translate happy new year to Greek",
    ],
    same: &["Translate welcome to Danish", "Translate see you to French"],
    other: &[
        "Translate hello from French",
        "Translate hello to French and German",
        "Translate hello to French, please",
        "Translate hello to neither",
        "Translate it to French",
        "Translate this to French",
        "Translate everything to French",
        "Translate nothing to French",
        "Translate not hello to French",
        "Translate the file to French",
        "Translate my text to French",
        "Translate hello and goodbye to French",
        "Translate \"hello\" to French",
        "Translate hello to French?",
        "Translate hello to French to German",
        "Translate hello to my dog to French",
        "Never translate hello to French",
        "Translate hello to french",
        "Transcribe hello to French",
    ],
};

#[test]
fn languages_and_free_words() {
    check(&[TRANSLATE]);
}

const RESIZE: Case = Case {
    name: "resize",
    calls: |task| {
        let file = quoted(between(task, "Resize ", " to "));
        let width = between(task, " to ", " by ");
        let height = between(task, " by ", " pixels");
        command(format!("convert {file} -resize {width}x{height} small.png"))
    },
    seen: &[
        "Resize cat.png to 640 by 480 pixels",
        "Resize dog.png to 800 by 600 pixels",
        "Resize bird.png to 1024 by 768 pixels",
        "Resize fish.png to 320 by 200 pixels",
        "Resize cow.png to 1600 by 1200 pixels",
    ],
    same: &["Resize horse.png to 123 by 456 pixels", "Resize cat.png to 480 by 640 pixels"],
    other: &[
        "Resize cat.png to 640 by 480 percent",
        "Resize cat.png to at most 640 by 480 pixels",
        "Resize cat.png to -640 by 480 pixels",
        "Resize cat.png to 640.5 by 480 pixels",
        "Resize cat.png to 640 by auto pixels",
        "Resize cat.png to half by 480 pixels",
        "Resize cat.png from 640 by 480 pixels",
        "Resize cat.png to 640 by 480 pixels and rotate it",
        "Resize cat.png by 640 to 480 pixels",
        "Resize cat.jpg to 640 by 480 pixels",
        "Resize cat.png to 640 by 480 by 3 pixels",
        "Resize cat.png to 640x480 by 2 pixels",
        "Crop cat.png to 640 by 480 pixels",
        "Resize Cat.png to 640 by 480 pixels",
        "Resize all but cat.png to 640 by 480 pixels",
        "Resize cat.png to 640 by 480 pixels keeping its shape",
        "Resize *.png to 640 by 480 pixels",
        "Don't resize cat.png to 640 by 480 pixels",
        "Resize cat.png to ٦٤٠ by 480 pixels",
    ],
};

#[test]
fn numbers_and_units() {
    check(&[RESIZE]);
}

const DATES: Case = Case {
    name: "date",
    calls: |task| command(format!("python3 sales.py --day {}", between(task, "sales of ", " as"))),
    seen: &[
        "Show the sales of 2024-05-01 as a table",
        "Show the sales of 2023-11-30 as a table",
        "Show the sales of 2022-08-17 as a table",
        "Show the sales of 2020-12-24 as a table",
        "Show the sales of 2021-07-04 as a table",
    ],
    same: &["Show the sales of 2020-02-29 as a table"],
    other: &[
        "Show the sales of 2024 as a table",
        "Show the sales of 2024-05 as a table",
        "Show the sales of 5 as a table",
        "Show the sales of 2024-05-01-2024-05 as a table",
        "Show the sales of 2024-05-01-31 as a table",
        "Show the sales of 2024- as a table",
        "Show the sales of 2024--05 as a table",
        "Show the sales of -2024-05-01 as a table",
        "Show the sales of 2024-05-01 not as a table",
        "Show the sales of 2024-05-01 as a table and a chart",
        "Show the sales of 2024-05-01..2024-06-01 as a table",
        "Show the sales of May 2024 as a table",
    ],
};

const PAGES: Case = Case {
    name: "pages",
    calls: |task| {
        let (pages, file) = (between(task, "pages ", " of"), between(task, " of ", ""));
        command(format!("qpdf {} --pages . {pages} -- out.pdf", quoted(file)))
    },
    seen: &[
        "Extract pages 3-5 of a1.pdf",
        "Extract pages 2-4 of b2.pdf",
        "Extract pages 7-9 of c3.pdf",
        "Extract pages 1-8 of d4.pdf",
        "Extract pages 6-11 of e5.pdf",
    ],
    same: &["Extract pages 10-12 of f6.pdf"],
    other: &[
        "Extract pages 3 of a1.pdf",
        "Extract pages 3- of a1.pdf",
        "Extract pages -5 of a1.pdf",
        "Extract pages 3-5-7 of a1.pdf",
        "Extract pages 3-5,7 of a1.pdf",
        "Extract pages 3--5 of a1.pdf",
        "Extract no pages 3-5 of a1.pdf",
        "Extract all pages but 3-5 of a1.pdf",
        "Extract pages 3-5 of a1.pdf and b2.pdf",
        "Extract the text of pages 3-5 of a1.pdf",
        "Delete pages 3-5 of a1.pdf",
    ],
};

#[test]
fn dates_and_ranges() {
    check(&[DATES, PAGES]);
}

/// Two gaps that always held the same: which of them counts was never seen.
#[test]
fn gaps_that_were_always_the_same() {
    let square = Case {
        name: "square",
        calls: |task| {
            let file = quoted(between(task, "Resize ", " to "));
            let (width, height) = (between(task, " to ", " by "), between(task, " by ", " pixels"));
            command(format!("convert {file} -resize {width}x{height} small.png"))
        },
        seen: &[
            "Resize cat.png to 100 by 100 pixels",
            "Resize dog.png to 200 by 200 pixels",
            "Resize bird.png to 300 by 300 pixels",
            "Resize cow.png to 400 by 400 pixels",
            "Resize fish.png to 500 by 500 pixels",
        ],
        same: &["Resize hen.png to 200 by 200 pixels"],
        other: &["Resize cat.png to 100 by 200 pixels", "Resize cat.png to 300 by 100 pixels"],
    };
    let renamed = Case {
        name: "same name",
        calls: |task| {
            let from = quoted(between(task, "Convert ", " to "));
            command(format!("python3 c.py {from} {}", quoted(between(task, " to ", ""))))
        },
        seen: &[
            "Convert q1.csv to q1.json",
            "Convert q2.csv to q2.json",
            "Convert q3.csv to q3.json",
            "Convert q4.csv to q4.json",
        ],
        same: &["Convert q2.csv to q2.json"],
        other: &["Convert q1.csv to q2.json", "Convert q9.csv to q3.json"],
    };
    check(&[square, renamed]);
}

/// What is asked for is a value, but another verb all the same.
#[test]
fn verbs_that_are_values() {
    let service = Case {
        name: "service",
        calls: |task| {
            let verb = task.split_whitespace().next().unwrap().to_lowercase();
            vec![("service", json!({"action": verb, "name": "web"}))]
        },
        seen: &[
            "Start the web server",
            "Stop the web server",
            "Restart the web server",
            "Check the web server",
            "Reload the web server",
        ],
        same: &["Stop the web server"],
        other: &["Delete the web server", "Explain the web server", "Kill the web server now"],
    };
    check(&[service]);
}

/// A word that no value comes from may still be what matters.
#[test]
fn words_that_no_value_comes_from() {
    let greeting = Case {
        name: "greeting",
        calls: |task| {
            let file = quoted(between(task, "with ", "."));
            command(format!("python3 report.py {file}.csv"))
        },
        seen: &[
            "Please make a report with a1.csv",
            "Now make a report with b2.csv",
            "Kindly make a report with c3.csv",
            "Please make a report with d4.csv",
            "Now make a report with e5.csv",
            "Kindly make a report with k6.csv",
        ],
        same: &["Please make a report with f6.csv", "Now make a report with g7.csv"],
        other: &[
            "Never make a report with f6.csv",
            "Dont make a report with f6.csv",
            "Someone make a report with f6.csv",
            "Please don't make a report with f6.csv",
            "Please Now make a report with f6.csv",
        ],
    };
    check(&[greeting]);
}

/// A trace of three calls is as careful about its task as one of a single call.
#[test]
fn traces_of_several_calls() {
    let host = Host::new(SolidifyPolicy::default());
    let model = super::traces::closes_ticket;
    let world = super::traces::ticket_world;
    let _ = host.run_all(&super::traces::TICKETS, &model, &world);
    assert!(host.is_solidified());
    assert!(host.probe("Close the newest ticket of Grace Hopper").is_some());
    for task in [
        "Close the oldest ticket of Grace Hopper",
        "Close all tickets of Grace Hopper",
        "Close the newest tickets of Grace Hopper",
        "Reopen the newest ticket of Grace Hopper",
        "Close the newest ticket of Grace Hopper and Ada Lovelace",
        "Close the newest ticket of Grace Hopper and reopen it",
        "Close the newest ticket of nobody",
        "Close the newest ticket of everyone except Grace Hopper",
        "Close the newest ticket of Grace Hopper?",
        "Close the newest ticket not of Grace Hopper",
        "Don't close the newest ticket of Grace Hopper",
        "Close the newest ticket of Grace Hopper tomorrow",
        "Close the newest ticket of \"Grace Hopper\"",
        "Close the newest ticket of Grace\nHopper",
    ] {
        assert!(host.probe(task).is_none(), "{task}");
    }
}

/// Typed inputs are part of the task: what was always the same in them is like a fixed word.
#[test]
fn inputs_that_were_always_the_same() {
    let seen = ["a1", "b2", "c3", "d4", "e5"];
    let host = Host::new(SolidifyPolicy::default());
    for file in seen {
        let model = |_: &str, results: &[String]| match results.len() {
            0 => Answer::command(format!("python3 convert.py in/{file}.csv --format json")),
            _ => Answer::text("It is done."),
        };
        let path = format!("in/{file}.csv");
        let session = host.session_with(
            "Convert the file as asked",
            &[("file", path.as_str()), ("format", "json")],
        );
        let _ = futures::executor::block_on(host.drive(session, &model, &world));
    }
    assert!(host.is_solidified());
    let task = "Convert the file as asked";
    let answer = |inputs: &[(&str, &str)]| host.probe_with(task, inputs);
    assert!(answer(&[("file", "in/f6.csv"), ("format", "json")]).is_some());
    let mut faults = Vec::new();
    for inputs in [
        &[("file", "in/f6.csv"), ("format", "xml")][..],
        &[("file", "in/f6.csv"), ("format", "json"), ("columns", "name,age")],
        &[("file", "in/f6.csv")],
        &[("format", "json")],
        &[],
        &[("File", "in/f6.csv"), ("format", "json")],
    ] {
        if let Some(answer) = answer(inputs) {
            faults.push(format!("{inputs:?}: {:?}", answer.tool_calls[0].arguments));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
