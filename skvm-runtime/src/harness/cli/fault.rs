//! What a program's words about a failed request mean.

use skvm_core::harness::ProviderFault;

/// Words that tell a fault, where no status stands. The more certain come first.
const WORDS: [(ProviderFault, &[&str]); 7] = [
    (
        ProviderFault::Unreachable,
        &[
            "econnrefused",
            "connection refused",
            "connectionrefused",
            "connection error",
            "connecterror",
            "apiconnectionerror",
            "econnreset",
            "enotfound",
            "socket hang up",
            "fetch failed",
            "unable to connect",
            "could not connect",
            "cannot connect",
            "waiting for network",
            "network error",
            "connection reset",
            "connection closed",
            "remoteprotocolerror",
            "error sending request",
            "all connection attempts failed",
        ],
    ),
    (
        ProviderFault::RateLimited,
        &["rate limit", "rate_limit", "ratelimit", "too many requests", "overloaded_error"],
    ),
    (
        ProviderFault::Auth,
        &[
            "unauthorized",
            "authentication",
            "invalid api key",
            "invalid_api_key",
            "incorrect api key",
            "permission denied by the provider",
        ],
    ),
    (
        ProviderFault::Server,
        &["internal server error", "internalservererror", "bad gateway", "service unavailable"],
    ),
    (
        ProviderFault::Timeout,
        &["request timed out", "apitimeouterror", "readtimeout", "etimedout", "request timeout"],
    ),
    (
        ProviderFault::InvalidAnswer,
        &[
            "invalid json",
            "unexpected token",
            "in json at position",
            "jsondecodeerror",
            "json parse",
            "in json at position",
            "failed to parse",
            "stream disconnected before completion",
            "invalid response",
            "empty response",
            "empty stream",
            "without receiving any events",
            "remained truncated",
            "malformed",
            "error reading response",
        ],
    ),
    (ProviderFault::Refused, &["bad request", "badrequesterror", "invalid_request_error"]),
];

/// What a provider's fault was, by what a program says of it; `None` where it says nothing that is known.
pub(super) fn read(told: &str) -> Option<ProviderFault> {
    let lower = told.to_ascii_lowercase();
    of_status(&lower).or_else(|| {
        let found = WORDS.iter().find(|(_, words)| words.iter().any(|word| lower.contains(word)));
        found.map(|(fault, _)| *fault)
    })
}

/// What a status of HTTP says.
pub(super) fn of_code(status: u64) -> Option<ProviderFault> {
    match status {
        401 | 403 => Some(ProviderFault::Auth),
        429 => Some(ProviderFault::RateLimited),
        408 | 504 => Some(ProviderFault::Timeout),
        500..=599 => Some(ProviderFault::Server),
        400..=499 => Some(ProviderFault::Refused),
        _ => None,
    }
}

/// The first status of a failure that stands in a text as one: a number of three digits by itself, at the beginning of
/// it or soon behind a word that speaks of statuses.
fn of_status(lower: &str) -> Option<ProviderFault> {
    let mut words = lower.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let mut since = usize::MAX;
    let mut first = true;
    let is_cue = |word: &str| CUES.iter().any(|cue| word.ends_with(cue));
    words.find_map(|word| {
        if word.is_empty() {
            return None;
        }
        let is_near = since <= NEAR || std::mem::take(&mut first);
        since = if is_cue(word) { 0 } else { since.saturating_add(1) };
        let is_status = word.len() == 3 && word.bytes().all(|b| b.is_ascii_digit());
        (is_status && is_near).then(|| of_code(word.parse().ok()?)).flatten()
    })
}

/// Ends of words behind which a number is a status.
const CUES: [&str; 7] = ["status", "statuscode", "status_code", "code", "error", "http", "failed"];
/// How many words may stand between such a word and the number.
const NEAR: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_real_programs_are_understood() {
        for (told, expected) in [
            ("500 scripted 500", Some(ProviderFault::Server)),
            ("Error code: 401 - {'error': {'message': 'no'}}", Some(ProviderFault::Auth)),
            ("API Error: 429 too many", Some(ProviderFault::RateLimited)),
            ("unexpected status 503 Service Unavailable", Some(ProviderFault::Server)),
            ("HTTP 404: no such model", Some(ProviderFault::Refused)),
            ("connect ECONNREFUSED 127.0.0.1:500", Some(ProviderFault::Unreachable)),
            ("Connection error.", Some(ProviderFault::Unreachable)),
            ("Request timed out after 600 s", Some(ProviderFault::Timeout)),
            (
                "Expected ',' or '}' after property value in JSON at position 352",
                Some(ProviderFault::InvalidAnswer),
            ),
            ("I counted 500 rows in 429 files", None),
            ("error in line 3 of 401.py", None),
            ("", None),
            ("Unexpected token '{' in JSON at position 500", Some(ProviderFault::InvalidAnswer)),
        ] {
            assert_eq!(read(told), expected, "{told}");
        }
    }

    #[test]
    fn errors_in_transcripts_are_understood() {
        for (fault, told) in [
            // PI
            (ProviderFault::Auth, "401 scripted 401"),
            (ProviderFault::RateLimited, "429 scripted 429"),
            (ProviderFault::Refused, "400 This model's maximum context length is 10 tokens"),
            (ProviderFault::Refused, "404 The model M does not exist"),
            (ProviderFault::Timeout, "Request timed out."),
            (ProviderFault::InvalidAnswer, "Expected property name or '}' in JSON at position 1"),
            // Hermes Agent
            (ProviderFault::Auth, "HTTP 401: scripted 401"),
            (ProviderFault::Server, "API call failed after 1 retries: HTTP 500: scripted 500"),
            (ProviderFault::Unreachable, "API call failed after 1 retries: Connection error."),
            (
                ProviderFault::InvalidAnswer,
                "API call failed after 1 retries: Provider returned an empty stream with no finish_reason (possible upstream error or malformed SSE response).",
            ),
            (ProviderFault::Unreachable, "APIConnectionError: Connection error."),
            (ProviderFault::Timeout, "APITimeoutError: Request timed out."),
            (
                ProviderFault::RateLimited,
                "RateLimitError: Error code: 429 - {'type': 'error', 'error': {'type': 'x_error', 'message': 'scripted 429'}}",
            ),
            // Codex
            (
                ProviderFault::Auth,
                "unexpected status 401 Unauthorized: scripted 401, url: http://127.0.0.1:18405/v1/responses",
            ),
            (
                ProviderFault::RateLimited,
                "exceeded retry limit, last status: 429 Too Many Requests",
            ),
            (
                ProviderFault::InvalidAnswer,
                "stream disconnected before completion: stream closed before response.completed",
            ),
            (ProviderFault::Unreachable, "Connection failed: error sending request"),
            // Claude Code
            (ProviderFault::Auth, "Failed to authenticate. API Error: 401 scripted 401"),
            (ProviderFault::RateLimited, "API Error: Request rejected (429) \u{b7} scripted 429"),
            (
                ProviderFault::Server,
                "API Error: 500 scripted 500. This is a server-side issue, usually temporary \u{2014} try again in a moment. If it persists, check your inference gateway (127.0.0.1:18404).",
            ),
            (ProviderFault::InvalidAnswer, "API Error: Stream ended without receiving any events"),
            (
                ProviderFault::Unreachable,
                "API Error: Connection refused \u{2014} a firewall or proxy may be blocking it (ECONNREFUSED)",
            ),
            // OpenCode
            (ProviderFault::Server, "\"AI_APICallError: scripted 500\""),
            (
                ProviderFault::Unreachable,
                "Cannot connect to API: Unable to connect. Is the computer able to access the url?",
            ),
        ] {
            assert_eq!(read(told), Some(fault), "{told}");
        }
    }
}
