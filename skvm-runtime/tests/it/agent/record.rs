//! What a run leaves behind: the record, its JSON and the events.

use serde_json::{Value, json};
use skvm_core::harness::{HarnessEvent, RunRecord};
use skvm_core::llm::{LlmResponse, Usage};

use super::{Place, call, calls, said};

fn spent(input: Option<u64>, output: Option<u64>) -> Usage {
    Usage { input, output, ..Usage::default() }
}

/// The same JSON with every duration and time stamp set to zero; each must be a number.
fn timeless(mut json: Value) -> Value {
    fn walk(json: &mut Value) {
        match json {
            Value::Object(fields) => {
                for (name, field) in fields {
                    match name.as_str() {
                        "durationMs" | "llmDurationMs" | "timestamp" => {
                            assert!(field.is_u64(), "{name}: {field}");
                            *field = json!(0);
                        }
                        _ => walk(field),
                    }
                }
            }
            Value::Array(items) => items.iter_mut().for_each(walk),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    walk(&mut json);
    json
}

#[tokio::test]
async fn the_json_of_a_record_has_the_names_of_the_original() {
    let place = Place::new();
    let first = LlmResponse {
        text: "Running it.".into(),
        usage: Usage { input: Some(10), output: Some(3), ..Usage::default() },
        ..calls("execute_command", json!({"command": "exit 3"})).unwrap()
    };
    let seen = place.run([Ok(first), said("It failed.")]).await;
    let json = serde_json::to_value(&seen.record).unwrap();
    let call = json!({"id": "call", "name": "execute_command", "input": {"command": "exit 3"}});
    let mut done = call.clone();
    done["output"] = json!("exit status: 3");
    done["isError"] = json!(true);
    done["durationMs"] = json!(0);
    done["exitCode"] = json!(3);
    assert_eq!(
        timeless(json.clone()),
        json!({
            "text": "It failed.",
            "steps": [
                {
                    "role": "assistant",
                    "text": "Running it.",
                    "toolCalls": [call],
                    "timestamp": 0
                },
                { "role": "tool", "toolCalls": [done], "timestamp": 0 },
                { "role": "assistant", "text": "It failed.", "timestamp": 0 }
            ],
            "tokens": {
                "input": 10,
                "output": 3,
                "cacheRead": null,
                "cacheWrite": null,
                "costUsd": null
            },
            "usageAvailable": true,
            "modelCalls": 2,
            "durationMs": 0,
            "llmDurationMs": 0,
            "workDir": place.workdir,
            "skillLoaded": null,
            "runStatus": "ok"
        })
    );
    assert_eq!(serde_json::from_value::<RunRecord>(json).unwrap(), seen.record);
}

#[tokio::test]
async fn the_json_of_a_failed_run_tells_why() {
    let mut place = Place::new();
    place.limits.turns = 1;
    let seen = place.run([calls("fly", json!({}))]).await;
    let json = serde_json::to_value(&seen.record).unwrap();
    assert_eq!(json["runStatus"], "turn-limit");
    assert_eq!(json["statusDetail"], "the model used up its 1 turns");
    assert_eq!(
        json["notes"],
        json!([
            {"code": "unknown-tool", "message": "1 calls named a tool that does not exist"},
            {"code": "empty-answer", "message": "the model gave no final text"}
        ])
    );
}

#[tokio::test]
async fn usage_is_summed_and_the_unknown_stays_unknown() {
    async fn used(usages: [Usage; 2]) -> (Usage, bool) {
        let [first, second] = usages;
        let first = LlmResponse {
            usage: first,
            ..LlmResponse::tool_call("1", "list_directory", json!({}))
        };
        let second = LlmResponse { usage: second, ..LlmResponse::text("done") };
        let record = Place::new().run([Ok(first), Ok(second)]).await.record;
        (record.usage, record.usage_available)
    }
    let unknown = Usage::default();
    assert_eq!(used([unknown, unknown]).await, (unknown, false));
    let zero = spent(Some(0), Some(0));
    assert_eq!(used([unknown, zero]).await, (zero, true));
    let both = [spent(Some(10), Some(2)), spent(Some(5), Some(1))];
    assert_eq!(used(both).await, (spent(Some(15), Some(3)), true));
    let one = [spent(Some(10), None), unknown];
    assert_eq!(used(one).await, (spent(Some(10), None), true));
    let cost = Usage { cost_usd: Some(0.25), cache_read: Some(7), ..Usage::default() };
    let (sum, available) = used([cost, cost]).await;
    assert_eq!(
        (sum.cost_usd, sum.cache_read, sum.input, available),
        (Some(0.5), Some(14), None, true)
    );
}

/// What failed was not paid for as far as anyone knows, and what came before it was.
#[tokio::test]
async fn usage_of_a_run_that_failed_is_kept() {
    let first = LlmResponse {
        usage: spent(Some(10), Some(2)),
        ..LlmResponse::tool_call("1", "list_directory", json!({}))
    };
    let record = Place::new().run([Ok(first)]).await.record;
    assert_eq!(record.usage, spent(Some(10), Some(2)));
    assert_eq!(record.model_calls, 2);
}

#[tokio::test]
async fn events_come_in_order_and_tell_every_step() {
    let place = Place::new();
    let two = LlmResponse {
        tool_calls: vec![
            call("1", "list_directory", json!({})),
            call("2", "list_directory", json!({"path": "nowhere"})),
        ],
        ..LlmResponse::default()
    };
    let seen = place.run([Ok(two), said("done")]).await;
    let steps = seen.record.steps.as_slice();
    let stepped = |turn, step: usize| HarnessEvent::Stepped { turn, step: steps[step].clone() };
    assert_eq!(
        seen.events,
        [
            HarnessEvent::Started { harness: "bare-agent".into(), skill: None },
            HarnessEvent::Asking { turn: 0 },
            stepped(0, 0),
            stepped(0, 1),
            stepped(0, 2),
            HarnessEvent::Asking { turn: 1 },
            stepped(1, 3),
        ]
    );
    assert!(steps.is_sorted_by_key(|step| step.timestamp));
    let json = timeless(serde_json::to_value(&seen.events[6]).unwrap());
    assert_eq!(
        json,
        json!({
            "event": "stepped",
            "turn": 1,
            "step": {"role": "assistant", "text": "done", "timestamp": 0}
        })
    );
}
