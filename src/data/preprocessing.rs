//! From raw columns to features: missing values filled in, numbers scaled, texts one-hot; fitted on some rows of a
//! table, kept with the model, applied to any other. `fitting` has the statistics.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::csv_rows::{list, shown};
use super::table::{Cells, RawTable};
use super::{Dataset, Features, Unit, Wanted};
use crate::error::{Error, Result};

/// How the columns of a table become features; see [`Preprocessing::fit`](Self::fit).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Preprocessing {
    /// One step a raw column, in the order of the features.
    pub columns: Vec<ColumnStep>,
}

/// What becomes of one raw column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnStep {
    /// The column's name.
    pub name: String,
    /// What its cells turn into.
    pub step: Step,
}

/// What the cells of a column turn into.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// A number x becomes the feature (x - shift) / scale.
    Number {
        /// What a missing x is taken for; missing numbers are an error if there is none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fill: Option<f64>,
        /// Subtracted.
        shift: f64,
        /// Divided by.
        scale: f64,
    },
    /// A text becomes one feature a category: 1 for its own, 0 for the others.
    Category {
        /// What a missing text is taken for; missing texts are an error if there is none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fill: Option<String>,
        /// The categories, sorted.
        names: Vec<String>,
    },
}

impl Step {
    /// The number as it is.
    pub const IDENTITY: Self = Self::Number { fill: None, shift: 0.0, scale: 1.0 };

    /// Features that the column becomes.
    fn width(&self) -> usize {
        match self {
            Self::Number { .. } => 1,
            Self::Category { names, .. } => names.len(),
        }
    }
}

impl Preprocessing {
    /// Columns of numbers that are features as they are.
    pub fn identity(names: &[String]) -> Self {
        let columns = names.iter().map(|name| ColumnStep { name: name.clone(), step: Step::IDENTITY });
        Self { columns: columns.collect() }
    }

    /// The columns that it needs, to be asked of a file.
    pub fn wanted(&self) -> Vec<Wanted> {
        let wanted = self.columns.iter().map(|ColumnStep { name, step }| Wanted {
            name: name.clone(),
            is_text: matches!(step, Step::Category { .. }),
        });
        wanted.collect()
    }

    /// Whether it can be applied at all: every number it divides by is one, and no category is there twice.
    pub fn is_sound(&self) -> bool {
        self.columns.iter().all(|ColumnStep { step, .. }| match step {
            Step::Number { fill, shift, scale } => {
                let finite = [*shift, *scale, fill.unwrap_or(0.0)].iter().all(|number| number.is_finite());
                finite && *scale > 0.0
            }
            Step::Category { fill, names } => {
                let different = names.iter().collect::<HashSet<_>>().len() == names.len();
                different && !names.is_empty() && fill.as_ref().is_none_or(|fill| names.contains(fill))
            }
        })
    }

    /// Whether every column is a feature as it is.
    pub fn is_identity(&self) -> bool {
        self.columns.iter().all(|column| column.step == Step::IDENTITY)
    }

    /// The features' names: the columns', and `column=category` for each category.
    pub fn feature_names(&self) -> Vec<String> {
        let names = self.columns.iter().flat_map(|ColumnStep { name, step }| match step {
            Step::Number { .. } => vec![name.clone()],
            Step::Category { names, .. } => names.iter().map(|text| format!("{name}={text}")).collect(),
        });
        names.collect()
    }

    /// Number of features.
    pub fn n_features(&self) -> usize {
        self.columns.iter().map(|column| column.step.width()).sum()
    }

    /// The data set of some rows of a table, in their order; x is (n_x, rows).
    ///
    /// # Errors
    /// As [`features`](Self::features); [`Error::Data`] for a table without targets.
    pub fn apply(&self, table: &RawTable, rows: &[usize]) -> Result<Dataset> {
        let targets = table.targets().ok_or_else(|| {
            Error::data(table.origin(), "read without targets; only predictions can be made from it")
        })?;
        let Features { x, .. } = self.features(table, rows)?;
        let dataset = Dataset::new(table.name(), x, self.feature_names(), targets.of_rows(rows))?;
        Ok(Dataset { units: self.units(), ..dataset })
    }

    /// What each feature stands for.
    pub fn units(&self) -> Vec<Unit> {
        let units = self.columns.iter().flat_map(|ColumnStep { step, .. }| match step {
            Step::Number { shift, scale, .. } => vec![Unit { shift: *shift, scale: *scale }],
            Step::Category { names, .. } => vec![Unit::SAME; names.len()],
        });
        units.collect()
    }

    /// The features of some rows of a table, in their order; x is (n_x, rows).
    ///
    /// # Errors
    /// [`Error::Shape`] for other columns than those fitted; [`Error::Data`] with the row and the column for a missing
    /// value that has no stand-in, a text that is no known category, or a number too large to be scaled.
    pub fn features(&self, table: &RawTable, rows: &[usize]) -> Result<Features> {
        self.check_columns(table)?;
        let (n_features, m) = (self.n_features(), rows.len());
        let mut x = Vec::with_capacity(n_features * m);
        for (at, ColumnStep { step, .. }) in self.columns.iter().enumerate() {
            match step {
                Step::Number { fill, shift, scale } => {
                    let cells = &table.columns()[at].cells;
                    for &row in rows {
                        let number = cells.number(row).or(*fill);
                        let number = number.ok_or_else(|| missing(table, row, at))?;
                        let scaled = scaled(number, *shift, *scale);
                        x.push(scaled.ok_or_else(|| table.error(row, too_far(&table.title(at), number)))?);
                    }
                }
                Step::Category { fill, names } => {
                    let categories = Categories { table, at, fill: fill.as_deref(), names };
                    let start = x.len();
                    x.resize(start + names.len() * m, 0.0);
                    for (j, category) in categories.of_rows(rows)?.into_iter().enumerate() {
                        x[start + category * m + j] = 1.0;
                    }
                }
            }
        }
        Ok(Features { x, n_features, m })
    }

    /// Refuses a table with other columns, or texts where numbers were.
    pub(super) fn check_columns(&self, table: &RawTable) -> Result<()> {
        let columns = table.columns();
        if columns.len() != self.columns.len() {
            return Err(Error::Shape {
                what: format!("columns of {}", table.origin()),
                expected: format!("{} ({})", self.columns.len(), list(self.columns.iter().map(|c| &c.name))),
                found: columns.len().to_string(),
                hint: "use data with the columns that the model was trained on".into(),
            });
        }
        let kind = |is_text| if is_text { "text" } else { "numbers" };
        for (column, fitted) in columns.iter().zip(&self.columns) {
            let (found, wanted) = (column.cells.is_text(), matches!(fitted.step, Step::Category { .. }));
            if found != wanted {
                return Err(Error::data(
                    table.origin(),
                    format!(
                        "column {} holds {}, but the model was trained on {} there",
                        shown(&column.name),
                        kind(found),
                        kind(wanted)
                    ),
                ));
            }
        }
        Ok(())
    }
}

/// What becomes of a number, where that is one.
pub(super) fn scaled(number: f64, shift: f64, scale: f64) -> Option<f64> {
    let scaled = (number - shift) / scale;
    scaled.is_finite().then_some(scaled)
}

/// What is wrong with a number that [`scaled`] makes none of.
pub(super) fn too_far(title: &str, number: f64) -> String {
    format!("{title}: {number} cannot be scaled like the training data; correct it")
}

/// The error of a missing cell.
pub(super) fn missing(table: &RawTable, row: usize, column: usize) -> Error {
    table.error(row, no_value(&table.title(column)))
}

/// What is wrong with a missing cell.
pub(super) fn no_value(title: &str) -> String {
    format!(
        "{title} has no value (empty, NA, NaN or ?); fill it in, remove the row, or train with --impute mean or median"
    )
}

/// What is wrong with a text that is no category.
pub(super) fn unknown_category(title: &str, text: &str, names: &[String]) -> String {
    let (text, names) = (shown(text), list(names.iter()));
    format!("{title}: {text} is none of the model's categories ({names}); correct it or remove the row")
}

/// A column of texts beside its fitted categories.
struct Categories<'a> {
    table: &'a RawTable,
    at: usize,
    fill: Option<&'a str>,
    names: &'a [String],
}

impl Categories<'_> {
    /// The category of each row.
    fn of_rows(&self, rows: &[usize]) -> Result<Vec<usize>> {
        let known: HashMap<&str, usize> = self.names.iter().map(String::as_str).zip(0..).collect();
        // Looked up once a text, not once a row.
        let texts: &[String] = match &self.table.columns()[self.at].cells {
            Cells::Texts { texts, .. } => texts,
            _ => &[],
        };
        let of_text: HashMap<&str, Option<usize>> =
            texts.iter().map(|text| (text.as_str(), known.get(text.as_str()).copied())).collect();
        let fill = self.fill.and_then(|fill| known.get(fill).copied());
        let category = |&row: &usize| match self.table.columns()[self.at].cells.text(row) {
            Some(text) => of_text[text].ok_or_else(|| self.unknown(row, text)),
            None => fill.ok_or_else(|| missing(self.table, row, self.at)),
        };
        rows.iter().map(category).collect()
    }

    fn unknown(&self, row: usize, text: &str) -> Error {
        self.table.error(row, unknown_category(&self.table.title(self.at), text, self.names))
    }
}
