//! Books checked by a program that is not ours: hledger recomputes every balance of a demo's export.

use crate::support::{Installation, binary};
use std::process::Command;

#[test]
fn hledger_agrees_with_every_balance_of_the_demo() {
    let installation = Installation::played();
    let out = installation.data().join("../ledger.journal");
    let exported = Command::new(binary())
        .args(["export", "hledger", "--from"])
        .arg(installation.data())
        .arg("--out")
        .arg(&out)
        .output()
        .unwrap();
    assert!(exported.status.success(), "{}", String::from_utf8_lossy(&exported.stderr));
    let hledger = |words: &[&str]| {
        let done = Command::new("hledger").arg("--file").arg(&out).args(words).output();
        done.unwrap_or_else(|error| panic!("hledger cannot be run ({error}): sudo apt-get install hledger"))
    };
    let checked = hledger(&["check"]);
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    // What hledger sums by itself: every account's balance, and all of them together nothing.
    let balance = hledger(&["balance", "--flat", "--layout=bare"]);
    let text = String::from_utf8(balance.stdout).unwrap();
    assert!(text.contains("owed") && text.contains("fund"), "{text}");
    let total = text.lines().last().unwrap().trim().trim_start_matches('£').trim();
    assert!(total.starts_with('0'), "the accounts do not sum to nothing: {total}");
    // A journal that was edited is found out.
    let edited = std::fs::read_to_string(&out).unwrap().replacen("£82.78", "£82.79", 1);
    std::fs::write(&out, edited).unwrap();
    assert!(!hledger(&["check"]).status.success(), "one penny more was not noticed");
}
