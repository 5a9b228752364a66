//! NumPy's NPZ format: a zip archive with one NPY file an array. One array is the features, another the labels.

use std::fs::File;
use std::io::{Cursor, Read, Seek};
use std::path::Path;

use zip::ZipArchive;
use zip::result::ZipError;

use super::Sheet;
use super::npy::read_array;
use crate::data::csv_columns::{Label, Selection};
use crate::data::csv_rows::list;
use crate::data::input::{Input, read_error};
use crate::data::table::Cells;
use crate::data::{Scale, is_standard_input};
use crate::error::{Error, Result};

/// The first bytes of a file.
pub(in crate::data) const MAGIC: &[u8] = b"PK\x03\x04";

/// The usual names of the features and of the labels.
const FEATURES: [&str; 5] = ["x", "X", "data", "x_train", "X_train"];
const LABELS: [&str; 5] = ["y", "Y", "target", "y_train", "Y_train"];

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
    let seekable = input.length().is_some() && !is_standard_input(&path);
    if seekable {
        let file = File::open(&path).map_err(|source| read_error(&path, source))?;
        return Archive::new(file, &path)?.sheet(label, selection, with_labels);
    }
    let mut bytes = Vec::new();
    input.into_reader().read_to_end(&mut bytes).map_err(|source| read_error(&path, source))?;
    Archive::new(Cursor::new(bytes), &path)?.sheet(label, selection, with_labels)
}

struct Archive<'a, R> {
    zip: ZipArchive<R>,
    path: &'a Path,
    /// The arrays' names, without `.npy`.
    names: Vec<String>,
}

impl<'a, R: Read + Seek> Archive<'a, R> {
    fn new(reader: R, path: &'a Path) -> Result<Self> {
        let zip = ZipArchive::new(reader).map_err(|error| damaged(path, error))?;
        let names = zip.file_names().filter_map(|name| Some(name.ok()?.strip_suffix(".npy")?.to_owned()));
        let mut names: Vec<String> = names.collect();
        names.sort_unstable();
        if names.is_empty() {
            return Err(Error::data(
                path.display().to_string(),
                "a zip archive without a single NumPy array",
            ));
        }
        Ok(Self { zip, path, names })
    }

    fn sheet(
        mut self,
        label: &Label,
        selection: &Selection,
        with_labels: bool,
    ) -> Result<(Sheet, Selection)> {
        let is_name = |column: &&String| matches!(Label::from_option(Some(column)), Label::Name(_));
        let named: Vec<String> = selection.features.iter().filter(is_name).cloned().collect();
        let arrays = if named.is_empty() { vec![self.usual("feature column", &FEATURES)?] } else { named };
        let mut columns = Vec::new();
        for name in &arrays {
            columns.append(&mut self.array("feature column", name)?);
        }
        if let Some(odd) = columns.iter().find(|cells| cells.len() != columns[0].len()) {
            return Err(Error::Shape {
                what: format!("arrays of {}", self.path.display()),
                expected: format!("{} rows as in `{}`", columns[0].len(), arrays[0]),
                found: odd.len().to_string(),
                hint: "choose arrays of equal length with --features".into(),
            });
        }
        let labels = if with_labels {
            let name = match label {
                Label::Name(name) => name.clone(),
                Label::Number(number) => number.to_string(),
                Label::Last => self.usual("label column", &LABELS)?,
            };
            self.array("label column", &name)?.pop()
        } else {
            None
        };
        let bytes = columns.iter().all(|cells| matches!(cells, Cells::Bytes(_)));
        let usual_scale = if bytes { Scale::Pixels } else { Scale::Standardise };
        let sheet = Sheet { names: None, columns, labels, features_only: true, usual_scale };
        let mut rest = selection.clone();
        rest.features.retain(|column| !is_name(&column));
        Ok((sheet, rest))
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

    fn array(&mut self, what: &'static str, name: &str) -> Result<Vec<Cells>> {
        if !self.names.iter().any(|there| there == name) {
            return Err(self.absent(what, name));
        }
        let mut member =
            self.zip.by_name(&format!("{name}.npy")).map_err(|error| damaged(self.path, error))?;
        // What the archive claims of a member is no more to be trusted than what the member claims itself.
        let columns = read_array(&mut member, self.path, name, None)?;
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
}

fn damaged(path: &Path, error: ZipError) -> Error {
    match error {
        ZipError::Io(error) => read_error(path, error),
        error => {
            let problem = format!("not a readable zip archive ({error}); copy it or save it again");
            Error::data(path.display().to_string(), problem)
        }
    }
}
