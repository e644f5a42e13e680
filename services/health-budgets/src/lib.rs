//! The gRPC adapter of personal health budgets.
//!
//! ```text
//! request ──wire──▶ command ──▶ journal: Requested ──▶ open ask ─┐
//!    answer ◀── journal: Granted or Denied ◀── worker ◀── ledger ◀┘   (the answer waits up to 2 s, else says PENDING)
//! ```
//! One worker per system carries open asks to the ledger, all that are open at once, and records the answers. It reads them
//! from the journal's state, so asks that a crash left open, and those that a day's roll made, go the same way.

mod adapter;
mod asking;
mod decision;
mod neighbours;
mod read;
mod write;

#[cfg(test)]
mod tests;

pub use adapter::Adapter;
pub use asking::{AskLedger, AskOutcome, Asking};
pub use neighbours::{Answering, AskNeighbours, Neighbours};

use health_budgets::HealthBudgets;
use proto::health_budgets::v1::health_budgets_service_server::HealthBudgetsServiceServer;
use server::{AskRegistry, Context, StartError, Started, Starting, journals::Journals};
use std::sync::Arc;

/// Opens the journals of health budgets, takes up what they still ask, and answers for them.
pub fn start(context: Context) -> Starting {
    Box::pin(async move {
        let (adapter, journals) = open(context).await?;
        Ok(Started::new().add(server::limited!(HealthBudgetsServiceServer, adapter)).journals(journals))
    })
}

/// The journals of health budgets and what answers for them, its asks taken up.
pub async fn open(context: Context) -> Result<(Adapter, Arc<Journals<HealthBudgets>>), StartError> {
    let registry = AskRegistry::new(context.peers())?;
    let ledger = Arc::new(AskLedger::new(context.peers())?);
    let neighbours = Arc::new(AskNeighbours::new(context.peers())?);
    let place = context.place();
    let journals =
        tokio::task::spawn_blocking(move || Journals::<HealthBudgets>::open(place, registry, None)).await??;
    let pages = context.page_key();
    let spawn = move |work| context.spawn("asks", work);
    let adapter = Adapter::new(Arc::clone(&journals), ledger, neighbours, pages, spawn);
    adapter.take_up();
    Ok((adapter, journals))
}
