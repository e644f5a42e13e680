//! ISO 20022 `camt.053` (BankToCustomerStatement): what the bank says has happened.
//!
//! [`read()`] takes versions `.001.02` and `.001.08` and returns [`Statement`]s that add up, or refuses the whole message
//! by name. [`write()`] makes a `.001.02` for a demonstration's bank; what it writes, [`read()`] returns.
//!
//! A statement is taken only if the opening booked balance (`OPBD`) and its booked entries make the closing booked
//! balance (`CLBD`), every amount is in sterling, and no entry names the accounts of two other parties. Other balances
//! (available, forward) and pending entries never enter that sum.

mod entry;
mod read;
mod write;

pub use read::read;
pub use write::write;

use crate::{BankAccount, MessageTime, PrivateText};
use jiff::civil::Date;
use money::{NetPence, Pence, Side, TotalPence};

/// The namespace of version 2, which is read and written.
pub const NAMESPACE_02: &str = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.02";
/// The namespace of version 8, which is read.
pub const NAMESPACE_08: &str = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08";

/// One account's statement over one period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The id of the message that carries it.
    pub message_id: String,
    /// The statement's id, given by the bank; with the account it tells a statement from any other.
    pub statement_id: String,
    /// When the bank made it.
    pub created: MessageTime,
    /// From and to, when stated.
    pub period: Option<(MessageTime, MessageTime)>,
    /// Whether the bank calls it a copy or a duplicate of one sent before.
    pub copy: Option<CopyKind>,
    /// The account.
    pub account: StatementAccount,
    /// The booked balance before the entries (`OPBD`).
    pub opening: Balance,
    /// The booked balance after the entries (`CLBD`).
    pub closing: Balance,
    /// The entries, in the bank's order; an entry that books several payments with their amounts is given as one each.
    pub entries: Vec<Entry>,
}

/// A statement that repeats another (`CopyDuplicate1Code`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopyKind {
    /// `CODU`: a duplicate of a copy.
    CopyDuplicate,
    /// `COPY`: a copy, sent to somebody else than the first.
    Copy,
    /// `DUPL`: sent again to the same receiver.
    Duplicate,
}

/// The account as the bank identifies it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StatementAccount {
    /// By IBAN.
    Iban(String),
    /// By another scheme; in the United Kingdom, 14 digits of sort code and account number. A bank that states the
    /// account number alone and its sort code as the servicer's member id is read as the 14 digits.
    Other(String),
}

/// A booked balance: credit is positive, overdrawn negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Balance {
    /// How much.
    pub amount: NetPence,
    /// On which day.
    pub date: Date,
}

/// One movement on the account, or one payment of a movement that books several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// How much.
    pub amount: Pence,
    /// `Credit` came in, `Debit` went out; a reversal is already the other way round.
    pub side: Side,
    /// Whether it reverses an earlier entry.
    pub reversal: bool,
    /// Whether it is booked.
    pub status: EntryStatus,
    /// When it was booked.
    pub booking_date: Option<Date>,
    /// When it counts for interest.
    pub value_date: Option<Date>,
    /// The entry's own reference (`NtryRef`).
    pub entry_reference: Option<String>,
    /// The bank's reference (`AcctSvcrRef`), of the entry or else of its payment.
    pub bank_reference: Option<String>,
    /// What kind of movement, in the bank's words.
    pub bank_transaction_code: BankTransactionCode,
    /// The payer's batch (`PmtInfId`); all that some banks say of a payment made through Bacs.
    pub payment_information_id: Option<String>,
    /// The payer's instruction id.
    pub instruction_id: Option<String>,
    /// The end-to-end id of the payment; `NOTPROVIDED` is what banks write for none, and reads as none.
    pub end_to_end_id: Option<String>,
    /// The remittance text, which may name a person.
    pub reference: Option<PrivateText>,
    /// Why a payment came back: a code of ISO 20022's external return reasons, or the bank's own.
    pub return_reason: Option<String>,
    /// How many payments the entry books, when it does not say which; then it has no end-to-end id.
    pub bundled: Option<u32>,
}

/// Whether an entry is booked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryStatus {
    /// `BOOK`.
    Booked,
    /// `PDNG`: not yet in the booked balance.
    Pending,
    /// `INFO`: never in any balance.
    Information,
    /// `FUTR` (version 8): to be booked later.
    Future,
}

/// The kind of a movement.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BankTransactionCode {
    /// Domain, family and sub-family of ISO 20022, for example `PMNT`, `ICDT`, `DMCT`.
    pub domain: Option<[String; 3]>,
    /// The bank's own code.
    pub proprietary: Option<String>,
}

impl Statement {
    /// Booked credits less booked debits.
    #[must_use]
    pub fn booked(&self) -> TotalPence {
        self.entries.iter().filter(|entry| entry.status == EntryStatus::Booked).fold(
            TotalPence::ZERO,
            |total, entry| match entry.side {
                Side::Credit => total.plus(entry.amount),
                Side::Debit => total.minus(entry.amount),
            },
        )
    }

    /// Whether opening balance and booked entries make the closing balance. Always true of a statement that was read.
    #[must_use]
    pub fn adds_up(&self) -> bool {
        TotalPence::from(self.opening.amount).plus_total(self.booked())
            == TotalPence::from(self.closing.amount)
    }
}

impl Entry {
    /// Whether money that was paid out came back: a credit that gives a return reason, reverses an entry, or stands
    /// under the code of an issued credit transfer (ISO 20022 bank transaction codes `PMNT`/`ICDT` and `IRCT`).
    #[must_use]
    pub fn is_return(&self) -> bool {
        let issued = match &self.bank_transaction_code.domain {
            Some([domain, family, _]) => domain == "PMNT" && (family == "ICDT" || family == "IRCT"),
            None => false,
        };
        self.side == Side::Credit && (self.return_reason.is_some() || self.reversal || issued)
    }
}

impl StatementAccount {
    /// Whether it is `account`, in whichever spelling.
    #[must_use]
    pub fn is(&self, account: &BankAccount) -> bool {
        BankAccount::parse(self.as_str()).is_ok_and(|own| own.is_same_as(account))
    }

    /// The identification's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Iban(text) | Self::Other(text) => text,
        }
    }

    /// Whether both texts name one account: the same United Kingdom account (a bare account number may be any bank's), or
    /// the same letters and digits.
    pub(crate) fn is_same_as(&self, other: &Self) -> bool {
        match (BankAccount::parse(self.as_str()), BankAccount::parse(other.as_str())) {
            (Ok(own), Ok(other)) => own.is_same_as(&other),
            (Ok(known), Err(_)) if other.is_bare_number() => {
                known.account_number().as_str() == other.as_str()
            }
            (Err(_), Ok(known)) if self.is_bare_number() => known.account_number().as_str() == self.as_str(),
            _ => letters_and_digits(self.as_str()).eq(letters_and_digits(other.as_str())),
        }
    }
}

impl StatementAccount {
    /// Eight digits: an account number whose sort code is not stated.
    fn is_bare_number(&self) -> bool {
        self.as_str().parse::<nhs::AccountNumber>().is_ok()
    }

    /// Puts the servicer's sort code before a bare account number.
    pub(crate) fn with_sort_code(self, sort_code: Option<&str>) -> Self {
        match sort_code {
            Some(sort_code) if self.is_bare_number() && sort_code.parse::<nhs::SortCode>().is_ok() => {
                Self::Other(format!("{sort_code}{}", self.as_str()))
            }
            _ => self,
        }
    }
}

fn letters_and_digits(text: &str) -> impl Iterator<Item = char> + '_ {
    text.chars().filter(char::is_ascii_alphanumeric)
}

impl CopyKind {
    const ALL: [(Self, &'static str); 3] =
        [(Self::CopyDuplicate, "CODU"), (Self::Copy, "COPY"), (Self::Duplicate, "DUPL")];
}

impl EntryStatus {
    const ALL: [(Self, &'static str); 4] = [
        (Self::Booked, "BOOK"),
        (Self::Pending, "PDNG"),
        (Self::Information, "INFO"),
        (Self::Future, "FUTR"),
    ];
}

/// The value of `code` in a table of codes.
fn decode<T: Copy>(table: &[(T, &'static str)], code: &str) -> Option<T> {
    table.iter().find(|(_, known)| *known == code).map(|(value, _)| *value)
}

/// The code of `value` in a table of codes; every value has one.
fn encode<T: Copy + PartialEq>(table: &[(T, &'static str)], value: T) -> &'static str {
    table.iter().find(|(known, _)| *known == value).map_or("", |(_, code)| code)
}
