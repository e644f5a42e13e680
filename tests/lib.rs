//! What crosses services: tests of the real binary, clients in other languages, benchmarks. The tests are the crate's
//! integration tests; this library is empty.
