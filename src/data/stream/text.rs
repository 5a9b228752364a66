//! Text files, read once into a cache of their cells.

use std::path::Path;

use super::cache::Cache;
use super::store::{Matrix, Store};
use super::table::StreamedTable;
use crate::data::csv_file::{TableOptions, read_text};
use crate::data::csv_rows::CsvRows;
use crate::error::Result;
use crate::npy::ElementType;

/// Reads all rows into a cache in that folder; `on_row` is called after each.
///
/// # Errors
/// Those of a text that is read into memory; [`Error::Data`](crate::Error::Data) for a cache that cannot be written.
pub(super) fn stream_text(
    rows: CsvRows,
    options: &TableOptions<'_>,
    folder: &Path,
    on_row: &mut dyn FnMut(),
) -> Result<StreamedTable> {
    let (path, mut cache) = (rows.path().to_path_buf(), Cache::new(rows.origin(), folder)?);
    let table = read_text(
        rows,
        options,
        Some(&mut |cells, line| {
            on_row();
            cache.push(cells)?;
            // Behind the cells, for messages; exact up to 2^53.
            cache.push(&[line as f64])
        }),
    )?;
    let n = table.columns().len();
    let file = cache.finish()?;
    let matrix = Matrix { file, path, start: 0, element: ElementType::DOUBLE, columns: n + 1 };
    let store = Store::new(vec![matrix], table.m());
    Ok(StreamedTable::new(table, store, (0..n).collect(), Some(n)))
}
