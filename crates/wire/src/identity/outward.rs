//! Answers outward.

use crate::status;
use ::identity::{PayeeId, State, seal::PayeeDetails};
use journal::Position;
use nhs::ParseError;
use proto::{common::v1 as common, identity::v1};

/// Why the number at `index` is not one.
#[must_use]
pub fn invalid_number(index: u32, error: &ParseError) -> v1::InvalidNumber {
    let problem = common::Problem {
        reason: error.reason().to_owned(),
        domain: status::DOMAIN.to_owned(),
        message: error.to_string(),
        field: String::new(),
    };
    v1::InvalidNumber { index, problem: Some(problem) }
}

/// Where a plan's payments go: the one place where a payee's details leave this house.
#[must_use]
pub fn payee_details(payee: &PayeeId, proposal: Position, details: &PayeeDetails) -> v1::PayeeDetails {
    let PayeeDetails { account_name, sort_code, account_number } = details;
    v1::PayeeDetails {
        payee: payee.to_string(),
        account_name: account_name.as_str().to_owned(),
        sort_code: sort_code.as_str().to_owned(),
        account_number: account_number.as_str().to_owned(),
        proposal: proposal.get(),
    }
}

/// What is held.
#[must_use]
pub fn counts(state: &State, as_of: common::AsOf) -> v1::GetCountsResponse {
    let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    v1::GetCountsResponse {
        persons_count: count(state.persons_count()),
        payees_count: count(state.payees_count()),
        proposals_count: count(state.proposals_count()),
        reads_count: state.reads_count(),
        as_of: Some(as_of),
    }
}
