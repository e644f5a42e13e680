//! The controlled plane: who is who stays sealed; that two people agreed to bank details is seen all the same.

use crate::replay::{Examiner, Notes, Seen};
use identity::{Command, Event, Identity, State};

#[derive(Default)]
pub(crate) struct Sealed {
    persons: u64,
    details: u64,
}

impl Examiner<Identity> for Sealed {
    fn before(&mut self, seen: &Seen<'_, Identity>, state: &State, notes: &mut Notes) {
        match (seen.command, seen.events().first()) {
            (Command::MintPersons(mint), _) => {
                self.persons = self.persons.saturating_add(mint.rows.len() as u64);
            }
            (Command::ProposePayee(_), _) => self.details = self.details.saturating_add(1),
            (Command::ApprovePayee(approve), Some(Event::PayeeApproved)) => {
                let proposed = state.payee(&approve.payee).and_then(|payee| payee.proposed);
                if let Some(proposal) = proposed {
                    notes.two_people("a holder's bank details", proposal.proposer, seen.at.caller);
                }
            }
            (Command::ApprovePayee(_) | Command::AdoptKeys(_) | Command::NoteRead(_), _) => {}
        }
    }

    fn finish(&mut self, state: &State, notes: &mut Notes) -> Vec<crate::Finding> {
        notes.tally("pseudonyms", state.persons_count() as u64);
        notes.tally("reads of personal data", state.reads_count());
        notes.replayed.sealed.insert("persons' NHS numbers", self.persons);
        notes.replayed.sealed.insert("holders' bank details", self.details);
        Vec::new()
    }
}
