//! Files that hold numbers as bytes, not as text: NumPy's arrays and the IDX files of image sets. Each reader yields
//! columns of cells; `assemble` makes a table of them. What their headers claim is held against the file before
//! anything is allocated.

mod assemble;
mod idx;
mod npy;
mod npy_header;
mod npz;
mod numbers;

pub(super) use assemble::assemble;
pub(super) use idx::{is_idx, labels_beside, read_idx};
pub(super) use npy::{MAGIC as NPY_MAGIC, read_npy};
pub(super) use npz::{MAGIC as NPZ_MAGIC, read_npz};

use super::Scale;
use super::table::Cells;

/// The columns of a file.
pub(super) struct Sheet {
    /// Their names, where the format has names.
    pub(super) names: Option<Vec<String>>,
    /// Their cells, all of one length.
    pub(super) columns: Vec<Cells>,
    /// The labels, where they stand apart.
    pub(super) labels: Option<Cells>,
    /// Whether the columns are features all, so that none of them is the label.
    pub(super) features_only: bool,
    /// The scale that suits the numbers.
    pub(super) usual_scale: Scale,
}

impl Sheet {
    /// Columns without names.
    fn unnamed(columns: Vec<Cells>, usual_scale: Scale) -> Self {
        Self { names: None, columns, labels: None, features_only: false, usual_scale }
    }
}
