//! A frame with a stub in it that answers as the ledger, certificates of every kind, and clients.

use http::uri::PathAndQuery;
use journal::Service;
use proto::common::v1::Problem;
use server::{
    Config, Context, Frame, FrameError, Limits, PeerChannel, Started, Tls,
    certificates::{Authority, Holder},
};
use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
    task,
};
use tempfile::TempDir;
use tokio::{sync::Notify, task::JoinHandle};
use tonic::{
    Request, Response, Status,
    body::Body,
    server::{NamedService, UnaryService},
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity},
};
use tonic_prost::ProstCodec;

/// A method that every finance person and every service may call.
pub(crate) const BALANCE: &str = "/almoner.ledger.v1.LedgerService/GetBalance";

/// What the stub does when it is asked, and how a test holds it.
#[derive(Clone, Default)]
pub(crate) struct Stub {
    pub(crate) entered: Arc<Notify>,
    pub(crate) go_on: Arc<Notify>,
}

type Answering = Pin<Box<dyn Future<Output = Result<Response<Problem>, Status>> + Send>>;

impl UnaryService<Problem> for Stub {
    type Response = Problem;
    type Future = Answering;

    fn call(&mut self, request: Request<Problem>) -> Answering {
        let stub = self.clone();
        Box::pin(async move {
            let caller = server::caller(&request)?;
            let message = match request.get_ref().reason.as_str() {
                "who" => caller.urn().to_string(),
                "trace" => {
                    request.metadata().get("traceparent").map_or("", |v| v.to_str().unwrap()).to_owned()
                }
                "panic" => panic!("on purpose"),
                "sleep" => std::future::pending().await,
                "wait" => {
                    stub.entered.notify_one();
                    stub.go_on.notified().await;
                    "waited".to_owned()
                }
                other => other.to_owned(),
            };
            Ok(Response::new(Problem { message, ..Problem::default() }))
        })
    }
}

impl NamedService for Stub {
    const NAME: &'static str = "almoner.ledger.v1.LedgerService";
}

impl tower::Service<http::Request<Body>> for Stub {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<http::Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut task::Context<'_>) -> task::Poll<Result<(), Infallible>> {
        task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let stub = self.clone();
        Box::pin(async move {
            let mut grpc = tonic::server::Grpc::new(ProstCodec::<Problem, Problem>::default());
            Ok(grpc.unary(stub, request).await)
        })
    }
}

/// A frame's folder, its certificates, and what it was told.
pub(crate) struct House {
    pub(crate) folder: TempDir,
    pub(crate) authority: Authority,
    pub(crate) stub: Stub,
    pub(crate) config: Config,
}

impl House {
    pub(crate) fn new(limits: Limits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::in_folder(&folder.path().join("authority")).unwrap();
        let holder = Holder {
            uris: vec!["urn:almoner:service:ledger".to_owned()],
            dns_names: vec!["localhost".to_owned()],
            addresses: vec![],
        };
        let files = authority.issue(&folder.path().join("server"), "server", &holder).unwrap();
        let mut config = Config { data_dir: folder.path().join("data"), limits, ..Config::default() };
        config.listen.address = "127.0.0.1:0".parse().unwrap();
        config.listen.reflection = true;
        config.services = vec!["ledger".to_owned(), "referrals".to_owned()];
        config.tls = Some(Tls { certificate: files.certificate, key: files.key, authority: files.authority });
        Self { folder, authority, stub: Stub::default(), config }
    }

    pub(crate) async fn bind(&self) -> Frame {
        Frame::bind(self.config.check().unwrap()).await.unwrap()
    }

    /// Starts the stub as the ledger, and a second service whose way to the ledger is returned.
    pub(crate) async fn start(&self, frame: &mut Frame) -> PeerChannel {
        let stub = self.stub.clone();
        let start = |_: Context| async { Ok(Started::new().add(stub)) };
        frame.start(Service::Ledger, start).await.unwrap();
        let channel = Arc::new(Mutex::new(None));
        let found = Arc::clone(&channel);
        let start = |context: Context| async move {
            *found.lock().unwrap() = Some(context.peers().channel(Service::Ledger)?);
            Ok(Started::new())
        };
        frame.start(Service::Referrals, start).await.unwrap();
        channel.lock().unwrap().take().unwrap()
    }

    /// A frame that serves until the notify, and the port.
    pub(crate) async fn serve(&self) -> Serving {
        let mut frame = self.bind().await;
        let peer = self.start(&mut frame).await;
        frame.open().await;
        let port = frame.address().port();
        let stop = Arc::new(Notify::new());
        let told = Arc::clone(&stop);
        let running = tokio::spawn(frame.run(async move { told.notified().await }));
        Serving { port, stop, running, peer }
    }

    /// A client with a certificate of these URI names.
    pub(crate) fn client(&self, port: u16, uris: &[&str]) -> Channel {
        self.client_of(&self.authority, port, uris)
    }

    /// The same, from some authority.
    pub(crate) fn client_of(&self, authority: &Authority, port: u16, uris: &[&str]) -> Channel {
        let holder = Holder { uris: uris.iter().map(ToString::to_string).collect(), ..Holder::default() };
        let files = authority.issue(&self.folder.path().join("clients"), "client", &holder).unwrap();
        let read = |path| std::fs::read(path).unwrap();
        let tls = ClientTlsConfig::new()
            .ca_certificate(Certificate::from_pem(self.authority.pem()))
            .identity(Identity::from_pem(read(files.certificate), read(files.key)));
        endpoint(port).tls_config(tls).unwrap().connect_lazy()
    }

    /// A client that shows no certificate.
    pub(crate) fn stranger(&self, port: u16) -> Channel {
        let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(self.authority.pem()));
        endpoint(port).tls_config(tls).unwrap().connect_lazy()
    }
}

fn endpoint(port: u16) -> Endpoint {
    Endpoint::from_shared(format!("https://localhost:{port}")).unwrap()
}

pub(crate) struct Serving {
    pub(crate) port: u16,
    pub(crate) stop: Arc<Notify>,
    pub(crate) running: JoinHandle<Result<(), FrameError>>,
    pub(crate) peer: PeerChannel,
}

impl Serving {
    /// Tells the frame to stop, and waits for its end.
    pub(crate) async fn stopped(self) {
        let Self { stop, running, peer, .. } = self;
        drop(peer);
        stop.notify_one();
        running.await.unwrap().unwrap();
    }
}

/// A finance person.
pub(crate) const FINANCE: &[&str] =
    &["urn:almoner:person:ann", "urn:almoner:role:finance-preparer", "urn:almoner:role:operator"];

/// A provider's system.
pub(crate) const PROVIDER: &[&str] = &["urn:almoner:org:NT3", "urn:almoner:role:provider"];

/// Asks `method` to do `what`.
pub(crate) async fn ask<C>(channel: C, method: &'static str, what: &str) -> Result<String, Status>
where
    C: tonic::client::GrpcService<Body>,
    C::ResponseBody: http_body::Body<Data = bytes::Bytes> + Send + 'static,
    <C::ResponseBody as http_body::Body>::Error: Into<Box<dyn std::error::Error + Send + Sync>> + Send,
{
    let request = Request::new(Problem { reason: what.to_owned(), ..Problem::default() });
    let mut grpc = tonic::client::Grpc::new(channel);
    grpc.ready().await.map_err(|_| Status::unavailable("not ready"))?;
    let codec = ProstCodec::<Problem, Problem>::default();
    let answer = grpc.unary(request, PathAndQuery::from_static(method), codec).await?;
    Ok(answer.into_inner().message)
}

/// The reason of a failed call.
pub(crate) fn reason<T: std::fmt::Debug>(result: Result<T, Status>) -> String {
    let status = result.unwrap_err();
    wire::status::reason_of(&status).unwrap_or_else(|| format!("no reason in {status:?}"))
}
