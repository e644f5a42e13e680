//! The rules by table, the shipped lists by their totals and known prices, and what holds for every question.

mod adjustments;
mod attendances;
mod defects;
mod forms;
mod lists;
mod loading;
mod properties;
mod spells;

use crate::{
    Activity, Adjustments, Books, Mff, MffTable, NoPrice, Priced, Question, Rule, RulePath, Spell, builtin,
    price,
};
use jiff::civil::{Date, date};
use money::Rounding;
use nhs::OdsCode;
use std::sync::LazyLock;

static BOOKS: LazyLock<Books> = LazyLock::new(|| builtin::price_books().unwrap().into_iter().collect());
static FACTORS: LazyLock<MffTable> = LazyLock::new(|| builtin::mff_table().unwrap());

const JUNE_2017: Date = date(2017, 6, 12);
const JUNE_2018: Date = date(2018, 6, 12);

fn mff(provider: &str) -> Mff {
    FACTORS.resolve(provider.parse::<OdsCode>().unwrap()).unwrap()
}

fn spell(hrg: &str, classification: &str, method: &str, length_of_stay_days: u32) -> Activity {
    Activity::Spell(Spell {
        hrg: hrg.parse().unwrap(),
        classification: classification.parse().unwrap(),
        admission_method: method.parse().unwrap(),
        length_of_stay_days,
    })
}

fn question(activity: Activity, date: Date) -> Question {
    Question {
        activity,
        date,
        mff: None,
        rounding: Rounding::NearestPenny,
        local_price: None,
        adjustments: Adjustments::NONE,
    }
}

fn priced(activity: Activity, date: Date) -> Result<Priced, NoPrice> {
    price(&BOOKS, &question(activity, date))
}

fn has(path: RulePath, rules: &[Rule]) -> bool {
    rules.iter().all(|rule| path.contains(*rule))
}
