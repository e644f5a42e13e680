//! Referrals, and the activity that follows them: the one place where a line is answered.
//!
//! ```text
//! line ──▶ readable? ──▶ who pays, who is paid, by which contract, in which cut, at what price ──▶ answer
//!              │                                                                                     │
//!          unreadable                                        accepted (our price) or contested (every reason)
//! always, by provider, payer and cut:   claimed = accepted + price difference + contested + unreadable
//! ```
//!
//! - The line is the command: one line, one request id, one record. Its identity is its provider and CDS identifier; the
//!   same identity again is a new version, which takes off what it replaces and posts the difference.
//! - Decisions use the reference data adopted last ([`AdoptReference`]): a replay, or an auditor, reprices every line from
//!   the journal alone.
//! - What follows for the ledger is a [`Report`], derived from the event; this crate knows no account's number.
//!
//! Rules chosen here, each tested beside it:
//! - a date in the future, or a discharge before admission, makes a line *unreadable*: it cannot be true, so it has no
//!   month and no payer;
//! - a line for another commissioner of the same system is moved to the responsible one and noted; for another system's
//!   it is contested, with the right payer where known, and stands in no account;
//! - an appointment not attended or cancelled, and an event that only stops the waiting-time clock, are accepted at
//!   nothing;
//! - a line after its month's freeze is contested `AFTER_FREEZE`; if it is a new version the earlier one goes on standing;
//! - a referral nobody reported is implied by its first accepted line; it holds nothing, because its cost is here;
//! - how surely a line was matched to a referral ([`Grade`]) is counted and decides no payment.
//!
//! It refuses to know: NHS numbers (a [`nhs::Pseudonym`] stands for a patient), clocks, files, the wire, and other domains.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )
)]

mod apply;
mod challenge;
mod command;
mod decide;
mod domain;
mod event;
mod extract;
mod key;
mod life;
mod plan;
mod reason;
mod report;
mod repricing;
mod snapshot;
mod state;
mod view;

pub use challenge::{
    AnswerChallenge, Challenge, ChallengeState, ConcludeChallenge, Conclusion, Ground, Grounds,
    RaiseChallenge, SetChallengeRules, Split,
};
pub use command::{
    ActivityLine, AdoptReference, AdoptTerms, Care, Command, End, EndReferral, ExpireReferral,
    OpenSubmission, RecordReferral, SealCut, Source, SubmitUnreadable, UNREADABLE_RECORD_BYTES_MAX,
    UnreadableLine, WithdrawLine,
};
pub use decide::price_again;
pub use domain::Referrals;
pub use event::{
    Answer, Books, Capture, ChallengeMoved, ChallengeRaised, Event, Hold, LineAnswered, Matched, Mechanism,
    ReferralMoved, ReferralRecorded, Release, Route, SealedTotal, Standing, UnreadableAnswered, Verdict,
};
pub use extract::{
    AdoptExtract, EXTRACT_PARTS_MAX, ExtractInForce, ExtractPart, ExtractSum, ExtractTerms, SusRow,
};
pub use key::LineTag;
pub use life::{Clock, Grade, Life, Move, MoveReferral, NoChoice, Seen, Stage, Stop, WAIT_DAYS};
pub use plan::{MarginPosted, PlanKey, PlanPosition, PostMargin};
pub use reason::{Faults, Reason, Reasons, Refusal};
pub use report::{Account, HoldAction, Leaf, Leg, Posting, PostingKind, Report, SealWindows, posting_id};
pub use repricing::{
    ApproveRepricing, ProposeRepricing, REPRICED_MAX, REPRICING_REASON_BYTES_MAX, RepriceLine, RepricedRow,
    RepricedRows, Repricing, RepricingTerms,
};
pub use state::{InForce, Referral, ReferralState, State, Submission, Total, TotalKey};
pub use view::Waiting;

pub(crate) use state::Pathway;

/// The largest amount that one line may claim: £1,000 million. Larger claims are typing errors, and the bound keeps every
/// sum of them inside its type.
pub const CLAIMED_MAX: money::Pence = match money::Pence::new(100_000_000_000) {
    Some(amount) => amount,
    None => money::Pence::MAX,
};

#[cfg(test)]
mod tests;
