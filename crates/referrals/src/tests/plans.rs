//! Cost and volume, and blended payment: lines are covered by the fixed sum, and what is beyond the plan is owed when its cut is
//! sealed. Source: NHS Standard Contract 2017/19, SC36 (the figures are terms of each contract).

use super::fixture::*;
use crate::{ActivityLine, Books, Command, Event, MarginPosted, Mechanism, Refusal, WithdrawLine};
use expect_test::expect;
use journal::Domain as _;
use money::Pence;
use proptest::prelude::*;
use reference::{Plan, Pricing, Snapshot};
use tariff::Band;

fn plan() -> Plan {
    Plan {
        planned: Pence::from_u32(300_00),
        above: vec![
            Band { until_percent: Some(110), rate_percent: 70 },
            Band { until_percent: None, rate_percent: 50 },
        ],
        below: vec![Band { until_percent: None, rate_percent: 20 }],
    }
}

/// The fixture's data, with a plan of £300 in RWX's block of 10M.
pub(super) fn with_plan() -> Snapshot {
    let mut rows = snapshot();
    let contract = rows.contracts.iter_mut().find(|row| row.id.as_str() == "RWX").unwrap();
    contract.pricing = Some(Pricing { plan: Some(plan()), ..Pricing::default() });
    rows
}

fn run() -> Run {
    let mut run = Run::new();
    run.adopt(with_plan()).unwrap();
    run
}

/// £138.00 of care at RWX.
fn attendance(number: u8) -> ActivityLine {
    let cds = format!("P{number}");
    from("RWX", ActivityLine { pseudonym: patient(number), ..first_attendance(&cds) })
}

fn margins(run: &Run) -> Vec<MarginPosted> {
    let margin = |(_, kind, body): &(_, journal::Kind, Vec<u8>)| {
        if *kind != journal::Kind(120) {
            return None;
        }
        match crate::Referrals::decode(*kind, body, &run.blobs).unwrap().1 {
            journal::Outcome::Accepted(events) => {
                let Event::MarginPosted(posted) = events[0] else { panic!("another event: {events:?}") };
                Some(posted)
            }
            journal::Outcome::Refused(_) => None,
        }
    };
    run.records.iter().filter_map(margin).collect()
}

#[test]
fn what_is_beyond_the_plan_is_owed_when_its_cut_is_sealed() {
    let mut run = run();
    for number in 1..=3 {
        let answered = run.line(attendance(number));
        assert_eq!((answered.books, answered.route.unwrap().mechanism), (Books::Nowhere, Mechanism::Plan));
    }
    assert_eq!(posted(&run.reports), "", "the fixed sum covers it");
    run.roll("2017-07-20");
    let provider = "RWX".parse().unwrap();
    let cds_identifier = "P3".parse().unwrap();
    run.submit(Command::WithdrawLine(WithdrawLine { provider, cds_identifier, tag: None })).unwrap();
    run.roll("2017-08-19");
    // 300 of 414 is planned; 30 of the rest at 70 per cent, 84 at 50. Then 276 is below the plan.
    expect![[r#"
        Margin 2017-06-30: debit 10M/elective/2017-18/fund/expenditure/in-system £63.00 credit 10M/elective/2017-18/owed/payable/RWX £63.00 [2017-06/flex]
        Seal 2017-06/flex: 10M→RWX
        Margin 2017-05-31: credit 10M/elective/2017-18/fund/expenditure/in-system £63.00 debit 10M/elective/2017-18/owed/payable/RWX £63.00 [2017-05/freeze]
        Seal 2017-05/freeze: 10M→RWX
    "#]]
    .assert_eq(&posted(&run.reports));
    let sums: Vec<_> =
        margins(&run).iter().map(|row| (row.activity.get(), row.margin.get(), row.before.get())).collect();
    // May's first cut had none of it; the cut that is sealed next after a correction has that.
    assert_eq!(sums, [(0, 0, 0), (414_00, 63_00, 0), (276_00, 0, 63_00), (276_00, 0, 0), (276_00, 0, 0)]);
    assert!(run.state.totals().all(|(_, total)| total.ties()));
    assert_eq!(run.replayed().plans().collect::<Vec<_>>(), run.state.plans().collect::<Vec<_>>());
}

/// Without a plan a block is what it was: nothing is worked out at its seals.
#[test]
fn a_block_without_a_plan_is_memorandum() {
    let mut run = Run::new();
    let answered = run.line(attendance(1));
    assert_eq!(answered.route.unwrap().mechanism, Mechanism::Block);
    run.roll("2017-08-19");
    assert_eq!((posted(&run.reports).contains("payable"), margins(&run)), (false, Vec::new()));
    let (key, _) = self::run().state.plans().next().map(|(key, row)| (*key, row.clone())).unzip();
    assert_eq!(key, None, "a plan is known from its first line");
}

#[test]
fn a_margin_is_of_a_plan_that_there_is() {
    let mut run = run();
    run.line(attendance(1));
    let plan = *run.state.plans().next().unwrap().0;
    let cut = "2017-06/flex".parse().unwrap();
    let other = crate::PlanKey { payer: "10N".parse().unwrap(), ..plan };
    let post = |plan| Command::PostMargin(crate::PostMargin { plan, cut });
    assert_eq!(run.submit(post(other)), Err(Refusal::PlanUnknown));
    run.adopt(snapshot()).unwrap();
    assert_eq!(run.submit(post(plan)), Err(Refusal::PlanUnknown), "the contract has none any more");
}

/// The bytes of a record.
#[test]
fn bytes() {
    let mut run = run();
    for number in 1..=3 {
        run.line(attendance(number));
    }
    run.roll("2017-07-20");
    let (_, _, body) = run.records.iter().rev().find(|(_, kind, _)| *kind == journal::Kind(120)).unwrap();
    let hex: String = body.iter().map(|byte| format!("{byte:02x}")).collect();
    expect!["8282846331304d63525758011907e1821a000313ea0182008182181e81856352575819753019a1b819189c00"]
        .assert_eq(&hex);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// In whatever order lines come, and however many of them are withdrawn, what was posted is what is owed for the rest.
    #[test]
    fn what_was_posted_is_what_is_owed(order in Just((1..=6_u8).collect::<Vec<_>>()).prop_shuffle(), late in 0..6_usize, gone in 0..6_usize) {
        let mut run = run();
        for number in &order[..late] {
            run.line(attendance(*number));
        }
        run.roll("2017-07-20");
        for number in &order[late..] {
            run.line(attendance(*number));
        }
        for number in &order[..gone] {
            let (provider, cds_identifier) = ("RWX".parse().unwrap(), format!("P{number}").parse().unwrap());
            run.submit(Command::WithdrawLine(WithdrawLine { provider, cds_identifier, tag: None })).unwrap();
        }
        run.roll("2017-08-19");
        let left = u32::try_from(6 - gone).unwrap() * 138_00;
        let above = Plan { below: Vec::new(), ..plan() };
        let owed = above.thresholds(Pence::ZERO).unwrap().owed(Pence::from_u32(left)).unwrap();
        let rows = margins(&run);
        let changes: i64 = rows.iter().map(|row| row.change().get()).sum();
        prop_assert_eq!(rows.last().map(|row| (row.activity.get(), row.margin)), Some((i64::from(left), owed)));
        prop_assert_eq!(changes, owed.get());
        let payable: i128 = run.state.totals().map(|(_, total)| total.payable.get()).sum();
        prop_assert_eq!(payable, i128::from(owed.get()));
    }
}
