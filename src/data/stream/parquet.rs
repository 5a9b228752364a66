//! Parquet files (feature `parquet`), read once, some rows of all columns at a time, into a cache of their cells.

use std::path::{Path, PathBuf};

use super::cache::Cache;
use super::store::{Matrix, Store};
use super::table::StreamedTable;
use crate::data::Scale;
use crate::data::arrays::{Builder, Chosen, NumberTexts, ParquetFile, no_labels};
use crate::data::csv_file::TableOptions;
use crate::data::table::{Cells, Column};
use crate::error::{Error, Result};
use crate::npy::ElementType;

/// Reads the columns that are needed into a cache in that folder; `on_rows` is called with the number of rows after each few.
///
/// # Errors
/// Those of a file that is read into memory; [`Error::Data`] for a cache that cannot be written.
pub(super) fn stream_parquet(
    file: &ParquetFile,
    path: &Path,
    options: &TableOptions<'_>,
    folder: &Path,
    on_rows: &mut dyn FnMut(usize),
) -> Result<StreamedTable> {
    let (origin, names) = (path.display().to_string(), file.names());
    let chosen = Chosen::new(origin.clone(), Some(names.clone()), names.len(), false, options)?;
    let label = chosen.columns.label.filter(|_| options.target.is_some());
    if options.target.is_some() && label.is_none() {
        return Err(no_labels(&origin));
    }
    let mut labels = options.target.map(|kind| chosen.labels(kind, path));
    let features = &chosen.columns.features;
    let mut sink = Sink::new(&chosen, options, origin, folder)?;
    let wanted: Vec<bool> = (0..names.len()).map(|at| features.contains(&at) || label == Some(at)).collect();
    let read = file.read(&wanted, &mut |columns, n| {
        if let (Some(labels), Some(Some(column))) = (&mut labels, label.map(|at| &columns[at])) {
            labels.push_some(sink.rows, column.cells())?;
        }
        sink.push(columns, features, n)?;
        columns.iter_mut().flatten().for_each(Builder::clear);
        on_rows(sink.rows);
        Ok(())
    })?;
    if sink.rows == 0 {
        return Err(Error::data(path.display().to_string(), "empty: no samples"));
    }
    let targets = labels.map(|labels| labels.finish(options.classes)).transpose()?;
    let (rows, infinite) = (sink.rows, sink.infinite);
    let (columns, store) = sink.finish(&chosen, options, &read, path)?;
    let n = columns.len();
    let table = chosen.table(path, columns, targets, Scale::Standardise).spilled(rows);
    match infinite {
        Some((row, column)) => Err(table.infinite_error(row, column)),
        None => Ok(StreamedTable::new(table, store, (0..n).collect(), None)),
    }
}

/// Where the cells go.
struct Sink {
    cache: Cache,
    /// The categories of numbers that are taken as texts, feature after feature.
    categories: Vec<Option<NumberTexts>>,
    rows: usize,
    /// The first infinite number: its row and feature.
    infinite: Option<(usize, usize)>,
}

impl Sink {
    fn new(chosen: &Chosen, options: &TableOptions<'_>, origin: String, folder: &Path) -> Result<Self> {
        let categories = (0..chosen.columns.features.len())
            .map(|at| Ok(chosen.is_text(at, options)?.then(NumberTexts::default)));
        let categories = categories.collect::<Result<_>>()?;
        Ok(Self { cache: Cache::new(origin, folder)?, categories, rows: 0, infinite: None })
    }

    /// Takes so many rows of the features.
    fn push(&mut self, columns: &[Option<Builder>], features: &[usize], n: usize) -> Result<()> {
        let mut row = vec![0.0; features.len()];
        for i in 0..n {
            for (at, (to, &column)) in row.iter_mut().zip(features).enumerate() {
                let Some(cells) = columns[column].as_ref().map(Builder::cells) else { continue };
                let cell = match (cells, &mut self.categories[at]) {
                    (Cells::Texts { codes, texts }, _) => {
                        Some(codes[i]).filter(|&code| (code as usize) < texts.len()).map(f64::from)
                    }
                    (cells, Some(categories)) => {
                        cells.number(i).map(|number| f64::from(categories.code(number)))
                    }
                    (cells, None) => cells.number(i),
                };
                *to = cell.unwrap_or(f64::NAN);
                if to.is_infinite() {
                    self.infinite.get_or_insert((self.rows + i, at));
                }
            }
            self.cache.push(&row)?;
        }
        self.rows += n;
        Ok(())
    }

    /// The features without their cells, and the cells.
    fn finish(
        self,
        chosen: &Chosen,
        options: &TableOptions<'_>,
        read: &[Option<Builder>],
        path: &Path,
    ) -> Result<(Vec<Column>, Store)> {
        let features = chosen.columns.features.iter().zip(self.categories).enumerate();
        let columns: Vec<Column> = features
            .map(|(at, (&column, categories))| {
                let of_texts = |texts| Cells::Texts { codes: Vec::new(), texts };
                let cells = match (read[column].as_ref().map(Builder::cells), categories) {
                    (Some(Cells::Texts { texts, .. }), _) => of_texts(texts.clone()),
                    (_, Some(categories)) => of_texts(categories.texts),
                    (_, None) => Cells::Doubles(Vec::new()),
                };
                Column { name: chosen.name(at, options), cells }
            })
            .collect();
        let (file, path) = (self.cache.finish()?, PathBuf::from(path));
        let matrix = Matrix { file, path, start: 0, element: ElementType::DOUBLE, columns: columns.len() };
        Ok((columns, Store::new(vec![matrix], self.rows)))
    }
}
