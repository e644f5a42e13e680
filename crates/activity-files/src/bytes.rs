//! Bytes to UTF-8, in bounded memory.

use crate::Unusable;
use core::{cell::Cell, fmt};
use encoding_rs::{Decoder, DecoderResult, UTF_16BE, UTF_16LE, WINDOWS_1252};
use serde::Deserialize;
use std::{
    io::{self, Chain, Cursor, Read},
    rc::Rc,
};

/// How characters are written as bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// UTF-8, with or without its mark.
    #[serde(rename = "utf-8")]
    Utf8,
    /// Windows-1252: what Excel calls CSV in this country. Never recognised, because any bytes are some text in it.
    #[serde(rename = "windows-1252")]
    Windows1252,
    /// UTF-16 with its mark, or little-endian: what Excel calls Unicode text.
    #[serde(rename = "utf-16")]
    Utf16,
}

impl Encoding {
    /// The name in mapping profiles and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Windows1252 => "windows-1252",
            Self::Utf16 => "utf-16",
        }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How much is decoded at a time.
const PIECE_BYTES: usize = 16 << 10;

/// What a byte is in Windows-1252.
pub(crate) fn windows_1252(byte: u8) -> char {
    let bytes = [byte];
    let (text, _) = WINDOWS_1252.decode_without_bom_handling(&bytes);
    text.chars().next().unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// How much is looked at before the first row is read.
pub(crate) const PREFIX_BYTES: usize = 64 << 10;

type Prefixed<R> = Chain<Cursor<Vec<u8>>, R>;

/// A file whose encoding is settled, as UTF-8. What says it is UTF-8 is passed on as it is: rows are checked one by one,
/// so that an error can name row and column.
pub(crate) struct Decoded<R> {
    inner: Prefixed<R>,
    encoding: Encoding,
    decoder: Option<Decoder>,
    raw: Vec<u8>,
    raw_from: usize,
    text: Vec<u8>,
    text_from: usize,
    read: u64,
    ended: bool,
}

/// Whether and how a mark said what the encoding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark(pub(crate) Option<Encoding>);

impl<R: Read> Decoded<R> {
    /// Settles the encoding from what is said and from the mark at the beginning.
    pub(crate) fn new(mut reader: R, said: Option<Encoding>) -> Result<(Self, Mark), Unusable> {
        let mut prefix = Vec::with_capacity(PREFIX_BYTES);
        reader.by_ref().take(u64::try_from(PREFIX_BYTES).unwrap_or(u64::MAX)).read_to_end(&mut prefix)?;
        if prefix.is_empty() {
            return Err(Unusable::Empty);
        }
        let (mark, skip, big) = match prefix.as_slice() {
            [0xEF, 0xBB, 0xBF, ..] => (Some(Encoding::Utf8), 3, false),
            [0xFF, 0xFE, ..] => (Some(Encoding::Utf16), 2, false),
            [0xFE, 0xFF, ..] => (Some(Encoding::Utf16), 2, true),
            _ => (None, 0, false),
        };
        if u64::try_from(prefix.len()).unwrap_or(u64::MAX) <= skip {
            return Err(Unusable::Empty);
        }
        if let Some((found, said)) = mark.zip(said).filter(|(found, said)| found != said) {
            return Err(Unusable::EncodingContradicted { found, said });
        }
        let encoding = said.or(mark).unwrap_or(Encoding::Utf8);
        if encoding != Encoding::Utf16 && prefix.contains(&0) {
            return Err(Unusable::Binary);
        }
        let decoder = match encoding {
            Encoding::Utf8 => None,
            Encoding::Windows1252 => Some(WINDOWS_1252.new_decoder_without_bom_handling()),
            Encoding::Utf16 if big => Some(UTF_16BE.new_decoder_without_bom_handling()),
            Encoding::Utf16 => Some(UTF_16LE.new_decoder_without_bom_handling()),
        };
        let mut cursor = Cursor::new(prefix);
        cursor.set_position(skip);
        let inner = cursor.chain(reader);
        let decoded = Self {
            inner,
            encoding,
            decoder,
            raw: Vec::new(),
            raw_from: 0,
            text: Vec::new(),
            text_from: 0,
            read: 0,
            ended: false,
        };
        Ok((decoded, Mark(mark)))
    }

    pub(crate) fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Decodes the next piece into `text`; leaves it empty at the end.
    fn decode(&mut self) -> io::Result<()> {
        self.text_from = 0;
        self.text.resize(PIECE_BYTES, 0);
        let mut written = 0;
        while let Some(decoder) = self.decoder.as_mut() {
            if self.raw_from >= self.raw.len() && !self.ended {
                self.raw.resize(PIECE_BYTES, 0);
                let count = self.inner.read(&mut self.raw)?;
                self.raw.truncate(count);
                self.raw_from = 0;
                self.read = self.read.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
                self.ended = count == 0;
            }
            let source = self.raw.get(self.raw_from..).unwrap_or_default();
            let (result, taken, made) =
                decoder.decode_to_utf8_without_replacement(source, &mut self.text, self.ended);
            self.raw_from = self.raw_from.saturating_add(taken);
            match result {
                DecoderResult::Malformed(..) => {
                    return Err(io::Error::other(NotDecoded { encoding: self.encoding, byte: self.read }));
                }
                // A decoder that was told the end may not be asked again.
                DecoderResult::InputEmpty if self.ended => self.decoder = None,
                DecoderResult::InputEmpty | DecoderResult::OutputFull => {}
            }
            written = made;
            if made > 0 {
                break;
            }
        }
        self.text.truncate(written);
        Ok(())
    }
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.encoding == Encoding::Utf8 {
            return self.inner.read(out);
        }
        if self.text_from >= self.text.len() {
            self.decode()?;
        }
        let ready = self.text.get(self.text_from..).unwrap_or_default();
        let count = ready.len().min(out.len());
        if let (Some(to), Some(from)) = (out.get_mut(..count), ready.get(..count)) {
            to.copy_from_slice(from);
        }
        self.text_from = self.text_from.saturating_add(count);
        Ok(count)
    }
}

/// Carried through the CSV reader's errors.
#[derive(Debug, thiserror::Error)]
#[error("not decoded")]
struct NotDecoded {
    encoding: Encoding,
    byte: u64,
}

/// Carried through the CSV reader's errors: a row went past its bound.
#[derive(Debug, thiserror::Error)]
#[error("the row is too long")]
struct PastBound;

/// What a reader error means.
pub(crate) fn explained(error: io::Error, row: u64, line: u64) -> Unusable {
    if let Some(NotDecoded { encoding, byte }) = error.get_ref().and_then(|inner| inner.downcast_ref()) {
        return Unusable::Malformed { encoding: *encoding, byte: *byte };
    }
    if error.get_ref().and_then(|inner| inner.downcast_ref::<PastBound>()).is_some() {
        return Unusable::RowTooLong { row, line, max: ROW_BYTES_MAX };
    }
    Unusable::Read(error)
}

/// The longest row that is read at all. It is far more than any row has, so that a field that is too long can be named by
/// its column.
pub(crate) const ROW_BYTES_MAX: u64 = 4 << 20;

/// How far a [`Bounded`] reader may go.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bound(Rc<Cell<u64>>);

impl Bound {
    /// The row that begins at this byte may be read.
    pub(crate) fn row_at(&self, byte: u64) {
        self.0.set(byte.saturating_add(ROW_BYTES_MAX));
    }
}

/// A reader that stops with an error where a row is too long, before the CSV reader's buffer has grown with it.
pub(crate) struct Bounded<R> {
    inner: R,
    bound: Bound,
    given: u64,
}

impl<R: Read> Bounded<R> {
    pub(crate) fn new(inner: R) -> (Self, Bound) {
        let bound = Bound::default();
        bound.row_at(0);
        (Self { inner, bound: bound.clone(), given: 0 }, bound)
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        // What the CSV reader reads ahead of the row is within one buffer of it.
        if self.given > self.bound.0.get().saturating_add(1 << 20) {
            return Err(io::Error::other(PastBound));
        }
        let count = self.inner.read(out)?;
        self.given = self.given.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        Ok(count)
    }
}
