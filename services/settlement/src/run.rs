//! The steps of a run that need nobody but its journal: approve, cancel, close.

use crate::{
    Adapter,
    adapter::{content_of, recorded},
};
use access::Caller;
use journal::SystemName;
use proto::settlement::v1;
use settlement::{ApproveRun, Command, RunStep, StepRun, WaiveWitnesses};
use tonic::Status;
use wire::settlement::inward::{self, OfRun};

impl Adapter {
    pub(crate) async fn approve(
        &self,
        caller: &Caller,
        message: v1::ApproveRunRequest,
    ) -> Result<v1::ApproveRunResponse, Status> {
        let (system, of, digest) = inward::approve_run(&message)?;
        let pins = Some(self.pins(&system).await?);
        let command = Command::ApproveRun(ApproveRun { run: of.run, digest, pins });
        let change = self.step_with(caller, &system, of, command).await?;
        Ok(v1::ApproveRunResponse { change: Some(change) })
    }

    pub(crate) async fn waive(
        &self,
        caller: &Caller,
        message: v1::WaiveWitnessesRequest,
    ) -> Result<v1::WaiveWitnessesResponse, Status> {
        let (system, of, digest, reason) = inward::waive_witnesses(message)?;
        let command = Command::WaiveWitnesses(WaiveWitnesses { run: of.run, digest, reason });
        let change = self.step_with(caller, &system, of, command).await?;
        Ok(v1::WaiveWitnessesResponse { change: Some(change) })
    }

    pub(crate) async fn cancel(
        &self,
        caller: &Caller,
        message: v1::CancelRunRequest,
    ) -> Result<v1::CancelRunResponse, Status> {
        let (system, of, reason) = inward::cancel_run(message)?;
        let command = Command::StepRun(StepRun { run: of.run, step: RunStep::Cancel, reason });
        let change = self.step_with(caller, &system, of, command).await?;
        Ok(v1::CancelRunResponse { change: Some(change) })
    }

    pub(crate) async fn close(
        &self,
        caller: &Caller,
        message: v1::CloseRunRequest,
    ) -> Result<v1::CloseRunResponse, Status> {
        let (system, of) = inward::close_run(&message)?;
        let command = Command::StepRun(StepRun { run: of.run, step: RunStep::Close, reason: String::new() });
        let change = self.step_with(caller, &system, of, command).await?;
        Ok(v1::CloseRunResponse { change: Some(change) })
    }

    /// Records one step of a run and answers the run after it.
    pub(crate) async fn step_with(
        &self,
        caller: &Caller,
        system: &SystemName,
        of: OfRun,
        command: Command,
    ) -> Result<v1::RunChange, Status> {
        let handle = self.journal(system).await?;
        let said = match &command {
            // What the approver says; the pins are the service's to add.
            Command::ApproveRun(step) => content_of((1_u8, (step.run, step.digest))),
            Command::PayRun(step) => content_of((2_u8, step)),
            Command::StepRun(step) => content_of((3_u8, step)),
            Command::WaiveWitnesses(step) => content_of((4_u8, step)),
            Command::AdoptReference(_)
            | Command::FallDue(_)
            | Command::SettleAsks(_)
            | Command::PrepareRun(_)
            | Command::RecordFiles(_)
            | Command::WitnessRun(_)
            | Command::RecordBankMessage(_) => content_of(0_u8),
        };
        let (answer, _) = self.submit(&handle, caller, (of.request_id, said), command).await?;
        let run = self.run_message(&handle, of.run).await?;
        Ok(v1::RunChange { recorded: Some(recorded(&answer)), run })
    }
}
