//! Many clients on one hot line while months close and open again.

use super::*;
use std::collections::BTreeMap;

const CLIENTS: u64 = 24;
const POSTINGS: u64 = 40;
const PENCE: i64 = 7;

fn date(period: &str) -> proto::google::r#type::Date {
    let (year, month) = period.split_once('-').unwrap();
    proto::google::r#type::Date { year: year.parse().unwrap(), month: month.parse().unwrap(), day: 28 }
}

fn person(name: &str) -> Caller {
    Caller::from_uris([&format!("urn:almoner:person:{name}"), "urn:almoner:role:finance-approver"]).unwrap()
}

/// Closes and reopens months; gives, by position, each month and whether it then took postings of one person.
async fn close_and_open(mut ann: Client, mut bob: Client) -> Vec<(u64, &'static str, bool)> {
    let mut marks = Vec::new();
    for round in 0..6 {
        for period in ["2017-05", "2017-06"] {
            let (system, reason) = ("s".to_owned(), "test".to_owned());
            let request_id = id(&format!("close {round} {period}")).to_string();
            let period_text = period.to_owned();
            let recorded = if round % 2 == 0 {
                let request = v1::SoftClosePeriodRequest { system, request_id, period: period_text, reason };
                ann.soft_close_period(request).await.unwrap().into_inner().recorded
            } else {
                let request = v1::ClosePeriodRequest { system, request_id, period: period_text, reason };
                ann.close_period(request).await.unwrap().into_inner().recorded
            };
            marks.push((recorded.unwrap().position, period, false));
        }
        for period in ["2017-05", "2017-06"] {
            let reopen = v1::ReopenPeriodRequest {
                system: "s".into(),
                request_id: id(&format!("reopen {round} {period}")).to_string(),
                period: period.into(),
                reason: "test".into(),
                expire_date: None,
            };
            let proposed = ann.reopen_period(reopen).await.unwrap().into_inner();
            let approve = v1::ApproveProposalRequest {
                system: "s".into(),
                request_id: id(&format!("approve {round} {period}")).to_string(),
                proposal: proposed.recorded.unwrap().position,
                digest: proposed.digest,
            };
            let done = bob.approve_proposal(approve).await.unwrap().into_inner();
            marks.push((done.recorded.unwrap().position, period, true));
        }
    }
    marks
}

/// Posts one by one, each twice: what was answered first is answered again. Gives position and month of each entry.
async fn post_one_by_one(mut client: Client, accounts: [u64; 4], from: u64) -> Vec<(u64, String)> {
    let mut made = Vec::new();
    for n in from..from + POSTINGS {
        let period = if n % 2 == 0 { "2017-05" } else { "2017-06" };
        let mut posting = activity(accounts, &n.to_string(), EntryKind::Activity, PENCE);
        posting.effective_date = Some(date(period));
        posting.accounting_date = Some(date(period));
        let first = post(&mut client, vec![posting.clone()]).await;
        let again = post(&mut client, vec![posting]).await;
        let (first, again) = (posted(&first[0]), posted(&again[0]));
        assert!(
            again.replayed && first.entry == again.entry && first.accounting_date == again.accounting_date
        );
        let day = first.accounting_date.unwrap();
        let month = format!("{:04}-{:02}", day.year, day.month);
        assert_eq!(first.period_of_origin, if month == period { "" } else { period });
        made.push((first.entry.unwrap().position, month));
    }
    made
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_clients_post_on_one_line_while_months_close() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path()).await;
    let mut client = world.client.clone();
    let accounts = open(&mut client).await;
    post(&mut client, vec![budget(accounts, 1_000_000)]).await;
    let (ann, bob) = (world.also_as(person("1")).await, world.also_as(person("2")).await);
    let closing = tokio::spawn(close_and_open(ann, bob));
    let posting: Vec<_> = (0..CLIENTS)
        .map(|n| tokio::spawn(post_one_by_one(client.clone(), accounts, 1_000 + n * POSTINGS)))
        .collect();
    let marks = closing.await.unwrap();
    let mut entries = BTreeMap::new();
    for task in posting {
        for (position, month) in task.await.unwrap() {
            assert!(entries.insert(position, month).is_none(), "a position is one entry's");
        }
    }
    assert_eq!(entries.len() as u64, CLIENTS * POSTINGS);
    // Nothing was accounted for in a month that was not open where the journal says so.
    for (position, month) in &entries {
        let before = marks.iter().filter(|(at, period, _)| at < position && period == month);
        assert!(before.max_by_key(|(at, ..)| *at).is_none_or(|(.., open)| *open), "{position} {month}");
    }
    let line = line(&mut client).await;
    assert_eq!(line.accrued_pence, PENCE * i64::try_from(CLIENTS * POSTINGS).unwrap());
    assert_eq!(line.allocated_pence, line.accrued_pence + line.available_pence);
    let request = v1::ListWindowsRequest { system: "s".into(), ..v1::ListWindowsRequest::default() };
    let windows = client.list_windows(request).await.unwrap().into_inner().windows;
    assert_eq!((u64::from(windows[0].seq), windows[0].total_pence), (CLIENTS * POSTINGS, line.accrued_pence));
    world.close().await;
}
