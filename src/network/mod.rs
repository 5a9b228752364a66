//! What a network is: layers, activations and loss as plain, validated data; its parameters and their first values.
//!
//! Nothing here computes; `schedule` turns a [`Network`] into operations.

mod arena;
mod init;
mod parse;
mod spec;

pub use arena::{Arena, Parameters, View};
pub use init::{Initializer, initialize};
pub use parse::{parse_hidden, parse_value_loss};
pub use spec::{Activation, Layer, Loss, MAX_LAYERS, MAX_UNITS, Network};
#[cfg(any(feature = "cpu", feature = "export"))]
pub(crate) use spec::{GELU_CUBE, GELU_LINEAR};
