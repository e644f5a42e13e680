//! What events change. Total: it never fails, and looks at nothing but its arguments.

use crate::{
    Ask, AskKind, BookService, Command, Event, LedgerAnswer, NodeLimit, OpenPlan, Plan, PlanNumber,
    PlanState, PlanStep, Posting, Pot, PotKind, Reclaim, ReclaimState, ReclaimStep, RecordSpend, SettleAsk,
    Spend, SpendState, SpendStep, State,
    command::write_off_digest,
    plan::months_after,
    posting::{Cause, hold_name, plan_node, pot_hold_name},
    pot::{minus, plus},
};
use access::Proposal;
use journal::{Moment, Position};
use money::Pence;
use nhs::FinancialYear;

pub(crate) fn apply(state: &mut State, at: &Moment, command: &Command, event: &Event) {
    match command {
        Command::OpenPlan(open) => open_plan(state, at, open),
        Command::ApprovePlan(approve) => request_approval(state, at, approve.plan),
        Command::RecordSpend(spend) => record_spend(state, at, spend, event),
        Command::BookService(book) => book_service(state, at, book),
        Command::RecordDelivery(_) | Command::CancelBooking(_) => step_booking(state, at, command, event),
        Command::FallDue(due) => fall_due(state, at, due.plan, due.pot, event),
        Command::RecordCarePeriod(care) => {
            let ask = |cause: &Cause<'_>| cause.care(care.pot, care.pence, care.to);
            let Some(pot) = pot_mut(state, care.plan, care.pot) else { return };
            let before = pot.recognised_to.replace(care.to);
            pot.recognised = plus(pot.recognised, care.pence);
            pot.recognising = true;
            post(state, at, care.plan, AskKind::Care(care.pot, care.pence, before), ask);
        }
        Command::RecordReturn(returned) => {
            let Some(pot) = pot_mut(state, returned.plan, PotKind::ThirdParty) else { return };
            pot.returned = plus(pot.returned, returned.pence);
            let kind = AskKind::Return(PotKind::ThirdParty, returned.pence);
            post(state, at, returned.plan, kind, |cause| cause.returned(returned.pence, returned.received));
        }
        Command::SuspendPlan(suspend) => {
            if let Some(plan) = step_plan(state, suspend.plan, PlanStep::Suspend) {
                plan.suspended_from = Some(suspend.from);
            }
        }
        Command::ResumePlan(resume) => {
            if let Some(plan) = step_plan(state, resume.plan, PlanStep::Resume) {
                plan.suspended_from = None;
            }
        }
        Command::RecordDeath(death) => {
            if let Some(plan) = step_plan(state, death.plan, PlanStep::Die) {
                plan.died = Some(death.died);
                plan.suspended_from = None;
            }
            release_holds(state, at, death.plan);
        }
        Command::ClosePlan(close) => {
            step_plan(state, close.plan, PlanStep::Close);
            release_holds(state, at, close.plan);
        }
        Command::RecordReview(review) => {
            if let (Some(plan), Event::ReviewRecorded { next }) = (state.plans.get_mut(&review.plan), event) {
                plan.next_review = *next;
            }
        }
        Command::DecideReclaim(_)
        | Command::RecordReceipt(_)
        | Command::ProposeWriteOff(_)
        | Command::ApproveWriteOff(_) => reclaim(state, at, command, event),
        Command::SettleAsk(settle) => settle_ask(state, at, settle),
    }
}

fn open_plan(state: &mut State, at: &Moment, open: &OpenPlan) {
    // decide refuses a start outside the years that there are.
    let Ok(year) = FinancialYear::of(open.starts.date()) else { return };
    let plan = Plan {
        pseudonym: open.pseudonym,
        ccg: open.ccg,
        category: open.category,
        year,
        starts: open.starts,
        co_ordinator: open.co_ordinator.clone(),
        recipient: open.recipient,
        state: PlanState::Proposed,
        proposal: Proposal { digest: open.digest(), proposer: at.caller },
        pots: open.pots.iter().map(|terms| (terms.kind(), Pot::new(*terms))).collect(),
        reviews: open.reviews,
        next_review: months_after(open.starts, open.reviews.first_months),
        suspended_from: None,
        died: None,
    };
    state.plans.insert(PlanNumber(at.position), plan);
}

fn request_approval(state: &mut State, at: &Moment, number: PlanNumber) {
    if step_plan(state, number, PlanStep::Approve).is_none() {
        return;
    }
    post(state, at, number, AskKind::Approval, |cause| cause.approval(at.business_date));
    let Some(plan) = state.plans.get(&number) else { return };
    let hard = plan.pots.keys().any(|kind| kind.is_cash());
    let limit = NodeLimit { node: plan_node(number, plan), hard };
    if let Some(ask) = state.asks.get_mut(&at.position) {
        ask.limit = Some(limit);
    }
    if let Some(plan) = state.plans.get_mut(&number) {
        for (kind, pot) in &mut plan.pots {
            pot.hold = kind.is_cash().then(|| pot_hold_name(at.request_id, *kind));
        }
    }
}

fn record_spend(state: &mut State, at: &Moment, record: &RecordSpend, event: &Event) {
    let mut spend = Spend {
        plan: record.plan,
        pot: record.pot,
        item: record.item,
        supplier: record.supplier,
        state: SpendState::Evidenced,
        pence: record.pence,
        date: record.date,
        hold: None,
    };
    if let (Event::SpendRequested { due, .. }, Some(supplier)) = (event, record.supplier) {
        post(state, at, record.plan, AskKind::Spend(at.position), |cause| {
            cause.delivery(&spend, supplier, spend.pence, spend.date, *due)
        });
        spend.state = SpendState::Spending;
    }
    let Some(pot) = pot_mut(state, record.plan, record.pot) else { return };
    if spend.state == SpendState::Evidenced {
        pot.spent = plus(pot.spent, spend.pence);
    } else {
        pot.booked = plus(pot.booked, spend.pence);
    }
    state.spends.insert(at.position, spend);
}

fn book_service(state: &mut State, at: &Moment, book: &BookService) {
    let spend = Spend {
        plan: book.plan,
        pot: PotKind::Notional,
        item: book.item,
        supplier: Some(book.supplier),
        state: SpendState::Booking,
        pence: book.pence,
        date: book.date,
        hold: Some(hold_name(at.request_id, 0)),
    };
    let Some(pot) = pot_mut(state, spend.plan, spend.pot) else { return };
    pot.booked = plus(pot.booked, spend.pence);
    post(state, at, spend.plan, AskKind::Booking(at.position), |cause| {
        cause.booking(at.business_date, &spend)
    });
    state.spends.insert(at.position, spend);
}

fn step_booking(state: &mut State, at: &Moment, command: &Command, event: &Event) {
    match (command, event) {
        (Command::RecordDelivery(delivery), Event::DeliveryRequested { due }) => {
            let Some(spend) = step_spend(state, delivery.booking, SpendStep::Deliver) else { return };
            let Some(supplier) = spend.supplier else { return };
            let kind = AskKind::Delivery(delivery.booking, delivery.pence);
            post(state, at, spend.plan, kind, |cause| {
                cause.delivery(&spend, supplier, delivery.pence, delivery.delivered, *due)
            });
        }
        (Command::CancelBooking(cancel), Event::CancellationRequested) => {
            let Some(spend) = step_spend(state, cancel.booking, SpendStep::Cancel) else { return };
            post(state, at, spend.plan, AskKind::Cancellation(cancel.booking), |cause| {
                cause.release(at.business_date, spend.hold)
            });
        }
        _ => {}
    }
}

fn fall_due(state: &mut State, at: &Moment, number: PlanNumber, kind: PotKind, event: &Event) {
    let Some(pot) = pot_mut(state, number, kind) else { return };
    let (Some(due), Some(schedule)) = (pot.next_due, pot.terms.schedule().copied()) else { return };
    pot.next_due = Some(due.plus(schedule.frequency.days()));
    if *event != Event::InstalmentRequested {
        return;
    }
    pot.held = minus(pot.held, schedule.instalment);
    let hold = pot.hold;
    post(state, at, number, AskKind::Instalment(kind, schedule.instalment), |cause| {
        cause.instalment(kind, hold, schedule.instalment, due)
    });
}

/// Gives up what is held for instalments that will not come.
fn release_holds(state: &mut State, at: &Moment, number: PlanNumber) {
    let Some(plan) = state.plans.get_mut(&number) else { return };
    let mut holds = Vec::new();
    for pot in plan.pots.values_mut() {
        pot.next_due = None;
        if let Some(hold) = pot.hold.take()
            && !pot.held.is_zero()
        {
            holds.push(hold);
        }
        pot.held = Pence::ZERO;
    }
    if !holds.is_empty() {
        post(state, at, number, AskKind::Release, |cause| cause.release(at.business_date, holds));
    }
}

fn reclaim(state: &mut State, at: &Moment, command: &Command, event: &Event) {
    match (command, event) {
        (Command::DecideReclaim(decide), Event::ReclaimRequested { from_ahead }) => {
            let reclaim = Reclaim {
                plan: decide.plan,
                pot: decide.pot,
                pence: decide.pence,
                from_ahead: *from_ahead,
                received: Pence::ZERO,
                reason: decide.reason,
                deadline: decide.deadline,
                state: ReclaimState::Deciding,
                write_off: None,
            };
            let Some(pot) = pot_mut(state, decide.plan, decide.pot) else { return };
            pot.reclaimed_ahead = plus(pot.reclaimed_ahead, *from_ahead);
            pot.reclaimed_spent = plus(pot.reclaimed_spent, minus(decide.pence, *from_ahead));
            post(state, at, decide.plan, AskKind::Reclaim(at.position), |cause| {
                cause.reclaim(at.business_date, &reclaim)
            });
            state.reclaims.insert(at.position, reclaim);
        }
        (Command::RecordReceipt(receipt), Event::ReceiptRequested) => {
            let Some(plan) = step_reclaim(state, receipt.reclaim, ReclaimStep::Receive).map(|r| r.plan)
            else {
                return;
            };
            let kind = AskKind::Receipt(receipt.reclaim, receipt.pence);
            post(state, at, plan, kind, |cause| cause.receipt(receipt.pence, receipt.received));
        }
        (Command::ProposeWriteOff(propose), Event::WriteOffProposed) => {
            if let Some(reclaim) = step_reclaim(state, propose.reclaim, ReclaimStep::ProposeWriteOff) {
                let digest = write_off_digest(propose.reclaim, reclaim.due());
                reclaim.write_off = Some(Proposal { digest, proposer: at.caller });
            }
        }
        (Command::ApproveWriteOff(approve), Event::WriteOffRequested) => {
            let Some(reclaim) = step_reclaim(state, approve.reclaim, ReclaimStep::ApproveWriteOff) else {
                return;
            };
            let (plan, due) = (reclaim.plan, reclaim.due());
            post(state, at, plan, AskKind::WriteOff(approve.reclaim), |cause| {
                cause.write_off(due, at.business_date)
            });
        }
        _ => {}
    }
}

fn settle_ask(state: &mut State, at: &Moment, settle: &SettleAsk) {
    let Some(ask) = state.asks.remove(&settle.ask) else { return };
    state.answers.insert(settle.ask, at.position);
    let granted = matches!(settle.answer, LedgerAnswer::Granted { .. });
    match ask.kind {
        AskKind::Approval => settle_approval(state, ask.plan, granted),
        AskKind::Booking(record)
        | AskKind::Spend(record)
        | AskKind::Delivery(record, _)
        | AskKind::Cancellation(record) => settle_spend(state, &ask, record, granted),
        AskKind::Instalment(kind, pence) => {
            if let Some(pot) = pot_mut(state, ask.plan, kind) {
                if granted {
                    pot.paid = plus(pot.paid, pence);
                } else if pot.hold.is_some() {
                    pot.held = plus(pot.held, pence);
                }
            }
        }
        AskKind::Care(kind, pence, before) => {
            if let Some(pot) = pot_mut(state, ask.plan, kind) {
                pot.recognising = false;
                if !granted {
                    pot.recognised = minus(pot.recognised, pence);
                    pot.recognised_to = before;
                }
            }
        }
        AskKind::Return(kind, pence) if !granted => {
            if let Some(pot) = pot_mut(state, ask.plan, kind) {
                pot.returned = minus(pot.returned, pence);
            }
        }
        AskKind::Reclaim(record) | AskKind::Receipt(record, _) | AskKind::WriteOff(record) => {
            settle_reclaim(state, ask.kind, record, granted);
        }
        // Granted: counted when asked. A release has nothing hanging on it.
        AskKind::Return(..) | AskKind::Release => {}
    }
}

fn settle_approval(state: &mut State, number: PlanNumber, granted: bool) {
    let step = if granted { PlanStep::Grant } else { PlanStep::Deny };
    let Some(plan) = step_plan(state, number, step) else { return };
    let last = plan.year_over().plus(-1);
    for pot in plan.pots.values_mut() {
        let Some(schedule) = pot.terms.schedule().copied().filter(|_| granted) else {
            pot.hold = None;
            continue;
        };
        pot.next_due = Some(schedule.first_due);
        pot.held = schedule.total(last);
    }
}

fn settle_spend(state: &mut State, ask: &Ask, record: Position, granted: bool) {
    let step = if granted { SpendStep::Grant } else { SpendStep::Deny };
    let Some(spend) = step_spend(state, record, step) else { return };
    let Some(pot) = pot_mut(state, spend.plan, spend.pot) else { return };
    match (ask.kind, granted) {
        (AskKind::Booking(_) | AskKind::Spend(_), false) | (AskKind::Cancellation(_), true) => {
            pot.booked = minus(pot.booked, spend.pence);
        }
        (AskKind::Spend(_), true) => {
            pot.booked = minus(pot.booked, spend.pence);
            pot.spent = plus(pot.spent, spend.pence);
        }
        (AskKind::Delivery(_, pence), true) => {
            pot.booked = minus(pot.booked, spend.pence);
            pot.spent = plus(pot.spent, pence);
            if let Some(spend) = state.spends.get_mut(&record) {
                spend.pence = pence;
            }
        }
        _ => {}
    }
}

fn settle_reclaim(state: &mut State, kind: AskKind, record: Position, granted: bool) {
    let Some(reclaim) = state.reclaims.get_mut(&record) else { return };
    if let (AskKind::Receipt(_, pence), true) = (kind, granted) {
        reclaim.received = plus(reclaim.received, pence);
    }
    let last = matches!(kind, AskKind::WriteOff(_)) || reclaim.due().is_zero();
    let step = match (granted, last) {
        (false, _) => ReclaimStep::Deny,
        (true, false) => ReclaimStep::Grant,
        (true, true) => ReclaimStep::GrantLast,
    };
    let Some(reclaim) = step_reclaim(state, record, step) else { return };
    if reclaim.state == ReclaimState::Denied {
        let (plan, kind) = (reclaim.plan, reclaim.pot);
        let (ahead, spent) = (reclaim.from_ahead, minus(reclaim.pence, reclaim.from_ahead));
        if let Some(pot) = pot_mut(state, plan, kind) {
            pot.reclaimed_ahead = minus(pot.reclaimed_ahead, ahead);
            pot.reclaimed_spent = minus(pot.reclaimed_spent, spent);
        }
    }
}

/// Opens the ask of the record at `at`.
fn post(
    state: &mut State,
    at: &Moment,
    number: PlanNumber,
    kind: AskKind,
    build: impl FnOnce(&Cause<'_>) -> Posting,
) {
    let Some(plan) = state.plans.get(&number) else { return };
    let posting = build(&Cause { request_id: at.request_id, number, plan });
    state.asks.insert(at.position, Ask { plan: number, kind, limit: None, posting });
}

fn pot_mut(state: &mut State, number: PlanNumber, kind: PotKind) -> Option<&mut Pot> {
    state.plans.get_mut(&number)?.pots.get_mut(&kind)
}

/// Takes a step that decide has checked; `None` (and no change) when there is none to take.
fn step_plan(state: &mut State, number: PlanNumber, step: PlanStep) -> Option<&mut Plan> {
    let plan = state.plans.get_mut(&number)?;
    plan.state = plan.state.after(step).ok()?;
    Some(plan)
}

fn step_spend(state: &mut State, record: Position, step: SpendStep) -> Option<Spend> {
    let spend = state.spends.get_mut(&record)?;
    spend.state = spend.state.after(step).ok()?;
    Some(spend.clone())
}

fn step_reclaim(state: &mut State, record: Position, step: ReclaimStep) -> Option<&mut Reclaim> {
    let reclaim = state.reclaims.get_mut(&record)?;
    reclaim.state = reclaim.state.after(step).ok()?;
    if reclaim.state != ReclaimState::GivingUp {
        reclaim.write_off = None;
    }
    Some(reclaim)
}
