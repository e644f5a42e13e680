//! What readers may see of the state, without the bodies that stand in the journal.

use crate::{
    Challenge, ExtractInForce, Grade, InForce, Life, PlanKey, PlanPosition, Reason, Referral, Repricing,
    SealedTotal, SetChallengeRules, Standing, State, Submission, Total, TotalKey, WAIT_DAYS,
    key::{LineKey, LineTag},
    state::{LineRow, Mark},
};
use core::ops::RangeInclusive;
use journal::{Day, Digest, Position, RequestId};
use money::{NetPence, TotalPence};
use nhs::{CdsIdentifier, OdsCode, TreatmentFunction, Ubrn};
use reference::{Cut, Stage};
use std::collections::BTreeMap;

impl State {
    /// The reference data in force.
    #[must_use]
    pub const fn in_force(&self) -> Option<&InForce> {
        self.adopted.as_ref()
    }

    /// A submission and its number, by its id.
    #[must_use]
    pub fn submission(&self, id: RequestId) -> Option<(Position, &Submission)> {
        let position = self.submission_ids.get(&id)?;
        Some((*position, self.submissions.get(position)?))
    }

    /// A submission by its number.
    #[must_use]
    pub fn submission_at(&self, number: Position) -> Option<&Submission> {
        self.submissions.get(&number)
    }

    /// The submission in force for a caller's file.
    #[must_use]
    pub fn submission_of_file(&self, caller: Position, file: Digest) -> Option<Position> {
        self.submission_files.get(&(caller, file)).copied()
    }

    /// The submissions of a provider with their numbers, in the order in which they were opened.
    pub fn submissions_of(&self, provider: OdsCode) -> impl Iterator<Item = (Position, &Submission)> {
        self.submissions.iter().map(|(at, row)| (*at, row)).filter(move |(_, row)| row.provider == provider)
    }

    /// A referral by its number.
    #[must_use]
    pub fn referral(&self, number: Position) -> Option<&Referral> {
        self.referrals.get(&number)
    }

    /// The number of the referral with that booking reference.
    #[must_use]
    pub fn referral_of(&self, ubrn: Ubrn) -> Option<Position> {
        self.bookings.get(&ubrn.get()).copied()
    }

    /// How many referrals were reported.
    #[must_use]
    pub const fn referrals_reported(&self) -> u64 {
        self.reported
    }

    /// How many referrals lines implied.
    #[must_use]
    pub const fn referrals_implied(&self) -> u64 {
        self.implied
    }

    /// How the line of that identity stands; none when it never came or is withdrawn. Without its tag only a line recorded
    /// before there were tags is found.
    #[must_use]
    pub fn line(
        &self,
        provider: OdsCode,
        identifier: &CdsIdentifier,
        tag: Option<LineTag>,
    ) -> Option<Standing> {
        self.standing(&self.key_of(provider, identifier, tag))
    }

    /// How the line of that tag stands.
    #[must_use]
    pub fn line_tagged(&self, tag: LineTag) -> Option<Standing> {
        self.standing(&LineKey::tagged(tag))
    }

    /// Totals, by cut, provider, payer and payee.
    pub fn totals(&self) -> impl Iterator<Item = (&TotalKey, &Total)> {
        self.totals.iter()
    }

    /// The totals of one cut.
    pub fn totals_of(&self, cut: Option<Cut>) -> impl Iterator<Item = (&TotalKey, &Total)> {
        self.totals
            .iter()
            .skip_while(move |(key, _)| key.cut < cut)
            .take_while(move |(key, _)| key.cut == cut)
    }

    /// How often each reason was given, by cut, provider and payer: every answer, those to versions since replaced included.
    pub fn reasons(&self) -> impl Iterator<Item = (Option<Cut>, OdsCode, Option<OdsCode>, Reason, u64)> {
        self.reasons.iter().flat_map(|((cut, provider, payer), counts)| {
            counts.iter().map(|(reason, count)| (*cut, *provider, *payer, *reason, *count))
        })
    }

    /// A cut by payer and payee as it stands: once it is sealed, as it was sealed.
    #[must_use]
    pub fn cut_totals(&self, cut: Cut) -> Vec<SealedTotal> {
        let mut totals: BTreeMap<(OdsCode, OdsCode), Total> = BTreeMap::new();
        for (key, total) in self.totals_of(Some(cut)) {
            if let (Some(payer), Some(payee)) = (key.payer, key.payee) {
                let sum = totals.entry((payer, payee)).or_default();
                *sum = sum.plus(total);
            }
        }
        totals.into_iter().map(|((payer, payee), total)| sealed(payer, payee, &total)).collect()
    }

    /// Where a cut was sealed.
    #[must_use]
    pub fn sealed(&self, cut: Cut) -> Option<Position> {
        self.sealed.get(&cut).copied()
    }

    /// The sealed cuts and where they were sealed.
    pub fn seals(&self) -> impl Iterator<Item = (Cut, Position)> {
        self.sealed.iter().map(|(cut, position)| (*cut, *position))
    }

    /// The SUS extract in force for a provider's cut.
    #[must_use]
    pub fn extract(&self, provider: OdsCode, cut: Cut) -> Option<&ExtractInForce> {
        self.extracts.get(&(provider, cut))
    }

    /// The SUS extracts in force, by provider and cut.
    pub fn extracts(&self) -> impl Iterator<Item = (OdsCode, Cut, &ExtractInForce)> {
        self.extracts.iter().map(|((provider, cut), row)| (*provider, *cut, row))
    }

    /// The records of a provider's lines in force that could be read and belong to `cut`, in order: for a flex cut those
    /// that entered it, for a freeze cut all of the month that entered either. As much work as there are such lines.
    #[must_use]
    pub fn billed(&self, provider: OdsCode, cut: Cut) -> Vec<Position> {
        let entered =
            |stage| self.billed.get(&(provider, Cut { stage, ..cut })).into_iter().flatten().copied();
        match cut.stage {
            Stage::Flex => entered(Stage::Flex).collect(),
            Stage::Freeze => {
                let mut positions: Vec<Position> =
                    entered(Stage::Flex).chain(entered(Stage::Freeze)).collect();
                positions.sort_unstable();
                positions
            }
        }
    }

    /// A challenge by its number.
    #[must_use]
    pub fn challenge(&self, number: Position) -> Option<&Challenge> {
        self.challenges.get(&number)
    }

    /// The challenges raised after `number`, in order.
    pub fn challenges_after(&self, number: Option<Position>) -> impl Iterator<Item = (Position, &Challenge)> {
        let from = number.map_or(Position::FIRST, Position::next);
        self.challenges.range(from..).map(|(number, row)| (*number, row))
    }

    /// The rules by which a provider's activity of `date` is challenged.
    #[must_use]
    pub fn rules_of(&self, provider: OdsCode, date: Day) -> SetChallengeRules {
        self.challenge_rules(provider, date)
    }

    /// Where plans stand.
    pub fn plans(&self) -> impl Iterator<Item = (&PlanKey, &PlanPosition)> {
        self.plans.iter()
    }

    /// The activity of a plan's year in cuts that are sealed.
    #[must_use]
    pub fn sealed_activity(&self, position: &PlanPosition) -> TotalPence {
        position.activity(|cut| self.sealed.contains_key(&cut))
    }

    /// A repricing by its number.
    #[must_use]
    pub fn repricing(&self, number: Position) -> Option<&Repricing> {
        self.repricings.get(&number)
    }

    /// The repricings with their numbers, in the order in which they were proposed.
    pub fn repricings(&self) -> impl Iterator<Item = (Position, &Repricing)> {
        self.repricings.iter().map(|(number, row)| (*number, row))
    }

    /// The records of accepted lines in force with a payer of ours and a day of care within `days`, in order: of one provider
    /// and one payer where they are named. And how many more there are that were challenged, whose money is divided.
    #[must_use]
    pub fn priced_lines(
        &self,
        provider: Option<OdsCode>,
        payer: Option<OdsCode>,
        days: RangeInclusive<Day>,
    ) -> (Vec<Position>, u64) {
        let wanted = |row: &LineRow| {
            let channel = self.channels.get(row.channel);
            row.mark == Mark::Accepted
                && days.contains(&row.date)
                && channel.is_some_and(|channel| {
                    channel.route.is_some_and(|route| payer.is_none_or(|payer| payer == route.payer))
                        && provider.is_none_or(|provider| provider == channel.provider)
                })
        };
        let (mut positions, mut challenged) = (Vec::new(), 0_u64);
        for (key, row) in self.lines.iter().filter(|(_, row)| wanted(row)) {
            if self.challenged.contains_key(key) {
                challenged = challenged.saturating_add(1);
            } else {
                positions.push(row.position);
            }
        }
        // Sorted, because the order of a hash map is nobody's.
        positions.sort_unstable();
        (positions, challenged)
    }

    /// The life of a referral.
    #[must_use]
    pub fn life(&self, number: Position) -> Option<&Life> {
        self.lives.get(&number)
    }

    /// How many answers to lines were matched to a referral how surely, by cut, provider and payer: those to versions since replaced
    /// included.
    pub fn grades(&self) -> impl Iterator<Item = (Option<Cut>, OdsCode, Option<OdsCode>, Grade, u64)> {
        self.grades
            .iter()
            .map(|(((cut, provider, payer), grade), count)| (*cut, *provider, *payer, *grade, *count))
    }

    /// Who was waiting at the end of `on`, by provider and treatment function; with `payer`, whom it pays for.
    #[must_use]
    pub fn waiting(
        &self,
        on: Day,
        payer: Option<OdsCode>,
    ) -> BTreeMap<(OdsCode, TreatmentFunction), Waiting> {
        let mut list: BTreeMap<(OdsCode, TreatmentFunction), Waiting> = BTreeMap::new();
        // Sums do not depend on the order of a hash map.
        for (number, life) in &self.lives {
            let Some(referral) = self.referrals.get(number) else { continue };
            if payer.is_some() && referral.route.map(|route| route.payer) != payer {
                continue;
            }
            if let Some(days) = life.clocks.iter().find_map(|clock| clock.waited(on)) {
                let row = list.entry((referral.provider, referral.function)).or_default();
                row.pathways = row.pathways.saturating_add(1);
                row.within = row.within.saturating_add(u64::from(days <= WAIT_DAYS));
                row.longest_days = row.longest_days.max(days);
            }
        }
        list
    }

    /// How many lines are known, withdrawn ones included.
    #[must_use]
    pub fn lines_known(&self) -> usize {
        self.lines.len()
    }
}

/// Patients on incomplete pathways: those whose clock runs.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// How many.
    pub pathways: u64,
    /// Of them: waiting 18 weeks or less.
    pub within: u64,
    /// The longest wait, in days.
    pub longest_days: i32,
}

impl Submission {
    /// The positions of the records of its lines, as unbroken runs in order.
    pub fn records(&self) -> impl Iterator<Item = RangeInclusive<u64>> {
        self.runs.iter().map(|(first, count)| {
            let first = first.get();
            first..=first.saturating_add(u64::from(*count)).saturating_sub(1)
        })
    }
}

impl Referral {
    /// The booking reference.
    #[must_use]
    pub fn ubrn(&self) -> Option<Ubrn> {
        Ubrn::from_digits(self.booking).ok()
    }

    /// Whether it was never reported, and was implied by its first line.
    #[must_use]
    pub const fn is_implied(&self) -> bool {
        self.source.is_none()
    }
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
