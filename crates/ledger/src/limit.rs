//! Limits on nodes of the chart.

use journal::Position;
use minicbor::{Decode, Encode};
use money::NetPence;

/// What happens when a posting would pass a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Severity {
    /// The posting is made and its event notes the breach. Elective care: choice is a right, and a debt is due whatever the
    /// budget says.
    #[n(0)]
    Warn,
    /// The posting is refused, unless its kind is a report of another service.
    #[n(1)]
    Hard,
}

/// The bounds of a node, measured on its normal side: a fund's `available` against a floor, an expenditure with its open
/// holds against a ceiling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// The record that set it.
    pub position: Position,
    /// What passing it means.
    pub severity: Severity,
    /// The least that the measure may be.
    pub floor: Option<NetPence>,
    /// The most that the measure may be.
    pub ceiling: Option<NetPence>,
}

impl Limit {
    /// How far a move from `before` to `after` goes past a bound that it moves towards, as what was left before it;
    /// `None` when it passes none. A node that is past its bound already may be moved back, never further.
    pub(crate) fn passed(&self, before: i128, after: i128) -> Option<i128> {
        if let Some(floor) = self.floor.map(|bound| i128::from(bound.get()))
            && after < floor
            && after < before
        {
            return Some(before.saturating_sub(floor).max(0));
        }
        if let Some(ceiling) = self.ceiling.map(|bound| i128::from(bound.get()))
            && after > ceiling
            && after > before
        {
            return Some(ceiling.saturating_sub(before).max(0));
        }
        None
    }

    /// Whether `measure` lies outside the bounds.
    pub(crate) fn is_outside(&self, measure: i128) -> bool {
        self.floor.is_some_and(|bound| measure < i128::from(bound.get()))
            || self.ceiling.is_some_and(|bound| measure > i128::from(bound.get()))
    }
}
