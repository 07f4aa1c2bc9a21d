//! Variants: skills compiled for one target.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use skvm_core::artifact::ArtifactSet;
use skvm_core::diagnostic::Diagnostic;
use skvm_core::digest::Digest;
use skvm_core::edit::Edits;
use skvm_core::harness::{HarnessFeatures, SkillView};
use skvm_core::pass::PassId;
use skvm_core::skill::Skill;
use skvm_core::target::{ModelId, Target};

use crate::guard::Verified;

/// A skill compiled for one target: what was compiled, the edits, the text they give, the artifacts.
///
/// Only [`PassManager::compile`](crate::manager::PassManager::compile) makes one, and only out of what
/// the guard has verified. Reading one back from JSON checks its digest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Variant {
    digest: Digest,
    manifest: Manifest,
    text: String,
    edits: Edits,
    artifacts: ArtifactSet,
    diagnostics: Vec<Diagnostic>,
}

/// What a variant was compiled from and by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// The skill's name.
    pub skill: String,
    /// The skill's digest.
    pub source: Digest,
    /// The target.
    pub target: Target,
    /// The digest of the profile's levels; `None` without a profile.
    pub profile: Option<Digest>,
    /// The folder where the bundle lies when the skill runs.
    pub install_dir: PathBuf,
    /// The digest of the machine's facts; `None` when it was compiled for no machine in particular.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<Digest>,
    /// What the target's harness can do, as far as it was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub features: Option<HarnessFeatures>,
    /// The digest of what failures taught, when it was compiled with that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lessons: Option<Digest>,
    /// The passes in the order in which they ran.
    pub pipeline: Vec<PassVersion>,
    /// The model that passes could refine with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refiner: Option<ModelId>,
}

/// A pass as far as it determines what it makes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassVersion {
    /// The pass.
    pub pass: PassId,
    /// Its version.
    pub version: u32,
    /// Its configuration.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub configuration: String,
}

impl Manifest {
    /// Names the work: equal keys, equal variants.
    #[must_use]
    pub fn key(&self) -> Digest {
        let mut builder = Digest::builder("variant-key")
            .field(self.source.to_string().as_bytes())
            .field(self.skill.as_bytes())
            .field(self.target.model.as_str().as_bytes())
            .field(self.target.harness.as_str().as_bytes())
            .field(self.profile.map(|digest| digest.to_string()).unwrap_or_default().as_bytes())
            .field(self.install_dir.as_os_str().as_encoded_bytes());
        for pass in &self.pipeline {
            builder.add(pass.pass.as_str().as_bytes());
            builder.add(&pass.version.to_le_bytes());
            builder.add(pass.configuration.as_bytes());
        }
        if let Some(host) = &self.host {
            builder.add(b"host");
            builder.add(host.to_string().as_bytes());
        }
        if let Some(features) = &self.features {
            builder.add(b"features");
            // The type holds nothing that serde_json refuses.
            builder.add(&serde_json::to_vec(features).unwrap_or_default());
        }
        if let Some(lessons) = &self.lessons {
            builder.add(b"lessons");
            builder.add(lessons.as_bytes());
        }
        if let Some(refiner) = &self.refiner {
            builder.add(b"refiner");
            builder.add(refiner.as_str().as_bytes());
        }
        builder.finish()
    }
}

impl Variant {
    pub(crate) fn publish(
        verified: Verified,
        manifest: Manifest,
        artifacts: ArtifactSet,
        diagnostics: Vec<Diagnostic>,
    ) -> Self {
        let Verified { text, edits } = verified;
        let digest = digest_of(&manifest, &text, &edits, &artifacts, &diagnostics);
        Self { digest, manifest, text, edits, artifacts, diagnostics }
    }

    /// Names the content.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// What it was compiled from and by.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The compiled text of `SKILL.md`.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The edits that lead from the source to the text.
    #[must_use]
    pub fn edits(&self) -> &Edits {
        &self.edits
    }

    /// What the passes found out.
    #[must_use]
    pub fn artifacts(&self) -> &ArtifactSet {
        &self.artifacts
    }

    /// What the passes and the guard told.
    #[must_use]
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// The variant as a harness delivers it. `skill` is the skill that it was compiled from.
    #[must_use]
    pub fn view(&self, skill: &Skill) -> SkillView {
        SkillView { text: self.text.clone(), ..SkillView::of(skill) }
    }
}

fn digest_of(
    manifest: &Manifest,
    text: &str,
    edits: &Edits,
    artifacts: &ArtifactSet,
    diagnostics: &[Diagnostic],
) -> Digest {
    let mut builder = Digest::builder("variant")
        .field(manifest.key().to_string().as_bytes())
        .field(text.as_bytes())
        // These types hold nothing that serde_json refuses.
        .field(&serde_json::to_vec(edits).unwrap_or_default())
        .field(&serde_json::to_vec(diagnostics).unwrap_or_default());
    for key in artifacts.keys() {
        builder.add(key.as_bytes());
        builder.add(artifacts.json(key).unwrap_or("").as_bytes());
    }
    builder.finish()
}

/// The stored form, before its digest is checked.
#[derive(Deserialize)]
struct Unchecked {
    digest: Digest,
    manifest: Manifest,
    text: String,
    edits: Edits,
    artifacts: ArtifactSet,
    diagnostics: Vec<Diagnostic>,
}

/// A stored variant is not what was published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("variant of skill {skill:?} is damaged: its content does not have the digest {digest}")]
pub struct DamagedVariant {
    skill: String,
    digest: Digest,
}

impl TryFrom<Unchecked> for Variant {
    type Error = DamagedVariant;

    fn try_from(stored: Unchecked) -> Result<Self, DamagedVariant> {
        let Unchecked { digest, manifest, text, edits, artifacts, diagnostics } = stored;
        if digest_of(&manifest, &text, &edits, &artifacts, &diagnostics) != digest {
            return Err(DamagedVariant { skill: manifest.skill, digest });
        }
        Ok(Self { digest, manifest, text, edits, artifacts, diagnostics })
    }
}
