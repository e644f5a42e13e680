//! The two functions that are the whole machine.

use crate::{
    AdoptKeys, ApprovePayee, Command, Event, MintPersons, NoteRead, PERSON_ROWS_MAX, Payee, Proposal,
    ProposePayee, READ_PSEUDONYMS_MAX, Refusal, State, codec, state::Keys,
};
use journal::{Blobs, Day, DecodeError, Domain, Events, Item, Kind, Moment, Outcome, Service};
use smallvec::smallvec;
use std::collections::BTreeSet;

/// The controlled plane as a domain.
#[derive(Debug, Clone, Copy)]
pub struct Identity;

impl Domain for Identity {
    const SERVICE: Service = Service::Identity;
    type State = State;
    type Command = Command;
    type Event = Event;
    type Refusal = Refusal;
    type Report = ();

    fn kind(command: &Command) -> Kind {
        codec::kind(command)
    }

    fn decide(state: &State, at: &Moment, command: &Command) -> Result<Events<Event>, Refusal> {
        let event = match command {
            Command::AdoptKeys(keys) => adopt_keys(state, keys),
            Command::MintPersons(mint) => mint_persons(state, mint),
            Command::ProposePayee(propose) => propose_payee(state, propose),
            Command::ApprovePayee(approve) => approve_payee(state, at, approve),
            Command::NoteRead(note) => note_read(state, note),
        }?;
        Ok(smallvec![event])
    }

    fn apply(state: &mut State, at: &Moment, command: &Command, event: &Event) {
        match (command, event) {
            (Command::AdoptKeys(keys), Event::KeysAdopted) => {
                state.keys = Some(Keys {
                    index_check: keys.index_check,
                    generation: keys.generation,
                    generation_check: keys.generation_check,
                });
            }
            (Command::MintPersons(mint), Event::PersonsMinted { known }) => {
                let mut known = known.iter().copied().peekable();
                for (index, row) in (0..=u16::MAX).zip(&mint.rows) {
                    if known.next_if_eq(&index).is_none() {
                        state.by_index.insert(row.blind_index, row.pseudonym);
                        state.by_pseudonym.insert(row.pseudonym, Item { position: at.position, index });
                    }
                }
            }
            (Command::ProposePayee(propose), Event::PayeeProposed) => {
                let payee = state.payees.entry(propose.payee.clone()).or_insert(Payee {
                    pseudonym: propose.pseudonym,
                    in_force: None,
                    proposed: None,
                });
                payee.proposed = Some(Proposal { position: at.position, proposer: at.caller });
            }
            (Command::ApprovePayee(approve), Event::PayeeApproved) => {
                if let Some(payee) = state.payees.get_mut(&approve.payee) {
                    payee.in_force = Some(approve.proposal);
                    payee.proposed = None;
                }
            }
            (Command::NoteRead(_), Event::ReadNoted) => state.reads = state.reads.saturating_add(1),
            // decide pairs each command with its own event; another pair is not one that a journal holds.
            (
                Command::AdoptKeys(_)
                | Command::MintPersons(_)
                | Command::ProposePayee(_)
                | Command::ApprovePayee(_)
                | Command::NoteRead(_),
                _,
            ) => {}
        }
    }

    fn encode(command: &Command, outcome: &Outcome<Event, Refusal>, body: &mut Vec<u8>) {
        codec::encode(command, outcome, body);
    }

    fn decode(
        kind: Kind,
        body: &[u8],
        _: &dyn Blobs,
    ) -> Result<(Command, Outcome<Event, Refusal>), DecodeError> {
        codec::decode(kind, body)
    }

    fn differing_field(recorded: &Command, offered: &Command) -> &'static str {
        match (recorded, offered) {
            (Command::ProposePayee(a), Command::ProposePayee(b)) => {
                if a.payee != b.payee {
                    "payee"
                } else if a.pseudonym != b.pseudonym {
                    "pseudonym"
                } else {
                    // The rest is sealed: which of name, sort code and number differs is not said.
                    "account_name"
                }
            }
            (Command::ApprovePayee(a), Command::ApprovePayee(b)) => {
                if a.payee == b.payee {
                    "proposal"
                } else {
                    "payee"
                }
            }
            (Command::NoteRead(a), Command::NoteRead(b)) => {
                if a.purpose == b.purpose {
                    "pseudonyms"
                } else {
                    "purpose"
                }
            }
            (Command::MintPersons(_), Command::MintPersons(_)) => "nhs_numbers",
            (
                Command::AdoptKeys(_)
                | Command::MintPersons(_)
                | Command::ProposePayee(_)
                | Command::ApprovePayee(_)
                | Command::NoteRead(_),
                _,
            ) => "request_id",
        }
    }

    fn reports(_: &Moment, _: &Command, _: &Event, _: &mut Vec<()>) {}

    fn day_roll(_: &State, _: Day) -> Vec<Command> {
        Vec::new()
    }
}

fn adopt_keys(state: &State, keys: &AdoptKeys) -> Result<Event, Refusal> {
    let Some(held) = state.keys else { return Ok(Event::KeysAdopted) };
    let other_index = held.index_check != keys.index_check;
    let other_generation =
        held.generation == keys.generation && held.generation_check != keys.generation_check;
    if other_index || other_generation || keys.generation < held.generation {
        return Err(Refusal::KeysDiffer);
    }
    Ok(Event::KeysAdopted)
}

fn mint_persons(state: &State, mint: &MintPersons) -> Result<Event, Refusal> {
    if state.keys.is_none_or(|keys| keys.generation != mint.generation) {
        return Err(Refusal::KeysNotAdopted);
    }
    if !(1..=PERSON_ROWS_MAX).contains(&mint.rows.len()) {
        return Err(Refusal::BatchSize);
    }
    let mut known = Vec::new();
    let mut indices = BTreeSet::new();
    let mut pseudonyms = BTreeSet::new();
    for (index, row) in (0..=u16::MAX).zip(&mint.rows) {
        if state.by_index.contains_key(&row.blind_index) || !indices.insert(row.blind_index) {
            known.push(index);
        } else if state.by_pseudonym.contains_key(&row.pseudonym) || !pseudonyms.insert(row.pseudonym) {
            return Err(Refusal::PseudonymTaken);
        }
    }
    Ok(Event::PersonsMinted { known })
}

fn propose_payee(state: &State, propose: &ProposePayee) -> Result<Event, Refusal> {
    if !state.by_pseudonym.contains_key(&propose.pseudonym) {
        return Err(Refusal::PersonUnknown);
    }
    if state.payees.get(&propose.payee).is_some_and(|payee| payee.pseudonym != propose.pseudonym) {
        return Err(Refusal::PayeeOfAnotherPerson);
    }
    Ok(Event::PayeeProposed)
}

fn approve_payee(state: &State, at: &Moment, approve: &ApprovePayee) -> Result<Event, Refusal> {
    let payee = state.payees.get(&approve.payee).ok_or(Refusal::PayeeUnknown)?;
    let proposal = payee
        .proposed
        .filter(|proposal| proposal.position == approve.proposal)
        .ok_or(Refusal::ProposalUnknown)?;
    if proposal.proposer == at.caller {
        return Err(Refusal::SamePerson);
    }
    Ok(Event::PayeeApproved)
}

fn note_read(state: &State, note: &NoteRead) -> Result<Event, Refusal> {
    if !(1..=READ_PSEUDONYMS_MAX).contains(&note.pseudonyms.len()) {
        return Err(Refusal::BatchSize);
    }
    if note.pseudonyms.iter().any(|pseudonym| !state.by_pseudonym.contains_key(pseudonym)) {
        return Err(Refusal::PersonUnknown);
    }
    Ok(Event::ReadNoted)
}
