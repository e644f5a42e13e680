//! The gRPC adapter of identity.
