//! Referrals: recorded with a hold, matched by activity, ended.

use super::{facts, one, submission::in_force};
use crate::{
    ActivityLine, EndReferral, Event, ExpireReferral, Hold, Reason, Reasons, RecordReferral, Refusal,
    Release, Route, State,
    state::{InForce, Referral, ReferralState},
};
use journal::{Day, Events, Moment, Position};
use money::Pence;
use nhs::{FirstAttendance, OdsCode};
use reference::{Contract, Reference};

pub(super) fn record(
    state: &State,
    at: &Moment,
    referral: &RecordReferral,
) -> Result<Events<Event>, Refusal> {
    let in_force = in_force(state)?;
    let reference = &in_force.reference;
    let mut reasons = Reasons::NONE;
    let day = referral.referred;
    reasons.insert_if(day > at.business_date, Reason::DateInFuture);
    let used = referral.ubrn.is_some_and(|ubrn| state.bookings.contains_key(&ubrn.get()));
    reasons.insert_if(used, Reason::UbrnAlreadyUsed);
    let payer = facts::responsible(reference, referral.practice, day);
    let payer = payer.map_err(|reason| reasons.insert(reason)).ok();
    let ours = payer.filter(|payer| reference.is_own_payer(*payer, day));
    reasons.insert_if(payer.is_some() && ours.is_none(), Reason::WrongCommissioner);
    let payee = chosen(reference, referral, &mut reasons);
    let terms = match (ours, payee) {
        (Some(payer), Some(payee)) => {
            let terms = facts::terms(reference, payer, payee, referral.function, day);
            reasons.insert_if(terms.is_none(), Reason::NoContract);
            terms.map(|(contract, mechanism)| (payer, payee, contract, mechanism))
        }
        (_, _) => None,
    };
    let Some((payer, payee, contract, mechanism)) = terms.filter(|_| reasons.is_empty()) else {
        return Err(Refusal::Referral(reasons));
    };
    let route = Route { payer, payee, class: reference.expenditure_class(payee), mechanism };
    let hold = if mechanism.pays_by_line() { expected(in_force, contract, referral, payee) } else { None };
    Ok(one(Event::ReferralRecorded(crate::ReferralRecorded { route, hold })))
}

/// The body that the chosen provider is paid as, adding every reason why there is none.
fn chosen(reference: &Reference, referral: &RecordReferral, reasons: &mut Reasons) -> Option<OdsCode> {
    let day = referral.referred;
    match reference.organisation(referral.provider) {
        None => reasons.insert(Reason::ProviderUnknown),
        Some(row) => reasons.insert_if(!row.open.covers(day), Reason::ProviderClosed),
    }
    if let Some(site) = referral.site {
        match facts::payee(reference, site, day) {
            Err(reason) => reasons.insert(reason),
            Ok(payee) => reasons.insert_if(payee != referral.provider, Reason::SiteNotOfProvider),
        }
    }
    reasons.is_empty().then_some(referral.provider)
}

/// What the pathway is expected to cost: the first attendance and the stated number of follow-ups of the treatment
/// function, at today's prices. Nothing when no book prices them: an unknown price is no commitment of nothing.
fn expected(
    in_force: &InForce,
    contract: &Contract,
    referral: &RecordReferral,
    payee: OdsCode,
) -> Option<Hold> {
    let place = (payee, referral.site.unwrap_or(payee));
    let of = |kind| {
        let day = referral.referred;
        facts::attendance_price(&in_force.reference, contract, place, referral.function, kind, day)
    };
    let first = of(FirstAttendance::First)?.price;
    let follow_up = of(FirstAttendance::FollowUp).map_or(Pence::ZERO, |priced| priced.price);
    let follow_ups = follow_up.checked_mul(u32::from(in_force.follow_ups)).ok()?;
    let amount = first.checked_add(follow_ups).ok()?;
    let until = referral.referred.plus(i32::from(in_force.hold_days));
    (!amount.is_zero()).then_some(Hold { amount, until })
}

pub(super) fn end(state: &State, end: &EndReferral) -> Result<Events<Event>, Refusal> {
    let referral = open(state, end.referral)?;
    Ok(one(Event::ReferralEnded { released: release(referral) }))
}

pub(super) fn expire(state: &State, at: &Moment, expire: &ExpireReferral) -> Result<Events<Event>, Refusal> {
    let referral = open(state, expire.referral)?;
    if referral.until >= at.business_date {
        return Err(Refusal::NotExpired);
    }
    Ok(one(Event::ReferralEnded { released: release(referral) }))
}

fn open(state: &State, position: Position) -> Result<&Referral, Refusal> {
    let referral = state.referrals.get(&position).ok_or(Refusal::ReferralUnknown)?;
    if referral.state == ReferralState::Open { Ok(referral) } else { Err(Refusal::ReferralEnded) }
}

fn release(referral: &Referral) -> Option<Release> {
    (!referral.left.is_zero()).then_some(Release { hold: referral.hold, amount: referral.left })
}

/// The referral that a line follows from: by its booking reference, else the latest of the same patient, function and
/// provider that was made by then and had not ended. Adds the reasons why a booking reference does not fit.
pub(super) fn find(state: &State, line: &ActivityLine, reasons: &mut Reasons) -> Option<Position> {
    let booked = line.ubrn.and_then(|ubrn| state.bookings.get(&ubrn.get()));
    if let Some((position, referral)) = booked.and_then(|at| Some((*at, state.referrals.get(at)?))) {
        let fits = referral.pseudonym == line.pseudonym && referral.provider == line.provider;
        reasons.insert_if(!fits, Reason::UbrnMismatch);
        reasons.insert_if(fits && line.started < referral.referred, Reason::BeforeReferral);
        return fits.then_some(position);
    }
    let pathway = (line.pseudonym, line.function.number(), line.provider);
    let position = state.pathways.get(&pathway)?;
    let referral = state.referrals.get(position)?;
    let in_time =
        referral.referred <= line.started && referral.ended.is_none_or(|ended| line.started <= ended);
    let same = line.ubrn.is_none_or(|ubrn| referral.booking == 0 || referral.booking == ubrn.get());
    (in_time && same).then_some(*position)
}

/// Whether a first attendance lacks the booking reference that its contract asks for.
///
/// Source: payment for first attendances referred by general practitioners only through the e-Referral Service (NHS
/// practice, unverified; dated in the contract).
pub(super) fn lacks_booking(
    contract: &Contract,
    line: &ActivityLine,
    referral: Option<&Referral>,
    day: Day,
) -> bool {
    let asked =
        contract.ubrn_required_from.is_some_and(|from| from <= day) && line.pod.is_first() == Some(true);
    let by_gp = referral.is_some_and(|referral| referral.source == Some(crate::Source::Gp));
    let booked = line.ubrn.is_some() || referral.is_some_and(|referral| referral.booking != 0);
    asked && by_gp && !booked
}
