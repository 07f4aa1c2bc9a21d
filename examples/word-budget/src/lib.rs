//! A pass of one's own: it counts the words of each section and warns the agent of the long ones.
//!
//! This package depends on `skvm-core` and on no other crate of SkVM. The example `custom_pass` puts
//! the pass into a pipeline.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use skvm_core::artifact::{Artifact, ArtifactKey};
use skvm_core::diagnostic::{Code, Diagnostic};
use skvm_core::edit::{Edit, EditKind, EditReason};
use skvm_core::pass::{Pass, PassContext, PassError, PassId};
use skvm_core::span::Span;

/// The words of each section, in source order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WordCounts {
    /// One entry a section with a heading.
    pub sections: Vec<SectionWords>,
}

/// The words of one section, without those of the sections below it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SectionWords {
    /// The heading.
    pub title: String,
    /// The number of words.
    pub words: usize,
}

impl Artifact for WordCounts {
    const KEY: ArtifactKey = ArtifactKey::new("word-budget/counts");
}

/// Counts words, and puts a note below the heading of each section that is over the budget.
#[derive(Debug, Clone)]
pub struct WordBudgetPass {
    budget: usize,
}

impl WordBudgetPass {
    /// A pass with a budget in words a section.
    #[must_use]
    pub fn new(budget: usize) -> Self {
        Self { budget }
    }
}

#[async_trait]
impl Pass for WordBudgetPass {
    fn id(&self) -> PassId {
        PassId::new("word-budget")
    }

    fn version(&self) -> u32 {
        1
    }

    fn configuration(&self) -> String {
        format!("budget={}", self.budget)
    }

    fn writes(&self) -> &'static [ArtifactKey] {
        &[WordCounts::KEY]
    }

    async fn run(&self, cx: &mut PassContext<'_>) -> Result<(), PassError> {
        let mut sections = Vec::new();
        for section in cx.document().sections() {
            let Some(heading) = section.heading() else { continue };
            let below = Span::new(heading.span().end, section.own_span().end);
            let words = below.text(cx.source()).split_whitespace().count();
            sections.push(SectionWords { title: heading.text().to_owned(), words });
            if words <= self.budget {
                continue;
            }
            let note = format!("the section has {words} words, the budget is {}", self.budget);
            cx.diagnose(
                Diagnostic::note(Code::new("word-budget/over"), note.clone()).at(heading.span()),
            );
            let text = format!("\n({words} words: read on only if you need this section.)\n");
            let reason = EditReason::new("word-budget", EditKind::Compensation, note);
            cx.edit(Edit::insert(heading.span().end, text, reason))?;
        }
        cx.put(WordCounts { sections })
    }
}
