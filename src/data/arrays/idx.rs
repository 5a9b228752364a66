//! The IDX format of MNIST and its kin: a magic number, the sizes, then the numbers, images and labels in files of their
//! own.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::Sheet;
use super::numbers::{ElementType, Kind, MAX_COLUMNS, Shape};
use crate::data::Scale;
use crate::data::input::{Input, file_name, read_error};
use crate::data::table::Cells;
use crate::error::{Error, Result};

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
/// [`Error::Read`]; [`Error::Data`] for a magic number or sizes that are none, and for a file that holds more or less
/// than they say.
pub(in crate::data) fn read_idx(input: Input) -> Result<Sheet> {
    let (path, length) = (input.path().to_path_buf(), input.length());
    let fail = |problem: String| Error::data(path.display().to_string(), problem);
    let cut = |error: io::Error| match error.kind() {
        io::ErrorKind::UnexpectedEof => {
            fail("cut short: it ends before its numbers do; copy it again".into())
        }
        _ => read_error(&path, error),
    };
    let mut reader = input.into_reader();
    let mut magic = [0; 4];
    reader.read_exact(&mut magic).map_err(cut)?;
    let (element, dimensions) = match magic {
        [0, 0, code, dimensions @ 1..=MAX_DIMENSIONS] => (element(code), dimensions),
        _ => (None, 0),
    };
    let Some(element) = element else {
        return Err(fail(format!("its magic number {magic:02x?} is not that of an IDX file; copy it again")));
    };
    let mut sizes = Vec::with_capacity(dimensions.into());
    for _ in 0..dimensions {
        let mut size = [0; 4];
        reader.read_exact(&mut size).map_err(cut)?;
        sizes.push(u32::from_be_bytes(size) as usize);
    }
    let columns = sizes[1..].iter().try_fold(1_usize, |product, &size| product.checked_mul(size));
    let Some(columns) = columns.filter(|columns| (1..=MAX_COLUMNS).contains(columns)) else {
        return Err(fail(format!("its sizes {sizes:?} have no columns or more than {MAX_COLUMNS}")));
    };
    let shape = Shape { rows: sizes[0], columns, by_column: false };
    let start = 4 + 4 * u64::from(dimensions);
    let claimed = shape.n_bytes(element).and_then(|bytes| bytes.checked_add(start));
    match (claimed, length) {
        (Some(claimed), Some(length)) if claimed != length => {
            return Err(fail(format!(
                "its header claims {claimed} bytes, but it has {length}; it is damaged or cut short: copy it again"
            )));
        }
        (None, _) => return Err(fail("its header claims more than any file can hold".into())),
        _ => {}
    }
    let columns = element.read(&mut reader, shape).map_err(cut)?;
    if reader.read(&mut [0]).map_err(cut)? != 0 {
        return Err(fail("it goes on after its numbers; it is damaged: copy it again".into()));
    }
    let bytes = columns.iter().all(|cells| matches!(cells, Cells::Bytes(_)));
    let usual_scale = if bytes { Scale::Pixels } else { Scale::Standardise };
    Ok(Sheet { features_only: true, ..Sheet::unnamed(columns, usual_scale) })
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
