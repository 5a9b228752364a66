//! The params structs of the kernels, field by field as in WGSL; a test compares the two.

use crate::schedule::{Descent, Optimizer};

/// A scalar of a params struct.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParamField {
    /// Its name in Rust and in WGSL.
    pub name: &'static str,
    /// `u32` or `f32`.
    pub scalar: &'static str,
    /// Its offset in bytes.
    pub offset: usize,
}

/// A params struct that knows its own layout.
pub(super) trait Params: bytemuck::Pod {
    /// All fields in order.
    const FIELDS: &'static [ParamField];
}

macro_rules! params {
    ($name:ident { $($field:ident: $scalar:ident),+ $(,)? }) => {
        #[repr(C)]
        #[derive(Clone, Copy, Debug, bytemuck::Pod, bytemuck::Zeroable)]
        pub(super) struct $name {
            $(pub(super) $field: $scalar),+
        }

        impl Params for $name {
            const FIELDS: &'static [ParamField] = &[$(ParamField {
                name: stringify!($field),
                scalar: stringify!($scalar),
                offset: std::mem::offset_of!($name, $field),
            }),+];
        }
    };
}

params!(MatmulParams { n_l: u32, n_prev: u32, m: u32, w_offset: u32, b_offset: u32, slope: f32 });
params!(WeightGradientParams {
    n_l: u32,
    n_prev: u32,
    m: u32,
    rounds: u32,
    dw_offset: u32,
    scale: f32,
    update: u32,
    learning_rate: f32,
});
params!(RowSumParams {
    n_l: u32,
    m: u32,
    rounds: u32,
    db_offset: u32,
    scale: f32,
    update: u32,
    learning_rate: f32,
});
params!(ProductParams {
    rows: u32,
    columns: u32,
    depth: u32,
    chunk: u32,
    left_offset: u32,
    left_row: u32,
    left_depth: u32,
    right_depth: u32,
    right_column: u32,
    out_offset: u32,
    bias_offset: u32,
    slope: f32,
    scale: f32,
    update: u32,
    learning_rate: f32,
});
params!(FinishSumParams {
    size: u32,
    n_chunks: u32,
    out_offset: u32,
    scale: f32,
    update: u32,
    learning_rate: f32,
});
params!(ActivationParams { size: u32, slope: f32 });
params!(LossParams {
    n_outputs: u32,
    m: u32,
    n_chunks: u32,
    rounds: u32,
    scale: f32,
    n_batches: u32,
    threshold: f32,
    smoothing: f32,
});
params!(TakeBatchParams { m: u32, size: u32, width: u32, x_rows: u32, seed: u32 });
params!(BlockParams {
    m: u32,
    stride: u32,
    batch_size: u32,
    batch_blocks: u32,
    n_batches: u32,
    rounds: u32,
    iterations: u32,
    evaluate: u32,
    history: u32,
    table_size: u32,
    seed: u32,
    threshold: f32,
    smoothing: f32,
    step_sizes_at: u32,
    beta_1: f32,
    rest_1: f32,
    beta_2: f32,
    rest_2: f32,
    epsilon: f32,
    l1: f32,
    l2: f32,
    weight_decay: f32,
    clip_value: f32,
});
params!(FinishStepParams {
    n_parameters: u32,
    n_chunks: u32,
    learning_rate: f32,
    evaluate: u32,
    history: u32,
    step_sizes_at: u32,
    beta_1: f32,
    rest_1: f32,
    beta_2: f32,
    rest_2: f32,
    epsilon: f32,
    l1: f32,
    l2: f32,
    weight_decay: f32,
    clip_value: f32,
});
params!(PeakParams { size: u32, rounds: u32 });
params!(ClipParams { size: u32, n_chunks: u32, rounds: u32, most: f32, l1: f32, l2: f32 });
params!(GradientDescentParams { size: u32, learning_rate: f32 });
params!(DropoutParams {
    size: u32,
    m: u32,
    seed_key: u32,
    layer: u32,
    threshold: u32,
    scale: f32,
    n_batches: u32,
    after_cost: u32,
});
params!(OptimizeParams {
    size: u32,
    learning_rate: f32,
    beta_1: f32,
    rest_1: f32,
    beta_2: f32,
    rest_2: f32,
    epsilon: f32,
    l1: f32,
    l2: f32,
    weight_decay: f32,
    clip_value: f32,
});

/// The constants of a descent, which several kernels' params end with.
pub(super) struct StepConstants {
    pub(super) beta_1: f64,
    pub(super) beta_2: f64,
    pub(super) epsilon: f64,
    pub(super) l1: f64,
    pub(super) l2: f64,
    pub(super) weight_decay: f64,
    /// 0 for none.
    pub(super) clip_value: f64,
}

impl StepConstants {
    pub(super) fn new(descent: &Descent) -> Self {
        let (l1, l2) = (descent.l1, descent.l2);
        let clip_value = descent.most_each().unwrap_or(0.0);
        let none = Self { beta_1: 0.0, beta_2: 0.0, epsilon: 0.0, l1, l2, weight_decay: 0.0, clip_value };
        match descent.optimizer {
            Optimizer::Sgd => none,
            Optimizer::Momentum { momentum } | Optimizer::Nesterov { momentum } => {
                Self { beta_1: momentum, ..none }
            }
            Optimizer::RmsProp { decay, epsilon } => Self { beta_1: decay, epsilon, ..none },
            Optimizer::Adam { beta_1, beta_2, epsilon } => Self { beta_1, beta_2, epsilon, ..none },
            Optimizer::AdamW { beta_1, beta_2, epsilon, weight_decay } => {
                Self { beta_1, beta_2, epsilon, weight_decay, ..none }
            }
        }
    }
}

/// Params with the fields that are given, and those of [`StepConstants`]; what is left of 1 is taken before rounding.
macro_rules! with_step_constants {
    ($name:ident { $($field:ident: $value:expr),+ $(,)? }, $descent:expr) => {{
        let constants = $crate::gpu::params::StepConstants::new($descent);
        $name {
            $($field: $value,)+
            beta_1: constants.beta_1 as f32,
            rest_1: (1.0 - constants.beta_1) as f32,
            beta_2: constants.beta_2 as f32,
            rest_2: (1.0 - constants.beta_2) as f32,
            epsilon: constants.epsilon as f32,
            l1: constants.l1 as f32,
            l2: constants.l2 as f32,
            weight_decay: constants.weight_decay as f32,
            clip_value: constants.clip_value as f32,
        }
    }};
}
pub(super) use with_step_constants;
