//! 1 June: finance puts the year's allocations on the budget lines.

use crate::demo::installation::SYSTEM;
use crate::demo::stage::Stage;
use crate::demo::world::{Allocation, World};
use anyhow::{Context as _, bail};
use proto::google::r#type::Date;
use proto::ledger::v1::{
    EntryKind, Leg, OpenAccountsRequest, PostEntriesRequest, Posting, PostingMode, Side,
    posting_outcome::Outcome,
};

/// Allocates the year's budgets, `scale` times as much for an area so many times as large.
pub(super) async fn allocate(stage: &Stage, world: &World, scale: u32) -> anyhow::Result<()> {
    stage.progress.scene("Allocating budgets (illustrative figures)", world.allocations.len());
    let finance = stage.of("finance-preparer")?;
    let paths: Vec<String> = world.allocations.iter().flat_map(|row| [limit(row), fund(row)]).collect();
    let open = OpenAccountsRequest {
        system: SYSTEM.to_owned(),
        request_id: stage.id("open budget accounts").to_string(),
        paths,
    };
    let accounts = finance.ask(open).await?.accounts;
    let number = |path: String| {
        accounts.iter().find(|account| account.path == path).map(|account| account.number).context(path)
    };
    let mut postings = Vec::new();
    for row in &world.allocations {
        let amount = row.amount.checked_mul(scale).context("an allocation times the scale")?;
        let leg = |account, side: Side| Leg {
            account,
            side: side.into(),
            amount_pence: amount.get(),
            window: None,
        };
        postings.push(Posting {
            request_id: stage.id(&fund(row)).to_bytes().to_vec(),
            kind: EntryKind::Allocation.into(),
            effective_date: Some(Date { year: 2017, month: 6, day: 1 }),
            legs: vec![leg(number(limit(row))?, Side::Debit), leg(number(fund(row))?, Side::Credit)],
            reference: row.source.chars().take(60).filter(char::is_ascii).collect(),
            ..Posting::default()
        });
    }
    let request = PostEntriesRequest {
        system: SYSTEM.to_owned(),
        request_id: String::new(),
        mode: PostingMode::Each.into(),
        postings,
        validate_only: false,
    };
    let answer = finance.ask(request).await?;
    for outcome in answer.outcomes {
        match outcome.outcome {
            Some(Outcome::Posted(_)) => stage.progress.steps(1),
            other => bail!("an allocation was not posted: {other:?}"),
        }
    }
    Ok(())
}

/// Where the money comes from.
fn limit(row: &Allocation) -> String {
    format!("resource-limit/{}/{}", row.ccg, row.financial_year)
}

/// Where it goes: a PHB line's allocation waits until plans take it.
fn fund(row: &Allocation) -> String {
    let line = format!("{}/{}/{}", row.ccg, row.programme, row.financial_year);
    if row.programme == "phb" {
        format!("{line}/fund/unassigned/allocation")
    } else {
        format!("{line}/fund/allocation")
    }
}
