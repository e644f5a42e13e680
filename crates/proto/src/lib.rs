//! Messages, clients and servers generated from `proto/`, re-exported by package: `almoner.ledger.v1` is
//! `proto::ledger::v1`. This crate contains nothing else; what the messages mean to the domains is `wire`'s.

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

/// The descriptors of every file under `proto/` and its imports, an encoded `google.protobuf.FileDescriptorSet`: what
/// server reflection serves, and what a test walks to see every method.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.binpb"));
