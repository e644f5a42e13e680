//! What the month came to, read back over the API: for people, as `out/report.json`, and as one line of JSON.

mod compared;

use super::generate::Size;
use super::installation::{Installation, SYSTEM};
use super::scenes::{Played, YEAR};
use super::stage::Stage;
use crate::output;
use anyhow::Context as _;
use comfy_table::{CellAlignment, Table, presets};
use compared::Challenged;
use money::NetPence;
use proto::reconciliation::v1::{
    ControlTotalInForce, CounterpartyClass, LineRow, ListControlTotalsRequest, PayeeRow, TieSummary,
};
use proto::referrals::v1::{ActivityTotal, GetTotalsRequest, GetTotalsResponse};
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};

/// The report.
#[derive(Debug)]
pub(crate) struct Report {
    size: Size,
    played: Played,
    totals: GetTotalsResponse,
    control_totals: Vec<ControlTotalInForce>,
    challenged: Challenged,
    elapsed: Duration,
}

impl Report {
    /// Reads what stands in the books beside the position.
    pub(crate) async fn of(
        stage: &Stage,
        _: &Installation,
        size: Size,
        played: Played,
        elapsed: Duration,
    ) -> anyhow::Result<Self> {
        let lead = stage.of("commissioning-lead")?;
        let request = GetTotalsRequest { system: SYSTEM.to_owned(), ..GetTotalsRequest::default() };
        let totals = lead.ask(request).await?;
        let request = ListControlTotalsRequest {
            system: SYSTEM.to_owned(),
            financial_year: YEAR.to_owned(),
            min_position: None,
        };
        let control_totals = lead.ask(request).await?.control_totals;
        let challenged = Challenged::of(stage, &played.compared).await?;
        Ok(Self { size, played, totals, control_totals, challenged, elapsed })
    }

    fn sum(&self) -> LineRow {
        self.played.position.sum.clone().unwrap_or_default()
    }

    /// Whether the books tie.
    pub(crate) fn ties(&self) -> bool {
        let position = &self.played.position;
        position.trial_balance_pence == 0 && position.unexplained_pence == 0 && position.breaks.is_empty()
    }

    /// The keys of `--json`, to which `report.json` adds the tables.
    fn figures(&self, installation: &Installation) -> Value {
        let (sum, paid, activity) = (self.sum(), self.played.paid, &self.played.activity);
        let mut figures = json!({
            "referrals": self.totals.referrals,
            "referrals_implied": self.totals.referrals_implied,
            "activity_accepted": activity.accepted,
            "activity_contested": activity.contested,
            "activity_unreadable": activity.unreadable,
            "phb_plans": self.played.plans.plans,
            "phb_spends": self.played.plans.spends,
            "allocated_pence": sum.allocated_pence,
            "holds_open_pence": sum.committed_pence,
            "accrued_pence": sum.accrued_pence,
            "contested_pence": sum.contested_pence,
            "available_pence": sum.available_pence,
            "payments": paid.payments,
            "paid_pence": paid.instructed,
            "unexplained_pence": self.played.position.unexplained_pence,
            "trial_balance_pence": self.played.position.trial_balance_pence,
            "elapsed_ms": u64::try_from(self.elapsed.as_millis()).unwrap_or(u64::MAX),
            "seed": self.size.seed,
            "data_dir": installation.folder(),
        });
        extend(&mut figures, self.challenged.figures(&self.played.compared));
        figures
    }

    /// How the ledger's paid is made up of what was instructed.
    fn paid(&self) -> Value {
        let (sum, paid) = (self.sum(), self.played.paid);
        json!({
            "instructed_pence": paid.instructed,
            "settled_pence": paid.settled,
            "carried_pence": paid.carried,
            "in_transit_pence": sum.instructed_pence,
            "returned_pence": paid.returned,
            "received_pence": sum.received_pence,
            "transferred_pence": sum.transferred_pence,
            "ledger_paid_pence": sum.paid_pence,
            "stated_sum": "ledger_paid = instructed - returned - received + transferred",
        })
    }

    /// Writes `out/report.json`.
    pub(crate) fn write(&self, installation: &Installation) -> anyhow::Result<()> {
        let position = &self.played.position;
        let mut report = self.figures(installation);
        let answers = self.played.activity.findings.iter();
        let tables = json!({
            "illustrative": "budgets, contract values, control totals and attendance prices",
            "paid": self.paid(),
            "answers": answers.map(|((answer, reason), lines)| json!([answer, reason, lines])).collect::<Vec<_>>(),
            "phb_refused": self.played.plans.refused,
            "claims": {
                "claimed_pence": position.claimed_pence,
                "accepted_pence": position.accepted_pence,
                "price_difference_pence": position.price_difference_pence,
                "contested_pence": position.contested_pence,
                "unreadable_pence": position.unreadable_pence,
            },
            "lines": position.lines.iter().map(line_json).collect::<Vec<_>>(),
            "payees": position.payees.iter().map(payee_json).collect::<Vec<_>>(),
            "ties": position.ties.iter().map(tie_json).collect::<Vec<_>>(),
            "control_totals": self.control_totals.iter().map(control_json).collect::<Vec<_>>(),
        });
        extend(&mut report, tables);
        extend(&mut report, self.challenged.tables(&self.played.compared));
        let path = installation.path("out").join("report.json");
        let text = serde_json::to_string_pretty(&report)?;
        std::fs::write(&path, text).with_context(|| format!("{} cannot be written", path.display()))
    }

    /// The report as one line.
    pub(crate) fn json_line(&self, installation: &Installation) -> String {
        self.figures(installation).to_string()
    }

    /// Prints the report for people.
    pub(crate) fn print(&self, installation: &Installation) {
        let position = &self.played.position;
        output::line(format_args!("\nBerkshire West ACS, June 2017, as at 31 August 2017 (sandbox)"));
        output::line(format_args!(
            "Budgets, contract values, control totals and attendance prices are illustrative; prices of admitted care \
             are the published ones.\n"
        ));
        output::line(format_args!("Where each budget line stands\n{}", self.positions()));
        output::line(format_args!("\nWho is owed and paid, by class\n{}", self.classes()));
        output::line(format_args!("\nWhat became of providers' claims\n{}", self.activity()));
        output::line(format_args!("\nAnswers to activity lines, by reason\n{}", self.findings()));
        self.challenged.print(&self.played.compared);
        self.print_people();
        output::line(format_args!("\nThe ties, from claim to control total\n{}", self.tie_table()));
        for tie in &position.breaks {
            output::line(format_args!(
                "  {} {}: {} unexplained ({}). {}: {}",
                tie.kind,
                tie.subject,
                NetPence::new(tie.unexplained_pence),
                tie.break_kind,
                tie.owner,
                tie.remedy
            ));
        }
        self.print_control_total();
        output::line(format_args!(
            "\nUnexplained: {}. Debits less credits of all accounts: {}.",
            NetPence::new(position.unexplained_pence),
            NetPence::new(position.trial_balance_pence)
        ));
        self.print_next(installation);
    }

    fn print_people(&self) {
        let (sum, paid, plans) = (self.sum(), self.played.paid, &self.played.plans);
        let (referrals, implied) = (self.totals.referrals, self.totals.referrals_implied);
        output::line(format_args!("\n{referrals} referrals recorded, {implied} more implied by activity."));
        let refused: Vec<String> =
            plans.refused.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
        output::line(format_args!(
            "{} personal health budgets, {} purchases; refused as they must be: {}.",
            plans.plans,
            plans.spends,
            refused.join(", ")
        ));
        let pence = |amount: i64| NetPence::new(amount).to_string();
        output::line(format_args!(
            "{} payments instructed: {}; settled {}, returned {}, received from holders {}, transferred {}: the \
             ledger's paid is {}.",
            paid.payments,
            pence(paid.instructed),
            pence(paid.settled),
            pence(paid.returned),
            pence(sum.received_pence),
            pence(sum.transferred_pence),
            pence(sum.paid_pence)
        ));
    }

    fn print_control_total(&self) {
        let of_system = self.control_totals.iter().find(|row| organisation(row).is_empty());
        let Some(row) = of_system.and_then(|row| row.control_total.as_ref()) else { return };
        let bodies = self.control_totals.len().saturating_sub(1);
        output::line(format_args!(
            "\nControl total of the system (illustrative): {}, the sum of {bodies} bodies; risk reserve {}.",
            NetPence::new(row.total_pence),
            NetPence::new(row.reserve_pence)
        ));
    }

    fn print_next(&self, installation: &Installation) {
        let folder = installation.folder().display();
        output::line(format_args!("Played in {} ms.", self.elapsed.as_millis()));
        output::line(format_args!("\nFiles:"));
        for (name, what) in [
            ("out/payments", "pain.001 for each payer's bank; people's in controlled/"),
            ("out/ledger-of-record", "the same as accounts-payable and journal files"),
            ("out/remittance", "an advice per payee and payer, with a section per site"),
            ("out/statements", "the bank's camt.053 that confirmed them"),
            ("out/report.json", "this report for programs"),
            ("out/challenges", "what a provider is asked about its lines; its answers are in in/"),
            ("in", "what providers and the commissioner sent, as they sent it"),
            ("clients", "a connection profile for each kind of caller"),
        ] {
            output::line(format_args!("  {folder}/{name:<22} {what}"));
        }
        output::line(format_args!("\nWhat to try next:"));
        output::line(format_args!(
            "  almoner serve --config {folder}/almoner.toml     # the same services, up"
        ));
        output::line(format_args!("  almoner status --profile {folder}/clients/operator.toml"));
        output::line(format_args!("  almoner ledger position --profile {folder}/clients/auditor.toml"));
    }

    fn positions(&self) -> Table {
        let heading =
            ["budget line", "allocated", "committed", "accrued", "of it contested", "paid", "available"];
        let mut table = table(&heading);
        let columns = |line: &LineRow| {
            [
                line.allocated_pence,
                line.committed_pence,
                line.accrued_pence,
                line.contested_pence,
                line.paid_pence,
                line.available_pence,
            ]
        };
        for line in &self.played.position.lines {
            table.add_row(row(&line.line, &columns(line)));
        }
        table.add_row(row("all lines", &columns(&self.sum())));
        table
    }

    fn classes(&self) -> Table {
        let mut table = table(&["payer", "class", "accepted", "accrued", "of it contested", "paid"]);
        let mut rows: BTreeMap<(&str, i32), [i64; 4]> = BTreeMap::new();
        for payee in &self.played.position.payees {
            let payer = payee.line.split('/').next().unwrap_or_default();
            let paid = payee.instructed_pence.saturating_add(payee.settled_pence);
            let figures = [payee.accepted_pence, payee.accrued_pence, payee.contested_pence, paid];
            for (sum, figure) in rows.entry((payer, payee.class)).or_default().iter_mut().zip(figures) {
                *sum = sum.saturating_add(figure);
            }
        }
        for ((payer, class), figures) in rows {
            let mut cells = row(payer, &figures);
            cells.insert(1, class_word(class).to_owned());
            table.add_row(cells);
        }
        table
    }

    fn activity(&self) -> Table {
        let heading = ["provider", "claimed", "accepted", "price difference", "contested", "unreadable"];
        let mut table = table(&heading);
        let mut by_provider: BTreeMap<&str, [i64; 5]> = BTreeMap::new();
        for total in &self.totals.totals {
            let sums = by_provider.entry(&total.provider).or_default();
            for (sum, figure) in sums.iter_mut().zip(parts(total)) {
                *sum = sum.saturating_add(figure);
            }
        }
        let mut all = [0_i64; 5];
        for (provider, sums) in by_provider {
            table.add_row(row(provider, &sums));
            for (sum, figure) in all.iter_mut().zip(sums) {
                *sum = sum.saturating_add(figure);
            }
        }
        table.add_row(row("all providers", &all));
        table
    }

    fn findings(&self) -> Table {
        let mut table = table(&["answer", "reason", "lines"]);
        let activity = &self.played.activity;
        let answers = [
            ("accepted", activity.accepted),
            ("contested", activity.contested),
            ("unreadable", activity.unreadable),
        ];
        for (answer, lines) in answers {
            table.add_row([answer.to_owned(), String::new(), lines.to_string()]);
            for ((of, reason), count) in &activity.findings {
                if *of == answer {
                    table.add_row([String::new(), reason.clone(), count.to_string()]);
                }
            }
        }
        table
    }

    fn tie_table(&self) -> Table {
        let mut table =
            table(&["left", "right", "ties", "left", "right", "named differences", "unexplained"]);
        for tie in &self.played.position.ties {
            let named: i64 = tie.named.iter().map(|row| row.pence).sum();
            let mut cells =
                row(&tie.left_words, &[tie.left_pence, tie.right_pence, named, tie.unexplained_pence]);
            cells.insert(1, tie.right_words.clone());
            cells.insert(2, tie.ties_count.to_string());
            table.add_row(cells);
        }
        table
    }
}

/// Adds the keys of `more` to an object.
fn extend(object: &mut Value, more: Value) {
    if let (Value::Object(object), Value::Object(more)) = (object, more) {
        object.extend(more);
    }
}

fn parts(total: &ActivityTotal) -> [i64; 5] {
    [
        total.claimed_pence,
        total.accepted_pence,
        total.price_difference_pence,
        total.contested_pence,
        total.unreadable_pence,
    ]
}

fn class_word(class: i32) -> &'static str {
    match CounterpartyClass::try_from(class) {
        Ok(CounterpartyClass::InSystem) => "in-system",
        Ok(CounterpartyClass::OtherNhs) => "other NHS",
        Ok(CounterpartyClass::ThirdParty) => "third-party",
        Ok(CounterpartyClass::Phb) => "personal health budgets",
        Ok(CounterpartyClass::WrittenOff) => "written off",
        Ok(CounterpartyClass::Unspecified) | Err(_) => "unknown",
    }
}

fn organisation(row: &ControlTotalInForce) -> &str {
    row.control_total.as_ref().map_or("", |row| row.organisation.as_str())
}

fn line_json(line: &LineRow) -> Value {
    json!({
        "line": line.line,
        "allocated_pence": line.allocated_pence,
        "committed_pence": line.committed_pence,
        "accrued_pence": line.accrued_pence,
        "contested_pence": line.contested_pence,
        "paid_pence": line.paid_pence,
        "instructed_pence": line.instructed_pence,
        "settled_pence": line.settled_pence,
        "returned_pence": line.returned_pence,
        "received_pence": line.received_pence,
        "transferred_pence": line.transferred_pence,
        "available_pence": line.available_pence,
        "expenditure_pence": line.expenditure_pence,
    })
}

fn payee_json(payee: &PayeeRow) -> Value {
    json!({
        "line": payee.line,
        "payee": payee.payee,
        "class": class_word(payee.class),
        "accepted_pence": payee.accepted_pence,
        "accrued_pence": payee.accrued_pence,
        "contested_pence": payee.contested_pence,
        "instructed_pence": payee.instructed_pence,
        "settled_pence": payee.settled_pence,
        "returned_pence": payee.returned_pence,
    })
}

fn tie_json(tie: &TieSummary) -> Value {
    json!({
        "kind": tie.kind,
        "left": tie.left_words,
        "right": tie.right_words,
        "ties": tie.ties_count,
        "breaks": tie.breaks_count,
        "left_pence": tie.left_pence,
        "right_pence": tie.right_pence,
        "named": tie.named.iter().map(|row| json!([row.kind, row.pence])).collect::<Vec<_>>(),
        "unexplained_pence": tie.unexplained_pence,
    })
}

fn control_json(row: &ControlTotalInForce) -> Value {
    let total = row.control_total.clone().unwrap_or_default();
    json!({
        "organisation": if total.organisation.is_empty() { "the system" } else { &total.organisation },
        "total_pence": total.total_pence,
        "reserve_pence": total.reserve_pence,
        "illustrative": row.illustrative,
    })
}

fn table(heading: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY).set_header(heading.to_vec());
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn row(name: &str, pence: &[i64]) -> Vec<String> {
    std::iter::once(name.to_owned())
        .chain(pence.iter().map(|pence| NetPence::new(*pence).to_string()))
        .collect()
}
