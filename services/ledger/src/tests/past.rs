//! Balances at a day as known at an instant, statements and filters: against a naive fold over the entries.

use super::{ALLOCATION, LIMIT, PAYABLE, SPENT, World, activity, budget, id, leg, open, post, posting};
use proptest::{prelude::*, test_runner::TestRunner};
use proto::{
    common::v1::PageRequest,
    google::r#type::Date,
    ledger::v1::{
        self, DateBasis, EntryKind, Side,
        point_in_time::{Date as By, Known},
    },
};
use std::collections::{BTreeMap, BTreeSet};
use tonic::Code;
use wire::status::reason_of;

const NODES: [&str; 8] = [
    ALLOCATION,
    LIMIT,
    SPENT,
    PAYABLE,
    "10M",
    "10M/elective/2017-18/fund",
    "10M/elective/2017-18/owed",
    "resource-limit",
];

/// What a movement is asked to do to the books.
#[derive(Debug, Clone)]
enum Move {
    Activity { pence: i64, effective: u32, accounting: Option<u32> },
    Hold { pence: i64, effective: u32 },
    Capture { hold: usize, pence: i64, effective: u32 },
    Release { hold: usize },
}

/// The day that many days after 1 April 2017.
fn date(days: u32) -> Date {
    let day = jiff::civil::date(2017, 4, 1).checked_add(jiff::Span::new().days(i64::from(days))).unwrap();
    wire::common::date(day)
}

fn any_move() -> impl Strategy<Value = Move> {
    let (pence, day) = (1..2_000_000_i64, 0..400_u32);
    prop_oneof![
        5 => (pence.clone(), day.clone(), prop::option::of(day.clone()))
            .prop_map(|(pence, effective, accounting)| Move::Activity { pence, effective, accounting }),
        2 => (pence.clone(), day.clone()).prop_map(|(pence, effective)| Move::Hold { pence, effective }),
        1 => (any::<usize>(), pence, day)
            .prop_map(|(hold, pence, effective)| Move::Capture { hold, pence, effective }),
        1 => any::<usize>().prop_map(|hold| Move::Release { hold }),
    ]
}

fn made(accounts: [u64; 4], from: usize, moves: &[Move], holds: &mut Vec<Vec<u8>>) -> Vec<v1::Posting> {
    let mut postings = Vec::new();
    for (number, movement) in (from..).zip(moves) {
        let name = number.to_string();
        let of = |effective: u32, kind, action| v1::Posting {
            effective_date: Some(date(effective)),
            holds: vec![v1::HoldAction { action: Some(action) }],
            ..posting(&format!("hold {name}"), kind, Vec::new())
        };
        let some = |holds: &Vec<Vec<u8>>, at: usize| holds.get(at % holds.len().max(1)).cloned();
        postings.extend(match movement {
            Move::Activity { pence, effective, accounting } => Some(v1::Posting {
                effective_date: Some(date(*effective)),
                accounting_date: accounting.map(date),
                ..activity(accounts, &name, EntryKind::Activity, *pence)
            }),
            Move::Hold { pence, effective } => {
                let place = v1::PlaceHold {
                    account: accounts[2],
                    amount_pence: *pence,
                    expire_date: Some(Date { year: 2999, month: 1, day: 1 }),
                    name: Vec::new(),
                };
                let placed = of(*effective, EntryKind::Referral, v1::hold_action::Action::Place(place));
                holds.push(placed.request_id.clone());
                Some(placed)
            }
            Move::Capture { hold, pence, effective } => some(holds, *hold).map(|hold| {
                let capture = v1::CaptureHold { hold, amount_pence: Some(*pence) };
                let capture = v1::hold_action::Action::Capture(capture);
                let captured = of(*effective, EntryKind::Activity, capture);
                v1::Posting {
                    legs: vec![leg(accounts[2], Side::Debit, *pence), leg(accounts[2], Side::Credit, 1)]
                        .into_iter()
                        .map(|leg| v1::Leg { amount_pence: *pence, ..leg })
                        .collect(),
                    ..captured
                }
            }),
            Move::Release { hold } => some(holds, *hold).map(|hold| {
                of(0, EntryKind::HoldRelease, v1::hold_action::Action::Release(v1::ReleaseHold { hold }))
            }),
        });
    }
    postings
}

/// What one entry did to one account, read off its message.
#[derive(Debug, Clone)]
struct Fact {
    position: u64,
    recorded: (i64, i32),
    accounting: Date,
    effective: Date,
    path: String,
    totals: [i64; 4],
}

async fn facts(client: &mut super::Client, paths: &BTreeMap<u64, String>) -> Vec<Fact> {
    let mut on: BTreeMap<Vec<u8>, u64> = BTreeMap::new();
    let mut facts = Vec::new();
    for entry in all(client, v1::ListEntriesRequest { system: "s".into(), ..Default::default() }, 1_000).await
    {
        let posting = entry.posting.clone().unwrap();
        let time = entry.recorded_time.unwrap();
        let mut add = |account: u64, at: usize, pence: i64| {
            let mut totals = [0; 4];
            totals[at] = pence;
            facts.push(Fact {
                position: entry.name.unwrap().position,
                recorded: (time.seconds, time.nanos),
                accounting: entry.accounting_date.unwrap(),
                effective: posting.effective_date.unwrap(),
                path: paths[&account].clone(),
                totals,
            });
        };
        for leg in &posting.legs {
            add(leg.account, usize::from(leg.side() == Side::Credit), leg.amount_pence);
        }
        for (action, moved) in posting.holds.iter().zip(&entry.held_pence) {
            match action.action.as_ref().unwrap() {
                v1::hold_action::Action::Place(place) => {
                    on.insert(posting.request_id.clone(), place.account);
                    add(place.account, 2, *moved);
                }
                v1::hold_action::Action::Capture(v1::CaptureHold { hold, .. })
                | v1::hold_action::Action::Release(v1::ReleaseHold { hold }) => {
                    add(on[hold.as_slice()], 3, *moved);
                }
            }
        }
    }
    facts
}

fn key(date: Date) -> (i32, i32, i32) {
    (date.year, date.month, date.day)
}

fn below(node: &str, path: &str) -> bool {
    path == node || path.starts_with(&format!("{node}/"))
}

fn fold<'a>(facts: impl Iterator<Item = &'a Fact>) -> [i64; 4] {
    facts.fold([0; 4], |mut sum, fact| {
        sum.iter_mut().zip(fact.totals).for_each(|(sum, more)| *sum += more);
        sum
    })
}

fn totals(totals: Option<v1::Totals>) -> [i64; 4] {
    let v1::Totals { debits_pence, credits_pence, holds_placed_pence, holds_ended_pence } = totals.unwrap();
    [debits_pence, credits_pence, holds_placed_pence, holds_ended_pence]
}

/// Every page of a listing.
async fn all(client: &mut super::Client, request: v1::ListEntriesRequest, size: i32) -> Vec<v1::Entry> {
    let (mut found, mut page_token) = (Vec::new(), String::new());
    loop {
        let page = Some(PageRequest { page_size: size, page_token });
        let answer = client
            .list_entries(v1::ListEntriesRequest { page, ..request.clone() })
            .await
            .unwrap()
            .into_inner();
        found.extend(answer.entries);
        page_token = answer.page.unwrap().next_page_token;
        if page_token.is_empty() {
            return found;
        }
    }
}

/// Every page of a statement: its lines, opening and closing totals.
async fn statement(
    client: &mut super::Client,
    request: v1::GetStatementRequest,
    size: i32,
) -> (Vec<v1::StatementLine>, v1::GetStatementResponse) {
    let (mut lines, mut page_token) = (Vec::new(), String::new());
    loop {
        let page = Some(PageRequest { page_size: size, page_token });
        let request = v1::GetStatementRequest { page, ..request.clone() };
        let mut answer = client.get_statement(request).await.unwrap().into_inner();
        lines.append(&mut answer.lines);
        page_token = answer.page.clone().unwrap().next_page_token;
        if page_token.is_empty() {
            return (lines, answer);
        }
    }
}

async fn paths(client: &mut super::Client) -> BTreeMap<u64, String> {
    let request = v1::GetTrialBalanceRequest { system: "s".into(), ..Default::default() };
    let accounts = client.get_trial_balance(request).await.unwrap().into_inner().accounts;
    accounts.into_iter().map(|account| (account.number, account.path)).collect()
}

fn asked(facts: &[Fact], by: &Option<By>, known: &Option<Known>) -> impl Fn(&&Fact) -> bool + use<> {
    let last = facts.iter().map(|fact| fact.position).max();
    let (by, known) = (*by, *known);
    move |fact| {
        let dated = match &by {
            None => true,
            Some(By::AccountingDate(date)) => key(fact.accounting) <= key(*date),
            Some(By::EffectiveDate(date)) => key(fact.effective) <= key(*date),
        };
        let known = match &known {
            None => Some(fact.position) <= last,
            Some(Known::Position(position)) => fact.position <= *position,
            Some(Known::RecordedTime(time)) => fact.recorded <= (time.seconds, time.nanos),
        };
        dated && known
    }
}

/// One question, and whether the answer is that of the naive fold.
async fn balance_is_the_folds(
    client: &mut super::Client,
    facts: &[Fact],
    node: &str,
    by: Option<By>,
    known: Option<Known>,
) {
    let meant = asked(facts, &by, &known);
    let at = Some(v1::PointInTime { date: by, known });
    let request = v1::GetBalanceRequest { system: "s".into(), path: node.into(), at, ..Default::default() };
    let answer = client.get_balance(request).await.unwrap().into_inner().balance.unwrap();
    let expected = fold(facts.iter().filter(|fact| below(node, &fact.path)).filter(meant));
    assert_eq!(totals(answer.totals), expected, "{node} {by:?} {known:?}");
}

#[test]
fn any_balance_at_any_day_as_known_at_any_instant_is_the_fold_of_its_records() {
    let mut runner = TestRunner::new(ProptestConfig { cases: 6, ..ProptestConfig::default() });
    let moves = prop::collection::vec(any_move(), 200..700);
    let questions = prop::collection::vec(
        (any::<prop::sample::Index>(), 0..4_u8, 0..420_u32, 0..3_u8, any::<prop::sample::Index>()),
        40,
    );
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runner
        .run(&(moves, questions), |(moves, questions)| {
            runtime.block_on(async {
                let folder = tempfile::tempdir().unwrap();
                let mut holds = Vec::new();
                let half = moves.len() / 2;
                // Half of it is in the read store when the rest comes.
                let world = World::open(folder.path()).await;
                let mut client = world.client.clone();
                let accounts = open(&mut client).await;
                post(&mut client, vec![budget(accounts, 1_000_000)]).await;
                post(&mut client, made(accounts, 0, &moves[..half], &mut holds)).await;
                world.close().await;
                let world = World::open(folder.path()).await;
                let mut client = world.client.clone();
                post(&mut client, made(accounts, half, &moves[half..], &mut holds)).await;
                let paths = paths(&mut client).await;
                let facts = facts(&mut client, &paths).await;
                assert!(facts.len() > moves.len());
                for (node, by, day, known, at) in &questions {
                    let by = match by {
                        0 => None,
                        1 => Some(By::AccountingDate(date(*day))),
                        _ => Some(By::EffectiveDate(date(*day))),
                    };
                    let at = at.get(&facts);
                    let known = match known {
                        0 => None,
                        1 => Some(Known::Position(at.position)),
                        _ => Some(Known::RecordedTime(prost_types::Timestamp {
                            seconds: at.recorded.0,
                            nanos: at.recorded.1,
                        })),
                    };
                    balance_is_the_folds(&mut client, &facts, NODES[node.index(NODES.len())], by, known)
                        .await;
                }
                statements_are_the_folds(&mut client, &facts, &questions).await;
                world.close().await;
            });
            Ok(())
        })
        .unwrap();
}

type Question = (prop::sample::Index, u8, u32, u8, prop::sample::Index);

/// A statement opens with what is dated before, moves by what is dated within, and closes with what is dated by its end.
async fn statements_are_the_folds(client: &mut super::Client, facts: &[Fact], questions: &[Question]) {
    for (node, basis, day, _, at) in questions.iter().take(6) {
        let (node, at) = (NODES[node.index(NODES.len())], at.get(facts));
        let effective = *basis > 1;
        let basis = if effective { DateBasis::Effective } else { DateBasis::Accounting };
        let (from, to) = (date(*day), date(day + 60));
        let request = v1::GetStatementRequest {
            system: "s".into(),
            path: node.into(),
            basis: basis.into(),
            from_date: Some(from),
            to_date: Some(to),
            known: Some(v1::get_statement_request::Known::Position(at.position)),
            ..Default::default()
        };
        let of = |fact: &Fact| key(if effective { fact.effective } else { fact.accounting });
        let there = facts.iter().filter(|fact| below(node, &fact.path) && fact.position <= at.position);
        let (lines, answer) = statement(client, request, 37).await;
        let within = there.clone().filter(|fact| (key(from)..=key(to)).contains(&of(fact)));
        let sums = fold(within.clone());
        assert_eq!(totals(answer.opening), fold(there.clone().filter(|fact| of(fact) < key(from))), "{node}");
        assert_eq!(totals(answer.closing), fold(there.filter(|fact| of(fact) <= key(to))), "{node}");
        let sum = |of: fn(&v1::StatementLine) -> i64| lines.iter().map(of).sum::<i64>();
        assert_eq!([sum(|l| l.debit_pence), sum(|l| l.credit_pence)], sums[..2]);
        assert_eq!(sum(|l| l.held_pence), sums[2] - sums[3]);
        if let Some(last) = lines.last() {
            assert_eq!(
                last.balance_pence, answer.closing_balance_pence,
                "the last line is the closing balance"
            );
        }
        let names: BTreeSet<_> = lines.iter().map(|l| (l.entry.unwrap().position, l.account)).collect();
        assert_eq!(names.len(), lines.len(), "no line twice");
        let moving = within.filter(|fact| fact.totals != [0; 4]);
        let expected: BTreeSet<u64> = moving.map(|fact| fact.position).collect();
        assert_eq!(names.iter().map(|(position, _)| *position).collect::<BTreeSet<_>>(), expected);
    }
}

#[tokio::test]
async fn what_was_not_there_or_has_not_come_is_never_zero() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path()).await;
    let mut client = world.client.clone();
    let accounts = open(&mut client).await;
    post(&mut client, vec![budget(accounts, 1_000)]).await;
    let other = "11D/elective/2017-18/owed/payable/NT3";
    let request = v1::OpenAccountsRequest {
        system: "s".into(),
        request_id: id("other").to_string(),
        paths: vec![other.to_owned()],
    };
    let opened = client.open_accounts(request).await.unwrap().into_inner().accounts[0].number;
    let known = |position| Some(Known::Position(position));
    let future = prost_types::Timestamp { seconds: 32_503_680_000, nanos: 0 };
    let past = prost_types::Timestamp { seconds: 1, nanos: 0 };
    let day = |year| Some(By::AccountingDate(Date { year, month: 1, day: 1 }));
    let table = [
        ("no account there", "10N", None, known(opened), Code::NotFound, "NODE_UNKNOWN"),
        ("opened later", other, None, known(opened - 1), Code::NotFound, "NOT_KNOWN_YET"),
        (
            "before the first record",
            other,
            None,
            Some(Known::RecordedTime(past)),
            Code::NotFound,
            "NOT_KNOWN_YET",
        ),
        (
            "an instant to come",
            other,
            None,
            Some(Known::RecordedTime(future)),
            Code::OutOfRange,
            "NOT_COME_YET",
        ),
        ("a day to come", other, day(2999), None, Code::OutOfRange, "NOT_COME_YET"),
        ("no such record", other, None, known(9_999), Code::OutOfRange, "POSITION_AHEAD"),
    ];
    for (what, path, date, known, code, reason) in table {
        let at = Some(v1::PointInTime { date, known });
        let balance =
            v1::GetBalanceRequest { system: "s".into(), path: path.into(), at, ..Default::default() };
        let refused = client.get_balance(balance).await.unwrap_err();
        assert_eq!(
            (refused.code(), reason_of(&refused).as_deref()),
            (code, Some(reason)),
            "{what}: {refused}"
        );
        let line = path.split('/').take(3).collect::<Vec<_>>().join("/");
        let at = Some(v1::PointInTime { date, known });
        let position = v1::GetLinePositionRequest { system: "s".into(), line, at, ..Default::default() };
        let refused = client.get_line_position(position).await.unwrap_err();
        assert_eq!(reason_of(&refused).as_deref(), Some(reason), "{what}: {refused}");
    }
    // Where it was known and nothing had happened, nothing is the answer.
    let at = Some(v1::PointInTime { date: day(2018), known: known(opened) });
    let balance = v1::GetBalanceRequest { system: "s".into(), path: other.into(), at, ..Default::default() };
    assert_eq!(client.get_balance(balance).await.unwrap().into_inner().balance.unwrap().balance_pence, 0);
    // A line as it stood is the line of the state, when everything is known.
    let at = Some(v1::PointInTime { date: None, known: known(opened) });
    let line = |at| v1::GetLinePositionRequest {
        system: "s".into(),
        line: "10M/elective/2017-18".into(),
        at,
        ..Default::default()
    };
    let stood = client.get_line_position(line(at)).await.unwrap().into_inner().position;
    assert_eq!(stood, client.get_line_position(line(None)).await.unwrap().into_inner().position);
    let trial = |at| v1::GetTrialBalanceRequest { system: "s".into(), at, ..Default::default() };
    let stood = client.get_trial_balance(trial(at)).await.unwrap().into_inner();
    let stands = client.get_trial_balance(trial(None)).await.unwrap().into_inner();
    assert_eq!((stood.accounts, stood.sums), (stands.accounts, stands.sums));
    world.close().await;
}

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
