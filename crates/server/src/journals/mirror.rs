//! The second copy of a journal, and the scrub that reads both now and then.

use super::Place;
use super::metrics::JournalMetrics;
use journal::{CheckpointVerifier, Service, SystemName};
use std::error::Error;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;
use storage::{Copies, Disk, MirrorDisk, MirrorError, Reader, Scrubbed, Way};

/// After this much a scrub rests, so that it takes at most about a hundred mebibytes a second from the device.
const SCRUB_PIECE_BYTES: u64 = 1 << 20;
const SCRUB_REST: Duration = Duration::from_millis(10);

/// The disk on which the journal and the blobs of (`system`, `service`) are opened. With a mirror, what is damaged in one copy
/// was mended from the other when this returns.
pub(crate) fn copies(
    place: &Place,
    system: &SystemName,
    service: Service,
    verifier: &CheckpointVerifier,
) -> Result<Arc<dyn Disk>, MirrorError> {
    let below = |root: &std::path::Path| root.join(system.as_str()).join(service.as_str());
    let first = below(&place.root);
    let Some(mirror) = &place.mirror else {
        storage::unmirrored(&*place.disk, &first)?;
        return Ok(Arc::clone(&place.disk));
    };
    let second = below(mirror);
    for mend in
        storage::mend_copies(&Copies { disk: &*place.disk, first: &first, second: &second, verifier })?
    {
        let position = mend.position.map(journal::Position::get);
        let how = match mend.way {
            Way::Copied => "copied from the other copy",
            Way::Cleared => "cleared of what was never acknowledged",
        };
        tracing::warn!(file = %mend.path.display(), offset = mend.offset, bytes = mend.bytes, position, "{how}");
    }
    let disk = MirrorDisk::new(Arc::clone(&place.disk), &first, &second);
    Ok(Arc::new(disk.map_err(|source| MirrorError::Write { path: second, source })?))
}

/// Reads one journal's every copy again from the device, every so often.
pub(crate) struct Scrub {
    pub(crate) reader: Reader,
    pub(crate) system: SystemName,
    pub(crate) service: Service,
    pub(crate) every: Duration,
    /// Closed when the journal is.
    pub(crate) stopped: Receiver<()>,
    pub(crate) metrics: JournalMetrics,
}

impl Scrub {
    /// Runs until the journal is closed.
    pub(crate) fn run(self) {
        while self.rest(self.every) {
            let (mut groups, mut since_rest, mut going) = (0_u64, 0, true);
            self.reader.scrub(|found| {
                groups += 1;
                since_rest += self.report(found);
                if since_rest >= SCRUB_PIECE_BYTES {
                    since_rest = 0;
                    going = self.rest(SCRUB_REST);
                }
                going
            });
            if going {
                tracing::info!(system = %self.system, service = %self.service, groups, "the journal was scrubbed");
            }
        }
    }

    /// Waits; false when the journal is closed.
    fn rest(&self, time: Duration) -> bool {
        matches!(self.stopped.recv_timeout(time), Err(RecvTimeoutError::Timeout))
    }

    /// Says what was found; returns how many bytes were read for it.
    fn report(&self, found: Scrubbed) -> u64 {
        let (system, service) = (&self.system, self.service);
        match found {
            Scrubbed::Sound { bytes } => return bytes,
            Scrubbed::Mended { position, path, offset } => {
                self.metrics.mended();
                tracing::warn!(%system, %service, %position, file = %path.display(), offset, "a damaged group was mended from the other copy");
            }
            Scrubbed::Damaged(error) => {
                self.metrics.damaged();
                tracing::error!(%system, %service, error = &error as &dyn Error, "a group is damaged and there is no sound copy of it");
            }
        }
        0
    }
}
