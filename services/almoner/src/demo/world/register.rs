//! The world told to a registry, as its people would.

use super::World;
use anyhow::Context as _;
use client::Connection;
use journal::{RequestId, SystemName, derived_request_id};
use proto::registry::v1;

/// Rows of one request: what the registry takes at once.
const ROWS_MAX: usize = 200;

/// Who registers: connections as the people whose roles that takes.
#[derive(Debug, Clone)]
pub(crate) struct People {
    /// Registers what needs no second person.
    pub(crate) operator: Connection,
    /// Proposes contracts, price books and bank details.
    pub(crate) preparer: Connection,
    /// Approves them.
    pub(crate) approver: Connection,
}

impl World {
    /// Registers everything with the registry that `people` are connected to. Request ids follow from `base`, so a repeat
    /// with the same one completes what an earlier try began, and changes nothing else.
    pub(crate) async fn register(&self, people: &People, base: RequestId) -> anyhow::Result<()> {
        let request = Ids { base };
        let operator = &people.operator;
        for (at, rows) in self.organisations.chunks(ROWS_MAX).enumerate() {
            let request_id = request.id("organisations", at);
            let request = v1::RegisterOrganisationsRequest {
                request_id,
                organisations: rows.to_vec(),
                validate_only: false,
            };
            operator.ask(request).await.context("register_organisations")?;
        }
        for (at, rows) in self.practices.chunks(ROWS_MAX).enumerate() {
            let request_id = request.id("practices", at);
            let practices = rows.to_vec();
            let request = v1::RegisterPracticesRequest { request_id, practices, validate_only: false };
            operator.ask(request).await.context("register_practices")?;
        }
        for (at, rows) in self.factors.chunks(ROWS_MAX).enumerate() {
            let request_id = request.id("factors", at);
            let factors = rows.to_vec();
            let request =
                v1::RegisterMarketForcesFactorsRequest { request_id, factors, validate_only: false };
            operator.ask(request).await.context("register_market_forces_factors")?;
        }
        let register = v1::RegisterSystemRequest {
            request_id: request.id("system", 0),
            system: Some(self.system.clone()),
        };
        operator.ask(register).await.context("register_system")?;
        self.register_own(people, &request).await?;
        self.agree(people, &request).await
    }

    fn own(&self) -> String {
        self.system.system.clone()
    }

    /// What the system has for itself and needs no second person.
    async fn register_own(&self, people: &People, request: &Ids) -> anyhow::Result<()> {
        let operator = &people.operator;
        let sites = v1::RegisterSitesRequest {
            system: self.own(),
            request_id: request.id("sites", 0),
            sites: self.sites.clone(),
            validate_only: false,
        };
        operator.ask(sites).await.context("register_sites")?;
        let districts = v1::RegisterDistrictsRequest {
            system: self.own(),
            request_id: request.id("districts", 0),
            districts: self.districts.clone(),
            validate_only: false,
        };
        operator.ask(districts).await.context("register_districts")?;
        let calendar = v1::SetCalendarRequest {
            system: self.own(),
            request_id: request.id("calendar", 0),
            deadlines: self.deadlines.clone(),
            bank_holidays: self.bank_holidays.clone(),
            validate_only: false,
        };
        operator.ask(calendar).await.context("set_calendar")?;
        let channels = v1::SetPaymentChannelsRequest {
            system: self.own(),
            request_id: request.id("channels", 0),
            payment_channels: self.payment_channels.clone(),
            validate_only: false,
        };
        people.preparer.ask(channels).await.context("set_payment_channels")?;
        Ok(())
    }

    /// What two people agree on.
    async fn agree(&self, people: &People, request: &Ids) -> anyhow::Result<()> {
        for (at, price_book) in self.price_books.iter().enumerate() {
            // The published lists are everybody's, an illustrative one this system's alone.
            let system = if price_book.illustrative { self.own() } else { SystemName::NATIONAL.to_owned() };
            let propose = v1::ProposePriceBookRequest {
                system: system.clone(),
                request_id: request.id("price-book", at),
                price_book: Some(price_book.clone()),
                validate_only: false,
            };
            let proposal = people.preparer.ask(propose).await.context("propose_price_book")?.proposal;
            approve(people, system, request.id("price-book-approval", at), proposal).await?;
        }
        let propose = v1::ProposeContractsRequest {
            system: self.own(),
            request_id: request.id("contracts", 0),
            contracts: self.contracts.clone(),
            validate_only: false,
        };
        let proposal = people.preparer.ask(propose).await.context("propose_contracts")?.proposal;
        approve(people, self.own(), request.id("contracts-approval", 0), proposal).await?;
        let propose = v1::ProposeBankDetailsRequest {
            system: self.own(),
            request_id: request.id("bank-details", 0),
            bank_details: self.bank_details.clone(),
            validate_only: false,
        };
        let proposal = people.preparer.ask(propose).await.context("propose_bank_details")?.proposal;
        approve(people, self.own(), request.id("bank-details-approval", 0), proposal).await
    }
}

async fn approve(
    people: &People,
    system: String,
    request_id: String,
    proposal: Option<v1::Proposal>,
) -> anyhow::Result<()> {
    let v1::Proposal { proposal, digest, .. } = proposal.context("a proposal was answered without itself")?;
    let request = v1::ApproveProposalRequest { system, request_id, proposal, digest };
    people.approver.ask(request).await.context("approve_proposal")?;
    Ok(())
}

/// Request ids that a repeat makes again.
struct Ids {
    base: RequestId,
}

impl Ids {
    fn id(&self, what: &str, number: usize) -> String {
        derived_request_id("world", self.base, format!("{what} {number}").as_bytes()).to_string()
    }
}
