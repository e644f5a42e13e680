//! The gRPC adapter of the identity plane: the one place that turns NHS numbers into pseudonyms and back.
//!
//! ```text
//! Pseudonymise: numbers ─HMAC▶ blind indices ─state▶ known: answered at once
//!                                                   unknown: sealed here, minted in records of up to 400 people
//! what is read of a person: note in the journal ─▶ record from the journal ─▶ opened with the keys ─▶ answer
//! ```
//! The keys are files under `keys/identity/` of the data folder, made at the first start, readable by the service's user
//! only, and left out of data backups: keep a copy of them elsewhere, apart from the data's.
//!
//! **Invariant:** nothing of a request or an answer is logged, and no error quotes either.

mod adapter;
mod keys;
mod mint;
mod people;

#[cfg(test)]
mod tests;

pub use adapter::Adapter;
pub use keys::{KeyError, Keys};

use identity::Identity;
use proto::identity::v1::identity_service_server::IdentityServiceServer;
use server::{AskRegistry, Context, Started, Starting, journals::Journals};
use std::sync::Arc;

/// Opens the identity plane's journals and keys, and answers for them.
pub fn start(context: Context) -> Starting {
    Box::pin(async move {
        let registry = AskRegistry::new(context.peers())?;
        let place = context.place();
        let journals =
            tokio::task::spawn_blocking(move || Journals::<Identity>::open(place, registry, None)).await??;
        let keys = Keys::open(&context.data_dir().join("keys").join("identity"), &journals).await?;
        let adapter = Adapter::new(Arc::clone(&journals), keys);
        Ok(Started::new().add(server::limited!(IdentityServiceServer, adapter)).journals(journals))
    })
}
