//! Rows of a streamed table as samples: prepared and rounded as they are picked.

use std::collections::HashMap;
use std::sync::Arc;

use super::source::{SampleSource, beyond_single};
use super::table::StreamedTable;
use crate::data::preprocessing::{no_value, scaled, too_far, unknown_category};
use crate::data::table::Cells;
use crate::data::{Preprocessing, Step};
use crate::error::Result;

/// Some rows of a [`StreamedTable`], prepared; the samples are their positions among them.
#[derive(Clone, Debug)]
pub struct StreamedPart {
    table: Arc<StreamedTable>,
    /// The rows, all without.
    rows: Option<Arc<Vec<u32>>>,
    steps: Vec<Prepared>,
    n_features: usize,
}

/// A column's step, made ready for the codes of its texts.
#[derive(Clone, Debug)]
enum Prepared {
    Number { fill: Option<f64>, shift: f64, scale: f64 },
    Category { of_code: Vec<Option<usize>>, fill: Option<usize>, names: Vec<String> },
}

impl StreamedPart {
    pub(super) fn new(
        table: Arc<StreamedTable>,
        rows: Option<Vec<u32>>,
        preprocessing: &Preprocessing,
    ) -> Result<Self> {
        preprocessing.check_columns(table.table())?;
        let columns = table.table().columns().iter().zip(&preprocessing.columns);
        let steps = columns.map(|(column, fitted)| match &fitted.step {
            Step::Number { fill, shift, scale } => {
                Prepared::Number { fill: *fill, shift: *shift, scale: *scale }
            }
            Step::Category { fill, names } => {
                let known: HashMap<&String, usize> = names.iter().zip(0..).collect();
                let texts: &[String] = match &column.cells {
                    Cells::Texts { texts, .. } => texts,
                    _ => &[],
                };
                Prepared::Category {
                    of_code: texts.iter().map(|text| known.get(text).copied()).collect(),
                    fill: fill.as_ref().and_then(|fill| known.get(fill).copied()),
                    names: names.clone(),
                }
            }
        });
        let steps = steps.collect();
        Ok(Self { table, rows: rows.map(Arc::new), steps, n_features: preprocessing.n_features() })
    }

    /// The table that they are rows of.
    pub fn table(&self) -> &StreamedTable {
        &self.table
    }

    /// Number of samples, m.
    pub fn m(&self) -> usize {
        self.rows.as_ref().map_or(self.table.table().m(), |rows| rows.len())
    }

    /// The features of a row from its cells.
    fn prepare(&self, row: usize, cells: &[f64], x: &mut [f32]) -> Result<()> {
        let mut next = 0;
        for (at, (step, &column)) in self.steps.iter().zip(self.table.columns()).enumerate() {
            let cell = Some(cells[column]).filter(|cell| !cell.is_nan());
            let title = || self.table.table().title(at);
            match step {
                Prepared::Number { fill, shift, scale } => {
                    let number = cell.or(*fill).ok_or_else(|| self.table.error(row, no_value(&title())))?;
                    let value = scaled(number, *shift, *scale)
                        .ok_or_else(|| self.table.error(row, too_far(&title(), number)))?;
                    x[next] = value as f32;
                    if !x[next].is_finite() {
                        return Err(beyond_single(self.table.table().origin(), &title(), value));
                    }
                    next += 1;
                }
                Prepared::Category { of_code, fill, names } => {
                    let category = match cell {
                        Some(code) => of_code.get(code as usize).copied().flatten().ok_or_else(|| {
                            let text = self.text(at, code as usize);
                            self.table.error(row, unknown_category(&title(), text, names))
                        })?,
                        None => fill.ok_or_else(|| self.table.error(row, no_value(&title())))?,
                    };
                    x[next..next + names.len()].fill(0.0);
                    x[next + category] = 1.0;
                    next += names.len();
                }
            }
        }
        Ok(())
    }

    fn text(&self, column: usize, code: usize) -> &str {
        match &self.table.table().columns()[column].cells {
            Cells::Texts { texts, .. } => texts.get(code).map_or("", String::as_str),
            _ => "",
        }
    }
}

impl SampleSource for StreamedPart {
    fn n_features(&self) -> usize {
        self.n_features
    }

    fn features(&self, samples: &[usize], x: &mut [f32]) -> Result<()> {
        let picked: Option<Vec<usize>> =
            self.rows.as_ref().map(|rows| samples.iter().map(|&sample| rows[sample] as usize).collect());
        let rows = picked.as_deref().unwrap_or(samples);
        self.table.store().visit(rows, &mut |at, cells| {
            self.prepare(rows[at], cells, &mut x[at * self.n_features..][..self.n_features])
        })
    }
}
