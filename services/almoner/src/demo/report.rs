//! What the month came to, read back over the API: for people, as `out/report.json`, and as one line of JSON.

use super::generate::Size;
use super::installation::{Installation, SYSTEM};
use super::scenes::Played;
use super::stage::{Stage, call};
use crate::output;
use anyhow::Context as _;
use comfy_table::{CellAlignment, Table, presets};
use money::{NetPence, TotalPence};
use proto::ledger::v1::{
    GetTrialBalanceRequest, LinePosition, ListLinePositionsRequest,
    ledger_service_client::LedgerServiceClient,
};
use proto::referrals::v1::{
    ActivityTotal, GetTotalsRequest, GetTotalsResponse, referrals_service_client::ReferralsServiceClient,
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};

/// The report.
#[derive(Debug)]
pub(crate) struct Report {
    size: Size,
    played: Played,
    lines: Vec<LinePosition>,
    totals: GetTotalsResponse,
    trial_balance: i64,
    elapsed: Duration,
}

impl Report {
    /// Reads what stands in the books.
    pub(crate) async fn of(
        stage: &Stage,
        _: &Installation,
        size: Size,
        played: Played,
        elapsed: Duration,
    ) -> anyhow::Result<Self> {
        stage.progress.scene("Reading the books back", 3);
        let auditor = stage.of("auditor")?;
        let request = ListLinePositionsRequest { system: SYSTEM.to_owned(), page: None, min_position: None };
        let lines = call!(auditor, LedgerServiceClient.list_line_positions, request)?.positions;
        let request = GetTrialBalanceRequest { system: SYSTEM.to_owned(), min_position: None };
        let trial_balance = call!(auditor, LedgerServiceClient.get_trial_balance, request)?.difference_pence;
        let request = GetTotalsRequest { system: SYSTEM.to_owned(), ..GetTotalsRequest::default() };
        let totals = call!(auditor, ReferralsServiceClient.get_totals, request)?;
        stage.progress.steps(3);
        Ok(Self { size, played, lines, totals, trial_balance, elapsed })
    }

    /// What is not explained: every difference between claimed and its parts, and between a line's allocation and its
    /// parts.
    fn unexplained(&self) -> i128 {
        let activity = self.totals.totals.iter().map(|total| {
            i128::from(total.claimed_pence)
                - i128::from(total.accepted_pence)
                - i128::from(total.price_difference_pence)
                - i128::from(total.contested_pence)
                - i128::from(total.unreadable_pence)
        });
        let lines = self.lines.iter().map(|line| {
            i128::from(line.allocated_pence)
                - i128::from(line.committed_pence)
                - i128::from(line.accrued_pence)
                - i128::from(line.paid_pence)
                - i128::from(line.available_pence)
        });
        activity.chain(lines).map(i128::abs).sum()
    }

    /// Whether the books tie.
    pub(crate) fn ties(&self) -> bool {
        self.trial_balance == 0 && self.unexplained() == 0
    }

    fn json(&self, installation: &Installation) -> Value {
        let sum = |of: fn(&LinePosition) -> i64| self.lines.iter().map(of).fold(0_i64, i64::saturating_add);
        json!({
            "referrals": self.totals.referrals,
            "referrals_implied": self.totals.referrals_implied,
            "activity_accepted": self.played.activity.accepted,
            "activity_contested": self.played.activity.contested,
            "activity_unreadable": self.played.activity.unreadable,
            "holds_open_pence": sum(|line| line.committed_pence),
            "accrued_pence": sum(|line| line.accrued_pence),
            "paid_pence": self.played.paid.instructed,
            "payments": self.played.paid.payments,
            "settled_pence": self.played.paid.settled,
            "carried_pence": self.played.paid.carried,
            "unexplained_pence": i64::try_from(self.unexplained()).unwrap_or(i64::MAX),
            "trial_balance_pence": self.trial_balance,
            "elapsed_ms": u64::try_from(self.elapsed.as_millis()).unwrap_or(u64::MAX),
            "seed": self.size.seed,
            "data_dir": installation.folder(),
        })
    }

    /// Writes `out/report.json`.
    pub(crate) fn write(&self, installation: &Installation) -> anyhow::Result<()> {
        let path = installation.path("out").join("report.json");
        let text = serde_json::to_string_pretty(&self.json(installation))?;
        std::fs::write(&path, text).with_context(|| format!("{} cannot be written", path.display()))
    }

    /// The report as one line.
    pub(crate) fn json_line(&self, installation: &Installation) -> String {
        self.json(installation).to_string()
    }

    /// Prints the report for people.
    pub(crate) fn print(&self, installation: &Installation) {
        output::line(format_args!("\nBerkshire West ACS, June 2017, as at 31 August 2017 (sandbox)"));
        output::line(format_args!("Budgets, contract values and attendance prices are illustrative.\n"));
        output::line(format_args!("{}", self.positions()));
        output::line(format_args!("\n{}", self.activity()));
        output::line(format_args!("\n{}", self.findings()));
        let referrals = self.totals.referrals;
        output::line(format_args!(
            "\n{referrals} referrals recorded, {} implied by a first attendance.",
            self.totals.referrals_implied
        ));
        output::line(format_args!(
            "Debits less credits of all accounts: {}. Unexplained: {}.",
            NetPence::new(self.trial_balance),
            TotalPence::new(self.unexplained())
        ));
        output::line(format_args!(
            "Played in {} s. Files: {}",
            self.elapsed.as_secs(),
            installation.path("out").display()
        ));
        let folder = installation.folder().display();
        output::line(format_args!("\nWhat to try next:"));
        output::line(format_args!("  almoner serve --config {folder}/almoner.toml"));
        output::line(format_args!("  almoner ledger positions --profile {folder}/clients/auditor.toml"));
        output::line(format_args!("  almoner audit verify --from {folder}/data"));
    }

    fn positions(&self) -> Table {
        let heading =
            ["budget line", "allocated", "committed", "accrued", "of it contested", "paid", "available"];
        let mut table = table(&heading);
        for line in &self.lines {
            let figures = [
                line.allocated_pence,
                line.committed_pence,
                line.accrued_pence,
                line.contested_pence,
                line.paid_pence,
                line.available_pence,
            ];
            table.add_row(row(&line.line, &figures));
        }
        table
    }

    fn activity(&self) -> Table {
        let heading = ["provider", "claimed", "accepted", "price difference", "contested", "unreadable"];
        let mut table = table(&heading);
        let mut by_provider: BTreeMap<&str, [i64; 5]> = BTreeMap::new();
        for total in &self.totals.totals {
            let sums = by_provider.entry(&total.provider).or_default();
            for (sum, figure) in sums.iter_mut().zip(figures(total)) {
                *sum = sum.saturating_add(figure);
            }
        }
        for (provider, sums) in by_provider {
            table.add_row(row(provider, &sums));
        }
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
}

fn figures(total: &ActivityTotal) -> [i64; 5] {
    [
        total.claimed_pence,
        total.accepted_pence,
        total.price_difference_pence,
        total.contested_pence,
        total.unreadable_pence,
    ]
}

fn table(heading: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_header(heading.to_vec());
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
