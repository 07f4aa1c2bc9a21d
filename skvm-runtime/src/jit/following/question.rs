//! Asking a small model for values.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::jit::routine::Routine;

/// What a small model answers.
#[derive(Deserialize, JsonSchema)]
pub(super) struct Found {
    /// The values, in the order of the questions.
    pub(super) values: Vec<String>,
}

/// The question for a small model.
pub(super) fn question(routine: &Routine, task: &str) -> String {
    let mut text =
        "A task text stands for values. Give the values for the last task, in the same order \
         and form as in the examples.\n\n"
            .to_owned();
    let examples = routine.questions.first().map_or(0, |question| question.examples.len());
    for number in 0..examples {
        let mut values = Vec::new();
        let mut example = "";
        for question in &routine.questions {
            if let Some((task, value)) = question.examples.get(number) {
                example = task;
                values.push(value.as_str());
            }
        }
        text.push_str(&format!("Task: {example}\nValues: {}\n\n", serde_json::json!(values)));
    }
    text.push_str(&format!("Task: {task}\nValues:"));
    text
}
