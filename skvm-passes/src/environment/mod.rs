//! The `environment` pass (PASS-2): what a skill needs on the machine.
//!
//! # What it does
//! Writes [`Dependencies`], merged from what is declared (front matter, requirements files,
//! `package.json`, install commands) and what is used (imports, commands, scripts' interpreters, files
//! that the bundle lacks). Every entry keeps its evidence. A declaration wins over a name inferred from
//! an import; the standard library, the skill's own modules, shell builtins and core utilities are no
//! dependencies.
//!
//! # Requires
//! The [`CodeIndex`].
//!
//! # Preserves
//! The text: this pass makes no edit.
//!
//! # Cost
//! Linear in what the `code` pass found.

mod collector;
mod declared;
mod program;
mod python;
mod used;

use async_trait::async_trait;
use skvm_core::artifact::{Artifact, ArtifactKey, CodeIndex, Dependencies};
use skvm_core::pass::{Pass, PassContext, PassError, PassId};
use skvm_core::skill::Skill;

use collector::Collector;
pub(crate) use python::is_python_stdlib;

/// See the [module](self).
#[derive(Debug, Clone, Copy, Default)]
pub struct EnvironmentPass;

#[async_trait]
impl Pass for EnvironmentPass {
    fn id(&self) -> PassId {
        PassId::new("environment")
    }

    fn version(&self) -> u32 {
        1
    }

    fn reads(&self) -> &'static [ArtifactKey] {
        &[CodeIndex::KEY]
    }

    fn writes(&self) -> &'static [ArtifactKey] {
        &[Dependencies::KEY]
    }

    async fn run(&self, cx: &mut PassContext<'_>) -> Result<(), PassError> {
        let code = cx.artifact::<CodeIndex>()?.unwrap_or_default();
        cx.put(dependencies(cx.skill(), &code))
    }
}

/// The dependencies of a skill whose code is already read.
#[must_use]
pub fn dependencies(skill: &Skill, code: &CodeIndex) -> Dependencies {
    let mut collector = Collector::new(skill);
    declared::collect(skill, code, &mut collector);
    used::collect(skill, code, &mut collector);
    collector.finish()
}
