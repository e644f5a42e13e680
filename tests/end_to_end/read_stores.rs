//! Whatever becomes of the read store's files, the real binary sets them aside, builds it again, and answers the same.

use crate::kill::SYSTEM;
use crate::support::{Installation, Process};
use journal::Position;
use proto::common::v1::PageRequest;
use proto::ledger::v1::ledger_service_client::LedgerServiceClient;
use proto::ledger::v1::{EntryKind, GetStatementRequest, ListEntriesRequest};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use storage::{ReadStore, ReadStoreError};

/// What the sled file holds that is damaged; its other files are damaged by hand.
const FILE: &str = "db";

/// Questions that only the read store answers, and their answers.
async fn answers(installation: &Installation, process: &Process) -> Vec<String> {
    let mut client = LedgerServiceClient::new(installation.connect(process, "auditor").await);
    let mut answers = Vec::new();
    for path in ["10M", "10N/elective/2017-18", "10N/elective/2017-18/owed"] {
        let (system, path) = (SYSTEM.to_owned(), path.to_owned());
        let page = Some(PageRequest { page_size: 1_000, ..PageRequest::default() });
        let request = GetStatementRequest { system, path, page, ..GetStatementRequest::default() };
        let said = client.get_statement(request).await.unwrap().into_inner();
        answers.push(format!("{said:?}"));
    }
    for kind in [EntryKind::Activity, EntryKind::Referral, EntryKind::PaymentInstructed] {
        let page = Some(PageRequest { page_size: 500, ..PageRequest::default() });
        let (system, kind) = (SYSTEM.to_owned(), kind.into());
        let request = ListEntriesRequest { system, kind, page, ..ListEntriesRequest::default() };
        let said = client.list_entries(request).await.unwrap().into_inner();
        answers.push(format!("{:?}", said.entries));
    }
    assert!(answers.iter().all(|answer| answer.len() > 200), "there is something to answer: {answers:?}");
    answers
}

fn copy(from: &Path, to: &Path) {
    let _ = std::fs::remove_dir_all(to);
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_file() {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        } else {
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    }
}

/// Makes of the store one on which sled 0.34 panics when it is opened: a snapshot of its own that is behind its log, so that it writes
/// the next one, and clears away the old ones by names that it takes for UTF-8.
fn panics_when_opened(store: &Path, format: &str) {
    let open = || ReadStore::open(store, format, Position::new(u64::MAX)).unwrap();
    drop(open());
    let opened = open();
    let through = opened.through.unwrap();
    // A value of a later record stays; so this changes the log only.
    for n in 0..2_000_u64 {
        opened.store.insert(b"zz", through, &n.to_le_bytes()).unwrap();
    }
    opened.store.flush(through).unwrap();
    drop(opened);
    std::fs::write(store.join(OsStr::from_bytes(b"snap.\x01\xff")), b"").unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    copy(store, &elsewhere.path().join("read"));
    let opened = ReadStore::open(&elsewhere.path().join("read"), format, Position::new(u64::MAX)).unwrap();
    assert!(matches!(opened.met, Some(ReadStoreError::Panicked { .. })), "{:?}", opened.met);
}

/// Overwrites the file of a store that is open: a device that goes bad under it.
fn goes_bad(store: &Path) {
    let file = std::fs::File::options().write(true).open(store.join(FILE)).unwrap();
    let length = usize::try_from(file.metadata().unwrap().len()).unwrap();
    file.write_all_at(&vec![0xff; length], 0).unwrap();
}

/// How many folders were set aside beside the store.
fn set_aside(store: &Path) -> usize {
    let names = std::fs::read_dir(store.parent().unwrap()).unwrap().map(|entry| entry.unwrap().file_name());
    names.filter(|name| name.to_string_lossy().contains("set-aside")).count()
}

/// Something that befalls the store.
type Disaster<'a> = (&'a str, Box<dyn Fn(&Path) + 'a>, bool);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_becomes_of_the_read_store_the_answers_are_the_same() {
    let installation = Installation::played();
    let process = installation.serve(&[]);
    let expected = answers(&installation, &process).await;
    assert_eq!(process.stop(), Some(0));
    let ledger = installation.data().join(SYSTEM).join("ledger");
    let (store, sound) = (ledger.join("read"), ledger.join("sound"));
    copy(&store, &sound);
    let origin = std::fs::read_to_string(ledger.join("journal/checkpoint")).unwrap();
    let format = format!("ledger-entries 2 {}", origin.lines().next().unwrap());
    // As sled leaves it at its second start: with a snapshot of its own, and what is damaged before that is noticed.
    let opened = ReadStore::open(&sound, &format, Position::new(u64::MAX)).unwrap();
    assert_eq!(opened.set_aside, None, "the service keeps another format than this test: {format}");
    drop(opened);
    let content = std::fs::read(sound.join(FILE)).unwrap();
    let used = content.iter().rposition(|&byte| byte != 0).unwrap();
    let write = |bytes: Vec<u8>| move |store: &Path| std::fs::write(store.join(FILE), &bytes).unwrap();
    let flipped = || {
        let mut bytes = content.clone();
        // So near to each other that no page in use is without one: much of the file is free.
        bytes.iter_mut().take(used).step_by(251).for_each(|byte| *byte ^= 0x10);
        bytes
    };
    let older = |store: &Path| {
        std::fs::remove_dir_all(store).unwrap();
        let opened = ReadStore::open(store, &format.replace(" 2 ", " 1 "), Position::new(u64::MAX)).unwrap();
        opened.store.insert(b"of an older program", Position::FIRST, b"something").unwrap();
        opened.store.flush(Position::FIRST).unwrap();
    };
    // What befalls it, and whether it is surely set aside.
    let disasters: [Disaster<'_>; 8] = [
        ("deleted", Box::new(|store| std::fs::remove_dir_all(store).unwrap()), false),
        ("emptied", Box::new(write(Vec::new())), false),
        ("truncated", Box::new(write(content[..used / 2].to_vec())), false),
        ("bit-flipped", Box::new(write(flipped())), true),
        ("of an older format of ours", Box::new(older), true),
        (
            "of an older sled",
            Box::new(|store| std::fs::write(store.join("conf"), "segment_size: 1\nversion: 0.1\n").unwrap()),
            true,
        ),
        ("panicking when it is opened", Box::new(|store| panics_when_opened(store, &format)), true),
        ("a file in its place", Box::new(in_its_place), true),
    ];
    for (what, disaster, surely) in disasters {
        copy(&sound, &store);
        let before = set_aside(&store);
        disaster(&store);
        let process = installation.serve(&[]);
        assert!(answers(&installation, &process).await == expected, "{what}: another answer");
        assert_eq!(process.stop(), Some(0), "{what}");
        assert!(!surely || set_aside(&store) > before, "{what}: it was not set aside");
        // What was built again serves the next start.
        let process = installation.serve(&[]);
        let after = set_aside(&store);
        assert!(
            answers(&installation, &process).await == expected,
            "{what}: another answer at the next start"
        );
        assert_eq!(process.stop(), Some(0), "{what}");
        assert_eq!(set_aside(&store), after, "{what}: what was built again was set aside as well");
    }
}

/// It is opened, and then what it reads is something else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_store_that_goes_bad_while_it_is_read_is_built_again() {
    let installation = Installation::played();
    let process = installation.serve(&[]);
    let expected = answers(&installation, &process).await;
    assert_eq!(process.stop(), Some(0));
    let store = installation.data().join(SYSTEM).join("ledger/read");
    let process = installation.serve(&[]);
    // A question that reads little of it: it is open from then on.
    let mut client = LedgerServiceClient::new(installation.connect(&process, "auditor").await);
    let system = SYSTEM.to_owned();
    let caller = "urn:almoner:service:referrals".to_owned();
    let page = Some(PageRequest { page_size: 1, ..PageRequest::default() });
    let request = ListEntriesRequest { system, caller, page, ..ListEntriesRequest::default() };
    assert_eq!(client.list_entries(request).await.unwrap().into_inner().entries.len(), 1);
    goes_bad(&store);
    assert!(answers(&installation, &process).await == expected, "another answer");
    assert_eq!(set_aside(&store), 1);
    assert_eq!(process.stop(), Some(0));
}

fn in_its_place(store: &Path) {
    let folder: PathBuf = store.to_owned();
    std::fs::remove_dir_all(&folder).unwrap();
    std::fs::write(folder, b"no folder").unwrap();
}
