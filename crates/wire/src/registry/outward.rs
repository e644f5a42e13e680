//! Rows outward. Each takes its row apart field by field.

use crate::common;
use journal::{Instant, Position};
use money::Rounding;
use proto::registry::v1;
use reference::{
    AgreedPrice, AgreedTopUp, BankDetails, BestPractice, Channel, Contract, Mechanism, Modification,
    Organisation, Plan, PriceKind, Pricing, Role, Scope, System, Validity,
};
use registry::{Content, PriceBook};
use tariff::{Band, Subject, TopUp};

/// A span of days.
#[must_use]
pub fn validity(validity: Validity) -> v1::Validity {
    let Validity { from, until } = validity;
    v1::Validity { from_date: Some(common::day(from)), until_date: until.map(common::day) }
}

/// What kind of body an organisation is.
#[must_use]
pub const fn role(role: Role) -> v1::Role {
    match role {
        Role::Ccg => v1::Role::Ccg,
        Role::NhsTrust => v1::Role::NhsTrust,
        Role::Independent => v1::Role::Independent,
        Role::Practice => v1::Role::Practice,
    }
}

/// How a payer pays.
#[must_use]
pub const fn channel(channel: Channel) -> v1::Channel {
    match channel {
        Channel::Bank => v1::Channel::Bank,
        Channel::LedgerOfRecord => v1::Channel::LedgerOfRecord,
    }
}

/// What a price book prices.
#[must_use]
pub const fn price_kind(kind: PriceKind) -> v1::PriceKind {
    match kind {
        PriceKind::Admitted => v1::PriceKind::Admitted,
        PriceKind::Attendance => v1::PriceKind::Attendance,
    }
}

/// A system, and where its clock began.
#[must_use]
pub fn system(system: System, clock_start: Option<Instant>) -> v1::System {
    let System { name, title, sandbox, members } = system;
    v1::System {
        system: name,
        title,
        sandbox,
        members: members.iter().map(ToString::to_string).collect(),
        clock_start_time: clock_start.map(common::timestamp),
    }
}

/// An organisation.
#[must_use]
pub fn organisation(row: Organisation) -> v1::Organisation {
    let Organisation { ods, name, role: kind, open, successor, source } = row;
    v1::Organisation {
        ods: ods.to_string(),
        name,
        role: role(kind).into(),
        open: Some(validity(open)),
        successor: successor.map(|ods| ods.to_string()).unwrap_or_default(),
        source,
    }
}

/// Bank details of an organisation.
#[must_use]
pub fn bank_details(row: BankDetails) -> v1::BankDetails {
    let BankDetails { organisation, account_name, sort_code, account_number, validity: span } = row;
    v1::BankDetails {
        organisation: organisation.to_string(),
        account_name,
        sort_code: sort_code.to_string(),
        account_number: account_number.to_string(),
        validity: Some(validity(span)),
    }
}

/// A contract.
#[must_use]
pub fn contract(row: Contract) -> v1::Contract {
    let Contract {
        id,
        payers,
        provider,
        functions,
        validity: span,
        mechanism: terms,
        rounding,
        price_tolerance,
        ubrn_required_from,
        source,
        pricing: prices,
    } = row;
    v1::Contract {
        contract: id.to_string(),
        payers: scope(&payers),
        provider: provider.to_string(),
        treatment_functions: scope(&functions),
        validity: Some(validity(span)),
        mechanism: Some(mechanism(&terms)),
        rounding: match rounding {
            Rounding::NearestPenny => v1::Rounding::NearestPenny,
            Rounding::NearestPound => v1::Rounding::NearestPound,
        }
        .into(),
        price_tolerance_pence: price_tolerance.get(),
        ubrn_required_from_date: ubrn_required_from.map(common::day),
        source,
        pricing: prices.map(pricing),
    }
}

fn pricing(pricing: Pricing) -> v1::Pricing {
    let Pricing { prices, modifications, top_ups, best_practice, plan: planned } = pricing;
    v1::Pricing {
        prices: prices.into_iter().map(agreed_price).collect(),
        modifications: modifications
            .into_iter()
            .map(|Modification { of, amount }| v1::Modification {
                care: Some(priced_care(of)),
                amount_pence: amount.get(),
            })
            .collect(),
        top_ups: top_ups
            .into_iter()
            .map(|AgreedTopUp { of, top_up: TopUp { percent, on_long_stay } }| v1::TopUp {
                care: Some(priced_care(of)),
                percent: u32::from(percent),
                on_long_stay,
            })
            .collect(),
        best_practice: best_practice
            .into_iter()
            .map(|BestPractice { of, validity: span, amount }| v1::BestPractice {
                care: Some(priced_care(of)),
                validity: Some(validity(span)),
                amount_pence: amount.get(),
            })
            .collect(),
        plan: planned.map(plan),
    }
}

fn priced_care(of: Subject) -> v1::PricedCare {
    use v1::priced_care::Of;
    let of = match of {
        Subject::Hrg(hrg) => Of::Hrg(hrg.to_string()),
        Subject::Function(function) => Of::TreatmentFunction(function.to_string()),
    };
    v1::PricedCare { of: Some(of) }
}

fn agreed_price(row: AgreedPrice) -> v1::AgreedPrice {
    let AgreedPrice { of, point_of_delivery, amount, variation, includes_mff } = row;
    let use_ = if variation { v1::AgreedPriceUse::Variation } else { v1::AgreedPriceUse::WhereNone };
    v1::AgreedPrice {
        care: Some(priced_care(of)),
        point_of_delivery: point_of_delivery.map(|pod| pod.to_string()).unwrap_or_default(),
        amount_pence: amount.get(),
        r#use: use_.into(),
        includes_market_forces_factor: Some(includes_mff),
    }
}

fn plan(plan: Plan) -> v1::Plan {
    let Plan { planned, above, below } = plan;
    let bands = |bands: Vec<Band>| {
        let band = |Band { until_percent, rate_percent }| v1::MarginalBand { until_percent, rate_percent };
        bands.into_iter().map(band).collect()
    };
    v1::Plan { planned_pence: planned.get(), above: bands(above), below: bands(below) }
}

fn scope<T: ToString>(scope: &Scope<T>) -> Vec<String> {
    match scope {
        Scope::All => Vec::new(),
        Scope::These(items) => items.iter().map(ToString::to_string).collect(),
    }
}

fn mechanism(mechanism: &Mechanism) -> v1::contract::Mechanism {
    match mechanism {
        Mechanism::CostPerCase => v1::contract::Mechanism::CostPerCase(v1::CostPerCase {}),
        Mechanism::NonContract => v1::contract::Mechanism::NonContract(v1::NonContract {}),
        Mechanism::OnAccount { annual_value, day_of_month } => {
            v1::contract::Mechanism::OnAccount(v1::OnAccount {
                annual_value_pence: annual_value.get(),
                day_of_month: i32::from(*day_of_month),
            })
        }
        Mechanism::Block { annual_value, day_of_month } => v1::contract::Mechanism::Block(v1::Block {
            annual_value_pence: annual_value.get(),
            day_of_month: i32::from(*day_of_month),
        }),
    }
}

/// A proposal that waits. `position` and `propose_time` are those of its record.
#[must_use]
pub fn proposal(position: Position, propose_time: Instant, content: Content) -> v1::Proposal {
    let digest = common::digest(content.digest());
    let content = match content {
        Content::PriceBook(book) => v1::proposal::Content::PriceBook(price_book(&book)),
        Content::Contracts(rows) => {
            let contracts = rows.into_iter().map(contract).collect();
            v1::proposal::Content::Contracts(v1::ProposedContracts { contracts })
        }
        Content::BankDetails(rows) => {
            let bank_details = rows.into_iter().map(bank_details).collect();
            v1::proposal::Content::BankDetails(v1::ProposedBankDetails { bank_details })
        }
    };
    v1::Proposal {
        proposal: position.get(),
        digest,
        propose_time: Some(common::timestamp(propose_time)),
        content: Some(content),
    }
}

fn price_book(book: &PriceBook) -> v1::ProposedPriceBook {
    let PriceBook { id, financial_year, kind, digest, content } = book;
    let rows = tariff::PriceBook::from_cbor(content).map_or(0, |book| book.len());
    v1::ProposedPriceBook {
        price_book: id.to_string(),
        financial_year: financial_year.to_string(),
        kind: price_kind(*kind).into(),
        sha256: common::digest(*digest),
        row_count: u32::try_from(rows).unwrap_or(u32::MAX),
        difference: None,
    }
}

/// The most changes that an answer names one by one.
const CHANGES_MAX: usize = 1_000;

/// What `new` would change of the list in force.
#[must_use]
pub fn difference(in_force: Option<&tariff::PriceBook>, new: &tariff::PriceBook) -> v1::PriceBookDifference {
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let Some(old) = in_force else {
        return v1::PriceBookDifference::default();
    };
    let tariff::Difference { added, removed, changed, same } = tariff::Difference::between(old, new);
    let change = |change: &tariff::Change| v1::PriceChange {
        row: change.row.clone(),
        column: change.column.to_owned(),
        before: change.before,
        after: change.after,
    };
    v1::PriceBookDifference {
        replaces: old.id().to_string(),
        added,
        removed,
        changes: changed.iter().take(CHANGES_MAX).map(change).collect(),
        change_count: count(changed.len()),
        same_count: count(same),
    }
}
