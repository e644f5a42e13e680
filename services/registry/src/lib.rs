//! The gRPC adapter of registry.
