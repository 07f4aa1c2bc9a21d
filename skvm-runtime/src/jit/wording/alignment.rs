//! Laying texts side by side.

use std::ops::Range;

use super::Element;
use super::token::key;

/// Fits tokens to elements, the gaps as short as can be.
pub(super) fn fit(
    elements: &[Element],
    text: &str,
    tokens: &[Range<usize>],
    places: &mut Vec<Range<usize>>,
    steps: &mut usize,
) -> bool {
    let (mut elements, mut tokens) = (elements, tokens);
    // Only gaps need a way back.
    while let Some((Element::Fixed(fixed), rest)) = elements.split_first() {
        let Some((token, behind)) = tokens.split_first() else { return false };
        if text.get(token.clone()).map(key) != Some(fixed) {
            return false;
        }
        (elements, tokens) = (rest, behind);
    }
    let Some((_, rest)) = elements.split_first() else { return tokens.is_empty() };
    let Some(first) = tokens.first() else { return false };
    for taken in 1..=tokens.len() {
        *steps = steps.saturating_sub(1);
        if *steps == 0 {
            return false;
        }
        let Some(last) = tokens.get(taken - 1) else { return false };
        places.push(first.start..last.end);
        if fit(rest, text, tokens.get(taken..).unwrap_or_default(), places, steps) {
            return true;
        }
        places.pop();
    }
    false
}

/// The positions of a longest common subsequence of fixed elements and words. Where several are equally long, one
/// that keeps what stands at the ends.
pub(super) fn common(elements: &[Element], words: &[&str]) -> Vec<(usize, usize)> {
    let same =
        |element: &Element, word: &str| matches!(element, Element::Fixed(fixed) if fixed == word);
    let head = elements.iter().zip(words).take_while(|(e, w)| same(e, w)).count();
    let most = elements.len().min(words.len()) - head;
    let tail = elements
        .iter()
        .rev()
        .zip(words.iter().rev())
        .take(most)
        .take_while(|(e, w)| same(e, w))
        .count();
    let inner = elements.get(head..elements.len() - tail).unwrap_or_default();
    let inner_words = words.get(head..words.len() - tail).unwrap_or_default();
    let width = inner_words.len() + 1;
    // lengths[i * width + j]: of the longest in inner[i..] and inner_words[j..]; words count more than marks, so
    // that a text is not taken apart at its spaces.
    let mut lengths = vec![0_u32; (inner.len() + 1) * width];
    let weight = |word: &str| if word.starts_with(char::is_alphanumeric) { 4 } else { 1 };
    let at = |lengths: &[u32], i: usize, j: usize| lengths.get(i * width + j).copied().unwrap_or(0);
    for (i, element) in inner.iter().enumerate().rev() {
        for (j, word) in inner_words.iter().enumerate().rev() {
            let mut best = at(&lengths, i + 1, j).max(at(&lengths, i, j + 1));
            if same(element, word) {
                best = best.max(at(&lengths, i + 1, j + 1) + weight(word));
            }
            if let Some(slot) = lengths.get_mut(i * width + j) {
                *slot = best;
            }
        }
    }
    let mut found: Vec<(usize, usize)> = (0..head).map(|at| (at, at)).collect();
    let (mut i, mut j) = (0, 0);
    while let (Some(element), Some(word)) = (inner.get(i), inner_words.get(j)) {
        let here = at(&lengths, i, j);
        if same(element, word) && here == at(&lengths, i + 1, j + 1) + weight(word) {
            found.push((head + i, head + j));
            (i, j) = (i + 1, j + 1);
        } else if here == at(&lengths, i + 1, j) {
            i += 1;
        } else {
            j += 1;
        }
    }
    let ends = (elements.len() - tail, words.len() - tail);
    found.extend((0..tail).map(|at| (ends.0 + at, ends.1 + at)));
    found
}
