use super::*;
use crate::{Digest, Origin, Service};
use expect_test::expect;

fn signer(seed: u8) -> CheckpointSigner {
    let origin = Origin::new([7; 16], &"berkshire-west".parse().unwrap(), Service::Ledger);
    CheckpointSigner::new(origin, &[seed; 32])
}

fn rotation(old: u8, new: u8, position: u64) -> KeyRotation {
    KeyRotation::sign(&signer(old), &signer(new), Position::new(position)).unwrap()
}

fn note(seed: u8, size: u64) -> String {
    signer(seed).sign(&Checkpoint { size, root: Digest::of(b"") })
}

/// The golden text: append-only, since journals hold it.
#[test]
fn a_change_of_key_is_this_note() {
    let rotation = rotation(1, 2, 812);
    expect![[r#"
        almoner/key-rotation/v1
        almoner.07070707-0707-0707-0707-070707070707/berkshire-west/ledger
        812
        almoner.07070707-0707-0707-0707-070707070707/berkshire-west/ledger+bbeeb6b8+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c
        almoner.07070707-0707-0707-0707-070707070707/berkshire-west/ledger+6f026409+AYE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU

        — almoner.07070707-0707-0707-0707-070707070707/berkshire-west/ledger u+62uDTl9j0L8R7cO0vmMIVQ5jRRoNCJL0+tYpJBso0WtMnsQs+0/TyDsxzy7TbkCSp7Jhgl5WAQF8o7tF/etZ9FLgM=
        — almoner.07070707-0707-0707-0707-070707070707/berkshire-west/ledger bwJkCQHXlDiaR61+mKmIwx4VS3Gvh+REOvf/8iAGacw3/q/MszBUln8OlrKbVt2QVkA6BCkEaySuS2qh5jzrxtrkuQ4=
    "#]].assert_eq(rotation.note());
    assert_eq!(rotation.to_string().parse(), Ok(rotation));
}

#[test]
fn only_what_both_keys_signed_counts() {
    let sound = rotation(1, 2, 812).to_string();
    let other = rotation(3, 2, 812).to_string();
    let (head, _) = sound.split_once("\n\n").unwrap();
    let signatures: Vec<&str> = sound.lines().rev().take(2).collect();
    let with = |lines: &[&str]| format!("{head}\n\n{}\n", lines.join("\n"));
    let read = |text: &str| text.parse::<KeyRotation>();
    assert_eq!(read(&with(&signatures[..1])), Err(KeyRotationError::Unsigned), "the new key alone");
    assert_eq!(read(&with(&signatures[1..])), Err(KeyRotationError::Unsigned), "the old key alone");
    let strangers: Vec<&str> = other.lines().rev().take(2).collect();
    assert_eq!(read(&with(&strangers)), Err(KeyRotationError::Unsigned), "of another change");
    assert_eq!(read(&sound.replacen("\n812\n", "\n813\n", 1)), Err(KeyRotationError::Unsigned));
    assert_eq!(read(&sound.replacen("/ledger\n", "/registry\n", 1)), Err(KeyRotationError::Origin));
    for bad in ["", "a\n\nb\n", &sound.replacen("\n812\n", "\n0812\n", 1), &note(1, 5)] {
        assert_eq!(read(bad), Err(KeyRotationError::Malformed), "{bad}");
    }
    assert!(signer(1).verifier().verify(&sound).is_err(), "it is no checkpoint");
    let elsewhere = Origin::new([8; 16], &"berkshire-west".parse().unwrap(), Service::Ledger);
    let elsewhere = CheckpointSigner::new(elsewhere, &[2; 32]);
    let between = KeyRotation::sign(&signer(1), &elsewhere, Position::FIRST);
    assert_eq!(between, Err(KeyRotationError::Origin));
}

/// Whichever of its keys the reader trusts, each checkpoint counts with the key of its size and with no other.
#[test]
fn the_size_says_which_key_signs() {
    let mut history = KeyHistory::default();
    history.push(rotation(1, 2, 10)).unwrap();
    assert_eq!(history.push(rotation(2, 3, 10)), Err(KeyRotationError::Order), "at the same place");
    assert_eq!(history.push(rotation(1, 3, 20)), Err(KeyRotationError::Order), "a key that is over");
    history.push(rotation(2, 3, 20)).unwrap();
    for trusted in 1..=3 {
        let trusted = signer(trusted).verifier().clone();
        for (size, key) in [(0, 1), (10, 1), (11, 2), (20, 2), (21, 3), (999, 3)] {
            for seed in 1..=4 {
                let held = history.verify(&trusted, &note(seed, size)).is_ok();
                assert_eq!(held, seed == key, "{size} records signed by key {seed}");
            }
        }
    }
    // Who trusts none of them trusts their own key alone.
    let stranger = signer(4).verifier().clone();
    assert!(
        history.verify(&stranger, &note(4, 5)).is_ok() && history.verify(&stranger, &note(1, 5)).is_err()
    );
    assert_eq!(read_rotations(&history.to_string()), Ok(history.rotations().to_vec()));
    assert_eq!(read_rotations("no\n"), Err(KeyRotationError::Malformed));
    assert_eq!(read_rotations(""), Ok(Vec::new()));
}
