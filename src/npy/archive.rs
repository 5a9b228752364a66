//! .npz: a ZIP archive of .npy files, stored as they are (`np.savez`) or deflated (`np.savez_compressed`).

use std::borrow::Cow;
use std::io::{Cursor, Read, Write};

use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::array::Array;

/// The most bytes that an entry may unpack to: 2^30 parameters in double precision and a header.
const MAX_ENTRY: u64 = (1 << 33) + (1 << 16);

/// An open .npz archive.
pub(crate) struct Archive<'a> {
    zip: ZipArchive<Cursor<&'a [u8]>>,
    /// Of its entries, in order, without the ending.
    names: Vec<String>,
}

impl<'a> Archive<'a> {
    /// Reads the list of entries.
    ///
    /// # Errors
    /// What is wrong with the archive, in words.
    pub fn open(bytes: &'a [u8]) -> Result<Self, String> {
        let damaged =
            |error: ZipError| format!("it is no .npz archive, or damaged ({error}); write it with np.savez");
        let zip = ZipArchive::new(Cursor::new(bytes)).map_err(damaged)?;
        let name = |name: Result<Cow<'_, str>, ZipError>| {
            name.map(|name| name.strip_suffix(".npy").unwrap_or(&name).to_owned())
        };
        let names = zip.file_names().map(name).collect::<Result<_, _>>().map_err(damaged)?;
        Ok(Self { zip, names })
    }

    /// The arrays' names, in the archive's order.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Reads an array; `None` where there is none of this name.
    ///
    /// # Errors
    /// What is wrong with it, in words that name it.
    pub fn array(&mut self, name: &str) -> Result<Option<Array>, String> {
        let Some(index) = self.names.iter().position(|known| known == name) else { return Ok(None) };
        let wrong = |problem: String| format!("array `{name}`: {problem}");
        let file = self.zip.by_index(index).map_err(|error| wrong(error.to_string()))?;
        let mut bytes = Vec::new();
        // The size that the archive claims is not believed: what comes out is counted.
        let read = file.take(MAX_ENTRY + 1).read_to_end(&mut bytes);
        read.map_err(|error| wrong(format!("{error}; the file is damaged or cut short")))?;
        if bytes.len() as u64 > MAX_ENTRY {
            return Err(wrong(format!("it is larger than {MAX_ENTRY} bytes")));
        }
        Array::from_npy(&bytes).map(Some).map_err(wrong)
    }
}

/// The bytes of an archive of these arrays, the same in every run.
///
/// # Errors
/// What the archive's writer says.
pub(crate) fn write_archive(arrays: &[(String, Array)]) -> Result<Vec<u8>, String> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, array) in arrays {
        let bytes = array.to_npy();
        let large = u32::try_from(bytes.len()).is_err();
        let options =
            SimpleFileOptions::default().compression_method(CompressionMethod::Stored).large_file(large);
        zip.start_file(format!("{name}.npy"), options).map_err(|error| error.to_string())?;
        zip.write_all(&bytes).map_err(|error| error.to_string())?;
    }
    Ok(zip.finish().map_err(|error| error.to_string())?.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_gives_its_arrays_back() {
        let arrays = [
            ("W1".to_owned(), Array::matrix(2, 2, vec![1.0, 2.0, 3.0, 4.0])),
            ("names".to_owned(), Array::texts(vec!["a".into()])),
        ];
        let bytes = write_archive(&arrays).unwrap();
        assert_eq!(bytes, write_archive(&arrays).unwrap());
        let mut archive = Archive::open(&bytes).unwrap();
        assert_eq!(archive.names(), ["W1", "names"]);
        for (name, array) in arrays {
            assert_eq!(archive.array(&name), Ok(Some(array)));
        }
        assert_eq!(archive.array("W2"), Ok(None));
    }

    #[test]
    fn a_damaged_archive_is_refused() {
        let mut bytes = write_archive(&[("W1".to_owned(), Array::matrix(1, 1, vec![1.0]))]).unwrap();
        for length in 0..bytes.len() {
            assert!(Archive::open(&bytes[..length]).is_err(), "cut to {length}");
        }
        // The array's last byte: the checksum notices.
        let at = bytes.windows(8).position(|window| window == 1f64.to_le_bytes()).unwrap();
        bytes[at + 7] ^= 1;
        let problem = Archive::open(&bytes).unwrap().array("W1").unwrap_err();
        assert!(problem.contains("`W1`") && problem.contains("damaged"), "{problem}");
    }
}
