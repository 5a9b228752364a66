//! NumPy's files, .npy and .npz: the one reader of their headers, elements and archives, and a writer; nothing of what
//! the arrays mean.
//!
//! Format: <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>. What a header claims is held against
//! the file before anything of that size is allocated. Problems are told as text, for the caller to put the file's name
//! before.

mod archive;
#[cfg(feature = "export")]
mod array;
mod element;
mod failure;
mod header;
mod stream;
#[cfg(feature = "export")]
mod write;

pub(crate) use archive::{Archive, MAGIC as NPZ_MAGIC};
#[cfg(feature = "export")]
pub(crate) use array::{Array, Values};
pub(crate) use element::{ElementType, Kind};
pub(crate) use failure::Failure;
pub(crate) use header::{Header, MAGIC as NPY_MAGIC};
pub(crate) use stream::{blocks, expect_end};
#[cfg(feature = "export")]
pub(crate) use write::write_archive;
