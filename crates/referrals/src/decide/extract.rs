//! Which SUS extract is in force.

use super::{one, submission::in_force};
use crate::{AdoptExtract, Event, Refusal, State};
use journal::Events;

pub(super) fn adopt(state: &State, adopt: &AdoptExtract) -> Result<Events<Event>, Refusal> {
    let reference = &in_force(state)?.reference;
    let terms = &adopt.terms;
    if reference.organisation(terms.provider).is_none() {
        return Err(Refusal::ProviderUnknown);
    }
    if reference.deadlines(terms.cut.period).is_none() {
        return Err(Refusal::CutUnknown);
    }
    if !adopt.sum.fits {
        return Err(Refusal::PartMismatch);
    }
    let current = state.extracts.get(&(terms.provider, terms.cut));
    if let Some(same) = current.filter(|current| current.parts == terms.parts) {
        return Ok(one(Event::ExtractFound { extract: same.position }));
    }
    Ok(one(Event::ExtractAdopted {
        version: current.map_or(0, |current| current.version).saturating_add(1),
        rows: adopt.sum.rows,
        total: adopt.sum.total,
        supersedes: current.map(|current| current.position),
    }))
}
