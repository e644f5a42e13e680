//! Activity of the month: what each provider sends, right and wrong.

use super::{
    GenerateError, Practices, Size,
    claims::Claims,
    line::{Line, Wave},
    mix::{self, CCGS, Fault, KINDS, Kind, SPECIALTIES},
    people::{People, working_days},
    referrals::{Place, Referral, practice},
    seeded::Seeded,
};
use jiff::{Span, civil::Date};
use nhs::{AttendedOrDidNotAttend, FirstAttendance, Hrg, NhsNumber, PointOfDelivery, PracticeCode};
use std::collections::BTreeMap;

/// The last day of the month.
const LAST: Date = jiff::civil::date(2017, 6, 30);

/// Makes lines one after the other.
struct Maker<'a> {
    chance: Seeded,
    practices: &'a Practices,
    claims: &'a Claims,
    people: &'a mut People,
    days: Vec<Date>,
    serials: BTreeMap<&'static str, u32>,
    lines: Vec<Line>,
    /// Referrals that were seen in the month and wait for their first attendance, by group and provider.
    seen: BTreeMap<(usize, &'static str), Vec<&'a Referral>>,
    /// Patients of lines made before, who may come again: by group and site.
    again: BTreeMap<(usize, &'static str), Vec<Patient>>,
}

/// Who comes, and when was the last time.
#[derive(Debug, Clone, Copy)]
struct Patient {
    number: NhsNumber,
    practice: PracticeCode,
    function: &'static str,
    last: Date,
}

/// The lines of the month, by provider and wave.
pub(super) fn activity(
    size: Size,
    practices: &Practices,
    referrals: &[Referral],
    claims: &Claims,
    people: &mut People,
) -> Result<Vec<Line>, GenerateError> {
    let mut seen: BTreeMap<_, Vec<&Referral>> = BTreeMap::new();
    for referral in referrals.iter().filter(|referral| referral.seen.is_some()).rev() {
        seen.entry((referral.ccg, referral.place.site)).or_default().push(referral);
    }
    let mut maker = Maker {
        chance: Seeded::stream(size.seed, "activity"),
        practices,
        claims,
        people,
        days: working_days(),
        serials: BTreeMap::new(),
        lines: Vec::new(),
        seen,
        again: BTreeMap::new(),
    };
    for (index, mix) in CCGS.iter().enumerate() {
        for _ in 0..size.of(mix.lines, 40) {
            let place = Place::draw(&mut maker.chance, &mix.shares);
            maker.add(index, place)?;
        }
    }
    let mut lines = maker.lines;
    lines.sort_by_key(|line| (line.provider, line.wave, line.serial));
    Ok(lines)
}

impl Maker<'_> {
    /// Adds what a place sends for one piece of care: its line, and by chance its repeats, its second version, and the
    /// appointments beside it that were not kept.
    fn add(&mut self, ccg: usize, place: Place) -> Result<(), GenerateError> {
        let kinds = KINDS.iter().map(|(_, nhs, independent)| [*nhs, *independent][place.class]);
        let (kind, _, _) = KINDS[self.chance.weighted(kinds)];
        let mut line = match kind {
            Kind::First => self.first(ccg, place),
            Kind::FollowUp | Kind::Procedure | Kind::Remote => self.outpatient(ccg, place, kind),
            Kind::DayCase | Kind::Elective => self.spell(ccg, place, kind),
        };
        line.claimed = self.claims.price(&line).ok_or_else(|| {
            GenerateError::NoPrice(
                line.hrg.map_or_else(|| line.function.to_owned(), |hrg| hrg.to_string()),
                line.site,
            )
        })?;
        if line.provider == mix::STATES_FACTORS {
            line.mff = self.claims.factor(line.site);
        }
        let kept = matches!(kind, Kind::First | Kind::FollowUp);
        if kept {
            self.not_kept(&line, place);
        }
        self.send(line, ccg);
        Ok(())
    }

    fn serial(&mut self, provider: &'static str) -> u32 {
        let serial = self.serials.entry(provider).or_insert(0);
        *serial += 1;
        *serial
    }

    fn day(&mut self) -> Date {
        self.chance.one_of(&self.days).copied().unwrap_or(LAST)
    }

    fn blank(&mut self, ccg: usize, place: Place, patient: Patient, pod: PointOfDelivery) -> Line {
        let serial = self.serial(place.provider);
        Line {
            serial,
            care: serial,
            patient: patient.number,
            practice: patient.practice,
            commissioner: self.practices.own[ccg].ccg,
            provider: place.provider,
            site: place.site,
            function: patient.function,
            pod,
            start: patient.last,
            end: None,
            hrg: None,
            first: None,
            attended: None,
            ubrn: None,
            claimed: 0,
            mff: None,
            fault: None,
            wave: Wave::Flex,
        }
    }

    fn somebody(&mut self, ccg: usize, weights: impl Iterator<Item = u32> + Clone) -> (Patient, usize) {
        let specialty = self.chance.weighted(weights);
        let practice = practice(&mut self.chance, &self.practices.own[ccg].practices);
        let last = self.day();
        let function = SPECIALTIES[specialty].function;
        (Patient { number: self.people.somebody(), practice, function, last }, specialty)
    }

    /// A first attendance: of a referral that was reported and seen in the month while there are such, else of one that
    /// was made before.
    fn first(&mut self, ccg: usize, place: Place) -> Line {
        let pod = if self.chance.chance(mix::MULTI) {
            PointOfDelivery::FirstMulti
        } else {
            PointOfDelivery::FirstSingle
        };
        let referral = self.seen.get_mut(&(ccg, place.site)).and_then(Vec::pop);
        let (patient, ubrn) = match referral.and_then(|referral| Some((referral, referral.seen?))) {
            Some((referral, last)) => {
                let Referral { patient, practice, function, ubrn, .. } = *referral;
                (Patient { number: patient, practice, function, last }, ubrn)
            }
            None => {
                let weights = SPECIALTIES.iter().map(|row| row.outpatients[place.class]);
                (self.somebody(ccg, weights).0, None)
            }
        };
        let mut line = self.blank(ccg, place, patient, pod);
        line.first = Some(FirstAttendance::First);
        line.attended = Some(AttendedOrDidNotAttend::Attended);
        line.ubrn = ubrn;
        self.again.entry((ccg, place.site)).or_default().push(patient);
        line
    }

    /// A follow-up, an outpatient procedure, or an attendance by telephone.
    fn outpatient(&mut self, ccg: usize, place: Place, kind: Kind) -> Line {
        let back = if kind == Kind::FollowUp && self.chance.chance(mix::SEEN_AGAIN) {
            self.comes_again(ccg, place)
        } else {
            None
        };
        let (patient, specialty) = match back {
            Some(patient) => (patient, None),
            None => {
                let weights = SPECIALTIES.iter().map(|row| row.outpatients[place.class]);
                let (patient, specialty) = self.somebody(ccg, weights);
                (patient, Some(specialty))
            }
        };
        let remote_first = kind == Kind::Remote && self.chance.chance(mix::REMOTE_FIRST);
        let multi = self.chance.chance(mix::MULTI);
        let (pod, first) = match (kind, remote_first, multi) {
            (Kind::Procedure, _, _) => (PointOfDelivery::Procedure, FirstAttendance::FollowUp),
            (Kind::Remote, true, _) => (PointOfDelivery::FirstRemote, FirstAttendance::FirstRemote),
            (Kind::Remote, false, _) => (PointOfDelivery::FollowUpRemote, FirstAttendance::FollowUpRemote),
            (_, _, true) => (PointOfDelivery::FollowUpMulti, FirstAttendance::FollowUp),
            (_, _, false) => (PointOfDelivery::FollowUpSingle, FirstAttendance::FollowUp),
        };
        let mut line = self.blank(ccg, place, patient, pod);
        line.first = Some(first);
        line.attended = Some(AttendedOrDidNotAttend::Attended);
        if let (Kind::Procedure, Some(specialty)) = (kind, specialty) {
            line.hrg = self.hrg(SPECIALTIES[specialty].procedure);
        }
        line
    }

    /// Somebody seen before in the month, on a later day. Each comes again once.
    fn comes_again(&mut self, ccg: usize, place: Place) -> Option<Patient> {
        let seen = self.again.get_mut(&(ccg, place.site))?;
        let drawn = self.chance.below(u32::try_from(seen.len()).ok()?);
        let index = usize::try_from(drawn).ok().filter(|index| *index < seen.len())?;
        let mut patient = seen.swap_remove(index);
        let later: Vec<Date> = self.days.iter().copied().filter(|day| *day > patient.last).collect();
        patient.last = self.chance.one_of(&later).copied()?;
        Some(patient)
    }

    /// A day case, or an ordinary elective spell that ended in the month.
    fn spell(&mut self, ccg: usize, place: Place, kind: Kind) -> Line {
        let day_case = kind == Kind::DayCase;
        let weights = SPECIALTIES
            .iter()
            .map(|row| if day_case { row.day_cases[place.class] } else { row.electives[place.class] });
        let (patient, specialty) = self.somebody(ccg, weights);
        let row = &SPECIALTIES[specialty];
        let (pod, hrgs) = if day_case {
            (PointOfDelivery::DayCase, row.day_case)
        } else {
            (PointOfDelivery::Elective, row.elective)
        };
        let mut line = self.blank(ccg, place, patient, pod);
        line.hrg = self.hrg(hrgs);
        let mut nights = 0;
        if !day_case {
            // A short stay within the trim point, or one of one to seven days beyond it.
            nights = i32::try_from(1 + self.chance.below(4)).unwrap_or(1);
            if self.chance.chance(mix::LONG_STAYS[place.class]) {
                nights = self.claims.trim_days(&line) + i32::try_from(1 + self.chance.below(7)).unwrap_or(1);
            }
        }
        line.end = Some(line.start);
        line.start = line.start.checked_sub(Span::new().days(nights)).unwrap_or(line.start);
        line
    }

    fn hrg(&mut self, hrgs: &[&str]) -> Option<Hrg> {
        self.chance.one_of(hrgs).and_then(|hrg| hrg.parse().ok())
    }

    /// Appointments beside a kept one that were missed or cancelled: sent, and worth nothing.
    fn not_kept(&mut self, kept: &Line, place: Place) {
        let [missed, cancelled] = mix::NOT_ATTENDED[place.class];
        let how = match self.chance.below(1_000) {
            drawn if drawn < missed => AttendedOrDidNotAttend::DidNotAttend,
            drawn if drawn < missed + cancelled / 2 => AttendedOrDidNotAttend::CancelledByPatient,
            drawn if drawn < missed + cancelled => AttendedOrDidNotAttend::CancelledByProvider,
            _ => return,
        };
        let mut line = kept.clone();
        line.serial = self.serial(place.provider);
        line.care = line.serial;
        line.patient = self.people.somebody();
        line.attended = Some(how);
        line.ubrn = None;
        line.claimed = 0;
        self.lines.push(line);
    }

    /// Puts a line in its file, with what is wrong with it and what follows from that.
    fn send(&mut self, mut line: Line, ccg: usize) {
        line.wave = match self.chance.below(1_000) {
            drawn if drawn < mix::AFTER_FREEZE => Wave::Late,
            drawn if drawn < mix::AFTER_FREEZE + mix::AFTER_FLEX => Wave::Freeze,
            _ => Wave::Flex,
        };
        let sound = 1_000 - mix::FAULTS.iter().map(|(_, share)| share).sum::<u32>();
        let drawn = self.chance.weighted(mix::FAULTS.iter().map(|(_, share)| *share).chain([sound]));
        if let Some((fault, _)) = mix::FAULTS.get(drawn) {
            self.fault(&mut line, *fault, ccg);
        }
        if line.fault == Some(Fault::Duplicate) {
            let mut twin = line.clone();
            twin.serial = self.serial(line.provider);
            line.fault = None;
            self.lines.push(line);
            self.lines.push(twin);
            return;
        }
        if line.fault.is_none() && line.wave == Wave::Flex && self.chance.chance(mix::SENT_AGAIN) {
            let mut again = line.clone();
            again.wave = Wave::Freeze;
            // What changed is the claim: the provider found what it had left out, or took too much.
            again.claimed += again.claimed * (i64::from(self.chance.below(9)) - 4) / 100;
            self.lines.push(again);
        }
        self.lines.push(line);
    }

    fn fault(&mut self, line: &mut Line, fault: Fault, ccg: usize) {
        let admitted = line.end.is_some();
        // What only an attendance can have wrong, an admission has wrong in its own way.
        let fault = if admitted && fault == Fault::NoPrice {
            Fault::Emergency
        } else if admitted && fault == Fault::Future {
            Fault::Backwards
        } else {
            fault
        };
        match fault {
            Fault::WrongCommissioner => match self.chance.one_of(&self.practices.foreign) {
                Some(practice) => line.practice = *practice,
                None => return,
            },
            Fault::Neighbour => line.commissioner = self.practices.own[(ccg + 1) % CCGS.len()].ccg,
            Fault::NoPrice => {
                line.hrg = None;
                line.first = Some(FirstAttendance::First);
                line.pod = PointOfDelivery::FirstSingleNonConsultant;
            }
            Fault::Ungrouped if line.hrg.is_some() => line.hrg = "UZ01Z".parse().ok(),
            Fault::Ungrouped => return,
            Fault::PriceDiffers => {
                let per_mille = *self.chance.one_of(&[-40, 30, 60, 120]).unwrap_or(&30);
                line.claimed += line.claimed * per_mille / 1_000;
            }
            Fault::Duplicate
            | Fault::SiteUnknown
            | Fault::Private
            | Fault::Emergency
            | Fault::NhsNumberShort
            | Fault::NhsNumberSlip
            | Fault::NhsNumberRepdigit
            | Fault::PointOfDelivery
            | Fault::NegativeClaim
            | Fault::Future
            | Fault::Backwards
            | Fault::CodesMissing => {}
        }
        line.fault = Some(fault);
    }
}
