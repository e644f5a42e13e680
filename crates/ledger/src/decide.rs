//! The rules of every command but postings.

use crate::{
    Act, Approve, Command, Event, MarkPeriod, PeriodStanding, Posted, Refusal, Reverse, SealWindows,
    SealedWindow, SetLimit, State, WindowKey,
    draft::{self, Terms},
    state::{Due, Standing, WindowId, row},
    year_end,
};
use access::ApprovalRefusal;
use journal::{AccountNumber, Moment, Position};
use money::{NetPence, Pence};

/// The most windows or holds that one command names.
pub(crate) const LIST_MAX: usize = 256;

/// The longest reason in bytes.
pub(crate) const REASON_BYTES_MAX: usize = 500;

pub(crate) fn decide(state: &State, at: &Moment, command: &Command) -> Result<Event, Refusal> {
    match command {
        Command::OpenAccount(open) => {
            if !state.may_open(&open.path) {
                return Err(Refusal::FundShut { account: None });
            }
            let standing = state.by_path.get(open.path.as_str()).and_then(|at| row(&state.accounts, *at));
            Ok(Event::AccountOpened { account: standing.map_or(at.position, |account| account.number) })
        }
        Command::Post(posting) => {
            draft::decide(state, at, core::slice::from_ref(posting), Terms::default()).map(Event::Posted)
        }
        Command::PostGroup(group) => {
            draft::decide(state, at, &group.postings, Terms::default()).map(Event::Posted)
        }
        Command::PostAll(group) => draft::decide_all(state, at, &group.postings).map(Event::Posted),
        Command::Reverse(reverse) => decide_reverse(state, at, reverse).map(Event::Posted),
        Command::SetLimit(set) => decide_limit(state, set),
        Command::CloseAccount { account } => decide_close(state, *account),
        Command::SealWindows(seal) => decide_seal(state, seal),
        Command::ExpireHolds(expire) => {
            let remaining = |name| state.holds.get(name).map_or(Pence::ZERO, |hold| hold.remaining);
            match expire.holds.len() {
                0 => Err(Refusal::Empty),
                1..=LIST_MAX => Ok(Event::HoldsExpired(expire.holds.iter().map(remaining).collect())),
                _ => Err(Refusal::TooLarge),
            }
        }
        Command::ClosePeriod(mark) => decide_close_period(state, at, mark, false),
        Command::SoftClosePeriod(mark) => decide_close_period(state, at, mark, true),
        Command::ReopenPeriod(mark) => {
            check_reason(&mark.reason)?;
            match state.period(mark.period).marked {
                None => Err(Refusal::PeriodNotClosed),
                Some(marked) if marked.caller == at.caller => Err(Refusal::SamePerson),
                Some(_) => Ok(Event::PeriodReopened),
            }
        }
        Command::Propose(propose) => {
            check_reason(&propose.reason)?;
            if propose.expires.is_some_and(|day| day <= at.business_date) {
                return Err(Refusal::ExpiryPassed);
            }
            decide_act(state, at, &propose.act).map(|_| Event::Proposed)
        }
        Command::Approve(approve) => decide_approve(state, at, approve),
        Command::Withdraw(withdraw) => {
            check_reason(&withdraw.reason)?;
            match state.proposals.get(&withdraw.proposal) {
                None => Err(Refusal::ProposalUnknown),
                Some(waiting) if waiting.proposal.proposer != at.caller => Err(Refusal::NotProposer),
                Some(_) => Ok(Event::Withdrawn),
            }
        }
        Command::ExpireProposals(expire) => match expire.proposals.len() {
            0 => Err(Refusal::Empty),
            1..=LIST_MAX => Ok(Event::ProposalsExpired),
            _ => Err(Refusal::TooLarge),
        },
        Command::ShutFund(shut) => {
            check_reason(&shut.reason)?;
            year_end::decide_shut(state, at, shut).map(|()| Event::FundShut)
        }
        Command::RollForward(roll) => year_end::decide_roll(state, at, roll).map(Event::Posted),
    }
}

fn check_reason(reason: &str) -> Result<(), Refusal> {
    if draft::is_plain(reason, REASON_BYTES_MAX) { Ok(()) } else { Err(Refusal::TextInvalid) }
}

fn decide_reverse(state: &State, at: &Moment, reverse: &Reverse) -> Result<Vec<Posted>, Refusal> {
    check_reason(&reverse.reason)?;
    if let Some(by) = state.reversed.get(&reverse.entry) {
        return Err(Refusal::AlreadyReversed { by: *by });
    }
    if reverse.entry.position >= at.position {
        return Err(Refusal::EntryUnknown);
    }
    // What reverses itself was agreed when it was posted: no limit keeps it from doing so.
    let unbound =
        state.due.get(&reverse.entry).is_some_and(|due| due.period.first_day() <= at.business_date.date());
    let terms = Terms { unbound, ..Terms::default() };
    draft::decide(state, at, core::slice::from_ref(&reverse.posting), terms)
}

fn decide_limit(state: &State, set: &SetLimit) -> Result<Event, Refusal> {
    check_reason(&set.reason)?;
    if set.floor.zip(set.ceiling).is_some_and(|(floor, ceiling)| floor > ceiling) {
        return Err(Refusal::LimitInverted);
    }
    let node = state.node_by_path.get(set.node.as_str()).and_then(|at| row(&state.nodes, *at));
    let standing = node.and_then(|node| state.limit_of(node));
    if set.floor.is_none() && set.ceiling.is_none() && standing.is_none() {
        return Err(Refusal::LimitMissing);
    }
    let limit = crate::apply::limit(set, Position::FIRST);
    let measure = node.map_or(0, |node| node.totals.measure(node.side).get());
    Ok(Event::LimitSet {
        replaces: standing.map(|limit| limit.position),
        outside: limit.is_some_and(|limit| limit.is_outside(measure)),
    })
}

fn decide_close(state: &State, number: AccountNumber) -> Result<Event, Refusal> {
    let (_, account) = state.account_row(number).ok_or(Refusal::AccountUnknown { account: number })?;
    if account.standing == Standing::Closed {
        return Err(Refusal::AccountClosed { account: number });
    }
    let totals = row(&state.nodes, account.node).map(|node| node.totals).unwrap_or_default();
    let reverses = |due: &Due| due.posting.legs.iter().any(|leg| leg.account == number);
    let idle = !state.takes_over(account) && !state.due.values().any(reverses);
    if idle && totals.debits == totals.credits && totals.held().is_zero() {
        Ok(Event::AccountClosed)
    } else {
        Err(Refusal::AccountInUse)
    }
}

fn decide_seal(state: &State, seal: &SealWindows) -> Result<Event, Refusal> {
    match seal.windows.len() {
        0 => return Err(Refusal::Empty),
        1..=LIST_MAX => {}
        _ => return Err(Refusal::TooLarge),
    }
    let mut sealed = Vec::with_capacity(seal.windows.len());
    for (index, name) in (0..).zip(&seal.windows) {
        // Only what an account's path could name.
        let plain = draft::is_plain(&name.payer, 6) && draft::is_plain(&name.payee, 40);
        if !plain {
            return Err(Refusal::WindowUnknown { index });
        }
        let ids =
            state.name_by_text.get(name.payer.as_str()).zip(state.name_by_text.get(name.payee.as_str()));
        if let WindowKey::Run { number } = name.key {
            let in_force = ids.map_or(1, |(payer, payee)| state.run_in_force(*payer, *payee));
            if number == 0 || number > in_force {
                return Err(Refusal::WindowUnknown { index });
            }
        }
        let window = ids.and_then(|(payer, payee)| {
            state.window(WindowId { payer: *payer, payee: *payee, key: name.key })
        });
        sealed.push(SealedWindow {
            seq: window.map_or(0, |window| window.seq),
            total: window.map_or(NetPence::ZERO, |window| window.total),
        });
    }
    Ok(Event::WindowsSealed(sealed))
}

fn decide_close_period(state: &State, at: &Moment, mark: &MarkPeriod, soft: bool) -> Result<Event, Refusal> {
    check_reason(&mark.reason)?;
    if at.business_date.date() <= mark.period.last_day() {
        return Err(Refusal::PeriodNotOver);
    }
    match (state.period(mark.period).standing, soft) {
        (PeriodStanding::Closed, _) => Err(Refusal::PeriodClosed),
        (PeriodStanding::SoftClosed, true) => Err(Refusal::PeriodSoftClosed),
        (PeriodStanding::Open, true) => Ok(Event::PeriodSoftClosed),
        (PeriodStanding::Open | PeriodStanding::SoftClosed, false) => Ok(Event::PeriodClosed),
    }
}

/// What would become of an act that two people do.
fn decide_act(state: &State, at: &Moment, act: &Act) -> Result<Vec<Posted>, Refusal> {
    match act {
        Act::Reopen(period) => match state.period(*period).standing {
            PeriodStanding::Open => Err(Refusal::PeriodNotClosed),
            PeriodStanding::SoftClosed | PeriodStanding::Closed => Ok(Vec::new()),
        },
        Act::Post(group) => {
            draft::decide(state, at, &group.postings, Terms { two_people: true, ..Terms::default() })
        }
    }
}

fn decide_approve(state: &State, at: &Moment, approve: &Approve) -> Result<Event, Refusal> {
    let Approve { proposal, digest, propose } = approve;
    let waiting = state.proposals.get(proposal).ok_or(Refusal::ProposalUnknown)?;
    let approval =
        access::approve(&waiting.proposal, at.caller, *digest).map_err(|refusal| match refusal {
            ApprovalRefusal::SamePerson => Refusal::SamePerson,
            ApprovalRefusal::DigestMismatch => Refusal::DigestMismatch,
        })?;
    if propose.digest() != *digest {
        return Err(Refusal::DigestMismatch);
    }
    decide_act(state, at, &propose.act).map(|posted| Event::Approved { approval, posted })
}
