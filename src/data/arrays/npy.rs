//! NumPy's NPY format, versions 1 to 3: a header of text, then the array's bytes.

use std::io::{self, Read};
use std::path::Path;

use super::Sheet;
use super::npy_header::{Header, parse};
use super::numbers::Kind;
use crate::data::Scale;
use crate::data::input::{Input, read_error};
use crate::data::table::Cells;
use crate::error::{Error, Result};

/// The first bytes of a file.
pub(in crate::data) const MAGIC: &[u8] = b"\x93NUMPY";

/// The longest header that is read; NumPy's own limit is as low.
const MAX_HEADER: usize = 1 << 16;

/// Reads a file of one array: a row a sample.
///
/// # Errors
/// [`Error::Read`]; [`Error::Data`] for what is no NPY file, has elements that are no numbers, or holds more or less
/// than its header says.
pub(in crate::data) fn read_npy(input: Input) -> Result<Sheet> {
    let (path, length) = (input.path().to_path_buf(), input.length());
    let columns = read_array(&mut input.into_reader(), &path, "", length)?;
    let bytes = columns.iter().all(|cells| matches!(cells, Cells::Bytes(_)));
    Ok(Sheet::unnamed(columns, if bytes { Scale::Pixels } else { Scale::Standardise }))
}

/// Reads one array; `member` names it within a larger file, `length` is the number of its bytes where that is known.
pub(super) fn read_array(
    reader: &mut dyn Read,
    path: &Path,
    member: &str,
    length: Option<u64>,
) -> Result<Vec<Cells>> {
    let fail = |problem: String| {
        let member = if member.is_empty() { String::new() } else { format!(", array `{member}`") };
        Error::data(format!("{}{member}", path.display()), problem)
    };
    let cut = |error: io::Error| match error.kind() {
        io::ErrorKind::UnexpectedEof => {
            fail("cut short: it ends before its array does; copy it again".into())
        }
        _ => read_error(path, error),
    };
    let (text, start) = read_header(reader).map_err(cut)?;
    let Header { element, shape } = parse(&text).map_err(fail)?;
    let claimed = shape.n_bytes(element).and_then(|bytes| bytes.checked_add(start));
    match (claimed, length) {
        (None, _) => return Err(fail("its header claims more than any file can hold".into())),
        (Some(claimed), Some(length)) if claimed != length => {
            return Err(fail(format!(
                "its header claims {claimed} bytes, but it has {length}; it is damaged or cut short: copy it again"
            )));
        }
        _ => {}
    }
    let columns = element.read(reader, shape).map_err(cut)?;
    if reader.read(&mut [0]).map_err(cut)? != 0 {
        return Err(fail("it goes on after its array; it is damaged: copy it again".into()));
    }
    if element.kind == Kind::Text && shape.columns > 1 {
        return Err(fail("it holds texts; only labels may be texts in an array".into()));
    }
    Ok(columns)
}

/// The header's text, and the number of bytes up to its end.
fn read_header(reader: &mut dyn Read) -> io::Result<(String, u64)> {
    let invalid = |problem: &str| io::Error::new(io::ErrorKind::InvalidData, problem.to_owned());
    let mut start = [0; 8];
    reader.read_exact(&mut start)?;
    if !start.starts_with(MAGIC) {
        return Err(invalid("it does not begin as NumPy's files do"));
    }
    let (length, prefix) = match start[6] {
        1 => {
            let mut length = [0; 2];
            reader.read_exact(&mut length)?;
            (usize::from(u16::from_le_bytes(length)), 10)
        }
        2 | 3 => {
            let mut length = [0; 4];
            reader.read_exact(&mut length)?;
            (u32::from_le_bytes(length) as usize, 12)
        }
        _ => return Err(invalid("its format is newer than NumPy's versions 1 to 3")),
    };
    if length > MAX_HEADER {
        return Err(invalid("its header is longer than NumPy writes"));
    }
    let mut text = vec![0; length];
    reader.read_exact(&mut text)?;
    let text = String::from_utf8(text).map_err(|_| invalid("its header is not text"))?;
    Ok((text, (prefix + length) as u64))
}
