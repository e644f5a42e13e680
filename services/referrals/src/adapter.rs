//! The rpcs: who calls, then convert, load, call, convert.

use crate::{
    compared::Latest,
    identity::Identity,
    intake::{Answered, answers, posting, requests},
    references::{LINES_AGE, References},
    stream::Stream,
};
use journal::SystemName;
use proto::referrals::v1::{self, referrals_service_server::ReferralsService};
use referrals::Referrals;
use server::{
    Context, NoPeer,
    journals::{Handle, Journals},
};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};
use wire::{Fields, PageKey, Pushback, referrals::inward::LINES_PER_BATCH_MAX};

/// Lines handed to the journals at a time, by all callers: a little under what one journal's queue takes, so that a burst
/// waits here for its turn instead of being pushed back.
const LINES_UNDER_WAY_MAX: usize = 60_000;

/// Answers of one stream that wait for their reader.
const ANSWERS_WAITING_MAX: usize = 4;

/// The gRPC service of referrals. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Adapter(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    journals: Arc<Journals<Referrals>>,
    identity: Identity,
    references: References,
    pages: PageKey,
    room: Arc<Semaphore>,
    draining: watch::Receiver<bool>,
    compared: Latest,
}

impl Adapter {
    /// Answers for `journals`. Errors when the registry or identity runs elsewhere and has no address.
    pub fn new(journals: Arc<Journals<Referrals>>, context: &Context) -> Result<Self, NoPeer> {
        let peers = context.peers();
        Ok(Self(Arc::new(Inner {
            journals,
            identity: Identity::new(peers)?,
            references: References::new(peers)?,
            pages: context.page_key(),
            room: Arc::new(Semaphore::new(LINES_UNDER_WAY_MAX)),
            draining: context.draining(),
            compared: Latest::default(),
        })))
    }

    pub(crate) async fn journal(&self, system: &SystemName) -> Result<Handle<Referrals>, Status> {
        Ok(self.0.journals.get(system).await?)
    }

    pub(crate) fn identity(&self) -> &Identity {
        &self.0.identity
    }

    pub(crate) fn references(&self) -> &References {
        &self.0.references
    }

    pub(crate) fn compared(&self) -> &Latest {
        &self.0.compared
    }

    pub(crate) fn draining(&self) -> watch::Receiver<bool> {
        self.0.draining.clone()
    }

    pub(crate) fn pages(&self) -> &PageKey {
        &self.0.pages
    }

    /// Waits until so many commands may be handed to the journals.
    pub(crate) async fn room(&self, commands: usize) -> Result<OwnedSemaphorePermit, Status> {
        let commands = u32::try_from(commands).map_err(|_| Status::from(Pushback::Busy))?;
        let permit = Arc::clone(&self.0.room).acquire_many_owned(commands).await;
        permit.map_err(|_| Pushback::Stopped.into())
    }

    async fn submit(
        &self,
        caller: &access::Caller,
        message: v1::SubmitActivityRequest,
    ) -> Result<v1::SubmitActivityResponse, Status> {
        let v1::SubmitActivityRequest { system, submission_id, first_row, lines, validate_only } = message;
        let mut fields = Fields::new();
        let system = fields.system("system", &system);
        let id = fields.parse("submission_id", &submission_id);
        let size = fields.batch("lines", lines.len(), LINES_PER_BATCH_MAX);
        if first_row == 0 {
            fields.refuse("first_row", "FIELD_INVALID", "rows count from 1");
        }
        let (system, id, ()) = fields.known((system, id, size))?;
        let handle = self.journal(&system).await?;
        let submission = self.submission(&handle, caller, id).await?;
        self.references().ensure(&handle, LINES_AGE).await?;
        let lines = self.batch(&handle, &submission, first_row, lines).await?;
        let requests = requests(&submission, caller.urn(), lines);
        if validate_only {
            return self.validate(&handle, submission, first_row, requests).await;
        }
        let permit = self.room(requests.len()).await?;
        let outcomes = handle.submit_many(requests).await?;
        drop(permit);
        let Answered { first_row: _, answers, position } = answers(first_row, outcomes)?;
        let posting = posting(&handle, position).await.into();
        Ok(v1::SubmitActivityResponse { answers, posting, position: position.get() })
    }
}

server::rpcs! {
    ReferralsService for Adapter {
        record_referral(RecordReferralRequest) -> RecordReferralResponse by record_one;
        record_referrals(RecordReferralsRequest) -> RecordReferralsResponse by record_many;
        end_referral(EndReferralRequest) -> EndReferralResponse by end;
        move_referral(MoveReferralRequest) -> MoveReferralResponse by move_on;
        get_referral_life(GetReferralLifeRequest) -> GetReferralLifeResponse by read_life;
        list_choices(ListChoicesRequest) -> ListChoicesResponse by list_of_choices;
        get_waiting_list(GetWaitingListRequest) -> GetWaitingListResponse by read_waiting_list;
        get_referral(GetReferralRequest) -> GetReferralResponse by read_referral;
        open_submission(OpenSubmissionRequest) -> OpenSubmissionResponse by open;
        submit_activity(SubmitActivityRequest) -> SubmitActivityResponse by submit;
        withdraw_line(WithdrawLineRequest) -> WithdrawLineResponse by withdraw;
        get_line(GetLineRequest) -> GetLineResponse by read_line;
        list_lines(ListLinesRequest) -> ListLinesResponse by list_of_lines;
        get_totals(GetTotalsRequest) -> GetTotalsResponse by read_totals;
        get_cut(GetCutRequest) -> GetCutResponse by read_cut;
        list_cuts(ListCutsRequest) -> ListCutsResponse by list_of_cuts;
    } and {
        type StreamActivityStream = ReceiverStream<Result<v1::StreamActivityResponse, Status>>;
        type WatchLinesStream = ReceiverStream<Result<v1::WatchLinesResponse, Status>>;

        async fn stream_activity(
            &self,
            request: Request<Streaming<v1::StreamActivityRequest>>,
        ) -> Result<Response<Self::StreamActivityStream>, Status> {
            let caller = server::caller(&request)?;
            let (out, answers) = mpsc::channel(ANSWERS_WAITING_MAX);
            let draining = self.0.draining.clone();
            let stream = Stream { adapter: self.clone(), caller, draining, out };
            tokio::spawn(stream.run(request.into_inner()));
            Ok(Response::new(ReceiverStream::new(answers)))
        }

        async fn watch_lines(
            &self,
            request: Request<v1::WatchLinesRequest>,
        ) -> Result<Response<Self::WatchLinesStream>, Status> {
            let caller = server::caller(&request)?;
            let events = self.watch(&caller, request.into_inner()).await?;
            Ok(Response::new(ReceiverStream::new(events)))
        }
    }
}
