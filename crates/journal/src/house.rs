//! The engine's own records: the same few in every journal, whatever its domain.

use crate::{DecodeError, Instant, Kind, Position, Service};
use minicbor::{Decode, Encode};

/// A record that the engine itself decides. Body: `[command, [0, []]]`, as for a domain's accepted command.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum House {
    /// The first record of every journal: whose it is.
    #[n(1)]
    Opened(#[n(0)] Opened),
    /// A caller is named for the first time; later records give this record's position.
    #[n(2)]
    CallerNamed(#[n(0)] CallerNamed),
    /// The operator of a sandbox moved its clock.
    #[n(3)]
    ClockAdvanced(#[n(0)] ClockAdvanced),
    /// Another service has answered every report up to a position: the outbox cursor.
    #[n(4)]
    Delivered(#[n(0)] Delivered),
    /// A day began; what fell due follows.
    #[n(5)]
    DayRolled(#[n(0)] DayRolled),
    /// The key that signs the journal's checkpoints was changed.
    #[n(6)]
    KeyRotated(#[n(0)] KeyRotated),
}

/// Whose journal this is.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Opened {
    /// The installation: a UUID made at first start.
    #[n(0)]
    #[cbor(with = "minicbor::bytes")]
    pub installation: [u8; 16],
    /// The system's name.
    #[n(1)]
    pub system: String,
    /// The service.
    #[n(2)]
    pub service: Service,
    /// Whether the system is a sandbox: its clock is moved by hand and it pays nothing outside its folder. Irreversible.
    #[n(3)]
    pub sandbox: bool,
}

/// A caller's name, as its certificate gives it (`urn:almoner:org:NT3`). Never a patient.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct CallerNamed {
    /// The URN.
    #[n(0)]
    pub urn: String,
}

/// A sandbox's clock was set forward.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct ClockAdvanced {
    /// The new time, from which the clock runs on.
    #[n(0)]
    pub to: Instant,
}

/// One batch of reports was answered.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Delivered {
    /// Who answered.
    #[n(0)]
    pub target: Service,
    /// Every report of the records up to and including this position is answered.
    #[n(1)]
    pub through: Position,
    /// The position of the first answer in the target's journal.
    #[n(2)]
    pub first_position: Position,
    /// Reports that the target refused all the same: parked, with an alarm.
    #[n(3)]
    pub parked: Vec<Position>,
}

/// A day began.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct DayRolled {
    /// The day.
    #[n(0)]
    pub day: crate::Day,
}

/// The key that signs the journal's checkpoints was changed: from this record on, the new one does.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct KeyRotated {
    /// The change, signed by both keys ([`crate::KeyRotation`]).
    #[n(0)]
    pub note: String,
}

impl House {
    /// The record kind.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Opened(_) => Kind(1),
            Self::CallerNamed(_) => Kind(2),
            Self::ClockAdvanced(_) => Kind(3),
            Self::Delivered(_) => Kind(4),
            Self::DayRolled(_) => Kind(5),
            Self::KeyRotated(_) => Kind(6),
        }
    }

    /// Appends the record body.
    pub fn encode(&self, body: &mut Vec<u8>) {
        let mut e = minicbor::Encoder::new(body);
        // Writing to a Vec cannot fail, and the value holds nothing that CBOR lacks.
        let _ = e
            .array(2)
            .and_then(|e| e.encode(self))
            .and_then(|e| e.array(2))
            .and_then(|e| e.u8(0))
            .and_then(|e| e.array(0));
    }

    /// Reads a record body.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        let mut d = minicbor::Decoder::new(body);
        d.array()?;
        Ok(d.decode()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn house_records_round_trip() {
        let records = [
            House::Opened(Opened {
                installation: [7; 16],
                system: "s".into(),
                service: Service::Ledger,
                sandbox: true,
            }),
            House::CallerNamed(CallerNamed { urn: "urn:almoner:org:NT3".into() }),
            House::ClockAdvanced(ClockAdvanced { to: Instant::from_micros(5) }),
            House::Delivered(Delivered {
                target: Service::Ledger,
                through: Position::new(9),
                first_position: Position::new(2),
                parked: vec![Position::new(4)],
            }),
            House::DayRolled(DayRolled { day: crate::Day::new(17_000) }),
            House::KeyRotated(KeyRotated { note: "almoner/key-rotation/v1".into() }),
        ];
        for record in records {
            let mut body = Vec::new();
            record.encode(&mut body);
            assert_eq!(House::decode(&body).unwrap(), record);
            assert!(record.kind().is_house());
        }
    }
}
