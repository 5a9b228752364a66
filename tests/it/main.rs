//! All integration tests in one crate: one link, one place for helpers.

mod cli_errors;
mod cli_help;
mod cli_model;
mod cli_sweep;
mod cli_train;
mod command;
mod csv;
mod data;
mod golden_cases;
mod golden_deep;
mod golden_quiz;
mod golden_training;
mod gpu_cli;
mod gpu_large_m;
mod gpu_numerics;
mod gpu_population;
mod gpu_shaders;
mod gpu_support;
mod gpu_training;
mod gpu_twins;
mod gradients;
mod numpy_random;
mod plot;
mod rules;
mod schedule;
mod support;
