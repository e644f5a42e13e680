//! `almoner certificates`: an authority and certificates, for installations that have none of their own.

use crate::output;
use access::Caller;
use anyhow::Context as _;
use clap::Args;
use server::certificates::{Authority, Holder};
use std::{net::IpAddr, path::PathBuf};

/// The options of `certificates`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Folder of the authority and its certificates; the authority is made when it is not there
    #[arg(long, value_name = "FOLDER")]
    folder: PathBuf,
    /// Name of the certificate's files
    name: String,
    /// Who it is for: urn:almoner:org:ODS, urn:almoner:person:ID or urn:almoner:service:NAME
    #[arg(long, value_name = "URN")]
    identity: String,
    /// A role that it holds; may be given again
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// A body that it may act for, by ODS code; may be given again
    #[arg(long = "scope", value_name = "ODS")]
    scopes: Vec<String>,
    /// A DNS name or address at which it serves; may be given again
    #[arg(long = "host", value_name = "HOST")]
    hosts: Vec<String>,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let mut uris = vec![options.identity.clone()];
    uris.extend(options.roles.iter().map(|role| format!("urn:almoner:role:{role}")));
    uris.extend(options.scopes.iter().map(|scope| format!("urn:almoner:scope:{scope}")));
    // What no server would accept is not worth signing.
    Caller::from_uris(uris.iter().map(String::as_str)).context("that is no caller")?;
    let mut holder = Holder { uris, ..Holder::default() };
    for host in &options.hosts {
        match host.parse::<IpAddr>() {
            Ok(address) => holder.addresses.push(address),
            Err(_) => holder.dns_names.push(host.clone()),
        }
    }
    let files = Authority::in_folder(&options.folder)?.issue(&options.folder, &options.name, &holder)?;
    for path in [&files.certificate, &files.key, &files.authority] {
        output::line(format_args!("{}", path.display()));
    }
    Ok(())
}
