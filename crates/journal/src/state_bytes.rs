//! A state as bytes, as snapshots hold it: rows of CBOR one list after another, alike in every domain.

use crate::{DecodeError, Written};
use minicbor::{Decoder, Encoder, decode::Error};

/// What a state is written to.
pub type StateEncoder<'a> = Encoder<&'a mut Vec<u8>>;

/// Appends what `write` writes of a state.
pub fn write_state(out: &mut Vec<u8>, write: impl FnOnce(&mut StateEncoder<'_>) -> Written) {
    // Writing to a Vec cannot fail, and no state holds anything that CBOR lacks.
    let _ = write(&mut Encoder::new(out));
}

/// What `read` reads of `bytes`. Errors when that is not all of them.
pub fn read_state<'b, S>(
    bytes: &'b [u8],
    read: impl FnOnce(&mut Decoder<'b>) -> Result<S, DecodeError>,
) -> Result<S, DecodeError> {
    let mut d = Decoder::new(bytes);
    let state = read(&mut d)?;
    if d.position() == bytes.len() { Ok(state) } else { Err(Error::message("bytes after the state").into()) }
}

/// Writes a list: its length, then each row as `row` writes it.
pub fn write_rows<R>(
    e: &mut StateEncoder<'_>,
    rows: impl IntoIterator<Item = R, IntoIter: ExactSizeIterator>,
    mut row: impl FnMut(&mut StateEncoder<'_>, R) -> Written,
) -> Written {
    let mut rows = rows.into_iter();
    e.array(rows.len() as u64)?;
    rows.try_for_each(|each| row(e, each))
}

/// Reads a list: `row` once for each of its rows.
pub fn read_rows<'b>(
    d: &mut Decoder<'b>,
    mut row: impl FnMut(&mut Decoder<'b>) -> Result<(), Error>,
) -> Result<(), Error> {
    let rows = d.array()?.ok_or_else(|| Error::message("an array without a length"))?;
    (0..rows).try_for_each(|_| row(d))
}

/// The rows of what keeps no order of its own, in theirs.
#[must_use]
pub fn sorted<R: Ord>(rows: impl Iterator<Item = R>) -> Vec<R> {
    let mut rows: Vec<R> = rows.collect();
    rows.sort_unstable();
    rows
}

/// Writes a number wider than CBOR's: 16 bytes, little-endian.
pub fn write_wide(e: &mut StateEncoder<'_>, number: i128) -> Written {
    e.bytes(&number.to_le_bytes())?.ok()
}

/// Reads what [`write_wide`] wrote.
pub fn read_wide(d: &mut Decoder<'_>) -> Result<i128, Error> {
    sixteen_bytes(d).map(i128::from_le_bytes)
}

/// Reads 16 bytes.
pub fn sixteen_bytes(d: &mut Decoder<'_>) -> Result<[u8; 16], Error> {
    d.bytes()?.try_into().map_err(Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        let mut bytes = Vec::new();
        write_state(&mut bytes, |e| {
            write_rows(e, sorted([3_u8, 1, 2].into_iter()), |e, row| e.u8(row)?.ok())?;
            write_wide(e, -5)
        });
        let read = |bytes: &[u8]| {
            read_state(bytes, |d| {
                let mut rows = Vec::new();
                read_rows(d, |d| d.u8().map(|row| rows.push(row)))?;
                Ok((rows, read_wide(d)?))
            })
        };
        assert_eq!(bytes[..5], [0x83, 1, 2, 3, 0x50]);
        assert_eq!(read(&bytes).unwrap(), (vec![1, 2, 3], -5));
        for shorter in 0..bytes.len() {
            assert!(read(&bytes[..shorter]).is_err(), "{shorter} bytes");
        }
        assert!(read(&[bytes.as_slice(), &[0]].concat()).is_err(), "a byte follows");
        assert!(read_state(&[0x9f, 0xff], |d| Ok(read_rows(d, |_| Ok(()))?)).is_err(), "no length");
    }
}
