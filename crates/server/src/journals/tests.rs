//! The driver with the smallest domain: a counter that tells another service of each sum.

use super::*;
use journal::{
    Blobs, Day, DecodeError, Digest, Domain, Events, Instant, Kind, Moment, Outcome, Position, RequestId,
    Service, SystemName, fingerprint,
};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[derive(Debug)]
pub(crate) struct Counter;

impl Domain for Counter {
    const SERVICE: Service = Service::Referrals;
    type State = u64;
    type Command = u64;
    type Event = u64;
    type Refusal = u64;
    type Report = u64;

    fn kind(_: &u64) -> Kind {
        Kind(100)
    }

    fn decide(state: &u64, _: &Moment, add: &u64) -> Result<Events<u64>, u64> {
        if *add > 1_000 { Err(*state) } else { Ok(Events::from_elem(state + add, 1)) }
    }

    fn apply(state: &mut u64, _: &Moment, _: &u64, sum: &u64) {
        *state = *sum;
    }

    fn encode(command: &u64, outcome: &Outcome<u64, u64>, body: &mut Vec<u8>) {
        let (tag, value) = match outcome {
            Outcome::Accepted(events) => (0u8, events[0]),
            Outcome::Refused(refusal) => (1, *refusal),
        };
        minicbor::encode((command, tag, value), body).unwrap();
    }

    fn decode(_: Kind, body: &[u8], _: &dyn Blobs) -> Result<(u64, Outcome<u64, u64>), DecodeError> {
        let (command, tag, value): (u64, u8, u64) = minicbor::decode(body)?;
        let outcome =
            if tag == 0 { Outcome::Accepted(Events::from_elem(value, 1)) } else { Outcome::Refused(value) };
        Ok((command, outcome))
    }

    fn differing_field(_: &u64, _: &u64) -> &'static str {
        "add"
    }

    fn reports(_: &Moment, _: &u64, event: &u64, out: &mut Vec<u64>) {
        out.push(*event);
    }

    const SNAPSHOT_FORMAT: Option<u32> = Some(1);

    fn encode_state(state: &u64, out: &mut Vec<u8>) {
        out.extend_from_slice(&state.to_be_bytes());
    }

    fn decode_state(bytes: &[u8], _: &dyn Blobs) -> Result<u64, DecodeError> {
        let bytes = bytes.try_into().map_err(minicbor::decode::Error::custom)?;
        Ok(u64::from_be_bytes(bytes))
    }

    /// Adds one each day.
    fn day_roll(_: &u64, _: Day) -> Vec<u64> {
        vec![1]
    }
}

/// Keeps what it is told; fails the first time of every batch.
#[derive(Debug, Default)]
pub(crate) struct Listener {
    told: Mutex<Vec<(Position, u64)>>,
    calls: AtomicU32,
}

impl Courier<Counter> for Listener {
    fn target(&self) -> Service {
        Service::Ledger
    }

    fn deliver<'a>(&'a self, _: &'a SystemName, reports: &'a [(Position, u64)]) -> Delivering<'a> {
        Box::pin(async move {
            if self.calls.fetch_add(1, Ordering::Relaxed).is_multiple_of(2) {
                return Err(CourierError("not now".into()));
            }
            self.told.lock().unwrap().extend_from_slice(reports);
            Ok(Delivery { first_position: Position::FIRST, parked: Vec::new() })
        })
    }
}

struct Registered(Option<Instant>);

impl Directory for Registered {
    fn system<'a>(&'a self, system: &'a SystemName) -> Lookup<'a> {
        let facts = (system.as_str() == "known").then_some(SystemFacts { sandbox: self.0 });
        Box::pin(async move { Ok(facts) })
    }
}

fn place(root: &Path) -> Place {
    Place {
        root: root.to_owned(),
        disk: Arc::new(storage::FolderDisk),
        installation: [1; 16],
        signing_seed: [2; 32],
        clock: Arc::new(SystemClock),
        // Every restart of these tests has a snapshot to start from.
        options: storage::Options { snapshot_records: 1, ..storage::Options::default() },
        mirror: None,
    }
}

pub(crate) type Opened = (Arc<Journals<Counter>>, Arc<Listener>);

pub(crate) fn open(root: &Path, sandbox: Option<Instant>) -> Opened {
    let listener = Arc::new(Listener::default());
    let courier: Arc<dyn Courier<Counter>> = Arc::clone(&listener) as _;
    let journals = Journals::open(place(root), Arc::new(Registered(sandbox)), Some(courier)).unwrap();
    (journals, listener)
}

pub(crate) fn add(id: u8, add: u64) -> Request<Counter> {
    let mut bytes = [id; 16];
    bytes[6] = 0x70;
    let id = RequestId::from_bytes(bytes).unwrap();
    request::<Counter>(id, fingerprint(&add.to_le_bytes()), "urn:almoner:org:NT3".into(), None, add)
}

pub(crate) fn known() -> SystemName {
    "known".parse().unwrap()
}

pub(crate) async fn close(journals: Arc<Journals<Counter>>) {
    tokio::task::spawn_blocking(move || journals.close()).await.unwrap();
}

#[tokio::test]
async fn what_was_answered_is_there_after_a_restart_and_is_told_once() {
    let folder = tempfile::tempdir().unwrap();
    let (journals, first) = open(folder.path(), None);
    let handle = journals.get(&known()).await.unwrap();
    let answers = handle.submit_many((1..=9).map(|n| add(n, u64::from(n))).collect()).await.unwrap();
    let refused = handle.submit(add(10, 2_000)).await.unwrap();
    let last = answers.last().unwrap().as_ref().unwrap();
    assert!(handle.delivered(last.position, Duration::from_secs(10)).await);
    let sum = handle.read(None, |state, _| *state).await.unwrap();
    let day_rolled = sum - 45;
    close(journals).await;
    assert!(matches!(handle.submit(add(11, 1)).await, Err(SubmitError::Draining)));

    let (journals, second) = open(folder.path(), None);
    let handle = journals.get(&known()).await.unwrap();
    assert_eq!(handle.read(None, |state, _| *state).await.unwrap(), sum);
    for (n, before) in (1..=9).zip(&answers) {
        let (again, before) = (handle.submit(add(n, u64::from(n))).await.unwrap(), before.as_ref().unwrap());
        assert!(again.replayed && !before.replayed);
        assert_eq!((again.position, again.leaf), (before.position, before.leaf));
        let record = handle.record(again.position).unwrap().unwrap();
        assert_eq!(journal::leaf_hash(&record), again.leaf);
    }
    let reused = handle.submit(add(1, 7)).await.unwrap_err();
    assert!(matches!(reused, SubmitError::Reused { field: "add", .. }), "{reused}");
    let refused_again = handle.submit(add(10, 2_000)).await.unwrap();
    assert_eq!((refused_again.position, refused_again.replayed), (refused.position, true));
    assert!(handle.delivered(last.position, Duration::from_secs(10)).await);
    close(journals).await;

    let told: Vec<u64> = first.told.lock().unwrap().iter().map(|(_, sum)| *sum).collect();
    assert_eq!(told.last(), Some(&(45 + day_rolled)));
    assert!(second.told.lock().unwrap().is_empty(), "nothing is told again after its delivery was recorded");
}

#[tokio::test]
async fn a_sandbox_clock_moves_forward_and_rolls_each_day() {
    let folder = tempfile::tempdir().unwrap();
    let start: Instant = "2017-06-01T08:00:00Z".parse().unwrap();
    let (journals, _) = open(folder.path(), Some(start));
    let handle = journals.get(&known()).await.unwrap();
    let to: Instant = "2017-06-04T09:00:00Z".parse().unwrap();
    let before = handle.submit(add(1, 100)).await.unwrap();
    assert_eq!(before.business_date, "2017-06-01".parse().unwrap());
    assert!(handle.advance_clock(to, "urn:almoner:person:op".into()).await.unwrap() >= to);
    let (sum, today) = handle.read(None, |state, at| (*state, at.business_date)).await.unwrap();
    assert_eq!((sum, today), (104, "2017-06-04".parse().unwrap()), "1, 2, 3 and 4 June each added one");
    assert!(handle.advance_clock(start, "urn:almoner:person:op".into()).await.unwrap() >= to, "never back");
    close(journals).await;

    let (journals, _) = open(folder.path(), None);
    let handle = journals.get(&known()).await.unwrap();
    let answer = handle.submit(add(2, 1)).await.unwrap();
    assert!(answer.recorded_time >= to, "the clock is where it was set");
    assert!(handle.is_sandbox());
    close(journals).await;
}

#[tokio::test]
async fn only_a_sandbox_has_a_clock_to_move_and_only_known_systems_have_journals() {
    let folder = tempfile::tempdir().unwrap();
    let (journals, _) = open(folder.path(), None);
    let handle = journals.get(&known()).await.unwrap();
    let to = Instant::from_micros(i64::MAX / 2);
    assert_eq!(handle.advance_clock(to, "urn:almoner:person:op".into()).await, Err(SubmitError::NotSandbox));
    let unknown = journals.get(&"unknown".parse().unwrap()).await.unwrap_err();
    assert!(matches!(unknown, JournalsError::UnknownSystem(_)));
    let far = Position::new(1 << 40);
    assert_eq!(handle.read(Some(far), |_, _| ()).await, Err(ReadError::NotYet(far)));
    close(journals).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_callers_share_groups_and_each_gets_its_own_answer() {
    let folder = tempfile::tempdir().unwrap();
    let (journals, _) = open(folder.path(), None);
    let handle = journals.get(&known()).await.unwrap();
    let callers = (1..=64u8).map(|n| {
        let handle = handle.clone();
        tokio::spawn(async move { handle.submit(add(n, 0)).await.unwrap().position })
    });
    let mut positions = Vec::new();
    for caller in callers.collect::<Vec<_>>() {
        positions.push(caller.await.unwrap());
    }
    positions.sort();
    positions.dedup();
    assert_eq!(positions.len(), 64);
    let seen = handle.read(None, |_, at| at.position).await.unwrap().unwrap();
    assert!(handle.durable_count() > seen.get(), "a read is released only when what it saw is durable");
    close(journals).await;
}

#[tokio::test]
async fn a_batch_can_be_proved_by_its_leaves_and_a_signed_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let (journals, _) = open(folder.path(), None);
    let handle = journals.get(&known()).await.unwrap();
    let answers = handle.submit_many((1..=40).map(|n| add(n, 1)).collect()).await.unwrap();
    let leaves: Vec<_> = answers.iter().map(|answer| answer.as_ref().unwrap().leaf).collect();
    let first = answers[0].as_ref().unwrap().position;
    let end = first.get() + 40;
    let signed = handle.checkpoint_of(end).await.unwrap();
    let origin = journal::Origin::new([1; 16], &known(), Service::Referrals);
    let signer = journal::CheckpointSigner::new(origin, &[2; 32]);
    let checkpoint = signer.verifier().verify(&signed.note).unwrap();
    assert_eq!(checkpoint, signed.checkpoint);
    let proof = handle.tiles().range(first, &leaves, &checkpoint).unwrap();
    let range = journal::ProvenRange::verify(&checkpoint, first.get(), &leaves, &proof).unwrap();
    for (answer, leaf) in answers.iter().flatten().zip(&leaves) {
        let path = range.inclusion_proof(answer.position.get()).unwrap();
        assert!(journal::verify_inclusion(answer.position.get(), *leaf, &path, &checkpoint));
        let receipt = journal::Receipt {
            position: answer.position,
            leaf: Some(*leaf),
            path,
            checkpoint: signed.note.to_string(),
        };
        receipt.verify_alone(signer.verifier()).unwrap();
        let record = handle.record(answer.position).unwrap().unwrap();
        receipt.verify(&record, signer.verifier()).unwrap();
    }
    close(journals).await;
}

/// What the second copy is for: damage in either is mended, at a start and while it runs, and nobody notices.
#[tokio::test]
async fn a_mirror_mends_the_journal_and_a_scrub_mends_the_mirror() {
    let (folder, mirror) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let open = || {
        let mut place = place(folder.path());
        place.mirror = Some(mirror.path().to_owned());
        place.options.scrub_every = Some(Duration::from_millis(5));
        Journals::<Counter>::open(place, Arc::new(Registered(None)), None).unwrap()
    };
    let segment = |root: &Path| root.join("known/referrals/journal/00000000.segment");
    let sound_byte = |root: &Path| std::fs::read(segment(root)).unwrap()[600];
    let damage = |root: &Path| {
        let file = std::fs::File::options().write(true).open(segment(root)).unwrap();
        std::os::unix::fs::FileExt::write_all_at(&file, &[sound_byte(root) ^ 1], 600).unwrap();
    };
    let journals = open();
    let handle = journals.get(&known()).await.unwrap();
    let answers = handle.submit_many((1..=9).map(|n| add(n, 1)).collect()).await.unwrap();
    close(journals).await;
    let sound = std::fs::read(segment(mirror.path())).unwrap();
    assert!(sound == std::fs::read(segment(folder.path())).unwrap() && sound[600] != 0);

    damage(folder.path());
    let journals = open();
    let handle = journals.get(&known()).await.unwrap();
    let again = handle.submit(add(4, 1)).await.unwrap();
    assert_eq!((again.position, again.replayed), (answers[3].as_ref().unwrap().position, true));
    assert!(sound == std::fs::read(segment(folder.path())).unwrap(), "mended at the start");

    damage(mirror.path());
    let deadline = std::time::Instant::now() + Duration::from_secs(60);
    while std::fs::read(segment(mirror.path())).unwrap()[600] != sound[600] {
        assert!(std::time::Instant::now() < deadline, "the scrub does not mend the mirror");
        tokio::task::yield_now().await;
    }
    close(journals).await;

    // Without the mirror the damage is named and the journal stays shut.
    damage(folder.path());
    let refused =
        Journals::<Counter>::open(place(folder.path()), Arc::new(Registered(None)), None).err().unwrap();
    assert!(matches!(refused, JournalsError::Open { .. }), "{refused}");
    close(open()).await;
}

/// Opens the journal, checks that it holds `sum` and answers as before, adds one more, and closes it.
async fn session(root: &Path, earlier: &mut Vec<(u8, Position)>, sum: &mut u64) {
    let (journals, _) = open(root, Some("2017-06-01T08:00:00Z".parse().unwrap()));
    let handle = journals.get(&known()).await.unwrap();
    if !earlier.is_empty() {
        assert_eq!(handle.read(None, |state, _| *state).await.unwrap(), *sum);
    }
    for (n, position) in earlier.iter() {
        let again = handle.submit(add(*n, u64::from(*n))).await.unwrap();
        assert_eq!((again.position, again.replayed), (*position, true));
    }
    let next = u8::try_from(earlier.len() + 1).unwrap();
    let answer = handle.submit(add(next, u64::from(next))).await.unwrap();
    assert!(handle.delivered(answer.position, Duration::from_secs(10)).await);
    earlier.push((next, answer.position));
    *sum = handle.read(None, |state, _| *state).await.unwrap();
    close(journals).await;
}

fn snapshots(root: &Path) -> storage::SnapshotStore {
    storage::SnapshotStore::new(Arc::new(storage::FolderDisk), root.join("known/referrals/snapshots"))
}

#[tokio::test]
async fn whatever_becomes_of_a_snapshot_the_answers_are_the_same() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (mut earlier, mut sum) = (Vec::new(), 0);
    session(folder.path(), &mut earlier, &mut sum).await;
    session(folder.path(), &mut earlier, &mut sum).await;
    // Another journal of the same system and service, further on.
    let (mut theirs, mut their_sum) = (Vec::new(), 0);
    for _ in 0..4 {
        session(other.path(), &mut theirs, &mut their_sum).await;
    }
    let (store, foreign) = (snapshots(folder.path()), snapshots(other.path()).load().unwrap());
    let whole = store.load().unwrap();
    let file = folder.path().join("known/referrals/snapshots/state");
    let damages: [&dyn Fn(); 6] = [
        &|| {},
        &|| store.remove().unwrap(),
        &|| {
            let mut bytes = std::fs::read(&file).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 0x40;
            std::fs::write(&file, bytes).unwrap();
        },
        &|| store.save(&foreign).unwrap(),
        &|| store.save(&storage::Snapshot { records: u64::MAX, ..whole.clone() }).unwrap(),
        &|| store.save(&storage::Snapshot { content: b"another format".to_vec(), ..whole.clone() }).unwrap(),
    ];
    for damage in damages {
        session(folder.path(), &mut earlier, &mut sum).await;
        damage();
        session(folder.path(), &mut earlier, &mut sum).await;
    }
}

#[tokio::test]
async fn a_start_takes_the_state_of_a_snapshot_that_fits_and_the_next_is_made_beside_the_journal() {
    let folder = tempfile::tempdir().unwrap();
    let (mut earlier, mut sum) = (Vec::new(), 0);
    for _ in 0..3 {
        session(folder.path(), &mut earlier, &mut sum).await;
    }
    let store = snapshots(folder.path());
    let kept = store.load().unwrap();
    let (journals, _) = open(folder.path(), None);
    let handle = journals.get(&known()).await.unwrap();
    let at_start = store.load().unwrap();
    assert!(at_start.records > kept.records, "a start that replayed much keeps what it came to");
    store.save(&kept).unwrap();
    let (_running, stop) = std::sync::mpsc::channel();
    let thread = super::snapshots::SnapshotThread::<Counter> {
        system: known(),
        store: store.clone(),
        reader: handle.0.reader.clone(),
        blobs: Arc::clone(&handle.0.blobs),
        checkpoint: handle.0.checkpoint.clone(),
        stop,
        every: 1,
        kept: kept.records,
        domain: core::marker::PhantomData,
    };
    assert_eq!(thread.replayed(at_start.records).as_deref(), Some(&*at_start.content), "from the one before");
    store.remove().unwrap();
    assert_eq!(
        thread.replayed(at_start.records).as_deref(),
        Some(&*at_start.content),
        "from the first record"
    );
    close(journals).await;

    // The same but for the sum in it, which stands at the end: what the next start shows is what it read here.
    let mut content = at_start.content.clone();
    *content.last_mut().unwrap() ^= 0x80;
    store.save(&storage::Snapshot { content, ..at_start }).unwrap();
    let (journals, _) = open(folder.path(), None);
    let handle = journals.get(&known()).await.unwrap();
    assert_ne!(handle.read(None, |state, _| *state).await.unwrap(), sum);
    close(journals).await;
}

/// The files of request ids are scratch: whatever becomes of them while the journal runs or is closed, an id has one answer.
#[tokio::test]
async fn whatever_becomes_of_the_files_of_ids_each_id_keeps_its_answer() {
    const COMMANDS: u8 = 200;
    let folder = tempfile::tempdir().unwrap();
    let open = || {
        let mut place = place(folder.path());
        place.options.ids_in_memory = 16;
        Journals::<Counter>::open(place, Arc::new(Registered(None)), None).unwrap()
    };
    let ids = folder.path().join("known/referrals/ids");
    let files =
        || -> Vec<_> { std::fs::read_dir(&ids).unwrap().map(|entry| entry.unwrap().path()).collect() };
    let mut answers: Vec<(Position, Digest)> = Vec::new();
    let damages: [&dyn Fn(&Path); 5] = [
        &|_| {},
        &|path| std::fs::remove_file(path).unwrap(),
        &|path| drop(std::fs::File::create(path).unwrap()),
        &|path| {
            let mut bytes = std::fs::read(path).unwrap();
            bytes.iter_mut().for_each(|byte| *byte ^= 0x10);
            std::fs::write(path, bytes).unwrap();
        },
        &|path| {
            let bytes = std::fs::read(path).unwrap();
            std::fs::write(path, &bytes[..bytes.len() - 7]).unwrap();
        },
    ];
    for damage in damages {
        let journals = open();
        let handle = journals.get(&known()).await.unwrap();
        assert!(
            answers.is_empty() || files().len() >= usize::from(COMMANDS) / 16,
            "a start writes old ids to files"
        );
        for n in 0..COMMANDS {
            // While ids are read from the journal again, whoever asks is told to come back.
            let answer = loop {
                match handle.submit(add(n, 1)).await {
                    Err(SubmitError::Rebuilding) => tokio::task::yield_now().await,
                    answered => break answered.unwrap(),
                }
            };
            match answers.get(usize::from(n)) {
                Some((position, leaf)) => {
                    assert_eq!((answer.position, answer.leaf, answer.replayed), (*position, *leaf, true));
                }
                None => answers.push((answer.position, answer.leaf)),
            }
            if n == COMMANDS / 2 {
                files().iter().for_each(|path| damage(path));
            }
        }
        let reused = loop {
            match handle.submit(add(3, 2)).await {
                Err(SubmitError::Rebuilding) => tokio::task::yield_now().await,
                answered => break answered.unwrap_err(),
            }
        };
        assert_eq!(reused, SubmitError::Reused { field: "add", position: answers[3].0 });
        close(journals).await;
        files().iter().for_each(|path| damage(path));
    }
}
