//! The coded fields of an activity line. Source of every list: NHS Data Dictionary, the attribute of that name, except
//! points of delivery (NHS England national point of delivery codes).

use crate::text::code_list;

code_list! {
    /// How a patient came to be admitted. Text, never a number: `2A` to `2D` stand beside `21`.
    AdmissionMethod {
        /// Elective: from the waiting list.
        WaitingList = "11",
        /// Elective: booked.
        Booked = "12",
        /// Elective: planned, for instance one of a series.
        Planned = "13",
        /// Emergency: through the emergency department.
        EmergencyDepartment = "21",
        /// Emergency: by a general practitioner.
        GeneralPractitioner = "22",
        /// Emergency: through the bed bureau.
        BedBureau = "23",
        /// Emergency: from a consultant clinic.
        ConsultantClinic = "24",
        /// Emergency: by a mental health crisis team.
        MentalHealthCrisis = "25",
        /// Emergency: through the emergency department of another provider.
        OtherEmergencyDepartment = "2A",
        /// Emergency: transfer of an admitted patient from another provider.
        EmergencyTransfer = "2B",
        /// Emergency: baby born at home as intended.
        BabyBornAtHome = "2C",
        /// Emergency: by other means.
        OtherEmergency = "2D",
        /// Emergency: by other means (replaced by 2A to 2D).
        OtherEmergencyOld = "28",
        /// Maternity: before delivery.
        AntePartum = "31",
        /// Maternity: after delivery.
        PostPartum = "32",
        /// Transfer from another provider that is no emergency. Planned, yet not elective.
        Transfer = "81",
        /// Baby born in this provider.
        BabyBornHere = "82",
        /// Baby born elsewhere.
        BabyBornElsewhere = "83",
        /// Not applicable.
        NotApplicable = "98",
        /// Not known.
        NotKnown = "99",
    }
}

impl AdmissionMethod {
    /// Whether the admission was elective: 11, 12 and 13 only. 81 (transfer) is planned and is not.
    #[must_use]
    pub const fn is_elective(self) -> bool {
        matches!(self, Self::WaitingList | Self::Booked | Self::Planned)
    }
}

code_list! {
    /// What kind of admission was intended and happened.
    PatientClassification {
        /// Admitted, at least one night intended.
        Ordinary = "1",
        /// Admitted and discharged in a day, as intended.
        DayCase = "2",
        /// One of a series of days without a night.
        RegularDay = "3",
        /// One of a series of nights.
        RegularNight = "4",
        /// Mother and baby using delivery facilities only.
        DeliveryOnly = "5",
    }
}

code_list! {
    /// On whose account a patient is treated.
    AdministrativeCategory {
        /// NHS patient.
        Nhs = "01",
        /// Private patient: never NHS money.
        Private = "02",
        /// Amenity patient: NHS care, a private bed paid by the patient.
        Amenity = "03",
        /// Category II patient: work for a third party.
        CategoryTwo = "04",
        /// Not applicable.
        NotApplicable = "98",
        /// Not known.
        NotKnown = "99",
    }
}

code_list! {
    /// Whether a visitor from overseas pays (overseas visitor status classification of the commissioning data sets; its values
    /// are NHS practice, unverified, and standard DCB3017 replaced it after 2018).
    OverseasVisitor {
        /// Exempt: a reciprocal agreement, or another country's insurance, covers the visitor.
        ExemptByAgreement = "1",
        /// Exempt for another reason.
        Exempt = "2",
        /// Pays for the stay only; treatment is the NHS's.
        PaysForStay = "3",
        /// Pays for everything.
        Pays = "4",
        /// Not applicable: no visitor from overseas.
        NotApplicable = "8",
        /// Not known.
        NotKnown = "9",
    }
}

impl OverseasVisitor {
    /// Whether the visitor pays for treatment, so that no commissioner does.
    #[must_use]
    pub const fn is_chargeable(self) -> bool {
        matches!(self, Self::Pays)
    }

    /// Whether the visitor is exempt, so that the commissioner pays as for a resident.
    #[must_use]
    pub const fn is_exempt(self) -> bool {
        matches!(self, Self::ExemptByAgreement | Self::Exempt)
    }
}

code_list! {
    /// Whether an appointment was the first of its course, and how it was held.
    FirstAttendance {
        /// First, face to face.
        First = "1",
        /// Follow-up, face to face.
        FollowUp = "2",
        /// First, by telephone or telemedicine. (Not "multi-professional", as some scripts read it.)
        FirstRemote = "3",
        /// Follow-up, by telephone or telemedicine.
        FollowUpRemote = "4",
        /// An administrative event that stops the referral-to-treatment clock. Not an attendance, never priced.
        ClockStop = "5",
    }
}

impl FirstAttendance {
    /// Whether it is a first attendance (1 or 3).
    #[must_use]
    pub const fn is_first(self) -> bool {
        matches!(self, Self::First | Self::FirstRemote)
    }

    /// Whether it was held by telephone or telemedicine (3 or 4).
    #[must_use]
    pub const fn is_remote(self) -> bool {
        matches!(self, Self::FirstRemote | Self::FollowUpRemote)
    }
}

code_list! {
    /// Whether an appointment was kept.
    AttendedOrDidNotAttend {
        /// Not applicable: the appointment lies in the future.
        Future = "0",
        /// Cancelled by, or for, the patient.
        CancelledByPatient = "2",
        /// Did not attend, without warning.
        DidNotAttend = "3",
        /// Cancelled or postponed by the provider.
        CancelledByProvider = "4",
        /// Attended in time, or late and seen.
        Attended = "5",
        /// Arrived late and was seen.
        LateSeen = "6",
        /// Arrived late and was not seen.
        LateNotSeen = "7",
    }
}

impl AttendedOrDidNotAttend {
    /// Whether the patient was seen: 5 and 6 only.
    #[must_use]
    pub const fn was_seen(self) -> bool {
        matches!(self, Self::Attended | Self::LateSeen)
    }
}

code_list! {
    /// The national points of delivery that elective care uses.
    PointOfDelivery {
        /// Day case.
        DayCase = "DC",
        /// Ordinary elective spell.
        Elective = "EL",
        /// Elective excess bed days, a monitoring line of its own.
        ElectiveExcessBedDays = "ELXBD",
        /// Regular day admission.
        RegularDay = "RADAY",
        /// Regular night admission.
        RegularNight = "RANIGHT",
        /// First attendance, single professional, consultant led.
        FirstSingle = "OPFASPCL",
        /// First attendance, single professional, not consultant led.
        FirstSingleNonConsultant = "OPFASPNCL",
        /// First attendance, several professionals, consultant led.
        FirstMulti = "OPFAMPCL",
        /// First attendance, several professionals, not consultant led.
        FirstMultiNonConsultant = "OPFAMPNCL",
        /// Follow-up attendance, single professional, consultant led.
        FollowUpSingle = "OPFUPSPCL",
        /// Follow-up attendance, single professional, not consultant led.
        FollowUpSingleNonConsultant = "OPFUPSPNCL",
        /// Follow-up attendance, several professionals, consultant led.
        FollowUpMulti = "OPFUPMPCL",
        /// Follow-up attendance, several professionals, not consultant led.
        FollowUpMultiNonConsultant = "OPFUPMPNCL",
        /// First attendance, not face to face.
        FirstRemote = "NF2FFA",
        /// Follow-up attendance, not face to face.
        FollowUpRemote = "NF2FFUP",
        /// Outpatient procedure.
        Procedure = "OPPROC",
        /// Outpatient procedure at a first attendance.
        ProcedureFirst = "OPPROCFA",
        /// Outpatient procedure at a follow-up attendance.
        ProcedureFollowUp = "OPPROCFUP",
    }
}

impl PointOfDelivery {
    /// Whether a patient is admitted: day case, elective spell, its excess bed days, regular admissions.
    #[must_use]
    pub const fn is_admitted(self) -> bool {
        matches!(
            self,
            Self::DayCase
                | Self::Elective
                | Self::ElectiveExcessBedDays
                | Self::RegularDay
                | Self::RegularNight
        )
    }

    /// The patient classification of an admitted point of delivery; excess bed days are no admission of their own.
    #[must_use]
    pub const fn classification(self) -> Option<PatientClassification> {
        match self {
            Self::DayCase => Some(PatientClassification::DayCase),
            Self::Elective => Some(PatientClassification::Ordinary),
            Self::RegularDay => Some(PatientClassification::RegularDay),
            Self::RegularNight => Some(PatientClassification::RegularNight),
            Self::ElectiveExcessBedDays
            | Self::FirstSingle
            | Self::FirstSingleNonConsultant
            | Self::FirstMulti
            | Self::FirstMultiNonConsultant
            | Self::FollowUpSingle
            | Self::FollowUpSingleNonConsultant
            | Self::FollowUpMulti
            | Self::FollowUpMultiNonConsultant
            | Self::FirstRemote
            | Self::FollowUpRemote
            | Self::Procedure
            | Self::ProcedureFirst
            | Self::ProcedureFollowUp => None,
        }
    }

    /// Whether it is an outpatient procedure.
    #[must_use]
    pub const fn is_procedure(self) -> bool {
        matches!(self, Self::Procedure | Self::ProcedureFirst | Self::ProcedureFollowUp)
    }

    /// Whether it is an outpatient attendance, first or follow-up, face to face or not.
    #[must_use]
    pub const fn is_attendance(self) -> bool {
        !self.is_admitted() && !self.is_procedure()
    }

    /// Whether an attendance is not face to face.
    #[must_use]
    pub const fn is_remote(self) -> bool {
        matches!(self, Self::FirstRemote | Self::FollowUpRemote)
    }

    /// Whether it is the first of a course of attendances (true), a follow-up (false), or says neither.
    #[must_use]
    pub const fn is_first(self) -> Option<bool> {
        match self {
            Self::FirstSingle
            | Self::FirstSingleNonConsultant
            | Self::FirstMulti
            | Self::FirstMultiNonConsultant
            | Self::FirstRemote
            | Self::ProcedureFirst => Some(true),
            Self::FollowUpSingle
            | Self::FollowUpSingleNonConsultant
            | Self::FollowUpMulti
            | Self::FollowUpMultiNonConsultant
            | Self::FollowUpRemote
            | Self::ProcedureFollowUp => Some(false),
            Self::DayCase
            | Self::Elective
            | Self::ElectiveExcessBedDays
            | Self::RegularDay
            | Self::RegularNight
            | Self::Procedure => None,
        }
    }

    /// Whether the attendance was led by a consultant; not consultant-led attendances have no national price.
    #[must_use]
    pub const fn is_consultant_led(self) -> bool {
        !matches!(
            self,
            Self::FirstSingleNonConsultant
                | Self::FirstMultiNonConsultant
                | Self::FollowUpSingleNonConsultant
                | Self::FollowUpMultiNonConsultant
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::{fmt::Display, str::FromStr};
    use expect_test::expect;

    fn round_trip<T>(all: &[T])
    where
        T: Copy + PartialEq + core::fmt::Debug + Display + FromStr<Err = crate::ParseError>,
        T: minicbor::Encode<()> + for<'b> minicbor::Decode<'b, ()>,
    {
        for code in all {
            assert_eq!(code.to_string().parse::<T>(), Ok(*code));
            let bytes = minicbor::to_vec(code).unwrap();
            assert_eq!(minicbor::decode::<T>(&bytes).unwrap(), *code);
            let with_space = format!("{code} ");
            assert!(with_space.parse::<T>().is_err());
        }
        assert_eq!("".parse::<T>().unwrap_err().problem, crate::Problem::Empty);
        assert_eq!("?".parse::<T>().unwrap_err().problem, crate::Problem::Unknown);
    }

    #[test]
    fn every_code_round_trips() {
        round_trip(AdmissionMethod::ALL);
        round_trip(PatientClassification::ALL);
        round_trip(AdministrativeCategory::ALL);
        round_trip(OverseasVisitor::ALL);
        round_trip(FirstAttendance::ALL);
        round_trip(AttendedOrDidNotAttend::ALL);
        round_trip(PointOfDelivery::ALL);
    }

    #[test]
    fn eleven_twelve_and_thirteen_are_elective_and_eighty_one_is_not() {
        let elective: Vec<_> = AdmissionMethod::ALL.iter().filter(|m| m.is_elective()).collect();
        assert_eq!(format!("{elective:?}"), "[WaitingList, Booked, Planned]");
        assert!(!"81".parse::<AdmissionMethod>().unwrap().is_elective());
    }

    #[test]
    fn what_each_point_of_delivery_is() {
        let mut table = String::new();
        for pod in PointOfDelivery::ALL {
            let kind = match (pod.is_admitted(), pod.is_procedure(), pod.is_attendance()) {
                (true, false, false) => "admitted",
                (false, true, false) => "procedure",
                (false, false, true) => "attendance",
                _ => "?",
            };
            let first = pod.is_first().map_or("-", |first| if first { "first" } else { "follow-up" });
            let remote = if pod.is_remote() { " remote" } else { "" };
            let led = if pod.is_consultant_led() { "" } else { " not consultant led" };
            let class = pod.classification().map_or(String::new(), |class| format!(" {class:?}"));
            table.push_str(&format!("{pod:<11}{kind} {first}{class}{remote}{led}\n"));
        }
        expect![[r#"
            DC         admitted - DayCase
            EL         admitted - Ordinary
            ELXBD      admitted -
            RADAY      admitted - RegularDay
            RANIGHT    admitted - RegularNight
            OPFASPCL   attendance first
            OPFASPNCL  attendance first not consultant led
            OPFAMPCL   attendance first
            OPFAMPNCL  attendance first not consultant led
            OPFUPSPCL  attendance follow-up
            OPFUPSPNCL attendance follow-up not consultant led
            OPFUPMPCL  attendance follow-up
            OPFUPMPNCL attendance follow-up not consultant led
            NF2FFA     attendance first remote
            NF2FFUP    attendance follow-up remote
            OPPROC     procedure -
            OPPROCFA   procedure first
            OPPROCFUP  procedure follow-up
        "#]]
        .assert_eq(&table);
    }
}
