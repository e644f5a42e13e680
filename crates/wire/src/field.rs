//! What is wrong with a request's fields: all of it at once.
//!
//! ```text
//! let mut fields = Fields::new();
//! let system = fields.system("system", &message.system);
//! let amount = fields.pence("amount_pence", message.amount_pence);
//! let (system, amount) = fields.known((system, amount))?;
//! ```

use crate::{common, status};
use core::{fmt::Display, str::FromStr};
use jiff::civil::Date;
use journal::{Digest, RequestId, SystemName};
use money::Pence;
use tonic::Status;

/// One field that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The path of the field, as in `legs[2].amount_pence`.
    pub field: String,
    /// The stable code.
    pub reason: &'static str,
    /// What it must be, for people. Never what it was.
    pub description: String,
}

/// At least one violation, in the order of the fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violations {
    first: Violation,
    rest: Vec<Violation>,
}

impl Violations {
    /// The first.
    #[must_use]
    pub const fn first(&self) -> &Violation {
        &self.first
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Violation> {
        core::iter::once(&self.first).chain(&self.rest)
    }

    /// The same facts for one item of a batch that as a whole was done.
    #[must_use]
    pub fn problems(&self) -> Vec<proto::common::v1::Problem> {
        self.iter()
            .map(|violation| proto::common::v1::Problem {
                reason: violation.reason.to_owned(),
                domain: status::DOMAIN.to_owned(),
                message: violation.description.clone(),
                field: violation.field.clone(),
            })
            .collect()
    }
}

impl From<Violations> for Status {
    fn from(violations: Violations) -> Self {
        status::violations(&violations)
    }
}

/// A parse error that knows its stable code. Its text says what the field must be, never what it was.
pub trait FieldError: Display {
    /// The stable code: UPPER_SNAKE.
    fn reason(&self) -> &'static str;
}

impl FieldError for nhs::ParseError {
    fn reason(&self) -> &'static str {
        (*self).reason()
    }
}

impl FieldError for journal::IdError {
    fn reason(&self) -> &'static str {
        match self {
            Self::NotUuid | Self::Version(_) => "REQUEST_ID_INVALID",
            Self::SystemName => "SYSTEM_INVALID",
            Self::Service(_) => "FIELD_INVALID",
        }
    }
}

/// The reasons of `nhs`'s parsers.
#[cfg(test)]
pub(crate) const NHS_REASONS: &[&str] = &[
    "ACCOUNT_NUMBER_INVALID",
    "ADMINISTRATIVE_CATEGORY_INVALID",
    "ADMISSION_METHOD_INVALID",
    "ATTENDED_OR_DID_NOT_ATTEND_INVALID",
    "CDS_IDENTIFIER_INVALID",
    "LOCAL_IDENTIFIER_INVALID",
    "FINANCIAL_YEAR_INVALID",
    "FIRST_ATTENDANCE_INVALID",
    "HRG_INVALID",
    "NHS_NUMBER_CHECK_DIGIT",
    "NHS_NUMBER_INVALID",
    "NHS_NUMBER_REPDIGIT",
    "ODS_CODE_INVALID",
    "PATIENT_CLASSIFICATION_INVALID",
    "OVERSEAS_VISITOR_INVALID",
    "PATHWAY_IDENTIFIER_INVALID",
    "PERIOD_INVALID",
    "POINT_OF_DELIVERY_INVALID",
    "POSTCODE_DISTRICT_INVALID",
    "PRACTICE_CODE_INVALID",
    "PSEUDONYM_INVALID",
    "SORT_CODE_INVALID",
    "TREATMENT_FUNCTION_INVALID",
    "UBRN_INVALID",
];

/// The reasons of [`Fields`] itself.
#[cfg(test)]
pub(crate) const FIELD_REASONS: &[&str] = &[
    "AMOUNT_INVALID",
    "BATCH_EMPTY",
    "BATCH_TOO_LARGE",
    "DATE_INVALID",
    "DIGEST_INVALID",
    "FIELD_INVALID",
    "FIELD_MISSING",
    "FIELD_TOO_LONG",
    "PAGE_TOKEN_INVALID",
    "REQUEST_ID_INVALID",
    "SYSTEM_INVALID",
    "TEXT_HOLDS_NHS_NUMBER",
];

/// Collects the violations of one request, or of one item of a batch. Costs nothing while nothing is wrong.
#[derive(Debug, Default)]
pub struct Fields {
    found: Vec<Violation>,
    prefix: String,
}

impl Fields {
    /// None yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { found: Vec::new(), prefix: String::new() }
    }

    /// Notes that the field at `path` is wrong.
    pub fn refuse(&mut self, path: &str, reason: &'static str, description: impl Into<String>) {
        let field = match (self.prefix.is_empty(), path.is_empty()) {
            (true, _) => path.to_owned(),
            (false, true) => self.prefix.clone(),
            (false, false) => format!("{}.{path}", self.prefix),
        };
        self.found.push(Violation { field, reason, description: description.into() });
    }

    /// Runs `inner` with every path beginning with `path`: for a message inside the message.
    pub fn within<T>(&mut self, path: &str, inner: impl FnOnce(&mut Self) -> T) -> T {
        let outer = self.prefix.len();
        if outer > 0 {
            self.prefix.push('.');
        }
        self.prefix.push_str(path);
        let result = inner(self);
        self.prefix.truncate(outer);
        result
    }

    /// Runs `inner` with every path beginning with `path[index]`: for one of repeated messages.
    pub fn within_item<T>(&mut self, path: &str, index: usize, inner: impl FnOnce(&mut Self) -> T) -> T {
        self.within(&format!("{path}[{index}]"), inner)
    }

    /// A required message.
    pub fn required<T>(&mut self, path: &str, value: Option<T>) -> Option<T> {
        if value.is_none() {
            self.missing(path);
        }
        value
    }

    /// A required text, parsed.
    pub fn parse<T>(&mut self, path: &str, text: &str) -> Option<T>
    where
        T: FromStr,
        T::Err: FieldError,
    {
        if text.is_empty() {
            self.missing(path);
            return None;
        }
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.refuse(path, error.reason(), error.to_string());
                None
            }
        }
    }

    /// A text that may be absent (empty), parsed when it is there. The outer `None` says that it was wrong.
    pub fn parse_optional<T>(&mut self, path: &str, text: &str) -> Option<Option<T>>
    where
        T: FromStr,
        T::Err: FieldError,
    {
        if text.is_empty() { Some(None) } else { self.parse(path, text).map(Some) }
    }

    /// A required text without a form of its own, of at most `bytes_max` bytes and without control characters.
    pub fn text<'a>(&mut self, path: &str, text: &'a str, bytes_max: usize) -> Option<&'a str> {
        if text.is_empty() {
            self.missing(path);
            return None;
        }
        self.text_optional(path, text, bytes_max)
    }

    /// A text that may be empty, of at most `bytes_max` bytes and without control characters.
    pub fn text_optional<'a>(&mut self, path: &str, text: &'a str, bytes_max: usize) -> Option<&'a str> {
        if text.len() > bytes_max {
            self.refuse(path, "FIELD_TOO_LONG", format!("it must be at most {bytes_max} bytes"));
            None
        } else if text.chars().any(char::is_control) {
            self.refuse(path, "FIELD_INVALID", "it must have no control characters");
            None
        } else {
            Some(text)
        }
    }

    /// The name of a system.
    pub fn system(&mut self, path: &str, text: &str) -> Option<SystemName> {
        match text.parse::<SystemName>() {
            _ if text.is_empty() => self.missing(path),
            Ok(system) => return Some(system),
            Err(error) => self.refuse(path, "SYSTEM_INVALID", error.to_string()),
        }
        None
    }

    /// The request id of a single call: a UUID of version 7, or 8 (derived), or 4 (tolerated).
    pub fn request_id(&mut self, path: &str, text: &str) -> Option<RequestId> {
        match text.parse::<RequestId>() {
            _ if text.is_empty() => self.missing(path),
            Ok(id) => return Some(id),
            Err(error) => self.refuse(path, "REQUEST_ID_INVALID", error.to_string()),
        }
        None
    }

    /// The request id of an item of a batch or stream: as [`Fields::request_id`], but version 4 is refused.
    pub fn bulk_request_id(&mut self, path: &str, text: &str) -> Option<RequestId> {
        let id = self.request_id(path, text)?;
        if id.is_random() {
            self.refuse(path, "REQUEST_ID_INVALID", "in bulk a request id is a UUID of version 7 or 8");
            return None;
        }
        Some(id)
    }

    /// A full civil date.
    pub fn date(&mut self, path: &str, date: Option<proto::google::r#type::Date>) -> Option<Date> {
        let Some(date) = date else {
            self.missing(path);
            return None;
        };
        let found = common::date_from(date);
        if found.is_none() {
            self.refuse(path, "DATE_INVALID", "it must be a full date that exists: year, month and day");
        }
        found
    }

    /// A full civil date that may be absent. The outer `None` says that it was wrong.
    pub fn date_optional(
        &mut self,
        path: &str,
        date: Option<proto::google::r#type::Date>,
    ) -> Option<Option<Date>> {
        if date.is_none() { Some(None) } else { self.date(path, date).map(Some) }
    }

    /// An amount of pence, zero allowed.
    pub fn pence(&mut self, path: &str, pence: i64) -> Option<Pence> {
        let found = Pence::new(pence);
        if found.is_none() {
            self.refuse(
                path,
                "AMOUNT_INVALID",
                "an amount is not negative: a side or a kind says which way it goes",
            );
        }
        found
    }

    /// An amount of pence above zero.
    pub fn pence_above_zero(&mut self, path: &str, pence: i64) -> Option<Pence> {
        let found = self.pence(path, pence)?;
        if found.is_zero() {
            self.refuse(path, "AMOUNT_INVALID", "it must be at least one penny");
            return None;
        }
        Some(found)
    }

    /// A SHA-256.
    pub fn digest(&mut self, path: &str, bytes: &[u8]) -> Option<Digest> {
        let found = <[u8; 32]>::try_from(bytes).ok().map(Digest);
        if found.is_none() {
            self.refuse(path, "DIGEST_INVALID", "it must be the 32 bytes of a SHA-256");
        }
        found
    }

    /// One of an enum's known values. `known` turns the wire's value into the domain's and returns `None` for
    /// unspecified; numbers that this program does not know are refused.
    pub fn one_of<E: TryFrom<i32>, T>(
        &mut self,
        path: &str,
        number: i32,
        known: impl FnOnce(E) -> Option<T>,
    ) -> Option<T> {
        let found = E::try_from(number).ok().and_then(known);
        match found {
            None if number == 0 => self.missing(path),
            None => self.refuse(path, "FIELD_INVALID", "it is none of the values that this server knows"),
            Some(_) => {}
        }
        found
    }

    /// Whether a batch holds 1 to `max` items.
    pub fn batch(&mut self, path: &str, items: usize, max: usize) -> Option<()> {
        if items == 0 {
            self.refuse(path, "BATCH_EMPTY", format!("it must hold 1 to {max} items"));
            None
        } else if items > max {
            self.refuse(path, "BATCH_TOO_LARGE", format!("it must hold at most {max} items"));
            None
        } else {
            Some(())
        }
    }

    /// The values that were all found, or every violation. A value is `None` only if its violation was noted.
    pub fn known<K: Known>(self, values: K) -> Result<K::Values, Violations> {
        match values.all() {
            Some(values) => self.finish().map(|()| values),
            None => Err(self.finish().err().unwrap_or_else(|| Violations {
                first: Violation {
                    field: String::new(),
                    reason: "FIELD_INVALID",
                    description: "a field is not what it must be".to_owned(),
                },
                rest: Vec::new(),
            })),
        }
    }

    /// Whether nothing was wrong, or every violation.
    pub fn finish(self) -> Result<(), Violations> {
        let mut found = self.found.into_iter();
        found.next().map_or(Ok(()), |first| Err(Violations { first, rest: found.collect() }))
    }

    fn missing(&mut self, path: &str) {
        self.refuse(path, "FIELD_MISSING", "it is required");
    }
}

/// A tuple of options that become a tuple of values together.
pub trait Known {
    /// The tuple of values.
    type Values;
    /// The values, when all are there.
    fn all(self) -> Option<Self::Values>;
}

macro_rules! known {
    ($($name:ident),+) => {
        impl<$($name),+> Known for ($(Option<$name>,)+) {
            type Values = ($($name,)+);
            #[expect(non_snake_case, reason = "the tuple's types name its fields")]
            fn all(self) -> Option<Self::Values> {
                let ($($name,)+) = self;
                Some(($($name?,)+))
            }
        }
    };
}
known!(A);
known!(A, B);
known!(A, B, C);
known!(A, B, C, D);
known!(A, B, C, D, E);
known!(A, B, C, D, E, F);
known!(A, B, C, D, E, F, G);
known!(A, B, C, D, E, F, G, H);
known!(A, B, C, D, E, F, G, H, I);
known!(A, B, C, D, E, F, G, H, I, J);
known!(A, B, C, D, E, F, G, H, I, J, K);
known!(A, B, C, D, E, F, G, H, I, J, K, L);

#[cfg(test)]
mod tests {
    use super::*;
    use nhs::OdsCode;

    fn date(year: i32, month: i32, day: i32) -> Option<proto::google::r#type::Date> {
        Some(proto::google::r#type::Date { year, month, day })
    }

    fn found(fields: Fields) -> Vec<(String, &'static str)> {
        fields.finish().err().iter().flat_map(Violations::iter).map(|v| (v.field.clone(), v.reason)).collect()
    }

    #[test]
    fn every_bad_field_is_named_at_once_by_its_path() {
        let mut fields = Fields::new();
        let system = fields.system("system", "Berkshire");
        let id = fields.request_id("request_id", "0192f0c1-2b3c-1d4e-8f90-123456789abc");
        fields.within_item("lines", 2, |fields| {
            fields.parse::<OdsCode>("provider", "nt3");
            fields.within("price", |fields| fields.pence("claimed_pence", -1));
        });
        assert!(system.is_none() && id.is_none());
        let expected = [
            ("system", "SYSTEM_INVALID"),
            ("request_id", "REQUEST_ID_INVALID"),
            ("lines[2].provider", "ODS_CODE_INVALID"),
            ("lines[2].price.claimed_pence", "AMOUNT_INVALID"),
        ];
        assert_eq!(found(fields), expected.map(|(field, reason)| (field.to_owned(), reason)));
    }

    #[test]
    fn each_kind_of_field_refuses_what_it_must() {
        type Check = fn(&mut Fields) -> bool;
        let table: &[(Check, Option<&str>)] = &[
            (|f| f.system("x", "").is_some(), Some("FIELD_MISSING")),
            (|f| f.system("x", "national").is_some(), None),
            (|f| f.request_id("x", "").is_some(), Some("FIELD_MISSING")),
            (|f| f.request_id("x", "c27de3c1-8a1e-4b5c-9d3e-2f1a0b9c8d7e").is_some(), None),
            (
                |f| f.bulk_request_id("x", "c27de3c1-8a1e-4b5c-9d3e-2f1a0b9c8d7e").is_some(),
                Some("REQUEST_ID_INVALID"),
            ),
            (|f| f.bulk_request_id("x", "0192f0c1-2b3c-7d4e-8f90-123456789abc").is_some(), None),
            (|f| f.date("x", None).is_some(), Some("FIELD_MISSING")),
            (|f| f.date("x", date(2017, 6, 0)).is_some(), Some("DATE_INVALID")),
            (|f| f.date("x", date(2017, 2, 29)).is_some(), Some("DATE_INVALID")),
            (|f| f.date("x", date(i32::MAX, 300, -1)).is_some(), Some("DATE_INVALID")),
            (|f| f.date("x", date(2016, 2, 29)).is_some(), None),
            (|f| f.date_optional("x", None).is_some(), None),
            (|f| f.pence("x", 0).is_some(), None),
            (|f| f.pence("x", i64::MIN).is_some(), Some("AMOUNT_INVALID")),
            (|f| f.pence_above_zero("x", 0).is_some(), Some("AMOUNT_INVALID")),
            (|f| f.digest("x", &[0; 31]).is_some(), Some("DIGEST_INVALID")),
            (|f| f.digest("x", &[0; 32]).is_some(), None),
            (|f| f.batch("x", 0, 10).is_some(), Some("BATCH_EMPTY")),
            (|f| f.batch("x", 11, 10).is_some(), Some("BATCH_TOO_LARGE")),
            (|f| f.batch("x", 10, 10).is_some(), None),
            (|f| f.text("x", "", 10).is_some(), Some("FIELD_MISSING")),
            (|f| f.text("x", "éééééé", 10).is_some(), Some("FIELD_TOO_LONG")),
            (|f| f.text("x", "a\nb", 10).is_some(), Some("FIELD_INVALID")),
            (|f| f.text_optional("x", "", 10).is_some(), None),
            (|f| f.parse_optional::<OdsCode>("x", "").is_some(), None),
            (|f| f.parse::<OdsCode>("x", "").is_some(), Some("FIELD_MISSING")),
            (|f| f.required("x", None::<u8>).is_some(), Some("FIELD_MISSING")),
        ];
        for (at, (check, expected)) in table.iter().enumerate() {
            let mut fields = Fields::new();
            assert_eq!(check(&mut fields), expected.is_none(), "row {at}");
            assert_eq!(found(fields).first().map(|(_, reason)| *reason), *expected, "row {at}");
        }
    }

    #[test]
    fn values_come_out_together() {
        let mut fields = Fields::new();
        let (a, b) = (fields.pence("a", 1), fields.pence("b", 2));
        let (a, b) = fields.known((a, b)).unwrap();
        assert_eq!((a.get(), b.get()), (1, 2));
        assert_eq!(Fields::new().known((None::<u8>,)).unwrap_err().first().reason, "FIELD_INVALID");
    }
}
