//! Request ids that were answered more than once.

use crate::{Finding, RecordProblem};
use journal::RequestId;

/// How many ids are sorted as they come: what is in order by itself is only merged at the end, and ids are nearly in order of time.
const RUN: usize = 1 << 16;

/// The request ids of one journal: 16 bytes each.
#[derive(Debug, Default)]
pub(crate) struct Ids {
    ids: Vec<u128>,
    /// How many of them stand in sorted runs.
    sorted: usize,
}

impl Ids {
    pub(crate) fn push(&mut self, id: RequestId) {
        self.ids.push(u128::from_be_bytes(id.to_bytes()));
        if self.ids.len() - self.sorted == RUN {
            if let Some(run) = self.ids.get_mut(self.sorted..) {
                run.sort_unstable();
            }
            self.sorted = self.ids.len();
        }
    }

    /// A finding for each id that came more than once, `most` at most.
    pub(crate) fn twice(mut self, most: usize) -> Vec<Finding> {
        // The stable sort finds the runs.
        self.ids.sort();
        let same = |run: &&[u128]| run.len() > 1;
        let id = |run: &[u128]| RequestId::from_bytes(run.first()?.to_be_bytes()).ok();
        let finding = |id| Finding::Books(RecordProblem::Twice(id).to_string());
        self.ids.chunk_by(u128::eq).filter(same).filter_map(id).map(finding).take(most).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: usize) -> RequestId {
        let mut bytes = [0x80; 16];
        bytes[..8].copy_from_slice(&(n as u64).to_be_bytes());
        bytes[6] = 0x70;
        bytes[7] = n.to_le_bytes()[0];
        RequestId::from_bytes(bytes).unwrap()
    }

    #[test]
    fn an_id_that_came_twice_is_found_once_however_far_apart() {
        let count = RUN * 3 + 7;
        let all = |again: &[usize]| {
            let mut ids = Ids::default();
            (0..count).map(|n| n << 16).chain(again.iter().map(|n| n << 16)).for_each(|n| ids.push(id(n)));
            ids.twice(10)
        };
        assert_eq!(all(&[]), []);
        let found = |n: usize| Finding::Books(RecordProblem::Twice(id(n << 16)).to_string());
        assert_eq!(all(&[0]), [found(0)]);
        assert_eq!(all(&[count - 1, RUN, 3, RUN]), [found(3), found(RUN), found(count - 1)]);
        let many: Vec<usize> = (0..20).collect();
        assert_eq!(all(&many).len(), 10);
    }
}
