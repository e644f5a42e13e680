//! Rows of the shipped files, as the registry's messages.

use super::{Allocation, ControlTotal};
use anyhow::{Context as _, bail};
use money::{NetPence, Pence};
use proto::{google::r#type::Date, registry::v1};
use serde::Deserialize;

/// The system's file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct System {
    system: String,
    title: String,
    clock_start_time: String,
    members: Vec<String>,
}

pub(super) fn system(text: &str) -> anyhow::Result<v1::System> {
    let System { system, title, clock_start_time, members } = toml::from_str(text)?;
    let clock_start: journal::Instant = clock_start_time.parse()?;
    Ok(v1::System {
        system,
        title,
        sandbox: true,
        members,
        clock_start_time: Some(wire::common::timestamp(clock_start)),
    })
}

fn date(text: &str) -> anyhow::Result<Date> {
    let day: journal::Day = text.parse().with_context(|| format!("`{text}` is not a date"))?;
    Ok(wire::common::day(day))
}

fn date_optional(text: &str) -> anyhow::Result<Option<Date>> {
    if text.is_empty() { Ok(None) } else { date(text).map(Some) }
}

fn validity(from: &str, until: &str) -> anyhow::Result<Option<v1::Validity>> {
    Ok(Some(v1::Validity { from_date: Some(date(from)?), until_date: date_optional(until)? }))
}

fn pounds(text: &str) -> anyhow::Result<Pence> {
    Ok(text.parse()?)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Organisation {
    ods: String,
    name: String,
    role: String,
    open_date: String,
    close_date: String,
    successor: String,
    source: String,
}

pub(super) fn organisation(row: Organisation) -> anyhow::Result<v1::Organisation> {
    let role = match row.role.as_str() {
        "ccg" => v1::Role::Ccg,
        "nhs-trust" => v1::Role::NhsTrust,
        "independent" => v1::Role::Independent,
        "practice" => v1::Role::Practice,
        other => bail!("`{other}` is not a kind of organisation"),
    };
    Ok(v1::Organisation {
        ods: row.ods,
        name: row.name,
        role: role.into(),
        open: validity(&row.open_date, &row.close_date)?,
        successor: row.successor,
        source: row.source,
    })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Site {
    site: String,
    payee: String,
    name: String,
    from_date: String,
    until_date: String,
    source: String,
}

pub(super) fn site(row: Site) -> anyhow::Result<v1::Site> {
    let validity = validity(&row.from_date, &row.until_date)?;
    Ok(v1::Site { site: row.site, payee: row.payee, name: row.name, validity, source: row.source })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Practice {
    practice: String,
    ccg: String,
    from_date: String,
    until_date: String,
    source: String,
}

pub(super) fn practice(row: Practice) -> anyhow::Result<v1::Practice> {
    let validity = validity(&row.from_date, &row.until_date)?;
    Ok(v1::Practice { practice: row.practice, ccg: row.ccg, validity, source: row.source })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct District {
    district: String,
    ccg: String,
    from_date: String,
    until_date: String,
    source: String,
}

pub(super) fn district(row: District) -> anyhow::Result<v1::District> {
    let validity = validity(&row.from_date, &row.until_date)?;
    Ok(v1::District { district: row.district, ccg: row.ccg, validity, source: row.source })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Contract {
    contract: String,
    payers: String,
    provider: String,
    treatment_functions: String,
    from_date: String,
    until_date: String,
    mechanism: String,
    annual_value_gbp: String,
    day_of_month: String,
    rounding: String,
    price_tolerance_gbp: String,
    ubrn_required_from_date: String,
    source: String,
}

pub(super) fn contract(row: Contract) -> anyhow::Result<v1::Contract> {
    use v1::contract::Mechanism;
    let instalments = || anyhow::Ok((pounds(&row.annual_value_gbp)?.get(), row.day_of_month.parse::<i32>()?));
    let mechanism = match row.mechanism.as_str() {
        "cost-per-case" => Mechanism::CostPerCase(v1::CostPerCase {}),
        "non-contract" => Mechanism::NonContract(v1::NonContract {}),
        "on-account" => {
            let (annual_value_pence, day_of_month) = instalments()?;
            Mechanism::OnAccount(v1::OnAccount { annual_value_pence, day_of_month })
        }
        "block" => {
            let (annual_value_pence, day_of_month) = instalments()?;
            Mechanism::Block(v1::Block { annual_value_pence, day_of_month })
        }
        other => bail!("`{other}` is not a payment mechanism"),
    };
    let rounding = match row.rounding.as_str() {
        "penny" => v1::Rounding::NearestPenny,
        "pound" => v1::Rounding::NearestPound,
        other => bail!("`{other}` is not a rounding"),
    };
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect();
    Ok(v1::Contract {
        contract: row.contract,
        payers: words(&row.payers),
        provider: row.provider,
        treatment_functions: words(&row.treatment_functions),
        validity: validity(&row.from_date, &row.until_date)?,
        mechanism: Some(mechanism),
        rounding: rounding.into(),
        price_tolerance_pence: pounds(&row.price_tolerance_gbp)?.get(),
        ubrn_required_from_date: date_optional(&row.ubrn_required_from_date)?,
        source: row.source,
        pricing: None,
    })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Deadlines {
    period: String,
    flex_date: String,
    freeze_date: String,
    source: String,
}

pub(super) fn deadlines(row: Deadlines) -> anyhow::Result<v1::Deadlines> {
    let (flex_date, freeze_date) = (Some(date(&row.flex_date)?), Some(date(&row.freeze_date)?));
    Ok(v1::Deadlines { period: row.period, flex_date, freeze_date, source: row.source })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BankHoliday {
    date: String,
}

pub(super) fn bank_holiday(row: BankHoliday) -> anyhow::Result<Date> {
    date(&row.date)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PaymentChannel {
    payer: String,
    channel: String,
    from_date: String,
    until_date: String,
}

pub(super) fn payment_channel(row: PaymentChannel) -> anyhow::Result<v1::PaymentChannel> {
    let channel = match row.channel.as_str() {
        "bank" => v1::Channel::Bank,
        "ledger-of-record" => v1::Channel::LedgerOfRecord,
        other => bail!("`{other}` is not a payment channel"),
    };
    let validity = validity(&row.from_date, &row.until_date)?;
    Ok(v1::PaymentChannel { payer: row.payer, channel: channel.into(), validity })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BankDetails {
    organisation: String,
    account_name: String,
    sort_code: String,
    account_number: String,
    from_date: String,
    until_date: String,
}

pub(super) fn bank_details(row: BankDetails) -> anyhow::Result<v1::BankDetails> {
    Ok(v1::BankDetails {
        organisation: row.organisation,
        account_name: row.account_name,
        sort_code: row.sort_code,
        account_number: row.account_number,
        validity: validity(&row.from_date, &row.until_date)?,
    })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Budget {
    ccg: String,
    programme: String,
    financial_year: String,
    allocation_gbp: String,
    source: String,
}

pub(super) fn allocation(row: Budget) -> anyhow::Result<Allocation> {
    Ok(Allocation {
        ccg: row.ccg.parse()?,
        programme: row.programme,
        financial_year: row.financial_year.parse()?,
        amount: pounds(&row.allocation_gbp)?,
        source: row.source,
    })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Target {
    organisation: String,
    financial_year: String,
    total_gbp: String,
    reserve_gbp: String,
    source: String,
}

pub(super) fn control_total(row: Target) -> anyhow::Result<ControlTotal> {
    let total = match row.total_gbp.strip_prefix('-') {
        Some(deficit) => Pence::ZERO.net(pounds(deficit)?),
        None => NetPence::from(pounds(&row.total_gbp)?),
    };
    Ok(ControlTotal {
        organisation: row.organisation.parse()?,
        financial_year: row.financial_year.parse()?,
        total,
        reserve: pounds(&row.reserve_gbp)?,
        source: row.source,
    })
}
