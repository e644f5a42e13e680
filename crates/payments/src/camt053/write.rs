//! The writer of version 2, for a demonstration's bank.

use super::{Balance, CopyKind, Entry, EntryStatus, NAMESPACE_02, Statement, StatementAccount, encode};
use crate::xml_out::XmlOut;
use crate::{FileBytes, MessageTime, WriteError};
use money::Side;

/// Writes one message of `statements`, which share a message id.
///
/// # Errors
/// When there is none, their message ids differ, one does not add up, or a field has no form in version 2.
pub fn write(statements: &[Statement]) -> Result<FileBytes, WriteError> {
    let Some(first) = statements.first() else {
        return Err(WriteError::Empty { at: "the message".to_owned() });
    };
    for (index, statement) in statements.iter().enumerate() {
        let number = index.saturating_add(1);
        if statement.message_id != first.message_id {
            let at = format!("statement {number} message id");
            return Err(WriteError::NoForm { at, problem: "a message has one id" });
        }
        check(statement, &format!("statement {number}"))?;
    }
    let bytes = XmlOut::document(NAMESPACE_02, |out| {
        out.element("BkToCstmrStmt", |out| {
            out.element("GrpHdr", |out| {
                out.leaf("MsgId", &first.message_id);
                out.leaf("CreDtTm", &first.created.to_string());
            });
            for statement in statements {
                out.element("Stmt", |out| write_statement(out, statement));
            }
        });
    });
    Ok(FileBytes::new(bytes))
}

fn check(statement: &Statement, at: &str) -> Result<(), WriteError> {
    text(&statement.message_id, 35, || format!("{at} message id"))?;
    text(&statement.statement_id, 35, || format!("{at} id"))?;
    text(statement.account.as_str(), 34, || format!("{at} account"))?;
    if let StatementAccount::Iban(iban) = &statement.account
        && !is_iban_shaped(iban)
    {
        return Err(WriteError::NoForm { at: format!("{at} account"), problem: "not an IBAN by its shape" });
    }
    let years = [statement.opening.date, statement.closing.date];
    let period = statement.period.map(|(from, to)| [from, to]);
    let times = period.iter().flatten().chain([&statement.created]).map(MessageTime::date);
    if years.into_iter().chain(times).any(|date| date.year() < 1) {
        return Err(WriteError::TimeRefused { at: at.to_owned() });
    }
    for (index, entry) in statement.entries.iter().enumerate() {
        check_entry(entry, &format!("{at} entry {}", index.saturating_add(1)))?;
    }
    if !statement.adds_up() {
        let opening = money::TotalPence::from(statement.opening.amount);
        return Err(WriteError::DoesNotAddUp {
            at: at.to_owned(),
            stated: statement.closing.amount.into(),
            found: opening.plus_total(statement.booked()),
        });
    }
    Ok(())
}

fn check_entry(entry: &Entry, at: &str) -> Result<(), WriteError> {
    let code = &entry.bank_transaction_code;
    let [domain, family, sub_family] =
        code.domain.as_ref().map_or([None; 3], |codes| codes.each_ref().map(Some));
    let fields = [
        ("entry reference", entry.entry_reference.as_ref(), 35),
        ("bank reference", entry.bank_reference.as_ref(), 35),
        ("batch id", entry.payment_information_id.as_ref(), 35),
        ("instruction id", entry.instruction_id.as_ref(), 35),
        ("end-to-end id", entry.end_to_end_id.as_ref(), 35),
        ("return reason", entry.return_reason.as_ref(), 35),
        ("transaction code", code.proprietary.as_ref(), 35),
        ("transaction domain", domain, 4),
        ("transaction family", family, 4),
        ("transaction sub-family", sub_family, 4),
    ];
    for (field, value, max) in fields {
        value.map_or(Ok(()), |value| text(value, max, || format!("{at} {field}")))?;
    }
    let reference = entry
        .reference
        .as_ref()
        .map_or(Ok(()), |reference| text(reference.expose(), 140, || format!("{at} reference")));
    reference?;
    let no_form = |problem| WriteError::NoForm { at: at.to_owned(), problem };
    if entry.bundled.is_some() && says_which(entry) {
        return Err(no_form("a bundle does not say which payments it books"));
    }
    if entry.bundled.is_some_and(|count| count < 2) {
        return Err(no_form("a bundle books two payments or more"));
    }
    if entry.end_to_end_id.as_deref() == Some("NOTPROVIDED") {
        return Err(no_form("NOTPROVIDED is the word for no end-to-end id"));
    }
    match entry.status {
        EntryStatus::Booked | EntryStatus::Pending | EntryStatus::Information => Ok(()),
        EntryStatus::Future => Err(no_form("version 2 has no future entries")),
    }
}

/// Text that comes back as it went: not empty, not too long, no white space that a reader would trim.
fn text(text: &str, max: usize, at: impl Fn() -> String) -> Result<(), WriteError> {
    let found = text.chars().count();
    if found > max {
        return Err(WriteError::TextTooLong { at: at(), found, max });
    }
    if text.is_empty() {
        return Err(WriteError::Empty { at: at() });
    }
    if text.trim() != text || text.chars().any(char::is_control) || text.contains(['\u{fffe}', '\u{ffff}']) {
        let problem = "a control character, or white space at an end";
        return Err(WriteError::TextRefused { at: at(), problem });
    }
    Ok(())
}

/// `IBAN2007Identifier`: two capitals, two digits, 1 to 30 letters and digits.
fn is_iban_shaped(text: &str) -> bool {
    let (head, body) = text.split_at_checked(4).unwrap_or_default();
    let (country, digits) = head.split_at_checked(2).unwrap_or_default();
    country.bytes().all(|b| b.is_ascii_uppercase())
        && digits.bytes().all(|b| b.is_ascii_digit())
        && (1..=30).contains(&body.len())
        && body.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// Whether the entry tells one payment from others.
fn says_which(entry: &Entry) -> bool {
    entry.instruction_id.is_some()
        || entry.end_to_end_id.is_some()
        || entry.reference.is_some()
        || entry.return_reason.is_some()
}

fn write_statement(out: &mut XmlOut, statement: &Statement) {
    out.leaf("Id", &statement.statement_id);
    out.leaf("CreDtTm", &statement.created.to_string());
    if let Some((from, to)) = statement.period {
        out.element("FrToDt", |out| {
            out.leaf("FrDtTm", &from.to_string());
            out.leaf("ToDtTm", &to.to_string());
        });
    }
    out.optional("CpyDplctInd", statement.copy.map(|copy| encode(&CopyKind::ALL, copy)));
    out.element("Acct", |out| {
        match &statement.account {
            StatementAccount::Iban(iban) => out.path(&["Id", "IBAN"], iban),
            StatementAccount::Other(id) => out.path(&["Id", "Othr", "Id"], id),
        }
        out.leaf("Ccy", "GBP");
    });
    write_balance(out, "OPBD", statement.opening);
    write_balance(out, "CLBD", statement.closing);
    for entry in &statement.entries {
        out.element("Ntry", |out| write_entry(out, entry));
    }
}

fn write_balance(out: &mut XmlOut, code: &str, balance: Balance) {
    out.element("Bal", |out| {
        out.path(&["Tp", "CdOrPrtry", "Cd"], code);
        out.amount("Amt", balance.amount.magnitude());
        out.leaf("CdtDbtInd", if balance.amount.get() < 0 { "DBIT" } else { "CRDT" });
        out.path(&["Dt", "Dt"], &balance.date.to_string());
    });
}

fn write_entry(out: &mut XmlOut, entry: &Entry) {
    out.optional("NtryRef", entry.entry_reference.as_deref());
    out.amount("Amt", entry.amount);
    out.leaf("CdtDbtInd", side_code(entry.side));
    out.leaf("RvslInd", if entry.reversal { "true" } else { "false" });
    out.leaf("Sts", encode(&EntryStatus::ALL, entry.status));
    if let Some(date) = entry.booking_date {
        out.path(&["BookgDt", "Dt"], &date.to_string());
    }
    if let Some(date) = entry.value_date {
        out.path(&["ValDt", "Dt"], &date.to_string());
    }
    out.optional("AcctSvcrRef", entry.bank_reference.as_deref());
    out.element("BkTxCd", |out| {
        if let Some([domain, family, sub_family]) = &entry.bank_transaction_code.domain {
            out.element("Domn", |out| {
                out.leaf("Cd", domain);
                out.element("Fmly", |out| {
                    out.leaf("Cd", family);
                    out.leaf("SubFmlyCd", sub_family);
                });
            });
        }
        if let Some(code) = &entry.bank_transaction_code.proprietary {
            out.path(&["Prtry", "Cd"], code);
        }
    });
    if let Some(count) = entry.bundled {
        out.element("NtryDtls", |out| {
            out.element("Btch", |out| {
                out.optional("PmtInfId", entry.payment_information_id.as_deref());
                out.leaf("NbOfTxs", &count.to_string());
            });
        });
    } else if says_which(entry) || entry.payment_information_id.is_some() {
        out.element("NtryDtls", |out| out.element("TxDtls", |out| write_details(out, entry)));
    }
}

fn write_details(out: &mut XmlOut, entry: &Entry) {
    let ids = [&entry.payment_information_id, &entry.instruction_id, &entry.end_to_end_id];
    if ids.into_iter().any(Option::is_some) {
        out.element("Refs", |out| {
            out.optional("PmtInfId", entry.payment_information_id.as_deref());
            out.optional("InstrId", entry.instruction_id.as_deref());
            out.optional("EndToEndId", entry.end_to_end_id.as_deref());
        });
    }
    if let Some(reference) = &entry.reference {
        out.path(&["RmtInf", "Ustrd"], reference.expose());
    }
    if let Some(reason) = &entry.return_reason {
        // A code of the external list has up to four characters; anything else is the bank's own.
        let choice = if reason.len() <= 4 { "Cd" } else { "Prtry" };
        out.path(&["RtrInf", "Rsn", choice], reason);
    }
}

const fn side_code(side: Side) -> &'static str {
    match side {
        Side::Credit => "CRDT",
        Side::Debit => "DBIT",
    }
}
