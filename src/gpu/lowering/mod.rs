//! Ways to turn a schedule into dispatches; plain data, no wgpu.

mod layerwise;
mod whole;

pub(super) use layerwise::layerwise;
pub(super) use whole::Whole;

use super::arrays::ArrayId;
use super::grid::Grid;
use super::kernels::Kernel;

/// One dispatch of one kernel.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Dispatch {
    pub(super) kernel: Kernel,
    /// The bytes of the kernel's params struct.
    pub(super) params: Vec<u8>,
    /// The storage buffers, in the order of the kernel's table entry.
    pub(super) arrays: Vec<ArrayId>,
    /// The value of the kernel's variant constant, 0 if it has none.
    pub(super) variant: u32,
    /// Workgroups in x, y and z.
    pub(super) grid: Grid,
}

/// A lowered schedule.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Lowered {
    pub(super) dispatches: Vec<Dispatch>,
    /// Elements of scratch that the dispatches need.
    pub(super) scratch: usize,
}
