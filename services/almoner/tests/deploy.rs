//! What is deployed is what the binary takes: the files under `deploy/` are parsed, and every configuration in them is
//! given to the real binary.

use journal::Service;
use serde_yaml_ng::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

const ALMONER: &str = env!("CARGO_BIN_EXE_almoner");

fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy")
}

fn read(name: &str) -> String {
    fs::read_to_string(deploy().join(name)).unwrap()
}

fn yaml(name: &str) -> Value {
    serde_yaml_ng::from_str::<Value>(&read(name))
        .and_then(|mut value| value.apply_merge().map(|()| value))
        .unwrap()
}

fn almoner(words: &[&str]) -> Output {
    Command::new(ALMONER).args(words).env_remove("ALMONER_PROFILE").output().unwrap()
}

/// What `serve` makes of a configuration.
fn printed(config: &Path) -> toml::Table {
    let done = almoner(&["serve", "--config", config.to_str().unwrap(), "--print-config"]);
    assert!(done.status.success(), "{}: {}", config.display(), String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap().parse().unwrap()
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_sequence().into_iter().flatten().filter_map(Value::as_str).collect()
}

#[test]
fn the_witness_starts_as_its_unit_says() {
    let unit = read("systemd/almoner-witness.service");
    assert!(unit.contains("\nExecStart=/usr/bin/almoner witness --config /etc/almoner/witness.toml\n"));
    assert!(unit.contains("\nStateDirectory=almoner-witness\n"));
    let config = deploy().join("systemd/witness.toml");
    let done = almoner(&["witness", "--config", config.to_str().unwrap(), "--print-config"]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let printed: toml::Table = String::from_utf8(done.stdout).unwrap().parse().unwrap();
    assert_eq!(printed["state_dir"].as_str(), Some("/var/lib/almoner-witness"));
    let folder = tempfile::tempdir().unwrap();
    let local = folder.path().join("witness.toml");
    fs::write(&local, read("systemd/witness.toml").replace("/var/lib/almoner-witness", "state")).unwrap();
    let key = || {
        let done = almoner(&["witness", "--config", local.to_str().unwrap(), "--print-key"]);
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap()
    };
    let first = key();
    assert!(first.starts_with("witness.example/w1+"), "{first}");
    assert_eq!(key(), first, "made once");
}

#[test]
fn the_unit_starts_the_binary_as_it_can_be_started() {
    let unit = read("systemd/almoner.service");
    let entry = |key: &str| {
        let mut found = unit.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        found.next().unwrap_or_else(|| panic!("the unit has no {key}")).to_owned()
    };
    for line in unit.lines().filter(|line| !line.is_empty() && !line.starts_with(['#', '['])) {
        assert!(
            line.split_once('=').is_some_and(|(key, _)| key.chars().all(char::is_alphanumeric)),
            "{line}"
        );
    }
    assert_eq!(entry("ExecStart"), "/usr/bin/almoner serve --config /etc/almoner/almoner.toml");
    assert_eq!(entry("ExecStartPre"), entry("ExecStart") + " --print-config");
    let config = printed(&deploy().join("systemd/almoner.toml"));
    assert_eq!(config["data_dir"].as_str(), Some("/var/lib/almoner"));
    assert_eq!(entry("StateDirectory"), "almoner");
    let limits = &config["limits"];
    let seconds = |key: &str| limits[key].as_integer().unwrap();
    let stop: i64 = entry("TimeoutStopSec").parse().unwrap();
    assert!(stop > seconds("drain_notice_ms") / 1000 + 2 * seconds("drain_seconds"));
}

#[test]
fn the_backup_unit_runs_commands_that_the_binary_has() {
    let (unit, timer) = (read("systemd/almoner-backup.service"), read("systemd/almoner-backup.timer"));
    let commands: Vec<&str> = unit
        .lines()
        .filter(|line| line.starts_with("ExecStart"))
        .filter_map(|line| line.split_once("=/usr/bin/almoner ").map(|(_, words)| words))
        .collect();
    assert_eq!(commands.len(), 2);
    for words in commands {
        // Taken as it stands: what is refused is the folder, which is not there, not the words.
        let words: Vec<&str> = words.split(' ').collect();
        let folder = words.iter().position(|word| *word == "--data-dir").unwrap() + 1;
        assert_eq!(words[folder], "/var/lib/almoner");
        let mut words = words;
        words[folder] = "/nowhere/almoner";
        let done = almoner(&words);
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_eq!(done.status.code(), Some(1), "{said}");
        assert!(said.contains("/nowhere/almoner"), "{said}");
    }
    assert!(timer.contains("OnCalendar=") && timer.contains("WantedBy=timers.target"));
}

#[test]
fn each_service_has_a_container_with_a_configuration_of_its_own() {
    let compose = yaml("compose.yaml");
    for service in Service::ALL {
        let name = service.as_str();
        let container = &compose["services"][name];
        let config = format!("/etc/almoner/{name}.toml");
        assert_eq!(texts(&container["command"]), ["serve", "--config", &config], "{name}");
        let volumes = texts(&container["volumes"]);
        assert!(volumes.contains(&format!("./compose/{name}.toml:{config}:ro").as_str()), "{volumes:?}");
        assert!(volumes.contains(&format!("{name}:/var/lib/almoner").as_str()), "{volumes:?}");
        assert!(compose["volumes"].as_mapping().unwrap().contains_key(name));

        let config = printed(&deploy().join(format!("compose/{name}.toml")));
        assert_eq!(config["services"].as_array().unwrap(), &[toml::Value::from(name)]);
        assert_eq!(config["tls"]["certificate"].as_str().unwrap(), format!("/etc/almoner/tls/{name}.pem"));
        let peers = config["peers"].as_table().unwrap();
        assert_eq!(peers.len(), Service::ALL.len() - 1);
        for (peer, address) in peers {
            assert_eq!(address.as_str().unwrap(), format!("https://{peer}:7400"));
            assert!(compose["services"].as_mapping().unwrap().contains_key(peer.as_str()));
        }
        let grace: i64 =
            container["stop_grace_period"].as_str().unwrap().strip_suffix('s').unwrap().parse().unwrap();
        assert!(grace > 2 * config["limits"]["drain_seconds"].as_integer().unwrap());
    }
}

#[test]
fn what_compose_mounts_is_there() {
    let compose = yaml("compose.yaml");
    for (name, container) in compose["services"].as_mapping().unwrap() {
        for volume in texts(&container["volumes"]) {
            let (from, _) = volume.split_once(':').unwrap();
            if from.starts_with('.') {
                assert!(deploy().join(from).is_file(), "{name:?} mounts {from}");
            }
        }
    }
}

#[test]
fn telemetry_goes_where_the_collector_listens() {
    let collector = yaml("collector.yaml");
    let listens = collector["receivers"]["otlp"]["protocols"]["grpc"]["endpoint"].as_str().unwrap();
    let port = listens.rsplit(':').next().unwrap();
    for (name, pipeline) in collector["service"]["pipelines"].as_mapping().unwrap() {
        assert_eq!(texts(&pipeline["receivers"]), ["otlp"], "{name:?}");
        for (part, section) in [("processors", "processors"), ("exporters", "exporters")] {
            for used in texts(&pipeline[part]) {
                assert!(collector[section].as_mapping().unwrap().contains_key(used), "{used}");
            }
        }
    }
    for (config, host) in [("compose/ledger.toml", "collector"), ("systemd/almoner.toml", "127.0.0.1")] {
        let config = printed(&deploy().join(config));
        assert_eq!(config["telemetry"]["endpoint"].as_str().unwrap(), format!("http://{host}:{port}"));
    }
}

#[test]
fn the_certificates_that_compose_makes_are_the_ones_that_are_configured() {
    let folder = tempfile::tempdir().unwrap();
    let tls = folder.path().to_str().unwrap();
    // Twice: what is there stays.
    for _ in 0..2 {
        let script = deploy().join("compose/certificates.sh");
        let done = Command::new("sh").arg(script).args([tls, ALMONER]).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
    for service in Service::ALL {
        let config = read(&format!("compose/{service}.toml")).replace("/etc/almoner/tls", tls);
        let config = config.replace("/var/lib/almoner", &format!("{tls}/data"));
        let config: server::Config = toml::from_str(&config).unwrap();
        config.check().unwrap();
    }
    let profile = client::Profile::read(&folder.path().join("operator.toml")).unwrap();
    assert!(profile.authority.unwrap().is_file() && profile.key.unwrap().is_file());
}

#[test]
fn the_container_runs_what_the_unit_runs() {
    let file = read("Containerfile");
    assert!(file.contains("ENTRYPOINT [\"/usr/bin/almoner\"]"));
    assert!(file.contains("CMD [\"serve\", \"--config\", \"/etc/almoner/almoner.toml\"]"));
    let toolchain = fs::read_to_string(deploy().join("../rust-toolchain.toml")).unwrap();
    let toolchain: toml::Table = toolchain.parse().unwrap();
    assert!(file.contains(&format!("rust:{}-", toolchain["toolchain"]["channel"].as_str().unwrap())));
}

#[test]
fn options_that_do_not_hold_together_are_refused_before_anything_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let data = data.to_str().unwrap();
    let refused = |words: &[&str], text: &str| {
        let done = almoner(&[&["serve", "--data-dir", data], words].concat());
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(!done.status.success() && said.contains(text), "{words:?}: {said}");
        assert!(!Path::new(data).exists());
    };
    refused(&[], "tls: certificate, key and authority are required");
    refused(&["--insecure-loopback", "--listen", "0.0.0.0:0"], "without TLS it must be a loopback address");
    refused(&["--insecure-loopback", "--services", "ledger,bank"], "`bank` is not a service");
    refused(&["--config", "/nonexistent.toml"], "cannot read the configuration");
    let config = folder.path().join("config.toml");
    fs::write(&config, "[limits]\nstreams = 1\n").unwrap();
    refused(&["--config", config.to_str().unwrap()], "unknown field `streams`");
}
