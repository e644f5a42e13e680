//! The identity plane's refusals as the wire tells them.

use crate::{Class, FieldError, Reason};
use ::identity::{PayeeIdError, Refusal, seal::AccountNameError};
use journal::Service;

/// Every reason, for the catalogue.
const REASONS: [&str; 9] = {
    let mut reasons = [""; 9];
    let mut at = 0;
    while at < reasons.len() {
        reasons[at] = Refusal::ALL[at].reason();
        at += 1;
    }
    reasons
};

/// The reasons of plans' own fields.
#[cfg(test)]
pub(crate) const FIELD_REASONS: &[&str] = &["ORGANISATION_NOT_OPEN", "PLAN_ID_INVALID"];

impl Reason for Refusal {
    const SERVICE: Service = Service::Identity;
    const REASONS: &'static [&'static str] = &REASONS;

    fn reason(&self) -> &'static str {
        Self::reason(*self)
    }

    fn class(&self) -> Class {
        match self {
            Self::BatchSize => Class::Invalid,
            Self::PersonUnknown | Self::PayeeUnknown | Self::ProposalUnknown => Class::Unknown,
            Self::KeysDiffer
            | Self::KeysNotAdopted
            | Self::PseudonymTaken
            | Self::PayeeOfAnotherPerson
            | Self::SamePerson => Class::Precondition,
        }
    }
}

impl FieldError for PayeeIdError {
    fn reason(&self) -> &'static str {
        "PLAN_ID_INVALID"
    }
}

impl FieldError for AccountNameError {
    fn reason(&self) -> &'static str {
        "FIELD_INVALID"
    }
}
