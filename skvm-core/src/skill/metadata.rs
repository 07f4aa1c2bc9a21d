//! The front matter's keys whose meaning is known.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::front_matter::FrontMatter;

/// The keys of the agentskills specification, and the vendor blocks below `metadata`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Metadata {
    /// `name`. A number is read as the text that stands there.
    pub name: Option<String>,
    /// `description`, exactly as the YAML has it.
    pub description: Option<String>,
    /// `license`.
    pub license: Option<String>,
    /// `compatibility`.
    pub compatibility: Option<String>,
    /// `allowed-tools`, from a list or a text with spaces or commas between tools; brackets keep
    /// their spaces: `Bash(git log)` is one tool.
    pub allowed_tools: Vec<String>,
    /// `metadata`, as it stands.
    pub metadata: Map<String, Value>,
    /// The blocks of known vendors below `metadata`.
    pub vendors: Vec<VendorMetadata>,
}

/// What an agent vendor's block says about a skill.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VendorMetadata {
    /// The vendor: `clawdbot`, `openclaw`, `moltbot` or `clawdis`.
    #[serde(default)]
    pub vendor: String,
    /// What must be there.
    #[serde(default)]
    pub requires: Requires,
    /// Ways to install it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub install: Vec<InstallSpec>,
    /// Operating systems that the skill is for, as written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub os: Vec<String>,
    /// The environment variable that holds the main key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary_env: Option<String>,
    /// The rest of the block.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// What must be there for a skill to work.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Requires {
    /// Programs, all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bins: Vec<String>,
    /// Programs, one of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub any_bins: Vec<String>,
    /// Environment variables.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<String>,
    /// The rest.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// One way to install something.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InstallSpec {
    /// The kind as written; `brew`, `node`, `go`, `uv` and `download` are documented, a third of the
    /// published ones are something else.
    #[serde(default)]
    pub kind: String,
    /// What is installed: the first of `formula`, `package` and `module` that is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Programs that are there afterwards.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bins: Vec<String>,
    /// Everything as written.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

const VENDORS: [&str; 4] = ["clawdbot", "openclaw", "moltbot", "clawdis"];

impl Metadata {
    pub(super) fn from_front_matter(front_matter: &FrontMatter) -> Self {
        let scalar = |key| front_matter.get(key).and_then(scalar_text);
        let metadata = match front_matter.get("metadata") {
            Some(Value::Object(map)) => map.clone(),
            Some(Value::String(json)) => serde_json::from_str(json).unwrap_or_default(),
            _ => Map::new(),
        };
        let vendors = VENDORS
            .iter()
            .filter_map(|vendor| Some(VendorMetadata::read(vendor, metadata.get(*vendor)?)))
            .collect();
        Self {
            name: scalar("name"),
            description: scalar("description"),
            license: scalar("license"),
            compatibility: scalar("compatibility"),
            allowed_tools: front_matter.get("allowed-tools").map(tool_list).unwrap_or_default(),
            metadata,
            vendors,
        }
    }
}

impl VendorMetadata {
    fn read(vendor: &str, block: &Value) -> Self {
        let mut rest = block.as_object().cloned().unwrap_or_default();
        let mut requires = rest
            .remove("requires")
            .and_then(|value| value.as_object().cloned())
            .unwrap_or_default();
        let mut take = |key: &str| requires.remove(key).map(|v| text_list(&v)).unwrap_or_default();
        let (bins, any_bins, env) = (take("bins"), take("anyBins"), take("env"));
        let install = match rest.remove("install") {
            Some(Value::Array(specs)) => specs.iter().filter_map(InstallSpec::read).collect(),
            Some(other) => {
                rest.insert("install".to_owned(), other);
                Vec::new()
            }
            None => Vec::new(),
        };
        Self {
            vendor: vendor.to_owned(),
            requires: Requires { bins, any_bins, env, extra: requires },
            install,
            os: rest.remove("os").map(|value| text_list(&value)).unwrap_or_default(),
            primary_env: rest.remove("primaryEnv").and_then(|value| scalar_text(&value)),
            extra: rest,
        }
    }
}

impl InstallSpec {
    /// Reads an entry of an `install` list; `None` when it is no map.
    #[must_use]
    pub fn read(value: &Value) -> Option<Self> {
        let mut extra = value.as_object()?.clone();
        let kind = extra.remove("kind").as_ref().and_then(scalar_text).unwrap_or_default();
        let name =
            ["formula", "package", "module"].iter().find_map(|k| scalar_text(extra.get(*k)?));
        let bins = extra.remove("bins").map(|value| text_list(&value)).unwrap_or_default();
        Some(Self { kind, name, bins, extra })
    }
}

fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn text_list(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().filter_map(scalar_text).collect(),
        other => scalar_text(other).into_iter().collect(),
    }
}

/// Tools from a list or a text, with spaces inside brackets kept.
fn tool_list(value: &Value) -> Vec<String> {
    let Value::String(text) = value else { return text_list(value) };
    let mut tools = vec![String::new()];
    let mut depth = 0_usize;
    for c in text.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 && (c.is_whitespace() || c == ',') {
            tools.push(String::new());
        } else if let Some(tool) = tools.last_mut() {
            tool.push(c);
        }
    }
    tools.retain(|tool| !tool.is_empty());
    tools
}
