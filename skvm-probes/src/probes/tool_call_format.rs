//! `tool.call.format`: a call whose arguments are as the tool wants them.

use serde_json::{Value, json};

use super::{Levels, pools};
use crate::draw::Draw;
use crate::probe::{Answer, Call, Evidence, GivenTool, Instance, Mismatch, ToolNeed, by_evidence};

pub(super) const LEVELS: Levels = [strings, lists, nested];

/// Wants one call of the tool, with these arguments.
fn called(evidence: &Evidence<'_>, tool: &str, right: &Value) -> Result<(), Mismatch> {
    let calls = evidence.calls();
    let made: Vec<_> = calls.iter().filter(|call| call.tool() == tool).collect();
    match made.as_slice() {
        [call] if same(call.arguments(), right) => Ok(()),
        [call] => {
            Err(format!("the arguments should be {right} and are {}", call.arguments()).into())
        }
        [] => Err(format!("{tool} was not called").into()),
        more => Err(format!("{tool} was called {} times", more.len()).into()),
    }
}

/// Equal values; `2` and `2.0` are the same number.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        (a, b) => a == b,
    }
}

/// An instance that wants one call of this tool.
fn graded(
    task: &str,
    tool: GivenTool,
    name: &'static str,
    right: Value,
    wrong: Vec<(&'static str, Value)>,
) -> Instance {
    let done = |arguments: &Value| Answer::after([Call::new(name, arguments.clone())], "Done.");
    let prompt = format!(
        "{task} Call the tool `{name}` exactly once, with just the arguments that follow from this and no \
         others. Then say that it is done."
    );
    let twice = Answer::after([0, 1].map(|_| Call::new(name, right.clone())), "Done.");
    let prose = format!("```json\n{{\"name\": \"{name}\", \"arguments\": {right}}}\n```");
    let reference = done(&right);
    let text = done(&right.to_string().into());
    let misses: Vec<(&str, Answer)> =
        wrong.iter().map(|(fault, arguments)| (*fault, done(arguments))).collect();
    let grader = by_evidence(move |evidence| called(evidence, name, &right));
    Instance::new(prompt, reference, grader)
        .with_tools(ToolNeed::Given(vec![tool]))
        .with_near_misses(misses)
        .with_near_miss("written and not called", prose)
        .with_near_miss("called twice", twice)
        .with_near_miss("the arguments as one text", text)
        .with_near_miss("only said", "Done.")
}

fn changed(value: &Value, change: impl FnOnce(&mut Value)) -> Value {
    let mut value = value.clone();
    change(&mut value);
    value
}

/// Texts as arguments.
fn strings(draw: &mut Draw) -> Instance {
    let person = draw.pick(&pools::PEOPLE);
    let address = format!("{}@{}.example", person.to_lowercase(), draw.pick(&pools::KEYS));
    let (thing, city) = (draw.pick(&pools::THINGS), draw.pick(&pools::CITIES));
    let subject = format!("{thing} for {city}");
    let body = format!("The {thing} leaves at {}:{:02}.", draw.between(6..=22), draw.below(60));
    let right = json!({ "recipient": address, "subject": subject, "body": body });
    let text = json!({ "type": "string" });
    let tool = GivenTool::new(
        "send_message",
        "Sends a message.",
        json!({
            "type": "object",
            "properties": { "recipient": text, "subject": text, "body": text },
            "required": ["recipient", "subject", "body"],
            "additionalProperties": false,
        }),
        "sent",
    );
    let task = format!(
        "Send a message to {address} with the subject `{subject}` and the body `{body}`, both without the backticks."
    );
    let wrong = vec![
        ("the name for the address", changed(&right, |v| v["recipient"] = person.into())),
        ("no subject", changed(&right, |v| drop(v.as_object_mut().map(|o| o.remove("subject"))))),
        (
            "another key",
            changed(&right, |v| {
                let body = v["body"].take();
                v["text"] = body;
                v.as_object_mut().map(|object| object.remove("body"));
            }),
        ),
        ("a greeting is added", changed(&right, |v| v["body"] = format!("Hello, {body}").into())),
    ];
    graded(&task, tool, "send_message", right, wrong)
}

/// Lists and objects as arguments.
fn lists(draw: &mut Draw) -> Instance {
    let people: Vec<&'static str> = draw.sample(&pools::PEOPLE, 3);
    let title = format!("{} review", draw.pick(&pools::THINGS));
    let (floor, room) = (draw.between(1..=9), draw.between(100..=399));
    let minutes = draw.pick(&[25, 40, 55, 75]);
    let online = draw.flip();
    let right = json!({
        "title": title,
        "attendees": people,
        "location": { "floor": floor, "room": room.to_string() },
        "minutes": minutes,
        "online": online,
    });
    let tool = GivenTool::new(
        "create_event",
        "Puts an event into the calendar.",
        json!({
            "type": "object",
            "properties": {
                "title": { "type": "string" },
                "attendees": { "type": "array", "items": { "type": "string" } },
                "location": {
                    "type": "object",
                    "properties": { "floor": { "type": "integer" }, "room": { "type": "string" } },
                    "required": ["floor", "room"],
                    "additionalProperties": false,
                },
                "minutes": { "type": "integer" },
                "online": { "type": "boolean" },
            },
            "required": ["title", "attendees", "location", "minutes", "online"],
            "additionalProperties": false,
        }),
        "created",
    );
    let task = format!(
        "Create an event with the title `{title}` (without the backticks). It takes {minutes} minutes, on floor {floor} in room {room}, and \
         the attendees are, in this order, {}, {} and {}. It is {}held online.",
        people[0],
        people[1],
        people[2],
        if online { "" } else { "not " },
    );
    let wrong = vec![
        ("attendees as one text", changed(&right, |v| v["attendees"] = people.join(", ").into())),
        (
            "attendees out of order",
            changed(&right, |v| {
                v["attendees"] = json!([people[2], people[1], people[0]]);
            }),
        ),
        ("the room is a number", changed(&right, |v| v["location"]["room"] = room.into())),
        (
            "the place as one text",
            changed(&right, |v| v["location"] = format!("floor {floor}, room {room}").into()),
        ),
        ("the flag is a text", changed(&right, |v| v["online"] = online.to_string().into())),
        ("the other flag", changed(&right, |v| v["online"] = (!online).into())),
    ];
    graded(&task, tool, "create_event", right, wrong)
}

/// Nested arguments with special characters.
fn nested(draw: &mut Draw) -> Instance {
    let (a, b) = (draw.pick(&pools::THINGS), draw.pick(&pools::KEYS));
    let code = draw.between(100..=999);
    let path = format!("C:\\{b}\\new\\{code}.txt");
    let quote = format!("She said \"{a}\" & left – 100 % sure, café №{code}");
    let pattern = format!("^{b}\\d+\\.\"x\"$");
    let limit = draw.between(2..=9);
    let right = json!({
        "record": {
            "id": code,
            "source": { "path": path, "tags": [b, format!("{a}/{b}")] },
            "checks": [
                { "pattern": pattern, "limits": { "low": 0, "high": limit } },
                { "pattern": quote, "limits": { "low": -1, "high": null } },
            ],
        },
        "dry_run": true,
    });
    let number = json!({ "type": ["integer", "null"] });
    let tool = GivenTool::new(
        "update_record",
        "Changes a record.",
        json!({
            "type": "object",
            "properties": {
                "record": {
                    "type": "object",
                    "properties": {
                        "id": { "type": "integer" },
                        "source": {
                            "type": "object",
                            "properties": {
                                "path": { "type": "string" },
                                "tags": { "type": "array", "items": { "type": "string" } },
                            },
                            "required": ["path", "tags"],
                        },
                        "checks": {
                            "type": "array",
                            "items": {
                                "type": "object",
                                "properties": {
                                    "pattern": { "type": "string" },
                                    "limits": {
                                        "type": "object",
                                        "properties": { "low": number, "high": number },
                                        "required": ["low", "high"],
                                    },
                                },
                                "required": ["pattern", "limits"],
                            },
                        },
                    },
                    "required": ["id", "source", "checks"],
                },
                "dry_run": { "type": "boolean" },
            },
            "required": ["record", "dry_run"],
        }),
        "updated",
    );
    let task = format!(
        "Update a record as a dry run. Texts stand between « and » here and are meant character by character, \
         without those marks. The record has the id {code}. Its source has the path «{path}» and two tags: \
         «{b}» and «{a}/{b}». It has two checks. The first has the pattern «{pattern}» and the limits 0 (low) and {limit} (high). \
         The second has the pattern «{quote}», the low limit -1, and null as its high limit."
    );
    let wrong = vec![
        (
            "backslashes are doubled",
            changed(&right, |v| {
                v["record"]["source"]["path"] = path.replace('\\', "\\\\").into();
            }),
        ),
        (
            "backslashes become slashes",
            changed(&right, |v| {
                v["record"]["source"]["path"] = path.replace('\\', "/").into();
            }),
        ),
        (
            "quotes are lost",
            changed(&right, |v| {
                v["record"]["checks"][1]["pattern"] = quote.replace('"', "").into();
            }),
        ),
        (
            "only plain letters",
            changed(&right, |v| {
                v["record"]["checks"][1]["pattern"] = quote.replace("é", "e").into();
            }),
        ),
        ("0 for null", changed(&right, |v| v["record"]["checks"][1]["limits"]["high"] = 0.into())),
        ("flat", changed(&right, |v| v["id"] = v["record"]["id"].clone())),
    ];
    graded(&task, tool, "update_record", right, wrong)
}
