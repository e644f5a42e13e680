//! What a repricing does to the state.

use super::{count, note_reasons, note_record, standing, take};
use crate::{
    ApproveRepricing, LineAnswered, ProposeRepricing, RepriceLine, Repricing, Standing, State, Verdict,
};
use access::Proposal;
use journal::Moment;
use money::{NetPence, Pence};
use std::collections::BTreeMap;

pub(super) fn proposed(state: &mut State, at: &Moment, propose: &ProposeRepricing) {
    let rows = &propose.rows.0;
    let left: BTreeMap<_, _> = rows.iter().map(|row| (row.line, (row.before, row.after))).collect();
    let row = Repricing {
        proposal: Proposal { digest: propose.terms.rows, proposer: at.caller },
        approved: None,
        lines: u64::try_from(rows.len()).unwrap_or(u64::MAX),
        done: 0,
        posted: NetPence::new(0),
        left,
    };
    state.repricings.insert(at.position, row);
}

pub(super) fn approved(state: &mut State, at: &Moment, approve: &ApproveRepricing) {
    if let Some(row) = state.repricings.get_mut(&approve.repricing) {
        row.approved = Some(at.position);
    }
}

/// The line has another price and another record. All else of it stays as it was: its claim of care, and the cut that it is
/// billed in.
pub(super) fn line(state: &mut State, at: &Moment, reprice: &RepriceLine, answered: &LineAnswered) {
    let RepriceLine { repricing, line, referral: _ } = reprice;
    let (Some(old), key) =
        (&answered.supersedes, state.key_of(line.provider, &line.cds_identifier, line.tag))
    else {
        return;
    };
    note_record(state, line.submission, at.position);
    note_reasons(state, line.provider, answered);
    let now = standing(at, answered, line.claimed, line.date());
    take(state, line.provider, old);
    state.unbill(line.provider, old);
    state.bill(line.provider, &Standing { cut: old.cut, ..now });
    count(state, line.provider, &now, now.cut);
    let price = |verdict| if let Verdict::Accepted(price) = verdict { price } else { Pence::ZERO };
    if let Some(row) = state.lines.get_mut(&key) {
        row.position = at.position;
        row.accepted = price(now.verdict);
        row.version = answered.version;
    }
    if let Some(row) = state.repricings.get_mut(repricing) {
        row.left.remove(&old.position);
        row.done = row.done.saturating_add(1);
        let change = price(now.verdict).net(price(old.verdict));
        row.posted = row.posted.checked_add(change).unwrap_or(row.posted);
    }
}
