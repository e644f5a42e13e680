//! A run and its payments: the states, and the steps between them.

use crate::{Adopted, Pins, RunContent, Waiver, Witnessed};
use access::Approval;
use journal::{Day, Digest, Instant, Position, RequestId};
use minicbor::{Decode, Encode};
use money::Pence;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum RunState {
    /// Its content is fixed; nothing is posted.
    #[n(1)]
    Prepared,
    /// Another person agreed to its digest.
    #[n(2)]
    Approved,
    /// Enough witnesses saw the approval.
    #[n(3)]
    Witnessed,
    /// Payments are being instructed, written and awaited.
    #[n(4)]
    Paying,
    /// Every payment has ended: settled, returned, rejected or withheld.
    #[n(5)]
    Paid,
    /// Finance has closed it.
    #[n(6)]
    Closed,
    /// Given up before anything was posted.
    #[n(7)]
    Cancelled,
    /// A newer preparation took its place before anything was posted.
    #[n(8)]
    Superseded,
}

/// What happens to a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum RunStep {
    /// Another person agrees to its digest.
    #[n(1)]
    Approve,
    /// Its payments are instructed.
    #[n(2)]
    Pay,
    /// Work that was interrupted goes on.
    #[n(3)]
    Resume,
    /// Its files are fixed by their digests.
    #[n(4)]
    RecordFiles,
    /// Its last payment ended.
    #[n(5)]
    Finish,
    /// Finance closes it.
    #[n(6)]
    Close,
    /// It is given up.
    #[n(7)]
    Cancel,
    /// A newer preparation takes its place.
    #[n(8)]
    Supersede,
    /// Enough witnesses saw the approval.
    #[n(9)]
    Witness,
    /// An approver does without witnesses.
    #[n(10)]
    Waive,
}

/// A step that the state does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, Encode, Decode)]
#[error("a run that is {} cannot {}", from.as_str(), step.as_str())]
#[cbor(array)]
pub struct IllegalStep {
    /// Where the run stands.
    #[n(0)]
    pub from: RunState,
    /// What was asked.
    #[n(1)]
    pub step: RunStep,
}

impl RunState {
    /// Every state.
    pub const ALL: [Self; 8] = [
        Self::Prepared,
        Self::Approved,
        Self::Witnessed,
        Self::Paying,
        Self::Paid,
        Self::Closed,
        Self::Cancelled,
        Self::Superseded,
    ];

    /// The word on screens.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Prepared => "PREPARED",
            Self::Approved => "APPROVED",
            Self::Witnessed => "WITNESSED",
            Self::Paying => "PAYING",
            Self::Paid => "PAID",
            Self::Closed => "CLOSED",
            Self::Cancelled => "CANCELLED",
            Self::Superseded => "SUPERSEDED",
        }
    }

    /// The state after `step`.
    pub const fn transition(self, step: RunStep) -> Result<Self, IllegalStep> {
        use RunStep::{Approve, Cancel, Close, Finish, Pay, RecordFiles, Resume, Supersede, Waive, Witness};
        match (self, step) {
            (Self::Prepared, Approve) | (Self::Approved, Waive) => Ok(Self::Approved),
            (Self::Approved, Witness) => Ok(Self::Witnessed),
            // Whether an approved run needs witnesses first is its approval's to say, not its state's.
            (Self::Approved | Self::Witnessed, Pay) => Ok(Self::Paying),
            (Self::Paying, Resume | RecordFiles) => Ok(Self::Paying),
            (Self::Paying, Finish) => Ok(Self::Paid),
            (Self::Paid, Close) => Ok(Self::Closed),
            (Self::Prepared | Self::Approved | Self::Witnessed, Cancel) => Ok(Self::Cancelled),
            (Self::Prepared | Self::Approved | Self::Witnessed, Supersede) => Ok(Self::Superseded),
            (Self::Prepared, Pay | Resume | RecordFiles | Finish | Close | Witness | Waive)
            | (Self::Approved, Approve | Resume | RecordFiles | Finish | Close)
            | (Self::Witnessed, Approve | Resume | RecordFiles | Finish | Close | Witness | Waive)
            | (Self::Paying, Approve | Pay | Close | Cancel | Supersede | Witness | Waive)
            | (
                Self::Paid,
                Approve | Pay | Resume | RecordFiles | Finish | Cancel | Supersede | Witness | Waive,
            )
            | (
                Self::Closed | Self::Cancelled | Self::Superseded,
                Approve | Pay | Resume | RecordFiles | Finish | Close | Cancel | Supersede | Witness | Waive,
            ) => Err(IllegalStep { from: self, step }),
        }
    }
}

impl RunStep {
    /// Every step.
    pub const ALL: [Self; 10] = [
        Self::Approve,
        Self::Witness,
        Self::Waive,
        Self::Pay,
        Self::Resume,
        Self::RecordFiles,
        Self::Finish,
        Self::Close,
        Self::Cancel,
        Self::Supersede,
    ];

    /// The verb in messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approve => "be approved",
            Self::Witness => "be witnessed",
            Self::Waive => "do without witnesses",
            Self::Pay => "be paid",
            Self::Resume => "be resumed",
            Self::RecordFiles => "have its files recorded",
            Self::Finish => "finish",
            Self::Close => "be closed",
            Self::Cancel => "be cancelled",
            Self::Supersede => "be superseded",
        }
    }
}

/// Where a payment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum PaymentState {
    /// In a run that was told to pay; the ledger has not answered.
    #[n(1)]
    Planned,
    /// Posted as instructed; it stands in the run's files.
    #[n(2)]
    Instructed,
    /// The bank has taken it.
    #[n(3)]
    Accepted,
    /// On the payer's statement.
    #[n(4)]
    Settled,
    /// The bank refused it: it is owed again.
    #[n(5)]
    Rejected,
    /// It came back after it had settled: it is owed again.
    #[n(6)]
    Returned,
    /// The ledger refused it: it is not in the files, and still owed.
    #[n(7)]
    Withheld,
}

/// What happens to a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum PaymentStep {
    Grant,
    Deny,
    Accept,
    Settle,
    Reject,
    Return,
}

impl PaymentState {
    /// Every state.
    pub const ALL: [Self; 7] = [
        Self::Planned,
        Self::Instructed,
        Self::Accepted,
        Self::Settled,
        Self::Rejected,
        Self::Returned,
        Self::Withheld,
    ];

    /// The word on screens.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "PLANNED",
            Self::Instructed => "INSTRUCTED",
            Self::Accepted => "ACCEPTED",
            Self::Settled => "SETTLED",
            Self::Rejected => "REJECTED",
            Self::Returned => "RETURNED",
            Self::Withheld => "WITHHELD",
        }
    }

    /// Whether nothing more is awaited of it.
    #[must_use]
    pub const fn has_ended(self) -> bool {
        match self {
            Self::Planned | Self::Instructed | Self::Accepted => false,
            Self::Settled | Self::Rejected | Self::Returned | Self::Withheld => true,
        }
    }

    /// Whether the ledger has posted it as instructed, whatever came after.
    #[must_use]
    pub const fn was_instructed(self) -> bool {
        match self {
            Self::Planned | Self::Withheld => false,
            Self::Instructed | Self::Accepted | Self::Settled | Self::Rejected | Self::Returned => true,
        }
    }

    /// The state after `step`, or `None` when the state does not allow it.
    pub(crate) const fn after(self, step: PaymentStep) -> Option<Self> {
        use PaymentStep::{Accept, Deny, Grant, Reject, Return, Settle};
        match (self, step) {
            (Self::Planned, Grant) => Some(Self::Instructed),
            (Self::Planned, Deny) => Some(Self::Withheld),
            (Self::Instructed, Accept) => Some(Self::Accepted),
            (Self::Instructed | Self::Accepted, Settle) => Some(Self::Settled),
            (Self::Instructed | Self::Accepted, Reject) => Some(Self::Rejected),
            (Self::Settled, Return) => Some(Self::Returned),
            (Self::Planned, Accept | Settle | Reject | Return)
            | (Self::Instructed, Grant | Deny | Return)
            | (Self::Accepted, Grant | Deny | Accept | Return)
            | (Self::Settled, Grant | Deny | Accept | Settle | Reject)
            | (
                Self::Rejected | Self::Returned | Self::Withheld,
                Grant | Deny | Accept | Settle | Reject | Return,
            ) => None,
        }
    }
}

impl PaymentStep {
    #[cfg(test)]
    pub(crate) const ALL: [Self; 6] =
        [Self::Grant, Self::Deny, Self::Accept, Self::Settle, Self::Reject, Self::Return];
}

/// A payment of a run, beside what its row says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// Where it stands.
    pub state: PaymentState,
    /// The day on which its last step came about, as the bank or the journal dates it.
    pub on: Option<Day>,
    /// Why it was withheld, rejected or returned: the ledger's or the bank's code.
    pub reason: Option<String>,
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum FileKind {
    /// An ISO 20022 `pain.001` of one payer's payments to organisations.
    #[n(1)]
    Payments,
    /// An ISO 20022 `pain.001` of one payer's direct payments: it names people.
    #[n(2)]
    ControlledPayments,
    /// Approved invoices for a ledger of record.
    #[n(3)]
    AccountsPayable,
    /// Journals for a ledger of record.
    #[n(4)]
    Journal,
}

impl FileKind {
    /// Every kind.
    pub const ALL: [Self; 4] =
        [Self::Payments, Self::ControlledPayments, Self::AccountsPayable, Self::Journal];

    /// Whether it names people, so that only those who may see identity may read it.
    #[must_use]
    pub const fn is_controlled(self) -> bool {
        matches!(self, Self::ControlledPayments)
    }

    /// Whether it instructs a bank.
    #[must_use]
    pub const fn instructs(self) -> bool {
        match self {
            Self::Payments | Self::ControlledPayments => true,
            Self::AccountsPayable | Self::Journal => false,
        }
    }

    /// The folder, below the run's output folder, that holds such files.
    #[must_use]
    pub const fn folder(self) -> &'static str {
        match self {
            Self::Payments => "payments",
            Self::ControlledPayments => "payments/controlled",
            Self::AccountsPayable | Self::Journal => "ledger-of-record",
        }
    }
}

/// A file of a run, as its record fixes it. Its content is elsewhere; of a controlled one nothing else is kept.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct RunFile {
    /// What it is.
    #[n(0)]
    pub kind: FileKind,
    /// Its name below the output folder.
    #[n(1)]
    pub name: String,
    /// The SHA-256 of its bytes.
    #[n(2)]
    pub digest: Digest,
    /// How many payments (or rows) it has.
    #[n(3)]
    pub items: u32,
    /// What they come to.
    #[n(4)]
    pub pence: Pence,
}

/// A run.
#[derive(Debug, Clone)]
pub struct Run {
    /// The position of its preparation.
    pub position: Position,
    /// Its id: the request id of its preparation.
    pub id: RequestId,
    /// What it pays.
    pub content: Arc<RunContent>,
    /// The SHA-256 of the content's canonical bytes: what is approved.
    pub digest: Digest,
    /// Where it stands.
    pub state: RunState,
    /// When it was prepared.
    pub prepared_time: Instant,
    /// The record that first named who prepared it.
    pub preparer: Position,
    /// Who agreed to it.
    pub approval: Option<Approval>,
    /// The record that says so.
    pub approved: Option<Position>,
    /// When that was recorded.
    pub approved_time: Option<Instant>,
    /// What the approval pins; of approvals before there were witnesses, nothing.
    pub pins: Option<Pins>,
    /// Who saw the approval, once enough did.
    pub witnessed: Option<Witnessed>,
    /// Whether approvers do without witnesses.
    pub waiver: Option<Waiver>,
    /// When it was told to pay: the time that its files carry.
    pub paying_time: Option<Instant>,
    /// The reference data in force then: its bank details are those of the files.
    pub paying_with: Option<Adopted>,
    /// Its payments by row, from the moment it is told to pay.
    pub payments: BTreeMap<u16, Payment>,
    /// Its files, once they are fixed.
    pub files: Option<Vec<RunFile>>,
    /// When it last changed.
    pub updated_time: Instant,
}

impl Run {
    /// The sum of the payments that the ledger posted as instructed, and how many they are.
    #[must_use]
    pub fn instructed(&self) -> (u32, Pence) {
        self.sum_of(PaymentState::was_instructed)
    }

    /// How many payments are in a state that `counts`, and their sum.
    #[must_use]
    pub fn sum_of(&self, counts: impl Fn(PaymentState) -> bool) -> (u32, Pence) {
        let rows = self.payments.iter().filter(|(_, payment)| counts(payment.state));
        let paid = rows.filter_map(|(row, _)| self.content.row(*row)?.paid());
        paid.fold((0, Pence::ZERO), |(count, sum): (u32, Pence), pence| {
            (count.saturating_add(1), sum.checked_add(pence).unwrap_or(Pence::MAX))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;
    use std::fmt::Write as _;

    #[test]
    fn runs_take_these_steps_and_no_others() {
        let mut matrix = String::new();
        for state in RunState::ALL {
            for step in RunStep::ALL {
                if let Ok(after) = state.transition(step) {
                    writeln!(matrix, "{:<10} {step:<11?} -> {}", state.as_str(), after.as_str()).unwrap();
                }
            }
        }
        expect![[r#"
            PREPARED   Approve -> APPROVED
            PREPARED   Cancel -> CANCELLED
            PREPARED   Supersede -> SUPERSEDED
            APPROVED   Witness -> WITNESSED
            APPROVED   Waive -> APPROVED
            APPROVED   Pay -> PAYING
            APPROVED   Cancel -> CANCELLED
            APPROVED   Supersede -> SUPERSEDED
            WITNESSED  Pay -> PAYING
            WITNESSED  Cancel -> CANCELLED
            WITNESSED  Supersede -> SUPERSEDED
            PAYING     Resume -> PAYING
            PAYING     RecordFiles -> PAYING
            PAYING     Finish -> PAID
            PAID       Close -> CLOSED
        "#]]
        .assert_eq(&matrix);
    }

    #[test]
    fn payments_take_these_steps_and_no_others() {
        let mut matrix = String::new();
        for state in PaymentState::ALL {
            for step in PaymentStep::ALL {
                if let Some(after) = state.after(step) {
                    writeln!(matrix, "{:<10} {step:<7?} -> {}", state.as_str(), after.as_str()).unwrap();
                }
            }
        }
        expect![[r#"
            PLANNED    Grant -> INSTRUCTED
            PLANNED    Deny -> WITHHELD
            INSTRUCTED Accept -> ACCEPTED
            INSTRUCTED Settle -> SETTLED
            INSTRUCTED Reject -> REJECTED
            ACCEPTED   Settle -> SETTLED
            ACCEPTED   Reject -> REJECTED
            SETTLED    Return -> RETURNED
        "#]]
        .assert_eq(&matrix);
    }
}
