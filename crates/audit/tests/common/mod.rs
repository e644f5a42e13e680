//! A ledger that a test decides and writes, as the service would.

use journal::house::{House, Opened};
use journal::{
    Checkpoint, CheckpointSigner, Day, Domain as _, Fingerprint, Header, Instant, Kind, Moment, Origin,
    Outcome, Position, RequestId, Service, SystemName, Tree, derived_request_id, leaf_hash,
};
use ledger::{
    Command, EntryKind, HoldAction, Ledger, Leg, OpenAccount, PostGroup, Posting, SealWindows, State,
    WindowKey, WindowName, WindowUse,
};
use money::{Pence, Side};
use std::{path::Path, sync::Arc};
use storage::{FolderDisk, Options, SegmentStore, TileStore};

pub(crate) fn system() -> SystemName {
    "berkshire-west".parse().unwrap()
}

/// A ledger that decides in memory and keeps its records.
pub(crate) struct Book {
    pub(crate) state: State,
    pub(crate) records: Vec<Vec<u8>>,
    pub(crate) day: Day,
    accounts: Vec<Position>,
}

impl Book {
    pub(crate) fn new() -> Self {
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

    pub(crate) fn submit(&mut self, command: &Command) {
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

    pub(crate) fn pair(&self, kind: EntryKind, debit: usize, credit: usize, pence: u32) -> Posting {
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
}

/// What signs the ledger's checkpoints.
pub(crate) fn signer() -> CheckpointSigner {
    CheckpointSigner::new(Origin::new([7; 16], &system(), Service::Ledger), &[7; 32])
}

/// The checkpoint of so many records.
pub(crate) fn checkpoint(records: &[Vec<u8>]) -> Checkpoint {
    let mut tree = Tree::new();
    records.iter().for_each(|record| tree.append(leaf_hash(record)));
    Checkpoint { size: tree.size(), root: tree.root() }
}

/// A data folder with one journal of `records`, of which `signed` are signed for.
pub(crate) fn write(folder: &Path, records: &[Vec<u8>], signed: usize) {
    let disk = Arc::new(FolderDisk);
    let ledger = folder.join("berkshire-west/ledger");
    let options = Options {
        first_segment_bytes: 32 << 10,
        segment_bytes_max: 32 << 10,
        prepare_in_background: false,
        ..Options::default()
    };
    let opened = SegmentStore::open(disk.clone(), &ledger.join("journal"), signer(), options).unwrap();
    let (mut store, _) = opened.finish().unwrap();
    for group in records.chunks(37) {
        store.append(group.iter().map(Vec::as_slice)).unwrap();
    }
    let checkpoint = checkpoint(&records[..signed]);
    store.write_checkpoint(checkpoint).unwrap();
    TileStore::open(disk, &ledger.join("tiles"), &checkpoint, &store.reader()).unwrap();
}

pub(crate) fn day(text: &str) -> Day {
    text.parse().unwrap()
}

pub(crate) fn due() -> WindowKey {
    WindowKey::Instalment { due: day("2017-06-15") }
}

/// Three months of every shape of entry: groups, refusals, holds without legs, proposed accounting dates, a reference with
/// a comma.
pub(crate) fn three_months() -> Book {
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
