//! The labels of a file: what kind of target its cells are, and which classes they make.

use std::collections::HashMap;
use std::path::Path;

use super::Targets;
use super::csv_cells::has_decimal_comma;
use super::csv_rows::{Row, list, shown};
use crate::error::{Error, Result};

/// As many different whole numbers are taken for classes, however few rows there are.
const FEW: usize = 50;

/// With as many different labels as this no network can tell classes apart: numbers that are not all whole are then values
/// for certain, and need not be kept as texts.
const TOO_MANY: usize = 1 << 16;

/// What the label column of a file holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TargetKind {
    /// Values where the labels are numbers that are not all whole, else classes; many different whole numbers are an
    /// error that asks for a decision.
    #[default]
    Auto,
    /// Classes, whatever the labels look like.
    Classes,
    /// A real value for each sample (regression).
    Values,
}

/// Collects one label after the other.
pub(super) struct LabelColumn {
    kind: TargetKind,
    values: Vec<f64>,
    /// For classes: an index into `texts` for each sample.
    labels: Vec<u32>,
    texts: Vec<Text>,
    known: HashMap<String, u32>,
}

/// A label as the file spells it.
struct Text {
    text: String,
    /// Its value, where it is a number.
    number: Option<f64>,
    /// The line or row where it was first seen.
    place: u64,
}

impl LabelColumn {
    pub(super) fn new(kind: TargetKind) -> Self {
        Self { kind, values: Vec::new(), labels: Vec::new(), texts: Vec::new(), known: HashMap::new() }
    }

    /// Takes the label of one row of a text file.
    ///
    /// # Errors
    /// [`Error::Data`] for an empty cell, a number that is not finite, or, for values, no number at all.
    pub(super) fn push_cell(&mut self, row: Row<'_>, column: usize) -> Result<()> {
        if self.kind == TargetKind::Values {
            self.values.push(row.number(column)?);
            return Ok(());
        }
        let text = row.value(column)?;
        if self.repeat(text) {
            return Ok(());
        }
        if row.known(column)?.is_none() && text.parse::<f64>().is_err() {
            let title = row.title(column);
            return Err(
                row.error(format!("{title}: {} is no label; fill it in or remove the row", shown(text)))
            );
        }
        if self.kind == TargetKind::Auto && has_decimal_comma(text) {
            let (title, text) = (row.title(column), shown(text));
            return Err(row.error(format!(
                "{title}: {text} is a number with a comma; write it with a point, or pass --task classification"
            )));
        }
        // `nan` is far more often a missing label than a class of that name: `number` reports it.
        let number = text.parse::<f64>().is_ok().then(|| row.number(column)).transpose()?;
        self.push_new(text.to_owned(), number, row.line());
        Ok(())
    }

    /// Takes a finite number from a row, counted from 1.
    pub(super) fn push_number(&mut self, number: f64, row: u64) {
        if self.kind == TargetKind::Values {
            self.values.push(number);
            return;
        }
        let name = number_name(number);
        if !self.repeat(&name) {
            self.push_new(name, Some(number), row);
        }
    }

    /// Takes a text from a row, counted from 1.
    pub(super) fn push_text(&mut self, text: &str, row: u64) {
        if !self.repeat(text) {
            let number = text.parse().ok().filter(|number: &f64| number.is_finite());
            self.push_new(text.to_owned(), number, row);
        }
    }

    /// Takes a label that was seen before; whether it was.
    fn repeat(&mut self, text: &str) -> bool {
        let known = self.known.get(text).copied();
        self.labels.extend(known);
        known.is_some()
    }

    fn push_new(&mut self, text: String, number: Option<f64>, place: u64) {
        let index = self.texts.len() as u32;
        self.labels.push(index);
        self.known.insert(text.clone(), index);
        self.texts.push(Text { text, number, place });
        let n = self.texts.len();
        // Looked at now and then: it takes a look at all of them.
        if self.kind == TargetKind::Auto
            && n >= TOO_MANY
            && n.is_power_of_two()
            && let Some(values) = self.real_values()
        {
            *self = Self { values, ..Self::new(TargetKind::Values) };
        }
    }

    /// The targets of all rows; `title` names the column, `unit` what a place is counted in (line, row), `classes` are
    /// those of a trained model.
    ///
    /// # Errors
    /// [`Error::Data`] for real numbers among [`TargetKind::Auto`] labels, for a single class, or for a label that is
    /// none of `classes`.
    pub(super) fn finish(
        self,
        path: &Path,
        title: &str,
        unit: &str,
        classes: Option<&[String]>,
    ) -> Result<Targets> {
        if self.kind == TargetKind::Values {
            return Ok(Targets::Values { values: self.values, n_outputs: 1 });
        }
        let context = Context { path, title, unit };
        if let (None, TargetKind::Auto) = (classes, self.kind) {
            if let Some(values) = self.real_values() {
                return Ok(Targets::Values { values, n_outputs: 1 });
            }
            context.check_few(&self.texts, self.labels.len())?;
        }
        let (class_of_text, names) = match classes {
            Some(classes) => (context.match_classes(&self.texts, classes)?, classes.to_vec()),
            None => context.find_classes(&self.texts)?,
        };
        let labels = self.labels.iter().map(|&text| class_of_text[text as usize]).collect();
        Ok(Targets::Classes { labels, names })
    }
}

impl LabelColumn {
    /// The labels as numbers, if all are numbers and not all whole: measurements, not names.
    fn real_values(&self) -> Option<Vec<f64>> {
        let numbers: Vec<f64> = self.texts.iter().map(|text| text.number).collect::<Option<_>>()?;
        let real = numbers.iter().any(|number| number.fract() != 0.0);
        real.then(|| self.labels.iter().map(|&text| numbers[text as usize]).collect())
    }
}

/// What messages about labels name.
struct Context<'a> {
    path: &'a Path,
    title: &'a str,
    unit: &'a str,
}

impl Context<'_> {
    /// Whole numbers that hardly repeat may be classes or measurements.
    fn check_few(&self, texts: &[Text], m: usize) -> Result<()> {
        let all_numbers = texts.iter().all(|text| text.number.is_some());
        if all_numbers && texts.len() > FEW && 4 * texts.len() > m {
            return Err(Error::data(
                self.path.display().to_string(),
                format!(
                    "{} has {} different whole numbers in {m} rows: classes or measurements? Pass --task \
                     classification or --task regression",
                    self.title,
                    texts.len()
                ),
            ));
        }
        Ok(())
    }

    /// The class of each text, and the classes' names: sorted by value if all are numbers, else as text.
    fn find_classes(&self, texts: &[Text]) -> Result<(Vec<u32>, Vec<String>)> {
        let numbers: Option<Vec<f64>> = texts.iter().map(|text| text.number).collect();
        let names: Vec<String> = match numbers {
            Some(mut numbers) => {
                numbers.sort_by(f64::total_cmp);
                let mut names: Vec<String> = numbers.into_iter().map(number_name).collect();
                names.dedup();
                names
            }
            None => {
                let mut names: Vec<String> = texts.iter().map(|text| text.text.clone()).collect();
                names.sort_unstable();
                names
            }
        };
        if let [only] = names.as_slice() {
            return Err(Error::data(
                self.path.display().to_string(),
                format!("only one class ({}) in {}; at least two are needed", shown(only), self.title),
            ));
        }
        Ok((self.match_classes(texts, &names)?, names))
    }

    /// The index of each text in `classes`: by its spelling, or else by its value.
    fn match_classes(&self, texts: &[Text], classes: &[String]) -> Result<Vec<u32>> {
        let mut index = HashMap::new();
        for (class, i) in classes.iter().zip(0..) {
            index.insert(class.clone(), i);
            if let Ok(number) = class.parse() {
                // A spelling that is itself a class goes first.
                index.entry(number_name(number)).or_insert(i);
            }
        }
        let find = |text: &Text| {
            let by_value = || text.number.and_then(|number| index.get(&number_name(number)));
            index.get(&text.text).or_else(by_value).copied().ok_or_else(|| {
                Error::data(
                    format!("{}, {} {}", self.path.display(), self.unit, text.place),
                    format!(
                        "the label {} in {} is none of the model's classes ({})",
                        shown(&text.text),
                        self.title,
                        list(classes.iter())
                    ),
                )
            })
        };
        texts.iter().map(find).collect()
    }
}

/// The one name of all spellings of a number: `1` for `1.0`, `01` and `1e0`, and `0` for `-0`.
fn number_name(number: f64) -> String {
    (number + 0.0).to_string()
}
