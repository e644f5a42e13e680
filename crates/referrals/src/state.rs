//! What decisions need, and no more.
//!
//! Bytes held in memory per row, the table's own overhead (an eighth to a half) aside:
//!
//! | row | bytes | grows with |
//! | --- | --- | --- |
//! | line | 72, and 16 when it is billed in a cut | identities (provider and CDS identifier), not versions |
//! | claim of care | 24 | lines accepted or contested on their own account |
//! | referral | 120, and 16 with a booking reference, and 32 for its patient's key | referrals, reported or implied |
//! | life of a referral | 110, 8 for each record after the fourth, 44 with a pathway identifier | referrals |
//! | submission | 150, and 12 for each unbroken run of its records | files |
//! | total | 200 | provider × payer × cut |
//! | challenge | 170, and 8 for each entry of its thread, and 60 for its line | challenges |
//! | plan | 60, and 32 for each cut | payer × payee × year with a plan |
//! | repricing | 120, and 40 for each line not priced again yet | repricings |
//! | SUS extract in force | 120, and 32 for each 2,000 rows | provider × cut |
//!
//! Everything else about a line is read from the journal by its position.

use crate::{
    Books, Challenge, ExtractInForce, Grade, Life, PlanKey, PlanPosition, Reason, Repricing, Route,
    SetChallengeRules, Source, Split, Standing, Verdict,
    key::{ByHash, CareKey, LineKey, LineTag},
};
use hashbrown::HashMap;
use journal::{Day, Digest, Position, RequestId};
use money::{Pence, TotalPence};
use nhs::{CdsIdentifier, OdsCode, PathwayIdentifier, Pseudonym, TreatmentFunction};
use reference::{Cut, Reference};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// The state of one system's referrals. `Default` is the state before the first record.
#[derive(Debug, Default)]
pub struct State {
    pub(crate) adopted: Option<InForce>,
    pub(crate) submissions: BTreeMap<Position, Submission>,
    pub(crate) submission_ids: HashMap<RequestId, Position>,
    pub(crate) submission_files: HashMap<(Position, Digest), Position>,
    pub(crate) referrals: HashMap<Position, Referral>,
    pub(crate) bookings: HashMap<u64, Position>,
    pub(crate) pathways: HashMap<Pathway, Position>,
    pub(crate) expiries: BTreeSet<(Day, Position)>,
    pub(crate) reported: u64,
    pub(crate) implied: u64,
    pub(crate) lines: HashMap<LineKey, LineRow, ByHash>,
    pub(crate) care: HashMap<CareKey, u64, ByHash>,
    pub(crate) channels: Channels,
    pub(crate) totals: BTreeMap<TotalKey, Total>,
    pub(crate) reasons: BTreeMap<ReasonKey, BTreeMap<Reason, u64>>,
    pub(crate) sealed: BTreeMap<Cut, Position>,
    pub(crate) extracts: BTreeMap<(OdsCode, Cut), ExtractInForce>,
    pub(crate) challenges: BTreeMap<Position, Challenge>,
    pub(crate) challenged: HashMap<LineKey, Challenged, ByHash>,
    pub(crate) challenge_rules: BTreeMap<(Option<OdsCode>, Day), SetChallengeRules>,
    pub(crate) plans: BTreeMap<PlanKey, PlanPosition>,
    pub(crate) repricings: BTreeMap<Position, Repricing>,
    /// The records of the lines in force that could be read, by provider and the cut that they entered. It follows from
    /// `lines`, and no snapshot holds it.
    pub(crate) billed: BTreeMap<(OdsCode, Cut), BTreeSet<Position>>,
    pub(crate) lives: HashMap<Position, Life>,
    pub(crate) named_pathways: HashMap<(Pseudonym, PathwayIdentifier), Position>,
    pub(crate) grades: BTreeMap<(ReasonKey, Grade), u64>,
}

/// What challenges have made of a line: a line without has never been challenged in the version in force.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Challenged {
    /// The challenge that is open.
    pub(crate) open: Option<Position>,
    /// How the line's amount is divided.
    pub(crate) split: Option<Split>,
}

/// The reference data in force and since when.
#[derive(Debug, Clone)]
pub struct InForce {
    /// The data.
    pub reference: Arc<Reference>,
    /// The position of the record that adopted them.
    pub since: Position,
    /// SHA-256 of the snapshot.
    pub digest: Digest,
    /// How many days a hold lasts.
    pub hold_days: u16,
    /// How many follow-ups a referral is expected to lead to.
    pub follow_ups: u16,
    /// How many days after a referral a line without any reference may be matched to it; none: any number, and no grades.
    pub matching_days: Option<u16>,
    /// From when contracts that do not say ask for a booking reference.
    pub booking_from: Option<Day>,
}

/// A submission.
#[derive(Debug, Clone)]
pub struct Submission {
    /// Its id, which each batch names.
    pub id: RequestId,
    /// The record that named its caller.
    pub caller: Position,
    /// The provider whose activity it holds.
    pub provider: OdsCode,
    /// The records of its lines as (first, count), in order.
    pub(crate) runs: Vec<(Position, u32)>,
}

/// What reasons are counted by: the cut, the provider, and the responsible commissioner where known.
pub(crate) type ReasonKey = (Option<Cut>, OdsCode, Option<OdsCode>);

/// What a referral without a booking reference is found by: patient, function, provider.
pub(crate) type Pathway = (Pseudonym, u16, OdsCode);

/// Where a referral stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReferralState {
    /// Made, and not ended.
    Open,
    /// The patient was discharged.
    Discharged,
    /// Cancelled before treatment.
    Cancelled,
    /// Its hold's last day passed.
    Expired,
}

/// A referral, reported or implied.
#[derive(Debug, Clone, Copy)]
pub struct Referral {
    /// The patient.
    pub pseudonym: Pseudonym,
    /// The booking reference, 0 for none.
    pub(crate) booking: u64,
    /// The treatment function.
    pub function: TreatmentFunction,
    /// The provider chosen.
    pub provider: OdsCode,
    /// Who referred; none for an implied one.
    pub source: Option<Source>,
    /// When it was made.
    pub referred: Day,
    /// Who pays whom; none for one implied by a line without money.
    pub route: Option<Route>,
    /// Where it stands.
    pub state: ReferralState,
    /// The day on which it ended.
    pub ended: Option<Day>,
    /// What was held at first.
    pub held: Pence,
    /// What is still held.
    pub left: Pence,
    /// The day by whose financial year it is held.
    pub placed: Day,
    /// The hold's last day.
    pub until: Day,
    /// The hold's name in the ledger.
    pub hold: RequestId,
    /// How many lines were matched to it.
    pub lines: u32,
}

/// A line in force, or withdrawn.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LineRow {
    pub(crate) position: Position,
    pub(crate) claimed: Pence,
    pub(crate) accepted: Pence,
    pub(crate) date: Day,
    pub(crate) version: u32,
    pub(crate) channel: u32,
    /// What it claims to have done for whom; all zero when it claims nothing.
    pub(crate) care: CareKey,
    pub(crate) mark: Mark,
    pub(crate) books: Books,
    pub(crate) cut: u16,
}

/// The verdict on a line in one byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    Accepted,
    Contested,
    Unreadable,
    Withdrawn,
}

/// Who claims from whom: interned, because there are few and lines are many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Channel {
    pub(crate) provider: OdsCode,
    pub(crate) payer: Option<OdsCode>,
    pub(crate) route: Option<Route>,
}

/// Interned channels and cuts.
#[derive(Debug, Default)]
pub(crate) struct Channels {
    numbers: BTreeMap<Channel, u32>,
    rows: Vec<Channel>,
    cut_numbers: BTreeMap<Cut, u16>,
    cuts: Vec<Cut>,
}

impl Channels {
    /// The channels and cuts interned so far, by number.
    pub(crate) fn rows(&self) -> (&[Channel], &[Cut]) {
        (&self.rows, &self.cuts)
    }

    /// Those that [`Channels::rows`] told, with the same numbers.
    pub(crate) fn of(rows: Vec<Channel>, cuts: Vec<Cut>) -> Self {
        let mut channels = Self::default();
        for channel in rows {
            channels.intern(channel);
        }
        for cut in cuts {
            channels.intern_cut(Some(cut));
        }
        channels
    }

    pub(crate) fn intern(&mut self, channel: Channel) -> u32 {
        if let Some(number) = self.numbers.get(&channel) {
            return *number;
        }
        // Payers times payees times mechanisms: never near 2^32.
        let number = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
        self.rows.push(channel);
        self.numbers.insert(channel, number);
        number
    }

    pub(crate) fn get(&self, number: u32) -> Option<&Channel> {
        self.rows.get(usize::try_from(number).ok()?)
    }

    /// Numbers a cut from 1; 0 is none.
    pub(crate) fn intern_cut(&mut self, cut: Option<Cut>) -> u16 {
        let Some(cut) = cut else { return 0 };
        if let Some(number) = self.cut_numbers.get(&cut) {
            return *number;
        }
        self.cuts.push(cut);
        // Two a month: 65,535 last for thousands of years.
        let number = u16::try_from(self.cuts.len()).unwrap_or(u16::MAX);
        self.cut_numbers.insert(cut, number);
        number
    }

    pub(crate) fn cut(&self, number: u16) -> Option<Cut> {
        self.cuts.get(usize::from(number.checked_sub(1)?)).copied()
    }
}

/// What totals are kept by. `cut` is none for lines that came too late or cannot be dated, and for what is taken off
/// cuts that were sealed: the part that the ledger puts into runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TotalKey {
    /// The cut.
    pub cut: Option<Cut>,
    /// The provider.
    pub provider: OdsCode,
    /// The responsible commissioner, where known.
    pub payer: Option<OdsCode>,
    /// The body that is paid, where the payer is ours.
    pub payee: Option<OdsCode>,
}

/// Running totals over lines in force. Always `claimed = accepted + difference + contested + unreadable`.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Total {
    /// Accepted lines.
    pub accepted_lines: i64,
    /// Contested lines.
    pub contested_lines: i64,
    /// Unreadable lines.
    pub unreadable_lines: i64,
    /// Claimed.
    pub claimed: TotalPence,
    /// Accepted, at our price.
    pub accepted: TotalPence,
    /// Claimed less accepted, over accepted lines.
    pub difference: TotalPence,
    /// Contested, at the claimed amount.
    pub contested: TotalPence,
    /// Unreadable, at the claimed amount where that could be read.
    pub unreadable: TotalPence,
    /// Of the accepted: owed line by line.
    pub payable: TotalPence,
    /// Of the accepted: recognised against payments on account.
    pub recognised: TotalPence,
    /// Of the accepted: covered by a block payment.
    pub block: TotalPence,
    /// Of the contested: posted as contested in the ledger.
    pub held: TotalPence,
}

impl Total {
    /// Adds a line as it stands.
    pub(crate) fn add(&mut self, line: &Standing) {
        self.move_by(line, TotalPence::plus_total, 1);
    }

    /// Takes a line off again.
    pub(crate) fn take(&mut self, line: &Standing) {
        self.move_by(line, TotalPence::minus_total, -1);
    }

    fn move_by(&mut self, line: &Standing, by: fn(TotalPence, TotalPence) -> TotalPence, one: i64) {
        let claimed = TotalPence::from(line.claimed);
        self.claimed = by(self.claimed, claimed);
        let Split { kept, contested } = line.division();
        let (kept, withheld) = (TotalPence::from(kept), TotalPence::from(contested));
        match line.verdict {
            Verdict::Accepted(amount) => {
                self.accepted_lines = self.accepted_lines.saturating_add(one);
                let accepted = match line.books {
                    Books::Payable | Books::Recognised => kept,
                    Books::Nowhere | Books::Contested => TotalPence::from(amount),
                };
                self.accepted = by(self.accepted, accepted);
                self.difference = by(self.difference, claimed.minus_total(accepted).minus_total(withheld));
                self.contested = by(self.contested, withheld);
                self.held = by(self.held, withheld);
                match line.books {
                    Books::Payable => self.payable = by(self.payable, accepted),
                    Books::Recognised => self.recognised = by(self.recognised, accepted),
                    Books::Nowhere | Books::Contested => self.block = by(self.block, accepted),
                }
            }
            Verdict::Contested => {
                self.contested_lines = self.contested_lines.saturating_add(one);
                if line.books == Books::Contested {
                    // What a challenge settled for the provider is accepted, what it settled for us a difference of price.
                    self.accepted = by(self.accepted, kept);
                    self.payable = by(self.payable, kept);
                    self.difference = by(self.difference, claimed.minus_total(kept).minus_total(withheld));
                    self.contested = by(self.contested, withheld);
                    self.held = by(self.held, withheld);
                } else {
                    self.contested = by(self.contested, claimed);
                }
            }
            Verdict::Unreadable => {
                self.unreadable_lines = self.unreadable_lines.saturating_add(one);
                self.unreadable = by(self.unreadable, claimed);
            }
        }
    }

    /// The sum of two.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        Self {
            accepted_lines: self.accepted_lines.saturating_add(other.accepted_lines),
            contested_lines: self.contested_lines.saturating_add(other.contested_lines),
            unreadable_lines: self.unreadable_lines.saturating_add(other.unreadable_lines),
            claimed: self.claimed.plus_total(other.claimed),
            accepted: self.accepted.plus_total(other.accepted),
            difference: self.difference.plus_total(other.difference),
            contested: self.contested.plus_total(other.contested),
            unreadable: self.unreadable.plus_total(other.unreadable),
            payable: self.payable.plus_total(other.payable),
            recognised: self.recognised.plus_total(other.recognised),
            block: self.block.plus_total(other.block),
            held: self.held.plus_total(other.held),
        }
    }

    /// Whether claimed = accepted + price difference + contested + unreadable, and accepted is owed, recognised or block.
    #[must_use]
    pub fn ties(&self) -> bool {
        let answered = self.accepted.plus_total(self.difference);
        let claimed = answered.plus_total(self.contested).plus_total(self.unreadable);
        let accepted = self.payable.plus_total(self.recognised).plus_total(self.block);
        claimed == self.claimed && accepted == self.accepted
    }
}

impl State {
    /// Lists a line as billed, when it is: in a cut, and readable.
    pub(crate) fn bill(&mut self, provider: OdsCode, line: &Standing) {
        if let (Some(cut), Verdict::Accepted(_) | Verdict::Contested) = (line.cut, line.verdict) {
            self.billed.entry((provider, cut)).or_default().insert(line.position);
        }
    }

    /// Takes a line that is replaced or withdrawn off what is billed.
    pub(crate) fn unbill(&mut self, provider: OdsCode, old: &Standing) {
        if let Some(cut) = old.cut
            && let Some(listed) = self.billed.get_mut(&(provider, cut))
        {
            listed.remove(&old.position);
            if listed.is_empty() {
                self.billed.remove(&(provider, cut));
            }
        }
    }

    /// Lists every line that is billed, after the lines were read.
    pub(crate) fn bill_all(&mut self) {
        let row = |row: &LineRow| {
            let readable = matches!(row.mark, Mark::Accepted | Mark::Contested);
            let cut = self.channels.cut(row.cut).filter(|_| readable)?;
            Some(((self.channels.get(row.channel)?.provider, cut), row.position))
        };
        let mut billed: BTreeMap<_, BTreeSet<Position>> = BTreeMap::new();
        for (of, position) in self.lines.values().filter_map(row) {
            billed.entry(of).or_default().insert(position);
        }
        self.billed = billed;
    }

    /// What the line of a provider's name is found by: its tag, but a line recorded before there were tags keeps its key, and so
    /// do its versions.
    pub(crate) fn key_of(
        &self,
        provider: OdsCode,
        identifier: &CdsIdentifier,
        tag: Option<LineTag>,
    ) -> LineKey {
        let Some(tag) = tag else { return LineKey::untagged(provider, identifier) };
        let tagged = LineKey::tagged(tag);
        // An unreadable version knows nothing but its tag, so it may have one beside the line's own key.
        if self.lines.get(&tagged).is_some_and(|row| row.mark != Mark::Unreadable) {
            return tagged;
        }
        let untagged = LineKey::untagged(provider, identifier);
        if self.lines.contains_key(&untagged) { untagged } else { tagged }
    }

    /// How the line of that identity stands, unless it never came or is withdrawn.
    pub(crate) fn standing(&self, key: &LineKey) -> Option<Standing> {
        let row = self.lines.get(key)?;
        let channel = self.channels.get(row.channel)?;
        let verdict = match row.mark {
            Mark::Accepted => Verdict::Accepted(row.accepted),
            Mark::Contested => Verdict::Contested,
            Mark::Unreadable => Verdict::Unreadable,
            Mark::Withdrawn => return None,
        };
        Some(Standing {
            position: row.position,
            version: row.version,
            route: channel.route,
            payer: channel.payer,
            date: row.date,
            cut: self.channels.cut(row.cut),
            claimed: row.claimed,
            verdict,
            books: row.books,
            split: self.challenged.get(key).and_then(|challenged| challenged.split),
        })
    }

    /// The challenge that is open about the line of that identity.
    pub(crate) fn open_challenge(&self, key: &LineKey) -> Option<Position> {
        self.challenged.get(key).and_then(|challenged| challenged.open)
    }

    /// How often a line of that identity has been answered.
    pub(crate) fn versions(&self, key: &LineKey) -> u32 {
        self.lines.get(key).map_or(0, |row| row.version)
    }
}
