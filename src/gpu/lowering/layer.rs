//! The products and sums of a layer, forward and backward, as dispatches; and the update.

use super::layerwise::Lowering;
use crate::error::Result;
use crate::gpu::arrays::ArrayId;
use crate::gpu::grid::tile;
use crate::gpu::kernels::{Kernel, activation_code, optimizer_code};
use crate::gpu::params::{
    FinishSumParams, GradientDescentParams, MatmulParams, OptimizeParams, RowSumParams, WeightGradientParams,
    with_step_constants,
};
use crate::gpu::products::{ProductShape, Side};
use crate::network::Activation;
use crate::schedule::{Descent, TensorId};

impl Lowering<'_> {
    /// a = g(w x + b)
    pub(super) fn matmul_bias(
        &mut self,
        w: TensorId,
        x: TensorId,
        b: TensorId,
        g: Activation,
        a: TensorId,
    ) -> Result<()> {
        let (n_l, n_prev) = (self.rows(w), self.rows(x));
        self.proved(w, n_l, n_prev)?;
        self.proved_columns(&[x, a])?;
        self.proved(b, n_l, 1)?;
        self.proved(a, n_l, self.m)?;
        let shape = ProductShape { side: Side::Forward, rows: n_l, columns: self.m, depth: n_prev };
        if let Some(product) = self.wide(shape) {
            return self.wide_matmul_bias(product, w, x, b, g, a);
        }
        let (code, slope) = activation_code(g);
        let params = MatmulParams {
            n_l,
            n_prev,
            m: self.m,
            w_offset: self.offset(w),
            b_offset: self.offset(b),
            slope,
        };
        let arrays = vec![ArrayId::Parameters, ArrayId::Tensor(x), ArrayId::Tensor(a)];
        let grid = self.settings.geometry.over_samples_and_tiles(self.m, params.n_l)?;
        self.push(Kernel::MatmulBias, &[tile(params.n_l), code], params, arrays, grid);
        Ok(())
    }

    /// w^T dz, times g' of `activated` if there is one.
    pub(super) fn input_gradient(
        &mut self,
        w: TensorId,
        dz: TensorId,
        out: TensorId,
        activated: Option<(Activation, TensorId)>,
    ) -> Result<()> {
        let (n_l, n_prev) = (self.rows(w), self.rows(out));
        self.proved(w, n_l, n_prev)?;
        self.proved(dz, n_l, self.m)?;
        self.proved_columns(&[out])?;
        if let Some((_, a)) = activated {
            self.proved(a, n_prev, self.m)?;
        }
        let shape = ProductShape { side: Side::Input, rows: n_prev, columns: self.m, depth: n_l };
        if let Some(product) = self.wide(shape) {
            return self.wide_input_gradient(product, w, dz, out, activated);
        }
        let (code, slope) = activation_code(activated.map_or(Activation::Identity, |(g, _)| g));
        let params = MatmulParams { n_l, n_prev, m: self.m, w_offset: self.offset(w), b_offset: 0, slope };
        let mut arrays = vec![ArrayId::Parameters, ArrayId::Tensor(dz), ArrayId::Tensor(out)];
        arrays.extend(activated.map(|(_, a)| ArrayId::Tensor(a)));
        let kernel = if activated.is_some() { Kernel::InputDelta } else { Kernel::InputGradient };
        let grid = self.settings.geometry.over_samples_and_tiles(self.m, params.n_prev)?;
        self.push(kernel, &[tile(params.n_prev), code], params, arrays, grid);
        Ok(())
    }

    /// dw; with db, which lies behind it in the arena, if there is one; with the update if there is a learning rate.
    pub(super) fn weight_gradient(
        &mut self,
        dz: TensorId,
        a_prev: TensorId,
        dw: TensorId,
        db: Option<TensorId>,
        learning_rate: Option<f64>,
    ) -> Result<()> {
        let (n_l, n_prev) = (self.rows(dz), self.rows(a_prev));
        self.proved(dw, n_l, n_prev)?;
        self.proved_columns(&[dz, a_prev])?;
        if let Some(db) = db {
            self.proved(db, n_l, 1)?;
        }
        let shape = ProductShape { side: Side::Weights, rows: n_l, columns: n_prev, depth: self.m };
        if let Some(product) = self.wide(shape) {
            self.wide_weight_gradient(product, dz, a_prev, dw, learning_rate)?;
            return db.map_or(Ok(()), |db| self.row_sum(dz, db, learning_rate));
        }
        let chunks = self.settings.geometry.chunks(self.m, 0)?;
        let size = self.schedule.tensor(dw).len() + db.map_or(0, |db| self.schedule.tensor(db).len());
        let sum = Sum { n_chunks: chunks.count, size, offset: self.offset(dw), learning_rate };
        let target = self.sum_target(sum);
        let params = WeightGradientParams {
            n_l,
            n_prev,
            m: self.m,
            rounds: chunks.rounds,
            dw_offset: target.offset,
            scale: target.scale,
            update: u32::from(target.update.is_some()),
            learning_rate: target.update.unwrap_or(0.0),
        };
        let arrays = vec![ArrayId::Tensor(dz), ArrayId::Tensor(a_prev), target.array, ArrayId::Parameters];
        let columns = tile(params.n_prev);
        let grid = [params.n_prev.div_ceil(columns), params.n_l, chunks.count];
        let grid = self.settings.geometry.check(grid)?;
        self.push(Kernel::WeightGradient, &[columns, u32::from(db.is_some())], params, arrays, grid);
        self.finish_sum(sum)
    }

    /// db, with the update if there is a learning rate.
    pub(super) fn row_sum(&mut self, dz: TensorId, db: TensorId, learning_rate: Option<f64>) -> Result<()> {
        let chunks = self.settings.geometry.chunks(self.m, 0)?;
        let size = self.schedule.tensor(db).len();
        let sum = Sum { n_chunks: chunks.count, size, offset: self.offset(db), learning_rate };
        let target = self.sum_target(sum);
        let params = RowSumParams {
            n_l: self.rows(dz),
            m: self.m,
            rounds: chunks.rounds,
            db_offset: target.offset,
            scale: target.scale,
            update: u32::from(target.update.is_some()),
            learning_rate: target.update.unwrap_or(0.0),
        };
        let arrays = vec![ArrayId::Tensor(dz), target.array, ArrayId::Parameters];
        let grid = self.settings.geometry.check([params.n_l, chunks.count, 1])?;
        self.push(Kernel::RowSum, &[], params, arrays, grid);
        self.finish_sum(sum)
    }

    pub(super) fn mean(&self) -> f32 {
        1.0 / self.m as f32
    }

    /// A sum of one chunk is the gradient at once; more leave partial sums behind.
    pub(super) fn sum_target(&mut self, sum: Sum) -> SumTarget {
        if sum.n_chunks == 1 {
            let update = sum.learning_rate.map(|rate| rate as f32);
            return SumTarget { array: ArrayId::Gradients, offset: sum.offset, scale: self.mean(), update };
        }
        self.out.scratch = self.out.scratch.max(sum.size * sum.n_chunks as usize);
        SumTarget { array: ArrayId::Scratch, offset: 0, scale: 1.0, update: None }
    }

    pub(super) fn finish_sum(&mut self, sum: Sum) -> Result<()> {
        if sum.n_chunks > 1 {
            let params = FinishSumParams {
                // Networks are validated: no more than 2^30 parameters.
                size: sum.size as u32,
                n_chunks: sum.n_chunks,
                out_offset: sum.offset,
                scale: self.mean(),
                update: u32::from(sum.learning_rate.is_some()),
                learning_rate: sum.learning_rate.unwrap_or(0.0) as f32,
            };
            let grid = self.settings.geometry.over_elements(sum.size, 1)?;
            let arrays = vec![ArrayId::Scratch, ArrayId::Gradients, ArrayId::Parameters];
            self.push(Kernel::FinishSum, &[], params, arrays, grid);
        }
        Ok(())
    }

    pub(super) fn gradient_descent(&mut self, learning_rate: f64) -> Result<()> {
        let size = self.schedule.n_parameters;
        let params = GradientDescentParams { size: size as u32, learning_rate: learning_rate as f32 };
        let grid = self.settings.geometry.over_elements(size, 1)?;
        self.push(Kernel::GradientDescent, &[], params, vec![ArrayId::Gradients, ArrayId::Parameters], grid);
        Ok(())
    }
}

impl Lowering<'_> {
    pub(super) fn optimize(&mut self, descent: &Descent) -> Result<()> {
        let size = self.schedule.n_parameters;
        let learning_rate = descent.learning_rate as f32;
        let params =
            with_step_constants!(OptimizeParams { size: size as u32, learning_rate: learning_rate }, descent);
        let grid = self.settings.geometry.over_elements(size, 1)?;
        let arrays = vec![
            ArrayId::Gradients,
            ArrayId::Parameters,
            ArrayId::State,
            ArrayId::StepSizes,
            ArrayId::History,
        ];
        self.push(Kernel::Optimize, &[optimizer_code(descent)], params, arrays, grid);
        Ok(())
    }
}

/// A sum over the samples in chunks, to become gradients from `offset` on.
#[derive(Clone, Copy)]
pub(super) struct Sum {
    pub(super) n_chunks: u32,
    pub(super) size: usize,
    pub(super) offset: u32,
    /// Of the update of the same parameters, if the sum is to make it.
    pub(super) learning_rate: Option<f64>,
}

/// Where a sum's workgroups write, what they multiply with, and the rate of the update if they make it.
pub(super) struct SumTarget {
    pub(super) array: ArrayId,
    pub(super) offset: u32,
    pub(super) scale: f32,
    pub(super) update: Option<f32>,
}
