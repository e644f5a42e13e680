//! Clients that are not ours: Python's grpcio with reflection and health, and `buf curl`.

use crate::support::{Installation, Process, project};
use journal::Service;
use std::path::PathBuf;
use std::process::Command;

fn installation() -> (Installation, Process) {
    let installation = Installation::new();
    installation.issue("auditor", &["urn:almoner:person:auditor-1", "urn:almoner:role:auditor"]);
    let process = installation.serve(&[Service::Registry, Service::Ledger]);
    (installation, process)
}

fn run(command: &mut Command) -> String {
    let done = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{command:?} failed:\n{out}\n{err}");
    out.into_owned()
}

/// Where tools that the tests install are kept, as `cargo xtask` does.
fn tools() -> PathBuf {
    let target = std::env::current_exe().unwrap();
    let target = target.ancestors().find(|folder| folder.join("CACHEDIR.TAG").exists()).unwrap().to_owned();
    target.join("tools")
}

#[test]
fn pythons_grpcio_finds_its_way_by_reflection_and_sees_health() {
    let (installation, process) = installation();
    let home = tools().join("python");
    let python = home.join("bin/python");
    let requirements = project().join("tests/clients/requirements.txt");
    if !home.join("installed").exists() {
        run(Command::new("python3").args(["-m", "venv"]).arg(&home));
        run(Command::new(&python)
            .args(["-m", "pip", "install", "--quiet", "--requirement"])
            .arg(&requirements));
        std::fs::write(home.join("installed"), "").unwrap();
    }
    let out = run(Command::new(&python)
        .arg(project().join("tests/clients/generic_client.py"))
        .arg(process.address.trim_start_matches("https://"))
        .arg(installation.certificates())
        .arg("auditor"));
    for expected in [
        "health of the server: SERVING",
        "health of almoner.ledger.v1.LedgerService: SERVING",
        "service almoner.ledger.v1.LedgerService",
        "service almoner.registry.v1.RegistryService",
        "ListSystems: 0 systems",
        "GetTrialBalance of an unknown system: NOT_FOUND SYSTEM_UNKNOWN",
    ] {
        assert!(out.contains(expected), "{expected:?} is not in:\n{out}");
    }
}

#[test]
fn buf_curl_calls_by_the_protos_alone() {
    let (installation, process) = installation();
    let buf = tools().join("buf/node_modules/.bin/buf");
    assert!(buf.exists(), "{} is missing: run `cargo xtask test protos` first", buf.display());
    let certificates = installation.certificates();
    let call = |schema: &[&str], method: &str, data: &str| {
        Command::new(&buf)
            .current_dir(project())
            .args(["curl", "--protocol", "grpc", "--cacert"])
            .arg(certificates.join("authority.pem"))
            .arg("--cert")
            .arg(certificates.join("auditor.pem"))
            .arg("--key")
            .arg(certificates.join("auditor.key"))
            .args(schema)
            .args(["--data", data])
            .arg(format!("{}/{method}", process.address))
            .output()
            .unwrap()
    };
    let listed = call(&["--schema", "proto"], "almoner.registry.v1.RegistryService/ListSystems", "{}");
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    let refused = call(&[], "almoner.ledger.v1.LedgerService/GetTrialBalance", "{\"system\": \"nowhere\"}");
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && said.contains("not_found"), "by reflection: {said}");
}
