//! Files that providers and commissioners already have, read as they are: a mapping profile says which column is which
//! field.
//!
//! ```text
//! Mapping (TOML) ─┐
//! Choices ────────┼─ examine(file) ─▶ Understood { plan, … } ─ plan.rows(file again) ─▶ Row, Row, Row …
//! ```
//! - A file is read twice, row by row, in memory that does not grow with it: the first time to recognise encoding,
//!   delimiter and dates and to find out whether it can be used at all, the second time for its rows.
//! - What is recognised is *said*, with an example ([`Understood`]); what could mean two things is refused with what to
//!   pass ([`Unusable`]).
//! - A file that cannot be used is refused as a whole, by row and column. A value that cannot be read costs only its own
//!   row: [`Value::Bad`] is passed on, so that whoever answers the row can name every fault at once.
//!
//! It knows no wire, no clock and no file system: it reads bytes from a reader. No error quotes a value of a row, dates
//! aside: a column that slipped by one may hold an NHS number.
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

mod amount;
mod bytes;
mod dates;
mod examine;
mod field;
mod header;
mod mapping;
mod rows;
mod unusable;

pub use amount::{Decimals, Unit};
pub use bytes::Encoding;
pub use dates::Dates;
pub use examine::{Choices, ColumnUsed, DatesSeen, Understood, examine};
pub use field::Field;
pub use header::Delimiter;
pub use mapping::{Care, Column, Contents, Kind, Mapping, MappingError, OtherColumns};
pub use rows::{Plan, Row, Rows, Value};
pub use unusable::{DatesMixed, Place, Unusable};

#[cfg(test)]
mod tests;
