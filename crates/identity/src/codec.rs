//! Record bodies: `[command fields, [0, events] or [1, refusal]]`. Old kinds would decode into today's events here.

use crate::{Command, Event, Refusal};
use journal::{DecodeError, Kind, Outcome, Service, decode_body, encode_body};

const ADOPT_KEYS: Kind = Kind(100);
const MINT_PERSONS: Kind = Kind(101);
const PROPOSE_PAYEE: Kind = Kind(102);
const APPROVE_PAYEE: Kind = Kind(103);
const NOTE_READ: Kind = Kind(104);

pub(crate) const fn kind(command: &Command) -> Kind {
    match command {
        Command::AdoptKeys(_) => ADOPT_KEYS,
        Command::MintPersons(_) => MINT_PERSONS,
        Command::ProposePayee(_) => PROPOSE_PAYEE,
        Command::ApprovePayee(_) => APPROVE_PAYEE,
        Command::NoteRead(_) => NOTE_READ,
    }
}

pub(crate) fn encode(command: &Command, outcome: &Outcome<Event, Refusal>, body: &mut Vec<u8>) {
    encode_body(outcome, body, |e| {
        match command {
            Command::AdoptKeys(fields) => e.encode(fields)?,
            Command::MintPersons(fields) => e.encode(fields)?,
            Command::ProposePayee(fields) => e.encode(fields)?,
            Command::ApprovePayee(fields) => e.encode(fields)?,
            Command::NoteRead(fields) => e.encode(fields)?,
        };
        Ok(())
    });
}

pub(crate) fn decode(kind: Kind, body: &[u8]) -> Result<(Command, Outcome<Event, Refusal>), DecodeError> {
    decode_body(body, |d| {
        Ok(match kind {
            ADOPT_KEYS => Command::AdoptKeys(d.decode()?),
            MINT_PERSONS => Command::MintPersons(d.decode()?),
            PROPOSE_PAYEE => Command::ProposePayee(d.decode()?),
            APPROVE_PAYEE => Command::ApprovePayee(d.decode()?),
            NOTE_READ => Command::NoteRead(d.decode()?),
            Kind(other) => return Err(DecodeError::Kind(other, Service::Identity)),
        })
    })
}
