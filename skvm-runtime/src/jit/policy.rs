//! What may be solidified, and on what evidence.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use skvm_core::artifact::TemplateLanguage;
use skvm_core::digest::Digest;
use skvm_core::llm::LlmBackend;

/// What a [`Jit`](super::Jit) may do.
#[derive(Clone)]
#[must_use]
pub struct SolidifyPolicy {
    pub(super) mode: Mode,
    pub(super) thresholds: Thresholds,
    languages: BTreeSet<TemplateLanguage>,
    tools: Option<BTreeSet<String>>,
    only: Option<BTreeSet<Digest>>,
    refused: BTreeSet<Digest>,
    pub(super) extractor: Option<Arc<dyn LlmBackend>>,
}

/// What is done with what was learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Observe, predict, and answer in the model's place.
    Act,
    /// Observe and predict, and tell what would have been answered.
    DryRun,
}

/// Numbers of runs in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Thresholds {
    pub(super) promote_after: u32,
    pub(super) demote_after: u32,
    /// The most that a routine needs after it was demoted again and again.
    pub(super) most_needed: u32,
}

impl Default for SolidifyPolicy {
    fn default() -> Self {
        use TemplateLanguage::{JavaScript, Json, Python, Shell};
        Self {
            mode: Mode::Act,
            thresholds: Thresholds { promote_after: 3, demote_after: 3, most_needed: 48 },
            languages: BTreeSet::from([Shell, Python, JavaScript, Json]),
            tools: None,
            only: None,
            refused: BTreeSet::new(),
            extractor: None,
        }
    }
}

impl fmt::Debug for SolidifyPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SolidifyPolicy")
            .field("mode", &self.mode)
            .field("thresholds", &self.thresholds)
            .field("languages", &self.languages)
            .field("tools", &self.tools)
            .field("only", &self.only)
            .field("refused", &self.refused)
            .field("extractor", &self.extractor.as_ref().map(|model| model.model().clone()))
            .finish()
    }
}

impl SolidifyPolicy {
    /// Predicts and reports, and never acts.
    pub fn dry_run() -> Self {
        Self { mode: Mode::DryRun, ..Self::default() }
    }

    /// How many correct predictions in consecutive runs with different inputs promote. Default 3, at least 1.
    pub fn promote_after(mut self, runs: u32) -> Self {
        self.thresholds.promote_after = runs.max(1);
        self.thresholds.most_needed = self.thresholds.most_needed.max(runs);
        self
    }

    /// How many failures in a row demote. Default 3, at least 1.
    pub fn demote_after(mut self, failures: u32) -> Self {
        self.thresholds.demote_after = failures.max(1);
        self
    }

    /// The languages whose code may be answered. Default all.
    pub fn languages(mut self, languages: impl IntoIterator<Item = TemplateLanguage>) -> Self {
        self.languages = languages.into_iter().collect();
        self
    }

    /// The tools that may be called in the model's place. Default all.
    pub fn tools(mut self, tools: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.tools = Some(tools.into_iter().map(Into::into).collect());
        self
    }

    /// Templates that must not be solidified, by the digest that
    /// [`SolidifiedReport::template`](super::SolidifiedReport::template) tells.
    pub fn refusing(mut self, templates: impl IntoIterator<Item = Digest>) -> Self {
        self.refused.extend(templates);
        self
    }

    /// The only templates that may be solidified. Default all.
    pub fn only(mut self, templates: impl IntoIterator<Item = Digest>) -> Self {
        self.only = Some(templates.into_iter().collect());
        self
    }

    /// Lets a small model find values in a task's text that no pattern explains. It is asked before each run of
    /// such a routine; what it says is checked by type and counts only after the same correct predictions as
    /// anything else. It has to bound its own calls.
    pub fn extract_with(mut self, model: Arc<dyn LlmBackend>) -> Self {
        self.extractor = Some(model);
        self
    }

    /// Whether a routine may act.
    pub(super) fn allows(
        &self,
        template: &Digest,
        mut tools: impl Iterator<Item = impl AsRef<str>>,
        languages: &BTreeSet<TemplateLanguage>,
    ) -> bool {
        !self.refused.contains(template)
            && self.only.as_ref().is_none_or(|only| only.contains(template))
            && tools.all(|tool| self.tools.as_ref().is_none_or(|it| it.contains(tool.as_ref())))
            && languages.is_subset(&self.languages)
    }
}
