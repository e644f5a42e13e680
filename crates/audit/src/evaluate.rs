//! What a monetary-unit sample says of its population, once its items are looked at.
//!
//! ISA (UK) 530, paragraph 14, asks that misstatements found be projected to the population; the arithmetic is that of the AICPA
//! Audit Guide *Audit Sampling*, chapter on monetary unit sampling:
//!
//! ```text
//! tainting     = misstatement ÷ recorded amount                         of an item smaller than the interval
//! projected    = tainting × interval                                    of such an item; of a larger one what was found
//! basic        = confidence factor of none × interval
//! incremental  = Σ (factor of n − factor of n−1 − 1) × projected of the n-th, the largest tainting first
//! upper limit  = projected of all + basic + incremental
//! ```
//! Overstatements and understatements are evaluated apart, each as if there were no others. The factors are the upper limits of a
//! Poisson mean for n misstatements found, rounded up to two decimals; those for 5, 10, 20 and 50 % of risk are the guide's
//! table of confidence factors for sample evaluation, and those for 1 % are made in the same way.

use crate::sample::Risk;
use money::Pence;

/// The most misstatements, of items smaller than the interval, that the tables go up to.
pub const MISSTATEMENTS_MAX: usize = 20;

/// An item of a sample, looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Examined {
    /// What the books say.
    pub recorded: Pence,
    /// What it should be.
    pub audited: Pence,
}

/// What the sample says in one direction, in pence: projections rounded to the nearest penny, limits up.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Projection {
    /// How many items are misstated.
    pub misstatements: usize,
    /// What was found in them.
    pub found: i128,
    /// What that means for the population.
    pub projected: i128,
    /// What sampling risk adds though nothing were found.
    pub basic: i128,
    /// What the misstatements found add to it.
    pub incremental: i128,
    /// The most that the population is misstated by, at the confidence chosen.
    pub upper_limit: i128,
}

/// A sample evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evaluation {
    /// Of items that are recorded too high.
    pub over: Projection,
    /// Of items that are recorded too low.
    pub under: Projection,
}

/// A sample cannot be evaluated so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EvaluationError {
    /// Nothing is recorded of an item, so that no hit can have fallen on it.
    #[error("an item of a sample has a recorded amount of more than nothing")]
    NothingRecorded,
    /// The tables end.
    #[error(
        "the tables go up to {MISSTATEMENTS_MAX} misstatements: so many mean that the whole population must be looked at"
    )]
    TooMany,
    /// Amounts are too large to be multiplied.
    #[error("an amount is too large")]
    TooLarge,
}

/// Confidence factors in hundredths, for none, one, two … misstatements found.
const fn factors(risk: Risk) -> [i128; MISSTATEMENTS_MAX + 1] {
    match risk {
        Risk::One => [
            461, 664, 841, 1005, 1161, 1311, 1458, 1600, 1741, 1879, 2015, 2149, 2283, 2414, 2545, 2675,
            2804, 2931, 3059, 3185, 3311,
        ],
        Risk::Five => [
            300, 475, 630, 776, 916, 1052, 1185, 1315, 1444, 1571, 1697, 1821, 1945, 2067, 2189, 2310, 2431,
            2550, 2670, 2788, 2907,
        ],
        Risk::Ten => [
            231, 389, 533, 669, 800, 928, 1054, 1178, 1300, 1421, 1541, 1660, 1779, 1896, 2013, 2130, 2246,
            2361, 2476, 2591, 2705,
        ],
        Risk::Twenty => [
            161, 300, 428, 552, 673, 791, 908, 1024, 1138, 1252, 1366, 1478, 1590, 1702, 1813, 1924, 2034,
            2144, 2254, 2364, 2473,
        ],
        Risk::Fifty => [
            70, 168, 268, 368, 468, 568, 667, 767, 867, 967, 1067, 1167, 1267, 1367, 1467, 1567, 1667, 1767,
            1867, 1967, 2067,
        ],
    }
}

/// What the examined items of a sample say of the population that it was drawn from with `interval`.
///
/// Errors when an item has no recorded amount, when there are more misstatements than the tables go up to, and when amounts are
/// too large.
pub fn evaluate(items: &[Examined], interval: Pence, risk: Risk) -> Result<Evaluation, EvaluationError> {
    if items.iter().any(|item| item.recorded.is_zero()) {
        return Err(EvaluationError::NothingRecorded);
    }
    let wide = |pence: Pence| i128::from(pence.get());
    let misstated = |sign: i128| {
        let of = items.iter().map(|item| {
            let by = wide(item.recorded).saturating_sub(wide(item.audited)).saturating_mul(sign);
            (by, wide(item.recorded))
        });
        of.filter(|(by, _)| *by > 0).collect::<Vec<_>>()
    };
    let factors = factors(risk);
    Ok(Evaluation {
        over: project(misstated(1), wide(interval), &factors)?,
        under: project(misstated(-1), wide(interval), &factors)?,
    })
}

/// Millionths of a penny, in which sums are made.
const MILLION: i128 = 1_000_000;

fn project(
    misstated: Vec<(i128, i128)>,
    interval: i128,
    factors: &[i128],
) -> Result<Projection, EvaluationError> {
    let add = |sum: &mut i128, more: i128| {
        *sum = sum.checked_add(more).ok_or(EvaluationError::TooLarge)?;
        Ok::<(), EvaluationError>(())
    };
    let (mut found, mut certain, mut sampled) = (0, 0, Vec::new());
    let misstatements = misstated.len();
    for (by, recorded) in misstated {
        add(&mut found, by)?;
        if recorded >= interval {
            add(&mut certain, by)?;
        } else {
            // Tainting × interval, in millionths of a penny.
            let projected = by.checked_mul(interval).and_then(|sum| sum.checked_mul(MILLION));
            let projected = projected.and_then(|sum| sum.checked_div(recorded));
            sampled.push(projected.ok_or(EvaluationError::TooLarge)?);
        }
    }
    if sampled.len() > MISSTATEMENTS_MAX {
        return Err(EvaluationError::TooMany);
    }
    // One interval for all: the largest tainting has the largest projection.
    sampled.sort_unstable_by(|a, b| b.cmp(a));
    let (mut projected, mut incremental) = (0, 0);
    for (amount, factors) in sampled.iter().zip(factors.windows(2)) {
        add(&mut projected, *amount)?;
        let [before, with] = factors else { continue };
        let more = with.saturating_sub(*before).saturating_sub(100);
        let more = amount.checked_mul(more).and_then(|sum| sum.checked_div(100));
        add(&mut incremental, more.ok_or(EvaluationError::TooLarge)?)?;
    }
    let basic = factors.first().copied().unwrap_or_default().checked_mul(interval);
    let basic = basic.and_then(|sum| sum.checked_mul(MILLION / 100)).ok_or(EvaluationError::TooLarge)?;
    let certain_wide = certain.checked_mul(MILLION).ok_or(EvaluationError::TooLarge)?;
    let mut upper = certain_wide;
    for part in [projected, basic, incremental] {
        add(&mut upper, part)?;
    }
    add(&mut projected, certain_wide)?;
    let nearest = |sum: i128| sum.saturating_add(MILLION / 2).checked_div(MILLION).unwrap_or_default();
    let up = |sum: i128| sum.saturating_add(MILLION - 1).checked_div(MILLION).unwrap_or_default();
    Ok(Projection {
        misstatements,
        found,
        projected: nearest(projected),
        basic: up(basic),
        incremental: up(incremental),
        upper_limit: up(upper),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn item(recorded: i64, audited: i64) -> Examined {
        let pence = |pence| Pence::new(pence).unwrap();
        Examined { recorded: pence(recorded), audited: pence(audited) }
    }

    fn at(items: &[Examined], interval: i64, risk: Risk) -> Result<Evaluation, EvaluationError> {
        evaluate(items, Pence::new(interval).unwrap(), risk)
    }

    #[test]
    fn nothing_found_leaves_basic_precision() {
        let found = at(&[item(100, 100)], 26_882_00, Risk::Five).unwrap();
        let basic = 80_646_00;
        let expected = Projection { basic, upper_limit: basic, ..Projection::default() };
        assert_eq!(found, Evaluation { over: expected, under: expected });
    }

    #[test]
    fn misstatements_are_projected_by_their_tainting_the_largest_first() {
        // Interval £12,300 at 95 %: £15,000 for £12,500 is certain; taintings of 60 % and a third are sampled.
        let items = [item(15_000_00, 12_500_00), item(3_000_00, 2_000_00), item(10_000_00, 4_000_00)];
        let found = at(&items, 12_300_00, Risk::Five).unwrap().over;
        // 2,500 + 0.6 × 12,300 + 12,300 ÷ 3; 0.75 × 7,380 + 0.55 × 4,100; 3.00 × 12,300.
        assert_eq!((found.misstatements, found.found), (3, 9_500_00));
        assert_eq!(found.projected, 2_500_00 + 7_380_00 + 4_100_00);
        assert_eq!(found.incremental, 5_535_00 + 2_255_00);
        assert_eq!(found.basic, 36_900_00);
        assert_eq!(found.upper_limit, 13_980_00 + 7_790_00 + 36_900_00);
    }

    #[test]
    fn directions_do_not_net_and_limits_round_up() {
        let found = at(&[item(3, 2), item(3, 4)], 10, Risk::Fifty).unwrap();
        assert_eq!(found.over, found.under);
        // 10 ÷ 3 is 3.33, 0.98 of it − it is nothing less than −0.07; 7 more.
        assert_eq!((found.over.projected, found.over.basic), (3, 7));
        assert_eq!(found.over.upper_limit, 11, "rounded up once, from 10.27");
        assert_eq!(at(&[item(0, 2)], 10, Risk::One), Err(EvaluationError::NothingRecorded));
        let many = vec![item(3, 2); MISSTATEMENTS_MAX + 1];
        assert_eq!(at(&many, 10, Risk::One), Err(EvaluationError::TooMany));
        // Of items as large as the interval there may be any number: they are all looked at.
        assert_eq!(at(&vec![item(30, 29); 40], 10, Risk::One).unwrap().over.projected, 40);
    }

    #[test]
    fn factors_are_poisson_bounds_rounded_up() {
        // P(N ≤ n | λ) ≤ risk at the factor, and more just a hundredth below it. In billionths, by series.
        let within = |hundredths: i128, n: usize| {
            let scale = 10_i128.pow(15);
            let (mut term, mut below, mut all) = (scale, scale, scale);
            for k in 1..200_i128 {
                term = term * hundredths / (100 * k);
                all += term;
                if usize::try_from(k).unwrap() <= n {
                    below += term;
                }
            }
            below * 10_000_000 / (all / 100)
        };
        for (risk, percent) in
            [(Risk::One, 1), (Risk::Five, 5), (Risk::Ten, 10), (Risk::Twenty, 20), (Risk::Fifty, 50)]
        {
            for (n, factor) in factors(risk).into_iter().enumerate() {
                let bound = percent * 10_000_000;
                assert!(within(factor, n) <= bound + 1, "{percent} % {n}: {factor} is too low");
                assert!(within(factor - 1, n) > bound - 1_000, "{percent} % {n}: {factor} is too high");
            }
        }
    }

    proptest! {
        #[test]
        fn the_limit_holds_what_is_projected(
            amounts in prop::collection::vec((1_i64..1_000_000, 0_i64..1_000_000), 0..20), interval in 1_i64..1_000_000,
        ) {
            let items: Vec<Examined> = amounts.iter().map(|(recorded, audited)| item(*recorded, *audited)).collect();
            let found = at(&items, interval, Risk::Five).unwrap();
            for side in [found.over, found.under] {
                prop_assert!(side.upper_limit >= side.projected);
                prop_assert!((side.misstatements == 0) == (side.found == 0));
            }
            let net: i64 = amounts.iter().map(|(recorded, audited)| recorded - audited).sum();
            prop_assert_eq!(found.over.found - found.under.found, i128::from(net));
        }
    }
}
