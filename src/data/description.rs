//! What a table holds, in figures: for a person to see how a file would be read before a network is trained on it.

use serde::Serialize;

use super::table::{Cells, Column, RawTable};
use super::{Scale, Targets};

/// What a table holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Description {
    /// The file's name, or the generator's.
    pub name: String,
    /// Number of rows.
    pub rows: usize,
    /// Features that a network would see: the columns of numbers, and one a category.
    pub features: usize,
    /// Cells without a value.
    pub missing: usize,
    /// How the numbers would be scaled.
    pub scale: String,
    /// The columns of the features.
    pub columns: Vec<ColumnDescription>,
    /// What is to be learnt.
    pub target: Option<TargetDescription>,
}

/// What a column holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ColumnDescription {
    /// Its name.
    pub name: String,
    /// Cells without a value.
    pub missing: usize,
    /// What the others are.
    #[serde(flatten)]
    pub values: Values,
}

/// What the cells of a column are.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Values {
    /// Numbers.
    Numbers {
        /// Their figures, unless all are missing.
        #[serde(flatten)]
        range: Option<Range>,
    },
    /// Texts.
    Texts {
        /// The different texts with their number of rows, sorted by text.
        categories: Vec<Count>,
    },
}

/// The figures of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Range {
    /// The least number.
    pub min: f64,
    /// The greatest.
    pub max: f64,
    /// Their mean.
    pub mean: f64,
}

/// How often something occurs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Count {
    /// A category or a class.
    pub name: String,
    /// Its rows.
    pub rows: usize,
}

/// What is to be learnt.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "task", rename_all = "snake_case")]
pub enum TargetDescription {
    /// A class for each row.
    Classification {
        /// The column, where it has a name.
        name: Option<String>,
        /// The classes, by index.
        classes: Vec<Count>,
    },
    /// A value for each row.
    Regression {
        /// The column, where it has a name.
        name: Option<String>,
        /// The values' figures.
        #[serde(flatten)]
        range: Range,
    },
}

impl Description {
    /// Describes a table whose numbers are to be scaled as said.
    pub fn new(table: &RawTable, scale: Scale) -> Self {
        let columns: Vec<_> = table.columns().iter().map(ColumnDescription::new).collect();
        let width = |column: &ColumnDescription| match &column.values {
            Values::Numbers { .. } => 1,
            Values::Texts { categories } => categories.len(),
        };
        Self {
            name: table.name().to_owned(),
            rows: table.m(),
            features: columns.iter().map(width).sum(),
            missing: columns.iter().map(|column| column.missing).sum(),
            scale: scale.to_string(),
            columns,
            target: table.targets().and_then(|targets| TargetDescription::new(table, targets)),
        }
    }
}

impl ColumnDescription {
    fn new(column: &Column) -> Self {
        let Column { name, cells } = column;
        let (present, values) = match cells {
            Cells::Texts { codes, texts } => {
                let mut rows = vec![0; texts.len()];
                for &code in codes {
                    if let Some(rows) = rows.get_mut(code as usize) {
                        *rows += 1;
                    }
                }
                let present = rows.iter().sum();
                let counts = texts.iter().zip(rows).map(|(name, rows)| Count { name: name.clone(), rows });
                let mut categories: Vec<_> = counts.collect();
                categories.sort_unstable_by(|a, b| a.name.cmp(&b.name));
                (present, Values::Texts { categories })
            }
            cells => {
                let numbers = || (0..cells.len()).filter_map(|row| cells.number(row));
                (numbers().count(), Values::Numbers { range: Range::of(numbers()) })
            }
        };
        Self { name: name.clone(), missing: cells.len() - present, values }
    }
}

impl TargetDescription {
    fn new(table: &RawTable, targets: &Targets) -> Option<Self> {
        let name = table.target_name().map(str::to_owned);
        match targets {
            Targets::Classes { labels, names } => {
                let mut classes: Vec<_> =
                    names.iter().map(|name| Count { name: name.clone(), rows: 0 }).collect();
                for &label in labels {
                    classes[label as usize].rows += 1;
                }
                Some(Self::Classification { name, classes })
            }
            Targets::Values { values, .. } => {
                Range::of(values.iter().copied()).map(|range| Self::Regression { name, range })
            }
        }
    }
}

impl Range {
    /// The figures of some numbers, if there are any.
    fn of(numbers: impl Iterator<Item = f64>) -> Option<Self> {
        let start = (f64::INFINITY, f64::NEG_INFINITY, 0.0, 0.0);
        let (min, max, sum, count) = numbers.fold(start, |(min, max, sum, count), number| {
            (f64::min(min, number), f64::max(max, number), sum + number, count + 1.0)
        });
        (count > 0.0).then(|| Self { min, max, mean: sum / count })
    }
}
