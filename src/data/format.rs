//! What kind of file a file is, by its first bytes and its name.

use std::path::Path;

use super::arrays::is_idx;
use super::input::file_name;
use crate::npy::{NPY_MAGIC, NPZ_MAGIC};

const PARQUET_MAGIC: &[u8] = b"PAR1";

/// The kinds of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// Comma-separated or the like.
    Text,
    /// NumPy's file of one array.
    Npy,
    /// NumPy's file of several arrays.
    Npz,
    /// MNIST's images or labels.
    Idx,
    /// Parquet.
    Parquet,
    /// Bytes that are none of these.
    Unknown,
}

impl Format {
    /// The kind of a file with that name which begins with `head`.
    pub(super) fn of(path: &Path, head: &[u8]) -> Self {
        let name = file_name(path).to_ascii_lowercase();
        let name = name.strip_suffix(".gz").unwrap_or(&name);
        // A name settles it where the beginning is damaged: the reader then says how.
        if head.starts_with(NPY_MAGIC) || name.ends_with(".npy") {
            Self::Npy
        } else if head.starts_with(NPZ_MAGIC) || name.ends_with(".npz") {
            Self::Npz
        } else if head.starts_with(PARQUET_MAGIC) || name.ends_with(".parquet") || name.ends_with(".pq") {
            Self::Parquet
        } else if is_idx(path, head) {
            Self::Idx
        } else if head.contains(&0) && !is_utf_16(head) {
            Self::Unknown
        } else {
            Self::Text
        }
    }
}

/// Text all the same, though not text that can be read: its reader names the remedy.
fn is_utf_16(head: &[u8]) -> bool {
    head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff")
}
