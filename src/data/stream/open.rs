//! Opens a file as a streamed table, whatever its format; and where caches go.

use std::env;
use std::fs::File;
use std::path::{Path, PathBuf};

use super::arrays::{Beside, ReadHeader, archive_store, array_store, stream_array};
#[cfg(feature = "parquet")]
use super::parquet::stream_parquet;
use super::table::StreamedTable;
use super::text::stream_text;
#[cfg(feature = "parquet")]
use crate::data::arrays::ParquetFile;
use crate::data::arrays::{Arrays, idx_matrix, labels_beside, npy_matrix, numbers};
use crate::data::csv_columns::Label;
use crate::data::csv_file::TableOptions;
use crate::data::csv_rows::CsvRows;
use crate::data::delimiter::delimiter;
use crate::data::format::Format;
use crate::data::input::{Input, Progress, read_error};
#[cfg(not(feature = "parquet"))]
use crate::data::source::no_parquet;
use crate::data::{FileSource, ReadOptions};
use crate::error::{Error, Result};

/// Rows from one report of the progress to the next.
const REPORT: usize = 1 << 10;

/// Where caches go: the folder that `TMPDIR` names, or /var/tmp, which is a disk where /tmp may be memory, or else the
/// system's own.
pub fn cache_folder() -> PathBuf {
    let named = env::var_os("TMPDIR").map(PathBuf::from);
    let disk = || Some(PathBuf::from("/var/tmp")).filter(|folder| cfg!(unix) && folder.is_dir());
    named.or_else(disk).unwrap_or_else(env::temp_dir)
}

impl FileSource {
    /// Opens the file as [`read`](Self::read) does, with the cells left in it or, of texts, Parquet and compressed files and
    /// arrays in Fortran order, in a cache in `folder` that goes with the table.
    ///
    /// `on_progress` is called with the bytes of the file that have been read, and with all of them where that is known.
    ///
    /// # Errors
    /// Those of [`read`](Self::read); [`Error::Data`] for more than 2^32 rows, for an archive or a Parquet file that is
    /// compressed or comes from standard input, and for a cache that cannot be written.
    pub fn stream(
        &self,
        options: &ReadOptions<'_>,
        folder: &Path,
        on_progress: &mut dyn FnMut(u64, Option<u64>),
    ) -> Result<StreamedTable> {
        let input = Input::open(&self.path)?;
        let (path, mut report) = (input.path().to_path_buf(), Report::new(input.progress(), on_progress));
        let label = Label::from_option(self.label.as_deref());
        let mut table = self.table_options(options, &label);
        let format = Format::of(&path, input.head());
        let streamed = match format {
            Format::Text => {
                self.refuse_labels_file()?;
                let delimiter = delimiter(&path, input.head());
                stream_text(CsvRows::new(input, delimiter)?, &table, folder, &mut || report.row())
            }
            Format::Npy | Format::Idx => {
                let beside = || labels_beside(&self.path).filter(|_| format == Format::Idx);
                let apart = self.labels_file.clone().or_else(beside);
                let labels = match &apart {
                    Some(labels) => self.read_labels(labels, options)?,
                    None => None,
                };
                let features_only = apart.is_some() || format == Format::Idx;
                let header: ReadHeader = if format == Format::Idx { idx_matrix } else { npy_matrix };
                let store = array_store(input, header, folder)?;
                let beside = Beside { path: &path, labels, features_only };
                stream_array(store, beside, &table, &mut || report.row())
            }
            Format::Npz => {
                let rest = numbers(&self.selection);
                table.selection = &rest;
                self.stream_npz(input, options, &table, folder, &mut || report.row())
            }
            Format::Parquet => {
                self.refuse_labels_file()?;
                self.stream_parquet(input, &table, folder, &mut report)
            }
            Format::Unknown => {
                Err(Error::data(input.origin(), "neither a text file nor one of NPY, NPZ, IDX or Parquet"))
            }
        }?;
        match u32::try_from(streamed.table().m()) {
            Ok(_) => Ok(streamed),
            Err(_) => Err(Error::data(path.display().to_string(), "more than 2^32 rows; use a part of them")),
        }
    }
}

impl FileSource {
    fn stream_npz(
        &self,
        input: Input,
        options: &ReadOptions<'_>,
        table: &TableOptions<'_>,
        folder: &Path,
        on_row: &mut dyn FnMut(),
    ) -> Result<StreamedTable> {
        self.refuse_labels_file()?;
        let path = input.path();
        refuse_packed(&input, "an NPZ file")?;
        let file = File::open(path).map_err(|source| read_error(path, source))?;
        let mut arrays = Arrays::open(file, path)?;
        let names = arrays.features(&self.selection)?;
        let labels = if options.target.is_some() { arrays.labels(table.label)? } else { None };
        let store = archive_store(&mut arrays, &names, path, folder)?;
        stream_array(store, Beside { path, labels, features_only: true }, table, on_row)
    }

    #[cfg(feature = "parquet")]
    fn stream_parquet(
        &self,
        input: Input,
        table: &TableOptions<'_>,
        folder: &Path,
        report: &mut Report<'_>,
    ) -> Result<StreamedTable> {
        refuse_packed(&input, "a Parquet file")?;
        let path = input.path().to_path_buf();
        let file = ParquetFile::open(input)?;
        let all = file.rows();
        stream_parquet(&file, &path, table, folder, &mut |rows| report.share(rows as u64, all))
    }

    #[cfg(not(feature = "parquet"))]
    fn stream_parquet(
        &self,
        input: Input,
        _table: &TableOptions<'_>,
        _folder: &Path,
        _report: &mut Report<'_>,
    ) -> Result<StreamedTable> {
        Err(no_parquet(input.origin()))
    }
}

/// Refuses what can only be read from its end, where that is not at hand.
fn refuse_packed(input: &Input, what: &str) -> Result<()> {
    if input.is_plain() {
        return Ok(());
    }
    let problem = format!("{what} can be streamed from a plain file alone; unpack it first");
    Err(Error::data(input.origin(), problem))
}

/// Says now and then how much of a file has been read.
struct Report<'a> {
    progress: Progress,
    rows: usize,
    on_progress: &'a mut dyn FnMut(u64, Option<u64>),
}

impl<'a> Report<'a> {
    fn new(progress: Progress, on_progress: &'a mut dyn FnMut(u64, Option<u64>)) -> Self {
        Self { progress, rows: 0, on_progress }
    }

    /// So many of all rows, where the file is not read from one end to the other.
    #[cfg(feature = "parquet")]
    fn share(&mut self, rows: u64, all: u64) {
        let total = self.progress.total;
        let bytes = total.map(|total| (u128::from(total) * u128::from(rows) / u128::from(all.max(1))) as u64);
        (self.on_progress)(bytes.unwrap_or(0), total);
    }

    fn row(&mut self) {
        self.rows += 1;
        if self.rows.is_multiple_of(REPORT) {
            (self.on_progress)(self.progress.read(), self.progress.total);
        }
    }
}
