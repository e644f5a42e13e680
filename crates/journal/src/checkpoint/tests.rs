use super::*;
use expect_test::expect;
use proptest::prelude::*;

fn signer() -> CheckpointSigner {
    let installation = *Uuid::parse_str("0192f0c1-2b3c-7d4e-8f90-123456789abc").unwrap().as_bytes();
    let system = "berkshire-west".parse().unwrap();
    CheckpointSigner::new(Origin::new(installation, &system, Service::Ledger), &[7; 32])
}

/// The golden text of a checkpoint: append-only, since auditors keep them.
#[test]
fn a_checkpoint_is_this_text() {
    let checkpoint = Checkpoint { size: 20_852_163, root: Digest::of(b"root") };
    let note = signer().sign(&checkpoint);
    expect![[r#"
        almoner.0192f0c1-2b3c-7d4e-8f90-123456789abc/berkshire-west/ledger
        20852163
        SBNJTRN+FjG7owHVrKtue7eqdM4RhdRWVl71HXN2d7I=

        — almoner.0192f0c1-2b3c-7d4e-8f90-123456789abc/berkshire-west/ledger 39psZRXX+TKenrYjXLYQ+vv0Z9kQScG5w7efEjiJxjEoMRZ5mDOP7fPw752BiPGUO/F6yoBiuOFZkeK9R4MDpinBGQ0=
    "#]].assert_eq(&note);
    expect!["almoner.0192f0c1-2b3c-7d4e-8f90-123456789abc/berkshire-west/ledger+dfda6c65+AepKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs"].assert_eq(&signer().verifier().to_string());
    assert_eq!(signer().verifier().verify(&note), Ok(checkpoint));
    let again: CheckpointVerifier = signer().verifier().to_string().parse().unwrap();
    assert_eq!(&again, signer().verifier());
}

#[test]
fn what_is_not_our_signed_checkpoint_is_named() {
    let signer = signer();
    let verify = |note: &str| signer.verifier().verify(note);
    let note = signer.sign(&Checkpoint { size: 5, root: Digest::of(b"") });
    let other = Origin::new([1; 16], &SystemName::national(), Service::Registry);
    let others =
        CheckpointSigner::new(other.clone(), &[7; 32]).sign(&Checkpoint { size: 5, root: Digest::of(b"") });
    assert_eq!(verify(&others), Err(CheckpointError::Origin(other.to_string())));
    let stranger = CheckpointSigner::new(signer.verifier().origin().clone(), &[8; 32]);
    let foreign = stranger.sign(&Checkpoint { size: 5, root: Digest::of(b"") });
    assert_eq!(verify(&foreign), Err(CheckpointError::Unsigned));
    assert_eq!(verify(&note.replacen("\n5\n", "\n6\n", 1)), Err(CheckpointError::Signature));
    for malformed in [
        String::new(),
        note.trim_end().to_owned(),
        note.replacen("\n5\n", "\n05\n", 1),
        note.replacen("\n5\n", "\n+5\n", 1),
        note.replacen("\n5\n", "\n-5\n", 1),
        note.replacen("\n\n", "\nextension\n\n", 1),
        note.replacen("— ", "- ", 1),
        note.replacen("=\n", "\n", 1),
    ] {
        assert_eq!(verify(&malformed), Err(CheckpointError::Malformed), "{malformed:?}");
    }
    // A witness's signature beside ours does no harm, before or after it.
    let line = foreign.rsplit_once("\n\n").unwrap().1;
    assert!(verify(&format!("{note}{line}")).is_ok());
    assert!(verify(&note.replacen("\n\n", &format!("\n\n{line}"), 1)).is_ok());
}

#[test]
fn origins_have_one_spelling() {
    let text = signer().verifier().origin().to_string();
    assert_eq!(text, "almoner.0192f0c1-2b3c-7d4e-8f90-123456789abc/berkshire-west/ledger");
    assert_eq!(text.parse::<Origin>().unwrap().as_str(), text);
    let other = Origin::new([1; 16], &SystemName::national(), Service::Registry);
    assert_eq!(other.installation(), [1; 16]);
    // The same key speaks for the installation's other journals, under another key id.
    let note =
        CheckpointSigner::new(other.clone(), &[7; 32]).sign(&Checkpoint { size: 0, root: Digest::of(b"") });
    assert!(signer().verifier().for_origin(other).verify(&note).is_ok());
    for bad in
        ["", "almoner.0192f0c1-2b3c-7d4e-8f90-123456789abc", &format!("{text}/x"), &text.to_uppercase()]
    {
        assert!(bad.parse::<Origin>().is_err(), "{bad}");
    }
}

proptest! {
    #[test]
    fn any_changed_byte_is_refused(at: prop::sample::Index, mask in 1_u8..) {
        let note = signer().sign(&Checkpoint { size: 123, root: Digest::of(b"x") });
        let mut bytes = note.into_bytes();
        let at = at.index(bytes.len());
        bytes[at] ^= mask;
        if let Ok(text) = String::from_utf8(bytes) {
            prop_assert!(signer().verifier().verify(&text).is_err(), "{}", text);
        }
    }
}
