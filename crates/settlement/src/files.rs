//! The files of a run, as bytes: what instructs a bank, and what tells a ledger of record.
//!
//! Each file is a pure function of the run as it was told to pay (its content, the time of that record, the bank details
//! in force then) and, for direct payments, of the details that identity gives at that moment. So a run that is resumed
//! after a crash makes the same bytes under the same name.

use crate::{BudgetLine, Decision, FileKind, Payee, PaymentState, PlanId, Programme, Row, Run, RunFile};
use jiff::civil::Date;
use journal::{Day, Digest, Instant};
use money::{Pence, Side};
use nhs::{AccountNumber, OdsCode, Period, SortCode};
use payments::accounts_payable::{ApprovedInvoice, PayableLine, PayablesFile};
use payments::journal_file::{Journal, JournalFile, JournalKind, JournalRow};
use payments::pain001::{Batch, Payment, PaymentFile, ServiceLevel};
use payments::reference::{message_id, payment_information_id};
use payments::{BankAccount, Coding, FileBytes, PrivateText, WriteError};
use reference::{BankDetails, Channel, Reference};
use std::collections::{BTreeMap, BTreeSet};

/// What a ledger of record calls whoever receives a direct payment: never a person's name.
const DIRECT_PAYMENT_SUPPLIER: &str = "PHB direct payment";

/// Where the direct payments of a plan go, as identity gives it for this one use. Its `Debug` shows none of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonDetails {
    /// The account's name.
    pub account_name: PrivateText,
    /// The account.
    pub account: BankAccount,
}

impl PersonDetails {
    /// Details from their parts.
    #[must_use]
    pub fn new(account_name: &str, sort_code: SortCode, account_number: AccountNumber) -> Self {
        Self {
            account_name: PrivateText::new(account_name),
            account: BankAccount::new(sort_code, account_number),
        }
    }
}

/// A finished file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutFile {
    /// What is recorded of it.
    pub facts: RunFile,
    /// Its bytes.
    pub bytes: FileBytes,
}

/// No files were made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilesError {
    /// The run was not told to pay.
    #[error("the run was not told to pay")]
    NotPaying,
    /// A plan has no approved bank details.
    #[error("plan {0} has no approved bank details")]
    DetailsMissing(String),
    /// A body's bank details are gone from the reference data.
    #[error("{0} has no bank details")]
    AccountMissing(OdsCode),
    /// A file was refused before a byte of it was made.
    #[error("a file of {payer} cannot be written")]
    Write {
        /// The payer.
        payer: OdsCode,
        /// Why.
        source: WriteError,
    },
}

/// The plans that the run pays, for whom identity must be asked.
pub fn plans(run: &Run) -> BTreeSet<PlanId> {
    run.content.payments().filter_map(|(_, row)| row.payee.plan().cloned()).collect()
}

/// What stands in the names of a sandbox's files, so that nobody takes them for money.
#[must_use]
pub fn marking(reference: &Reference) -> &'static str {
    if reference.rows().system.sandbox { ".sandbox" } else { "" }
}

/// What every file of a run needs to know.
struct Maker<'a> {
    run: &'a Run,
    reference: &'a Reference,
    time: Instant,
    pay_on: Day,
}

/// Makes the files of a run whose payments the ledger has all answered, by name.
pub fn make(run: &Run, people: &BTreeMap<PlanId, PersonDetails>) -> Result<Vec<OutFile>, FilesError> {
    let (Some(time), Some(adopted)) = (run.paying_time, &run.paying_with) else {
        return Err(FilesError::NotPaying);
    };
    let maker = Maker { run, reference: adopted.reference(), time, pay_on: run.content.pay_on };
    let mut payers: BTreeMap<OdsCode, Vec<&Row>> = BTreeMap::new();
    for (index, row) in run.content.payments() {
        let instructed = run.payments.get(&index).map(|payment| payment.state);
        if instructed.is_some_and(PaymentState::was_instructed) {
            payers.entry(row.line.payer).or_default().push(row);
        }
    }
    let mut files = Vec::new();
    for (payer, rows) in payers {
        maker.of_payer(payer, &rows, people, &mut files)?;
    }
    files.sort_by(|a: &OutFile, b| a.facts.name.cmp(&b.facts.name));
    Ok(files)
}

impl Maker<'_> {
    fn of_payer(
        &self,
        payer: OdsCode,
        rows: &[&Row],
        people: &BTreeMap<PlanId, PersonDetails>,
        files: &mut Vec<OutFile>,
    ) -> Result<(), FilesError> {
        let channel = if rows.iter().any(|row| channel(row) == Channel::Bank) {
            let (controlled, open): (Vec<&Row>, Vec<&Row>) =
                rows.iter().partition(|row| row.payee.plan().is_some());
            for (kind, rows) in [(FileKind::Payments, open), (FileKind::ControlledPayments, controlled)] {
                if !rows.is_empty() {
                    files.push(self.payments(payer, kind, &rows, people)?);
                }
            }
            payments::Channel::Bank
        } else {
            payments::Channel::LedgerOfRecord
        };
        files.push(self.payables(payer, channel, rows)?);
        files.push(self.journal(payer, channel, rows)?);
        Ok(())
    }

    fn payments(
        &self,
        payer: OdsCode,
        kind: FileKind,
        rows: &[&Row],
        people: &BTreeMap<PlanId, PersonDetails>,
    ) -> Result<OutFile, FilesError> {
        let Some(part) = rows.first().map(|row| part(row)) else { return Err(FilesError::NotPaying) };
        let run = self.run.id.to_bytes();
        let details = self.details(payer)?;
        let payments = rows.iter().map(|row| self.payment(row, people)).collect::<Result<Vec<_>, _>>()?;
        let message_id = message_id(&run, &part);
        let marking = marking(self.reference);
        let name = format!("{}/{payer}-{}-{message_id}{marking}.xml", kind.folder(), self.pay_on);
        let file = PaymentFile {
            message_id,
            created_us: self.time.micros(),
            initiating_party: self.initiating_party(details),
            batches: vec![Batch {
                payment_information_id: payment_information_id(&run, &part),
                payer_name: self.name(payer),
                payer,
                payer_account: account(details),
                requested_execution_date: self.pay_on.date(),
                service_level: ServiceLevel::NonUrgent,
                payments,
            }],
        };
        let written =
            payments::pain001::write(&file).map_err(|source| FilesError::Write { payer, source })?;
        let (items, pence) = (written.controls.payments, written.controls.sum);
        Ok(OutFile { facts: facts(kind, name, &written.file, items, pence), bytes: written.file })
    }

    fn payment(&self, row: &Row, people: &BTreeMap<PlanId, PersonDetails>) -> Result<Payment, FilesError> {
        let run = self.run.id.to_bytes();
        let texts = row.texts();
        let key = row.key(&run, &texts);
        let (payee_name, payee_account) = match &row.payee {
            Payee::Organisation(payee) => {
                let details = self.details(*payee)?;
                (PrivateText::new(details.account_name.as_str()), account(details))
            }
            Payee::Plan(plan) => {
                let details =
                    people.get(plan).ok_or_else(|| FilesError::DetailsMissing(plan.as_str().to_owned()))?;
                (details.account_name.clone(), details.account.clone())
            }
        };
        Ok(Payment {
            instruction_id: key.instruction_id(),
            end_to_end_id: key.end_to_end_id(),
            amount: row.paid().unwrap_or_default(),
            payee_name,
            payee_account,
            remittance: key.remittance_reference().as_str().to_owned(),
        })
    }

    fn payables(
        &self,
        payer: OdsCode,
        channel: payments::Channel,
        rows: &[&Row],
    ) -> Result<OutFile, FilesError> {
        let run = self.run.id.to_bytes();
        let batch = message_id(&run, &format!("{payer}/payables"));
        let (folder, marking) = (FileKind::AccountsPayable.folder(), marking(self.reference));
        let name = format!("{folder}/payables-{payer}-{}-{batch}{marking}.csv", self.pay_on);
        let file = PayablesFile {
            batch,
            payer,
            channel,
            approval: payments::Digest::from_bytes(self.run.digest.0),
            run_total: total(rows),
            invoices: rows.iter().filter_map(|row| self.invoice(row)).collect(),
        };
        let written =
            payments::accounts_payable::write(&file).map_err(|source| FilesError::Write { payer, source })?;
        let facts = facts(FileKind::AccountsPayable, name, &written.file, written.rows, file.run_total);
        Ok(OutFile { facts, bytes: written.file })
    }

    fn invoice(&self, row: &Row) -> Option<ApprovedInvoice> {
        let run = self.run.id.to_bytes();
        let texts = row.texts();
        let key = row.key(&run, &texts);
        let prepared = self.run.prepared_time.day().date();
        let lines = row.windows.iter().filter(|window| !window.part.is_zero()).filter_map(|window| {
            let coding = self.expenditure_coding(row)?;
            Some(PayableLine { coding, amount: window.part, description: window.key.to_string() })
        });
        Some(ApprovedInvoice {
            supplier: row.payee.to_string().parse().ok()?,
            supplier_name: self.payee_name(&row.payee),
            invoice_number: key.end_to_end_id().as_str().to_owned(),
            invoice_date: prepared,
            received_date: prepared,
            due_date: self.pay_on.date(),
            payment_reference: key.remittance_reference(),
            lines: lines.collect(),
        })
    }

    fn journal(
        &self,
        payer: OdsCode,
        channel: payments::Channel,
        rows: &[&Row],
    ) -> Result<OutFile, FilesError> {
        let run = self.run.id.to_bytes();
        let batch = message_id(&run, &format!("{payer}/journal"));
        let (folder, marking) = (FileKind::Journal.folder(), marking(self.reference));
        let name = format!("{folder}/journal-{payer}-{}-{batch}{marking}.csv", self.pay_on);
        let date: Date = self.pay_on.date();
        let period = Period::of(date).map_err(|_| FilesError::NotPaying)?;
        let file = JournalFile {
            batch,
            payer,
            channel,
            period,
            run_total: total(rows),
            journals: rows.iter().filter_map(|row| self.entry(row, date)).collect(),
        };
        let written =
            payments::journal_file::write(&file).map_err(|source| FilesError::Write { payer, source })?;
        let facts = facts(FileKind::Journal, name, &written.file, written.rows, file.run_total);
        Ok(OutFile { facts, bytes: written.file })
    }

    fn entry(&self, row: &Row, accounting_date: Date) -> Option<Journal> {
        let run = self.run.id.to_bytes();
        let texts = row.texts();
        let key = row.key(&run, &texts);
        let amount = row.paid()?;
        let leg = |subjective, side, description: String| {
            let coding = balance_coding(row.line, subjective, &row.payee)?;
            Some(JournalRow { coding, side, amount, description, reference: key.end_to_end_id() })
        };
        Some(Journal {
            number: key.instruction_id(),
            kind: JournalKind::Payment,
            accounting_date,
            rows: vec![
                leg("PAYABLE", Side::Debit, format!("Paid to {}", row.payee))?,
                leg("BANK", Side::Credit, format!("Payment for {}", row.line))?,
            ],
        })
    }

    fn details(&self, body: OdsCode) -> Result<&BankDetails, FilesError> {
        self.reference.bank_details(body, self.pay_on).ok_or(FilesError::AccountMissing(body))
    }

    fn initiating_party(&self, details: &BankDetails) -> String {
        let sandbox = if self.reference.rows().system.sandbox { "SANDBOX " } else { "" };
        format!("{sandbox}{}", details.account_name)
    }

    fn name(&self, body: OdsCode) -> String {
        self.reference.organisation(body).map_or_else(|| body.to_string(), |row| row.name.clone())
    }

    fn payee_name(&self, payee: &Payee) -> String {
        match payee {
            Payee::Organisation(ods) => self.name(*ods),
            Payee::Plan(_) => DIRECT_PAYMENT_SUPPLIER.to_owned(),
        }
    }

    /// Where an expenditure stands in the ledger of record. The segments are ours until a payer maps them to its own chart
    /// (NHS practice, unverified; configurable).
    fn expenditure_coding(&self, row: &Row) -> Option<Coding> {
        let subjective = match &row.payee {
            Payee::Organisation(ods) => segment(self.reference.expenditure_class(*ods).as_str()),
            Payee::Plan(_) => "DIRECTPAYMENT".to_owned(),
        };
        let line = row.line;
        let payee = payee_segment(&row.payee);
        Coding::new([
            line.payer.as_str(),
            programme(line),
            &subjective,
            &payee,
            &segment(&line.year.to_string()),
        ])
        .ok()
    }
}

/// What tells the payment file of a row apart from the others of its run: its payer, and whether it names people.
pub(crate) fn part(row: &Row) -> String {
    let payer = row.line.payer;
    if row.payee.plan().is_some() { format!("{payer}/controlled") } else { payer.to_string() }
}

fn balance_coding(line: BudgetLine, subjective: &str, payee: &Payee) -> Option<Coding> {
    let (payee, year) = (payee_segment(payee), segment(&line.year.to_string()));
    Coding::new([line.payer.as_str(), programme(line), subjective, &payee, &year]).ok()
}

const fn programme(line: BudgetLine) -> &'static str {
    match line.programme {
        Programme::Elective => "ELECTIVE",
        Programme::Phb => "PHB",
    }
}

/// A payee in a coding string; plans are not told apart there.
fn payee_segment(payee: &Payee) -> String {
    match payee {
        Payee::Organisation(ods) => ods.to_string(),
        Payee::Plan(_) => "PHB".to_owned(),
    }
}

fn segment(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect()
}

fn channel(row: &Row) -> Channel {
    match row.decision {
        Decision::Pay { channel, .. } => channel,
        Decision::Carry { .. } => Channel::LedgerOfRecord,
    }
}

fn account(details: &BankDetails) -> BankAccount {
    BankAccount::new(details.sort_code, details.account_number)
}

fn total(rows: &[&Row]) -> Pence {
    Pence::sum(rows.iter().filter_map(|row| row.paid())).unwrap_or(Pence::MAX)
}

fn facts(kind: FileKind, name: String, bytes: &FileBytes, items: u32, pence: Pence) -> RunFile {
    RunFile { kind, name, digest: Digest(*bytes.sha256().as_bytes()), items, pence }
}
