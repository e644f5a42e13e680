//! The people's commands, one file per group.

pub(crate) mod certificates;
