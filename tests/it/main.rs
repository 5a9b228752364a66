//! All integration tests in one crate: one link, one place for helpers.

mod arrays;
mod bad_files;
mod cli_bench;
mod cli_data;
mod cli_errors;
mod cli_gradcheck;
mod cli_help;
#[cfg(unix)]
mod cli_interrupt;
mod cli_model;
mod cli_sweep;
mod cli_train;
mod cli_training;
mod command;
mod cpu_cli;
mod cpu_numerics;
mod cpu_support;
mod cpu_training;
mod cpu_twins;
mod csv;
mod data;
#[cfg(unix)]
mod durable_files;
mod export_c;
mod export_models;
mod export_npz;
mod find_rate;
mod fit;
mod golden_cases;
mod golden_deep;
mod golden_quiz;
mod golden_training;
mod gpu_cli;
mod gpu_large_m;
mod gpu_layerwise;
mod gpu_numerics;
mod gpu_population;
mod gpu_shaders;
mod gpu_support;
mod gpu_training;
mod gpu_twins;
mod gradients;
mod judged;
mod numpy_random;
mod objectives;
mod optimisers;
#[cfg(feature = "parquet")]
mod parquet_files;
mod plot;
mod rules;
mod schedule;
mod support;
mod survival;
mod tables;
mod tensorboard;
mod weights;
