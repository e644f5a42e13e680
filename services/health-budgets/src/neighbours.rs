//! What health budgets ask of identity and the registry before a command is made.

use journal::{Day, Service, SystemName};
use nhs::{NhsNumber, OdsCode, Pseudonym};
use proto::{identity::v1::PseudonymiseRequest, registry::v1::GetOrganisationRequest};
use server::{NoPeer, PeerChannel, Peers};
use std::{future::Future, pin::Pin};
use tonic::Status;
use wire::{Pushback, common};

/// An answer on its way.
pub type Answering<'a, T> = Pin<Box<dyn Future<Output = Result<T, Status>> + Send + 'a>>;

/// Identity and the registry, as far as health budgets need them.
pub trait Neighbours: Send + Sync {
    /// The pseudonym of the person with this number.
    fn pseudonym<'a>(&'a self, system: &'a SystemName, number: NhsNumber) -> Answering<'a, Pseudonym>;
    /// Whether the organisation is registered and open on `day`; `None` when it is not registered.
    fn is_open(&self, organisation: OdsCode, day: Day) -> Answering<'_, Option<bool>>;
}

/// Both over gRPC.
#[derive(Debug)]
pub struct AskNeighbours {
    identity: PeerChannel,
    registry: PeerChannel,
}

impl AskNeighbours {
    /// Asks over `peers`. Errors when one runs elsewhere and no address is configured.
    pub fn new(peers: &Peers) -> Result<Self, NoPeer> {
        Ok(Self { identity: peers.channel(Service::Identity)?, registry: peers.channel(Service::Registry)? })
    }

    async fn ask_identity(&self, system: &SystemName, number: NhsNumber) -> Result<Pseudonym, Status> {
        let request = PseudonymiseRequest { system: system.to_string(), nhs_numbers: vec![number.reveal()] };
        let answer = self.identity.ask(request).await.map_err(|status| failed("identity", &status))?;
        let bytes = <[u8; 16]>::try_from(answer.pseudonyms.as_slice());
        match bytes {
            Ok(bytes) if answer.invalid.is_empty() => Ok(Pseudonym::new(bytes)),
            _ => Err(Pushback::Dependency.into()),
        }
    }

    async fn ask_registry(&self, organisation: OdsCode, day: Day) -> Result<Option<bool>, Status> {
        let request = GetOrganisationRequest { ods: organisation.to_string(), min_position: None };
        let found = match self.registry.ask(request).await {
            Ok(answer) => answer.organisation.and_then(|found| found.open),
            Err(status) if wire::status::reason_of(&status).as_deref() == Some("ORGANISATION_UNKNOWN") => {
                return Ok(None);
            }
            Err(status) => return Err(failed("the registry", &status)),
        };
        let open = found.ok_or(Pushback::Dependency)?;
        let from = open.from_date.and_then(common::date_from).map(Day::from).ok_or(Pushback::Dependency)?;
        let until = open.until_date.and_then(common::date_from).map(Day::from);
        Ok(Some(from <= day && until.is_none_or(|until| day <= until)))
    }
}

/// The status of another service is its caller's, not ours: whoever called us can only try again.
fn failed(who: &str, status: &Status) -> Status {
    tracing::warn!(code = ?status.code(), "{who} did not answer");
    Pushback::Dependency.into()
}

impl Neighbours for AskNeighbours {
    fn pseudonym<'a>(&'a self, system: &'a SystemName, number: NhsNumber) -> Answering<'a, Pseudonym> {
        Box::pin(self.ask_identity(system, number))
    }

    fn is_open(&self, organisation: OdsCode, day: Day) -> Answering<'_, Option<bool>> {
        Box::pin(self.ask_registry(organisation, day))
    }
}
