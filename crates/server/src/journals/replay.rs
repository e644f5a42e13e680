//! A start's replay: from a snapshot when one fits, else from the first record.

use super::ids::Ids;
use super::open::JournalsError;
use engine::{Engine, RecoverError, Recovery};
use journal::{Digest, Domain, Position, Records, SystemName, house};
use std::collections::VecDeque;
use std::sync::mpsc::{self, Receiver, SyncSender};
use storage::{BlobStore, OpenError, Snapshot};

/// What a replay leaves.
pub(crate) struct Replayed<D: Domain> {
    pub(crate) engine: Engine<D>,
    pub(crate) owed: Owed<D>,
    pub(crate) files: storage::Recovery,
}

/// Records are handed from who reads and checks them to who applies them in batches of about this size.
const BATCH_BYTES: usize = 256 << 10;

/// How many batches the reader may be ahead.
const BATCHES_AHEAD: usize = 8;

/// Reads and checks the whole journal; decides nothing that `snapshot` knows already. `None` when the snapshot is not of this
/// journal: then everything is to be replayed without it.
///
/// A thread of its own reads, checks and hashes while this one decodes and applies.
pub(crate) fn replay<D: Domain>(
    system: &SystemName,
    mut files: storage::Recovery,
    snapshot: Option<&Snapshot>,
    owes_reports: bool,
    ids_in_memory: usize,
    ids: &mut Ids,
    blobs: &BlobStore,
) -> Result<Option<Replayed<D>>, JournalsError> {
    let service = D::SERVICE;
    let mut recovery = match snapshot {
        None => Recovery::<D>::new(system),
        Some(kept) => match Recovery::resume(system, &kept.content, kept.records, owes_reports, blobs) {
            Some(recovery) => recovery,
            None => return Ok(None),
        },
    };
    recovery = recovery.with_id_runs(ids_in_memory);
    let mut owed = Owed::new(owes_reports);
    let (batches, arriving) = mpsc::sync_channel(BATCHES_AHEAD);
    let mark = snapshot.map(|kept| (kept.records, kept.root));
    let (read, applied) = std::thread::scope(|scope| {
        let files = &mut files;
        let reader = std::thread::Builder::new().name(format!("replay-{service}"));
        let reading = reader.spawn_scoped(scope, move || read(files, mark, &batches));
        let reading = match reading {
            Ok(reading) => reading,
            Err(source) => {
                return (Err(JournalsError::System { what: "a thread to read a journal", source }), Ok(()));
            }
        };
        let applied = apply(&mut recovery, &mut owed, &arriving, ids, blobs);
        // A reader that is ahead of what could not be applied stops here.
        drop(arriving);
        let read = reading.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        let opened =
            |source| JournalsError::Open { system: system.clone(), service, source: Box::new(source) };
        (read.map_err(opened), applied)
    });
    let recover = |source| JournalsError::Recover { system: system.clone(), service, source };
    match (read, applied) {
        // What does not fit is not this journal's, whatever else is found in it.
        (Ok(false), _) => Ok(None),
        // What is applied comes before what is read.
        (_, Err(source)) => Err(recover(source)),
        (Err(error), Ok(())) => Err(error),
        (Ok(true), Ok(())) => Ok(Some(Replayed { engine: recovery.finish(), owed, files })),
    }
}

/// Reads and checks every group and hands its records on; false when the tree over the first `mark` records has another root.
fn read(
    files: &mut storage::Recovery,
    mark: Option<(u64, Digest)>,
    batches: &SyncSender<Vec<u8>>,
) -> Result<bool, OpenError> {
    let mut fits = mark.is_none();
    let mut batch = Vec::with_capacity(BATCH_BYTES);
    loop {
        if let Some((records, root)) = mark
            && records == files.tree().size()
        {
            fits = root == files.tree().root();
            if !fits {
                return Ok(false);
            }
        }
        match files.next_group() {
            Ok(Some(records)) => batch.extend_from_slice(records.bytes()),
            Ok(None) => break,
            Err(error) => {
                // What stands before the damage is applied all the same: what is wrong there comes first.
                let _ = batches.send(batch);
                return Err(error);
            }
        }
        if batch.len() >= BATCH_BYTES
            && batches.send(core::mem::replace(&mut batch, Vec::with_capacity(BATCH_BYTES))).is_err()
        {
            // Whoever applies them found a fault, and says so.
            return Ok(true);
        }
    }
    // As above.
    let _ = batches.send(batch);
    Ok(fits)
}

fn apply<D: Domain>(
    recovery: &mut Recovery<D>,
    owed: &mut Owed<D>,
    arriving: &Receiver<Vec<u8>>,
    ids: &mut Ids,
    blobs: &BlobStore,
) -> Result<(), RecoverError> {
    for batch in arriving {
        for record in Records::new(&batch) {
            owed.take(recovery, record, blobs)?;
        }
        keep_ids(recovery, ids);
    }
    while ids.busy() {
        if let Some(first) = ids.wait() {
            recovery.forget_ids(first);
        }
    }
    Ok(())
}

/// Hands full runs of ids on, and waits when they are written too slowly.
fn keep_ids<D: Domain>(recovery: &mut Recovery<D>, ids: &mut Ids) {
    while let Some(run) = recovery.sealed_ids() {
        ids.keep(run);
    }
    let kept = if ids.behind() { ids.wait() } else { ids.poll() };
    if let Some(first) = kept {
        recovery.forget_ids(first);
    }
}

/// The reports that a replay finds undelivered.
pub(crate) struct Owed<D: Domain> {
    wanted: bool,
    pub(crate) reports: VecDeque<(Position, D::Report)>,
    pub(crate) delivered: Option<Position>,
    position: Position,
}

impl<D: Domain> Owed<D> {
    const fn new(wanted: bool) -> Self {
        Self { wanted, reports: VecDeque::new(), delivered: None, position: Position::FIRST }
    }

    fn take(
        &mut self,
        recovery: &mut Recovery<D>,
        record: &[u8],
        blobs: &BlobStore,
    ) -> Result<(), RecoverError> {
        let mut reports = Vec::new();
        let house = recovery.record(record, blobs, &mut reports)?;
        if self.wanted {
            let position = self.position;
            self.reports.extend(reports.into_iter().map(|report| (position, report)));
        }
        if let Some(house::House::Delivered(delivered)) = house {
            self.delivered = Some(delivered.through);
            while self.reports.front().is_some_and(|(position, _)| *position <= delivered.through) {
                self.reports.pop_front();
            }
        }
        self.position = self.position.next();
        Ok(())
    }
}
