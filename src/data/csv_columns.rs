//! Which column of a CSV file is which: header or not, the label, and the features a model wants.

use std::collections::HashMap;
use std::convert::Infallible;
use std::str::FromStr;

use super::csv_rows::{CsvRows, list, title};
use crate::error::{Error, Result};

/// Which column holds the label.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Label {
    /// By the header's name.
    Name(String),
    /// By position, counted from 1.
    Number(usize),
    /// The last column.
    #[default]
    Last,
}

/// A positive integer is a [`Label::Number`], anything else a [`Label::Name`].
impl Label {
    /// The column of that name or number, or the last.
    pub fn from_option(text: Option<&str>) -> Self {
        text.map_or(Self::Last, |text| {
            let Ok(label) = text.parse();
            label
        })
    }
}

impl FromStr for Label {
    type Err = Infallible;

    fn from_str(text: &str) -> std::result::Result<Self, Infallible> {
        Ok(match text.parse() {
            Ok(number) if number > 0 => Self::Number(number),
            _ => Self::Name(text.to_owned()),
        })
    }
}

/// The columns of a file, by index.
pub(super) struct Columns {
    /// Whether the first row holds the names.
    pub(super) has_header: bool,
    /// The features' columns, in the order wanted.
    pub(super) features: Vec<usize>,
    /// The label's column, where one is read or skipped.
    pub(super) label: Option<usize>,
}

impl Columns {
    /// The columns of a file with labels; the features are all the others, or those of a model.
    ///
    /// # Errors
    /// [`Error::Data`] for a single column, or a label that is also a feature; [`Error::InvalidArgument`] for a label
    /// that is not there; [`Error::Shape`] for other columns than `wanted`.
    pub(super) fn labelled(rows: &CsvRows, label: &Label, wanted: Option<&[String]>) -> Result<Self> {
        let first = rows.first();
        if first.len() == 1 {
            return Err(Error::data(
                rows.origin(),
                "only one column, and features and a label are needed; are the columns separated by commas?",
            ));
        }
        let label_column = find_label(rows, label)?;
        let named = matches!(label, Label::Name(_));
        let by_name = wanted.and_then(|wanted| positions(first, wanted));
        let has_header = named || by_name.is_some() || has_text(first, Some(label_column));
        let others = || (0..first.len()).filter(|&column| column != label_column).collect();
        let features = match (wanted, by_name) {
            (_, Some(features)) => features,
            (Some(wanted), None) if wanted.len() + 1 != first.len() => return Err(misfit(rows, wanted)),
            _ => others(),
        };
        if features.contains(&label_column) {
            return Err(Error::data(
                rows.origin(),
                format!(
                    "the label {} is one of the model's features; choose the label column with --label",
                    title(first, label_column)
                ),
            ));
        }
        Ok(Self { has_header, features, label: Some(label_column) })
    }

    /// The columns of a file whose label, if any, is not read: by the header's names where it has all of `wanted`,
    /// else by position.
    ///
    /// # Errors
    /// [`Error::Shape`] for other columns than `wanted`, with or without a label; [`Error::InvalidArgument`] for a
    /// label that is not there.
    pub(super) fn unlabelled(rows: &CsvRows, wanted: &[String], label: &Label) -> Result<Self> {
        let first = rows.first();
        if let Some(features) = positions(first, wanted) {
            return Ok(Self { has_header: true, features, label: None });
        }
        let label = if first.len() == wanted.len() {
            None
        } else if first.len() == wanted.len() + 1 {
            Some(find_label(rows, label)?)
        } else {
            return Err(misfit(rows, wanted));
        };
        let features = (0..first.len()).filter(|&column| Some(column) != label).collect();
        Ok(Self { has_header: has_text(first, label), features, label })
    }
}

/// Where each of `wanted` is among the cells of the first row; `None` if one is missing.
fn positions(first: &[String], wanted: &[String]) -> Option<Vec<usize>> {
    let columns: HashMap<&String, usize> = first.iter().zip(0..).collect();
    wanted.iter().map(|name| columns.get(name).copied()).collect()
}

/// Whether a first row is a header: it has text in a column of numbers. An empty cell says nothing either way.
fn has_text(first: &[String], label: Option<usize>) -> bool {
    first
        .iter()
        .enumerate()
        .any(|(column, cell)| Some(column) != label && !cell.is_empty() && cell.parse::<f64>().is_err())
}

fn find_label(rows: &CsvRows, label: &Label) -> Result<usize> {
    let first = rows.first();
    let last = first.len() - 1;
    let unknown = |value: String, reason: String| Error::invalid("label column", value, reason);
    match label {
        Label::Last => Ok(last),
        Label::Number(number) if (1..=first.len()).contains(number) => Ok(number - 1),
        Label::Number(number) => {
            Err(unknown(number.to_string(), format!("{} has columns 1 to {}", rows.origin(), first.len())))
        }
        Label::Name(name) => first.iter().position(|cell| cell == name).ok_or_else(|| {
            let reason = if has_text(first, Some(last)) {
                format!("the columns of {} are {}", rows.origin(), list(first.iter()))
            } else {
                format!("{} has no header; give the column's number, 1 to {}", rows.origin(), first.len())
            };
            unknown(name.clone(), reason)
        }),
    }
}

fn misfit(rows: &CsvRows, wanted: &[String]) -> Error {
    Error::Shape {
        what: rows.origin(),
        expected: format!("the model's {} features ({})", wanted.len(), list(wanted.iter())),
        found: format!("{} columns", rows.first().len()),
        hint: "name the features in a header, or give exactly these columns, at most with a label besides"
            .into(),
    }
}
