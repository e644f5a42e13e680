//! Kill -9 while a personal health budget is spent from: each spend is decided once, its answer stays the same, and its
//! supplier is owed once.

use crate::support::{Installation, Process, free_port};
use journal::Service;
use nhs::NhsNumber;
use proto::google::r#type::Date;
use proto::health_budgets::v1::health_budgets_service_client::HealthBudgetsServiceClient;
use proto::health_budgets::v1::{
    ApprovePlanRequest, CareCategory, DecisionState, GetTotalsRequest, ItemCategory, LedgerDecision,
    OpenPlanRequest, Plan, PotKind, PotTerms, RecordSpendRequest, open_plan_request::Person,
};
use proto::ledger::v1::ledger_service_client::LedgerServiceClient;
use proto::ledger::v1::{GetBalanceRequest, GetTrialBalanceRequest};
use std::collections::BTreeMap;
use std::time::Duration;
use tonic::transport::Channel;
use tonic::{Code, Status};

const SYSTEM: &str = "berkshire-west";
const CCG: &str = "10N";
const SUPPLIER: &str = "NV3";
/// More than are decided before the kill.
const SPENDS: usize = 400;
const SPEND_PENCE: i64 = 10_00;

fn day(day: i32) -> Option<Date> {
    Some(Date { year: 2017, month: 8, day })
}

/// Opens a notional plan as one officer and approves it as another.
async fn plan(channels: [Channel; 2]) -> Plan {
    let [ann, bob] = channels;
    let pot = PotTerms {
        kind: PotKind::Notional.into(),
        budget_pence: 5_000_00,
        schedule: None,
        holder: String::new(),
    };
    let open = OpenPlanRequest {
        system: SYSTEM.into(),
        request_id: client::new_request_id(),
        person: Some(Person::NhsNumber((900_000..).find_map(NhsNumber::of_test_range).unwrap().reveal())),
        ccg: CCG.into(),
        category: CareCategory::Other.into(),
        start_date: day(1),
        co_ordinator: "officer-1".into(),
        recipient: 0,
        pots: vec![pot],
    };
    let opened = HealthBudgetsServiceClient::new(ann).open_plan(open).await.unwrap().into_inner();
    let plan = opened.plan.unwrap();
    let approve = ApprovePlanRequest {
        system: SYSTEM.into(),
        request_id: client::new_request_id(),
        plan: plan.plan.clone(),
        proposal_digest: plan.proposal_digest.clone(),
    };
    let approved = HealthBudgetsServiceClient::new(bob).approve_plan(approve).await.unwrap().into_inner();
    assert_eq!(approved.decision.unwrap().state(), DecisionState::Granted);
    plan
}

/// Spends what is not decided yet, under the ids given; ends at the first that fails or is pending. What was decided before
/// must be decided the same.
async fn spend(
    channel: Channel,
    plan: &str,
    ids: &[String],
    decided: &mut BTreeMap<String, LedgerDecision>,
) -> Result<(), Status> {
    let mut client = HealthBudgetsServiceClient::new(channel);
    for id in ids {
        let request = RecordSpendRequest {
            system: SYSTEM.into(),
            request_id: id.clone(),
            plan: plan.to_owned(),
            pot: PotKind::Notional.into(),
            item: ItemCategory::PersonalCare.into(),
            supplier: SUPPLIER.into(),
            amount_pence: SPEND_PENCE,
            service_date: day(2),
        };
        let answer = client.record_spend(request).await?.into_inner();
        let decision = answer.decision.unwrap();
        if decision.state() == DecisionState::Pending {
            return Err(Status::unavailable("pending"));
        }
        if let Some(before) = decided.insert(id.clone(), decision.clone()) {
            assert_eq!(before, decision);
            assert!(answer.recorded.unwrap().replayed);
        }
    }
    Ok(())
}

/// What the supplier is owed under the programme, once the ledger has been asked everything.
async fn owed(installation: &Installation, budgets: &Process, ledger: &Process) -> i64 {
    let mut client = HealthBudgetsServiceClient::new(installation.connect(budgets, "kill-ann").await);
    for _ in 0..200 {
        let ask = GetTotalsRequest { system: SYSTEM.into(), ccg: String::new(), min_position: None };
        if client.get_totals(ask).await.unwrap().into_inner().pending_count == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let mut client = LedgerServiceClient::new(installation.connect(ledger, "auditor").await);
    let request = GetTrialBalanceRequest { system: SYSTEM.into(), ..Default::default() };
    assert_eq!(client.get_trial_balance(request).await.unwrap().into_inner().difference_pence, 0);
    let path = format!("{CCG}/phb/2017-18/owed/payable/{SUPPLIER}");
    let request = GetBalanceRequest { system: SYSTEM.into(), path, ..Default::default() };
    match client.get_balance(request).await {
        Ok(answer) => answer.into_inner().balance.unwrap().balance_pence,
        Err(status) => {
            assert_eq!(status.code(), Code::NotFound, "{status:?}");
            0
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_service_decides_each_spend_once() {
    let installation = Installation::played();
    for (name, person) in [("kill-ann", "kill-1"), ("kill-bob", "kill-2")] {
        let person = format!("urn:almoner:person:{person}");
        let scope = format!("urn:almoner:scope:{CCG}");
        installation.issue(name, &[person.as_str(), "urn:almoner:role:phb-officer", scope.as_str()]);
    }
    let ports: Vec<(Service, u16)> = Service::ALL.into_iter().map(|service| (service, free_port())).collect();
    let start = |service: Service| {
        let port = ports.iter().find(|(of, _)| *of == service).unwrap().1;
        let peers: Vec<_> = ports.iter().copied().filter(|(of, _)| *of != service).collect();
        installation.serve_at(&[service], port, &peers)
    };
    let mut processes: BTreeMap<Service, Process> =
        Service::ALL.into_iter().map(|service| (service, start(service))).collect();
    let budgets = &processes[&Service::HealthBudgets];
    let officers =
        [installation.connect(budgets, "kill-ann").await, installation.connect(budgets, "kill-bob").await];
    let plan = plan(officers).await;
    let before = owed(&installation, budgets, &processes[&Service::Ledger]).await;

    for (round, killed) in (1..).zip([Service::HealthBudgets, Service::Ledger]) {
        let ids: Vec<String> = (0..SPENDS).map(|_| client::new_request_id()).collect();
        let channel = installation.connect(&processes[&Service::HealthBudgets], "kill-ann").await;
        let (plan_id, sent) = (plan.plan.clone(), ids.clone());
        let sending = tokio::spawn(async move {
            let mut decided = BTreeMap::new();
            let _ = spend(channel, &plan_id, &sent, &mut decided).await;
            decided
        });
        tokio::time::sleep(Duration::from_millis(300)).await;
        processes.remove(&killed).unwrap().kill();
        let mut decided = sending.await.unwrap();
        processes.insert(killed, start(killed));
        let mut whole = Ok(());
        // The others connect again by themselves; a call may meet the gap once more.
        for _ in 0..40 {
            let channel = installation.connect(&processes[&Service::HealthBudgets], "kill-ann").await;
            whole = spend(channel, &plan.plan, &ids, &mut decided).await;
            if whole.is_ok() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        assert!(whole.is_ok(), "the spends were not taken after {killed} came back: {whole:?}");
        assert_eq!(decided.len(), SPENDS);
        assert!(decided.values().all(|decision| decision.state() == DecisionState::Granted));
        let (budgets, ledger) = (&processes[&Service::HealthBudgets], &processes[&Service::Ledger]);
        let spent = owed(&installation, budgets, ledger).await - before;
        assert_eq!(spent, round * i64::try_from(SPENDS).unwrap() * SPEND_PENCE, "{killed}");
    }
    for (service, process) in processes {
        assert_eq!(process.stop(), Some(0), "{service}");
    }
}
