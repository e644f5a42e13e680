//! Control totals in force, carried to the ledger's memorandum section, where they stand beside the books without touching
//! them.
//!
//! `target/<organisation>/<year>` is credited with a surplus to be met and debited with a deficit to be kept to;
//! `target/system/<year>` takes the other side, and so holds the sum.

use journal::{Position, Service, SystemName, derived_request_id};
use money::{NetPence, Side, TotalPence};
use nhs::{FinancialYear, OdsCode};
use proto::{
    common::v1::Cause,
    ledger::v1::{self as ledger, Account, Totals, posting_outcome::Outcome},
};
use reconciliation::{Reconciliation, Report};
use server::{
    NoPeer, PeerChannel, Peers,
    journals::{Courier, CourierError, Delivering, Delivery},
};
use tonic::Status;
use wire::common;

/// The name that stands for the system in the memorandum section.
const SYSTEM: &str = "system";

/// Tells the ledger.
#[derive(Debug)]
pub(crate) struct LedgerCourier(PeerChannel);

impl LedgerCourier {
    /// Tells the ledger over `peers`. Errors when it runs elsewhere and no address is configured.
    pub(crate) fn new(peers: &Peers) -> Result<Self, NoPeer> {
        Ok(Self(peers.channel(Service::Ledger)?))
    }

    async fn tell(
        &self,
        system: &SystemName,
        reports: &[(Position, Report)],
    ) -> Result<Delivery, CourierError> {
        let mut messages = Vec::with_capacity(reports.len());
        for (position, report) in reports {
            messages.push(message(*position, report, &self.accounts(system, report).await?));
        }
        let request = ledger::PostEntriesRequest {
            system: system.to_string(),
            request_id: String::new(),
            mode: ledger::PostingMode::Each.into(),
            postings: messages,
            validate_only: false,
        };
        let answer = self.0.ask(request).await.map_err(failed)?;
        let mut at = Vec::with_capacity(reports.len());
        let mut parked = Vec::new();
        for (index, (position, _)) in reports.iter().enumerate() {
            match answer.outcomes.get(index).and_then(|outcome| outcome.outcome.as_ref()) {
                Some(Outcome::Posted(posted)) => at.extend(posted.entry.as_ref().map(|entry| entry.position)),
                // Recorded: the ledger will say the same for ever.
                Some(Outcome::Refused(refusal)) if refusal.position.is_some() => {
                    at.extend(refusal.position);
                    parked.push(*position);
                }
                Some(Outcome::Refused(_)) | None => {
                    return Err(CourierError("the ledger left a posting undecided".to_owned()));
                }
            }
        }
        Ok(Delivery { first_position: Position::new(at.into_iter().min().unwrap_or(0)), parked })
    }

    /// The numbers of the accounts of a report's changes in their order, and last that of the system's.
    async fn accounts(&self, system: &SystemName, report: &Report) -> Result<Vec<u64>, CourierError> {
        let organisations =
            report.changes.iter().map(|(organisation, _)| path(organisation.as_str(), report.year));
        let paths: Vec<String> = organisations.chain([path(SYSTEM, report.year)]).collect();
        let request_id = derived_request_id("targets-open", report.request_id, &[]).to_string();
        let request = ledger::OpenAccountsRequest { system: system.to_string(), request_id, paths };
        let opened = self.0.ask(request).await.map_err(failed)?.accounts;
        Ok(opened.iter().map(|account: &Account| account.number).collect())
    }
}

impl Courier<Reconciliation> for LedgerCourier {
    fn target(&self) -> Service {
        Service::Ledger
    }

    fn deliver<'a>(&'a self, system: &'a SystemName, reports: &'a [(Position, Report)]) -> Delivering<'a> {
        Box::pin(self.tell(system, reports))
    }
}

fn failed(status: Status) -> CourierError {
    CourierError::answered(Service::Ledger, &status)
}

fn path(body: &str, year: FinancialYear) -> String {
    format!("target/{body}/{year}")
}

/// One posting. An account that the ledger did not number is none that it knows, and is refused by it.
fn message(position: Position, report: &Report, accounts: &[u64]) -> ledger::Posting {
    let number = |index: usize| accounts.get(index).copied().unwrap_or(u64::MAX);
    let whole = number(report.changes.len());
    let mut legs = Vec::with_capacity(report.changes.len() * 2);
    for (index, (_, change)) in report.changes.iter().enumerate() {
        let Some(side) = change.side(Side::Credit) else { continue };
        legs.extend([leg(number(index), side, *change), leg(whole, side.opposite(), *change)]);
    }
    ledger::Posting {
        request_id: report.request_id.to_bytes().to_vec(),
        kind: ledger::EntryKind::Target.into(),
        effective_date: Some(common::day(report.effective)),
        legs,
        cause: Some(Cause { service: Service::Reconciliation.to_string(), position: position.get() }),
        reference: format!("control totals {}", report.year),
        ..ledger::Posting::default()
    }
}

fn leg(account: u64, side: Side, change: NetPence) -> ledger::Leg {
    let side = match side {
        Side::Debit => ledger::Side::Debit,
        Side::Credit => ledger::Side::Credit,
    };
    ledger::Leg { account, side: side.into(), amount_pence: change.magnitude().get(), window: None }
}

/// Whether an account holds an organisation's control total of the year.
pub(crate) fn is_organisation(account: &str, year: FinancialYear) -> bool {
    let rest = account.strip_prefix("target/").and_then(|rest| rest.strip_suffix(&format!("/{year}")));
    rest.is_some_and(|body| body != SYSTEM && body.parse::<OdsCode>().is_ok())
}

/// Credits less debits.
pub(crate) fn balance(totals: Option<&Totals>) -> TotalPence {
    totals.map_or(TotalPence::ZERO, |totals| {
        TotalPence::new(totals.credits_pence.into()).minus_total(TotalPence::new(totals.debits_pence.into()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_organisations_of_the_year_count() {
        let year = "2017-18".parse().unwrap();
        assert!(is_organisation(&path("RHW", year), year));
        for other in ["target/system/2017-18", "target/RHW/2018-19", "target/RHW", "target/RHW/offset"] {
            assert!(!is_organisation(other, year), "{other}");
        }
    }
}
