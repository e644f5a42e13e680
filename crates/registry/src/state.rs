//! What decisions and snapshots need.

use crate::{Content, KnownBody, PriceBook};
use journal::{Day, Digest, Instant, Position};
use nhs::{FinancialYear, OdsCode, Period, PostcodeDistrict, PracticeCode};
use reference::{
    BankDetails, Contract, ContractId, Deadlines, District, MarketForces, Organisation, PaymentChannel,
    Practice, PriceBookContent, PriceKind, Site, Snapshot, System,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
};
use tariff::BookId;

/// A proposal that waits for another person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// What, and who proposed it.
    pub proposal: access::Proposal,
    /// Its content.
    pub content: Content,
    /// When it was proposed.
    pub proposed_time: Instant,
}

/// The rows of one registry journal, national or a system's. About 250 bytes a row.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct State {
    pub(crate) organisations: BTreeMap<OdsCode, Organisation>,
    pub(crate) practices: BTreeMap<(PracticeCode, Day), Practice>,
    pub(crate) market_forces: BTreeMap<(OdsCode, Option<OdsCode>, Day), MarketForces>,
    pub(crate) systems: BTreeMap<String, System>,
    pub(crate) clock_starts: BTreeMap<String, Instant>,
    pub(crate) sites: BTreeMap<(OdsCode, Day), Site>,
    pub(crate) districts: BTreeMap<(PostcodeDistrict, Day), District>,
    pub(crate) contracts: BTreeMap<(ContractId, Day), Contract>,
    pub(crate) price_books: BTreeMap<(FinancialYear, PriceKind), PriceBook>,
    pub(crate) book_names: BTreeMap<BookId, Digest>,
    pub(crate) deadlines: BTreeMap<Period, Deadlines>,
    pub(crate) bank_holidays: BTreeSet<Day>,
    pub(crate) channels: BTreeMap<(OdsCode, Day), PaymentChannel>,
    pub(crate) bank_details: BTreeMap<(OdsCode, Day), BankDetails>,
    pub(crate) pending: BTreeMap<Position, Pending>,
    pub(crate) changed_at: Option<Position>,
}

impl State {
    /// The organisation of that code.
    #[must_use]
    pub fn organisation(&self, ods: OdsCode) -> Option<&Organisation> {
        self.organisations.get(&ods)
    }

    /// Organisations in the order of their codes, those after `after` only.
    pub fn organisations(&self, after: Option<OdsCode>) -> impl Iterator<Item = &Organisation> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.organisations.range((from, Bound::Unbounded)).map(|(_, row)| row)
    }

    /// What a system's command is told of an organisation.
    #[must_use]
    pub fn known(&self, ods: OdsCode) -> Option<KnownBody> {
        self.organisations.get(&ods).map(|row| KnownBody { ods, role: row.role, open: row.open })
    }

    /// The system of that name.
    #[must_use]
    pub fn system(&self, name: &str) -> Option<&System> {
        self.systems.get(name)
    }

    /// What the clock of a sandbox of that name showed at first.
    #[must_use]
    pub fn clock_start(&self, name: &str) -> Option<Instant> {
        self.clock_starts.get(name).copied()
    }

    /// Every system, by name.
    pub fn systems(&self) -> impl Iterator<Item = &System> {
        self.systems.values()
    }

    /// Contracts in the order of id and first day, those after `after` only.
    pub fn contracts(&self, after: Option<(ContractId, Day)>) -> impl Iterator<Item = &Contract> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.contracts.range((from, Bound::Unbounded)).map(|(_, row)| row)
    }

    /// The price books in force, by financial year and kind.
    pub fn price_books(&self) -> impl Iterator<Item = &PriceBook> {
        self.price_books.values()
    }

    /// The price book in force for that year and kind.
    #[must_use]
    pub fn price_book(&self, year: FinancialYear, kind: PriceKind) -> Option<&PriceBook> {
        self.price_books.get(&(year, kind))
    }

    /// The digest of the price book that is, or last was, in force under that name.
    #[must_use]
    pub fn book_named(&self, name: BookId) -> Option<Digest> {
        self.book_names.get(&name).copied()
    }

    /// The proposal of that record, while it waits.
    #[must_use]
    pub fn proposal(&self, proposal: Position) -> Option<&Pending> {
        self.pending.get(&proposal)
    }

    /// Proposals that wait, in the order in which they were made.
    pub fn pending(&self) -> impl Iterator<Item = (Position, &Pending)> {
        self.pending.iter().map(|(position, pending)| (*position, pending))
    }

    /// The position of the last record that changed a row. Snapshots name it, so that equal rows make equal snapshots
    /// whatever else was recorded meanwhile.
    #[must_use]
    pub const fn changed_at(&self) -> Option<Position> {
        self.changed_at
    }

    /// Adds this journal's rows to a snapshot that may hold another journal's. A price book replaces one of the same year
    /// and kind: a system's own agreed list stands before the national one.
    pub fn add_to(&self, snapshot: &mut Snapshot) {
        snapshot.organisations.extend(self.organisations.values().cloned());
        snapshot.practices.extend(self.practices.values().cloned());
        snapshot.market_forces.extend(self.market_forces.values().cloned());
        snapshot.sites.extend(self.sites.values().cloned());
        snapshot.districts.extend(self.districts.values().cloned());
        snapshot.contracts.extend(self.contracts.values().cloned());
        for book in self.price_books.values() {
            snapshot
                .price_books
                .retain(|row| (row.financial_year, row.kind) != (book.financial_year, book.kind));
            snapshot.price_books.push(PriceBookContent {
                financial_year: book.financial_year,
                kind: book.kind,
                content: book.content.to_vec(),
            });
        }
        snapshot.deadlines.extend(self.deadlines.values().cloned());
        snapshot.bank_holidays.extend(self.bank_holidays.iter().copied());
        snapshot.payment_channels.extend(self.channels.values().cloned());
        snapshot.bank_details.extend(self.bank_details.values().cloned());
        snapshot.sort();
    }
}
