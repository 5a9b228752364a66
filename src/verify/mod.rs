//! Proves a device right on the user's own machine: every kernel and every lowering against `cpu_reference`, each with the
//! tolerance that rounding explains. What follows from a failure (a warning, another lowering) is the command line's.
//!
//! A [`Probe`] is one comparison, [`Probe::all`] all of them; a run of one is a [`Check`], and [`suspects`] says which kernels
//! the failed ones point to. The building blocks, [`Case`], [`Numbers`], [`home_networks`]
//! and [`whole_networks`], serve the tests as well.

mod case;
mod check;
mod comparison;
mod functions;
mod limits;
mod losses;
mod numbers;
mod operations;
mod probe;
mod products;
mod trainings;
mod work;

pub use case::Case;
pub use check::{Check, Verdict, avoid, lowering_of, suspects};
pub use comparison::Comparison;
pub use numbers::{ACTIVATIONS, Numbers, ROUNDING, SIZES, SMALLEST_NORMAL, WITH_Z, single};
pub use probe::{Effort, Probe};
pub use work::{home_networks, whole_networks};
