//! The commissioner's pseudonymised SUS extract: its rows in parts, each a blob, and the command that adopts them.

use journal::{Blobs, Day, DecodeError, Digest};
use minicbor::{Decode, Encode};
use money::{Factor, Pence};
use nhs::{CdsIdentifier, Hrg, LocalIdentifier, OdsCode, Period, PointOfDelivery};
use reference::Cut;

/// The most parts of one extract: with 2,000 rows each, two million rows, and a record well below its bound.
pub const EXTRACT_PARTS_MAX: usize = 1_000;

/// One row of an extract: what SUS says of one attendance, procedure or spell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct SusRow {
    /// The provider's name for the record.
    #[n(0)]
    pub cds_identifier: Option<CdsIdentifier>,
    /// The provider's own number of the spell or attendance.
    #[n(1)]
    pub local: Option<LocalIdentifier>,
    /// The day of discharge for admitted care, else of the attendance.
    #[n(2)]
    pub date: Day,
    /// The commissioner that it names.
    #[n(3)]
    pub commissioner: OdsCode,
    /// The point of delivery.
    #[n(4)]
    pub pod: PointOfDelivery,
    /// What SUS prices it at, market forces factor included.
    #[n(5)]
    pub price: Pence,
    /// The HRG.
    #[n(6)]
    pub hrg: Option<Hrg>,
    /// The market forces factor that the price holds.
    #[n(7)]
    pub mff: Option<Factor>,
}

/// Some rows of one extract. Its bytes are a blob; they name provider and month, so that no part serves another extract.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct ExtractPart {
    /// The provider whose activity it holds.
    #[n(0)]
    pub provider: OdsCode,
    /// The month of the activity.
    #[n(1)]
    pub period: Period,
    /// The rows, in the order of the file.
    #[n(2)]
    pub rows: Vec<SusRow>,
}

impl ExtractPart {
    /// The canonical bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // Writing to a Vec cannot fail, and rows hold nothing that CBOR lacks.
        let _ = minicbor::encode(self, &mut bytes);
        bytes
    }

    /// The part of that digest. Errors when it is missing, damaged, or no part of an extract.
    pub fn read(digest: Digest, blobs: &dyn Blobs) -> Result<Self, DecodeError> {
        let bytes = blobs.checked(digest)?;
        minicbor::decode(&bytes).map_err(|_| DecodeError::BlobDamaged(digest))
    }
}

/// Adopts an extract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdoptExtract {
    /// What stands in the record.
    pub terms: ExtractTerms,
    /// What its parts come to, read from their blobs.
    pub sum: ExtractSum,
}

/// What the record of an extract's adoption holds; the rows are blobs.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct ExtractTerms {
    /// The provider whose activity it holds.
    #[n(0)]
    pub provider: OdsCode,
    /// The month and cut that it was taken for.
    #[n(1)]
    pub cut: Cut,
    /// SHA-256 of the file as it came.
    #[n(2)]
    pub file: Digest,
    /// SHA-256 of each part, in order.
    #[n(3)]
    pub parts: Vec<Digest>,
}

/// What an extract's parts come to.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct ExtractSum {
    /// How many rows there are.
    pub rows: u64,
    /// What they sum to.
    pub total: Pence,
    /// Whether each part is of the provider and month that the terms name, and the sum fits.
    pub fits: bool,
}

impl ExtractSum {
    /// Reads the parts. Errors when one is missing, damaged, or no part of an extract.
    pub fn read(terms: &ExtractTerms, blobs: &dyn Blobs) -> Result<Self, DecodeError> {
        let mut sum = Self { fits: !terms.parts.is_empty(), ..Self::default() };
        for digest in &terms.parts {
            let part = ExtractPart::read(*digest, blobs)?;
            sum.fits &= part.provider == terms.provider && part.period == terms.cut.period;
            for row in &part.rows {
                sum.rows = sum.rows.saturating_add(1);
                match sum.total.checked_add(row.price) {
                    Ok(total) => sum.total = total,
                    Err(_) => sum.fits = false,
                }
            }
        }
        Ok(sum)
    }
}

/// The extract in force for one provider and cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtractInForce {
    /// The record that adopted it.
    pub position: journal::Position,
    /// Counted from 1 for its provider and cut.
    pub version: u32,
    /// SHA-256 of the file as it came.
    pub file: Digest,
    /// Its parts, in order.
    pub parts: Vec<Digest>,
    /// How many rows it has.
    pub rows: u64,
    /// What they sum to.
    pub total: Pence,
}
