//! The real binary, over real sockets, with mutual TLS: what no crate can show alone.

mod audit;
mod backup;
mod bad_input;
mod callers;
mod clients;
mod disasters;
mod exports;
mod kill;
mod kill_budgets;
mod pricing;
mod proofs;
mod read_stores;
mod real_disk;
mod referring;
mod submitting;
mod support;
mod tariff;
mod two_people;
