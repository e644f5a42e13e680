//! hledger, which is not ours, recomputes every balance of an exported ledger.

mod common;

use audit::{ExportError, Exported, export_hledger};
use common::{system, three_months, write};
use money::Side;
use std::{path::Path, process};

fn export(folder: &Path) -> (Exported, String) {
    let mut out = Vec::new();
    let exported = export_hledger(folder, None, &mut out).unwrap();
    (exported, String::from_utf8(out).unwrap())
}

/// Runs hledger on `journal`; its output, or its complaint.
fn hledger(folder: &Path, journal: &str, arguments: &[&str]) -> Result<String, String> {
    let file = folder.join("ledger.journal");
    std::fs::write(&file, journal).unwrap();
    let output = process::Command::new("hledger")
        .arg("-f")
        .arg(&file)
        .args(arguments)
        .env("LANG", "C.UTF-8")
        .output()
        .expect("hledger cannot be run: install the package hledger (apt-get install hledger)");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

#[test]
fn hledger_agrees_with_every_balance() {
    let folder = tempfile::tempdir().unwrap();
    let book = three_months();
    write(folder.path(), &book.records, book.records.len());
    let (exported, journal) = export(folder.path());
    assert_eq!((exported.entries, exported.accounts), (1 + 300 * 3 + 3, 7));
    assert!(exported.assertions > 7 * 2, "{exported:?}");
    hledger(folder.path(), &journal, &["check", "--strict"]).unwrap();

    // What hledger sums up is what the state says.
    let balances = hledger(folder.path(), &journal, &["balance", "--flat", "-N", "-O", "csv", "-E"]).unwrap();
    for account in book.state.accounts_after(None) {
        let pounds = account.totals.balance(Side::Debit).to_pounds();
        let name = account.path.replace('/', ":");
        let spellings = [format!("\"{name}\",\"£{pounds}\""), format!("\"{name}\",\"0\"")];
        let found = balances.lines().find(|line| line.starts_with(&format!("\"{name}\""))).unwrap();
        assert!(spellings[usize::from(pounds == "0.00")] == found, "{found} is not £{pounds}");
    }
}

#[test]
fn hledger_refuses_a_balance_that_is_not_so() {
    let folder = tempfile::tempdir().unwrap();
    let records = three_months().records;
    write(folder.path(), &records, records.len());
    let (_, journal) = export(folder.path());
    let changed = journal.replacen("    £70000.00\n", "    £70000.01\n", 1);
    let changed = if changed == journal { journal.replacen("£700.00\n", "£700.01\n", 1) } else { changed };
    assert_ne!(changed, journal);
    assert!(hledger(folder.path(), &changed, &["check", "--strict"]).is_err());
    let asserted = journal.rfind(" = £").unwrap();
    let changed = format!("{} = £0.01\n", &journal[..asserted]);
    assert!(
        hledger(folder.path(), &changed, &["check", "--strict"]).is_err(),
        "the last balance is asserted"
    );
}

#[test]
fn what_cannot_be_exported_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let none = export_hledger(folder.path(), None, &mut Vec::new());
    assert!(matches!(none, Err(ExportError::NoLedger { .. })), "{none:?}");
    let records = three_months().records;
    write(folder.path(), &records, records.len());
    std::fs::create_dir_all(folder.path().join("other/ledger/journal")).unwrap();
    let several = export_hledger(folder.path(), None, &mut Vec::new()).unwrap_err();
    assert_eq!(
        several.to_string(),
        "the folder holds the ledgers of several systems: choose one of berkshire-west, other"
    );
    assert!(export_hledger(folder.path(), Some(&system()), &mut Vec::new()).is_ok());
}
