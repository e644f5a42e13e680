//! Carrying asks to the ledger, and its answers into the journal.

use health_budgets::{Ask, Command, HealthBudgets, LedgerAnswer, LedgerReason, SettleAsk, State};
use journal::{Cause, Domain as _, Position, RecordView, Service, SystemName, derived_request_id, house};
use proto::ledger::v1::{self, PostEntriesRequest, PostingMode, PostingOutcome, posting_outcome::Outcome};
use server::{
    NoPeer, PeerChannel, Peers,
    journals::{Handle, Request, service_urn},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tonic::Status;
use wire::health_budgets as convert;

/// The most asks of one batch: their postings and accounts stay far below what one message holds.
const ASKS_PER_BATCH_MAX: usize = 256;

const RETRY_FIRST: Duration = Duration::from_millis(100);
const RETRY_LAST: Duration = Duration::from_secs(5);

/// What the ledger made of one ask; `None` when it could not take it at all, so that it stays open.
pub type AskOutcome = Option<LedgerAnswer>;

/// Puts asks to the ledger. A repeat of an ask gets the same answer.
pub trait Asking: Send + Sync {
    /// The answers, in the order of `asks`: record, ask, and the URN of whoever asked first.
    fn ask<'a>(
        &'a self,
        system: &'a SystemName,
        asks: &'a [(Position, Ask, String)],
    ) -> Pin<Box<dyn Future<Output = Result<Vec<AskOutcome>, Status>> + Send + 'a>>;
}

/// The ledger over gRPC.
#[derive(Debug)]
pub struct AskLedger {
    channel: PeerChannel,
    /// Numbers of accounts by path: an account's number never changes.
    numbers: Mutex<BTreeMap<(SystemName, String), u64>>,
}

impl AskLedger {
    /// Asks over `peers`. Errors when the ledger runs elsewhere and no address is configured.
    pub fn new(peers: &Peers) -> Result<Self, NoPeer> {
        Ok(Self { channel: peers.channel(Service::Ledger)?, numbers: Mutex::default() })
    }

    async fn ask_all(
        &self,
        system: &SystemName,
        asks: &[(Position, Ask, String)],
    ) -> Result<Vec<AskOutcome>, Status> {
        for (_, ask, _) in asks {
            self.open_accounts(system, ask).await?;
            if let Some(limit) = convert::limit(system, ask) {
                self.channel.ask(limit).await?;
            }
        }
        let mut postings = Vec::with_capacity(asks.len());
        for (record, ask, caller) in asks {
            let number = |path: &str| self.number(system, path);
            let posting = convert::posting(*record, ask, caller, number);
            postings.push(posting.ok_or_else(wire::status::damaged)?);
        }
        let request = PostEntriesRequest {
            system: system.to_string(),
            request_id: String::new(),
            mode: PostingMode::Each.into(),
            postings,
            validate_only: false,
        };
        let answer = self.channel.ask(request).await?;
        Ok(answer.outcomes.into_iter().map(answered).collect())
    }

    async fn open_accounts(&self, system: &SystemName, ask: &Ask) -> Result<(), Status> {
        let paths = convert::accounts(ask);
        if paths.iter().all(|path| self.number(system, path).is_some()) {
            return Ok(());
        }
        // All of the ask's accounts, known or not: a repeat under this id must say the same.
        let request = v1::OpenAccountsRequest {
            system: system.to_string(),
            request_id: derived_request_id("accounts", ask.posting.request_id, b"").to_string(),
            paths,
        };
        let accounts = self.channel.ask(request).await?.accounts;
        let mut numbers = self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
        numbers.extend(accounts.into_iter().map(|account| ((system.clone(), account.path), account.number)));
        Ok(())
    }

    fn number(&self, system: &SystemName, path: &str) -> Option<u64> {
        let numbers = self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
        numbers.get(&(system.clone(), path.to_owned())).copied()
    }
}

impl Asking for AskLedger {
    fn ask<'a>(
        &'a self,
        system: &'a SystemName,
        asks: &'a [(Position, Ask, String)],
    ) -> Pin<Box<dyn Future<Output = Result<Vec<AskOutcome>, Status>> + Send + 'a>> {
        Box::pin(self.ask_all(system, asks))
    }
}

fn answered(outcome: PostingOutcome) -> AskOutcome {
    match outcome.outcome? {
        Outcome::Posted(posted) => {
            Some(LedgerAnswer::Granted { position: Position::new(posted.entry?.position) })
        }
        Outcome::Refused(refused) => {
            let reason = refused.problems.first().map(|problem| LedgerReason::new(&problem.reason))?;
            // A refusal that the ledger did not record is no decision: the ask stays open, and an operator must look.
            let Some(position) = refused.position else {
                tracing::error!(reason = reason.as_str(), "the ledger does not take a posting of ours");
                return None;
            };
            Some(LedgerAnswer::Denied { reason, position: Some(Position::new(position)) })
        }
    }
}

/// Carries what a journal asks, for as long as the process runs.
pub(crate) async fn carry_on(handle: Handle<HealthBudgets>, ledger: Arc<dyn Asking>) {
    let mut retry = RETRY_FIRST;
    loop {
        let seen = handle.durable_count();
        match carry(&handle, &*ledger).await {
            Ok(Carried { open: 0, .. }) => {
                retry = RETRY_FIRST;
                if handle.durable_beyond(seen).await.is_none() {
                    return;
                }
            }
            Ok(Carried { settled, .. }) if settled > 0 => retry = RETRY_FIRST,
            Ok(_) => wait(&mut retry).await,
            Err(status) => {
                let reason = wire::status::reason_of(&status);
                tracing::warn!(system = %handle.system(), code = ?status.code(), reason, "asks could not be carried");
                wait(&mut retry).await;
            }
        }
    }
}

async fn wait(retry: &mut Duration) {
    tokio::time::sleep(*retry).await;
    *retry = (*retry * 2).min(RETRY_LAST);
}

/// What one round did.
#[derive(Debug)]
pub(crate) struct Carried {
    /// Asks that were open.
    pub(crate) open: usize,
    /// Asks that are settled now.
    pub(crate) settled: usize,
}

/// Carries the asks that are open now: one batch to the ledger, one batch of answers into the journal.
pub(crate) async fn carry(handle: &Handle<HealthBudgets>, ledger: &dyn Asking) -> Result<Carried, Status> {
    let read = handle.read(None, |state: &State, _| {
        state.asks().take(ASKS_PER_BATCH_MAX).map(|(record, ask)| (record, ask.clone())).collect::<Vec<_>>()
    });
    let open = read.await?;
    if open.is_empty() {
        return Ok(Carried { open: 0, settled: 0 });
    }
    let mut asks = Vec::with_capacity(open.len());
    for (record, ask) in open {
        let caller = caller_of(handle, record)?;
        asks.push((record, ask, caller));
    }
    let answers = ledger.ask(handle.system(), &asks).await?;
    let mut requests = Vec::new();
    for ((record, ask, _), answer) in asks.iter().zip(answers) {
        if let Some(answer) = answer {
            requests.push(settling(*record, ask, answer));
        }
    }
    let mut settled = BTreeSet::new();
    for answer in handle.submit_many(requests).await? {
        let answer = answer?;
        settled.insert(answer.position);
    }
    Ok(Carried { open: asks.len(), settled: settled.len() })
}

/// The record of the ledger's answer. Its id follows from the ask's, so that it is recorded once.
fn settling(record: Position, ask: &Ask, answer: LedgerAnswer) -> Request<HealthBudgets> {
    let position = match &answer {
        LedgerAnswer::Granted { position } => Some(*position),
        LedgerAnswer::Denied { position, .. } => *position,
    };
    let command = Command::SettleAsk(SettleAsk { ask: record, answer });
    Request::<HealthBudgets> {
        request_id: derived_request_id("answer", ask.posting.request_id, b""),
        fingerprint: command.fingerprint(),
        caller: service_urn(Service::HealthBudgets),
        cause: position.map(|position| Cause { service: Service::Ledger, position }),
        command,
    }
}

/// The URN of whoever asked first, from the record that named them.
fn caller_of(handle: &Handle<HealthBudgets>, record: Position) -> Result<String, Status> {
    let bytes = handle.record(record)?.ok_or_else(wire::status::damaged)?;
    let asked = RecordView::parse(&bytes).map_err(|_| wire::status::damaged())?;
    let bytes = handle.record(asked.header.caller)?.ok_or_else(wire::status::damaged)?;
    let named = RecordView::parse(&bytes).map_err(|_| wire::status::damaged())?;
    Ok(match house::House::decode(named.body) {
        Ok(house::House::CallerNamed(named)) => named.urn,
        // The journal's own service is not named: its first record is its own.
        _ => service_urn(HealthBudgets::SERVICE).to_string(),
    })
}
