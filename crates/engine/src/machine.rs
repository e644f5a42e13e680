//! The state machine.

use crate::{
    Group,
    index::{IdRun, PastIds, RUN_IDS, RequestIndex, Unavailable},
};
use core::fmt;
use hashbrown::HashMap;
use journal::{
    Blobs, Cause, Day, DecodeError, Domain, Events, Fingerprint, Header, HeaderError, Instant, Moment,
    Outcome, Position, RecordView, RequestId, SystemName, SystemTag, derived_request_id, house,
};
use std::sync::Arc;

/// The time that the driver's clock shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// The instant. The engine raises it to the last recorded time, so that time never goes back in a journal.
    pub time: Instant,
    /// The business date (the civil date in London).
    pub business_date: Day,
}

/// One attempt of one command.
#[derive(Debug, Clone)]
pub struct Request<C> {
    /// The attempt's id.
    pub request_id: RequestId,
    /// The content that the caller sent, after pseudonymisation and before the adapter added anything.
    pub fingerprint: Fingerprint,
    /// Who called this service, as its URN.
    pub caller: Arc<str>,
    /// The record in another journal that it follows from.
    pub cause: Option<Cause>,
    /// What is asked.
    pub command: C,
}

/// What became of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer<E, R> {
    /// The record that holds it.
    pub position: Position,
    /// When it was recorded.
    pub recorded_time: Instant,
    /// The business date on which it was recorded.
    pub business_date: Day,
    /// Done, or refused and why.
    pub outcome: Outcome<E, R>,
    /// Whether this is the answer of an earlier attempt with the same id and content.
    pub replayed: bool,
}

/// What [`Engine::submit`] did.
#[derive(Debug)]
pub enum Submitted<D: Domain> {
    /// A record was appended to the open group and the state has changed.
    Recorded(Answer<D::Event, D::Refusal>),
    /// This record holds the answer already: fetch it and call [`Engine::replay`].
    Seen(Position),
    /// Whether the id was answered cannot be said just now: nothing was done.
    Unavailable,
}

/// What a record that was found under an id says of a request.
#[derive(Debug)]
pub enum Replay<D: Domain> {
    /// The same id and content: the first answer.
    Same(Answer<D::Event, D::Refusal>),
    /// The same id with other content.
    Differs {
        /// The first field that differs.
        field: &'static str,
        /// The record that took the id.
        position: Position,
    },
    /// The record is another id's: whoever said that it stands there is wrong, and nothing is known of the request.
    Another,
}

/// A command cannot become a record.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The record would be too large, or is not one.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// A record does not decode.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

/// One journal's state machine.
pub struct Engine<D: Domain> {
    pub(crate) state: D::State,
    pub(crate) system: SystemTag,
    pub(crate) opened: Option<house::Opened>,
    pub(crate) last_time: Instant,
    pub(crate) last_date: Day,
    pub(crate) callers: HashMap<Arc<str>, Position>,
    pub(crate) names: HashMap<Position, Arc<str>>,
    pub(crate) ids: RequestIndex,
    pub(crate) group: Group,
    pub(crate) rolled: Option<Day>,
    pub(crate) clock_set: Option<Instant>,
    /// Every report of the records up to here is answered.
    pub(crate) delivered: Option<Position>,
    body: Vec<u8>,
}

impl<D: Domain> fmt::Debug for Engine<D> {
    /// Where it stands; never what it holds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("service", &D::SERVICE)
            .field("next", &self.next())
            .finish_non_exhaustive()
    }
}

impl<D: Domain> Engine<D> {
    /// An engine for an empty journal of `system`. The first record to give it is [`house::Opened`].
    #[must_use]
    pub fn new(system: &SystemName) -> Self {
        Self {
            state: D::State::default(),
            system: system.tag(),
            opened: None,
            last_time: Instant::from_micros(0),
            last_date: Day::new(i32::MIN),
            callers: HashMap::new(),
            names: HashMap::new(),
            ids: RequestIndex::new(Position::FIRST, RUN_IDS, true),
            group: Group::new(Position::FIRST),
            rolled: None,
            clock_set: None,
            delivered: None,
            body: Vec::new(),
        }
    }

    /// The state, after every record so far, durable or not.
    #[must_use]
    pub const fn state(&self) -> &D::State {
        &self.state
    }

    /// The tag of the system whose journal it is.
    #[must_use]
    pub const fn system(&self) -> SystemTag {
        self.system
    }

    /// The position that the next record will take.
    #[must_use]
    pub fn next(&self) -> Position {
        self.group.next()
    }

    /// The time of the last record.
    #[must_use]
    pub const fn last_time(&self) -> Instant {
        self.last_time
    }

    /// The business date of the last record; before the first record, the earliest day there is.
    #[must_use]
    pub const fn last_date(&self) -> Day {
        self.last_date
    }

    /// Whose journal this is, once its first record is there.
    #[must_use]
    pub const fn opened(&self) -> Option<&house::Opened> {
        self.opened.as_ref()
    }

    /// The last day whose begin is recorded.
    #[must_use]
    pub const fn rolled(&self) -> Option<Day> {
        self.rolled
    }

    /// Where a sandbox's clock was last set to.
    #[must_use]
    pub const fn clock_set(&self) -> Option<Instant> {
        self.clock_set
    }

    /// The caller named by the record at `position`.
    #[must_use]
    pub fn caller(&self, position: Position) -> Option<&Arc<str>> {
        self.names.get(&position)
    }

    /// The records decided since the last group was taken.
    #[must_use]
    pub const fn open_group(&self) -> &Group {
        &self.group
    }

    /// Takes the open group for writing and starts the next one.
    pub fn take_group(&mut self) -> Group {
        let next = Group::new(self.group.next());
        core::mem::replace(&mut self.group, next)
    }

    /// A run of ids to be kept elsewhere, the oldest first; each is given once. It is remembered here as well, until
    /// [`Engine::forget_ids`].
    pub fn sealed_ids(&mut self) -> Option<Arc<IdRun>> {
        self.ids.give()
    }

    /// Forgets the run of ids that begins with the record at `first`: from now on `past` answers for it.
    pub fn forget_ids(&mut self, first: Position) {
        self.ids.forget(first);
    }

    /// The record that answered `id`, if one did. `past` as in [`Engine::submit`].
    pub fn seen(&self, id: RequestId, past: &mut dyn PastIds) -> Result<Option<Position>, Unavailable> {
        match self.ids.find(id) {
            Some(position) => Ok(Some(position)),
            None => past.find(id),
        }
    }

    /// Decides one attempt. `past` knows the ids of the runs that were taken away by [`Engine::sealed_ids`].
    ///
    /// Errors when the record would be too large; nothing is changed then.
    pub fn submit(
        &mut self,
        now: Now,
        request: &Request<D::Command>,
        past: &mut dyn PastIds,
    ) -> Result<Submitted<D>, EngineError> {
        match self.seen(request.request_id, past) {
            Ok(None) => {}
            Ok(Some(position)) => return Ok(Submitted::Seen(position)),
            Err(Unavailable) => return Ok(Submitted::Unavailable),
        }
        let caller = self.caller_number(now, &request.caller)?;
        let moment = self.moment(now, request.request_id, caller);
        let outcome = match D::decide(&self.state, &moment, &request.command) {
            Ok(events) => Outcome::Accepted(events),
            Err(refusal) => Outcome::Refused(refusal),
        };
        let mut body = core::mem::take(&mut self.body);
        body.clear();
        D::encode(&request.command, &outcome, &mut body);
        let header = self.header(D::kind(&request.command), &moment, request.cause, request.fingerprint);
        let appended = self.group.append(|out| header.write_record(&body, out));
        self.body = body;
        appended?;
        self.note(&moment);
        if let Outcome::Accepted(events) = &outcome {
            for event in events {
                D::apply(&mut self.state, &moment, &request.command, event);
            }
        }
        let Moment { position, recorded_time, business_date, .. } = moment;
        Ok(Submitted::Recorded(Answer { position, recorded_time, business_date, outcome, replayed: false }))
    }

    /// Compares a request with the record found under its id.
    pub fn replay(
        &self,
        record: &[u8],
        request: &Request<D::Command>,
        blobs: &dyn Blobs,
    ) -> Result<Replay<D>, EngineError> {
        let view = RecordView::parse(record)?;
        let header = view.header;
        if header.request_id != request.request_id {
            return Ok(Replay::Another);
        }
        if header.kind.is_house() {
            return Ok(Replay::Differs { field: "request_id", position: header.position });
        }
        let (recorded, outcome) = D::decode(header.kind, view.body, blobs)?;
        if header.fingerprint != request.fingerprint {
            let same_kind = header.kind == D::kind(&request.command);
            let field =
                if same_kind { D::differing_field(&recorded, &request.command) } else { "request_id" };
            return Ok(Replay::Differs { field, position: header.position });
        }
        Ok(Replay::Same(Answer {
            position: header.position,
            recorded_time: header.recorded_time,
            business_date: header.business_date,
            outcome,
            replayed: true,
        }))
    }

    /// Appends one of the engine's own records and applies it. Its id is derived from its kind and position.
    pub fn record_house(
        &mut self,
        now: Now,
        record: &house::House,
        caller: &Arc<str>,
    ) -> Result<Position, EngineError> {
        let named = match record {
            house::House::CallerNamed(_) | house::House::Opened(_) => self.next(),
            house::House::ClockAdvanced(_)
            | house::House::Delivered(_)
            | house::House::DayRolled(_)
            | house::House::KeyRotated(_) => self.caller_number(now, caller)?,
        };
        self.append_house(now, record, named)
    }

    fn append_house(
        &mut self,
        now: Now,
        record: &house::House,
        caller: Position,
    ) -> Result<Position, EngineError> {
        let mut body = Vec::new();
        record.encode(&mut body);
        let mut now = now;
        if let house::House::ClockAdvanced(clock) = record {
            now.time = now.time.max(clock.to);
        }
        let request_id = self.house_id(now);
        let moment = self.moment(now, request_id, caller);
        let header = self.header(record.kind(), &moment, None, journal::fingerprint(&body));
        self.group.append(|out| header.write_record(&body, out))?;
        self.note(&moment);
        self.apply_house(&moment, record);
        Ok(moment.position)
    }

    pub(crate) fn apply_house(&mut self, moment: &Moment, record: &house::House) {
        match record {
            house::House::Opened(opened) => self.opened = Some(opened.clone()),
            house::House::CallerNamed(named) => {
                let urn: Arc<str> = named.urn.as_str().into();
                self.callers.insert(Arc::clone(&urn), moment.position);
                self.names.insert(moment.position, urn);
            }
            house::House::ClockAdvanced(clock) => self.clock_set = Some(clock.to),
            house::House::DayRolled(day) => self.rolled = Some(day.day),
            house::House::Delivered(delivered) => self.delivered = Some(delivered.through),
            // Whose key signs is no matter of decisions.
            house::House::KeyRotated(_) => {}
        }
    }

    /// The number of the caller `urn`, named by a record of its own at first sight.
    fn caller_number(&mut self, now: Now, urn: &Arc<str>) -> Result<Position, EngineError> {
        if let Some(position) = self.callers.get(urn) {
            return Ok(*position);
        }
        let record = house::House::CallerNamed(house::CallerNamed { urn: urn.to_string() });
        let next = self.next();
        self.append_house(now, &record, next)
    }

    fn moment(&self, now: Now, request_id: RequestId, caller: Position) -> Moment {
        Moment {
            position: self.next(),
            recorded_time: now.time.max(self.last_time),
            business_date: now.business_date.max(self.last_date),
            request_id,
            caller,
        }
    }

    fn header(
        &self,
        kind: journal::Kind,
        moment: &Moment,
        cause: Option<Cause>,
        fingerprint: Fingerprint,
    ) -> Header {
        Header {
            kind,
            system: self.system,
            position: moment.position,
            recorded_time: moment.recorded_time,
            business_date: moment.business_date,
            cause,
            request_id: moment.request_id,
            fingerprint,
            caller: moment.caller,
        }
    }

    /// Notes a record that was just appended or replayed.
    pub(crate) fn note(&mut self, moment: &Moment) {
        self.last_time = moment.recorded_time;
        self.last_date = moment.business_date;
        self.ids.push(moment.request_id);
    }

    /// An id for the engine's own record: derived from the journal and the position, at the recorded millisecond.
    fn house_id(&self, now: Now) -> RequestId {
        let cause = timed_id(now.time.max(self.last_time), self.system);
        derived_request_id("house", cause, &self.next().get().to_be_bytes())
    }
}

/// A version 8 id that stands for `system` at `time`, from which others are derived.
fn timed_id(time: Instant, system: SystemTag) -> RequestId {
    let millisecond = time.micros().max(0).unsigned_abs() / 1_000;
    let [_, _, a, b, c, d, e, f] = millisecond.to_be_bytes();
    let [s, rest @ ..] = system.0;
    let mut bytes = [a, b, c, d, e, f, 0x80, 0, (s & 0x3f) | 0x80, 0, 0, 0, 0, 0, 0, 0];
    bytes[9..].copy_from_slice(&rest);
    RequestId::from_bytes(bytes).unwrap_or_else(|_| unreachable!("version 8 stands in the seventh byte"))
}

/// The id of the `index`-th command that falls due when `day` begins; the same however often it is computed.
#[must_use]
pub fn day_roll_id(system: SystemTag, service: journal::Service, day: Day, index: u32) -> RequestId {
    let cause = timed_id(Instant::start_of(day), system);
    let mut purpose = service.number().to_be_bytes().to_vec();
    purpose.extend_from_slice(&index.to_be_bytes());
    derived_request_id("day-roll", cause, &purpose)
}

/// The events of an answer, or none when it was refused.
impl<E, R> Answer<E, R> {
    /// The events, or the refusal.
    pub fn result(&self) -> Result<&Events<E>, &R> {
        match &self.outcome {
            Outcome::Accepted(events) => Ok(events),
            Outcome::Refused(refusal) => Err(refusal),
        }
    }
}
