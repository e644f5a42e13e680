//! The domain against tables and properties.

mod challenges;
mod extracts;
mod fixture;
mod lines;
mod properties;
mod referrals;
mod submissions;
