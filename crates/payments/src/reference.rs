//! Identifiers that tie an instruction to its statement line.
//!
//! Each is a pure function of what it stands for, so a run that is repeated after a crash writes the same file, and a
//! payment paid again under a new run carries a new identifier. None shows the payee, which may be a person.

use crate::charset::is_swift_x;
use core::fmt;
use core::str::FromStr;
use sha2::{Digest as _, Sha256};

/// The longest identifier that ISO 20022 carries (`Max35Text`).
pub const REFERENCE_CHARACTERS_MAX: usize = 35;
/// The reference field of Bacs and Faster Payments (Bacs Standard 18, field 10).
pub const REMITTANCE_REFERENCE_CHARACTERS: usize = 18;

/// Digits and capitals without I, L, O and U (Crockford's base 32): read aloud without mistakes.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// 25 of them hold 125 of the digest's bits: no collision among any number of payments that will be made.
const DIGEST_CHARACTERS: usize = 25;
/// The payer's code is shown in front, as far as it fits.
const PAYER_CHARACTERS_MAX: usize = 8;

/// A text is not an identifier that every bank carries unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a payment reference: 1 to 35 characters of the SWIFT x set, no space, no slash at either end, no double slash"
)]
pub struct ReferenceError;

/// An identifier of 1 to 35 characters of the SWIFT x set, without spaces; a slash stands neither first, last nor
/// doubled (European Payments Council, EPC132-08, section 1.4).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reference(String);

/// A reference of exactly 18 capitals and digits, which Bacs carries unchanged to the payee's statement.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RemittanceReference(String);

/// What one payment stands for. Equal keys give equal identifiers, on every machine, for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PaymentKey<'a> {
    /// The settlement run's id, as bytes.
    pub run: &'a [u8],
    /// The payer's ODS code.
    pub payer: &'a str,
    /// The payee's key in the registry or the identity service; it goes into the digest only.
    pub payee: &'a str,
    /// Tells apart several payments of one run between the same two (a budget line, say); empty when there is one.
    pub part: &'a str,
}

impl PaymentKey<'_> {
    fn digest(&self, purpose: &str) -> u128 {
        let fields = [self.run, self.payer.as_bytes(), self.payee.as_bytes(), self.part.as_bytes()];
        digest(purpose, &fields)
    }

    /// The end-to-end id: `10M-` and 25 characters of a digest of the key.
    #[must_use]
    pub fn end_to_end_id(&self) -> Reference {
        prefixed(self.payer, self.digest("almoner end-to-end id"))
    }

    /// The instruction id, which only payer and bank see; distinct from the end-to-end id.
    #[must_use]
    pub fn instruction_id(&self) -> Reference {
        prefixed(self.payer, self.digest("almoner instruction id"))
    }

    /// The reference that the payee's bank statement shows: the payer's code, then digest characters to 18.
    #[must_use]
    pub fn remittance_reference(&self) -> RemittanceReference {
        let mut text = payer_prefix(self.payer);
        let left = REMITTANCE_REFERENCE_CHARACTERS.saturating_sub(text.len());
        text.push_str(&base32(self.digest("almoner remittance reference"), left));
        RemittanceReference(text)
    }
}

/// The message id of a run's file for `channel_part` (a payer, or `controlled`).
#[must_use]
pub fn message_id(run: &[u8], channel_part: &str) -> Reference {
    prefixed("ALM", digest("almoner message id", &[run, channel_part.as_bytes()]))
}

/// The id of one payer's batch in a run's file.
#[must_use]
pub fn payment_information_id(run: &[u8], payer: &str) -> Reference {
    prefixed(payer, digest("almoner payment information id", &[run, payer.as_bytes()]))
}

/// The first 16 bytes of SHA-256 over the purpose and the fields, each with its length so that no two lists are alike.
fn digest(purpose: &str, fields: &[&[u8]]) -> u128 {
    let mut hash = Sha256::new();
    for field in [purpose.as_bytes()].iter().chain(fields) {
        hash.update(u64::try_from(field.len()).unwrap_or(u64::MAX).to_le_bytes());
        hash.update(field);
    }
    let digest: [u8; 32] = hash.finalize().into();
    digest.first_chunk::<16>().map_or(0, |head| u128::from_le_bytes(*head))
}

fn payer_prefix(payer: &str) -> String {
    payer
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(PAYER_CHARACTERS_MAX)
        .map(|c| c.to_ascii_uppercase())
        .collect()
}

fn prefixed(payer: &str, digest: u128) -> Reference {
    let mut text = payer_prefix(payer);
    if !text.is_empty() {
        text.push('-');
    }
    text.push_str(&base32(digest, DIGEST_CHARACTERS));
    Reference(text)
}

fn base32(mut rest: u128, characters: usize) -> String {
    let mut text = String::with_capacity(characters);
    for _ in 0..characters.min(DIGEST_CHARACTERS) {
        let digit = usize::try_from(rest % 32).unwrap_or(0);
        text.push(ALPHABET.get(digit).copied().map_or('0', char::from));
        rest /= 32;
    }
    text
}

impl Reference {
    /// The identifier's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl RemittanceReference {
    /// The reference's text, 18 characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = (1..=REFERENCE_CHARACTERS_MAX).contains(&text.len());
        let plain = text.chars().all(|c| is_swift_x(c) && c != ' ');
        let slashes = text.starts_with('/') || text.ends_with('/') || text.contains("//");
        if fits && plain && !slashes { Ok(Self(text.to_owned())) } else { Err(ReferenceError) }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Display for RemittanceReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEY: PaymentKey<'_> = PaymentKey { run: &[7; 16], payer: "10M", payee: "NT3", part: "" };

    /// These texts stand in banks' records: they may never change.
    #[test]
    fn identifiers_are_the_same_for_ever() {
        expect_test::expect![[r#"
            10M-64PBC4W7QV7NMD3MSPR0VE335
            10M-56AYSF7E7ES20WJJMVZ1BTJ17
            10M1TE2XNZ7EQPCKJ8
            ALM-0JASJZBJJ92H796G5MET97R6B
            10M-3KX9SWWZM1YY4853FR99KW636
        "#]]
        .assert_eq(&format!(
            "{}\n{}\n{}\n{}\n{}\n",
            KEY.end_to_end_id(),
            KEY.instruction_id(),
            KEY.remittance_reference(),
            message_id(KEY.run, "10M"),
            payment_information_id(KEY.run, "10M"),
        ));
    }

    #[test]
    fn every_part_of_the_key_counts() {
        let others = [
            PaymentKey { run: &[8; 16], ..KEY },
            PaymentKey { payer: "10N", ..KEY },
            PaymentKey { payee: "NV3", ..KEY },
            PaymentKey { part: "phb", ..KEY },
            PaymentKey { payee: "NT", part: "3", ..KEY },
        ];
        for other in others {
            assert_ne!(other.end_to_end_id(), KEY.end_to_end_id());
            assert_ne!(other.remittance_reference(), KEY.remittance_reference());
        }
    }

    #[test]
    fn other_texts_are_no_identifiers() {
        for good in ["A", "a/b", "10M-ABC.1", &"x".repeat(35)] {
            assert_eq!(good.parse::<Reference>().unwrap().as_str(), good);
        }
        for bad in ["", "a b", "/a", "a/", "a//b", "é", "a_b", "a\n", &"x".repeat(36)] {
            assert_eq!(bad.parse::<Reference>(), Err(ReferenceError), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn derived_identifiers_are_always_valid(
            run in proptest::collection::vec(any::<u8>(), 0..40), payer in ".{0,20}", payee in ".{0,20}", part in ".{0,9}",
        ) {
            let key = PaymentKey { run: &run, payer: &payer, payee: &payee, part: &part };
            for id in [key.end_to_end_id(), key.instruction_id(), message_id(&run, &payer)] {
                prop_assert_eq!(&id.as_str().parse::<Reference>().unwrap(), &id);
            }
            let bacs = key.remittance_reference();
            prop_assert_eq!(bacs.as_str().len(), REMITTANCE_REFERENCE_CHARACTERS);
            prop_assert!(bacs.as_str().chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit()));
        }
    }
}
