//! The shell tool among those that are offered, and arguments that it accepts.

use serde_json::{Map, Value, json};

use super::request::{SeenRequest, function};
use crate::provider::WireFormat;

/// What the tool that runs a command is called by agents, the more telling names first.
const SHELL_TOOLS: [&str; 12] = [
    "bash",
    "exec",
    "terminal",
    "execute_command",
    "shell",
    "Bash",
    "mcp_exec_command",
    "exec_command",
    "shell_command",
    "local_shell",
    "create_terminal",
    "run_command",
];

/// What its parameter for the command is called.
const COMMAND_PARAMETERS: [&str; 3] = ["command", "cmd", "script"];

/// Deeper schemas are filled with null.
const MAX_DEPTH: usize = 8;

/// A tool that runs a command.
#[derive(Debug)]
pub(super) struct ShellTool<'a> {
    pub(super) name: String,
    parameters: &'a Value,
}

impl<'a> ShellTool<'a> {
    /// The tool that the request offers: the first of these names, then of the known ones.
    pub(super) fn offered(request: &'a SeenRequest, names: &[String]) -> Option<Self> {
        // Responses also offer tools of other kinds, which take no JSON.
        let any_kind = request.wire != Some(WireFormat::Responses);
        let is_function = |tool: &&Value| any_kind || tool.get("type") == Some(&json!("function"));
        let names = names.iter().map(String::as_str).chain(SHELL_TOOLS);
        names.into_iter().find_map(|name| {
            let tools = request.tools().iter().filter(is_function).map(function);
            let tool = tools.into_iter().find(|tool| tool.get("name") == Some(&json!(name)))?;
            let parameters = tool.get("parameters").or_else(|| tool.get("input_schema"));
            Some(Self { name: name.to_owned(), parameters: parameters.unwrap_or(&Value::Null) })
        })
    }

    /// The command, and something for whatever else is required.
    pub(super) fn arguments(&self, command: &str) -> Value {
        let property = |name: &str| self.parameters.get("properties")?.get(name);
        let named = COMMAND_PARAMETERS.into_iter().find(|name| property(name).is_some());
        let parameter = named.unwrap_or("command");
        let takes_words = property(parameter).is_some_and(|schema| kind(schema) == "array");
        let command = if takes_words { json!(["bash", "-lc", command]) } else { json!(command) };

        let mut arguments = required(self.parameters, 0);
        arguments.insert(parameter.to_owned(), command);
        Value::Object(arguments)
    }
}

/// Something for each required property.
fn required(schema: &Value, depth: usize) -> Map<String, Value> {
    let names = schema.get("required").and_then(Value::as_array).into_iter().flatten();
    let properties = schema.get("properties");
    let filled = names.filter_map(Value::as_str).map(|name| {
        let schema = properties.and_then(|properties| properties.get(name));
        (name.to_owned(), something(schema.unwrap_or(&Value::Null), depth + 1))
    });
    filled.collect()
}

/// Some value that the schema takes, by what it names or by its type.
fn something(schema: &Value, depth: usize) -> Value {
    if depth > MAX_DEPTH {
        return Value::Null;
    }
    let first = |field| schema.get(field).and_then(Value::as_array).and_then(|list| list.first());
    if let Some(value) = schema.get("default").or_else(|| schema.get("const")).or(first("enum")) {
        return value.clone();
    }
    if let Some(schema) = first("anyOf").or(first("oneOf")) {
        return something(schema, depth + 1);
    }
    match kind(schema) {
        "integer" | "number" => json!(number(schema)),
        "boolean" => json!(false),
        "array" => json!([]),
        "object" => Value::Object(required(schema, depth)),
        "null" => Value::Null,
        _ => json!("run it"),
    }
}

/// Long enough where it is a timeout, in whichever unit, unless the schema bounds it.
fn number(schema: &Value) -> i64 {
    let bound = |field| schema.get(field).and_then(Value::as_i64);
    let number = bound("maximum").map_or(1000, |most| most.min(1000));
    bound("minimum").map_or(number, |least| least.max(number))
}

/// The type's name; the first where there are several.
fn kind(schema: &Value) -> &str {
    let kind = schema.get("type").unwrap_or(&Value::Null);
    let first = kind.as_array().and_then(|kinds| kinds.first());
    first.unwrap_or(kind).as_str().unwrap_or_default()
}
