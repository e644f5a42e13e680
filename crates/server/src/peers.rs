//! How a service reaches the others: in this process over memory, in another over mutual TLS. The code that asks cannot
//! tell which.

use crate::{
    Boxed, MESSAGE_BYTES_MAX,
    config::{Security, Settings},
    link::Link,
    telemetry,
};
use access::Caller;
use bytes::Bytes;
use http::{HeaderValue, Request, Response, Uri};
use hyper_util::rt::TokioIo;
use journal::Service;
use proto::Unary;
use std::{
    collections::BTreeMap,
    io,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{net::TcpStream, sync::mpsc};
use tokio_rustls::TlsConnector;
use tonic::{
    Status,
    body::Body,
    transport::{Channel, Endpoint},
};

/// What one connection in memory may hold before its writer waits: a full message and the next one begun.
const MEMORY_BYTES: usize = 1 << 20;

/// How long an ask may take unless the caller says otherwise.
const ASK_TIME: &str = "30S";

const CONNECT_TIME: Duration = Duration::from_secs(5);

/// The services that one service may ask.
#[derive(Clone)]
pub struct Peers {
    channels: Arc<BTreeMap<Service, PeerChannel>>,
}

impl std::fmt::Debug for Peers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.channels.keys()).finish()
    }
}

/// No address is configured for a service that this process does not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} runs elsewhere and has no address: add peers.{0} to the configuration")]
pub struct NoPeer(pub Service);

impl Peers {
    pub(crate) fn new(asking: Service, settings: &Settings, links: &mpsc::Sender<Link>) -> Self {
        let mut channels = BTreeMap::new();
        for service in Service::ALL {
            let channel = if settings.services.contains(&service) {
                in_memory(asking, links.clone())
            } else if let (Some(uri), Security::MutualTls(material)) =
                (settings.peers.get(&service), &settings.security)
            {
                over_tls(uri, Arc::clone(&material.client))
            } else {
                continue;
            };
            channels.insert(service, PeerChannel { channel });
        }
        Self { channels: Arc::new(channels) }
    }

    /// The channel to `service`, for a generated client. It connects when first used, and again when it was cut.
    pub fn channel(&self, service: Service) -> Result<PeerChannel, NoPeer> {
        self.channels.get(&service).cloned().ok_or(NoPeer(service))
    }
}

fn in_memory(asking: Service, links: mpsc::Sender<Link>) -> Channel {
    let caller = Arc::new(Caller::service(asking));
    let connector = tower::service_fn(move |_: Uri| {
        let (links, caller) = (links.clone(), Arc::clone(&caller));
        async move {
            let (ours, theirs) = tokio::io::duplex(MEMORY_BYTES);
            links
                .send(Link::memory(theirs, caller))
                .await
                .map_err(|_| io::Error::from(io::ErrorKind::NotConnected))?;
            Ok::<_, io::Error>(TokioIo::new(ours))
        }
    });
    endpoint(Endpoint::from_static("http://in-memory")).connect_with_connector_lazy(connector)
}

fn over_tls(uri: &Uri, client: Arc<rustls::ClientConfig>) -> Channel {
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let port = uri.port_u16().unwrap_or(443);
    let connector = tower::service_fn(move |_: Uri| {
        let (connector, host) = (TlsConnector::from(Arc::clone(&client)), host.clone());
        async move {
            let stream = TcpStream::connect((host.as_str(), port)).await?;
            stream.set_nodelay(true)?;
            let name = rustls::pki_types::ServerName::try_from(host).map_err(io::Error::other)?;
            Ok::<_, io::Error>(TokioIo::new(connector.connect(name, stream).await?))
        }
    });
    // The connector does the TLS; tonic would refuse an https address without its own. What the server reads as the
    // request's origin is the address all the same.
    endpoint(Endpoint::from_static("http://peer").origin(uri.clone())).connect_with_connector_lazy(connector)
}

fn endpoint(endpoint: Endpoint) -> Endpoint {
    endpoint
        .connect_timeout(CONNECT_TIME)
        // A peer that vanished without closing is noticed within a minute, also while nothing is asked of it.
        .http2_keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(20))
        .keep_alive_while_idle(true)
        .http2_adaptive_window(true) // batches of megabytes would else wait for window updates
}

/// A channel to another service. Every call carries the trace context, and a deadline when it has none of its own.
#[derive(Debug, Clone)]
pub struct PeerChannel {
    channel: Channel,
}

impl PeerChannel {
    /// Sends `request` once to the rpc that it belongs to, with the message sizes of the house. Errors with the peer's
    /// status, details included; what it means to whoever called us is `wire::status::relayed`'s.
    #[expect(clippy::needless_pass_by_value, reason = "a request is made to be asked")]
    pub fn ask<R: Unary>(
        &self,
        request: R,
    ) -> impl Future<Output = Result<R::Response, Status>> + Send + use<R> {
        let answer = self.clone().answer(R::PATH, request.to_bytes());
        async move { R::response(answer.await?) }
    }

    /// One function for every rpc, and compiled here: what is asked is bytes to it.
    fn answer(self, path: &'static str, request: Bytes) -> Boxed<'static, Result<Bytes, Status>> {
        Box::pin(async move {
            let answer = proto::call(self, path, tonic::Request::new(request), MESSAGE_BYTES_MAX);
            Ok(answer.await?.into_inner())
        })
    }
}

impl tower::Service<Request<Body>> for PeerChannel {
    type Response = Response<Body>;
    type Error = tonic::transport::Error;
    type Future = <Channel as tower::Service<Request<Body>>>::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        tower::Service::poll_ready(&mut self.channel, cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        telemetry::inject(request.headers_mut());
        if !request.headers().contains_key("grpc-timeout") {
            request.headers_mut().insert("grpc-timeout", HeaderValue::from_static(ASK_TIME));
        }
        tower::Service::call(&mut self.channel, request)
    }
}
