//! The only place where a rule lives.

mod care;
mod plan;
mod reclaim;
mod spend;

use crate::{Command, Event, Plan, PlanNumber, PlanState, Pot, PotKind, Refusal, State, refusal::Decided};
use journal::{Day, Moment};
use money::Pence;

pub(crate) fn decide(state: &State, at: &Moment, command: &Command) -> Decided<Event> {
    match command {
        Command::OpenPlan(open) => plan::open(open),
        Command::ApprovePlan(approve) => plan::approve(state, at, approve),
        Command::SuspendPlan(suspend) => plan::suspend(state, at, suspend),
        Command::ResumePlan(resume) => plan::resume(state, resume),
        Command::RecordDeath(death) => plan::record_death(state, at, death),
        Command::RecordReview(review) => plan::record_review(state, at, review),
        Command::ClosePlan(close) => plan::close(state, close),
        Command::RecordSpend(spend) => spend::record(state, at, spend),
        Command::BookService(book) => spend::book(state, book),
        Command::RecordDelivery(delivery) => spend::deliver(state, at, delivery),
        Command::CancelBooking(cancel) => spend::cancel(state, cancel),
        Command::FallDue(due) => care::fall_due(state, at, due),
        Command::RecordCarePeriod(care) => care::record_period(state, at, care),
        Command::RecordReturn(returned) => care::record_return(state, at, returned),
        Command::DecideReclaim(reclaim) => reclaim::decide(state, at, reclaim),
        Command::RecordReceipt(receipt) => reclaim::record_receipt(state, at, receipt),
        Command::ProposeWriteOff(propose) => reclaim::propose_write_off(state, propose),
        Command::ApproveWriteOff(approve) => reclaim::approve_write_off(state, at, approve),
        Command::SettleAsk(settle) => {
            state.ask(settle.ask).map(|_| Event::AskSettled).ok_or(Refusal::AskUnknown)
        }
    }
}

fn plan_of(state: &State, number: PlanNumber) -> Decided<&Plan> {
    state.plan(number).ok_or(Refusal::PlanUnknown)
}

fn pot_of(plan: &Plan, kind: PotKind) -> Decided<&Pot> {
    plan.pots.get(&kind).ok_or(Refusal::PotUnknown)
}

fn cash_pot_of(plan: &Plan, kind: PotKind) -> Decided<&Pot> {
    if kind.is_cash() { pot_of(plan, kind) } else { Err(Refusal::PotUnknown) }
}

const fn some(pence: Pence) -> Decided<()> {
    if pence.is_zero() { Err(Refusal::AmountZero) } else { Ok(()) }
}

/// A day on which something happened: not in the future.
fn past(at: &Moment, day: Day) -> Decided<()> {
    if day > at.business_date { Err(Refusal::DateInFuture) } else { Ok(()) }
}

/// A day on which care was or will be given: within the plan and the year of its budget.
fn within(plan: &Plan, day: Day) -> Decided<()> {
    if day < plan.starts {
        Err(Refusal::DateBeforePlan)
    } else if day >= plan.year_over() {
        Err(Refusal::DateOutsideYear)
    } else {
        Ok(())
    }
}

/// Whether money may be spent for care on `day`.
fn spendable(plan: &Plan, day: Day) -> Decided<()> {
    match plan.state {
        PlanState::Proposed | PlanState::Approving | PlanState::Closed => {
            Err(Refusal::PlanNotActive(plan.state))
        }
        PlanState::Active => Ok(()),
        PlanState::Suspended if plan.suspended_from.is_some_and(|from| day >= from) => {
            Err(Refusal::PlanSuspended)
        }
        PlanState::Deceased if plan.died.is_some_and(|died| day > died) => Err(Refusal::PlanFrozen),
        PlanState::Suspended | PlanState::Deceased => Ok(()),
    }
}

fn funded(plan: &Plan) -> Decided<()> {
    if plan.state.is_funded() { Ok(()) } else { Err(Refusal::PlanNotActive(plan.state)) }
}
