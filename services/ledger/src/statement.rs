//! Statements: an opening balance, every movement, a closing balance.

use crate::{
    Adapter,
    adapter::at_least,
    index::{ALWAYS, Cut, Row, Said, plus, read},
    past::{Named, basis_of, blocking},
};
use journal::{AccountNumber, Day, Position};
use ledger::{Ledger, Totals};
use money::{Side, TotalPence};
use proto::ledger::v1;
use server::journals::{Handle, ReadError};
use std::collections::BTreeMap;
use tonic::Status;
use wire::{Cursor, Fields, ledger as convert};

/// Where a statement goes on: the last line's entry and account, and the totals after it.
struct Last {
    entry: (Position, u16),
    account: AccountNumber,
    totals: Totals,
}

impl Last {
    fn encode(&self) -> Vec<u8> {
        let Totals { debits, credits, holds_placed, holds_ended } = self.totals;
        let mut bytes = self.entry.0.get().to_be_bytes().to_vec();
        bytes.extend_from_slice(&self.entry.1.to_be_bytes());
        bytes.extend_from_slice(&self.account.get().to_be_bytes());
        for total in [debits, credits, holds_placed, holds_ended] {
            bytes.extend_from_slice(&total.get().to_be_bytes());
        }
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (position, rest) = bytes.split_first_chunk::<8>()?;
        let (index, rest) = rest.split_first_chunk::<2>()?;
        let (account, mut rest) = rest.split_first_chunk::<8>()?;
        let mut total = || {
            let (total, after) = rest.split_first_chunk::<16>()?;
            rest = after;
            Some(TotalPence::new(i128::from_be_bytes(*total)))
        };
        let totals =
            Totals { debits: total()?, credits: total()?, holds_placed: total()?, holds_ended: total()? };
        Some(Self {
            entry: (Position::new(u64::from_be_bytes(*position)), u16::from_be_bytes(*index)),
            account: AccountNumber::new(u64::from_be_bytes(*account)),
            totals,
        })
    }
}

/// What a statement is asked for.
struct Asked {
    before: Cut,
    within: Cut,
    after: Cut,
}

impl Adapter {
    pub(crate) async fn read_statement(
        &self,
        mut request: v1::GetStatementRequest,
    ) -> Result<v1::GetStatementResponse, Status> {
        let (page, min_position) = (request.page.take(), request.min_position.take());
        let mut fields = Fields::new();
        let page = self.page_key.page(&mut fields, "page", page, &request);
        let v1::GetStatementRequest { system, path, basis, from_date, to_date, known, .. } = request;
        let known_fields = (
            fields.system("system", &system),
            fields.parse::<ledger::NodePath>("path", &path),
            convert::basis(&mut fields, "basis", basis),
            fields.date_optional("from_date", from_date),
            fields.date_optional("to_date", to_date),
            convert::statement_known(&mut fields, known),
            page,
        );
        let (system, node, basis, from, to, known, page) = fields.known(known_fields)?;
        let handle = self.journal(&system).await?;
        // Every page is of what was known when the first was read.
        let known = page.cursor.as_ref().map(|cursor| convert::KnownBy::Position(cursor.position)).or(known);
        let (below, known) = self.below_then(&handle, &node, known, at_least(min_position)).await?;
        let from = from.map(Day::from).unwrap_or(*ALWAYS.start());
        let to = to.map(Day::from);
        if let Some(to) = to {
            known.come(to)?;
        }
        let to = to.unwrap_or(*ALWAYS.end());
        let cut = |days| Cut { through: known.through, basis: basis_of(basis), days };
        let asked = Asked {
            before: cut(*ALWAYS.start()..=from.plus(-1)),
            within: cut(from..=to),
            after: cut(*ALWAYS.start()..=to),
        };
        let opening = if from == *ALWAYS.start() {
            Totals::default()
        } else {
            self.sum(&handle, &below.accounts, asked.before).await?
        };
        let closing = self.sum(&handle, &below.accounts, asked.after).await?;
        let last = page.cursor.as_ref().and_then(|cursor| Last::decode(&cursor.last));
        let after = last.as_ref().map(|last| (last.entry, last.account));
        let running = last.map_or(opening, |last| last.totals);
        let (rows, more) =
            self.page_of_rows(&handle, &below.accounts, asked.within, after, page.size).await?;
        let (lines, last) = self.lines(&handle, rows, &below.accounts, below.side, running).await?;
        let next = last.filter(|_| more).map(|last| Cursor { position: known.through, last: last.encode() });
        Ok(v1::GetStatementResponse {
            path,
            normal_side: convert::side(below.side).into(),
            opening_balance_pence: convert::pence(opening.balance(below.side)),
            opening: Some(convert::totals(&opening)),
            lines,
            closing_balance_pence: convert::pence(closing.balance(below.side)),
            closing: Some(convert::totals(&closing)),
            page: Some(self.page_key.response(&page, next.as_ref())),
            as_of: Some(known.as_of),
        })
    }

    async fn sum(&self, handle: &Handle<Ledger>, accounts: &[Named], cut: Cut) -> Result<Totals, Status> {
        let totals = self.totals_of(handle, accounts, cut).await?;
        Ok(totals.iter().fold(Totals::default(), |sum, totals| plus(&sum, totals)))
    }

    /// Up to `size` rows, and whether more follow.
    async fn page_of_rows(
        &self,
        handle: &Handle<Ledger>,
        accounts: &[Named],
        cut: Cut,
        after: Option<((Position, u16), AccountNumber)>,
        size: usize,
    ) -> Result<(Vec<(AccountNumber, Row)>, bool), Status> {
        let (index, reader) = (self.indexes.of(handle), handle.clone());
        let numbers: Vec<AccountNumber> = accounts.iter().map(|account| account.number).collect();
        let limit = size.saturating_add(1);
        let mut rows = blocking(move || index.rows(&reader, &numbers, &cut, after, limit)).await?;
        let more = rows.len() > size;
        rows.truncate(size);
        Ok((rows, more))
    }

    /// The lines of `rows`, with the totals after each from `running` on, and where the next page goes on.
    async fn lines(
        &self,
        handle: &Handle<Ledger>,
        rows: Vec<(AccountNumber, Row)>,
        accounts: &[Named],
        side: Side,
        mut running: Totals,
    ) -> Result<(Vec<v1::StatementLine>, Option<Last>), Status> {
        let paths: BTreeMap<AccountNumber, &str> =
            accounts.iter().map(|account| (account.number, &*account.path)).collect();
        let reader = handle.clone();
        let (rows, records) = blocking(move || {
            let mut records = BTreeMap::new();
            for (_, row) in &rows {
                if let std::collections::btree_map::Entry::Vacant(new) = records.entry(row.position) {
                    new.insert(reader.record(row.position)?);
                }
            }
            Ok::<_, ReadError>((rows, records))
        })
        .await?;
        let mut lines = Vec::with_capacity(rows.len());
        let mut last = None;
        for (account, row) in rows {
            running = plus(&running, &row.moved);
            let record = records.get(&row.position).cloned().flatten();
            let mut line = record.as_deref().map(|record| described(record, &row)).unwrap_or_default();
            line.account = account.get();
            line.account_path = paths.get(&account).copied().unwrap_or_default().to_owned();
            line.debit_pence = convert::pence(row.moved.debits);
            line.credit_pence = convert::pence(row.moved.credits);
            line.held_pence = convert::pence(row.moved.held());
            line.balance_pence = convert::pence(running.balance(side));
            lines.push(line);
            last = Some(Last { entry: (row.position, row.index), account, totals: running });
        }
        Ok((lines, last))
    }
}

/// What a row's record says of it.
fn described(record: &[u8], row: &Row) -> v1::StatementLine {
    let mut line = v1::StatementLine {
        entry: Some(v1::EntryName { position: row.position.get(), index: row.index.into() }),
        effective_date: Some(wire::common::day(row.effective)),
        accounting_date: Some(wire::common::day(row.accounting)),
        ..v1::StatementLine::default()
    };
    let Some(read) = read(record) else { return line };
    line.recorded_time = Some(wire::common::timestamp(read.header.recorded_time));
    if let Said::Entries(found) = read.said
        && let Some(entry) = found.into_iter().find(|entry| entry.index == row.index)
    {
        line.kind = convert::kind(entry.posting.kind).into();
        line.reference = entry.posting.reference.unwrap_or_default();
        line.cause = read.header.cause.map(wire::common::cause);
    }
    line
}
