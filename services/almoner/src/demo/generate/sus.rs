//! The commissioner's pseudonymised SUS extract of the first cut: what providers reported nationally, which is not quite what they bill.

use super::{
    line::{Line, Wave},
    mix::{CCGS, Fault},
    seeded::Seeded,
};
use journal::Digest;
use nhs::PointOfDelivery;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The providers that the extract holds: one of each kind of file.
pub(crate) const COMPARED: [&str; 3] = ["NV3", "NT3", "RN5"];

/// How many of a thousand sound lines SUS says something else of. An estimate for a demonstration.
const DISAGREEING: u32 = 60;

/// In what a row of SUS disagrees with the bill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Disagreement {
    /// It is not there.
    Missing,
    /// It is priced otherwise.
    Price,
    /// It is another commissioner's.
    Commissioner,
    /// It was grouped to another HRG.
    Hrg,
    /// It was reported twice.
    Twice,
    /// It happened in another setting.
    PointOfDelivery,
    /// Beside it stands care that nobody billed.
    Unbilled,
    /// It is priced with another market forces factor.
    Factor,
}

/// In turn, so that a small month has several.
const TURNS: [Disagreement; 8] = [
    Disagreement::Missing,
    Disagreement::Price,
    Disagreement::Commissioner,
    Disagreement::Hrg,
    Disagreement::Twice,
    Disagreement::PointOfDelivery,
    Disagreement::Unbilled,
    Disagreement::Factor,
];

/// Settings that are taken for each other.
const SETTINGS: [[PointOfDelivery; 2]; 3] = [
    [PointOfDelivery::FirstSingle, PointOfDelivery::FirstMulti],
    [PointOfDelivery::FollowUpSingle, PointOfDelivery::FollowUpMulti],
    [PointOfDelivery::DayCase, PointOfDelivery::Elective],
];

/// An extract.
#[derive(Debug)]
pub(crate) struct Extract {
    /// The file.
    pub(crate) text: String,
    /// How many rows each provider has.
    pub(crate) rows: BTreeMap<&'static str, u64>,
    /// How often they disagree, and in what.
    pub(crate) seeded: BTreeMap<Disagreement, u64>,
}

const HEADING: &str = "Pseudo NHS Number,Provider Code,CDS Unique ID,Local Identifier,Commissioner Code,Practice,TFC,POD,\
    Start Date,Discharge Date,SUS HRG,PbR Final Tariff,PbR MFF\n";

/// A row before it is written.
struct Row {
    cds_identifier: String,
    commissioner: String,
    pod: PointOfDelivery,
    hrg: String,
    pence: i64,
    mff: String,
}

/// The extract over what was billed by the first cut. Lines that were billed wrong were reported right.
pub(crate) fn extract(lines: &[Line], seed: u64) -> Extract {
    let mut chance = Seeded::stream(seed, "sus");
    let mut turns = TURNS.iter().copied().cycle().peekable();
    let mut extract = Extract { text: HEADING.to_owned(), rows: BTreeMap::new(), seeded: BTreeMap::new() };
    for line in lines.iter().filter(|line| line.wave == Wave::Flex && COMPARED.contains(&line.provider)) {
        if line.fault == Some(Fault::Duplicate) {
            // The twin of a line: it happened once, and was reported once.
            continue;
        }
        let fields = line.fields();
        let mut row = Row {
            cds_identifier: fields.cds_identifier,
            commissioner: line.commissioner.to_string(),
            pod: line.pod,
            hrg: line.hrg.map(|hrg| hrg.to_string()).unwrap_or_default(),
            pence: line.claimed,
            mff: fields.claimed_mff,
        };
        let is_sound = line.fault.is_none() && line.claimed > 0;
        let disagrees = is_sound && chance.chance(DISAGREEING);
        let turn = turns.peek().copied().filter(|turn| disagrees && apply(*turn, &mut row));
        if let Some(turn) = turn {
            turns.next();
            *extract.seeded.entry(turn).or_default() += 1;
        }
        if turn != Some(Disagreement::Missing) {
            extract.write(line, &row, seed);
        }
        if turn == Some(Disagreement::Unbilled) {
            // A number that no line has.
            row.cds_identifier = format!("B{:0<5}{:09}", line.provider, 900_000_000 + line.serial);
            row.mff.clear();
        }
        if matches!(turn, Some(Disagreement::Twice | Disagreement::Unbilled)) {
            extract.write(line, &row, seed);
        }
    }
    extract
}

/// Makes a row disagree; whether it can. What stands beside it, or not at all, is whole itself.
fn apply(turn: Disagreement, row: &mut Row) -> bool {
    match turn {
        Disagreement::Missing | Disagreement::Twice | Disagreement::Unbilled => {}
        Disagreement::Price => row.pence -= row.pence * 3 / 100,
        Disagreement::Commissioner => {
            let at = CCGS.iter().position(|mix| mix.ods == row.commissioner);
            let Some(at) = at else { return false };
            row.commissioner = CCGS[(at + 1) % CCGS.len()].ods.to_owned();
        }
        Disagreement::Hrg => {
            if row.hrg.is_empty() {
                return false;
            }
            row.hrg = if row.hrg == "FZ51Z" { "FZ52Z" } else { "FZ51Z" }.to_owned();
            row.pence -= row.pence * 15 / 100;
        }
        Disagreement::PointOfDelivery => {
            let other = SETTINGS.iter().find_map(|[a, b]| match row.pod {
                pod if pod == *a => Some(*b),
                pod if pod == *b => Some(*a),
                _ => None,
            });
            let Some(other) = other else { return false };
            row.pod = other;
            row.pence -= row.pence * 8 / 100;
        }
        Disagreement::Factor => {
            if row.mff.is_empty() {
                return false;
            }
            row.mff = "1.0923".to_owned();
            row.pence -= row.pence * 5 / 100;
        }
    }
    true
}

impl Extract {
    fn write(&mut self, line: &Line, row: &Row, seed: u64) {
        // Whoever made the extract keeps the key.
        let name = Digest::of(format!("sus {seed} {}", line.patient.reveal_text()).as_bytes()).to_string();
        let pseudonym: String = name.chars().take(16).collect();
        let local = if row.mff.is_empty() { String::new() } else { line.fields().local_identifier };
        let end = line.end.map(|date| date.to_string()).unwrap_or_default();
        // Writing to a String cannot fail, and no field can hold a comma, a quote or a line break.
        let _ = writeln!(
            self.text,
            "{pseudonym},{:0<5},{},{local},{},{},{},{},{},{end},{},{}.{:02},{}",
            line.provider,
            row.cds_identifier,
            row.commissioner,
            line.practice,
            line.function,
            row.pod,
            line.start,
            row.hrg,
            row.pence / 100,
            row.pence % 100,
            row.mff,
        );
        *self.rows.entry(line.provider).or_default() += 1;
    }
}
