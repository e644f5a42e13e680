//! Referrals of the month, as an e-RS style extract and practices' own lists would give them.

use super::{
    Practices, Size,
    mix::{self, CCGS, INDEPENDENT_SITES, INDEPENDENTS, PROVIDERS, SPECIALTIES},
    people::{People, working_days},
    seeded::Seeded,
};
use jiff::civil::Date;
use nhs::{NhsNumber, PracticeCode};

/// The first booking reference.
const UBRN_FIRST: u64 = 170_600_000_001;

/// Fewest days from a referral to the first appointment.
const DAYS_TO_FIRST: i32 = 5;

/// One referral, and what becomes of it within the month.
#[derive(Debug, Clone)]
pub(crate) struct Referral {
    pub(crate) patient: NhsNumber,
    /// The patient's group, as an index of [`CCGS`].
    pub(crate) ccg: usize,
    pub(crate) practice: PracticeCode,
    pub(crate) function: &'static str,
    pub(crate) by_gp: bool,
    pub(crate) ubrn: Option<u64>,
    pub(crate) referred: Date,
    /// The payees offered, the chosen one among them.
    pub(crate) offered: Vec<&'static str>,
    pub(crate) place: Place,
    /// When the first appointment was kept, if within the month.
    pub(crate) seen: Option<Date>,
    /// Cancelled before anything happened.
    pub(crate) cancelled: bool,
}

/// Where care is given, and who is paid for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) provider: &'static str,
    pub(crate) site: &'static str,
    /// 0 for the NHS, 1 for independents: the index into pairs of shares.
    pub(crate) class: usize,
}

impl Place {
    /// A place that patients of this group go to.
    pub(crate) fn draw(chance: &mut Seeded, shares: &[u32; 7]) -> Self {
        let provider = PROVIDERS[chance.weighted(shares.iter().copied())];
        if provider != INDEPENDENTS {
            return Self { provider, site: provider, class: 0 };
        }
        let drawn = chance.weighted(INDEPENDENT_SITES.iter().map(|(_, _, share)| *share));
        let (provider, site, _) = INDEPENDENT_SITES[drawn];
        Self { provider, site, class: 1 }
    }

    /// Whether the provider is paid case by case: all but the system's own trust.
    pub(crate) fn is_paid_by_case(&self) -> bool {
        self.provider != "RHW"
    }
}

/// The referrals, by date.
pub(super) fn referrals(size: Size, practices: &Practices, people: &mut People) -> Vec<Referral> {
    let mut chance = Seeded::stream(size.seed, "referrals");
    let days = working_days();
    let mut ubrn = UBRN_FIRST;
    let mut referrals = Vec::new();
    for (index, mix) in CCGS.iter().enumerate() {
        for _ in 0..size.of(mix.referrals, 8) {
            let place = Place::draw(&mut chance, &mix.shares);
            let by_gp = chance.chance(mix::BY_GP);
            let booked = by_gp && chance.chance(mix::BOOKED[place.class]);
            let referred = chance.one_of(&days).copied().unwrap_or(days[0]);
            let specialty =
                &SPECIALTIES[chance.weighted(SPECIALTIES.iter().map(|s| s.outpatients[place.class]))];
            let cancelled = place.is_paid_by_case() && chance.chance(mix::CANCELLED_REFERRALS);
            referrals.push(Referral {
                patient: people.somebody(),
                ccg: index,
                practice: practice(&mut chance, &practices.own[index].practices),
                function: specialty.function,
                by_gp,
                ubrn: booked.then_some(ubrn),
                referred,
                offered: offered(&mut chance, place),
                place,
                seen: if cancelled { None } else { seen(&mut chance, &days, referred) },
                cancelled,
            });
            ubrn += u64::from(booked);
        }
    }
    referrals.sort_by_key(|referral| referral.referred);
    referrals
}

pub(super) fn practice(chance: &mut Seeded, practices: &[PracticeCode]) -> PracticeCode {
    // The caller has made sure that there is at least one.
    chance.one_of(practices).copied().unwrap_or(practices[0])
}

fn offered(chance: &mut Seeded, place: Place) -> Vec<&'static str> {
    let mut offered = vec![place.provider];
    for other in ["RHW", "NV3", "NVC", "NT3"] {
        if other != place.provider && chance.chance(600) {
            offered.push(other);
        }
    }
    offered.sort_unstable();
    offered
}

fn seen(chance: &mut Seeded, days: &[Date], referred: Date) -> Option<Date> {
    let due = referred.checked_add(jiff::Span::new().days(DAYS_TO_FIRST)).ok()?;
    let later: Vec<Date> = days.iter().copied().filter(|day| *day >= due).collect();
    let drawn = chance.one_of(&later).copied();
    if chance.chance(mix::SEEN_IN_MONTH) { drawn } else { None }
}
