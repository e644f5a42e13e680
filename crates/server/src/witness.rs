//! A witness: an HTTP service that cosigns what logs show it, as long as they only grow (c2sp.org/tlog-witness).
//!
//! It is a process of its own, best on another machine under another person's hand: what it protects from is whoever runs the log.

use crate::http_plain::{self, Answer};
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use journal::{AddCheckpoint, LogKey, NoteKeyError, WitnessRefusal, WitnessSigner, WitnessVerifier};
use serde::{Deserialize, Serialize};
use std::{
    convert::Infallible,
    future::Future,
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use storage::{FolderDisk, InstallationError, WitnessStore};
use tokio::{net::TcpListener, sync::Semaphore};

/// Sixty-three hashes and a note with some signatures.
const REQUEST_BYTES_MAX: usize = 64 << 10;

/// Connections at once: logs come rarely.
const CONNECTIONS_MAX: usize = 256;

/// How long one connection may take over one request.
const REQUEST_TIME: Duration = Duration::from_secs(10);

/// The configuration file of a witness.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WitnessConfig {
    /// Its name, as a URL without a scheme: `witness.example/w1`. It never changes.
    pub name: String,
    /// Where it listens, plain HTTP. What it says is signed; put a proxy before it where the network asks for TLS.
    pub address: SocketAddr,
    /// Where its key and what it saw are kept. Never restore an older copy of it.
    pub state_dir: PathBuf,
    /// The verifier keys of the logs that it knows: `<origin>+<id>+<key>`. Two for a log whose key was changed.
    #[serde(default)]
    pub logs: Vec<String>,
}

/// A witness cannot run.
#[derive(Debug, thiserror::Error)]
pub enum WitnessError {
    /// The configuration cannot be read.
    #[error("cannot read the configuration {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The configuration is not TOML, has an unknown key, or a value of another type.
    #[error("the configuration {path} is not right:\n{source}")]
    Parse {
        /// The file.
        path: PathBuf,
        /// Where and what.
        source: Box<toml::de::Error>,
    },
    /// The name cannot be a witness's.
    #[error("name: {0}")]
    Name(NoteKeyError),
    /// A log's key is not one.
    #[error("logs: `{0}` is no verifier key of a log")]
    Log(String),
    /// Its folder cannot be used.
    #[error("the witness's folder cannot be used")]
    State(#[from] InstallationError),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
}

impl WitnessConfig {
    /// Reads the file at `path`. A relative folder in it is from its own folder.
    pub fn read(path: &Path) -> Result<Self, WitnessError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| WitnessError::Read { path: path.to_owned(), source })?;
        let mut config: Self = toml::from_str(&text)
            .map_err(|source| WitnessError::Parse { path: path.to_owned(), source: Box::new(source) })?;
        config.state_dir = path.parent().unwrap_or_else(|| Path::new("")).join(&config.state_dir);
        Ok(config)
    }

    /// What is in force, as a file that [`WitnessConfig::read`] reads.
    #[must_use]
    pub fn print(&self) -> String {
        toml::to_string_pretty(self).unwrap_or_else(|error| format!("# cannot be printed: {error}\n"))
    }
}

/// A witness that listens.
#[derive(Debug)]
pub struct Witness {
    address: SocketAddr,
    listener: TcpListener,
    memory: Arc<Memory>,
}

/// What it knows, and what it saw.
#[derive(Debug)]
struct Memory {
    signer: WitnessSigner,
    logs: Vec<LogKey>,
    store: Mutex<WitnessStore>,
}

impl Witness {
    /// Opens the witness's folder, making its key at the first start, and listens.
    pub async fn bind(config: &WitnessConfig) -> Result<Self, WitnessError> {
        let memory = Memory::open(config)?;
        let listen = |source| WitnessError::Listen { address: config.address, source };
        let listener = TcpListener::bind(config.address).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        Ok(Self { address, listener, memory: Arc::new(memory) })
    }

    /// The verifier key of the witness of `config`; its folder and key are made when they are not there.
    pub fn key(config: &WitnessConfig) -> Result<WitnessVerifier, WitnessError> {
        Ok(Memory::open(config)?.signer.verifier().clone())
    }

    /// Where it listens: the port taken when port 0 was asked for.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What checks its cosignatures: what logs and auditors are given.
    #[must_use]
    pub fn verifier(&self) -> &WitnessVerifier {
        self.memory.signer.verifier()
    }

    /// Answers until `stop`. Requests in progress are cut then; what was kept is durable already.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        tracing::info!(key = %self.verifier(), "this witness's verifier key");
        tracing::info!(address = %self.address, "serving");
        let memory = self.memory;
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let serve = http_plain::serve(self.listener, places, REQUEST_TIME, move |request| {
            let memory = Arc::clone(&memory);
            async move { Ok::<_, Infallible>(answer(memory, request).await) }
        });
        tokio::select! {
            () = serve => {}
            () = stop => {}
        }
    }
}

impl Memory {
    fn open(config: &WitnessConfig) -> Result<Self, WitnessError> {
        let logs = config.logs.iter().map(|key| key.parse().map_err(|_| WitnessError::Log(key.clone())));
        let logs = logs.collect::<Result<Vec<LogKey>, _>>()?;
        // The name is looked at before a key is made for it.
        WitnessSigner::new(&config.name, &[0; 32]).map_err(WitnessError::Name)?;
        let store = WitnessStore::open(Arc::new(FolderDisk), &config.state_dir)?;
        let signer = WitnessSigner::new(&config.name, &store.seed()).map_err(WitnessError::Name)?;
        Ok(Self { signer, logs, store: Mutex::new(store) })
    }

    /// Judges an offer, keeps its checkpoint, and cosigns it: one offer after the other.
    fn add(&self, text: &str) -> Result<String, Refused> {
        let offer: AddCheckpoint = text.parse()?;
        let origin = offer.origin()?;
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        let judged = offer.judge(&self.logs, store.seen(origin));
        if let Err(WitnessRefusal::Inconsistent | WitnessRefusal::Forked { .. }) = &judged {
            // The log signed it, so it may be proof of what the log did.
            tracing::error!(origin, offered = %offer.note, "a log shows a tree that does not grow from what was seen");
        }
        let (checkpoint, own) = judged?;
        store.keep(origin, checkpoint).map_err(Refused::State)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        tracing::info!(origin, size = checkpoint.size, "cosigned");
        self.signer.cosign(own, now).ok_or(Refused::Offer(WitnessRefusal::Malformed))
    }
}

#[derive(Debug)]
enum Refused {
    Offer(WitnessRefusal),
    State(InstallationError),
}

impl From<WitnessRefusal> for Refused {
    fn from(refusal: WitnessRefusal) -> Self {
        Self::Offer(refusal)
    }
}

async fn answer(memory: Arc<Memory>, request: Request<Incoming>) -> Answer {
    if request.uri().path() != "/add-checkpoint" {
        return http_plain::text(StatusCode::NOT_FOUND, "only POST /add-checkpoint\n");
    }
    if *request.method() != Method::POST {
        return http_plain::text(StatusCode::METHOD_NOT_ALLOWED, "only POST\n");
    }
    let read = Limited::new(request.into_body(), REQUEST_BYTES_MAX).collect();
    let Ok(Ok(body)) = tokio::time::timeout(REQUEST_TIME, read).await else {
        return http_plain::text(StatusCode::BAD_REQUEST, "the request cannot be read whole\n");
    };
    let Ok(text) = String::from_utf8(body.to_bytes().to_vec()) else {
        return refused(WitnessRefusal::Malformed);
    };
    // It writes and syncs a file.
    match tokio::task::spawn_blocking(move || memory.add(&text)).await {
        Ok(Ok(line)) => http_plain::text(StatusCode::OK, line),
        Ok(Err(Refused::Offer(refusal))) => refused(refusal),
        Ok(Err(Refused::State(error))) => {
            tracing::error!(error = &error as &dyn std::error::Error, "what was seen cannot be kept");
            http_plain::text(StatusCode::INTERNAL_SERVER_ERROR, "what was seen cannot be kept\n")
        }
        Err(_) => http_plain::text(StatusCode::INTERNAL_SERVER_ERROR, "failed on a bug\n"),
    }
}

fn refused(refusal: WitnessRefusal) -> Answer {
    let code = match refusal {
        WitnessRefusal::Malformed | WitnessRefusal::OldSize => StatusCode::BAD_REQUEST,
        WitnessRefusal::UnknownLog => StatusCode::NOT_FOUND,
        WitnessRefusal::Unsigned => StatusCode::FORBIDDEN,
        WitnessRefusal::Stale { size } | WitnessRefusal::Forked { size } => return http_plain::size(size),
        WitnessRefusal::Inconsistent => StatusCode::UNPROCESSABLE_ENTITY,
    };
    http_plain::text(code, Bytes::from(format!("{refusal}\n")))
}
