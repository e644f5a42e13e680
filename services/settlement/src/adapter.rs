//! The rpcs: who calls, then convert, load, call, convert.

use crate::{folder::Folder, lines::Listed, peers::Others, references::References, watch::Watch};
use access::Caller;
use journal::{Fingerprint, Outcome, RequestId, SystemName, fingerprint};
use proto::settlement::v1::{self, settlement_service_server::SettlementService};
use server::{
    Context, NoPeer,
    journals::{Answer, Handle, Journals, Request as Submission},
};
use settlement::{Command, Event, Settlement};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};
use tonic::Status;
use wire::{PageKey, Pushback, common, status};

/// The gRPC service of settlement. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Adapter(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    journals: Arc<Journals<Settlement>>,
    others: Others,
    references: References,
    listed: Listed,
    pages: PageKey,
    root: std::path::PathBuf,
    /// Held by whoever carries a system's asks and writes its files: one at a time.
    busy: Mutex<BTreeMap<SystemName, Arc<tokio::sync::Mutex<()>>>>,
    /// Runs whose files were looked at since the process started.
    seen: Mutex<BTreeSet<RequestId>>,
    watch: Watch,
}

impl Adapter {
    /// Answers for `journals`. Errors when a service that settlement asks runs elsewhere and has no address.
    pub fn new(journals: Arc<Journals<Settlement>>, context: &Context) -> Result<Self, NoPeer> {
        let peers = context.peers();
        Ok(Self(Arc::new(Inner {
            journals,
            others: Others::new(peers)?,
            references: References::new(peers)?,
            listed: Listed::default(),
            pages: context.page_key(),
            root: context.data_dir().to_owned(),
            busy: Mutex::default(),
            seen: Mutex::default(),
            watch: Watch::new(context.cosigner()),
        })))
    }

    /// The journal of that system.
    pub(crate) async fn journal(&self, system: &SystemName) -> Result<Handle<Settlement>, Status> {
        Ok(self.0.journals.get(system).await?)
    }

    /// Every journal that is open.
    pub(crate) fn open_journals(&self) -> Vec<Handle<Settlement>> {
        self.0.journals.all()
    }

    pub(crate) fn others(&self) -> &Others {
        &self.0.others
    }

    pub(crate) fn references(&self) -> &References {
        &self.0.references
    }

    pub(crate) fn listed(&self) -> &Listed {
        &self.0.listed
    }

    /// What asks the witnesses.
    pub(crate) fn watch(&self) -> &Watch {
        &self.0.watch
    }

    pub(crate) fn pages(&self) -> &PageKey {
        &self.0.pages
    }

    /// The folder that holds the files of that system's runs.
    pub(crate) fn folder(&self, system: &SystemName) -> Folder {
        Folder::new(self.0.root.join(system.as_str()).join("settlement").join("out"))
    }

    /// What whoever works on that system's asks and files holds meanwhile.
    pub(crate) fn busy(&self, system: &SystemName) -> Arc<tokio::sync::Mutex<()>> {
        let mut busy = self.0.busy.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(busy.entry(system.clone()).or_default())
    }

    /// Notes that the files of that run were looked at.
    pub(crate) fn sees(&self, run: RequestId) {
        self.0.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(run);
    }

    /// Has the files of that run looked at again.
    pub(crate) fn forgets(&self, run: RequestId) {
        self.0.seen.lock().unwrap_or_else(PoisonError::into_inner).remove(&run);
    }

    /// Whether the files of that run were looked at.
    pub(crate) fn has_seen(&self, run: RequestId) -> bool {
        self.0.seen.lock().unwrap_or_else(PoisonError::into_inner).contains(&run)
    }

    /// Records one command of a caller; its refusal is the call's.
    pub(crate) async fn submit(
        &self,
        handle: &Handle<Settlement>,
        caller: &Caller,
        (request_id, content): (RequestId, Fingerprint),
        command: Command,
    ) -> Result<(Answer<Settlement>, Event), Status> {
        let caller = Arc::clone(caller.urn());
        let request =
            Submission::<Settlement> { request_id, fingerprint: content, caller, cause: None, command };
        let answer = handle.submit(request).await?;
        match &answer.outcome {
            Outcome::Accepted(events) => {
                let event = events.first().cloned().ok_or_else(|| Status::from(Pushback::Stopped))?;
                Ok((answer, event))
            }
            Outcome::Refused(refusal) => Err(status::refusal(refusal)),
        }
    }
}

/// Where an answer stands.
pub(crate) fn recorded(answer: &Answer<Settlement>) -> proto::common::v1::Recorded {
    let Answer { position, recorded_time, business_date, outcome: _, replayed, leaf } = answer;
    common::recorded(*position, *leaf, *recorded_time, *business_date, *replayed)
}

/// The fingerprint of what a caller said, whatever the service adds to it.
pub(crate) fn content_of<C: minicbor::Encode<()>>(content: C) -> Fingerprint {
    let mut bytes = Vec::new();
    // Writing to a Vec cannot fail, and no content holds anything that CBOR lacks.
    let _ = minicbor::encode(content, &mut bytes);
    fingerprint(&bytes)
}

/// An id for what the service itself records or asks: of version 7.
pub(crate) fn fresh_id() -> Result<RequestId, Status> {
    RequestId::from_bytes(uuid::Uuid::now_v7().into_bytes()).map_err(|_| Pushback::Stopped.into())
}

server::rpcs! {
    SettlementService for Adapter {
        prepare_run(PrepareRunRequest) -> PrepareRunResponse by prepare;
        get_run(GetRunRequest) -> GetRunResponse by read_run;
        list_runs(ListRunsRequest) -> ListRunsResponse by list_of_runs;
        approve_run(ApproveRunRequest) -> ApproveRunResponse by approve;
        waive_witnesses(WaiveWitnessesRequest) -> WaiveWitnessesResponse by waive;
        pay_run(PayRunRequest) -> PayRunResponse by pay;
        resume_run(ResumeRunRequest) -> ResumeRunResponse by resume;
        cancel_run(CancelRunRequest) -> CancelRunResponse by cancel;
        close_run(CloseRunRequest) -> CloseRunResponse by close;
        record_bank_message(RecordBankMessageRequest) -> RecordBankMessageResponse by bank_message;
        list_payments(ListPaymentsRequest) -> ListPaymentsResponse by list_of_payments;
        get_file(GetFileRequest) -> GetFileResponse by read_file;
        get_remittance(GetRemittanceRequest) -> GetRemittanceResponse by remittance;
        list_instalments(ListInstalmentsRequest) -> ListInstalmentsResponse by list_of_instalments;
    }
}
