//! Which column of a file is which: header or not, the label, and the features a model wants.

use std::collections::HashMap;
use std::convert::Infallible;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::csv_rows::{is_missing, list, title};
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

/// Which columns are features, by header names or numbers from 1.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selection {
    /// These, in this order; all but the label if none is named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<String>,
    /// These are not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drop: Vec<String>,
}

/// A column that a trained model needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Its name.
    pub name: String,
    /// Whether it holds texts, not numbers.
    pub is_text: bool,
}

/// The beginning of a file: what there is to tell its columns apart.
pub(super) struct Head {
    /// The file as messages name it.
    pub(super) origin: String,
    /// The cells of the first row; of a file with no header, numbers.
    pub(super) first: Vec<String>,
    /// Those of the second.
    pub(super) second: Vec<String>,
    /// Whether the first row holds the names, where the format says so.
    pub(super) named: Option<bool>,
}

impl Head {
    /// Of a format without names for its columns.
    pub(super) fn unnamed(origin: String, n_columns: usize) -> Self {
        Self { origin, first: vec!["0".into(); n_columns], second: Vec::new(), named: Some(false) }
    }

    /// Of a format with a name for each column.
    pub(super) fn named(origin: String, names: Vec<String>) -> Self {
        Self { origin, first: names, second: Vec::new(), named: Some(true) }
    }
}

/// What is asked of a file's columns.
pub(super) struct Request<'a> {
    /// The label's column.
    pub(super) label: &'a Label,
    /// The features, where the caller chooses.
    pub(super) selection: &'a Selection,
    /// The features that a trained model needs.
    pub(super) wanted: Option<&'a [Wanted]>,
    /// Whether features may hold text: then a first row of text may be a sample.
    pub(super) texts: bool,
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
    /// The columns of a file with labels; the features are those selected, or those of a model.
    ///
    /// # Errors
    /// [`Error::Data`] for a single column, a label that is also a feature, or no feature left;
    /// [`Error::InvalidArgument`] for a column that is not there; [`Error::Shape`] for other columns than those wanted.
    pub(super) fn labelled(head: &Head, request: &Request<'_>) -> Result<Self> {
        let first = &head.first;
        if first.len() == 1 {
            let hint = if head.named.is_none() { "; are the columns separated by commas?" } else { "" };
            let problem = format!("only one column, and features and a label are needed{hint}");
            return Err(Error::data(&head.origin, problem));
        }
        let dropped = request.dropped(head)?;
        let label_column = request.find_label(head, &dropped)?;
        let by_name = request.wanted.and_then(|wanted| positions(first, wanted));
        let has_header =
            request.names_columns() || by_name.is_some() || request.has_header(head, Some(label_column));
        let features = match (request.wanted, by_name) {
            (_, Some(features)) => features,
            (wanted, None) => {
                let features = request.selected(head, Some(label_column), &dropped)?;
                match wanted {
                    Some(wanted) if wanted.len() != features.len() => return Err(misfit(head, wanted)),
                    _ => features,
                }
            }
        };
        if features.contains(&label_column) {
            let whose = if request.wanted.is_some() { "the model's features" } else { "the features" };
            return Err(Error::data(
                &head.origin,
                format!(
                    "the label {} is one of {whose}; choose the label column with --label",
                    title(first, label_column)
                ),
            ));
        }
        if features.is_empty() {
            return Err(no_feature(head));
        }
        Ok(Self { has_header, features, label: Some(label_column) })
    }

    /// The columns of a file whose label, if any, is not read: by the header's names where it has all of those wanted,
    /// else by position.
    ///
    /// # Errors
    /// [`Error::Shape`] for other columns than those wanted, with or without a label; [`Error::InvalidArgument`] for a
    /// column that is not there.
    pub(super) fn unlabelled(head: &Head, request: &Request<'_>) -> Result<Self> {
        let (first, wanted) = (&head.first, request.wanted.unwrap_or(&[]));
        if let Some(features) = positions(first, wanted) {
            return Ok(Self { has_header: true, features, label: None });
        }
        let dropped = request.dropped(head)?;
        let all = request.selected(head, None, &dropped)?;
        let label = if all.len() == wanted.len() {
            None
        } else if all.len() == wanted.len() + 1 {
            Some(request.find_label(head, &dropped)?)
        } else {
            return Err(misfit(head, wanted));
        };
        let features: Vec<usize> = all.into_iter().filter(|&column| Some(column) != label).collect();
        if features.len() != wanted.len() {
            return Err(misfit(head, wanted));
        }
        let has_header = request.names_columns() || request.has_header(head, label);
        Ok(Self { has_header, features, label })
    }
}

impl Columns {
    /// The columns of a file that holds features alone.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a column that is not there; [`Error::Shape`] for other columns than those wanted.
    pub(super) fn features_only(head: &Head, request: &Request<'_>) -> Result<Self> {
        let features = request.selected(head, None, &request.dropped(head)?)?;
        match request.wanted {
            Some(wanted) if wanted.len() != features.len() => Err(misfit(head, wanted)),
            _ if features.is_empty() => Err(no_feature(head)),
            _ => Ok(Self { has_header: request.has_header(head, None), features, label: None }),
        }
    }
}

impl Request<'_> {
    /// Whether a column is asked for by its name, so that there has to be a header.
    fn names_columns(&self) -> bool {
        let chosen = self.selection.features.iter().chain(&self.selection.drop);
        let mut chosen = chosen.map(|column| Label::from_option(Some(column)));
        matches!(self.label, Label::Name(_)) || chosen.any(|column| matches!(column, Label::Name(_)))
    }

    fn dropped(&self, head: &Head) -> Result<Vec<usize>> {
        self.selection.drop.iter().map(|column| find(head, "column to drop", column)).collect()
    }

    fn find_label(&self, head: &Head, dropped: &[usize]) -> Result<usize> {
        match self.label {
            Label::Last => {
                let kept = (0..head.first.len()).rev().find(|column| !dropped.contains(column));
                kept.ok_or_else(|| Error::data(&head.origin, "every column is dropped; drop fewer"))
            }
            label => find_column(head, "label column", label),
        }
    }

    /// Whether `column` is among those listed by name or number.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for one that is not there.
    pub(super) fn lists(&self, head: &Head, listed: &[String], column: usize) -> Result<bool> {
        let found = listed.iter().map(|listed| find(head, "column of categories", listed));
        Ok(found.collect::<Result<Vec<_>>>()?.contains(&column))
    }

    /// The columns chosen as features: those named, or all but the label, without those dropped.
    fn selected(&self, head: &Head, label: Option<usize>, dropped: &[usize]) -> Result<Vec<usize>> {
        let listed = &self.selection.features;
        let mut chosen = if listed.is_empty() {
            (0..head.first.len()).filter(|&column| Some(column) != label).collect()
        } else {
            let columns = listed.iter().map(|column| find(head, "feature column", column));
            columns.collect::<Result<Vec<_>>>()?
        };
        if let Some(twice) = (1..listed.len()).find(|&i| chosen[..i].contains(&chosen[i])) {
            return Err(Error::invalid("feature column", &listed[twice], "it is listed twice; name it once"));
        }
        chosen.retain(|column| !dropped.contains(column));
        Ok(chosen)
    }

    /// Whether the first row is a header: it has text in a column of numbers. Where columns may hold text, a first row
    /// with a number in it is one only if the second row has a number under a text.
    fn has_header(&self, head: &Head, label: Option<usize>) -> bool {
        let first = &head.first;
        if let Some(named) = head.named {
            return named;
        }
        if !has_text(first, label) {
            return false;
        }
        let number = |cell: &String| !is_missing(cell) && cell.parse::<f64>().is_ok();
        let others = || first.iter().enumerate().filter(|&(column, _)| Some(column) != label);
        if !self.texts || !others().any(|(_, cell)| number(cell)) {
            return true;
        }
        let second = &head.second;
        others().any(|(column, cell)| {
            !is_missing(cell) && !number(cell) && second.get(column).is_some_and(number)
        })
    }
}

/// Where each of `wanted` is among the cells of the first row; `None` if one is missing.
fn positions(first: &[String], wanted: &[Wanted]) -> Option<Vec<usize>> {
    let columns: HashMap<&String, usize> = first.iter().zip(0..).collect();
    wanted.iter().map(|wanted| columns.get(&wanted.name).copied()).collect()
}

/// Whether a row has text outside the label column. A missing cell says nothing either way.
fn has_text(first: &[String], label: Option<usize>) -> bool {
    let others = || first.iter().enumerate().filter(|&(column, _)| Some(column) != label);
    others().any(|(_, cell)| !is_missing(cell) && cell.parse::<f64>().is_err())
}

fn find(head: &Head, what: &'static str, column: &str) -> Result<usize> {
    find_column(head, what, &Label::from_option(Some(column)))
}

fn find_column(head: &Head, what: &'static str, column: &Label) -> Result<usize> {
    let first = &head.first;
    let last = first.len() - 1;
    let unknown = |value: String, reason: String| Error::invalid(what, value, reason);
    match column {
        Label::Last => Ok(last),
        Label::Number(number) if (1..=first.len()).contains(number) => Ok(number - 1),
        Label::Number(number) => {
            Err(unknown(number.to_string(), format!("{} has columns 1 to {}", &head.origin, first.len())))
        }
        Label::Name(name) => first.iter().position(|cell| cell == name).ok_or_else(|| {
            let reason = if head.named.unwrap_or_else(|| has_text(first, Some(last))) {
                format!("the columns of {} are {}", &head.origin, list(first.iter()))
            } else {
                format!("{} has no header; give the column's number, 1 to {}", &head.origin, first.len())
            };
            unknown(name.clone(), reason)
        }),
    }
}

fn no_feature(head: &Head) -> Error {
    Error::data(&head.origin, "no column is left to be a feature; drop fewer")
}

fn misfit(head: &Head, wanted: &[Wanted]) -> Error {
    let names: Vec<String> = wanted.iter().map(|wanted| wanted.name.clone()).collect();
    Error::Shape {
        what: head.origin.clone(),
        expected: format!("the model's {} features ({})", wanted.len(), list(names.iter())),
        found: format!("{} columns", head.first.len()),
        hint: "name the features in a header, or give exactly these columns, at most with a label besides"
            .into(),
    }
}
