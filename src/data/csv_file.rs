//! Comma-separated files as data sets; cells, columns and labels have modules of their own beside this one.

use std::path::Path;

use super::Dataset;
use super::csv_columns::{Columns, Label};
use super::csv_labels::{LabelColumn, TargetKind};
use super::csv_rows::{CsvRows, title};
use crate::error::Result;

/// How a labelled CSV file is read; the default suits a file to be trained on whose last column names the classes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CsvOptions {
    /// The label's column.
    pub label: Label,
    /// What the label column holds.
    pub target: TargetKind,
    /// The classes of a trained model, to which the labels are matched; `None` takes the file's own. Not looked at for
    /// [`TargetKind::Values`].
    pub classes: Option<Vec<String>>,
    /// The feature names of a trained model, to which the columns are matched as in [`read_csv_features`]; `None`
    /// takes all columns but the label.
    pub features: Option<Vec<String>>,
}

/// Features without targets, in the layout of [`Dataset`].
#[derive(Clone, Debug, PartialEq)]
pub struct Features {
    /// (n_x, m), row-major: feature i of sample j is `x[i * m + j]`.
    pub x: Vec<f64>,
    /// Number of features, n_x.
    pub n_features: usize,
    /// Number of samples, m.
    pub m: usize,
}

/// Reads a file of features and a label; x is (n_x, m), classes are sorted by value if all are numbers, else as text.
///
/// The first row is a header if it has text outside the label column, names the label, or names all wanted features;
/// without one, the features are named `x1`, `x2`, ... A byte order mark, CRLF and blank lines are accepted, and the
/// spaces around a cell are dropped.
///
/// # Errors
/// [`Error::Read`](crate::Error::Read); [`Error::Data`](crate::Error::Data) with the line and the column for a cell or
/// row that cannot be used, and for a file without samples, with one column or with one class;
/// [`Error::InvalidArgument`](crate::Error::InvalidArgument) for a label column that is not there;
/// [`Error::Shape`](crate::Error::Shape) for other features than the model's.
pub fn read_csv(path: &Path, options: &CsvOptions) -> Result<Dataset> {
    let mut rows = CsvRows::open(path)?;
    let columns = Columns::labelled(&rows, &options.label, options.features.as_deref())?;
    let label_column = columns.label;
    let label_column = label_column.expect("`Columns::labelled` always names the label column");
    let mut labels = LabelColumn::new(label_column, options.target);
    let features = read_rows(&mut rows, &columns, Some(&mut labels))?;

    let header: &[String] = if columns.has_header { rows.first() } else { &[] };
    let targets = labels.finish(path, &title(header, label_column), options.classes.as_deref())?;
    let names = match &options.features {
        Some(wanted) => wanted.clone(),
        None if columns.has_header => columns.features.iter().map(|&column| header[column].clone()).collect(),
        None => (1..=features.n_features).map(|i| format!("x{i}")).collect(),
    };
    Dataset::new(rows.file_name(), features.x, names, targets)
}

/// Reads the features that a model wants, for prediction; x is (n_x, m) with one row for each of `wanted`.
///
/// Columns are matched by name if the first row holds all of `wanted`, whatever else it holds; otherwise by position,
/// where one more column is the label (`label`, or else the last column) and skipped.
///
/// # Errors
/// As [`read_csv`], but for those that concern the label's cells, and a single column being no error.
pub fn read_csv_features(path: &Path, wanted: &[String], label: Option<&Label>) -> Result<Features> {
    let mut rows = CsvRows::open(path)?;
    let columns = Columns::unlabelled(&rows, wanted, label.unwrap_or(&Label::Last))?;
    read_rows(&mut rows, &columns, None)
}

/// Reads all rows: their features into a matrix, their labels into `labels`.
fn read_rows(
    rows: &mut CsvRows,
    columns: &Columns,
    mut labels: Option<&mut LabelColumn>,
) -> Result<Features> {
    if columns.has_header {
        rows.take_header(&columns.features)?;
    }
    let n_features = columns.features.len();
    let mut by_sample = Vec::new();
    let mut m = 0;
    while let Some(row) = rows.next_row()? {
        for &column in &columns.features {
            by_sample.push(row.number(column)?);
        }
        if let Some(labels) = &mut labels {
            labels.push(row)?;
        }
        m += 1;
    }
    if m == 0 {
        return Err(rows.empty());
    }
    let mut x = Vec::with_capacity(by_sample.len());
    for feature in 0..n_features {
        x.extend(by_sample[feature..].iter().step_by(n_features));
    }
    Ok(Features { x, n_features, m })
}
