//! Services in one process, people who call them, and what every system is registered with.

pub(crate) mod budgeting;
pub(crate) mod elective;
pub(crate) mod settling;

use access::{Caller, Identity, Role};
use journal::{Instant, Service};
use proto::{
    google::r#type::Date,
    ledger::v1::{self as ledger, ledger_service_client::LedgerServiceClient},
    referrals::v1::referrals_service_client::ReferralsServiceClient,
    registry::v1::{
        self,
        registry_service_server::{RegistryService as _, RegistryServiceServer},
    },
};
use registry_service::Adapter as Registry;
use server::{Frame, Limits, Security, Settings, Started, Telemetry};
use std::{collections::BTreeMap, net::SocketAddr, path::Path, sync::Arc};
use tonic::{Request, Status, transport::Channel};

pub(crate) const SYSTEM: &str = "berkshire-west";

fn person(id: &str, roles: &[Role], scopes: &[&str]) -> Arc<Caller> {
    let scopes = scopes.iter().map(|code| code.parse().unwrap()).collect();
    let roles = roles.iter().copied().collect();
    Arc::new(Caller::new(Identity::Person(id.parse().unwrap()), roles, scopes).unwrap())
}

/// A person who may do all that these tests do for the providers named.
fn finance(id: &str, scopes: &[&str]) -> Arc<Caller> {
    let roles = [Role::Operator, Role::FinancePreparer, Role::FinanceApprover, Role::Provider, Role::Auditor];
    person(id, &roles, scopes)
}

fn called<T>(caller: Arc<Caller>, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.extensions_mut().insert(caller);
    request
}

/// A call by an organisation's system.
pub(crate) fn by_body<T>(ods: &str, message: T) -> Request<T> {
    let roles = [Role::Provider].into_iter().collect();
    let caller = Caller::new(Identity::Organisation(ods.parse().unwrap()), roles, Vec::new()).unwrap();
    called(Arc::new(caller), message)
}

/// A call by a person who may see who people are.
pub(crate) fn by_controlled<T>(id: &str, message: T) -> Request<T> {
    called(person(id, &[Role::ControlledFinance, Role::PhbOfficer], &[]), message)
}

/// A call by a person of finance.
pub(crate) fn by<T>(id: &str, message: T) -> Request<T> {
    called(finance(id, &[]), message)
}

/// The request id of attempt `number`.
pub(crate) fn id(number: u32) -> String {
    format!("0192f0c1-2b3c-7d4e-8f90-{number:012}")
}

pub(crate) fn date((year, month, day): (i32, i32, i32)) -> Option<Date> {
    Some(Date { year, month, day })
}

fn since() -> Option<v1::Validity> {
    Some(v1::Validity { from_date: date((2013, 4, 1)), until_date: None })
}

/// The reason that a refusal names, or nothing.
pub(crate) fn reason(status: &Status) -> String {
    wire::status::reason_of(status).unwrap_or_default()
}

/// A process whose services are being started: the registry runs.
struct Starting {
    frame: Frame,
    registry: Registry,
}

impl Starting {
    /// A process on `folder` in which every call over the wire is `anybody`'s.
    async fn bind(folder: &Path, services: &[Service], anybody: Arc<Caller>) -> Self {
        Self::watched(folder, services, anybody, server::WitnessPolicy::default()).await
    }

    /// The same, watched by witnesses.
    async fn watched(
        folder: &Path,
        services: &[Service],
        anybody: Arc<Caller>,
        witnessing: server::WitnessPolicy,
    ) -> Self {
        let settings = Settings {
            journal_mirror: None,
            data_dir: folder.to_owned(),
            services: services.to_vec(),
            address: "127.0.0.1:0".parse().unwrap(),
            security: Security::InsecureLoopback(anybody),
            reflection: false,
            peers: BTreeMap::new(),
            limits: Limits { drain_notice_ms: 0, ..Limits::default() },
            telemetry: Telemetry::default(),
            witnessing,
        };
        let mut frame = Frame::bind(settings).await.unwrap();
        let mut registry = None;
        let start = async |context: server::Context| {
            let (adapter, journals) = registry_service::open(&context).await?;
            registry = Some(adapter.clone());
            Ok(Started::new().add(RegistryServiceServer::new(adapter)).journals(journals))
        };
        frame.start(Service::Registry, start).await.unwrap();
        Self { frame, registry: registry.unwrap() }
    }

    async fn identity(&mut self) {
        self.frame.start(Service::Identity, identity_service::start).await.unwrap();
    }

    async fn ledger_and_referrals(&mut self) {
        self.frame.start(Service::Ledger, ledger_service::start).await.unwrap();
        self.frame.start(Service::Referrals, referrals_service::start).await.unwrap();
    }

    async fn open(mut self) -> World {
        self.frame.open().await;
        let uri = format!("http://{}", self.frame.address());
        World {
            referrals: ReferralsServiceClient::connect(uri.clone()).await.unwrap(),
            ledger: LedgerServiceClient::connect(uri).await.unwrap(),
            frame: self.frame,
            registry: self.registry,
        }
    }
}

/// A process in which the registry alone runs, where every call over the wire is by a person with these roles.
pub(crate) async fn registry_for(folder: &Path, roles: &[Role]) -> World {
    Starting::bind(folder, &[Service::Registry], person("ann", roles, &[])).await.open().await
}

/// A running process.
pub(crate) struct World {
    frame: Frame,
    registry: Registry,
    pub(crate) referrals: ReferralsServiceClient<Channel>,
    pub(crate) ledger: LedgerServiceClient<Channel>,
}

impl World {
    /// Where it listens.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.frame.address()
    }

    pub(crate) async fn stop(self) {
        drop((self.referrals, self.ledger));
        self.frame.run(async {}).await.unwrap();
    }

    async fn register_organisations(&self, rows: &[(&str, v1::Role)]) {
        let organisation = |(ods, role): &(&str, v1::Role)| v1::Organisation {
            ods: (*ods).into(),
            name: (*ods).into(),
            role: (*role).into(),
            open: since(),
            successor: String::new(),
            source: "test".into(),
        };
        let register = v1::RegisterOrganisationsRequest {
            request_id: id(1),
            organisations: rows.iter().map(organisation).collect(),
            validate_only: false,
        };
        self.registry.register_organisations(by("ann", register)).await.unwrap();
    }

    async fn register_system(&self, members: &[&str], clock_start: &str) {
        let clock_start: Instant = clock_start.parse().unwrap();
        let system = v1::System {
            system: SYSTEM.into(),
            title: "Berkshire West".into(),
            sandbox: true,
            members: members.iter().map(ToString::to_string).collect(),
            clock_start_time: Some(wire::common::timestamp(clock_start)),
        };
        let register = v1::RegisterSystemRequest { request_id: id(2), system: Some(system) };
        self.registry.register_system(by("ann", register)).await.unwrap();
    }

    async fn approve(&self, number: u32, proposal: v1::Proposal) {
        let approve = v1::ApproveProposalRequest {
            system: SYSTEM.into(),
            request_id: id(number),
            proposal: proposal.proposal,
            digest: proposal.digest,
        };
        self.registry.approve_proposal(by("bob", approve)).await.unwrap();
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
        assert_eq!(reason(&elsewhere), "DEPENDENCY_UNAVAILABLE");
    }

    pub(crate) async fn open_accounts(&mut self, number: u32, paths: Vec<String>) -> Vec<ledger::Account> {
        let open = ledger::OpenAccountsRequest { system: SYSTEM.into(), request_id: id(number), paths };
        self.ledger.open_accounts(open).await.unwrap().into_inner().accounts
    }

    /// Posts one entry, which the ledger takes.
    pub(crate) async fn post(&mut self, posting: ledger::Posting) {
        let post = ledger::PostEntriesRequest {
            system: SYSTEM.into(),
            mode: ledger::PostingMode::Each.into(),
            postings: vec![posting],
            ..ledger::PostEntriesRequest::default()
        };
        let outcome = self.ledger.post_entries(post).await.unwrap().into_inner().outcomes.remove(0);
        assert!(matches!(outcome.outcome, Some(ledger::posting_outcome::Outcome::Posted(_))), "{outcome:?}");
    }

    /// What stands at `path`, in pence: nothing where the ledger knows no such node yet.
    pub(crate) async fn balance(&mut self, path: &str) -> i64 {
        let request =
            ledger::GetBalanceRequest { system: SYSTEM.into(), path: path.into(), ..Default::default() };
        match self.ledger.get_balance(request).await {
            Ok(answer) => answer.into_inner().balance.unwrap().balance_pence,
            Err(status) => {
                assert_eq!(reason(&status), "NODE_UNKNOWN");
                0
            }
        }
    }
}
