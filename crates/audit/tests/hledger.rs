//! hledger, which is not ours, recomputes every balance of an exported ledger.

use audit::{ExportError, Exported, export_hledger};
use journal::house::{House, Opened};
use journal::{
    CheckpointSigner, Day, Domain as _, Fingerprint, Header, Instant, Kind, Moment, Origin, Outcome,
    Position, RequestId, Service, SystemName, derived_request_id,
};
use ledger::{
    Command, EntryKind, HoldAction, Ledger, Leg, OpenAccount, PostGroup, Posting, SealWindows, State,
    WindowKey, WindowName, WindowUse,
};
use money::{Pence, Side};
use std::{path::Path, process, sync::Arc};
use storage::{FolderDisk, Options, SegmentStore};

fn system() -> SystemName {
    "berkshire-west".parse().unwrap()
}

/// A ledger that decides in memory and keeps its records.
struct Book {
    state: State,
    records: Vec<Vec<u8>>,
    day: Day,
    accounts: Vec<Position>,
}

impl Book {
    fn new() -> Self {
        let mut book = Self {
            state: State::default(),
            records: Vec::new(),
            day: day("2017-06-01"),
            accounts: Vec::new(),
        };
        let opened = House::Opened(Opened {
            installation: [7; 16],
            system: system().to_string(),
            service: Service::Ledger,
            sandbox: true,
        });
        let mut body = Vec::new();
        opened.encode(&mut body);
        book.write(opened.kind(), &body);
        for path in [
            "resource-limit/10M/2017-18",
            "10M/elective/2017-18/fund/allocation",
            "10M/elective/2017-18/fund/expenditure/third-party",
            "10M/elective/2017-18/owed/payable/NT3",
            "10M/elective/2017-18/owed/contested/NT3",
            "10M/elective/2017-18/out/in-transit",
            "10M/elective/2017-18/out/bank",
        ] {
            let account = Position::new(book.records.len() as u64);
            book.accounts.push(account);
            book.submit(&Command::OpenAccount(OpenAccount { path: path.parse().unwrap() }));
        }
        book
    }

    fn request_id(&self) -> RequestId {
        let root = "0192f0c1-2b3c-7d4e-8f90-123456789abc".parse().unwrap();
        derived_request_id("test", root, &self.records.len().to_be_bytes())
    }

    fn write(&mut self, kind: Kind, body: &[u8]) {
        let header = Header {
            kind,
            system: system().tag(),
            position: Position::new(self.records.len() as u64),
            recorded_time: Instant::start_of(self.day),
            business_date: self.day,
            cause: None,
            request_id: self.request_id(),
            fingerprint: Fingerprint([0; 16]),
            caller: Position::FIRST,
        };
        let mut record = Vec::new();
        header.write_record(body, &mut record).unwrap();
        self.records.push(record);
    }

    fn submit(&mut self, command: &Command) {
        let at = Moment {
            position: Position::new(self.records.len() as u64),
            recorded_time: Instant::start_of(self.day),
            business_date: self.day,
            request_id: self.request_id(),
            caller: Position::FIRST,
        };
        let outcome = match Ledger::decide(&self.state, &at, command) {
            Ok(events) => {
                for event in &events {
                    Ledger::apply(&mut self.state, &at, command, event);
                }
                Outcome::Accepted(events)
            }
            Err(refusal) => Outcome::Refused(refusal),
        };
        let mut body = Vec::new();
        Ledger::encode(command, &outcome, &mut body);
        self.write(Ledger::kind(command), &body);
    }

    fn pair(&self, kind: EntryKind, debit: usize, credit: usize, pence: u32) -> Posting {
        let leg = |account: usize, side| {
            let payable = account == 3;
            let window = if payable && kind == EntryKind::PaymentInstructed {
                Some(WindowUse::Pays(due()))
            } else {
                payable.then_some(WindowUse::Adds(WindowKey::Run { number: 0 }))
            };
            Leg { account: self.accounts[account], side, pence: Pence::from_u32(pence), window }
        };
        Posting::new(kind, self.day, vec![leg(debit, Side::Debit), leg(credit, Side::Credit)])
    }

    fn data_folder(&self, folder: &Path) {
        let signer = CheckpointSigner::new(Origin::new([7; 16], &system(), Service::Ledger), &[7; 32]);
        let journal = folder.join("berkshire-west/ledger/journal");
        let opened = SegmentStore::open(Arc::new(FolderDisk), &journal, signer, Options::default()).unwrap();
        let (mut store, _) = opened.finish().unwrap();
        for group in self.records.chunks(37) {
            store.append(group.iter().map(Vec::as_slice)).unwrap();
        }
    }
}

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

fn due() -> WindowKey {
    WindowKey::Instalment { due: day("2017-06-15") }
}

/// Three months of every shape of entry: groups, refusals, holds without legs, proposed accounting dates, a reference with
/// a comma.
fn three_months() -> Book {
    let mut book = Book::new();
    book.submit(&Command::Post(book.pair(EntryKind::Allocation, 0, 1, 1_000_000_00)));
    for n in 0_u32..300 {
        book.day = day("2017-06-01").plus(i32::try_from(n / 4).unwrap());
        let mut activity = book.pair(EntryKind::Activity, 2, 3, 1_000 + n * 7);
        if n % 5 == 0 {
            activity.accounting_date = Some(book.day.plus(-20).max(day("2017-06-01")));
            activity.reference = Some("line 7, of NT3".into());
        }
        activity.holds.push(HoldAction::Place {
            account: book.accounts[2],
            pence: Pence::from_u32(5),
            expires: day("2018-01-01"),
            name: None,
        });
        let contest = book.pair(EntryKind::Contest, 3, 4, 300);
        let crooked = Posting { legs: activity.legs[..1].to_vec(), ..activity.clone() };
        book.submit(&Command::Post(activity));
        book.submit(&Command::Post(crooked));
        book.submit(&Command::PostGroup(PostGroup {
            postings: vec![contest, book.pair(EntryKind::ContestOutcome, 4, 2, 100)],
        }));
    }
    let mut instalment = book.pair(EntryKind::OnAccount, 2, 3, 70_000);
    instalment.legs[1].window = Some(WindowUse::Adds(due()));
    book.submit(&Command::Post(instalment));
    let name = WindowName { payer: "10M".into(), payee: "NT3".into(), key: due() };
    book.submit(&Command::SealWindows(SealWindows { windows: vec![name] }));
    book.submit(&Command::Post(book.pair(EntryKind::PaymentInstructed, 3, 5, 70_000)));
    book.submit(&Command::Post(book.pair(EntryKind::PaymentConfirmed, 5, 6, 70_000)));
    book
}

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
    book.data_folder(folder.path());
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
    three_months().data_folder(folder.path());
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
    three_months().data_folder(folder.path());
    std::fs::create_dir_all(folder.path().join("other/ledger/journal")).unwrap();
    let several = export_hledger(folder.path(), None, &mut Vec::new()).unwrap_err();
    assert_eq!(
        several.to_string(),
        "the folder holds the ledgers of several systems: choose one of berkshire-west, other"
    );
    assert!(export_hledger(folder.path(), Some(&system()), &mut Vec::new()).is_ok());
}
