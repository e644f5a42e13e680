//! Witnesses before money: what an approval pins, and asking until enough have seen it.

use crate::{
    Adapter,
    adapter::{content_of, fresh_id},
    peers::nonsense,
};
use journal::{Outcome, Position, RequestId, Service, SystemName, WitnessVerifier, checkpoint_of, cosigners};
use server::{
    Cosigned, Cosigner,
    journals::{Handle, Request, service_urn},
};
use settlement::{Command, PinnedCheckpoint, Pins, Settlement, WitnessRun};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};
use tonic::Status;
use wire::status;

/// Who asks the witnesses, when they were asked last, and since when each run waits.
#[derive(Debug)]
pub(crate) struct Watch {
    cosigner: Arc<Cosigner>,
    asked: Mutex<BTreeMap<SystemName, Instant>>,
    waiting: Mutex<BTreeMap<RequestId, Since>>,
}

#[derive(Debug, Clone, Copy)]
struct Since {
    began: Instant,
    alarmed: bool,
}

impl Watch {
    pub(crate) const fn new(cosigner: Arc<Cosigner>) -> Self {
        Self { cosigner, asked: Mutex::new(BTreeMap::new()), waiting: Mutex::new(BTreeMap::new()) }
    }

    /// Whether the witnesses may be asked again about that system: not more often than one of them may take to answer.
    fn is_due(&self, system: &SystemName) -> bool {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.get(system).is_none_or(|at| at.elapsed() >= self.cosigner.policy().timeout)
    }

    fn asks(&self, system: &SystemName) {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).insert(system.clone(), Instant::now());
    }

    /// Notes which runs of that system wait, and raises the alarm once for each that waits too long.
    fn note(&self, system: &SystemName, waiting: &[Waiting]) {
        let mut known = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let mut late = 0_u64;
        for Waiting { run, .. } in waiting {
            let since = known.entry(*run).or_insert_with(|| Since { began: Instant::now(), alarmed: false });
            if since.began.elapsed() < self.cosigner.policy().alarm {
                continue;
            }
            late = late.saturating_add(1);
            if !since.alarmed {
                since.alarmed = true;
                tracing::error!(%system, %run, "an approved run waits for witnesses: ask their operators, or have two approvers waive them");
            }
        }
        self.cosigner.report_late(Service::Settlement, system, late);
    }
}

/// An approved run that waits for witnesses.
#[derive(Debug, Clone)]
struct Waiting {
    run: RequestId,
    approved: Position,
    pins: Pins,
}

impl Adapter {
    /// What an approval pins now: signed checkpoints of all that the ledger and the referrals have, and whom to ask.
    pub(crate) async fn pins(&self, system: &SystemName) -> Result<Pins, Status> {
        let mut checkpoints = Vec::new();
        for service in [Service::Ledger, Service::Referrals] {
            let note = self.others().checkpoint(system, service).await?;
            let (origin, checkpoint) = checkpoint_of(&note).map_err(|_| nonsense("a checkpoint"))?;
            let (origin, size, root) = (origin.to_owned(), checkpoint.size, checkpoint.root);
            checkpoints.push(PinnedCheckpoint { origin, size, root });
        }
        let policy = self.watch().cosigner.policy();
        let witnesses = policy.witnesses.iter().map(|(key, _)| key.to_string()).collect();
        Ok(Pins { checkpoints, required: policy.required, witnesses })
    }

    /// Asks the witnesses about the approvals that wait, when it is time to.
    pub(crate) async fn witness_in_time(&self, handle: &Handle<Settlement>) -> Result<(), Status> {
        if self.watch().is_due(handle.system()) { self.witness(handle).await } else { Ok(()) }
    }

    /// Shows the approvals that wait to the witnesses; those that enough of them cosigned go on.
    pub(crate) async fn witness(&self, handle: &Handle<Settlement>) -> Result<(), Status> {
        let waiting = handle.read(None, |state, _| {
            let wait = |run: &settlement::Run| {
                Some(Waiting { run: run.id, approved: run.approved?, pins: run.pins.clone()? })
            };
            state.awaiting_witnesses().filter_map(wait).collect::<Vec<_>>()
        });
        let waiting = waiting.await?;
        self.watch().note(handle.system(), &waiting);
        let Some(size) = waiting.iter().map(|run| run.approved.next().get()).max() else { return Ok(()) };
        self.watch().asks(handle.system());
        let cosigned = self.watch().cosigner.cosign(Service::Settlement, handle, size).await;
        let Some(Cosigned { note, .. }) = cosigned else { return Ok(()) };
        for Waiting { run, pins, .. } in waiting {
            let witnesses: Vec<WitnessVerifier> =
                pins.witnesses.iter().filter_map(|key| key.parse().ok()).collect();
            if cosigners(&note, &witnesses).len() >= usize::from(pins.required) {
                self.record_witnessed(handle, WitnessRun { run, note: note.to_string() }).await?;
            }
        }
        Ok(())
    }

    async fn record_witnessed(&self, handle: &Handle<Settlement>, command: WitnessRun) -> Result<(), Status> {
        let run = command.run;
        let request = Request::<Settlement> {
            request_id: fresh_id()?,
            fingerprint: content_of(&command),
            caller: service_urn(Service::Settlement),
            cause: None,
            command: Command::WitnessRun(command),
        };
        match handle.submit(request).await?.outcome {
            Outcome::Accepted(_) => {
                tracing::info!(system = %handle.system(), %run, "witnesses have seen the approval");
                Ok(())
            }
            // Another call was faster, or the run was given up meanwhile.
            Outcome::Refused(settlement::Refusal::RunState(_)) => Ok(()),
            Outcome::Refused(refusal) => Err(status::refusal(&refusal)),
        }
    }
}
