//! `almoner.journal.v1.JournalService`: what every journal of this process answers for itself.

use crate::journals::{AnyJournal, AnyJournals};
use journal::{Service, SystemName};
use proto::journal::v1::journal_service_server::JournalService;
use proto::journal::v1::{
    AdvanceJournalClockRequest, AdvanceJournalClockResponse, GetCheckpointRequest, GetCheckpointResponse,
    Journal, ListJournalsRequest, ListJournalsResponse,
};
use std::sync::Arc;
use tonic::{Request, Response, Status};
use wire::Fields;

/// Answers for the journals of every service that this process runs.
pub struct Journalling {
    services: Vec<Box<dyn AnyJournals>>,
}

impl Journalling {
    /// Answers for `services`.
    #[must_use]
    pub fn new(services: Vec<Box<dyn AnyJournals>>) -> Self {
        Self { services }
    }

    /// Closes every journal. Blocks.
    pub(crate) fn close(&self) {
        for journals in &self.services {
            journals.close_all();
        }
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
            journals.extend(service.open_now().iter().map(|journal| Journal {
                service: service.service().to_string(),
                system: journal.system().to_string(),
                durable_count: journal.durable_count(),
                delivered_count: journal.delivered_count(),
                sandbox: journal.is_sandbox(),
                accepting: journal.accepting(),
            }));
        }
        Ok(Response::new(ListJournalsResponse { journals }))
    }

    async fn get_checkpoint(
        &self,
        request: Request<GetCheckpointRequest>,
    ) -> Result<Response<GetCheckpointResponse>, Status> {
        let GetCheckpointRequest { system, service } = request.into_inner();
        let mut fields = Fields::default();
        let known = (fields.system("system", &system), fields.parse("service", &service));
        let (system, service) = fields.known(known)?;
        let note = self.journal(system, service).await?.checkpoint().to_string();
        Ok(Response::new(GetCheckpointResponse { note }))
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

impl std::fmt::Debug for Journalling {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.services.iter().map(|journals| journals.service())).finish()
    }
}
