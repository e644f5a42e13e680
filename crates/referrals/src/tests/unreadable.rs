//! Lines that could not be read, or cannot be true: small records without text, and the same answers as ever.

use super::fixture::{Run, SUBMISSION, day, first_attendance, hip, patient, posted, tag, tagged};
use crate::{
    ActivityLine, Answer, CLAIMED_MAX, Command, Event, Faults, LineAnswered, LineTag, Reason, Reasons,
    Referrals, Refusal, SubmitUnreadable, Total, UNREADABLE_RECORD_BYTES_MAX, UnreadableAnswered,
    UnreadableLine, WithdrawLine,
};
use expect_test::expect;
use journal::{Day, Domain as _, Fingerprint, Header, Outcome, Position, SystemName};
use money::Pence;
use nhs::OdsCode;
use proptest::prelude::*;
use smallvec::smallvec;

fn faulty() -> UnreadableLine {
    UnreadableLine {
        submission: SUBMISSION,
        row: 2,
        provider: "NT3".parse().unwrap(),
        faults: Reasons::from_iter([Reason::NhsNumberCheckDigit, Reason::StartDateInvalid]).into(),
        claimed: Some(Pence::from_u32(99)),
        tag: Some(tag("NT3", "A1")),
    }
}

/// The record as it stands in a journal.
fn record(line: UnreadableLine, outcome: &Outcome<Event, Refusal>, position: u64) -> Vec<u8> {
    let header = Header {
        kind: Referrals::kind(&Command::RecordUnreadable(line)),
        system: "berkshire-west".parse::<SystemName>().unwrap().tag(),
        position: Position::new(position),
        recorded_time: "2017-07-01T09:00:00Z".parse().unwrap(),
        business_date: day("2017-07-01"),
        cause: None,
        request_id: "0192f0c1-2b3c-7d4e-8f90-123456789abc".parse().unwrap(),
        fingerprint: Fingerprint([0xfe; 16]),
        caller: Position::new(position),
    };
    let (mut body, mut bytes) = (Vec::new(), Vec::new());
    Referrals::encode(&Command::RecordUnreadable(line), outcome, &mut body);
    header.write_record(&body, &mut bytes).unwrap();
    bytes
}

/// Golden: such records stand in journals.
#[test]
fn an_unreadable_line_s_record_is_these_bytes() {
    let mut run = Run::new();
    let event = run.submit(Command::RecordUnreadable(faulty())).unwrap();
    let bytes = record(faulty(), &Outcome::Accepted(smallvec![event]), 9);
    let rows: Vec<String> = bytes[journal::HEADER_BYTES..]
        .chunks(16)
        .map(|row| row.iter().map(|b| format!("{b:02x}")).collect())
        .collect();
    expect![[r#"
        82860102634e5433190204186350b768
        8482fe674df60c3805687eddc2398200
        818210818319020401f5"#]]
    .assert_eq(&rows.join("\n"));
    expect!["130"].assert_eq(&bytes.len().to_string());
}

/// Each field in its widest form at once: nothing that could be sent makes a larger record.
#[test]
fn no_record_of_an_unreadable_line_is_larger_than_the_widest() {
    let widest = UnreadableLine {
        submission: Position::new(u64::MAX),
        row: u64::MAX,
        provider: "K81001".parse().unwrap(),
        faults: Faults::every(),
        claimed: Some(CLAIMED_MAX),
        tag: Some(LineTag::new([0xff; 16])),
    };
    let answered = UnreadableAnswered {
        faults: Faults::every(),
        version: u32::MAX,
        in_force: true,
        supersedes: Some(Position::new(u64::MAX)),
    };
    let outcome = Outcome::Accepted(smallvec![Event::UnreadableAnswered(answered)]);
    let bytes = record(widest, &outcome, u64::MAX).len();
    expect!["173"].assert_eq(&bytes.to_string());
    assert!(bytes <= UNREADABLE_RECORD_BYTES_MAX);
}

fn anything() -> impl Strategy<Value = UnreadableLine> {
    let place = (any::<u64>(), any::<u64>(), "[0-9A-Z]{3,6}");
    let what = (any::<u32>(), proptest::option::of(0..=CLAIMED_MAX.get()), any::<Option<[u8; 16]>>());
    (place, what).prop_filter_map("a code", |((submission, row, provider), (faults, claimed, tag))| {
        let every = Reasons::from(Faults::every()).iter().enumerate();
        let faults: Reasons = every.filter(|(n, _)| faults >> n & 1 == 1).map(|(_, fault)| fault).collect();
        Some(UnreadableLine {
            submission: Position::new(submission),
            row,
            provider: provider.parse::<OdsCode>().ok()?,
            faults: faults.into(),
            claimed: claimed.and_then(Pence::new),
            tag: tag.map(LineTag::new),
        })
    })
}

proptest! {
    #[test]
    fn a_record_of_anything_unreadable_is_small_and_read_again(
        line in anything(), version: u32, in_force: bool, old: Option<u64>, position: u64,
    ) {
        let supersedes = old.map(Position::new);
        let answered = UnreadableAnswered { faults: line.faults, version, in_force, supersedes };
        let outcome = Outcome::Accepted(smallvec![Event::UnreadableAnswered(answered)]);
        for outcome in [outcome, Outcome::Refused(Refusal::SubmissionUnknown)] {
            let bytes = record(line, &outcome, position);
            prop_assert!(bytes.len() <= UNREADABLE_RECORD_BYTES_MAX, "{} bytes", bytes.len());
            let view = journal::RecordView::parse(&bytes).unwrap();
            let (command, same) = Referrals::decode(view.header.kind, view.body, &journal::NoBlobs).unwrap();
            prop_assert!(matches!(command, Command::RecordUnreadable(read) if read == line));
            prop_assert_eq!(same, outcome);
        }
    }
}

fn sum(run: &Run) -> Total {
    run.state.totals().fold(Total::default(), |sum, (_, total)| sum.plus(total))
}

/// Its tag is all that is known of it, and enough: versions follow each other as if its name stood there.
#[test]
fn a_tag_stands_for_the_name() {
    let mut run = Run::new();
    let readable = tagged(first_attendance("A1"));
    let seen: Vec<_> = [
        run.faulty(faulty()),
        run.faulty(UnreadableLine { claimed: None, ..faulty() }),
        run.line(readable),
        run.faulty(faulty()),
        run.faulty(UnreadableLine { tag: None, ..faulty() }),
        run.line(ActivityLine { claimed: Pence::from_u32(1), ..readable }),
    ]
    .map(|answered: LineAnswered| (answered.version, answered.in_force))
    .into();
    assert_eq!(seen, [(1, true), (2, true), (3, true), (4, false), (1, true), (5, true)]);
    let total = sum(&run);
    assert_eq!((total.accepted_lines, total.unreadable_lines, total.unreadable.get()), (1, 1, 99));
    assert!(total.ties());
    // Withdrawn by its name; an unreadable one as well.
    let (provider, cds_identifier, tag) = (readable.provider, readable.cds_identifier, readable.tag);
    let withdraw = WithdrawLine { provider, cds_identifier, tag };
    run.submit(Command::WithdrawLine(withdraw)).unwrap();
    run.faulty(faulty());
    assert_eq!(run.state.line(provider, &cds_identifier, tag).unwrap().version, 6);
    assert_eq!(sum(&run).unreadable_lines, 2);
    run.submit(Command::WithdrawLine(withdraw)).unwrap();
    assert_eq!((sum(&run).unreadable_lines, sum(&run).claimed.get()), (1, 99));
    assert_eq!(run.submit(Command::WithdrawLine(withdraw)), Err(Refusal::LineWithdrawn));
    assert!(!posted(&run.reports).contains("£0.99"), "nothing is posted of what could not be read");
}

/// A line that was recorded before there were tags is found by its name for ever, and so are its versions.
#[test]
fn a_line_recorded_without_a_tag_keeps_its_key() {
    let mut run = Run::new();
    run.line(first_attendance("A1"));
    run.unreadable(SubmitUnreadable {
        submission: SUBMISSION,
        row: 2,
        provider: "NT3".parse().unwrap(),
        reasons: Reasons::of(Reason::HrgInvalid),
        claimed: None,
        cds_identifier: "A2".parse().ok(),
    });
    let versions = ["A1", "A2"].map(|name| {
        // Patients of their own, so that neither is the other's duplicate.
        let pseudonym = patient(if name == "A1" { 7 } else { 8 });
        let second = run.line(tagged(ActivityLine { pseudonym, ..hip(name) }));
        (second.version, second.supersedes.is_some())
    });
    assert_eq!(versions, [(2, true), (2, true)]);
    // What cannot be read has no name to be found by: it stands beside the line, and is counted by itself.
    assert_eq!((run.faulty(faulty()).version, sum(&run).unreadable_lines), (1, 1));
    let third = run.line(tagged(first_attendance("A1")));
    assert_eq!((third.version, sum(&run).accepted_lines), (3, 2));
    assert!(sum(&run).ties());
}

#[test]
fn what_cannot_be_true_is_recorded_without_its_text() {
    let mut run = Run::new();
    let line = tagged(ActivityLine { started: day("2017-07-02"), ..first_attendance("A1") });
    let today: Day = run.today;
    assert_eq!(line.impossible(today).iter().collect::<Vec<_>>(), [Reason::DateInFuture]);
    assert!(line.impossible(today.plus(1)).is_empty());
    // Decided as a whole line it was unreadable too: old journals hold such records.
    let (whole, small) = (run.line(line), run.faulty(line.unreadable(line.impossible(today))));
    assert_eq!((small.answer, small.reasons), (Answer::Unreadable, whole.reasons));
    assert_eq!(
        (small.version, small.supersedes.is_some()),
        (2, false),
        "an answer tells no more than its event"
    );
    assert_eq!((sum(&run).unreadable_lines, sum(&run).claimed.get()), (1, 150_00));
    let above = ActivityLine { claimed: Pence::new(CLAIMED_MAX.get() + 1).unwrap(), ..line };
    assert_eq!(above.unreadable(above.impossible(today)).claimed, None);
}
