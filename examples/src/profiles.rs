//! Profiles by file or by the name of one that is shipped.

use std::fs;
use std::path::{Path, PathBuf};

use skvm_core::capability::CapabilityProfile;
use skvm_core::target::Target;

use crate::usage::Stop;

/// The profile in a file, or a shipped one by its name: `qwen3.5-9b--bare-agent`, or its beginning
/// when only one begins so.
///
/// # Errors
/// [`Stop::Usage`] when there is no such file or name, [`Stop::Failed`] when it is no profile.
pub fn find(name: &str) -> Result<CapabilityProfile, Stop> {
    if Path::new(name).is_file() {
        let text = fs::read_to_string(name)?;
        return CapabilityProfile::from_json(&text)
            .map_err(|error| Stop::usage(format!("{name:?} is no profile: {error}")));
    }
    let mut matching = Vec::new();
    for path in shipped()? {
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or("");
        if stem == name {
            matching = vec![path];
            break;
        }
        if stem.starts_with(name) {
            matching.push(path);
        }
    }
    match matching.as_slice() {
        [path] => Ok(CapabilityProfile::from_json(&fs::read_to_string(path)?)?),
        [] => Err(Stop::usage(format!("{name:?} is neither a file nor a shipped profile"))),
        many => Err(Stop::usage(format!("{name:?} is the beginning of {} profiles", many.len()))),
    }
}

/// The shipped profile of a target, if there is one.
///
/// # Errors
/// [`Stop::Failed`] when a shipped profile cannot be read.
pub fn of(target: &Target) -> Result<Option<CapabilityProfile>, Stop> {
    for path in shipped()? {
        let profile = CapabilityProfile::from_json(&fs::read_to_string(path)?)?;
        if profile.target() == *target {
            return Ok(Some(profile));
        }
    }
    Ok(None)
}

fn shipped() -> Result<Vec<PathBuf>, Stop> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("profiles");
    let mut paths = Vec::new();
    for entry in fs::read_dir(&folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}
