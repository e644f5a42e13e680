//! What questions read instead of the journal, rebuilt from it whenever it is missing or in doubt.
//!
//! ```text
//! index 2   cause: service (2) ++ position / 256 (8), big-endian   → positions of entries that follow from there
//! index 3   reference: first 12 bits of SHA-256 of the text        → positions of entries that bear such a one
//! index 4   kind                                                   → positions of entries of that kind
//! index 5   month                                                  → positions of entries accounted for in it
//! index 6   caller (8, big-endian)                                 → positions of entries that it made
//! index 7   bits of the amount                                     → positions of entries of about that amount
//! index 8   URN of a caller                                        → position of the record that names it
//! 16, 17    account                                                → what each entry did to it, see `accounts`
//! 18        hold                                                   → its account, see `holds`
//! ```
//! Lists are positions only, 1 or 2 bytes each. Causes and references are as many as entries, so each list stands for a bucket
//! of them and the reader compares the records: never one key of the store per entry. A two-leg posting costs 39 bytes of disk when all
//! are on one pair of accounts, 49 spread over 500 pairs (400,000 postings; `accounts::tests` holds the bounds).

mod accounts;
mod holds;
mod list;
mod rows;
mod sources;

pub(crate) use list::{List, amount, month};
pub(crate) use rows::{ALWAYS, Basis, Cut, Row, plus};
pub(crate) use sources::Source;

use accounts::{AccountRows, RowName};
use holds::Holds;
use journal::{AccountNumber, Header, NoBlobs, Position, RecordView, Service, house::House};
use ledger::{Command, Event, HoldAction, Ledger, Posted, Posting, Totals};
use money::{Pence, Side, TotalPence};
use server::journals::{Handle, Journals, ReadError};
use sources::Reading;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use storage::{Postings, ReadStore, ReadStoreError};

/// Rows and positions that may wait in memory before they are moved to the store: tens of bytes each.
const WAITING_MAX: usize = 400_000;

/// How far apart the follower looks. A question catches up by itself; this only keeps what it must catch up short.
const FOLLOW_TIME: Duration = Duration::from_millis(500);

/// How long it waits when a disk fails it, so that the log says so once a minute.
const FAILED_TIME: Duration = Duration::from_secs(60);

/// What the store holds. Any change of the layout above is another number.
const FORMAT: u32 = 2;

/// A list cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IndexError {
    /// The read store failed twice, the second time freshly made.
    #[error("the read store cannot be used")]
    Store(#[from] ReadStoreError),
    /// The read store holds part of a flush that did not end.
    #[error("the read store holds part of a flush that did not end")]
    Unclean,
    /// The journal cannot be read.
    #[error("the journal cannot be read")]
    Journal(#[from] ReadError),
}

impl IndexError {
    /// Whether a store built anew may answer.
    const fn is_of_the_store(&self) -> bool {
        matches!(self, Self::Store(_) | Self::Unclean)
    }
}

impl From<IndexError> for tonic::Status {
    fn from(error: IndexError) -> Self {
        match error {
            IndexError::Journal(error) => error.into(),
            IndexError::Store(_) | IndexError::Unclean => {
                tracing::error!(error = &error as &dyn std::error::Error, "the read store cannot be used");
                wire::status::damaged()
            }
        }
    }
}

/// The indexes of every system.
#[derive(Debug)]
pub(crate) struct Indexes {
    data_dir: PathBuf,
    by_system: Mutex<BTreeMap<String, Arc<Index>>>,
}

impl Indexes {
    pub(crate) fn new(data_dir: &Path) -> Self {
        Self { data_dir: data_dir.to_owned(), by_system: Mutex::default() }
    }

    /// The index beside a journal.
    pub(crate) fn of(&self, handle: &Handle<Ledger>) -> Arc<Index> {
        let mut by_system = self.by_system.lock().unwrap_or_else(PoisonError::into_inner);
        let system = handle.system().to_string();
        let index = by_system.entry(system).or_insert_with_key(|system| {
            let folder = self.data_dir.join(system).join(Service::Ledger.as_str()).join("read");
            Arc::new(Index { folder, open: Mutex::new(None) })
        });
        Arc::clone(index)
    }
}

/// One journal's index.
#[derive(Debug)]
pub(crate) struct Index {
    folder: PathBuf,
    open: Mutex<Option<Open>>,
}

#[derive(Debug)]
pub(crate) struct Open {
    store: ReadStore,
    /// What the store covers.
    through: Option<Position>,
    postings: Postings,
    accounts: AccountRows,
    holds: Holds,
    /// The first record that is not in it.
    next: Position,
}

/// What to do with an open index; run again with a fresh one when its store fails.
type Work<'a, T> = &'a dyn Fn(&mut Open) -> Result<T, IndexError>;

/// Records that may be looked at for a question, in order: takes one and answers whether to go on.
type Look<'a> = &'a mut dyn FnMut(Position) -> Result<bool, IndexError>;

impl Index {
    /// Gives the records that `source` names, from `from` on, of everything durable when it is asked, to the `Look` that `begin`
    /// makes (again, should the store have to be built anew). Reads the disk.
    pub(crate) fn select<T>(
        &self,
        handle: &Handle<Ledger>,
        source: &Source,
        from: Position,
        begin: &dyn Fn() -> T,
        look: &dyn Fn(&mut T, Position) -> Result<bool, IndexError>,
    ) -> Result<T, IndexError> {
        self.with(handle, &|open| {
            open.catch_up(handle)?;
            let mut taken = begin();
            let each: Look<'_> = &mut |position| look(&mut taken, position);
            let mut reading = Reading::new(open, source);
            let mut from = Some(from);
            while let Some(start) = from {
                let found = reading.from(start)?.filter(|found| *found < open.next);
                from = match found {
                    Some(position) if each(position)? => Some(position.next()),
                    Some(_) | None => None,
                };
            }
            drop(reading);
            Ok(taken)
        })
    }

    /// What the rows of each of `accounts` that `cut` holds come to. Reads the disk.
    pub(crate) fn totals(
        &self,
        handle: &Handle<Ledger>,
        accounts: &[AccountNumber],
        cut: &Cut,
    ) -> Result<Vec<Totals>, IndexError> {
        self.with(handle, &|open| {
            open.catch_up(handle)?;
            accounts.iter().map(|account| open.accounts.totals(&open.store, *account, cut)).collect()
        })
    }

    /// The first `limit` rows of all `accounts` that `cut` holds and that follow `after`, in the order of records, then accounts.
    /// Reads the disk; holds `limit` rows at most.
    pub(crate) fn rows(
        &self,
        handle: &Handle<Ledger>,
        accounts: &[AccountNumber],
        cut: &Cut,
        after: Option<(RowName, AccountNumber)>,
        limit: usize,
    ) -> Result<Vec<(AccountNumber, Row)>, IndexError> {
        self.with(handle, &|open| {
            open.catch_up(handle)?;
            let mut first: BTreeMap<(RowName, AccountNumber), Row> = BTreeMap::new();
            for account in accounts {
                // A record's rows of an account that comes after the last one shown are still to be shown.
                let from = after.map(|((position, index), last)| match index.checked_sub(1) {
                    _ if *account <= last => Some((position, index)),
                    Some(before) => Some((position, before)),
                    None => position.previous().map(|before| (before, u16::MAX)),
                });
                open.accounts.each(&open.store, *account, cut, from.flatten(), &mut |row| {
                    let name = ((row.position, row.index), *account);
                    let full = first.len() >= limit;
                    if full && first.last_key_value().is_some_and(|(last, _)| name > *last) {
                        return false;
                    }
                    first.insert(name, *row);
                    if full {
                        first.pop_last();
                    }
                    true
                })?;
            }
            Ok(first.into_iter().map(|((_, account), row)| (account, row)).collect())
        })
    }

    /// The record that names the caller of that URN.
    pub(crate) fn caller(&self, handle: &Handle<Ledger>, urn: &str) -> Result<Option<Position>, IndexError> {
        let list = List::caller_named(urn);
        self.with(handle, &|open| {
            open.catch_up(handle)?;
            let page = open.postings.page(&open.store, list.index, &list.key, Position::FIRST, 1)?;
            Ok(page.positions.first().copied())
        })
    }

    fn catch_up(&self, handle: &Handle<Ledger>) -> Result<(), IndexError> {
        self.with(handle, &|open| open.catch_up(handle))
    }

    fn flush(&self, handle: &Handle<Ledger>) -> Result<(), IndexError> {
        self.with(handle, &|open| {
            open.catch_up(handle)?;
            open.flush()
        })
    }

    fn with<T>(&self, handle: &Handle<Ledger>, work: Work<'_, T>) -> Result<T, IndexError> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let mut opened = match open.take() {
            Some(opened) => opened,
            None => self.reopen(handle)?,
        };
        let mut result = work(&mut opened);
        if let Err(error) = &result
            && error.is_of_the_store()
        {
            tracing::warn!(
                system = %handle.system(), error = error as &dyn std::error::Error,
                "the read store failed: it is set aside and built again"
            );
            drop(opened);
            opened = self.fresh(handle)?;
            result = work(&mut opened);
        }
        if !result.as_ref().is_err_and(IndexError::is_of_the_store) {
            *open = Some(opened);
        }
        result
    }

    /// The store as it was left, or a new one when it cannot be used.
    fn reopen(&self, handle: &Handle<Ledger>) -> Result<Open, IndexError> {
        match self.open(handle, false) {
            Err(error) if error.is_of_the_store() => self.fresh(handle),
            opened => opened,
        }
    }

    fn fresh(&self, handle: &Handle<Ledger>) -> Result<Open, IndexError> {
        self.open(handle, true)
    }

    fn open(&self, handle: &Handle<Ledger>, fresh: bool) -> Result<Open, IndexError> {
        let note = handle.checkpoint();
        let origin = note.lines().next().unwrap_or_default();
        let format = format!("ledger-entries {FORMAT} {origin}");
        let opened = if fresh {
            ReadStore::fresh(&self.folder, &format)?
        } else {
            ReadStore::open(&self.folder, &format, Position::new(handle.durable_count()))?
        };
        if let Some(folder) = &opened.set_aside {
            let met = opened.met.as_ref().map(|error| error as &dyn std::error::Error);
            tracing::warn!(system = %handle.system(), folder = %folder.display(), error = met, "a read store was set aside");
        }
        let next = opened.through.map_or(Position::FIRST, Position::next);
        Ok(Open {
            holds: Holds::load(&opened.store, opened.through)?,
            store: opened.store,
            through: opened.through,
            postings: Postings::new(),
            accounts: AccountRows::default(),
            next,
        })
    }
}

impl Open {
    fn catch_up(&mut self, handle: &Handle<Ledger>) -> Result<(), IndexError> {
        let end = handle.durable_count();
        while self.next.get() < end {
            let mut added = Ok(());
            handle.records_from(self.next, |position, record| {
                added = self.add(record);
                self.next = position.next();
                added.is_ok() && self.next.get() < end && self.waiting() < WAITING_MAX
            })?;
            added?;
            if self.waiting() >= WAITING_MAX {
                tracing::info!(system = %handle.system(), next = self.next.get(), end, "indexing entries");
                self.flush()?;
            }
        }
        Ok(())
    }

    fn waiting(&self) -> usize {
        self.postings.waiting() + self.accounts.waiting()
    }

    fn flush(&mut self) -> Result<(), IndexError> {
        if let Some(through) = self.next.previous()
            && self.waiting() > 0
        {
            self.postings.flush_into(&self.store)?;
            self.accounts.flush_into(&self.store)?;
            self.holds.flush_into(&self.store, through)?;
            self.store.flush(through)?;
            self.through = Some(through);
        }
        Ok(())
    }

    fn add(&mut self, record: &[u8]) -> Result<(), IndexError> {
        let Some(read) = read(record) else { return Ok(()) };
        let position = read.header.position;
        match read.said {
            Said::Caller(urn) => {
                let list = List::caller_named(&urn);
                self.postings.add(list.index, &list.key, position);
            }
            Said::Expired(released) => {
                let day = read.header.business_date;
                let mut moved: BTreeMap<AccountNumber, Totals> = BTreeMap::new();
                for (hold, pence) in released {
                    if let Some(account) = self.holds.lower(hold, pence) {
                        let totals = moved.entry(account).or_default();
                        totals.holds_ended = totals.holds_ended.plus(pence);
                    }
                }
                self.add_rows(position, 0, (day, day), moved)?;
            }
            Said::Entries(entries) => {
                for entry in entries {
                    let Entry { index, posting, posted, .. } = &entry;
                    let from = (read.header.cause, read.header.caller);
                    let postings = &mut self.postings;
                    List::each(from, posting, posted, |list| postings.add(list.index, &list.key, position));
                    let moved = self.moved(&read.header, posting, posted);
                    self.add_rows(position, *index, (posted.accounting_date, posting.effective_date), moved)?;
                }
            }
        }
        Ok(())
    }

    /// What an entry did to each account.
    fn moved(
        &mut self,
        header: &Header,
        posting: &Posting,
        posted: &Posted,
    ) -> BTreeMap<AccountNumber, Totals> {
        let mut moved = posted_by(posting);
        for (action, pence) in posting.holds.iter().zip(&posted.held) {
            match *action {
                HoldAction::Place { account, name, .. } => {
                    self.holds.place(name.unwrap_or(header.request_id), account, *pence);
                    let totals = moved.entry(account).or_default();
                    totals.holds_placed = totals.holds_placed.plus(*pence);
                }
                HoldAction::Capture { hold, .. } | HoldAction::Release { hold } => {
                    if let Some(account) = self.holds.lower(hold, *pence) {
                        let totals = moved.entry(account).or_default();
                        totals.holds_ended = totals.holds_ended.plus(*pence);
                    }
                }
            }
        }
        moved
    }

    fn add_rows(
        &mut self,
        position: Position,
        index: u16,
        (accounting, effective): (journal::Day, journal::Day),
        moved: BTreeMap<AccountNumber, Totals>,
    ) -> Result<(), IndexError> {
        for (account, moved) in moved.into_iter().filter(|(_, moved)| *moved != Totals::default()) {
            let row = Row { position, index, accounting, effective, moved };
            self.accounts.add(&self.store, self.through, account, &row)?;
        }
        Ok(())
    }
}

/// What the legs of a posting do to each account.
pub(crate) fn posted_by(posting: &Posting) -> BTreeMap<AccountNumber, Totals> {
    let mut moved: BTreeMap<AccountNumber, Totals> = BTreeMap::new();
    for leg in &posting.legs {
        let totals = moved.entry(leg.account).or_default();
        let side: &mut TotalPence = match leg.side {
            Side::Debit => &mut totals.debits,
            Side::Credit => &mut totals.credits,
        };
        *side = side.plus(leg.pence);
    }
    moved
}

/// What a record says that is indexed or listed.
pub(crate) struct Read {
    pub(crate) header: Header,
    pub(crate) said: Said,
}

pub(crate) enum Said {
    /// A caller is named.
    Caller(String),
    /// Entries were made.
    Entries(Vec<Entry>),
    /// Holds expired: how much of each.
    Expired(Vec<(journal::RequestId, Pence)>),
}

/// An entry of a record.
pub(crate) struct Entry {
    pub(crate) index: u16,
    pub(crate) posting: Posting,
    pub(crate) posted: Posted,
    /// Of a reversal, or of what two people posted.
    pub(crate) reason: String,
    /// Who proposed what two people posted.
    pub(crate) proposer: Option<Position>,
}

/// What a record says; `None` when that concerns no account.
///
/// The engine decoded every record when it started, so a record that cannot be read is damage since; the reader misses it, and the
/// verifier names it.
pub(crate) fn read(record: &[u8]) -> Option<Read> {
    use journal::Domain as _;
    let RecordView { header, body, .. } = RecordView::parse(record).ok()?;
    if header.kind.is_house() {
        return match House::decode(body).ok()? {
            House::CallerNamed(named) => Some(Read { header, said: Said::Caller(named.urn) }),
            House::Opened(_)
            | House::ClockAdvanced(_)
            | House::Delivered(_)
            | House::DayRolled(_)
            | House::KeyRotated(_) => None,
        };
    }
    let (command, outcome) = Ledger::decode(header.kind, body, &NoBlobs).ok()?;
    if let (Command::ExpireHolds(expire), journal::Outcome::Accepted(events)) = (&command, &outcome) {
        let released = match events.first() {
            Some(Event::HoldsExpired(released)) => released.as_slice(),
            _ => &[],
        };
        let released = expire.holds.iter().copied().zip(released.iter().copied()).collect();
        return Some(Read { header, said: Said::Expired(released) });
    }
    let reason = if let Command::Reverse(reverse) = &command {
        reverse.reason.as_str()
    } else if let Command::Approve(approve) = &command {
        approve.propose.reason.as_str()
    } else {
        ""
    };
    let proposer = match &outcome {
        journal::Outcome::Accepted(events) => match events.first() {
            Some(Event::Approved { approval, .. }) => Some(approval.proposal().proposer),
            _ => None,
        },
        journal::Outcome::Refused(_) => None,
    };
    let entries = ledger::entries(&command, &outcome).map(|(index, posting, posted)| Entry {
        index,
        posting: posting.into_owned(),
        posted: posted.clone(),
        reason: reason.to_owned(),
        proposer,
    });
    let entries: Vec<Entry> = entries.collect();
    (!entries.is_empty()).then_some(Read { header, said: Said::Entries(entries) })
}

/// Keeps every index near the end of its journal.
pub(crate) async fn follow(journals: Arc<Journals<Ledger>>, indexes: Arc<Indexes>) {
    loop {
        let kept = each_index(&journals, &indexes, Index::catch_up).await;
        tokio::time::sleep(if kept { FOLLOW_TIME } else { FAILED_TIME }).await;
    }
}

/// Makes every index durable, so that the next start has little to read.
pub(crate) async fn flush_all(journals: Arc<Journals<Ledger>>, indexes: Arc<Indexes>) {
    each_index(&journals, &indexes, Index::flush).await;
}

/// Whether every index is kept.
async fn each_index(
    journals: &Journals<Ledger>,
    indexes: &Indexes,
    work: fn(&Index, &Handle<Ledger>) -> Result<(), IndexError>,
) -> bool {
    let mut kept = true;
    for handle in journals.all() {
        let index = indexes.of(&handle);
        let done = tokio::task::spawn_blocking(move || work(&index, &handle)).await;
        match done {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                kept = false;
                tracing::error!(error = &error as &dyn std::error::Error, "an index cannot be kept");
            }
            Err(error) => {
                kept = false;
                tracing::error!(%error, "an index's task failed");
            }
        }
    }
    kept
}
