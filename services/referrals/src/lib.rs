//! The gRPC adapter of referrals.
