//! Where every rule lives.

mod challenge;
mod cut;
mod extract;
mod facts;
mod line;
mod plan;
mod referral;
mod repricing;
mod submission;

use crate::{Command, Event, Refusal, State};
use journal::{Events, Moment};
use smallvec::smallvec;

pub(crate) use cut::due;
pub(crate) use plan::of_cut;
pub use repricing::price_again;

/// The events of one.
pub(crate) fn one(event: Event) -> Events<Event> {
    smallvec![event]
}

pub(crate) fn decide(state: &State, at: &Moment, command: &Command) -> Result<Events<Event>, Refusal> {
    match command {
        Command::AdoptReference(adopt) => submission::adopt(state, adopt),
        Command::OpenSubmission(open) => submission::open(state, at, open),
        Command::RecordReferral(referral) => referral::record(state, at, referral),
        Command::EndReferral(end) => referral::end(state, end),
        Command::ExpireReferral(expire) => referral::expire(state, at, expire),
        Command::SubmitLine(line) => line::submit(state, at, line),
        Command::SubmitUnreadable(line) => line::unreadable(state, at, line),
        Command::RecordUnreadable(line) => line::record_unreadable(state, at, line),
        Command::WithdrawLine(withdraw) => line::withdraw(state, at, withdraw),
        Command::SealCut(seal) => cut::seal(state, at, seal),
        Command::AdoptExtract(adopt) => extract::adopt(state, adopt),
        Command::RaiseChallenge(raise) => challenge::raise(state, at, raise),
        Command::AnswerChallenge(answer) => challenge::answer(state, answer),
        Command::ConcludeChallenge(conclude) => challenge::conclude(state, at, conclude),
        Command::SetChallengeRules(rules) => challenge::set_rules(state, rules),
        Command::PostMargin(post) => plan::post(state, post),
        Command::ProposeRepricing(propose) => repricing::propose(state, propose),
        Command::ApproveRepricing(approve) => repricing::approve(state, at, approve),
        Command::RepriceLine(reprice) => repricing::line(state, reprice),
        Command::MoveReferral(what) => referral::move_on(state, at, what),
    }
}
