//! Models in the formats of other programs: ONNX, C and NumPy out, NumPy (as from scikit-learn) in.
//!
//! Everything is made in memory; the caller writes it. Samples are rows here, as those programs have them.

mod c;
mod c_text;
mod import;
mod npz;
mod onnx;
mod scaling;

pub use c::{CSource, to_c};
pub use import::{ImportOptions, from_npz};
pub use npz::to_npz;
pub use onnx::{OPSET, to_onnx};
