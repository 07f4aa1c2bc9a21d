//! The `capability` pass (PASS-1): lowers a skill's demands to what the target has.
//!
//! # What it does
//! Writes [`Gaps`], the requirements above the target's profile, and makes the edits of its
//! [rules](RewriteRule) where a gap calls for them: first the rules that change a place, then
//! [`Directions`] for what these leave open. Requirements are extracted again from the edited text, and
//! only that decides: a gap is *closed* if the demand fell to what the target has, *substituted* if the
//! text now shows a way around it that the target can walk, and *unclosable* otherwise, which is told.
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

mod refinement;
mod rules;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use skvm_core::artifact::{Artifact, ArtifactKey, CodeIndex};
use skvm_core::capability::{
    CapabilityPath, CapabilityProfile, Gap, GapKind, GapOutcome, Gaps, Level, Primitive, Purpose,
    Requirements,
};
use skvm_core::diagnostic::{Code, Diagnostic};
use skvm_core::edit::{Edit, Edits};
use skvm_core::pass::{Pass, PassContext, PassError, PassId};
use skvm_core::skill::Skill;
use skvm_core::span::Span;

pub use refinement::{RefinedRequirement, Refinement, RefinementReport};
pub use rules::{
    Checklist, Directions, FileList, FullAddress, LoopBound, Placeholders, ScriptPath, SplitChain,
};

use crate::guard::{Guard, without_blamed};
use crate::{code, requirements};
use refinement::Subject;

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

    /// Raised whenever its edits for some input change; part of the key of variants.
    fn version(&self) -> u32 {
        1
    }

    /// What the rule was configured with, as far as it can change the edits; part of the key of
    /// variants.
    fn configuration(&self) -> String {
        String::new()
    }

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
    /// The open gaps in the rule's primitives: measured ones, unless the pass was asked for more.
    pub gaps: &'a [Gap],
    /// What the target has.
    pub profile: &'a CapabilityProfile,
    /// The folder where the bundle will lie when the skill runs.
    pub install_dir: &'a std::path::Path,
    /// The purposes with such a gap, by the start of their span.
    around: &'a [(Span, &'a str)],
}

/// The purpose with a gap that a place belongs to: the smallest around it.
fn purpose_around(input: &RuleInput<'_>, place: Span) -> Option<String> {
    let after = input.around.partition_point(|(span, _)| span.start <= place.start);
    // Purposes nest in a few levels at most, so the smallest one is near; the largest is the first.
    let near = input.around.get(..after)?.iter().rev().take(8);
    let found = near.chain(input.around.first()).find(|(span, _)| span.contains(place));
    found.map(|(_, id)| (*id).to_owned())
}

/// See the [module](self).
#[derive(Debug, Clone)]
pub struct CapabilityPass {
    rules: Vec<Arc<dyn RewriteRule>>,
    directions: bool,
    unmeasured: bool,
    refinement: Option<Refinement>,
}

impl CapabilityPass {
    /// The pass with the standard rules.
    #[must_use]
    pub fn standard() -> Self {
        Self {
            rules: vec![
                Arc::new(ScriptPath),
                Arc::new(Placeholders),
                Arc::new(SplitChain),
                Arc::new(FileList),
                Arc::new(FullAddress),
                Arc::new(LoopBound),
                Arc::new(Checklist),
            ],
            directions: true,
            unmeasured: false,
            refinement: None,
        }
    }

    /// The pass without a rule and without directions: it only finds the gaps, until rules are added.
    #[must_use]
    pub fn without_rules() -> Self {
        Self { rules: Vec::new(), directions: false, unmeasured: false, refinement: None }
    }

    /// The same pass with one more rule, asked behind the others and before [`Directions`].
    #[must_use]
    pub fn with_rule(mut self, rule: impl RewriteRule + 'static) -> Self {
        self.rules.push(Arc::new(rule));
        self
    }

    /// The same pass, which also lowers demands of primitives that were not measured, as if the target
    /// had them at L1.
    #[must_use]
    pub fn with_unmeasured(mut self) -> Self {
        self.unmeasured = true;
        self
    }

    /// The same pass, refined by the pipeline's model if it has one; see [`Refinement`].
    #[must_use]
    pub fn with_refinement(mut self, refinement: Refinement) -> Self {
        self.refinement = Some(refinement);
        self
    }
}

#[async_trait]
impl Pass for CapabilityPass {
    fn id(&self) -> PassId {
        PassId::new("capability")
    }

    fn version(&self) -> u32 {
        2
    }

    fn configuration(&self) -> String {
        let rule = |rule: &Arc<dyn RewriteRule>| {
            format!("{} {} {}", rule.id(), rule.version(), rule.configuration())
                .trim_end()
                .to_owned()
        };
        let mut parts: Vec<String> = self.rules.iter().map(rule).collect();
        parts.extend(self.directions.then(|| "directions".to_owned()));
        parts.extend(self.unmeasured.then(|| "unmeasured".to_owned()));
        parts.extend(self.refinement.as_ref().map(Refinement::configuration));
        parts.join(";")
    }

    fn reads(&self) -> &'static [ArtifactKey] {
        const READS: &[ArtifactKey] = &[CodeIndex::KEY, Requirements::KEY];
        READS
    }

    fn writes(&self) -> &'static [ArtifactKey] {
        const WRITES: &[ArtifactKey] = &[Gaps::KEY, RefinementReport::KEY];
        WRITES
    }

    fn needs_profile(&self) -> bool {
        true
    }

    fn heeds_lessons(&self) -> bool {
        self.refinement.is_some()
    }

    async fn run(&self, cx: &mut PassContext<'_>) -> Result<(), PassError> {
        let Some(profile) = cx.profile() else { return Ok(()) };
        let code = cx.artifact::<CodeIndex>()?.unwrap_or_default();
        let requirements = cx.artifact::<Requirements>()?.unwrap_or_default();
        let profile = self.assumed(profile, &requirements);
        let mut gaps = Gaps::between(&requirements, &profile);
        let mut work = Work {
            skill: cx.skill(),
            code: &code,
            requirements: &requirements,
            profile: &profile,
            install_dir: cx.install_dir(),
            edits: Edits::default(),
            left_out: 0,
            told: Vec::new(),
        };
        let mut now = gaps.clone();
        for rule in &self.rules {
            work.ask(&**rule, &now);
        }
        let mut at_their_place = gaps.clone();
        if !work.edits.is_empty() {
            now = work.remaining();
            settle(&mut at_their_place, &now);
        }
        if self.directions {
            work.ask(&Directions, &now);
        }
        work.keep_verified();
        if !work.edits.is_empty() {
            settle(&mut gaps, &work.remaining());
            attribute(&mut gaps, &at_their_place);
        }
        if let (Some(refinement), Some(model)) = (&self.refinement, cx.llm()) {
            cx.checkpoint()?;
            let subject = Subject {
                skill: work.skill,
                requirements: &requirements,
                gaps: &gaps,
                install_dir: work.install_dir,
                failures: cx.lessons().and_then(|lessons| lessons.context.as_ref()),
            };
            let report = refinement.refine(model, &subject, &mut work.edits).await;
            if report.provider_failed {
                cx.mark_transient();
            }
            add_refined(&mut gaps, &report, &profile);
            for diagnostic in tell_refined(&report) {
                cx.diagnose(diagnostic);
            }
            cx.put(report)?;
        }
        if work.left_out > 0 {
            let message = format!("{} edits are left out", work.left_out);
            let found = Diagnostic::warning(Code::new("capability/too-many-edits"), message);
            let most = format!("a skill gets at most {MAX_EDITS} edits; split it");
            cx.diagnose(found.with_note(most));
        }
        let edits = work.edits;
        for diagnostic in work.told {
            cx.diagnose(diagnostic);
        }
        explain(&mut gaps);
        for diagnostic in tell(&gaps) {
            cx.diagnose(diagnostic);
        }
        for edit in &edits {
            cx.edit(edit.clone())?;
        }
        cx.put(gaps)
    }
}

impl CapabilityPass {
    /// The profile, with what was not measured taken for L1 when that was asked for.
    fn assumed(
        &self,
        profile: &CapabilityProfile,
        requirements: &Requirements,
    ) -> CapabilityProfile {
        let mut assumed = profile.clone();
        if self.unmeasured {
            for primitive in requirements.by_primitive().into_keys() {
                if assumed.level(primitive).is_none() {
                    assumed = assumed.with_level(primitive, Level::L1);
                }
            }
        }
        assumed
    }
}

/// Most edits of one skill, so that a hostile one cannot hold up a host. Real skills get tens.
const MAX_EDITS: usize = 1000;

/// The edits so far, and what they are made from.
struct Work<'a> {
    skill: &'a Skill,
    code: &'a CodeIndex,
    requirements: &'a Requirements,
    profile: &'a CapabilityProfile,
    install_dir: &'a std::path::Path,
    edits: Edits,
    /// Edits above [`MAX_EDITS`].
    left_out: usize,
    /// What was taken back.
    told: Vec<Diagnostic>,
}

impl Work<'_> {
    /// Adds the edits of a rule, if one of its gaps is open. An edit that overlaps an earlier one is
    /// left out: an earlier rule has dealt with the place.
    fn ask(&mut self, rule: &dyn RewriteRule, now: &Gaps) {
        let concerned: Vec<Gap> = now
            .measured()
            .filter(|gap| gap.outcome.is_open() && rule.primitives().contains(&gap.primitive))
            .cloned()
            .collect();
        if concerned.is_empty() {
            return;
        }
        let with_gap: BTreeSet<&str> =
            concerned.iter().map(|gap| gap.purpose_id.as_str()).collect();
        let purposes = self.requirements.purposes.iter();
        let mut around: Vec<(Span, &str)> = purposes
            .filter(|purpose| with_gap.contains(purpose.id.as_str()))
            .filter_map(|purpose| Some((purpose.span?, purpose.id.as_str())))
            .collect();
        around.sort_unstable();
        let input = RuleInput {
            skill: self.skill,
            code: self.code,
            requirements: self.requirements,
            gaps: &concerned,
            profile: self.profile,
            install_dir: self.install_dir,
            around: &around,
        };
        for edit in rule.edits(&input) {
            if self.edits.len() < MAX_EDITS {
                let _overlaps = self.edits.insert(self.skill.source(), edit);
            } else {
                self.left_out += 1;
            }
        }
    }

    /// Takes back what the guard will not pass, so that the outcome of a gap rests on edits that stay.
    fn keep_verified(&mut self) {
        let guard = Guard::default();
        while !self.edits.is_empty() {
            let edits = std::mem::take(&mut self.edits);
            match guard.verify(self.skill, self.install_dir, edits) {
                Ok(verified) => {
                    self.edits = verified.edits().clone();
                    return;
                }
                Err((error, edits)) => {
                    self.edits = without_blamed(self.skill, &edits, &error, &mut self.told);
                }
            }
        }
    }

    /// The gaps of the edited text.
    fn remaining(&self) -> Gaps {
        let edited = self.skill.with_text(self.edits.apply(self.skill.source()));
        let demands = requirements::extract(&edited, &code::analyze_text(&edited));
        Gaps::between(&demands, self.profile)
    }
}

/// Takes the outcome of each gap from what remains of it.
fn settle(gaps: &mut Gaps, remaining: &Gaps) {
    let remaining: BTreeMap<(&str, Primitive), &Gap> =
        remaining.gaps.iter().map(|gap| ((gap.purpose_id.as_str(), gap.primitive), gap)).collect();
    for gap in &mut gaps.gaps {
        match remaining.get(&(gap.purpose_id.as_str(), gap.primitive)) {
            None => gap.outcome = GapOutcome::Closed,
            Some(now) if now.outcome == GapOutcome::Substituted => gap.outcome = now.outcome,
            Some(now) if now.required_level < gap.required_level => {
                gap.outcome = GapOutcome::Unclosable;
                gap.remark = Some(format!("taken down to {} and no further", now.required_level));
            }
            Some(_) => {}
        }
    }
}

/// Adds the gaps of requirements that a model named. No rule has looked at them.
fn add_refined(gaps: &mut Gaps, report: &RefinementReport, profile: &CapabilityProfile) {
    for refined in &report.requirements {
        let purpose = Purpose {
            id: refined.purpose_id.clone(),
            description: String::new(),
            span: None,
            current_path: CapabilityPath {
                primitives: vec![refined.requirement.clone()],
                ..CapabilityPath::default()
            },
            alternative_paths: Vec::new(),
        };
        let only = Requirements { skill_name: String::new(), purposes: vec![purpose] };
        let mut found = Gaps::between(&only, profile);
        for gap in &mut found.gaps {
            gap.remark = Some("named by a model; no rule has looked at it".to_owned());
        }
        gaps.gaps.extend(found.gaps);
    }
}

fn tell_refined(report: &RefinementReport) -> Vec<Diagnostic> {
    let failure = report.failure.iter().map(|why| {
        let message = format!("the model could not refine the skill: {why}");
        Diagnostic::warning(Code::new("capability/refinement-failed"), message)
            .with_note("the deterministic result stands")
    });
    let refused = report.refused.iter().map(|what| {
        let message = format!("a proposal of the model was refused: {what}");
        Diagnostic::note(Code::new("capability/refinement-refused"), message)
    });
    failure.chain(refused).collect()
}

/// Says of every gap that is closed or substituted only since the directions are there that they did
/// it: their effect is what extraction takes them to mean, where that of the other rules is a change of
/// what is asked for.
fn attribute(gaps: &mut Gaps, at_their_place: &Gaps) {
    for (gap, before) in gaps.gaps.iter_mut().zip(&at_their_place.gaps) {
        let done = |gap: &Gap| matches!(gap.outcome, GapOutcome::Closed | GapOutcome::Substituted);
        if done(gap) && !done(before) {
            gap.remark = Some("by a direction".to_owned());
        }
    }
}

/// Says of every measured gap that is still open why it is.
fn explain(gaps: &mut Gaps) {
    for gap in gaps.gaps.iter_mut().filter(|gap| gap.outcome.is_open()) {
        let reason = match gap.kind {
            GapKind::Unmeasured => continue,
            GapKind::Missing => "the target has none of it, and no way leads around it",
            GapKind::Weak => "no rule takes this demand down in this skill",
        };
        gap.outcome = GapOutcome::Unclosable;
        gap.remark.get_or_insert_with(|| reason.to_owned());
    }
}

/// One finding a primitive that stays above the target, and one for all that were not measured.
fn tell(gaps: &Gaps) -> Vec<Diagnostic> {
    let mut unclosable: BTreeMap<Primitive, (Level, &Gap)> = BTreeMap::new();
    let mut unmeasured: Vec<Primitive> = Vec::new();
    for gap in &gaps.gaps {
        match gap.outcome {
            GapOutcome::Unclosable => {
                let entry = unclosable.entry(gap.primitive).or_insert((gap.required_level, gap));
                entry.0 = entry.0.max(gap.required_level);
            }
            GapOutcome::Open if !unmeasured.contains(&gap.primitive) => {
                unmeasured.push(gap.primitive);
            }
            GapOutcome::Open | GapOutcome::Closed | GapOutcome::Substituted => {}
        }
    }
    let mut told: Vec<Diagnostic> = unclosable
        .into_iter()
        .map(|(primitive, (level, gap))| {
            let has = gap.model_level.map_or("unmeasured".to_owned(), |level| level.to_string());
            let message = format!("the skill needs {primitive} {level} and the target has {has}");
            let mut found = Diagnostic::note(Code::new("capability/unclosable"), message);
            found.notes.extend(gap.remark.clone());
            found
        })
        .collect();
    if !unmeasured.is_empty() {
        unmeasured.sort_unstable();
        let ids: Vec<&str> = unmeasured.iter().map(|primitive| primitive.id()).collect();
        let message = format!("not measured, so left as it is: {}", ids.join(", "));
        told.push(Diagnostic::note(Code::new("capability/unmeasured"), message));
    }
    told
}
