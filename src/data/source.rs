//! Data by description: a generator with its settings or a file, so that a saved model can name its data.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

#[cfg(feature = "parquet")]
use super::arrays::read_parquet;
use super::arrays::{Sheet, assemble, labels_beside, read_idx, read_npy, read_npz};
use super::csv_columns::{Label, Selection, Wanted};
use super::csv_file::{TableOptions, read_text};
use super::csv_rows::CsvRows;
use super::delimiter::delimiter;
use super::format::Format;
use super::input::{Input, is_standard_input};
use super::table::Cells;
use super::{Generator, GeneratorOptions, RawTable, TargetKind, generate};
use crate::error::{Error, Result};

/// Where data comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DataSource {
    /// Made by a generator.
    Generated {
        /// Its name.
        name: String,
        /// Samples, or the generator's own number.
        m: Option<usize>,
        /// Seed, or the generator's own.
        seed: Option<u32>,
        /// Noise, or the generator's own.
        noise: Option<f64>,
    },
    /// Read from a file.
    File(FileSource),
}

/// A file and which of its columns mean what.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FileSource {
    /// The file; `-` is standard input.
    pub path: PathBuf,
    /// The target column: a name or a number from 1; the last if none. In an NPZ file the labels' array, `y` if none.
    pub label: Option<String>,
    /// The file of the labels, for images (IDX) and arrays (NPY) without them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels_file: Option<PathBuf>,
    /// The features.
    #[serde(flatten)]
    pub selection: Selection,
    /// Columns that hold texts even where they look like numbers: names or numbers from 1.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categorical: Vec<String>,
}

/// How a [`DataSource`] is read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReadOptions<'a> {
    /// What a file's target column holds; `None` reads the features alone, for prediction.
    pub target: Option<TargetKind>,
    /// The classes of a trained model, to which the labels are matched.
    pub classes: Option<&'a [String]>,
    /// The columns that a trained model needs: by name if the file's header has them all, else by position.
    pub wanted: Option<&'a [Wanted]>,
}

impl DataSource {
    /// Reads the data as a table of raw columns.
    ///
    /// # Errors
    /// Those of [`generate`] and [`FileSource::read`].
    pub fn read(&self, options: &ReadOptions<'_>) -> Result<RawTable> {
        match self {
            Self::Generated { name, m, seed, noise } => {
                let options = GeneratorOptions { m: *m, seed: *seed, noise: *noise };
                Ok(generate(Generator::from_str(name)?, &options)?.into())
            }
            Self::File(file) => file.read(options),
        }
    }

    /// A short name for titles and folders: the generator's name or the file's stem.
    pub fn short_name(&self) -> String {
        match self {
            Self::Generated { name, .. } => name.clone(),
            Self::File(file) if is_standard_input(&file.path) => "stdin".into(),
            Self::File(file) => stem(&file.path).unwrap_or_else(|| "data".into()),
        }
    }
}

/// A file's name without its extension, and without that of a compressed file's content.
fn stem(path: &Path) -> Option<String> {
    let stem = Path::new(path.file_stem()?);
    let packed = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz"));
    let stem = if packed { stem.file_stem()? } else { stem.as_os_str() };
    Some(stem.to_string_lossy().into_owned())
}

impl FileSource {
    /// The file as it is: all columns but the last are features, the last is the target.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), ..Self::default() }
    }

    /// The file, its columns meaning what they mean in the data of a training; labels in a file of their own are looked for
    /// beside it.
    pub fn like(self, training: &DataSource) -> Self {
        match training {
            DataSource::File(training) => Self { path: self.path, labels_file: None, ..training.clone() },
            DataSource::Generated { .. } => self,
        }
    }

    /// Reads the file, which may be compressed by gzip. What it is, its first bytes and its name tell.
    ///
    /// Text files have one row a sample. Their cells are separated by tabs in `.tsv` and `.tab` files, else by the
    /// comma, tab, semicolon or bar that the first lines have in common; they may be quoted. A column is one of numbers
    /// or of texts, as its first known cell; empty cells, `NA`, `NaN` and `?` are missing. The first row is a header if
    /// it has text in a column of numbers, if it holds nothing but text, or if a column is asked for by name.
    ///
    /// An NPY file is a matrix of numbers, a row a sample, one column the label if no file of labels is named; in NPZ
    /// files `x` and `y` are features and labels, or the arrays that `selection` and `label` name. IDX files have their
    /// labels in a file of its own, which is looked for beside them (`train-labels-idx1-ubyte` for
    /// `train-images-idx3-ubyte`).
    ///
    /// # Errors
    /// [`Error::Read`]; [`Error::Data`] with the row and the column for a cell or row that cannot be used, for a file
    /// that is damaged or not of these formats, and for one without samples, with one column or with one class;
    /// [`Error::InvalidArgument`] for a column that is not there; [`Error::Shape`] for other columns than the model's.
    pub fn read(&self, options: &ReadOptions<'_>) -> Result<RawTable> {
        let input = Input::open(&self.path)?;
        let path = input.path().to_path_buf();
        let label = Label::from_option(self.label.as_deref());
        let mut table = self.table_options(options, &label);
        match Format::of(&path, input.head()) {
            Format::Text => {
                self.refuse_labels_file()?;
                let delimiter = delimiter(&path, input.head());
                read_text(CsvRows::new(input, delimiter)?, &table, None)
            }
            Format::Npy => {
                let mut sheet = read_npy(input)?;
                if let Some(labels) = &self.labels_file {
                    self.add_labels(&mut sheet, labels, options)?;
                }
                assemble(sheet, &path, &table)
            }
            Format::Npz => {
                self.refuse_labels_file()?;
                let (sheet, rest) = read_npz(input, &label, &self.selection, options.target.is_some())?;
                table.selection = &rest;
                assemble(sheet, &path, &table)
            }
            Format::Idx => {
                let mut sheet = read_idx(input)?;
                if let Some(labels) = self.labels_file.clone().or_else(|| labels_beside(&self.path)) {
                    self.add_labels(&mut sheet, &labels, options)?;
                }
                assemble(sheet, &path, &table)
            }
            Format::Parquet => {
                self.refuse_labels_file()?;
                assemble(self.read_parquet(input)?, &path, &table)
            }
            Format::Unknown => {
                Err(Error::data(input.origin(), "neither a text file nor one of NPY, NPZ, IDX or Parquet"))
            }
        }
    }

    /// How a table of this file is read.
    pub(super) fn table_options<'a>(
        &'a self,
        options: &ReadOptions<'a>,
        label: &'a Label,
    ) -> TableOptions<'a> {
        TableOptions {
            label,
            selection: &self.selection,
            wanted: options.wanted,
            target: options.target,
            classes: options.classes,
            categorical: Some(&self.categorical),
        }
    }

    /// Puts the labels of a file of their own beside the features, where they are asked for.
    fn add_labels(&self, sheet: &mut Sheet, path: &Path, options: &ReadOptions<'_>) -> Result<()> {
        sheet.features_only = true;
        sheet.labels = self.read_labels(path, options)?;
        Ok(())
    }

    /// The labels of a file of their own, where they are asked for.
    pub(super) fn read_labels(&self, path: &Path, options: &ReadOptions<'_>) -> Result<Option<Cells>> {
        if let Some(label) = &self.label {
            let reason = format!("the labels are those of {}; leave --label out", path.display());
            return Err(Error::invalid("label column", label, reason));
        }
        if options.target.is_none() {
            return Ok(None);
        }
        let input = Input::open(path)?;
        let mut columns = match Format::of(input.path(), input.head()) {
            Format::Npy => read_npy(input)?.columns,
            Format::Idx => read_idx(input)?.columns,
            _ => return Err(Error::data(input.origin(), "a file of labels is an IDX or NPY file")),
        };
        if columns.len() != 1 {
            let problem = format!("it has {} columns; a file of labels has one", columns.len());
            return Err(Error::data(path.display().to_string(), problem));
        }
        Ok(columns.pop())
    }

    /// The columns of a Parquet file, without values where they are not needed.
    #[cfg(feature = "parquet")]
    fn read_parquet(&self, input: Input) -> Result<Sheet> {
        let Selection { features, drop } = &self.selection;
        let listed = |columns: &[String], name: &str| columns.iter().any(|column| column == name);
        // Columns chosen by number, and a label that is the last column, are only known with the names of all.
        let by_name = !features.is_empty() && features.iter().all(|column| column.parse::<usize>().is_err());
        let chosen = |name: &str| match &self.label {
            Some(label) if by_name => label == name || listed(features, name),
            _ => true,
        };
        read_parquet(input, &|name| !listed(drop, name) && chosen(name))
    }

    #[cfg(not(feature = "parquet"))]
    fn read_parquet(&self, input: Input) -> Result<Sheet> {
        Err(no_parquet(input.origin()))
    }

    pub(super) fn refuse_labels_file(&self) -> Result<()> {
        match &self.labels_file {
            Some(labels) => {
                let reason = format!("{} holds its labels itself; use --label", self.path.display());
                Err(Error::invalid("labels file", labels.display(), reason))
            }
            None => Ok(()),
        }
    }
}

/// The error of a Parquet file in a build that cannot read it.
#[cfg(not(feature = "parquet"))]
pub(super) fn no_parquet(origin: String) -> Error {
    let remedy =
        "a Parquet file, and this program was built without --features parquet; save it as CSV or NPZ";
    Error::data(origin, remedy)
}

/// Refuses what a file cannot take: only generators have a size, a seed and noise.
///
/// # Errors
/// [`Error::InvalidArgument`] naming the setting.
pub fn refuse_for_file(what: &'static str, value: Option<impl ToString>) -> Result<()> {
    match value {
        Some(value) => Err(Error::invalid(what, value, "it applies to generated data sets, not to a file")),
        None => Ok(()),
    }
}
