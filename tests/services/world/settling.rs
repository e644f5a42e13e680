//! The services that pay, and the bank details that they pay with.

use super::{SYSTEM, Starting, World, by, elective::anybody, id, since};
use identity_service::{Adapter as Identity, Keys};
use journal::{Instant, Service};
use proto::{
    identity::v1::identity_service_server::IdentityServiceServer,
    registry::v1::{self, registry_service_server::RegistryService as _},
    settlement::v1::settlement_service_server::SettlementServiceServer,
};
use server::{Started, WitnessPolicy, journals::Journals};
use settlement_service::Adapter as Settlement;
use std::{
    ops::{Deref, DerefMut},
    path::Path,
    sync::Arc,
};

const SERVICES: [Service; 5] =
    [Service::Registry, Service::Identity, Service::Ledger, Service::Referrals, Service::Settlement];

/// A running process in which settlement runs too.
pub(crate) struct Settling {
    world: World,
    pub(crate) settlement: Settlement,
    pub(crate) identity: Arc<Identity>,
    journals: Arc<Journals<settlement::Settlement>>,
}

impl Deref for Settling {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

impl DerefMut for Settling {
    fn deref_mut(&mut self) -> &mut World {
        &mut self.world
    }
}

impl Settling {
    /// Starts the services on `folder`.
    pub(crate) async fn start(folder: &Path) -> Self {
        Self::start_watched(folder, WitnessPolicy::default()).await
    }

    /// The same, watched by witnesses.
    pub(crate) async fn start_watched(folder: &Path, witnessing: WitnessPolicy) -> Self {
        let mut starting = Starting::watched(folder, &SERVICES, anybody(), witnessing).await;
        let mut identity = None;
        let start = async |context: server::Context| {
            let asked = server::AskRegistry::new(context.peers())?;
            let journals = Journals::<identity::Identity>::open(context.place(), asked, None)?;
            let folder = context.data_dir().join("keys").join("identity");
            let keys = Keys::open(&folder, &journals).await?;
            identity = Some(Arc::new(Identity::new(Arc::clone(&journals), keys)));
            let keys = Keys::open(&folder, &journals).await?;
            let adapter = Identity::new(Arc::clone(&journals), keys);
            Ok(Started::new().add(IdentityServiceServer::new(adapter)).journals(journals))
        };
        starting.frame.start(Service::Identity, start).await.unwrap();
        starting.ledger_and_referrals().await;
        let mut settlement = None;
        let start = async |context: server::Context| {
            let (adapter, journals) = settlement_service::open(&context).await?;
            settlement = Some((adapter.clone(), Arc::clone(&journals)));
            Ok(Started::new().add(SettlementServiceServer::new(adapter)).journals(journals))
        };
        starting.frame.start(Service::Settlement, start).await.unwrap();
        let (settlement, journals) = settlement.unwrap();
        Self { world: starting.open().await, settlement, identity: identity.unwrap(), journals }
    }

    pub(crate) async fn stop(self) {
        self.world.stop().await;
    }

    /// Registers the system, how its payers pay and the accounts of all.
    pub(crate) async fn register(&self) {
        self.world.register().await;
        self.registry.set_payment_channels(by("ann", channels())).await.unwrap();
        let accounts = self.registry.propose_bank_details(by("ann", accounts())).await.unwrap().into_inner();
        self.approve(12, accounts.proposal.unwrap()).await;
    }

    /// Moves the clocks of the services that run here. Health budgets do not, and settlement, which is behind them, is
    /// moved by itself.
    pub(crate) async fn advance(&self, to: &str) {
        self.world.advance(to).await;
        let to: Instant = to.parse().unwrap();
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
