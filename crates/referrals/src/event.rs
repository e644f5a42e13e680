//! What happened: only what the command and the moment do not already say.

use crate::{Faults, Grade, MarginPosted, Reasons, Split};
use journal::{Day, Position, RequestId};
use minicbor::{Decode, Encode};
use money::{NetPence, Pence};
use nhs::OdsCode;
use reference::{Cut, ExpenditureClass};
use tariff::Priced;

/// One consequence of a command.
///
/// Nearly all are answers to lines, held inline: a box for each would cost the hot path an allocation.
#[allow(clippy::large_enum_variant, reason = "the large variant is the common one")]
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Event {
    /// The reference data named in the command are in force.
    #[n(1)]
    ReferenceAdopted,
    /// The submission is open; its number is this record's position.
    #[n(2)]
    SubmissionOpened,
    /// The same caller's same file has a submission already.
    #[n(3)]
    SubmissionFound {
        /// Its number.
        #[n(0)]
        submission: Position,
    },
    /// The referral is recorded; its number is this record's position.
    #[n(4)]
    ReferralRecorded(#[n(0)] ReferralRecorded),
    /// The referral has ended.
    #[n(5)]
    ReferralEnded {
        /// What was still held for it.
        #[n(0)]
        released: Option<Release>,
    },
    /// The line is answered.
    #[n(6)]
    LineAnswered(#[n(0)] LineAnswered),
    /// The line is withdrawn.
    #[n(7)]
    LineWithdrawn {
        /// As it stood.
        #[n(0)]
        withdrawn: Standing,
    },
    /// The cut is sealed: nothing recorded from here on enters it.
    #[n(8)]
    CutSealed {
        /// What it holds, by payer and payee.
        #[n(0)]
        totals: Vec<SealedTotal>,
    },
    /// The extract is in force for its provider and cut; its number is this record's position.
    #[n(9)]
    ExtractAdopted {
        /// Counted from 1 for its provider and cut.
        #[n(0)]
        version: u32,
        /// How many rows it has.
        #[n(1)]
        rows: u64,
        /// What they sum to.
        #[n(2)]
        total: Pence,
        /// The extract that it replaces.
        #[n(3)]
        supersedes: Option<Position>,
    },
    /// The same extract is in force already.
    #[n(10)]
    ExtractFound {
        /// Its number.
        #[n(0)]
        extract: Position,
    },
    /// The line is challenged; the challenge's number is this record's position.
    #[n(11)]
    ChallengeRaised(#[n(0)] ChallengeRaised),
    /// The challenge is answered.
    #[n(12)]
    ChallengeAnswered,
    /// The challenge has gone to the dispute process.
    #[n(13)]
    ChallengeEscalated,
    /// The challenge is concluded.
    #[n(14)]
    ChallengeConcluded(#[n(0)] ChallengeMoved),
    /// The rules are in force.
    #[n(15)]
    ChallengeRulesSet,
    /// The unreadable line is answered.
    #[n(16)]
    UnreadableAnswered(#[n(0)] UnreadableAnswered),
    /// What is owed beyond a plan is worked out.
    #[n(30)]
    MarginPosted(#[n(0)] MarginPosted),
    /// The repricing waits for another person; its number is this record's position.
    #[n(31)]
    RepricingProposed,
    /// The repricing is approved.
    #[n(32)]
    RepricingApproved,
    /// The referral has moved on.
    #[n(50)]
    ReferralMoved(#[n(0)] ReferralMoved),
}

impl Event {
    /// What became of a line, when this is an answer to one. What it replaces is told for readable ones only.
    #[must_use]
    pub fn answered(&self) -> Option<LineAnswered> {
        match self {
            Self::LineAnswered(answered) => Some(*answered),
            Self::UnreadableAnswered(answered) => Some(answered.in_full(None)),
            Self::ReferenceAdopted
            | Self::SubmissionOpened
            | Self::SubmissionFound { .. }
            | Self::ReferralRecorded(_)
            | Self::ReferralEnded { .. }
            | Self::LineWithdrawn { .. }
            | Self::CutSealed { .. }
            | Self::ExtractAdopted { .. }
            | Self::ExtractFound { .. }
            | Self::ChallengeRaised(_)
            | Self::ChallengeAnswered
            | Self::ChallengeEscalated
            | Self::ChallengeConcluded(_)
            | Self::ChallengeRulesSet
            | Self::MarginPosted(_)
            | Self::RepricingProposed
            | Self::RepricingApproved
            | Self::ReferralMoved(_) => None,
        }
    }
}

/// An unreadable line was answered. It has no payer, no cut and no account, and replaces at most another unreadable one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct UnreadableAnswered {
    /// Everything that is wrong with it.
    #[n(0)]
    pub faults: Faults,
    /// How often a line of this identity has been answered, this time included.
    #[n(1)]
    pub version: u32,
    /// Whether it is now the version in force: not when an earlier one can be read.
    #[n(2)]
    pub in_force: bool,
    /// The unreadable version that it replaces.
    #[n(3)]
    pub supersedes: Option<Position>,
}

impl UnreadableAnswered {
    /// The same as of any line, with the version that it replaces.
    #[must_use]
    pub fn in_full(&self, supersedes: Option<Standing>) -> LineAnswered {
        LineAnswered {
            answer: Answer::Unreadable,
            reasons: self.faults.into(),
            version: self.version,
            route: None,
            payer: None,
            cut: None,
            books: Books::Nowhere,
            referral: None,
            capture: None,
            supersedes,
            in_force: self.in_force,
            grade: None,
        }
    }
}

/// A line was challenged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct ChallengeRaised {
    /// The line as it stood.
    #[n(0)]
    pub before: Standing,
    /// As it stands now, with what is withheld.
    #[n(1)]
    pub after: Standing,
    /// How much of it is contested.
    #[n(2)]
    pub amount: Pence,
    /// The last day of its answer.
    #[n(3)]
    pub answer_by: Day,
    /// How likely it is to be upheld, in per cent.
    #[n(4)]
    pub percent: u8,
}

/// A challenge's money moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct ChallengeMoved {
    /// The line as it stood.
    #[n(0)]
    pub before: Standing,
    /// As it stands now.
    #[n(1)]
    pub after: Standing,
    /// What was upheld for the commissioner.
    #[n(2)]
    pub upheld: Pence,
}

/// How accepted activity becomes money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum Mechanism {
    /// Paid line by line.
    #[n(1)]
    CostPerCase,
    /// Recognised against payments on account.
    #[n(2)]
    OnAccount,
    /// Covered by a block payment.
    #[n(3)]
    Block,
    /// Paid line by line on the terms of another commissioner's contract.
    #[n(4)]
    NonContract,
    /// Covered by a fixed sum up to a plan; a part of what is beyond it is owed when its cut is sealed.
    #[n(5)]
    Plan,
}

impl Mechanism {
    /// Whether each accepted line is owed.
    #[must_use]
    pub const fn pays_by_line(self) -> bool {
        matches!(self, Self::CostPerCase | Self::NonContract)
    }
}

impl From<&reference::Contract> for Mechanism {
    fn from(contract: &reference::Contract) -> Self {
        let planned = contract.pricing.as_ref().is_some_and(|pricing| pricing.plan.is_some());
        match &contract.mechanism {
            reference::Mechanism::CostPerCase => Self::CostPerCase,
            reference::Mechanism::OnAccount { .. } => Self::OnAccount,
            reference::Mechanism::Block { .. } if planned => Self::Plan,
            reference::Mechanism::Block { .. } => Self::Block,
            reference::Mechanism::NonContract => Self::NonContract,
        }
    }
}

/// Who pays whom, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
#[cbor(array)]
pub struct Route {
    /// The responsible commissioner.
    #[n(0)]
    pub payer: OdsCode,
    /// The body that is paid.
    #[n(1)]
    pub payee: OdsCode,
    /// Whose income it is, as seen from this system.
    #[n(2)]
    pub class: ExpenditureClass,
    /// How.
    #[n(3)]
    pub mechanism: Mechanism,
}

/// A hold placed on a payer's budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Hold {
    /// How much.
    #[n(0)]
    pub amount: Pence,
    /// Its last day.
    #[n(1)]
    pub until: Day,
}

/// A referral was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct ReferralRecorded {
    /// Who will pay whom, and how.
    #[n(0)]
    pub route: Route,
    /// What is held; none for a provider not paid line by line, or when no price is expected.
    #[n(1)]
    pub hold: Option<Hold>,
}

/// A referral moved on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct ReferralMoved {
    /// Who will pay whom from here on, when that changed.
    #[n(0)]
    pub route: Option<Route>,
    /// What was still held and is given back.
    #[n(1)]
    pub released: Option<Release>,
    /// What is held instead.
    #[n(2)]
    pub hold: Option<Hold>,
}

/// What is left of a hold is given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Release {
    /// The request that placed the hold: its name in the ledger.
    #[n(0)]
    pub hold: RequestId,
    /// What is left.
    #[n(1)]
    pub amount: Pence,
}

/// What became of a line: three answers and no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub enum Answer {
    /// Payable, at our price, which is nothing by rule where no price is given: not attended, cancelled, administrative.
    #[n(1)]
    Accepted(#[n(0)] Option<Priced>),
    /// Readable, and not paid for the reasons given.
    #[n(2)]
    Contested,
    /// Not readable, or impossible.
    #[n(3)]
    Unreadable,
}

/// Where a line's money stands in the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum Books {
    /// Nowhere: nothing is owed, the payer is not ours, or a fixed sum covers it.
    #[n(0)]
    Nowhere,
    /// Owed to the payee.
    #[n(1)]
    Payable,
    /// Recognised against what was paid on account.
    #[n(2)]
    Recognised,
    /// Contested, at the claimed amount.
    #[n(3)]
    Contested,
}

/// How a line stands: what a later version, or a withdrawal, takes off again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Standing {
    /// The record of this version.
    #[n(0)]
    pub position: Position,
    /// How often a line of its identity had been answered when it was last looked at, this version included.
    #[n(1)]
    pub version: u32,
    /// Who pays whom, where that is known.
    #[n(2)]
    pub route: Option<Route>,
    /// The responsible commissioner, where known, though no route may be: it may be another system's.
    #[n(3)]
    pub payer: Option<OdsCode>,
    /// The day of the activity.
    #[n(4)]
    pub date: Day,
    /// The cut that it is counted in.
    #[n(5)]
    pub cut: Option<Cut>,
    /// What is claimed.
    #[n(6)]
    pub claimed: Pence,
    /// What became of it, and what of that is accepted.
    #[n(7)]
    pub verdict: Verdict,
    /// Where its money stands.
    #[n(8)]
    pub books: Books,
    /// How its amount is divided, once it was challenged.
    #[n(9)]
    pub split: Option<Split>,
}

/// An answer without its explanation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub enum Verdict {
    /// Accepted at this price.
    #[n(1)]
    Accepted(#[n(0)] Pence),
    /// Contested at the claimed amount.
    #[n(2)]
    Contested,
    /// Unreadable, at the claimed amount where that could be read.
    #[n(3)]
    Unreadable,
}

impl Standing {
    /// What of it stands in the ledger.
    #[must_use]
    pub const fn posted(&self) -> Pence {
        let Split { kept, contested } = self.division();
        // Both are parts of one amount.
        match kept.checked_add(contested) {
            Ok(sum) => sum,
            Err(_) => Pence::MAX,
        }
    }

    /// How what stands in the ledger is divided: all of it where the books say, unless it was challenged.
    #[must_use]
    pub const fn division(&self) -> Split {
        const NONE: Pence = Pence::ZERO;
        match (self.split, self.books, self.verdict) {
            (Some(split), _, _) => split,
            (None, Books::Contested, _) => Split { kept: NONE, contested: self.claimed },
            (None, Books::Payable | Books::Recognised, Verdict::Accepted(kept)) => {
                Split { kept, contested: NONE }
            }
            (None, _, _) => Split { kept: NONE, contested: NONE },
        }
    }
}

/// The referral that a line was matched to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub enum Matched {
    /// One already known: the position of its record.
    #[n(1)]
    To(#[n(0)] Position),
    /// None was known, so the line implies one, whose number is the line's position.
    #[n(2)]
    Implied,
}

/// What a line takes of a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Capture {
    /// The request that placed the hold: its name in the ledger.
    #[n(0)]
    pub hold: RequestId,
    /// How much: at most what was left.
    #[n(1)]
    pub amount: Pence,
}

/// A line was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct LineAnswered {
    /// What became of it.
    #[n(0)]
    pub answer: Answer,
    /// Reasons or notes, all at once.
    #[n(1)]
    pub reasons: Reasons,
    /// How often a line of this identity has been answered, this time included.
    #[n(2)]
    pub version: u32,
    /// Who pays whom, where that is known and the payer is ours.
    #[n(3)]
    pub route: Option<Route>,
    /// The responsible commissioner, where known.
    #[n(4)]
    pub payer: Option<OdsCode>,
    /// The cut that it is counted in; none when it came too late or cannot be dated.
    #[n(5)]
    pub cut: Option<Cut>,
    /// Where its money stands.
    #[n(6)]
    pub books: Books,
    /// The referral that it was matched to.
    #[n(7)]
    pub referral: Option<Matched>,
    /// What it takes of the referral's hold.
    #[n(8)]
    pub capture: Option<Capture>,
    /// The version that it replaces.
    #[n(9)]
    pub supersedes: Option<Standing>,
    /// Whether it is now the version in force. It is not when an earlier one is and this one could not be read, or came
    /// after its month was frozen: then nothing is counted and nothing posted.
    #[n(10)]
    pub in_force: bool,
    /// How surely it was matched to a referral; none for what cannot be read, and in records from before lines were graded.
    #[n(11)]
    pub grade: Option<Grade>,
}

/// One payer's and payee's part of a sealed cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct SealedTotal {
    /// The payer.
    #[n(0)]
    pub payer: OdsCode,
    /// The payee.
    #[n(1)]
    pub payee: OdsCode,
    /// Lines in force, corrections of earlier cuts taken off.
    #[n(2)]
    pub lines: i64,
    /// Owed line by line: the total of the ledger's window.
    #[n(3)]
    pub payable: NetPence,
    /// Recognised against payments on account.
    #[n(4)]
    pub recognised: NetPence,
    /// Covered by a block payment.
    #[n(5)]
    pub block: NetPence,
    /// Contested at the claimed amount.
    #[n(6)]
    pub contested: NetPence,
}
