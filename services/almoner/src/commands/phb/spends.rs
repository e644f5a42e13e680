//! What is bought.

use super::{Budgets, sent, words};
use crate::output::{self, date, pounds, table};
use ::money::Pence;
use anyhow::Context as _;
use clap::Args;
use jiff::civil::Date;
use proto::{common::v1::PageRequest, health_budgets::v1};

/// Something bought.
#[derive(Debug, Args)]
pub(super) struct Spend {
    /// Id of the plan
    plan: String,
    /// The pot
    pot: words::Pot,
    /// What
    item: words::Item,
    /// How much, in pounds
    amount: Pence,
    /// On which day it was provided
    on: Date,
    /// ODS code of who supplied it; required from a notional pot
    #[arg(long)]
    supplier: Option<String>,
}

pub(super) async fn spend(budgets: &Budgets, of: Spend) -> anyhow::Result<()> {
    let Spend { plan, pot, item, amount, on, supplier } = of;
    let request = v1::RecordSpendRequest {
        system: budgets.system(),
        request_id: budgets.request_id(),
        plan,
        pot: v1::PotKind::from(pot).into(),
        item: v1::ItemCategory::from(item).into(),
        supplier: supplier.unwrap_or_default(),
        amount_pence: amount.get(),
        service_date: sent(on),
    };
    let answer = budgets.connection.ask(request).await.context("the spend was not recorded")?;
    said(answer.spend.as_ref(), answer.decision.as_ref(), answer.over_budget);
    Ok(())
}

/// A service to come.
#[derive(Debug, Args)]
pub(super) struct Book {
    /// Id of the plan
    plan: String,
    /// What
    item: words::Item,
    /// How much it will cost, in pounds
    amount: Pence,
    /// The day of the service
    on: Date,
    /// ODS code of who will supply it
    #[arg(long)]
    supplier: String,
}

pub(super) async fn book(budgets: &Budgets, of: Book) -> anyhow::Result<()> {
    let Book { plan, item, amount, on, supplier } = of;
    let request = v1::BookServiceRequest {
        system: budgets.system(),
        request_id: budgets.request_id(),
        plan,
        item: v1::ItemCategory::from(item).into(),
        supplier,
        amount_pence: amount.get(),
        service_date: sent(on),
    };
    let answer = budgets.connection.ask(request).await.context("the service was not booked")?;
    said(answer.booking.as_ref(), answer.decision.as_ref(), answer.over_budget);
    Ok(())
}

/// A service that came.
#[derive(Debug, Args)]
pub(super) struct Deliver {
    /// Number of the booking
    booking: u64,
    /// What it cost, in pounds
    amount: Pence,
    /// The day on which it came
    on: Date,
}

pub(super) async fn deliver(budgets: &Budgets, of: Deliver) -> anyhow::Result<()> {
    let Deliver { booking, amount, on } = of;
    let request = v1::RecordDeliveryRequest {
        system: budgets.system(),
        request_id: budgets.request_id(),
        booking,
        amount_pence: amount.get(),
        delivery_date: sent(on),
    };
    let answer = budgets.connection.ask(request).await.context("the delivery was not recorded")?;
    said(answer.booking.as_ref(), answer.decision.as_ref(), false);
    Ok(())
}

/// A service that will not come.
#[derive(Debug, Args)]
pub(super) struct Cancel {
    /// Number of the booking
    booking: u64,
}

pub(super) async fn cancel(budgets: &Budgets, of: Cancel) -> anyhow::Result<()> {
    let (system, request_id) = (budgets.system(), budgets.request_id());
    let request = v1::CancelBookingRequest { system, request_id, booking: of.booking };
    let answer = budgets.connection.ask(request).await.context("the booking was not cancelled")?;
    said(answer.booking.as_ref(), answer.decision.as_ref(), false);
    Ok(())
}

fn said(spend: Option<&v1::Spend>, decision: Option<&v1::LedgerDecision>, over_budget: bool) {
    let spend = spend.cloned().unwrap_or_default();
    let (state, amount) = (words::spend_state(spend.state()), pounds(spend.amount_pence));
    output::line(format_args!("{} {state}, {amount}: {}", spend.record, words::decision(decision)));
    if over_budget {
        output::note(format_args!("this goes beyond the pot's budget"));
    }
}

/// Spends to list.
#[derive(Debug, Args)]
pub(super) struct Spends {
    /// Only this plan's
    #[arg(long)]
    plan: Option<String>,
}

pub(super) async fn list(budgets: &Budgets, of: Spends) -> anyhow::Result<()> {
    let plan = of.plan.unwrap_or_default();
    let mut table = table(["number", "plan", "pot", "item", "supplier", "amount", "on", "state"], [0, 5]);
    let mut page_token = String::new();
    loop {
        let page = Some(PageRequest { page_size: 1_000, page_token });
        let request =
            v1::ListSpendsRequest { system: budgets.system(), plan: plan.clone(), page, min_position: None };
        let answer = budgets.connection.ask(request).await.context("spends were not listed")?;
        for spend in answer.spends {
            table.add_row([
                spend.record.to_string(),
                spend.plan.clone(),
                words::pot(spend.pot()),
                words::item(spend.item()),
                spend.supplier.clone(),
                pounds(spend.amount_pence),
                date(spend.service_date),
                words::spend_state(spend.state()),
            ]);
        }
        page_token = answer.page.unwrap_or_default().next_page_token;
        if page_token.is_empty() {
            output::show(&table);
            return Ok(());
        }
    }
}
