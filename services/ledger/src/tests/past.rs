//! Balances at a day as known at an instant, and statements: against a naive fold over the entries.

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
pub(super) fn date(days: u32) -> Date {
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
pub(super) async fn all(
    client: &mut super::Client,
    request: v1::ListEntriesRequest,
    size: i32,
) -> Vec<v1::Entry> {
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
pub(super) async fn statement(
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
