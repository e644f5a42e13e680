//! The real binary over loopback with mutual TLS: what a provider, a referrer and the ledger's callers get.

use crate::echo::EchoProcess;
use crate::measure::{Calls, per_second, unary, used_bytes};
use crate::single;
use crate::support::{Installation, Process};
use nhs::NhsNumber;
use proto::google::r#type::Date;
use proto::ledger::v1::ledger_service_client::LedgerServiceClient;
use proto::ledger::v1::{EntryKind, Leg, OpenAccountsRequest, Posting, Side, StreamPostingsRequest};
use proto::referrals::v1::StreamActivityResponse;
use proto::referrals::v1::referrals_service_client::ReferralsServiceClient;
use proto::referrals::v1::{
    ActivityLine, OpenSubmissionRequest, RecordReferralRequest, ReferralSource, ReferralSubmission,
    StreamActivityRequest,
};
use serde_json::{Value, json};
use std::time::Instant;
use tonic::transport::Channel;
use tonic_prost::ProstCodec;

pub(crate) const SYSTEM: &str = "berkshire-west";
const LINES: usize = 60_000;
const POSTINGS: usize = 200_000;
const BATCH: usize = 2_000;

pub(crate) fn all() -> Value {
    let installation = Installation::played();
    let process = installation.serve(&[]);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let measured = runtime.block_on(measured(&installation, &process));
    assert_eq!(process.stop(), Some(0));
    measured
}

async fn measured(installation: &Installation, process: &Process) -> Value {
    let provider = installation.connect(process, "NV3").await;
    let referrer = installation.connect(process, "referrer").await;
    let finance = installation.connect(process, "finance-preparer").await;
    let echoing = EchoProcess::start(installation);
    let echo = installation.connect_to(&echoing.address, "NV3").await;
    let before = used_bytes(&installation.data());
    let lines_per_second = activity(provider).await;
    let bytes = used_bytes(&installation.data()) - before;
    json!({
        "one_posting_at_a_time": single::all(installation, process, &echoing).await,
        "bare_echo_unary": [
            echoes(echo.clone(), Calls { callers: 1, each: 1_000 }).await,
            echoes(echo.clone(), Calls { callers: 64, each: 60 }).await,
        ],
        "bare_echo_lines_per_second_streamed": stream_echo(echo.clone()).await,
        "referral_unary": [
            referrals(referrer.clone(), Calls { callers: 1, each: 1_000 }, 0).await,
            referrals(referrer.clone(), Calls { callers: 64, each: 60 }, 1_000).await,
        ],
        "activity_lines_per_second_streamed_durable_and_posted": lines_per_second,
        "disk_bytes_per_line_in_every_journal_it_touches": bytes / LINES as u64,
        "ledger_entries_per_second_streamed_one_budget_line": entries(finance).await,
    })
}

/// Echoes of one line by each caller.
async fn echoes(channel: Channel, calls: Calls) -> Value {
    unary(calls, move |_, _| call_echo(channel.clone())).await
}

/// Referrals of patients from `first` on, one in each call.
async fn referrals(channel: Channel, calls: Calls, first: usize) -> Value {
    unary(calls, move |caller, n| referral(channel.clone(), first + caller * calls.each + n)).await
}

async fn call_echo(channel: Channel) {
    let mut grpc = tonic::client::Grpc::new(channel);
    grpc.ready().await.unwrap();
    let path = http::uri::PathAndQuery::from_static("/bench.Echo/Unary");
    let request = tonic::Request::new(StreamActivityRequest {
        lines: vec![line(0)],
        ..StreamActivityRequest::default()
    });
    let _: tonic::Response<StreamActivityResponse> =
        grpc.unary(request, path, ProstCodec::default()).await.unwrap();
}

/// Streams the same batches to the server that does nothing.
async fn stream_echo(channel: Channel) -> u64 {
    let batches = batches("");
    let mut grpc = tonic::client::Grpc::new(channel).max_decoding_message_size(16 << 20);
    grpc.ready().await.unwrap();
    let path = http::uri::PathAndQuery::from_static("/bench.Echo/Stream");
    let request = tonic::Request::new(tokio_stream::iter(batches));
    let started = Instant::now();
    let answers = grpc.streaming(request, path, ProstCodec::default()).await.unwrap();
    let mut answers: tonic::Streaming<StreamActivityResponse> = answers.into_inner();
    let mut answered = 0;
    while let Some(answer) = answers.message().await.unwrap() {
        answered += answer.answers.len();
    }
    assert_eq!(answered, LINES);
    per_second(LINES, started.elapsed().as_secs_f64())
}

async fn referral(channel: Channel, n: usize) {
    let request = RecordReferralRequest {
        system: SYSTEM.into(),
        request_id: client::new_request_id(),
        referral: Some(ReferralSubmission {
            nhs_number: patient(n).reveal_text(),
            treatment_function: "110".into(),
            source: ReferralSource::Gp.into(),
            referred_on: Some(Date { year: 2017, month: 8, day: 30 }),
            practice: "K81004".into(),
            offered: vec!["NV3".into(), "RHW".into()],
            provider: "NV3".into(),
            site: "NV323".into(),
            ..ReferralSubmission::default()
        }),
    };
    ReferralsServiceClient::new(channel).record_referral(request).await.unwrap();
}

/// Streams lines of one provider, and waits until each is answered, durable and posted.
async fn activity(channel: Channel) -> u64 {
    let mut client = client::calling!(ReferralsServiceClient, channel);
    let open = OpenSubmissionRequest {
        system: SYSTEM.into(),
        request_id: client::new_request_id(),
        provider: "NV3".into(),
        file_digest: vec![9; 32],
        again: false,
    };
    let submission_id = client.open_submission(open).await.unwrap().into_inner().submission_id;
    let batches = batches(&submission_id);
    let started = Instant::now();
    let mut answers = client.stream_activity(tokio_stream::iter(batches)).await.unwrap().into_inner();
    let mut answered = 0;
    while let Some(answer) = answers.message().await.unwrap() {
        answered += answer.answers.len();
    }
    assert_eq!(answered, LINES);
    per_second(LINES, started.elapsed().as_secs_f64())
}

fn batches(submission_id: &str) -> Vec<StreamActivityRequest> {
    let lines: Vec<ActivityLine> = (0..LINES).map(line).collect();
    let batches = lines.chunks(BATCH).enumerate().map(|(n, lines)| StreamActivityRequest {
        system: SYSTEM.into(),
        submission_id: submission_id.into(),
        first_row: (n * BATCH + 1) as u64,
        lines: lines.to_vec(),
    });
    batches.collect()
}

fn line(n: usize) -> ActivityLine {
    ActivityLine {
        cds_identifier: format!("BNV300{n:09}"),
        nhs_number: patient(n % 20_000).reveal_text(),
        site: "NV323".into(),
        practice: "K81004".into(),
        commissioner: "10N".into(),
        treatment_function: "110".into(),
        point_of_delivery: "OPFUPSPCL".into(),
        start_date: Some(Date { year: 2017, month: 8, day: 1 + i32::try_from(n / 20_000 * 7 % 28).unwrap() }),
        claimed_pence: 82_78,
        first_attendance: "2".into(),
        attended: "5".into(),
        administrative_category: "01".into(),
        ..ActivityLine::default()
    }
}

/// Streams two-leg entries, every one on the same budget line.
async fn entries(channel: Channel) -> u64 {
    let mut client = client::calling!(LedgerServiceClient, channel);
    let line = "10N/elective/2017-18";
    let open = OpenAccountsRequest {
        system: SYSTEM.into(),
        request_id: client::new_request_id(),
        paths: vec![format!("{line}/fund/expenditure/third-party"), format!("{line}/owed/contested/NV3")],
    };
    let accounts = client.open_accounts(open).await.unwrap().into_inner().accounts;
    let leg = |account: usize, side: Side| Leg {
        account: accounts[account].number,
        side: side.into(),
        amount_pence: 106_00,
        window: None,
    };
    let batches: Vec<_> = (0..POSTINGS / BATCH)
        .map(|batch| StreamPostingsRequest {
            system: SYSTEM.into(),
            batch: batch as u64,
            postings: (0..BATCH)
                .map(|n| Posting {
                    request_id: id(batch * BATCH + n),
                    kind: EntryKind::Contest.into(),
                    effective_date: Some(Date { year: 2017, month: 8, day: 1 }),
                    legs: vec![leg(0, Side::Debit), leg(1, Side::Credit)],
                    ..Posting::default()
                })
                .collect(),
        })
        .collect();
    let started = Instant::now();
    let mut answers = client.stream_postings(tokio_stream::iter(batches)).await.unwrap().into_inner();
    let mut answered = 0;
    while let Some(answer) = answers.message().await.unwrap() {
        answered += answer.outcomes.len();
    }
    assert_eq!(answered, POSTINGS);
    per_second(POSTINGS, started.elapsed().as_secs_f64())
}

/// The `n`-th number of the test range that can be one.
fn patient(n: usize) -> NhsNumber {
    let serial = u32::try_from(n).unwrap() * 11 / 10 % 900_000;
    (serial..).find_map(NhsNumber::of_test_range).unwrap()
}

/// The `n`-th request id of this run.
pub(crate) fn id(n: usize) -> Vec<u8> {
    let n = n as u64;
    let mut bytes = [0x80; 16];
    bytes[..6].copy_from_slice(&(1_496_300_000_000 + n / 32).to_be_bytes()[2..]);
    bytes[6] = 0x70;
    bytes[8..].copy_from_slice(&n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    bytes[8] = 0x80 | (bytes[8] & 0x3f);
    bytes.to_vec()
}
