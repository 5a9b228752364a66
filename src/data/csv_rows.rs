//! A CSV file as a stream of rows with checked cells and real line numbers; what the columns mean is not known here.

use std::collections::{HashMap, VecDeque};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use csv::{ByteRecord, Reader, ReaderBuilder, Trim};

use super::csv_columns::Head;
use super::input::{Input, read_error};
use crate::error::{Error, Result};

/// The most characters of a cell that a message repeats.
const SHOWN: usize = 40;

/// The most bytes of a row, with the line breaks in it and before it: a quote that is never closed takes in no more.
const MAX_ROW: u64 = 1 << 24;

/// The most cells of a row.
const MAX_CELLS: usize = 1 << 20;

/// An open file, past its first row.
pub(super) struct CsvRows {
    path: PathBuf,
    reader: Reader<LineBreaks<Box<dyn Read>>>,
    record: ByteRecord,
    line: u64,
    first: Vec<String>,
    /// Whether `record` still holds the first row, to be handed out as a sample.
    first_pending: bool,
    /// The second row and its line, read ahead.
    second: Option<(ByteRecord, u64)>,
    /// Column names for messages; empty without a header.
    header: Vec<String>,
}

impl CsvRows {
    /// Reads the first row of a file whose cells `delimiter` separates.
    ///
    /// # Errors
    /// [`Error::Read`], or [`Error::Data`] for a file without rows or a first row that is not UTF-8.
    pub(super) fn new(input: Input, delimiter: u8) -> Result<Self> {
        let path = input.path().to_path_buf();
        let reader = ReaderBuilder::new()
            .has_headers(false)
            .delimiter(delimiter)
            // Ragged rows are reported here, with the line and the file.
            .flexible(true)
            .trim(Trim::All)
            .from_reader(LineBreaks::new(input.into_reader()));
        let mut rows = Self {
            path,
            reader,
            record: ByteRecord::new(),
            line: 0,
            first: Vec::new(),
            first_pending: true,
            second: None,
            header: Vec::new(),
        };
        if !rows.read_record()? {
            return Err(rows.empty());
        }
        let row = rows.row();
        rows.first = (0..row.record.len()).map(|i| row.text(i).map(str::to_owned)).collect::<Result<_>>()?;
        let (record, line) = (rows.record.clone(), rows.line);
        if rows.read_record()? {
            rows.second = Some((std::mem::replace(&mut rows.record, record), rows.line));
            rows.line = line;
        } else {
            rows.record = record;
        }
        Ok(rows)
    }

    /// What there is to tell the columns apart.
    pub(super) fn head(&self) -> Head {
        let second = self.second.iter().flat_map(|(record, _)| record);
        Head {
            origin: self.origin(),
            first: self.first.clone(),
            second: second.map(|cell| String::from_utf8_lossy(cell).into_owned()).collect(),
            named: None,
        }
    }

    /// The cells of the first row, header or not; its length is that of every row.
    pub(super) fn first(&self) -> &[String] {
        &self.first
    }

    /// The path as text.
    pub(super) fn origin(&self) -> String {
        self.path.display().to_string()
    }

    /// The path as messages show it.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Takes the first row for a header: [`Self::next_row`] goes on with the second.
    ///
    /// # Errors
    /// [`Error::Data`] for one of `features` without a name, or for any two columns of the same name.
    pub(super) fn take_header(&mut self, features: &[usize]) -> Result<()> {
        if let Some(column) = features.iter().find(|&&column| self.first[column].is_empty()) {
            return Err(self.row().error(format!(
                "column {} has no name in the header; name it, or remove it if it only counts the rows",
                column + 1
            )));
        }
        let mut seen = HashMap::new();
        for (column, name) in self.first.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
            if let Some(earlier) = seen.insert(name, column) {
                return Err(self.row().error(format!(
                    "columns {} and {} are both named {}; give each its own name",
                    earlier + 1,
                    column + 1,
                    shown(name)
                )));
            }
        }
        self.header.clone_from(&self.first);
        self.first_pending = false;
        Ok(())
    }

    /// The next row, as wide as the first one.
    ///
    /// # Errors
    /// [`Error::Read`], or [`Error::Data`] for a row of another width.
    pub(super) fn next_row(&mut self) -> Result<Option<Row<'_>>> {
        if self.first_pending {
            self.first_pending = false;
        } else if let Some((record, line)) = self.second.take() {
            (self.record, self.line) = (record, line);
        } else if !self.read_record()? {
            return Ok(None);
        }
        let (expected, found) = (self.first.len(), self.record.len());
        if found != expected {
            return Err(self
                .row()
                .error(format!("expected {expected} fields as in the first row, found {found}")));
        }
        Ok(Some(self.row()))
    }

    /// The error of a file without samples.
    pub(super) fn empty(&self) -> Error {
        Error::data(self.origin(), "empty: no samples")
    }

    fn row(&self) -> Row<'_> {
        Row { path: &self.path, line: self.line, record: &self.record, header: &self.header }
    }

    /// Reads the next row that is not blank into `record`; whether there was one.
    fn read_record(&mut self) -> Result<bool> {
        loop {
            let begin = self.reader.position().byte();
            self.reader.get_mut().row = begin;
            let read = self.reader.read_byte_record(&mut self.record);
            if !read.map_err(|error| read_error(&self.path, error.into()))? {
                return Ok(false);
            }
            // The reader itself skips empty lines; a line of spaces is to it a row of one cell, trimmed to nothing.
            if self.record.len() > 1 || self.record.iter().any(|cell| !cell.is_empty()) {
                break;
            }
        }
        let end = self.reader.position().byte();
        self.line = self.reader.get_mut().line_of(end - 1);
        if self.record.len() > MAX_CELLS {
            let n = self.record.len();
            return Err(self
                .row()
                .error(format!("{n} fields, and at most {MAX_CELLS} are read; split the file")));
        }
        Ok(true)
    }
}

/// One row of a [`CsvRows`].
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    path: &'a Path,
    line: u64,
    record: &'a ByteRecord,
    header: &'a [String],
}

impl<'a> Row<'a> {
    /// The line of the file that the row ends on, counted from 1.
    pub(super) fn line(self) -> u64 {
        self.line
    }

    /// A cell that has to hold something.
    ///
    /// # Errors
    /// [`Error::Data`] for an empty cell or one that is not UTF-8.
    pub(super) fn value(self, column: usize) -> Result<&'a str> {
        let text = self.text(column)?;
        if text.is_empty() {
            return Err(self.error(format!(
                "{} is empty; fill in the missing value or remove the row",
                title(self.header, column)
            )));
        }
        Ok(text)
    }

    /// A cell that has to hold a finite number.
    ///
    /// # Errors
    /// [`Error::Data`] for any other.
    pub(super) fn number(self, column: usize) -> Result<f64> {
        let text = self.value(column)?;
        let title = || title(self.header, column);
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(number),
            Ok(_) => Err(self.error(format!(
                "{}: {} is not a finite number; replace the value or remove the row",
                title(),
                shown(text)
            ))),
            Err(_) => Err(self.error(format!(
                "{}: {} is not a number; correct it, or remove the row or the column",
                title(),
                shown(text)
            ))),
        }
    }

    /// A column as messages name it.
    pub(super) fn title(self, column: usize) -> String {
        title(self.header, column)
    }

    /// A cell; `None` where it says that nothing is known: empty, `NA`, `NaN` or `?`.
    ///
    /// # Errors
    /// [`Error::Data`] for a cell that is not UTF-8.
    pub(super) fn known(self, column: usize) -> Result<Option<&'a str>> {
        let text = self.text(column)?;
        Ok((!is_missing(text)).then_some(text))
    }

    /// An [`Error::Data`] that names the file and the line.
    pub(super) fn error(self, problem: String) -> Error {
        error_at(self.path, self.line, problem)
    }

    fn text(self, column: usize) -> Result<&'a str> {
        std::str::from_utf8(&self.record[column]).map_err(|_| {
            self.error(format!("{} is not UTF-8 text; save the file as UTF-8", title(self.header, column)))
        })
    }
}

/// An [`Error::Data`] that names a file and a line.
fn error_at(path: &Path, line: u64, problem: String) -> Error {
    Error::data(format!("{}, line {line}", path.display()), problem)
}

/// A column as messages name it: by its header, or else by its number.
pub(super) fn title(header: &[String], column: usize) -> String {
    match header.get(column).filter(|name| !name.is_empty()) {
        Some(name) => named(name),
        None => format!("column {}", column + 1),
    }
}

/// Whether a cell says that its value is not known.
pub(super) fn is_missing(text: &str) -> bool {
    matches!(text, "" | "?") || text.eq_ignore_ascii_case("na") || text.eq_ignore_ascii_case("nan")
}

/// A column of that name in a message.
pub(super) fn named(name: &str) -> String {
    format!("column {}", shown(name))
}

/// Text of a file in a message: quoted, on one line, and not too long.
pub(super) fn shown(text: &str) -> String {
    let mut chars = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let start: String = chars.by_ref().take(SHOWN).collect();
    let rest = if chars.next().is_some() { "..." } else { "" };
    format!("`{start}{rest}`")
}

/// Several texts of a file in a message, cut off after the first ten.
pub(super) fn list<'a>(texts: impl ExactSizeIterator<Item = &'a String>) -> String {
    let more = texts.len().saturating_sub(10);
    let mut list = texts.take(10).map(|text| shown(text)).collect::<Vec<_>>().join(", ");
    if more > 0 {
        list.push_str(&format!(" and {more} more"));
    }
    list
}

/// A reader that notes where the lines end as the bytes pass through.
///
/// The `csv` crate's own line numbers are not usable in a message: it skips blank lines, and the second byte of CRLF,
/// only while it reads the following row, and so takes rows to start too early.
struct LineBreaks<R> {
    inner: R,
    offset: u64,
    after_return: bool,
    /// Offsets of the line breaks not yet counted; no more than one buffer's worth and one row's.
    breaks: VecDeque<u64>,
    line: u64,
    /// The offset where the row under way began.
    row: u64,
}

impl<R> LineBreaks<R> {
    fn new(inner: R) -> Self {
        Self { inner, offset: 0, after_return: false, breaks: VecDeque::new(), line: 1, row: 0 }
    }

    /// The line, counted from 1, of the byte at `offset`; offsets must not decrease from call to call.
    fn line_of(&mut self, offset: u64) -> u64 {
        while self.breaks.front().is_some_and(|&at| at < offset) {
            self.breaks.pop_front();
            self.line += 1;
        }
        self.line
    }
}

impl<R: Read> Read for LineBreaks<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.offset.saturating_sub(self.row) > MAX_ROW {
            let line = self.line;
            let problem = format!(
                "after line {line} a row of more than {} MiB: is a quote not closed, or a line never ended?",
                MAX_ROW >> 20
            );
            return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
        }
        let n = self.inner.read(buffer)?;
        for &byte in &buffer[..n] {
            // A carriage return ends a line, and a newline right after it belongs to the same break.
            if byte == b'\r' || (byte == b'\n' && !self.after_return) {
                self.breaks.push_back(self.offset);
            }
            self.after_return = byte == b'\r';
            self.offset += 1;
        }
        Ok(n)
    }
}
