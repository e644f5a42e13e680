//! Services in one process, called as people and systems call them: activity to the books, a month to the bank, and
//! personal health budgets, each through a restart.
#![allow(missing_docs, reason = "a test")]

mod challenges;
mod forgeries;
mod health_budgets;
mod logs;
mod matching;
mod referrals;
mod settlement;
mod witnesses;
mod world;
