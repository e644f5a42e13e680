//! `almoner tariff reprice` and what follows it: lines priced again after terms or a list were corrected.

use crate::{
    cli::Calling,
    output::{self, pounds, show, table},
};
use anyhow::{Context as _, ensure};
use clap::Args;
use client::Connection;
use journal::Day;
use proto::referrals::v1;
use serde_json::{Value, json};

/// The system that is meant.
#[derive(Debug, Args)]
struct Whose {
    /// System; default: the profile's
    #[arg(long)]
    system: Option<String>,
}

impl Whose {
    fn connect(self, calling: &Calling) -> anyhow::Result<(Connection, String)> {
        let (connection, of_profile) = calling.connect()?;
        let system = self.system.or(of_profile);
        Ok((connection, system.context("say which system: --system <name>, or one in the profile")?))
    }
}

/// Lines to price again.
#[derive(Debug, Args)]
pub(super) struct Reprice {
    /// First day of care
    #[arg(long, value_name = "YYYY-MM-DD")]
    from: Day,
    /// Last day of care
    #[arg(long, value_name = "YYYY-MM-DD")]
    until: Day,
    /// Only this provider's
    #[arg(long)]
    provider: Option<String>,
    /// Only this payer's
    #[arg(long)]
    payer: Option<String>,
    /// Why, for whoever approves it and for auditors
    #[arg(long)]
    reason: String,
    /// Propose it; its differences are posted when another person approves it
    #[arg(long)]
    propose: bool,
    /// Print JSON, amounts in pence
    #[arg(long)]
    json: bool,
    /// Request id of an attempt that got no answer, to repeat it; default: a new one
    #[arg(long, value_name = "UUID")]
    request_id: Option<String>,
    #[command(flatten)]
    whose: Whose,
}

/// One that was proposed, or all.
#[derive(Debug, Args)]
pub(super) struct Repricings {
    /// Number of the one to show with what it comes to; default: list all
    repricing: Option<u64>,
    /// Print JSON, amounts in pence
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    whose: Whose,
}

/// An approval.
#[derive(Debug, Args)]
pub(super) struct ApproveRepricing {
    /// Number of the repricing
    repricing: u64,
    /// Its digest as you saw it, 64 hexadecimal digits
    #[arg(long, value_name = "HEX")]
    digest: String,
    /// Request id of an attempt that got no answer, to go on with what is left; default: a new one
    #[arg(long, value_name = "UUID")]
    request_id: Option<String>,
    #[command(flatten)]
    whose: Whose,
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn id(request_id: Option<String>) -> String {
    request_id.unwrap_or_else(|| {
        let id = client::new_request_id();
        output::note(format_args!("request id {id}"));
        id
    })
}

pub(super) async fn reprice(asked: Reprice, calling: &Calling) -> anyhow::Result<()> {
    let Reprice { from, until, provider, payer, reason, propose, json, request_id, whose } = asked;
    let (connection, system) = whose.connect(calling)?;
    let request = v1::ProposeRepricingRequest {
        system,
        request_id: id(request_id),
        provider: provider.unwrap_or_default(),
        payer: payer.unwrap_or_default(),
        from_date: Some(wire::common::day(from)),
        until_date: Some(wire::common::day(until)),
        reason,
        validate_only: !propose,
    };
    let answer = connection.ask(request).await.context("the lines were not priced again")?;
    let v1::ProposeRepricingResponse { recorded, digest, report } = answer;
    let report = report.unwrap_or_default();
    let number = recorded.map(|recorded| recorded.position);
    if json {
        let mut value = in_json(&report);
        value["repricing"] = json!(number);
        value["digest"] = json!(number.map(|_| hex(&digest)));
        output::line(format_args!("{value}"));
        return Ok(());
    }
    show_report(&report);
    output::line(format_args!(
        "{} lines keep their price; left out: {} challenged, {} that nothing prices now",
        report.same, report.challenged, report.unpriced
    ));
    match number {
        Some(number) => {
            output::line(format_args!(
                "repricing {number} waits for another person; digest {}",
                hex(&digest)
            ));
        }
        None if report.lines == 0 => output::line(format_args!("nothing to propose")),
        None => output::line(format_args!("nothing is proposed: add --propose")),
    }
    Ok(())
}

fn show_report(report: &v1::RepricingReport) {
    let mut rows = table(
        ["provider", "payer", "point of delivery", "lines", "before", "after", "difference"],
        [3, 4, 5, 6],
    );
    let amounts = |before: i64, after: i64| [before, after, after.saturating_sub(before)].map(pounds);
    for group in &report.groups {
        let [before, after, difference] = amounts(group.before_pence, group.after_pence);
        rows.add_row([
            group.provider.clone(),
            group.payer.clone(),
            group.point_of_delivery.clone(),
            group.lines.to_string(),
            before,
            after,
            difference,
        ]);
    }
    let [before, after, difference] = amounts(report.before_pence, report.after_pence);
    let lines = report.lines.to_string();
    rows.add_row(["all".to_owned(), String::new(), String::new(), lines, before, after, difference]);
    show(&rows);
}

fn in_json(report: &v1::RepricingReport) -> Value {
    let group = |group: &v1::RepricedGroup| {
        json!({
            "provider": group.provider,
            "payer": group.payer,
            "point_of_delivery": group.point_of_delivery,
            "lines": group.lines,
            "before_pence": group.before_pence,
            "after_pence": group.after_pence,
        })
    };
    json!({
        "groups": report.groups.iter().map(group).collect::<Vec<_>>(),
        "lines": report.lines,
        "before_pence": report.before_pence,
        "after_pence": report.after_pence,
        "same": report.same,
        "challenged": report.challenged,
        "unpriced": report.unpriced,
    })
}

fn repricing_in_json(row: &v1::Repricing) -> Value {
    json!({
        "repricing": row.repricing,
        "digest": hex(&row.digest),
        "reason": row.reason,
        "approved": row.approved,
        "lines": row.lines,
        "done": row.done,
        "change_pence": row.change_pence,
    })
}

fn said(row: &v1::Repricing) {
    let state = match row.approved {
        None => "waits for another person".to_owned(),
        Some(_) => format!("{} done, {} posted", row.done, pounds(row.change_pence)),
    };
    let (number, lines, reason) = (row.repricing, row.lines, &row.reason);
    output::line(format_args!("repricing {number}: {lines} lines, {state}; {reason}"));
    output::line(format_args!("  digest {}", hex(&row.digest)));
}

pub(super) async fn repricings(asked: Repricings, calling: &Calling) -> anyhow::Result<()> {
    let Repricings { repricing, json, whose } = asked;
    let (connection, system) = whose.connect(calling)?;
    let Some(repricing) = repricing else {
        let request = v1::ListRepricingsRequest { system, min_position: None };
        let answer = connection.ask(request).await.context("repricings cannot be listed")?;
        if json {
            let rows: Vec<Value> = answer.repricings.iter().map(repricing_in_json).collect();
            output::line(format_args!("{}", Value::from(rows)));
        } else {
            answer.repricings.iter().for_each(said);
        }
        return Ok(());
    };
    let request = v1::GetRepricingRequest { system, repricing, min_position: None };
    let answer = connection.ask(request).await.context("the repricing cannot be read")?;
    let (row, report) = (answer.repricing.unwrap_or_default(), answer.report.unwrap_or_default());
    if json {
        let mut value = repricing_in_json(&row);
        value["report"] = in_json(&report);
        output::line(format_args!("{value}"));
    } else {
        said(&row);
        show_report(&report);
    }
    Ok(())
}

pub(super) async fn approve(asked: ApproveRepricing, calling: &Calling) -> anyhow::Result<()> {
    let ApproveRepricing { repricing, digest, request_id, whose } = asked;
    ensure!(digest.is_ascii() && digest.len() == 64, "a digest is 64 hexadecimal digits");
    let byte = |pair: &[u8]| Ok(u8::from_str_radix(std::str::from_utf8(pair)?, 16)?);
    let digest = digest.as_bytes().chunks(2).map(byte).collect::<anyhow::Result<Vec<u8>>>()?;
    let (connection, system) = whose.connect(calling)?;
    let request = v1::ApproveRepricingRequest { system, request_id: id(request_id), repricing, digest };
    let answer = connection.ask(request).await.context("the repricing was not approved")?;
    said(&answer.repricing.unwrap_or_default());
    for v1::ReasonCount { code, count } in answer.left_alone {
        output::line(format_args!("  {count} left alone: {code}"));
    }
    Ok(())
}
