//! What the ledger is asked.

use crate::{AccountPath, Act, NodePath, Posting, RollForward, Severity, ShutFund, WindowName};
use journal::{AccountNumber, Day, Digest, Item, Position, RequestId};
use minicbor::{Decode, Encode};
use money::NetPence;
use nhs::Period;

/// A command. Each is one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Opens an account; its number is the record's position. Opening one that stands answers its number.
    OpenAccount(OpenAccount),
    /// Makes one posting.
    Post(Posting),
    /// Makes several postings or none; refused, the first that is at fault is named. Journals hold such records; today a group is
    /// [`Command::PostAll`].
    PostGroup(PostGroup),
    /// Reverses an entry.
    Reverse(Reverse),
    /// Sets, replaces or lifts the limit of a node.
    SetLimit(SetLimit),
    /// Closes an account that stands at nothing.
    CloseAccount {
        /// Its number.
        account: AccountNumber,
    },
    /// Seals windows: what names them later goes to the run in force.
    SealWindows(SealWindows),
    /// Gives up holds whose day has passed. Issued by the day roll.
    ExpireHolds(ExpireHolds),
    /// Closes a month: nothing more is accounted for in it.
    ClosePeriod(MarkPeriod),
    /// Opens a closed month again, by another person than closed it. Journals hold such records; today a reopening is an
    /// [`Act`] that two people do.
    ReopenPeriod(MarkPeriod),
    /// Closes a month to all but what two people post.
    SoftClosePeriod(MarkPeriod),
    /// Proposes what takes two people.
    Propose(Propose),
    /// Does what another person proposed.
    Approve(Approve),
    /// Shuts a line's fund room at year end.
    ShutFund(ShutFund),
    /// Moves what a shut fund still holds to the year after.
    RollForward(RollForward),
    /// Makes several postings or none; refused, every one that is at fault is named with its own reason.
    PostAll(PostGroup),
    /// Takes a proposal back, by whoever made it.
    Withdraw(Withdraw),
    /// Lets proposals go whose day has passed. Issued by the day roll.
    ExpireProposals(ExpireProposals),
}

/// Opens an account.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct OpenAccount {
    /// Its path in the chart.
    #[n(0)]
    pub path: AccountPath,
}

/// Several postings, all or none. They are decided in order, limits on their sum.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct PostGroup {
    /// The postings. Their entries are named by the record's position and their index.
    #[n(0)]
    pub postings: Vec<Posting>,
}

/// Reverses an entry, once.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Reverse {
    /// The entry.
    #[n(0)]
    pub entry: Item,
    /// Why.
    #[n(1)]
    pub reason: String,
    /// The entry's legs with their sides changed, as the adapter read them from its record ([`Posting::reversal_of`]): the
    /// state keeps no entries. An auditor compares the two records. Holds that the entry captured are not placed again.
    #[n(2)]
    pub posting: Posting,
}

/// Sets the limit of a node.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct SetLimit {
    /// The node. It need not exist yet.
    #[n(0)]
    pub node: NodePath,
    /// What passing it means.
    #[n(1)]
    pub severity: Severity,
    /// The least that the node's measure may be.
    #[n(2)]
    pub floor: Option<NetPence>,
    /// The most that the node's measure may be. With neither bound the limit is lifted.
    #[n(3)]
    pub ceiling: Option<NetPence>,
    /// Why.
    #[n(4)]
    pub reason: String,
}

/// Seals windows.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct SealWindows {
    /// The windows, at most 256. One that is sealed stays so; one that nothing has named yet is sealed empty.
    #[n(0)]
    pub windows: Vec<WindowName>,
}

/// Gives up holds.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct ExpireHolds {
    /// The holds.
    #[n(0)]
    pub holds: Vec<RequestId>,
}

/// Proposes what takes two people.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Propose {
    /// What.
    #[n(0)]
    pub act: Act,
    /// Why.
    #[n(1)]
    pub reason: String,
    /// The first day on which it can no longer be approved; without one it waits for ever.
    #[n(2)]
    pub expires: Option<Day>,
}

/// Takes a proposal back.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Withdraw {
    /// The record of the proposal.
    #[n(0)]
    pub proposal: Position,
    /// Why.
    #[n(1)]
    pub reason: String,
}

/// Lets proposals go.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct ExpireProposals {
    /// The records of the proposals, at most 256.
    #[n(0)]
    pub proposals: Vec<Position>,
}

/// Does what another person proposed.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Approve {
    /// The record of the proposal.
    #[n(0)]
    pub proposal: Position,
    /// The digest of what the approver saw.
    #[cbor(n(1), with = "crate::act::digest_bytes")]
    pub digest: Digest,
    /// What was proposed, as the adapter read it from the proposal's record: the state keeps its digest only.
    #[n(2)]
    pub propose: Propose,
}

/// Closes, soft-closes or reopens a month.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct MarkPeriod {
    /// The month.
    #[n(0)]
    pub period: Period,
    /// Why.
    #[n(1)]
    pub reason: String,
}

impl Command {
    /// The postings that the command asks for. What was made of them, [`crate::entries`] says.
    #[must_use]
    pub fn postings(&self) -> &[Posting] {
        match self {
            Self::Post(posting) => core::slice::from_ref(posting),
            Self::PostGroup(group) | Self::PostAll(group) => &group.postings,
            Self::Reverse(reverse) => core::slice::from_ref(&reverse.posting),
            Self::Approve(approve) => approve.propose.act.postings(),
            Self::OpenAccount(_)
            | Self::SetLimit(_)
            | Self::CloseAccount { .. }
            | Self::SealWindows(_)
            | Self::ExpireHolds(_)
            | Self::ClosePeriod(_)
            | Self::ReopenPeriod(_)
            | Self::SoftClosePeriod(_)
            | Self::Propose(_)
            | Self::ShutFund(_)
            | Self::RollForward(_)
            | Self::Withdraw(_)
            | Self::ExpireProposals(_) => &[],
        }
    }
}
