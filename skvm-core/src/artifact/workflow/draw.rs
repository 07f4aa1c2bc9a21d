//! Workflows as pictures.

use std::fmt::Write as _;

use super::{EdgeCause, Workflow, WorkflowStep, WorkflowStepKind};

impl Workflow {
    /// The workflow as a Mermaid flowchart. Nodes are called `s0`, `s1`, …, so that no title can merge two
    /// of them or end the text.
    #[must_use]
    pub fn to_mermaid(&self) -> String {
        let mut text = "flowchart TD\n".to_owned();
        for (at, step) in self.steps.iter().enumerate() {
            let (open, close) = match step.kind {
                WorkflowStepKind::Action => ("[\"", "\"]"),
                WorkflowStepKind::Branch => ("{\"", "\"}"),
                WorkflowStepKind::Loop => ("[[\"", "\"]]"),
                WorkflowStepKind::Gate => ("([\"", "\"])"),
                WorkflowStepKind::Barrier => ("((\"", "\"))"),
            };
            let title = escaped(step, |c| matches!(c, '"' | '#' | '&' | '<' | '>' | ';'));
            let _ = writeln!(text, "    s{at}{open}{title}{close}");
        }
        for edge in &self.edges {
            let (from, to) = (edge.from.0, edge.to.0);
            let _ = match edge.cause {
                EdgeCause::Order => writeln!(text, "    s{from} -.-> s{to}"),
                cause => writeln!(text, "    s{from} -->|{}| s{to}", cause.as_str()),
            };
        }
        text
    }

    /// The workflow as a Graphviz digraph.
    #[must_use]
    pub fn to_graphviz(&self) -> String {
        let mut text = "digraph workflow {\n".to_owned();
        for (at, step) in self.steps.iter().enumerate() {
            let shape = match step.kind {
                WorkflowStepKind::Action => "box",
                WorkflowStepKind::Branch => "diamond",
                WorkflowStepKind::Loop => "box3d",
                WorkflowStepKind::Gate => "octagon",
                WorkflowStepKind::Barrier => "circle",
            };
            let title = escaped(step, |c| matches!(c, '"' | '\\'));
            let _ = writeln!(text, "    s{at} [shape={shape}, label=\"{title}\"];");
        }
        for edge in &self.edges {
            let style = if edge.cause == EdgeCause::Order { "dashed" } else { "solid" };
            let (from, to, cause) = (edge.from.0, edge.to.0, edge.cause.as_str());
            let _ = writeln!(text, "    s{from} -> s{to} [style={style}, label=\"{cause}\"];");
        }
        text.push_str("}\n");
        text
    }
}

/// Label and title without characters that the picture's language reads, and without control characters.
fn escaped(step: &WorkflowStep, is_read: fn(char) -> bool) -> String {
    let text = format!("{}: {}", step.label, step.title);
    text.chars().map(|c| if is_read(c) || c.is_control() { ' ' } else { c }).collect()
}
