//! Repairs of front matter that is no valid YAML.
//!
//! Of 49 such blocks in 2,451 published skills, 38 have an unquoted `: ` in a plain value, two an
//! unquoted bracket list, three unbalanced JSON, one a control character. Each repair works on one
//! top-level entry and is kept only if the entry then parses; what cannot be repaired is kept as text.

use serde_json::Value;

use super::yaml::{Field, read_yaml};
use crate::span::Span;

/// The outcome: every key, and what was done to get it.
pub(super) struct Repair {
    pub(super) fields: Vec<Field>,
    pub(super) changes: Vec<Change>,
}

/// One repair, with its place in the YAML text.
pub(super) struct Change {
    pub(super) span: Span,
    pub(super) what: String,
}

pub(super) fn repair(yaml: &str) -> Repair {
    let mut outcome = Repair { fields: Vec::new(), changes: Vec::new() };
    for entry in entries(yaml) {
        let span = Span::of_slice(yaml, entry.trim_end()).unwrap_or(Span::at(0));
        match repair_entry(entry) {
            Some((fields, what)) => {
                outcome.fields.extend(fields);
                outcome.changes.extend(what.map(|what| Change { span, what }));
            }
            None if entry.trim().is_empty() || entry.trim_start().starts_with('#') => {}
            None => outcome.changes.push(Change {
                span,
                what: "these lines are no YAML entry and were passed over".to_owned(),
            }),
        }
    }
    let mut seen = std::collections::HashSet::new();
    outcome.fields.reverse();
    outcome.fields.retain(|field| seen.insert(field.key.clone()));
    outcome.fields.reverse();
    outcome
}

/// The top-level entries: a line at column 0, and the indented or closing lines that follow it.
fn entries(yaml: &str) -> Vec<&str> {
    let mut starts = Vec::new();
    let mut at = 0;
    for line in yaml.split_inclusive('\n') {
        let continues = line.starts_with([' ', '\t', '}', ']', '-']) || line.trim().is_empty();
        if !continues || at == 0 {
            starts.push(at);
        }
        at += line.len();
    }
    starts.push(yaml.len());
    starts.windows(2).filter_map(|pair| yaml.get(pair[0]..pair[1])).collect()
}

/// The fields of one entry and, when it had to be changed, what was done.
fn repair_entry(entry: &str) -> Option<(Vec<Field>, Option<String>)> {
    if let Ok(fields) = read_yaml(entry)
        && !fields.is_empty()
    {
        return Some((fields, None));
    }
    let mut notes = Vec::new();
    let cleaned: String = entry.chars().filter(|c| !is_stray_control(*c)).collect();
    if cleaned.len() != entry.len() {
        notes.push("control characters were removed");
        if let Ok(fields) = read_yaml(&cleaned)
            && !fields.is_empty()
        {
            return Some((fields, Some(notes.join("; "))));
        }
    }
    let (key, value) = cleaned.split_once(':')?;
    let (key, value) = (key.trim(), value.trim());
    if key.is_empty() || key.contains(['\n', ' ', '<', '>', '=']) {
        return None;
    }
    let with_value = |value: Value| vec![Field { key: key.to_owned(), value }];
    if value.starts_with(['{', '['])
        && let Some(value) = [balance(value), balance(&value.replace("\\\"", "\""))]
            .iter()
            .find_map(|text| read_yaml(&format!("value: {text}")).ok())
            .and_then(|fields| fields.into_iter().next())
    {
        notes.push("its brackets were balanced");
        return Some((with_value(value.value), Some(format!("`{key}`: {}", notes.join("; ")))));
    }
    notes.push("its value was read as plain text");
    let text = value.lines().map(str::trim).collect::<Vec<_>>().join(" ");
    Some((with_value(Value::String(text)), Some(format!("`{key}`: {}", notes.join("; ")))))
}

fn is_stray_control(c: char) -> bool {
    c.is_control() && !matches!(c, '\n' | '\r' | '\t')
}

/// Closes what was opened outside quotes and drops closers without an opener.
fn balance(text: &str) -> String {
    let (mut open, mut quoted, mut escaped) = (Vec::new(), false, false);
    let mut balanced = String::with_capacity(text.len());
    for c in text.chars() {
        if quoted {
            quoted = escaped || c != '"';
            escaped = !escaped && c == '\\';
        } else {
            match c {
                '"' => quoted = true,
                '{' => open.push('}'),
                '[' => open.push(']'),
                '}' | ']' if open.last() == Some(&c) => {
                    open.pop();
                }
                '}' | ']' => continue,
                _ => {}
            }
        }
        balanced.push(c);
    }
    balanced.extend(quoted.then_some('"'));
    balanced.extend(open.into_iter().rev());
    balanced
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(yaml: &str, key: &str) -> Option<Value> {
        repair(yaml).fields.into_iter().find(|field| field.key == key).map(|field| field.value)
    }

    #[test]
    fn an_unquoted_colon_is_quoted() {
        let yaml = "name: x\ndescription: Lists: a and b\nversion: 1.0\n";
        assert_eq!(value(yaml, "description"), Some("Lists: a and b".into()));
        assert_eq!(value(yaml, "name"), Some("x".into()));
        assert_eq!(value(yaml, "version"), Some(1.0.into()));
    }

    #[test]
    fn brackets_are_balanced() {
        let yaml = "metadata: {\"a\":{\"b\":[1]}\nname: x\n";
        assert_eq!(value(yaml, "metadata"), Some(serde_json::json!({"a": {"b": [1]}})));
    }

    #[test]
    fn a_second_bracket_list_stays_text() {
        let yaml = "argument-hint: [file] [pages]\n";
        assert_eq!(value(yaml, "argument-hint"), Some("[file] [pages]".into()));
    }

    #[test]
    fn control_characters_are_removed() {
        assert_eq!(value("name: a\u{80}b\n", "name"), Some("ab".into()));
    }

    #[test]
    fn merge_conflict_marks_are_passed_over() {
        let yaml = "<<<<<<< HEAD\nname: a\n=======\nname: b\n>>>>>>> other\n";
        let repair = repair(yaml);
        assert_eq!(repair.fields.len(), 1);
        assert_eq!(repair.changes.len(), 3);
    }
}
