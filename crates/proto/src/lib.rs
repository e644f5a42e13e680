//! Messages, clients and servers generated from `proto/`, re-exported by package: `almoner.ledger.v1` is
//! `proto::ledger::v1`; and which rpc a request belongs to ([`Unary`]), so that one function can call them all. What the
//! messages mean to the domains is `wire`'s.

mod unary;

#[allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    clippy::or_fun_call,
    clippy::large_futures,
    clippy::wildcard_enum_match_arm,
    rustdoc::all,
    reason = "generated code is not ours to reword"
)]
mod packages {
    include!(concat!(env!("OUT_DIR"), "/packages.rs"));
}

pub use packages::almoner::*;
pub use packages::google;
pub use unary::{Unary, call};

/// The descriptors of every file under `proto/` and its imports, an encoded `google.protobuf.FileDescriptorSet`: what
/// server reflection serves, and what a test walks to see every method.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.binpb"));
