//! Prompts state every rule that their grader enforces.

use skvm_core::capability::{Level, Primitive};
use skvm_probes::registry::Probes;

use Primitive as P;

/// For each probe and level, what its prompt has to say whatever the seed. Alternatives stand behind each other
/// with `|`.
#[rustfmt::skip]
const RULES: [(Primitive, [&[&str]; 3]); Primitive::COUNT] = [
    (P::GenCodePython, [
        &["Python 3 script", "result.txt", "one integer on each line", "divisible by", "one line with the two numbers and one space", "one code block"],
        &["standard library", "report.json", "header row", "doubled quotes", "`totals`", "`codes`", "sorted list", "exactly four digits"],
        &["import yaml", "report.json", "`sum`", "`names`", "sorted list", "`note_lines`", "number of lines", "greater than"],
    ]),
    (P::GenCodeJavascript, [
        &["Node.js", "CommonJS", "kept.txt", "at least", "small letter", "reverse of their order"],
        &["built-in modules only", "report.json", "without port", "path.extname", "empty extension counts too", "decoded values", "Array.prototype.sort"],
        &["fs.promises.readFile", "all of them are started before the first is awaited", "fs.readFileSync", "capital letters", "null if the file cannot be read"],
    ]),
    (P::GenCodeShell, [
        &["one command", "`sh`", "POSIX", "first|number of lines|line number"],
        &["ends with `.txt`", "capital letters", "report.txt", "at least one such line", "without folder and without `.txt`", "largest first", "no two counts above 0 are equal"],
        &["only these files count", "begin with `#`", "`void` do not count", "one tab", "without the unit", "LC_ALL=C sort"],
    ]),
    (P::GenCodeSql, [
        &["one SELECT statement", "exactly the columns", "no two", "greater than"],
        &["For each", "alphabetical order|largest first", "fewer than|NULL"],
        &["up to and including", "(0 if there are none)", "rounded to two decimals with ROUND", "alphabetical order"],
    ]),
    (P::GenCodeHtml, [
        &["<!DOCTYPE html>", "html, head and body", "needs an end tag", "in this order", "no other heading, list or link"],
        &["exactly three elements in this order: header, main and footer", "method post", "required text input", "type email", "button of type submit", "label whose for attribute", "thead", "tbody", "no other form"],
        &["lang attribute", "width=device-width, initial-scale=1", "@media (max-width:", "viewBox", "role `img`", "first child is a title", "aria-labelledby", "exactly three rect", "width 20", "lower edge", "fill=", "aria-label `", "aria-expanded with the value false"],
    ]),
    (P::GenTextStructured, [
        &["each key once and no other keys", "fewer than 500 bytes", "JSON document alone"],
        &["each key once and no other keys", "fewer than 5000 bytes", "JSON document alone"],
        &["each key once and no other keys", "more than 5000 bytes", "JSON document alone"],
    ]),
    (P::GenTextLong, [
        &["=== BEGIN <part> ===", "=== END <part> ===", "exactly 6 lines", "a full stop, one space", "6 to 20 words", "as a word of its own", "very last line", "more than 200 and fewer than 1000 bytes"],
        &["exactly 5 lines", "8 to 25 words", "no other lines but empty ones", "more than 1000 and fewer than 5000 bytes"],
        &["exactly 7 lines", "14 to 40 words", "no other lines but empty ones", "more than 5000 and fewer than 20000 bytes"],
    ]),
    (P::GenTextProse, [
        &["one paragraph", "to 6 sentences", "at least 40 words", "contains each of the words", "no heading, no list and no empty line"],
        &["three sections in this order", "exactly one paragraph of at least 35 words", "two words named beside the heading", "Nothing stands before the first heading", "no lists"],
        &["in this order", "exactly one paragraph each", "exactly two paragraphs", "contains a colour", "at least 45 words", "no lists", "nothing stands before the first heading"],
    ]),
    (P::GenRegex, [
        &["whole text", "no other text", "without flags", "exactly", "capital letters from A to Z", "digits from 0 to 9", "then the word"],
        &["one of the words", "times, a `/`", "one or more small letters", "optionally", "exactly two digits", "directly behind it"],
        &["exactly four digits", "at least", "small letters from a to z or digits", "nowhere contains", "does not end with", "named `year`", "named `key`", "(?<name>...)"],
    ]),
    (P::ReasonArithmetic, [
        &["Give the exact result.", "The last line of your answer must be `Answer: `", "plain digits", "no unit"],
        &["two digits after the decimal point, half up", "Do not round in between", "plain digits"],
        &["two digits after the decimal point, half up", "Do not round in between", "plain digits"],
    ]),
    (P::ReasonLogic, [
        &["is off unless", "no other", "all lamps that are on, in alphabetical order"],
        &["before all others", "from the first to the last, with commas"],
        &["each at most once", "weighs at most", "are not packed together", "only if", "There is exactly one", "in alphabetical order"],
    ]),
    (P::ReasonSpatial, [
        &["straight line|In which direction", "of the exact value is accepted|one of north, east, south and west"],
        &["square metres|Where is the point", "of the exact value is accepted|as `(x, y)`"],
        &["along the surface|does not fill", "of the exact value is accepted"],
    ]),
    (P::ReasonPlanning, [
        &["one after the other", "letters of all steps in their order"],
        &["any number of steps", "earliest round possible", "alphabetical order without spaces"],
        &["alphabetical order", "is left out", "once more at once", "failed ones included", "stands there several times"],
    ]),
    (P::ReasonAnalysis, [
        &["at least two different", "letter of the right option"],
        &["Exactly one of its lines is wrong", "the number of the wrong line"],
        &["The comments say what is meant", "Exactly one line of all files is wrong", "as in `units.py:3`"],
    ]),
    (P::ToolFileRead, [
        &["Read the file", "`code:`", "the code alone"],
        &["one of them does not exist", "sum of the values", "the path of the missing file"],
        &["too large to be read as a whole", "counted from 1", "the code alone"],
    ]),
    (P::ToolFileWrite, [
        &["exactly these three lines", "folder does not exist yet"],
        &["exactly", "three digits", "greater by", "again and again", "no spaces"],
        &["in this order", "complete before the next is begun", "three lines", "`next: none` in the last file"],
    ]),
    (P::ToolExec, [
        &["Run the command", "what it prints"],
        &["Write a shell script", "Run the script", "`result.txt`", "what the file says"],
        &["each time with the number that the last run printed", "times in all", "that number"],
    ]),
    (P::ToolCallFormat, [
        &["exactly once", "just the arguments", "`send_message`", "without the backticks"],
        &["exactly once", "in this order", "`create_event`"],
        &["exactly once", "character by character", "without those marks", "dry run", "null as its high limit"],
    ]),
    (P::ToolCallBatch, [
        &["one call for each file", "together in one turn", "in the order of the files"],
        &["one call for each file", "together in one turn", "the sum"],
        &["one call for each file", "together in one turn", "gained most first", "sum of their two gains"],
    ]),
    (P::ToolWeb, [
        &["Fetch the page", "current code", "the code alone"],
        &["query parameters `route`, `day` and `unit`", "the price"],
        &["`next` is the whole path", "state `open`", "the sum"],
    ]),
    (P::ToolBrowser, [
        &["in the browser", "a moment after", "the code alone"],
        &["in the browser", "Fill the field", "choose the colour", "click the button Send"],
        &["in the browser", "log in", "in stock", "together"],
    ]),
    (P::FollowFormat, [
        &["as CSV", "in this order", "header row", "no spaces around the commas", "no code fence"],
        &["One line stands for each fact", "letters only", "zeros in front", "no code fence"],
        &["`01) `", "one empty line", "BEGIN", "no code fence"],
    ]),
    (P::FollowConstraint, [
        &["MUST", "at least fifteen words", "in digits"],
        &["exactly", "Every sentence begins with", "No sentence has more than", "contains the words", "no comma"],
        &["The first line is", "reverse alphabetical order", "numbered downwards", "No capital letter", "no full stops"],
    ]),
    (P::FollowProcedure, [
        &["one line: the number of the step, a colon, one space", "these lines alone"],
        &["If ", "otherwise", "one line: the number of the step"],
        &["While the first word is not", "go on with step 2", "`4: checked`"],
    ]),
    (P::FollowDelegation, [
        &["Use the script", "do not work it out in another way"],
        &["Use the script", "do not work it out in another way"],
        &["has to be made by `tools/exact.sh`", "`--mode strict`", "Do not use the quick script"],
    ]),
    (P::FollowStyle, [
        &["first line is `Dear", "last line is `Yours sincerely`", "3 to 6 sentences", "no apostrophes", "no exclamation marks", "none of the words"],
        &["a child of six", "no sentence has more than", "`you` occurs in at least two", "none of the words", "no brackets, no semicolons and no digits"],
        &["four sections", "text begins with", "exactly three sentences", "last sentence ends with", "apostrophe, an exclamation mark, a question mark", "Nothing stands before the first heading"],
    ]),
];

#[test]
fn prompts_state_the_rules_for_every_seed() {
    let probes = Probes::standard();
    for (at, (primitive, levels)) in RULES.iter().enumerate() {
        assert_eq!(*primitive, Primitive::ALL[at]);
        let probe = probes.get(*primitive).unwrap();
        for (level, rules) in Level::DEMANDS.into_iter().zip(levels) {
            for seed in 0..200 {
                let instance = probe.generate(level, seed).unwrap();
                let prompt = instance.prompt().split_whitespace().collect::<Vec<_>>().join(" ");
                for rule in *rules {
                    let stated = rule.split('|').any(|words| prompt.contains(words));
                    assert!(stated, "{primitive} {level} does not say {rule:?}:\n{prompt}");
                }
            }
        }
    }
}

/// What a prompt must not do is give the answer away.
#[test]
fn prompts_do_not_contain_the_answer_of_tools() {
    for probe in Probes::standard().iter() {
        let primitive = probe.primitive();
        let hidden = matches!(
            primitive,
            P::ToolFileRead
                | P::ToolExec
                | P::ToolCallBatch
                | P::ToolWeb
                | P::ToolBrowser
                | P::FollowDelegation
        );
        for level in Level::DEMANDS.into_iter().filter(|_| hidden) {
            for seed in 0..50 {
                let instance = probe.generate(level, seed).unwrap();
                let answer = instance.reference().text().trim_start_matches("Answer: ");
                let prompt = instance.prompt();
                assert!(!prompt.contains(answer), "{primitive} {level}: {answer}\n{prompt}");
            }
        }
    }
}
