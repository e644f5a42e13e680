//! Pricing lines again: what may be proposed, by whom it is approved, and what one line comes to.

use super::{facts, one, submission::in_force};
use crate::{
    ActivityLine, Answer, ApproveRepricing, Event, LineAnswered, Matched, Mechanism, ProposeRepricing,
    Reason, Reasons, Refusal, RepriceLine, Route, State, Verdict, key::CareKey,
};
use journal::{Events, Moment};
use reference::{Contract, Reference};
use tariff::Priced;

pub(super) fn propose(state: &State, propose: &ProposeRepricing) -> Result<Events<Event>, Refusal> {
    let in_force = in_force(state)?;
    if propose.terms.reference != in_force.digest || !propose.rows.is_canonical() {
        return Err(Refusal::RepricingStale);
    }
    Ok(one(Event::RepricingProposed))
}

pub(super) fn approve(
    state: &State,
    at: &Moment,
    approve: &ApproveRepricing,
) -> Result<Events<Event>, Refusal> {
    let repricing = state.repricings.get(&approve.repricing).ok_or(Refusal::RepricingUnknown)?;
    if repricing.approved.is_some() {
        return Err(Refusal::RepricingApproved);
    }
    let approval = access::approve(&repricing.proposal, at.caller, approve.rows);
    approval.map(|_| one(Event::RepricingApproved)).map_err(|refusal| match refusal {
        access::ApprovalRefusal::SamePerson => Refusal::SamePerson,
        access::ApprovalRefusal::DigestMismatch => Refusal::DigestMismatch,
    })
}

pub(super) fn line(state: &State, reprice: &RepriceLine) -> Result<Events<Event>, Refusal> {
    let reference = &in_force(state)?.reference;
    let repricing = state.repricings.get(&reprice.repricing).ok_or(Refusal::RepricingUnknown)?;
    if repricing.approved.is_none() {
        return Err(Refusal::RepricingNotApproved);
    }
    let line = &reprice.line;
    let key = state.key_of(line.provider, &line.cds_identifier, line.tag);
    let old = state.standing(&key).ok_or(Refusal::LineUnknown)?;
    // A line that was replaced since has its new price already; one that was done is done.
    let (before, after) = *repricing.left.get(&old.position).ok_or(Refusal::LineSuperseded)?;
    if state.challenged.contains_key(&key) {
        return Err(Refusal::ChallengeOpen);
    }
    let care = state.lines.get(&key).map(|row| row.care);
    let same = old.date == line.date()
        && old.claimed == line.claimed
        && care.is_none_or(|care| care == CareKey::NONE || care == CareKey::new(line));
    let route = old.route.filter(|_| same).ok_or(Refusal::RepricingStale)?;
    let (contract, priced) = price_again(reference, line, &route).ok_or(Refusal::RepricingStale)?;
    if old.verdict != Verdict::Accepted(before) || priced.price != after {
        return Err(Refusal::RepricingStale);
    }
    let mut reasons = Reasons::of(Reason::Repriced);
    let differs = line.claimed.net(after).magnitude() > contract.price_tolerance;
    reasons.insert_if(differs, Reason::PriceDiffers);
    let known = reprice.referral.filter(|position| state.referrals.contains_key(position));
    Ok(one(Event::LineAnswered(LineAnswered {
        answer: Answer::Accepted(Some(priced)),
        reasons,
        version: state.versions(&key).saturating_add(1),
        route: Some(route),
        payer: old.payer,
        // What is corrected after its cut was sealed belongs to none: the ledger puts it into a run.
        cut: old.cut.filter(|cut| !state.sealed.contains_key(cut)),
        books: old.books,
        referral: known.map(Matched::To),
        capture: None,
        supersedes: Some(old),
        in_force: true,
        // How it was matched was counted when it came.
        grade: None,
    })))
}

/// What a line that money went `route` for comes to by `reference`: none where the contract is gone or pays in another way, or
/// nothing prices the line any more.
#[must_use]
pub fn price_again<'a>(
    reference: &'a Reference,
    line: &ActivityLine,
    route: &Route,
) -> Option<(&'a Contract, Priced)> {
    let terms = facts::terms(reference, route.payer, route.payee, line.function, line.date());
    let (contract, _) = terms.filter(|(_, mechanism): &(_, Mechanism)| *mechanism == route.mechanism)?;
    let priced = facts::price(reference, line, contract).ok()?;
    Some((contract, priced))
}
