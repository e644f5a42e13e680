//! Verifying journals: every byte of every group, every record, every hash.

use crate::folder::{self, SegmentFile};
use crate::{Finding, RecordProblem};
use journal::house::House;
use journal::{
    Archived, Chain, Checkpoint, CheckpointError, CheckpointVerifier, DamageKind, Digest, Instant,
    KeyHistory, KeyRotation, KeyRotationError, Origin, Position, RecordView, Scan, Service, Step, SystemName,
    TileId, Tree, is_zero, leaf_hash,
};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

/// What was verified, and what was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Whose journal.
    pub origin: Origin,
    /// How many records were read.
    pub records: u64,
    /// In how many groups.
    pub groups: u64,
    /// The root over all of them.
    pub root: Digest,
    /// The signed checkpoint; the records beyond it are in the chain of groups but not signed for so far.
    pub checkpoint: Option<Checkpoint>,
    /// A write that was not finished when the folder was copied. Never acknowledged, so nothing is missing.
    pub tail: Option<Tail>,
    /// How many blobs were read.
    pub blobs: u64,
    /// The changes of the key that signs it, as its records say: which key signs for a tree of which size.
    pub keys: KeyHistory,
    /// Everything that is not as it should be; empty when all is well.
    pub findings: Vec<Finding>,
}

/// An unfinished write at the end of a journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tail {
    /// The segment.
    pub path: PathBuf,
    /// Where it starts.
    pub offset: u64,
    /// Where it ends.
    pub end: u64,
}

/// Verifies every journal under the data folder `root`, of the installation and with the key that `verifier` (of any of its
/// journals) names. `kept` are checkpoints that the auditor kept, with their origins; `each` sees every sound record.
pub fn verify_installation(
    root: &Path,
    verifier: &CheckpointVerifier,
    kept: &[(Origin, Checkpoint)],
    mut each: impl FnMut(&Origin, &RecordView<'_>),
) -> Result<Vec<Report>, Finding> {
    let mut reports = Vec::new();
    for name in names(root)? {
        let Ok(system) = name.parse::<SystemName>() else { continue };
        for service in Service::ALL {
            let folder = root.join(&name).join(service.as_str());
            if !folder.join("journal").is_dir() {
                continue;
            }
            let origin = Origin::new(verifier.origin().installation(), &system, service);
            let kept: Vec<Checkpoint> =
                kept.iter().filter(|(of, _)| *of == origin).map(|(_, checkpoint)| *checkpoint).collect();
            let verifier = verifier.for_origin(origin.clone());
            reports.push(verify_journal(&folder, &system, service, &verifier, &kept, |record| {
                each(&origin, record);
            }));
        }
    }
    Ok(reports)
}

/// Verifies the journal of (`system`, `service`) in `folder`, which holds `journal/` and, beside it, blobs and tiles.
pub fn verify_journal(
    folder: &Path,
    system: &SystemName,
    service: Service,
    verifier: &CheckpointVerifier,
    kept: &[Checkpoint],
    mut each: impl FnMut(&RecordView<'_>),
) -> Report {
    let watched = BTreeMap::new();
    let kept = kept.iter().map(|checkpoint| Expected { checkpoint: *checkpoint, note: None }).collect();
    run_journal(folder, system, service, verifier, kept, watched, |record, _| each(record)).0
}

/// A checkpoint that the records must lead to.
#[derive(Debug, Clone)]
pub(crate) struct Expected {
    pub(crate) checkpoint: Checkpoint,
    /// The note that says so; it counts when the key of its size signed it, which is known when all records were read. Without
    /// one, the checkpoint counts.
    pub(crate) note: Option<String>,
}

/// The leaves of the records that were watched for; `None` where the journal has none.
pub(crate) type Watched = BTreeMap<u64, Option<Digest>>;

/// As [`verify_journal`]; `each` gets the bytes too, and `watched` is filled in.
pub(crate) fn run_journal(
    folder: &Path,
    system: &SystemName,
    service: Service,
    verifier: &CheckpointVerifier,
    kept: Vec<Expected>,
    watched: Watched,
    each: impl FnMut(&RecordView<'_>, &[u8]),
) -> (Report, Watched) {
    let mut run = Run::new(folder, system, service, verifier, kept);
    run.watched = watched;
    run.checkpoint();
    if let Err(finding) = run.segments(each) {
        run.findings.push(finding);
    }
    run.missing_records();
    run.signatures();
    run.findings.extend(run.tiles.findings());
    run.blobs();
    let report = Report {
        origin: verifier.origin().clone(),
        records: run.tree.size(),
        groups: run.chain.group,
        root: run.tree.root(),
        checkpoint: run.signed,
        tail: run.tail,
        blobs: run.blobs,
        keys: run.keys,
        findings: run.findings,
    };
    (report, run.watched)
}

struct Run<'a> {
    folder: &'a Path,
    system: &'a SystemName,
    service: Service,
    verifier: &'a CheckpointVerifier,
    /// Checkpoints that the records must lead to: the signed one, those kept by the auditor and those in records. The smallest
    /// stands last.
    checkpoints: Vec<Expected>,
    /// Those that they do not lead to, and what that means when they count.
    contradicted: Vec<(Expected, Finding)>,
    /// What the checkpoint file says. Its signature counts when the keys are known.
    signed: Option<Checkpoint>,
    note: String,
    keys: KeyHistory,
    chain: Chain,
    tree: Tree,
    tiles: Tiles,
    callers: BTreeSet<Position>,
    watched: Watched,
    last_time: Option<Instant>,
    tail: Option<Tail>,
    blobs: u64,
    findings: Vec<Finding>,
}

impl<'a> Run<'a> {
    fn new(
        folder: &'a Path,
        system: &'a SystemName,
        service: Service,
        verifier: &'a CheckpointVerifier,
        kept: Vec<Expected>,
    ) -> Self {
        Self {
            folder,
            system,
            service,
            verifier,
            checkpoints: kept,
            contradicted: Vec::new(),
            signed: None,
            note: String::new(),
            keys: KeyHistory::default(),
            chain: Chain::START,
            tree: Tree::new(),
            tiles: Tiles::new(folder.join("tiles")),
            callers: BTreeSet::new(),
            watched: Watched::new(),
            last_time: None,
            tail: None,
            blobs: 0,
            findings: Vec::new(),
        }
    }

    fn checkpoint(&mut self) {
        let path = self.folder.join("journal/checkpoint");
        match std::fs::read(&path) {
            Ok(bytes) => {
                let note = String::from_utf8(bytes).map_err(|_| CheckpointError::Malformed);
                match note.and_then(|note| Ok((Checkpoint::claimed(&note)?.1, note))) {
                    Ok((checkpoint, note)) => {
                        self.signed = Some(checkpoint);
                        self.note.clone_from(&note);
                        self.checkpoints.push(Expected { checkpoint, note: Some(note) });
                    }
                    Err(reason) => self.findings.push(Finding::Checkpoint { path, reason }),
                }
            }
            Err(error) => self.findings.push(unreadable(&path, &error)),
        }
        self.checkpoints.sort_by_key(|expected| core::cmp::Reverse(expected.checkpoint.size));
        self.check_roots();
    }

    /// Reads the segments one after another; what cannot be read ends the reading.
    fn segments(&mut self, mut each: impl FnMut(&RecordView<'_>, &[u8])) -> Result<(), Finding> {
        let folder = self.folder.join("journal");
        let ours = |name: &str| name == "checkpoint" || name.ends_with(".new");
        let part = |name: &str| name.ends_with(".segment") || name.ends_with(".archived");
        let names = names(&folder)?;
        let strays = names.iter().filter(|name| !ours(name) && !part(name));
        self.findings.extend(strays.map(|name| Finding::Stray { path: folder.join(name) }));
        // One segment after the other in the same memory: its pages are the kernel's to clear once.
        let mut bytes = Vec::new();
        for segment in folder::segments(&folder)? {
            let SegmentFile { path, archived } = segment?;
            bytes.clear();
            File::open(&path)
                .and_then(|mut file| {
                    bytes.reserve(usize::try_from(file.metadata()?.len()).map_err(std::io::Error::other)?);
                    file.read_to_end(&mut bytes)
                })
                .map_err(|error| unreadable(&path, &error))?;
            let (before, first) = (self.chain, self.tree.size());
            self.segment(&path, &bytes, &mut each)?;
            if let Some((note, kept)) = archived {
                let (tree, after) = (self.tree.clone(), self.chain);
                let digest = Digest::of(&bytes);
                let length = bytes.len() as u64;
                let here = Archived { bytes: length, digest, before, after, tree, ..kept.clone() };
                if here != kept || kept.first().get() != first {
                    self.findings.push(Finding::Archived { path: note });
                }
            }
        }
        Ok(())
    }

    fn segment(
        &mut self,
        path: &Path,
        bytes: &[u8],
        each: &mut impl FnMut(&RecordView<'_>, &[u8]),
    ) -> Result<(), Finding> {
        let damaged =
            |offset: usize, kind| Finding::Damaged { path: path.to_owned(), offset: offset as u64, kind };
        if let Some(tail) = &self.tail
            && !is_zero(bytes)
        {
            return Err(Finding::Damaged {
                path: tail.path.clone(),
                offset: tail.offset,
                kind: DamageKind::Hole(self.chain.group),
            });
        }
        let mut scan = Scan::new(bytes, self.chain);
        let mut buffer = Vec::new();
        loop {
            match scan.step().map_err(|damage| damaged(damage.offset, damage.kind))? {
                Step::Group(group) => {
                    let first = group.header.first;
                    let records =
                        group.records(&mut buffer).map_err(|damage| damaged(damage.offset, damage.kind))?;
                    for (position, record) in (first.get()..).map(Position::new).zip(records) {
                        self.record(position, record, each);
                    }
                    self.chain = scan.chain();
                }
                Step::End { .. } => return Ok(()),
                Step::Torn { offset, end } => {
                    self.tail = Some(Tail { path: path.to_owned(), offset: offset as u64, end: end as u64 });
                    return Ok(());
                }
            }
        }
    }

    fn record(&mut self, position: Position, bytes: &[u8], each: &mut impl FnMut(&RecordView<'_>, &[u8])) {
        let signed = self.signed.map_or(0, |checkpoint| checkpoint.size);
        let tiles = &mut self.tiles;
        let leaf = leaf_hash(bytes);
        self.tree.append_with(leaf, |level, hash| tiles.compare(level, hash, signed));
        if !self.watched.is_empty()
            && let Some(watched) = self.watched.get_mut(&position.get())
        {
            *watched = Some(leaf);
        }
        self.check_roots();
        match self.check_record(position, bytes) {
            Ok(record) => each(&record, bytes),
            Err(problem) => self.findings.push(Finding::Record { position, problem }),
        }
    }

    fn check_record<'r>(
        &mut self,
        position: Position,
        bytes: &'r [u8],
    ) -> Result<RecordView<'r>, RecordProblem> {
        let record = RecordView::parse(bytes).map_err(RecordProblem::Header)?;
        let header = record.header;
        if header.position != position {
            return Err(RecordProblem::Position(header.position));
        }
        if header.system != self.system.tag() {
            return Err(RecordProblem::System);
        }
        if self.last_time.is_some_and(|last| header.recorded_time < last) {
            return Err(RecordProblem::Time);
        }
        self.last_time = Some(header.recorded_time);
        let house = if header.kind.is_house() {
            Some(House::decode(record.body).map_err(|_| RecordProblem::Body)?)
        } else {
            None
        };
        match &house {
            Some(House::Opened(opened)) if position == Position::FIRST => {
                let origin = self.verifier.origin();
                let named = opened.installation == origin.installation()
                    && opened.system == self.system.as_str()
                    && opened.service == self.service;
                if !named {
                    return Err(RecordProblem::Owner(format!("{}/{}", opened.system, opened.service)));
                }
                self.callers.insert(position);
            }
            Some(House::CallerNamed(_)) => {
                self.callers.insert(position);
            }
            Some(House::KeyRotated(rotated)) => self.rotated(position, &rotated.note)?,
            Some(House::Opened(_)) => return Err(RecordProblem::Opening),
            _ if position == Position::FIRST => return Err(RecordProblem::Opening),
            _ => {}
        }
        if !self.callers.contains(&header.caller) {
            return Err(RecordProblem::Caller(header.caller));
        }
        Ok(record)
    }

    fn check_roots(&mut self) {
        let size = self.tree.size();
        while let Some(expected) = self.checkpoints.pop_if(|expected| expected.checkpoint.size == size) {
            if expected.checkpoint.root != self.tree.root() {
                self.contradicted.push((expected, Finding::OtherRecords { size }));
            }
        }
    }

    /// Checkpoints that the records never reached.
    fn missing_records(&mut self) {
        let records = self.tree.size();
        while let Some(expected) = self.checkpoints.pop() {
            let checkpoint = expected.checkpoint.size;
            self.contradicted.push((expected, Finding::Shorter { records, checkpoint }));
        }
    }

    /// Now that the keys are known: what counts, and what does not.
    fn signatures(&mut self) {
        for (expected, finding) in core::mem::take(&mut self.contradicted) {
            let counts = |note: &String| self.keys.verify(self.verifier, note).is_ok();
            if expected.note.as_ref().is_none_or(counts) {
                self.findings.push(finding);
            }
        }
        if self.signed.is_some()
            && let Err(reason) = self.keys.verify(self.verifier, &self.note)
        {
            self.signed = None;
            let path = self.folder.join("journal/checkpoint");
            self.findings.push(Finding::Checkpoint { path, reason });
        }
    }

    /// The key is changed by the record at `position`.
    fn rotated(&mut self, position: Position, note: &str) -> Result<(), RecordProblem> {
        let rotation = note.parse::<KeyRotation>().map_err(RecordProblem::Key)?;
        if rotation.position() != position || rotation.old().origin() != self.verifier.origin() {
            return Err(RecordProblem::Key(KeyRotationError::Order));
        }
        self.keys.push(rotation).map_err(RecordProblem::Key)
    }

    fn blobs(&mut self) {
        let root = self.folder.join("blobs");
        if !root.is_dir() {
            return;
        }
        let folders = names(&root).unwrap_or_else(|finding| {
            self.findings.push(finding);
            Vec::new()
        });
        for folder in folders.iter().map(|name| root.join(name)) {
            match names(&folder) {
                Ok(names) => {
                    for name in names.iter().filter(|name| !name.ends_with(".new")) {
                        self.blob(&folder.join(name), name);
                    }
                }
                Err(finding) => self.findings.push(finding),
            }
        }
    }

    fn blob(&mut self, path: &Path, name: &str) {
        self.blobs += 1;
        match std::fs::read(path) {
            Ok(content) if Digest::of(&content).to_string() == name => {}
            Ok(_) => self.findings.push(Finding::Blob { path: path.to_owned() }),
            Err(error) => self.findings.push(unreadable(path, &error)),
        }
    }
}

const TILES_BUFFER_BYTES: usize = 64 << 10;

/// Compares the hashes kept for tiles with those that the records give, one after another. Beyond the signed checkpoint they may
/// lag behind; a start derives them again.
struct Tiles {
    folder: PathBuf,
    /// By level: the file, how many hashes of it were compared, and whether one differed.
    levels: Vec<(Option<BufReader<File>>, u64, bool)>,
}

impl Tiles {
    fn new(folder: PathBuf) -> Self {
        let open = |level: u8| {
            File::open(folder.join(level.to_string()))
                .ok()
                .map(|file| BufReader::with_capacity(TILES_BUFFER_BYTES, file))
        };
        let levels = (0..8).map(|level| (open(level), 0, false)).collect();
        Self { folder, levels }
    }

    fn compare(&mut self, level: u8, hash: Digest, signed: u64) {
        let Some((Some(file), compared, differs)) = self.levels.get_mut(usize::from(level)) else { return };
        let mut kept = [0; 32];
        let same = file.read_exact(&mut kept).is_ok() && kept == hash.0;
        *differs |= !same && *compared < TileId::hashes_in(level, signed);
        *compared += 1;
    }

    fn findings(&self) -> impl Iterator<Item = Finding> {
        let differing = self.levels.iter().enumerate().filter(|(_, (_, _, differs))| *differs);
        differing.map(|(level, _)| Finding::Tiles { path: self.folder.join(level.to_string()) })
    }
}

pub(crate) fn names(folder: &Path) -> Result<Vec<String>, Finding> {
    let failed = |error: std::io::Error| unreadable(folder, &error);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        names.push(entry.map_err(failed)?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

pub(crate) fn unreadable(path: &Path, error: &std::io::Error) -> Finding {
    Finding::Unreadable { path: path.to_owned(), reason: error.to_string() }
}
