//! What decisions and reads need.

use crate::{ProposeControlTotal, RecordPosition};
use journal::{Instant, Position};
use money::NetPence;
use nhs::{FinancialYear, OdsCode};
use std::collections::BTreeMap;

/// Control totals and positions of one system. About 200 bytes a row.
#[derive(Debug, Default)]
pub struct State {
    pub(crate) pending: BTreeMap<Position, Pending>,
    pub(crate) totals: BTreeMap<(FinancialYear, Option<OdsCode>), ControlTotal>,
    pub(crate) positions: BTreeMap<Position, RecordedPosition>,
}

/// A proposal that waits for another person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// What is proposed.
    pub content: ProposeControlTotal,
    /// By whom, under which digest.
    pub proposal: access::Proposal,
    /// When.
    pub proposed_time: Instant,
}

/// A control total in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ControlTotal {
    /// The surplus to be met, or deficit to be kept to.
    pub total: NetPence,
    /// The risk reserve.
    pub reserve: NetPence,
    /// Where it comes from.
    pub source: String,
    /// Whether it was made for demonstration.
    pub illustrative: bool,
    /// The position of its approval.
    pub approved_at: Position,
}

/// A position that was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedPosition {
    /// What was recorded.
    pub recorded: RecordPosition,
    /// When.
    pub time: Instant,
}

impl State {
    /// Proposals that wait, oldest first, by number.
    pub fn pending(&self) -> impl Iterator<Item = (Position, &Pending)> {
        self.pending.iter().map(|(position, pending)| (*position, pending))
    }

    /// Control totals in force of a year: the system's first, then organisations' by code.
    pub fn totals_of(&self, year: FinancialYear) -> impl Iterator<Item = (Option<OdsCode>, &ControlTotal)> {
        let all = self.totals.iter().filter(move |((of, _), _)| *of == year);
        all.map(|((_, organisation), total)| (*organisation, total))
    }

    /// Positions kept, oldest first, by their records.
    pub fn positions(&self) -> impl Iterator<Item = (Position, &RecordedPosition)> {
        self.positions.iter().map(|(position, kept)| (*position, kept))
    }
}
