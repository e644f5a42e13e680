//! What a posting is made of.

use crate::{Command, Event, Posted, Refusal, WindowKey};
use journal::{AccountNumber, Day, Item, Outcome, RequestId};
use minicbor::{Decode, Encode};
use money::{Pence, Side};
use nhs::Period;
use std::borrow::Cow;

/// The most legs of one posting. The longest entry of the chart, a merger's move of one payee, has fewer than ten.
pub const LEGS_PER_POSTING_MAX: usize = 64;

/// The most hold actions of one posting: a month-end estimate releases the holds of its basis 256 at a time.
pub const HOLD_ACTIONS_PER_POSTING_MAX: usize = 256;

/// The most postings of one all-or-nothing group.
pub const POSTINGS_PER_GROUP_MAX: usize = 256;

/// The most legs of one group. With 32 bytes for each and 28 for its step in a window, 400 take 24,000 of a record's
/// 59,912 bytes.
pub const LEGS_PER_GROUP_MAX: usize = 400;

/// The most hold actions of one group. With 43 bytes for each and 9 for what it moved, 256 take 13,312.
pub const HOLD_ACTIONS_PER_GROUP_MAX: usize = 256;

/// The longest reference in bytes.
pub const REFERENCE_BYTES_MAX: usize = 64;

/// The longest URN of an originator, in bytes.
pub const ON_BEHALF_BYTES_MAX: usize = 200;

/// The most bytes of references and originators in one group. 256 postings take at most 40 bytes each besides, 10,240.
pub const TEXT_BYTES_PER_GROUP_MAX: usize = 10_000;

/// What happened, in the words of the chart's table of events. A label for readers: which accounts it moves is its
/// writer's to know. Whether a kind is a report decides one thing, whether HARD limits bind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum EntryKind {
    /// Budget arrives on, moves between or leaves lines.
    #[n(1)]
    Allocation,
    /// A referral places a hold.
    #[n(2)]
    Referral,
    /// A hold is given up: discharged without treatment, cancelled, expired.
    #[n(3)]
    HoldRelease,
    /// Activity is accepted.
    #[n(4)]
    Activity,
    /// Activity changes: new version, flex to freeze, best-practice failure, price correction.
    #[n(5)]
    ActivityVersion,
    /// A line is contested, on receipt or later.
    #[n(6)]
    Contest,
    /// A contested line is settled, for us or for the provider.
    #[n(7)]
    ContestOutcome,
    /// Activity is recognised against a prepayment, or a block month is earned.
    #[n(8)]
    Recognition,
    /// A payment on account or a block share falls due.
    #[n(9)]
    OnAccount,
    /// An on-account position is trued up.
    #[n(10)]
    TrueUp,
    /// A month-end estimate.
    #[n(11)]
    Estimate,
    /// A month-end estimate is reversed on day 1.
    #[n(12)]
    EstimateReversal,
    /// A negative net becomes a recovery.
    #[n(13)]
    Recovery,
    /// A recovery is received.
    #[n(14)]
    RecoveryReceived,
    /// A payment is instructed.
    #[n(15)]
    PaymentInstructed,
    /// The bank confirmed a payment.
    #[n(16)]
    PaymentConfirmed,
    /// The bank rejected a payment.
    #[n(17)]
    PaymentRejected,
    /// A payment came back after it had settled.
    #[n(18)]
    PaymentReturned,
    /// A PHB plan is approved.
    #[n(19)]
    PlanApproved,
    /// A PHB service is booked.
    #[n(20)]
    PhbBooked,
    /// A PHB service is delivered.
    #[n(21)]
    PhbDelivered,
    /// A PHB instalment falls due.
    #[n(22)]
    PhbInstalment,
    /// Care under a PHB is recognised by its period.
    #[n(23)]
    PhbCare,
    /// A PHB holder returns money.
    #[n(24)]
    PhbReturned,
    /// A PHB reclaim is decided.
    #[n(25)]
    Reclaim,
    /// A PHB reclaim is received.
    #[n(26)]
    ReclaimReceived,
    /// What was owed to us is given up.
    #[n(27)]
    WriteOff,
    /// Two balances of one payee in a system are set off.
    #[n(28)]
    SetOff,
    /// Balances move from one financial year to the next.
    #[n(29)]
    YearEnd,
    /// Balances move from a payer that ends to the one that follows it.
    #[n(30)]
    Merger,
    /// An entry is reversed.
    #[n(31)]
    Reversal,
    /// A target or offset of the memorandum section.
    #[n(32)]
    Target,
}

impl EntryKind {
    /// Every kind.
    pub const ALL: [Self; 32] = [
        Self::Allocation,
        Self::Referral,
        Self::HoldRelease,
        Self::Activity,
        Self::ActivityVersion,
        Self::Contest,
        Self::ContestOutcome,
        Self::Recognition,
        Self::OnAccount,
        Self::TrueUp,
        Self::Estimate,
        Self::EstimateReversal,
        Self::Recovery,
        Self::RecoveryReceived,
        Self::PaymentInstructed,
        Self::PaymentConfirmed,
        Self::PaymentRejected,
        Self::PaymentReturned,
        Self::PlanApproved,
        Self::PhbBooked,
        Self::PhbDelivered,
        Self::PhbInstalment,
        Self::PhbCare,
        Self::PhbReturned,
        Self::Reclaim,
        Self::ReclaimReceived,
        Self::WriteOff,
        Self::SetOff,
        Self::YearEnd,
        Self::Merger,
        Self::Reversal,
        Self::Target,
    ];

    /// The word for people and exports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allocation => "allocation",
            Self::Referral => "referral",
            Self::HoldRelease => "hold-release",
            Self::Activity => "activity",
            Self::ActivityVersion => "activity-version",
            Self::Contest => "contest",
            Self::ContestOutcome => "contest-outcome",
            Self::Recognition => "recognition",
            Self::OnAccount => "on-account",
            Self::TrueUp => "true-up",
            Self::Estimate => "estimate",
            Self::EstimateReversal => "estimate-reversal",
            Self::Recovery => "recovery",
            Self::RecoveryReceived => "recovery-received",
            Self::PaymentInstructed => "payment-instructed",
            Self::PaymentConfirmed => "payment-confirmed",
            Self::PaymentRejected => "payment-rejected",
            Self::PaymentReturned => "payment-returned",
            Self::PlanApproved => "plan-approved",
            Self::PhbBooked => "phb-booked",
            Self::PhbDelivered => "phb-delivered",
            Self::PhbInstalment => "phb-instalment",
            Self::PhbCare => "phb-care",
            Self::PhbReturned => "phb-returned",
            Self::Reclaim => "reclaim",
            Self::ReclaimReceived => "reclaim-received",
            Self::WriteOff => "write-off",
            Self::SetOff => "set-off",
            Self::YearEnd => "year-end",
            Self::Merger => "merger",
            Self::Reversal => "reversal",
            Self::Target => "target",
        }
    }

    /// Whether another service reports it as something that happened, so that no rule of choice refuses it.
    #[must_use]
    pub const fn is_report(self) -> bool {
        matches!(
            self,
            Self::Referral
                | Self::HoldRelease
                | Self::Activity
                | Self::ActivityVersion
                | Self::Contest
                | Self::ContestOutcome
                | Self::Recognition
        )
    }
}

/// How a leg on `owed/payable` stands to a window. Every such leg names one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub enum WindowUse {
    /// A credit adds to the window's total, a debit (a reversal, a contest) takes from it; either takes the next number
    /// of the series. When the window is sealed, the run in force takes its place and the event names it.
    #[n(1)]
    Adds(#[n(0)] WindowKey),
    /// The leg pays the sealed window (a debit) or clears its negative total (a credit). No number is taken and the total
    /// stays.
    #[n(2)]
    Pays(#[n(0)] WindowKey),
}

/// One side of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Leg {
    /// The account's number.
    #[n(0)]
    pub account: AccountNumber,
    /// Its side.
    #[n(1)]
    pub side: Side,
    /// The amount; more than nothing.
    #[n(2)]
    pub pence: Pence,
    /// The window, on `owed/payable` only.
    #[n(3)]
    pub window: Option<WindowUse>,
}

/// What a posting does to a hold. A hold is named by the request id of the posting that placed it, or by the name given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub enum HoldAction {
    /// Holds money back on an account of a `fund` room.
    #[n(1)]
    Place {
        /// The account.
        #[n(0)]
        account: AccountNumber,
        /// How much; more than nothing.
        #[n(1)]
        pence: Pence,
        /// The first day on which it no longer stands.
        #[n(2)]
        expires: Day,
        /// Its name when it is not the posting's request id: a hold placed again, or one of several.
        #[n(3)]
        name: Option<RequestId>,
    },
    /// Lowers a hold because what it was for has come about. Lowers it by at most what remains: what it did stands in
    /// the event, and a hold that is gone gives nothing.
    #[n(2)]
    Capture {
        /// The hold.
        #[n(0)]
        hold: RequestId,
        /// How much, or `None` for all that remains.
        #[n(1)]
        pence: Option<Pence>,
    },
    /// Gives up what remains of a hold.
    #[n(3)]
    Release {
        /// The hold.
        #[n(0)]
        hold: RequestId,
    },
}

/// One posting: legs that balance within each budget line, and hold actions. At least one of either.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Posting {
    /// What happened.
    #[n(0)]
    pub kind: EntryKind,
    /// When it happened.
    #[n(1)]
    pub effective_date: Day,
    /// The legs, in the writer's order.
    #[n(2)]
    pub legs: Vec<Leg>,
    /// The hold actions, in the writer's order.
    #[n(3)]
    pub holds: Vec<HoldAction>,
    /// The entry that this one corrects.
    #[n(4)]
    pub corrects: Option<Item>,
    /// The writer's own reference. Never anything about a patient.
    #[n(5)]
    pub reference: Option<String>,
    /// The accounting date that the writer proposes. It stands when its month is open and it is not in the future;
    /// otherwise, and without one, the entry is accounted for on the business date or, when that month is closed, on the
    /// first day of the next open month.
    #[n(6)]
    pub accounting_date: Option<Day>,
    /// The person or organisation that a service asks for, as a URN.
    #[n(7)]
    pub on_behalf_of: Option<String>,
    /// The month on whose first day it is reversed by itself: a later one than that in which it happened. Holds that it
    /// released are then placed again, where their day has not passed.
    #[n(8)]
    pub reverses_in: Option<Period>,
    /// What the answer carries besides.
    #[n(9)]
    pub answer: Option<AnswerWith>,
}

/// What the answer to a posting carries when it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum AnswerWith {
    /// The balances of the accounts that it touched, as they stood after it. They stand in its record, so that a repeated
    /// request is answered with the same.
    #[n(1)]
    Balances,
}

impl Posting {
    /// A posting with legs only.
    #[must_use]
    pub const fn new(kind: EntryKind, effective_date: Day, legs: Vec<Leg>) -> Self {
        Self {
            kind,
            effective_date,
            legs,
            holds: Vec::new(),
            corrects: None,
            reference: None,
            accounting_date: None,
            on_behalf_of: None,
            reverses_in: None,
            answer: None,
        }
    }

    /// The posting that undoes `posting`, as it was made: every leg on its other side, in the window that it really went
    /// to. Holds are left as they are.
    #[must_use]
    pub fn reversal_of(entry: Item, posting: &Self, posted: &Posted, effective_date: Day) -> Self {
        let mut steps = posted.windows.iter();
        let legs = posting.legs.iter().map(|leg| {
            let window = leg.window.map(|window| match window {
                WindowUse::Adds(key) => {
                    let run = steps.next().and_then(|step| step.instead);
                    WindowUse::Adds(run.map_or(key, |number| WindowKey::Run { number }))
                }
                WindowUse::Pays(key) => WindowUse::Pays(key),
            });
            Leg { side: leg.side.opposite(), window, ..*leg }
        });
        Self { corrects: Some(entry), ..Self::new(EntryKind::Reversal, effective_date, legs.collect()) }
    }
}

/// What was made instead of what was asked, because a fund is shut: its legs stand on the accounts of the year after, with
/// legs on `out/transferred` of both years after them.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Made {
    /// The legs. Those that were asked come first, in their order.
    #[n(0)]
    pub legs: Vec<Leg>,
    /// The hold actions, in the order asked.
    #[n(1)]
    pub holds: Vec<HoldAction>,
}

/// A posting as it was made.
pub(crate) fn as_made<'a>(posting: &'a Posting, posted: &Posted) -> Cow<'a, Posting> {
    posted.made.as_deref().map_or(Cow::Borrowed(posting), |made| {
        let Made { legs, holds } = made.clone();
        Cow::Owned(Posting { legs, holds, ..posting.clone() })
    })
}

/// The entries of one record as they were made, by their index in it: what an index, an export or an auditor reads. Empty for
/// refusals and for commands that post nothing.
pub fn entries<'a>(
    command: &'a Command,
    outcome: &'a Outcome<Event, Refusal>,
) -> impl Iterator<Item = (u16, Cow<'a, Posting>, &'a Posted)> {
    let posted: &[Posted] = match outcome {
        Outcome::Accepted(events) => events.first().map_or(&[], Event::posted),
        Outcome::Refused(_) => &[],
    };
    let rolled = match command {
        Command::RollForward(roll) => Some(roll.posting()),
        Command::Post(_)
        | Command::PostGroup(_)
        | Command::Reverse(_)
        | Command::OpenAccount(_)
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
        | Command::PostAll(_)
        | Command::Withdraw(_)
        | Command::ExpireProposals(_) => None,
    };
    let rolled = rolled
        .zip(posted.first())
        .map(|(posting, posted)| (0, as_made(&posting, posted).into_owned(), posted));
    let rolled = rolled.into_iter().map(|(index, posting, posted)| (index, Cow::Owned(posting), posted));
    let asked = (0..).zip(command.postings()).zip(posted);
    rolled.chain(asked.map(|((index, posting), posted)| (index, as_made(posting, posted), posted)))
}
