//! Parquet files (feature `parquet`): columns with names and types, read column by column; those that are not asked for
//! are skipped.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use bytes::Bytes;
use parquet::basic::{ConvertedType, Type};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl, get_column_reader};
use parquet::data_type::{ByteArray, DataType};
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, FileReader, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;

use super::Sheet;
use super::parquet_pages::{CheckedPages, lies_within};
use crate::data::csv_rows::named;
use crate::data::input::{Input, read_error};
use crate::data::table::{Cells, NO_TEXT};
use crate::data::{Scale, is_standard_input};
use crate::error::{Error, Result};

/// Rows read at a time.
const BATCH: usize = 4096;

/// A result of the crate's own.
type Done<T> = std::result::Result<T, ParquetError>;

/// Reads a file; the columns for which `is_wanted` says no stay empty of values.
///
/// # Errors
/// [`Error::Read`]; [`Error::Data`] for a damaged file and for a wanted column that holds neither numbers nor texts.
pub(in crate::data) fn read_parquet(input: Input, is_wanted: &dyn Fn(&str) -> bool) -> Result<Sheet> {
    let path = input.path().to_path_buf();
    if input.length().is_some() && !is_standard_input(&path) {
        let file = File::open(&path).map_err(|source| read_error(&path, source))?;
        return read(file, &path, is_wanted);
    }
    let mut bytes = Vec::new();
    input.into_reader().read_to_end(&mut bytes).map_err(|source| read_error(&path, source))?;
    read(Bytes::from(bytes), &path, is_wanted)
}

fn read<R: ChunkReader + 'static>(file: R, path: &Path, is_wanted: &dyn Fn(&str) -> bool) -> Result<Sheet> {
    let damaged = |error: ParquetError| {
        let problem = format!("not a readable Parquet file ({error}); copy it or save it again");
        Error::data(path.display().to_string(), problem)
    };
    let length = file.len();
    let reader = SerializedFileReader::new(file).map_err(damaged)?;
    if !lies_within(reader.metadata(), length) {
        let problem = "its metadata points outside the file; it is damaged: copy it again";
        return Err(Error::data(path.display().to_string(), problem));
    }
    let schema = reader.metadata().file_metadata().schema_descr_ptr();
    let names: Vec<String> = schema.columns().iter().map(|column| column.path().string()).collect();
    let mut columns: Vec<Option<Builder>> = Vec::with_capacity(names.len());
    for (column, name) in schema.columns().iter().zip(&names) {
        let builder = if is_wanted(name) { Some(Builder::new(column)) } else { None };
        let unfit = |()| {
            let title = named(name);
            let problem = format!("{title} holds neither numbers nor texts; leave it out with --drop");
            Error::data(path.display().to_string(), problem)
        };
        columns.push(builder.transpose().map_err(unfit)?);
    }
    let mut rows = 0;
    for group in 0..reader.num_row_groups() {
        let group = reader.get_row_group(group).map_err(damaged)?;
        let claimed = usize::try_from(group.metadata().num_rows()).unwrap_or(usize::MAX);
        for (at, builder) in columns.iter_mut().enumerate() {
            let Some(builder) = builder else { continue };
            let pages = CheckedPages::new(group.get_column_page_reader(at).map_err(damaged)?);
            let found = builder.extend(get_column_reader(schema.column(at), Box::new(pages)));
            let found = found.map_err(damaged)?;
            if found != claimed {
                let problem = format!(
                    "{} has {found} of the {claimed} rows that the file claims; it is damaged: copy it again",
                    named(&names[at])
                );
                return Err(Error::data(path.display().to_string(), problem));
            }
        }
        rows += if columns.iter().any(Option::is_some) { claimed } else { 0 };
    }
    // A column that is skipped keeps its place: it is chosen among the others by its position or name.
    let cells = columns.into_iter().map(|builder| match builder {
        Some(builder) => builder.cells,
        None => Cells::Texts { codes: vec![NO_TEXT; rows], texts: Vec::new() },
    });
    let columns = cells.collect();
    Ok(Sheet { names: Some(names), usual_scale: Scale::Standardise, ..Sheet::unnamed(columns) })
}

/// A column that grows.
struct Builder {
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
            cells,
            unit: 10_f64.powi(-digits),
            unsigned: matches!(converted, UINT_8 | UINT_16 | UINT_32 | UINT_64),
            level: column.max_def_level(),
            known: HashMap::new(),
        })
    }

    /// Takes all rows of a group; their number.
    fn extend(&mut self, column: ColumnReader) -> Done<usize> {
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

    /// Hands over each row's value.
    fn rows<T: DataType>(
        &mut self,
        mut column: ColumnReaderImpl<T>,
        push: impl Fn(&mut Self, Option<&T::T>) -> Done<()>,
    ) -> Done<usize> {
        let (mut levels, mut values, mut rows) = (Vec::new(), Vec::new(), 0);
        loop {
            levels.clear();
            values.clear();
            let (found, _, _) = column.read_records(BATCH, Some(&mut levels), None, &mut values)?;
            if found == 0 {
                return Ok(rows);
            }
            rows += found;
            let mut values = values.iter();
            for row in 0..found {
                let there = self.level == 0 || levels.get(row) == Some(&self.level);
                push(self, if there { values.next() } else { None })?;
            }
        }
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
