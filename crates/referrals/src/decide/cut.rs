//! Cuts: which one a line enters, and when one is sealed.

use super::{one, submission::in_force};
use crate::{Event, Refusal, SealCut, State};
use journal::{Day, Events, Moment};
use nhs::Period;
use reference::{Cut, NoCut, Reference, Stage};

/// The cut that activity of `date` enters when it is recorded on `received`.
///
/// Never a sealed one, even when a newer calendar has moved a deadline back behind its seal.
pub(super) fn entered(state: &State, reference: &Reference, date: Day, received: Day) -> Result<Cut, NoCut> {
    let period = Period::of(date.date()).map_err(|_| NoCut::NoCalendar)?;
    let cut = reference.cut(period, received)?;
    let freeze = reference.deadlines(period).map_or(date, |row| row.freeze);
    match cut.stage {
        Stage::Flex if state.sealed.contains_key(&cut) => {
            let cut = Cut { stage: Stage::Freeze, ..cut };
            if state.sealed.contains_key(&cut) { Err(NoCut::AfterFreeze { freeze }) } else { Ok(cut) }
        }
        Stage::Freeze if state.sealed.contains_key(&cut) => Err(NoCut::AfterFreeze { freeze }),
        Stage::Flex | Stage::Freeze => Ok(cut),
    }
}

/// The cuts whose last day lies before `day` and which are not sealed, by deadline.
pub(crate) fn due(state: &State, day: Day) -> Vec<Cut> {
    let Some(in_force) = &state.adopted else { return Vec::new() };
    let rows = &in_force.reference.rows().deadlines;
    let mut due: Vec<(Day, Cut)> = rows
        .iter()
        .flat_map(|row| {
            [Stage::Flex, Stage::Freeze].map(|stage| (row.of(stage), Cut { period: row.period, stage }))
        })
        .filter(|(deadline, cut)| *deadline < day && !state.sealed.contains_key(cut))
        .collect();
    due.sort_unstable();
    due.into_iter().map(|(_, cut)| cut).collect()
}

pub(super) fn seal(state: &State, at: &Moment, seal: &SealCut) -> Result<Events<Event>, Refusal> {
    let reference = &in_force(state)?.reference;
    let deadline = reference.deadlines(seal.cut.period).map(|row| row.of(seal.cut.stage));
    let passed = deadline.is_some_and(|deadline| deadline < at.business_date);
    if !passed || state.sealed.contains_key(&seal.cut) {
        return Err(Refusal::CutNotDue);
    }
    let totals = state.cut_totals(seal.cut);
    Ok(one(Event::CutSealed { totals }))
}
