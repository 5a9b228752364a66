//! The products of wide layers as dispatches, and the proof that products stay within their matrices.

use super::layer::Sum;
use super::layerwise::Lowering;
use crate::error::{Error, Result};
use crate::gpu::arrays::ArrayId;
use crate::gpu::grid::Grid;
use crate::gpu::kernels::{Form, Kernel, activation_code};
use crate::gpu::params::ProductParams;
use crate::gpu::products::{Product, ProductShape};
use crate::network::Activation;
use crate::schedule::{Storage, TensorId};

/// Strides and sizes of a product; what its form does not need stays 0.
const NOTHING: ProductParams = ProductParams {
    rows: 0,
    columns: 0,
    depth: 0,
    chunk: 0,
    left_offset: 0,
    left_row: 0,
    left_depth: 0,
    right_depth: 0,
    right_column: 0,
    out_offset: 0,
    bias_offset: 0,
    slope: 0.0,
    scale: 1.0,
    update: 0,
    learning_rate: 0.0,
};

impl Lowering<'_> {
    /// Refuses a matrix of another shape than an operation needs, or one beyond its arena: what lets kernels do without bounds
    /// checks, since buffers are made for the matrices of the schedule.
    pub(super) fn proved(&self, id: TensorId, rows: u32, cols: u32) -> Result<()> {
        let tensor = self.schedule.tensor(id);
        let within = match tensor.storage {
            Storage::Parameters { offset } | Storage::Gradients { offset } => {
                offset + tensor.len() <= self.schedule.n_parameters
            }
            _ => true,
        };
        if within && (tensor.rows, tensor.cols) == (rows as usize, cols as usize) {
            return Ok(());
        }
        Err(Error::Shape {
            what: tensor.name.clone(),
            expected: format!("{rows} x {cols} within the parameters"),
            found: format!("{} x {}", tensor.rows, tensor.cols),
            hint: "make the schedule with the functions of `schedule`".into(),
        })
    }

    /// The same for matrices that need only have a column a sample.
    pub(super) fn proved_columns(&self, ids: &[TensorId]) -> Result<()> {
        ids.iter().try_for_each(|&id| self.proved(id, self.rows(id), self.m))
    }

    /// The way of a product, if it is one of a wide layer.
    pub(super) fn wide(&self, shape: ProductShape) -> Option<Product> {
        let Self { settings, .. } = self;
        let product = settings.products.way(shape);
        settings.geometry.is_wide(product, shape).then_some(product)
    }

    fn push_product(
        &mut self,
        product: Product,
        form: Form,
        activation: u32,
        params: ProductParams,
        arrays: Vec<ArrayId>,
        grid: Grid,
    ) {
        let side = self.settings.geometry.side();
        let variant = [form as u32, activation, side];
        match product {
            Product::Workgroup => self.push(Kernel::ProductWorkgroup, &variant, params, arrays, grid),
            _ => self.push(Kernel::ProductRegisters, &variant[..2], params, arrays, grid),
        }
    }

    pub(super) fn wide_matmul_bias(
        &mut self,
        product: Product,
        w: TensorId,
        x: TensorId,
        b: TensorId,
        g: Activation,
        a: TensorId,
    ) -> Result<()> {
        let (code, slope) = activation_code(g);
        let (rows, depth) = (self.rows(w), self.rows(x));
        let params = ProductParams {
            rows,
            columns: self.m,
            depth,
            chunk: depth,
            left_offset: self.offset(w),
            left_row: depth,
            left_depth: 1,
            right_depth: self.m,
            right_column: 1,
            bias_offset: self.offset(b),
            slope,
            ..NOTHING
        };
        // Nothing is updated; a buffer has to be there all the same, and must not be read elsewhere.
        let arrays = [ArrayId::Parameters, ArrayId::Tensor(x), ArrayId::Tensor(a)];
        let arrays = arrays.into_iter().chain([ArrayId::Parameters, ArrayId::Scratch]).collect();
        let grid = self.settings.geometry.over_wide_tiles(product, rows, self.m)?;
        self.push_product(product, Form::Forward, code, params, arrays, grid);
        Ok(())
    }

    pub(super) fn wide_input_gradient(
        &mut self,
        product: Product,
        w: TensorId,
        dz: TensorId,
        out: TensorId,
        activated: Option<(Activation, TensorId)>,
    ) -> Result<()> {
        let (form, g, extra) = match activated {
            Some((g, a)) => (Form::Delta, g, a),
            None => (Form::Plain, Activation::Identity, dz),
        };
        let (code, slope) = activation_code(g);
        let (rows, depth) = (self.rows(out), self.rows(w));
        let params = ProductParams {
            rows,
            columns: self.m,
            depth,
            chunk: depth,
            left_offset: self.offset(w),
            left_row: 1,
            left_depth: rows,
            right_depth: self.m,
            right_column: 1,
            slope,
            ..NOTHING
        };
        let arrays = [ArrayId::Parameters, ArrayId::Tensor(dz), ArrayId::Tensor(out)];
        let arrays = arrays.into_iter().chain([ArrayId::Tensor(extra), ArrayId::Scratch]).collect();
        let grid = self.settings.geometry.over_wide_tiles(product, rows, self.m)?;
        self.push_product(product, form, code, params, arrays, grid);
        Ok(())
    }

    pub(super) fn wide_weight_gradient(
        &mut self,
        product: Product,
        dz: TensorId,
        a_prev: TensorId,
        dw: TensorId,
        learning_rate: Option<f64>,
    ) -> Result<()> {
        let (rows, columns, m) = (self.rows(dz), self.rows(a_prev), self.m);
        let geometry = self.settings.geometry;
        let (chunk, n_chunks) = geometry.wide_chunks(product, rows, columns, m);
        let size = self.schedule.tensor(dw).len();
        let sum = Sum { n_chunks, size, offset: self.offset(dw), learning_rate };
        let target = self.sum_target(sum);
        let params = ProductParams {
            rows,
            columns,
            depth: m,
            chunk,
            left_row: m,
            left_depth: 1,
            right_depth: 1,
            right_column: m,
            out_offset: target.offset,
            scale: target.scale,
            update: u32::from(target.update.is_some()),
            learning_rate: target.update.unwrap_or(0.0),
            ..NOTHING
        };
        let arrays = [ArrayId::Tensor(dz), ArrayId::Tensor(a_prev), target.array];
        let arrays = arrays.into_iter().chain([ArrayId::Tensor(dz), ArrayId::Parameters]).collect();
        // No layer has so many units that its tiles would need a second dimension.
        let [x, y, _] = geometry.over_wide_tiles(product, rows, columns)?;
        let grid = geometry.check([x, y, n_chunks])?;
        self.push_product(
            product,
            Form::Gradient,
            activation_code(Activation::Identity).0,
            params,
            arrays,
            grid,
        );
        self.finish_sum(sum)
    }
}
