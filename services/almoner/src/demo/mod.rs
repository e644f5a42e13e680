//! The demo: June 2017 in Berkshire West, played over gRPC.

#[allow(dead_code, unused_imports, reason = "the scenes that play in it come after it")]
mod world;
