//! A monetary-unit sample: every penny of a population has the same chance to be looked at.
//!
//! The method is the fixed-interval (systematic) selection of the AICPA Audit Guide *Audit Sampling*, chapter on monetary unit
//! sampling: what ISA (UK) 530, appendix 4, calls a type of value-weighted selection, as appendix 1 describes it:
//!
//! ```text
//! interval = (tolerable misstatement − expected misstatement × expansion factor) ÷ confidence factor
//! hits     = start, start + interval, start + 2 × interval, …      1 ≤ start ≤ interval, from the seed
//! ```
//! Items are laid end to end in their order, each as long as its amount in pence; one that a hit falls on is in the sample. So an
//! item as large as the interval is always in it. Confidence and expansion factors are that guide's for no misstatements found.
//! The start is SHA-256 of the seed, modulo the interval: whoever has seed and population makes the same sample again.

use core::{fmt, str::FromStr};
use journal::Digest;
use money::{Pence, TotalPence};

/// The risk of accepting a population that is wrong by more than is tolerable, in percent: what is left of confidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Risk {
    /// 1 %: confidence of 99 %.
    One,
    /// 5 %: confidence of 95 %.
    Five,
    /// 10 %: confidence of 90 %.
    Ten,
    /// 20 %: confidence of 80 %.
    Twenty,
    /// 50 %: confidence of 50 %.
    Fifty,
}

impl Risk {
    const ALL: [Self; 5] = [Self::One, Self::Five, Self::Ten, Self::Twenty, Self::Fifty];

    /// Confidence in percent.
    #[must_use]
    pub const fn confidence(self) -> u8 {
        match self {
            Self::One => 99,
            Self::Five => 95,
            Self::Ten => 90,
            Self::Twenty => 80,
            Self::Fifty => 50,
        }
    }

    /// The confidence factor, in hundredths.
    const fn factor(self) -> i64 {
        match self {
            Self::One => 461,
            Self::Five => 300,
            Self::Ten => 231,
            Self::Twenty => 161,
            Self::Fifty => 70,
        }
    }

    /// The expansion factor of expected misstatement, in hundredths.
    const fn expansion(self) -> i64 {
        match self {
            Self::One => 190,
            Self::Five => 160,
            Self::Ten => 150,
            Self::Twenty => 130,
            Self::Fifty => 100,
        }
    }
}

impl fmt::Display for Risk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.confidence())
    }
}

impl FromStr for Risk {
    type Err = SampleError;

    fn from_str(text: &str) -> Result<Self, SampleError> {
        Self::ALL.into_iter().find(|risk| risk.to_string() == text).ok_or(SampleError::Confidence)
    }
}

/// No sample can be planned so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SampleError {
    /// No factors are published for it here.
    #[error("confidence is 99, 95, 90, 80 or 50 percent")]
    Confidence,
    /// Nothing is left between what is expected and what is tolerable.
    #[error("the misstatement expected leaves nothing tolerable: look at every item, or tolerate more")]
    Nothing,
}

/// The sampling interval for what may be wrong, what is expected to be, and the risk taken: at least a penny, rounded down, so
/// that the sample is never too small. Errors when expected misstatement leaves nothing.
pub fn interval(tolerable: Pence, expected: Pence, risk: Risk) -> Result<Pence, SampleError> {
    let wide = |pence: Pence| i128::from(pence.get());
    // Hundredths: both factors have two decimals.
    let hundredths = wide(tolerable)
        .saturating_mul(100)
        .saturating_sub(wide(expected).saturating_mul(i128::from(risk.expansion())));
    let found = hundredths.checked_div(i128::from(risk.factor())).unwrap_or_default();
    i64::try_from(found).ok().filter(|found| *found > 0).and_then(Pence::new).ok_or(SampleError::Nothing)
}

/// The first hit for a seed: 1 to `interval`.
#[must_use]
pub fn start(seed: &str, interval: Pence) -> Pence {
    let interval = u128::try_from(interval.get()).unwrap_or_default().max(1);
    let rest = Digest::of(seed.as_bytes()).0.iter().fold(0_u128, |rest, byte| {
        // Below 2^63 × 256 + 256.
        rest.saturating_mul(256).saturating_add(u128::from(*byte)).checked_rem(interval).unwrap_or_default()
    });
    i64::try_from(rest.saturating_add(1)).ok().and_then(Pence::new).unwrap_or(Pence::from_u32(1))
}

/// An item of the sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Selected {
    /// Its index in the population.
    pub index: usize,
    /// The first penny of the population that hit it, from 1.
    pub hit: TotalPence,
    /// How many hits fell on it.
    pub hits: u64,
    /// Whether it is as large as the interval, so that every start selects it.
    pub certain: bool,
}

/// A sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// What the population comes to; items of nothing or less than nothing are none of it.
    pub population: TotalPence,
    /// How many items are in the population.
    pub items: usize,
    /// Those selected, in the order of the population.
    pub selected: Vec<Selected>,
}

/// Selects from the amounts of a population, in its order. Items below zero (credits among debits, say) and of nothing cannot be
/// hit: look at them apart.
#[must_use]
pub fn select(amounts: &[i64], interval: Pence, start: Pence) -> Sample {
    let interval = i128::from(interval.get()).max(1);
    let mut sample = Sample { population: TotalPence::ZERO, items: 0, selected: Vec::new() };
    let (mut passed, mut next) = (0_i128, i128::from(start.get()).max(1));
    for (index, amount) in amounts.iter().copied().enumerate().filter(|(_, amount)| *amount > 0) {
        let end = passed.saturating_add(i128::from(amount));
        sample.items = sample.items.saturating_add(1);
        if next <= end {
            let hits = end.saturating_sub(next).checked_div(interval).unwrap_or_default().saturating_add(1);
            sample.selected.push(Selected {
                index,
                hit: TotalPence::new(next),
                hits: u64::try_from(hits).unwrap_or(u64::MAX),
                certain: i128::from(amount) >= interval,
            });
            next = next.saturating_add(hits.saturating_mul(interval));
        }
        passed = end;
    }
    sample.population = TotalPence::new(passed);
    sample
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pence(pence: i64) -> Pence {
        Pence::new(pence).unwrap()
    }

    #[test]
    fn intervals_are_those_of_the_published_factors() {
        let table = [
            // Tolerable £60,000, none expected, 95 %: 60,000 ÷ 3.00.
            (6_000_000, 0, Risk::Five, Ok(2_000_000)),
            // £10,000 expected: (60,000 − 10,000 × 1.6) ÷ 3.00.
            (6_000_000, 1_000_000, Risk::Five, Ok(1_466_666)),
            (6_000_000, 0, Risk::One, Ok(1_301_518)),
            (6_000_000, 1_000_000, Risk::Ten, Ok(1_948_051)),
            (6_000_000, 0, Risk::Twenty, Ok(3_726_708)),
            (6_000_000, 0, Risk::Fifty, Ok(8_571_428)),
            (6_000_000, 3_750_000, Risk::Five, Err(SampleError::Nothing)),
            (0, 0, Risk::Five, Err(SampleError::Nothing)),
        ];
        for (tolerable, expected, risk, found) in table {
            assert_eq!(
                interval(pence(tolerable), pence(expected), risk).map(Pence::get),
                found,
                "{tolerable} {expected} {risk}"
            );
        }
        assert_eq!("95".parse(), Ok(Risk::Five));
        assert_eq!("94".parse::<Risk>(), Err(SampleError::Confidence));
    }

    #[test]
    fn hits_fall_on_items_laid_end_to_end() {
        // Pennies 1–50, 51–60, 61–61, 62–361, 362–400; a credit and a nil item have none.
        let amounts = [50, 10, -70, 1, 300, 0, 39];
        let hit = |index, hit, hits, certain| Selected { index, hit: TotalPence::new(hit), hits, certain };
        let table = [
            (100, 61, vec![hit(3, 61, 1, false), hit(4, 161, 3, true)]),
            (100, 50, vec![hit(0, 50, 1, false), hit(4, 150, 3, true)]),
            (100, 51, vec![hit(1, 51, 1, false), hit(4, 151, 3, true)]),
            (100, 100, vec![hit(4, 100, 3, true), hit(6, 400, 1, false)]),
            (400, 400, vec![hit(6, 400, 1, false)]),
            (401, 401, vec![]),
        ];
        for (interval, start, expected) in table {
            let sample = select(&amounts, pence(interval), pence(start));
            assert_eq!(sample.selected, expected, "every {interval} from {start}");
            assert_eq!((sample.population.get(), sample.items), (400, 5));
        }
    }

    #[test]
    fn a_seed_has_one_start() {
        // SHA-256 of the text, modulo the interval, plus one; any other program finds the same.
        assert_eq!(start("2017-18", pence(1)).get(), 1);
        let starts: Vec<i64> =
            ["a", "b", "a"].iter().map(|seed| start(seed, pence(1_000_000)).get()).collect();
        assert_eq!(starts[0], starts[2]);
        assert_ne!(starts[0], starts[1]);
        // The last 256 of SHA-256("a") = ca978112…4efb98 bb.
        assert_eq!(start("a", pence(256)).get(), 0xbb + 1);
    }

    proptest! {
        #[test]
        fn a_sample_is_what_counting_pennies_gives(
            amounts in prop::collection::vec(-20..200_i64, 0..30), interval in 1..150_i64, seed in "[a-z]{0,6}",
        ) {
            let interval = pence(interval);
            let start = start(&seed, interval);
            prop_assert!((1..=interval.get()).contains(&start.get()));
            let sample = select(&amounts, interval, start);
            let owners: Vec<usize> = amounts.iter().enumerate()
                .flat_map(|(index, amount)| std::iter::repeat_n(index, usize::try_from(*amount).unwrap_or(0)))
                .collect();
            prop_assert_eq!(sample.population.get(), owners.len() as i128);
            let step = usize::try_from(interval.get()).unwrap();
            let hits: Vec<usize> = owners.iter().skip(usize::try_from(start.get()).unwrap() - 1).step_by(step).copied().collect();
            let counted: Vec<usize> = sample.selected.iter()
                .flat_map(|selected| std::iter::repeat_n(selected.index, usize::try_from(selected.hits).unwrap()))
                .collect();
            prop_assert_eq!(counted, hits);
            for (index, amount) in amounts.iter().enumerate().filter(|(_, amount)| **amount >= interval.get()) {
                prop_assert!(sample.selected.iter().any(|found| found.index == index && found.certain), "{}", amount);
            }
        }
    }
}
