use super::*;
use crate::{CheckpointSigner, Origin, Service, SystemName, Tree, inclusion_proof};
use expect_test::expect;
use proptest::prelude::*;

struct Leaves(Vec<Digest>);

impl crate::TileHashes for Leaves {
    type Error = core::convert::Infallible;

    fn hashes(&self, level: u8, first: u64, count: u64) -> Result<Vec<Digest>, Self::Error> {
        assert_eq!(level, 0, "a tree of fewer than 256 leaves");
        let first = usize::try_from(first).unwrap();
        Ok(self.0[first..first + usize::try_from(count).unwrap()].to_vec())
    }
}

fn signer() -> CheckpointSigner {
    CheckpointSigner::new(Origin::new([9; 16], &SystemName::national(), Service::Registry), &[3; 32])
}

fn receipt(index: u64, size: u64) -> Receipt {
    let leaves = Leaves((0..size).map(|n| leaf_hash(&n.to_le_bytes())).collect());
    let mut tree = Tree::new();
    leaves.0.iter().for_each(|&leaf| tree.append(leaf));
    Receipt {
        position: Position::new(index),
        leaf: None,
        path: inclusion_proof(index, size, &leaves).unwrap(),
        checkpoint: signer().sign(&Checkpoint { size, root: tree.root() }),
    }
}

/// The golden text of a receipt: append-only, since providers keep them.
#[test]
fn a_receipt_is_this_text() {
    let receipt = receipt(2, 5);
    expect![[r#"
        c2sp.org/tlog-proof@v1
        index 2
        WAjJJZi7Oe/gjx9ky6ZrzOnS5el/88Ixnke1yUgXrSI=
        ZWZ1wCepr917g/Xf73/KM4g/BwOfippnwjGIqlt/IUM=
        R7W6tHXaLz+R7W/US4lf6OdAJDGe0rm8D7DEazpgWnU=

        almoner.09090909-0909-0909-0909-090909090909/national/registry
        5
        PhGfHmmqIYuU97YrfYyKmvpcRPbOFFewKXQsGlDzbUc=

        — almoner.09090909-0909-0909-0909-090909090909/national/registry t8//Xzic3mFgvzT24LFXoeRJWcJxhpAI5YmkyjxUVVsdcwxL7FMkDymNOwn1aCAQbpJcuzRW1AufXfSNVmsjqPMrsgQ=
    "#]].assert_eq(&receipt.to_string());
    assert_eq!(receipt.to_string().parse(), Ok(receipt));
}

#[test]
fn what_is_not_a_receipt_is_refused() {
    let text = receipt(2, 5).to_string();
    for malformed in [
        String::new(),
        text.replacen("@v1", "@v2", 1),
        text.replacen("index 2", "index 02", 1),
        text.replacen("index 2\n", "", 1),
        text.replacen("index 2\n", "index 2\nAAAA\n", 1),
        text.replacen("index 2\n", "extra !\nindex 2\n", 1),
        text.replacen("\n\n", "\n", 2),
        text.replacen(
            "index 2\n",
            &format!("index 2\n{}", format!("{}\n", BASE64.encode([0; 32])).repeat(65)),
            1,
        ),
    ] {
        assert_eq!(malformed.parse::<Receipt>(), Err(ReceiptError::Malformed), "{malformed}");
    }
    let with_extra = text.replacen("index 2\n", "extra AAAA\nindex 2\n", 1);
    assert_eq!(with_extra.parse(), text.parse::<Receipt>());
}

proptest! {
    #[test]
    fn receipts_prove_their_record_and_no_other(size in 1_u64..200, index: prop::sample::Index, other: u64) {
        let index = index.index(usize::try_from(size).unwrap()) as u64;
        let receipt: Receipt = receipt(index, size).to_string().parse().unwrap();
        let signer = signer();
        let checkpoint = receipt.verify(&index.to_le_bytes(), signer.verifier()).unwrap();
        prop_assert_eq!(checkpoint.size, size);
        prop_assume!(other != index);
        let refused = receipt.verify(&other.to_le_bytes(), signer.verifier());
        prop_assert_eq!(refused, Err(ReceiptError::Inclusion(Position::new(index))));
        let stranger = CheckpointSigner::new(signer.verifier().origin().clone(), &[4; 32]);
        let refused = receipt.verify(&index.to_le_bytes(), stranger.verifier());
        prop_assert_eq!(refused, Err(ReceiptError::Checkpoint(CheckpointError::Unsigned)));
    }
}

/// The same with the record's leaf in it: it is checked with nothing but the key.
#[test]
fn a_receipt_that_carries_its_leaf_is_this_text() {
    let receipt = Receipt { leaf: Some(leaf_hash(&2_u64.to_le_bytes())), ..receipt(2, 5) };
    expect![[r#"
        c2sp.org/tlog-proof@v1
        extra O3ruPn8+eRMnPZ54YOA4hJcoLtNOrJQ8j5I9Bz13TLM=
        index 2
        WAjJJZi7Oe/gjx9ky6ZrzOnS5el/88Ixnke1yUgXrSI=
        ZWZ1wCepr917g/Xf73/KM4g/BwOfippnwjGIqlt/IUM=
        R7W6tHXaLz+R7W/US4lf6OdAJDGe0rm8D7DEazpgWnU=

        almoner.09090909-0909-0909-0909-090909090909/national/registry
        5
        PhGfHmmqIYuU97YrfYyKmvpcRPbOFFewKXQsGlDzbUc=

        — almoner.09090909-0909-0909-0909-090909090909/national/registry t8//Xzic3mFgvzT24LFXoeRJWcJxhpAI5YmkyjxUVVsdcwxL7FMkDymNOwn1aCAQbpJcuzRW1AufXfSNVmsjqPMrsgQ=
    "#]]
    .assert_eq(&receipt.to_string());
    assert_eq!(receipt.to_string().parse(), Ok(receipt.clone()));
    let checkpoint = receipt.verify_alone(signer().verifier()).unwrap();
    assert_eq!(checkpoint.size, 5);
    let other = Receipt { leaf: Some(leaf_hash(b"another")), ..receipt.clone() };
    assert_eq!(other.verify_alone(signer().verifier()), Err(ReceiptError::Inclusion(Position::new(2))));
    // The leaf that it carries is part of what it says, even to who has the record.
    assert!(other.verify(&2_u64.to_le_bytes(), signer().verifier()).is_err());
    assert_eq!(self::receipt(2, 5).verify_alone(signer().verifier()), Err(ReceiptError::NoLeaf));
}
