//! Enums there and back, each value in one place.

use ::health_budgets::{
    CareCategory, Frequency, ItemCategory, PlanState, PotKind, Recipient, ReclaimReason, ReclaimState,
    SpendState,
};
use proto::health_budgets::v1;

/// Both directions from one list; `from` answers `None` for the unspecified value.
macro_rules! words {
    ($($domain:ident, $from:ident, $to:ident: $($value:ident)*;)*) => {$(
        pub(super) const fn $from(value: v1::$domain) -> Option<$domain> {
            match value {
                v1::$domain::Unspecified => None,
                $(v1::$domain::$value => Some($domain::$value),)*
            }
        }

        pub(super) const fn $to(value: $domain) -> v1::$domain {
            match value {
                $($domain::$value => v1::$domain::$value,)*
            }
        }
    )*};
}

words! {
    PotKind, pot_kind_from, pot_kind: Notional ThirdParty DirectPayment;
    CareCategory, category_from, category: AdultContinuingHealthcare ChildrensContinuingCare Other;
    Recipient, recipient_from, recipient: Person Representative Nominee;
    Frequency, frequency_from, frequency: Weekly FourWeekly;
    ItemCategory, item_from, item:
        PersonalCare Nursing Respite Therapy Equipment Transport Training Activity EmploymentCosts Alcohol Tobacco
        Gambling DebtRepayment Illegal EmergencyCare PrimaryCare NhsCommissionedService HrgPricedProcedure;
    ReclaimReason, reason_from, reason:
        CircumstancesChanged UnusedAccumulation UsedOutsidePlan TheftOrFraud Death;
    PlanState, plan_state_from, plan_state: Proposed Approving Active Suspended Deceased Closed;
}

pub(super) const fn spend_state(state: SpendState) -> v1::SpendState {
    match state {
        SpendState::Booking => v1::SpendState::Booking,
        SpendState::Booked => v1::SpendState::Booked,
        SpendState::Delivering => v1::SpendState::Delivering,
        SpendState::Spending => v1::SpendState::Spending,
        SpendState::Cancelling => v1::SpendState::Cancelling,
        SpendState::Delivered => v1::SpendState::Delivered,
        SpendState::Evidenced => v1::SpendState::Evidenced,
        SpendState::Cancelled => v1::SpendState::Cancelled,
        SpendState::Denied => v1::SpendState::Denied,
    }
}

pub(super) const fn reclaim_state(state: ReclaimState) -> v1::ReclaimState {
    match state {
        ReclaimState::Deciding => v1::ReclaimState::Deciding,
        ReclaimState::Decided => v1::ReclaimState::Decided,
        ReclaimState::Receiving => v1::ReclaimState::Receiving,
        ReclaimState::GivingUp => v1::ReclaimState::GivingUp,
        ReclaimState::WritingOff => v1::ReclaimState::WritingOff,
        ReclaimState::Received => v1::ReclaimState::Received,
        ReclaimState::WrittenOff => v1::ReclaimState::WrittenOff,
        ReclaimState::Denied => v1::ReclaimState::Denied,
    }
}
