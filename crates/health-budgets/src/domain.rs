//! Health budgets as a domain of the engine.

use crate::{Command, Event, FallDue, Refusal, State, apply, codec, decide};
use journal::{Blobs, Day, DecodeError, Domain, Events, Kind, Moment, Outcome, Service};
use smallvec::smallvec;

/// Health budgets as a domain.
#[derive(Debug, Clone, Copy)]
pub struct HealthBudgets;

impl Domain for HealthBudgets {
    const SERVICE: Service = Service::HealthBudgets;
    type State = State;
    type Command = Command;
    type Event = Event;
    type Refusal = Refusal;
    type Report = ();

    fn kind(command: &Command) -> Kind {
        codec::kind(command)
    }

    fn decide(state: &State, at: &Moment, command: &Command) -> Result<Events<Event>, Refusal> {
        decide::decide(state, at, command).map(|event| smallvec![event])
    }

    fn apply(state: &mut State, at: &Moment, command: &Command, event: &Event) {
        apply::apply(state, at, command, event);
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
        codec::differing_field(recorded, offered)
    }

    fn reports(_: &Moment, _: &Command, _: &Event, _: &mut Vec<()>) {}

    fn day_roll(state: &State, day: Day) -> Vec<Command> {
        let due = state.instalments_due(day).into_iter();
        due.map(|(plan, pot, due)| Command::FallDue(FallDue { plan, pot, due })).collect()
    }
}
