//! Agent skills: a folder with a `SKILL.md` and bundle files, in the agentskills.io format.
//!
//! Loading forgives what real skills get wrong and says so in [`Skill::diagnostics`]; it refuses
//! only what has no readable `SKILL.md`. Nothing in a skill is executed by loading it.

mod bundle;
mod codes;
mod discover;
mod front_matter;
mod lint;
mod load;
mod metadata;
mod repair;
mod yaml;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use bundle::{Bundle, BundleFile, BundleReference, ResolutionRule};
pub use discover::discover;
pub use front_matter::{FrontMatter, FrontMatterState};
pub use lint::{LINTS, Lint, LintClass};
pub use load::{LoadError, LoadLimits};
pub use metadata::{InstallSpec, Metadata, Requires, VendorMetadata};
pub use yaml::Field;

use crate::diagnostic::Diagnostic;
use crate::digest::Digest;
use crate::document::Document;

/// A loaded skill.
///
/// Its identity is the path and [`Skill::digest`]; the name is only what the author wrote, and many
/// skills share one.
///
/// ```
/// use skvm_core::skill::Skill;
///
/// let skill = Skill::from_text("notes", "---\nname: notes\ndescription: Takes notes.\n---\n# Notes\n");
/// assert_eq!(skill.name(), "notes");
/// assert_eq!(skill.description(), Some("Takes notes."));
/// assert_eq!(skill.document().print(skill.source()), skill.source());
/// ```
#[derive(Debug, Clone)]
pub struct Skill {
    root: PathBuf,
    entry: String,
    source: Arc<str>,
    front_matter: FrontMatter,
    metadata: Metadata,
    document: Document,
    bundle: Bundle,
    nested: Vec<String>,
    digest: Digest,
    diagnostics: Vec<Diagnostic>,
}

impl Skill {
    /// Loads the skill at `path`, a folder or a Markdown file, within the default limits.
    ///
    /// # Errors
    /// [`LoadError`] when there is no readable `SKILL.md`.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, LoadError> {
        Self::load_with(path, &LoadLimits::default())
    }

    /// Loads the skill at `path` within the given limits.
    ///
    /// # Errors
    /// [`LoadError`] when there is no readable `SKILL.md`, or it is over the limit.
    pub fn load_with(path: impl AsRef<Path>, limits: &LoadLimits) -> Result<Self, LoadError> {
        load::load(path.as_ref(), limits)
    }

    /// A skill from the text of its `SKILL.md`, without a bundle and without touching the disk.
    /// `root` is the folder that it is said to live in.
    #[must_use]
    pub fn from_text(root: impl Into<PathBuf>, text: impl Into<String>) -> Self {
        let loaded = load::Loaded {
            root: root.into(),
            entry: "SKILL.md".to_owned(),
            source: text.into().into(),
            bundle: Bundle::default(),
            nested: Vec::new(),
            diagnostics: Vec::new(),
        };
        loaded.into_skill()
    }

    /// The same skill with another text: same folder, same bundle. For looking at what a compiled
    /// text demands; it is not checked against the specification, so it has no diagnostics.
    #[must_use]
    pub fn with_text(&self, text: impl Into<String>) -> Self {
        let source: Arc<str> = text.into().into();
        let body = self.document.span().start;
        // Valid front matter ends at its closing line, whatever follows.
        let same_front_matter = self.front_matter.state() == FrontMatterState::Valid
            && source.get(..body) == self.source.get(..body);
        let loaded = load::Loaded {
            root: self.root.clone(),
            entry: self.entry.clone(),
            source,
            bundle: self.bundle.clone(),
            nested: self.nested.clone(),
            diagnostics: Vec::new(),
        };
        if same_front_matter {
            loaded.with_front_matter(self.front_matter.clone(), self.metadata.clone(), body)
        } else {
            let mut skill = loaded.into_skill();
            skill.diagnostics.clear();
            skill
        }
    }

    /// The folder that the skill was loaded from.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The name of the Markdown file in [`Skill::root`], as it is on disk.
    #[must_use]
    pub fn entry(&self) -> &str {
        &self.entry
    }

    /// The text that all spans point into.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The declared name, or the folder's name when none is declared.
    #[must_use]
    pub fn name(&self) -> &str {
        match &self.metadata.name {
            Some(name) if !name.trim().is_empty() => name.trim(),
            _ => self.folder_name(),
        }
    }

    /// The declared description, exactly as the YAML has it.
    #[must_use]
    pub fn description(&self) -> Option<&str> {
        self.metadata.description.as_deref()
    }

    /// The name of the folder; empty when the path has none.
    #[must_use]
    pub fn folder_name(&self) -> &str {
        self.root.file_name().and_then(|name| name.to_str()).unwrap_or("")
    }

    /// The front matter with every key.
    #[must_use]
    pub fn front_matter(&self) -> &FrontMatter {
        &self.front_matter
    }

    /// The keys of the front matter whose meaning is known.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The Markdown body.
    #[must_use]
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// The other files of the folder.
    #[must_use]
    pub fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    /// Folders below this one that are skills of their own, relative to [`Skill::root`].
    #[must_use]
    pub fn nested(&self) -> &[String] {
        &self.nested
    }

    /// Names the content: the text and every bundle file, wherever the folder lies.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// What was found wrong or unusual while loading, in source order.
    #[must_use]
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }
}
