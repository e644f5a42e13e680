//! Elective spells, local prices, the factor and rounding.

use super::{BOOKS, JUNE_2017, has, mff, priced, question, spell};
use crate::{
    Enquiry, LocalPrice, LocalPriceUse, NoPrice, NoPriceClass, Quote, Rule, RulePath, Setting, SettingError,
    Unquoted, explain, price, quote,
};
use expect_test::expect;
use money::{Pence, Rounding};
use nhs::AdmissionMethod;

#[test]
fn what_has_no_price_and_why() {
    use NoPrice::*;
    let table = [
        ("BZ34C", "2", "11", 1, DayCaseWithStay),
        ("BZ34C", "3", "11", 0, RegularAdmission),
        ("BZ34C", "4", "13", 0, RegularAdmission),
        ("BZ34C", "5", "11", 0, DeliveryOnly),
        ("BZ34C", "1", "21", 0, NotElective),
        ("BZ34C", "1", "2A", 0, NotElective),
        ("BZ34C", "1", "31", 0, NotElective),
        ("BZ34C", "1", "81", 0, NotElective),
        ("BZ34C", "1", "99", 0, NotElective),
        ("UZ01Z", "1", "11", 0, InvalidForGrouping),
        ("AA99Z", "1", "11", 0, UnknownHrg),
        ("LA97A", "1", "11", 0, NoNationalPrice),
        // The first rule that holds answers.
        ("UZ01Z", "2", "21", 3, InvalidForGrouping),
        ("BZ34C", "2", "21", 3, NotElective),
        ("AA99Z", "2", "11", 3, DayCaseWithStay),
    ];
    for (hrg, classification, method, days, reason) in table {
        let found = priced(spell(hrg, classification, method, days), JUNE_2017);
        assert_eq!(found, Err(reason), "{hrg} {classification} {method} {days}");
    }
}

#[test]
fn only_three_admission_methods_are_priced() {
    for method in AdmissionMethod::ALL {
        let found = priced(spell("BZ34C", "1", method.as_str(), 0), JUNE_2017);
        assert_eq!(found.is_ok(), ["11", "12", "13"].contains(&method.as_str()), "{method}");
    }
}

#[test]
fn reasons_are_stable() {
    let mut table = String::new();
    for (at, reason) in NoPrice::ALL.iter().enumerate() {
        assert_eq!(minicbor::to_vec(reason).unwrap(), minicbor::to_vec(at).unwrap());
        table.push_str(&format!("{:<24} {:?}: {reason}\n", reason.reason(), reason.class()));
    }
    expect![[r#"
        CLOCK_STOP_EVENT         UnpricedByRule: an administrative event that stops the clock is not an attendance and is never priced
        NOT_YET_HELD             UnpricedByRule: the appointment has not been held yet
        NOT_ATTENDED             UnpricedByRule: the appointment was cancelled or the patient was not seen: only codes 5 and 6 are priced
        INVALID_FOR_GROUPING     Query: the HRG says that the record was invalid for grouping: correct the record and group it again
        DELIVERY_ONLY            Query: use of delivery facilities only is not elective care
        NOT_ELECTIVE             Query: the admission was not elective: only admission methods 11, 12 and 13 are
        DAY_CASE_WITH_STAY       Query: a day case has no nights: either the classification or the dates are wrong
        CONTRADICTORY_ATTENDANCE Query: the HRG, the point of delivery and the first attendance code contradict each other
        REGULAR_ADMISSION        NeedsLocalPrice: regular day and night admissions have no national price: the contract needs a local price
        NOT_CONSULTANT_LED       NeedsLocalPrice: attendances that no consultant led have no national price: the contract needs a local price
        NO_PRICE_BOOK            NeedsBook: no price book is in force for the financial year of the date
        UNKNOWN_HRG              Query: the HRG is not in the price list of the year
        NO_NATIONAL_PRICE        NeedsLocalPrice: the HRG has no national price in this setting: the contract needs a local price
        NO_LONG_STAY_PRICE       NeedsLocalPrice: the stay went past the trim point and the list has no payment for its further days
        NO_ATTENDANCE_PRICE      NeedsLocalPrice: the treatment function has no price for such an attendance: the contract needs a local price
        AMOUNT_TOO_LARGE         Query: the price would be larger than any amount that can be recorded
        BELOW_NOTHING            Query: what a best-practice decision takes off exceeds the price
    "#]].assert_eq(&table);
    // The bits stand in records; each is one rule's.
    let mut rules: Vec<Rule> = Rule::ALL.to_vec();
    rules.sort_unstable();
    for (at, rule) in rules.iter().enumerate() {
        assert_eq!(RulePath::EMPTY.with(*rule).bits(), 1 << at, "{rule:?}");
    }
}

fn local(pounds: u32, use_: LocalPriceUse, includes_mff: bool) -> LocalPrice {
    LocalPrice { amount: Pence::from_u32(pounds * 100), use_, includes_mff }
}

#[test]
fn local_prices_stand_where_the_contract_says() {
    let ask = |hrg: &str, classification: &str, local_price| {
        let mut question = question(spell(hrg, classification, "11", 0), JUNE_2017);
        question.mff = Some(mff("RHW"));
        question.local_price = Some(local_price);
        price(&BOOKS, &question)
    };
    let (none, variation) = (LocalPriceUse::WhereNone, LocalPriceUse::Variation);
    // Where there is a national price, one for its absence changes nothing.
    let national = ask("BZ34C", "2", local(500, none, false)).unwrap();
    assert_eq!((national.base, national.book.is_some()), (Pence::from_u32(667_00), true));
    for (hrg, classification) in [("LA97A", "1"), ("AA99Z", "1"), ("BZ34C", "3"), ("BZ34C", "4")] {
        let found = ask(hrg, classification, local(500, none, false)).unwrap();
        assert_eq!(found.price, Pence::from_u32(574_88), "{hrg} {classification}");
        assert!(found.book.is_none() && has(found.rules, &[Rule::LocalPrice, Rule::MarketForcesFactor]));
        let gross = ask(hrg, classification, local(500, none, true)).unwrap();
        assert_eq!(gross.price, Pence::from_u32(500_00));
        assert!(gross.mff.is_none() && gross.rules.contains(Rule::FactorIncluded));
    }
    let varied = ask("BZ34C", "2", local(600, variation, true)).unwrap();
    assert_eq!(varied.price, Pence::from_u32(600_00));
    assert_eq!(varied.rules.base(), Some(Rule::LocalVariation));
    // No term of a contract prices a record that is wrong.
    let wrong = question(spell("BZ34C", "2", "11", 2), JUNE_2017);
    for use_ in [none, variation] {
        let asked = crate::Question { local_price: Some(local(500, use_, true)), ..wrong };
        assert_eq!(price(&BOOKS, &asked), Err(NoPrice::DayCaseWithStay));
    }
    assert_eq!(NoPrice::DayCaseWithStay.class(), NoPriceClass::Query);
}

#[test]
fn the_factor_multiplies_long_stay_too_and_rounds_once() {
    let mut asked = question(spell("AA22C", "1", "11", 168), JUNE_2017);
    asked.mff = Some(mff("RHW"));
    let found = price(&BOOKS, &asked).unwrap();
    assert_eq!((found.base, found.long_stay), (Pence::from_u32(8_207_00), Pence::from_u32(12_240_00)));
    assert_eq!((found.long_stay_days, found.trim_days), (51, Some(117)));
    // 20,447 × 1.149759 = 23,509.122273
    assert_eq!(found.unrounded().unwrap().to_string(), "2350912.2273");
    assert_eq!(found.price, Pence::from_u32(23_509_12));
    asked.rounding = Rounding::NearestPound;
    assert_eq!(price(&BOOKS, &asked).unwrap().price, Pence::from_u32(23_509_00));
}

#[test]
fn a_price_explains_itself() {
    let mut asked = question(spell("AA22C", "1", "11", 168), JUNE_2017);
    asked.mff = Some(mff("NT343"));
    let found = price(&BOOKS, &asked).unwrap();
    let steps: String =
        explain(&found, JUNE_2017).iter().map(|s| format!("{}: {}\n", s.rule.code(), s.text)).collect();
    expect![[r#"
        ELECTIVE_ADMISSION: The admission was elective, so no emergency price or short-stay reduction applies.
        ORDINARY_ELECTIVE_COMBINED: Ordinary elective spell, at one price with day cases: AA22C is £8,207.00 in ntps-2017-19-apc-2017-18.
        LONG_STAY: 51 days beyond the trim point of 117 days add £12,240.00.
        MARKET_FORCES_FACTOR: The market forces factor 1.165153 multiplies the sum: the payment index of RDU, the nearest trust: independents have none of their own.
        ROUNDED_TO_PENNY: 2382388.3391 pence, rounded once to the nearest penny: £23,823.88.
    "#]].assert_eq(&steps);
    let bytes = minicbor::to_vec(found).unwrap();
    assert_eq!(minicbor::decode::<crate::Priced>(&bytes).unwrap(), found);
}

fn enquiry(hrg: &str, setting: Setting, length_of_stay_days: u32, provider: Option<&str>) -> Enquiry {
    Enquiry {
        hrg: hrg.parse().unwrap(),
        discharge_date: JUNE_2017,
        setting,
        length_of_stay_days,
        provider: provider.map(|code| code.parse().unwrap()),
    }
}

#[test]
fn a_quote_has_the_commands_shape() {
    let ask = |asked: Enquiry| quote(&BOOKS, &super::FACTORS, &asked);
    expect![[r#"
        Quote {
            base_pence: 66700,
            list_pence: 66700,
            long_stay_days: 0,
            long_stay_pence: 0,
            top_up_pence: 0,
            mff: Some(
                "1.149759",
            ),
            mff_source: Some(
                "RHW",
            ),
            unrounded_pence: "76688.9253",
            price_pence: 76689,
            rule: "DAY_CASE_COMBINED",
            rules: [
                "ELECTIVE_ADMISSION",
                "DAY_CASE_COMBINED",
                "MARKET_FORCES_FACTOR",
                "ROUNDED_TO_PENNY",
            ],
            book: "ntps-2017-19-apc-2017-18",
            list: "ntps-2017-19-apc-2017-18",
            illustrative: false,
        }
    "#]]
    .assert_debug_eq(&Quote::from(&ask(enquiry("BZ34C", Setting::DayCase, 0, Some("RHW"))).unwrap()));
    let without = Quote::from(&ask(enquiry("BZ34C", Setting::DayCase, 0, None)).unwrap());
    assert_eq!((without.price_pence, without.base_pence, without.mff), (667_00, 667_00, None));
    // The base of a quote is the whole price before the factor.
    let long = Quote::from(&ask(enquiry("AA22C", Setting::OrdinaryElective, 168, Some("RHW"))).unwrap());
    assert_eq!((long.base_pence, long.list_pence, long.long_stay_pence), (20_447_00, 8_207_00, 12_240_00));
    assert_eq!(long.price_pence, 23_509_12);
    // The place has no factor; a missing price says so first.
    let nowhere = "NT999".parse().unwrap();
    let asked = enquiry("BZ34C", Setting::DayCase, 0, Some("NT999"));
    assert_eq!(ask(asked), Err(Unquoted::NoFactor(nowhere)));
    let asked = enquiry("BZ34C", Setting::DayCase, 1, Some("NT999"));
    assert_eq!(ask(asked).unwrap_err().reason(), "DAY_CASE_WITH_STAY");
}

#[test]
fn an_outpatient_procedure_has_no_stay_and_no_attendance_behind_it() {
    let ask = |hrg: &str, days| {
        quote(&BOOKS, &super::FACTORS, &enquiry(hrg, Setting::OutpatientProcedure, days, None))
            .map(|priced| (priced.price, priced.rules.base()))
    };
    let listed = Ok((Pence::from_u32(206_00), Some(Rule::OutpatientProcedure)));
    for days in [0, 1, 200, u32::MAX] {
        assert_eq!(ask("AB15Z", days), listed, "{days}");
    }
    let table = [
        ("HN12F", NoPrice::NoNationalPrice),
        ("LA97A", NoPrice::NoNationalPrice),
        ("UZ01Z", NoPrice::InvalidForGrouping),
        ("WF01A", NoPrice::ContradictoryAttendance),
        ("AA99Z", NoPrice::UnknownHrg),
    ];
    for (hrg, reason) in table {
        assert_eq!(ask(hrg, 0), Err(Unquoted::NoPrice(reason)), "{hrg}");
    }
}

#[test]
fn settings_are_read_as_they_are_written() {
    for setting in Setting::ALL {
        assert_eq!(setting.as_str().parse(), Ok(*setting));
    }
    for other in ["", "2", "Day-Case", "inpatient"] {
        assert_eq!(other.parse::<Setting>(), Err(SettingError), "{other}");
    }
}
