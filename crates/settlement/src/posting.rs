//! What the ledger is asked to post: the settlement rows of the chart's table of events.
//!
//! | event | debit | credit |
//! | --- | --- | --- |
//! | payment on account or block share due | fund/prepayment/payee | owed/payable/payee, adds to INSTALMENT |
//! | block month earned | fund/expenditure/class | fund/prepayment/payee |
//! | payment instructed | owed/payable/payee, pays its windows | out/in-transit |
//! | payment confirmed | out/in-transit | out/bank |
//! | rejected by the bank | out/in-transit | owed/payable/payee, adds to RUN |
//! | returned after settlement | out/bank | owed/payable/payee, adds to RUN |

use crate::{BudgetLine, DueKind, EntryOutcome, FallDue, Row, WindowKey, instalment};
use journal::{Day, RequestId, derived_request_id};
use money::{Pence, Side};

/// The ledger's word for what happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EntryKind {
    /// A payment on account or a block share falls due.
    OnAccount,
    /// A block month is earned.
    Recognition,
    /// A payment is instructed.
    PaymentInstructed,
    /// The bank confirmed a payment.
    PaymentConfirmed,
    /// The bank rejected a payment.
    PaymentRejected,
    /// A payment came back after it had settled.
    PaymentReturned,
}

/// How a leg on `owed/payable` stands to a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WindowUse {
    /// It adds to the window.
    Adds(WindowKey),
    /// It pays the window, or clears its negative total.
    Pays(WindowKey),
}

/// One side of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leg {
    /// The account's path.
    pub account: String,
    /// Its side.
    pub side: Side,
    /// The amount; more than nothing.
    pub pence: Pence,
    /// The window, on `owed/payable` only.
    pub window: Option<WindowUse>,
}

/// One posting, all or nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posting {
    /// Its request id at the ledger, derived from that of the record that asks.
    pub request_id: RequestId,
    /// What happened.
    pub kind: EntryKind,
    /// When it happened.
    pub effective_date: Day,
    /// The legs, balanced.
    pub legs: Vec<Leg>,
    /// The writer's reference: an end-to-end id, or a contract's id.
    pub reference: String,
}

fn posting_id(cause: RequestId, index: u16) -> RequestId {
    derived_request_id("posting", cause, &index.to_be_bytes())
}

fn leg(line: BudgetLine, account: &str, side: Side, pence: Pence, window: Option<WindowUse>) -> Leg {
    Leg { account: format!("{line}/{account}"), side, pence, window }
}

pub(crate) fn fell_due(cause: RequestId, due: &FallDue) -> Option<Posting> {
    let line = instalment::line(due)?;
    let prepayment = format!("fund/prepayment/{}", due.payee);
    let (kind, legs) = match due.key.kind {
        DueKind::OnAccount | DueKind::Block => {
            let payable = format!("owed/payable/{}", due.payee);
            let window = Some(WindowUse::Adds(WindowKey::Instalment(due.key.day)));
            let legs = vec![
                leg(line, &prepayment, Side::Debit, due.pence, None),
                leg(line, &payable, Side::Credit, due.pence, window),
            ];
            (EntryKind::OnAccount, legs)
        }
        DueKind::BlockEarned => {
            let expenditure = format!("fund/expenditure/{}", due.class);
            let legs = vec![
                leg(line, &expenditure, Side::Debit, due.pence, None),
                leg(line, &prepayment, Side::Credit, due.pence, None),
            ];
            (EntryKind::Recognition, legs)
        }
    };
    let reference = due.key.contract.to_string();
    Some(Posting { request_id: posting_id(cause, 0), kind, effective_date: due.key.day, legs, reference })
}

pub(crate) fn instruct(
    cause: RequestId,
    index: u16,
    row: &Row,
    end_to_end_id: &str,
    pay_on: Day,
) -> Option<Posting> {
    let payable = format!("owed/payable/{}", row.payee);
    let mut legs: Vec<Leg> = row
        .windows
        .iter()
        .filter_map(|window| {
            let side = window.part.side(Side::Debit)?;
            Some(leg(row.line, &payable, side, window.part.magnitude(), Some(WindowUse::Pays(window.key))))
        })
        .collect();
    legs.push(leg(row.line, "out/in-transit", Side::Credit, row.paid()?, None));
    Some(Posting {
        request_id: posting_id(cause, index),
        kind: EntryKind::PaymentInstructed,
        effective_date: pay_on,
        legs,
        reference: end_to_end_id.to_owned(),
    })
}

/// What the bank's word on a payment posts; `None` where it posts nothing.
pub(crate) fn bank(
    cause: RequestId,
    index: u16,
    row: &Row,
    outcome: EntryOutcome,
    end_to_end_id: &str,
    on: Day,
) -> Option<Posting> {
    let pence = row.paid()?;
    let payable = format!("owed/payable/{}", row.payee);
    // The ledger puts the run in force in place of 0.
    let run = Some(WindowUse::Adds(WindowKey::Run(0)));
    let (kind, debit, credit, window) = match outcome {
        EntryOutcome::Settled => (EntryKind::PaymentConfirmed, "out/in-transit", "out/bank", None),
        EntryOutcome::Rejected => (EntryKind::PaymentRejected, "out/in-transit", payable.as_str(), run),
        EntryOutcome::Returned => (EntryKind::PaymentReturned, "out/bank", payable.as_str(), run),
        EntryOutcome::Accepted
        | EntryOutcome::Repeated
        | EntryOutcome::WrongAmount
        | EntryOutcome::WrongAccount
        | EntryOutcome::OutOfOrder
        | EntryOutcome::Unmatched
        | EntryOutcome::NotBooked => return None,
    };
    let legs = vec![
        leg(row.line, debit, Side::Debit, pence, None),
        leg(row.line, credit, Side::Credit, pence, window),
    ];
    let request_id = posting_id(cause, index);
    Some(Posting { request_id, kind, effective_date: on, legs, reference: end_to_end_id.to_owned() })
}
