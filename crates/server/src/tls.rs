//! Certificates: reading them, what they make of rustls, and who they say is calling.

use crate::config::Tls;
use access::{Caller, CallerError};
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject as _},
    server::WebPkiClientVerifier,
};
use std::{path::PathBuf, sync::Arc};
use x509_parser::{extensions::GeneralName, prelude::FromDer as _};

/// gRPC is HTTP/2 and nothing else; the pages of logs are read over either.
const ALPN: &[u8] = b"h2";
const ALPN_PAGES: &[u8] = b"http/1.1";

/// A process's certificates, ready for use: as a server that asks callers for theirs, and as a client of its peers.
#[derive(Clone)]
pub struct Material {
    pub(crate) server: Arc<ServerConfig>,
    pub(crate) client: Arc<ClientConfig>,
}

impl std::fmt::Debug for Material {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Material")
    }
}

/// Certificates cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A PEM file cannot be read.
    #[error("{path} cannot be read")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: pem::Error,
    },
    /// A PEM file has no certificate in it.
    #[error("{0} has no certificate in it")]
    Empty(PathBuf),
    /// An authority's certificate is not one.
    #[error("{path} is not an authority's certificate")]
    Authority {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: rustls::Error,
    },
    /// Callers cannot be checked by the authority.
    #[error("callers cannot be checked by the authority given")]
    Verifier(#[from] rustls::server::VerifierBuilderError),
    /// Certificate and key are not a pair, or of a kind that is not supported.
    #[error("the certificate and the key do not go together")]
    Pair(#[from] rustls::Error),
}

impl Material {
    /// Reads the files of `tls`.
    pub fn read(tls: &Tls) -> Result<Self, TlsError> {
        let chain = certificates(&tls.certificate)?;
        let key = PrivateKeyDer::from_pem_file(&tls.key)
            .map_err(|source| TlsError::Read { path: tls.key.clone(), source })?;
        let mut roots = RootCertStore::empty();
        for certificate in certificates(&tls.authority)? {
            roots
                .add(certificate)
                .map_err(|source| TlsError::Authority { path: tls.authority.clone(), source })?;
        }
        let roots = Arc::new(roots);
        // Named, never the process's default: a second provider in the tree must not change what is spoken.
        let provider = Arc::new(ring::default_provider());
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(&provider)).build()?;
        let mut server = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain.clone(), key.clone_key())?;
        server.alpn_protocols = vec![ALPN.to_vec(), ALPN_PAGES.to_vec()];
        let mut client = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, key)?;
        client.alpn_protocols = vec![ALPN.to_vec()];
        Ok(Self { server: Arc::new(server), client: Arc::new(client) })
    }
}

fn certificates(path: &PathBuf) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read = |source| TlsError::Read { path: path.clone(), source };
    let found: Vec<_> =
        CertificateDer::pem_file_iter(path).map_err(read)?.collect::<Result<_, _>>().map_err(read)?;
    if found.is_empty() { Err(TlsError::Empty(path.clone())) } else { Ok(found) }
}

/// Who the certificate `der` says is calling. rustls has checked it against the authority by then.
pub(crate) fn caller(der: &CertificateDer<'_>) -> Result<Caller, CallerError> {
    let Ok((_, certificate)) = x509_parser::certificate::X509Certificate::from_der(der) else {
        return Err(CallerError::NoIdentity);
    };
    let names = certificate.subject_alternative_name().ok().flatten();
    let uris = names
        .iter()
        .flat_map(|names| &names.value.general_names)
        .filter_map(|name| if let GeneralName::URI(uri) = name { Some(*uri) } else { None });
    Caller::from_uris(uris)
}
