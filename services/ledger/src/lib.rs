//! The gRPC adapter of ledger.
