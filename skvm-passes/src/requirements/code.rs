//! What the code in a skill demands.

use skvm_core::artifact::{CodeBlock, CodeIndex, CodeLanguage, CodeOrigin, Command};
use skvm_core::capability::{Level, Primitive as P};
use skvm_core::document::{CodeSpan, Fence, SectionId};
use skvm_core::skill::Skill;
use skvm_core::span::Span;

use super::evidence::Collector;
use crate::environment::is_python_stdlib;

/// What stands behind a request whose whole address is given.
pub(crate) const ADDRESS_FOLLOWS: &str = " (address: `";

/// Inline code such as `GET /v1/items`, whose address the reader has to put together. Gives the path.
pub(crate) fn partial_request<'s>(skill: &'s Skill, code: &CodeSpan) -> Option<&'s str> {
    let text = code.content().text(skill.source());
    let (method, path) = text.split_once(' ')?;
    let path = path.split_whitespace().next()?;
    let follows = skill.source().get(code.span().end..).unwrap_or("");
    let is_partial = matches!(method, "GET" | "POST" | "PUT" | "PATCH" | "DELETE")
        && path.starts_with('/')
        && !follows.starts_with(ADDRESS_FOLLOWS);
    is_partial.then_some(path)
}

pub(super) fn collect(skill: &Skill, code: &CodeIndex, collector: &mut Collector<'_>) {
    let document = skill.document();
    for code in document.code_spans() {
        if partial_request(skill, code).is_some() {
            let evidence = "names a request by its path";
            collector.add(code.section(), P::ToolWeb, Level::L2, evidence, code.span());
        }
    }
    let mut files_written = 0;
    for block in &code.blocks {
        let (section, fence, span) = match block.origin {
            CodeOrigin::Fence { index, span } => match document.fences().get(index) {
                Some(fence) if !fence.in_quote() => (fence.section(), Some(fence), span),
                _ => continue,
            },
            CodeOrigin::Inline { index, span } => match document.code_spans().get(index) {
                Some(code) => (code.section(), None, span),
                None => continue,
            },
            CodeOrigin::File { .. } => continue,
        };
        if !collector.demands(section) {
            continue;
        }
        let mut block = Block { skill, block, fence, section, span, collector };
        files_written += block.writes();
        if let Some(level) = match files_written {
            0..2 => None,
            2..4 => Some(Level::L2),
            _ => Some(Level::L3),
        } && block.writes() > 0
        {
            block.add(P::ToolFileWrite, level, "writes several files");
        }
        block.scripts();
        match block.block.facts.language {
            CodeLanguage::Shell => block.shell(),
            CodeLanguage::Python => block.python(),
            CodeLanguage::JavaScript => block.javascript(),
            CodeLanguage::Data => block.data(),
            CodeLanguage::Sql => block.sql(),
            CodeLanguage::Markup => block.markup(),
            CodeLanguage::Markdown | CodeLanguage::Other => {}
        }
    }
}

/// What stands behind a variable that the reader sets.
pub(crate) const FILL_IN: &str = "''  # fill in: ";

/// One piece of code at its place.
struct Block<'a, 's> {
    skill: &'a Skill,
    block: &'a CodeBlock,
    fence: Option<&'a Fence>,
    section: SectionId,
    span: Span,
    collector: &'a mut Collector<'s>,
}

impl Block<'_, '_> {
    fn add(&mut self, primitive: P, level: Level, evidence: &str) {
        self.collector.add(self.section, primitive, level, evidence, self.span);
    }

    fn text(&self) -> String {
        match self.fence {
            Some(fence) => fence.code(self.skill.source()).into_owned(),
            None => self.span.text(self.skill.source()).to_owned(),
        }
    }

    /// How many files it writes, as far as redirects and `-o` tell.
    fn writes(&self) -> usize {
        let named = |command: &&Command| {
            command.arguments.iter().any(|a| matches!(a.as_str(), "-o" | "--output"))
        };
        self.block.facts.redirects + self.block.commands.iter().filter(named).count()
    }

    /// Own scripts: using them is delegation. A relative path has to be resolved first, which an
    /// absolute one through its interpreter has not.
    fn scripts(&mut self) {
        for script in self.block.scripts.iter().filter(|script| script.run) {
            let (section, span) = (self.section, script.span);
            self.collector.add(
                section,
                P::FollowDelegation,
                Level::L1,
                "runs a bundled script",
                span,
            );
            if !script.absolute || script.as_program {
                let evidence = "runs a bundled script by a relative path";
                self.collector.add(section, P::ToolExec, Level::L2, evidence, span);
            }
        }
    }

    fn shell(&mut self) {
        let facts = self.block.facts;
        if self.block.commands.is_empty() {
            return;
        }
        self.add(P::ToolExec, Level::L1, "runs a command");
        self.add(P::ToolCallFormat, Level::L1, "passes a command to a tool");
        if facts.redirects > 0 || facts.loops > 0 {
            self.add(P::ToolExec, Level::L2, "runs commands with redirects or loops");
        }
        if facts.chains > 0 {
            self.add(P::ToolExec, Level::L2, "chains commands");
        }
        if facts.pipes > 0 && self.block.commands.len() >= 4 {
            self.add(P::ToolExec, Level::L3, "chains several commands");
        } else if facts.pipes > 0 {
            self.add(P::ToolExec, Level::L2, "pipes commands");
        }
        self.shell_to_write();
        self.shell_tools();
    }

    /// A block with holes is code that the agent has to write out. One whose holes are variables to
    /// set is a form to fill in.
    fn shell_to_write(&mut self) {
        let facts = self.block.facts;
        if self.text().contains(FILL_IN) {
            self.add(P::FollowFormat, Level::L1, "values to fill in");
        }
        if self.block.placeholders.is_empty() {
            return;
        }
        let text_tools = self
            .block
            .commands
            .iter()
            .any(|command| matches!(command.program.as_str(), "sed" | "awk" | "xargs"));
        let (level, evidence) = if text_tools || facts.pipes >= 3 {
            (Level::L3, "shell to fill in, with sed, awk, xargs or long pipes")
        } else if facts.pipes + facts.redirects + facts.loops > 0 {
            (Level::L2, "shell to fill in, with pipes, redirects or loops")
        } else {
            (Level::L1, "shell to fill in")
        };
        self.add(P::GenCodeShell, level, evidence);
    }

    fn shell_tools(&mut self) {
        for command in &self.block.commands {
            let (section, span) = (self.section, command.span);
            let mut add = |primitive, level, evidence: &str| {
                self.collector.add(section, primitive, level, evidence, span);
            };
            match command.program.as_str() {
                "curl" | "wget" | "http" | "xh" => {
                    add(P::ToolWeb, web_level(command), "fetches from the web");
                    if let Some(level) = payload_level(command) {
                        add(P::GenTextStructured, level, "sends a structured body");
                        add(P::ToolCallFormat, level, "passes structured arguments");
                    }
                }
                "cat" | "head" | "tail" | "less" => {
                    add(P::ToolFileRead, Level::L1, "reads a file by command");
                }
                "grep" | "egrep" | "rg"
                    if command.arguments.iter().any(|a| a == "-E" || a == "-P") =>
                {
                    let look =
                        command.arguments.iter().any(|a| a.contains("(?=") || a.contains("(?!"));
                    let level = if look { Level::L3 } else { Level::L2 };
                    add(P::GenRegex, level, "matches by a regular expression");
                }
                "agent-browser" | "playwright" | "puppeteer" | "chromium" => {
                    add(P::ToolBrowser, browser_level(command), "drives a browser");
                }
                _ => {}
            }
            if command.arguments.iter().any(|a| a == "-o" || a == "--output") {
                add(P::ToolFileWrite, Level::L1, "writes a file by command");
            }
        }
        if self.block.facts.redirects > 0 {
            self.add(P::ToolFileWrite, Level::L1, "writes a file by redirect");
        }
    }

    fn python(&mut self) {
        let third_party = self.block.imports.iter().any(|i| !is_python_stdlib(&i.module));
        let (level, evidence) = match (third_party, self.block.imports.is_empty()) {
            (true, _) => (Level::L3, "Python with third-party libraries"),
            (false, false) => (Level::L2, "Python with the standard library"),
            (false, true) => (Level::L1, "Python"),
        };
        self.add(P::GenCodePython, level, evidence);
        if self.block.imports.iter().any(|import| import.module.starts_with("playwright")) {
            self.add(P::ToolBrowser, Level::L2, "drives a browser from Python");
        }
    }

    fn javascript(&mut self) {
        let text = self.text();
        let (level, evidence) = if ["await ", "async ", "document.", "useState", "Promise."]
            .iter()
            .any(|cue| text.contains(cue))
        {
            (Level::L3, "JavaScript, asynchronous or with the DOM")
        } else if text.contains("import ") || text.contains("require(") {
            (Level::L2, "JavaScript with modules")
        } else {
            (Level::L1, "JavaScript")
        };
        self.add(P::GenCodeJavascript, level, evidence);
    }

    fn data(&mut self) {
        let text = self.text();
        let level = data_level(&text);
        self.add(P::GenTextStructured, level, "structured text");
    }

    fn sql(&mut self) {
        let text = self.text().to_uppercase();
        let (level, evidence) =
            if text.trim_start().starts_with("WITH ") || text.contains("\nWITH ") {
                (Level::L3, "SQL with common table expressions")
            } else if ["JOIN ", "GROUP BY", "OVER ("].iter().any(|cue| text.contains(cue)) {
                (Level::L2, "SQL with joins, groups or windows")
            } else {
                (Level::L1, "SQL")
            };
        self.add(P::GenCodeSql, level, evidence);
    }

    fn markup(&mut self) {
        let text = self.text();
        let has = |cues: &[&str]| cues.iter().any(|cue| text.contains(cue));
        let (level, evidence) = if has(&["viewBox", "@media", "aria-"]) {
            (Level::L3, "HTML, responsive, accessible or with SVG")
        } else if has(&["<form", "<table", "<section", "<nav"]) {
            (Level::L2, "HTML with forms, tables or semantic elements")
        } else {
            (Level::L1, "HTML")
        };
        self.add(P::GenCodeHtml, level, evidence);
    }
}

fn web_level(command: &Command) -> Level {
    let has = |cue: &str| command.arguments.iter().any(|argument| argument.contains(cue));
    if has("page=") || has("cursor=") || has("offset=") {
        Level::L3
    } else if has("?") || has("-H") || has("--header") || has("-X") || has("-d") {
        Level::L2
    } else {
        Level::L1
    }
}

fn browser_level(command: &Command) -> Level {
    let has = |cues: &[&str]| command.arguments.iter().any(|a| cues.contains(&a.as_str()));
    if has(&["login", "cookies", "auth"]) {
        Level::L3
    } else if has(&["click", "fill", "type", "select"]) {
        Level::L2
    } else {
        Level::L1
    }
}

/// The level of a request body, when there is one with JSON in it.
fn payload_level(command: &Command) -> Option<Level> {
    let flag = command.arguments.iter().position(|argument| {
        matches!(argument.as_str(), "-d" | "--data" | "--data-raw" | "--json")
    })?;
    let body = command.arguments.get(flag + 1)?;
    body.trim_start_matches(['"', '\'']).starts_with(['{', '[']).then(|| data_level(body))
}

/// By size and depth of brackets; YAML's depth is that of its indentation.
fn data_level(text: &str) -> Level {
    let (mut depth, mut deepest) = (0_usize, 0_usize);
    for byte in text.bytes() {
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    if deepest == 0 {
        let indent = |line: &str| line.len() - line.trim_start().len();
        deepest = 1 + text.lines().map(indent).max().unwrap_or(0) / 2;
    }
    match (text.len(), deepest) {
        (5000.., _) | (_, 5..) => Level::L3,
        (500.., _) | (_, 2..) => Level::L2,
        _ => Level::L1,
    }
}
