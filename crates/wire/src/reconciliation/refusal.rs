//! Reconciliation's refusals as the wire tells them.

use crate::{Class, Reason};
use ::reconciliation::Refusal;
use journal::Service;

impl Reason for Refusal {
    const SERVICE: Service = Service::Reconciliation;
    const REASONS: &'static [&'static str] = Self::REASONS;

    fn reason(&self) -> &'static str {
        Self::reason(self)
    }

    fn class(&self) -> Class {
        match self {
            Self::BatchSize
            | Self::RowRepeated { .. }
            | Self::TextLength
            | Self::ReserveNegative { .. }
            | Self::TotalTooLarge { .. } => Class::Invalid,
            Self::ProposalUnknown { .. } => Class::Unknown,
            Self::TooManyProposals | Self::Approval(_) => Class::Precondition,
        }
    }

    fn subject(&self) -> String {
        match self {
            Self::BatchSize => "control_totals".to_owned(),
            Self::RowRepeated { row } => format!("control_totals[{row}].organisation"),
            Self::TextLength => "source".to_owned(),
            Self::ReserveNegative { row } => format!("control_totals[{row}].reserve_pence"),
            Self::TotalTooLarge { row } => format!("control_totals[{row}].total_pence"),
            Self::ProposalUnknown { proposal } => proposal.to_string(),
            Self::TooManyProposals | Self::Approval(_) => String::new(),
        }
    }

    fn metadata(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::RowRepeated { row } | Self::ReserveNegative { row } | Self::TotalTooLarge { row } => {
                vec![("row", row.to_string())]
            }
            Self::ProposalUnknown { proposal } => vec![("proposal", proposal.to_string())],
            Self::BatchSize | Self::TextLength | Self::TooManyProposals | Self::Approval(_) => Vec::new(),
        }
    }
}
