//! Spending: what is bought, from what, and how much.

use super::{past, plan_of, pot_of, some, spendable, within};
use crate::{
    BookService, CancelBooking, Event, ItemCategory, Plan, Pot, PotKind, RecordDelivery, RecordSpend,
    Refusal, Spend, SpendStep, State, refusal::Decided,
};
use journal::{Day, Moment, Position};
use money::Pence;
use nhs::Period;

pub(super) fn record(state: &State, at: &Moment, spend: &RecordSpend) -> Decided<Event> {
    let plan = plan_of(state, spend.plan)?;
    let pot = pot_of(plan, spend.pot)?;
    some(spend.pence)?;
    past(at, spend.date)?;
    within(plan, spend.date)?;
    allowed(spend.item)?;
    if spend.supplier.is_none() && !spend.pot.is_cash() {
        return Err(Refusal::SupplierMissing);
    }
    spendable(plan, spend.date)?;
    let remaining = pot.room();
    if spend.pot.is_cash() {
        return if spend.pence > remaining {
            Err(Refusal::Overspend { remaining })
        } else {
            Ok(Event::SpendEvidenced)
        };
    }
    fits(pot, spend.pence)?;
    Ok(Event::SpendRequested { over_budget: spend.pence > remaining, due: pay_day(at, plan, spend.date) })
}

pub(super) fn book(state: &State, book: &BookService) -> Decided<Event> {
    let plan = plan_of(state, book.plan)?;
    let pot = pot_of(plan, PotKind::Notional)?;
    some(book.pence)?;
    within(plan, book.date)?;
    allowed(book.item)?;
    spendable(plan, book.date)?;
    fits(pot, book.pence)?;
    Ok(Event::BookingRequested { over_budget: book.pence > pot.room() })
}

pub(super) fn deliver(state: &State, at: &Moment, delivery: &RecordDelivery) -> Decided<Event> {
    let (spend, plan) = booking(state, delivery.booking)?;
    some(delivery.pence)?;
    past(at, delivery.delivered)?;
    within(plan, delivery.delivered)?;
    spend.step(SpendStep::Deliver)?;
    spendable(plan, delivery.delivered)?;
    if delivery.pence > spend.pence {
        return Err(Refusal::DeliveryExceedsBooking { booked: spend.pence });
    }
    Ok(Event::DeliveryRequested { due: pay_day(at, plan, delivery.delivered) })
}

pub(super) fn cancel(state: &State, cancel: &CancelBooking) -> Decided<Event> {
    let (spend, _) = booking(state, cancel.booking)?;
    spend.step(SpendStep::Cancel)?;
    Ok(Event::CancellationRequested)
}

fn booking(state: &State, record: Position) -> Decided<(&Spend, &Plan)> {
    let spend = state.spend(record).ok_or(Refusal::SpendUnknown)?;
    Ok((spend, plan_of(state, spend.plan)?))
}

/// Whether the pot's amounts still fit a record with `more`.
fn fits(pot: &Pot, more: Pence) -> Decided<()> {
    Pence::sum([pot.booked, pot.spent, more]).map(|_| ()).map_err(|_| Refusal::AmountTooLarge)
}

const fn allowed(item: ItemCategory) -> Decided<()> {
    if item.is_excluded() { Err(Refusal::ExcludedItem(item)) } else { Ok(()) }
}

/// When a supplier is due to be paid: the last day of the month of the service, or of the month in which we hear of it when
/// that is later, but in the year whose money it is. Inside the 30 days of the Better Payment Practice Code for most, and one
/// payment a month for all.
fn pay_day(at: &Moment, plan: &Plan, service: Day) -> Day {
    let day = service.max(at.business_date);
    let month_end = Period::of(day.date()).map_or(day, |month| Day::from(month.last_day()));
    month_end.min(plan.year_over().plus(-1))
}
