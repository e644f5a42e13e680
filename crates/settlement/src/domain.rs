//! The domain as the engine sees it: kinds, bytes, and the two functions.

use crate::{
    AdoptReference, AdoptTerms, Adopted, BankMessage, Command, Event, PrepareRun, PrepareTerms,
    RecordBankMessage, Refusal, RunContent, State, apply, decide, instalment,
};
use journal::{
    Blobs, Day, DecodeError, Digest, Domain, Events, Kind, Moment, Outcome, Service, Written, decode_body,
    encode_body,
};
use minicbor::Encoder;
use std::sync::Arc;

/// What falls due, and the runs that pay it.
#[derive(Debug)]
pub struct Settlement;

const ADOPT_REFERENCE: Kind = Kind(100);
const FALL_DUE: Kind = Kind(101);
const SETTLE_ASKS: Kind = Kind(102);
const PREPARE_RUN: Kind = Kind(103);
const APPROVE_RUN: Kind = Kind(104);
const PAY_RUN: Kind = Kind(105);
const RECORD_FILES: Kind = Kind(106);
const STEP_RUN: Kind = Kind(107);
const RECORD_BANK_MESSAGE: Kind = Kind(108);
const WITNESS_RUN: Kind = Kind(109);
const WAIVE_WITNESSES: Kind = Kind(110);

impl Domain for Settlement {
    const SERVICE: Service = Service::Settlement;

    type State = State;
    type Command = Command;
    type Event = Event;
    type Refusal = Refusal;
    type Report = ();

    fn kind(command: &Command) -> Kind {
        match command {
            Command::AdoptReference(_) => ADOPT_REFERENCE,
            Command::FallDue(_) => FALL_DUE,
            Command::SettleAsks(_) => SETTLE_ASKS,
            Command::PrepareRun(_) => PREPARE_RUN,
            Command::ApproveRun(_) => APPROVE_RUN,
            Command::PayRun(_) => PAY_RUN,
            Command::RecordFiles(_) => RECORD_FILES,
            Command::StepRun(_) => STEP_RUN,
            Command::RecordBankMessage(_) => RECORD_BANK_MESSAGE,
            Command::WitnessRun(_) => WITNESS_RUN,
            Command::WaiveWitnesses(_) => WAIVE_WITNESSES,
        }
    }

    fn decide(state: &State, at: &Moment, command: &Command) -> Result<Events<Event>, Refusal> {
        decide::decide(state, at, command)
    }

    fn apply(state: &mut State, at: &Moment, command: &Command, event: &Event) {
        apply::apply(state, at, command, event);
    }

    fn encode(command: &Command, outcome: &Outcome<Event, Refusal>, body: &mut Vec<u8>) {
        encode_body(outcome, body, |e| encode(command, e));
    }

    fn decode(
        kind: Kind,
        body: &[u8],
        blobs: &dyn Blobs,
    ) -> Result<(Command, Outcome<Event, Refusal>), DecodeError> {
        decode_body(body, |d| {
            Ok(match kind {
                ADOPT_REFERENCE => Command::AdoptReference(adoption(d.decode()?, blobs)?),
                FALL_DUE => Command::FallDue(d.decode()?),
                SETTLE_ASKS => Command::SettleAsks(d.decode()?),
                PREPARE_RUN => Command::PrepareRun(preparation(d.decode()?, blobs)?),
                APPROVE_RUN => Command::ApproveRun(d.decode()?),
                PAY_RUN => Command::PayRun(d.decode()?),
                RECORD_FILES => Command::RecordFiles(d.decode()?),
                STEP_RUN => Command::StepRun(d.decode()?),
                RECORD_BANK_MESSAGE => Command::RecordBankMessage(message(d.decode()?, blobs)?),
                WITNESS_RUN => Command::WitnessRun(d.decode()?),
                WAIVE_WITNESSES => Command::WaiveWitnesses(d.decode()?),
                Kind(other) => return Err(DecodeError::Kind(other, Self::SERVICE)),
            })
        })
    }

    fn differing_field(recorded: &Command, offered: &Command) -> &'static str {
        differing_field(recorded, offered)
    }

    fn reports(_: &Moment, _: &Command, _: &Event, _: &mut Vec<()>) {}

    fn day_roll(state: &State, day: Day) -> Vec<Command> {
        instalment::due(state, day).into_iter().map(Command::FallDue).collect()
    }
}

fn adoption(terms: AdoptTerms, blobs: &dyn Blobs) -> Result<AdoptReference, DecodeError> {
    let adopted =
        Adopted::read(&blobs.checked(terms.digest)?).map_err(|_| DecodeError::BlobDamaged(terms.digest))?;
    Ok(AdoptReference { terms, adopted })
}

fn preparation(terms: PrepareTerms, blobs: &dyn Blobs) -> Result<PrepareRun, DecodeError> {
    let content = minicbor::decode::<RunContent>(&blobs.checked(terms.digest)?);
    let content = Arc::new(content.map_err(|_| DecodeError::BlobDamaged(terms.digest))?);
    Ok(PrepareRun { terms, content })
}

fn message(digest: Digest, blobs: &dyn Blobs) -> Result<RecordBankMessage, DecodeError> {
    let message =
        BankMessage::from_cbor(&blobs.checked(digest)?).map_err(|_| DecodeError::BlobDamaged(digest))?;
    Ok(RecordBankMessage { blob: digest, message: Arc::new(message) })
}

fn encode(command: &Command, e: &mut Encoder<&mut Vec<u8>>) -> Written {
    match command {
        Command::AdoptReference(command) => e.encode(command.terms)?,
        Command::FallDue(command) => e.encode(command)?,
        Command::SettleAsks(command) => e.encode(command)?,
        Command::PrepareRun(command) => e.encode(command.terms)?,
        Command::ApproveRun(command) => e.encode(command)?,
        Command::PayRun(command) => e.encode(command)?,
        Command::RecordFiles(command) => e.encode(command)?,
        Command::StepRun(command) => e.encode(command)?,
        Command::RecordBankMessage(command) => e.encode(command.blob)?,
        Command::WitnessRun(command) => e.encode(command)?,
        Command::WaiveWitnesses(command) => e.encode(command)?,
    };
    Ok(())
}

/// The first field that differs, by its name on the wire.
fn differing_field(recorded: &Command, offered: &Command) -> &'static str {
    match (recorded, offered) {
        (Command::PrepareRun(a), Command::PrepareRun(b)) if a.content.cut != b.content.cut => "cut",
        (Command::PrepareRun(_), Command::PrepareRun(_)) => "pay_date",
        (Command::ApproveRun(a), Command::ApproveRun(b)) if a.run != b.run => "run",
        (Command::ApproveRun(_), Command::ApproveRun(_)) => "digest",
        (Command::PayRun(a), Command::PayRun(b)) if a.run != b.run => "run",
        (Command::PayRun(_), Command::PayRun(_)) => "digest",
        (Command::WaiveWitnesses(a), Command::WaiveWitnesses(b)) if a.run != b.run => "run",
        (Command::WaiveWitnesses(a), Command::WaiveWitnesses(b)) if a.digest != b.digest => "digest",
        (Command::WaiveWitnesses(_), Command::WaiveWitnesses(_)) => "reason",
        (Command::StepRun(a), Command::StepRun(b)) if a.step == b.step && a.run != b.run => "run",
        (Command::StepRun(a), Command::StepRun(b)) if a.step == b.step => "reason",
        (Command::RecordBankMessage(_), Command::RecordBankMessage(_)) => "message",
        // The rest are the service's own, or another call altogether.
        (_, _) => "request_id",
    }
}
