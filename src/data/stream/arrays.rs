//! Files of numbers: read where they lie if a sample's numbers lie together there, else from a copy in which they do.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::cache::Cache;
use super::store::{Matrix, Store, read_at};
use super::table::StreamedTable;
use crate::data::Scale;
use crate::data::arrays::{Arrays, Chosen, Matrix as Array, check_labels, failed, no_labels, npy_matrix};
use crate::data::csv_file::TableOptions;
use crate::data::input::{Input, read_error};
use crate::data::table::{Cells, Column};
use crate::error::{Error, Result};
use crate::npy::{Failure, Kind, blocks, expect_end};

/// Bytes of the rows that a transposition writes at a time.
const TRANSPOSED: usize = 1 << 22;

/// Rows that are looked at at a time.
const ROWS: usize = 1 << 12;

/// Reads the header of an array: its matrix, and where that starts.
pub(super) type ReadHeader = fn(&mut dyn Read, Option<u64>) -> std::result::Result<(Array, u64), Failure>;

/// The array of a file as a store.
///
/// # Errors
/// Those of the header; [`Error::Data`] for a cache that cannot be written.
pub(super) fn array_store(input: Input, header: ReadHeader, folder: &Path) -> Result<Store> {
    let (path, length) = (input.path().to_path_buf(), input.length());
    let plain = input.is_plain();
    let mut reader = input.into_reader();
    let (array, start) = header(&mut reader, length).map_err(|failure| failed(&path, failure))?;
    let matrix = if plain {
        let file = File::open(&path).map_err(|source| read_error(&path, source))?;
        by_row(file, start, array, &path, folder)?
    } else {
        copied(&mut reader, array, &path, folder)?.map_err(|failure| failed(&path, failure))?
    };
    Ok(Store::new(vec![matrix], array.rows))
}

/// A file's array with the numbers of a sample together.
fn by_row(file: File, start: u64, array: Array, path: &Path, folder: &Path) -> Result<Matrix> {
    let Array { element, columns, .. } = array;
    if element.kind == Kind::Text {
        let problem = "it holds texts; only labels may be texts in an array";
        return Err(Error::data(path.display().to_string(), problem));
    }
    let (file, start) = if array.by_column && columns > 1 {
        (transposed(&file, start, array, path, folder)?, 0)
    } else {
        (file, start)
    };
    Ok(Matrix { file, path: path.into(), start, element, columns })
}

/// What is left of a reader, an array, in a cache.
fn copied(
    reader: &mut dyn Read,
    array: Array,
    path: &Path,
    folder: &Path,
) -> Result<std::result::Result<Matrix, Failure>> {
    let mut cache = Cache::new(path.display().to_string(), folder)?;
    let mut written = Ok(());
    // In Fortran order as well: as many bytes as rows of that size have.
    let read = blocks(reader, array.rows, array.row_bytes(), &mut |bytes| {
        written = cache.write(bytes);
        if written.is_err() { Err("the cache cannot be written".to_owned().into()) } else { Ok(()) }
    });
    written?;
    if let Err(failure) = read.and_then(|()| expect_end(reader)) {
        return Ok(Err(failure));
    }
    by_row(cache.finish()?, 0, array, path, folder).map(Ok)
}

/// An array in Fortran order as one in C order.
fn transposed(file: &File, start: u64, array: Array, path: &Path, folder: &Path) -> Result<File> {
    let Array { element, rows, columns, .. } = array;
    let mut cache = Cache::new(path.display().to_string(), folder)?;
    let most = (TRANSPOSED / array.row_bytes()).max(1);
    let (mut column_bytes, mut row_bytes) = (Vec::new(), Vec::new());
    for first in (0..rows).step_by(most) {
        let n = most.min(rows - first);
        column_bytes.resize(n * element.size, 0);
        row_bytes.resize(n * array.row_bytes(), 0);
        for column in 0..columns {
            let offset = start + ((column * rows + first) * element.size) as u64;
            read_at(file, &mut column_bytes, offset).map_err(|source| read_error(path, source))?;
            let places = row_bytes[column * element.size..].chunks_mut(array.row_bytes());
            for (to, from) in places.zip(column_bytes.chunks_exact(element.size)) {
                to[..element.size].copy_from_slice(from);
            }
        }
        cache.write(&row_bytes)?;
    }
    cache.finish()
}

/// The feature arrays of an archive, `names`, as a store.
///
/// # Errors
/// Those of the arrays; [`Error::Data`] for a cache that cannot be written.
pub(super) fn archive_store(
    arrays: &mut Arrays<'_, File>,
    names: &[String],
    path: &Path,
    folder: &Path,
) -> Result<Store> {
    let (mut matrices, mut rows) = (Vec::with_capacity(names.len()), None);
    for name in names {
        let (matrix, found) = arrays.member("feature column", name, &mut |reader| {
            let (array, _) = npy_matrix(reader, None)?;
            Ok(match copied(reader, array, path, folder) {
                Ok(matrix) => Ok((matrix?, array.rows)),
                Err(error) => Err(error),
            })
        })??;
        let first = *rows.get_or_insert(found);
        if found != first {
            return Err(arrays.uneven(&names[0], first, found));
        }
        matrices.push(matrix);
    }
    Ok(Store::new(matrices, rows.unwrap_or(0)))
}

/// What is known beside the numbers of a store.
pub(super) struct Beside<'a> {
    pub(super) path: &'a Path,
    /// The labels, where they stand apart.
    pub(super) labels: Option<Cells>,
    /// Whether the columns are features all.
    pub(super) features_only: bool,
}

/// Makes the table that `options` ask for of a store, as `assemble` does of columns in memory; `on_row` is called for each
/// row that is looked at.
///
/// # Errors
/// Those of `assemble`.
pub(super) fn stream_array(
    store: Store,
    beside: Beside<'_>,
    options: &TableOptions<'_>,
    on_row: &mut dyn FnMut(),
) -> Result<StreamedTable> {
    let Beside { path, labels: apart, features_only } = beside;
    let origin = path.display().to_string();
    if store.rows() == 0 {
        return Err(Error::data(origin, "empty: no samples"));
    }
    let chosen = Chosen::new(origin.clone(), None, store.columns(), features_only, options)?;
    let mut columns = Vec::with_capacity(chosen.columns.features.len());
    for at in 0..chosen.columns.features.len() {
        let name = chosen.name(at, options);
        if chosen.is_text(at, options)? {
            let problem =
                format!("column `{name}` of numbers cannot be streamed as text; save the data as a CSV file");
            return Err(Error::data(origin, problem));
        }
        columns.push(Column { name, cells: Cells::Doubles(Vec::new()) });
    }
    let within = chosen.columns.label.filter(|_| options.target.is_some() && apart.is_none());
    if options.target.is_some() && within.is_none() && apart.is_none() {
        return Err(no_labels(&origin));
    }
    let mut labels = options.target.map(|kind| chosen.labels(kind, path));
    let features = chosen.columns.features.clone();
    let usual_scale = if store.is_bytes() { Scale::Pixels } else { Scale::Standardise };
    if let (Some(labels), Some(apart)) = (&mut labels, &apart) {
        check_labels(&origin, store.rows(), apart.len())?;
        labels.push_all(apart)?;
    }
    drop(apart);
    let mut infinite = None;
    if within.is_some() || !store.is_whole() {
        let all: Vec<usize> = (0..store.rows().min(ROWS)).collect();
        for first in (0..store.rows()).step_by(ROWS) {
            let n = ROWS.min(store.rows() - first);
            let rows: Vec<usize> = all[..n].iter().map(|row| first + row).collect();
            store.visit(&rows, &mut |at, cells| {
                on_row();
                let infinite_in = features.iter().position(|&column| cells[column].is_infinite());
                infinite = infinite.or(infinite_in.map(|column| (rows[at], column)));
                if let (Some(labels), Some(column)) = (&mut labels, within) {
                    let cell = Some(cells[column]).filter(|cell| !cell.is_nan());
                    labels.push(rows[at], cell, None)?;
                }
                Ok(())
            })?;
        }
    }
    let targets = labels.map(|labels| labels.finish(options.classes)).transpose()?;
    let table = chosen.table(path, columns, targets, usual_scale).spilled(store.rows());
    if let Some((row, column)) = infinite {
        return Err(table.infinite_error(row, column));
    }
    Ok(StreamedTable::new(table, store, features, None))
}
