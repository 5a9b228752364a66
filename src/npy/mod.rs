//! NumPy's files, .npy and .npz, as arrays in memory: the format and nothing of what the arrays mean.
//!
//! Format: <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>. Problems are told as text, for the
//! caller to put the file's name before.

mod archive;
mod array;
mod header;
mod read;

pub(crate) use archive::{Archive, write_archive};
pub(crate) use array::{Array, Values};
