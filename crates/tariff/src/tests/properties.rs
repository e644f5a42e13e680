//! What holds for every group, stay, factor and rounding.

use super::{BOOKS, FACTORS, question};
use crate::{
    Activity, Adjustments, LocalPrice, LocalPriceUse, NoPrice, Priced, Question, Rule, Spell, Step, TopUp,
    best_practice, explain, price,
};
use jiff::civil::Date;
use money::{NetPence, Pence, Rounding};
use nhs::{AdmissionMethod, FinancialYear, Hrg, PatientClassification};
use proptest::prelude::*;

fn hrgs() -> Vec<Hrg> {
    let year: FinancialYear = "2017-18".parse().unwrap();
    BOOKS.admitted(year).unwrap().1.rows().iter().map(|row| row.hrg).collect()
}

fn rounding() -> impl Strategy<Value = Rounding> {
    prop_oneof![Just(Rounding::NearestPenny), Just(Rounding::NearestPound)]
}

fn date() -> impl Strategy<Value = Date> {
    (2017_i16..=2018, 4_i8..=12, 1_i8..=28).prop_map(|(year, month, day)| jiff::civil::date(year, month, day))
}

prop_compose! {
    fn questions()(
        hrg in proptest::sample::select(hrgs()),
        classification in proptest::sample::select(PatientClassification::ALL),
        admission_method in proptest::sample::select(AdmissionMethod::ALL),
        length_of_stay_days in prop_oneof![0..3_u32, 0..200_u32, any::<u32>()],
        date in date(),
        trust in proptest::option::of(0..FACTORS.trusts().len()),
        rounding in rounding(),
        local in proptest::option::of((0..=i64::MAX, any::<bool>(), any::<bool>())),
        adjustments in adjustments(),
    ) -> Question {
        let spell = Spell { hrg, classification, admission_method, length_of_stay_days };
        let local_price = local.map(|(pence, variation, includes_mff)| LocalPrice {
            amount: Pence::new(pence).unwrap(),
            use_: if variation { LocalPriceUse::Variation } else { LocalPriceUse::WhereNone },
            includes_mff,
        });
        Question {
            activity: Activity::Spell(spell),
            date,
            mff: trust.map(|at| FACTORS.trusts()[at].1),
            rounding,
            local_price,
            adjustments,
        }
    }
}

fn adjustments() -> impl Strategy<Value = Adjustments> {
    let modification = proptest::option::of((0..1_000_00_u32).prop_map(Pence::from_u32));
    let top_up =
        (0..200_u16, any::<bool>()).prop_map(|(percent, on_long_stay)| TopUp { percent, on_long_stay });
    let best_practice = proptest::option::of((-2_000_00..2_000_00_i64).prop_map(NetPence::new));
    (modification, proptest::option::of(top_up), best_practice)
        .prop_map(|(modification, top_up, best_practice)| Adjustments { modification, top_up, best_practice })
}

/// The parts of a price make the price.
fn adds_up(priced: &Priced) -> bool {
    priced.unrounded().unwrap().round(priced.rounding) == Ok(priced.price)
        && (priced.long_stay_days > 0) == priced.rules.contains(Rule::LongStay)
        && priced.rules.base().is_some()
}

/// The price by an explanation's figures alone, as a provider computes it, in whole numbers.
fn recomputed(steps: &[Step]) -> i64 {
    let figure = |column: &str| {
        let found = steps.iter().flat_map(|step| &step.figures).find(|figure| figure.column == column)?;
        Some(found.value.as_str())
    };
    let pence =
        |column: &str| figure(column).map_or(0, |text| text.replace('.', "").parse::<i128>().unwrap());
    let count = |column: &str| figure(column).map_or(0, |text| text.parse::<i128>().unwrap());
    let has = |rule: Rule| steps.iter().any(|step| step.rule == rule);
    let base = steps.iter().find_map(|step| step.rule.column()).unwrap();
    let listed = pence(base) + pence("modification_gbp");
    let long_stay = count("days_beyond_trim") * pence("per_day_long_stay_gbp");
    let basis = if has(Rule::TopUpOnLongStay) { listed + long_stay } else { listed };
    let top_up = (basis * count("top_up_percent") + 50) / 100;
    let sum = listed + long_stay + top_up + pence("best_practice_gbp");
    let (whole, decimals) = figure("payment_index").unwrap_or("1").split_once('.').unwrap_or(("1", ""));
    let above = format!("{whole}{decimals}").parse::<i128>().unwrap();
    let below = 10_i128.pow(u32::try_from(decimals.len()).unwrap());
    let unit = if has(Rule::RoundedToPound) { 100 } else { 1 };
    let units = (sum * above * 2 + below * unit) / (below * unit * 2);
    i64::try_from(units * unit).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn every_question_has_one_answer_and_every_price_adds_up(asked in questions()) {
        let answer = price(&BOOKS, &asked);
        prop_assert_eq!(price(&BOOKS, &asked), answer);
        if let Ok(priced) = answer {
            prop_assert!(priced.price >= Pence::ZERO && adds_up(&priced));
            prop_assert_eq!(explain(&priced, asked.date).len(), priced.rules.iter().count());
            let bytes = minicbor::to_vec(priced).unwrap();
            prop_assert_eq!(minicbor::decode::<Priced>(&bytes).unwrap(), priced);
        }
    }

    #[test]
    fn a_longer_stay_never_costs_less(
        hrg in proptest::sample::select(hrgs()), date in date(), a in 0..400_u32, b in 0..400_u32, rounding in rounding(),
        trust in 0..FACTORS.trusts().len(), adjustments in adjustments(),
    ) {
        let ask = |length_of_stay_days| {
            let spell = Spell {
                hrg,
                classification: PatientClassification::Ordinary,
                admission_method: AdmissionMethod::Booked,
                length_of_stay_days,
            };
            let mut asked = question(Activity::Spell(spell), date);
            (asked.rounding, asked.mff) = (rounding, Some(FACTORS.trusts()[trust].1));
            asked.adjustments = adjustments;
            price(&BOOKS, &asked).map(|priced| priced.price)
        };
        let (short, long) = (ask(a.min(b)), ask(a.max(b)));
        match (short, long) {
            (Ok(short), Ok(long)) => prop_assert!(short <= long),
            // What is taken off may exceed the shorter stay's price only.
            (Err(NoPrice::BelowNothing), _) => {}
            (short, long) => prop_assert_eq!(short, long),
        }
    }

    #[test]
    fn a_factor_of_one_or_more_never_lowers_a_price(asked in questions()) {
        let without = Question { mff: None, rounding: Rounding::NearestPenny, ..asked };
        let with = Question { rounding: Rounding::NearestPenny, ..asked };
        match (price(&BOOKS, &without), price(&BOOKS, &with)) {
            (Ok(without), Ok(with)) => prop_assert!(without.price <= with.price),
            (Ok(_), Err(reason)) => prop_assert_eq!(reason, NoPrice::AmountTooLarge),
            (Err(without), with) => prop_assert_eq!(Err(without), with),
        }
    }

    #[test]
    fn the_figures_of_an_explanation_are_enough_to_compute_the_price(asked in questions()) {
        if let Ok(priced) = price(&BOOKS, &asked) {
            prop_assert_eq!(recomputed(&explain(&priced, asked.date)), priced.price.get());
        }
    }

    #[test]
    fn lines_are_priced_alike_in_any_order_and_any_batches(
        asked in proptest::collection::vec(questions(), 1..8).prop_shuffle(), size in 1..8_usize,
    ) {
        let alone: Vec<_> = asked.iter().map(|one| price(&BOOKS, one)).collect();
        let batched: Vec<_> =
            asked.chunks(size).flat_map(|batch| batch.iter().map(|one| price(&BOOKS, one))).collect();
        let mut backwards: Vec<_> = asked.iter().rev().map(|one| price(&BOOKS, one)).collect();
        backwards.reverse();
        prop_assert_eq!(&alone, &batched);
        prop_assert_eq!(&alone, &backwards);
    }

    #[test]
    fn a_correction_leads_from_the_old_price_to_the_new(asked in questions(), amount in -2_000_00..2_000_00_i64) {
        let Ok(before) = price(&BOOKS, &asked) else { return Ok(()) };
        match best_practice(&before, Some(NetPence::new(amount))) {
            Ok(after) => {
                prop_assert_eq!(before.price.get() + after.correction.get(), after.priced.price.get());
                let back = best_practice(&after.priced, before.best_practice).unwrap();
                prop_assert_eq!(back.priced, before);
                prop_assert_eq!(back.correction.get(), -after.correction.get());
            }
            Err(reason) => prop_assert!(matches!(reason, NoPrice::BelowNothing | NoPrice::AmountTooLarge)),
        }
    }

    #[test]
    fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = crate::PriceBook::from_cbor(&bytes);
        let title = crate::load::Title {
            id: "any".parse().unwrap(),
            financial_year: "2017-18".parse().unwrap(),
            illustrative: false,
            source: "any",
        };
        prop_assert!(crate::load::admitted(&title, &bytes).is_err());
    }
}
