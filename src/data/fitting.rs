//! The statistics behind a [`Preprocessing`]: means, deviations, ranges, medians, commonest texts of the training rows.

use std::fmt;
use std::str::FromStr;

use super::csv_rows::shown;
use super::preprocessing::{ColumnStep, Preprocessing, Step, missing};
use super::table::{Cells, Column, RawTable};
use crate::error::{Error, Result};

/// The most different texts that a column may turn into features.
const MAX_CATEGORIES: usize = 1_000;

/// What a missing value is replaced by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Impute {
    /// Nothing: a missing value is an error.
    #[default]
    Refuse,
    /// The column's mean.
    Mean,
    /// The column's median.
    Median,
}

/// How numbers are brought to a common size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scale {
    /// They are left alone.
    #[default]
    None,
    /// (x - mean) / standard deviation, the latter over m as scikit-learn's `StandardScaler` has it.
    Standardise,
    /// (x - min) / (max - min).
    MinMax,
    /// x / 255, whatever the data: the brightness of a pixel.
    Pixels,
}

/// How a [`Preprocessing`] is fitted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Preparation {
    /// What becomes of missing values.
    pub impute: Impute,
    /// What becomes of numbers.
    pub scale: Scale,
}

impl Preprocessing {
    /// Learns from some rows of a table, the training rows, how all its columns become features.
    ///
    /// Missing numbers take the mean or the median, missing texts the commonest text. Only the names of the categories
    /// come from all rows, as those of the classes do; a constant column is shifted but not stretched.
    ///
    /// # Errors
    /// [`Error::Data`] with the row and the column for a missing value under [`Impute::Refuse`], and for a column that
    /// has no values at all or more than 1,000 different texts; [`Error::InvalidArgument`] for no rows.
    pub fn fit(table: &RawTable, rows: &[usize], preparation: &Preparation) -> Result<Self> {
        if rows.is_empty() {
            return Err(Error::invalid("number of training rows", 0, "at least one is needed"));
        }
        let step = |(at, column): (usize, &Column)| {
            let fit = Fit { table, at, rows, preparation };
            let step = match &column.cells {
                Cells::Texts { codes, texts } => fit.texts(codes, texts)?,
                cells => fit.numbers(cells)?,
            };
            Ok(ColumnStep { name: column.name.clone(), step })
        };
        let columns = table.columns().iter().enumerate().map(step).collect::<Result<_>>()?;
        Ok(Self { columns })
    }
}

/// One column while it is learnt from.
struct Fit<'a> {
    table: &'a RawTable,
    at: usize,
    rows: &'a [usize],
    preparation: &'a Preparation,
}

impl Fit<'_> {
    fn numbers(&self, cells: &Cells) -> Result<Step> {
        let Preparation { impute, scale } = self.preparation;
        if let Impute::Refuse = impute
            && let Some(&row) = self.rows.iter().find(|&&row| cells.number(row).is_none())
        {
            return Err(missing(self.table, row, self.at));
        }
        let present: Vec<f64> = self.rows.iter().filter_map(|&row| cells.number(row)).collect();
        if present.is_empty() {
            return Err(self.no_values());
        }
        let fill = match impute {
            Impute::Refuse => None,
            Impute::Mean => Some(mean(&present)),
            Impute::Median => Some(median(&present)),
        };
        let values = || self.rows.iter().filter_map(|&row| cells.number(row).or(fill));
        let (shift, scale) = match scale {
            Scale::None => (0.0, 1.0),
            Scale::Pixels => (0.0, 255.0),
            Scale::Standardise => standard(values()),
            Scale::MinMax => range(values()),
        };
        if !(shift.is_finite() && scale.is_finite()) {
            let problem =
                format!("{}: its numbers are too large to be scaled; use --scale none", self.title());
            return Err(Error::data(self.table.origin(), problem));
        }
        Ok(Step::Number { fill, shift, scale })
    }

    fn texts(&self, codes: &[u32], texts: &[String]) -> Result<Step> {
        if texts.len() > MAX_CATEGORIES {
            return Err(Error::data(
                self.table.origin(),
                format!(
                    "{} has {} different texts, and at most {MAX_CATEGORIES} can be features; leave it out with --drop",
                    self.title(),
                    texts.len()
                ),
            ));
        }
        let mut counts = vec![0_usize; texts.len()];
        for &row in self.rows {
            match (counts.get_mut(codes[row] as usize), self.preparation.impute) {
                (Some(count), _) => *count += 1,
                (None, Impute::Refuse) => return Err(missing(self.table, row, self.at)),
                (None, _) => {}
            }
        }
        let mut sorted: Vec<(&String, usize)> = texts.iter().zip(counts).collect();
        sorted.sort_unstable();
        // The first of the commonest, for a choice that does not hang on the order of the rows.
        let commonest = sorted.iter().rev().max_by_key(|(_, count)| *count);
        let commonest = commonest.filter(|(_, count)| *count > 0).ok_or_else(|| self.no_values())?;
        let fill = (self.preparation.impute != Impute::Refuse).then(|| commonest.0.clone());
        Ok(Step::Category { fill, names: sorted.iter().map(|(text, _)| (*text).clone()).collect() })
    }

    fn title(&self) -> String {
        self.table.title(self.at)
    }

    fn no_values(&self) -> Error {
        let problem = format!("{} has no values at all; leave it out with --drop", self.title());
        Error::data(self.table.origin(), problem)
    }
}

fn mean(values: &[f64]) -> f64 {
    mean_of(values.iter().copied())
}

fn mean_of(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let n = values.clone().count() as f64;
    let first = values.clone().sum::<f64>() / n;
    // The rounding of a long sum is taken back in a second pass.
    first + values.map(|value| value - first).sum::<f64>() / n
}

/// The middle value, or the mean of the two in the middle.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { f64::midpoint(sorted[middle - 1], sorted[middle]) }
}

/// Mean and standard deviation.
fn standard(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let n = values.clone().count() as f64;
    let mean = mean_of(values.clone());
    let variance = values.map(|value| (value - mean).powi(2)).sum::<f64>() / n;
    let deviation = variance.sqrt();
    // The deviation of a constant column is what rounding left of 0.
    let constant = deviation <= 16.0 * f64::EPSILON * mean.abs();
    (mean, if constant { 1.0 } else { deviation })
}

/// Least value, and the way to the greatest.
fn range(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let least = values.clone().fold(f64::INFINITY, f64::min);
    let width = values.fold(f64::NEG_INFINITY, f64::max) - least;
    (least, if width > 0.0 { width } else { 1.0 })
}

impl FromStr for Impute {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "mean" => Ok(Self::Mean),
            "median" => Ok(Self::Median),
            _ => Err(Error::invalid("stand-in for missing values", text, "use mean or median")),
        }
    }
}

impl FromStr for Scale {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let all = [Self::None, Self::Standardise, Self::MinMax, Self::Pixels];
        let spelt = if text == "standardize" { "standardise" } else { text };
        all.into_iter().find(|scale| scale.to_string() == spelt).ok_or_else(|| {
            Error::invalid("scale", shown(text).trim_matches('`'), "use standardise, minmax, pixels or none")
        })
    }
}

impl fmt::Display for Scale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Standardise => "standardise",
            Self::MinMax => "minmax",
            Self::Pixels => "pixels",
        })
    }
}
