//! Which line belongs to which.

use crate::{Class, Differences, Line, Summary};

/// Doubled lines of one identity that are tried against the other side's before the first of each is taken: the bound on
/// work when a file repeats one line without end.
const TRIED_MAX: usize = 8;

/// Lines of both sides, gathered and then compared.
#[derive(Debug, Default, Clone)]
pub struct Comparison {
    slam: Vec<Line>,
    sus: Vec<Line>,
}

/// Lines that were compared.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Compared {
    slam: Vec<Line>,
    sus: Vec<Line>,
    rows: Vec<Row>,
}

/// A pair by the places of its lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Row {
    class: Class,
    slam: Option<u32>,
    sus: Option<u32>,
}

/// One line of one side, or one of each that belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair<'a> {
    /// Its class.
    pub class: Class,
    /// Everything that differs; nothing unless it has both sides.
    pub differences: Differences,
    /// The billed line.
    pub slam: Option<&'a Line>,
    /// The row of SUS.
    pub sus: Option<&'a Line>,
}

/// What is known of a line so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Open,
    With(usize),
    Duplicate,
}

/// One side: its lines in order, and what is known of each.
struct Half {
    lines: Vec<Line>,
    fates: Vec<Fate>,
}

impl Half {
    fn new(mut lines: Vec<Line>) -> Self {
        lines.sort_unstable();
        let fates = vec![Fate::Open; lines.len()];
        Self { lines, fates }
    }

    fn fate(&self, at: usize) -> Fate {
        self.fates.get(at).copied().unwrap_or(Fate::Duplicate)
    }

    fn set(&mut self, at: usize, fate: Fate) {
        if let Some(slot) = self.fates.get_mut(at) {
            *slot = fate;
        }
    }

    /// The places of the lines that have a key, by it, and among equal ones in the order of the lines.
    fn keyed<K: Ord>(&self, key: impl Fn(&Line) -> Option<K>) -> Vec<(K, usize)> {
        let places = self.lines.iter().enumerate().filter_map(|(at, line)| Some((key(line)?, at)));
        let mut keyed: Vec<(K, usize)> = places.collect();
        keyed.sort_unstable();
        keyed
    }

    fn open(&self, group: &[usize]) -> Vec<usize> {
        group.iter().copied().filter(|at| self.fate(*at) == Fate::Open).collect()
    }

    fn is_any_paired(&self, group: &[usize]) -> bool {
        group.iter().any(|at| matches!(self.fate(*at), Fate::With(_)))
    }
}

impl Comparison {
    /// Adds lines that were billed.
    pub fn add_slam<I: IntoIterator<Item = Line>>(&mut self, lines: I) {
        self.slam.extend(lines);
    }

    /// Adds rows of SUS.
    pub fn add_sus<I: IntoIterator<Item = Line>>(&mut self, rows: I) {
        self.sus.extend(rows);
    }

    /// Compares them.
    #[must_use]
    pub fn compare(self) -> Compared {
        let (mut slam, mut sus) = (Half::new(self.slam), Half::new(self.sus));
        by_identifier(&mut slam, &mut sus);
        by_local(&mut slam, &mut sus);
        let rows = rows(&slam, &sus);
        Compared { slam: slam.lines, sus: sus.lines, rows }
    }
}

impl Compared {
    /// The pairs, by class, then in the order of the lines.
    pub fn pairs(&self) -> impl Iterator<Item = Pair<'_>> {
        self.rows.iter().map(|row| {
            let slam = line(&self.slam, row.slam);
            let sus = line(&self.sus, row.sus);
            let differences = slam.zip(sus).map(|(slam, sus)| Differences::between(slam, sus));
            Pair { class: row.class, differences: differences.unwrap_or_default(), slam, sus }
        })
    }

    /// How many pairs there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there was nothing to compare.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// What the pairs sum to.
    #[must_use]
    pub fn summary(&self) -> Summary {
        Summary::of(self.pairs())
    }
}

fn line(lines: &[Line], at: Option<u32>) -> Option<&Line> {
    lines.get(usize::try_from(at?).ok()?)
}

/// Calls `each` with the places on both sides of every key, in the order of the keys.
fn groups<K: Ord>(left: &[(K, usize)], right: &[(K, usize)], mut each: impl FnMut(&[usize], &[usize])) {
    let places = |group: &[(K, usize)]| group.iter().map(|(_, at)| *at).collect::<Vec<_>>();
    let mut left = left.chunk_by(|a, b| a.0 == b.0).peekable();
    let mut right = right.chunk_by(|a, b| a.0 == b.0).peekable();
    loop {
        let order = match (left.peek().and_then(|g| g.first()), right.peek().and_then(|g| g.first())) {
            (None, None) => return,
            (Some(_), None) => core::cmp::Ordering::Less,
            (None, Some(_)) => core::cmp::Ordering::Greater,
            (Some((a, _)), Some((b, _))) => a.cmp(b),
        };
        let from_left = if order.is_le() { left.next().map(places) } else { None };
        let from_right = if order.is_ge() { right.next().map(places) } else { None };
        each(&from_left.unwrap_or_default(), &from_right.unwrap_or_default());
    }
}

/// Pairs the two lines of a group that differ least, among the first few of each side.
fn pair(slam: &mut Half, sus: &mut Half, left: &[usize], right: &[usize]) -> Option<(usize, usize)> {
    let tried = left.iter().take(TRIED_MAX).flat_map(|a| right.iter().take(TRIED_MAX).map(|b| (*a, *b)));
    let apart = |(a, b): &(usize, usize)| {
        let (a, b) = (slam.lines.get(*a)?, sus.lines.get(*b)?);
        Some((Differences::between(a, b).count(), a.amount.net(b.amount).magnitude()))
    };
    // Of several that differ as little, the first: the lines' own order decides.
    let (a, b) = tried.min_by_key(apart)?;
    slam.set(a, Fate::With(b));
    sus.set(b, Fate::With(a));
    Some((a, b))
}

/// First key. What is doubled here is doubled for good; one line of each side at most stays open.
fn by_identifier(slam: &mut Half, sus: &mut Half) {
    let (left, right) = (slam.keyed(Line::by_identifier), sus.keyed(Line::by_identifier));
    groups(&left, &right, |left, right| {
        let kept = match pair(slam, sus, left, right) {
            Some((a, b)) => (Some(a), Some(b)),
            None => (left.first().copied(), right.first().copied()),
        };
        double(slam, left, kept.0);
        double(sus, right, kept.1);
    });
}

fn double(half: &mut Half, group: &[usize], kept: Option<usize>) {
    for at in group.iter().filter(|at| Some(**at) != kept) {
        half.set(*at, Fate::Duplicate);
    }
}

/// Second key, for what the first left open. A line beside one of the same spell that is already paired is a duplicate.
fn by_local(slam: &mut Half, sus: &mut Half) {
    let (left, right) = (slam.keyed(Line::by_local), sus.keyed(Line::by_local));
    groups(&left, &right, |left, right| {
        let (open_left, open_right) = (slam.open(left), sus.open(right));
        let before = (slam.is_any_paired(left), sus.is_any_paired(right));
        let paired = pair(slam, sus, &open_left, &open_right);
        let kept_left = paired.map(|(a, _)| a).or_else(|| open_left.first().copied().filter(|_| !before.0));
        let kept_right = paired.map(|(_, b)| b).or_else(|| open_right.first().copied().filter(|_| !before.1));
        double(slam, &open_left, kept_left);
        double(sus, &open_right, kept_right);
    });
}

fn rows(slam: &Half, sus: &Half) -> Vec<Row> {
    // Files of 2^32 lines are refused long before.
    let number = |at: usize| u32::try_from(at).ok();
    let mut rows = Vec::with_capacity(slam.lines.len().max(sus.lines.len()));
    for (at, line) in slam.lines.iter().enumerate() {
        let (class, other) = match slam.fate(at) {
            Fate::With(other) => match sus.lines.get(other) {
                Some(row) => (Differences::between(line, row).class(), number(other)),
                None => (Class::OnlySlam, None),
            },
            Fate::Open => (Class::OnlySlam, None),
            Fate::Duplicate => (Class::DuplicateSlam, None),
        };
        rows.push(Row { class, slam: number(at), sus: other });
    }
    for at in 0..sus.lines.len() {
        let class = match sus.fate(at) {
            Fate::With(_) => continue,
            Fate::Duplicate => Class::DuplicateSus,
            Fate::Open => Class::OnlySus,
        };
        rows.push(Row { class, slam: None, sus: number(at) });
    }
    rows.sort_by_key(|row| row.class);
    rows
}
