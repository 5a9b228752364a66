//! How a [`Preprocessing`] is learnt from the training rows of a table; the statistics themselves are `column_fit`'s.

use std::fmt;
use std::str::FromStr;

use super::column_fit::{NumberFit, TextFit, Unfit};
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
            let fit = Fit { table, at, rows, preparation: *preparation };
            Ok(ColumnStep { name: column.name.clone(), step: fit.step(&column.cells)? })
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
    preparation: Preparation,
}

impl Fit<'_> {
    fn step(&self, cells: &Cells) -> Result<Step> {
        let step = match cells {
            Cells::Texts { codes, texts } => {
                check_categories(self.table, self.at, texts)?;
                let mut fit = TextFit::new(self.preparation, texts.len());
                self.rows.iter().for_each(|&row| fit.push(row, Some(codes[row] as usize)));
                fit.finish(texts)
            }
            cells => self.numbers(cells),
        };
        step.map_err(|unfit| unfit_error(self.table, self.at, unfit))
    }

    fn numbers(&self, cells: &Cells) -> std::result::Result<Step, Unfit> {
        let mut fit = NumberFit::new(self.preparation);
        while !fit.is_done() {
            self.rows.iter().for_each(|&row| fit.push(row, cells.number(row)));
            fit.end_pass()?;
        }
        fit.finish()
    }
}

/// Refuses a column of more different texts than can be features.
pub(super) fn check_categories(table: &RawTable, at: usize, texts: &[String]) -> Result<()> {
    if texts.len() <= MAX_CATEGORIES {
        return Ok(());
    }
    Err(Error::data(
        table.origin(),
        format!(
            "{} has {} different texts, and at most {MAX_CATEGORIES} can be features; leave it out with --drop",
            table.title(at),
            texts.len()
        ),
    ))
}

/// The error of a column that cannot be learnt from.
pub(super) fn unfit_error(table: &RawTable, at: usize, unfit: Unfit) -> Error {
    let title = table.title(at);
    let problem = match unfit {
        Unfit::Missing(row) => return missing(table, row, at),
        Unfit::NoValues => format!("{title} has no values at all; leave it out with --drop"),
        Unfit::TooLarge => format!("{title}: its numbers are too large to be scaled; use --scale none"),
    };
    Error::data(table.origin(), problem)
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
