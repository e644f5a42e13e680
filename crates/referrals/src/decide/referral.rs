//! Referrals: recorded with a hold, matched by activity, ended.

use super::{facts, one, submission::in_force};
use crate::{
    ActivityLine, EndReferral, Event, ExpireReferral, Grade, Hold, Move, MoveReferral, Reason, Reasons,
    RecordReferral, ReferralMoved, Refusal, Release, Route, State,
    state::{InForce, Referral, ReferralState},
};
use journal::{Day, Events, Moment, Position};
use money::Pence;
use nhs::{FirstAttendance, OdsCode, PointOfDelivery, TreatmentFunction};
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
    reasons
        .insert_if(referral.clock_start.is_some_and(|start| start > at.business_date), Reason::DateInFuture);
    let payer = facts::responsible(reference, referral.practice, referral.residence, day);
    let payer = payer.map_err(|reason| reasons.insert(reason)).ok();
    let ours = payer.filter(|payer| reference.is_own_payer(*payer, day));
    reasons.insert_if(payer.is_some() && ours.is_none(), Reason::WrongCommissioner);
    let payee = chosen(reference, (referral.provider, referral.site), day, &mut reasons);
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
    let hold = if mechanism.pays_by_line() {
        expected(in_force, contract, (payee, referral.site), referral.function, day)
    } else {
        None
    };
    Ok(one(Event::ReferralRecorded(crate::ReferralRecorded { route, hold })))
}

/// The body that the chosen provider is paid as, adding every reason why there is none.
fn chosen(
    reference: &Reference,
    (provider, site): (OdsCode, Option<OdsCode>),
    day: Day,
    reasons: &mut Reasons,
) -> Option<OdsCode> {
    match reference.organisation(provider) {
        None => reasons.insert(Reason::ProviderUnknown),
        Some(row) => reasons.insert_if(!row.open.covers(day), Reason::ProviderClosed),
    }
    if let Some(site) = site {
        match facts::payee(reference, site, day) {
            Err(reason) => reasons.insert(reason),
            Ok(payee) => reasons.insert_if(payee != provider, Reason::SiteNotOfProvider),
        }
    }
    reasons.is_empty().then_some(provider)
}

/// What the pathway is expected to cost: the first attendance and the stated number of follow-ups of the treatment
/// function, at today's prices. Nothing when no book prices them: an unknown price is no commitment of nothing.
fn expected(
    in_force: &InForce,
    contract: &Contract,
    (payee, site): (OdsCode, Option<OdsCode>),
    function: TreatmentFunction,
    day: Day,
) -> Option<Hold> {
    let place = (payee, site.unwrap_or(payee));
    let of = |kind| facts::attendance_price(&in_force.reference, contract, place, function, kind, day);
    let first = of(FirstAttendance::First)?.price;
    let follow_up = of(FirstAttendance::FollowUp).map_or(Pence::ZERO, |priced| priced.price);
    let follow_ups = follow_up.checked_mul(u32::from(in_force.follow_ups)).ok()?;
    let amount = first.checked_add(follow_ups).ok()?;
    let until = day.plus(i32::from(in_force.hold_days));
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

/// Moves a referral on, when there is such a move from where it stands.
///
/// What is held follows: more at a decision to admit, another provider's expectation at a transfer, nothing after its end.
pub(super) fn move_on(state: &State, at: &Moment, ask: &MoveReferral) -> Result<Events<Event>, Refusal> {
    let MoveReferral { referral: number, on, what } = ask;
    let referral = state.referrals.get(number).ok_or(Refusal::ReferralUnknown)?;
    let stage = state.lives.get(number).map(|life| life.stage).ok_or(Refusal::ReferralUnknown)?;
    if stage.is_end() {
        return Err(Refusal::ReferralEnded);
    }
    let mut reasons = Reasons::NONE;
    reasons.insert_if(*on > at.business_date, Reason::DateInFuture);
    reasons.insert_if(*on < referral.referred, Reason::BeforeReferral);
    if !reasons.is_empty() {
        return Err(Refusal::Referral(reasons));
    }
    stage.after(what).ok_or(Refusal::MoveIllegal)?;
    let in_force = in_force(state)?;
    let nothing = ReferralMoved { route: None, released: None, hold: None };
    let moved = match what {
        Move::Returned | Move::Discharged | Move::Cancelled => {
            ReferralMoved { released: release(referral), ..nothing }
        }
        Move::Listed { hrg, classification } => {
            match admission(in_force, referral, *on, *hrg, *classification) {
                Some(hold) => {
                    ReferralMoved { route: referral.route, released: release(referral), hold: Some(hold) }
                }
                None => nothing,
            }
        }
        Move::Transferred { provider, site } => transfer(in_force, referral, *on, (*provider, *site))?,
        Move::Accepted
        | Move::Booked { .. }
        | Move::Attended
        | Move::NotAttended
        | Move::Treated
        | Move::Monitored { .. }
        | Move::Resumed
        | Move::NotTreated
        | Move::Declined => nothing,
    };
    Ok(one(Event::ReferralMoved(moved)))
}

/// What is to be held once it was decided to admit: what is left, and the price of the admission expected.
fn admission(
    in_force: &InForce,
    referral: &Referral,
    on: Day,
    hrg: nhs::Hrg,
    classification: nhs::PatientClassification,
) -> Option<Hold> {
    let route = referral.route.filter(|route| route.mechanism.pays_by_line())?;
    let reference = &in_force.reference;
    let (contract, _) = facts::terms(reference, route.payer, route.payee, referral.function, on)?;
    let price = facts::admission_price(
        reference,
        contract,
        (route.payee, referral.function),
        (hrg, classification),
        on,
    )?;
    let amount = referral.left.checked_add(price.price).ok().filter(|_| !price.price.is_zero())?;
    Some(Hold { amount, until: on.plus(i32::from(in_force.hold_days)) })
}

/// Who will pay whom once another provider took over, and what is held instead.
fn transfer(
    in_force: &InForce,
    referral: &Referral,
    on: Day,
    (provider, site): (OdsCode, Option<OdsCode>),
) -> Result<ReferralMoved, Refusal> {
    let reference = &in_force.reference;
    let mut reasons = Reasons::NONE;
    let payee = chosen(reference, (provider, site), on, &mut reasons);
    // Whoever pays goes on paying; a group that was merged since does so by its successor.
    let payer = referral.route.map(|route| reference.successor(route.payer, on));
    let terms = payer.zip(payee).and_then(|(payer, payee)| {
        let (contract, mechanism) = facts::terms(reference, payer, payee, referral.function, on)?;
        let class = reference.expenditure_class(payee);
        Some((contract, Route { payer, payee, class, mechanism }))
    });
    reasons.insert_if(payer.is_some() && payee.is_some() && terms.is_none(), Reason::NoContract);
    if !reasons.is_empty() {
        return Err(Refusal::Referral(reasons));
    }
    let hold = terms.filter(|(_, route)| route.mechanism.pays_by_line()).and_then(|(contract, route)| {
        expected(in_force, contract, (route.payee, site), referral.function, on)
    });
    Ok(ReferralMoved { route: terms.map(|(_, route)| route), released: release(referral), hold })
}

/// The referral that a line follows from, and how surely: by its booking reference, by its pathway identifier, else the latest of
/// the same patient, function and provider that was made by then, within the window, and had not ended. Adds the reasons why a
/// booking reference does not fit.
pub(super) fn find(
    state: &State,
    in_force: &InForce,
    line: &ActivityLine,
    reasons: &mut Reasons,
) -> (Option<Position>, Grade) {
    let found = look_for(state, in_force, line, reasons);
    let (position, grade) = found.map_or((None, Grade::None), |(at, grade)| (Some(at), grade));
    let implied = position.and_then(|at| state.referrals.get(&at)).is_some_and(|row| row.source.is_none());
    // Other activity is no evidence of a referral.
    (position, if implied { Grade::None } else { grade })
}

fn look_for(
    state: &State,
    in_force: &InForce,
    line: &ActivityLine,
    reasons: &mut Reasons,
) -> Option<(Position, Grade)> {
    let booked = line.ubrn.and_then(|ubrn| state.bookings.get(&ubrn.get()));
    if let Some((position, referral)) = booked.and_then(|at| Some((*at, state.referrals.get(at)?))) {
        let fits = referral.pseudonym == line.pseudonym && referral.provider == line.provider;
        reasons.insert_if(!fits, Reason::UbrnMismatch);
        reasons.insert_if(fits && line.started < referral.referred, Reason::BeforeReferral);
        return fits.then_some((position, Grade::Ubrn));
    }
    let named = line.pathway.and_then(|pathway| state.named_pathways.get(&(line.pseudonym, pathway)));
    if let Some((position, referral)) = named.and_then(|at| Some((*at, state.referrals.get(at)?)))
        && referral.provider == line.provider
        && referral.referred <= line.started
    {
        return Some((position, Grade::Pathway));
    }
    let pathway = (line.pseudonym, line.function.number(), line.provider);
    let position = state.pathways.get(&pathway)?;
    let referral = state.referrals.get(position)?;
    let in_time =
        referral.referred <= line.started && referral.ended.is_none_or(|ended| line.started <= ended);
    let same = line.ubrn.is_none_or(|ubrn| referral.booking == 0 || referral.booking == ubrn.get());
    let within =
        in_force.matching_days.is_none_or(|days| line.started.since(referral.referred) <= i32::from(days));
    (in_time && same && within).then_some((*position, Grade::Patient))
}

/// Whether a first attendance lacks the booking reference that its contract asks for.
///
/// Source: payment for first attendances referred by general practitioners only through the e-Referral Service (NHS
/// practice, unverified; dated in the contract).
pub(super) fn lacks_booking(
    in_force: &InForce,
    contract: &Contract,
    line: &ActivityLine,
    referral: Option<&Referral>,
    day: Day,
) -> bool {
    let from = contract.ubrn_required_from.or(in_force.booking_from);
    // Records from before the default was dated asked it of every first attendance.
    let led = in_force.booking_from.is_none()
        || !matches!(
            line.pod,
            PointOfDelivery::FirstSingleNonConsultant | PointOfDelivery::FirstMultiNonConsultant
        );
    let asked = from.is_some_and(|from| from <= day) && line.pod.is_first() == Some(true) && led;
    let by_gp = referral.is_some_and(|referral| referral.source == Some(crate::Source::Gp));
    let booked = line.ubrn.is_some() || referral.is_some_and(|referral| referral.booking != 0);
    asked && by_gp && !booked
}
