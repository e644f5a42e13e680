//! Why not: the closed catalogue.

use crate::{HoldAction, Posting};
use journal::{AccountNumber, Item, Position};
use minicbor::{Decode, Encode};
use money::{NetPence, Pence};

/// A leg (or hold action) of a posting of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct LegAt {
    /// The posting's index in the group; 0 for a posting by itself.
    #[n(0)]
    pub posting: u16,
    /// The index of the leg or hold action.
    #[n(1)]
    pub index: u16,
}

/// Why one posting of a group was refused.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct RefusedPosting {
    /// Its index in the group.
    #[n(0)]
    pub posting: u16,
    /// Why.
    #[n(1)]
    pub why: Refusal,
}

/// Why a command was refused. In order of precedence: of several reasons the first here is given, posting by posting of a
/// group, and limits after all postings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Encode, Decode)]
pub enum Refusal {
    /// A posting, group or list holds nothing.
    #[n(1)]
    #[error("there is nothing to do: give at least one leg or hold action, posting, window or hold")]
    Empty,
    /// A posting, group or list holds more than its bound.
    #[n(2)]
    #[error("there are more items than one command may hold")]
    TooLarge,
    /// A text is longer than its bound or has characters other than printable ASCII.
    #[n(3)]
    #[error("a text is too long or has other than printable ASCII characters")]
    TextInvalid,
    /// A leg or hold is of no money.
    #[n(4)]
    #[error("an amount is nothing")]
    AmountZero(#[n(0)] LegAt),
    /// No account has this number.
    #[n(5)]
    #[error("no account has number {account}")]
    AccountUnknown {
        /// The number.
        #[n(0)]
        account: AccountNumber,
    },
    /// The account is closed.
    #[n(6)]
    #[error("account {account} is closed")]
    AccountClosed {
        /// The number.
        #[n(0)]
        account: AccountNumber,
    },
    /// A leg on `owed/payable` names no window.
    #[n(7)]
    #[error("a leg on owed/payable names the window that it adds to or pays")]
    WindowMissing(#[n(0)] LegAt),
    /// A leg elsewhere names a window.
    #[n(8)]
    #[error("only legs on owed/payable name a window")]
    WindowNotAllowed(#[n(0)] LegAt),
    /// The legs of a budget line, of its allocations with the resource limit, or of the memorandum section do not balance.
    #[n(9)]
    #[error(
        "debits less credits are {difference}, not nothing, within a budget line, its allocations or the memorandum section"
    )]
    Unbalanced {
        /// The posting's index in the group.
        #[n(0)]
        posting: u16,
        /// The first account of the part that does not balance.
        #[n(1)]
        account: AccountNumber,
        /// Debits less credits, as far as they fit.
        #[n(2)]
        difference: NetPence,
    },
    /// A hold is placed outside a `fund` room.
    #[n(10)]
    #[error("a hold stands on an account of a fund room")]
    HoldNotOnFund(#[n(0)] LegAt),
    /// A hold of that name is open.
    #[n(11)]
    #[error("a hold of that name is open")]
    HoldExists(#[n(0)] LegAt),
    /// A leg pays a window that is not sealed, so that its total may still change.
    #[n(12)]
    #[error("a window is sealed before it is paid")]
    WindowNotSealed(#[n(0)] LegAt),
    /// A leg pays more than is left of its window.
    #[n(13)]
    #[error("the window has {remaining} left to pay")]
    WindowOverpaid {
        /// The leg.
        #[n(0)]
        at: LegAt,
        /// The window's total less what is paid.
        #[n(1)]
        remaining: NetPence,
    },
    /// A total would not fit a record.
    #[n(14)]
    #[error("a total would exceed what a record holds")]
    TotalTooLarge,
    /// No window has these names, or a run's number is ahead of the one in force.
    #[n(15)]
    #[error("no such window: item {index} of the list")]
    WindowUnknown {
        /// The index in the list.
        #[n(0)]
        index: u16,
    },
    /// The entry was reversed already.
    #[n(16)]
    #[error("the entry was reversed by the entry at {}", by.position)]
    AlreadyReversed {
        /// The reversal.
        #[n(0)]
        by: Item,
    },
    /// The entry to be reversed is not before its reversal.
    #[n(17)]
    #[error("there is no such entry to reverse")]
    EntryUnknown,
    /// A limit's floor is above its ceiling.
    #[n(18)]
    #[error("the floor is above the ceiling")]
    LimitInverted,
    /// There is no limit to lift.
    #[n(19)]
    #[error("the node has no limit to lift")]
    LimitMissing,
    /// The account does not stand at nothing.
    #[n(20)]
    #[error("the account has a balance or open holds")]
    AccountInUse,
    /// The month has not ended.
    #[n(21)]
    #[error("the month has not ended")]
    PeriodNotOver,
    /// The month is closed already.
    #[n(22)]
    #[error("the month is closed already")]
    PeriodClosed,
    /// The month is not closed.
    #[n(23)]
    #[error("the month is not closed")]
    PeriodNotClosed,
    /// The month is soft-closed already.
    #[n(26)]
    #[error("the month is soft-closed already")]
    PeriodSoftClosed,
    /// No proposal of that position waits.
    #[n(27)]
    #[error("no proposal of that position waits for approval")]
    ProposalUnknown,
    /// It takes two people.
    #[n(25)]
    #[error("it takes two people: another person must do this")]
    SamePerson,
    /// What was approved is not what was proposed.
    #[n(28)]
    #[error("the digest approved is not the digest proposed: look at it again and approve what it is now")]
    DigestMismatch,
    /// The fund is shut, and the year after has no account that takes over, or it is shut already.
    #[n(29)]
    #[error("the line's fund is shut: post in the year after")]
    FundShut {
        /// The account, where one is named.
        #[n(0)]
        account: Option<AccountNumber>,
    },
    /// The fund is not shut.
    #[n(30)]
    #[error("the line's fund is not shut")]
    FundOpen,
    /// The financial year has not ended.
    #[n(31)]
    #[error("the financial year has not ended")]
    YearNotOver,
    /// An account that year end needs is not open.
    #[n(32)]
    #[error(
        "an account that year end needs is not open: of the year after, out/transferred or the resource limit"
    )]
    SuccessorMissing {
        /// The account whose successor is missing.
        #[n(0)]
        account: Option<AccountNumber>,
    },
    /// There is no such line.
    #[n(33)]
    #[error("there is no such budget line")]
    LineUnknown,
    /// An entry is to reverse itself no later than it happened.
    #[n(34)]
    #[error("an entry reverses itself in a later month than it happened in")]
    ReversalNotLater {
        /// The posting's index in the group.
        #[n(0)]
        posting: u16,
    },
    /// A HARD limit would be passed.
    #[n(24)]
    #[error("the limit set at {limit} leaves {remaining}")]
    LimitExceeded {
        /// The record that set the limit.
        #[n(0)]
        limit: Position,
        /// What remained before the posting.
        #[n(1)]
        remaining: Pence,
    },
    /// Postings of a group are at fault, each for its own reason, so none is made. A posting is judged after those before it
    /// that are not at fault; limits, which bind all together, only when nothing else is wrong.
    #[n(35)]
    #[error("{} of the postings cannot be made, so none is", .0.len())]
    Postings(#[n(0)] Vec<RefusedPosting>),
    /// Somebody else than its proposer takes a proposal back.
    #[n(36)]
    #[error("only whoever proposed it may take it back; another person leaves it unapproved")]
    NotProposer,
    /// A proposal expires before it could be approved.
    #[n(37)]
    #[error("a proposal expires on a later day than today")]
    ExpiryPassed,
}

/// What sort of refusal it is, for whoever maps it to an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// The command is wrong by itself.
    Invalid,
    /// It names what does not exist.
    Unknown,
    /// The state does not allow it now.
    State,
}

impl Refusal {
    /// The index of the posting that it is about, of the postings that were asked; `None` when it is about all of them.
    #[must_use]
    pub fn posting(&self, postings: &[Posting]) -> Option<usize> {
        let names = |number: AccountNumber| {
            postings.iter().position(|posting| {
                let placed = posting
                    .holds
                    .iter()
                    .any(|hold| matches!(hold, HoldAction::Place { account, .. } if *account == number));
                placed || posting.legs.iter().any(|leg| leg.account == number)
            })
        };
        match self {
            Self::AmountZero(at)
            | Self::WindowMissing(at)
            | Self::WindowNotAllowed(at)
            | Self::HoldNotOnFund(at)
            | Self::HoldExists(at)
            | Self::WindowNotSealed(at)
            | Self::WindowOverpaid { at, .. } => Some(at.posting.into()),
            Self::Unbalanced { posting, .. } | Self::ReversalNotLater { posting } => Some((*posting).into()),
            Self::AccountUnknown { account } | Self::AccountClosed { account } => names(*account),
            Self::FundShut { account } => account.and_then(names),
            Self::Empty => postings.iter().position(|p| p.legs.is_empty() && p.holds.is_empty()),
            Self::TooLarge
            | Self::TextInvalid
            | Self::TotalTooLarge
            | Self::WindowUnknown { .. }
            | Self::AlreadyReversed { .. }
            | Self::EntryUnknown
            | Self::LimitInverted
            | Self::LimitMissing
            | Self::AccountInUse
            | Self::PeriodNotOver
            | Self::PeriodClosed
            | Self::PeriodNotClosed
            | Self::PeriodSoftClosed
            | Self::ProposalUnknown
            | Self::SamePerson
            | Self::DigestMismatch
            | Self::FundOpen
            | Self::YearNotOver
            | Self::SuccessorMissing { .. }
            | Self::LineUnknown
            | Self::LimitExceeded { .. }
            | Self::Postings(_)
            | Self::NotProposer
            | Self::ExpiryPassed => None,
        }
    }

    /// The reason as callers see it. It never changes.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Empty => "EMPTY",
            Self::TooLarge => "TOO_LARGE",
            Self::TextInvalid => "TEXT_INVALID",
            Self::AmountZero(_) => "AMOUNT_ZERO",
            Self::AccountUnknown { .. } => "ACCOUNT_UNKNOWN",
            Self::AccountClosed { .. } => "ACCOUNT_CLOSED",
            Self::WindowMissing(_) => "WINDOW_MISSING",
            Self::WindowNotAllowed(_) => "WINDOW_NOT_ALLOWED",
            Self::Unbalanced { .. } => "UNBALANCED",
            Self::HoldNotOnFund(_) => "HOLD_NOT_ON_FUND",
            Self::HoldExists(_) => "HOLD_EXISTS",
            Self::WindowNotSealed(_) => "WINDOW_NOT_SEALED",
            Self::WindowOverpaid { .. } => "WINDOW_OVERPAID",
            Self::TotalTooLarge => "TOTAL_TOO_LARGE",
            Self::WindowUnknown { .. } => "WINDOW_UNKNOWN",
            Self::AlreadyReversed { .. } => "ALREADY_REVERSED",
            Self::EntryUnknown => "ENTRY_UNKNOWN",
            Self::LimitInverted => "LIMIT_INVERTED",
            Self::LimitMissing => "LIMIT_MISSING",
            Self::AccountInUse => "ACCOUNT_IN_USE",
            Self::PeriodNotOver => "PERIOD_NOT_OVER",
            Self::PeriodClosed => "PERIOD_CLOSED",
            Self::PeriodNotClosed => "PERIOD_NOT_CLOSED",
            Self::PeriodSoftClosed => "PERIOD_SOFT_CLOSED",
            Self::ProposalUnknown => "PROPOSAL_UNKNOWN",
            Self::SamePerson => "SAME_PERSON",
            Self::FundShut { .. } => "FUND_SHUT",
            Self::FundOpen => "FUND_OPEN",
            Self::YearNotOver => "YEAR_NOT_OVER",
            Self::SuccessorMissing { .. } => "SUCCESSOR_MISSING",
            Self::LineUnknown => "LINE_UNKNOWN",
            Self::ReversalNotLater { .. } => "REVERSAL_NOT_LATER",
            Self::DigestMismatch => "DIGEST_MISMATCH",
            Self::LimitExceeded { .. } => "LIMIT_EXCEEDED",
            Self::Postings(_) => "POSTINGS_REFUSED",
            Self::NotProposer => "NOT_PROPOSER",
            Self::ExpiryPassed => "EXPIRY_PASSED",
        }
    }

    /// What sort of refusal it is.
    #[must_use]
    pub const fn class(&self) -> Class {
        match self {
            Self::Empty
            | Self::TooLarge
            | Self::TextInvalid
            | Self::AmountZero(_)
            | Self::WindowMissing(_)
            | Self::WindowNotAllowed(_)
            | Self::Unbalanced { .. }
            | Self::HoldNotOnFund(_)
            | Self::ReversalNotLater { .. }
            | Self::LimitInverted
            | Self::ExpiryPassed => Class::Invalid,
            Self::AccountUnknown { .. }
            | Self::WindowUnknown { .. }
            | Self::EntryUnknown
            | Self::LineUnknown
            | Self::ProposalUnknown => Class::Unknown,
            Self::AccountClosed { .. }
            | Self::HoldExists(_)
            | Self::WindowNotSealed(_)
            | Self::WindowOverpaid { .. }
            | Self::TotalTooLarge
            | Self::AlreadyReversed { .. }
            | Self::LimitMissing
            | Self::AccountInUse
            | Self::PeriodNotOver
            | Self::PeriodClosed
            | Self::PeriodNotClosed
            | Self::PeriodSoftClosed
            | Self::SamePerson
            | Self::DigestMismatch
            | Self::FundShut { .. }
            | Self::FundOpen
            | Self::YearNotOver
            | Self::SuccessorMissing { .. }
            | Self::LimitExceeded { .. }
            | Self::Postings(_)
            | Self::NotProposer => Class::State,
        }
    }

    /// Whether the same command might be accepted in another state of the ledger.
    #[must_use]
    pub const fn is_state_dependent(&self) -> bool {
        match self.class() {
            Class::Invalid => false,
            Class::Unknown | Class::State => true,
        }
    }
}
