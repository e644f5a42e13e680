//! What the ledger said to a request.

use health_budgets::{Command, HealthBudgets, SettleAsk, State};
use journal::{Domain as _, NoBlobs, Position, RecordView};
use proto::health_budgets::v1;
use server::journals::Handle;
use std::time::Duration;
use tokio::time::Instant;
use tonic::Status;
use wire::{health_budgets as convert, status};

/// How long an answer waits for the ledger before it says that it is pending.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);

/// The decision on what the record at `record` asked; pending when there is none within `patience`.
pub(crate) async fn decision(
    handle: &Handle<HealthBudgets>,
    record: Position,
    patience: Duration,
) -> Result<v1::LedgerDecision, Status> {
    let deadline = Instant::now() + patience;
    loop {
        let seen = handle.durable_count();
        let answer = handle.read(None, move |state: &State, _| state.answer(record)).await?;
        if let Some(answer) = answer {
            return settled(handle, answer);
        }
        let grown = tokio::time::timeout_at(deadline, handle.durable_beyond(seen)).await;
        if !matches!(grown, Ok(Some(_))) {
            return Ok(convert::pending());
        }
    }
}

fn settled(handle: &Handle<HealthBudgets>, answer: Position) -> Result<v1::LedgerDecision, Status> {
    let bytes = handle.record(answer)?.ok_or_else(status::damaged)?;
    let view = RecordView::parse(&bytes).map_err(|_| status::damaged())?;
    let decoded = HealthBudgets::decode(view.header.kind, view.body, &NoBlobs);
    let (command, _) = decoded.map_err(|_| status::damaged())?;
    let Command::SettleAsk(SettleAsk { answer, .. }) = command else { return Err(status::damaged()) };
    Ok(convert::decision(&answer))
}
