//! Which crate may depend on which. A new edge is a decision: it is made here, in the open.

use anyhow::Context as _;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// What each crate of ours may depend on, tests and build scripts aside. What is not listed may depend on nothing of ours.
const MAY: &[(&str, &[&str])] = &[
    // Vocabulary.
    ("money", &[]),
    ("nhs", &[]),
    ("journal", &[]),
    ("access", &["journal", "nhs"]),
    ("tariff", &["money", "nhs"]),
    ("matching", &["money", "nhs"]),
    ("reference", &["journal", "money", "nhs", "tariff"]),
    ("payments", &["money", "nhs"]),
    ("activity-files", &["nhs"]),
    // Domains: vocabulary only, never one another.
    ("ledger", DOMAIN),
    ("registry", DOMAIN),
    ("identity", DOMAIN),
    ("referrals", DOMAIN),
    ("health-budgets", DOMAIN),
    ("settlement", DOMAIN),
    ("reconciliation", DOMAIN),
    // What runs a domain without knowing it.
    ("engine", &["journal"]),
    ("storage", &["journal"]),
    (
        "audit",
        &[
            "access",
            "health-budgets",
            "identity",
            "journal",
            "ledger",
            "money",
            "nhs",
            "reconciliation",
            "reference",
            "referrals",
            "registry",
            "settlement",
            "tariff",
        ],
    ),
    // The wire.
    ("proto", &[]),
    (
        "wire",
        &[
            "access",
            "health-budgets",
            "identity",
            "journal",
            "ledger",
            "money",
            "nhs",
            "payments",
            "proto",
            "reconciliation",
            "reference",
            "referrals",
            "registry",
            "settlement",
            "tariff",
        ],
    ),
    ("server", &["access", "engine", "journal", "proto", "storage", "wire"]),
    ("client", &["journal", "nhs", "proto", "wire"]),
    ("testkit", &["journal", "storage"]),
    ("xtask", &[]),
];

const DOMAIN: &[&str] = &["access", "journal", "money", "nhs", "payments", "reference", "tariff"];

/// What the adapter of a domain may depend on beside its own domain crate.
const ADAPTER: &[&str] = &[
    "access",
    "client",
    "journal",
    "matching",
    "money",
    "nhs",
    "payments",
    "proto",
    "reference",
    "server",
    "storage",
    "tariff",
    "wire",
];

/// Crates that only some may name. `*` at the end stands for any service.
const ONLY: &[(&str, &[&str])] = &[
    ("tonic", RPC),
    ("tonic-types", &["wire"]),
    ("prost", RPC),
    ("prost-types", RPC),
    ("tokio", &["client", "server", "storage", "testkit", "almoner", "almoner-tests", "*-service"]),
    ("sled", &["storage"]),
    ("clap", &["almoner", "almoner-tests", "xtask"]),
    ("anyhow", &["almoner", "almoner-tests", "xtask"]),
    ("rustls", &["server"]),
    ("rcgen", &["server"]),
];

const RPC: &[&str] = &["client", "proto", "server", "wire", "almoner", "almoner-tests", "*-service"];

/// Crates that may depend on anything: nothing depends on them.
const TOP: &[&str] = &["almoner", "almoner-tests"];

/// What `cargo metadata` tells of the workspace.
#[derive(Debug, Deserialize)]
pub(crate) struct Metadata {
    pub(crate) packages: Vec<Package>,
}

/// A member of the workspace.
#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) manifest_path: std::path::PathBuf,
    dependencies: Vec<Dependency>,
}

#[derive(Debug, Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
}

impl Metadata {
    /// Asks cargo.
    pub(crate) fn read() -> anyhow::Result<Self> {
        let mut command = crate::process::cargo();
        let text = crate::process::output(command.args([
            "metadata",
            "--no-deps",
            "--format-version",
            "1",
            "--locked",
        ]))?;
        serde_json::from_str(&text).context("cargo metadata is not as expected")
    }
}

/// Every edge that is not allowed.
pub(crate) fn wrong_edges(metadata: &Metadata) -> Vec<String> {
    let ours: BTreeSet<&str> = metadata.packages.iter().map(|package| package.name.as_str()).collect();
    let may: BTreeMap<&str, &[&str]> = MAY.iter().copied().collect();
    let mut wrong = Vec::new();
    for package in &metadata.packages {
        let name = package.name.as_str();
        // What tests and build scripts use is not part of what is built.
        for dependency in package.dependencies.iter().filter(|dependency| dependency.kind.is_none()) {
            let other = dependency.name.as_str();
            let allowed = if ours.contains(other) {
                TOP.contains(&name) || may_depend(name, other, &may)
            } else {
                ONLY.iter().all(|(only, who)| *only != other || who.iter().any(|who| is(name, who)))
            };
            if !allowed {
                wrong
                    .push(format!("{name} depends on {other}: crates/xtask/src/layers.rs does not allow it"));
            }
        }
    }
    wrong
}

fn may_depend(name: &str, other: &str, may: &BTreeMap<&str, &[&str]>) -> bool {
    match name.strip_suffix("-service") {
        // Never another service's crate, nor another domain.
        Some(domain) => other == domain || ADAPTER.contains(&other),
        None => may.get(name).is_some_and(|allowed| allowed.contains(&other)),
    }
}

fn is(name: &str, who: &str) -> bool {
    who.strip_prefix('*').map_or(name == who, |suffix| name.ends_with(suffix))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(edges: &[(&str, &str)]) -> Metadata {
        let ours = MAY.iter().map(|(name, _)| *name).chain(["ledger-service", "almoner", "registry-service"]);
        let packages = ours.map(|name| Package {
            name: name.to_owned(),
            manifest_path: std::path::PathBuf::new(),
            dependencies: edges
                .iter()
                .filter(|(from, _)| *from == name)
                .map(|(_, to)| Dependency { name: (*to).to_owned(), kind: None })
                .collect(),
        });
        Metadata { packages: packages.collect() }
    }

    #[test]
    fn edges_are_allowed_or_named() {
        let table = [
            ("ledger", "money", true),
            ("ledger", "registry", false),
            ("ledger", "tokio", false),
            ("ledger", "minicbor", true),
            ("money", "nhs", false),
            ("ledger-service", "ledger", true),
            ("ledger-service", "registry", false),
            ("ledger-service", "registry-service", false),
            ("ledger-service", "tonic", true),
            ("almoner", "ledger-service", true),
            ("audit", "server", false),
            ("storage", "sled", true),
            ("engine", "sled", false),
        ];
        for (from, to, allowed) in table {
            assert_eq!(wrong_edges(&metadata(&[(from, to)])).is_empty(), allowed, "{from} → {to}");
        }
    }
}
