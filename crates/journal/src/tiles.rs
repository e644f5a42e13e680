//! The tree as tiles (c2sp.org/tlog-tiles): 256 hashes of one level each, so that anyone can fetch, cache and check it.
//!
//! Tile level 0 holds leaves, level 1 the roots of 256 leaves, level 2 of 65,536, and so on. All hashes of a level in a row are the
//! level's tiles in a row.

use crate::{Digest, Nodes, node_hash};
use core::{fmt, str::FromStr};

/// Levels of the tree that one level of tiles spans.
pub const TILE_HEIGHT: u8 = 8;

/// Hashes in a full tile.
pub const TILE_WIDTH: u64 = 256;

/// A path does not name a tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a tile is named tile/<level>/<index>, for example tile/0/x001/x234/067 or tile/1/000.p/5")]
pub struct TileIdError;

/// A tile's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TileId {
    level: u8,
    index: u64,
    width: u64,
}

impl TileId {
    /// The tile number `index` of `level` (0 to 63) with `width` hashes (1 to 256; less than 256 at the right edge only).
    pub const fn new(level: u8, index: u64, width: u64) -> Result<Self, TileIdError> {
        if level > 63 || width == 0 || width > TILE_WIDTH || index > u64::MAX / TILE_WIDTH - 1 {
            return Err(TileIdError);
        }
        Ok(Self { level, index, width })
    }

    /// The level, from 0.
    #[must_use]
    pub const fn level(self) -> u8 {
        self.level
    }

    /// The first of its hashes among those of its level.
    #[must_use]
    pub const fn first(self) -> u64 {
        self.index.saturating_mul(TILE_WIDTH)
    }

    /// How many hashes it holds.
    #[must_use]
    pub const fn width(self) -> u64 {
        self.width
    }

    /// How many hashes `level` has in a tree of `size` leaves.
    #[must_use]
    pub const fn hashes_in(level: u8, size: u64) -> u64 {
        match size.checked_shr((level as u32).saturating_mul(TILE_HEIGHT as u32)) {
            Some(count) => count,
            None => 0,
        }
    }

    /// Whether a tree of `size` leaves has all hashes of this tile.
    #[must_use]
    pub const fn is_in(self, size: u64) -> bool {
        self.first().saturating_add(self.width) <= Self::hashes_in(self.level, size)
    }
}

impl fmt::Display for TileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tile/{}/", self.level)?;
        let mut groups = Vec::new();
        let mut rest = self.index;
        while rest >= 1_000 {
            groups.push(rest % 1_000);
            rest /= 1_000;
        }
        groups.push(rest);
        for (n, group) in groups.iter().enumerate().rev() {
            if n > 0 {
                write!(f, "x{group:03}/")?;
            } else {
                write!(f, "{group:03}")?;
            }
        }
        if self.width < TILE_WIDTH { write!(f, ".p/{}", self.width) } else { Ok(()) }
    }
}

impl FromStr for TileId {
    type Err = TileIdError;

    fn from_str(text: &str) -> Result<Self, TileIdError> {
        let rest = text.strip_prefix("tile/").ok_or(TileIdError)?;
        let (level, rest) = rest.split_once('/').ok_or(TileIdError)?;
        let (index, width) = rest.split_once(".p/").unwrap_or((rest, "256"));
        let mut number = 0_u64;
        for group in index.split('/') {
            let digits: u64 = group.trim_start_matches('x').parse().map_err(|_| TileIdError)?;
            number = number.checked_mul(1_000).and_then(|n| n.checked_add(digits)).ok_or(TileIdError)?;
        }
        let number_of = |text: &str| text.parse::<u64>().map_err(|_| TileIdError);
        let tile = Self::new(level.parse().map_err(|_| TileIdError)?, number, number_of(width)?)?;
        // One spelling: what reads otherwise than it prints is refused.
        if tile.to_string() == text { Ok(tile) } else { Err(TileIdError) }
    }
}

/// Where the hashes of tiles come from.
pub trait TileHashes {
    /// Why a hash cannot be given.
    type Error;

    /// The `count` hashes of tile level `level` from number `first` on.
    fn hashes(&self, level: u8, first: u64, count: u64) -> Result<Vec<Digest>, Self::Error>;
}

/// Every node follows from the tile below it.
impl<T: TileHashes> Nodes for T {
    type Error = T::Error;

    fn node(&self, level: u8, index: u64) -> Result<Digest, T::Error> {
        let height = level % TILE_HEIGHT;
        let count = 1_u64 << height;
        let mut hashes = self.hashes(level / TILE_HEIGHT, index.saturating_mul(count), count)?;
        while hashes.len() > 1 {
            hashes = hashes.as_chunks().0.iter().map(|&[left, right]| node_hash(left, right)).collect();
        }
        Ok(hashes.first().copied().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn tiles_have_one_name() {
        for (level, index, width, path) in [
            (0, 0, 256, "tile/0/000"),
            (0, 5, 1, "tile/0/005.p/1"),
            (1, 1_234_067, 256, "tile/1/x001/x234/067"),
            (2, 1_000, 255, "tile/2/x001/000.p/255"),
        ] {
            let tile = TileId::new(level, index, width).unwrap();
            assert_eq!(tile.to_string(), path);
            assert_eq!(path.parse(), Ok(tile));
        }
        for bad in [
            "",
            "tile/0/0",
            "tile/0/1234",
            "tile/0/x000/001",
            "tile/0/001.p/256",
            "tile/0/001.p/0",
            "tile/0/001.p/05",
            "tile/64/001",
            "tile/00/001",
            "tile/0/x001",
            "tile/0/../000",
            "tile/0/+01",
            "tile/data/000",
        ] {
            assert_eq!(bad.parse::<TileId>(), Err(TileIdError), "{bad}");
        }
    }

    #[test]
    fn a_tree_has_the_tiles_that_it_filled() {
        let tile = |level, index, width| TileId::new(level, index, width).unwrap();
        assert!(tile(0, 0, 256).is_in(256) && !tile(0, 0, 256).is_in(255));
        assert!(tile(1, 0, 2).is_in(512) && !tile(1, 0, 2).is_in(511));
        assert!(!tile(9, 0, 1).is_in(u64::MAX));
    }

    proptest! {
        #[test]
        fn names_round_trip_as_other_people_read_them(level in 0_u8..64, index in 0_u64..1 << 40, width in 1_u64..=256) {
            let tile = TileId::new(level, index, width).unwrap();
            prop_assert_eq!(tile.to_string().parse(), Ok(tile));
            let theirs = tlog_tiles::Tile::new(8, level, index, u32::try_from(width).unwrap(), false);
            prop_assert_eq!(theirs.path().replacen("tile/8/", "tile/", 1), tile.to_string());
        }
    }
}
