//! The table of kernels: for each entry point its source files, bindings and params struct; and the codes of
//! activations and losses that the shaders switch on.
//!
//! A test reflects the shaders with naga and compares them with this table.
//!
//! The params are a `var<storage, read>`, not a `var<uniform>`: Mesa 22's software driver recompiles a kernel at each
//! dispatch that follows one with another uniform buffer (400 us against 50 us a dispatch).

use super::grid::PER_INVOCATION;
use super::params::{
    ActivationParams, FinishSumParams, GradientDescentParams, LossParams, MatmulParams, ParamField, Params,
    RowSumParams, WeightGradientParams,
};
use crate::network::{Activation, Loss};

/// How a kernel uses a storage buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// `var<storage, read>`
    Read,
    /// `var<storage, read_write>`
    ReadWrite,
}

/// One entry point.
#[derive(Clone, Copy, Debug)]
pub struct KernelInfo {
    /// The entry point's name.
    pub name: &'static str,
    /// Source files, joined in this order.
    pub files: &'static [(&'static str, &'static str)],
    /// Its arrays by binding number; binding 0 holds the params.
    pub storage: &'static [(u32, Access)],
    /// The fields of its params struct.
    pub params: &'static [ParamField],
    /// The override constant that picks a variant (an activation, a loss, a tile), if it has any.
    pub variant: Option<&'static str>,
}

impl KernelInfo {
    /// The whole WGSL text, with the constants that the host shares appended: error messages keep their lines.
    pub fn source(&self) -> String {
        let text: Vec<_> = self.files.iter().map(|(_, text)| *text).collect();
        format!("{}\nconst PER_INVOCATION = {PER_INVOCATION}u;\n", text.join("\n"))
    }

    /// Bytes of the params struct: scalars without gaps.
    pub fn params_size(&self) -> usize {
        self.params.len() * size_of::<u32>()
    }
}

/// Index into [`KERNELS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kernel {
    MatmulBias,
    InputGradient,
    WeightGradient,
    RowSum,
    FinishSum,
    Activate,
    ActivationDerivative,
    Cost,
    FinishCost,
    OutputDelta,
    Predict,
    GradientDescent,
}

impl Kernel {
    pub(super) fn info(self) -> &'static KernelInfo {
        &KERNELS[self as usize]
    }
}

macro_rules! file {
    ($name:literal) => {
        ($name, include_str!(concat!("../../shaders/", $name)))
    };
}

type File = (&'static str, &'static str);
const INDEXING: File = file!("indexing.wgsl");
const NUMERICS: File = file!("numerics.wgsl");
const WORKGROUP_SUM: File = file!("workgroup_sum.wgsl");
const MATMUL: &[File] = &[INDEXING, file!("matmul.wgsl")];
const WEIGHT_GRADIENT: &[File] = &[INDEXING, WORKGROUP_SUM, file!("weight_gradient.wgsl")];
const REDUCE: &[File] = &[INDEXING, WORKGROUP_SUM, file!("reduce.wgsl")];
const FINISH_SUM: &[File] = &[INDEXING, file!("finish_sum.wgsl")];
const ACTIVATION: &[File] = &[INDEXING, NUMERICS, file!("activation.wgsl")];
const LOSS: &[File] = &[INDEXING, NUMERICS, WORKGROUP_SUM, file!("loss.wgsl")];
const OPTIMIZER: &[File] = &[INDEXING, file!("optimizer.wgsl")];

const R: Access = Access::Read;
const RW: Access = Access::ReadWrite;

const fn kernel<P: Params>(
    name: &'static str,
    files: &'static [File],
    storage: &'static [(u32, Access)],
) -> KernelInfo {
    KernelInfo { name, files, storage, params: P::FIELDS, variant: None }
}

impl KernelInfo {
    const fn with_variant(mut self, name: &'static str) -> Self {
        self.variant = Some(name);
        self
    }
}

/// All kernels, in the order of `Kernel`.
pub const KERNELS: &[KernelInfo] = &[
    kernel::<MatmulParams>("matmul_bias", MATMUL, &[(1, R), (2, R), (3, RW)]).with_variant("TILE"),
    kernel::<MatmulParams>("input_gradient", MATMUL, &[(1, R), (2, R), (3, RW)]).with_variant("TILE"),
    kernel::<WeightGradientParams>("weight_gradient", WEIGHT_GRADIENT, &[(1, R), (2, R), (3, RW)])
        .with_variant("TILE"),
    kernel::<RowSumParams>("row_sum", REDUCE, &[(1, R), (2, RW)]),
    kernel::<FinishSumParams>("finish_sum", FINISH_SUM, &[(1, R), (2, RW)]),
    kernel::<ActivationParams>("activate", ACTIVATION, &[(1, R), (2, RW)]).with_variant("ACTIVATION"),
    kernel::<ActivationParams>("activation_derivative", ACTIVATION, &[(1, R), (2, R), (3, RW)])
        .with_variant("ACTIVATION"),
    kernel::<LossParams>("cost", LOSS, &[(1, R), (2, R), (3, RW), (4, RW)]).with_variant("LOSS"),
    kernel::<LossParams>("finish_cost", LOSS, &[(3, RW), (4, RW)]).with_variant("LOSS"),
    kernel::<LossParams>("output_delta", LOSS, &[(1, R), (2, R), (3, RW)]).with_variant("LOSS"),
    kernel::<LossParams>("predict", LOSS, &[(1, R), (2, RW)]).with_variant("LOSS"),
    kernel::<GradientDescentParams>("gradient_descent", OPTIMIZER, &[(1, R), (2, RW)]),
];

/// The code of an activation function in numerics.wgsl, the value of `ACTIVATION`; and its slope.
pub(super) fn activation_code(g: Activation) -> (u32, f32) {
    match g {
        Activation::Sigmoid => (0, 0.0),
        Activation::Tanh => (1, 0.0),
        Activation::Relu => (2, 0.0),
        Activation::LeakyRelu { slope } => (3, slope as f32),
        Activation::Identity => (4, 0.0),
    }
}

/// The code of a loss in loss.wgsl, the value of `LOSS`.
pub(super) fn loss_code(loss: Loss) -> u32 {
    match loss {
        Loss::BinaryCrossEntropy => 0,
        Loss::SoftmaxCrossEntropy => 1,
        Loss::SquaredError => 2,
    }
}
