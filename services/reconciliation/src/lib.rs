//! The gRPC adapter of reconciliation.
