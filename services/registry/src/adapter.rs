//! The rpcs: convert, load, call, convert.

use crate::clocks;
use journal::SystemName;
use proto::registry::v1::{self, registry_service_server::RegistryService};
use registry::Registry;
use server::{
    Peers,
    journals::{Handle, Journals, SystemClock},
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};
use tonic::{Request, Response, Status};
use wire::{PageKey, common, registry::inward};

/// The registry's gRPC service. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Adapter {
    journals: Arc<Journals<Registry>>,
    national: Handle<Registry>,
    pages: PageKey,
    peers: Peers,
    clock: SystemClock,
    /// The last blob made for each system.
    pub(crate) references: Arc<Mutex<BTreeMap<SystemName, crate::read::Built>>>,
}

impl Adapter {
    /// Answers for `journals`, of which `national` is the shared one.
    pub(crate) fn new(
        journals: Arc<Journals<Registry>>,
        national: Handle<Registry>,
        pages: PageKey,
        peers: Peers,
    ) -> Self {
        Self { journals, national, pages, peers, clock: SystemClock, references: Arc::default() }
    }

    pub(crate) const fn journals(&self) -> &Arc<Journals<Registry>> {
        &self.journals
    }

    pub(crate) const fn national(&self) -> &Handle<Registry> {
        &self.national
    }

    pub(crate) const fn pages(&self) -> &PageKey {
        &self.pages
    }

    pub(crate) const fn clock(&self) -> &SystemClock {
        &self.clock
    }

    /// The journal of that system.
    pub(crate) async fn journal(&self, system: &SystemName) -> Result<Handle<Registry>, Status> {
        Ok(self.journals.get(system).await?)
    }
}

/// Who calls, as records name them.
fn urn<T>(request: &Request<T>) -> Result<Arc<str>, Status> {
    Ok(Arc::clone(server::caller(request)?.urn()))
}

/// An rpc that records one command: parse, write, answer.
macro_rules! writes {
    ($($(#[$doc:meta])* $method:ident($request:ident) -> $response:ident by $parse:expr, $answer:expr;)+) => {
        #[tonic::async_trait]
        impl RegistryService for Adapter {
            $(
                async fn $method(
                    &self,
                    request: Request<v1::$request>,
                ) -> Result<Response<v1::$response>, Status> {
                    let caller = urn(&request)?;
                    let done = self.write(caller, ($parse)(request.into_inner())).await?;
                    Ok(Response::new(($answer)(done)))
                }
            )+

            async fn register_system(
                &self,
                request: Request<v1::RegisterSystemRequest>,
            ) -> Result<Response<v1::RegisterSystemResponse>, Status> {
                let caller = urn(&request)?;
                let message = request.into_inner();
                let named = message.system.clone().unwrap_or_default();
                let done = self.write(caller, inward::register_system(message)).await?;
                let clock_start = named.clock_start_time.and_then(common::instant_from);
                self.open_system(&named.system, clock_start).await?;
                let (recorded, changed_count) = (done.recorded, done.changed_count);
                Ok(Response::new(v1::RegisterSystemResponse { recorded, changed_count }))
            }

            async fn get_system(
                &self,
                request: Request<v1::GetSystemRequest>,
            ) -> Result<Response<v1::GetSystemResponse>, Status> {
                self.read_system(request.into_inner()).await.map(Response::new)
            }

            async fn list_systems(
                &self,
                _: Request<v1::ListSystemsRequest>,
            ) -> Result<Response<v1::ListSystemsResponse>, Status> {
                self.read_systems().await.map(Response::new)
            }

            async fn get_organisation(
                &self,
                request: Request<v1::GetOrganisationRequest>,
            ) -> Result<Response<v1::GetOrganisationResponse>, Status> {
                self.read_organisation(request.into_inner()).await.map(Response::new)
            }

            async fn list_organisations(
                &self,
                request: Request<v1::ListOrganisationsRequest>,
            ) -> Result<Response<v1::ListOrganisationsResponse>, Status> {
                self.read_organisations(request.into_inner()).await.map(Response::new)
            }

            async fn list_contracts(
                &self,
                request: Request<v1::ListContractsRequest>,
            ) -> Result<Response<v1::ListContractsResponse>, Status> {
                self.read_contracts(request.into_inner()).await.map(Response::new)
            }

            async fn list_proposals(
                &self,
                request: Request<v1::ListProposalsRequest>,
            ) -> Result<Response<v1::ListProposalsResponse>, Status> {
                self.read_proposals(request.into_inner()).await.map(Response::new)
            }

            async fn get_reference(
                &self,
                request: Request<v1::GetReferenceRequest>,
            ) -> Result<Response<v1::GetReferenceResponse>, Status> {
                self.read_reference(request.into_inner()).await.map(Response::new)
            }

            async fn advance_clock(
                &self,
                request: Request<v1::AdvanceClockRequest>,
            ) -> Result<Response<v1::AdvanceClockResponse>, Status> {
                let caller = urn(&request)?;
                let (system, to) = inward::advance_clock(request.get_ref())?;
                let shown = self.journal(&system).await?.advance_clock(to, caller).await?;
                clocks::advance(&self.peers, &system, to).await?;
                Ok(Response::new(v1::AdvanceClockResponse { clock_time: Some(common::timestamp(shown)) }))
            }
        }
    };
}

/// The answer to a write whose response has `recorded` and `changed_count`.
macro_rules! changed {
    ($response:ident) => {
        |done: crate::write::Done| v1::$response {
            recorded: done.recorded,
            changed_count: done.changed_count,
        }
    };
}

/// The answer to a write whose response has `recorded` and `proposal`.
macro_rules! proposed {
    ($response:ident) => {
        |done: crate::write::Done| v1::$response { recorded: done.recorded, proposal: done.proposal }
    };
}

writes! {
    register_organisations(RegisterOrganisationsRequest) -> RegisterOrganisationsResponse
        by inward::register_organisations, changed!(RegisterOrganisationsResponse);
    register_practices(RegisterPracticesRequest) -> RegisterPracticesResponse
        by inward::register_practices, changed!(RegisterPracticesResponse);
    register_market_forces_factors(RegisterMarketForcesFactorsRequest) -> RegisterMarketForcesFactorsResponse
        by inward::register_market_forces, changed!(RegisterMarketForcesFactorsResponse);
    register_sites(RegisterSitesRequest) -> RegisterSitesResponse
        by inward::register_sites, changed!(RegisterSitesResponse);
    register_districts(RegisterDistrictsRequest) -> RegisterDistrictsResponse
        by inward::register_districts, changed!(RegisterDistrictsResponse);
    set_calendar(SetCalendarRequest) -> SetCalendarResponse
        by inward::set_calendar, changed!(SetCalendarResponse);
    set_payment_channels(SetPaymentChannelsRequest) -> SetPaymentChannelsResponse
        by inward::set_payment_channels, changed!(SetPaymentChannelsResponse);
    propose_contracts(ProposeContractsRequest) -> ProposeContractsResponse
        by inward::propose_contracts, proposed!(ProposeContractsResponse);
    propose_price_book(ProposePriceBookRequest) -> ProposePriceBookResponse
        by inward::propose_price_book,
        |done: crate::write::Done| v1::ProposePriceBookResponse {
            recorded: done.recorded,
            proposal: done.proposal,
            difference: done.difference,
        };
    propose_bank_details(ProposeBankDetailsRequest) -> ProposeBankDetailsResponse
        by inward::propose_bank_details, proposed!(ProposeBankDetailsResponse);
    approve_proposal(ApproveProposalRequest) -> ApproveProposalResponse
        by |request| inward::approve_proposal(&request), changed!(ApproveProposalResponse);
    withdraw_proposal(WithdrawProposalRequest) -> WithdrawProposalResponse
        by |request| inward::withdraw_proposal(&request),
        |done: crate::write::Done| v1::WithdrawProposalResponse { recorded: done.recorded };
}
