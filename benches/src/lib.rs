//! Inputs of the benches: the skills that are shipped with the examples, and any others.

use std::fs;
use std::path::{Path, PathBuf};

use skvm_core::skill::{LoadError, Skill, discover};

/// A skill's name and the text of its `SKILL.md`.
#[derive(Debug, Clone)]
pub struct Input {
    /// The folder's name.
    pub name: String,
    /// The folder.
    pub root: PathBuf,
    /// The text.
    pub text: String,
}

/// The skills that are shipped with the examples.
///
/// # Errors
/// [`LoadError`] when one cannot be read.
pub fn shipped() -> Result<Vec<Input>, LoadError> {
    below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/skills"))
}

/// The skills below the folder that the environment variable `SKVM_CORPUS` names; none without it.
///
/// # Errors
/// [`LoadError`] when one cannot be read.
pub fn corpus() -> Result<Vec<Input>, LoadError> {
    match std::env::var_os("SKVM_CORPUS") {
        Some(folder) => below(Path::new(&folder)),
        None => Ok(Vec::new()),
    }
}

fn below(folder: &Path) -> Result<Vec<Input>, LoadError> {
    let mut inputs = Vec::new();
    for root in discover(folder)? {
        let skill = Skill::load(&root)?;
        let path = root.join(skill.entry());
        let text = fs::read_to_string(&path).map_err(|source| LoadError::Io { path, source })?;
        inputs.push(Input { name: skill.folder_name().to_owned(), root, text });
    }
    Ok(inputs)
}
