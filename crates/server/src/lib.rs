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

/// Implements a service's generated trait by the methods of its adapter, each of which takes the caller and a message and answers a
/// message: `rpcs! { SettlementService for Adapter { pay_run(PayRunRequest) -> PayRunResponse by pay; } }`. Messages are those of the
/// `v1` in scope. What is of another shape, as streams are, follows in `and { … }`.
#[macro_export]
macro_rules! rpcs {
    ($service:ident for $adapter:ident {
        $($method:ident($request:ident) -> $response:ident by $by:ident;)+
     } $(and { $($rest:tt)* })?) => {
        #[tonic::async_trait]
        impl $service for $adapter {
            $(
                async fn $method(
                    &self,
                    request: tonic::Request<v1::$request>,
                ) -> Result<tonic::Response<v1::$response>, tonic::Status> {
                    let caller = $crate::caller(&request)?;
                    self.$by(&caller, request.into_inner()).await.map(tonic::Response::new)
                }
            )+
            $($($rest)*)?
        }
    };
}

#[doc(hidden)]
pub use tonic::codec::CompressionEncoding::Gzip;
