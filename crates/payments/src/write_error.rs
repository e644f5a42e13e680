//! Why a file was not written.

use crate::charset::CharsetError;
use money::TotalPence;

/// A file was refused before a byte of it left. Places are counted from 1 and say which field; texts are not quoted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// A file, batch, invoice or journal without anything in it.
    #[error("{at} is empty")]
    Empty {
        /// What is empty.
        at: String,
    },
    /// More than one file carries.
    #[error("{at} has {found} items; at most {max} are written")]
    TooMany {
        /// What has too many.
        at: String,
        /// How many there are.
        found: usize,
        /// How many fit.
        max: usize,
    },
    /// A payment or an invoice of nothing.
    #[error("{at} is of no money")]
    ZeroAmount {
        /// Which amount.
        at: String,
    },
    /// An amount, or a sum, of more than 18 digits (ISO 20022 amounts carry no more).
    #[error("{at} has more than 18 digits")]
    AmountTooLarge {
        /// Which amount or sum.
        at: String,
    },
    /// An identifier stands twice.
    #[error("{at}: the identifier `{id}` stands twice")]
    RepeatedId {
        /// The second place.
        at: String,
        /// The identifier.
        id: String,
    },
    /// A text cannot be written in the SWIFT x set.
    #[error("{at} cannot be written")]
    Text {
        /// Which field.
        at: String,
        /// Why.
        #[source]
        source: CharsetError,
    },
    /// A text is longer than its field, after replacement; it is never cut.
    #[error("{at} has {found} characters; its field holds {max}")]
    TextTooLong {
        /// Which field.
        at: String,
        /// How many characters it has.
        found: usize,
        /// How many fit.
        max: usize,
    },
    /// A text holds a control character, begins or ends with white space, or begins like a spreadsheet formula.
    #[error("{at} holds {problem}")]
    TextRefused {
        /// Which field.
        at: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// An instant outside the years 1 to 9999.
    #[error("{at} is not in the years 1 to 9999")]
    TimeRefused {
        /// Which instant or date.
        at: String,
    },
    /// Debits and credits differ.
    #[error("{at} is not balanced: debits {debits}, credits {credits}")]
    NotBalanced {
        /// Which journal.
        at: String,
        /// The sum of its debits.
        debits: TotalPence,
        /// The sum of its credits.
        credits: TotalPence,
    },
    /// A total that the caller states is not the sum of the parts.
    #[error("{at} does not add up: stated {stated}, found {found}")]
    DoesNotAddUp {
        /// Which total.
        at: String,
        /// What the caller states.
        stated: TotalPence,
        /// What the parts make.
        found: TotalPence,
    },
    /// The message format has no word for it.
    #[error("{at} has no form in this message: {problem}")]
    NoForm {
        /// Which field.
        at: String,
        /// What cannot be said.
        problem: &'static str,
    },
}

impl WriteError {
    /// The stable name of the refusal, in capitals.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Empty { .. } => "EMPTY",
            Self::TooMany { .. } => "TOO_MANY",
            Self::ZeroAmount { .. } => "ZERO_AMOUNT",
            Self::AmountTooLarge { .. } => "AMOUNT_TOO_LARGE",
            Self::RepeatedId { .. } => "REPEATED_ID",
            Self::Text { .. } => "CHARACTER_REFUSED",
            Self::TextTooLong { .. } => "TEXT_TOO_LONG",
            Self::TextRefused { .. } => "TEXT_REFUSED",
            Self::TimeRefused { .. } => "TIME_REFUSED",
            Self::NotBalanced { .. } => "NOT_BALANCED",
            Self::DoesNotAddUp { .. } => "DOES_NOT_ADD_UP",
            Self::NoForm { .. } => "NO_FORM",
        }
    }
}
