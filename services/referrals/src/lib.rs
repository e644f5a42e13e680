//! The gRPC adapter of referrals: lines and referrals in, answers out, postings to the ledger.
//!
//! ```text
//! batch ──read──▶ NHS numbers ──identity──▶ pseudonyms ──▶ commands ──▶ journal ──▶ answers
//!                                                                          └─reports─▶ courier ──▶ ledger
//! ```
//! An NHS number is in this process between the first two arrows only: it is never kept, logged or put into an error.
//!
//! What decides is the reference data adopted last; `references` asks the registry for newer before a submission is
//! opened, and about once a second while lines come in.

mod adapter;
mod automatic;
mod challenges;
mod compared;
mod courier;
mod identity;
mod intake;
mod life;
mod matching;
mod read;
mod references;
mod referral;
mod repricing;
mod stream;
mod watch;

pub use adapter::Adapter;
pub use courier::LedgerCourier;

use proto::referrals::v1::{
    challenge_service_server::ChallengeServiceServer, matching_service_server::MatchingServiceServer,
    referrals_service_server::ReferralsServiceServer, repricing_service_server::RepricingServiceServer,
};
use referrals::Referrals;
use server::{
    AskRegistry, Context, Started, Starting,
    journals::{Courier, Journals},
};
use std::sync::Arc;

/// Opens the journals of referrals and answers for them.
pub fn start(context: Context) -> Starting {
    Box::pin(async move {
        let (place, peers) = (context.place(), context.peers().clone());
        let directory = AskRegistry::new(&peers)?;
        let courier: Arc<dyn Courier<Referrals>> = Arc::new(LedgerCourier::new(&peers)?);
        let journals =
            tokio::task::spawn_blocking(move || Journals::<Referrals>::open(place, directory, Some(courier)));
        let journals = journals.await??;
        let adapter = Adapter::new(Arc::clone(&journals), &context)?;
        let matching = server::limited!(MatchingServiceServer, adapter.clone());
        let challenges = server::limited!(ChallengeServiceServer, adapter.clone());
        let repricing = server::limited!(RepricingServiceServer, adapter.clone());
        Ok(Started::new()
            .add(server::limited!(ReferralsServiceServer, adapter))
            .add(repricing)
            .add(matching)
            .add(challenges)
            .journals(journals))
    })
}
