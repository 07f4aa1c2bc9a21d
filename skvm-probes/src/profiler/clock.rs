//! The time of a profile.

use std::time::SystemTime;

/// Now, as an ISO 8601 text in UTC, to the second.
pub(super) fn now() -> String {
    humantime::format_rfc3339_seconds(SystemTime::now()).to_string()
}
