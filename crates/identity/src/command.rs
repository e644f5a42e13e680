//! What is asked of the controlled plane, what happens, and why not.

use crate::{BlindIndex, PayeeId, Sealed};
use journal::Position;
use minicbor::{Decode, Encode};
use nhs::Pseudonym;

/// The most people in one record: 400 rows of 135 bytes and their outcome stay under a record's 60,000 bytes.
pub const PERSON_ROWS_MAX: usize = 400;

/// The most pseudonyms in one note of a read: 1,000 of 17 bytes stay well under a record's 60,000.
pub const READ_PSEUDONYMS_MAX: usize = 1_000;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Say which keys this journal is sealed with.
    AdoptKeys(AdoptKeys),
    /// Give pseudonyms to people seen for the first time.
    MintPersons(MintPersons),
    /// Propose where a plan's direct payments go.
    ProposePayee(ProposePayee),
    /// Put proposed details in force.
    ApprovePayee(ApprovePayee),
    /// Note that personal data is about to be read.
    NoteRead(NoteRead),
}

/// The keys that the service holds, by values that tell them from others.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct AdoptKeys {
    /// [`crate::seal::IndexKey::check`].
    #[n(0)]
    #[cbor(with = "minicbor::bytes")]
    pub index_check: [u8; 16],
    /// The generation in use, from 1.
    #[n(1)]
    pub generation: u32,
    /// [`crate::seal::GenerationKey::check`].
    #[n(2)]
    #[cbor(with = "minicbor::bytes")]
    pub generation_check: [u8; 16],
}

/// People, as the adapter sealed them.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct MintPersons {
    /// The generation whose key wraps the person keys.
    #[n(0)]
    pub generation: u32,
    /// One to [`PERSON_ROWS_MAX`] people.
    #[n(1)]
    pub rows: Vec<PersonRow>,
}

/// One person.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct PersonRow {
    /// What the number is looked up by.
    #[n(0)]
    pub blind_index: BlindIndex,
    /// Sixteen random bytes, used when the blind index is new.
    #[n(1)]
    pub pseudonym: Pseudonym,
    /// The NHS number under the person key.
    #[n(2)]
    pub sealed: Sealed,
    /// The person key under the generation key.
    #[n(3)]
    pub wrapped_key: Sealed,
}

/// Where a plan's direct payments should go.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct ProposePayee {
    /// The plan.
    #[n(0)]
    pub payee: PayeeId,
    /// Whose plan.
    #[n(1)]
    pub pseudonym: Pseudonym,
    /// [`crate::seal::PayeeDetails`] under the person key.
    #[n(2)]
    pub sealed: Sealed,
}

/// A second person's yes to proposed details.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct ApprovePayee {
    /// The plan.
    #[n(0)]
    pub payee: PayeeId,
    /// The record that proposed the details.
    #[n(1)]
    pub proposal: Position,
}

/// Personal data is about to be read. Who reads stands in the record's header.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct NoteRead {
    /// Why.
    #[n(0)]
    pub purpose: Purpose,
    /// About whom: one to [`READ_PSEUDONYMS_MAX`] people.
    #[n(1)]
    pub pseudonyms: Vec<Pseudonym>,
}

/// Why personal data is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum Purpose {
    /// Validating an invoice or a challenged line inside the controlled environment for finance.
    #[n(1)]
    InvoiceValidation,
    /// Writing a payment file.
    #[n(2)]
    Payment,
    /// Answering the person's own request for what is held.
    #[n(3)]
    SubjectAccess,
    /// Managing the person's plan: reviews, notices, reclaims.
    #[n(4)]
    CareManagement,
    /// An audit with a named authority.
    #[n(5)]
    Audit,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Event {
    /// The keys are this journal's.
    #[n(0)]
    KeysAdopted,
    /// The rows not named here are new people.
    #[n(1)]
    PersonsMinted {
        /// Indices of rows whose person was known, ascending: those keep the pseudonym they had.
        #[n(0)]
        known: Vec<u16>,
    },
    /// The details await a second person.
    #[n(2)]
    PayeeProposed,
    /// The details are in force.
    #[n(3)]
    PayeeApproved,
    /// The read is noted.
    #[n(4)]
    ReadNoted,
}

/// Why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Refusal {
    /// The keys are not those that this journal is sealed with.
    #[n(0)]
    KeysDiffer,
    /// The journal has not adopted the keys that sealed this.
    #[n(1)]
    KeysNotAdopted,
    /// Nothing, or more than one record holds.
    #[n(2)]
    BatchSize,
    /// A pseudonym offered for a new person is another person's already.
    #[n(3)]
    PseudonymTaken,
    /// Nobody has this pseudonym.
    #[n(4)]
    PersonUnknown,
    /// The plan's payee is registered for another person.
    #[n(5)]
    PayeeOfAnotherPerson,
    /// Nothing was ever proposed for this plan.
    #[n(6)]
    PayeeUnknown,
    /// The proposal is not the one that awaits approval.
    #[n(7)]
    ProposalUnknown,
    /// The approver is the one who proposed.
    #[n(8)]
    SamePerson,
}

impl Refusal {
    /// Every refusal, in the order of precedence.
    pub const ALL: [Self; 9] = [
        Self::KeysDiffer,
        Self::KeysNotAdopted,
        Self::BatchSize,
        Self::PseudonymTaken,
        Self::PersonUnknown,
        Self::PayeeOfAnotherPerson,
        Self::PayeeUnknown,
        Self::ProposalUnknown,
        Self::SamePerson,
    ];

    /// The code that programs read.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::KeysDiffer => "KEYS_DIFFER",
            Self::KeysNotAdopted => "KEYS_NOT_ADOPTED",
            Self::BatchSize => "BATCH_SIZE",
            Self::PseudonymTaken => "PSEUDONYM_TAKEN",
            Self::PersonUnknown => "PERSON_UNKNOWN",
            Self::PayeeOfAnotherPerson => "PAYEE_OF_ANOTHER_PERSON",
            Self::PayeeUnknown => "PAYEE_UNKNOWN",
            Self::ProposalUnknown => "PROPOSAL_UNKNOWN",
            Self::SamePerson => "SAME_PERSON",
        }
    }

    /// What it means, for people.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::KeysDiffer => "the key files are not those that this journal is sealed with",
            Self::KeysNotAdopted => "the journal has not adopted the keys that sealed this",
            Self::BatchSize => "the batch is empty or larger than one record holds",
            Self::PseudonymTaken => "a pseudonym offered for a new person is another person's already",
            Self::PersonUnknown => "nobody has this pseudonym",
            Self::PayeeOfAnotherPerson => "the plan's payee is registered for another person",
            Self::PayeeUnknown => "no bank details were ever proposed for this plan",
            Self::ProposalUnknown => "the proposal is not the one that awaits approval",
            Self::SamePerson => "bank details are approved by another person than the one who proposed them",
        }
    }

    /// Whether the same command could succeed later, under another request id.
    #[must_use]
    pub const fn is_state_dependent(self) -> bool {
        match self {
            Self::KeysDiffer
            | Self::KeysNotAdopted
            | Self::PseudonymTaken
            | Self::PersonUnknown
            | Self::PayeeOfAnotherPerson
            | Self::PayeeUnknown
            | Self::ProposalUnknown => true,
            Self::BatchSize | Self::SamePerson => false,
        }
    }
}

impl core::fmt::Display for Refusal {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.message())
    }
}
