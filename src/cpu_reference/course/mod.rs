//! The course's own functions, by their own names, one formula after the other; nothing here is needed to train with
//! the rest of the library.
//!
//! Read beside the lecture notes, in this order:
//!
//! 1. [`Matrix`]: rows, columns, numbers; every sample is a column, so X is (n_x, m) and Y is (n_y, m);
//! 2. [`init`]: where the parameters start (`initialize_parameters`, `initialize_parameters_deep`);
//! 3. [`shallow`], week 3: `layer_sizes`, `forward_propagation`, `compute_cost`, `backward_propagation`,
//!    `update_parameters`, `nn_model`, `predict`;
//! 4. [`deep`], week 4: `linear_forward`, `linear_activation_forward`, `l_model_forward`, `compute_cost`,
//!    `linear_backward`, `linear_activation_backward`, `l_model_backward`, `update_parameters`, `l_layer_model`,
//!    `predict`;
//! 5. the loops below all of them: [`matmul_bias`](super::matmul_bias), [`activate`](super::activate),
//!    [`weight_gradient`](super::weight_gradient) and their neighbours, which the GPU kernels are held against.
//!
//! The notes' capitals become small letters: `W1` is `w1`, `dZ2` is `dz2`, `A_prev` is `a_prev`. Matrices that do not
//! fit together are an [`Error::Shape`](crate::Error::Shape), never a panic.
//!
//! Two things differ from the notes, because the notes' formulas turn NaN once a sigmoid is exactly 0 or 1: training
//! takes dZ_L = A_L - Y and the cost from the logits Z_L. The original formulas stay here as `compute_cost` and
//! `l_model_backward`; wherever they are finite, both give the same numbers.

mod checked;
pub mod deep;
pub mod init;
mod matrix;
pub mod shallow;

pub use matrix::Matrix;
