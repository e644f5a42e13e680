//! Modifications, top-ups and best-practice prices, when they are known at first and when they arrive later.

use super::{BOOKS, JUNE_2017, has, mff, question, spell};
use crate::{
    Adjustments, LocalPrice, LocalPriceUse, Mff, MffSource, NoPrice, Priced, Question, Rule, TopUp,
    best_practice, explain, price,
};
use expect_test::expect;
use money::{NetPence, Pence, Rounding};

const SPINAL: TopUp = TopUp { percent: 32, on_long_stay: false };

fn ask(hrg: &str, days: u32, adjustments: Adjustments) -> Result<Priced, NoPrice> {
    price(&BOOKS, &Question { adjustments, ..question(spell(hrg, "1", "11", days), JUNE_2017) })
}

/// HFMA, Introduction to payment by results: top-ups are percentages of tariff; 32 % spinal and 78 % children's are rates of
/// 2011/12 and 2010/11.
#[test]
fn a_top_up_is_a_percentage_of_the_list_price_and_of_long_stay_only_where_agreed() {
    let table = [
        // AA22C: £8,207, trim 117, £240 a day.
        ("AA22C", 0, 32, false, 2_626_24, 10_833_24),
        ("AA22C", 168, 32, false, 2_626_24, 23_073_24),
        ("AA22C", 168, 32, true, 6_543_04, 26_990_04),
        ("AA22C", 168, 0, true, 0, 20_447_00),
        ("BZ34C", 0, 78, false, 520_26, 1_187_26),
    ];
    for (hrg, days, percent, on_long_stay, top_up, whole) in table {
        let top_up_ = TopUp { percent, on_long_stay };
        let found = ask(hrg, days, Adjustments { top_up: Some(top_up_), ..Adjustments::NONE }).unwrap();
        assert_eq!(
            (found.top_up, found.price),
            (Pence::from_u32(top_up), Pence::from_u32(whole)),
            "{hrg} {days}"
        );
        assert!(found.rules.contains(Rule::TopUp));
        assert_eq!(found.rules.contains(Rule::TopUpOnLongStay), on_long_stay);
    }
}

#[test]
fn a_modification_is_part_of_what_a_top_up_and_the_factor_are_of() {
    let modification = Some(Pence::from_u32(1_000_00));
    let adjustments = Adjustments { modification, top_up: Some(SPINAL), best_practice: None };
    let mut asked = question(spell("HN12F", "1", "11", 3), JUNE_2017);
    (asked.adjustments, asked.mff) = (adjustments, Some(mff("RHW")));
    let found = price(&BOOKS, &asked).unwrap();
    // (5,431 + 1,000) × 1.32 × 1.149759
    assert_eq!(found.unrounded().unwrap().to_string(), "976021.217028");
    assert_eq!(found.price, Pence::from_u32(9_760_21));
    assert!(has(found.rules, &[Rule::LocalModification, Rule::TopUp, Rule::MarketForcesFactor]));
}

#[test]
fn what_was_agreed_locally_takes_no_adjustment() {
    let adjustments = Adjustments {
        modification: Some(Pence::from_u32(1_000_00)),
        top_up: Some(SPINAL),
        best_practice: Some(NetPence::new(-100_00)),
    };
    for (hrg, use_) in [("LA97A", LocalPriceUse::WhereNone), ("HN12F", LocalPriceUse::Variation)] {
        let amount = Pence::from_u32(500_00);
        let local_price = Some(LocalPrice { amount, use_, includes_mff: true });
        let asked = Question { adjustments, local_price, ..question(spell(hrg, "1", "11", 1), JUNE_2017) };
        let found = price(&BOOKS, &asked).unwrap();
        assert_eq!((found.price, found.top_up, found.best_practice), (amount, Pence::ZERO, None));
    }
}

/// Hip £5,000 and £550 for best practice (British Orthopaedic Association's figures), × 1.06129992: £5,890.21; failed later:
/// −£583.71, the difference of two rounded prices.
#[test]
fn best_practice_arrives_later_and_posts_the_difference_of_two_rounded_prices() {
    let local_price =
        LocalPrice { amount: Pence::from_u32(5_000_00), use_: LocalPriceUse::Variation, includes_mff: false };
    let factor = "1.06129992".parse().unwrap();
    let asked = Question {
        local_price: Some(local_price),
        mff: Some(Mff { factor, source: MffSource::Contract }),
        ..question(spell("HN12F", "1", "11", 3), JUNE_2017)
    };
    let first = price(&BOOKS, &asked).unwrap();
    assert_eq!(first.price, Pence::from_u32(5_306_50));
    let met = best_practice(&first, Some(NetPence::new(550_00))).unwrap();
    assert_eq!((met.priced.price, met.correction), (Pence::from_u32(5_890_21), NetPence::new(583_71)));
    let failed = best_practice(&met.priced, None).unwrap();
    assert_eq!((failed.priced, failed.correction), (first, NetPence::new(-583_71)));
    // By pounds the same decision is worth £583.
    let first = price(&BOOKS, &Question { rounding: Rounding::NearestPound, ..asked }).unwrap();
    let met = best_practice(&first, Some(NetPence::new(550_00))).unwrap();
    assert_eq!(met.correction, NetPence::new(584_00));
    // Nothing is ever owed by a patient's treatment.
    assert_eq!(best_practice(&first, Some(NetPence::new(-5_000_01))), Err(NoPrice::BelowNothing));
    assert_eq!(best_practice(&first, Some(NetPence::new(-5_000_00))).unwrap().priced.price, Pence::ZERO);
}

#[test]
fn an_adjusted_price_explains_every_figure() {
    let adjustments = Adjustments {
        modification: Some(Pence::from_u32(1_000_00)),
        top_up: Some(TopUp { on_long_stay: true, ..SPINAL }),
        best_practice: Some(NetPence::new(-550_00)),
    };
    let mut asked = question(spell("AA22C", "1", "11", 168), JUNE_2017);
    (asked.adjustments, asked.mff) = (adjustments, Some(mff("NT343")));
    let found = price(&BOOKS, &asked).unwrap();
    let mut text = String::new();
    for step in explain(&found, JUNE_2017) {
        let figures = step.figures.iter().map(|figure| {
            let year = figure.year.map(|year| year.to_string()).unwrap_or_default();
            format!(" [{} = {}: {}, {}, {year}]", figure.column, figure.value, figure.table, figure.row)
        });
        let figures: String = figures.collect();
        text += &format!("{} {}{figures}\n", step.rule.code(), step.amount.unwrap_or_default());
    }
    expect![[r#"
        ELECTIVE_ADMISSION 
        ORDINARY_ELECTIVE_COMBINED 820700 [combined_daycase_ordinary_elective_gbp = 8207.00: ntps-2017-19-apc-2017-18, AA22C, 2017-18]
        LOCAL_MODIFICATION 920700 [modification_gbp = 1000.00: contract, AA22C, 2017-18]
        LONG_STAY 2144700 [elective_trim_days = 117: ntps-2017-19-apc-2017-18, AA22C, 2017-18] [days_beyond_trim = 51: line, AA22C, 2017-18] [per_day_long_stay_gbp = 240.00: ntps-2017-19-apc-2017-18, AA22C, 2017-18]
        TOP_UP 2831004 [top_up_percent = 32: contract, AA22C, 2017-18]
        TOP_UP_ON_LONG_STAY 
        BEST_PRACTICE 2776004 [best_practice_gbp = -550.00: contract, AA22C, 2017-18]
        MARKET_FORCES_FACTOR 3234469.388612 [payment_index = 1.165153: market forces factor payment index, RDU, 2017-18]
        ROUNDED_TO_PENNY 3234469
    "#]].assert_eq(&text);
    // Lines without adjustments keep the bytes that they had before there were any.
    let plain = ask("BZ34C", 0, Adjustments::NONE).unwrap();
    assert_eq!(minicbor::to_vec(plain).unwrap().first(), Some(&0x8b));
}
