//! Record bodies: `[command fields, [0, events] or [1, refusal]]`. Old kinds would decode into today's events here.

use crate::{Command, Event, Refusal};
use journal::{DecodeError, Events, Kind, Outcome, Service};
use minicbor::{Decode, Decoder, Encoder, encode::Error as EncodeError};

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
    // Writing to a Vec cannot fail, and the values hold nothing that CBOR lacks.
    let _ = try_encode(command, outcome, &mut Encoder::new(body));
}

fn try_encode(
    command: &Command,
    outcome: &Outcome<Event, Refusal>,
    e: &mut Encoder<&mut Vec<u8>>,
) -> Result<(), EncodeError<core::convert::Infallible>> {
    e.array(2)?;
    match command {
        Command::AdoptKeys(fields) => e.encode(fields)?,
        Command::MintPersons(fields) => e.encode(fields)?,
        Command::ProposePayee(fields) => e.encode(fields)?,
        Command::ApprovePayee(fields) => e.encode(fields)?,
        Command::NoteRead(fields) => e.encode(fields)?,
    };
    e.array(2)?;
    match outcome {
        Outcome::Accepted(events) => e.u8(0)?.encode(events.as_slice())?,
        Outcome::Refused(refusal) => e.u8(1)?.encode(refusal)?,
    };
    Ok(())
}

pub(crate) fn decode(kind: Kind, body: &[u8]) -> Result<(Command, Outcome<Event, Refusal>), DecodeError> {
    let mut d = Decoder::new(body);
    pair(&mut d)?;
    let command = match kind {
        ADOPT_KEYS => Command::AdoptKeys(d.decode()?),
        MINT_PERSONS => Command::MintPersons(d.decode()?),
        PROPOSE_PAYEE => Command::ProposePayee(d.decode()?),
        APPROVE_PAYEE => Command::ApprovePayee(d.decode()?),
        NOTE_READ => Command::NoteRead(d.decode()?),
        Kind(other) => return Err(DecodeError::Kind(other, Service::Identity)),
    };
    pair(&mut d)?;
    let outcome = match d.u8()? {
        0 => Outcome::Accepted(events(&mut d)?),
        1 => Outcome::Refused(d.decode()?),
        _ => return Err(minicbor::decode::Error::message("an outcome is 0 or 1").into()),
    };
    if d.position() != body.len() {
        return Err(minicbor::decode::Error::message("bytes follow the outcome").into());
    }
    Ok((command, outcome))
}

fn events<'b, E: Decode<'b, ()>>(d: &mut Decoder<'b>) -> Result<Events<E>, minicbor::decode::Error> {
    d.array_iter::<E>()?.collect()
}

fn pair(d: &mut Decoder<'_>) -> Result<(), minicbor::decode::Error> {
    if d.array()? == Some(2) {
        Ok(())
    } else {
        Err(minicbor::decode::Error::message("a body is a pair of command and outcome"))
    }
}
