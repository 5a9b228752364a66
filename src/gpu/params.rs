//! The params structs of the kernels, field by field as in WGSL; a test compares the two.

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
params!(LossParams { n_outputs: u32, m: u32, n_chunks: u32, rounds: u32, scale: f32, n_batches: u32 });
params!(TakeBatchParams { m: u32, size: u32, width: u32, x_rows: u32 });
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
});
params!(FinishStepParams {
    n_parameters: u32,
    n_chunks: u32,
    learning_rate: f32,
    evaluate: u32,
    history: u32
});
params!(PeakParams { size: u32, rounds: u32 });
params!(GradientDescentParams { size: u32, learning_rate: f32 });
