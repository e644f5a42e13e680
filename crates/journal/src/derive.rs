//! Ids and fingerprints that anybody can compute again.

use crate::{Fingerprint, RequestId};
use sha2::{Digest as _, Sha256};

/// A request id that follows from the id which caused it, so that a repeated consequence carries a repeated id.
///
/// UUID version 8: the 48-bit millisecond of `cause`, then bits of SHA-256(`tag` ++ 0x00 ++ `cause` ++ `purpose`). `tag`
/// names the kind of derivation (`line`, `posting`, `hold`…), `purpose` tells apart several of one cause.
#[must_use]
pub fn derived_request_id(tag: &str, cause: RequestId, purpose: &[u8]) -> RequestId {
    let hash = Sha256::new()
        .chain_update(tag.as_bytes())
        .chain_update([0])
        .chain_update(cause.to_bytes())
        .chain_update(purpose)
        .finalize();
    let cause = cause.to_bytes();
    let mut bytes = [0; 16];
    let (time, rest) = bytes.split_at_mut(6);
    time.copy_from_slice(&cause[..6]);
    rest.copy_from_slice(&hash[..10]);
    // RFC 9562 section 5.8: version 8 in the high nibble of octet 6, variant 10 in the top bits of octet 8.
    bytes[6] = (bytes[6] & 0x0f) | 0x80;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    RequestId::from_bytes(bytes).unwrap_or_else(|_| unreachable!("version 8 was just set"))
}

/// The fingerprint of a request's content: the first 16 bytes of its SHA-256.
#[must_use]
pub fn fingerprint(content: &[u8]) -> Fingerprint {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&Sha256::digest(content)[..16]);
    Fingerprint(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_derived_id_is_stable_and_keeps_the_millisecond() {
        let cause: RequestId = "0192f0c1-2b3c-7d4e-8f90-123456789abc".parse().unwrap();
        let id = derived_request_id("line", cause, b"1");
        // A golden value: it stands in journals, so it never changes.
        assert_eq!(id.to_string(), "0192f0c1-2b3c-809d-ad0e-727b27d9d179");
        assert_eq!(id.millisecond(), cause.millisecond());
        assert_ne!(id, derived_request_id("line", cause, b"2"));
        assert_ne!(id, derived_request_id("hold", cause, b"1"));
    }
}
