//! Witnesses before money: what an approval pins, how many must have cosigned it, and what stands in for them.
//!
//! ```text
//! approval (pins the ledger's and the referrals' checkpoints, and says whom to ask) ── cosigned by enough ──▶ witnessed ──▶ paid
//!       └── waived by two approvers, with a reason ─────────────────────────────────────────────────────────────────────▶ paid
//! ```
//! A cosignature on a checkpoint of this journal that holds the approval pins the other two as well: whoever rewrote the ledger
//! or the referrals afterwards could not show them to anybody.

use crate::{Refusal, Run};
use access::{Approval, ApprovalRefusal, Proposal, approve};
use journal::{Digest, Position, WitnessVerifier, checkpoint_of, cosigners};
use minicbor::{Decode, Encode};

/// A checkpoint of another journal, as an approval pins it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct PinnedCheckpoint {
    /// The journal's origin.
    #[n(0)]
    pub origin: String,
    /// The size of its tree.
    #[n(1)]
    pub size: u64,
    /// The root of its tree.
    #[n(2)]
    pub root: Digest,
}

/// What an approval pins, and how many witnesses must have seen it before the run is paid.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Pins {
    /// The checkpoints of the ledger and the referrals.
    #[n(0)]
    pub checkpoints: Vec<PinnedCheckpoint>,
    /// How many of the witnesses must cosign; 0: none need to.
    #[n(1)]
    pub required: u8,
    /// The verifier keys of the witnesses that count (c2sp.org/tlog-cosignature), each in its one spelling.
    #[n(2)]
    pub witnesses: Vec<String>,
}

/// Shows that enough witnesses saw an approval.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct WitnessRun {
    /// The run.
    #[n(0)]
    pub run: journal::RequestId,
    /// A checkpoint of this journal that holds the approval: a signed note with the witnesses' cosignatures.
    #[n(1)]
    pub note: String,
}

/// Does without the witnesses. It takes two approvers who say the same.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct WaiveWitnesses {
    /// The run.
    #[n(0)]
    pub run: journal::RequestId,
    /// The run's digest, as the approver saw it.
    #[n(1)]
    pub digest: Digest,
    /// Why.
    #[n(2)]
    pub reason: String,
}

/// Where a waiver stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiver {
    /// Why, as the first approver says.
    pub reason: String,
    /// Who proposed it, and the digest of run and reason.
    pub proposal: Proposal,
    /// That another approver agreed.
    pub approval: Option<Approval>,
}

/// That witnesses saw an approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witnessed {
    /// The size of this journal's tree that they cosigned.
    pub size: u64,
    /// The names of those who did.
    pub by: Vec<String>,
}

/// What two approvers agree to when they waive: the run and the reason.
#[must_use]
pub fn waiver_digest(run: Digest, reason: &str) -> Digest {
    Digest::of(&[b"waive witnesses\0", &run.0[..], reason.as_bytes()].concat())
}

/// The witnesses of `note` that count for a run with `pins`: their names. Errors when the note is no checkpoint that holds the record at
/// `approved`, or too few cosigned it.
pub(crate) fn witnessed(pins: &Pins, approved: Position, note: &str) -> Result<Witnessed, Refusal> {
    let missing = |found: usize| Refusal::CosignaturesMissing {
        found: u8::try_from(found).unwrap_or(u8::MAX),
        required: pins.required,
    };
    let (_, checkpoint) = checkpoint_of(note).map_err(|_| missing(0))?;
    if checkpoint.size <= approved.get() {
        return Err(missing(0));
    }
    let witnesses: Vec<WitnessVerifier> = pins.witnesses.iter().filter_map(|key| key.parse().ok()).collect();
    let by: Vec<String> =
        cosigners(note, &witnesses).into_iter().map(|(witness, _)| witness.name().to_owned()).collect();
    if by.len() < usize::from(pins.required) {
        return Err(missing(by.len()));
    }
    Ok(Witnessed { size: checkpoint.size, by })
}

/// The first approver's waiver, or the second's agreement. `None` stands for the first.
pub(crate) fn waived(
    run: &Run,
    caller: Position,
    waive: &WaiveWitnesses,
) -> Result<Option<Approval>, Refusal> {
    if run.required_witnesses() == 0 {
        return Err(Refusal::NothingToWaive);
    }
    if waive.digest != run.digest {
        return Err(Refusal::Approval(ApprovalRefusal::DigestMismatch));
    }
    match &run.waiver {
        None => Ok(None),
        Some(Waiver { approval: Some(_), .. }) => Err(Refusal::NothingToWaive),
        Some(Waiver { proposal, approval: None, .. }) => {
            let said = waiver_digest(run.digest, &waive.reason);
            approve(proposal, caller, said).map(Some).map_err(Refusal::Approval)
        }
    }
}

impl Run {
    /// How many witnesses must have seen the approval before the run is paid; 0 until it is approved.
    #[must_use]
    pub fn required_witnesses(&self) -> u8 {
        self.pins.as_ref().map_or(0, |pins| pins.required)
    }

    /// Whether the run waits for witnesses: approved, and neither seen by enough nor waived.
    #[must_use]
    pub fn awaits_witnesses(&self) -> bool {
        let waived = self.waiver.as_ref().is_some_and(|waiver| waiver.approval.is_some());
        self.state == crate::RunState::Approved && self.required_witnesses() > 0 && !waived
    }
}
