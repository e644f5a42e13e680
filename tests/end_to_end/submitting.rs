//! Providers' files from the command line: cut connections, repeats, what is refused before anything is sent.

use crate::{
    bad_input::unreadable_records,
    support::{Installation, Process, binary},
};
use std::{
    fs,
    io::{Read, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

pub(crate) const HEADING: &str = "Local Ref,Provider,Site,Commissioner,GP Practice,NHS Number,TFC,POD,Attendance ID,Activity Date,\
    Discharge Date,Total Cost,HRG,First Att,Attended,Adm Method,Pat Class\n";

/// A follow-up attendance as NV3's own system writes it, of the `n`th patient.
pub(crate) fn row(n: u32, practice: &str, date: &str) -> String {
    let number = (n * 11..).find_map(nhs::NhsNumber::of_test_range).unwrap().reveal_text();
    format!("ref-{n},NV300,NV323,10N00,{practice},{number},502,OPFUP,T{n:06},{date},,£82.78,,R,ATT,,\n")
}

fn file_of(folder: &Path, name: &str, rows: impl Iterator<Item = String>) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, HEADING.to_owned() + &rows.collect::<String>()).unwrap();
    path
}

struct Provider {
    folder: tempfile::TempDir,
    profile: PathBuf,
}

impl Provider {
    /// NV3, calling at that address.
    fn at(installation: &Installation, address: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let profile = folder.path().join("profile.toml");
        let at = |file: &str| installation.certificates().join(file);
        let text = format!(
            "address = {address:?}\nauthority = {:?}\ncertificate = {:?}\nkey = {:?}\nsystem = \"berkshire-west\"\n",
            at("authority.pem"),
            at("NV3.pem"),
            at("NV3.key")
        );
        fs::write(&profile, text).unwrap();
        Self { folder, profile }
    }

    fn submit(&self, file: &Path, more: &[&str]) -> Output {
        let mut command = Command::new(binary());
        command.args(["submit", "--provider", "NV3", "--kind", "slam"]).arg(file).args(more);
        command.env("ALMONER_PROFILE", &self.profile).output().unwrap()
    }

    fn watch(&self, from: u64) -> Vec<String> {
        let mut command = Command::new(binary());
        command.args(["activity", "watch", "--provider", "NV3", "--no-wait", "--from", &from.to_string()]);
        let output = command.env("ALMONER_PROFILE", &self.profile).output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Carries connections to `process`, and cuts each after so many bytes from the caller; those after are carried whole.
fn cutting_proxy(process: &Process, cuts: &'static [usize]) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("https://{}", listener.local_addr().unwrap());
    let target = process.address.trim_start_matches("https://").to_owned();
    let cut = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&cut);
    thread::spawn(move || {
        for (number, caller) in listener.incoming().map_while(Result::ok).enumerate() {
            let Ok(server) = TcpStream::connect(&target) else { return };
            let back = (server.try_clone().unwrap(), caller.try_clone().unwrap());
            let (limit, counter) = (cuts.get(number).copied(), Arc::clone(&counter));
            thread::spawn(move || carry(back.0, back.1, None));
            thread::spawn(move || {
                if carry(caller, server, limit) {
                    counter.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
    });
    (address, cut)
}

/// Carries one way, at most so many bytes; whether it was cut there.
fn carry(mut from: TcpStream, mut to: TcpStream, limit: Option<usize>) -> bool {
    let (mut bytes, mut left) = ([0; 4096], limit.unwrap_or(usize::MAX));
    while left > 0 {
        let Ok(count @ 1..) = from.read(&mut bytes) else { break };
        let taken = count.min(left);
        if to.write_all(&bytes[..taken]).is_err() {
            break;
        }
        left -= taken;
    }
    let (_, _) = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
    left == 0
}

#[test]
fn a_file_goes_on_where_the_connection_was_cut_and_is_answered_once() {
    const ROWS: u32 = 6_000;
    let installation = Installation::played();
    let process = installation.serve(&[]);
    let (address, cut) = cutting_proxy(&process, &[250_000, 150_000, 150_000]);
    let provider = Provider::at(&installation, &address);
    // Not in the order in which it happened, nor in that of the references.
    let day = |n: u32| format!("{:02}/07/2017", 28 - n % 28);
    let rows = (0..ROWS).rev().map(|n| row(n, "K81004", &day(n)));
    let file = file_of(provider.folder.path(), "july.csv", rows);
    let answers = provider.path("answers.csv");
    let first = provider.submit(&file, &["--answers", answers.to_str().unwrap()]);
    assert!(first.status.success(), "{}", said(&first));
    assert_eq!(cut.load(Ordering::SeqCst), 3, "{}", said(&first));
    assert!(said(&first).matches("the connection was cut; going on at row").count() >= 3, "{}", said(&first));
    let text = fs::read_to_string(&answers).unwrap();
    let references: Vec<_> = text.lines().skip(1).map(|line| line.split(',').nth(2).unwrap()).collect();
    let expected: Vec<_> = (0..ROWS).rev().map(|n| format!("ref-{n}")).collect();
    assert!(references == expected, "each row once, in the file's own order");
    assert!(text.lines().skip(1).all(|line| line.contains(",accepted,82.78,82.78,0.00,")), "{text}");
    let again = said(&provider.submit(&file, &[]));
    assert!(again.contains("known from before"), "{again}");
    assert!(again.contains("all 6000 had been answered before, and nothing was recorded"), "{again}");
}

#[test]
fn what_is_checked_only_is_not_recorded_and_what_cannot_be_used_is_not_sent() {
    let installation = Installation::played();
    let process = installation.serve(&[]);
    let provider = Provider::at(&installation, &process.address);
    let folder = provider.folder.path();
    let july = |n: u32| row(n, "K81004", &format!("{:02}/07/2017", 28 - n));
    let good =
        file_of(folder, "good.csv", (0..5).map(july).chain(["bad,NV300,,,,,,,,never,,x,,,,,\n".into()]));
    let answers = provider.path("answers.csv");
    let to_answers = ["--answers", answers.to_str().unwrap()];
    let checked = provider.submit(&good, &[&to_answers[..], &["--validate-only"]].concat());
    assert!(checked.status.success(), "{}", said(&checked));
    assert!(
        said(&checked).contains("dates are day-month-year (recognised): 28/07/2017"),
        "{}",
        said(&checked)
    );
    let text = fs::read_to_string(&answers).unwrap();
    assert!(text.contains("1,2,ref-0,accepted,82.78,82.78,0.00,,,,\n"), "{text}");
    assert!(text.contains("[Activity Date]") && text.contains("START_DATE_INVALID"), "{text}");
    let sent = provider.submit(&good, &to_answers);
    assert!(sent.status.success() && !said(&sent).contains("answered before"), "{}", said(&sent));

    let ambiguous =
        file_of(folder, "ambiguous.csv", (1..5).map(|n| row(n, "K81004", &format!("0{n}/07/2017"))));
    let other = file_of(folder, "other.csv", (0..20).map(|n| row(n, "J82058", "13/07/2017")));
    let theirs = good.with_file_name("theirs.csv");
    fs::write(&theirs, fs::read_to_string(&good).unwrap().replace("NV300", "RHW00")).unwrap();
    for (file, expected) in [
        (&ambiguous, "pass --dates day-month-year"),
        (&other, "it may be the file for another system"),
        (&theirs, "it is a file of provider RHW, and NV3 sends it"),
        (&provider.path("nowhere.csv"), "cannot be read"),
    ] {
        let refused = provider.submit(file, &[]);
        assert!(!refused.status.success() && said(&refused).contains(expected), "{}", said(&refused));
    }
    // What no profile can read: each is refused whole, in words that say what to do, before anything is sent.
    let text = fs::read_to_string(&good).unwrap();
    let header = HEADING.trim_end();
    let windows = text.replace("ref-0", "ref-\u{a3}").replace('\u{c2}', "");
    let windows: Vec<u8> = windows.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect();
    let bad: [(&str, Vec<u8>, &str); 8] = [
        ("empty.csv", Vec::new(), "it is empty"),
        ("header-only.csv", HEADING.as_bytes().to_vec(), "it has a header and no rows"),
        ("windows.csv", windows.clone(), "pass --encoding windows-1252"),
        ("workbook.csv", b"PK\x03\x04\0\0\0\0".to_vec(), "it is a workbook or another binary file"),
        ("lacking.csv", text.replace(",Site,", ",Elsewhere,").into_bytes(), "lacks Site"),
        ("doubled.csv", text.replace(",Commissioner,", ",Site,").into_bytes(), "has Site twice"),
        ("million.csv", text.replace("ref-1", &"x".repeat(1_000_000)).into_bytes(), "1000000"),
        ("other-file.csv", b"Name;Colour\nx;y\n".to_vec(), "has none of the columns of the mapping slam"),
    ];
    assert!(header.contains(",Site,"));
    for (name, bytes, expected) in bad {
        let path = provider.path(name);
        fs::write(&path, bytes).unwrap();
        let refused = provider.submit(&path, &[]);
        assert!(!refused.status.success() && said(&refused).contains(expected), "{name}: {}", said(&refused));
        assert!(!said(&refused).contains("submission "), "{name}: nothing is opened for it");
    }
    assert!(provider.submit(&provider.path("windows.csv"), &["--encoding", "windows-1252"]).status.success());
    assert!(provider.submit(&ambiguous, &["--dates", "day-month-year"]).status.success());
    assert!(provider.submit(&other, &["--force"]).status.success());
}

#[test]
fn a_provider_follows_its_own_lines_from_where_it_was() {
    let installation = Installation::played();
    let process = installation.serve(&[]);
    let provider = Provider::at(&installation, &process.address);
    let played = provider.watch(0);
    let sealed = |line: &&String| line.contains(" sealed 2017-06/flex: ");
    assert!(
        played.iter().any(|line| line.contains(" accepted B")) && played.iter().any(|line| sealed(&line))
    );
    let record = |line: &String| line.split(' ').next().unwrap().parse::<u64>().unwrap();
    assert!(played.iter().map(record).is_sorted(), "in the order of the records");
    let next = record(played.last().unwrap()) + 1;
    assert_eq!(provider.watch(next), Vec::<String>::new(), "others' lines are not shown");

    let of = |claimed: &str| row(1, "K81004", "13/07/2017").replace("82.78", claimed);
    for (name, claimed) in [("first.csv", "82.78"), ("second.csv", "82.00")] {
        let file = file_of(provider.folder.path(), name, [of(claimed)].into_iter());
        assert!(provider.submit(&file, &[]).status.success());
    }
    let profile = provider.profile.to_str().unwrap();
    let withdraw = ["activity", "withdraw", "BNV300AT000001", "--provider", "NV3", "--profile", profile];
    assert!(Command::new(binary()).args(withdraw).status().unwrap().success());
    let lines = provider.watch(next);
    let words: Vec<_> = lines.iter().map(|line| line.split(' ').nth(2).unwrap()).collect();
    assert_eq!(words, ["accepted", "superseded", "accepted", "withdrawn"], "{lines:?}");
    assert_eq!(provider.watch(record(&lines[1])), lines[1..], "taken up in the middle");
    let others = ["activity", "watch", "--provider", "RHW", "--no-wait", "--profile", profile];
    let refused = Command::new(binary()).args(others).output().unwrap();
    assert!(!refused.status.success() && said(&refused).contains("NOT_YOURS"), "{}", said(&refused));
}

/// What cannot be read, or cannot be true, is answered in full words, proved by a receipt, and leaves none of its text.
#[test]
fn an_unreadable_line_has_a_receipt_and_the_same_answer_for_ever() {
    let installation = Installation::played();
    let process = installation.serve(&[]);
    let provider = Provider::at(&installation, &process.address);
    let number = (0..).find_map(nhs::NhsNumber::of_test_range).unwrap().reveal_text();
    let spoilt = |n: u32, with: &str| row(n, "K81004", "13/07/2017").replace(&number, with);
    let rows = [
        row(1, "K81004", "13/07/2017"),
        spoilt(0, "9434765918"),
        // Readable, and not true before 4 September.
        row(2, "K81004", "04/09/2017"),
        spoilt(0, "an Example"),
    ];
    let file = file_of(provider.folder.path(), "spoilt.csv", rows.into_iter());
    let (answers, receipts) = (provider.path("answers.csv"), provider.path("receipts"));
    let kept = ["--answers", answers.to_str().unwrap(), "--receipts", receipts.to_str().unwrap()];
    let sent = provider.submit(&file, &kept);
    assert!(sent.status.success(), "{}", said(&sent));
    let first = fs::read_to_string(&answers).unwrap();
    for code in ["NHS_NUMBER_CHECK_DIGIT", "DATE_IN_FUTURE", "NHS_NUMBER_INVALID"] {
        assert!(first.contains(code), "{first}");
    }
    assert_eq!(first.matches(",unreadable,").count(), 3, "{first}");

    // A day on which the date has come: a line has one answer for ever; sent as new it is another line.
    let profile = provider.path("operator.toml");
    let text = fs::read_to_string(&provider.profile).unwrap();
    installation.issue("clock", &["urn:almoner:person:clock-1", "urn:almoner:role:operator"]);
    fs::write(&profile, text.replace("NV3.", "clock.")).unwrap();
    let mut clock = Command::new(binary());
    clock.args(["registry", "advance-clock", "2017-09-05T09:00:00Z", "--profile"]).arg(&profile);
    let advanced = clock.output().unwrap();
    assert!(advanced.status.success(), "{}", said(&advanced));
    assert!(provider.submit(&file, &kept[..2]).status.success());
    let again = fs::read_to_string(&answers).unwrap();
    assert_eq!(again.replace(",yes\n", ",\n"), first, "the same positions, codes and words");
    process.stop();
    assert_eq!(unreadable_records(&installation, &["9434765918", "Example", "T000002"]), 3);
    let mut verify = Command::new(binary());
    verify.args(["audit", "verify", "--from"]).arg(installation.data()).arg("--receipt").arg(&receipts);
    let verified = verify.output().unwrap();
    assert!(verified.status.success(), "{}", said(&verified));
    assert!(said(&verified).contains("4 receipts"), "{}", said(&verified));

    let process = installation.serve(&[]);
    let provider = Provider::at(&installation, &process.address);
    let answers = provider.path("answers.csv");
    let file = file_of(provider.folder.path(), "later.csv", [row(2, "K81004", "04/09/2017")].into_iter());
    let how = ["--dates", "day-month-year", "--answers", answers.to_str().unwrap()];
    let sent = provider.submit(&file, &how);
    assert!(sent.status.success(), "{}", said(&sent));
    let later = fs::read_to_string(&answers).unwrap();
    assert!(later.contains(",accepted,82.78,82.78,"), "{later}");
    assert!(later.contains("NEW_VERSION"), "it takes the place of the one that could not be true: {later}");
}
