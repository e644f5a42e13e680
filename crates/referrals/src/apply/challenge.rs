//! What a challenge does to the state.

use super::{count, take};
use crate::{
    Challenge, ChallengeMoved, ChallengeRaised, ChallengeState, ConcludeChallenge, Conclusion,
    RaiseChallenge, Standing, State, key::LineKey, state::Challenged,
};
use journal::{Moment, Position};
use nhs::OdsCode;

pub(super) fn raised(state: &mut State, at: &Moment, raise: &RaiseChallenge, raised: &ChallengeRaised) {
    let ChallengeRaised { before, after, amount, answer_by, percent } = raised;
    let row = Challenge {
        provider: raise.provider,
        cds_identifier: raise.cds_identifier,
        line: raise.line,
        payer: before.payer,
        grounds: raise.grounds,
        amount: *amount,
        state: ChallengeState::Raised,
        answer_by: *answer_by,
        percent: *percent,
        conceded: None,
        upheld: None,
        thread: vec![at.position],
        tag: raise.tag,
    };
    let key = state.key_of(raise.provider, &raise.cds_identifier, raise.tag);
    divide(state, raise.provider, before, after);
    state.challenged.insert(key, Challenged { open: Some(at.position), split: after.split });
    state.challenges.insert(at.position, row);
}

/// Adds this record to a challenge's thread.
pub(super) fn entered(
    state: &mut State,
    at: &Moment,
    challenge: Position,
    change: impl FnOnce(&mut Challenge),
) {
    if let Some(row) = state.challenges.get_mut(&challenge) {
        row.thread.push(at.position);
        change(row);
    }
}

pub(super) fn concluded(
    state: &mut State,
    at: &Moment,
    conclude: &ConcludeChallenge,
    moved: &ChallengeMoved,
) {
    let ChallengeMoved { before, after, upheld } = moved;
    entered(state, at, conclude.challenge, |row| {
        row.upheld = Some(*upheld);
        row.state = match conclude.conclusion {
            Conclusion::Agreed(_) => ChallengeState::Agreed,
            Conclusion::Withdrawn => ChallengeState::Withdrawn,
            Conclusion::Unpayable => ChallengeState::Unpayable,
            Conclusion::Escalated => ChallengeState::Escalated,
        };
    });
    let Some(row) = state.challenges.get(&conclude.challenge) else { return };
    let (provider, key) = (row.provider, state.key_of(row.provider, &row.cds_identifier, row.tag));
    divide(state, provider, before, after);
    state.challenged.insert(key, Challenged { open: None, split: after.split });
}

/// Ends what was open about a line that is replaced or withdrawn. Its money was taken off with the line.
pub(super) fn supersede(state: &mut State, key: &LineKey) {
    let open = state.challenged.remove(key).and_then(|challenged| challenged.open);
    if let Some(row) = open.and_then(|number| state.challenges.get_mut(&number)) {
        row.state = ChallengeState::Superseded;
    }
}

/// Counts a line as it is divided now: in the cut that it stands in, or, once that is sealed, in what belongs to no cut.
fn divide(state: &mut State, provider: OdsCode, before: &Standing, after: &Standing) {
    take(state, provider, before);
    let cut = before.cut.filter(|cut| !state.sealed.contains_key(cut));
    count(state, provider, after, cut);
}
