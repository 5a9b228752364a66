//! Ways to turn a schedule into dispatches; plain data, no wgpu.

mod layerwise;
mod whole;

pub(super) use layerwise::layerwise;
pub(super) use whole::Whole;

use std::fmt;
use std::str::FromStr;

use super::arrays::ArrayId;
use super::grid::Grid;
use super::kernels::Kernel;
use crate::error::{Error, Result};

/// How training steps become dispatches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lowering {
    /// A dispatch for each operation: any network, any number of samples.
    Layerwise,
    /// Two dispatches an iteration, for networks that fit into the memory of a workgroup.
    Fused,
    /// Many iterations a dispatch, one workgroup a network: small networks on few samples, and populations of them.
    Resident,
}

impl Lowering {
    /// All of them, the most general first.
    pub const ALL: [Self; 3] = [Self::Layerwise, Self::Fused, Self::Resident];

    /// The name, as typed and reported.
    pub fn name(self) -> &'static str {
        match self {
            Self::Layerwise => "layerwise",
            Self::Fused => "fused",
            Self::Resident => "resident",
        }
    }
}

impl fmt::Display for Lowering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Lowering {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|lowering| lowering.name() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            Error::invalid("lowering", text, format!("use one of {names}"))
        })
    }
}

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
