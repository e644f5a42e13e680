//! Personal health budgets of the month: plans, what is bought from them, and what goes wrong.

use super::{Size, mix::CCGS, people::People, seeded::Seeded};
use jiff::civil::{Date, date};
use nhs::NhsNumber;

/// What the area's budgets come to in a year, in pence, at 96 budgets.
const YEAR_PENCE: i64 = 2_900_000_00;
const YEAR_BUDGETS: i64 = 96;

/// Why a person has a budget. Of 96: 62, 16 and 18.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// NHS continuing healthcare of an adult.
    AdultContinuingHealthcare,
    /// Continuing care of a child.
    ChildrensContinuingCare,
    /// Any other.
    Other,
}

/// How a budget is held. Of a hundred: 45, 40 and 15.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holding {
    /// The commissioner holds the money and pays suppliers.
    Notional,
    /// An organisation holds it and buys.
    ThirdParty,
    /// It is paid to the person.
    DirectPayment,
}

/// What happens to a budget beside the ordinary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Incident {
    /// The person dies on this day.
    Death(Date),
    /// The person is in hospital from the first day, and back after the second.
    Hospital(Date, Date),
    /// What was not used is asked back.
    Reclaim,
    /// The first review is not held in time.
    ReviewOverdue,
}

/// One plan, with one pot.
#[derive(Debug, Clone)]
pub(crate) struct Budget {
    pub(crate) holder: NhsNumber,
    /// The group that pays, as an index of [`CCGS`].
    pub(crate) ccg: usize,
    pub(crate) need: Need,
    pub(crate) holding: Holding,
    /// The value of a whole year, in pence.
    pub(crate) year_pence: i64,
    /// The first day of care under it.
    pub(crate) starts: Date,
    /// What is bought, by day.
    pub(crate) purchases: Vec<Purchase>,
    pub(crate) incident: Option<Incident>,
}

/// Something bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Purchase {
    pub(crate) item: Item,
    pub(crate) pence: i64,
    pub(crate) on: Date,
    /// Booked before, and then delivered (notional budgets only).
    pub(crate) booked: bool,
}

/// What is bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Item {
    PersonalCare,
    Nursing,
    Respite,
    Therapy,
    Equipment,
    Transport,
}

const ITEMS: [(Item, u32); 6] = [
    (Item::PersonalCare, 520),
    (Item::Nursing, 180),
    (Item::Respite, 110),
    (Item::Therapy, 90),
    (Item::Equipment, 60),
    (Item::Transport, 40),
];

/// Yearly values in whole pounds and how common they are. Adults: median 24,000, top 180,000.
const ADULTS: [(i64, u32); 9] = [
    (8_000, 6),
    (12_000, 14),
    (18_000, 16),
    (24_000, 18),
    (32_000, 16),
    (45_000, 13),
    (60_000, 8),
    (90_000, 6),
    (180_000, 3),
];
const CHILDREN: [(i64, u32); 4] = [(14_000, 30), (24_000, 35), (40_000, 25), (70_000, 10)];
const OTHERS: [(i64, u32); 4] = [(2_000, 30), (4_000, 35), (7_000, 25), (12_000, 10)];

impl Budget {
    /// ODS code of the group that pays.
    pub(crate) fn ccg(&self) -> &'static str {
        CCGS[self.ccg].ods
    }

    /// What it may take of this financial year, in pence: ten months from June on, twelve from April.
    pub(crate) fn budget_pence(&self) -> i64 {
        let months = if self.starts < date(2017, 6, 1) { 11 } else { 10 };
        self.year_pence * months / 12
    }

    /// One of the year's four-weekly instalments, in pence, the first falling due on [`FIRST_DUE`].
    pub(crate) fn instalment_pence(&self) -> i64 {
        self.budget_pence() / 11
    }
}

/// When first instalments fall due: ten more follow by 31 March.
pub(crate) const FIRST_DUE: Date = date(2017, 6, 5);

/// The budgets, by group.
pub(super) fn budgets(size: Size) -> Vec<Budget> {
    let mut chance = Seeded::stream(size.seed, "budgets");
    let mut holders = People::holders();
    let mut budgets = Vec::new();
    for (ccg, mix) in CCGS.iter().enumerate() {
        for _ in 0..size.of(mix.budgets, 4) {
            let Some(holder) = holders.next() else { break };
            budgets.push(budget(&mut chance, holder, ccg));
        }
    }
    level(&mut budgets);
    incidents(&mut budgets);
    for budget in &mut budgets {
        budget.purchases = purchases(&mut chance, budget);
    }
    budgets
}

fn budget(chance: &mut Seeded, holder: NhsNumber, ccg: usize) -> Budget {
    let (need, values): (_, &[(i64, u32)]) = match chance.below(96) {
        0..62 => (Need::AdultContinuingHealthcare, &ADULTS),
        62..78 => (Need::ChildrensContinuingCare, &CHILDREN),
        _ => (Need::Other, &OTHERS),
    };
    let holding = match chance.below(100) {
        0..45 => Holding::DirectPayment,
        45..85 => Holding::Notional,
        _ => Holding::ThirdParty,
    };
    let value = values[chance.weighted(values.iter().map(|(_, share)| *share))].0;
    let starts = date(2017, 6, 1);
    Budget {
        holder,
        ccg,
        need,
        holding,
        year_pence: value * 100,
        starts,
        purchases: Vec::new(),
        incident: None,
    }
}

/// Brings the yearly values of each group to its part of the area's total, in whole pounds as panels decide them: the last
/// budget takes what rounding leaves.
fn level(budgets: &mut [Budget]) {
    for ccg in 0..CCGS.len() {
        let of_group = |budget: &&mut Budget| budget.ccg == ccg;
        let (mut count, mut drawn) = (0_i64, 0_i64);
        for budget in budgets.iter_mut().filter(of_group) {
            count += 1;
            drawn += budget.year_pence;
        }
        let total = YEAR_PENCE / 100 * count / YEAR_BUDGETS;
        let mut left = total;
        for budget in budgets.iter_mut().filter(of_group) {
            let pounds = budget.year_pence * total / drawn.max(1);
            left -= pounds;
            budget.year_pence = pounds * 100;
        }
        if let Some(last) = budgets.iter_mut().filter(of_group).last() {
            last.year_pence += left * 100;
        }
    }
}

/// One death, five stays in hospital, one reclaim, two reviews overdue.
fn incidents(budgets: &mut [Budget]) {
    let first_of = |budgets: &[Budget], wanted: &dyn Fn(&Budget) -> bool| {
        budgets.iter().position(|budget| budget.incident.is_none() && wanted(budget))
    };
    let direct = |budget: &Budget| budget.holding == Holding::DirectPayment;
    // Whoever has most can leave some 6,000 pounds unused.
    let most = budgets.iter().filter(|budget| direct(budget)).map(|budget| budget.year_pence).max();
    if let Some(index) = first_of(budgets, &|budget| direct(budget) && Some(budget.year_pence) == most) {
        budgets[index].incident = Some(Incident::Reclaim);
    }
    let notional = |budget: &Budget| budget.holding == Holding::Notional;
    if let Some(index) = first_of(budgets, &notional) {
        budgets[index].incident = Some(Incident::Death(date(2017, 7, 11)));
    }
    for _ in 0..2 {
        if let Some(index) = first_of(budgets, &|_| true) {
            budgets[index].incident = Some(Incident::ReviewOverdue);
            budgets[index].starts = date(2017, 5, 1);
        }
    }
    for stay in 0..5_i8 {
        if let Some(index) = first_of(budgets, &|budget| budget.holding != Holding::ThirdParty) {
            let (from, until) = (date(2017, 6, 19 + stay), date(2017, 7, 1 + stay));
            budgets[index].incident = Some(Incident::Hospital(from, until));
        }
    }
}

/// What is bought in June and July: about a twelfth of the year a month.
fn purchases(chance: &mut Seeded, budget: &Budget) -> Vec<Purchase> {
    let mut purchases = Vec::new();
    for month in [6_i8, 7] {
        let count = 2 + chance.below(3);
        // Held back a little, so that nobody buys more than was paid over.
        let each = budget.year_pence * 6 / 100 / i64::from(count);
        for index in 0..count {
            let item = ITEMS[chance.weighted(ITEMS.iter().map(|(_, share)| *share))].0;
            let pence = each * (85 + i64::from(chance.below(30))) / 100;
            // Past the first instalment, and spread over the rest of the month.
            let day = 6 + i8::try_from(index * 5 + chance.below(5)).unwrap_or(0);
            let booked = budget.holding == Holding::Notional && chance.chance(500);
            purchases.push(Purchase { item, pence, on: date(2017, month, day), booked });
        }
    }
    purchases.retain(|purchase| purchase.pence > 0 && budget.may_buy_on(purchase.on));
    purchases.sort_by_key(|purchase| purchase.on);
    purchases
}

impl Budget {
    /// Whether the person is alive and not in hospital on a day.
    fn may_buy_on(&self, day: Date) -> bool {
        match self.incident {
            Some(Incident::Death(died)) => day <= died,
            Some(Incident::Hospital(from, until)) => day < from || day > until,
            Some(Incident::Reclaim | Incident::ReviewOverdue) | None => true,
        }
    }
}
