//! Where in a shell text a byte stands: in the open, between quotes, in a comment.

/// Where a byte stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Outside quotes and comments.
    Open,
    /// Between single quotes.
    Single,
    /// Between double quotes.
    Double,
    /// In a comment.
    Comment,
}

/// The place of every byte; `None` for a text that this does not follow: here documents, command
/// substitution, unclosed quotes.
pub(super) fn places(code: &str) -> Option<Vec<Place>> {
    if code.contains("<<") || code.contains("$(") || code.contains('`') {
        return None;
    }
    let bytes = code.as_bytes();
    let mut places = Vec::with_capacity(bytes.len());
    let mut place = Place::Open;
    let mut escaped = false;
    for (at, byte) in bytes.iter().enumerate() {
        let now = place;
        if escaped {
            escaped = false;
            places.push(now);
            continue;
        }
        let starts_word = at == 0 || matches!(bytes[at - 1], b' ' | b'\t' | b'\n' | b';');
        place = match (now, byte) {
            (Place::Open, b'\'') => Place::Single,
            (Place::Open, b'"') => Place::Double,
            (Place::Open, b'#') if starts_word => Place::Comment,
            (Place::Single, b'\'') | (Place::Double, b'"') | (Place::Comment, b'\n') => Place::Open,
            (same, _) => same,
        };
        escaped = *byte == b'\\' && matches!(now, Place::Open | Place::Double);
        places.push(if place == Place::Comment { place } else { now });
    }
    matches!(place, Place::Open | Place::Comment).then_some(places)
}

/// What stands before a byte in its command: back to the end of the line or the operator before it.
pub(super) fn command_before<'c>(code: &'c str, places: &[Place], at: usize) -> &'c str {
    let bytes = code.as_bytes();
    let byte = |at: usize| bytes.get(at).copied().unwrap_or(b' ');
    let separates = |index: usize| {
        let before = index.checked_sub(1).map_or(b' ', byte);
        let escaped = before == b'\\'
            || (byte(index) == b'\n' && code.get(..index).is_some_and(|c| c.ends_with("\\\r")));
        let is_operator = match byte(index) {
            b'\n' | b';' | b'|' | b'(' => true,
            b'&' => !matches!(before, b'>' | b'<') && byte(index + 1) != b'>',
            _ => false,
        };
        is_operator
            && !escaped
            && (places.get(index) == Some(&Place::Open)
                || (byte(index) == b'\n' && places.get(index) == Some(&Place::Comment)))
    };
    let start = (0..at).rev().find(|index| separates(*index)).map_or(0, |index| index + 1);
    code.get(start..at).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(code: &str, needle: &str) -> Option<Place> {
        places(code).and_then(|places| places.get(code.find(needle)?).copied())
    }

    #[test]
    fn quotes_and_comments_are_followed() {
        assert_eq!(at("a X 'b'", "X"), Some(Place::Open));
        assert_eq!(at("a 'X' b", "X"), Some(Place::Single));
        assert_eq!(at("a \"'X'\" b", "X"), Some(Place::Double));
        assert_eq!(at("a \\\" X", "X"), Some(Place::Open));
        assert_eq!(at("a # 'X\nb", "X"), Some(Place::Comment));
        assert_eq!(at("a#X", "X"), Some(Place::Open));
        assert_eq!(at("it's X", "X"), None);
        assert_eq!(at("cat <<EOF\nX\nEOF", "X"), None);
    }

    #[test]
    fn a_command_starts_behind_the_operator_before_it() {
        for (code, expected) in [
            ("a b X", "a b "),
            ("a; b X", " b "),
            ("a | b X", " b "),
            ("a && b X", " b "),
            ("a\nb X", "b "),
            ("a # it\nb X", "b "),
            ("a \\\n b X", "a \\\n b "),
            ("a \\\r\n b X", "a \\\r\n b "),
            ("a 'b; c\n X'", "a 'b; c\n "),
            ("a 2>&1 X", "a 2>&1 "),
            ("a \\; X", "a \\; "),
        ] {
            let places = places(code).unwrap();
            assert_eq!(command_before(code, &places, code.find('X').unwrap()), expected, "{code}");
        }
    }
}
