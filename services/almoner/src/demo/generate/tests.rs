use super::{line::Wave, mix::Fault, *};
use nhs::PointOfDelivery;
use std::collections::BTreeMap;

fn practices() -> Practices {
    let code = |text: String| text.parse().unwrap();
    let group = |ccg: usize| (1..=9).map(|n| code(format!("K810{ccg}{n}"))).collect();
    let own = [0, 1, 2, 3].map(|ccg| Group { ccg: CCGS[ccg].ods.parse().unwrap(), practices: group(ccg) });
    Practices { own, foreign: vec![code("J82001".into()), code("K84001".into())] }
}

fn of(lines: Option<u32>, seed: u64) -> Month {
    month(Size { scale: 1, lines, seed }, &practices()).unwrap()
}

fn bytes(month: &Month) -> String {
    let mut text = String::new();
    month.lines.iter().for_each(|line| line.fields().write_csv(&mut text));
    text.push_str(&format!("{:?}{:?}", month.referrals, month.budgets));
    text
}

#[test]
fn a_seed_is_a_month_to_the_byte() {
    let first = bytes(&of(Some(2_000), 7));
    assert_eq!(first, bytes(&of(Some(2_000), 7)));
    assert_ne!(first, bytes(&of(Some(2_000), 8)));
}

#[test]
fn the_month_is_believable() {
    let month = of(None, 1);
    assert_eq!(month.referrals.len(), 14_000);
    let seen = month.referrals.iter().filter(|referral| referral.seen.is_some()).count();
    assert!((3_150..3_850).contains(&seen), "a quarter is seen within the month: {seen}");

    let care = |line: &&Line| line.attended.is_none_or(nhs::AttendedOrDidNotAttend::was_seen);
    let again = month.lines.windows(2).filter(|pair| pair[0].serial == pair[1].serial).count();
    assert_eq!(again, 0, "one wave holds a record once");
    let mut first_versions: BTreeMap<(&str, u32), &Line> = BTreeMap::new();
    for line in month.lines.iter().filter(care) {
        first_versions.entry((line.provider, line.serial)).or_insert(line);
    }
    let lines: Vec<&Line> = first_versions.into_values().collect();
    let twins = lines.iter().filter(|line| line.fault == Some(Fault::Duplicate)).count();
    assert_eq!(lines.len() - twins, 50_000);
    let share = |count: usize| count * 1_000 / lines.len();
    let count = |wanted: &dyn Fn(&Line) -> bool| share(lines.iter().filter(|line| wanted(line)).count());
    let within =
        |found: usize, low, high, what: &str| assert!((low..=high).contains(&found), "{what}: {found}");
    within(
        count(&|line| line.pod.is_first() == Some(true) && !line.pod.is_remote()),
        210,
        245,
        "first attendances",
    );
    within(
        count(&|line| line.pod.is_first() == Some(false) && !line.pod.is_remote()),
        430,
        480,
        "follow-ups",
    );
    within(count(&|line| line.pod == PointOfDelivery::Procedure), 105, 130, "procedures");
    within(count(&|line| line.pod.is_remote()), 75, 100, "not face to face");
    within(count(&|line| line.pod == PointOfDelivery::DayCase), 82, 102, "day cases");
    within(count(&|line| line.pod == PointOfDelivery::Elective), 15, 25, "ordinary spells");
    within(count(&|line| line.provider == "RHW"), 750, 790, "the system's own trust");
    within(count(&|line| line.provider.starts_with('N')), 70, 88, "independents");
    within(count(&|line| line.fault == Some(Fault::WrongCommissioner)), 6, 10, "another commissioner's");
    within(count(&|line| line.wave == Wave::Freeze), 15, 25, "after the first cut");
    within(count(&|line| line.wave == Wave::Late), 3, 7, "after the last");
    let not_kept = month.lines.iter().filter(|line| !care(line)).count();
    within(not_kept, 6_500, 9_500, "appointments not kept");
}

#[test]
fn the_money_is_believable() {
    let month = of(None, 1);
    let sum = |wanted: &dyn Fn(&Line) -> bool| {
        let (mut pence, mut count) = (0_i64, 0_i64);
        for line in month.lines.iter().filter(|line| wanted(line)) {
            pence += line.claimed;
            count += 1;
        }
        (pence, pence / count.max(1))
    };
    let nhs = |line: &Line| !line.provider.starts_with('N');
    let pounds = |pence: i64| pence / 100;
    let within =
        |found: i64, low, high, what: &str| assert!((low..=high).contains(&found), "{what}: {found}");
    within(pounds(sum(&|line| line.wave == Wave::Flex).0), 11_300_000, 13_900_000, "the month");
    within(pounds(sum(&|line| !nhs(line)).0), 1_400_000, 2_100_000, "independents");
    // Averages with the market forces factor, about 1.15.
    within(
        pounds(sum(&|line| nhs(line) && line.pod == PointOfDelivery::Elective).1),
        3_000,
        4_400,
        "ordinary spell",
    );
    within(pounds(sum(&|line| nhs(line) && line.pod == PointOfDelivery::DayCase).1), 700, 1_050, "day case");
    within(
        pounds(sum(&|line| !nhs(line) && line.pod == PointOfDelivery::Elective).1),
        4_300,
        6_000,
        "joints",
    );
}

#[test]
fn sus_disagrees_in_every_way_and_by_the_seed() {
    let month = of(None, 1);
    let extract = sus::extract(&month.lines, 1);
    assert_eq!(extract.text, sus::extract(&month.lines, 1).text);
    assert_eq!(extract.seeded.len(), 8, "{:?}", extract.seeded);
    assert!(extract.seeded.values().all(|count| *count > 3), "{:?}", extract.seeded);
    assert!(COMPARED.iter().all(|provider| extract.rows[provider] > 500), "{:?}", extract.rows);
    let twins = month.lines.iter().filter(|line| line.provider == "NV3" && line.care != line.serial);
    assert!(twins.count() > 0, "billed twice");
    let held = month.lines.iter().filter(|line| COMPARED.contains(&line.provider));
    assert!(held.map(|line| line.patient.reveal_text()).all(|number| !extract.text.contains(&number)));
}

#[test]
fn budgets_come_to_the_areas_total() {
    let month = of(None, 1);
    assert_eq!(month.budgets.len(), 96);
    let of = |ods: &str| {
        let budgets = month.budgets.iter().filter(|budget| budget.ccg() == ods);
        budgets.map(|budget| budget.year_pence).sum::<i64>()
    };
    // The area's 2.9 million pounds, split by live budgets, in whole pounds.
    assert_eq!(["10M", "10N", "10W", "11D"].map(of), [664_583_00, 604_166_00, 725_000_00, 906_250_00]);
    let count =
        |wanted: &dyn Fn(&Budget) -> bool| month.budgets.iter().filter(|budget| wanted(budget)).count();
    for holding in [Holding::Notional, Holding::ThirdParty, Holding::DirectPayment] {
        assert!(count(&|budget| budget.holding == holding) >= 5, "{holding:?}");
    }
    assert_eq!(count(&|budget| matches!(budget.incident, Some(Incident::Death(_)))), 1);
    assert_eq!(count(&|budget| matches!(budget.incident, Some(Incident::Hospital(..)))), 5);
    assert_eq!(count(&|budget| budget.incident == Some(Incident::Reclaim)), 1);
    assert_eq!(count(&|budget| budget.incident == Some(Incident::ReviewOverdue)), 2);
    for budget in &month.budgets {
        let bought: i64 = budget.purchases.iter().map(|purchase| purchase.pence).sum();
        let paid = 3 * budget.instalment_pence();
        assert!(bought < budget.budget_pence() && bought < paid, "{budget:?}");
        assert!(11 * budget.instalment_pence() <= budget.budget_pence());
    }
}

#[test]
fn patients_are_of_the_test_range() {
    let month = of(Some(500), 3);
    assert!(month.referrals.iter().all(|referral| referral.patient.is_test()));
    assert!(month.lines.iter().all(|line| line.patient.is_test()));
    assert!(month.budgets.iter().all(|budget| budget.holder.is_test()));
}

#[test]
fn a_group_without_practices_is_named() {
    let mut without = practices();
    without.own[2].practices.clear();
    let error = month(Size { scale: 1, lines: Some(100), seed: 1 }, &without).unwrap_err();
    assert_eq!(error.to_string(), "10W has no practices");
}
