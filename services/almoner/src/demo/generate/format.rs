//! Whose system writes what: each provider's file has the columns, codes and dates of its own.

use super::line::Fields;
use jiff::civil::Date;
use std::fmt::Write as _;

/// The kind of file that a provider's system writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// Headed by the names of our own fields.
    Native,
    /// Patient-level contract monitoring: the names of the NHS Data Dictionary.
    Plcm,
    /// A local contract monitoring file: its own names, codes and dates.
    Slam,
}

const NATIVE: &str = "cds_identifier,nhs_number,site,practice,commissioner,treatment_function,point_of_delivery,\
     start_date,end_date,claimed_pence,hrg,first_attendance,attended,admission_method,patient_classification,ubrn,\
     administrative_category,local_identifier,claimed_mff\n";

const PLCM: &str = "FINANCIAL MONTH,FINANCIAL YEAR,ORGANISATION IDENTIFIER (CODE OF PROVIDER),\
     ORGANISATION SITE IDENTIFIER (OF TREATMENT),ORGANISATION IDENTIFIER (CODE OF COMMISSIONER),\
     GENERAL MEDICAL PRACTICE CODE (PATIENT REGISTRATION),NHS NUMBER,CDS UNIQUE IDENTIFIER,\
     ACTIVITY TREATMENT FUNCTION CODE,POINT OF DELIVERY CODE,ACTIVITY START DATE (CONTRACT MONITORING),\
     ACTIVITY END DATE (CONTRACT MONITORING),TARIFF CODE,CONTRACT MONITORING ACTUAL PRICE,FIRST ATTENDANCE CODE,\
     ATTENDANCE STATUS,METHOD OF ADMISSION CODE (HOSPITAL PROVIDER SPELL),PATIENT CLASSIFICATION CODE,\
     ADMINISTRATIVE CATEGORY CODE,UNIQUE BOOKING REFERENCE NUMBER (CONVERTED)\n";

const SLAM: &str = "SLAM ID;CDS ID;Provider;Site;CCG;GP Practice;NHS No;TFC;POD;Activity Date;Discharge Date;HRG;Cost;\
     First Att;Att DNA;Adm Method;Pat Class;Admin Category;UBRN\n";

impl Format {
    /// What the provider's system writes.
    pub(crate) fn of(provider: &str) -> Self {
        match provider {
            "RN5" => Self::Plcm,
            "NT3" => Self::Slam,
            _ => Self::Native,
        }
    }

    /// The heading of the file.
    pub(crate) const fn heading(self) -> &'static str {
        match self {
            Self::Native => NATIVE,
            Self::Plcm => PLCM,
            Self::Slam => SLAM,
        }
    }

    /// Appends a line as a row of `provider`'s file.
    pub(crate) fn write(self, provider: &str, fields: &Fields, out: &mut String) {
        match self {
            Self::Native => fields.write_csv(out),
            Self::Plcm => plcm(provider, fields, out),
            Self::Slam => slam(provider, fields, out),
        }
    }
}

/// `-12.05`.
fn pounds(pence: i64) -> String {
    let (sign, pence) = (if pence < 0 { "-" } else { "" }, pence.unsigned_abs());
    format!("{sign}{}.{:02}", pence / 100, pence % 100)
}

// Writing to a String cannot fail, and no field can hold a delimiter, a quote or a line break.

fn plcm(provider: &str, fields: &Fields, out: &mut String) {
    let day = fields.end_date.unwrap_or(fields.start_date);
    let month = (day.month() + 8) % 12 + 1;
    let first = if day.month() < 4 { day.year() - 1 } else { day.year() };
    let end = fields.end_date.map(|date| date.to_string()).unwrap_or_default();
    let _ = writeln!(
        out,
        "{month},{first}{:02},{provider:0<5},{},{},{},{},{},{},{},{},{end},{},{},{},{},{},{},{},{}",
        (first + 1) % 100,
        fields.site,
        fields.commissioner,
        fields.practice,
        fields.nhs_number,
        fields.cds_identifier,
        fields.treatment_function,
        fields.point_of_delivery,
        fields.start_date,
        fields.hrg,
        pounds(fields.claimed_pence),
        fields.first_attendance,
        fields.attended,
        fields.admission_method,
        fields.patient_classification,
        fields.administrative_category,
        fields.ubrn,
    );
}

fn slam(provider: &str, fields: &Fields, out: &mut String) {
    let local = |code: &str, names: &[(&str, &'static str)]| {
        let name = names.iter().find(|(national, _)| *national == code).map(|(_, local)| *local);
        name.map_or_else(|| code.to_owned(), str::to_owned)
    };
    let date = |date: Date| date.strftime("%d-%b-%Y").to_string();
    let pods = [
        ("DC", "DAYCASE"),
        ("EL", "ELECTIVE"),
        ("OPFASPCL", "OPFA"),
        ("OPFUPSPCL", "OPFUP"),
        ("NF2FFA", "OPFANF2F"),
    ];
    let _ = writeln!(
        out,
        "{};{};{provider:0<5};{};{};{};{};{};{};{};{};{};{};{};{};{};{};{};{}",
        fields.cds_identifier.trim_start_matches(['B', '0']),
        fields.cds_identifier,
        fields.site,
        fields.commissioner,
        fields.practice,
        fields.nhs_number,
        fields.treatment_function,
        local(&fields.point_of_delivery, &pods),
        date(fields.start_date),
        fields.end_date.map(date).unwrap_or_default(),
        fields.hrg,
        pounds(fields.claimed_pence),
        local(&fields.first_attendance, &[("1", "F"), ("2", "R")]),
        local(&fields.attended, &[("5", "ATT"), ("3", "DNA")]),
        fields.admission_method,
        fields.patient_classification,
        local(&fields.administrative_category, &[("01", "NHS"), ("02", "PP")]),
        fields.ubrn,
    );
}
