//! The refusals of health budgets as the wire tells them.

use crate::{Class, FieldError, Reason};
use ::health_budgets::{Class as RefusalClass, PlanNumberError, Refusal, StaffIdError};
use journal::Service;

impl Reason for Refusal {
    const SERVICE: Service = Service::HealthBudgets;
    const REASONS: &'static [&'static str] = &Self::REASONS;

    fn reason(&self) -> &'static str {
        Self::reason(self)
    }

    fn class(&self) -> Class {
        match Self::class(self) {
            RefusalClass::Invalid => Class::Invalid,
            RefusalClass::Unknown => Class::Unknown,
            RefusalClass::Rule => Class::Precondition,
        }
    }

    fn metadata(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::ExcludedItem(item) => vec![("item", item.as_str().to_owned())],
            Self::IllegalPlanStep(state) | Self::PlanNotActive(state) => vec![("state", upper(state))],
            Self::IllegalSpendStep(state) => vec![("state", upper(state))],
            Self::IllegalReclaimStep(state) => vec![("state", upper(state))],
            Self::Overspend { remaining }
            | Self::CareExceedsPayments { remaining }
            | Self::ReturnExceedsAdvance { remaining }
            | Self::ReclaimExceedsPayments { remaining }
            | Self::ReceiptExceedsReclaim { remaining } => {
                vec![("remainingPence", remaining.get().to_string())]
            }
            Self::DeliveryExceedsBooking { booked } => vec![("bookedPence", booked.get().to_string())],
            Self::PlanUnknown
            | Self::SpendUnknown
            | Self::ReclaimUnknown
            | Self::AskUnknown
            | Self::PotUnknown
            | Self::AmountZero
            | Self::AmountTooLarge
            | Self::PotsInvalid
            | Self::ReviewRuleInvalid
            | Self::DateInFuture
            | Self::DateBeforePlan
            | Self::DateOutsideYear
            | Self::DatesReversed
            | Self::DeadlinePassed
            | Self::SupplierMissing
            | Self::ScheduleExceedsBudget
            | Self::PlanSuspended
            | Self::PlanFrozen
            | Self::SamePerson
            | Self::DigestMismatch
            | Self::CareOverlaps
            | Self::AskPending
            | Self::NotDue
            | Self::PlanUnsettled => Vec::new(),
        }
    }
}

/// A state as callers see it: `GIVING_UP` of `GivingUp`.
fn upper(state: &impl core::fmt::Debug) -> String {
    let mut word = String::new();
    for letter in format!("{state:?}").chars() {
        if letter.is_ascii_uppercase() && !word.is_empty() {
            word.push('_');
        }
        word.push(letter.to_ascii_uppercase());
    }
    word
}

impl FieldError for PlanNumberError {
    fn reason(&self) -> &'static str {
        "PLAN_ID_INVALID"
    }
}

impl FieldError for StaffIdError {
    fn reason(&self) -> &'static str {
        "FIELD_INVALID"
    }
}
