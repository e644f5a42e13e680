//! Golden record bodies and states. Bodies stand in journals: a line here is never changed, only added.

mod common;

use common::Book;
use expect_test::{Expect, expect, expect_file};
use journal::{AccountNumber, Day, Domain as _, Item, NoBlobs, Outcome, Position, RequestId};
use ledger::{
    AccountBalance, Act, AnswerWith, Approve, Breach, Command, EntryKind, Event, ExpireHolds,
    ExpireProposals, HoldAction, Ledger, Leg, LegAt, Made, MarkPeriod, OpenAccount, PostGroup, Posted,
    Posting, Propose, Refusal, RefusedPosting, Reverse, RollForward, SealWindows, SealedWindow, SetLimit,
    Severity, ShutFund, Stage, WindowKey, WindowName, WindowStep, WindowUse, Withdraw,
};
use money::{NetPence, Pence, Side};

fn golden(command: &Command, outcome: Result<Event, Refusal>, kind: u16, expected: &Expect) {
    let outcome = match outcome {
        Ok(event) => Outcome::Accepted([event].into_iter().collect()),
        Err(refusal) => Outcome::Refused(refusal),
    };
    let mut body = Vec::new();
    Ledger::encode(command, &outcome, &mut body);
    assert_eq!(Ledger::kind(command).0, kind);
    expected.assert_eq(&body.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    let read = Ledger::decode(Ledger::kind(command), &body, &NoBlobs).unwrap();
    assert_eq!(read, (command.clone(), outcome));
}

fn hold() -> RequestId {
    "0192f0c1-2b3c-7d4e-8f90-123456789abc".parse().unwrap()
}

fn posting() -> Posting {
    let freeze = WindowKey::Cut { period: "2017-06".parse().unwrap(), stage: Stage::Freeze };
    let leg = |account, side, window| Leg {
        account: AccountNumber::new(account),
        side,
        pence: Pence::from_u32(123_45),
        window,
    };
    Posting {
        holds: vec![
            HoldAction::Capture { hold: hold(), pence: None },
            HoldAction::Capture { hold: hold(), pence: Some(Pence::from_u32(7)) },
            HoldAction::Release { hold: hold() },
            HoldAction::Place {
                account: AccountNumber::new(3),
                pence: Pence::from_u32(500),
                expires: Day::new(17_500),
                name: None,
            },
        ],
        ..Posting::new(
            EntryKind::Activity,
            Day::new(17_318),
            vec![leg(3, Side::Debit, None), leg(4, Side::Credit, Some(WindowUse::Adds(freeze)))],
        )
    }
}

fn posted() -> Posted {
    Posted {
        accounting_date: Day::new(17_320),
        windows: vec![WindowStep { leg: 1, instead: Some(2), seq: 9, total: NetPence::new(-5) }],
        held: vec![Pence::from_u32(100), Pence::ZERO, Pence::ZERO, Pence::from_u32(500)],
        breaches: vec![Breach { limit: Position::new(2), measure: NetPence::new(-1) }],
        origin: None,
        made: None,
        balances: None,
    }
}

#[test]
fn bodies_are_what_they_were() {
    let position = Position::new(5);
    let path = "10M/elective/2017-18/fund/allocation".parse().unwrap();
    let open = Command::OpenAccount(OpenAccount { path });
    golden(
        &open,
        Ok(Event::AccountOpened { account: position }),
        100,
        &expect![
            "8281782431304d2f656c6563746976652f323031372d31382f66756e642f616c6c6f636174696f6e820082018105"
        ],
    );
    golden(
        &Command::Post(posting()),
        Ok(Event::Posted(vec![posted()])),
        101,
        &expect![
            "8284041943a6828303001930398404011930398201818201821a000313ea0184820281500192f0c12b3c7d4e8f90123456789abc820282500192f0c12b3c7d4e8f90123456789abc07820381500192f0c12b3c7d4e8f90123456789abc820183031901f419445c820082028181841943a881840102092484186400001901f481820220"
        ],
    );
    let refusal = Refusal::LimitExceeded { limit: position, remaining: Pence::from_u32(9) };
    let full = Posting {
        corrects: Some(Item { position, index: 1 }),
        reference: Some("ref".into()),
        accounting_date: Some(Day::new(1)),
        on_behalf_of: Some("urn:almoner:person:1".into()),
        ..Posting::new(EntryKind::Allocation, Day::new(0), Vec::new())
    };
    golden(
        &Command::Post(full),
        Err(refusal),
        101,
        &expect!["82880100808082050163726566017475726e3a616c6d6f6e65723a706572736f6e3a318201821818820509"],
    );
    let group = PostGroup { postings: vec![posting()] };
    golden(
        &Command::PostGroup(group),
        Err(Refusal::AmountZero(LegAt { posting: 1, index: 2 })),
        102,
        &expect![
            "82818184041943a6828303001930398404011930398201818201821a000313ea0184820281500192f0c12b3c7d4e8f90123456789abc820282500192f0c12b3c7d4e8f90123456789abc07820381500192f0c12b3c7d4e8f90123456789abc820183031901f419445c8201820481820102"
        ],
    );
    let reverse = Reverse {
        entry: Item { position, index: 0 },
        reason: "why".into(),
        posting: Posting::new(EntryKind::Reversal, Day::new(0), Vec::new()),
    };
    golden(
        &Command::Reverse(reverse),
        Err(Refusal::EntryUnknown),
        103,
        &expect!["82838205006377687984181f0080808201821180"],
    );
    let set = SetLimit {
        node: "10M/phb".parse().unwrap(),
        severity: Severity::Hard,
        floor: Some(NetPence::ZERO),
        ceiling: None,
        reason: "why".into(),
    };
    golden(
        &Command::SetLimit(set),
        Ok(Event::LimitSet { replaces: None, outside: true }),
        104,
        &expect!["82856731304d2f7068620100f6637768798200820382f6f5"],
    );
    golden(
        &Command::CloseAccount { account: position },
        Ok(Event::AccountClosed),
        105,
        &expect!["8281058200820480"],
    );
    let name = |key| WindowName { payer: "10M".into(), payee: "NT3".into(), key };
    let windows =
        vec![name(WindowKey::Instalment { due: Day::new(17_330) }), name(WindowKey::Run { number: 1 })];
    let sealed = SealedWindow { seq: 1, total: NetPence::new(5) };
    golden(
        &Command::SealWindows(SealWindows { windows }),
        Ok(Event::WindowsSealed(vec![sealed, sealed])),
        106,
        &expect!["828182836331304d634e54338202811943b2836331304d634e543382038101820082058182820105820105"],
    );
    let expire = ExpireHolds { holds: vec![hold()] };
    golden(
        &Command::ExpireHolds(expire),
        Ok(Event::HoldsExpired(vec![Pence::from_u32(3)])),
        107,
        &expect!["828181500192f0c12b3c7d4e8f90123456789abc82008206818103"],
    );
    let mark = MarkPeriod { period: "2017-06".parse().unwrap(), reason: "why".into() };
    golden(
        &Command::ClosePeriod(mark.clone()),
        Ok(Event::PeriodClosed),
        108,
        &expect!["82821a000313ea637768798200820780"],
    );
    golden(
        &Command::ReopenPeriod(mark),
        Ok(Event::PeriodReopened),
        109,
        &expect!["82821a000313ea637768798200820880"],
    );
}

#[test]
fn bodies_of_what_two_people_do_and_of_year_end_are_what_they_were() {
    let position = Position::new(5);
    let mark = MarkPeriod { period: "2017-06".parse().unwrap(), reason: "why".into() };
    golden(
        &Command::SoftClosePeriod(mark.clone()),
        Ok(Event::PeriodSoftClosed),
        110,
        &expect!["82821a000313ea637768798200820980"],
    );
    let reopen = mark.reopening();
    golden(
        &Command::Propose(reopen.clone()),
        Ok(Event::Proposed),
        111,
        &expect!["82828201811a000313ea637768798200820a80"],
    );
    let post = Propose {
        act: Act::Post(PostGroup { postings: vec![posting()] }),
        reason: "why".into(),
        expires: None,
    };
    golden(
        &Command::Propose(post),
        Err(Refusal::ReversalNotLater { posting: 0 }),
        111,
        &expect![
            "8282820281818184041943a6828303001930398404011930398201818201821a000313ea0184820281500192f0c12b3c7d4e8f90123456789abc820282500192f0c12b3c7d4e8f90123456789abc07820381500192f0c12b3c7d4e8f90123456789abc820183031901f419445c6377687982018218228100"
        ],
    );
    let proposal = access::Proposal { digest: reopen.digest(), proposer: position };
    let approval = access::approve(&proposal, Position::new(7), reopen.digest()).unwrap();
    let approve = Command::Approve(Approve { proposal: position, digest: reopen.digest(), propose: reopen });
    let late = Posted { origin: Some("2017-06".parse().unwrap()), ..posted() };
    golden(
        &approve,
        Ok(Event::Approved { approval, posted: vec![late] }),
        112,
        &expect![
            "8283055820db73bce5588c7fe52a254cab14535606d11ec06af4ed769e4c07b2d0379fcaf0828201811a000313ea637768798200820b8282825820db73bce5588c7fe52a254cab14535606d11ec06af4ed769e4c07b2d0379fcaf0050781851943a881840102092484186400001901f4818202201a000313ea"
        ],
    );
    golden(
        &approve,
        Err(Refusal::ProposalUnknown),
        112,
        &expect![
            "8283055820db73bce5588c7fe52a254cab14535606d11ec06af4ed769e4c07b2d0379fcaf0828201811a000313ea63776879820182181b80"
        ],
    );
    let line = || "10M/phb/2017-18".parse().unwrap();
    let shut = Command::ShutFund(ShutFund { line: line(), reason: "why".into() });
    golden(
        &shut,
        Ok(Event::FundShut),
        113,
        &expect!["82826f31304d2f7068622f323031372d3138637768798200820c80"],
    );
    golden(
        &shut,
        Err(Refusal::SuccessorMissing { account: Some(position) }),
        113,
        &expect!["82826f31304d2f7068622f323031372d31386377687982018218208105"],
    );
    let roll = RollForward { line: line(), accounts: vec![position], holds: vec![hold()] };
    let Posting { legs, holds, .. } = posting();
    let made = Posted {
        made: Some(Box::new(Made { legs, holds })),
        balances: Some(vec![AccountBalance {
            account: position,
            balance: NetPence::new(-3),
            held: NetPence::ZERO,
        }]),
        ..posted()
    };
    golden(
        &Command::RollForward(roll),
        Ok(Event::Posted(vec![made])),
        114,
        &expect![
            "82836f31304d2f7068622f323031372d3138810581500192f0c12b3c7d4e8f90123456789abc820082028181871943a881840102092484186400001901f481820220f682828303001930398404011930398201818201821a000313ea0184820281500192f0c12b3c7d4e8f90123456789abc820282500192f0c12b3c7d4e8f90123456789abc07820381500192f0c12b3c7d4e8f90123456789abc820183031901f419445c8183052200"
        ],
    );
    let asked = Posting {
        reverses_in: Some("2017-07".parse().unwrap()),
        answer: Some(AnswerWith::Balances),
        ..posting()
    };
    golden(
        &Command::Post(asked),
        Err(Refusal::FundShut { account: None }),
        101,
        &expect![
            "828a041943a6828303001930398404011930398201818201821a000313ea0184820281500192f0c12b3c7d4e8f90123456789abc820282500192f0c12b3c7d4e8f90123456789abc07820381500192f0c12b3c7d4e8f90123456789abc820183031901f419445cf6f6f6f61a000313eb01820182181d80"
        ],
    );
}

#[test]
fn bodies_of_groups_and_of_proposals_that_end_are_what_they_were() {
    let group = PostGroup { postings: vec![posting()] };
    let why = |why| RefusedPosting { posting: 0, why };
    let at_fault = vec![
        why(Refusal::AmountZero(LegAt { posting: 0, index: 1 })),
        RefusedPosting { posting: 255, why: Refusal::TextInvalid },
    ];
    golden(
        &Command::PostAll(group.clone()),
        Err(Refusal::Postings(at_fault)),
        115,
        &expect![
            "82818184041943a6828303001930398404011930398201818201821a000313ea0184820281500192f0c12b3c7d4e8f90123456789abc820282500192f0c12b3c7d4e8f90123456789abc07820381500192f0c12b3c7d4e8f90123456789abc820183031901f419445c8201821823818282008204818200018218ff820380"
        ],
    );
    golden(
        &Command::PostAll(group),
        Ok(Event::Posted(vec![posted()])),
        115,
        &expect![
            "82818184041943a6828303001930398404011930398201818201821a000313ea0184820281500192f0c12b3c7d4e8f90123456789abc820282500192f0c12b3c7d4e8f90123456789abc07820381500192f0c12b3c7d4e8f90123456789abc820183031901f419445c820082028181841943a881840102092484186400001901f481820220"
        ],
    );
    let withdraw = Withdraw { proposal: Position::new(5), reason: "why".into() };
    golden(
        &Command::Withdraw(withdraw.clone()),
        Ok(Event::Withdrawn),
        116,
        &expect!["828205637768798200820d80"],
    );
    golden(
        &Command::Withdraw(withdraw),
        Err(Refusal::NotProposer),
        116,
        &expect!["82820563776879820182182480"],
    );
    let expire = ExpireProposals { proposals: vec![Position::new(5), Position::new(700)] };
    golden(
        &Command::ExpireProposals(expire),
        Ok(Event::ProposalsExpired),
        117,
        &expect!["828182051902bc8200820e80"],
    );
    let mark = MarkPeriod { period: "2017-06".parse().unwrap(), reason: "why".into() };
    let propose = Propose { expires: Some(Day::new(17_400)), ..mark.reopening() };
    golden(
        &Command::Propose(propose),
        Err(Refusal::ExpiryPassed),
        111,
        &expect!["82838201811a000313ea637768791943f8820182182580"],
    );
}

#[test]
fn an_unknown_kind_is_refused_by_number() {
    let error = Ledger::decode(journal::Kind(199), &[0x82, 0x80, 0x82, 0x00, 0x80], &NoBlobs).unwrap_err();
    assert_eq!(error.to_string(), "record kind 199 is not known to ledger");
}

#[test]
fn the_content_of_a_request_tells_requests_apart() {
    let content = |command: &Command, cause| {
        let mut bytes = vec![9; 9];
        command.content(cause, &mut bytes);
        bytes
    };
    let post = Command::Post(posting());
    let cause = Some(journal::Cause { service: journal::Service::Referrals, position: Position::new(7) });
    assert_eq!(content(&post, None), content(&post.clone(), None));
    assert_ne!(content(&post, None), content(&post, cause));
    let mark = MarkPeriod { period: "2017-06".parse().unwrap(), reason: "why".into() };
    let (close, reopen) = (Command::ClosePeriod(mark.clone()), Command::ReopenPeriod(mark));
    assert_ne!(content(&close, None), content(&reopen, None));
    // A group is the same request, whichever kind its record has.
    let group = || PostGroup { postings: vec![posting()] };
    assert_eq!(content(&Command::PostGroup(group()), None), content(&Command::PostAll(group()), None));
    let reverse = |legs| {
        let posting = Posting::new(EntryKind::Reversal, Day::new(0), legs);
        let entry = Item { position: Position::new(1), index: 0 };
        Command::Reverse(Reverse { entry, reason: "why".into(), posting })
    };
    assert_eq!(content(&reverse(Vec::new()), None), content(&reverse(posting().legs), None));
}

/// A start goes on with the snapshot that another program wrote under the same number: so each number has its bytes, in a file of
/// its own that is never changed. Other bytes, be it by a field or by what a record does, are another number and another file.
#[test]
fn the_snapshot_of_a_number_is_these_bytes() {
    let mut book = Book::default();
    book.run(
        "post budget allocation: D R 100000; C E/fund/allocation 100000
         limit hard E/fund floor=-90000
         limit warn E/owed ceiling=5000
         post held referral: place E/fund/expenditure/third-party 400 until 2019-06-01
         post act activity: D E/fund/expenditure/third-party 700; C E/owed/payable/NT3 700 adds cut 2017-06 flex
         post more activity: D E/fund/expenditure/third-party 300; C E/owed/payable/NT3 300 adds cut 2017-06 flex; capture held 100
         post pre on-account: D E/fund/prepayment/RHW 3000; C E/owed/payable/RHW 3000 adds instalment 2017-06-15
         post rec recovery: D E/fund/recoverable/NT3 50; C E/owed/payable/NT3 50 adds run 0
         reverse more
         post new activity-version: D E/fund/expenditure/third-party 20; C E/owed/payable/NT3 20 adds cut 2017-06 flex; corrects act
         seal 10M NT3 cut 2017-06 flex
         seal 10M NT3 run 1
         post pay payment-instructed: D E/owed/payable/NT3 720 pays cut 2017-06 flex; C E/out/in-transit 720
         open 10M/elective/2016-17/fund/allocation
         open 10M/elective/2016-17/out/transferred
         open E/out/transferred
         open E/owed/payable/OLD
         close E/owed/payable/OLD
         day 2017-07-03
         close-period 2017-05
         soft-close-period 2017-06
         propose late post payment-confirmed: D E/out/in-transit 720; C E/out/bank 720; accounted 2017-06-30
         post guess estimate: D E/fund/expenditure/third-party 90; C E/owed/estimate/NT3 90; reverses 2017-09
         end-year 10M/elective/2016-17",
    );
    let bytes = common::snapshot(&book.state);
    let mut d = minicbor::Decoder::new(&bytes);
    let mut lists = Vec::new();
    while d.position() < bytes.len() {
        lists.push(d.probe().array().ok().flatten());
        d.skip().unwrap();
    }
    assert!(!lists.contains(&Some(0)), "of every list a state keeps, something: {lists:?}");
    let number = Ledger::SNAPSHOT_FORMAT.unwrap();
    let rows = bytes.chunks(50).map(|row| row.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    let text = rows.fold(String::new(), |text, row| text + &row + "\n");
    expect_file![format!("golden/snapshot-{number}.hex")].assert_eq(&text);
}
