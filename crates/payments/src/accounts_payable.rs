//! Approved invoices for the accounts-payable system of a ledger of record: one CSV row per distribution line.
//!
//! When the payer's channel is the bank, the same run has already been paid by `pain.001`; each row then says so, and
//! the file is information for the ledger of record, never an instruction.
//!
//! **Invariant:** an invoice's amount is the sum of its lines, and the file's is the run total.

use crate::ledger_of_record::{Channel, Coding, Table, WrittenCsv, check_cell};
use crate::reference::{Reference, RemittanceReference};
use crate::{Digest, WriteError};
use jiff::civil::Date;
use money::{NetPence, Pence, TotalPence};
use nhs::OdsCode;
use std::collections::BTreeSet;

/// The columns, in order.
pub const COLUMNS: [&str; 21] = [
    "batch",
    "payer",
    "supplier",
    "supplier_name",
    "invoice_number",
    "invoice_date",
    "received_date",
    "due_date",
    "currency",
    "invoice_amount",
    "line",
    "line_amount",
    "entity",
    "cost_centre",
    "subjective",
    "analysis_1",
    "analysis_2",
    "description",
    "payment_reference",
    "approval",
    "information",
];
/// The longest supplier name and line description.
pub const TEXT_CHARACTERS_MAX: usize = 140;
/// The longest invoice number (Oracle Payables and the like hold 50).
pub const INVOICE_NUMBER_CHARACTERS_MAX: usize = 50;

/// The approved invoices of one payer in one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayablesFile {
    /// The run's batch reference.
    pub batch: Reference,
    /// The payer.
    pub payer: OdsCode,
    /// How the payer's money leaves.
    pub channel: Channel,
    /// The digest that two people approved.
    pub approval: Digest,
    /// What the run pays for this payer; the invoices must make it.
    pub run_total: Pence,
    /// The invoices.
    pub invoices: Vec<ApprovedInvoice>,
}

/// One approved invoice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovedInvoice {
    /// The supplier's key in the ledger of record, or its ODS code.
    pub supplier: Reference,
    /// The supplier's name; an organisation's. A person who receives a direct payment is written under a supplier name
    /// of the payer's choice that is not the person's.
    pub supplier_name: String,
    /// The invoice's number; unique for the supplier in the file.
    pub invoice_number: String,
    /// The invoice's date.
    pub invoice_date: Date,
    /// When a valid invoice was received: the day from which prompt payment counts.
    pub received_date: Date,
    /// When it is due.
    pub due_date: Date,
    /// What the payee's bank statement shows, and the remittance advice.
    pub payment_reference: RemittanceReference,
    /// The distribution lines.
    pub lines: Vec<PayableLine>,
}

/// A distribution line of an invoice; an adjustment may be negative, the invoice may not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayableLine {
    /// Where it stands in the ledger of record.
    pub coding: Coding,
    /// How much.
    pub amount: NetPence,
    /// What for; no identity.
    pub description: String,
}

impl ApprovedInvoice {
    /// The sum of the lines.
    fn sum(&self) -> TotalPence {
        self.lines.iter().fold(TotalPence::ZERO, |sum, line| sum.plus_total(line.amount.into()))
    }
}

/// Writes `file`.
///
/// # Errors
/// When it is empty, an invoice has no lines or is not of money, the invoices do not make the run total, an invoice
/// number stands twice for a supplier, or a text is not fit for a cell.
pub fn write(file: &PayablesFile) -> Result<WrittenCsv, WriteError> {
    let total = check(file)?;
    let mut table = Table::new(COLUMNS);
    let approval = file.approval.to_string();
    for invoice in &file.invoices {
        let invoice_amount = invoice.sum().to_pounds();
        let dates =
            [invoice.invoice_date, invoice.received_date, invoice.due_date].map(|date| date.to_string());
        for (index, line) in invoice.lines.iter().enumerate() {
            let number = index.saturating_add(1).to_string();
            let line_amount = line.amount.to_pounds();
            let head = [
                file.batch.as_str(),
                file.payer.as_str(),
                invoice.supplier.as_str(),
                &invoice.supplier_name,
                &invoice.invoice_number,
            ];
            let amounts = ["GBP", &invoice_amount, &number, &line_amount];
            let tail = [
                line.description.as_str(),
                invoice.payment_reference.as_str(),
                &approval,
                file.channel.information(),
            ];
            let cells = head.into_iter().chain(dates.iter().map(String::as_str)).chain(amounts);
            table.write(cells.chain(line.coding.segments()).chain(tail));
        }
    }
    let rows = table.rows();
    Ok(WrittenCsv { file: table.finish(), rows, total })
}

fn check(file: &PayablesFile) -> Result<TotalPence, WriteError> {
    if file.invoices.is_empty() {
        return Err(WriteError::Empty { at: "the payables file".to_owned() });
    }
    let mut numbers = BTreeSet::new();
    let mut total = TotalPence::ZERO;
    for (index, invoice) in file.invoices.iter().enumerate() {
        let at = format!("invoice {}", index.saturating_add(1));
        check_invoice(invoice, &at)?;
        if !numbers.insert((&invoice.supplier, &invoice.invoice_number)) {
            return Err(WriteError::RepeatedId { at, id: invoice.invoice_number.clone() });
        }
        total = total.plus_total(invoice.sum());
    }
    let stated = TotalPence::from(file.run_total);
    if total == stated {
        Ok(total)
    } else {
        Err(WriteError::DoesNotAddUp { at: "the run total".to_owned(), stated, found: total })
    }
}

fn check_invoice(invoice: &ApprovedInvoice, at: &str) -> Result<(), WriteError> {
    check_cell(&invoice.supplier_name, TEXT_CHARACTERS_MAX, || format!("{at} supplier name"))?;
    check_cell(&invoice.invoice_number, INVOICE_NUMBER_CHARACTERS_MAX, || format!("{at} number"))?;
    if invoice.lines.is_empty() {
        return Err(WriteError::Empty { at: at.to_owned() });
    }
    for (index, line) in invoice.lines.iter().enumerate() {
        let line_at = || format!("{at} line {}", index.saturating_add(1));
        check_cell(&line.description, TEXT_CHARACTERS_MAX, || format!("{} description", line_at()))?;
        if line.amount.is_zero() {
            return Err(WriteError::ZeroAmount { at: line_at() });
        }
    }
    match invoice.sum().get() {
        1.. => Ok(()),
        0 => Err(WriteError::ZeroAmount { at: at.to_owned() }),
        _ => Err(WriteError::NoForm { at: at.to_owned(), problem: "an invoice of less than nothing" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::PaymentKey;
    use jiff::civil::date;
    use proptest::prelude::*;

    fn line(pence: i64) -> PayableLine {
        PayableLine {
            coding: Coding::new(["10M", "922001", "52161020", "00000", "00000"]).unwrap(),
            amount: NetPence::new(pence),
            description: "Elective activity, June 2017".to_owned(),
        }
    }

    fn invoice(number: &str, amounts: &[i64]) -> ApprovedInvoice {
        let key = PaymentKey { run: &[1; 16], payer: "10M", payee: "NT3", part: "" };
        ApprovedInvoice {
            supplier: "NT3".parse().unwrap(),
            supplier_name: "Spire Healthcare Ltd".to_owned(),
            invoice_number: number.to_owned(),
            invoice_date: date(2017, 7, 20),
            received_date: date(2017, 7, 20),
            due_date: date(2017, 8, 19),
            payment_reference: key.remittance_reference(),
            lines: amounts.iter().copied().map(line).collect(),
        }
    }

    fn file(invoices: Vec<ApprovedInvoice>) -> PayablesFile {
        let total = invoices.iter().fold(0, |sum, invoice| sum + invoice.sum().get());
        PayablesFile {
            batch: "RUN-1".parse().unwrap(),
            payer: "10M".parse().unwrap(),
            channel: Channel::Bank,
            approval: Digest::of(b"run"),
            run_total: Pence::new(i64::try_from(total).unwrap_or_default()).unwrap_or_default(),
            invoices,
        }
    }

    #[test]
    fn rows_as_the_ledger_of_record_sees_them() {
        let written = write(&file(vec![invoice("A-1", &[1_000_00, -50_00]), invoice("A-2", &[5])])).unwrap();
        let text = String::from_utf8(written.file.bytes().to_vec()).unwrap();
        expect_test::expect![[r#"
            batch,payer,supplier,supplier_name,invoice_number,invoice_date,received_date,due_date,currency,invoice_amount,line,line_amount,entity,cost_centre,subjective,analysis_1,analysis_2,description,payment_reference,approval,information
            RUN-1,10M,NT3,Spire Healthcare Ltd,A-1,2017-07-20,2017-07-20,2017-08-19,GBP,950.00,1,1000.00,10M,922001,52161020,00000,00000,"Elective activity, June 2017",10MG8QGY786Q3ZW0E1,acba25512100f80b56fc3ccd14c65be55d94800cda77585c5f41a887e398f9be,already paid by bank
            RUN-1,10M,NT3,Spire Healthcare Ltd,A-1,2017-07-20,2017-07-20,2017-08-19,GBP,950.00,2,-50.00,10M,922001,52161020,00000,00000,"Elective activity, June 2017",10MG8QGY786Q3ZW0E1,acba25512100f80b56fc3ccd14c65be55d94800cda77585c5f41a887e398f9be,already paid by bank
            RUN-1,10M,NT3,Spire Healthcare Ltd,A-2,2017-07-20,2017-07-20,2017-08-19,GBP,0.05,1,0.05,10M,922001,52161020,00000,00000,"Elective activity, June 2017",10MG8QGY786Q3ZW0E1,acba25512100f80b56fc3ccd14c65be55d94800cda77585c5f41a887e398f9be,already paid by bank
        "#]].assert_eq(&text);
        assert_eq!((written.rows, written.total.get()), (3, 950_05));
    }

    #[test]
    fn the_ledger_of_record_pays_only_when_it_is_the_channel() {
        let mut payables = file(vec![invoice("A-1", &[1])]);
        let text =
            |payables: &PayablesFile| String::from_utf8(write(payables).unwrap().file.into_bytes()).unwrap();
        assert!(text(&payables).ends_with(",already paid by bank\n"));
        payables.channel = Channel::LedgerOfRecord;
        assert!(!text(&payables).contains("already paid"));
    }

    #[test]
    fn what_is_not_payable_is_refused() {
        type Spoil = fn(&mut PayablesFile);
        let table: [(&str, Spoil); 9] = [
            ("EMPTY", |f| f.invoices.clear()),
            ("EMPTY", |f| f.invoices[0].lines.clear()),
            ("EMPTY", |f| f.invoices[0].invoice_number.clear()),
            ("ZERO_AMOUNT", |f| f.invoices[0].lines[0].amount = NetPence::ZERO),
            ("ZERO_AMOUNT", |f| f.invoices[0].lines.push(line(-100))),
            ("NO_FORM", |f| f.invoices[0].lines[0].amount = NetPence::new(-1)),
            ("DOES_NOT_ADD_UP", |f| f.run_total = Pence::from_u32(299)),
            ("REPEATED_ID", |f| f.invoices[1].invoice_number = "A-1".to_owned()),
            ("TEXT_REFUSED", |f| f.invoices[0].supplier_name = "=1+1".to_owned()),
        ];
        for (reason, spoil) in table {
            let mut payables = file(vec![invoice("A-1", &[100]), invoice("A-2", &[200])]);
            spoil(&mut payables);
            assert_eq!(write(&payables).unwrap_err().reason(), reason);
        }
    }

    proptest! {
        /// The lines of the file, read by another eye, make the invoices and the run total.
        #[test]
        fn the_rows_make_the_run_total(
            amounts in proptest::collection::vec(proptest::collection::vec(1..1_000_000_000_i64, 1..6), 1..6),
        ) {
            let invoices: Vec<_> =
                amounts.iter().enumerate().map(|(n, amounts)| invoice(&format!("A-{n}"), amounts)).collect();
            let payables = file(invoices);
            let written = write(&payables).unwrap();
            let mut reader = csv::Reader::from_reader(written.file.bytes());
            let mut sum = 0;
            for row in reader.records() {
                let row = row.unwrap();
                prop_assert_eq!(row.len(), COLUMNS.len());
                sum += row[11].parse::<Pence>().unwrap().get();
                prop_assert_eq!(&row[20], "already paid by bank");
            }
            prop_assert_eq!(sum, payables.run_total.get());
            prop_assert_eq!(written.total.get(), i128::from(sum));
        }
    }
}
