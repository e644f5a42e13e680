//! The auditor's commands, by the real binary, on the books of a small demo.

use crate::support::{Installation, Process, binary};
use serde_json::Value;
use std::{path::PathBuf, process::Command};

/// A demo that is served, and an auditor's profile of it.
struct Audited {
    installation: Installation,
    profile: PathBuf,
    /// Ends when dropped.
    _process: Process,
}

impl Audited {
    fn start() -> Self {
        let installation = Installation::played();
        let process = installation.serve(&[]);
        let uris = ["urn:almoner:person:auditor-9", "urn:almoner:role:auditor"];
        installation.issue("auditor-9", &uris);
        let mut audited = Self { installation, profile: PathBuf::new(), _process: process };
        audited.profile = audited.profile_of("auditor-9");
        audited
    }

    /// A profile for the certificate `name`.
    fn profile_of(&self, name: &str) -> PathBuf {
        let folder = self.installation.certificates();
        let path = folder.join(format!("{name}.toml"));
        let text = format!(
            "address = {:?}\nauthority = {:?}\ncertificate = {:?}\nkey = {:?}\nsystem = \"berkshire-west\"\n",
            self._process.address.replace("127.0.0.1", "localhost"),
            folder.join("authority.pem"),
            folder.join(format!("{name}.pem")),
            folder.join(format!("{name}.key")),
        );
        std::fs::write(&path, text).unwrap();
        path
    }

    fn run(&self, words: &[&str]) -> (bool, String, String) {
        let done = Command::new(binary()).arg("--profile").arg(&self.profile).args(words).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (done.status.success(), text(done.stdout), text(done.stderr))
    }

    fn json(&self, words: &[&str]) -> Value {
        let (done, out, err) = self.run(&[words, &["--json"]].concat());
        assert!(done, "{words:?} failed:\n{out}\n{err}");
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{words:?} is no JSON ({error}):\n{out}"))
    }
}

fn rows(value: &Value) -> &Vec<Value> {
    value["rows"].as_array().unwrap()
}

#[test]
fn an_auditor_asks_the_usual_questions() {
    let audited = Audited::start();
    journal_listing(&audited);
    trial_balance_and_ties(&audited);
    cut_off_and_unrecorded(&audited);
    sample_with_evidence(&audited);
    why_and_statement(&audited);
}

const SPENT: &str = "10M/elective/2017-18/fund/expenditure";

fn trial_balance_and_ties(audited: &Audited) {
    let now = audited.json(&["audit", "trial-balance"]);
    assert_eq!(now["difference_pence"], 0);
    // As known at the last record, whatever the date, it is the same.
    let last = now["as_known_at_record"].to_string();
    let then = audited.json(&["audit", "trial-balance", "--known", &last]);
    assert_eq!(then["rows"], now["rows"]);
    let june = audited.json(&["audit", "trial-balance", "--on", "2017-06-30"]);
    assert_eq!(june["difference_pence"], 0);
    assert!(june["sum_of_debits_pence"].as_i64() < now["sum_of_debits_pence"].as_i64());
    let ties = audited.json(&["audit", "trial-balance", "--ties"]);
    assert_eq!(ties["differences_in_all_pence"], 0, "{ties:#}");
    assert!(rows(&ties).iter().any(|row| row["of"] == "10M to RHW"), "{ties:#}");
    let (done, _, said) = audited.run(&["ledger", "balance", SPENT, "--on", "2999-01-01"]);
    assert!(!done && said.contains("NOT_COME_YET"), "{said}");
    let (done, _, said) = audited.run(&["ledger", "balance", SPENT, "--known", "1"]);
    assert!(!done && said.contains("NOT_KNOWN_YET"), "{said}");
}

fn cut_off_and_unrecorded(audited: &Audited) {
    let cut = audited.json(&["audit", "cutoff", "--date", "2017-06-30", "--crossing"]);
    let sides = |side: &str| rows(&cut).iter().filter(|row| row["side"] == side).count();
    assert!(sides("late") > 0, "June's activity is accounted for when it is answered");
    assert_eq!(sides("before") + sides("after"), 0, "--crossing leaves out the rest");
    let unrecorded = audited.json(&["audit", "unrecorded", "--at", "2017-06-30", "--unpaid"]);
    let sum: i64 = rows(&unrecorded).iter().map(|row| row["amount_pence"].as_i64().unwrap()).sum();
    assert_eq!(unrecorded["accounted_for_after_it_pence"], sum);
    let paid = audited.json(&["audit", "unrecorded", "--at", "2017-06-30"]);
    assert_eq!(paid["of_which_paid_after_it_pence"], unrecorded["of_which_paid_after_it_pence"]);
    assert!(rows(&paid).iter().all(|row| row["paid_by"].is_string()));
}

fn sample_with_evidence(audited: &Audited) {
    let words = ["audit", "sample", SPENT, "--tolerable", "150", "--seed", "2017-18"];
    let sample = audited.json(&words);
    assert_eq!(sample["sampling_interval_pence"], 5_000, "£150 ÷ 3.00");
    assert_eq!(audited.json(&words), sample, "the same seed, the same sample");
    let hits: i64 = rows(&sample).iter().map(|row| row["hits"].as_i64().unwrap()).sum();
    let (population, first) =
        (sample["population_amount_pence"].as_i64(), sample["first_hit_pence"].as_i64());
    assert_eq!(hits, (population.unwrap() - first.unwrap()) / 5_000 + 1);
    let evidence = |of: &str| rows(&sample).iter().any(|row| row["evidence"].to_string().contains(of));
    for of in ["activity line", "price ", "referral ", "settlement run", "bank: settled"] {
        assert!(evidence(of), "no {of} in {sample:#}");
    }
}

fn why_and_statement(audited: &Audited) {
    let payable = "10M/elective/2017-18/owed/payable/RHW";
    let balance = audited.json(&["ledger", "balance", payable]);
    let statement = audited.json(&["ledger", "statement", payable]);
    assert_eq!(statement["closing_balance_pence"], rows(&balance)[0]["balance_pence"]);
    let why = audited.json(&["ledger", "why", payable, "--top", "3"]);
    assert_eq!(why["balance_pence"], statement["closing_balance_pence"]);
    assert!(rows(&why).len() >= 3);
    let (done, out, said) = audited.run(&["ledger", "tail", "--once"]);
    assert!(done, "{said}");
    let entries = audited.json(&["audit", "journal"])["entries_looked_at"].as_u64().unwrap();
    assert_eq!(out.lines().count() as u64, entries);
}

fn journal_listing(audited: &Audited) {
    let listing = audited.json(&["audit", "journal"]);
    let entries = rows(&listing);
    assert_eq!(listing["entries_looked_at"].as_u64().unwrap(), entries.len() as u64);
    assert!(entries.iter().all(|row| !row["preparer"].as_str().unwrap().is_empty()), "somebody made each");
    let of = |kind: &str| entries.iter().filter(|row| row["kind"] == kind).collect::<Vec<_>>();
    let payments = of("payment-instructed");
    assert!(!payments.is_empty(), "the demo pays");
    for row in payments {
        assert_eq!(row["preparer"], "person:finance-1");
        assert_eq!(row["approver"], "person:finance-2", "two people agreed to a payment");
    }
    let manual: Vec<&Value> = entries.iter().filter(|row| flagged(row, "manual")).collect();
    assert!(manual.iter().any(|row| row["kind"] == "allocation"), "finance allocates by hand");
    assert!(!of("activity").iter().any(|row| flagged(row, "manual")), "activity follows from referrals");
    // A filter lists those and only those.
    let only = audited.json(&["audit", "journal", "--flag", "manual"]);
    assert_eq!(rows(&only).len(), manual.len());
    // One row a leg, and both sides come to the same.
    let legs = audited.json(&["audit", "journal", "--legs"]);
    let sum = |side: &str| rows(&legs).iter().filter_map(|row| row[side].as_i64()).sum::<i64>();
    assert!(sum("debit_pence") > 0);
    assert_eq!(sum("debit_pence"), sum("credit_pence"));
    let (done, csv, _) = audited.run(&["audit", "journal", "--csv"]);
    assert!(done && csv.starts_with("entry,kind,effective,accounting,recorded,preparer,approver,"), "{csv}");
    assert_eq!(csv.lines().count(), entries.len() + 1);
}

fn flagged(row: &Value, flag: &str) -> bool {
    row["flags"].as_array().unwrap().iter().any(|found| found == flag)
}
