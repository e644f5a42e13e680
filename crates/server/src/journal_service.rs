//! `almoner.journal.v1.JournalService`: what every journal of this process answers for itself.

use crate::{
    journals::{AnyJournal, AnyJournals, ReadError},
    witnessing::Cosigner,
};
use journal::house::House;
use journal::{Nodes as _, Position, RecordView, Service, SystemName};

use proto::journal::v1::journal_service_server::JournalService;
use proto::journal::v1::{
    AdvanceJournalClockRequest, AdvanceJournalClockResponse, GetCheckpointRequest, GetCheckpointResponse,
    GetConsistencyProofRequest, GetConsistencyProofResponse, GetReceiptsRequest, GetReceiptsResponse,
    GetRecordHeadersRequest, GetRecordHeadersResponse, Journal, ListJournalsRequest, ListJournalsResponse,
    RecordHeader,
};
use std::collections::{BTreeMap, btree_map};
use std::sync::Arc;
use storage::TileError;
use tonic::{Request, Response, Status};
use wire::{Fields, Pushback};

/// Receipts in one answer: as many as lines in the largest batch.
const RECEIPTS_MAX: usize = 8_000;

/// Headers in one answer: as many as items in the largest page.
const HEADERS_MAX: usize = 1_000;

fn unreadable(error: TileError) -> Status {
    tracing::error!(
        error = &error as &dyn std::error::Error,
        "the hashes of a journal's tree cannot be read"
    );
    wire::status::damaged()
}

/// Answers for the journals of every service that this process runs.
pub struct Journalling {
    services: Vec<Box<dyn AnyJournals>>,
    cosigner: Arc<Cosigner>,
}

impl Journalling {
    /// Answers for `services`, whose witnesses `cosigner` asks.
    #[must_use]
    pub fn new(services: Vec<Box<dyn AnyJournals>>, cosigner: Arc<Cosigner>) -> Self {
        Self { services, cosigner }
    }

    /// Closes every journal. Blocks.
    pub(crate) fn close(&self) {
        for journals in &self.services {
            journals.close_all();
        }
    }

    /// Every open journal, with its service.
    pub(crate) fn all(&self) -> Vec<(Service, Box<dyn AnyJournal>)> {
        let mut all = Vec::new();
        for journals in &self.services {
            all.extend(journals.open_now().into_iter().map(|journal| (journals.service(), journal)));
        }
        all
    }

    /// What is shown of that journal to everybody: the last checkpoint that a witness cosigned, else the last one signed.
    pub(crate) fn shown(&self, service: Service, journal: &dyn AnyJournal) -> Arc<str> {
        let cosigned = self.cosigner.last(service, journal.system());
        cosigned.map_or_else(|| journal.checkpoint(), |cosigned| cosigned.note)
    }

    /// The journal of that name when it is open in this process.
    pub(crate) fn opened(&self, system: &SystemName, service: Service) -> Option<Box<dyn AnyJournal>> {
        let here = self.services.iter().find(|journals| journals.service() == service)?;
        here.open_now().into_iter().find(|journal| journal.system() == system)
    }

    async fn journal(&self, system: SystemName, service: Service) -> Result<Box<dyn AnyJournal>, Status> {
        let here = self.services.iter().find(|journals| journals.service() == service);
        let here = here.ok_or_else(wire::status::service_not_here)?;
        Ok(here.get_any(system).await?)
    }
}

#[tonic::async_trait]
impl JournalService for Journalling {
    async fn list_journals(
        &self,
        _: Request<ListJournalsRequest>,
    ) -> Result<Response<ListJournalsResponse>, Status> {
        let mut journals = Vec::new();
        for service in &self.services {
            journals.extend(service.open_now().iter().map(|journal| {
                let cosigned = self.cosigner.last(service.service(), journal.system());
                Journal {
                    service: service.service().to_string(),
                    system: journal.system().to_string(),
                    durable_count: journal.durable_count(),
                    delivered_count: journal.delivered_count(),
                    sandbox: journal.is_sandbox(),
                    accepting: journal.accepting(),
                    cosigned_count: cosigned.as_ref().map_or(0, |cosigned| cosigned.checkpoint.size),
                    cosigners: cosigned.map(|cosigned| cosigned.by).unwrap_or_default(),
                }
            }));
        }
        Ok(Response::new(ListJournalsResponse { journals }))
    }

    async fn get_checkpoint(
        &self,
        request: Request<GetCheckpointRequest>,
    ) -> Result<Response<GetCheckpointResponse>, Status> {
        let GetCheckpointRequest { system, service, current } = request.into_inner();
        let mut fields = Fields::default();
        let known = (fields.system("system", &system), fields.parse("service", &service));
        let (system, service) = fields.known(known)?;
        let cosigned = self.cosigner.last(service, &system);
        let journal = self.journal(system, service).await?;
        let note = if current {
            let signed = journal.checkpoint_of(journal.durable_count()).await;
            signed.ok_or(Pushback::Behind)?.note.to_string()
        } else {
            journal.checkpoint().to_string()
        };
        let cosigned_note = cosigned.map(|cosigned| cosigned.note.to_string()).unwrap_or_default();
        Ok(Response::new(GetCheckpointResponse { note, cosigned_note }))
    }

    async fn get_receipts(
        &self,
        request: Request<GetReceiptsRequest>,
    ) -> Result<Response<GetReceiptsResponse>, Status> {
        let GetReceiptsRequest { system, service, first_position, record_count } = request.into_inner();
        let mut fields = Fields::default();
        let count = usize::try_from(record_count).unwrap_or(usize::MAX);
        let known = (
            fields.system("system", &system),
            fields.parse("service", &service),
            fields.batch("record_count", count, RECEIPTS_MAX),
        );
        let (system, service, ()) = fields.known(known)?;
        let journal = self.journal(system, service).await?;
        let end = first_position.saturating_add(u64::from(record_count));
        if end > journal.durable_count() {
            return Err(Pushback::Behind.into());
        }
        let signed = journal.checkpoint_of(end).await.ok_or(Pushback::Behind)?;
        let (tiles, checkpoint) = (journal.tiles(), signed.checkpoint);
        let read = tokio::task::spawn_blocking(move || {
            let leaves: Result<Vec<_>, _> = (first_position..end).map(|leaf| tiles.node(0, leaf)).collect();
            let leaves = leaves?;
            let proof = tiles.range(Position::new(first_position), &leaves, &checkpoint)?;
            Ok::<_, TileError>((leaves, proof))
        });
        let (leaves, proof) = read.await.map_err(|_| Pushback::Stopped)?.map_err(unreadable)?;
        Ok(Response::new(GetReceiptsResponse {
            note: signed.note.to_string(),
            leaf_hashes: leaves.into_iter().map(wire::common::digest).collect(),
            proof_hashes: proof.into_iter().map(wire::common::digest).collect(),
        }))
    }

    async fn get_consistency_proof(
        &self,
        request: Request<GetConsistencyProofRequest>,
    ) -> Result<Response<GetConsistencyProofResponse>, Status> {
        let GetConsistencyProofRequest { system, service, old_size, new_size } = request.into_inner();
        let mut fields = Fields::default();
        if old_size > new_size {
            fields.refuse("old_size", "FIELD_INVALID", "the older tree is not larger than the newer one");
        }
        let known = (fields.system("system", &system), fields.parse("service", &service));
        let (system, service) = fields.known(known)?;
        let tiles = self.journal(system, service).await?.tiles();
        if new_size > tiles.size() {
            return Err(Pushback::Behind.into());
        }
        let read = tokio::task::spawn_blocking(move || tiles.consistency(old_size, new_size));
        let proof = read.await.map_err(|_| Pushback::Stopped)?.map_err(unreadable)?;
        let proof_hashes = proof.into_iter().map(wire::common::digest).collect();
        Ok(Response::new(GetConsistencyProofResponse { proof_hashes }))
    }

    async fn get_record_headers(
        &self,
        request: Request<GetRecordHeadersRequest>,
    ) -> Result<Response<GetRecordHeadersResponse>, Status> {
        let GetRecordHeadersRequest { system, service, positions } = request.into_inner();
        let mut fields = Fields::default();
        let known = (
            fields.system("system", &system),
            fields.parse("service", &service),
            fields.batch("positions", positions.len(), HEADERS_MAX),
        );
        let (system, service, ()) = fields.known(known)?;
        let journal = self.journal(system, service).await?;
        let read = tokio::task::spawn_blocking(move || headers(&*journal, &positions));
        let headers = read.await.map_err(|_| Pushback::Stopped)??;
        Ok(Response::new(GetRecordHeadersResponse { headers }))
    }

    async fn advance_journal_clock(
        &self,
        request: Request<AdvanceJournalClockRequest>,
    ) -> Result<Response<AdvanceJournalClockResponse>, Status> {
        let caller: Arc<str> = Arc::clone(crate::caller(&request)?.urn());
        let AdvanceJournalClockRequest { system, service, advance_to } = request.into_inner();
        let mut fields = Fields::default();
        let known = (
            fields.system("system", &system),
            fields.parse("service", &service),
            fields.required("advance_to", advance_to.and_then(wire::common::instant_from)),
        );
        let (system, service, to) = fields.known(known)?;
        let journal = self.journal(system, service).await?;
        let shown = journal.advance_clock(to, caller).await?;
        Ok(Response::new(AdvanceJournalClockResponse {
            clock_time: Some(wire::common::timestamp(shown)),
            durable_count: journal.durable_count(),
        }))
    }
}

/// The headers of the records that are there. Callers are few, so each is read once.
fn headers(journal: &dyn AnyJournal, positions: &[u64]) -> Result<Vec<RecordHeader>, ReadError> {
    let mut callers = BTreeMap::new();
    let mut headers = Vec::with_capacity(positions.len());
    for position in positions.iter().copied().map(Position::new) {
        let Some(record) = journal.record(position)? else { continue };
        let header = RecordView::parse(&record).map_err(|_| ReadError::Damaged)?.header;
        let caller = match callers.entry(header.caller) {
            btree_map::Entry::Occupied(known) => known.into_mut(),
            btree_map::Entry::Vacant(new) => new.insert(caller_named(journal, header.caller)?),
        };
        headers.push(RecordHeader {
            position: header.position.get(),
            kind: header.kind.0.into(),
            recorded_time: Some(wire::common::timestamp(header.recorded_time)),
            business_date: Some(wire::common::day(header.business_date)),
            caller: caller.clone(),
            cause: header.cause.map(wire::common::cause),
            request_id: header.request_id.to_string(),
        });
    }
    Ok(headers)
}

/// The caller whom the record at that position names; empty when it names none.
fn caller_named(journal: &dyn AnyJournal, at: Position) -> Result<String, ReadError> {
    let Some(record) = journal.record(at)? else { return Ok(String::new()) };
    let view = RecordView::parse(&record).map_err(|_| ReadError::Damaged)?;
    let named = view.header.kind.is_house().then(|| House::decode(view.body));
    Ok(match named {
        Some(Ok(House::CallerNamed(named))) => named.urn,
        _ => String::new(),
    })
}

impl std::fmt::Debug for Journalling {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.services.iter().map(|journals| journals.service())).finish()
    }
}
