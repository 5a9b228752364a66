//! The operations as WGSL kernels, and an executor for any adapter that wgpu finds.
//!
//! The only place that knows wgpu. `lowering` turns a schedule into dispatches (plain data), `program` makes
//! pipelines and bind groups of them once, `executor` submits many iterations at a time.

mod adapters;
mod arrays;
mod batched;
mod blocks;
mod calibration;
mod device;
mod executor;
mod faults;
mod grid;
mod kernels;
mod lowering;
mod memory;
mod pace;
mod params;
mod peak;
mod poll;
mod population;
mod predictor;
mod products;
mod program;
mod revival;
mod room;
mod run_once;
mod seams;
mod tables;
mod windows;

pub use adapters::{AdapterRequest, AdapterSummary, Api, adapters};
pub use device::Device;
pub use executor::Executor;
#[doc(hidden)]
pub use faults::Asked;
pub use grid::{Geometry, SOFTWARE_WORKGROUP_SIZE, WORKGROUP_SIZE};
pub(crate) use grid::{LOOP_LIMIT, MAX_CLASSES};
pub use kernels::{Access, KERNELS, KernelInfo};
pub use memory::MemoryPlan;
pub use pace::TIME_BUDGET;
pub use params::ParamField;
pub use peak::{peak, run_peak_once};
pub use population::Population;
pub use predictor::{Predictor, predict_samples};
pub use products::{Product, Products};
pub use run_once::{run_fused_once, run_once, run_products_once};
