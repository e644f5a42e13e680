//! What holds for every group, stay, factor and rounding.

use super::{BOOKS, FACTORS, question};
use crate::{Activity, LocalPrice, LocalPriceUse, NoPrice, Priced, Question, Rule, Spell, explain, price};
use jiff::civil::Date;
use money::{Pence, Rounding};
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
        }
    }
}

/// The parts of a price make the price.
fn adds_up(priced: &Priced) -> bool {
    priced.unrounded().unwrap().round(priced.rounding) == Ok(priced.price)
        && (priced.long_stay_days > 0) == priced.rules.contains(Rule::LongStay)
        && priced.rules.base().is_some()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn every_question_has_one_answer_and_every_price_adds_up(asked in questions()) {
        let answer = price(&BOOKS, &asked);
        prop_assert_eq!(price(&BOOKS, &asked), answer);
        if let Ok(priced) = answer {
            prop_assert!(priced.price >= Pence::ZERO && adds_up(&priced));
            prop_assert_eq!(explain(&priced).len(), priced.rules.iter().count());
            let bytes = minicbor::to_vec(priced).unwrap();
            prop_assert_eq!(minicbor::decode::<Priced>(&bytes).unwrap(), priced);
        }
    }

    #[test]
    fn a_longer_stay_never_costs_less(
        hrg in proptest::sample::select(hrgs()), date in date(), a in 0..400_u32, b in 0..400_u32, rounding in rounding(),
        trust in 0..FACTORS.trusts().len(),
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
            price(&BOOKS, &asked).map(|priced| priced.price)
        };
        let (short, long) = (ask(a.min(b)), ask(a.max(b)));
        match (short, long) {
            (Ok(short), Ok(long)) => prop_assert!(short <= long),
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
