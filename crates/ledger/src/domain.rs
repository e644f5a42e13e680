//! The ledger as the engine, a replay and the verifier see it.

use crate::{
    Act, Approve, Command, DueReversal, Event, ExpireHolds, ExpireProposals, HoldAction, Leg, MarkPeriod,
    OpenAccount, PostGroup, Posting, Propose, Refusal, Reverse, RollForward, SealWindows, SetLimit, ShutFund,
    State, Withdraw, apply, codec, decide, snapshot, state::Waiting,
};
use journal::{Blobs, Day, DecodeError, Domain, Events, Kind, Moment, Outcome, Position, RequestId, Service};

/// The ledger's domain.
#[derive(Debug, Clone, Copy)]
pub struct Ledger;

impl Domain for Ledger {
    const SERVICE: Service = Service::Ledger;

    type State = State;
    type Command = Command;
    type Event = Event;
    type Refusal = Refusal;
    type Report = ();

    fn kind(command: &Command) -> Kind {
        codec::kind(command)
    }

    fn decide(state: &State, at: &Moment, command: &Command) -> Result<Events<Event>, Refusal> {
        decide::decide(state, at, command).map(|event| Events::from_iter([event]))
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
        differing_field(recorded, offered)
    }

    fn reports(_: &Moment, _: &Command, _: &Event, _: &mut Vec<()>) {}

    const SNAPSHOT_FORMAT: Option<u32> = Some(snapshot::FORMAT);

    fn encode_state(state: &State, out: &mut Vec<u8>) {
        snapshot::encode(state, out);
    }

    fn decode_state(bytes: &[u8], _: &dyn Blobs) -> Result<State, DecodeError> {
        snapshot::decode(bytes)
    }

    fn day_roll(state: &State, day: Day) -> Vec<Command> {
        let due: Vec<RequestId> =
            state.expiries.iter().take_while(|(expires, _)| *expires <= day).map(|(_, hold)| *hold).collect();
        let expired = due
            .chunks(decide::LIST_MAX)
            .map(|holds| Command::ExpireHolds(ExpireHolds { holds: holds.to_vec() }));
        let begun = |due: &DueReversal<'_>| due.period.first_day() <= day.date();
        let reversed = state.due_reversals().filter(begun).map(|due| due.command(state, day));
        let passed = |waiting: &Waiting| waiting.expires.is_some_and(|expires| expires <= day);
        let passed = state.proposals.iter().filter(|(_, waiting)| passed(waiting));
        let passed: Vec<Position> = passed.map(|(position, _)| *position).collect();
        let unapproved = passed
            .chunks(decide::LIST_MAX)
            .map(|proposals| Command::ExpireProposals(ExpireProposals { proposals: proposals.to_vec() }));
        expired.chain(unapproved).chain(reversed).collect()
    }
}

/// The first of `(name, equal)` that differs.
fn first(fields: &[(&'static str, bool)]) -> Option<&'static str> {
    fields.iter().find(|(_, equal)| !equal).map(|(name, _)| *name)
}

fn differing_field(recorded: &Command, offered: &Command) -> &'static str {
    match (recorded, offered) {
        (Command::OpenAccount(OpenAccount { path: a }), Command::OpenAccount(OpenAccount { path: b })) => {
            first(&[("path", a == b)])
        }
        (Command::Post(a), Command::Post(b)) => posting_field(a, b),
        (
            Command::PostGroup(PostGroup { postings: a }) | Command::PostAll(PostGroup { postings: a }),
            Command::PostGroup(PostGroup { postings: b }) | Command::PostAll(PostGroup { postings: b }),
        ) => postings_field(a, b),
        (
            Command::Reverse(Reverse { entry, reason, posting }),
            Command::Reverse(Reverse { entry: b_entry, reason: b_reason, posting: b_posting }),
        ) => first(&[("entry", entry == b_entry), ("reason", reason == b_reason)])
            .or_else(|| posting_field(posting, b_posting)),
        (Command::SetLimit(a), Command::SetLimit(b)) => {
            let SetLimit { node, severity, floor, ceiling, reason } = a;
            first(&[
                ("node", *node == b.node),
                ("severity", *severity == b.severity),
                ("floor_pence", *floor == b.floor),
                ("ceiling_pence", *ceiling == b.ceiling),
                ("reason", *reason == b.reason),
            ])
        }
        (Command::CloseAccount { account: a }, Command::CloseAccount { account: b }) => {
            first(&[("account", a == b)])
        }
        (
            Command::SealWindows(SealWindows { windows: a }),
            Command::SealWindows(SealWindows { windows: b }),
        ) => first(&[("windows", a == b)]),
        (Command::ExpireHolds(ExpireHolds { holds: a }), Command::ExpireHolds(ExpireHolds { holds: b })) => {
            first(&[("holds", a == b)])
        }
        (Command::ClosePeriod(a), Command::ClosePeriod(b))
        | (Command::SoftClosePeriod(a), Command::SoftClosePeriod(b))
        | (Command::ReopenPeriod(a), Command::ReopenPeriod(b)) => {
            let MarkPeriod { period, reason } = a;
            first(&[("period", *period == b.period), ("reason", *reason == b.reason)])
        }
        (Command::Propose(Propose { act, reason, expires }), Command::Propose(b)) => act_field(act, &b.act)
            .or_else(|| first(&[("reason", *reason == b.reason), ("expire_date", *expires == b.expires)])),
        (Command::Withdraw(Withdraw { proposal, reason }), Command::Withdraw(b)) => {
            first(&[("proposal", *proposal == b.proposal), ("reason", *reason == b.reason)])
        }
        (Command::ExpireProposals(a), Command::ExpireProposals(b)) => {
            first(&[("proposals", a.proposals == b.proposals)])
        }
        (Command::ShutFund(ShutFund { line, reason }), Command::ShutFund(b)) => {
            first(&[("line", *line == b.line), ("reason", *reason == b.reason)])
        }
        (Command::RollForward(RollForward { line, accounts, holds }), Command::RollForward(b)) => first(&[
            ("line", *line == b.line),
            ("accounts", *accounts == b.accounts),
            ("holds", *holds == b.holds),
        ]),
        (Command::Approve(Approve { proposal, digest, propose: _ }), Command::Approve(b)) => {
            first(&[("proposal", *proposal == b.proposal), ("digest", *digest == b.digest)])
        }
        (
            Command::OpenAccount(_)
            | Command::Post(_)
            | Command::PostGroup(_)
            | Command::Reverse(_)
            | Command::SetLimit(_)
            | Command::CloseAccount { .. }
            | Command::SealWindows(_)
            | Command::ExpireHolds(_)
            | Command::ClosePeriod(_)
            | Command::ReopenPeriod(_)
            | Command::SoftClosePeriod(_)
            | Command::Propose(_)
            | Command::Approve(_)
            | Command::ShutFund(_)
            | Command::RollForward(_)
            | Command::PostAll(_)
            | Command::Withdraw(_)
            | Command::ExpireProposals(_),
            _,
        ) => Some("method"),
    }
    // Equal as commands and yet of different fingerprints: the difference is in what the adapter resolved away.
    .unwrap_or("content")
}

fn act_field(a: &Act, b: &Act) -> Option<&'static str> {
    match (a, b) {
        (Act::Reopen(a), Act::Reopen(b)) => first(&[("period", a == b)]),
        (Act::Post(a), Act::Post(b)) => postings_field(&a.postings, &b.postings),
        (Act::Reopen(_) | Act::Post(_), _) => Some("act"),
    }
}

fn postings_field(a: &[Posting], b: &[Posting]) -> Option<&'static str> {
    let differing = a.iter().zip(b).find_map(|(a, b)| posting_field(a, b));
    differing.or_else(|| first(&[("postings", a.len() == b.len())]))
}

fn posting_field(a: &Posting, b: &Posting) -> Option<&'static str> {
    let Posting {
        kind,
        effective_date,
        legs,
        holds,
        corrects,
        reference,
        accounting_date,
        on_behalf_of,
        reverses_in,
        answer,
    } = a;
    first(&[("kind", *kind == b.kind), ("effective_date", *effective_date == b.effective_date)])
        .or_else(|| legs_field(legs, &b.legs))
        .or_else(|| holds_field(holds, &b.holds))
        .or_else(|| {
            first(&[
                ("corrects", *corrects == b.corrects),
                ("reference", *reference == b.reference),
                ("accounting_date", *accounting_date == b.accounting_date),
                ("on_behalf_of", *on_behalf_of == b.on_behalf_of),
                ("reverses_in", *reverses_in == b.reverses_in),
                ("balances", *answer == b.answer),
            ])
        })
}

fn legs_field(a: &[Leg], b: &[Leg]) -> Option<&'static str> {
    let differing = a.iter().zip(b).find_map(|(a, b)| {
        let Leg { account, side, pence, window } = a;
        first(&[
            ("legs.account", *account == b.account),
            ("legs.side", *side == b.side),
            ("legs.amount_pence", *pence == b.pence),
            ("legs.window", *window == b.window),
        ])
    });
    differing.or_else(|| first(&[("legs", a.len() == b.len())]))
}

fn holds_field(a: &[HoldAction], b: &[HoldAction]) -> Option<&'static str> {
    first(&[("holds", a == b)])
}
