//! Activity lines: accepted with our price, contested with every reason at once, or unreadable.

use super::{cut, facts, one, referral, submission::in_force};
use crate::{
    ActivityLine, Answer, Books, Capture, Event, Grade, LineAnswered, Matched, Mechanism, Reason, Reasons,
    Refusal, Route, Standing, State, SubmitUnreadable, UnreadableAnswered, UnreadableLine, Verdict,
    WithdrawLine,
    key::{CareKey, LineKey},
    state::Referral,
};
use journal::{Day, Events, Moment, Position};
use money::Pence;
use nhs::{FinancialYear, OdsCode};
use reference::{Contract, Cut, NoCut, Reference};
use tariff::Priced;

pub(super) fn submit(state: &State, at: &Moment, line: &ActivityLine) -> Result<Events<Event>, Refusal> {
    let reference = &in_force(state)?.reference;
    check_submission(state, at, line.submission, line.provider)?;
    let key = state.key_of(line.provider, &line.cds_identifier, line.tag);
    let impossible = line.impossible(at.business_date);
    if !impossible.is_empty() {
        return Ok(one(Event::LineAnswered(unread(state, Some(&key), impossible))));
    }
    let facts = gather(state, at, line, &key)?;
    let late = facts.reasons.contains(Reason::AfterFreeze);
    let standing = state.standing(&key);
    // A readable line that stands in a frozen month, or a version that came too late, changes nothing any more.
    let frozen = standing.as_ref().is_some_and(|old| is_frozen(state, reference, old, at.business_date));
    let mut answered = if facts.is_contested() || frozen { contest(&facts) } else { accept(line, &facts) };
    answered.version = state.versions(&key).saturating_add(1);
    if frozen || (late && standing.is_some()) {
        answered.reasons.insert(Reason::AfterFreeze);
        answered.in_force = false;
        answered.cut = None;
        answered.books = Books::Nowhere;
    } else {
        answered.reasons.insert_if(standing.is_some(), Reason::NewVersion);
        answered.capture = capture(&facts, line, &answered, standing.as_ref());
        answered.supersedes = standing;
    }
    Ok(one(Event::LineAnswered(answered)))
}

pub(super) fn unreadable(
    state: &State,
    at: &Moment,
    line: &SubmitUnreadable,
) -> Result<Events<Event>, Refusal> {
    check_submission(state, at, line.submission, line.provider)?;
    let key = line.cds_identifier.as_ref().map(|identifier| LineKey::untagged(line.provider, identifier));
    Ok(one(Event::LineAnswered(unread(state, key.as_ref(), line.reasons))))
}

pub(super) fn record_unreadable(
    state: &State,
    at: &Moment,
    line: &UnreadableLine,
) -> Result<Events<Event>, Refusal> {
    check_submission(state, at, line.submission, line.provider)?;
    let key = line.tag.map(LineKey::tagged);
    let answered = unread(state, key.as_ref(), line.faults.into());
    Ok(one(Event::UnreadableAnswered(UnreadableAnswered {
        faults: line.faults,
        version: answered.version,
        in_force: answered.in_force,
        supersedes: answered.supersedes.map(|old| old.position),
    })))
}

pub(super) fn withdraw(
    state: &State,
    at: &Moment,
    withdraw: &WithdrawLine,
) -> Result<Events<Event>, Refusal> {
    let key = state.key_of(withdraw.provider, &withdraw.cds_identifier, withdraw.tag);
    if state.versions(&key) == 0 {
        return Err(Refusal::LineUnknown);
    }
    let withdrawn = state.standing(&key).ok_or(Refusal::LineWithdrawn)?;
    if is_frozen(state, &in_force(state)?.reference, &withdrawn, at.business_date) {
        return Err(Refusal::AfterFreeze);
    }
    Ok(one(Event::LineWithdrawn { withdrawn }))
}

fn check_submission(
    state: &State,
    at: &Moment,
    submission: Position,
    provider: OdsCode,
) -> Result<(), Refusal> {
    let fits = |row: &crate::Submission| row.caller == at.caller && row.provider == provider;
    if state.submissions.get(&submission).is_some_and(fits) {
        Ok(())
    } else {
        Err(Refusal::SubmissionUnknown)
    }
}

/// An unreadable line. When an earlier version can be read it goes on standing, and this one counts nothing.
fn unread(state: &State, key: Option<&LineKey>, reasons: Reasons) -> LineAnswered {
    let standing = key.and_then(|key| state.standing(key));
    let in_force = standing.as_ref().is_none_or(|old| old.verdict == Verdict::Unreadable);
    LineAnswered {
        answer: Answer::Unreadable,
        reasons,
        version: key.map_or(0, |key| state.versions(key)).saturating_add(1),
        route: None,
        payer: None,
        cut: None,
        books: Books::Nowhere,
        referral: None,
        capture: None,
        supersedes: standing.filter(|_| in_force),
        in_force,
        grade: None,
    }
}

/// Whether what stands can no longer be changed: its month is frozen.
fn is_frozen(state: &State, reference: &Reference, old: &Standing, received: Day) -> bool {
    let accepted = matches!(old.verdict, Verdict::Accepted(_)) || old.books != Books::Nowhere;
    accepted && matches!(cut::entered(state, reference, old.date, received), Err(NoCut::AfterFreeze { .. }))
}

/// What is found out about a readable line before it is answered.
struct Facts<'a> {
    reasons: Reasons,
    payer: Option<OdsCode>,
    route: Option<Route>,
    contract: Option<&'a Contract>,
    price: Option<Priced>,
    cut: Option<Cut>,
    referral: Option<(Position, &'a Referral)>,
    grade: Option<Grade>,
}

impl Facts<'_> {
    fn is_contested(&self) -> bool {
        self.reasons.iter().any(|reason| !reason.is_note())
    }
}

fn gather<'a>(
    state: &'a State,
    at: &Moment,
    line: &ActivityLine,
    key: &LineKey,
) -> Result<Facts<'a>, Refusal> {
    let in_force = in_force(state)?;
    let reference = &in_force.reference;
    let mut reasons = Reasons::NONE;
    facts::coding(line, &mut reasons);
    let parties = facts::parties(reference, line, &mut reasons);
    let nil = facts::nil_by_rule(line);
    if let Some(reason) = nil {
        reasons.insert(reason);
    }
    let cut = cut::entered(state, reference, line.date(), at.business_date).map_err(|none| match none {
        NoCut::AfterFreeze { .. } => reasons.insert(Reason::AfterFreeze),
        NoCut::NoCalendar => reasons.insert(Reason::NoCalendar),
    });
    let price = match (nil, parties.terms) {
        (None, Some((contract, _))) => {
            facts::price(reference, line, contract).map_err(|reason| reasons.insert(reason)).ok()
        }
        (_, _) => None,
    };
    let (position, grade) = referral::find(state, in_force, line, &mut reasons);
    let referral = position.and_then(|at| Some((at, state.referrals.get(&at)?)));
    let contract = parties.terms.map(|(contract, _)| contract);
    if nil.is_none() {
        let other = state.care.get(&CareKey::new(line)).is_some_and(|owner| *owner != key.short());
        reasons.insert_if(other, Reason::Duplicate);
        let row = referral.map(|(_, row)| row);
        let lacks = contract
            .is_some_and(|contract| referral::lacks_booking(in_force, contract, line, row, line.date()));
        reasons.insert_if(lacks, Reason::UbrnMissing);
    }
    // What a patient, or a visitor, pays for is nobody's of ours to owe.
    let own_account =
        reasons.contains(Reason::PrivatePatient) || reasons.contains(Reason::OverseasChargeable);
    let route = parties.route(reference).filter(|_| !own_account && nil.is_none());
    let grade = in_force.matching_days.map(|_| grade);
    Ok(Facts { reasons, payer: parties.payer, route, contract, price, cut: cut.ok(), referral, grade })
}

fn accept(line: &ActivityLine, facts: &Facts<'_>) -> LineAnswered {
    let price = facts.price.map_or(Pence::ZERO, |priced| priced.price);
    let mut reasons = facts.reasons;
    let tolerance = facts.contract.map_or(Pence::ZERO, |contract| contract.price_tolerance);
    let differs = line.claimed.net(price).magnitude() > tolerance;
    reasons.insert_if(facts.price.is_some() && differs, Reason::PriceDiffers);
    let books = match facts.route.map(|route| route.mechanism) {
        Some(Mechanism::CostPerCase | Mechanism::NonContract) => Books::Payable,
        Some(Mechanism::OnAccount) => Books::Recognised,
        Some(Mechanism::Block | Mechanism::Plan) | None => Books::Nowhere,
    };
    LineAnswered {
        answer: Answer::Accepted(facts.price),
        reasons,
        version: 0,
        route: facts.route,
        payer: facts.payer,
        cut: facts.cut,
        books,
        referral: Some(facts.referral.map_or(Matched::Implied, |(position, _)| Matched::To(position))),
        capture: None,
        supersedes: None,
        in_force: true,
        grade: facts.grade,
    }
}

/// A contested line. Where the payer is ours and could owe for it at all, it is held in the books at the claimed amount.
fn contest(facts: &Facts<'_>) -> LineAnswered {
    let held =
        facts.route.is_some_and(|route| !matches!(route.mechanism, Mechanism::Block | Mechanism::Plan));
    LineAnswered {
        answer: Answer::Contested,
        reasons: facts.reasons,
        version: 0,
        route: facts.route,
        payer: facts.payer,
        cut: facts.cut,
        books: if held { Books::Contested } else { Books::Nowhere },
        referral: facts.referral.map(|(position, _)| Matched::To(position)),
        capture: None,
        supersedes: None,
        in_force: true,
        grade: facts.grade,
    }
}

/// What a line takes of its referral's hold: what it adds to what its payer owes, and at most what is left.
///
/// A hold stands on one account. A line whose payer, class or financial year is another's leaves it to be released.
fn capture(
    facts: &Facts<'_>,
    line: &ActivityLine,
    answered: &LineAnswered,
    standing: Option<&Standing>,
) -> Option<Capture> {
    let (_, referral) = facts.referral?;
    let (route, held) = (answered.route?, referral.route?);
    let year = |day: Day| FinancialYear::of(day.date()).ok();
    let same = route.payer == held.payer && route.class == held.class && route.mechanism.pays_by_line();
    if referral.left.is_zero() || !same || year(line.date()) != year(referral.placed) {
        return None;
    }
    let owed = match (&answered.answer, answered.books) {
        (Answer::Accepted(priced), Books::Payable) => {
            priced.as_ref().map_or(Pence::ZERO, |priced| priced.price)
        }
        (Answer::Contested, Books::Contested) => line.claimed,
        (_, _) => Pence::ZERO,
    };
    let before = standing.map_or(Pence::ZERO, Standing::posted);
    let amount = owed.checked_sub(before).unwrap_or(Pence::ZERO).min(referral.left);
    (!amount.is_zero()).then_some(Capture { hold: referral.hold, amount })
}
