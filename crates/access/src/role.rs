//! What a caller may be.

use core::{fmt, str::FromStr};

/// What a caller may be. A certificate names any number of them as `urn:almoner:role:<role>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Role {
    /// Sends activity and reads its own answers, receipts and payments.
    Provider,
    /// Sends referrals.
    Referrer,
    /// Opens personal health budgets and spends from them.
    PhbOfficer,
    /// May see who a pseudonym is, where a payment needs it.
    ControlledFinance,
    /// Proposes what moves money.
    FinancePreparer,
    /// Approves what another person proposed.
    FinanceApprover,
    /// Reads the budget lines it holds.
    BudgetHolder,
    /// Reads pots, forecasts and choice.
    CommissioningLead,
    /// Reads everything in its scope, and the proofs.
    Auditor,
    /// Runs the installation: registers systems, moves a sandbox's clock, backs up.
    Operator,
    /// Another service of the installation. Held by every `urn:almoner:service:` and by nobody else.
    Service,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 11] = [
        Self::Provider,
        Self::Referrer,
        Self::PhbOfficer,
        Self::ControlledFinance,
        Self::FinancePreparer,
        Self::FinanceApprover,
        Self::BudgetHolder,
        Self::CommissioningLead,
        Self::Auditor,
        Self::Operator,
        Self::Service,
    ];

    /// The role's word in a certificate.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Referrer => "referrer",
            Self::PhbOfficer => "phb-officer",
            Self::ControlledFinance => "controlled-finance",
            Self::FinancePreparer => "finance-preparer",
            Self::FinanceApprover => "finance-approver",
            Self::BudgetHolder => "budget-holder",
            Self::CommissioningLead => "commissioning-lead",
            Self::Auditor => "auditor",
            Self::Operator => "operator",
            Self::Service => "service",
        }
    }

    /// Whether an organisation's certificate may hold it. Where two different people must agree, or somebody answers in
    /// person for what was seen, only a person may: an organisation's key is shared by whoever can read it.
    #[must_use]
    pub const fn is_for_organisations(self) -> bool {
        match self {
            Self::Provider | Self::Referrer => true,
            Self::PhbOfficer
            | Self::ControlledFinance
            | Self::FinancePreparer
            | Self::FinanceApprover
            | Self::BudgetHolder
            | Self::CommissioningLead
            | Self::Auditor
            | Self::Operator
            | Self::Service => false,
        }
    }

    /// Whether a person's certificate may hold it: all but `service`.
    #[must_use]
    pub const fn is_for_people(self) -> bool {
        !matches!(self, Self::Service)
    }

    const fn bit(self) -> u16 {
        1 << (self as u8)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or(UnknownRole)
    }
}

/// A text names no role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a role")]
pub struct UnknownRole;

/// A set of roles.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Roles(u16);

impl Roles {
    /// No role.
    pub const NONE: Self = Self(0);

    /// Whether `role` is among them.
    #[must_use]
    pub const fn contains(self, role: Role) -> bool {
        self.0 & role.bit() != 0
    }

    /// These and `role`.
    #[must_use]
    pub const fn with(self, role: Role) -> Self {
        Self(self.0 | role.bit())
    }

    /// Each of them, in the order of [`Role::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Role> {
        Role::ALL.into_iter().filter(move |role| self.contains(*role))
    }
}

impl FromIterator<Role> for Roles {
    fn from_iter<I: IntoIterator<Item = Role>>(roles: I) -> Self {
        roles.into_iter().fold(Self::NONE, Self::with)
    }
}

impl fmt::Debug for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_sets_go_there_and_back() {
        for role in Role::ALL {
            assert_eq!(role.as_str().parse(), Ok(role));
            let others: Roles = Role::ALL.into_iter().filter(|other| *other != role).collect();
            assert!(!others.contains(role) && others.with(role).contains(role));
        }
        assert_eq!(Role::ALL.into_iter().collect::<Roles>().iter().count(), Role::ALL.len());
        assert!("Provider".parse::<Role>().is_err());
    }
}
