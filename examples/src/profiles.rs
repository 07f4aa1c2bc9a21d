//! Profiles by file or by the name of one that is shipped.

use std::fs;
use std::path::Path;

use skvm_core::capability::CapabilityProfile;

use crate::usage::Stop;

/// The profile in a file, or a shipped one by its name: `qwen3.5-9b--bare-agent`, or its beginning
/// when only one begins so.
///
/// # Errors
/// [`Stop::Usage`] when there is no such file or name, [`Stop::Failed`] when it is no profile.
pub fn find(name: &str) -> Result<CapabilityProfile, Stop> {
    if Path::new(name).is_file() {
        return Ok(CapabilityProfile::from_json(&fs::read_to_string(name)?)?);
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("profiles");
    let mut matching = Vec::new();
    for entry in fs::read_dir(&folder)? {
        let path = entry?.path();
        let is_profile = path.extension().is_some_and(|extension| extension == "json");
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or("");
        if is_profile && stem == name {
            matching = vec![path];
            break;
        }
        if is_profile && stem.starts_with(name) {
            matching.push(path);
        }
    }
    match matching.as_slice() {
        [path] => Ok(CapabilityProfile::from_json(&fs::read_to_string(path)?)?),
        [] => Err(Stop::usage(format!("{name:?} is neither a file nor a shipped profile"))),
        many => Err(Stop::usage(format!("{name:?} is the beginning of {} profiles", many.len()))),
    }
}
