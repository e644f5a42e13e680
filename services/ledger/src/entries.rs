//! Entries: one, and listed.

use crate::{
    Adapter,
    index::{self, Cut, IndexError, List, Said, Source},
    past::{blocking, last_by},
    read::{as_of, below},
};
use journal::{AccountNumber, Cause, Day, Header, Instant, Item, Position};
use ledger::{Ledger, Leg, NodePath, Posted, Posting, WindowUse};
use nhs::Period;
use proto::ledger::v1;
use server::journals::{Handle, ReadAt, ReadError};
use tonic::Status;
use wire::{
    Cursor, Fields,
    ledger::{self as convert, Filter, Missing},
    status,
};

/// The most records that one page looks through, so that what is rare costs several short calls and never a long one.
const LOOKED_MAX: usize = 20_000;

/// An entry as its record holds it.
pub(crate) struct Found {
    pub(crate) header: Header,
    index: u16,
    pub(crate) posting: Posting,
    posted: Posted,
    reason: String,
    proposer: Option<Position>,
}

impl Found {
    pub(crate) const fn name(&self) -> Item {
        Item { position: self.header.position, index: self.index }
    }

    pub(crate) const fn parts(&self) -> (&Posting, &Posted) {
        (&self.posting, &self.posted)
    }

    fn message(&self, reversed_by: Option<Item>, corrected_by: &[Item]) -> v1::Entry {
        wire::ledger::entry(&wire::ledger::EntryOf {
            header: &self.header,
            index: self.index,
            posting: &self.posting,
            posted: &self.posted,
            reason: &self.reason,
            proposer: self.proposer,
            reversed_by,
            corrected_by,
        })
    }
}

pub(crate) fn found_in(record: &[u8]) -> Vec<Found> {
    let Some(read) = index::read(record) else { return Vec::new() };
    let header = read.header;
    let Said::Entries(entries) = read.said else { return Vec::new() };
    let found = entries.into_iter().map(|entry| {
        let index::Entry { index, posting, posted, reason, proposer } = entry;
        Found { header, index, posting, posted, reason, proposer }
    });
    found.collect()
}

/// The entry of that name.
pub(crate) fn find(handle: &Handle<Ledger>, name: Item) -> Result<Found, Status> {
    let record = handle.record(name.position)?;
    let found = record.map(|record| found_in(&record)).unwrap_or_default();
    let missing = Missing::Entry { position: name.position.get(), index: name.index.into() };
    found.into_iter().find(|entry| entry.index == name.index).ok_or_else(|| status::refusal(&missing))
}

/// Entries as messages, with their reversals and corrections as far as the state knows them.
pub(crate) async fn messages(
    handle: &Handle<Ledger>,
    found: Vec<Found>,
) -> Result<(Vec<v1::Entry>, ReadAt), Status> {
    let names: Vec<Item> = found.iter().map(Found::name).collect();
    let read = handle.read(None, move |state, at| {
        let linked = |name: &Item| (state.reversal_of(*name), state.corrections_of(*name).to_vec());
        let linked: Vec<(Option<Item>, Vec<Item>)> = names.iter().map(linked).collect();
        (linked, *at)
    });
    let (linked, at) = read.await?;
    let message = |(entry, (reversed_by, corrected_by)): (&Found, &(Option<Item>, Vec<Item>))| {
        entry.message(*reversed_by, corrected_by)
    };
    let entries = found.iter().zip(&linked).map(message).collect();
    Ok((entries, at))
}

/// Which entries a listing is of, besides its filter.
#[derive(Debug, Clone)]
enum Of {
    All,
    Account(Position),
    Below(NodePath),
    Cause(Cause),
    Reference(String),
}

/// What an entry of the records looked at must still match.
#[derive(Debug, Clone)]
struct Match {
    of: Of,
    /// The accounts of a node, in their order.
    below: Vec<AccountNumber>,
    filter: Filter,
    caller: Option<Position>,
    /// The business date now: no entry is accounted for later.
    today: Day,
}

/// The most accounts of a node, and the most months of a range, whose own lists are read; of more, all entries are looked at.
const LISTS_MAX: usize = 120;

/// Whether `day` lies in a range whose ends may be open.
fn within(day: Day, (first, last): (Option<Day>, Option<Day>)) -> bool {
    first.is_none_or(|first| first <= day) && last.is_none_or(|last| day <= last)
}

/// The months of a range of days up to `today`; none when they are too many, or where the range begins is not said.
fn months((first, last): (Option<Day>, Option<Day>), today: Day) -> Vec<Period> {
    let Some(first) = first else { return Vec::new() };
    let last = last.map_or(today, |last| last.min(today));
    let months = core::iter::successors(Period::of(first.date()).ok(), |month| month.next());
    let months: Vec<Period> =
        months.take_while(|month| Day::from(month.first_day()) <= last).take(LISTS_MAX + 1).collect();
    if months.len() > LISTS_MAX { Vec::new() } else { months }
}

impl Match {
    fn fits(&self, entry: &Found) -> bool {
        let (posting, posted) = entry.parts();
        let of = match &self.of {
            Of::All => true,
            Of::Account(account) => touches(posting, |touched| touched == *account),
            Of::Below(_) => touches(posting, |touched| self.below.binary_search(&touched).is_ok()),
            Of::Cause(cause) => entry.header.cause == Some(*cause),
            Of::Reference(reference) => posting.reference.as_ref() == Some(reference),
        };
        let Filter {
            period,
            kind,
            caller: _,
            amount: (least, most),
            recorded: _,
            accounting,
            effective,
            money_only,
            paying_only,
        } = &self.filter;
        let pays = |leg: &Leg| matches!(leg.window, Some(WindowUse::Pays(_)));
        of && within(posted.accounting_date, *accounting)
            && within(posting.effective_date, *effective)
            && !(*money_only && posting.legs.is_empty())
            && (!*paying_only || posting.legs.iter().any(pays))
            && kind.is_none_or(|kind| posting.kind == kind)
            && period.is_none_or(|period| index::month(posted) == Some(period))
            && self.caller.is_none_or(|caller| entry.header.caller == caller)
            && (*least..=*most).contains(&index::amount(posting, posted))
    }

    /// Where the records to look at come from.
    fn source(&self, through: Position) -> Source {
        let mut each = Vec::new();
        match &self.of {
            Of::All => {}
            Of::Account(account) => each.push(Source::Account(*account, Cut::through(through))),
            Of::Below(_) if self.below.len() > LISTS_MAX => {}
            Of::Below(_) => {
                let account = |account: &AccountNumber| Source::Account(*account, Cut::through(through));
                each.push(Source::Any(self.below.iter().map(account).collect()));
            }
            Of::Cause(cause) => each.push(Source::List(List::cause(*cause))),
            Of::Reference(reference) => each.push(Source::List(List::reference(reference))),
        }
        let Filter { period, kind, amount: (least, most), accounting, .. } = &self.filter;
        let months = months(*accounting, self.today);
        if period.is_none() && !months.is_empty() {
            each.push(Source::Any(
                months.into_iter().map(|month| Source::List(List::period(month))).collect(),
            ));
        }
        each.extend(kind.map(|kind| Source::List(List::kind(kind))));
        each.extend(period.map(|period| Source::List(List::period(period))));
        each.extend(self.caller.map(|caller| Source::List(List::caller(caller))));
        if *least > 0 || *most < i64::MAX {
            let lists = List::amounts(*least, *most);
            each.push(Source::Any(lists.into_iter().map(Source::List).collect()));
        }
        if each.is_empty() { Source::All } else { Source::Each(each) }
    }
}

/// Whether an entry has a leg on such an account, or a hold placed on one.
fn touches(posting: &Posting, such: impl Fn(AccountNumber) -> bool) -> bool {
    let legs = posting.legs.iter().any(|leg| such(leg.account));
    legs || posting.holds.iter().any(|hold| match hold {
        ledger::HoldAction::Place { account: on, .. } => such(*on),
        ledger::HoldAction::Capture { .. } | ledger::HoldAction::Release { .. } => false,
    })
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
        let filter = convert::filter(&mut fields, &request);
        let v1::ListEntriesRequest { system, of, .. } = request;
        let system = fields.system("system", &system);
        let of = which(&mut fields, of);
        let (system, of, filter, page) = fields.known((system, of, filter, page))?;
        let handle = self.journal(&system).await?;
        let asked = of.clone();
        let read = handle.read(min_position.map(Position::new), move |state, at| {
            let below = match asked {
                Of::Account(account) => state
                    .account(account)
                    .map(|_| Vec::new())
                    .ok_or_else(|| Missing::Account(account.to_string())),
                Of::Below(node) => {
                    let accounts =
                        state.accounts_after(None).filter(|account| below(Some(node.as_str()), account.path));
                    let mut accounts: Vec<AccountNumber> = accounts.map(|account| account.number).collect();
                    accounts.sort_unstable();
                    if accounts.is_empty() {
                        Err(Missing::Node(node.as_str().to_owned()))
                    } else {
                        Ok(accounts)
                    }
                }
                Of::All | Of::Cause(_) | Of::Reference(_) => Ok(Vec::new()),
            };
            (below, *at)
        });
        let (below, at) = read.await?;
        let below = below.map_err(|missing| status::refusal(&missing))?;
        let today = at.business_date;
        let through = page.cursor.as_ref().map(|cursor| cursor.position).or(at.position);
        let after = page.cursor.as_ref().and_then(|cursor| decode_key(&cursor.last));
        let (indexes, reader, size) = (self.indexes.of(&handle), handle.clone(), page.size);
        let collected = blocking(move || {
            let Some(through) = through else { return Ok(Collect::default()) };
            let caller = caller_of(&indexes, &reader, filter.caller.as_deref())?;
            let range = positions(&reader, filter.recorded, through)?;
            let matching = Match { of, below, filter, caller, today };
            Ok::<_, Status>(collect(&indexes, &reader, &matching, range, after, size)?)
        });
        let Collect { mut found, stopped, .. } = collected.await?;
        let more = found.len() > size;
        found.truncate(size);
        let last = found.last().map(Found::name).filter(|_| more);
        let last = last.or_else(|| stopped.map(|position| Item { position, index: u16::MAX }));
        let next = last.map(|last| Cursor { position: through.unwrap_or_default(), last: encode_key(last) });
        let (entries, at) = messages(&handle, found).await?;
        Ok(v1::ListEntriesResponse {
            entries,
            page: Some(self.page_key.response(&page, next.as_ref())),
            as_of: Some(as_of(&at)),
        })
    }
}

/// The record that names a caller, when one is asked for.
fn caller_of(
    index: &index::Index,
    handle: &Handle<Ledger>,
    urn: Option<&str>,
) -> Result<Option<Position>, Status> {
    let Some(urn) = urn else { return Ok(None) };
    let found = index.caller(handle, urn)?;
    found.map(Some).ok_or_else(|| status::refusal(&Missing::Caller(urn.to_owned())))
}

/// The first and the last record of what was recorded in a range of time, up to `through`; `None` when there is none.
fn positions(
    handle: &Handle<Ledger>,
    (from, before): (Option<Instant>, Option<Instant>),
    through: Position,
) -> Result<Option<(Position, Position)>, ReadError> {
    // Time counts in microseconds: what is recorded before an instant is recorded by the microsecond before it.
    let by = |time: Instant| last_by(handle, Instant::from_micros(time.micros().saturating_sub(1)), through);
    let first = match from {
        None => Position::FIRST,
        Some(from) => by(from)?.map_or(Position::FIRST, Position::next),
    };
    let last = match before {
        None => Some(through),
        Some(before) => by(before)?,
    };
    Ok(last.filter(|last| first <= *last).map(|last| (first, last)))
}

fn which(fields: &mut Fields, of: Option<v1::list_entries_request::Of>) -> Option<Of> {
    use v1::list_entries_request::Of as Asked;
    match of {
        None => Some(Of::All),
        Some(Asked::Account(number)) => Some(Of::Account(Position::new(number))),
        Some(Asked::Node(node)) => fields.parse("node", &node).map(Of::Below),
        Some(Asked::Cause(cause)) => {
            let cause = wire::common::cause_from(&cause);
            if cause.is_none() {
                fields.refuse("cause.service", "FIELD_INVALID", "it must be the name of a service");
            }
            cause.map(Of::Cause)
        }
        Some(Asked::Reference(reference)) => {
            let reference = fields.text("reference", &reference, ledger::REFERENCE_BYTES_MAX)?;
            Some(Of::Reference(reference.to_owned()))
        }
    }
}

/// One page in the making.
#[derive(Default)]
struct Collect {
    /// One more than the page holds, when there are more.
    found: Vec<Found>,
    looked: usize,
    /// The last record looked at, when that was enough for one page.
    stopped: Option<Position>,
}

/// The entries of records `range` that match and follow `after`: one more than `size`, or as many as there are in the records
/// that one page may look through.
fn collect(
    index: &index::Index,
    handle: &Handle<Ledger>,
    matching: &Match,
    range: Option<(Position, Position)>,
    after: Option<Item>,
    size: usize,
) -> Result<Collect, IndexError> {
    let Some((first, last)) = range else { return Ok(Collect::default()) };
    let from = after.map_or(first, |after| first.max(after.position));
    index.select(handle, &matching.source(last), from, &Collect::default, &|page, position| {
        if position > last {
            return Ok(false);
        }
        let record = handle.record(position)?;
        for entry in record.map(|record| found_in(&record)).unwrap_or_default() {
            let listed = after.is_some_and(|after| entry.name() <= after);
            if !listed && page.found.len() <= size && matching.fits(&entry) {
                page.found.push(entry);
            }
        }
        page.looked += 1;
        let enough = page.looked >= LOOKED_MAX;
        page.stopped = Some(position).filter(|_| enough && position < last);
        Ok(!enough && page.found.len() <= size)
    })
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
