//! Sealing and opening: keys, nonces and contents in, bytes out.
//!
//! Every sealed value is bound to whose it is and what it is (as associated data), so that a row cut from one person and
//! pasted to another does not open. Nonces are random and stand before the ciphertext; a person key seals a handful of
//! values and a generation key one per person, far below what random 96-bit nonces allow (NIST SP 800-38D section 8.3
//! gives 2^32 for nonces of this length).

use crate::{BlindIndex, PayeeId, Sealed};
use chacha20poly1305::{
    ChaCha20Poly1305, KeyInit as _, Nonce,
    aead::{Aead as _, Payload},
};
use core::fmt;
use hmac::{Hmac, Mac as _};
use nhs::{AccountNumber, NhsNumber, Pseudonym, SortCode};
use sha2::Sha256;

/// The bytes of a nonce, drawn at random for every sealing.
pub type NonceBytes = [u8; NONCE_BYTES];

const NONCE_BYTES: usize = 12;

/// What was sealed does not open: another key, another owner, or changed bytes. It never says which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("sealed bytes do not open with this key for this owner")]
pub struct SealError;

/// The key of the blind index: one per installation, kept in a file outside the data's backups.
#[derive(Clone)]
pub struct IndexKey(Hmac<Sha256>);

impl IndexKey {
    /// The key of these bytes.
    #[must_use]
    pub fn new(bytes: &[u8; 32]) -> Self {
        // HMAC pads its key with zeros to the block of 64 bytes (RFC 2104 section 2); a whole block cannot be refused.
        let mut block = [0; 64];
        block.iter_mut().zip(bytes).for_each(|(slot, byte)| *slot = *byte);
        Self(<Hmac<Sha256> as hmac::Mac>::new((&block).into()))
    }

    /// The blind index of a number: what the state looks it up by.
    #[must_use]
    pub fn blind_index(&self, number: NhsNumber) -> BlindIndex {
        BlindIndex(self.tagged(&number.reveal().to_be_bytes()))
    }

    /// A fingerprint of content that holds bank details: keyed, so that whoever reads a journal cannot try them all.
    #[must_use]
    pub fn fingerprint(&self, content: &[u8]) -> [u8; 16] {
        let mut tagged = b"almoner identity fingerprint\0".to_vec();
        tagged.extend_from_slice(content);
        self.tagged(&tagged)
    }

    /// The tag of content of which only `digest` (its SHA-256) is known here: what stands in other journals for text that
    /// nobody could read. Keyed, so that whoever reads such a journal cannot try every text.
    #[must_use]
    pub fn tag(&self, digest: &[u8; 32]) -> [u8; 16] {
        let mut tagged = b"almoner tag\0".to_vec();
        tagged.extend_from_slice(digest);
        self.tagged(&tagged)
    }

    /// A value that tells this key from any other without giving it away, recorded so that the wrong file is noticed.
    #[must_use]
    pub fn check(&self) -> [u8; 16] {
        self.tagged(b"almoner index key check")
    }

    fn tagged(&self, content: &[u8]) -> [u8; 16] {
        let hash: [u8; 32] = self.0.clone().chain_update(content).finalize().into_bytes().into();
        let mut first = [0; 16];
        first.iter_mut().zip(hash).for_each(|(slot, byte)| *slot = byte);
        first
    }
}

/// A key that wraps person keys; a later generation replaces it for new people.
#[derive(Clone)]
pub struct GenerationKey {
    number: u32,
    cipher: ChaCha20Poly1305,
    check: [u8; 16],
}

impl GenerationKey {
    /// The key numbered `number` of these bytes.
    #[must_use]
    pub fn new(number: u32, bytes: &[u8; 32]) -> Self {
        let check = IndexKey::new(bytes).tagged(b"almoner generation key check");
        Self { number, cipher: ChaCha20Poly1305::new(bytes.into()), check }
    }

    /// Which generation it is, from 1.
    #[must_use]
    pub const fn number(&self) -> u32 {
        self.number
    }

    /// A value that tells this key from any other without giving it away.
    #[must_use]
    pub const fn check(&self) -> [u8; 16] {
        self.check
    }

    /// Wraps a person key for its owner.
    #[must_use]
    pub fn wrap(&self, key: &PersonKey, nonce: NonceBytes, owner: Pseudonym) -> Sealed {
        seal(&self.cipher, nonce, &owned_by(b"key", owner, b""), &key.0)
    }

    /// Opens what [`GenerationKey::wrap`] made.
    pub fn unwrap(&self, wrapped: &Sealed, owner: Pseudonym) -> Result<PersonKey, SealError> {
        let bytes = open(&self.cipher, wrapped, &owned_by(b"key", owner, b""))?;
        bytes.try_into().map(PersonKey).map_err(|_| SealError)
    }
}

/// One person's key. Destroying its wrapped form makes the person's rows unreadable.
#[derive(Clone)]
pub struct PersonKey([u8; 32]);

impl PersonKey {
    /// The key of these random bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Seals an NHS number for its owner.
    #[must_use]
    pub fn seal_number(&self, number: NhsNumber, nonce: NonceBytes, owner: Pseudonym) -> Sealed {
        seal(&self.cipher(), nonce, &owned_by(b"number", owner, b""), &number.reveal().to_be_bytes())
    }

    /// Opens what [`PersonKey::seal_number`] made.
    pub fn open_number(&self, sealed: &Sealed, owner: Pseudonym) -> Result<NhsNumber, SealError> {
        let bytes = open(&self.cipher(), sealed, &owned_by(b"number", owner, b""))?;
        let number = u64::from_be_bytes(bytes.try_into().map_err(|_| SealError)?);
        NhsNumber::from_digits(number).map_err(|_| SealError)
    }

    /// Seals a payee's details for their owner and plan.
    #[must_use]
    pub fn seal_payee(
        &self,
        details: &PayeeDetails,
        nonce: NonceBytes,
        owner: Pseudonym,
        payee: &PayeeId,
    ) -> Sealed {
        let associated = owned_by(b"payee", owner, payee.as_str().as_bytes());
        seal(&self.cipher(), nonce, &associated, &details.to_bytes())
    }

    /// Opens what [`PersonKey::seal_payee`] made.
    pub fn open_payee(
        &self,
        sealed: &Sealed,
        owner: Pseudonym,
        payee: &PayeeId,
    ) -> Result<PayeeDetails, SealError> {
        let associated = owned_by(b"payee", owner, payee.as_str().as_bytes());
        let plain = String::from_utf8(open(&self.cipher(), sealed, &associated)?).map_err(|_| SealError)?;
        let (sort_code, rest) = plain.split_at_checked(6).ok_or(SealError)?;
        let (account_number, account_name) = rest.split_at_checked(8).ok_or(SealError)?;
        Ok(PayeeDetails {
            account_name: AccountName::new(account_name).map_err(|_| SealError)?,
            sort_code: sort_code.parse().map_err(|_| SealError)?,
            account_number: account_number.parse().map_err(|_| SealError)?,
        })
    }

    fn cipher(&self) -> ChaCha20Poly1305 {
        ChaCha20Poly1305::new(&self.0.into())
    }
}

/// Where one plan's direct payments go. Shown by reading its fields on purpose, never by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct PayeeDetails {
    /// The account's name.
    pub account_name: AccountName,
    /// The sort code.
    pub sort_code: SortCode,
    /// The account number.
    pub account_number: AccountNumber,
}

impl PayeeDetails {
    /// The details as one text: six digits, eight digits, the name. For sealing and keyed fingerprints only.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut plain = self.sort_code.as_str().as_bytes().to_vec();
        plain.extend_from_slice(self.account_number.as_str().as_bytes());
        plain.extend_from_slice(self.account_name.as_str().as_bytes());
        plain
    }
}

/// A text is not the name of a bank account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an account's name is 1 to {ACCOUNT_NAME_MAX} printable characters without a space at either end")]
pub struct AccountNameError;

/// The most characters in an account's name.
pub const ACCOUNT_NAME_MAX: usize = 70;

/// The name of a bank account: a person's, so it is never shown by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct AccountName(Box<str>);

impl AccountName {
    /// The name `text`.
    pub fn new(text: &str) -> Result<Self, AccountNameError> {
        let good = (1..=ACCOUNT_NAME_MAX).contains(&text.chars().count())
            && text.trim() == text
            && !text.chars().any(char::is_control);
        if good { Ok(Self(text.into())) } else { Err(AccountNameError) }
    }

    /// The name, for the controlled plane only.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn seal(cipher: &ChaCha20Poly1305, nonce: NonceBytes, associated: &[u8], plain: &[u8]) -> Sealed {
    let payload = Payload { msg: plain, aad: associated };
    // Fails only for contents beyond 256 GiB. An empty result never opens, so even that could not pass for sealed.
    let sealed = cipher.encrypt(Nonce::from_slice(&nonce), payload).unwrap_or_default();
    let mut bytes = nonce.to_vec();
    bytes.extend_from_slice(&sealed);
    Sealed(bytes)
}

fn open(cipher: &ChaCha20Poly1305, sealed: &Sealed, associated: &[u8]) -> Result<Vec<u8>, SealError> {
    let (nonce, body) = sealed.0.split_at_checked(NONCE_BYTES).ok_or(SealError)?;
    let payload = Payload { msg: body, aad: associated };
    cipher.decrypt(Nonce::from_slice(nonce), payload).map_err(|_| SealError)
}

/// Associated data: what it is, whose it is, and which of theirs.
fn owned_by(what: &[u8], owner: Pseudonym, which: &[u8]) -> Vec<u8> {
    let mut bytes = b"almoner identity ".to_vec();
    bytes.extend_from_slice(what);
    bytes.push(0);
    bytes.extend_from_slice(owner.as_bytes());
    bytes.extend_from_slice(which);
    bytes
}

macro_rules! withheld {
    ($($name:ident),*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(withheld)"))
            }
        }
    )*};
}

withheld!(IndexKey, GenerationKey, PersonKey, PayeeDetails, AccountName);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn payee(text: &str) -> PayeeId {
        text.parse().unwrap()
    }

    fn details() -> PayeeDetails {
        PayeeDetails {
            account_name: AccountName::new("A Example PHB account").unwrap(),
            sort_code: "08-99-99".parse().unwrap(),
            account_number: "66374958".parse().unwrap(),
        }
    }

    #[test]
    fn a_blind_index_is_fixed_by_key_and_number() {
        let key = IndexKey::new(&[1; 32]);
        let number: NhsNumber = "9434765919".parse().unwrap();
        // HMAC-SHA-256 with a key of 32 bytes of 1, over 00000002 325abb9f: golden, it stands in journals.
        let hex: String = key.blind_index(number).0.iter().map(|b| format!("{b:02x}")).collect();
        expect_test::expect!["a44150e19f1e06064e1cc099758e265a"].assert_eq(&hex);
        assert_ne!(key.blind_index(number), IndexKey::new(&[2; 32]).blind_index(number));
        assert_ne!(key.check(), IndexKey::new(&[2; 32]).check());
    }

    #[test]
    fn a_tag_is_fixed_by_key_and_digest() {
        let key = IndexKey::new(&[1; 32]);
        // HMAC-SHA-256 with a key of 32 bytes of 1, over "almoner tag", a zero and 32 bytes of 3: golden, it stands in
        // journals.
        let hex: String = key.tag(&[3; 32]).iter().map(|b| format!("{b:02x}")).collect();
        expect_test::expect!["6c14469c89c4b380339bc8b06fa1ca47"].assert_eq(&hex);
        assert_ne!(key.tag(&[3; 32]), key.tag(&[4; 32]));
        assert_ne!(key.tag(&[3; 32]), IndexKey::new(&[2; 32]).tag(&[3; 32]));
    }

    #[test]
    fn names_are_printable_and_short() {
        for bad in ["", " A", "A ", "A\nB", &"A".repeat(71)] {
            assert_eq!(AccountName::new(bad), Err(AccountNameError), "{bad:?}");
        }
        assert!(AccountName::new(&"Å".repeat(70)).is_ok());
    }

    #[test]
    fn what_is_sealed_opens_for_its_owner_only() {
        let owner = Pseudonym::new([9; 16]);
        let other = Pseudonym::new([8; 16]);
        let key = PersonKey::new([3; 32]);
        let sealed = key.seal_payee(&details(), [5; 12], owner, &payee("phb-7"));
        assert_eq!(key.open_payee(&sealed, owner, &payee("phb-7")), Ok(details()));
        assert_eq!(key.open_payee(&sealed, other, &payee("phb-7")), Err(SealError));
        assert_eq!(key.open_payee(&sealed, owner, &payee("phb-8")), Err(SealError));
        assert_eq!(PersonKey::new([4; 32]).open_payee(&sealed, owner, &payee("phb-7")), Err(SealError));
        assert_eq!(key.open_payee(&Sealed(vec![0; 11]), owner, &payee("phb-7")), Err(SealError));
    }

    proptest! {
        #[test]
        fn numbers_and_keys_round_trip_and_no_byte_may_change(
            serial in 0..1_000_000_u32, person: [u8; 32], generation: [u8; 32], nonce: [u8; 12], owner: [u8; 16],
            at in 0..100_usize, bit in 0..8_u8,
        ) {
            let Some(number) = NhsNumber::of_test_range(serial) else { return Ok(()) };
            let owner = Pseudonym::new(owner);
            let generation = GenerationKey::new(1, &generation);
            let wrapped = generation.wrap(&PersonKey::new(person), nonce, owner);
            let key = generation.unwrap(&wrapped, owner).unwrap();
            let sealed = key.seal_number(number, nonce, owner);
            prop_assert_eq!(sealed.0.len(), 12 + 8 + 16);
            prop_assert_eq!(key.open_number(&sealed, owner), Ok(number));
            for good in [sealed, wrapped] {
                let mut bad = good;
                let at = at % bad.0.len();
                bad.0[at] ^= 1 << bit;
                prop_assert!(key.open_number(&bad, owner).is_err());
                prop_assert!(generation.unwrap(&bad, owner).is_err());
            }
        }
    }
}
