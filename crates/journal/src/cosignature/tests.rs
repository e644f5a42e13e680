use super::*;
use crate::{CheckpointSigner, Digest, Origin, Service};
use expect_test::expect;

/// A checkpoint of a public Certificate Transparency test log (arche2025h1.staging.ct.transparency.dev) as four public witnesses
/// cosigned it in 2026. The witnesses publish their keys on their own pages.
const PUBLIC: &str = "\
arche2025h1.staging.ct.transparency.dev
1432088532
U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=

— arche2025h1.staging.ct.transparency.dev zTM8sQAAAZ5W0WdjBAMARjBEAiBjW5IQf9pvsYLfQFX6hoGREPMHbdQ3urbllzalApkptQIgIpwtEroeW2BXaHAI4kJXFbon5Ch9MNL5zRNZ55lvGt0=
— arche2025h1.staging.ct.transparency.dev ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=
— transparency.dev/DEV:witness-little-garden 2AQqhwAAAABqEiEgzgFIqqhbUoDwjMWE6UP8nd8/KYTzwZ2rhIgcqoXHAwVkjZr4AscylP3v7sEodkRAErumC2q44vdgJY096st5BQ==
— witness1.smartit.nu/witness1 pIyCDwAAAABqEiEghIp82KWebrw7/oHQwlTAm3g2RKS4+eebl8eO0WH+/iEcxZ75W3u5hNI7TOQtmJbqmNWVuE0tgh0XwzdZsDsUAQ==
— remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==
— witness.stagemole.eu Z/euoAAAAABqEiEgw0i+7g2ENfDAWHmtRzCfKTHSDwYDJA2NmKeGi9Y8FtEyOUvVr+AJmIY/2TUFucgKi7lI7cUiOvKFYe/TmN9DAg==
";

const PUBLIC_LOG: &str =
    "arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f";

const PUBLIC_WITNESSES: [&str; 4] = [
    "witness.stagemole.eu+67f7aea0+BEqSG3yu9YrmcM3BHvQYTxwFj3uSWakQepafafpUqklv",
    "transparency.dev/DEV:witness-little-garden+d8042a87+BCtusOxINQNUTN5Oj8HObRkh2yHf/MwYaGX4CPdiVEPM",
    "witness1.smartit.nu/witness1+a48c820f+BPSFWg9G6KPiO7QPryYO5Xq4oYJJ+kAvLKLSimDhoxMO",
    "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
];

fn public_witnesses() -> Vec<WitnessVerifier> {
    PUBLIC_WITNESSES.iter().map(|key| key.parse().unwrap()).collect()
}

#[test]
fn public_witnesses_are_understood() {
    let witnesses = public_witnesses();
    let found = cosigners(PUBLIC, &witnesses);
    assert_eq!(found.len(), 4);
    assert!(found.iter().all(|(_, time)| *time == 1_779_573_024));
    let log: LogKey = PUBLIC_LOG.parse().unwrap();
    assert!(log.signed(&Note::parse(PUBLIC).unwrap()));
    assert_eq!(log.to_string(), PUBLIC_LOG);
    let (origin, checkpoint) = checkpoint_of(PUBLIC).unwrap();
    assert_eq!((origin, checkpoint.size), (log.origin(), 1_432_088_532));
    // Nothing of it holds for another tree.
    let other = PUBLIC.replacen("1432088532", "1432088533", 1);
    assert!(cosigners(&other, &witnesses).is_empty());
    assert!(!log.signed(&Note::parse(&other).unwrap()));
    // A key that is named twice, or again under another name, is one witness.
    let twice = [witnesses.clone(), witnesses].concat();
    assert_eq!(cosigners(PUBLIC, &twice).len(), 4);
}

/// The golden line of a cosignature: append-only, since auditors keep them. OpenSSL makes the same signature from the same seed
/// and message.
#[test]
fn a_cosignature_is_this_line() {
    let origin = Origin::new([7; 16], &"berkshire-west".parse().unwrap(), Service::Settlement);
    let note =
        CheckpointSigner::new(origin, &[7; 32]).sign(&Checkpoint { size: 5, root: Digest::of(b"root") });
    let witness = WitnessSigner::new("witness.example/w1", &[9; 32]).unwrap();
    let text = Note::parse(&note).unwrap().text;
    let line = witness.cosign(text, 1_679_315_147).unwrap();
    expect![[r#"
        — witness.example/w1 JLXZ/gAAAABkGFDLrki0+Z5UmjR7O+LsoLskvrI1UNup1vuljbLbDMLknHnzQbm2yKczBVINwQl0xOKYD9IPSDEPRHHRIc2s1cRADg==
    "#]].assert_eq(&line);
    expect!["witness.example/w1+24b5d9fe+BP0XJDhaoMdbZPt4zWAvodmR/ev3axPFjtcC6sg16fYY"]
        .assert_eq(&witness.verifier().to_string());
    let cosigned = format!("{note}{line}");
    assert_eq!(witness.verifier().cosigned(&cosigned), Some(1_679_315_147));
    assert_eq!(witness.verifier().cosigned(&note), None);
    assert_eq!(&witness.verifier().to_string().parse::<WitnessVerifier>().unwrap(), witness.verifier());
    // Of two, the later counts; of one that does not hold, nothing.
    let later = witness.cosign(text, 1_679_315_200).unwrap();
    assert_eq!(witness.verifier().cosigned(&format!("{note}{later}{line}")), Some(1_679_315_200));
    let stranger = WitnessSigner::new("witness.example/w1", &[10; 32]).unwrap();
    assert_eq!(stranger.verifier().cosigned(&cosigned), None);
    assert_eq!(witness.cosign(text.trim_end(), 0), None);
    assert_eq!(witness.cosign(text, u64::MAX), None);
}

#[test]
fn keys_have_one_spelling() {
    let [good, ..] = PUBLIC_WITNESSES;
    for bad in [
        "",
        "witness",
        PUBLIC_LOG,
        &good.replacen("67f7aea0", "67f7aea1", 1),
        &good.replacen("67f7aea0", "67F7AEA0", 1),
        &format!("{good}="),
        &good.replacen("witness.", "a witness.", 1),
    ] {
        assert_eq!(bad.parse::<WitnessVerifier>(), Err(NoteKeyError::Key), "{bad}");
    }
    for bad in ["", "a b", "a+b", "a\nb", &"w".repeat(256)] {
        assert_eq!(WitnessSigner::new(bad, &[1; 32]).unwrap_err(), NoteKeyError::Name, "{bad}");
    }
}
