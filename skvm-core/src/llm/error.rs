//! What can go wrong between a request and its answer.

use std::error::Error;
use std::time::Duration;

/// A model gave no usable answer.
#[derive(Debug, thiserror::Error)]
#[error("{kind}{}", detail.as_deref().map(|d| format!(": {d}")).unwrap_or_default())]
pub struct LlmError {
    kind: LlmErrorKind,
    detail: Option<String>,
    #[source]
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LlmErrorKind {
    /// The key is missing, wrong or not allowed to do this (401, 403).
    #[error("the provider refused the credentials")]
    Auth {
        /// The HTTP status, where there was an answer.
        status: Option<u16>,
    },
    /// Too many requests (429).
    #[error("the provider asks to slow down")]
    RateLimited {
        /// How long the provider wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// The provider could not take the request as it is (another 4xx).
    #[error("the provider refused the request with status {status}")]
    Refused {
        /// The HTTP status.
        status: u16,
    },
    /// The provider failed (5xx).
    #[error("the provider failed with status {status}")]
    Server {
        /// The HTTP status.
        status: u16,
        /// How long the provider wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// The provider could not be reached, or the connection broke.
    #[error("the provider could not be reached")]
    Network,
    /// No answer came in time.
    #[error("no answer within {after:?}")]
    Timeout {
        /// The time that was allowed.
        after: Duration,
    },
    /// An answer came and is not what the protocol says.
    #[error("the provider's answer could not be understood")]
    InvalidResponse,
    /// The answer is to come from a recording, and the recording has none for this request.
    #[error("no answer is recorded for this request, and no model is configured")]
    NotRecorded,
}

impl LlmError {
    /// An error of a kind.
    #[must_use]
    pub fn new(kind: LlmErrorKind) -> Self {
        Self { kind, detail: None, source: None }
    }

    /// The same error with what the provider said, cut to 500 characters. Never put a key here.
    #[must_use]
    pub fn with_detail(mut self, detail: impl AsRef<str>) -> Self {
        self.detail = Some(detail.as_ref().chars().take(500).collect());
        self
    }

    /// The same error with its cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> &LlmErrorKind {
        &self.kind
    }

    /// What the provider said.
    #[must_use]
    pub fn detail(&self) -> Option<&str> {
        self.detail.as_deref()
    }

    /// The HTTP status; `None` when there was no answer.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self.kind {
            LlmErrorKind::Auth { status } => status,
            LlmErrorKind::RateLimited { .. } => Some(429),
            LlmErrorKind::Refused { status } | LlmErrorKind::Server { status, .. } => Some(status),
            LlmErrorKind::Network
            | LlmErrorKind::Timeout { .. }
            | LlmErrorKind::InvalidResponse
            | LlmErrorKind::NotRecorded => None,
        }
    }

    /// Whether the same request may succeed a little later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self.kind {
            LlmErrorKind::RateLimited { .. } | LlmErrorKind::Network => true,
            LlmErrorKind::Server { status, .. } => matches!(status, 500 | 502 | 503 | 504 | 529),
            LlmErrorKind::Refused { status } => matches!(status, 408 | 425),
            LlmErrorKind::Auth { .. }
            | LlmErrorKind::Timeout { .. }
            | LlmErrorKind::InvalidResponse
            | LlmErrorKind::NotRecorded => false,
        }
    }

    /// How long the provider wants to be left alone.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self.kind {
            LlmErrorKind::RateLimited { retry_after }
            | LlmErrorKind::Server { retry_after, .. } => retry_after,
            _ => None,
        }
    }

    /// Whether the provider says that it cannot be made to call a certain tool.
    #[must_use]
    pub fn is_tool_choice_unsupported(&self) -> bool {
        matches!(self.kind, LlmErrorKind::Refused { status: 400 | 404 | 422 })
            && self.detail.as_deref().is_some_and(|detail| detail.contains("tool_choice"))
    }
}
