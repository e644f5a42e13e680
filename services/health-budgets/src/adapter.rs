//! The rpcs: convert, load, call, convert.

use crate::{Asking, Neighbours, asking, decision::PATIENCE, write::Done};
use access::Caller;
use health_budgets::{Event, HealthBudgets, PlanNumber, State};
use journal::{Position, SystemName};
use proto::health_budgets::v1::{self, health_budgets_service_server::HealthBudgetsService};
use server::journals::{Handle, Journals};
use std::{
    collections::BTreeSet,
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tonic::{Request, Response, Status};
use wire::{PageKey, common, health_budgets as convert, status};

/// Work that goes on beside the calls.
type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The gRPC service of health budgets. Cheap to clone.
#[derive(Clone)]
pub struct Adapter {
    journals: Arc<Journals<HealthBudgets>>,
    ledger: Arc<dyn Asking>,
    neighbours: Arc<dyn Neighbours>,
    pages: PageKey,
    spawn: Arc<dyn Fn(Work) + Send + Sync>,
    /// Systems whose asks a worker carries.
    carried: Arc<Mutex<BTreeSet<SystemName>>>,
    /// How long an answer waits for the ledger before it says that it is pending.
    pub(crate) patience: Duration,
}

impl fmt::Debug for Adapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Adapter").field("journals", &self.journals).finish_non_exhaustive()
    }
}

impl Adapter {
    /// Answers for `journals`. `spawn` runs work beside the calls until the process drains.
    pub fn new(
        journals: Arc<Journals<HealthBudgets>>,
        ledger: Arc<dyn Asking>,
        neighbours: Arc<dyn Neighbours>,
        pages: PageKey,
        spawn: impl Fn(Work) + Send + Sync + 'static,
    ) -> Self {
        let (spawn, carried) = (Arc::new(spawn), Arc::default());
        Self { journals, ledger, neighbours, pages, spawn, carried, patience: PATIENCE }
    }

    /// Takes up what the journals at hand still ask.
    pub fn take_up(&self) {
        for handle in self.journals.all() {
            self.carry_on(&handle);
        }
    }

    fn carry_on(&self, handle: &Handle<HealthBudgets>) {
        let mut carried = self.carried.lock().unwrap_or_else(PoisonError::into_inner);
        if carried.insert(handle.system().clone()) {
            (self.spawn)(Box::pin(asking::carry_on(handle.clone(), Arc::clone(&self.ledger))));
        }
    }

    /// The journal of a system, whose asks are carried from now on.
    pub(crate) async fn journal(&self, system: &SystemName) -> Result<Handle<HealthBudgets>, Status> {
        let handle = self.journals.get(system).await?;
        self.carry_on(&handle);
        Ok(handle)
    }

    pub(crate) fn neighbours(&self) -> &dyn Neighbours {
        &*self.neighbours
    }

    pub(crate) const fn pages(&self) -> &PageKey {
        &self.pages
    }
}

/// A spend or booking as it stands now.
async fn spend_now(handle: &Handle<HealthBudgets>, record: Position) -> Result<Option<v1::Spend>, Status> {
    let read = handle
        .read(None, move |state: &State, _| state.spend(record).map(|spend| convert::spend(record, spend)));
    Ok(read.await?)
}

/// A reclaim as it stands now.
async fn reclaim_now(
    handle: &Handle<HealthBudgets>,
    record: Position,
) -> Result<Option<v1::Reclaim>, Status> {
    let read = handle.read(None, move |state: &State, _| {
        state.reclaim(record).map(|reclaim| convert::reclaim(record, reclaim))
    });
    Ok(read.await?)
}

/// The answers to writes of one shape: parse, write, and put together what `$answer` makes of it.
macro_rules! writes {
    ($($method:ident($request:ident) -> $response:ident: |$done:ident, $message:ident| $answer:expr;)+) => {
        #[tonic::async_trait]
        impl HealthBudgetsService for Adapter {
            $(
                async fn $method(
                    &self,
                    request: Request<v1::$request>,
                ) -> Result<Response<v1::$response>, Status> {
                    let caller = server::caller(&request)?;
                    let $message = request.into_inner();
                    let asked = convert::$method($message.clone())?;
                    let $done: Done = self.write(&caller, asked).await?;
                    Ok(Response::new($answer))
                }
            )+

            async fn open_plan(
                &self,
                request: Request<v1::OpenPlanRequest>,
            ) -> Result<Response<v1::OpenPlanResponse>, Status> {
                let caller = server::caller(&request)?;
                let opening = convert::open_plan(request.into_inner())?;
                self.opened(&caller, opening).await.map(Response::new)
            }

            async fn get_plan(
                &self,
                request: Request<v1::GetPlanRequest>,
            ) -> Result<Response<v1::GetPlanResponse>, Status> {
                let caller = server::caller(&request)?;
                let ask = convert::get_plan(request.into_inner())?;
                self.read_plan(&caller, ask).await.map(Response::new)
            }

            async fn list_plans(
                &self,
                request: Request<v1::ListPlansRequest>,
            ) -> Result<Response<v1::ListPlansResponse>, Status> {
                let caller = server::caller(&request)?;
                let list = convert::list_plans(self.pages(), request.into_inner())?;
                self.read_plans(&caller, list).await.map(Response::new)
            }

            async fn list_reviews_due(
                &self,
                request: Request<v1::ListReviewsDueRequest>,
            ) -> Result<Response<v1::ListReviewsDueResponse>, Status> {
                let caller = server::caller(&request)?;
                let ask = convert::list_reviews_due(request.into_inner())?;
                self.read_reviews(&caller, ask).await.map(Response::new)
            }

            async fn get_spend(
                &self,
                request: Request<v1::GetSpendRequest>,
            ) -> Result<Response<v1::GetSpendResponse>, Status> {
                let caller = server::caller(&request)?;
                let ask = convert::get_spend(request.into_inner())?;
                self.read_spend(&caller, ask).await.map(Response::new)
            }

            async fn list_spends(
                &self,
                request: Request<v1::ListSpendsRequest>,
            ) -> Result<Response<v1::ListSpendsResponse>, Status> {
                let caller = server::caller(&request)?;
                let list = convert::list_spends(self.pages(), request.into_inner())?;
                self.read_spends(&caller, list).await.map(Response::new)
            }

            async fn list_reclaims(
                &self,
                request: Request<v1::ListReclaimsRequest>,
            ) -> Result<Response<v1::ListReclaimsResponse>, Status> {
                let caller = server::caller(&request)?;
                let list = convert::list_reclaims(self.pages(), request.into_inner())?;
                self.read_reclaims(&caller, list).await.map(Response::new)
            }

            async fn get_totals(
                &self,
                request: Request<v1::GetTotalsRequest>,
            ) -> Result<Response<v1::GetTotalsResponse>, Status> {
                let caller = server::caller(&request)?;
                let ask = convert::get_totals(request.into_inner())?;
                self.read_totals(&caller, ask).await.map(Response::new)
            }
        }
    };
}

writes! {
    approve_plan(ApprovePlanRequest) -> ApprovePlanResponse: |done, message|
        v1::ApprovePlanResponse { decision: done.decision().await?, recorded: done.recorded };
    suspend_plan(SuspendPlanRequest) -> SuspendPlanResponse: |done, message|
        v1::SuspendPlanResponse { recorded: done.recorded };
    resume_plan(ResumePlanRequest) -> ResumePlanResponse: |done, message|
        v1::ResumePlanResponse { recorded: done.recorded };
    record_death(RecordDeathRequest) -> RecordDeathResponse: |done, message|
        v1::RecordDeathResponse { recorded: done.recorded };
    close_plan(ClosePlanRequest) -> ClosePlanResponse: |done, message|
        v1::ClosePlanResponse { recorded: done.recorded };
    record_review(RecordReviewRequest) -> RecordReviewResponse: |done, message|
        v1::RecordReviewResponse { next_review_date: next_review(&done), recorded: done.recorded };
    record_spend(RecordSpendRequest) -> RecordSpendResponse: |done, message| {
        let decision = if done.event == Event::SpendEvidenced { None } else { done.decision().await? };
        v1::RecordSpendResponse {
            decision,
            over_budget: over_budget(&done),
            spend: spend_now(&done.handle, done.position).await?,
            recorded: done.recorded,
        }
    };
    book_service(BookServiceRequest) -> BookServiceResponse: |done, message|
        v1::BookServiceResponse {
            decision: done.decision().await?,
            over_budget: over_budget(&done),
            booking: spend_now(&done.handle, done.position).await?,
            recorded: done.recorded,
        };
    record_delivery(RecordDeliveryRequest) -> RecordDeliveryResponse: |done, message|
        v1::RecordDeliveryResponse {
            decision: done.decision().await?,
            booking: spend_now(&done.handle, Position::new(message.booking)).await?,
            recorded: done.recorded,
        };
    cancel_booking(CancelBookingRequest) -> CancelBookingResponse: |done, message|
        v1::CancelBookingResponse {
            decision: done.decision().await?,
            booking: spend_now(&done.handle, Position::new(message.booking)).await?,
            recorded: done.recorded,
        };
    record_care_period(RecordCarePeriodRequest) -> RecordCarePeriodResponse: |done, message|
        v1::RecordCarePeriodResponse { decision: done.decision().await?, recorded: done.recorded };
    record_return(RecordReturnRequest) -> RecordReturnResponse: |done, message|
        v1::RecordReturnResponse { decision: done.decision().await?, recorded: done.recorded };
    decide_reclaim(DecideReclaimRequest) -> DecideReclaimResponse: |done, message|
        v1::DecideReclaimResponse {
            decision: done.decision().await?,
            reclaim: reclaim_now(&done.handle, done.position).await?,
            recorded: done.recorded,
        };
    record_reclaim_receipt(RecordReclaimReceiptRequest) -> RecordReclaimReceiptResponse: |done, message|
        v1::RecordReclaimReceiptResponse {
            decision: done.decision().await?,
            reclaim: reclaim_now(&done.handle, Position::new(message.reclaim)).await?,
            recorded: done.recorded,
        };
    propose_write_off(ProposeWriteOffRequest) -> ProposeWriteOffResponse: |done, message|
        v1::ProposeWriteOffResponse {
            reclaim: reclaim_now(&done.handle, Position::new(message.reclaim)).await?,
            recorded: done.recorded,
        };
    approve_write_off(ApproveWriteOffRequest) -> ApproveWriteOffResponse: |done, message|
        v1::ApproveWriteOffResponse {
            decision: done.decision().await?,
            reclaim: reclaim_now(&done.handle, Position::new(message.reclaim)).await?,
            recorded: done.recorded,
        };
}

impl Adapter {
    async fn opened(
        &self,
        caller: &Caller,
        opening: convert::Opening,
    ) -> Result<v1::OpenPlanResponse, Status> {
        let system = opening.system.clone();
        let done = self.open(caller, opening).await?;
        let number = PlanNumber(done.position);
        let read = done.handle.read(None, move |state: &State, at| {
            state.plan(number).map(|plan| convert::plan(&system, number, plan, at.business_date))
        });
        let plan = read.await?.ok_or_else(status::damaged)?;
        Ok(v1::OpenPlanResponse { recorded: done.recorded, plan: Some(plan) })
    }
}

fn over_budget(done: &Done) -> bool {
    matches!(
        done.event,
        Event::SpendRequested { over_budget: true, .. } | Event::BookingRequested { over_budget: true }
    )
}

fn next_review(done: &Done) -> Option<proto::google::r#type::Date> {
    if let Event::ReviewRecorded { next } = done.event { Some(common::day(next)) } else { None }
}
