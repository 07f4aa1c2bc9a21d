//! Tools that a host gives to an agent.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;

use super::hooks::ToolResult;
use crate::llm::ToolSpec;

/// A tool of the host's own, for harnesses whose [features](super::HarnessFeatures) say that they take some.
///
/// An implementation owes its callers: a bound on its own waiting, and a result in words for whatever goes
/// wrong, wrong arguments included.
///
/// ```
/// use async_trait::async_trait;
/// use serde_json::{Value, json};
/// use skvm_core::harness::{Tool, ToolResult};
/// use skvm_core::llm::ToolSpec;
///
/// /// Tells how many letters a word has.
/// struct Letters(ToolSpec);
///
/// #[async_trait]
/// impl Tool for Letters {
///     fn spec(&self) -> &ToolSpec {
///         &self.0
///     }
///
///     async fn call(&self, arguments: &Value) -> ToolResult {
///         let count = arguments["word"].as_str().map(|word| word.chars().count());
///         let content = count.map_or("`word` is no text".to_owned(), |count| count.to_string());
///         ToolResult { content, is_error: count.is_none(), ..ToolResult::default() }
///     }
/// }
///
/// let parameters = json!({"type": "object", "properties": {"word": {"type": "string"}}});
/// let spec = ToolSpec { name: "letters".into(), description: "Counts.".into(), parameters };
/// let result = futures::executor::block_on(Letters(spec).call(&json!({"word": "four"})));
/// assert_eq!(result.content, "4");
/// ```
#[async_trait]
pub trait Tool: Send + Sync {
    /// How the model sees it.
    fn spec(&self) -> &ToolSpec;

    /// Whether it shows web pages as a browser does: runs their scripts, keeps cookies, fills forms.
    fn is_browser(&self) -> bool {
        false
    }

    /// Executes a call.
    async fn call(&self, arguments: &Value) -> ToolResult;
}

const _: fn(&dyn Tool) = |_| {};

/// Which tools a run offers to the model.
#[derive(Clone, Default)]
pub enum ToolOffer {
    /// Those that the harness has.
    #[default]
    Own,
    /// None at all; for harnesses that [can withhold](super::HarnessFeatures::withholds_tools) theirs.
    None,
    /// These and no others; for harnesses that [take tools](super::HarnessFeatures::takes_tools).
    Only(Vec<Arc<dyn Tool>>),
}

impl std::fmt::Debug for ToolOffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Own => f.write_str("Own"),
            Self::None => f.write_str("None"),
            Self::Only(tools) => {
                f.debug_list().entries(tools.iter().map(|tool| &tool.spec().name)).finish()
            }
        }
    }
}
