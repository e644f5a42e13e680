//! Carrying open asks to the ledger and its answers back.

use crate::{
    Adapter,
    adapter::fresh_id,
    peers::{nonsense, unanswered, window_key},
    references::IDLE_AGE,
};
use journal::{Item, Outcome, Service, fingerprint};
use money::Side;
use proto::{common::v1::Cause, ledger::v1 as ledger};
use server::journals::{Handle, Request, service_urn};
use settlement::{
    Command, EntryKind, LedgerAnswer, LedgerReason, Leg, Posting, Refusal, SettleAsks, Settlement, WindowUse,
};
use std::{collections::BTreeMap, time::Duration};
use tokio::sync::watch;
use tonic::Status;
use wire::{common, status};

/// Asks of one batch: their answers are one record.
const ASKS_PER_BATCH: usize = 256;
/// Paths of one question to the ledger for their numbers.
const PATHS_PER_CALL: usize = 1_000;
/// After how many rounds the registry is asked for new systems.
const ROUNDS_PER_LOOK: u32 = 4;
/// How often what is under way is looked at when nobody calls.
const IDLE: Duration = Duration::from_millis(250);

/// Takes up what is under way in every journal, until the process drains.
pub(crate) async fn keep_up(adapter: Adapter, mut draining: watch::Receiver<bool>) {
    let mut round = 0_u32;
    loop {
        if round.is_multiple_of(ROUNDS_PER_LOOK) {
            adapter.open_all().await;
        }
        round = round.wrapping_add(1);
        for handle in adapter.open_journals() {
            // The registry may not answer yet, or have nothing yet: the next round asks again.
            let adopted = adapter.references().ensure(&handle, IDLE_AGE).await;
            let worked = adapter.work(&handle).await;
            let watched = adapter.witness_in_time(&handle).await;
            if let Err(status) = adopted.and(worked).and(watched) {
                tracing::debug!(system = %handle.system(), code = ?status.code(), "settlement has work that waits");
            }
        }
        tokio::select! {
            _ = draining.wait_for(|draining| *draining) => return,
            () = tokio::time::sleep(IDLE) => {}
        }
    }
}

impl Adapter {
    /// Opens the journals of the systems that the registry knows: what falls due in one must be decided from the first day on,
    /// not from the first call.
    async fn open_all(&self) {
        // The registry may not answer yet: the next look asks again.
        let Ok(systems) = self.references().systems().await else { return };
        for system in systems.into_iter().filter(|system| !system.is_national()) {
            if let Err(status) = self.journal(&system).await {
                tracing::debug!(%system, code = ?status.code(), "a journal of settlement cannot be opened yet");
            }
        }
    }

    /// Carries open asks and finishes files, once.
    pub(crate) async fn work(&self, handle: &Handle<Settlement>) -> Result<(), Status> {
        let busy = self.busy(handle.system());
        let _one = busy.lock().await;
        while self.carry_batch(handle).await? {}
        self.finish_files(handle).await
    }

    /// Works for at most `patience`, and answers whether nothing is left to carry.
    pub(crate) async fn work_within(&self, handle: &Handle<Settlement>, patience: Duration) -> bool {
        let (adapter, journal) = (self.clone(), handle.clone());
        // A task of its own: who stops waiting does not stop the work half-way.
        let work = tokio::spawn(async move { adapter.work(&journal).await });
        match tokio::time::timeout(patience, work).await {
            Ok(Ok(Ok(()))) => true,
            Ok(Ok(Err(status))) => {
                tracing::warn!(system = %handle.system(), code = ?status.code(), "what a call began goes on later");
                false
            }
            Ok(Err(_)) | Err(_) => false,
        }
    }

    /// Carries some open asks; whether there were any.
    async fn carry_batch(&self, handle: &Handle<Settlement>) -> Result<bool, Status> {
        let asks = handle.read(None, |state, _| {
            state
                .asks()
                .take(ASKS_PER_BATCH)
                .map(|(item, ask)| (item, ask.posting.clone()))
                .collect::<Vec<_>>()
        });
        let asks = asks.await?;
        if asks.is_empty() {
            return Ok(false);
        }
        let numbers = self.numbers(handle, &asks).await?;
        let postings: Option<Vec<ledger::Posting>> =
            asks.iter().map(|(item, posting)| posting_to(*item, posting, &numbers)).collect();
        let request = ledger::PostEntriesRequest {
            system: handle.system().to_string(),
            request_id: String::new(),
            mode: ledger::PostingMode::Each.into(),
            postings: postings.ok_or_else(|| nonsense("account numbers"))?,
            validate_only: false,
        };
        let answer = self.others().ledger().ask(request).await.map_err(unanswered)?;
        if answer.outcomes.len() != asks.len() {
            return Err(nonsense("the outcomes of postings"));
        }
        let answers: Option<Vec<(Item, LedgerAnswer)>> = asks
            .iter()
            .zip(&answer.outcomes)
            .map(|((item, _), outcome)| Some((*item, answer_from(outcome)?)))
            .collect();
        self.settle(handle, answers.ok_or_else(|| nonsense("the outcome of a posting"))?).await?;
        Ok(true)
    }

    /// The ledger's numbers of the accounts that the asks name, opened where there are none yet.
    async fn numbers(
        &self,
        handle: &Handle<Settlement>,
        asks: &[(Item, Posting)],
    ) -> Result<BTreeMap<String, u64>, Status> {
        let paths: BTreeMap<&str, ()> = asks
            .iter()
            .flat_map(|(_, posting)| &posting.legs)
            .map(|leg| (leg.account.as_str(), ()))
            .collect();
        let paths: Vec<String> = paths.into_keys().map(str::to_owned).collect();
        let mut numbers = BTreeMap::new();
        for chunk in paths.chunks(PATHS_PER_CALL) {
            let request = ledger::OpenAccountsRequest {
                system: handle.system().to_string(),
                request_id: fresh_id()?.to_string(),
                paths: chunk.to_vec(),
            };
            let answer = self.others().ledger().ask(request).await.map_err(unanswered)?;
            numbers.extend(answer.accounts.into_iter().map(|account| (account.path, account.number)));
        }
        Ok(numbers)
    }

    async fn settle(
        &self,
        handle: &Handle<Settlement>,
        answers: Vec<(Item, LedgerAnswer)>,
    ) -> Result<(), Status> {
        for (item, answer) in &answers {
            if let LedgerAnswer::Denied { reason } = answer {
                let (system, position) = (handle.system(), item.position);
                tracing::error!(%system, %position, reason = reason.as_str(), "the ledger refused what settlement asked");
            }
        }
        let mut bytes = Vec::new();
        // Writing to a Vec cannot fail.
        let _ = minicbor::encode(&answers, &mut bytes);
        let request = Request::<Settlement> {
            request_id: fresh_id()?,
            fingerprint: fingerprint(&bytes),
            caller: service_urn(Service::Settlement),
            cause: None,
            command: Command::SettleAsks(SettleAsks { answers }),
        };
        match handle.submit(request).await?.outcome {
            // Unknown: an earlier attempt recorded the answers after all.
            Outcome::Accepted(_) | Outcome::Refused(Refusal::AskUnknown) => Ok(()),
            Outcome::Refused(refusal) => Err(status::refusal(&refusal)),
        }
    }
}

const fn entry_kind(kind: EntryKind) -> ledger::EntryKind {
    match kind {
        EntryKind::OnAccount => ledger::EntryKind::OnAccount,
        EntryKind::Recognition => ledger::EntryKind::Recognition,
        EntryKind::PaymentInstructed => ledger::EntryKind::PaymentInstructed,
        EntryKind::PaymentConfirmed => ledger::EntryKind::PaymentConfirmed,
        EntryKind::PaymentRejected => ledger::EntryKind::PaymentRejected,
        EntryKind::PaymentReturned => ledger::EntryKind::PaymentReturned,
    }
}

fn posting_to(item: Item, posting: &Posting, numbers: &BTreeMap<String, u64>) -> Option<ledger::Posting> {
    let Posting { request_id, kind, effective_date, legs, reference } = posting;
    Some(ledger::Posting {
        request_id: request_id.to_bytes().to_vec(),
        kind: entry_kind(*kind).into(),
        effective_date: Some(common::day(*effective_date)),
        legs: legs.iter().map(|leg| leg_to(leg, numbers)).collect::<Option<_>>()?,
        cause: Some(Cause { service: Service::Settlement.to_string(), position: item.position.get() }),
        reference: reference.clone(),
        ..Default::default()
    })
}

fn leg_to(leg: &Leg, numbers: &BTreeMap<String, u64>) -> Option<ledger::Leg> {
    let Leg { account, side, pence, window } = leg;
    let side = match side {
        Side::Debit => ledger::Side::Debit,
        Side::Credit => ledger::Side::Credit,
    };
    let window = window.map(|window| match window {
        WindowUse::Adds(key) => ledger::leg::Window::Adds(window_key(key)),
        WindowUse::Pays(key) => ledger::leg::Window::Pays(window_key(key)),
    });
    Some(ledger::Leg {
        account: *numbers.get(account)?,
        side: side.into(),
        amount_pence: pence.get(),
        window,
    })
}

fn answer_from(outcome: &ledger::PostingOutcome) -> Option<LedgerAnswer> {
    use ledger::posting_outcome::Outcome;
    Some(match outcome.outcome.as_ref()? {
        Outcome::Posted(posted) => {
            LedgerAnswer::Granted { position: journal::Position::new(posted.entry.as_ref()?.position) }
        }
        Outcome::Refused(refused) => {
            let reason = refused.problems.first().map_or("UNKNOWN", |problem| problem.reason.as_str());
            LedgerAnswer::Denied { reason: LedgerReason::new(reason) }
        }
    })
}
