//! The world that the demo plays in: Berkshire West as the registry is told of it.
//!
//! Read from the files of `data/demo`, which name the source of every row. Pure: reading makes requests, and
//! [`register`](World::register) sends them.

mod register;
mod rows;

#[cfg(test)]
mod tests;

use anyhow::Context as _;
use money::{NetPence, Pence};
use nhs::{FinancialYear, OdsCode};
use proto::{google::r#type::Date, registry::v1};
use serde::de::DeserializeOwned;

pub(crate) use register::People;

/// Berkshire West.
#[derive(Debug, Clone)]
pub(crate) struct World {
    /// The system and its members.
    pub(crate) system: v1::System,
    /// Organisations, by code.
    pub(crate) organisations: Vec<v1::Organisation>,
    /// Independent sites and their payees.
    pub(crate) sites: Vec<v1::Site>,
    /// Practices and their groups.
    pub(crate) practices: Vec<v1::Practice>,
    /// Postcode districts and their groups.
    pub(crate) districts: Vec<v1::District>,
    /// Contracts.
    pub(crate) contracts: Vec<v1::Contract>,
    /// Price books, national ones first.
    pub(crate) price_books: Vec<v1::PriceBook>,
    /// Market forces factors of the trusts and of the independent sites.
    pub(crate) factors: Vec<v1::MarketForcesFactor>,
    /// Flex and freeze dates.
    pub(crate) deadlines: Vec<v1::Deadlines>,
    /// Bank holidays of England.
    pub(crate) bank_holidays: Vec<Date>,
    /// How payers pay.
    pub(crate) payment_channels: Vec<v1::PaymentChannel>,
    /// Bank accounts of payers and payees.
    pub(crate) bank_details: Vec<v1::BankDetails>,
    /// What the groups' lines are given for the year.
    pub(crate) allocations: Vec<Allocation>,
    /// What the bodies have to achieve.
    pub(crate) control_totals: Vec<ControlTotal>,
}

/// The allocation of one budget line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Allocation {
    /// Whose line.
    pub(crate) ccg: OdsCode,
    /// `elective` or `phb`.
    pub(crate) programme: String,
    /// The year.
    pub(crate) financial_year: FinancialYear,
    /// The allocation.
    pub(crate) amount: Pence,
    /// Where the figure comes from, as shown with it.
    pub(crate) source: String,
}

/// What a body has to achieve in a year.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ControlTotal {
    /// The body.
    pub(crate) organisation: OdsCode,
    /// The year.
    pub(crate) financial_year: FinancialYear,
    /// The least surplus, or the greatest deficit as a negative sum.
    pub(crate) total: NetPence,
    /// What is held back and may not be spent without release.
    pub(crate) reserve: Pence,
    /// Where the figures come from, as shown with them.
    pub(crate) source: String,
}

/// A shipped file of rows.
macro_rules! file {
    ($name:literal) => {
        ($name, include_str!(concat!("../../../data/demo/", $name)))
    };
}

impl World {
    /// Berkshire West as shipped. Errors only if the shipped files were damaged before the build.
    pub(crate) fn shipped() -> anyhow::Result<Self> {
        let organisations = read(file!("organisations.csv"), rows::organisation)?;
        let sites = read(file!("sites.csv"), rows::site)?;
        Ok(Self {
            system: rows::system(include_str!("../../../data/demo/system.toml")).context("system.toml")?,
            practices: read(file!("practices.csv"), rows::practice)?,
            districts: read(file!("districts.csv"), rows::district)?,
            contracts: read(file!("contracts.csv"), rows::contract)?,
            price_books: price_books()?,
            factors: factors(&organisations, &sites)?,
            deadlines: read(file!("deadlines.csv"), rows::deadlines)?,
            bank_holidays: read(file!("bank_holidays.csv"), rows::bank_holiday)?,
            payment_channels: read(file!("payment_channels.csv"), rows::payment_channel)?,
            bank_details: read(file!("bank_details.csv"), rows::bank_details)?,
            allocations: read(file!("budgets.csv"), rows::allocation)?,
            control_totals: read(file!("control_totals.csv"), rows::control_total)?,
            organisations,
            sites,
        })
    }
}

/// Reads every row of a file.
fn read<R: DeserializeOwned, T>(
    (name, text): (&str, &str),
    row: impl Fn(R) -> anyhow::Result<T>,
) -> anyhow::Result<Vec<T>> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let rows = reader.deserialize().enumerate().map(|(index, record)| {
        let place = || format!("{name}, line {}", index + 2);
        row(record.with_context(place)?).with_context(place)
    });
    rows.collect()
}

/// The `tariff` crate's price lists as they are proposed.
fn price_books() -> anyhow::Result<Vec<v1::PriceBook>> {
    let books = tariff::builtin::lists()?.into_iter().map(|list| v1::PriceBook {
        price_book: list.title.id.to_string(),
        financial_year: list.title.financial_year.to_string(),
        kind: if list.is_attendance { v1::PriceKind::Attendance } else { v1::PriceKind::Admitted }.into(),
        illustrative: list.title.illustrative,
        source: list.title.source.to_owned(),
        csv: list.csv.to_vec(),
    });
    Ok(books.collect())
}

/// The `tariff` crate's payment index: of each trust that the world has, its own, and of independent sites the nearest
/// trust's.
fn factors(
    organisations: &[v1::Organisation],
    sites: &[v1::Site],
) -> anyhow::Result<Vec<v1::MarketForcesFactor>> {
    const INDEX: &str = "NHS England, market forces factor payment index 2017/19 (year inferred)";
    const NEAREST: &str = "Judgement: payment index of the nearest trust, since the site has none";
    let table = tariff::builtin::mff_table()?;
    let both_years = v1::Validity {
        from_date: Some(Date { year: 2017, month: 4, day: 1 }),
        until_date: Some(Date { year: 2019, month: 3, day: 31 }),
    };
    let row = |provider: &str, site: Option<&OdsCode>, mff: &tariff::Mff, source: &str| {
        let (basis, whose) = match mff.source {
            tariff::MffSource::Average(whose) => (v1::FactorBasis::Average, Some(whose)),
            tariff::MffSource::NearestTrust(whose) => (v1::FactorBasis::NearestTrust, Some(whose)),
            tariff::MffSource::Own(whose) => (v1::FactorBasis::Own, Some(whose)),
            tariff::MffSource::Contract => (v1::FactorBasis::Own, None),
        };
        v1::MarketForcesFactor {
            provider: provider.to_owned(),
            site: site.map(ToString::to_string).unwrap_or_default(),
            factor: mff.factor.to_string(),
            basis: basis.into(),
            basis_organisation: whose.map(|ods| ods.to_string()).unwrap_or_default(),
            validity: Some(both_years),
            source: source.to_owned(),
        }
    };
    let known = |trust: &OdsCode| organisations.iter().any(|row| row.ods == trust.as_str());
    let trusts = table.trusts().iter().filter(|(trust, _)| known(trust));
    let mut factors: Vec<_> = trusts.map(|(trust, mff)| row(trust.as_str(), None, mff, INDEX)).collect();
    for (site, _) in table.nearest() {
        let payee = sites.iter().find(|row| row.site == site.as_str());
        let payee = payee.with_context(|| format!("{site} has a factor and is no site of the world"))?;
        let mff = table.resolve(*site).with_context(|| format!("{site} has no factor"))?;
        factors.push(row(&payee.payee, Some(site), &mff, NEAREST));
    }
    Ok(factors)
}
