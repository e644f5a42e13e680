//! `almoner referral show`: the whole life of a referral: choice, moves, activity and its price, what the ledger was told, the run
//! that pays it and the bank's line.

use super::Referrals;
use crate::{
    commands::audit::{
        books::{Books, People, dated, kind, name},
        evidence::Evidence,
    },
    output::{self, pounds},
};
use anyhow::Context as _;
use clap::Args;
use proto::{
    common::v1::Cause,
    ledger::v1::{self as ledger, list_entries_request::Of},
    referrals::v1::{self, referral_event::Event},
    settlement::v1::Payment,
};
use serde_json::{Value, json};
use tonic::Code;

/// Which referral.
#[derive(Debug, Args)]
pub(super) struct Show {
    /// Its number, or its booking reference of 12 digits
    referral: String,
    /// Print one JSON object, amounts in pence
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(referrals: Referrals, show: Show) -> anyhow::Result<()> {
    let Show { referral, json } = show;
    let Referrals { connection, system } = referrals;
    let books = Books { connection, system };
    let by_ubrn = referral.len() == 12;
    let number = || referral.parse().context("a referral is named by its number or its booking reference");
    let life = {
        use v1::get_referral_life_request::Key;
        let key = if by_ubrn { Key::Ubrn(referral.clone()) } else { Key::Position(number()?) };
        let request =
            v1::GetReferralLifeRequest { system: books.system.clone(), key: Some(key), min_position: None };
        books.connection.ask(request).await
    };
    let life = match life {
        Ok(life) => life,
        // Who refers, and who treats, sees where it stands, and no money.
        Err(status) if status.code() == Code::PermissionDenied => {
            use v1::get_referral_request::Key;
            let key = if by_ubrn { Key::Ubrn(referral) } else { Key::Position(number()?) };
            let request =
                v1::GetReferralRequest { system: books.system.clone(), key: Some(key), min_position: None };
            let answer = books.connection.ask(request).await.context("the referral was not read")?;
            let row = answer.referral.unwrap_or_default();
            if json {
                output::line(format_args!("{:#}", referral_json(&row)));
            } else {
                head(&row);
            }
            return Ok(());
        }
        Err(status) => return Err(status).context("the referral was not read"),
    };
    let entries = entries(&books, &life).await?;
    let all: Vec<ledger::Entry> = entries.iter().flatten().cloned().collect();
    let people = People::of(&books, &all).await?;
    let evidence = Evidence::of(&books, &people).await?;
    if json {
        let events: Vec<Value> = life
            .events
            .iter()
            .zip(&entries)
            .map(|(event, entries)| event_json(event, entries, &evidence))
            .collect();
        let mut object = referral_json(&life.referral.clone().unwrap_or_default());
        let hold = life.hold.unwrap_or_default();
        object["hold"] = json!({
            "held_pence": hold.held_pence,
            "left_pence": hold.left_pence,
            "until_date": dated(hold.until_date),
        });
        object["clocks"] = life.clocks.iter().map(clock_json).collect();
        object["events"] = events.into();
        output::line(format_args!("{object:#}"));
    } else {
        tell(&life, &entries, &evidence);
    }
    Ok(())
}

/// What the ledger was told of each event, in the order of the events.
async fn entries(
    books: &Books,
    life: &v1::GetReferralLifeResponse,
) -> anyhow::Result<Vec<Vec<ledger::Entry>>> {
    let mut found = Vec::new();
    for event in &life.events {
        let position = event.recorded.as_ref().map_or(0, |recorded| recorded.position);
        let cause = Cause { service: "referrals".to_owned(), position };
        let mut pages =
            books.entries(ledger::ListEntriesRequest { of: Some(Of::Cause(cause)), ..books.all_entries() });
        let mut entries = Vec::new();
        while let Some(mut page) = pages.next().await? {
            entries.append(&mut page);
        }
        found.push(entries);
    }
    Ok(found)
}

/// A stage in a word.
pub(super) const fn stage(stage: v1::ReferralStage) -> &'static str {
    match stage {
        v1::ReferralStage::Unspecified => "",
        v1::ReferralStage::Recorded => "recorded",
        v1::ReferralStage::Accepted => "accepted",
        v1::ReferralStage::Booked => "booked",
        v1::ReferralStage::NotAttended => "not attended",
        v1::ReferralStage::Attended => "attended",
        v1::ReferralStage::Listed => "listed for admission",
        v1::ReferralStage::Treated => "treated",
        v1::ReferralStage::Monitored => "actively monitored",
        v1::ReferralStage::NotTreated => "not treated",
        v1::ReferralStage::Returned => "returned",
        v1::ReferralStage::Discharged => "discharged",
        v1::ReferralStage::Cancelled => "cancelled",
    }
}

/// The last part of an enum's name, in words.
fn words(name: &str, prefix: &str) -> String {
    name.trim_start_matches(prefix).to_lowercase().replace('_', " ")
}

fn state(state: v1::ReferralState) -> String {
    words(state.as_str_name(), "REFERRAL_STATE_")
}

fn head(row: &v1::Referral) {
    let implied = if row.implied { ", implied by activity" } else { "" };
    output::line(format_args!(
        "referral {} of {}: {}, {}{implied}",
        row.position,
        dated(row.referred_on),
        stage(row.stage()),
        state(row.state())
    ));
    let ubrn = if row.ubrn.is_empty() { "none" } else { &row.ubrn };
    output::line(format_args!(
        "  booking reference {ubrn}; function {}, to {}, paid by {}; {} lines",
        row.treatment_function, row.provider, row.payer, row.lines
    ));
}

fn tell(life: &v1::GetReferralLifeResponse, entries: &[Vec<ledger::Entry>], evidence: &Evidence<'_>) {
    head(&life.referral.clone().unwrap_or_default());
    let hold = life.hold.unwrap_or_default();
    if hold.held_pence != 0 {
        output::line(format_args!(
            "  held {} in all, {} left until {}",
            pounds(hold.held_pence),
            pounds(hold.left_pence),
            dated(hold.until_date)
        ));
    }
    for clock in &life.clocks {
        let stopped = match clock.stop_date {
            None => "running".to_owned(),
            some => format!("stopped {} ({})", dated(some), words(clock.stop().as_str_name(), "STOP_")),
        };
        output::line(format_args!("  waiting time from {}, {stopped}", dated(clock.start_date)));
    }
    for (event, entries) in life.events.iter().zip(entries) {
        let recorded = event.recorded.clone().unwrap_or_default();
        output::line(format_args!("{} record {}", dated(recorded.business_date), recorded.position));
        for line in told(event) {
            output::line(format_args!("  {line}"));
        }
        for entry in entries {
            output::line(format_args!("  ledger entry {}: {}", name(entry), kind(entry)));
            for line in moved(entry, evidence) {
                output::line(format_args!("    {line}"));
            }
            for (account, window, payments) in evidence.money(entry) {
                if payments.is_empty() {
                    output::line(format_args!("    window {window} of {account}: in no run so far"));
                }
                for payment in payments {
                    output::line(format_args!("    window {window} is paid by run {}", payment.run));
                    output::line(format_args!("    {}", bank(payment)));
                }
            }
        }
    }
}

fn bank(payment: &Payment) -> String {
    let state = words(payment.state().as_str_name(), "STATE_");
    let reason = if payment.reason.is_empty() { String::new() } else { format!(" ({})", payment.reason) };
    format!(
        "payment {} of {} to {}; bank: {state}{reason} {}, reference {}",
        payment.end_to_end_id,
        pounds(payment.pence),
        payment.payee,
        dated(payment.state_date),
        payment.remittance_reference
    )
}

/// The legs and holds of an entry, a line each.
fn moved(entry: &ledger::Entry, evidence: &Evidence<'_>) -> Vec<String> {
    let posting = entry.posting.clone().unwrap_or_default();
    let legs = posting.legs.iter().map(|leg| {
        let side = if leg.side() == ledger::Side::Debit { "debit" } else { "credit" };
        let path = evidence.paths.get(&leg.account).map_or("?", String::as_str);
        format!("{side} {path} {}", pounds(leg.amount_pence))
    });
    let holds = posting.holds.iter().zip(&entry.held_pence).map(|(hold, pence)| {
        use ledger::hold_action::Action;
        let word = match &hold.action {
            Some(Action::Place(_)) => "holds",
            Some(Action::Capture(_)) => "captures of the hold",
            Some(Action::Release(_)) => "releases of the hold",
            None => "moves of the hold",
        };
        format!("{word} {}", pounds(pence.saturating_abs()))
    });
    legs.chain(holds).collect()
}

/// Why there was no choice, in words; none where there was.
fn no_choice(choice: &v1::ReferralChoice) -> Option<String> {
    let why = choice.no_choice_reason();
    (why != v1::NoChoiceReason::Unspecified).then(|| words(why.as_str_name(), "NO_CHOICE_REASON_"))
}

/// An event in words.
fn told(event: &v1::ReferralEvent) -> Vec<String> {
    match &event.event {
        Some(Event::Chosen(choice)) => {
            let offered =
                if choice.offered.is_empty() { "none named".to_owned() } else { choice.offered.join(", ") };
            let chosen = match no_choice(choice) {
                None => format!("the patient chose {} {}", choice.provider, choice.site),
                Some(why) => format!("no choice ({why}); sent to {} {}", choice.provider, choice.site),
            };
            vec![
                format!("referred on {} from practice {}", dated(choice.referred_on), choice.practice),
                format!("offered: {offered}; {}", chosen.trim_end()),
            ]
        }
        Some(Event::Moved(moved)) => {
            let what = moved.r#move.clone().unwrap_or_default();
            let more = [dated(what.booked_date), what.hrg.clone(), what.provider.clone(), what.site.clone()];
            let more: Vec<String> = more.into_iter().filter(|text| !text.is_empty()).collect();
            let kind = words(what.kind().as_str_name(), "KIND_");
            let text = format!("{kind} {} {}", dated(moved.on_date), more.join(" "));
            vec![text.trim_end().to_owned()]
        }
        Some(Event::Line(line)) => {
            let findings: Vec<&str> = line.findings.iter().map(|finding| finding.code.as_str()).collect();
            let findings =
                if findings.is_empty() { String::new() } else { format!(" ({})", findings.join(", ")) };
            let grade = words(line.referral_match().as_str_name(), "REFERRAL_MATCH_");
            let mut lines = vec![format!(
                "line {} of {} version {}: {} {} {} on {}, claimed {}, {} {}{findings}; matched by {grade}",
                line.cds_identifier,
                line.provider,
                line.version,
                line.point_of_delivery,
                line.treatment_function,
                line.hrg,
                dated(line.activity_date),
                pounds(line.claimed_pence),
                words(line.answer().as_str_name(), "ANSWER_"),
                pounds(line.accepted_pence),
            )];
            lines.extend(line.steps.iter().map(|step| format!("  price {}: {}", step.code, step.text)));
            lines
        }
        Some(Event::Ended(ended)) => {
            let ended = v1::ReferralState::try_from(*ended).unwrap_or_default();
            vec![format!("{}; what was still held is released", state(ended))]
        }
        None => Vec::new(),
    }
}

fn referral_json(row: &v1::Referral) -> Value {
    json!({
        "referral": row.position,
        "ubrn": row.ubrn,
        "treatment_function": row.treatment_function,
        "referred_on": dated(row.referred_on),
        "provider": row.provider,
        "payer": row.payer,
        "state": state(row.state()),
        "stage": stage(row.stage()),
        "implied": row.implied,
        "lines": row.lines,
    })
}

fn clock_json(clock: &v1::WaitingClock) -> Value {
    let stop = clock.stop_date.map(|_| words(clock.stop().as_str_name(), "STOP_"));
    json!({ "start_date": dated(clock.start_date), "stop_date": dated(clock.stop_date), "stop": stop })
}

fn event_json(event: &v1::ReferralEvent, entries: &[ledger::Entry], evidence: &Evidence<'_>) -> Value {
    let recorded = event.recorded.clone().unwrap_or_default();
    let what = match &event.event {
        Some(Event::Chosen(choice)) => json!({ "chosen": {
            "offered": choice.offered,
            "provider": choice.provider,
            "site": choice.site,
            "no_choice_reason": no_choice(choice),
            "practice": choice.practice,
            "referred_on": dated(choice.referred_on),
        }}),
        Some(Event::Moved(moved)) => {
            let what = moved.r#move.clone().unwrap_or_default();
            json!({ "moved": {
                "what": words(what.kind().as_str_name(), "KIND_"),
                "on": dated(moved.on_date),
                "booked_date": dated(what.booked_date),
                "hrg": what.hrg,
                "provider": what.provider,
                "site": what.site,
            }})
        }
        Some(Event::Line(line)) => json!({ "line": {
            "provider": line.provider,
            "cds_identifier": line.cds_identifier,
            "version": line.version,
            "point_of_delivery": line.point_of_delivery,
            "hrg": line.hrg,
            "activity_date": dated(line.activity_date),
            "claimed_pence": line.claimed_pence,
            "answer": words(line.answer().as_str_name(), "ANSWER_"),
            "accepted_pence": line.accepted_pence,
            "findings": line.findings.iter().map(|finding| finding.code.as_str()).collect::<Vec<_>>(),
            "match": words(line.referral_match().as_str_name(), "REFERRAL_MATCH_"),
            "price": line.steps.iter().map(|step| json!({ "rule": step.code, "text": step.text, "amount": step.amount })).collect::<Vec<_>>(),
        }}),
        Some(Event::Ended(ended)) => {
            json!({ "ended": state(v1::ReferralState::try_from(*ended).unwrap_or_default()) })
        }
        None => json!({}),
    };
    let entry = |entry: &ledger::Entry| {
        let money = evidence.money(entry).into_iter().map(|(account, window, payments)| {
            let payments = payments.into_iter().map(|payment| {
                json!({
                    "run": payment.run,
                    "end_to_end_id": payment.end_to_end_id,
                    "payer": payment.payer,
                    "payee": payment.payee,
                    "pence": payment.pence,
                    "bank": words(payment.state().as_str_name(), "STATE_"),
                    "bank_date": dated(payment.state_date),
                    "bank_reference": payment.remittance_reference,
                })
            });
            json!({ "account": account, "window": window, "payments": payments.collect::<Vec<_>>() })
        });
        json!({
            "entry": name(entry),
            "kind": kind(entry),
            "moved": moved(entry, evidence),
            "windows": money.collect::<Vec<_>>(),
        })
    };
    let mut object = json!({
        "record": recorded.position,
        "business_date": dated(recorded.business_date),
        "ledger": entries.iter().map(entry).collect::<Vec<_>>(),
    });
    if let (Value::Object(into), Value::Object(from)) = (&mut object, what) {
        into.extend(from);
    }
    object
}
