//! Verifying a whole data folder: every journal by itself, then what they say of each other, then what others kept of them.

use crate::crossing::{Crossed, Crossings};
use crate::folder::{self, FolderBlobs, JournalFolder};
use crate::ids::Ids;
use crate::kept::Kept;
use crate::pins::Pins;
use crate::replay::{Ended, FINDINGS_MAX, Replaying, replay_of};
use crate::{Finding, Replayed, Report, reversals, verify};
use journal::{CheckpointVerifier, Origin, RECORD_BYTES_MAX, RecordView, Records, Service, SystemName};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};

/// What an auditor brings along.
#[derive(Debug, Clone)]
pub struct Given {
    /// The key that signs the installation's checkpoints, as any of its journals' verifier key.
    pub verifier: CheckpointVerifier,
    /// Receipts (c2sp.org/tlog-proof) that anybody kept: their files and texts.
    pub receipts: Vec<(PathBuf, String)>,
    /// Checkpoints (signed notes) that anybody kept: their files and texts.
    pub checkpoints: Vec<(PathBuf, String)>,
}

/// What could not be proved, though nothing was found wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unproved {
    /// Records after the last signed checkpoint: in the chain of groups, but nobody signed for them.
    #[error("{origin}: {records} records after the last signed checkpoint are not signed for")]
    Unsigned {
        /// Whose.
        origin: Origin,
        /// How many.
        records: u64,
    },
    /// A receipt or a checkpoint of a journal that is not here.
    #[error("{}: the journal {origin} is not here", path.display())]
    NotHere {
        /// The file.
        path: PathBuf,
        /// Whose it is.
        origin: String,
    },
    /// Checkpoints that approvals pinned, of a journal that is not here.
    #[error("{count} checkpoints that approvals pinned are of {origin}, which is not here")]
    PinNotHere {
        /// Whose they are.
        origin: String,
        /// How many.
        count: u64,
    },
    /// Records that follow from a journal that is not here.
    #[error("{system}: {count} records of {from} follow from records of {to}, whose journal is not here")]
    CauseNotHere {
        /// The system.
        system: SystemName,
        /// Whose records.
        from: Service,
        /// In which journal.
        to: Service,
        /// How many.
        count: u64,
    },
    /// A journal's replay stopped at a record that could not be decided again.
    #[error("{origin}: the records from {from} on were not replayed")]
    NotReplayed {
        /// Whose.
        origin: Origin,
        /// The first one.
        from: journal::Position,
    },
    /// There is nothing to prove.
    #[error("there is no journal here")]
    Nothing,
}

/// What a verification comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Everything was proved.
    Proved,
    /// Nothing is wrong as far as could be seen, and not everything could be.
    Incomplete,
    /// Something is wrong.
    Wrong,
}

/// One journal, by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalProof {
    /// Its system.
    pub system: SystemName,
    /// Its service.
    pub service: Service,
    /// Its bytes, records, tree, checkpoint, tiles and blobs; findings of the replay among the others.
    pub report: Report,
    /// Its replay.
    pub replayed: Replayed,
}

/// What was verified, and what was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// Every journal.
    pub journals: Vec<JournalProof>,
    /// What the journals of each system say of each other.
    pub crossed: BTreeMap<SystemName, Crossed>,
    /// Receipts that hold.
    pub receipts: usize,
    /// Checkpoints given that hold.
    pub checkpoints: usize,
    /// Checkpoints inside records that hold: those that approvals of runs pinned, and those that witnesses cosigned.
    pub pinned: u64,
    /// What is wrong between journals, and with what was given.
    pub findings: Vec<Finding>,
    /// What could not be proved.
    pub unproved: Vec<Unproved>,
}

impl Verification {
    /// What it comes to.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        if !self.findings.is_empty() || self.journals.iter().any(|proof| !proof.report.findings.is_empty()) {
            Outcome::Wrong
        } else if self.unproved.is_empty() {
            Outcome::Proved
        } else {
            Outcome::Incomplete
        }
    }
}

/// Verifies everything under the data folder `root`, or a copy of it. `progress` is told of each journal before it is read.
pub fn examine(
    root: &Path,
    given: &Given,
    mut progress: impl FnMut(&SystemName, Service),
) -> Result<Verification, Finding> {
    let mut verification = Verification {
        journals: Vec::new(),
        crossed: BTreeMap::new(),
        receipts: 0,
        checkpoints: 0,
        pinned: 0,
        findings: Vec::new(),
        unproved: Vec::new(),
    };
    let kept = Kept::read(given, &mut verification.findings);
    let folders = folder::journals(root)?;
    if folders.is_empty() {
        verification.unproved.push(Unproved::Nothing);
    }
    // What a record says of another journal's tree, or of its own, must be so when that tree is read.
    let pins = Pins::read(&folders, given, &mut verification.findings);
    for of_system in folders.chunk_by(|a, b| a.system == b.system) {
        let mut crossings = Crossings::default();
        for folder in of_system {
            progress(&folder.system, folder.service);
            crossings = journal(folder, given, (&kept, &pins), crossings, &mut verification);
        }
        let Some(system) = of_system.first().map(|folder| folder.system.clone()) else { continue };
        let crossed = crossings.finish(&mut verification.findings);
        for ((from, to), count) in &crossed.not_here {
            let (system, from, to, count) = (system.clone(), *from, *to, *count);
            verification.unproved.push(Unproved::CauseNotHere { system, from, to, count });
        }
        verification.crossed.insert(system, crossed);
    }
    for away in kept.elsewhere(&given.verifier, &verification.journals) {
        match away {
            Ok((path, origin)) => {
                verification.unproved.push(Unproved::NotHere { path, origin: origin.to_string() });
            }
            Err(finding) => verification.findings.push(finding),
        }
    }
    verification.unproved.extend(pins.elsewhere(&verification.journals));
    Ok(verification)
}

/// Verifies one journal: its bytes and tree on this thread, its replay on another.
fn journal(
    folder: &JournalFolder,
    given: &Given,
    (kept, pins): (&Kept, &Pins),
    crossings: Crossings,
    verification: &mut Verification,
) -> Crossings {
    let JournalFolder { system, service, path } = folder;
    let origin = Origin::new(given.verifier.origin().installation(), system, *service);
    let verifier = given.verifier.for_origin(origin.clone());
    let mut held = kept.of(&origin);
    held.extend(pins.of(&origin));
    let replay = replay_of(*service, FolderBlobs { folder: path.join("blobs") }, crossings);
    let (mut report, watched, ended, ids) = std::thread::scope(|scope| {
        let (sender, batches) = sync_channel::<Vec<u8>>(BATCHES_WAITING_MAX);
        let (done, used) = channel();
        let replaying = scope.spawn(move || replay_batches(replay, &batches, &done));
        let mut batch = Vec::with_capacity(BATCH_CAPACITY);
        let mut ids = Ids::default();
        let (report, watched) = verify::run_journal(
            path,
            system,
            *service,
            &verifier,
            held,
            kept.watched(&origin),
            |record, bytes| {
                ids.push(record.header.request_id);
                batch.extend_from_slice(bytes);
                if batch.len() >= BATCH_BYTES {
                    let next = used.try_recv().unwrap_or_else(|_| Vec::with_capacity(BATCH_CAPACITY));
                    let full = core::mem::replace(&mut batch, next);
                    // Only a replay that panicked is gone, and joining it says so.
                    let _ = sender.send(full);
                }
            },
        );
        let _ = sender.send(batch);
        drop(sender);
        let replayed = replaying.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        (report, watched, replayed, ids)
    });
    let Ended { replayed, mut crossings, reversals, findings } = ended;
    report.findings.extend(findings);
    report.findings.extend(ids.twice(FINDINGS_MAX));
    report.findings.extend(reversals::compare(path, reversals));
    crossings.journal(*service, report.records);
    kept.compare(&verifier, &report, &watched, verification);
    pins.compare(&verifier, &report, verification);
    let signed = report.checkpoint.map_or(0, |checkpoint| checkpoint.size);
    if report.records > signed && report.checkpoint.is_some() {
        let records = report.records - signed;
        verification.unproved.push(Unproved::Unsigned { origin: origin.clone(), records });
    }
    if let Some(from) = replayed.stopped {
        verification.unproved.push(Unproved::NotReplayed { origin, from });
    }
    let (system, service) = (system.clone(), *service);
    verification.journals.push(JournalProof { system, service, report, replayed });
    crossings
}

/// Records are handed over in batches of about this size, and so many may wait.
const BATCH_BYTES: usize = 256 << 10;
const BATCHES_WAITING_MAX: usize = 8;
const BATCH_CAPACITY: usize = BATCH_BYTES + RECORD_BYTES_MAX;

/// Replays batches and gives each back to be filled again.
fn replay_batches(
    mut replay: Box<dyn Replaying>,
    batches: &Receiver<Vec<u8>>,
    done: &Sender<Vec<u8>>,
) -> Ended {
    for mut batch in batches {
        for record in Records::new(&batch) {
            // What does not parse was found before and not handed over.
            if let Ok(record) = RecordView::parse(record) {
                replay.record(&record);
            }
        }
        batch.clear();
        // Whoever filled it may have ended.
        let _ = done.send(batch);
    }
    replay.finish()
}
