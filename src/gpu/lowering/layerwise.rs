//! One dispatch an operation or a few of them, two where a sum is too long for one: any network, any number of samples.
//! The products and sums of a layer are in `layer`.

use super::fusion::{self, Criterion, Step};
use super::{Dispatch, Lowered};
use crate::error::{Error, Result};
use crate::gpu::arrays::ArrayId;
use crate::gpu::grid::{Geometry, Grid, LOOP_LIMIT, MAX_CLASSES, PER_INVOCATION};
use crate::gpu::kernels::{Kernel, activation_code, loss_code, loss_threshold};
use crate::gpu::params::{ActivationParams, DropoutParams, LossParams, Params, TakeBatchParams};
use crate::gpu::products::Products;
use crate::network::Activation;
use crate::schedule::{Batches, Dropout, Op, Schedule, Storage, TensorId};

/// How to lower.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::gpu) struct Settings {
    /// The shape of the dispatches.
    pub(in crate::gpu) geometry: Geometry,
    /// Whether neighbouring operations share a kernel, which leaves some matrices unwritten.
    pub(in crate::gpu) fused: bool,
    /// Batches of an epoch, which the device counts.
    pub(in crate::gpu) n_batches: usize,
    /// How to multiply the matrices of wide layers.
    pub(in crate::gpu) products: Products,
}

/// Lowers a schedule.
///
/// # Errors
/// [`Error::DeviceLimit`] for more samples, classes or elements than the kernels can index.
pub(in crate::gpu) fn layerwise(schedule: &Schedule, settings: Settings) -> Result<Lowered> {
    let m = samples(schedule.m)?;
    let mut lowering =
        Lowering { schedule, m, settings, out: Lowered { dispatches: Vec::new(), scratch: 1 } };
    let steps = if settings.fused { fusion::fused(schedule) } else { fusion::single(schedule) };
    for step in steps {
        lowering.step(step)?;
    }
    Ok(lowering.out)
}

/// The dispatch that puts the next batch, of the schedule's size, into its input and its target.
///
/// # Errors
/// As [`layerwise`].
pub(in crate::gpu) fn take_batch(
    schedule: &Schedule,
    batches: Batches,
    geometry: Geometry,
) -> Result<Dispatch> {
    let of = |storage| schedule.tensors.iter().position(|tensor| tensor.storage == storage).map(TensorId);
    let (x, y) = of(Storage::Input).zip(of(Storage::Target)).expect("a training step has input and target");
    let (x_rows, y_rows) = (schedule.tensor(x).rows as u32, schedule.tensor(y).rows as u32);
    let width = samples(schedule.m)?;
    let (m, size) = (samples(batches.m)?, samples(batches.size)?);
    let seed = batches.shuffle.unwrap_or(0);
    let params = TakeBatchParams { m, size, width, x_rows, seed };
    Ok(Dispatch {
        kernel: Kernel::TakeBatch,
        variant: vec![u32::from(batches.shuffled())],
        params: bytemuck::bytes_of(&params).to_vec(),
        arrays: vec![
            ArrayId::History,
            ArrayId::AllFeatures,
            ArrayId::AllTargets,
            ArrayId::Tensor(x),
            ArrayId::Tensor(y),
        ],
        grid: geometry.over_samples(width, x_rows + y_rows)?,
    })
}

fn samples(m: usize) -> Result<u32> {
    u32::try_from(m).ok().filter(|&m| m <= 1 << 30).ok_or_else(|| Error::DeviceLimit {
        what: "the data set".into(),
        needed: format!("{m} samples"),
        device: "a kernel".into(),
        limit: format!("{}", 1 << 30),
        hint: "use fewer samples".into(),
    })
}

pub(super) struct Lowering<'a> {
    pub(super) schedule: &'a Schedule,
    pub(super) m: u32,
    pub(super) settings: Settings,
    pub(super) out: Lowered,
}

impl Lowering<'_> {
    fn step(&mut self, step: Step) -> Result<()> {
        match step {
            Step::Single(op) => self.op(&op),
            Step::MatmulActivate { w, x, b, g, a } => self.matmul_bias(w, x, b, g, a),
            Step::CostAndDelta { criterion, z, y, dz } => self.cost_and_delta(criterion, z, y, dz),
            Step::InputDelta { w, dz, g, a, dz_prev } => self.input_gradient(w, dz, dz_prev, Some((g, a))),
            Step::LayerGradient { dz, a_prev, dw, db, learning_rate } => {
                self.weight_gradient(dz, a_prev, dw, Some(db), learning_rate)
            }
        }
    }

    fn op(&mut self, op: &Op) -> Result<()> {
        match *op {
            Op::MatmulBias { w, x, b, z } => self.matmul_bias(w, x, b, Activation::Identity, z),
            Op::InputGradient { w, dz, da } => self.input_gradient(w, dz, da, None),
            Op::WeightGradient { dz, a_prev, dw } => self.weight_gradient(dz, a_prev, dw, None, None),
            Op::RowSum { dz, db } => self.row_sum(dz, db, None),
            Op::Activate { g, z, a } => {
                let arrays = vec![ArrayId::Tensor(z), ArrayId::Tensor(a)];
                self.elementwise(Kernel::Activate, g, a, arrays)
            }
            Op::ActivationDerivative { g, da, a, dz } => {
                let arrays = vec![ArrayId::Tensor(da), ArrayId::Tensor(a), ArrayId::Tensor(dz)];
                self.elementwise(Kernel::ActivationDerivative, g, dz, arrays)
            }
            Op::Cost { loss, smoothing, z, y, .. } => self.cost(Criterion { loss, smoothing }, z, y),
            Op::OutputDelta { loss, smoothing, z, y, dz } => {
                let arrays = vec![ArrayId::Tensor(z), ArrayId::Tensor(y), ArrayId::Tensor(dz)];
                self.per_sample(Kernel::OutputDelta, Criterion { loss, smoothing }, (z, Some(y)), arrays)
            }
            Op::Predict { loss, z, a } => {
                let arrays = vec![ArrayId::Tensor(z), ArrayId::Tensor(a)];
                self.per_sample(Kernel::Predict, Criterion { loss, smoothing: 0.0 }, (z, None), arrays)
            }
            Op::Dropout { dropout, layer, x, masked, after_cost } => {
                self.dropout(dropout, layer, [x, masked], after_cost)
            }
            Op::ClipNorm { most, l1, l2 } => self.clip_norm(most, l1, l2),
            Op::GradientDescent { learning_rate } => self.gradient_descent(learning_rate),
            Op::Optimize { descent } => self.optimize(&descent),
        }
    }

    pub(super) fn push<P: Params>(
        &mut self,
        kernel: Kernel,
        variant: &[u32],
        params: P,
        arrays: Vec<ArrayId>,
        grid: Grid,
    ) {
        let (params, variant) = (bytemuck::bytes_of(&params).to_vec(), variant.to_vec());
        self.out.dispatches.push(Dispatch { kernel, variant, params, arrays, grid });
    }

    pub(super) fn rows(&self, id: TensorId) -> u32 {
        // Networks are validated: no layer has more than MAX_UNITS units.
        self.schedule.tensor(id).rows as u32
    }

    /// Where a matrix starts within its arena.
    pub(super) fn offset(&self, id: TensorId) -> u32 {
        match self.schedule.tensor(id).storage {
            // Networks are validated: no more than 2^30 parameters.
            Storage::Parameters { offset } | Storage::Gradients { offset } => offset as u32,
            _ => 0,
        }
    }

    fn elementwise(
        &mut self,
        kernel: Kernel,
        g: Activation,
        out: TensorId,
        arrays: Vec<ArrayId>,
    ) -> Result<()> {
        let size = self.schedule.tensor(out).len();
        let (variant, slope) = activation_code(g);
        // Arrays are checked against the device's limit, which is no more than MAX_ARRAY_ELEMENTS.
        let params = ActivationParams { size: size as u32, slope };
        let grid = self.settings.geometry.over_elements(size, PER_INVOCATION)?;
        self.push(kernel, &[variant], params, arrays, grid);
        Ok(())
    }

    fn dropout(
        &mut self,
        dropout: Dropout,
        layer: usize,
        [x, masked]: [TensorId; 2],
        after_cost: bool,
    ) -> Result<()> {
        let size = self.schedule.tensor(masked).len();
        let params = DropoutParams {
            size: size as u32,
            m: self.m,
            seed_key: dropout.seed_key(),
            layer: layer as u32,
            threshold: dropout.threshold(),
            scale: (1.0 / (1.0 - dropout.rate)) as f32,
            n_batches: self.settings.n_batches as u32,
            after_cost: after_cost.into(),
        };
        let grid = self.settings.geometry.over_elements(size, PER_INVOCATION)?;
        let arrays = vec![ArrayId::Tensor(x), ArrayId::Tensor(masked), ArrayId::History];
        self.push(Kernel::Dropout, &[], params, arrays, grid);
        Ok(())
    }

    /// The variant of the kernels of a loss: with weights where the targets have a row more than it needs.
    fn loss_variant(&self, criterion: Criterion, z: TensorId, y: Option<TensorId>) -> [u32; 2] {
        let rows = |id| self.schedule.tensor(id).rows;
        let needed = criterion.loss.target_rows(rows(z));
        [loss_code(criterion.loss), u32::from(y.is_some_and(|y| rows(y) > needed))]
    }

    fn loss_params(&self, criterion: Criterion, z: TensorId) -> Result<LossParams> {
        let n_outputs = self.rows(z);
        if n_outputs > MAX_CLASSES {
            return Err(Error::DeviceLimit {
                what: "the output layer".into(),
                needed: format!("{n_outputs} units"),
                device: "a kernel".into(),
                limit: MAX_CLASSES.to_string(),
                hint: "use fewer classes, or --backend cpu-reference".into(),
            });
        }
        let scale = self.mean();
        // No more batches than samples.
        let n_batches = self.settings.n_batches as u32;
        let (threshold, smoothing) = (loss_threshold(criterion.loss), criterion.smoothing as f32);
        Ok(LossParams {
            n_outputs,
            m: self.m,
            n_chunks: 1,
            rounds: 1,
            scale,
            n_batches,
            threshold,
            smoothing,
        })
    }

    fn per_sample(
        &mut self,
        kernel: Kernel,
        criterion: Criterion,
        (z, y): (TensorId, Option<TensorId>),
        arrays: Vec<ArrayId>,
    ) -> Result<()> {
        // A softmax loops three times over the classes of each sample.
        let rounds = (LOOP_LIMIT / (3 * self.rows(z) + 1)).clamp(1, PER_INVOCATION);
        let params = LossParams { rounds, ..self.loss_params(criterion, z)? };
        let grid = self.settings.geometry.over_elements(self.schedule.m, rounds)?;
        self.push(kernel, &self.loss_variant(criterion, z, y), params, arrays, grid);
        Ok(())
    }

    fn cost(&mut self, criterion: Criterion, z: TensorId, y: TensorId) -> Result<()> {
        // A softmax loops twice over the classes of each sample.
        let arrays = vec![ArrayId::Tensor(z), ArrayId::Tensor(y), ArrayId::Scratch, ArrayId::History];
        self.sum_of_costs(Kernel::Cost, criterion, (z, y), 2 * self.rows(z), arrays)
    }

    fn cost_and_delta(&mut self, criterion: Criterion, z: TensorId, y: TensorId, dz: TensorId) -> Result<()> {
        // Two and three times.
        let loops = 5 * self.rows(z);
        if loops >= LOOP_LIMIT {
            self.cost(criterion, z, y)?;
            let arrays = vec![ArrayId::Tensor(z), ArrayId::Tensor(y), ArrayId::Tensor(dz)];
            return self.per_sample(Kernel::OutputDelta, criterion, (z, Some(y)), arrays);
        }
        let arrays = [ArrayId::Tensor(z), ArrayId::Tensor(y), ArrayId::Scratch, ArrayId::History];
        let arrays = arrays.into_iter().chain([ArrayId::Tensor(dz)]).collect();
        self.sum_of_costs(Kernel::CostAndDelta, criterion, (z, y), loops, arrays)
    }

    fn sum_of_costs(
        &mut self,
        kernel: Kernel,
        criterion: Criterion,
        (z, y): (TensorId, TensorId),
        loops: u32,
        arrays: Vec<ArrayId>,
    ) -> Result<()> {
        let chunks = self.settings.geometry.chunks(self.m, loops)?;
        let params =
            LossParams { n_chunks: chunks.count, rounds: chunks.rounds, ..self.loss_params(criterion, z)? };
        self.out.scratch = self.out.scratch.max(chunks.count as usize);
        let grid = self.settings.geometry.check([chunks.count, 1, 1])?;
        let variant = self.loss_variant(criterion, z, Some(y));
        self.push(kernel, &variant, params, arrays, grid);
        if chunks.count > 1 {
            let arrays = vec![ArrayId::Scratch, ArrayId::History];
            self.push(Kernel::FinishCost, &variant, params, arrays, [1, 1, 1]);
        }
        Ok(())
    }
}
