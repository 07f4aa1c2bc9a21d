//! Routes from model ids to providers.

use std::fmt;

use serde::Deserialize;
use skvm_core::target::ModelId;

use super::{ApiKey, Endpoint, ProviderError, WireFormat};

/// Kinds of providers. They differ in wire format, URL and what their model ids are like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ProviderKind {
    /// OpenRouter: chat completions; ids are `vendor/model`.
    #[serde(rename = "openrouter")]
    OpenRouter,
    /// Anthropic, or a gateway that speaks its messages.
    Anthropic,
    /// Whatever speaks chat completions; it has no URL of its own.
    #[serde(rename = "openai-compatible")]
    OpenAiCompatible,
    /// Whatever speaks OpenAI's responses.
    #[serde(rename = "openai-responses")]
    OpenAiResponses,
}

impl ProviderKind {
    /// How providers of this kind are spoken to.
    #[must_use]
    pub fn wire(self) -> WireFormat {
        match self {
            Self::OpenRouter | Self::OpenAiCompatible => WireFormat::ChatCompletions,
            Self::OpenAiResponses => WireFormat::Responses,
            Self::Anthropic => WireFormat::Messages,
        }
    }

    /// Where the provider is, for the kinds that stand for one.
    #[must_use]
    pub fn default_base_url(self) -> Option<&'static str> {
        match self {
            Self::OpenRouter => Some("https://openrouter.ai/api/v1"),
            Self::Anthropic => Some(ANTHROPIC),
            Self::OpenAiResponses => Some("https://api.openai.com/v1"),
            Self::OpenAiCompatible => None,
        }
    }

    /// What the ids of its models are like, where one is not like that.
    fn rule_broken(self, model: &str, base_url: &str) -> Option<&'static str> {
        let is_vendors =
            || model.split_once('/').is_some_and(|(v, m)| !v.is_empty() && !m.is_empty());
        let is_official = Endpoint::new(self.wire(), base_url, "").origin() == ANTHROPIC;
        if model.is_empty() || model.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Some("is not empty and has no white space");
        }
        match self {
            Self::OpenRouter if !is_vendors() => Some("is vendor/model"),
            Self::Anthropic if is_official && !model.starts_with("claude-") => {
                Some("begins with claude-")
            }
            _ => None,
        }
    }
}

const ANTHROPIC: &str = "https://api.anthropic.com";

impl fmt::Display for ProviderKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OpenRouter => "openrouter",
            Self::Anthropic => "anthropic",
            Self::OpenAiCompatible => "openai-compatible",
            Self::OpenAiResponses => "openai-responses",
        })
    }
}

/// Where a key comes from. `Debug` does not show it.
#[derive(Debug, Clone, Default)]
pub enum KeySource {
    /// None is needed.
    #[default]
    None,
    /// It is given.
    Value(ApiKey),
    /// It is in an environment variable of this process, read when it is needed.
    Variable(String),
}

impl KeySource {
    fn key(&self) -> Result<Option<ApiKey>, ProviderError> {
        match self {
            Self::None => Ok(None),
            Self::Value(key) => Ok(Some(key.clone())),
            Self::Variable(variable) => ApiKey::from_env(variable).map(Some),
        }
    }
}

/// A way from model ids to a provider.
#[derive(Debug, Clone)]
#[must_use]
pub struct ProviderRoute {
    pattern: String,
    kind: ProviderKind,
    base_url: Option<String>,
    key: KeySource,
}

impl ProviderRoute {
    /// A route for the model ids that match a pattern, in which `*` stands for any characters and everything else for
    /// itself. Without a key and at the kind's own URL.
    pub fn new(pattern: impl Into<String>, kind: ProviderKind) -> Self {
        Self { pattern: pattern.into(), kind, base_url: None, key: KeySource::None }
    }

    /// The same at another URL: the one before the operation's name.
    pub fn with_base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = Some(url.into());
        self
    }

    /// The same with a key.
    pub fn with_key(mut self, key: ApiKey) -> Self {
        self.key = KeySource::Value(key);
        self
    }

    /// The same with a key that an environment variable holds.
    pub fn with_key_from(mut self, variable: impl Into<String>) -> Self {
        self.key = KeySource::Variable(variable.into());
        self
    }

    /// Whether the route is for a model. An id without a prefix is for none.
    #[must_use]
    pub fn matches(&self, model: &ModelId) -> bool {
        model.as_str().contains('/') && glob(&self.pattern, model.as_str())
    }

    /// What is asked for a model on this route, whether it matches or not.
    ///
    /// # Errors
    /// [`ProviderError`] when the key is missing, the route has no URL, or the provider has no such ids.
    pub fn endpoint(&self, model: &ModelId) -> Result<Endpoint, ProviderError> {
        let Self { pattern, kind, base_url, key } = self;
        let base_url = base_url.as_deref().or(kind.default_base_url());
        let base_url = base_url
            .ok_or_else(|| ProviderError::NoBaseUrl { pattern: pattern.clone(), kind: *kind })?;
        let known = model.as_str().split_once('/').map_or(model.as_str(), |(_, known)| known);
        if let Some(rule) = kind.rule_broken(known, base_url) {
            return Err(ProviderError::ModelId { model: model.clone(), kind: *kind, rule });
        }
        Ok(Endpoint::new(kind.wire(), base_url, known).with_key(key.key()?))
    }
}

/// Routes in the order in which they are asked. The default is OpenRouter's, `openrouter/*`, with the key in
/// `OPENROUTER_API_KEY`.
#[derive(Debug, Clone)]
pub struct ProviderRoutes(Vec<ProviderRoute>);

impl Default for ProviderRoutes {
    fn default() -> Self {
        let route = ProviderRoute::new("openrouter/*", ProviderKind::OpenRouter);
        Self::new([route.with_key_from("OPENROUTER_API_KEY")])
    }
}

impl ProviderRoutes {
    /// These routes.
    #[must_use]
    pub fn new(routes: impl IntoIterator<Item = ProviderRoute>) -> Self {
        Self(routes.into_iter().collect())
    }

    /// Reads the routes of the original SkVM's configuration: `providers.routes`, a list of `match`, `kind`, `apiKey`
    /// or `apiKeyEnv`, and `baseUrl`. What else stands there is passed over; where no routes stand there, these are
    /// the default ones.
    ///
    /// # Errors
    /// [`ProviderError`] when it is no such JSON, or a route has neither `apiKey` nor `apiKeyEnv`.
    ///
    /// ```
    /// use skvm_core::target::ModelId;
    /// use skvm_runtime::provider::ProviderRoutes;
    ///
    /// let json = r#"{"providers": {"routes": [
    ///     {"match": "local/*", "kind": "openai-compatible", "apiKey": "", "baseUrl": "http://127.0.0.1:8080/v1"}
    /// ]}}"#;
    /// let endpoint = ProviderRoutes::from_json(json)?.endpoint(&ModelId::from("local/m"))?;
    /// assert!(endpoint.key.is_none()); // an empty key is none on purpose
    /// # Ok::<(), skvm_runtime::provider::ProviderError>(())
    /// ```
    pub fn from_json(json: &str) -> Result<Self, ProviderError> {
        let Config { providers } = serde_json::from_str(json)?;
        let Some(routes) = providers.routes else { return Ok(Self::default()) };
        routes.into_iter().map(ProviderRoute::try_from).collect::<Result<_, _>>().map(Self)
    }

    /// What is asked for a model: by the first route that matches its id.
    ///
    /// # Errors
    /// [`ProviderError`] when no route matches, or the one that does cannot be used; no other is tried then.
    pub fn endpoint(&self, model: &ModelId) -> Result<Endpoint, ProviderError> {
        let route = self.0.iter().find(|route| route.matches(model));
        route.ok_or_else(|| ProviderError::NoRoute { model: model.clone() })?.endpoint(model)
    }
}

#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    providers: Providers,
}

#[derive(Default, Deserialize)]
struct Providers {
    routes: Option<Vec<Entry>>,
}

/// A route as the configuration has it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    #[serde(rename = "match")]
    pattern: String,
    kind: ProviderKind,
    api_key: Option<String>,
    api_key_env: Option<String>,
    base_url: Option<String>,
}

impl TryFrom<Entry> for ProviderRoute {
    type Error = ProviderError;

    fn try_from(entry: Entry) -> Result<Self, ProviderError> {
        let Entry { pattern, kind, api_key, api_key_env, base_url } = entry;
        let key = match (api_key, api_key_env) {
            (Some(key), _) if key.trim().is_empty() => KeySource::None,
            (Some(key), _) => KeySource::Value(ApiKey::new(key)),
            (None, Some(variable)) => KeySource::Variable(variable),
            (None, None) => return Err(ProviderError::NoKey { pattern }),
        };
        Ok(Self { pattern, kind, base_url, key })
    }
}

/// Whether a text fits a pattern in which `*` stands for any characters.
fn glob(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        // The first place that fits leaves most for what comes behind.
        let Some((_, behind)) = rest.split_once(part) else { return false };
        rest = behind;
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(routes: &ProviderRoutes, model: &str) -> Result<Endpoint, ProviderError> {
        routes.endpoint(&ModelId::from(model))
    }

    #[test]
    fn a_star_stands_for_anything_and_all_else_for_itself() {
        for (pattern, text, expected) in [
            ("a/*", "a/b/c", true),
            ("a/*", "b/a/", false),
            ("*", "", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("ab*ab", "ab", false),
            ("a.c/*", "abc/x", false),
            ("(a+)+$/*", "(a+)+$/x", true),
            ("a/b", "a/b", true),
            ("a/b", "a/bc", false),
        ] {
            assert_eq!(glob(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn the_first_route_that_matches_wins() {
        let route = |pattern: &str, url: &str| {
            ProviderRoute::new(pattern, ProviderKind::OpenAiCompatible).with_base_url(url)
        };
        let routes = ProviderRoutes::new([route("a/b*", "http://1"), route("a/*", "http://2")]);
        assert_eq!(endpoint(&routes, "a/bc").unwrap().base_url, "http://1");
        assert_eq!(endpoint(&routes, "a/c/d").unwrap().base_url, "http://2");
        assert_eq!(endpoint(&routes, "a/c/d").unwrap().model.as_str(), "c/d");
        for unmatched in ["b/a", "a", "", "ab"] {
            let error = endpoint(&routes, unmatched).unwrap_err();
            assert!(matches!(error, ProviderError::NoRoute { .. }), "{unmatched}");
        }
        // A pattern of one star is still no route for an id without a prefix.
        assert!(endpoint(&ProviderRoutes::new([route("*", "http://3")]), "model").is_err());
    }

    #[test]
    fn a_route_that_matches_and_fails_is_not_passed_over() {
        let broken = ProviderRoute::new("a/*", ProviderKind::OpenAiCompatible);
        let good = broken.clone().with_base_url("http://2");
        let error = endpoint(&ProviderRoutes::new([broken.clone(), good]), "a/b").unwrap_err();
        assert!(matches!(error, ProviderError::NoBaseUrl { .. }));
        let unset = broken.with_base_url("http://1").with_key_from("SKVM_THIS_VARIABLE_IS_NOT_SET");
        let error = endpoint(&ProviderRoutes::new([unset]), "a/b").unwrap_err();
        assert!(error.to_string().contains("SKVM_THIS_VARIABLE_IS_NOT_SET"), "{error}");
    }

    #[test]
    fn providers_know_what_their_ids_are_like() {
        let check = |kind, url: Option<&str>, model| {
            let mut route = ProviderRoute::new("p/*", kind);
            if let Some(url) = url {
                route = route.with_base_url(url);
            }
            endpoint(&ProviderRoutes::new([route]), model).is_ok()
        };
        let own = Some("http://h/v1");
        for (kind, url, model, expected) in [
            (ProviderKind::OpenRouter, None, "p/qwen/x", true),
            (ProviderKind::OpenRouter, None, "p/x", false),
            (ProviderKind::OpenRouter, None, "p/qwen/", false),
            (ProviderKind::Anthropic, None, "p/claude-x", true),
            (ProviderKind::Anthropic, None, "p/gpt-x", false),
            (ProviderKind::Anthropic, Some("https://api.anthropic.com/v1/"), "p/gpt-x", false),
            (ProviderKind::Anthropic, own, "p/gpt-x", true),
            (ProviderKind::OpenAiCompatible, own, "p/a b", false),
            (ProviderKind::OpenAiCompatible, own, "p/a/b:c", true),
            (ProviderKind::OpenAiCompatible, own, "p/", false),
            (ProviderKind::OpenAiResponses, None, "p/codex-x", true),
        ] {
            assert_eq!(check(kind, url, model), expected, "{kind} {model}");
        }
    }

    #[test]
    fn the_original_configuration_is_read() {
        let json = r#"{"adapters": {}, "providers": {"routes": [
            {"match": "a/*", "kind": "anthropic", "apiKey": "sk-secret", "baseUrl": "http://h", "discoveredAt": "x"},
            {"match": "*", "kind": "openrouter", "apiKeyEnv": "SKVM_THIS_VARIABLE_IS_NOT_SET"}
        ]}}"#;
        let routes = ProviderRoutes::from_json(json).unwrap();
        let found = endpoint(&routes, "a/m").unwrap();
        assert_eq!(
            (found.wire, found.key.as_ref().unwrap().expose()),
            (WireFormat::Messages, "sk-secret")
        );
        assert!(!format!("{routes:?} {found:?}").contains("secret"));
        assert!(matches!(endpoint(&routes, "b/c/d").unwrap_err(), ProviderError::KeyNotSet { .. }));

        let default = ProviderRoutes::from_json("{}").unwrap();
        assert!(matches!(endpoint(&default, "a/m").unwrap_err(), ProviderError::NoRoute { .. }));
        let no_key = r#"{"providers": {"routes": [{"match": "a/*", "kind": "openrouter"}]}}"#;
        assert!(matches!(ProviderRoutes::from_json(no_key), Err(ProviderError::NoKey { .. })));
        for broken in
            ["", "3", "{\"providers\": {\"routes\": [{\"match\": \"a\", \"kind\": \"x\"}]}}"]
        {
            assert!(
                matches!(ProviderRoutes::from_json(broken), Err(ProviderError::Json(_))),
                "{broken}"
            );
        }
    }
}
