//! The people's commands, one file per group.

pub(crate) mod certificates;
pub(crate) mod export;
pub(crate) mod ledger;
