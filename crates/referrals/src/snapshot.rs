//! The state as bytes, for snapshots: what stands in hash maps sorted by its key, interned rows in their order; look-ups and orders
//! that follow from rows are made again.
//!
//! Raise [`FORMAT`] with every change of [`State`], of the layout here, or of what a record does to the state. The
//! destructurings below do not compile when a field is forgotten, and a golden file holds the bytes of each number.

use crate::{
    ExtractInForce, Life, PlanPosition, Reason, Referral, ReferralState, Repricing, SetChallengeRules, State,
    Submission, Total,
    domain::reference,
    key::{CareKey, LineKey},
    state::{Challenged, Channel, Channels, InForce, LineRow, Mark, TotalKey},
};
use journal::{
    Blobs, Day, DecodeError, Digest, Position, RequestId, StateEncoder, Written, read_rows, read_state,
    read_wide, sixteen_bytes, sorted, write_rows, write_state, write_wide,
};
use minicbor::{Decoder, decode::Error};
use money::TotalPence;
use nhs::OdsCode;
use smallvec::SmallVec;
use std::collections::BTreeMap;

/// The number of this layout and of what today's records do to the state.
pub(crate) const FORMAT: u32 = 6;

/// A total's sums in the order in which they stand, of a total or of what it is read into.
macro_rules! sums_of {
    ($total:expr) => {{
        let Total {
            accepted_lines: _,
            contested_lines: _,
            unreadable_lines: _,
            claimed,
            accepted,
            difference,
            contested,
            unreadable,
            payable,
            recognised,
            block,
            held,
        } = $total;
        [claimed, accepted, difference, contested, unreadable, payable, recognised, block, held]
    }};
}

pub(crate) fn encode(state: &State, out: &mut Vec<u8>) {
    write_state(out, |e| write(state, e));
}

fn write(state: &State, e: &mut StateEncoder<'_>) -> Written {
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
        extracts,
        challenges,
        challenged,
        challenge_rules,
        plans,
        repricings,
        // It follows from the lines.
        billed: _,
        lives,
        named_pathways,
        grades,
    } = state;
    write_rows(e, adopted, |e, row| {
        let InForce { reference: _, since, digest, hold_days, follow_ups, matching_days, booking_from } = row;
        e.encode((since, digest, hold_days, follow_ups, matching_days, booking_from))?.ok()
    })?;
    write_rows(e, submissions, |e, (number, Submission { id, caller, provider, runs })| {
        e.encode((number, id, caller, provider, runs))?.ok()
    })?;
    let files = submission_files.iter().map(|((caller, digest), number)| (*caller, *digest, *number));
    write_rows(e, sorted(files), |e, file| e.encode(file)?.ok())?;
    write_rows(e, sorted_by(referrals, |position| *position), |e, (position, row)| {
        e.encode(position)?;
        write_referral(e, row)
    })?;
    write_rows(e, sorted(bookings.iter().map(|(booking, at)| (*booking, *at))), |e, pair| {
        e.encode(pair)?.ok()
    })?;
    let by_position =
        pathways.iter().map(|((patient, function, provider), at)| (*at, *function, *provider, *patient));
    // Each pathway leads to a referral of its own.
    let mut by_position: Vec<_> = by_position.collect();
    by_position.sort_unstable_by_key(|(at, ..)| *at);
    write_rows(e, by_position, |e, pathway| e.encode(pathway)?.ok())?;
    write_rows(e, expiries, |e, expiry| e.encode(expiry)?.ok())?;
    e.encode((reported, implied))?;
    let (known_channels, cuts) = channels.rows();
    write_rows(e, known_channels, |e, Channel { provider, payer, route }| {
        e.encode((provider, payer, route))?.ok()
    })?;
    write_rows(e, cuts, |e, cut| e.encode(cut)?.ok())?;
    write_rows(e, sorted_by(lines, LineKey::bytes), |e, (key, row)| {
        e.bytes(&key.bytes())?;
        write_line(e, row)
    })?;
    write_rows(e, sorted_by(care, CareKey::bytes), |e, (key, line)| e.bytes(&key.bytes())?.u64(*line)?.ok())?;
    write_rows(e, totals, |e, (TotalKey { cut, provider, payer, payee }, total)| {
        e.encode((cut, provider, payer, payee))?;
        write_total(e, total)
    })?;
    write_rows(e, reasons, |e, ((cut, provider, payer), counts)| {
        e.encode((cut, provider, payer))?;
        write_rows(e, counts, |e, (reason, count)| e.encode((reason.number(), count))?.ok())
    })?;
    write_rows(e, sealed, |e, (cut, position)| e.encode((cut, position))?.ok())?;
    write_rows(e, extracts, |e, ((provider, cut), row)| {
        let ExtractInForce { position, version, file, parts, rows, total } = row;
        e.encode((provider, cut, position, version, file, parts, rows, total))?.ok()
    })?;
    write_rows(e, challenges, |e, (number, row)| e.encode((number, row))?.ok())?;
    write_rows(e, sorted_by(challenged, LineKey::bytes), |e, (key, row)| {
        let Challenged { open, split } = row;
        e.bytes(&key.bytes())?.encode((open, split))?.ok()
    })?;
    write_rows(e, challenge_rules.values(), |e, rules| e.encode(rules)?.ok())?;
    write_rows(e, plans, |e, (key, PlanPosition { activity, margin, posted })| {
        e.encode((key, margin, posted))?;
        write_rows(e, activity, |e, (cut, sum)| {
            e.encode(cut)?;
            write_wide(e, sum.get())
        })
    })?;
    write_rows(e, repricings, |e, (number, row)| {
        let Repricing { proposal, approved, lines, done, posted, left } = row;
        e.encode((number, proposal, approved, lines, done, posted))?;
        write_rows(e, left, |e, (line, (before, after))| e.encode((line, before, after))?.ok())
    })?;
    write_rows(e, sorted_by(lives, |number| *number), |e, (number, life)| {
        let Life { stage, clocks, records, seen } = life;
        e.encode((number, stage, seen))?;
        write_rows(e, clocks, |e, clock| e.encode(clock)?.ok())?;
        write_rows(e, records, |e, record| e.encode(record)?.ok())
    })?;
    let named = named_pathways.iter().map(|((patient, pathway), at)| (*at, *pathway, *patient));
    let mut named: Vec<_> = named.collect();
    named.sort_unstable();
    write_rows(e, named, |e, pathway| e.encode(pathway)?.ok())?;
    write_rows(e, grades, |e, (((cut, provider, payer), grade), count)| {
        e.encode((cut, provider, payer, grade, count))?.ok()
    })
}

/// The reference data in force, as they stand.
type Adopted = (Position, Digest, u16, u16, Option<u16>, Option<Day>);

pub(crate) fn decode(bytes: &[u8], blobs: &dyn Blobs) -> Result<State, DecodeError> {
    read_state(bytes, |d| {
        let mut state = State::default();
        let mut adopted = Vec::new();
        read_rows(d, |d| d.decode().map(|terms: Adopted| adopted.push(terms)))?;
        for (since, digest, hold_days, follow_ups, matching_days, booking_from) in adopted {
            let reference = reference(digest, blobs)?;
            let row =
                InForce { reference, since, digest, hold_days, follow_ups, matching_days, booking_from };
            state.adopted = Some(row);
        }
        read(d, &mut state)?;
        Ok(state)
    })
}

fn read(d: &mut Decoder<'_>, state: &mut State) -> Result<(), Error> {
    read_rows(d, |d| {
        let (number, id, caller, provider, runs): (Position, RequestId, Position, OdsCode, Vec<_>) =
            d.decode()?;
        state.submission_ids.insert(id, number);
        state.submissions.insert(number, Submission { id, caller, provider, runs });
        Ok(())
    })?;
    read_rows(d, |d| {
        let (caller, digest, number) = d.decode()?;
        state.submission_files.insert((caller, digest), number);
        Ok(())
    })?;
    read_rows(d, |d| {
        let position = d.decode()?;
        state.referrals.insert(position, read_referral(d)?);
        Ok(())
    })?;
    read_rows(d, |d| {
        let (booking, at) = d.decode()?;
        state.bookings.insert(booking, at);
        Ok(())
    })?;
    read_rows(d, |d| {
        let (at, function, provider, patient) = d.decode()?;
        state.pathways.insert((patient, function, provider), at);
        Ok(())
    })?;
    read_rows(d, |d| {
        let expiry: (Day, Position) = d.decode()?;
        state.expiries.insert(expiry);
        Ok(())
    })?;
    (state.reported, state.implied) = d.decode()?;
    let (mut rows, mut cuts) = (Vec::new(), Vec::new());
    read_rows(d, |d| {
        let (provider, payer, route) = d.decode()?;
        rows.push(Channel { provider, payer, route });
        Ok(())
    })?;
    read_rows(d, |d| d.decode().map(|cut| cuts.push(cut)))?;
    state.channels = Channels::of(rows, cuts);
    read_rows(d, |d| {
        let key = LineKey::from_bytes(sixteen_bytes(d)?);
        state.lines.insert(key, read_line(d)?);
        Ok(())
    })?;
    state.bill_all();
    read_rows(d, |d| {
        let key = CareKey::from_bytes(sixteen_bytes(d)?);
        state.care.insert(key, d.u64()?);
        Ok(())
    })?;
    read_rows(d, |d| {
        let (cut, provider, payer, payee) = d.decode()?;
        state.totals.insert(TotalKey { cut, provider, payer, payee }, read_total(d)?);
        Ok(())
    })?;
    read_rows(d, |d| {
        let key = d.decode()?;
        let mut counts = BTreeMap::new();
        read_rows(d, |d| {
            let (number, count): (u8, u64) = d.decode()?;
            let reason = Reason::ALL.iter().find(|reason| reason.number() == number);
            counts.insert(*reason.ok_or_else(|| Error::message("no such reason"))?, count);
            Ok(())
        })?;
        state.reasons.insert(key, counts);
        Ok(())
    })?;
    read_rows(d, |d| {
        let (cut, position) = d.decode()?;
        state.sealed.insert(cut, position);
        Ok(())
    })?;
    read_rows(d, |d| {
        let (provider, cut, position, version, file, parts, rows, total) = d.decode()?;
        let row = ExtractInForce { position, version, file, parts, rows, total };
        state.extracts.insert((provider, cut), row);
        Ok(())
    })?;
    read_rows(d, |d| {
        let (number, row) = d.decode()?;
        state.challenges.insert(number, row);
        Ok(())
    })?;
    read_rows(d, |d| {
        let key = LineKey::from_bytes(sixteen_bytes(d)?);
        let (open, split) = d.decode()?;
        state.challenged.insert(key, Challenged { open, split });
        Ok(())
    })?;
    read_rows(d, |d| {
        let rules: SetChallengeRules = d.decode()?;
        state.challenge_rules.insert((rules.provider, rules.from), rules);
        Ok(())
    })?;
    read_rows(d, |d| {
        let (key, margin, posted) = d.decode()?;
        let mut activity = BTreeMap::new();
        read_rows(d, |d| {
            let cut = d.decode()?;
            activity.insert(cut, read_wide(d).map(TotalPence::new)?);
            Ok(())
        })?;
        state.plans.insert(key, PlanPosition { activity, margin, posted });
        Ok(())
    })?;
    read_rows(d, |d| {
        let (number, proposal, approved, lines, done, posted) = d.decode()?;
        let mut left = BTreeMap::new();
        read_rows(d, |d| {
            let (line, before, after) = d.decode()?;
            left.insert(line, (before, after));
            Ok(())
        })?;
        state.repricings.insert(number, Repricing { proposal, approved, lines, done, posted, left });
        Ok(())
    })?;
    read_lives(d, state)
}

fn read_lives(d: &mut Decoder<'_>, state: &mut State) -> Result<(), Error> {
    read_rows(d, |d| {
        let (number, stage, seen) = d.decode()?;
        let mut life = Life { stage, clocks: SmallVec::new(), records: SmallVec::new(), seen };
        read_rows(d, |d| d.decode().map(|clock| life.clocks.push(clock)))?;
        read_rows(d, |d| d.decode().map(|record| life.records.push(record)))?;
        state.lives.insert(number, life);
        Ok(())
    })?;
    read_rows(d, |d| {
        let (at, pathway, patient) = d.decode()?;
        state.named_pathways.insert((patient, pathway), at);
        Ok(())
    })?;
    read_rows(d, |d| {
        let (cut, provider, payer, grade, count) = d.decode()?;
        state.grades.insert(((cut, provider, payer), grade), count);
        Ok(())
    })
}

fn write_referral(e: &mut StateEncoder<'_>, row: &Referral) -> Written {
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
        placed,
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
    e.encode((state, ended, held, left, placed, until, hold, lines))?.ok()
}

fn read_referral(d: &mut Decoder<'_>) -> Result<Referral, Error> {
    let (pseudonym, booking, function, provider, source, referred, route) = d.decode()?;
    let (state, ended, held, left, placed, until, hold, lines): (u8, _, _, _, _, _, _, _) = d.decode()?;
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
        placed,
        until,
        hold,
        lines,
    })
}

fn write_line(e: &mut StateEncoder<'_>, row: &LineRow) -> Written {
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
    let care = CareKey::from_bytes(sixteen_bytes(d)?);
    Ok(LineRow { position, claimed, accepted, date, version, channel, care, mark, books, cut })
}

fn write_total(e: &mut StateEncoder<'_>, total: &Total) -> Written {
    e.encode((total.accepted_lines, total.contested_lines, total.unreadable_lines))?;
    sums_of!(total).into_iter().try_for_each(|sum| write_wide(e, sum.get()))
}

fn read_total(d: &mut Decoder<'_>) -> Result<Total, Error> {
    let mut total = Total::default();
    (total.accepted_lines, total.contested_lines, total.unreadable_lines) = d.decode()?;
    for sum in sums_of!(&mut total) {
        *sum = read_wide(d).map(TotalPence::new)?;
    }
    Ok(total)
}

/// The entries of a look-up, by what `key` makes of theirs.
fn sorted_by<K, V, S, O: Ord>(map: &hashbrown::HashMap<K, V, S>, key: impl Fn(&K) -> O) -> Vec<(&K, &V)> {
    let mut rows: Vec<(&K, &V)> = map.iter().collect();
    rows.sort_unstable_by_key(|(each, _)| key(each));
    rows
}
