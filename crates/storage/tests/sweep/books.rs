//! A ledger of two hundred commands on a disk in memory, driven as the server drives it, but step by step.

use engine::{Engine, NoPast, Now, Recovery, Replay, Submitted};
use journal::{
    AccountNumber, Checkpoint, CheckpointSigner, Day, Digest, Instant, Origin, Outcome, Position, RequestId,
    Service, SystemName, Tree, house, leaf_hash, verify_consistency,
};
use ledger::{
    Command, EntryKind, Event, Ledger, Leg, OpenAccount, PostGroup, Posting, Refusal, SetLimit, Severity,
    Stage, WindowKey, WindowUse,
};
use money::{NetPence, Pence, Side};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use storage::{BlobStore, Copies, Disk, MirrorDisk, Options, SegmentStore, TileStore};
use testkit::MemoryDisk;

pub const FOLDER: &str = "/data/berkshire-west/ledger";
pub const MIRROR: &str = "/mirror/berkshire-west/ledger";
const COMMANDS: u64 = 200;

type Request = engine::Request<Command>;
pub type Answer = (Position, Outcome<Event, Refusal>, Digest);

pub fn journal_folder() -> PathBuf {
    Path::new(FOLDER).join("journal")
}

/// Whether the journal has a mirror.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    Once,
    Twice,
}

/// What is sent, group by group.
pub struct Script {
    pub groups: Vec<Vec<Request>>,
}

/// A ledger that runs on a disk until something fails.
pub struct Books {
    pub engine: Engine<Ledger>,
    pub store: SegmentStore,
    pub tiles: TileStore,
    pub blobs: BlobStore,
    tree: Tree,
}

/// What was acknowledged before something failed.
#[derive(Default)]
pub struct Witness {
    /// The answers, one after another as the script asks.
    pub answers: Vec<Answer>,
    /// How many of them were of an earlier attempt.
    pub replayed: usize,
    /// Every record below this is acknowledged.
    pub durable: u64,
    pub checkpoints: Vec<Checkpoint>,
    pub blobs: Vec<Digest>,
    /// What failed.
    pub failure: Option<String>,
}

fn options() -> Options {
    Options {
        first_segment_bytes: 16 << 10,
        segment_bytes_max: 32 << 10,
        reserve_bytes: 0,
        cache_bytes: 4 << 10,
        prepare_in_background: false,
        scrub_every: None,
        snapshot_records: u64::MAX,
        ids_in_memory: usize::MAX,
    }
}

fn system() -> SystemName {
    "berkshire-west".parse().unwrap()
}

pub fn signer() -> CheckpointSigner {
    CheckpointSigner::new(Origin::new([7; 16], &system(), Service::Ledger), &[7; 32])
}

/// The time of the `n`-th command: the same at every attempt, so that the same commands make the same bytes.
fn now(n: u64) -> Now {
    let date: Day = "2017-06-30".parse().unwrap();
    let start = Instant::start_of(date).micros();
    Now { time: Instant::from_micros(start + i64::try_from(n).unwrap() * 1_000), business_date: date }
}

fn request(n: u64, command: Command) -> Request {
    let mut id = [0; 16];
    id[..6].copy_from_slice(&(1_498_780_800_000 + n).to_be_bytes()[2..]);
    id[6] = 0x70;
    id[8] = 0x80;
    id[9..].copy_from_slice(&n.to_be_bytes()[1..]);
    Request {
        request_id: RequestId::from_bytes(id).unwrap(),
        fingerprint: journal::fingerprint(&n.to_be_bytes()),
        caller: format!("urn:almoner:org:NV{}", n % 3).into(),
        cause: None,
        command,
    }
}

fn leg(account: AccountNumber, side: Side, pence: u32) -> Leg {
    let window = WindowKey::Cut { period: "2017-06".parse().unwrap(), stage: Stage::Flex };
    let window = (side == Side::Credit).then_some(WindowUse::Adds(window));
    Leg { account, side, pence: Pence::from_u32(pence), window }
}

impl Script {
    /// Accounts, a hard limit, and then postings, some of which pass it; groups of postings among them. Groups of one to three
    /// commands.
    pub fn new() -> Self {
        const PATHS: [&str; 4] = [
            "fund/expenditure/third-party",
            "owed/payable/NT3",
            "fund/expenditure/in-system",
            "owed/payable/RHW",
        ];
        let open = |n: usize| {
            let path = format!("10M/elective/2017-18/{}", PATHS[n]).parse().unwrap();
            request(n as u64, Command::OpenAccount(OpenAccount { path }))
        };
        let limit = SetLimit {
            node: "10M/elective/2017-18/fund".parse().unwrap(),
            severity: Severity::Hard,
            floor: Some(NetPence::new(-9_000_00)),
            ceiling: None,
            reason: "a test".to_owned(),
        };
        let mut groups: Vec<Vec<Request>> = (0..PATHS.len()).map(|n| vec![open(n)]).collect();
        groups.push(vec![request(4, Command::SetLimit(limit))]);
        // Where the accounts are is known once they are opened, and is the same each time.
        let mut books = Books::start(&MemoryDisk::new()).unwrap();
        let numbers: Vec<AccountNumber> =
            groups.iter().take(4).map(|group| books.group(group).unwrap()[0].0).collect();
        let mut n = groups.len() as u64;
        while n < COMMANDS {
            let size = (1 + n * 7 % 3).min(COMMANDS - n);
            groups.push((n..n + size).map(|n| request(n, posting(n, &numbers))).collect());
            n += size;
        }
        Self { groups }
    }

    pub fn commands(&self) -> usize {
        self.groups.iter().map(Vec::len).sum()
    }
}

fn posting(n: u64, numbers: &[AccountNumber]) -> Command {
    // Payments on account are asked for, and so may be refused; activity is reported, and may not.
    let kind = if n % 4 == 3 { EntryKind::OnAccount } else { EntryKind::Activity };
    let one = |n: u64| {
        let (debit, credit) =
            if n.is_multiple_of(2) { (numbers[0], numbers[1]) } else { (numbers[2], numbers[3]) };
        let pence = 50_00 + u32::try_from(n).unwrap();
        let legs = vec![leg(debit, Side::Debit, pence), leg(credit, Side::Credit, pence)];
        Posting::new(kind, "2017-06-12".parse().unwrap(), legs)
    };
    if n.is_multiple_of(9) {
        // A record of a sector and more.
        Command::PostGroup(PostGroup { postings: (n..n + 8).map(one).collect() })
    } else {
        Command::Post(one(n))
    }
}

impl Books {
    /// Recovers what is on `disk`, and begins the journal when there is nothing.
    pub fn start(disk: &MemoryDisk) -> Result<Self, Box<dyn Error>> {
        Self::start_reading(disk, |_| ())
    }

    /// The same, giving every recovered record to `each`.
    pub fn start_reading(disk: &MemoryDisk, each: impl FnMut(&[u8])) -> Result<Self, Box<dyn Error>> {
        Self::start_on(disk, Kept::Once, each)
    }

    /// The same, with a mirror or without.
    pub fn start_on(
        disk: &MemoryDisk,
        kept: Kept,
        mut each: impl FnMut(&[u8]),
    ) -> Result<Self, Box<dyn Error>> {
        let disk: Arc<MemoryDisk> = Arc::new(disk.clone());
        let copies: Arc<dyn Disk> = match kept {
            Kept::Once => {
                storage::unmirrored(&*disk, Path::new(FOLDER))?;
                Arc::clone(&disk) as _
            }
            Kept::Twice => {
                let (first, second) = (Path::new(FOLDER), Path::new(MIRROR));
                let signer = signer();
                let copies = Copies { disk: &*disk, first, second, verifier: signer.verifier() };
                storage::mend_copies(&copies)?;
                Arc::new(MirrorDisk::new(Arc::clone(&disk) as _, first, second)?)
            }
        };
        let blobs = BlobStore::open(Arc::clone(&copies), Path::new(FOLDER).join("blobs"))?;
        let mut files = SegmentStore::open(copies, &journal_folder(), signer(), options())?;
        let mut recovery = Recovery::<Ledger>::new(&system());
        while let Some(records) = files.next_group()? {
            for record in records {
                recovery.record(record, &blobs, &mut Vec::new())?;
                each(record);
            }
        }
        let (mut store, recovered) = files.finish()?;
        let folder = Path::new(FOLDER).join("tiles");
        let mut tiles = TileStore::open(disk, &folder, &recovered.checkpoint, &store.reader())?;
        tiles.sync()?;
        let tree = recovered.tree;
        store.write_checkpoint(Checkpoint { size: tree.size(), root: tree.root() })?;
        let mut engine = recovery.finish();
        if engine.opened().is_none() {
            let opened = house::Opened {
                installation: [7; 16],
                system: system().to_string(),
                service: Service::Ledger,
                sandbox: false,
            };
            engine.record_house(
                now(0),
                &house::House::Opened(opened),
                &"urn:almoner:service:ledger".into(),
            )?;
        }
        Ok(Self { engine, store, tiles, blobs, tree })
    }

    /// Decides a group, makes it durable, and only then answers.
    pub fn group(&mut self, requests: &[Request]) -> Result<Vec<Answer>, Box<dyn Error>> {
        Ok(self.group_counting(requests)?.0)
    }

    /// The same, with how many of the answers were of an earlier attempt.
    fn group_counting(&mut self, requests: &[Request]) -> Result<(Vec<Answer>, usize), Box<dyn Error>> {
        let mut answers = Vec::new();
        let mut replayed = 0;
        for request in requests {
            let at = now(u64::from_be_bytes(request.request_id.to_bytes()[8..].try_into()?) & 0xff_ffff);
            match self.engine.submit(at, request, &mut NoPast)? {
                Submitted::Recorded(answer) => {
                    answers.push((answer.position, answer.outcome, Digest::default()));
                }
                Submitted::Seen(position) => {
                    let record = self.store.reader().read(position)?.ok_or("a record is not there")?;
                    let Replay::Same(answer) = self.engine.replay(&record, request, &self.blobs)? else {
                        return Err("another record stands under this request's id".into());
                    };
                    replayed += 1;
                    answers.push((answer.position, answer.outcome, leaf_hash(&record)));
                }
                Submitted::Unavailable => return Err("an id is unknown".into()),
            }
        }
        let group = self.engine.take_group();
        self.store.append(group.records())?;
        for record in group.records() {
            self.tree.append_with(leaf_hash(record), |level, hash| self.tiles.push(level, hash));
        }
        for (position, _, leaf) in &mut answers {
            if let Some(record) = group.record(*position) {
                *leaf = leaf_hash(record);
            }
        }
        self.tiles.write()?;
        Ok((answers, replayed))
    }

    pub fn checkpoint(&mut self) -> Result<Checkpoint, Box<dyn Error>> {
        self.tiles.sync()?;
        let checkpoint = Checkpoint { size: self.tree.size(), root: self.tree.root() };
        self.store.write_checkpoint(checkpoint)?;
        Ok(checkpoint)
    }

    /// What an earlier checkpoint and answer were signed for is still so.
    pub fn proves(&self, witness: &Witness, what: &str) {
        let now = Checkpoint { size: self.tree.size(), root: self.tree.root() };
        let tiles = self.tiles.reader();
        for before in &witness.checkpoints {
            assert!(before.size <= now.size, "{what}: what a checkpoint covers is lost");
            let proof = tiles.consistency(before.size, now.size).unwrap();
            assert!(verify_consistency(before, &now, &proof), "{what}: {} records", before.size);
        }
        for (position, _, leaf) in witness.answers.iter().step_by(17) {
            let path = tiles.inclusion(*position, *leaf, &now).unwrap();
            assert!(journal::verify_inclusion(position.get(), *leaf, &path, &now), "{what}: {position}");
        }
    }
}

/// Starts on `disk` and sends the whole script, until done or failed.
pub fn play(disk: &MemoryDisk, script: &Script) -> Witness {
    play_on(disk, Kept::Once, script)
}

/// The same, with a mirror or without.
pub fn play_on(disk: &MemoryDisk, kept: Kept, script: &Script) -> Witness {
    let mut witness = Witness::default();
    let failure = Books::start_on(disk, kept, |_| ())
        .and_then(|mut books| send(&mut books, script, &mut witness).map(|()| books));
    witness.failure = failure.err().map(|error| chain(&*error));
    witness
}

/// Sends the whole script: a blob and a checkpoint now and then. What fails once fails for ever.
pub fn send(books: &mut Books, script: &Script, witness: &mut Witness) -> Result<(), Box<dyn Error>> {
    for (n, group) in script.groups.iter().enumerate() {
        if n % 11 == 5 {
            witness.blobs.push(books.blobs.put(format!("blob {n}").as_bytes())?);
        }
        match books.group_counting(group) {
            Ok((answers, replayed)) => {
                witness.answers.extend(answers);
                witness.replayed += replayed;
                witness.durable = books.store.durable_before().get();
            }
            Err(error) => {
                if !matches!(error.downcast_ref(), Some(storage::TileError::Write { .. })) {
                    let again = books.store.append(core::iter::empty());
                    assert!(again.is_err(), "nothing is written after {error}");
                }
                return Err(error);
            }
        }
        if n % 8 == 7 {
            witness.checkpoints.push(books.checkpoint()?);
        }
    }
    witness.checkpoints.push(books.checkpoint()?);
    Ok(())
}

/// An error and what caused it, as it is logged.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
