//! The one mapping of what went wrong to a gRPC status.
//!
//! | class | code | detail beside `ErrorInfo` |
//! | --- | --- | --- |
//! | [`Class::Invalid`] | INVALID_ARGUMENT | `BadRequest` |
//! | [`Class::Unknown`] | NOT_FOUND | `ResourceInfo` |
//! | [`Class::Precondition`] | FAILED_PRECONDITION | `PreconditionFailure` |
//! | [`Class::Exists`] | ALREADY_EXISTS | `ResourceInfo` |
//! | [`Class::Conflict`] | ABORTED | |
//! | [`Class::PastEnd`] | OUT_OF_RANGE | |
//! | [`Class::Forbidden`] | PERMISSION_DENIED | |
//! | [`Class::Quota`] | RESOURCE_EXHAUSTED | `QuotaFailure` |
//! | [`Pushback`] | UNAVAILABLE | `RetryInfo` |
//! | [`unauthenticated`] | UNAUTHENTICATED | |
//! | [`damaged`] | DATA_LOSS | |
//! | [`incident`] | INTERNAL | |
//!
//! Reasons and metadata keys never change once shipped; messages may. No message ever repeats what a caller sent: it
//! might be somebody's NHS number.

use crate::Violations;
use journal::{Position, Service};
use std::{collections::HashMap, fmt::Display, time::Duration};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt as _};

/// The `ErrorInfo` domain of what any service may answer, whichever it is.
pub const DOMAIN: &str = "almoner";

/// The `ErrorInfo` domain of a service's own reasons: `ledger.almoner`.
#[must_use]
pub fn domain(service: Service) -> String {
    format!("{service}.{DOMAIN}")
}

/// What sort of "no" a refusal is: it decides the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// The request can never be right, whatever the state: change it.
    Invalid,
    /// It names something that is not there (or is not this caller's to see).
    Unknown,
    /// The state forbids it now: change the state, then send it with a new request id.
    Precondition,
    /// It makes something that is there already.
    Exists,
    /// Somebody else was faster: read again, then send it with a new request id.
    Conflict,
    /// It reads past the end of the journal.
    PastEnd,
    /// The caller may not do this.
    Forbidden,
    /// The caller has used up what it may use.
    Quota,
}

impl Class {
    const fn code(self) -> Code {
        match self {
            Self::Invalid => Code::InvalidArgument,
            Self::Unknown => Code::NotFound,
            Self::Precondition => Code::FailedPrecondition,
            Self::Exists => Code::AlreadyExists,
            Self::Conflict => Code::Aborted,
            Self::PastEnd => Code::OutOfRange,
            Self::Forbidden => Code::PermissionDenied,
            Self::Quota => Code::ResourceExhausted,
        }
    }
}

/// A domain's refusal as the wire tells it. `Display` is the message for people; it must not repeat personal data.
pub trait Reason: Display {
    /// Whose reasons these are.
    const SERVICE: Service;
    /// Every reason that [`Reason::reason`] can return, for the catalogue's test.
    const REASONS: &'static [&'static str];

    /// The stable code: UPPER_SNAKE, at most 63 characters.
    fn reason(&self) -> &'static str;

    /// What sort of "no" it is.
    fn class(&self) -> Class;

    /// What it is about: a field's path for [`Class::Invalid`], else the name of the resource. Empty when nothing in
    /// particular.
    fn subject(&self) -> String {
        String::new()
    }

    /// The figures that the message mentions, under lowerCamelCase keys that never change once shipped.
    fn metadata(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }
}

/// The status of a domain's refusal.
#[must_use]
pub fn refusal<R: Reason>(refusal: &R) -> Status {
    let (reason, class, subject, message) =
        (refusal.reason(), refusal.class(), refusal.subject(), refusal.to_string());
    debug_assert!(R::REASONS.contains(&reason), "{reason} is not among the reasons of {}", R::SERVICE);
    let metadata: HashMap<String, String> =
        refusal.metadata().into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    let mut details = ErrorDetails::with_error_info(reason, domain(R::SERVICE), metadata);
    match class {
        Class::Invalid => {
            details.add_bad_request_violation(subject, message.as_str());
        }
        Class::Unknown | Class::Exists => {
            details.set_resource_info(R::SERVICE.as_str(), subject, "", message.as_str());
        }
        Class::Precondition => {
            details.add_precondition_failure_violation(reason, subject, message.as_str());
        }
        Class::Quota => {
            details.add_quota_failure_violation(subject, message.as_str());
        }
        Class::Conflict | Class::PastEnd | Class::Forbidden => {}
    }
    Status::with_error_details(class.code(), message, details)
}

/// The same facts for one item of a batch that as a whole was done.
#[must_use]
pub fn problem<R: Reason>(refusal: &R) -> proto::common::v1::Problem {
    proto::common::v1::Problem {
        reason: refusal.reason().to_owned(),
        domain: domain(R::SERVICE),
        message: refusal.to_string(),
        field: if refusal.class() == Class::Invalid { refusal.subject() } else { String::new() },
    }
}

/// Why a server does not take a call now. Nothing was done; the same call with the same request id may be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pushback {
    /// Its queue is full.
    Busy,
    /// It has not recovered yet.
    Starting,
    /// It is shutting down.
    Draining,
    /// The disk is nearly full: writes are refused, reads go on.
    DiskFull,
    /// The journal has ended this process's work: a sync failed.
    Stopped,
    /// The read asked for a position that is not durable yet.
    Behind,
    /// A service that this one asks does not answer.
    Dependency,
    /// The record is in an archive that cannot be read just now.
    Archived,
}

impl Pushback {
    /// Every pushback.
    pub const ALL: [Self; 8] = [
        Self::Busy,
        Self::Starting,
        Self::Draining,
        Self::DiskFull,
        Self::Stopped,
        Self::Behind,
        Self::Dependency,
        Self::Archived,
    ];

    /// The stable code.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Busy => "BUSY",
            Self::Starting => "STARTING",
            Self::Draining => "DRAINING",
            Self::DiskFull => "DISK_FULL",
            Self::Stopped => "STOPPED",
            Self::Behind => "BEHIND",
            Self::Dependency => "DEPENDENCY_UNAVAILABLE",
            Self::Archived => "ARCHIVED",
        }
    }

    const fn message(self) -> &'static str {
        match self {
            Self::Busy => "the server has as much to do as it takes: send again with the same request id",
            Self::Starting => "the service is reading its journal back: send again with the same request id",
            Self::Draining => "the server is shutting down: send again with the same request id",
            Self::DiskFull => {
                "the server's disk is nearly full: writes are refused until its operator makes room"
            }
            Self::Stopped => {
                "the server could not make a write durable and is ending: send again with the same request id"
            }
            Self::Behind => "the journal has not reached the position that the read asked for: read again",
            Self::Dependency => {
                "a service that this one asks does not answer: send again with the same request id"
            }
            Self::Archived => {
                "the record is in the archive, which the server cannot read just now: ask its operator"
            }
        }
    }

    /// How long a caller waits before it asks again: about as long as the cause usually lasts.
    #[must_use]
    pub const fn retry_delay(self) -> Duration {
        match self {
            Self::Busy | Self::Behind => Duration::from_millis(50),
            Self::Starting | Self::Dependency => Duration::from_millis(500),
            Self::Draining | Self::Stopped => Duration::from_secs(1),
            Self::DiskFull | Self::Archived => Duration::from_secs(30),
        }
    }
}

impl From<Pushback> for Status {
    fn from(pushback: Pushback) -> Self {
        let mut details = ErrorDetails::with_error_info(pushback.reason(), DOMAIN, HashMap::new());
        details.set_retry_info(Some(pushback.retry_delay()));
        Self::with_error_details(Code::Unavailable, pushback.message(), details)
    }
}

/// What other than a domain may refuse: the frame's own reasons, with [`Pushback`]'s and the field reasons the whole of
/// the domain [`DOMAIN`].
#[cfg(test)]
pub(crate) const FRAME_REASONS: &[&str] = &[
    "CALLER_UNKNOWN",
    "DAMAGED",
    "DEADLINE_EXCEEDED",
    "INCIDENT",
    "MESSAGE_INVALID",
    "MESSAGE_TOO_LARGE",
    "METHOD_NOT_ALLOWED",
    "METHOD_UNKNOWN",
    "NOT_A_SANDBOX",
    "NOT_YOURS",
    "REQUEST_ID_REUSED",
    "REQUEST_TOO_LARGE",
    "SERVICE_NOT_HERE",
    "SYSTEM_UNKNOWN",
];

/// The status of a request id that was used before for another content. `field` is the first that differs, `position` is
/// where the first attempt's outcome stands.
#[must_use]
pub fn request_id_reused(field: &'static str, position: Position) -> Status {
    plain(
        Code::AlreadyExists,
        "REQUEST_ID_REUSED",
        "this request id was used before with another content: new content needs a new request id",
        &[("field", field.to_owned()), ("position", position.to_string())],
    )
}

/// The status of a call that names a system which the installation does not have.
#[must_use]
pub fn system_unknown() -> Status {
    plain(Code::NotFound, "SYSTEM_UNKNOWN", "no system of that name is registered here", &[])
}

/// The status of a call about a journal of a service that the answering process does not run.
#[must_use]
pub fn service_not_here() -> Status {
    plain(
        Code::NotFound,
        "SERVICE_NOT_HERE",
        "this process does not run that service: ask the one that does",
        &[],
    )
}

/// The status of moving a clock that follows the machine's.
#[must_use]
pub fn not_a_sandbox() -> Status {
    plain(Code::FailedPrecondition, "NOT_A_SANDBOX", "only the clock of a sandbox system can be moved", &[])
}

/// The status of a request whose record would be larger than a record may be.
#[must_use]
pub fn request_too_large() -> Status {
    plain(
        Code::InvalidArgument,
        "REQUEST_TOO_LARGE",
        "the request is too large for one record: send less at once",
        &[],
    )
}

/// The status of a call from a certificate that names no caller. `why` is a [`access::CallerError`]'s text, which may
/// name what the certificate says.
#[must_use]
pub fn unauthenticated(why: &access::CallerError) -> Status {
    plain(Code::Unauthenticated, "CALLER_UNKNOWN", &why.to_string(), &[])
}

/// The status of a method that the caller's roles do not permit. Answered before anything is looked up.
#[must_use]
pub fn method_not_allowed() -> Status {
    plain(Code::PermissionDenied, "METHOD_NOT_ALLOWED", "the caller's roles do not permit this method", &[])
}

/// The status of a call about another organisation's data. The same whether or not that data exists.
#[must_use]
pub fn not_yours() -> Status {
    plain(Code::PermissionDenied, "NOT_YOURS", "the caller may not act for that organisation", &[])
}

/// The status of a call whose deadline passed. A write may have been done: repeat it with the same request id.
#[must_use]
pub fn deadline_exceeded() -> Status {
    plain(
        Code::DeadlineExceeded,
        "DEADLINE_EXCEEDED",
        "the deadline passed; a write may have been done: repeat it with the same request id",
        &[],
    )
}

/// The status of a service that found its own data damaged. What was found goes to the log, not to callers.
#[must_use]
pub fn damaged() -> Status {
    plain(Code::DataLoss, "DAMAGED", "the service found its data damaged and has stopped serving", &[])
}

/// The status of a bug. What happened goes to the log under the incident's id, not to callers.
#[must_use]
pub fn incident(id: &str) -> Status {
    plain(
        Code::Internal,
        "INCIDENT",
        "the server made a mistake; its log has it under this incident",
        &[("incident", id.to_owned())],
    )
}

/// A status that the gRPC library made without details, with the details that every error has here; `None` when it is
/// fine as it is.
#[must_use]
pub fn complete(status: &Status) -> Option<Status> {
    if !status.details().is_empty() {
        return None;
    }
    match status.code() {
        Code::OutOfRange if status.message().contains("message length too large") => Some(plain(
            Code::InvalidArgument,
            "MESSAGE_TOO_LARGE",
            "the message is larger than the server takes: send smaller batches",
            &[],
        )),
        Code::Internal => Some(plain(
            Code::InvalidArgument,
            "MESSAGE_INVALID",
            "the message cannot be read as the one that the method takes",
            &[],
        )),
        Code::Unimplemented => {
            Some(plain(Code::Unimplemented, "METHOD_UNKNOWN", "this process does not have that method", &[]))
        }
        Code::Ok
        | Code::Cancelled
        | Code::Unknown
        | Code::InvalidArgument
        | Code::DeadlineExceeded
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::ResourceExhausted
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unavailable
        | Code::DataLoss
        | Code::Unauthenticated => None,
    }
}

/// What a service answers when a service that it asked failed with `status`: the caller's own mistakes go through as they
/// are, push-backs as this service's, and what the caller cannot help becomes an incident of `id`.
#[must_use]
pub fn relayed(status: Status, id: &str) -> Status {
    match status.code() {
        Code::Ok
        | Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::OutOfRange
        | Code::ResourceExhausted => status,
        Code::Unavailable => Pushback::Dependency.into(),
        Code::DeadlineExceeded | Code::Cancelled => deadline_exceeded(),
        Code::Unknown
        | Code::PermissionDenied
        | Code::Unimplemented
        | Code::Internal
        | Code::DataLoss
        | Code::Unauthenticated => incident(id),
    }
}

/// The status of a request with bad fields, all of them at once. The reason is the first field's.
pub(crate) fn violations(violations: &Violations) -> Status {
    let first = violations.first();
    let mut metadata = HashMap::from([("field".to_owned(), first.field.clone())]);
    metadata.insert("violations".to_owned(), violations.iter().count().to_string());
    let mut details = ErrorDetails::with_error_info(first.reason, DOMAIN, metadata);
    let fields: Vec<FieldViolation> = violations
        .iter()
        .map(|v| FieldViolation::new(v.field.as_str(), format!("{}: {}", v.reason, v.description)))
        .collect();
    details.set_bad_request(fields);
    let message = match violations.iter().count() {
        1 => format!("{}: {}", first.field, first.description),
        count => format!("{}: {} (and {} more)", first.field, first.description, count.saturating_sub(1)),
    };
    Status::with_error_details(Code::InvalidArgument, message, details)
}

fn plain(code: Code, reason: &str, message: &str, metadata: &[(&str, String)]) -> Status {
    let metadata: HashMap<String, String> =
        metadata.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    Status::with_error_details(code, message, ErrorDetails::with_error_info(reason, DOMAIN, metadata))
}

/// Whether a failed call may be sent again as it is, and after how long at least: UNAVAILABLE only, which says that
/// nothing was done or that the same request id makes a repeat safe.
#[must_use]
pub fn retry_after(status: &Status) -> Option<Duration> {
    (status.code() == Code::Unavailable).then(|| {
        status
            .get_details_retry_info()
            .and_then(|info| info.retry_delay)
            .unwrap_or(Duration::from_millis(100))
    })
}

/// The `ErrorInfo` reason of a failed call, when the server gave one.
#[must_use]
pub fn reason_of(status: &Status) -> Option<String> {
    status.get_details_error_info().map(|info| info.reason)
}

/// A metric's label for a code: `OK`, `NOT_FOUND`.
#[must_use]
pub const fn code_label(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Fields;
    use expect_test::expect;
    use std::fmt;

    struct Sample(Class);

    impl fmt::Display for Sample {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("the message")
        }
    }

    impl Reason for Sample {
        const SERVICE: Service = Service::Ledger;
        const REASONS: &'static [&'static str] = &["SAMPLE"];

        fn reason(&self) -> &'static str {
            "SAMPLE"
        }
        fn class(&self) -> Class {
            self.0
        }
        fn subject(&self) -> String {
            "subject".to_owned()
        }
        fn metadata(&self) -> Vec<(&'static str, String)> {
            vec![("limitPence", "100".to_owned())]
        }
    }

    /// One line per status: code, reason@domain, metadata, details.
    fn line(status: &Status) -> String {
        let details = status.check_error_details().unwrap();
        let info = details.error_info().unwrap();
        let mut metadata: Vec<String> = info.metadata.iter().map(|(k, v)| format!("{k}={v}")).collect();
        metadata.sort();
        let mut rest = Vec::new();
        if let Some(found) = details.bad_request() {
            rest.extend(found.field_violations.iter().map(|v| format!("bad {}: {}", v.field, v.description)));
        }
        if let Some(found) = details.precondition_failure() {
            rest.extend(found.violations.iter().map(|v| format!("precondition {} {}", v.r#type, v.subject)));
        }
        if let Some(found) = details.resource_info() {
            rest.push(format!("resource {} {}", found.resource_type, found.resource_name));
        }
        if let Some(found) = details.quota_failure() {
            rest.extend(found.violations.iter().map(|v| format!("quota {}", v.subject)));
        }
        if let Some(found) = details.retry_info() {
            rest.push(format!("retry {:?}", found.retry_delay.unwrap()));
        }
        format!("{:?} {}@{} {metadata:?} {rest:?}", status.code(), info.reason, info.domain)
    }

    #[test]
    fn every_row_of_the_mapping() {
        let classes = [
            Class::Invalid,
            Class::Unknown,
            Class::Precondition,
            Class::Exists,
            Class::Conflict,
            Class::PastEnd,
            Class::Forbidden,
            Class::Quota,
        ];
        let mut fields = Fields::new();
        fields.refuse("a", "FIELD_MISSING", "say it");
        fields.refuse("b", "FIELD_INVALID", "no");
        let mut rows: Vec<String> = classes.into_iter().map(|class| line(&refusal(&Sample(class)))).collect();
        rows.extend(Pushback::ALL.into_iter().map(|pushback| line(&pushback.into())));
        rows.extend([
            line(&request_id_reused("amount_pence", Position::new(7))),
            line(&system_unknown()),
            line(&unauthenticated(&access::CallerError::NoIdentity)),
            line(&method_not_allowed()),
            line(&not_yours()),
            line(&deadline_exceeded()),
            line(&damaged()),
            line(&incident("0192f0c1")),
            line(&fields.finish().unwrap_err().into()),
        ]);
        expect![[r#"
            InvalidArgument SAMPLE@ledger.almoner ["limitPence=100"] ["bad subject: the message"]
            NotFound SAMPLE@ledger.almoner ["limitPence=100"] ["resource ledger subject"]
            FailedPrecondition SAMPLE@ledger.almoner ["limitPence=100"] ["precondition SAMPLE subject"]
            AlreadyExists SAMPLE@ledger.almoner ["limitPence=100"] ["resource ledger subject"]
            Aborted SAMPLE@ledger.almoner ["limitPence=100"] []
            OutOfRange SAMPLE@ledger.almoner ["limitPence=100"] []
            PermissionDenied SAMPLE@ledger.almoner ["limitPence=100"] []
            ResourceExhausted SAMPLE@ledger.almoner ["limitPence=100"] ["quota subject"]
            Unavailable BUSY@almoner [] ["retry 50ms"]
            Unavailable STARTING@almoner [] ["retry 500ms"]
            Unavailable DRAINING@almoner [] ["retry 1s"]
            Unavailable DISK_FULL@almoner [] ["retry 30s"]
            Unavailable STOPPED@almoner [] ["retry 1s"]
            Unavailable BEHIND@almoner [] ["retry 50ms"]
            Unavailable DEPENDENCY_UNAVAILABLE@almoner [] ["retry 500ms"]
            Unavailable ARCHIVED@almoner [] ["retry 30s"]
            AlreadyExists REQUEST_ID_REUSED@almoner ["field=amount_pence", "position=7"] []
            NotFound SYSTEM_UNKNOWN@almoner [] []
            Unauthenticated CALLER_UNKNOWN@almoner [] []
            PermissionDenied METHOD_NOT_ALLOWED@almoner [] []
            PermissionDenied NOT_YOURS@almoner [] []
            DeadlineExceeded DEADLINE_EXCEEDED@almoner [] []
            DataLoss DAMAGED@almoner [] []
            Internal INCIDENT@almoner ["incident=0192f0c1"] []
            InvalidArgument FIELD_MISSING@almoner ["field=a", "violations=2"] ["bad a: FIELD_MISSING: say it", "bad b: FIELD_INVALID: no"]"#]].assert_eq(&rows.join("\n"));
    }

    #[test]
    fn only_unavailable_is_sent_again() {
        assert_eq!(retry_after(&Pushback::Busy.into()), Some(Duration::from_millis(50)));
        assert_eq!(retry_after(&Status::unavailable("connection refused")), Some(Duration::from_millis(100)));
        for status in [deadline_exceeded(), method_not_allowed(), incident("1"), Status::unknown("")] {
            assert_eq!(retry_after(&status), None);
        }
    }
}
