//! A scripted model that does office work: it takes its time, and writes the same code in other words each time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use skvm_core::llm::{
    LlmBackend, LlmError, LlmRequest, LlmResponse, Message, StopReason, ToolCall, Usage,
};
use skvm_core::target::ModelId;
use skvm_core::tokens::estimate;

/// The programs that an invoice takes: their names and texts.
pub const TOOLS: [(&str, &str); 3] = [
    (
        "lookup.py",
        "import json, sys\n\
         name = sys.argv[1]\n\
         number = sum(map(ord, name)) % 900 + 100\n\
         print(json.dumps({'customer': {'id': number, 'name': name}, 'rate': number / 8}))\n",
    ),
    (
        "invoice.py",
        "import sys\n\
         number, month = sys.argv[1], sys.argv[2]\n\
         path = f'invoice-{number}-{month}.txt'\n\
         with open(path, 'w') as file:\n\
         \x20   file.write(f'{number} {month}\\n12 x 8 = 96\\n')\n\
         print(f'wrote {path}')\n",
    ),
    (
        "check.py",
        "import sys\n\
         line = open(sys.argv[1]).read().splitlines()[1]\n\
         left, right = line.replace('x', '*').split('=')\n\
         print('sum', 'holds' if eval(left) == int(right) else 'differs')\n",
    ),
];

/// How many tokens a real model may spend on an answer that is not read.
const MOST_TOKENS: u32 = 48;

/// A model for two kinds of tasks: `Convert FILE.csv to JSON lines.` and `Write the invoice of NAME for MONTH and
/// check it.`
pub struct Clerk {
    model: ModelId,
    latency: Duration,
    /// A real model that is asked the same, for the time that it takes.
    endpoint: Option<Arc<dyn LlmBackend>>,
    answers: AtomicUsize,
}

impl std::fmt::Debug for Clerk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Clerk").field("model", &self.model).finish_non_exhaustive()
    }
}

impl Clerk {
    /// A clerk that takes this long for an answer. Its tokens are estimated.
    #[must_use]
    pub fn new(model: impl Into<ModelId>, latency: Duration) -> Self {
        Self { model: model.into(), latency, endpoint: None, answers: AtomicUsize::new(0) }
    }

    /// A clerk that takes as long, and as many tokens, as a real model does for the same request with an answer of
    /// at most 48 tokens.
    #[must_use]
    pub fn behind(model: impl Into<ModelId>, endpoint: Arc<dyn LlmBackend>) -> Self {
        Self { endpoint: Some(endpoint), ..Self::new(model, Duration::ZERO) }
    }

    async fn take_time(&self, request: &LlmRequest, answer: &str) -> Result<Usage, LlmError> {
        if let Some(endpoint) = &self.endpoint {
            // Small servers know no tool calls in a conversation, so it is told in words.
            let messages = request.messages.iter().map(in_words).collect();
            let max_tokens = Some(MOST_TOKENS);
            let request = LlmRequest { messages, max_tokens, ..request.clone() };
            return Ok(endpoint.complete(request).await?.usage);
        }
        tokio::time::sleep(self.latency).await;
        let asked = serde_json::to_string(request).unwrap_or_default();
        let tokens = |text: &str| u64::try_from(estimate(text)).ok();
        Ok(Usage { input: tokens(&asked), output: tokens(answer), ..Usage::default() })
    }
}

#[async_trait]
impl LlmBackend for Clerk {
    fn model(&self) -> &ModelId {
        &self.model
    }

    async fn complete(&self, request: LlmRequest) -> Result<LlmResponse, LlmError> {
        let number = self.answers.fetch_add(1, Ordering::Relaxed);
        let answer = answer(&request.messages, number);
        let written = match &answer {
            Answer::Command(command) => command.clone(),
            Answer::Text(text) => text.clone(),
        };
        let usage = self.take_time(&request, &written).await?;
        Ok(match answer {
            Answer::Text(text) => LlmResponse { usage, ..LlmResponse::text(text) },
            Answer::Command(command) => {
                let (id, name) = (format!("call-{number}"), "execute_command".to_owned());
                let call = ToolCall { id, name, arguments: json!({"command": command}) };
                let stop = StopReason::ToolCalls;
                LlmResponse { text: String::new(), tool_calls: vec![call], stop, usage }
            }
        })
    }
}

fn in_words(message: &Message) -> Message {
    match message {
        Message::User { content } | Message::Tool { content, .. } => Message::user(content),
        Message::Assistant { content, tool_calls } => {
            let calls = tool_calls.iter().map(|call| call.arguments.to_string());
            let content = calls.fold(content.clone(), |text, call| text + &call);
            Message::Assistant { content, tool_calls: Vec::new() }
        }
    }
}

enum Answer {
    Command(String),
    Text(String),
}

fn answer(messages: &[Message], number: usize) -> Answer {
    let task = messages.first().map_or("", Message::text);
    let made = messages.iter().rev().find_map(|message| match message {
        Message::Assistant { tool_calls, .. } => {
            tool_calls.last()?.arguments.get("command")?.as_str()
        }
        Message::User { .. } | Message::Tool { .. } => None,
    });
    let result = match messages.last() {
        Some(Message::Tool { content, .. }) => Some(content.as_str()),
        _ => None,
    };
    let step = made.zip(result);
    match task.strip_prefix("Convert ").and_then(|rest| rest.strip_suffix(" to JSON lines.")) {
        Some(file) => convert(file, step, number),
        None => invoice(task, step),
    }
}

fn succeeded(result: &str) -> bool {
    result.trim_end().ends_with("exit status: 0")
}

/// The JSON in what a command printed.
fn printed(result: &str) -> Value {
    let start = result.find('{').unwrap_or(0);
    let rest = result.get(start..).unwrap_or_default();
    let first = serde_json::Deserializer::from_str(rest).into_iter().next();
    first.and_then(Result::ok).unwrap_or_default()
}

/// One program, written anew each time.
fn convert(file: &str, step: Option<(&str, &str)>, number: usize) -> Answer {
    let delimiter = match step {
        Some((_, result)) if succeeded(result) => {
            let told = printed(result);
            let (rows, total) = (&told["rows"], &told["total"]);
            return Answer::Text(format!("{file} has {rows} rows, {total} in all."));
        }
        Some(_) => ";",
        None => ",",
    };
    let out = file.replace("data/", "").replace(".csv", ".jsonl");
    let (source, target, row, total, quote) = match number % 3 {
        0 => ("source", "target", "row", "total", '\''),
        1 => ("infile", "outfile", "record", "amount", '"'),
        _ => ("f", "g", "r", "s", '\''),
    };
    let comment =
        if number.is_multiple_of(2) { "# Rows one by one: tables can be large.\n" } else { "" };
    let q = quote;
    Answer::Command(format!(
        "python3 - <<'EOF'\n\
         import csv, json\n\
         {comment}rows, {total} = 0, 0\n\
         with open({q}{file}{q}) as {source}, open({q}{out}{q}, {q}w{q}) as {target}:\n\
         \x20   for {row} in csv.DictReader({source}, delimiter={q}{delimiter}{q}):\n\
         \x20       {row}[{q}amount{q}] = float({row}[{q}amount{q}])\n\
         \x20       {target}.write(json.dumps({row}) + {q}\\n{q})\n\
         \x20       rows += 1\n\
         \x20       {total} += {row}[{q}amount{q}]\n\
         print(json.dumps({{{q}rows{q}: rows, {q}total{q}: {total}}}))\n\
         EOF"
    ))
}

/// Three calls, each with values out of the one before.
fn invoice(task: &str, step: Option<(&str, &str)>) -> Answer {
    let word = |before: &str| {
        let rest = task.split_once(before).map_or("", |(_, rest)| rest);
        rest.split_whitespace().next().unwrap_or("")
    };
    let (name, month) = (word("invoice of "), word(" for "));
    let Some((command, result)) = step else {
        return Answer::Command(format!("python3 tools/lookup.py {name}"));
    };
    let line = result.lines().find_map(|line| line.strip_prefix("wrote "));
    if !succeeded(result) {
        let lookup = format!("cp tools/spare/lookup.py tools/ && python3 tools/lookup.py {name}");
        return Answer::Command(lookup);
    }
    if command.contains("lookup.py") {
        let id = &printed(result)["customer"]["id"];
        return Answer::Command(format!("python3 tools/invoice.py {id} {month}"));
    }
    if command.contains("invoice.py") {
        return Answer::Command(format!("python3 tools/check.py {}", line.unwrap_or("")));
    }
    Answer::Text(format!("The invoice of {name} for {month} is written, and it adds up."))
}
