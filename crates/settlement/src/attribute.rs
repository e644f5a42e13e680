//! Telling the parts of windows to budget lines.
//!
//! The ledger keeps a window's total by payer and payee, and a balance by budget line and payee. A cut stands on the line
//! of its month and an instalment of this journal on the line of its due date. What is left (health budgets, corrections)
//! is told to the lines by their balances. Whatever this does, the parts of a window make the window and the parts on a
//! line make the line's balance, or the window is named as unclear and waits.

use crate::{BudgetLine, WindowKey};
use money::NetPence;
use std::collections::BTreeMap;

/// The parts, and the windows that could not be told.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Attribution {
    pub(crate) parts: BTreeMap<(BudgetLine, WindowKey), i64>,
    pub(crate) unclear: Vec<WindowKey>,
}

/// Tells `windows` (what is left of each) to `lines` (the payable balance of each). `known` says what is known of a window:
/// a line and the amount that stands there. The two sums must be equal.
pub(crate) fn attribute(
    windows: &BTreeMap<WindowKey, i64>,
    lines: &BTreeMap<BudgetLine, i64>,
    known: impl Fn(WindowKey, i64) -> Option<(BudgetLine, i64)>,
) -> Attribution {
    let mut left: BTreeMap<BudgetLine, i64> =
        lines.iter().filter(|(_, balance)| **balance != 0).map(|(line, balance)| (*line, *balance)).collect();
    if let (1, Some((line, _))) = (left.len(), left.first_key_value()) {
        let parts = windows.iter().filter(|(_, rest)| **rest != 0);
        return Attribution {
            parts: parts.map(|(key, rest)| ((*line, *key), *rest)).collect(),
            unclear: Vec::new(),
        };
    }
    let mut found = Attribution::default();
    let mut rests: Vec<(WindowKey, i64)> = Vec::new();
    for (key, rest) in windows.iter().filter(|(_, rest)| **rest != 0) {
        // Never more than the window has left, whatever else stands in it.
        let fixed =
            known(*key, *rest).map(|(line, amount)| (line, amount.clamp((*rest).min(0), (*rest).max(0))));
        if let Some((line, amount)) = fixed.filter(|(_, amount)| *amount != 0) {
            found.parts.insert((line, *key), amount);
            let balance = left.entry(line).or_default();
            *balance = balance.saturating_sub(amount);
        }
        rests.push((*key, rest.saturating_sub(fixed.map_or(0, |(_, amount)| amount))));
    }
    // What is owed to us first: it raises what the other windows have left to fill.
    rests.sort_by_key(|(key, rest)| (*rest > 0, *key));
    for (key, rest) in rests {
        let rest = tell(&mut found, &mut left, key, rest);
        if rest == 0 {
            continue;
        }
        match left.iter().max_by_key(|(_, balance)| **balance).or_else(|| lines.first_key_value()) {
            Some((line, _)) if rest < 0 => {
                let line = *line;
                put(&mut found, &mut left, line, key, rest);
            }
            Some(_) | None => found.unclear.push(key),
        }
    }
    found.parts.retain(|(_, key), _| !found.unclear.contains(key));
    found
}

/// Tells one window to lines whose balance has its sign; what is left of it.
fn tell(found: &mut Attribution, left: &mut BTreeMap<BudgetLine, i64>, key: WindowKey, mut rest: i64) -> i64 {
    let lines: Vec<BudgetLine> = left.keys().copied().collect();
    for line in lines {
        let balance = left.get(&line).copied().unwrap_or_default();
        let take = if rest > 0 { rest.min(balance).max(0) } else { rest.max(balance).min(0) };
        if take != 0 {
            put(found, left, line, key, take);
            rest = rest.saturating_sub(take);
        }
    }
    rest
}

fn put(
    found: &mut Attribution,
    left: &mut BTreeMap<BudgetLine, i64>,
    line: BudgetLine,
    key: WindowKey,
    pence: i64,
) {
    let part = found.parts.entry((line, key)).or_default();
    *part = part.saturating_add(pence);
    let balance = left.entry(line).or_default();
    *balance = balance.saturating_sub(pence);
}

/// As an amount that may be negative.
pub(crate) const fn net(pence: i64) -> NetPence {
    NetPence::new(pence)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn line(text: &str) -> BudgetLine {
        text.parse().unwrap()
    }

    fn due(day: i32) -> WindowKey {
        WindowKey::Instalment(journal::Day::new(day))
    }

    #[test]
    fn one_line_takes_everything() {
        let windows = BTreeMap::from([(due(1), 100), (WindowKey::Run(1), -30)]);
        let lines = BTreeMap::from([(line("10M/elective/2017-18"), 70), (line("10M/phb/2017-18"), 0)]);
        let found = attribute(&windows, &lines, |_, _| None);
        let expected = [
            ((line("10M/elective/2017-18"), due(1)), 100),
            ((line("10M/elective/2017-18"), WindowKey::Run(1)), -30),
        ];
        assert_eq!(found, Attribution { parts: expected.into(), unclear: Vec::new() });
    }

    #[test]
    fn what_is_known_goes_first_and_the_rest_by_balance() {
        let (elective, phb) = (line("10M/elective/2017-18"), line("10M/phb/2017-18"));
        let windows = BTreeMap::from([(due(1), 150), (WindowKey::Run(1), -30)]);
        let lines = BTreeMap::from([(elective, 70), (phb, 50)]);
        let found = attribute(&windows, &lines, |key, _| (key == due(1)).then_some((elective, 100)));
        let expected = [((elective, due(1)), 100), ((elective, WindowKey::Run(1)), -30), ((phb, due(1)), 50)];
        assert_eq!(found, Attribution { parts: expected.into(), unclear: Vec::new() });
    }

    #[test]
    fn what_finds_no_place_waits() {
        let (elective, phb) = (line("10M/elective/2017-18"), line("10M/phb/2017-18"));
        let windows = BTreeMap::from([(WindowKey::Run(1), 20)]);
        let lines = BTreeMap::from([(elective, 70), (phb, -50)]);
        let found = attribute(&windows, &lines, |_, _| None);
        assert_eq!(found.parts, BTreeMap::from([((elective, WindowKey::Run(1)), 20)]));
        let lines = BTreeMap::from([(elective, 10), (phb, 5)]);
        let found = attribute(&windows, &lines, |_, _| None);
        // Fifteen on the lines do not make a window of twenty.
        assert_eq!(found, Attribution { parts: BTreeMap::new(), unclear: vec![WindowKey::Run(1)] });
    }

    proptest! {
        /// Whatever stands where, a window's parts make the window, and the windows on the lines make the balances.
        #[test]
        fn parts_make_windows(cells in prop::collection::vec((0_u32..4, 0_usize..3, -1_000_i64..1_000), 0..12)) {
            let names = [line("10M/elective/2016-17"), line("10M/elective/2017-18"), line("10M/phb/2017-18")];
            let mut windows: BTreeMap<WindowKey, i64> = BTreeMap::new();
            let mut lines: BTreeMap<BudgetLine, i64> = BTreeMap::new();
            for (window, at, pence) in cells {
                *windows.entry(WindowKey::Run(window)).or_default() += pence;
                *lines.entry(names[at]).or_default() += pence;
            }
            let found = attribute(&windows, &lines, |_, _| None);
            prop_assert!(found.unclear.is_empty());
            for (key, total) in &windows {
                let parts: Vec<i64> =
                    found.parts.iter().filter(|((_, of), _)| of == key).map(|(_, part)| *part).collect();
                prop_assert_eq!(parts.iter().sum::<i64>(), *total);
                prop_assert!(parts.iter().all(|part| part.signum() == total.signum()));
            }
            for (name, balance) in &lines {
                let parts: i64 = found.parts.iter().filter(|((on, _), _)| on == name).map(|(_, part)| part).sum();
                let sound = lines.values().all(|balance| *balance >= 0);
                prop_assert!(!sound || parts == *balance, "{parts} on a line of {balance}");
            }
        }
    }
}
