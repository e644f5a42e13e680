//! Lines and referrals as commands.

use crate::{Fields, common};
use core::str::FromStr;
use journal::{Day, Position};
use money::{Factor, Pence};
use nhs::{CdsIdentifier, NhsNumber, OdsCode, ParseError, Period, Pseudonym};
use proto::referrals::v1;
use reference::{Cut, Stage};
use referrals::{
    ActivityLine, CLAIMED_MAX, Care, End, Move, NoChoice, Reason, Reasons, RecordReferral, Source, SusRow,
    UnreadableLine,
};
use sha2::{Digest as _, Sha256};

/// The most lines of one batch.
pub const LINES_PER_BATCH_MAX: usize = 2_000;
/// The most referrals of one batch.
pub const REFERRALS_PER_BATCH_MAX: usize = 1_000;
/// The most providers that one referral may say were offered.
const OFFERED_MAX: usize = 10;

/// What has no NHS number in it yet has this in the place of the patient; nothing with it is ever submitted.
const NOBODY: Pseudonym = Pseudonym::new([0; 16]);

/// A line as it was read.
#[derive(Debug, Clone, Copy)]
pub enum ReadLine {
    /// It can be read. The pseudonym has still to take the NHS number's place.
    Readable(NhsNumber, ActivityLine),
    /// It cannot.
    Unreadable(Unread),
}

/// A line that cannot be read, and what its tags are made from.
#[derive(Debug, Clone, Copy)]
pub struct Unread {
    /// What is recorded of it. Its tag has still to be put in.
    pub line: UnreadableLine,
    /// The provider's name for it, where that could be read.
    pub name: Option<CdsIdentifier>,
    /// SHA-256 of all that was sent: see [`content`].
    pub content: [u8; 32],
}

/// Where a line stands: its submission, row and provider.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// The submission's number.
    pub submission: Position,
    /// The row, from 1.
    pub row: u64,
    /// The submission's provider.
    pub provider: OdsCode,
}

/// Collects what is wrong with one line.
struct Faults(Reasons);

impl Faults {
    fn note<T>(&mut self, found: Option<T>, reason: Reason) -> Option<T> {
        if found.is_none() {
            self.0.insert(reason);
        }
        found
    }

    /// A required code.
    fn code<T: FromStr>(&mut self, text: &str, reason: Reason) -> Option<T> {
        let found = text.parse().ok();
        self.note(found, reason)
    }

    /// A code that may be absent. The outer `None` says that it was wrong.
    fn optional<T: FromStr>(&mut self, text: &str, reason: Reason) -> Option<Option<T>> {
        if text.is_empty() { Some(None) } else { self.code(text, reason).map(Some) }
    }

    /// A market forces factor that may be absent. The outer `None` says that it was wrong.
    fn factor(&mut self, text: &str) -> Option<Option<Factor>> {
        if text.is_empty() {
            return Some(None);
        }
        self.note(factor(text), Reason::ClaimedMffInvalid).map(Some)
    }

    /// What has no place in this setting must be empty.
    fn absent(&mut self, text: &str, reason: Reason) {
        self.0.insert_if(!text.is_empty(), reason);
    }

    fn nhs_number(&mut self, text: &str) -> Option<NhsNumber> {
        text.parse().map_err(|error: ParseError| self.0.insert(number_reason(error))).ok()
    }

    fn date(&mut self, date: Option<proto::google::r#type::Date>, reason: Reason) -> Option<Day> {
        let found = date.and_then(common::date_from).map(Day::from);
        self.note(found, reason)
    }
}

/// The reason for something that is not an NHS number: the remedies differ.
fn number_reason(error: ParseError) -> Reason {
    match error.reason() {
        "NHS_NUMBER_CHECK_DIGIT" => Reason::NhsNumberCheckDigit,
        "NHS_NUMBER_REPDIGIT" => Reason::NhsNumberRepdigit,
        _ => Reason::NhsNumberInvalid,
    }
}

/// Reads a line, or says everything that is wrong with it at once.
#[must_use]
pub fn line(message: &v1::ActivityLine, place: Place) -> ReadLine {
    let v1::ActivityLine {
        cds_identifier,
        nhs_number,
        site,
        practice,
        commissioner,
        treatment_function,
        point_of_delivery,
        start_date,
        end_date: _,
        claimed_pence,
        hrg,
        first_attendance: _,
        attended: _,
        admission_method: _,
        patient_classification: _,
        ubrn,
        administrative_category,
        excluded_days: _,
        local_identifier,
        claimed_mff,
        pathway_identifier,
        residence,
        overseas_visitor,
    } = message;
    let mut faults = Faults(Reasons::NONE);
    let cds_identifier = faults.code(cds_identifier, Reason::CdsIdentifierInvalid);
    let nhs_number = faults.nhs_number(nhs_number);
    let site = faults.code(site, Reason::SiteInvalid);
    let practice = faults.code(practice, Reason::PracticeInvalid);
    let commissioner = faults.code(commissioner, Reason::CommissionerInvalid);
    let function = faults.code(treatment_function, Reason::TreatmentFunctionInvalid);
    let pod = faults.code(point_of_delivery, Reason::PointOfDeliveryInvalid);
    let started = faults.date(*start_date, Reason::StartDateInvalid);
    let claimed = Pence::new(*claimed_pence).filter(|claimed| *claimed <= CLAIMED_MAX);
    let claimed = faults.note(claimed, Reason::ClaimedInvalid);
    let hrg: Option<Option<nhs::Hrg>> = faults.optional(hrg, Reason::HrgInvalid);
    let ubrn = faults.optional(ubrn, Reason::UbrnInvalid);
    let category = faults.optional(administrative_category, Reason::AdministrativeCategoryInvalid);
    let local = faults.optional(local_identifier, Reason::LocalIdentifierInvalid);
    let claimed_mff = faults.factor(claimed_mff);
    let pathway = faults.optional(pathway_identifier, Reason::PathwayIdentifierInvalid);
    let residence = faults.optional(residence, Reason::ResidenceInvalid);
    let overseas = faults.optional(overseas_visitor, Reason::OverseasVisitorInvalid);
    let care = pod.and_then(|pod| care(message, pod, started, hrg.flatten(), &mut faults));
    let read = || {
        Some(ReadLine::Readable(
            nhs_number?,
            ActivityLine {
                submission: place.submission,
                row: place.row,
                provider: place.provider,
                cds_identifier: cds_identifier?,
                pseudonym: NOBODY,
                site: site?,
                practice: practice?,
                commissioner: commissioner?,
                function: function?,
                pod: pod?,
                started: started?,
                claimed: claimed?,
                care: care?,
                hrg: hrg?,
                ubrn: ubrn?,
                category: category?.unwrap_or(nhs::AdministrativeCategory::Nhs),
                local: local?,
                claimed_mff: claimed_mff?,
                tag: None,
                pathway: pathway?,
                residence: residence?,
                overseas: overseas?,
            },
        ))
    };
    match read() {
        Some(line) if faults.0.is_empty() => line,
        Some(_) | None => ReadLine::Unreadable(Unread {
            line: UnreadableLine {
                submission: place.submission,
                row: place.row,
                provider: place.provider,
                faults: faults.0.into(),
                claimed,
                tag: None,
            },
            name: cds_identifier,
            content: content(message, place),
        }),
    }
}

/// SHA-256 of a line as it was sent, however long its fields: its submission, its row, and each field that is not empty under
/// its number. The same line sent again has the same, and whoever kept the file can make it again.
#[must_use]
pub fn content(message: &v1::ActivityLine, place: Place) -> [u8; 32] {
    let v1::ActivityLine {
        cds_identifier,
        nhs_number,
        site,
        practice,
        commissioner,
        treatment_function,
        point_of_delivery,
        start_date,
        end_date,
        claimed_pence,
        hrg,
        first_attendance,
        attended,
        admission_method,
        patient_classification,
        ubrn,
        administrative_category,
        excluded_days,
        local_identifier,
        claimed_mff,
        pathway_identifier,
        residence,
        overseas_visitor,
    } = message;
    let date = |date: &Option<proto::google::r#type::Date>| {
        date.map(|date| [date.year, date.month, date.day].map(i32::to_le_bytes).concat()).unwrap_or_default()
    };
    let (started, ended) = (date(start_date), date(end_date));
    let (claimed, excluded) = (claimed_pence.to_le_bytes(), excluded_days.to_le_bytes());
    // The list only grows, or lines sent again would have another content.
    let fields: [&[u8]; 23] = [
        cds_identifier.as_bytes(),
        nhs_number.as_bytes(),
        site.as_bytes(),
        practice.as_bytes(),
        commissioner.as_bytes(),
        treatment_function.as_bytes(),
        point_of_delivery.as_bytes(),
        &started,
        &ended,
        &claimed,
        hrg.as_bytes(),
        first_attendance.as_bytes(),
        attended.as_bytes(),
        admission_method.as_bytes(),
        patient_classification.as_bytes(),
        ubrn.as_bytes(),
        administrative_category.as_bytes(),
        &excluded,
        local_identifier.as_bytes(),
        claimed_mff.as_bytes(),
        pathway_identifier.as_bytes(),
        residence.as_bytes(),
        overseas_visitor.as_bytes(),
    ];
    let mut hash = Sha256::new();
    hash.update(b"almoner unreadable line\0");
    hash.update(place.submission.get().to_le_bytes());
    hash.update(place.row.to_le_bytes());
    for (number, field) in (0_u8..).zip(fields).filter(|(_, field)| !field.is_empty()) {
        hash.update([number]);
        hash.update(u64::try_from(field.len()).unwrap_or(u64::MAX).to_le_bytes());
        hash.update(field);
    }
    hash.finalize().into()
}

/// What is coded of the care: by the point of delivery either an admission or an appointment, and nothing of the other.
fn care(
    message: &v1::ActivityLine,
    pod: nhs::PointOfDelivery,
    started: Option<Day>,
    hrg: Option<nhs::Hrg>,
    faults: &mut Faults,
) -> Option<Care> {
    if pod.is_admitted() {
        faults.absent(&message.first_attendance, Reason::FirstAttendanceInvalid);
        faults.absent(&message.attended, Reason::AttendedInvalid);
        faults.note(hrg, Reason::HrgInvalid);
        let discharged = faults.date(message.end_date, Reason::EndDateInvalid);
        let method = faults.code(&message.admission_method, Reason::AdmissionMethodInvalid);
        let classification =
            faults.code(&message.patient_classification, Reason::PatientClassificationInvalid);
        let excluded_days = u16::try_from(message.excluded_days).ok();
        let excluded_days = faults.note(excluded_days, Reason::ExcludedDaysInvalid);
        let backwards = started.zip(discharged).is_some_and(|(started, discharged)| discharged < started);
        faults.0.insert_if(backwards, Reason::EndBeforeStart);
        let (discharged, excluded_days) = (discharged?, excluded_days?);
        let nights = discharged.since(started?).max(0);
        faults.0.insert_if(!backwards && i32::from(excluded_days) > nights, Reason::ExcludedDaysInvalid);
        return Some(Care::Admitted {
            discharged,
            method: method?,
            classification: classification?,
            excluded_days,
        });
    }
    faults.absent(&message.admission_method, Reason::AdmissionMethodInvalid);
    faults.absent(&message.patient_classification, Reason::PatientClassificationInvalid);
    faults.0.insert_if(message.end_date.is_some(), Reason::EndDateInvalid);
    faults.0.insert_if(message.excluded_days != 0, Reason::ExcludedDaysInvalid);
    if pod.is_procedure() {
        faults.note(hrg, Reason::HrgInvalid);
    }
    let first = faults.code(&message.first_attendance, Reason::FirstAttendanceInvalid);
    let attended = faults.code(&message.attended, Reason::AttendedInvalid);
    Some(Care::Outpatient { first: first?, attended: attended? })
}

/// Reads a referral, noting everything that is wrong with it. The pseudonym has still to take the NHS number's place.
#[must_use]
pub fn referral(
    message: &v1::ReferralSubmission,
    fields: &mut Fields,
) -> Option<(NhsNumber, RecordReferral)> {
    let v1::ReferralSubmission {
        nhs_number,
        ubrn,
        treatment_function,
        source,
        referred_on,
        practice,
        offered,
        provider,
        site,
        pathway_identifier,
        no_choice_reason,
        clock_start_date,
        residence,
    } = message;
    let nhs_number = fields.parse("nhs_number", nhs_number);
    let ubrn = fields.parse_optional("ubrn", ubrn);
    let function = fields.parse("treatment_function", treatment_function);
    let source = fields.one_of("source", *source, |source| match source {
        v1::ReferralSource::Unspecified => None,
        v1::ReferralSource::Gp => Some(Source::Gp),
        v1::ReferralSource::Other => Some(Source::Other),
    });
    let referred = fields.date("referred_on", *referred_on);
    let practice = fields.parse("practice", practice);
    if offered.len() > OFFERED_MAX {
        fields.refuse("offered", "BATCH_TOO_LARGE", format!("it must hold at most {OFFERED_MAX} codes"));
    }
    let codes = offered.iter().take(OFFERED_MAX).enumerate();
    let offered: Vec<Option<OdsCode>> =
        codes.map(|(at, code)| fields.parse(&format!("offered[{at}]"), code)).collect();
    let provider = fields.parse("provider", provider);
    let site = fields.parse_optional("site", site);
    let pathway = fields.parse_optional("pathway_identifier", pathway_identifier);
    let no_choice = fields.one_of("no_choice_reason", *no_choice_reason, |reason| Some(no_choice(reason)));
    let clock_start = fields.date_optional("clock_start_date", *clock_start_date);
    let residence = fields.parse_optional("residence", residence);
    Some((
        nhs_number?,
        RecordReferral {
            pseudonym: NOBODY,
            function: function?,
            source: source?,
            referred: referred?.into(),
            practice: practice?,
            offered: offered.into_iter().collect::<Option<_>>()?,
            provider: provider?,
            site: site?,
            ubrn: ubrn?,
            pathway: pathway?,
            no_choice: no_choice?,
            clock_start: clock_start?.map(Day::from),
            residence: residence?,
        },
    ))
}

const fn no_choice(reason: v1::NoChoiceReason) -> Option<NoChoice> {
    match reason {
        v1::NoChoiceReason::Unspecified => None,
        v1::NoChoiceReason::Urgent => Some(NoChoice::Urgent),
        v1::NoChoiceReason::Maternity => Some(NoChoice::Maternity),
        v1::NoChoiceReason::Detained => Some(NoChoice::Detained),
        v1::NoChoiceReason::ArmedForces => Some(NoChoice::ArmedForces),
        v1::NoChoiceReason::PatientAskedReferrer => Some(NoChoice::PatientAskedReferrer),
        v1::NoChoiceReason::OneProvider => Some(NoChoice::OneProvider),
    }
}

/// Reads a move, noting everything that is wrong with it: what belongs to another move must be empty.
#[must_use]
pub fn referral_move(message: &v1::ReferralMove, fields: &mut Fields) -> Option<Move> {
    use v1::referral_move::Kind;
    let v1::ReferralMove { kind, booked_date, hrg, patient_classification, provider, site } = message;
    let kind = fields.one_of("kind", *kind, |kind| (kind != Kind::Unspecified).then_some(kind))?;
    let mut apart = |of: Kind, given: bool, field: &str| {
        if given && kind != of {
            fields.refuse(field, "FIELD_INVALID", "it goes with another kind of move only");
        }
    };
    apart(Kind::Booked, booked_date.is_some(), "booked_date");
    apart(Kind::Listed, !hrg.is_empty(), "hrg");
    apart(Kind::Listed, !patient_classification.is_empty(), "patient_classification");
    apart(Kind::Transferred, !provider.is_empty(), "provider");
    apart(Kind::Transferred, !site.is_empty(), "site");
    Some(match kind {
        Kind::Unspecified => return None,
        Kind::Accepted => Move::Accepted,
        Kind::Returned => Move::Returned,
        Kind::Booked => Move::Booked { day: fields.date("booked_date", *booked_date)?.into() },
        Kind::Attended => Move::Attended,
        Kind::NotAttended => Move::NotAttended,
        Kind::Listed => {
            let hrg = fields.parse("hrg", hrg);
            let classification = fields.parse("patient_classification", patient_classification);
            Move::Listed { hrg: hrg?, classification: classification? }
        }
        Kind::Treated => Move::Treated,
        Kind::MonitoredByPatient => Move::Monitored { by_patient: true },
        Kind::MonitoredByProfessional => Move::Monitored { by_patient: false },
        Kind::Resumed => Move::Resumed,
        Kind::NotTreated => Move::NotTreated,
        Kind::Declined => Move::Declined,
        Kind::Transferred => {
            let provider = fields.parse("provider", provider);
            let site = fields.parse_optional("site", site);
            Move::Transferred { provider: provider?, site: site? }
        }
        Kind::Discharged => Move::Discharged,
        Kind::Cancelled => Move::Cancelled,
    })
}

/// A factor as files write it: with trailing zeros it is the same value.
fn factor(text: &str) -> Option<Factor> {
    let plain = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text };
    plain.parse().ok().filter(|factor: &Factor| !factor.get().is_zero())
}

/// Reads a row of a SUS extract of `period`, noting everything that is wrong with it.
#[must_use]
pub fn sus_row(message: &v1::SusRow, period: Period, fields: &mut Fields) -> Option<SusRow> {
    let v1::SusRow {
        cds_identifier,
        local_identifier,
        activity_date,
        commissioner,
        point_of_delivery,
        hrg,
        mff,
        price_pence,
    } = message;
    let cds_identifier = fields.parse_optional("cds_identifier", cds_identifier);
    let local = fields.parse_optional("local_identifier", local_identifier);
    let date = fields.date("activity_date", *activity_date);
    if date.is_some_and(|date| !period.contains(date)) {
        fields.refuse(
            "activity_date",
            "FIELD_INVALID",
            format!("it must be in the extract's month, {period}"),
        );
    }
    let commissioner = fields.parse("commissioner", commissioner);
    let pod = fields.parse("point_of_delivery", point_of_delivery);
    let hrg = fields.parse_optional("hrg", hrg);
    let factor = if mff.is_empty() { Some(None) } else { factor(mff).map(Some) };
    if factor.is_none() {
        fields.refuse("mff", "FIELD_INVALID", "it must be a plain decimal above zero, for example 1.0613");
    }
    let price = fields.pence("price_pence", *price_pence).filter(|price| *price <= CLAIMED_MAX);
    if price.is_none() && *price_pence > 0 {
        fields.refuse("price_pence", "AMOUNT_INVALID", "it must be at most £1,000 million");
    }
    Some(SusRow {
        cds_identifier: cds_identifier?,
        local: local?,
        date: date?.into(),
        commissioner: commissioner?,
        pod: pod?,
        price: price?,
        hrg: hrg?,
        mff: factor?,
    })
}

/// How a referral is to end.
#[must_use]
pub fn end(state: i32, fields: &mut Fields) -> Option<End> {
    fields.one_of("state", state, |state| match state {
        v1::ReferralState::Discharged => Some(End::Discharged),
        v1::ReferralState::Cancelled => Some(End::Cancelled),
        v1::ReferralState::Unspecified | v1::ReferralState::Open | v1::ReferralState::Expired => None,
    })
}

/// A cut that a request names.
#[must_use]
pub fn cut(message: &v1::Cut, fields: &mut Fields) -> Option<Cut> {
    let v1::Cut { period, stage } = message;
    let period = fields.parse("period", period);
    let stage = fields.one_of("stage", *stage, |stage| match stage {
        v1::CutStage::Unspecified => None,
        v1::CutStage::Flex => Some(Stage::Flex),
        v1::CutStage::Freeze => Some(Stage::Freeze),
    });
    Some(Cut { period: period?, stage: stage? })
}

#[cfg(test)]
mod tests;
