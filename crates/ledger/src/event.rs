//! What happened: only what the command and the moment do not say already.

use crate::Made;
use access::Approval;
use journal::{AccountNumber, Day, Position};
use minicbor::{Decode, Encode};
use money::{NetPence, Pence};
use nhs::Period;

/// The consequence of an accepted command.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Event {
    /// The account of that number stands: opened by this record, or by an earlier one.
    #[n(1)]
    AccountOpened {
        /// The account's number.
        #[n(0)]
        account: AccountNumber,
    },
    /// The posting, or each posting of the group, is made.
    #[n(2)]
    Posted(#[n(0)] Vec<Posted>),
    /// The limit is in force (or lifted).
    #[n(3)]
    LimitSet {
        /// The record of the limit that it replaces.
        #[n(0)]
        replaces: Option<Position>,
        /// Whether the node stands outside it already.
        #[n(1)]
        outside: bool,
    },
    /// The account is closed.
    #[n(4)]
    AccountClosed,
    /// The windows are sealed, in the order asked.
    #[n(5)]
    WindowsSealed(#[n(0)] Vec<SealedWindow>),
    /// The holds are given up: how much of each, in the order asked.
    #[n(6)]
    HoldsExpired(#[n(0)] Vec<Pence>),
    /// The month is closed.
    #[n(7)]
    PeriodClosed,
    /// The month is open again.
    #[n(8)]
    PeriodReopened,
    /// The month takes only what two people post.
    #[n(9)]
    PeriodSoftClosed,
    /// It waits for another person. Its digest is that of the command.
    #[n(10)]
    Proposed,
    /// Two people did it.
    #[n(11)]
    Approved {
        /// Who they were, and what they agreed to.
        #[n(0)]
        approval: Approval,
        /// What became of its postings, in their order.
        #[n(1)]
        posted: Vec<Posted>,
    },
    /// The fund is shut.
    #[n(12)]
    FundShut,
    /// The proposal is taken back.
    #[n(13)]
    Withdrawn,
    /// The proposals can no longer be approved.
    #[n(14)]
    ProposalsExpired,
}

/// What became of one posting.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Posted {
    /// The date in whose month it is accounted for; always in an open month.
    #[n(0)]
    pub accounting_date: Day,
    /// The step of each leg that adds to a window, in the order of the legs.
    #[n(1)]
    pub windows: Vec<WindowStep>,
    /// What each hold action moved, in their order: placed, captured or released. Less than asked when less remained.
    #[n(2)]
    pub held: Vec<Pence>,
    /// The limits that it passed without being refused, at most [`BREACHES_MAX`].
    #[n(3)]
    pub breaches: Vec<Breach>,
    /// The month that it belongs to when that takes no more, as it was recorded: readers want [`Posted::late_from`].
    #[n(4)]
    pub origin: Option<Period>,
    /// What was made instead of what was asked, where a fund is shut, and what a roll-forward made.
    #[n(5)]
    pub made: Option<Box<Made>>,
    /// The accounts that it touched as they stood after it, when that was asked for.
    #[n(6)]
    pub balances: Option<Vec<AccountBalance>>,
}

impl Posted {
    /// The month that a late item belongs to: an earlier one than that in which it is accounted for.
    ///
    /// A record may also name a later month: that in which the entry happened, when its writer proposed an accounting date in an
    /// open month before. Such an entry is early, not late, and its record stays as it is.
    #[must_use]
    pub fn late_from(&self) -> Option<Period> {
        self.origin.filter(|origin| Day::from(origin.last_day()) < self.accounting_date)
    }
}

/// An account as it stood after a posting, as far as its totals fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct AccountBalance {
    /// The account.
    #[n(0)]
    pub account: AccountNumber,
    /// Its posted balance on its normal side.
    #[n(1)]
    pub balance: NetPence,
    /// Its open holds.
    #[n(2)]
    pub held: NetPence,
}

/// The most breaches that one event notes; further ones show in the nodes' balances.
pub const BREACHES_MAX: usize = 32;

/// A leg's step in its window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct WindowStep {
    /// The leg's index.
    #[n(0)]
    pub leg: u16,
    /// The run in force, when the window that the leg names is sealed.
    #[n(1)]
    pub instead: Option<u32>,
    /// Its number in the window's series: gapless from 1.
    #[n(2)]
    pub seq: u32,
    /// The window's total after it: credits less debits.
    #[n(3)]
    pub total: NetPence,
}

/// A limit was passed and noted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Breach {
    /// The record that set the limit.
    #[n(0)]
    pub limit: Position,
    /// The node's measure after the posting.
    #[n(1)]
    pub measure: NetPence,
}

/// A window as it was sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct SealedWindow {
    /// The last number of its series; 0 when it is empty.
    #[n(0)]
    pub seq: u32,
    /// Its total.
    #[n(1)]
    pub total: NetPence,
}

impl Event {
    /// The postings' consequences, in their order.
    #[must_use]
    pub fn posted(&self) -> &[Posted] {
        match self {
            Self::Posted(posted) | Self::Approved { posted, .. } => posted,
            Self::AccountOpened { .. }
            | Self::LimitSet { .. }
            | Self::AccountClosed
            | Self::WindowsSealed(_)
            | Self::HoldsExpired(_)
            | Self::PeriodClosed
            | Self::PeriodReopened
            | Self::PeriodSoftClosed
            | Self::Proposed
            | Self::FundShut
            | Self::Withdrawn
            | Self::ProposalsExpired => &[],
        }
    }
}
