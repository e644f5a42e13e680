//! Runs: prepared, approved by another person, paid, and confirmed by the bank. Instalments are paid in the month in which they
//! fall due, activity after its freeze.

use super::bank::{Bank, Made};
use crate::demo::installation::{Installation, SYSTEM};
use crate::demo::stage::Stage;
use anyhow::{Context as _, ensure};
use jiff::civil::{Date, date};
use proto::settlement::v1::{self, AdviceFormat, BankEntryOutcome, CutStage, FileKind};

/// What was instructed and what came of it, in pence.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Paid {
    /// Payments instructed.
    pub(crate) payments: u64,
    /// What they come to.
    pub(crate) instructed: i64,
    /// What the bank's statements confirm.
    pub(crate) settled: i64,
    /// What came back.
    pub(crate) returned: i64,
    /// What the last run carried forward.
    pub(crate) carried: i64,
}

/// A run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Due {
    /// For the progress and the request ids.
    name: &'static str,
    /// The newest cut that it pays.
    cut: (&'static str, CutStage),
    /// When the bank pays it.
    pay_on: Date,
    /// When one direct payment of it comes back, if one does.
    returned_on: Option<Date>,
}

/// The runs of the summer.
pub(super) const RUNS: [Due; 3] = [
    Due {
        name: "June: the run of instalments",
        cut: ("2017-05", CutStage::Flex),
        pay_on: date(2017, 7, 3),
        returned_on: None,
    },
    Due {
        name: "July: the run of instalments",
        cut: ("2017-05", CutStage::Freeze),
        pay_on: date(2017, 8, 1),
        returned_on: Some(date(2017, 8, 4)),
    },
    Due {
        name: "August: the run of June's frozen activity",
        cut: ("2017-06", CutStage::Freeze),
        pay_on: date(2017, 8, 24),
        returned_on: None,
    },
];

/// Prepares, approves, pays and confirms a run. Moves the clock to the morning after the bank has paid.
pub(super) async fn run(
    stage: &Stage,
    installation: &Installation,
    due: &Due,
    bank: &mut Bank,
    paid: &mut Paid,
) -> anyhow::Result<()> {
    stage.progress.scene(format!("{}: prepared, approved, paid", due.name), 4);
    let run = agreed(stage, due).await?;
    let pay = v1::PayRunRequest {
        system: SYSTEM.to_owned(),
        request_id: stage.id(&format!("pay {}", due.name)).to_string(),
        run: run.run.clone(),
        digest: run.digest.clone(),
    };
    let change = stage.of("finance-preparer")?.ask(pay).await?.change;
    let run = finished(stage, run_of(change)?).await?;
    stage.progress.steps(1);
    paid.payments += u64::from(run.payments_count);
    paid.instructed += run.pay_pence;
    paid.carried = run.carried_pence;
    let (mut made, mut direct) = (Vec::new(), None);
    for file in &run.files {
        let content = fetch(stage, installation, &run.run, file).await?;
        if matches!(file.kind(), FileKind::Payments | FileKind::ControlledPayments) {
            let of_file = Bank::pay(&content)?;
            if file.kind() == FileKind::ControlledPayments {
                // The order of a file follows from ids that are drawn anew in each play; the largest amount does not.
                direct = of_file.iter().cloned().chain(direct).max_by_key(|payment| payment.amount);
            }
            made.extend(of_file);
        }
    }
    confirm(stage, installation, due, bank, &made, paid).await?;
    advices(stage, installation, &run.run).await?;
    let close = v1::CloseRunRequest {
        system: SYSTEM.to_owned(),
        request_id: stage.id(&format!("close {}", due.name)).to_string(),
        run: run.run.clone(),
    };
    stage.of("finance-preparer")?.ask(close).await?;
    if let (Some(on), Some(payment)) = (due.returned_on, direct) {
        comes_back(stage, installation, bank, &payment, on, paid).await?;
    }
    stage.progress.steps(1);
    Ok(())
}

/// The run as two people agreed to it.
async fn agreed(stage: &Stage, due: &Due) -> anyhow::Result<v1::SettlementRun> {
    let (period, cut) = due.cut;
    let prepare = v1::PrepareRunRequest {
        system: SYSTEM.to_owned(),
        request_id: stage.id(&format!("prepare {}", due.name)).to_string(),
        cut: Some(v1::Cut { period: period.to_owned(), stage: cut.into() }),
        pay_date: Some(wire::common::date(due.pay_on)),
    };
    let prepared = stage.of("finance-preparer")?.ask(prepare).await?;
    let run = run_of(prepared.change)?;
    stage.progress.steps(1);
    let approve = v1::ApproveRunRequest {
        system: SYSTEM.to_owned(),
        request_id: stage.id(&format!("approve {}", due.name)).to_string(),
        run: run.run.clone(),
        digest: run.digest.clone(),
    };
    stage.of("finance-approver")?.ask(approve).await?;
    stage.progress.steps(1);
    Ok(run)
}

/// Waits until the run's files are written: a large one goes on by itself after the call has answered.
async fn finished(stage: &Stage, mut run: v1::SettlementRun) -> anyhow::Result<v1::SettlementRun> {
    const PATIENCE: std::time::Duration = std::time::Duration::from_secs(120);
    let began = std::time::Instant::now();
    while run.files.is_empty() || run.asks_open_count > 0 {
        ensure!(
            began.elapsed() < PATIENCE,
            "the run's files are not written: {} asks open",
            run.asks_open_count
        );
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        let get = v1::GetRunRequest { system: SYSTEM.to_owned(), run: run.run.clone(), min_position: None };
        let answer = stage.of("finance-preparer")?.ask(get).await?;
        run = answer.run.context("a run was answered without itself")?;
    }
    Ok(run)
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
    let content = who.ask(request).await?.content;
    ensure!(
        journal::Digest::of(&content).0[..] == file.digest[..],
        "{} is not what the run recorded",
        file.name
    );
    installation.write(&format!("out/{}", file.name), &content, if controlled { 0o600 } else { 0o644 })?;
    Ok(content)
}

/// The bank has paid what it was sent, and its statements are read back.
async fn confirm(
    stage: &Stage,
    installation: &Installation,
    due: &Due,
    bank: &mut Bank,
    made: &[Made],
    paid: &mut Paid,
) -> anyhow::Result<()> {
    stage.advance(due.pay_on.tomorrow()?, 9).await?;
    for message in bank.statements(made, due.pay_on)? {
        let totals = read_back(stage, installation, &message.name, message.bytes).await?;
        paid.settled += sum(&totals, BankEntryOutcome::Settled);
    }
    Ok(())
}

/// One direct payment comes back: it is owed again, and the next run pays it again.
async fn comes_back(
    stage: &Stage,
    installation: &Installation,
    bank: &mut Bank,
    payment: &Made,
    on: Date,
    paid: &mut Paid,
) -> anyhow::Result<()> {
    stage.advance(on, 18).await?;
    let message = bank.returned(payment, on)?;
    let totals = read_back(stage, installation, &message.name, message.bytes).await?;
    paid.returned += sum(&totals, BankEntryOutcome::Returned);
    Ok(())
}

fn sum(totals: &[v1::BankEntryTotal], outcome: BankEntryOutcome) -> i64 {
    totals.iter().filter(|total| total.outcome() == outcome).map(|total| total.pence).sum()
}

/// Keeps a statement, and has finance record it.
async fn read_back(
    stage: &Stage,
    installation: &Installation,
    name: &str,
    message: Vec<u8>,
) -> anyhow::Result<Vec<v1::BankEntryTotal>> {
    installation.write(&format!("out/statements/{name}"), &message, 0o600)?;
    let request = v1::RecordBankMessageRequest {
        system: SYSTEM.to_owned(),
        request_id: stage.id(&format!("statement {name}")).to_string(),
        message,
    };
    let answer = stage.of("finance-preparer")?.ask(request).await?;
    ensure!(answer.differences.is_empty(), "the bank's statement differs: {:?}", answer.differences);
    Ok(answer.totals)
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
        let listed = preparer.ask(request).await?;
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
                let advice = preparer.ask(request).await?;
                let line = payment.line.replace('/', "-");
                let name =
                    format!("out/remittance/{}-{line}-{}.{ending}", payment.payee, payment.end_to_end_id);
                installation.write(&name, &advice.content, 0o644)?;
            }
        }
        let token = listed.page.map(|page| page.next_page_token).unwrap_or_default();
        if token.is_empty() {
            return Ok(());
        }
        page = Some(proto::common::v1::PageRequest { page_size: 0, page_token: token });
    }
}
