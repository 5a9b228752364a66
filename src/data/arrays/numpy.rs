//! NumPy's files as sheets: an NPY file is a matrix, in an NPZ file one array is the features, another the labels.

use std::fs::File;
use std::io::{Cursor, Read, Seek};
use std::path::Path;

use super::Sheet;
use super::columns::Matrix;
use crate::data::csv_columns::{Label, Selection};
use crate::data::csv_rows::list;
use crate::data::input::{Input, read_error};
use crate::data::table::Cells;
use crate::error::{Error, Result};
use crate::npy::{Archive, Failure, Header};

/// The usual names of the features and of the labels.
const FEATURES: [&str; 5] = ["x", "X", "data", "x_train", "X_train"];
const LABELS: [&str; 5] = ["y", "Y", "target", "y_train", "Y_train"];

/// Reads a file of one array: a row a sample.
///
/// # Errors
/// [`Error::Read`]; [`Error::Data`] for what is no NPY file, has elements that are no numbers, or holds more or less
/// than its header says.
pub(in crate::data) fn read_npy(input: Input) -> Result<Sheet> {
    let (path, length) = (input.path().to_path_buf(), input.length());
    let columns = read_array(&mut input.into_reader(), length).map_err(|failure| failed(&path, failure))?;
    Ok(Sheet::unnamed(columns))
}

/// Reads one array; `length` is the number of its bytes where that is known.
fn read_array(reader: &mut dyn Read, length: Option<u64>) -> std::result::Result<Vec<Cells>, Failure> {
    npy_matrix(reader, length)?.0.read(reader)
}

/// Reads a header: the matrix behind it, and where that starts. `length` is the number of the file's bytes where that is
/// known.
///
/// # Errors
/// [`Failure::Read`]; [`Failure::Content`] as for [`read_npy`].
pub(in crate::data) fn npy_matrix(
    reader: &mut dyn Read,
    length: Option<u64>,
) -> std::result::Result<(Matrix, u64), Failure> {
    let header = Header::read(reader)?;
    let matrix = Matrix::of_array(&header)?;
    header.elements(length)?;
    Ok((matrix, header.start))
}

/// The error of a file that cannot be read.
pub(in crate::data) fn failed(path: &Path, failure: Failure) -> Error {
    match failure {
        Failure::Read(error) => read_error(path, error),
        Failure::Content(problem) => Error::data(path.display().to_string(), problem),
    }
}

/// Reads the arrays of a file: the features from those that `selection` names (else `x`), the labels from the one that
/// `label` names (else `y`) if `with_labels`. The numbers of a selection are left to choose among the columns.
///
/// # Errors
/// As `read_npy` for each array; [`Error::Data`] for a damaged archive; [`Error::InvalidArgument`] for an array that is
/// not there.
pub(in crate::data) fn read_npz(
    input: Input,
    label: &Label,
    selection: &Selection,
    with_labels: bool,
) -> Result<(Sheet, Selection)> {
    let path = input.path().to_path_buf();
    let seekable = input.is_plain();
    if seekable {
        let file = File::open(&path).map_err(|source| read_error(&path, source))?;
        return Arrays::open(file, &path)?.sheet(label, selection, with_labels);
    }
    let mut bytes = Vec::new();
    input.into_reader().read_to_end(&mut bytes).map_err(|source| read_error(&path, source))?;
    Arrays::open(Cursor::new(bytes), &path)?.sheet(label, selection, with_labels)
}

/// The arrays of a file.
pub(in crate::data) struct Arrays<'a, R> {
    archive: Archive<R>,
    path: &'a Path,
    /// Sorted.
    names: Vec<String>,
}

impl<'a, R: Read + Seek> Arrays<'a, R> {
    /// Reads the list of arrays.
    ///
    /// # Errors
    /// [`Error::Read`]; [`Error::Data`] for a damaged archive, or one without arrays.
    pub(in crate::data) fn open(reader: R, path: &'a Path) -> Result<Self> {
        let archive = Archive::open(reader).map_err(|failure| failed(path, failure))?;
        let mut names = archive.names().to_vec();
        names.sort_unstable();
        if names.is_empty() {
            let problem = "a zip archive without a single NumPy array";
            return Err(Error::data(path.display().to_string(), problem));
        }
        Ok(Self { archive, path, names })
    }

    fn sheet(
        mut self,
        label: &Label,
        selection: &Selection,
        with_labels: bool,
    ) -> Result<(Sheet, Selection)> {
        let arrays = self.features(selection)?;
        let mut columns = Vec::new();
        for name in &arrays {
            columns.append(&mut self.array("feature column", name)?);
        }
        if let Some(odd) = columns.iter().find(|cells| cells.len() != columns[0].len()) {
            return Err(self.uneven(&arrays[0], columns[0].len(), odd.len()));
        }
        let labels = if with_labels { self.labels(label)? } else { None };
        let sheet = Sheet { labels, features_only: true, ..Sheet::unnamed(columns) };
        Ok((sheet, numbers(selection)))
    }

    /// The arrays of the features.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] where none has a usual name.
    pub(in crate::data) fn features(&self, selection: &Selection) -> Result<Vec<String>> {
        let named: Vec<String> = selection.features.iter().filter(is_name).cloned().collect();
        if named.is_empty() { Ok(vec![self.usual("feature column", &FEATURES)?]) } else { Ok(named) }
    }

    /// The error of an array with other rows than the first.
    pub(in crate::data) fn uneven(&self, first: &str, rows: usize, found: usize) -> Error {
        Error::Shape {
            what: format!("arrays of {}", self.path.display()),
            expected: format!("{rows} rows as in `{first}`"),
            found: found.to_string(),
            hint: "choose arrays of equal length with --features".into(),
        }
    }

    /// The labels.
    ///
    /// # Errors
    /// Those of [`array`](Self::array).
    pub(in crate::data) fn labels(&mut self, label: &Label) -> Result<Option<Cells>> {
        let name = match label {
            Label::Name(name) => name.clone(),
            Label::Number(number) => number.to_string(),
            Label::Last => self.usual("label column", &LABELS)?,
        };
        Ok(self.array("label column", &name)?.pop())
    }

    /// The array with one of the usual names.
    fn usual(&self, what: &'static str, usual: &[&str]) -> Result<String> {
        let found = usual.iter().find(|name| self.names.iter().any(|there| there == *name));
        found.map(|name| (*name).to_owned()).ok_or_else(|| self.absent(what, usual[0]))
    }

    fn absent(&self, what: &'static str, name: &str) -> Error {
        let option = if what == "label column" { "--label" } else { "--features" };
        let (path, names) = (self.path.display(), list(self.names.iter()));
        Error::invalid(what, name, format!("the arrays of {path} are {names}; choose with {option}"))
    }

    /// Reads an array.
    ///
    /// # Errors
    /// Those of `read_npy`; [`Error::InvalidArgument`] where there is none; [`Error::Shape`] for labels that are no
    /// column.
    fn array(&mut self, what: &'static str, name: &str) -> Result<Vec<Cells>> {
        let columns = self.member(what, name, &mut |reader| read_array(reader, None))?;
        if what == "label column" && columns.len() != 1 {
            return Err(Error::Shape {
                what: format!("{}, array `{name}`", self.path.display()),
                expected: "one column of labels".into(),
                found: columns.len().to_string(),
                hint: "choose the labels' array with --label".into(),
            });
        }
        Ok(columns)
    }

    /// Reads an array's file with `read`. What the archive claims of it is no more to be trusted than what it claims
    /// itself.
    ///
    /// # Errors
    /// As [`array`](Self::array).
    pub(in crate::data) fn member<T>(
        &mut self,
        what: &'static str,
        name: &str,
        read: &mut dyn FnMut(&mut dyn Read) -> std::result::Result<T, Failure>,
    ) -> Result<T> {
        let absent = self.absent(what, name);
        let member = self.archive.member(name);
        let read = member.and_then(|member| member.map(|mut member| read(&mut member)).transpose());
        match read {
            Ok(Some(read)) => Ok(read),
            Ok(None) => Err(absent),
            Err(Failure::Read(error)) => Err(read_error(self.path, error)),
            Err(Failure::Content(problem)) => {
                Err(Error::data(format!("{}, array `{name}`", self.path.display()), problem))
            }
        }
    }
}

/// Whether a column is asked for by its name.
fn is_name(column: &&String) -> bool {
    matches!(Label::from_option(Some(column)), Label::Name(_))
}

/// What is left of a selection for the columns: those asked for by their numbers.
pub(in crate::data) fn numbers(selection: &Selection) -> Selection {
    let mut rest = selection.clone();
    rest.features.retain(|column| !is_name(&column));
    rest
}
