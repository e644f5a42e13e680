//! The gRPC adapter of reconciliation: collects what the other services' books show, ties it, and answers.
//!
//! ```text
//! referrals ─┐
//! health budgets ─┤
//! settlement ─────┼─▶ Figures ──ties, position──▶ answer, or a record with the pack's digest
//! ledger ─────────┤
//! registry ───────┘
//! ```
//! Other services are only read, but that the ledger is told of control totals in force. Their figures are read one after the other, each with the position that it was read at; the
//! ledger's accounts, lines and windows are read again until all three show the same position.

mod adapter;
mod books;
mod collect;
mod courier;

pub use adapter::Adapter;

use proto::reconciliation::v1::reconciliation_service_server::ReconciliationServiceServer;
use reconciliation::Reconciliation;
use server::{AskRegistry, Context, Started, Starting, journals::Journals};
use std::sync::Arc;

/// Opens the journals of reconciliation and answers for them.
pub fn start(context: Context) -> Starting {
    Box::pin(async move {
        let (place, peers) = (context.place(), context.peers().clone());
        let directory = AskRegistry::new(&peers)?;
        let courier = Arc::new(courier::LedgerCourier::new(&peers)?);
        let journals = tokio::task::spawn_blocking(move || {
            Journals::<Reconciliation>::open(place, directory, Some(courier))
        });
        let journals = journals.await??;
        let adapter = Adapter::new(Arc::clone(&journals), &peers)?;
        Ok(Started::new().add(server::limited!(ReconciliationServiceServer, adapter)).journals(journals))
    })
}
