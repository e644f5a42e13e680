//! What the pairs sum to.

use crate::{Class, Line, Pair};
use money::{Pence, TotalPence};
use nhs::{OdsCode, PointOfDelivery};
use std::collections::BTreeMap;

/// Where a line's money is counted: by what the line itself says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    /// The provider.
    pub provider: OdsCode,
    /// The commissioner.
    pub commissioner: OdsCode,
    /// The point of delivery.
    pub pod: PointOfDelivery,
}

impl Cell {
    /// The cell of a line.
    #[must_use]
    pub const fn of(line: &Line) -> Self {
        Self { provider: line.provider, commissioner: line.commissioner, pod: line.pod }
    }
}

/// Counts and amounts of some lines of both sides.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Sum {
    /// Billed lines.
    pub slam_lines: u64,
    /// Rows of SUS.
    pub sus_rows: u64,
    /// Billed.
    pub slam: TotalPence,
    /// In SUS.
    pub sus: TotalPence,
    /// Our own price of the billed lines that we have accepted.
    pub ours: TotalPence,
}

impl Sum {
    /// Billed less in SUS.
    #[must_use]
    pub const fn difference(&self) -> TotalPence {
        self.slam.minus_total(self.sus)
    }

    /// The sum of two.
    #[must_use]
    pub const fn plus(&self, other: &Self) -> Self {
        Self {
            slam_lines: self.slam_lines.saturating_add(other.slam_lines),
            sus_rows: self.sus_rows.saturating_add(other.sus_rows),
            slam: self.slam.plus_total(other.slam),
            sus: self.sus.plus_total(other.sus),
            ours: self.ours.plus_total(other.ours),
        }
    }

    fn of_slam(line: &Line) -> Self {
        let ours = TotalPence::from(line.ours.unwrap_or(Pence::ZERO));
        Self { slam_lines: 1, slam: line.amount.into(), ours, ..Self::default() }
    }

    fn of_sus(row: &Line) -> Self {
        Self { sus_rows: 1, sus: row.amount.into(), ..Self::default() }
    }
}

/// Sums by cell and class. Cells without lines are not there.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Summary(BTreeMap<Cell, [Sum; 10]>);

impl Summary {
    /// The sums of `pairs`.
    #[must_use]
    pub fn of<'a, I: IntoIterator<Item = Pair<'a>>>(pairs: I) -> Self {
        let mut summary = Self::default();
        for pair in pairs {
            if let Some(line) = pair.slam {
                summary.add(Cell::of(line), pair.class, &Sum::of_slam(line));
            }
            if let Some(row) = pair.sus {
                summary.add(Cell::of(row), pair.class, &Sum::of_sus(row));
            }
        }
        summary
    }

    fn add(&mut self, cell: Cell, class: Class, sum: &Sum) {
        if let Some(slot) = self.0.entry(cell).or_default().get_mut(class.index()) {
            *slot = slot.plus(sum);
        }
    }

    /// Cells and classes that hold lines, in order.
    pub fn rows(&self) -> impl Iterator<Item = (Cell, Class, Sum)> {
        self.0.iter().flat_map(|(cell, sums)| {
            let rows = Class::ALL.into_iter().zip(sums);
            rows.filter(|(_, sum)| **sum != Sum::default()).map(|(class, sum)| (*cell, class, *sum))
        })
    }

    /// Each class over all cells, in order; those without lines too.
    #[must_use]
    pub fn classes(&self) -> [(Class, Sum); 10] {
        Class::ALL.map(|class| {
            let of_class = self.0.values().filter_map(|sums| sums.get(class.index()));
            (class, of_class.fold(Sum::default(), |total, sum| total.plus(sum)))
        })
    }

    /// Everything.
    #[must_use]
    pub fn total(&self) -> Sum {
        self.classes().iter().fold(Sum::default(), |total, (_, sum)| total.plus(sum))
    }
}
