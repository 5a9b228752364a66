//! From the columns of a file to a table: features chosen, labels turned into targets.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::Sheet;
use crate::data::csv_columns::{Columns, Head, Request};
use crate::data::csv_file::TableOptions;
use crate::data::csv_labels::LabelColumn;
use crate::data::csv_rows::title;
use crate::data::input::file_name;
use crate::data::table::{Cells, Column, NO_TEXT, RawTable};
use crate::data::{Scale, TargetKind, Targets};
use crate::error::{Error, Result};

/// The columns of a file as they are chosen, with their names.
pub(in crate::data) struct Chosen {
    pub(in crate::data) columns: Columns,
    head: Head,
    /// The columns' names; empty where there are none.
    header: Vec<String>,
}

impl Chosen {
    /// Chooses among the columns of a file: all features, or the last of them the label.
    ///
    /// # Errors
    /// [`Error::Data`] for a column that cannot be used; [`Error::InvalidArgument`] for a column that is not there;
    /// [`Error::Shape`] for other columns than those wanted.
    pub(in crate::data) fn new(
        origin: String,
        names: Option<Vec<String>>,
        n_columns: usize,
        features_only: bool,
        options: &TableOptions<'_>,
    ) -> Result<Self> {
        let request = request(options);
        let head = match &names {
            Some(names) => Head::named(origin, names.clone()),
            None => Head::unnamed(origin, n_columns),
        };
        let columns = match options.target {
            _ if features_only => Columns::features_only(&head, &request)?,
            Some(_) => Columns::labelled(&head, &request)?,
            None => Columns::unlabelled(&head, &request)?,
        };
        Ok(Self { columns, head, header: names.unwrap_or_default() })
    }

    /// The name of a feature.
    pub(in crate::data) fn name(&self, at: usize, options: &TableOptions<'_>) -> String {
        match options.wanted {
            Some(wanted) => wanted[at].name.clone(),
            None => {
                self.header.get(self.columns.features[at]).cloned().unwrap_or_else(|| format!("x{}", at + 1))
            }
        }
    }

    /// Whether a feature is to be taken as a text.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a column of categories that is not there.
    pub(in crate::data) fn is_text(&self, at: usize, options: &TableOptions<'_>) -> Result<bool> {
        let listed = options.categorical.unwrap_or(&[]);
        match options.wanted {
            Some(wanted) => Ok(wanted[at].is_text),
            None => request(options).lists(&self.head, listed, self.columns.features[at]),
        }
    }

    /// An empty collector of labels, as many as there are rows.
    pub(in crate::data) fn labels(&self, kind: TargetKind, path: &Path) -> Labels {
        let title = self.columns.label.map_or_else(|| "the labels".into(), |at| title(&self.header, at));
        Labels { column: LabelColumn::new(kind), kind, path: path.into(), title }
    }

    /// A table with what is known of the file.
    pub(in crate::data) fn table(
        &self,
        path: &Path,
        features: Vec<Column>,
        targets: Option<Targets>,
        usual_scale: Scale,
    ) -> RawTable {
        let target_name = self.columns.label.and_then(|column| self.header.get(column)).cloned();
        let numbers = || self.columns.features.iter().map(|column| column + 1).collect();
        let unnamed = self.header.is_empty().then(numbers);
        let table = RawTable::unchecked(file_name(path), features, targets);
        table.of_file(path.display().to_string(), target_name, unnamed, usual_scale)
    }
}

fn request<'a>(options: &TableOptions<'a>) -> Request<'a> {
    let TableOptions { label, selection, wanted, .. } = *options;
    Request { label, selection, wanted, texts: true }
}

/// Labels as they become targets.
pub(in crate::data) struct Labels {
    column: LabelColumn,
    kind: TargetKind,
    path: PathBuf,
    title: String,
}

impl Labels {
    /// Takes the label of a row: a number or a text.
    ///
    /// # Errors
    /// [`Error::Data`] for a missing or infinite one, and for a text that is to be a value.
    pub(in crate::data) fn push(
        &mut self,
        row: usize,
        number: Option<f64>,
        text: Option<&str>,
    ) -> Result<()> {
        let fail = |problem: &str| {
            let place = format!("{}, row {}", self.path.display(), row + 1);
            Error::data(place, format!("{}: {problem}; correct it or remove the row", self.title))
        };
        match (number, text) {
            (_, Some(_)) if self.kind == TargetKind::Values => {
                return Err(fail("a text is no value to learn"));
            }
            (_, Some(text)) => self.column.push_text(text, row as u64 + 1),
            (Some(number), _) if number.is_finite() => self.column.push_number(number, row as u64 + 1),
            (Some(_), _) => return Err(fail("an infinite number is no label")),
            (None, None) => return Err(fail("the label is missing")),
        }
        Ok(())
    }

    /// Takes the labels of all rows.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub(in crate::data) fn push_all(&mut self, cells: &Cells) -> Result<()> {
        self.push_some(0, cells)
    }

    /// Takes the labels of the rows from `first` on.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub(in crate::data) fn push_some(&mut self, first: usize, cells: &Cells) -> Result<()> {
        (0..cells.len()).try_for_each(|row| self.push(first + row, cells.number(row), cells.text(row)))
    }

    /// The targets of all rows.
    ///
    /// # Errors
    /// Those of [`LabelColumn::finish`].
    pub(in crate::data) fn finish(self, classes: Option<&[String]>) -> Result<Targets> {
        self.column.finish(&self.path, &self.title, "row", classes)
    }
}

/// Refuses labels of another number than the rows.
pub(in crate::data) fn check_labels(origin: &str, rows: usize, labels: usize) -> Result<()> {
    if labels == rows {
        return Ok(());
    }
    Err(Error::Shape {
        what: format!("labels of {origin}"),
        expected: format!("{rows}, one a row"),
        found: labels.to_string(),
        hint: "use the labels that belong to these rows".into(),
    })
}

/// The error of a file without labels.
pub(in crate::data) fn no_labels(origin: &str) -> Error {
    Error::data(origin, "it has no labels; name their file with --labels-file")
}

/// Makes the table that `options` ask for of the columns that were read.
///
/// # Errors
/// [`Error::Data`] for a column or label that cannot be used; [`Error::InvalidArgument`] for a column that is not
/// there; [`Error::Shape`] for other columns than those wanted, or labels of another number.
pub(in crate::data) fn assemble(
    mut sheet: Sheet,
    path: &Path,
    options: &TableOptions<'_>,
) -> Result<RawTable> {
    let origin = path.display().to_string();
    if sheet.columns.first().is_none_or(Cells::is_empty) {
        return Err(Error::data(origin, "empty: no samples"));
    }
    let (names, n_columns) = (sheet.names.take(), sheet.columns.len());
    let chosen = Chosen::new(origin.clone(), names, n_columns, sheet.features_only, options)?;
    let targets = match options.target {
        Some(kind) => {
            let apart = sheet.labels.as_ref();
            let cells = apart.or_else(|| chosen.columns.label.map(|column| &sheet.columns[column]));
            let cells = cells.ok_or_else(|| no_labels(&origin))?;
            check_labels(&origin, sheet.columns.first().map_or(0, Cells::len), cells.len())?;
            let mut labels = chosen.labels(kind, path);
            labels.push_all(cells)?;
            Some(labels.finish(options.classes)?)
        }
        None => None,
    };
    let mut features = Vec::with_capacity(chosen.columns.features.len());
    for (at, &column) in chosen.columns.features.iter().enumerate() {
        let cells = std::mem::replace(&mut sheet.columns[column], Cells::Bytes(Vec::new()));
        let cells = if chosen.is_text(at, options)? { texts(cells) } else { cells };
        features.push(Column { name: chosen.name(at, options), cells });
    }
    chosen.table(path, features, targets, sheet.usual_scale).checked()
}

/// Numbers as categories.
fn texts(cells: Cells) -> Cells {
    if cells.is_text() {
        return cells;
    }
    let mut numbers = NumberTexts::default();
    let code = |row| cells.number(row).map_or(NO_TEXT, |number| numbers.code(number));
    let codes = (0..cells.len()).map(code).collect();
    Cells::Texts { codes, texts: numbers.texts }
}

/// The texts of numbers that are taken as categories, each with a code, in the order in which they come.
#[derive(Default)]
pub(in crate::data) struct NumberTexts {
    known: HashMap<u64, u32>,
    pub(in crate::data) texts: Vec<String>,
}

impl NumberTexts {
    /// The code of a number.
    pub(in crate::data) fn code(&mut self, number: f64) -> u32 {
        *self.known.entry(number.to_bits()).or_insert_with(|| {
            self.texts.push(number.to_string());
            self.texts.len() as u32 - 1
        })
    }
}
