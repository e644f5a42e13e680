//! Remittance advice: what one payment from one payer to one payee pays, with a section per site.
//!
//! An [`Advice`] adds up by construction: it is made of lines and adjustments only, and exists only when they make the
//! amount that is instructed and the totals of the windows that it pays. It carries each window's range of entries, so
//! that a payee who holds 1 to n sees that none is missing and can add the total up again.
//!
//! No field can hold a person: a line has a CDS identifier or a place in our journal, a currency code of care, a date
//! and an amount.

mod render;

use crate::WriteError;
use crate::ledger_of_record::check_cell;
use crate::reference::{Reference, RemittanceReference};
use core::fmt;
use jiff::civil::Date;
use money::{NetPence, Pence, TotalPence};
use nhs::{CdsIdentifier, Hrg, OdsCode, TreatmentFunction};
use std::collections::BTreeSet;

pub use render::COLUMNS;

/// The longest name of an organisation or a site.
pub const NAME_CHARACTERS_MAX: usize = 140;
/// The longest name of a window.
pub const WINDOW_CHARACTERS_MAX: usize = 60;

/// What an advice is made of, before it is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdviceParts {
    /// The payer.
    pub payer: OdsCode,
    /// The payer's name.
    pub payer_name: String,
    /// The payee's code: an organisation's. A person's direct payment has no advice.
    pub payee: Reference,
    /// The payee's name.
    pub payee_name: String,
    /// The settlement run, by its reference.
    pub run: Reference,
    /// The payment's end-to-end id.
    pub end_to_end_id: Reference,
    /// What the payee's bank statement shows.
    pub payment_reference: RemittanceReference,
    /// When the payer's account is debited.
    pub payment_date: Date,
    /// What is instructed; the lines and adjustments must make it.
    pub instructed: Pence,
    /// The lines, by site.
    pub sites: Vec<SiteSection>,
    /// What belongs to no line of a site.
    pub adjustments: Vec<Adjustment>,
    /// The windows that the payment pays; when there are any, their totals must make the amount too.
    pub windows: Vec<WindowPaid>,
}

/// The lines of one site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteSection {
    /// The site.
    pub site: OdsCode,
    /// Its name.
    pub name: String,
    /// Its lines.
    pub lines: Vec<Line>,
}

/// One line: positive is due to the payee, negative takes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// The date of the care, or of the instalment.
    pub date: Date,
    /// Which line it is.
    pub reference: LineReference,
    /// What was paid for.
    pub service: Service,
    /// How much.
    pub amount: NetPence,
}

/// Which line: as the provider names it, or as our journal does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LineReference {
    /// The provider's CDS unique identifier.
    Cds(CdsIdentifier),
    /// The record's position in our journal, and its index there.
    Record {
        /// The position.
        position: u64,
        /// The index in the record.
        index: u32,
    },
}

/// What was paid for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// A healthcare resource group.
    Hrg(Hrg),
    /// A treatment function, for what has no healthcare resource group (attendances).
    Function(TreatmentFunction),
    /// A payment on account.
    OnAccount,
    /// A month's share of a block contract.
    Block,
    /// A service or instalment under a personal health budget.
    PersonalHealthBudget,
}

/// What an adjustment is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AdjustmentKind {
    /// A price was corrected.
    PriceCorrection,
    /// Flex became freeze.
    FlexToFreeze,
    /// A challenge was decided.
    Challenge,
    /// A payment on account was trued up to activity.
    TrueUp,
    /// A recovery was set off.
    Recovery,
    /// A payment came back and is paid again.
    Returned,
    /// Carried over from an earlier run.
    BroughtForward,
}

/// An amount that belongs to no line of a site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Adjustment {
    /// Its date.
    pub date: Date,
    /// What for.
    pub kind: AdjustmentKind,
    /// The line or record that it adjusts.
    pub reference: LineReference,
    /// How much: positive is due to the payee.
    pub amount: NetPence,
}

/// The completeness facts of a window: its entries are numbered from 1 without a gap, and this is their sum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WindowPaid {
    /// The window's name, for example `cut 2017-06 freeze`.
    pub key: String,
    /// The first entry that is paid here, from 1.
    pub seq_from: u64,
    /// The last.
    pub seq_to: u64,
    /// The window's total after the last.
    pub total_after: NetPence,
}

/// A remittance advice that adds up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice(AdviceParts);

impl SiteSection {
    /// The sum of the lines.
    #[must_use]
    pub fn total(&self) -> TotalPence {
        sum(self.lines.iter().map(|line| line.amount))
    }
}

impl AdjustmentKind {
    /// The words on the advice.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PriceCorrection => "price correction",
            Self::FlexToFreeze => "flex to freeze",
            Self::Challenge => "challenge decided",
            Self::TrueUp => "true-up",
            Self::Recovery => "recovery set off",
            Self::Returned => "returned payment",
            Self::BroughtForward => "brought forward",
        }
    }
}

impl fmt::Display for LineReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cds(identifier) => f.pad(identifier.as_str()),
            Self::Record { position, index } => f.pad(&format!("{position}.{index}")),
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hrg(hrg) => f.pad(hrg.as_str()),
            Self::Function(function) => f.pad(function.as_str()),
            Self::OnAccount => f.pad("on account"),
            Self::Block => f.pad("block"),
            Self::PersonalHealthBudget => f.pad("PHB"),
        }
    }
}

fn sum(amounts: impl Iterator<Item = NetPence>) -> TotalPence {
    amounts.fold(TotalPence::ZERO, |sum, amount| sum.plus_total(amount.into()))
}

impl Advice {
    /// Checks that the parts make the amount that is instructed.
    ///
    /// # Errors
    /// When they do not, a section has no lines or stands twice, a window has no entries, or a name is not fit to print.
    pub fn new(parts: AdviceParts) -> Result<Self, WriteError> {
        check_names(&parts)?;
        let mut sites = BTreeSet::new();
        for section in &parts.sites {
            let at = || format!("site {}", section.site);
            if section.lines.is_empty() {
                return Err(WriteError::Empty { at: at() });
            }
            if !sites.insert(section.site) {
                return Err(WriteError::RepeatedId { at: at(), id: section.site.to_string() });
            }
        }
        if sites.is_empty() && parts.adjustments.is_empty() {
            return Err(WriteError::Empty { at: "the advice".to_owned() });
        }
        for window in &parts.windows {
            if window.seq_from == 0 || window.seq_from > window.seq_to {
                return Err(WriteError::Empty { at: format!("window {}", window.key) });
            }
        }
        let advice = Self(parts);
        let stated = TotalPence::from(advice.0.instructed);
        let windows = sum(advice.0.windows.iter().map(|window| window.total_after));
        if advice.total() != stated {
            let at = "the advice".to_owned();
            return Err(WriteError::DoesNotAddUp { at, stated, found: advice.total() });
        }
        if !advice.0.windows.is_empty() && windows != stated {
            return Err(WriteError::DoesNotAddUp { at: "the windows".to_owned(), stated, found: windows });
        }
        Ok(advice)
    }

    /// What it is made of.
    #[must_use]
    pub const fn parts(&self) -> &AdviceParts {
        &self.0
    }

    /// The sum of the lines.
    #[must_use]
    pub fn lines_total(&self) -> TotalPence {
        self.0.sites.iter().fold(TotalPence::ZERO, |sum, section| sum.plus_total(section.total()))
    }

    /// The sum of the adjustments.
    #[must_use]
    pub fn adjustments_total(&self) -> TotalPence {
        sum(self.0.adjustments.iter().map(|adjustment| adjustment.amount))
    }

    /// Lines and adjustments: what is instructed.
    #[must_use]
    pub fn total(&self) -> TotalPence {
        self.lines_total().plus_total(self.adjustments_total())
    }
}

fn check_names(parts: &AdviceParts) -> Result<(), WriteError> {
    check_cell(&parts.payer_name, NAME_CHARACTERS_MAX, || "the payer's name".to_owned())?;
    check_cell(&parts.payee_name, NAME_CHARACTERS_MAX, || "the payee's name".to_owned())?;
    for section in &parts.sites {
        check_cell(&section.name, NAME_CHARACTERS_MAX, || format!("the name of site {}", section.site))?;
    }
    for window in &parts.windows {
        check_cell(&window.key, WINDOW_CHARACTERS_MAX, || "a window's name".to_owned())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
