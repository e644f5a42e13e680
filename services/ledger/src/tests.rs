//! The service over gRPC, in memory: a real journal in a temporary folder, no ports.

mod entries;
mod past;

use crate::{Adapter, index::Indexes};
use access::Caller;
use journal::{RequestId, Service, SystemName, derived_request_id};
use ledger::Ledger;
use proto::ledger::v1::{
    self, EntryKind, PostingMode, Side, ledger_service_client::LedgerServiceClient,
    ledger_service_server::LedgerServiceServer, posting_outcome::Outcome,
};
use server::journals::{Directory, Journals, Lookup, Place, SystemClock, SystemFacts};
use std::{path::Path, sync::Arc};
use tokio::sync::watch;
use tokio_stream::StreamExt as _;
use tonic::{
    Code, Request, Status,
    transport::{Channel, Endpoint, Server},
};
use wire::{PageKey, status::reason_of};

mod hot;
mod periods;
mod year_end;

struct OneSystem;

impl Directory for OneSystem {
    fn system<'a>(&'a self, system: &'a SystemName) -> Lookup<'a> {
        let known = (system.as_str() == "s").then_some(SystemFacts { sandbox: None });
        Box::pin(async move { Ok(known) })
    }
}

type Client = LedgerServiceClient<Channel>;

struct World {
    journals: Arc<Journals<Ledger>>,
    indexes: Arc<Indexes>,
    draining: watch::Sender<bool>,
    adapter: Adapter,
    client: Client,
}

impl World {
    async fn open(folder: &Path) -> Self {
        Self::open_as(folder, Caller::service(Service::Settlement)).await
    }

    async fn open_as(folder: &Path, caller: Caller) -> Self {
        let place = Place {
            root: folder.to_owned(),
            disk: Arc::new(storage::FolderDisk),
            installation: [1; 16],
            signing_seed: [2; 32],
            clock: Arc::new(SystemClock),
            options: storage::Options::default(),
            mirror: None,
        };
        let journals = Journals::<Ledger>::open(place, Arc::new(OneSystem), None).unwrap();
        let indexes = Arc::new(Indexes::new(folder));
        let draining = watch::Sender::new(false);
        let adapter = Adapter::new(
            Arc::clone(&journals),
            Arc::clone(&indexes),
            PageKey::new([3; 32]),
            draining.subscribe(),
        );
        let client = Self::serve(adapter.clone(), caller).await;
        Self { journals, indexes, draining, adapter, client }
    }

    /// Another caller of the same service.
    async fn also_as(&self, caller: Caller) -> Client {
        Self::serve(self.adapter.clone(), caller).await
    }

    async fn serve(adapter: Adapter, caller: Caller) -> Client {
        let caller = Arc::new(caller);
        let known = move |mut request: Request<()>| {
            request.extensions_mut().insert(Arc::clone(&caller));
            Ok::<_, Status>(request)
        };
        let (ours, theirs) = tokio::io::duplex(1 << 20);
        let service = LedgerServiceServer::with_interceptor(adapter, known);
        tokio::spawn(Server::builder().add_service(service).serve_with_incoming(tokio_stream::once(Ok::<
            _,
            std::io::Error,
        >(
            theirs,
        ))));
        let mut ours = Some(ours);
        let connector = tower::service_fn(move |_| {
            let ours = ours.take().map(hyper_util::rt::TokioIo::new);
            async move { ours.ok_or_else(|| std::io::Error::from(std::io::ErrorKind::NotConnected)) }
        });
        let channel = Endpoint::from_static("http://memory").connect_with_connector(connector).await.unwrap();
        LedgerServiceClient::new(channel)
    }

    async fn close(self) {
        self.draining.send_replace(true);
        crate::index::flush_all(Arc::clone(&self.journals), self.indexes).await;
        let journals = self.journals;
        tokio::task::spawn_blocking(move || journals.close()).await.unwrap();
    }
}

const ALLOCATION: &str = "10M/elective/2017-18/fund/allocation";
const LIMIT: &str = "resource-limit/10M/2017-18";
const SPENT: &str = "10M/elective/2017-18/fund/expenditure/third-party";
const PAYABLE: &str = "10M/elective/2017-18/owed/payable/NT3";

fn id(name: &str) -> RequestId {
    let root: RequestId = "0192f0c1-2b3c-7d4e-8f90-123456789abc".parse().unwrap();
    derived_request_id("test", root, name.as_bytes())
}

async fn open(client: &mut Client) -> [u64; 4] {
    let paths = [ALLOCATION, LIMIT, SPENT, PAYABLE].map(str::to_owned).to_vec();
    let request = v1::OpenAccountsRequest { system: "s".into(), request_id: id("open").to_string(), paths };
    let answer = client.open_accounts(request).await.unwrap().into_inner();
    let numbers: Vec<u64> = answer.accounts.iter().map(|account| account.number).collect();
    numbers.try_into().unwrap()
}

fn leg(account: u64, side: Side, amount_pence: i64) -> v1::Leg {
    v1::Leg { account, side: side.into(), amount_pence, window: None }
}

fn posting(name: &str, kind: EntryKind, legs: Vec<v1::Leg>) -> v1::Posting {
    v1::Posting {
        request_id: id(name).to_bytes().to_vec(),
        kind: kind.into(),
        effective_date: Some(proto::google::r#type::Date { year: 2017, month: 6, day: 1 }),
        legs,
        ..v1::Posting::default()
    }
}

fn freeze() -> v1::WindowKey {
    let stage = v1::CutStage::Freeze.into();
    v1::WindowKey { key: Some(v1::window_key::Key::Cut(v1::CutKey { period: 201_706, stage })) }
}

fn budget([allocation, limit, ..]: [u64; 4], pence: i64) -> v1::Posting {
    let legs = vec![leg(limit, Side::Debit, pence), leg(allocation, Side::Credit, pence)];
    posting("budget", EntryKind::Allocation, legs)
}

fn activity([_, _, spent, payable]: [u64; 4], name: &str, kind: EntryKind, pence: i64) -> v1::Posting {
    let credit =
        v1::Leg { window: Some(v1::leg::Window::Adds(freeze())), ..leg(payable, Side::Credit, pence) };
    let number = name.bytes().fold(0, |sum, byte| sum * 10 + u64::from(byte - b'0'));
    v1::Posting {
        cause: Some(proto::common::v1::Cause { service: "referrals".into(), position: number }),
        reference: format!("line {}", number % 3),
        ..posting(name, kind, vec![leg(spent, Side::Debit, pence), credit])
    }
}

async fn post(client: &mut Client, postings: Vec<v1::Posting>) -> Vec<Outcome> {
    let request = v1::PostEntriesRequest {
        system: "s".into(),
        mode: PostingMode::Each.into(),
        postings,
        ..v1::PostEntriesRequest::default()
    };
    let answer = client.post_entries(request).await.unwrap().into_inner();
    answer.outcomes.into_iter().map(|outcome| outcome.outcome.unwrap()).collect()
}

fn posted(outcome: &Outcome) -> &v1::PostingResult {
    match outcome {
        Outcome::Posted(posted) => posted,
        Outcome::Refused(refused) => panic!("{refused:?}"),
    }
}

fn reason(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Posted(posted) => panic!("{posted:?}"),
        Outcome::Refused(refused) => &refused.problems[0].reason,
    }
}

async fn line(client: &mut Client) -> v1::LinePosition {
    let request = v1::GetLinePositionRequest {
        system: "s".into(),
        line: "10M/elective/2017-18".into(),
        ..Default::default()
    };
    client.get_line_position(request).await.unwrap().into_inner().position.unwrap()
}

async fn list(client: &mut Client, of: Option<v1::list_entries_request::Of>, page_size: i32) -> Vec<u64> {
    let (mut positions, mut page_token) = (Vec::new(), String::new());
    loop {
        let page = proto::common::v1::PageRequest { page_size, page_token };
        let request = v1::ListEntriesRequest {
            system: "s".into(),
            of: of.clone(),
            page: Some(page),
            ..Default::default()
        };
        let answer = client.list_entries(request).await.unwrap().into_inner();
        positions.extend(answer.entries.iter().map(|entry| entry.name.unwrap().position));
        page_token = answer.page.unwrap().next_page_token;
        if page_token.is_empty() {
            return positions;
        }
        assert_eq!(answer.entries.len(), usize::try_from(page_size).unwrap());
    }
}

#[tokio::test]
async fn postings_are_answered_one_by_one_and_once() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path()).await;
    let mut client = world.client.clone();
    let accounts = open(&mut client).await;
    assert_eq!(open(&mut client).await, accounts, "opening again opens nothing");

    let mut crooked = budget(accounts, 5);
    crooked.request_id = id("crooked").to_bytes().to_vec();
    crooked.legs[0].amount_pence = 6;
    let mut malformed = crooked.clone();
    malformed.legs[1].side = 0;
    let batch = vec![
        budget(accounts, 100_000),
        crooked,
        malformed,
        activity(accounts, "1", EntryKind::Activity, 700),
    ];
    let first = post(&mut client, batch.clone()).await;
    assert_eq!(reason(&first[1]), "UNBALANCED");
    assert_eq!(reason(&first[2]), "FIELD_MISSING");
    let step = &posted(&first[3]).windows[0];
    assert_eq!((step.seq, step.total_pence, step.leg), (1, 700, 1));

    // The same again: the same answers, marked so, and nothing moved.
    let again = post(&mut client, batch).await;
    assert!(posted(&again[0]).replayed && posted(&again[3]).replayed);
    assert_eq!(posted(&again[3]).entry, posted(&first[3]).entry);
    assert_eq!(posted(&again[3]).leaf_hash, posted(&first[3]).leaf_hash);
    assert_eq!(reason(&again[1]), "UNBALANCED");
    // The same id with other content.
    let other = post(&mut client, vec![budget(accounts, 99)]).await;
    assert_eq!(reason(&other[0]), "REQUEST_ID_REUSED");

    let line = line(&mut client).await;
    assert_eq!((line.allocated_pence, line.accrued_pence, line.available_pence), (100_000, 700, 99_300));
    let request = v1::GetTrialBalanceRequest { system: "s".into(), ..Default::default() };
    let trial = client.get_trial_balance(request).await.unwrap().into_inner();
    assert_eq!((trial.accounts.len(), trial.difference_pence), (4, 0));
    assert_eq!(trial.sums.unwrap().debits_pence, 100_700);
    world.close().await;
}

#[tokio::test]
async fn a_group_is_all_or_none_and_checking_records_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path()).await;
    let mut client = world.client.clone();
    let accounts = open(&mut client).await;
    post(&mut client, vec![budget(accounts, 1_000)]).await;
    let limit = v1::SetLimitRequest {
        system: "s".into(),
        request_id: id("limit").to_string(),
        node: "10M/elective/2017-18/fund".into(),
        severity: v1::LimitSeverity::Hard.into(),
        floor_pence: Some(0),
        ceiling_pence: None,
        reason: "no overspend".into(),
    };
    client.set_limit(limit).await.unwrap();
    let pair = |pence| {
        let spend = |name| {
            let mut posting = activity(accounts, name, EntryKind::OnAccount, pence);
            posting.cause = None;
            posting
        };
        vec![spend("1"), spend("2")]
    };
    let group = |name: &str, postings, validate_only| v1::PostEntriesRequest {
        system: "s".into(),
        request_id: id(name).to_string(),
        mode: PostingMode::AllOrNone.into(),
        postings,
        validate_only,
    };
    let refused = client.post_entries(group("g1", pair(501), false)).await.unwrap().into_inner();
    for outcome in &refused.outcomes {
        let Some(Outcome::Refused(refused)) = &outcome.outcome else { panic!("{outcome:?}") };
        assert_eq!(
            (refused.problems[0].reason.as_str(), refused.remaining_pence),
            ("LIMIT_EXCEEDED", Some(1_000))
        );
    }
    assert_eq!(line(&mut client).await.accrued_pence, 0);
    let checked = client.post_entries(group("g2", pair(500), true)).await.unwrap().into_inner();
    assert_eq!(checked.outcomes.len(), 2);
    assert_eq!(line(&mut client).await.accrued_pence, 0);
    let done = client.post_entries(group("g2", pair(500), false)).await.unwrap().into_inner();
    let last = done.outcomes[1].outcome.as_ref().map(posted).unwrap();
    assert_eq!(last.entry.unwrap().index, 1);
    assert_eq!(last.windows[0].total_pence, 1_000);
    assert_eq!(line(&mut client).await.available_pence, 0);

    let each = v1::PostEntriesRequest {
        system: "s".into(),
        mode: PostingMode::Each.into(),
        postings: vec![
            activity(accounts, "3", EntryKind::Activity, 5),
            activity(accounts, "4", EntryKind::OnAccount, 5),
        ],
        validate_only: true,
        ..v1::PostEntriesRequest::default()
    };
    let checked = client.post_entries(each).await.unwrap().into_inner();
    assert_eq!(posted(checked.outcomes[0].outcome.as_ref().unwrap()).breaches.len(), 1, "a report passes");
    assert_eq!(reason(checked.outcomes[1].outcome.as_ref().unwrap()), "LIMIT_EXCEEDED");
    assert_eq!(line(&mut client).await.accrued_pence, 1_000);
    world.close().await;
}

#[tokio::test]
async fn entries_are_listed_the_same_with_and_without_the_read_store() {
    use v1::list_entries_request::Of;
    let folder = tempfile::tempdir().unwrap();
    let lists = |accounts: [u64; 4]| {
        let cause = proto::common::v1::Cause { service: "referrals".into(), position: 7 };
        [
            None,
            Some(Of::Account(accounts[3])),
            Some(Of::Account(accounts[0])),
            Some(Of::Cause(cause)),
            Some(Of::Reference("line 1".into())),
        ]
    };
    let world = World::open(folder.path()).await;
    let mut client = world.client.clone();
    let accounts = open(&mut client).await;
    let mut batch = vec![budget(accounts, 100_000)];
    batch.extend((1..=30).map(|n| activity(accounts, &n.to_string(), EntryKind::Activity, n)));
    post(&mut client, batch).await;
    let mut expected = Vec::new();
    for of in lists(accounts) {
        expected.push(list(&mut client, of, 7).await);
    }
    let counts: Vec<usize> = expected.iter().map(Vec::len).collect();
    assert_eq!(counts, [31, 30, 1, 1, 10]);
    let unknown = v1::ListEntriesRequest {
        system: "s".into(),
        of: Some(Of::Account(999)),
        page: None,
        ..Default::default()
    };
    let refused = client.list_entries(unknown).await.unwrap_err();
    assert_eq!(reason_of(&refused).as_deref(), Some("ACCOUNT_UNKNOWN"));
    world.close().await;

    for what in ["kept", "deleted", "damaged"] {
        let read = folder.path().join("s/ledger/read");
        match what {
            "deleted" => std::fs::remove_dir_all(&read).unwrap(),
            "damaged" => std::fs::write(read.join("db"), vec![0xa5; 100_000]).unwrap(),
            _ => assert!(read.is_dir()),
        }
        let world = World::open(folder.path()).await;
        let mut client = world.client.clone();
        for (of, expected) in lists(accounts).into_iter().zip(&expected) {
            assert_eq!(&list(&mut client, of.clone(), 4).await, expected, "{what} {of:?}");
        }
        world.close().await;
    }
}

#[tokio::test]
async fn an_entry_is_read_reversed_and_tailed() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path()).await;
    let mut client = world.client.clone();
    let accounts = open(&mut client).await;
    let outcomes =
        post(&mut client, vec![budget(accounts, 1_000), activity(accounts, "1", EntryKind::Activity, 70)])
            .await;
    let entry = posted(&outcomes[1]).entry.unwrap();
    let reverse = v1::ReverseEntryRequest {
        system: "s".into(),
        request_id: id("reverse").to_string(),
        entry: Some(entry),
        reason: "booked twice".into(),
    };
    let reversed = client.reverse_entry(reverse.clone()).await.unwrap().into_inner();
    let again = client.reverse_entry(reverse).await.unwrap().into_inner();
    assert!(again.recorded.unwrap().replayed);
    assert_eq!(reversed.result.unwrap().windows[0].total_pence, 0);
    let get = v1::GetEntryRequest { system: "s".into(), entry: Some(entry) };
    let read = client.get_entry(get).await.unwrap().into_inner().entry.unwrap();
    let reversal = read.reversed_by.unwrap();
    assert_eq!(read.posting.unwrap().legs, activity(accounts, "1", EntryKind::Activity, 70).legs);
    let missing = v1::EntryName { position: entry.position, index: 1 };
    let missing = v1::GetEntryRequest { system: "s".into(), entry: Some(missing) };
    assert_eq!(client.get_entry(missing).await.unwrap_err().code(), Code::NotFound);

    let tail =
        v1::TailEntriesRequest { system: "s".into(), from_position: entry.position, ..Default::default() };
    let mut stream = client.tail_entries(tail).await.unwrap().into_inner();
    let first = stream.next().await.unwrap().unwrap();
    let names: Vec<v1::EntryName> = first.entries.iter().map(|entry| entry.name.unwrap()).collect();
    assert_eq!(names, [entry, reversal]);
    assert_eq!(first.entries[1].reason, "booked twice");
    post(&mut client, vec![activity(accounts, "2", EntryKind::Activity, 5)]).await;
    let second = stream.next().await.unwrap().unwrap();
    assert_eq!(second.entries.len(), 1);
    assert!(second.next_position > first.next_position);
    let ahead = v1::TailEntriesRequest { system: "s".into(), from_position: 1_000, ..Default::default() };
    assert_eq!(client.tail_entries(ahead).await.unwrap_err().code(), Code::OutOfRange);
    world.close().await;
    assert_eq!(reason_of(&stream.next().await.unwrap().unwrap_err()).as_deref(), Some("DRAINING"));
}

#[tokio::test]
async fn a_stream_answers_its_batches_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path()).await;
    let mut client = world.client.clone();
    let accounts = open(&mut client).await;
    post(&mut client, vec![budget(accounts, 1_000_000)]).await;
    let batch = move |batch: u64| v1::StreamPostingsRequest {
        system: if batch == 0 { "s".into() } else { String::new() },
        batch,
        postings: (0..50)
            .map(|n| activity(accounts, &(batch * 50 + n).to_string(), EntryKind::Activity, 3))
            .collect(),
    };
    let batches = tokio_stream::iter((0..20).map(batch));
    let mut answers = client.stream_postings(batches).await.unwrap().into_inner();
    let (mut expected_batch, mut expected_seq) = (0, 1);
    while let Some(answer) = answers.next().await {
        let answer = answer.unwrap();
        assert_eq!(answer.batch, expected_batch);
        expected_batch += 1;
        for outcome in &answer.outcomes {
            let step = &posted(outcome.outcome.as_ref().unwrap()).windows[0];
            assert_eq!(step.seq, expected_seq);
            expected_seq += 1;
        }
    }
    assert_eq!((expected_batch, expected_seq), (20, 1_001));
    assert_eq!(line(&mut client).await.accrued_pence, 3_000);
    world.close().await;
}

#[tokio::test]
async fn holds_and_windows_are_listed_and_a_provider_sees_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path()).await;
    let mut client = world.client.clone();
    let accounts = open(&mut client).await;
    post(&mut client, vec![budget(accounts, 1_000)]).await;
    let hold = |name: &str, amount_pence| v1::Posting {
        holds: vec![v1::HoldAction {
            action: Some(v1::hold_action::Action::Place(v1::PlaceHold {
                account: accounts[2],
                amount_pence,
                expire_date: Some(proto::google::r#type::Date { year: 2999, month: 1, day: 1 }),
                name: Vec::new(),
            })),
        }],
        ..posting(name, EntryKind::Referral, Vec::new())
    };
    post(
        &mut client,
        vec![hold("h1", 300), hold("h2", 200), activity(accounts, "1", EntryKind::Activity, 5)],
    )
    .await;
    let page = |page_token: String| Some(proto::common::v1::PageRequest { page_size: 1, page_token });
    let request = |page_token| v1::ListHoldsRequest {
        system: "s".into(),
        node: "10M/elective".into(),
        page: page(page_token),
        min_position: None,
    };
    let first = client.list_holds(request(String::new())).await.unwrap().into_inner();
    let second = client.list_holds(request(first.page.unwrap().next_page_token)).await.unwrap().into_inner();
    assert_eq!((first.open_count, first.holds.len(), second.holds.len()), (2, 1, 1));
    assert_eq!(first.holds[0].remaining_pence + second.holds[0].remaining_pence, 500);
    assert!(second.page.unwrap().next_page_token.is_empty());
    assert_eq!(line(&mut client).await.committed_pence, 500);

    let name = v1::WindowName { payer: "10M".into(), payee: "NT3".into(), key: Some(freeze()) };
    let seal = v1::SealWindowsRequest {
        system: "s".into(),
        request_id: id("seal").to_string(),
        windows: vec![name],
    };
    let sealed = client.seal_windows(seal).await.unwrap().into_inner();
    assert!(sealed.windows[0].sealed && sealed.windows[0].total_pence == 5);
    world.close().await;

    let provider = Caller::from_uris(["urn:almoner:org:NT3", "urn:almoner:role:provider"]).unwrap();
    let world = World::open_as(folder.path(), provider).await;
    let mut client = world.client.clone();
    let request = |payee: &str| v1::ListWindowsRequest {
        system: "s".into(),
        payee: payee.into(),
        open_only: true,
        ..v1::ListWindowsRequest::default()
    };
    let own = client.list_windows(request("NT3")).await.unwrap().into_inner();
    assert_eq!(own.windows, sealed.windows);
    for other in ["", "NVC"] {
        let refused = client.list_windows(request(other)).await.unwrap_err();
        assert_eq!(reason_of(&refused).as_deref(), Some("NOT_YOURS"), "{other}");
    }
    world.close().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_told_by_field() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path()).await;
    let mut client = world.client.clone();
    let unknown = v1::GetTrialBalanceRequest { system: "t".into(), ..Default::default() };
    let refused = client.get_trial_balance(unknown).await.unwrap_err();
    assert_eq!(reason_of(&refused).as_deref(), Some("SYSTEM_UNKNOWN"));
    let open = |paths| v1::OpenAccountsRequest { system: "s".into(), request_id: id("o").to_string(), paths };
    for (paths, reason) in [
        (vec!["10M/elective/2017-18/fund".to_owned()], "PATH_INVALID"),
        (vec![], "BATCH_EMPTY"),
        (vec![ALLOCATION.to_owned(); 1_001], "BATCH_TOO_LARGE"),
    ] {
        let refused = client.open_accounts(open(paths)).await.unwrap_err();
        assert_eq!((refused.code(), reason_of(&refused).as_deref()), (Code::InvalidArgument, Some(reason)));
    }
    let empty = v1::PostEntriesRequest { system: "s".into(), mode: 1, ..v1::PostEntriesRequest::default() };
    assert_eq!(reason_of(&client.post_entries(empty).await.unwrap_err()).as_deref(), Some("BATCH_EMPTY"));
    let balance =
        v1::GetBalanceRequest { system: "s".into(), path: "10M/elective".into(), ..Default::default() };
    assert_eq!(reason_of(&client.get_balance(balance).await.unwrap_err()).as_deref(), Some("NODE_UNKNOWN"));
    world.close().await;
}
