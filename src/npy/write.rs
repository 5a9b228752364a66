//! Arrays as .npy files, and archives of them, the same bytes in every run.

use std::io::{Cursor, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::array::{Array, Values};
use super::header::MAGIC;

/// Data starts at a multiple of this.
const ALIGNMENT: usize = 64;

impl Array {
    /// The array as a .npy file.
    pub fn to_npy(&self) -> Vec<u8> {
        let (descr, data): (String, Vec<u8>) = match &self.values {
            Values::Single(values) => ("<f4".into(), values.iter().flat_map(|v| v.to_le_bytes()).collect()),
            Values::Double(values) => ("<f8".into(), values.iter().flat_map(|v| v.to_le_bytes()).collect()),
            Values::Integer(values) => ("<i8".into(), values.iter().flat_map(|v| v.to_le_bytes()).collect()),
            Values::Text(texts) => unicode(texts),
        };
        let mut bytes = header(&descr, &self.shape);
        bytes.extend(data);
        bytes
    }
}

/// NumPy's fixed-width text: every text in as many code points as the longest has, padded with zeros.
fn unicode(texts: &[String]) -> (String, Vec<u8>) {
    // NumPy has no width 0.
    let width = texts.iter().map(|text| text.chars().count()).max().unwrap_or(0).max(1);
    let padded = |text: &str| text.chars().map(u32::from).chain(std::iter::repeat(0)).take(width).collect();
    let points = texts.iter().flat_map(|text| -> Vec<u32> { padded(text) });
    (format!("<U{width}"), points.flat_map(u32::to_le_bytes).collect())
}

/// The header of an array of that type in C order, as NumPy writes it.
pub(super) fn header(descr: &str, shape: &[usize]) -> Vec<u8> {
    let sizes: Vec<String> = shape.iter().map(usize::to_string).collect();
    let comma = if sizes.len() == 1 { "," } else { "" };
    let shape = format!("({}{comma})", sizes.join(", "));
    let mut text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    let head = MAGIC.len() + 4;
    let length = (head + text.len() + 1).next_multiple_of(ALIGNMENT) - head;
    while text.len() + 1 < length {
        text.push(' ');
    }
    text.push('\n');
    // Shapes here have at most two dimensions: far from 64 KiB of header.
    [MAGIC, &[1, 0], &(length as u16).to_le_bytes(), text.as_bytes()].concat()
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
    use super::super::archive::Archive;
    use super::*;

    fn from_npy(bytes: &[u8]) -> Result<Array, String> {
        Array::read(&mut &bytes[..], Some(bytes.len() as u64)).map_err(|failure| failure.to_string())
    }

    fn read(descr: &str, fortran_order: bool, shape: &[usize], data: &[u8]) -> Result<Array, String> {
        let header = String::from_utf8_lossy(&header(descr, shape)[10..]).into_owned();
        let header = if fortran_order { header.replace("False", "True ") } else { header };
        let length = (header.len() as u16).to_le_bytes();
        from_npy(&[b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), data].concat())
    }

    #[test]
    fn what_is_written_is_read() {
        let arrays = [
            Array::matrix(2, 3, vec![0.1, -0.0, 1e300, f64::MIN_POSITIVE, 5.0, 6.0]),
            Array::matrix(1, 2, vec![0.5, 0.25]).into_single(),
            Array::texts(vec!["setosa".into(), "größer, \"x\"".into(), String::new()]),
            Array::text("tanh"),
            Array { shape: vec![0], values: Values::Text(Vec::new()) },
            Array { shape: vec![3], values: Values::Integer(vec![i64::MIN, -1, 7]) },
        ];
        for array in arrays {
            let bytes = array.to_npy();
            assert_eq!(from_npy(&bytes).as_ref(), Ok(&array));
            for length in 0..bytes.len() {
                assert!(from_npy(&bytes[..length]).is_err(), "{array:?} cut to {length}");
            }
        }
    }

    #[test]
    fn either_byte_order_and_every_width_are_read() {
        let values = |descr, data| read(descr, false, &[2], data).map(|array| array.values);
        assert_eq!(values(">f4", &[0x3f, 0x80, 0, 0, 0xc0, 0, 0, 0]), Ok(Values::Single(vec![1.0, -2.0])));
        assert_eq!(values("<i2", &[0xfe, 0xff, 2, 1]), Ok(Values::Integer(vec![-2, 258])));
        assert_eq!(values(">i2", &[0xff, 0xfe, 1, 2]), Ok(Values::Integer(vec![-2, 258])));
        assert_eq!(values("|u1", &[0xfe, 2]), Ok(Values::Integer(vec![254, 2])));
        assert_eq!(values("|b1", &[1, 0]), Ok(Values::Integer(vec![1, 0])));
        assert!(values("<u8", &[0xff; 16]).unwrap_err().contains("too large"));
        let text = [[0, 0, 0, b'a'], [0; 4], [0, 0, 0, b'b'], [0, 0, 0, b'c']].concat();
        assert_eq!(values(">U2", &text), Ok(Values::Text(vec!["a".into(), "bc".into()])));
        assert!(values("<U1", &[0xff; 8]).unwrap_err().contains("Unicode"));
    }

    #[test]
    fn fortran_order_becomes_row_major() {
        let array = read("|u1", true, &[2, 3], &[1, 4, 2, 5, 3, 6]).unwrap();
        assert_eq!(array.values, Values::Integer(vec![1, 2, 3, 4, 5, 6]));
        let array = read("|u1", true, &[2, 1, 3], &[1, 4, 2, 5, 3, 6]).unwrap();
        assert_eq!(array.values, Values::Integer(vec![1, 2, 3, 4, 5, 6]));
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let refuses = |descr, shape: &[usize], word: &str| {
            let problem = read(descr, false, shape, &[0; 8]).unwrap_err();
            assert!(problem.contains(word), "{problem}");
        };
        refuses("|O", &[1], ".astype(str)");
        refuses("<c8", &[1], "`<c8`");
        refuses("<U0", &[1], "`<U0`");
        refuses("<f4", &[3], "claims 140 bytes, but it has 136");
        refuses("<f4", &[usize::MAX, 2], "claims more");
        refuses("<f8", &[1 << 40], "but it has");
        let problem = from_npy(b"\x93NUMPY\x01\x00\x02\x00{}").unwrap_err();
        assert!(problem.contains("`descr`"), "{problem}");
    }

    #[test]
    fn an_archive_gives_its_arrays_back() {
        let arrays = [
            ("W1".to_owned(), Array::matrix(2, 2, vec![1.0, 2.0, 3.0, 4.0])),
            ("names".to_owned(), Array::texts(vec!["a".into()])),
        ];
        let bytes = write_archive(&arrays).unwrap();
        assert_eq!(bytes, write_archive(&arrays).unwrap());
        let mut archive = Archive::open(Cursor::new(&bytes)).unwrap();
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
            assert!(Archive::open(Cursor::new(&bytes[..length])).is_err(), "cut to {length}");
        }
        // The array's last byte: the checksum notices.
        let at = bytes.windows(8).position(|window| window == 1f64.to_le_bytes()).unwrap();
        bytes[at + 7] ^= 1;
        let problem = Archive::open(Cursor::new(&bytes)).unwrap().array("W1").unwrap_err();
        assert!(problem.contains("`W1`") && problem.contains("damaged"), "{problem}");
    }
}
