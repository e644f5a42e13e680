//! The gRPC adapter of the ledger.
//!
//! ```text
//! request ──wire──▶ command ──▶ journal ──wire──▶ answer
//! lists of entries: index (read store: account, cause, kind, month … → positions) ──▶ records of the journal ──wire──▶ page
//! balances of the past: index (read store: account → what each entry did, by both dates) ──wire──▶ answer
//! ```
//! One journal per system, opened when the system is first named. The ledger asks nobody (but the registry whether a system
//! exists). Balances, holds and windows are read from the engine's state; entries from the journal, found by an index that is
//! rebuilt from the journal whenever it is missing or in doubt.

mod adapter;
mod entries;
mod index;
mod past;
mod period;
mod post;
mod read;
mod statement;
mod tail;
mod write;
mod year_end;

pub use adapter::Adapter;

use index::Indexes;
use ledger::Ledger;
use proto::ledger::v1::ledger_service_server::LedgerServiceServer;
use server::{AskRegistry, Context, Started, Starting, journals::Journals};
use std::sync::Arc;

/// Opens the ledger's journals and answers for them.
pub fn start(context: Context) -> Starting {
    Box::pin(async move {
        let registry = AskRegistry::new(context.peers())?;
        let place = context.place();
        let journals =
            tokio::task::spawn_blocking(move || Journals::<Ledger>::open(place, registry, None)).await??;
        let indexes = Arc::new(Indexes::new(context.data_dir()));
        context.spawn("index", index::follow(Arc::clone(&journals), Arc::clone(&indexes)));
        let (last_journals, last_indexes) = (Arc::clone(&journals), Arc::clone(&indexes));
        let adapter = Adapter::new(Arc::clone(&journals), indexes, context.page_key(), context.draining());
        Ok(Started::new()
            .add(server::limited!(LedgerServiceServer, adapter))
            .on_drained(async move { index::flush_all(last_journals, last_indexes).await })
            .journals(journals))
    })
}

#[cfg(test)]
mod tests;
