//! The registry: price books, contracts and bank details take two people.

use crate::replay::{Examiner, Notes, Seen};
use registry::{Event, Registry, State};

#[derive(Default)]
pub(crate) struct Acts {
    proposed: u64,
}

impl Examiner<Registry> for Acts {
    fn before(&mut self, seen: &Seen<'_, Registry>, _: &State, notes: &mut Notes) {
        for event in seen.events() {
            match event {
                Event::Proposed { .. } => self.proposed = self.proposed.saturating_add(1),
                Event::Approved { approval, .. } => {
                    let proposer = approval.proposal().proposer;
                    notes.two_people("a change of the registry", proposer, seen.at.caller);
                }
                Event::Registered { .. } | Event::Withdrawn => {}
            }
        }
    }

    fn finish(&mut self, _: &State, notes: &mut Notes) -> Vec<crate::Finding> {
        notes.tally("proposals", self.proposed);
        Vec::new()
    }
}
