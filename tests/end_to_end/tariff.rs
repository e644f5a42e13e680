//! `almoner tariff` as a person or a script calls it, and every price computed again by a program that is not ours.

use crate::support::{binary, project};
use serde_json::{Value, json};
use std::{
    path::Path,
    process::{Command, Stdio},
};

/// Status and standard output of `almoner tariff price` with these words.
fn price(words: &str) -> (Option<i32>, Value) {
    let done = Command::new(binary()).args(["tariff", "price"]).args(words.split(' ')).output().unwrap();
    let out = String::from_utf8(done.stdout).unwrap();
    let value = if out.is_empty() { Value::Null } else { serde_json::from_str(&out).unwrap() };
    (done.status.code(), value)
}

#[test]
fn the_fixed_command_says_what_it_always_says() {
    let cataract =
        "--hrg BZ34C --discharge-date 2017-06-12 --classification day-case --length-of-stay 0 --json";
    let (status, before) = price(cataract);
    assert_eq!(status, Some(0));
    assert_eq!((&before["base_pence"], &before["price_pence"]), (&json!(66_700), &json!(66_700)));
    assert_eq!((&before["mff"], &before["rule"]), (&Value::Null, &json!("DAY_CASE_COMBINED")));
    assert_eq!(before["book"], json!("ntps-2017-19-apc-2017-18"));
    let (status, with) = price(&format!("{cataract} --provider RHW"));
    assert_eq!(status, Some(0));
    assert_eq!((&with["base_pence"], &with["price_pence"]), (&json!(66_700), &json!(76_689)));
    assert_eq!(with["mff"].to_string(), "1.149759");
    // The base holds the days beyond the trim point; the next year has its own list.
    let stroke = "--hrg AA22C --classification ordinary-elective --length-of-stay 168 --json";
    let (_, long) = price(&format!("{stroke} --discharge-date 2018-03-31 --provider NT343"));
    assert_eq!((&long["base_pence"], &long["mff_source"]), (&json!(20_447_00), &json!("nearest trust, RDU")));
    let (_, next) = price(&format!("{stroke} --discharge-date 2018-04-01"));
    assert_eq!((&next["base_pence"], &next["book"]), (&json!(20_525_00), &json!("ntps-2017-19-apc-2018-19")));
    // A procedure has no stay.
    let (_, procedure) = price(
        "--hrg AB15Z --discharge-date 2017-06-12 --classification outpatient-procedure --length-of-stay 9 --json",
    );
    assert_eq!(procedure["price_pence"], json!(206_00));
}

#[test]
fn an_explanation_names_the_place_of_every_figure() {
    let words =
        "--hrg AA22C --discharge-date 2017-06-12 --classification ordinary-elective --length-of-stay 168";
    let explain = |more: &[&str]| {
        let asked = words.split(' ').chain(more.iter().copied());
        let done = Command::new(binary()).args(["tariff", "explain"]).args(asked).output().unwrap();
        assert!(done.status.success());
        String::from_utf8(done.stdout).unwrap()
    };
    let table = explain(&["--provider", "NT343"]);
    for words in ["elective_trim_days", "117", "ntps-2017-19-apc-2017-18", "1.165153", "RDU", "£23,823.88"] {
        assert!(table.contains(words), "{words} is not in:\n{table}");
    }
    let said: Value = serde_json::from_str(&explain(&["--json"])).unwrap();
    let per_day = &said["steps"][2]["figures"][2];
    assert_eq!((&per_day["value"], &per_day["column"]), (&json!("240.00"), &json!("per_day_long_stay_gbp")));
    assert_eq!((&per_day["row"], &per_day["financial_year"]), (&json!("AA22C"), &json!("2017-18")));
}

#[test]
fn what_has_no_price_says_why_and_ends_apart_from_what_cannot_be_understood() {
    let no_price = [
        ("BZ34C 2017-06-12 day-case 1", "DAY_CASE_WITH_STAY"),
        ("LA97A 2017-06-12 ordinary-elective 1", "NO_NATIONAL_PRICE"),
        ("BZ34C 2017-06-12 outpatient-procedure 0", "NO_NATIONAL_PRICE"),
        ("UZ01Z 2017-06-12 ordinary-elective 1", "INVALID_FOR_GROUPING"),
        ("AA99Z 2017-06-12 day-case 0", "UNKNOWN_HRG"),
        ("BZ34C 2017-03-31 day-case 0", "NO_PRICE_BOOK"),
        ("BZ34C 2019-04-01 day-case 0", "NO_PRICE_BOOK"),
        ("BZ34C 2017-06-12 day-case 0 --provider NT999", "NO_MARKET_FORCES_FACTOR"),
    ];
    let words = |case: &str| {
        let names = ["--hrg", "--discharge-date", "--classification", "--length-of-stay"];
        let given: Vec<&str> = case.split(' ').collect();
        let named: Vec<String> =
            names.iter().zip(&given).map(|(name, word)| format!("{name} {word}")).collect();
        [named.join(" ").as_str(), "--json"]
            .into_iter()
            .chain(given[4..].iter().copied())
            .collect::<Vec<_>>()
            .join(" ")
    };
    for (case, reason) in no_price {
        let (status, said) = price(&words(case));
        assert_eq!((status, &said["reason"]), (Some(2), &json!(reason)), "{case}");
        assert!(said["message"].as_str().is_some_and(|message| !message.is_empty()), "{case}");
    }
    let not_understood = [
        "BZ34 2017-06-12 day-case 0",
        "BZ34C 2017-06-31 day-case 0",
        "BZ34C 12/06/2017 day-case 0",
        "BZ34C 2017-06-12 inpatient 0",
        "BZ34C 2017-06-12 day-case -1",
        "BZ34C 2017-06-12 day-case 0.5",
        "BZ34C 2017-06-12 day-case 0 --provider R",
        "BZ34C 2017-06-12 day-case 0 --colour blue",
    ];
    for case in not_understood {
        assert_eq!(price(&words(case)), (Some(64), Value::Null), "{case}");
    }
    let without_stay = "--hrg BZ34C --discharge-date 2017-06-12 --classification ordinary-elective --json";
    assert_eq!(price(without_stay), (Some(64), Value::Null));
    let help = Command::new(binary()).args(["tariff", "price", "--help"]).output().unwrap();
    assert_eq!(help.status.code(), Some(0));
}

#[test]
fn every_price_is_computed_again_by_a_program_that_is_not_ours() {
    for provider in [None, Some("RHW")] {
        let mut table = Command::new(binary());
        table.args(["tariff", "table"]).stdout(Stdio::piped());
        table.args(provider.iter().flat_map(|provider| ["--provider", provider]));
        let mut table = table.spawn().unwrap();
        let script = project().join("tests/tariff/reprice.py");
        let checked = Command::new("python3")
            .arg(script)
            .arg(project().join("crates/tariff/data"))
            .args(provider)
            .stdin(table.stdout.take().unwrap())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&checked.stdout).into_owned();
        assert!(checked.status.success(), "{said}{}", String::from_utf8_lossy(&checked.stderr));
        assert!(table.wait().unwrap().success());
        assert!(said.starts_with("4606 groups, 2777418 cases, "), "{said}");
    }
}

/// Writes the published workbook of 2017/18 with one figure of it changed.
pub(crate) fn workbook(path: &Path, change: &[&str]) {
    let made = Command::new("python3")
        .arg(project().join("tests/tariff/workbook.py"))
        .arg(project().join("crates/tariff/data/apc_2017-18.csv"))
        .arg(path)
        .args(change)
        .status()
        .unwrap();
    assert!(made.success());
}

/// What `almoner tariff load` of a workbook says, with one figure of it changed.
fn load(change: &[&str]) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("annex-a.xlsx");
    workbook(&file, change);
    let words = "--financial-year 2017-18 --name annex-a-2017-18 --source Annex-A";
    let loaded =
        Command::new(binary()).args(["tariff", "load"]).arg(&file).args(words.split(' ')).output().unwrap();
    (loaded.status.success(), String::from_utf8(loaded.stdout).unwrap())
}

#[test]
fn a_published_workbook_is_read_with_its_traps_and_shows_what_it_changes() {
    let (read, said) = load(&[]);
    assert!(read, "{said}");
    for words in [
        "sheet `1. APC & OPROC`: admitted care and outpatient procedures, heading in row 3",
        "sheets passed over: Contents; No national price; Maternity",
        "2303 rows for 2017-18",
        "£7301326",
        "difference from ntps-2017-19-apc-2017-18: 0 figures, 0 rows more, 0 rows fewer; 2303 rows the same",
        "nothing is proposed",
    ] {
        assert!(said.contains(words), "{words} is not in:\n{said}");
    }
    let (read, said) = load(&["BZ34C", "combined_daycase_ordinary_elective_gbp", "668"]);
    assert!(
        read && said.contains("BZ34C combined_daycase_ordinary_elective_gbp: £667.00 → £668.00"),
        "{said}"
    );
    let (read, said) = load(&["BZ34C", "day_case_gbp", "668"]);
    assert!(!read && said.contains("exclude each other"), "{said}");
}
