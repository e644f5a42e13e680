//! Settlement's refusals as the wire tells them.

use crate::{Class, FieldError, Pushback, Reason, status};
use ::settlement::{PrepareError, Refusal};
use core::fmt;
use journal::Service;
use tonic::Status;

impl FieldError for ::settlement::NameError {
    fn reason(&self) -> &'static str {
        "FIELD_INVALID"
    }
}

impl Reason for Refusal {
    const SERVICE: Service = Service::Settlement;
    const REASONS: &'static [&'static str] = &Self::REASONS;

    fn reason(&self) -> &'static str {
        Self::reason(self)
    }

    fn class(&self) -> Class {
        match self {
            Self::RunUnknown | Self::AskUnknown => Class::Unknown,
            Self::MessageTooLarge | Self::ReasonInvalid => Class::Invalid,
            Self::ReferenceChanged | Self::WindowPaid { .. } | Self::BankDetailsChanged { .. } => {
                Class::Conflict
            }
            Self::ReferenceMissing
            | Self::ReferenceOlder
            | Self::NotDue
            | Self::RunState(_)
            | Self::Approval(_)
            | Self::RunInProgress { .. }
            | Self::NothingToPay
            | Self::ContentInvalid
            | Self::FileDiffers
            | Self::FilesDoNotAddUp
            | Self::NotWitnessed { .. }
            | Self::CosignaturesMissing { .. }
            | Self::NothingToWaive
            | Self::AsksOpen => Class::Precondition,
        }
    }

    fn subject(&self) -> String {
        match self {
            Self::MessageTooLarge => "message".to_owned(),
            Self::ReasonInvalid => "reason".to_owned(),
            Self::RunInProgress { run } => format!("runs/{run}"),
            Self::WindowPaid { payee, .. } | Self::BankDetailsChanged { payee } => format!("payees/{payee}"),
            Self::ReferenceMissing
            | Self::ReferenceOlder
            | Self::ReferenceChanged
            | Self::NotDue
            | Self::AskUnknown
            | Self::RunUnknown
            | Self::RunState(_)
            | Self::Approval(_)
            | Self::NothingToPay
            | Self::ContentInvalid
            | Self::FileDiffers
            | Self::FilesDoNotAddUp
            | Self::NotWitnessed { .. }
            | Self::CosignaturesMissing { .. }
            | Self::NothingToWaive
            | Self::AsksOpen => String::new(),
        }
    }

    fn metadata(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::RunState(step) => vec![("state", step.from.as_str().to_owned())],
            Self::RunInProgress { run } => vec![("run", run.to_string())],
            Self::WindowPaid { payer, payee } => {
                vec![("payer", payer.to_string()), ("payee", payee.to_string())]
            }
            Self::BankDetailsChanged { payee } => vec![("payee", payee.to_string())],
            Self::NotWitnessed { required } => vec![("required", required.to_string())],
            Self::CosignaturesMissing { found, required } => {
                vec![("found", found.to_string()), ("required", required.to_string())]
            }
            Self::ReferenceMissing
            | Self::ReferenceOlder
            | Self::ReferenceChanged
            | Self::NotDue
            | Self::AskUnknown
            | Self::RunUnknown
            | Self::Approval(_)
            | Self::NothingToPay
            | Self::ContentInvalid
            | Self::FileDiffers
            | Self::FilesDoNotAddUp
            | Self::NothingToWaive
            | Self::AsksOpen
            | Self::MessageTooLarge
            | Self::ReasonInvalid => Vec::new(),
        }
    }
}

impl Reason for PrepareError {
    const SERVICE: Service = Service::Settlement;
    const REASONS: &'static [&'static str] = &["REFERENCE_MISSING", "CUT_NOT_SEALED", "CUT_MISMATCH"];

    fn reason(&self) -> &'static str {
        match self {
            Self::ReferenceMissing => "REFERENCE_MISSING",
            Self::CutNotSealed { .. } => "CUT_NOT_SEALED",
            Self::CutMismatch { .. } => "CUT_MISMATCH",
            // Never told as refusals: see `unprepared`.
            Self::LedgerBehind { .. } | Self::BooksMoved { .. } => Pushback::Behind.reason(),
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::ReferenceMissing | Self::CutNotSealed { .. } | Self::CutMismatch { .. } => {
                Class::Precondition
            }
            Self::LedgerBehind { .. } | Self::BooksMoved { .. } => Class::Conflict,
        }
    }

    fn subject(&self) -> String {
        match self {
            Self::CutNotSealed { cut } | Self::LedgerBehind { cut } | Self::CutMismatch { cut, .. } => {
                format!("cuts/{cut}")
            }
            Self::ReferenceMissing | Self::BooksMoved { .. } => String::new(),
        }
    }

    fn metadata(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::ReferenceMissing => Vec::new(),
            Self::CutNotSealed { cut } | Self::LedgerBehind { cut } => vec![("cut", cut.to_string())],
            Self::CutMismatch { cut, payer, payee, sealed, window } => vec![
                ("cut", cut.to_string()),
                ("payer", payer.to_string()),
                ("payee", payee.to_string()),
                ("sealedPence", sealed.get().to_string()),
                ("windowPence", window.get().to_string()),
            ],
            Self::BooksMoved { payer, payee, windows, accounts } => vec![
                ("payer", payer.to_string()),
                ("payee", payee.to_string()),
                ("windowsPence", windows.get().to_string()),
                ("accountsPence", accounts.get().to_string()),
            ],
        }
    }
}

/// The status of a preparation that came to nothing: a refusal, or a push-back where the books have only to catch up.
#[must_use]
pub fn unprepared(error: &PrepareError) -> Status {
    match error {
        PrepareError::LedgerBehind { .. } | PrepareError::BooksMoved { .. } => Pushback::Behind.into(),
        PrepareError::ReferenceMissing
        | PrepareError::CutNotSealed { .. }
        | PrepareError::CutMismatch { .. } => status::refusal(error),
    }
}

/// What the service cannot do for other reasons than its journal's rules. Nothing is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unable {
    /// A bank's message cannot be read whole; with the reader's reason.
    BankMessageUnreadable(&'static str),
    /// A plan that is to be paid has no approved bank details.
    PayeeDetailsMissing {
        /// The plan's id.
        plan: String,
    },
    /// The run has no such file.
    FileUnknown,
    /// The file in the folder is not the one that was recorded.
    FileDiffers,
    /// No payment has this end-to-end id.
    PaymentUnknown,
    /// Direct payments have no advice.
    AdviceNotForPeople,
    /// The lines do not make the payment.
    AdviceDoesNotAddUp {
        /// What the lines, adjustments and windows say is wrong.
        detail: String,
    },
    /// A file cannot be made from the run.
    FileRefused {
        /// Why.
        detail: String,
    },
}

impl fmt::Display for Unable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BankMessageUnreadable(reason) => {
                write!(f, "the bank's message cannot be read whole ({reason}), so nothing of it is taken")
            }
            Self::PayeeDetailsMissing { plan } => {
                write!(f, "plan {plan} has no approved bank details: have them approved, then pay")
            }
            Self::FileUnknown => f.write_str("the run has no file of that name"),
            Self::FileDiffers => f.write_str("the file in the folder is not the one that was recorded"),
            Self::PaymentUnknown => f.write_str("no payment has this end-to-end id"),
            Self::AdviceNotForPeople => f.write_str("a direct payment has no remittance advice"),
            Self::AdviceDoesNotAddUp { detail } => write!(f, "the lines do not make the payment: {detail}"),
            Self::FileRefused { detail } => write!(f, "a file of the run cannot be made: {detail}"),
        }
    }
}

impl Reason for Unable {
    const SERVICE: Service = Service::Settlement;
    const REASONS: &'static [&'static str] = &[
        "BANK_MESSAGE_UNREADABLE",
        "PAYEE_DETAILS_MISSING",
        "FILE_UNKNOWN",
        "FILE_DIFFERS",
        "PAYMENT_UNKNOWN",
        "ADVICE_NOT_FOR_PEOPLE",
        "ADVICE_DOES_NOT_ADD_UP",
        "FILE_REFUSED",
    ];

    fn reason(&self) -> &'static str {
        match self {
            Self::BankMessageUnreadable(_) => "BANK_MESSAGE_UNREADABLE",
            Self::PayeeDetailsMissing { .. } => "PAYEE_DETAILS_MISSING",
            Self::FileUnknown => "FILE_UNKNOWN",
            Self::FileDiffers => "FILE_DIFFERS",
            Self::PaymentUnknown => "PAYMENT_UNKNOWN",
            Self::AdviceNotForPeople => "ADVICE_NOT_FOR_PEOPLE",
            Self::AdviceDoesNotAddUp { .. } => "ADVICE_DOES_NOT_ADD_UP",
            Self::FileRefused { .. } => "FILE_REFUSED",
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::BankMessageUnreadable(_) => Class::Invalid,
            Self::FileUnknown | Self::PaymentUnknown => Class::Unknown,
            Self::PayeeDetailsMissing { .. }
            | Self::FileDiffers
            | Self::AdviceNotForPeople
            | Self::AdviceDoesNotAddUp { .. }
            | Self::FileRefused { .. } => Class::Precondition,
        }
    }

    fn subject(&self) -> String {
        match self {
            Self::BankMessageUnreadable(_) => "message".to_owned(),
            Self::PayeeDetailsMissing { plan } => format!("plans/{plan}"),
            Self::FileUnknown
            | Self::FileDiffers
            | Self::PaymentUnknown
            | Self::AdviceNotForPeople
            | Self::AdviceDoesNotAddUp { .. }
            | Self::FileRefused { .. } => String::new(),
        }
    }

    fn metadata(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::BankMessageUnreadable(reason) => vec![("cause", (*reason).to_owned())],
            Self::PayeeDetailsMissing { plan } => vec![("plan", plan.clone())],
            Self::FileUnknown
            | Self::FileDiffers
            | Self::PaymentUnknown
            | Self::AdviceNotForPeople
            | Self::AdviceDoesNotAddUp { .. }
            | Self::FileRefused { .. } => Vec::new(),
        }
    }
}
