//! Defects seen in public implementations of the same rules: each is asked for by name and must not be here.

use super::{BOOKS, JUNE_2017, priced, spell};
use crate::{AdmittedRow, NoPrice, Rule};
use money::Pence;
use nhs::{AdmissionMethod, FinancialYear};

fn row(hrg: &str) -> &'static AdmittedRow {
    let year: FinancialYear = "2017-18".parse().unwrap();
    BOOKS.admitted(year).unwrap().1.get(hrg.parse().unwrap()).unwrap()
}

#[test]
fn same_day_ordinary_admission_is_not_priced_as_an_outpatient_procedure() {
    let with_both = |r: &&AdmittedRow| r.procedure_pence.is_some_and(|p| Some(p) != r.combined_pence);
    let year: FinancialYear = "2017-18".parse().unwrap();
    let rows: Vec<_> = BOOKS.admitted(year).unwrap().1.rows().iter().filter(with_both).collect();
    assert!(rows.len() > 100);
    for row in rows {
        let found = priced(spell(row.hrg.as_str(), "1", "11", 0), JUNE_2017).unwrap();
        let expected = row.ordinary_pence.or(row.combined_pence).unwrap();
        assert_eq!(found.price, Pence::from_u32(expected), "{}", row.hrg);
        assert!(!found.rules.contains(Rule::OutpatientProcedure));
    }
}

#[test]
fn separate_prices_are_never_added_together() {
    let year: FinancialYear = "2017-18".parse().unwrap();
    let split = BOOKS.admitted(year).unwrap().1.rows().iter().filter(|r| r.day_case_pence.is_some());
    for row in split {
        let day = priced(spell(row.hrg.as_str(), "2", "11", 0), JUNE_2017).unwrap();
        let ordinary = priced(spell(row.hrg.as_str(), "1", "11", 1), JUNE_2017).unwrap();
        assert_eq!(day.price, Pence::from_u32(row.day_case_pence.unwrap()));
        assert_eq!(ordinary.price, Pence::from_u32(row.ordinary_pence.unwrap()));
        assert_eq!(day.rules.base(), Some(Rule::DayCase));
        assert_eq!(ordinary.rules.base(), Some(Rule::OrdinaryElective));
    }
}

#[test]
fn short_stay_emergency_price_never_applies() {
    for method in AdmissionMethod::ALL {
        for days in [0, 1] {
            match priced(spell("AA22C", "1", method.as_str(), days), JUNE_2017) {
                Ok(found) => {
                    assert!(method.is_elective() && found.rules.contains(Rule::ElectiveAdmission));
                    assert_eq!(found.price, Pence::from_u32(8_207_00));
                }
                Err(reason) => assert_eq!(reason, NoPrice::NotElective, "{method}"),
            }
        }
    }
}

#[test]
fn trim_days_are_never_the_price_and_the_trim_is_the_elective_one() {
    // AA22C: elective trim 117, non-elective 98.
    assert_eq!((row("AA22C").elective_trim_days, row("AA22C").non_elective_trim_days), (Some(117), Some(98)));
    for days in [98, 99, 117] {
        let found = priced(spell("AA22C", "1", "11", days), JUNE_2017).unwrap();
        assert_eq!((found.price, found.long_stay_days), (Pence::from_u32(8_207_00), 0), "{days}");
        assert!(found.rules.contains(Rule::WithinTrimPoint));
    }
    // AA22E: elective 28, non-elective 41.
    let found = priced(spell("AA22E", "1", "11", 41), JUNE_2017).unwrap();
    assert_eq!(found.long_stay, Pence::from_u32(13 * 240_00));
}

#[test]
fn a_stay_below_the_trim_point_neither_adds_nor_subtracts() {
    for days in 0..=117 {
        let found = priced(spell("AA22C", "1", "11", days), JUNE_2017).unwrap();
        assert!(found.long_stay.is_zero() && found.long_stay_days == 0, "{days}");
    }
}

#[test]
fn no_price_is_not_a_price_of_nothing() {
    for hrg in ["LA97A", "PB03Z", "SB97Z", "SC97Z"] {
        assert_eq!(row(hrg).combined_pence, None);
        assert_eq!(priced(spell(hrg, "1", "11", 0), JUNE_2017), Err(NoPrice::NoNationalPrice));
    }
}
