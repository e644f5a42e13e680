//! Lines under contracts that say something of prices: the price, its explanation, what is posted.

use super::fixture::*;
use crate::{ActivityLine, Answer, Care, Reason};
use journal::Day;
use money::{NetPence, Pence};
use reference::{AgreedPrice, AgreedTopUp, BestPractice, Modification, Pricing, Snapshot, Validity};
use tariff::{Subject, TopUp};

pub(super) fn group(text: &str) -> Subject {
    Subject::Hrg(text.parse().unwrap())
}

fn function(text: &str) -> Subject {
    Subject::Function(text.parse().unwrap())
}

pub(super) fn price(of: Subject, pence: u32, variation: bool, includes_mff: bool) -> Pricing {
    let amount = Pence::from_u32(pence);
    let row = AgreedPrice { of, point_of_delivery: None, amount, variation, includes_mff };
    Pricing { prices: vec![row], ..Pricing::default() }
}

/// The fixture's data, with what NT3's contract says of prices.
pub(super) fn with(pricing: Pricing) -> Snapshot {
    let mut rows = snapshot();
    let contract = rows.contracts.iter_mut().find(|row| row.id.as_str() == "NT3").unwrap();
    contract.pricing = Some(pricing);
    rows
}

fn run(pricing: Pricing) -> Run {
    let mut run = Run::new();
    run.adopt(with(pricing)).unwrap();
    run
}

/// A hip replacement, HN12F: £5,431 in the list of 2017/18, at 1.149759. Sources of the rules: docs/pricing.md.
#[test]
fn a_hip_under_each_term() {
    let june = |pence| {
        let validity = Validity::between("2017-04-01".parse().unwrap(), "2017-06-30".parse().unwrap());
        let row = BestPractice { of: group("HN12F"), validity, amount: NetPence::new(pence) };
        Pricing { best_practice: vec![row], ..Pricing::default() }
    };
    let top_up = |percent, on_long_stay| {
        let row = AgreedTopUp { of: function("110"), top_up: TopUp { percent, on_long_stay } };
        Pricing { top_ups: vec![row], ..Pricing::default() }
    };
    let modification = Modification { of: group("HN12F"), amount: Pence::from_u32(100_00) };
    let table = [
        (price(group("BZ34C"), 1, true, true), 6_244_34, ""),
        (price(group("HN12F"), 5_000_00, true, false), 5_748_80, "LOCAL_VARIATION"),
        (price(group("HN12F"), 5_000_00, true, true), 5_000_00, "LOCAL_VARIATION"),
        (price(function("110"), 5_000_00, true, true), 5_000_00, "LOCAL_VARIATION"),
        // A local price stands only where there is no national one.
        (price(group("HN12F"), 5_000_00, false, true), 6_244_34, ""),
        (Pricing { modifications: vec![modification], ..Pricing::default() }, 635_932, "LOCAL_MODIFICATION"),
        (top_up(24, false), 7_742_98, "TOP_UP"),
        (june(-550_00), 5_611_97, "BEST_PRACTICE"),
        (june(550_00), 6_876_71, "BEST_PRACTICE"),
    ];
    for (pricing, expected, rule) in table {
        let answered = run(pricing).line(hip("B1"));
        let Answer::Accepted(Some(priced)) = answered.answer else { panic!("{answered:?}") };
        assert_eq!(priced.price.get(), expected, "{rule}");
        let rules: Vec<_> = priced.rules.iter().map(tariff::Rule::code).collect();
        assert!(rule.is_empty() || rules.contains(&rule), "{rules:?}");
        let differs = expected != 6_244_34;
        assert_eq!(answered.reasons.contains(Reason::PriceDiffers), differs, "claimed at the national price");
        // Every figure of the contract is named as one.
        let steps = tariff::explain(&priced, "2017-06-16".parse().unwrap());
        let named = steps.iter().flat_map(|step| &step.figures).any(|figure| figure.table == "contract");
        assert_eq!(named, !rule.is_empty(), "{steps:?}");
    }
}

/// What no national list prices is contested until the contract has a price for it.
#[test]
fn a_local_price_answers_what_has_no_national_one() {
    let regular = |line: ActivityLine| ActivityLine {
        pod: "RADAY".parse().unwrap(),
        care: Care::Admitted {
            discharged: "2017-06-12".parse().unwrap(),
            method: "11".parse().unwrap(),
            classification: "3".parse().unwrap(),
            excluded_days: 0,
        },
        ..line
    };
    let nurse_led = ActivityLine { pod: "OPFASPNCL".parse().unwrap(), ..first_attendance("B2") };
    let dialysis = ActivityLine { hrg: "LA97A".parse().ok(), ..hip("B3") };
    for (line, of) in
        [(regular(hip("B1")), group("HN12F")), (nurse_led, function("110")), (dialysis, group("LA97A"))]
    {
        let answered = Run::new().line(line);
        assert!(answered.reasons.contains(Reason::NoPrice), "{}", shown(&answered));
        let answered = run(price(of, 80_00, false, true)).line(line);
        let Answer::Accepted(Some(priced)) = answered.answer else { panic!("{}", shown(&answered)) };
        assert_eq!((priced.price.get(), priced.book), (80_00, None));
        assert!(priced.rules.contains(tariff::Rule::LocalPrice));
    }
    // No term makes a record good that contradicts itself.
    let night = ActivityLine { pod: "DC".parse().unwrap(), ..hip("B4") };
    let night = ActivityLine {
        care: Care::Admitted {
            discharged: "2017-06-16".parse().unwrap(),
            method: "11".parse().unwrap(),
            classification: "2".parse().unwrap(),
            excluded_days: 0,
        },
        ..night
    };
    let answered = run(price(group("HN12F"), 80_00, true, true)).line(night);
    assert!(answered.reasons.contains(Reason::CodingMismatch), "{}", shown(&answered));
}

/// What a referral leads to is held at what the contract says.
#[test]
fn holds_are_of_the_agreed_price() {
    let mut run = run(price(function("110"), 80_00, true, true));
    run.today = "2017-06-01".parse::<Day>().unwrap();
    run.submit(crate::Command::RecordReferral(referral())).unwrap();
    let text = posted(&run.reports);
    assert!(text.contains("place £160.00"), "{text}");
}

/// New terms price what comes after them: a line that was priced keeps its price, and a replay comes to the same.
#[test]
fn new_terms_change_no_price_that_was_given() {
    let mut run = Run::new();
    let first = run.line(hip("B1"));
    run.adopt(with(price(group("HN12F"), 5_000_00, true, true))).unwrap();
    let second = run.line(ActivityLine { pseudonym: patient(2), ..hip("B2") });
    let prices = [first, second].map(|answered| match answered.answer {
        Answer::Accepted(Some(priced)) => priced.price.get(),
        other @ (Answer::Accepted(None) | Answer::Contested | Answer::Unreadable) => panic!("{other:?}"),
    });
    assert_eq!(prices, [6_244_34, 5_000_00]);
    let totals = |state: &crate::State| state.totals().map(|(_, total)| total.accepted.get()).sum::<i128>();
    assert_eq!((totals(&run.state), totals(&run.replayed())), (11_244_34, 11_244_34));
}
