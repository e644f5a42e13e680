//! The writer.

use super::{
    Batch, BatchTotals, ControlTotals, FieldReplacement, NAME_CHARACTERS_MAX, NAMESPACE, PAYMENTS_MAX,
    Payment, PaymentFile, REMITTANCE_CHARACTERS_MAX, ServiceLevel, WrittenPaymentFile,
};
use crate::charset::restrict;
use crate::reference::Reference;
use crate::xml_out::{XmlOut, iso_date, iso_instant};
use crate::{BankAccount, FileBytes, WriteError};
use money::Pence;
use std::collections::BTreeSet;

/// The largest amount of 18 digits, in pence.
const AMOUNT_MAX: i64 = 999_999_999_999_999_999;

/// Writes `file`.
///
/// # Errors
/// When it is empty or too large, an amount is nothing or too long, an identifier stands twice, or a text has no form
/// in the SWIFT x set. Nothing is cut or left out.
pub fn write(file: &PaymentFile) -> Result<WrittenPaymentFile, WriteError> {
    let controls = controls(file)?;
    check_identifiers(file)?;
    let mut texts = Texts::default();
    let created = iso_instant(file.created_us)
        .ok_or_else(|| WriteError::TimeRefused { at: "the creation time".to_owned() })?;
    let initiating_party =
        texts.field("initiating party".to_owned(), &file.initiating_party, NAME_CHARACTERS_MAX)?;
    let batches = file
        .batches
        .iter()
        .enumerate()
        .map(|(index, batch)| Prepared::new(batch, index.saturating_add(1), &mut texts))
        .collect::<Result<Vec<_>, _>>()?;
    let bytes = XmlOut::document(NAMESPACE, |out| {
        out.element("CstmrCdtTrfInitn", |out| {
            out.element("GrpHdr", |out| {
                out.leaf("MsgId", file.message_id.as_str());
                out.leaf("CreDtTm", &created);
                write_totals(out, controls.payments, controls.sum);
                out.path(&["InitgPty", "Nm"], &initiating_party);
            });
            for (prepared, totals) in batches.iter().zip(&controls.batches) {
                out.element("PmtInf", |out| prepared.write(out, totals));
            }
        });
    });
    Ok(WrittenPaymentFile { file: FileBytes::new(bytes), controls, replaced: texts.replaced })
}

fn controls(file: &PaymentFile) -> Result<ControlTotals, WriteError> {
    if file.batches.is_empty() {
        return Err(WriteError::Empty { at: "the payment file".to_owned() });
    }
    let found = file.batches.iter().fold(0_usize, |n, batch| n.saturating_add(batch.payments.len()));
    if found > PAYMENTS_MAX {
        return Err(WriteError::TooMany { at: "the payment file".to_owned(), found, max: PAYMENTS_MAX });
    }
    let batches = file
        .batches
        .iter()
        .enumerate()
        .map(|(index, batch)| batch_totals(batch, index.saturating_add(1)))
        .collect::<Result<Vec<_>, _>>()?;
    let sum =
        bounded(Pence::sum(batches.iter().map(|batch| batch.sum)).ok(), || "the file's sum".to_owned())?;
    // At most PAYMENTS_MAX.
    let payments = u32::try_from(found).unwrap_or(u32::MAX);
    Ok(ControlTotals { payments, sum, batches })
}

fn batch_totals(batch: &Batch, number: usize) -> Result<BatchTotals, WriteError> {
    if batch.payments.is_empty() {
        return Err(WriteError::Empty { at: format!("batch {number}") });
    }
    for (index, payment) in batch.payments.iter().enumerate() {
        let at = || format!("batch {number} payment {}", index.saturating_add(1));
        if payment.amount.is_zero() {
            return Err(WriteError::ZeroAmount { at: at() });
        }
        bounded(Some(payment.amount), at)?;
    }
    let sum = Pence::sum(batch.payments.iter().map(|payment| payment.amount)).ok();
    Ok(BatchTotals {
        payment_information_id: batch.payment_information_id.clone(),
        payer: batch.payer,
        payments: u32::try_from(batch.payments.len()).unwrap_or(u32::MAX),
        sum: bounded(sum, || format!("the sum of batch {number}"))?,
    })
}

fn bounded(amount: Option<Pence>, at: impl FnOnce() -> String) -> Result<Pence, WriteError> {
    amount.filter(|amount| amount.get() <= AMOUNT_MAX).ok_or_else(|| WriteError::AmountTooLarge { at: at() })
}

fn check_identifiers(file: &PaymentFile) -> Result<(), WriteError> {
    let mut batches = BTreeSet::new();
    let (mut instructions, mut ends) = (BTreeSet::new(), BTreeSet::new());
    for (index, batch) in file.batches.iter().enumerate() {
        let number = index.saturating_add(1);
        once(&mut batches, &batch.payment_information_id, || format!("batch {number}"))?;
        for (index, payment) in batch.payments.iter().enumerate() {
            let at = || format!("batch {number} payment {}", index.saturating_add(1));
            once(&mut instructions, &payment.instruction_id, at)?;
            once(&mut ends, &payment.end_to_end_id, at)?;
        }
    }
    Ok(())
}

fn once<'a>(
    seen: &mut BTreeSet<&'a Reference>,
    id: &'a Reference,
    at: impl FnOnce() -> String,
) -> Result<(), WriteError> {
    if seen.insert(id) { Ok(()) } else { Err(WriteError::RepeatedId { at: at(), id: id.to_string() }) }
}

/// Restricts texts to the SWIFT x set and remembers what that changed.
#[derive(Default)]
struct Texts {
    replaced: Vec<FieldReplacement>,
}

impl Texts {
    fn field(&mut self, at: String, text: &str, max: usize) -> Result<String, WriteError> {
        let restricted = match restrict(text) {
            Ok(restricted) => restricted,
            Err(source) => return Err(WriteError::Text { at, source }),
        };
        if restricted.text.len() > max {
            return Err(WriteError::TextTooLong { at, found: restricted.text.len(), max });
        }
        let replaced = restricted.replaced.into_iter();
        self.replaced.extend(replaced.map(|replacement| FieldReplacement { at: at.clone(), replacement }));
        Ok(restricted.text)
    }
}

/// A batch whose texts are ready to be written.
struct Prepared<'a> {
    batch: &'a Batch,
    payer_name: String,
    payments: Vec<(&'a Payment, String, String)>,
}

impl<'a> Prepared<'a> {
    fn new(batch: &'a Batch, number: usize, texts: &mut Texts) -> Result<Self, WriteError> {
        if batch.requested_execution_date.year() < 1 {
            return Err(WriteError::TimeRefused { at: format!("batch {number} execution date") });
        }
        let payer_name =
            texts.field(format!("batch {number} payer name"), &batch.payer_name, NAME_CHARACTERS_MAX)?;
        let mut payments = Vec::with_capacity(batch.payments.len());
        for (index, payment) in batch.payments.iter().enumerate() {
            let at = |field| format!("batch {number} payment {} {field}", index.saturating_add(1));
            let name = texts.field(at("payee name"), payment.payee_name.expose(), NAME_CHARACTERS_MAX)?;
            let remittance =
                texts.field(at("remittance text"), &payment.remittance, REMITTANCE_CHARACTERS_MAX)?;
            payments.push((payment, name, remittance));
        }
        Ok(Self { batch, payer_name, payments })
    }

    fn write(&self, out: &mut XmlOut, totals: &BatchTotals) {
        let batch = self.batch;
        out.leaf("PmtInfId", batch.payment_information_id.as_str());
        out.leaf("PmtMtd", "TRF");
        out.leaf("BtchBookg", "false");
        write_totals(out, totals.payments, totals.sum);
        out.path(&["PmtTpInf", "SvcLvl", "Cd"], batch.service_level.code());
        out.leaf("ReqdExctnDt", &iso_date(batch.requested_execution_date));
        out.element("Dbtr", |out| {
            out.leaf("Nm", &self.payer_name);
            out.element("Id", |out| {
                out.element("OrgId", |out| {
                    out.element("Othr", |out| {
                        out.leaf("Id", batch.payer.as_str());
                        out.path(&["SchmeNm", "Prtry"], "ODS");
                    });
                });
            });
        });
        out.element("DbtrAcct", |out| {
            write_account(out, &batch.payer_account);
            out.leaf("Ccy", "GBP");
        });
        write_agent(out, "DbtrAgt", &batch.payer_account);
        for (payment, name, remittance) in &self.payments {
            out.element("CdtTrfTxInf", |out| write_payment(out, payment, name, remittance));
        }
    }
}

impl ServiceLevel {
    const fn code(self) -> &'static str {
        match self {
            Self::NonUrgent => "NURG",
            Self::Urgent => "URGP",
        }
    }
}

fn write_totals(out: &mut XmlOut, payments: u32, sum: Pence) {
    out.leaf("NbOfTxs", &payments.to_string());
    out.leaf("CtrlSum", &sum.to_pounds());
}

fn write_payment(out: &mut XmlOut, payment: &Payment, name: &str, remittance: &str) {
    out.element("PmtId", |out| {
        out.leaf("InstrId", payment.instruction_id.as_str());
        out.leaf("EndToEndId", payment.end_to_end_id.as_str());
    });
    out.element("Amt", |out| out.amount("InstdAmt", payment.amount));
    write_agent(out, "CdtrAgt", &payment.payee_account);
    out.path(&["Cdtr", "Nm"], name);
    out.element("CdtrAcct", |out| write_account(out, &payment.payee_account));
    out.path(&["RmtInf", "Ustrd"], remittance);
}

fn write_account(out: &mut XmlOut, account: &BankAccount) {
    out.element("Id", |out| match account.iban() {
        Some(iban) => out.leaf("IBAN", iban),
        None => out.element("Othr", |out| {
            out.leaf("Id", &account.domestic());
            out.path(&["SchmeNm", "Cd"], "BBAN");
        }),
    });
}

fn write_agent(out: &mut XmlOut, name: &str, account: &BankAccount) {
    out.element(name, |out| {
        out.element("FinInstnId", |out| {
            out.element("ClrSysMmbId", |out| {
                out.path(&["ClrSysId", "Cd"], "GBDSC");
                out.leaf("MmbId", account.sort_code().as_str());
            });
        });
    });
}
