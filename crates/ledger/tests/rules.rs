//! Refusals in order of precedence, limits, holds, windows, reversals and periods.

mod common;
use common::{Book, request_id};
use journal::{Day, Item, Position};
use ledger::{
    Command, EntryKind, Event, HoldAction, LEGS_PER_GROUP_MAX, Leg, OpenAccount, PostGroup, Posting, Refusal,
    Stage, WindowKey, WindowUse,
};
use money::{NetPence, Pence, Side};

fn run(grid: &str) -> Book {
    let mut book = Book::default();
    book.run("post budget allocation: D R 100000; C E/fund/allocation 100000");
    book.run(grid);
    book
}

#[test]
fn refusals_come_in_order_of_precedence() {
    run("post p1 activity: -> EMPTY
         post p2 activity: D E/fund/expenditure/third-party 0; C E/out/bank 5 adds run 0 -> AMOUNT_ZERO
         close E/owed/payable/OLD
         post p3 activity: D E/owed/payable/OLD 1; C E/out/bank 5 adds run 0 -> ACCOUNT_CLOSED
         post p4 activity: D E/owed/payable/NT3 1; C E/out/bank 5 adds run 0 -> WINDOW_MISSING
         post p5 activity: D E/out/in-transit 1; C E/out/bank 5 adds run 0 -> WINDOW_NOT_ALLOWED
         post p6 activity: D E/out/in-transit 1; C E/out/bank 5; place E/out/bank 5 until 2017-07-01 -> UNBALANCED
         post p7 activity: D E/out/in-transit 5; C E/out/bank 5; place E/out/bank 5 until 2017-07-01 -> HOLD_NOT_ON_FUND
         post h referral: place E/fund/expenditure/third-party 5 until 2017-07-01
         post h referral: place E/fund/expenditure/third-party 5 until 2017-07-01 -> HOLD_EXISTS
         post p8 payment-instructed: D E/owed/payable/NT3 5 pays run 1; C E/out/in-transit 5 -> WINDOW_NOT_SEALED");
}

#[test]
fn every_part_balances_by_itself() {
    run("# two lines that balance only together
         post p1 activity: D E/out/bank 5; C N/out/bank 5 -> UNBALANCED
         # an allocation against an expenditure of its own line
         post p2 activity: D E/fund/expenditure/third-party 5; C E/fund/allocation 5 -> UNBALANCED
         # the resource limit of another year
         post p3 allocation: D RN 5; C E/fund/allocation 5 -> UNBALANCED
         # the resource limit against anything but an allocation
         post p4 allocation: D R 5; C E/out/bank 5 -> UNBALANCED
         # the memorandum section apart from the books
         post p5 target: D target/10M 5; C E/out/bank 5 -> UNBALANCED
         post p6 target: D target/10M 5; C target/RHW 5
         line E allocated=100000 available=100000");
}

#[test]
fn limits_warn_or_refuse_and_never_bind_reports() {
    let book = run("limit hard E/fund floor=0
         limit warn E/fund/expenditure ceiling=50000
         post r1 referral: place E/fund/expenditure/third-party 60000 until 2017-12-01
         line E available=40000
         # an ask may not pass the floor, a report may
         post ask on-account: D E/fund/prepayment/RHW 40001; C E/owed/payable/RHW 40001 adds instalment 2017-06-15 -> LIMIT_EXCEEDED
         post all on-account: D E/fund/prepayment/RHW 40000; C E/owed/payable/RHW 40000 adds instalment 2017-06-15
         post rep activity: D E/fund/expenditure/third-party 70000; C E/owed/payable/NT3 70000 adds cut 2017-06 freeze; capture r1
         line E available=-10000
         # what brings it back is never refused, though it stays outside
         post back true-up: D E/owed/payable/RHW 5000 adds run 0; C E/fund/prepayment/RHW 5000
         line E available=-5000
         # the limit is lifted, once
         limit hard E/fund
         limit hard E/fund -> LIMIT_MISSING
         limit hard E/fund floor=5 ceiling=4 -> LIMIT_INVERTED
         post ask2 on-account: D E/fund/prepayment/RHW 40001; C E/owed/payable/RHW 40001 adds instalment 2017-06-15");
    assert_eq!(book.state.limits_in_force().count(), 1);
}

#[test]
fn a_refused_limit_says_what_remains_and_a_warning_what_was_reached() {
    let mut book = run("limit hard E/fund floor=-10
                        limit warn E/out ceiling=5");
    let (bank, transit) = (
        book.account("10M/elective/2017-18/out/bank"),
        book.account("10M/elective/2017-18/fund/expenditure/third-party"),
    );
    let leg = |account, side, pence| Leg { account, side, pence: Pence::from_u32(pence), window: None };
    let post = |pence| {
        Command::Post(Posting::new(
            EntryKind::WriteOff,
            Day::new(17_000),
            vec![leg(transit, Side::Debit, pence), leg(bank, Side::Credit, pence)],
        ))
    };
    let refused = book.submit(request_id("a"), &post(100_011)).1.unwrap_err();
    assert!(
        matches!(refused, Refusal::LimitExceeded { remaining, .. } if remaining == Pence::from_u32(100_010)),
        "{refused:?}"
    );
    let Event::Posted(posted) = book.submit(request_id("b"), &post(6)).1.unwrap() else { panic!() };
    assert_eq!(posted[0].breaches.len(), 1);
    assert_eq!(posted[0].breaches[0].measure, NetPence::new(6));
}

#[test]
fn holds_expire_on_their_day_and_late_captures_move_nothing() {
    let book = run("post r1 referral: place E/fund/expenditure/third-party 60000 until 2017-06-10
         day 2017-06-09
         hold r1 60000
         line E committed=60000 available=40000
         day 2017-06-10
         hold r1 0
         line E committed=0 available=100000
         post a1 activity: D E/fund/expenditure/third-party 7; C E/owed/payable/NT3 7 adds cut 2017-06 freeze; capture r1
         post x hold-release: release r1
         line E committed=0 accrued=7 available=99993");
    let totals = book.state.sums();
    assert_eq!((totals.holds_placed, totals.holds_ended), (totals.holds_ended, totals.holds_placed));
}

#[test]
fn a_hold_may_be_placed_again_under_its_own_name() {
    let mut book = run("post r1 referral: place E/fund/expenditure/third-party 60 until 2017-12-01");
    let account = book.account("10M/elective/2017-18/fund/expenditure/in-system");
    let name = request_id("r1");
    let mut posting = Posting::new(EntryKind::YearEnd, book.day, vec![]);
    posting.holds = vec![
        HoldAction::Release { hold: name },
        HoldAction::Place {
            account,
            pence: Pence::from_u32(50),
            expires: book.day.plus(9),
            name: Some(name),
        },
    ];
    let Event::Posted(posted) = book.submit(request_id("again"), &Command::Post(posting)).1.unwrap() else {
        panic!()
    };
    assert_eq!(posted[0].held, [Pence::from_u32(60), Pence::from_u32(50)]);
    assert_eq!(book.state.hold(name).unwrap().account, account);
    assert_eq!(book.state.hold_count(), 1);
    book.check();
}

#[test]
fn an_entry_is_reversed_once_and_in_its_window() {
    run("post a1 activity: D E/fund/expenditure/third-party 70; C E/owed/payable/NT3 70 adds cut 2017-06 freeze
         reverse a1
         line E accrued=0 available=100000
         window 10M NT3 cut 2017-06 freeze = seq 2 total 0 paid 0
         reverse a1 -> ALREADY_REVERSED
         post a2 activity: D E/fund/expenditure/third-party 70; C E/owed/payable/NT3 70 adds cut 2017-06 freeze
         seal 10M NT3 cut 2017-06 freeze
         post i payment-instructed: D E/owed/payable/NT3 70 pays cut 2017-06 freeze; C E/out/in-transit 70
         reverse i
         window 10M NT3 cut 2017-06 freeze = seq 3 total 70 paid 0 sealed
         reverse a2
         window 10M NT3 run 1 = seq 1 total -70 paid 0");
}

#[test]
fn windows_are_sealed_in_order() {
    run("seal 10M NT3 run 2 -> WINDOW_UNKNOWN
         seal 10M NT3 run 0 -> WINDOW_UNKNOWN
         seal 10M NT3 run 1
         seal 10M NT3 run 1
         post a1 activity: D E/fund/expenditure/third-party 7; C E/owed/payable/NT3 7 adds run 1
         window 10M NT3 run 2 = seq 1 total 7 paid 0
         # an empty window is sealed too, so that what names it later goes to the run
         seal 10M NT3 cut 2017-05 freeze
         post a2 activity: D E/fund/expenditure/third-party 5; C E/owed/payable/NT3 5 adds cut 2017-05 freeze
         window 10M NT3 run 2 = seq 2 total 12 paid 0
         window 10M NT3 cut 2017-05 freeze = seq 0 total 0 paid 0 sealed
         # one payee's windows are not another's
         post a3 activity: D E/fund/expenditure/third-party 5; C E/owed/payable/NT4 5 adds cut 2017-05 freeze
         window 10M NT4 cut 2017-05 freeze = seq 1 total 5 paid 0");
}

#[test]
fn entries_are_accounted_for_in_open_months() {
    let mut book = run("close-period 2017-06 -> PERIOD_NOT_OVER
         day 2017-07-03
         reopen-period 2017-05 -> PERIOD_NOT_CLOSED
         close-period 2017-05
         close-period 2017-05 -> PERIOD_CLOSED
         reopen-period 2017-05 -> SAME_PERSON");
    let bank = book.account("10M/elective/2017-18/out/bank");
    let transit = book.account("10M/elective/2017-18/out/in-transit");
    let mut accounted = |proposed: Option<&str>| {
        let leg = |account, side| Leg { account, side, pence: Pence::from_u32(1), window: None };
        let legs = vec![leg(bank, Side::Debit), leg(transit, Side::Credit)];
        let mut posting = Posting::new(EntryKind::PaymentConfirmed, book.day, legs);
        posting.accounting_date = proposed.map(|day| day.parse().unwrap());
        let id = request_id(&format!("{proposed:?} {}", book.records.len()));
        let Event::Posted(posted) = book.submit(id, &Command::Post(posting)).1.unwrap() else { panic!() };
        posted[0].accounting_date.to_string()
    };
    assert_eq!(accounted(None), "2017-07-03");
    assert_eq!(accounted(Some("2017-06-30")), "2017-06-30", "its month is open");
    assert_eq!(accounted(Some("2017-05-31")), "2017-07-03", "its month is closed");
    assert_eq!(accounted(Some("2017-07-04")), "2017-07-03", "it is not yet");
    book.caller = Position::new(1);
    book.run("reopen-period 2017-05");
    assert_eq!(book.state.closed_periods().count(), 0);
}

#[test]
fn accounts_open_once_and_close_when_nothing_stands_on_them() {
    let mut book = run("close E/fund/allocation -> ACCOUNT_IN_USE");
    let open = |path: &str| Command::OpenAccount(OpenAccount { path: path.parse().unwrap() });
    let first = book.submit(request_id("1"), &open("10M/elective/2017-18/out/bank"));
    let second = book.submit(request_id("2"), &open("10M/elective/2017-18/out/bank"));
    assert_eq!(first.1, Ok(Event::AccountOpened { account: first.0 }));
    assert_eq!(second.1, first.1);
    let close = Command::CloseAccount { account: first.0 };
    assert_eq!(book.submit(request_id("3"), &close).1, Ok(Event::AccountClosed));
    assert_eq!(book.submit(request_id("4"), &close).1, Err(Refusal::AccountClosed { account: first.0 }));
    let unknown = Position::new(999);
    let close = Command::CloseAccount { account: unknown };
    assert_eq!(book.submit(request_id("5"), &close).1, Err(Refusal::AccountUnknown { account: unknown }));
    book.check();
}

#[test]
fn a_group_is_all_or_none_and_sees_its_own_steps() {
    let mut book = run("limit hard E/fund floor=0");
    let (payable, spent) = (
        book.account("10M/elective/2017-18/owed/payable/NT3"),
        book.account("10M/elective/2017-18/fund/expenditure/third-party"),
    );
    let freeze = WindowKey::Cut { period: "2017-06".parse().unwrap(), stage: Stage::Freeze };
    let posting = |pence: u32| {
        let pence = Pence::from_u32(pence);
        let window = Some(WindowUse::Adds(freeze));
        Posting::new(
            EntryKind::Estimate,
            Day::new(17_318),
            vec![
                Leg { account: spent, side: Side::Debit, pence, window: None },
                Leg { account: payable, side: Side::Credit, pence, window },
            ],
        )
    };
    let group = |amounts: &[u32]| {
        Command::PostGroup(PostGroup { postings: amounts.iter().map(|pence| posting(*pence)).collect() })
    };
    let refused = book.submit(request_id("g1"), &group(&[60_000, 40_001])).1;
    assert!(matches!(refused, Err(Refusal::LimitExceeded { .. })), "{refused:?}");
    assert_eq!(book.state.window_named("10M", "NT3", freeze), None);
    let (position, answer) = book.submit(request_id("g2"), &group(&[60_000, 40_000]));
    let Event::Posted(posted) = answer.unwrap() else { panic!() };
    let steps: Vec<_> = posted.iter().map(|p| (p.windows[0].seq, p.windows[0].total.get())).collect();
    assert_eq!(steps, [(1, 60_000), (2, 100_000)]);
    assert_eq!(book.state.reversal_of(Item { position, index: 1 }), None);
    assert_eq!(book.submit(request_id("g3"), &group(&[])).1, Err(Refusal::Empty));
    assert_eq!(
        book.submit(request_id("g4"), &group(&[1; LEGS_PER_GROUP_MAX / 2 + 1])).1,
        Err(Refusal::TooLarge)
    );
    book.check();
}

#[test]
fn a_group_that_is_refused_names_every_posting_at_fault() {
    use ledger::RefusedPosting;
    let mut book = run("limit hard E/fund floor=0");
    let limit = Position::new(book.records.len() as u64 - 1);
    let (payable, spent) = (
        book.account("10M/elective/2017-18/owed/payable/NT3"),
        book.account("10M/elective/2017-18/fund/expenditure/third-party"),
    );
    let freeze = WindowKey::Cut { period: "2017-06".parse().unwrap(), stage: Stage::Freeze };
    let leg = |account, side, pence, window| Leg { account, side, pence: Pence::from_u32(pence), window };
    let spend = |pence| {
        let window = Some(WindowUse::Adds(freeze));
        let legs = vec![leg(spent, Side::Debit, pence, None), leg(payable, Side::Credit, pence, window)];
        Posting::new(EntryKind::Estimate, Day::new(17_318), legs)
    };
    let back = |pence| {
        let window = Some(WindowUse::Adds(freeze));
        let legs = vec![leg(payable, Side::Debit, pence, window), leg(spent, Side::Credit, pence, None)];
        Posting::new(EntryKind::Estimate, Day::new(17_318), legs)
    };
    let mut nameless = spend(5);
    nameless.legs[1].window = None;
    let mut crooked = spend(5);
    crooked.legs[0].pence = Pence::from_u32(6);
    let empty = Posting::new(EntryKind::Estimate, Day::new(17_318), vec![]);
    let long = Posting { reference: Some("x".repeat(65)), ..spend(5) };
    let group = |postings: &[Posting]| Command::PostAll(PostGroup { postings: postings.to_vec() });
    // Each for its own reason; what is right, and what a limit would say of the rest, is not named.
    let refused =
        book.submit(request_id("1"), &group(&[spend(5), nameless, crooked, spend(200_000), empty, long])).1;
    let Err(Refusal::Postings(refused)) = refused else { panic!("{refused:?}") };
    let reasons: Vec<_> = refused.iter().map(|each| (each.posting, each.why.reason())).collect();
    assert_eq!(reasons, [(1, "WINDOW_MISSING"), (2, "UNBALANCED"), (4, "EMPTY"), (5, "TEXT_INVALID")]);
    // A limit is the fault of those that move towards it.
    let refused = book.submit(request_id("2"), &group(&[spend(60_000), back(10_000), spend(60_000)])).1;
    let why = || Refusal::LimitExceeded { limit, remaining: Pence::from_u32(100_000) };
    let at = |posting| RefusedPosting { posting, why: why() };
    assert_eq!(refused, Err(Refusal::Postings(vec![at(0), at(2)])));
    // The bounds of a group are its own.
    assert_eq!(book.submit(request_id("3"), &group(&[])).1, Err(Refusal::Empty));
    let many = vec![spend(1); LEGS_PER_GROUP_MAX / 2 + 1];
    assert_eq!(book.submit(request_id("4"), &group(&many)).1, Err(Refusal::TooLarge));
    assert_eq!(book.state.window_named("10M", "NT3", freeze), None, "nothing was made");
    let made = book.submit(request_id("5"), &group(&[spend(60_000), back(10_000), spend(50_000)])).1;
    assert_eq!(made.unwrap().posted().len(), 3);
    book.check();
}

/// The largest group that the bounds allow fits a record, with every number at its widest.
#[test]
fn the_largest_group_fits_a_record() {
    use journal::{Domain as _, HEADER_BYTES, Outcome, RECORD_BYTES_MAX};
    use ledger::{
        BREACHES_MAX, Breach, HOLD_ACTIONS_PER_GROUP_MAX, Ledger, POSTINGS_PER_GROUP_MAX, Posted,
        REFERENCE_BYTES_MAX, TEXT_BYTES_PER_GROUP_MAX, WindowStep,
    };
    let far = Position::new(u64::MAX);
    let widest = Day::new(i32::MIN);
    let leg = Leg {
        account: far,
        side: Side::Credit,
        pence: Pence::MAX,
        window: Some(WindowUse::Adds(WindowKey::Cut {
            period: "2999-12".parse().unwrap(),
            stage: Stage::Freeze,
        })),
    };
    let place =
        HoldAction::Place { account: far, pence: Pence::MAX, expires: widest, name: Some(request_id("x")) };
    let step =
        WindowStep { leg: u16::MAX, instead: Some(u32::MAX), seq: u32::MAX, total: NetPence::new(i64::MIN) };
    let breach = Breach { limit: far, measure: NetPence::new(i64::MIN) };
    let share = |whole: usize, index: usize| {
        (whole * (index + 1) / POSTINGS_PER_GROUP_MAX) - (whole * index / POSTINGS_PER_GROUP_MAX)
    };
    let (mut postings, mut posted) = (Vec::new(), Vec::new());
    for index in 0..POSTINGS_PER_GROUP_MAX {
        let (legs, holds) = (share(LEGS_PER_GROUP_MAX, index), share(HOLD_ACTIONS_PER_GROUP_MAX, index));
        let text = share(TEXT_BYTES_PER_GROUP_MAX, index).min(REFERENCE_BYTES_MAX);
        postings.push(Posting {
            holds: vec![place; holds],
            corrects: Some(Item { position: far, index: u16::MAX }),
            reference: Some("x".repeat(text)),
            accounting_date: Some(widest),
            ..Posting::new(EntryKind::Target, widest, vec![leg; legs])
        });
        let breaches = if index == 0 { vec![breach; BREACHES_MAX] } else { Vec::new() };
        posted.push(Posted {
            accounting_date: widest,
            windows: vec![step; legs],
            held: vec![Pence::MAX; holds],
            breaches,
            origin: Some("2999-12".parse().unwrap()),
            made: None,
            balances: None,
        });
    }
    let outcome = Outcome::Accepted([Event::Posted(posted)].into_iter().collect());
    let mut body = Vec::new();
    Ledger::encode(&Command::PostGroup(PostGroup { postings }), &outcome, &mut body);
    assert!(body.len() <= RECORD_BYTES_MAX - HEADER_BYTES, "{} bytes", body.len());
}
