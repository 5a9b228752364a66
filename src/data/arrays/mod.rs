//! Files that hold numbers as bytes, not as text: NumPy's arrays, the IDX files of image sets, and Parquet. Each reader yields
//! columns of cells; `assemble` makes a table of them. What their headers claim is held against the file before
//! anything is allocated.

mod assemble;
mod columns;
mod idx;
mod numpy;
#[cfg(feature = "parquet")]
mod parquet_file;
#[cfg(feature = "parquet")]
mod parquet_pages;

#[cfg(feature = "parquet")]
pub(super) use assemble::NumberTexts;
pub(super) use assemble::{Chosen, assemble, check_labels, no_labels};
pub(super) use columns::Matrix;
pub(super) use idx::{idx_matrix, is_idx, labels_beside, read_idx};
pub(super) use numpy::{Arrays, failed, npy_matrix, numbers, read_npy, read_npz};

#[cfg(feature = "parquet")]
pub(super) use parquet_file::{Builder, ParquetFile, read_parquet};

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
    /// Columns without names, of pixels where all are of bytes.
    fn unnamed(columns: Vec<Cells>) -> Self {
        let bytes = columns.iter().all(|cells| matches!(cells, Cells::Bytes(_)));
        let usual_scale = if bytes { Scale::Pixels } else { Scale::Standardise };
        Self { names: None, columns, labels: None, features_only: false, usual_scale }
    }
}
