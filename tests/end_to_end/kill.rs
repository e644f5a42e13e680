//! Kill -9 while it is written to: nothing acknowledged is lost, nothing happens twice, each answer stays the same.

use crate::support::Installation;
use proto::ledger::v1::ledger_service_client::LedgerServiceClient;
use proto::ledger::v1::posting_outcome::Outcome;
use proto::ledger::v1::{
    EntryKind, GetTrialBalanceRequest, Leg, OpenAccountsRequest, PostEntriesRequest, PostEntriesResponse,
    Posting, PostingMode, PostingResult, Side,
};
use proto::registry::v1::registry_service_client::RegistryServiceClient;
use proto::registry::v1::{RegisterSystemRequest, System};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tonic::transport::Channel;

const SYSTEM: &str = "berkshire-west";
const ROUNDS: u64 = 6;
const BATCHES: u64 = 60;
const BATCH: u64 = 50;
const PENCE: i64 = 106_00;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_ledger_acknowledged_survives_kill_9_exactly_once() {
    let installation = Installation::new();
    installation.issue("operator", &["urn:almoner:person:op-1", "urn:almoner:role:operator"]);
    installation.issue("finance", &["urn:almoner:person:fin-1", "urn:almoner:role:finance-preparer"]);
    let mut answered: BTreeMap<u64, Vec<PostingResult>> = BTreeMap::new();
    let mut accounts = None;
    for round in 0..ROUNDS {
        let process = installation.serve(&["registry", "ledger"], &[]);
        if round == 0 {
            register(installation.connect(&process, "operator").await).await;
        }
        let channel = installation.connect(&process, "finance").await;
        let pair = open_accounts(channel.clone()).await;
        assert_eq!(*accounts.get_or_insert(pair), pair, "accounts keep their numbers");
        let sending = tokio::spawn(send_all(channel, pair));
        // Somewhere in the middle: later in each round, so that every round gets further and replays more.
        tokio::time::sleep(Duration::from_millis(60 + round * 90)).await;
        process.kill();
        compare(&mut answered, sending.await.unwrap());
    }

    let process = installation.serve(&["registry", "ledger"], &[]);
    let channel = installation.connect(&process, "finance").await;
    let all = send_all(channel.clone(), accounts.unwrap()).await;
    assert_eq!(all.len() as u64, BATCHES);
    compare(&mut answered, all);
    let entries: BTreeSet<u64> =
        answered.values().flatten().filter_map(|result| Some(result.entry?.position)).collect();
    assert_eq!(entries.len() as u64, BATCHES * BATCH, "each posting has a record of its own");

    let request = GetTrialBalanceRequest { system: SYSTEM.into(), min_position: None };
    let balance = LedgerServiceClient::new(channel).get_trial_balance(request).await.unwrap().into_inner();
    let expected = i64::try_from(BATCHES * BATCH).unwrap() * PENCE;
    assert_eq!(balance.difference_pence, 0);
    for account in balance.accounts {
        let totals = account.totals.unwrap();
        assert_eq!(totals.debits_pence + totals.credits_pence, expected, "{}", account.path);
    }
    assert_eq!(process.stop(), Some(0));
}

/// Adds what a round was answered; what was answered before must be the same again.
fn compare(answered: &mut BTreeMap<u64, Vec<PostingResult>>, now: BTreeMap<u64, Vec<PostingResult>>) {
    for (batch, results) in now {
        let Some(before) = answered.get(&batch) else {
            answered.insert(batch, results);
            continue;
        };
        for (before, again) in before.iter().zip(&results) {
            assert!(again.replayed, "batch {batch} was acknowledged and is answered anew");
            assert_eq!((before.entry, &before.leaf_hash), (again.entry, &again.leaf_hash), "batch {batch}");
        }
    }
}

async fn register(channel: Channel) {
    let system = System { system: SYSTEM.into(), title: "Berkshire West ACS".into(), ..System::default() };
    let request = RegisterSystemRequest { request_id: client::new_request_id(), system: Some(system) };
    RegistryServiceClient::new(channel).register_system(request).await.unwrap();
}

async fn open_accounts(channel: Channel) -> [u64; 2] {
    let line = "10M/elective/2017-18";
    let paths = [format!("resource-limit/10M/2017-18"), format!("{line}/fund/allocation")];
    let request = OpenAccountsRequest {
        system: SYSTEM.into(),
        request_id: client::new_request_id(),
        paths: paths.to_vec(),
    };
    let opened =
        LedgerServiceClient::new(channel).open_accounts(request).await.unwrap().into_inner().accounts;
    [opened[0].number, opened[1].number]
}

/// Sends every batch in order, each under the ids that it always has; ends at the first call that gets no answer.
async fn send_all(channel: Channel, accounts: [u64; 2]) -> BTreeMap<u64, Vec<PostingResult>> {
    let mut ledger = LedgerServiceClient::new(channel);
    let mut answered = BTreeMap::new();
    for batch in 0..BATCHES {
        let Ok(answer) = ledger.post_entries(request(batch, accounts)).await else { break };
        answered.insert(batch, results(answer.into_inner()));
    }
    answered
}

fn results(answer: PostEntriesResponse) -> Vec<PostingResult> {
    let result = |outcome: proto::ledger::v1::PostingOutcome| match outcome.outcome {
        Some(Outcome::Posted(result)) => result,
        other => panic!("a posting was not made: {other:?}"),
    };
    answer.outcomes.into_iter().map(result).collect()
}

fn request(batch: u64, [resource_limit, allocation]: [u64; 2]) -> PostEntriesRequest {
    let postings = (0..BATCH).map(|n| Posting {
        request_id: id(batch * BATCH + n),
        kind: EntryKind::Allocation.into(),
        effective_date: Some(proto::google::r#type::Date { year: 2017, month: 6, day: 1 }),
        legs: vec![leg(resource_limit, Side::Debit), leg(allocation, Side::Credit)],
        ..Posting::default()
    });
    PostEntriesRequest {
        system: SYSTEM.into(),
        request_id: String::new(),
        mode: PostingMode::Each.into(),
        postings: postings.collect(),
        validate_only: false,
    }
}

fn leg(account: u64, side: Side) -> Leg {
    Leg { account, side: side.into(), amount_pence: PENCE, window: None }
}

/// The `n`-th UUID of version 7 in a fixed series.
fn id(n: u64) -> Vec<u8> {
    let mut bytes = [0x80; 16];
    bytes[..6].copy_from_slice(&(1_496_300_000_000 + n).to_be_bytes()[2..]);
    bytes[6] = 0x70;
    bytes[8..].copy_from_slice(&n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    bytes[8] = 0x80 | (bytes[8] & 0x3f);
    bytes.to_vec()
}
