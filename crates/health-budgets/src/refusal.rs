//! Why not: the closed catalogue.

use crate::{ItemCategory, PlanState, ReclaimState, SpendState};
use minicbor::{Decode, Encode};
use money::Pence;

/// What a decision comes to.
pub(crate) type Decided<T> = Result<T, Refusal>;

/// Why a command was refused, in order of precedence. Numbers of variants stand in records and never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, Encode, Decode)]
pub enum Refusal {
    /// No plan has this number.
    #[n(0)]
    #[error("no plan has this id")]
    PlanUnknown,
    /// No spend or booking stands at this position.
    #[n(1)]
    #[error("no spend or booking stands at this position")]
    SpendUnknown,
    /// No reclaim stands at this position.
    #[n(2)]
    #[error("no reclaim stands at this position")]
    ReclaimUnknown,
    /// No open ask stands at this position.
    #[n(3)]
    #[error("no question to the ledger is open at this position")]
    AskUnknown,
    /// The plan has no pot of this kind, or the pot's kind does not allow this.
    #[n(4)]
    #[error("the plan has no pot of the kind that this needs")]
    PotUnknown,
    /// An amount is nothing.
    #[n(5)]
    #[error("an amount is nothing")]
    AmountZero,
    /// A total would not fit a record.
    #[n(6)]
    #[error("a total would exceed what a record holds")]
    AmountTooLarge,
    /// No pots, more than one of a kind, or a supplier missing.
    #[n(7)]
    #[error("a plan has one to three pots, at most one of each kind")]
    PotsInvalid,
    /// A review rule outside 1 to 12 months.
    #[n(8)]
    #[error("reviews are 1 to 12 months apart")]
    ReviewRuleInvalid,
    /// A day after the business date.
    #[n(9)]
    #[error("a day lies in the future")]
    DateInFuture,
    /// A day before the plan starts.
    #[n(10)]
    #[error("a day lies before the plan starts")]
    DateBeforePlan,
    /// A day outside the financial year of the plan's budget.
    #[n(11)]
    #[error("a day lies outside the financial year of the plan's budget")]
    DateOutsideYear,
    /// The last day lies before the first.
    #[n(12)]
    #[error("the last day lies before the first")]
    DatesReversed,
    /// A deadline that has passed.
    #[n(13)]
    #[error("the deadline has passed")]
    DeadlinePassed,
    /// A personal health budget may not buy this.
    #[n(14)]
    #[error("a personal health budget may not buy {}", .0.as_str())]
    ExcludedItem(#[n(0)] ItemCategory),
    /// A notional spend without a supplier.
    #[n(15)]
    #[error("a spend from a notional pot names its supplier")]
    SupplierMissing,
    /// The instalments come to more than the pot.
    #[n(16)]
    #[error("the instalments come to more than the pot's budget")]
    ScheduleExceedsBudget,
    /// The plan's state does not allow it.
    #[n(17)]
    #[error("the plan's state does not allow this")]
    IllegalPlanStep(#[n(0)] PlanState),
    /// The spend's state does not allow it.
    #[n(18)]
    #[error("the spend's state does not allow this")]
    IllegalSpendStep(#[n(0)] SpendState),
    /// The reclaim's state does not allow it.
    #[n(19)]
    #[error("the reclaim's state does not allow this")]
    IllegalReclaimStep(#[n(0)] ReclaimState),
    /// The plan is not approved, or closed.
    #[n(20)]
    #[error("the plan has no money: it is not approved, or closed")]
    PlanNotActive(#[n(0)] PlanState),
    /// The day falls into a stay in hospital.
    #[n(21)]
    #[error("the plan is suspended on this day")]
    PlanSuspended,
    /// The day lies after the death.
    #[n(22)]
    #[error("nothing is spent after the person's death")]
    PlanFrozen,
    /// Whoever proposed cannot approve.
    #[n(23)]
    #[error("whoever proposed it cannot approve it: another person must")]
    SamePerson,
    /// What was approved is not what was proposed.
    #[n(24)]
    #[error("the digest approved is not the digest proposed: look at it again and approve what it is now")]
    DigestMismatch,
    /// A cash pot's budget does not reach.
    #[n(25)]
    #[error("the pot has {} pence left", .remaining.get())]
    Overspend {
        /// What is left.
        #[n(0)]
        remaining: Pence,
    },
    /// More was delivered than booked.
    #[n(26)]
    #[error("{} pence were booked: book what came beyond it", .booked.get())]
    DeliveryExceedsBooking {
        /// What was booked.
        #[n(0)]
        booked: Pence,
    },
    /// Care costs more than was paid ahead.
    #[n(27)]
    #[error("{} pence are paid ahead and not yet recognised", .remaining.get())]
    CareExceedsPayments {
        /// What is left.
        #[n(0)]
        remaining: Pence,
    },
    /// The days of care are recognised already.
    #[n(28)]
    #[error("care is recognised up to a later day already")]
    CareOverlaps,
    /// More is returned than is paid ahead.
    #[n(29)]
    #[error("{} pence are paid ahead and could be returned", .remaining.get())]
    ReturnExceedsAdvance {
        /// What is left.
        #[n(0)]
        remaining: Pence,
    },
    /// More is asked back than was paid.
    #[n(30)]
    #[error("{} pence can be asked back", .remaining.get())]
    ReclaimExceedsPayments {
        /// What is left.
        #[n(0)]
        remaining: Pence,
    },
    /// More came back than is due.
    #[n(31)]
    #[error("{} pence are due back", .remaining.get())]
    ReceiptExceedsReclaim {
        /// What is due.
        #[n(0)]
        remaining: Pence,
    },
    /// The ledger has not answered what was asked before.
    #[n(32)]
    #[error("the ledger has not answered what was asked before: try again")]
    AskPending,
    /// The instalment is not the next one.
    #[n(33)]
    #[error("the instalment is not the next one due")]
    NotDue,
    /// Something of the plan is not settled.
    #[n(34)]
    #[error("the plan has open bookings, reclaims, or questions to the ledger")]
    PlanUnsettled,
}

impl Refusal {
    /// Every reason, in order of precedence.
    pub const REASONS: [&'static str; 35] = [
        "PLAN_UNKNOWN",
        "SPEND_UNKNOWN",
        "RECLAIM_UNKNOWN",
        "ASK_UNKNOWN",
        "POT_UNKNOWN",
        "AMOUNT_ZERO",
        "AMOUNT_TOO_LARGE",
        "POTS_INVALID",
        "REVIEW_RULE_INVALID",
        "DATE_IN_FUTURE",
        "DATE_BEFORE_PLAN",
        "DATE_OUTSIDE_YEAR",
        "DATES_REVERSED",
        "DEADLINE_PASSED",
        "EXCLUDED_ITEM",
        "SUPPLIER_MISSING",
        "SCHEDULE_EXCEEDS_BUDGET",
        "ILLEGAL_PLAN_STEP",
        "ILLEGAL_SPEND_STEP",
        "ILLEGAL_RECLAIM_STEP",
        "PLAN_NOT_ACTIVE",
        "PLAN_SUSPENDED",
        "PLAN_FROZEN",
        "SAME_PERSON",
        "DIGEST_MISMATCH",
        "OVERSPEND",
        "DELIVERY_EXCEEDS_BOOKING",
        "CARE_EXCEEDS_PAYMENTS",
        "CARE_OVERLAPS",
        "RETURN_EXCEEDS_ADVANCE",
        "RECLAIM_EXCEEDS_PAYMENTS",
        "RECEIPT_EXCEEDS_RECLAIM",
        "ASK_PENDING",
        "NOT_DUE",
        "PLAN_UNSETTLED",
    ];

    /// The code that programs read. It never changes.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::PlanUnknown => "PLAN_UNKNOWN",
            Self::SpendUnknown => "SPEND_UNKNOWN",
            Self::ReclaimUnknown => "RECLAIM_UNKNOWN",
            Self::AskUnknown => "ASK_UNKNOWN",
            Self::PotUnknown => "POT_UNKNOWN",
            Self::AmountZero => "AMOUNT_ZERO",
            Self::AmountTooLarge => "AMOUNT_TOO_LARGE",
            Self::PotsInvalid => "POTS_INVALID",
            Self::ReviewRuleInvalid => "REVIEW_RULE_INVALID",
            Self::DateInFuture => "DATE_IN_FUTURE",
            Self::DateBeforePlan => "DATE_BEFORE_PLAN",
            Self::DateOutsideYear => "DATE_OUTSIDE_YEAR",
            Self::DatesReversed => "DATES_REVERSED",
            Self::DeadlinePassed => "DEADLINE_PASSED",
            Self::ExcludedItem(_) => "EXCLUDED_ITEM",
            Self::SupplierMissing => "SUPPLIER_MISSING",
            Self::ScheduleExceedsBudget => "SCHEDULE_EXCEEDS_BUDGET",
            Self::IllegalPlanStep(_) => "ILLEGAL_PLAN_STEP",
            Self::IllegalSpendStep(_) => "ILLEGAL_SPEND_STEP",
            Self::IllegalReclaimStep(_) => "ILLEGAL_RECLAIM_STEP",
            Self::PlanNotActive(_) => "PLAN_NOT_ACTIVE",
            Self::PlanSuspended => "PLAN_SUSPENDED",
            Self::PlanFrozen => "PLAN_FROZEN",
            Self::SamePerson => "SAME_PERSON",
            Self::DigestMismatch => "DIGEST_MISMATCH",
            Self::Overspend { .. } => "OVERSPEND",
            Self::DeliveryExceedsBooking { .. } => "DELIVERY_EXCEEDS_BOOKING",
            Self::CareExceedsPayments { .. } => "CARE_EXCEEDS_PAYMENTS",
            Self::CareOverlaps => "CARE_OVERLAPS",
            Self::ReturnExceedsAdvance { .. } => "RETURN_EXCEEDS_ADVANCE",
            Self::ReclaimExceedsPayments { .. } => "RECLAIM_EXCEEDS_PAYMENTS",
            Self::ReceiptExceedsReclaim { .. } => "RECEIPT_EXCEEDS_RECLAIM",
            Self::AskPending => "ASK_PENDING",
            Self::NotDue => "NOT_DUE",
            Self::PlanUnsettled => "PLAN_UNSETTLED",
        }
    }

    /// What sort of refusal it is, for whoever maps it to an answer.
    #[must_use]
    pub const fn class(&self) -> Class {
        match self {
            Self::PlanUnknown | Self::SpendUnknown | Self::ReclaimUnknown | Self::AskUnknown => {
                Class::Unknown
            }
            Self::AmountZero
            | Self::AmountTooLarge
            | Self::PotsInvalid
            | Self::ReviewRuleInvalid
            | Self::DatesReversed
            | Self::SupplierMissing => Class::Invalid,
            Self::PotUnknown
            | Self::DateInFuture
            | Self::DateBeforePlan
            | Self::DateOutsideYear
            | Self::DeadlinePassed
            | Self::ExcludedItem(_)
            | Self::ScheduleExceedsBudget
            | Self::IllegalPlanStep(_)
            | Self::IllegalSpendStep(_)
            | Self::IllegalReclaimStep(_)
            | Self::PlanNotActive(_)
            | Self::PlanSuspended
            | Self::PlanFrozen
            | Self::SamePerson
            | Self::DigestMismatch
            | Self::Overspend { .. }
            | Self::DeliveryExceedsBooking { .. }
            | Self::CareExceedsPayments { .. }
            | Self::CareOverlaps
            | Self::ReturnExceedsAdvance { .. }
            | Self::ReclaimExceedsPayments { .. }
            | Self::ReceiptExceedsReclaim { .. }
            | Self::AskPending
            | Self::NotDue
            | Self::PlanUnsettled => Class::Rule,
        }
    }

    /// Whether the same command might be accepted in another state, under another request id.
    #[must_use]
    pub const fn is_state_dependent(&self) -> bool {
        match self.class() {
            Class::Invalid => false,
            Class::Unknown => true,
            Class::Rule => !matches!(self, Self::ExcludedItem(_) | Self::ScheduleExceedsBudget),
        }
    }
}

/// What sort of refusal it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// The command is wrong by itself.
    Invalid,
    /// It names what does not exist.
    Unknown,
    /// A rule does not allow it, most often because of the state.
    Rule,
}

impl From<access::ApprovalRefusal> for Refusal {
    fn from(refusal: access::ApprovalRefusal) -> Self {
        match refusal {
            access::ApprovalRefusal::SamePerson => Self::SamePerson,
            access::ApprovalRefusal::DigestMismatch => Self::DigestMismatch,
        }
    }
}
