//! How much each sample counts, from a column of a table or a file of its own.

use std::path::Path;

use super::arrays::read_npy;
use super::csv_rows::list;
use super::format::Format;
use super::input::Input;
use super::stream::StreamedTable;
use super::table::RawTable;
use crate::error::{Error, Result};

impl RawTable {
    /// Takes a column out of the features: the weights of the samples, (m). A file without a header names its columns by their
    /// numbers from 1.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a column that is not there, is the target, or is the only feature; [`Error::Data`] for
    /// one of texts, and with the row for a weight that is missing, negative or no number.
    pub fn take_weights(&mut self, column: &str) -> Result<Vec<f64>> {
        let at = self.weights_column(column)?;
        let (cells, title) = (&self.columns()[at].cells, self.title(at));
        let of_row = |row| weight(&title, cells.number(row)).map_err(|problem| self.error(row, problem));
        let weights = (0..self.m()).map(of_row).collect::<Result<Vec<f64>>>()?;
        self.remove_column(at);
        Ok(weights)
    }

    /// Where the column of the weights stands.
    fn weights_column(&self, column: &str) -> Result<usize> {
        let refuse = |reason: String| Err(Error::invalid("column of weights", column, reason));
        if self.target_name() == Some(column) {
            return refuse("it is the target; name the column of the target with --label".into());
        }
        let Some(at) = self.position(column) else {
            let names = list(self.columns().iter().map(|column| &column.name));
            return refuse(format!("{} has the features {names}", self.name()));
        };
        if self.columns().len() == 1 {
            return refuse("it is the only feature; nothing would be left to learn from".into());
        }
        if self.columns()[at].cells.is_text() {
            let problem = format!("{} holds texts, and weights are numbers from 0 on", self.title(at));
            return Err(Error::data(self.origin(), problem));
        }
        Ok(at)
    }
}

impl StreamedTable {
    /// Takes a column out of the features: the weights of the samples, (m), which are read now.
    ///
    /// # Errors
    /// Those of [`RawTable::take_weights`], and [`Error::Read`].
    pub fn take_weights(&mut self, column: &str) -> Result<Vec<f64>> {
        let at = self.table().weights_column(column)?;
        let title = self.table().title(at);
        let mut weights = Vec::with_capacity(self.table().m());
        self.visit_column(at, &mut |row, cell| {
            weights.push(weight(&title, cell).map_err(|problem| self.error(row, problem))?);
            Ok(())
        })?;
        self.remove_column(at);
        Ok(weights)
    }
}

/// The weight in a cell, or what is wrong with it.
fn weight(title: &str, cell: Option<f64>) -> std::result::Result<f64, String> {
    match cell {
        Some(weight) if weight >= 0.0 => Ok(weight),
        Some(weight) => Err(format!("{title} is {weight}, and a weight is a number from 0 on")),
        None => Err(format!("{title} has no weight; give it one, such as 1, or remove the row")),
    }
}

/// Reads the weights of samples from an NPY file of one column.
///
/// # Errors
/// [`Error::Read`]; [`Error::Data`] for another file or another number of columns, and with the row for a weight that is
/// negative or no number.
pub fn read_weights(path: &Path) -> Result<Vec<f64>> {
    let input = Input::open(path)?;
    let origin = input.origin();
    let columns = match Format::of(input.path(), input.head()) {
        Format::Npy => read_npy(input)?.columns,
        _ => return Err(Error::data(origin, "a file of weights is an NPY file, or a column of the data")),
    };
    let [cells] = &columns[..] else {
        let problem = format!("it has {} columns; a file of weights has one", columns.len());
        return Err(Error::data(origin, problem));
    };
    let weight = |row: usize| match cells.number(row) {
        Some(weight) if weight >= 0.0 && weight.is_finite() => Ok(weight),
        found => {
            let found = found.unwrap_or(f64::NAN);
            let problem = format!("it is {found}, and a weight is a number from 0 on");
            Err(Error::data(format!("{origin}, row {}", row + 1), problem))
        }
    };
    (0..cells.len()).map(weight).collect()
}
