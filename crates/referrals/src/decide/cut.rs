//! Cuts: which one a line enters, and when one is sealed.

use super::{one, submission::in_force};
use crate::{Event, Refusal, SealCut, SealedTotal, State, Total};
use journal::{Day, Events, Moment};
use money::NetPence;
use nhs::{OdsCode, Period};
use reference::{Cut, NoCut, Reference, Stage};
use std::collections::BTreeMap;

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
    let mut totals: BTreeMap<(OdsCode, OdsCode), Total> = BTreeMap::new();
    for (key, total) in state.totals_of(Some(seal.cut)) {
        if let (Some(payer), Some(payee)) = (key.payer, key.payee) {
            let sum = totals.entry((payer, payee)).or_default();
            *sum = sum.plus(total);
        }
    }
    let totals = totals.into_iter().map(|((payer, payee), total)| sealed(payer, payee, &total)).collect();
    Ok(one(Event::CutSealed { totals }))
}

fn sealed(payer: OdsCode, payee: OdsCode, total: &Total) -> SealedTotal {
    // A claim is at most `CLAIMED_MAX`, so a total leaves 64 bits only after 92 million of the largest.
    let net = |total: money::TotalPence| total.to_net().unwrap_or(NetPence::new(i64::MAX));
    SealedTotal {
        payer,
        payee,
        lines: total.accepted_lines.saturating_add(total.contested_lines),
        payable: net(total.payable),
        recognised: net(total.recognised),
        block: net(total.block),
        contested: net(total.held),
    }
}
