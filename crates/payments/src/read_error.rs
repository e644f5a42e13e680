//! Why a message that came back was refused.

use money::{NetPence, TotalPence};

/// A message from a bank was refused whole. Positions are bytes from the start of the message.
///
/// No variant quotes free text of the message, which may name a person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The message is larger than is read.
    #[error("the message has {bytes} bytes; at most {max} are read")]
    TooLarge {
        /// The message's size.
        bytes: u64,
        /// The largest size read.
        max: u64,
    },
    /// The message is not UTF-8.
    #[error("the encoding is {encoding} (byte {position}); only UTF-8 is read")]
    EncodingRefused {
        /// The encoding, as far as it can be told.
        encoding: String,
        /// The first byte that is not UTF-8, or the declaration's position.
        position: u64,
    },
    /// A document type, or an entity other than XML's own five: neither is ever followed.
    #[error("a document type or an entity at byte {position}; neither is read")]
    EntityRefused {
        /// Where it stands.
        position: u64,
    },
    /// Elements are nested deeper than any schema nests them.
    #[error("elements nested deeper than {max} at byte {position}")]
    TooDeep {
        /// Where the limit was passed.
        position: u64,
        /// The deepest level read.
        max: u32,
    },
    /// Another message, version or namespace than those that are read.
    #[error("messages of namespace `{namespace}` are not read")]
    UnsupportedMessage {
        /// The namespace of the document, or of the element that does not belong to it.
        namespace: String,
    },
    /// The message ends too early.
    #[error("the message ends at byte {position}, before its last element is closed")]
    Truncated {
        /// Where it ends.
        position: u64,
    },
    /// Not well-formed XML, or text where the schemas allow none.
    #[error("malformed at byte {position}: {problem}")]
    Malformed {
        /// Where.
        position: u64,
        /// What is wrong.
        problem: &'static str,
    },
    /// A text longer than the schemas allow.
    #[error("a text longer than {max} bytes at byte {position}")]
    TextTooLong {
        /// Where the text begins.
        position: u64,
        /// The most bytes read.
        max: usize,
    },
    /// An element that the schema requires is not there.
    #[error("`{element}` is missing from the element that ends before byte {position}")]
    Missing {
        /// The element's name in the schema.
        element: &'static str,
        /// The element that lacks it begins, or ends, here.
        position: u64,
    },
    /// An element stands more often than the schema allows.
    #[error("`{element}` a second time at byte {position}")]
    Repeated {
        /// The element's name in the schema.
        element: &'static str,
        /// The second one.
        position: u64,
    },
    /// The text of an element is not of its type.
    #[error("`{element}` at byte {position} is not {expected}")]
    ValueRefused {
        /// The element's name in the schema.
        element: &'static str,
        /// Where the element begins.
        position: u64,
        /// What the element holds when it is well.
        expected: &'static str,
    },
    /// An amount in another currency than pounds sterling.
    #[error("an amount in {currency} at byte {position}; only GBP is read")]
    CurrencyRefused {
        /// The currency code.
        currency: String,
        /// Where the amount's element begins.
        position: u64,
    },
    /// The statement is one page of several; a page does not add up by itself.
    #[error("statement {statement} is a page of several (page {page}); only whole statements are read")]
    PageRefused {
        /// The statement's number in the message, from 1.
        statement: u32,
        /// The page number as the bank gives it.
        page: u32,
    },
    /// The opening or closing booked balance is missing.
    #[error("statement {statement} has no {code} balance")]
    BalanceMissing {
        /// The statement's number in the message, from 1.
        statement: u32,
        /// `OPBD` or `CLBD`.
        code: &'static str,
    },
    /// Opening balance and booked entries do not make the closing balance.
    #[error(
        "statement {statement} does not add up: opening {opening} and entries {entries}, but closing {closing}"
    )]
    DoesNotAddUp {
        /// The statement's number in the message, from 1.
        statement: u32,
        /// The opening booked balance.
        opening: NetPence,
        /// Booked credits less booked debits.
        entries: TotalPence,
        /// The closing booked balance.
        closing: NetPence,
    },
    /// The transactions of an entry do not add up to it.
    #[error("entry {entry} of statement {statement}: its transactions do not add up to it")]
    DetailsDoNotAddUp {
        /// The statement's number in the message, from 1.
        statement: u32,
        /// The entry's number in the statement, from 1.
        entry: u32,
    },
    /// An entry names a payer and a payee account, and neither is the statement's.
    #[error("entry {entry} of statement {statement} belongs to another account")]
    EntryOfAnotherAccount {
        /// The statement's number in the message, from 1.
        statement: u32,
        /// The entry's number in the statement, from 1.
        entry: u32,
    },
}

impl ReadError {
    /// The stable name of the refusal, in capitals.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "TOO_LARGE",
            Self::EncodingRefused { .. } => "ENCODING_REFUSED",
            Self::EntityRefused { .. } => "ENTITY_REFUSED",
            Self::TooDeep { .. } => "TOO_DEEP",
            Self::UnsupportedMessage { .. } => "UNSUPPORTED_MESSAGE",
            Self::Truncated { .. } => "TRUNCATED",
            Self::Malformed { .. } => "MALFORMED",
            Self::TextTooLong { .. } => "TEXT_TOO_LONG",
            Self::Missing { .. } => "MISSING",
            Self::Repeated { .. } => "REPEATED",
            Self::ValueRefused { .. } => "VALUE_REFUSED",
            Self::CurrencyRefused { .. } => "CURRENCY_REFUSED",
            Self::PageRefused { .. } => "PAGE_REFUSED",
            Self::BalanceMissing { .. } => "BALANCE_MISSING",
            Self::DoesNotAddUp { .. } => "DOES_NOT_ADD_UP",
            Self::DetailsDoNotAddUp { .. } => "DETAILS_DO_NOT_ADD_UP",
            Self::EntryOfAnotherAccount { .. } => "ENTRY_OF_ANOTHER_ACCOUNT",
        }
    }
}
