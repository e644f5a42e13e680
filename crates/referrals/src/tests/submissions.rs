//! Submissions, adoption and seals.

use super::fixture::{
    Run, day, first_attendance, from, hip, patient, referral, snapshot, sus_row, tag, tagged,
};
use crate::{
    ActivityLine, Command, End, EndReferral, Event, Reason, RecordReferral, Referrals, Refusal, SealCut,
    SubmitUnreadable, UnreadableLine, WithdrawLine,
};
use expect_test::{expect, expect_file};
use journal::{DecodeError, Domain, NoBlobs, Position};
use money::Pence;

#[test]
fn the_same_caller_and_file_keep_their_submission() {
    let mut run = Run::new();
    let first = run.open("NT3", b"june", false).unwrap();
    assert_eq!(first, Event::SubmissionOpened);
    let number = run.moment().position.previous().unwrap();
    assert_eq!(run.open("NT3", b"june", false).unwrap(), Event::SubmissionFound { submission: number });
    assert_eq!(run.open("NT3", b"june", true).unwrap(), Event::SubmissionOpened, "again");
    let newer = run.moment().position.previous().unwrap();
    assert_eq!(run.open("NT3", b"june", false).unwrap(), Event::SubmissionFound { submission: newer });
    run.caller = Position::new(77);
    assert_eq!(
        run.open("NT3", b"june", false).unwrap(),
        Event::SubmissionOpened,
        "another caller's is another"
    );
    assert_eq!(run.open("NZZ", b"june", false), Err(Refusal::ProviderUnknown));
}

#[test]
fn a_line_belongs_to_its_caller_s_submission() {
    let mut run = Run::new();
    let wrong = ActivityLine { submission: Position::new(999), ..first_attendance("A1") };
    assert_eq!(run.submit(Command::SubmitLine(wrong)), Err(Refusal::SubmissionUnknown));
    let others =
        ActivityLine { submission: first_attendance("A1").submission, ..from("RHW", first_attendance("A1")) };
    assert_eq!(run.submit(Command::SubmitLine(others)), Err(Refusal::SubmissionUnknown));
    run.caller = Position::new(77);
    assert_eq!(run.submit(Command::SubmitLine(first_attendance("A1"))), Err(Refusal::SubmissionUnknown));
}

#[test]
fn nothing_is_decided_without_reference_data_or_with_older() {
    let mut run = Run::empty();
    assert_eq!(run.submit(Command::SubmitLine(first_attendance("A1"))), Err(Refusal::ReferenceMissing));
    let mut newer = snapshot();
    newer.registry_position = Some(Position::new(9));
    run.adopt(newer.clone()).unwrap();
    assert_eq!(run.adopt(snapshot()), Err(Refusal::ReferenceOlder));
    assert_eq!(run.state.in_force().unwrap().digest, newer.digest());
}

#[test]
fn a_record_whose_blob_is_missing_does_not_decode() {
    let mut run = Run::empty();
    run.adopt(snapshot()).unwrap();
    let (_, kind, body) = &run.records[0];
    let missing = crate::Referrals::decode(*kind, body, &NoBlobs);
    assert!(matches!(missing, Err(DecodeError::BlobMissing(digest)) if digest == snapshot().digest()));
    let (command, _) = crate::Referrals::decode(*kind, body, &run.blobs).unwrap();
    let Command::AdoptReference(adopted) = command else { panic!("another command: {command:?}") };
    assert_eq!(adopted.reference.rows(), &snapshot());
}

#[test]
fn cuts_are_sealed_when_their_deadline_has_passed() {
    let mut run = Run::new();
    for (number, provider) in ["NT3", "RHW", "RWX", "RTH"].into_iter().enumerate() {
        for practice in ["K81001", "K81002"] {
            let cds_identifier = format!("S{practice}").parse().unwrap();
            let practice = practice.parse().unwrap();
            let pseudonym = patient(u8::try_from(number).unwrap() + practice_number(practice));
            let line = ActivityLine { cds_identifier, practice, pseudonym, ..first_attendance("X") };
            run.line(from(provider, line));
        }
    }
    let cut = "2017-06/flex".parse().unwrap();
    assert_eq!(run.submit(Command::SealCut(SealCut { cut })), Err(Refusal::CutNotDue));
    run.roll("2017-07-20");
    assert_eq!(run.submit(Command::SealCut(SealCut { cut })), Err(Refusal::CutNotDue));
    assert!(run.state.sealed(cut).is_some());
    let seals: Vec<_> = run.state.seals().map(|(cut, _)| cut.to_string()).collect();
    assert_eq!(seals, ["2017-05/flex", "2017-06/flex"]);
    let (_, _, body) = &run.records[usize::try_from(run.state.sealed(cut).unwrap().get()).unwrap()];
    let (_, outcome) = crate::Referrals::decode(journal::Kind(107), body, &run.blobs).unwrap();
    let journal::Outcome::Accepted(events) = outcome else { panic!("a seal is accepted") };
    let Event::CutSealed { totals } = &events[0] else { panic!("a seal seals") };
    let text: Vec<_> = totals
        .iter()
        .map(|row| {
            let (payable, recognised, block) = (row.payable, row.recognised, row.block);
            format!(
                "{} {} {}: {payable} {recognised} {block} {}",
                row.payer, row.payee, row.lines, row.contested
            )
        })
        .collect();
    expect![[r#"
        10M NT3 1: £158.67 £0.00 £0.00 £0.00
        10M RHW 1: £0.00 £158.67 £0.00 £0.00
        10M RTH 1: £151.80 £0.00 £0.00 £0.00
        10M RWX 1: £0.00 £0.00 £138.00 £0.00
        10N NT3 1: £158.67 £0.00 £0.00 £0.00
        10N RHW 1: £0.00 £158.67 £0.00 £0.00
        10N RTH 1: £151.80 £0.00 £0.00 £0.00
        10N RWX 1: £138.00 £0.00 £0.00 £0.00"#]]
    .assert_eq(&text.join("\n"));
    // A calendar that moves a deadline back behind its seal opens nothing again.
    let mut moved = snapshot();
    moved.registry_position = Some(Position::new(9));
    moved.deadlines[1].flex = day("2017-07-25");
    run.adopt(moved).unwrap();
    let late = run.line(ActivityLine { started: day("2017-06-14"), ..first_attendance("L") });
    assert_eq!(late.cut.unwrap().to_string(), "2017-06/freeze");
}

fn practice_number(practice: nhs::PracticeCode) -> u8 {
    if practice.as_str() == "K81001" { 100 } else { 150 }
}

/// Something of everything that a state keeps.
fn everything() -> Run {
    let mut run = Run::new();
    run.adopt(super::plans::with_plan()).unwrap();
    run.line(from("RWX", ActivityLine { pseudonym: patient(9), ..first_attendance("A9") }));
    let at = run.moment().position;
    run.submit(Command::RecordReferral(referral())).unwrap();
    let pathway = "PPI-17".parse().ok();
    run.submit(Command::RecordReferral(RecordReferral {
        pathway,
        pseudonym: patient(2),
        ubrn: None,
        ..referral()
    }))
    .unwrap();
    run.line(tagged(first_attendance("A1")));
    run.line(ActivityLine { pseudonym: patient(3), ..hip("A2") });
    run.line(from("RHW", ActivityLine { pseudonym: patient(4), ..first_attendance("A3") }));
    run.line(ActivityLine { practice: "K99999".parse().unwrap(), ..first_attendance("A4") });
    run.line(tagged(ActivityLine { claimed: Pence::from_u32(151_00), ..first_attendance("A1") }));
    run.faulty(UnreadableLine {
        submission: Position::new(1),
        row: 8,
        provider: "NT3".parse().unwrap(),
        faults: crate::Reasons::of(Reason::HrgInvalid).into(),
        claimed: Some(Pence::from_u32(7)),
        tag: Some(tag("NT3", "A5")),
    });
    run.unreadable(SubmitUnreadable {
        submission: Position::new(1),
        row: 9,
        provider: "NT3".parse().unwrap(),
        reasons: crate::Reasons::of(Reason::HrgInvalid),
        claimed: Some(Pence::from_u32(5)),
        cds_identifier: None,
    });
    let withdraw =
        WithdrawLine { provider: "NT3".parse().unwrap(), cds_identifier: "A2".parse().unwrap(), tag: None };
    run.submit(Command::WithdrawLine(withdraw)).unwrap();
    run.extract("NT3", "2017-06/flex", &[sus_row("A1", 1)]).unwrap();
    let (provider, cds_identifier) = ("NT3".parse().unwrap(), "A1".parse().unwrap());
    run.submit(Command::RaiseChallenge(crate::RaiseChallenge {
        provider,
        cds_identifier,
        line: run.state.line(provider, &cds_identifier, Some(tag("NT3", "A1"))).unwrap().position,
        grounds: crate::Grounds::DEFAULT,
        amount: None,
        percent: Some(75),
        text: "twice".into(),
        tag: Some(tag("NT3", "A1")),
    }))
    .unwrap();
    run.submit(Command::SetChallengeRules(crate::SetChallengeRules::default_from(run.today))).unwrap();
    super::repricing::propose(&mut run).unwrap();
    run.roll("2017-07-21");
    run.submit(Command::EndReferral(EndReferral { referral: at, end: End::Discharged })).unwrap();
    run
}

/// A start goes on with the snapshot that another program wrote under the same number: so each number has its bytes, in a file of
/// its own that is never changed. Other bytes, be it by a field or by what a record does, are another number and another file.
/// Which reference data was adopted is left out: it is the fixture's.
#[test]
fn the_snapshot_of_a_number_is_these_bytes() {
    let run = everything();
    let mut bytes = Vec::new();
    Referrals::encode_state(&run.state, &mut bytes);
    let mut d = minicbor::Decoder::new(&bytes);
    let mut empty = Vec::new();
    for n in 0.. {
        match d.probe().array() {
            Ok(Some(0)) => empty.push(n),
            Ok(_) => {}
            Err(_) => break,
        }
        d.skip().unwrap();
    }
    assert_eq!(empty, [0; 0], "these lists show nothing");
    let adopted = run.state.adopted.as_ref().unwrap().digest.to_string();
    let hex =
        bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>().replace(&adopted, "(adopted)");
    let rows: Vec<&str> = hex.as_bytes().chunks(100).map(|row| core::str::from_utf8(row).unwrap()).collect();
    let number = Referrals::SNAPSHOT_FORMAT.unwrap();
    expect_file![format!("golden/snapshot-{number}.hex")].assert_eq(&(rows.join("\n") + "\n"));
}
