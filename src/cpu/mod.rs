//! The fast executor on the host: `f32`, vectors, all cores; what every user without a GPU trains on.
//!
//! A batch is cut into blocks of columns that stay in a core's caches from the first layer to the last and back, and
//! the sums over the blocks are added in a fixed order: the same bits for any number of threads. Narrow layers run on
//! kernels in which a lane of a register is a sample, wide ones on the `gemm` crate. Every function is that of
//! `cpu_reference`, up to rounding.

mod aligned;
mod blocks;
mod convert;
mod data;
mod executor;
mod gradient;
mod loss;
mod mask;
mod numerics;
mod optimizer;
mod pass;
mod peak;
mod plan;
mod predictor;
mod product;
mod shape;
mod team;
mod wide;

pub use executor::Executor;
pub use peak::peak;
pub use predictor::predict_samples;

/// How this executor runs a schedule, as reports name it.
pub const LOWERING: &str = "blocks";
