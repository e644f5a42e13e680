//! The configuration: a TOML file, a few options over it, checked as a whole before anything is opened.
//!
//! [`Config`] is the file as it is written; unknown keys are refused. [`Config::check`] turns it into [`Settings`], or
//! names everything that is wrong with it at once.

use crate::{
    tls::{Material, TlsError},
    witnessing::{WitnessPolicy, Witnessing},
};
use access::Caller;
use http::Uri;
use journal::Service;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fmt, fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// The largest message in or out: 16 MiB, room for a full batch of lines or entries with a margin, and for a registry
/// snapshot. gRPC's own default of 4 MiB is less than a batch, and "unlimited" is a way to run out of memory.
pub const MESSAGE_BYTES_MAX: usize = 16 << 20;

/// The configuration file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where journals and everything else that is kept lie.
    pub data_dir: PathBuf,
    /// A folder on another device that keeps a second copy of every journal and blob, written and synced with the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub journal_mirror: Option<PathBuf>,
    /// Which services this process runs. Default: all of them.
    pub services: Vec<String>,
    /// Where and how it listens.
    pub listen: Listen,
    /// This process's certificate and the authority of everybody's. Required unless `listen.insecure_loopback`.
    pub tls: Option<Tls>,
    /// Where the services that this process does not run are reached: `ledger = "https://ledger.example:7400"`.
    pub peers: BTreeMap<String, String>,
    /// What it takes at once.
    pub limits: Limits,
    /// Where its traces, metrics and logs go.
    pub telemetry: Telemetry,
    /// Who watches its journals.
    pub witnessing: Witnessing,
}

/// Where and how a process listens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Listen {
    /// Address and port. Port 0 takes a free one.
    pub address: SocketAddr,
    /// Speak without TLS. Only on a loopback address: everybody who reaches the port is `insecure_caller`.
    pub insecure_loopback: bool,
    /// Who a caller without a certificate is: the URI names that its certificate would have.
    pub insecure_caller: Vec<String>,
    /// Answer gRPC server reflection (v1 and v1alpha): the descriptors of the API, nothing of anybody's data.
    pub reflection: bool,
}

/// A certificate, its key, and the authority by which callers and peers are checked. PEM files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The certificate chain shown to callers and to peers. Peers read `urn:almoner:service:<name>` in it.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// The certificates of the authority that callers' and peers' certificates come from.
    pub authority: PathBuf,
}

/// What a process takes at once. Beyond, callers are told UNAVAILABLE and when to try again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Open connections.
    pub connections: usize,
    /// Calls in progress, other services' not counted.
    pub calls: usize,
    /// Other services' calls in progress. Counted apart, so that callers who wait for an ask cannot keep the ask out.
    pub service_calls: usize,
    /// Calls in progress on one connection.
    pub calls_per_connection: u32,
    /// How long a call may take, when its caller does not ask for less. Streams may go on longer.
    pub call_seconds: u64,
    /// After how long a connection is asked to close, so that callers spread over processes again.
    pub connection_age_seconds: u64,
    /// How long health says NOT_SERVING before the process stops accepting: a probe's interval where something routes by
    /// health, 0 where nothing does.
    pub drain_notice_ms: u64,
    /// How long calls in progress may take to end when the process is told to stop.
    pub drain_seconds: u64,
    /// Writes are refused while less than this is free on the data folder's disk. Reads go on.
    pub disk_free_bytes_min: u64,
    /// How often every journal is read again from the disk, to find damage before anybody asks for it. 0: never.
    pub scrub_hours: u64,
}

/// Where traces, metrics and logs go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Telemetry {
    /// An OpenTelemetry collector's OTLP/gRPC endpoint, `http://127.0.0.1:4317`. Nothing is sent without one.
    pub endpoint: Option<String>,
    /// What is logged, in `tracing` filter syntax.
    pub log: String,
    /// `text` or `json`, to standard error.
    pub log_format: LogFormat,
    /// How often metrics are sent.
    pub metrics_seconds: u64,
    /// Of how many new traces one is sent; callers' own sampling decisions are followed.
    pub trace_one_in: u32,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("almoner-data"),
            journal_mirror: None,
            services: Service::ALL.iter().map(ToString::to_string).collect(),
            listen: Listen::default(),
            tls: None,
            peers: BTreeMap::new(),
            limits: Limits::default(),
            telemetry: Telemetry::default(),
            witnessing: Witnessing::default(),
        }
    }
}

impl Default for Listen {
    fn default() -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 7400)),
            insecure_loopback: false,
            insecure_caller: Vec::new(),
            reflection: false,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1_024,
            calls: 1_024,
            service_calls: 1_024,
            calls_per_connection: 256,
            call_seconds: 30,
            connection_age_seconds: 30 * 60,
            drain_notice_ms: 0,
            drain_seconds: 20,
            disk_free_bytes_min: 512 << 20,
            scrub_hours: 24,
        }
    }
}

impl Default for Telemetry {
    fn default() -> Self {
        Self {
            endpoint: None,
            log: "info".to_owned(),
            log_format: LogFormat::Text,
            metrics_seconds: 15,
            trace_one_in: 1,
        }
    }
}

/// A configuration that holds together.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where journals and everything else that is kept lie.
    pub data_dir: PathBuf,
    /// Where the second copy of journals and blobs lies, if one is kept.
    pub journal_mirror: Option<PathBuf>,
    /// The services to run, in the order in which they start.
    pub services: Vec<Service>,
    /// Where to listen.
    pub address: SocketAddr,
    /// How callers are told apart.
    pub security: Security,
    /// Whether to answer server reflection.
    pub reflection: bool,
    /// Where the services of other processes are.
    pub peers: BTreeMap<Service, Uri>,
    /// What to take at once.
    pub limits: Limits,
    /// Where traces, metrics and logs go.
    pub telemetry: Telemetry,
    /// Who watches its journals.
    pub witnessing: WitnessPolicy,
}

/// How callers are told apart.
#[derive(Debug, Clone)]
pub enum Security {
    /// By certificates, mutual TLS.
    MutualTls(Material),
    /// Not at all: whoever reaches the loopback port is this caller.
    InsecureLoopback(Arc<Caller>),
}

/// A configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file is not TOML, has an unknown key, or a value of another type.
    #[error("the configuration {path} is not right:\n{source}")]
    Parse {
        /// The file.
        path: PathBuf,
        /// Where and what.
        source: Box<toml::de::Error>,
    },
    /// Its values do not hold together.
    #[error("the configuration does not hold together:{}", .0.iter().map(|line| format!("\n  - {line}")).collect::<String>())]
    Check(Vec<String>),
}

impl Config {
    /// Reads the file at `path`. Relative paths in it are from its own folder.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text =
            fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        let mut config: Self = toml::from_str(&text)
            .map_err(|source| ConfigError::Parse { path: path.to_owned(), source: Box::new(source) })?;
        let folder = path.parent().unwrap_or_else(|| Path::new(""));
        config.data_dir = folder.join(&config.data_dir);
        config.journal_mirror = config.journal_mirror.map(|mirror| folder.join(mirror));
        if let Some(tls) = &mut config.tls {
            for file in [&mut tls.certificate, &mut tls.key, &mut tls.authority] {
                *file = folder.join(&*file);
            }
        }
        Ok(config)
    }

    /// What is in force, defaults included, as a file that [`Config::read`] reads. Holds no secret: keys are named, not
    /// shown.
    #[must_use]
    pub fn print(&self) -> String {
        toml::to_string_pretty(self).unwrap_or_else(|error| format!("# cannot be printed: {error}\n"))
    }

    /// The settings, certificates read; or everything that is wrong.
    pub fn check(&self) -> Result<Settings, ConfigError> {
        let mut wrong = Wrong::default();
        let services = self.check_services(&mut wrong);
        let peers = self.check_peers(&services, &mut wrong);
        if let Some(mirror) = &self.journal_mirror
            && (mirror.starts_with(&self.data_dir) || self.data_dir.starts_with(mirror))
        {
            wrong.note(format_args!("journal_mirror: it must lie outside data_dir, on another device"));
        }
        self.check_limits(&mut wrong);
        self.check_telemetry(&mut wrong);
        let witnessing = self.witnessing.check(|line| wrong.0.push(line));
        let security = self.check_security(&mut wrong);
        match security {
            Some(security) if wrong.0.is_empty() => Ok(Settings {
                data_dir: self.data_dir.clone(),
                journal_mirror: self.journal_mirror.clone(),
                services,
                address: self.listen.address,
                security,
                reflection: self.listen.reflection,
                peers,
                limits: self.limits.clone(),
                telemetry: self.telemetry.clone(),
                witnessing,
            }),
            _ => Err(ConfigError::Check(wrong.0)),
        }
    }

    fn check_services(&self, wrong: &mut Wrong) -> Vec<Service> {
        let mut named = Vec::new();
        for name in &self.services {
            match name.parse::<Service>() {
                Ok(service) => named.push(service),
                Err(error) => wrong.note(format_args!("services: {error}")),
            }
        }
        if self.services.is_empty() {
            wrong.note(format_args!("services: name at least one, or leave the key out for all of them"));
        }
        Service::ALL.into_iter().filter(|service| named.contains(service)).collect()
    }

    fn check_peers(&self, services: &[Service], wrong: &mut Wrong) -> BTreeMap<Service, Uri> {
        let mut peers = BTreeMap::new();
        for (name, address) in &self.peers {
            let Ok(service) = name.parse::<Service>() else {
                wrong.note(format_args!("peers: `{name}` is not a service"));
                continue;
            };
            if services.contains(&service) {
                wrong.note(format_args!(
                    "peers.{name}: this process runs {name} itself: leave one of the two out"
                ));
            }
            match address.parse::<Uri>() {
                Ok(uri) if uri.scheme_str() == Some("https") && uri.port().is_some() => {
                    peers.insert(service, uri);
                }
                Ok(_) | Err(_) => wrong.note(format_args!("peers.{name}: it must be https://<host>:<port>")),
            }
        }
        if !peers.is_empty() && self.listen.insecure_loopback {
            wrong.note(format_args!("peers: services of other processes are reached with mutual TLS only"));
        }
        peers
    }

    fn check_limits(&self, wrong: &mut Wrong) {
        let limits = &self.limits;
        let counts = [
            ("connections", limits.connections, 65_536),
            ("calls", limits.calls, 65_536),
            ("service_calls", limits.service_calls, 65_536),
            (
                "calls_per_connection",
                usize::try_from(limits.calls_per_connection).unwrap_or(usize::MAX),
                65_536,
            ),
        ];
        for (name, value, max) in counts {
            if !(1..=max).contains(&value) {
                wrong.note(format_args!("limits.{name}: it must be 1 to {max}"));
            }
        }
        let times = [
            ("call_seconds", limits.call_seconds, 1, 3_600),
            ("connection_age_seconds", limits.connection_age_seconds, 60, 86_400),
            ("drain_notice_ms", limits.drain_notice_ms, 0, 60_000),
            ("drain_seconds", limits.drain_seconds, 1, 600),
            ("scrub_hours", limits.scrub_hours, 0, 8_760),
        ];
        for (name, value, min, max) in times {
            if !(min..=max).contains(&value) {
                wrong.note(format_args!("limits.{name}: it must be {min} to {max}"));
            }
        }
    }

    fn check_telemetry(&self, wrong: &mut Wrong) {
        let telemetry = &self.telemetry;
        if let Some(endpoint) = &telemetry.endpoint {
            // Telemetry leaves the host through a collector on it, which has the credentials and the TLS.
            if !endpoint.parse::<Uri>().is_ok_and(|uri| uri.scheme_str() == Some("http")) {
                wrong.note(format_args!("telemetry.endpoint: it must be http://<host>:<port>"));
            }
        }
        if let Err(error) = telemetry.log.parse::<tracing_subscriber::filter::Targets>() {
            wrong.note(format_args!("telemetry.log: {error}"));
        }
        if !(1..=3_600).contains(&telemetry.metrics_seconds) {
            wrong.note(format_args!("telemetry.metrics_seconds: it must be 1 to 3600"));
        }
        if telemetry.trace_one_in == 0 {
            wrong.note(format_args!("telemetry.trace_one_in: it must be at least 1"));
        }
    }

    fn check_security(&self, wrong: &mut Wrong) -> Option<Security> {
        let listen = &self.listen;
        if listen.insecure_loopback {
            if !listen.address.ip().is_loopback() {
                wrong.note(format_args!("listen.address: without TLS it must be a loopback address"));
            }
            if self.tls.is_some() {
                wrong.note(format_args!("tls: it is of no use with listen.insecure_loopback: leave one out"));
            }
            return match Caller::from_uris(listen.insecure_caller.iter().map(String::as_str)) {
                Ok(caller) => Some(Security::InsecureLoopback(Arc::new(caller))),
                Err(error) => {
                    wrong.note(format_args!(
                        "listen.insecure_caller: {error} (it stands for everybody who reaches the port, for example \
                         [\"urn:almoner:person:developer\", \"urn:almoner:role:operator\"])"
                    ));
                    None
                }
            };
        }
        let Some(tls) = &self.tls else {
            wrong.note(format_args!(
                "tls: certificate, key and authority are required (`almoner certificates` makes them; on a loopback \
                 address --insecure-loopback goes without)"
            ));
            return None;
        };
        match Material::read(tls) {
            Ok(material) => Some(Security::MutualTls(material)),
            Err(error) => {
                wrong.note(format_args!("tls: {}", chain(&error)));
                None
            }
        }
    }
}

#[derive(Default)]
struct Wrong(Vec<String>);

impl Wrong {
    fn note(&mut self, what: fmt::Arguments<'_>) {
        self.0.push(what.to_string());
    }
}

fn chain(error: &TlsError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

impl Limits {
    pub(crate) const fn call_time(&self) -> Duration {
        Duration::from_secs(self.call_seconds)
    }

    pub(crate) fn scrub_time(&self) -> Option<Duration> {
        (self.scrub_hours > 0).then(|| Duration::from_hours(self.scrub_hours))
    }

    pub(crate) const fn drain_time(&self) -> Duration {
        Duration::from_secs(self.drain_seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn insecure() -> Config {
        let mut config = Config::default();
        config.listen.insecure_loopback = true;
        config.listen.insecure_caller = vec!["urn:almoner:person:developer".to_owned()];
        config
    }

    #[test]
    fn what_is_printed_reads_back() {
        let mut config = insecure();
        config.peers.insert("ledger".to_owned(), "https://ledger:7400".to_owned());
        config.tls = Some(Tls { certificate: "a".into(), key: "b".into(), authority: "c".into() });
        config.telemetry.endpoint = Some("http://127.0.0.1:4317".to_owned());
        assert_eq!(toml::from_str::<Config>(&config.print()).unwrap(), config);
        assert_eq!(toml::from_str::<Config>("").unwrap(), Config::default());
    }

    #[test]
    fn unknown_keys_are_refused_wherever_they_stand() {
        for text in [
            "port = 1",
            "[listen]\nport = 1",
            "[limits]\nstreams = 1",
            "[telemetry]\nurl = ''",
            "[tls]\nca = ''",
        ] {
            let error = toml::from_str::<Config>(text).unwrap_err().to_string();
            assert!(error.contains("unknown field"), "{text}: {error}");
        }
    }

    #[test]
    fn everything_wrong_is_named_at_once() {
        let mut config = insecure();
        config.services = vec!["ledger".to_owned(), "bank".to_owned()];
        config.listen.address = SocketAddr::from(([0, 0, 0, 0], 7400));
        config.listen.insecure_caller = vec!["urn:almoner:role:operator".to_owned()];
        config.peers.insert("ledger".to_owned(), "http://ledger".to_owned());
        config.limits.calls = 0;
        config.journal_mirror = Some(config.data_dir.join("mirror"));
        config.limits.drain_seconds = 0;
        config.telemetry.endpoint = Some("https://collector".to_owned());
        config.telemetry.log = "info=what=".to_owned();
        config.telemetry.trace_one_in = 0;
        let error = config.check().unwrap_err().to_string();
        for part in [
            "`bank` is not a service",
            "peers.ledger: this process runs ledger itself",
            "peers.ledger: it must be https",
            "limits.calls: ",
            "journal_mirror: ",
            "limits.drain_seconds: ",
            "listen.address: ",
            "listen.insecure_caller: ",
            "telemetry.endpoint: ",
            "telemetry.log: ",
            "telemetry.trace_one_in: ",
        ] {
            assert!(error.contains(part), "{part} is not in {error}");
        }
    }

    #[test]
    fn mutual_tls_is_required_unless_told_otherwise() {
        let error = Config::default().check().unwrap_err().to_string();
        assert!(error.contains("tls: certificate, key and authority are required"), "{error}");
        assert!(matches!(insecure().check().unwrap().security, Security::InsecureLoopback(_)));
    }
}
