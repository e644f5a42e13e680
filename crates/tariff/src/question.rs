//! What is asked: one line of activity and the terms it is priced on.

use crate::{Adjustments, Mff, NoPrice};
use jiff::civil::Date;
use money::{Pence, Rounding};
use nhs::{
    AdmissionMethod, AttendedOrDidNotAttend, FirstAttendance, Hrg, PatientClassification, PointOfDelivery,
    TreatmentFunction,
};

/// One line to be priced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question {
    /// What was done.
    pub activity: Activity,
    /// The day that decides the price list: discharge of a spell (NHS practice, unverified), the appointment otherwise.
    pub date: Date,
    /// The factor of the place of treatment on that day; `None` asks for the price before it.
    pub mff: Option<Mff>,
    /// Where the exact result becomes money: a term of the contract.
    pub rounding: Rounding,
    /// What the contract says instead of, or beside, the national price.
    pub local_price: Option<LocalPrice>,
    /// What is added to a national price.
    pub adjustments: Adjustments,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activity {
    /// An admission, discharged.
    Spell(Spell),
    /// An outpatient appointment, with or without a procedure.
    Attendance(Attendance),
    /// A procedure done at an appointment of which nothing else is known: no attendance price stands behind it.
    Procedure(Hrg),
}

/// An admitted spell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spell {
    /// The core HRG of the spell (not of an episode).
    pub hrg: Hrg,
    /// Ordinary, day case, regular.
    pub classification: PatientClassification,
    /// How the patient came in.
    pub admission_method: AdmissionMethod,
    /// Nights from admission to discharge, less the days of critical care, discrete rehabilitation and specialist
    /// palliative care, which are paid apart (NHS practice, unverified).
    pub length_of_stay_days: u32,
}

/// An outpatient appointment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attendance {
    /// The function it was held under.
    pub function: TreatmentFunction,
    /// The HRG it was grouped to, if any: a procedure, or one of the attendance groups WF01A to WF02D.
    pub hrg: Option<Hrg>,
    /// First or follow-up, in person or not.
    pub first_attendance: FirstAttendance,
    /// Whether it was kept.
    pub attended: AttendedOrDidNotAttend,
    /// Whether several professionals saw the patient, where the point of delivery or the provider's indicator says so;
    /// else the grouped HRG decides, else it was one. Never read from the first attendance code.
    pub multi_professional: Option<bool>,
    /// Whether a consultant led it. Others are locally priced.
    pub consultant_led: bool,
}

/// A price that the contract names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalPrice {
    /// The price of one line.
    pub amount: Pence,
    /// When it holds.
    pub use_: LocalPriceUse,
    /// Whether the market forces factor is in it already. Must be explicit per contract line.
    pub includes_mff: bool,
}

/// When a local price holds (Health and Social Care Act 2012, Part 3, Chapter 4; names as in the national tariff).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LocalPriceUse {
    /// Where there is no national price.
    WhereNone,
    /// Instead of the national price: an agreed local variation.
    Variation,
}

impl Attendance {
    /// The appointment that a point of delivery names. A code of first attendance may say in addition whether a
    /// procedure was done at the first or a later appointment, or that the line is no attendance.
    ///
    /// Errors when the two contradict each other, when nothing says whether it was the first, or when the point of
    /// delivery is of admitted care.
    pub fn at(
        point_of_delivery: PointOfDelivery,
        first_attendance: Option<FirstAttendance>,
        attended: AttendedOrDidNotAttend,
        function: TreatmentFunction,
        hrg: Option<Hrg>,
    ) -> Result<Self, NoPrice> {
        if point_of_delivery.is_admitted() {
            return Err(NoPrice::ContradictoryAttendance);
        }
        let named = match (point_of_delivery.is_first(), point_of_delivery.is_remote()) {
            (Some(true), true) => Some(FirstAttendance::FirstRemote),
            (Some(true), false) => Some(FirstAttendance::First),
            (Some(false), true) => Some(FirstAttendance::FollowUpRemote),
            (Some(false), false) => Some(FirstAttendance::FollowUp),
            (None, _) => None,
        };
        let first_attendance = match (named, first_attendance) {
            (_, Some(FirstAttendance::ClockStop)) => FirstAttendance::ClockStop,
            (Some(named), None) => named,
            (Some(named), Some(given)) if named == given => named,
            (None, Some(given)) => given,
            (Some(_), Some(_)) | (None, None) => return Err(NoPrice::ContradictoryAttendance),
        };
        let multi_professional = match point_of_delivery {
            PointOfDelivery::FirstMulti
            | PointOfDelivery::FirstMultiNonConsultant
            | PointOfDelivery::FollowUpMulti
            | PointOfDelivery::FollowUpMultiNonConsultant => Some(true),
            PointOfDelivery::FirstSingle
            | PointOfDelivery::FirstSingleNonConsultant
            | PointOfDelivery::FollowUpSingle
            | PointOfDelivery::FollowUpSingleNonConsultant => Some(false),
            PointOfDelivery::FirstRemote
            | PointOfDelivery::FollowUpRemote
            | PointOfDelivery::Procedure
            | PointOfDelivery::ProcedureFirst
            | PointOfDelivery::ProcedureFollowUp
            | PointOfDelivery::DayCase
            | PointOfDelivery::Elective
            | PointOfDelivery::ElectiveExcessBedDays
            | PointOfDelivery::RegularDay
            | PointOfDelivery::RegularNight => None,
        };
        let consultant_led = point_of_delivery.is_consultant_led();
        Ok(Self { function, hrg, first_attendance, attended, multi_professional, consultant_led })
    }
}
