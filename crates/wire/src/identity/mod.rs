//! The identity service's messages. What is personal here is parsed into types that do not print it, and no violation quotes
//! it.

mod inward;
mod outward;
mod refusal;

pub(crate) use inward::pseudonym_field;
pub use inward::{
    Approve, Counts, GetDetails, Pseudonymise, Register, Resolve, Tagging, approve_payee, get_counts,
    get_payee_details, pseudonymise, register_payee, resolve_pseudonym, tag_content,
};
pub use outward::{counts, invalid_number, payee_details};
#[cfg(test)]
pub(crate) use refusal::FIELD_REASONS;

#[cfg(test)]
mod tests;
