//! Models in the formats of other programs: ONNX, C and NumPy out, NumPy (as from scikit-learn) in; and what a training looks
//! like, for TensorBoard.
//!
//! Models are made in memory; the caller writes them. Samples are rows here, as those programs have them.

mod c;
mod c_text;
mod import;
mod npz;
mod onnx;
mod scaling;
mod tensorboard;

pub use c::{CSource, to_c};
pub use import::{ImportOptions, from_npz};
pub use npz::to_npz;
pub use onnx::{OPSET, to_onnx};
pub use tensorboard::EventFile;
