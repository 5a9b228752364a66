//! A training step as plain data: which operations, on which matrices, in which order.
//!
//! Straight-line code turns a [`Network`](crate::network::Network) into a [`Schedule`]; executors run it. There is no
//! device in here, and no number but in [`Contents`].

mod backward;
mod batches;
mod build;
mod contents;
mod descent;
mod dropout;
mod forward;
mod hash;
mod lowering;
mod op;
mod parse;
mod peak;
mod problem;
mod rate;

pub use batches::{Batches, EVALUATION_BLOCK, Order, Window};
pub use build::{
    Variant, check_data, check_features, evaluation, evaluation_with, gradients, gradients_with, prediction,
    training_step, training_step_with,
};
pub use contents::Contents;
pub use descent::{Clip, Descent, Optimizer, StepSize};
pub use dropout::{Dropout, Mask};
pub use lowering::Lowering;
pub use op::{Op, Schedule, Storage, Tensor, TensorId};
pub use peak::{PEAK_COPIED, PEAK_SECONDS, PEAK_TRIALS, Peak};
pub use problem::Problem;
pub use rate::{Decay, RateSchedule};
