//! Keeping the reference data that decide as new as the registry's.

use journal::{Day, Digest, Outcome, RequestId, Service, SystemName, fingerprint};
use proto::registry::v1::GetReferenceRequest;
use reference::Reference;
use referrals::{AdoptReference, AdoptTerms, Command, Referrals, Refusal};
use server::{
    NoPeer, PeerChannel, Peers,
    journals::{Handle, Request, service_urn},
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;
use tonic::Status;
use wire::{Pushback, status};

/// How old the reference data may be while lines come in. Whoever must have the registry's newest opens a submission.
pub(crate) const LINES_AGE: Duration = Duration::from_secs(1);
/// How old they may be for referrals, each of which is a call of its own.
pub(crate) const REFERRALS_AGE: Duration = Duration::from_millis(200);

/// How many days a hold lasts: nine in ten referrals reach a first attendance within six months (an estimate).
const HOLD_DAYS: u16 = 182;
/// Follow-ups expected of a referral: independent providers see 1.2 for each first attendance (an estimate).
const FOLLOW_UPS: u16 = 1;
/// How many days after a referral a line without any reference may be matched to it: most courses of care end within a year (an
/// estimate).
const MATCHING_DAYS: u16 = 365;
/// 1 October 2018: from then on contracts that do not say ask for a booking reference at consultant-led first attendances referred
/// by general practitioners (NHS practice, unverified).
const BOOKING_FROM: Day = Day::new(17_805);

/// The terms by which a snapshot is adopted.
const fn terms(digest: Digest) -> AdoptTerms {
    AdoptTerms {
        digest,
        hold_days: HOLD_DAYS,
        follow_ups: FOLLOW_UPS,
        matching_days: Some(MATCHING_DAYS),
        booking_from: Some(BOOKING_FROM),
    }
}

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
    pub(crate) async fn ensure(&self, handle: &Handle<Referrals>, age: Duration) -> Result<(), Status> {
        let slot = {
            let mut checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(checked.entry(handle.system().clone()).or_default())
        };
        // One caller asks; those who come meanwhile wait for its answer instead of asking again.
        let mut last = slot.lock().await;
        if last.is_some_and(|last| last.elapsed() <= age) {
            return Ok(());
        }
        // What an earlier release adopted is adopted again, by the terms of this one.
        let in_force = handle.read(None, |state, _| {
            let current = state.in_force().filter(|row| row.matching_days.is_some());
            current.map(|row| row.digest)
        });
        let in_force = in_force.await?;
        match self.newest(handle, in_force).await {
            Ok(()) => *last = Some(Instant::now()),
            Err(status) if in_force.is_none() => return Err(status),
            Err(status) => {
                tracing::warn!(system = %handle.system(), code = ?status.code(), "deciding with older reference data");
            }
        }
        Ok(())
    }

    async fn newest(&self, handle: &Handle<Referrals>, in_force: Option<Digest>) -> Result<(), Status> {
        let request = GetReferenceRequest {
            system: handle.system().to_string(),
            known_sha256: in_force.map(|digest| digest.0.to_vec()).unwrap_or_default(),
            min_position: None,
        };
        let answer = self.registry.ask(request).await.map_err(|_| Status::from(Pushback::Dependency))?;
        if answer.content.is_empty() {
            // Either the caller has it, or there is nothing yet.
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
async fn adopt(handle: &Handle<Referrals>, content: Vec<u8>) -> Result<(), Status> {
    let bytes = content.clone();
    let read = tokio::task::spawn_blocking(move || Reference::decode(&bytes)).await;
    let Ok(Ok(reference)) = read else {
        tracing::error!(system = %handle.system(), "the registry's snapshot cannot be read");
        return Err(Pushback::Dependency.into());
    };
    let digest = handle.put_blob(content).await?;
    let terms = terms(digest);
    let mut body = Vec::new();
    // Writing to a Vec cannot fail, and the terms hold nothing that CBOR lacks.
    let _ = minicbor::encode(terms, &mut body);
    let request_id = RequestId::from_bytes(uuid::Uuid::now_v7().into_bytes());
    let request_id = request_id.map_err(|_| Status::from(Pushback::Stopped))?;
    let command = Command::AdoptReference(AdoptReference { terms, reference: Arc::new(reference) });
    let caller = service_urn(Service::Referrals);
    let request =
        Request::<Referrals> { request_id, fingerprint: fingerprint(&body), caller, cause: None, command };
    match handle.submit(request).await?.outcome {
        // Older: somebody else adopted a newer one meanwhile.
        Outcome::Accepted(_) | Outcome::Refused(Refusal::ReferenceOlder) => Ok(()),
        Outcome::Refused(refusal) => Err(status::refusal(&refusal)),
    }
}
