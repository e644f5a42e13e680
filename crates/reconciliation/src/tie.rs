//! A tie: two books that must agree, and what explains it where they do not.

use core::fmt;
use money::TotalPence;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The stable code in UPPER_SNAKE.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }
    };
}

words! {
    /// Which two books are compared.
    TieKind {
        /// A provider's claims against what became of them.
        Claims = "CLAIMS",
        /// A provider's accepted activity against its parts: owed, recognised, covered by a block payment.
        Accepted = "ACCEPTED",
        /// Activity owed line by line against the ledger's windows.
        Payable = "PAYABLE",
        /// Activity recognised against what stands prepaid in the ledger.
        Recognised = "RECOGNISED",
        /// Contested activity against the ledger's contested accounts.
        Contested = "CONTESTED",
        /// Activity and block months earned against the ledger's expenditure on elective care.
        Expenditure = "EXPENDITURE",
        /// What is left of windows against what the ledger says is payable.
        Windows = "WINDOWS",
        /// Payments that are under way against the ledger's account for them.
        InTransit = "IN_TRANSIT",
        /// Payments that settled against the ledger's bank account.
        Settled = "SETTLED",
        /// The bank's statements against the ledger's bank accounts.
        Bank = "BANK",
        /// Personal health budgets against plans' allocations in the ledger.
        BudgetAllocation = "BUDGET_ALLOCATION",
        /// What is held for personal health budgets against the ledger's holds.
        BudgetHolds = "BUDGET_HOLDS",
        /// Care under personal health budgets against the ledger's expenditure on them.
        BudgetExpenditure = "BUDGET_EXPENDITURE",
        /// What holders of personal health budgets were paid ahead against the ledger.
        BudgetPaidAhead = "BUDGET_PAID_AHEAD",
        /// What is due back from holders against the ledger.
        BudgetRecoverable = "BUDGET_RECOVERABLE",
        /// Allocated against committed, accrued, paid and available, line by line.
        LineIdentity = "LINE_IDENTITY",
        /// The ledger's sums by line against its accounts.
        LineAccounts = "LINE_ACCOUNTS",
        /// What moved between lines against nothing: it sums to nothing over all of them.
        Transferred = "TRANSFERRED",
        /// Debits against credits of the whole ledger.
        TrialBalance = "TRIAL_BALANCE",
        /// The system's control total against the sum of its organisations'.
        ControlTotal = "CONTROL_TOTAL",
        /// Organisations' control totals against the ledger's memorandum section.
        Memorandum = "MEMORANDUM",
    }
}

words! {
    /// A difference that is no mistake, and its name.
    DifferenceKind {
        /// Claimed above or below our price.
        PriceDifference = "PRICE_DIFFERENCE",
        /// Claimed and in dispute.
        ContestedClaims = "CONTESTED_CLAIMS",
        /// Claimed and not readable.
        UnreadableClaims = "UNREADABLE_CLAIMS",
        /// Payments that came back: owed again.
        Returned = "RETURNED",
        /// Payments that the bank refused: owed again.
        Rejected = "REJECTED",
        /// Money received from holders of personal health budgets.
        ReceivedFromHolders = "RECEIVED_FROM_HOLDERS",
        /// Payments that settled and have not reached the statement that was read.
        NotOnStatement = "NOT_ON_STATEMENT",
    }
}

words! {
    /// What is wrong where two books do not agree. Each has an owner and a remedy.
    BreakKind {
        /// A provider's claims are not what became of them.
        ClaimsDoNotAddUp = "CLAIMS_DO_NOT_ADD_UP",
        /// Activity and ledger disagree.
        ActivityNotInLedger = "ACTIVITY_NOT_IN_LEDGER",
        /// Contractual instalments and ledger disagree.
        InstalmentNotInLedger = "INSTALMENT_NOT_IN_LEDGER",
        /// The ledger disagrees with itself.
        LedgerDoesNotAddUp = "LEDGER_DOES_NOT_ADD_UP",
        /// Settlement and ledger disagree.
        PaymentNotInLedger = "PAYMENT_NOT_IN_LEDGER",
        /// Ledger and bank disagree.
        BankDisagrees = "BANK_DISAGREES",
        /// Personal health budgets and ledger disagree.
        BudgetNotInLedger = "BUDGET_NOT_IN_LEDGER",
        /// The control total is not the sum of its parts.
        ControlTotalDoesNotAddUp = "CONTROL_TOTAL_DOES_NOT_ADD_UP",
    }
}

impl TieKind {
    /// What is wrong when the two books disagree.
    #[must_use]
    pub const fn break_kind(self) -> BreakKind {
        match self {
            Self::Claims | Self::Accepted => BreakKind::ClaimsDoNotAddUp,
            Self::Payable | Self::Contested | Self::Expenditure => BreakKind::ActivityNotInLedger,
            Self::Recognised => BreakKind::InstalmentNotInLedger,
            Self::InTransit | Self::Settled => BreakKind::PaymentNotInLedger,
            Self::Bank => BreakKind::BankDisagrees,
            Self::BudgetAllocation
            | Self::BudgetHolds
            | Self::BudgetExpenditure
            | Self::BudgetPaidAhead
            | Self::BudgetRecoverable => BreakKind::BudgetNotInLedger,
            Self::Windows
            | Self::LineIdentity
            | Self::LineAccounts
            | Self::Transferred
            | Self::TrialBalance => BreakKind::LedgerDoesNotAddUp,
            Self::ControlTotal | Self::Memorandum => BreakKind::ControlTotalDoesNotAddUp,
        }
    }

    /// What stands on the left and on the right.
    #[must_use]
    pub const fn sides(self) -> (&'static str, &'static str) {
        match self {
            Self::Claims => ("claimed", "accepted"),
            Self::Accepted => ("accepted", "owed, recognised and block"),
            Self::Payable => ("activity owed", "ledger windows"),
            Self::Recognised => ("activity recognised", "instalments less prepaid"),
            Self::Contested => ("activity contested", "ledger contested"),
            Self::Expenditure => ("activity and block earned", "ledger expenditure"),
            Self::Windows => ("windows not paid", "ledger payable"),
            Self::InTransit => ("payments under way", "ledger in transit"),
            Self::Settled => ("payments settled", "ledger bank"),
            Self::Bank => ("statements", "ledger bank"),
            Self::BudgetAllocation => ("plans' budgets", "ledger plans"),
            Self::BudgetHolds => ("held for plans", "ledger holds"),
            Self::BudgetExpenditure => ("care under plans", "ledger expenditure"),
            Self::BudgetPaidAhead => ("paid ahead to holders", "ledger paid ahead"),
            Self::BudgetRecoverable => ("due back from holders", "ledger recoverable"),
            Self::LineIdentity => ("allocated", "committed, accrued, paid, available"),
            Self::LineAccounts => ("ledger's sums", "ledger's accounts"),
            Self::Transferred => ("transferred", "nothing"),
            Self::TrialBalance => ("debits", "credits"),
            Self::ControlTotal => ("system", "organisations"),
            Self::Memorandum => ("organisations", "ledger memorandum"),
        }
    }
}

impl BreakKind {
    /// Who has to look.
    #[must_use]
    pub const fn owner(self) -> &'static str {
        match self {
            Self::ClaimsDoNotAddUp | Self::ActivityNotInLedger => "contract monitoring",
            Self::InstalmentNotInLedger | Self::PaymentNotInLedger | Self::BankDisagrees => {
                "commissioning finance"
            }
            Self::LedgerDoesNotAddUp => "the operator",
            Self::BudgetNotInLedger => "the personal health budget team",
            Self::ControlTotalDoesNotAddUp => "system finance",
        }
    }

    /// What to do.
    #[must_use]
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::ClaimsDoNotAddUp => {
                "list the provider's lines and compare: a total was kept wrongly, which is a defect to report"
            }
            Self::ActivityNotInLedger => {
                "see whether the ledger has answered every report of referrals; a parked report needs a person"
            }
            Self::InstalmentNotInLedger => {
                "list instalments: one that the ledger refused is still to be posted"
            }
            Self::LedgerDoesNotAddUp => {
                "stop writing, keep the folder, and verify the journal: its sums are derived from its records"
            }
            Self::PaymentNotInLedger => "resume the run: a question to the ledger is open",
            Self::BankDisagrees => {
                "read the statement's differences: an entry matched no payment, or a statement is missing"
            }
            Self::BudgetNotInLedger => "see which requests the ledger has not answered, and carry them on",
            Self::ControlTotalDoesNotAddUp => {
                "propose the total that is missing or wrong, and have another person approve it; if the memorandum differs, see what the \
                 ledger refused"
            }
        }
    }
}

impl fmt::Display for TieKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

/// A difference with its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Difference {
    /// Its name.
    pub kind: DifferenceKind,
    /// How much it adds to the left side.
    pub amount: TotalPence,
}

/// Two books compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tie {
    /// Which two.
    pub kind: TieKind,
    /// Of what: a provider, a payer and payee, a budget line. Never a person.
    pub subject: String,
    /// What the left side shows.
    pub left: TotalPence,
    /// What the right side shows.
    pub right: TotalPence,
    /// Why they may differ, and by how much.
    pub named: Vec<Difference>,
}

/// What comparing found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// They agree, all differences named.
    Matched,
    /// They do not.
    Break(BreakKind),
}

impl Tie {
    /// Left less right less what is named: what nobody has explained.
    #[must_use]
    pub fn unexplained(&self) -> TotalPence {
        let named = self.named.iter().fold(TotalPence::ZERO, |sum, row| sum.plus_total(row.amount));
        self.left.minus_total(self.right).minus_total(named)
    }

    /// Whether they agree.
    #[must_use]
    pub fn finding(&self) -> Finding {
        if self.unexplained().is_zero() { Finding::Matched } else { Finding::Break(self.kind.break_kind()) }
    }
}

/// The sum of what is unexplained over all ties, each as a magnitude: one too many never hides one too few.
#[must_use]
pub fn unexplained(ties: &[Tie]) -> TotalPence {
    ties.iter().fold(TotalPence::ZERO, |sum, tie| {
        let magnitude = TotalPence::new(tie.unexplained().get().saturating_abs());
        sum.plus_total(magnitude)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_told_apart() {
        let mut codes: Vec<&str> = TieKind::ALL.iter().map(|kind| kind.code()).collect();
        codes.extend(DifferenceKind::ALL.iter().map(|kind| kind.code()));
        codes.extend(BreakKind::ALL.iter().map(|kind| kind.code()));
        let count = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), count);
        assert!(BreakKind::ALL.iter().all(|kind| !kind.owner().is_empty() && !kind.remedy().is_empty()));
    }
}
