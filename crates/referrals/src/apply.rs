//! What an event does to the state. Total: it never fails, and a replay runs nothing else.

mod challenge;
mod plan;
mod repricing;

use crate::{
    ActivityLine, AdoptReference, Answer, ChallengeState, Command, End, Event, ExtractInForce, Life,
    LineAnswered, Matched, Move, MoveReferral, Pathway, RecordReferral, Referral, ReferralMoved,
    ReferralRecorded, ReferralState, Stage, Standing, State, Submission, Verdict,
    key::{CareKey, LineKey},
    report,
    state::{Channel, InForce, LineRow, Mark, TotalKey},
};
use journal::{Day, Moment, Position};
use money::{Pence, TotalPence};
use nhs::OdsCode;

pub(crate) fn apply(state: &mut State, at: &Moment, command: &Command, event: &Event) {
    match (command, event) {
        (Command::AdoptReference(adopt), Event::ReferenceAdopted) => adopted(state, at, adopt),
        (Command::OpenSubmission(open), Event::SubmissionOpened) => {
            let row = Submission {
                id: open.proposed_id,
                caller: at.caller,
                provider: open.provider,
                runs: Vec::new(),
            };
            state.submissions.insert(at.position, row);
            state.submission_ids.insert(open.proposed_id, at.position);
            state.submission_files.insert((at.caller, open.file_digest), at.position);
        }
        (Command::RecordReferral(referral), Event::ReferralRecorded(recorded)) => {
            referral_recorded(state, at, referral, recorded);
        }
        (Command::EndReferral(end), Event::ReferralEnded { .. }) => {
            let ended = match end.end {
                End::Discharged => ReferralState::Discharged,
                End::Cancelled => ReferralState::Cancelled,
            };
            referral_ended(state, at, end.referral, ended);
            let stage = match end.end {
                End::Discharged => Stage::Discharged,
                End::Cancelled => Stage::Cancelled,
            };
            if let Some(life) = state.lives.get_mut(&end.referral) {
                life.ended(at.position, at.business_date, stage);
            }
        }
        (Command::ExpireReferral(expire), Event::ReferralEnded { .. }) => {
            referral_ended(state, at, expire.referral, ReferralState::Expired);
            // Only what is held has ended: the patient may still be waiting.
            if let Some(life) = state.lives.get_mut(&expire.referral) {
                life.records.push(at.position);
            }
        }
        (Command::SubmitLine(line), Event::LineAnswered(answered)) => {
            line_answered(state, at, line, answered);
        }
        (Command::SubmitUnreadable(line), Event::LineAnswered(answered)) => {
            let key = line.cds_identifier.as_ref();
            let key = key.map(|identifier| LineKey::untagged(line.provider, identifier));
            let place = (line.submission, line.provider);
            unreadable(state, at, place, key, line.claimed, answered);
        }
        (Command::RecordUnreadable(line), Event::UnreadableAnswered(answered)) => {
            let key = line.tag.map(LineKey::tagged);
            let replaced = answered.supersedes.and(key.as_ref()).and_then(|key| state.standing(key));
            let place = (line.submission, line.provider);
            unreadable(state, at, place, key, line.claimed, &answered.in_full(replaced));
        }
        (Command::WithdrawLine(withdraw), Event::LineWithdrawn { withdrawn }) => {
            let key = state.key_of(withdraw.provider, &withdraw.cds_identifier, withdraw.tag);
            take(state, withdraw.provider, withdrawn);
            state.unbill(withdraw.provider, withdrawn);
            drop_care(state, &key);
            challenge::supersede(state, &key);
            if let Some(row) = state.lines.get_mut(&key) {
                row.mark = Mark::Withdrawn;
            }
        }
        (Command::AdoptExtract(adopt), Event::ExtractAdopted { version, rows, total, supersedes: _ }) => {
            let terms = &adopt.terms;
            let row = ExtractInForce {
                position: at.position,
                version: *version,
                file: terms.file,
                parts: terms.parts.clone(),
                rows: *rows,
                total: *total,
            };
            state.extracts.insert((terms.provider, terms.cut), row);
        }
        (Command::RaiseChallenge(raise), Event::ChallengeRaised(raised)) => {
            challenge::raised(state, at, raise, raised);
        }
        (Command::AnswerChallenge(answer), Event::ChallengeAnswered) => {
            challenge::entered(state, at, answer.challenge, |row| {
                row.state = ChallengeState::Answered;
                row.conceded = Some(answer.conceded);
            });
        }
        (Command::ConcludeChallenge(conclude), Event::ChallengeEscalated) => {
            challenge::entered(state, at, conclude.challenge, |row| row.state = ChallengeState::Escalated);
        }
        (Command::ConcludeChallenge(conclude), Event::ChallengeConcluded(moved)) => {
            challenge::concluded(state, at, conclude, moved);
        }
        (Command::SetChallengeRules(rules), Event::ChallengeRulesSet) => {
            state.challenge_rules.insert((rules.provider, rules.from), *rules);
        }
        (Command::PostMargin(post), Event::MarginPosted(posted)) => plan::posted(state, at, post, posted),
        (Command::ProposeRepricing(propose), Event::RepricingProposed) => {
            repricing::proposed(state, at, propose);
        }
        (Command::ApproveRepricing(approve), Event::RepricingApproved) => {
            repricing::approved(state, at, approve);
        }
        (Command::RepriceLine(reprice), Event::LineAnswered(answered)) => {
            repricing::line(state, at, reprice, answered);
        }
        (Command::MoveReferral(ask), Event::ReferralMoved(moved)) => referral_moved(state, at, ask, moved),
        (Command::SealCut(seal), Event::CutSealed { .. }) => {
            state.sealed.insert(seal.cut, at.position);
        }
        // `SubmissionFound` and `ExtractFound` change nothing; any other pair is no event of its command.
        (_, _) => {}
    }
}

fn adopted(state: &mut State, at: &Moment, adopt: &AdoptReference) {
    state.adopted = Some(InForce {
        reference: adopt.reference.clone(),
        since: at.position,
        digest: adopt.terms.digest,
        hold_days: adopt.terms.hold_days,
        follow_ups: adopt.terms.follow_ups,
        matching_days: adopt.terms.matching_days,
        booking_from: adopt.terms.booking_from,
    });
}

fn referral_recorded(state: &mut State, at: &Moment, referral: &RecordReferral, recorded: &ReferralRecorded) {
    let booking = referral.ubrn.map_or(0, nhs::Ubrn::get);
    let (held, until) =
        recorded.hold.map_or((Pence::ZERO, referral.referred), |hold| (hold.amount, hold.until));
    let row = Referral {
        pseudonym: referral.pseudonym,
        booking,
        function: referral.function,
        provider: referral.provider,
        source: Some(referral.source),
        referred: referral.referred,
        route: Some(recorded.route),
        state: ReferralState::Open,
        ended: None,
        held,
        left: held,
        placed: referral.referred,
        until,
        hold: report::posting_id(at.request_id),
        lines: 0,
    };
    state.reported = state.reported.saturating_add(1);
    if recorded.hold.is_some() {
        state.expiries.insert((until, at.position));
    }
    insert_referral(state, at.position, row);
    state.lives.insert(at.position, Life::new(at.position, Some(referral.waits_from())));
    if let Some(pathway) = referral.pathway {
        state.named_pathways.insert((referral.pseudonym, pathway), at.position);
    }
}

fn referral_moved(state: &mut State, at: &Moment, ask: &MoveReferral, moved: &ReferralMoved) {
    let Some(row) = state.referrals.get_mut(&ask.referral) else { return };
    if let Some(life) = state.lives.get_mut(&ask.referral) {
        life.moved(at.position, ask.on, &ask.what);
    }
    if moved.released.is_some() {
        row.left = Pence::ZERO;
        state.expiries.remove(&(row.until, ask.referral));
    }
    if let Some(hold) = moved.hold {
        row.held = row.held.checked_add(hold.amount).unwrap_or(Pence::MAX);
        if let Some(released) = moved.released {
            row.held = row.held.checked_sub(released.amount).unwrap_or(Pence::ZERO);
        }
        (row.left, row.until, row.hold) = (hold.amount, hold.until, report::posting_id(at.request_id));
        row.placed = ask.on;
        // One whose hold had expired is heard of again.
        (row.state, row.ended) = (ReferralState::Open, None);
        state.expiries.insert((hold.until, ask.referral));
    }
    if let Some(route) = moved.route {
        row.route = Some(route);
    }
    if let Move::Transferred { provider, .. } = ask.what {
        let before: Pathway = (row.pseudonym, row.function.number(), row.provider);
        let after: Pathway = (row.pseudonym, row.function.number(), provider);
        row.provider = provider;
        if state.pathways.get(&before) == Some(&ask.referral) {
            state.pathways.remove(&before);
        }
        state.pathways.insert(after, ask.referral);
    }
    let ended = match ask.what {
        Move::Discharged => ReferralState::Discharged,
        Move::Returned | Move::Cancelled => ReferralState::Cancelled,
        Move::Accepted
        | Move::Booked { .. }
        | Move::Attended
        | Move::NotAttended
        | Move::Listed { .. }
        | Move::Treated
        | Move::Monitored { .. }
        | Move::Resumed
        | Move::NotTreated
        | Move::Declined
        | Move::Transferred { .. } => return,
    };
    row.state = ended;
    row.ended = Some(at.business_date);
}

fn insert_referral(state: &mut State, position: Position, row: Referral) {
    if row.booking != 0 {
        state.bookings.insert(row.booking, position);
    }
    let pathway: Pathway = (row.pseudonym, row.function.number(), row.provider);
    let latest =
        state.pathways.get(&pathway).and_then(|at| state.referrals.get(at)).map(|held| held.referred);
    if latest.is_none_or(|latest| latest <= row.referred) {
        state.pathways.insert(pathway, position);
    }
    state.referrals.insert(position, row);
}

fn referral_ended(state: &mut State, at: &Moment, position: Position, ended: ReferralState) {
    if let Some(row) = state.referrals.get_mut(&position) {
        row.state = ended;
        row.ended = Some(at.business_date);
        row.left = Pence::ZERO;
        state.expiries.remove(&(row.until, position));
    }
}

/// A line as it stands after `answered`, when it does.
fn standing(at: &Moment, answered: &LineAnswered, claimed: Pence, date: Day) -> Standing {
    let verdict = match &answered.answer {
        Answer::Accepted(priced) => {
            Verdict::Accepted(priced.as_ref().map_or(Pence::ZERO, |priced| priced.price))
        }
        Answer::Contested => Verdict::Contested,
        Answer::Unreadable => Verdict::Unreadable,
    };
    Standing {
        position: at.position,
        version: answered.version,
        route: answered.route,
        payer: answered.payer,
        date,
        cut: answered.cut,
        claimed,
        verdict,
        books: answered.books,
        split: None,
    }
}

fn line_answered(state: &mut State, at: &Moment, line: &ActivityLine, answered: &LineAnswered) {
    note_record(state, line.submission, at.position);
    note_reasons(state, line.provider, answered);
    if let Some(grade) = answered.grade {
        let count = state.grades.entry(((answered.cut, line.provider, answered.payer), grade)).or_default();
        *count = count.saturating_add(1);
    }
    let key = state.key_of(line.provider, &line.cds_identifier, line.tag);
    // A claim that could not be read is not counted beyond what an amount may be.
    let claimed = if line.claimed > crate::CLAIMED_MAX { Pence::ZERO } else { line.claimed };
    let now = standing(at, answered, claimed, line.date());
    if !put(state, Some(&key), line.provider, answered, &now) {
        return;
    }
    let claims_care = now.verdict != Verdict::Unreadable
        && !answered.reasons.contains(crate::Reason::Duplicate)
        && !answered.reasons.is_nil();
    if claims_care {
        let care = CareKey::new(line);
        if let Some(row) = state.lines.get_mut(&key) {
            row.care = care;
        }
        state.care.insert(care, key.short());
    }
    match answered.referral {
        Some(Matched::To(position)) => {
            if let Some(row) = state.referrals.get_mut(&position) {
                row.lines = row.lines.saturating_add(u32::from(answered.version == 1));
                let taken = answered.capture.map_or(Pence::ZERO, |capture| capture.amount);
                row.left = row.left.checked_sub(taken).unwrap_or(Pence::ZERO);
            }
        }
        Some(Matched::Implied) => implied(state, at, line, answered),
        None => {}
    }
    followed(state, at, line, answered);
}

/// The referral of a line in force, where it has one.
fn followed(state: &mut State, at: &Moment, line: &ActivityLine, answered: &LineAnswered) {
    let number = match answered.referral {
        Some(Matched::To(number)) => number,
        Some(Matched::Implied) => at.position,
        None => return,
    };
    let life = state.lives.entry(number).or_insert_with(|| {
        let mut life = Life::new(number, None);
        // The record that implies a referral is that of its first line, which comes right after.
        life.records.clear();
        life
    });
    life.active(at.position, line.started, line.seen());
}

fn implied(state: &mut State, at: &Moment, line: &ActivityLine, answered: &LineAnswered) {
    state.implied = state.implied.saturating_add(1);
    let row = Referral {
        pseudonym: line.pseudonym,
        booking: line.ubrn.map_or(0, nhs::Ubrn::get),
        function: line.function,
        provider: line.provider,
        source: None,
        referred: line.started,
        route: answered.route,
        state: ReferralState::Open,
        ended: None,
        held: Pence::ZERO,
        left: Pence::ZERO,
        placed: line.started,
        until: line.started,
        hold: at.request_id,
        lines: 1,
    };
    insert_referral(state, at.position, row);
    if let Some(pathway) = line.pathway {
        state.named_pathways.insert((line.pseudonym, pathway), at.position);
    }
}

fn unreadable(
    state: &mut State,
    at: &Moment,
    (submission, provider): (Position, OdsCode),
    key: Option<LineKey>,
    claimed: Option<Pence>,
    answered: &LineAnswered,
) {
    note_record(state, submission, at.position);
    note_reasons(state, provider, answered);
    let claimed = claimed.filter(|claimed| *claimed <= crate::CLAIMED_MAX).unwrap_or(Pence::ZERO);
    let now = standing(at, answered, claimed, at.business_date);
    put(state, key.as_ref(), provider, answered, &now);
}

/// Puts a line into the totals and in force, taking off what it replaces. Returns whether it is in force.
fn put(
    state: &mut State,
    key: Option<&LineKey>,
    provider: OdsCode,
    answered: &LineAnswered,
    now: &Standing,
) -> bool {
    if !answered.in_force {
        if let Some(row) = key.and_then(|key| state.lines.get_mut(key)) {
            row.version = answered.version;
        }
        return false;
    }
    if let Some(old) = &answered.supersedes {
        take(state, provider, old);
        state.unbill(provider, old);
    }
    count(state, provider, now, now.cut);
    let Some(key) = key else { return true };
    state.bill(provider, now);
    drop_care(state, key);
    challenge::supersede(state, key);
    let channel = Channel { provider, payer: now.payer, route: now.route };
    let row = LineRow {
        position: now.position,
        claimed: now.claimed,
        accepted: if let Verdict::Accepted(amount) = now.verdict { amount } else { Pence::ZERO },
        date: now.date,
        version: now.version,
        channel: state.channels.intern(channel),
        care: CareKey::NONE,
        mark: match now.verdict {
            Verdict::Accepted(_) => Mark::Accepted,
            Verdict::Contested => Mark::Contested,
            Verdict::Unreadable => Mark::Unreadable,
        },
        books: now.books,
        cut: state.channels.intern_cut(now.cut),
    };
    state.lines.insert(*key, row);
    true
}

/// Takes a line off the totals: from the cut that it stands in, or, once that is sealed, from what belongs to no cut, as
/// the ledger puts it into a run.
fn take(state: &mut State, provider: OdsCode, old: &Standing) {
    let cut = old.cut.filter(|cut| !state.sealed.contains_key(cut));
    state.totals.entry(total_key(provider, old, cut)).or_default().take(old);
    plan::count(state, old, cut, TotalPence::minus_total);
}

/// Counts a line in `cut`.
fn count(state: &mut State, provider: OdsCode, line: &Standing, cut: Option<reference::Cut>) {
    state.totals.entry(total_key(provider, line, cut)).or_default().add(line);
    plan::count(state, line, cut, TotalPence::plus_total);
}

fn total_key(provider: OdsCode, line: &Standing, cut: Option<reference::Cut>) -> TotalKey {
    TotalKey { cut, provider, payer: line.payer, payee: line.route.map(|route| route.payee) }
}

/// Gives up the care that the line in force claims, so that another may claim it.
fn drop_care(state: &mut State, key: &LineKey) {
    if let Some(row) = state.lines.get_mut(key)
        && row.care != CareKey::NONE
    {
        let care = core::mem::replace(&mut row.care, CareKey::NONE);
        if state.care.get(&care) == Some(&key.short()) {
            state.care.remove(&care);
        }
    }
}

fn note_record(state: &mut State, submission: Position, position: Position) {
    let Some(row) = state.submissions.get_mut(&submission) else { return };
    if let Some((first, count)) = row.runs.last_mut()
        && first.get().saturating_add(u64::from(*count)) == position.get()
        && *count < u32::MAX
    {
        *count = count.saturating_add(1);
    } else {
        row.runs.push((position, 1));
    }
}

fn note_reasons(state: &mut State, provider: OdsCode, answered: &LineAnswered) {
    if answered.reasons.is_empty() {
        return;
    }
    let counts = state.reasons.entry((answered.cut, provider, answered.payer)).or_default();
    for reason in answered.reasons.iter() {
        let count = counts.entry(reason).or_default();
        *count = count.saturating_add(1);
    }
}
