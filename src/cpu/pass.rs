//! One block through the steps of a plan: which kernel runs each of them, and on which rows of the scratch.

use gemm::Parallelism;
use pulp::Arch;
use rayon::prelude::*;

use super::aligned::Buffer;
use super::gradient::{RowSum, WeightGradient};
use super::loss::{CostAndDelta, Predict};
use super::mask::ApplyMask;
use super::numerics::{Identity, with_function};
use super::plan::{Layer, Masked, Plan, Step};
use super::product::{
    Activated, BiasActivation, Derivative, Epilogue, Finish, Product, ScaledDerivative, Sum, Weights,
};
use super::wide;
use crate::network::Activation;

/// Elements from which on a pass over a matrix is shared between threads, where the pass may be.
const SHARED_PASS: usize = 1 << 15;

/// What becomes of the parameters.
pub(super) enum Parameters<'a> {
    /// They are read.
    Read(&'a [f32]),
    /// They are read, and the sums over the samples are added to their gradients.
    AddGradients { parameters: &'a [f32], gradients: &'a mut [f32] },
    /// Each layer takes its step as soon as nobody reads its parameters any more: `rate` times the sums.
    Update { parameters: &'a mut [f32], rate: f32 },
}

impl Parameters<'_> {
    fn values(&self) -> &[f32] {
        match self {
            Self::Read(parameters) | Self::AddGradients { parameters, .. } => parameters,
            Self::Update { parameters, .. } => parameters,
        }
    }

    /// Where sums over samples go, and their factor.
    fn sums(&mut self) -> Option<(&mut [f32], f32)> {
        match self {
            Self::Read(_) => None,
            Self::AddGradients { gradients, .. } => Some((gradients, 1.0)),
            Self::Update { parameters, rate } => Some((parameters, -*rate)),
        }
    }
}

/// A block of samples; x (n_0, width), y (target_rows, width), of which the first `valid` columns count.
#[derive(Clone, Copy)]
pub(super) struct Block<'a> {
    pub(super) x: &'a [f32],
    pub(super) y: &'a [f32],
    pub(super) width: usize,
    pub(super) valid: usize,
    /// The position of the first sample within its batch.
    pub(super) first: usize,
}

/// The matrices of a block while it passes.
pub(super) struct Scratch {
    /// (rows of the plan, width)
    values: Buffer,
    /// The sums of a wide product before its epilogue; (most units, width).
    sums: Buffer,
}

impl Scratch {
    /// For blocks of at most `width` samples.
    pub(super) fn new(plan: &Plan, width: usize) -> Self {
        let most = plan.layers.iter().skip(1).map(|layer| layer.n_prev).max().unwrap_or(0);
        Self { values: Buffer::new(plan.rows * width), sums: Buffer::new(most * width) }
    }

    /// The rows of the network's output, after a pass of that width.
    pub(super) fn outputs(&self, plan: &Plan, width: usize) -> &[f32] {
        let (n_l, output) = plan.outputs();
        &self.values[output * width..][..n_l * width]
    }
}

/// The activations (n_prev, width) that a layer reads, and where their derivative needs it, the Z that they were made of.
struct Input<'a> {
    a: &'a mut [f32],
    z: Option<&'a [f32]>,
}

/// A plan with everything that stays the same from block to block.
#[derive(Clone, Copy)]
pub(super) struct Pass<'a> {
    pub(super) arch: Arch,
    pub(super) plan: &'a Plan,
    /// Whether the threads share each block; otherwise each has blocks of its own.
    pub(super) shared: bool,
    /// The iteration, counted from 0: other units are left out in each.
    pub(super) t: usize,
}

impl Pass<'_> {
    /// Runs all steps and returns the sum of the samples' costs, zero for a plan without.
    pub(super) fn run(
        &self,
        block: &Block<'_>,
        scratch: &mut Scratch,
        mut parameters: Parameters<'_>,
    ) -> f64 {
        let mut total = 0.0;
        let (n_l, output) = self.plan.outputs();
        let logits = output * block.width..(output + n_l) * block.width;
        for step in &self.plan.steps {
            match *step {
                Step::Forward { layer, g, masked } => {
                    let layer = &self.plan.layers[layer];
                    let (below, out) = scratch.values.split_at_mut(layer.output * block.width);
                    let x = layer.input.map_or(block.x, |row| &below[row * block.width..]);
                    let x = &x[..layer.n_prev * block.width];
                    self.forward(layer, g, x, out, parameters.values());
                    let out = &mut out[..layer.n_l * block.width];
                    self.apply(masked, out, block);
                }
                Step::CostAndDelta { loss, smoothing } => {
                    let Block { y, width, valid, .. } = *block;
                    let z = &mut scratch.values[logits.clone()];
                    total += self.arch.dispatch(CostAndDelta { loss, smoothing, z, y, width, valid });
                }
                Step::Predict { loss } => {
                    let z = &mut scratch.values[logits.clone()];
                    self.arch.dispatch(Predict { loss, z, width: block.width });
                }
                Step::Backward { layer, below, masked } => {
                    let layer = &self.plan.layers[layer];
                    let (inputs, dz) = scratch.values.split_at_mut(layer.output * block.width);
                    let dz = &dz[..layer.n_l * block.width];
                    let Some(below) = below else {
                        self.gradients(layer, dz, block.x, &mut parameters);
                        continue;
                    };
                    let row = layer.input.expect("a layer above another has its output as input");
                    let (a, kept) = inputs[row * block.width..].split_at_mut(layer.n_prev * block.width);
                    let z = below.needs_z().then(|| &kept[..layer.n_prev * block.width]);
                    let (sums, parameters) = (&mut scratch.sums, &mut parameters);
                    // A Z that was kept has seen no dropout.
                    let scale = masked.filter(|_| z.is_none());
                    let input = Input { a: &mut *a, z };
                    with_function!(below, g => match scale {
                        None => self.backward(layer, dz, input, sums, parameters, Derivative { g }),
                        Some(masked) => {
                            let factor = 1.0 - masked.dropout.rate as f32;
                            self.backward(layer, dz, input, sums, parameters, ScaledDerivative { g, factor });
                        }
                    });
                    self.apply(masked, a, block);
                }
            }
        }
        total
    }

    /// A = g(W X + b) of a layer in the first rows of `out`, and Z in those behind them where it is kept; x (n_prev, width).
    fn forward(&self, layer: &Layer, g: Activation, x: &[f32], out: &mut [f32], parameters: &[f32]) {
        let Layer { n_l, n_prev, .. } = *layer;
        let width = x.len() / n_prev;
        let bias = &parameters[layer.b.clone()];
        let w = Weights::forward(&parameters[layer.w.clone()], n_l, n_prev);
        let (a, behind) = out.split_at_mut(n_l * width);
        if layer.keeps_z {
            let z = &mut behind[..n_l * width];
            self.product(w, x, z, BiasActivation { bias, g: Identity });
            with_function!(g, g => self.finish(Some(z), a, width, Activated { g }));
        } else {
            with_function!(g, g => self.product(w, x, a, BiasActivation { bias, g }));
        }
    }

    /// out = epilogue(W X); x (inner, width), out (rows, width).
    fn product<E: Epilogue>(&self, w: Weights<'_>, x: &[f32], out: &mut [f32], epilogue: E) {
        let width = x.len() / w.inner;
        if wide::is_narrow(w.rows, w.inner) {
            self.arch.dispatch(Product { w, x, out, width, epilogue });
        } else {
            wide::product(w, x, out, width, self.parallelism());
            self.finish(None, out, width, epilogue);
        }
    }

    /// The layer's gradients, and dZ of the layer below in the place of its activations.
    fn backward<E: Epilogue>(
        &self,
        layer: &Layer,
        dz: &[f32],
        Input { a, z }: Input<'_>,
        sums: &mut [f32],
        parameters: &mut Parameters<'_>,
        derivative: E,
    ) {
        let width = dz.len() / layer.n_l;
        if wide::is_narrow(layer.n_l, layer.n_prev) && matches!(parameters, Parameters::AddGradients { .. }) {
            self.gradients(layer, dz, a, parameters);
            z.into_iter().for_each(|z| a.copy_from_slice(z));
            let w = Weights::transposed(&parameters.values()[layer.w.clone()], layer.n_l, layer.n_prev);
            self.arch.dispatch(Product { w, x: dz, out: a, width, epilogue: derivative });
        } else {
            // The sums first: they need the weights from before the update, and the gradients need the activations.
            let sums = &mut sums[..layer.n_prev * width];
            let w = Weights::transposed(&parameters.values()[layer.w.clone()], layer.n_l, layer.n_prev);
            self.product(w, dz, sums, Sum);
            self.gradients(layer, dz, a, parameters);
            z.into_iter().for_each(|z| a.copy_from_slice(z));
            self.finish(Some(sums), a, width, derivative);
        }
    }

    /// Adds dW and db of a layer; dz (n_l, width), a (n_prev, width).
    fn gradients(&self, layer: &Layer, dz: &[f32], a: &[f32], parameters: &mut Parameters<'_>) {
        let Layer { n_l, n_prev, .. } = *layer;
        let width = dz.len() / n_l;
        let Some((sums, scale)) = parameters.sums() else { return };
        let dw = &mut sums[layer.w.clone()];
        if wide::is_narrow(n_l, n_prev) {
            self.arch.dispatch(WeightGradient { dz, a, dw, n_l, n_prev, width, scale });
        } else {
            wide::weight_gradient(dz, a, dw, width, scale, self.parallelism());
        }
        self.arch.dispatch(RowSum { dz, db: &mut sums[layer.b.clone()], width, scale });
    }

    /// values times a mask, if there is one, by as many threads as it is worth.
    fn apply(&self, masked: Option<Masked>, values: &mut [f32], block: &Block<'_>) {
        let Some(masked) = masked else { return };
        let Block { width, first, .. } = *block;
        let mask = masked.dropout.mask(masked.layer, self.t);
        if !self.shared || values.len() < SHARED_PASS {
            return self.arch.dispatch(ApplyMask { mask, values, first_row: 0, width, first });
        }
        let rows = (SHARED_PASS / 2).div_ceil(width);
        values.par_chunks_mut(rows * width).enumerate().for_each(|(chunk, values)| {
            self.arch.dispatch(ApplyMask { mask, values, first_row: chunk * rows, width, first });
        });
    }

    /// out = epilogue(sums), by as many threads as it is worth.
    fn finish<E: Epilogue>(&self, sums: Option<&[f32]>, out: &mut [f32], width: usize, epilogue: E) {
        if !self.shared || out.len() < SHARED_PASS {
            self.arch.dispatch(Finish { sums, out, first_row: 0, width, epilogue });
            return;
        }
        let rows = (SHARED_PASS / 2).div_ceil(width);
        out.par_chunks_mut(rows * width).enumerate().for_each(|(chunk, out)| {
            let start = chunk * rows * width;
            let sums = sums.map(|sums| &sums[start..start + out.len()]);
            self.arch.dispatch(Finish { sums, out, first_row: chunk * rows, width, epilogue });
        });
    }

    fn parallelism(&self) -> Parallelism {
        if self.shared { Parallelism::Rayon(0) } else { Parallelism::None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Layer, Loss, Network};
    use crate::schedule;

    /// Cost and gradients of some samples.
    fn cost_and_gradients(arch: Arch, network: &Network) -> (f64, Vec<f32>) {
        let (width, valid) = (48, 41);
        let plan = Plan::new(&schedule::gradients(network, valid));
        let wave = |count: usize, factor: f32| -> Vec<f32> {
            (0..count).map(|i| (i as f32 * factor).sin()).collect()
        };
        let n_parameters = plan.layers.iter().map(|layer| layer.w.len() + layer.b.len()).sum();
        let (parameters, x) = (wave(n_parameters, 0.7), wave(network.n_features() * width, 1.3));
        let y: Vec<f32> = (0..network.target_rows() * width).map(|i| (i % 2) as f32).collect();
        let mut gradients = vec![0.0; n_parameters];
        let sums = Parameters::AddGradients { parameters: &parameters, gradients: &mut gradients };
        let block = Block { x: &x, y: &y, width, valid, first: 0 };
        let pass = Pass { arch, plan: &plan, shared: false, t: 0 };
        let cost = pass.run(&block, &mut Scratch::new(&plan, width), sums);
        (cost, gradients)
    }

    #[test]
    fn a_processor_without_vectors_computes_the_same() {
        let activations = [
            Activation::Sigmoid,
            Activation::Tanh,
            Activation::Relu,
            Activation::LeakyRelu { slope: 0.25 },
            Activation::Identity,
            Activation::Elu,
            Activation::Softplus,
            Activation::Gelu,
            Activation::Silu,
        ];
        let losses = [
            (Loss::BinaryCrossEntropy, 1),
            (Loss::SoftmaxCrossEntropy, 3),
            (Loss::SquaredError, 2),
            (Loss::AbsoluteError, 2),
            (Loss::Huber { delta: 0.5 }, 2),
        ];
        for activation in activations {
            for (loss, n_outputs) in losses {
                let hidden = [7, 6].map(|units| Layer { units, activation });
                let network = Network::new(3, hidden.to_vec(), n_outputs, loss).unwrap();
                let (cost, gradients) = cost_and_gradients(Arch::Scalar, &network);
                let (vector_cost, vector_gradients) = cost_and_gradients(Arch::new(), &network);
                assert!((cost - vector_cost).abs() <= 1e-5 * cost, "{network}: {cost} {vector_cost}");
                let largest =
                    gradients.iter().fold(0.0, |largest: f32, gradient| largest.max(gradient.abs()));
                for (gradient, vector) in gradients.iter().zip(vector_gradients) {
                    let difference = (gradient - vector).abs();
                    assert!(difference <= 1e-5 * largest, "{network}: {gradient} {vector}");
                }
            }
        }
    }
}
