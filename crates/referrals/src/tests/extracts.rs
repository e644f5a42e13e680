//! SUS extracts, and which lines are compared with them.

use super::fixture::{Run, first_attendance, from, hip, sus_row};
use crate::{
    ActivityLine, Command, Event, ExtractPart, ExtractSum, ExtractTerms, Referrals, Refusal, WithdrawLine,
};
use expect_test::expect;
use journal::{DecodeError, Digest, Domain as _, NoBlobs, Position};
use money::Pence;

#[test]
fn the_same_extract_is_found_and_another_replaces_it() {
    let mut run = Run::new();
    let rows = [sus_row("A1", 100), sus_row("A2", 200), sus_row("A3", 300)];
    let at = run.moment().position;
    let first = run.extract("NT3", "2017-06/flex", &rows).unwrap();
    let adopted = |version, rows, total, supersedes| Event::ExtractAdopted {
        version,
        rows,
        total: Pence::from_u32(total),
        supersedes,
    };
    assert_eq!(first, adopted(1, 3, 600, None));
    assert_eq!(run.extract("NT3", "2017-06/flex", &rows).unwrap(), Event::ExtractFound { extract: at });
    assert_eq!(run.extract("NT3", "2017-06/freeze", &rows).unwrap(), adopted(1, 3, 600, None), "another cut");
    assert_eq!(run.extract("RHW", "2017-06/flex", &rows).unwrap(), adopted(1, 3, 600, None), "another's");
    assert_eq!(run.extract("NT3", "2017-06/flex", &rows[..2]).unwrap(), adopted(2, 2, 300, Some(at)));
    let replayed = run.replayed();
    let (cut, provider) = ("2017-06/flex".parse().unwrap(), "NT3".parse().unwrap());
    assert_eq!(replayed.extract(provider, cut), run.state.extract(provider, cut));
    assert_eq!(replayed.extracts().count(), 3);
}

#[test]
fn an_extract_is_for_a_known_provider_and_cut_and_of_its_own_parts() {
    let mut run = Run::new();
    let rows = [sus_row("A1", 100)];
    assert_eq!(run.extract("NZZ", "2017-06/flex", &rows), Err(Refusal::ProviderUnknown));
    assert_eq!(run.extract("NT3", "2016-06/flex", &rows), Err(Refusal::CutUnknown));
    assert_eq!(run.extract("NT3", "2017-06/flex", &[]), Err(Refusal::PartMismatch));
    let part = |period: &str| ExtractPart {
        provider: "NT3".parse().unwrap(),
        period: period.parse().unwrap(),
        rows: rows.to_vec(),
    };
    let terms = |part: &ExtractPart| ExtractTerms {
        provider: "NT3".parse().unwrap(),
        cut: "2017-06/flex".parse().unwrap(),
        file: Digest::of(b"a file"),
        parts: vec![Digest::of(&part.encode())],
    };
    assert!(matches!(ExtractSum::read(&terms(&part("2017-06")), &NoBlobs), Err(DecodeError::BlobMissing(_))));
    for (period, fits) in [("2017-06", true), ("2017-07", false)] {
        let part = part(period);
        run.blobs.put(part.encode());
        assert_eq!(ExtractSum::read(&terms(&part), &run.blobs).unwrap().fits, fits, "{period}");
    }
    run.blobs.put(b"no part".to_vec());
    let damaged = ExtractTerms { parts: vec![Digest::of(b"no part")], ..terms(&part("2017-06")) };
    assert!(matches!(ExtractSum::read(&damaged, &run.blobs), Err(DecodeError::BlobDamaged(_))));
}

#[test]
fn what_is_billed_is_what_stands_in_the_cut() {
    let mut run = Run::new();
    let billed = |run: &Run, cut: &str| {
        let positions = run.state.billed("NT3".parse().unwrap(), cut.parse().unwrap());
        positions.into_iter().map(Position::get).collect::<Vec<_>>()
    };
    let first = run.moment().position.get();
    run.line(first_attendance("A1"));
    run.line(hip("A2"));
    run.line(ActivityLine { hrg: None, ..hip("A3") });
    run.line(from("RHW", first_attendance("A4")));
    assert_eq!(
        billed(&run, "2017-06/flex"),
        [first, first + 1, first + 2],
        "contested ones too, others' not"
    );
    run.line(ActivityLine { claimed: Pence::from_u32(1), ..first_attendance("A1") });
    let provider = "NT3".parse().unwrap();
    run.submit(Command::WithdrawLine(WithdrawLine {
        provider,
        cds_identifier: "A2".parse().unwrap(),
        tag: None,
    }))
    .unwrap();
    assert_eq!(billed(&run, "2017-06/flex"), [first + 2, first + 4], "versions in force only");
    run.roll("2017-07-21");
    run.line(hip("A5"));
    assert_eq!(billed(&run, "2017-06/flex"), [first + 2, first + 4]);
    assert_eq!(billed(&run, "2017-06/freeze").len(), 3, "a freeze extract is of the whole month");
    assert_eq!(billed(&run, "2017-05/freeze"), [0; 0]);
}

/// What earlier versions of the program wrote, and what is added at the end of it.
#[test]
fn a_line_without_the_newer_fields_has_the_older_bytes() {
    let mut old = Vec::new();
    first_attendance("A1").write_content(&mut old);
    assert_eq!(old[0], 0x90, "sixteen fields");
    let mut new = Vec::new();
    let line = ActivityLine {
        local: "SP-1".parse().ok(),
        claimed_mff: "1.15".parse().ok(),
        ..first_attendance("A1")
    };
    line.write_content(&mut new);
    assert_eq!((new[0], &new[1..old.len()]), (0x92, &old[1..]));
    let golden: String = new[old.len()..].iter().map(|byte| format!("{byte:02x}")).collect();
    expect!["6453502d3164312e3135"].assert_eq(&golden);
    let mut run = Run::new();
    run.extract("NT3", "2017-06/flex", &[sus_row("A1", 100)]).unwrap();
    let (_, kind, body) = run.records.last().unwrap();
    assert_eq!((*kind, Referrals::SNAPSHOT_FORMAT), (journal::Kind(109), Some(6)));
    let golden: String = body.iter().map(|byte| format!("{byte:02x}")).collect();
    expect!["8284634e5433821a000313ea0158207365d029861e32c521f8089b00a6fb32daf0615025b69b599d1ce53501b845c281582077db60046c9eb83ad4ead8c5ad6431eb488fedd8b95d8548cd374915d63b2d5782008182098301011864"].assert_eq(&golden);
    let part = ExtractPart {
        provider: "NT3".parse().unwrap(),
        period: "2017-06".parse().unwrap(),
        rows: vec![sus_row("A1", 100)],
    };
    let golden: String = part.encode().iter().map(|byte| format!("{byte:02x}")).collect();
    expect!["83634e54331a000313ea8188624131f61943b16331304d624443186465425a33344368312e313439373539"]
        .assert_eq(&golden);
}
