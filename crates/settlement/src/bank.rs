//! What a bank says: statements and status reports, matched to payments by end-to-end id and amount.

use crate::{PaymentState, State, run::PaymentStep};
use journal::{Day, Digest};
use minicbor::{Decode, Encode};
use money::{NetPence, Pence};
use nhs::OdsCode;
use std::collections::BTreeMap;

/// The most bytes of a statement's id that are kept.
pub const STATEMENT_ID_BYTES_MAX: usize = 35;

/// The most entries of one message: a byte of outcome each take a third of a record.
pub(crate) const ENTRIES_MAX: usize = 20_000;

/// A bank's message, without what could name a person: names, texts and payees' accounts stay out. The message itself is not
/// kept; its digest is.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct BankMessage {
    /// The SHA-256 of the message as it came.
    #[n(0)]
    pub digest: Digest,
    /// What it is.
    #[n(1)]
    pub kind: MessageKind,
    /// The message's own id.
    #[n(2)]
    pub id: String,
    /// Its statements' payers and balances: payer, opening and closing.
    #[n(3)]
    pub statements: Vec<StatementFacts>,
    /// What it says, in its order.
    #[n(4)]
    pub entries: Vec<BankEntry>,
}

/// What a bank's message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum MessageKind {
    /// `camt.053`: a statement.
    #[n(1)]
    Statement,
    /// `pain.002`: a status report.
    #[n(2)]
    StatusReport,
}

/// A statement's balances.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct StatementFacts {
    /// Whose account it is; none when no payer of the system has such an account.
    #[n(0)]
    pub payer: Option<OdsCode>,
    /// The statement's id.
    #[n(1)]
    pub id: String,
    /// The booked balance before the entries.
    #[n(2)]
    pub opening: NetPence,
    /// The booked balance after the entries.
    #[n(3)]
    pub closing: NetPence,
}

/// One thing that a bank says.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct BankEntry {
    /// Whose account; none when it is nobody's of ours, or the message does not say (a status report).
    #[n(0)]
    pub payer: Option<OdsCode>,
    /// The end-to-end id.
    #[n(1)]
    pub end_to_end_id: Option<String>,
    /// How much; none in a status report.
    #[n(2)]
    pub pence: Option<Pence>,
    /// Which way.
    #[n(3)]
    pub direction: Direction,
    /// The day on which it was booked.
    #[n(4)]
    pub on: Option<Day>,
    /// The bank's code for why it refused or returned.
    #[n(5)]
    pub reason: Option<String>,
}

/// Which way an entry goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Direction {
    /// Money left the account.
    #[n(1)]
    Out,
    /// Money came in.
    #[n(2)]
    In,
    /// The bank has taken an instruction.
    #[n(3)]
    Accepted,
    /// The bank has refused an instruction.
    #[n(4)]
    Rejected,
    /// Announced, or for information: not in the booked balance.
    #[n(5)]
    NotBooked,
}

/// What became of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum EntryOutcome {
    /// A payment of ours, on the statement.
    #[n(1)]
    Settled,
    /// The bank has taken a payment of ours.
    #[n(2)]
    Accepted,
    /// The bank has refused a payment of ours.
    #[n(3)]
    Rejected,
    /// A payment of ours came back.
    #[n(4)]
    Returned,
    /// What was known already.
    #[n(5)]
    Repeated,
    /// The end-to-end id is ours, the amount is not the payment's.
    #[n(6)]
    WrongAmount,
    /// The end-to-end id is ours, the account is another payer's.
    #[n(7)]
    WrongAccount,
    /// The end-to-end id is ours, but the payment was not instructed, or came back without having left.
    #[n(8)]
    OutOfOrder,
    /// No payment of ours.
    #[n(9)]
    Unmatched,
    /// Not in the booked balance: of no consequence.
    #[n(10)]
    NotBooked,
}

impl EntryOutcome {
    /// Every outcome.
    pub const ALL: [Self; 10] = [
        Self::Settled,
        Self::Accepted,
        Self::Rejected,
        Self::Returned,
        Self::Repeated,
        Self::WrongAmount,
        Self::WrongAccount,
        Self::OutOfOrder,
        Self::Unmatched,
        Self::NotBooked,
    ];

    /// Whether a person must look at it.
    #[must_use]
    pub const fn is_difference(self) -> bool {
        match self {
            Self::WrongAmount | Self::WrongAccount | Self::OutOfOrder | Self::Unmatched => true,
            Self::Settled
            | Self::Accepted
            | Self::Rejected
            | Self::Returned
            | Self::Repeated
            | Self::NotBooked => false,
        }
    }
}

impl BankMessage {
    /// The canonical bytes of what is kept of the message.
    #[must_use]
    pub fn to_cbor(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // Writing to a Vec cannot fail, and the message holds nothing that CBOR lacks.
        let _ = minicbor::encode(self, &mut bytes);
        bytes
    }

    /// Reads what [`BankMessage::to_cbor`] wrote.
    pub fn from_cbor(bytes: &[u8]) -> Result<Self, minicbor::decode::Error> {
        minicbor::decode(bytes)
    }
}

/// The outcome of every entry, in order: each sees what those before it did.
pub(crate) fn outcomes(state: &State, message: &BankMessage) -> Vec<EntryOutcome> {
    let mut moved = BTreeMap::new();
    message.entries.iter().map(|entry| outcome(state, &mut moved, entry)).collect()
}

fn outcome<'a>(
    state: &State,
    moved: &mut BTreeMap<&'a str, PaymentState>,
    entry: &'a BankEntry,
) -> EntryOutcome {
    if entry.direction == Direction::NotBooked {
        return EntryOutcome::NotBooked;
    }
    let Some(id) = entry.end_to_end_id.as_deref() else { return EntryOutcome::Unmatched };
    let Some((row, payment)) = state.payment_named(id) else { return EntryOutcome::Unmatched };
    if entry.payer.is_some_and(|payer| payer != row.line.payer) {
        return EntryOutcome::WrongAccount;
    }
    if entry.pence.is_some() && entry.pence != row.paid() {
        return EntryOutcome::WrongAmount;
    }
    let now = *moved.get(id).unwrap_or(&payment.state);
    let (step, outcome) = match entry.direction {
        Direction::Out => (PaymentStep::Settle, EntryOutcome::Settled),
        Direction::In => (PaymentStep::Return, EntryOutcome::Returned),
        Direction::Accepted => (PaymentStep::Accept, EntryOutcome::Accepted),
        Direction::Rejected => (PaymentStep::Reject, EntryOutcome::Rejected),
        Direction::NotBooked => return EntryOutcome::NotBooked,
    };
    // A statement must say how much and whose; a status report is about one instruction file of ours.
    let statement = matches!(entry.direction, Direction::Out | Direction::In);
    if statement && (entry.pence.is_none() || entry.payer.is_none()) {
        return EntryOutcome::WrongAccount;
    }
    if let Some(after) = now.after(step) {
        moved.insert(id, after);
        return outcome;
    }
    if was_reached(now, outcome) { EntryOutcome::Repeated } else { EntryOutcome::OutOfOrder }
}

/// Whether a payment that is `now` has already been through what `outcome` says.
const fn was_reached(now: PaymentState, outcome: EntryOutcome) -> bool {
    match outcome {
        EntryOutcome::Settled => matches!(now, PaymentState::Settled | PaymentState::Returned),
        EntryOutcome::Accepted => {
            matches!(now, PaymentState::Accepted | PaymentState::Settled | PaymentState::Returned)
        }
        EntryOutcome::Rejected => matches!(now, PaymentState::Rejected),
        EntryOutcome::Returned => matches!(now, PaymentState::Returned),
        EntryOutcome::Repeated
        | EntryOutcome::WrongAmount
        | EntryOutcome::WrongAccount
        | EntryOutcome::OutOfOrder
        | EntryOutcome::Unmatched
        | EntryOutcome::NotBooked => false,
    }
}

/// The step that an outcome takes a payment.
pub(crate) const fn step(outcome: EntryOutcome) -> Option<PaymentStep> {
    match outcome {
        EntryOutcome::Settled => Some(PaymentStep::Settle),
        EntryOutcome::Accepted => Some(PaymentStep::Accept),
        EntryOutcome::Rejected => Some(PaymentStep::Reject),
        EntryOutcome::Returned => Some(PaymentStep::Return),
        EntryOutcome::Repeated
        | EntryOutcome::WrongAmount
        | EntryOutcome::WrongAccount
        | EntryOutcome::OutOfOrder
        | EntryOutcome::Unmatched
        | EntryOutcome::NotBooked => None,
    }
}
