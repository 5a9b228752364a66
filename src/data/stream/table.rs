//! A table whose cells stay in files, and what is learnt from some of its rows in passes over them.

use std::sync::Arc;

use super::part::StreamedPart;
use super::store::Store;
use crate::data::column_fit::{NumberFit, TextFit, Unfit};
use crate::data::fitting::{check_categories, unfit_error};
use crate::data::preprocessing::no_value;
use crate::data::table::Cells;
use crate::data::{ColumnStep, Dataset, Preparation, Preprocessing, RawTable, Targets};
use crate::error::{Error, Result};

/// Rows that a pass takes at a time.
const ROWS: usize = 1 << 12;

/// The features of a file before any preprocessing, where they lie, and its targets.
#[derive(Debug)]
pub struct StreamedTable {
    /// Names and targets; its columns hold no cells, those of texts their different texts.
    table: RawTable,
    store: Store,
    /// The columns of the features among those of the store.
    columns: Vec<usize>,
    /// The column of the lines that the rows end on, for messages.
    lines: Option<usize>,
}

impl StreamedTable {
    pub(super) fn new(table: RawTable, store: Store, columns: Vec<usize>, lines: Option<usize>) -> Self {
        Self { table, store, columns, lines }
    }

    /// Names and targets: a table whose columns hold no cells.
    pub fn table(&self) -> &RawTable {
        &self.table
    }

    /// Learns from some rows how the columns become features, as [`Preprocessing::fit`] does and with the same bits; `None`
    /// is all rows. `on_pass` is called with the rows read so far.
    ///
    /// # Errors
    /// Those of [`Preprocessing::fit`], and [`Error::Read`].
    pub fn fit(
        &self,
        rows: Option<&[u32]>,
        preparation: &Preparation,
        on_pass: &mut dyn FnMut(usize),
    ) -> Result<Preprocessing> {
        let columns = self.table.columns();
        let mut fits = Vec::with_capacity(columns.len());
        for (at, column) in columns.iter().enumerate() {
            fits.push(match &column.cells {
                Cells::Texts { texts, .. } => {
                    check_categories(&self.table, at, texts)?;
                    Fit::Texts(TextFit::new(*preparation, texts.len()))
                }
                _ => Fit::Numbers(Box::new(NumberFit::new(*preparation))),
            });
        }
        let (mut seen, mut first) = (0, true);
        while first || fits.iter().any(Fit::goes_on) {
            self.scan(rows, &mut |row, cells| {
                for (fit, &column) in fits.iter_mut().zip(&self.columns) {
                    fit.push(first, row, cells[column]);
                }
                seen += 1;
                if seen % ROWS == 0 {
                    on_pass(seen);
                }
                Ok(())
            })?;
            for (at, fit) in fits.iter_mut().enumerate() {
                if let Fit::Numbers(fit) = fit {
                    fit.end_pass().map_err(|unfit| self.unfit(at, unfit))?;
                }
            }
            first = false;
        }
        let finished = columns.iter().zip(fits).enumerate().map(|(at, (column, fit))| {
            let step = match (fit, &column.cells) {
                (Fit::Numbers(fit), _) => fit.finish(),
                (Fit::Texts(fit), Cells::Texts { texts, .. }) => fit.finish(texts),
                (Fit::Texts(fit), _) => fit.finish(&[]),
            };
            Ok(ColumnStep { name: column.name.clone(), step: step.map_err(|unfit| self.unfit(at, unfit))? })
        });
        Ok(Preprocessing { columns: finished.collect::<Result<_>>()? })
    }

    fn unfit(&self, at: usize, unfit: Unfit) -> Error {
        match unfit {
            Unfit::Missing(row) => self.error(row, no_value(&self.table.title(at))),
            unfit => unfit_error(&self.table, at, unfit),
        }
    }

    /// Reads some rows in their order, all without `rows`, and hands each over with its number.
    fn scan(&self, rows: Option<&[u32]>, take: &mut dyn FnMut(usize, &[f64]) -> Result<()>) -> Result<()> {
        let n = rows.map_or(self.store.rows(), <[u32]>::len);
        for start in (0..n).step_by(ROWS) {
            let range = start..n.min(start + ROWS);
            let block: Vec<usize> = match rows {
                Some(rows) => rows[range].iter().map(|&row| row as usize).collect(),
                None => range.collect(),
            };
            self.store.visit(&block, &mut |at, cells| take(block[at], cells))?;
        }
        Ok(())
    }

    /// Reads the cells of a feature's column, row after row.
    pub(in crate::data) fn visit_column(
        &self,
        at: usize,
        take: &mut dyn FnMut(usize, Option<f64>) -> Result<()>,
    ) -> Result<()> {
        let column = self.columns[at];
        self.scan(None, &mut |row, cells| take(row, Some(cells[column]).filter(|cell| !cell.is_nan())))
    }

    /// Leaves a feature's column out.
    pub(in crate::data) fn remove_column(&mut self, at: usize) {
        self.table.remove_column(at);
        self.columns.remove(at);
    }

    /// Some rows, all without `rows`, as samples prepared by `preprocessing`, with targets or without.
    ///
    /// # Errors
    /// [`Error::Shape`] for other columns than those fitted.
    pub fn samples(
        self: &Arc<Self>,
        rows: Option<Vec<u32>>,
        preprocessing: &Preprocessing,
    ) -> Result<StreamedPart> {
        StreamedPart::new(self.clone(), rows, preprocessing)
    }

    /// Some rows, all without `rows`, as samples prepared by `preprocessing`, and a data set of their targets without their
    /// features.
    ///
    /// # Errors
    /// [`Error::Data`] for a table without targets; [`Error::Shape`] for other columns than those fitted.
    pub fn part(
        self: &Arc<Self>,
        rows: Option<Vec<u32>>,
        preprocessing: &Preprocessing,
    ) -> Result<(StreamedPart, Dataset)> {
        let targets = self.table.targets().ok_or_else(|| {
            Error::data(self.table.origin(), "read without targets; only predictions can be made from it")
        })?;
        let targets: Targets = match &rows {
            Some(rows) => targets.picked(rows.iter().map(|&row| row as usize)),
            None => targets.clone(),
        };
        let m = targets.len();
        let dataset = Dataset {
            name: self.table.name().to_owned(),
            x: Vec::new(),
            n_features: preprocessing.n_features(),
            m,
            feature_names: preprocessing.feature_names(),
            units: preprocessing.units(),
            targets,
        };
        Ok((self.samples(rows, preprocessing)?, dataset))
    }

    pub(super) fn store(&self) -> &Store {
        &self.store
    }

    /// The columns of the features among those of the store.
    pub(super) fn columns(&self) -> &[usize] {
        &self.columns
    }

    /// An [`Error::Data`] that names the file and a row.
    pub(in crate::data) fn error(&self, row: usize, problem: String) -> Error {
        let Some(column) = self.lines else { return self.table.error(row, problem) };
        let mut line = 0;
        let read = self.store.visit(&[row], &mut |_, cells| {
            line = cells[column] as u64;
            Ok(())
        });
        match read {
            Ok(()) => Error::data(format!("{}, line {line}", self.table.origin()), problem),
            Err(error) => error,
        }
    }
}

/// A column while it is learnt from.
enum Fit {
    Numbers(Box<NumberFit>),
    Texts(TextFit),
}

impl Fit {
    fn goes_on(&self) -> bool {
        matches!(self, Self::Numbers(fit) if !fit.is_done())
    }

    fn push(&mut self, first: bool, row: usize, cell: f64) {
        let known = !cell.is_nan();
        match self {
            Self::Numbers(fit) => fit.push(row, known.then_some(cell)),
            // Texts are done after one pass.
            Self::Texts(fit) if first => fit.push(row, known.then_some(cell as usize)),
            Self::Texts(_) => {}
        }
    }
}
