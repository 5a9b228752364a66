//! A training step as plain data: which operations, on which matrices, in which order.
//!
//! Straight-line code turns a [`Network`](crate::network::Network) into a [`Schedule`]; executors run it. There is no
//! device and no number in here.

mod backward;
mod build;
mod forward;
mod op;

pub use build::{check_data, check_features, evaluation, gradients, prediction, training_step};
pub use op::{Op, Schedule, Storage, Tensor, TensorId};
