//! The catalogue of the 26 primitive capabilities: what each level means and how to step down.
//!
//! The set and its levels follow the paper "SkVM: Compiling Skills for Efficient Execution
//! Everywhere"; the wording is ours.
//!
//! A step down keeps the primitive and asks less of it. Work that moves to another primitive, such
//! as arithmetic that a program does instead, is a substitution and has no place in this table.

use super::primitive::{Category, Primitive, PrimitiveSpec};

/// Every primitive in catalogue order; `CATALOGUE[p as usize]` describes `p`.
pub(super) const CATALOGUE: [PrimitiveSpec; Primitive::COUNT] = [
    PrimitiveSpec {
        primitive: Primitive::GenCodePython,
        id: "gen.code.python",
        category: Category::Generation,
        description: "Write Python code that runs and does what was asked.",
        levels: [
            "A single script in basic syntax that reads and writes files.",
            "A script that uses standard library modules such as csv, json and re.",
            "A script that uses a third-party library through its own interface.",
        ],
        degradations: [
            Some(
                "Give every call into the standard library as a line to copy, so that only plain \
                 statements, loops and file access are left to write.",
            ),
            Some(
                "Name the standard library module that does the work of the third-party library, \
                 or give that library's calls as lines to copy.",
            ),
        ],
    },
    PrimitiveSpec {
        primitive: Primitive::GenCodeJavascript,
        id: "gen.code.javascript",
        category: Category::Generation,
        description: "Write JavaScript code that runs under Node.js and does what was asked.",
        levels: [
            "A single script that reads and writes files through fs.",
            "A script that uses further built-in modules or imports packages.",
            "Asynchronous code with concurrent reads, or calls into complex interfaces.",
        ],
        degradations: [
            Some(
                "Give the imports and every call into a module as lines to copy, so that only a \
                 plain script around fs is left to write.",
            ),
            Some(
                "Ask for synchronous calls that run one after another, and give any call that \
                 exists only in asynchronous form as lines to copy.",
            ),
        ],
    },
    PrimitiveSpec {
        primitive: Primitive::GenCodeShell,
        id: "gen.code.shell",
        category: Category::Generation,
        description: "Write shell commands and scripts that run and do what was asked.",
        levels: [
            "Single commands with their options and arguments.",
            "Pipes, redirections and loops.",
            "Pipelines that combine tools such as sed, awk and xargs.",
        ],
        degradations: [
            Some(
                "Break each pipe or loop into single commands, one a step, and name the file or \
                 value that each of them works on.",
            ),
            Some(
                "Replace each sed, awk or xargs stage by a loop that reads its input line by \
                 line, or give that stage's program text to copy.",
            ),
        ],
    },
    PrimitiveSpec {
        primitive: Primitive::GenCodeSql,
        id: "gen.code.sql",
        category: Category::Generation,
        description: "Write SQL statements that return the rows that were asked for.",
        levels: [
            "One table: select columns, filter with where, count rows.",
            "Joins, grouping with aggregates, and window functions.",
            "Common table expressions that combine several tables.",
        ],
        degradations: [
            Some(
                "Give every join, grouping and window as finished SQL, so that only the columns \
                 and the where condition are left to write.",
            ),
            Some(
                "Split a query with common table expressions into nested queries that each join \
                 or group at most two tables, and say what each one returns.",
            ),
        ],
    },
    PrimitiveSpec {
        primitive: Primitive::GenCodeHtml,
        id: "gen.code.html",
        category: Category::Generation,
        description: "Write HTML that parses and has the structure that was asked for.",
        levels: [
            "Headings, lists and links.",
            "Forms, tables and semantic elements.",
            "Inline SVG, layout that adapts to the screen, and accessibility attributes.",
        ],
        degradations: [
            Some(
                "Give the forms, tables and semantic elements as markup to copy, so that only \
                 headings, list items and links are left to write.",
            ),
            Some(
                "Give the SVG drawings, the responsive style rules and the accessibility \
                 attributes as blocks to copy, and say where each one goes.",
            ),
        ],
    },
    PrimitiveSpec {
        primitive: Primitive::GenTextStructured,
        id: "gen.text.structured",
        category: Category::Generation,
        description: "Write JSON or YAML that parses and follows the shape that was asked for.",
        levels: [
            "A flat object of less than 500 bytes.",
            "Nested objects and lists of less than 5 kB.",
            "Deeply nested data of more than 5 kB.",
        ],
        degradations: [
            Some(
                "Give the nested skeleton in the text, and have each inner object written as a \
                 flat one of less than 500 bytes for a named place in it.",
            ),
            Some(
                "Divide the data at its top-level keys, and have each branch written in a step of \
                 its own, less than 5 kB and only a few levels deep.",
            ),
        ],
    },
    PrimitiveSpec {
        primitive: Primitive::GenTextLong,
        id: "gen.text.long",
        category: Category::Generation,
        description: "Write a text of a given length to its end without losing its structure.",
        levels: [
            "A complete text of less than 1 kB.",
            "A text of 1 to 5 kB that keeps the given structure.",
            "A text of more than 5 kB with every delimiter in place.",
        ],
        degradations: [
            Some(
                "Divide the text into sections of less than 1 kB, and have each one finished \
                 before the next is begun.",
            ),
            Some(
                "Divide the text into parts of less than 5 kB, each written in a step of its own \
                 between delimiters that the step repeats.",
            ),
        ],
    },
    PrimitiveSpec {
        primitive: Primitive::GenTextProse,
        id: "gen.text.prose",
        category: Category::Generation,
        description: "Write connected prose that contains what it has to contain.",
        levels: [
            "One paragraph that contains the given words.",
            "Several paragraphs under headings.",
            "A long piece with an introduction, a body and a conclusion.",
        ],
        degradations: [
            Some(
                "Supply the headings, and ask for one paragraph at a time with the words that it \
                 must contain.",
            ),
            Some(
                "Give the outline as a list of headings, with introduction and conclusion among \
                 them, and say what belongs under each.",
            ),
        ],
    },
    PrimitiveSpec {
        primitive: Primitive::GenRegex,
        id: "gen.regex",
        category: Category::Generation,
        description: "Write a regular expression that matches exactly what the wording demands.",
        levels: [
            "Literals, character classes and quantifiers.",
            "Groups, alternation and anchors.",
            "Look-ahead, look-behind and named groups.",
        ],
        degradations: [
            Some(
                "Ask for one simple pattern per alternative, and say that each is tried in turn \
                 against the whole string.",
            ),
            Some(
                "Ask for numbered groups in place of named ones, and in place of look-around for \
                 a match of the context too, with the wanted part in a group.",
            ),
        ],
    },
    PrimitiveSpec {
        primitive: Primitive::ReasonArithmetic,
        id: "reason.arithmetic",
        category: Category::Reasoning,
        description: "Compute a number without a program, with the rounding that was asked for.",
        levels: [
            "One operation on given numbers.",
            "Several operations, such as an average or a price with tax.",
            "Chained percentages, compound interest and the like.",
        ],
        degradations: [
            Some(
                "Put one operation in each step, and have its result written down before the next \
                 step uses it.",
            ),
            Some(
                "Write the calculation out as a formula with a numbered list of operations, and \
                 state for each percentage what it is taken of and where to round.",
            ),
        ],
    },
    PrimitiveSpec {
        primitive: Primitive::ReasonLogic,
        id: "reason.logic",
        category: Category::Reasoning,
        description: "Draw the conclusion that follows from given rules and facts.",
        levels: [
            "Apply if-then rules to facts.",
            "Find the only solution that meets several constraints.",
            "Find the best solution among those that meet the constraints.",
        ],
        degradations: [
            Some(
                "Replace the constraints by a table of if-then rules that covers every case and \
                 names the result of each.",
            ),
            Some(
                "Have the candidates listed from best to worst, and ask for the first one that \
                 meets every constraint.",
            ),
        ],
    },
    PrimitiveSpec {
        primitive: Primitive::ReasonSpatial,
        id: "reason.spatial",
        category: Category::Reasoning,
        description: "Work out positions, sizes and directions from a description of a space.",
        levels: [
            "Distances and directions in the plane.",
            "Areas, and shapes that are moved, turned or scaled.",
            "Distances on a sphere, and bodies in three dimensions.",
        ],
        degradations: [
            Some(
                "Have the lengths and directions found first, one a step, and give the formula \
                 that turns them into the area or the new position.",
            ),
            Some(
                "Divide the problem into plane figures, one a step, and give the formula with its \
                 units that leads from them back to the sphere or the body.",
            ),
        ],
    },
    PrimitiveSpec {
        primitive: Primitive::ReasonPlanning,
        id: "reason.planning",
        category: Category::Reasoning,
        description: "Bring steps into an order that respects what each of them depends on.",
        levels: [
            "Put three to five steps in order.",
            "Tell which steps can run at the same time.",
            "Plan for conditions, and for recovery from steps that fail.",
        ],
        degradations: [
            Some(
                "State which steps may run at the same time, or give up the parallel run, so that \
                 only an order is left to find.",
            ),
            Some(
                "Write each condition and each recovery into the text as a fixed branch, so that \
                 only the order and the parallel steps are left to plan.",
            ),
        ],
    },
    PrimitiveSpec {
        primitive: Primitive::ReasonAnalysis,
        id: "reason.analysis",
        category: Category::Reasoning,
        description: "Say what given code or data does and where it goes wrong.",
        levels: [
            "State the purpose of a snippet.",
            "Find the bug in a snippet.",
            "Trace a failure through several files to its root cause.",
        ],
        degradations: [
            Some(
                "Replace the open search for a bug by a list of short snippets with what each \
                 should do, and ask what each one does instead.",
            ),
            Some(
                "List the files in the order in which to examine them, and ask one question about \
                 each before the next is opened.",
            ),
        ],
    },
    PrimitiveSpec {
        primitive: Primitive::ToolFileRead,
        id: "tool.file.read",
        category: Category::ToolUse,
        description: "Read files with the tool for it and use what they really contain.",
        levels: [
            "One file, given by its path.",
            "Several files, one of which may be missing.",
            "A large file, read piece by piece by offset.",
        ],
        degradations: [
            Some(
                "Put one file in each step, with its full path and with what to do if it is \
                 missing.",
            ),
            Some(
                "List the pieces to read with the offset and the length of each, and say that a \
                 piece past the end is skipped like a missing file.",
            ),
        ],
    },
    PrimitiveSpec {
        primitive: Primitive::ToolFileWrite,
        id: "tool.file.write",
        category: Category::ToolUse,
        description: "Write files with the tool for it, with the content that was asked for.",
        levels: ["One short file.", "A file of 1 to 10 kB.", "Several files, in a given order."],
        degradations: [
            Some(
                "Divide the content into short files or short pieces to append, each written in a \
                 step of its own.",
            ),
            Some(
                "Put one file in each numbered step, with its path and content, and have it \
                 written before the next step begins.",
            ),
        ],
    },
    PrimitiveSpec {
        primitive: Primitive::ToolExec,
        id: "tool.exec",
        category: Category::ToolUse,
        description: "Run commands with the tool for it and use what they really print.",
        levels: [
            "Run one given command.",
            "Write a script, run it and save its output.",
            "Several runs, each of which depends on the one before.",
        ],
        degradations: [
            Some("Give the exact command with nothing left to fill in."),
            Some("Issue one command a step, and look at its output before the next."),
        ],
    },
    PrimitiveSpec {
        primitive: Primitive::ToolCallFormat,
        id: "tool.call.format",
        category: Category::ToolUse,
        description: "Call a tool with arguments that fit its schema.",
        levels: [
            "Arguments that are plain strings.",
            "Arguments that are arrays or objects.",
            "Nested arguments, and strings with characters that need escaping.",
        ],
        degradations: [
            Some("Write out the array or object to copy, and leave only plain strings to fill in."),
            Some(
                "Show the whole argument object with its nesting and its escapes already written, \
                 so that only plain values and flat lists are left to fill in.",
            ),
        ],
    },
    PrimitiveSpec {
        primitive: Primitive::ToolCallBatch,
        id: "tool.call.batch",
        category: Category::ToolUse,
        description: "Make several independent tool calls in one turn and use all the results.",
        levels: [
            "Two reads in one turn.",
            "Five reads in one turn, with the results added up.",
            "Reasoning that connects the results of the calls with each other.",
        ],
        degradations: [
            Some(
                "Ask for the calls in pairs, and have the running total written down after each \
                 pair.",
            ),
            Some(
                "Name the one value to take from each result, and give the rule that combines \
                 these values, such as a sum or a count.",
            ),
        ],
    },
    PrimitiveSpec {
        primitive: Primitive::ToolWeb,
        id: "tool.web",
        category: Category::ToolUse,
        description: "Fetch data over HTTP and use what the server really answers.",
        levels: [
            "One GET request, and one field of the answer.",
            "Requests with query parameters.",
            "Several endpoints, and answers that are spread over pages.",
        ],
        degradations: [
            Some("Give the complete URL of each request, with its query string written out."),
            Some(
                "Put one request in each step, and name its parameters, the field to carry into \
                 the next, and for pages the sign to stop.",
            ),
        ],
    },
    PrimitiveSpec {
        primitive: Primitive::ToolBrowser,
        id: "tool.browser",
        category: Category::ToolUse,
        description: "Operate a web page through a browser tool.",
        levels: [
            "Open a page, wait for it, and extract its content.",
            "Fill in fields, click, and read content that appears later.",
            "Go through several pages, with a login among them.",
        ],
        degradations: [
            // A target that can only open and read a page has no way to act on it, however the step
            // is worded.
            None,
            Some(
                "Make the login and each page a step of its own, and give the fields to fill in, \
                 the button to click and the text that shows success.",
            ),
        ],
    },
    PrimitiveSpec {
        primitive: Primitive::FollowFormat,
        id: "follow.format",
        category: Category::InstructionFollowing,
        description: "Give the answer in the format that was asked for and in no other.",
        levels: [
            "A format that is known by its name.",
            "A given schema.",
            "Several format rules at the same time.",
        ],
        degradations: [
            Some(
                "Replace the schema by a skeleton in a named format in which only the values are \
                 left to fill in.",
            ),
            Some(
                "Bring all format rules together into one schema that stands beside the request \
                 for the output.",
            ),
        ],
    },
    PrimitiveSpec {
        primitive: Primitive::FollowConstraint,
        id: "follow.constraint",
        category: Category::InstructionFollowing,
        description: "Respect what the instructions say must or must not be done.",
        levels: [
            "One constraint.",
            "Three to five constraints at the same time.",
            "Constraints that go against a usual habit.",
        ],
        degradations: [
            Some(
                "Give each constraint a step of its own that checks and corrects the result for \
                 this one alone.",
            ),
            Some(
                "Say directly what to do in place of the usual habit, and show one example in the \
                 demanded form.",
            ),
        ],
    },
    PrimitiveSpec {
        primitive: Primitive::FollowProcedure,
        id: "follow.procedure",
        category: Category::InstructionFollowing,
        description: "Carry out given steps in the given order, all of them and nothing else.",
        levels: [
            "Three steps in a row.",
            "Five to seven steps with branches.",
            "Loops, and steps that verify the result.",
        ],
        degradations: [
            Some(
                "Divide the procedure into stages of at most three steps in a row, and choose the \
                 branch once, at the start of a stage.",
            ),
            Some(
                "Write each round of a loop out as a numbered step, or as a branch back to a \
                 named step, and each verification as a branch on its result.",
            ),
        ],
    },
    PrimitiveSpec {
        primitive: Primitive::FollowDelegation,
        id: "follow.delegation",
        category: Category::InstructionFollowing,
        description: "Use the given script for the work instead of an answer from the head.",
        levels: [
            "Run the given script where it is asked for.",
            "Run the given script on data files.",
            "Obtain the result by exactly the method that is demanded.",
        ],
        degradations: [
            Some(
                "Write the full command for the script with the path of the data file in it, and \
                 say that its output is the answer.",
            ),
            Some(
                "Write the options that select the demanded method into the script's command, so \
                 that no choice of method is left.",
            ),
        ],
    },
    PrimitiveSpec {
        primitive: Primitive::FollowStyle,
        id: "follow.style",
        category: Category::InstructionFollowing,
        description: "Keep to the style that was asked for.",
        levels: [
            "A formal text without contractions.",
            "A text for a child, without jargon.",
            "One register, kept through every section.",
        ],
        degradations: [
            Some(
                "Replace the description of the reader by surface rules such as a longest \
                 sentence, words to avoid and what to write for them.",
            ),
            Some(
                "Repeat the rules of the register at each section, and have the sections written \
                 one at a time.",
            ),
        ],
    },
];
