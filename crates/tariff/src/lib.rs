//! Price books, and how one line of elective care is priced from them.
//!
//! ```text
//! price = round((base + modification + long stay + top-up + best practice) × market forces factor)
//!         rounded once, as the contract says
//! ```
//!
//! - [`PriceBook`]: a list for one financial year, of admitted care and outpatient procedures ([`AdmittedPrices`]) or of
//!   outpatient attendances ([`AttendancePrices`]). Read from CSV by [`load`], carried as canonical CBOR
//!   ([`PriceBook::to_cbor`]), whose bytes are what a digest of the book is taken of.
//! - [`MffTable`]: the market forces factor payment index by trust, and whose index an independent site takes.
//! - [`price`]: a [`Question`] and the [`Books`] in force make a [`Priced`] or a [`NoPrice`]; [`explain`] puts the way
//!   to a price into words, when asked.
//! - [`Thresholds`], [`Bundle`], [`true_up`]: what activity comes to under contracts that do not pay it line by line.
//! - [`builtin`]: the lists that the product is shipped with. What is illustrative says so wherever it shows.
//!
//! **Invariant:** "no price" is never a price of nothing. What is unpriced by rule (an appointment not attended), what
//! needs a local price and what must be queried are different answers, each with a stable reason.
//!
//! **Invariant:** pure. No clock, no input or output, no floats; the same question on the same books has the same answer
//! for ever. Which books are in force, and which terms a contract has, is the registry's to say; whether a priced line
//! is paid is for referrals.
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

mod adjust;
mod attendance;
mod book;
mod books;
pub mod builtin;
mod diff;
mod explain;
mod forms;
pub mod load;
mod mff;
mod no_price;
mod price;
mod priced;
mod question;
mod quote;
mod rule;
mod spell;

pub use adjust::{Adjusted, Adjustments, TopUp, best_practice};
pub use book::{
    AdmittedPrices, AdmittedRow, AttendanceColumn, AttendancePrices, AttendanceRow, BookError, BookId,
    Content, PriceBook,
};
pub use books::Books;
pub use diff::{Change, ColumnTotal, Difference, column_totals};
pub use explain::{Figure, Step, explain};
pub use forms::{Band, Bundle, Bundled, Thresholds, ThresholdsError, true_up};
pub use mff::{Mff, MffSource, MffTable};
pub use no_price::{NoPrice, NoPriceClass};
pub use price::price;
pub use priced::{Priced, Subject};
pub use question::{Activity, Attendance, LocalPrice, LocalPriceUse, Question, Spell};
pub use quote::{Enquiry, Quote, Setting, SettingError, Unquoted, quote};
pub use rule::{Rule, RulePath};

#[cfg(test)]
mod tests;
