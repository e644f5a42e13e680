//! Messages made to harm: each is refused, in bounded time and memory, and nothing panics.

use crate::camt053::{entry, statement};
use money::Side;
use payments::camt053::{NAMESPACE_02, read, write};
use payments::{DEPTH_MAX, MESSAGE_BYTES_MAX, ReadError, TEXT_BYTES_MAX};
use proptest::prelude::*;

fn good() -> Vec<u8> {
    write(&[statement(vec![entry(Side::Debit, 10, "A"), entry(Side::Credit, 3, "B")])]).unwrap().into_bytes()
}

fn document(content: &str) -> String {
    format!("<?xml version=\"1.0\"?>\n<Document xmlns=\"{NAMESPACE_02}\">{content}</Document>")
}

#[test]
fn entities_are_refused_where_they_stand() {
    let head = "<?xml version=\"1.0\"?>\n";
    let table = [
        format!("{head}<!DOCTYPE Document [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><Document/>"),
        format!("{head}<!DOCTYPE Document SYSTEM \"file:///etc/passwd\"><Document/>"),
        format!(
            "{head}<!DOCTYPE Document [<!ENTITY % p SYSTEM \"http://example.invalid/\"> %p;]><Document/>"
        ),
        format!("{head}<!DOCTYPE Docu"),
    ];
    for text in table {
        assert_eq!(read(text.as_bytes()), Err(ReadError::EntityRefused { position: 22 }), "{text}");
    }
    let text = document("<BkToCstmrStmt><GrpHdr><MsgId>&xxe;</MsgId></GrpHdr></BkToCstmrStmt>");
    let position = u64::try_from(text.find("&xxe;").unwrap()).unwrap();
    assert_eq!(read(text.as_bytes()), Err(ReadError::EntityRefused { position }));
    for skipped in
        ["<Other>&xxe;</Other>", "<Other a=\"&xxe;\"/>", "<Other>&#0;</Other>", "<Other>&#xD800;</Other>"]
    {
        assert_eq!(read(document(skipped).as_bytes()).unwrap_err().reason(), "ENTITY_REFUSED", "{skipped}");
    }
}

#[test]
fn depth_is_bounded_even_in_what_is_skipped() {
    let levels = usize::try_from(DEPTH_MAX).unwrap();
    let nested = |levels: usize| document(&format!("{}{}", "<a>".repeat(levels), "</a>".repeat(levels)));
    // `Document` is the first level.
    assert_eq!(read(nested(levels - 1).as_bytes()).unwrap_err().reason(), "MISSING");
    assert_eq!(read(nested(levels).as_bytes()).unwrap_err().reason(), "TOO_DEEP");
    assert_eq!(read(nested(100_000).as_bytes()).unwrap_err().reason(), "TOO_DEEP");
}

#[test]
fn size_is_bounded_before_anything_is_read() {
    let bytes = vec![b' '; MESSAGE_BYTES_MAX + 1];
    assert_eq!(read(&bytes).unwrap_err().reason(), "TOO_LARGE");
}

#[test]
fn long_texts_and_many_attributes_are_refused() {
    let long = "x".repeat(TEXT_BYTES_MAX + 1);
    let text = document(&format!("<BkToCstmrStmt><GrpHdr><MsgId>{long}</MsgId></GrpHdr></BkToCstmrStmt>"));
    assert_eq!(read(text.as_bytes()).unwrap_err().reason(), "TEXT_TOO_LONG");
    let attributes: String = (0..50_000).map(|n| format!(" a{n}=\"\"")).collect();
    assert_eq!(read(document(&format!("<a{attributes}/>")).as_bytes()).unwrap_err().reason(), "MALFORMED");
    let namespaces: String = (0..50_000).map(|n| format!(" xmlns:a{n}=\"u\"")).collect();
    assert_eq!(read(document(&format!("<a{namespaces}/>")).as_bytes()).unwrap_err().reason(), "MALFORMED");
    assert_eq!(read(document("<a b=\"1\" b=\"2\"/>").as_bytes()).unwrap_err().reason(), "MALFORMED");
}

#[test]
fn other_encodings_are_refused_by_name() {
    let refused = |bytes: &[u8]| match read(bytes) {
        Err(ReadError::EncodingRefused { encoding, position }) => (encoding, position),
        other => panic!("{other:?}"),
    };
    let good = String::from_utf8(good()).unwrap();
    let utf16: Vec<u8> = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(refused(&utf16), ("UTF-16".to_owned(), 0));
    let marked: Vec<u8> =
        "\u{feff}".encode_utf16().chain(good.encode_utf16()).flat_map(u16::to_be_bytes).collect();
    assert_eq!(refused(&marked), ("UTF-16".to_owned(), 0));
    let latin1: Vec<u8> = good
        .replace("UTF-8", "ISO-8859-1")
        .replace("10M1TE", "é")
        .chars()
        .map(|c| u8::try_from(c).unwrap())
        .collect();
    assert_eq!(refused(&latin1), ("ISO-8859-1".to_owned(), 0));
    let mut broken = good.clone().into_bytes();
    broken[500] = 0xff;
    assert_eq!(refused(&broken), ("not UTF-8".to_owned(), 500));
}

/// A file cut at any byte is refused, and where the cut is the reason it says so.
#[test]
fn a_cut_anywhere_is_refused() {
    let good = good();
    let last = good.iter().rposition(|b| *b == b'>').unwrap();
    for length in 0..=last {
        let error = read(&good[..length]).unwrap_err();
        let ReadError::Truncated { position } = error else { panic!("cut at {length}: {error}") };
        assert!(position <= u64::try_from(length).unwrap());
    }
}

proptest! {
    /// Any bytes: an answer, never a panic.
    #[test]
    fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(read(&bytes).is_err());
    }

    /// A good statement with bytes changed reads as something that adds up, or is refused.
    #[test]
    fn a_damaged_statement_adds_up_or_is_refused(
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut bytes = good();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(statements) = read(&bytes) {
            prop_assert!(statements.iter().all(payments::camt053::Statement::adds_up));
        }
    }

    /// Markup put together at random.
    #[test]
    fn any_markup_is_answered(
        parts in proptest::collection::vec(prop::sample::select(vec![
            "<BkToCstmrStmt>", "</BkToCstmrStmt>", "<Stmt>", "</Stmt>", "<Ntry>", "</Ntry>", "<Bal>", "</Bal>", "<Id>",
            "</Id>", "<Amt Ccy=\"GBP\">1</Amt>", "<Amt Ccy=\"GBP\"/>", "x", " ", "<!--", "-->", "<![CDATA[", "]]>", "&amp;",
            "&#1;", "<?", "?>", "<a:b/>", "<NtryDtls>", "<TxDtls>", "<Sts>BOOK</Sts>", "\u{0}", "<GrpHdr><MsgId>1</MsgId></GrpHdr>",
        ]), 0..40),
    ) {
        prop_assert!(read(document(&parts.concat()).as_bytes()).is_err());
    }
}
