//! The service over real journals, beside a ledger of the test's own.

use crate::{Adapter, Answering, AskOutcome, Asking, Neighbours};
use access::Caller;
use health_budgets::{Ask, HealthBudgets, LedgerAnswer, LedgerReason};
use journal::{Day, Instant, Position, RequestId, SystemName};
use nhs::{NhsNumber, OdsCode, Pseudonym};
use proto::{
    google::r#type::Date,
    health_budgets::v1::{self, DecisionState, health_budgets_service_server::HealthBudgetsService as _},
};
use server::journals::{Directory, Journals, Lookup, Place, SystemClock, SystemFacts};
use std::{
    collections::BTreeMap,
    future::Future,
    path::Path,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tonic::{Code, Request, Status};
use wire::PageKey;

struct Known;

impl Directory for Known {
    fn system<'a>(&'a self, system: &'a SystemName) -> Lookup<'a> {
        let start = "2017-06-05T09:00:00Z".parse::<Instant>().unwrap();
        let facts = (system.as_str() == "s").then_some(SystemFacts { sandbox: Some(start) });
        Box::pin(async move { Ok(facts) })
    }
}

/// A ledger that grants all but what goes to `NVC`, and may be away.
#[derive(Default)]
struct Ledger {
    away: AtomicBool,
    answers: Mutex<BTreeMap<RequestId, LedgerAnswer>>,
    callers: Mutex<Vec<String>>,
}

impl Asking for Ledger {
    fn ask<'a>(
        &'a self,
        _: &'a SystemName,
        asks: &'a [(Position, Ask, String)],
    ) -> Pin<Box<dyn Future<Output = Result<Vec<AskOutcome>, Status>> + Send + 'a>> {
        Box::pin(async move {
            if self.away.load(Ordering::Relaxed) {
                return Err(wire::Pushback::Dependency.into());
            }
            let mut answers = self.answers.lock().unwrap();
            let mut outcomes = Vec::new();
            for (_, ask, caller) in asks {
                self.callers.lock().unwrap().push(caller.clone());
                let position = Position::new(answers.len() as u64);
                let denied = ask.posting.legs.iter().any(|leg| leg.account.ends_with("/NVC"));
                let reason = LedgerReason::new("LIMIT_EXCEEDED");
                let denial = LedgerAnswer::Denied { reason, position: Some(position) };
                let answer = if denied { denial } else { LedgerAnswer::Granted { position } };
                let answer = answers.entry(ask.posting.request_id).or_insert(answer);
                outcomes.push(Some(answer.clone()));
            }
            Ok(outcomes)
        })
    }
}

/// A registry that knows every code but `RZZ`, and an identity that knows everybody.
struct Friends;

impl Neighbours for Friends {
    fn pseudonym<'a>(&'a self, _: &'a SystemName, _: NhsNumber) -> Answering<'a, Pseudonym> {
        Box::pin(async { Ok(Pseudonym::new([7; 16])) })
    }

    fn is_open(&self, organisation: OdsCode, _: Day) -> Answering<'_, Option<bool>> {
        Box::pin(async move { Ok((organisation.as_str() != "RZZ").then_some(true)) })
    }
}

struct World {
    adapter: Adapter,
    journals: Arc<Journals<HealthBudgets>>,
    ledger: Arc<Ledger>,
}

fn open(root: &Path) -> World {
    let place = Place {
        root: root.to_owned(),
        disk: Arc::new(storage::FolderDisk),
        installation: [1; 16],
        signing_seed: [2; 32],
        clock: Arc::new(SystemClock),
        options: storage::Options::default(),
        mirror: None,
    };
    let journals = Journals::open(place, Arc::new(Known), None).unwrap();
    let ledger = Arc::new(Ledger::default());
    let asking: Arc<dyn Asking> = Arc::clone(&ledger) as _;
    let spawn = |work| drop(tokio::spawn(work));
    let adapter =
        Adapter::new(Arc::clone(&journals), asking, Arc::new(Friends), PageKey::new([1; 32]), spawn);
    adapter.take_up();
    World { adapter, journals, ledger }
}

impl World {
    async fn close(self) {
        let journals = self.journals;
        tokio::task::spawn_blocking(move || journals.close()).await.unwrap();
    }

    async fn plan(&self, number: u8, pots: Vec<v1::PotTerms>) -> v1::Plan {
        let opened = self.adapter.open_plan(by("ann", opening(number, pots))).await.unwrap().into_inner();
        let plan = opened.plan.unwrap();
        let approve = approval(number + 1, &plan);
        let answer = self.adapter.approve_plan(by("bob", approve)).await.unwrap().into_inner();
        assert_eq!(state(answer.decision), DecisionState::Granted);
        plan
    }
}

fn by<T>(person: &str, message: T) -> Request<T> {
    let person = format!("urn:almoner:person:{person}");
    let scope = if person.ends_with("stranger") { "urn:almoner:scope:11D" } else { "urn:almoner:scope:10M" };
    let mut request = Request::new(message);
    let caller = Caller::from_uris([person.as_str(), scope]).unwrap();
    request.extensions_mut().insert(Arc::new(caller));
    request
}

fn id(number: u8) -> String {
    format!("0192f0c1-2b3c-7d4e-8f90-1234567890{number:02x}")
}

fn date(year: i32, month: i32, day: i32) -> Option<Date> {
    Some(Date { year, month, day })
}

fn notional(budget_pence: i64) -> v1::PotTerms {
    v1::PotTerms { kind: v1::PotKind::Notional.into(), budget_pence, schedule: None, holder: String::new() }
}

fn direct(budget_pence: i64) -> v1::PotTerms {
    let schedule = v1::Schedule {
        frequency: v1::Frequency::FourWeekly.into(),
        first_due_date: date(2017, 6, 5),
        instalment_pence: 1_000,
    };
    let kind = v1::PotKind::DirectPayment.into();
    v1::PotTerms { kind, budget_pence, schedule: Some(schedule), holder: String::new() }
}

fn opening(number: u8, pots: Vec<v1::PotTerms>) -> v1::OpenPlanRequest {
    v1::OpenPlanRequest {
        system: "s".into(),
        request_id: id(number),
        person: Some(v1::open_plan_request::Person::NhsNumber(9_434_765_919)),
        ccg: "10M".into(),
        category: v1::CareCategory::AdultContinuingHealthcare.into(),
        start_date: date(2017, 6, 1),
        co_ordinator: "officer-12".into(),
        recipient: 0,
        pots,
    }
}

fn approval(number: u8, plan: &v1::Plan) -> v1::ApprovePlanRequest {
    v1::ApprovePlanRequest {
        system: "s".into(),
        request_id: id(number),
        plan: plan.plan.clone(),
        proposal_digest: plan.proposal_digest.clone(),
    }
}

fn spend(number: u8, plan: &v1::Plan, pot: v1::PotKind, amount_pence: i64) -> v1::RecordSpendRequest {
    v1::RecordSpendRequest {
        system: "s".into(),
        request_id: id(number),
        plan: plan.plan.clone(),
        pot: pot.into(),
        item: v1::ItemCategory::PersonalCare.into(),
        supplier: "NT3".into(),
        amount_pence,
        service_date: date(2017, 6, 5),
    }
}

fn state(decision: Option<v1::LedgerDecision>) -> DecisionState {
    decision.unwrap().state()
}

fn refused<T: std::fmt::Debug>(answer: Result<tonic::Response<T>, Status>) -> (Code, String) {
    let status = answer.unwrap_err();
    (status.code(), wire::status::reason_of(&status).unwrap_or_default())
}

fn precondition(reason: &str) -> (Code, String) {
    (Code::FailedPrecondition, reason.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_approved_spent_from_and_read() {
    let folder = tempfile::tempdir().unwrap();
    let world = open(folder.path());
    let adapter = &world.adapter;
    let opened =
        adapter.open_plan(by("ann", opening(1, vec![notional(5_000), direct(11_000)]))).await.unwrap();
    let plan = opened.into_inner().plan.unwrap();
    assert_eq!(plan.name, format!("systems/s/plans/{}", plan.plan));
    assert_eq!(plan.pseudonym, vec![7; 16]);
    assert_eq!(
        refused(adapter.approve_plan(by("ann", approval(2, &plan))).await),
        precondition("SAME_PERSON")
    );
    let approved = adapter.approve_plan(by("bob", approval(3, &plan))).await.unwrap().into_inner();
    assert_eq!(state(approved.decision), DecisionState::Granted);

    let notional_spend = adapter.record_spend(by("ann", spend(4, &plan, v1::PotKind::Notional, 6_000))).await;
    let answer = notional_spend.unwrap().into_inner();
    assert!(answer.over_budget);
    assert_eq!(
        (state(answer.decision), answer.spend.unwrap().state()),
        (DecisionState::Granted, v1::SpendState::Delivered)
    );
    let evidence = adapter.record_spend(by("ann", spend(5, &plan, v1::PotKind::DirectPayment, 11_000))).await;
    let evidence = evidence.unwrap().into_inner();
    assert_eq!((evidence.decision, evidence.spend.unwrap().state()), (None, v1::SpendState::Evidenced));
    let beyond = adapter.record_spend(by("ann", spend(6, &plan, v1::PotKind::DirectPayment, 1))).await;
    assert_eq!(refused(beyond), precondition("OVERSPEND"));
    let alcohol = v1::RecordSpendRequest {
        item: v1::ItemCategory::Alcohol.into(),
        ..spend(7, &plan, v1::PotKind::Notional, 1)
    };
    assert_eq!(refused(adapter.record_spend(by("ann", alcohol)).await), precondition("EXCLUDED_ITEM"));

    let read = v1::GetPlanRequest { system: "s".into(), plan: plan.plan.clone(), min_position: None };
    let read = adapter.get_plan(by("ann", read)).await.unwrap().into_inner().plan.unwrap();
    assert_eq!(read.state(), v1::PlanState::Active);
    let spent: Vec<_> = read.pots.iter().map(|pot| (pot.spent_pence, pot.room_pence)).collect();
    assert_eq!(spent, [(6_000, 0), (11_000, 0)]);
    let totals = v1::GetTotalsRequest { system: "s".into(), ccg: String::new(), min_position: None };
    let totals = adapter.get_totals(by("ann", totals)).await.unwrap().into_inner();
    assert_eq!((totals.cells.len(), totals.spends_count, totals.pending_count), (2, 2, 0));
    assert!(totals.cells.iter().all(|cell| cell.plans_count.is_none()), "one plan is a small number");
    let callers = world.ledger.callers.lock().unwrap().clone();
    assert_eq!(callers, ["urn:almoner:person:bob", "urn:almoner:person:ann"], "the ledger is told for whom");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denial_is_an_answer_and_stays_one() {
    let folder = tempfile::tempdir().unwrap();
    let world = open(folder.path());
    let plan = world.plan(1, vec![notional(5_000)]).await;
    let ask =
        v1::RecordSpendRequest { supplier: "NVC02".into(), ..spend(3, &plan, v1::PotKind::Notional, 100) };
    for replayed in [false, true] {
        let answer = world.adapter.record_spend(by("ann", ask.clone())).await.unwrap().into_inner();
        let decision = answer.decision.unwrap();
        assert_eq!((decision.state(), decision.reason.as_str()), (DecisionState::Denied, "LIMIT_EXCEEDED"));
        assert_eq!(answer.spend.unwrap().state(), v1::SpendState::Denied);
        assert_eq!(answer.recorded.unwrap().replayed, replayed);
    }
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_ledger_does_not_answer_is_pending_and_goes_on_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = open(folder.path());
    let plan = world.plan(1, vec![notional(5_000)]).await;
    world.ledger.away.store(true, Ordering::Relaxed);
    world.adapter.patience = Duration::ZERO;
    let ask = spend(3, &plan, v1::PotKind::Notional, 100);
    let answer = world.adapter.record_spend(by("ann", ask.clone())).await.unwrap().into_inner();
    assert_eq!(state(answer.decision), DecisionState::Pending);
    assert_eq!(answer.spend.unwrap().state(), v1::SpendState::Spending);
    world.close().await;

    // Nobody calls about it: the asks that a restart finds are taken up by themselves.
    let world = open(folder.path());
    let handle = world.journals.opened(&"s".parse().unwrap()).unwrap();
    let mut seen = 0;
    while handle.read(None, |state, _| state.asks().count()).await.unwrap() > 0 {
        seen = handle.durable_beyond(seen).await.unwrap();
    }
    let answer = world.adapter.record_spend(by("ann", ask)).await.unwrap().into_inner();
    assert_eq!((state(answer.decision), answer.recorded.unwrap().replayed), (DecisionState::Granted, true));
    assert_eq!(world.ledger.answers.lock().unwrap().len(), 1, "asked once of this ledger");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_bodys_plans_do_not_exist() {
    let folder = tempfile::tempdir().unwrap();
    let world = open(folder.path());
    let adapter = &world.adapter;
    let plan = world.plan(1, vec![notional(5_000)]).await;
    let foreign = adapter.open_plan(by("stranger", opening(3, vec![notional(1)]))).await;
    assert_eq!(refused(foreign), (Code::PermissionDenied, "NOT_YOURS".to_owned()));
    let unknown = (Code::NotFound, "PLAN_UNKNOWN".to_owned());
    let spent = adapter.record_spend(by("stranger", spend(4, &plan, v1::PotKind::Notional, 1))).await;
    assert_eq!(refused(spent), unknown);
    let read = v1::GetPlanRequest { system: "s".into(), plan: plan.plan.clone(), min_position: None };
    assert_eq!(refused(adapter.get_plan(by("stranger", read)).await), unknown);
    let list = v1::ListPlansRequest { system: "s".into(), ..Default::default() };
    assert!(adapter.list_plans(by("stranger", list.clone())).await.unwrap().into_inner().plans.is_empty());
    assert_eq!(adapter.list_plans(by("ann", list)).await.unwrap().into_inner().plans.len(), 1);
    let nobody =
        v1::RecordSpendRequest { supplier: "RZZ".into(), ..spend(5, &plan, v1::PotKind::Notional, 1) };
    let expected = (Code::InvalidArgument, "ORGANISATION_NOT_OPEN".to_owned());
    assert_eq!(refused(adapter.record_spend(by("ann", nobody)).await), expected);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn listings_come_in_pages() {
    let folder = tempfile::tempdir().unwrap();
    let world = open(folder.path());
    let plan = world.plan(1, vec![notional(5_000)]).await;
    for number in 10..15 {
        world.adapter.record_spend(by("ann", spend(number, &plan, v1::PotKind::Notional, 10))).await.unwrap();
    }
    let mut token = String::new();
    let mut sizes = Vec::new();
    let mut records = std::collections::BTreeSet::new();
    loop {
        let page = Some(proto::common::v1::PageRequest { page_size: 2, page_token: token });
        let ask =
            v1::ListSpendsRequest { system: "s".into(), plan: plan.plan.clone(), page, min_position: None };
        let answer = world.adapter.list_spends(by("ann", ask)).await.unwrap().into_inner();
        sizes.push(answer.spends.len());
        records.extend(answer.spends.iter().map(|spend| spend.record));
        token = answer.page.unwrap().next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!((sizes, records.len()), (vec![2, 2, 1], 5));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn instalments_are_asked_when_the_clock_moves() {
    let folder = tempfile::tempdir().unwrap();
    let world = open(folder.path());
    let plan = world.plan(1, vec![direct(11_000)]).await;
    let handle = world.journals.opened(&"s".parse().unwrap()).unwrap();
    let seen = handle.durable_count();
    handle
        .advance_clock("2017-07-04T09:00:00Z".parse().unwrap(), "urn:almoner:person:op".into())
        .await
        .unwrap();
    let mut seen = seen;
    while handle.read(None, |state, _| state.asks().count()).await.unwrap() > 0 {
        seen = handle.durable_beyond(seen).await.unwrap();
    }
    let read = v1::GetPlanRequest { system: "s".into(), plan: plan.plan, min_position: None };
    let plan = world.adapter.get_plan(by("ann", read)).await.unwrap().into_inner().plan.unwrap();
    assert_eq!((plan.pots[0].paid_pence, plan.pots[0].held_pence), (2_000, 9_000));
    world.close().await;
}
