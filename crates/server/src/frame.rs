//! The frame: the part of a process that is the same whatever services it runs.
//!
//! ```text
//! bind ──▶ answers health NOT_SERVING, everything else UNAVAILABLE (STARTING)
//!   start × service ──▶ each recovers its journals
//! serve ──▶ SERVING … told to stop ──▶ NOT_SERVING ──▶ no new connections ──▶ calls end ──▶ tasks end
//!       ──▶ services' own calls end ──▶ journals close ──▶ done
//! ```
//! Callers' connections and services' connections are two servers over the same gate, so that a call in progress can still
//! ask another service while callers are being sent away.

use crate::{
    config::Settings,
    gate::Gate,
    journal_service::Journalling,
    journals::{AnyJournals, Place, SystemClock},
    link::{self, Link},
    peers::Peers,
    witnessing::Cosigner,
};
use http::{Request, Response};
use journal::{Digest, Service};
use proto::journal::v1::journal_service_server::JournalServiceServer;
use std::{
    convert::Infallible,
    future::Future,
    io,
    net::SocketAddr,
    path::Path,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use storage::{Disk, FolderDisk, Installation, InstallationError, Options};
use tokio::{
    net::TcpListener,
    sync::{Semaphore, mpsc, watch},
    task::{JoinHandle, JoinSet},
};
use tokio_stream::{StreamExt as _, wrappers::ReceiverStream};
use tonic::{
    body::Body,
    server::NamedService,
    service::Routes,
    transport::{self, server::Server},
};
use tonic_health::{ServingStatus, server::HealthReporter};
use wire::PageKey;

/// Connections on their way from the listener to the server.
const LINKS_WAITING_MAX: usize = 64;

/// A process cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// The data folder cannot be used.
    #[error("the data folder cannot be used")]
    Installation(#[from] InstallationError),
    /// The descriptors of the API do not load: a broken build.
    #[error("the API's descriptors do not load")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// A service cannot start.
    #[error("{service} cannot start")]
    Start {
        /// The service.
        service: Service,
        /// Why not.
        source: StartError,
    },
    /// The server ended by itself.
    #[error("the server ended")]
    Server(#[from] transport::Error),
}

/// Why a service cannot start.
pub type StartError = Box<dyn std::error::Error + Send + Sync>;

/// A service on its way up: what its crate's `start` returns. Boxed, so that a service is compiled in its own crate and
/// not in the binary that waits for it.
pub type Starting = Boxed<'static, Result<Started, StartError>>;

/// A future that is compiled where it is made: an `async fn` is compiled by whoever awaits it.
pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

type Closing = Boxed<'static, ()>;

/// What a service hands to the frame when it has started.
#[derive(Default)]
pub struct Started {
    adding: Vec<Box<dyn FnOnce(Routes) -> Routes + Send>>,
    journals: Vec<Box<dyn AnyJournals>>,
    names: Vec<&'static str>,
    closings: Vec<Closing>,
}

impl std::fmt::Debug for Started {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(&self.names).finish()
    }
}

impl Started {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a gRPC service, made with [`crate::limited!`].
    #[must_use]
    #[expect(clippy::should_implement_trait, reason = "services are added to what started, not summed")]
    pub fn add<S>(mut self, service: S) -> Self
    where
        S: tower::Service<Request<Body>, Response = Response<Body>, Error = Infallible>
            + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
    {
        self.names.push(S::NAME);
        self.adding.push(Box::new(|routes| routes.add_service(service)));
        self
    }

    /// Adds the service's journals: they are shown by `JournalService`, and closed after the last call.
    #[must_use]
    pub fn journals(mut self, journals: impl AnyJournals + 'static) -> Self {
        self.journals.push(Box::new(journals));
        self
    }

    /// Runs `closing` after the last call and before the journals are closed.
    #[must_use]
    pub fn on_drained(mut self, closing: impl Future<Output = ()> + Send + 'static) -> Self {
        self.closings.push(Box::pin(closing));
        self
    }
}

/// What a service gets of the frame.
#[derive(Debug, Clone)]
pub struct Context {
    service: Service,
    settings: Arc<Settings>,
    peers: Peers,
    health: Health,
    draining: watch::Receiver<bool>,
    tasks: Arc<Mutex<JoinSet<()>>>,
    place: Place,
    cosigner: Arc<Cosigner>,
}

impl Context {
    /// Which service it is.
    #[must_use]
    pub const fn service(&self) -> Service {
        self.service
    }

    /// The process's settings.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The folder in which `<system>/<service>/` lie.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.settings.data_dir
    }

    /// The services that this one may ask. They answer once every service of the process has started.
    #[must_use]
    pub const fn peers(&self) -> &Peers {
        &self.peers
    }

    /// This service's health.
    #[must_use]
    pub const fn health(&self) -> &Health {
        &self.health
    }

    /// Turns true when the process has been told to stop: a long stream ends itself then.
    #[must_use]
    pub fn draining(&self) -> watch::Receiver<bool> {
        self.draining.clone()
    }

    /// Where and how journals are kept: for [`crate::journals::Journals::open`].
    #[must_use]
    pub fn place(&self) -> Place {
        self.place.clone()
    }

    /// What asks the witnesses.
    #[must_use]
    pub fn cosigner(&self) -> Arc<Cosigner> {
        Arc::clone(&self.cosigner)
    }

    /// The key under which page tokens are sealed: the installation's, so that it survives a restart.
    #[must_use]
    pub fn page_key(&self) -> PageKey {
        let secret = [&b"almoner page tokens\0"[..], &self.place.signing_seed].concat();
        PageKey::new(Digest::of(&secret).0)
    }

    /// Runs `work` beside the calls, until it ends or the process drains. A panic in it is logged and ends it alone.
    pub fn spawn(&self, name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        let service = self.service;
        let task = async move {
            if let Err(incident) = crate::panics::caught(work).await {
                tracing::error!(%service, task = name, %incident, "a task failed on a bug");
            }
        };
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).spawn(task);
    }
}

/// One service's health, as `grpc.health.v1` tells it.
#[derive(Debug, Clone)]
pub struct Health {
    reporter: HealthReporter,
    service: Service,
}

impl Health {
    /// Says NOT_SERVING for the whole process: a service found its data damaged.
    pub async fn damaged(&self) {
        tracing::error!(service = %self.service, "data is damaged: no longer serving");
        self.reporter.set_service_status("", ServingStatus::NotServing).await;
    }
}

/// A process that serves.
#[derive(Debug)]
pub struct Frame {
    settings: Arc<Settings>,
    address: SocketAddr,
    gate: Gate,
    reporter: HealthReporter,
    /// Where peers in this process connect.
    memory_links: mpsc::Sender<Link>,
    stop_callers: watch::Sender<bool>,
    stop_services: watch::Sender<bool>,
    draining: watch::Sender<bool>,
    callers: JoinHandle<Result<(), transport::Error>>,
    services: JoinHandle<Result<(), transport::Error>>,
    tasks: Arc<Mutex<JoinSet<()>>>,
    started: Vec<Started>,
    journals: Arc<Journalling>,
    cosigner: Arc<Cosigner>,
    place: Place,
}

impl Frame {
    /// Opens the data folder, listens, and answers that it is starting.
    pub fn bind(settings: Settings) -> Boxed<'static, Result<Self, FrameError>> {
        Box::pin(Self::bound(settings))
    }

    async fn bound(settings: Settings) -> Result<Self, FrameError> {
        let settings = Arc::new(settings);
        let disk: Arc<dyn Disk> = Arc::new(FolderDisk);
        let installation = Installation::open(&*disk, &settings.data_dir)?;
        let place = Place {
            root: settings.data_dir.clone(),
            disk,
            installation: installation.id(),
            signing_seed: installation.seed(),
            clock: Arc::new(SystemClock),
            options: Options {
                reserve_bytes: settings.limits.disk_free_bytes_min,
                scrub_every: settings.limits.scrub_time(),
                ..Options::default()
            },
            mirror: settings.journal_mirror.clone(),
        };
        let listen = |source| FrameError::Listen { address: settings.address, source };
        let listener = TcpListener::bind(settings.address).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;

        let (reporter, health) = tonic_health::server::health_reporter();
        // A new reporter says SERVING of the whole process.
        reporter.set_service_status("", ServingStatus::NotServing).await;
        for service in &settings.services {
            reporter.set_service_status(grpc_name(*service), ServingStatus::NotServing).await;
        }
        let mut early = Routes::new(health);
        if settings.reflection {
            // Both versions: Python's own client speaks v1alpha only.
            early = early.add_service(reflection().build_v1()?).add_service(reflection().build_v1alpha()?);
        }
        let gate = Gate::new(early, &settings.limits);

        let (stop_callers, callers_stopped) = watch::channel(false);
        let (stop_services, services_stopped) = watch::channel(false);
        let (tcp_links, tcp_incoming) = mpsc::channel(LINKS_WAITING_MAX);
        let (memory_links, memory_incoming) = mpsc::channel(LINKS_WAITING_MAX);
        let places = Arc::new(Semaphore::new(settings.limits.connections));
        tokio::spawn(link::accept(
            listener,
            settings.security.clone(),
            places,
            tcp_links,
            callers_stopped.clone(),
        ));
        let callers = serve(&settings, gate.clone(), tcp_incoming, callers_stopped);
        let services = serve(&settings, gate.clone(), memory_incoming, services_stopped);
        let cosigner = Arc::new(Cosigner::new(settings.witnessing.clone()));
        Ok(Self {
            settings,
            address,
            gate,
            reporter,
            memory_links,
            stop_callers,
            stop_services,
            draining: watch::Sender::new(false),
            callers,
            services,
            tasks: Arc::default(),
            started: Vec::new(),
            journals: Arc::new(Journalling::new(Vec::new(), Arc::clone(&cosigner))),
            cosigner,
            place,
        })
    }

    /// Where it listens: the port taken when port 0 was asked for.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Starts `service` with its crate's `start`, when this process is to run it. Services start in the order of
    /// [`Service::ALL`].
    pub async fn start<S, F>(&mut self, service: Service, start: S) -> Result<(), FrameError>
    where
        S: FnOnce(Context) -> F,
        F: Future<Output = Result<Started, StartError>>,
    {
        let Some(context) = self.context(service) else { return Ok(()) };
        let started = start(context).await.map_err(|source| FrameError::Start { service, source })?;
        self.has_started(service, started);
        Ok(())
    }

    fn has_started(&mut self, service: Service, started: Started) {
        tracing::info!(%service, "recovered");
        self.started.push(started);
    }

    /// What `service` gets of the frame, when this process is to run it.
    fn context(&self, service: Service) -> Option<Context> {
        self.settings.services.contains(&service).then(|| Context {
            service,
            settings: Arc::clone(&self.settings),
            peers: Peers::new(service, &self.settings, &self.memory_links),
            health: Health { reporter: self.reporter.clone(), service },
            draining: self.draining.subscribe(),
            tasks: Arc::clone(&self.tasks),
            place: self.place.clone(),
            cosigner: Arc::clone(&self.cosigner),
        })
    }

    /// Lets calls in: every service has recovered.
    pub fn open(&mut self) -> Boxed<'_, ()> {
        Box::pin(self.opened())
    }

    async fn opened(&mut self) {
        let mut routes = self.gate.early();
        let mut journals = Vec::new();
        for started in &mut self.started {
            routes = started.adding.drain(..).fold(routes, |routes, add| add(routes));
            journals.append(&mut started.journals);
        }
        self.journals = Arc::new(Journalling::new(journals, Arc::clone(&self.cosigner)));
        let (cosigner, shown) = (Arc::clone(&self.cosigner), Arc::clone(&self.journals));
        let watched = async move { cosigner.keep_up(shown).await };
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).spawn(watched);
        routes = routes.add_service(JournalServiceServer::from_arc(Arc::clone(&self.journals)));
        self.gate.open(routes, Arc::clone(&self.journals));
        for name in self.names() {
            self.reporter.set_service_status(name, ServingStatus::Serving).await;
        }
        self.reporter.set_service_status("", ServingStatus::Serving).await;
        tracing::info!(address = %self.address, "serving");
    }

    fn names(&self) -> Vec<&'static str> {
        self.started.iter().flat_map(|started| started.names.iter().copied()).collect()
    }

    /// Serves until `stop`, then drains. Returns when the last journal is closed; an error when the server ended first.
    pub async fn run(self, stop: impl Future<Output = ()> + Send) -> Result<(), FrameError> {
        self.run_until(Box::pin(stop)).await
    }

    fn run_until(self, stop: Boxed<'_, ()>) -> Boxed<'_, Result<(), FrameError>> {
        Box::pin(self.drained_after(stop))
    }

    async fn drained_after(mut self, stop: Boxed<'_, ()>) -> Result<(), FrameError> {
        let ended = tokio::select! {
            () = stop => None,
            ended = &mut self.callers => Some(ended),
            ended = &mut self.services => Some(ended),
        };
        self.reporter.set_service_status("", ServingStatus::NotServing).await;
        for name in self.names() {
            self.reporter.set_service_status(name, ServingStatus::NotServing).await;
        }
        self.draining.send_replace(true);
        tracing::info!("draining");
        if ended.is_none() {
            tokio::time::sleep(Duration::from_millis(self.settings.limits.drain_notice_ms)).await;
            drain(&self.stop_callers, &mut self.callers, self.settings.limits.drain_time()).await;
        }
        let mut tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        tasks.shutdown().await;
        if ended.is_none() {
            drain(&self.stop_services, &mut self.services, self.settings.limits.drain_time()).await;
        }
        for started in self.started {
            for closing in started.closings {
                closing.await;
            }
        }
        let journals = self.journals;
        // Closing makes everything durable and joins threads: it blocks.
        if tokio::task::spawn_blocking(move || journals.close()).await.is_err() {
            tracing::error!("journals could not be closed");
        }
        tracing::info!("stopped");
        match ended {
            Some(Ok(Err(error))) => Err(error.into()),
            _ => Ok(()),
        }
    }
}

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Gate")
    }
}

async fn drain(
    stop: &watch::Sender<bool>,
    server: &mut JoinHandle<Result<(), transport::Error>>,
    time: Duration,
) {
    stop.send_replace(true);
    if tokio::time::timeout(time, &mut *server).await.is_err() {
        tracing::warn!("calls were still in progress after limits.drain_seconds: they were cut");
        server.abort();
    }
}

/// The gRPC server, every option with its reason. No service configures one by itself.
fn serve(
    settings: &Settings,
    gate: Gate,
    incoming: mpsc::Receiver<Link>,
    mut stopped: watch::Receiver<bool>,
) -> JoinHandle<Result<(), transport::Error>> {
    let limits = &settings.limits;
    let server = Server::builder()
        // The pages of logs are read by tools that speak HTTP/1.1.
        .accept_http1(true)
        // Unlimited by default: one connection could hold every place.
        .max_concurrent_streams(limits.calls_per_connection)
        // Connections end now and then, so that callers spread over processes; calls in progress have the grace.
        .max_connection_age(Duration::from_secs(limits.connection_age_seconds))
        .max_connection_age_grace(limits.call_time().saturating_mul(2))
        // A caller that vanished without closing is noticed within a minute.
        .http2_keepalive_interval(Some(Duration::from_secs(30)))
        .http2_keepalive_timeout(Some(Duration::from_secs(20)))
        // A stream of batches is faster than 64 KiB windows allow.
        .http2_adaptive_window(Some(true))
        // Callers that open and reset streams in a row are cut off.
        .http2_max_pending_accept_reset_streams(Some(32))
        // More than the trace context and a token needs nobody.
        .http2_max_header_list_size(16 << 10);
    let incoming = ReceiverStream::new(incoming).map(Ok::<_, io::Error>);
    tokio::spawn(async move {
        let stop = async move {
            let _ = stopped.wait_for(|stopped| *stopped).await;
        };
        server.serve_with_incoming_shutdown(gate, incoming, stop).await
    })
}

fn reflection() -> tonic_reflection::server::Builder<'static> {
    tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(proto::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
}

/// The name of a service in gRPC: `almoner.health_budgets.v1.HealthBudgetsService`.
fn grpc_name(service: Service) -> String {
    let words = service.as_str().split('-');
    let capitals: String = words
        .map(|word| {
            let (first, rest) = word.split_at(1);
            first.to_ascii_uppercase() + rest
        })
        .collect();
    format!("almoner.{}.v1.{capitals}Service", service.as_str().replace('-', "_"))
}

/// Begins to listen for Ctrl-C and SIGTERM, and resolves when the process is told to stop by either.
pub fn told_to_stop() -> io::Result<impl Future<Output = ()> + Send + Unpin> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(Box::pin(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_have_names_in_grpc() {
        assert_eq!(grpc_name(Service::Ledger), "almoner.ledger.v1.LedgerService");
        assert_eq!(grpc_name(Service::HealthBudgets), "almoner.health_budgets.v1.HealthBudgetsService");
    }
}
