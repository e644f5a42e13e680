//! Replay: the same state from the journal's records alone.

use crate::{
    Engine, Group,
    index::{IdRun, RUN_IDS, RequestIndex},
};
use journal::{
    Blobs, DecodeError, Domain, HeaderError, Instant, Moment, Outcome, Position, RecordView, SystemName,
    house::House,
};
use std::sync::Arc;

/// A record cannot be part of this journal.
#[derive(Debug, thiserror::Error)]
pub enum RecoverError {
    /// Its header is not one.
    #[error("record {position}: its header is damaged")]
    Header {
        /// The record.
        position: Position,
        /// What is wrong.
        source: HeaderError,
    },
    /// It is not where it says.
    #[error("record {position} says that it is record {claimed}")]
    Position {
        /// Where it stands.
        position: Position,
        /// What it says.
        claimed: Position,
    },
    /// It belongs to another system's journal.
    #[error("record {position} belongs to another system")]
    System {
        /// The record.
        position: Position,
    },
    /// Time goes back.
    #[error("record {position} was recorded before the record before it")]
    Time {
        /// The record.
        position: Position,
    },
    /// Its body is not one that this program reads.
    #[error("record {position}: its body does not decode")]
    Body {
        /// The record.
        position: Position,
        /// What is wrong.
        source: DecodeError,
    },
}

/// An engine that is being brought up to date from its records.
#[derive(Debug)]
pub struct Recovery<D: Domain> {
    engine: Engine<D>,
    next: Position,
    /// The first record that the engine's state does not hold yet. Of those before it only the ids are taken, and the reports
    /// that nobody has answered.
    from: Position,
    owes_reports: bool,
    /// Whether the ids are collected.
    keeps_ids: bool,
    seen_time: Instant,
}

impl<D: Domain> Recovery<D> {
    /// Starts at the first record of `system`'s journal.
    #[must_use]
    pub fn new(system: &SystemName) -> Self {
        let mut engine = Engine::new(system);
        engine.ids = RequestIndex::new(Position::FIRST, RUN_IDS, false);
        Self {
            engine,
            next: Position::FIRST,
            from: Position::FIRST,
            owes_reports: true,
            keeps_ids: true,
            seen_time: Instant::default(),
        }
    }

    /// With runs of `count` ids, for tests that have few.
    #[must_use]
    pub fn with_id_runs(mut self, count: usize) -> Self {
        self.engine.ids = RequestIndex::new(Position::FIRST, count, false);
        self
    }

    /// Starts at the first record as well, with the state of a snapshot of the first `records`; `None` when this program does
    /// not read it. Whether it is of this journal, the caller finds out by its root.
    /// `owes_reports` says whether anybody is told of what happened.
    #[must_use]
    pub fn resume(
        system: &SystemName,
        content: &[u8],
        records: u64,
        owes_reports: bool,
        blobs: &dyn Blobs,
    ) -> Option<Self> {
        let mut engine = Engine::restore(system, content, blobs)?;
        engine.ids = RequestIndex::new(Position::FIRST, RUN_IDS, false);
        Some(Self { engine, from: Position::new(records), owes_reports, ..Self::new(system) })
    }

    /// As [`Recovery::resume`], but its first record is the one after the snapshot's. It knows no ids, so it is good for the
    /// next snapshot only.
    #[must_use]
    pub fn continued(system: &SystemName, content: &[u8], records: u64, blobs: &dyn Blobs) -> Option<Self> {
        let resumed = Self::resume(system, content, records, false, blobs)?;
        Some(Self { next: resumed.from, keeps_ids: false, seen_time: resumed.engine.last_time(), ..resumed })
    }

    /// The position of the record that it expects.
    #[must_use]
    pub const fn next(&self) -> Position {
        self.next
    }

    /// The state after every record so far, as [`Engine::snapshot`] gives it.
    #[must_use]
    pub fn snapshot(&self) -> Option<Vec<u8>> {
        self.engine.snapshot()
    }

    /// Takes the next record. What it tells other services is appended to `reports`; the house record in it, if it is one,
    /// is returned, so that the driver can follow its outbox cursor.
    pub fn record(
        &mut self,
        record: &[u8],
        blobs: &dyn Blobs,
        reports: &mut Vec<D::Report>,
    ) -> Result<Option<House>, RecoverError> {
        let position = self.next;
        let view = RecordView::parse(record).map_err(|source| RecoverError::Header { position, source })?;
        let header = view.header;
        if header.position != position {
            return Err(RecoverError::Position { position, claimed: header.position });
        }
        if header.system != self.engine.system {
            return Err(RecoverError::System { position });
        }
        if header.recorded_time < self.seen_time {
            return Err(RecoverError::Time { position });
        }
        self.seen_time = header.recorded_time;
        let moment = Moment {
            position,
            recorded_time: header.recorded_time,
            business_date: header.business_date,
            request_id: header.request_id,
            caller: header.caller,
        };
        let body = |source| RecoverError::Body { position, source };
        let known = position < self.from;
        if self.keeps_ids {
            self.engine.ids.push(moment.request_id);
        }
        self.next = position.next();
        if !known {
            (self.engine.last_time, self.engine.last_date) = (moment.recorded_time, moment.business_date);
        }
        if header.kind.is_house() {
            let record = House::decode(view.body).map_err(body)?;
            if !known {
                self.engine.apply_house(&moment, &record);
            }
            return Ok(Some(record));
        }
        if known && (!self.owes_reports || self.engine.delivered.is_some_and(|through| position <= through)) {
            return Ok(None);
        }
        let (command, outcome) = D::decode(header.kind, view.body, blobs).map_err(body)?;
        if let Outcome::Accepted(events) = outcome {
            for event in &events {
                if !known {
                    D::apply(&mut self.engine.state, &moment, &command, event);
                }
                D::reports(&moment, &command, event, reports);
            }
        }
        Ok(None)
    }

    /// As [`Engine::sealed_ids`]. Who never takes them away finds all of them in memory.
    pub fn sealed_ids(&mut self) -> Option<Arc<IdRun>> {
        self.engine.sealed_ids()
    }

    /// As [`Engine::forget_ids`].
    pub fn forget_ids(&mut self, first: Position) {
        self.engine.forget_ids(first);
    }

    /// The engine, ready for its next command.
    #[must_use]
    pub fn finish(self) -> Engine<D> {
        let Self { mut engine, next, .. } = self;
        engine.group = Group::new(next);
        engine.ids.seek();
        engine
    }
}
