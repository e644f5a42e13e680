//! The people's commands, one file per group.

pub(crate) mod activity;
pub(crate) mod audit;
pub(crate) mod backup;
pub(crate) mod bank;
pub(crate) mod certificates;
pub(crate) mod challenge;
pub(crate) mod export;
pub(crate) mod journal;
pub(crate) mod keys;
pub(crate) mod ledger;
pub(crate) mod phb;
pub(crate) mod position;
pub(crate) mod receipt;
pub(crate) mod referral;
pub(crate) mod registry;
pub(crate) mod remittance;
pub(crate) mod settle;
pub(crate) mod submit;
pub(crate) mod tariff;
pub(crate) mod witness;
