//! What the commands print.

use super::{Payments, Settlement};
use crate::output::{self, date, pounds, table};
use anyhow::Context as _;
use proto::{
    common::v1::PageRequest,
    settlement::v1::{self, payment, settlement_run},
};
use serde_json::{Value, json};

/// Bytes as hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn state(run: &v1::SettlementRun) -> &'static str {
    match run.state() {
        settlement_run::State::Unspecified => "?",
        settlement_run::State::Prepared => "PREPARED",
        settlement_run::State::Approved => "APPROVED",
        settlement_run::State::Witnessed => "WITNESSED",
        settlement_run::State::Paying => "PAYING",
        settlement_run::State::Paid => "PAID",
        settlement_run::State::Closed => "CLOSED",
        settlement_run::State::Cancelled => "CANCELLED",
        settlement_run::State::Superseded => "SUPERSEDED",
    }
}

const fn payment_state(state: payment::State) -> &'static str {
    match state {
        payment::State::Unspecified => "",
        payment::State::Planned => "PLANNED",
        payment::State::Instructed => "INSTRUCTED",
        payment::State::Accepted => "ACCEPTED",
        payment::State::Settled => "SETTLED",
        payment::State::Rejected => "REJECTED",
        payment::State::Returned => "RETURNED",
        payment::State::Withheld => "WITHHELD",
    }
}

fn run_json(run: &v1::SettlementRun) -> Value {
    let cut = run.cut.clone().unwrap_or_default();
    let stage = if cut.stage() == v1::CutStage::Flex { "flex" } else { "freeze" };
    json!({
        "run": run.run,
        "position": run.position,
        "state": state(run),
        "digest": hex(&run.digest),
        "cut": format!("{}/{stage}", cut.period),
        "pay_date": date(run.pay_date),
        "payments": run.payments_count,
        "pay_pence": run.pay_pence,
        "carried": run.carried_count,
        "carried_pence": run.carried_pence,
        "asks_open": run.asks_open_count,
        "witnesses": run.witnesses.as_ref().map(witnesses_json),
        "totals": run.totals.iter().map(|total| json!({
            "state": payment_state(total.state()), "payments": total.count, "pence": total.pence,
        })).collect::<Vec<_>>(),
        "files": run.files.iter().map(|file| json!({
            "name": file.name, "digest": hex(&file.digest), "items": file.items_count, "pence": file.pence,
        })).collect::<Vec<_>>(),
    })
}

fn witnesses_json(witnesses: &v1::RunWitnesses) -> Value {
    json!({
        "required": witnesses.required_count,
        "keys": witnesses.keys,
        "cosigned_by": witnesses.cosigned_by,
        "waiting": witnesses.waiting,
        "pinned": witnesses.pinned.iter().map(|pinned| json!({
            "origin": pinned.origin, "size": pinned.size, "root": hex(&pinned.root),
        })).collect::<Vec<_>>(),
        "waiver": witnesses.waiver.as_ref().map(|waiver| json!({
            "reason": waiver.reason, "proposer": waiver.proposer, "approver": waiver.approver,
        })),
    })
}

/// Where a run's witnesses stand, a line each.
fn witness_lines(witnesses: &v1::RunWitnesses) {
    let (required, of) = (witnesses.required_count, witnesses.keys.len());
    for pinned in &witnesses.pinned {
        output::line(format_args!("pins     {} at {} records", pinned.origin, pinned.size));
    }
    if !witnesses.cosigned_by.is_empty() {
        output::line(format_args!("seen by  {}", witnesses.cosigned_by.join(", ")));
    }
    if witnesses.waiting {
        output::line(format_args!("waits    for {required} of {of} witnesses to cosign the approval"));
    }
    if let Some(waiver) = &witnesses.waiver {
        let agreed = if waiver.approver.is_some() { "waived by two" } else { "waiver proposed by one" };
        output::line(format_args!("waiver   {agreed}: {}", waiver.reason));
    }
}

/// A run after a call that changed it.
pub(super) fn change(settlement: &Settlement, change: Option<v1::RunChange>) -> anyhow::Result<()> {
    let run = change.and_then(|change| change.run).context("the server answered without the run")?;
    if settlement.json {
        output::line(format_args!("{}", run_json(&run)));
    } else {
        header(&run);
    }
    Ok(())
}

fn header(run: &v1::SettlementRun) {
    let (paid, carried) = (pounds(run.pay_pence), pounds(run.carried_pence));
    output::line(format_args!("run      {}", run.run));
    output::line(format_args!("state    {}, to be paid on {}", state(run), date(run.pay_date)));
    output::line(format_args!("digest   {}", hex(&run.digest)));
    output::line(format_args!("pays     {paid} in {} payments", run.payments_count));
    output::line(format_args!("carries  {carried} in {} rows", run.carried_count));
    for total in &run.totals {
        let state = payment_state(total.state());
        output::line(format_args!("         {state} {} in {} payments", pounds(total.pence), total.count));
    }
    if let Some(witnesses) = &run.witnesses {
        witness_lines(witnesses);
    }
    if run.asks_open_count > 0 {
        output::line(format_args!("waits    for {} answers of the ledger", run.asks_open_count));
    }
    for file in &run.files {
        output::line(format_args!("file     {} {}", file.name, pounds(file.pence)));
    }
}

pub(super) async fn run(settlement: &Settlement, run: String) -> anyhow::Result<()> {
    let request = v1::GetRunRequest { system: settlement.system.clone(), run, min_position: None };
    let answer = settlement.connection.ask(request).await.context("reading the run")?;
    let of = answer.run.context("the server answered without the run")?;
    if settlement.json {
        let rows: Vec<Value> = answer.rows.iter().map(row_json).collect();
        let mut value = run_json(&of);
        if let Some(object) = value.as_object_mut() {
            object.insert("rows".to_owned(), Value::Array(rows));
        }
        output::line(format_args!("{value}"));
        return Ok(());
    }
    header(&of);
    let mut shown = table(["line", "payee", "pounds", "what becomes of it", "windows"], [2]);
    for row in &answer.rows {
        let windows: Vec<String> = row
            .windows
            .iter()
            .map(|window| format!("{} {}", window.window, pounds(window.part_pence)))
            .collect();
        shown.add_row([
            row.line.clone(),
            row.payee.clone(),
            pounds(row.net_pence),
            becomes(row),
            windows.join(", "),
        ]);
    }
    output::line(format_args!(""));
    output::show(&shown);
    Ok(())
}

/// What becomes of a row, in a few words.
fn becomes(row: &v1::RunRow) -> String {
    let mut words = vec![match &row.payment {
        Some(payment) if payment.state() == payment::State::Unspecified => "pay".to_owned(),
        Some(payment) => payment_state(payment.state()).to_owned(),
        None => format!("carried: {}", row.carried),
    }];
    words
        .extend(row.payment.iter().map(|payment| payment.reason.clone()).filter(|reason| !reason.is_empty()));
    words.extend(row.warnings.iter().cloned());
    words.join("; ")
}

fn row_json(row: &v1::RunRow) -> Value {
    json!({
        "line": row.line,
        "payee": row.payee,
        "net_pence": row.net_pence,
        "carried": row.carried,
        "warnings": row.warnings,
        "windows": row.windows.iter().map(|window| json!({
            "window": window.window, "seq": window.seq,
            "total_pence": window.total_pence, "part_pence": window.part_pence,
        })).collect::<Vec<_>>(),
        "sites": row.sites.iter().map(|site| json!({
            "site": site.site, "lines": site.lines_count, "pence": site.pence,
        })).collect::<Vec<_>>(),
        "payment": row.payment.as_ref().map(payment_json),
    })
}

fn payment_json(payment: &v1::Payment) -> Value {
    json!({
        "run": payment.run,
        "end_to_end_id": payment.end_to_end_id,
        "line": payment.line,
        "payee": payment.payee,
        "pence": payment.pence,
        "state": payment_state(payment.state()),
        "state_date": date(payment.state_date),
        "reason": payment.reason,
        "channel": payment.channel,
    })
}

pub(super) async fn runs(settlement: &Settlement) -> anyhow::Result<()> {
    let mut shown = table(["run", "state", "pay date", "payments", "pounds"], [3, 4]);
    let mut page_token = String::new();
    loop {
        let page = PageRequest { page_size: 1_000, page_token };
        let request =
            v1::ListRunsRequest { system: settlement.system.clone(), page: Some(page), min_position: None };
        let answer = settlement.connection.ask(request).await.context("listing runs")?;
        for run in &answer.runs {
            if settlement.json {
                output::line(format_args!("{}", run_json(run)));
            }
            let (count, pounds) = (run.payments_count.to_string(), pounds(run.pay_pence));
            shown.add_row([run.run.clone(), state(run).to_owned(), date(run.pay_date), count, pounds]);
        }
        page_token = answer.page.unwrap_or_default().next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    if !settlement.json {
        output::show(&shown);
    }
    Ok(())
}

pub(super) async fn payments(settlement: &Settlement, of: Payments) -> anyhow::Result<()> {
    let mut shown = table(["end-to-end id", "line", "payee", "pounds", "state", "on", "reason"], [3]);
    let mut page_token = String::new();
    loop {
        let page = PageRequest { page_size: 1_000, page_token };
        let request = v1::ListPaymentsRequest {
            system: settlement.system.clone(),
            run: of.run.clone(),
            payer: of.payer.clone(),
            payee: of.payee.clone(),
            page: Some(page),
            min_position: None,
        };
        let answer = settlement.connection.ask(request).await.context("listing payments")?;
        for payment in &answer.payments {
            if settlement.json {
                output::line(format_args!("{}", payment_json(payment)));
            }
            shown.add_row([
                payment.end_to_end_id.clone(),
                payment.line.clone(),
                payment.payee.clone(),
                pounds(payment.pence),
                payment_state(payment.state()).to_owned(),
                date(payment.state_date),
                payment.reason.clone(),
            ]);
        }
        page_token = answer.page.unwrap_or_default().next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    if !settlement.json {
        output::show(&shown);
    }
    Ok(())
}

pub(super) async fn instalments(settlement: &Settlement) -> anyhow::Result<()> {
    let mut shown = table(["contract", "what", "due", "payer", "payee", "pounds", "state"], [5]);
    let mut page_token = String::new();
    loop {
        let page = PageRequest { page_size: 1_000, page_token };
        let request = v1::ListInstalmentsRequest {
            system: settlement.system.clone(),
            page: Some(page),
            min_position: None,
        };
        let answer = settlement.connection.ask(request).await.context("listing instalments")?;
        for due in &answer.instalments {
            let kind = match due.kind() {
                v1::DueKind::Unspecified => "?",
                v1::DueKind::OnAccount => "on account",
                v1::DueKind::Block => "block",
                v1::DueKind::BlockEarned => "block earned",
            };
            let state = match due.state() {
                v1::instalment::State::Unspecified => "?",
                v1::instalment::State::Asked => "ASKED",
                v1::instalment::State::Posted => "POSTED",
                v1::instalment::State::Refused => "REFUSED",
            };
            if settlement.json {
                let value = json!({
                    "contract": due.contract, "kind": kind, "due_date": date(due.due_date), "payer": due.payer,
                    "payee": due.payee, "pence": due.pence, "state": state,
                });
                output::line(format_args!("{value}"));
            }
            let (contract, payer, payee) = (due.contract.clone(), due.payer.clone(), due.payee.clone());
            let row =
                [contract, kind.into(), date(due.due_date), payer, payee, pounds(due.pence), state.into()];
            shown.add_row(row);
        }
        page_token = answer.page.unwrap_or_default().next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    if !settlement.json {
        output::show(&shown);
    }
    Ok(())
}
