//! The request ids of all but the latest records: in files, which threads of their own write and, when one is damaged, make
//! again from the journal.

use engine::{IdRun, PastIds, Unavailable};
use journal::{Position, RecordView, RequestId};
use std::collections::VecDeque;
use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use storage::{Disk, IdFile, IdFiles, Reader};

/// How many runs may wait to be written while a journal is replayed.
const BEHIND_MAX: usize = 2;

/// The runs of one journal that the engine does not keep.
pub(crate) struct Ids {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    folder_made: bool,
    /// What stays free on the disk.
    reserve_bytes: u64,
    /// Where damaged runs are made again from; nothing is looked for before it is there.
    reader: Option<Reader>,
    files: IdFiles,
    under_way: Option<(Work, JoinHandle<io::Result<IdFile>>)>,
    waiting: VecDeque<Work>,
}

/// What is to be written.
#[derive(Clone)]
enum Work {
    Full(Arc<IdRun>),
    Again(Range<u64>),
}

impl Ids {
    pub(crate) fn new(disk: Arc<dyn Disk>, folder: PathBuf, reserve_bytes: u64) -> Self {
        IdFiles::clear(&*disk, &folder);
        let (files, waiting) = (IdFiles::default(), VecDeque::new());
        Self {
            disk,
            folder,
            folder_made: false,
            reserve_bytes,
            reader: None,
            files,
            under_way: None,
            waiting,
        }
    }

    pub(crate) fn read_from(&mut self, reader: Reader) {
        self.reader = Some(reader);
    }

    /// Takes a full run to be written.
    pub(crate) fn keep(&mut self, run: Arc<IdRun>) {
        self.waiting.push_back(Work::Full(run));
    }

    /// Takes what a thread has done and starts what waits. The first record of a run that is found here from now on.
    pub(crate) fn poll(&mut self) -> Option<Position> {
        if let Some((work, thread)) = self.under_way.take_if(|(_, thread)| thread.is_finished()) {
            return self.done(&work, thread);
        }
        if self.under_way.is_none()
            && let Some(work) = self.waiting.pop_front()
        {
            self.start(work);
        }
        None
    }

    /// As [`Ids::poll`], but waits for what is under way.
    pub(crate) fn wait(&mut self) -> Option<Position> {
        if self.under_way.is_none() {
            // Nothing is done yet: this only starts what waits.
            self.poll();
        }
        let (work, thread) = self.under_way.take()?;
        self.done(&work, thread)
    }

    /// Whether something is under way or waits.
    pub(crate) fn busy(&self) -> bool {
        self.under_way.is_some() || !self.waiting.is_empty()
    }

    /// Whether runs come faster than they are written.
    pub(crate) fn behind(&self) -> bool {
        self.waiting.len() >= BEHIND_MAX
    }

    /// Notes that the run of the record at `position` named it for an id that is not its own.
    pub(crate) fn named_wrongly(&mut self, position: Position) {
        let (run, news) = self.files.named_wrongly(position);
        self.doubt(run, news);
    }

    fn doubt(&mut self, run: Position, news: bool) {
        if news && let Some(records) = self.files.records_of(run) {
            tracing::warn!(run = %run, "request ids in a file are damaged: they are read from the journal again");
            self.waiting.push_back(Work::Again(records));
            self.poll();
        }
    }

    fn start(&mut self, work: Work) {
        if !core::mem::replace(&mut self.folder_made, true)
            && let Err(error) = self.disk.create_folder(&self.folder)
        {
            self.folder_made = false;
            return self.failed(&work, &error);
        }
        let (disk, folder) = (Arc::clone(&self.disk), self.folder.clone());
        let (reader, reserve_bytes, job) = (self.reader.clone(), self.reserve_bytes, work.clone());
        let thread = std::thread::Builder::new().name("ids".to_owned());
        let started = thread.spawn(move || write(&*disk, &folder, reserve_bytes, reader.as_ref(), &job));
        match started {
            Ok(thread) => self.under_way = Some((work, thread)),
            Err(error) => self.failed(&work, &error),
        }
    }

    fn done(&mut self, work: &Work, thread: JoinHandle<io::Result<IdFile>>) -> Option<Position> {
        let written = thread.join().unwrap_or_else(|_| Err(io::Error::other("the thread panicked")));
        match written {
            Ok(file) => {
                let first = file.first();
                self.files.add(file);
                Some(first)
            }
            Err(error) => {
                self.failed(work, &error);
                None
            }
        }
    }

    fn failed(&mut self, work: &Work, error: &io::Error) {
        match work {
            Work::Full(run) => {
                tracing::warn!(run = %run.first(), %error, "request ids could not be written to a file: they stay in memory");
            }
            Work::Again(records) => {
                tracing::error!(run = records.start, %error, "request ids could not be read from the journal again");
                // Whoever asks next tries again.
                self.files.believe(Position::new(records.start));
            }
        }
    }
}

impl PastIds for Ids {
    fn find(&mut self, id: RequestId) -> Result<Option<Position>, Unavailable> {
        self.files.find(id).map_err(|(run, news)| {
            self.doubt(run, news);
            Unavailable
        })
    }
}

impl Drop for Ids {
    /// Nothing writes into the folder when the journal is closed.
    fn drop(&mut self) {
        self.waiting.clear();
        let _ = self.wait();
    }
}

fn write(
    disk: &dyn Disk,
    folder: &std::path::Path,
    reserve_bytes: u64,
    reader: Option<&Reader>,
    work: &Work,
) -> io::Result<IdFile> {
    if disk.free_space(folder)? < reserve_bytes {
        return Err(io::ErrorKind::StorageFull.into());
    }
    match work {
        Work::Full(run) => IdFile::write(disk, folder, run.first(), run.ids()),
        Work::Again(records) => {
            let mut ids = Vec::new();
            let wanted = usize::try_from(records.end - records.start).map_err(io::Error::other)?;
            let reader = reader.ok_or(io::ErrorKind::NotFound)?;
            let read = reader.read_from(Position::new(records.start), |_, record| {
                ids.extend(RecordView::parse(record).map(|record| record.header.request_id));
                ids.len() < wanted
            });
            read.map_err(io::Error::other)?;
            if ids.len() != wanted {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            IdFile::write(disk, folder, Position::new(records.start), &ids)
        }
    }
}
