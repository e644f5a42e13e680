//! Reading a bank's message: what is kept of it, and nothing that could name a person.

use crate::bank::{STATEMENT_ID_BYTES_MAX, StatementFacts};
use crate::{BankEntry, BankMessage, Direction, MessageKind};
use journal::{Day, Digest};
use money::Side;
use nhs::OdsCode;
use payments::camt053::{Entry, EntryStatus, Statement};
use payments::pain002::{Outcome, Status};
use payments::{BankAccount, ReadError, camt053, pain002};
use reference::{Reference, Role};
use std::collections::BTreeMap;

/// The characters of an end-to-end id of ours after its payer: see [`payments::reference`].
const ID_DIGEST_CHARACTERS: usize = 25;

/// Reads a statement or a status report. `instructed` gives the end-to-end ids of each message and batch id that went out.
///
/// # Errors
/// When the message cannot be read whole. The error quotes nothing that could name a person.
pub fn read_bank_message(
    bytes: &[u8],
    reference: &Reference,
    instructed: &BTreeMap<String, Vec<String>>,
) -> Result<BankMessage, ReadError> {
    let digest = Digest::of(bytes);
    match camt053::read(bytes) {
        Ok(statements) => Ok(from_statements(digest, &statements, reference)),
        Err(not_a_statement) => match pain002::read(bytes) {
            Ok(report) => Ok(from_report(digest, &report, instructed)),
            // What it claims to be decides whose complaint is told.
            Err(error) if is_status_report(bytes) => Err(error),
            Err(_) => Err(not_a_statement),
        },
    }
}

fn is_status_report(bytes: &[u8]) -> bool {
    let head = bytes.get(..2_000).unwrap_or(bytes);
    head.windows(b"pain.002".len()).any(|window| window == b"pain.002")
}

fn from_statements(digest: Digest, statements: &[Statement], reference: &Reference) -> BankMessage {
    let mut message = BankMessage {
        digest,
        kind: MessageKind::Statement,
        id: statements.first().map_or_else(String::new, |first| short(&first.message_id)),
        statements: Vec::with_capacity(statements.len()),
        entries: Vec::new(),
    };
    for statement in statements {
        let payer = payer_of(statement, reference);
        message.statements.push(StatementFacts {
            payer,
            id: short(&statement.statement_id),
            opening: statement.opening.amount,
            closing: statement.closing.amount,
        });
        message.entries.extend(statement.entries.iter().map(|entry| from_entry(payer, entry)));
    }
    message
}

/// The payer of the system whose account the statement is of, on the day that it closes.
fn payer_of(statement: &Statement, reference: &Reference) -> Option<OdsCode> {
    let day = Day::from(statement.closing.date);
    let rows = reference.rows().bank_details.iter().filter(|row| row.validity.covers(day));
    rows.filter(|row| reference.is_member(row.organisation))
        .filter(|row| reference.organisation(row.organisation).is_some_and(|body| body.role == Role::Ccg))
        .find(|row| statement.account.is(&BankAccount::new(row.sort_code, row.account_number)))
        .map(|row| row.organisation)
}

fn from_entry(payer: Option<OdsCode>, entry: &Entry) -> BankEntry {
    let direction = match (entry.status, entry.side) {
        (EntryStatus::Booked, Side::Debit) => Direction::Out,
        (EntryStatus::Booked, Side::Credit) => Direction::In,
        (EntryStatus::Pending | EntryStatus::Information | EntryStatus::Future, _) => Direction::NotBooked,
    };
    BankEntry {
        payer,
        end_to_end_id: entry.end_to_end_id.as_deref().and_then(ours),
        pence: Some(entry.amount),
        direction,
        on: entry.booking_date.or(entry.value_date).map(Day::from),
        reason: entry.return_reason.as_deref().and_then(code),
    }
}

fn from_report(
    digest: Digest,
    report: &pain002::StatusReport,
    instructed: &BTreeMap<String, Vec<String>>,
) -> BankMessage {
    let mut entries = Vec::new();
    let mut all = |ids: Option<&Vec<String>>, status: &Option<Status>| {
        let Some(status) = status.as_ref().filter(|status| direction(status.outcome).is_some()) else {
            return;
        };
        entries.extend(ids.into_iter().flatten().map(|id| from_status(Some(id), status)));
    };
    if report.batches.is_empty() {
        all(instructed.get(&report.original_message_id), &report.group);
    }
    for batch in report.batches.iter().filter(|batch| batch.payments.is_empty()) {
        all(instructed.get(&batch.payment_information_id), &batch.status);
    }
    for payment in report.batches.iter().flat_map(|batch| &batch.payments) {
        if let Some(status) = &payment.status {
            entries.push(from_status(payment.end_to_end_id.as_deref(), status));
        }
    }
    let id = short(&report.message_id);
    BankMessage { digest, kind: MessageKind::StatusReport, id, statements: Vec::new(), entries }
}

fn from_status(id: Option<&str>, status: &Status) -> BankEntry {
    BankEntry {
        payer: None,
        end_to_end_id: id.and_then(ours),
        pence: None,
        direction: direction(status.outcome).unwrap_or(Direction::NotBooked),
        on: None,
        reason: status.reasons.first().and_then(|reason| code(reason)),
    }
}

/// What a status means. That a bank calls a payment settled is not the statement that says so: it is taken as accepted.
const fn direction(outcome: Outcome) -> Option<Direction> {
    match outcome {
        Outcome::Accepted | Outcome::Settled => Some(Direction::Accepted),
        Outcome::Rejected => Some(Direction::Rejected),
        Outcome::Pending | Outcome::Partly | Outcome::Unknown => None,
    }
}

/// An end-to-end id of the shape of ours. Another's may hold anything, a person's number too, and is not kept.
fn ours(id: &str) -> Option<String> {
    let (payer, digest) = id.split_once('-')?;
    let plain = |text: &str| text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    let shape = digest.len() == ID_DIGEST_CHARACTERS && (1..=8).contains(&payer.len());
    (shape && plain(payer) && plain(digest)).then(|| id.to_owned())
}

/// A bank's code for a reason: a few letters and digits.
fn code(text: &str) -> Option<String> {
    let plain = (1..=8).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric());
    plain.then(|| text.to_owned())
}

fn short(id: &str) -> String {
    id.chars().filter(char::is_ascii_graphic).take(STATEMENT_ID_BYTES_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::world::{day, snapshot};
    use jiff::civil::date;
    use money::{NetPence, Pence};
    use payments::camt053::{Balance, BankTransactionCode, StatementAccount};

    const ID: &str = "10M-64PBC4W7QV7NMD3MSPR0VE335";

    fn entry(id: Option<&str>, side: Side) -> Entry {
        Entry {
            amount: Pence::from_u32(100),
            side,
            reversal: false,
            status: EntryStatus::Booked,
            booking_date: Some(date(2017, 8, 24)),
            value_date: None,
            entry_reference: None,
            bank_reference: None,
            bank_transaction_code: BankTransactionCode::default(),
            instruction_id: None,
            payment_information_id: None,
            end_to_end_id: id.map(str::to_owned),
            reference: None,
            return_reason: None,
            bundled: None,
        }
    }

    fn statement(account: &str, entries: Vec<Entry>) -> Vec<u8> {
        let on = date(2017, 8, 24);
        let mut statement = Statement {
            message_id: "MSG-1".into(),
            statement_id: "STMT-1".into(),
            created: payments::MessageTime::parse("2017-08-25T01:00:00Z").unwrap(),
            period: None,
            copy: None,
            account: StatementAccount::Other(account.into()),
            opening: Balance { amount: NetPence::new(1_000), date: on },
            closing: Balance { amount: NetPence::new(1_000), date: on },
            entries,
        };
        let booked = statement.booked().to_net().unwrap().get();
        statement.closing.amount = NetPence::new(1_000 + booked);
        camt053::write(&[statement]).unwrap().into_bytes()
    }

    fn read(bytes: &[u8]) -> Result<BankMessage, ReadError> {
        let reference = Reference::new(snapshot()).unwrap();
        let instructed = BTreeMap::from([("ALM-1".to_owned(), vec![ID.to_owned()])]);
        read_bank_message(bytes, &reference, &instructed)
    }

    #[test]
    fn a_statement_is_told_to_its_payer() {
        let nhs_number_in_a_reference = Some("943 476 5919");
        let bytes = statement(
            "08321000000001",
            vec![entry(Some(ID), Side::Debit), entry(nhs_number_in_a_reference, Side::Credit)],
        );
        let message = read(&bytes).unwrap();
        assert_eq!(message.statements[0].payer.unwrap().as_str(), "10M");
        assert_eq!(message.statements[0].closing, NetPence::new(1_000));
        let [out, other] = message.entries.as_slice() else { panic!() };
        assert_eq!((out.end_to_end_id.as_deref(), out.direction), (Some(ID), Direction::Out));
        assert_eq!(out.on, Some(day("2017-08-24")));
        assert_eq!((other.end_to_end_id.as_deref(), other.direction), (None, Direction::In));
        let other_account = read(&statement("08321000000003", vec![entry(Some(ID), Side::Debit)])).unwrap();
        assert_eq!(other_account.entries[0].payer, None, "the account of a payee is no payer's");
        let kept = message.to_cbor();
        assert_eq!(BankMessage::from_cbor(&kept).unwrap(), message);
        assert!(!kept.windows(3).any(|window| window == b"943"));
    }

    #[test]
    fn a_status_report_speaks_of_payments_batches_and_files() {
        let report = |inner: &str| {
            format!(
                r#"<?xml version="1.0" encoding="UTF-8"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.03"><CstmrPmtStsRpt><GrpHdr><MsgId>R1</MsgId><CreDtTm>2017-08-24T10:00:00</CreDtTm></GrpHdr><OrgnlGrpInfAndSts><OrgnlMsgId>ALM-1</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.03</OrgnlMsgNmId>{inner}</CstmrPmtStsRpt></Document>"#
            )
        };
        let payment = |status: &str| {
            report(&format!(
                "</OrgnlGrpInfAndSts><OrgnlPmtInfAndSts><OrgnlPmtInfId>X</OrgnlPmtInfId><TxInfAndSts><OrgnlEndToEndId>{ID}</OrgnlEndToEndId><TxSts>{status}</TxSts></TxInfAndSts></OrgnlPmtInfAndSts>"
            ))
        };
        let table = [
            (payment("ACSP"), Some(Direction::Accepted)),
            (payment("ACSC"), Some(Direction::Accepted)),
            (payment("RJCT"), Some(Direction::Rejected)),
            (report("<GrpSts>RJCT</GrpSts></OrgnlGrpInfAndSts>"), Some(Direction::Rejected)),
            (report("<GrpSts>PART</GrpSts></OrgnlGrpInfAndSts>"), None),
        ];
        for (text, expected) in table {
            let message = read(text.as_bytes()).unwrap();
            assert_eq!(message.kind, MessageKind::StatusReport);
            let found = message.entries.first();
            assert_eq!(found.map(|entry| entry.direction), expected, "{text}");
            assert!(found.is_none_or(|entry| entry.end_to_end_id.as_deref() == Some(ID)));
        }
    }

    #[test]
    fn what_cannot_be_read_is_refused_by_name() {
        for text in ["", "no xml", "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:pain.002.001.03\"/>"] {
            assert!(!read(text.as_bytes()).unwrap_err().reason().is_empty(), "{text}");
        }
    }
}
