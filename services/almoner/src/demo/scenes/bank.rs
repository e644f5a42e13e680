//! The demo's bank: it reads the payment files that are sent to it, pays them, and says so in statements. One direct payment
//! comes back, since the account that it went to was closed.

use anyhow::Context as _;
use jiff::civil::Date;
use money::{NetPence, Pence, Side};
use payments::{
    MessageTime,
    camt053::{self, Balance, BankTransactionCode, Entry, EntryStatus, Statement, StatementAccount},
    pain001,
};
use std::collections::BTreeMap;

/// What each payer's account holds at first: any sum that covers a summer.
const OPENING: NetPence = NetPence::new(500_000_000_00);

/// Why a payment comes back: the account is closed (ISO 20022, external return reasons).
const CLOSED_ACCOUNT: &str = "AC04";

/// The bank of all payers.
#[derive(Debug, Default)]
pub(super) struct Bank {
    balances: BTreeMap<String, NetPence>,
}

/// A statement (`camt.053`) of one account.
#[derive(Debug)]
pub(super) struct Message {
    /// The account and the day, for the file's name.
    pub(super) name: String,
    /// The message.
    pub(super) bytes: Vec<u8>,
}

/// A payment that the bank made.
#[derive(Debug, Clone)]
pub(super) struct Made {
    account: String,
    /// What was paid.
    pub(super) amount: Pence,
    end_to_end_id: String,
}

impl Bank {
    /// Pays everything that `file` instructs. Returns what was paid.
    pub(super) fn pay(file: &[u8]) -> anyhow::Result<Vec<Made>> {
        let instructions = pain001::read(file).context("the bank cannot read the payment file")?;
        let made = instructions.into_iter().map(|instruction| Made {
            account: instruction.payer_account.domestic(),
            amount: instruction.amount,
            end_to_end_id: instruction.end_to_end_id,
        });
        Ok(made.collect())
    }

    /// The statements of the day on which `made` was paid, one for each account.
    pub(super) fn statements(&mut self, made: &[Made], on: Date) -> anyhow::Result<Vec<Message>> {
        let mut by_account: BTreeMap<&str, Vec<Entry>> = BTreeMap::new();
        for payment in made {
            by_account.entry(&payment.account).or_default().push(entry(payment, Side::Debit, on));
        }
        by_account.into_iter().map(|(account, entries)| self.statement(account, entries, on)).collect()
    }

    /// The statement of the day on which `made` came back.
    pub(super) fn returned(&mut self, made: &Made, on: Date) -> anyhow::Result<Message> {
        let back = Entry { return_reason: Some(CLOSED_ACCOUNT.to_owned()), ..entry(made, Side::Credit, on) };
        self.statement(&made.account, vec![back], on)
    }

    fn statement(&mut self, account: &str, entries: Vec<Entry>, on: Date) -> anyhow::Result<Message> {
        let opening = *self.balances.entry(account.to_owned()).or_insert(OPENING);
        let mut closing = opening;
        for entry in &entries {
            let amount = NetPence::new(entry.amount.get());
            closing = match entry.side {
                Side::Debit => closing.checked_sub(amount)?,
                Side::Credit => closing.checked_add(amount)?,
            };
        }
        self.balances.insert(account.to_owned(), closing);
        let statement = Statement {
            message_id: format!("BANK-{on}-{account}"),
            statement_id: format!("{on}-{account}"),
            created: MessageTime::parse(&format!("{on}T23:00:00Z")).context("the statement's time")?,
            period: None,
            copy: None,
            account: StatementAccount::Other(account.to_owned()),
            opening: Balance { amount: opening, date: on },
            closing: Balance { amount: closing, date: on },
            entries,
        };
        let bytes = camt053::write(&[statement]).context("the bank cannot write its statement")?.into_bytes();
        Ok(Message { name: format!("camt053-{on}-{account}.xml"), bytes })
    }
}

fn entry(payment: &Made, side: Side, on: Date) -> Entry {
    Entry {
        amount: payment.amount,
        side,
        reversal: false,
        status: EntryStatus::Booked,
        booking_date: Some(on),
        value_date: Some(on),
        entry_reference: None,
        bank_reference: None,
        bank_transaction_code: BankTransactionCode::default(),
        payment_information_id: None,
        instruction_id: None,
        end_to_end_id: Some(payment.end_to_end_id.clone()),
        reference: None,
        return_reason: None,
        bundled: None,
    }
}
