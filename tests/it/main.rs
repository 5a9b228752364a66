//! All integration tests in one crate: one link, one place for helpers.

mod csv;
mod data;
mod golden_cases;
mod golden_deep;
mod golden_quiz;
mod golden_training;
mod gradients;
mod numpy_random;
mod plot;
mod support;
