//! What should not be sent, sent: a clear answer each, and nothing half-done.

use crate::support::Installation;
use proto::google::r#type::Date;
use proto::referrals::v1::referrals_service_client::ReferralsServiceClient;
use proto::referrals::v1::{
    ActivityLine, Answer, GetTotalsRequest, LineAnswer, OpenSubmissionRequest, RecordReferralRequest,
    ReferralSource, ReferralSubmission, SubmitActivityRequest,
};
use referrals::{Command, Event, Referrals, UNREADABLE_RECORD_BYTES_MAX};
use tonic::transport::Channel;
use tonic::{Code, Status};
use wire::status::reason_of;

const SYSTEM: &str = "berkshire-west";

fn good(n: usize) -> ActivityLine {
    ActivityLine {
        cds_identifier: format!("BNV300{:09}", 900_000 + n),
        nhs_number: nhs::NhsNumber::of_test_range(u32::try_from(n * 11).unwrap())
            .or_else(|| nhs::NhsNumber::of_test_range(u32::try_from(n * 11 + 1).unwrap()))
            .unwrap()
            .reveal_text(),
        site: "NV323".into(),
        practice: "K81004".into(),
        commissioner: "10N".into(),
        treatment_function: "502".into(),
        point_of_delivery: "OPFUPSPCL".into(),
        start_date: Some(Date { year: 2017, month: 7, day: 12 }),
        claimed_pence: 82_78,
        first_attendance: "2".into(),
        attended: "5".into(),
        administrative_category: "01".into(),
        ..ActivityLine::default()
    }
}

fn day_case(n: usize, hrg: &str) -> ActivityLine {
    ActivityLine {
        point_of_delivery: "DC".into(),
        hrg: hrg.into(),
        end_date: Some(Date { year: 2017, month: 7, day: 12 }),
        admission_method: "11".into(),
        patient_classification: "2".into(),
        first_attendance: String::new(),
        attended: String::new(),
        ..good(n)
    }
}

async fn open(client: &mut ReferralsServiceClient<Channel>, provider: &str) -> Result<String, Status> {
    let open = OpenSubmissionRequest {
        system: SYSTEM.into(),
        request_id: client::new_request_id(),
        provider: provider.into(),
        file_digest: vec![7; 32],
        again: false,
    };
    Ok(client.open_submission(open).await?.into_inner().submission_id)
}

fn submit(submission_id: &str, first_row: u64, lines: Vec<ActivityLine>) -> SubmitActivityRequest {
    let (system, submission_id) = (SYSTEM.into(), submission_id.into());
    SubmitActivityRequest { system, submission_id, first_row, lines, validate_only: false }
}

fn codes(answer: &LineAnswer) -> Vec<&str> {
    answer.findings.iter().map(|finding| finding.code.as_str()).collect()
}

#[tokio::test]
async fn a_bad_line_costs_itself_only_and_is_told_every_reason() {
    let installation = Installation::played();
    let process = installation.serve(&[]);
    let mut client = ReferralsServiceClient::new(installation.connect(&process, "NV3").await);
    let submission = open(&mut client, "NV3").await.unwrap();
    let date = |year, month, day| Some(Date { year, month, day });
    let table: Vec<(ActivityLine, Answer, &[&str])> = vec![
        (good(1), Answer::Accepted, &[]),
        (
            ActivityLine { nhs_number: "999123".into(), ..good(2) },
            Answer::Unreadable,
            &["NHS_NUMBER_INVALID"],
        ),
        (
            ActivityLine { nhs_number: "9999999999".into(), ..good(3) },
            Answer::Unreadable,
            &["NHS_NUMBER_REPDIGIT"],
        ),
        (
            ActivityLine { nhs_number: "9434765918".into(), ..good(4) },
            Answer::Unreadable,
            &["NHS_NUMBER_CHECK_DIGIT"],
        ),
        (ActivityLine { site: "NV999".into(), ..good(5) }, Answer::Contested, &["SITE_UNKNOWN"]),
        (ActivityLine { ubrn: "17060000000".into(), ..good(6) }, Answer::Unreadable, &["UBRN_INVALID"]),
        (day_case(7, "ZZ99Z"), Answer::Contested, &["HRG_UNKNOWN"]),
        (ActivityLine { start_date: date(2018, 1, 1), ..good(8) }, Answer::Unreadable, &["DATE_IN_FUTURE"]),
        (
            ActivityLine { end_date: date(2017, 7, 1), ..day_case(9, "BZ34C") },
            Answer::Unreadable,
            &["END_BEFORE_START"],
        ),
        (ActivityLine { claimed_pence: -1, ..good(10) }, Answer::Unreadable, &["CLAIMED_INVALID"]),
        (ActivityLine { claimed_pence: i64::MAX, ..good(11) }, Answer::Unreadable, &["CLAIMED_INVALID"]),
        (
            ActivityLine { start_date: date(2017, 2, 30), ..good(12) },
            Answer::Unreadable,
            &["START_DATE_INVALID"],
        ),
        (
            ActivityLine { nhs_number: String::new(), claimed_pence: -1, ..good(13) },
            Answer::Unreadable,
            &["NHS_NUMBER_INVALID", "CLAIMED_INVALID"],
        ),
        (good(14), Answer::Accepted, &[]),
        (
            ActivityLine { cds_identifier: "7".repeat(1_000_000), ..good(15) },
            Answer::Unreadable,
            &["CDS_IDENTIFIER_INVALID"],
        ),
    ];
    let lines: Vec<_> = table.iter().map(|(line, ..)| line.clone()).collect();
    let sent = submit(&submission, 1, lines);
    let answers = client.submit_activity(sent.clone()).await.unwrap().into_inner().answers;
    let found: Vec<(Answer, Vec<&str>)> =
        answers.iter().map(|answer| (answer.answer(), codes(answer))).collect();
    let expected: Vec<(Answer, Vec<&str>)> =
        table.iter().map(|(_, answer, codes)| (*answer, codes.to_vec())).collect();
    assert_eq!(found, expected);
    // Sent again: the same answers, from the same records.
    let mut again = client.submit_activity(sent).await.unwrap().into_inner().answers;
    assert!(again.iter().all(|answer| answer.replayed));
    again.iter_mut().for_each(|answer| answer.replayed = false);
    assert_eq!(again, answers);
    assert_eq!(process.stop(), Some(0));
    let unreadable = expected.iter().filter(|(answer, _)| *answer == Answer::Unreadable).count();
    assert_eq!(unreadable_records(&installation, &["9434765918", "BNV300000900008", "7777777"]), unreadable);
}

/// How many records of unreadable lines the last submission left. Each is small, and none of these texts stands in one.
pub(crate) fn unreadable_records(installation: &Installation, texts: &[&str]) -> usize {
    let journal = testkit::Forge::open(&installation.data(), SYSTEM, journal::Service::Referrals);
    let opened = |(_, (_, outcome)): &(journal::Header, testkit::Body<Referrals>)| match outcome {
        journal::Outcome::Accepted(events) => matches!(events.first(), Some(Event::SubmissionOpened)),
        journal::Outcome::Refused(_) => false,
    };
    let last = journal.commands::<Referrals>().filter(opened).last().unwrap().0.position;
    let of_last = |command: &_| matches!(command, Command::RecordUnreadable(line) if line.submission == last);
    let lines = journal.commands::<Referrals>().filter(|(_, (command, _))| of_last(command));
    let records = lines.map(|(header, _)| &journal.records[usize::try_from(header.position.get()).unwrap()]);
    let check = |record: &Vec<u8>| {
        assert!(record.len() <= UNREADABLE_RECORD_BYTES_MAX, "{} bytes", record.len());
        for text in texts {
            assert!(!record.windows(text.len()).any(|window| window == text.as_bytes()), "{text}");
        }
    };
    records.map(check).count()
}

#[tokio::test]
async fn a_call_that_cannot_be_right_changes_nothing() {
    let installation = Installation::played();
    let process = installation.serve(&[]);
    let mut client = client::calling!(ReferralsServiceClient, installation.connect(&process, "NV3").await);
    let submission = open(&mut client, "NV3").await.unwrap();
    let totals =
        GetTotalsRequest { system: SYSTEM.into(), provider: "NV3".into(), ..GetTotalsRequest::default() };
    let before = client.get_totals(totals.clone()).await.unwrap().into_inner().totals;

    let empty = client.submit_activity(submit(&submission, 1, Vec::new())).await.unwrap_err();
    assert_eq!((empty.code(), reason_of(&empty).as_deref()), (Code::InvalidArgument, Some("BATCH_EMPTY")));
    let many = (0..2_001).map(good).collect();
    let large = client.submit_activity(submit(&submission, 1, many)).await.unwrap_err();
    assert_eq!(
        (large.code(), reason_of(&large).as_deref()),
        (Code::InvalidArgument, Some("BATCH_TOO_LARGE"))
    );

    let huge = ActivityLine { cds_identifier: "B".repeat(17 << 20), ..good(1) };
    let mut without_limit = ReferralsServiceClient::new(installation.connect(&process, "NV3").await)
        .max_encoding_message_size(64 << 20);
    let over = without_limit.submit_activity(submit(&submission, 1, vec![huge])).await.unwrap_err();
    assert_eq!(over.code(), Code::InvalidArgument, "{over}");

    let mut other = ReferralsServiceClient::new(installation.connect(&process, "NT3").await);
    let others = open(&mut other, "NV3").await.unwrap_err();
    assert_eq!((others.code(), reason_of(&others).as_deref()), (Code::PermissionDenied, Some("NOT_YOURS")));
    let foreign = other.submit_activity(submit(&submission, 1, vec![good(1)])).await;
    assert!(
        foreign.is_err() || foreign.unwrap().into_inner().answers.iter().all(|line| line.position.is_none())
    );

    let mut referrer = ReferralsServiceClient::new(installation.connect(&process, "referrer").await);
    let referral = ReferralSubmission {
        nhs_number: "999".into(),
        ubrn: "17060000000".into(),
        treatment_function: "110".into(),
        source: ReferralSource::Gp.into(),
        referred_on: Some(Date { year: 2017, month: 8, day: 0 }),
        practice: "K81004".into(),
        provider: "nv3".into(),
        ..ReferralSubmission::default()
    };
    let request = RecordReferralRequest {
        system: SYSTEM.into(),
        request_id: "not-a-uuid".into(),
        referral: Some(referral),
    };
    let refused = referrer.record_referral(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    let details = tonic_types::StatusExt::get_details_bad_request(&refused).unwrap();
    let fields: Vec<&str> =
        details.field_violations.iter().map(|violation| violation.field.as_str()).collect();
    for field in
        ["request_id", "referral.nhs_number", "referral.ubrn", "referral.referred_on", "referral.provider"]
    {
        assert!(fields.contains(&field), "{field} is not among {fields:?}");
    }
    assert!(!format!("{refused:?}").contains("17060000000"), "what was sent is not repeated");

    assert_eq!(client.get_totals(totals).await.unwrap().into_inner().totals, before);
}

#[tokio::test]
async fn writes_are_refused_before_the_disk_is_full_and_reads_go_on() {
    let installation = Installation::played();
    let process = installation.serve_with("[limits]\ndisk_free_bytes_min = 1000000000000000\n");
    let mut client = client::calling!(ReferralsServiceClient, installation.connect(&process, "NV3").await);
    let submission = open(&mut client, "NV3").await.unwrap();
    // What is prepared already is still used; then writes are refused.
    let mut refused = None;
    let mut taken = 0_usize;
    for batch in 0..40 {
        let lines = (0..1_000).map(|n| good(1_000 + batch * 1_000 + n)).collect();
        match client.submit_activity(submit(&submission, (batch * 1_000 + 1) as u64, lines)).await {
            Ok(answer) => taken += answer.into_inner().answers.len(),
            Err(status) => {
                refused = Some(status);
                break;
            }
        }
    }
    let refused = refused.expect("40,000 lines were taken although the disk is as good as full");
    assert_eq!((refused.code(), reason_of(&refused).as_deref()), (Code::Unavailable, Some("DISK_FULL")));
    let totals =
        GetTotalsRequest { system: SYSTEM.into(), provider: "NV3".into(), ..GetTotalsRequest::default() };
    let read = client.get_totals(totals).await.unwrap().into_inner().totals;
    let lines: i64 = read.iter().map(|total| total.accepted_lines + total.contested_lines).sum();
    assert!(usize::try_from(lines).unwrap() >= taken, "what was taken can be read");
    assert_eq!(process.stop(), Some(0));
}
