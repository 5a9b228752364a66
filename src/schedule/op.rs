//! The operations and the matrices they name.
//!
//! One [`Op`] is one family of WGSL kernels and one function of `cpu_reference`, of the same name and argument order.

use std::ops::Range;

use super::descent::Descent;
use super::dropout::Dropout;
use super::rate::RateSchedule;
use crate::network::{Activation, Loss};

/// Index of a matrix in [`Schedule::tensors`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TensorId(pub usize);

/// Where the elements of a matrix live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// The samples' features X, uploaded once.
    Input,
    /// The samples' targets Y, uploaded once.
    Target,
    /// A slice of the parameter arena.
    Parameters {
        /// First element within the arena.
        offset: usize,
    },
    /// A slice of the gradient arena, which has the layout of the parameters.
    Gradients {
        /// First element within the arena.
        offset: usize,
    },
    /// An intermediate result of its own.
    Value,
    /// The history of costs: one number appended by each run of the schedule.
    Costs,
}

/// A matrix (rows, cols), row-major.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// `W1`, `Z2`, `dA1`, ... as in the course.
    pub name: String,
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub cols: usize,
    /// Where it lives.
    pub storage: Storage,
}

impl Tensor {
    /// Elements of the matrix.
    pub fn len(&self) -> usize {
        self.rows * self.cols
    }

    /// Whether the matrix has no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// One operation on whole matrices. m is the number of samples; n_l and n_prev are the units of a layer and of the one
/// before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Op {
    /// Z = W A_prev + b, the bias broadcast over the samples.
    MatmulBias {
        /// (n_l, n_prev)
        w: TensorId,
        /// (n_prev, m)
        x: TensorId,
        /// (n_l, 1)
        b: TensorId,
        /// out: (n_l, m)
        z: TensorId,
    },
    /// A = g(Z), element by element.
    Activate {
        /// The function.
        g: Activation,
        /// (n_l, m)
        z: TensorId,
        /// out: (n_l, m)
        a: TensorId,
    },
    /// J = mean over the samples of the loss, from the logits; appended to the history of costs.
    Cost {
        /// The loss.
        loss: Loss,
        /// e of a softmax, whose targets are y (1 - e) + e / K of the class and e / K of the others.
        smoothing: f64,
        /// Logits; (n_L, m)
        z: TensorId,
        /// (target_rows, m)
        y: TensorId,
        /// out: one number
        j: TensorId,
    },
    /// dZ = A - Y, or its sign or Huber's part of it: the derivative of the loss of each sample by its logits, not divided
    /// by m.
    OutputDelta {
        /// The loss.
        loss: Loss,
        /// As of the cost.
        smoothing: f64,
        /// Logits; (n_L, m)
        z: TensorId,
        /// (target_rows, m)
        y: TensorId,
        /// out: (n_L, m)
        dz: TensorId,
    },
    /// dW = dZ A_prev^T / m.
    WeightGradient {
        /// (n_l, m)
        dz: TensorId,
        /// (n_prev, m)
        a_prev: TensorId,
        /// out: (n_l, n_prev)
        dw: TensorId,
    },
    /// db = sum of each row of dZ, / m.
    RowSum {
        /// (n_l, m)
        dz: TensorId,
        /// out: (n_l, 1)
        db: TensorId,
    },
    /// dA_prev = W^T dZ.
    InputGradient {
        /// (n_l, n_prev)
        w: TensorId,
        /// (n_l, m)
        dz: TensorId,
        /// out: (n_prev, m)
        da: TensorId,
    },
    /// dZ = dA * g'(Z), with g' written in terms of A, or of Z where the activation needs it.
    ActivationDerivative {
        /// The function.
        g: Activation,
        /// (n_l, m)
        da: TensorId,
        /// A, or Z; (n_l, m)
        a: TensorId,
        /// out: (n_l, m)
        dz: TensorId,
    },
    /// X times a mask of zeros and 1 / (1 - rate); forward on activations, backward on their derivatives.
    Dropout {
        /// Rate and seed.
        dropout: Dropout,
        /// The hidden layer, counted from 0.
        layer: usize,
        /// (n_l, m)
        x: TensorId,
        /// out: (n_l, m)
        masked: TensorId,
        /// Whether the iteration's cost has been computed, and so counted, before.
        after_cost: bool,
    },
    /// g = gradient + w (l1 sign(theta) + l2 theta), w 1 for weights and 0 for biases; then g times
    /// min(1, most / (sqrt(sum g^2) + 1e-6)), in the place of the gradients, over the whole arena at once.
    ClipNorm {
        /// The most that the norm may be.
        most: f64,
        /// Of [`Descent`].
        l1: f64,
        /// Of [`Descent`].
        l2: f64,
    },
    /// theta = theta - learning_rate * gradient, over the whole arena at once.
    GradientDescent {
        /// The step size.
        learning_rate: f64,
    },
    /// The step of any other descent, over the whole arena at once.
    Optimize {
        /// The rule; with the number of the iteration, which executors count, it gives the step.
        descent: Descent,
    },
    /// The network's output A_L = sigmoid(Z), softmax(Z) or Z.
    Predict {
        /// The loss whose output activation it is.
        loss: Loss,
        /// Logits; (n_L, m)
        z: TensorId,
        /// out: (n_L, m)
        a: TensorId,
    },
}

impl Op {
    /// The matrices that the operation reads; an update, which works on the whole arena, names none.
    pub fn inputs(&self) -> Vec<TensorId> {
        match *self {
            Self::MatmulBias { w, x, b, .. } => vec![w, x, b],
            Self::Activate { z, .. } | Self::Predict { z, .. } => vec![z],
            Self::Cost { z, y, .. } | Self::OutputDelta { z, y, .. } => vec![z, y],
            Self::Dropout { x, .. } => vec![x],
            Self::WeightGradient { dz, a_prev, .. } => vec![dz, a_prev],
            Self::RowSum { dz, .. } => vec![dz],
            Self::InputGradient { w, dz, .. } => vec![w, dz],
            Self::ActivationDerivative { da, a, .. } => vec![da, a],
            Self::ClipNorm { .. } | Self::GradientDescent { .. } | Self::Optimize { .. } => Vec::new(),
        }
    }

    /// The matrix that the operation fills, or `None` for an update, which works on the whole arena.
    pub fn output(&self) -> Option<TensorId> {
        match *self {
            Self::MatmulBias { z, .. } => Some(z),
            Self::Activate { a, .. } | Self::Predict { a, .. } => Some(a),
            Self::OutputDelta { dz, .. } | Self::ActivationDerivative { dz, .. } => Some(dz),
            Self::WeightGradient { dw, .. } => Some(dw),
            Self::RowSum { db, .. } => Some(db),
            Self::InputGradient { da, .. } => Some(da),
            Self::Cost { j, .. } => Some(j),
            Self::Dropout { masked, .. } => Some(masked),
            Self::ClipNorm { .. } | Self::GradientDescent { .. } | Self::Optimize { .. } => None,
        }
    }
}

/// Operations in order, and the matrices they work on.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// Run first to last.
    pub ops: Vec<Op>,
    /// The matrices, by [`TensorId`].
    pub tensors: Vec<Tensor>,
    /// Number of samples, m.
    pub m: usize,
    /// Length of the parameter arena.
    pub n_parameters: usize,
}

impl Schedule {
    /// The matrix of that index.
    pub fn tensor(&self, id: TensorId) -> &Tensor {
        &self.tensors[id.0]
    }

    /// The slices of the parameter arena that are weights: penalties leave biases alone.
    pub fn weights(&self) -> Vec<Range<usize>> {
        let of = |op: &Op| match *op {
            Op::MatmulBias { w, .. } => match self.tensor(w).storage {
                Storage::Parameters { offset } => Some(offset..offset + self.tensor(w).len()),
                _ => None,
            },
            _ => None,
        };
        self.ops.iter().filter_map(of).collect()
    }

    /// The same as a number for each parameter: 1 for a weight, 0 for a bias.
    pub fn weight_mask(&self) -> Vec<f64> {
        let mut mask = vec![0.0; self.n_parameters];
        for range in self.weights() {
            mask[range].fill(1.0);
        }
        mask
    }

    /// How the last operation changes the parameters, if it does.
    pub fn descent(&self) -> Option<Descent> {
        match *self.ops.last()? {
            Op::GradientDescent { learning_rate } => Some(Descent::sgd(learning_rate)),
            Op::Optimize { descent } => Some(descent),
            _ => None,
        }
    }

    /// Replaces what becomes of the learning rate over time, where the last operation is [`Op::Optimize`].
    pub fn set_rates(&mut self, rates: RateSchedule) {
        if let Some(Op::Optimize { descent }) = self.ops.last_mut() {
            descent.rates = rates;
        }
    }

    /// Floating-point operations of one run, products only (2 n_l n_prev m each): a measure of work for time budgets.
    pub fn product_flops(&self) -> u64 {
        self.ops
            .iter()
            .map(|op| match *op {
                Op::MatmulBias { w, .. } | Op::InputGradient { w, .. } => self.tensor(w).len(),
                Op::WeightGradient { dw, .. } => self.tensor(dw).len(),
                _ => 0,
            })
            .map(|weights| 2 * weights as u64 * self.m as u64)
            .sum()
    }
}
