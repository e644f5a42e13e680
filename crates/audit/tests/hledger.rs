//! hledger, which is not ours, recomputes every balance of an exported ledger.

mod common;

use audit::{ExportError, Exported, export_csv, export_hledger, export_parquet};
use common::{Book, checkpoint, day, signer, system, three_months, write};
use journal::{Domain as _, Moment, NoBlobs, Outcome, RecordView};
use ledger::{Command, EntryKind, Ledger, State};
use money::Side;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::RowAccessor as _;
use std::{collections::BTreeMap, path::Path, process};

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
    let asserted = journal.rfind(" == £").unwrap();
    let changed = format!("{} == £0.01\n", &journal[..asserted]);
    assert!(
        hledger(folder.path(), &changed, &["check", "--strict"]).is_err(),
        "the last balance is asserted"
    );
}

/// Every month that begins with the first entry's ends with a balance of every account used so far, those without entries too.
#[test]
fn every_period_end_is_asserted() {
    let folder = tempfile::tempdir().unwrap();
    let mut book = Book::new();
    book.submit(&Command::Post(book.pair(EntryKind::Allocation, 0, 1, 1_000_000)));
    for (date, pence) in [("2017-06-20", 500), ("2017-09-30", 700), ("2018-01-02", 900)] {
        book.day = day(date);
        book.submit(&Command::Post(book.pair(EntryKind::Activity, 2, 3, pence)));
    }
    write(folder.path(), &book.records, book.records.len());
    let (_, journal) = export(folder.path());
    let ends: Vec<&str> = journal.lines().filter_map(|line| line.strip_suffix(" * month end")).collect();
    let expected =
        ["2017-06-30", "2017-07-31", "2017-08-31", "2017-09-30", "2017-10-31", "2017-11-30", "2017-12-31"];
    assert_eq!(ends, expected);
    let payable = |end: &str| {
        let (_, after) = journal.split_once(&format!("\n{end} * month end\n")).unwrap();
        let line = after.lines().find(|line| line.contains("payable:NT3")).unwrap();
        line.rsplit_once("== ").unwrap().1.to_owned()
    };
    let balances = ["2017-06-30", "2017-08-31", "2017-09-30", "2017-12-31"].map(payable);
    assert_eq!(balances, ["£-5.00", "£-5.00", "£-12.00", "£-12.00"]);
    hledger(folder.path(), &journal, &["check", "--strict"]).unwrap();
}

/// Every leg is a row, in both kinds of file, and the rows add up to the books.
#[test]
fn rows_add_up_to_the_books() {
    let folder = tempfile::tempdir().unwrap();
    let book = three_months();
    // The export stands for what is signed: what comes after the checkpoint is not in it.
    let signed = book.records.len() - 10;
    write(folder.path(), &book.records, signed);
    let (mut csv, mut columns) = (Vec::new(), Vec::new());
    let rows = export_csv(folder.path(), None, &mut csv).unwrap();
    assert_eq!(export_parquet(folder.path(), None, &mut columns).unwrap(), rows);
    assert_eq!(rows.checkpoint, checkpoint(&book.records[..signed]));
    assert_eq!(signer().verifier().verify(&rows.note), Ok(rows.checkpoint));

    let mut reader = csv::Reader::from_reader(csv.as_slice());
    let mut sums: BTreeMap<(String, String), i128> = BTreeMap::new();
    let mut lines = 0;
    for row in reader.records().map(Result::unwrap) {
        *sums.entry((row[7].to_owned(), row[8].to_owned())).or_default() += row[9].parse::<i128>().unwrap();
        lines += 1;
    }
    assert_eq!(lines, rows.rows);

    let file = SerializedFileReader::new(bytes::Bytes::from(columns)).unwrap();
    let metadata = file.metadata().file_metadata();
    let named = metadata.key_value_metadata().unwrap().iter().find(|pair| pair.key == "almoner.checkpoint");
    assert_eq!(named.unwrap().value.as_ref(), Some(&rows.note));
    let mut again: BTreeMap<(String, String), i128> = BTreeMap::new();
    for row in file.get_row_iter(None).unwrap().map(Result::unwrap) {
        let of = (row.get_string(7).unwrap().clone(), row.get_string(8).unwrap().clone());
        *again.entry(of).or_default() += i128::from(row.get_long(9).unwrap());
    }
    assert_eq!(again, sums);
    let sum =
        |word: &str| -> i128 { sums.iter().filter(|((_, side), _)| side == word).map(|(_, sum)| sum).sum() };
    assert_eq!(sum("debit"), sum("credit"));
    let state = audit_state(&book.records[..signed]);
    for account in state.accounts_after(None) {
        let of = |side: &str| sums.get(&(account.path.to_owned(), side.to_owned())).copied().unwrap_or(0);
        assert_eq!((of("debit"), of("credit")), (account.totals.debits.get(), account.totals.credits.get()));
    }

    // Records that are not those of the checkpoint are not exported.
    std::fs::write(
        folder.path().join("berkshire-west/ledger/journal/checkpoint"),
        signer().sign(&checkpoint(&book.records[1..signed])),
    )
    .unwrap();
    let refused = export_csv(folder.path(), None, &mut Vec::new());
    assert!(matches!(refused, Err(ExportError::Journal(_))), "{refused:?}");
}

/// The state that records lead to.
fn audit_state(records: &[Vec<u8>]) -> State {
    let mut state = State::default();
    for record in records {
        let view = RecordView::parse(record).unwrap();
        if view.header.kind.is_house() {
            continue;
        }
        let (command, outcome) = Ledger::decode(view.header.kind, view.body, &NoBlobs).unwrap();
        let at = Moment {
            position: view.header.position,
            recorded_time: view.header.recorded_time,
            business_date: view.header.business_date,
            request_id: view.header.request_id,
            caller: view.header.caller,
        };
        if let Outcome::Accepted(events) = outcome {
            events.iter().for_each(|event| Ledger::apply(&mut state, &at, &command, event));
        }
    }
    state
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
