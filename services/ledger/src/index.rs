//! Which entries touch an account, follow from a record, or bear a reference: positions only, in blocks of the read store.
//!
//! ```text
//! index 1  account number (8 bytes, big-endian)                          → positions of entries with a leg or hold on it
//! index 2  cause: service (2) ++ position / 256 (8), big-endian          → positions of entries that follow from there
//! index 3  reference: first 12 bits of SHA-256 of the text               → positions of entries that bear such a one
//! ```
//! Causes and references are as many as entries, so each list stands for a bucket of them and the reader compares the
//! records: never one key of the store per entry. Everything here can be lost: it is built again from the journal.

use journal::{Cause, Digest, NoBlobs, Position, RecordView, Service};
use ledger::{HoldAction, Ledger, Posted, Posting};
use server::journals::{Handle, Journals, ReadError};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use storage::{Postings, ReadStore, ReadStoreError};

/// Positions that may wait in memory before they are moved to the store: tens of bytes each.
const WAITING_MAX: usize = 200_000;

/// How far apart the follower looks. A list catches up by itself; this only keeps what it must catch up short.
const FOLLOW_TIME: Duration = Duration::from_millis(500);

/// How long it waits when a disk fails it, so that the log says so once a minute.
const FAILED_TIME: Duration = Duration::from_secs(60);

/// What the store holds. Any change of the layout above is another number.
const FORMAT: u32 = 1;

/// A list of positions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct List {
    index: u8,
    key: Vec<u8>,
}

impl List {
    /// The entries of an account.
    pub(crate) fn account(account: Position) -> Self {
        Self { index: 1, key: account.get().to_be_bytes().to_vec() }
    }

    /// The entries that follow from a record, and others of its bucket.
    pub(crate) fn cause(cause: Cause) -> Self {
        let bucket = cause.position.get() / 256;
        let key = [&cause.service.number().to_be_bytes()[..], &bucket.to_be_bytes()].concat();
        Self { index: 2, key }
    }

    /// The entries that bear a reference, and others of its bucket.
    pub(crate) fn reference(reference: &str) -> Self {
        let [a, b, ..] = Digest::of(reference.as_bytes()).0;
        Self { index: 3, key: vec![a, b >> 4] }
    }

    /// The account whose entries these are.
    pub(crate) fn account_number(&self) -> Option<Position> {
        let key = self.key.as_slice().try_into().ok().filter(|_| self.index == 1)?;
        Some(Position::new(u64::from_be_bytes(key)))
    }

    fn each(cause: Option<Cause>, posting: &Posting, mut add: impl FnMut(Self)) {
        for leg in &posting.legs {
            add(Self::account(leg.account));
        }
        for hold in &posting.holds {
            if let HoldAction::Place { account, .. } = hold {
                add(Self::account(*account));
            }
        }
        if let Some(cause) = cause {
            add(Self::cause(cause));
        }
        if let Some(reference) = &posting.reference {
            add(Self::reference(reference));
        }
    }
}

/// A list cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IndexError {
    /// The read store failed twice, the second time freshly made.
    #[error("the read store cannot be used")]
    Store(#[from] ReadStoreError),
    /// The journal cannot be read.
    #[error("the journal cannot be read")]
    Journal(#[from] ReadError),
}

impl From<IndexError> for tonic::Status {
    fn from(error: IndexError) -> Self {
        match error {
            IndexError::Journal(error) => error.into(),
            IndexError::Store(source) => {
                tracing::error!(error = &source as &dyn std::error::Error, "the read store cannot be used");
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
struct Open {
    store: ReadStore,
    postings: Postings,
    /// The first record that is not in it.
    next: Position,
}

/// What to do with an open index; run again with a fresh one when its store fails.
type Work<'a, T> = &'a dyn Fn(&mut Open) -> Result<T, IndexError>;

impl Index {
    /// Up to `limit` positions of a list, from `from` on, of everything durable when it is asked, and where it goes on. Reads the
    /// disk.
    pub(crate) fn page(
        &self,
        handle: &Handle<Ledger>,
        list: &List,
        from: Position,
        limit: usize,
    ) -> Result<storage::Page, IndexError> {
        self.with(handle, &|open| {
            open.catch_up(handle)?;
            Ok(open.postings.page(&open.store, list.index, &list.key, from, limit)?)
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
            None => self.open(handle, false)?,
        };
        let mut result = work(&mut opened);
        if let Err(IndexError::Store(error)) = &result {
            tracing::warn!(
                system = %handle.system(), error = error as &dyn std::error::Error,
                "the read store failed: it is set aside and built again"
            );
            drop(opened);
            opened = self.open(handle, true)?;
            result = work(&mut opened);
        }
        if !matches!(result, Err(IndexError::Store(_))) {
            *open = Some(opened);
        }
        result
    }

    fn open(&self, handle: &Handle<Ledger>, fresh: bool) -> Result<Open, ReadStoreError> {
        let note = handle.checkpoint();
        let origin = note.lines().next().unwrap_or_default();
        let format = format!("ledger-entries {FORMAT} {origin}");
        let opened = if fresh {
            ReadStore::fresh(&self.folder, &format)?
        } else {
            ReadStore::open(&self.folder, &format, Position::new(handle.durable_count()))?
        };
        if let Some(folder) = &opened.set_aside {
            tracing::warn!(system = %handle.system(), folder = %folder.display(), "a read store was set aside");
        }
        let next = opened.through.map_or(Position::FIRST, Position::next);
        Ok(Open { store: opened.store, postings: Postings::new(), next })
    }
}

impl Open {
    fn catch_up(&mut self, handle: &Handle<Ledger>) -> Result<(), IndexError> {
        let end = handle.durable_count();
        while self.next.get() < end {
            let (postings, next) = (&mut self.postings, &mut self.next);
            handle.records_from(*next, |position, record| {
                add(postings, position, record);
                *next = position.next();
                next.get() < end && postings.waiting() < WAITING_MAX
            })?;
            if self.postings.waiting() >= WAITING_MAX {
                tracing::info!(system = %handle.system(), next = self.next.get(), end, "indexing entries");
                self.flush()?;
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), IndexError> {
        if let Some(through) = self.next.previous()
            && self.postings.waiting() > 0
        {
            self.postings.flush_into(&self.store)?;
            self.store.flush(through)?;
        }
        Ok(())
    }
}

fn add(postings: &mut Postings, position: Position, record: &[u8]) {
    read_entries(record, |view, _, posting, _, _| {
        List::each(view.header.cause, posting, |list| postings.add(list.index, &list.key, position));
    });
}

/// Gives every entry of a record to `each`: the record, the entry's index, the posting, what became of it, and the reason of a
/// reversal or of what two people posted. A record that holds no entry gives none.
pub(crate) fn read_entries(
    record: &[u8],
    mut each: impl FnMut(&RecordView<'_>, u16, &Posting, &Posted, &str),
) {
    use journal::Domain as _;
    let Ok(view) = RecordView::parse(record) else { return };
    if view.header.kind.is_house() {
        return;
    }
    // The engine decoded every record when it started, so a failure here is damage since; the reader misses it, and the
    // verifier names it.
    let Ok((command, outcome)) = Ledger::decode(view.header.kind, view.body, &NoBlobs) else { return };
    let reason = match &command {
        ledger::Command::Reverse(reverse) => reverse.reason.as_str(),
        ledger::Command::Approve(approve) => approve.propose.reason.as_str(),
        ledger::Command::OpenAccount(_)
        | ledger::Command::Post(_)
        | ledger::Command::PostGroup(_)
        | ledger::Command::SetLimit(_)
        | ledger::Command::CloseAccount { .. }
        | ledger::Command::SealWindows(_)
        | ledger::Command::ExpireHolds(_)
        | ledger::Command::ClosePeriod(_)
        | ledger::Command::ReopenPeriod(_)
        | ledger::Command::SoftClosePeriod(_)
        | ledger::Command::Propose(_) => "",
    };
    for (index, posting, posted) in ledger::entries(&command, &outcome) {
        each(&view, index, posting, posted, reason);
    }
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
