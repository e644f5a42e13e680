//! The other services, asked for their books page by page.

use journal::{Position, Service, SystemName};
use proto::{
    common::v1::{AsOf, PageRequest, PageResponse},
    health_budgets::v1 as health_budgets,
    ledger::v1 as ledger,
    referrals::v1 as referrals,
    registry::v1 as registry,
    settlement::v1 as settlement,
};
use server::{NoPeer, PeerChannel, Peers};
use tonic::Status;
use wire::Pushback;

/// The largest page that services give.
const PAGE_SIZE: i32 = 1_000;

/// How often the ledger is read again when its books move under the reading.
const READINGS_MAX: usize = 5;

/// The services that are asked.
#[derive(Debug, Clone)]
pub(crate) struct Books {
    registry: PeerChannel,
    referrals: PeerChannel,
    health_budgets: PeerChannel,
    ledger: PeerChannel,
    settlement: PeerChannel,
}

/// What the ledger shows at one position.
pub(crate) struct LedgerBooks {
    pub(crate) accounts: Vec<ledger::Account>,
    pub(crate) difference_pence: i64,
    pub(crate) lines: Vec<ledger::LinePosition>,
    pub(crate) windows: Vec<ledger::Window>,
    pub(crate) position: Option<Position>,
}

fn position(as_of: Option<AsOf>) -> Option<Position> {
    as_of.and_then(|as_of| as_of.position).map(Position::new)
}

/// Another service's refusal is none of our caller's doing: they can only try again.
fn unanswered(service: Service) -> impl Fn(Status) -> Status {
    move |status| {
        tracing::warn!(%service, code = ?status.code(), "a service that is read did not answer");
        Pushback::Dependency.into()
    }
}

fn ask_page(token: &str) -> Option<PageRequest> {
    Some(PageRequest { page_size: PAGE_SIZE, page_token: token.to_owned() })
}

/// Reads every page of a listing: what `$peer` answers to `$request`, whose `page` is filled in, and gathers `$rows`.
macro_rules! all_pages {
    ($service:expr, $peer:expr, $request:expr, $rows:ident) => {{
        let (mut rows, mut token, mut as_of) = (Vec::new(), String::new(), None);
        loop {
            let mut request = $request;
            request.page = ask_page(&token);
            let answer = $peer.ask(request).await.map_err(unanswered($service))?;
            rows.extend(answer.$rows);
            as_of = as_of.or(answer.as_of);
            token = next(answer.page);
            if token.is_empty() {
                break (rows, position(as_of));
            }
        }
    }};
}

fn next(page: Option<PageResponse>) -> String {
    page.map(|page| page.next_page_token).unwrap_or_default()
}

impl Books {
    pub(crate) fn new(peers: &Peers) -> Result<Self, NoPeer> {
        Ok(Self {
            registry: peers.channel(Service::Registry)?,
            referrals: peers.channel(Service::Referrals)?,
            health_budgets: peers.channel(Service::HealthBudgets)?,
            ledger: peers.channel(Service::Ledger)?,
            settlement: peers.channel(Service::Settlement)?,
        })
    }

    /// The reference snapshot; none when it is the one that the caller knows.
    pub(crate) async fn reference(
        &self,
        system: &SystemName,
        known: Option<journal::Digest>,
    ) -> Result<registry::GetReferenceResponse, Status> {
        let known_sha256 = known.map(|digest| digest.0.to_vec()).unwrap_or_default();
        let system = system.to_string();
        let request = registry::GetReferenceRequest { system, known_sha256, min_position: None };
        self.registry.ask(request).await.map_err(unanswered(Service::Registry))
    }

    pub(crate) async fn activity(
        &self,
        system: &SystemName,
    ) -> Result<(referrals::GetTotalsResponse, Option<Position>), Status> {
        let request = referrals::GetTotalsRequest { system: system.to_string(), ..Default::default() };
        let answer = self.referrals.ask(request).await.map_err(unanswered(Service::Referrals))?;
        let at = position(answer.as_of);
        Ok((answer, at))
    }

    pub(crate) async fn budgets(
        &self,
        system: &SystemName,
    ) -> Result<(Vec<health_budgets::TotalsCell>, Option<Position>), Status> {
        let request = health_budgets::GetTotalsRequest { system: system.to_string(), ..Default::default() };
        let answer = self.health_budgets.ask(request).await.map_err(unanswered(Service::HealthBudgets))?;
        Ok((answer.cells, position(answer.as_of)))
    }

    /// Reclaims, each with its payer.
    pub(crate) async fn reclaims(
        &self,
        system: &SystemName,
    ) -> Result<Vec<(String, health_budgets::Reclaim)>, Status> {
        let request =
            || health_budgets::ListReclaimsRequest { system: system.to_string(), ..Default::default() };
        let (reclaims, _) = all_pages!(Service::HealthBudgets, self.health_budgets, request(), reclaims);
        let mut with_payers = Vec::new();
        for reclaim in reclaims {
            let plan = reclaim.plan.clone();
            let request =
                health_budgets::GetPlanRequest { system: system.to_string(), plan, min_position: None };
            let answer =
                self.health_budgets.ask(request).await.map_err(unanswered(Service::HealthBudgets))?;
            let ccg = answer.plan.map(|plan| plan.ccg).unwrap_or_default();
            with_payers.push((ccg, reclaim));
        }
        Ok(with_payers)
    }

    pub(crate) async fn payments(
        &self,
        system: &SystemName,
    ) -> Result<(Vec<settlement::Payment>, Option<Position>), Status> {
        let request = || settlement::ListPaymentsRequest { system: system.to_string(), ..Default::default() };
        Ok(all_pages!(Service::Settlement, self.settlement, request(), payments))
    }

    pub(crate) async fn instalments(
        &self,
        system: &SystemName,
    ) -> Result<Vec<settlement::Instalment>, Status> {
        let request =
            || settlement::ListInstalmentsRequest { system: system.to_string(), ..Default::default() };
        Ok(all_pages!(Service::Settlement, self.settlement, request(), instalments).0)
    }

    /// The ledger's accounts, lines and windows, all at one position while it is at rest; the last reading otherwise.
    pub(crate) async fn ledger(&self, system: &SystemName) -> Result<LedgerBooks, Status> {
        let mut books = self.ledger_once(system).await?;
        for _ in 1..READINGS_MAX {
            if books.1 {
                break;
            }
            books = self.ledger_once(system).await?;
        }
        if !books.1 {
            tracing::warn!(%system, "the ledger moved while it was read");
        }
        Ok(books.0)
    }

    async fn ledger_once(&self, system: &SystemName) -> Result<(LedgerBooks, bool), Status> {
        let request = ledger::GetTrialBalanceRequest { system: system.to_string(), ..Default::default() };
        let answer = self.ledger.ask(request).await.map_err(unanswered(Service::Ledger))?;
        let at = position(answer.as_of);
        let request =
            || ledger::ListLinePositionsRequest { system: system.to_string(), ..Default::default() };
        let (lines, lines_at) = all_pages!(Service::Ledger, self.ledger, request(), positions);
        let request = || ledger::ListWindowsRequest { system: system.to_string(), ..Default::default() };
        let (windows, windows_at) = all_pages!(Service::Ledger, self.ledger, request(), windows);
        let books = LedgerBooks {
            accounts: answer.accounts,
            difference_pence: answer.difference_pence,
            lines,
            windows,
            position: at,
        };
        Ok((books, at == lines_at && at == windows_at))
    }
}
