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
}

fn journal_listing(audited: &Audited) {
    let listing = audited.json(&["audit", "journal"]);
    let entries = rows(&listing);
    assert_eq!(listing["entries_in_the_books"].as_u64().unwrap(), entries.len() as u64);
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
