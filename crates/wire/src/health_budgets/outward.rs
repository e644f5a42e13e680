//! Answers outward.

use super::words;
use crate::common;
use ::health_budgets::{Cell, LedgerAnswer, Plan, PlanNumber, Pot, PotTerms, Reclaim, Spend};
use journal::{Day, Position, SystemName};
use money::TotalPence;
use proto::health_budgets::v1;

/// What whoever publishes numbers drawn from a list of plans must know.
pub const SUPPRESSION_NOTE: &str = "counts of 1 to 4 people are not published";

/// A plan as it stands on `today`.
#[must_use]
pub fn plan(system: &SystemName, number: PlanNumber, plan: &Plan, today: Day) -> v1::Plan {
    let Plan {
        pseudonym,
        ccg,
        category,
        year,
        starts,
        co_ordinator,
        recipient,
        state,
        proposal,
        pots,
        reviews: _,
        next_review,
        suspended_from,
        died,
    } = plan;
    v1::Plan {
        name: format!("systems/{system}/plans/{number}"),
        plan: number.to_string(),
        state: words::plan_state(*state).into(),
        pseudonym: pseudonym.as_bytes().to_vec(),
        ccg: ccg.to_string(),
        category: words::category(*category).into(),
        financial_year: year.to_string(),
        start_date: Some(common::day(*starts)),
        co_ordinator: co_ordinator.as_str().to_owned(),
        recipient: words::recipient(*recipient).into(),
        pots: pots.values().map(pot).collect(),
        next_review_date: Some(common::day(*next_review)),
        review_overdue: plan.review_overdue(today),
        suspended_from_date: suspended_from.map(common::day),
        death_date: died.map(common::day),
        proposal_digest: common::digest(proposal.digest),
    }
}

fn pot(pot: &Pot) -> v1::Pot {
    let Pot {
        terms,
        hold: _,
        held,
        next_due,
        booked,
        spent,
        paid,
        recognised,
        returned,
        reclaimed_ahead,
        reclaimed_spent,
        recognised_to: _,
        recognising: _,
    } = pot;
    v1::Pot {
        terms: Some(pot_terms(terms)),
        room_pence: pot.room().get(),
        booked_pence: booked.get(),
        spent_pence: spent.get(),
        paid_pence: paid.get(),
        recognised_pence: recognised.get(),
        returned_pence: returned.get(),
        reclaimed_pence: reclaimed_ahead.get().saturating_add(reclaimed_spent.get()),
        paid_ahead_pence: pot.paid_ahead().get(),
        held_pence: held.get(),
        next_due_date: next_due.map(common::day),
    }
}

fn pot_terms(terms: &PotTerms) -> v1::PotTerms {
    let holder = match terms {
        PotTerms::ThirdParty { holder, .. } => holder.to_string(),
        PotTerms::Notional { .. } | PotTerms::DirectPayment { .. } => String::new(),
    };
    v1::PotTerms {
        kind: words::pot_kind(terms.kind()).into(),
        budget_pence: terms.budget().get(),
        schedule: terms.schedule().map(|schedule| v1::Schedule {
            frequency: words::frequency(schedule.frequency).into(),
            first_due_date: Some(common::day(schedule.first_due)),
            instalment_pence: schedule.instalment.get(),
        }),
        holder,
    }
}

/// A spend or booking as it stands.
#[must_use]
pub fn spend(record: Position, spend: &Spend) -> v1::Spend {
    let Spend { plan, pot, item, supplier, state, pence, date, hold: _ } = spend;
    v1::Spend {
        record: record.get(),
        plan: plan.to_string(),
        pot: words::pot_kind(*pot).into(),
        item: words::item(*item).into(),
        supplier: supplier.map(|supplier| supplier.to_string()).unwrap_or_default(),
        amount_pence: pence.get(),
        service_date: Some(common::day(*date)),
        state: words::spend_state(*state).into(),
    }
}

/// A reclaim as it stands.
#[must_use]
pub fn reclaim(record: Position, reclaim: &Reclaim) -> v1::Reclaim {
    let Reclaim { plan, pot, pence, from_ahead: _, received, reason, deadline, state, write_off } = reclaim;
    v1::Reclaim {
        record: record.get(),
        plan: plan.to_string(),
        pot: words::pot_kind(*pot).into(),
        amount_pence: pence.get(),
        received_pence: received.get(),
        reason: words::reason(*reason).into(),
        deadline_date: Some(common::day(*deadline)),
        state: words::reclaim_state(*state).into(),
        write_off_digest: write_off.map(|proposal| common::digest(proposal.digest)).unwrap_or_default(),
    }
}

/// The ledger has not answered yet.
#[must_use]
pub fn pending() -> v1::LedgerDecision {
    let state = v1::DecisionState::Pending.into();
    v1::LedgerDecision { state, reason: String::new(), ledger_position: None }
}

/// What the ledger answered.
#[must_use]
pub fn decision(answer: &LedgerAnswer) -> v1::LedgerDecision {
    match answer {
        LedgerAnswer::Granted { position } => v1::LedgerDecision {
            state: v1::DecisionState::Granted.into(),
            reason: String::new(),
            ledger_position: Some(position.get()),
        },
        LedgerAnswer::Denied { reason, position } => v1::LedgerDecision {
            state: v1::DecisionState::Denied.into(),
            reason: reason.as_str().to_owned(),
            ledger_position: position.map(Position::get),
        },
    }
}

/// A review due on or before `today`.
#[must_use]
pub fn review_due(number: PlanNumber, plan: &Plan, today: Day) -> v1::ReviewDue {
    v1::ReviewDue {
        plan: number.to_string(),
        ccg: plan.ccg.to_string(),
        co_ordinator: plan.co_ordinator.as_str().to_owned(),
        due_date: Some(common::day(plan.next_review)),
        overdue_days: u32::try_from(today.since(plan.next_review)).unwrap_or(0),
    }
}

/// The plans of one payer, category and kind of pot; without their count when it is small.
#[must_use]
pub fn totals_cell(
    ccg: nhs::OdsCode,
    category: ::health_budgets::CareCategory,
    kind: ::health_budgets::PotKind,
    cell: &Cell,
) -> v1::TotalsCell {
    let Cell {
        plans_count,
        budget,
        booked,
        spent,
        paid,
        recognised,
        paid_ahead,
        held,
        returned,
        reclaimed_spent,
    } = cell;
    v1::TotalsCell {
        ccg: ccg.to_string(),
        category: words::category(category).into(),
        pot: words::pot_kind(kind).into(),
        plans_count: (!cell.is_small()).then_some(*plans_count),
        budget_pence: shown(*budget),
        booked_pence: shown(*booked),
        spent_pence: shown(*spent),
        paid_pence: shown(*paid),
        recognised_pence: shown(*recognised),
        paid_ahead_pence: shown(*paid_ahead),
        held_pence: shown(*held),
        returned_pence: shown(*returned),
        reclaimed_spent_pence: shown(*reclaimed_spent),
    }
}

/// A total, or the nearest amount that the wire can say.
fn shown(total: TotalPence) -> i64 {
    total.to_net().map_or(i64::MAX, money::NetPence::get)
}
