//! The `referrals` crate.
