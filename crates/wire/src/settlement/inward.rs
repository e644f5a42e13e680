//! Requests inward: every bad field at once.

use crate::{Fields, Violations};
use ::settlement::Payee;
use journal::{Day, Digest, Position, RequestId, SystemName};
use nhs::{OdsCode, Period};
use proto::settlement::v1;
use reference::{Cut, Stage};

/// The largest bank message that is taken, in bytes: what fits one request with room for the rest of it.
pub const BANK_MESSAGE_BYTES_MAX: usize = 3_670_016;

/// A run to be prepared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prepare {
    /// The attempt, and the run's id.
    pub request_id: RequestId,
    /// The newest cut to pay.
    pub cut: Cut,
    /// When to pay; the next working day when not said.
    pub pay_on: Option<Day>,
}

/// A run to be prepared.
pub fn prepare_run(message: &v1::PrepareRunRequest) -> Result<(SystemName, Prepare), Violations> {
    let v1::PrepareRunRequest { system, request_id, cut, pay_date } = message;
    let mut fields = Fields::new();
    let system = fields.system("system", system);
    let request_id = fields.request_id("request_id", request_id);
    let cut = fields.required("cut", cut.as_ref());
    let cut = cut.and_then(|message| fields.within("cut", |fields| cut_of(fields, message)));
    let pay_on = fields.date_optional("pay_date", *pay_date);
    let (system, request_id, cut, pay_on) = fields.known((system, request_id, cut, pay_on))?;
    Ok((system, Prepare { request_id, cut, pay_on: pay_on.map(Day::from) }))
}

fn cut_of(fields: &mut Fields, message: &v1::Cut) -> Option<Cut> {
    let v1::Cut { period, stage } = message;
    let period = fields.parse::<Period>("period", period);
    let stage = fields.one_of("stage", *stage, |stage| match stage {
        v1::CutStage::Flex => Some(Stage::Flex),
        v1::CutStage::Freeze => Some(Stage::Freeze),
        v1::CutStage::Unspecified => None,
    });
    Some(Cut { period: period?, stage: stage? })
}

/// A call about one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfRun {
    /// The attempt.
    pub request_id: RequestId,
    /// The run.
    pub run: RequestId,
}

fn of_run(
    fields: &mut Fields,
    system: &str,
    request_id: &str,
    run: &str,
) -> (Option<SystemName>, Option<OfRun>) {
    let system = fields.system("system", system);
    let request_id = fields.request_id("request_id", request_id);
    let run = fields.request_id("run", run);
    (system, request_id.zip(run).map(|(request_id, run)| OfRun { request_id, run }))
}

/// An approval.
pub fn approve_run(message: &v1::ApproveRunRequest) -> Result<(SystemName, OfRun, Digest), Violations> {
    let v1::ApproveRunRequest { system, request_id, run, digest } = message;
    let mut fields = Fields::new();
    let (system, of) = of_run(&mut fields, system, request_id, run);
    let digest = fields.digest("digest", digest);
    fields.known((system, of, digest))
}

/// Witnesses to be done without, and why.
pub fn waive_witnesses(
    message: v1::WaiveWitnessesRequest,
) -> Result<(SystemName, OfRun, Digest, String), Violations> {
    let v1::WaiveWitnessesRequest { system, request_id, run, digest, reason } = message;
    let mut fields = Fields::new();
    let (system, of) = of_run(&mut fields, &system, &request_id, &run);
    let digest = fields.digest("digest", &digest);
    let (system, of, digest) = fields.known((system, of, digest))?;
    Ok((system, of, digest, reason))
}

/// A payment of a run.
pub fn pay_run(message: &v1::PayRunRequest) -> Result<(SystemName, OfRun, Digest), Violations> {
    let v1::PayRunRequest { system, request_id, run, digest } = message;
    let mut fields = Fields::new();
    let (system, of) = of_run(&mut fields, system, request_id, run);
    let digest = fields.digest("digest", digest);
    fields.known((system, of, digest))
}

/// A run to be resumed.
pub fn resume_run(message: &v1::ResumeRunRequest) -> Result<(SystemName, OfRun), Violations> {
    let v1::ResumeRunRequest { system, request_id, run } = message;
    let mut fields = Fields::new();
    let (system, of) = of_run(&mut fields, system, request_id, run);
    fields.known((system, of))
}

/// A run to be closed.
pub fn close_run(message: &v1::CloseRunRequest) -> Result<(SystemName, OfRun), Violations> {
    let v1::CloseRunRequest { system, request_id, run } = message;
    let mut fields = Fields::new();
    let (system, of) = of_run(&mut fields, system, request_id, run);
    fields.known((system, of))
}

/// A run to be given up, and why.
pub fn cancel_run(message: v1::CancelRunRequest) -> Result<(SystemName, OfRun, String), Violations> {
    let v1::CancelRunRequest { system, request_id, run, reason } = message;
    let mut fields = Fields::new();
    let (system, of) = of_run(&mut fields, &system, &request_id, &run);
    let (system, of) = fields.known((system, of))?;
    Ok((system, of, reason))
}

/// A bank's message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FromBank {
    /// The attempt.
    pub request_id: RequestId,
    /// The message as it came.
    pub bytes: Vec<u8>,
}

/// A bank's message.
pub fn record_bank_message(
    message: v1::RecordBankMessageRequest,
) -> Result<(SystemName, FromBank), Violations> {
    let v1::RecordBankMessageRequest { system, request_id, message: bytes } = message;
    let mut fields = Fields::new();
    let system = fields.system("system", &system);
    let request_id = fields.request_id("request_id", &request_id);
    if bytes.is_empty() {
        fields.refuse("message", "FIELD_MISSING", "it is required");
    }
    if bytes.len() > BANK_MESSAGE_BYTES_MAX {
        fields.refuse(
            "message",
            "FIELD_TOO_LONG",
            format!("it must be at most {BANK_MESSAGE_BYTES_MAX} bytes"),
        );
    }
    let (system, request_id) = fields.known((system, request_id))?;
    Ok((system, FromBank { request_id, bytes }))
}

/// A run to be read.
pub fn get_run(message: &v1::GetRunRequest) -> Result<(SystemName, RequestId, Option<Position>), Violations> {
    let v1::GetRunRequest { system, run, min_position } = message;
    let mut fields = Fields::new();
    let system = fields.system("system", system);
    let run = fields.request_id("run", run);
    let (system, run) = fields.known((system, run))?;
    Ok((system, run, min_position.map(Position::new)))
}

/// Which payments to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PaymentFilter {
    /// Only of this run.
    pub run: Option<RequestId>,
    /// Only of this payer.
    pub payer: Option<OdsCode>,
    /// Only to this payee.
    pub payee: Option<Payee>,
}

/// The payments to list, and of which system.
pub fn list_payments(
    fields: &mut Fields,
    message: &v1::ListPaymentsRequest,
) -> Option<(SystemName, PaymentFilter)> {
    let v1::ListPaymentsRequest { system, run, payer, payee, page: _, min_position: _ } = message;
    let system = fields.system("system", system);
    let run = if run.is_empty() { Some(None) } else { fields.request_id("run", run).map(Some) };
    let payer = fields.parse_optional("payer", payer);
    let payee = fields.parse_optional("payee", payee);
    Some((system?, PaymentFilter { run: run?, payer: payer?, payee: payee? }))
}

/// A file to be read: its run and name.
pub fn get_file(message: v1::GetFileRequest) -> Result<(SystemName, RequestId, String), Violations> {
    let v1::GetFileRequest { system, run, name } = message;
    let mut fields = Fields::new();
    let system = fields.system("system", &system);
    let run = fields.request_id("run", &run);
    let name_ok = fields.text("name", &name, 200).map(str::to_owned);
    fields.known((system, run, name_ok))
}

/// How an advice is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdviceFormat {
    /// Text for people.
    Text,
    /// CSV for programs.
    Csv,
}

/// An advice to be made: for which payment, in which form.
pub fn get_remittance(
    message: v1::GetRemittanceRequest,
) -> Result<(SystemName, String, AdviceFormat), Violations> {
    let v1::GetRemittanceRequest { system, end_to_end_id, format } = message;
    let mut fields = Fields::new();
    let system = fields.system("system", &system);
    let id = fields.text("end_to_end_id", &end_to_end_id, 35).map(str::to_owned);
    let format = fields.one_of("format", format, |format| match format {
        v1::AdviceFormat::Text => Some(AdviceFormat::Text),
        v1::AdviceFormat::Csv => Some(AdviceFormat::Csv),
        v1::AdviceFormat::Unspecified => None,
    });
    fields.known((system, id, format))
}
