//! Lists as people send them.

use crate::{BookError, Content, Difference, MffTable, PriceBook, column_totals, load};
use expect_test::{Expect, expect};

const HEADING: &str = "hrg,name,outpatient_procedure_gbp,combined_daycase_ordinary_elective_gbp,day_case_gbp,\
ordinary_elective_gbp,elective_trim_days,non_elective_gbp,non_elective_trim_days,per_day_long_stay_gbp";

fn title() -> load::Title<'static> {
    load::Title {
        id: "test".parse().unwrap(),
        financial_year: "2017-18".parse().unwrap(),
        illustrative: false,
        source: "a test",
    }
}

fn admitted(text: &str) -> Result<PriceBook, load::LoadError> {
    load::admitted(&title(), text.as_bytes())
}

fn faults(found: Result<PriceBook, load::LoadError>) -> String {
    found.unwrap_err().faults.iter().map(|fault| format!("{fault}\n")).collect()
}

fn check(text: &str, expected: &Expect) {
    expected.assert_eq(&faults(admitted(text)));
}

#[test]
fn the_published_headings_and_spellings_are_read() {
    let text = "\u{feff}Annex A,,,,,,,,,\n,,,,,,,,,\n\
HRG code,HRG name,Outpatient procedure tariff (£),Combined day case / ordinary elective spell tariff (£),\
Day case spell tariff (£),Ordinary elective spell tariff (£),Ordinary elective long stay trim point (days),\
Non-elective spell tariff (£),Non-elective long stay trim point (days),\
Per day long stay payment (for days exceeding trim point) (£),Reduced short stay emergency tariff applicable?\n\
HN22E,\"Knee, very major\",-,\"5,528\",-,-,7,\"£6,001.50\",12,257,No\n\
CA11A,Ear, 140 ,-,\"1,237\",\"1,119\",5,-,-,0,No\n\
,,,,,,,,,,\n";
    let book = admitted(text).unwrap();
    let Content::Admitted(prices) = book.content() else { panic!("another kind of book") };
    let rows: Vec<_> = prices
        .rows()
        .iter()
        .map(|r| (r.hrg.to_string(), r.procedure_pence, r.combined_pence, r.day_case_pence, r.ordinary_pence))
        .collect();
    assert_eq!(
        rows,
        [
            ("CA11A".to_owned(), Some(140_00), None, Some(1_237_00), Some(1_119_00)),
            ("HN22E".to_owned(), None, Some(5_528_00), None, None),
        ]
    );
    let knee = prices.get("HN22E".parse().unwrap()).unwrap();
    assert_eq!((knee.non_elective_pence, knee.elective_trim_days), (Some(6_001_50), Some(7)));
    assert_eq!((knee.name.as_str(), knee.per_day_pence), ("Knee, very major", Some(257_00)));
    // Nothing and zero are kept apart.
    let ear = prices.get("CA11A".parse().unwrap()).unwrap();
    assert_eq!((ear.non_elective_pence, ear.per_day_pence), (None, Some(0)));
}

#[test]
fn every_bad_row_is_reported_at_once() {
    let text = format!(
        "{HEADING}\nBZ34C,Eyes,,667,,,5,,,257\nBZ34C,Again,,1,,,5,,,1\nbz34c,Small,,1,,,5,,,1\n\
AA22C,Money,,8.207.00,,,x,-5,1e3,£\nAA22D,Both,,1,2,3,5,,,1\nAA22E,Huge,,99999999,,,70000,,,1\n"
    );
    check(
        &text,
        &expect![[r#"
        line 3, hrg: the code has a row already
        line 4, hrg: HRG has a character that cannot stand at position 1: it must be two capital letters, two digits and a capital letter, for example BZ34C
        line 5, combined_daycase_ordinary_elective_gbp: `8.207.00` is not an amount in pounds such as 1,237 or 1237.50, nor `-` for no price
        line 5, elective_trim_days: `x` is not a whole number of days, nor `-` for none
        line 5, non_elective_gbp: `-5` is not an amount in pounds such as 1,237 or 1237.50, nor `-` for no price
        line 5, non_elective_trim_days: `1e3` is not a whole number of days, nor `-` for none
        line 5, per_day_long_stay_gbp: `£` is not an amount in pounds such as 1,237 or 1237.50, nor `-` for no price
        line 6, combined_daycase_ordinary_elective_gbp: a combined price and a separate day case or ordinary price exclude each other
        line 7, combined_daycase_ordinary_elective_gbp: `99999999` is not an amount in pounds such as 1,237 or 1237.50, nor `-` for no price
        line 7, elective_trim_days: `70000` is not a whole number of days, nor `-` for none
    "#]],
    );
}

#[test]
fn a_list_without_its_columns_is_refused() {
    check(
        "",
        &expect![[r#"
        line 0, hrg: no heading names this column in the first 12 rows
    "#]],
    );
    check(
        "code,price\nBZ34C,667\n",
        &expect![[r#"
        line 0, hrg: no heading names this column in the first 12 rows
    "#]],
    );
    check(
        "hrg,name,hrg\nBZ34C,Eyes,BZ34C\n",
        &expect![[r#"
        line 1, hrg: the heading names this column twice
        line 1, outpatient_procedure_gbp: no heading names this column in the first 12 rows
        line 1, combined_daycase_ordinary_elective_gbp: no heading names this column in the first 12 rows
        line 1, day_case_gbp: no heading names this column in the first 12 rows
        line 1, ordinary_elective_gbp: no heading names this column in the first 12 rows
        line 1, elective_trim_days: no heading names this column in the first 12 rows
        line 1, non_elective_gbp: no heading names this column in the first 12 rows
        line 1, non_elective_trim_days: no heading names this column in the first 12 rows
        line 1, per_day_long_stay_gbp: no heading names this column in the first 12 rows
    "#]],
    );
    check(
        HEADING,
        &expect![[r#"
        line 0, list: price book `test` has no rows
    "#]],
    );
    let not_text = load::admitted(&title(), &[0x68, 0x72, 0x67, 0xff]);
    expect![[r#"
        line 0, list: not readable as CSV in UTF-8
    "#]]
    .assert_eq(&faults(not_text));
    let too_large = load::admitted(&title(), &vec![b'\n'; load::LIST_BYTES_MAX + 1]);
    expect![[r#"
        line 0, list: the list is larger than 4194304 bytes
    "#]]
    .assert_eq(&faults(too_large));
}

#[test]
fn attendance_lists_are_held_to_the_same() {
    let text = "treatment_function,first_single_gbp,first_multi_gbp,follow_up_single_gbp,follow_up_multi_gbp,\
remote_first_gbp,remote_follow_up_gbp\ndefault,145,167,72,86,30,24\n110,138,159,68,82,28,\n812,-,-,-,-,-,-\n";
    let book = load::attendance(&title(), text.as_bytes()).unwrap();
    let Content::Attendance(prices) = book.content() else { panic!("another kind of book") };
    let get = |function: &str| prices.get(function.parse().unwrap()).unwrap();
    assert_eq!((get("110").0.remote_first_pence, get("110").0.remote_follow_up_pence), (Some(28_00), None));
    assert_eq!((get("812").0.first_single_pence, get("812").1), (None, false));
    assert_eq!((get("100").0.first_single_pence, get("100").1), (Some(145_00), true));
    let bad = format!("{text}110,1,1,1,1,1,1\n312,1,1,1,1,1,1\n999,1,1,1,1,1,1\ndefault,1,1,1,1,1,one\n");
    expect![[r#"
        line 5, treatment_function: the code has a row already
        line 6, treatment_function: treatment function code is a main specialty, not a treatment function: send the function treated under
        line 7, treatment_function: treatment function code is not in the code list: it must be three digits of the treatment function list, for example 110
        line 8, remote_follow_up_gbp: `one` is not an amount in pounds such as 1,237 or 1237.50, nor `-` for no price
        line 8, treatment_function: the code has a row already
    "#]].assert_eq(&faults(load::attendance(&title(), bad.as_bytes())));
}

#[test]
fn factor_tables_name_their_faults() {
    let trusts = "provider,payment_index,basis\nRHW,1.149759,published\nRHW,1.1,published\nRDU,1.10,published\n\
RTH,1.1,guessed\nrth,1.1,published\n";
    let error = MffTable::load(trusts.as_bytes(), b"site,trust,basis\n").unwrap_err();
    let text: String = error.faults.iter().map(|fault| format!("{fault}\n")).collect();
    expect![[r#"
        line 3, provider: the code has a row already
        line 4, payment_index: `1.10` is not a factor: digits with an optional decimal point, no sign, no trailing zero, at most 12 decimals
        line 5, basis: `guessed` is not a word that may stand here
        line 6, provider: ODS code has a character that cannot stand at position 1: it must be 3, 5 or 6 capital letters and digits
    "#]].assert_eq(&text);
    let good = "provider,payment_index,basis\nRHW,1.149759,published\n";
    let sites =
        "site,trust,basis\nNT344,RHW,nearest trust\nNT344,RHW,nearest trust\nNT343,RDU,nearest trust\n";
    let error = MffTable::load(good.as_bytes(), sites.as_bytes()).unwrap_err();
    let text: String = error.faults.iter().map(|fault| format!("{fault}\n")).collect();
    expect![[r#"
        line 3, site: the code has a row already
        line 4, trust: `RDU` is not a word that may stand here
    "#]]
    .assert_eq(&text);
}

#[test]
fn only_the_canonical_bytes_are_a_book() {
    let book = admitted(&format!("{HEADING}\nBZ34C,Eyes,,667,,,5,,,257\nCA11A,Ear,,,1,2,5,,,3\n")).unwrap();
    let bytes = book.to_cbor();
    assert_eq!(PriceBook::from_cbor(&bytes).as_ref(), Ok(&book));
    let mut longer = bytes.clone();
    longer.push(0);
    assert_eq!(PriceBook::from_cbor(&longer), Err(BookError::NotCanonical(book.id())));
    // An indefinite-length array of the same fields: any reader accepts it, a digest does not.
    assert_eq!(bytes[0], 0x85);
    let mut loose = bytes.clone();
    loose[0] = 0x9f;
    loose.push(0xff);
    assert_eq!(PriceBook::from_cbor(&loose), Err(BookError::NotCanonical(book.id())));
    for cut in 0..bytes.len() {
        assert!(PriceBook::from_cbor(&bytes[..cut]).is_err(), "{cut}");
    }
    let rows = |order: [usize; 2]| {
        let Content::Admitted(prices) = book.content() else { panic!("another kind of book") };
        let rows = order.map(|at| prices.rows()[at].clone()).to_vec();
        let content = Content::Admitted(crate::AdmittedPrices::new(rows));
        PriceBook::new(book.id(), book.financial_year(), false, "a test".to_owned(), content)
    };
    assert_eq!(rows([0, 1]).as_ref(), Ok(&book));
    assert_eq!(rows([1, 0]), Err(BookError::Order(book.id())));
    assert_eq!(rows([0, 0]), Err(BookError::Order(book.id())));
}

#[test]
fn a_book_replaces_the_one_of_its_year_and_kind_only() {
    let books = super::BOOKS.clone();
    let mut changed = books.clone();
    let newer = std::sync::Arc::new(admitted(&format!("{HEADING}\nBZ34C,Eyes,,668,,,5,,,257\n")).unwrap());
    let replaced = changed.put(newer.clone()).unwrap();
    assert_eq!(replaced.id().as_str(), "ntps-2017-19-apc-2017-18");
    assert_eq!((changed.all().len(), books.all().len()), (4, 4));
    assert!(changed.get(newer.id()).is_some() && changed.get(replaced.id()).is_none());
}

#[test]
fn a_published_attendance_list_is_read_by_its_groups() {
    let text = "Table 2: outpatient attendances,,,,,,\n\
        Treatment function code,Treatment function name,WF01B First Attendance - Single Professional,\
        WF01A Follow Up Attendance - Single Professional,WF02B First Attendance - Multi Professional,\
        WF02A Follow Up Attendance - Multi Professional\n\
        130,Ophthalmology,106,60,108,87\n\
        812,Diagnostic imaging,-,-,-,-\n";
    let understood = load::understand(text.as_bytes()).unwrap();
    assert_eq!((understood.layout, understood.line), (load::Layout::Attendance, 2));
    assert_eq!(understood.passed_over, ["Treatment function name"]);
    let book = load::attendance(&title(), text.as_bytes()).unwrap();
    let crate::Content::Attendance(prices) = book.content() else { panic!("not attendances") };
    let (row, default) = prices.get("130".parse().unwrap()).unwrap();
    // A is follow-up, B is first, whatever their order in the list.
    let pounds: Vec<_> = crate::AttendanceColumn::ALL.iter().map(|column| row.get(*column)).collect();
    assert_eq!(pounds, [Some(106_00), Some(108_00), Some(60_00), Some(87_00), None, None]);
    assert!(!default && prices.get("812".parse().unwrap()).unwrap().0.first_single_pence.is_none());
}

#[test]
fn what_is_no_list_is_not_understood() {
    for text in ["", "HRG code,HRG name\nAA22C,Stroke\n", "\u{0}\u{1}", "a,b\n1,2\n"] {
        assert_eq!(load::understand(text.as_bytes()), None, "{text}");
    }
    let shipped = include_bytes!("../../data/apc_2017-18.csv");
    let understood = load::understand(shipped).unwrap();
    assert_eq!((understood.layout, understood.columns.len()), (load::Layout::Admitted, 10));
}

#[test]
fn a_difference_names_every_row_and_figure() {
    let lists = crate::builtin::lists().unwrap();
    let old = lists[0].read().unwrap();
    assert!(Difference::between(&old, &old).is_none());
    let text = String::from_utf8(lists[0].csv.to_vec()).unwrap();
    let cataract = text.lines().find(|line| line.starts_with("BZ34C")).unwrap();
    let hip = text.lines().find(|line| line.starts_with("HN12F")).unwrap();
    let edited = text
        .replace(cataract, &cataract.replace(",667,", ",,").replace(",5,257", ",5,258"))
        .replace(hip, &hip.replace("HN12F", "HN99Z"));
    let new = load::admitted(&title(), edited.as_bytes()).unwrap();
    let found = Difference::between(&old, &new);
    assert_eq!(
        (found.added, found.removed, found.same),
        (vec!["HN99Z".to_owned()], vec!["HN12F".to_owned()], 2301)
    );
    let changes: Vec<_> =
        found.changed.iter().map(|c| (c.row.as_str(), c.column, c.before, c.after)).collect();
    assert_eq!(
        changes,
        [
            ("BZ34C", "combined_daycase_ordinary_elective_gbp", Some(667_00), None),
            ("BZ34C", "per_day_long_stay_gbp", Some(257_00), Some(258_00)),
        ]
    );
    let other_kind = lists[2].read().unwrap();
    let found = Difference::between(&old, &other_kind);
    assert_eq!((found.added.len(), found.removed.len(), found.same), (55, 2303, 0));
    let totals = column_totals(&old);
    let combined = totals.iter().find(|total| total.column.starts_with("combined")).unwrap();
    assert_eq!((combined.values, combined.none, combined.sum), (2277, 26, 7_301_326_00));
}
