//! The reader: the message and its statements. Entries are in `entry`.

use super::entry::{Parties, read_entry};
use super::{Balance, CopyKind, NAMESPACE_02, NAMESPACE_08, Statement, StatementAccount, decode};
use crate::MessageTime;
use crate::read_error::ReadError;
use crate::xml_in::{Child, Cursor};
use crate::xml_values::{required, set_once};
use money::{NetPence, Side};

type Result<T> = core::result::Result<T, ReadError>;

/// Reads a message of one or more statements.
///
/// # Errors
/// See [`ReadError`]. A message with one bad statement is refused whole: a file is either on the books or not.
pub fn read(bytes: &[u8]) -> Result<Vec<Statement>> {
    let mut cursor = Cursor::open(bytes, &[NAMESPACE_02, NAMESPACE_08])?;
    let mut statements = None;
    while let Some(child) = cursor.child()? {
        match child.name() {
            "BkToCstmrStmt" => {
                let value = read_message(&mut cursor, &child)?;
                set_once(&mut statements, value, "BkToCstmrStmt", child.position)?;
            }
            _ => cursor.skip()?,
        }
    }
    cursor.finish()?;
    required(statements, "BkToCstmrStmt", 0)
}

fn read_message(cursor: &mut Cursor<'_>, parent: &Child<'_>) -> Result<Vec<Statement>> {
    let mut message_id = None;
    let mut statements: Vec<Statement> = Vec::new();
    while let Some(child) = cursor.child()? {
        match child.name() {
            "GrpHdr" => {
                let value = required(cursor.text_at(&["MsgId"])?, "MsgId", child.position)?;
                set_once(&mut message_id, value, "GrpHdr", child.position)?;
            }
            "Stmt" => {
                let number = u32::try_from(statements.len().saturating_add(1)).unwrap_or(u32::MAX);
                let draft = read_draft(cursor, number)?;
                statements.push(draft.finish(number, child.position)?);
            }
            _ => cursor.skip()?,
        }
    }
    let message_id = required(message_id, "GrpHdr", parent.position)?;
    if statements.is_empty() {
        return Err(ReadError::Missing { element: "Stmt", position: parent.position });
    }
    for statement in &mut statements {
        statement.message_id.clone_from(&message_id);
    }
    Ok(statements)
}

/// A statement before its checks.
#[derive(Default)]
struct Draft {
    statement_id: Option<String>,
    created: Option<MessageTime>,
    period: Option<(MessageTime, MessageTime)>,
    copy: Option<CopyKind>,
    page: Option<(u32, bool)>,
    account: Option<StatementAccount>,
    opening: Option<Balance>,
    closing: Option<Balance>,
    entries: Vec<super::Entry>,
    /// The parties' accounts, with the entry's number.
    parties: Vec<(u32, Parties)>,
}

fn read_draft(cursor: &mut Cursor<'_>, statement: u32) -> Result<Draft> {
    let mut draft = Draft::default();
    let mut number = 0_u32;
    while let Some(child) = cursor.child()? {
        let position = child.position;
        match child.name() {
            "Id" => {
                let value = cursor.text()?;
                set_once(&mut draft.statement_id, value, "Id", position)?;
            }
            "CreDtTm" => {
                let value = cursor.time(&child, "CreDtTm")?;
                set_once(&mut draft.created, value, "CreDtTm", position)?;
            }
            "StmtPgntn" => {
                let value = read_page(cursor, &child)?;
                set_once(&mut draft.page, value, "StmtPgntn", position)?;
            }
            "FrToDt" => {
                let value = read_period(cursor, &child)?;
                set_once(&mut draft.period, value, "FrToDt", position)?;
            }
            "CpyDplctInd" => {
                let value = decode(&CopyKind::ALL, &cursor.text()?).ok_or(ReadError::ValueRefused {
                    element: "CpyDplctInd",
                    position,
                    expected: "CODU, COPY or DUPL",
                })?;
                set_once(&mut draft.copy, value, "CpyDplctInd", position)?;
            }
            "Acct" => {
                let value = read_account(cursor, &child)?;
                set_once(&mut draft.account, value, "Acct", position)?;
            }
            "Bal" => read_balance(cursor, &child, &mut draft)?,
            "Ntry" => {
                number = number.saturating_add(1);
                let read = read_entry(cursor, &child, (statement, number))?;
                draft.entries.extend(read.entries);
                draft.parties.extend(read.parties.into_iter().map(|parties| (number, parties)));
            }
            _ => cursor.skip()?,
        }
    }
    Ok(draft)
}

impl Draft {
    fn finish(self, number: u32, position: u64) -> Result<Statement> {
        // A message in pages may put all but the last under one statement id; no page adds up by itself.
        if let Some((page, _)) = self.page.filter(|page| *page != (1, true)) {
            return Err(ReadError::PageRefused { statement: number, page });
        }
        let missing = |code| ReadError::BalanceMissing { statement: number, code };
        let account = required(self.account, "Acct", position)?;
        let statement = Statement {
            message_id: String::new(),
            statement_id: required(self.statement_id, "Id", position)?,
            created: required(self.created, "CreDtTm", position)?,
            period: self.period,
            copy: self.copy,
            account,
            opening: self.opening.ok_or_else(|| missing("OPBD"))?,
            closing: self.closing.ok_or_else(|| missing("CLBD"))?,
            entries: self.entries,
        };
        for (entry, parties) in &self.parties {
            if parties.are_others(&statement.account) {
                return Err(ReadError::EntryOfAnotherAccount { statement: number, entry: *entry });
            }
        }
        if !statement.adds_up() {
            return Err(ReadError::DoesNotAddUp {
                statement: number,
                opening: statement.opening.amount,
                entries: statement.booked(),
                closing: statement.closing.amount,
            });
        }
        Ok(statement)
    }
}

fn read_page(cursor: &mut Cursor<'_>, parent: &Child<'_>) -> Result<(u32, bool)> {
    let (mut page, mut last) = (None, None);
    while let Some(child) = cursor.child()? {
        match child.name() {
            "PgNb" => set_once(&mut page, cursor.count(&child, "PgNb")?, "PgNb", child.position)?,
            "LastPgInd" => {
                set_once(&mut last, cursor.boolean(&child, "LastPgInd")?, "LastPgInd", child.position)?;
            }
            _ => cursor.skip()?,
        }
    }
    Ok((required(page, "PgNb", parent.position)?, required(last, "LastPgInd", parent.position)?))
}

fn read_period(cursor: &mut Cursor<'_>, parent: &Child<'_>) -> Result<(MessageTime, MessageTime)> {
    let (mut from, mut to) = (None, None);
    while let Some(child) = cursor.child()? {
        match child.name() {
            "FrDtTm" => set_once(&mut from, cursor.time(&child, "FrDtTm")?, "FrDtTm", child.position)?,
            "ToDtTm" => set_once(&mut to, cursor.time(&child, "ToDtTm")?, "ToDtTm", child.position)?,
            _ => cursor.skip()?,
        }
    }
    Ok((required(from, "FrDtTm", parent.position)?, required(to, "ToDtTm", parent.position)?))
}

/// The identification of an account (`CashAccount16`, `20`, `38`, `39`); its currency, when stated, must be sterling.
pub(super) fn read_account(cursor: &mut Cursor<'_>, parent: &Child<'_>) -> Result<StatementAccount> {
    let (mut account, mut sort_code) = (None, None);
    while let Some(child) = cursor.child()? {
        match child.name() {
            "Id" => {
                let value = read_account_id(cursor, &child)?;
                set_once(&mut account, value, "Id", child.position)?;
            }
            "Ccy" => {
                let currency = cursor.text()?;
                if currency != "GBP" {
                    let currency = crate::xml_in::shown(&currency);
                    return Err(ReadError::CurrencyRefused { currency, position: child.position });
                }
            }
            "Svcr" => {
                let value = cursor.text_at(&["FinInstnId", "ClrSysMmbId", "MmbId"])?;
                set_once(&mut sort_code, value, "Svcr", child.position)?;
            }
            _ => cursor.skip()?,
        }
    }
    let account: StatementAccount = required(account, "Id", parent.position)?;
    Ok(account.with_sort_code(sort_code.flatten().as_deref()))
}

fn read_account_id(cursor: &mut Cursor<'_>, parent: &Child<'_>) -> Result<StatementAccount> {
    let mut account = None;
    while let Some(child) = cursor.child()? {
        let position = child.position;
        match child.name() {
            "IBAN" => {
                let value = StatementAccount::Iban(cursor.text()?);
                set_once(&mut account, value, "Id", position)?;
            }
            "Othr" => {
                let value = required(cursor.text_at(&["Id"])?, "Id", position)?;
                set_once(&mut account, StatementAccount::Other(value), "Id", position)?;
            }
            _ => cursor.skip()?,
        }
    }
    required(account, "Id", parent.position)
}

fn read_balance(cursor: &mut Cursor<'_>, parent: &Child<'_>, draft: &mut Draft) -> Result<()> {
    let (mut code, mut amount, mut side, mut date) = (None, None, None, None);
    while let Some(child) = cursor.child()? {
        let position = child.position;
        match child.name() {
            "Tp" => {
                let value = cursor.within("CdOrPrtry", |cursor, _| cursor.code_choice())?;
                set_once(&mut code, value.flatten(), "Tp", position)?;
            }
            "Amt" => set_once(&mut amount, cursor.amount(&child, "Amt")?, "Amt", position)?,
            "CdtDbtInd" => set_once(&mut side, cursor.side(&child)?, "CdtDbtInd", position)?,
            "Dt" => set_once(&mut date, cursor.date_choice(&child, "Dt")?, "Dt", position)?,
            _ => cursor.skip()?,
        }
    }
    let amount = NetPence::from(required(amount, "Amt", parent.position)?);
    let amount = match required(side, "CdtDbtInd", parent.position)? {
        Side::Credit => amount,
        // An amount is at least nothing, so its negative fits.
        Side::Debit => NetPence::new(amount.get().saturating_neg()),
    };
    let balance = Balance { amount, date: required(date, "Dt", parent.position)? };
    match code.flatten().as_deref() {
        Some("OPBD") => set_once(&mut draft.opening, balance, "Bal", parent.position),
        Some("CLBD") => set_once(&mut draft.closing, balance, "Bal", parent.position),
        Some(_) => Ok(()),
        None => Err(ReadError::Missing { element: "Tp", position: parent.position }),
    }
}
