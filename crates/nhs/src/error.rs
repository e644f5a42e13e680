//! Why a text was refused, in words that its sender can act on.

use core::fmt;

/// What a text was to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Field {
    /// An NHS number.
    NhsNumber,
    /// A pseudonym.
    Pseudonym,
    /// The ODS code of an organisation or site.
    OdsCode,
    /// The ODS code of a GP practice.
    PracticeCode,
    /// The outward part of a postcode.
    PostcodeDistrict,
    /// A unique booking reference number of e-RS.
    Ubrn,
    /// A CDS unique identifier.
    CdsIdentifier,
    /// A provider's own number for a spell or an attendance.
    LocalIdentifier,
    /// [`crate::PathwayIdentifier`].
    PathwayIdentifier,
    /// [`crate::OverseasVisitor`].
    OverseasVisitor,
    /// A healthcare resource group.
    Hrg,
    /// A treatment function code.
    TreatmentFunction,
    /// A point of delivery code.
    PointOfDelivery,
    /// An admission method code.
    AdmissionMethod,
    /// A patient classification code.
    PatientClassification,
    /// An administrative category code.
    AdministrativeCategory,
    /// A first attendance code.
    FirstAttendance,
    /// An attended or did not attend code.
    AttendedOrDidNotAttend,
    /// A financial year.
    FinancialYear,
    /// A month.
    Period,
    /// A bank sort code.
    SortCode,
    /// A bank account number.
    AccountNumber,
}

/// What is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Problem {
    /// There is nothing.
    Empty,
    /// Its length is not one that the code may have.
    Length {
        /// How many characters (bytes) were found.
        found: usize,
    },
    /// A character may not stand where it stands.
    Character {
        /// Counted from 1.
        position: usize,
    },
    /// The modulus 11 check digit does not match.
    CheckDigit,
    /// One digit repeated: passes the checksum and is nobody's number.
    Repdigit,
    /// Zeros only: a filler, not a reference.
    Filler,
    /// Well formed, but not in the code list.
    Unknown,
    /// A main specialty code that is not a treatment function.
    NotTreatmentFunction,
    /// A code that has been withdrawn.
    Retired,
    /// The two years of a financial year do not follow each other.
    YearsDoNotFollow,
    /// A date beyond what the code can express.
    OutOfRange,
}

/// A text is not what its field asks for. It never quotes the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub struct ParseError {
    /// What the text was to be.
    pub field: Field,
    /// What is wrong with it.
    pub problem: Problem,
}

impl Field {
    /// Every field.
    pub const ALL: &'static [Self] = &[
        Self::NhsNumber,
        Self::Pseudonym,
        Self::OdsCode,
        Self::PracticeCode,
        Self::PostcodeDistrict,
        Self::Ubrn,
        Self::CdsIdentifier,
        Self::LocalIdentifier,
        Self::PathwayIdentifier,
        Self::OverseasVisitor,
        Self::Hrg,
        Self::TreatmentFunction,
        Self::PointOfDelivery,
        Self::AdmissionMethod,
        Self::PatientClassification,
        Self::AdministrativeCategory,
        Self::FirstAttendance,
        Self::AttendedOrDidNotAttend,
        Self::FinancialYear,
        Self::Period,
        Self::SortCode,
        Self::AccountNumber,
    ];

    /// The field's name as people say it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NhsNumber => "NHS number",
            Self::Pseudonym => "pseudonym",
            Self::OdsCode => "ODS code",
            Self::PracticeCode => "GP practice code",
            Self::PostcodeDistrict => "postcode district",
            Self::Ubrn => "UBRN",
            Self::CdsIdentifier => "CDS unique identifier",
            Self::LocalIdentifier => "local spell or attendance identifier",
            Self::PathwayIdentifier => "patient pathway identifier",
            Self::OverseasVisitor => "overseas visitor status",
            Self::Hrg => "HRG",
            Self::TreatmentFunction => "treatment function code",
            Self::PointOfDelivery => "point of delivery code",
            Self::AdmissionMethod => "admission method",
            Self::PatientClassification => "patient classification",
            Self::AdministrativeCategory => "administrative category",
            Self::FirstAttendance => "first attendance code",
            Self::AttendedOrDidNotAttend => "attended or did not attend code",
            Self::FinancialYear => "financial year",
            Self::Period => "month",
            Self::SortCode => "sort code",
            Self::AccountNumber => "account number",
        }
    }

    /// What the field asks for, to follow "must be".
    #[must_use]
    pub const fn shape(self) -> &'static str {
        match self {
            Self::NhsNumber => "ten digits, or 3 3 4 digits parted by single spaces",
            Self::Pseudonym => "32 lower-case hexadecimal digits",
            Self::OdsCode => "3, 5 or 6 capital letters and digits",
            Self::PracticeCode => "a capital letter and five digits, for example K81017",
            Self::PostcodeDistrict => "the outward part of a postcode in capitals, for example RG14",
            Self::Ubrn => "12 digits",
            Self::CdsIdentifier => "1 to 35 capital letters, digits and -/._:",
            Self::LocalIdentifier | Self::PathwayIdentifier => "1 to 20 letters, digits and -/._:",
            Self::OverseasVisitor => "one of 1, 2, 3, 4, 8, 9",
            Self::Hrg => "two capital letters, two digits and a capital letter, for example BZ34C",
            Self::TreatmentFunction => "three digits of the treatment function list, for example 110",
            Self::PointOfDelivery => "a national point of delivery code, for example DC or OPFASPCL",
            Self::AdmissionMethod => "a two-character admission method, for example 11",
            Self::PatientClassification => "1 to 5",
            Self::AdministrativeCategory => "01, 02, 03, 04, 98 or 99",
            Self::FirstAttendance => "1 to 5",
            Self::AttendedOrDidNotAttend => "0 or 2 to 7",
            Self::FinancialYear => "two following years, for example 2017-18",
            Self::Period => "a year from 1900 to 2999 and a month, for example 2017-06",
            Self::SortCode => "six digits, with or without hyphens: 123456 or 12-34-56",
            Self::AccountNumber => "eight digits; pad a shorter number with zeros on the left",
        }
    }

    /// The stable code for a text refused for this field.
    const fn reason(self) -> &'static str {
        match self {
            Self::NhsNumber => "NHS_NUMBER_INVALID",
            Self::Pseudonym => "PSEUDONYM_INVALID",
            Self::OdsCode => "ODS_CODE_INVALID",
            Self::PracticeCode => "PRACTICE_CODE_INVALID",
            Self::PostcodeDistrict => "POSTCODE_DISTRICT_INVALID",
            Self::Ubrn => "UBRN_INVALID",
            Self::CdsIdentifier => "CDS_IDENTIFIER_INVALID",
            Self::LocalIdentifier => "LOCAL_IDENTIFIER_INVALID",
            Self::PathwayIdentifier => "PATHWAY_IDENTIFIER_INVALID",
            Self::OverseasVisitor => "OVERSEAS_VISITOR_INVALID",
            Self::Hrg => "HRG_INVALID",
            Self::TreatmentFunction => "TREATMENT_FUNCTION_INVALID",
            Self::PointOfDelivery => "POINT_OF_DELIVERY_INVALID",
            Self::AdmissionMethod => "ADMISSION_METHOD_INVALID",
            Self::PatientClassification => "PATIENT_CLASSIFICATION_INVALID",
            Self::AdministrativeCategory => "ADMINISTRATIVE_CATEGORY_INVALID",
            Self::FirstAttendance => "FIRST_ATTENDANCE_INVALID",
            Self::AttendedOrDidNotAttend => "ATTENDED_OR_DID_NOT_ATTEND_INVALID",
            Self::FinancialYear => "FINANCIAL_YEAR_INVALID",
            Self::Period => "PERIOD_INVALID",
            Self::SortCode => "SORT_CODE_INVALID",
            Self::AccountNumber => "ACCOUNT_NUMBER_INVALID",
        }
    }

    pub(crate) const fn refuse(self, problem: Problem) -> ParseError {
        ParseError { field: self, problem }
    }
}

impl ParseError {
    /// Every code that [`ParseError::reason`] can answer, for a catalogue to be held complete by.
    pub fn reasons() -> impl Iterator<Item = &'static str> {
        let apart = ["NHS_NUMBER_CHECK_DIGIT", "NHS_NUMBER_REPDIGIT"];
        Field::ALL.iter().map(|field| field.reason()).chain(apart)
    }

    /// The stable UPPER_SNAKE code of this error: one per field (`HRG_INVALID`…), and `NHS_NUMBER_CHECK_DIGIT` and
    /// `NHS_NUMBER_REPDIGIT` apart because their remedies differ.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match (self.field, self.problem) {
            (Field::NhsNumber, Problem::CheckDigit) => "NHS_NUMBER_CHECK_DIGIT",
            (Field::NhsNumber, Problem::Repdigit) => "NHS_NUMBER_REPDIGIT",
            (field, _) => field.reason(),
        }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, shape) = (self.field.name(), self.field.shape());
        match self.problem {
            Problem::Empty => write!(f, "{name} is empty: it must be {shape}"),
            Problem::Length { found } => write!(f, "{name} has {found} characters: it must be {shape}"),
            Problem::Character { position } => {
                write!(
                    f,
                    "{name} has a character that cannot stand at position {position}: it must be {shape}"
                )
            }
            Problem::CheckDigit => {
                write!(f, "{name} fails its check digit: a digit was mistyped or two swapped")
            }
            Problem::Repdigit => write!(f, "{name} is one digit repeated: a filler, never issued"),
            Problem::Filler => write!(f, "{name} is all zeros: leave it out when there is none"),
            Problem::Unknown => write!(f, "{name} is not in the code list: it must be {shape}"),
            Problem::NotTreatmentFunction => {
                write!(
                    f,
                    "{name} is a main specialty, not a treatment function: send the function treated under"
                )
            }
            Problem::Retired => write!(f, "{name} has been retired: send the code that replaced it"),
            Problem::YearsDoNotFollow => {
                write!(f, "{name} names two years that do not follow: it must be {shape}")
            }
            Problem::OutOfRange => write!(f, "{name} is out of range: it must be {shape}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{CdsIdentifier, FinancialYear, Hrg, NhsNumber, OdsCode, ParseError, TreatmentFunction, Ubrn};
    use core::str::FromStr;
    use expect_test::expect;
    use std::collections::BTreeSet;

    fn refusal<T: FromStr<Err = ParseError>>(text: &str) -> String {
        T::from_str(text).err().map(|error| format!("{}: {error}\n", error.reason())).unwrap_or_default()
    }

    #[test]
    fn refusals_say_what_to_do_and_never_quote() {
        let all = [
            refusal::<NhsNumber>("9434765918"),
            refusal::<NhsNumber>("1111111111"),
            refusal::<NhsNumber>("12345"),
            refusal::<OdsCode>("9434765919"),
            refusal::<OdsCode>("rhw"),
            refusal::<Ubrn>("00004938271"),
            refusal::<Ubrn>("000000000000"),
            refusal::<CdsIdentifier>(""),
            refusal::<Hrg>("BZ34c"),
            refusal::<TreatmentFunction>("312"),
            refusal::<TreatmentFunction>("510"),
            refusal::<TreatmentFunction>("999"),
            refusal::<FinancialYear>("2017-19"),
            refusal::<FinancialYear>("1066-67"),
        ]
        .concat();
        assert!(!all.contains("943476"));
        let reasons: BTreeSet<&str> = ParseError::reasons().collect();
        assert_eq!(reasons.len(), 24);
        assert!(all.lines().all(|line| reasons.contains(line.split(':').next().unwrap())));
        expect![[r#"
            NHS_NUMBER_CHECK_DIGIT: NHS number fails its check digit: a digit was mistyped or two swapped
            NHS_NUMBER_REPDIGIT: NHS number is one digit repeated: a filler, never issued
            NHS_NUMBER_INVALID: NHS number has 5 characters: it must be ten digits, or 3 3 4 digits parted by single spaces
            ODS_CODE_INVALID: ODS code has 10 characters: it must be 3, 5 or 6 capital letters and digits
            ODS_CODE_INVALID: ODS code has a character that cannot stand at position 1: it must be 3, 5 or 6 capital letters and digits
            UBRN_INVALID: UBRN has 11 characters: it must be 12 digits
            UBRN_INVALID: UBRN is all zeros: leave it out when there is none
            CDS_IDENTIFIER_INVALID: CDS unique identifier is empty: it must be 1 to 35 capital letters, digits and -/._:
            HRG_INVALID: HRG has a character that cannot stand at position 5: it must be two capital letters, two digits and a capital letter, for example BZ34C
            TREATMENT_FUNCTION_INVALID: treatment function code is a main specialty, not a treatment function: send the function treated under
            TREATMENT_FUNCTION_INVALID: treatment function code has been retired: send the code that replaced it
            TREATMENT_FUNCTION_INVALID: treatment function code is not in the code list: it must be three digits of the treatment function list, for example 110
            FINANCIAL_YEAR_INVALID: financial year names two years that do not follow: it must be two following years, for example 2017-18
            FINANCIAL_YEAR_INVALID: financial year is out of range: it must be two following years, for example 2017-18
        "#]].assert_eq(&all);
    }
}
