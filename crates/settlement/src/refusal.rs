//! Why not: a closed catalogue.

use crate::{IllegalStep, Payee};
use access::ApprovalRefusal;
use journal::RequestId;
use minicbor::{Decode, Encode};
use nhs::OdsCode;

/// Why a command was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Encode, Decode)]
pub enum Refusal {
    /// There is nothing to decide with yet.
    #[n(1)]
    #[error("the registry has given no reference data yet")]
    ReferenceMissing,
    /// A newer snapshot is in force.
    #[n(2)]
    #[error("a newer snapshot of reference data is in force")]
    ReferenceOlder,
    /// The run was prepared with other reference data than is in force now.
    #[n(3)]
    #[error("reference data changed while the run was prepared: prepare it again")]
    ReferenceChanged,
    /// A timer's command is not due, or was done.
    #[n(4)]
    #[error("it is not due, or was recorded already")]
    NotDue,
    /// No open ask has these names.
    #[n(5)]
    #[error("none of these questions is open")]
    AskUnknown,
    /// No run has this id.
    #[n(6)]
    #[error("no run has this id")]
    RunUnknown,
    /// The state of the run does not allow it.
    #[n(7)]
    #[error(transparent)]
    RunState(#[n(0)] IllegalStep),
    /// Two people do not agree to the same bytes.
    #[n(8)]
    #[error(transparent)]
    Approval(#[n(0)] ApprovalRefusal),
    /// Another run is being paid, so that what is owed is not settled yet.
    #[n(9)]
    #[error("run {run} is being paid: wait until the ledger has answered for all its payments")]
    RunInProgress {
        /// The run.
        #[n(0)]
        run: RequestId,
    },
    /// Nothing is due.
    #[n(10)]
    #[error("nothing is due: no payment would be made")]
    NothingToPay,
    /// The content does not add up.
    #[n(11)]
    #[error("the content of the run does not add up")]
    ContentInvalid,
    /// A window would be paid twice.
    #[n(12)]
    #[error("what {payer} owes {payee} was paid by another run meanwhile: prepare the run again")]
    WindowPaid {
        /// The payer.
        #[n(0)]
        payer: OdsCode,
        /// The payee.
        #[n(1)]
        payee: Payee,
    },
    /// Bank details are not those that were approved.
    #[n(13)]
    #[error("the bank details of {payee} changed since the run was prepared: prepare it again")]
    BankDetailsChanged {
        /// The payee.
        #[n(0)]
        payee: Payee,
    },
    /// A file of the run is not what was recorded.
    #[n(14)]
    #[error("a file of the run would not be the one that was recorded")]
    FileDiffers,
    /// The files do not make what was instructed.
    #[n(15)]
    #[error("the payment files do not make what the ledger posted as instructed")]
    FilesDoNotAddUp,
    /// The ledger has not answered for every payment.
    #[n(16)]
    #[error("the ledger has not answered for every payment")]
    AsksOpen,
    /// A message holds more than one record can.
    #[n(17)]
    #[error("the message has more entries than one record holds: ask the bank for shorter statements")]
    MessageTooLarge,
    /// A reason is missing or too long.
    #[n(18)]
    #[error("give a reason of 1 to 500 printable ASCII characters")]
    ReasonInvalid,
    /// The run waits for witnesses.
    #[n(19)]
    #[error(
        "the approval waits for {required} witnesses to cosign it: wait for them, or have two approvers waive them"
    )]
    NotWitnessed {
        /// How many must cosign.
        #[n(0)]
        required: u8,
    },
    /// Too few witnesses cosigned a checkpoint that holds the approval.
    #[n(20)]
    #[error("{found} of {required} witnesses cosigned a checkpoint that holds the approval")]
    CosignaturesMissing {
        /// How many did.
        #[n(0)]
        found: u8,
        /// How many must.
        #[n(1)]
        required: u8,
    },
    /// The run waits for no witnesses.
    #[n(21)]
    #[error("the run waits for no witnesses: there is nothing to waive")]
    NothingToWaive,
}

impl Refusal {
    /// The reasons that [`Refusal::reason`] gives.
    pub const REASONS: [&'static str; 22] = [
        "REFERENCE_MISSING",
        "REFERENCE_OLDER",
        "REFERENCE_CHANGED",
        "NOT_DUE",
        "ASK_UNKNOWN",
        "RUN_UNKNOWN",
        "RUN_STATE",
        "SAME_PERSON",
        "DIGEST_MISMATCH",
        "RUN_IN_PROGRESS",
        "NOTHING_TO_PAY",
        "CONTENT_INVALID",
        "WINDOW_PAID",
        "BANK_DETAILS_CHANGED",
        "FILE_DIFFERS",
        "FILES_DO_NOT_ADD_UP",
        "ASKS_OPEN",
        "MESSAGE_TOO_LARGE",
        "REASON_INVALID",
        "NOT_WITNESSED",
        "COSIGNATURES_MISSING",
        "NOTHING_TO_WAIVE",
    ];

    /// The reason as callers see it. It never changes.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::ReferenceMissing => "REFERENCE_MISSING",
            Self::ReferenceOlder => "REFERENCE_OLDER",
            Self::ReferenceChanged => "REFERENCE_CHANGED",
            Self::NotDue => "NOT_DUE",
            Self::AskUnknown => "ASK_UNKNOWN",
            Self::RunUnknown => "RUN_UNKNOWN",
            Self::RunState(_) => "RUN_STATE",
            Self::Approval(refusal) => refusal.reason(),
            Self::RunInProgress { .. } => "RUN_IN_PROGRESS",
            Self::NothingToPay => "NOTHING_TO_PAY",
            Self::ContentInvalid => "CONTENT_INVALID",
            Self::WindowPaid { .. } => "WINDOW_PAID",
            Self::BankDetailsChanged { .. } => "BANK_DETAILS_CHANGED",
            Self::FileDiffers => "FILE_DIFFERS",
            Self::FilesDoNotAddUp => "FILES_DO_NOT_ADD_UP",
            Self::AsksOpen => "ASKS_OPEN",
            Self::MessageTooLarge => "MESSAGE_TOO_LARGE",
            Self::ReasonInvalid => "REASON_INVALID",
            Self::NotWitnessed { .. } => "NOT_WITNESSED",
            Self::CosignaturesMissing { .. } => "COSIGNATURES_MISSING",
            Self::NothingToWaive => "NOTHING_TO_WAIVE",
        }
    }
}
