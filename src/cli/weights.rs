//! `--weights`: how much each sample counts, from a column of the data or an NPY file.

use std::path::Path;

use clap::Args;
use gpu_nn::data::{DataSource, RawTable, StreamedTable, read_weights};
use gpu_nn::{Error, Result};

/// How much each sample counts.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Training")]
pub struct WeightArgs {
    /// How much each sample counts: a column of the file, which is no feature then (by header name, or number from 1 in a file
    /// without header), or an NPY file of one number a sample; scaled to a mean of 1, times --class-weight
    #[arg(long, value_name = "COLUMN|FILE.npy")]
    weights: Option<String>,
}

impl WeightArgs {
    fn file(&self) -> Option<&Path> {
        let path = Path::new(self.weights.as_ref()?);
        path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("npy")).then_some(path)
    }

    /// The column, where it is one of the data's.
    pub fn column(&self) -> Option<&str> {
        self.weights.as_deref().filter(|_| self.file().is_none())
    }

    /// The data as it is remembered: the weights are none of its features.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a column of data that has none.
    pub fn kept(&self, mut source: DataSource) -> Result<DataSource> {
        let Some(column) = self.column() else { return Ok(source) };
        match &mut source {
            DataSource::File(file) => {
                let chosen = !file.selection.features.is_empty();
                file.selection.features.retain(|feature| feature != column);
                // None chosen would mean all.
                if chosen && file.selection.features.is_empty() {
                    let reason = "it is the only feature; nothing would be left to learn from";
                    return Err(Error::invalid("column of weights", column, reason));
                }
                if !file.selection.drop.iter().any(|dropped| dropped == column) {
                    file.selection.drop.push(column.to_owned());
                }
                Ok(source)
            }
            DataSource::Generated { name, .. } => {
                let reason = format!("{name} is generated and has no columns to name; give an NPY file");
                Err(Error::invalid("column of weights", column, reason))
            }
        }
    }

    /// The data as it is read: with the column of the weights.
    pub fn to_read(&self, kept: &DataSource) -> DataSource {
        let mut source = kept.clone();
        if let (DataSource::File(file), Some(column)) = (&mut source, self.column()) {
            file.selection.drop.retain(|dropped| dropped != column);
            if !file.selection.features.is_empty() {
                file.selection.features.push(column.to_owned());
            }
        }
        source
    }

    /// The weights of all rows, if there are any; their column is taken out of the table.
    ///
    /// # Errors
    /// Those of [`RawTable::take_weights`] and [`read_weights`]; [`Error::Shape`] for a file of another length.
    pub fn take(&self, table: &mut RawTable) -> Result<Option<Vec<f64>>> {
        if let Some(column) = self.column() {
            return table.take_weights(column).map(Some);
        }
        self.of_rows(table)
    }

    /// The same of a table in its file.
    ///
    /// # Errors
    /// Those of [`StreamedTable::take_weights`] and as [`take`](Self::take).
    pub fn take_streamed(&self, table: &mut StreamedTable) -> Result<Option<Vec<f64>>> {
        if let Some(column) = self.column() {
            return table.take_weights(column).map(Some);
        }
        self.of_rows(table.table())
    }

    /// The weights of all rows from a file of their own, if there is one.
    ///
    /// # Errors
    /// As [`take`](Self::take).
    fn of_rows(&self, table: &RawTable) -> Result<Option<Vec<f64>>> {
        let Some(path) = self.file() else { return Ok(None) };
        let weights = read_weights(path)?;
        if weights.len() != table.m() {
            return Err(Error::Shape {
                what: format!("weights in {}", path.display()),
                expected: format!("{}, one for each sample of {}", table.m(), table.name()),
                found: weights.len().to_string(),
                hint: "give one for each row of the data".into(),
            });
        }
        Ok(Some(weights))
    }
}
