//! The gRPC adapter of settlement.
