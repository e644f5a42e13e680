//! One line of a provider's file, and how it is written: right, or wrong in one way.

use super::mix::Fault;
use jiff::civil::Date;
use money::Factor;
use nhs::{AttendedOrDidNotAttend, FirstAttendance, Hrg, NhsNumber, OdsCode, PointOfDelivery, PracticeCode};
use std::fmt::Write as _;

/// Which file a line stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Wave {
    /// Sent before the first cut.
    Flex,
    /// Sent between the first and the last.
    Freeze,
    /// Sent when the month is frozen.
    Late,
}

/// A line as it ought to be, and what is wrong with it.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    /// The provider's own number of the record: the same again is a new version.
    pub(crate) serial: u32,
    /// The provider's own number of the care: that of the line it is the twin of, for a twin.
    pub(crate) care: u32,
    pub(crate) patient: NhsNumber,
    pub(crate) practice: PracticeCode,
    pub(crate) commissioner: OdsCode,
    pub(crate) provider: &'static str,
    pub(crate) site: &'static str,
    pub(crate) function: &'static str,
    pub(crate) pod: PointOfDelivery,
    pub(crate) start: Date,
    pub(crate) end: Option<Date>,
    pub(crate) hrg: Option<Hrg>,
    pub(crate) first: Option<FirstAttendance>,
    pub(crate) attended: Option<AttendedOrDidNotAttend>,
    pub(crate) ubrn: Option<u64>,
    pub(crate) claimed: i64,
    /// The market forces factor that the claim holds, where the provider says so.
    pub(crate) mff: Option<Factor>,
    pub(crate) fault: Option<Fault>,
    pub(crate) wave: Wave,
}

/// A line as it is sent: texts, whether they can be read or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fields {
    pub(crate) cds_identifier: String,
    pub(crate) nhs_number: String,
    pub(crate) site: String,
    pub(crate) practice: String,
    pub(crate) commissioner: String,
    pub(crate) treatment_function: String,
    pub(crate) point_of_delivery: String,
    pub(crate) start_date: Date,
    pub(crate) end_date: Option<Date>,
    pub(crate) claimed_pence: i64,
    pub(crate) hrg: String,
    pub(crate) first_attendance: String,
    pub(crate) attended: String,
    pub(crate) admission_method: String,
    pub(crate) patient_classification: String,
    pub(crate) ubrn: String,
    pub(crate) administrative_category: String,
    pub(crate) local_identifier: String,
    pub(crate) claimed_mff: String,
}

impl Line {
    /// The line as it is sent.
    pub(crate) fn fields(&self) -> Fields {
        let text = |code: Option<String>| code.unwrap_or_default();
        let admitted = self.pod.is_admitted();
        let classification = self.pod.classification().filter(|_| admitted);
        let mut fields = Fields {
            // The organisation code in five characters, padded as the commissioning data sets pad it.
            cds_identifier: format!("B{:0<5}{:09}", self.provider, self.serial),
            nhs_number: self.patient.reveal_text(),
            site: self.site.to_owned(),
            practice: self.practice.to_string(),
            commissioner: self.commissioner.to_string(),
            treatment_function: self.function.to_owned(),
            point_of_delivery: self.pod.to_string(),
            start_date: self.start,
            end_date: self.end,
            claimed_pence: self.claimed,
            hrg: text(self.hrg.map(|hrg| hrg.to_string())),
            first_attendance: text(self.first.map(|code| code.to_string())),
            attended: text(self.attended.map(|code| code.to_string())),
            admission_method: if admitted { "11".to_owned() } else { String::new() },
            patient_classification: text(classification.map(|code| code.to_string())),
            ubrn: text(self.ubrn.map(|ubrn| format!("{ubrn:012}"))),
            administrative_category: "01".to_owned(),
            local_identifier: text(self.mff.map(|_| format!("{}-{:07}", self.provider, self.care))),
            claimed_mff: text(self.mff.map(|factor| factor.to_string())),
        };
        if let Some(fault) = self.fault {
            spoil(&mut fields, fault);
        }
        fields
    }
}

/// Makes the field wrong that the fault is about. What is wrong with the patient's practice, the claim or the grouping
/// was put into the line itself.
fn spoil(fields: &mut Fields, fault: Fault) {
    match fault {
        Fault::SiteUnknown => fields.site = "NV999".to_owned(),
        Fault::Private => fields.administrative_category = "02".to_owned(),
        Fault::Emergency => fields.admission_method = "21".to_owned(),
        Fault::NhsNumberShort => {
            fields.nhs_number.pop();
        }
        Fault::NhsNumberSlip => {
            let last = fields.nhs_number.pop().and_then(|digit| digit.to_digit(10)).unwrap_or(0);
            let _ = write!(fields.nhs_number, "{}", (last + 1) % 10);
        }
        Fault::NhsNumberRepdigit => fields.nhs_number = "9999999999".to_owned(),
        Fault::PointOfDelivery => fields.point_of_delivery = "OPX".to_owned(),
        Fault::NegativeClaim => fields.claimed_pence = -1 - fields.claimed_pence,
        Fault::Future => fields.start_date = jiff::civil::date(2017, 12, 1),
        Fault::Backwards => fields.end_date = fields.start_date.yesterday().ok(),
        Fault::CodesMissing => {
            fields.hrg.clear();
            fields.treatment_function.clear();
        }
        Fault::WrongCommissioner
        | Fault::Neighbour
        | Fault::Duplicate
        | Fault::NoPrice
        | Fault::Ungrouped
        | Fault::PriceDiffers => {}
    }
}

impl Fields {
    /// Appends the line as a row of the provider's file.
    pub(crate) fn write_csv(&self, out: &mut String) {
        let end = self.end_date.map(|date| date.to_string()).unwrap_or_default();
        // Writing to a String cannot fail, and no field can hold a comma, a quote or a line break.
        let _ = writeln!(
            out,
            "{},{},{},{},{},{},{},{},{end},{},{},{},{},{},{},{},{},{},{}",
            self.cds_identifier,
            self.nhs_number,
            self.site,
            self.practice,
            self.commissioner,
            self.treatment_function,
            self.point_of_delivery,
            self.start_date,
            self.claimed_pence,
            self.hrg,
            self.first_attendance,
            self.attended,
            self.admission_method,
            self.patient_classification,
            self.ubrn,
            self.administrative_category,
            self.local_identifier,
            self.claimed_mff,
        );
    }
}
