//! The state as bytes, for snapshots: what stands in hash maps sorted by its key, interned rows in their order; look-ups and orders
//! that follow from rows are made again.
//!
//! Raise [`FORMAT`] with every change of [`State`], of the layout here, or of what a record does to the state. The
//! destructurings below do not compile when a field is forgotten.

use crate::{
    Reason, Referral, ReferralState, State, Submission, Total,
    domain::reference,
    key::{CareKey, LineKey},
    state::{Channel, Channels, InForce, LineRow, Mark, TotalKey},
};
use journal::{Blobs, Day, DecodeError, Digest, Position, RequestId};
use minicbor::{
    Decoder, Encoder,
    decode::{self, Error},
    encode::{self, Write},
};
use money::TotalPence;
use nhs::OdsCode;
use std::collections::BTreeMap;

/// The number of this layout and of what today's records do to the state.
pub(crate) const FORMAT: u32 = 1;

type Written<W> = Result<(), encode::Error<<W as Write>::Error>>;

pub(crate) fn encode(state: &State, out: &mut Vec<u8>) {
    // Writing to a Vec cannot fail, and these values hold nothing that CBOR lacks.
    let _ = write(state, &mut Encoder::new(out));
}

fn write<W: Write>(state: &State, e: &mut Encoder<W>) -> Written<W> {
    let State {
        adopted,
        submissions,
        submission_ids: _,
        submission_files,
        referrals,
        bookings,
        pathways,
        expiries,
        reported,
        implied,
        lines,
        care,
        channels,
        totals,
        reasons,
        sealed,
    } = state;
    let adopted: Vec<&InForce> = adopted.iter().collect();
    rows(e, adopted, |e, InForce { reference: _, since, digest, hold_days, follow_ups }| {
        e.encode((since, digest, hold_days, follow_ups))?.ok()
    })?;
    rows(e, submissions.iter().collect(), |e, (number, Submission { id, caller, provider, runs })| {
        e.encode((number, id, caller, provider, runs))?.ok()
    })?;
    let files = submission_files.iter().map(|((caller, digest), number)| (*caller, *digest, *number));
    rows(e, sorted(files), |e, file| e.encode(file)?.ok())?;
    rows(e, sorted_by(referrals, |position| *position), |e, (position, row)| {
        e.encode(position)?;
        write_referral(e, row)
    })?;
    rows(e, sorted(bookings.iter().map(|(booking, at)| (*booking, *at))), |e, pair| e.encode(pair)?.ok())?;
    let by_position =
        pathways.iter().map(|((patient, function, provider), at)| (*at, *function, *provider, *patient));
    // Each pathway leads to a referral of its own.
    let mut by_position: Vec<_> = by_position.collect();
    by_position.sort_unstable_by_key(|(at, ..)| *at);
    rows(e, by_position, |e, pathway| e.encode(pathway)?.ok())?;
    rows(e, expiries.iter().collect(), |e, expiry| e.encode(expiry)?.ok())?;
    e.encode((reported, implied))?;
    let (known_channels, cuts) = channels.rows();
    rows(e, known_channels.iter().collect(), |e, Channel { provider, payer, route }| {
        e.encode((provider, payer, route))?.ok()
    })?;
    rows(e, cuts.iter().collect(), |e, cut| e.encode(cut)?.ok())?;
    rows(e, sorted_by(lines, LineKey::bytes), |e, (key, row)| {
        e.bytes(&key.bytes())?;
        write_line(e, row)
    })?;
    rows(e, sorted_by(care, CareKey::bytes), |e, (key, line)| e.bytes(&key.bytes())?.u64(*line)?.ok())?;
    rows(e, totals.iter().collect(), |e, (TotalKey { cut, provider, payer, payee }, total)| {
        e.encode((cut, provider, payer, payee))?;
        write_total(e, total)
    })?;
    rows(e, reasons.iter().collect(), |e, ((cut, provider, payer), counts)| {
        e.encode((cut, provider, payer))?;
        rows(e, counts.iter().collect(), |e, (reason, count)| e.encode((reason.number(), count))?.ok())
    })?;
    rows(e, sealed.iter().collect(), |e, (cut, position)| e.encode((cut, position))?.ok())
}

pub(crate) fn decode(bytes: &[u8], blobs: &dyn Blobs) -> Result<State, DecodeError> {
    let mut d = Decoder::new(bytes);
    let mut state = State::default();
    let mut adopted = Vec::new();
    each(&mut d, |d| d.decode().map(|terms: (Position, Digest, u16, u16)| adopted.push(terms)))?;
    for (since, digest, hold_days, follow_ups) in adopted {
        let reference = reference(digest, blobs)?;
        state.adopted = Some(InForce { reference, since, digest, hold_days, follow_ups });
    }
    read(&mut d, &mut state)?;
    if d.position() == d.input().len() {
        Ok(state)
    } else {
        Err(Error::message("bytes after the state").into())
    }
}

fn read(d: &mut Decoder<'_>, state: &mut State) -> Result<(), Error> {
    each(d, |d| {
        let (number, id, caller, provider, runs): (Position, RequestId, Position, OdsCode, Vec<_>) =
            d.decode()?;
        state.submission_ids.insert(id, number);
        state.submissions.insert(number, Submission { id, caller, provider, runs });
        Ok(())
    })?;
    each(d, |d| {
        let (caller, digest, number) = d.decode()?;
        state.submission_files.insert((caller, digest), number);
        Ok(())
    })?;
    each(d, |d| {
        let position = d.decode()?;
        state.referrals.insert(position, read_referral(d)?);
        Ok(())
    })?;
    each(d, |d| {
        let (booking, at) = d.decode()?;
        state.bookings.insert(booking, at);
        Ok(())
    })?;
    each(d, |d| {
        let (at, function, provider, patient) = d.decode()?;
        state.pathways.insert((patient, function, provider), at);
        Ok(())
    })?;
    each(d, |d| {
        let expiry: (Day, Position) = d.decode()?;
        state.expiries.insert(expiry);
        Ok(())
    })?;
    (state.reported, state.implied) = d.decode()?;
    let (mut rows, mut cuts) = (Vec::new(), Vec::new());
    each(d, |d| {
        let (provider, payer, route) = d.decode()?;
        rows.push(Channel { provider, payer, route });
        Ok(())
    })?;
    each(d, |d| d.decode().map(|cut| cuts.push(cut)))?;
    state.channels = Channels::of(rows, cuts);
    each(d, |d| {
        let key = LineKey::from_bytes(sixteen(d)?);
        state.lines.insert(key, read_line(d)?);
        Ok(())
    })?;
    each(d, |d| {
        let key = CareKey::from_bytes(sixteen(d)?);
        state.care.insert(key, d.u64()?);
        Ok(())
    })?;
    each(d, |d| {
        let (cut, provider, payer, payee) = d.decode()?;
        state.totals.insert(TotalKey { cut, provider, payer, payee }, read_total(d)?);
        Ok(())
    })?;
    each(d, |d| {
        let key = d.decode()?;
        let mut counts = BTreeMap::new();
        each(d, |d| {
            let (number, count): (u8, u64) = d.decode()?;
            let reason = Reason::ALL.iter().find(|reason| reason.number() == number);
            counts.insert(*reason.ok_or_else(|| Error::message("no such reason"))?, count);
            Ok(())
        })?;
        state.reasons.insert(key, counts);
        Ok(())
    })?;
    each(d, |d| {
        let (cut, position) = d.decode()?;
        state.sealed.insert(cut, position);
        Ok(())
    })
}

fn write_referral<W: Write>(e: &mut Encoder<W>, row: &Referral) -> Written<W> {
    let Referral {
        pseudonym,
        booking,
        function,
        provider,
        source,
        referred,
        route,
        state,
        ended,
        held,
        left,
        until,
        hold,
        lines,
    } = row;
    let state = match state {
        ReferralState::Open => 0_u8,
        ReferralState::Discharged => 1,
        ReferralState::Cancelled => 2,
        ReferralState::Expired => 3,
    };
    e.encode((pseudonym, booking, function, provider, source, referred, route))?;
    e.encode((state, ended, held, left, until, hold, lines))?.ok()
}

fn read_referral(d: &mut Decoder<'_>) -> Result<Referral, Error> {
    let (pseudonym, booking, function, provider, source, referred, route) = d.decode()?;
    let (state, ended, held, left, until, hold, lines): (u8, _, _, _, _, _, _) = d.decode()?;
    let state = match state {
        0 => ReferralState::Open,
        1 => ReferralState::Discharged,
        2 => ReferralState::Cancelled,
        3 => ReferralState::Expired,
        _ => return Err(Error::message("no such state of a referral")),
    };
    Ok(Referral {
        pseudonym,
        booking,
        function,
        provider,
        source,
        referred,
        route,
        state,
        ended,
        held,
        left,
        until,
        hold,
        lines,
    })
}

fn write_line<W: Write>(e: &mut Encoder<W>, row: &LineRow) -> Written<W> {
    let LineRow { position, claimed, accepted, date, version, channel, care, mark, books, cut } = row;
    let mark = match mark {
        Mark::Accepted => 0_u8,
        Mark::Contested => 1,
        Mark::Unreadable => 2,
        Mark::Withdrawn => 3,
    };
    e.encode((position, claimed, accepted, date, version, channel, mark, books, cut))?
        .bytes(&care.bytes())?
        .ok()
}

fn read_line(d: &mut Decoder<'_>) -> Result<LineRow, Error> {
    let (position, claimed, accepted, date, version, channel, mark, books, cut): (
        _,
        _,
        _,
        _,
        _,
        _,
        u8,
        _,
        _,
    ) = d.decode()?;
    let mark = match mark {
        0 => Mark::Accepted,
        1 => Mark::Contested,
        2 => Mark::Unreadable,
        3 => Mark::Withdrawn,
        _ => return Err(Error::message("no such verdict")),
    };
    let care = CareKey::from_bytes(sixteen(d)?);
    Ok(LineRow { position, claimed, accepted, date, version, channel, care, mark, books, cut })
}

fn write_total<W: Write>(e: &mut Encoder<W>, total: &Total) -> Written<W> {
    let Total {
        accepted_lines,
        contested_lines,
        unreadable_lines,
        claimed,
        accepted,
        difference,
        contested,
        unreadable,
        payable,
        recognised,
        block,
        held,
    } = total;
    e.encode((accepted_lines, contested_lines, unreadable_lines))?;
    let sums = [claimed, accepted, difference, contested, unreadable, payable, recognised, block, held];
    // Wider than a number of CBOR: 16 bytes, little-endian.
    sums.into_iter().try_for_each(|sum| e.bytes(&sum.get().to_le_bytes())?.ok())
}

fn read_total(d: &mut Decoder<'_>) -> Result<Total, Error> {
    let (accepted_lines, contested_lines, unreadable_lines) = d.decode()?;
    let mut sum = || Ok::<_, Error>(TotalPence::new(i128::from_le_bytes(sixteen(d)?)));
    Ok(Total {
        accepted_lines,
        contested_lines,
        unreadable_lines,
        claimed: sum()?,
        accepted: sum()?,
        difference: sum()?,
        contested: sum()?,
        unreadable: sum()?,
        payable: sum()?,
        recognised: sum()?,
        block: sum()?,
        held: sum()?,
    })
}

fn sorted<T: Ord>(rows: impl Iterator<Item = T>) -> Vec<T> {
    let mut rows: Vec<T> = rows.collect();
    rows.sort_unstable();
    rows
}

/// The entries of a look-up, by what `key` makes of theirs.
fn sorted_by<K, V, S, O: Ord>(map: &hashbrown::HashMap<K, V, S>, key: impl Fn(&K) -> O) -> Vec<(&K, &V)> {
    let mut rows: Vec<(&K, &V)> = map.iter().collect();
    rows.sort_unstable_by_key(|(each, _)| key(each));
    rows
}

fn sixteen(d: &mut Decoder<'_>) -> Result<[u8; 16], Error> {
    d.bytes()?.try_into().map_err(Error::custom)
}

fn rows<W: Write, T>(
    e: &mut Encoder<W>,
    rows: Vec<T>,
    row: impl Fn(&mut Encoder<W>, T) -> Written<W>,
) -> Written<W> {
    e.array(rows.len() as u64)?;
    rows.into_iter().try_for_each(|each| row(e, each))
}

fn each<'b>(
    d: &mut Decoder<'b>,
    mut row: impl FnMut(&mut Decoder<'b>) -> Result<(), decode::Error>,
) -> Result<(), decode::Error> {
    let rows = d.array()?.ok_or_else(|| Error::message("an array without a length"))?;
    (0..rows).try_for_each(|_| row(d))
}
