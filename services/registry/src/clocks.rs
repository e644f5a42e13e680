//! A sandbox's clock in the other services.

use journal::{Instant, Service, SystemName};
use proto::journal::v1::AdvanceJournalClockRequest;
use server::Peers;
use tonic::Status;
use wire::{Pushback, common};

/// Moves the clock of `system` in every other service, in the order in which they ask each other: whoever is asked has
/// the new time already. Stops at the first that fails; a repeat completes it, since a time that has passed changes nothing.
pub(crate) async fn advance(peers: &Peers, system: &SystemName, to: Instant) -> Result<(), Status> {
    for service in Service::ALL.into_iter().filter(|service| *service != Service::Registry) {
        let channel = peers.channel(service).map_err(|error| {
            tracing::error!(%error, "a sandbox's clock cannot be moved everywhere");
            Status::from(Pushback::Dependency)
        })?;
        let request = AdvanceJournalClockRequest {
            system: system.to_string(),
            service: service.to_string(),
            advance_to: Some(common::timestamp(to)),
        };
        let moved = channel.ask(request).await;
        moved.map_err(|status| {
            tracing::error!(%service, code = ?status.code(), "a sandbox's clock was not moved everywhere");
            Status::from(Pushback::Dependency)
        })?;
    }
    Ok(())
}
