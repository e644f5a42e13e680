//! Control totals agreed at the start, and at the end the position with every tie.

use crate::demo::installation::{Installation, SYSTEM};
use crate::demo::stage::Stage;
use crate::demo::world::World;
use anyhow::Context as _;
use money::Side;
use payments::{BankAccount, camt053};
use proto::reconciliation::v1;
use std::{collections::BTreeMap, fs};

/// The year that is played.
pub(crate) const YEAR: &str = "2017-18";

/// One person proposes what the bodies and the system have to achieve, another agrees.
pub(super) async fn control_totals(stage: &Stage, world: &World) -> anyhow::Result<()> {
    stage.progress.scene("Agreeing on control totals (illustrative figures)", 2);
    let of_year = || world.control_totals.iter().filter(|row| row.financial_year.to_string() == YEAR);
    let mut control_totals = vec![v1::ControlTotal {
        organisation: String::new(),
        total_pence: of_year().map(|row| row.total.get()).sum(),
        reserve_pence: of_year().map(|row| row.reserve.get()).sum(),
    }];
    control_totals.extend(of_year().map(|row| v1::ControlTotal {
        organisation: row.organisation.to_string(),
        total_pence: row.total.get(),
        reserve_pence: row.reserve.get(),
    }));
    let propose = v1::ProposeControlTotalsRequest {
        system: SYSTEM.to_owned(),
        request_id: stage.id("control totals").to_string(),
        financial_year: YEAR.to_owned(),
        control_totals,
        source: "Illustrative: made for this demonstration".to_owned(),
        illustrative: true,
    };
    let proposal = stage.of("finance-preparer")?.ask(propose).await?.proposal;
    let proposal = proposal.context("a proposal was answered without itself")?;
    stage.progress.steps(1);
    let approve = v1::ApproveControlTotalsRequest {
        system: SYSTEM.to_owned(),
        request_id: stage.id("approve control totals").to_string(),
        proposal: proposal.proposal,
        digest: proposal.digest,
    };
    stage.of("finance-approver")?.ask(approve).await?;
    stage.progress.steps(1);
    Ok(())
}

/// Ties everything and keeps the position for the file.
pub(super) async fn position(
    stage: &Stage,
    statements: Vec<v1::StatementTotal>,
) -> anyhow::Result<v1::Position> {
    stage.progress.scene("31 August: tying claims, ledger, payments, bank and control total", 1);
    let request = v1::RecordPositionRequest {
        system: SYSTEM.to_owned(),
        request_id: stage.id("position").to_string(),
        financial_year: YEAR.to_owned(),
        statements,
    };
    let answer = stage.of("finance-preparer")?.ask(request).await?;
    stage.progress.steps(1);
    answer.position.context("the position was answered without itself")
}

/// What the statements under `out/statements/` say of each payer's account, read here and not by settlement.
pub(super) fn statements(
    installation: &Installation,
    world: &World,
) -> anyhow::Result<Vec<v1::StatementTotal>> {
    let mut totals: BTreeMap<String, (i64, i64)> = BTreeMap::new();
    let folder = installation.path("out/statements");
    let files = fs::read_dir(&folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    for file in files {
        let path = file?.path();
        let bytes = fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        for statement in camt053::read(&bytes).context("a statement cannot be read")? {
            let of = world.bank_details.iter().find(|row| {
                let account = BankAccount::parse(&format!("{} {}", row.sort_code, row.account_number));
                account.is_ok_and(|account| statement.account.is(&account))
            });
            let payer = of.context("a statement of an account that is nobody's")?.organisation.clone();
            let (debits, credits) = totals.entry(payer).or_default();
            for entry in &statement.entries {
                match entry.side {
                    Side::Debit => *debits += entry.amount.get(),
                    Side::Credit => *credits += entry.amount.get(),
                }
            }
        }
    }
    let total =
        |(payer, (debits_pence, credits_pence))| v1::StatementTotal { payer, debits_pence, credits_pence };
    Ok(totals.into_iter().map(total).collect())
}
