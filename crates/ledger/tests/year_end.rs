//! The end of a line's year, entries that reverse themselves, and balances that are answered.

mod common;
use common::{Book, path, request_id};
use journal::{Domain as _, Item, NoBlobs};
use ledger::{
    AnswerWith, Command, EntryKind, Event, HoldAction, Ledger, Leg, OpenAccount, PostGroup, Posted, Posting,
    RollForward,
};
use money::{Pence, Side};

const ACCOUNTS: [&str; 10] = [
    "E/out/transferred",
    "N/out/transferred",
    "N/fund/allocation",
    "N/fund/expenditure/third-party",
    "N/fund/prepayment/RHW",
    "N/fund/recoverable/NT3",
    "E/fund/prepayment/RHW",
    "E/fund/recoverable/NT3",
    "E/owed/payable/NT3",
    "E/owed/contested/NT3",
];

/// April 2018, with what a year leaves behind.
fn april() -> Book {
    let mut book = Book::default();
    book.run("post budget allocation: D R 100000; C E/fund/allocation 100000");
    for account in ACCOUNTS {
        book.account(&path(account));
    }
    book.run(
        "post act activity: D E/fund/expenditure/third-party 700; C E/owed/payable/NT3 700 adds cut 2018-03 freeze
         post con contest: D E/fund/expenditure/third-party 90; C E/owed/contested/NT3 90
         post pre on-account: D E/fund/prepayment/RHW 3000; C E/owed/payable/RHW 3000 adds instalment 2018-03-15
         post rec recovery: D E/fund/recoverable/NT3 50; C E/owed/payable/NT3 50 adds run 0
         post r1 referral: place E/fund/expenditure/third-party 400 until 2018-06-01
         post r2 referral: place E/fund/expenditure/third-party 60 until 2018-06-01
         end-year E -> YEAR_NOT_OVER
         roll E -> FUND_OPEN
         day 2018-04-03",
    );
    book
}

fn last(book: &Book) -> (Posting, Posted) {
    let record = book.records.last().unwrap();
    let (command, outcome) = Ledger::decode(record.kind, &record.body, &NoBlobs).unwrap();
    let (_, posting, posted) = ledger::entries(&command, &outcome).last().unwrap();
    (posting.into_owned(), posted.clone())
}

#[test]
fn a_shut_fund_passes_what_names_it_to_the_year_after() {
    let mut book = april();
    book.run(
        "end-year 15A/elective/2017-18 -> LINE_UNKNOWN
         end-year E
         end-year E -> FUND_SHUT
         # activity of the old year: it is owed there, and spent in the new one
         post late activity: D E/fund/expenditure/third-party 70; C E/owed/payable/NT3 70 adds cut 2018-03 freeze
         line E accrued=3910 transferred=-70 available=95700
         line N transferred=70 available=-70 expenditure=70
         # contested, upheld for us
         post upheld contest-outcome: D E/owed/contested/NT3 90; C E/fund/expenditure/third-party 90
         line E contested=0 transferred=20
         line N expenditure=-20 transferred=-20
         # owed and out go on until nil
         seal 10M NT3 cut 2018-03 freeze
         post pay payment-instructed: D E/owed/payable/NT3 770 pays cut 2018-03 freeze; C E/out/in-transit 770
         # a hold placed late stands in the new year
         post r3 referral: place E/fund/expenditure/third-party 5 until 2018-06-01
         line N committed=5
         # what the old year was given stays there
         post more allocation: D R 5; C E/fund/allocation 5 -> FUND_SHUT
         open E/fund/prepayment/NEW -> FUND_SHUT
         close N/out/transferred -> ACCOUNT_IN_USE
         close N/fund/recoverable/NT3 -> ACCOUNT_IN_USE",
    );
}

#[test]
fn what_was_made_stands_in_the_record_and_is_reversed_where_it_landed() {
    let mut book = april();
    book.run(
        "end-year E
         post late activity: D E/fund/expenditure/third-party 70; C E/owed/payable/NT3 70 adds cut 2018-03 freeze",
    );
    let (posting, posted) = last(&book);
    let number = |book: &mut Book, name: &str| book.account(&path(name));
    let expected = [
        (number(&mut book, "N/fund/expenditure/third-party"), Side::Debit),
        (number(&mut book, "E/owed/payable/NT3"), Side::Credit),
        (number(&mut book, "E/out/transferred"), Side::Debit),
        (number(&mut book, "N/out/transferred"), Side::Credit),
    ];
    let legs: Vec<_> = posting.legs.iter().map(|leg| (leg.account, leg.side)).collect();
    assert_eq!(legs, expected);
    assert_eq!(posted.made.unwrap().legs, posting.legs);
    book.run("reverse late\nline E accrued=3840 transferred=0\nline N transferred=0 expenditure=0");
}

#[test]
fn debit_balances_and_holds_roll_forward_once() {
    let mut book = april();
    book.run(
        "end-year E
         line E committed=460 available=95700
         roll E E/fund/prepayment/RHW E/fund/recoverable/NT3 E/fund/expenditure/third-party r1 r2
         balance E/fund/prepayment/RHW 0
         balance N/fund/prepayment/RHW 3000
         balance N/fund/recoverable/NT3 50
         # its unspent budget lapses where it is
         line E committed=0 transferred=-3050 available=99210
         line N committed=460 transferred=3050 available=-3510
         roll E E/fund/prepayment/RHW r1 -> EMPTY
         # known by the same names
         post cap activity: D N/fund/expenditure/third-party 400; C N/owed/payable/NT3 400 adds cut 2018-04 freeze; capture r1
         hold r1 0
         hold r2 60",
    );
    assert!(book.state.is_fund_shut(&path("E")) && book.state.to_roll_forward(&path("E")).is_empty());
    let many = RollForward {
        line: path("E").parse().unwrap(),
        accounts: Vec::new(),
        holds: vec![request_id("r1"); ledger::ROLL_HOLDS_MAX + 1],
    };
    assert_eq!(
        book.submit(request_id("many"), &Command::RollForward(many)).1.unwrap_err().reason(),
        "TOO_LARGE"
    );
}

#[test]
fn a_plan_takes_its_unspent_allocation_along() {
    let mut book = Book::default();
    book.run(
        "post budget allocation: D R 9000; C P/fund/unassigned/allocation 9000
         post plan plan-approved: D P/fund/unassigned/allocation 5000; C P/fund/plan/p1/allocation 5000
         post care phb-care: D P/fund/plan/p1/expenditure/phb-notional 1200; C P/owed/payable/S 1200 adds run 0
         post due phb-instalment: D P/fund/plan/p1/prepayment 300; C P/owed/payable/S 300 adds run 0
         day 2018-04-01
         end-year P -> SUCCESSOR_MISSING",
    );
    for path in book.state.year_end_paths(&path("P")) {
        book.account(&path);
    }
    book.run(
        "end-year P
         roll P P/fund/plan/p1/allocation P/fund/plan/p1/prepayment P/fund/unassigned/allocation
         balance P/fund/plan/p1 0
         balance NP/fund/plan/p1/allocation 3800
         balance NP/fund/plan/p1/prepayment 300
         line P allocated=5200 available=4000 accrued=1500 transferred=-300
         line NP allocated=3800 available=3500 transferred=300",
    );
}

#[test]
fn an_estimate_reverses_itself_on_day_one_and_its_holds_stand_again() {
    let mut book = Book::default();
    book.run(
        "post budget allocation: D R 100000; C E/fund/allocation 100000
         post r1 referral: place E/fund/expenditure/third-party 400 until 2017-12-01
         post r2 referral: place E/fund/expenditure/third-party 60 until 2017-06-20
         limit hard E/owed floor=100
         post none estimate: place E/fund/expenditure/third-party 1 until 2017-08-01; reverses 2017-07 -> REVERSAL_NOT_LATER
         post soon estimate: D E/fund/expenditure/third-party 5; C E/owed/estimate/NT3 5; reverses 2017-06 -> REVERSAL_NOT_LATER
         post est estimate: D E/fund/expenditure/third-party 450; C E/owed/estimate/NT3 450; release r1; release r2; reverses 2017-07
         line E committed=0 accrued=450
         day 2017-06-30
         line E committed=0 accrued=450
         # no limit keeps it from being reversed
         day 2017-07-01
         line E committed=400 accrued=0 available=99600
         hold r1 400
         hold r2 0
         reverse est -> ALREADY_REVERSED",
    );
    assert_eq!(book.state.due_reversals().count(), 0);
}

#[test]
fn a_reversal_that_was_due_is_not_made_twice_and_keeps_its_accounts_open() {
    let mut book = Book::default();
    book.run(
        "post budget allocation: D R 100000; C E/fund/allocation 100000
         post a estimate: D E/fund/expenditure/third-party 450; C E/owed/estimate/NT3 450; reverses 2017-07
         post b estimate: D E/fund/expenditure/third-party 9; C E/owed/estimate/NT3 9; reverses 2017-08
         reverse a
         post undo estimate: D E/owed/estimate/NT3 9; C E/fund/expenditure/third-party 9
         close E/owed/estimate/NT3 -> ACCOUNT_IN_USE
         close-period 2017-05
         day 2017-08-05
         line E accrued=-9",
    );
    let (reversal, posted) = last(&book);
    assert_eq!(reversal.kind, EntryKind::EstimateReversal);
    assert_eq!(posted.accounting_date.to_string(), "2017-08-01");
}

#[test]
fn corrections_are_linked_both_ways() {
    let mut book = Book::default();
    book.run(
        "post budget allocation: D R 100000; C E/fund/allocation 100000
         post a activity: D E/fund/expenditure/third-party 45; C E/owed/contested/NT3 45
         post b activity-version: D E/fund/expenditure/third-party 5; C E/owed/contested/NT3 5; corrects a
         post c activity-version: D E/fund/expenditure/third-party 6; C E/owed/contested/NT3 6; corrects a
         reverse a",
    );
    let found = |book: &Book, name: &str| {
        book.records.iter().position(|r| r.at.request_id == request_id(name)).unwrap()
    };
    let item = |index: usize| Item { position: journal::Position::new(index as u64), index: 0 };
    let (a, b, c) = (item(found(&book, "a")), item(found(&book, "b")), item(found(&book, "c")));
    assert_eq!(book.state.corrections_of(a)[..2], [b, c]);
    assert_eq!(book.state.reversal_of(a), Some(item(book.records.len() - 1)));
    let mut ahead = Posting::new(EntryKind::Activity, book.day, last(&book).0.legs);
    ahead.corrects = Some(item(999));
    let refused = book.submit(request_id("ahead"), &Command::Post(ahead)).1;
    assert_eq!(refused.unwrap_err().reason(), "ENTRY_UNKNOWN");
}

#[test]
fn balances_are_answered_as_they_stood_after_each_posting() {
    let mut book = Book::default();
    book.run("post budget allocation: D R 100000; C E/fund/allocation 100000");
    let (spent, owed) =
        (book.account(&path("E/fund/expenditure/third-party")), book.account(&path("E/owed/contested/NT3")));
    let mut posting = Posting::new(
        EntryKind::Contest,
        book.day,
        [(spent, Side::Debit), (owed, Side::Credit)]
            .map(|(account, side)| Leg { account, side, pence: Pence::from_u32(70), window: None })
            .to_vec(),
    );
    posting.answer = Some(AnswerWith::Balances);
    let mut second = posting.clone();
    let hold = HoldAction::Place {
        account: spent,
        pence: Pence::from_u32(9),
        expires: book.day.plus(9),
        name: None,
    };
    second.holds = vec![hold, HoldAction::Capture { hold: request_id("g"), pence: Some(Pence::from_u32(2)) }];
    let quiet = Posting { answer: None, ..posting.clone() };
    let group = PostGroup { postings: vec![posting, quiet, second] };
    let Event::Posted(posted) = book.submit(request_id("g"), &Command::PostGroup(group)).1.unwrap() else {
        panic!()
    };
    let balances = |posted: &Posted| {
        let all = posted.balances.as_ref()?;
        Some(all.iter().map(|b| (b.account, b.balance.get(), b.held.get())).collect::<Vec<_>>())
    };
    assert_eq!(balances(&posted[0]), Some(vec![(spent, 70, 0), (owed, 70, 0)]));
    assert_eq!(balances(&posted[1]), None);
    assert_eq!(balances(&posted[2]), Some(vec![(spent, 210, 7), (owed, 210, 0)]));
    let open = Command::OpenAccount(OpenAccount { path: path("E/fund/prepayment/X").parse().unwrap() });
    book.submit(request_id("open"), &open).1.unwrap();
    book.check();
}
