//! The names of the ways in which a device runs training steps; the ways themselves are in `gpu`.

use std::fmt;
use std::str::FromStr;

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
