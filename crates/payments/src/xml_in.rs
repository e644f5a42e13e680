//! A bounded reader of ISO 20022 documents: the tree is walked once, by name, and whatever is not asked for is skipped.

use crate::read_error::ReadError;
use quick_xml::NsReader;
use quick_xml::errors::{IllFormedError, SyntaxError};
use quick_xml::events::attributes::AttrError;
use quick_xml::events::{BytesDecl, BytesRef, BytesStart, Event};
use quick_xml::name::{Namespace, ResolveResult};
use quick_xml::{Error as XmlError, XmlVersion};
use std::borrow::Cow;

/// The largest message that is read: a statement of 100,000 entries with details takes about a third of it.
pub const MESSAGE_BYTES_MAX: usize = 256 << 20;
/// The deepest element: the schemas' own nesting is below 20; what supplementary data adds is skipped within this.
pub const DEPTH_MAX: u32 = 64;
/// The longest text that is kept: the schemas' longest is 2,048 characters (`Max2048Text`).
pub const TEXT_BYTES_MAX: usize = 8_192;
/// ISO 20022 messages carry one attribute (`Ccy`); the rest are namespace declarations.
const ATTRIBUTES_MAX: usize = 16;
/// How much of a refused namespace, encoding or currency is shown.
const SHOWN_MAX: usize = 120;

type Result<T> = core::result::Result<T, ReadError>;

/// A start tag, still open.
pub(crate) struct Child<'i> {
    start: BytesStart<'i>,
    /// Where the tag begins, in bytes from the start of the message.
    pub(crate) position: u64,
}

impl Child<'_> {
    pub(crate) fn name(&self) -> &str {
        self.start.local_name().into_inner()
    }

    /// The value of an attribute without a prefix.
    pub(crate) fn attribute(&self, name: &str) -> Option<String> {
        let found = self.start.try_get_attribute(name).ok().flatten()?;
        found.normalized_value(XmlVersion::Implicit1_0).ok().map(Cow::into_owned)
    }
}

/// The place in the message; it stands inside one open element at a time.
pub(crate) struct Cursor<'i> {
    reader: NsReader<&'i [u8]>,
    /// Bytes before the reader's first: a byte order mark.
    offset: u64,
    namespace: &'static str,
    depth: u32,
}

impl<'i> Cursor<'i> {
    /// Opens a message and enters its `Document`, whose namespace must be one of `namespaces`.
    pub(crate) fn open(bytes: &'i [u8], namespaces: &[&'static str]) -> Result<Self> {
        let (text, offset) = checked_text(bytes)?;
        let mut cursor = Cursor { reader: reader(text), offset, namespace: "", depth: 0 };
        let mut first = true;
        loop {
            let position = cursor.position();
            match cursor.reader.read_resolved_event() {
                Ok((resolved, Event::Start(start))) => {
                    let found = namespace_of(&resolved);
                    cursor.namespace =
                        namespaces.iter().find(|known| found == Some(**known)).ok_or_else(|| {
                            ReadError::UnsupportedMessage { namespace: shown(found.unwrap_or("none")) }
                        })?;
                    cursor.enter(&start, position)?;
                    if start.local_name().into_inner() != "Document" {
                        return Err(ReadError::Missing { element: "Document", position });
                    }
                    return Ok(cursor);
                }
                Ok((_, Event::Decl(decl))) if first => check_declaration(&decl, position)?,
                Ok((_, event)) => between(&event, position)?,
                Err(error) => return Err(cursor.failed(&error)),
            }
            first = false;
        }
    }

    /// The message's namespace.
    pub(crate) const fn namespace(&self) -> &'static str {
        self.namespace
    }

    /// The next element inside the open one, now open itself; or `None`, and the open one is closed.
    pub(crate) fn child(&mut self) -> Result<Option<Child<'i>>> {
        loop {
            let position = self.position();
            match self.reader.read_resolved_event() {
                Ok((resolved, Event::Start(start))) => {
                    let found = namespace_of(&resolved);
                    if found != Some(self.namespace) {
                        return Err(ReadError::UnsupportedMessage {
                            namespace: shown(found.unwrap_or("none")),
                        });
                    }
                    self.enter(&start, position)?;
                    return Ok(Some(Child { start, position }));
                }
                Ok((_, Event::End(_))) => {
                    self.depth = self.depth.saturating_sub(1);
                    return Ok(None);
                }
                Ok((_, event)) => between(&event, position)?,
                Err(error) => return Err(self.failed(&error)),
            }
        }
    }

    /// The text of the open element, trimmed of XML white space; closes it.
    pub(crate) fn text(&mut self) -> Result<String> {
        let from = self.position();
        let mut text = String::new();
        loop {
            let position = self.position();
            match self.reader.read_event() {
                Ok(Event::Text(part)) => text.push_str(&part.xml10_content()),
                Ok(Event::CData(part)) => text.push_str(&part.xml10_content()),
                Ok(Event::GeneralRef(reference)) => text.push(referenced(&reference, position)?),
                Ok(Event::End(_)) => {
                    self.depth = self.depth.saturating_sub(1);
                    return Ok(text.trim_matches(is_xml_space).to_owned());
                }
                Ok(Event::Start(_) | Event::Empty(_)) => {
                    return Err(ReadError::Malformed {
                        position,
                        problem: "an element stands where text belongs",
                    });
                }
                Ok(
                    event @ (Event::Comment(_)
                    | Event::PI(_)
                    | Event::DocType(_)
                    | Event::Decl(_)
                    | Event::Eof),
                ) => {
                    between(&event, position)?;
                }
                Err(error) => return Err(self.failed(&error)),
            }
            if text.len() > TEXT_BYTES_MAX {
                return Err(ReadError::TextTooLong { position: from, max: TEXT_BYTES_MAX });
            }
        }
    }

    /// Passes over the open element and everything in it, under the same bounds.
    pub(crate) fn skip(&mut self) -> Result<()> {
        let outside = self.depth.saturating_sub(1);
        while self.depth > outside {
            let position = self.position();
            match self.reader.read_event() {
                Ok(Event::Start(start)) => self.enter(&start, position)?,
                Ok(Event::End(_)) => self.depth = self.depth.saturating_sub(1),
                Ok(Event::Text(_) | Event::CData(_)) => {}
                Ok(Event::GeneralRef(reference)) => {
                    referenced(&reference, position)?;
                }
                Ok(event @ (Event::Empty(_) | Event::Comment(_) | Event::PI(_) | Event::DocType(_)))
                | Ok(event @ (Event::Decl(_) | Event::Eof)) => between(&event, position)?,
                Err(error) => return Err(self.failed(&error)),
            }
        }
        Ok(())
    }

    /// After `Document`: nothing but comments and white space.
    pub(crate) fn finish(mut self) -> Result<()> {
        loop {
            let position = self.position();
            match self.reader.read_event() {
                Ok(Event::Eof) => return Ok(()),
                Ok(Event::Start(_)) => {
                    return Err(ReadError::Malformed { position, problem: "a second root element" });
                }
                Ok(event) => between(&event, position)?,
                Err(error) => return Err(self.failed(&error)),
            }
        }
    }

    fn position(&self) -> u64 {
        self.reader.buffer_position().saturating_add(self.offset)
    }

    fn enter(&mut self, start: &BytesStart<'_>, position: u64) -> Result<()> {
        self.depth = self.depth.saturating_add(1);
        if self.depth > DEPTH_MAX {
            return Err(ReadError::TooDeep { position, max: DEPTH_MAX });
        }
        let mut attributes = start.attributes();
        // Our own bound comes first, so that looking for duplicates never becomes quadratic.
        if attributes.with_checks(false).count() > ATTRIBUTES_MAX {
            return Err(ReadError::Malformed { position, problem: "too many attributes" });
        }
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|error| attribute_failed(&error, position))?;
            attribute
                .normalized_value(XmlVersion::Implicit1_0)
                .map_err(|_| ReadError::EntityRefused { position })?;
        }
        Ok(())
    }

    fn failed(&self, error: &XmlError) -> ReadError {
        let position = self.reader.error_position().saturating_add(self.offset);
        let malformed = |problem| ReadError::Malformed { position, problem };
        match error {
            XmlError::Syntax(SyntaxError::InvalidBangMarkup) => malformed("unknown markup after `<!`"),
            XmlError::Syntax(SyntaxError::UnclosedDoctype) => ReadError::EntityRefused { position },
            XmlError::Syntax(_) | XmlError::IllFormed(IllFormedError::MissingEndTag(_)) => {
                ReadError::Truncated { position }
            }
            XmlError::IllFormed(IllFormedError::UnclosedReference) => {
                malformed("an ampersand that begins no reference")
            }
            XmlError::IllFormed(IllFormedError::DoubleHyphenInComment) => malformed("`--` within a comment"),
            XmlError::IllFormed(
                IllFormedError::MismatchedEndTag { .. } | IllFormedError::UnmatchedEndTag(_),
            ) => malformed("an end tag that closes another element"),
            XmlError::IllFormed(_) => malformed("not well-formed XML"),
            XmlError::InvalidAttr(error) => attribute_failed(error, position),
            XmlError::Escape(_) => ReadError::EntityRefused { position },
            XmlError::Namespace(_) => malformed("a namespace declaration that is not allowed"),
            XmlError::Io(_) | XmlError::Encoding(_) => malformed("unreadable bytes"),
        }
    }
}

fn reader(text: &str) -> NsReader<&[u8]> {
    let mut reader = NsReader::from_str(text);
    let config = reader.config_mut();
    config.expand_empty_elements = true;
    config.check_comments = true;
    reader
}

fn namespace_of<'a>(resolved: &'a ResolveResult<'_>) -> Option<&'a str> {
    match resolved {
        ResolveResult::Bound(Namespace(namespace)) => Some(namespace),
        ResolveResult::Unbound | ResolveResult::Unknown(_) => None,
    }
}

/// What may stand between elements: white space, comments and processing instructions, which are not followed.
fn between(event: &Event<'_>, position: u64) -> Result<()> {
    let malformed = |problem| Err(ReadError::Malformed { position, problem });
    match event {
        Event::Comment(_) | Event::PI(_) => Ok(()),
        Event::Text(text) if text.xml10_content().chars().all(is_xml_space) => Ok(()),
        Event::Text(_) | Event::CData(_) => malformed("text between elements"),
        Event::GeneralRef(reference) => {
            referenced(reference, position)?;
            malformed("text between elements")
        }
        Event::DocType(_) => Err(ReadError::EntityRefused { position }),
        Event::Decl(_) => malformed("an XML declaration that is not at the start"),
        Event::Eof => Err(ReadError::Truncated { position }),
        Event::Start(_) | Event::Empty(_) | Event::End(_) => malformed("an unexpected tag"),
    }
}

/// The five predefined entities and character references; every other entity is refused.
fn referenced(reference: &BytesRef<'_>, position: u64) -> Result<char> {
    let refused = ReadError::EntityRefused { position };
    match reference.resolve_char_ref() {
        Ok(Some(c)) if is_xml_char(c) => return Ok(c),
        Ok(Some(_)) | Err(_) => return Err(refused),
        Ok(None) => {}
    }
    match reference.xml10_content().as_ref() {
        "amp" => Ok('&'),
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "apos" => Ok('\''),
        "quot" => Ok('"'),
        _ => Err(refused),
    }
}

fn attribute_failed(error: &AttrError, position: u64) -> ReadError {
    let problem = match error {
        AttrError::Duplicated(..) => "an attribute twice",
        AttrError::ExpectedEq(_)
        | AttrError::ExpectedValue(_)
        | AttrError::UnquotedValue(_)
        | AttrError::ExpectedQuote(..) => "an attribute without its value",
    };
    ReadError::Malformed { position, problem }
}

/// UTF-8 without characters that XML 1.0 forbids, and the length of its byte order mark.
fn checked_text(bytes: &[u8]) -> Result<(&str, u64)> {
    if bytes.len() > MESSAGE_BYTES_MAX {
        return Err(ReadError::TooLarge { bytes: size(bytes.len()), max: size(MESSAGE_BYTES_MAX) });
    }
    if matches!(bytes, [0xfe, 0xff, ..] | [0xff, 0xfe, ..] | [0, b'<', ..] | [b'<', 0, ..]) {
        return Err(ReadError::EncodingRefused { encoding: "UTF-16".to_owned(), position: 0 });
    }
    let (bytes, offset) = match bytes.strip_prefix(&[0xef, 0xbb, 0xbf]) {
        Some(rest) => (rest, 3),
        None => (bytes, 0),
    };
    let text = core::str::from_utf8(bytes).map_err(|error| not_utf8(bytes, offset, &error))?;
    match text.char_indices().find(|(_, c)| !is_xml_char(*c)) {
        Some((at, _)) => Err(ReadError::Malformed {
            position: size(at).saturating_add(offset),
            problem: "a character that XML 1.0 forbids",
        }),
        None => Ok((text, offset)),
    }
}

/// Names the declared encoding when the bytes are honest about it.
fn not_utf8(bytes: &[u8], offset: u64, error: &core::str::Utf8Error) -> ReadError {
    let (head, _) = bytes.split_at_checked(error.valid_up_to()).unwrap_or_default();
    let position = size(head.len()).saturating_add(offset);
    if let Ok(Event::Decl(decl)) = reader(core::str::from_utf8(head).unwrap_or_default()).read_event()
        && let Err(refused @ ReadError::EncodingRefused { .. }) = check_declaration(&decl, 0)
    {
        return refused;
    }
    match error.error_len() {
        None => ReadError::Truncated { position },
        Some(_) => ReadError::EncodingRefused { encoding: "not UTF-8".to_owned(), position },
    }
}

fn check_declaration(decl: &BytesDecl<'_>, position: u64) -> Result<()> {
    let malformed = |problem| ReadError::Malformed { position, problem };
    let version = decl.version().map_err(|_| malformed("an XML declaration without a version"))?;
    if version != "1.0" {
        return Err(malformed("an XML version other than 1.0"));
    }
    match decl.encoding() {
        None => Ok(()),
        Some(Ok(encoding)) if encoding.eq_ignore_ascii_case("UTF-8") => Ok(()),
        Some(Ok(encoding)) => Err(ReadError::EncodingRefused { encoding: shown(&encoding), position }),
        Some(Err(_)) => Err(malformed("an XML declaration that cannot be read")),
    }
}

/// At most so many plain characters of a text that is quoted in an error.
pub(crate) fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_graphic() { c } else { '?' }).take(SHOWN_MAX).collect()
}

const fn is_xml_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

/// XML 1.0 (fifth edition), production 2.
const fn is_xml_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..)
}

fn size(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
