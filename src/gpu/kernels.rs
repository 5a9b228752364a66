//! The table of kernels: for each entry point its source files, bindings and params struct; and the codes of
//! activations and losses that the shaders switch on.
//!
//! A test reflects the shaders with naga and compares them with this table.
//!
//! The params are a `var<storage, read>`, not a `var<uniform>`: Mesa 22's software driver recompiles a kernel at each
//! dispatch that follows one with another uniform buffer (400 us against 50 us a dispatch).
//! Every kernel begins with a copy of them, since that driver loads a field anew wherever it is named.

use super::grid::PER_INVOCATION;
use super::params::{
    ActivationParams, BlockParams, ClipParams, DropoutParams, FinishStepParams, FinishSumParams,
    GradientDescentParams, LossParams, MatmulParams, OptimizeParams, ParamField, Params, PeakParams,
    ProductParams, RowSumParams, TakeBatchParams, WeightGradientParams,
};
use super::tables::{REGISTER_PARAMETERS, REGISTER_UNITS, TABLE_HEADER, TABLE_ROW};
use crate::network::{Activation, Loss};
use crate::schedule::{Descent, Optimizer};

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
    /// Its name in this table.
    pub name: &'static str,
    /// The entry point's name: its own, unless several kernels are one text with different functions before it.
    pub entry: &'static str,
    /// Source files, joined in this order.
    pub files: &'static [(&'static str, &'static str)],
    /// Its arrays by binding number; binding 0 holds the params.
    pub storage: &'static [(u32, Access)],
    /// The fields of its params struct.
    pub params: &'static [ParamField],
    /// The override constants that pick a variant: an activation, a loss, a tile.
    pub variants: &'static [&'static str],
    /// The override constants that describe a whole network, if it takes one.
    pub shape: &'static [&'static str],
    /// Whether the host proves that it stays within its arrays and that its loops end, so that drivers need not check.
    pub proved: bool,
}

impl KernelInfo {
    /// The whole WGSL text, with the constants that the host shares appended: error messages keep their lines.
    pub fn source(&self) -> String {
        self.source_with(&[])
    }

    /// The same with other texts in the place of some files'.
    pub(super) fn source_with(&self, edits: &[(String, String)]) -> String {
        let edited = |name: &str| edits.iter().find(|(file, _)| file == name).map(|(_, text)| text.as_str());
        let text: Vec<_> = self.files.iter().map(|(name, text)| edited(name).unwrap_or(text)).collect();
        let mut source = text.join("\n");
        for (name, value) in [
            ("PER_INVOCATION", PER_INVOCATION),
            ("TABLE_HEADER", TABLE_HEADER),
            ("TABLE_ROW", TABLE_ROW),
            ("REGISTER_PARAMETERS", REGISTER_PARAMETERS),
            ("REGISTER_UNITS", REGISTER_UNITS),
        ] {
            source.push_str(&format!("\nconst {name} = {value}u;"));
        }
        source
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
    InputDelta,
    WeightGradient,
    RowSum,
    FinishSum,
    Activate,
    ActivationDerivative,
    Cost,
    FinishCost,
    CostAndDelta,
    OutputDelta,
    Predict,
    GradientDescent,
    Optimize,
    ClipNorm,
    FinishNorm,
    ScaleGradients,
    Dropout,
    TakeBatch,
    ProductRegisters,
    ProductWorkgroup,
    FusedStepRegisters,
    FusedStepWorkgroup,
    FinishStep,
    ResidentRegisters,
    ResidentWorkgroup,
    MultiplyAddPeak,
    CopyPeak,
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
const MATMUL: &[File] = &[INDEXING, NUMERICS, file!("matmul.wgsl")];
const WEIGHT_GRADIENT: &[File] = &[INDEXING, WORKGROUP_SUM, file!("weight_gradient.wgsl")];
const REDUCE: &[File] = &[INDEXING, WORKGROUP_SUM, file!("reduce.wgsl")];
const FINISH_SUM: &[File] = &[INDEXING, file!("finish_sum.wgsl")];
const ACTIVATION: &[File] = &[INDEXING, NUMERICS, file!("activation.wgsl")];
const RESIDUAL: File = file!("residual.wgsl");
const LOSS: &[File] = &[INDEXING, NUMERICS, WORKGROUP_SUM, RESIDUAL, file!("loss.wgsl")];
const SAMPLE_BLOCK: File = file!("sample_block.wgsl");
const REGISTER_NETWORK: File = file!("register_network.wgsl");
const WORKGROUP_NETWORK: File = file!("workgroup_network.wgsl");
const STEP: File = file!("step.wgsl");
const STEP_TABLE: File = file!("step_table.wgsl");
const FUSED_STEP: File = file!("fused_step.wgsl");
const RESIDENT: File = file!("resident.wgsl");
const FUSED_STEP_REGISTERS: &[File] =
    &[NUMERICS, HASH, ORDER, RESIDUAL, SAMPLE_BLOCK, REGISTER_NETWORK, FUSED_STEP];
const FUSED_STEP_WORKGROUP: &[File] =
    &[NUMERICS, HASH, ORDER, RESIDUAL, SAMPLE_BLOCK, WORKGROUP_NETWORK, FUSED_STEP];
const FINISH_STEP: &[File] = &[INDEXING, WORKGROUP_SUM, STEP, STEP_TABLE, file!("finish_step.wgsl")];
const RESIDENT_REGISTERS: &[File] =
    &[NUMERICS, HASH, ORDER, RESIDUAL, SAMPLE_BLOCK, REGISTER_NETWORK, STEP, STEP_TABLE, RESIDENT];
const RESIDENT_WORKGROUP: &[File] =
    &[NUMERICS, HASH, ORDER, RESIDUAL, SAMPLE_BLOCK, WORKGROUP_NETWORK, STEP, STEP_TABLE, RESIDENT];
const ORDER: File = file!("order.wgsl");
const HASH: File = file!("hash.wgsl");
const DROPOUT: &[File] = &[INDEXING, HASH, file!("dropout.wgsl")];
const TAKE_BATCH: &[File] = &[INDEXING, HASH, ORDER, file!("take_batch.wgsl")];
const PRODUCT_TILE: File = file!("product.wgsl");
const PRODUCT_REGISTERS: &[File] = &[INDEXING, NUMERICS, PRODUCT_TILE, file!("product_registers.wgsl")];
const PRODUCT_WORKGROUP: &[File] = &[INDEXING, NUMERICS, PRODUCT_TILE, file!("product_workgroup.wgsl")];
const PEAK: &[File] = &[INDEXING, file!("peak.wgsl")];
const OPTIMIZER: &[File] = &[INDEXING, file!("optimizer.wgsl")];
const CLIP: &[File] = &[INDEXING, NUMERICS, WORKGROUP_SUM, file!("clip.wgsl")];
const OPTIMIZE: &[File] = &[INDEXING, STEP, file!("optimize.wgsl")];

const R: Access = Access::Read;
const RW: Access = Access::ReadWrite;

const fn kernel<P: Params>(
    name: &'static str,
    files: &'static [File],
    storage: &'static [(u32, Access)],
) -> KernelInfo {
    KernelInfo {
        name,
        entry: name,
        files,
        storage,
        params: P::FIELDS,
        variants: &[],
        shape: &[],
        proved: false,
    }
}

impl KernelInfo {
    const fn with_variants(mut self, names: &'static [&'static str]) -> Self {
        self.variants = names;
        self
    }

    const fn with_network(mut self, entry: &'static str, shape: &'static [&'static str]) -> Self {
        self.entry = entry;
        self.shape = shape;
        self.with_proved_bounds()
    }

    const fn with_proved_bounds(mut self) -> Self {
        self.proved = true;
        self
    }
}

/// The shape of a network in registers, as override constants.
const REGISTER_SHAPE: &[&str] = &[
    "LOSS",
    "WEIGHTED",
    "SHUFFLE",
    "N_PARAMETERS",
    "SUM_STRIDE",
    "DEPTH",
    "N_0",
    "N_1",
    "N_2",
    "N_3",
    "G_1",
    "G_2",
    "G_3",
];
/// The shape of the largest network in workgroup memory, as override constants.
const WORKGROUP_SHAPE: &[&str] =
    &["LOSS", "WEIGHTED", "SHUFFLE", "N_PARAMETERS", "SUM_STRIDE", "N_UNITS", "ACTIVATIONS"];
const FUSED_STEP_ARRAYS: &[(u32, Access)] = &[(1, R), (2, R), (3, R), (4, R), (5, RW), (6, RW)];
const PRODUCT_ARRAYS: &[(u32, Access)] = &[(1, R), (2, R), (3, RW), (4, R), (5, RW)];
const PRODUCT: &[&str] = &["TILE", "ACTIVATION"];
const RESIDENT_VARIANTS: &[&str] = &["OPTIMIZER", "N_STATES"];
const RESIDENT_ARRAYS: &[(u32, Access)] = &[(1, R), (2, R), (3, R), (4, RW), (5, RW), (6, RW), (7, RW)];

/// All kernels, in the order of `Kernel`.
pub const KERNELS: &[KernelInfo] = &[
    kernel::<MatmulParams>("matmul_bias", MATMUL, &[(1, R), (2, R), (3, RW)])
        .with_variants(PRODUCT)
        .with_proved_bounds(),
    kernel::<MatmulParams>("input_gradient", MATMUL, &[(1, R), (2, R), (3, RW)])
        .with_variants(PRODUCT)
        .with_proved_bounds(),
    kernel::<MatmulParams>("input_delta", MATMUL, &[(1, R), (2, R), (3, RW), (4, R)])
        .with_variants(PRODUCT)
        .with_proved_bounds(),
    kernel::<WeightGradientParams>("weight_gradient", WEIGHT_GRADIENT, &[(1, R), (2, R), (3, RW), (4, RW)])
        .with_variants(&["TILE", "BIAS"])
        .with_proved_bounds(),
    kernel::<RowSumParams>("row_sum", REDUCE, &[(1, R), (2, RW), (3, RW)]),
    kernel::<FinishSumParams>("finish_sum", FINISH_SUM, &[(1, R), (2, RW), (3, RW)]),
    kernel::<ActivationParams>("activate", ACTIVATION, &[(1, R), (2, RW)]).with_variants(&["ACTIVATION"]),
    kernel::<ActivationParams>("activation_derivative", ACTIVATION, &[(1, R), (2, R), (3, RW)])
        .with_variants(&["ACTIVATION"]),
    kernel::<LossParams>("cost", LOSS, &[(1, R), (2, R), (3, RW), (4, RW)])
        .with_variants(&["LOSS", "WEIGHTED"]),
    kernel::<LossParams>("finish_cost", LOSS, &[(3, RW), (4, RW)]).with_variants(&["LOSS", "WEIGHTED"]),
    kernel::<LossParams>("cost_and_delta", LOSS, &[(1, R), (2, R), (3, RW), (4, RW), (5, RW)])
        .with_variants(&["LOSS", "WEIGHTED"]),
    kernel::<LossParams>("output_delta", LOSS, &[(1, R), (2, R), (5, RW)])
        .with_variants(&["LOSS", "WEIGHTED"]),
    kernel::<LossParams>("predict", LOSS, &[(1, R), (2, RW)]).with_variants(&["LOSS", "WEIGHTED"]),
    kernel::<GradientDescentParams>("gradient_descent", OPTIMIZER, &[(1, R), (2, RW)]),
    kernel::<OptimizeParams>("optimize", OPTIMIZE, &[(1, R), (2, RW), (3, RW), (4, R), (5, R)])
        .with_variants(&["OPTIMIZER"]),
    kernel::<ClipParams>("clip_norm", CLIP, &[(1, RW), (2, R), (3, R), (4, RW)]),
    kernel::<ClipParams>("finish_norm", CLIP, &[(4, RW)]),
    kernel::<ClipParams>("scale_gradients", CLIP, &[(1, RW), (4, RW)]),
    kernel::<DropoutParams>("dropout", DROPOUT, &[(1, R), (2, RW), (3, R)]),
    kernel::<TakeBatchParams>("take_batch", TAKE_BATCH, &[(1, R), (2, R), (3, R), (4, RW), (5, RW)])
        .with_variants(&["SHUFFLE"]),
    kernel::<ProductParams>("product_registers", PRODUCT_REGISTERS, PRODUCT_ARRAYS)
        .with_variants(&["FORM", "ACTIVATION"])
        .with_proved_bounds(),
    kernel::<ProductParams>("product_workgroup", PRODUCT_WORKGROUP, PRODUCT_ARRAYS)
        .with_variants(&["FORM", "ACTIVATION", "SIDE"])
        .with_proved_bounds(),
    kernel::<BlockParams>("fused_step_registers", FUSED_STEP_REGISTERS, FUSED_STEP_ARRAYS)
        .with_network("fused_step", REGISTER_SHAPE),
    kernel::<BlockParams>("fused_step_workgroup", FUSED_STEP_WORKGROUP, FUSED_STEP_ARRAYS)
        .with_network("fused_step", WORKGROUP_SHAPE),
    kernel::<FinishStepParams>(
        "finish_step",
        FINISH_STEP,
        &[(1, R), (2, RW), (3, RW), (4, RW), (5, RW), (6, R)],
    )
    .with_variants(&["OPTIMIZER"]),
    kernel::<BlockParams>("resident_registers", RESIDENT_REGISTERS, RESIDENT_ARRAYS)
        .with_variants(RESIDENT_VARIANTS)
        .with_network("resident", REGISTER_SHAPE),
    kernel::<BlockParams>("resident_workgroup", RESIDENT_WORKGROUP, RESIDENT_ARRAYS)
        .with_variants(RESIDENT_VARIANTS)
        .with_network("resident", WORKGROUP_SHAPE),
    kernel::<PeakParams>("multiply_add_peak", PEAK, &[(1, R), (2, RW)]),
    kernel::<PeakParams>("copy_peak", PEAK, &[(1, R), (2, RW)]),
];

/// The code of an activation function in numerics.wgsl, the value of `ACTIVATION`; and its slope.
pub(super) fn activation_code(g: Activation) -> (u32, f32) {
    match g {
        Activation::Sigmoid => (0, 0.0),
        Activation::Tanh => (1, 0.0),
        Activation::Relu => (2, 0.0),
        Activation::LeakyRelu { slope } => (3, slope as f32),
        Activation::Identity => (4, 0.0),
        Activation::Elu => (5, 0.0),
        Activation::Softplus => (6, 0.0),
        Activation::Gelu => (7, 0.0),
        Activation::Silu => (8, 0.0),
    }
}

/// The code of a descent in step.wgsl, the value of `OPTIMIZER`.
pub(super) fn optimizer_code(descent: &Descent) -> u32 {
    match descent.optimizer {
        _ if descent.is_plain() => 0,
        Optimizer::Sgd => 1,
        Optimizer::Momentum { .. } => 2,
        Optimizer::Nesterov { .. } => 3,
        Optimizer::RmsProp { .. } => 4,
        Optimizer::Adam { .. } => 5,
        Optimizer::AdamW { .. } => 6,
    }
}

/// What becomes of a product's sums, the value of `FORM` in product.wgsl.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Forward,
    Delta,
    Gradient,
    Plain,
}

/// The code of a loss in loss.wgsl, the value of `LOSS`.
pub(super) fn loss_code(loss: Loss) -> u32 {
    match loss {
        Loss::BinaryCrossEntropy => 0,
        Loss::SoftmaxCrossEntropy => 1,
        Loss::SquaredError => 2,
        Loss::AbsoluteError => 3,
        Loss::Huber { .. } => 4,
    }
}

/// What residual.wgsl needs to know of a loss, the `threshold` of its kernels' params.
pub(super) fn loss_threshold(loss: Loss) -> f32 {
    match loss {
        Loss::Huber { delta } => delta as f32,
        _ => 0.0,
    }
}
