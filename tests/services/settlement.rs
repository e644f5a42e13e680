//! A month from activity to the bank's statement, over gRPC, through a restart.

use crate::world::{
    SYSTEM, by, by_body, by_controlled, date, elective, id, reason,
    settling::{Settling, account_number},
};
use jiff::civil;
use money::{NetPence, Pence, Side};
use payments::camt053::{Balance, BankTransactionCode, Entry, EntryStatus, Statement, StatementAccount};
use proto::{
    identity::v1::{self as identity, identity_service_server::IdentityService as _},
    ledger::v1::{self as ledger, GetTrialBalanceRequest},
    referrals::v1 as referrals,
    settlement::v1::{self, payment, settlement_run, settlement_service_server::SettlementService as _},
};
use std::path::Path;
use tonic::Status;

fn attendance(number: u32) -> referrals::ActivityLine {
    referrals::ActivityLine {
        nhs_number: (number * 11..).find_map(nhs::NhsNumber::of_test_range).unwrap().reveal_text(),
        commissioner: if number.is_multiple_of(2) { "10M" } else { "10N" }.into(),
        ..elective::attendance(number)
    }
}

pub(crate) async fn submit(world: &mut Settling, file: &str, lines: std::ops::Range<u32>) {
    let request = referrals::OpenSubmissionRequest {
        system: SYSTEM.into(),
        request_id: id(100 + lines.start),
        provider: "NT3".into(),
        file_digest: journal::Digest::of(file.as_bytes()).0.to_vec(),
        again: false,
    };
    let opened = world.referrals.open_submission(request).await.unwrap().into_inner();
    let request = referrals::SubmitActivityRequest {
        system: SYSTEM.into(),
        submission_id: opened.submission_id,
        first_row: 1,
        lines: lines.map(attendance).collect(),
        validate_only: false,
    };
    let answer = world.referrals.submit_activity(request).await.unwrap().into_inner();
    assert!(answer.answers.iter().all(|answer| answer.answer() == referrals::Answer::Accepted));
}

/// Makes a direct payment fall due, as health budgets would.
async fn owe_a_person(world: &mut Settling) {
    let line = "10M/phb/2017-18";
    let paths = vec![format!("{line}/fund/plan/phb-7/prepayment"), format!("{line}/owed/payable/phb-7")];
    let accounts = world.open_accounts(500, paths).await;
    let leg = |account: &ledger::Account, side: ledger::Side, window| ledger::Leg {
        account: account.number,
        side: side.into(),
        amount_pence: 75_00,
        window,
    };
    let key = ledger::window_key::Key::Instalment(date((2017, 8, 1)).unwrap());
    let adds = ledger::leg::Window::Adds(ledger::WindowKey { key: Some(key) });
    let posting = ledger::Posting {
        request_id: journal::RequestId::to_bytes(id(501).parse().unwrap()).to_vec(),
        kind: ledger::EntryKind::PhbInstalment.into(),
        effective_date: date((2017, 8, 1)),
        legs: vec![
            leg(&accounts[0], ledger::Side::Debit, None),
            leg(&accounts[1], ledger::Side::Credit, Some(adds)),
        ],
        ..ledger::Posting::default()
    };
    world.post(posting).await;
}

/// Gives the plan's payee bank details that two people agreed to.
async fn register_person(world: &Settling) {
    let number = nhs::NhsNumber::of_test_range(770).or_else(|| nhs::NhsNumber::of_test_range(771)).unwrap();
    let message = identity::PseudonymiseRequest {
        system: SYSTEM.into(),
        nhs_numbers: vec![number.reveal_text().parse().unwrap()],
    };
    let people = world.identity.pseudonymise(by_controlled("eve", message)).await.unwrap().into_inner();
    let register = identity::RegisterPayeeRequest {
        system: SYSTEM.into(),
        request_id: id(510),
        payee: "phb-7".into(),
        pseudonym: people.pseudonyms,
        account_name: "A N EXAMPLE".into(),
        sort_code: "083210".into(),
        account_number: "00000077".into(),
    };
    let registered =
        world.identity.register_payee(by_controlled("eve", register)).await.unwrap().into_inner();
    let approve = identity::ApprovePayeeRequest {
        system: SYSTEM.into(),
        request_id: id(511),
        payee: "phb-7".into(),
        proposal: registered.proposal,
    };
    world.identity.approve_payee(by_controlled("kim", approve)).await.unwrap();
}

/// The file that names a person is its owner's alone, in the folder and over the wire; nothing else names them.
async fn people_are_kept_apart(world: &Settling, folder: &Path, run: &v1::SettlementRun) -> Vec<u8> {
    let controlled = |file: &&v1::RunFile| file.kind() == v1::FileKind::ControlledPayments;
    let name = run.files.iter().find(controlled).unwrap().name.clone();
    let path = folder.join(SYSTEM).join("settlement/out").join(&name);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let refused = file(world, &run.run, &name).await.unwrap_err();
    assert_eq!(reason(&refused), "NOT_YOURS");
    for other in run.files.iter().filter(|file| !controlled(file)) {
        let bytes = file(world, &run.run, &other.name).await.unwrap();
        assert!(!String::from_utf8(bytes).unwrap().contains("EXAMPLE"), "{}", other.name);
    }
    let request = v1::GetFileRequest { system: SYSTEM.into(), run: run.run.clone(), name };
    let read = world.settlement.get_file(by_controlled("kim", request)).await.unwrap().into_inner().content;
    assert!(String::from_utf8(read.clone()).unwrap().contains("A N EXAMPLE"));
    assert_eq!(read, std::fs::read(path).unwrap());
    read
}

pub(crate) fn prepare(number: u32) -> v1::PrepareRunRequest {
    v1::PrepareRunRequest {
        system: SYSTEM.into(),
        request_id: id(number),
        cut: Some(v1::Cut { period: "2017-06".into(), stage: v1::CutStage::Freeze.into() }),
        pay_date: None,
    }
}

pub(crate) fn approve(number: u32, run: &v1::SettlementRun) -> v1::ApproveRunRequest {
    let (system, request_id) = (SYSTEM.into(), id(number));
    v1::ApproveRunRequest { system, request_id, run: run.run.clone(), digest: run.digest.clone() }
}

pub(crate) fn pay(number: u32, run: &v1::SettlementRun) -> v1::PayRunRequest {
    let (system, request_id) = (SYSTEM.into(), id(number));
    v1::PayRunRequest { system, request_id, run: run.run.clone(), digest: run.digest.clone() }
}

pub(crate) async fn run_of(world: &Settling, run: &str) -> v1::GetRunResponse {
    let request = v1::GetRunRequest { system: SYSTEM.into(), run: run.into(), min_position: None };
    world.settlement.get_run(by("ann", request)).await.unwrap().into_inner()
}

async fn file(world: &Settling, run: &str, name: &str) -> Result<Vec<u8>, Status> {
    let request = v1::GetFileRequest { system: SYSTEM.into(), run: run.into(), name: name.into() };
    Ok(world.settlement.get_file(by("ann", request)).await?.into_inner().content)
}

/// A statement on which everything that a payment file instructs has left the payer's account.
fn statement(payer: &str, number: u32, instructed: &[u8]) -> Vec<u8> {
    let on = civil::date(2017, 8, 23);
    let entry = |id: &str, amount: Pence| Entry {
        amount,
        side: Side::Debit,
        reversal: false,
        status: EntryStatus::Booked,
        booking_date: Some(on),
        value_date: Some(on),
        entry_reference: None,
        bank_reference: None,
        bank_transaction_code: BankTransactionCode::default(),
        payment_information_id: None,
        instruction_id: None,
        end_to_end_id: Some(id.to_owned()),
        reference: None,
        return_reason: None,
        bundled: None,
    };
    let instructions = payments::pain001::read(instructed).unwrap();
    let entries: Vec<Entry> =
        instructions.iter().map(|payment| entry(&payment.end_to_end_id, payment.amount)).collect();
    let paid: i64 = instructions.iter().map(|payment| payment.amount.get()).sum();
    let statement = Statement {
        message_id: format!("MSG-{number}"),
        statement_id: format!("STMT-{number}"),
        created: payments::MessageTime::parse("2017-08-24T01:00:00Z").unwrap(),
        period: None,
        copy: None,
        account: StatementAccount::Other(format!("083210{}", account_number(payer))),
        opening: Balance { amount: NetPence::new(1_000_000_00), date: on },
        closing: Balance { amount: NetPence::new(1_000_000_00 - paid), date: on },
        entries,
    };
    payments::camt053::write(&[statement]).unwrap().into_bytes()
}

async fn from_bank(world: &Settling, number: u32, message: Vec<u8>) -> v1::RecordBankMessageResponse {
    let request = v1::RecordBankMessageRequest { system: SYSTEM.into(), request_id: id(number), message };
    world.settlement.record_bank_message(by("ann", request)).await.unwrap().into_inner()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_is_paid_once_and_confirmed() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = Settling::start(folder.path()).await;
    world.register().await;
    let early = world.settlement.prepare_run(by("ann", prepare(200))).await.unwrap_err();
    assert_eq!(reason(&early), "CUT_NOT_SEALED");
    submit(&mut world, "first", 0..40).await;
    world.advance("2017-07-25T09:00:00Z").await;
    submit(&mut world, "late", 40..50).await;
    owe_a_person(&mut world).await;
    world.advance("2017-08-22T09:00:00Z").await;

    let prepared = world.settlement.prepare_run(by("ann", prepare(201))).await.unwrap().into_inner();
    let run = prepared.change.unwrap().run.unwrap();
    assert_eq!(run.state(), settlement_run::State::Prepared);
    // 25 attendances for each payer, and three twelfths of £1,200 on account for one of them.
    let activity = 25 * 166_72;
    assert_eq!((run.payments_count, run.pay_pence), (4, 2 * activity + 375_00));
    let rows = run_of(&world, &run.run).await.rows;
    let shown: Vec<_> = rows
        .iter()
        .map(|row| (row.payer.as_str(), row.payee.as_str(), row.windows.len(), row.net_pence))
        .collect();
    assert_eq!(
        shown,
        [
            ("10M", "NT3", 2, activity),
            ("10M", "RHW", 3, 300_00),
            ("10M", "phb-7", 1, 75_00),
            ("10N", "NT3", 2, activity)
        ]
    );
    assert_eq!((rows[0].sites[0].site.as_str(), rows[0].sites[0].lines_count), ("NT344", 25));
    let again = world.settlement.prepare_run(by("ann", prepare(201))).await.unwrap().into_inner();
    let change = again.change.unwrap();
    assert!(change.recorded.unwrap().replayed && change.run.unwrap().digest == run.digest);

    let same = world.settlement.approve_run(by("ann", approve(202, &run))).await.unwrap_err();
    assert_eq!(reason(&same), "SAME_PERSON");
    let early = world.settlement.pay_run(by("ann", pay(203, &run))).await.unwrap_err();
    assert_eq!(reason(&early), "RUN_STATE");
    world.settlement.approve_run(by("bob", approve(204, &run))).await.unwrap();
    let nobody = world.settlement.pay_run(by("ann", pay(205, &run))).await.unwrap_err();
    assert_eq!(reason(&nobody), "PAYEE_DETAILS_MISSING");
    register_person(&world).await;
    let paid = world.settlement.pay_run(by("ann", pay(205, &run))).await.unwrap().into_inner();
    let paid = paid.change.unwrap().run.unwrap();
    assert_eq!((paid.state(), paid.asks_open_count), (settlement_run::State::Paying, 0));
    assert_eq!(
        paid.files.len(),
        7,
        "for each payer: a payment file, payables, a journal; one for the person"
    );
    let direct = people_are_kept_apart(&world, folder.path(), &paid).await;
    for line in ["10M/elective/2017-18", "10N/elective/2017-18"] {
        assert_eq!(world.balance(&format!("{line}/owed/payable")).await, 0);
    }
    assert_eq!(world.balance("10M/elective/2017-18/out/in-transit").await, activity + 300_00);

    // A restart changes nothing: the same run, the same files, nothing posted twice.
    world.stop().await;
    let mut world = Settling::start(folder.path()).await;
    assert_eq!(run_of(&world, &run.run).await.run.unwrap().files, paid.files);
    let replayed = world.settlement.pay_run(by("ann", pay(205, &run))).await.unwrap().into_inner();
    assert!(replayed.change.unwrap().recorded.unwrap().replayed);
    let direct = from_bank(&world, 299, statement("10M", 299, &direct)).await;
    assert_eq!(direct.totals.len(), 1);
    confirm(&mut world, &paid).await;
    advices(&world, &run.run).await;
    let trial = GetTrialBalanceRequest { system: SYSTEM.into(), ..Default::default() };
    let trial = world.ledger.get_trial_balance(trial).await.unwrap().into_inner();
    assert_eq!(trial.difference_pence, 0);
    world.stop().await;
}

/// The bank's statements come back, twice each.
async fn confirm(world: &mut Settling, paid: &v1::SettlementRun) {
    let payment_files = paid.files.iter().filter(|file| file.kind() == v1::FileKind::Payments);
    for (number, file_facts) in (300..).zip(payment_files) {
        let bytes = file(world, &paid.run, &file_facts.name).await.unwrap();
        assert_eq!(journal::Digest::of(&bytes).0.to_vec(), file_facts.digest);
        let payer = file_facts.name.trim_start_matches("payments/").split('-').next().unwrap().to_owned();
        let message = statement(&payer, number, &bytes);
        let answer = from_bank(world, number, message.clone()).await;
        let totals: Vec<_> = answer.totals.iter().map(|total| (total.outcome(), total.pence)).collect();
        assert_eq!(totals, [(v1::BankEntryOutcome::Settled, file_facts.pence)]);
        assert!(answer.differences.is_empty() && answer.known.is_none());
        assert_eq!(answer.asks_open_count, 0);
        let again = from_bank(world, number + 50, message).await;
        assert_eq!(again.known, Some(answer.recorded.unwrap().position));
    }
    let unreadable = v1::RecordBankMessageRequest {
        system: SYSTEM.into(),
        request_id: id(399),
        message: b"<Document/>".to_vec(),
    };
    let refused = world.settlement.record_bank_message(by("ann", unreadable)).await.unwrap_err();
    assert_eq!(reason(&refused), "BANK_MESSAGE_UNREADABLE");
    assert_eq!(run_of(world, &paid.run).await.run.unwrap().state(), settlement_run::State::Paid);
    assert_eq!(world.balance("10M/elective/2017-18/out/in-transit").await, 0);
    assert_eq!(world.balance("10M/elective/2017-18/out/bank").await, 25 * 166_72 + 300_00);
    let close = v1::CloseRunRequest { system: SYSTEM.into(), request_id: id(400), run: paid.run.clone() };
    let closed = world.settlement.close_run(by("ann", close)).await.unwrap().into_inner();
    assert_eq!(closed.change.unwrap().run.unwrap().state(), settlement_run::State::Closed);
}

/// Each payment has an advice that adds up, and is its payee's only.
async fn advices(world: &Settling, run: &str) {
    let list = v1::ListPaymentsRequest { system: SYSTEM.into(), run: run.into(), ..Default::default() };
    let listed = world.settlement.list_payments(by("ann", list.clone())).await.unwrap().into_inner();
    assert_eq!(listed.payments.len(), 4);
    assert!(listed.payments.iter().all(|payment| payment.state() == payment::State::Settled));
    let everybodys = world.settlement.list_payments(by_body("NT3", list.clone())).await.unwrap_err();
    assert_eq!(reason(&everybodys), "NOT_YOURS");
    let own = v1::ListPaymentsRequest { payee: "NT3".into(), ..list };
    let own = world.settlement.list_payments(by_body("NT3", own)).await.unwrap().into_inner();
    assert_eq!(own.payments.len(), 2);
    for payment in &listed.payments {
        let request = v1::GetRemittanceRequest {
            system: SYSTEM.into(),
            end_to_end_id: payment.end_to_end_id.clone(),
            format: v1::AdviceFormat::Csv.into(),
        };
        if payment.payee == "phb-7" {
            let refused = world.settlement.get_remittance(by("ann", request)).await.unwrap_err();
            assert_eq!(reason(&refused), "ADVICE_NOT_FOR_PEOPLE");
            continue;
        }
        let advice = world.settlement.get_remittance(by("ann", request.clone())).await.unwrap().into_inner();
        let text = String::from_utf8(advice.content).unwrap();
        let lines = text.lines().filter(|line| line.contains(",line,")).count();
        assert_eq!(lines, if payment.payee == "NT3" { 25 } else { 3 }, "{text}");
        assert!(!text.contains(",adjustment,"), "{text}");
        let other = world.settlement.get_remittance(by_body("NV3", request)).await.unwrap_err();
        assert_eq!(reason(&other), "NOT_YOURS");
    }
}
