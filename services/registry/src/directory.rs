//! Which systems there are: the registry knows from its own national journal.

use journal::SystemName;
use registry::Registry;
use server::journals::{Directory, Handle, Lookup, SystemFacts};
use std::sync::OnceLock;

/// Answers from the national journal, once that is open.
#[derive(Debug, Default)]
pub(crate) struct OwnDirectory {
    national: OnceLock<Handle<Registry>>,
}

impl OwnDirectory {
    /// The national journal is open.
    pub(crate) fn knows(&self, national: Handle<Registry>) {
        // Set once, at the start.
        let _ = self.national.set(national);
    }
}

impl Directory for OwnDirectory {
    fn system<'a>(&'a self, system: &'a SystemName) -> Lookup<'a> {
        Box::pin(async move {
            let national = self.national.get().ok_or("the national journal is not open yet")?;
            let name = system.clone();
            let facts = national.read(None, move |state, _| {
                let sandbox = state.clock_start(name.as_str());
                state.system(name.as_str()).map(|_| SystemFacts { sandbox })
            });
            facts.await.map_err(|error| error.to_string())
        })
    }
}
