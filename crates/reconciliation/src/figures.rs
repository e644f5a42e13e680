//! What the other services' books show, collected at stated positions.

use crate::{Account, Class, Line};
use journal::Day;
use money::TotalPence;
use nhs::OdsCode;

/// All figures of one system and financial year that the ties compare.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figures {
    /// Activity, by provider and payer: referrals' books.
    pub activity: Vec<ActivityFigure>,
    /// What fell due by contracts' calendars and was posted: settlement's books.
    pub instalments: Vec<InstalmentFigure>,
    /// Payments: settlement's books.
    pub payments: Vec<PaymentFigure>,
    /// Personal health budgets, by payer: health budgets' books.
    pub budgets: Vec<BudgetFigure>,
    /// Accounts of budget lines: the ledger's books.
    pub accounts: Vec<Account>,
    /// Windows: the ledger's books.
    pub windows: Vec<WindowFigure>,
    /// Positions of budget lines as the ledger sums them itself.
    pub lines: Vec<LineFigure>,
    /// Debits less credits of the ledger's trial balance.
    pub trial_difference: TotalPence,
    /// What banks' statements say, read by somebody else than settlement. Payers without one are not tied to the bank.
    pub statements: Vec<StatementFigure>,
    /// Whose payee is whose, as seen from the system, by payee's code.
    pub classes: Vec<(String, Class)>,
    /// Control totals in force of organisations; a deficit is negative.
    pub organisation_totals: Vec<(OdsCode, TotalPence)>,
    /// The control total in force of the system.
    pub system_total: Option<TotalPence>,
    /// What the ledger's memorandum section says of organisations' control totals, together.
    pub memorandum: TotalPence,
}

/// Activity of one provider for one payer, over all cuts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActivityFigure {
    /// The provider, who is also the payee.
    pub provider: String,
    /// The commissioner responsible; none where it is not known, not ours, or the line could not be read.
    pub payer: Option<OdsCode>,
    /// Claimed.
    pub claimed: TotalPence,
    /// Accepted at our price.
    pub accepted: TotalPence,
    /// Claimed less accepted, over accepted lines.
    pub price_difference: TotalPence,
    /// Contested at the claimed amount.
    pub contested: TotalPence,
    /// Unreadable, where the claim could be read.
    pub unreadable: TotalPence,
    /// Of the accepted: owed line by line.
    pub payable: TotalPence,
    /// Of the accepted: recognised against payments on account.
    pub recognised: TotalPence,
    /// Of the accepted: covered by a block payment.
    pub block: TotalPence,
    /// Of the contested: held in the ledger.
    pub held: TotalPence,
}

/// An instalment of a contract that was posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstalmentFigure {
    /// Who pays.
    pub payer: OdsCode,
    /// Who is paid.
    pub payee: String,
    /// Whether it is a block month earned, which is expenditure; else it is a payment falling due.
    pub earned: bool,
    /// How much.
    pub amount: TotalPence,
}

/// How far a payment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PaymentProgress {
    /// Instructed, and not on a statement yet.
    InTransit,
    /// On a statement.
    Settled,
    /// It came back after it had settled.
    Returned,
    /// The bank refused it.
    Rejected,
}

/// A payment that the ledger posted as instructed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentFigure {
    /// The budget line.
    pub line: Line,
    /// The payee: an organisation's code, or a plan's id.
    pub payee: String,
    /// How far it is.
    pub progress: PaymentProgress,
    /// How much.
    pub amount: TotalPence,
}

/// Personal health budgets of one payer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetFigure {
    /// Who pays.
    pub payer: OdsCode,
    /// Budgets of the year.
    pub budget: TotalPence,
    /// Held for bookings and for instalments to come.
    pub held: TotalPence,
    /// Delivered from notional budgets and recognised under the others, less what was asked back of it.
    pub spent: TotalPence,
    /// Paid to holders and neither turned into care nor given back.
    pub paid_ahead: TotalPence,
    /// Asked back and not yet received or given up.
    pub recoverable: TotalPence,
    /// Returned unasked, or received after it was asked back.
    pub received: TotalPence,
}

/// A window of what is owed from one payer to one payee.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WindowFigure {
    /// Who pays.
    pub payer: OdsCode,
    /// Who is paid.
    pub payee: String,
    /// Which.
    pub kind: WindowKind,
    /// Credits less debits.
    pub total: TotalPence,
    /// What payments took from it.
    pub paid: TotalPence,
}

/// The kinds of window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum WindowKind {
    /// A cut of activity.
    Cut,
    /// An instalment, by its due date.
    Instalment(Day),
    /// Adjustments, returns and rejections.
    Run,
}

/// A budget line as the ledger sums it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineFigure {
    /// The line.
    pub line: Line,
    /// Budget.
    pub allocated: TotalPence,
    /// Open holds.
    pub committed: TotalPence,
    /// Owed: payable, contested, estimated.
    pub accrued: TotalPence,
    /// The contested part of what is owed.
    pub contested: TotalPence,
    /// Instructed and not confirmed.
    pub instructed: TotalPence,
    /// Confirmed by the bank.
    pub settled: TotalPence,
    /// Moved to other lines.
    pub transferred: TotalPence,
    /// Left.
    pub available: TotalPence,
    /// Recognised on the date of service.
    pub expenditure: TotalPence,
}

impl LineFigure {
    /// Paid: instructed, settled and transferred.
    #[must_use]
    pub const fn paid(&self) -> TotalPence {
        self.instructed.plus_total(self.settled).plus_total(self.transferred)
    }
}

/// What a bank's statements say of one payer's account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementFigure {
    /// Whose account.
    pub payer: OdsCode,
    /// What left it for payees.
    pub debits: TotalPence,
    /// What came into it from payees.
    pub credits: TotalPence,
}
