//! A start's replay: from a snapshot when one fits, else from the first record.

use super::open::JournalsError;
use engine::{Engine, RecoverError, Recovery};
use journal::{Domain, Position, SystemName, house};
use std::collections::VecDeque;
use storage::{BlobStore, OpenError, Snapshot};

/// What a replay leaves.
pub(crate) struct Replayed<D: Domain> {
    pub(crate) engine: Engine<D>,
    pub(crate) owed: Owed<D>,
    pub(crate) files: storage::Recovery,
}

/// Reads and checks the whole journal; decides nothing that `snapshot` knows already. `None` when the snapshot is not of this
/// journal: then everything is to be replayed without it.
pub(crate) fn replay<D: Domain>(
    system: &SystemName,
    mut files: storage::Recovery,
    snapshot: Option<&Snapshot>,
    owes_reports: bool,
    blobs: &BlobStore,
) -> Result<Option<Replayed<D>>, JournalsError> {
    let service = D::SERVICE;
    let opened =
        |source: OpenError| JournalsError::Open { system: system.clone(), service, source: Box::new(source) };
    let mut recovery = match snapshot {
        None => Recovery::<D>::new(system),
        Some(kept) => match Recovery::resume(system, &kept.content, kept.records, owes_reports, blobs) {
            Some(recovery) => recovery,
            None => return Ok(None),
        },
    };
    let mut owed = Owed::new(owes_reports);
    let mut fits = snapshot.is_none();
    loop {
        if let Some(kept) = snapshot
            && kept.records == files.tree().size()
        {
            fits = kept.root == files.tree().root();
            if !fits {
                return Ok(None);
            }
        }
        let Some(records) = files.next_group().map_err(opened)? else { break };
        for record in records {
            owed.take(&mut recovery, record, blobs).map_err(|source| JournalsError::Recover {
                system: system.clone(),
                service,
                source,
            })?;
        }
    }
    Ok(fits.then(|| Replayed { engine: recovery.finish(), owed, files }))
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
