//! The same posting on a local PostgreSQL, when one is installed: durable commits, a two-leg entry with its id, every entry
//! on the same two accounts, balances kept. No proofs, no windows, no limits, no history of refusals: less work than ours.

use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

const SECONDS: u32 = 8;

/// Ids come from a sequence, which is kinder to the index than any caller's would be; the lines of a batch are made by the
/// server, so that nothing is parsed or sent for them.
const SCHEMA: &str = "
    CREATE TABLE accounts (id int PRIMARY KEY, debits bigint NOT NULL, credits bigint NOT NULL) WITH (fillfactor = 50);
    CREATE TABLE entries (id uuid PRIMARY KEY, debit int NOT NULL, credit int NOT NULL, pence bigint NOT NULL);
    CREATE SEQUENCE ids CACHE 1000;
    INSERT INTO accounts VALUES (1, 0, 0), (2, 0, 0);
    CREATE FUNCTION post(lines int) RETURNS void LANGUAGE plpgsql AS $$
    DECLARE made bigint;
    BEGIN
        INSERT INTO entries SELECT lpad(to_hex(nextval('ids')), 32, '0')::uuid, 1, 2, 10600
            FROM generate_series(1, lines) ON CONFLICT DO NOTHING;
        GET DIAGNOSTICS made = ROW_COUNT;
        UPDATE accounts SET debits = debits + made * 10600 WHERE id = 1;
        UPDATE accounts SET credits = credits + made * 10600 WHERE id = 2;
    END $$;";

pub(crate) fn all(folder: &Path) -> Value {
    let Some(cluster) = Cluster::start(folder) else {
        return "not measured: PostgreSQL's initdb, pg_ctl, psql and pgbench were not found, or did not start".into();
    };
    cluster.run(cluster.command("psql").args(["--quiet", "--command", SCHEMA]));
    let one = cluster.bench(1, 1);
    let together = cluster.bench(64, 1);
    let batches = [1, 4].map(|callers| cluster.bench(callers, 1_000)["per_second"].as_u64().unwrap_or(0));
    json!({
        "version": cluster.version(),
        "1_caller_one_entry_a_commit": one,
        "64_callers_one_entry_a_commit": together,
        "lines_per_second_1000_a_commit_1_caller": batches[0] * 1_000,
        "lines_per_second_1000_a_commit_4_callers": batches[1] * 1_000,
    })
}

struct Cluster {
    programs: PathBuf,
    data: PathBuf,
}

impl Cluster {
    fn start(folder: &Path) -> Option<Self> {
        let programs = programs()?;
        let data = folder.join("postgres");
        std::fs::create_dir(&data).unwrap();
        if is_root() {
            // The server refuses to run as root; its own user needs the way to its folder.
            std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o711)).unwrap();
            Command::new("chown").arg("postgres").arg(&data).status().ok().filter(ExitStatus::success)?;
        }
        let cluster = Self { programs, data };
        let (data, log) = (cluster.data.clone(), cluster.data.join("log"));
        let made =
            cluster.command("initdb").args(["--no-sync", "--auth", "trust", "--pgdata"]).arg(&data).status();
        made.ok().filter(ExitStatus::success)?;
        let options = format!(
            "-c listen_addresses='' -c unix_socket_directories='{}' -c max_connections=100 -c shared_buffers=1GB \
             -c max_wal_size=8GB -c checkpoint_timeout=30min -c synchronous_commit=on",
            data.display()
        );
        let started = cluster
            .command("pg_ctl")
            .args(["start", "--wait", "--silent", "--options", &options, "--pgdata"])
            .arg(&data)
            .arg("--log")
            .arg(log)
            .status();
        started.ok().filter(ExitStatus::success)?;
        Some(cluster)
    }

    /// One of PostgreSQL's programs, run as its user when this is root.
    fn command(&self, program: &str) -> Command {
        let program = self.programs.join(program);
        let mut command = if is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.env("PGHOST", &self.data).env("PGDATABASE", "postgres").stdout(Stdio::null());
        command.current_dir("/");
        command
    }

    fn run(&self, command: &mut Command) {
        assert!(command.status().unwrap().success(), "{command:?} on {}", self.data.display());
    }

    fn version(&self) -> String {
        let said = self.command("postgres").arg("--version").stdout(Stdio::piped()).output().unwrap();
        String::from_utf8_lossy(&said.stdout).trim().to_owned()
    }

    /// Commits of `lines` entries by `callers` at once: rate and mean latency.
    fn bench(&self, callers: u32, lines: u32) -> Value {
        let script = self.data.join("post.sql");
        std::fs::write(&script, format!("SELECT post({lines});\n")).unwrap();
        let said = self
            .command("pgbench")
            .args(["--no-vacuum", "--protocol", "prepared", "--jobs", "2"])
            .args(["--client", &callers.to_string(), "--time", &SECONDS.to_string(), "--file"])
            .arg(script)
            .stdout(Stdio::piped())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&said.stdout).into_owned();
        let figure = |before: &str| -> f64 {
            let rest = text.split(before).nth(1).and_then(|rest| rest.split_whitespace().next());
            rest.and_then(|figure| figure.parse().ok()).unwrap_or_else(|| panic!("pgbench said: {text}"))
        };
        json!({ "per_second": figure("tps = ") as u64, "latency_mean_us": (figure("latency average = ") * 1_000.0) as u64 })
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ =
            self.command("pg_ctl").args(["stop", "--mode", "immediate", "--pgdata"]).arg(&self.data).status();
    }
}

/// The folder of PostgreSQL's programs: of the newest version where Debian puts them, or on the path.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    folders.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    folders.extend(std::env::split_paths(&path));
    let all = ["initdb", "pg_ctl", "psql", "pgbench", "postgres"];
    folders.into_iter().rev().find(|folder| all.iter().all(|program| folder.join(program).is_file()))
}

fn is_root() -> bool {
    let said = Command::new("id").arg("-u").output();
    said.is_ok_and(|said| said.stdout.trim_ascii() == b"0")
}
