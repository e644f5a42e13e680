//! Cash pots: instalments, periods of care, returns.

use super::{cash_pot_of, funded, past, plan_of, some, spendable, within};
use crate::{
    Event, FallDue, PlanState, PotKind, RecordCarePeriod, RecordReturn, Refusal, State, refusal::Decided,
};
use journal::Moment;

pub(super) fn fall_due(state: &State, at: &Moment, due: &FallDue) -> Decided<Event> {
    let plan = plan_of(state, due.plan)?;
    let pot = cash_pot_of(plan, due.pot)?;
    if pot.next_due != Some(due.due) || due.due > at.business_date || due.due >= plan.year_over() {
        return Err(Refusal::NotDue);
    }
    let away = plan.suspended_from.is_some_and(|from| due.due >= from);
    match plan.state {
        PlanState::Suspended if away => Ok(Event::InstalmentSkipped),
        PlanState::Active | PlanState::Suspended => Ok(Event::InstalmentRequested),
        PlanState::Proposed | PlanState::Approving | PlanState::Deceased | PlanState::Closed => {
            Err(Refusal::NotDue)
        }
    }
}

pub(super) fn record_period(state: &State, at: &Moment, care: &RecordCarePeriod) -> Decided<Event> {
    let plan = plan_of(state, care.plan)?;
    let pot = cash_pot_of(plan, care.pot)?;
    some(care.pence)?;
    past(at, care.to)?;
    within(plan, care.from)?;
    within(plan, care.to)?;
    if care.to < care.from {
        return Err(Refusal::DatesReversed);
    }
    spendable(plan, care.to)?;
    if pot.recognised_to.is_some_and(|to| care.from <= to) {
        return Err(Refusal::CareOverlaps);
    }
    let remaining = pot.paid_ahead();
    if care.pence > remaining {
        return Err(Refusal::CareExceedsPayments { remaining });
    }
    if pot.recognising {
        return Err(Refusal::AskPending);
    }
    Ok(Event::CareRequested)
}

pub(super) fn record_return(state: &State, at: &Moment, returned: &RecordReturn) -> Decided<Event> {
    let plan = plan_of(state, returned.plan)?;
    let pot = cash_pot_of(plan, PotKind::ThirdParty)?;
    some(returned.pence)?;
    past(at, returned.received)?;
    funded(plan)?;
    let remaining = pot.paid_ahead();
    if returned.pence > remaining {
        return Err(Refusal::ReturnExceedsAdvance { remaining });
    }
    Ok(Event::ReturnRequested)
}
