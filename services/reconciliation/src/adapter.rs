//! The rpcs: convert, load, call, convert.

use crate::{
    books::Books,
    collect::{Collected, collect},
};
use journal::{Digest, Outcome, Position, Service, SystemName};
use money::{NetPence, TotalPence};
use nhs::FinancialYear;
use proto::reconciliation::v1::{self, reconciliation_service_server::ReconciliationService};
use reconciliation::{
    Command, Finding, Reconciliation, RecordPosition, Tie, pack, position, ties, unexplained,
};
use reference::Reference;
use server::{
    NoPeer, Peers,
    journals::{Answer, Handle, Journals, Request as Write},
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tonic::{Request, Response, Status};
use wire::{
    Pushback, common,
    reconciliation::{
        inward::{self, Ask},
        outward,
    },
    status,
};

/// The most ties that one listing gives.
const TIES_MAX: usize = 20_000;

/// The gRPC service of reconciliation. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Adapter {
    journals: Arc<Journals<Reconciliation>>,
    books: Books,
    references: Arc<Mutex<BTreeMap<SystemName, Adopted>>>,
}

/// Reference data that were read before.
#[derive(Debug, Clone)]
struct Adopted {
    digest: Digest,
    reference: Arc<Reference>,
    at: Option<Position>,
}

/// A position as computed.
struct Computed {
    position: v1::Position,
    ties: Vec<Tie>,
    sources: Vec<(Service, Option<Position>)>,
    pack: Vec<u8>,
}

/// How long the ledger may take to answer what it was told, before whoever asks is told to ask again.
const DELIVERY_PATIENCE: Duration = Duration::from_secs(5);

impl Adapter {
    /// Answers for `journals`. Errors when a service that is read runs elsewhere and has no address.
    pub fn new(journals: Arc<Journals<Reconciliation>>, peers: &Peers) -> Result<Self, NoPeer> {
        Ok(Self { journals, books: Books::new(peers)?, references: Arc::default() })
    }

    async fn journal(&self, system: &SystemName) -> Result<Handle<Reconciliation>, Status> {
        Ok(self.journals.get(system).await?)
    }

    /// The registry's newest reference data.
    async fn reference(&self, system: &SystemName) -> Result<Adopted, Status> {
        let known = self.references.lock().unwrap_or_else(PoisonError::into_inner).get(system).cloned();
        let answer = self.books.reference(system, known.as_ref().map(|known| known.digest)).await?;
        let at = answer.registry_position.map(Position::new);
        if let Some(known) = known
            && answer.content.is_empty()
        {
            return Ok(Adopted { at, ..known });
        }
        let digest = Digest::of(&answer.content);
        let content = answer.content;
        let read = tokio::task::spawn_blocking(move || Reference::decode(&content)).await;
        let Ok(Ok(reference)) = read else {
            tracing::error!(%system, "the registry's reference data cannot be read");
            return Err(Pushback::Dependency.into());
        };
        let adopted = Adopted { digest, reference: Arc::new(reference), at };
        let mut references = self.references.lock().unwrap_or_else(PoisonError::into_inner);
        references.insert(system.clone(), adopted.clone());
        Ok(adopted)
    }

    /// Collects, ties and sums.
    async fn compute(&self, handle: &Handle<Reconciliation>, ask: Ask) -> Result<Computed, Status> {
        let Ask { system, year, statements } = ask;
        let own = handle.read(None, move |state, at| {
            let rows: Vec<_> = state.totals_of(year).map(|(body, row)| (body, row.total)).collect();
            (rows, at.position)
        });
        let (totals, at) = own.await?;
        // The ledger is read once it has been told of them.
        if let Some(at) = at
            && !handle.delivered(at, DELIVERY_PATIENCE).await
        {
            return Err(Pushback::Dependency.into());
        }
        let adopted = self.reference(&system).await?;
        let Collected { mut figures, mut sources, referrals, referrals_implied } =
            collect(&self.books, &adopted.reference, adopted.at, &system, year).await?;
        figures.statements = statements;
        let amount = |total: NetPence| TotalPence::new(total.get().into());
        for (body, total) in totals {
            match body {
                Some(body) => figures.organisation_totals.push((body, amount(total))),
                None => figures.system_total = Some(amount(total)),
            }
        }
        sources.push((Service::Reconciliation, at));
        let (ties, found) = (ties(&figures), position(&figures));
        let pack = pack(year, &sources, &found, &ties);
        let mut position = outward::position(year, &found, &ties);
        position.sources = sources.iter().map(|(service, at)| outward::source(*service, *at)).collect();
        (position.referrals_count, position.referrals_implied_count) = (referrals, referrals_implied);
        Ok(Computed { position, ties, sources, pack })
    }

    async fn keep(
        &self,
        caller: Arc<str>,
        message: &v1::RecordPositionRequest,
    ) -> Result<v1::RecordPositionResponse, Status> {
        let (ask, request_id, fingerprint) = inward::record_position(message)?;
        let handle = self.journal(&ask.system).await?;
        let year = ask.year;
        let Computed { position, ties, sources, pack } = self.compute(&handle, ask).await?;
        let pack = handle.put_blob(pack).await?;
        let command = Command::RecordPosition(record(year, &sources, pack, &ties));
        let answer = handle
            .submit(Write::<Reconciliation> { request_id, fingerprint, caller, cause: None, command })
            .await?;
        let recorded = recorded(&answer)?;
        let number = answer.position;
        let kept = handle.read(Some(number), move |state, _| {
            let kept = state.positions().find(|(at, _)| *at == number);
            kept.map(|(at, kept)| outward::recorded_position(at, kept))
        });
        let position = (!answer.replayed).then_some(position);
        Ok(v1::RecordPositionResponse { recorded: Some(recorded), kept: kept.await?, position })
    }
}

fn record(
    year: FinancialYear,
    sources: &[(Service, Option<Position>)],
    pack: Digest,
    ties: &[Tie],
) -> RecordPosition {
    let breaks = ties.iter().filter(|tie| tie.finding() != Finding::Matched).count();
    RecordPosition {
        year,
        sources: sources.iter().filter_map(|(service, at)| Some((*service, (*at)?))).collect(),
        pack,
        unexplained: NetPence::new(outward::total(unexplained(ties))),
        ties: u32::try_from(ties.len()).unwrap_or(u32::MAX),
        breaks: u32::try_from(breaks).unwrap_or(u32::MAX),
    }
}

/// Where an accepted command stands, or its refusal.
fn recorded(answer: &Answer<Reconciliation>) -> Result<proto::common::v1::Recorded, Status> {
    if let Outcome::Refused(refusal) = &answer.outcome {
        return Err(status::refusal(refusal));
    }
    let Answer { position, leaf, recorded_time, business_date, replayed, .. } = answer;
    Ok(common::recorded(*position, *leaf, *recorded_time, *business_date, *replayed))
}

/// Who calls, as records name them.
fn urn<T>(request: &Request<T>) -> Result<Arc<str>, Status> {
    Ok(Arc::clone(server::caller(request)?.urn()))
}

#[tonic::async_trait]
impl ReconciliationService for Adapter {
    async fn propose_control_totals(
        &self,
        request: Request<v1::ProposeControlTotalsRequest>,
    ) -> Result<Response<v1::ProposeControlTotalsResponse>, Status> {
        let caller = urn(&request)?;
        let inward::Write { system, request_id, fingerprint, command } =
            inward::propose(request.into_inner())?;
        let content = if let Command::Propose(content) = &command { Some(content.clone()) } else { None };
        let handle = self.journal(&system).await?;
        let write = Write::<Reconciliation> { request_id, fingerprint, caller, cause: None, command };
        let answer = handle.submit(write).await?;
        let recorded = recorded(&answer)?;
        let proposal =
            content.map(|content| outward::proposal(answer.position, answer.recorded_time, &content));
        Ok(Response::new(v1::ProposeControlTotalsResponse { recorded: Some(recorded), proposal }))
    }

    async fn approve_control_totals(
        &self,
        request: Request<v1::ApproveControlTotalsRequest>,
    ) -> Result<Response<v1::ApproveControlTotalsResponse>, Status> {
        let caller = urn(&request)?;
        let inward::Write { system, request_id, fingerprint, command } = inward::approve(request.get_ref())?;
        let handle = self.journal(&system).await?;
        let write = Write::<Reconciliation> { request_id, fingerprint, caller, cause: None, command };
        let answer = handle.submit(write).await?;
        let recorded = Some(recorded(&answer)?);
        Ok(Response::new(v1::ApproveControlTotalsResponse { recorded }))
    }

    async fn list_control_totals(
        &self,
        request: Request<v1::ListControlTotalsRequest>,
    ) -> Result<Response<v1::ListControlTotalsResponse>, Status> {
        let (system, year, min_position) = inward::list_control_totals(request.get_ref())?;
        let handle = self.journal(&system).await?;
        let read = handle.read(min_position, move |state, at| v1::ListControlTotalsResponse {
            control_totals: state.totals_of(year).map(|(body, row)| outward::in_force(body, row)).collect(),
            proposals: state.pending().map(|(number, row)| outward::pending(number, row)).collect(),
            as_of: Some(common::as_of(at.position, at.recorded_time, at.business_date)),
        });
        Ok(Response::new(read.await?))
    }

    async fn get_position(
        &self,
        request: Request<v1::GetPositionRequest>,
    ) -> Result<Response<v1::GetPositionResponse>, Status> {
        let ask = inward::get_position(request.get_ref())?;
        let handle = self.journal(&ask.system).await?;
        let position = Some(self.compute(&handle, ask).await?.position);
        Ok(Response::new(v1::GetPositionResponse { position }))
    }

    async fn list_differences(
        &self,
        request: Request<v1::ListDifferencesRequest>,
    ) -> Result<Response<v1::ListDifferencesResponse>, Status> {
        let (ask, include_matched) = inward::list_differences(request.get_ref())?;
        let handle = self.journal(&ask.system).await?;
        let Computed { position, ties, .. } = self.compute(&handle, ask).await?;
        let wanted =
            |tie: &&Tie| include_matched || !tie.named.is_empty() || tie.finding() != Finding::Matched;
        Ok(Response::new(v1::ListDifferencesResponse {
            ties: ties.iter().filter(wanted).take(TIES_MAX).map(outward::tie).collect(),
            unexplained_pence: position.unexplained_pence,
            sources: position.sources,
        }))
    }

    async fn record_position(
        &self,
        request: Request<v1::RecordPositionRequest>,
    ) -> Result<Response<v1::RecordPositionResponse>, Status> {
        let caller = urn(&request)?;
        self.keep(caller, request.get_ref()).await.map(Response::new)
    }

    async fn list_positions(
        &self,
        request: Request<v1::ListPositionsRequest>,
    ) -> Result<Response<v1::ListPositionsResponse>, Status> {
        let (system, min_position) = inward::list_positions(request.get_ref())?;
        let handle = self.journal(&system).await?;
        let read = handle.read(min_position, move |state, at| v1::ListPositionsResponse {
            positions: state.positions().map(|(at, kept)| outward::recorded_position(at, kept)).collect(),
            as_of: Some(common::as_of(at.position, at.recorded_time, at.business_date)),
        });
        Ok(Response::new(read.await?))
    }
}
