//! The market forces factor: what a provider's unavoidable local costs multiply its prices by.

use crate::load::{self, FaultProblem, LoadError};
use minicbor::{Decode, Encode};
use money::Factor;
use nhs::OdsCode;

/// A market forces factor and where it comes from. Only the *payment* index may multiply a payment; the underlying
/// index, which shares out allocations, never does (NHS England, A guide to the market forces factor).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Mff {
    /// The factor.
    #[n(0)]
    pub factor: Factor,
    /// Whose it is.
    #[n(1)]
    pub source: MffSource,
}

/// Where a factor comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
pub enum MffSource {
    /// The provider's own published index.
    #[n(0)]
    Own(#[n(0)] OdsCode),
    /// An average standing in for an index that was not published for the provider.
    #[n(1)]
    Average(#[n(0)] OdsCode),
    /// The nearest trust's index, because an independent site has none of its own (NHS practice, unverified;
    /// configurable).
    #[n(2)]
    NearestTrust(#[n(0)] OdsCode),
    /// A term of the contract.
    #[n(3)]
    Contract,
}

/// The payment index by trust, and whose index an independent site takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MffTable {
    trusts: Vec<(OdsCode, Mff)>,
    nearest: Vec<(OdsCode, OdsCode)>,
}

impl MffTable {
    /// Reads the table of trusts (`provider,payment_index,basis`) and that of sites (`site,trust,basis`). Errors name
    /// every bad row, and every site whose trust has no index.
    pub fn load(trusts: &[u8], nearest: &[u8]) -> Result<Self, LoadError> {
        let mut table = Self { trusts: Vec::new(), nearest: Vec::new() };
        let columns = ["provider", "payment_index", "basis"];
        load::read(trusts, &columns, named(columns), |row| {
            let provider: OdsCode = row.code("provider")?;
            let factor = row.text("payment_index").parse::<Factor>();
            let factor =
                factor.map_err(|error| row.fault("payment_index", FaultProblem::Factor(error))).ok()?;
            let source = match row.text("basis") {
                "published" => MffSource::Own(provider),
                "average" => MffSource::Average(provider),
                other => {
                    let problem = FaultProblem::Word(load::shorten(other));
                    row.fault("basis", problem);
                    return None;
                }
            };
            insert(&mut table.trusts, provider, Mff { factor, source })
                .unwrap_or_else(|Twice| row.fault("provider", FaultProblem::Twice));
            Some(())
        })?;
        let columns = ["site", "trust", "basis"];
        load::read(nearest, &columns, named(columns), |row| {
            let (site, trust): (OdsCode, OdsCode) = (row.code("site")?, row.code("trust")?);
            if find(&table.trusts, trust).is_none() {
                row.fault("trust", FaultProblem::Word(trust.to_string()));
            }
            insert(&mut table.nearest, site, trust)
                .unwrap_or_else(|Twice| row.fault("site", FaultProblem::Twice));
            Some(())
        })?;
        Ok(table)
    }

    /// The factor for care given at `site`: the site's own entry, else that of the organisation its code begins with,
    /// else the nearest trust's. `None` when nothing says.
    #[must_use]
    pub fn resolve(&self, site: OdsCode) -> Option<Mff> {
        let own = |code| find(&self.trusts, code).copied();
        let nearest = |code| {
            let trust = find(&self.nearest, code)?;
            Some(Mff { factor: own(*trust)?.factor, source: MffSource::NearestTrust(*trust) })
        };
        let organisation = site.organisation();
        own(site).or_else(|| nearest(site)).or_else(|| own(organisation)).or_else(|| nearest(organisation))
    }

    /// Every trust with its index, by code.
    #[must_use]
    pub fn trusts(&self) -> &[(OdsCode, Mff)] {
        &self.trusts
    }

    /// Every independent site with the trust whose index it takes, by code.
    #[must_use]
    pub fn nearest(&self) -> &[(OdsCode, OdsCode)] {
        &self.nearest
    }
}

struct Twice;

fn insert<T>(rows: &mut Vec<(OdsCode, T)>, code: OdsCode, value: T) -> Result<(), Twice> {
    match rows.binary_search_by_key(&code, |row| row.0) {
        Ok(_) => Err(Twice),
        Err(index) => {
            rows.insert(index, (code, value));
            Ok(())
        }
    }
}

fn find<T>(rows: &[(OdsCode, T)], code: OdsCode) -> Option<&T> {
    rows.get(rows.binary_search_by_key(&code, |row| row.0).ok()?).map(|row| &row.1)
}

fn named<const N: usize>(columns: [&'static str; N]) -> impl Fn(&str) -> Option<&'static str> {
    move |heading| columns.into_iter().find(|column| *column == heading)
}
