//! The state as bytes, for snapshots: rows in their order, what stands in maps sorted by its key; look-ups are made again.
//!
//! Raise [`FORMAT`] with every change of [`State`], of the layout here, or of what a record does to the state. The
//! destructurings below do not compile when a field is forgotten, and a golden file holds the bytes of each number.

use crate::{
    AccountPath, Limit, Severity, State, WindowKey,
    period::{Marked, Shut},
    state::{Account, Due, Hold, Line, Node, Standing, Totals, Waiting, Window, WindowId},
};
use access::Proposal;
use journal::{
    AccountNumber, Day, DecodeError, Digest, Item, Position, RequestId, StateEncoder, Written, read_rows,
    read_state, read_wide, sorted, write_rows, write_state, write_wide,
};
use minicbor::{Decoder, decode::Error};
use money::{NetPence, Pence, Side, TotalPence};
use nhs::Period;
use std::sync::Arc;

/// The number of this layout and of what today's records do to the state.
pub(crate) const FORMAT: u32 = 3;

/// A line's totals in the order in which they stand, of a line or of what it is read into.
macro_rules! totals_of {
    ($line:expr) => {{
        let Line {
            path: _,
            allocated,
            fund,
            payable,
            contested,
            estimate,
            in_transit,
            bank,
            transferred,
            expenditure,
            held,
        } = $line;
        [allocated, fund, payable, contested, estimate, in_transit, bank, transferred, expenditure, held]
    }};
}

/// A limit: its record, severity, floor and ceiling.
type LimitRow = (Position, Severity, Option<NetPence>, Option<NetPence>);

pub(crate) fn encode(state: &State, out: &mut Vec<u8>) {
    write_state(out, |e| write(state, e));
}

fn write(state: &State, e: &mut StateEncoder<'_>) -> Written {
    let State {
        accounts,
        by_number: _,
        by_path: _,
        nodes,
        node_by_path: _,
        lines,
        line_by_path: _,
        names,
        name_by_text: _,
        limits,
        windows,
        window_by_id: _,
        runs,
        holds,
        expiries,
        reversed,
        corrected,
        due,
        shut_lines,
        periods,
        proposals,
        sums,
    } = state;
    write_rows(e, names, |e, name| e.str(name)?.ok())?;
    write_rows(e, nodes, |e, node| {
        let Node { path, totals, parent, limit, side } = node;
        e.str(path)?.encode((parent, limit, side))?;
        write_totals(e, totals)
    })?;
    write_rows(e, lines, |e, line| {
        e.str(&line.path)?;
        totals_of!(line).into_iter().try_for_each(|total| write_wide(e, total.get()))
    })?;
    write_rows(e, accounts, |e, account| {
        let Account { number, node, line, purse, payer, payee, column: _, standing } = account;
        let standing = match standing {
            Standing::Open => 0_u8,
            Standing::Closed => 1,
            Standing::Shut => 2,
        };
        e.encode((number, node, line, purse, payer, payee, standing))?.ok()
    })?;
    write_rows(e, limits, |e, (node, limit)| {
        let limit =
            limit.map(|Limit { position, severity, floor, ceiling }| (position, severity, floor, ceiling));
        e.encode((node, limit))?.ok()
    })?;
    write_rows(e, windows, |e, window| {
        let Window { id: WindowId { payer, payee, key }, seq, sealed, total, paid } = window;
        e.encode((payer, payee, key, seq, sealed, total, paid))?.ok()
    })?;
    let runs = runs.iter().map(|((payer, payee), number)| (*payer, *payee, *number));
    write_rows(e, sorted(runs), |e, run| e.encode(run)?.ok())?;
    // Every open hold stands in the order of expiry once.
    let holds: Vec<(&RequestId, &Hold)> =
        expiries.iter().filter_map(|(_, name)| holds.get_key_value(name)).collect();
    write_rows(e, holds, |e, (name, hold)| {
        let Hold { account, expires, remaining, placed_by } = hold;
        e.encode((name, account, expires, remaining, placed_by))?.ok()
    })?;
    write_rows(e, sorted(reversed.iter().map(|(entry, by)| (*entry, *by))), |e, pair| e.encode(pair)?.ok())?;
    let corrected = corrected.iter().map(|(entry, corrections)| (entry, corrections.as_slice()));
    write_rows(e, sorted(corrected), |e, pair| e.encode(pair)?.ok())?;
    write_rows(e, due, |e, (entry, Due { period, request_id, posting })| {
        e.encode((entry, period, request_id, posting))?.ok()
    })?;
    write_rows(e, shut_lines, |e, line| e.encode(line)?.ok())?;
    write_rows(e, periods, |e, (period, Shut { soft, marked: Marked { position, caller } })| {
        e.encode((period, soft, position, caller))?.ok()
    })?;
    write_rows(
        e,
        proposals,
        |e, (position, Waiting { proposal: Proposal { digest, proposer }, expires })| {
            e.encode((position, digest, proposer, expires))?.ok()
        },
    )?;
    write_totals(e, sums)
}

pub(crate) fn decode(bytes: &[u8]) -> Result<State, DecodeError> {
    read_state(bytes, |d| Ok(read(d)?))
}

fn read(d: &mut Decoder<'_>) -> Result<State, Error> {
    let mut state = State::default();
    read_rows(d, |d| {
        let text: Arc<str> = d.str()?.into();
        state.name_by_text.insert(Arc::clone(&text), index(state.names.len())?);
        state.names.push(text);
        Ok(())
    })?;
    read_rows(d, |d| {
        let path: Arc<str> = d.str()?.into();
        let (parent, limit, side): (u32, u32, Side) = d.decode()?;
        let totals = read_totals(d)?;
        state.node_by_path.insert(Arc::clone(&path), index(state.nodes.len())?);
        state.nodes.push(Node { path, totals, parent, limit, side });
        Ok(())
    })?;
    read_rows(d, |d| {
        let mut line = Line { path: d.str()?.into(), ..Line::default() };
        for total in totals_of!(&mut line) {
            *total = read_total(d)?;
        }
        state.line_by_path.insert(Arc::clone(&line.path), index(state.lines.len())?);
        state.lines.push(line);
        Ok(())
    })?;
    read_rows(d, |d| {
        let (number, node, line, purse, payer, payee, standing): (
            AccountNumber,
            u32,
            u32,
            u32,
            u32,
            u32,
            u8,
        ) = d.decode()?;
        let standing = match standing {
            0 => Standing::Open,
            1 => Standing::Closed,
            2 => Standing::Shut,
            _ => return Err(Error::message("an account stands as 0, 1 or 2")),
        };
        let text = crate::state::row(&state.nodes, node).map(|node| &*node.path);
        let path: AccountPath = text
            .ok_or_else(|| Error::message("an account without a node"))?
            .parse()
            .map_err(Error::custom)?;
        let at = index(state.accounts.len())?;
        state.by_number.insert(number, at);
        state.by_path.insert(path.text(), at);
        let column = path.column();
        state.accounts.push(Account { number, node, line, purse, payer, payee, column, standing });
        Ok(())
    })?;
    read_rows(d, |d| {
        let (node, limit): (u32, Option<LimitRow>) = d.decode()?;
        let limit =
            limit.map(|(position, severity, floor, ceiling)| Limit { position, severity, floor, ceiling });
        state.limits.push((node, limit));
        Ok(())
    })?;
    read_rows(d, |d| {
        let (payer, payee, key, seq, sealed, total, paid): (
            u32,
            u32,
            WindowKey,
            u32,
            bool,
            NetPence,
            NetPence,
        ) = d.decode()?;
        let id = WindowId { payer, payee, key };
        state.window_by_id.insert(id, index(state.windows.len())?);
        state.windows.push(Window { id, seq, sealed, total, paid });
        Ok(())
    })?;
    read_rows(d, |d| {
        let (payer, payee, number) = d.decode()?;
        state.runs.insert((payer, payee), number);
        Ok(())
    })?;
    read_rows(d, |d| {
        let (name, account, expires, remaining, placed_by): (RequestId, u32, Day, Pence, Position) =
            d.decode()?;
        state.expiries.insert((expires, name));
        state.holds.insert(name, Hold { account, expires, remaining, placed_by });
        Ok(())
    })?;
    read_rows(d, |d| {
        let (entry, by) = d.decode()?;
        state.reversed.insert(entry, by);
        Ok(())
    })?;
    read_rows(d, |d| {
        let (entry, corrections): (Item, Vec<Item>) = d.decode()?;
        state.corrected.insert(entry, corrections.into());
        Ok(())
    })?;
    read_rows(d, |d| {
        let (entry, period, request_id, posting) = d.decode()?;
        state.due.insert(entry, Due { period, request_id, posting });
        Ok(())
    })?;
    read_rows(d, |d| {
        state.shut_lines.insert(d.u32()?);
        Ok(())
    })?;
    read_rows(d, |d| {
        let (period, soft, position, caller): (Period, bool, Position, Position) = d.decode()?;
        state.periods.insert(period, Shut { soft, marked: Marked { position, caller } });
        Ok(())
    })?;
    read_rows(d, |d| {
        let (position, digest, proposer, expires): (Position, Digest, Position, Option<Day>) = d.decode()?;
        state.proposals.insert(position, Waiting { proposal: Proposal { digest, proposer }, expires });
        Ok(())
    })?;
    state.sums = read_totals(d)?;
    Ok(state)
}

fn index(rows: usize) -> Result<u32, Error> {
    u32::try_from(rows).map_err(Error::custom)
}

fn read_total(d: &mut Decoder<'_>) -> Result<TotalPence, Error> {
    read_wide(d).map(TotalPence::new)
}

fn write_totals(e: &mut StateEncoder<'_>, totals: &Totals) -> Written {
    let Totals { debits, credits, holds_placed, holds_ended } = totals;
    [debits, credits, holds_placed, holds_ended].into_iter().try_for_each(|total| write_wide(e, total.get()))
}

fn read_totals(d: &mut Decoder<'_>) -> Result<Totals, Error> {
    Ok(Totals {
        debits: read_total(d)?,
        credits: read_total(d)?,
        holds_placed: read_total(d)?,
        holds_ended: read_total(d)?,
    })
}
