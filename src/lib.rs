//! gpu-nn trains multilayer perceptrons with WGSL compute shaders, and proves every kernel against a plain CPU reference.
//!
//! The map, from the bottom up; imports run downward only:
//!
//! - [`error`]: the one error type;
//! - [`data`]: data sets, generators, files;
//! - [`network`]: layers, activations, losses, parameters: plain data;
//! - [`schedule`]: a training step as a list of operations;
//! - [`cpu_reference`]: the operations in plain `f64` loops, and the course's own functions;
//! - [`cpu`]: the operations in `f32`, with vectors and threads (feature `cpu`);
//! - [`gpu`]: the operations as WGSL kernels on any adapter wgpu finds (feature `gpu`);
//! - [`training`]: the loop over any executor;
//! - [`verify`]: a device held against the reference, kernel by kernel (feature `gpu`);
//! - [`model`]: save and load;
//! - [`fit`]: all of it in one call, the place to begin;
//! - [`export`]: models in other programs' formats (feature `export`);
//! - [`plot`]: pictures (feature `plot`).
#![deny(missing_docs)]
#![warn(rust_2018_idioms)]

#[cfg(feature = "cpu")]
pub mod cpu;
pub mod cpu_reference;
pub mod data;
pub mod error;
#[cfg(feature = "export")]
pub mod export;
pub mod fit;
#[cfg(feature = "gpu")]
pub mod gpu;
pub mod model;
pub mod network;
mod npy;
#[cfg(feature = "plot")]
pub mod plot;
pub mod schedule;
pub mod training;
#[cfg(feature = "gpu")]
pub mod verify;

pub use error::{Error, Result};
