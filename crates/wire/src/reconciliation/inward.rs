//! Requests inward: every bad field at once.

use crate::{Fields, Violations};
use ::reconciliation::{
    ApproveControlTotal, Command, ProposeControlTotal, Row, StatementFigure, TEXT_BYTES_MAX,
};
use journal::{Domain as _, Fingerprint, Position, RequestId, SystemName, fingerprint};
use money::{NetPence, TotalPence};
use nhs::{FinancialYear, OdsCode};
use proto::reconciliation::v1;

/// The most control totals, and the most statements, of one request.
const ROWS_MAX: usize = 200;

/// A command to record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// Whose journal.
    pub system: SystemName,
    /// The attempt.
    pub request_id: RequestId,
    /// What the caller sent, for telling a repeat from a reuse.
    pub fingerprint: Fingerprint,
    /// What is asked.
    pub command: Command,
}

/// What a position is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// Whose.
    pub system: SystemName,
    /// Which year's.
    pub year: FinancialYear,
    /// What banks' statements say.
    pub statements: Vec<StatementFigure>,
}

fn write(system: SystemName, request_id: RequestId, command: Command) -> Write {
    let mut bytes = Vec::new();
    // The command is the caller's content and nothing else: no outcome stands beside it yet.
    let none = journal::Outcome::Accepted(journal::Events::new());
    ::reconciliation::Reconciliation::encode(&command, &none, &mut bytes);
    Write { system, request_id, fingerprint: fingerprint(&bytes), command }
}

/// Control totals proposed.
pub fn propose(message: v1::ProposeControlTotalsRequest) -> Result<Write, Violations> {
    let v1::ProposeControlTotalsRequest {
        system,
        request_id,
        financial_year,
        control_totals,
        source,
        illustrative,
    } = message;
    let mut fields = Fields::new();
    let system = fields.system("system", &system);
    let request_id = fields.request_id("request_id", &request_id);
    let year = fields.parse::<FinancialYear>("financial_year", &financial_year);
    let size = fields.batch("control_totals", control_totals.len(), ROWS_MAX);
    let rows: Vec<Option<Row>> = control_totals
        .iter()
        .enumerate()
        .map(|(index, row)| fields.within_item("control_totals", index, |fields| control_total(fields, row)))
        .collect();
    let source = fields.text("source", &source, TEXT_BYTES_MAX).map(str::to_owned);
    let (system, request_id, year, (), source) = fields.known((system, request_id, year, size, source))?;
    let rows = rows.into_iter().flatten().collect();
    let command = Command::Propose(ProposeControlTotal { year, rows, source, illustrative });
    Ok(write(system, request_id, command))
}

fn control_total(fields: &mut Fields, message: &v1::ControlTotal) -> Option<Row> {
    let v1::ControlTotal { organisation, total_pence, reserve_pence } = message;
    let organisation = fields.parse_optional::<OdsCode>("organisation", organisation);
    let reserve = fields.pence("reserve_pence", *reserve_pence);
    Some(Row {
        organisation: organisation?,
        total: NetPence::new(*total_pence),
        reserve: NetPence::new(reserve?.get()),
    })
}

/// Control totals approved.
pub fn approve(message: &v1::ApproveControlTotalsRequest) -> Result<Write, Violations> {
    let v1::ApproveControlTotalsRequest { system, request_id, proposal, digest } = message;
    let mut fields = Fields::new();
    let system = fields.system("system", system);
    let request_id = fields.request_id("request_id", request_id);
    let digest = fields.digest("digest", digest);
    let (system, request_id, digest) = fields.known((system, request_id, digest))?;
    let proposal = Position::new(*proposal);
    Ok(write(system, request_id, Command::Approve(ApproveControlTotal { proposal, digest })))
}

/// Control totals to list.
pub fn list_control_totals(
    message: &v1::ListControlTotalsRequest,
) -> Result<(SystemName, FinancialYear, Option<Position>), Violations> {
    let v1::ListControlTotalsRequest { system, financial_year, min_position } = message;
    let mut fields = Fields::new();
    let system = fields.system("system", system);
    let year = fields.parse::<FinancialYear>("financial_year", financial_year);
    let (system, year) = fields.known((system, year))?;
    Ok((system, year, min_position.map(Position::new)))
}

/// Positions to list.
pub fn list_positions(
    message: &v1::ListPositionsRequest,
) -> Result<(SystemName, Option<Position>), Violations> {
    let v1::ListPositionsRequest { system, min_position } = message;
    let mut fields = Fields::new();
    let system = fields.system("system", system);
    let (system,) = fields.known((system,))?;
    Ok((system, min_position.map(Position::new)))
}

/// A position to read.
pub fn get_position(message: &v1::GetPositionRequest) -> Result<Ask, Violations> {
    let v1::GetPositionRequest { system, financial_year, statements } = message;
    let mut fields = Fields::new();
    let ask = ask(&mut fields, system, financial_year, statements);
    fields.known((ask,)).map(|(ask,)| ask)
}

/// Ties to list, and whether those that agree are wanted too.
pub fn list_differences(message: &v1::ListDifferencesRequest) -> Result<(Ask, bool), Violations> {
    let v1::ListDifferencesRequest { system, financial_year, statements, include_matched } = message;
    let mut fields = Fields::new();
    let ask = ask(&mut fields, system, financial_year, statements);
    let (ask,) = fields.known((ask,))?;
    Ok((ask, *include_matched))
}

/// A position to keep, the attempt, and its fingerprint.
pub fn record_position(
    message: &v1::RecordPositionRequest,
) -> Result<(Ask, RequestId, Fingerprint), Violations> {
    let v1::RecordPositionRequest { system, request_id, financial_year, statements } = message;
    let mut fields = Fields::new();
    let request_id = fields.request_id("request_id", request_id);
    let ask = ask(&mut fields, system, financial_year, statements);
    let (request_id, ask) = fields.known((request_id, ask))?;
    let mut content = ask.year.to_string();
    for row in &ask.statements {
        content.push_str(&format!("\n{},{},{}", row.payer, row.debits.get(), row.credits.get()));
    }
    Ok((ask, request_id, fingerprint(content.as_bytes())))
}

fn ask(fields: &mut Fields, system: &str, year: &str, statements: &[v1::StatementTotal]) -> Option<Ask> {
    let system = fields.system("system", system);
    let year = fields.parse::<FinancialYear>("financial_year", year);
    if statements.len() > ROWS_MAX {
        fields.refuse("statements", "BATCH_TOO_LARGE", format!("at most {ROWS_MAX}"));
        return None;
    }
    // All of them before any is missed: every bad field is named at once.
    let read: Vec<Option<StatementFigure>> = statements
        .iter()
        .enumerate()
        .map(|(index, row)| fields.within_item("statements", index, |fields| statement(fields, row)))
        .collect();
    let statements = read.into_iter().collect::<Option<Vec<_>>>();
    Some(Ask { system: system?, year: year?, statements: statements? })
}

fn statement(fields: &mut Fields, message: &v1::StatementTotal) -> Option<StatementFigure> {
    let v1::StatementTotal { payer, debits_pence, credits_pence } = message;
    let payer = fields.parse::<OdsCode>("payer", payer);
    let debits = fields.pence("debits_pence", *debits_pence);
    let credits = fields.pence("credits_pence", *credits_pence);
    Some(StatementFigure {
        payer: payer?,
        debits: TotalPence::from(debits?),
        credits: TotalPence::from(credits?),
    })
}
