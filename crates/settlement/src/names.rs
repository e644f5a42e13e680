//! Names that settlement shares with the ledger: budget lines, payees, windows.

use core::{fmt, str::FromStr};
use journal::Day;
use minicbor::{Decode, Encode};
use nhs::{FinancialYear, OdsCode};
use reference::Cut;

/// What a budget line is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum Programme {
    /// Elective care that the patient chose.
    #[n(1)]
    Elective,
    /// Personal health budgets.
    #[n(2)]
    Phb,
}

impl Programme {
    /// The word in account paths.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Elective => "elective",
            Self::Phb => "phb",
        }
    }
}

/// A text is not one of the names that it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a {0}")]
pub struct NameError(pub &'static str);

/// A budget line: `10M/elective/2017-18`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
#[cbor(array)]
pub struct BudgetLine {
    /// The commissioner that pays.
    #[n(0)]
    pub payer: OdsCode,
    /// What for.
    #[n(1)]
    pub programme: Programme,
    /// The year of its budget.
    #[n(2)]
    pub year: FinancialYear,
}

impl fmt::Display for BudgetLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.payer, self.programme.as_str(), self.year)
    }
}

impl FromStr for BudgetLine {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let error = NameError("budget line");
        let mut parts = text.split('/');
        let (Some(payer), Some(programme), Some(year), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(error);
        };
        let programme = match programme {
            "elective" => Programme::Elective,
            "phb" => Programme::Phb,
            _ => return Err(error),
        };
        let payer = payer.parse().map_err(|_| error)?;
        Ok(Self { payer, programme, year: year.parse().map_err(|_| error)? })
    }
}

/// The id of a personal health budget's plan, as the ledger names its payee: `phb-` and one to nine digits (ten could be an
/// NHS number that slipped in from elsewhere).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PlanId(Box<str>);

impl PlanId {
    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PlanId {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let digits = text.strip_prefix("phb-").unwrap_or_default();
        let plain = (1..=9).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        if plain && !digits.starts_with('0') { Ok(Self(text.into())) } else { Err(NameError("plan id")) }
    }
}

/// Who is paid.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Payee {
    /// A provider, a supplier, or the holder of a third-party budget.
    Organisation(OdsCode),
    /// Whoever receives the direct payments of a plan. Who that is only identity knows.
    Plan(PlanId),
}

impl Payee {
    /// The organisation, if it is one.
    #[must_use]
    pub const fn organisation(&self) -> Option<OdsCode> {
        match self {
            Self::Organisation(ods) => Some(*ods),
            Self::Plan(_) => None,
        }
    }

    /// The plan, if a person is paid.
    #[must_use]
    pub const fn plan(&self) -> Option<&PlanId> {
        match self {
            Self::Plan(plan) => Some(plan),
            Self::Organisation(_) => None,
        }
    }
}

impl fmt::Display for Payee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Organisation(ods) => f.pad(ods.as_str()),
            Self::Plan(plan) => f.pad(plan.as_str()),
        }
    }
}

impl FromStr for Payee {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        match text.parse() {
            Ok(ods) => Ok(Self::Organisation(ods)),
            Err(_) => text.parse().map(Self::Plan).map_err(|_| NameError("payee")),
        }
    }
}

impl<C> Encode<C> for Payee {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        match self {
            Self::Organisation(ods) => e.str(ods.as_str())?.ok(),
            Self::Plan(plan) => e.str(plan.as_str())?.ok(),
        }
    }
}

impl<'b, C> Decode<'b, C> for Payee {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        d.str()?.parse().map_err(minicbor::decode::Error::custom)
    }
}

/// Which window of the ledger, for a given payer and payee. The order is that in which windows are paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
pub enum WindowKey {
    /// Activity of a month's cut.
    #[n(1)]
    Cut(#[n(0)] Cut),
    /// What falls due on a date: payments on account, block shares, personal health budgets.
    #[n(2)]
    Instalment(#[n(0)] Day),
    /// Adjustments, returns and rejections, by the ledger's number.
    #[n(3)]
    Run(#[n(0)] u32),
}

impl fmt::Display for WindowKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cut(cut) => write!(f, "cut {} {}", cut.period, cut.stage),
            Self::Instalment(due) => write!(f, "instalment {due}"),
            Self::Run(number) => write!(f, "run {number}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_payees_go_there_and_back() {
        for text in ["10M/elective/2017-18", "15A/phb/2018-19"] {
            assert_eq!(text.parse::<BudgetLine>().unwrap().to_string(), text);
        }
        for text in ["NT3", "phb-123", "RHW"] {
            let payee: Payee = text.parse().unwrap();
            assert_eq!(payee.to_string(), text);
            assert_eq!(minicbor::decode::<Payee>(&minicbor::to_vec(&payee).unwrap()).unwrap(), payee);
            assert_eq!(payee.plan().is_some(), text.contains('-'));
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in
            ["", "10M", "10M/elective", "10M/other/2017-18", "10M/elective/2017-18/fund", "/elective/2017-18"]
        {
            assert!(text.parse::<BudgetLine>().is_err(), "{text:?}");
        }
        for text in ["", "phb 1", "phb_1", "phb-", "phb-01", "phb-9434765919", "é-1"] {
            assert!(text.parse::<Payee>().is_err(), "{text:?}");
        }
    }
}
