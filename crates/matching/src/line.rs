//! One line of either side.

use jiff::civil::Date;
use money::{Factor, Pence};
use nhs::{CdsIdentifier, Hrg, LocalIdentifier, OdsCode, PointOfDelivery};

/// One line that a provider billed, or one row of a SUS extract. Which period and cut it belongs to is the caller's to know.
///
/// Lines are ordered by all they say, `number` last, so that what is chosen among doubled lines depends on what they say
/// and not on where they stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Line {
    /// The provider.
    pub provider: OdsCode,
    /// The CDS unique identifier; what has none is matched on `local` only.
    pub cds_identifier: Option<CdsIdentifier>,
    /// The provider's own number of the spell or attendance.
    pub local: Option<LocalIdentifier>,
    /// The day of discharge for admitted care, else of the attendance.
    pub date: Date,
    /// The commissioner that it names.
    pub commissioner: OdsCode,
    /// The point of delivery.
    pub pod: PointOfDelivery,
    /// The HRG.
    pub hrg: Option<Hrg>,
    /// The market forces factor that the amount holds, where it is stated.
    pub mff: Option<Factor>,
    /// What is billed, or what SUS prices it at; market forces factor included.
    pub amount: Pence,
    /// Our own price; none for a row of SUS, and for a billed line that we have not accepted.
    pub ours: Option<Pence>,
    /// By what the caller finds it again: the position of its record, or its row.
    pub number: u64,
}

/// The two kinds of line that share a spell's identifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    Care,
    ExcessBedDays,
}

impl Line {
    pub(crate) fn part(&self) -> Part {
        if self.pod == PointOfDelivery::ElectiveExcessBedDays { Part::ExcessBedDays } else { Part::Care }
    }

    /// The first key: none for a line without a CDS identifier.
    pub(crate) fn by_identifier(&self) -> Option<(OdsCode, CdsIdentifier, Part)> {
        Some((self.provider, self.cds_identifier?, self.part()))
    }

    /// The second key: none for a line without a local number.
    pub(crate) fn by_local(&self) -> Option<(OdsCode, LocalIdentifier, Date, Part)> {
        Some((self.provider, self.local?, self.date, self.part()))
    }
}
