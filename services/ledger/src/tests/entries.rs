//! Entries found by every filter, page by page while writes go on, and in a tail.

use super::{
    PAYABLE, World, activity, budget, open,
    past::{all, date, statement},
    post,
};
use proto::{
    common::v1::PageRequest,
    google::r#type::Date,
    ledger::v1::{self, EntryKind},
};
use wire::status::reason_of;

#[tokio::test]
async fn entries_are_found_by_every_filter() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path()).await;
    let mut client = world.client.clone();
    let accounts = open(&mut client).await;
    let mut batch = vec![budget(accounts, 100_000)];
    batch.extend((1..=60).map(|n: u32| v1::Posting {
        accounting_date: Some(date(n * 3)),
        ..activity(
            accounts,
            &n.to_string(),
            if n.is_multiple_of(4) { EntryKind::Contest } else { EntryKind::Activity },
            i64::from(n) * 100,
        )
    }));
    post(&mut client, batch).await;
    let system = || v1::ListEntriesRequest { system: "s".into(), ..Default::default() };
    let everything = all(&mut client, system(), 1_000).await;
    assert_eq!(everything.len(), 61);
    let caller = "urn:almoner:service:settlement";
    let amount = |entry: &v1::Entry| entry.posting.as_ref().unwrap().legs[0].amount_pence;
    let kind = |entry: &v1::Entry| entry.posting.as_ref().unwrap().kind();
    let month = |entry: &v1::Entry| entry.accounting_date.map(|date| (date.year, date.month));
    let ordered = |date: Option<Date>| date.map(|date| (date.year, date.month, date.day));
    let on = |days| ordered(Some(date(days)));
    let accounted = |entry: &v1::Entry| ordered(entry.accounting_date);
    let happened = |entry: &v1::Entry| ordered(entry.posting.as_ref().unwrap().effective_date);
    let time = everything[30].recorded_time.unwrap();
    type Fits<'a> = Box<dyn Fn(&v1::Entry) -> bool + 'a>;
    let table: Vec<(v1::ListEntriesRequest, Fits<'_>)> = vec![
        (
            v1::ListEntriesRequest { period: "2017-05".into(), ..system() },
            Box::new(|e| month(e) == Some((2017, 5))),
        ),
        (
            v1::ListEntriesRequest { kind: EntryKind::Contest.into(), ..system() },
            Box::new(|e| kind(e) == EntryKind::Contest),
        ),
        (v1::ListEntriesRequest { caller: caller.into(), ..system() }, Box::new(|_| true)),
        (
            v1::ListEntriesRequest {
                amount_pence_min: Some(1_500),
                amount_pence_max: Some(4_096),
                ..system()
            },
            Box::new(|e| (1_500..=4_096).contains(&amount(e))),
        ),
        (
            v1::ListEntriesRequest {
                of: Some(v1::list_entries_request::Of::Account(accounts[3])),
                period: "2017-06".into(),
                kind: EntryKind::Activity.into(),
                amount_pence_min: Some(2_500),
                ..system()
            },
            Box::new(|e| month(e) == Some((2017, 6)) && kind(e) == EntryKind::Activity && amount(e) >= 2_500),
        ),
        (
            v1::ListEntriesRequest { recorded_from: Some(time), ..system() },
            Box::new(|e| e.recorded_time.map(|t| (t.seconds, t.nanos)) >= Some((time.seconds, time.nanos))),
        ),
        (
            v1::ListEntriesRequest { recorded_before: Some(time), ..system() },
            Box::new(|e| e.recorded_time.map(|t| (t.seconds, t.nanos)) < Some((time.seconds, time.nanos))),
        ),
        (
            v1::ListEntriesRequest {
                accounting_from: Some(date(20)),
                accounting_to: Some(date(95)),
                money_only: true,
                ..system()
            },
            Box::new(|e| (on(20)..=on(95)).contains(&accounted(e))),
        ),
        (
            v1::ListEntriesRequest { accounting_from: Some(date(95)), ..system() },
            Box::new(|e| accounted(e) >= on(95)),
        ),
        (
            v1::ListEntriesRequest { accounting_to: Some(date(20)), ..system() },
            Box::new(|e| accounted(e) <= on(20)),
        ),
        (
            v1::ListEntriesRequest {
                effective_from: everything[1].posting.as_ref().unwrap().effective_date,
                ..system()
            },
            Box::new(|e| happened(e) >= happened(&everything[1])),
        ),
        (
            v1::ListEntriesRequest { effective_to: Some(date(1)), ..system() },
            Box::new(|e| happened(e) <= on(1)),
        ),
        (
            v1::ListEntriesRequest {
                of: Some(v1::list_entries_request::Of::Node("10M/elective/2017-18/owed".into())),
                ..system()
            },
            Box::new(|e| kind(e) != EntryKind::Allocation),
        ),
        (v1::ListEntriesRequest { paying_only: true, ..system() }, Box::new(|_| false)),
    ];
    for (request, fits) in table {
        let expected: Vec<_> =
            everything.iter().filter(|entry| fits(entry)).map(|entry| entry.name).collect();
        for size in [3, 1_000] {
            let found: Vec<_> =
                all(&mut client, request.clone(), size).await.iter().map(|e| e.name).collect();
            assert_eq!(found, expected, "{request:?}");
        }
    }
    let nowhere = v1::list_entries_request::Of::Node("11D".into());
    let refused =
        client.list_entries(v1::ListEntriesRequest { of: Some(nowhere), ..system() }).await.unwrap_err();
    assert_eq!(reason_of(&refused).as_deref(), Some("NODE_UNKNOWN"));
    // Lines as they stood are the sum of what they were when asked one by one.
    for day in [20, 95] {
        let at = Some(v1::PointInTime {
            date: Some(v1::point_in_time::Date::AccountingDate(date(day))),
            known: None,
        });
        let lines = v1::ListLinePositionsRequest { system: "s".into(), at, ..Default::default() };
        let lines = client.list_line_positions(lines).await.unwrap().into_inner();
        let one = v1::GetLinePositionRequest {
            system: "s".into(),
            line: "10M/elective/2017-18".into(),
            at,
            ..Default::default()
        };
        let one = client.get_line_position(one).await.unwrap().into_inner().position.unwrap();
        assert_eq!(lines.positions, std::slice::from_ref(&one));
        assert_eq!(lines.sum, Some(v1::LinePosition { line: String::new(), ..one }));
    }
    let nobody = v1::ListEntriesRequest { caller: "urn:almoner:person:nobody".into(), ..system() };
    let refused = client.list_entries(nobody).await.unwrap_err();
    assert_eq!(reason_of(&refused).as_deref(), Some("CALLER_NEVER_CALLED"));
    world.close().await;
}

#[tokio::test]
async fn pages_show_each_entry_once_while_writes_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path()).await;
    let mut client = world.client.clone();
    let accounts = open(&mut client).await;
    post(&mut client, vec![budget(accounts, 100_000)]).await;
    let more = move |from: u32| {
        (from..from + 10).map(|n| activity(accounts, &n.to_string(), EntryKind::Activity, 5)).collect()
    };
    post(&mut client, more(0)).await;
    let mut writer = world.client.clone();
    let writing = tokio::spawn(async move {
        for part in 1..=40 {
            post(&mut writer, more(part * 10)).await;
        }
    });
    let mut grew = 0;
    for round in 0..6 {
        let of = (round % 2 == 0).then_some(v1::list_entries_request::Of::Account(accounts[3]));
        let (mut names, mut page_token, mut through) = (Vec::new(), String::new(), None);
        loop {
            let page = Some(PageRequest { page_size: 7, page_token });
            let request =
                v1::ListEntriesRequest { system: "s".into(), of: of.clone(), page, ..Default::default() };
            let answer = client.list_entries(request).await.unwrap().into_inner();
            through.get_or_insert_with(|| answer.as_of.unwrap().position.unwrap());
            names.extend(answer.entries.iter().map(|entry| entry.name.unwrap().position));
            page_token = answer.page.unwrap().next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        assert!(names.is_sorted_by(|a, b| a < b), "in order, none twice");
        // Then nothing more is written up to there, and the whole can be asked again.
        let all =
            all(&mut client, v1::ListEntriesRequest { system: "s".into(), of, ..Default::default() }, 1_000)
                .await;
        let expected: Vec<u64> =
            all.iter().map(|e| e.name.unwrap().position).filter(|p| *p <= *names.last().unwrap()).collect();
        assert_eq!(names, expected, "none left out");
        assert!(names.last() <= through.as_ref());
        grew += usize::from(all.len() > names.len());
        let request =
            v1::GetStatementRequest { system: "s".into(), path: PAYABLE.into(), ..Default::default() };
        let (lines, answer) = statement(&mut client, request, 53).await;
        assert_eq!(lines.last().unwrap().balance_pence, answer.closing_balance_pence);
        assert_eq!(answer.closing_balance_pence, 5 * i64::try_from(lines.len()).unwrap());
    }
    writing.await.unwrap();
    assert!(grew > 0, "writes went on");
    world.close().await;
}

#[tokio::test]
async fn a_tail_gives_the_balances_after_each_entry_from_anywhere() {
    use tokio_stream::StreamExt as _;
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path()).await;
    let mut client = world.client.clone();
    let accounts = open(&mut client).await;
    let mut batch = vec![budget(accounts, 100_000)];
    batch.extend((1..=9).map(|n: i64| activity(accounts, &n.to_string(), EntryKind::Activity, n)));
    let outcomes = post(&mut client, batch).await;
    let fifth = super::posted(&outcomes[5]).entry.unwrap().position;
    let tail = v1::TailEntriesRequest { system: "s".into(), from_position: fifth, with_balances: true };
    let mut stream = client.tail_entries(tail).await.unwrap().into_inner();
    let first = stream.next().await.unwrap().unwrap();
    assert_eq!(first.entries.len(), first.balances.len());
    let spent: Vec<i64> = first.balances.iter().map(|b| b.accounts[0].debits_pence).collect();
    assert_eq!(spent, [15, 21, 28, 36, 45], "1 + 2 + … as each entry left it");
    assert!(first.balances.iter().all(|b| b.accounts[1].credits_pence == b.accounts[0].debits_pence));
    post(&mut client, vec![activity(accounts, "10", EntryKind::Activity, 5)]).await;
    let second = stream.next().await.unwrap().unwrap();
    assert_eq!(second.balances[0].accounts[0].debits_pence, 50);
    drop(stream);
    world.close().await;
}
