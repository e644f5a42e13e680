//! What settlement is asked.

use crate::{
    Adopted, BankMessage, InstalmentKey, LedgerAnswer, Payee, Pins, RunContent, RunFile, RunStep,
    WaiveWitnesses, WitnessRun,
};
use journal::{Digest, Item, RequestId};
use minicbor::{Decode, Encode};
use money::Pence;
use nhs::OdsCode;
use reference::ExpenditureClass;
use std::sync::Arc;

/// A command. Each is one record.
#[derive(Debug, Clone)]
pub enum Command {
    /// Decides with a newer snapshot of reference data from now on.
    AdoptReference(AdoptReference),
    /// Something falls due. Issued by the day roll.
    FallDue(FallDue),
    /// Records the ledger's answers to asks.
    SettleAsks(SettleAsks),
    /// Fixes what a run is to pay.
    PrepareRun(PrepareRun),
    /// Agrees to a run.
    ApproveRun(ApproveRun),
    /// Pays a run.
    PayRun(PayRun),
    /// Fixes a run's files by their digests.
    RecordFiles(RecordFiles),
    /// Resumes, closes or cancels a run.
    StepRun(StepRun),
    /// Records what a bank says.
    RecordBankMessage(RecordBankMessage),
    /// Shows that enough witnesses saw an approval.
    WitnessRun(WitnessRun),
    /// Does without witnesses.
    WaiveWitnesses(WaiveWitnesses),
}

/// Adopts reference data.
#[derive(Debug, Clone)]
pub struct AdoptReference {
    /// What stands in the record.
    pub terms: AdoptTerms,
    /// The snapshot, read from its blob.
    pub adopted: Adopted,
}

/// Names a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct AdoptTerms {
    /// The SHA-256 of its canonical bytes, which are a blob of this journal.
    #[n(0)]
    pub digest: Digest,
}

/// Something falls due.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct FallDue {
    /// What and when.
    #[n(0)]
    pub key: InstalmentKey,
    /// Who pays.
    #[n(1)]
    pub payer: OdsCode,
    /// Who is paid.
    #[n(2)]
    pub payee: Payee,
    /// Whose income it is, as seen from the system.
    #[n(3)]
    pub class: ExpenditureClass,
    /// How much.
    #[n(4)]
    pub pence: Pence,
}

/// Records answers.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct SettleAsks {
    /// Asks with their answers, at most 256. An ask that is answered already is passed over.
    #[n(0)]
    pub answers: Vec<(Item, LedgerAnswer)>,
}

/// Fixes what a run is to pay.
#[derive(Debug, Clone)]
pub struct PrepareRun {
    /// What stands in the record.
    pub terms: PrepareTerms,
    /// The content, read from its blob.
    pub content: Arc<RunContent>,
}

/// Names a run's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct PrepareTerms {
    /// The SHA-256 of the content's canonical bytes, which are a blob of this journal.
    #[n(0)]
    pub digest: Digest,
}

/// Agrees to a run.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct ApproveRun {
    /// The run.
    #[n(0)]
    pub run: RequestId,
    /// The digest that the approver saw.
    #[n(1)]
    pub digest: Digest,
    /// What the approval pins. The service adds it; the approver does not say it.
    #[n(2)]
    pub pins: Option<Pins>,
}

/// Pays a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct PayRun {
    /// The run.
    #[n(0)]
    pub run: RequestId,
    /// The digest that was approved.
    #[n(1)]
    pub digest: Digest,
}

/// Fixes a run's files.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct RecordFiles {
    /// The run.
    #[n(0)]
    pub run: RequestId,
    /// Its files, by name.
    #[n(1)]
    pub files: Vec<RunFile>,
}

/// Resumes, closes or cancels a run.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct StepRun {
    /// The run.
    #[n(0)]
    pub run: RequestId,
    /// `Resume`, `Close` or `Cancel`.
    #[n(1)]
    pub step: RunStep,
    /// Why, of a cancellation; empty otherwise.
    #[n(2)]
    pub reason: String,
}

/// Records what a bank says.
#[derive(Debug, Clone)]
pub struct RecordBankMessage {
    /// The SHA-256 of the message's canonical bytes, which are a blob of this journal.
    pub blob: Digest,
    /// The message, read from its blob.
    pub message: Arc<BankMessage>,
}
