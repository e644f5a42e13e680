//! Cash pots: care recognised, money returned, reclaimed, given up.

use super::{Budgets, hex, sent, unhex, words};
use crate::output::{self, date, pounds, table};
use ::money::Pence;
use anyhow::Context as _;
use clap::Args;
use jiff::civil::Date;
use proto::{common::v1::PageRequest, health_budgets::v1};

/// A period of care.
#[derive(Debug, Args)]
pub(super) struct Care {
    /// Id of the plan
    plan: String,
    /// The cash pot
    pot: words::Pot,
    /// The first day
    from: Date,
    /// The last day
    to: Date,
    /// What it cost, in pounds
    amount: Pence,
}

pub(super) async fn care(budgets: &Budgets, of: Care) -> anyhow::Result<()> {
    let Care { plan, pot, from, to, amount } = of;
    let request = v1::RecordCarePeriodRequest {
        system: budgets.system(),
        request_id: budgets.request_id(),
        plan,
        pot: v1::PotKind::from(pot).into(),
        from_date: sent(from),
        to_date: sent(to),
        amount_pence: amount.get(),
    };
    let answer = budgets.connection.ask(request).await.context("the care was not recorded")?;
    output::line(format_args!("{}", words::decision(answer.decision.as_ref())));
    Ok(())
}

/// Money returned unasked.
#[derive(Debug, Args)]
pub(super) struct Return {
    /// Id of the plan
    plan: String,
    /// How much, in pounds
    amount: Pence,
    /// The day on which it came
    on: Date,
}

pub(super) async fn returned(budgets: &Budgets, of: Return) -> anyhow::Result<()> {
    let Return { plan, amount, on } = of;
    let request = v1::RecordReturnRequest {
        system: budgets.system(),
        request_id: budgets.request_id(),
        plan,
        amount_pence: amount.get(),
        receive_date: sent(on),
    };
    let answer = budgets.connection.ask(request).await.context("the return was not recorded")?;
    output::line(format_args!("{}", words::decision(answer.decision.as_ref())));
    Ok(())
}

/// Money asked back.
#[derive(Debug, Args)]
pub(super) struct Reclaim {
    /// Id of the plan
    plan: String,
    /// The pot
    pot: words::Pot,
    /// How much, in pounds
    amount: Pence,
    /// Why; the notice states it
    why: words::Why,
    /// By when; the notice states it
    deadline: Date,
}

pub(super) async fn reclaim(budgets: &Budgets, of: Reclaim) -> anyhow::Result<()> {
    let Reclaim { plan, pot, amount, why, deadline } = of;
    let request = v1::DecideReclaimRequest {
        system: budgets.system(),
        request_id: budgets.request_id(),
        plan,
        pot: v1::PotKind::from(pot).into(),
        amount_pence: amount.get(),
        reason: v1::ReclaimReason::from(why).into(),
        deadline_date: sent(deadline),
    };
    let answer = budgets.connection.ask(request).await.context("the reclaim was not decided")?;
    said(answer.reclaim.as_ref(), answer.decision.as_ref());
    Ok(())
}

/// Money that came back.
#[derive(Debug, Args)]
pub(super) struct Receipt {
    /// Number of the reclaim
    reclaim: u64,
    /// How much, in pounds
    amount: Pence,
    /// The day on which it came
    on: Date,
}

pub(super) async fn receipt(budgets: &Budgets, of: Receipt) -> anyhow::Result<()> {
    let Receipt { reclaim, amount, on } = of;
    let request = v1::RecordReclaimReceiptRequest {
        system: budgets.system(),
        request_id: budgets.request_id(),
        reclaim,
        amount_pence: amount.get(),
        receive_date: sent(on),
    };
    let answer = budgets.connection.ask(request).await.context("the receipt was not recorded")?;
    said(answer.reclaim.as_ref(), answer.decision.as_ref());
    Ok(())
}

/// Giving up what is still due back.
#[derive(Debug, Args)]
pub(super) struct WriteOff {
    /// Number of the reclaim
    reclaim: u64,
}

pub(super) async fn write_off(budgets: &Budgets, of: WriteOff) -> anyhow::Result<()> {
    let (system, request_id) = (budgets.system(), budgets.request_id());
    let request = v1::ProposeWriteOffRequest { system, request_id, reclaim: of.reclaim };
    let answer = budgets.connection.ask(request).await.context("the write-off was not proposed")?;
    let reclaim = answer.reclaim.unwrap_or_default();
    output::line(format_args!("proposed; another person agrees:"));
    let digest = hex(&reclaim.write_off_digest);
    output::line(format_args!("  almoner phb approve-write-off {} --digest {digest}", reclaim.record));
    Ok(())
}

/// Another person's yes to it.
#[derive(Debug, Args)]
pub(super) struct ApproveWriteOff {
    /// Number of the reclaim
    reclaim: u64,
    /// Digest of the write-off that you looked at, from `almoner phb reclaims`
    #[arg(long, value_name = "HEX")]
    digest: String,
}

pub(super) async fn approve_write_off(budgets: &Budgets, of: ApproveWriteOff) -> anyhow::Result<()> {
    let write_off_digest = unhex(&of.digest).map_err(anyhow::Error::msg)?;
    let (system, request_id) = (budgets.system(), budgets.request_id());
    let request = v1::ApproveWriteOffRequest { system, request_id, reclaim: of.reclaim, write_off_digest };
    let answer = budgets.connection.ask(request).await.context("the write-off was not approved")?;
    said(answer.reclaim.as_ref(), answer.decision.as_ref());
    Ok(())
}

fn said(reclaim: Option<&v1::Reclaim>, decision: Option<&v1::LedgerDecision>) {
    let reclaim = reclaim.cloned().unwrap_or_default();
    let state = words::reclaim_state(reclaim.state());
    let (received, amount) = (pounds(reclaim.received_pence), pounds(reclaim.amount_pence));
    let said = words::decision(decision);
    output::line(format_args!("{} {state}, {received} of {amount} received: {said}", reclaim.record));
}

/// Reclaims to list.
#[derive(Debug, Args)]
pub(super) struct Reclaims {
    /// Only this plan's
    #[arg(long)]
    plan: Option<String>,
}

pub(super) async fn list(budgets: &Budgets, of: Reclaims) -> anyhow::Result<()> {
    let plan = of.plan.unwrap_or_default();
    let mut table = table(
        ["number", "plan", "pot", "amount", "received", "why", "deadline", "state", "digest"],
        [0, 3, 4],
    );
    let mut page_token = String::new();
    loop {
        let page = Some(PageRequest { page_size: 1_000, page_token });
        let request = v1::ListReclaimsRequest {
            system: budgets.system(),
            plan: plan.clone(),
            page,
            min_position: None,
        };
        let answer = budgets.connection.ask(request).await.context("reclaims were not listed")?;
        for reclaim in answer.reclaims {
            table.add_row([
                reclaim.record.to_string(),
                reclaim.plan.clone(),
                words::pot(reclaim.pot()),
                pounds(reclaim.amount_pence),
                pounds(reclaim.received_pence),
                words::reason(reclaim.reason()),
                date(reclaim.deadline_date),
                words::reclaim_state(reclaim.state()),
                hex(&reclaim.write_off_digest),
            ]);
        }
        page_token = answer.page.unwrap_or_default().next_page_token;
        if page_token.is_empty() {
            output::show(&table);
            return Ok(());
        }
    }
}
