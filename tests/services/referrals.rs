//! Activity from a provider's stream to the payers' books, over gRPC, through a restart.

use crate::world::{SYSTEM, World, date, elective, id, reason as reason_of};
use proto::{
    ledger::v1::GetTrialBalanceRequest,
    referrals::v1::{self, Answer},
};
use tonic::{Code, Status};

fn attendance(number: u32) -> v1::ActivityLine {
    v1::ActivityLine {
        nhs_number: nhs::NhsNumber::of_test_range(number % 5_000 * 11)
            .unwrap_or_else(|| spare(number))
            .reveal_text(),
        commissioner: "10M".into(),
        ..elective::attendance(number)
    }
}

/// A number of the test range near `number` that passes the check digit: one in eleven does not.
fn spare(number: u32) -> nhs::NhsNumber {
    (number..).find_map(nhs::NhsNumber::of_test_range).unwrap()
}

fn reason(status: &Status) -> (Code, String) {
    (status.code(), reason_of(status))
}

async fn open(world: &mut World, number: u32, provider: &str) -> v1::OpenSubmissionResponse {
    let request = v1::OpenSubmissionRequest {
        system: SYSTEM.into(),
        request_id: id(number),
        provider: provider.into(),
        file_digest: journal::Digest::of(provider.as_bytes()).0.to_vec(),
        again: false,
    };
    world.referrals.open_submission(request).await.unwrap().into_inner()
}

fn codes(answer: &v1::LineAnswer) -> Vec<&str> {
    answer.findings.iter().map(|finding| finding.code.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_line_is_answered_posted_and_answered_the_same_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::start(folder.path()).await;
    world.register().await;
    let opened = open(&mut world, 100, "NT3").await;
    assert!(!opened.existing);
    assert!(open(&mut world, 101, "NT3").await.existing, "the same caller's same file");

    let lines = vec![
        attendance(0),
        v1::ActivityLine { practice: "J82001".into(), ..attendance(2) },
        v1::ActivityLine { nhs_number: "1111111111".into(), hrg: "?".into(), ..attendance(4) },
        v1::ActivityLine { attended: "3".into(), ..attendance(6) },
        v1::ActivityLine { treatment_function: "130".into(), claimed_pence: 999_99, ..attendance(8) },
    ];
    let request = v1::SubmitActivityRequest {
        system: SYSTEM.into(),
        submission_id: opened.submission_id.clone(),
        first_row: 1,
        lines,
        validate_only: false,
    };
    let only = v1::SubmitActivityRequest { validate_only: true, ..request.clone() };
    let checked = world.referrals.submit_activity(only.clone()).await.unwrap().into_inner();
    assert!(checked.answers.iter().all(|answer| answer.position.is_none() && !answer.replayed));
    let first = world.referrals.submit_activity(request.clone()).await.unwrap().into_inner();
    assert_eq!(first.posting, i32::from(v1::Posting::Done));
    let seen: Vec<_> = first.answers.iter().map(|answer| (answer.answer(), codes(answer))).collect();
    assert_eq!(
        seen,
        [
            (Answer::Accepted, vec![]),
            (Answer::Contested, vec!["WRONG_COMMISSIONER"]),
            (Answer::Unreadable, vec!["NHS_NUMBER_REPDIGIT", "HRG_INVALID"]),
            (Answer::Accepted, vec!["NOT_SEEN"]),
            (Answer::Accepted, vec!["PRICE_DIFFERS"]),
        ]
    );
    let pairs = checked.answers.iter().zip(&first.answers);
    assert!(pairs.clone().all(|(a, b)| (a.answer, a.price_pence) == (b.answer, b.price_pence)));
    assert_eq!(first.answers[0].price_pence, 166_72, "145 × 1.149759");
    assert_eq!(world.balance("10M/elective/2017-18/owed/payable/NT3").await, 2 * 166_72);

    // Again: the same answers, nothing twice; through a restart too.
    let again = world.referrals.submit_activity(request.clone()).await.unwrap().into_inner();
    assert!(again.answers.iter().all(|answer| answer.replayed));
    // Checked only, what was answered is answered as it was, and a row that has changed as a new one.
    let mut lines = only.lines.clone();
    lines[1].practice = "K81001".into();
    let checked = v1::SubmitActivityRequest { lines, ..only };
    let checked = world.referrals.submit_activity(checked).await.unwrap().into_inner();
    for (row, (checked, again)) in checked.answers.iter().zip(&again.answers).enumerate() {
        assert_eq!(checked == again, row != 1, "row {row}: {checked:?}");
    }
    assert_eq!((checked.answers[1].replayed, checked.answers[1].position), (false, None));
    world.stop().await;
    let mut world = World::start(folder.path()).await;
    let again = world.referrals.submit_activity(request).await.unwrap().into_inner();
    for (mut again, first) in again.answers.into_iter().zip(first.answers) {
        again.replayed = false;
        assert_eq!(again, first);
    }
    assert_eq!(world.balance("10M/elective/2017-18/owed/payable/NT3").await, 2 * 166_72);

    // What can be read of it.
    let key = v1::get_line_request::Key::Position(first_position(&mut world, &opened.submission_id).await);
    let get = v1::GetLineRequest { system: SYSTEM.into(), key: Some(key), min_position: None };
    let got = world.referrals.get_line(get).await.unwrap().into_inner();
    let line = got.line.unwrap();
    assert!(got.in_force && line.version == 1 && line.pseudonym.len() == 32);
    let steps: Vec<_> = line.steps.iter().map(|step| step.code.as_str()).collect();
    assert_eq!(
        steps,
        ["FIRST_ATTENDANCE", "DEFAULT_FUNCTION", "MARKET_FORCES_FACTOR", "ROUNDED_TO_PENNY", "ILLUSTRATIVE"]
    );
    let totals = v1::GetTotalsRequest { system: SYSTEM.into(), provider: "NT3".into(), ..Default::default() };
    let totals = world.referrals.get_totals(totals).await.unwrap().into_inner();
    let claimed: i64 = totals.totals.iter().map(|row| row.claimed_pence).sum();
    assert_eq!(claimed, 4 * 166_72 + 999_99);
    for row in &totals.totals {
        let answered =
            row.accepted_pence + row.price_difference_pence + row.contested_pence + row.unreadable_pence;
        assert_eq!(row.claimed_pence, answered);
    }

    // A withdrawn line is owed no more.
    let withdraw = v1::WithdrawLineRequest {
        system: SYSTEM.into(),
        request_id: id(200),
        provider: "NT3".into(),
        cds_identifier: "B0".into(),
    };
    world.referrals.withdraw_line(withdraw).await.unwrap();
    assert_eq!(world.balance("10M/elective/2017-18/owed/payable/NT3").await, 166_72);
    let other = v1::OpenSubmissionRequest {
        system: SYSTEM.into(),
        request_id: id(201),
        provider: "NV3".into(),
        file_digest: vec![0; 32],
        again: false,
    };
    let refused = world.referrals.open_submission(other).await.unwrap_err();
    assert_eq!(reason(&refused), (Code::PermissionDenied, "NOT_YOURS".into()));
    world.stop().await;
}

async fn first_position(world: &mut World, submission: &str) -> u64 {
    let request = v1::ListLinesRequest {
        system: SYSTEM.into(),
        of: Some(v1::list_lines_request::Of::SubmissionId(submission.into())),
        ..Default::default()
    };
    let lines = world.referrals.list_lines(request).await.unwrap().into_inner().lines;
    assert_eq!(lines.len(), 5);
    lines[0].position
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_batches_ties_with_the_books_and_seals() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::start(folder.path()).await;
    world.register().await;
    let opened = open(&mut world, 100, "NT3").await;
    let batches = 8_u32;
    let size = 500_u32;
    let messages: Vec<_> = (0..batches)
        .map(|batch| v1::StreamActivityRequest {
            system: SYSTEM.into(),
            submission_id: opened.submission_id.clone(),
            first_row: u64::from(batch * size + 1),
            lines: (batch * size..(batch + 1) * size).map(attendance).collect(),
        })
        .collect();
    let stream = tokio_stream::iter(messages.clone());
    let mut answers = world.referrals.stream_activity(stream).await.unwrap().into_inner();
    let (mut rows, mut accepted, mut last) = (0_u64, 0, 0);
    while let Some(answer) = answers.message().await.unwrap() {
        assert_eq!(answer.first_row, rows + 1, "batches are answered in order");
        rows += u64::try_from(answer.answers.len()).unwrap();
        accepted += answer.answers.iter().map(|line| line.price_pence).sum::<i64>();
        last = answer.position;
    }
    assert_eq!(rows, u64::from(batches * size));
    let totals =
        v1::GetTotalsRequest { system: SYSTEM.into(), min_position: Some(last), ..Default::default() };
    let totals = world.referrals.get_totals(totals).await.unwrap().into_inner();
    let payable: i64 = totals.totals.iter().map(|row| row.payable_pence).sum();
    assert_eq!(payable, accepted);

    // A broken stream is sent again from the start: the same answers.
    let mut again = world.referrals.stream_activity(tokio_stream::iter(messages)).await.unwrap().into_inner();
    while let Some(answer) = again.message().await.unwrap() {
        assert!(answer.answers.iter().all(|line| line.replayed));
    }
    // A bad batch ends the stream with what is wrong with it.
    let empty = v1::StreamActivityRequest { system: SYSTEM.into(), first_row: 1, ..Default::default() };
    let mut bad = world.referrals.stream_activity(tokio_stream::iter([empty])).await.unwrap().into_inner();
    assert_eq!(reason(&bad.message().await.unwrap_err()), (Code::InvalidArgument, "BATCH_EMPTY".into()));

    let mut owed = 0;
    for payer in ["10M", "10N"] {
        owed += world.balance(&format!("{payer}/elective/2017-18/owed/payable/NT3")).await;
    }
    assert_eq!(owed, payable);
    let trial = GetTrialBalanceRequest { system: SYSTEM.into(), ..Default::default() };
    assert_eq!(world.ledger.get_trial_balance(trial).await.unwrap().into_inner().difference_pence, 0);
    world.advance("2017-07-20T09:00:00Z").await;
    let cuts = world.referrals.list_cuts(v1::ListCutsRequest { system: SYSTEM.into(), min_position: None });
    let cuts = cuts.await.unwrap().into_inner().cuts;
    let june = &cuts[0];
    assert!(june.sealed && june.seal.is_some());
    assert_eq!(june.totals.iter().map(|total| total.payable_pence).sum::<i64>(), payable);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn referrals_hold_what_they_are_expected_to_cost() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::start(folder.path()).await;
    world.register().await;
    let referral = |ubrn: &str, provider: &str| v1::ReferralSubmission {
        nhs_number: spare(7).reveal_text(),
        ubrn: ubrn.into(),
        treatment_function: "110".into(),
        source: v1::ReferralSource::Gp.into(),
        referred_on: date((2017, 6, 1)),
        practice: "K81001".into(),
        offered: vec!["NT344".into(), "RHW".into()],
        provider: provider.into(),
        ..v1::ReferralSubmission::default()
    };
    let item = |number, referral| v1::ReferralItem { request_id: id(number), referral: Some(referral) };
    let malformed = v1::ReferralSubmission { practice: "?".into(), ..referral("000000000004", "NT3") };
    let elsewhere = v1::ReferralSubmission { practice: "J82001".into(), ..referral("000000000003", "NT3") };
    let batch = v1::RecordReferralsRequest {
        system: SYSTEM.into(),
        items: vec![
            item(301, referral("000000000001", "NT3")),
            item(302, referral("000000000002", "RHW")),
            item(303, elsewhere),
            item(304, malformed),
        ],
        validate_only: false,
    };
    let results = world.referrals.record_referrals(batch).await.unwrap().into_inner().results;
    let reasons =
        |result: &v1::ReferralResult| result.problems.iter().map(|p| p.reason.clone()).collect::<Vec<_>>();
    assert_eq!(reasons(&results[2]), ["WRONG_COMMISSIONER"]);
    assert_eq!(reasons(&results[3]), ["PRACTICE_CODE_INVALID"]);

    let life = |number: u64| v1::GetReferralLifeRequest {
        system: SYSTEM.into(),
        key: Some(v1::get_referral_life_request::Key::Position(number)),
        min_position: None,
    };
    let numbers: Vec<u64> = results.iter().take(2).map(|result| result.position.unwrap()).collect();
    let mut held = Vec::new();
    for number in &numbers {
        let answer = world.referrals.get_referral_life(life(*number)).await.unwrap().into_inner();
        held.push(answer.hold.unwrap().held_pence);
    }
    assert_eq!(held, [166_72 + 82_78, 0], "a first attendance and a follow-up, each rounded");

    let end = v1::EndReferralRequest {
        system: SYSTEM.into(),
        request_id: id(310),
        referral: results[0].position.unwrap(),
        state: v1::ReferralState::Discharged.into(),
    };
    let ended = world.referrals.end_referral(end).await.unwrap().into_inner();
    assert_eq!(ended.posting, i32::from(v1::Posting::Done));
    let key = v1::get_referral_request::Key::Ubrn("000000000001".into());
    let get = v1::GetReferralRequest { system: SYSTEM.into(), key: Some(key), min_position: None };
    let row = world.referrals.get_referral(get).await.unwrap().into_inner().referral.unwrap();
    assert_eq!((row.state(), row.stage()), (v1::ReferralState::Discharged, v1::ReferralStage::Discharged));
    let answer = world.referrals.get_referral_life(life(numbers[0])).await.unwrap().into_inner();
    assert_eq!((answer.hold.unwrap().left_pence, answer.events.len()), (0, 2));
    world.stop().await;
}
