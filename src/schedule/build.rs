//! The schedules a network needs: a training step, its gradients alone, the cost of the parameters, and predictions.

use super::backward::backward;
use super::descent::{Clip, Descent};
use super::dropout::Dropout;
use super::forward::forward;
use super::op::{Op, Schedule, Storage, Tensor, TensorId};
use crate::error::{Error, Result};
use crate::network::{Arena, Network};

/// A schedule in the making: hands out matrices and collects operations.
pub(super) struct Builder<'a> {
    pub(super) network: &'a Network,
    pub(super) arena: Arena,
    pub(super) m: usize,
    pub(super) dropout: Option<Dropout>,
    weighted: bool,
    pub(super) smoothing: f64,
    pub(super) ops: Vec<Op>,
    tensors: Vec<Tensor>,
}

/// What the forward pass leaves for the others; `a[l]` is the input of layer l, so `a[0]` is X.
pub(super) struct Forward {
    pub(super) a: Vec<TensorId>,
    /// The hidden layers' activations, before any of them are left out.
    pub(super) activated: Vec<TensorId>,
    /// The same before the activation.
    pub(super) z: Vec<TensorId>,
    pub(super) w: Vec<TensorId>,
    pub(super) logits: TensorId,
}

impl<'a> Builder<'a> {
    fn new(network: &'a Network, m: usize) -> Self {
        Self {
            network,
            arena: Arena::new(network),
            m,
            dropout: None,
            weighted: false,
            smoothing: 0.0,
            ops: Vec::new(),
            tensors: Vec::new(),
        }
    }

    pub(super) fn tensor(&mut self, name: String, rows: usize, cols: usize, storage: Storage) -> TensorId {
        self.tensors.push(Tensor { name, rows, cols, storage });
        TensorId(self.tensors.len() - 1)
    }

    /// An intermediate matrix (rows, m).
    pub(super) fn value(&mut self, name: String, rows: usize) -> TensorId {
        self.tensor(name, rows, self.m, Storage::Value)
    }

    fn target(&mut self) -> TensorId {
        let rows = self.network.target_rows() + usize::from(self.weighted);
        self.tensor("Y".into(), rows, self.m, Storage::Target)
    }

    fn cost(&mut self, z: TensorId, y: TensorId) {
        let j = self.tensor("J".into(), 1, 1, Storage::Costs);
        self.ops.push(Op::Cost { loss: self.network.loss(), smoothing: self.smoothing, z, y, j });
    }

    fn finish(self) -> Schedule {
        Schedule { ops: self.ops, tensors: self.tensors, m: self.m, n_parameters: self.arena.len() }
    }
}

/// Forward, cost (of the parameters before the update), backward and update over all m samples.
pub fn training_step(network: &Network, m: usize, descent: &Descent) -> Schedule {
    training_step_with(network, m, descent, Variant::default())
}

/// How a training differs from one in which every unit and every sample counts alike.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Variant {
    /// Which hidden units are left out.
    pub dropout: Option<Dropout>,
    /// Whether the targets have a row more than the loss needs, the weights of the samples.
    pub weighted: bool,
    /// The smoothing of the labels of a softmax, see [`Op::Cost`].
    pub smoothing: f64,
}

/// A training step of a variant.
pub fn training_step_with(network: &Network, m: usize, descent: &Descent, variant: Variant) -> Schedule {
    let mut schedule = gradients_with(network, m, variant);
    if descent.is_plain() {
        schedule.ops.push(Op::GradientDescent { learning_rate: descent.learning_rate });
        return schedule;
    }
    let mut descent = *descent;
    if let Some(Clip::Norm(most)) = descent.clip {
        schedule.ops.push(Op::ClipNorm { most, l1: descent.l1, l2: descent.l2 });
        // They are clipped with the gradients.
        (descent.l1, descent.l2) = (0.0, 0.0);
    }
    schedule.ops.push(Op::Optimize { descent });
    schedule
}

/// Forward, cost and backward over all m samples: a training step without its update.
pub fn gradients(network: &Network, m: usize) -> Schedule {
    gradients_with(network, m, Variant::default())
}

/// The same of a variant.
pub fn gradients_with(network: &Network, m: usize, variant: Variant) -> Schedule {
    let (mut builder, pass, y) = begin(network, m, variant);
    backward(&mut builder, &pass, y);
    builder.finish()
}

/// Forward and cost: what the current parameters are worth. A training step begins with the same operations on
/// the same matrices.
pub fn evaluation(network: &Network, m: usize) -> Schedule {
    evaluation_with(network, m, Variant::default())
}

/// The same of a variant, without its dropout.
pub fn evaluation_with(network: &Network, m: usize, variant: Variant) -> Schedule {
    begin(network, m, Variant { dropout: None, ..variant }).0.finish()
}

/// Forward and cost, to be continued; with the target Y.
fn begin(network: &Network, m: usize, variant: Variant) -> (Builder<'_>, Forward, TensorId) {
    let Variant { dropout, weighted, smoothing } = variant;
    let mut builder = Builder { dropout, weighted, smoothing, ..Builder::new(network, m) };
    let pass = forward(&mut builder);
    let y = builder.target();
    builder.cost(pass.logits, y);
    (builder, pass, y)
}

/// Forward and output activation; the last operation is [`Op::Predict`].
pub fn prediction(network: &Network, m: usize) -> Schedule {
    let mut builder = Builder::new(network, m);
    let pass = forward(&mut builder);
    let a = builder.value(format!("A{}", network.n_layers()), network.n_outputs());
    builder.ops.push(Op::Predict { loss: network.loss(), z: pass.logits, a });
    builder.finish()
}

/// Checks that `x_len` values are (n_0, m) and `y_len` values are (target_rows, m), m at least 1.
///
/// # Errors
/// [`Error::Shape`] naming the matrix that does not fit.
pub fn check_data(network: &Network, x_len: usize, y_len: usize, m: usize) -> Result<()> {
    check_features(network, x_len, m)?;
    check_shape("targets", network.target_rows(), y_len, m)
}

/// Checks that `x_len` values are (n_0, m), m at least 1.
///
/// # Errors
/// [`Error::Shape`] when they are not.
pub fn check_features(network: &Network, x_len: usize, m: usize) -> Result<()> {
    if m == 0 {
        return Err(Error::invalid("number of samples", m, "at least 1 is needed"));
    }
    check_shape("features", network.n_features(), x_len, m)
}

fn check_shape(what: &str, rows: usize, found: usize, m: usize) -> Result<()> {
    if rows.checked_mul(m) == Some(found) {
        return Ok(());
    }
    Err(Error::Shape {
        what: what.into(),
        expected: format!("{rows} x {m} values"),
        found: format!("{found} values"),
        hint: "give one row a feature or output and one column a sample".into(),
    })
}
