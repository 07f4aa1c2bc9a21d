//! Seeded randomness for probes.

use std::ops::RangeInclusive;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use skvm_core::capability::{Level, Primitive};

use crate::probe::Probe;

/// The seed of an instance of a measurement: the number of the instance at its level counts from 0.
#[must_use]
pub fn instance_seed(seed: u64, primitive: Primitive, level: Level, number: u32) -> u64 {
    let instance = format!("{seed} {primitive} {level} {number}");
    let key = blake3::derive_key("skvm-probes instance", instance.as_bytes());
    let [a, b, c, d, e, f, g, h, ..] = key;
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

/// Random choices that depend on nothing but a probe's primitive and version, a level and a seed.
///
/// The stream is ChaCha's, and the way from it to a choice is part of this crate: the distributions
/// of the `rand` crate may change between its versions, and with them every recorded seed.
///
/// ```
/// use skvm_core::capability::Level;
/// use skvm_probes::draw::Draw;
/// use skvm_probes::probes::StandardProbe;
///
/// let mut draw = Draw::new(&StandardProbe::ALL[0], Level::L1, 7);
/// let mut again = Draw::new(&StandardProbe::ALL[0], Level::L1, 7);
/// assert_eq!(draw.between(1..=1_000_000), again.between(1..=1_000_000));
/// ```
#[derive(Debug, Clone)]
pub struct Draw(ChaCha8Rng);

impl Draw {
    /// The choices for one instance.
    #[must_use]
    pub fn new(probe: &dyn Probe, level: Level, seed: u64) -> Self {
        let instance = format!("{} {} {level} {seed}", probe.primitive(), probe.version());
        Self(ChaCha8Rng::from_seed(blake3::derive_key("skvm-probes draw", instance.as_bytes())))
    }

    /// A number below `bound`; 0 where nothing is below it.
    pub fn below(&mut self, bound: u64) -> u64 {
        // The high half of the product. For bounds of a few thousand the bias is below 2^-50.
        ((u128::from(self.0.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    /// A number of the range; its start where the range is empty.
    pub fn between(&mut self, range: RangeInclusive<u64>) -> u64 {
        let width = range.end().saturating_sub(*range.start()).saturating_add(1);
        range.start() + self.below(width)
    }

    /// Yes or no.
    pub fn flip(&mut self) -> bool {
        self.below(2) == 1
    }

    /// One of the items. An empty array does not compile.
    pub fn pick<T: Copy, const N: usize>(&mut self, items: &[T; N]) -> T {
        const { assert!(N > 0, "there is nothing to pick from") };
        items[self.below(N as u64) as usize]
    }

    /// The items in random order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last as u64 + 1) as usize);
        }
    }

    /// `count` different places of the array, in random order; all of it where it has no more.
    pub fn sample<T: Copy, const N: usize>(&mut self, items: &[T; N], count: usize) -> Vec<T> {
        let mut items = items.to_vec();
        self.shuffle(&mut items);
        items.truncate(count);
        items
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::probes::StandardProbe;

    const PROBE: StandardProbe = StandardProbe::ALL[0];

    #[test]
    fn every_choice_comes_about_as_often_as_any_other() {
        let mut draw = Draw::new(&PROBE, Level::L1, 0);
        let mut counts: HashMap<Vec<u8>, u32> = HashMap::new();
        for _ in 0..12_000 {
            *counts.entry(draw.sample(&[1, 2, 3, 4], 2)).or_default() += 1;
        }
        assert_eq!(counts.len(), 12);
        assert!(counts.values().all(|count| (850..1_150).contains(count)), "{counts:?}");
    }

    #[test]
    fn level_and_seed_change_the_choices_and_odd_ranges_are_taken() {
        let number = |level, seed| Draw::new(&PROBE, level, seed).between(0..=u64::MAX - 1);
        assert_ne!(number(Level::L1, 0), number(Level::L2, 0));
        assert_ne!(number(Level::L1, 0), number(Level::L1, 1));
        let mut draw = Draw::new(&PROBE, Level::L1, 0);
        assert_eq!((draw.below(0), draw.between(9..=9)), (0, 9));
        #[expect(clippy::reversed_empty_ranges, reason = "that is what is tried")]
        let empty = 9..=3;
        assert_eq!(draw.between(empty), 9);
        draw.between(0..=u64::MAX);
    }
}
