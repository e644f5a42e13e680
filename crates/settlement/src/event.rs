//! What happened: only what the command and the moment do not say already.

use crate::EntryOutcome;
use access::Approval;
use journal::{Position, RequestId};
use minicbor::{Decode, Encode};

/// The consequence of an accepted command.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Event {
    /// The snapshot is in force.
    #[n(1)]
    ReferenceAdopted,
    /// It fell due, and the ledger is asked.
    #[n(2)]
    FellDue,
    /// The answers are recorded.
    #[n(3)]
    AsksSettled,
    /// The run is prepared.
    #[n(4)]
    RunPrepared {
        /// The runs that it supersedes.
        #[n(0)]
        supersedes: Vec<RequestId>,
    },
    /// The run is approved.
    #[n(5)]
    RunApproved {
        /// By whom.
        #[n(0)]
        approval: Approval,
    },
    /// The run is being paid: the ledger is asked for every payment.
    #[n(6)]
    RunPaying,
    /// The run's files are fixed.
    #[n(7)]
    FilesRecorded,
    /// The run took the step.
    #[n(8)]
    RunStepped,
    /// The bank's message is recorded.
    #[n(9)]
    BankMessageRecorded {
        /// What became of each entry, in order. The ledger is asked to post those that move money.
        #[n(0)]
        outcomes: Vec<EntryOutcome>,
    },
    /// The same message was recorded before: nothing changes.
    #[n(10)]
    BankMessageKnown {
        /// Where.
        #[n(0)]
        first: Position,
    },
    /// Enough witnesses saw the approval.
    #[n(11)]
    RunWitnessed {
        /// The names of those who count.
        #[n(0)]
        by: Vec<String>,
        /// The size of the tree that they cosigned.
        #[n(1)]
        size: u64,
    },
    /// An approver wants to do without witnesses: another must agree.
    #[n(12)]
    WaiverProposed,
    /// Two approvers do without witnesses.
    #[n(13)]
    WitnessesWaived {
        /// By whom.
        #[n(0)]
        approval: Approval,
    },
}
