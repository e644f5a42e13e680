//! The chart of accounts: the only paths that exist.

use core::{fmt, str::FromStr};
use minicbor::{Decode, Encode};
use money::Side;
use nhs::{FinancialYear, OdsCode};
use std::sync::Arc;

/// The longest path in bytes: eight segments of at most 40 and their separators.
pub(crate) const PATH_BYTES_MAX: usize = 327;

/// A text is not a path of the chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// No account stands there, and none can.
    #[error("there is no such path in the chart of accounts")]
    NotInChart,
    /// The path is a node above accounts.
    #[error("this is a node of the chart with accounts below it, not an account")]
    NotALeaf,
}

/// What a budget line is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Programme {
    /// Elective care that the patient chose.
    Elective,
    /// Personal health budgets.
    Phb,
}

impl Programme {
    /// The word in paths.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Elective => "elective",
            Self::Phb => "phb",
        }
    }
}

/// Whom an expenditure was with, or how a personal health budget was held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ExpenditureClass {
    /// A trust of the same system.
    InSystem,
    /// An NHS body of another system.
    OtherNhs,
    /// A provider outside the NHS.
    ThirdParty,
    /// A notional budget: the commissioner pays the supplier.
    PhbNotional,
    /// A budget held by an independent organisation.
    PhbThirdParty,
    /// A direct payment to the person or their representative.
    PhbDirect,
    /// What was owed to us and given up, by two people.
    WrittenOff,
}

impl ExpenditureClass {
    const ALL: [Self; 7] = [
        Self::InSystem,
        Self::OtherNhs,
        Self::ThirdParty,
        Self::PhbNotional,
        Self::PhbThirdParty,
        Self::PhbDirect,
        Self::WrittenOff,
    ];

    /// The word in paths.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InSystem => "in-system",
            Self::OtherNhs => "other-nhs",
            Self::ThirdParty => "third-party",
            Self::PhbNotional => "phb-notional",
            Self::PhbThirdParty => "phb-third-party",
            Self::PhbDirect => "phb-direct",
            Self::WrittenOff => "written-off",
        }
    }

    fn parse(text: &str, programme: Programme) -> Option<Self> {
        let class = Self::ALL.into_iter().find(|class| class.as_str() == text)?;
        let of_phb = matches!(class, Self::PhbNotional | Self::PhbThirdParty | Self::PhbDirect);
        let fits = match programme {
            Programme::Elective => !of_phb,
            Programme::Phb => of_phb || class == Self::WrittenOff,
        };
        fits.then_some(class)
    }
}

/// What an account holds, read off its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Column {
    /// `fund/…/allocation`: the budget.
    Allocation,
    /// `fund/…/expenditure/<class>`: recognised on the date of service.
    Expenditure(ExpenditureClass),
    /// `fund/prepayment/<payee>` or a plan's `prepayment`: paid or due before the care.
    Prepayment,
    /// A plan's `advance`: paid to the organisation that holds a third-party budget.
    Advance,
    /// `fund/recoverable/<payee>` or a plan's `recoverable`: due back to us.
    Recoverable,
    /// `owed/payable/<payee>`: accepted and not yet instructed.
    Payable,
    /// `owed/contested/<payee>`: claimed and in dispute.
    Contested,
    /// `owed/estimate/<payee>`: a month-end estimate, reversed on day 1.
    Estimate,
    /// `out/in-transit`: instructed, not yet confirmed.
    InTransit,
    /// `out/bank`: confirmed by the bank.
    Bank,
    /// `out/transferred`: moved to another line; nil over all lines.
    Transferred,
    /// `resource-limit/<ccg>/<financial year>`: where allocations come from.
    ResourceLimit,
    /// `target/…`: memorandum of control totals and offsets.
    Target,
}

impl Column {
    /// The side on which such an account normally stands.
    #[must_use]
    pub const fn normal_side(self) -> Side {
        match self {
            Self::Expenditure(_)
            | Self::Prepayment
            | Self::Advance
            | Self::Recoverable
            | Self::ResourceLimit => Side::Debit,
            Self::Allocation
            | Self::Payable
            | Self::Contested
            | Self::Estimate
            | Self::InTransit
            | Self::Bank
            | Self::Transferred
            | Self::Target => Side::Credit,
        }
    }

    /// Whether the account stands in a line's `fund` room, where holds are placed.
    #[must_use]
    pub const fn is_fund(self) -> bool {
        matches!(
            self,
            Self::Allocation | Self::Expenditure(_) | Self::Prepayment | Self::Advance | Self::Recoverable
        )
    }
}

/// The path of an account: it stands in the chart, so it means one thing.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountPath {
    text: Arc<str>,
    column: Column,
}

impl AccountPath {
    /// The path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) fn text(&self) -> Arc<str> {
        Arc::clone(&self.text)
    }

    /// What the account holds.
    #[must_use]
    pub const fn column(&self) -> Column {
        self.column
    }

    /// The budget line that the account belongs to: the first three segments, or `None` outside the lines.
    #[must_use]
    pub fn line(&self) -> Option<&str> {
        match self.column {
            Column::ResourceLimit | Column::Target => None,
            Column::Allocation
            | Column::Expenditure(_)
            | Column::Prepayment
            | Column::Advance
            | Column::Recoverable
            | Column::Payable
            | Column::Contested
            | Column::Estimate
            | Column::InTransit
            | Column::Bank
            | Column::Transferred => {
                let end = self.text.match_indices('/').nth(2).map_or(self.text.len(), |(at, _)| at);
                self.text.get(..end)
            }
        }
    }

    /// The clinical commissioning group whose money it is, or `None` in the memorandum section.
    #[must_use]
    pub fn payer(&self) -> Option<&str> {
        if self.column == Column::ResourceLimit { self.segment(1) } else { self.line()?.split('/').next() }
    }

    /// The financial year of its money, or `None` in the memorandum section.
    #[must_use]
    pub fn financial_year(&self) -> Option<&str> {
        if self.column == Column::Target { None } else { self.segment(2) }
    }

    /// Who is owed, paid ahead, or owes: the path's last segment where it names one.
    #[must_use]
    pub fn payee(&self) -> Option<&str> {
        let room = self.segment(3)?;
        let named = matches!(
            self.column,
            Column::Payable | Column::Contested | Column::Estimate | Column::Prepayment | Column::Recoverable
        );
        if named && (room == "owed" || self.segment(4) != Some("plan")) {
            self.text.rsplit('/').next()
        } else {
            None
        }
    }

    /// The personal health budget plan whose account it is.
    #[must_use]
    pub fn plan(&self) -> Option<&str> {
        if self.segment(4) == Some("plan") && self.segment(3) == Some("fund") {
            self.segment(5)
        } else {
            None
        }
    }

    fn segment(&self, index: usize) -> Option<&str> {
        self.text.split('/').nth(index)
    }
}

/// A node of the chart: an account, or what stands above accounts. Limits and balances are asked of nodes.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodePath(Arc<str>);

impl NodePath {
    /// The path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The side on which its total is measured: debit below `expenditure`, `prepayment`, `advance`, `recoverable` and
    /// `resource-limit`, credit elsewhere.
    #[must_use]
    pub fn normal_side(&self) -> Side {
        normal_side_of_node(&self.0)
    }
}

impl From<&AccountPath> for NodePath {
    fn from(path: &AccountPath) -> Self {
        Self(path.text())
    }
}

pub(crate) fn normal_side_of_node(path: &str) -> Side {
    let mut segments = path.split('/');
    if segments.next() == Some("resource-limit") {
        return Side::Debit;
    }
    let in_fund = segments.nth(2) == Some("fund");
    let debit = |word: &str| matches!(word, "expenditure" | "prepayment" | "advance" | "recoverable");
    let mut rest = segments;
    match (in_fund, rest.next()) {
        (true, Some("plan")) => {
            if rest.nth(1).is_some_and(debit) {
                Side::Debit
            } else {
                Side::Credit
            }
        }
        (true, Some(word)) if debit(word) => Side::Debit,
        _ => Side::Credit,
    }
}

/// Every prefix of `path` that ends before a separator, shortest first, then the path itself.
pub(crate) fn prefixes(path: &str) -> impl Iterator<Item = &str> {
    let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
    ends.filter_map(|end| path.get(..end))
}

/// The same path of the financial year after, of a path that names one.
pub(crate) fn next_year(path: &str) -> Option<String> {
    in_year(path, FinancialYear::next)
}

/// The same path of the financial year before, of a path that names one.
pub(crate) fn previous_year(path: &str) -> Option<String> {
    in_year(path, FinancialYear::previous)
}

fn in_year(path: &str, other: impl Fn(FinancialYear) -> Option<FinancialYear>) -> Option<String> {
    let mut segments: Vec<&str> = path.split('/').collect();
    let year = segments.get_mut(2)?;
    let other = other(year.parse().ok()?)?.to_string();
    *year = &other;
    Some(segments.join("/"))
}

enum Parsed {
    Leaf(Column),
    Node,
}

/// A name in a path: 1 to 40 letters, digits, `.`, `_` and `-`, the first a letter or digit.
fn is_name(text: &str) -> bool {
    (1..=40).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
        && text.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric)
}

/// An ODS code in its canonical spelling, so that one payer has one path.
fn is_payer(text: &str) -> bool {
    text.parse::<OdsCode>().is_ok_and(|code| code.to_string() == text)
}

fn is_year(text: &str) -> bool {
    text.parse::<FinancialYear>().is_ok()
}

fn parse(text: &str) -> Option<Parsed> {
    if text.len() > PATH_BYTES_MAX {
        return None;
    }
    let mut segments: smallvec::SmallVec<[&str; 8]> = smallvec::SmallVec::new();
    for segment in text.split('/') {
        if segments.len() == 8 {
            return None;
        }
        segments.push(segment);
    }
    match segments.as_slice() {
        ["resource-limit"] | ["target"] => Some(Parsed::Node),
        ["resource-limit", ccg] if is_payer(ccg) => Some(Parsed::Node),
        ["resource-limit", ccg, year] if is_payer(ccg) && is_year(year) => {
            Some(Parsed::Leaf(Column::ResourceLimit))
        }
        ["target", organisation] if is_name(organisation) => Some(Parsed::Leaf(Column::Target)),
        ["target", organisation, item] if is_name(organisation) && is_name(item) => {
            Some(Parsed::Leaf(Column::Target))
        }
        [ccg, rest @ ..] if is_payer(ccg) => parse_line(rest),
        _ => None,
    }
}

fn parse_line(segments: &[&str]) -> Option<Parsed> {
    let [programme, rest @ ..] = segments else { return Some(Parsed::Node) };
    let programme = match *programme {
        "elective" => Programme::Elective,
        "phb" => Programme::Phb,
        _ => return None,
    };
    let [year, rest @ ..] = rest else { return Some(Parsed::Node) };
    if !is_year(year) {
        return None;
    }
    match rest {
        [] => Some(Parsed::Node),
        ["fund", rest @ ..] => match programme {
            Programme::Elective => parse_fund(rest),
            Programme::Phb => parse_phb_fund(rest),
        },
        ["owed", rest @ ..] => parse_owed(rest),
        ["out", rest @ ..] => parse_out(rest),
        _ => None,
    }
}

fn parse_fund(segments: &[&str]) -> Option<Parsed> {
    Some(match segments {
        [] | ["expenditure" | "prepayment" | "recoverable"] => Parsed::Node,
        ["allocation"] => Parsed::Leaf(Column::Allocation),
        ["expenditure", class] => {
            Parsed::Leaf(Column::Expenditure(ExpenditureClass::parse(class, Programme::Elective)?))
        }
        ["prepayment", payee] if is_name(payee) => Parsed::Leaf(Column::Prepayment),
        ["recoverable", payee] if is_name(payee) => Parsed::Leaf(Column::Recoverable),
        _ => return None,
    })
}

fn parse_phb_fund(segments: &[&str]) -> Option<Parsed> {
    Some(match segments {
        [] | ["unassigned"] | ["plan"] => Parsed::Node,
        ["unassigned", "allocation"] => Parsed::Leaf(Column::Allocation),
        ["plan", plan, rest @ ..] if is_name(plan) => match rest {
            [] | ["expenditure"] => Parsed::Node,
            ["allocation"] => Parsed::Leaf(Column::Allocation),
            ["expenditure", class] => {
                Parsed::Leaf(Column::Expenditure(ExpenditureClass::parse(class, Programme::Phb)?))
            }
            ["prepayment"] => Parsed::Leaf(Column::Prepayment),
            ["advance"] => Parsed::Leaf(Column::Advance),
            ["recoverable"] => Parsed::Leaf(Column::Recoverable),
            _ => return None,
        },
        _ => return None,
    })
}

fn parse_owed(segments: &[&str]) -> Option<Parsed> {
    Some(match segments {
        [] | ["payable" | "contested" | "estimate"] => Parsed::Node,
        [room, payee] if is_name(payee) => Parsed::Leaf(match *room {
            "payable" => Column::Payable,
            "contested" => Column::Contested,
            "estimate" => Column::Estimate,
            _ => return None,
        }),
        _ => return None,
    })
}

fn parse_out(segments: &[&str]) -> Option<Parsed> {
    Some(match segments {
        [] => Parsed::Node,
        ["in-transit"] => Parsed::Leaf(Column::InTransit),
        ["bank"] => Parsed::Leaf(Column::Bank),
        ["transferred"] => Parsed::Leaf(Column::Transferred),
        _ => return None,
    })
}

impl FromStr for AccountPath {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        match parse(text) {
            Some(Parsed::Leaf(column)) => Ok(Self { text: text.into(), column }),
            Some(Parsed::Node) => Err(PathError::NotALeaf),
            None => Err(PathError::NotInChart),
        }
    }
}

impl FromStr for NodePath {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        if parse(text).is_some() { Ok(Self(text.into())) } else { Err(PathError::NotInChart) }
    }
}

macro_rules! path_text {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl<C> Encode<C> for $name {
            fn encode<W: minicbor::encode::Write>(
                &self,
                e: &mut minicbor::Encoder<W>,
                _: &mut C,
            ) -> Result<(), minicbor::encode::Error<W::Error>> {
                e.str(self.as_str())?.ok()
            }
        }

        impl<'b, C> Decode<'b, C> for $name {
            fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
                d.str()?.parse().map_err(minicbor::decode::Error::custom)
            }
        }
    )*};
}

path_text!(AccountPath, NodePath);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_chart_parses() {
        let leaves = [
            ("10M/elective/2017-18/fund/allocation", Column::Allocation, None),
            (
                "10M/elective/2017-18/fund/expenditure/in-system",
                Column::Expenditure(ExpenditureClass::InSystem),
                None,
            ),
            ("10M/elective/2017-18/fund/prepayment/RHW", Column::Prepayment, Some("RHW")),
            ("10M/elective/2017-18/fund/recoverable/NT3", Column::Recoverable, Some("NT3")),
            ("10M/elective/2017-18/owed/payable/NT3", Column::Payable, Some("NT3")),
            ("10M/elective/2017-18/owed/contested/NT3", Column::Contested, Some("NT3")),
            ("10M/elective/2017-18/owed/estimate/NT3", Column::Estimate, Some("NT3")),
            ("10M/elective/2017-18/out/in-transit", Column::InTransit, None),
            ("10M/elective/2017-18/out/bank", Column::Bank, None),
            ("10M/elective/2017-18/out/transferred", Column::Transferred, None),
            ("10M/phb/2017-18/fund/unassigned/allocation", Column::Allocation, None),
            ("10M/phb/2017-18/fund/plan/phb-7/allocation", Column::Allocation, None),
            ("10M/phb/2017-18/fund/plan/phb-7/prepayment", Column::Prepayment, None),
            ("10M/phb/2017-18/fund/plan/phb-7/advance", Column::Advance, None),
            ("10M/phb/2017-18/fund/plan/phb-7/recoverable", Column::Recoverable, None),
            ("10M/phb/2017-18/owed/payable/phb-7", Column::Payable, Some("phb-7")),
            ("resource-limit/10M/2017-18", Column::ResourceLimit, None),
            ("target/10M", Column::Target, None),
            ("target/RHW/offset", Column::Target, None),
        ];
        for (text, column, payee) in leaves {
            let path: AccountPath = text.parse().unwrap();
            assert_eq!((path.as_str(), path.column(), path.payee()), (text, column, payee));
            assert_eq!(NodePath::from(&path).normal_side(), column.normal_side(), "{text}");
            for node in prefixes(text) {
                assert!(node.parse::<NodePath>().is_ok(), "{node}");
            }
        }
        let path: AccountPath = "10M/phb/2017-18/fund/plan/phb-7/expenditure/phb-direct".parse().unwrap();
        assert_eq!(path.line(), Some("10M/phb/2017-18"));
        assert_eq!(
            (path.payer(), path.plan(), path.financial_year()),
            (Some("10M"), Some("phb-7"), Some("2017-18"))
        );
        let limit: AccountPath = "resource-limit/10M/2017-18".parse().unwrap();
        assert_eq!((limit.payer(), limit.line(), limit.plan()), (Some("10M"), None, None));
    }

    #[test]
    fn nothing_else_parses() {
        for bad in [
            "",
            "/",
            "10M/elective/2017-18/fund/allocation/",
            "10m/elective/2017-18/fund/allocation",
            "10M00/elective/2017-18/fund/allocation",
            "10M/dental/2017-18/fund/allocation",
            "10M/elective/2017-19/fund/allocation",
            "10M/elective/2017-18/fund/unassigned/allocation",
            "10M/elective/2017-18/fund/expenditure/phb-direct",
            "10M/phb/2017-18/fund/allocation",
            "10M/phb/2017-18/fund/plan/phb-7/expenditure/in-system",
            "10M/elective/2017-18/owed/payable/a b",
            "10M/elective/2017-18/owed/payable/../NT3",
            "10M/elective/2017-18/out/cash",
            "target/10M/a/b",
            "fund/allocation",
        ] {
            assert_eq!(bad.parse::<AccountPath>(), Err(PathError::NotInChart), "{bad}");
        }
        for node in [
            "10M",
            "10M/elective",
            "10M/phb/2017-18/fund/plan/x",
            "target",
            "10M/elective/2017-18/owed/payable",
        ] {
            assert_eq!(node.parse::<AccountPath>(), Err(PathError::NotALeaf), "{node}");
        }
    }
}
