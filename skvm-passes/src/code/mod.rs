//! The `code` pass: reads the code of a skill once, for all later passes.
//!
//! # What it does
//! Writes [`CodeIndex`]: for each fence, for inline code that is a command or names a bundle file,
//! and for bundled scripts, the commands, imports, environment variables, web addresses, uses of the
//! skill's own files, and placeholders.
//! What a block *is* is decided by its content as much as by its label: of 11,547 blocks labelled
//! `bash` in published skills, 600 are something else.
//!
//! # Requires
//! Nothing.
//!
//! # Preserves
//! The text: this pass makes no edit.
//!
//! # Cost
//! One parse a shell, Python or JavaScript block; blocks over [`MAX_BYTES`] are not parsed.

mod classify;
mod inline;
mod javascript;
mod placeholder;
mod python;
mod shell;
mod surroundings;
pub(crate) mod syntax;
mod word;

use async_trait::async_trait;
use skvm_core::artifact::{
    Artifact, ArtifactKey, CodeBlock, CodeIndex, CodeLanguage, CodeOrigin, Command, Placeholder,
};
use skvm_core::diagnostic::{Code, Diagnostic};
use skvm_core::document::{Fence, Language};
use skvm_core::pass::{Pass, PassContext, PassError, PassId};
use skvm_core::skill::{Bundle, BundleFile, Skill};
use skvm_core::span::Span;

use syntax::Dialect;

pub(crate) use classify::is_well_known;
pub(crate) use placeholder::placeholders;
pub(crate) use shell::{launched, looks_like_path};
pub(crate) use surroundings::is_variable;
pub(crate) use word::{means_own, path_at, path_is_plain};

/// Longer pieces of code are counted and not parsed, so that a hostile block cannot hold up a host.
pub const MAX_BYTES: usize = 256 * 1024;

/// See the [module](self).
#[derive(Debug, Clone, Copy, Default)]
pub struct CodePass;

#[async_trait]
impl Pass for CodePass {
    fn id(&self) -> PassId {
        PassId::new("code")
    }

    fn version(&self) -> u32 {
        2
    }

    fn writes(&self) -> &'static [ArtifactKey] {
        &[CodeIndex::KEY]
    }

    async fn run(&self, cx: &mut PassContext<'_>) -> Result<(), PassError> {
        syntax::forget();
        let index = analyze(cx.skill());
        for block in index.blocks.iter().filter(|block| block.facts.lines == usize::MAX) {
            let what = match &block.origin {
                CodeOrigin::File { path } => path.clone(),
                CodeOrigin::Fence { .. } | CodeOrigin::Inline { .. } => "a code block".to_owned(),
            };
            let message = format!("{what} has more than {MAX_BYTES} bytes and was not looked into");
            cx.diagnose(Diagnostic::warning(Code::new("code/too-long"), message));
        }
        cx.put(index)
    }
}

/// The code of a skill: of its text, then of its bundled scripts.
#[must_use]
pub fn analyze(skill: &Skill) -> CodeIndex {
    let mut index = analyze_text(skill);
    index.blocks.extend(skill.bundle().files().iter().filter_map(|file| analyze_file(skill, file)));
    index
}

/// The code in a skill's text. For comparing a skill with its edited text, whose bundle is the same.
#[must_use]
pub fn analyze_text(skill: &Skill) -> CodeIndex {
    let document = skill.document();
    let mut blocks = Vec::with_capacity(document.fences().len());
    for (index, fence) in document.fences().iter().enumerate() {
        blocks.push(analyze_fence(skill, index, fence));
    }
    for (index, code) in document.code_spans().iter().enumerate() {
        blocks.extend(inline::analyze(skill, index, code.content()));
    }
    blocks.sort_by_key(|block| block.origin.span().map_or(usize::MAX, |span| span.start));
    CodeIndex { blocks }
}

/// The commands of a shell text that does not come from a skill, such as an agent's tool call.
#[must_use]
pub fn shell_commands(code: &str) -> ShellCommands {
    let origin = CodeOrigin::File { path: String::new() };
    let mut block = empty_block(origin, CodeLanguage::Shell, code);
    if code.len() > MAX_BYTES {
        return ShellCommands { commands: Vec::new(), understood: false };
    }
    // Parsed as it stands: what looks like a placeholder here is a redirect that will be made.
    shell::analyze_all(code, code, &Bundle::default(), &|span| span, &mut block);
    let understood =
        !block.facts.has_errors && block.commands.iter().all(|command| !command.program.is_empty());
    ShellCommands { commands: block.commands, understood }
}

/// What is left to fill in in a text that does not come from a skill, such as an agent's tool call.
#[must_use]
pub fn placeholders_in(code: &str) -> Vec<Placeholder> {
    if code.len() > MAX_BYTES { Vec::new() } else { placeholders(code, &|span| span) }
}

/// The commands of a shell text of a skill, with placeholders taken for words.
pub(crate) fn masked_shell_commands(code: &str) -> ShellCommands {
    let origin = CodeOrigin::File { path: String::new() };
    let mut block = empty_block(origin, CodeLanguage::Shell, code);
    shell::analyze(code, &Bundle::default(), &|span| span, &mut block);
    ShellCommands { understood: !block.facts.has_errors, commands: block.commands }
}

/// See [`shell_commands`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShellCommands {
    /// Every command, also those inside substitutions, loops and functions.
    pub commands: Vec<Command>,
    /// Whether all of the text was understood and no program's name is computed.
    pub understood: bool,
}

fn empty_block(origin: CodeOrigin, language: CodeLanguage, code: &str) -> CodeBlock {
    let mut facts = skvm_core::artifact::CodeFacts { language, ..Default::default() };
    facts.lines = code.lines().filter(|line| !line.trim().is_empty()).count();
    CodeBlock {
        origin,
        facts,
        commands: Vec::new(),
        functions: Vec::new(),
        imports: Vec::new(),
        variables: Vec::new(),
        addresses: Vec::new(),
        scripts: Vec::new(),
        placeholders: Vec::new(),
    }
}

fn analyze_fence(skill: &Skill, index: usize, fence: &Fence) -> CodeBlock {
    let code = fence.code(skill.source());
    let origin = CodeOrigin::Fence { index, span: fence.span() };
    let language = classify::fence(fence.language(), &code, skill.bundle());
    let mut block = empty_block(origin, language, &code);
    if code.len() > MAX_BYTES {
        block.facts.lines = usize::MAX;
        return block;
    }
    let to_source = |span: Span| fence.source_span(span);
    let dialect = match fence.language() {
        Language::TypeScript if !fence.info().starts_with("tsx") => Dialect::TypeScript,
        _ => Dialect::Jsx,
    };
    parse(language, dialect, &code, skill.bundle(), &to_source, &mut block);
    if language != CodeLanguage::Other {
        block.placeholders = placeholders(&code, &to_source);
    }
    block
}

/// Folders of a bundle that hold other people's packages; loading leaves out more.
const VENDORED: [&str; 2] = ["site-packages", "venv"];

/// Scripts of the bundle whose language is looked into.
fn analyze_file(skill: &Skill, file: &BundleFile) -> Option<CodeBlock> {
    let code = file.text()?;
    let (language, dialect) = match (file.extension().as_str(), file.interpreter()) {
        ("ts" | "mts" | "cts", _) => (CodeLanguage::JavaScript, Dialect::TypeScript),
        ("jsx" | "tsx", _) | (_, Some("node")) => (CodeLanguage::JavaScript, Dialect::Jsx),
        (_, Some("python3")) => (CodeLanguage::Python, Dialect::Jsx),
        (_, Some("bash" | "sh")) => (CodeLanguage::Shell, Dialect::Jsx),
        _ => return None,
    };
    if file.path().split('/').any(|part| VENDORED.contains(&part)) {
        return None;
    }
    let origin = CodeOrigin::File { path: file.path().to_owned() };
    let mut block = empty_block(origin, language, code);
    if code.len() > MAX_BYTES {
        block.facts.lines = usize::MAX;
        return Some(block);
    }
    parse(language, dialect, code, skill.bundle(), &|span| span, &mut block);
    Some(block)
}

/// Fills in what a piece of code holds.
fn parse(
    language: CodeLanguage,
    dialect: Dialect,
    code: &str,
    bundle: &Bundle,
    to_source: &dyn Fn(Span) -> Span,
    block: &mut CodeBlock,
) {
    match language {
        CodeLanguage::Shell => shell::analyze(code, bundle, to_source, block),
        CodeLanguage::Python => python::analyze(code, to_source, block),
        CodeLanguage::JavaScript => javascript::analyze(code, dialect, to_source, block),
        CodeLanguage::Data
        | CodeLanguage::Sql
        | CodeLanguage::Markup
        | CodeLanguage::Markdown
        | CodeLanguage::Other => return,
    }
    surroundings::analyze(code, to_source, block);
}
