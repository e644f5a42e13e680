//! The reading commands.

use super::{Registry, Whose};
use crate::output::{self, date, show, table};
use anyhow::Context as _;
use clap::{Args, ValueEnum};
use money::Pence;
use proto::{
    common::v1::PageRequest,
    registry::v1::{self, contract::Mechanism, proposal::Content},
};

/// Which organisation.
#[derive(Debug, Args)]
pub(super) struct Organisation {
    /// Its ODS code
    ods: String,
}

/// Which organisations.
#[derive(Debug, Args)]
pub(super) struct Organisations {
    /// Only of this kind
    #[arg(long)]
    role: Option<Role>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Role {
    /// Commissioning groups
    Ccg,
    /// NHS trusts
    NhsTrust,
    /// Providers outside the NHS
    Independent,
    /// General practices
    Practice,
}

/// `2013-04-01 to 2018-03-31`, `from 2018-04-01`.
fn span(validity: Option<v1::Validity>) -> String {
    let v1::Validity { from_date, until_date } = validity.unwrap_or_default();
    match until_date {
        None => format!("from {}", date(from_date)),
        Some(_) => format!("{} to {}", date(from_date), date(until_date)),
    }
}

const fn role(role: v1::Role) -> &'static str {
    match role {
        v1::Role::Unspecified => "",
        v1::Role::Ccg => "ccg",
        v1::Role::NhsTrust => "nhs-trust",
        v1::Role::Independent => "independent",
        v1::Role::Practice => "practice",
    }
}

/// A digest as it is given to `approve`.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) async fn systems(registry: &Registry) -> anyhow::Result<()> {
    let answer =
        registry.connection.ask(v1::ListSystemsRequest {}).await.context("the systems cannot be listed")?;
    let mut rows = table(["system", "title", "sandbox", "members"], []);
    for v1::System { system, title, sandbox, members, clock_start_time: _ } in answer.systems {
        rows.add_row([system, title, if sandbox { "sandbox" } else { "" }.to_owned(), members.join(" ")]);
    }
    show(&rows);
    Ok(())
}

pub(super) async fn clock(registry: &Registry) -> anyhow::Result<()> {
    let request = v1::GetSystemRequest { system: registry.system()? };
    let answer = registry.connection.ask(request).await.context("the system cannot be read")?;
    let shown = answer.clock_time.and_then(wire::common::instant_from).context("no time was answered")?;
    output::line(format_args!("{shown}"));
    Ok(())
}

pub(super) async fn organisation(registry: &Registry, of: Organisation) -> anyhow::Result<()> {
    let request = v1::GetOrganisationRequest { ods: of.ods, min_position: None };
    let answer = registry.connection.ask(request).await.context("the organisation cannot be read")?;
    list_organisations(answer.organisation.into_iter());
    Ok(())
}

pub(super) async fn organisations(registry: &Registry, of: Organisations) -> anyhow::Result<()> {
    let role = match of.role {
        None => v1::Role::Unspecified,
        Some(Role::Ccg) => v1::Role::Ccg,
        Some(Role::NhsTrust) => v1::Role::NhsTrust,
        Some(Role::Independent) => v1::Role::Independent,
        Some(Role::Practice) => v1::Role::Practice,
    };
    let mut all = Vec::new();
    let mut page_token = String::new();
    loop {
        let page = Some(PageRequest { page_size: 1_000, page_token });
        let request = v1::ListOrganisationsRequest { role: role.into(), page, min_position: None };
        let answer = registry.connection.ask(request).await.context("organisations cannot be listed")?;
        all.extend(answer.organisations);
        page_token = answer.page.unwrap_or_default().next_page_token;
        if page_token.is_empty() {
            list_organisations(all.into_iter());
            return Ok(());
        }
    }
}

fn list_organisations(organisations: impl Iterator<Item = v1::Organisation>) {
    let mut rows = table(["code", "name", "kind", "open", "successor", "source"], []);
    for row in organisations {
        let kind = role(row.role());
        let v1::Organisation { ods, name, role: _, open, successor, source } = row;
        rows.add_row([ods, name, kind.to_owned(), span(open), successor, source]);
    }
    show(&rows);
}

pub(super) async fn contracts(registry: &Registry) -> anyhow::Result<()> {
    let system = registry.system()?;
    let mut all = Vec::new();
    let mut page_token = String::new();
    loop {
        let page = Some(PageRequest { page_size: 1_000, page_token });
        let request = v1::ListContractsRequest { system: system.clone(), page, min_position: None };
        let answer = registry.connection.ask(request).await.context("contracts cannot be listed")?;
        all.extend(answer.contracts);
        page_token = answer.page.unwrap_or_default().next_page_token;
        if page_token.is_empty() {
            list_contracts(all);
            return Ok(());
        }
    }
}

pub(super) fn list_contracts(contracts: Vec<v1::Contract>) {
    let mut rows = table(["contract", "payers", "provider", "functions", "care", "payment", "source"], []);
    let all = |texts: Vec<String>| if texts.is_empty() { "all".to_owned() } else { texts.join(" ") };
    let instalments = |word: &str, pence: i64, day: i32| {
        let value = Pence::new(pence).map(|value| value.to_string()).unwrap_or_default();
        format!("{word}, {value} a year, due on day {day}")
    };
    let mut terms = Vec::new();
    for row in contracts {
        if let Some(pricing) = row.pricing {
            terms.push((row.contract.clone(), pricing));
        }
        let payment = match &row.mechanism {
            Some(Mechanism::CostPerCase(_)) => "cost per case".to_owned(),
            Some(Mechanism::NonContract(_)) => "non-contract".to_owned(),
            Some(Mechanism::OnAccount(terms)) => {
                instalments("on account", terms.annual_value_pence, terms.day_of_month)
            }
            Some(Mechanism::Block(terms)) => {
                instalments("block", terms.annual_value_pence, terms.day_of_month)
            }
            None => String::new(),
        };
        rows.add_row([
            row.contract,
            all(row.payers),
            row.provider,
            all(row.treatment_functions),
            span(row.validity),
            payment,
            row.source,
        ]);
    }
    show(&rows);
    for (contract, pricing) in terms {
        output::line(format_args!("{contract} says of prices:"));
        for term in terms_in_words(&pricing) {
            output::line(format_args!("  {term}"));
        }
    }
}

/// What a contract says of prices, one term a line: whoever approves it sees all of it.
fn terms_in_words(pricing: &v1::Pricing) -> Vec<String> {
    let v1::Pricing { prices, modifications, top_ups, best_practice, plan } = pricing;
    let mut terms = Vec::new();
    for row in prices {
        let care = care(row.care.as_ref());
        let there = match row.point_of_delivery.as_str() {
            "" => String::new(),
            pod => format!(" as {pod}"),
        };
        let when = match row.r#use() {
            v1::AgreedPriceUse::Variation => "instead of the national price",
            v1::AgreedPriceUse::WhereNone | v1::AgreedPriceUse::Unspecified => {
                "where there is no national price"
            }
        };
        let factor = match row.includes_market_forces_factor {
            Some(true) => "the market forces factor is in it",
            Some(false) | None => "times the market forces factor",
        };
        terms.push(format!("{care}{there}: {} {when}, {factor}", output::pounds(row.amount_pence)));
    }
    for row in modifications {
        let amount = output::pounds(row.amount_pence);
        terms.push(format!("{}: local modification of {amount}", care(row.care.as_ref())));
    }
    for row in top_ups {
        let long_stay = if row.on_long_stay { ", on long-stay days too" } else { "" };
        terms.push(format!("{}: top-up of {} per cent{long_stay}", care(row.care.as_ref()), row.percent));
    }
    for row in best_practice {
        let (care, amount) = (care(row.care.as_ref()), output::pounds(row.amount_pence));
        terms.push(format!("{care}, {}: best practice {amount}", span(row.validity)));
    }
    if let Some(v1::Plan { planned_pence, above, below }) = plan {
        terms.push(format!("plan of {} a year", output::pounds(*planned_pence)));
        for (side, bands) in [("above", above), ("below", below)] {
            for band in bands {
                let until = band.until_percent.map_or_else(
                    || "without an end".to_owned(),
                    |percent| format!("to {percent} per cent of it"),
                );
                terms.push(format!("{side} the plan, {until}: {} per cent", band.rate_percent));
            }
        }
    }
    terms
}

fn care(care: Option<&v1::PricedCare>) -> String {
    use v1::priced_care::Of;
    match care.and_then(|care| care.of.as_ref()) {
        Some(Of::Hrg(hrg)) => hrg.clone(),
        Some(Of::TreatmentFunction(function)) => format!("function {function}"),
        None => String::new(),
    }
}

pub(super) async fn proposals(registry: &Registry, whose: Whose) -> anyhow::Result<()> {
    let system = registry.whose(whose)?;
    let page = Some(PageRequest { page_size: 1_000, page_token: String::new() });
    let request = v1::ListProposalsRequest { system, page, min_position: None };
    let answer = registry.connection.ask(request).await.context("proposals cannot be listed")?;
    for v1::Proposal { proposal, digest, propose_time, content } in answer.proposals {
        let time = propose_time.and_then(wire::common::instant_from).map(|time| time.to_string());
        output::line(format_args!(
            "proposal {proposal}, made {}, digest {}",
            time.unwrap_or_default(),
            hex(&digest)
        ));
        match content {
            Some(Content::Contracts(v1::ProposedContracts { contracts })) => list_contracts(contracts),
            Some(Content::PriceBook(book)) => {
                output::line(format_args!(
                    "price book {} for {}: {} rows, SHA-256 {}",
                    book.price_book,
                    book.financial_year,
                    book.row_count,
                    hex(&book.sha256)
                ));
                crate::commands::tariff::load::show_answered(&book.difference.unwrap_or_default());
            }
            Some(Content::BankDetails(v1::ProposedBankDetails { bank_details })) => {
                list_bank_details(bank_details);
            }
            None => output::line(format_args!("of a kind that this program does not know")),
        }
    }
    Ok(())
}

fn list_bank_details(accounts: Vec<v1::BankDetails>) {
    let mut rows = table(["organisation", "account name", "sort code", "account number", "used"], []);
    for v1::BankDetails { organisation, account_name, sort_code, account_number, validity } in accounts {
        rows.add_row([organisation, account_name, sort_code, account_number, span(validity)]);
    }
    show(&rows);
}
