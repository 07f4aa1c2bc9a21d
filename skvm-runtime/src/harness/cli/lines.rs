//! Output cut into lines, whatever pieces it comes in.

/// Longest line that is kept whole. What is longer is passed over up to its end.
const MAX_LINE: usize = 16 << 20;

/// Cuts a stream into lines.
#[derive(Debug, Default)]
pub(super) struct Lines {
    open: Vec<u8>,
    /// How many bytes of a line that is too long were passed over.
    skipped: usize,
}

/// A line of a stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A line without its end. Bytes that are no UTF-8 are replaced.
    Text(String),
    /// One that was too long, in bytes.
    TooLong(usize),
}

impl Lines {
    /// Takes bytes in and gives the lines that are whole now.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Vec<Line> {
        let mut whole = Vec::new();
        let mut rest = bytes;
        while let Some(at) = rest.iter().position(|byte| *byte == b'\n') {
            let (head, tail) = rest.split_at(at);
            self.add(head);
            whole.extend(self.close());
            rest = tail.get(1..).unwrap_or_default();
        }
        self.add(rest);
        whole
    }

    /// The last line, which has no end.
    pub(super) fn finish(&mut self) -> Option<Line> {
        self.close()
    }

    fn add(&mut self, bytes: &[u8]) {
        if self.skipped > 0 || self.open.len() + bytes.len() > MAX_LINE {
            self.skipped += self.open.len() + bytes.len();
            self.open = Vec::new();
        } else {
            self.open.extend_from_slice(bytes);
        }
    }

    fn close(&mut self) -> Option<Line> {
        let (line, skipped) = (std::mem::take(&mut self.open), std::mem::take(&mut self.skipped));
        if skipped > 0 {
            return Some(Line::TooLong(skipped));
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end_matches('\r');
        (!text.trim().is_empty()).then(|| Line::Text(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_the_same_however_they_are_cut() {
        let stream = "{\"a\": 1}\r\n\n  \nä\u{fffd}\n{\"b\"";
        let expected: Vec<Line> = ["{\"a\": 1}", "ä\u{fffd}", "{\"b\""]
            .iter()
            .map(|text| Line::Text((*text).to_owned()))
            .collect();
        for size in 1..=stream.len() {
            let mut lines = Lines::default();
            let mut found: Vec<Line> =
                stream.as_bytes().chunks(size).flat_map(|piece| lines.push(piece)).collect();
            found.extend(lines.finish());
            assert_eq!(found, expected, "{size}");
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_told_and_the_next_is_whole() {
        let mut lines = Lines::default();
        let piece = vec![b'x'; MAX_LINE / 2 + 1];
        assert!(lines.push(&piece).is_empty());
        assert!(lines.push(&piece).is_empty());
        assert_eq!(
            lines.push(b"y\nshort\n"),
            [Line::TooLong(piece.len() * 2 + 1), Line::Text("short".to_owned())]
        );
        assert_eq!(lines.finish(), None);
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced() {
        let mut lines = Lines::default();
        assert_eq!(lines.push(b"a\xff\n"), [Line::Text("a\u{fffd}".to_owned())]);
    }
}
