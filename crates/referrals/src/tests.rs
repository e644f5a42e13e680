//! The domain against tables and properties.

mod challenges;
mod extracts;
mod fixture;
mod lines;
mod lives;
mod plans;
mod pricing;
mod properties;
mod referrals;
mod repricing;
mod submissions;
mod unreadable;
