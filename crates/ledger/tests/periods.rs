//! Months: soft-closed, closed, reopened by two people; what comes late and where it belongs.

mod common;
use common::{Book, request_id};
use journal::Position;
use ledger::{Act, Approve, Command, Event, MarkPeriod, PeriodStanding, Propose, Refusal};

const PAY: &str = "payment-confirmed: D E/out/in-transit 1; C E/out/bank 1";

/// July 2017, with June soft-closed and May closed by caller 0.
fn july() -> Book {
    let mut book = Book::default();
    book.run(
        "post budget allocation: D R 100000; C E/fund/allocation 100000
         soft-close-period 2017-06 -> PERIOD_NOT_OVER
         day 2017-07-03
         soft-close-period 2017-05
         soft-close-period 2017-05 -> PERIOD_SOFT_CLOSED
         close-period 2017-05
         close-period 2017-05 -> PERIOD_CLOSED
         soft-close-period 2017-05 -> PERIOD_CLOSED
         soft-close-period 2017-06",
    );
    book
}

/// Accounting date and month of origin of the entry that the last record made.
fn last(book: &Book) -> (String, Option<String>) {
    use journal::{Domain as _, NoBlobs};
    let record = book.records.last().unwrap();
    let (command, outcome) = ledger::Ledger::decode(record.kind, &record.body, &NoBlobs).unwrap();
    let (_, _, posted) = ledger::entries(&command, &outcome).last().unwrap();
    (posted.accounting_date.to_string(), posted.late_from().map(|month| month.to_string()))
}

#[test]
fn what_comes_late_lands_in_the_open_month_and_says_where_it_belongs() {
    let mut book = july();
    let table = [
        // It happened in an open month, or one that is not marked.
        ("", "2017-07-03", None),
        ("; happened 2017-04-30", "2017-07-03", None),
        // It happened, or should be accounted for, in a month that takes no more.
        ("; happened 2017-05-31", "2017-07-03", Some("2017-05")),
        ("; happened 2017-06-30", "2017-07-03", Some("2017-06")),
        ("; accounted 2017-06-30", "2017-07-03", Some("2017-06")),
        ("; happened 2017-05-01; accounted 2017-06-30", "2017-07-03", Some("2017-06")),
        ("; happened 2017-05-01; accounted 2017-07-01", "2017-07-01", Some("2017-05")),
        // A month before them is open.
        ("; accounted 2017-04-30", "2017-04-30", None),
        // It is accounted for before it happened: early, not late.
        ("; happened 2017-05-20; accounted 2017-04-30", "2017-04-30", None),
        ("; happened 2017-06-30; accounted 2017-04-01", "2017-04-01", None),
    ];
    for (index, (dates, day, origin)) in table.into_iter().enumerate() {
        book.run(&format!("post late{index} {PAY}{dates}"));
        assert_eq!(last(&book), (day.to_owned(), origin.map(str::to_owned)), "{dates}");
    }
}

#[test]
fn two_people_post_in_a_soft_closed_month_and_nobody_in_a_closed_one() {
    let mut book = july();
    book.run(&format!(
        "propose june post {PAY}; accounted 2017-06-30
         propose may post {PAY}; accounted 2017-05-31
         propose crooked post payment-confirmed: D E/out/in-transit 1 -> UNBALANCED
         line E paid=0
         approve june -> SAME_PERSON
         as 1
         approve june"
    ));
    assert_eq!(last(&book), ("2017-06-30".to_owned(), None));
    book.run("approve june -> PROPOSAL_UNKNOWN\napprove may");
    assert_eq!(last(&book), ("2017-07-03".to_owned(), Some("2017-05".to_owned())));
    assert_eq!(book.state.proposals().count(), 0);
}

#[test]
fn a_proposal_is_decided_again_when_it_is_approved() {
    let mut book = july();
    book.run(
        "limit hard E/fund floor=0
         propose all post on-account: D E/fund/prepayment/RHW 60000; C E/owed/payable/RHW 60000 adds instalment 2017-06-15
         post some on-account: D E/fund/prepayment/RHW 60000; C E/owed/payable/RHW 60000 adds instalment 2017-06-15
         as 1
         approve all -> LIMIT_EXCEEDED
         line E available=40000",
    );
    assert_eq!(book.state.proposals().count(), 1, "it waits until it can be done");
}

#[test]
fn a_proposal_is_taken_back_by_its_proposer_or_goes_when_its_day_has_passed() {
    let mut book = july();
    book.run(
        "propose june reopen 2017-06
         propose may reopen 2017-05 expires 2017-07-03 -> EXPIRY_PASSED
         propose may reopen 2017-05 expires 2017-07-06
         as 1
         withdraw june -> NOT_PROPOSER
         as 0
         withdraw june
         withdraw june -> PROPOSAL_UNKNOWN
         as 1
         approve june -> PROPOSAL_UNKNOWN
         day 2017-07-05",
    );
    assert_eq!(book.state.proposals().count(), 1);
    book.restore();
    book.run("day 2017-07-06\nas 1\napprove may -> PROPOSAL_UNKNOWN");
    assert_eq!(book.state.proposals().count(), 0);
    assert_eq!(book.state.period("2017-05".parse().unwrap()).standing, PeriodStanding::Closed);
    book.check();
}

#[test]
fn a_month_is_opened_again_by_two_people_with_a_reason() {
    let mut book = july();
    book.run(
        "propose june reopen 2017-06
         propose may reopen 2017-05
         propose july reopen 2017-07 -> PERIOD_NOT_CLOSED
         approve may -> SAME_PERSON
         as 1
         approve may
         approve may -> PROPOSAL_UNKNOWN
         approve june",
    );
    for month in ["2017-05", "2017-06"] {
        assert_eq!(book.state.period(month.parse().unwrap()).standing, PeriodStanding::Open, "{month}");
    }
    // Who closed it last does not matter to who opens it, only that they are two.
    book.run("as 0\nclose-period 2017-05\nas 5\npropose again reopen 2017-05\nas 0\napprove again");
    let record = book.records.last().unwrap();
    assert_eq!((record.kind.0, record.at.caller), (112, Position::FIRST));
}

#[test]
fn what_is_approved_is_what_was_proposed() {
    let mut book = july();
    let propose =
        MarkPeriod { period: "2017-06".parse().unwrap(), reason: "late invoices".into() }.reopening();
    let (proposal, answer) = book.submit(request_id("p"), &Command::Propose(propose.clone()));
    assert_eq!(answer, Ok(Event::Proposed));
    book.caller = Position::new(1);
    let other = Propose { act: Act::Reopen("2017-05".parse().unwrap()), ..propose.clone() };
    // The approver saw something else; the approver saw it, and something else would be done.
    for (digest, propose) in [(other.digest(), &other), (propose.digest(), &other)] {
        let approve = Approve { proposal, digest, propose: propose.clone() };
        let answer = book.submit(request_id(&format!("{digest:?}")), &Command::Approve(approve)).1;
        assert_eq!(answer, Err(Refusal::DigestMismatch));
    }
    let approve = Approve { proposal, digest: propose.digest(), propose };
    let answer = book.submit(request_id("a"), &Command::Approve(approve)).1.unwrap();
    let Event::Approved { approval, posted } = answer else { panic!("{answer:?}") };
    assert_eq!((approval.proposal().proposer, approval.approver()), (Position::FIRST, Position::new(1)));
    assert!(posted.is_empty());
    book.check();
}
