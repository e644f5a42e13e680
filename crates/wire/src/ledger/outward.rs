//! The ledger's answers. Every domain value is taken apart field by field.

use super::{NotApplied, window::key as window_key};
use crate::{Reason, common, status};
use journal::{Digest, Header, Item, Position};
use ledger::{
    AccountBalance, AccountView, AnswerWith, Breach, EntryKind, HoldAction, HoldView, Leg, Limit,
    LinePosition, LineView, NodeView, Posted, Posting, Refusal, Severity, Totals, WindowKey, WindowStep,
    WindowUse, WindowView,
};
use money::{NetPence, Pence, Side, TotalPence};
use proto::ledger::v1;
use smallvec::SmallVec;

/// A total on the wire: the nearest int64.
#[must_use]
pub fn pence(total: TotalPence) -> i64 {
    let nearest = if total.get() < 0 { i64::MIN } else { i64::MAX };
    i64::try_from(total.get()).unwrap_or(nearest)
}

/// A side on the wire.
#[must_use]
pub const fn side(side: Side) -> v1::Side {
    match side {
        Side::Debit => v1::Side::Debit,
        Side::Credit => v1::Side::Credit,
    }
}

/// Totals on the wire.
#[must_use]
pub fn totals(totals: &Totals) -> v1::Totals {
    let Totals { debits, credits, holds_placed, holds_ended } = totals;
    v1::Totals {
        debits_pence: pence(*debits),
        credits_pence: pence(*credits),
        holds_placed_pence: pence(*holds_placed),
        holds_ended_pence: pence(*holds_ended),
    }
}

/// An account on the wire.
#[must_use]
pub fn account(view: &AccountView<'_>) -> v1::Account {
    let AccountView { number, path, column, closed, totals: view_totals } = view;
    v1::Account {
        number: number.get(),
        path: (*path).to_owned(),
        normal_side: side(column.normal_side()).into(),
        closed: *closed,
        totals: Some(totals(view_totals)),
    }
}

/// A node's balance on the wire.
#[must_use]
pub fn balance(view: &NodeView<'_>) -> v1::Balance {
    let NodeView { path, side: normal_side, totals: view_totals, limit } = view;
    v1::Balance {
        path: (*path).to_owned(),
        normal_side: side(*normal_side).into(),
        balance_pence: pence(view_totals.balance(*normal_side)),
        held_pence: pence(view_totals.held()),
        measure_pence: pence(view_totals.measure(*normal_side)),
        totals: Some(totals(view_totals)),
        limit: limit.as_ref().map(|limit| {
            let Limit { position, severity, floor, ceiling } = limit;
            v1::Limit {
                position: position.get(),
                severity: match severity {
                    Severity::Warn => v1::LimitSeverity::Warn,
                    Severity::Hard => v1::LimitSeverity::Hard,
                }
                .into(),
                floor_pence: floor.map(NetPence::get),
                ceiling_pence: ceiling.map(NetPence::get),
            }
        }),
    }
}

/// A budget line on the wire.
#[must_use]
pub fn line(view: &LineView<'_>) -> v1::LinePosition {
    let LineView { path, position } = view;
    line_sum(path, position)
}

/// A position under `path`, which is empty for a sum of lines.
#[must_use]
pub fn line_sum(path: &str, position: &LinePosition) -> v1::LinePosition {
    let LinePosition {
        allocated,
        committed,
        accrued,
        contested,
        estimated,
        paid,
        instructed,
        settled,
        transferred,
        available,
        expenditure,
    } = position;
    v1::LinePosition {
        line: path.to_owned(),
        allocated_pence: pence(*allocated),
        committed_pence: pence(*committed),
        accrued_pence: pence(*accrued),
        contested_pence: pence(*contested),
        estimated_pence: pence(*estimated),
        paid_pence: pence(*paid),
        instructed_pence: pence(*instructed),
        settled_pence: pence(*settled),
        transferred_pence: pence(*transferred),
        available_pence: pence(*available),
        expenditure_pence: pence(*expenditure),
        fund_shut: false,
    }
}

/// A hold on the wire.
#[must_use]
pub fn hold(view: &HoldView<'_>) -> v1::Hold {
    let HoldView { name, account, path, remaining, expires, placed_by } = view;
    v1::Hold {
        name: name.to_bytes().to_vec(),
        account: account.get(),
        account_path: (*path).to_owned(),
        remaining_pence: remaining.get(),
        expire_date: Some(common::day(*expires)),
        placed_position: placed_by.get(),
    }
}

/// A window on the wire.
#[must_use]
pub fn window(view: &WindowView<'_>) -> v1::Window {
    let WindowView { index: _, payer, payee, key, seq, total, sealed, paid } = view;
    v1::Window {
        name: Some(v1::WindowName {
            payer: (*payer).to_owned(),
            payee: (*payee).to_owned(),
            key: Some(window_key(*key)),
        }),
        seq: *seq,
        total_pence: total.get(),
        sealed: *sealed,
        paid_pence: paid.get(),
    }
}

/// The windows that the legs of a posting add to, in the order of the legs: what [`posted`] needs when the posting itself has
/// gone to the journal.
#[must_use]
pub fn window_keys(posting: &Posting) -> SmallVec<[WindowKey; 1]> {
    let added = posting.legs.iter().filter_map(|leg| match leg.window {
        Some(WindowUse::Adds(key)) => Some(key),
        Some(WindowUse::Pays(_)) | None => None,
    });
    added.collect()
}

fn steps(keys: &[WindowKey], steps: &[WindowStep]) -> Vec<v1::WindowStep> {
    let step = |(key, step): (&WindowKey, &WindowStep)| {
        let WindowStep { leg, instead, seq, total } = step;
        let key = instead.map_or(*key, |number| WindowKey::Run { number });
        v1::WindowStep { leg: (*leg).into(), key: Some(window_key(key)), seq: *seq, total_pence: total.get() }
    };
    keys.iter().zip(steps).map(step).collect()
}

fn breaches(breaches: &[Breach]) -> Vec<v1::Breach> {
    let breach = |breach: &Breach| {
        let Breach { limit, measure } = breach;
        v1::Breach { limit: limit.get(), measure_pence: measure.get() }
    };
    breaches.iter().map(breach).collect()
}

pub(super) fn entry_name(item: Item) -> v1::EntryName {
    let Item { position, index } = item;
    v1::EntryName { position: position.get(), index: index.into() }
}

/// What became of a posting that was made. `entry` and `leaf` are those of its record, or `None` when it was only validated;
/// `keys` are [`window_keys`] of the posting.
#[must_use]
pub fn posted(
    entry: Option<(Item, Digest)>,
    replayed: bool,
    keys: &[WindowKey],
    posted: &Posted,
) -> v1::PostingResult {
    let Posted { accounting_date, windows, held, breaches: passed, origin: _, made, balances } = posted;
    v1::PostingResult {
        entry: entry.map(|(item, _)| entry_name(item)),
        leaf_hash: entry.map(|(_, leaf)| common::digest(leaf)).unwrap_or_default(),
        replayed,
        accounting_date: Some(common::day(*accounting_date)),
        windows: steps(keys, windows),
        held_pence: held.iter().map(|pence| pence.get()).collect(),
        breaches: breaches(passed),
        period_of_origin: posted.late_from().map(|month| month.to_string()).unwrap_or_default(),
        legs_made: made.iter().flat_map(|made| &made.legs).map(leg).collect(),
        balances: balances.iter().flatten().map(account_balance).collect(),
    }
}

fn account_balance(balance: &AccountBalance) -> v1::ResultingBalance {
    let AccountBalance { account, balance, held } = balance;
    v1::ResultingBalance { account: account.get(), balance_pence: balance.get(), held_pence: held.get() }
}

/// Why a posting of a batch was refused, and where that is recorded.
#[must_use]
pub fn refused(refusal: &Refusal, position: Option<Position>, replayed: bool) -> v1::PostingRefusal {
    debug_assert!(<Refusal as Reason>::REASONS.contains(&refusal.reason()));
    let remaining =
        if let Refusal::LimitExceeded { remaining, .. } = refusal { Some(remaining.get()) } else { None };
    v1::PostingRefusal {
        problems: vec![status::problem(refusal)],
        position: position.map(Position::get),
        remaining_pence: remaining,
        replayed,
    }
}

/// Why no posting of a group was made: those at fault with their own reasons, the others because of them. A reason that is about
/// the group as a whole is everybody's.
#[must_use]
pub fn refused_group(
    refusal: &Refusal,
    postings: &[Posting],
    position: Option<Position>,
    replayed: bool,
) -> Vec<v1::PostingRefusal> {
    let at_fault: Vec<(usize, &Refusal)> = if let Refusal::Postings(each) = refusal {
        each.iter().map(|each| (each.posting.into(), &each.why)).collect()
    } else {
        refusal.posting(postings).map(|posting| (posting, refusal)).into_iter().collect()
    };
    let because_of = NotApplied { because_of: at_fault.iter().map(|(posting, _)| *posting).collect() };
    let answer = |index: usize| {
        let own = at_fault.iter().find(|(posting, _)| *posting == index).map(|(_, why)| *why);
        match own.or(if at_fault.is_empty() { Some(refusal) } else { None }) {
            Some(why) => refused(why, position, replayed),
            None => v1::PostingRefusal {
                problems: vec![status::problem(&because_of)],
                position: position.map(Position::get),
                remaining_pence: None,
                replayed,
            },
        }
    };
    (0..postings.len()).map(answer).collect()
}

/// An entry with the record that it stands in.
#[derive(Debug, Clone, Copy)]
pub struct EntryOf<'a> {
    /// The record's header.
    pub header: &'a Header,
    /// The entry's index in the record.
    pub index: u16,
    /// What was posted.
    pub posting: &'a Posting,
    /// What became of it.
    pub posted: &'a Posted,
    /// Why, of a reversal or of what two people posted.
    pub reason: &'a str,
    /// Who proposed what two people posted.
    pub proposer: Option<Position>,
    /// The entry that reversed it.
    pub reversed_by: Option<Item>,
    /// The entries that correct it.
    pub corrected_by: &'a [Item],
}

/// An entry on the wire.
#[must_use]
pub fn entry(of: &EntryOf<'_>) -> v1::Entry {
    let EntryOf { header, index, posting, posted, reason, proposer, reversed_by, corrected_by } = of;
    // The posting is as it was made, and balances are for who asked for them.
    let Posted { accounting_date, windows, held, breaches: passed, origin: _, made: _, balances: _ } = posted;
    v1::Entry {
        name: Some(entry_name(Item { position: header.position, index: *index })),
        posting: Some(posting_message(header, posting)),
        recorded_time: Some(common::timestamp(header.recorded_time)),
        business_date: Some(common::day(header.business_date)),
        accounting_date: Some(common::day(*accounting_date)),
        windows: steps(&window_keys(posting), windows),
        held_pence: held.iter().map(|pence| pence.get()).collect(),
        breaches: breaches(passed),
        caller: header.caller.get(),
        reversed_by: reversed_by.map(entry_name),
        reason: (*reason).to_owned(),
        period_of_origin: posted.late_from().map(|month| month.to_string()).unwrap_or_default(),
        corrected_by: corrected_by.iter().map(|entry| entry_name(*entry)).collect(),
        proposer: proposer.map(Position::get),
    }
}

pub(super) fn posting_message(header: &Header, posting: &Posting) -> v1::Posting {
    let Posting {
        kind,
        effective_date,
        legs,
        holds,
        corrects,
        reference,
        accounting_date,
        on_behalf_of,
        reverses_in,
        answer,
    } = posting;
    v1::Posting {
        request_id: header.request_id.to_bytes().to_vec(),
        kind: self::kind(*kind).into(),
        effective_date: Some(common::day(*effective_date)),
        legs: legs.iter().map(leg).collect(),
        holds: holds.iter().map(hold_action).collect(),
        cause: header.cause.map(common::cause),
        corrects: corrects.map(entry_name),
        reference: reference.clone().unwrap_or_default(),
        accounting_date: accounting_date.map(common::day),
        on_behalf_of: on_behalf_of.clone().unwrap_or_default(),
        reverses_in: reverses_in.map(|month| month.to_string()).unwrap_or_default(),
        balances: *answer == Some(AnswerWith::Balances),
    }
}

fn leg(leg: &Leg) -> v1::Leg {
    let Leg { account, side: leg_side, pence, window } = leg;
    v1::Leg {
        account: account.get(),
        side: side(*leg_side).into(),
        amount_pence: pence.get(),
        window: window.map(|window| match window {
            WindowUse::Adds(key) => v1::leg::Window::Adds(window_key(key)),
            WindowUse::Pays(key) => v1::leg::Window::Pays(window_key(key)),
        }),
    }
}

fn hold_action(action: &HoldAction) -> v1::HoldAction {
    use v1::hold_action::Action;
    let action = match action {
        HoldAction::Place { account, pence, expires, name } => Action::Place(v1::PlaceHold {
            account: account.get(),
            amount_pence: pence.get(),
            expire_date: Some(common::day(*expires)),
            name: name.map(|name| name.to_bytes().to_vec()).unwrap_or_default(),
        }),
        HoldAction::Capture { hold, pence } => Action::Capture(v1::CaptureHold {
            hold: hold.to_bytes().to_vec(),
            amount_pence: pence.map(Pence::get),
        }),
        HoldAction::Release { hold } => Action::Release(v1::ReleaseHold { hold: hold.to_bytes().to_vec() }),
    };
    v1::HoldAction { action: Some(action) }
}

/// A kind of entry on the wire.
#[must_use]
pub const fn kind(kind: EntryKind) -> v1::EntryKind {
    use v1::EntryKind as K;
    match kind {
        EntryKind::Allocation => K::Allocation,
        EntryKind::Referral => K::Referral,
        EntryKind::HoldRelease => K::HoldRelease,
        EntryKind::Activity => K::Activity,
        EntryKind::ActivityVersion => K::ActivityVersion,
        EntryKind::Contest => K::Contest,
        EntryKind::ContestOutcome => K::ContestOutcome,
        EntryKind::Recognition => K::Recognition,
        EntryKind::OnAccount => K::OnAccount,
        EntryKind::TrueUp => K::TrueUp,
        EntryKind::Estimate => K::Estimate,
        EntryKind::EstimateReversal => K::EstimateReversal,
        EntryKind::Recovery => K::Recovery,
        EntryKind::RecoveryReceived => K::RecoveryReceived,
        EntryKind::PaymentInstructed => K::PaymentInstructed,
        EntryKind::PaymentConfirmed => K::PaymentConfirmed,
        EntryKind::PaymentRejected => K::PaymentRejected,
        EntryKind::PaymentReturned => K::PaymentReturned,
        EntryKind::PlanApproved => K::PlanApproved,
        EntryKind::PhbBooked => K::PhbBooked,
        EntryKind::PhbDelivered => K::PhbDelivered,
        EntryKind::PhbInstalment => K::PhbInstalment,
        EntryKind::PhbCare => K::PhbCare,
        EntryKind::PhbReturned => K::PhbReturned,
        EntryKind::Reclaim => K::Reclaim,
        EntryKind::ReclaimReceived => K::ReclaimReceived,
        EntryKind::WriteOff => K::WriteOff,
        EntryKind::SetOff => K::SetOff,
        EntryKind::YearEnd => K::YearEnd,
        EntryKind::Merger => K::Merger,
        EntryKind::Reversal => K::Reversal,
        EntryKind::Target => K::Target,
    }
}
