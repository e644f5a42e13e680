//! Two copies of a segment, group by group.

use journal::{Chain, DamageKind, Position, Scan, Step, is_zero};
use std::ops::Range;

/// What is wrong with a range of one copy, and that it was put right in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fix {
    /// Which copy: 0 or 1.
    pub(super) copy: usize,
    pub(super) range: Range<usize>,
    /// The first record there, or the next one when there is none.
    pub(super) position: Position,
    /// Whether it was zeroed, as nothing sound was ever there; else it was copied.
    pub(super) cleared: bool,
}

/// Two copies that cannot be brought together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Apart {
    /// Both hold a sound group in the same place, and not the same.
    Fork { offset: usize, position: Position },
    /// Neither is sound.
    Damaged { offset: usize, position: Position, kinds: [Option<DamageKind>; 2] },
}

/// What decides where no sound group is left in either copy.
#[derive(Debug, Clone, Copy)]
pub(super) struct Beyond {
    /// Whether the next segment goes on with the chain: nothing was ever written in between.
    pub(super) goes_on: bool,
    /// Whether a later segment holds anything, in either copy.
    pub(super) later: bool,
    /// Whether every record of both checkpoints was read.
    pub(super) reached: bool,
    /// Whether both copies surely got everything that was acknowledged.
    pub(super) lockstep: bool,
}

/// Goes through two copies of the same length from `chain` on, makes each what the other is sound in, and returns where the chain
/// then is. `beyond` is asked once, where no sound group is left. With `until`, it ends at that position without looking
/// further: what follows may be being written.
pub(super) fn compare(
    copies: &mut [Vec<u8>; 2],
    mut chain: Chain,
    until: Option<Position>,
    beyond: impl FnOnce(&Chain) -> Beyond,
) -> Result<(Chain, Vec<Fix>), Apart> {
    let mut offset = 0;
    let mut fixes: Vec<Fix> = Vec::new();
    loop {
        if until.is_some_and(|until| chain.position >= until) {
            return Ok((chain, fixes));
        }
        let seen = [look(&copies[0], offset, chain), look(&copies[1], offset, chain)];
        let (sound, next) = match seen {
            [Seen::Group(first), Seen::Group(_)] if same(copies, offset, first) => (first, None),
            [Seen::Group(_), Seen::Group(_)] => return Err(Apart::Fork { offset, position: chain.position }),
            [Seen::Group(sound), _] => (sound, Some(1)),
            [_, Seen::Group(sound)] => (sound, Some(0)),
            [first, second] => {
                let beyond = beyond(&chain);
                let kinds = [first.damage(), second.damage()];
                return end(copies, offset, chain.position, kinds, beyond).map(|more| {
                    fixes.extend(more);
                    (chain, fixes)
                });
            }
        };
        let range = offset..offset + sound.bytes;
        if let Some(copy) = next {
            let [first, second] = copies;
            let (from, to) = if copy == 0 { (second, first) } else { (first, second) };
            to[range.clone()].copy_from_slice(&from[range.clone()]);
            note(&mut fixes, Fix { copy, range, position: chain.position, cleared: false });
        }
        offset += sound.bytes;
        chain = sound.next;
    }
}

/// Where neither copy has a sound group: clears what an interrupted write or a stray block left, or gives up.
fn end(
    copies: &mut [Vec<u8>; 2],
    offset: usize,
    position: Position,
    kinds: [Option<DamageKind>; 2],
    beyond: Beyond,
) -> Result<Vec<Fix>, Apart> {
    let clean = copies.iter().all(|bytes| is_zero(&bytes[offset..]));
    let allowed = beyond.goes_on
        || !beyond.later
            && beyond.reached
            && match kinds {
                [None, None] => true,
                [Some(_), Some(_)] => false,
                [None, Some(_)] | [Some(_), None] => beyond.lockstep,
            };
    if !allowed && !clean {
        return Err(Apart::Damaged { offset, position, kinds });
    }
    let mut fixes = Vec::new();
    for (copy, bytes) in copies.iter_mut().enumerate() {
        let rest = &mut bytes[offset..];
        let (Some(from), Some(to)) =
            (rest.iter().position(|&byte| byte != 0), rest.iter().rposition(|&byte| byte != 0))
        else {
            continue;
        };
        rest.fill(0);
        fixes.push(Fix { copy, range: offset + from..offset + to + 1, position, cleared: true });
    }
    Ok(fixes)
}

#[derive(Debug, Clone, Copy)]
struct Sound {
    bytes: usize,
    next: Chain,
}

#[derive(Debug, Clone, Copy)]
enum Seen {
    Group(Sound),
    /// Nothing more, or an interrupted write.
    Ended,
    Damaged(DamageKind),
}

impl Seen {
    const fn damage(self) -> Option<DamageKind> {
        match self {
            Self::Damaged(kind) => Some(kind),
            Self::Group(_) | Self::Ended => None,
        }
    }
}

fn look(bytes: &[u8], offset: usize, chain: Chain) -> Seen {
    let mut scan = Scan::resume(bytes, offset, chain);
    match scan.step() {
        Ok(Step::Group(group)) => Seen::Group(Sound { bytes: group.bytes.len(), next: scan.chain() }),
        Ok(Step::End { .. } | Step::Torn { .. }) => Seen::Ended,
        Err(damage) => Seen::Damaged(damage.kind),
    }
}

/// Whether `bytes` begin with the next group of `chain`.
pub(super) fn begins(bytes: &[u8], chain: &Chain) -> bool {
    matches!(look(bytes, 0, *chain), Seen::Group(_))
}

fn same(copies: &[Vec<u8>; 2], offset: usize, sound: Sound) -> bool {
    let range = offset..offset + sound.bytes;
    copies[0][range.clone()] == copies[1][range]
}

/// Groups in a row are one fix.
fn note(fixes: &mut Vec<Fix>, fix: Fix) {
    match fixes.last_mut() {
        Some(last) if last.copy == fix.copy && last.range.end == fix.range.start => {
            last.range.end = fix.range.end;
        }
        _ => fixes.push(fix),
    }
}
