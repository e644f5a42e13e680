//! Contracts that do not pay line by line.

use crate::{Band, Bundle, Bundled, Thresholds, ThresholdsError, true_up};
use jiff::civil::date;
use money::{NetPence, Pence};
use proptest::prelude::*;

fn pounds(pounds: u32) -> Pence {
    Pence::from_u32(pounds * 100)
}

fn band(until_percent: impl Into<Option<u32>>, rate_percent: u32) -> Band {
    Band { until_percent: until_percent.into(), rate_percent }
}

fn cost_and_volume() -> Thresholds {
    let above = vec![band(105, 70), band(None, 50)];
    let below = vec![band(95, 0), band(None, 30)];
    Thresholds::new(pounds(1_000_000), pounds(1_000_000), above, below).unwrap()
}

#[test]
fn marginal_rates_count_by_the_band_that_activity_is_in() {
    let table = [
        (1_000_000, 1_000_000),
        (1_020_000, 1_014_000),
        (1_050_000, 1_035_000),
        (1_100_000, 1_060_000),
        // The first five per cent below the plan cost nobody anything.
        (970_000, 1_000_000),
        (950_000, 1_000_000),
        (900_000, 985_000),
        (0, 715_000),
    ];
    for (activity, owed) in table {
        assert_eq!(cost_and_volume().owed(pounds(activity)), Ok(pounds(owed)), "{activity}");
    }
    // The line that crosses a threshold is paid for at both rates: 30,000 × 70 % + 20,000 × 50 %.
    let margin = cost_and_volume().margin(pounds(1_020_000), pounds(50_000));
    assert_eq!(margin, Ok(pounds(31_000)));
}

#[test]
fn a_blend_of_nothing_is_a_block_and_one_of_all_is_cost_per_case() {
    let (block, all) =
        (Thresholds::blended(pounds(500), 0).unwrap(), Thresholds::blended(pounds(500), 100).unwrap());
    for activity in [0, 1, 499, 500, 501, 10_000] {
        assert_eq!(block.owed(pounds(activity)), Ok(pounds(500)));
        assert_eq!(all.owed(pounds(activity)), Ok(pounds(activity)));
    }
    // Twenty per cent of a penny above the plan is no penny; of three pence it is one.
    let fifth = Thresholds::blended(Pence::ZERO, 20).unwrap();
    assert_eq!(fifth.owed(Pence::from_u32(2)), Ok(Pence::ZERO));
    assert_eq!(fifth.owed(Pence::from_u32(3)), Ok(Pence::from_u32(1)));
}

#[test]
fn contradicting_terms_are_refused() {
    let new = |above, below| Thresholds::new(pounds(1), pounds(1), above, below).unwrap_err();
    for above in
        [vec![band(100, 50)], vec![band(110, 50), band(105, 40)], vec![band(None, 50), band(120, 40)]]
    {
        assert_eq!(new(above, vec![]), ThresholdsError::Above);
    }
    for below in [vec![band(100, 50)], vec![band(90, 50), band(95, 40)], vec![band(None, 50), band(80, 40)]] {
        assert_eq!(new(vec![], below), ThresholdsError::Below);
    }
    assert_eq!(new(vec![band(None, 101)], vec![]), ThresholdsError::Rate);
}

#[test]
fn accounts_are_trued_up_to_activity_both_ways() {
    assert_eq!(true_up(pounds(120), pounds(100)), NetPence::new(20_00));
    assert_eq!(true_up(pounds(90), pounds(100)), NetPence::new(-10_00));
}

#[test]
fn a_bundle_is_paid_once_and_holds_what_belongs_to_it() {
    let bundle = Bundle {
        price: pounds(900),
        opened_by: vec!["BZ34C".parse().unwrap()],
        functions: vec!["130".parse().unwrap()],
        includes: vec!["BZ23Z".parse().unwrap()],
        days_before: 126,
        days_after: 90,
    };
    let opened = date(2017, 6, 12);
    let table = [
        (None, Some("BZ34C"), "130", opened, Bundled::Opens(pounds(900))),
        (Some(opened), Some("BZ34C"), "130", date(2017, 7, 12), Bundled::Included),
        (Some(opened), Some("BZ34C"), "130", date(2017, 9, 11), Bundled::Opens(pounds(900))),
        (Some(opened), Some("WF01A"), "130", date(2017, 9, 10), Bundled::Included),
        (Some(opened), None, "130", date(2017, 9, 11), Bundled::Apart),
        (Some(opened), None, "130", date(2017, 2, 6), Bundled::Included),
        (Some(opened), None, "130", date(2017, 2, 5), Bundled::Apart),
        (Some(opened), None, "110", opened, Bundled::Apart),
        (Some(opened), Some("BZ23Z"), "110", opened, Bundled::Included),
        (Some(opened), Some("HN12F"), "130", opened, Bundled::Apart),
        (None, None, "130", opened, Bundled::Apart),
    ];
    for (opened, hrg, function, date, expected) in table {
        let hrg = hrg.map(|hrg| hrg.parse().unwrap());
        assert_eq!(bundle.answer(opened, hrg, function.parse().unwrap(), date), expected, "{hrg:?} {date}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn lines_come_to_the_same_in_any_order_and_never_below_nothing(
        (lines, shuffled) in proptest::collection::vec(0..200_000_00_u32, 1..20)
            .prop_flat_map(|lines| (Just(lines.clone()), Just(lines).prop_shuffle())),
        rates in (0..=100_u32, 0..=100_u32, 0..=100_u32, 0..=100_u32),
    ) {
        let (above, below) = (vec![band(105, rates.0), band(None, rates.1)], vec![band(95, rates.2), band(None, rates.3)]);
        let terms = Thresholds::new(pounds(600_000), pounds(1_000_000), above, below).unwrap();
        let (mut done, mut paid) = (Pence::ZERO, Pence::ZERO);
        for line in shuffled.into_iter().map(Pence::from_u32) {
            paid = paid.checked_add(terms.margin(done, line).unwrap()).unwrap();
            done = done.checked_add(line).unwrap();
        }
        let total = Pence::sum(lines.into_iter().map(Pence::from_u32)).unwrap();
        let (owed, nothing) = (terms.owed(total).unwrap(), terms.owed(Pence::ZERO).unwrap());
        prop_assert_eq!(paid.checked_add(nothing).unwrap(), owed);
        prop_assert!(owed >= nothing);
    }
}
