//! The IDX format of MNIST and its kin: a magic number, the sizes, then the numbers, images and labels in files of their
//! own.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::Sheet;
use super::columns::Matrix;
use super::numpy::failed;
use crate::data::input::{Input, file_name};
use crate::error::Result;
use crate::npy::{ElementType, Failure, Header, Kind};

/// The most dimensions that are taken for a data set.
const MAX_DIMENSIONS: u8 = 4;

/// Whether a file is one of these, by its beginning or by its name.
pub(in crate::data) fn is_idx(path: &Path, head: &[u8]) -> bool {
    let name = file_name(path).to_ascii_lowercase();
    let named = name.contains("-ubyte") || name.ends_with(".idx") || name.ends_with(".idx.gz");
    let magic = matches!(head, [0, 0, code, 1..=MAX_DIMENSIONS, ..] if element(*code).is_some());
    named || magic
}

/// The file of labels beside a file of images, where there is one: `train-labels-idx1-ubyte.gz` beside
/// `train-images-idx3-ubyte.gz`.
pub(in crate::data) fn labels_beside(images: &Path) -> Option<PathBuf> {
    let name = file_name(images);
    let labels = name.replace("images", "labels").replace("idx3", "idx1");
    if labels == name {
        return None;
    }
    let bare = labels.strip_suffix(".gz").unwrap_or(&labels);
    let candidates = [labels.clone(), bare.to_owned(), format!("{bare}.gz")];
    candidates.into_iter().map(|name| images.with_file_name(name)).find(|path| path.is_file())
}

/// Reads a file: one row for each step of the first dimension.
///
/// # Errors
/// [`Error::Read`](crate::Error::Read); [`Error::Data`](crate::Error::Data) for a magic number or sizes that are none, and
/// for a file that holds more or less than they say.
pub(in crate::data) fn read_idx(input: Input) -> Result<Sheet> {
    let (path, length) = (input.path().to_path_buf(), input.length());
    let mut reader = input.into_reader();
    let columns = idx_matrix(&mut reader, length).and_then(|(matrix, _)| matrix.read(&mut reader));
    let columns = columns.map_err(|failure| failed(&path, failure))?;
    Ok(Sheet { features_only: true, ..Sheet::unnamed(columns) })
}

/// Reads a header: the matrix behind it, and where that starts. `length` is the number of the file's bytes where that is
/// known.
///
/// # Errors
/// [`Failure::Read`]; [`Failure::Content`] as for [`read_idx`].
pub(in crate::data) fn idx_matrix(
    reader: &mut dyn Read,
    length: Option<u64>,
) -> std::result::Result<(Matrix, u64), Failure> {
    let mut magic = [0; 4];
    reader.read_exact(&mut magic)?;
    let (element, dimensions) = match magic {
        [0, 0, code, dimensions @ 1..=MAX_DIMENSIONS] => (element(code), dimensions),
        _ => (None, 0),
    };
    let Some(element) = element else {
        return Err(format!("its magic number {magic:02x?} is not that of an IDX file; copy it again").into());
    };
    let mut shape = Vec::with_capacity(dimensions.into());
    for _ in 0..dimensions {
        let mut size = [0; 4];
        reader.read_exact(&mut size)?;
        shape.push(u32::from_be_bytes(size) as usize);
    }
    let start = 4 + 4 * u64::from(dimensions);
    let header = Header { element, fortran_order: false, shape, start };
    let matrix = Matrix::of_array(&header)?;
    header.elements(length)?;
    Ok((matrix, start))
}

fn element(code: u8) -> Option<ElementType> {
    let (kind, size) = match code {
        0x08 => (Kind::Unsigned, 1),
        0x09 => (Kind::Signed, 1),
        0x0b => (Kind::Signed, 2),
        0x0c => (Kind::Signed, 4),
        0x0d => (Kind::Float, 4),
        0x0e => (Kind::Float, 8),
        _ => return None,
    };
    Some(ElementType { kind, size, big_endian: true })
}
