//! The hooks look on and step in.

use async_trait::async_trait;
use serde_json::json;
use skvm_core::harness::{
    Directive, HarnessEvent, Hooks, Role, RunStatus, ToolDirective, ToolResult, TurnView,
};
use skvm_core::llm::{LlmResponse, Message, ToolCall};

use super::{Place, TASK, call, calls, said};

/// Does to each turn what it was told to, and keeps a log.
#[derive(Default)]
struct Scripted {
    /// One for each turn; after them, the model is asked.
    directives: Vec<Directive>,
    /// Names of tools that may not be called.
    denied: Vec<&'static str>,
    log: Vec<String>,
    conversations: Vec<Vec<Message>>,
}

#[async_trait]
impl Hooks for Scripted {
    async fn before_llm(&mut self, turn: &TurnView<'_>) -> Directive {
        assert_eq!(turn.task, TASK);
        self.log.push(format!("before_llm {}", turn.index));
        self.conversations.push(turn.messages.to_vec());
        self.directives.get(turn.index).cloned().unwrap_or(Directive::Proceed)
    }

    async fn after_llm(&mut self, turn: &TurnView<'_>, response: &LlmResponse) {
        self.log.push(format!("after_llm {} {:?}", turn.index, response.text));
        self.conversations.push(turn.messages.to_vec());
    }

    async fn before_tool(&mut self, call: &ToolCall) -> ToolDirective {
        self.log.push(format!("before_tool {}", call.id));
        if self.denied.contains(&call.name.as_str()) {
            ToolDirective::Deny(format!("no {} today", call.name))
        } else {
            ToolDirective::Allow
        }
    }

    async fn after_tool(&mut self, call: &ToolCall, result: &ToolResult) {
        self.log.push(format!("after_tool {} {:?}", call.id, result.content));
    }
}

fn two_calls() -> LlmResponse {
    LlmResponse {
        text: "Working.".into(),
        tool_calls: vec![
            call("1", "write_file", json!({"path": "a.txt", "content": "x"})),
            call("2", "read_file", json!({"path": "a.txt"})),
        ],
        ..LlmResponse::default()
    }
}

#[tokio::test]
async fn hooks_are_called_in_order() {
    let mut hooks = Scripted::default();
    let seen = Place::new().run_hooked([Ok(two_calls()), said("done")], &mut hooks).await;
    assert_eq!(
        hooks.log,
        [
            "before_llm 0",
            "after_llm 0 \"Working.\"",
            "before_tool 1",
            "after_tool 1 \"wrote 1 bytes to a.txt\"",
            "before_tool 2",
            "after_tool 2 \"x\"",
            "before_llm 1",
            "after_llm 1 \"done\"",
        ]
    );
    // Before and after a request the hooks see the conversation that is sent.
    for (turn, request) in seen.requests.iter().enumerate() {
        assert_eq!(hooks.conversations[2 * turn], request.messages);
        assert_eq!(hooks.conversations[2 * turn + 1], request.messages);
    }
}

#[tokio::test]
async fn a_response_of_the_hooks_is_executed_without_asking() {
    let place = Place::new();
    let mut hooks =
        Scripted { directives: vec![Directive::Respond(two_calls())], ..Scripted::default() };
    let seen = place.run_hooked([said("done")], &mut hooks).await;
    assert_eq!(place.content("a.txt"), "x");
    assert_eq!(hooks.log[..3], ["before_llm 0", "after_llm 0 \"Working.\"", "before_tool 1"]);
    assert_eq!(seen.record.model_calls, 1);
    let solidified: Vec<_> = seen.record.steps.iter().map(|s| (s.role, s.solidified)).collect();
    assert_eq!(
        solidified,
        [
            (Role::Assistant, true),
            (Role::Tool, false),
            (Role::Tool, false),
            (Role::Assistant, false)
        ]
    );
    // The model goes on from a complete conversation.
    let [request] = seen.requests.as_slice() else { panic!("{:?}", seen.requests) };
    let answer = two_calls();
    assert_eq!(
        request.messages,
        [
            Message::user(TASK),
            Message::Assistant { content: answer.text, tool_calls: answer.tool_calls },
            Message::Tool { call_id: "1".into(), content: "wrote 1 bytes to a.txt".into() },
            Message::Tool { call_id: "2".into(), content: "x".into() },
        ]
    );
    // The model was asked once, in the second turn.
    let asked: Vec<_> =
        seen.events.iter().filter(|e| matches!(e, HarnessEvent::Asking { .. })).collect();
    assert_eq!(asked, [&HarnessEvent::Asking { turn: 1 }]);
}

#[tokio::test]
async fn a_response_in_words_is_the_final_answer() {
    let respond = Directive::Respond(LlmResponse::text("known by heart"));
    let mut hooks = Scripted { directives: vec![respond], ..Scripted::default() };
    let seen = Place::new().run_hooked([], &mut hooks).await;
    let record = seen.record;
    assert_eq!((record.status, record.text.as_str()), (RunStatus::Ok, "known by heart"));
    assert_eq!((record.model_calls, record.usage_available), (0, false));
    assert!(record.steps[0].solidified && seen.requests.is_empty());
}

#[tokio::test]
async fn finish_ends_the_run() {
    let mut hooks = Scripted {
        directives: vec![Directive::Proceed, Directive::Finish("enough".into())],
        ..Scripted::default()
    };
    let seen = Place::new().run_hooked([Ok(two_calls())], &mut hooks).await;
    assert_eq!((seen.record.status, seen.record.text.as_str()), (RunStatus::Ok, "enough"));
    assert_eq!((seen.record.model_calls, seen.record.steps.len()), (1, 3));
    assert_eq!(hooks.log.last().map(String::as_str), Some("before_llm 1"));
}

#[tokio::test]
async fn a_denied_call_is_told_and_not_made() {
    let place = Place::new();
    let mut hooks = Scripted { denied: vec!["write_file"], ..Scripted::default() };
    let seen = place.run_hooked([Ok(two_calls()), said("done")], &mut hooks).await;
    assert!(!place.path("a.txt").exists());
    assert_eq!(seen.told(1)[0], "refused: no write_file today");
    let results = seen.results();
    assert!(results[0].is_error && results[0].output.as_deref() == Some(&*seen.told(1)[0]));
    // The other call of the turn is made.
    assert!(results[1].is_error, "there is no a.txt");
    let tools: Vec<&String> = hooks.log.iter().filter(|line| line.contains("_tool")).collect();
    assert_eq!(tools[..2], ["before_tool 1", "before_tool 2"]);
    assert!(tools[2].starts_with("after_tool 2"), "{tools:?}");
    assert_eq!(tools.len(), 3);
}

/// What a hook sends in place of the model is under the same rules as the model's own calls.
#[tokio::test]
async fn a_response_of_the_hooks_is_under_the_same_policy() {
    let place = Place::new();
    let respond = calls("execute_command", json!({"command": "sudo id"})).unwrap();
    let mut hooks =
        Scripted { directives: vec![Directive::Respond(respond)], ..Scripted::default() };
    let seen = place.run_hooked([said("done")], &mut hooks).await;
    assert_eq!(seen.told(0), ["refused by policy: sudo is not allowed"]);
    let respond = calls("write_file", json!({"path": "../x", "content": ""})).unwrap();
    let mut hooks =
        Scripted { directives: vec![Directive::Respond(respond)], ..Scripted::default() };
    let seen = place.run_hooked([said("done")], &mut hooks).await;
    assert!(seen.results()[0].is_error);
}

/// Hooks that never come back are under the deadline like everything else.
#[tokio::test]
async fn a_hook_that_hangs_does_not_outlast_the_deadline() {
    struct Hangs;
    #[async_trait]
    impl Hooks for Hangs {
        async fn before_llm(&mut self, _turn: &TurnView<'_>) -> Directive {
            Directive::Proceed
        }

        async fn after_llm(&mut self, _turn: &TurnView<'_>, _response: &LlmResponse) {}

        async fn before_tool(&mut self, _call: &ToolCall) -> ToolDirective {
            std::future::pending().await
        }

        async fn after_tool(&mut self, _call: &ToolCall, _result: &ToolResult) {}
    }
    let mut place = Place::new();
    place.limits.deadline = super::millis(200);
    let seen = place.run_hooked([Ok(two_calls())], &mut Hangs).await;
    assert_eq!(seen.record.status, RunStatus::Timeout);
    assert_eq!(seen.record.steps.len(), 1);
}
