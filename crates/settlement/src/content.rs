//! What a run pays, as the one blob that two people agree to.

use crate::{BudgetLine, Payee, WindowKey};
use core::fmt;
use journal::{Day, Digest, Position, RequestId};
use minicbor::{Decode, Encode};
use money::{NetPence, Pence, TotalPence};
use nhs::OdsCode;
use payments::reference::PaymentKey;
use reference::{Channel, Cut};
use std::collections::{BTreeMap, BTreeSet};

/// The content of a run. Its canonical CBOR is the blob; the SHA-256 of that is what is approved.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct RunContent {
    /// The run: the request id of its preparation.
    #[n(0)]
    pub run: RequestId,
    /// The system's name.
    #[n(1)]
    pub system: String,
    /// The newest cut that it pays. Everything sealed before it that is not yet paid is paid with it.
    #[n(2)]
    pub cut: Cut,
    /// The day on which payers' accounts are to be debited.
    #[n(3)]
    pub pay_on: Day,
    /// The reference data that it was prepared with.
    #[n(4)]
    pub reference: Digest,
    /// What referrals sealed and what the ledger has in its windows, equal one by one.
    #[n(5)]
    pub cuts: Vec<CutCheck>,
    /// What is paid and what is carried forward, by payer, budget line and payee.
    #[n(6)]
    pub rows: Vec<Row>,
    /// The totals.
    #[n(7)]
    pub totals: RunTotals,
}

/// One payer's and payee's part of a sealed cut, from both books.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct CutCheck {
    /// The cut.
    #[n(0)]
    pub cut: Cut,
    /// The position of its seal in the referrals journal.
    #[n(1)]
    pub seal: Position,
    /// The payer.
    #[n(2)]
    pub payer: OdsCode,
    /// The payee.
    #[n(3)]
    pub payee: Payee,
    /// Lines in force.
    #[n(4)]
    pub lines: i64,
    /// What referrals sealed as payable.
    #[n(5)]
    pub sealed: NetPence,
    /// The total of the ledger's window.
    #[n(6)]
    pub window: NetPence,
}

/// What one payer owes one payee on one budget line, and what becomes of it in this run.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Row {
    /// The budget line.
    #[n(0)]
    pub line: BudgetLine,
    /// Who is paid.
    #[n(1)]
    pub payee: Payee,
    /// The windows, each with the part of it that stands on this line and is not yet paid.
    #[n(2)]
    pub windows: Vec<WindowPart>,
    /// The sum of the parts: positive when money is due to the payee.
    #[n(3)]
    pub net: NetPence,
    /// The lines behind the cuts, by site.
    #[n(4)]
    pub sites: Vec<SiteLines>,
    /// Whether it is paid.
    #[n(5)]
    pub decision: Decision,
    /// What a person should look at before approving.
    #[n(6)]
    pub warnings: Vec<Warning>,
}

/// The part of a window that a row holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct WindowPart {
    /// Which window.
    #[n(0)]
    pub key: WindowKey,
    /// The last number of its series: with it and the total a payee checks that nothing is missing.
    #[n(1)]
    pub seq: u32,
    /// The window's total, over all budget lines.
    #[n(2)]
    pub total: NetPence,
    /// The part of it on this line that this run pays or carries.
    #[n(3)]
    pub part: NetPence,
}

/// The lines of one site in the cuts of a row.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct SiteLines {
    /// The site.
    #[n(0)]
    pub site: OdsCode,
    /// How many lines.
    #[n(1)]
    pub lines: u32,
    /// What they come to.
    #[n(2)]
    pub pence: NetPence,
}

/// What becomes of a row.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Decision {
    /// It is paid.
    #[n(1)]
    Pay {
        /// The end-to-end id, which comes back on the bank's statement.
        #[n(0)]
        end_to_end_id: String,
        /// How the payer's money leaves.
        #[n(1)]
        channel: Channel,
        /// The SHA-256 of the payee's bank details as registered; none for a plan, whose details only identity has.
        #[n(2)]
        account: Option<Digest>,
    },
    /// It waits for a later run.
    #[n(2)]
    Carry {
        /// Why.
        #[n(0)]
        reason: CarryReason,
    },
}

/// Why a row is not paid now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum CarryReason {
    /// Nothing is due, or the payee owes more than it is owed: a negative net is never paid.
    #[n(1)]
    NotPositive,
    /// The payer has no payment channel.
    #[n(2)]
    NoChannel,
    /// The payer's own account is not registered.
    #[n(3)]
    NoPayerAccount,
    /// The payee's bank details are not registered.
    #[n(4)]
    NoPayeeAccount,
}

/// What a person should look at before approving.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum Warning {
    /// The payee's bank details came into use in the last 30 days.
    #[n(1)]
    AccountIsNew,
    /// More windows are due than one payment carries: the rest follow in the next run.
    #[n(2)]
    WindowsLeft,
    /// Part of a window could not be told to a budget line, and waits.
    #[n(3)]
    LineUnknown,
    /// Corrections were netted off.
    #[n(4)]
    NettedOff,
}

/// The totals of a run.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct RunTotals {
    /// How many payments.
    #[n(0)]
    pub payments: u32,
    /// Their sum.
    #[n(1)]
    pub pay: Pence,
    /// How many rows are carried forward.
    #[n(2)]
    pub carried_rows: u32,
    /// Their sum.
    #[n(3)]
    pub carried: NetPence,
}

/// Bytes are not the content of a run, or do not add up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the content of a run: {0}")]
pub struct ContentError(pub &'static str);

impl CarryReason {
    /// The word in files and on screens.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotPositive => "nothing due",
            Self::NoChannel => "payer has no payment channel",
            Self::NoPayerAccount => "payer has no bank account",
            Self::NoPayeeAccount => "payee has no bank account",
        }
    }
}

impl fmt::Display for CarryReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Warning {
    /// The word in files and on screens.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AccountIsNew => "bank details are new",
            Self::WindowsLeft => "more windows follow in the next run",
            Self::LineUnknown => "part waits: budget line unclear",
            Self::NettedOff => "corrections netted off",
        }
    }
}

impl Row {
    /// What is paid, if it is.
    #[must_use]
    pub fn paid(&self) -> Option<Pence> {
        match self.decision {
            Decision::Pay { .. } => Pence::new(self.net.get()),
            Decision::Carry { .. } => None,
        }
    }

    /// What tells the payment apart from every other, and its identifiers with it.
    #[must_use]
    pub fn key<'a>(&'a self, run: &'a [u8; 16], texts: &'a RowTexts) -> PaymentKey<'a> {
        PaymentKey { run, payer: self.line.payer.as_str(), payee: &texts.payee, part: &texts.line }
    }

    /// The texts that [`Row::key`] borrows.
    #[must_use]
    pub fn texts(&self) -> RowTexts {
        RowTexts { payee: self.payee.to_string(), line: self.line.to_string() }
    }
}

/// A row's payee and line, spelled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowTexts {
    payee: String,
    line: String,
}

impl RunContent {
    /// The canonical bytes.
    #[must_use]
    pub fn to_cbor(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // Writing to a Vec cannot fail, and the content holds nothing that CBOR lacks.
        let _ = minicbor::encode(self, &mut bytes);
        bytes
    }

    /// Reads canonical bytes. Errors when they are not the one encoding of a content that adds up.
    pub fn from_cbor(bytes: &[u8]) -> Result<Self, ContentError> {
        let content: Self = minicbor::decode(bytes).map_err(|_| ContentError("the bytes do not decode"))?;
        if content.to_cbor() != bytes {
            return Err(ContentError("the bytes are not canonical"));
        }
        content.check()?;
        Ok(content)
    }

    /// Checks everything that the content says about itself.
    pub fn check(&self) -> Result<(), ContentError> {
        let ascending = self.rows.is_sorted_by(|a, b| (a.line, &a.payee) < (b.line, &b.payee));
        if !ascending {
            return Err(ContentError("the rows are not in order"));
        }
        if self.rows.len() > usize::from(u16::MAX) {
            return Err(ContentError("there are more rows than one run pays"));
        }
        for row in &self.rows {
            self.check_row(row)?;
        }
        if self.cuts.iter().any(|check| check.sealed != check.window) {
            return Err(ContentError("a cut is not equal in both books"));
        }
        self.check_windows()?;
        if self.totals == RunTotals::of(&self.rows).ok_or(ContentError("the totals overflow"))? {
            Ok(())
        } else {
            Err(ContentError("the totals are not those of the rows"))
        }
    }

    fn check_row(&self, row: &Row) -> Result<(), ContentError> {
        let sum = sum(row.windows.iter().map(|window| window.part));
        if sum != TotalPence::from(row.net) {
            return Err(ContentError("a row is not the sum of its windows"));
        }
        if !row.windows.is_sorted_by(|a, b| a.key < b.key) {
            return Err(ContentError("a row's windows are not in order"));
        }
        let Decision::Pay { end_to_end_id, .. } = &row.decision else { return Ok(()) };
        if row.net.get() <= 0 {
            return Err(ContentError("a payment is of no money"));
        }
        if row.key(&self.run.to_bytes(), &row.texts()).end_to_end_id().as_str() == end_to_end_id {
            Ok(())
        } else {
            Err(ContentError("an end-to-end id is not that of its payment"))
        }
    }

    /// The parts of one window, over all lines, are within its total and agree on it.
    fn check_windows(&self) -> Result<(), ContentError> {
        let mut totals: BTreeMap<(OdsCode, &Payee, WindowKey), (u32, NetPence)> = BTreeMap::new();
        let mut ids = BTreeSet::new();
        for row in &self.rows {
            for window in &row.windows {
                let stated = (window.seq, window.total);
                if *totals.entry((row.line.payer, &row.payee, window.key)).or_insert(stated) != stated {
                    return Err(ContentError("a window's total is stated twice"));
                }
            }
            if let Decision::Pay { end_to_end_id, .. } = &row.decision
                && !ids.insert(end_to_end_id)
            {
                return Err(ContentError("an end-to-end id stands twice"));
            }
        }
        Ok(())
    }

    /// The rows that are paid, with their index.
    pub fn payments(&self) -> impl Iterator<Item = (u16, &Row)> {
        (0..).zip(&self.rows).filter(|(_, row)| matches!(row.decision, Decision::Pay { .. }))
    }

    /// The row of that index.
    #[must_use]
    pub fn row(&self, index: u16) -> Option<&Row> {
        self.rows.get(usize::from(index))
    }
}

impl RunTotals {
    /// The totals of `rows`, or `None` when they do not fit.
    #[must_use]
    pub fn of(rows: &[Row]) -> Option<Self> {
        let mut totals = Self::default();
        for row in rows {
            if let Some(pence) = row.paid() {
                totals.payments = totals.payments.checked_add(1)?;
                totals.pay = totals.pay.checked_add(pence).ok()?;
            } else {
                totals.carried_rows = totals.carried_rows.checked_add(1)?;
                totals.carried = totals.carried.checked_add(row.net).ok()?;
            }
        }
        Some(totals)
    }
}

pub(crate) fn sum(amounts: impl Iterator<Item = NetPence>) -> TotalPence {
    amounts.fold(TotalPence::ZERO, |sum, amount| sum.plus_total(amount.into()))
}
