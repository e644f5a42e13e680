//! The words that identify care in England, each parsed once and valid ever after.
//!
//! - Who: [`NhsNumber`] (shown only on request), [`Pseudonym`] (what every other service sees instead).
//! - Where: [`OdsCode`], [`PracticeCode`], [`PostcodeDistrict`].
//! - Which record: [`Ubrn`], [`CdsIdentifier`], [`LocalIdentifier`], [`PathwayIdentifier`].
//! - What: [`Hrg`], [`TreatmentFunction`], [`PointOfDelivery`], and the coded fields of an activity line:
//!   [`AdmissionMethod`], [`PatientClassification`], [`AdministrativeCategory`], [`FirstAttendance`],
//!   [`AttendedOrDidNotAttend`].
//! - When: [`Period`] (a month) and [`FinancialYear`] (1 April to 31 March).
//! - Paid to: [`SortCode`], [`AccountNumber`].
//!
//! All are small `Copy` values without allocation. In CBOR a code is its text, the NHS number and the UBRN are
//! integers, a pseudonym is its 16 bytes, a month is the integer `201706` and a financial year its first year.
//!
//! **Invariant:** a value of these types has the right shape and check digit. Whether a code was ever *issued*, and to
//! whom on which day, is the registry's to say.
//!
//! **Invariant:** no error of this crate quotes the text that it refused. A column that slipped by one may hold an NHS
//! number, and errors travel further than identity may.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )
)]

mod activity;
mod bank;
mod clinical;
mod error;
mod nhs_number;
mod organisation;
mod period;
mod reference;
mod text;

pub use activity::{
    AdministrativeCategory, AdmissionMethod, AttendedOrDidNotAttend, FirstAttendance, OverseasVisitor,
    PatientClassification, PointOfDelivery,
};
pub use bank::{AccountNumber, SortCode};
pub use clinical::{Hrg, TreatmentFunction};
pub use error::{Field, ParseError, Problem};
pub use nhs_number::NhsNumber;
pub use organisation::{OdsCode, PostcodeDistrict, PracticeCode};
pub use period::{FinancialYear, Period};
pub use reference::{CdsIdentifier, LocalIdentifier, PathwayIdentifier, Pseudonym, Ubrn};
