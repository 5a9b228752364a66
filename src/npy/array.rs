//! An array in memory with its shape, read from a .npy file: types of either byte order, C and Fortran order.

use std::io::{Read, Seek};

use super::archive::Archive;
use super::element::Kind;
use super::failure::Failure;
use super::header::Header;
use super::stream::{blocks, expect_end};

/// The most elements of an array: as many as a network may have parameters.
const MAX_ELEMENTS: u64 = 1 << 30;

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

    /// Reads a .npy file, whose number of bytes is `length` where that is known.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn read(reader: &mut dyn Read, length: Option<u64>) -> Result<Self, Failure> {
        let header = Header::read(reader)?;
        let elements = header.elements(length)?;
        if elements > MAX_ELEMENTS {
            return Err(Failure::Content(format!(
                "it has {elements} elements; at most {MAX_ELEMENTS} are read"
            )));
        }
        let element = header.element;
        let mut values = match (element.kind, element.size) {
            (Kind::Float, 4) => Values::Single(Vec::new()),
            (Kind::Float, _) => Values::Double(Vec::new()),
            (Kind::Signed | Kind::Unsigned, _) => Values::Integer(Vec::new()),
            (Kind::Text, _) => Values::Text(Vec::new()),
        };
        blocks(reader, elements as usize, element.size, &mut |bytes| {
            let pieces = bytes.chunks_exact(element.size);
            match &mut values {
                Values::Single(all) => all.extend(pieces.map(|bytes| element.number(bytes) as f32)),
                Values::Double(all) => all.extend(pieces.map(|bytes| element.number(bytes))),
                Values::Integer(all) => {
                    pieces
                        .map(|bytes| element.integer(bytes))
                        .try_for_each(|value| value.map(|value| all.push(value)))?;
                }
                Values::Text(all) => {
                    pieces
                        .map(|bytes| element.text(bytes))
                        .try_for_each(|text| text.map(|text| all.push(text)))?;
                }
            }
            Ok(())
        })?;
        expect_end(reader)?;
        let values = if header.fortran_order { row_major(values, &header.shape) } else { values };
        Ok(Self { shape: header.shape, values })
    }
}

impl<R: Read + Seek> Archive<R> {
    /// Reads an array; `None` where there is none of this name.
    ///
    /// # Errors
    /// What is wrong with it, in words that name it.
    pub fn array(&mut self, name: &str) -> Result<Option<Array>, String> {
        let wrong = |failure: Failure| format!("array `{name}`: {failure}");
        let Some(mut member) = self.member(name).map_err(wrong)? else { return Ok(None) };
        Array::read(&mut member, None).map(Some).map_err(wrong)
    }
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
