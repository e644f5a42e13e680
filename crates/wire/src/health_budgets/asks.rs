//! What health budgets ask of the ledger, as the ledger's messages.

use crate::common;
use ::health_budgets::{Ask, EntryKind, HoldAction, Leg, NodeLimit};
use journal::{Cause, Position, Service, SystemName, derived_request_id};
use money::Side;
use proto::{
    google::r#type::Date,
    ledger::v1::{self, hold_action::Action, leg::Window, window_key::Key},
};
use std::collections::BTreeSet;

/// The accounts that an ask names, each once.
#[must_use]
pub fn accounts(ask: &Ask) -> Vec<String> {
    let legs = ask.posting.legs.iter().map(|leg| &leg.account);
    let holds = ask.posting.holds.iter().filter_map(|hold| match hold {
        HoldAction::Place { account, .. } => Some(account),
        HoldAction::Capture { .. } | HoldAction::Release { .. } => None,
    });
    legs.chain(holds).cloned().collect::<BTreeSet<String>>().into_iter().collect()
}

/// The limit that must stand before the ask is posted. Its request id is derived from the posting's.
#[must_use]
pub fn limit(system: &SystemName, ask: &Ask) -> Option<v1::SetLimitRequest> {
    let NodeLimit { node, hard } = ask.limit.as_ref()?;
    let severity = if *hard { v1::LimitSeverity::Hard } else { v1::LimitSeverity::Warn };
    Some(v1::SetLimitRequest {
        system: system.to_string(),
        request_id: derived_request_id("limit", ask.posting.request_id, b"").to_string(),
        node: node.clone(),
        severity: severity.into(),
        floor_pence: Some(0),
        ceiling_pence: None,
        reason: format!("{} spends no more than its budget", ask.plan),
    })
}

/// The posting of the ask recorded at `record`. `number` tells an account's number by its path; `None` when one is missing.
pub fn posting(
    record: Position,
    ask: &Ask,
    on_behalf_of: &str,
    number: impl Fn(&str) -> Option<u64>,
) -> Option<v1::Posting> {
    let posting = &ask.posting;
    let legs: Option<Vec<_>> = posting.legs.iter().map(|one| leg(one, &number)).collect();
    let holds: Option<Vec<_>> = posting.holds.iter().map(|hold| hold_action(hold, &number)).collect();
    Some(v1::Posting {
        request_id: posting.request_id.to_bytes().to_vec(),
        kind: kind(posting.kind).into(),
        effective_date: Some(common::day(posting.effective_date)),
        legs: legs?,
        holds: holds?,
        cause: Some(common::cause(Cause { service: Service::HealthBudgets, position: record })),
        corrects: None,
        reference: posting.plan.to_string(),
        accounting_date: None,
        on_behalf_of: on_behalf_of.to_owned(),
        reverses_in: String::new(),
        balances: false,
    })
}

fn leg(leg: &Leg, number: &impl Fn(&str) -> Option<u64>) -> Option<v1::Leg> {
    let Leg { account, side, pence, due } = leg;
    let side = match side {
        Side::Debit => v1::Side::Debit,
        Side::Credit => v1::Side::Credit,
    };
    let instalment = |due: Date| Window::Adds(v1::WindowKey { key: Some(Key::Instalment(due)) });
    Some(v1::Leg {
        account: number(account)?,
        side: side.into(),
        amount_pence: pence.get(),
        window: due.map(|due| instalment(common::day(due))),
    })
}

fn hold_action(hold: &HoldAction, number: &impl Fn(&str) -> Option<u64>) -> Option<v1::HoldAction> {
    let action = match hold {
        HoldAction::Place { account, pence, expires, name } => Action::Place(v1::PlaceHold {
            account: number(account)?,
            amount_pence: pence.get(),
            expire_date: Some(common::day(*expires)),
            name: name.to_bytes().to_vec(),
        }),
        HoldAction::Capture { hold, pence } => Action::Capture(v1::CaptureHold {
            hold: hold.to_bytes().to_vec(),
            amount_pence: pence.map(money::Pence::get),
        }),
        HoldAction::Release { hold } => Action::Release(v1::ReleaseHold { hold: hold.to_bytes().to_vec() }),
    };
    Some(v1::HoldAction { action: Some(action) })
}

const fn kind(kind: EntryKind) -> v1::EntryKind {
    match kind {
        EntryKind::PlanApproved => v1::EntryKind::PlanApproved,
        EntryKind::PhbBooked => v1::EntryKind::PhbBooked,
        EntryKind::PhbDelivered => v1::EntryKind::PhbDelivered,
        EntryKind::PhbInstalment => v1::EntryKind::PhbInstalment,
        EntryKind::PhbCare => v1::EntryKind::PhbCare,
        EntryKind::PhbReturned => v1::EntryKind::PhbReturned,
        EntryKind::Reclaim => v1::EntryKind::Reclaim,
        EntryKind::ReclaimReceived => v1::EntryKind::ReclaimReceived,
        EntryKind::WriteOff => v1::EntryKind::WriteOff,
        EntryKind::HoldRelease => v1::EntryKind::HoldRelease,
    }
}
