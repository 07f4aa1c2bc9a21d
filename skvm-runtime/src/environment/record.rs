//! What was done for a plan, kept beside the environment.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};
use skvm_core::digest::Digest;

/// The name of the file in the environment's folder.
const FILE: &str = "prepared.json";

/// Which actions of a plan are done. It is written last: a folder without it was not finished.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    /// The plan, the host included.
    pub(super) plan: Digest,
    /// The actions that were done and verified.
    pub(super) done: BTreeSet<String>,
    /// The optional actions that failed, with the end of their output. They are not tried again.
    pub(super) failed: BTreeMap<String, String>,
}

impl Record {
    pub(super) fn new(plan: Digest) -> Self {
        Self { plan, done: BTreeSet::new(), failed: BTreeMap::new() }
    }

    /// Whether nothing was recorded.
    pub(super) fn is_empty(&self) -> bool {
        self.done.is_empty() && self.failed.is_empty()
    }

    /// The record of a folder; `None` when there is none for this plan, or it cannot be read.
    pub(super) fn read(folder: &Path, plan: Digest) -> Option<Self> {
        let text = fs::read(folder.join(FILE)).ok()?;
        serde_json::from_slice::<Self>(&text).ok().filter(|record| record.plan == plan)
    }

    /// Writes the record; it is there as a whole or not at all.
    pub(super) fn write(&self, folder: &Path) -> io::Result<()> {
        let draft = folder.join(format!("{FILE}.new"));
        fs::write(&draft, serde_json::to_vec_pretty(self)?)?;
        fs::rename(&draft, folder.join(FILE))
    }
}
