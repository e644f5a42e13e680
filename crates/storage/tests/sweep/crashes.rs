//! Every operation fails in every way; nothing acknowledged is lost, and nothing happens twice.

use crate::books::{Answer, Books, Kept, Script, Witness, play, send};
use crate::{Count, drawn, rounds};
use journal::{Outcome, Position};
use std::io::ErrorKind;
use testkit::{Crash, Fault, MemoryDisk};

/// What happens when nothing fails.
pub struct Reference {
    pub script: Script,
    answers: Vec<Answer>,
    pub records: Vec<Vec<u8>>,
    operations: u64,
}

impl Reference {
    pub fn new() -> Self {
        let (script, disk) = (Script::new(), MemoryDisk::new());
        let witness = play(&disk, &script);
        assert_eq!(witness.failure, None);
        let operations = disk.operations();
        let mut records = Vec::new();
        Books::start_reading(&disk, |record| records.push(record.to_vec())).unwrap();
        let refused =
            witness.answers.iter().filter(|(_, outcome, _)| matches!(outcome, Outcome::Refused(_))).count();
        assert!(refused > 10, "{refused} commands are refused for ever");
        assert_eq!((script.commands(), witness.answers.len()), (200, 200));
        Self { script, answers: witness.answers, records, operations }
    }

    /// A start on `disk` finds everything that `witness` was told, and the whole script sent again ends in the very same records.
    fn check(&self, disk: &MemoryDisk, witness: &Witness, what: &str) {
        self.check_on(disk, Kept::Once, witness, what);
    }

    /// The same, with a mirror or without.
    pub fn check_on(&self, disk: &MemoryDisk, kept: Kept, witness: &Witness, what: &str) {
        let mut records = Vec::new();
        let started = Books::start_on(disk, kept, |record| records.push(record.to_vec()));
        let mut books = started.unwrap_or_else(|error| panic!("{what}: {error}"));
        assert!(records.len() as u64 >= witness.durable, "{what}: an acknowledged record is lost");
        assert!(self.records.starts_with(&records), "{what}: a record is not what was written");
        assert_eq!(witness.answers, self.answers[..witness.answers.len()], "{what}");
        for digest in &witness.blobs {
            assert!(books.blobs.get(*digest).unwrap().is_some(), "{what}: a blob is lost");
        }
        books.proves(witness, what);
        let mut again = Witness::default();
        send(&mut books, &self.script, &mut again).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert!(again.answers == self.answers, "{what}: an answer changed");
        assert!(again.replayed >= witness.answers.len(), "{what}: an acknowledged command was done twice");
        books.proves(witness, what);
        let (mut next, reader) = (0, books.store.reader());
        reader
            .read_from(Position::FIRST, |_, record| {
                assert_eq!(record, self.records[next], "{what}: record {next}");
                next += 1;
                true
            })
            .unwrap();
        assert_eq!(next, self.records.len(), "{what}");
    }
}

/// The operations of a round: the first ones and every one, or a random part of them when there is time for many rounds.
fn operations(reference: &Reference, seed: u64) -> impl Iterator<Item = u64> {
    let step = if seed == 1 { 1 } else { 1 + drawn(seed, 0) % 7 };
    (0..reference.operations).step_by(step as usize)
}

#[test]
fn a_crash_at_every_operation_keeps_what_was_acknowledged() {
    let reference = Reference::new();
    assert!(reference.operations > 300, "{} operations", reference.operations);
    let mut count = Count::of("crashes");
    for seed in rounds() {
        count.rounds += 1;
        for at in operations(&reference, seed) {
            let disk = MemoryDisk::new();
            disk.fail_at(at, Fault::Crash);
            let witness = play(&disk, &reference.script);
            assert!(witness.failure.is_some() || at + 30 > reference.operations, "operation {at}");
            let chosen = Crash::all(seed);
            let sampled = drawn(seed, at);
            for crash in [chosen[at as usize % chosen.len()], Crash::sampled(sampled)] {
                let what = format!("seed {seed}, operation {at}, {crash:?}");
                reference.check(&disk.after(crash), &witness, &what);
                count.recovered();
            }
        }
    }
}

#[test]
fn an_error_at_every_operation_stops_the_journal_and_loses_nothing() {
    let reference = Reference::new();
    // EIO, ENOSPC, a disk that runs full within a write, one that is gone.
    let faults = [
        Fault::Error(ErrorKind::Other),
        Fault::Error(ErrorKind::StorageFull),
        Fault::Short(ErrorKind::StorageFull),
        Fault::Broken(ErrorKind::Other),
    ];
    let mut count = Count::of("errors");
    for seed in rounds() {
        count.rounds += 1;
        for at in operations(&reference, seed) {
            let fault = faults[(drawn(seed, at) % 4) as usize];
            let disk = MemoryDisk::new();
            disk.fail_at(at, fault);
            let witness = play(&disk, &reference.script);
            if matches!(fault, Fault::Broken(_)) {
                assert!(witness.failure.is_some(), "operation {at}: a journal went on without its disk");
            }
            // The process dies and the machine lives on; or the machine dies as well.
            for crash in [Crash::KILL, Crash::sampled(drawn(seed, at + 1))] {
                let what = format!("seed {seed}, operation {at}, {fault:?}, {crash:?}");
                reference.check(&disk.after(crash), &witness, &what);
                count.recovered();
            }
        }
    }
}

/// A start that is interrupted, at each of its operations, after a crash; and the start after it.
#[test]
fn a_crash_of_the_recovery_from_a_crash_loses_nothing() {
    let reference = Reference::new();
    let mut count = Count::of("crashes-of-recovery");
    for seed in rounds() {
        count.rounds += 1;
        for n in 0..24 {
            let at = drawn(seed, n) % reference.operations;
            let first = MemoryDisk::new();
            first.fail_at(at, Fault::Crash);
            let witness = play(&first, &reference.script);
            let left = first.after(Crash::sampled(drawn(seed, n + 100)));
            for again in 0.. {
                let disk = left.copy();
                disk.fail_at(disk.operations() + again, Fault::Crash);
                if Books::start(&disk).is_ok() {
                    break;
                }
                let crash = Crash::sampled(drawn(seed, n * 100 + again));
                let what = format!("seed {seed}, operation {at}, then {again} of the start, {crash:?}");
                reference.check(&disk.after(crash), &witness, &what);
                count.recovered();
            }
        }
    }
}
