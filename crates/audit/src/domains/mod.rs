//! What each domain's records are examined for beyond their replay.

pub(crate) mod books;
pub(crate) mod budgets;
pub(crate) mod identities;
pub(crate) mod reconciled;
pub(crate) mod referred;
pub(crate) mod registered;
pub(crate) mod runs;
