//! Keeping failure reports short.

use serde_json::Value;
use skvm_core::harness::Step;

/// Most characters that are kept of a prompt, an answer, and each text within a trace.
pub(super) const PROMPT: usize = 6_000;
pub(super) const ANSWER: usize = 4_000;
const TRACED: usize = 800;
/// Most steps that are kept.
const STEPS: usize = 30;
/// How deep arguments are kept, and how many members of each list and object.
const DEPTH: usize = 12;
const MEMBERS: usize = 50;

/// The text; the middle of a long one is left out.
pub(super) fn shortened(text: &str, most: usize) -> String {
    let length = text.chars().count();
    if length <= most {
        return text.to_owned();
    }
    let head: String = text.chars().take(most / 2).collect();
    let tail: String = text.chars().skip(length - most / 2).collect();
    format!("{head}\n[{} characters left out]\n{tail}", length - most / 2 * 2)
}

/// The first steps, their texts shortened.
pub(super) fn shortened_steps(steps: &[Step]) -> Vec<Step> {
    let shorten = |step: &Step| {
        let mut step = step.clone();
        step.text = shortened(&step.text, ANSWER);
        for call in &mut step.tool_calls {
            shorten_value(&mut call.input, 0);
            call.output = call.output.take().map(|output| shortened(&output, TRACED));
        }
        step
    };
    steps.iter().take(STEPS).map(shorten).collect()
}

fn shorten_value(value: &mut Value, depth: usize) {
    if depth == DEPTH && (value.is_array() || value.is_object()) {
        *value = Value::from("[left out]");
    }
    match value {
        Value::String(text) => *text = shortened(text, TRACED),
        Value::Array(items) => {
            items.truncate(MEMBERS);
            items.iter_mut().for_each(|item| shorten_value(item, depth + 1));
        }
        Value::Object(members) => {
            let more: Vec<String> = members.keys().skip(MEMBERS).cloned().collect();
            for name in more {
                members.remove(&name);
            }
            members.values_mut().for_each(|member| shorten_value(member, depth + 1));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
