//! The rules one by one, the machines whole, and the ledger's effects exactly once.

mod asks;
mod bytes;
mod machines;
mod rules;
mod world;

use world::{ANN, BOB, World, day, direct, notional, pence, third_party};
