//! Pages: tokens that nobody can alter, and listings that stay put while the journal grows.
//!
//! ```text
//! token = base64url( version 1 | position 8 LE | filter 8 | last key … | HMAC-SHA-256, first 16 bytes )
//! ```
//! The filter is a digest of the request without its page, so that a token is of use with that request only. It is made
//! from the request as this program re-encodes it: compared by this program only, and stored nowhere.

use crate::Fields;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac as _};
use journal::{Digest, Position};
use prost::Message;
use proto::common::v1::{PageRequest, PageResponse};
use sha2::Sha256;

const SIZE_DEFAULT: usize = 50;
const SIZE_MAX: usize = 1000;
const VERSION: u8 = 1;
const HEAD_BYTES: usize = 1 + 8 + 8;
const MAC_BYTES: usize = 16;
/// The longest key of a listing with room to spare, as base64: what is longer is not a token of ours.
const TOKEN_BYTES_MAX: usize = 1024;

/// The secret under which this installation's page tokens are sealed.
#[derive(Clone)]
pub struct PageKey([u8; 32]);

impl core::fmt::Debug for PageKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("PageKey")
    }
}

/// Where a listing goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// The journal position as of which the listing is: the first page's.
    pub position: Position,
    /// The key of the last item listed.
    pub last: Vec<u8>,
}

/// One page asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The most items to return: 1 to 1000.
    pub size: usize,
    /// Where to go on; `None` for the first page.
    pub cursor: Option<Cursor>,
    filter: [u8; 8],
}

impl PageKey {
    /// The key of these secret bytes.
    #[must_use]
    pub const fn new(secret: [u8; 32]) -> Self {
        Self(secret)
    }

    /// The page that `page` asks for. `filter` is the rest of the request: the whole message with its page taken out.
    pub fn page<M: Message>(
        &self,
        fields: &mut Fields,
        path: &str,
        page: Option<PageRequest>,
        filter: &M,
    ) -> Option<Page> {
        let PageRequest { page_size, page_token } = page.unwrap_or_default();
        let size = match usize::try_from(page_size) {
            Ok(0) => SIZE_DEFAULT,
            Ok(size) => size.min(SIZE_MAX),
            Err(_) => {
                fields.refuse(&format!("{path}.page_size"), "FIELD_INVALID", "it must be 0 to 1000");
                return None;
            }
        };
        let [a, b, c, d, e, f, g, h, ..] = Digest::of(&filter.encode_to_vec()).0;
        let filter = [a, b, c, d, e, f, g, h];
        if page_token.is_empty() {
            return Some(Page { size, cursor: None, filter });
        }
        let cursor = self.open(&page_token, filter);
        if cursor.is_none() {
            fields.refuse(
                &format!("{path}.page_token"),
                "PAGE_TOKEN_INVALID",
                "it must be the token of the page before, with the rest of the request unchanged: begin again without one",
            );
        }
        cursor.map(|cursor| Page { size, cursor: Some(cursor), filter })
    }

    /// How the listing goes on after `page`: `next` is the cursor of its last item, `None` when nothing follows.
    #[must_use]
    pub fn response(&self, page: &Page, next: Option<&Cursor>) -> PageResponse {
        let next_page_token = next.map_or_else(String::new, |cursor| self.seal(cursor, page.filter));
        PageResponse { next_page_token }
    }

    fn seal(&self, cursor: &Cursor, filter: [u8; 8]) -> String {
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&cursor.position.get().to_le_bytes());
        bytes.extend_from_slice(&filter);
        bytes.extend_from_slice(&cursor.last);
        let mac = self.mac(&bytes);
        bytes.extend_from_slice(&mac);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn open(&self, token: &str, filter: [u8; 8]) -> Option<Cursor> {
        if token.len() > TOKEN_BYTES_MAX {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (sealed, mac) = bytes.split_last_chunk::<MAC_BYTES>()?;
        self.keyed(sealed).verify_truncated_left(mac).ok()?;
        let (head, last) = sealed.split_first_chunk::<HEAD_BYTES>()?;
        let (version, rest) = head.split_first()?;
        let (position, found) = rest.split_first_chunk::<8>()?;
        (*version == VERSION && found == filter)
            .then(|| Cursor { position: Position::new(u64::from_le_bytes(*position)), last: last.to_vec() })
    }

    fn mac(&self, bytes: &[u8]) -> Vec<u8> {
        self.keyed(bytes).finalize().into_bytes().into_iter().take(MAC_BYTES).collect()
    }

    fn keyed(&self, bytes: &[u8]) -> Hmac<Sha256> {
        let mut key = hmac::digest::Key::<Hmac<Sha256>>::default(); // zero-padded to the block, as HMAC pads it
        for (to, from) in key.iter_mut().zip(self.0) {
            *to = from;
        }
        let mut mac = Hmac::<Sha256>::new(&key);
        mac.update(bytes);
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ask(key: &PageKey, size: i32, token: &str, filter: &str) -> Result<Page, &'static str> {
        let mut fields = Fields::new();
        let page = PageRequest { page_size: size, page_token: token.to_owned() };
        let found = key.page(&mut fields, "page", Some(page), &filter.to_owned());
        fields.known((found,)).map(|(page,)| page).map_err(|v| v.first().reason)
    }

    #[test]
    fn sizes_are_defaulted_clamped_refused() {
        let key = PageKey::new([7; 32]);
        for (size, expected) in
            [(0, Ok(50)), (1, Ok(1)), (1000, Ok(1000)), (1001, Ok(1000)), (-1, Err("FIELD_INVALID"))]
        {
            assert_eq!(ask(&key, size, "", "f").map(|page| page.size), expected);
        }
    }

    proptest! {
        #[test]
        fn a_token_opens_with_its_own_request_and_key_only(
            position: u64, last in prop::collection::vec(any::<u8>(), 0..80), flip in 0_usize..64, bit in 0_u8..8,
        ) {
            let key = PageKey::new([7; 32]);
            let first = ask(&key, 10, "", "f").unwrap();
            let cursor = Cursor { position: Position::new(position), last };
            let token = key.response(&first, Some(&cursor)).next_page_token;
            prop_assert_eq!(ask(&key, 10, &token, "f").unwrap().cursor, Some(cursor));
            prop_assert_eq!(ask(&key, 10, &token, "g"), Err("PAGE_TOKEN_INVALID"));
            prop_assert_eq!(ask(&PageKey::new([8; 32]), 10, &token, "f"), Err("PAGE_TOKEN_INVALID"));
            let mut bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
            let at = flip % bytes.len();
            bytes[at] ^= 1 << bit;
            prop_assert_eq!(ask(&key, 10, &URL_SAFE_NO_PAD.encode(bytes), "f"), Err("PAGE_TOKEN_INVALID"));
        }

        #[test]
        fn any_token_is_answered(token in ".{1,60}") {
            prop_assert_eq!(ask(&PageKey::new([7; 32]), 0, &token, "f"), Err("PAGE_TOKEN_INVALID"));
        }
    }
}
