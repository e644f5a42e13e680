//! What contracts and lists say of prices, from the file to the books: proposed by one person, approved by another, lines priced
//! again, and all of it proved by the verifier.

use crate::{
    proofs::{profile, run, text},
    support::{Installation, Process},
    tariff::workbook,
};
use serde_json::Value;
use std::{fs, path::Path};

const SYSTEM: &str = "berkshire-west";
const PAYABLE: &str = "10N/elective/2017-18/owed/payable/NV3";

/// The demo's contract with NV3, with follow-ups in ophthalmology at £90, all in.
const CONTRACT: &str = r#"
[[contract]]
contract = "BW-NV3-1718"
payers = ["10M", "10N", "10W", "11D"]
provider = "NV3"
from = 2017-04-01
until = 2018-03-31
mechanism = "cost-per-case"
rounding = "penny"
price_tolerance_gbp = "1.00"
source = "variation 1, agreed on 30 August 2017"

[[contract.price]]
treatment_function = "502"
point_of_delivery = "OPFUPSPCL"
gbp = "90.00"
use = "variation"
includes_market_forces_factor = true
"#;

struct Office<'a> {
    installation: &'a Installation,
    process: &'a Process,
}

impl Office<'_> {
    fn call(&self, who: &str, words: &[&str]) -> Result<String, String> {
        let profile = profile(self.installation, self.process, who, SYSTEM);
        run(&[&["--profile", text(&profile)], words].concat())
    }

    fn json(&self, who: &str, words: &[&str]) -> Value {
        let said = self.call(who, words).unwrap();
        serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"))
    }

    /// Number and digest of what a command says waits for another person.
    fn waits(said: &str) -> [String; 2] {
        let line = said.lines().find(|line| line.contains(" waits for another person; digest ")).unwrap();
        let words: Vec<&str> = line.split(' ').collect();
        [words[1].to_owned(), words.last().unwrap().to_string()]
    }

    fn owed(&self) -> i64 {
        let said = self.json("auditor", &["ledger", "balance", PAYABLE, "--json"]);
        said["rows"][0]["balance_pence"].as_i64().unwrap_or_else(|| panic!("{said:#}"))
    }
}

/// Follow-ups in ophthalmology in July at NV3, claimed at the illustrative list's price.
fn file(folder: &Path, name: &str, patients: core::ops::Range<u32>) -> std::path::PathBuf {
    let rows: String = patients
        .map(|n| crate::submitting::row(n, "K81004", &format!("{:02}/07/2017", 28 - n % 28)))
        .collect();
    let path = folder.join(name);
    fs::write(&path, crate::submitting::HEADING.to_owned() + &rows).unwrap();
    path
}

#[test]
fn a_backdated_variation_is_agreed_by_two_and_posted_once() {
    let installation = Installation::played();
    let process = installation.serve(&[]);
    let office = Office { installation: &installation, process: &process };
    let folder = tempfile::tempdir().unwrap();
    let submit = |name: &str, patients| {
        let file = file(folder.path(), name, patients);
        let words =
            ["submit", "--provider", "NV3", "--kind", "slam", "--dates", "day-month-year", text(&file)];
        office.call("NV3", &words).unwrap()
    };
    submit("before.csv", 5_000..5_005);

    let contract = folder.path().join("contract.toml");
    fs::write(&contract, CONTRACT).unwrap();
    let words = ["registry", "propose-contracts", text(&contract)];
    let said = office.call("finance-preparer", &words).unwrap();
    assert!(said.contains("function 502 as OPFUPSPCL: £90.00 instead of the national price"), "{said}");
    let [proposal, digest] = Office::waits(&said);
    let shown = office.call("finance-approver", &["registry", "proposals"]).unwrap();
    assert!(shown.contains("£90.00 instead of the national price"), "whoever approves sees it: {shown}");
    office.call("finance-approver", &["registry", "approve", &proposal, "--digest", &digest]).unwrap();
    submit("after.csv", 6_000..6_002);

    let owed = office.owed();
    let scope = ["--from", "2017-07-01", "--until", "2017-07-31", "--provider", "NV3", "--payer", "10N"];
    let why = ["--reason", "variation 1, from 1 April", "--json"];
    let reprice = |more: &[&'static str]| [&["tariff", "reprice"], &scope[..], &why[..], more].concat();
    let looked = office.json("finance-preparer", &reprice(&[]));
    let pence = |of: &Value, name: &str| of[name].as_i64().unwrap();
    assert!(pence(&looked, "lines") >= 5 && pence(&looked, "same") >= 2, "{looked:#}");
    assert_eq!(pence(&looked, "after_pence"), pence(&looked, "lines") * 90_00, "{looked:#}");
    assert!(
        looked["groups"].as_array().unwrap().iter().all(|group| group["point_of_delivery"] == "OPFUPSPCL")
    );
    let change = pence(&looked, "after_pence") - pence(&looked, "before_pence");
    assert_eq!((office.owed(), looked["repricing"].is_null()), (owed, true), "nothing is proposed");

    let proposed = office.json("finance-preparer", &reprice(&["--propose"]));
    let number = proposed["repricing"].to_string();
    let digest = proposed["digest"].as_str().unwrap();
    let approve = ["tariff", "approve-repricing", &number, "--digest", digest];
    let shown = office.json("finance-approver", &["tariff", "repricings", &number, "--json"]);
    assert_eq!(shown["report"]["groups"], proposed["groups"]);
    assert_eq!(office.owed(), owed, "one person's word posts nothing");
    let refused = office.call("finance-preparer", &approve).unwrap_err();
    assert!(refused.contains("PERMISSION_DENIED") || refused.contains("not"), "{refused}");
    let said = office.call("finance-approver", &approve).unwrap();
    assert!(!said.contains("left alone"), "{said}");
    assert_eq!(office.owed(), owed + change);
    assert!(office.call("finance-approver", &approve).unwrap_err().contains("approved already"));
    let again = office.json("finance-preparer", &reprice(&["--propose"]));
    assert_eq!(
        (pence(&again, "lines"), office.owed()),
        (0, owed + change),
        "nothing is left, nothing paid twice"
    );

    let line = office
        .call("finance-approver", &["activity", "line", "BNV300AT005000", "--provider", "NV3"])
        .unwrap();
    for words in ["version 2", "accepted £90.00", "agreed variation, £90.00", "REPRICED"] {
        assert!(line.contains(words), "{words} is not in:\n{line}");
    }
    process.stop();
    let data = installation.data();
    run(&["audit", "verify", "--from", text(&data)]).unwrap();
}

#[test]
fn a_published_workbook_is_proposed_and_approved_by_another() {
    let installation = Installation::played();
    let process = installation.serve(&[]);
    let office = Office { installation: &installation, process: &process };
    let folder = tempfile::tempdir().unwrap();
    let book = folder.path().join("annex-a.xlsx");
    workbook(&book, &["BZ34C", "combined_daycase_ordinary_elective_gbp", "668"]);
    let list = [
        "--financial-year",
        "2017-18",
        "--name",
        "annex-a-2017-18-corrected",
        "--source",
        "Annex A, corrected",
    ];
    let load = [&["tariff", "load", text(&book)], &list[..], &["--propose", "--national"]].concat();
    let said = office.call("finance-preparer", &load).unwrap();
    for words in ["2303 rows for 2017-18", "BZ34C combined_daycase_ordinary_elective_gbp: £667.00 → £668.00"]
    {
        assert!(said.contains(words), "{words} is not in:\n{said}");
    }
    let [proposal, digest] = Office::waits(&said);
    let shown = office.call("finance-approver", &["registry", "proposals", "--national"]).unwrap();
    assert!(shown.contains("£667.00 → £668.00"), "{shown}");
    let approve = ["registry", "approve", &proposal, "--digest", &digest, "--national"];
    assert!(office.call("finance-preparer", &approve).is_err());
    let said = office.call("finance-approver", &approve).unwrap();
    assert!(said.contains("in force; 1 rows changed"), "{said}");
    // What was priced keeps its price until two people say otherwise.
    let scope = ["--from", "2017-06-01", "--until", "2017-07-31", "--reason", "Annex A, corrected", "--json"];
    let looked = office.json("finance-preparer", &[&["tariff", "reprice"], &scope[..]].concat());
    let groups = looked["groups"].as_array().unwrap();
    let more = |group: &Value| group["after_pence"].as_i64() > group["before_pence"].as_i64();
    assert!(looked["same"].as_i64() > Some(0) && groups.iter().all(more), "{looked:#}");
}
