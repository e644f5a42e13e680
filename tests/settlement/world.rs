//! Five services in one process, and a system with what settlement decides with.

use access::{Caller, Identity, Role, Roles};
use journal::{Instant, Service};
use proto::{
    google::r#type::Date,
    ledger::v1::ledger_service_client::LedgerServiceClient,
    referrals::v1::referrals_service_client::ReferralsServiceClient,
    registry::v1::{self, registry_service_server::RegistryService as _},
};
use registry_service::Adapter as Registry;
use server::{Frame, Limits, Security, Settings, Telemetry, journals::Journals};
use settlement_service::Adapter as Settlement;
use std::{collections::BTreeMap, path::Path, sync::Arc};
use tonic::{Request, transport::Channel};

pub(crate) const SYSTEM: &str = "berkshire-west";

/// A person who may do all that these tests do for the providers named.
fn person(id: &str, scopes: &[&str]) -> Arc<Caller> {
    let roles: Roles =
        [Role::Operator, Role::FinancePreparer, Role::FinanceApprover, Role::Provider, Role::Auditor]
            .into_iter()
            .collect();
    let scopes = scopes.iter().map(|code| code.parse().unwrap()).collect();
    Arc::new(Caller::new(Identity::Person(id.parse().unwrap()), roles, scopes).unwrap())
}

/// A call by an organisation's system.
pub(crate) fn by_body<T>(ods: &str, message: T) -> Request<T> {
    let roles = [Role::Provider].into_iter().collect();
    let caller = Caller::new(Identity::Organisation(ods.parse().unwrap()), roles, Vec::new()).unwrap();
    let mut request = Request::new(message);
    request.extensions_mut().insert(Arc::new(caller));
    request
}

/// A call by a person who may see who people are.
pub(crate) fn by_controlled<T>(id: &str, message: T) -> Request<T> {
    let roles = [Role::ControlledFinance, Role::PhbOfficer].into_iter().collect();
    let caller = Caller::new(Identity::Person(id.parse().unwrap()), roles, Vec::new()).unwrap();
    let mut request = Request::new(message);
    request.extensions_mut().insert(Arc::new(caller));
    request
}

/// A call by a person of finance.
pub(crate) fn by<T>(id: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.extensions_mut().insert(person(id, &[]));
    request
}

/// The request id of attempt `number`.
pub(crate) fn id(number: u32) -> String {
    format!("0192f0c1-2b3c-7d4e-8f90-{number:012}")
}

/// A running process.
pub(crate) struct World {
    frame: Frame,
    registry: Registry,
    pub(crate) settlement: Settlement,
    pub(crate) identity: Arc<identity_service::Adapter>,
    journals: Arc<Journals<settlement::Settlement>>,
    pub(crate) referrals: ReferralsServiceClient<Channel>,
    pub(crate) ledger: LedgerServiceClient<Channel>,
}

impl World {
    /// Starts the services on `folder`.
    pub(crate) async fn start(folder: &Path) -> Self {
        let settings = Settings {
            data_dir: folder.to_owned(),
            services: vec![
                Service::Registry,
                Service::Identity,
                Service::Ledger,
                Service::Referrals,
                Service::Settlement,
            ],
            address: "127.0.0.1:0".parse().unwrap(),
            security: Security::InsecureLoopback(person("anybody", &["NT3", "RHW"])),
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
            let service = proto::registry::v1::registry_service_server::RegistryServiceServer::new(adapter);
            Ok(server::Started::new().add(service).journals(journals))
        };
        frame.start(Service::Registry, start).await.unwrap();
        let mut identity = None;
        let start = async |context: server::Context| {
            let asked = server::AskRegistry::new(context.peers())?;
            let journals = Journals::<identity::Identity>::open(context.place(), asked, None)?;
            let folder = context.data_dir().join("keys").join("identity");
            let keys = identity_service::Keys::open(&folder, &journals).await?;
            identity = Some(Arc::new(identity_service::Adapter::new(Arc::clone(&journals), keys)));
            let keys = identity_service::Keys::open(&folder, &journals).await?;
            let adapter = identity_service::Adapter::new(Arc::clone(&journals), keys);
            let service = proto::identity::v1::identity_service_server::IdentityServiceServer::new(adapter);
            Ok(server::Started::new().add(service).journals(journals))
        };
        frame.start(Service::Identity, start).await.unwrap();
        frame.start(Service::Ledger, ledger_service::start).await.unwrap();
        frame.start(Service::Referrals, referrals_service::start).await.unwrap();
        let mut settlement = None;
        let start = async |context: server::Context| {
            let (adapter, journals) = settlement_service::open(&context).await?;
            settlement = Some((adapter.clone(), Arc::clone(&journals)));
            let service =
                proto::settlement::v1::settlement_service_server::SettlementServiceServer::new(adapter);
            Ok(server::Started::new().add(service).journals(journals))
        };
        frame.start(Service::Settlement, start).await.unwrap();
        let (settlement, journals) = settlement.unwrap();
        frame.open().await;
        let address = frame.address();
        let uri = format!("http://{address}");
        Self {
            frame,
            registry: registry.unwrap(),
            settlement,
            identity: identity.unwrap(),
            journals,
            referrals: ReferralsServiceClient::connect(uri.clone()).await.unwrap(),
            ledger: LedgerServiceClient::connect(uri).await.unwrap(),
        }
    }

    pub(crate) async fn stop(self) {
        drop((self.referrals, self.ledger));
        self.frame.run(async {}).await.unwrap();
    }

    /// Registers the system with its commissioners, providers, contracts, prices and calendar.
    pub(crate) async fn register(&self) {
        let registry = &self.registry;
        registry.register_organisations(by("ann", organisations())).await.unwrap();
        registry.register_practices(by("ann", practices())).await.unwrap();
        registry.register_market_forces_factors(by("ann", factors())).await.unwrap();
        registry.register_system(by("ann", system())).await.unwrap();
        registry.register_sites(by("ann", sites())).await.unwrap();
        registry.set_calendar(by("ann", calendar())).await.unwrap();
        let contracts = registry.propose_contracts(by("ann", contracts())).await.unwrap().into_inner();
        self.approve(10, contracts.proposal.unwrap()).await;
        registry.set_payment_channels(by("ann", channels())).await.unwrap();
        let accounts = registry.propose_bank_details(by("ann", accounts())).await.unwrap().into_inner();
        self.approve(12, accounts.proposal.unwrap()).await;
        for (number, kind, csv) in books() {
            let price_book = v1::PriceBook {
                price_book: format!("test-{number}"),
                financial_year: "2017-18".into(),
                kind: kind.into(),
                illustrative: true,
                source: "test".into(),
                csv: csv.into(),
            };
            let propose = v1::ProposePriceBookRequest {
                system: SYSTEM.into(),
                request_id: id(number),
                price_book: Some(price_book),
                validate_only: false,
            };
            let book = registry.propose_price_book(by("ann", propose)).await.unwrap().into_inner();
            self.approve(number + 1, book.proposal.unwrap()).await;
        }
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

    /// Moves the clocks of the services that run here. Health budgets do not, and those behind them are moved one by one.
    pub(crate) async fn advance(&self, to: &str) {
        let to: Instant = to.parse().unwrap();
        let request = v1::AdvanceClockRequest {
            system: SYSTEM.into(),
            request_id: id(9_000),
            advance_to: Some(wire::common::timestamp(to)),
        };
        let elsewhere = self.registry.advance_clock(by("ann", request)).await.unwrap_err();
        assert_eq!(wire::status::reason_of(&elsewhere).as_deref(), Some("DEPENDENCY_UNAVAILABLE"));
        let journal = self.journals.get(&SYSTEM.parse().unwrap()).await.unwrap();
        journal.advance_clock(to, "urn:almoner:service:registry".into()).await.unwrap();
    }
}

fn channels() -> v1::SetPaymentChannelsRequest {
    let channel = |payer: &str| v1::PaymentChannel {
        payer: payer.into(),
        channel: v1::Channel::Bank.into(),
        validity: since(),
    };
    v1::SetPaymentChannelsRequest {
        system: SYSTEM.into(),
        request_id: id(8),
        payment_channels: ["10M", "10N"].map(channel).to_vec(),
        validate_only: false,
    }
}

/// The account number of a body, as [`accounts`] registers it.
pub(crate) fn account_number(ods: &str) -> String {
    let number = ["10M", "10N", "NT3", "RHW"].iter().position(|body| *body == ods).unwrap();
    format!("{:08}", number + 1)
}

fn accounts() -> v1::ProposeBankDetailsRequest {
    let account = |ods: &str| v1::BankDetails {
        organisation: ods.into(),
        account_name: format!("{ods} ACCOUNT"),
        sort_code: "08-32-10".into(),
        account_number: account_number(ods),
        validity: since(),
    };
    v1::ProposeBankDetailsRequest {
        system: SYSTEM.into(),
        request_id: id(9),
        bank_details: ["10M", "10N", "NT3", "RHW"].map(account).to_vec(),
        validate_only: false,
    }
}

pub(crate) fn date((year, month, day): (i32, i32, i32)) -> Option<Date> {
    Some(Date { year, month, day })
}

fn since() -> Option<v1::Validity> {
    Some(v1::Validity { from_date: date((2013, 4, 1)), until_date: None })
}

fn organisations() -> v1::RegisterOrganisationsRequest {
    let organisation = |(ods, role): (&str, v1::Role)| v1::Organisation {
        ods: ods.into(),
        name: ods.into(),
        role: role.into(),
        open: since(),
        successor: String::new(),
        source: "test".into(),
    };
    let rows = [
        ("10M", v1::Role::Ccg),
        ("10N", v1::Role::Ccg),
        ("14Y", v1::Role::Ccg),
        ("RHW", v1::Role::NhsTrust),
        ("NT3", v1::Role::Independent),
        ("NV3", v1::Role::Independent),
    ];
    v1::RegisterOrganisationsRequest {
        request_id: id(1),
        organisations: rows.map(organisation).to_vec(),
        validate_only: false,
    }
}

fn practices() -> v1::RegisterPracticesRequest {
    let practice = |(practice, ccg): (&str, &str)| v1::Practice {
        practice: practice.into(),
        ccg: ccg.into(),
        validity: since(),
        source: "test".into(),
    };
    let rows = [("K81001", "10M"), ("K81002", "10N"), ("J82001", "14Y")];
    v1::RegisterPracticesRequest {
        request_id: id(2),
        practices: rows.map(practice).to_vec(),
        validate_only: false,
    }
}

fn factors() -> v1::RegisterMarketForcesFactorsRequest {
    let factor = |provider: &str| v1::MarketForcesFactor {
        provider: provider.into(),
        site: String::new(),
        factor: "1.149759".into(),
        basis: v1::FactorBasis::NearestTrust.into(),
        basis_organisation: "RHW".into(),
        validity: since(),
        source: "test".into(),
    };
    v1::RegisterMarketForcesFactorsRequest {
        request_id: id(3),
        factors: ["NT3", "RHW"].map(factor).to_vec(),
        validate_only: false,
    }
}

fn system() -> v1::RegisterSystemRequest {
    let clock_start: Instant = "2017-06-30T09:00:00Z".parse().unwrap();
    let system = v1::System {
        system: SYSTEM.into(),
        title: "Berkshire West".into(),
        sandbox: true,
        members: ["10M", "10N", "RHW"].map(Into::into).to_vec(),
        clock_start_time: Some(wire::common::timestamp(clock_start)),
    };
    v1::RegisterSystemRequest { request_id: id(4), system: Some(system) }
}

fn sites() -> v1::RegisterSitesRequest {
    let site = v1::Site {
        site: "NT344".into(),
        payee: "NT3".into(),
        name: "Dunedin".into(),
        validity: since(),
        source: "test".into(),
    };
    v1::RegisterSitesRequest {
        system: SYSTEM.into(),
        request_id: id(5),
        sites: vec![site],
        validate_only: false,
    }
}

fn calendar() -> v1::SetCalendarRequest {
    let deadlines = |period: &str, flex, freeze| v1::Deadlines {
        period: period.into(),
        flex_date: date(flex),
        freeze_date: date(freeze),
        source: "test".into(),
    };
    v1::SetCalendarRequest {
        system: SYSTEM.into(),
        request_id: id(6),
        deadlines: vec![
            deadlines("2017-06", (2017, 7, 19), (2017, 8, 18)),
            deadlines("2017-07", (2017, 8, 18), (2017, 9, 19)),
        ],
        bank_holidays: Vec::new(),
        validate_only: false,
    }
}

fn contracts() -> v1::ProposeContractsRequest {
    use v1::contract::Mechanism;
    let contract = |name: &str, payers: &[&str], provider: &str, mechanism| v1::Contract {
        contract: name.into(),
        payers: payers.iter().map(ToString::to_string).collect(),
        provider: provider.into(),
        treatment_functions: Vec::new(),
        validity: since(),
        mechanism: Some(mechanism),
        rounding: v1::Rounding::NearestPenny.into(),
        price_tolerance_pence: 100,
        ubrn_required_from_date: None,
        source: "test".into(),
    };
    let on_account = v1::OnAccount { annual_value_pence: 1_200_00, day_of_month: 15 };
    v1::ProposeContractsRequest {
        system: SYSTEM.into(),
        request_id: id(7),
        contracts: vec![
            contract("NT3", &["10M", "10N"], "NT3", Mechanism::CostPerCase(v1::CostPerCase {})),
            contract("RHW", &["10M"], "RHW", Mechanism::OnAccount(on_account)),
        ],
        validate_only: false,
    }
}

fn books() -> [(u32, v1::PriceKind, &'static str); 1] {
    let attendances = "treatment_function,first_single_gbp,first_multi_gbp,follow_up_single_gbp,\
                       follow_up_multi_gbp,remote_first_gbp,remote_follow_up_gbp\ndefault,145,-,72,-,-,-\n";
    [(20, v1::PriceKind::Attendance, attendances)]
}
