//! The specification in plain `f64` loops on one thread: each operation beside its formula, no cleverness.
//!
//! Every function is the twin of the WGSL kernel of the same name and takes its arguments in the same order. Matrices
//! are row-major slices, features x samples; m is the number of samples (columns). Speed is not a goal here, being
//! right is.

mod activation;
pub mod course;
mod executor;
mod loss;
mod matmul;
mod optimizer;
mod reduce;

pub use activation::{activate, activation_derivative, dropout, sigmoid};
pub use executor::{Executor, cost_and_gradients, predict_samples, run_once};
pub use loss::{cost, output_delta, predict, residual_cost};
pub use matmul::{input_gradient, matmul_bias, weight_gradient};
pub use optimizer::{clip_norm, gradient_descent, optimize};
pub use reduce::row_sum;
