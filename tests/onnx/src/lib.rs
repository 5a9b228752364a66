//! Nothing: the tests beside it are the crate.
