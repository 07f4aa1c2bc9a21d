//! One question with its grader and the grader's controls.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;
use skvm_core::files::FileTree;
use skvm_core::harness::{Tool, ToolOffer, ToolResult};
use skvm_core::llm::ToolSpec;
use skvm_core::program::Program;

use super::{Answer, Evidence, Grader, NearMiss, Outcome};
use crate::site::Site;

/// One question with everything that putting and grading it takes.
#[derive(Debug, Clone)]
#[must_use]
pub struct Instance {
    prompt: String,
    files: FileTree,
    tools: ToolNeed,
    site: Option<Site>,
    programs: Vec<Program>,
    reference: Answer,
    near_misses: Vec<NearMiss>,
    grader: Arc<dyn Grader>,
}

/// Which tools a target is to have.
#[derive(Debug, Clone, Default)]
pub enum ToolNeed {
    /// None: the answer is to come from the model alone.
    #[default]
    None,
    /// Those of the harness.
    Harness,
    /// Those of the harness, a browser among them.
    Browser,
    /// These and no others.
    Given(Vec<GivenTool>),
}

impl ToolNeed {
    /// What a harness is to offer.
    #[must_use]
    pub fn offer(&self) -> ToolOffer {
        match self {
            Self::None => ToolOffer::None,
            Self::Harness | Self::Browser => ToolOffer::Own,
            Self::Given(tools) => {
                let tool = |tool: &GivenTool| -> Arc<dyn Tool> { Arc::new(tool.clone()) };
                ToolOffer::Only(tools.iter().map(tool).collect())
            }
        }
    }
}

/// A tool of a probe's own, which always gives the same result.
#[derive(Debug, Clone)]
pub struct GivenTool {
    spec: ToolSpec,
    result: String,
}

impl GivenTool {
    /// A tool with the JSON schema of its arguments and what it gives.
    #[must_use]
    pub fn new(name: &str, description: &str, parameters: Value, result: &str) -> Self {
        let (name, description) = (name.to_owned(), description.to_owned());
        Self { spec: ToolSpec { name, description, parameters }, result: result.to_owned() }
    }
}

#[async_trait]
impl Tool for GivenTool {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, _: &Value) -> ToolResult {
        ToolResult { content: self.result.clone(), ..ToolResult::default() }
    }
}

impl Instance {
    /// An instance that is answered in words, without near misses.
    pub fn new(
        prompt: impl Into<String>,
        reference: impl Into<Answer>,
        grader: impl Grader + 'static,
    ) -> Self {
        Self {
            prompt: prompt.into(),
            files: FileTree::default(),
            tools: ToolNeed::None,
            site: None,
            programs: Vec::new(),
            reference: reference.into(),
            near_misses: Vec::new(),
            grader: Arc::new(grader),
        }
    }

    /// The same instance with one more near miss; `fault` says what is wrong with the answer.
    pub fn with_near_miss(mut self, fault: &'static str, answer: impl Into<Answer>) -> Self {
        self.near_misses.push(NearMiss { fault, answer: answer.into() });
        self
    }

    /// The same instance with near misses.
    pub fn with_near_misses<A: Into<Answer>>(
        self,
        misses: impl IntoIterator<Item = (&'static str, A)>,
    ) -> Self {
        misses.into_iter().fold(self, |instance, (fault, a)| instance.with_near_miss(fault, a))
    }

    /// The same instance with one more file in the working directory.
    pub fn with_file(mut self, path: impl Into<String>, content: impl Into<Vec<u8>>) -> Self {
        self.files = self.files.with(path, content);
        self
    }

    /// The same instance, which needs other tools.
    pub fn with_tools(mut self, tools: ToolNeed) -> Self {
        self.tools = tools;
        self
    }

    /// The same instance, while which a site is served.
    pub fn with_site(mut self, site: Site) -> Self {
        self.site = Some(site);
        self
    }

    /// The same instance, which is skipped on machines where this program does not end with code 0.
    pub fn with_requirement(mut self, program: Program) -> Self {
        self.programs.push(program);
        self
    }

    /// What the target is asked. [`Site::BASE`] stands for the place where the site will be served.
    #[must_use]
    pub fn prompt(&self) -> &str {
        &self.prompt
    }

    /// What lies in the working directory.
    #[must_use]
    pub fn files(&self) -> &FileTree {
        &self.files
    }

    /// The tools that the target is to have.
    #[must_use]
    pub fn tools(&self) -> &ToolNeed {
        &self.tools
    }

    /// The site that is served, if any.
    #[must_use]
    pub fn site(&self) -> Option<&Site> {
        self.site.as_ref()
    }

    /// Programs that have to end with code 0 for the instance to be put at all.
    #[must_use]
    pub fn requirements(&self) -> &[Program] {
        &self.programs
    }

    /// What the grader accepts.
    #[must_use]
    pub fn reference(&self) -> &Answer {
        &self.reference
    }

    /// What the grader refuses.
    #[must_use]
    pub fn near_misses(&self) -> &[NearMiss] {
        &self.near_misses
    }

    /// Grades what a target left. Takes any evidence.
    pub async fn grade(&self, evidence: &Evidence<'_>) -> Outcome {
        self.grader.grade(evidence).await
    }
}
