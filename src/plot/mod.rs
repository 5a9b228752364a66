//! Pictures of what a network has learnt, as images in memory; predictions come in, and files are the caller's.
//!
//! A [`Grid`] says where to ask the network, [`Regions`] holds its answers, a [`Panel`] joins them with the data.

mod animation;
mod axis;
mod boundary;
mod canvas;
mod chart;
mod colours;
mod cost;
mod encode;
mod grid;
mod markers;
mod palette;
mod sweep;
mod text;

pub use animation::Animation;
pub use boundary::{Panel, decision_boundary};
pub use cost::{CostOptions, CostScale, Curve, cost_curve};
pub use encode::encode_png;
pub use grid::{Grid, Regions};
pub use image::RgbImage;
pub use sweep::{sweep_grid, sweep_size};
