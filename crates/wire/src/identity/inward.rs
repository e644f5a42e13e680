//! Requests inward: every bad field at once.

use crate::{Fields, Violations};
use ::identity::{
    PayeeId, Purpose, READ_PSEUDONYMS_MAX,
    seal::{AccountName, PayeeDetails},
};
use journal::{Position, RequestId, SystemName};
use nhs::{NhsNumber, ParseError, Pseudonym};
use proto::identity::v1;

/// The most NHS numbers, or digests, of one call: 64,000 bytes of numbers, and one read of the state.
const NUMBERS_MAX: usize = 8_000;

/// NHS numbers to be pseudonymised, each by itself.
#[derive(Debug)]
pub struct Pseudonymise {
    /// Whose journal.
    pub system: SystemName,
    /// Each number, or why it is none.
    pub numbers: Vec<Result<NhsNumber, ParseError>>,
}

/// The people behind a batch of numbers.
pub fn pseudonymise(message: v1::PseudonymiseRequest) -> Result<Pseudonymise, Violations> {
    let v1::PseudonymiseRequest { system, nhs_numbers } = message;
    let mut fields = Fields::new();
    let system = fields.system("system", &system);
    let size = fields.batch("nhs_numbers", nhs_numbers.len(), NUMBERS_MAX);
    let (system, ()) = fields.known((system, size))?;
    let numbers = nhs_numbers.into_iter().map(NhsNumber::from_digits).collect();
    Ok(Pseudonymise { system, numbers })
}

/// Content to be tagged.
#[derive(Debug)]
pub struct Tagging {
    /// Whose journal.
    pub system: SystemName,
    /// SHA-256 of each.
    pub digests: Vec<[u8; 32]>,
}

/// The content of a batch of digests.
pub fn tag_content(message: v1::TagContentRequest) -> Result<Tagging, Violations> {
    let v1::TagContentRequest { system, digests } = message;
    let mut fields = Fields::new();
    let system = fields.system("system", &system);
    let (chunks, rest) = digests.as_chunks::<32>();
    if !rest.is_empty() {
        fields.refuse("digests", "FIELD_INVALID", "it must be 32 bytes for each digest");
    }
    let size = fields.batch("digests", chunks.len(), NUMBERS_MAX);
    let (system, ()) = fields.known((system, size))?;
    Ok(Tagging { system, digests: chunks.to_vec() })
}

/// People to be named.
#[derive(Debug)]
pub struct Resolve {
    /// Whose journal.
    pub system: SystemName,
    /// The attempt.
    pub request_id: RequestId,
    /// Who.
    pub pseudonyms: Vec<Pseudonym>,
    /// Why.
    pub purpose: Purpose,
}

/// Who stands behind pseudonyms.
pub fn resolve_pseudonym(message: v1::ResolvePseudonymRequest) -> Result<Resolve, Violations> {
    let v1::ResolvePseudonymRequest { system, request_id, pseudonyms, purpose } = message;
    let mut fields = Fields::new();
    let system = fields.system("system", &system);
    let request_id = fields.request_id("request_id", &request_id);
    let (chunks, rest) = pseudonyms.as_chunks::<16>();
    if !rest.is_empty() {
        fields.refuse("pseudonyms", "PSEUDONYM_INVALID", "it must be 16 bytes for each person");
    }
    let size = fields.batch("pseudonyms", chunks.len(), READ_PSEUDONYMS_MAX);
    let purpose = fields.one_of("purpose", purpose, read_purpose);
    let (system, request_id, (), purpose) = fields.known((system, request_id, size, purpose))?;
    let pseudonyms = chunks.iter().map(|bytes| Pseudonym::new(*bytes)).collect();
    Ok(Resolve { system, request_id, pseudonyms, purpose })
}

/// Bank details proposed for a plan.
#[derive(Debug)]
pub struct Register {
    /// Whose journal.
    pub system: SystemName,
    /// The attempt.
    pub request_id: RequestId,
    /// The plan.
    pub payee: PayeeId,
    /// Whose plan.
    pub pseudonym: Pseudonym,
    /// The details, not yet sealed.
    pub details: PayeeDetails,
}

/// Bank details proposed for a plan.
pub fn register_payee(message: v1::RegisterPayeeRequest) -> Result<Register, Violations> {
    let v1::RegisterPayeeRequest {
        system,
        request_id,
        payee,
        pseudonym,
        account_name,
        sort_code,
        account_number,
    } = message;
    let mut fields = Fields::new();
    let system = fields.system("system", &system);
    let request_id = fields.request_id("request_id", &request_id);
    let payee = fields.parse::<PayeeId>("payee", &payee);
    let pseudonym = pseudonym_field(&mut fields, "pseudonym", &pseudonym);
    let account_name = match AccountName::new(&account_name) {
        Ok(name) => Some(name),
        Err(error) => {
            let reason = if account_name.is_empty() { "FIELD_MISSING" } else { "FIELD_INVALID" };
            fields.refuse("account_name", reason, error.to_string());
            None
        }
    };
    let sort_code = fields.parse("sort_code", &sort_code);
    let account_number = fields.parse("account_number", &account_number);
    let known = (system, request_id, payee, pseudonym, account_name, sort_code, account_number);
    let (system, request_id, payee, pseudonym, account_name, sort_code, account_number) =
        fields.known(known)?;
    let details = PayeeDetails { account_name, sort_code, account_number };
    Ok(Register { system, request_id, payee, pseudonym, details })
}

/// A second person's yes.
#[derive(Debug)]
pub struct Approve {
    /// Whose journal.
    pub system: SystemName,
    /// The attempt.
    pub request_id: RequestId,
    /// The plan.
    pub payee: PayeeId,
    /// The proposal.
    pub proposal: Position,
}

/// A second person's yes.
pub fn approve_payee(message: v1::ApprovePayeeRequest) -> Result<Approve, Violations> {
    let v1::ApprovePayeeRequest { system, request_id, payee, proposal } = message;
    let mut fields = Fields::new();
    let system = fields.system("system", &system);
    let request_id = fields.request_id("request_id", &request_id);
    let payee = fields.parse::<PayeeId>("payee", &payee);
    let (system, request_id, payee) = fields.known((system, request_id, payee))?;
    Ok(Approve { system, request_id, payee, proposal: Position::new(proposal) })
}

/// Payees whose details are asked.
#[derive(Debug)]
pub struct GetDetails {
    /// Whose journal.
    pub system: SystemName,
    /// The attempt.
    pub request_id: RequestId,
    /// The plans.
    pub payees: Vec<PayeeId>,
    /// Why.
    pub purpose: Purpose,
}

/// Payees whose details are asked.
pub fn get_payee_details(message: v1::GetPayeeDetailsRequest) -> Result<GetDetails, Violations> {
    let v1::GetPayeeDetailsRequest { system, request_id, payees, purpose } = message;
    let mut fields = Fields::new();
    let system = fields.system("system", &system);
    let request_id = fields.request_id("request_id", &request_id);
    let size = fields.batch("payees", payees.len(), READ_PSEUDONYMS_MAX);
    let mut parsed = Vec::with_capacity(payees.len().min(READ_PSEUDONYMS_MAX));
    for (index, payee) in payees.iter().enumerate().take(READ_PSEUDONYMS_MAX) {
        parsed.push(fields.within_item("payees", index, |fields| fields.parse::<PayeeId>("", payee)));
    }
    let parsed: Option<Vec<PayeeId>> = parsed.into_iter().collect();
    let purpose = fields.one_of("purpose", purpose, read_purpose);
    let (system, request_id, (), payees, purpose) =
        fields.known((system, request_id, size, parsed, purpose))?;
    Ok(GetDetails { system, request_id, payees, purpose })
}

/// A question about what is held.
#[derive(Debug)]
pub struct Counts {
    /// Whose journal.
    pub system: SystemName,
    /// The least that the answer must have seen.
    pub min_position: Option<Position>,
}

/// A question about what is held.
pub fn get_counts(message: v1::GetCountsRequest) -> Result<Counts, Violations> {
    let v1::GetCountsRequest { system, min_position } = message;
    let mut fields = Fields::new();
    let system = fields.system("system", &system);
    let (system,) = fields.known((system,))?;
    Ok(Counts { system, min_position: min_position.map(Position::new) })
}

/// The pseudonym of 16 bytes.
pub(crate) fn pseudonym_field(fields: &mut Fields, path: &str, bytes: &[u8]) -> Option<Pseudonym> {
    let found = bytes.try_into().ok().map(Pseudonym::new);
    if found.is_none() {
        fields.refuse(path, "PSEUDONYM_INVALID", "it must be 16 bytes");
    }
    found
}

const fn read_purpose(purpose: v1::ReadPurpose) -> Option<Purpose> {
    match purpose {
        v1::ReadPurpose::Unspecified => None,
        v1::ReadPurpose::InvoiceValidation => Some(Purpose::InvoiceValidation),
        v1::ReadPurpose::Payment => Some(Purpose::Payment),
        v1::ReadPurpose::SubjectAccess => Some(Purpose::SubjectAccess),
        v1::ReadPurpose::CareManagement => Some(Purpose::CareManagement),
        v1::ReadPurpose::Audit => Some(Purpose::Audit),
    }
}
