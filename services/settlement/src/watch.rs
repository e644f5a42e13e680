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
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tonic::Status;
use wire::status;

/// Who asks the witnesses, when they were asked last, and which runs the alarm was raised for.
#[derive(Debug)]
pub(crate) struct Watch {
    cosigner: Arc<Cosigner>,
    asked: Mutex<BTreeMap<SystemName, Instant>>,
    alarmed: Mutex<BTreeSet<RequestId>>,
}

impl Watch {
    pub(crate) const fn new(cosigner: Arc<Cosigner>) -> Self {
        Self { cosigner, asked: Mutex::new(BTreeMap::new()), alarmed: Mutex::new(BTreeSet::new()) }
    }

    /// Whether the witnesses may be asked again about that system: not more often than one of them may take to answer.
    fn is_due(&self, system: &SystemName) -> bool {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.get(system).is_none_or(|at| at.elapsed() >= self.cosigner.policy().timeout)
    }

    fn asks(&self, system: &SystemName) {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).insert(system.clone(), Instant::now());
    }

    /// Notes which runs of that system wait when its journal's clock shows `now`, and raises the alarm once for each that waits
    /// too long.
    fn note(&self, system: &SystemName, waiting: &[Waiting], now: journal::Instant) {
        let mut alarmed = self.alarmed.lock().unwrap_or_else(PoisonError::into_inner);
        let mut late = 0_u64;
        for Waiting { run, since, .. } in waiting {
            if !is_late(*since, now, self.cosigner.policy().alarm) {
                continue;
            }
            late = late.saturating_add(1);
            if alarmed.insert(*run) {
                tracing::error!(%system, %run, "an approved run waits for witnesses: ask their operators, or have two approvers waive them");
            }
        }
        self.cosigner.report_late(Service::Settlement, system, late);
    }
}

/// Whether a run approved at `since` waits too long when it is `now`. Both are the journal's times, so that a restart of the process
/// puts no alarm off.
fn is_late(since: journal::Instant, now: journal::Instant, alarm: Duration) -> bool {
    let waited = u64::try_from(now.micros().saturating_sub(since.micros())).unwrap_or(0);
    Duration::from_micros(waited) >= alarm
}

/// An approved run that waits for witnesses.
#[derive(Debug, Clone)]
struct Waiting {
    run: RequestId,
    approved: Position,
    since: journal::Instant,
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
        let waiting = handle.read(None, |state, at| {
            let wait = |run: &settlement::Run| {
                let (run, since, approved, pins) =
                    (run.id, run.approved_time?, run.approved?, run.pins.clone()?);
                Some(Waiting { run, approved, since, pins })
            };
            (state.awaiting_witnesses().filter_map(wait).collect::<Vec<_>>(), at.clock_time)
        });
        let (waiting, now) = waiting.await?;
        self.watch().note(handle.system(), &waiting, now);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_late_from_what_the_journal_says() {
        let at = |text: &str| text.parse::<journal::Instant>().unwrap();
        let approved = at("2017-08-22T09:00:00Z");
        let hour = Duration::from_secs(3_600);
        for (now, late) in [
            ("2017-08-22T09:00:00Z", false),
            ("2017-08-22T09:59:59.999999Z", false),
            ("2017-08-22T10:00:00Z", true),
            ("2017-08-25T00:00:00Z", true),
            // A clock that was put back says that nothing has waited.
            ("2017-08-22T08:00:00Z", false),
        ] {
            assert_eq!(is_late(approved, at(now), hour), late, "{now}");
        }
        assert!(is_late(approved, approved, Duration::ZERO));
    }
}
