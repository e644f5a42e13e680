use super::*;
use crate::{Header, Kind, SystemName, fingerprint};
use expect_test::expect;
use proptest::prelude::*;

fn record(position: u64, body: &[u8]) -> Vec<u8> {
    let header = Header {
        kind: Kind(100),
        system: "berkshire-west".parse::<SystemName>().unwrap().tag(),
        position: Position::new(position),
        recorded_time: "2017-06-01T09:00:00Z".parse().unwrap(),
        business_date: "2017-06-01".parse().unwrap(),
        cause: None,
        request_id: "0192f0c1-2b3c-7d4e-8f90-123456789abc".parse().unwrap(),
        fingerprint: fingerprint(b"content"),
        caller: Position::new(3),
    };
    let mut bytes = Vec::new();
    header.write_record(body, &mut bytes).unwrap();
    bytes
}

/// Groups of records with bodies of these sizes.
fn journal(groups: &[Vec<usize>]) -> (Vec<Group>, Vec<Vec<u8>>) {
    let mut builder = GroupBuilder::new(Chain { epoch: 1, ..Chain::START });
    let mut records = Vec::new();
    let mut out = Vec::new();
    for sizes in groups {
        let before = builder.next_position();
        for &size in sizes {
            let record = record(builder.next_position().get(), &vec![0; size]);
            builder.push(&record).unwrap();
            records.push(record);
        }
        out.extend(builder.finish(before, vec![7; 9]));
    }
    (out, records)
}

fn segment(groups: &[Group], zeros: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> = groups.iter().flat_map(|group| group.bytes().iter().copied()).collect();
    bytes.resize(bytes.len() + zeros, 0);
    bytes
}

/// Every record up to the end, and the bounds of the tear if there is one.
type Found = (Vec<Vec<u8>>, Option<(usize, usize)>);

fn read(bytes: &[u8]) -> Result<Found, Damage> {
    let mut scan = Scan::new(bytes, Chain::START);
    let mut records = Vec::new();
    let mut buffer = Vec::new();
    loop {
        match scan.step()? {
            Step::Group(group) => records.extend(group.records(&mut buffer)?.map(<[u8]>::to_vec)),
            Step::End { .. } => return Ok((records, None)),
            Step::Torn { offset, end } => return Ok((records, Some((offset, end)))),
        }
    }
}

/// The golden bytes of a group: append-only, since every journal is made of them.
#[test]
fn a_group_is_these_bytes() {
    let (groups, _) = journal(&[vec![1], vec![600, 0]]);
    let text: Vec<String> = groups[1]
        .bytes()
        .chunks(32)
        .map(|row| row.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
        .filter(|row| row.bytes().any(|digit| digit != b'0'))
        .collect();
    expect![[r#"
        414c4d4701000000010000000000000001000000000000000100000000000000
        0100000000000000020000000803000096abf3e56664aea6018b81da00000000
        010064005802000065c84fcf79ef08d201000000000000000004f942e2500500
        a64300000000000000000000000000000192f0c12b3c7d4e8f90123456789abc
        ed7002b439e9ac845f22357d822bac1403000000000000000000000000000000
        00000000000000000000000000000000000000000000000000000000000000b5
        0000000000000000000000000000000000010064000000000065c84fcf79ef08
        d202000000000000000004f942e2500500a64300000000000000000000000000
        000192f0c12b3c7d4e8f90123456789abced7002b439e9ac845f22357d822bac
        1403000000000000000000000000000000000000000000000000000000000000
        000000000000000000000000000000000000000000000000000000000000004a"#]]
    .assert_eq(&text.join("\n"));
}

#[test]
fn a_builder_takes_only_the_next_record_and_stops_when_full() {
    let mut builder = GroupBuilder::new(Chain::START);
    assert!(builder.finish(Position::FIRST, Vec::new()).is_none());
    let (expected, found) = (Position::FIRST, Position::new(1));
    assert_eq!(builder.push(&record(1, &[])), Err(GroupError::Position { expected, found }));
    assert_eq!(builder.push(&record(0, &[1])[..88]), Err(GroupError::NotARecord));
    assert_eq!(builder.push(&[]), Err(GroupError::NotARecord));
    let mut position = 0;
    while builder.push(&record(position, &[1; 40_000])).is_ok() {
        position += 1;
    }
    assert_eq!(builder.push(&record(position, &[1; 40_000])), Err(GroupError::Full));
    let group = builder.finish(Position::FIRST, Vec::new()).unwrap();
    assert!(group.bytes().len() <= GROUP_BYTES_MAX && group.bytes().len() > GROUP_BYTES_MAX - 41_000);
    assert_eq!(read(group.bytes()).unwrap().0.len() as u64, position);
    assert_eq!(builder.push(&record(position, &[1; 40_000])), Ok(()));
}

#[test]
fn damage_is_told_from_a_tear() {
    let (groups, records) = journal(&[vec![700, 20], vec![900, 900], vec![2_000]]);
    let whole = segment(&groups, 4_096);
    let at = |n: usize| groups[..n].iter().map(|group| group.bytes().len()).sum::<usize>();
    let zero = |from: usize, to: usize| {
        let mut bytes = whole.clone();
        bytes[from..to].fill(0);
        read(&bytes)
    };
    let survivors = records[..4].to_vec();
    let end = at(3);
    // The last group: header absent, a later sector absent, all but one absent, all absent.
    assert_eq!(zero(at(2), at(2) + 512), Ok((survivors.clone(), Some((at(2), end)))));
    assert_eq!(zero(at(2) + 512, at(2) + 1_024), Ok((survivors.clone(), Some((at(2), end)))));
    assert_eq!(zero(at(2), end - 512), Ok((survivors.clone(), Some((at(2), end)))));
    assert_eq!(zero(at(2), end), Ok((survivors, None)));
    // The same in an earlier group is damage: more was written after it.
    let hole = |n: usize| DamageKind::Hole(n as u64);
    assert_eq!(zero(at(1), at(1) + 512), Err(Damage { offset: at(2), kind: hole(1) }));
    assert_eq!(zero(at(1) + 512, at(1) + 1_024), Err(Damage { offset: at(1), kind: hole(1) }));
    assert_eq!(zero(at(1), at(2)), Err(Damage { offset: at(2), kind: hole(1) }));
    // Groups left out or out of order.
    let swapped = segment(&[groups[0].clone(), groups[2].clone()], 512);
    let kind = DamageKind::Number { expected: 1, found: 2 };
    assert_eq!(read(&swapped), Err(Damage { offset: at(1), kind }));
    // A group of another journal under the same number.
    let (others, _) = journal(&[vec![701, 20], vec![900, 900]]);
    let mixed = segment(&[groups[0].clone(), others[1].clone()], 512);
    assert_eq!(read(&mixed), Err(Damage { offset: at(1), kind: DamageKind::Chain(1) }));
    // A group cut by the end of the segment.
    assert_eq!(read(&whole[..end - 512]), Err(Damage { offset: at(2), kind: DamageKind::Size(2) }));
}

#[test]
fn every_single_flip_is_damage() {
    let (groups, records) = journal(&[vec![700, 20], vec![900]]);
    let whole = segment(&groups, 1_024);
    for at in 0..whole.len() {
        for mask in [0x01, 0x80, 0xff] {
            let mut bytes = whole.clone();
            bytes[at] ^= mask;
            assert!(read(&bytes).is_err(), "byte {at} flipped by {mask:#x}");
        }
    }
    assert_eq!(read(&whole), Ok((records, None)));
    // The one exception, and a harmless one: a body stamp alone where nothing was written looks like a tear of nothing.
    let mut bytes = whole.clone();
    *bytes.last_mut().unwrap() = BODY_STAMP;
    assert_eq!(read(&bytes).unwrap().1, Some((whole.len() - 1_024, whole.len())));
}

proptest! {
    #[test]
    fn groups_round_trip(groups in proptest::collection::vec(proptest::collection::vec(0_usize..1_500, 1..6), 0..6)) {
        let (groups, records) = journal(&groups);
        for group in &groups {
            prop_assert_eq!(group.bytes().len() % SECTOR_BYTES, 0);
            prop_assert!(group.bytes().chunks(SECTOR_BYTES).all(|sector| sector[PAYLOAD_BYTES] != 0));
            prop_assert_eq!(group.header().stored_bytes(), group.bytes().len());
            prop_assert_eq!(&GroupView::parse(group.bytes()).unwrap().header, group.header());
        }
        prop_assert_eq!(read(&segment(&groups, 2_048)).unwrap(), (records, None));
    }

    /// Any set of sectors of the last group may be missing: what came before is always read, and the tear is the group.
    #[test]
    fn any_tear_is_found(sizes in proptest::collection::vec(0_usize..1_500, 1..6), kept: u64) {
        let (groups, records) = journal(&[vec![10, 600], sizes]);
        let mut bytes = segment(&groups, 1_024);
        let from = groups[0].bytes().len();
        let sectors = groups[1].bytes().len() / SECTOR_BYTES;
        prop_assume!(kept & ((1 << sectors) - 1) != (1 << sectors) - 1);
        for sector in (0..sectors).filter(|sector| kept >> sector & 1 == 0) {
            bytes[from + sector * SECTOR_BYTES..][..SECTOR_BYTES].fill(0);
        }
        let (read, torn) = read(&bytes).unwrap();
        prop_assert_eq!(&read[..], &records[..2]);
        if let Some((offset, end)) = torn {
            prop_assert_eq!(offset, from);
            bytes[offset..end].fill(0);
        }
        prop_assert!(bytes[from..].iter().all(|&byte| byte == 0));
    }

    #[test]
    fn arbitrary_bytes_never_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..3_000), stamp: bool) {
        if stamp && bytes.len() > PAYLOAD_BYTES {
            bytes[..4].copy_from_slice(&MAGIC);
            bytes[PAYLOAD_BYTES] = HEAD_STAMP;
            let crc = crc32c::crc32c(&bytes[..HEADER_CRC_AT]);
            bytes[HEADER_CRC_AT..GROUP_CRC_AT].copy_from_slice(&crc.to_le_bytes());
        }
        let _ = read(&bytes);
    }
}
