//! The options of `serve` over the configuration file.

use access::Role;
use clap::Args;
use server::Config;
use std::{net::SocketAddr, path::PathBuf};

/// The options of `serve`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Configuration file (TOML)
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Which services to run, in place of the file's
    #[arg(long, value_delimiter = ',', value_name = "NAME,…")]
    services: Vec<String>,
    /// Where everything that is kept lies, in place of the file's
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
    /// Folder on another device for a second copy of every journal, in place of the file's
    #[arg(long, value_name = "FOLDER")]
    journal_mirror: Option<PathBuf>,
    /// Where to listen, in place of the file's
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// Speak without TLS, on a loopback address only: for trying things out
    #[arg(long)]
    insecure_loopback: bool,
    /// Print the configuration in force and end
    #[arg(long)]
    pub(crate) print_config: bool,
}

impl Options {
    /// The file's configuration with these options over it.
    pub(crate) fn config(&self) -> Result<Config, server::ConfigError> {
        let mut config = match &self.config {
            Some(path) => Config::read(path)?,
            None => Config::default(),
        };
        if !self.services.is_empty() {
            config.services.clone_from(&self.services);
        }
        if let Some(folder) = &self.data_dir {
            config.data_dir.clone_from(folder);
        }
        if let Some(mirror) = &self.journal_mirror {
            config.journal_mirror = Some(mirror.clone());
        }
        if let Some(address) = self.listen {
            config.listen.address = address;
        }
        if self.insecure_loopback {
            config.listen.insecure_loopback = true;
            config.tls = None;
        }
        if config.listen.insecure_loopback && config.listen.insecure_caller.is_empty() {
            config.listen.insecure_caller = developer();
        }
        Ok(config)
    }
}

/// Who tries things out without certificates: one person with every role. One person is not two, so what two people must
/// approve cannot be done without certificates.
fn developer() -> Vec<String> {
    let roles = Role::ALL.into_iter().filter(|role| role.is_for_people());
    std::iter::once("urn:almoner:person:developer".to_owned())
        .chain(roles.map(|role| format!("urn:almoner:role:{role}")))
        .collect()
}
