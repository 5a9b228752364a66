//! A schedule as steps on blocks of columns: operations that belong together run as one, and matrices share rows of a
//! block's scratch memory.
//!
//! Z and A of a hidden layer are the same rows, since the bias and the activation are applied while Z is in registers;
//! dZ takes the rows of A, whose last reader is the derivative that makes it. So a block needs one row for each unit, and
//! another where the activation's derivative needs Z.

use std::ops::Range;

use crate::network::{Activation, Loss};
use crate::schedule::{Dropout, Op, Schedule, Storage, TensorId};

/// A layer's parameters within the arena, and where its input and output are.
#[derive(Clone, Debug)]
pub(super) struct Layer {
    pub(super) w: Range<usize>,
    pub(super) b: Range<usize>,
    pub(super) n_l: usize,
    pub(super) n_prev: usize,
    /// The first row of the scratch that holds the input; `None` for X.
    pub(super) input: Option<usize>,
    /// The first row of the output.
    pub(super) output: usize,
    /// Whether Z is kept, in the rows behind the output's.
    pub(super) keeps_z: bool,
}

/// What to do with a block.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// A = g(W A_prev + b) of a layer; [`Activation::Identity`] leaves the logits.
    Forward { layer: usize, g: Activation, masked: Option<Masked> },
    /// The block's cost; the logits become dZ.
    CostAndDelta { loss: Loss, smoothing: f32 },
    /// The logits become the network's output.
    Predict { loss: Loss },
    /// dW and db of a layer, then dZ of the one below, whose activation it is, if there is one.
    Backward { layer: usize, below: Option<Activation>, masked: Option<Masked> },
}

/// Which units of a hidden layer are left out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Masked {
    pub(super) dropout: Dropout,
    /// The hidden layer, counted from 0.
    pub(super) layer: usize,
}

/// A schedule for blocks of any width.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) layers: Vec<Layer>,
    pub(super) steps: Vec<Step>,
    /// Rows of scratch a block needs.
    pub(super) rows: usize,
}

impl Plan {
    /// The steps of a schedule; its number of samples does not matter.
    pub(super) fn new(schedule: &Schedule) -> Self {
        let plan = Self { layers: Vec::new(), steps: Vec::new(), rows: 0 };
        let mut lowering = Lowering { schedule, plan, places: vec![None; schedule.tensors.len()] };
        let mut ops = &schedule.ops[..];
        while !ops.is_empty() {
            let taken = lowering.take(ops);
            ops = &ops[taken..];
        }
        lowering.plan
    }

    /// Units of the output layer, and their first row.
    pub(super) fn outputs(&self) -> (usize, usize) {
        let last = self.layers.last().expect("every network has an output layer");
        (last.n_l, last.output)
    }

    /// Arithmetic of one sample, roughly: multiply-adds, and as many again as a function evaluation is worth.
    pub(super) fn work(&self) -> usize {
        const FUNCTION: usize = 16;
        let of = |step: &Step| match step {
            Step::Forward { layer, .. } => self.layers[*layer].w.len() + FUNCTION * self.layers[*layer].n_l,
            Step::Backward { layer, below, .. } => {
                self.layers[*layer].w.len() * if below.is_some() { 2 } else { 1 }
            }
            Step::CostAndDelta { .. } | Step::Predict { .. } => FUNCTION * self.outputs().0,
        };
        self.steps.iter().map(of).sum()
    }
}

struct Lowering<'a> {
    schedule: &'a Schedule,
    plan: Plan,
    /// The first row of each matrix that lives in the scratch.
    places: Vec<Option<usize>>,
}

impl Lowering<'_> {
    /// Turns the first operations into a step and says how many they were.
    fn take(&mut self, ops: &[Op]) -> usize {
        match *ops {
            [
                Op::MatmulBias { w, x, b, z },
                Op::Activate { g, z: of, a },
                Op::Dropout { dropout, layer, masked, .. },
                ..,
            ] if of == z => {
                self.forward([w, x, b], g, a, Some(Masked { dropout, layer }));
                self.places[z.0] = self.places[a.0];
                self.places[masked.0] = self.places[a.0];
                3
            }
            [Op::MatmulBias { w, x, b, z }, Op::Activate { g, z: of, a }, ..] if of == z => {
                self.forward([w, x, b], g, a, None);
                self.places[z.0] = self.places[a.0];
                2
            }
            [Op::MatmulBias { w, x, b, z }, ..] => {
                self.forward([w, x, b], Activation::Identity, z, None);
                1
            }
            [Op::Cost { loss, smoothing, .. }, Op::OutputDelta { z, dz, .. }, ..] => {
                self.places[dz.0] = self.places[z.0];
                self.plan.steps.push(Step::CostAndDelta { loss, smoothing: smoothing as f32 });
                2
            }
            [Op::Cost { loss, smoothing, .. }, ..] => {
                // Nobody reads the logits after it, so that the delta may take their place here too.
                self.plan.steps.push(Step::CostAndDelta { loss, smoothing: smoothing as f32 });
                1
            }
            [Op::Predict { loss, .. }, ..] => {
                self.plan.steps.push(Step::Predict { loss });
                1
            }
            [Op::WeightGradient { dz, .. }, Op::RowSum { .. }, ref rest @ ..] => {
                2 + self.take_below(dz, rest)
            }
            // The executor's own affair.
            [Op::ClipNorm { .. } | Op::GradientDescent { .. } | Op::Optimize { .. }, ..] => 1,
            _ => unreachable!("no schedule has its operations in another order"),
        }
    }

    /// The operations behind a layer's gradients, which go down to the layer below if there is one; says how many they were.
    fn take_below(&mut self, dz: TensorId, ops: &[Op]) -> usize {
        match *ops {
            [
                Op::InputGradient { .. },
                Op::Dropout { dropout, layer, .. },
                Op::ActivationDerivative { g, a, dz: below, .. },
                ..,
            ] => {
                self.places[below.0] = self.places[a.0];
                self.backward(dz, Some(g), Some(Masked { dropout, layer }));
                3
            }
            [Op::InputGradient { .. }, Op::ActivationDerivative { g, a, dz: below, .. }, ..] => {
                self.places[below.0] = self.places[a.0];
                self.backward(dz, Some(g), None);
                2
            }
            _ => {
                self.backward(dz, None, None);
                0
            }
        }
    }

    fn forward(&mut self, [w, x, b]: [TensorId; 3], g: Activation, out: TensorId, masked: Option<Masked>) {
        let weights = self.schedule.tensor(w);
        let (n_l, n_prev) = (weights.rows, weights.cols);
        let output = self.plan.rows;
        // Only a training goes back.
        let goes_back = |op: &Op| matches!(op, Op::ActivationDerivative { .. });
        let keeps_z = g.needs_z() && self.schedule.ops.iter().any(goes_back);
        let (w, b) = (self.parameters(w), self.parameters(b));
        self.plan.layers.push(Layer { w, b, n_l, n_prev, input: self.places[x.0], output, keeps_z });
        self.plan.rows += if keeps_z { 2 * n_l } else { n_l };
        self.places[out.0] = Some(output);
        self.plan.steps.push(Step::Forward { layer: self.plan.layers.len() - 1, g, masked });
    }

    fn backward(&mut self, dz: TensorId, below: Option<Activation>, masked: Option<Masked>) {
        let place = self.places[dz.0].expect("a derivative lives in the scratch");
        let layer = self.plan.layers.iter().position(|layer| layer.output == place);
        let layer = layer.expect("a derivative takes the rows of a layer's output");
        self.plan.steps.push(Step::Backward { layer, below, masked });
    }

    /// The elements of a parameter matrix within the arena.
    fn parameters(&self, id: TensorId) -> Range<usize> {
        let tensor = self.schedule.tensor(id);
        match tensor.storage {
            Storage::Parameters { offset } => offset..offset + tensor.len(),
            _ => unreachable!("weights and biases are parameters"),
        }
    }
}
