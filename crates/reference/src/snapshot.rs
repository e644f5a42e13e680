//! The rows and their one encoding.

use crate::{
    BankDetails, Contract, Deadlines, District, MarketForces, Organisation, PaymentChannel, Practice, Site,
};
use journal::{Day, Digest, Position};
use minicbor::{Decode, Encode};
use nhs::{FinancialYear, OdsCode};
use tariff::{BookError, Content, PriceBook};

/// The system that the snapshot is for.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct System {
    /// Its name in paths.
    #[n(0)]
    pub name: String,
    /// Its name for people.
    #[n(1)]
    pub title: String,
    /// Whether its clock is moved by hand and it pays nothing outside its folder.
    #[n(2)]
    pub sandbox: bool,
    /// The payers and trusts that belong to it, in ascending order; a body and its successor both.
    #[n(3)]
    pub members: Vec<OdsCode>,
}

/// What a price book prices. One book of each kind is in force for a financial year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum PriceKind {
    /// Admitted care and outpatient procedures.
    #[n(1)]
    Admitted,
    /// Outpatient attendances.
    #[n(2)]
    Attendance,
}

impl PriceKind {
    /// What `book` prices.
    #[must_use]
    pub const fn of(book: &PriceBook) -> Self {
        match book.content() {
            Content::Admitted(_) => Self::Admitted,
            Content::Attendance(_) => Self::Attendance,
        }
    }

    /// The word in files and on screens.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admitted => "admitted",
            Self::Attendance => "attendance",
        }
    }
}

/// A price book in force, by what it prices.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct PriceBookContent {
    /// The financial year whose activity it prices.
    #[n(0)]
    pub financial_year: FinancialYear,
    /// What it prices.
    #[n(1)]
    pub kind: PriceKind,
    /// Its canonical bytes, [`PriceBook::to_cbor`].
    #[n(2)]
    #[cbor(with = "minicbor::bytes")]
    pub content: Vec<u8>,
}

impl PriceBookContent {
    /// `book` as a row.
    #[must_use]
    pub fn new(book: &PriceBook) -> Self {
        Self { financial_year: book.financial_year(), kind: PriceKind::of(book), content: book.to_cbor() }
    }

    /// The book. Errors when the bytes are not one, or not of this year and kind.
    pub fn read(&self) -> Result<PriceBook, ReferenceError> {
        let book = PriceBook::from_cbor(&self.content)?;
        if book.financial_year() == self.financial_year && PriceKind::of(&book) == self.kind {
            Ok(book)
        } else {
            Err(ReferenceError::Order("price books"))
        }
    }
}

/// The reference data of one system as rows, each list in ascending order of its key without duplicates.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Snapshot {
    /// The system.
    #[n(0)]
    pub system: System,
    /// The last record of the system's registry journal that changed a row; none before the first.
    #[n(1)]
    pub registry_position: Option<Position>,
    /// The last record of the shared registry journal that changed a row; none before the first.
    #[n(2)]
    pub national_position: Option<Position>,
    /// Organisations, by code.
    #[n(3)]
    pub organisations: Vec<Organisation>,
    /// Sites, by code and first day.
    #[n(4)]
    pub sites: Vec<Site>,
    /// Practices, by code and first day.
    #[n(5)]
    pub practices: Vec<Practice>,
    /// Postcode districts, by name and first day.
    #[n(6)]
    pub districts: Vec<District>,
    /// Contracts, by id and first day.
    #[n(7)]
    pub contracts: Vec<Contract>,
    /// Price books in force, by financial year and kind.
    #[n(8)]
    pub price_books: Vec<PriceBookContent>,
    /// Market forces factors, by provider, site and first day.
    #[n(9)]
    pub market_forces: Vec<MarketForces>,
    /// Deadlines, by month.
    #[n(10)]
    pub deadlines: Vec<Deadlines>,
    /// Bank holidays of England, ascending.
    #[n(11)]
    pub bank_holidays: Vec<Day>,
    /// Payment channels, by payer and first day.
    #[n(12)]
    pub payment_channels: Vec<PaymentChannel>,
    /// Bank details, by organisation and first day.
    #[n(13)]
    pub bank_details: Vec<BankDetails>,
}

/// Bytes or rows are not a snapshot.
#[derive(Debug, thiserror::Error)]
pub enum ReferenceError {
    /// The bytes are not the CBOR of a snapshot.
    #[error("the bytes are not a snapshot of reference data")]
    Decode(#[from] minicbor::decode::Error),
    /// The bytes mean a snapshot, but are not its one encoding.
    #[error("the bytes are not the canonical encoding of the snapshot they mean")]
    NotCanonical,
    /// Rows of a list are out of order, or two have one key.
    #[error("the snapshot's {0} are not in ascending order of their keys without duplicates")]
    Order(&'static str),
    /// A price book's bytes are not one.
    #[error("a price book of the snapshot cannot be read")]
    PriceBook(#[from] BookError),
}

impl Snapshot {
    /// A snapshot of `system` without rows.
    #[must_use]
    pub const fn empty(system: System) -> Self {
        Self {
            system,
            registry_position: None,
            national_position: None,
            organisations: Vec::new(),
            sites: Vec::new(),
            practices: Vec::new(),
            districts: Vec::new(),
            contracts: Vec::new(),
            price_books: Vec::new(),
            market_forces: Vec::new(),
            deadlines: Vec::new(),
            bank_holidays: Vec::new(),
            payment_channels: Vec::new(),
            bank_details: Vec::new(),
        }
    }

    /// Puts every list in its order. Rows of one key stay, and [`Snapshot::check`] refuses them.
    pub fn sort(&mut self) {
        self.system.members.sort_unstable();
        self.organisations.sort_by_key(|row| row.ods);
        self.sites.sort_by_key(|row| (row.site, row.validity.from));
        self.practices.sort_by_key(|row| (row.practice, row.validity.from));
        self.districts.sort_by_key(|row| (row.district, row.validity.from));
        self.contracts.sort_by_key(|row| (row.id, row.validity.from));
        self.price_books.sort_by_key(|row| (row.financial_year, row.kind));
        self.market_forces.sort_by_key(|row| (row.provider, row.site, row.validity.from));
        self.deadlines.sort_by_key(|row| row.period);
        self.bank_holidays.sort_unstable();
        self.payment_channels.sort_by_key(|row| (row.payer, row.validity.from));
        self.bank_details.sort_by_key(|row| (row.organisation, row.validity.from));
    }

    /// Checks the order of every list.
    pub fn check(&self) -> Result<(), ReferenceError> {
        ascending("members", &self.system.members, |row| *row)?;
        ascending("organisations", &self.organisations, |row| row.ods)?;
        ascending("sites", &self.sites, |row| (row.site, row.validity.from))?;
        ascending("practices", &self.practices, |row| (row.practice, row.validity.from))?;
        ascending("districts", &self.districts, |row| (row.district, row.validity.from))?;
        ascending("contracts", &self.contracts, |row| (row.id, row.validity.from))?;
        ascending("price books", &self.price_books, |row| (row.financial_year, row.kind))?;
        ascending("market forces factors", &self.market_forces, |row| {
            (row.provider, row.site, row.validity.from)
        })?;
        ascending("deadlines", &self.deadlines, |row| row.period)?;
        ascending("bank holidays", &self.bank_holidays, |row| *row)?;
        ascending("payment channels", &self.payment_channels, |row| (row.payer, row.validity.from))?;
        ascending("bank details", &self.bank_details, |row| (row.organisation, row.validity.from))?;
        for contract in &self.contracts {
            if !contract.payers.is_canonical() || !contract.functions.is_canonical() {
                return Err(ReferenceError::Order("scopes of contracts"));
            }
            if contract.pricing.as_ref().is_some_and(|pricing| pricing.check().is_err()) {
                return Err(ReferenceError::Order("terms on prices of contracts"));
            }
        }
        Ok(())
    }

    /// The canonical bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // Writing to a Vec cannot fail, and no row holds anything that CBOR lacks.
        let _ = minicbor::encode(self, &mut bytes);
        bytes
    }

    /// Reads canonical bytes. Errors when they are not a snapshot, not its one encoding, or its rows are out of order.
    pub fn decode(bytes: &[u8]) -> Result<Self, ReferenceError> {
        let snapshot: Self = minicbor::decode(bytes)?;
        snapshot.check()?;
        if snapshot.encode() == bytes { Ok(snapshot) } else { Err(ReferenceError::NotCanonical) }
    }

    /// The SHA-256 of the canonical bytes, by which the blob is named.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(&self.encode())
    }
}

fn ascending<R, K: Ord>(what: &'static str, rows: &[R], key: impl Fn(&R) -> K) -> Result<(), ReferenceError> {
    if rows.is_sorted_by(|a, b| key(a) < key(b)) { Ok(()) } else { Err(ReferenceError::Order(what)) }
}
