//! What the reference data say of a line: who pays whom, by which contract, at what price.

use crate::{ActivityLine, Care, Mechanism, Reason, Reasons, Route};
use journal::Day;
use nhs::{
    AdministrativeCategory, AttendedOrDidNotAttend, FirstAttendance, Hrg, OdsCode, PatientClassification,
    PointOfDelivery, PostcodeDistrict, PracticeCode, TreatmentFunction,
};
use reference::{Contract, ContractMatch, Reference};
use tariff::{Activity, Adjustments, Attendance, LocalPrice, NoPrice, Priced, Question, Spell};

/// The code that stands for a private patient in the place of a commissioner (NHS practice, unverified).
const PRIVATE: &str = "VPP00";

/// Who pays whom, as far as it is known.
pub(super) struct Parties<'a> {
    /// The responsible commissioner, ours or not.
    pub(super) payer: Option<OdsCode>,
    /// Whether it is one of this system's.
    pub(super) ours: bool,
    /// The body that is paid.
    pub(super) payee: Option<OdsCode>,
    /// The contract whose terms govern, and how it pays.
    pub(super) terms: Option<(&'a Contract, Mechanism)>,
}

impl Parties<'_> {
    /// The route of money, when all of it is known and the payer is ours.
    pub(super) fn route(&self, reference: &Reference) -> Option<Route> {
        let (payer, payee, (_, mechanism)) = (self.payer?, self.payee?, self.terms?);
        self.ours.then(|| Route { payer, payee, class: reference.expenditure_class(payee), mechanism })
    }
}

/// The responsible commissioner on `day`, and why there is none: that of the practice, and by usual residence for who is registered
/// with none.
///
/// Source: *Who Pays? Determining responsibility for payments to providers*, NHS England, August 2013.
pub(super) fn responsible(
    reference: &Reference,
    practice: PracticeCode,
    residence: Option<PostcodeDistrict>,
    day: Day,
) -> Result<OdsCode, Reason> {
    if practice.is_default() {
        let district = residence.ok_or(Reason::PracticeUnknown)?;
        return reference.responsible_ccg_of_district(district, day).ok_or(Reason::ResidenceUnknown);
    }
    reference.responsible_ccg(practice, day).ok_or_else(|| {
        let known = reference.rows().practices.binary_search_by_key(&practice, |row| row.practice).is_ok();
        if known { Reason::PracticeClosed } else { Reason::PracticeUnknown }
    })
}

/// Who is paid for care at `site` on `day`, and why nobody is.
pub(super) fn payee(reference: &Reference, site: OdsCode, day: Day) -> Result<OdsCode, Reason> {
    let closed = |code| reference.organisation(code).is_some_and(|row| !row.open.covers(day));
    match reference.payee_of(site, day) {
        Some(payee) if closed(payee) => Err(Reason::SiteClosed),
        Some(payee) => Ok(payee),
        None => {
            let known = reference.rows().sites.binary_search_by_key(&site, |row| row.site).is_ok();
            let closed = known || closed(site) || closed(site.organisation());
            Err(if closed { Reason::SiteClosed } else { Reason::SiteUnknown })
        }
    }
}

/// The contract for the activity, and how it pays.
pub(super) fn terms(
    reference: &Reference,
    payer: OdsCode,
    payee: OdsCode,
    function: TreatmentFunction,
    day: Day,
) -> Option<(&Contract, Mechanism)> {
    match reference.contract(payer, payee, function, day) {
        ContractMatch::Own(contract) => Some((contract, Mechanism::from(contract))),
        ContractMatch::AnyOther(contract) => Some((contract, Mechanism::NonContract)),
        ContractMatch::None => None,
    }
}

/// Finds the parties to a line, adding every reason why one is missing.
pub(super) fn parties<'a>(
    reference: &'a Reference,
    line: &ActivityLine,
    reasons: &mut Reasons,
) -> Parties<'a> {
    let day = line.date();
    let mut note = |reason| reasons.insert(reason);
    let payer = responsible(reference, line.practice, line.residence, day).map_err(&mut note).ok();
    let ours = payer.is_some_and(|payer| reference.is_own_payer(payer, day));
    if payer.is_some() && !ours {
        note(Reason::WrongCommissioner);
    } else if payer.is_some_and(|payer| payer != line.commissioner) && line.commissioner.as_str() != PRIVATE {
        note(Reason::CommissionerReassigned);
    }
    let payee = payee(reference, line.site, day).map_err(&mut note).ok();
    if payee.is_some_and(|payee| payee != line.provider) {
        note(Reason::SiteNotOfProvider);
    }
    let payee = payee.filter(|payee| *payee == line.provider);
    let terms = match (payer, payee) {
        (Some(payer), Some(payee)) => {
            let terms = terms(reference, payer, payee, line.function, day);
            if terms.is_none() && ours {
                note(Reason::NoContract);
            }
            terms
        }
        (_, _) => None,
    };
    Parties { payer, ours, payee, terms }
}

/// Why a line carries no price by rule: accepted at nothing.
pub(super) fn nil_by_rule(line: &ActivityLine) -> Option<Reason> {
    match line.care {
        Care::Admitted { .. } => None,
        Care::Outpatient { first: FirstAttendance::ClockStop, .. } => Some(Reason::ClockStop),
        Care::Outpatient { attended, .. } if !attended.was_seen() => Some(Reason::NotSeen),
        Care::Outpatient { .. } => None,
    }
}

/// The classification that each point of delivery of admitted care names.
const CLASSIFIED: [(PointOfDelivery, PatientClassification); 4] = [
    (PointOfDelivery::DayCase, PatientClassification::DayCase),
    (PointOfDelivery::Elective, PatientClassification::Ordinary),
    (PointOfDelivery::RegularDay, PatientClassification::RegularDay),
    (PointOfDelivery::RegularNight, PatientClassification::RegularNight),
];

/// What contradicts itself, or is no elective care of the NHS.
pub(super) fn coding(line: &ActivityLine, reasons: &mut Reasons) {
    let private = line.category == AdministrativeCategory::Private || line.commissioner.as_str() == PRIVATE;
    reasons.insert_if(private, Reason::PrivatePatient);
    reasons.insert_if(
        line.overseas.is_some_and(nhs::OverseasVisitor::is_chargeable),
        Reason::OverseasChargeable,
    );
    reasons.insert_if(line.overseas.is_some_and(nhs::OverseasVisitor::is_exempt), Reason::OverseasExempt);
    reasons.insert_if(line.pod == PointOfDelivery::ElectiveExcessBedDays, Reason::LongStayApart);
    match line.care {
        Care::Admitted { method, classification, .. } => {
            let delivery = classification == PatientClassification::DeliveryOnly;
            reasons.insert_if(!method.is_elective() || delivery, Reason::NotElective);
            let apart = line.pod == PointOfDelivery::ElectiveExcessBedDays;
            let agrees = CLASSIFIED.contains(&(line.pod, classification));
            let mismatch = !line.pod.is_admitted() || (!apart && !delivery && !agrees);
            reasons.insert_if(mismatch, Reason::CodingMismatch);
        }
        Care::Outpatient { .. } => reasons.insert_if(line.pod.is_admitted(), Reason::CodingMismatch),
    }
}

/// The reason for a line that has no price. What is unpriced by rule was taken out before.
const fn why_not(reason: NoPrice) -> Reason {
    match reason {
        NoPrice::InvalidForGrouping => Reason::InvalidForGrouping,
        NoPrice::DeliveryOnly | NoPrice::NotElective => Reason::NotElective,
        NoPrice::DayCaseWithStay | NoPrice::ContradictoryAttendance => Reason::CodingMismatch,
        NoPrice::UnknownHrg => Reason::HrgUnknown,
        NoPrice::NoPriceBook => Reason::NoPriceBook,
        NoPrice::ClockStopEvent
        | NoPrice::NotYetHeld
        | NoPrice::NotAttended
        | NoPrice::RegularAdmission
        | NoPrice::NoNationalPrice
        | NoPrice::NoLongStayPrice
        | NoPrice::NotConsultantLed
        | NoPrice::NoAttendancePrice
        | NoPrice::AmountTooLarge
        | NoPrice::BelowNothing => Reason::NoPrice,
    }
}

/// The price that a contract names for such a line.
fn local_price(
    contract: &Contract,
    hrg: Option<Hrg>,
    function: TreatmentFunction,
    pod: PointOfDelivery,
) -> Option<LocalPrice> {
    contract.pricing.as_ref()?.local_price(hrg, function, pod)
}

/// What a contract adds to the national price of such a line.
fn adjustments(contract: &Contract, hrg: Option<Hrg>, function: TreatmentFunction, day: Day) -> Adjustments {
    let terms = contract.pricing.as_ref();
    terms.map_or(Adjustments::NONE, |terms| terms.adjustments(hrg, function, day))
}

/// Prices a line under `contract`.
pub(super) fn price(
    reference: &Reference,
    line: &ActivityLine,
    contract: &Contract,
) -> Result<Priced, Reason> {
    let day = line.date();
    let mff = reference.mff(line.provider, line.site, day).ok_or(Reason::NoMarketForcesFactor)?;
    let activity = match line.care {
        Care::Admitted { method, classification, excluded_days, .. } => {
            let nights = u32::try_from(day.since(line.started)).unwrap_or(0);
            Activity::Spell(Spell {
                hrg: line.hrg.ok_or(Reason::NoPrice)?,
                classification,
                admission_method: method,
                length_of_stay_days: nights.saturating_sub(u32::from(excluded_days)),
            })
        }
        Care::Outpatient { first, attended } => {
            let attendance = Attendance::at(line.pod, Some(first), attended, line.function, line.hrg);
            Activity::Attendance(attendance.map_err(why_not)?)
        }
    };
    let question = Question {
        activity,
        date: day.date(),
        mff: Some(mff),
        rounding: contract.rounding,
        local_price: local_price(contract, line.hrg, line.function, line.pod),
        adjustments: adjustments(contract, line.hrg, line.function, day),
    };
    tariff::price(reference.books(), &question).map_err(why_not)
}

/// The point of delivery of an attendance that is expected: one professional, led by a consultant.
const fn expected_delivery(first_attendance: FirstAttendance) -> Option<PointOfDelivery> {
    match first_attendance {
        FirstAttendance::First => Some(PointOfDelivery::FirstSingle),
        FirstAttendance::FollowUp => Some(PointOfDelivery::FollowUpSingle),
        FirstAttendance::FirstRemote => Some(PointOfDelivery::FirstRemote),
        FirstAttendance::FollowUpRemote => Some(PointOfDelivery::FollowUpRemote),
        FirstAttendance::ClockStop => None,
    }
}

/// The price of one attendance of the kind that a referral leads to, as far as the books have one.
pub(super) fn attendance_price(
    reference: &Reference,
    contract: &Contract,
    (payee, site): (OdsCode, OdsCode),
    function: TreatmentFunction,
    first_attendance: FirstAttendance,
    day: Day,
) -> Option<Priced> {
    let attendance = Attendance {
        function,
        hrg: None,
        first_attendance,
        attended: AttendedOrDidNotAttend::Attended,
        multi_professional: Some(false),
        consultant_led: true,
    };
    let question = Question {
        activity: Activity::Attendance(attendance),
        date: day.date(),
        mff: Some(reference.mff(payee, site, day)?),
        rounding: contract.rounding,
        local_price: local_price(contract, None, function, expected_delivery(first_attendance)?),
        adjustments: adjustments(contract, None, function, day),
    };
    tariff::price(reference.books(), &question).ok()
}

/// The price of an admission that is expected, without a long stay: as a day case of no night, else of an elective spell.
pub(super) fn admission_price(
    reference: &Reference,
    contract: &Contract,
    (payee, function): (OdsCode, TreatmentFunction),
    (hrg, classification): (Hrg, PatientClassification),
    day: Day,
) -> Option<Priced> {
    let pod = CLASSIFIED.iter().find(|(_, of)| *of == classification).map(|(pod, _)| *pod);
    // Where is not known yet: an independent provider has a factor for each site, of which the first stands for all.
    let mut sites =
        reference.rows().sites.iter().filter(|row| row.payee == payee && row.validity.covers(day));
    let mff = reference
        .mff(payee, payee, day)
        .or_else(|| sites.find_map(|row| reference.mff(payee, row.site, day)));
    let question = Question {
        activity: Activity::Spell(Spell {
            hrg,
            classification,
            admission_method: nhs::AdmissionMethod::WaitingList,
            length_of_stay_days: 0,
        }),
        date: day.date(),
        mff: Some(mff?),
        rounding: contract.rounding,
        local_price: pod.and_then(|pod| local_price(contract, Some(hrg), function, pod)),
        adjustments: adjustments(contract, Some(hrg), function, day),
    };
    tariff::price(reference.books(), &question).ok()
}
