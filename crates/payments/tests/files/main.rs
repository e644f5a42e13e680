//! What is written validates against the ISO 20022 schemas, and what others write is read or refused by name.

mod pain001;
mod xmllint;
