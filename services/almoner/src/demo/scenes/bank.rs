//! The demo's bank: it reads the payment files that are sent to it, and says in a statement that they were paid.

use anyhow::Context as _;
use jiff::civil::Date;
use money::{NetPence, Side, TotalPence};
use payments::{
    MessageTime,
    camt053::{self, Balance, BankTransactionCode, Entry, EntryStatus, Statement, StatementAccount},
    pain001,
};

/// What each payer's account holds before the statement: any sum that covers a run.
const OPENING: NetPence = NetPence::new(500_000_000_00);

/// The statement (`camt.053`) of the account that `instructed` debits, with everything that it instructs paid on `on`.
pub(super) fn statement(instructed: &[u8], on: Date) -> anyhow::Result<Vec<u8>> {
    let instructions = pain001::read(instructed).context("the bank cannot read the payment file")?;
    let first = instructions.first().context("the payment file instructs nothing")?;
    let account = first.payer_account.domestic();
    let mut paid = TotalPence::ZERO;
    let entries: Vec<Entry> = instructions
        .iter()
        .map(|payment| {
            paid = paid.plus(payment.amount);
            Entry {
                amount: payment.amount,
                side: Side::Debit,
                reversal: false,
                status: EntryStatus::Booked,
                booking_date: Some(on),
                value_date: Some(on),
                entry_reference: None,
                bank_reference: None,
                bank_transaction_code: BankTransactionCode::default(),
                payment_information_id: Some(payment.payment_information_id.clone()),
                instruction_id: payment.instruction_id.clone(),
                end_to_end_id: Some(payment.end_to_end_id.clone()),
                reference: None,
                return_reason: None,
                bundled: None,
            }
        })
        .collect();
    let closing = OPENING.checked_sub(paid.to_net()?)?;
    let statement = Statement {
        message_id: format!("BANK-{on}-{account}"),
        statement_id: format!("{on}-{account}"),
        created: MessageTime::parse(&format!("{on}T23:00:00Z")).context("the statement's time")?,
        period: None,
        copy: None,
        account: StatementAccount::Other(account),
        opening: Balance { amount: OPENING, date: on },
        closing: Balance { amount: closing, date: on },
        entries,
    };
    Ok(camt053::write(&[statement]).context("the bank cannot write its statement")?.into_bytes())
}
