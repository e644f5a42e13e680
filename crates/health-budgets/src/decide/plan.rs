//! Opening, approving, suspending, ending.

use super::{past, plan_of};
use crate::{
    ApprovePlan, ClosePlan, Event, OpenPlan, PlanStep, PotTerms, RecordDeath, RecordReview, Refusal,
    ResumePlan, State, SuspendPlan, plan::months_after, refusal::Decided,
};
use access::approve as approve_proposal;
use journal::{Day, Moment};
use money::Pence;
use nhs::FinancialYear;
use std::collections::BTreeSet;

pub(super) fn open(open: &OpenPlan) -> Decided<Event> {
    let year = FinancialYear::of(open.starts.date()).map_err(|_| Refusal::DateOutsideYear)?;
    let last = Day::from(year.last_day());
    let kinds: BTreeSet<_> = open.pots.iter().map(PotTerms::kind).collect();
    if open.pots.is_empty() || kinds.len() != open.pots.len() {
        return Err(Refusal::PotsInvalid);
    }
    let amounts = open.pots.iter().flat_map(|pot| [Some(pot.budget()), pot.schedule().map(|s| s.instalment)]);
    if amounts.flatten().any(Pence::is_zero) {
        return Err(Refusal::AmountZero);
    }
    Pence::sum(open.pots.iter().map(PotTerms::budget)).map_err(|_| Refusal::AmountTooLarge)?;
    if !open.reviews.is_sound() {
        return Err(Refusal::ReviewRuleInvalid);
    }
    for pot in &open.pots {
        let Some(schedule) = pot.schedule() else { continue };
        if schedule.first_due < open.starts {
            return Err(Refusal::DateBeforePlan);
        }
        if schedule.first_due > last {
            return Err(Refusal::DateOutsideYear);
        }
        let total =
            schedule.instalment.checked_mul(schedule.count(last)).map_err(|_| Refusal::AmountTooLarge)?;
        if total > pot.budget() {
            return Err(Refusal::ScheduleExceedsBudget);
        }
    }
    Ok(Event::PlanOpened)
}

pub(super) fn approve(state: &State, at: &Moment, approve: &ApprovePlan) -> Decided<Event> {
    let plan = plan_of(state, approve.plan)?;
    plan.step(PlanStep::Approve)?;
    approve_proposal(&plan.proposal, at.caller, approve.digest)?;
    Ok(Event::ApprovalRequested)
}

pub(super) fn suspend(state: &State, at: &Moment, suspend: &SuspendPlan) -> Decided<Event> {
    let plan = plan_of(state, suspend.plan)?;
    past(at, suspend.from)?;
    if suspend.from < plan.starts {
        return Err(Refusal::DateBeforePlan);
    }
    plan.step(PlanStep::Suspend)?;
    Ok(Event::PlanSuspended)
}

pub(super) fn resume(state: &State, resume: &ResumePlan) -> Decided<Event> {
    plan_of(state, resume.plan)?.step(PlanStep::Resume)?;
    Ok(Event::PlanResumed)
}

pub(super) fn record_death(state: &State, at: &Moment, death: &RecordDeath) -> Decided<Event> {
    let plan = plan_of(state, death.plan)?;
    past(at, death.died)?;
    plan.step(PlanStep::Die)?;
    Ok(Event::DeathRecorded)
}

pub(super) fn record_review(state: &State, at: &Moment, review: &RecordReview) -> Decided<Event> {
    let plan = plan_of(state, review.plan)?;
    past(at, review.held)?;
    if review.held < plan.starts {
        return Err(Refusal::DateBeforePlan);
    }
    super::funded(plan)?;
    Ok(Event::ReviewRecorded { next: months_after(review.held, plan.reviews.then_months) })
}

pub(super) fn close(state: &State, close: &ClosePlan) -> Decided<Event> {
    let plan = plan_of(state, close.plan)?;
    plan.step(PlanStep::Close)?;
    let open_spend = state.spends().any(|(_, spend)| spend.plan == close.plan && spend.state.is_open());
    let open_reclaim =
        state.reclaims().any(|(_, reclaim)| reclaim.plan == close.plan && reclaim.state.is_open());
    let open_ask = state.asks().any(|(_, ask)| ask.plan == close.plan);
    let ahead = plan.pots.values().any(|pot| !pot.paid_ahead().is_zero());
    if open_spend || open_reclaim || open_ask || ahead {
        return Err(Refusal::PlanUnsettled);
    }
    Ok(Event::PlanClosed)
}
