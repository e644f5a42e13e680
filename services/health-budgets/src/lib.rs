//! The gRPC adapter of health-budgets.
