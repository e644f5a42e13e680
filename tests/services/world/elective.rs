//! A system with what referrals and settlement decide with: commissioners, providers, contracts, prices and a calendar.

use super::{SYSTEM, Starting, World, by, date, finance, id, since};
use access::Caller;
use journal::Service;
use proto::{
    referrals::v1::ActivityLine,
    registry::v1::{self, registry_service_server::RegistryService as _},
};
use std::{path::Path, sync::Arc};

/// Whoever calls over the wire.
pub(super) fn anybody() -> Arc<Caller> {
    finance("anybody", &["NT3", "RHW"])
}

/// An attendance at the site, of nobody yet and for no commissioner.
pub(crate) fn attendance(number: u32) -> ActivityLine {
    ActivityLine {
        cds_identifier: format!("B{number}"),
        site: "NT344".into(),
        practice: if number.is_multiple_of(2) { "K81001" } else { "K81002" }.into(),
        treatment_function: "110".into(),
        point_of_delivery: "OPFASPCL".into(),
        start_date: date((2017, 6, 1 + i32::try_from(number % 28).unwrap())),
        claimed_pence: 166_72,
        first_attendance: "1".into(),
        attended: "5".into(),
        ..ActivityLine::default()
    }
}

impl World {
    /// Starts the services that activity needs on `folder`.
    pub(crate) async fn start(folder: &Path) -> Self {
        let services = [Service::Registry, Service::Identity, Service::Ledger, Service::Referrals];
        let mut starting = Starting::bind(folder, &services, anybody()).await;
        starting.identity().await;
        starting.ledger_and_referrals().await;
        starting.open().await
    }

    /// Registers the system with its commissioners, providers, contracts, prices and calendar.
    pub(crate) async fn register(&self) {
        let organisations = [
            ("10M", v1::Role::Ccg),
            ("10N", v1::Role::Ccg),
            ("14Y", v1::Role::Ccg),
            ("RHW", v1::Role::NhsTrust),
            ("NT3", v1::Role::Independent),
            ("NV3", v1::Role::Independent),
        ];
        self.register_organisations(&organisations).await;
        let registry = &self.registry;
        registry.register_practices(by("ann", practices())).await.unwrap();
        registry.register_market_forces_factors(by("ann", factors())).await.unwrap();
        self.register_system(&["10M", "10N", "RHW"], "2017-06-30T09:00:00Z").await;
        registry.register_sites(by("ann", sites())).await.unwrap();
        registry.set_calendar(by("ann", calendar())).await.unwrap();
        let contracts = registry.propose_contracts(by("ann", contracts())).await.unwrap().into_inner();
        self.approve(10, contracts.proposal.unwrap()).await;
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
        request_id: id(4),
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
        pricing: None,
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
