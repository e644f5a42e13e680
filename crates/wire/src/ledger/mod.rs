//! The ledger's messages and its domain types.

mod inward;
mod outward;
mod period;
mod window;

pub use inward::{
    Asked, AskedAt, DateBasis, Filter, KnownBy, account_name, asked_at, basis, entry_kind, entry_name,
    filter, financial_year, group, limit, node, opened_paths, period, posting, reason_text, statement_known,
    windows,
};
pub use outward::{
    EntryOf, account, balance, entry, hold, kind, line, line_sum, pence, posted, refused, refused_group,
    side, totals, window, window_keys,
};
pub use period::{ProposalOf, accounting_period, due_reversal, proposal};
pub use window::{key, key_from};

use crate::{Class, FieldError, Reason};
use core::fmt;
use journal::{Day, Service};
use ledger::{LegAt, PathError, Refusal};

/// The reasons of the ledger's own fields.
#[cfg(test)]
pub(crate) const FIELD_REASONS: &[&str] = &["PATH_INVALID"];

impl FieldError for PathError {
    fn reason(&self) -> &'static str {
        "PATH_INVALID"
    }
}

impl Reason for Refusal {
    const SERVICE: Service = Service::Ledger;
    const REASONS: &'static [&'static str] = &[
        "EMPTY",
        "TOO_LARGE",
        "TEXT_INVALID",
        "AMOUNT_ZERO",
        "ACCOUNT_UNKNOWN",
        "ACCOUNT_CLOSED",
        "WINDOW_MISSING",
        "WINDOW_NOT_ALLOWED",
        "UNBALANCED",
        "HOLD_NOT_ON_FUND",
        "HOLD_EXISTS",
        "WINDOW_NOT_SEALED",
        "WINDOW_OVERPAID",
        "TOTAL_TOO_LARGE",
        "WINDOW_UNKNOWN",
        "ALREADY_REVERSED",
        "ENTRY_UNKNOWN",
        "LIMIT_INVERTED",
        "LIMIT_MISSING",
        "ACCOUNT_IN_USE",
        "PERIOD_NOT_OVER",
        "PERIOD_CLOSED",
        "PERIOD_NOT_CLOSED",
        "PERIOD_SOFT_CLOSED",
        "PROPOSAL_UNKNOWN",
        "SAME_PERSON",
        "DIGEST_MISMATCH",
        "FUND_SHUT",
        "FUND_OPEN",
        "YEAR_NOT_OVER",
        "SUCCESSOR_MISSING",
        "LINE_UNKNOWN",
        "REVERSAL_NOT_LATER",
        "LIMIT_EXCEEDED",
        "POSTINGS_REFUSED",
        "NOT_PROPOSER",
        "EXPIRY_PASSED",
    ];

    fn reason(&self) -> &'static str {
        Self::reason(self)
    }

    fn class(&self) -> Class {
        match Self::class(self) {
            ledger::Class::Invalid => Class::Invalid,
            ledger::Class::Unknown => Class::Unknown,
            ledger::Class::State => Class::Precondition,
        }
    }

    fn subject(&self) -> String {
        let leg = |LegAt { posting, index }: &LegAt| format!("postings[{posting}].legs[{index}]");
        let hold = |LegAt { posting, index }: &LegAt| format!("postings[{posting}].holds[{index}]");
        match self {
            Self::AmountZero(at) | Self::WindowMissing(at) | Self::WindowNotAllowed(at) => leg(at),
            Self::WindowNotSealed(at) | Self::WindowOverpaid { at, .. } => leg(at),
            Self::HoldNotOnFund(at) | Self::HoldExists(at) => hold(at),
            Self::AccountUnknown { account } | Self::AccountClosed { account } => {
                format!("accounts/{account}")
            }
            Self::Unbalanced { posting, .. } => format!("postings[{posting}].legs"),
            Self::ReversalNotLater { posting } => format!("postings[{posting}].reverses_in"),
            Self::WindowUnknown { index } => format!("windows[{index}]"),
            Self::LimitInverted => "floor_pence".to_owned(),
            Self::ExpiryPassed => "expire_date".to_owned(),
            Self::LimitExceeded { limit, .. } => format!("limits/{limit}"),
            Self::Empty
            | Self::TooLarge
            | Self::TextInvalid
            | Self::TotalTooLarge
            | Self::AlreadyReversed { .. }
            | Self::EntryUnknown
            | Self::LimitMissing
            | Self::AccountInUse
            | Self::PeriodNotOver
            | Self::PeriodClosed
            | Self::PeriodNotClosed
            | Self::PeriodSoftClosed
            | Self::ProposalUnknown
            | Self::SamePerson
            | Self::DigestMismatch
            | Self::FundShut { .. }
            | Self::FundOpen
            | Self::YearNotOver
            | Self::SuccessorMissing { .. }
            | Self::LineUnknown
            | Self::Postings(_)
            | Self::NotProposer => String::new(),
        }
    }

    fn metadata(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::AccountUnknown { account } | Self::AccountClosed { account } => {
                vec![("account", account.to_string())]
            }
            Self::Unbalanced { account, difference, .. } => {
                vec![("account", account.to_string()), ("differencePence", difference.get().to_string())]
            }
            Self::WindowOverpaid { remaining, .. } => vec![("remainingPence", remaining.get().to_string())],
            Self::AlreadyReversed { by } => {
                vec![("position", by.position.to_string()), ("index", by.index.to_string())]
            }
            Self::LimitExceeded { limit, remaining } => {
                vec![("limit", limit.to_string()), ("remainingPence", remaining.get().to_string())]
            }
            Self::Empty
            | Self::TooLarge
            | Self::TextInvalid
            | Self::AmountZero(_)
            | Self::WindowMissing(_)
            | Self::WindowNotAllowed(_)
            | Self::HoldNotOnFund(_)
            | Self::HoldExists(_)
            | Self::WindowNotSealed(_)
            | Self::TotalTooLarge
            | Self::WindowUnknown { .. }
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
            | Self::LineUnknown
            | Self::ReversalNotLater { .. }
            | Self::NotProposer
            | Self::ExpiryPassed => Vec::new(),
            Self::Postings(refused) => vec![("postings", refused.len().to_string())],
            Self::FundShut { account } | Self::SuccessorMissing { account } => {
                account.iter().map(|account| ("account", account.to_string())).collect()
            }
        }
    }
}

/// A refusal of a group of postings, told of the one that it is about.
#[derive(Debug, Clone)]
pub struct OfGroup {
    refusal: Refusal,
    posting: Option<usize>,
}

impl OfGroup {
    /// The refusal of `postings`.
    #[must_use]
    pub fn new(refusal: Refusal, postings: &[ledger::Posting]) -> Self {
        let posting = refusal.posting(postings);
        Self { refusal, posting }
    }
}

impl fmt::Display for OfGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.posting {
            Some(posting) => write!(f, "posting {posting} of the group: {}", self.refusal),
            None => write!(f, "the group as a whole: {}", self.refusal),
        }
    }
}

impl Reason for OfGroup {
    const SERVICE: Service = Service::Ledger;
    const REASONS: &'static [&'static str] = Refusal::REASONS;

    fn reason(&self) -> &'static str {
        self.refusal.reason()
    }

    fn class(&self) -> Class {
        Reason::class(&self.refusal)
    }

    fn subject(&self) -> String {
        let subject = Reason::subject(&self.refusal);
        match self.posting {
            Some(posting) if subject.is_empty() => format!("postings[{posting}]"),
            Some(_) | None => subject,
        }
    }

    fn metadata(&self) -> Vec<(&'static str, String)> {
        let mut metadata = self.refusal.metadata();
        metadata.extend(self.posting.map(|posting| ("posting", posting.to_string())));
        metadata
    }
}

/// A posting of a group is not made, because others of the group were refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotApplied {
    /// The indexes of those, in their order.
    pub because_of: Vec<usize>,
}

/// The most postings at fault that a message names; each has its own answer anyway.
const NAMED_MAX: usize = 8;

impl fmt::Display for NotApplied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (named, rest) = self.because_of.split_at(self.because_of.len().min(NAMED_MAX));
        let names: Vec<String> = named.iter().map(ToString::to_string).collect();
        write!(f, "not made, because of posting {}", names.join(", "))?;
        if rest.is_empty() { Ok(()) } else { write!(f, " and {} more", rest.len()) }
    }
}

impl Reason for NotApplied {
    const SERVICE: Service = Service::Ledger;
    const REASONS: &'static [&'static str] = &["NOT_APPLIED"];

    fn reason(&self) -> &'static str {
        "NOT_APPLIED"
    }

    fn class(&self) -> Class {
        Class::Precondition
    }

    fn subject(&self) -> String {
        String::new()
    }

    fn metadata(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }
}

/// A read names what is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missing {
    /// No account has that number or path.
    Account(String),
    /// No account stands at or below that path.
    Node(String),
    /// No entry has that name.
    Entry {
        /// The position named.
        position: u64,
        /// The index named.
        index: u32,
    },
    /// The position is past the end of the journal.
    Ahead {
        /// Where the journal ends.
        next: u64,
    },
    /// It was not there at the instant asked about.
    NotYet {
        /// What; empty when nothing at all was recorded by then.
        subject: String,
        /// The position at which it began.
        opened: Option<u64>,
    },
    /// The day or instant asked about has not come.
    NotCome {
        /// The business date now.
        business_date: Day,
    },
    /// Nobody of that name has called.
    Caller(String),
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(_) => f.write_str("there is no such account"),
            Self::Node(_) => f.write_str("no account stands at or below that path"),
            Self::Entry { position, index } => write!(f, "there is no entry {index} at position {position}"),
            Self::Ahead { next } => write!(f, "the journal ends before that position: its next is {next}"),
            Self::NotYet { opened: Some(opened), .. } => {
                write!(f, "it was not known at that instant: it was opened later, at position {opened}")
            }
            Self::NotYet { opened: None, .. } => f.write_str("nothing was recorded by that instant"),
            Self::NotCome { business_date } => {
                write!(f, "that day or instant has not come: today is {}", business_date.date())
            }
            Self::Caller(_) => f.write_str("nobody of that name has written to this ledger"),
        }
    }
}

impl Reason for Missing {
    const SERVICE: Service = Service::Ledger;
    const REASONS: &'static [&'static str] = &[
        "ACCOUNT_UNKNOWN",
        "NODE_UNKNOWN",
        "ENTRY_UNKNOWN",
        "POSITION_AHEAD",
        "NOT_KNOWN_YET",
        "NOT_COME_YET",
        "CALLER_NEVER_CALLED",
    ];

    fn reason(&self) -> &'static str {
        match self {
            Self::Account(_) => "ACCOUNT_UNKNOWN",
            Self::Node(_) => "NODE_UNKNOWN",
            Self::Entry { .. } => "ENTRY_UNKNOWN",
            Self::Ahead { .. } => "POSITION_AHEAD",
            Self::NotYet { .. } => "NOT_KNOWN_YET",
            Self::NotCome { .. } => "NOT_COME_YET",
            Self::Caller(_) => "CALLER_NEVER_CALLED",
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::Account(_) | Self::Node(_) | Self::Entry { .. } | Self::NotYet { .. } | Self::Caller(_) => {
                Class::Unknown
            }
            Self::Ahead { .. } | Self::NotCome { .. } => Class::PastEnd,
        }
    }

    fn subject(&self) -> String {
        match self {
            Self::Account(account) => format!("accounts/{account}"),
            Self::Node(path) | Self::NotYet { subject: path, .. } => path.clone(),
            Self::Caller(urn) => format!("callers/{urn}"),
            Self::Entry { position, index } => format!("entries/{position}/{index}"),
            Self::Ahead { .. } | Self::NotCome { .. } => String::new(),
        }
    }

    fn metadata(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::NotYet { opened: Some(opened), .. } => vec![("openedPosition", opened.to_string())],
            Self::NotCome { business_date } => vec![("businessDate", business_date.date().to_string())],
            Self::Account(_)
            | Self::Node(_)
            | Self::Entry { .. }
            | Self::Ahead { .. }
            | Self::NotYet { opened: None, .. }
            | Self::Caller(_) => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests;
