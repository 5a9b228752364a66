//! An array with its shape, and its bytes as .npy.

use super::header::Header;

/// An array, row-major.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Array {
    /// Its dimensions; none for a single value.
    pub shape: Vec<usize>,
    /// As many values as the dimensions' product.
    pub values: Values,
}

/// What an array holds; smaller types of a file are widened, losing nothing.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Values {
    Single(Vec<f32>),
    Double(Vec<f64>),
    Integer(Vec<i64>),
    Text(Vec<String>),
}

impl Array {
    /// A matrix of doubles.
    pub fn matrix(rows: usize, cols: usize, values: Vec<f64>) -> Self {
        Self { shape: vec![rows, cols], values: Values::Double(values) }
    }

    /// A list of doubles.
    pub fn list(values: Vec<f64>) -> Self {
        Self { shape: vec![values.len()], values: Values::Double(values) }
    }

    /// A list of texts.
    pub fn texts(texts: Vec<String>) -> Self {
        Self { shape: vec![texts.len()], values: Values::Text(texts) }
    }

    /// A single text.
    pub fn text(text: &str) -> Self {
        Self { shape: Vec::new(), values: Values::Text(vec![text.to_owned()]) }
    }

    /// The same with numbers in single precision.
    pub fn into_single(self) -> Self {
        let values = match self.values {
            Values::Double(values) => Values::Single(values.into_iter().map(|value| value as f32).collect()),
            other => other,
        };
        Self { values, ..self }
    }

    /// The array as a .npy file.
    pub fn to_npy(&self) -> Vec<u8> {
        let (descr, data): (String, Vec<u8>) = match &self.values {
            Values::Single(values) => ("<f4".into(), values.iter().flat_map(|v| v.to_le_bytes()).collect()),
            Values::Double(values) => ("<f8".into(), values.iter().flat_map(|v| v.to_le_bytes()).collect()),
            Values::Integer(values) => ("<i8".into(), values.iter().flat_map(|v| v.to_le_bytes()).collect()),
            Values::Text(texts) => unicode(texts),
        };
        let mut bytes = Header { descr, fortran_order: false, shape: self.shape.clone() }.to_bytes();
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
