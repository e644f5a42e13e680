//! What terms may say, which one counts, and their bytes.

use super::*;
use expect_test::expect;

fn group(text: &str) -> Subject {
    Subject::Hrg(text.parse().unwrap())
}

fn function(text: &str) -> Subject {
    Subject::Function(text.parse().unwrap())
}

fn price(of: Subject, pod: Option<&str>, pounds: u32) -> AgreedPrice {
    AgreedPrice {
        of,
        point_of_delivery: pod.map(|pod| pod.parse().unwrap()),
        amount: Pence::from_u32(pounds * 100),
        variation: false,
        includes_mff: false,
    }
}

fn decision(of: Subject, from: &str, until: Option<&str>, pence: i64) -> BestPractice {
    let validity = Validity { from: from.parse().unwrap(), until: until.map(|day| day.parse().unwrap()) };
    BestPractice { of, validity, amount: NetPence::new(pence) }
}

fn terms() -> Pricing {
    let mut terms = Pricing {
        prices: vec![
            price(function("110"), None, 1),
            price(function("110"), Some("OPFASPNCL"), 2),
            price(group("HN12F"), None, 3),
            price(group("HN12F"), Some("EL"), 4),
        ],
        modifications: vec![Modification { of: function("110"), amount: Pence::from_u32(10_00) }],
        top_ups: vec![
            AgreedTopUp { of: function("110"), top_up: TopUp { percent: 24, on_long_stay: false } },
            AgreedTopUp { of: group("HN12F"), top_up: TopUp { percent: 32, on_long_stay: true } },
        ],
        best_practice: vec![
            decision(group("HN12F"), "2017-07-01", None, 550_00),
            decision(group("HN12F"), "2017-04-01", Some("2017-06-30"), -550_00),
        ],
        plan: Some(Plan {
            planned: Pence::from_u32(1_000_00),
            above: vec![
                Band { until_percent: Some(110), rate_percent: 70 },
                Band { until_percent: None, rate_percent: 50 },
            ],
            below: Vec::new(),
        }),
    };
    terms.sort();
    terms
}

/// The closer term counts: the group before the function, a place before any place.
#[test]
fn the_closest_price_counts() {
    let terms = terms();
    let found = |hrg: Option<&str>, tfc: &str, pod: &str| {
        let hrg = hrg.map(|hrg| hrg.parse().unwrap());
        let local = terms.local_price(hrg, tfc.parse().unwrap(), pod.parse().unwrap())?;
        Some(local.amount.get() / 100)
    };
    for (hrg, tfc, pod, expected) in [
        (Some("HN12F"), "110", "EL", Some(4)),
        (Some("HN12F"), "110", "DC", Some(3)),
        (Some("HN12F"), "320", "DC", Some(3)),
        (Some("BZ34C"), "110", "OPFASPNCL", Some(2)),
        (None, "110", "OPFASPNCL", Some(2)),
        (None, "110", "OPFASPCL", Some(1)),
        (None, "320", "OPFASPCL", None),
        (Some("BZ34C"), "320", "DC", None),
    ] {
        assert_eq!(found(hrg, tfc, pod), expected, "{hrg:?} {tfc} {pod}");
    }
}

/// Best-practice decisions are of a provider and a time (domain rules 1.7); the rest holds as long as the contract does.
#[test]
fn adjustments_are_of_the_group_first_and_of_the_day() {
    let terms = terms();
    let found = |hrg: Option<&str>, tfc: &str, day: &str| {
        let hrg = hrg.map(|hrg| hrg.parse().unwrap());
        let Adjustments { modification, top_up, best_practice } =
            terms.adjustments(hrg, tfc.parse().unwrap(), day.parse().unwrap());
        (modification.map(Pence::get), top_up.map(|row| row.percent), best_practice.map(NetPence::get))
    };
    let (ten, less, more) = (Some(10_00), Some(-550_00), Some(550_00));
    for (hrg, tfc, day, expected) in [
        (Some("HN12F"), "110", "2017-06-30", (ten, Some(32), less)),
        (Some("HN12F"), "110", "2017-07-01", (ten, Some(32), more)),
        (Some("HN12F"), "320", "2017-03-31", (None, Some(32), None)),
        (Some("BZ34C"), "110", "2017-06-30", (ten, Some(24), None)),
        (None, "110", "2017-06-30", (ten, Some(24), None)),
        (None, "320", "2017-06-30", (None, None, None)),
    ] {
        assert_eq!(found(hrg, tfc, day), expected, "{hrg:?} {tfc} {day}");
    }
}

#[test]
fn terms_that_contradict_themselves_are_refused() {
    let change = |change: fn(&mut Pricing)| {
        let mut terms = terms();
        change(&mut terms);
        terms.check()
    };
    assert_eq!(change(|_| ()), Ok(()));
    assert_eq!(Pricing::default().check(), Err(PricingError::Empty));
    assert_eq!(change(|terms| terms.prices.swap(0, 1)), Err(PricingError::Order));
    assert_eq!(change(|terms| terms.prices.push(terms.prices[3])), Err(PricingError::Order));
    assert_eq!(change(|terms| terms.modifications.push(terms.modifications[0])), Err(PricingError::Order));
    assert_eq!(change(|terms| terms.top_ups.swap(0, 1)), Err(PricingError::Order));
    assert_eq!(change(|terms| terms.best_practice.swap(0, 1)), Err(PricingError::Order));
    let overlapping = |terms: &mut Pricing| terms.best_practice[0].validity.until = None;
    assert_eq!(change(overlapping), Err(PricingError::BestPractice));
    let backwards = |terms: &mut Pricing| terms.best_practice[0].validity.until = "2017-03-31".parse().ok();
    assert_eq!(change(backwards), Err(PricingError::BestPractice));
    let many = |terms: &mut Pricing| terms.prices = vec![terms.prices[0]; PRICING_ROWS_MAX + 1];
    assert_eq!(change(many), Err(PricingError::TooMany));
    let bands = |terms: &mut Pricing| terms.plan.as_mut().unwrap().above.reverse();
    assert_eq!(change(bands), Err(PricingError::Plan(ThresholdsError::Above)));
}

/// These bytes stand in journals and are never other ones.
#[test]
fn bytes() {
    let hex = |terms: &Pricing| {
        let bytes = minicbor::to_vec(terms).unwrap();
        assert_eq!(&minicbor::decode::<Pricing>(&bytes).unwrap(), terms);
        bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    expect!["85848582008165484e313246f619012cf4f48582008165484e31324662454c190190f4f48582018163313130f61864f4f48582018163313130694f50464153504e434c18c8f4f48182820181633131301903e8828282008165484e313246821820f58282018163313130821818f4828382008165484e313246821943691943c339d6d78382008165484e313246811943c419d6d8831a000186a08282186e184682f6183280"].assert_eq(&hex(&terms()));
    let few = Pricing { prices: vec![price(group("HN12F"), None, 1)], ..Pricing::default() };
    expect!["84818582008165484e313246f61864f4f4808080"].assert_eq(&hex(&few));
}
