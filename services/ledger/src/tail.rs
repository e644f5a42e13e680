//! Entries as they come.

use crate::{
    Adapter,
    adapter::told_to_drain,
    entries::{Found, found_in, messages},
    index::{Cut, Index, IndexError, plus, posted_by},
    past::blocking,
    read::as_of,
};
use journal::{AccountNumber, Position};
use ledger::{Ledger, Totals};
use proto::ledger::v1;
use server::journals::{Handle, ReadError};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::sync::{mpsc, watch};
use tonic::Status;
use wire::{Fields, Pushback, ledger as convert, ledger::Missing, status};

/// The most entries of one message of a tail.
const TAIL_ENTRIES_MAX: usize = 500;

/// The most records that one message of a tail looks through, so that heartbeats come also where few records are entries.
const TAIL_RECORDS_MAX: u64 = 5_000;

/// How long a tail stays silent.
const HEARTBEAT_TIME: Duration = Duration::from_secs(5);

/// The balances that a tail sends, as far as it has gone: of the accounts that its entries touched.
struct Balances {
    index: Arc<Index>,
    /// Everything before this position was posted when the tail began.
    begun: Position,
    after: BTreeMap<AccountNumber, Totals>,
}

impl Balances {
    /// The balances after each of `found`, which are the next entries. Reads the disk for accounts not seen before.
    fn after(
        &mut self,
        handle: &Handle<Ledger>,
        found: &[Found],
    ) -> Result<Vec<v1::EntryBalances>, IndexError> {
        let mut all = Vec::with_capacity(found.len());
        for entry in found {
            let mut accounts = Vec::new();
            for (account, moved) in posted_by(&entry.posting) {
                let before = match self.after.get(&account) {
                    Some(before) => *before,
                    None => self.before(handle, account)?,
                };
                let after = plus(&before, &moved);
                self.after.insert(account, after);
                accounts.push(v1::AccountBalance {
                    account: account.get(),
                    debits_pence: convert::pence(after.debits),
                    credits_pence: convert::pence(after.credits),
                });
            }
            all.push(v1::EntryBalances { accounts });
        }
        Ok(all)
    }

    /// The totals of an account when the tail began.
    fn before(&self, handle: &Handle<Ledger>, account: AccountNumber) -> Result<Totals, IndexError> {
        let Some(last) = self.begun.previous() else { return Ok(Totals::default()) };
        let totals = self.index.totals(handle, &[account], &Cut::through(last))?;
        Ok(totals.first().copied().unwrap_or_default())
    }
}

impl Adapter {
    pub(crate) async fn tail(
        &self,
        request: v1::TailEntriesRequest,
    ) -> Result<mpsc::Receiver<Result<v1::TailEntriesResponse, Status>>, Status> {
        let v1::TailEntriesRequest { system, from_position, with_balances } = request;
        let mut fields = Fields::new();
        let system = fields.system("system", &system);
        let (system,) = fields.known((system,))?;
        let handle = self.journal(&system).await?;
        let end = handle.durable_count();
        if from_position > end {
            return Err(status::refusal(&Missing::Ahead { next: end }));
        }
        let begun = Position::new(from_position);
        let index = self.indexes.of(&handle);
        let balances = with_balances.then(|| Balances { index, begun, after: BTreeMap::new() });
        // A slow reader holds up its own tail only: what is not read waits in the journal.
        let (answers, stream) = mpsc::channel(2);
        let draining = self.draining.clone();
        tokio::spawn(tail_from(handle, begun, balances, answers, draining));
        Ok(stream)
    }
}

async fn tail_from(
    handle: Handle<Ledger>,
    mut next: Position,
    mut balances: Option<Balances>,
    answers: mpsc::Sender<Result<v1::TailEntriesResponse, Status>>,
    mut draining: watch::Receiver<bool>,
) {
    loop {
        let reader = handle.clone();
        let part = blocking(move || {
            let (found, after) = tail_part(&reader, next)?;
            let sent = match &mut balances {
                Some(balances) => balances.after(&reader, &found)?,
                None => Vec::new(),
            };
            Ok::<_, IndexError>((found, after, sent, balances))
        });
        let after = match answer_of(&handle, part.await).await {
            Ok((answer, after, kept)) => {
                if answers.send(Ok(answer)).await.is_err() {
                    return; // the client left
                }
                balances = kept;
                after
            }
            Err(status) => return drop(answers.send(Err(status)).await),
        };
        next = after;
        if next.get() >= handle.durable_count() {
            tokio::select! {
                () = told_to_drain(&mut draining) => {
                    return drop(answers.send(Err(Pushback::Draining.into())).await);
                }
                () = answers.closed() => return,
                grown = handle.durable_beyond(next.get()) => if grown.is_none() { return },
                () = tokio::time::sleep(HEARTBEAT_TIME) => {}
            }
        }
    }
}

/// Entries, where the next message goes on, their balances, and what those go on from.
type Part = (Vec<Found>, Position, Vec<v1::EntryBalances>, Option<Balances>);

/// The message of a part.
async fn answer_of(
    handle: &Handle<Ledger>,
    part: Result<Part, Status>,
) -> Result<(v1::TailEntriesResponse, Position, Option<Balances>), Status> {
    let (found, after, sent, kept) = part?;
    let (entries, at) = messages(handle, found).await?;
    let (next_position, as_of) = (after.get(), Some(as_of(&at)));
    Ok((v1::TailEntriesResponse { entries, next_position, as_of, balances: sent }, after, kept))
}

/// The next entries from `next` on, and the position after the last record looked at.
fn tail_part(handle: &Handle<Ledger>, next: Position) -> Result<(Vec<Found>, Position), ReadError> {
    let (mut found, mut after) = (Vec::new(), next);
    let end = handle.durable_count().min(next.get().saturating_add(TAIL_RECORDS_MAX));
    if next.get() < end {
        handle.records_from(next, |position, record| {
            found.append(&mut found_in(record));
            after = position.next();
            after.get() < end && found.len() < TAIL_ENTRIES_MAX
        })?;
    }
    Ok((found, after))
}
