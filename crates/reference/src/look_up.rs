//! Look-ups by code and date.

use crate::{
    BankDetails, Channel, Contract, ContractMatch, Cut, Deadlines, ExpenditureClass, NoCut, Organisation,
    Plan, ReferenceError, Role, Scope, Site, Snapshot, Stage, calendar::is_weekend, dated::Dated,
};
use hashbrown::HashMap;
use journal::Day;
use nhs::{OdsCode, Period, PostcodeDistrict, PracticeCode, TreatmentFunction};
use std::{collections::BTreeSet, sync::Arc};
use tariff::{Books, Mff};

/// How often a body may have been taken over by another before a look-up gives up: more than ever happened.
const SUCCESSIONS_MAX: usize = 8;

/// A provider that may be chosen, and its sites by code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice<'a> {
    /// The provider.
    pub provider: &'a Organisation,
    /// Its registered sites. One without any is chosen as a whole.
    pub sites: Vec<&'a Site>,
}

/// A [`Snapshot`] that answers questions quickly. Immutable: a newer snapshot is another value.
#[derive(Debug, Clone)]
pub struct Reference {
    rows: Snapshot,
    books: Books,
    organisations: HashMap<OdsCode, u32>,
    sites: Dated<OdsCode>,
    practices: Dated<PracticeCode>,
    districts: Dated<PostcodeDistrict>,
    own_contracts: Dated<(OdsCode, OdsCode)>,
    open_contracts: Dated<OdsCode>,
    provider_contracts: Dated<OdsCode>,
    market_forces: Dated<(OdsCode, Option<OdsCode>)>,
    channels: Dated<OdsCode>,
    bank_details: Dated<OdsCode>,
}

impl Reference {
    /// Indexes rows. Errors when they are not in order, or a price book among them cannot be read.
    pub fn new(rows: Snapshot) -> Result<Self, ReferenceError> {
        rows.check()?;
        let mut books = Books::new();
        for row in &rows.price_books {
            books.put(Arc::new(row.read()?));
        }
        let contracts = || rows.contracts.iter().zip(0_u32..);
        let own = contracts().flat_map(|(contract, number)| {
            let payers = match &contract.payers {
                Scope::All => &[],
                Scope::These(payers) => payers.as_slice(),
            };
            payers.iter().map(move |payer| ((*payer, contract.provider), contract.validity, number))
        });
        let open = contracts()
            .filter(|(contract, _)| contract.payers == Scope::All)
            .map(|(contract, number)| (contract.provider, contract.validity, number));
        Ok(Self {
            organisations: rows.organisations.iter().map(|row| row.ods).zip(0..).collect(),
            sites: Dated::new(rows.sites.iter().map(|row| (row.site, row.validity))),
            practices: Dated::new(rows.practices.iter().map(|row| (row.practice, row.validity))),
            districts: Dated::new(rows.districts.iter().map(|row| (row.district, row.validity))),
            own_contracts: Dated::numbered(own),
            open_contracts: Dated::numbered(open),
            provider_contracts: Dated::new(rows.contracts.iter().map(|row| (row.provider, row.validity))),
            market_forces: Dated::new(
                rows.market_forces.iter().map(|row| ((row.provider, row.site), row.validity)),
            ),
            channels: Dated::new(rows.payment_channels.iter().map(|row| (row.payer, row.validity))),
            bank_details: Dated::new(rows.bank_details.iter().map(|row| (row.organisation, row.validity))),
            books,
            rows,
        })
    }

    /// Reads a snapshot's canonical bytes and indexes them.
    pub fn decode(bytes: &[u8]) -> Result<Self, ReferenceError> {
        Self::new(Snapshot::decode(bytes)?)
    }

    /// The rows.
    #[must_use]
    pub const fn rows(&self) -> &Snapshot {
        &self.rows
    }

    /// The organisation of that code, open or not.
    #[must_use]
    pub fn organisation(&self, ods: OdsCode) -> Option<&Organisation> {
        let number = usize::try_from(*self.organisations.get(&ods)?).ok()?;
        self.rows.organisations.get(number)
    }

    /// Whether that organisation is known and open on `day`.
    #[must_use]
    pub fn is_open(&self, ods: OdsCode, day: Day) -> bool {
        self.organisation(ods).is_some_and(|row| row.open.covers(day))
    }

    /// The body that stands for `ods` on `day`: itself, or where it has closed by then its successor (and so on).
    #[must_use]
    pub fn successor(&self, ods: OdsCode, day: Day) -> OdsCode {
        let mut current = ods;
        for _ in 0..SUCCESSIONS_MAX {
            let next = self
                .organisation(current)
                .filter(|row| row.open.until.is_some_and(|until| until < day))
                .and_then(|row| row.successor);
            match next {
                Some(next) => current = next,
                None => break,
            }
        }
        current
    }

    /// Whether the body belongs to the system.
    #[must_use]
    pub fn is_member(&self, ods: OdsCode) -> bool {
        self.rows.system.members.binary_search(&ods).is_ok()
    }

    /// Whether the body is one of the system's statutory payers and open on `day`.
    #[must_use]
    pub fn is_own_payer(&self, ods: OdsCode, day: Day) -> bool {
        self.is_member(ods)
            && self.organisation(ods).is_some_and(|row| row.role == Role::Ccg && row.open.covers(day))
    }

    /// The system's statutory payers that are open on `day`, by code.
    pub fn payers(&self, day: Day) -> impl Iterator<Item = OdsCode> + '_ {
        self.rows.system.members.iter().copied().filter(move |ods| self.is_own_payer(*ods, day))
    }

    /// Whose income an expenditure with `payee` is. A body that is not known counts as outside the NHS.
    #[must_use]
    pub fn expenditure_class(&self, payee: OdsCode) -> ExpenditureClass {
        if self.is_member(payee) {
            return ExpenditureClass::InSystem;
        }
        match self.organisation(payee).map(|row| row.role) {
            Some(Role::NhsTrust | Role::Ccg) => ExpenditureClass::OtherNhs,
            Some(Role::Independent | Role::Practice) | None => ExpenditureClass::ThirdParty,
        }
    }

    /// The site's row on `day`.
    #[must_use]
    pub fn site(&self, site: OdsCode, day: Day) -> Option<&Site> {
        self.sites.get(&self.rows.sites, &site, day)
    }

    /// Who is paid for what `code` did on `day`: a registered site's payee; a known provider itself; the trust of a trust's
    /// site. None when nobody is known: an independent site must be registered, because a group bills for many.
    #[must_use]
    pub fn payee_of(&self, code: OdsCode, day: Day) -> Option<OdsCode> {
        if let Some(row) = self.site(code, day) {
            return Some(row.payee);
        }
        let trust = if code.is_trust() { code.organisation() } else { code };
        let known = self.organisation(trust)?;
        let provides = matches!(known.role, Role::NhsTrust | Role::Independent);
        (provides && known.open.covers(day)).then_some(trust)
    }

    /// The commissioning group responsible for patients of `practice` on `day`, after any succession.
    #[must_use]
    pub fn responsible_ccg(&self, practice: PracticeCode, day: Day) -> Option<OdsCode> {
        let row = self.practices.get(&self.rows.practices, &practice, day)?;
        Some(self.successor(row.ccg, day))
    }

    /// The commissioning group responsible for unregistered people of `district` on `day`, after any succession.
    #[must_use]
    pub fn responsible_ccg_of_district(&self, district: PostcodeDistrict, day: Day) -> Option<OdsCode> {
        let row = self.districts.get(&self.rows.districts, &district, day)?;
        Some(self.successor(row.ccg, day))
    }

    /// The contract for that activity: the payer's own, else one open to any commissioner, else another commissioner's.
    #[must_use]
    pub fn contract(
        &self,
        payer: OdsCode,
        provider: OdsCode,
        function: TreatmentFunction,
        day: Day,
    ) -> ContractMatch<'_> {
        let covers =
            |number: usize| self.rows.contracts.get(number).filter(|row| row.functions.includes(&function));
        let own = self.own_contracts.on(&(payer, provider), day).find_map(covers);
        if let Some(contract) = own.or_else(|| self.open_contracts.on(&provider, day).find_map(covers)) {
            return ContractMatch::Own(contract);
        }
        let other = self.provider_contracts.on(&provider, day).find_map(covers);
        other.map_or(ContractMatch::None, ContractMatch::AnyOther)
    }

    /// Who may be chosen for `function` on `day`: every provider that is open and has a contract with any commissioner for it, by code,
    /// with its registered sites. Nothing else decides who is listed or in which order.
    ///
    /// Source: SI 2012/2996, regulation 39, as amended from 1 April 2014.
    #[must_use]
    pub fn choices(&self, function: TreatmentFunction, day: Day) -> Vec<Choice<'_>> {
        let contracts = self.rows.contracts.iter();
        let holding = contracts.filter(|row| row.validity.covers(day) && row.functions.includes(&function));
        let providers: BTreeSet<OdsCode> = holding.map(|row| row.provider).collect();
        let open = providers.into_iter().filter_map(|code| {
            let provider = self.organisation(code).filter(|row| row.open.covers(day))?;
            let sites = self.rows.sites.iter().filter(|site| {
                site.payee == code && self.site(site.site, day).is_some_and(|row| row == *site)
            });
            Some(Choice { provider, sites: sites.collect() })
        });
        open.collect()
    }

    /// The contracts of `payer` that hold on `day` and are paid by instalments, by id.
    pub fn instalment_contracts(&self, payer: OdsCode, day: Day) -> impl Iterator<Item = &Contract> {
        self.rows.contracts.iter().filter(move |row| {
            row.mechanism.instalments().is_some()
                && row.validity.covers(day)
                && matches!(&row.payers, Scope::These(payers) if payers.contains(&payer))
        })
    }

    /// The plan of the year between `payer` and `provider` on `day`, and the contract that has it: there is one at a time.
    #[must_use]
    pub fn plan(&self, payer: OdsCode, provider: OdsCode, day: Day) -> Option<(&Contract, &Plan)> {
        let rows = self.own_contracts.on(&(payer, provider), day);
        let mut contracts = rows.filter_map(|number| self.rows.contracts.get(number));
        contracts.find_map(|row| Some((row, row.pricing.as_ref()?.plan.as_ref()?)))
    }

    /// The market forces factor of `provider` at `site` on `day`: the site's own, else the provider's.
    #[must_use]
    pub fn mff(&self, provider: OdsCode, site: OdsCode, day: Day) -> Option<Mff> {
        let get = |site| self.market_forces.get(&self.rows.market_forces, &(provider, site), day);
        get(Some(site)).or_else(|| get(None)).map(|row| row.mff)
    }

    /// The price books in force, as `tariff` prices with them.
    #[must_use]
    pub const fn books(&self) -> &Books {
        &self.books
    }

    /// The deadlines of a month.
    #[must_use]
    pub fn deadlines(&self, period: Period) -> Option<&Deadlines> {
        let at = self.rows.deadlines.binary_search_by_key(&period, |row| row.period).ok()?;
        self.rows.deadlines.get(at)
    }

    /// The cut that activity of `period` falls in when it is received on `received`.
    pub fn cut(&self, period: Period, received: Day) -> Result<Cut, NoCut> {
        let deadlines = self.deadlines(period).ok_or(NoCut::NoCalendar)?;
        if received <= deadlines.flex {
            Ok(Cut { period, stage: Stage::Flex })
        } else if received <= deadlines.freeze {
            Ok(Cut { period, stage: Stage::Freeze })
        } else {
            Err(NoCut::AfterFreeze { freeze: deadlines.freeze })
        }
    }

    /// The cuts whose last day is `day`: they are sealed when the next day begins. By month.
    pub fn cuts_closing_on(&self, day: Day) -> impl Iterator<Item = Cut> + '_ {
        self.rows.deadlines.iter().flat_map(move |row| {
            let closing = [Stage::Flex, Stage::Freeze].into_iter().filter(move |stage| row.of(*stage) == day);
            closing.map(move |stage| Cut { period: row.period, stage })
        })
    }

    /// Whether `day` is neither at a weekend nor a bank holiday.
    #[must_use]
    pub fn is_working_day(&self, day: Day) -> bool {
        !is_weekend(day) && self.rows.bank_holidays.binary_search(&day).is_err()
    }

    /// `day` itself when it is a working day, else the next that is.
    #[must_use]
    pub fn working_day_from(&self, day: Day) -> Day {
        let mut current = day;
        while !self.is_working_day(current) && current.get() < i32::MAX {
            current = current.plus(1);
        }
        current
    }

    /// The working day that comes `count` working days after `day`.
    #[must_use]
    pub fn working_days_after(&self, day: Day, count: u16) -> Day {
        (0..count).fold(day, |current, _| self.working_day_from(current.plus(1)))
    }

    /// How `payer` pays on `day`.
    #[must_use]
    pub fn channel(&self, payer: OdsCode, day: Day) -> Option<Channel> {
        self.channels.get(&self.rows.payment_channels, &payer, day).map(|row| row.channel)
    }

    /// The bank account that `organisation` uses on `day`.
    #[must_use]
    pub fn bank_details(&self, organisation: OdsCode, day: Day) -> Option<&BankDetails> {
        self.bank_details.get(&self.rows.bank_details, &organisation, day)
    }
}

#[cfg(test)]
mod tests;
