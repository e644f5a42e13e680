//! The gRPC adapter of the registry: who is who, who buys what from whom, and by which calendar.
//!
//! ```text
//! request ──wire──▶ command ──(ask the national journal what it knows of the bodies named)──▶ journal ──wire──▶ answer
//! GetReference: national rows + the system's rows ──▶ canonical blob, kept until a row changes
//! ```
//! Two sorts of journal: `national`, opened at the first start, and one per system, opened when it is registered. The
//! registry asks no other service, but tells them all when a sandbox's clock moves.

mod adapter;
mod clocks;
mod directory;
mod read;
mod write;

pub use adapter::Adapter;

use directory::OwnDirectory;
use journal::SystemName;
use proto::registry::v1::registry_service_server::RegistryServiceServer;
use registry::Registry;
use server::{
    Context, StartError, Started, Starting,
    journals::{Journals, SystemFacts},
};
use std::sync::Arc;

/// Opens the registry's journals and answers for them.
pub fn start(context: Context) -> Starting {
    Box::pin(async move {
        let (adapter, journals) = open(&context).await?;
        Ok(Started::new().add(server::limited!(RegistryServiceServer, adapter)).journals(journals))
    })
}

/// Opens the registry's journals: the national one is made at the first start. Returns what answers for them.
pub async fn open(context: &Context) -> Result<(Adapter, Arc<Journals<Registry>>), StartError> {
    let directory = Arc::new(OwnDirectory::default());
    let (place, own) = (context.place(), Arc::clone(&directory));
    let journals =
        tokio::task::spawn_blocking(move || Journals::<Registry>::open(place, own, None)).await??;
    let national = journals.create(&SystemName::national(), SystemFacts { sandbox: None }).await?;
    directory.knows(national.clone());
    let adapter = Adapter::new(Arc::clone(&journals), national, context.page_key(), context.peers().clone());
    Ok((adapter, journals))
}
