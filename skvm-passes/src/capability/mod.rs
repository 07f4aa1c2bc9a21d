//! The `capability` pass (PASS-1): lowers a skill's demands to what the target has.
//!
//! # What it does
//! Writes [`Gaps`], the requirements above the target's profile, and makes the edits of its
//! [rules](RewriteRule) where a gap calls for them. Afterwards the requirements are extracted again
//! from the edited text: a gap counts as closed only if the demand really fell.
//!
//! # Before/after
//! For a target below L2 in `tool.exec`, with the skill installed in `/opt/skills/pdf`:
//! `./scripts/merge.py a.pdf b.pdf` becomes `python3 /opt/skills/pdf/scripts/merge.py a.pdf b.pdf`.
//!
//! # Requires
//! [`Requirements`], [`CodeIndex`], a profile. An unmeasured primitive gets no edit.
//!
//! # Preserves
//! Everything that the [guard](crate::guard) checks.
//!
//! # Cost
//! One more parse and extraction of the edited text, when there are edits.

mod script_path;

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use skvm_core::artifact::{Artifact, ArtifactKey, CodeIndex};
use skvm_core::capability::{Gap, Gaps, Primitive, Requirements};
use skvm_core::edit::{Edit, Edits};
use skvm_core::pass::{Pass, PassContext, PassError, PassId};
use skvm_core::skill::Skill;

pub use script_path::ScriptPath;

use crate::{code, requirements};

/// Lowers one kind of demand by edits.
///
/// ```
/// use skvm_core::capability::Primitive;
/// use skvm_core::edit::{Edit, EditKind, EditReason};
/// use skvm_passes::capability::{CapabilityPass, RewriteRule, RuleInput};
///
/// /// Tells targets that are weak in arithmetic to compute with a program.
/// #[derive(Debug)]
/// struct ComputeByProgram;
///
/// impl RewriteRule for ComputeByProgram {
///     fn id(&self) -> &'static str {
///         "compute-by-program"
///     }
///
///     fn primitives(&self) -> &'static [Primitive] {
///         &[Primitive::ReasonArithmetic]
///     }
///
///     fn edits(&self, input: &RuleInput<'_>) -> Vec<Edit> {
///         let end = input.skill.source().len();
///         let note = "arithmetic is left to a program";
///         let reason = EditReason::new(self.id(), EditKind::Compensation, note);
///         vec![Edit::insert(end, "\nCompute every number with `python3 -c`.\n", reason)]
///     }
/// }
///
/// let pass = CapabilityPass::standard().with_rule(ComputeByProgram);
/// # drop(pass);
/// ```
pub trait RewriteRule: std::fmt::Debug + Send + Sync {
    /// Names the rule in the reasons of its edits.
    fn id(&self) -> &'static str;

    /// The primitives whose demand it lowers; it is asked only when one of them has a gap.
    fn primitives(&self) -> &'static [Primitive];

    /// The edits; none where the rule does not apply.
    fn edits(&self, input: &RuleInput<'_>) -> Vec<Edit>;
}

const _: fn(&dyn RewriteRule) = |_| {};

/// What a rule sees.
#[derive(Debug, Clone, Copy)]
pub struct RuleInput<'a> {
    /// The skill.
    pub skill: &'a Skill,
    /// Its code.
    pub code: &'a CodeIndex,
    /// What it demands.
    pub requirements: &'a Requirements,
    /// The measured gaps in the rule's primitives.
    pub gaps: &'a [Gap],
    /// The folder where the bundle will lie when the skill runs.
    pub install_dir: &'a std::path::Path,
}

/// See the [module](self).
#[derive(Debug, Clone)]
pub struct CapabilityPass {
    rules: Vec<Arc<dyn RewriteRule>>,
}

impl CapabilityPass {
    /// The pass with the standard rules.
    #[must_use]
    pub fn standard() -> Self {
        Self { rules: vec![Arc::new(ScriptPath)] }
    }

    /// The same pass with one more rule, asked behind the others.
    #[must_use]
    pub fn with_rule(mut self, rule: impl RewriteRule + 'static) -> Self {
        self.rules.push(Arc::new(rule));
        self
    }
}

#[async_trait]
impl Pass for CapabilityPass {
    fn id(&self) -> PassId {
        PassId::new("capability")
    }

    fn version(&self) -> u32 {
        1
    }

    fn configuration(&self) -> String {
        self.rules.iter().map(|rule| rule.id()).collect::<Vec<_>>().join(",")
    }

    fn reads(&self) -> &'static [ArtifactKey] {
        const READS: &[ArtifactKey] = &[CodeIndex::KEY, Requirements::KEY];
        READS
    }

    fn writes(&self) -> &'static [ArtifactKey] {
        &[Gaps::KEY]
    }

    fn needs_profile(&self) -> bool {
        true
    }

    async fn run(&self, cx: &mut PassContext<'_>) -> Result<(), PassError> {
        let Some(profile) = cx.profile() else { return Ok(()) };
        let code = cx.artifact::<CodeIndex>()?.unwrap_or_default();
        let requirements = cx.artifact::<Requirements>()?.unwrap_or_default();
        let mut gaps = Gaps::between(&requirements, profile);
        let edits = self.edits(cx, &code, &requirements, &gaps);
        if !edits.is_empty() {
            let edited = cx.skill().with_text(edits.apply(cx.source()));
            let demands = requirements::extract(&edited, &code::analyze(&edited));
            let open = Gaps::between(&demands, profile);
            let open: BTreeSet<(&str, Primitive)> =
                open.gaps.iter().map(|gap| (gap.purpose_id.as_str(), gap.primitive)).collect();
            for gap in &mut gaps.gaps {
                gap.closed = !open.contains(&(gap.purpose_id.as_str(), gap.primitive));
            }
        }
        for edit in &edits {
            cx.edit(edit.clone())?;
        }
        cx.put(gaps)
    }
}

impl CapabilityPass {
    /// The edits of all rules; one that overlaps an earlier one is left out.
    fn edits(
        &self,
        cx: &PassContext<'_>,
        code: &CodeIndex,
        requirements: &Requirements,
        gaps: &Gaps,
    ) -> Edits {
        let mut edits = Edits::default();
        for rule in &self.rules {
            let concerned: Vec<Gap> = gaps
                .measured()
                .filter(|gap| rule.primitives().contains(&gap.primitive))
                .cloned()
                .collect();
            if concerned.is_empty() {
                continue;
            }
            let input = RuleInput {
                skill: cx.skill(),
                code,
                requirements,
                gaps: &concerned,
                install_dir: cx.install_dir(),
            };
            for edit in rule.edits(&input) {
                // An overlap only says that an earlier rule has dealt with the place.
                let _overlaps = edits.insert(cx.source(), edit);
            }
        }
        edits
    }
}
