//! The log's side of witnesses: whom to ask, asking them, and the last checkpoint that they cosigned.

use crate::{
    http_plain,
    journals::{AnyJournal, SignedCheckpoint},
};
use futures_util::future::join_all;
use http::{StatusCode, Uri};
use journal::{AddCheckpoint, Checkpoint, Service, SystemName, WitnessVerifier, checkpoint_of};
use opentelemetry::{
    KeyValue,
    metrics::{Counter, Gauge},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// Whom this installation asks to watch its journals, and how many must have seen a payment's approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Witnessing {
    /// How many of the witnesses must have cosigned an approval before its run is paid. 0: none.
    pub required: u8,
    /// How often journals that grew are shown to the witnesses.
    pub interval_seconds: u64,
    /// How long one witness may take to answer.
    pub timeout_seconds: u64,
    /// After how long an approval that waits for witnesses raises an alarm.
    pub alarm_seconds: u64,
    /// The witnesses.
    pub witnesses: Vec<WitnessAt>,
}

/// One witness.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WitnessAt {
    /// Its verifier key, which it gives itself: `<name>+<id>+<key>`.
    pub key: String,
    /// Where it answers: `http://<host>:<port>`, before `/add-checkpoint`. What it says is signed.
    pub url: String,
}

impl Default for Witnessing {
    fn default() -> Self {
        Self {
            required: 0,
            interval_seconds: 60,
            timeout_seconds: 5,
            alarm_seconds: 900,
            witnesses: Vec::new(),
        }
    }
}

/// Witnesses that hold together: what [`Witnessing`] says, read.
#[derive(Debug, Clone, Default)]
pub struct WitnessPolicy {
    /// How many must have cosigned an approval before its run is paid.
    pub required: u8,
    /// How often journals that grew are shown to the witnesses.
    pub interval: Duration,
    /// How long one witness may take to answer.
    pub timeout: Duration,
    /// After how long an approval that waits raises an alarm.
    pub alarm: Duration,
    /// The witnesses, and where each answers.
    pub witnesses: Vec<(WitnessVerifier, Uri)>,
}

impl Witnessing {
    /// The policy, or everything that is wrong with it by `note`.
    pub(crate) fn check(&self, mut note: impl FnMut(String)) -> WitnessPolicy {
        let mut witnesses: Vec<(WitnessVerifier, Uri)> = Vec::new();
        for (index, WitnessAt { key, url }) in self.witnesses.iter().enumerate() {
            let verifier = key.parse::<WitnessVerifier>();
            if verifier.is_err() {
                note(format!(
                    "witnessing.witnesses[{index}].key: it must be a witness's verifier key, as `almoner witness --print-key` \
                     shows it"
                ));
            }
            let at = format!("{}/add-checkpoint", url.trim_end_matches('/')).parse::<Uri>().ok();
            let at = at.filter(|uri| uri.scheme_str() == Some("http") && uri.host().is_some());
            if at.is_none() {
                note(format!("witnessing.witnesses[{index}].url: it must be http://<host>:<port>"));
            }
            if let (Ok(verifier), Some(at)) = (verifier, at) {
                if witnesses.iter().any(|(other, _)| *other == verifier) {
                    note(format!("witnessing.witnesses[{index}].key: it is named twice"));
                }
                witnesses.push((verifier, at));
            }
        }
        if usize::from(self.required) > self.witnesses.len() {
            note("witnessing.required: there are fewer witnesses than that".to_owned());
        }
        let times = [
            ("interval_seconds", self.interval_seconds),
            ("timeout_seconds", self.timeout_seconds),
            ("alarm_seconds", self.alarm_seconds),
        ];
        for (name, value) in times {
            if !(1..=86_400).contains(&value) {
                note(format!("witnessing.{name}: it must be 1 to 86400"));
            }
        }
        WitnessPolicy {
            required: self.required,
            interval: Duration::from_secs(self.interval_seconds),
            timeout: Duration::from_secs(self.timeout_seconds),
            alarm: Duration::from_secs(self.alarm_seconds),
            witnesses,
        }
    }
}

/// A checkpoint with the cosignatures of those who answered.
#[derive(Debug, Clone)]
pub struct Cosigned {
    /// Size and root of the tree.
    pub checkpoint: Checkpoint,
    /// The signed note, cosignatures included.
    pub note: Arc<str>,
    /// The names of the witnesses who cosigned it.
    pub by: Vec<String>,
}

/// A turn to show a journal to the witnesses. They cosign growth only: of two who show it at once, with what each thinks was seen
/// last, one would be refused, and one with the older checkpoint would take it for a rollback.
type Turn = tokio::sync::Mutex<()>;

/// Asks the witnesses. One for the process; cheap to share.
#[derive(Debug)]
pub struct Cosigner {
    policy: WitnessPolicy,
    /// What each witness saw last, as far as it said: by origin and number of the witness.
    seen: Mutex<BTreeMap<(String, usize), u64>>,
    /// The last cosigned checkpoint of each journal.
    cosigned: Mutex<BTreeMap<(Service, SystemName), Cosigned>>,
    /// Whose turn it is to show each journal.
    turns: Mutex<BTreeMap<(Service, SystemName), Arc<Turn>>>,
    asked: Counter<u64>,
    late: Gauge<u64>,
}

impl Cosigner {
    pub(crate) fn new(policy: WitnessPolicy) -> Self {
        let meter = opentelemetry::global::meter("almoner.witnesses");
        Self {
            policy,
            seen: Mutex::default(),
            cosigned: Mutex::default(),
            turns: Mutex::default(),
            asked: meter
                .u64_counter("almoner.witnesses.asked")
                .with_description("Checkpoints offered to witnesses, by witness and outcome.")
                .build(),
            late: meter
                .u64_gauge("almoner.witnesses.late")
                .with_description("What waits for witnesses longer than witnessing.alarm_seconds.")
                .build(),
        }
    }

    /// Tells the metrics how many things of that journal wait for witnesses too long.
    pub fn report_late(&self, service: Service, system: &SystemName, late: u64) {
        let attributes = [
            KeyValue::new("almoner.system", system.to_string()),
            KeyValue::new("almoner.service", service.as_str()),
        ];
        self.late.record(late, &attributes);
    }

    /// Whom it asks, and how many must have answered before money moves.
    #[must_use]
    pub const fn policy(&self) -> &WitnessPolicy {
        &self.policy
    }

    /// The last checkpoint of that journal that at least one witness cosigned.
    #[must_use]
    pub fn last(&self, service: Service, system: &SystemName) -> Option<Cosigned> {
        self.lock().get(&(service, system.clone())).cloned()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<(Service, SystemName), Cosigned>> {
        self.cosigned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows the first signed checkpoint of at least `size` records to every witness at once, and returns it with the cosignatures of
    /// those who answered in time. `None` when no checkpoint of that size is signed within two seconds. Who asks about the same
    /// journal meanwhile waits.
    pub async fn cosign(&self, service: Service, journal: &dyn AnyJournal, size: u64) -> Option<Cosigned> {
        let key = (service, journal.system().clone());
        let turn = Arc::clone(
            self.turns.lock().unwrap_or_else(PoisonError::into_inner).entry(key.clone()).or_default(),
        );
        let _turn = turn.lock().await;
        let signed = journal.checkpoint_of(size).await?;
        let asking = (0..self.policy.witnesses.len()).map(|witness| self.ask(witness, journal, &signed));
        let (mut note, mut by) = (signed.note.to_string(), Vec::new());
        for (name, line) in join_all(asking).await.into_iter().flatten() {
            note.push_str(&line);
            by.push(name);
        }
        let cosigned = Cosigned { checkpoint: signed.checkpoint, note: note.into(), by };
        if !cosigned.by.is_empty() {
            self.lock().insert(key, cosigned.clone());
        }
        Some(cosigned)
    }

    /// One witness's name and signature line, when it gives one that holds.
    async fn ask(
        &self,
        witness: usize,
        journal: &dyn AnyJournal,
        signed: &SignedCheckpoint,
    ) -> Option<(String, String)> {
        let (verifier, uri) = self.policy.witnesses.get(witness)?;
        let asked =
            tokio::time::timeout(self.policy.timeout, self.offer(witness, uri, journal, signed)).await;
        let outcome = match asked {
            Err(_) => Err("it did not answer in time".to_owned()),
            Ok(Err(error)) => Err(error.to_string()),
            Ok(Ok(lines)) => {
                let held = lines.split_inclusive('\n').find(|line| {
                    // Its own only, and only when it holds.
                    verifier.cosigned(&format!("{}{line}", signed.note)).is_some()
                });
                held.map(str::to_owned).ok_or_else(|| "its cosignature does not hold".to_owned())
            }
        };
        let said = if outcome.is_ok() { "cosigned" } else { "failed" };
        let attributes = [
            KeyValue::new("almoner.witness", verifier.name().to_owned()),
            KeyValue::new("almoner.outcome", said),
        ];
        self.asked.add(1, &attributes);
        match outcome {
            Ok(line) => Some((verifier.name().to_owned(), line)),
            Err(reason) => {
                tracing::warn!(witness = verifier.name(), system = %journal.system(), reason, "a witness did not cosign");
                None
            }
        }
    }

    /// Offers the checkpoint, once more when the witness saw another size last than was thought.
    async fn offer(
        &self,
        witness: usize,
        uri: &Uri,
        journal: &dyn AnyJournal,
        signed: &SignedCheckpoint,
    ) -> io::Result<String> {
        let (origin, _) = checkpoint_of(&signed.note).map_err(io::Error::other)?;
        let key = (origin.to_owned(), witness);
        let new = signed.checkpoint.size;
        let thought = self.seen.lock().unwrap_or_else(PoisonError::into_inner).get(&key).copied();
        let mut old_size = thought.unwrap_or_default().min(new);
        for _ in 0..2 {
            let tiles = journal.tiles();
            let proof = tokio::task::spawn_blocking(move || tiles.consistency(old_size, new)).await;
            let proof = proof.map_err(io::Error::other)?.map_err(io::Error::other)?;
            let offer = AddCheckpoint { old_size, proof, note: signed.note.to_string() };
            let (status, kind, body) = http_plain::post(uri, offer.to_string()).await?;
            if status == StatusCode::OK {
                self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(key, new);
                return Ok(body);
            }
            let size = body.strip_suffix('\n').and_then(|size| size.parse::<u64>().ok());
            match size.filter(|_| status == StatusCode::CONFLICT && kind == http_plain::SIZE_TYPE) {
                Some(size) if size > new => {
                    tracing::error!(
                        origin,
                        size,
                        ours = new,
                        "a witness saw a larger tree than this journal has: it was rolled back"
                    );
                    return Err(io::Error::other(format!(
                        "it saw {size} records, and this journal has {new}"
                    )));
                }
                Some(size) if size != old_size => old_size = size,
                Some(_) | None => {
                    if matches!(status, StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY) {
                        tracing::error!(origin, %status, "a witness does not agree that this journal only grew");
                    }
                    return Err(io::Error::other(format!("it answered {status}: {}", body.trim_end())));
                }
            }
        }
        Err(io::Error::other("it goes on naming other sizes"))
    }

    /// Shows every journal that grew to the witnesses, again and again.
    pub(crate) async fn keep_up(&self, journals: Arc<crate::Journalling>) {
        if self.policy.witnesses.is_empty() {
            return;
        }
        loop {
            for (service, journal) in journals.all() {
                let last = self.last(service, journal.system());
                let whole = self.policy.witnesses.len();
                // A witness that was away is asked again, even when the journal stands still.
                let due = last.is_none_or(|last| {
                    last.checkpoint.size < journal.durable_count() || last.by.len() < whole
                });
                if due {
                    self.cosign(service, &*journal, 0).await;
                }
            }
            tokio::time::sleep(self.policy.interval).await;
        }
    }
}

#[cfg(test)]
mod tests;
