//! Every service's frame, and the driver of every journal.
//!
//! - [`Config`]: one TOML file, checked as a whole before anything is opened.
//! - [`Frame`]: listens, tells callers apart by their certificates, limits, measures, drains. A service is handed a
//!   [`Context`] and hands back what it has [`Started`].
//! - [`Peers`]: how a service asks another, over memory or mutual TLS alike.
//! - [`telemetry`]: tracing, and OpenTelemetry when an endpoint is configured.
//! - [`certificates`]: an authority for those who have none.
//!
//! This is the only crate where files, threads, sockets and clocks meet. It knows no domain: what a call means is its
//! service's, and what an error is called on the wire is `wire`'s.

pub mod certificates;
mod config;
mod directory;
mod frame;
mod gate;
mod http_plain;
mod journal_service;
pub mod journals;
mod link;
mod measure;
pub mod panics;
mod peers;
mod published;
pub mod telemetry;
mod tls;
mod witness;
mod witnessing;

pub use config::{
    Config, ConfigError, Limits, Listen, LogFormat, MESSAGE_BYTES_MAX, Security, Settings, Telemetry, Tls,
};
pub use directory::AskRegistry;
pub use frame::{Boxed, Context, Frame, FrameError, Health, StartError, Started, Starting, told_to_stop};
pub use journal_service::Journalling;
pub use peers::{NoPeer, PeerChannel, Peers};
pub use tls::{Material, TlsError};
pub use witness::{Witness, WitnessConfig, WitnessError};
pub use witnessing::{Cosigned, Cosigner, WitnessAt, WitnessPolicy, Witnessing};

use access::Caller;
use std::sync::Arc;
use tonic::{Request, Status};

/// Who calls: the frame puts it into every request that it lets through.
pub fn caller<T>(request: &Request<T>) -> Result<Arc<Caller>, Status> {
    request
        .extensions()
        .get::<Arc<Caller>>()
        .cloned()
        .ok_or_else(|| wire::status::unauthenticated(&access::CallerError::NoIdentity))
}

/// Wraps an implementation in its generated server with the message sizes and compression of the house:
/// `limited!(LedgerServiceServer, service)`.
///
/// Compressed requests are taken; answers go out plain, since what the callers of one network gain is less than what a
/// core costs.
#[macro_export]
macro_rules! limited {
    ($server:ident, $service:expr) => {
        $server::new($service)
            .max_decoding_message_size($crate::MESSAGE_BYTES_MAX)
            .max_encoding_message_size($crate::MESSAGE_BYTES_MAX)
            .accept_compressed($crate::Gzip)
    };
}

#[doc(hidden)]
pub use tonic::codec::CompressionEncoding::Gzip;
