//! Money asked back.

use super::{funded, past, plan_of, pot_of, some};
use crate::{
    ApproveWriteOff, DecideReclaim, Event, ProposeWriteOff, Reclaim, ReclaimStep, RecordReceipt, Refusal,
    State, refusal::Decided,
};
use journal::{Moment, Position};

pub(super) fn decide(state: &State, at: &Moment, reclaim: &DecideReclaim) -> Decided<Event> {
    let plan = plan_of(state, reclaim.plan)?;
    let pot = pot_of(plan, reclaim.pot)?;
    some(reclaim.pence)?;
    if reclaim.deadline < at.business_date {
        return Err(Refusal::DeadlinePassed);
    }
    funded(plan)?;
    let remaining = pot.reclaimable();
    if reclaim.pence > remaining {
        return Err(Refusal::ReclaimExceedsPayments { remaining });
    }
    // What is recognised now could still be denied: which account it comes out of is not settled before.
    if pot.recognising {
        return Err(Refusal::AskPending);
    }
    Ok(Event::ReclaimRequested { from_ahead: reclaim.pence.min(pot.paid_ahead()) })
}

pub(super) fn record_receipt(state: &State, at: &Moment, receipt: &RecordReceipt) -> Decided<Event> {
    let reclaim = reclaim_of(state, receipt.reclaim)?;
    some(receipt.pence)?;
    past(at, receipt.received)?;
    reclaim.step(ReclaimStep::Receive)?;
    let remaining = reclaim.due();
    if receipt.pence > remaining {
        return Err(Refusal::ReceiptExceedsReclaim { remaining });
    }
    Ok(Event::ReceiptRequested)
}

pub(super) fn propose_write_off(state: &State, propose: &ProposeWriteOff) -> Decided<Event> {
    reclaim_of(state, propose.reclaim)?.step(ReclaimStep::ProposeWriteOff)?;
    Ok(Event::WriteOffProposed)
}

pub(super) fn approve_write_off(state: &State, at: &Moment, approve: &ApproveWriteOff) -> Decided<Event> {
    let reclaim = reclaim_of(state, approve.reclaim)?;
    reclaim.step(ReclaimStep::ApproveWriteOff)?;
    let proposal = reclaim.write_off.ok_or(Refusal::DigestMismatch)?;
    access::approve(&proposal, at.caller, approve.digest)?;
    Ok(Event::WriteOffRequested)
}

fn reclaim_of(state: &State, record: Position) -> Decided<&Reclaim> {
    state.reclaim(record).ok_or(Refusal::ReclaimUnknown)
}
