//! Contracts as people write them: one TOML file, amounts in pounds.

use super::{
    Registry,
    read::list_contracts,
    write::{Attempt, proposed},
};
use crate::output;
use anyhow::{Context as _, bail};
use clap::Args;
use journal::Day;
use money::Pence;
use proto::{google::r#type::Date, registry::v1};
use serde::Deserialize;
use std::{fs, path::PathBuf};

/// Contracts to propose.
#[derive(Debug, Args)]
pub(super) struct ProposeContracts {
    /// The contracts as TOML: see `contracts` in the documentation
    file: PathBuf,
    /// Only check them
    #[arg(long)]
    validate_only: bool,
    #[command(flatten)]
    attempt: Attempt,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    contract: Vec<Contract>,
}

/// A contract as it stands in a file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Contract {
    contract: String,
    #[serde(default)]
    payers: Vec<String>,
    provider: String,
    #[serde(default)]
    treatment_functions: Vec<String>,
    from: Scalar,
    until: Option<Scalar>,
    mechanism: Mechanism,
    annual_value_gbp: Option<Scalar>,
    day_of_month: Option<i32>,
    rounding: Rounding,
    price_tolerance_gbp: Option<Scalar>,
    ubrn_required_from: Option<Scalar>,
    source: String,
    #[serde(default)]
    price: Vec<Price>,
    #[serde(default)]
    modification: Vec<Modification>,
    #[serde(default)]
    top_up: Vec<TopUp>,
    #[serde(default)]
    best_practice: Vec<BestPractice>,
    plan: Option<Plan>,
}

/// A date or an amount: written as text, or as TOML's own date or number.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Scalar {
    Text(String),
    Whole(i64),
    Date(toml::value::Datetime),
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Mechanism {
    CostPerCase,
    OnAccount,
    Block,
    NonContract,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Rounding {
    Penny,
    Pound,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Use {
    WhereNone,
    Variation,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Price {
    hrg: Option<String>,
    treatment_function: Option<String>,
    #[serde(default)]
    point_of_delivery: String,
    gbp: Scalar,
    #[serde(rename = "use")]
    use_: Use,
    includes_market_forces_factor: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Modification {
    hrg: Option<String>,
    treatment_function: Option<String>,
    gbp: Scalar,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TopUp {
    hrg: Option<String>,
    treatment_function: Option<String>,
    percent: u32,
    #[serde(default)]
    on_long_stay: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct BestPractice {
    hrg: Option<String>,
    treatment_function: Option<String>,
    from: Scalar,
    until: Option<Scalar>,
    gbp: Scalar,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Plan {
    planned_gbp: Scalar,
    #[serde(default)]
    above: Vec<Band>,
    #[serde(default)]
    below: Vec<Band>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct Band {
    until_percent: Option<u32>,
    rate_percent: u32,
}

impl Scalar {
    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Whole(whole) => whole.to_string(),
            Self::Date(date) => date.to_string(),
        }
    }

    fn date(&self) -> anyhow::Result<Date> {
        let text = self.text();
        let day: Day = text.parse().with_context(|| format!("`{text}` is not a date such as 2017-04-01"))?;
        Ok(wire::common::day(day))
    }

    /// Pounds in pence, a minus in front where something is taken off.
    fn pence(&self) -> anyhow::Result<i64> {
        let text = self.text();
        let (sign, amount) = text.strip_prefix('-').map_or((1, text.as_str()), |amount| (-1, amount));
        let pence: Pence = amount.parse().with_context(|| format!("`{text}` is not an amount in pounds"))?;
        Ok(pence.get().saturating_mul(sign))
    }
}

fn validity(from: &Scalar, until: Option<&Scalar>) -> anyhow::Result<Option<v1::Validity>> {
    let until_date = until.map(Scalar::date).transpose()?;
    Ok(Some(v1::Validity { from_date: Some(from.date()?), until_date }))
}

fn care(hrg: Option<String>, function: Option<String>) -> anyhow::Result<Option<v1::PricedCare>> {
    use v1::priced_care::Of;
    let of = match (hrg, function) {
        (Some(hrg), None) => Of::Hrg(hrg),
        (None, Some(function)) => Of::TreatmentFunction(function),
        (_, _) => bail!("a term on prices is of an `hrg` or of a `treatment_function`"),
    };
    Ok(Some(v1::PricedCare { of: Some(of) }))
}

impl Price {
    fn message(self) -> anyhow::Result<v1::AgreedPrice> {
        let use_ = match self.use_ {
            Use::WhereNone => v1::AgreedPriceUse::WhereNone,
            Use::Variation => v1::AgreedPriceUse::Variation,
        };
        Ok(v1::AgreedPrice {
            care: care(self.hrg, self.treatment_function)?,
            point_of_delivery: self.point_of_delivery,
            amount_pence: self.gbp.pence()?,
            r#use: use_.into(),
            includes_market_forces_factor: Some(self.includes_market_forces_factor),
        })
    }
}

impl Modification {
    fn message(self) -> anyhow::Result<v1::Modification> {
        let care = care(self.hrg, self.treatment_function)?;
        Ok(v1::Modification { care, amount_pence: self.gbp.pence()? })
    }
}

impl TopUp {
    fn message(self) -> anyhow::Result<v1::TopUp> {
        let Self { hrg, treatment_function, percent, on_long_stay } = self;
        Ok(v1::TopUp { care: care(hrg, treatment_function)?, percent, on_long_stay })
    }
}

impl BestPractice {
    fn message(self) -> anyhow::Result<v1::BestPractice> {
        Ok(v1::BestPractice {
            care: care(self.hrg, self.treatment_function)?,
            validity: validity(&self.from, self.until.as_ref())?,
            amount_pence: self.gbp.pence()?,
        })
    }
}

impl Plan {
    fn message(self) -> anyhow::Result<v1::Plan> {
        let bands = |bands: Vec<Band>| {
            let band =
                |Band { until_percent, rate_percent }| v1::MarginalBand { until_percent, rate_percent };
            bands.into_iter().map(band).collect()
        };
        let planned_pence = self.planned_gbp.pence()?;
        Ok(v1::Plan { planned_pence, above: bands(self.above), below: bands(self.below) })
    }
}

impl Contract {
    fn mechanism(&self) -> anyhow::Result<v1::contract::Mechanism> {
        use v1::contract::Mechanism as Wire;
        let instalments = || {
            let value = self.annual_value_gbp.as_ref().context("it needs an `annual_value_gbp`")?;
            anyhow::Ok((value.pence()?, self.day_of_month.context("it needs a `day_of_month`")?))
        };
        Ok(match self.mechanism {
            Mechanism::CostPerCase => Wire::CostPerCase(v1::CostPerCase {}),
            Mechanism::NonContract => Wire::NonContract(v1::NonContract {}),
            Mechanism::OnAccount => {
                let (annual_value_pence, day_of_month) = instalments()?;
                Wire::OnAccount(v1::OnAccount { annual_value_pence, day_of_month })
            }
            Mechanism::Block => {
                let (annual_value_pence, day_of_month) = instalments()?;
                Wire::Block(v1::Block { annual_value_pence, day_of_month })
            }
        })
    }

    fn message(self) -> anyhow::Result<v1::Contract> {
        let mechanism = self.mechanism()?;
        let rounding = match self.rounding {
            Rounding::Penny => v1::Rounding::NearestPenny,
            Rounding::Pound => v1::Rounding::NearestPound,
        };
        let pricing = v1::Pricing {
            prices: self.price.into_iter().map(Price::message).collect::<anyhow::Result<_>>()?,
            modifications: self
                .modification
                .into_iter()
                .map(Modification::message)
                .collect::<anyhow::Result<_>>()?,
            top_ups: self.top_up.into_iter().map(TopUp::message).collect::<anyhow::Result<_>>()?,
            best_practice: self
                .best_practice
                .into_iter()
                .map(BestPractice::message)
                .collect::<anyhow::Result<_>>()?,
            plan: self.plan.map(Plan::message).transpose()?,
        };
        Ok(v1::Contract {
            contract: self.contract,
            payers: self.payers,
            provider: self.provider,
            treatment_functions: self.treatment_functions,
            validity: validity(&self.from, self.until.as_ref())?,
            mechanism: Some(mechanism),
            rounding: rounding.into(),
            price_tolerance_pence: self.price_tolerance_gbp.as_ref().map_or(Ok(0), Scalar::pence)?,
            ubrn_required_from_date: self.ubrn_required_from.as_ref().map(Scalar::date).transpose()?,
            source: self.source,
            pricing: (pricing != v1::Pricing::default()).then_some(pricing),
        })
    }
}

/// The contracts of a file's text.
fn read(text: &str) -> anyhow::Result<Vec<v1::Contract>> {
    let File { contract } = toml::from_str(text)?;
    let message = |row: Contract| {
        let name = row.contract.clone();
        row.message().with_context(|| format!("contract {name}"))
    };
    contract.into_iter().map(message).collect()
}

pub(super) async fn propose(registry: &Registry, propose: ProposeContracts) -> anyhow::Result<()> {
    let ProposeContracts { file, validate_only, attempt } = propose;
    let text = fs::read_to_string(&file).with_context(|| format!("{} cannot be read", file.display()))?;
    let contracts = read(&text).with_context(|| format!("{} is not understood", file.display()))?;
    list_contracts(contracts.clone());
    let request = v1::ProposeContractsRequest {
        system: registry.system()?,
        request_id: attempt.id(),
        contracts,
        validate_only,
    };
    let answer = registry.connection.ask(request).await.context("the contracts were not proposed")?;
    if validate_only {
        output::line(format_args!("they could be proposed; nothing is"));
        return Ok(());
    }
    proposed(answer.proposal);
    output::line(format_args!("lines that were priced keep their prices"));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"
[[contract]]
contract = "10M-NT3"
payers = ["10M"]
provider = "NT3"
from = 2017-04-01
until = "2018-03-31"
mechanism = "block"
annual_value_gbp = "1200000"
day_of_month = 15
rounding = "penny"
price_tolerance_gbp = 1
source = "test"

[[contract.price]]
hrg = "HN12F"
point_of_delivery = "EL"
gbp = "4999.50"
use = "variation"
includes_market_forces_factor = true

[[contract.modification]]
treatment_function = "110"
gbp = 100

[[contract.top_up]]
hrg = "HN12F"
percent = 24

[[contract.best_practice]]
hrg = "HN12F"
from = 2017-04-01
until = 2017-06-30
gbp = "-550"

[contract.plan]
planned_gbp = "1200000"
above = [{ until_percent = 110, rate_percent = 70 }, { rate_percent = 50 }]
"#;

    #[test]
    fn a_file_says_all_that_a_contract_can() {
        let [contract] = <[v1::Contract; 1]>::try_from(read(FILE).unwrap()).unwrap();
        let mechanism =
            v1::contract::Mechanism::Block(v1::Block { annual_value_pence: 1_200_000_00, day_of_month: 15 });
        assert_eq!((contract.mechanism, contract.price_tolerance_pence), (Some(mechanism), 100));
        let pricing = contract.pricing.unwrap();
        assert_eq!(pricing.prices[0].amount_pence, 4_999_50);
        assert_eq!(pricing.prices[0].includes_market_forces_factor, Some(true));
        assert_eq!(pricing.modifications[0].amount_pence, 100_00);
        assert_eq!((pricing.top_ups[0].percent, pricing.top_ups[0].on_long_stay), (24, false));
        assert_eq!(pricing.best_practice[0].amount_pence, -550_00);
        assert_eq!(
            pricing.plan.unwrap().above,
            [
                v1::MarginalBand { until_percent: Some(110), rate_percent: 70 },
                v1::MarginalBand { until_percent: None, rate_percent: 50 }
            ]
        );
    }

    #[test]
    fn what_is_not_understood_is_said() {
        let table = [
            ("gbp = \"4999.50\"", "gbp = \"4999.505\"", "not an amount in pounds"),
            ("hrg = \"HN12F\"\npoint", "point", "of an `hrg` or of a `treatment_function`"),
            ("until = \"2018-03-31\"", "until = \"2018-02-31\"", "is not a date"),
            ("day_of_month = 15\n", "", "`day_of_month`"),
            ("rounding = \"penny\"", "rounding = \"farthing\"", "farthing"),
            ("rounding", "roundings", "roundings"),
            ("use = \"variation\"\n", "", "use"),
        ];
        for (good, bad, words) in table {
            assert!(FILE.contains(good));
            let said = format!("{:#}", read(&FILE.replacen(good, bad, 1)).unwrap_err());
            assert!(said.contains(words), "{bad}: {said}");
        }
        assert!(read(&FILE.replace("mechanism = \"block\"", "mechanism = \"cost-per-case\"")).is_ok());
    }
}
