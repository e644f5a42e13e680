//! The demo's folder: what lies where, its authority and certificates, and a profile for each kind of caller.
//!
//! ```text
//! almoner.toml     the services' configuration: `almoner serve --config` runs them again
//! data/            what the services keep
//! certificates/    an authority of its own, and certificates under it
//! clients/         connection profiles, for `almoner … --profile`
//! in/              what providers, the commissioner and the bank sent
//! out/             payments/ remittance/ statements/ ledger-of-record/ challenges/ report.json
//! ```

use super::people::{BODIES, PEOPLE, Person};
use crate::output;
use anyhow::{Context as _, bail};
use client::{Connection, Profile};
use server::{
    Config,
    certificates::{Authority, Holder},
};
use std::{
    fs,
    io::Write as _,
    net::SocketAddr,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::OnceLock,
};

/// The system that is played.
pub(crate) const SYSTEM: &str = "berkshire-west";

/// The demo's folder.
#[derive(Debug)]
pub(crate) struct Installation {
    folder: PathBuf,
    address: OnceLock<SocketAddr>,
}

impl Installation {
    /// Makes the folder, its authority and its certificates. Refuses a folder in which a demo was played.
    pub(crate) fn make(folder: &Path) -> anyhow::Result<Self> {
        let folder = std::path::absolute(folder).context("the data folder's path")?;
        if folder.join("almoner.toml").exists() || folder.join("data").exists() {
            bail!(
                "{0} holds a demo already. Look at it: almoner serve --config {0}/almoner.toml. \
                 Play another: --data-dir <another folder>, or remove this one first",
                folder.display()
            );
        }
        let installation = Self { folder, address: OnceLock::new() };
        for name in ["certificates", "clients", "in", "out"] {
            let folder = installation.path(name);
            fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        }
        installation.certify()?;
        Ok(installation)
    }

    /// A path under the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Writes a new file under the folder, which only `mode` may read; its own folder is made when it is not there.
    pub(crate) fn write(&self, name: &str, content: &[u8], mode: u32) -> anyhow::Result<PathBuf> {
        let path = self.path(name);
        let unwritten = || format!("{} cannot be written", path.display());
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(unwritten)?;
        }
        let mut options = fs::OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(mode).open(&path).with_context(unwritten)?;
        file.write_all(content).with_context(unwritten)?;
        Ok(path)
    }

    /// The folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    fn certify(&self) -> anyhow::Result<()> {
        let folder = self.path("certificates");
        let authority = Authority::in_folder(&folder)?;
        let server = Holder {
            uris: vec!["urn:almoner:service:registry".to_owned()],
            dns_names: vec!["localhost".to_owned()],
            addresses: vec![[127, 0, 0, 1].into()],
        };
        authority.issue(&folder, "server", &server)?;
        for person in &PEOPLE {
            let mut uris = vec![person.identity.to_owned()];
            uris.extend(person.roles.iter().map(|role| format!("urn:almoner:role:{role}")));
            if person.for_system {
                uris.extend(BODIES.iter().map(|body| format!("urn:almoner:scope:{body}")));
            }
            authority.issue(&folder, person.name, &Holder { uris, ..Holder::default() })?;
        }
        Ok(())
    }

    /// The services' configuration.
    pub(crate) fn config(&self) -> Config {
        let certificate = |name: &str| self.path("certificates").join(name);
        let mut config = Config { data_dir: self.path("data"), ..Config::default() };
        config.listen.address = self.address.get().copied().unwrap_or_else(|| ([127, 0, 0, 1], 0).into());
        config.listen.reflection = true;
        config.tls = Some(server::Tls {
            certificate: certificate("server.pem"),
            key: certificate("server.key"),
            authority: certificate("authority.pem"),
        });
        config
    }

    /// Writes the configuration and the profiles, now that the address is known.
    pub(crate) fn listening_on(&self, address: SocketAddr) -> anyhow::Result<()> {
        let _ = self.address.set(address);
        let path = self.path("almoner.toml");
        fs::write(&path, self.config().print())
            .with_context(|| format!("{} cannot be written", path.display()))?;
        for person in &PEOPLE {
            self.profile(person).write(&self.path("clients").join(format!("{}.toml", person.name)))?;
        }
        Ok(())
    }

    fn profile(&self, person: &Person) -> Profile {
        let certificate = |name: String| Some(Path::new("../certificates").join(name));
        let address = self.address.get().map(ToString::to_string).unwrap_or_default();
        Profile {
            address: format!("https://{address}"),
            authority: certificate("authority.pem".to_owned()),
            certificate: certificate(format!("{}.pem", person.name)),
            key: certificate(format!("{}.key", person.name)),
            system: Some(SYSTEM.to_owned()),
        }
    }

    /// A connection as the person whose profile is `name`.
    pub(crate) fn connect(&self, name: &str) -> anyhow::Result<Connection> {
        Ok(Profile::read(&self.path("clients").join(format!("{name}.toml")))?.connect()?)
    }

    /// Says how the services that were left up can be called.
    pub(crate) fn print_how_to_call(&self) {
        let clients = self.path("clients");
        output::line(format_args!("\nThe services are up until Ctrl-C. Call them as any of:"));
        for person in &PEOPLE {
            let profile = clients.join(format!("{}.toml", person.name));
            output::line(format_args!("  --profile {}   {}", profile.display(), person.about));
        }
    }
}
