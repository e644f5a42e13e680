//! The ledger's journal in one process: commands in, durable answers out, **every entry on the same budget line**.

use crate::measure::{per_second, percentiles, timed, used_bytes};
use journal::{AccountNumber, Instant as Time, Position, RequestId, SystemName};
use ledger::{Command, EntryKind, Ledger, Leg, OpenAccount, Posting, Stage, WindowKey, WindowUse};
use money::{Pence, Side};
use serde_json::{Value, json};
use server::journals::{
    Directory, Handle, Journals, Lookup, Place, Request, SystemClock, SystemFacts, request,
};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

const POSTINGS: usize = 400_000;

pub(crate) fn all(folder: &Path) -> Value {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(measured(folder))
}

async fn measured(folder: &Path) -> Value {
    let folder = folder.join("ledger");
    let journals = open(&folder);
    let handle = journals.get(&system()).await.unwrap();
    let accounts = accounts(&handle).await;
    let mut ids = Ids::default();
    let mut rates = serde_json::Map::new();
    for (batch, in_flight) in [(8_000, 4), (1_000, 8), (100, 16)] {
        let rate = batches(&handle, accounts, &mut ids, batch, in_flight, POSTINGS).await;
        rates.insert(format!("postings_per_second_in_batches_of_{batch}"), rate.into());
    }
    rates.insert(
        "hashing_and_tree".into(),
        hashing(&handle, rates["postings_per_second_in_batches_of_8000"].clone()),
    );
    let one = one_at_a_time(&handle, accounts, &mut ids).await;
    let records = handle.durable_count();
    let closing = Arc::clone(&journals);
    tokio::task::spawn_blocking(move || closing.close()).await.unwrap();
    drop((handle, journals));
    let (_, seconds) = timed(|| open(&folder));
    rates.insert("one_at_a_time".into(), one);
    rates.insert("replay_records_per_second".into(), per_second(records as usize, seconds).into());
    rates.insert("verified_records_per_second".into(), verified(&folder, records as usize).into());
    rates.insert("disk_bytes_per_posting".into(), (used_bytes(&folder) / records).into());
    Value::Object(rates)
}

/// Posts `total` entries in batches, several batches in flight.
pub(crate) async fn batches(
    handle: &Handle<Ledger>,
    accounts: [AccountNumber; 2],
    ids: &mut Ids,
    batch: usize,
    in_flight: usize,
    total: usize,
) -> u64 {
    let mut batches: Vec<Vec<Request<Ledger>>> =
        (0..total / batch).map(|_| (0..batch).map(|_| posting(ids.next(), accounts)).collect()).collect();
    let started = Instant::now();
    let mut waiting = std::collections::VecDeque::new();
    while let Some(requests) = batches.pop() {
        if waiting.len() == in_flight {
            settled(waiting.pop_front().unwrap()).await;
        }
        let handle = handle.clone();
        waiting.push_back(tokio::spawn(async move { handle.submit_many(requests).await }));
    }
    for answers in waiting {
        settled(answers).await;
    }
    per_second(total, started.elapsed().as_secs_f64())
}

/// What the leaf and the tree cost each record, beside what a posting costs as a whole in batches of 8,000.
fn hashing(handle: &Handle<Ledger>, postings_per_second: Value) -> Value {
    let mut records = Vec::new();
    handle
        .records_from(Position::FIRST, |_, record| {
            records.push(record.to_vec());
            records.len() < 200_000
        })
        .unwrap();
    let mut tree = journal::Tree::new();
    let ((), seconds) = timed(|| records.iter().for_each(|record| tree.append(journal::leaf_hash(record))));
    let nanoseconds = seconds * 1e9 / records.len() as f64;
    let whole = 1e9 / postings_per_second.as_f64().unwrap();
    json!({ "nanoseconds_per_record": nanoseconds as u64, "percent_of_the_time_per_posting": (nanoseconds / whole * 100.0) as u64 })
}

type Waiting =
    tokio::task::JoinHandle<Result<server::journals::Answers<Ledger>, server::journals::SubmitError>>;

async fn settled(answers: Waiting) {
    for answer in answers.await.unwrap().unwrap() {
        answer.unwrap().result().expect("a posting of the benchmark was refused");
    }
}

async fn one_at_a_time(handle: &Handle<Ledger>, accounts: [AccountNumber; 2], ids: &mut Ids) -> Value {
    let mut times = Vec::new();
    for _ in 0..2_000 {
        let request = posting(ids.next(), accounts);
        let started = Instant::now();
        handle.submit(request).await.unwrap();
        times.push(started.elapsed());
    }
    percentiles(times)
}

/// Request ids, one after another.
#[derive(Default)]
pub(crate) struct Ids(u64);

impl Ids {
    /// UUIDv7s of one millisecond after another, thirty-two to each.
    fn next(&mut self) -> RequestId {
        self.0 += 1;
        let mut bytes = [0x80; 16];
        bytes[..6].copy_from_slice(&(1_496_300_000_000 + self.0 / 32).to_be_bytes()[2..]);
        bytes[6] = 0x70;
        bytes[8..].copy_from_slice(&self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
        bytes[8] = 0x80 | (bytes[8] & 0x3f);
        RequestId::from_bytes(bytes).unwrap()
    }
}

fn posting(id: RequestId, [expenditure, payable]: [AccountNumber; 2]) -> Request<Ledger> {
    let window = WindowKey::Cut { period: "2017-06".parse().unwrap(), stage: Stage::Flex };
    let pence = Pence::from_u32(106_00);
    let legs = vec![
        Leg { account: expenditure, side: Side::Debit, pence, window: None },
        Leg { account: payable, side: Side::Credit, pence, window: Some(WindowUse::Adds(window)) },
    ];
    let posting = Posting::new(EntryKind::Activity, "2017-06-12".parse().unwrap(), legs);
    request::<Ledger>(
        id,
        journal::fingerprint(&id.to_bytes()),
        "urn:almoner:service:referrals".into(),
        None,
        Command::Post(posting),
    )
}

pub(crate) async fn accounts(handle: &Handle<Ledger>) -> [AccountNumber; 2] {
    let mut numbers = Vec::new();
    for (n, path) in [(1, "fund/expenditure/third-party"), (2, "owed/payable/NT3")] {
        let path = format!("10M/elective/2017-18/{path}").parse().unwrap();
        let mut bytes = [n; 16];
        bytes[6] = 0x70;
        bytes[8] = 0x80;
        let id = RequestId::from_bytes(bytes).unwrap();
        let command = Command::OpenAccount(OpenAccount { path });
        let request = request::<Ledger>(
            id,
            journal::fingerprint(&[n]),
            "urn:almoner:person:bench".into(),
            None,
            command,
        );
        numbers.push(handle.submit(request).await.unwrap().position);
    }
    [numbers[0], numbers[1]]
}

/// What an auditor's verifier does with the journal in `folder`: everything is proved, at this rate.
pub(crate) fn verified(folder: &Path, records: usize) -> u64 {
    let origin = journal::Origin::new(INSTALLATION, &system(), journal::Service::Ledger);
    let verifier = journal::CheckpointSigner::new(origin, &SIGNING_SEED).verifier().clone();
    let given = audit::Given { verifier, receipts: Vec::new(), checkpoints: Vec::new() };
    let (verification, seconds) = timed(|| audit::examine(folder, &given, |_, _| {}).unwrap());
    assert_eq!(verification.outcome(), audit::Outcome::Proved, "{verification:?}");
    per_second(records, seconds)
}

const INSTALLATION: [u8; 16] = [1; 16];
const SIGNING_SEED: [u8; 32] = [2; 32];

pub(crate) fn open(folder: &Path) -> Arc<Journals<Ledger>> {
    let place = Place {
        root: folder.to_owned(),
        disk: Arc::new(storage::FolderDisk),
        installation: INSTALLATION,
        signing_seed: SIGNING_SEED,
        clock: Arc::new(SystemClock),
        options: storage::Options::default(),
        mirror: None,
    };
    Journals::open(place, Arc::new(Sandbox), None).unwrap()
}

pub(crate) fn system() -> SystemName {
    "bench".parse().unwrap()
}

struct Sandbox;

impl Directory for Sandbox {
    fn system<'a>(&'a self, _: &'a SystemName) -> Lookup<'a> {
        let clock: Time = "2017-06-30T09:00:00Z".parse().unwrap();
        Box::pin(async move { Ok(Some(SystemFacts { sandbox: Some(clock) })) })
    }
}
