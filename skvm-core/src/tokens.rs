//! Estimates of how many tokens a text takes.

/// An estimate without a tokenizer: four ASCII characters a token, two other alphabetic characters
/// a token, one token for each character of a script that is written without spaces.
///
/// It serves to compare a text with its compiled form, not to bill anyone.
///
/// ```
/// use skvm_core::tokens::estimate;
///
/// assert_eq!(estimate("four letters"), 3);
/// assert_eq!(estimate("读取文件"), 4);
/// ```
#[must_use]
pub fn estimate(text: &str) -> usize {
    let (mut ascii, mut dense, mut other) = (0_usize, 0_usize, 0_usize);
    for c in text.chars() {
        match c {
            _ if c.is_ascii() => ascii += 1,
            '\u{2E80}'..='\u{9FFF}'
            | '\u{AC00}'..='\u{D7AF}'
            | '\u{F900}'..='\u{FAFF}'
            | '\u{20000}'..='\u{3FFFF}' => dense += 1,
            _ => other += 1,
        }
    }
    ascii.div_ceil(4) + dense + other.div_ceil(2)
}
