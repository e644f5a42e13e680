//! The reference data that other services decide with, as of a registry position.
