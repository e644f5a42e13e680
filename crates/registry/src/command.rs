//! What is asked of the registry, and what happens.

use access::Approval;
use journal::{Day, Digest, Fingerprint, Instant, Position};
use minicbor::{Decode, Encode};
use nhs::{FinancialYear, OdsCode};
use reference::{
    BankDetails, Contract, Deadlines, District, MarketForces, Organisation, PaymentChannel, Practice,
    PriceKind, Role, Scope, Site, System, Validity,
};
use std::{collections::BTreeSet, sync::Arc};
use tariff::BookId;

/// The most rows of one command: 200 of at most 280 bytes (see the text limits) stay under a record's 60,000 bytes. For
/// contracts, whose lists are longer, [`Command::fits_record`] decides.
pub const ROWS_MAX: usize = 200;

/// The longest name or title in a row, in bytes.
pub const NAME_BYTES_MAX: usize = 100;

/// The longest source in a row, in bytes.
pub const SOURCE_BYTES_MAX: usize = 120;

/// The most bank holidays of one command: forty years of them.
pub const HOLIDAYS_MAX: usize = 400;

/// The most that a command's body may take, so that header, outcome and body stay under [`journal::RECORD_BYTES_MAX`].
const BODY_BYTES_MAX: usize = 59_000;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Names organisations, or changes what is known of them.
    RegisterOrganisations(RegisterOrganisations),
    /// Says which commissioning group practices belong to.
    RegisterPractices(RegisterPractices),
    /// Gives market forces factors.
    RegisterMarketForces(RegisterMarketForces),
    /// Names a system and its members.
    RegisterSystem(RegisterSystem),
    /// Says who is paid for sites.
    RegisterSites(RegisterSites),
    /// Says which group is responsible for unregistered people of postcode districts.
    RegisterDistricts(RegisterDistricts),
    /// Sets deadlines and bank holidays.
    SetCalendar(SetCalendar),
    /// Says how payers pay.
    SetPaymentChannels(SetPaymentChannels),
    /// Proposes what two people must agree on.
    Propose(Propose),
    /// Puts what another person proposed in force.
    ApproveProposal(ApproveProposal),
    /// Takes a proposal back.
    WithdrawProposal(WithdrawProposal),
}

impl Command {
    /// Whether the record of this command stays within its limit. Adapters refuse what does not.
    #[must_use]
    pub fn fits_record(&self) -> bool {
        crate::codec::command_bytes(self).len() <= BODY_BYTES_MAX
    }

    /// The fingerprint of what the caller asked: of the kind and the fields, without what the adapter put in beside them.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        let mut asked = self.clone();
        asked.set_known(Known::default());
        let mut bytes = crate::codec::kind(&asked).0.to_le_bytes().to_vec();
        bytes.extend(crate::codec::command_bytes(&asked));
        journal::fingerprint(&bytes)
    }

    /// The organisations that a system's command names, of which the national journal has to be asked. Commands of the
    /// national journal find theirs themselves.
    #[must_use]
    pub fn named_bodies(&self) -> BTreeSet<OdsCode> {
        match self {
            Self::RegisterSites(register) => register.rows.iter().map(|row| row.payee).collect(),
            Self::RegisterDistricts(register) => register.rows.iter().map(|row| row.ccg).collect(),
            Self::SetPaymentChannels(set) => set.rows.iter().map(|row| row.payer).collect(),
            Self::Propose(propose) => propose.content.named_bodies(),
            Self::RegisterOrganisations(_)
            | Self::RegisterPractices(_)
            | Self::RegisterMarketForces(_)
            | Self::RegisterSystem(_)
            | Self::SetCalendar(_)
            | Self::ApproveProposal(_)
            | Self::WithdrawProposal(_) => BTreeSet::new(),
        }
    }

    /// Puts in what the national journal says of them.
    pub fn set_known(&mut self, known: Known) {
        match self {
            Self::RegisterSites(register) => register.known = known,
            Self::RegisterDistricts(register) => register.known = known,
            Self::SetPaymentChannels(set) => set.known = known,
            Self::Propose(propose) => propose.known = known,
            Self::RegisterOrganisations(_)
            | Self::RegisterPractices(_)
            | Self::RegisterMarketForces(_)
            | Self::RegisterSystem(_)
            | Self::SetCalendar(_)
            | Self::ApproveProposal(_)
            | Self::WithdrawProposal(_) => {}
        }
    }
}

/// Organisations, keyed by code.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct RegisterOrganisations {
    /// One to [`ROWS_MAX`] rows. A successor is known already or stands in the same batch.
    #[n(0)]
    pub rows: Vec<Organisation>,
}

/// Practices, keyed by code and first day.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct RegisterPractices {
    /// One to [`ROWS_MAX`] rows.
    #[n(0)]
    pub rows: Vec<Practice>,
}

/// Market forces factors, keyed by provider, site and first day.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct RegisterMarketForces {
    /// One to [`ROWS_MAX`] rows.
    #[n(0)]
    pub rows: Vec<MarketForces>,
}

/// A system. Registering it again changes title and members, never whether it is a sandbox or where its
/// clock began.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct RegisterSystem {
    /// The system.
    #[n(0)]
    pub system: System,
    /// What a sandbox's clock shows at first; none for other systems.
    #[n(1)]
    pub clock_start: Option<Instant>,
}

/// Sites, keyed by code and first day.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct RegisterSites {
    /// One to [`ROWS_MAX`] rows.
    #[n(0)]
    pub rows: Vec<Site>,
    /// What the national journal says of the payees.
    #[n(1)]
    pub known: Known,
}

/// Postcode districts, keyed by name and first day.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct RegisterDistricts {
    /// One to [`ROWS_MAX`] rows.
    #[n(0)]
    pub rows: Vec<District>,
    /// What the national journal says of the groups.
    #[n(1)]
    pub known: Known,
}

/// Deadlines by month, and bank holidays, which are only ever added.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct SetCalendar {
    /// At most [`ROWS_MAX`] months.
    #[n(0)]
    pub deadlines: Vec<Deadlines>,
    /// At most [`HOLIDAYS_MAX`] days.
    #[n(1)]
    pub bank_holidays: Vec<Day>,
}

/// Payment channels, keyed by payer and first day.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct SetPaymentChannels {
    /// One to [`ROWS_MAX`] rows.
    #[n(0)]
    pub rows: Vec<PaymentChannel>,
    /// What the national journal says of the payers.
    #[n(1)]
    pub known: Known,
}

/// What two people must agree on.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Propose {
    /// It.
    #[n(0)]
    pub content: Content,
    /// What the national journal says of the organisations that it names.
    #[n(1)]
    pub known: Known,
}

/// What changes only when two people agree. The digest that both see is that of its CBOR ([`Content::digest`]).
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Content {
    /// A price book, replacing the one of its year and kind.
    #[n(1)]
    PriceBook(#[n(0)] PriceBook),
    /// Contracts, keyed by id and first day.
    #[n(2)]
    Contracts(#[n(0)] Vec<Contract>),
    /// Bank details of payers and payees, keyed by organisation and first day.
    #[n(3)]
    BankDetails(#[n(0)] Vec<BankDetails>),
}

impl Content {
    /// The SHA-256 of its CBOR. A price book's own bytes are in it by their digest.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut bytes = Vec::new();
        // Writing to a Vec cannot fail.
        let _ = minicbor::encode(self, &mut bytes);
        Digest::of(&bytes)
    }

    fn named_bodies(&self) -> BTreeSet<OdsCode> {
        match self {
            Self::PriceBook(_) => BTreeSet::new(),
            Self::Contracts(rows) => {
                let payers = rows.iter().flat_map(|row| match &row.payers {
                    Scope::All => &[],
                    Scope::These(payers) => payers.as_slice(),
                });
                payers.copied().chain(rows.iter().map(|row| row.provider)).collect()
            }
            Self::BankDetails(rows) => rows.iter().map(|row| row.organisation).collect(),
        }
    }

    /// How many rows it has.
    #[must_use]
    pub const fn row_count(&self) -> usize {
        match self {
            Self::PriceBook(_) => 1,
            Self::Contracts(rows) => rows.len(),
            Self::BankDetails(rows) => rows.len(),
        }
    }
}

/// A price book by name. Its canonical bytes are a blob, durable before the record that names it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct PriceBook {
    /// Its name.
    #[n(0)]
    pub id: BookId,
    /// The financial year whose activity it prices.
    #[n(1)]
    pub financial_year: FinancialYear,
    /// What it prices.
    #[n(2)]
    pub kind: PriceKind,
    /// The SHA-256 of its bytes.
    #[n(3)]
    pub digest: Digest,
    /// Its bytes, [`tariff::PriceBook::to_cbor`]. They stand in the blob, not in the record.
    #[cbor(skip)]
    pub content: Arc<[u8]>,
}

impl PriceBook {
    /// `book` as it is proposed. Its bytes are to be made a blob before the record that names it.
    #[must_use]
    pub fn new(book: &tariff::PriceBook) -> Self {
        let content = book.to_cbor();
        Self {
            id: book.id(),
            financial_year: book.financial_year(),
            kind: PriceKind::of(book),
            digest: Digest::of(&content),
            content: content.into(),
        }
    }
}

/// A second person's yes.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct ApproveProposal {
    /// The record that proposed it.
    #[n(0)]
    pub proposal: Position,
    /// The digest that the approver looked at.
    #[n(1)]
    pub digest: Digest,
}

/// A proposal is taken back.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct WithdrawProposal {
    /// The record that proposed it.
    #[n(0)]
    pub proposal: Position,
}

/// What the national journal says of the organisations that a system's command names, put there by the adapter. A code
/// that is missing here is not known.
#[derive(Debug, Default, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Known {
    /// The position of the national journal that was read; none while it is empty.
    #[n(0)]
    pub national_position: Option<Position>,
    /// By code, each once.
    #[n(1)]
    pub bodies: Vec<KnownBody>,
}

/// One organisation as the national journal knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct KnownBody {
    /// Its code.
    #[n(0)]
    pub ods: OdsCode,
    /// Its kind.
    #[n(1)]
    pub role: Role,
    /// The days on which it is open.
    #[n(2)]
    pub open: Validity,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Event {
    /// The rows are registered.
    #[n(1)]
    Registered {
        /// How many of them were new or differed from what was there.
        #[n(0)]
        changed: u32,
    },
    /// It awaits another person.
    #[n(2)]
    Proposed {
        /// What that person has to approve.
        #[n(0)]
        digest: Digest,
    },
    /// It is in force.
    #[n(3)]
    Approved {
        /// Who agreed to what.
        #[n(0)]
        approval: Approval,
        /// How many rows were new or differed from what was there.
        #[n(1)]
        changed: u32,
    },
    /// It is gone.
    #[n(4)]
    Withdrawn,
}
