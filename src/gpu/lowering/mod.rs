//! Ways to turn a schedule into dispatches; plain data, no wgpu.

mod layerwise;

pub(super) use layerwise::layerwise;

use super::arrays::ArrayId;
use super::kernels::Kernel;

/// One dispatch of one kernel.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Dispatch {
    pub(super) kernel: Kernel,
    /// The bytes of the kernel's params struct.
    pub(super) params: Vec<u8>,
    /// The storage buffers, in the order of the kernel's table entry.
    pub(super) arrays: Vec<ArrayId>,
    /// Workgroups in x and y.
    pub(super) grid: [u32; 2],
}

/// A lowered schedule.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Lowered {
    pub(super) dispatches: Vec<Dispatch>,
    /// Elements of scratch that the dispatches need.
    pub(super) scratch: usize,
}
