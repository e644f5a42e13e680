//! What is written validates against the ISO 20022 schemas, and what others write is read or refused by name.

mod camt053;
mod hostile;
mod pain001;
mod pain002;
mod samples;
mod xmllint;
