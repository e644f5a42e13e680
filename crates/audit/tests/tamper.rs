//! Every kind of tampering that an auditor fears, each caught and named.

mod common;

use audit::{Finding, Given, Outcome, RecordProblem, Verification, examine};
use common::{Book, checkpoint, day, signer, three_months, write};
use journal::{
    Checkpoint, CheckpointSigner, Digest, Domain as _, Item, NoBlobs, Nodes, Position, Receipt, RecordView,
    inclusion_proof, leaf_hash, node_hash,
};
use ledger::{Command, EntryKind, Ledger, Posting, Reverse};
use money::Pence;
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A tree that hashes everything again for every node: naive, and so another implementation than the journal's.
struct Naive<'a>(&'a [Vec<u8>]);

impl Nodes for Naive<'_> {
    type Error = Infallible;

    fn node(&self, level: u8, index: u64) -> Result<Digest, Infallible> {
        Ok(if level == 0 {
            leaf_hash(&self.0[usize::try_from(index).unwrap()])
        } else {
            node_hash(self.node(level - 1, 2 * index)?, self.node(level - 1, 2 * index + 1)?)
        })
    }
}

fn receipt(records: &[Vec<u8>], position: u64) -> Receipt {
    let at = checkpoint(records);
    Receipt {
        position: Position::new(position),
        leaf: Some(leaf_hash(&records[usize::try_from(position).unwrap()])),
        path: inclusion_proof(position, at.size, &Naive(records)).unwrap(),
        checkpoint: signer().sign(&at),
    }
}

fn given(receipts: &[&str], checkpoints: &[&str]) -> Given {
    let named = |(n, text): (usize, &&str)| (PathBuf::from(format!("kept-{n}")), (*text).to_owned());
    Given {
        verifier: signer().verifier().clone(),
        receipts: receipts.iter().enumerate().map(named).collect(),
        checkpoints: checkpoints.iter().enumerate().map(named).collect(),
    }
}

fn verify(folder: &Path, given: &Given) -> Verification {
    examine(folder, given, |_, _| {}).unwrap()
}

fn findings(verification: &Verification) -> Vec<&Finding> {
    let of_journals = verification.journals.iter().flat_map(|proof| &proof.report.findings);
    of_journals.chain(&verification.findings).collect()
}

/// The problems of records, with their positions.
fn problems(verification: &Verification) -> Vec<(u64, &RecordProblem)> {
    let findings = findings(verification);
    findings
        .into_iter()
        .filter_map(|finding| {
            if let Finding::Record { position, problem } = finding {
                Some((position.get(), problem))
            } else {
                None
            }
        })
        .collect()
}

/// Fourteen records: small enough to try every byte.
fn small() -> Book {
    let mut book = Book::new();
    book.submit(&Command::Post(book.pair(EntryKind::Allocation, 0, 1, 1_000_000)));
    for n in 0..5 {
        book.submit(&Command::Post(book.pair(EntryKind::Activity, 2, 3, 1_000 + n)));
    }
    book
}

fn written(records: &[Vec<u8>]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), records, records.len());
    folder
}

/// Writes records again under their new positions, as a forger would.
fn renumbered(records: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let renumber = |(position, mut record): (u64, Vec<u8>)| {
        record[16..24].copy_from_slice(&position.to_le_bytes());
        record
    };
    (0..).zip(records).map(renumber).collect()
}

#[test]
fn a_sound_ledger_is_proved_with_everything_that_was_kept() {
    let book = three_months();
    let folder = written(&book.records);
    let receipts: Vec<String> =
        [9, 500, 900].map(|position| receipt(&book.records[..901], position).to_string()).into();
    let texts: Vec<&str> = receipts.iter().map(String::as_str).collect();
    let note = signer().sign(&checkpoint(&book.records[..77]));
    let verification = verify(folder.path(), &given(&texts, &[&note]));
    assert_eq!(findings(&verification), Vec::<&Finding>::new());
    assert_eq!(
        (verification.outcome(), verification.receipts, verification.checkpoints),
        (Outcome::Proved, 3, 1)
    );
    let proof = &verification.journals[0];
    assert_eq!(proof.replayed.tallies["entries"], 1 + 300 * 3 + 3);
    assert_eq!(proof.replayed.refused, 300);
    // Beyond the checkpoint nobody signed: that is said, and is no finding.
    let unsigned = tempfile::tempdir().unwrap();
    write(unsigned.path(), &book.records, 900);
    let verification = verify(unsigned.path(), &given(&[], &[]));
    assert_eq!((verification.outcome(), verification.unproved.len()), (Outcome::Incomplete, 1));
    assert_eq!(verify(tempfile::tempdir().unwrap().path(), &given(&[], &[])).outcome(), Outcome::Incomplete);
}

/// Archived segments are read where they are, and what stands for them is held against them.
#[test]
fn an_archive_is_proved_with_the_journal_and_missed_by_name() {
    let book = three_months();
    let (folder, away) = (written(&book.records), tempfile::tempdir().unwrap());
    let ledger = folder.path().join("berkshire-west/ledger");
    let disk: Arc<dyn storage::Disk> = Arc::new(storage::FolderDisk);
    let moved = storage::archive(&disk, &ledger, signer(), 1, away.path()).unwrap();
    assert!(moved.segments > 1, "{moved:?}");
    let verification = verify(folder.path(), &given(&[], &[]));
    assert_eq!((findings(&verification), verification.outcome()), (Vec::new(), Outcome::Proved));
    assert_eq!(verification.journals[0].report.records, book.records.len() as u64);

    let there = away.path().join("berkshire-west/ledger/00000001.segment");
    let note = ledger.join("journal/00000001.archived");
    let caught = |file: &Path, content: Option<&[u8]>, named: &Path| {
        let sound = std::fs::read(file).unwrap();
        match content {
            Some(content) => std::fs::write(file, content).unwrap(),
            None => std::fs::remove_file(file).unwrap(),
        }
        let verification = verify(folder.path(), &given(&[], &[]));
        std::fs::write(file, sound).unwrap();
        let said: Vec<String> = findings(&verification).iter().map(ToString::to_string).collect();
        assert!(said[0].contains(named.to_str().unwrap()), "{said:?}");
        assert_ne!(verification.outcome(), Outcome::Proved);
    };
    caught(&there, None, &there);
    let mut flipped = std::fs::read(&there).unwrap();
    flipped[9_000] ^= 1;
    caught(&there, Some(&flipped), &there);
    caught(&note, None, &ledger.join("journal/00000001.segment"));
    let sound = std::fs::read(&note).unwrap();
    for at in (0..sound.len()).step_by(37) {
        let mut flipped = sound.clone();
        flipped[at] ^= 1;
        caught(&note, Some(&flipped), &note);
    }
    // A note that is whole and says something else.
    let other = std::fs::read(ledger.join("journal/00000000.archived")).unwrap();
    caught(&note, Some(&other), &note);
    assert_eq!(verify(folder.path(), &given(&[], &[])).outcome(), Outcome::Proved);
}

/// Every byte of every file of a small journal, one bit each; and every so many of a larger one.
#[test]
fn a_flipped_bit_anywhere_is_caught() {
    let (small, large) = (small(), three_months());
    for (records, step) in [(&small.records, 1), (&large.records, 4_001)] {
        let folder = written(records);
        let ledger = folder.path().join("berkshire-west/ledger");
        let files = ["journal/00000000.segment", "journal/checkpoint", "tiles/0"];
        for file in files.map(|name| ledger.join(name)) {
            let sound = std::fs::read(&file).unwrap();
            // Of the zeros after the last group a few are enough: one loop looks at all of them.
            let last = sound.iter().rposition(|byte| *byte != 0).unwrap();
            let zeros = (last + 1..sound.len()).step_by(4_096);
            for at in (0..=last).step_by(step).chain(zeros) {
                let mut flipped = sound.clone();
                flipped[at] ^= 1 << (at % 8);
                std::fs::write(&file, &flipped).unwrap();
                let verification = verify(folder.path(), &given(&[], &[]));
                assert_eq!(verification.outcome(), Outcome::Wrong, "{} byte {at}", file.display());
                let named = file.to_str().unwrap();
                let found = findings(&verification);
                assert!(
                    found.iter().any(|finding| finding.to_string().contains(named)),
                    "{named} byte {at}: {found:?}"
                );
            }
            std::fs::write(&file, &sound).unwrap();
        }
        assert_eq!(verify(folder.path(), &given(&[], &[])).outcome(), Outcome::Proved);
    }
}

/// Somebody who can write files but not sign makes every checksum anew.
#[test]
fn what_was_rewritten_is_not_what_was_signed() {
    let records = three_months().records;
    let note = signer().sign(&checkpoint(&records));
    let mut edited = records.clone();
    *edited[700].last_mut().unwrap() ^= 1;
    let mut swapped = records.clone();
    swapped.swap(700, 701);
    let mut dropped = records.clone();
    dropped.remove(700);
    let forged = [edited, renumbered(swapped), renumbered(dropped)];
    for (what, forged) in ["edited", "swapped", "dropped"].into_iter().zip(forged) {
        let folder = written(&forged);
        // They put the signed checkpoint back, for they cannot make another.
        std::fs::write(folder.path().join("berkshire-west/ledger/journal/checkpoint"), &note).unwrap();
        let verification = verify(folder.path(), &given(&[], &[]));
        let size = records.len() as u64;
        let expected = if forged.len() == records.len() {
            Finding::OtherRecords { size }
        } else {
            Finding::Shorter { records: size - 1, checkpoint: size }
        };
        assert!(findings(&verification).contains(&&expected), "{what}: {:?}", findings(&verification));
    }
}

/// Somebody has the key as well: what others kept, and the rules, catch them.
#[test]
fn who_has_the_key_too_is_caught_by_receipts_and_by_the_rules() {
    let records = three_months().records;
    let kept = receipt(&records, 700).to_string();

    // A line's amount is changed on both sides, so that the books balance; the window's totals and the receipt do not know.
    let view = RecordView::parse(&records[9]).unwrap();
    let (command, outcome) = Ledger::decode(view.header.kind, view.body, &NoBlobs).unwrap();
    let Command::Post(mut posting) = command else { panic!("an activity") };
    posting.legs.iter_mut().for_each(|leg| leg.pence = Pence::from_u32(1));
    let (mut body, mut record) = (Vec::new(), Vec::new());
    Ledger::encode(&Command::Post(posting), &outcome, &mut body);
    view.header.write_record(&body, &mut record).unwrap();
    let mut edited = records.clone();
    edited[9] = record;
    let folder = written(&edited);
    let verification = verify(folder.path(), &given(&[], &[]));
    assert_eq!(verification.outcome(), Outcome::Wrong);
    let seen = problems(&verification);
    assert!(seen.contains(&(9, &RecordProblem::Outcome)), "{seen:?}");
    assert!(
        seen.iter().any(|(position, problem)| *position == 9 && matches!(problem, RecordProblem::Books(_)))
    );

    // A record is dropped from the end and the rest signed again: only who kept something can tell.
    let shorter = written(&records[..699]);
    assert_eq!(verify(shorter.path(), &given(&[], &[])).outcome(), Outcome::Proved);
    let verification = verify(shorter.path(), &given(&[&kept], &[]));
    assert!(
        findings(&verification).iter().any(|finding| matches!(finding, Finding::Contradicted { .. })),
        "a restored older backup: {:?}",
        findings(&verification)
    );

    // A fork: the same beginning, another end, both signed.
    let mut fork = three_months();
    fork.day = day("2017-09-30");
    fork.records.truncate(700);
    let mut book = Book::new();
    core::mem::swap(&mut book.records, &mut fork.records);
    book.day = day("2017-09-30");
    while book.records.len() < records.len() {
        book.submit(&Command::ExpireHolds(ledger::ExpireHolds { holds: Vec::new() }));
    }
    let folder = written(&book.records);
    let note = signer().sign(&checkpoint(&records[..701]));
    for given in [given(&[&kept], &[]), given(&[], &[&note])] {
        let verification = verify(folder.path(), &given);
        let contradicted = findings(&verification).iter().any(
            |finding| matches!(finding, Finding::Contradicted { path, .. } if path == Path::new("kept-0")),
        );
        assert!(contradicted, "{:?}", findings(&verification));
    }
}

#[test]
fn a_forged_proof_is_named() {
    let records = small().records;
    let folder = written(&records);
    let sound = receipt(&records, 12);
    let mut path = sound.clone();
    path.path[1].0[0] ^= 1;
    let mut leaf = sound.clone();
    leaf.leaf = Some(leaf_hash(b"a better price"));
    let moved = Receipt { position: Position::new(11), ..sound.clone() };
    let other_key = CheckpointSigner::new(signer().verifier().origin().clone(), &[8; 32]);
    let signed = Receipt { checkpoint: other_key.sign(&checkpoint(&records)), ..sound.clone() };
    let grown = Checkpoint { size: 13, ..checkpoint(&records) };
    let size = Receipt { checkpoint: sound.checkpoint.replacen("\n14\n", "\n13\n", 1), ..sound.clone() };
    assert_ne!(size.checkpoint, sound.checkpoint, "{grown:?}");
    for (what, forged) in
        [("path", path), ("leaf", leaf), ("moved", moved), ("signed", signed), ("size", size)]
    {
        let text = forged.to_string();
        let verification = verify(folder.path(), &given(&[&text], &[]));
        let named = findings(&verification).iter().any(|finding| finding.to_string().contains("kept-0"));
        assert!(named && verification.outcome() == Outcome::Wrong, "{what}: {:?}", findings(&verification));
        assert!(forged.verify_alone(signer().verifier()).is_err(), "{what}");
    }
    assert_eq!(verify(folder.path(), &given(&[&sound.to_string()], &[])).outcome(), Outcome::Proved);
}

/// What does not read the journal with our code: Python, from the published formats alone.
#[test]
fn python_computes_the_same_tree() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recompute.py");
    let python = |arguments: &[&Path]| {
        let output = std::process::Command::new("python3").arg(&script).args(arguments).output();
        let output = output.expect("python3 cannot be run");
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let book = three_months();
    let folder = written(&book.records);
    let journal = folder.path().join("berkshire-west/ledger/journal");
    let (sound, told) = python(&[&journal]);
    let at = checkpoint(&book.records);
    assert!(sound && told.trim() == format!("{} {}", at.size, at.root), "{told}");

    let kept = folder.path().join("kept");
    std::fs::write(&kept, receipt(&book.records[..801], 444).to_string()).unwrap();
    assert!(python(&[&journal, &kept]).0);
    std::fs::write(
        &kept,
        receipt(&book.records[..801], 444).to_string().replacen("index 444", "index 445", 1),
    )
    .unwrap();
    assert!(!python(&[&journal, &kept]).0, "another record's receipt");

    let segment = journal.join("00000000.segment");
    let mut bytes = std::fs::read(&segment).unwrap();
    bytes[3_000] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    assert!(!python(&[&journal]).0, "an edited record");
}

/// A journal as the first version wrote it, with what was kept of it then: append-only. Whatever the program becomes, it reads
/// and decides these records as it did.
#[test]
fn the_first_journal_is_proved_for_ever() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/1");
    let key = std::fs::read_to_string(folder.join("key")).unwrap();
    let kept = std::fs::read_to_string(folder.join("kept.tlog-proof")).unwrap();
    let given = Given {
        verifier: key.trim().parse().unwrap(),
        receipts: vec![(PathBuf::from("kept"), kept)],
        checkpoints: Vec::new(),
    };
    let verification = verify(&folder, &given);
    assert_eq!(findings(&verification), Vec::<&Finding>::new());
    assert_eq!((verification.outcome(), verification.receipts), (Outcome::Proved, 1));
    let proof = &verification.journals[0];
    assert_eq!((proof.report.records, proof.replayed.accepted, proof.replayed.refused), (60, 42, 17));
}

/// A reversal is the entry turned round, leg by leg; the rules see one record only, so the verifier compares the two.
#[test]
fn a_reversal_that_undoes_something_else_is_named() {
    let reversing = |change: &dyn Fn(&mut Reverse)| {
        let mut book = small();
        let entry = Item { position: Position::new(10), index: 0 };
        let view = RecordView::parse(&book.records[10]).unwrap();
        let (command, outcome) = Ledger::decode(view.header.kind, view.body, &NoBlobs).unwrap();
        let (_, posting, posted) = ledger::entries(&command, &outcome).next().unwrap();
        let posting = Posting::reversal_of(entry, &posting, posted, book.day);
        let mut reverse = Reverse { entry, reason: "posted twice".into(), posting };
        change(&mut reverse);
        book.submit(&Command::Reverse(reverse));
        let folder = written(&book.records);
        let verification = verify(folder.path(), &given(&[], &[]));
        let found: Vec<Finding> = findings(&verification).into_iter().cloned().collect();
        (book.records.len() as u64 - 1, found, verification.journals[0].replayed.tallies["reversals"])
    };
    assert_eq!(reversing(&|_| {}).1, []);
    let change = |what: &str, reverse: &mut Reverse| match what {
        "amount" => reverse.posting.legs.iter_mut().for_each(|leg| leg.pence = Pence::from_u32(7)),
        "side" => reverse.posting.legs.iter_mut().for_each(|leg| leg.side = leg.side.opposite()),
        "link" => reverse.posting.corrects = None,
        "another's" => reverse.entry.position = Position::new(11),
        _ => reverse.entry.index = 1,
    };
    for what in ["amount", "side", "link", "another's", "nobody's"] {
        let (at, found, tally) = reversing(&|reverse| change(what, reverse));
        let named = |finding: &Finding| {
            matches!(finding, Finding::Record { position, problem: RecordProblem::Reversal { .. } }
                if position.get() == at)
        };
        assert!(found.len() == 1 && found.iter().all(named), "{what}: {found:?}");
        assert_eq!(tally, 1, "the rules took it: {what}");
    }
}
