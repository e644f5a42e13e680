//! Why not.

use access::ApprovalRefusal;
use core::fmt;
use journal::{Day, Position};
use minicbor::{Decode, Encode};
use nhs::{OdsCode, Period};
use reference::{ContractId, Role};
use tariff::BookId;

/// Why a command was refused. Checked in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
pub enum Refusal {
    /// No rows, or more than one record holds.
    #[n(1)]
    BatchSize,
    /// Two rows of the batch have one key.
    #[n(2)]
    RowRepeated {
        /// The later of them, from 0.
        #[n(0)]
        row: u32,
    },
    /// A row ends before it begins.
    #[n(3)]
    ValidityBackwards {
        /// The row, from 0.
        #[n(0)]
        row: u32,
    },
    /// A name, title or source is empty or too long.
    #[n(4)]
    TextLength {
        /// The row, from 0.
        #[n(0)]
        row: u32,
    },
    /// No organisation of that code is registered.
    #[n(5)]
    OrganisationUnknown {
        /// The code.
        #[n(0)]
        ods: OdsCode,
    },
    /// The organisation is not of the kind that it would have to be.
    #[n(6)]
    OrganisationRole {
        /// Its code.
        #[n(0)]
        ods: OdsCode,
        /// Its kind.
        #[n(1)]
        role: Role,
    },
    /// The organisation is not open on the row's first day.
    #[n(7)]
    OrganisationClosed {
        /// Its code.
        #[n(0)]
        ods: OdsCode,
        /// The day.
        #[n(1)]
        on: Day,
    },
    /// An organisation would succeed itself.
    #[n(8)]
    SuccessionCircular {
        /// Its code.
        #[n(0)]
        ods: OdsCode,
    },
    /// Not a system's name, or the one that all systems share.
    #[n(9)]
    SystemName,
    /// A sandbox is registered with what its clock shows at first, another system without.
    #[n(10)]
    SandboxClock,
    /// The system is registered as a sandbox and may never cease to be one, or the other way round.
    #[n(11)]
    SandboxFixed,
    /// The final cut would close before the first.
    #[n(12)]
    DeadlinesBackwards {
        /// The month.
        #[n(0)]
        period: Period,
    },
    /// A deadline that has passed cannot be moved: its cut is sealed.
    #[n(13)]
    DeadlinePassed {
        /// The month.
        #[n(0)]
        period: Period,
    },
    /// A contract's list of payers or functions is empty, out of order or has repeats.
    #[n(14)]
    ContractScope {
        /// The contract.
        #[n(0)]
        contract: ContractId,
    },
    /// An on-account or block contract has one payer, and its instalments fall due on day 1 to 28.
    #[n(15)]
    ContractInstalments {
        /// The contract.
        #[n(0)]
        contract: ContractId,
    },
    /// The contract's id is another provider's already.
    #[n(16)]
    ContractOfAnotherProvider {
        /// The contract.
        #[n(0)]
        contract: ContractId,
    },
    /// Two contracts would govern one activity.
    #[n(17)]
    ContractsOverlap {
        /// The contract proposed.
        #[n(0)]
        contract: ContractId,
        /// The contract that it overlaps.
        #[n(1)]
        other: ContractId,
    },
    /// The bytes are not the price book that they are said to be.
    #[n(18)]
    PriceBookMalformed {
        /// Its name.
        #[n(0)]
        price_book: BookId,
    },
    /// More proposals wait than are kept.
    #[n(19)]
    TooManyProposals,
    /// No proposal of that position waits.
    #[n(20)]
    ProposalUnknown {
        /// The position.
        #[n(0)]
        proposal: Position,
    },
    /// Whoever proposed it cannot approve it.
    #[n(21)]
    SamePerson,
    /// The digest approved is not the digest proposed.
    #[n(22)]
    DigestMismatch,
    /// A price book of that name with other prices is, or was, in force: what was priced from it names it.
    #[n(23)]
    PriceBookNameUsed {
        /// The name.
        #[n(0)]
        price_book: BookId,
    },
    /// What a contract says of prices contradicts itself, or a plan stands beside no block.
    #[n(24)]
    ContractPricing {
        /// The contract.
        #[n(0)]
        contract: ContractId,
    },
}

impl Refusal {
    /// The code that programs read.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::BatchSize => "BATCH_SIZE",
            Self::RowRepeated { .. } => "ROW_REPEATED",
            Self::ValidityBackwards { .. } => "VALIDITY_BACKWARDS",
            Self::TextLength { .. } => "TEXT_LENGTH",
            Self::OrganisationUnknown { .. } => "ORGANISATION_UNKNOWN",
            Self::OrganisationRole { .. } => "ORGANISATION_ROLE",
            Self::OrganisationClosed { .. } => "ORGANISATION_CLOSED",
            Self::SuccessionCircular { .. } => "SUCCESSION_CIRCULAR",
            Self::SystemName => "SYSTEM_NAME",
            Self::SandboxClock => "SANDBOX_CLOCK",
            Self::SandboxFixed => "SANDBOX_FIXED",
            Self::DeadlinesBackwards { .. } => "DEADLINES_BACKWARDS",
            Self::DeadlinePassed { .. } => "DEADLINE_PASSED",
            Self::ContractScope { .. } => "CONTRACT_SCOPE",
            Self::ContractInstalments { .. } => "CONTRACT_INSTALMENTS",
            Self::ContractOfAnotherProvider { .. } => "CONTRACT_OF_ANOTHER_PROVIDER",
            Self::ContractsOverlap { .. } => "CONTRACTS_OVERLAP",
            Self::PriceBookMalformed { .. } => "PRICE_BOOK_MALFORMED",
            Self::PriceBookNameUsed { .. } => "PRICE_BOOK_NAME_USED",
            Self::TooManyProposals => "TOO_MANY_PROPOSALS",
            Self::ProposalUnknown { .. } => "PROPOSAL_UNKNOWN",
            Self::SamePerson => ApprovalRefusal::SamePerson.reason(),
            Self::DigestMismatch => ApprovalRefusal::DigestMismatch.reason(),
            Self::ContractPricing { .. } => "CONTRACT_PRICING",
        }
    }

    /// Every code, in the order of precedence.
    pub const REASONS: [&'static str; 24] = [
        "BATCH_SIZE",
        "ROW_REPEATED",
        "VALIDITY_BACKWARDS",
        "TEXT_LENGTH",
        "ORGANISATION_UNKNOWN",
        "ORGANISATION_ROLE",
        "ORGANISATION_CLOSED",
        "SUCCESSION_CIRCULAR",
        "SYSTEM_NAME",
        "SANDBOX_CLOCK",
        "SANDBOX_FIXED",
        "DEADLINES_BACKWARDS",
        "DEADLINE_PASSED",
        "CONTRACT_SCOPE",
        "CONTRACT_INSTALMENTS",
        "CONTRACT_OF_ANOTHER_PROVIDER",
        "CONTRACTS_OVERLAP",
        "PRICE_BOOK_MALFORMED",
        "TOO_MANY_PROPOSALS",
        "PROPOSAL_UNKNOWN",
        "SAME_PERSON",
        "DIGEST_MISMATCH",
        "PRICE_BOOK_NAME_USED",
        "CONTRACT_PRICING",
    ];

    /// Whether the same command could succeed later, under another request id.
    #[must_use]
    pub const fn is_state_dependent(&self) -> bool {
        match self {
            Self::OrganisationUnknown { .. }
            | Self::OrganisationRole { .. }
            | Self::OrganisationClosed { .. }
            | Self::SuccessionCircular { .. }
            | Self::SandboxFixed
            | Self::DeadlinePassed { .. }
            | Self::ContractOfAnotherProvider { .. }
            | Self::ContractsOverlap { .. }
            | Self::PriceBookNameUsed { .. }
            | Self::TooManyProposals
            | Self::ProposalUnknown { .. }
            | Self::SamePerson
            | Self::DigestMismatch => true,
            Self::BatchSize
            | Self::RowRepeated { .. }
            | Self::ValidityBackwards { .. }
            | Self::TextLength { .. }
            | Self::SystemName
            | Self::SandboxClock
            | Self::DeadlinesBackwards { .. }
            | Self::ContractScope { .. }
            | Self::ContractInstalments { .. }
            | Self::ContractPricing { .. }
            | Self::PriceBookMalformed { .. } => false,
        }
    }

    /// What the refusal is about, as a name that a person can look up; empty when it is the whole request.
    #[must_use]
    pub fn subject(&self) -> String {
        match self {
            Self::OrganisationUnknown { ods }
            | Self::OrganisationRole { ods, .. }
            | Self::OrganisationClosed { ods, .. }
            | Self::SuccessionCircular { ods } => ods.to_string(),
            Self::DeadlinesBackwards { period } | Self::DeadlinePassed { period } => period.to_string(),
            Self::ContractScope { contract }
            | Self::ContractInstalments { contract }
            | Self::ContractPricing { contract }
            | Self::ContractOfAnotherProvider { contract }
            | Self::ContractsOverlap { contract, .. } => contract.to_string(),
            Self::PriceBookMalformed { price_book } | Self::PriceBookNameUsed { price_book } => {
                price_book.to_string()
            }
            Self::RowRepeated { row } | Self::ValidityBackwards { row } | Self::TextLength { row } => {
                format!("[{row}]")
            }
            Self::ProposalUnknown { proposal } => proposal.to_string(),
            Self::BatchSize
            | Self::SystemName
            | Self::SandboxClock
            | Self::SandboxFixed
            | Self::TooManyProposals
            | Self::SamePerson
            | Self::DigestMismatch => String::new(),
        }
    }
}

impl From<ApprovalRefusal> for Refusal {
    fn from(refusal: ApprovalRefusal) -> Self {
        match refusal {
            ApprovalRefusal::SamePerson => Self::SamePerson,
            ApprovalRefusal::DigestMismatch => Self::DigestMismatch,
        }
    }
}

/// For people.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BatchSize => f.write_str("the batch is empty or larger than one record holds"),
            Self::RowRepeated { row } => write!(f, "row {row} repeats the key of an earlier row"),
            Self::ValidityBackwards { row } => write!(f, "row {row} ends before it begins"),
            Self::TextLength { row } => write!(f, "row {row} has a name or source that is empty or too long"),
            Self::OrganisationUnknown { ods } => write!(f, "no organisation {ods} is registered"),
            Self::OrganisationRole { ods, role } => {
                write!(f, "{ods} is a body of kind {role}, which does not fit here")
            }
            Self::OrganisationClosed { ods, on } => write!(f, "{ods} is not open on {on}"),
            Self::SuccessionCircular { ods } => write!(f, "{ods} would succeed itself"),
            Self::SystemName => f.write_str("not a name that a system can have"),
            Self::SandboxClock => {
                f.write_str("a sandbox has a clock of its own from the start, and no other system has one")
            }
            Self::SandboxFixed => f.write_str(
                "whether a system is a sandbox, and where its clock began, is settled when it is registered",
            ),
            Self::DeadlinesBackwards { period } => {
                write!(f, "the final cut of {period} would close before the first")
            }
            Self::DeadlinePassed { period } => {
                write!(f, "a deadline of {period} has passed: its cut is sealed")
            }
            Self::ContractScope { contract } => {
                write!(f, "the payers or functions of {contract} are empty, out of order or repeated")
            }
            Self::ContractInstalments { contract } => {
                write!(f, "{contract} is paid by instalments: it needs one payer and a day from 1 to 28")
            }
            Self::ContractPricing { contract } => {
                write!(
                    f,
                    "the terms of {contract} on prices are repeated, contradict each other, or plan without a block"
                )
            }
            Self::ContractOfAnotherProvider { contract } => {
                write!(f, "{contract} is another provider's contract")
            }
            Self::ContractsOverlap { contract, other } => {
                write!(f, "{contract} would govern the same activity as {other}")
            }
            Self::PriceBookMalformed { price_book } => {
                write!(f, "the bytes are not the price book {price_book}")
            }
            Self::PriceBookNameUsed { price_book } => {
                write!(f, "{price_book} is the name of other prices that were used: give these another name")
            }
            Self::TooManyProposals => f.write_str("too many proposals wait: approve or withdraw some"),
            Self::ProposalUnknown { proposal } => {
                write!(f, "no proposal {proposal} waits: it never did, or was approved or withdrawn")
            }
            Self::SamePerson => ApprovalRefusal::SamePerson.fmt(f),
            Self::DigestMismatch => ApprovalRefusal::DigestMismatch.fmt(f),
        }
    }
}
