//! Entries: one, listed, and as they come.

use crate::{
    Adapter,
    adapter::told_to_drain,
    index::{IndexError, List, read_entries},
    read::as_of,
};
use journal::{Header, Item, Position};
use ledger::{Ledger, Posted, Posting};
use proto::ledger::v1;
use server::journals::{Handle, ReadAt, ReadError};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tonic::Status;
use wire::{Cursor, Fields, Pushback, ledger::Missing, status};

/// The most entries of one message of a tail.
const TAIL_ENTRIES_MAX: usize = 500;

/// The most records that one message of a tail looks through, so that heartbeats come also where few records are entries.
const TAIL_RECORDS_MAX: u64 = 5_000;

/// How long a tail stays silent.
const HEARTBEAT_TIME: Duration = Duration::from_secs(5);

/// An entry as its record holds it.
pub(crate) struct Found {
    header: Header,
    index: u16,
    posting: Posting,
    posted: Posted,
    reason: String,
}

impl Found {
    pub(crate) const fn name(&self) -> Item {
        Item { position: self.header.position, index: self.index }
    }

    pub(crate) const fn parts(&self) -> (&Posting, &Posted) {
        (&self.posting, &self.posted)
    }

    fn message(&self, reversed_by: Option<Item>) -> v1::Entry {
        wire::ledger::entry(&wire::ledger::EntryOf {
            header: &self.header,
            index: self.index,
            posting: &self.posting,
            posted: &self.posted,
            reason: &self.reason,
            reversed_by,
        })
    }
}

fn found_in(record: &[u8]) -> Vec<Found> {
    let mut found = Vec::new();
    read_entries(record, |view, index, posting, posted, reason| {
        found.push(Found {
            header: view.header,
            index,
            posting: posting.clone(),
            posted: posted.clone(),
            reason: reason.to_owned(),
        });
    });
    found
}

/// The entry of that name.
pub(crate) fn find(handle: &Handle<Ledger>, name: Item) -> Result<Found, Status> {
    let record = handle.record(name.position)?;
    let found = record.map(|record| found_in(&record)).unwrap_or_default();
    let missing = Missing::Entry { position: name.position.get(), index: name.index.into() };
    found.into_iter().find(|entry| entry.index == name.index).ok_or_else(|| status::refusal(&missing))
}

/// Entries as messages, with their reversals as far as the state knows them.
async fn messages(handle: &Handle<Ledger>, found: Vec<Found>) -> Result<(Vec<v1::Entry>, ReadAt), Status> {
    let names: Vec<Item> = found.iter().map(Found::name).collect();
    let read = handle.read(None, move |state, at| {
        let reversed: Vec<Option<Item>> = names.iter().map(|name| state.reversal_of(*name)).collect();
        (reversed, *at)
    });
    let (reversed, at) = read.await?;
    let entries = found.iter().zip(reversed).map(|(entry, reversed_by)| entry.message(reversed_by)).collect();
    Ok((entries, at))
}

/// Which entries a listing is of.
#[derive(Debug, Clone)]
enum Of {
    All,
    List(List, Match),
}

/// What an entry of a list's bucket must still match.
#[derive(Debug, Clone)]
enum Match {
    Anything,
    Cause(journal::Cause),
    Reference(String),
}

impl Match {
    fn fits(&self, entry: &Found) -> bool {
        match self {
            Self::Anything => true,
            Self::Cause(cause) => entry.header.cause == Some(*cause),
            Self::Reference(reference) => entry.posting.reference.as_ref() == Some(reference),
        }
    }
}

impl Adapter {
    pub(crate) async fn read_entry(
        &self,
        request: v1::GetEntryRequest,
    ) -> Result<v1::GetEntryResponse, Status> {
        let v1::GetEntryRequest { system, entry } = request;
        let mut fields = Fields::new();
        let system = fields.system("system", &system);
        let name = fields.required("entry", entry);
        let name = name.and_then(|name| fields.within("entry", |f| wire::ledger::entry_name(f, &name)));
        let (system, name) = fields.known((system, name))?;
        let handle = self.journal(&system).await?;
        let found = find(&handle, name)?;
        let (entries, at) = messages(&handle, vec![found]).await?;
        Ok(v1::GetEntryResponse { entry: entries.into_iter().next(), as_of: Some(as_of(&at)) })
    }

    pub(crate) async fn read_entries(
        &self,
        mut request: v1::ListEntriesRequest,
    ) -> Result<v1::ListEntriesResponse, Status> {
        let (page, min_position) = (request.page.take(), request.min_position.take());
        let mut fields = Fields::new();
        let page = self.page_key.page(&mut fields, "page", page, &request);
        let v1::ListEntriesRequest { system, of, page: _, min_position: _ } = request;
        let system = fields.system("system", &system);
        let of = which(&mut fields, of);
        let (system, of, page) = fields.known((system, of, page))?;
        let handle = self.journal(&system).await?;
        if let Of::List(list, Match::Anything) = &of {
            self.check_account(&handle, list, min_position).await?;
        }
        let at = handle.read(min_position.map(Position::new), |_, at| *at).await?;
        let through = page.cursor.as_ref().map(|cursor| cursor.position).or(at.position);
        let after = page.cursor.as_ref().and_then(|cursor| decode_key(&cursor.last));
        let (index, reader, size) = (self.indexes.of(&handle), handle.clone(), page.size);
        let collected = tokio::task::spawn_blocking(move || {
            let Some(through) = through else { return Ok(Vec::new()) };
            let mut collect = Collect { after, through, wanted: size.saturating_add(1), found: Vec::new() };
            match of {
                Of::All => collect.all(&reader)?,
                Of::List(list, matching) => collect.list(&reader, &index, &list, &matching)?,
            }
            Ok::<_, IndexError>(collect.found)
        });
        let mut found = collected.await.map_err(|_| Status::from(Pushback::Stopped))??;
        let more = found.len() > size;
        found.truncate(size);
        let next = found
            .last()
            .filter(|_| more)
            .map(|last| Cursor { position: through.unwrap_or_default(), last: encode_key(last.name()) });
        let (entries, at) = messages(&handle, found).await?;
        Ok(v1::ListEntriesResponse {
            entries,
            page: Some(self.page_key.response(&page, next.as_ref())),
            as_of: Some(as_of(&at)),
        })
    }

    async fn check_account(
        &self,
        handle: &Handle<Ledger>,
        list: &List,
        min_position: Option<u64>,
    ) -> Result<(), Status> {
        let Some(account) = list.account_number() else { return Ok(()) };
        let known = handle
            .read(min_position.map(Position::new), move |state, _| state.account(account).is_some())
            .await?;
        if known { Ok(()) } else { Err(status::refusal(&Missing::Account(account.to_string()))) }
    }

    pub(crate) async fn tail(
        &self,
        request: v1::TailEntriesRequest,
    ) -> Result<mpsc::Receiver<Result<v1::TailEntriesResponse, Status>>, Status> {
        let v1::TailEntriesRequest { system, from_position } = request;
        let mut fields = Fields::new();
        let system = fields.system("system", &system);
        let (system,) = fields.known((system,))?;
        let handle = self.journal(&system).await?;
        let end = handle.durable_count();
        if from_position > end {
            return Err(status::refusal(&Missing::Ahead { next: end }));
        }
        // A slow reader holds up its own tail only: what is not read waits in the journal.
        let (answers, stream) = mpsc::channel(2);
        let draining = self.draining.clone();
        tokio::spawn(tail_from(handle, Position::new(from_position), answers, draining));
        Ok(stream)
    }
}

fn which(fields: &mut Fields, of: Option<v1::list_entries_request::Of>) -> Option<Of> {
    use v1::list_entries_request::Of as Asked;
    match of {
        None => Some(Of::All),
        Some(Asked::Account(number)) => Some(Of::List(List::account(Position::new(number)), Match::Anything)),
        Some(Asked::Cause(cause)) => {
            let cause = wire::common::cause_from(&cause);
            if cause.is_none() {
                fields.refuse("cause.service", "FIELD_INVALID", "it must be the name of a service");
            }
            cause.map(|cause| Of::List(List::cause(cause), Match::Cause(cause)))
        }
        Some(Asked::Reference(reference)) => {
            let reference = fields.text("reference", &reference, ledger::REFERENCE_BYTES_MAX)?;
            Some(Of::List(List::reference(reference), Match::Reference(reference.to_owned())))
        }
    }
}

/// One page in the making.
struct Collect {
    after: Option<Item>,
    /// The last record of the listing.
    through: Position,
    wanted: usize,
    found: Vec<Found>,
}

impl Collect {
    fn start(&self) -> Position {
        self.after.map_or(Position::FIRST, |after| after.position)
    }

    /// Takes what fits of a record; whether more is wanted.
    fn take(&mut self, record: &[u8], matching: &Match) -> bool {
        for entry in found_in(record) {
            let listed = self.after.is_some_and(|after| entry.name() <= after);
            if !listed && matching.fits(&entry) && self.found.len() < self.wanted {
                self.found.push(entry);
            }
        }
        self.found.len() < self.wanted
    }

    fn all(&mut self, handle: &Handle<Ledger>) -> Result<(), ReadError> {
        let through = self.through;
        handle.records_from(self.start(), |position, record| {
            position <= through && self.take(record, &Match::Anything)
        })
    }

    fn list(
        &mut self,
        handle: &Handle<Ledger>,
        index: &crate::index::Index,
        list: &List,
        matching: &Match,
    ) -> Result<(), IndexError> {
        let mut from = Some(self.start());
        while let Some(start) = from {
            let page = index.page(handle, list, start, self.wanted)?;
            for position in page.positions {
                if position > self.through {
                    return Ok(());
                }
                if let Some(record) = handle.record(position)?
                    && !self.take(&record, matching)
                {
                    return Ok(());
                }
            }
            from = page.next;
        }
        Ok(())
    }
}

/// The key of an entry in a page token: position and index, big-endian.
fn encode_key(name: Item) -> Vec<u8> {
    [&name.position.get().to_be_bytes()[..], &name.index.to_be_bytes()].concat()
}

fn decode_key(bytes: &[u8]) -> Option<Item> {
    let (position, index) = bytes.split_first_chunk::<8>()?;
    let index = index.try_into().ok().map(u16::from_be_bytes)?;
    Some(Item { position: Position::new(u64::from_be_bytes(*position)), index })
}

async fn tail_from(
    handle: Handle<Ledger>,
    mut next: Position,
    answers: mpsc::Sender<Result<v1::TailEntriesResponse, Status>>,
    mut draining: watch::Receiver<bool>,
) {
    loop {
        let reader = handle.clone();
        let read = tokio::task::spawn_blocking(move || tail_part(&reader, next)).await;
        let part = match read {
            Ok(Ok(part)) => part,
            Ok(Err(error)) => return drop(answers.send(Err(error.into())).await),
            Err(_) => return drop(answers.send(Err(Pushback::Stopped.into())).await),
        };
        let (found, after) = part;
        let answer = match messages(&handle, found).await {
            Ok((entries, at)) => {
                v1::TailEntriesResponse { entries, next_position: after.get(), as_of: Some(as_of(&at)) }
            }
            Err(status) => return drop(answers.send(Err(status)).await),
        };
        if answers.send(Ok(answer)).await.is_err() {
            return; // the client left
        }
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
