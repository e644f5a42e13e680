//! Outpatient appointments: the procedure's price instead of the attendance's, else the attendance's.

use crate::{
    Attendance, AttendanceColumn, Books, NoPrice, Rule, RulePath, Subject, price::Base,
    spell::is_invalid_group,
};
use money::Pence;
use nhs::{AttendedOrDidNotAttend, FinancialYear, FirstAttendance, Hrg};

/// What one of the attendance groups says. The letters run the other way round from what one would think: A is
/// follow-up, B is first; C and D are the same when not face to face.
struct Group {
    first: bool,
    remote: bool,
    multi: bool,
}

/// The attendance group that an HRG is, `None` for a procedure. Other groups of subchapter WF are contradictory.
fn group(hrg: Hrg) -> Result<Option<Group>, NoPrice> {
    if hrg.subchapter() != "WF" {
        return Ok(None);
    }
    let (multi, letter) = match hrg.as_str().as_bytes() {
        [b'W', b'F', b'0', b'1', letter] => (false, letter),
        [b'W', b'F', b'0', b'2', letter] => (true, letter),
        _ => return Err(NoPrice::ContradictoryAttendance),
    };
    let (first, remote) = match letter {
        b'A' => (false, false),
        b'B' => (true, false),
        b'C' => (false, true),
        b'D' => (true, true),
        _ => return Err(NoPrice::ContradictoryAttendance),
    };
    Ok(Some(Group { first, remote, multi }))
}

/// Refuses what is no priced appointment, before any list is opened.
pub(crate) fn admit(attendance: &Attendance) -> Result<RulePath, NoPrice> {
    use AttendedOrDidNotAttend::{
        Attended, CancelledByPatient, CancelledByProvider, DidNotAttend, Future, LateNotSeen, LateSeen,
    };
    if attendance.first_attendance == FirstAttendance::ClockStop {
        return Err(NoPrice::ClockStopEvent);
    }
    match attendance.attended {
        Attended | LateSeen => {}
        Future => return Err(NoPrice::NotYetHeld),
        CancelledByPatient | DidNotAttend | CancelledByProvider | LateNotSeen => {
            return Err(NoPrice::NotAttended);
        }
    }
    let Some(hrg) = attendance.hrg else { return Ok(RulePath::EMPTY) };
    if is_invalid_group(hrg) {
        return Err(NoPrice::InvalidForGrouping);
    }
    let agrees = match group(hrg)? {
        Some(Group { first, remote, multi }) => {
            first == attendance.first_attendance.is_first()
                && remote == attendance.first_attendance.is_remote()
                && (remote || attendance.multi_professional.is_none_or(|given| given == multi))
        }
        // Nothing is done to a patient over the telephone.
        None => !attendance.first_attendance.is_remote(),
    };
    if agrees { Ok(RulePath::EMPTY) } else { Err(NoPrice::ContradictoryAttendance) }
}

/// Refuses what is no procedure, before any list is opened.
pub(crate) fn admit_procedure(hrg: Hrg) -> Result<RulePath, NoPrice> {
    if is_invalid_group(hrg) {
        return Err(NoPrice::InvalidForGrouping);
    }
    match group(hrg)? {
        Some(_) => Err(NoPrice::ContradictoryAttendance),
        None => Ok(RulePath::EMPTY),
    }
}

/// The national price of an appointment.
pub(crate) fn base(
    books: &Books,
    year: FinancialYear,
    attendance: &Attendance,
    rules: RulePath,
) -> Result<Base, NoPrice> {
    let group = attendance.hrg.map(group).transpose()?.flatten();
    match (attendance.hrg, group) {
        (Some(hrg), None) => match procedure(books, year, hrg, rules)? {
            Some(found) => Ok(found),
            None => attended(books, year, attendance, None, rules.with(Rule::ProcedureAsAttendance))
                // What has neither price lacks a price for what was done.
                .map_err(
                    |reason| if reason == NoPrice::NoPriceBook { reason } else { NoPrice::NoNationalPrice },
                ),
        },
        (_, group) => attended(books, year, attendance, group.map(|group| group.multi), rules),
    }
}

/// The price of a procedure done at an appointment, `None` where the list has none for that setting.
pub(crate) fn procedure(
    books: &Books,
    year: FinancialYear,
    hrg: Hrg,
    rules: RulePath,
) -> Result<Option<Base>, NoPrice> {
    let (book, prices) = books.admitted(year).ok_or(NoPrice::NoPriceBook)?;
    let row = prices.get(hrg).ok_or(NoPrice::UnknownHrg)?;
    let rules = rules.with(Rule::OutpatientProcedure);
    let found = |pence| Base::of(Subject::Hrg(hrg), Pence::from_u32(pence), rules).listed(book);
    Ok(row.procedure_pence.map(found))
}

/// The price of an attendance by treatment function.
fn attended(
    books: &Books,
    year: FinancialYear,
    attendance: &Attendance,
    grouped_multi: Option<bool>,
    rules: RulePath,
) -> Result<Base, NoPrice> {
    if !attendance.consultant_led {
        return Err(NoPrice::NotConsultantLed);
    }
    let multi = grouped_multi.or(attendance.multi_professional).unwrap_or(false);
    let (column, rule) = match (attendance.first_attendance, multi) {
        (FirstAttendance::First, false) => (AttendanceColumn::FirstSingle, Rule::FirstAttendance),
        (FirstAttendance::First, true) => (AttendanceColumn::FirstMulti, Rule::FirstAttendanceMulti),
        (FirstAttendance::FollowUp, false) => (AttendanceColumn::FollowUpSingle, Rule::FollowUpAttendance),
        (FirstAttendance::FollowUp, true) => (AttendanceColumn::FollowUpMulti, Rule::FollowUpAttendanceMulti),
        (FirstAttendance::FirstRemote, _) => (AttendanceColumn::RemoteFirst, Rule::FirstRemote),
        (FirstAttendance::FollowUpRemote, _) => (AttendanceColumn::RemoteFollowUp, Rule::FollowUpRemote),
        (FirstAttendance::ClockStop, _) => return Err(NoPrice::ClockStopEvent),
    };
    let (book, prices) = books.attendance(year).ok_or(NoPrice::NoPriceBook)?;
    let (row, default) = prices.get(attendance.function).ok_or(NoPrice::NoAttendancePrice)?;
    let pence = row.get(column).ok_or(NoPrice::NoAttendancePrice)?;
    let rules = rules.with(rule);
    let rules = if default { rules.with(Rule::DefaultFunction) } else { rules };
    Ok(Base::of(Subject::Function(attendance.function), Pence::from_u32(pence), rules).listed(book))
}
