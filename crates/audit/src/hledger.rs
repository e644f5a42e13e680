//! The ledger as an hledger journal, so that a program that is not ours recomputes every balance.
//!
//! ```text
//! 2017-06-14 activity  ; position:812, index:0, effective:2017-06-12, request:0192f0c1-…, window-seq:17, window-total:91234.00
//!     10M:elective:2017-18:fund:expenditure:third-party    £123.45
//!     10M:elective:2017-18:owed:payable:NT3               £-123.45
//!
//! 2017-06-30 * balances
//!     10M:elective:2017-18:owed:payable:NT3    £0 == £-91234.00
//! ```
//! Debits are positive. A transaction's date is its accounting date. At the end of every month, from that of the first entry on,
//! each account that was used by then is asserted to hold exactly that and nothing else, and at the end every account against
//! the state that a replay gives: hledger fails on the first assertion that its own sums contradict. Holds move nothing and are not exported.

use crate::export::{ExportError, Read, Source};
use journal::{AccountNumber, Day, Position, RequestId, SystemName};
use ledger::{EntryKind, State};
use money::{Side, TotalPence};
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{self, Write},
    path::Path,
};

/// What was exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exported {
    /// How many entries became transactions.
    pub entries: usize,
    /// How many balances are asserted.
    pub assertions: usize,
    /// How many accounts there are.
    pub accounts: usize,
}

/// An entry as it is exported.
struct Transaction {
    date: Day,
    position: Position,
    index: u16,
    kind: EntryKind,
    effective_date: Day,
    request_id: RequestId,
    reference: Option<String>,
    legs: Vec<(AccountNumber, Side, i64)>,
    steps: Vec<(u32, TotalPence)>,
}

/// Exports the ledger of `system` (or of the only one) in the data folder `from`, as its last signed checkpoint has it.
pub fn export_hledger(
    from: &Path,
    system: Option<&SystemName>,
    out: &mut impl Write,
) -> Result<Exported, ExportError> {
    let source = Source::find(from, system)?;
    let mut transactions = Vec::new();
    let state = source.read(|read, _| {
        transactions.extend(read.iter().flat_map(|read| transactions_of(read)));
        Ok(())
    })?;
    transactions.sort_by_key(|transaction| (transaction.date, transaction.position, transaction.index));
    let mut writer = Writer { out, names: BTreeMap::new(), balances: BTreeMap::new(), assertions: 0 };
    writer.heading(&source, &state)?;
    let mut month: Option<jiff::civil::Date> = None;
    for transaction in &transactions {
        let end = transaction.date.date().last_of_month();
        // A month without entries ends as well.
        while let Some(ended) = month.filter(|ended| *ended < end) {
            writer.month_end(ended.into())?;
            month = ended.tomorrow().ok().map(jiff::civil::Date::last_of_month);
        }
        month = Some(end);
        writer.transaction(transaction)?;
    }
    if let Some(last) = transactions.last() {
        writer.final_balances(last.date, &state)?;
    }
    writer.out.flush()?;
    Ok(Exported {
        entries: transactions.len(),
        assertions: writer.assertions,
        accounts: state.account_count(),
    })
}

fn transactions_of(read: &Read<'_>) -> Vec<Transaction> {
    let entries = ledger::entries(&read.command, &read.outcome);
    let with_legs = entries.filter(|(_, posting, _)| !posting.legs.is_empty());
    with_legs
        .map(|(index, posting, posted)| Transaction {
            date: posted.accounting_date,
            position: read.at.position,
            index,
            kind: posting.kind,
            effective_date: posting.effective_date,
            request_id: read.at.request_id,
            reference: posting.reference.clone(),
            legs: posting.legs.iter().map(|leg| (leg.account, leg.side, leg.pence.get())).collect(),
            steps: posted.windows.iter().map(|step| (step.seq, step.total.into())).collect(),
        })
        .collect()
}

struct Writer<'a, W: Write> {
    out: &'a mut W,
    /// hledger's names of the accounts.
    names: BTreeMap<AccountNumber, String>,
    /// Debits less credits of every account used so far.
    balances: BTreeMap<AccountNumber, TotalPence>,
    assertions: usize,
}

impl<W: Write> Writer<'_, W> {
    fn heading(&mut self, source: &Source, state: &State) -> io::Result<()> {
        writeln!(self.out, "; The ledger of {}, in accounting dates. Debits are positive.", source.system)?;
        writeln!(
            self.out,
            "; It stands for the {} records of this signed checkpoint:",
            source.checkpoint.size
        )?;
        for line in source.note.lines() {
            writeln!(self.out, ";   {line}")?;
        }
        writeln!(self.out, "commodity £1000.00")?;
        for account in state.accounts_after(None) {
            let name = account.path.replace('/', ":");
            writeln!(self.out, "account {name}  ; number:{}", account.number)?;
            self.names.insert(account.number, name);
        }
        Ok(())
    }

    fn transaction(&mut self, transaction: &Transaction) -> io::Result<()> {
        let Transaction { date, position, index, kind, effective_date, request_id, reference, legs, steps } =
            transaction;
        let mut comment =
            format!("position:{position}, index:{index}, effective:{effective_date}, request:{request_id}");
        for (seq, total) in steps {
            let _ = write!(comment, ", window-seq:{seq}, window-total:{}", total.to_pounds());
        }
        if let Some(reference) = reference {
            // A comma would end hledger's tag.
            let _ = write!(comment, ", reference:{}", reference.replace(',', " "));
        }
        writeln!(self.out, "\n{date} {}  ; {comment}", kind.as_str())?;
        for (account, side, pence) in legs {
            let pence = i128::from(*pence);
            let signed = TotalPence::new(if *side == Side::Debit { pence } else { -pence });
            writeln!(self.out, "    {}    £{}", name(&self.names, *account), signed.to_pounds())?;
            let balance = self.balances.entry(*account).or_default();
            *balance = balance.plus_total(signed);
        }
        Ok(())
    }

    fn month_end(&mut self, date: Day) -> io::Result<()> {
        let balances: Vec<_> = self.balances.iter().map(|(account, balance)| (*account, *balance)).collect();
        self.assertions(date, "month end", &balances)
    }

    /// Every account, by the state of a replay and not by the sums of this export.
    fn final_balances(&mut self, date: Day, state: &State) -> io::Result<()> {
        let balances: Vec<_> = state
            .accounts_after(None)
            .map(|account| (account.number, account.totals.balance(Side::Debit)))
            .collect();
        self.assertions(date, "balances", &balances)
    }

    fn assertions(
        &mut self,
        date: Day,
        title: &str,
        balances: &[(AccountNumber, TotalPence)],
    ) -> io::Result<()> {
        writeln!(self.out, "\n{date} * {title}")?;
        for (account, balance) in balances {
            writeln!(self.out, "    {}    £0 == £{}", name(&self.names, *account), balance.to_pounds())?;
        }
        self.assertions = self.assertions.saturating_add(balances.len());
        Ok(())
    }
}

fn name(names: &BTreeMap<AccountNumber, String>, account: AccountNumber) -> &str {
    names.get(&account).map_or("", String::as_str)
}
