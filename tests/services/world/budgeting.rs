//! A payer with money for budgets, the service that keeps them, and officers who call it.

use super::{SYSTEM, Starting, World, called, date, id, person};
use access::{Caller, Role};
use health_budgets_service::Adapter as Budgets;
use journal::Service;
use proto::{
    health_budgets::v1::health_budgets_service_server::HealthBudgetsServiceServer, ledger::v1 as books,
    registry::v1,
};
use server::Started;
use std::{
    ops::{Deref, DerefMut},
    path::Path,
    sync::Arc,
};
use tonic::Request;

const SERVICES: [Service; 5] =
    [Service::Registry, Service::Identity, Service::Ledger, Service::Referrals, Service::HealthBudgets];

/// What the payer's budgets may come to, in pence.
pub(crate) const ALLOCATION_PENCE: i64 = 60_000_00;

fn officer(id: &str) -> Arc<Caller> {
    let roles = [Role::Operator, Role::PhbOfficer, Role::FinancePreparer, Role::FinanceApprover];
    person(id, &roles, &["10M"])
}

/// A message as that officer sends it.
pub(crate) fn by<T>(id: &str, message: T) -> Request<T> {
    called(officer(id), message)
}

/// A running process in which health budgets run too.
pub(crate) struct Budgeting {
    world: World,
    pub(crate) budgets: Budgets,
}

impl Deref for Budgeting {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

impl DerefMut for Budgeting {
    fn deref_mut(&mut self) -> &mut World {
        &mut self.world
    }
}

impl Budgeting {
    /// Starts the services on `folder`.
    pub(crate) async fn start(folder: &Path) -> Self {
        let mut starting = Starting::bind(folder, &SERVICES, officer("anybody")).await;
        starting.identity().await;
        starting.ledger_and_referrals().await;
        let mut budgets = None;
        let start = async |context: server::Context| {
            let (adapter, journals) = health_budgets_service::open(context).await?;
            budgets = Some(adapter.clone());
            Ok(Started::new().add(HealthBudgetsServiceServer::new(adapter)).journals(journals))
        };
        starting.frame.start(Service::HealthBudgets, start).await.unwrap();
        Self { world: starting.open().await, budgets: budgets.unwrap() }
    }

    pub(crate) async fn stop(self) {
        drop(self.budgets);
        self.world.stop().await;
    }

    /// Registers the system and its bodies, and allocates money that plans cannot take more than.
    pub(crate) async fn register(&mut self) {
        let organisations =
            [("10M", v1::Role::Ccg), ("NT3", v1::Role::Independent), ("NV3", v1::Role::Independent)];
        self.register_organisations(&organisations).await;
        self.register_system(&["10M"], "2017-06-01T09:00:00Z").await;
        let unassigned = "10M/phb/2017-18/fund/unassigned/allocation";
        let paths = vec!["resource-limit/10M/2017-18".to_owned(), unassigned.to_owned()];
        let accounts = self.open_accounts(3, paths).await;
        let leg = |account: &books::Account, side: books::Side| books::Leg {
            account: account.number,
            side: side.into(),
            amount_pence: ALLOCATION_PENCE,
            window: None,
        };
        let posting = books::Posting {
            request_id: id(4).parse::<journal::RequestId>().unwrap().to_bytes().to_vec(),
            kind: books::EntryKind::Allocation.into(),
            effective_date: date((2017, 6, 1)),
            legs: vec![leg(&accounts[0], books::Side::Debit), leg(&accounts[1], books::Side::Credit)],
            ..books::Posting::default()
        };
        self.post(posting).await;
        let limit = books::SetLimitRequest {
            system: SYSTEM.into(),
            request_id: id(5),
            node: "10M/phb/2017-18/fund/unassigned".into(),
            severity: books::LimitSeverity::Hard.into(),
            floor_pence: Some(0),
            ceiling_pence: None,
            reason: "plans take what there is".into(),
        };
        self.ledger.set_limit(limit).await.unwrap();
    }

    pub(crate) async fn line(&mut self) -> books::LinePosition {
        let request = books::GetLinePositionRequest {
            system: SYSTEM.into(),
            line: "10M/phb/2017-18".into(),
            ..Default::default()
        };
        self.ledger.get_line_position(request).await.unwrap().into_inner().position.unwrap()
    }
}
