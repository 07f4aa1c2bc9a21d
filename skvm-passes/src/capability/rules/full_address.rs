//! The rule `full-address`.

use skvm_core::capability::{Level, Primitive};
use skvm_core::edit::{Edit, EditKind, EditReason};
use skvm_core::skill::Skill;

use super::super::{RewriteRule, RuleInput, purpose_around};
use crate::requirements::{ADDRESS_FOLLOWS, partial_request};

/// The rule `full-address`: where a skill names a request by its path and the base address elsewhere,
/// the whole address is put beside the path.
#[derive(Debug, Clone, Copy, Default)]
pub struct FullAddress;

impl RewriteRule for FullAddress {
    fn id(&self) -> &'static str {
        "full-address"
    }

    fn primitives(&self) -> &'static [Primitive] {
        &[Primitive::ToolWeb]
    }

    fn edits(&self, input: &RuleInput<'_>) -> Vec<Edit> {
        let Some(base) = base_address(input.skill) else { return Vec::new() };
        let mut edits = Vec::new();
        for code in input.skill.document().code_spans() {
            let Some(path) = partial_request(input.skill, code) else { continue };
            let note = "the whole address of the request is given";
            let mut reason = EditReason::new(self.id(), EditKind::Compensation, note);
            reason.purpose = purpose_around(input, code.span());
            reason.primitive = Some(Primitive::ToolWeb);
            (reason.from, reason.to) = (Some(Level::L2), Some(Level::L1));
            let text = format!("{ADDRESS_FOLLOWS}{}`)", join(base, path));
            edits.push(Edit::insert(code.span().end, text, reason));
        }
        edits
    }
}

/// The one base address that a skill names; `None` for none and for several.
fn base_address(skill: &Skill) -> Option<&str> {
    let body = skill.document().span().text(skill.source());
    let mut found = None;
    for line in body.lines() {
        let lower = line.to_ascii_lowercase();
        if !["base url", "base_url", "api base", "base address", "endpoint base"]
            .iter()
            .any(|name| lower.contains(name))
        {
            continue;
        }
        let Some(at) = line.find("https://").or_else(|| line.find("http://")) else { continue };
        let rest = line.get(at..)?;
        let end = rest.find(|c: char| c.is_whitespace() || "`\"'<>)|*,".contains(c));
        let address = rest.get(..end.unwrap_or(rest.len()))?.trim_end_matches(['/', '.']);
        if found.is_some_and(|known| known != address) {
            return None;
        }
        found = Some(address);
    }
    found.filter(|address| address.len() > "https://".len() && !address.contains(['{', '$']))
}

/// The whole address. A path that begins with the base's own path is one from the root of the host.
fn join(base: &str, path: &str) -> String {
    let host = base.find("://").map_or(0, |at| at + 3);
    let root = base.get(host..).and_then(|rest| rest.find('/')).map_or(base.len(), |at| host + at);
    let (origin, prefix) = base.split_at(root);
    let repeats = !prefix.is_empty()
        && path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if repeats { format!("{origin}{path}") } else { format!("{base}{path}") }
}

#[cfg(test)]
mod tests {
    use super::join;

    #[test]
    fn a_path_that_repeats_the_base_starts_at_the_host() {
        assert_eq!(join("https://e.org", "/v1/x"), "https://e.org/v1/x");
        assert_eq!(join("https://e.org/v1", "/x"), "https://e.org/v1/x");
        assert_eq!(join("https://e.org/v1", "/v1/x"), "https://e.org/v1/x");
        assert_eq!(join("https://e.org/v1", "/v10/x"), "https://e.org/v1/v10/x");
    }
}
