//! The gRPC adapter of settlement: runs, their files, and what the bank says.
//!
//! ```text
//! PrepareRun: referrals' seals + the ledger's windows and accounts ──▶ content ──▶ blob + record
//! PayRun:     record ──asks──▶ ledger ──answers──▶ record ──▶ files (identity's details for people) ──▶ record ──▶ folder
//! bank:       message ──read──▶ what names nobody ──▶ blob + record ──asks──▶ ledger
//! ```
//! A question to the ledger that is open when the process ends is asked again when it starts, under the same request id. Files
//! are written aside, recorded by their digests, and only then given their names, so that a name stands for one content for
//! ever.

mod adapter;
mod advice;
mod bank;
mod carry;
mod collect;
mod folder;
mod lines;
mod pay;
mod peers;
mod read;
mod references;
mod run;
mod watch;

pub use adapter::Adapter;

use proto::settlement::v1::settlement_service_server::SettlementServiceServer;
use server::{AskRegistry, Context, StartError, Started, Starting, journals::Journals};
use settlement::Settlement;
use std::sync::Arc;

/// Opens the journals of settlement, answers for them, and takes up what was under way.
pub fn start(context: Context) -> Starting {
    Box::pin(async move {
        let (adapter, journals) = open(&context).await?;
        Ok(Started::new().add(server::limited!(SettlementServiceServer, adapter)).journals(journals))
    })
}

/// The same in parts: what answers, and its journals.
pub async fn open(context: &Context) -> Result<(Adapter, Arc<Journals<Settlement>>), StartError> {
    let place = context.place();
    let directory = AskRegistry::new(context.peers())?;
    let journals =
        tokio::task::spawn_blocking(move || Journals::<Settlement>::open(place, directory, None)).await??;
    let adapter = Adapter::new(Arc::clone(&journals), context)?;
    context.spawn("what settlement has under way", carry::keep_up(adapter.clone(), context.draining()));
    Ok((adapter, journals))
}
