//! The reader.

use super::NAMESPACE;
use crate::BankAccount;
use crate::read_error::ReadError;
use crate::xml_in::{Child, Cursor};
use crate::xml_values::{parse_amount, required, set_once};
use jiff::civil::Date;
use money::Pence;

type Result<T> = core::result::Result<T, ReadError>;

/// One payment that a file instructs, with what its batch says about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instruction {
    /// The batch's id.
    pub payment_information_id: String,
    /// The account to be debited.
    pub payer_account: BankAccount,
    /// When it is to be debited.
    pub requested_execution_date: Date,
    /// Identifies the instruction between payer and bank, when given.
    pub instruction_id: Option<String>,
    /// Identifies the payment from end to end.
    pub end_to_end_id: String,
    /// How much.
    pub amount: Pence,
    /// The account to be credited.
    pub payee_account: BankAccount,
    /// The remittance text, when given.
    pub remittance: Option<String>,
}

/// Reads what a `pain.001.001.03` file instructs. Numbers of transactions and control sums, of the file and of each
/// batch that states them, must hold.
///
/// # Errors
/// When the message is not one of ours to read (see [`ReadError`]), or a control does not hold.
pub fn read(bytes: &[u8]) -> Result<Vec<Instruction>> {
    let mut cursor = Cursor::open(bytes, &[NAMESPACE])?;
    let mut message = None;
    while let Some(child) = cursor.child()? {
        match child.name() {
            "CstmrCdtTrfInitn" => {
                let value = read_message(&mut cursor, &child)?;
                set_once(&mut message, value, "CstmrCdtTrfInitn", child.position)?;
            }
            _ => cursor.skip()?,
        }
    }
    cursor.finish()?;
    required(message, "CstmrCdtTrfInitn", 0)
}

fn read_message(cursor: &mut Cursor<'_>, parent: &Child<'_>) -> Result<Vec<Instruction>> {
    let mut controls = None;
    let mut instructions = Vec::new();
    while let Some(child) = cursor.child()? {
        match child.name() {
            "GrpHdr" => {
                let mut found = Controls::default();
                while let Some(field) = cursor.child()? {
                    if !found.read(cursor, &field)? {
                        cursor.skip()?;
                    }
                }
                set_once(&mut controls, found, "GrpHdr", child.position)?;
            }
            "PmtInf" => instructions.append(&mut read_batch(cursor, &child)?),
            _ => cursor.skip()?,
        }
    }
    let controls = required(controls, "GrpHdr", parent.position)?;
    required(controls.payments, "NbOfTxs", parent.position)?;
    controls.check(&instructions, parent.position)?;
    Ok(instructions)
}

/// What a header states about the payments under it.
#[derive(Default)]
struct Controls {
    payments: Option<u32>,
    sum: Option<Pence>,
}

impl Controls {
    /// Reads the child when it is a control; says whether it was.
    fn read(&mut self, cursor: &mut Cursor<'_>, child: &Child<'_>) -> Result<bool> {
        let position = child.position;
        match child.name() {
            "NbOfTxs" => {
                let value = cursor.count(child, "NbOfTxs")?;
                set_once(&mut self.payments, value, "NbOfTxs", position)?;
            }
            "CtrlSum" => {
                let expected = "a sum of pounds with at most two decimals";
                let value = parse_amount(&cursor.text()?).ok_or(ReadError::ValueRefused {
                    element: "CtrlSum",
                    position,
                    expected,
                })?;
                set_once(&mut self.sum, value, "CtrlSum", position)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn check(&self, instructions: &[Instruction], position: u64) -> Result<()> {
        let refused = |element, expected| ReadError::ValueRefused { element, position, expected };
        if self.payments.is_some_and(|stated| usize::try_from(stated) != Ok(instructions.len())) {
            return Err(refused("NbOfTxs", "the number of the payments under it"));
        }
        let sum = Pence::sum(instructions.iter().map(|instruction| instruction.amount)).ok();
        if self.sum.is_some_and(|stated| Some(stated) != sum) {
            return Err(refused("CtrlSum", "the sum of the payments under it"));
        }
        Ok(())
    }
}

fn read_batch(cursor: &mut Cursor<'_>, parent: &Child<'_>) -> Result<Vec<Instruction>> {
    let mut controls = Controls::default();
    let (mut id, mut date, mut account) = (None, None, None);
    let mut transfers = Vec::new();
    while let Some(child) = cursor.child()? {
        let position = child.position;
        if controls.read(cursor, &child)? {
            continue;
        }
        match child.name() {
            "PmtInfId" => {
                let value = cursor.text()?;
                set_once(&mut id, value, "PmtInfId", position)?;
            }
            "ReqdExctnDt" => {
                let value = cursor.date(&child, "ReqdExctnDt")?;
                set_once(&mut date, value, "ReqdExctnDt", position)?;
            }
            "DbtrAcct" => {
                let value = read_account(cursor, &child, "DbtrAcct")?;
                set_once(&mut account, value, "DbtrAcct", position)?;
            }
            "CdtTrfTxInf" => transfers.push(read_transfer(cursor, &child)?),
            _ => cursor.skip()?,
        }
    }
    let id = required(id, "PmtInfId", parent.position)?;
    let date = required(date, "ReqdExctnDt", parent.position)?;
    let account = required(account, "DbtrAcct", parent.position)?;
    let instructions: Vec<_> = transfers
        .into_iter()
        .map(|transfer| Instruction {
            payment_information_id: id.clone(),
            payer_account: account.clone(),
            requested_execution_date: date,
            instruction_id: transfer.instruction_id,
            end_to_end_id: transfer.end_to_end_id,
            amount: transfer.amount,
            payee_account: transfer.payee_account,
            remittance: transfer.remittance,
        })
        .collect();
    controls.check(&instructions, parent.position)?;
    Ok(instructions)
}

struct Transfer {
    instruction_id: Option<String>,
    end_to_end_id: String,
    amount: Pence,
    payee_account: BankAccount,
    remittance: Option<String>,
}

fn read_transfer(cursor: &mut Cursor<'_>, parent: &Child<'_>) -> Result<Transfer> {
    let (mut instruction_id, mut end_to_end_id) = (None, None);
    let (mut amount, mut payee_account, mut remittance) = (None, None, None);
    while let Some(child) = cursor.child()? {
        let position = child.position;
        match child.name() {
            "PmtId" => {
                while let Some(id) = cursor.child()? {
                    match id.name() {
                        "InstrId" => set_once(&mut instruction_id, cursor.text()?, "InstrId", id.position)?,
                        "EndToEndId" => {
                            set_once(&mut end_to_end_id, cursor.text()?, "EndToEndId", id.position)?;
                        }
                        _ => cursor.skip()?,
                    }
                }
            }
            "Amt" => {
                let value = cursor.within("InstdAmt", |cursor, child| cursor.amount(child, "InstdAmt"))?;
                set_once(&mut amount, required(value, "InstdAmt", position)?, "Amt", position)?;
            }
            "CdtrAcct" => {
                let value = read_account(cursor, &child, "CdtrAcct")?;
                set_once(&mut payee_account, value, "CdtrAcct", position)?;
            }
            "RmtInf" => {
                let value = cursor.text_at(&["Ustrd"])?;
                set_once(&mut remittance, value, "RmtInf", position)?;
            }
            _ => cursor.skip()?,
        }
    }
    Ok(Transfer {
        instruction_id,
        end_to_end_id: required(end_to_end_id, "EndToEndId", parent.position)?,
        amount: required(amount, "Amt", parent.position)?,
        payee_account: required(payee_account, "CdtrAcct", parent.position)?,
        remittance: remittance.flatten(),
    })
}

fn read_account(cursor: &mut Cursor<'_>, parent: &Child<'_>, element: &'static str) -> Result<BankAccount> {
    let mut account = None;
    let position = parent.position;
    while let Some(child) = cursor.child()? {
        if child.name() != "Id" {
            cursor.skip()?;
            continue;
        }
        while let Some(choice) = cursor.child()? {
            let text = match choice.name() {
                "IBAN" => Some(cursor.text()?),
                "Othr" => cursor.text_at(&["Id"])?,
                _ => {
                    cursor.skip()?;
                    None
                }
            };
            if let Some(text) = text {
                let expected = "an account in the United Kingdom";
                let value = BankAccount::parse(&text).map_err(|_| ReadError::ValueRefused {
                    element,
                    position,
                    expected,
                })?;
                set_once(&mut account, value, element, choice.position)?;
            }
        }
    }
    required(account, element, position)
}
