//! The totals of the shipped lists, and prices that are known by heart.

use super::{BOOKS, FACTORS, JUNE_2017, JUNE_2018, has, mff, priced, spell};
use crate::{AdmittedRow, AttendanceColumn, MffSource, NoPrice, Rule, builtin};
use money::Pence;
use nhs::{FinancialYear, TreatmentFunction};

fn rows(year: &str) -> &'static [AdmittedRow] {
    let year: FinancialYear = year.parse().unwrap();
    BOOKS.admitted(year).unwrap().1.rows()
}

/// How many values a column has, and their sum in pounds.
fn total(year: &str, column: fn(&AdmittedRow) -> Option<u32>) -> (usize, u32) {
    let values: Vec<u32> = rows(year).iter().filter_map(column).collect();
    assert!(values.iter().all(|pence| pence % 100 == 0));
    (values.len(), values.iter().map(|pence| pence / 100).sum())
}

#[test]
fn the_published_totals_hold() {
    type Column = fn(&AdmittedRow) -> Option<u32>;
    type Total = (usize, u32);
    let table: [(&str, Column, Total, Total); 6] = [
        ("combined", |r| r.combined_pence, (2277, 7_301_326), (2277, 7_358_836)),
        ("day case", |r| r.day_case_pence, (21, 33_335), (21, 33_513)),
        ("ordinary", |r| r.ordinary_pence, (21, 30_144), (21, 30_303)),
        ("procedure", |r| r.procedure_pence, (235, 60_843), (235, 61_244)),
        ("non-elective", |r| r.non_elective_pence, (2298, 9_039_628), (2298, 9_108_306)),
        ("per day", |r| r.per_day_pence, (2298, 603_610), (2298, 603_610)),
    ];
    for (name, column, first, second) in table {
        assert_eq!(total("2017-18", column), first, "{name} 2017/18");
        assert_eq!(total("2018-19", column), second, "{name} 2018/19");
    }
    for year in ["2017-18", "2018-19"] {
        assert_eq!(rows(year).len(), 2303);
        let trims = rows(year).iter().filter_map(|r| r.elective_trim_days).map(u32::from);
        assert_eq!(trims.sum::<u32>(), 42_172, "{year}");
    }
}

#[test]
fn a_group_is_priced_together_or_apart_and_twenty_one_are_apart() {
    for year in ["2017-18", "2018-19"] {
        let apart = |r: &&AdmittedRow| r.day_case_pence.is_some();
        assert_eq!(rows(year).iter().filter(apart).count(), 21);
        for row in rows(year) {
            let (together, day, ordinary) =
                (row.combined_pence.is_some(), row.day_case_pence.is_some(), row.ordinary_pence.is_some());
            assert_eq!(day, ordinary, "{}", row.hrg);
            assert!(!(together && day), "{}", row.hrg);
        }
    }
}

#[test]
fn known_answers() {
    let table = [
        ("BZ34C", "2", 0, JUNE_2017, 667),
        ("BZ34C", "1", 0, JUNE_2017, 667),
        ("BZ34C", "1", 5, JUNE_2017, 667),
        ("BZ34C", "1", 6, JUNE_2017, 667 + 257),
        ("HN12F", "1", 3, JUNE_2017, 5_431),
        ("HN22E", "1", 7, JUNE_2017, 5_528),
        ("FZ51Z", "2", 0, JUNE_2017, 403),
        ("CA11A", "2", 0, JUNE_2017, 1_237),
        ("CA11A", "1", 1, JUNE_2017, 1_119),
        ("CA11A", "1", 0, JUNE_2017, 1_119),
        ("CA11A", "2", 0, JUNE_2018, 1_243),
        ("CA11A", "1", 0, JUNE_2018, 1_125),
        ("AA22C", "1", 117, JUNE_2017, 8_207),
        ("AA22C", "1", 118, JUNE_2017, 8_447),
        ("AA22C", "1", 168, JUNE_2017, 20_447),
        ("AA22C", "1", 168, JUNE_2018, 8_285 + 51 * 240),
    ];
    for (hrg, classification, days, date, pounds) in table {
        let found = priced(spell(hrg, classification, "11", days), date).unwrap();
        assert_eq!(found.price, Pence::from_u32(pounds * 100), "{hrg} {classification} {days} {date}");
        assert!(has(found.rules, &[Rule::ElectiveAdmission, Rule::BeforeFactor, Rule::RoundedToPenny]));
    }
    let row = |hrg: &str| rows("2017-18").iter().find(|r| r.hrg.as_str() == hrg).unwrap();
    assert_eq!((row("BZ34C").elective_trim_days, row("HN22E").elective_trim_days), (Some(5), Some(7)));
    assert_eq!(row("BZ34C").per_day_pence, Some(257_00));
}

#[test]
fn five_groups_have_no_price_at_all() {
    for date in [JUNE_2017, JUNE_2018] {
        for hrg in ["LA97A", "PB03Z", "SB97Z", "SC97Z"] {
            for classification in ["1", "2"] {
                assert_eq!(priced(spell(hrg, classification, "11", 0), date), Err(NoPrice::NoNationalPrice));
            }
        }
        assert_eq!(priced(spell("UZ01Z", "1", "11", 0), date), Err(NoPrice::InvalidForGrouping));
    }
}

#[test]
fn the_price_year_is_that_of_the_discharge() {
    let on = |text: &str| priced(spell("CA11A", "2", "12", 0), text.parse().unwrap());
    assert_eq!(on("2018-03-31").unwrap().price, Pence::from_u32(1_237_00));
    assert_eq!(on("2018-04-01").unwrap().price, Pence::from_u32(1_243_00));
    for out_of_every_book in ["2017-03-31", "2019-04-01", "1066-10-14", "9999-12-31"] {
        assert_eq!(on(out_of_every_book), Err(NoPrice::NoPriceBook), "{out_of_every_book}");
    }
}

#[test]
fn factors_belong_to_trusts_and_independents_take_the_nearest() {
    assert_eq!(FACTORS.trusts().len(), 208);
    let table = [
        ("RHW", "1.149759", "Own(OdsCode(RHW))"),
        ("RHW00", "1.149759", "Own(OdsCode(RHW))"),
        ("RHW01", "1.149759", "Own(OdsCode(RHW))"),
        ("RDU", "1.165153", "Own(OdsCode(RDU))"),
        ("R0A", "1.159203", "Average(OdsCode(R0A))"),
        ("NV323", "1.149759", "NearestTrust(OdsCode(RHW))"),
        ("NVC02", "1.149759", "NearestTrust(OdsCode(RHW))"),
        ("NT344", "1.149759", "NearestTrust(OdsCode(RHW))"),
        ("NT343", "1.165153", "NearestTrust(OdsCode(RDU))"),
        ("NT428", "1.165153", "NearestTrust(OdsCode(RDU))"),
    ];
    for (site, factor, source) in table {
        let found = mff(site);
        assert_eq!(
            (found.factor.to_string().as_str(), format!("{:?}", found.source).as_str()),
            (factor, source)
        );
    }
    for unknown in ["NT3", "NT999", "10M", "K81017"] {
        assert_eq!(FACTORS.resolve(unknown.parse().unwrap()), None, "{unknown}");
    }
    // The cheapest provider is the base of the payment index, so none is below 1.
    for (provider, mff) in FACTORS.trusts() {
        assert!(mff.factor >= money::Factor::ONE, "{provider}");
        assert_eq!(matches!(mff.source, MffSource::Average(_)), provider.as_str() == "R0A");
    }
}

#[test]
fn attendance_prices_are_illustrative_and_average_what_they_say() {
    let year: FinancialYear = "2017-18".parse().unwrap();
    let (book, prices) = BOOKS.attendance(year).unwrap();
    assert!(book.is_illustrative() && book.source().contains("Illustrative"));
    assert_eq!(book.len(), 54);
    let mean = |column| {
        let values: Vec<u32> = prices.rows().iter().filter_map(|(_, row)| row.get(column)).collect();
        values.iter().sum::<u32>() / u32::try_from(values.len()).unwrap()
    };
    assert!((14_000..17_000).contains(&mean(AttendanceColumn::FirstSingle)));
    assert!((7_000..8_200).contains(&mean(AttendanceColumn::FollowUpSingle)));
    assert!((2_200..2_800).contains(&mean(AttendanceColumn::RemoteFollowUp)));
    // The independents' mix: orthopaedics 45, surgery and endoscopy 22, eyes 13, gynaecology, ENT and urology 20 %.
    let mix = [("110", 450), ("100", 110), ("301", 110), ("130", 130), ("502", 67), ("120", 67), ("101", 66)];
    let weighted = |column| {
        let part = |(function, weight): &(&str, u32)| {
            let function: TreatmentFunction = function.parse().unwrap();
            prices.get(function).unwrap().0.get(column).unwrap() * weight
        };
        mix.iter().map(part).sum::<u32>() / 1_000
    };
    assert!((13_500..14_500).contains(&weighted(AttendanceColumn::FirstSingle)));
    assert!((6_700..7_300).contains(&weighted(AttendanceColumn::FollowUpSingle)));
}

#[test]
fn every_shipped_book_has_one_byte_form() {
    for book in builtin::price_books().unwrap() {
        let bytes = book.to_cbor();
        assert!(bytes.len() < 350_000, "{} takes {} bytes", book.id(), bytes.len());
        let read = crate::PriceBook::from_cbor(&bytes).unwrap();
        assert_eq!(read, book);
        assert_eq!(read.to_cbor(), bytes);
    }
}
