//! Positions, ties and control totals outward.

use crate::common;
use ::reconciliation::{
    Class, ControlTotal, Difference, DifferenceKind, Finding, LineFigure, LineRow, PayeeRow, Pending,
    Position, ProposeControlTotal, RecordPosition, RecordedPosition, Row, Tie, TieKind, unexplained,
};
use journal::{Instant, Service};
use money::{NetPence, TotalPence};
use nhs::OdsCode;
use proto::reconciliation::v1;
use std::collections::BTreeMap;

/// The most broken ties that a position shows.
const BREAKS_MAX: usize = 1_000;

/// A total, or the nearest amount that the wire can say.
#[must_use]
pub fn total(total: TotalPence) -> i64 {
    let nearest = NetPence::new(if total.get() < 0 { i64::MIN } else { i64::MAX });
    total.to_net().unwrap_or(nearest).get()
}

/// A control total in force.
#[must_use]
pub fn in_force(organisation: Option<OdsCode>, row: &ControlTotal) -> v1::ControlTotalInForce {
    let ControlTotal { total, reserve, source, illustrative, approved_at } = row;
    v1::ControlTotalInForce {
        control_total: Some(v1::ControlTotal {
            organisation: organisation.map(|code| code.to_string()).unwrap_or_default(),
            total_pence: total.get(),
            reserve_pence: reserve.get(),
        }),
        source: source.clone(),
        illustrative: *illustrative,
        approved_position: approved_at.get(),
    }
}

/// A proposal that waits.
#[must_use]
pub fn pending(number: journal::Position, pending: &Pending) -> v1::ControlTotalProposal {
    proposal(number, pending.proposed_time, &pending.content)
}

/// What was proposed under that number.
#[must_use]
pub fn proposal(
    number: journal::Position,
    time: Instant,
    content: &ProposeControlTotal,
) -> v1::ControlTotalProposal {
    let ProposeControlTotal { year, rows, source, illustrative } = content;
    let row = |row: &Row| v1::ControlTotal {
        organisation: row.organisation.map(|code| code.to_string()).unwrap_or_default(),
        total_pence: row.total.get(),
        reserve_pence: row.reserve.get(),
    };
    v1::ControlTotalProposal {
        proposal: number.get(),
        digest: common::digest(content.digest()),
        propose_time: Some(common::timestamp(time)),
        financial_year: year.to_string(),
        control_totals: rows.iter().map(row).collect(),
        source: source.clone(),
        illustrative: *illustrative,
    }
}

/// What was read of a service.
#[must_use]
pub fn source(service: Service, position: Option<journal::Position>) -> v1::Source {
    v1::Source { service: service.to_string(), position: position.map(journal::Position::get) }
}

/// A position that was kept.
#[must_use]
pub fn recorded_position(number: journal::Position, kept: &RecordedPosition) -> v1::RecordedPosition {
    let RecordPosition { year, sources, pack, unexplained, ties, breaks } = &kept.recorded;
    v1::RecordedPosition {
        position: number.get(),
        record_time: Some(common::timestamp(kept.time)),
        financial_year: year.to_string(),
        pack_digest: common::digest(*pack),
        sources: sources.iter().map(|(service, at)| source(*service, Some(*at))).collect(),
        unexplained_pence: unexplained.get(),
        ties_count: *ties,
        breaks_count: *breaks,
    }
}

fn line_row(row: &LineRow) -> v1::LineRow {
    let LineRow { sums, returned, received } = row;
    let LineFigure {
        line,
        allocated,
        committed,
        accrued,
        contested,
        instructed,
        settled,
        transferred,
        available,
        expenditure,
    } = sums;
    v1::LineRow {
        line: line.to_string(),
        allocated_pence: total(*allocated),
        committed_pence: total(*committed),
        accrued_pence: total(*accrued),
        contested_pence: total(*contested),
        paid_pence: total(sums.paid()),
        instructed_pence: total(*instructed),
        settled_pence: total(*settled),
        transferred_pence: total(*transferred),
        available_pence: total(*available),
        expenditure_pence: total(*expenditure),
        returned_pence: total(*returned),
        received_pence: total(*received),
    }
}

/// The sum of rows; its line is empty.
fn sum(rows: &[v1::LineRow]) -> v1::LineRow {
    let of =
        |amount: fn(&v1::LineRow) -> i64| rows.iter().fold(0_i64, |sum, row| sum.saturating_add(amount(row)));
    v1::LineRow {
        line: String::new(),
        allocated_pence: of(|row| row.allocated_pence),
        committed_pence: of(|row| row.committed_pence),
        accrued_pence: of(|row| row.accrued_pence),
        contested_pence: of(|row| row.contested_pence),
        paid_pence: of(|row| row.paid_pence),
        instructed_pence: of(|row| row.instructed_pence),
        settled_pence: of(|row| row.settled_pence),
        transferred_pence: of(|row| row.transferred_pence),
        available_pence: of(|row| row.available_pence),
        expenditure_pence: of(|row| row.expenditure_pence),
        returned_pence: of(|row| row.returned_pence),
        received_pence: of(|row| row.received_pence),
    }
}

const fn class(class: Option<Class>) -> v1::CounterpartyClass {
    match class {
        None => v1::CounterpartyClass::Unspecified,
        Some(Class::InSystem) => v1::CounterpartyClass::InSystem,
        Some(Class::OtherNhs) => v1::CounterpartyClass::OtherNhs,
        Some(Class::ThirdParty) => v1::CounterpartyClass::ThirdParty,
        Some(Class::Phb) => v1::CounterpartyClass::Phb,
        Some(Class::WrittenOff) => v1::CounterpartyClass::WrittenOff,
    }
}

fn payee_row(row: &PayeeRow) -> v1::PayeeRow {
    let PayeeRow { line, payee, class: of, accepted, contested, accrued, instructed, settled, returned } =
        row;
    v1::PayeeRow {
        line: line.to_string(),
        payee: payee.clone(),
        class: class(*of).into(),
        accepted_pence: total(*accepted),
        accrued_pence: total(*accrued),
        contested_pence: total(*contested),
        instructed_pence: total(*instructed),
        settled_pence: total(*settled),
        returned_pence: total(*returned),
    }
}

fn named(difference: &Difference) -> v1::NamedDifference {
    let Difference { kind, amount } = difference;
    v1::NamedDifference { kind: kind.code().to_owned(), pence: total(*amount) }
}

/// A tie.
#[must_use]
pub fn tie(tie: &Tie) -> v1::Tie {
    let Tie { kind, subject, left, right, named: differences } = tie;
    let (break_kind, owner, remedy) = match tie.finding() {
        Finding::Matched => ("", "", ""),
        Finding::Break(kind) => (kind.code(), kind.owner(), kind.remedy()),
    };
    v1::Tie {
        kind: kind.code().to_owned(),
        subject: subject.clone(),
        left_pence: total(*left),
        right_pence: total(*right),
        named: differences.iter().map(named).collect(),
        unexplained_pence: total(tie.unexplained()),
        break_kind: break_kind.to_owned(),
        owner: owner.to_owned(),
        remedy: remedy.to_owned(),
    }
}

/// The ties of each kind that has any, from claim to control total.
#[must_use]
pub fn summaries(ties: &[Tie]) -> Vec<v1::TieSummary> {
    let of_kind = |kind: TieKind| {
        let ties: Vec<Tie> = ties.iter().filter(|tie| tie.kind == kind).cloned().collect();
        (!ties.is_empty()).then(|| summary(kind, &ties))
    };
    TieKind::ALL.iter().filter_map(|kind| of_kind(*kind)).collect()
}

fn summary(kind: TieKind, ties: &[Tie]) -> v1::TieSummary {
    let add = |amount: fn(&Tie) -> TotalPence| {
        total(ties.iter().fold(TotalPence::ZERO, |sum, tie| sum.plus_total(amount(tie))))
    };
    let mut differences: BTreeMap<DifferenceKind, TotalPence> = BTreeMap::new();
    for row in ties.iter().flat_map(|tie| &tie.named) {
        let sum = differences.entry(row.kind).or_default();
        *sum = sum.plus_total(row.amount);
    }
    let breaks = ties.iter().filter(|tie| tie.finding() != Finding::Matched).count();
    let (left_words, right_words) = kind.sides();
    v1::TieSummary {
        kind: kind.code().to_owned(),
        left_words: left_words.to_owned(),
        right_words: right_words.to_owned(),
        ties_count: u32::try_from(ties.len()).unwrap_or(u32::MAX),
        breaks_count: u32::try_from(breaks).unwrap_or(u32::MAX),
        left_pence: add(|tie| tie.left),
        right_pence: add(|tie| tie.right),
        named: differences.into_iter().map(|(kind, amount)| named(&Difference { kind, amount })).collect(),
        unexplained_pence: total(unexplained(ties)),
    }
}

/// A position with its ties. Sources and the counts of referrals are the caller's to fill in.
#[must_use]
pub fn position(year: nhs::FinancialYear, position: &Position, ties: &[Tie]) -> v1::Position {
    let Position { lines, payees, classes } = position;
    let lines: Vec<v1::LineRow> = lines.iter().map(line_row).collect();
    let class_row = |(line, of, expenditure, committed): &(_, Class, TotalPence, TotalPence)| v1::ClassRow {
        line: ::reconciliation::Line::to_string(line),
        class: class(Some(*of)).into(),
        expenditure_pence: total(*expenditure),
        committed_pence: total(*committed),
    };
    let claims = || ties.iter().filter(|tie| tie.kind == TieKind::Claims);
    let of = |amount: fn(&Tie) -> TotalPence| {
        total(claims().fold(TotalPence::ZERO, |sum, tie| sum.plus_total(amount(tie))))
    };
    let difference = |kind: DifferenceKind| {
        let rows = claims().flat_map(|tie| &tie.named).filter(|row| row.kind == kind);
        total(rows.fold(TotalPence::ZERO, |sum, row| sum.plus_total(row.amount)))
    };
    let trial = ties.iter().filter(|tie| tie.kind == TieKind::TrialBalance);
    let broken = ties.iter().filter(|tie| tie.finding() != Finding::Matched);
    v1::Position {
        financial_year: year.to_string(),
        sources: Vec::new(),
        sum: Some(sum(&lines)),
        lines,
        payees: payees.iter().map(payee_row).collect(),
        classes: classes.iter().map(class_row).collect(),
        ties: summaries(ties),
        breaks: broken.take(BREAKS_MAX).map(tie).collect(),
        unexplained_pence: total(unexplained(ties)),
        trial_balance_pence: total(trial.fold(TotalPence::ZERO, |sum, tie| sum.plus_total(tie.left))),
        claimed_pence: of(|tie| tie.left),
        accepted_pence: of(|tie| tie.right),
        price_difference_pence: difference(DifferenceKind::PriceDifference),
        contested_pence: difference(DifferenceKind::ContestedClaims),
        unreadable_pence: difference(DifferenceKind::UnreadableClaims),
        referrals_count: 0,
        referrals_implied_count: 0,
    }
}
