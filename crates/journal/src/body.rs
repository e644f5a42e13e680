//! Record bodies: `[command, [0, [event…]] | [1, refusal]]` in core deterministic CBOR (RFC 8949 section 4.2.1), as all domains but
//! the ledger write them.

use crate::{DecodeError, Outcome};
use core::convert::Infallible;
use minicbor::{Decode, Decoder, Encode, Encoder};

/// What writing to a `Vec` answers: it does not fail.
pub type Written = Result<(), minicbor::encode::Error<Infallible>>;

/// Appends a body. `command` writes the command's fields as one item.
pub fn encode_body<E: Encode<()>, R: Encode<()>>(
    outcome: &Outcome<E, R>,
    body: &mut Vec<u8>,
    command: impl FnOnce(&mut Encoder<&mut Vec<u8>>) -> Written,
) {
    let mut e = Encoder::new(body);
    let write = || -> Written {
        e.array(2)?;
        command(&mut e)?;
        e.array(2)?;
        match outcome {
            Outcome::Accepted(events) => e.u8(0)?.encode(events.as_slice())?.ok(),
            Outcome::Refused(refusal) => e.u8(1)?.encode(refusal)?.ok(),
        }
    };
    // Writing to a Vec cannot fail, and no command or event holds anything that CBOR lacks.
    let _ = write();
}

/// Reads what [`encode_body`] wrote. `command` reads the command's item.
///
/// Errors when the body is not a pair of command and outcome, or when bytes follow it.
pub fn decode_body<'b, C, E: Decode<'b, ()>, R: Decode<'b, ()>>(
    body: &'b [u8],
    command: impl FnOnce(&mut Decoder<'b>) -> Result<C, DecodeError>,
) -> Result<(C, Outcome<E, R>), DecodeError> {
    let mut d = Decoder::new(body);
    pair(&mut d)?;
    let command = command(&mut d)?;
    pair(&mut d)?;
    let outcome = match d.u8()? {
        0 => Outcome::Accepted(d.array_iter::<E>()?.collect::<Result<_, _>>()?),
        1 => Outcome::Refused(d.decode()?),
        _ => return Err(minicbor::decode::Error::message("an outcome is 0 or 1").into()),
    };
    if d.position() == body.len() {
        Ok((command, outcome))
    } else {
        Err(minicbor::decode::Error::message("bytes follow the outcome").into())
    }
}

fn pair(d: &mut Decoder<'_>) -> Result<(), minicbor::decode::Error> {
    if d.array()? == Some(2) { Ok(()) } else { Err(minicbor::decode::Error::message("a pair stands here")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use smallvec::smallvec;

    type Body = (u32, Outcome<u8, String>);

    fn written(command: u32, outcome: &Outcome<u8, String>) -> Vec<u8> {
        let mut body = Vec::new();
        encode_body(outcome, &mut body, |e| e.u32(command)?.ok());
        body
    }

    fn read(body: &[u8]) -> Result<Body, DecodeError> {
        decode_body(body, |d| Ok(d.u32()?))
    }

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        let table: [(Outcome<u8, String>, &[u8]); 3] = [
            (Outcome::Accepted(smallvec![]), &[0x82, 0x07, 0x82, 0x00, 0x80]),
            (Outcome::Accepted(smallvec![1, 2]), &[0x82, 0x07, 0x82, 0x00, 0x82, 0x01, 0x02]),
            (Outcome::Refused("no".to_owned()), &[0x82, 0x07, 0x82, 0x01, 0x62, b'n', b'o']),
        ];
        for (outcome, bytes) in table {
            assert_eq!(written(7, &outcome), bytes);
            assert_eq!(read(bytes).unwrap(), (7, outcome));
            for shorter in 0..bytes.len() {
                assert!(read(&bytes[..shorter]).is_err(), "{shorter} bytes of {bytes:x?}");
            }
            assert!(read(&[bytes, &[0]].concat()).is_err(), "a byte follows");
        }
        let not_pairs: [&[u8]; 3] =
            [&[0x83, 0x07, 0x82, 0x00, 0x80], &[0x82, 0x07, 0x81, 0x00], &[0x82, 0x07, 0x82, 0x02, 0x80]];
        for body in not_pairs {
            assert!(read(body).is_err(), "{body:x?}");
        }
    }
}
