//! The bulk stream: several batches under way, decided and answered in the order in which they came.

use crate::{
    Adapter,
    intake::{Answered, Submission, answers, posting, requests},
    references::LINES_AGE,
};
use access::Caller;
use core::{
    future::{Future, poll_fn},
    pin::Pin,
    task::Poll,
};
use futures_util::{StreamExt as _, stream::FuturesOrdered};
use journal::{RequestId, SystemName};
use proto::referrals::v1;
use referrals::Referrals;
use server::journals::{Handle, SubmitError};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};
use tonic::{Status, Streaming};
use wire::{Fields, Pushback, referrals::inward::LINES_PER_BATCH_MAX};

/// Batches of one stream that are decided, or wait for the disk or the ledger, at a time. Four of 2,000 lines cover a sync
/// and a delivery at a hundred thousand lines a second.
const BATCHES_UNDER_WAY_MAX: usize = 4;

type UnderWay = Pin<Box<dyn Future<Output = Result<v1::StreamActivityResponse, Status>> + Send>>;

/// What a stream is about: given by its first message, a later one may change the submission.
struct Subject {
    system: SystemName,
    handle: Handle<Referrals>,
    submission: Submission,
}

/// One stream.
pub(crate) struct Stream {
    pub(crate) adapter: Adapter,
    pub(crate) caller: Arc<Caller>,
    pub(crate) draining: watch::Receiver<bool>,
    pub(crate) out: mpsc::Sender<Result<v1::StreamActivityResponse, Status>>,
}

impl Stream {
    /// Answers batches until the sender ends the stream, an error ends it, or the process drains.
    pub(crate) async fn run(self, mut incoming: Streaming<v1::StreamActivityRequest>) {
        let mut subject = None;
        let mut draining = self.draining.clone();
        let mut under_way: FuturesOrdered<UnderWay> = FuturesOrdered::new();
        let mut open = true;
        while open || !under_way.is_empty() {
            let room = open && under_way.len() < BATCHES_UNDER_WAY_MAX;
            tokio::select! {
                Some(answered) = under_way.next(), if !under_way.is_empty() => {
                    let ends = answered.is_err();
                    if self.out.send(answered).await.is_err() || ends {
                        return;
                    }
                }
                message = incoming.message(), if room => match message {
                    Ok(Some(message)) => match self.take(&mut subject, message).await {
                        Ok(batch) => under_way.push_back(batch),
                        Err(status) => {
                            // What came before is answered first, so that the sender knows where to resume.
                            open = false;
                            under_way.push_back(Box::pin(async move { Err(status) }));
                        }
                    },
                    Ok(None) => open = false,
                    // The sender is gone; what it sent is recorded and will be answered when it comes again.
                    Err(_) => return,
                },
                drained = told_to_drain(&mut draining), if open => {
                    open = false;
                    if drained {
                        under_way.push_back(Box::pin(async { Err(Pushback::Draining.into()) }));
                    }
                }
            }
        }
    }

    /// Reads one batch and hands it to the journal. What comes back waits for its answers.
    async fn take(
        &self,
        subject: &mut Option<Subject>,
        message: v1::StreamActivityRequest,
    ) -> Result<UnderWay, Status> {
        let v1::StreamActivityRequest { system, submission_id, first_row, lines } = message;
        let mut fields = Fields::new();
        if lines.is_empty() || lines.len() > LINES_PER_BATCH_MAX {
            fields.batch("lines", lines.len(), LINES_PER_BATCH_MAX);
        }
        if first_row == 0 {
            fields.refuse("first_row", "FIELD_INVALID", "rows count from 1");
        }
        fields.finish()?;
        let current = self.subject(subject, &system, &submission_id).await?;
        self.adapter.references().ensure(&current.handle, LINES_AGE).await?;
        let lines = self.adapter.batch(&current.handle, &current.submission, first_row, lines).await?;
        let requests = requests(&current.submission, self.caller.urn(), lines);
        let permit = self.adapter.room(requests.len()).await?;
        let handle = current.handle.clone();
        let mut submitted = Box::pin(decided(handle, first_row, requests, permit));
        // The first poll puts the batch into the journal's queue: batches are decided in the order of the stream.
        let first = poll_fn(|cx| Poll::Ready(submitted.as_mut().poll(cx))).await;
        Ok(match first {
            Poll::Ready(done) => Box::pin(async move { done }),
            Poll::Pending => submitted,
        })
    }

    async fn subject<'a>(
        &self,
        subject: &'a mut Option<Subject>,
        system: &str,
        submission_id: &str,
    ) -> Result<&'a Subject, Status> {
        let same_system =
            subject.as_ref().is_some_and(|subject| system.is_empty() || subject.system.as_str() == system);
        let same = |subject: &Subject| {
            submission_id.is_empty() || subject.submission.id.to_string() == submission_id
        };
        if !(same_system && subject.as_ref().is_some_and(same)) {
            let mut fields = Fields::new();
            let name = match &*subject {
                Some(subject) if system.is_empty() => Some(subject.system.clone()),
                Some(_) | None => fields.system("system", system),
            };
            let id: Option<RequestId> = fields.parse("submission_id", submission_id);
            let (system, id) = fields.known((name, id))?;
            let handle = self.adapter.journal(&system).await?;
            let submission = self.adapter.submission(&handle, &self.caller, id).await?;
            *subject = Some(Subject { system, handle, submission });
        }
        subject.as_ref().ok_or_else(|| Pushback::Stopped.into())
    }
}

/// Waits until the process drains; false when it is gone altogether.
pub(crate) async fn told_to_drain(draining: &mut watch::Receiver<bool>) -> bool {
    draining.wait_for(|draining| *draining).await.is_ok()
}

async fn decided(
    handle: Handle<Referrals>,
    first_row: u64,
    requests: Vec<server::journals::Request<Referrals>>,
    permit: OwnedSemaphorePermit,
) -> Result<v1::StreamActivityResponse, Status> {
    let outcomes: Result<_, SubmitError> = handle.submit_many(requests).await;
    drop(permit);
    let Answered { first_row, answers, position } = answers(first_row, outcomes?)?;
    let posting = posting(&handle, position).await;
    Ok(v1::StreamActivityResponse { first_row, answers, posting: posting.into(), position: position.get() })
}
