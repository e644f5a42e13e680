//! 22 to 30 August: the run is prepared, approved by another person, paid, and confirmed by the bank.

use super::bank;
use crate::demo::installation::{Installation, SYSTEM};
use crate::demo::stage::{Stage, call};
use anyhow::{Context as _, ensure};
use jiff::civil::{Date, date};
use proto::settlement::v1::{
    self, AdviceFormat, FileKind, settlement_service_client::SettlementServiceClient,
};
use std::{fs, io::Write as _, os::unix::fs::OpenOptionsExt as _, path::Path};

/// What was instructed and what came of it, in pence.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Paid {
    /// Payments instructed.
    pub(crate) payments: u64,
    /// What they come to.
    pub(crate) instructed: i64,
    /// What the bank's statements confirm.
    pub(crate) settled: i64,
    /// What was carried forward.
    pub(crate) carried: i64,
}

/// When the bank pays what it was sent.
const PAID_ON: Date = date(2017, 8, 24);

pub(super) async fn june(stage: &Stage, installation: &Installation) -> anyhow::Result<Paid> {
    stage.progress.scene("August: preparing, approving and paying the run", 4);
    let (preparer, approver) = (stage.of("finance-preparer")?, stage.of("finance-approver")?);
    let prepare = v1::PrepareRunRequest {
        system: SYSTEM.to_owned(),
        request_id: stage.id("prepare run").to_string(),
        cut: Some(v1::Cut { period: "2017-06".to_owned(), stage: v1::CutStage::Freeze.into() }),
        pay_date: Some(wire::common::date(PAID_ON)),
    };
    let prepared = call!(preparer, SettlementServiceClient.prepare_run, prepare)?;
    let run = run_of(prepared.change)?;
    stage.progress.steps(1);
    let approve = v1::ApproveRunRequest {
        system: SYSTEM.to_owned(),
        request_id: stage.id("approve run").to_string(),
        run: run.run.clone(),
        digest: run.digest.clone(),
    };
    call!(approver, SettlementServiceClient.approve_run, approve)?;
    stage.progress.steps(1);
    let pay = v1::PayRunRequest {
        system: SYSTEM.to_owned(),
        request_id: stage.id("pay run").to_string(),
        run: run.run.clone(),
        digest: run.digest.clone(),
    };
    let run = run_of(call!(preparer, SettlementServiceClient.pay_run, pay)?.change)?;
    ensure!(
        run.asks_open_count == 0,
        "the ledger has not answered {} of the run's questions",
        run.asks_open_count
    );
    stage.progress.steps(1);
    let mut paid = Paid {
        payments: u64::from(run.payments_count),
        instructed: run.pay_pence,
        carried: run.carried_pence,
        settled: 0,
    };
    for file in &run.files {
        let content = fetch(stage, installation, &run.run, file).await?;
        if matches!(file.kind(), FileKind::Payments | FileKind::ControlledPayments) {
            paid.settled += confirm(stage, installation, file, &content).await?;
        }
    }
    advices(stage, installation, &run.run).await?;
    let close = v1::CloseRunRequest {
        system: SYSTEM.to_owned(),
        request_id: stage.id("close run").to_string(),
        run: run.run.clone(),
    };
    call!(preparer, SettlementServiceClient.close_run, close)?;
    stage.progress.steps(1);
    Ok(paid)
}

fn run_of(change: Option<v1::RunChange>) -> anyhow::Result<v1::SettlementRun> {
    change.and_then(|change| change.run).context("a run was answered without itself")
}

/// Fetches one of the run's files into `out/`. A file that names people goes to the person who may see it.
async fn fetch(
    stage: &Stage,
    installation: &Installation,
    run: &str,
    file: &v1::RunFile,
) -> anyhow::Result<Vec<u8>> {
    let controlled = file.kind() == FileKind::ControlledPayments;
    let who = stage.of(if controlled { "controlled-finance" } else { "finance-preparer" })?;
    let request =
        v1::GetFileRequest { system: SYSTEM.to_owned(), run: run.to_owned(), name: file.name.clone() };
    let content = call!(who, SettlementServiceClient.get_file, request)?.content;
    ensure!(
        journal::Digest::of(&content).0[..] == file.digest[..],
        "{} is not what the run recorded",
        file.name
    );
    write(&installation.path("out").join(&file.name), &content, if controlled { 0o600 } else { 0o644 })?;
    Ok(content)
}

/// The bank pays the file, and its statement is read back. Returns what that confirms.
async fn confirm(
    stage: &Stage,
    installation: &Installation,
    file: &v1::RunFile,
    instructed: &[u8],
) -> anyhow::Result<i64> {
    let message = bank::statement(instructed, PAID_ON)?;
    let name = file.name.rsplit('/').next().unwrap_or(&file.name);
    write(&installation.path("out/statements").join(format!("camt053-{name}")), &message, 0o600)?;
    let request = v1::RecordBankMessageRequest {
        system: SYSTEM.to_owned(),
        request_id: stage.id(&format!("statement {}", file.name)).to_string(),
        message,
    };
    let answer = call!(stage.of("finance-preparer")?, SettlementServiceClient.record_bank_message, request)?;
    ensure!(answer.differences.is_empty(), "the bank's statement differs: {:?}", answer.differences);
    let settled = answer.totals.iter().filter(|total| total.outcome() == v1::BankEntryOutcome::Settled);
    Ok(settled.map(|total| total.pence).sum())
}

/// Fetches a remittance advice for every payment to an organisation.
async fn advices(stage: &Stage, installation: &Installation, run: &str) -> anyhow::Result<()> {
    let preparer = stage.of("finance-preparer")?;
    let mut page = None;
    loop {
        let request = v1::ListPaymentsRequest {
            system: SYSTEM.to_owned(),
            run: run.to_owned(),
            page: page.take(),
            ..v1::ListPaymentsRequest::default()
        };
        let listed = call!(preparer, SettlementServiceClient.list_payments, request)?;
        for payment in &listed.payments {
            // A plan's payee is a person: there is nobody to advise but the person, who is not written to from here.
            if payment.payee.starts_with("phb-") {
                continue;
            }
            for (format, ending) in [(AdviceFormat::Text, "txt"), (AdviceFormat::Csv, "csv")] {
                let request = v1::GetRemittanceRequest {
                    system: SYSTEM.to_owned(),
                    end_to_end_id: payment.end_to_end_id.clone(),
                    format: format.into(),
                };
                let advice = call!(preparer, SettlementServiceClient.get_remittance, request)?;
                let line = payment.line.replace('/', "-");
                let name = format!("remittance/{}-{line}.{ending}", payment.payee);
                write(&installation.path("out").join(name), &advice.content, 0o644)?;
            }
        }
        let token = listed.page.map(|page| page.next_page_token).unwrap_or_default();
        if token.is_empty() {
            return Ok(());
        }
        page = Some(proto::common::v1::PageRequest { page_size: 0, page_token: token });
    }
}

/// Writes a file that only `mode` may read, in a folder that is made when it is not there.
fn write(path: &Path, content: &[u8], mode: u32) -> anyhow::Result<()> {
    let unwritten = || format!("{} cannot be written", path.display());
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(unwritten)?;
    }
    let mut file =
        fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path).with_context(unwritten)?;
    file.write_all(content).with_context(unwritten)
}
