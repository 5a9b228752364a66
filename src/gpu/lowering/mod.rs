//! Ways to turn a schedule into dispatches; plain data, no wgpu.

mod clip;
mod fusion;
mod layer;
mod layerwise;
mod whole;
mod wide;

pub(super) use layerwise::{Settings, layerwise, take_batch};
pub(super) use whole::Whole;

use super::arrays::ArrayId;
use super::grid::Grid;
use super::kernels::Kernel;
use crate::schedule::TensorId;

/// One dispatch of one kernel.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Dispatch {
    pub(super) kernel: Kernel,
    /// The bytes of the kernel's params struct.
    pub(super) params: Vec<u8>,
    /// The storage buffers, in the order of the kernel's table entry.
    pub(super) arrays: Vec<ArrayId>,
    /// The values of the kernel's variant constants, in the order of its table entry.
    pub(super) variant: Vec<u32>,
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

impl Lowered {
    /// Whether a dispatch reads or writes that matrix.
    pub(super) fn uses(&self, id: TensorId) -> bool {
        self.dispatches.iter().any(|dispatch| dispatch.arrays.contains(&ArrayId::Tensor(id)))
    }
}
