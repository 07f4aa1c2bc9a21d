//! Seeing keys, tokens and passwords, so that they are not kept.

/// Words before a value that nobody should keep.
const SECRETS: [&str; 9] = [
    "authorization",
    "bearer",
    "credential",
    "key",
    "passwd",
    "password",
    "secret",
    "token",
    "pat",
];

/// Whether a text seems to hold a key, a token or a password: a word for one, a sign, and a value that is no
/// variable and no placeholder.
pub(crate) fn holds_secret(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let known = ["sk-", "ghp_", "gho_", "github_pat_", "xoxb-", "xoxp-", "akia", "glpat-"];
    let is_known = known.iter().any(|start| {
        lower.match_indices(start).any(|(at, _)| {
            let before = lower.get(..at).and_then(|head| head.chars().next_back());
            let rest = lower.get(at + start.len()..).unwrap_or_default();
            let is_inner = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
            let length = rest.bytes().take(64).take_while(is_inner).count();
            length >= 8 && before.is_none_or(|c| !c.is_alphanumeric())
        })
    });
    is_known
        || has_login(&lower)
        || SECRETS.iter().any(|word| {
            lower.match_indices(word).any(|(at, _)| {
                let rest = lower.get(at + word.len()..).unwrap_or_default();
                is_told(rest, matches!(*word, "passwd" | "password" | "secret"))
            })
        })
}

/// Whether an address or an option has a user and a password: `https://bob:pw@host`, `-u bob:pw`.
fn has_login(text: &str) -> bool {
    let of_address = text.match_indices("://").any(|(at, _)| {
        let rest = text.get(at + 3..).unwrap_or_default();
        let host = rest.split(['/', ' ', '"', '\'', '\n']).next().unwrap_or_default();
        host.split_once('@').is_some_and(|(login, _)| login.contains(':'))
    });
    let of_option = ["-u ", "--user "].iter().any(|option| {
        text.match_indices(option).any(|(at, _)| {
            let rest = text.get(at + option.len()..).unwrap_or_default();
            let word = rest.split_whitespace().next().unwrap_or_default();
            let password = word.split_once(':').map_or("", |(_, password)| password);
            !password.is_empty() && !password.starts_with('$')
        })
    });
    of_address || of_option
}

/// Whether a value stands behind a word for a secret: behind a sign, long enough, and with letters and digits,
/// unless any word will do.
fn is_told(behind: &str, any_word: bool) -> bool {
    let is_sign = |c: char| matches!(c, ' ' | ':' | '=' | '"' | '\'' | '\\');
    let value = behind.trim_start_matches(is_sign);
    let signs = behind.get(..behind.len() - value.len()).unwrap_or_default();
    if signs.is_empty() || signs.len() > 8 || any_word && !signs.contains([':', '=']) {
        return false;
    }
    let value = value.strip_prefix("bearer ").or(value.strip_prefix("basic ")).unwrap_or(value);
    let is_inner = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'+');
    let length = value.bytes().take(256).take_while(is_inner).count();
    let word = value.get(..length).unwrap_or_default();
    // `"key": "reports-2024.csv"` is the name of a file.
    let is_file = value.get(length..).is_some_and(|rest| rest.starts_with(['.', '/']));
    let has = |test: fn(&u8) -> bool| word.as_bytes().iter().any(test);
    let is_mixed = has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic);
    length >= 6 && (any_word || is_mixed && !is_file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_seen() {
        for (text, secret) in [
            ("curl -H 'X-Key: s3cr3t-0815' https://x.org", true),
            ("curl -H \"Authorization: Bearer abc123def456\" x", true),
            ("run --token=abcd1234 x", true),
            ("run --api-key sk-abcdefgh12345678", true),
            ("curl -H \"X-Key: $API_KEY\" https://x.org", false),
            ("curl -H 'X-Key: <key>' https://x.org", false),
            ("python3 tokenize.py data/q1.csv", false),
            ("sort --key 2 data/q1.csv", false),
            ("PGPASSWORD=correcthorse psql", true),
            ("{\"password\": \"hunter2x\"}", true),
            ("curl -u bob:pw123 https://x.org", true),
            ("git clone https://bob:pw@x.org/y", true),
            ("{\"key\":\"reports-2024.csv\"}", false),
            ("forgot my password please", false),
        ] {
            assert_eq!(holds_secret(text), secret, "{text}");
        }
    }
}
