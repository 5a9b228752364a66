//! The bytes of a .npy file as an array: types of either byte order, C and Fortran order.

use super::array::{Array, Values};
use super::header::Header;

impl Array {
    /// Reads a .npy file.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn from_npy(bytes: &[u8]) -> Result<Self, String> {
        let (header, data) = Header::split(bytes)?;
        let (kind, width) = type_of(&header.descr)?;
        let count = header.shape.iter().try_fold(1usize, |count, size| count.checked_mul(*size));
        let wanted = count.and_then(|count| count.checked_mul(width));
        if wanted != Some(data.len()) {
            return Err(format!(
                "shape {:?} of type {} does not fit its {} bytes; the file is damaged or cut short",
                header.shape,
                header.descr,
                data.len()
            ));
        }
        let big = header.descr.starts_with('>');
        let values = match kind {
            Kind::Float => floats(data, width, big),
            Kind::Signed | Kind::Unsigned => Values::Integer(integers(data, width, big, kind)?),
            Kind::Text => Values::Text(texts(data, width, big)?),
        };
        let values = if header.fortran_order { row_major(values, &header.shape) } else { values };
        Ok(Self { shape: header.shape, values })
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Float,
    Signed,
    Unsigned,
    Text,
}

/// The kind of a type and the bytes of a value.
fn type_of(descr: &str) -> Result<(Kind, usize), String> {
    let name = descr.trim_start_matches(['<', '>', '=', '|']);
    let known = match name {
        "f4" => (Kind::Float, 4),
        "f8" => (Kind::Float, 8),
        "i1" | "i2" | "i4" | "i8" => (Kind::Signed, usize::from(name.as_bytes()[1] - b'0')),
        "u1" | "u2" | "u4" | "u8" => (Kind::Unsigned, usize::from(name.as_bytes()[1] - b'0')),
        "b1" => (Kind::Unsigned, 1),
        "O" => {
            return Err(
                "it holds Python objects, which only Python can read; save each array by itself, texts with \
                        .astype(str)"
                    .into(),
            );
        }
        _ => {
            let points = name.strip_prefix('U').and_then(|points| points.parse::<usize>().ok());
            let bytes = points.and_then(|points| points.checked_mul(4)).filter(|bytes| *bytes > 0);
            let bytes = bytes.ok_or_else(|| {
                format!("type `{descr}` is not read; save it as float32, float64, an integer or str")
            })?;
            (Kind::Text, bytes)
        }
    };
    Ok(known)
}

fn floats(data: &[u8], width: usize, big: bool) -> Values {
    if width == 4 {
        let read = if big { f32::from_be_bytes } else { f32::from_le_bytes };
        return Values::Single(data.as_chunks().0.iter().map(|bytes| read(*bytes)).collect());
    }
    let read = if big { f64::from_be_bytes } else { f64::from_le_bytes };
    Values::Double(data.as_chunks().0.iter().map(|bytes| read(*bytes)).collect())
}

fn integers(data: &[u8], width: usize, big: bool, kind: Kind) -> Result<Vec<i64>, String> {
    let read = |bytes: &[u8]| {
        let negative = kind == Kind::Signed && bytes[if big { 0 } else { width - 1 }] >= 0x80;
        let mut wide = [if negative { 0xff } else { 0 }; 8];
        for (i, byte) in bytes.iter().enumerate() {
            wide[if big { width - 1 - i } else { i }] = *byte;
        }
        let value = i64::from_le_bytes(wide);
        let too_large = kind == Kind::Unsigned && value < 0;
        if too_large { Err(format!("{} is too large an integer", value as u64)) } else { Ok(value) }
    };
    data.chunks_exact(width).map(read).collect()
}

fn texts(data: &[u8], width: usize, big: bool) -> Result<Vec<String>, String> {
    let read = if big { u32::from_be_bytes } else { u32::from_le_bytes };
    let text = |bytes: &[u8]| {
        let points = bytes.as_chunks().0.iter().map(|bytes| read(*bytes));
        let text: Option<String> = points.map(char::from_u32).collect();
        Ok(text.ok_or("a text is no valid Unicode")?.trim_end_matches('\0').to_owned())
    };
    data.chunks_exact(width).map(text).collect()
}

/// Values of Fortran order in C order.
fn row_major(values: Values, shape: &[usize]) -> Values {
    fn reorder<T: Clone>(values: &[T], shape: &[usize]) -> Vec<T> {
        let from = |mut index: usize| {
            // The digits of the index, last dimension first, weigh anew.
            let (mut at, mut stride) = (0, values.len());
            for size in shape.iter().rev() {
                stride /= size;
                at += index % size * stride;
                index /= size;
            }
            at
        };
        (0..values.len()).map(|index| values[from(index)].clone()).collect()
    }
    match values {
        Values::Single(values) => Values::Single(reorder(&values, shape)),
        Values::Double(values) => Values::Double(reorder(&values, shape)),
        Values::Integer(values) => Values::Integer(reorder(&values, shape)),
        Values::Text(values) => Values::Text(reorder(&values, shape)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(descr: &str, fortran_order: bool, shape: &[usize], data: &[u8]) -> Result<Array, String> {
        let header = Header { descr: descr.into(), fortran_order, shape: shape.into() };
        Array::from_npy(&[&header.to_bytes(), data].concat())
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
            assert_eq!(Array::from_npy(&bytes).as_ref(), Ok(&array));
            for length in 0..bytes.len() {
                assert!(Array::from_npy(&bytes[..length]).is_err(), "{array:?} cut to {length}");
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
        refuses("<f4", &[3], "8 bytes");
        refuses("<f4", &[usize::MAX, 2], "does not fit");
        let problem = Array::from_npy(b"\x93NUMPY\x01\x00\x02\x00{}").unwrap_err();
        assert!(problem.contains("`descr`"), "{problem}");
    }
}
