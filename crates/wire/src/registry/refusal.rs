//! The registry's refusals as the wire tells them.

use crate::{Class, Reason};
use journal::Service;
use registry::Refusal;

impl Reason for Refusal {
    const SERVICE: Service = Service::Registry;
    const REASONS: &'static [&'static str] = &Self::REASONS;

    fn reason(&self) -> &'static str {
        Self::reason(self)
    }

    fn class(&self) -> Class {
        match self {
            Self::BatchSize
            | Self::RowRepeated { .. }
            | Self::ValidityBackwards { .. }
            | Self::TextLength { .. }
            | Self::SuccessionCircular { .. }
            | Self::SystemName
            | Self::SandboxClock
            | Self::DeadlinesBackwards { .. }
            | Self::ContractScope { .. }
            | Self::ContractInstalments { .. }
            | Self::ContractPricing { .. }
            | Self::PriceBookMalformed { .. } => Class::Invalid,
            Self::ProposalUnknown { .. } => Class::Unknown,
            Self::OrganisationUnknown { .. }
            | Self::OrganisationRole { .. }
            | Self::OrganisationClosed { .. }
            | Self::SandboxFixed
            | Self::DeadlinePassed { .. }
            | Self::ContractOfAnotherProvider { .. }
            | Self::ContractsOverlap { .. }
            | Self::PriceBookNameUsed { .. }
            | Self::TooManyProposals
            | Self::SamePerson
            | Self::DigestMismatch => Class::Precondition,
        }
    }

    fn subject(&self) -> String {
        Self::subject(self)
    }

    fn metadata(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::RowRepeated { row } | Self::ValidityBackwards { row } | Self::TextLength { row } => {
                vec![("row", row.to_string())]
            }
            Self::OrganisationUnknown { ods } | Self::SuccessionCircular { ods } => {
                vec![("ods", ods.to_string())]
            }
            Self::OrganisationRole { ods, role } => {
                vec![("ods", ods.to_string()), ("role", role.to_string())]
            }
            Self::OrganisationClosed { ods, on } => vec![("ods", ods.to_string()), ("date", on.to_string())],
            Self::DeadlinesBackwards { period } | Self::DeadlinePassed { period } => {
                vec![("period", period.to_string())]
            }
            Self::ContractScope { contract }
            | Self::ContractInstalments { contract }
            | Self::ContractPricing { contract }
            | Self::ContractOfAnotherProvider { contract } => vec![("contract", contract.to_string())],
            Self::ContractsOverlap { contract, other } => {
                vec![("contract", contract.to_string()), ("other", other.to_string())]
            }
            Self::PriceBookMalformed { price_book } | Self::PriceBookNameUsed { price_book } => {
                vec![("priceBook", price_book.to_string())]
            }
            Self::ProposalUnknown { proposal } => vec![("proposal", proposal.to_string())],
            Self::BatchSize
            | Self::SystemName
            | Self::SandboxClock
            | Self::SandboxFixed
            | Self::TooManyProposals
            | Self::SamePerson
            | Self::DigestMismatch => Vec::new(),
        }
    }
}
