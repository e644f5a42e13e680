//! Connection profiles: a TOML file that says where to call and as whom.
//!
//! ```toml
//! address = "https://127.0.0.1:7400"
//! authority = "authority.pem"        # the next three are files beside this one, or absolute
//! certificate = "nt3.pem"
//! key = "nt3.key"
//! system = "berkshire-west"          # what commands mean when they are not told
//! ```

use crate::Retry;
use serde::{Deserialize, Serialize};
use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};

const CONNECT_TIME: Duration = Duration::from_secs(10);

/// Where to call, as whom, and about which system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// `https://<host>:<port>`, or `http://` for a server with `--insecure-loopback`.
    pub address: String,
    /// The authority's certificate, PEM. Required with `https`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority: Option<PathBuf>,
    /// The caller's certificate, PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<PathBuf>,
    /// Its key, PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
    /// The system that commands mean when they are not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
}

/// A profile cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// The file cannot be read or written.
    #[error("the profile {path} cannot be read or written")]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file is not a profile.
    #[error("{path} is not a connection profile:\n{source}")]
    Parse {
        /// The file.
        path: PathBuf,
        /// Where and what.
        source: Box<toml::de::Error>,
    },
    /// The profile cannot be written as TOML.
    #[error("the profile cannot be written")]
    Print(#[from] toml::ser::Error),
}

/// A profile cannot be used to connect.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// A file that the profile names cannot be read.
    #[error("{path}, which the profile names, cannot be read")]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// An `https` address without the files that mutual TLS needs.
    #[error("the profile needs authority, certificate and key for an https address")]
    Incomplete,
    /// The address is not one, or the certificates do not go together.
    #[error("the profile's address or certificates are of no use")]
    Endpoint(#[from] tonic::transport::Error),
}

/// A connection that opens when first used, and opens again when it was cut. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Connection {
    channel: Channel,
    retry: Retry,
}

impl Connection {
    /// The channel for generated clients.
    #[must_use]
    pub fn channel(&self) -> Channel {
        self.channel.clone()
    }

    /// How calls over this connection are repeated. The budget is one for the whole connection.
    #[must_use]
    pub const fn retry(&self) -> &Retry {
        &self.retry
    }
}

impl Profile {
    /// Reads the profile at `path`. Its files are looked for from the profile's own folder.
    pub fn read(path: &Path) -> Result<Self, ProfileError> {
        let file = |source| ProfileError::File { path: path.to_owned(), source };
        let text = fs::read_to_string(path).map_err(file)?;
        let mut profile: Self = toml::from_str(&text)
            .map_err(|source| ProfileError::Parse { path: path.to_owned(), source: Box::new(source) })?;
        let folder = path.parent().unwrap_or_else(|| Path::new(""));
        for named in
            [&mut profile.authority, &mut profile.certificate, &mut profile.key].into_iter().flatten()
        {
            *named = folder.join(&*named);
        }
        Ok(profile)
    }

    /// Writes the profile to `path`, its paths as they are.
    pub fn write(&self, path: &Path) -> Result<(), ProfileError> {
        let text = toml::to_string(self)?;
        fs::write(path, text).map_err(|source| ProfileError::File { path: path.to_owned(), source })
    }

    /// A connection by this profile. Nothing is sent before the first call. Must run inside the runtime.
    pub fn connect(&self) -> Result<Connection, ConnectError> {
        let endpoint = Endpoint::from_shared(self.address.clone())?;
        let endpoint = match (&self.authority, &self.certificate, &self.key) {
            _ if !self.address.starts_with("https:") => endpoint,
            (Some(authority), Some(certificate), Some(key)) => endpoint.tls_config(
                ClientTlsConfig::new()
                    .ca_certificate(Certificate::from_pem(read(authority)?))
                    .identity(Identity::from_pem(read(certificate)?, read(key)?)),
            )?,
            _ => return Err(ConnectError::Incomplete),
        };
        let channel = endpoint
            .connect_timeout(CONNECT_TIME)
            // Noticed within a minute when the server vanished; not more often than it pings itself.
            .http2_keep_alive_interval(Duration::from_secs(30))
            .keep_alive_timeout(Duration::from_secs(20))
            .http2_adaptive_window(true) // streams of batches are faster than 64 KiB windows allow
            .connect_lazy();
        Ok(Connection { channel, retry: Retry::new() })
    }
}

fn read(path: &Path) -> Result<Vec<u8>, ConnectError> {
    fs::read(path).map_err(|source| ConnectError::File { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_profile_reads_back_with_its_files_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("nt3.toml");
        let profile = Profile {
            address: "https://127.0.0.1:7400".to_owned(),
            authority: Some("authority.pem".into()),
            certificate: Some("nt3.pem".into()),
            key: Some("/keys/nt3.key".into()),
            system: Some("berkshire-west".to_owned()),
        };
        profile.write(&path).unwrap();
        let found = Profile::read(&path).unwrap();
        assert_eq!(found.authority, Some(folder.path().join("authority.pem")));
        assert_eq!(found.key, Some("/keys/nt3.key".into()));
        assert!(
            matches!(found.connect(), Err(ConnectError::File { path, .. }) if path.ends_with("authority.pem"))
        );
    }

    #[tokio::test]
    async fn what_is_not_a_profile_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.toml");
        assert!(matches!(Profile::read(&path), Err(ProfileError::File { .. })));
        for text in ["", "address = 1", "address = 'https://a:1'\nca = 'x'"] {
            fs::write(&path, text).unwrap();
            assert!(matches!(Profile::read(&path), Err(ProfileError::Parse { .. })), "{text}");
        }
        let profile = |address: &str| Profile {
            address: address.to_owned(),
            authority: None,
            certificate: None,
            key: None,
            system: None,
        };
        assert!(matches!(profile("https://a:1").connect(), Err(ConnectError::Incomplete)));
        assert!(matches!(profile("not an address").connect(), Err(ConnectError::Endpoint(_))));
        assert!(profile("http://127.0.0.1:1").connect().is_ok());
    }
}
