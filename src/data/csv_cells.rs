//! The cells of one column of a text file, collected row by row; the first known cell tells numbers from texts.

use std::collections::HashMap;

use super::csv_rows::{Row, shown};
use super::table::{Cells, NO_TEXT};
use crate::error::Result;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Numbers, none missing.
    Strict,
    /// Numbers or texts, as the first cell that is not missing says.
    Open,
    /// Numbers.
    Number,
    /// Texts, even where they look like numbers.
    Text,
}

/// Collects one cell after the other.
pub(super) struct CellColumn {
    column: usize,
    kind: Kind,
    numbers: Vec<f64>,
    codes: Vec<u32>,
    texts: Vec<String>,
    known: HashMap<String, u32>,
    /// Missing cells before the first known one of an open column.
    unknown: usize,
    /// Whether the texts are there because the caller said so.
    declared: bool,
}

impl CellColumn {
    pub(super) fn new(column: usize, kind: Kind) -> Self {
        Self {
            column,
            kind,
            numbers: Vec::new(),
            codes: Vec::new(),
            texts: Vec::new(),
            known: HashMap::new(),
            unknown: 0,
            declared: kind == Kind::Text,
        }
    }

    /// Takes the cell of one row.
    ///
    /// # Errors
    /// [`Error::Data`](crate::Error::Data) for a number that is infinite, a cell of another kind than the column, or one
    /// that is not UTF-8.
    pub(super) fn push(&mut self, row: Row<'_>) -> Result<()> {
        if self.kind == Kind::Strict {
            self.numbers.push(row.number(self.column)?);
            return Ok(());
        }
        let cell = row.known(self.column)?;
        if let (false, Some(text)) = (self.declared, cell)
            && has_decimal_comma(text)
        {
            return Err(self.mixed(row, text, "a number with a comma; write it with a point"));
        }
        if let (Kind::Open, Some(text)) = (self.kind, cell) {
            self.settle(text.parse::<f64>().is_ok());
        }
        match (self.kind, cell) {
            (Kind::Open, _) => self.unknown += 1,
            (Kind::Text, None) => self.codes.push(NO_TEXT),
            (Kind::Text, Some(text)) => self.push_text(row, text)?,
            (_, None) => self.numbers.push(f64::NAN),
            (_, Some(text)) if text.parse::<f64>().is_err() => {
                return Err(self.mixed(row, text, "not a number"));
            }
            (_, Some(_)) => self.numbers.push(row.number(self.column)?),
        }
        Ok(())
    }

    /// Makes up its mind.
    fn settle(&mut self, is_number: bool) {
        if is_number {
            self.kind = Kind::Number;
            self.numbers = vec![f64::NAN; self.unknown];
        } else {
            self.kind = Kind::Text;
            self.codes = vec![NO_TEXT; self.unknown];
        }
    }

    fn push_text(&mut self, row: Row<'_>, text: &str) -> Result<()> {
        let code = match self.known.get(text) {
            Some(&code) => code,
            None if !self.declared && text.parse::<f64>().is_ok() => {
                return Err(self.mixed(row, text, "a number among texts"));
            }
            None => {
                let code = self.texts.len() as u32;
                if code == NO_TEXT {
                    return Err(row.error(format!("{}: too many different texts", row.title(self.column))));
                }
                self.texts.push(text.to_owned());
                self.known.insert(text.to_owned(), code);
                code
            }
        };
        self.codes.push(code);
        Ok(())
    }

    fn mixed(&self, row: Row<'_>, text: &str, what: &str) -> crate::Error {
        row.error(format!(
            "{}: {} is {what}; correct it, leave the column out with --drop, or take it as text with --categorical",
            row.title(self.column),
            shown(text)
        ))
    }

    /// Takes the cell that was pushed last off again, as a number, or as the code of its text; NaN is a missing one.
    pub(super) fn pop(&mut self) -> f64 {
        match self.kind {
            Kind::Text => self.codes.pop().filter(|code| *code != NO_TEXT).map_or(f64::NAN, f64::from),
            Kind::Open => {
                self.unknown = self.unknown.saturating_sub(1);
                f64::NAN
            }
            Kind::Number | Kind::Strict => self.numbers.pop().unwrap_or(f64::NAN),
        }
    }

    /// The collected cells.
    pub(super) fn finish(self) -> Cells {
        match self.kind {
            Kind::Text => Cells::Texts { codes: self.codes, texts: self.texts },
            Kind::Open => Cells::Doubles(vec![f64::NAN; self.unknown]),
            Kind::Number | Kind::Strict => Cells::Doubles(self.numbers),
        }
    }
}

/// Whether a cell is a number as some countries write it: taken for a text, it would be learnt as a category.
pub(super) fn has_decimal_comma(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    text.trim_start_matches(['-', '+'])
        .split_once(',')
        .is_some_and(|(whole, rest)| digits(whole) && digits(rest))
}
