//! Replay: the same state from the journal's records alone.

use crate::{Engine, Group};
use journal::{
    Blobs, DecodeError, Domain, HeaderError, Moment, Outcome, Position, RecordView, SystemName, house::House,
};

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
}

impl<D: Domain> Recovery<D> {
    /// Starts at the first record of `system`'s journal.
    #[must_use]
    pub fn new(system: &SystemName) -> Self {
        Self { engine: Engine::new(system), next: Position::FIRST }
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
        if header.recorded_time < self.engine.last_time {
            return Err(RecoverError::Time { position });
        }
        let moment = Moment {
            position,
            recorded_time: header.recorded_time,
            business_date: header.business_date,
            request_id: header.request_id,
            caller: header.caller,
        };
        let body = |source| RecoverError::Body { position, source };
        self.engine.note(&moment);
        self.next = position.next();
        if header.kind.is_house() {
            let record = House::decode(view.body).map_err(body)?;
            self.engine.apply_house(&moment, &record);
            return Ok(Some(record));
        }
        let (command, outcome) = D::decode(header.kind, view.body, blobs).map_err(body)?;
        if let Outcome::Accepted(events) = outcome {
            for event in &events {
                D::apply(&mut self.engine.state, &moment, &command, event);
                D::reports(&moment, &command, event, reports);
            }
        }
        Ok(None)
    }

    /// The engine, ready for its next command.
    #[must_use]
    pub fn finish(self) -> Engine<D> {
        let Self { mut engine, next } = self;
        engine.group = Group::new(next);
        engine
    }
}
