//! Five services in one process, a payer with money for budgets, and officers who call them.

use access::{Caller, Identity, Role, Roles};
use health_budgets_service::Adapter as Budgets;
use journal::{Instant, Service};
use proto::{
    google::r#type::Date,
    health_budgets::v1::health_budgets_service_server::HealthBudgetsServiceServer,
    ledger::v1::{self as books, ledger_service_client::LedgerServiceClient},
    registry::v1::{
        self,
        registry_service_server::{RegistryService as _, RegistryServiceServer},
    },
};
use registry_service::Adapter as Registry;
use server::{Frame, Limits, Security, Settings, Started, Telemetry};
use std::{collections::BTreeMap, path::Path, sync::Arc};
use tonic::{Request, transport::Channel};

pub(crate) const SYSTEM: &str = "berkshire-west";

/// Clocks move service by service, in this order.
const SERVICES: [Service; 5] =
    [Service::Registry, Service::Identity, Service::Ledger, Service::Referrals, Service::HealthBudgets];

/// What the payer's budgets may come to, in pence.
pub(crate) const ALLOCATION_PENCE: i64 = 60_000_00;

fn person(id: &str) -> Arc<Caller> {
    let roles: Roles = [Role::Operator, Role::PhbOfficer, Role::FinancePreparer, Role::FinanceApprover]
        .into_iter()
        .collect();
    let scopes = vec!["10M".parse().unwrap()];
    Arc::new(Caller::new(Identity::Person(id.parse().unwrap()), roles, scopes).unwrap())
}

/// A message as that person sends it.
pub(crate) fn by<T>(id: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.extensions_mut().insert(person(id));
    request
}

/// The request id of attempt `number`.
pub(crate) fn id(number: u32) -> String {
    format!("0192f0c1-2b3c-7d4e-8f90-{number:012}")
}

pub(crate) fn date((year, month, day): (i32, i32, i32)) -> Option<Date> {
    Some(Date { year, month, day })
}

/// A running process.
pub(crate) struct World {
    frame: Frame,
    registry: Registry,
    pub(crate) budgets: Budgets,
    pub(crate) ledger: LedgerServiceClient<Channel>,
}

impl World {
    /// Starts the services on `folder`.
    pub(crate) async fn start(folder: &Path) -> Self {
        let settings = Settings {
            data_dir: folder.to_owned(),
            services: SERVICES.to_vec(),
            address: "127.0.0.1:0".parse().unwrap(),
            security: Security::InsecureLoopback(person("anybody")),
            reflection: false,
            peers: BTreeMap::new(),
            limits: Limits { drain_notice_ms: 0, ..Limits::default() },
            telemetry: Telemetry::default(),
        };
        let mut frame = Frame::bind(settings).await.unwrap();
        let mut registry = None;
        let start = async |context: server::Context| {
            let (adapter, journals) = registry_service::open(&context).await?;
            registry = Some(adapter.clone());
            Ok(Started::new().add(RegistryServiceServer::new(adapter)).journals(journals))
        };
        frame.start(Service::Registry, start).await.unwrap();
        frame.start(Service::Identity, identity_service::start).await.unwrap();
        frame.start(Service::Ledger, ledger_service::start).await.unwrap();
        frame.start(Service::Referrals, referrals_service::start).await.unwrap();
        let mut budgets = None;
        let start = async |context: server::Context| {
            let (adapter, journals) = health_budgets_service::open(context).await?;
            budgets = Some(adapter.clone());
            Ok(Started::new().add(HealthBudgetsServiceServer::new(adapter)).journals(journals))
        };
        frame.start(Service::HealthBudgets, start).await.unwrap();
        frame.open().await;
        let uri = format!("http://{}", frame.address());
        let ledger = LedgerServiceClient::connect(uri).await.unwrap();
        Self { frame, registry: registry.unwrap(), budgets: budgets.unwrap(), ledger }
    }

    pub(crate) async fn stop(self) {
        drop((self.ledger, self.budgets));
        self.frame.run(async {}).await.unwrap();
    }

    /// Registers the system and its bodies, and allocates money that plans cannot take more than.
    pub(crate) async fn register(&mut self) {
        self.registry.register_organisations(by("ann", organisations())).await.unwrap();
        let clock_start: Instant = "2017-06-01T09:00:00Z".parse().unwrap();
        let system = v1::System {
            system: SYSTEM.into(),
            title: "Berkshire West".into(),
            sandbox: true,
            members: vec!["10M".into()],
            clock_start_time: Some(wire::common::timestamp(clock_start)),
        };
        let register = v1::RegisterSystemRequest { request_id: id(2), system: Some(system) };
        self.registry.register_system(by("ann", register)).await.unwrap();
        let unassigned = "10M/phb/2017-18/fund/unassigned/allocation";
        let paths = vec!["resource-limit/10M/2017-18".to_owned(), unassigned.to_owned()];
        let open = books::OpenAccountsRequest { system: SYSTEM.into(), request_id: id(3), paths };
        let accounts = self.ledger.open_accounts(open).await.unwrap().into_inner().accounts;
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
        let post = books::PostEntriesRequest {
            system: SYSTEM.into(),
            request_id: String::new(),
            mode: books::PostingMode::Each.into(),
            postings: vec![posting],
            validate_only: false,
        };
        let answer = self.ledger.post_entries(post).await.unwrap().into_inner();
        let outcome = answer.outcomes[0].outcome.clone().unwrap();
        assert!(matches!(outcome, books::posting_outcome::Outcome::Posted(_)), "{outcome:?}");
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

    /// Moves the clocks of the services that run here. Those that do not are named in an error, which is passed over.
    pub(crate) async fn advance(&self, to: &str) {
        let to: Instant = to.parse().unwrap();
        let request = v1::AdvanceClockRequest {
            system: SYSTEM.into(),
            request_id: id(9_000),
            advance_to: Some(wire::common::timestamp(to)),
        };
        let elsewhere = self.registry.advance_clock(by("ann", request)).await.unwrap_err();
        assert_eq!(wire::status::reason_of(&elsewhere).as_deref(), Some("DEPENDENCY_UNAVAILABLE"));
    }

    pub(crate) async fn balance(&mut self, path: &str) -> i64 {
        let request =
            books::GetBalanceRequest { system: SYSTEM.into(), path: path.into(), min_position: None };
        match self.ledger.get_balance(request).await {
            Ok(answer) => answer.into_inner().balance.unwrap().balance_pence,
            Err(status) => {
                assert_eq!(wire::status::reason_of(&status).as_deref(), Some("NODE_UNKNOWN"));
                0
            }
        }
    }

    pub(crate) async fn line(&mut self) -> books::LinePosition {
        let request = books::GetLinePositionRequest {
            system: SYSTEM.into(),
            line: "10M/phb/2017-18".into(),
            min_position: None,
        };
        self.ledger.get_line_position(request).await.unwrap().into_inner().position.unwrap()
    }
}

fn organisations() -> v1::RegisterOrganisationsRequest {
    let organisation = |(ods, role): (&str, v1::Role)| v1::Organisation {
        ods: ods.into(),
        name: ods.into(),
        role: role.into(),
        open: Some(v1::Validity { from_date: date((2013, 4, 1)), until_date: None }),
        successor: String::new(),
        source: "test".into(),
    };
    let rows = [("10M", v1::Role::Ccg), ("NT3", v1::Role::Independent), ("NV3", v1::Role::Independent)];
    v1::RegisterOrganisationsRequest {
        request_id: id(1),
        organisations: rows.map(organisation).to_vec(),
        validate_only: false,
    }
}
