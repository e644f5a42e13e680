//! Year end, entries that reverse themselves, balances, groups: over gRPC.

use super::*;

const NEXT_SPENT: &str = "10M/elective/2018-19/fund/expenditure/third-party";
const PREPAID: &str = "10M/elective/2017-18/fund/prepayment/RHW";

async fn line_at(client: &mut Client, line: &str) -> v1::LinePosition {
    let request = v1::GetLinePositionRequest {
        system: "s".into(),
        line: line.into(),
        ..v1::GetLinePositionRequest::default()
    };
    client.get_line_position(request).await.unwrap().into_inner().position.unwrap()
}

async fn number(client: &mut Client, path: &str) -> u64 {
    let request = v1::OpenAccountsRequest {
        system: "s".into(),
        request_id: id(path).to_string(),
        paths: vec![path.into()],
    };
    client.open_accounts(request).await.unwrap().into_inner().accounts[0].number
}

fn end_year(name: &str) -> v1::EndYearRequest {
    v1::EndYearRequest {
        system: "s".into(),
        request_id: id(name).to_string(),
        line: "10M/elective/2017-18".into(),
        reason: "31 March".into(),
    }
}

#[tokio::test]
async fn a_year_ends_once_and_late_reports_land_in_the_year_after() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path()).await;
    let mut client = world.client.clone();
    let accounts = open(&mut client).await;
    let prepaid = number(&mut client, PREPAID).await;
    let place = v1::hold_action::Action::Place(v1::PlaceHold {
        account: accounts[2],
        amount_pence: 40,
        expire_date: Some(proto::google::r#type::Date { year: 2999, month: 1, day: 1 }),
        name: Vec::new(),
    });
    let mut holds = Vec::new();
    for n in 0..300 {
        holds.push(v1::Posting {
            holds: vec![v1::HoldAction { action: Some(place.clone()) }],
            ..posting(&format!("hold {n}"), EntryKind::Referral, Vec::new())
        });
    }
    let mut prepay = activity(accounts, "1", EntryKind::OnAccount, 500);
    prepay.legs[0].account = prepaid;
    let mut batch = vec![budget(accounts, 100_000), prepay];
    batch.extend(holds);
    for outcome in post(&mut client, batch).await {
        posted(&outcome);
    }
    let first = client.end_year(end_year("one")).await.unwrap().into_inner();
    assert!(first.recorded.is_some());
    assert_eq!((first.entries.len(), first.holds_moved), (4, 300), "one of balances, three of holds");
    let (old, new) = (line(&mut client).await, line_at(&mut client, "10M/elective/2018-19").await);
    assert!(old.fund_shut && !new.fund_shut);
    assert_eq!((old.committed_pence, old.accrued_pence, old.transferred_pence), (0, 500, -500));
    assert_eq!((new.committed_pence, new.transferred_pence, new.available_pence), (12_000, 500, -12_500));
    // The same again, and by somebody else: nothing is left to move.
    let again = client.end_year(end_year("one")).await.unwrap().into_inner();
    assert!(again.recorded.unwrap().replayed && again.entries.is_empty());
    let other = client.end_year(end_year("two")).await.unwrap().into_inner();
    assert!(other.recorded.is_none() && other.entries.is_empty() && other.holds_moved == 0);

    let outcome = post(&mut client, vec![activity(accounts, "2", EntryKind::Activity, 70)]).await;
    let made = posted(&outcome[0]).clone();
    assert_eq!(made.legs_made.len(), 4);
    assert_eq!(made.legs_made[0].account, number(&mut client, NEXT_SPENT).await);
    let get = v1::GetEntryRequest { system: "s".into(), entry: made.entry };
    let entry = client.get_entry(get).await.unwrap().into_inner().entry.unwrap();
    assert_eq!(entry.posting.unwrap().legs, made.legs_made, "an entry is read as it was made");
    let of = v1::list_entries_request::Of::Account(made.legs_made[0].account);
    assert!(list(&mut client, Some(of), 7).await.contains(&made.entry.unwrap().position));
    let allocation = post(
        &mut client,
        vec![{
            let mut more = budget(accounts, 1);
            more.request_id = id("more").to_bytes().to_vec();
            more
        }],
    )
    .await;
    assert_eq!(reason(&allocation[0]), "FUND_SHUT");
    world.close().await;

    // A restart says the same.
    let world = World::open(folder.path()).await;
    let mut client = world.client.clone();
    let (old, new) = (line(&mut client).await, line_at(&mut client, "10M/elective/2018-19").await);
    assert_eq!((old.accrued_pence, old.transferred_pence), (570, -570));
    assert_eq!((new.expenditure_pence, new.transferred_pence), (70, 570));
    world.close().await;
}

#[tokio::test]
async fn an_entry_whose_reversal_period_has_begun_reverses_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path()).await;
    let mut client = world.client.clone();
    let accounts = open(&mut client).await;
    let estimate = |name: &str, reverses_in: &str| v1::Posting {
        reverses_in: reverses_in.into(),
        balances: true,
        ..activity(accounts, name, EntryKind::Estimate, 70)
    };
    let outcomes = post(&mut client, vec![estimate("1", "2017-07"), estimate("2", "2999-01")]).await;
    let balance = posted(&outcomes[1]).balances[1];
    assert_eq!((balance.account, balance.balance_pence), (accounts[3], 140), "as they stood after it");
    assert_eq!(line(&mut client).await.accrued_pence, 70);
    let get = v1::GetEntryRequest { system: "s".into(), entry: posted(&outcomes[0]).entry };
    let entry = client.get_entry(get).await.unwrap().into_inner().entry.unwrap();
    assert!(entry.reversed_by.is_some());
    let request = v1::ListDueReversalsRequest { system: "s".into(), min_position: None };
    let due = client.list_due_reversals(request).await.unwrap().into_inner().reversals;
    assert_eq!(due.len(), 1);
    assert_eq!((due[0].entry, due[0].period.as_str()), (posted(&outcomes[1]).entry, "2999-01"));
    // The same again is answered with the same, though balances have moved since.
    let again = post(&mut client, vec![estimate("2", "2999-01")]).await;
    assert_eq!(posted(&again[0]).balances[1].balance_pence, 140);
    let late = post(&mut client, vec![estimate("3", "2017-06")]).await;
    assert_eq!(reason(&late[0]), "REVERSAL_NOT_LATER");
    world.close().await;
}

#[tokio::test]
async fn a_refused_group_answers_every_posting_and_corrections_are_linked() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path()).await;
    let mut client = world.client.clone();
    let accounts = open(&mut client).await;
    let mut group = v1::PostEntriesRequest {
        system: "s".into(),
        request_id: id("group").to_string(),
        mode: PostingMode::AllOrNone.into(),
        postings: vec![
            activity(accounts, "7", EntryKind::Activity, 5),
            activity(accounts, "7", EntryKind::Activity, 5),
            activity(accounts, "7", EntryKind::Activity, 5),
        ],
        ..v1::PostEntriesRequest::default()
    };
    group.postings[1].legs[0].account = 999;
    group.postings[2].legs[1].amount_pence = 6;
    let mut positions = Vec::new();
    for validate_only in [true, false, false] {
        group.validate_only = validate_only;
        let answer = client.post_entries(group.clone()).await.unwrap().into_inner();
        let outcomes: Vec<Outcome> = answer.outcomes.into_iter().map(|o| o.outcome.unwrap()).collect();
        let reasons: Vec<&str> = outcomes.iter().map(reason).collect();
        assert_eq!(reasons, ["NOT_APPLIED", "ACCOUNT_UNKNOWN", "UNBALANCED"]);
        let Outcome::Refused(first) = &outcomes[0] else { panic!() };
        assert_eq!(first.problems[0].message, "not made, because of posting 1, 2");
        positions.push((first.position, first.replayed));
    }
    // The second time it is asked it has the first answer.
    let recorded = positions[1].0;
    assert_eq!(positions, [(None, false), (recorded, false), (recorded, true)]);
    // The same of what cannot be read; nothing is recorded then.
    group.request_id = id("malformed").to_string();
    group.postings[1].legs[0].amount_pence = -5;
    group.postings[2].kind = 0;
    let answer = client.post_entries(group).await.unwrap().into_inner();
    let outcomes: Vec<Outcome> = answer.outcomes.into_iter().map(|o| o.outcome.unwrap()).collect();
    let reasons: Vec<&str> = outcomes.iter().map(reason).collect();
    assert_eq!(reasons[0], "NOT_APPLIED");
    assert!(outcomes.iter().all(|o| matches!(o, Outcome::Refused(refused) if refused.position.is_none())));
    let outcomes = post(&mut client, vec![activity(accounts, "1", EntryKind::Activity, 5)]).await;
    let first = posted(&outcomes[0]).entry;
    let mut version = activity(accounts, "2", EntryKind::ActivityVersion, 6);
    version.corrects = first;
    let outcomes = post(&mut client, vec![version]).await;
    let get = v1::GetEntryRequest { system: "s".into(), entry: first };
    let entry = client.get_entry(get).await.unwrap().into_inner().entry.unwrap();
    assert_eq!(entry.corrected_by, [posted(&outcomes[0]).entry.unwrap()]);
    world.close().await;
}
