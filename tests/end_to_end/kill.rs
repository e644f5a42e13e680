//! Kill -9 of one service after the other while activity is streamed in: nothing acknowledged is lost, nothing happens twice,
//! each line's answer stays the same. [`crate::disasters`] kills all of them at once.

use crate::support::{Installation, Process, free_port};
use journal::Service;
use nhs::NhsNumber;
use proto::google::r#type::Date;
use proto::ledger::v1::ledger_service_client::LedgerServiceClient;
use proto::ledger::v1::{GetBalanceRequest, GetTrialBalanceRequest};
use proto::referrals::v1::referrals_service_client::ReferralsServiceClient;
use proto::referrals::v1::{
    ActivityLine, Answer, Cut, CutStage, GetTotalsRequest, LineAnswer, OpenSubmissionRequest,
    SubmitActivityRequest,
};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tonic::Status;
use tonic::transport::Channel;

pub(crate) const SYSTEM: &str = "berkshire-west";
pub(crate) const PROVIDER: &str = "NV3";
pub(crate) const BATCH: usize = 50;
pub(crate) const LINES: usize = 1_000;

/// Sends the whole file once; ends at the first batch that is not answered. What is answered goes into `answered`, and must
/// be the same as before when it was answered before.
async fn send(channel: Channel, file: u8, answered: &mut BTreeMap<u64, LineAnswer>) -> Result<(), Status> {
    send_counting(channel, file, answered, || ()).await
}

/// The same, telling of each batch that was answered.
pub(crate) async fn send_counting(
    channel: Channel,
    file: u8,
    answered: &mut BTreeMap<u64, LineAnswer>,
    each: impl FnMut(),
) -> Result<(), Status> {
    send_from(0, channel, file, answered, each).await
}

/// The same from a batch on: a client that goes on where it was interrupted.
pub(crate) async fn send_from(
    from_batch: usize,
    channel: Channel,
    file: u8,
    answered: &mut BTreeMap<u64, LineAnswer>,
    mut each: impl FnMut(),
) -> Result<(), Status> {
    let mut client = ReferralsServiceClient::new(channel);
    let open = OpenSubmissionRequest {
        system: SYSTEM.into(),
        request_id: client::new_request_id(),
        provider: PROVIDER.into(),
        file_digest: vec![file; 32],
        again: false,
    };
    let submission_id = client.open_submission(open).await?.into_inner().submission_id;
    for (batch, lines) in lines(file).chunks(BATCH).enumerate().skip(from_batch) {
        let request = SubmitActivityRequest {
            system: SYSTEM.into(),
            submission_id: submission_id.clone(),
            first_row: (batch * BATCH + 1) as u64,
            lines: lines.to_vec(),
            validate_only: false,
        };
        for line in client.submit_activity(request).await?.into_inner().answers {
            compare(answered, line);
        }
        each();
    }
    Ok(())
}

fn compare(answered: &mut BTreeMap<u64, LineAnswer>, now: LineAnswer) {
    match answered.get(&now.row) {
        Some(before) => {
            assert!(now.replayed, "row {} was acknowledged and is answered anew", now.row);
            let again = LineAnswer { replayed: before.replayed, ..now };
            assert_eq!(before, &again);
        }
        None => {
            answered.insert(now.row, now);
        }
    }
}

/// First attendances at Circle Reading in July 2017: its own CDS identifiers for each file.
fn lines(file: u8) -> Vec<ActivityLine> {
    let patients = (u32::from(file) * 10_000..).filter_map(NhsNumber::of_test_range);
    let line = |(n, patient): (usize, NhsNumber)| ActivityLine {
        cds_identifier: format!("BNV300{file:03}{n:06}"),
        nhs_number: patient.reveal_text(),
        site: "NV323".into(),
        practice: String::new(),
        commissioner: "10N".into(),
        treatment_function: "110".into(),
        point_of_delivery: "OPFASPCL".into(),
        start_date: Some(Date { year: 2017, month: 7, day: 3 + i32::try_from(n % 25).unwrap() }),
        claimed_pence: 150_00,
        first_attendance: "1".into(),
        attended: "5".into(),
        administrative_category: "01".into(),
        ..ActivityLine::default()
    };
    let practice = practice();
    let with_practice = |line| ActivityLine { practice: practice.clone(), ..line };
    (0..LINES).zip(patients).map(line).map(with_practice).collect()
}

/// A practice of North and West Reading, from the demo's own list.
fn practice() -> String {
    let list = include_str!("../../services/almoner/data/demo/practices.csv");
    let row = list.lines().skip(1).find(|row| row.split(',').any(|field| field == "10N")).unwrap();
    row.split(',').next().unwrap().to_owned()
}

/// What stands in the books: lines accepted, their price, what the ledger owes for the window, and the trial balance.
pub(crate) async fn books(
    installation: &Installation,
    referrals: &Process,
    ledger: &Process,
    expected: i64,
) -> (usize, i64) {
    let auditor = installation.connect(referrals, "auditor").await;
    let request = GetTotalsRequest {
        system: SYSTEM.into(),
        provider: PROVIDER.into(),
        cut: Some(Cut { period: "2017-07".into(), stage: CutStage::Freeze.into() }),
        ..GetTotalsRequest::default()
    };
    let totals = ReferralsServiceClient::new(auditor).get_totals(request).await.unwrap().into_inner().totals;
    let lines: i64 = totals.iter().map(|total| total.accepted_lines).sum();
    let accepted: i64 = totals.iter().map(|total| total.accepted_pence).sum();
    assert_eq!(accepted, expected);
    let mut client = LedgerServiceClient::new(installation.connect(ledger, "auditor").await);
    let mut payable = 0;
    // What a killed ledger missed is delivered within moments of its return.
    for _ in 0..200 {
        let path = format!("10N/elective/2017-18/owed/payable/{PROVIDER}");
        let request = GetBalanceRequest { system: SYSTEM.into(), path, ..Default::default() };
        payable = client.get_balance(request).await.unwrap().into_inner().balance.unwrap().balance_pence;
        if payable >= accepted {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let request = GetTrialBalanceRequest { system: SYSTEM.into(), ..Default::default() };
    let trial = client.get_trial_balance(request).await.unwrap().into_inner();
    assert_eq!(trial.difference_pence, 0);
    (usize::try_from(lines).unwrap(), payable)
}

pub(crate) fn check(answered: &BTreeMap<u64, LineAnswer>) -> i64 {
    assert_eq!(answered.len(), LINES);
    assert!(
        answered.values().all(|line| line.answer() == Answer::Accepted),
        "{:?}",
        answered.values().next()
    );
    let positions: BTreeSet<_> = answered.values().map(|line| line.position).collect();
    assert_eq!(positions.len(), LINES, "each line has a record of its own");
    answered.values().map(|line| line.price_pence).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_service_killed_in_a_process_of_its_own_keeps_every_answer() {
    let installation = Installation::played();
    let ports: Vec<(Service, u16)> = Service::ALL.into_iter().map(|service| (service, free_port())).collect();
    let start = |service: Service| {
        let port = ports.iter().find(|(of, _)| *of == service).unwrap().1;
        let peers: Vec<_> = ports.iter().copied().filter(|(of, _)| *of != service).collect();
        installation.serve_at(&[service], port, &peers)
    };
    let mut processes: BTreeMap<Service, Process> =
        Service::ALL.into_iter().map(|service| (service, start(service))).collect();
    let mut owed = 0;
    for (file, killed) in (2u8..).zip(Service::ALL) {
        let channel = installation.connect(&processes[&Service::Referrals], PROVIDER).await;
        let sending = tokio::spawn(async move {
            let mut answered = BTreeMap::new();
            let _ = send(channel, file, &mut answered).await;
            answered
        });
        tokio::time::sleep(Duration::from_millis(400)).await;
        processes.remove(&killed).unwrap().kill();
        let mut answered = sending.await.unwrap();

        processes.insert(killed, start(killed));
        let mut whole = Ok(());
        // The others connect again by themselves; a call may meet the gap once more.
        for _ in 0..40 {
            let channel = installation.connect(&processes[&Service::Referrals], PROVIDER).await;
            whole = send(channel, file, &mut answered).await;
            if whole.is_ok() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        assert!(whole.is_ok(), "the file was not taken after {killed} came back: {whole:?}");
        owed += check(&answered);
        let (referrals, ledger) = (&processes[&Service::Referrals], &processes[&Service::Ledger]);
        let sent = (usize::from(file) - 1) * LINES;
        assert_eq!(books(&installation, referrals, ledger, owed).await, (sent, owed), "{killed}");
    }
    for (service, process) in processes {
        assert_eq!(process.stop(), Some(0), "{service}");
    }
}
