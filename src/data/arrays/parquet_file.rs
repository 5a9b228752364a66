//! Parquet files (feature `parquet`): columns with names and types, read column by column; those that are not asked for
//! are skipped.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use parquet::basic::{ConvertedType, Type};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl, get_column_reader};
use parquet::data_type::{ByteArray, DataType};
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, FileReader, RowGroupReader, SerializedFileReader};
use parquet::schema::types::{ColumnDescPtr, ColumnDescriptor};

use super::Sheet;
use super::parquet_pages::{CheckedPages, lies_within};
use crate::data::Scale;
use crate::data::csv_rows::named;
use crate::data::input::{Input, read_error};
use crate::data::table::{Cells, NO_TEXT};
use crate::error::{Error, Result};

/// Rows read at a time.
const BATCH: usize = 4096;

/// Takes the columns that are read, with the number of rows that are new in them.
type TakeRows<'a> = &'a mut dyn FnMut(&mut [Option<Builder>], usize) -> Result<()>;

/// A result of the crate's own.
type Done<T> = std::result::Result<T, ParquetError>;

/// Reads a file; the columns for which `is_wanted` says no stay empty of values.
///
/// # Errors
/// [`Error::Read`]; [`Error::Data`] for a damaged file and for a wanted column that holds neither numbers nor texts.
pub(in crate::data) fn read_parquet(input: Input, is_wanted: &dyn Fn(&str) -> bool) -> Result<Sheet> {
    let file = ParquetFile::open(input)?;
    let names = file.names();
    let wanted: Vec<bool> = names.iter().map(|name| is_wanted(name)).collect();
    let mut rows = 0;
    let columns = file.read(&wanted, &mut |_, n| {
        rows += n;
        Ok(())
    })?;
    // A column that is skipped keeps its place: it is chosen among the others by its position or name.
    let cells = columns.into_iter().map(|builder| match builder {
        Some(builder) => builder.cells,
        None => Cells::Texts { codes: vec![NO_TEXT; rows], texts: Vec::new() },
    });
    let columns = cells.collect();
    Ok(Sheet { names: Some(names), usual_scale: Scale::Standardise, ..Sheet::unnamed(columns) })
}

/// A file whose metadata has been read.
pub(in crate::data) struct ParquetFile {
    path: PathBuf,
    reader: Box<dyn FileReader>,
}

impl ParquetFile {
    /// Opens a plain file, or takes the bytes of any other into memory.
    ///
    /// # Errors
    /// [`Error::Read`]; [`Error::Data`] for a damaged file.
    pub(in crate::data) fn open(input: Input) -> Result<Self> {
        let path = input.path().to_path_buf();
        if input.is_plain() {
            let file = File::open(&path).map_err(|source| read_error(&path, source))?;
            return Self::of(file, path);
        }
        let mut bytes = Vec::new();
        input.into_reader().read_to_end(&mut bytes).map_err(|source| read_error(&path, source))?;
        Self::of(Bytes::from(bytes), path)
    }

    fn of<R: ChunkReader + 'static>(file: R, path: PathBuf) -> Result<Self> {
        let length = file.len();
        let reader = SerializedFileReader::new(file).map_err(|error| damaged(&path, &error))?;
        if !lies_within(reader.metadata(), length) {
            let problem = "its metadata points outside the file; it is damaged: copy it again";
            return Err(Error::data(path.display().to_string(), problem));
        }
        Ok(Self { path, reader: Box::new(reader) })
    }

    /// The columns' names.
    pub(in crate::data) fn names(&self) -> Vec<String> {
        let schema = self.reader.metadata().file_metadata().schema_descr();
        schema.columns().iter().map(|column| column.path().string()).collect()
    }

    /// The rows that the file claims to have.
    pub(in crate::data) fn rows(&self) -> u64 {
        let groups = self.reader.metadata().row_groups();
        groups.iter().map(|group| u64::try_from(group.num_rows()).unwrap_or(0)).sum()
    }

    /// Reads the wanted columns, some rows at a time; `take` gets them with the number of rows that are new, and may clear their
    /// cells.
    ///
    /// # Errors
    /// [`Error::Data`] for a damaged file and for a wanted column that holds neither numbers nor texts; those of `take`.
    pub(in crate::data) fn read(&self, wanted: &[bool], take: TakeRows<'_>) -> Result<Vec<Option<Builder>>> {
        let mut columns = self.builders(wanted)?;
        let groups = if wanted.contains(&true) { self.reader.num_row_groups() } else { 0 };
        for group in 0..groups {
            let group = self.reader.get_row_group(group).map_err(|error| damaged(&self.path, &error))?;
            let mut readers = self.readers(&*group, wanted)?;
            let claimed = usize::try_from(group.metadata().num_rows()).unwrap_or(usize::MAX);
            let mut done = 0;
            loop {
                // All columns of some rows before the next, so that only those need be in memory.
                let expected = BATCH.min(claimed - done);
                for (builder, reader) in columns.iter_mut().zip(&mut readers) {
                    let (Some(builder), Some(reader)) = (builder, reader) else { continue };
                    let found = builder.extend(reader).map_err(|error| damaged(&self.path, &error))?;
                    if found != expected {
                        return Err(self.uneven(&builder.name, done + found, claimed));
                    }
                }
                if expected == 0 {
                    break;
                }
                done += expected;
                take(&mut columns, expected)?;
            }
        }
        Ok(columns)
    }

    /// Empty columns in the place of those wanted.
    fn builders(&self, wanted: &[bool]) -> Result<Vec<Option<Builder>>> {
        let schema = self.reader.metadata().file_metadata().schema_descr();
        let builder = |(column, &wanted): (&ColumnDescPtr, &bool)| {
            let unfit = |()| {
                let title = named(&column.path().string());
                let problem = format!("{title} holds neither numbers nor texts; leave it out with --drop");
                Error::data(self.path.display().to_string(), problem)
            };
            wanted.then(|| Builder::new(column).map_err(unfit)).transpose()
        };
        schema.columns().iter().zip(wanted).map(builder).collect()
    }

    /// What reads the wanted columns of a group.
    fn readers(&self, group: &dyn RowGroupReader, wanted: &[bool]) -> Result<Vec<Option<ColumnReader>>> {
        let schema = self.reader.metadata().file_metadata().schema_descr();
        let reader = |(at, &wanted): (usize, &bool)| {
            if !wanted {
                return Ok(None);
            }
            let pages = group.get_column_page_reader(at).map_err(|error| damaged(&self.path, &error))?;
            Ok(Some(get_column_reader(schema.column(at), Box::new(CheckedPages::new(pages)))))
        };
        wanted.iter().enumerate().map(reader).collect()
    }

    fn uneven(&self, name: &str, found: usize, claimed: usize) -> Error {
        let problem = format!(
            "{} has {found} of the {claimed} rows that the file claims; it is damaged: copy it again",
            named(name)
        );
        Error::data(self.path.display().to_string(), problem)
    }
}

fn damaged(path: &Path, error: &ParquetError) -> Error {
    let problem = format!("not a readable Parquet file ({error}); copy it or save it again");
    Error::data(path.display().to_string(), problem)
}

/// A column that grows.
pub(in crate::data) struct Builder {
    name: String,
    cells: Cells,
    /// What a whole number is multiplied by: a decimal's digits after the point.
    unit: f64,
    unsigned: bool,
    /// The level at which a value is there.
    level: i16,
    known: HashMap<Vec<u8>, u32>,
}

impl Builder {
    /// A column that is not nested, of numbers or texts.
    fn new(column: &ColumnDescriptor) -> std::result::Result<Self, ()> {
        use ConvertedType::{DECIMAL, UINT_8, UINT_16, UINT_32, UINT_64};
        let converted = column.converted_type();
        let cells = match column.physical_type() {
            Type::BOOLEAN | Type::INT32 | Type::INT64 | Type::DOUBLE => Cells::Doubles(Vec::new()),
            Type::FLOAT => Cells::Singles(Vec::new()),
            Type::BYTE_ARRAY if converted != DECIMAL => Cells::Texts { codes: Vec::new(), texts: Vec::new() },
            _ => return Err(()),
        };
        if column.max_rep_level() > 0 || column.path().parts().len() > 1 {
            return Err(());
        }
        let digits = if converted == DECIMAL { column.type_scale() } else { 0 };
        Ok(Self {
            name: column.path().string(),
            cells,
            unit: 10_f64.powi(-digits),
            unsigned: matches!(converted, UINT_8 | UINT_16 | UINT_32 | UINT_64),
            level: column.max_def_level(),
            known: HashMap::new(),
        })
    }

    /// The cells so far, with the different texts of all rows.
    pub(in crate::data) fn cells(&self) -> &Cells {
        &self.cells
    }

    /// Forgets the cells, but not the different texts.
    pub(in crate::data) fn clear(&mut self) {
        match &mut self.cells {
            Cells::Bytes(cells) => cells.clear(),
            Cells::Singles(cells) => cells.clear(),
            Cells::Doubles(cells) => cells.clear(),
            Cells::Texts { codes, .. } => codes.clear(),
        }
    }

    /// Takes the next rows of a group, at most [`BATCH`]; their number.
    fn extend(&mut self, column: &mut ColumnReader) -> Done<usize> {
        let (unit, unsigned) = (self.unit, self.unsigned);
        match column {
            ColumnReader::BoolColumnReader(column) => self
                .rows(column, |builder, value| builder.push(value.map(|&truth| f64::from(u8::from(truth))))),
            ColumnReader::Int32ColumnReader(column) => self.rows(column, |builder, value| {
                let whole = |&n: &i32| if unsigned { f64::from(n as u32) } else { f64::from(n) };
                builder.push(value.map(|n| whole(n) * unit))
            }),
            ColumnReader::Int64ColumnReader(column) => self.rows(column, |builder, value| {
                let whole = |&n: &i64| if unsigned { n as u64 as f64 } else { n as f64 };
                builder.push(value.map(|n| whole(n) * unit))
            }),
            ColumnReader::FloatColumnReader(column) => {
                self.rows(column, |builder, value| builder.push(value.map(|&n| f64::from(n))))
            }
            ColumnReader::DoubleColumnReader(column) => {
                self.rows(column, |builder, value| builder.push(value.copied()))
            }
            ColumnReader::ByteArrayColumnReader(column) => self.rows(column, Self::push_text),
            ColumnReader::Int96ColumnReader(_) | ColumnReader::FixedLenByteArrayColumnReader(_) => {
                Err(ParquetError::General("a column of another type than its schema says".into()))
            }
        }
    }

    /// Hands over the values of the next rows.
    fn rows<T: DataType>(
        &mut self,
        column: &mut ColumnReaderImpl<T>,
        push: impl Fn(&mut Self, Option<&T::T>) -> Done<()>,
    ) -> Done<usize> {
        let (mut levels, mut values) = (Vec::new(), Vec::new());
        let (found, _, _) = column.read_records(BATCH, Some(&mut levels), None, &mut values)?;
        let mut values = values.iter();
        for row in 0..found {
            let there = self.level == 0 || levels.get(row) == Some(&self.level);
            push(self, if there { values.next() } else { None })?;
        }
        Ok(found)
    }

    fn push(&mut self, number: Option<f64>) -> Done<()> {
        let number = number.unwrap_or(f64::NAN);
        match &mut self.cells {
            Cells::Singles(cells) => cells.push(number as f32),
            Cells::Doubles(cells) => cells.push(number),
            Cells::Bytes(_) | Cells::Texts { .. } => {}
        }
        Ok(())
    }

    fn push_text(&mut self, text: Option<&ByteArray>) -> Done<()> {
        let Cells::Texts { codes, texts } = &mut self.cells else { return Ok(()) };
        let Some(bytes) = text.map(ByteArray::data) else {
            codes.push(NO_TEXT);
            return Ok(());
        };
        let code = match self.known.get(bytes) {
            Some(&code) => code,
            None => {
                let text = std::str::from_utf8(bytes)
                    .map_err(|_| ParquetError::General("a column of texts is not UTF-8".into()))?;
                let code = texts.len() as u32;
                texts.push(text.to_owned());
                self.known.insert(bytes.to_vec(), code);
                code
            }
        };
        codes.push(code);
        Ok(())
    }
}
