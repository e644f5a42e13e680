//! The thread that decides.

use super::clock::{JournalClock, at, start_of};
use super::handle::{Answer, Answered, Answers, ReadAt, Request, SubmitError, service_urn};
use super::ids::Ids;
use super::sync_thread::{GroupJob, Release, Syncer, idle};
use engine::{Engine, Group, Now, Replay, Submitted};
use journal::{Digest, Domain, Instant, Position, house};
use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant as Monotonic};
use storage::{BlobStore, Reader};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

/// Once the open group has grown to this while a sync is in flight, jobs wait: storage has room for two of its largest
/// groups whenever it accepts writes.
const OPEN_BYTES_MAX: usize = journal::GROUP_BYTES_MAX;

/// A group of at most this size is synced by this thread.
const SMALL_BYTES: usize = 64 << 10;

/// How long the thread stays awake for the next job after it synced a group: a caller that sends one posting after the
/// other sends the next within this, and being woken costs about as much. Other threads go first.
const AWAKE: Duration = Duration::from_micros(50);

/// How often the ids of a time are read from the journal again before a command that falls due is given up.
const REBUILDS_MAX: u32 = 8;

/// How often the thread looks whether a new day has begun when nothing else wakes it.
const DAY_CHECK: Duration = Duration::from_millis(500);

/// A read: looks at the state, returns what to do once it is durable.
pub(crate) type ReadJob<S> = Box<dyn FnOnce(&S, &ReadAt) -> Box<dyn FnOnce() + Send> + Send>;

/// What the engine thread is asked to do.
pub(crate) enum Job<D: Domain> {
    Submit {
        requests: Vec<Request<D>>,
        reply: oneshot::Sender<Answers<D>>,
        permit: OwnedSemaphorePermit,
    },
    Answered {
        requests: Vec<Request<D>>,
        reply: oneshot::Sender<Answered<D>>,
        permit: OwnedSemaphorePermit,
    },
    Read(ReadJob<D::State>),
    AdvanceClock {
        to: Instant,
        caller: Arc<str>,
        reply: oneshot::Sender<Result<Instant, SubmitError>>,
    },
    Delivered(house::Delivered),
    /// The sync thread is free again.
    Synced,
    Stop,
}

pub(crate) struct EngineThread<D: Domain> {
    pub(crate) engine: Engine<D>,
    pub(crate) ids: Ids,
    pub(crate) clock: JournalClock,
    pub(crate) inbox: Receiver<Job<D>>,
    pub(crate) groups: SyncSender<GroupJob<D>>,
    pub(crate) syncer: Arc<Mutex<Syncer<D>>>,
    pub(crate) reader: Reader,
    pub(crate) blobs: Arc<BlobStore>,
    /// Whether reports are collected for an outbox.
    pub(crate) has_outbox: bool,
    pub(crate) pending: Pending<D>,
}

/// What goes out with the open group, and what is out already.
pub(crate) struct Pending<D: Domain> {
    releases: Vec<Release<D>>,
    reports: super::outbox::Reports<D>,
    in_flight: Option<Arc<Group>>,
    /// Releases that saw only records already in flight.
    after_sync: Vec<Release<D>>,
    backlog: VecDeque<Job<D>>,
    /// Whether this thread synced a group since it last waited.
    synced: bool,
    /// Whether a job came while the last group was synced.
    crowded: bool,
    stopping: bool,
}

impl<D: Domain> Default for Pending<D> {
    fn default() -> Self {
        Self {
            releases: Vec::new(),
            reports: Vec::new(),
            in_flight: None,
            after_sync: Vec::new(),
            backlog: VecDeque::new(),
            synced: false,
            crowded: false,
            stopping: false,
        }
    }
}

impl<D: Domain> EngineThread<D> {
    /// Runs until told to stop; what was decided by then is handed over first.
    pub(crate) fn run(mut self) {
        loop {
            if self.may_decide()
                && let Some(job) = self.pending.backlog.pop_front()
            {
                self.take(job);
                continue;
            }
            match self.inbox.try_recv() {
                Ok(job) => self.take(job),
                Err(TryRecvError::Empty) => {
                    if self.gathered() {
                        continue;
                    }
                    self.hand_over();
                    if self.may_decide() && !self.pending.backlog.is_empty() {
                        continue;
                    }
                    if self.finished() || !self.wait() {
                        return;
                    }
                }
                Err(TryRecvError::Disconnected) => return,
            }
        }
    }

    /// Lets others run once before a small group is synced, when jobs came during the last sync: on a busy machine their callers
    /// are about to send more, and one sync for all of them is cheaper. Whether one came.
    fn gathered(&mut self) -> bool {
        let open = self.engine.open_group();
        if !self.pending.crowded
            || self.pending.in_flight.is_some()
            || open.is_empty()
            || open.size() > SMALL_BYTES
        {
            return false;
        }
        std::thread::yield_now();
        let Ok(job) = self.inbox.try_recv() else { return false };
        self.take(job);
        true
    }

    /// Waits for the next job, looking at the calendar now and then. False when nobody can send one any more.
    fn wait(&mut self) -> bool {
        if core::mem::take(&mut self.pending.synced) {
            let began = Monotonic::now();
            while began.elapsed() < AWAKE {
                if let Ok(job) = self.inbox.try_recv() {
                    self.take(job);
                    return true;
                }
                std::thread::yield_now();
            }
        }
        match self.inbox.recv_timeout(DAY_CHECK) {
            Ok(job) => self.take(job),
            Err(RecvTimeoutError::Timeout) => self.roll_to(self.clock.now()),
            Err(RecvTimeoutError::Disconnected) => return false,
        }
        true
    }

    fn finished(&self) -> bool {
        self.pending.stopping
            && self.pending.in_flight.is_none()
            && self.engine.open_group().is_empty()
            && self.pending.backlog.is_empty()
    }

    /// Whether the open group may still grow.
    fn may_decide(&self) -> bool {
        self.pending.in_flight.is_none() || self.engine.open_group().size() < OPEN_BYTES_MAX
    }

    fn take(&mut self, job: Job<D>) {
        match job {
            Job::Synced => {
                self.pending.in_flight = None;
                for release in self.pending.after_sync.drain(..) {
                    release.go(None);
                }
                self.hand_over();
            }
            Job::Stop => self.pending.stopping = true,
            Job::Submit { .. }
            | Job::Answered { .. }
            | Job::Read(_)
            | Job::AdvanceClock { .. }
            | Job::Delivered(_)
                if !self.may_decide() =>
            {
                self.pending.backlog.push_back(job);
            }
            Job::Submit { requests, reply, permit } => {
                let now = self.clock.now();
                self.roll_to(now);
                let answers = requests.iter().map(|request| self.decide(now, request)).collect();
                self.keep_ids();
                drop(permit);
                self.release(Release::Answers { answers, reply });
            }
            Job::Answered { requests, reply, permit } => {
                let answers = requests.iter().map(|request| self.answered(request)).collect();
                drop(permit);
                self.release(Release::Call(Box::new(move || {
                    // Whoever asked may have gone away.
                    let _ = reply.send((requests, answers));
                })));
            }
            Job::Read(read) => {
                let now = self.clock.now();
                let at = ReadAt {
                    position: self.engine.next().previous(),
                    recorded_time: self.engine.last_time(),
                    business_date: now.business_date.max(self.engine.last_date()),
                    clock_time: now.time.max(self.engine.last_time()),
                };
                let go = read(self.engine.state(), &at);
                self.release(Release::Call(go));
            }
            Job::AdvanceClock { to, caller, reply } => {
                let shown = self.advance(to, &caller);
                self.release(Release::Call(Box::new(move || {
                    let _ = reply.send(shown);
                })));
            }
            Job::Delivered(delivered) => {
                let now = self.clock.now();
                let record = house::House::Delivered(delivered);
                self.house(now, &record, &service_urn(D::SERVICE));
            }
        }
    }

    /// Decides one request, or finds its first answer.
    fn decide(&mut self, now: Now, request: &Request<D>) -> Result<Answer<D>, SubmitError> {
        match self.engine.submit(now, request, &mut self.ids) {
            Ok(Submitted::Recorded(answer)) => {
                self.collect_reports(request, &answer);
                Ok(Answer {
                    position: answer.position,
                    recorded_time: answer.recorded_time,
                    business_date: answer.business_date,
                    outcome: answer.outcome,
                    replayed: false,
                    leaf: Digest::default(),
                })
            }
            Ok(Submitted::Seen(position)) => {
                let found = self.seen(position, request)?;
                found.ok_or_else(|| {
                    self.ids.named_wrongly(position);
                    SubmitError::Rebuilding
                })
            }
            Ok(Submitted::Unavailable) => Err(SubmitError::Rebuilding),
            Err(_) => Err(SubmitError::TooLarge),
        }
    }

    /// The answer that one request had, if it was asked before.
    fn answered(&mut self, request: &Request<D>) -> Result<Option<Answer<D>>, SubmitError> {
        match self.engine.seen(request.request_id, &mut self.ids) {
            Ok(Some(position)) => self.seen(position, request),
            Ok(None) => Ok(None),
            Err(engine::Unavailable) => Err(SubmitError::Rebuilding),
        }
    }

    /// Hands full runs of ids on to be written, and forgets those that are.
    fn keep_ids(&mut self) {
        while let Some(run) = self.engine.sealed_ids() {
            self.ids.keep(run);
        }
        if let Some(first) = self.ids.poll() {
            self.engine.forget_ids(first);
        }
    }

    /// Decides what is due, however long its id takes to be found.
    fn decide_due(&mut self, now: Now, request: &Request<D>) -> Result<Answer<D>, SubmitError> {
        for _ in 0..REBUILDS_MAX {
            match self.decide(now, request) {
                Err(SubmitError::Rebuilding) => {
                    if let Some(first) = self.ids.wait() {
                        self.engine.forget_ids(first);
                    }
                }
                decided => return decided,
            }
        }
        // The begin of the day is not durable yet: the next start reads all ids and records it whole.
        tracing::error!(
            "whether a command that falls due was recorded cannot be found out: the process ends"
        );
        std::process::abort();
    }

    /// The answer that the record at `position` gives to `request`; `None` when it is another id's.
    fn seen(&self, position: Position, request: &Request<D>) -> Result<Option<Answer<D>>, SubmitError> {
        let in_memory = self
            .engine
            .open_group()
            .record(position)
            .or_else(|| self.pending.in_flight.as_deref().and_then(|group| group.record(position)));
        let stored;
        let record = match in_memory {
            Some(record) => record,
            None => {
                stored = match self.reader.read(position) {
                    Ok(Some(record)) => record,
                    Err(storage::ReadError::Archived { .. }) => return Err(SubmitError::Archived),
                    Ok(None) | Err(_) => return Err(SubmitError::Stopped),
                };
                &stored
            }
        };
        match self.engine.replay(record, request, &*self.blobs).map_err(|_| SubmitError::Stopped)? {
            Replay::Another => Ok(None),
            Replay::Differs { field, position } => Err(SubmitError::Reused { field, position }),
            Replay::Same(answer) => Ok(Some(Answer {
                position: answer.position,
                recorded_time: answer.recorded_time,
                business_date: answer.business_date,
                outcome: answer.outcome,
                replayed: true,
                leaf: journal::leaf_hash(record),
            })),
        }
    }

    fn collect_reports(&mut self, request: &Request<D>, answer: &engine::Answer<D::Event, D::Refusal>) {
        if !self.has_outbox {
            return;
        }
        let Ok(events) = answer.result() else { return };
        let moment = journal::Moment {
            position: answer.position,
            recorded_time: answer.recorded_time,
            business_date: answer.business_date,
            request_id: request.request_id,
            caller: Position::FIRST,
        };
        let mut reports = Vec::new();
        for event in events {
            D::reports(&moment, &request.command, event, &mut reports);
        }
        self.pending.reports.extend(reports.into_iter().map(|report| (answer.position, report)));
    }

    /// Moves a sandbox's clock.
    fn advance(&mut self, to: Instant, caller: &Arc<str>) -> Result<Instant, SubmitError> {
        if to > self.clock.time() {
            self.roll_to(at(to));
            self.house(at(to), &house::House::ClockAdvanced(house::ClockAdvanced { to }), caller);
            self.clock = JournalClock::sandbox(to);
        }
        Ok(self.clock.time())
    }

    /// Records each day that has begun by now, in order, with the commands that fall due on it.
    fn roll_to(&mut self, Now { time, business_date: today }: Now) {
        let mut day = match self.engine.rolled() {
            Some(rolled) => rolled.plus(1),
            None => today,
        };
        let urn = service_urn(D::SERVICE);
        while day <= today {
            let now = Now { time: start_of(day).min(time), business_date: day };
            self.house(now, &house::House::DayRolled(house::DayRolled { day }), &urn);
            let due = D::day_roll(self.engine.state(), day);
            let tag = self.system_tag();
            for (index, command) in (0u32..).zip(due) {
                let mut content = Vec::new();
                content.extend_from_slice(&day.get().to_le_bytes());
                content.extend_from_slice(&index.to_le_bytes());
                let request = engine::Request {
                    request_id: engine::day_roll_id(tag, D::SERVICE, day, index),
                    fingerprint: journal::fingerprint(&content),
                    caller: Arc::clone(&urn),
                    cause: None,
                    command,
                };
                if let Err(error) = self.decide_due(now, &request) {
                    tracing::error!(%day, index, %error, "a command that fell due could not be recorded");
                }
            }
            day = day.plus(1);
        }
    }

    fn system_tag(&self) -> journal::SystemTag {
        self.engine.system()
    }

    fn house(&mut self, now: Now, record: &house::House, caller: &Arc<str>) {
        if let Err(error) = self.engine.record_house(now, record, caller) {
            // Its own records are small; one that does not fit is a defect, and going on would hide it.
            tracing::error!(%error, "the engine could not record its own record");
            std::process::abort();
        }
    }

    /// Lets `release` go once everything decided so far is durable.
    fn release(&mut self, release: Release<D>) {
        if !self.engine.open_group().is_empty() {
            self.pending.releases.push(release);
        } else if self.pending.in_flight.is_some() {
            self.pending.after_sync.push(release);
        } else {
            release.go(None);
        }
    }

    /// Hands the open group to the sync thread when that is free.
    fn hand_over(&mut self) {
        if self.pending.in_flight.is_some() || self.engine.open_group().is_empty() {
            return;
        }
        let group = Arc::new(self.engine.take_group());
        let job = GroupJob {
            group: Arc::clone(&group),
            releases: core::mem::take(&mut self.pending.releases),
            reports: core::mem::take(&mut self.pending.reports),
        };
        if group.size() <= SMALL_BYTES
            && let Some(mut syncer) = idle(&self.syncer)
        {
            syncer.make_durable(job);
            drop(syncer);
            self.pending.synced = true;
            let came = self.inbox.try_recv();
            self.pending.crowded = came.is_ok();
            self.pending.backlog.extend(came);
            return;
        }
        self.pending.in_flight = Some(group);
        if self.groups.send(job).is_err() {
            // The sync thread only goes away by ending the process.
            std::process::abort();
        }
    }
}
