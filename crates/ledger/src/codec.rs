//! Record bodies: `[command, outcome]` in core deterministic CBOR, by kind.
//!
//! ```text
//! kind  command                          kind  command
//!  100  open account  [path]              105  close account [account]
//!  101  post          a posting           106  seal windows
//!  102  post group    [[posting…]]        107  expire holds
//!  103  reverse                           108  close period
//!  104  set limit                         109  reopen period
//!  110  soft-close period                111  propose       [act, reason]
//!  112  approve       [proposal, digest, what was proposed]
//!  113  shut fund                        114  roll forward
//!  115  post all      [[posting…]]        116  withdraw      [proposal, reason]
//!  117  expire proposals [[proposal…]]
//! outcome = [0, event] | [1, refusal]
//! ```
//! Fields are only added at the end; any other change is a new kind, and old kinds decode here into today's commands.

use crate::{Command, Event, Refusal};
use journal::{Cause, DecodeError, Events, Kind, Outcome, Service};
use minicbor::{Decoder, Encode, Encoder};

/// The kind of groups as they were first recorded.
const GROUP: Kind = Kind(102);

pub(crate) const fn kind(command: &Command) -> Kind {
    Kind(match command {
        Command::OpenAccount(_) => 100,
        Command::Post(_) => 101,
        Command::PostGroup(_) => GROUP.0,
        Command::Reverse(_) => 103,
        Command::SetLimit(_) => 104,
        Command::CloseAccount { .. } => 105,
        Command::SealWindows(_) => 106,
        Command::ExpireHolds(_) => 107,
        Command::ClosePeriod(_) => 108,
        Command::ReopenPeriod(_) => 109,
        Command::SoftClosePeriod(_) => 110,
        Command::Propose(_) => 111,
        Command::Approve(_) => 112,
        Command::ShutFund(_) => 113,
        Command::RollForward(_) => 114,
        Command::PostAll(_) => 115,
        Command::Withdraw(_) => 116,
        Command::ExpireProposals(_) => 117,
    })
}

impl Command {
    /// Replaces `content` by what the caller asked, as the bytes whose fingerprint tells two requests under one id apart:
    /// CBOR of `[kind, cause's service, cause's position, command]`. Of a reversal the entry and the reason only, and of an
    /// approval the proposal and the digest, since the adapter adds the rest.
    pub fn content(&self, cause: Option<Cause>, content: &mut Vec<u8>) {
        content.clear();
        let kind = kind(self);
        let cause = (cause.map_or(0, |c| c.service.number()), cause.map_or(0, |c| c.position.get()));
        match self {
            Self::OpenAccount(open) => content_as(kind, cause, open, content),
            Self::Post(posting) => content_as(kind, cause, posting, content),
            // A group asked for again is the same request, whichever kind its record was when it was first asked.
            Self::PostGroup(group) | Self::PostAll(group) => content_as(GROUP, cause, group, content),
            Self::Reverse(reverse) => content_as(kind, cause, (reverse.entry, &reverse.reason), content),
            Self::SetLimit(set) => content_as(kind, cause, set, content),
            Self::CloseAccount { account } => content_as(kind, cause, [account], content),
            Self::SealWindows(seal) => content_as(kind, cause, seal, content),
            Self::ExpireHolds(expire) => content_as(kind, cause, expire, content),
            Self::ClosePeriod(mark) | Self::ReopenPeriod(mark) | Self::SoftClosePeriod(mark) => {
                content_as(kind, cause, mark, content);
            }
            Self::Propose(propose) => content_as(kind, cause, propose, content),
            Self::ShutFund(shut) => content_as(kind, cause, shut, content),
            Self::RollForward(roll) => content_as(kind, cause, roll, content),
            Self::Withdraw(withdraw) => content_as(kind, cause, withdraw, content),
            Self::ExpireProposals(expire) => content_as(kind, cause, expire, content),
            Self::Approve(approve) => {
                let digest = minicbor::bytes::ByteArray::from(approve.digest.0);
                content_as(kind, cause, (approve.proposal, digest), content);
            }
        }
    }
}

fn content_as(kind: Kind, (service, position): (u16, u64), command: impl Encode<()>, content: &mut Vec<u8>) {
    // Writing to a Vec cannot fail, and these values hold nothing that CBOR lacks.
    let _ = Encoder::new(content).encode((kind.0, service, position, command));
}

pub(crate) fn encode(command: &Command, outcome: &Outcome<Event, Refusal>, body: &mut Vec<u8>) {
    match command {
        Command::OpenAccount(open) => encode_as(open, outcome, body),
        Command::Post(posting) => encode_as(posting, outcome, body),
        Command::PostGroup(group) | Command::PostAll(group) => encode_as(group, outcome, body),
        Command::Reverse(reverse) => encode_as(reverse, outcome, body),
        Command::SetLimit(set) => encode_as(set, outcome, body),
        Command::CloseAccount { account } => encode_as([account], outcome, body),
        Command::SealWindows(seal) => encode_as(seal, outcome, body),
        Command::ExpireHolds(expire) => encode_as(expire, outcome, body),
        Command::ClosePeriod(mark) | Command::ReopenPeriod(mark) | Command::SoftClosePeriod(mark) => {
            encode_as(mark, outcome, body);
        }
        Command::Propose(propose) => encode_as(propose, outcome, body),
        Command::Approve(approve) => encode_as(approve, outcome, body),
        Command::ShutFund(shut) => encode_as(shut, outcome, body),
        Command::RollForward(roll) => encode_as(roll, outcome, body),
        Command::Withdraw(withdraw) => encode_as(withdraw, outcome, body),
        Command::ExpireProposals(expire) => encode_as(expire, outcome, body),
    }
}

fn encode_as(command: impl Encode<()>, outcome: &Outcome<Event, Refusal>, body: &mut Vec<u8>) {
    let mut e = Encoder::new(body);
    // Writing to a Vec cannot fail, and these values hold nothing that CBOR lacks.
    let _ = e.array(2).and_then(|e| e.encode(command)).and_then(|e| e.array(2)).and_then(|e| match outcome {
        Outcome::Accepted(events) => e.u8(0)?.encode(events.first()),
        Outcome::Refused(refusal) => e.u8(1)?.encode(refusal),
    });
}

pub(crate) fn decode(kind: Kind, body: &[u8]) -> Result<(Command, Outcome<Event, Refusal>), DecodeError> {
    let mut d = Decoder::new(body);
    d.array()?;
    let command = match kind.0 {
        100 => Command::OpenAccount(d.decode()?),
        101 => Command::Post(d.decode()?),
        102 => Command::PostGroup(d.decode()?),
        103 => Command::Reverse(d.decode()?),
        104 => Command::SetLimit(d.decode()?),
        105 => {
            let [account] = d.decode()?;
            Command::CloseAccount { account }
        }
        106 => Command::SealWindows(d.decode()?),
        107 => Command::ExpireHolds(d.decode()?),
        108 => Command::ClosePeriod(d.decode()?),
        109 => Command::ReopenPeriod(d.decode()?),
        110 => Command::SoftClosePeriod(d.decode()?),
        111 => Command::Propose(d.decode()?),
        112 => Command::Approve(d.decode()?),
        113 => Command::ShutFund(d.decode()?),
        114 => Command::RollForward(d.decode()?),
        115 => Command::PostAll(d.decode()?),
        116 => Command::Withdraw(d.decode()?),
        117 => Command::ExpireProposals(d.decode()?),
        other => return Err(DecodeError::Kind(other, Service::Ledger)),
    };
    d.array()?;
    let outcome = match d.u8()? {
        0 => Outcome::Accepted(Events::from_iter([d.decode::<Event>()?])),
        1 => Outcome::Refused(d.decode()?),
        _ => return Err(minicbor::decode::Error::message("an outcome is 0 or 1").into()),
    };
    Ok((command, outcome))
}
