//! Keeping the reference data that decide as new as the registry's.

use crate::adapter::fresh_id;
use journal::{Digest, Outcome, Service, SystemName, fingerprint};
use proto::registry::v1::{GetReferenceRequest, ListSystemsRequest};
use server::{
    NoPeer, PeerChannel, Peers,
    journals::{Handle, Request, service_urn},
};
use settlement::{AdoptReference, AdoptTerms, Adopted, Command, Refusal, Settlement};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;
use tonic::Status;
use wire::{Pushback, status};

/// How old the reference data may be that a run is prepared or a message read with.
pub(crate) const CALL_AGE: Duration = Duration::ZERO;
/// How old they may be while nothing is asked: what falls due is decided with them when a day begins.
pub(crate) const IDLE_AGE: Duration = Duration::from_secs(1);

/// When each system's reference data were last known to be the newest.
#[derive(Debug)]
pub(crate) struct References {
    registry: PeerChannel,
    checked: Mutex<BTreeMap<SystemName, Arc<tokio::sync::Mutex<Option<Instant>>>>>,
}

impl References {
    pub(crate) fn new(peers: &Peers) -> Result<Self, NoPeer> {
        Ok(Self { registry: peers.channel(Service::Registry)?, checked: Mutex::default() })
    }

    /// Makes sure that what decides was the registry's newest at most `age` ago. Goes on with older when the registry does
    /// not answer; without any, nothing can be decided.
    pub(crate) async fn ensure(&self, handle: &Handle<Settlement>, age: Duration) -> Result<(), Status> {
        let slot = {
            let mut checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(checked.entry(handle.system().clone()).or_default())
        };
        // One caller asks; those who come meanwhile wait for its answer instead of asking again.
        let mut last = slot.lock().await;
        if last.is_some_and(|last| last.elapsed() < age) {
            return Ok(());
        }
        let in_force = handle.read(None, |state, _| state.adopted().map(Adopted::digest)).await?;
        match self.newest(handle, in_force).await {
            Ok(()) => *last = Some(Instant::now()),
            Err(status) if in_force.is_none() => return Err(status),
            // While nobody asks, the next round asks again; at a start the registry may not answer yet.
            Err(_) if age == IDLE_AGE => {}
            Err(status) => {
                tracing::warn!(system = %handle.system(), code = ?status.code(), "deciding with older reference data");
            }
        }
        Ok(())
    }

    /// The systems that the registry knows.
    pub(crate) async fn systems(&self) -> Result<Vec<SystemName>, Status> {
        let answer = self.registry.ask(ListSystemsRequest::default()).await;
        let answer = answer.map_err(|_| Status::from(Pushback::Dependency))?;
        Ok(answer.systems.iter().filter_map(|system| system.system.parse().ok()).collect())
    }

    async fn newest(&self, handle: &Handle<Settlement>, in_force: Option<Digest>) -> Result<(), Status> {
        let request = GetReferenceRequest {
            system: handle.system().to_string(),
            known_sha256: in_force.map(|digest| digest.0.to_vec()).unwrap_or_default(),
            min_position: None,
        };
        let answer = self.registry.ask(request).await.map_err(|_| Status::from(Pushback::Dependency))?;
        if answer.content.is_empty() {
            // Either this service has it, or there is nothing yet.
            return if in_force.is_some() {
                Ok(())
            } else {
                Err(status::refusal(&Refusal::ReferenceMissing))
            };
        }
        adopt(handle, answer.content).await
    }
}

/// Stores a snapshot and decides with it from here on.
async fn adopt(handle: &Handle<Settlement>, content: Vec<u8>) -> Result<(), Status> {
    let bytes = content.clone();
    let Ok(Ok(adopted)) = tokio::task::spawn_blocking(move || Adopted::read(&bytes)).await else {
        tracing::error!(system = %handle.system(), "the registry's snapshot cannot be read");
        return Err(Pushback::Dependency.into());
    };
    let digest = handle.put_blob(content).await?;
    let command = Command::AdoptReference(AdoptReference { terms: AdoptTerms { digest }, adopted });
    let request = Request::<Settlement> {
        request_id: fresh_id()?,
        fingerprint: fingerprint(&digest.0),
        caller: service_urn(Service::Settlement),
        cause: None,
        command,
    };
    match handle.submit(request).await?.outcome {
        // Older: somebody else adopted a newer one meanwhile.
        Outcome::Accepted(_) | Outcome::Refused(Refusal::ReferenceOlder) => Ok(()),
        Outcome::Refused(refusal) => Err(status::refusal(&refusal)),
    }
}
