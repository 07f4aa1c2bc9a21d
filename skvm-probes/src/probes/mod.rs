//! The standard probes.
//!
//! | primitive | L1 | L2 | L3 | how it is graded |
//! |---|---|---|---|---|
//! | `gen.code.python` | numbers from a file | csv, json and re | PyYAML | run on inputs that the target never saw |
//! | `gen.code.javascript` | numbers through fs | URL and path modules | concurrent reads | run on such inputs; reads are watched |
//! | `gen.code.shell` | one command | pipes, loops, redirections | sed, awk, xargs | run on such inputs |
//! | `gen.code.sql` | select, where, count | join, group, window | common table expressions | run in SQLite on such data |
//! | `gen.code.html` | headings, list, link | form, table, landmarks | SVG, media query, labels | parsed |
//! | `gen.text.structured` | flat JSON | nested JSON | deep JSON | parsed and compared |
//! | `gen.text.long` | below 1 kB | 1 to 5 kB | above 5 kB | counted, delimiters and size |
//! | `gen.text.prose` | a paragraph | headed paragraphs | introduction to conclusion | structure and words |
//! | `gen.regex` | classes, quantifiers | groups, alternation | look-around, named groups | matched against lists |
//! | `reason.arithmetic` | one operation | average, tax | compound interest, chained percentages | exact |
//! | `reason.logic` | if-then rules | an arrangement | the best choice under constraints | exact |
//! | `reason.spatial` | steps on a grid | areas, turns, mirrors | sphere and space | within a stated tolerance |
//! | `reason.planning` | an order | rounds of what can run together | a plan that meets failures | exact |
//! | `reason.analysis` | what a function does | the line with the bug | the line at fault over several files | exact |
//! | `tool.file.read` | one file | several, one missing | lines of a large file | trace and answer |
//! | `tool.file.write` | a short file | a file of some kB | several files in order | files and trace |
//! | `tool.exec` | one command | write, run, save | chained runs | trace, files and answer |
//! | `tool.call.format` | strings | lists and objects | nested, special characters | the call's arguments |
//! | `tool.call.batch` | two reads in one turn | five, added up | reasoning over five | the trace's turns |
//! | `tool.web` | one page | query parameters | several endpoints | the site's log and the answer |
//! | `tool.browser` | a page that loads late | a form | pages behind a login | the site's log and the answer |
//! | `follow.format` | CSV | a given schema | several rules at once | exact lines |
//! | `follow.constraint` | one rule | four rules | rules against habit | mechanical |
//! | `follow.procedure` | three steps | six with branches | a loop and a check | every stamped line |
//! | `follow.delegation` | a script's answer | on a data file | the demanded one of two | trace and answer |
//! | `follow.style` | formal | for a child | one register throughout | markers stated in the prompt |

mod follow_constraint;
mod follow_delegation;
mod follow_format;
mod follow_procedure;
mod follow_style;
mod gen_code_html;
mod gen_code_javascript;
mod gen_code_python;
mod gen_code_shell;
mod gen_code_sql;
mod gen_regex;
mod gen_text_long;
mod gen_text_prose;
mod gen_text_structured;
mod reason_analysis;
mod reason_arithmetic;
mod reason_logic;
mod reason_planning;
mod reason_spatial;
mod tool_browser;
mod tool_call_batch;
mod tool_call_format;
mod tool_exec;
mod tool_file_read;
mod tool_file_write;
mod tool_web;

mod mixer;
mod phrase;
mod pools;
mod script;
mod script_run;
mod unique_keys;

use skvm_core::capability::{Level, Primitive};

use crate::draw::Draw;
use crate::probe::{Instance, Probe};

/// One of the standard probes.
#[derive(Debug, Clone, Copy)]
pub struct StandardProbe {
    primitive: Primitive,
    version: u32,
    levels: Levels,
}

/// What makes the instances of L1, L2 and L3.
type Levels = [fn(&mut Draw) -> Instance; 3];

impl Probe for StandardProbe {
    fn primitive(&self) -> Primitive {
        self.primitive
    }

    fn version(&self) -> u32 {
        self.version
    }

    fn generate(&self, level: Level, seed: u64) -> Option<Instance> {
        let [first, second, third] = self.levels;
        let make = match level {
            Level::L0 => return None,
            Level::L1 => first,
            Level::L2 => second,
            Level::L3 => third,
        };
        Some(make(&mut Draw::new(self, level, seed)))
    }
}

impl StandardProbe {
    const fn new(primitive: Primitive, version: u32, levels: Levels) -> Self {
        Self { primitive, version, levels }
    }

    /// All of them, in the catalogue's order.
    pub const ALL: [StandardProbe; Primitive::COUNT] = [
        Self::new(Primitive::GenCodePython, 1, gen_code_python::LEVELS),
        Self::new(Primitive::GenCodeJavascript, 1, gen_code_javascript::LEVELS),
        Self::new(Primitive::GenCodeShell, 1, gen_code_shell::LEVELS),
        Self::new(Primitive::GenCodeSql, 1, gen_code_sql::LEVELS),
        Self::new(Primitive::GenCodeHtml, 1, gen_code_html::LEVELS),
        Self::new(Primitive::GenTextStructured, 2, gen_text_structured::LEVELS),
        Self::new(Primitive::GenTextLong, 1, gen_text_long::LEVELS),
        Self::new(Primitive::GenTextProse, 1, gen_text_prose::LEVELS),
        Self::new(Primitive::GenRegex, 1, gen_regex::LEVELS),
        Self::new(Primitive::ReasonArithmetic, 2, reason_arithmetic::LEVELS),
        Self::new(Primitive::ReasonLogic, 1, reason_logic::LEVELS),
        Self::new(Primitive::ReasonSpatial, 1, reason_spatial::LEVELS),
        Self::new(Primitive::ReasonPlanning, 1, reason_planning::LEVELS),
        Self::new(Primitive::ReasonAnalysis, 1, reason_analysis::LEVELS),
        Self::new(Primitive::ToolFileRead, 1, tool_file_read::LEVELS),
        Self::new(Primitive::ToolFileWrite, 1, tool_file_write::LEVELS),
        Self::new(Primitive::ToolExec, 1, tool_exec::LEVELS),
        Self::new(Primitive::ToolCallFormat, 1, tool_call_format::LEVELS),
        Self::new(Primitive::ToolCallBatch, 1, tool_call_batch::LEVELS),
        Self::new(Primitive::ToolWeb, 1, tool_web::LEVELS),
        Self::new(Primitive::ToolBrowser, 1, tool_browser::LEVELS),
        Self::new(Primitive::FollowFormat, 2, follow_format::LEVELS),
        Self::new(Primitive::FollowConstraint, 1, follow_constraint::LEVELS),
        Self::new(Primitive::FollowProcedure, 1, follow_procedure::LEVELS),
        Self::new(Primitive::FollowDelegation, 1, follow_delegation::LEVELS),
        Self::new(Primitive::FollowStyle, 1, follow_style::LEVELS),
    ];
}
