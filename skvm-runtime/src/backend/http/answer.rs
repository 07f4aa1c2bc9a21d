//! What an HTTP answer means.

use std::borrow::Cow;
use std::time::Duration;

use serde_json::Value;
use skvm_core::llm::{LlmError, LlmErrorKind, LlmResponse};

use crate::backend::wire::{self, Wire, WireError};
use crate::provider::ApiKey;

/// An answer, read to its end or to the limit.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) retry_after: Option<Duration>,
    pub(super) location: Option<String>,
    pub(super) body: Vec<u8>,
}

impl Answer {
    /// The model's answer, or what went wrong. The key is masked in whatever is shown of the answer.
    pub(super) fn read<W: Wire>(&self, key: Option<&ApiKey>) -> Result<LlmResponse, LlmError> {
        if !(200..300).contains(&self.status) {
            let error = LlmError::new(self.kind());
            let said = shown(&self.said(), key);
            return Err(if said.is_empty() { error } else { error.with_detail(said) });
        }
        wire::read::<W>(&self.body).map_err(|error| {
            let invalid = LlmError::new(LlmErrorKind::InvalidResponse);
            match error {
                WireError::NotJson { source } => {
                    let head = shown(&self.text(), key);
                    invalid.with_detail(format!("no JSON: {head}")).with_source(source)
                }
                WireError::Provider { .. }
                | WireError::Missing { .. }
                | WireError::Unfinished { .. } => {
                    invalid.with_detail(shown(&error.to_string(), key))
                }
            }
        })
    }

    fn kind(&self) -> LlmErrorKind {
        let Self { status, retry_after, .. } = *self;
        match status {
            401 | 403 => LlmErrorKind::Auth { status: Some(status) },
            429 => LlmErrorKind::RateLimited { retry_after },
            500..=599 => LlmErrorKind::Server { status, retry_after },
            _ => LlmErrorKind::Refused { status },
        }
    }

    /// What the provider says about an error: a message where it gives one, else the text as it is.
    fn said(&self) -> String {
        let message = serde_json::from_slice::<Value>(&self.body).ok();
        let message = message.as_ref().and_then(wire::error_message);
        match (message, &self.location) {
            (Some(message), _) => message,
            (None, Some(location)) if (300..400).contains(&self.status) => {
                format!("it redirects to {location}, which is not followed")
            }
            (None, _) => self.text().into_owned(),
        }
    }

    fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }
}

/// A text on one line, without control characters and without the key. It is not cut here: half a key
/// would not be recognised.
fn shown(text: &str, key: Option<&ApiKey>) -> String {
    let masked = key.map_or_else(|| text.to_owned(), |key| key.mask(text));
    let words = masked.split(|c: char| c.is_whitespace() || c.is_control());
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::openai::ChatCompletions;

    fn error(status: u16, body: &str) -> LlmError {
        let retry_after = Some(Duration::from_secs(9));
        let answer = Answer { status, retry_after, location: None, body: body.into() };
        answer.read::<ChatCompletions>(Some(&ApiKey::new("sk-secret"))).unwrap_err()
    }

    #[test]
    fn a_status_decides_what_an_error_is() {
        let retry_after = Some(Duration::from_secs(9));
        for (status, kind) in [
            (401, LlmErrorKind::Auth { status: Some(401) }),
            (403, LlmErrorKind::Auth { status: Some(403) }),
            (429, LlmErrorKind::RateLimited { retry_after }),
            (500, LlmErrorKind::Server { status: 500, retry_after }),
            (529, LlmErrorKind::Server { status: 529, retry_after }),
            (400, LlmErrorKind::Refused { status: 400 }),
            (404, LlmErrorKind::Refused { status: 404 }),
            (307, LlmErrorKind::Refused { status: 307 }),
            (999, LlmErrorKind::Refused { status: 999 }),
        ] {
            assert_eq!(*error(status, "").kind(), kind);
        }
    }

    #[test]
    fn the_detail_is_the_message_or_the_text_on_one_line() {
        let message = r#"{"error":{"message":"no\nsuch model"}}"#;
        assert_eq!(error(404, message).detail(), Some("no such model"));
        let page = "<html>\r\n\t\u{1b}[31mnot found</html>";
        assert_eq!(error(404, page).detail(), Some("<html> [31mnot found</html>"));
        assert_eq!(error(404, " \n").detail(), None);
    }

    #[test]
    fn the_key_is_masked_before_a_long_text_is_cut() {
        let body = format!("{}sk-secret and more", "x".repeat(496));
        assert_eq!(error(500, &body).detail(), Some(format!("{}*** ", "x".repeat(496)).as_str()));
        for body in ["not sk-secret", r#"{"error":"not sk-secret"}"#] {
            for status in [200, 401] {
                let error = error(status, body);
                assert!(error.detail().unwrap().ends_with("not ***"), "{error}");
            }
        }
    }

    #[test]
    fn a_redirect_tells_where_to() {
        let location = Some("https://elsewhere/v1".to_owned());
        let answer = Answer { status: 308, retry_after: None, location, body: b"moved".to_vec() };
        let error = answer.read::<ChatCompletions>(None).unwrap_err();
        let told = "it redirects to https://elsewhere/v1, which is not followed";
        assert_eq!((error.status(), error.detail()), (Some(308), Some(told)));
    }
}
