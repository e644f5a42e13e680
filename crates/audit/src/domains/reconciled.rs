//! Reconciliation: control totals take two people.

use crate::replay::{Examiner, Notes, Seen};
use reconciliation::{Event, Reconciliation, State};

#[derive(Default)]
pub(crate) struct Acts {
    positions: u64,
}

impl Examiner<Reconciliation> for Acts {
    fn before(&mut self, seen: &Seen<'_, Reconciliation>, _: &State, notes: &mut Notes) {
        for event in seen.events() {
            if let Event::Approved(approval) = event {
                notes.two_people("a control total", approval.proposal().proposer, seen.at.caller);
            }
            if matches!(event, Event::PositionRecorded) {
                self.positions = self.positions.saturating_add(1);
            }
        }
    }

    fn finish(&mut self, _: &State, notes: &mut Notes) -> Vec<crate::Finding> {
        notes.tally("positions recorded", self.positions);
        Vec::new()
    }
}
