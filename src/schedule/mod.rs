//! A training step as plain data: which operations, on which matrices, in which order.
//!
//! Straight-line code turns a [`Network`](crate::network::Network) into a [`Schedule`]; executors run it. There is no
//! device in here, and no number but in [`Contents`].

mod backward;
mod build;
mod contents;
mod forward;
mod lowering;
mod op;
mod problem;

pub use build::{check_data, check_features, evaluation, gradients, prediction, training_step};
pub use contents::Contents;
pub use lowering::Lowering;
pub use op::{Op, Schedule, Storage, Tensor, TensorId};
pub use problem::{Batches, Problem};
