//! Requests to commands. What comes out is well formed; whether it may be done is the domain's to say.

use super::window::key_from;
use crate::{Fields, Violations, common};
use journal::{AccountNumber, Cause, Day, Instant, Item, Position, RequestId};
use ledger::{
    AccountPath, AnswerWith, EntryKind, HOLD_ACTIONS_PER_POSTING_MAX, HoldAction, LEGS_PER_POSTING_MAX, Leg,
    NodePath, ON_BEHALF_BYTES_MAX, POSTINGS_PER_GROUP_MAX, Posting, REFERENCE_BYTES_MAX, SetLimit, Severity,
    WindowName, WindowUse,
};
use money::{NetPence, Side};
use nhs::{FinancialYear, Period};
use proto::ledger::v1;

/// A posting as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Its request id.
    pub request_id: RequestId,
    /// What it follows from.
    pub cause: Option<Cause>,
    /// The posting.
    pub posting: Posting,
}

/// A posting, or everything that is wrong with its fields.
pub fn posting(message: &v1::Posting) -> Result<Asked, Violations> {
    let mut fields = Fields::new();
    let asked = posting_fields(&mut fields, message);
    fields.known((asked,)).map(|(asked,)| asked)
}

/// The postings of a group: all well formed, or every fault of all of them.
pub fn group(fields: &mut Fields, messages: &[v1::Posting]) -> Option<Vec<Asked>> {
    fields.batch("postings", messages.len(), POSTINGS_PER_GROUP_MAX)?;
    each(fields, "postings", messages, POSTINGS_PER_GROUP_MAX, posting_fields)
}

fn posting_fields(fields: &mut Fields, message: &v1::Posting) -> Option<Asked> {
    let v1::Posting {
        request_id,
        kind,
        effective_date,
        legs,
        holds,
        cause,
        corrects,
        reference,
        accounting_date,
        on_behalf_of,
        reverses_in,
        balances,
    } = message;
    let request_id = id(fields, "request_id", request_id);
    let kind = fields.one_of("kind", *kind, kind_from);
    let effective_date = fields.date("effective_date", *effective_date);
    let legs = each(fields, "legs", legs, LEGS_PER_POSTING_MAX, leg);
    let holds = each(fields, "holds", holds, HOLD_ACTIONS_PER_POSTING_MAX, hold_action);
    let cause = match cause {
        None => Some(None),
        Some(cause) => cause_from(fields, cause).map(Some),
    };
    let corrects = match corrects {
        None => Some(None),
        Some(name) => fields.within("corrects", |fields| entry_name(fields, name)).map(Some),
    };
    let reference = plain(fields, "reference", reference, REFERENCE_BYTES_MAX);
    let accounting_date = fields.date_optional("accounting_date", *accounting_date);
    let on_behalf_of = plain(fields, "on_behalf_of", on_behalf_of, ON_BEHALF_BYTES_MAX);
    let reverses_in = fields.parse_optional::<Period>("reverses_in", reverses_in);
    Some(Asked {
        request_id: request_id?,
        cause: cause?,
        posting: Posting {
            kind: kind?,
            effective_date: Day::from(effective_date?),
            legs: legs?,
            holds: holds?,
            corrects: corrects?,
            reference: reference?,
            accounting_date: accounting_date?.map(Day::from),
            on_behalf_of: on_behalf_of?,
            reverses_in: reverses_in?,
            answer: balances.then_some(AnswerWith::Balances),
        },
    })
}

/// Each of repeated messages. Paths are built only for one that is wrong: a good one costs no allocation.
fn each<M, T>(
    fields: &mut Fields,
    path: &str,
    messages: &[M],
    max: usize,
    parse: impl Fn(&mut Fields, &M) -> Option<T>,
) -> Option<Vec<T>> {
    if messages.len() > max {
        fields.refuse(path, "BATCH_TOO_LARGE", format!("it must hold at most {max} items"));
        return None;
    }
    let mut found = Vec::with_capacity(messages.len());
    let mut good = true;
    for (index, message) in messages.iter().enumerate() {
        if let Some(value) = parse(&mut Fields::new(), message) {
            found.push(value);
        } else {
            good = false;
            fields.within_item(path, index, |fields| parse(fields, message));
        }
    }
    good.then_some(found)
}

fn id(fields: &mut Fields, path: &str, bytes: &[u8]) -> Option<RequestId> {
    let found = <[u8; 16]>::try_from(bytes).ok().and_then(|bytes| RequestId::from_bytes(bytes).ok());
    let found = found.filter(|id| !id.is_random());
    if found.is_none() {
        fields.refuse(path, "REQUEST_ID_INVALID", "it must be the 16 bytes of a UUID of version 7 or 8");
    }
    found
}

/// A hold's name may be any request id: a single call may have placed it.
fn hold_name(fields: &mut Fields, path: &str, bytes: &[u8]) -> Option<RequestId> {
    let found = <[u8; 16]>::try_from(bytes).ok().and_then(|bytes| RequestId::from_bytes(bytes).ok());
    if found.is_none() {
        fields.refuse(path, "REQUEST_ID_INVALID", "it must be the 16 bytes of a UUID of version 4, 7 or 8");
    }
    found
}

fn cause_from(fields: &mut Fields, cause: &proto::common::v1::Cause) -> Option<Cause> {
    let found = common::cause_from(cause);
    if found.is_none() {
        fields.refuse("cause.service", "FIELD_INVALID", "it must be the name of a service");
    }
    found
}

fn plain(fields: &mut Fields, path: &str, text: &str, bytes_max: usize) -> Option<Option<String>> {
    if text.is_empty() {
        return Some(None);
    }
    if text.len() > bytes_max {
        fields.refuse(path, "FIELD_TOO_LONG", format!("it must be at most {bytes_max} bytes"));
        return None;
    }
    if !text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        fields.refuse(path, "FIELD_INVALID", "it must be printable ASCII");
        return None;
    }
    Some(Some(text.to_owned()))
}

/// A required text of at most 500 printable ASCII characters.
pub fn reason_text(fields: &mut Fields, path: &str, text: &str) -> Option<String> {
    let found = plain(fields, path, text, 500)?;
    if found.is_none() {
        fields.refuse(path, "FIELD_MISSING", "it is required");
    }
    found
}

/// The name of an entry.
pub fn entry_name(fields: &mut Fields, name: &v1::EntryName) -> Option<Item> {
    let v1::EntryName { position, index } = name;
    let found = u16::try_from(*index).ok();
    if found.is_none() {
        fields.refuse("index", "FIELD_INVALID", "it must be at most 65535");
    }
    Some(Item { position: Position::new(*position), index: found? })
}

fn side_from(side: v1::Side) -> Option<Side> {
    match side {
        v1::Side::Unspecified => None,
        v1::Side::Debit => Some(Side::Debit),
        v1::Side::Credit => Some(Side::Credit),
    }
}

fn leg(fields: &mut Fields, message: &v1::Leg) -> Option<Leg> {
    let v1::Leg { account, side, amount_pence, window } = message;
    let side = fields.one_of("side", *side, side_from);
    let pence = fields.pence_above_zero("amount_pence", *amount_pence);
    let window = match window {
        None => Some(None),
        Some(v1::leg::Window::Adds(key)) => {
            fields.within("adds", |fields| key_from(fields, key)).map(|key| Some(WindowUse::Adds(key)))
        }
        Some(v1::leg::Window::Pays(key)) => {
            fields.within("pays", |fields| key_from(fields, key)).map(|key| Some(WindowUse::Pays(key)))
        }
    };
    Some(Leg { account: AccountNumber::new(*account), side: side?, pence: pence?, window: window? })
}

fn hold_action(fields: &mut Fields, message: &v1::HoldAction) -> Option<HoldAction> {
    let v1::HoldAction { action } = message;
    match fields.required("action", action.as_ref())? {
        v1::hold_action::Action::Place(v1::PlaceHold { account, amount_pence, expire_date, name }) => {
            let pence = fields.pence_above_zero("place.amount_pence", *amount_pence);
            let expires = fields.date("place.expire_date", *expire_date);
            let name =
                if name.is_empty() { Some(None) } else { hold_name(fields, "place.name", name).map(Some) };
            Some(HoldAction::Place {
                account: AccountNumber::new(*account),
                pence: pence?,
                expires: Day::from(expires?),
                name: name?,
            })
        }
        v1::hold_action::Action::Capture(v1::CaptureHold { hold, amount_pence }) => {
            let hold = hold_name(fields, "capture.hold", hold);
            let pence = match amount_pence {
                None => Some(None),
                Some(pence) => fields.pence("capture.amount_pence", *pence).map(Some),
            };
            Some(HoldAction::Capture { hold: hold?, pence: pence? })
        }
        v1::hold_action::Action::Release(v1::ReleaseHold { hold }) => {
            hold_name(fields, "release.hold", hold).map(|hold| HoldAction::Release { hold })
        }
    }
}

/// A reversal is made by its own method, which alone knows what it reverses.
fn kind_from(kind: v1::EntryKind) -> Option<EntryKind> {
    use v1::EntryKind as K;
    Some(match kind {
        K::Unspecified | K::Reversal => return None,
        K::Allocation => EntryKind::Allocation,
        K::Referral => EntryKind::Referral,
        K::HoldRelease => EntryKind::HoldRelease,
        K::Activity => EntryKind::Activity,
        K::ActivityVersion => EntryKind::ActivityVersion,
        K::Contest => EntryKind::Contest,
        K::ContestOutcome => EntryKind::ContestOutcome,
        K::Recognition => EntryKind::Recognition,
        K::OnAccount => EntryKind::OnAccount,
        K::TrueUp => EntryKind::TrueUp,
        K::Estimate => EntryKind::Estimate,
        K::EstimateReversal => EntryKind::EstimateReversal,
        K::Recovery => EntryKind::Recovery,
        K::RecoveryReceived => EntryKind::RecoveryReceived,
        K::PaymentInstructed => EntryKind::PaymentInstructed,
        K::PaymentConfirmed => EntryKind::PaymentConfirmed,
        K::PaymentRejected => EntryKind::PaymentRejected,
        K::PaymentReturned => EntryKind::PaymentReturned,
        K::PlanApproved => EntryKind::PlanApproved,
        K::PhbBooked => EntryKind::PhbBooked,
        K::PhbDelivered => EntryKind::PhbDelivered,
        K::PhbInstalment => EntryKind::PhbInstalment,
        K::PhbCare => EntryKind::PhbCare,
        K::PhbReturned => EntryKind::PhbReturned,
        K::Reclaim => EntryKind::Reclaim,
        K::ReclaimReceived => EntryKind::ReclaimReceived,
        K::WriteOff => EntryKind::WriteOff,
        K::SetOff => EntryKind::SetOff,
        K::YearEnd => EntryKind::YearEnd,
        K::Merger => EntryKind::Merger,
        K::Target => EntryKind::Target,
    })
}

/// The paths of accounts to open.
pub fn opened_paths(fields: &mut Fields, paths: &[String]) -> Option<Vec<AccountPath>> {
    fields.batch("paths", paths.len(), 1_000)?;
    each(fields, "paths", paths, 1_000, |fields, path: &String| fields.parse("", path))
}

/// An account by number or path.
pub fn account_name(
    fields: &mut Fields,
    account: Option<&v1::get_account_request::Account>,
) -> Option<Result<AccountNumber, AccountPath>> {
    match fields.required("account", account)? {
        v1::get_account_request::Account::Number(number) => Some(Ok(AccountNumber::new(*number))),
        v1::get_account_request::Account::Path(path) => fields.parse("path", path).map(Err),
    }
}

/// A limit to set.
pub fn limit(fields: &mut Fields, message: &v1::SetLimitRequest) -> Option<SetLimit> {
    let v1::SetLimitRequest { system: _, request_id: _, node, severity, floor_pence, ceiling_pence, reason } =
        message;
    let node = fields.parse::<NodePath>("node", node);
    let severity = fields.one_of("severity", *severity, |severity: v1::LimitSeverity| match severity {
        v1::LimitSeverity::Unspecified => None,
        v1::LimitSeverity::Warn => Some(Severity::Warn),
        v1::LimitSeverity::Hard => Some(Severity::Hard),
    });
    let reason = reason_text(fields, "reason", reason);
    Some(SetLimit {
        node: node?,
        severity: severity?,
        floor: floor_pence.map(NetPence::new),
        ceiling: ceiling_pence.map(NetPence::new),
        reason: reason?,
    })
}

/// The windows to seal.
pub fn windows(fields: &mut Fields, messages: &[v1::WindowName]) -> Option<Vec<WindowName>> {
    fields.batch("windows", messages.len(), 256)?;
    each(fields, "windows", messages, 256, |fields, message: &v1::WindowName| {
        let v1::WindowName { payer, payee, key } = message;
        let payer = fields.parse::<nhs::OdsCode>("payer", payer);
        let payee = fields.text("payee", payee, 40).map(str::to_owned);
        let key = fields.required("key", key.as_ref());
        let key = key.and_then(|key| fields.within("key", |fields| key_from(fields, key)));
        Some(WindowName { payer: payer?.to_string(), payee: payee?, key: key? })
    })
}

/// A node of the chart, or `None` for all of it.
pub fn node(fields: &mut Fields, path: &str, text: &str) -> Option<Option<NodePath>> {
    fields.parse_optional(path, text)
}

/// A financial year.
pub fn financial_year(fields: &mut Fields, path: &str, text: &str) -> Option<FinancialYear> {
    fields.parse(path, text)
}

/// A month.
pub fn period(fields: &mut Fields, path: &str, text: &str) -> Option<Period> {
    fields.parse(path, text)
}

/// Which of an entry's dates is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateBasis {
    /// The date in whose month it is accounted for.
    Accounting,
    /// The date on which it happened.
    Effective,
}

/// Up to where something was known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KnownBy {
    /// What was recorded by then.
    Time(Instant),
    /// What was recorded up to and including this record.
    Position(Position),
}

/// The day and the instant that a balance is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AskedAt {
    /// Only what is dated by then; `None`: whatever the date.
    pub date: Option<(DateBasis, Day)>,
    /// Only what was recorded by then; `None`: everything.
    pub known: Option<KnownBy>,
}

/// The day and the instant of a request; the inner `None` is how things stand.
pub fn asked_at(fields: &mut Fields, path: &str, at: Option<v1::PointInTime>) -> Option<Option<AskedAt>> {
    use v1::point_in_time::{Date, Known};
    let Some(v1::PointInTime { date, known }) = at else { return Some(None) };
    fields.within(path, |fields| {
        let date = match date {
            None => Some(None),
            Some(Date::AccountingDate(date)) => {
                let date = fields.date("accounting_date", Some(date));
                date.map(|date| Some((DateBasis::Accounting, Day::from(date))))
            }
            Some(Date::EffectiveDate(date)) => {
                let date = fields.date("effective_date", Some(date));
                date.map(|date| Some((DateBasis::Effective, Day::from(date))))
            }
        };
        let known = match known {
            None => Some(None),
            Some(Known::RecordedTime(time)) => {
                instant(fields, "recorded_time", time).map(|time| Some(KnownBy::Time(time)))
            }
            Some(Known::Position(position)) => Some(Some(KnownBy::Position(Position::new(position)))),
        };
        let asked = AskedAt { date: date?, known: known? };
        // Nothing said is how things stand.
        Some((asked.date.is_some() || asked.known.is_some()).then_some(asked))
    })
}

fn instant(fields: &mut Fields, path: &str, time: prost_types::Timestamp) -> Option<Instant> {
    let found = common::instant_from(time);
    if found.is_none() {
        fields.refuse(path, "FIELD_INVALID", "it must be a time of the years 1 to 9999");
    }
    found
}

/// Up to where a statement is of what was known.
pub fn statement_known(
    fields: &mut Fields,
    known: Option<v1::get_statement_request::Known>,
) -> Option<Option<KnownBy>> {
    use v1::get_statement_request::Known;
    match known {
        None => Some(None),
        Some(Known::RecordedTime(time)) => {
            instant(fields, "recorded_time", time).map(|time| Some(KnownBy::Time(time)))
        }
        Some(Known::Position(position)) => Some(Some(KnownBy::Position(Position::new(position)))),
    }
}

/// Which date is meant; the accounting date when it is not said.
pub fn basis(fields: &mut Fields, path: &str, basis: i32) -> Option<DateBasis> {
    match v1::DateBasis::try_from(basis) {
        Ok(v1::DateBasis::Unspecified | v1::DateBasis::Accounting) => Some(DateBasis::Accounting),
        Ok(v1::DateBasis::Effective) => Some(DateBasis::Effective),
        Err(_) => {
            fields.refuse(path, "FIELD_INVALID", "it is none of the known values");
            None
        }
    }
}

/// A kind of entry to look for: any, reversals included.
pub fn entry_kind(fields: &mut Fields, path: &str, kind: i32) -> Option<Option<EntryKind>> {
    match v1::EntryKind::try_from(kind) {
        Ok(v1::EntryKind::Unspecified) => Some(None),
        Ok(v1::EntryKind::Reversal) => Some(Some(EntryKind::Reversal)),
        Ok(known) => Some(kind_from(known)),
        Err(_) => {
            fields.refuse(path, "FIELD_INVALID", "it is none of the known values");
            None
        }
    }
}

/// What a listed entry must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// The month in which it is accounted for.
    pub period: Option<Period>,
    /// Its kind.
    pub kind: Option<EntryKind>,
    /// URN of its caller.
    pub caller: Option<String>,
    /// The least and the most that its amount may be, in pence.
    pub amount: (i64, i64),
    /// The first instant at which it may have been recorded, and the first at which it may not.
    pub recorded: (Option<Instant>, Option<Instant>),
    /// The first and the last day for which it may be accounted.
    pub accounting: (Option<Day>, Option<Day>),
    /// The first and the last day on which it may have happened.
    pub effective: (Option<Day>, Option<Day>),
    /// Whether it must have legs.
    pub money_only: bool,
    /// Whether it must pay a window.
    pub paying_only: bool,
}

/// What the entries of a listing must be.
pub fn filter(fields: &mut Fields, request: &v1::ListEntriesRequest) -> Option<Filter> {
    let v1::ListEntriesRequest {
        system: _,
        of: _,
        page: _,
        min_position: _,
        period,
        kind,
        caller,
        amount_pence_min,
        amount_pence_max,
        recorded_from,
        recorded_before,
        accounting_from,
        accounting_to,
        effective_from,
        effective_to,
        money_only,
        paying_only,
    } = request;
    let mut day = |path, date| fields.date_optional(path, date).map(|date| date.map(Day::from));
    let accounting = (day("accounting_from", *accounting_from), day("accounting_to", *accounting_to));
    let effective = (day("effective_from", *effective_from), day("effective_to", *effective_to));
    let period = fields.parse_optional("period", period);
    let kind = entry_kind(fields, "kind", *kind);
    let caller = fields.text_optional("caller", caller, 200);
    let mut pence = |path, pence: Option<i64>| match pence {
        None => Some(None),
        Some(pence) => fields.pence(path, pence).map(|pence| Some(pence.get())),
    };
    let (least, most) =
        (pence("amount_pence_min", *amount_pence_min), pence("amount_pence_max", *amount_pence_max));
    let mut time = |path, time: Option<prost_types::Timestamp>| match time {
        None => Some(None),
        Some(time) => instant(fields, path, time).map(Some),
    };
    let (from, before) = (time("recorded_from", *recorded_from), time("recorded_before", *recorded_before));
    Some(Filter {
        period: period?,
        kind: kind?,
        caller: caller.map(|caller| Some(caller).filter(|c| !c.is_empty()).map(str::to_owned))?,
        amount: (least?.unwrap_or(0), most?.unwrap_or(i64::MAX)),
        recorded: (from?, before?),
        accounting: (accounting.0?, accounting.1?),
        effective: (effective.0?, effective.1?),
        money_only: *money_only,
        paying_only: *paying_only,
    })
}
