//! The reader of entries and of the payments that they book.

use super::read::read_account;
use super::{BankTransactionCode, Entry, EntryStatus, NAMESPACE_08, StatementAccount, decode};
use crate::PrivateText;
use crate::read_error::ReadError;
use crate::xml_in::{Child, Cursor};
use crate::xml_values::{required, set_once};
use jiff::civil::Date;
use money::{Pence, Side};

type Result<T> = core::result::Result<T, ReadError>;

/// The texts of several remittance lines are joined by a space and kept up to here.
const REMITTANCE_BYTES_MAX: usize = 4_096;

/// What one `Ntry` element says.
pub(super) struct ReadEntry {
    pub(super) entries: Vec<Entry>,
    pub(super) parties: Vec<Parties>,
}

/// The accounts that a payment's details name.
#[derive(Default)]
pub(super) struct Parties {
    debtor: Option<StatementAccount>,
    creditor: Option<StatementAccount>,
}

impl Parties {
    /// Whether both parties' accounts are given and neither is `account`.
    pub(super) fn are_others(&self, account: &StatementAccount) -> bool {
        match (&self.debtor, &self.creditor) {
            (Some(debtor), Some(creditor)) => !debtor.is_same_as(account) && !creditor.is_same_as(account),
            _ => false,
        }
    }
}

/// The entry's own fields.
#[derive(Default)]
struct Fields {
    amount: Option<Pence>,
    side: Option<Side>,
    reversal: Option<bool>,
    status: Option<EntryStatus>,
    booking_date: Option<Date>,
    value_date: Option<Date>,
    entry_reference: Option<String>,
    bank_reference: Option<String>,
    code: Option<BankTransactionCode>,
    bundled: Option<u32>,
    /// The ids of the batches that it books.
    bundle_ids: Vec<String>,
    details: Vec<Details>,
}

/// One payment of an entry (`TxDtls`).
#[derive(Default)]
struct Details {
    amount: Option<Pence>,
    side: Option<Side>,
    bank_reference: Option<String>,
    payment_information_id: Option<String>,
    instruction_id: Option<String>,
    end_to_end_id: Option<String>,
    remittance: Option<String>,
    return_reason: Option<String>,
    parties: Parties,
}

/// Reads an `Ntry`, which is the `at.1`th of the `at.0`th statement.
pub(super) fn read_entry(cursor: &mut Cursor<'_>, parent: &Child<'_>, at: (u32, u32)) -> Result<ReadEntry> {
    let mut fields = Fields::default();
    while let Some(child) = cursor.child()? {
        fields.read(cursor, &child)?;
    }
    fields.finish(parent.position, at)
}

impl Fields {
    fn read(&mut self, cursor: &mut Cursor<'_>, child: &Child<'_>) -> Result<()> {
        let position = child.position;
        match child.name() {
            "Amt" => set_once(&mut self.amount, cursor.amount(child, "Amt")?, "Amt", position),
            "CdtDbtInd" => set_once(&mut self.side, cursor.side(child)?, "CdtDbtInd", position),
            "RvslInd" => set_once(&mut self.reversal, cursor.boolean(child, "RvslInd")?, "RvslInd", position),
            "Sts" => {
                let status = read_status(cursor, position)?;
                set_once(&mut self.status, status, "Sts", position)
            }
            "BookgDt" => {
                let date = cursor.date_choice(child, "BookgDt")?;
                set_once(&mut self.booking_date, date, "BookgDt", position)
            }
            "ValDt" => set_once(&mut self.value_date, cursor.date_choice(child, "ValDt")?, "ValDt", position),
            "NtryRef" => set_once(&mut self.entry_reference, cursor.text()?, "NtryRef", position),
            "AcctSvcrRef" => set_once(&mut self.bank_reference, cursor.text()?, "AcctSvcrRef", position),
            "BkTxCd" => set_once(&mut self.code, read_code(cursor)?, "BkTxCd", position),
            "NtryDtls" => {
                while let Some(child) = cursor.child()? {
                    match child.name() {
                        "TxDtls" => self.details.push(read_details(cursor)?),
                        "Btch" => self.read_bundle(cursor)?,
                        _ => cursor.skip()?,
                    }
                }
                Ok(())
            }
            _ => cursor.skip(),
        }
    }

    fn read_bundle(&mut self, cursor: &mut Cursor<'_>) -> Result<()> {
        let mut count = None;
        while let Some(child) = cursor.child()? {
            match child.name() {
                "NbOfTxs" => {
                    set_once(&mut count, cursor.count(&child, "NbOfTxs")?, "NbOfTxs", child.position)?;
                }
                "PmtInfId" => self.bundle_ids.push(cursor.text()?),
                _ => cursor.skip()?,
            }
        }
        let total = self.bundled.unwrap_or(0).saturating_add(count.unwrap_or(0));
        self.bundled = Some(total);
        Ok(())
    }

    fn finish(mut self, position: u64, at: (u32, u32)) -> Result<ReadEntry> {
        let details = core::mem::take(&mut self.details);
        let stated = self.bundled.filter(|count| *count > 1);
        let several = details.len() > 1;
        let bundle_id = match self.bundle_ids.as_slice() {
            [id] => Some(id.clone()),
            _ => None,
        };
        let amounts = details.iter().map(|detail| detail.amount).collect::<Option<Vec<_>>>();
        let entry = Entry {
            amount: required(self.amount, "Amt", position)?,
            side: required(self.side, "CdtDbtInd", position)?,
            reversal: self.reversal.unwrap_or(false),
            status: required(self.status, "Sts", position)?,
            booking_date: self.booking_date,
            value_date: self.value_date,
            entry_reference: self.entry_reference,
            bank_reference: self.bank_reference,
            bank_transaction_code: required(self.code, "BkTxCd", position)?,
            payment_information_id: bundle_id,
            instruction_id: None,
            end_to_end_id: None,
            reference: None,
            return_reason: None,
            bundled: None,
        };
        let count = u32::try_from(details.len()).unwrap_or(u32::MAX);
        match (several, amounts) {
            (true, Some(amounts)) => {
                let adds_up = Pence::sum(amounts).ok() == Some(entry.amount)
                    && details.iter().all(|detail| detail.side.is_none_or(|side| side == entry.side))
                    && stated.is_none_or(|stated| stated == count);
                if !adds_up {
                    return Err(ReadError::DetailsDoNotAddUp { statement: at.0, entry: at.1 });
                }
                Ok(split(&entry, details))
            }
            // Which payments it books cannot be told apart by amount.
            (true, None) => Ok(bundle(entry, stated.unwrap_or(count), details)),
            (false, _) => match stated {
                Some(stated) => Ok(bundle(entry, stated, details)),
                None => Ok(single(entry, details)),
            },
        }
    }
}

fn split(entry: &Entry, details: Vec<Details>) -> ReadEntry {
    let mut parties = Vec::with_capacity(details.len());
    let entries = details
        .into_iter()
        .map(|detail| {
            let amount = detail.amount.unwrap_or(Pence::ZERO);
            let entry = Entry { amount, ..entry.clone() };
            let (entry, party) = detail.into_entry(entry);
            parties.push(party);
            entry
        })
        .collect();
    ReadEntry { entries, parties }
}

fn single(entry: Entry, details: Vec<Details>) -> ReadEntry {
    match details.into_iter().next() {
        Some(detail) => {
            let (entry, parties) = detail.into_entry(entry);
            ReadEntry { entries: vec![entry], parties: vec![parties] }
        }
        None => ReadEntry { entries: vec![entry], parties: Vec::new() },
    }
}

fn bundle(entry: Entry, count: u32, details: Vec<Details>) -> ReadEntry {
    let parties = details.into_iter().map(|detail| detail.parties).collect();
    ReadEntry { entries: vec![Entry { bundled: Some(count), ..entry }], parties }
}

impl Details {
    fn into_entry(self, entry: Entry) -> (Entry, Parties) {
        let entry = Entry {
            bank_reference: entry.bank_reference.or(self.bank_reference),
            payment_information_id: self.payment_information_id.or(entry.payment_information_id),
            instruction_id: self.instruction_id,
            end_to_end_id: self.end_to_end_id.filter(|id| id != "NOTPROVIDED"),
            reference: self.remittance.map(PrivateText::new),
            return_reason: self.return_reason,
            ..entry
        };
        (entry, self.parties)
    }
}

/// Version 2 has the code as text, version 8 a choice within.
fn read_status(cursor: &mut Cursor<'_>, position: u64) -> Result<EntryStatus> {
    let code = if cursor.namespace() == NAMESPACE_08 { cursor.code_choice()? } else { Some(cursor.text()?) };
    code.and_then(|code| decode(&EntryStatus::ALL, &code)).ok_or(ReadError::ValueRefused {
        element: "Sts",
        position,
        expected: "BOOK, PDNG, INFO or FUTR",
    })
}

fn read_code(cursor: &mut Cursor<'_>) -> Result<BankTransactionCode> {
    let mut code = BankTransactionCode::default();
    while let Some(child) = cursor.child()? {
        let position = child.position;
        match child.name() {
            "Domn" => set_once(&mut code.domain, read_domain(cursor, position)?, "Domn", position)?,
            "Prtry" => {
                let value = required(cursor.text_at(&["Cd"])?, "Cd", position)?;
                set_once(&mut code.proprietary, value, "Prtry", position)?;
            }
            _ => cursor.skip()?,
        }
    }
    Ok(code)
}

fn read_domain(cursor: &mut Cursor<'_>, position: u64) -> Result<[String; 3]> {
    let (mut domain, mut family, mut sub_family) = (None, None, None);
    while let Some(child) = cursor.child()? {
        match child.name() {
            "Cd" => set_once(&mut domain, cursor.text()?, "Cd", child.position)?,
            "Fmly" => {
                while let Some(child) = cursor.child()? {
                    match child.name() {
                        "Cd" => set_once(&mut family, cursor.text()?, "Cd", child.position)?,
                        "SubFmlyCd" => {
                            set_once(&mut sub_family, cursor.text()?, "SubFmlyCd", child.position)?;
                        }
                        _ => cursor.skip()?,
                    }
                }
            }
            _ => cursor.skip()?,
        }
    }
    Ok([
        required(domain, "Cd", position)?,
        required(family, "Fmly", position)?,
        required(sub_family, "SubFmlyCd", position)?,
    ])
}

fn read_details(cursor: &mut Cursor<'_>) -> Result<Details> {
    let mut details = Details::default();
    let mut booked = None;
    while let Some(child) = cursor.child()? {
        let position = child.position;
        match child.name() {
            "Refs" => read_references(cursor, &mut details)?,
            "Amt" => set_once(&mut booked, cursor.amount(&child, "Amt")?, "Amt", position)?,
            "CdtDbtInd" => set_once(&mut details.side, cursor.side(&child)?, "CdtDbtInd", position)?,
            "AmtDtls" => {
                let amount = cursor.within("TxAmt", |cursor, _| {
                    cursor.within("Amt", |cursor, child| cursor.amount(child, "Amt"))
                })?;
                details.amount = amount.flatten().or(details.amount);
            }
            "RltdPties" => read_parties(cursor, &mut details.parties)?,
            "RmtInf" => {
                let text = read_remittance(cursor)?;
                set_once(&mut details.remittance, text, "RmtInf", position)?;
            }
            "RtrInf" => {
                let reason = cursor.within("Rsn", |cursor, _| cursor.code_choice())?.flatten();
                details.return_reason = reason.or_else(|| Some("NARR".to_owned()));
            }
            _ => cursor.skip()?,
        }
    }
    details.amount = booked.or(details.amount);
    details.remittance = details.remittance.filter(|text| !text.is_empty());
    Ok(details)
}

fn read_references(cursor: &mut Cursor<'_>, details: &mut Details) -> Result<()> {
    while let Some(child) = cursor.child()? {
        let position = child.position;
        match child.name() {
            "AcctSvcrRef" => {
                set_once(&mut details.bank_reference, cursor.text()?, "AcctSvcrRef", position)?;
            }
            "PmtInfId" => {
                set_once(&mut details.payment_information_id, cursor.text()?, "PmtInfId", position)?;
            }
            "InstrId" => set_once(&mut details.instruction_id, cursor.text()?, "InstrId", position)?,
            "EndToEndId" => set_once(&mut details.end_to_end_id, cursor.text()?, "EndToEndId", position)?,
            _ => cursor.skip()?,
        }
    }
    Ok(())
}

fn read_parties(cursor: &mut Cursor<'_>, parties: &mut Parties) -> Result<()> {
    while let Some(child) = cursor.child()? {
        let position = child.position;
        match child.name() {
            "DbtrAcct" => {
                set_once(&mut parties.debtor, read_account(cursor, &child)?, "DbtrAcct", position)?;
            }
            "CdtrAcct" => {
                set_once(&mut parties.creditor, read_account(cursor, &child)?, "CdtrAcct", position)?;
            }
            _ => cursor.skip()?,
        }
    }
    Ok(())
}

/// Unstructured lines, and the creditor's reference of structured ones.
fn read_remittance(cursor: &mut Cursor<'_>) -> Result<String> {
    let mut text = String::new();
    while let Some(child) = cursor.child()? {
        let part = match child.name() {
            "Ustrd" => Some(cursor.text()?),
            "Strd" => cursor.text_at(&["CdtrRefInf", "Ref"])?,
            _ => {
                cursor.skip()?;
                None
            }
        };
        if let Some(part) = part.filter(|part| !part.is_empty()) {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(&part);
        }
        if text.len() > REMITTANCE_BYTES_MAX {
            return Err(ReadError::TextTooLong { position: child.position, max: REMITTANCE_BYTES_MAX });
        }
    }
    Ok(text)
}
