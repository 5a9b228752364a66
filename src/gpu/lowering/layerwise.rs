//! One dispatch an operation, two where a sum is too long for one: any network, any number of samples.

use super::{Dispatch, Lowered};
use crate::error::{Error, Result};
use crate::gpu::arrays::ArrayId;
use crate::gpu::grid::{Geometry, Grid, LOOP_LIMIT, MAX_CLASSES, PER_INVOCATION, tile};
use crate::gpu::kernels::{Kernel, activation_code, loss_code};
use crate::gpu::params::{
    ActivationParams, FinishSumParams, GradientDescentParams, LossParams, MatmulParams, Params, RowSumParams,
    WeightGradientParams,
};
use crate::network::{Activation, Loss};
use crate::schedule::{Op, Schedule, Storage, TensorId};

/// Lowers a schedule for dispatches of that geometry.
///
/// # Errors
/// [`Error::DeviceLimit`] for more samples, classes or elements than the kernels can index.
pub(in crate::gpu) fn layerwise(schedule: &Schedule, geometry: Geometry) -> Result<Lowered> {
    let m = u32::try_from(schedule.m).ok().filter(|&m| m <= 1 << 30).ok_or_else(|| too_many(schedule.m))?;
    let mut lowering =
        Lowering { schedule, m, geometry, out: Lowered { dispatches: Vec::new(), scratch: 1 } };
    for op in &schedule.ops {
        lowering.op(op)?;
    }
    Ok(lowering.out)
}

fn too_many(m: usize) -> Error {
    Error::DeviceLimit {
        what: "the data set".into(),
        needed: format!("{m} samples"),
        device: "a kernel".into(),
        limit: format!("{}", 1 << 30),
        hint: "use fewer samples".into(),
    }
}

struct Lowering<'a> {
    schedule: &'a Schedule,
    m: u32,
    geometry: Geometry,
    out: Lowered,
}

impl Lowering<'_> {
    fn op(&mut self, op: &Op) -> Result<()> {
        match *op {
            Op::MatmulBias { w, x, b, z } => self.matmul_bias(w, x, b, z),
            Op::InputGradient { w, dz, da } => self.input_gradient(w, dz, da),
            Op::WeightGradient { dz, a_prev, dw } => self.weight_gradient(dz, a_prev, dw),
            Op::RowSum { dz, db } => self.row_sum(dz, db),
            Op::Activate { g, z, a } => {
                let arrays = vec![ArrayId::Tensor(z), ArrayId::Tensor(a)];
                self.elementwise(Kernel::Activate, g, a, arrays)
            }
            Op::ActivationDerivative { g, da, a, dz } => {
                let arrays = vec![ArrayId::Tensor(da), ArrayId::Tensor(a), ArrayId::Tensor(dz)];
                self.elementwise(Kernel::ActivationDerivative, g, dz, arrays)
            }
            Op::Cost { loss, z, y, .. } => self.cost(loss, z, y),
            Op::OutputDelta { loss, z, y, dz } => {
                let arrays = vec![ArrayId::Tensor(z), ArrayId::Tensor(y), ArrayId::Tensor(dz)];
                self.per_sample(Kernel::OutputDelta, loss, z, arrays)
            }
            Op::Predict { loss, z, a } => {
                let arrays = vec![ArrayId::Tensor(z), ArrayId::Tensor(a)];
                self.per_sample(Kernel::Predict, loss, z, arrays)
            }
            Op::GradientDescent { learning_rate } => self.gradient_descent(learning_rate),
        }
    }

    fn push<P: Params>(&mut self, kernel: Kernel, variant: u32, params: P, arrays: Vec<ArrayId>, grid: Grid) {
        let params = bytemuck::bytes_of(&params).to_vec();
        self.out.dispatches.push(Dispatch { kernel, variant, params, arrays, grid });
    }

    fn rows(&self, id: TensorId) -> u32 {
        // Networks are validated: no layer has more than MAX_UNITS units.
        self.schedule.tensor(id).rows as u32
    }

    /// Where a matrix starts within its arena.
    fn offset(&self, id: TensorId) -> u32 {
        match self.schedule.tensor(id).storage {
            // Networks are validated: no more than 2^30 parameters.
            Storage::Parameters { offset } | Storage::Gradients { offset } => offset as u32,
            _ => 0,
        }
    }

    fn matmul_bias(&mut self, w: TensorId, x: TensorId, b: TensorId, z: TensorId) -> Result<()> {
        let params = MatmulParams {
            n_l: self.rows(w),
            n_prev: self.rows(x),
            m: self.m,
            w_offset: self.offset(w),
            b_offset: self.offset(b),
        };
        let arrays = vec![ArrayId::Parameters, ArrayId::Tensor(x), ArrayId::Tensor(z)];
        let grid = self.geometry.over_samples_and_rows(self.m, params.n_l)?;
        self.push(Kernel::MatmulBias, tile(params.n_l), params, arrays, grid);
        Ok(())
    }

    fn input_gradient(&mut self, w: TensorId, dz: TensorId, da: TensorId) -> Result<()> {
        let params = MatmulParams {
            n_l: self.rows(w),
            n_prev: self.rows(da),
            m: self.m,
            w_offset: self.offset(w),
            b_offset: 0,
        };
        let arrays = vec![ArrayId::Parameters, ArrayId::Tensor(dz), ArrayId::Tensor(da)];
        let grid = self.geometry.over_samples_and_rows(self.m, params.n_prev)?;
        self.push(Kernel::InputGradient, tile(params.n_prev), params, arrays, grid);
        Ok(())
    }

    fn weight_gradient(&mut self, dz: TensorId, a_prev: TensorId, dw: TensorId) -> Result<()> {
        let chunks = self.geometry.chunks(self.m, 0)?;
        let (offset, size) = (self.offset(dw), self.schedule.tensor(dw).len());
        let target = self.sum_target(chunks.count, size, offset);
        let params = WeightGradientParams {
            n_l: self.rows(dz),
            n_prev: self.rows(a_prev),
            m: self.m,
            rounds: chunks.rounds,
            dw_offset: target.offset,
            scale: target.scale,
        };
        let arrays = vec![ArrayId::Tensor(dz), ArrayId::Tensor(a_prev), target.array];
        let grid =
            self.geometry.check([params.n_prev.div_ceil(tile(params.n_prev)), params.n_l, chunks.count])?;
        self.push(Kernel::WeightGradient, tile(params.n_prev), params, arrays, grid);
        self.finish_sum(chunks.count, size, offset)
    }

    fn row_sum(&mut self, dz: TensorId, db: TensorId) -> Result<()> {
        let chunks = self.geometry.chunks(self.m, 0)?;
        let (offset, size) = (self.offset(db), self.schedule.tensor(db).len());
        let target = self.sum_target(chunks.count, size, offset);
        let params = RowSumParams {
            n_l: self.rows(dz),
            m: self.m,
            rounds: chunks.rounds,
            db_offset: target.offset,
            scale: target.scale,
        };
        let arrays = vec![ArrayId::Tensor(dz), target.array];
        let grid = self.geometry.check([params.n_l, chunks.count, 1])?;
        self.push(Kernel::RowSum, 0, params, arrays, grid);
        self.finish_sum(chunks.count, size, offset)
    }

    fn mean(&self) -> f32 {
        1.0 / self.m as f32
    }

    /// A sum of one chunk is the gradient at once; more leave partial sums behind.
    fn sum_target(&mut self, n_chunks: u32, size: usize, offset: u32) -> SumTarget {
        if n_chunks == 1 {
            return SumTarget { array: ArrayId::Gradients, offset, scale: self.mean() };
        }
        self.out.scratch = self.out.scratch.max(size * n_chunks as usize);
        SumTarget { array: ArrayId::Scratch, offset: 0, scale: 1.0 }
    }

    fn finish_sum(&mut self, n_chunks: u32, size: usize, out_offset: u32) -> Result<()> {
        if n_chunks > 1 {
            // Networks are validated: no more than 2^30 parameters.
            let params = FinishSumParams { size: size as u32, n_chunks, out_offset, scale: self.mean() };
            let grid = self.geometry.over_elements(size, 1)?;
            self.push(Kernel::FinishSum, 0, params, vec![ArrayId::Scratch, ArrayId::Gradients], grid);
        }
        Ok(())
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
        let grid = self.geometry.over_elements(size, PER_INVOCATION)?;
        self.push(kernel, variant, params, arrays, grid);
        Ok(())
    }

    fn loss_params(&self, z: TensorId) -> Result<LossParams> {
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
        Ok(LossParams { n_outputs, m: self.m, n_chunks: 1, rounds: 1, scale })
    }

    fn per_sample(&mut self, kernel: Kernel, loss: Loss, z: TensorId, arrays: Vec<ArrayId>) -> Result<()> {
        // A softmax loops three times over the classes of each sample.
        let rounds = (LOOP_LIMIT / (3 * self.rows(z) + 1)).clamp(1, PER_INVOCATION);
        let params = LossParams { rounds, ..self.loss_params(z)? };
        let grid = self.geometry.over_elements(self.schedule.m, rounds)?;
        self.push(kernel, loss_code(loss), params, arrays, grid);
        Ok(())
    }

    fn cost(&mut self, loss: Loss, z: TensorId, y: TensorId) -> Result<()> {
        // A softmax loops twice over the classes of each sample.
        let chunks = self.geometry.chunks(self.m, 2 * self.rows(z))?;
        let params = LossParams { n_chunks: chunks.count, rounds: chunks.rounds, ..self.loss_params(z)? };
        self.out.scratch = self.out.scratch.max(chunks.count as usize);
        let arrays = vec![ArrayId::Tensor(z), ArrayId::Tensor(y), ArrayId::Scratch, ArrayId::History];
        let grid = self.geometry.check([chunks.count, 1, 1])?;
        self.push(Kernel::Cost, loss_code(loss), params, arrays, grid);
        if chunks.count > 1 {
            self.push(
                Kernel::FinishCost,
                loss_code(loss),
                params,
                vec![ArrayId::Scratch, ArrayId::History],
                [1, 1, 1],
            );
        }
        Ok(())
    }

    fn gradient_descent(&mut self, learning_rate: f64) -> Result<()> {
        let size = self.schedule.n_parameters;
        let params = GradientDescentParams { size: size as u32, learning_rate: learning_rate as f32 };
        let grid = self.geometry.over_elements(size, 1)?;
        self.push(Kernel::GradientDescent, 0, params, vec![ArrayId::Gradients, ArrayId::Parameters], grid);
        Ok(())
    }
}

/// Where a sum's workgroups write, and what they multiply with.
struct SumTarget {
    array: ArrayId,
    offset: u32,
    scale: f32,
}
