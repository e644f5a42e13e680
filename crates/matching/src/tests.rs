//! Tables for the classes, and properties for everything else.

use crate::{Cell, Class, Comparison, Difference, Line, Sum, Summary};
use expect_test::expect;
use jiff::civil::date;
use money::Pence;
use nhs::PointOfDelivery;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// A line as `identifier local day commissioner pod hrg mff pence`, dashes for what it lacks.
fn line(text: &str) -> Line {
    let words: Vec<&str> = text.split_whitespace().collect();
    let [cds, local, day, commissioner, pod, hrg, mff, pence] = words[..] else { panic!("{text}") };
    Line {
        provider: "NT3".parse().unwrap(),
        cds_identifier: (cds != "-").then(|| cds.parse().unwrap()),
        local: (local != "-").then(|| local.parse().unwrap()),
        date: date(2017, 6, day.parse().unwrap()),
        commissioner: commissioner.parse().unwrap(),
        pod: pod.parse().unwrap(),
        hrg: (hrg != "-").then(|| hrg.parse().unwrap()),
        mff: (mff != "-").then(|| mff.parse().unwrap()),
        amount: Pence::new(pence.parse().unwrap()).unwrap(),
        ours: None,
        number: 0,
    }
}

/// Both sides, parted by `|`; what they compare to.
fn compared(slam: &[&str], sus: &[&str]) -> String {
    let mut comparison = Comparison::default();
    comparison.add_slam(slam.iter().map(|text| line(text)));
    comparison.add_sus(sus.iter().map(|text| line(text)));
    let name = |line: Option<&Line>| {
        line.map_or_else(
            || "-".to_owned(),
            |line| {
                let cds = line.cds_identifier.map(|cds| cds.to_string());
                cds.or_else(|| line.local.map(|local| local.to_string())).unwrap_or_else(|| "?".to_owned())
            },
        )
    };
    let rows = comparison.compare();
    let rows = rows.pairs().map(|pair| {
        format!("{} {} | {} {:?}\n", pair.class, name(pair.slam), name(pair.sus), pair.differences)
    });
    rows.collect()
}

#[test]
fn a_pair_is_in_the_class_of_its_first_difference_and_lists_all() {
    let slam = "A S1 12 10M DC BZ34C 1.05 70000";
    let seen: String = [
        "A S1 12 10M DC BZ34C 1.05 70000",
        "A S1 12 10M DC BZ34C - 70000",
        "A S1 12 10M DC BZ34C 1.05 70001",
        "A S1 12 10M DC BZ34C 1.06 70000",
        "A S1 12 10M DC BZ34B 1.06 69000",
        "A S1 12 10M EL BZ34C 1.05 90000",
        "A S1 12 10N EL - 1.06 1",
    ]
    .iter()
    .map(|sus| compared(&[slam], &[sus]))
    .collect();
    expect![[r#"
        EQUAL A | A {}
        EQUAL A | A {}
        PRICE_DIFFERS A | A {Price}
        MFF_DIFFERS A | A {Mff}
        HRG_DIFFERS A | A {Hrg, Mff, Price}
        POINT_OF_DELIVERY_DIFFERS A | A {PointOfDelivery, Price}
        COMMISSIONER_DIFFERS A | A {Commissioner, PointOfDelivery, Hrg, Mff, Price}
    "#]]
    .assert_eq(&seen);
}

#[test]
fn lines_are_matched_by_identifier_and_else_by_spell_and_day() {
    let seen = compared(
        &[
            "A S1 12 10M DC BZ34C - 700",
            "B S2 12 10M DC BZ34C - 700",
            "- S3 12 10M DC BZ34C - 700",
            "- S4 12 10M DC BZ34C - 700",
            "C - 12 10M DC BZ34C - 700",
        ],
        &[
            "A S9 30 10M DC BZ34C - 700",
            "X S2 12 10M DC BZ34C - 700",
            "Y S3 12 10M DC BZ34C - 700",
            "- S4 13 10M DC BZ34C - 700",
            "- - 12 10M DC BZ34C - 700",
        ],
    );
    expect![[r#"
        EQUAL S3 | Y {}
        EQUAL A | A {}
        EQUAL B | X {}
        IN_SLAM_NOT_IN_SUS S4 | - {}
        IN_SLAM_NOT_IN_SUS C | - {}
        IN_SUS_NOT_IN_SLAM - | ? {}
        IN_SUS_NOT_IN_SLAM - | S4 {}
    "#]]
    .assert_eq(&seen);
}

#[test]
fn the_double_that_agrees_best_is_kept() {
    let seen = compared(
        &["A S1 12 10M DC BZ34C - 900", "A S1 12 10M DC BZ34C - 700", "A S1 12 10M DC BZ34C - 100"],
        &["A S1 12 10M DC BZ34C - 700", "B S1 12 10M DC BZ34C - 700"],
    );
    expect![[r#"
        EQUAL A | A {}
        DUPLICATE_IN_SLAM A | - {}
        DUPLICATE_IN_SLAM A | - {}
        DUPLICATE_IN_SUS - | B {}
    "#]]
    .assert_eq(&seen);
}

#[test]
fn excess_bed_days_are_matched_with_excess_bed_days() {
    let seen = compared(
        &["A S1 12 10M EL BZ34C - 900", "A S1 12 10M ELXBD BZ34C - 50"],
        &["A S1 12 10M EL BZ34C - 900", "- S1 12 10M ELXBD BZ34C - 60"],
    );
    expect![[r#"
        EQUAL A | A {}
        PRICE_DIFFERS A | S1 {Price}
    "#]]
    .assert_eq(&seen);
}

#[test]
fn lines_take_the_memory_that_the_documentation_states() {
    assert_eq!(core::mem::size_of::<Line>(), 136);
}

#[test]
fn codes_are_stable_and_precedence_is_the_order_of_the_classes() {
    let codes: Vec<&str> = Class::ALL.iter().map(|class| class.code()).collect();
    assert_eq!(codes.iter().collect::<std::collections::BTreeSet<_>>().len(), 10);
    assert!(Difference::ALL.windows(2).all(|pair| pair[0].class() < pair[1].class()));
    assert!(Class::ALL.iter().filter(|class| class.is_in_both()).count() == 6);
}

/// Small alphabets, so that identities, spells and amounts meet often.
fn lines() -> impl Strategy<Value = Vec<Line>> {
    let pods = [PointOfDelivery::DayCase, PointOfDelivery::Elective, PointOfDelivery::ElectiveExcessBedDays];
    let line = (0..6_u8, 0..5_u8, 1..3_i8, 0..2_u8, 0..3_usize, 0..3_u8, 0..3_u8, 0..4_i64, 0..2_u8);
    let line = line.prop_map(move |(cds, local, day, commissioner, pod, hrg, mff, amount, provider)| Line {
        provider: ["NT3", "RHW"][usize::from(provider)].parse().unwrap(),
        cds_identifier: (cds > 0).then(|| format!("C{cds}").parse().unwrap()),
        local: (local > 0).then(|| format!("S{local}").parse().unwrap()),
        date: date(2017, 6, day),
        commissioner: ["10M", "10N"][usize::from(commissioner)].parse().unwrap(),
        pod: pods[pod],
        hrg: ["BZ34C", "BZ34B"].get(usize::from(hrg)).map(|hrg| hrg.parse().unwrap()),
        mff: ["1.05", "1.06"].get(usize::from(mff)).map(|mff| mff.parse().unwrap()),
        amount: Pence::new(amount * 7_919).unwrap(),
        ours: (amount != 1).then_some(Pence::from_u32(5)),
        number: 0,
    });
    prop::collection::vec(line, 0..40)
}

/// What each cell comes to without any matching.
fn plainly(slam: &[Line], sus: &[Line]) -> BTreeMap<Cell, i128> {
    let mut cells: BTreeMap<Cell, i128> = BTreeMap::new();
    slam.iter().for_each(|line| *cells.entry(Cell::of(line)).or_default() += i128::from(line.amount.get()));
    sus.iter().for_each(|row| *cells.entry(Cell::of(row)).or_default() -= i128::from(row.amount.get()));
    cells
}

fn explained(summary: &Summary) -> BTreeMap<Cell, i128> {
    let mut cells = BTreeMap::new();
    for (cell, _, sum) in summary.rows() {
        *cells.entry(cell).or_default() += sum.difference().get();
    }
    cells
}

proptest! {
    #[test]
    fn the_classes_explain_the_difference_in_every_cell(slam in lines(), sus in lines()) {
        let mut comparison = Comparison::default();
        comparison.add_slam(slam.iter().copied());
        comparison.add_sus(sus.iter().copied());
        let compared = comparison.compare();
        let summary = compared.summary();
        prop_assert_eq!(explained(&summary), plainly(&slam, &sus));
        let total = summary.total();
        prop_assert_eq!(total.difference().get(), plainly(&slam, &sus).values().sum::<i128>());
        // Every line of either side is in one pair, once.
        let mut left: Vec<Line> = compared.pairs().filter_map(|pair| pair.slam.copied()).collect();
        let mut right: Vec<Line> = compared.pairs().filter_map(|pair| pair.sus.copied()).collect();
        let (mut slam, mut sus) = (slam, sus);
        for lines in [&mut left, &mut right, &mut slam, &mut sus] {
            lines.sort_unstable();
        }
        prop_assert_eq!((left, right), (slam, sus));
        for pair in compared.pairs() {
            prop_assert_eq!(pair.class.is_in_both(), pair.slam.is_some() && pair.sus.is_some());
            prop_assert_eq!(pair.class == Class::Equal || !pair.class.is_in_both(), pair.differences.count() == 0);
            if let Some((slam, sus)) = pair.slam.zip(pair.sus) {
                prop_assert_eq!(slam.provider, sus.provider);
                prop_assert!(slam.by_identifier().is_some_and(|key| Some(key) == sus.by_identifier())
                    || slam.by_local().is_some_and(|key| Some(key) == sus.by_local()));
            }
        }
    }

    #[test]
    fn neither_order_nor_batches_change_an_answer(
        slam in lines(), sus in lines(), seed in any::<u64>(), parts in 1..7_usize,
    ) {
        let mut whole = Comparison::default();
        whole.add_slam(slam.iter().copied());
        whole.add_sus(sus.iter().copied());
        let (mut slam, mut sus) = (slam, sus);
        // A permutation that the seed fixes.
        let shuffle = |lines: &mut Vec<Line>| {
            let mut state = seed | 1;
            for at in (1..lines.len()).rev() {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                lines.swap(at, usize::try_from(state >> 33).unwrap() % (at + 1));
            }
        };
        shuffle(&mut slam);
        shuffle(&mut sus);
        let mut parted = Comparison::default();
        sus.chunks(parts).for_each(|part| parted.add_sus(part.iter().copied()));
        slam.chunks(parts).for_each(|part| parted.add_slam(part.iter().copied()));
        prop_assert_eq!(whole.compare(), parted.compare());
    }

    #[test]
    fn a_file_against_itself_is_equal_but_for_its_doubles(lines in lines()) {
        let mut comparison = Comparison::default();
        comparison.add_slam(lines.iter().copied());
        comparison.add_sus(lines.iter().copied());
        let compared = comparison.compare();
        prop_assert_eq!(compared.summary().total().difference().get(), 0);
        for (class, sum) in compared.summary().classes() {
            let singles = [Class::Equal, Class::DuplicateSlam, Class::DuplicateSus, Class::OnlySlam, Class::OnlySus];
            prop_assert!(singles.contains(&class) || sum == Sum::default(), "{class}");
        }
    }
}
