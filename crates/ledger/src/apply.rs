//! What an event does to the state. Total: it looks at its arguments only and never fails.

use crate::{
    Act, Command, EntryKind, Event, HoldAction, Leg, Limit, Made, Posted, Posting, SetLimit, State,
    WindowKey, WindowUse,
    entry::as_made,
    period::{Marked, Shut},
    state::{Due, Standing, Waiting, WindowId},
};
use access::Proposal;
use journal::{Day, Item, Moment, Position};
use money::{NetPence, Side};
use nhs::Period;

pub(crate) fn apply(state: &mut State, at: &Moment, command: &Command, event: &Event) {
    match (command, event) {
        (Command::OpenAccount(open), Event::AccountOpened { account }) => {
            if *account == at.position {
                state.open(*account, &open.path);
            }
        }
        (Command::Post(_) | Command::PostGroup(_) | Command::PostAll(_), Event::Posted(posted)) => {
            post_all(state, at, command.postings(), posted);
        }
        (Command::Reverse(reverse), Event::Posted(posted)) => {
            post_all(state, at, command.postings(), posted);
            state.reversed.insert(reverse.entry, Item { position: at.position, index: 0 });
            state.due.remove(&reverse.entry);
        }
        (Command::SetLimit(set), Event::LimitSet { .. }) => {
            state.set_limit(set.node.as_str(), limit(set, at.position));
        }
        (Command::CloseAccount { account }, Event::AccountClosed) => {
            state.set_standing(*account, Standing::Closed);
        }
        (Command::SealWindows(seal), Event::WindowsSealed(_)) => {
            for window in &seal.windows {
                state.seal(&window.payer, &window.payee, window.key);
            }
        }
        (Command::ExpireHolds(expire), Event::HoldsExpired(released)) => {
            for (hold, pence) in expire.holds.iter().zip(released) {
                state.lower_hold(*hold, *pence);
            }
        }
        (Command::ClosePeriod(mark), Event::PeriodClosed) => {
            shut(state, at, mark.period, false);
        }
        (Command::SoftClosePeriod(mark), Event::PeriodSoftClosed) => shut(state, at, mark.period, true),
        (Command::ReopenPeriod(mark), Event::PeriodReopened) => {
            state.periods.remove(&mark.period);
        }
        (Command::Propose(propose), Event::Proposed) => {
            let proposal = Proposal { digest: propose.digest(), proposer: at.caller };
            state.proposals.insert(at.position, Waiting { proposal, expires: propose.expires });
        }
        (Command::Approve(approve), Event::Approved { posted, .. }) => {
            state.proposals.remove(&approve.proposal);
            match &approve.propose.act {
                Act::Reopen(period) => {
                    state.periods.remove(period);
                }
                Act::Post(group) => post_all(state, at, &group.postings, posted),
            }
        }
        (Command::Withdraw(withdraw), Event::Withdrawn) => {
            state.proposals.remove(&withdraw.proposal);
        }
        (Command::ExpireProposals(expire), Event::ProposalsExpired) => {
            for proposal in &expire.proposals {
                state.proposals.remove(proposal);
            }
        }
        (Command::ShutFund(shut), Event::FundShut) => state.shut_fund(shut.line.as_str()),
        (Command::RollForward(roll), Event::Posted(posted)) => {
            post_all(state, at, &[roll.posting()], posted);
        }
        // `decide` pairs no other event with a command; a record that does was not written by it and changes nothing.
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
        ) => {}
    }
}

fn shut(state: &mut State, at: &Moment, period: Period, soft: bool) {
    let marked = Marked { position: at.position, caller: at.caller };
    state.periods.insert(period, Shut { soft, marked });
}

/// The limit that a command sets, or `None` when it lifts it.
pub(crate) fn limit(set: &SetLimit, position: Position) -> Option<Limit> {
    (set.floor.is_some() || set.ceiling.is_some()).then_some(Limit {
        position,
        severity: set.severity,
        floor: set.floor,
        ceiling: set.ceiling,
    })
}

fn post_all(state: &mut State, at: &Moment, postings: &[Posting], posted: &[Posted]) {
    for ((index, posting), posted) in (0..).zip(postings).zip(posted) {
        let entry = Item { position: at.position, index };
        if let Some(corrects) = posting.corrects {
            state.corrected.entry(corrects).or_default().push(entry);
        }
        if let Some(period) = posting.reverses_in {
            due(state, at, entry, period, &as_made(posting, posted), posted);
        }
        match posted.made.as_deref() {
            None => post(state, at, &posting.legs, &posting.holds, posted),
            Some(Made { legs, holds }) => post(state, at, legs, holds, posted),
        }
    }
}

/// Notes that an entry is reversed when a month opens. It is noted before the entry's holds are given up, so that they can be
/// placed again.
fn due(state: &mut State, at: &Moment, entry: Item, period: Period, posting: &Posting, posted: &Posted) {
    let first = Day::from(period.first_day());
    let mut reversal = Posting::reversal_of(entry, posting, posted, first);
    reversal.accounting_date = Some(first);
    if posting.kind == EntryKind::Estimate {
        reversal.kind = EntryKind::EstimateReversal;
    }
    for (action, moved) in posting.holds.iter().zip(&posted.held) {
        if let HoldAction::Release { hold } = action
            && let Some(held) = state.hold(*hold)
            && !moved.is_zero()
        {
            let (account, expires) = (held.account, held.expires);
            reversal.holds.push(HoldAction::Place { account, pence: *moved, expires, name: Some(*hold) });
        }
    }
    state.due.insert(entry, Due { period, request_id: at.request_id, posting: reversal });
}

fn post(state: &mut State, at: &Moment, legs: &[Leg], holds: &[HoldAction], posted: &Posted) {
    let mut steps = posted.windows.iter();
    for leg in legs {
        let Some((payer, payee)) = state.post(leg.account, leg.side, leg.pence) else { continue };
        match leg.window {
            None => {}
            Some(WindowUse::Pays(key)) => {
                if let Some(window) = state.window_mut(WindowId { payer, payee, key }) {
                    let paid = match leg.side {
                        Side::Debit => window.paid.get().saturating_add(leg.pence.get()),
                        Side::Credit => window.paid.get().saturating_sub(leg.pence.get()),
                    };
                    window.paid = NetPence::new(paid);
                }
            }
            Some(WindowUse::Adds(key)) => {
                let Some(step) = steps.next() else { continue };
                let key = step.instead.map_or(key, |number| WindowKey::Run { number });
                if let Some(window) = state.window_mut(WindowId { payer, payee, key }) {
                    (window.seq, window.total) = (step.seq, step.total);
                }
            }
        }
    }
    for (action, moved) in holds.iter().zip(&posted.held) {
        match *action {
            HoldAction::Place { account, expires, name, .. } => {
                state.place_hold(name.unwrap_or(at.request_id), account, *moved, expires, at.position);
            }
            HoldAction::Capture { hold, .. } | HoldAction::Release { hold } => state.lower_hold(hold, *moved),
        }
    }
}
