//! The two functions that are the whole machine.

use crate::{
    ApproveProposal, Command, Content, Event, HOLIDAYS_MAX, Known, Pending, PriceBook, ROWS_MAX, Refusal,
    RegisterDistricts, RegisterMarketForces, RegisterOrganisations, RegisterPractices, RegisterSites,
    RegisterSystem, SetCalendar, SetPaymentChannels, State, WithdrawProposal,
    check::{self, Bodies as _, PROVIDERS},
    codec, table,
};
use journal::{Blobs, Day, DecodeError, Domain, Events, Instant, Kind, Moment, Outcome, Service, SystemName};
use nhs::OdsCode;
use reference::{Contract, Organisation, Role, System};
use smallvec::smallvec;
use std::collections::BTreeMap;

/// The most proposals that wait at once: more than two people could look at.
const PENDING_MAX: usize = 500;

/// The registry as a domain.
#[derive(Debug, Clone, Copy)]
pub struct Registry;

impl Domain for Registry {
    const SERVICE: Service = Service::Registry;
    type State = State;
    type Command = Command;
    type Event = Event;
    type Refusal = Refusal;
    type Report = ();

    fn kind(command: &Command) -> Kind {
        codec::kind(command)
    }

    fn decide(state: &State, at: &Moment, command: &Command) -> Result<Events<Event>, Refusal> {
        decide(state, at, command).map(|event| smallvec![event])
    }

    fn apply(state: &mut State, at: &Moment, command: &Command, event: &Event) {
        if let Event::Registered { changed: 1.. } | Event::Approved { changed: 1.., .. } = event {
            state.changed_at = Some(at.position);
        }
        match (command, event) {
            (Command::Propose(propose), Event::Proposed { digest }) => {
                let proposal = access::Proposal { digest: *digest, proposer: at.caller };
                let (content, proposed_time) = (propose.content.clone(), at.recorded_time);
                state.pending.insert(at.position, Pending { proposal, content, proposed_time });
            }
            (Command::ApproveProposal(approve), Event::Approved { .. }) => {
                if let Some(pending) = state.pending.remove(&approve.proposal) {
                    put_content(state, &pending.content);
                }
            }
            (Command::WithdrawProposal(withdraw), Event::Withdrawn) => {
                state.pending.remove(&withdraw.proposal);
            }
            (command, Event::Registered { .. }) => put_rows(state, command),
            // decide pairs each command with its own event; another pair is not one that a journal holds.
            (_, Event::Proposed { .. } | Event::Approved { .. } | Event::Withdrawn) => {}
        }
    }

    fn encode(command: &Command, outcome: &Outcome<Event, Refusal>, body: &mut Vec<u8>) {
        codec::encode(command, outcome, body);
    }

    fn decode(
        kind: Kind,
        body: &[u8],
        blobs: &dyn Blobs,
    ) -> Result<(Command, Outcome<Event, Refusal>), DecodeError> {
        codec::decode(kind, body, blobs)
    }

    fn differing_field(recorded: &Command, offered: &Command) -> &'static str {
        codec::differing_field(recorded, offered)
    }

    fn reports(_: &Moment, _: &Command, _: &Event, _: &mut Vec<()>) {}

    fn day_roll(_: &State, _: Day) -> Vec<Command> {
        Vec::new()
    }
}

fn decide(state: &State, at: &Moment, command: &Command) -> Result<Event, Refusal> {
    const CCG: &[Role] = &[Role::Ccg];
    let changed = match command {
        Command::RegisterOrganisations(register) => {
            organisations(state, register)?;
            table::changed(state, &register.rows)
        }
        Command::RegisterPractices(RegisterPractices { rows }) => {
            check::rows(rows)?;
            rows.iter().try_for_each(|row| state.open(row.ccg, CCG, row.validity.from))?;
            table::changed(state, rows)
        }
        Command::RegisterMarketForces(RegisterMarketForces { rows }) => {
            check::rows(rows)?;
            rows.iter().try_for_each(|row| state.open(row.provider, PROVIDERS, row.validity.from))?;
            table::changed(state, rows)
        }
        Command::RegisterSystem(RegisterSystem { system, clock_start }) => {
            check_system(state, system, *clock_start)?;
            table::changed(state, core::slice::from_ref(system))
        }
        Command::RegisterSites(RegisterSites { rows, known }) => {
            check::rows(rows)?;
            rows.iter().try_for_each(|row| known.open(row.payee, PROVIDERS, row.validity.from))?;
            table::changed(state, rows)
        }
        Command::RegisterDistricts(RegisterDistricts { rows, known }) => {
            check::rows(rows)?;
            rows.iter().try_for_each(|row| known.open(row.ccg, CCG, row.validity.from))?;
            table::changed(state, rows)
        }
        Command::SetCalendar(set) => {
            calendar(state, at, set)?;
            let days = set.bank_holidays.iter().filter(|day| !state.bank_holidays.contains(day)).count();
            table::changed(state, &set.deadlines).saturating_add(u32::try_from(days).unwrap_or(u32::MAX))
        }
        Command::SetPaymentChannels(SetPaymentChannels { rows, known }) => {
            check::rows(rows)?;
            rows.iter().try_for_each(|row| known.open(row.payer, CCG, row.validity.from))?;
            table::changed(state, rows)
        }
        Command::Propose(propose) => {
            content(state, &propose.content, &propose.known)?;
            if state.pending.len() >= PENDING_MAX {
                return Err(Refusal::TooManyProposals);
            }
            return Ok(Event::Proposed { digest: propose.content.digest() });
        }
        Command::ApproveProposal(approve) => return approve_proposal(state, at, approve),
        Command::WithdrawProposal(WithdrawProposal { proposal }) => {
            let waits = state.pending.contains_key(proposal);
            return if waits {
                Ok(Event::Withdrawn)
            } else {
                Err(Refusal::ProposalUnknown { proposal: *proposal })
            };
        }
    };
    Ok(Event::Registered { changed })
}

/// Puts the rows of a command that needs no second person in force.
fn put_rows(state: &mut State, command: &Command) {
    match command {
        Command::RegisterOrganisations(register) => table::put(state, &register.rows),
        Command::RegisterPractices(register) => table::put(state, &register.rows),
        Command::RegisterMarketForces(register) => table::put(state, &register.rows),
        Command::RegisterSystem(register) => {
            let system = &register.system;
            table::put(state, core::slice::from_ref(system));
            state.clock_starts.extend(register.clock_start.map(|start| (system.name.clone(), start)));
        }
        Command::RegisterSites(register) => table::put(state, &register.rows),
        Command::RegisterDistricts(register) => table::put(state, &register.rows),
        Command::SetCalendar(set) => {
            table::put(state, &set.deadlines);
            state.bank_holidays.extend(set.bank_holidays.iter().copied());
        }
        Command::SetPaymentChannels(set) => table::put(state, &set.rows),
        Command::Propose(_) | Command::ApproveProposal(_) | Command::WithdrawProposal(_) => {}
    }
}

fn put_content(state: &mut State, content: &Content) {
    match content {
        Content::PriceBook(book) => {
            table::put(state, core::slice::from_ref(book));
            state.book_names.insert(book.id, book.digest);
        }
        Content::Contracts(rows) => table::put(state, rows),
        Content::BankDetails(rows) => table::put(state, rows),
    }
}

fn changed_content(state: &State, content: &Content) -> u32 {
    match content {
        Content::PriceBook(book) => table::changed(state, core::slice::from_ref(book)),
        Content::Contracts(rows) => table::changed(state, rows),
        Content::BankDetails(rows) => table::changed(state, rows),
    }
}

fn organisations(state: &State, register: &RegisterOrganisations) -> Result<(), Refusal> {
    check::rows(&register.rows)?;
    let batch: BTreeMap<OdsCode, &Organisation> = register.rows.iter().map(|row| (row.ods, row)).collect();
    let find = |ods: OdsCode| batch.get(&ods).copied().or_else(|| state.organisations.get(&ods));
    for row in &register.rows {
        let mut successor = row.successor;
        // A chain without a circle is at most as long as there are organisations.
        for _ in 0..=state.organisations.len().saturating_add(batch.len()) {
            let Some(ods) = successor else { break };
            if ods == row.ods {
                return Err(Refusal::SuccessionCircular { ods });
            }
            successor = find(ods).ok_or(Refusal::OrganisationUnknown { ods })?.successor;
        }
    }
    Ok(())
}

fn check_system(state: &State, system: &System, clock_start: Option<Instant>) -> Result<(), Refusal> {
    check::rows(core::slice::from_ref(system))?;
    if system.members.len() > ROWS_MAX {
        return Err(Refusal::BatchSize);
    }
    system
        .members
        .iter()
        .try_for_each(|ods| state.of_role(*ods, &[Role::Ccg, Role::NhsTrust]).map(|_| ()))?;
    match system.name.parse::<SystemName>() {
        Ok(name) if !name.is_national() => {}
        Ok(_) | Err(_) => return Err(Refusal::SystemName),
    }
    if let Some((at, _)) =
        (1_u32..).zip(system.members.windows(2)).find(|(_, pair)| pair.first() >= pair.last())
    {
        return Err(Refusal::RowRepeated { row: at });
    }
    if system.sandbox != clock_start.is_some() {
        return Err(Refusal::SandboxClock);
    }
    match state.systems.get(&system.name) {
        Some(held) if (held.sandbox, state.clock_start(&held.name)) != (system.sandbox, clock_start) => {
            Err(Refusal::SandboxFixed)
        }
        Some(_) | None => Ok(()),
    }
}

fn calendar(state: &State, at: &Moment, set: &SetCalendar) -> Result<(), Refusal> {
    let sizes = set.deadlines.len() <= ROWS_MAX && set.bank_holidays.len() <= HOLIDAYS_MAX;
    if !sizes || (set.deadlines.is_empty() && set.bank_holidays.is_empty()) {
        return Err(Refusal::BatchSize);
    }
    if !set.deadlines.is_empty() {
        check::rows(&set.deadlines)?;
    }
    if let Some(row) = set.deadlines.iter().find(|row| row.freeze < row.flex) {
        return Err(Refusal::DeadlinesBackwards { period: row.period });
    }
    let moved = |held: Day, new: Day| held != new && held < at.business_date;
    for row in &set.deadlines {
        if let Some(held) = state.deadlines.get(&row.period)
            && (moved(held.flex, row.flex) || moved(held.freeze, row.freeze))
        {
            return Err(Refusal::DeadlinePassed { period: row.period });
        }
    }
    Ok(())
}

fn content(state: &State, content: &Content, known: &Known) -> Result<(), Refusal> {
    match content {
        Content::PriceBook(book) => price_book(book),
        Content::Contracts(rows) => {
            check::rows(rows)?;
            rows.iter().try_for_each(|row| check::contract_bodies(row, known))?;
            rows.iter().try_for_each(check::contract_terms)?;
            contracts_fit(state, rows)
        }
        Content::BankDetails(rows) => {
            check::rows(rows)?;
            let holders = &[Role::Ccg, Role::NhsTrust, Role::Independent];
            rows.iter().try_for_each(|row| known.open(row.organisation, holders, row.validity.from))
        }
    }
}

fn contracts_fit(state: &State, rows: &[Contract]) -> Result<(), Refusal> {
    rows.iter().try_for_each(|row| check::contract_place(row, state, rows))
}

fn price_book(book: &PriceBook) -> Result<(), Refusal> {
    let malformed = Refusal::PriceBookMalformed { price_book: book.id };
    let read = tariff::PriceBook::from_cbor(&book.content).map_err(|_| malformed)?;
    if PriceBook::new(&read) == *book { Ok(()) } else { Err(malformed) }
}

fn approve_proposal(state: &State, at: &Moment, approve: &ApproveProposal) -> Result<Event, Refusal> {
    let proposal = approve.proposal;
    let pending = state.pending.get(&proposal).ok_or(Refusal::ProposalUnknown { proposal })?;
    // What came into force since it was proposed counts.
    if let Content::Contracts(rows) = &pending.content {
        contracts_fit(state, rows)?;
    }
    let approval = access::approve(&pending.proposal, at.caller, approve.digest)?;
    Ok(Event::Approved { approval, changed: changed_content(state, &pending.content) })
}

#[cfg(test)]
mod tests;
