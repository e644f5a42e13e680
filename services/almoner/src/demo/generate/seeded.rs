//! The one source of chance in the demo.

/// A small generator of numbers that look random and follow from a seed.
///
/// It is SplitMix64 (Steele, Lea and Flood, *Fast splittable pseudorandom number generators*, OOPSLA 2014), written out
/// here because `--seed` promises the same month for ever, and a dependency's next version does not.
#[derive(Debug, Clone)]
pub(crate) struct Seeded(u64);

impl Seeded {
    /// The stream called `name` of `seed`. Streams do not disturb each other: a number more drawn for referrals leaves
    /// every budget as it was.
    pub(crate) fn stream(seed: u64, name: &str) -> Self {
        // FNV-1a: it only has to tell names apart.
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        let mut stream = Self(seed ^ hash);
        stream.next();
        stream
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`; 0 when `bound` is 0.
    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        // The high half of a product with 32 random bits: uneven by less than one in 2^32 times the bound.
        let high = self.next() >> 32;
        u32::try_from((high * u64::from(bound)) >> 32).unwrap_or(0)
    }

    /// Whether something that happens `per_mille` times in a thousand happens now.
    pub(crate) fn chance(&mut self, per_mille: u32) -> bool {
        self.below(1_000) < per_mille
    }

    /// One of `items`, each as likely as any other. `None` when there are none.
    pub(crate) fn one_of<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        let bound = u32::try_from(items.len()).unwrap_or(u32::MAX);
        items.get(usize::try_from(self.below(bound)).unwrap_or(0))
    }

    /// The index of one of `weights`, each as likely as its weight.
    pub(crate) fn weighted(&mut self, weights: impl Iterator<Item = u32> + Clone) -> usize {
        let mut drawn = self.below(weights.clone().sum());
        for (index, weight) in weights.enumerate() {
            match drawn.checked_sub(weight) {
                Some(rest) => drawn = rest,
                None => return index,
            }
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_never_changes() {
        let mut stream = Seeded::stream(1, "referrals");
        let drawn: Vec<u32> = (0..6).map(|_| stream.below(1_000)).collect();
        expect_test::expect!["[169, 916, 213, 552, 507, 359]"].assert_eq(&format!("{drawn:?}"));
    }

    #[test]
    fn draws_are_within_bounds_and_about_even() {
        let mut stream = Seeded::stream(7, "test");
        let mut counts = [0_u32; 3];
        for _ in 0..30_000 {
            counts[stream.weighted([1, 2, 7].into_iter())] += 1;
            assert!(stream.below(10) < 10);
        }
        assert!((2_800..3_200).contains(&counts[0]) && (20_500..21_500).contains(&counts[2]), "{counts:?}");
        assert_eq!((stream.below(0), stream.one_of::<u8>(&[])), (0, None));
    }
}
