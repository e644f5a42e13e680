//! Months and what waits for another person.

use super::outward::{entry_name, posting_message};
use crate::common;
use journal::{Digest, Header, Position};
use ledger::{Act, DueReversal, Marked, PeriodStanding, PeriodView, Propose};
use proto::ledger::v1;

/// A month on the wire.
#[must_use]
pub fn accounting_period(view: &PeriodView) -> v1::AccountingPeriod {
    let PeriodView { period, standing, marked } = view;
    let standing = match standing {
        PeriodStanding::Open => v1::PeriodStanding::Open,
        PeriodStanding::SoftClosed => v1::PeriodStanding::SoftClosed,
        PeriodStanding::Closed => v1::PeriodStanding::Closed,
    };
    let at = |of: fn(&Marked) -> Position| marked.as_ref().map(|marked| of(marked).get());
    v1::AccountingPeriod {
        period: period.to_string(),
        standing: standing.into(),
        marked_position: at(|marked| marked.position),
        marked_caller: at(|marked| marked.caller),
    }
}

/// An entry that is reversed by itself, on the wire.
#[must_use]
pub fn due_reversal(due: &DueReversal<'_>) -> v1::DueReversal {
    let DueReversal { entry, period, request_id: _, posting: _ } = due;
    v1::DueReversal { entry: Some(entry_name(*entry)), period: period.to_string() }
}

/// A proposal with the record that it stands in.
#[derive(Debug, Clone, Copy)]
pub struct ProposalOf<'a> {
    /// The record's header.
    pub header: &'a Header,
    /// What is proposed, and why.
    pub propose: &'a Propose,
    /// What is approved.
    pub digest: Digest,
}

/// A proposal on the wire.
#[must_use]
pub fn proposal(of: &ProposalOf<'_>) -> v1::Proposal {
    let ProposalOf { header, propose: Propose { act, reason, expires }, digest } = of;
    v1::Proposal {
        position: header.position.get(),
        digest: common::digest(*digest),
        proposer: header.caller.get(),
        recorded_time: Some(common::timestamp(header.recorded_time)),
        reason: reason.clone(),
        expire_date: expires.map(common::day),
        act: Some(match act {
            Act::Reopen(period) => v1::proposal::Act::ReopenPeriod(period.to_string()),
            Act::Post(group) => {
                let postings =
                    group.postings.iter().map(|posting| posting_message(header, posting)).collect();
                v1::proposal::Act::Postings(v1::ProposedPostings { postings })
            }
        }),
    }
}
