//! Text files as tables and, where they hold nothing but numbers, at once as data sets; cells, columns and labels have
//! modules of their own beside this one.

use std::path::Path;

use super::csv_cells::{CellColumn, Kind};
use super::csv_columns::{Columns, Head, Label, Request, Selection, Wanted};
use super::csv_labels::{LabelColumn, TargetKind};
use super::csv_rows::{CsvRows, title};
use super::input::{Input, file_name};
use super::table::{Cells, Column, RawTable};
use super::{Dataset, Scale, Targets};
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

/// Reads a comma-separated file of numbers and a label; x is (n_x, m), classes are sorted by value if all are numbers,
/// else as text. Files with missing values or columns of text are read as a [`RawTable`] instead.
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
    let wanted = options.features.as_deref().map(numbers);
    let options = TableOptions {
        label: &options.label,
        selection: &Selection::default(),
        wanted: wanted.as_deref(),
        target: Some(options.target),
        classes: options.classes.as_deref(),
        categorical: None,
    };
    let table = read_text(CsvRows::new(Input::open(path)?, b',')?, &options, None)?;
    let (features, names, name) = (flat(&table), names(&table), table.name().to_owned());
    let targets: Option<Targets> = table.into_targets();
    let targets = targets.expect("a target kind was given, so the label column was read");
    Dataset::new(name, features.x, names, targets)
}

/// Reads the features that a model wants, for prediction; x is (n_x, m) with one row for each of `wanted`.
///
/// Columns are matched by name if the first row holds all of `wanted`, whatever else it holds; otherwise by position,
/// where one more column is the label (`label`, or else the last column) and skipped.
///
/// # Errors
/// As [`read_csv`], but for those that concern the label's cells, and a single column being no error.
pub fn read_csv_features(path: &Path, wanted: &[String], label: Option<&Label>) -> Result<Features> {
    let options = TableOptions {
        label: label.unwrap_or(&Label::Last),
        selection: &Selection::default(),
        wanted: Some(&numbers(wanted)),
        target: None,
        classes: None,
        categorical: None,
    };
    Ok(flat(&read_text(CsvRows::new(Input::open(path)?, b',')?, &options, None)?))
}

fn numbers(names: &[String]) -> Vec<Wanted> {
    names.iter().map(|name| Wanted { name: name.clone(), is_text: false }).collect()
}

fn names(table: &RawTable) -> Vec<String> {
    table.columns().iter().map(|column| column.name.clone()).collect()
}

/// Columns of numbers, none missing, as one matrix.
fn flat(table: &RawTable) -> Features {
    let mut x = Vec::with_capacity(table.columns().len() * table.m());
    for column in table.columns() {
        if let Cells::Doubles(cells) = &column.cells {
            x.extend(cells);
        }
    }
    Features { x, n_features: table.columns().len(), m: table.m() }
}

/// How a file becomes a table.
pub(super) struct TableOptions<'a> {
    pub(super) label: &'a Label,
    pub(super) selection: &'a Selection,
    /// The columns of a trained model.
    pub(super) wanted: Option<&'a [Wanted]>,
    /// What the label column holds; `None` to skip it.
    pub(super) target: Option<TargetKind>,
    pub(super) classes: Option<&'a [String]>,
    /// The names or numbers of columns to be taken as text, whatever they look like; `None` for a file in which every
    /// cell has to be a number.
    pub(super) categorical: Option<&'a [String]>,
}

/// Takes each row's cells, and the line that it ends on, in the place of the table.
pub(super) type Spill<'a> = dyn FnMut(&[f64], u64) -> Result<()> + 'a;

/// Reads all rows of a text file. With `spill` the table's columns stay empty but for the different texts: a row's cells
/// are numbers there, or codes of texts; NaN is a missing one.
///
/// # Errors
/// Those of [`read_csv`], without those for missing cells and columns of text where text is allowed; those of `spill`.
pub(super) fn read_text(
    mut rows: CsvRows,
    options: &TableOptions<'_>,
    mut spill: Option<&mut Spill<'_>>,
) -> Result<RawTable> {
    let TableOptions { label, selection, wanted, categorical, .. } = *options;
    let request = Request { label, selection, wanted, texts: categorical.is_some() };
    let head = rows.head();
    let columns = match options.target {
        Some(_) => Columns::labelled(&head, &request)?,
        None => Columns::unlabelled(&head, &request)?,
    };
    let mut cells = cell_columns(&head, &request, &columns.features, categorical)?;
    let mut labels = options.target.zip(columns.label).map(|(kind, column)| (LabelColumn::new(kind), column));
    if columns.has_header {
        rows.take_header(&columns.features)?;
    }
    let (mut lines, mut m, mut spilled) = (Vec::new(), 0, Vec::with_capacity(cells.len()));
    while let Some(row) = rows.next_row()? {
        for column in &mut cells {
            column.push(row)?;
        }
        if let Some((labels, column)) = &mut labels {
            labels.push_cell(row, *column)?;
        }
        match &mut spill {
            Some(spill) => {
                spilled.clear();
                spilled.extend(cells.iter_mut().map(CellColumn::pop));
                spill(&spilled, row.line())?;
            }
            None => lines.push(row.line()),
        }
        m += 1;
    }
    if m == 0 {
        return Err(rows.empty());
    }
    let targets = labels.map(|(labels, column)| {
        let header: &[String] = if columns.has_header { rows.first() } else { &[] };
        labels.finish(rows.path(), &title(header, column), "line", options.classes)
    });
    let table = named_table(&rows, &columns, cells, targets.transpose()?, wanted);
    if spill.is_some() { Ok(table.spilled(m)) } else { table.with_lines(lines).checked() }
}

/// The table of what was read, with the names that the file or the model gives its columns.
fn named_table(
    rows: &CsvRows,
    columns: &Columns,
    cells: Vec<CellColumn>,
    targets: Option<Targets>,
    wanted: Option<&[Wanted]>,
) -> RawTable {
    let header: &[String] = if columns.has_header { rows.first() } else { &[] };
    let name = |at: usize| match wanted {
        Some(wanted) => wanted[at].name.clone(),
        None => header.get(columns.features[at]).cloned().unwrap_or_else(|| format!("x{}", at + 1)),
    };
    let named =
        cells.into_iter().enumerate().map(|(at, column)| Column { name: name(at), cells: column.finish() });
    let target_name = columns.label.and_then(|column| header.get(column)).cloned();
    let table = RawTable::unchecked(file_name(rows.path()), named.collect(), targets);
    let unnamed = (!columns.has_header).then(|| columns.features.iter().map(|column| column + 1).collect());
    table.of_file(rows.origin(), target_name, unnamed, Scale::Standardise)
}

/// Empty columns for the cells of the features.
fn cell_columns(
    head: &Head,
    request: &Request<'_>,
    features: &[usize],
    categorical: Option<&[String]>,
) -> Result<Vec<CellColumn>> {
    let kind = |(at, &column): (usize, &usize)| {
        let is_text = match (request.wanted, categorical) {
            (_, None) => return Ok(CellColumn::new(column, Kind::Strict)),
            (Some(wanted), _) => Some(wanted[at].is_text),
            (None, Some(listed)) => request.lists(head, listed, column)?.then_some(true),
        };
        let kind = match is_text {
            Some(true) => Kind::Text,
            Some(false) => Kind::Number,
            None => Kind::Open,
        };
        Ok(CellColumn::new(column, kind))
    };
    features.iter().enumerate().map(kind).collect()
}
