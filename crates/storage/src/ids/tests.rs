use super::*;
use crate::FolderDisk;
use proptest::prelude::*;
use std::collections::HashMap;

/// Ids of few times and of all versions, many of them alike in all but a few bits.
fn id((time, version, rest): (u8, u8, u16)) -> RequestId {
    let mut bytes = [0; 16];
    bytes[5] = time;
    bytes[6] = [0x40, 0x70, 0x80][usize::from(version % 3)];
    bytes[14..].copy_from_slice(&rest.to_be_bytes());
    RequestId::from_bytes(bytes).unwrap()
}

fn any_id() -> impl Strategy<Value = RequestId> {
    (0..6u8, 0..3u8, 0..2_000u16).prop_map(id)
}

/// Runs of `size` ids each, and where each id stands.
fn runs(ids: &[RequestId], size: usize, folder: &Path) -> (IdFiles, HashMap<RequestId, Position>) {
    let mut files = IdFiles::default();
    for (n, run) in ids.chunks(size).enumerate() {
        files.add(IdFile::write(&FolderDisk, folder, Position::new((n * size) as u64), run).unwrap());
    }
    (files, ids.iter().copied().zip((0..).map(Position::new)).collect())
}

fn timed(n: u64) -> RequestId {
    let mut bytes = [0; 16];
    bytes[..6].copy_from_slice(&(1_496_300_000_000 + n / 3).to_be_bytes()[2..]);
    bytes[6] = 0x70;
    bytes[8..].copy_from_slice(&n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    RequestId::from_bytes(bytes).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn every_id_is_found_in_its_place_and_no_other_is(
        ids in proptest::collection::hash_set(any_id(), 1..2_500),
        size in 1..1_500usize,
        others in proptest::collection::vec(any_id(), 200),
    ) {
        let ids: Vec<RequestId> = ids.into_iter().collect();
        let folder = tempfile::tempdir().unwrap();
        let (mut files, naive) = runs(&ids, size, folder.path());
        for id in ids.iter().chain(&others) {
            prop_assert_eq!(files.find(*id).unwrap(), naive.get(id).copied());
        }
    }

    #[test]
    fn keys_are_as_many_as_ids_and_sort_by_time(a in any::<[u8; 16]>(), b in any::<[u8; 16]>(), versions in any::<[bool; 2]>()) {
        let id = |mut bytes: [u8; 16], random: bool| {
            bytes[6] = (bytes[6] & 0x0f) | if random { 0x40 } else if bytes[7] & 1 == 0 { 0x70 } else { 0x80 };
            RequestId::from_bytes(bytes).unwrap()
        };
        let (a, b) = (id(a, versions[0]), id(b, versions[1]));
        prop_assert_eq!(a == b, key(a) == key(b));
        prop_assert_eq!(class(key(a)) == 1, a.is_random());
        if !a.is_random() && !b.is_random() && a.millisecond() != b.millisecond() {
            prop_assert_eq!(a.millisecond() < b.millisecond(), key(a) < key(b));
        }
    }
}

#[test]
fn an_id_that_is_newer_than_every_run_is_looked_for_in_none() {
    let folder = tempfile::tempdir().unwrap();
    let ids: Vec<RequestId> = (0..4_000).map(timed).collect();
    let (mut files, _) = runs(&ids, 1_000, folder.path());
    for run in 0..4 {
        std::fs::File::create(folder.path().join(format!("{}.ids", run * 1_000))).unwrap();
    }
    for n in 4_005..8_000 {
        assert_eq!(files.find(timed(n)), Ok(None));
    }
}

#[test]
fn few_ids_that_are_not_there_pass_the_filter() {
    let mut filter = Filter::for_ids(10_000);
    (0..10_000).for_each(|n| filter.add(key(timed(n))));
    assert!((0..10_000).all(|n| filter.may_hold(key(timed(n)))));
    let passed = (10_000..110_000).filter(|n| filter.may_hold(key(timed(*n)))).count();
    assert!(passed < 1_500, "{passed} of 100,000");
}

/// Whatever becomes of a file, an id is found in its place, or its run is named: never in another place, never nowhere.
#[test]
fn damage_is_named_and_a_run_made_again_answers_as_before() {
    let folder = tempfile::tempdir().unwrap();
    let ids: Vec<RequestId> = (0..1_800).map(timed).collect();
    let (_, naive) = runs(&ids, 600, folder.path());
    let path = folder.path().join("600.ids");
    let whole = std::fs::read(&path).unwrap();
    let flipped = (0..whole.len()).step_by(97).map(|at| {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        bytes
    });
    let cut = (0..whole.len()).step_by(1_013).map(|at| whole[..at].to_vec());
    let zeroed = (0..whole.len() / 512).map(|sector| {
        let mut bytes = whole.clone();
        bytes[sector * 512..][..512].fill(0);
        bytes
    });
    for damaged in flipped.chain(cut).chain(zeroed) {
        let (mut files, _) = runs(&ids, 600, folder.path());
        std::fs::write(&path, damaged).unwrap();
        let mut named = 0;
        for (id, place) in &naive {
            match files.find(*id) {
                Ok(found) => assert_eq!(found, Some(*place)),
                Err((run, news)) => {
                    assert_eq!((run, news), (Position::new(600), named == 0));
                    named += 1;
                }
            }
        }
        assert!(named > 0, "the damage was not seen");
        let of = files.records_of(Position::new(600)).unwrap();
        assert_eq!(of, 600..1_200);
        files.add(IdFile::write(&FolderDisk, folder.path(), Position::new(600), &ids[600..1_200]).unwrap());
        assert!(naive.iter().all(|(id, place)| files.find(*id) == Ok(Some(*place))));
    }
}

#[test]
fn a_run_that_named_a_wrong_record_is_doubted_until_it_is_believed_again() {
    let folder = tempfile::tempdir().unwrap();
    let ids: Vec<RequestId> = (0..900).map(timed).collect();
    let (mut files, _) = runs(&ids, 300, folder.path());
    assert_eq!(files.named_wrongly(Position::new(450)), (Position::new(300), true));
    assert_eq!(files.named_wrongly(Position::new(300)), (Position::new(300), false));
    assert_eq!(files.find(ids[599]), Err((Position::new(300), false)));
    assert_eq!(files.find(ids[299]), Ok(Some(Position::new(299))));
    files.believe(Position::new(300));
    assert_eq!(files.find(ids[599]), Ok(Some(Position::new(599))));
}

#[test]
fn what_an_earlier_start_left_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    runs(&(0..100).map(timed).collect::<Vec<_>>(), 10, folder.path());
    IdFiles::clear(&FolderDisk, folder.path());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    IdFiles::clear(&FolderDisk, &folder.path().join("none"));
}
