//! Pictures of what a network has learnt, as images in memory; predictions come in, and files are the caller's.
//!
//! A [`Grid`] says where to ask the network, [`Regions`] holds its answers, a [`Panel`] joins them with the data.

mod animation;
mod axis;
mod boundary;
mod calibration;
mod canvas;
mod chart;
mod colours;
mod confusion;
mod cost;
mod encode;
mod grid;
mod markers;
mod palette;
mod rates;
mod roc;
mod sheet;
mod sweep;
mod text;

pub use animation::Animation;
pub use boundary::{Panel, decision_boundary};
pub use calibration::calibration_picture;
pub use confusion::confusion_picture;
pub use cost::{CostOptions, CostScale, Curve, cost_curve};
pub use encode::encode_png;
pub use grid::{Grid, Regions};
pub use image::RgbImage;
pub use rates::rates_picture;
pub use roc::roc_picture;
pub use sheet::Caption;
pub use sweep::{sweep_grid, sweep_size};
