//! Reading one step: what kind it is, what it reads and writes, and whether it only reads.

use std::collections::BTreeSet;

use skvm_core::artifact::{
    CodeBlock, CodeIndex, CodeLanguage, CodeOrigin, Collection, Command, Resource, ResourceKind,
    VariableAccess, WorkflowStep, WorkflowStepKind as Kind,
};
use skvm_core::document::Step;
use skvm_core::skill::Skill;
use skvm_core::span::Span;

use super::reads;
use super::wording::{has_words, is_in_sequence, words};
use crate::code::looks_like_path;

/// Longest title, in characters.
const TITLE: usize = 120;

/// A step and what is known of it.
#[derive(Debug, Clone)]
pub(super) struct ReadStep {
    pub(super) step: WorkflowStep,
    /// Its text without marks, lists and code blocks kept.
    pub(super) text: String,
    /// The same in lower case.
    pub(super) lower: String,
    /// Whether all that it does is to read from sources that it names.
    pub(super) only_reads: bool,
    /// Whether it calls tools: commands, files, addresses.
    pub(super) calls_tools: bool,
    /// Whether its items, for a loop, do not depend on each other.
    pub(super) items_are_free: bool,
    /// Whether it hands work to sub-agents.
    pub(super) delegates: bool,
    /// The numbers of the steps that it names: "step 2".
    pub(super) named: Vec<String>,
}

/// Reads a step that takes up the given span.
pub(super) fn read(
    skill: &Skill,
    code: &CodeIndex,
    at: usize,
    written: &Step,
    span: Span,
) -> ReadStep {
    let source = skill.source();
    let raw = span.text(source);
    let text = without_marks(raw);
    let lower = text.to_lowercase();
    let blocks: Vec<&CodeBlock> = code
        .blocks
        .iter()
        .filter(|block| block.origin.span().is_some_and(|block| span.contains(block)))
        .collect();
    let mut uses = Uses::default();
    uses.of_code(&blocks);
    uses.of_text(skill, raw);
    // Of a bold step only the opening is its text.
    let begins_with_text = written.text().start == span.start;
    let title = title(if begins_with_text { raw } else { written.text().text(source) });
    let collection = collection(&without_fences(raw, span, &blocks), span, &lower);
    let kind = kind(&lower, &title.to_lowercase(), collection.is_some());
    let names_source = !uses.reads.is_empty();
    let verb = verb_of(&title).unwrap_or_default();
    // There is one browser.
    let browses = matches!(verb.as_str(), "open" | "browse" | "view")
        && uses.reads.iter().any(|resource| resource.kind == ResourceKind::Address);
    let verbs_only_read = READS.contains(&verb.as_str())
        && !browses
        && !words(&lower).any(|word| WRITES.contains(&word) || ACCESS.contains(&word));
    ReadStep {
        only_reads: kind == Kind::Action
            && verbs_only_read
            && names_source
            && uses.writes.is_empty()
            && !uses.unknown,
        calls_tools: names_source || !uses.writes.is_empty() || !blocks.is_empty(),
        items_are_free: collection.is_some()
            && !is_in_sequence(&lower)
            && !is_narrative(&lower)
            && !uses.writes.iter().any(is_one_file),
        delegates: DELEGATES.iter().any(|words| has_words(&lower, words)),
        named: named_steps(&lower),
        step: WorkflowStep {
            label: written.number().map_or_else(|| (at + 1).to_string(), |n| n.to_string()),
            title,
            span,
            kind,
            reads: uses.reads.into_iter().collect(),
            writes: uses.writes.into_iter().collect(),
            collection: collection.filter(|_| kind == Kind::Loop),
        },
        text,
        lower,
    }
}

/// Verbs of steps that leave everything as it is.
const READS: [&str; 24] = [
    "browse", "check", "collect", "fetch", "find", "gather", "get", "identify", "inspect", "list",
    "load", "locate", "look", "open", "query", "read", "research", "retrieve", "review", "scan",
    "search", "study", "view", "consult",
];

/// Verbs of steps that change something, wherever they stand in the step.
const WRITES: [&str; 48] = [
    "add",
    "append",
    "apply",
    "build",
    "change",
    "clean",
    "commit",
    "compile",
    "configure",
    "convert",
    "copy",
    "create",
    "delete",
    "deploy",
    "download",
    "draft",
    "edit",
    "execute",
    "export",
    "fill",
    "fix",
    "generate",
    "initialize",
    "insert",
    "install",
    "log",
    "merge",
    "modify",
    "move",
    "output",
    "overwrite",
    "post",
    "produce",
    "publish",
    "push",
    "record",
    "remove",
    "rename",
    "replace",
    "reset",
    "save",
    "send",
    "set",
    "store",
    "submit",
    "update",
    "upload",
    "write",
];

/// What others need who come later, though they do not say so.
const ACCESS: [&str; 10] = [
    "token",
    "tokens",
    "credentials",
    "session",
    "cookie",
    "cookies",
    "login",
    "log-in",
    "sign-in",
    "password",
];

/// Words of handing work to others.
const DELEGATES: [&str; 8] = [
    "sub-agent",
    "subagent",
    "sub agent",
    "spawn",
    "separate agent",
    "delegate",
    "parallel agent",
    "task agent",
];

/// Words of asking a person.
const GATES: [&str; 22] = [
    "ask the user",
    "ask user",
    "ask for confirmation",
    "ask for approval",
    "ask for permission",
    "confirm with the user",
    "confirm with user",
    "wait for the user",
    "wait for user",
    "wait for confirmation",
    "wait for approval",
    "wait for feedback",
    "get approval",
    "get confirmation",
    "get user approval",
    "get user confirmation",
    "user approval",
    "user confirms",
    "user approves",
    "for approval",
    "request approval",
    "explicit confirmation",
];

/// Words of waiting for everything.
const BARRIERS: [&str; 10] = [
    "wait for all",
    "wait until all",
    "once all",
    "after all",
    "when all",
    "wait for every",
    "after every",
    "once every",
    "when every",
    "wait for both",
];

fn kind(lower: &str, title: &str, is_loop: bool) -> Kind {
    if GATES.iter().any(|words| has_words(lower, words)) {
        return Kind::Gate;
    }
    if BARRIERS.iter().any(|words| has_words(lower, words)) {
        return Kind::Barrier;
    }
    if is_loop {
        return Kind::Loop;
    }
    let opens = |word: &str| words(without_label(title)).next() == Some(word);
    let branches = ["if", "unless", "when", "otherwise", "depending"].into_iter().any(opens)
        || ["skip to step", "go to step", "jump to step", "return to step", "go back to step"]
            .iter()
            .any(|words| has_words(lower, words));
    if branches { Kind::Branch } else { Kind::Action }
}

/// Words behind "each" that are no collection: the procedure itself, or time.
const NO_COLLECTIONS: [&str; 12] = [
    "step",
    "phase",
    "time",
    "run",
    "other",
    "section",
    "session",
    "turn",
    "day",
    "week",
    "iteration",
    "stage",
];

/// What a step goes over: behind "for each" or "for every" at the head of a clause.
fn collection(raw: &str, span: Span, lower: &str) -> Option<Collection> {
    // Lower case can move bytes of text beyond ASCII; then nothing is looked for.
    let raw_lower = raw.to_ascii_lowercase();
    let starts = [
        "for each ",
        "for every ",
        "for all ",
        "loop over ",
        "iterate over ",
        "loop through ",
        "iterate through ",
    ];
    let found = starts.iter().find_map(|words| {
        raw_lower.match_indices(words).find_map(|(at, _)| {
            let head = raw_lower.get(..at)?.trim_end_matches([' ', '*', '_', '`']);
            let opens = head.is_empty()
                || head.ends_with(['.', ':', '\n', '-', ')', '!', ';', '—'])
                || head.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b'#' || b == b' ');
            opens.then_some(at + words.len())
        })
    });
    // "spawn one sub-agent per paper"
    let per = || {
        let is_delegated = DELEGATES.iter().any(|words| has_words(lower, words));
        let at = raw_lower.find(" per ").filter(|_| is_delegated)?;
        Some(at + " per ".len())
    };
    let at = found.or_else(per)?;
    let rest = raw.get(at..)?;
    let rest = rest.trim_start_matches("the ").trim_start_matches("of the ");
    let end = rest.find([',', ':', '\n', '.', ';', '(']).unwrap_or(rest.len()).min(80);
    let end = (0..=end).rev().find(|at| rest.is_char_boundary(*at)).unwrap_or(0);
    let name = rest.get(..end)?.trim().trim_matches(['*', '_']);
    let name = match name.matches('`').count() {
        2 => name.strip_prefix('`').and_then(|name| name.strip_suffix('`')).unwrap_or(name),
        _ => name,
    };
    let mut named = words(name).take(4).map(str::to_lowercase).peekable();
    named.peek()?;
    if named.any(|word| NO_COLLECTIONS.contains(&word.trim_end_matches('s'))) {
        return None;
    }
    Some(Collection { name: name.to_owned(), span: Span::of_slice(raw, name)?.shifted(span.start) })
}

/// A step's text with blanks for its code blocks: a template in one speaks to somebody else.
fn without_fences(raw: &str, span: Span, blocks: &[&CodeBlock]) -> String {
    let mut text = raw.to_owned();
    for block in blocks {
        let CodeOrigin::Fence { span: fence, .. } = block.origin else { continue };
        let (start, end) =
            (fence.start.saturating_sub(span.start), fence.end.saturating_sub(span.start));
        if text.get(start..end).is_some() {
            text.replace_range(start..end, &" ".repeat(end - start));
        }
    }
    text
}

/// Whether the items of a loop build on one another, or share what there is one of.
fn is_narrative(lower: &str) -> bool {
    const WORDS: [&str; 16] = [
        // There is one browser, and one person.
        "browser",
        "click",
        "ask",
        "until",
        "previous",
        "last one",
        "so far",
        "cumulative",
        "append",
        "same file",
        "next item",
        "running",
        "tally",
        "counter",
        "add it to",
        "add them to",
    ];
    WORDS.iter().any(|words| has_words(lower, words))
}

/// Whether every item of a loop would write the same file.
fn is_one_file(resource: &Resource) -> bool {
    resource.kind == ResourceKind::File
        && !resource.name.ends_with('/')
        && !resource.name.contains(['*', '?', '<', '{', '[', '$'])
}

/// What a step uses, as far as it names it.
#[derive(Default)]
struct Uses {
    reads: BTreeSet<Resource>,
    writes: BTreeSet<Resource>,
    /// Whether it runs something of which it is not known what that reads and writes.
    unknown: bool,
}

impl Uses {
    fn read(&mut self, kind: ResourceKind, name: &str) {
        self.reads.insert(Resource { kind, name: name.to_owned() });
    }

    fn write(&mut self, kind: ResourceKind, name: &str) {
        self.writes.insert(Resource { kind, name: name.to_owned() });
    }

    fn of_code(&mut self, blocks: &[&CodeBlock]) {
        for block in blocks {
            for variable in &block.variables {
                let name = variable.name.as_str();
                match variable.access {
                    VariableAccess::Sets | VariableAccess::Exports => {
                        self.write(ResourceKind::Variable, name);
                    }
                    VariableAccess::Reads
                    | VariableAccess::ReadsOrDefault
                    | VariableAccess::Expands => self.read(ResourceKind::Variable, name),
                }
            }
            for placeholder in &block.placeholders {
                self.read(ResourceKind::Identifier, &placeholder.name);
            }
            for address in &block.addresses {
                self.read(ResourceKind::Address, &address.host);
            }
            // Code that is no shell does what it does.
            let is_code = matches!(
                block.facts.language,
                CodeLanguage::Python | CodeLanguage::JavaScript | CodeLanguage::Sql
            );
            self.unknown |= is_code || block.facts.redirects > 0;
            block.commands.iter().for_each(|command| self.of_command(command));
        }
    }

    fn of_command(&mut self, command: &Command) {
        let words: Vec<&str> = command.arguments.iter().map(String::as_str).collect();
        let only_reads = reads::only_reads(command);
        let mut is_output = false;
        for word in words {
            if std::mem::take(&mut is_output) {
                self.write(ResourceKind::File, file_name(word));
            } else if matches!(word, "-o" | "--output" | "-O" | "--out") {
                is_output = true;
            } else if looks_like_path(word) && !word.contains("://") {
                self.read(ResourceKind::File, file_name(word));
                if !only_reads {
                    self.write(ResourceKind::File, file_name(word));
                }
            }
        }
        if only_reads {
            // The command is the source.
            self.read(ResourceKind::Identifier, &format!("the command {}", command.program));
        }
        self.unknown |= !only_reads;
    }

    /// Files and addresses that the text names: between backticks, as links, bare with an extension.
    fn of_text(&mut self, skill: &Skill, raw: &str) {
        for (at, part) in raw.split('`').enumerate() {
            let is_path = looks_like_path(part) && part.contains(char::is_alphabetic);
            if at % 2 == 1 && !part.contains(char::is_whitespace) && is_path {
                let head = raw.get(..offset_of(raw, part)).unwrap_or("");
                self.named(skill, part, head);
            } else if at % 2 == 0 {
                // The text of a link and its target are two words.
                for word in part.split(|c: char| c.is_whitespace() || "[]()".contains(c)) {
                    let word = word.trim_matches([',', ';', ':', '"', '\'', '*', '_']);
                    let word = word.trim_end_matches('.');
                    let head = raw.get(..offset_of(raw, word)).unwrap_or("");
                    if word.starts_with("http://") || word.starts_with("https://") {
                        self.read(ResourceKind::Address, word);
                    } else if looks_like_path(word) && has_extension(word) {
                        self.named(skill, word, head);
                    }
                }
            }
        }
    }

    /// A file, by the verb in front of it.
    fn named(&mut self, skill: &Skill, name: &str, head: &str) {
        // A dot in a name ends no clause.
        let clause = head.rsplit(['\n', ';']).next().unwrap_or(head);
        let clause = clause.rsplit(". ").next().unwrap_or(clause).to_lowercase();
        let verb =
            words(&clause).filter(|word| WRITES.contains(word) || READS.contains(word)).last();
        let name = file_name(name);
        match verb {
            Some(verb) if READS.contains(&verb) && !is_kept_in(&clause, verb) => {
                self.read(ResourceKind::File, name);
            }
            Some(_) => self.write(ResourceKind::File, name),
            // What comes with the skill is there to be read.
            None if skill.bundle().file(name).is_some() => self.read(ResourceKind::File, name),
            // Nobody says what is done with it.
            None => {
                self.read(ResourceKind::File, name);
                self.write(ResourceKind::File, name);
            }
        }
    }
}

/// Whether a clause that ends in front of a file says that what is read is put there: "collect the links
/// in", "load the table into".
fn is_kept_in(clause: &str, verb: &str) -> bool {
    match words(clause.trim_end().trim_end_matches(['`', '*', '[', '('])).last() {
        Some("to" | "into" | "onto" | "as") => true,
        Some("in" | "under") => {
            matches!(verb, "collect" | "gather" | "list" | "get" | "fetch" | "retrieve")
        }
        _ => false,
    }
}

fn has_extension(word: &str) -> bool {
    let extension = word.rsplit('/').next().and_then(|name| name.rsplit_once('.'));
    extension.is_some_and(|(stem, extension)| {
        !stem.is_empty()
            && extension.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
            && extension.bytes().any(|b| b.is_ascii_lowercase())
    })
}

/// A file without what stands for the folder that one is in.
fn file_name(path: &str) -> &str {
    path.trim_start_matches("./")
}

/// Where a part of a text lies in it.
fn offset_of(text: &str, part: &str) -> usize {
    Span::of_slice(text, part).map_or(0, |span| span.start)
}

/// "step 2", "steps 1 and 2", "steps 1-3".
pub(super) fn named_steps(lower: &str) -> Vec<String> {
    let mut named = Vec::new();
    let lower = lower.replace(" and ", " & ").replace(" or ", " & ");
    let lower = lower.replace(" to ", "-").replace(" through ", "-");
    for (at, _) in lower.match_indices("step") {
        let rest = lower.get(at + 4..).unwrap_or("").trim_start_matches('s');
        let Some(rest) = rest.strip_prefix([' ', '-']) else { continue };
        let end = rest
            .find(|c: char| !(c.is_ascii_digit() || matches!(c, ' ' | '-' | '–' | ',' | '&')))
            .unwrap_or(rest.len());
        let numbers = rest.get(..end).unwrap_or("");
        let numbers: Vec<u64> = numbers
            .split(|c: char| !c.is_ascii_digit())
            .filter_map(|number| number.parse().ok())
            .take(8)
            .collect();
        named.extend(numbers.iter().map(u64::to_string));
        // "steps 1-3" means 2 as well.
        if let [first, last] = numbers.as_slice()
            && rest.get(..end).is_some_and(|text| text.contains(['-', '–']))
            && last.saturating_sub(*first) < 32
        {
            named.extend((*first..*last).map(|number| number.to_string()));
        }
    }
    named
}

/// A line without Markdown marks and without a leading `Step 2:`, cut to a bounded length.
fn title(text: &str) -> String {
    let line = text.lines().next().unwrap_or("").trim_start_matches('#').trim();
    line.chars().filter(|c| *c != '*').take(TITLE).collect::<String>().trim().to_owned()
}

/// A text without `*`, `_` and `#` at the heads of words.
fn without_marks(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, '*' | '#')).collect()
}

/// A title without its number and `Step 2:`.
pub(super) fn without_label(title: &str) -> &str {
    let rest =
        title.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | ')' | ' '));
    for word in ["step", "phase"] {
        let behind = rest.get(..word.len()).filter(|head| head.eq_ignore_ascii_case(word));
        if behind.is_some() {
            return rest
                .get(word.len()..)
                .unwrap_or("")
                .trim_start_matches(|c: char| c.is_ascii_digit() || ".):-– ".contains(c));
        }
    }
    rest
}

/// The verb that opens a title.
pub(super) fn verb_of(title: &str) -> Option<String> {
    let mut words = words(without_label(title)).map(str::to_lowercase);
    let first = words.next()?;
    match first.as_str() {
        "first" | "also" | "always" => words.next(),
        _ => Some(first),
    }
}
