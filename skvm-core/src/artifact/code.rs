//! The code in a skill, read once for all passes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Artifact, ArtifactKey};
use crate::span::Span;

/// What the `code` pass found in fences, inline code and bundled scripts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CodeIndex {
    /// Fences and inline code in source order, then bundle files in path order.
    pub blocks: Vec<CodeBlock>,
}

impl Artifact for CodeIndex {
    const KEY: ArtifactKey = ArtifactKey::new("code");
}

/// One piece of code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CodeBlock {
    /// Where it comes from.
    pub origin: CodeOrigin,
    /// What was found in it, by what it is rather than by how it is labelled.
    pub facts: CodeFacts,
    /// Commands in source order; for shell only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub commands: Vec<Command>,
    /// Names of the functions that it defines; for shell only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub functions: Vec<String>,
    /// Imports in source order; for Python and JavaScript only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub imports: Vec<Import>,
    /// Environment variables that it reads or exports, in source order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variables: Vec<VariableUse>,
    /// Addresses that it names, in source order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<Address>,
    /// Uses of the skill's own files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scripts: Vec<ScriptUse>,
    /// What is left for the reader to fill in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub placeholders: Vec<Placeholder>,
}

/// Where code comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CodeOrigin {
    /// A code block of the document: its index in
    /// [`Document::fences`](crate::document::Document::fences), and the whole block.
    Fence {
        /// The index.
        index: usize,
        /// The whole block.
        span: Span,
    },
    /// Inline code: its index in [`Document::code_spans`](crate::document::Document::code_spans),
    /// and the part between the backticks.
    Inline {
        /// The index.
        index: usize,
        /// The content.
        span: Span,
    },
    /// A file of the bundle.
    File {
        /// Its path.
        path: String,
    },
}

impl CodeOrigin {
    /// The place in `SKILL.md`; `None` for a bundle file.
    #[must_use]
    pub fn span(&self) -> Option<Span> {
        match self {
            Self::Fence { span, .. } | Self::Inline { span, .. } => Some(*span),
            Self::File { .. } => None,
        }
    }
}

/// The shape of a piece of code.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CodeFacts {
    /// What it is.
    pub language: CodeLanguage,
    /// Lines that are not blank.
    pub lines: usize,
    /// Shell pipes.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub pipes: usize,
    /// Commands that run only if the one before them succeeds: `&&`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub chains: usize,
    /// Shell redirects of output.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub redirects: usize,
    /// Shell loops and conditions.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub loops: usize,
    /// Here documents.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub heredocs: usize,
    /// Whether the parser met something that it did not understand, a placeholder for instance.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_errors: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// What a piece of code is, whatever its label says.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum CodeLanguage {
    /// Shell commands.
    Shell,
    /// Python.
    Python,
    /// JavaScript or TypeScript.
    JavaScript,
    /// JSON or YAML.
    Data,
    /// SQL.
    Sql,
    /// HTML, SVG or XML.
    Markup,
    /// Markdown: usually a template to fill in.
    Markdown,
    /// Prose, output, diagrams, or a language that is not looked into.
    #[default]
    Other,
}

/// One shell command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Command {
    /// The program's name without its folder; empty when it is computed, as in `$TOOL x`.
    pub program: String,
    /// The words behind the program as written, quotes taken off where that is plain.
    pub arguments: Vec<String>,
    /// The whole command: in `SKILL.md`, or in the bundle file.
    pub span: Span,
    /// The program's word.
    pub word: Span,
}

/// One imported module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Import {
    /// The full name: dotted in Python, with its path in JavaScript.
    pub module: String,
    /// What is taken from it, for Python's `from … import …`: names that may be modules below it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// Whether the code goes on without it: a `try` around it whose handler does not give up, or it
    /// serves type checking only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
    /// The condition around it, where a marker can say it: `sys_platform == "win32"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marker: Option<String>,
    /// The statement: in `SKILL.md`, or in the bundle file.
    pub span: Span,
}

/// A use of an environment variable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VariableUse {
    /// The variable.
    pub name: String,
    /// How it is used.
    pub access: VariableAccess,
    /// The use.
    pub span: Span,
}

/// How code uses an environment variable.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum VariableAccess {
    /// It is read from the environment.
    Reads,
    /// It is read, and there is something to take in its place.
    ReadsOrDefault,
    /// It is expanded by a shell, where a variable of the script's own looks the same.
    Expands,
    /// It is exported for others to read.
    Exports,
    /// It is set for the shell itself.
    Sets,
}

/// A web address in code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Address {
    /// The host in lower case, with the port where one is told.
    pub host: String,
    /// The address as far as it is written out.
    pub span: Span,
}

/// A reference to a file of the skill's own bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ScriptUse {
    /// The file's path in the bundle.
    pub path: String,
    /// The reference as written.
    pub span: Span,
    /// Whether the reference stands where a program stands: the shell would execute the file itself.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub as_program: bool,
    /// Whether a command runs the file, by itself or through an interpreter.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub run: bool,
    /// Whether the reference is an absolute path.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub absolute: bool,
}

/// Something left for the reader to fill in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Placeholder {
    /// What it is called, in lower case with `_` between words.
    pub name: String,
    /// How it is spelled.
    pub kind: PlaceholderKind,
    /// Where it stands, marks included.
    pub span: Span,
}

/// The spellings of placeholders that stand out in real skills.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum PlaceholderKind {
    /// `<city>`, `<INPUT_FILE>`
    Angle,
    /// `{city}`, `{CITY}`
    Brace,
    /// `{{city}}`
    DoubleBrace,
    /// `YOUR_API_KEY`, `MY_TOKEN`
    YourUpper,
    /// `your-city`, `my-project`
    YourLower,
    /// `path/to/file`
    PathTo,
}
