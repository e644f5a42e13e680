//! Journals for a ledger of record, as CSV: accruals, their reversals, reclassifications and payments.
//!
//! **Invariant:** each journal's debits equal its credits, and the debits of the payment journals make the run total.

use crate::WriteError;
use crate::ledger_of_record::{Channel, Coding, Table, WrittenCsv, check_cell};
use crate::reference::Reference;
use jiff::civil::Date;
use money::{Pence, Side, TotalPence};
use nhs::{OdsCode, Period};
use std::collections::BTreeSet;

/// The columns, in order.
pub const COLUMNS: [&str; 18] = [
    "batch",
    "payer",
    "journal",
    "kind",
    "period",
    "accounting_date",
    "row",
    "entity",
    "cost_centre",
    "subjective",
    "analysis_1",
    "analysis_2",
    "debit",
    "credit",
    "currency",
    "description",
    "reference",
    "information",
];
/// The longest description of a row.
pub const DESCRIPTION_CHARACTERS_MAX: usize = 140;

/// The journals of one payer in one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalFile {
    /// The run's batch reference.
    pub batch: Reference,
    /// The payer, in whose books the journals stand.
    pub payer: OdsCode,
    /// How the payer's money leaves.
    pub channel: Channel,
    /// The accounting period.
    pub period: Period,
    /// What the run pays for this payer; the payment journals must make it.
    pub run_total: Pence,
    /// The journals.
    pub journals: Vec<Journal>,
}

/// One balanced journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Journal {
    /// Its number; unique in the file.
    pub number: Reference,
    /// What it does.
    pub kind: JournalKind,
    /// The date on which it is posted; within the period.
    pub accounting_date: Date,
    /// Its rows.
    pub rows: Vec<JournalRow>,
}

/// What a journal does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum JournalKind {
    /// Recognises what is owed and not yet paid.
    Accrual,
    /// Takes an accrual back in the next period.
    AccrualReversal,
    /// Moves an amount from one coding to another.
    Reclassification,
    /// Records what has been instructed.
    Payment,
}

/// One row of a journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalRow {
    /// Where it stands.
    pub coding: Coding,
    /// Debit or credit.
    pub side: Side,
    /// How much; never nothing.
    pub amount: Pence,
    /// What for; no identity.
    pub description: String,
    /// What it refers to: an entry of our ledger, or a payment's end-to-end id.
    pub reference: Reference,
}

impl JournalKind {
    /// The word in the `kind` column.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accrual => "accrual",
            Self::AccrualReversal => "accrual reversal",
            Self::Reclassification => "reclassification",
            Self::Payment => "payment",
        }
    }
}

impl Journal {
    fn sum(&self, side: Side) -> TotalPence {
        let rows = self.rows.iter().filter(|row| row.side == side);
        rows.fold(TotalPence::ZERO, |sum, row| sum.plus(row.amount))
    }
}

/// Writes `file`.
///
/// # Errors
/// When it or a journal is empty, a journal is not balanced or falls outside the period, a number stands twice, a row is
/// of no money, or the payment journals do not make the run total.
pub fn write(file: &JournalFile) -> Result<WrittenCsv, WriteError> {
    let total = check(file)?;
    let mut table = Table::new(COLUMNS);
    let period = file.period.to_string();
    for journal in &file.journals {
        let date = journal.accounting_date.to_string();
        for (index, row) in journal.rows.iter().enumerate() {
            let number = index.saturating_add(1).to_string();
            let amount = row.amount.to_pounds();
            let (debit, credit) = match row.side {
                Side::Debit => (amount.as_str(), ""),
                Side::Credit => ("", amount.as_str()),
            };
            let head = [
                file.batch.as_str(),
                file.payer.as_str(),
                journal.number.as_str(),
                journal.kind.as_str(),
                &period,
                &date,
                &number,
            ];
            let tail =
                [debit, credit, "GBP", &row.description, row.reference.as_str(), file.channel.information()];
            table.write(head.into_iter().chain(row.coding.segments()).chain(tail));
        }
    }
    let rows = table.rows();
    Ok(WrittenCsv { file: table.finish(), rows, total })
}

fn check(file: &JournalFile) -> Result<TotalPence, WriteError> {
    if file.journals.is_empty() {
        return Err(WriteError::Empty { at: "the journal file".to_owned() });
    }
    let mut numbers = BTreeSet::new();
    let mut total = TotalPence::ZERO;
    for (index, journal) in file.journals.iter().enumerate() {
        let at = format!("journal {}", index.saturating_add(1));
        if !numbers.insert(&journal.number) {
            return Err(WriteError::RepeatedId { at, id: journal.number.to_string() });
        }
        if !file.period.contains(journal.accounting_date) {
            let problem = "an accounting date outside the file's period";
            return Err(WriteError::NoForm { at, problem });
        }
        check_journal(journal, &at)?;
        if journal.kind == JournalKind::Payment {
            total = total.plus_total(journal.sum(Side::Debit));
        }
    }
    let stated = TotalPence::from(file.run_total);
    if total == stated {
        Ok(total)
    } else {
        Err(WriteError::DoesNotAddUp { at: "the run total".to_owned(), stated, found: total })
    }
}

fn check_journal(journal: &Journal, at: &str) -> Result<(), WriteError> {
    if journal.rows.is_empty() {
        return Err(WriteError::Empty { at: at.to_owned() });
    }
    for (index, row) in journal.rows.iter().enumerate() {
        let row_at = || format!("{at} row {}", index.saturating_add(1));
        if row.amount.is_zero() {
            return Err(WriteError::ZeroAmount { at: row_at() });
        }
        check_cell(&row.description, DESCRIPTION_CHARACTERS_MAX, || format!("{} description", row_at()))?;
    }
    let (debits, credits) = (journal.sum(Side::Debit), journal.sum(Side::Credit));
    if debits == credits {
        Ok(())
    } else {
        Err(WriteError::NotBalanced { at: at.to_owned(), debits, credits })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;
    use proptest::prelude::*;

    fn row(side: Side, pence: i64, subjective: &str) -> JournalRow {
        JournalRow {
            coding: Coding::new(["10M", "922001", subjective, "00000", "00000"]).unwrap(),
            side,
            amount: Pence::new(pence).unwrap(),
            description: "Elective activity, June 2017".to_owned(),
            reference: "E-1".parse().unwrap(),
        }
    }

    fn journal(number: &str, kind: JournalKind, amounts: &[i64]) -> Journal {
        let mut rows: Vec<_> = amounts.iter().map(|pence| row(Side::Debit, *pence, "52161020")).collect();
        rows.push(row(Side::Credit, amounts.iter().sum(), "22101010"));
        Journal { number: number.parse().unwrap(), kind, accounting_date: date(2017, 7, 31), rows }
    }

    fn file(journals: Vec<Journal>, run_total: i64) -> JournalFile {
        JournalFile {
            batch: "RUN-1".parse().unwrap(),
            payer: "10M".parse().unwrap(),
            channel: Channel::Bank,
            period: "2017-07".parse().unwrap(),
            run_total: Pence::new(run_total).unwrap(),
            journals,
        }
    }

    fn july() -> JournalFile {
        let journals = vec![
            journal("J-1", JournalKind::Payment, &[700_00, 5]),
            journal("J-2", JournalKind::Accrual, &[20_00]),
            journal("J-3", JournalKind::AccrualReversal, &[3]),
            journal("J-4", JournalKind::Reclassification, &[4]),
        ];
        file(journals, 700_05)
    }

    #[test]
    fn rows_as_the_ledger_of_record_sees_them() {
        let written = write(&july()).unwrap();
        let text = String::from_utf8(written.file.bytes().to_vec()).unwrap();
        expect_test::expect![[r#"
            batch,payer,journal,kind,period,accounting_date,row,entity,cost_centre,subjective,analysis_1,analysis_2,debit,credit,currency,description,reference,information
            RUN-1,10M,J-1,payment,2017-07,2017-07-31,1,10M,922001,52161020,00000,00000,700.00,,GBP,"Elective activity, June 2017",E-1,already paid by bank
            RUN-1,10M,J-1,payment,2017-07,2017-07-31,2,10M,922001,52161020,00000,00000,0.05,,GBP,"Elective activity, June 2017",E-1,already paid by bank
            RUN-1,10M,J-1,payment,2017-07,2017-07-31,3,10M,922001,22101010,00000,00000,,700.05,GBP,"Elective activity, June 2017",E-1,already paid by bank
            RUN-1,10M,J-2,accrual,2017-07,2017-07-31,1,10M,922001,52161020,00000,00000,20.00,,GBP,"Elective activity, June 2017",E-1,already paid by bank
            RUN-1,10M,J-2,accrual,2017-07,2017-07-31,2,10M,922001,22101010,00000,00000,,20.00,GBP,"Elective activity, June 2017",E-1,already paid by bank
            RUN-1,10M,J-3,accrual reversal,2017-07,2017-07-31,1,10M,922001,52161020,00000,00000,0.03,,GBP,"Elective activity, June 2017",E-1,already paid by bank
            RUN-1,10M,J-3,accrual reversal,2017-07,2017-07-31,2,10M,922001,22101010,00000,00000,,0.03,GBP,"Elective activity, June 2017",E-1,already paid by bank
            RUN-1,10M,J-4,reclassification,2017-07,2017-07-31,1,10M,922001,52161020,00000,00000,0.04,,GBP,"Elective activity, June 2017",E-1,already paid by bank
            RUN-1,10M,J-4,reclassification,2017-07,2017-07-31,2,10M,922001,22101010,00000,00000,,0.04,GBP,"Elective activity, June 2017",E-1,already paid by bank
        "#]].assert_eq(&text);
        assert_eq!((written.rows, written.total.get()), (9, 700_05));
    }

    #[test]
    fn what_is_not_a_journal_is_refused() {
        type Spoil = fn(&mut JournalFile);
        let table: [(&str, Spoil); 9] = [
            ("EMPTY", |f| f.journals.clear()),
            ("EMPTY", |f| f.journals[1].rows.clear()),
            ("NOT_BALANCED", |f| f.journals[1].rows[0].amount = Pence::from_u32(1)),
            ("NOT_BALANCED", |f| f.journals[1].rows[0].side = Side::Credit),
            ("ZERO_AMOUNT", |f| f.journals[1].rows[0].amount = Pence::ZERO),
            ("REPEATED_ID", |f| f.journals[1].number = "J-1".parse().unwrap()),
            ("NO_FORM", |f| f.journals[1].accounting_date = date(2017, 8, 1)),
            ("DOES_NOT_ADD_UP", |f| f.journals[0].kind = JournalKind::Accrual),
            ("TEXT_REFUSED", |f| f.journals[0].rows[0].description = "@sum".to_owned()),
        ];
        for (reason, spoil) in table {
            let mut file = july();
            spoil(&mut file);
            assert_eq!(write(&file).unwrap_err().reason(), reason);
        }
    }

    proptest! {
        /// Read by another eye: debits equal credits, in each journal and over the file; payments make the run total.
        #[test]
        fn the_rows_balance(
            journals in proptest::collection::vec(
                (0..4_usize, proptest::collection::vec(1..1_000_000_000_i64, 1..6)), 1..8,
            ),
        ) {
            let kinds = [JournalKind::Accrual, JournalKind::AccrualReversal, JournalKind::Reclassification, JournalKind::Payment];
            let paid = journals.iter().filter(|(kind, _)| kinds[*kind] == JournalKind::Payment).flat_map(|(_, a)| a).sum();
            let journals: Vec<_> = journals.iter().enumerate()
                .map(|(n, (kind, amounts))| journal(&format!("J-{n}"), kinds[*kind], amounts)).collect();
            let written = write(&file(journals, paid)).unwrap();
            let mut sums = std::collections::BTreeMap::<String, i64>::new();
            let mut payments = 0;
            for record in csv::Reader::from_reader(written.file.bytes()).records() {
                let record = record.unwrap();
                prop_assert_eq!(record.len(), COLUMNS.len());
                let pence = |at: usize| if record[at].is_empty() { 0 } else { record[at].parse::<Pence>().unwrap().get() };
                prop_assert!((pence(12) == 0) != (pence(13) == 0));
                prop_assert_eq!(&record[17], "already paid by bank");
                *sums.entry(record[2].to_owned()).or_default() += pence(12) - pence(13);
                if &record[3] == "payment" {
                    payments += pence(12);
                }
            }
            prop_assert!(sums.values().all(|sum| *sum == 0));
            prop_assert_eq!(payments, paid);
        }
    }
}
