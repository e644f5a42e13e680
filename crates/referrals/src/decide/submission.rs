//! Which reference data decide, and which submission a line belongs to.

use super::one;
use crate::{AdoptReference, Event, OpenSubmission, Refusal, State, state::InForce};
use journal::{Events, Moment};

pub(super) fn adopt(state: &State, adopt: &AdoptReference) -> Result<Events<Event>, Refusal> {
    let offered = adopt.reference.rows();
    let older = state.adopted.as_ref().map(|current| current.reference.rows()).is_some_and(|current| {
        offered.registry_position < current.registry_position
            || offered.national_position < current.national_position
    });
    if older { Err(Refusal::ReferenceOlder) } else { Ok(one(Event::ReferenceAdopted)) }
}

pub(super) fn in_force(state: &State) -> Result<&InForce, Refusal> {
    state.adopted.as_ref().ok_or(Refusal::ReferenceMissing)
}

pub(super) fn open(state: &State, at: &Moment, open: &OpenSubmission) -> Result<Events<Event>, Refusal> {
    let reference = &in_force(state)?.reference;
    if reference.organisation(open.provider).is_none() {
        return Err(Refusal::ProviderUnknown);
    }
    let existing = state.submission_files.get(&(at.caller, open.file_digest));
    match existing {
        Some(submission) if !open.again => Ok(one(Event::SubmissionFound { submission: *submission })),
        Some(_) | None if state.submission_ids.contains_key(&open.proposed_id) => {
            Err(Refusal::SubmissionIdUsed)
        }
        Some(_) | None => Ok(one(Event::SubmissionOpened)),
    }
}
