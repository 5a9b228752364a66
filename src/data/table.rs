//! A table as a file holds it: named columns of raw cells and the targets beside them. How cells become features is
//! `preprocessing`'s; where they come from is the readers'.

use super::{Dataset, Scale, Targets};
use crate::error::{Error, Result};

/// The code of a cell without a text.
pub(super) const NO_TEXT: u32 = u32::MAX;

/// The raw cells of a column.
#[derive(Clone, Debug, PartialEq)]
pub enum Cells {
    /// Whole numbers from 0 to 255, as images have them; none is missing.
    Bytes(Vec<u8>),
    /// Numbers; NaN is a missing one.
    Singles(Vec<f32>),
    /// Numbers; NaN is a missing one.
    Doubles(Vec<f64>),
    /// Texts, to be told apart and no more.
    Texts {
        /// An index into `texts` for each row; any other number is a missing cell.
        codes: Vec<u32>,
        /// The different texts.
        texts: Vec<String>,
    },
}

impl Cells {
    /// Number of rows.
    pub fn len(&self) -> usize {
        match self {
            Self::Bytes(cells) => cells.len(),
            Self::Singles(cells) => cells.len(),
            Self::Doubles(cells) => cells.len(),
            Self::Texts { codes, .. } => codes.len(),
        }
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the column is one of texts.
    pub fn is_text(&self) -> bool {
        matches!(self, Self::Texts { .. })
    }

    /// The number in a row; `None` where it is missing or a text.
    pub fn number(&self, row: usize) -> Option<f64> {
        let number = match self {
            Self::Bytes(cells) => f64::from(cells[row]),
            Self::Singles(cells) => f64::from(cells[row]),
            Self::Doubles(cells) => cells[row],
            Self::Texts { .. } => f64::NAN,
        };
        (!number.is_nan()).then_some(number)
    }

    /// The text in a row; `None` where it is missing or a number.
    pub fn text(&self, row: usize) -> Option<&str> {
        match self {
            Self::Texts { codes, texts } => texts.get(codes[row] as usize).map(String::as_str),
            _ => None,
        }
    }
}

/// A column of a [`RawTable`].
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its cells, one a row.
    pub cells: Cells,
}

/// The features of a file before any preprocessing, and its targets.
#[derive(Clone, Debug, PartialEq)]
pub struct RawTable {
    name: String,
    origin: String,
    m: usize,
    columns: Vec<Column>,
    targets: Option<Targets>,
    target_name: Option<String>,
    /// The lines of a text file that the rows end on.
    lines: Option<Vec<u64>>,
    usual_scale: Scale,
    /// The numbers, from 1, of columns that the file does not name.
    unnamed: Option<Vec<usize>>,
}

impl RawTable {
    /// A table of columns of equal length, with the targets of its rows where they are known.
    ///
    /// # Errors
    /// [`Error::Data`] for no column, no row, or a number that is infinite; [`Error::Shape`] for columns or targets of
    /// different lengths.
    pub fn new(name: impl Into<String>, columns: Vec<Column>, targets: Option<Targets>) -> Result<Self> {
        Self::unchecked(name.into(), columns, targets).checked()
    }

    /// A table whose origin is still to be set, so that [`checked`](Self::checked) can name it.
    pub(super) fn unchecked(name: String, columns: Vec<Column>, targets: Option<Targets>) -> Self {
        Self {
            origin: name.clone(),
            name,
            m: columns.first().map_or(0, |column| column.cells.len()),
            columns,
            targets,
            target_name: None,
            lines: None,
            usual_scale: Scale::None,
            unnamed: None,
        }
    }

    /// The table, if it is one; the errors are those of [`new`](Self::new).
    pub(super) fn checked(self) -> Result<Self> {
        if self.m == 0 {
            return Err(Error::data(self.origin, "empty: no samples"));
        }
        let lengths = self.columns.iter().map(|column| (column.name.as_str(), column.cells.len()));
        let targets = self.targets.as_ref().map(|targets| ("target", targets.len()));
        if let Some((what, found)) = lengths.chain(targets).find(|&(_, length)| length != self.m) {
            return Err(Error::Shape {
                what: format!("column {what} of {}", self.origin),
                expected: format!("{} rows as in the first column", self.m),
                found: found.to_string(),
                hint: "give every column and the targets one cell a row".into(),
            });
        }
        match self.infinite() {
            Some((row, column)) => Err(self.infinite_error(row, column)),
            None => Ok(self),
        }
    }

    /// Sets what is known of the file: how messages name it, the target's name, the numbers, from 1, of columns that
    /// have no name in it, and the scale that suits its numbers.
    pub(super) fn of_file(
        mut self,
        origin: String,
        target_name: Option<String>,
        unnamed: Option<Vec<usize>>,
        usual_scale: Scale,
    ) -> Self {
        self.origin = origin;
        self.target_name = target_name;
        self.unnamed = unnamed;
        self.usual_scale = usual_scale;
        self
    }

    /// The table of that many rows whose cells are kept elsewhere.
    pub(super) fn spilled(self, m: usize) -> Self {
        Self { m, ..self }
    }

    /// Sets the lines that the rows end on, for messages.
    pub(super) fn with_lines(mut self, lines: Vec<u64>) -> Self {
        self.lines = Some(lines);
        self
    }

    /// The error of an infinite number.
    pub(super) fn infinite_error(&self, row: usize, column: usize) -> Error {
        let title = self.title(column);
        self.error(row, format!("{title} is not a finite number; replace the value or remove the row"))
    }

    /// The first infinite number.
    fn infinite(&self) -> Option<(usize, usize)> {
        self.columns.iter().enumerate().find_map(|(at, column)| {
            let row = match &column.cells {
                Cells::Singles(cells) => cells.iter().position(|cell| cell.is_infinite()),
                Cells::Doubles(cells) => cells.iter().position(|cell| cell.is_infinite()),
                Cells::Bytes(_) | Cells::Texts { .. } => None,
            };
            row.map(|row| (row, at))
        })
    }

    /// The file's name without its folders, or the generator's.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file as messages name it.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Number of rows, m.
    pub fn m(&self) -> usize {
        self.m
    }

    /// How such numbers are usually scaled: those of generators not at all, pixels as pixels, others standardised.
    pub fn usual_scale(&self) -> Scale {
        self.usual_scale
    }

    /// The index of every row, for [`Preprocessing::fit`](super::Preprocessing::fit) on all of them.
    pub fn rows(&self) -> Vec<usize> {
        (0..self.m).collect()
    }

    /// The columns of the features.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// What is to be learnt; `None` in a table read for prediction.
    pub fn targets(&self) -> Option<&Targets> {
        self.targets.as_ref()
    }

    /// What is to be learnt, on its own.
    pub(super) fn into_targets(self) -> Option<Targets> {
        self.targets
    }

    /// The name of the target's column, where it has one.
    pub fn target_name(&self) -> Option<&str> {
        self.target_name.as_deref()
    }

    /// The column of that name, or of that number from 1 where the file does not name its columns.
    pub(super) fn position(&self, column: &str) -> Option<usize> {
        match &self.unnamed {
            Some(numbers) => numbers.iter().position(|number| number.to_string() == column),
            None => self.columns.iter().position(|own| own.name == column),
        }
    }

    /// Leaves a column out.
    pub(super) fn remove_column(&mut self, at: usize) {
        self.columns.remove(at);
        if let Some(numbers) = &mut self.unnamed {
            numbers.remove(at);
        }
    }

    /// A column as messages name it.
    pub(super) fn title(&self, column: usize) -> String {
        match &self.unnamed {
            Some(numbers) => format!("column {}", numbers[column]),
            None => super::csv_rows::named(&self.columns[column].name),
        }
    }

    /// An [`Error::Data`] that names the file and a row.
    pub(super) fn error(&self, row: usize, problem: impl Into<String>) -> Error {
        let place = match &self.lines {
            Some(lines) => format!("{}, line {}", self.origin, lines[row]),
            None => format!("{}, row {}", self.origin, row + 1),
        };
        Error::data(place, problem)
    }
}

/// A data set's features as columns.
impl From<Dataset> for RawTable {
    fn from(dataset: Dataset) -> Self {
        let Dataset { name, x, m, feature_names, targets, .. } = dataset;
        let cells = x.chunks(m).map(|cells| Cells::Doubles(cells.to_vec()));
        let columns = feature_names.into_iter().zip(cells).map(|(name, cells)| Column { name, cells });
        Self::unchecked(name, columns.collect(), Some(targets))
    }
}
