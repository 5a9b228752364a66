//! How much memory a file would take if it were read whole, from a look at its beginning.

#[cfg(feature = "parquet")]
use crate::data::arrays::ParquetFile;
use crate::data::arrays::{idx_matrix, npy_matrix};
use crate::data::delimiter::delimiter;
use crate::data::format::Format;
use crate::data::input::Input;
use crate::data::{FileSource, is_standard_input};
use crate::error::Result;

/// Bytes that a value takes beside its cell while it is prepared: as a feature, and rounded for an executor.
const PREPARED: u64 = 8 + 4;

/// How much larger compressed data usually is.
const PACKED: u64 = 4;

impl FileSource {
    /// About how many bytes of memory the data takes where it is read whole; `None` where a look does not tell.
    ///
    /// # Errors
    /// [`Error::Read`](crate::Error::Read).
    pub fn memory_needed(&self) -> Result<Option<u64>> {
        if is_standard_input(&self.path) {
            return Ok(None);
        }
        let input = Input::open(&self.path)?;
        #[cfg(feature = "parquet")]
        if Format::of(input.path(), input.head()) == Format::Parquet && input.is_plain() {
            // Its columns are known from the end of the file alone.
            let file = ParquetFile::open(input)?;
            return Ok(Some(file.rows().saturating_mul(file.names().len() as u64 * (8 + PREPARED))));
        }
        let (on_disk, length) = (input.progress().total, input.length());
        let Some(bytes) = length.or(on_disk.map(|bytes| bytes.saturating_mul(PACKED))) else {
            return Ok(None);
        };
        let cells = |element: u64| bytes / element * (element.clamp(1, 8) + PREPARED);
        let (head, path) = (input.head(), input.path());
        Ok(Some(match Format::of(path, head) {
            Format::Text => {
                let delimiter = delimiter(path, head);
                let cells = head.iter().filter(|&&byte| byte == delimiter || byte == b'\n').count() as u64;
                let an_average = head.len() as u64 / cells.max(1);
                bytes / an_average.max(1) * (8 + PREPARED)
            }
            Format::Npy => {
                npy_matrix(&mut &head[..], None).map_or(0, |(array, _)| cells(array.element.size as u64))
            }
            Format::Idx => {
                idx_matrix(&mut &head[..], None).map_or(0, |(array, _)| cells(array.element.size as u64))
            }
            Format::Npz => cells(8),
            Format::Parquet | Format::Unknown => return Ok(None),
        }))
    }
}
