//! What a new price book changes: shown before two people agree on it.

use crate::{AdmittedRow, AttendanceColumn, AttendanceRow, Content, PriceBook};
use std::collections::BTreeMap;

/// The difference between two books.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Rows that only the new book has.
    pub added: Vec<String>,
    /// Rows that only the old book has.
    pub removed: Vec<String>,
    /// Figures that differ, by row and column.
    pub changed: Vec<Change>,
    /// Rows that are the same in every figure.
    pub same: usize,
}

/// One figure that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The row: an HRG, a treatment function, or `default`.
    pub row: String,
    /// The column, by its name in the shipped lists.
    pub column: &'static str,
    /// Pence or days in the old book; none where it has no price.
    pub before: Option<u32>,
    /// Pence or days in the new book; none where it has no price.
    pub after: Option<u32>,
}

/// A row's figures by column.
type Figures = Vec<(&'static str, Option<u32>)>;

impl Difference {
    /// From `old` to `new`. Books of different kinds have no row in common. Names of groups are not compared.
    #[must_use]
    pub fn between(old: &PriceBook, new: &PriceBook) -> Self {
        let same_kind = core::mem::discriminant(old.content()) == core::mem::discriminant(new.content());
        let (mut before, after) = (figures(old.content()), figures(new.content()));
        let mut found = Self::default();
        if !same_kind {
            return Self {
                added: after.into_keys().collect(),
                removed: before.into_keys().collect(),
                ..found
            };
        }
        for (row, after) in after {
            let Some(before) = before.remove(&row) else {
                found.added.push(row);
                continue;
            };
            let changes = before.iter().zip(&after).filter(|(before, after)| before != after).map(
                |((column, before), (_, after))| Change {
                    row: row.clone(),
                    column,
                    before: *before,
                    after: *after,
                },
            );
            let known = found.changed.len();
            found.changed.extend(changes);
            if found.changed.len() == known {
                found.same = found.same.saturating_add(1);
            }
        }
        found.removed = before.into_keys().collect();
        found
    }

    /// Whether both books price everything alike.
    #[must_use]
    pub const fn is_none(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }
}

fn figures(content: &Content) -> BTreeMap<String, Figures> {
    match content {
        Content::Admitted(prices) => {
            prices.rows().iter().map(|row| (row.hrg.to_string(), admitted(row))).collect()
        }
        Content::Attendance(prices) => {
            let rows = prices.rows().iter().map(|(function, row)| (function.to_string(), attendance(row)));
            let default = prices.default_row().map(|row| ("default".to_owned(), attendance(row)));
            rows.chain(default).collect()
        }
    }
}

fn admitted(row: &AdmittedRow) -> Figures {
    vec![
        ("outpatient_procedure_gbp", row.procedure_pence),
        ("combined_daycase_ordinary_elective_gbp", row.combined_pence),
        ("day_case_gbp", row.day_case_pence),
        ("ordinary_elective_gbp", row.ordinary_pence),
        ("elective_trim_days", row.elective_trim_days.map(u32::from)),
        ("non_elective_gbp", row.non_elective_pence),
        ("non_elective_trim_days", row.non_elective_trim_days.map(u32::from)),
        ("per_day_long_stay_gbp", row.per_day_pence),
    ]
}

fn attendance(row: &AttendanceRow) -> Figures {
    AttendanceColumn::ALL.iter().map(|column| (column.as_str(), row.get(*column))).collect()
}

/// How much of a column there is, for a reader to hold against the publication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ColumnTotal {
    /// The column, by its name in the shipped lists.
    pub column: &'static str,
    /// Rows with a figure.
    pub values: usize,
    /// Rows without: no price in this setting.
    pub none: usize,
    /// The sum of the figures, in pence or days.
    pub sum: u64,
}

/// Each column of `book` in total.
#[must_use]
pub fn column_totals(book: &PriceBook) -> Vec<ColumnTotal> {
    let mut totals: Vec<ColumnTotal> = Vec::new();
    for (column, figure) in figures(book.content()).into_values().flatten() {
        let at = totals.iter().position(|total| total.column == column).unwrap_or_else(|| {
            totals.push(ColumnTotal { column, values: 0, none: 0, sum: 0 });
            totals.len().saturating_sub(1)
        });
        let Some(total) = totals.get_mut(at) else { continue };
        match figure {
            Some(figure) => {
                total.values = total.values.saturating_add(1);
                total.sum = total.sum.saturating_add(u64::from(figure));
            }
            None => total.none = total.none.saturating_add(1),
        }
    }
    totals
}
