//! What to do about an action that failed, and what of its output may be shown.

/// How much of an output is kept for a report.
const TAIL: usize = 2000;

/// What outputs say, in lower case, and what that calls for.
const CAUSES: [(&str, &str); 15] = [
    (
        "could not locate the bindings file",
        "the package builds a part of it by a script; let the plan's options allow npm scripts",
    ),
    ("ensurepip is not available", "install the system's package for Python's venv (python3-venv)"),
    ("no module named venv", "install the system's package for Python's venv (python3-venv)"),
    (
        "no matching distribution found",
        "check name and version: the registry has no such distribution",
    ),
    ("not found in the package registry", "check the name: the registry has no such distribution"),
    (
        "no solution found when resolving",
        "the demanded versions do not fit together, or are not there",
    ),
    ("resolutionimpossible", "the demanded versions do not fit together"),
    ("e404", "check the name: the npm registry has no such package"),
    ("etarget", "check the version: the npm registry has no such version"),
    ("ebadengine", "the package wants another version of Node.js"),
    (
        "temporary failure in name resolution",
        "check the network: the registry's name is not resolved",
    ),
    ("connection", "check the network and the registry's address"),
    ("no space left on device", "free some space on the disk"),
    ("permission denied", "check who may write to the folder of environments"),
    ("unable to locate package", "check the name: the system's repositories have no such package"),
];

/// What to do about a failure with that output.
pub(super) fn advice(output: &str, in_verification: bool) -> String {
    let output = output.to_lowercase();
    let known = CAUSES.iter().find(|(cue, _)| output.contains(cue)).map(|(_, advice)| *advice);
    let otherwise = match in_verification {
        true => "what was installed does not work here; the output tells why",
        false => "the output tells why",
    };
    known.unwrap_or(otherwise).to_owned()
}

/// The end of an output, without control characters and the passwords of addresses.
pub(super) fn tail(output: &str) -> String {
    // Masked before it is cut: a cut in an address would leave the password without its mark.
    let output = masked(output);
    let start = output.len().saturating_sub(TAIL);
    let start = (start..output.len()).find(|at| output.is_char_boundary(*at)).unwrap_or(0);
    let text: String = output
        .get(start..)
        .unwrap_or("")
        .chars()
        .map(|c| if c.is_control() && c != '\n' && c != '\t' { ' ' } else { c })
        .collect();
    text.trim().to_owned()
}

/// `https://user:password@host` as `https://…@host`.
pub(super) fn masked(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (head, behind) = rest.split_at(at + 3);
        masked.push_str(head);
        let end = behind.find(|c: char| c.is_whitespace() || "/'\"<>".contains(c));
        let authority = behind.get(..end.unwrap_or(behind.len())).unwrap_or("");
        match authority.rfind('@') {
            Some(host) => {
                masked.push('…');
                rest = behind.get(host..).unwrap_or("");
            }
            None => rest = behind,
        }
    }
    masked.push_str(rest);
    masked
}

/// Whether a failure with that output may pass by itself, so that it is no word about the package.
pub(super) fn is_passing(output: &str) -> bool {
    let output = output.to_lowercase();
    [
        "name resolution",
        "connection",
        "timed out",
        "timeout",
        "no space left",
        "etimedout",
        "econn",
        "enotfound",
        "eai_again",
        " 429 ",
        " 500 ",
        " 502 ",
        " 503 ",
        " 504 ",
    ]
    .iter()
    .any(|cue| output.contains(cue))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_of_addresses_are_left_out() {
        let text = "Looking in https://user:hunter2@e.org/simple, http://e.org and 'x://t@h'";
        assert_eq!(tail(text), "Looking in https://…@e.org/simple, http://e.org and 'x://…@h'");
    }

    #[test]
    fn a_long_output_keeps_its_end() {
        let text = format!("{}é the end\u{1b}[0m", "x".repeat(5000));
        let tail = tail(&text);
        assert!(tail.len() <= TAIL && tail.ends_with("é the end [0m"), "{tail}");
    }

    #[test]
    fn known_causes_have_an_advice() {
        assert!(advice("ERROR: No matching distribution found for x", false).contains("registry"));
        assert!(advice("npm error code E404", false).contains("npm registry"));
        assert_eq!(advice("boom", false), "the output tells why");
    }
}
