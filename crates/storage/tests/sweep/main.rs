//! The real engine, the ledger's domain and the real files, on a disk that fails at every single operation: two hundred commands,
//! their blobs, tiles and checkpoints.
//!
//! After each fault the journal recovers to a prefix that holds everything acknowledged, or refuses to start and names file, offset and
//! position; sending everything again then gives the very same records. `cargo xtask torture` runs the same for longer, with
//! `ALMONER_TORTURE_SECONDS` and `ALMONER_TORTURE_SEED`.
#![allow(
    unreachable_pub,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    reason = "tests"
)]

mod archive;
mod backup;
mod books;
mod crashes;
mod damage;
mod mirror;

use std::io::Write as _;
use std::time::{Duration, Instant};

/// How many faults a test injected, and what became of them; a line of the torture's report when it is dropped.
struct Count {
    test: &'static str,
    rounds: u64,
    faults: u64,
    recovered: u64,
    refused: u64,
}

impl Count {
    const fn of(test: &'static str) -> Self {
        Self { test, rounds: 0, faults: 0, recovered: 0, refused: 0 }
    }

    /// A fault from which a start recovered, or which harmed nothing.
    const fn recovered(&mut self) {
        self.faults += 1;
        self.recovered += 1;
    }

    /// A fault that was named and refused.
    const fn refused(&mut self) {
        self.faults += 1;
        self.refused += 1;
    }
}

impl Drop for Count {
    fn drop(&mut self) {
        let Self { test, rounds, faults, recovered, refused } = self;
        if let Some(path) = std::env::var_os("ALMONER_TORTURE_REPORT")
            && !std::thread::panicking()
        {
            let mut file = std::fs::File::options().create(true).append(true).open(path).unwrap();
            writeln!(file, "{test} rounds={rounds} faults={faults} recovered={recovered} refused={refused}")
                .unwrap();
        }
    }
}

/// The rounds of a test, each with its seed: one as a rule, as many as fit when the torture gives time.
fn rounds() -> impl Iterator<Item = u64> {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let time = Duration::from_secs(number("ALMONER_TORTURE_SECONDS").unwrap_or(0));
    let first = number("ALMONER_TORTURE_SEED").unwrap_or(1);
    let start = Instant::now();
    (0..).map(move |n| first.wrapping_add(n)).take_while(move |seed| *seed == first || start.elapsed() < time)
}

/// The `n`-th number drawn with `seed`.
fn drawn(seed: u64, n: u64) -> u64 {
    // The finaliser of MurmurHash3 (Appleby), which spreads every bit.
    let mut mixed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ n.wrapping_mul(0xd6e8_feb8_6659_fd93);
    for factor in [0xff51_afd7_ed55_8ccd_u64, 0xc4ce_b9fe_1a85_ec53] {
        mixed = (mixed ^ (mixed >> 33)).wrapping_mul(factor);
    }
    mixed ^ (mixed >> 33)
}
