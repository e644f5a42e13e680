//! Personal health budgets of all three kinds, from the proposal to the payer's books, through a restart.

use crate::world::{
    SYSTEM,
    budgeting::{ALLOCATION_PENCE, Budgeting, by},
    date, id, reason,
};
use proto::health_budgets::v1::{
    self, DecisionState, health_budgets_service_server::HealthBudgetsService as _,
};
use std::time::Duration;
use tonic::{Response, Status};

const FUND: &str = "10M/phb/2017-18/fund/plan";

fn pot(kind: v1::PotKind, budget_pence: i64, holder: &str) -> v1::PotTerms {
    let schedule = v1::Schedule {
        frequency: v1::Frequency::FourWeekly.into(),
        first_due_date: date((2017, 6, 5)),
        instalment_pence: budget_pence / 11,
    };
    let schedule = (kind != v1::PotKind::Notional).then_some(schedule);
    v1::PotTerms { kind: kind.into(), budget_pence, schedule, holder: holder.into() }
}

fn person(number: u32) -> u64 {
    (number * 20..).find_map(nhs::NhsNumber::of_test_range).unwrap().reveal()
}

/// Proposes a plan as Ann; the plan, and what approving it as Bob came to.
async fn plan(world: &Budgeting, number: u32, pot: v1::PotTerms) -> (v1::Plan, v1::LedgerDecision) {
    let open = v1::OpenPlanRequest {
        system: SYSTEM.into(),
        request_id: id(number),
        person: Some(v1::open_plan_request::Person::NhsNumber(person(number))),
        ccg: "10M".into(),
        category: v1::CareCategory::AdultContinuingHealthcare.into(),
        start_date: date((2017, 6, 1)),
        co_ordinator: "officer-12".into(),
        recipient: 0,
        pots: vec![pot],
    };
    let opened = world.budgets.open_plan(by("ann", open)).await.unwrap().into_inner();
    let plan = opened.plan.unwrap();
    let approve = v1::ApprovePlanRequest {
        system: SYSTEM.into(),
        request_id: id(number + 1),
        plan: plan.plan.clone(),
        proposal_digest: plan.proposal_digest.clone(),
    };
    let approved = world.budgets.approve_plan(by("bob", approve)).await.unwrap().into_inner();
    (plan, approved.decision.unwrap())
}

fn spend(number: u32, plan: &v1::Plan, pot: v1::PotKind, amount_pence: i64) -> v1::RecordSpendRequest {
    v1::RecordSpendRequest {
        system: SYSTEM.into(),
        request_id: id(number),
        plan: plan.plan.clone(),
        pot: pot.into(),
        item: v1::ItemCategory::PersonalCare.into(),
        supplier: "NT3".into(),
        amount_pence,
        service_date: date((2017, 6, 1)),
    }
}

fn refused<T: std::fmt::Debug>(answer: Result<Response<T>, Status>) -> String {
    reason(&answer.unwrap_err())
}

/// How long the ledger may take on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until the ledger has answered everything.
async fn answered(world: &Budgeting) {
    let ask = || v1::GetTotalsRequest { system: SYSTEM.into(), ccg: String::new(), min_position: None };
    let pending =
        async || world.budgets.get_totals(by("ann", ask())).await.unwrap().into_inner().pending_count;
    let all_answered = async {
        while pending().await != 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, all_answered).await.expect("the ledger does not answer");
}

async fn assert_identity(world: &mut Budgeting) {
    let line = world.line().await;
    assert_eq!(
        line.allocated_pence,
        line.committed_pence + line.accrued_pence + line.paid_pence + line.available_pence
    );
    assert_eq!(line.allocated_pence, ALLOCATION_PENCE);
}

#[tokio::test(flavor = "multi_thread")]
async fn three_kinds_of_budget_stand_in_the_books() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = Budgeting::start(folder.path()).await;
    world.register().await;
    let granted = i32::from(DecisionState::Granted);

    let (notional, decision) = plan(&world, 100, pot(v1::PotKind::Notional, 10_000_00, "")).await;
    assert_eq!(decision.state, granted);
    let (held, decision) = plan(&world, 110, pot(v1::PotKind::ThirdParty, 22_000_00, "NV3")).await;
    assert_eq!(decision.state, granted);
    let (direct, decision) = plan(&world, 120, pot(v1::PotKind::DirectPayment, 11_000_00, "")).await;
    assert_eq!(decision.state, granted);
    assert_eq!(world.balance(&format!("{FUND}/{}/allocation", direct.plan)).await, 11_000_00);
    let line = world.line().await;
    assert_eq!(line.committed_pence, 33_000_00, "instalments to come");
    assert_identity(&mut world).await;

    // More than there is: the ledger says no, and the plan may be approved when there is more.
    let (_, decision) = plan(&world, 130, pot(v1::PotKind::DirectPayment, 22_000_00, "")).await;
    let denied = (decision.state(), decision.reason.as_str());
    assert_eq!(denied, (DecisionState::Denied, "LIMIT_EXCEEDED"));

    // Bought: notional through the ledger, cash as evidence, and what no budget may buy.
    let ask = spend(200, &notional, v1::PotKind::Notional, 250_00);
    let bought = world.budgets.record_spend(by("ann", ask.clone())).await.unwrap().into_inner();
    assert_eq!(bought.decision.as_ref().unwrap().state, granted);
    assert_eq!(world.balance("10M/phb/2017-18/owed/payable/NT3").await, 250_00);
    let over = spend(201, &direct, v1::PotKind::DirectPayment, 11_000_01);
    assert_eq!(refused(world.budgets.record_spend(by("ann", over)).await), "OVERSPEND");
    let item = v1::ItemCategory::HrgPricedProcedure.into();
    let surgery = v1::RecordSpendRequest { item, ..spend(202, &notional, v1::PotKind::Notional, 1) };
    assert_eq!(refused(world.budgets.record_spend(by("ann", surgery)).await), "EXCLUDED_ITEM");
    let nobody =
        v1::RecordSpendRequest { supplier: "NT9".into(), ..spend(203, &notional, v1::PotKind::Notional, 1) };
    assert_eq!(refused(world.budgets.record_spend(by("ann", nobody)).await), "ORGANISATION_NOT_OPEN");
    assert_identity(&mut world).await;

    // Instalments fall due on 5 June and 3 July.
    world.advance("2017-07-04T09:00:00Z").await;
    answered(&world).await;
    assert_eq!(world.balance("10M/phb/2017-18/owed/payable/NV3").await, 4_000_00);
    let payable = format!("10M/phb/2017-18/owed/payable/{}", direct.plan);
    assert_eq!(world.balance(&payable).await, 2_000_00);
    let care = v1::RecordCarePeriodRequest {
        system: SYSTEM.into(),
        request_id: id(300),
        plan: held.plan.clone(),
        pot: v1::PotKind::ThirdParty.into(),
        from_date: date((2017, 6, 5)),
        to_date: date((2017, 7, 2)),
        amount_pence: 1_900_00,
    };
    let care = world.budgets.record_care_period(by("ann", care)).await.unwrap().into_inner();
    assert_eq!(care.decision.unwrap().state, granted);
    assert_eq!(world.balance(&format!("{FUND}/{}/advance", held.plan)).await, 2_100_00);
    assert_eq!(world.balance(&format!("{FUND}/{}/expenditure", held.plan)).await, 1_900_00);
    assert_identity(&mut world).await;
    let before = world.line().await;
    world.stop().await;

    // After a restart the same requests have the same answers, and nothing moves again.
    let mut world = Budgeting::start(folder.path()).await;
    let again = world.budgets.record_spend(by("ann", ask)).await.unwrap().into_inner();
    assert!(again.recorded.unwrap().replayed);
    assert_eq!((again.decision, again.spend), (bought.decision, bought.spend));
    assert_eq!(world.line().await, before);

    // The holder of the direct payment dies: what is held is given up, what is left comes back.
    let die = v1::RecordDeathRequest {
        system: SYSTEM.into(),
        request_id: id(400),
        plan: direct.plan.clone(),
        death_date: date((2017, 7, 3)),
    };
    world.budgets.record_death(by("ann", die)).await.unwrap();
    answered(&world).await;
    let reclaim = v1::DecideReclaimRequest {
        system: SYSTEM.into(),
        request_id: id(401),
        plan: direct.plan.clone(),
        pot: v1::PotKind::DirectPayment.into(),
        amount_pence: 2_000_00,
        reason: v1::ReclaimReason::Death.into(),
        deadline_date: date((2017, 8, 1)),
    };
    let reclaim =
        world.budgets.decide_reclaim(by("ann", reclaim)).await.unwrap().into_inner().reclaim.unwrap();
    let receipt = v1::RecordReclaimReceiptRequest {
        system: SYSTEM.into(),
        request_id: id(402),
        reclaim: reclaim.record,
        amount_pence: 2_000_00,
        receive_date: date((2017, 7, 4)),
    };
    let receipt = world.budgets.record_reclaim_receipt(by("ann", receipt)).await.unwrap().into_inner();
    assert_eq!(receipt.reclaim.unwrap().state(), v1::ReclaimState::Received);
    let after = world.line().await;
    assert_eq!(before.committed_pence - after.committed_pence, 9_000_00);
    assert_eq!(after.paid_pence, -2_000_00, "it came in before anything was paid out");
    assert_identity(&mut world).await;
    world.stop().await;
}
