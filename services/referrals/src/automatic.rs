//! What is challenged without anybody's asking: the list of a commissioner's usual challenges (NHS practice, unverified), as
//! far as the rules in force say so.

use crate::{
    challenges::{has_passed, may_conclude},
    compared::{Subject, answered},
    read::blocking,
};
use journal::{Day, Position};
use matching::{Class, Compared, Difference, Line};
use money::Pence;
use nhs::{CdsIdentifier, Pseudonym};
use reference::Stage;
use referrals::{
    ActivityLine, ConcludeChallenge, Conclusion, Ground, Grounds, Matched, RaiseChallenge, Reason, Referrals,
    SetChallengeRules,
};
use server::journals::Handle;
use std::collections::{BTreeMap, BTreeSet};
use tonic::Status;

/// What a run is to raise.
pub(crate) struct Raising {
    pub(crate) raise: Vec<RaiseChallenge>,
    /// Lines whose version in force was challenged before, concluded or not.
    pub(crate) challenged_before: u64,
}

/// A line that may be challenged.
struct Candidate {
    cds_identifier: CdsIdentifier,
    date: Day,
    grounds: Grounds,
    /// What it is dearer than in SUS, which is all that is contested when nothing else is the matter.
    above_sus: Pence,
}

/// What the rules look at of one line beside the comparison.
struct Detail {
    position: Position,
    pseudonym: Pseudonym,
    line: ActivityLine,
    implied: bool,
    price_differs: bool,
}

/// The lines to be challenged, in the order of their records.
pub(crate) async fn raising(
    handle: &Handle<Referrals>,
    subject: &Subject,
    compared: &Compared,
) -> Result<Raising, Status> {
    let mut candidates: BTreeMap<Position, Candidate> = BTreeMap::new();
    for pair in compared.pairs() {
        let Some(slam) = pair.slam else { continue };
        let Some(cds_identifier) = slam.cds_identifier else { continue };
        let (grounds, above_sus) = of_pair(pair.class, pair.differences.iter(), slam, pair.sus);
        let candidate = Candidate { cds_identifier, date: Day::from(slam.date), grounds, above_sus };
        candidates.insert(Position::new(slam.number), candidate);
    }
    for (position, ground) in of_care(&details(handle, subject).await?) {
        if let Some(candidate) = candidates.get_mut(&position) {
            candidate.grounds = candidate.grounds.with(ground);
        }
    }
    let provider = subject.provider;
    let dates: BTreeSet<Day> = candidates.values().map(|candidate| candidate.date).collect();
    let read = handle.read(None, move |state, _| {
        let rules: BTreeMap<Day, SetChallengeRules> =
            dates.into_iter().map(|date| (date, state.rules_of(provider, date))).collect();
        let of_provider = state.challenges_after(None).filter(|(_, row)| row.provider == provider);
        let lines: BTreeSet<Position> = of_provider.map(|(_, row)| row.line).collect();
        (rules, lines)
    });
    let (rules, challenged) = read.await?;
    let mut raising = Raising { raise: Vec::new(), challenged_before: 0 };
    for (line, candidate) in candidates {
        let enabled = rules.get(&candidate.date).map_or(Grounds::NONE, |rules| rules.grounds);
        let grounds: Grounds = candidate.grounds.iter().filter(|ground| enabled.contains(*ground)).collect();
        if grounds.is_empty() {
            continue;
        }
        if challenged.contains(&line) {
            raising.challenged_before = raising.challenged_before.saturating_add(1);
            continue;
        }
        let amount = amount(grounds, candidate.above_sus);
        raising.raise.push(RaiseChallenge {
            provider,
            cds_identifier: candidate.cds_identifier,
            line,
            grounds,
            amount,
            percent: None,
            text: String::new(),
            tag: None,
        });
    }
    Ok(raising)
}

/// How much is contested on these grounds; all of the line when none is said. What is claimed beyond our price is not owed, so
/// nothing is withheld for it.
fn amount(grounds: Grounds, above_sus: Pence) -> Option<Pence> {
    let owed = grounds.iter().filter(|ground| *ground != Ground::PriceDiffers).collect::<Grounds>();
    if owed.is_empty() {
        Some(Pence::ZERO)
    } else {
        (owed == Grounds::NONE.with(Ground::PriceAboveSus)).then_some(above_sus)
    }
}

/// What the comparison says of a line.
fn of_pair(
    class: Class,
    differences: impl Iterator<Item = Difference>,
    slam: &Line,
    sus: Option<&Line>,
) -> (Grounds, Pence) {
    let mut grounds = Grounds::NONE;
    match class {
        Class::OnlySlam => grounds = grounds.with(Ground::NotInSus),
        Class::DuplicateSlam => grounds = grounds.with(Ground::DuplicateBilled),
        Class::Equal
        | Class::CommissionerDiffers
        | Class::PointOfDeliveryDiffers
        | Class::HrgDiffers
        | Class::MffDiffers
        | Class::PriceDiffers
        | Class::OnlySus
        | Class::DuplicateSus => {}
    }
    for difference in differences {
        match difference {
            Difference::Commissioner => grounds = grounds.with(Ground::CommissionerDiffers),
            Difference::PointOfDelivery => grounds = grounds.with(Ground::PointOfDeliveryDiffers),
            Difference::Hrg => grounds = grounds.with(Ground::HrgDiffers),
            // What the provider claims beyond our price is not owed: only our price can be too much.
            Difference::Mff | Difference::Price => {}
        }
    }
    if slam.ours.is_none() {
        grounds = grounds.with(Ground::ContestedOnReceipt);
    }
    let above = slam.ours.zip(sus).and_then(|(ours, sus)| ours.checked_sub(sus.amount));
    let above = above.unwrap_or(Pence::ZERO);
    if !above.is_zero() {
        grounds = grounds.with(Ground::PriceAboveSus);
    }
    (grounds, above)
}

async fn details(handle: &Handle<Referrals>, subject: &Subject) -> Result<Vec<Detail>, Status> {
    let billed = subject.billed.clone();
    let read = blocking(handle.clone(), move |handle| {
        let mut details = Vec::with_capacity(billed.len());
        for position in billed {
            let Some((line, answered)) = answered(handle, position)? else { continue };
            // What was not attended claims nothing, and makes nothing a repetition.
            if !answered.reasons.is_nil() {
                let implied = matches!(answered.referral, Some(Matched::Implied));
                let price_differs = answered.reasons.contains(Reason::PriceDiffers);
                details.push(Detail { position, pseudonym: line.pseudonym, line, implied, price_differs });
            }
        }
        Ok(details)
    });
    read.await
}

/// What a patient's lines of the month say of each other.
fn of_care(details: &[Detail]) -> Vec<(Position, Ground)> {
    let mut by_patient: BTreeMap<Pseudonym, Vec<&Detail>> = BTreeMap::new();
    for detail in details {
        by_patient.entry(detail.pseudonym).or_default().push(detail);
    }
    let differing = details.iter().filter(|detail| detail.price_differs);
    let mut found: Vec<_> = differing.map(|detail| (detail.position, Ground::PriceDiffers)).collect();
    for of_patient in by_patient.values() {
        let spells = of_patient.iter().filter(|detail| detail.line.pod.is_admitted());
        let spells: Vec<(Day, Day)> =
            spells.map(|detail| (detail.line.started, detail.line.date())).collect();
        let mut firsts: BTreeMap<u16, (Day, Position)> = BTreeMap::new();
        for detail in of_patient {
            let Detail { position, line, implied, .. } = detail;
            if line.pod.is_admitted() {
                continue;
            }
            // On the days of admission and discharge an attendance may have been apart from the stay.
            if spells.iter().any(|(from, to)| *from < line.started && line.started < *to) {
                found.push((*position, Ground::AttendanceDuringSpell));
            }
            if line.pod.is_first() == Some(true) {
                if *implied {
                    found.push((*position, Ground::NoReferral));
                }
                let this = (line.started, *position);
                match firsts.get_mut(&line.function.number()) {
                    None => {
                        firsts.insert(line.function.number(), this);
                    }
                    Some(earliest) => {
                        let later = this.max(*earliest);
                        *earliest = this.min(*earliest);
                        found.push((later.1, Ground::RepeatedFirst));
                    }
                }
            }
        }
    }
    found
}

/// What a freeze cut concludes of what was challenged as not in SUS: unpayable where it still is not and SUS prevails,
/// withdrawn where it is by now and nothing else is the matter.
pub(crate) async fn concluding(
    handle: &Handle<Referrals>,
    subject: &Subject,
    compared: &Compared,
) -> Result<Vec<ConcludeChallenge>, Status> {
    if subject.cut.stage != Stage::Freeze {
        return Ok(Vec::new());
    }
    let mut in_sus: BTreeMap<Position, (bool, Day)> = BTreeMap::new();
    for pair in compared.pairs() {
        if let Some(slam) = pair.slam {
            in_sus.insert(Position::new(slam.number), (pair.class.is_in_both(), Day::from(slam.date)));
        }
    }
    let (provider, period) = (subject.provider, subject.cut.period);
    let read = handle.read(None, move |state, at| {
        let deadline = state.in_force().and_then(|now| now.reference.deadlines(period)).map(|row| row.freeze);
        let frozen = has_passed(deadline, at.business_date);
        let of_provider = state.challenges_after(None).filter(|(_, row)| row.provider == provider);
        let open =
            of_provider.filter(|(_, row)| may_conclude(row.state) && row.grounds.contains(Ground::NotInSus));
        let conclusion = |(challenge, row): (Position, &referrals::Challenge)| {
            let (found, date) = in_sus.get(&row.line)?;
            let alone = row.grounds == Grounds::NONE.with(Ground::NotInSus);
            let prevails = state.rules_of(provider, *date).sus_prevails;
            let conclusion = if *found && alone {
                Conclusion::Withdrawn
            } else if !*found && frozen && prevails {
                Conclusion::Unpayable
            } else {
                return None;
            };
            Some(ConcludeChallenge { challenge, conclusion, text: String::new() })
        };
        open.filter_map(conclusion).collect()
    });
    Ok(read.await?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nhs::{AdministrativeCategory, AttendedOrDidNotAttend, FirstAttendance};
    use referrals::Care;

    fn detail(number: u64, patient: u8, pod: &str, from: &str, to: Option<&str>) -> Detail {
        let started: Day = from.parse().unwrap();
        let care = match to {
            Some(to) => Care::Admitted {
                discharged: to.parse().unwrap(),
                method: "11".parse().unwrap(),
                classification: "1".parse().unwrap(),
                excluded_days: 0,
            },
            None => {
                Care::Outpatient { first: FirstAttendance::First, attended: AttendedOrDidNotAttend::Attended }
            }
        };
        let pseudonym = Pseudonym::new([patient; 16]);
        let line = ActivityLine {
            submission: Position::FIRST,
            row: number,
            provider: "NT3".parse().unwrap(),
            cds_identifier: format!("A{number}").parse().unwrap(),
            pseudonym,
            site: "NT344".parse().unwrap(),
            practice: "K81001".parse().unwrap(),
            commissioner: "10M".parse().unwrap(),
            function: "110".parse().unwrap(),
            pod: pod.parse().unwrap(),
            started,
            claimed: Pence::ZERO,
            care,
            hrg: None,
            ubrn: None,
            category: AdministrativeCategory::Nhs,
            local: None,
            claimed_mff: None,
            tag: None,
            pathway: None,
            residence: None,
            overseas: None,
        };
        let (implied, price_differs) = (number == 7, number == 4);
        Detail { position: Position::new(number), pseudonym, line, implied, price_differs }
    }

    #[test]
    fn a_patient_s_lines_are_looked_at_together() {
        let details = [
            detail(1, 1, "EL", "2017-06-10", Some("2017-06-14")),
            detail(2, 1, "OPFUPSPCL", "2017-06-10", None),
            detail(3, 1, "OPFUPSPCL", "2017-06-12", None),
            detail(4, 2, "OPFUPSPCL", "2017-06-12", None),
            detail(5, 2, "OPFASPCL", "2017-06-20", None),
            detail(6, 2, "OPFASPCL", "2017-06-05", None),
            detail(7, 3, "OPFASPCL", "2017-06-05", None),
        ];
        let found: Vec<_> =
            of_care(&details).into_iter().map(|(at, ground)| (at.get(), ground.code())).collect();
        let expected =
            [(4, "PRICE_DIFFERS"), (3, "ATTENDANCE_DURING_SPELL"), (5, "REPEATED_FIRST"), (7, "NO_REFERRAL")];
        assert_eq!(found, expected);
    }

    #[test]
    fn as_much_is_contested_as_is_owed_on_its_grounds() {
        let above = Pence::from_u32(7);
        for (grounds, expected) in [
            (&[Ground::PriceDiffers][..], Some(Pence::ZERO)),
            (&[Ground::PriceAboveSus], Some(above)),
            (&[Ground::PriceDiffers, Ground::PriceAboveSus], Some(above)),
            (&[Ground::PriceDiffers, Ground::NotInSus], None),
            (&[Ground::PriceAboveSus, Ground::HrgDiffers], None),
        ] {
            assert_eq!(amount(grounds.iter().copied().collect(), above), expected, "{grounds:?}");
        }
    }
}
