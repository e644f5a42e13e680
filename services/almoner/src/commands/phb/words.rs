//! The words of the command line and of what it shows.

use clap::ValueEnum;
use proto::health_budgets::v1;

/// A command line's choice for each value of an enum that a caller may send.
macro_rules! choices {
    ($($(#[$doc:meta])* $name:ident of $wire:ident { $($(#[$value_doc:meta])* $value:ident,)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
        pub(super) enum $name {
            $($(#[$value_doc])* $value,)*
        }

        impl From<$name> for v1::$wire {
            fn from(choice: $name) -> Self {
                match choice {
                    $($name::$value => Self::$value,)*
                }
            }
        }
    )*};
}

choices! {
    /// A way to hold a budget.
    Pot of PotKind {
        /// The commissioner holds the money and pays suppliers
        Notional,
        /// An independent organisation holds the money and buys
        ThirdParty,
        /// The money is paid to the person, representative or nominee
        DirectPayment,
    }

    /// Why a person has a budget.
    Category of CareCategory {
        /// NHS continuing healthcare of an adult
        AdultContinuingHealthcare,
        /// Continuing care of a child or young person
        ChildrensContinuingCare,
        /// Any other
        Other,
    }

    /// Into whose hands a direct payment is paid.
    Hands of Recipient {
        /// The person
        Person,
        /// A representative
        Representative,
        /// A nominee whom the person chose
        Nominee,
    }

    /// What is bought. The list has what a budget may not buy as well, so that the server says so.
    Item of ItemCategory {
        /// Personal assistants' wages and personal care
        PersonalCare,
        /// Nursing care at home
        Nursing,
        /// Respite for the person or their carer
        Respite,
        /// Therapies named in the plan
        Therapy,
        /// Equipment and its maintenance
        Equipment,
        /// Transport to care and activities in the plan
        Transport,
        /// Training of personal assistants and carers
        Training,
        /// Activities that meet an outcome of the plan
        Activity,
        /// Payroll, insurance and other costs of employing
        EmploymentCosts,
        /// Excluded
        Alcohol,
        /// Excluded
        Tobacco,
        /// Excluded
        Gambling,
        /// Excluded
        DebtRepayment,
        /// Excluded
        Illegal,
        /// Excluded
        EmergencyCare,
        /// Excluded
        PrimaryCare,
        /// Excluded
        NhsCommissionedService,
        /// Excluded: paid through the patient's choice of provider
        HrgPricedProcedure,
    }

    /// Why money is asked back.
    Why of ReclaimReason {
        /// The plan or the person's circumstances changed substantially
        CircumstancesChanged,
        /// A substantial part accumulated unused
        UnusedAccumulation,
        /// It was used otherwise than the plan says
        UsedOutsidePlan,
        /// Theft, fraud or another offence
        TheftOrFraud,
        /// The person died
        Death,
    }

    /// How often an instalment falls due.
    Every of Frequency {
        /// Every week
        Weekly,
        /// Every four weeks
        FourWeekly,
    }

    /// Where a plan stands.
    Standing of PlanState {
        /// Another officer must approve it
        Proposed,
        /// The ledger is asked for its money
        Approving,
        /// Money may be spent
        Active,
        /// The person is in hospital
        Suspended,
        /// The person has died
        Deceased,
        /// Nothing more happens
        Closed,
    }
}

/// A wire value as people read it: `third-party` of `POT_KIND_THIRD_PARTY`.
pub(super) fn word(name: &str, prefix: &str) -> String {
    name.strip_prefix(prefix).unwrap_or(name).trim_start_matches('_').to_lowercase().replace('_', "-")
}

pub(super) fn pot(kind: v1::PotKind) -> String {
    word(kind.as_str_name(), "POT_KIND")
}

pub(super) fn plan_state(state: v1::PlanState) -> String {
    word(state.as_str_name(), "PLAN_STATE")
}

pub(super) fn category(category: v1::CareCategory) -> String {
    word(category.as_str_name(), "CARE_CATEGORY")
}

pub(super) fn item(item: v1::ItemCategory) -> String {
    word(item.as_str_name(), "ITEM_CATEGORY")
}

pub(super) fn spend_state(state: v1::SpendState) -> String {
    word(state.as_str_name(), "SPEND_STATE")
}

pub(super) fn reclaim_state(state: v1::ReclaimState) -> String {
    word(state.as_str_name(), "RECLAIM_STATE")
}

pub(super) fn reason(reason: v1::ReclaimReason) -> String {
    word(reason.as_str_name(), "RECLAIM_REASON")
}

/// What the ledger said, in a sentence.
pub(super) fn decision(decision: Option<&v1::LedgerDecision>) -> String {
    let Some(decision) = decision else { return "no posting needed".to_owned() };
    match decision.state() {
        v1::DecisionState::Granted => "granted by the ledger".to_owned(),
        v1::DecisionState::Denied => format!("denied by the ledger: {}", decision.reason),
        v1::DecisionState::Pending | v1::DecisionState::Unspecified => {
            "the ledger has not answered yet: repeat with the same --request-id to hear".to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_as_they_are_shown() {
        for kind in Pot::value_variants() {
            let shown = pot((*kind).into());
            assert_eq!(Pot::from_str(&shown, false), Ok(*kind), "{shown}");
        }
        for choice in Item::value_variants() {
            let shown = item((*choice).into());
            assert_eq!(Item::from_str(&shown, false), Ok(*choice), "{shown}");
        }
    }
}
