//! An authority and certificates for the demo, for tests, and for installations that have none of their own.
//!
//! Keys are ECDSA P-256. A certificate's URI names say who its holder is (`urn:almoner:…`), its DNS names and addresses
//! where it listens; it can serve and call alike, since every service does both.

use jiff::{Span, Zoned, civil::Date};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    net::IpAddr,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

const AUTHORITY_YEARS: i64 = 10;
const CERTIFICATE_YEARS: i64 = 1;
const AUTHORITY_CERTIFICATE: &str = "authority.pem";
const AUTHORITY_KEY: &str = "authority.key";

/// Certificates cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A name is not one, or a key is not.
    #[error("the certificate cannot be made")]
    Make(#[from] rcgen::Error),
    /// A file cannot be read or written.
    #[error("{path} cannot be read or written")]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The year is beyond what a certificate can say.
    #[error("the clock's date cannot stand in a certificate")]
    Clock(#[from] jiff::Error),
}

/// An authority: its certificate and the key with which it signs.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Authority")
    }
}

/// Whom a certificate is for.
#[derive(Debug, Clone, Default)]
pub struct Holder {
    /// Its URI names: an identity, roles, scopes.
    pub uris: Vec<String>,
    /// The DNS names under which it listens.
    pub dns_names: Vec<String>,
    /// The addresses on which it listens.
    pub addresses: Vec<IpAddr>,
}

/// Where a certificate, its key and its authority lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    /// The certificate.
    pub certificate: PathBuf,
    /// Its key, readable by its owner only.
    pub key: PathBuf,
    /// The authority's certificate.
    pub authority: PathBuf,
}

impl Authority {
    /// The authority in `folder`; made there when there is none.
    pub fn in_folder(folder: &Path) -> Result<Self, CertificateError> {
        let (certificate, key) = (folder.join(AUTHORITY_CERTIFICATE), folder.join(AUTHORITY_KEY));
        if certificate.exists() && key.exists() {
            let pem = fs::read_to_string(&certificate).map_err(at(&certificate))?;
            let signing = KeyPair::from_pem(&fs::read_to_string(&key).map_err(at(&key))?)?;
            return Ok(Self { issuer: Issuer::new(authority_params()?, signing), pem });
        }
        fs::create_dir_all(folder).map_err(at(folder))?;
        let signing = KeyPair::generate()?;
        let params = authority_params()?;
        let pem = params.self_signed(&signing)?.pem();
        write_private(&key, &signing.serialize_pem())?;
        fs::write(&certificate, &pem).map_err(at(&certificate))?;
        Ok(Self { issuer: Issuer::new(params, signing), pem })
    }

    /// The authority's certificate, PEM.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// Makes a certificate for `holder` and writes it as `<folder>/<name>.pem` and `.key`.
    pub fn issue(&self, folder: &Path, name: &str, holder: &Holder) -> Result<Files, CertificateError> {
        let mut params = CertificateParams::new(holder.dns_names.clone())?;
        params.subject_alt_names.extend(holder.addresses.iter().map(|address| SanType::IpAddress(*address)));
        for uri in &holder.uris {
            params.subject_alt_names.push(SanType::URI(uri.as_str().try_into()?));
        }
        params.distinguished_name.push(DnType::CommonName, name);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        validity(&mut params, CERTIFICATE_YEARS)?;
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;

        fs::create_dir_all(folder).map_err(at(folder))?;
        let files = Files {
            certificate: folder.join(format!("{name}.pem")),
            key: folder.join(format!("{name}.key")),
            authority: folder.join(AUTHORITY_CERTIFICATE),
        };
        write_private(&files.key, &key.serialize_pem())?;
        fs::write(&files.certificate, certificate.pem()).map_err(at(&files.certificate))?;
        fs::write(&files.authority, &self.pem).map_err(at(&files.authority))?;
        Ok(files)
    }
}

fn authority_params() -> Result<CertificateParams, CertificateError> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.distinguished_name.push(DnType::CommonName, "Almoner authority");
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    validity(&mut params, AUTHORITY_YEARS)?;
    Ok(params)
}

/// From yesterday, since clocks differ, for so many years.
fn validity(params: &mut CertificateParams, years: i64) -> Result<(), CertificateError> {
    let yesterday = Zoned::now().date().checked_sub(Span::new().days(1))?;
    let until = yesterday.checked_add(Span::new().years(years))?;
    let day = |date: Date| {
        let (month, day) = (date.month().unsigned_abs(), date.day().unsigned_abs());
        rcgen::date_time_ymd(date.year().into(), month, day)
    };
    (params.not_before, params.not_after) = (day(yesterday), day(until));
    Ok(())
}

fn write_private(path: &Path, text: &str) -> Result<(), CertificateError> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .map_err(at(path))?;
    file.write_all(text.as_bytes()).map_err(at(path))
}

fn at(path: &Path) -> impl Fn(io::Error) -> CertificateError + '_ {
    |source| CertificateError::File { path: path.to_owned(), source }
}
