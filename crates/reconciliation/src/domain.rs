//! The two functions that are the whole machine, and their bytes.

use crate::{
    ApproveControlTotal, Command, ControlTotal, Event, Pending, ProposeControlTotal, RecordPosition,
    RecordedPosition, Refusal, Report, Row, State, TEXT_BYTES_MAX, TOTAL_MAX,
    command::{CHANGES_PER_REPORT_MAX, Moved, ROWS_MAX},
};
use journal::{
    Blobs, Day, DecodeError, Digest, Domain, Events, Kind, Moment, Outcome, Position, Service, Written,
    decode_body, derived_request_id, encode_body,
};
use minicbor::{Decoder, Encoder};
use money::NetPence;
use smallvec::smallvec;
use std::collections::BTreeSet;

/// Control totals agreed to and positions kept.
#[derive(Debug, Clone, Copy)]
pub struct Reconciliation;

const PROPOSE: Kind = Kind(100);
const APPROVE: Kind = Kind(101);
const RECORD_POSITION: Kind = Kind(102);

/// The most proposals that wait at once: more than two people could look at.
const PENDING_MAX: usize = 100;

impl Domain for Reconciliation {
    const SERVICE: Service = Service::Reconciliation;

    type State = State;
    type Command = Command;
    type Event = Event;
    type Refusal = Refusal;
    type Report = Report;

    fn kind(command: &Command) -> Kind {
        match command {
            Command::Propose(_) => PROPOSE,
            Command::Approve(_) => APPROVE,
            Command::RecordPosition(_) => RECORD_POSITION,
        }
    }

    fn decide(state: &State, at: &Moment, command: &Command) -> Result<Events<Event>, Refusal> {
        match command {
            Command::Propose(propose) => Ok(smallvec![decide_propose(state, propose)?]),
            Command::Approve(approve) => decide_approve(state, at, approve),
            Command::RecordPosition(_) => Ok(smallvec![Event::PositionRecorded]),
        }
    }

    fn apply(state: &mut State, at: &Moment, command: &Command, event: &Event) {
        match (command, event) {
            (Command::Propose(propose), Event::Proposed(digest)) => {
                let proposal = access::Proposal { digest: *digest, proposer: at.caller };
                let (content, proposed_time) = (propose.clone(), at.recorded_time);
                state.pending.insert(at.position, Pending { content, proposal, proposed_time });
            }
            (Command::Approve(approve), Event::Approved(_)) => apply_approval(state, at, approve),
            (Command::RecordPosition(record), Event::PositionRecorded) => {
                let kept = RecordedPosition { recorded: record.clone(), time: at.recorded_time };
                state.positions.insert(at.position, kept);
            }
            // What the ledger is told; the totals themselves stand in the proposal.
            (Command::Approve(_), Event::Moved(_)) => {}
            // decide pairs each command with its own event; another pair is not one that a journal holds.
            (_, Event::Proposed(_) | Event::Approved(_) | Event::PositionRecorded | Event::Moved(_)) => {}
        }
    }

    fn encode(command: &Command, outcome: &Outcome<Event, Refusal>, body: &mut Vec<u8>) {
        encode_body(outcome, body, |e| encode(command, e));
    }

    fn decode(
        kind: Kind,
        body: &[u8],
        _: &dyn Blobs,
    ) -> Result<(Command, Outcome<Event, Refusal>), DecodeError> {
        decode_body(body, |d| {
            Ok(match kind {
                PROPOSE => Command::Propose(d.decode()?),
                APPROVE => Command::Approve(decode_approve(d)?),
                RECORD_POSITION => Command::RecordPosition(decode_position(d)?),
                Kind(other) => return Err(DecodeError::Kind(other, Self::SERVICE)),
            })
        })
    }

    fn differing_field(recorded: &Command, offered: &Command) -> &'static str {
        match (recorded, offered) {
            (Command::Propose(a), Command::Propose(b)) if a.year != b.year => "financial_year",
            (Command::Propose(a), Command::Propose(b)) if a.rows != b.rows => "control_totals",
            (Command::Propose(a), Command::Propose(b)) if a.source != b.source => "source",
            (Command::Propose(_), Command::Propose(_)) => "illustrative",
            (Command::Approve(a), Command::Approve(b)) if a.proposal != b.proposal => "proposal",
            (Command::Approve(_), Command::Approve(_)) => "digest",
            (Command::RecordPosition(_), Command::RecordPosition(_)) => "financial_year",
            (Command::Propose(_) | Command::Approve(_) | Command::RecordPosition(_), _) => "request_id",
        }
    }

    fn reports(at: &Moment, _: &Command, event: &Event, out: &mut Vec<Report>) {
        let Event::Moved(Moved { year, changes }) = event else { return };
        for (part, changes) in (0_u32..).zip(changes.chunks(CHANGES_PER_REPORT_MAX)) {
            out.push(Report {
                request_id: derived_request_id("targets", at.request_id, &part.to_le_bytes()),
                effective: at.business_date,
                year: *year,
                changes: changes.to_vec(),
            });
        }
    }

    fn day_roll(_: &State, _: Day) -> Vec<Command> {
        Vec::new()
    }
}

fn decide_propose(state: &State, propose: &ProposeControlTotal) -> Result<Event, Refusal> {
    if propose.rows.is_empty() || propose.rows.len() > ROWS_MAX {
        return Err(Refusal::BatchSize);
    }
    let mut bodies = BTreeSet::new();
    for (row, total) in (0_u32..).zip(&propose.rows) {
        if !bodies.insert(total.organisation) {
            return Err(Refusal::RowRepeated { row });
        }
    }
    if propose.source.is_empty() || propose.source.len() > TEXT_BYTES_MAX {
        return Err(Refusal::TextLength);
    }
    if let Some((row, _)) = (0_u32..).zip(&propose.rows).find(|(_, total)| total.reserve.get() < 0) {
        return Err(Refusal::ReserveNegative { row });
    }
    let too_large = |row: &Row| row.total.get().unsigned_abs() > TOTAL_MAX.unsigned_abs();
    if let Some((row, _)) = (0_u32..).zip(&propose.rows).find(|(_, total)| too_large(total)) {
        return Err(Refusal::TotalTooLarge { row });
    }
    if state.pending.len() >= PENDING_MAX {
        return Err(Refusal::TooManyProposals);
    }
    Ok(Event::Proposed(propose.digest()))
}

fn decide_approve(
    state: &State,
    at: &Moment,
    approve: &ApproveControlTotal,
) -> Result<Events<Event>, Refusal> {
    let proposal = approve.proposal;
    let pending = state.pending.get(&proposal).ok_or(Refusal::ProposalUnknown { proposal })?;
    let approval =
        access::approve(&pending.proposal, at.caller, approve.digest).map_err(Refusal::Approval)?;
    let mut events = smallvec![Event::Approved(approval)];
    let moved = moved(state, &pending.content)?;
    if !moved.changes.is_empty() {
        events.push(Event::Moved(moved));
    }
    Ok(events)
}

/// What approving `content` changes in the organisations' totals.
fn moved(state: &State, content: &ProposeControlTotal) -> Result<Moved, Refusal> {
    let mut changes = Vec::new();
    for (row, total) in (0_u32..).zip(&content.rows) {
        let Some(organisation) = total.organisation else { continue };
        let stands =
            state.totals.get(&(content.year, total.organisation)).map_or(NetPence::ZERO, |row| row.total);
        let change = total.total.checked_sub(stands).map_err(|_| Refusal::TotalTooLarge { row })?;
        if !change.is_zero() {
            changes.push((organisation, change));
        }
    }
    Ok(Moved { year: content.year, changes })
}

fn apply_approval(state: &mut State, at: &Moment, approve: &ApproveControlTotal) {
    let Some(Pending { content, .. }) = state.pending.remove(&approve.proposal) else { return };
    for row in content.rows {
        let total = ControlTotal {
            total: row.total,
            reserve: row.reserve,
            source: content.source.clone(),
            illustrative: content.illustrative,
            approved_at: at.position,
        };
        state.totals.insert((content.year, row.organisation), total);
    }
}

fn encode(command: &Command, e: &mut Encoder<&mut Vec<u8>>) -> Written {
    match command {
        Command::Propose(fields) => e.encode(fields)?,
        Command::Approve(fields) => e.array(2)?.encode(fields.proposal)?.bytes(&fields.digest.0)?,
        Command::RecordPosition(fields) => {
            e.array(6)?.encode(fields.year)?.encode(&fields.sources)?.bytes(&fields.pack.0)?;
            e.encode(fields.unexplained)?.u32(fields.ties)?.u32(fields.breaks)?
        }
    };
    Ok(())
}

fn decode_approve(d: &mut Decoder<'_>) -> Result<ApproveControlTotal, DecodeError> {
    length(d, 2)?;
    let proposal: Position = d.decode()?;
    Ok(ApproveControlTotal { proposal, digest: digest(d)? })
}

fn decode_position(d: &mut Decoder<'_>) -> Result<RecordPosition, DecodeError> {
    length(d, 6)?;
    Ok(RecordPosition {
        year: d.decode()?,
        sources: d.decode()?,
        pack: digest(d)?,
        unexplained: d.decode()?,
        ties: d.u32()?,
        breaks: d.u32()?,
    })
}

fn digest(d: &mut Decoder<'_>) -> Result<Digest, minicbor::decode::Error> {
    d.decode::<minicbor::bytes::ByteArray<32>>().map(|bytes| Digest(bytes.into()))
}

fn length(d: &mut Decoder<'_>, expected: u64) -> Result<(), DecodeError> {
    match d.array()? {
        Some(length) if length == expected => Ok(()),
        _ => Err(minicbor::decode::Error::message("an array of another length stands here").into()),
    }
}

pub(crate) mod digest_bytes {
    use journal::Digest;
    use minicbor::{
        Decoder, Encoder,
        decode::Error as DecodeError,
        encode::{Error as EncodeError, Write},
    };

    pub(crate) fn encode<C, W: Write>(
        digest: &Digest,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), EncodeError<W::Error>> {
        e.bytes(&digest.0)?.ok()
    }

    pub(crate) fn decode<'b, C>(d: &mut Decoder<'b>, _: &mut C) -> Result<Digest, DecodeError> {
        super::digest(d)
    }
}
