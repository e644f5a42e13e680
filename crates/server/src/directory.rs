//! Asking the registry whether a system is registered, for every service but the registry.

use crate::{
    journals::{Directory, Lookup, SystemFacts},
    peers::{NoPeer, PeerChannel, Peers},
};
use journal::{Service, SystemName};
use proto::registry::v1::GetSystemRequest;
use std::sync::Arc;

/// The registry, asked for systems.
#[derive(Debug)]
pub struct AskRegistry {
    registry: PeerChannel,
}

impl AskRegistry {
    /// Asks over `peers`. Errors when the registry runs elsewhere and no address is configured.
    pub fn new(peers: &Peers) -> Result<Arc<Self>, NoPeer> {
        Ok(Arc::new(Self { registry: peers.channel(Service::Registry)? }))
    }

    async fn ask(&self, system: &SystemName) -> Result<Option<SystemFacts>, String> {
        let request = GetSystemRequest { system: system.to_string() };
        let answer = match self.registry.ask(request).await {
            Ok(answer) => answer,
            Err(status) if wire::status::reason_of(&status).as_deref() == Some("SYSTEM_UNKNOWN") => {
                return Ok(None);
            }
            Err(status) => return Err(format!("{:?}: {}", status.code(), status.message())),
        };
        let sandbox = answer.system.is_some_and(|system| system.sandbox);
        let clock = answer.clock_time.and_then(wire::common::instant_from);
        match (sandbox, clock) {
            (true, None) => Err("a sandbox without a clock".to_owned()),
            (true, clock) => Ok(Some(SystemFacts { sandbox: clock })),
            (false, _) => Ok(Some(SystemFacts { sandbox: None })),
        }
    }
}

impl Directory for AskRegistry {
    fn system<'a>(&'a self, system: &'a SystemName) -> Lookup<'a> {
        Box::pin(self.ask(system))
    }
}
