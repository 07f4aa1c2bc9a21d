//! One model at one provider.

use std::fmt;

use serde::{Deserialize, Serialize};
use skvm_core::target::ModelId;

use super::ApiKey;

/// How a provider is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum WireFormat {
    /// OpenAI's chat completions, which most providers and local servers understand.
    ChatCompletions,
    /// OpenAI's responses.
    Responses,
    /// Anthropic's messages.
    Messages,
}

impl fmt::Display for WireFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ChatCompletions => "chat completions",
            Self::Responses => "responses",
            Self::Messages => "messages",
        })
    }
}

/// One model at one provider: everything that is needed to ask it. `Debug` shows no key.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// How it is spoken to.
    pub wire: WireFormat,
    /// The URL as it was given, with or without the version at its end.
    pub base_url: String,
    /// The key, if one is needed.
    pub key: Option<ApiKey>,
    /// The model's id as the provider knows it.
    pub model: ModelId,
}

impl Endpoint {
    /// A model without a key.
    #[must_use]
    pub fn new(wire: WireFormat, base_url: impl Into<String>, model: impl Into<ModelId>) -> Self {
        Self { wire, base_url: base_url.into(), key: None, model: model.into() }
    }

    /// The same with a key, or with none. An empty key is none.
    #[must_use]
    pub fn with_key(mut self, key: impl Into<Option<ApiKey>>) -> Self {
        self.key = key.into().filter(|key| !key.expose().is_empty());
        self
    }

    /// The URL to which the operation's name is added: `/chat/completions`, `/responses`, `/messages`. Clients of
    /// Anthropic's add the version themselves, so their URLs have none.
    #[must_use]
    pub fn api_url(&self) -> String {
        let base = self.base_url.trim_end_matches('/');
        match self.wire {
            WireFormat::Messages if !base.ends_with("/v1") => format!("{base}/v1"),
            _ => base.to_owned(),
        }
    }

    /// The URL without the version at its end, which clients of Anthropic's want.
    #[must_use]
    pub fn origin(&self) -> &str {
        let base = self.base_url.trim_end_matches('/');
        base.strip_suffix("/v1").unwrap_or(base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_there_once_or_not_at_all() {
        for (wire, base, api, origin) in [
            (WireFormat::ChatCompletions, "http://h/v1/", "http://h/v1", "http://h"),
            (
                WireFormat::ChatCompletions,
                "http://h/api/paas/v4",
                "http://h/api/paas/v4",
                "http://h/api/paas/v4",
            ),
            (WireFormat::Responses, "http://h/v1", "http://h/v1", "http://h"),
            (WireFormat::Messages, "http://h", "http://h/v1", "http://h"),
            (WireFormat::Messages, "http://h/v1", "http://h/v1", "http://h"),
            (
                WireFormat::Messages,
                "http://h/anthropic/",
                "http://h/anthropic/v1",
                "http://h/anthropic",
            ),
        ] {
            let endpoint = Endpoint::new(wire, base, "m");
            assert_eq!((endpoint.api_url().as_str(), endpoint.origin()), (api, origin), "{base}");
        }
    }

    #[test]
    fn an_empty_key_is_none() {
        let endpoint = Endpoint::new(WireFormat::Messages, "http://h", "m");
        assert!(endpoint.clone().with_key(ApiKey::new(" ")).key.is_none());
        assert!(endpoint.with_key(ApiKey::new("k")).key.is_some());
    }
}
