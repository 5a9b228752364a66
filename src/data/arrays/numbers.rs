//! Matrices of numbers as bytes, read block by block into columns that grow as the bytes arrive.

use std::io::{self, Read};

use crate::data::table::Cells;

/// Bytes read at a time, where a row is not longer.
const BLOCK: usize = 1 << 18;

/// The most columns a file may have: no header makes a reader allocate more than a block for each.
pub(super) const MAX_COLUMNS: usize = 1 << 20;

/// How a number is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Unsigned,
    Signed,
    Float,
    /// Unicode characters of four bytes each, padded with zeros.
    Text,
}

/// The type of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ElementType {
    pub(super) kind: Kind,
    /// Bytes an element.
    pub(super) size: usize,
    pub(super) big_endian: bool,
}

/// The matrix that a header describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) rows: usize,
    pub(super) columns: usize,
    /// Whether neighbours in the file are neighbours in a column.
    pub(super) by_column: bool,
}

impl Shape {
    /// Bytes of all elements; `None` if no machine could hold them.
    pub(super) fn n_bytes(self, element: ElementType) -> Option<u64> {
        let elements = (self.rows as u64).checked_mul(self.columns as u64)?;
        elements.checked_mul(element.size as u64)
    }
}

impl ElementType {
    /// Reads a matrix.
    ///
    /// # Errors
    /// Those of the reader; `UnexpectedEof` where it ends early.
    pub(super) fn read(self, reader: &mut dyn Read, shape: Shape) -> io::Result<Vec<Cells>> {
        let mut collectors: Vec<Collector> = (0..shape.columns).map(|_| Collector::new(self)).collect();
        if shape.by_column {
            for collector in &mut collectors {
                blocks(reader, shape.rows, self.size, &mut |bytes| collector.extend(bytes, 0, self.size))?;
            }
        } else {
            let row = shape.columns * self.size;
            blocks(reader, shape.rows, row, &mut |bytes| {
                for (column, collector) in collectors.iter_mut().enumerate() {
                    collector.extend(bytes, column * self.size, row);
                }
            })?;
        }
        Ok(collectors.into_iter().map(|collector| collector.cells).collect())
    }

    fn number(self, bytes: &[u8]) -> f64 {
        let mut ordered = [0; 8];
        let ordered = &mut ordered[..self.size];
        ordered.copy_from_slice(bytes);
        if self.big_endian {
            ordered.reverse();
        }
        let mut wide = [0; 8];
        wide[..self.size].copy_from_slice(ordered);
        let bits = u64::from_le_bytes(wide);
        match (self.kind, self.size) {
            (Kind::Float, 4) => f64::from(f32::from_bits(bits as u32)),
            (Kind::Float, _) => f64::from_bits(bits),
            (Kind::Signed, size) => {
                let unused = 64 - 8 * size as u32;
                ((bits << unused) as i64 >> unused) as f64
            }
            (Kind::Unsigned | Kind::Text, _) => bits as f64,
        }
    }

    fn text(self, bytes: &[u8]) -> String {
        let characters = bytes.as_chunks::<4>().0.iter().map(|&code| {
            let code = if self.big_endian { u32::from_be_bytes(code) } else { u32::from_le_bytes(code) };
            char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
        });
        characters.collect::<String>().trim_end_matches('\0').to_owned()
    }
}

/// Hands over `n` pieces of `size` bytes, as many at a time as make a block.
fn blocks(reader: &mut dyn Read, mut n: usize, size: usize, take: &mut dyn FnMut(&[u8])) -> io::Result<()> {
    let pieces = (BLOCK / size.max(1)).clamp(1, n.max(1));
    let mut buffer = vec![0; pieces * size];
    while n > 0 {
        let now = pieces.min(n);
        let bytes = &mut buffer[..now * size];
        reader.read_exact(bytes)?;
        take(bytes);
        n -= now;
    }
    Ok(())
}

/// A column that grows.
struct Collector {
    element: ElementType,
    cells: Cells,
}

impl Collector {
    fn new(element: ElementType) -> Self {
        let cells = match (element.kind, element.size) {
            (Kind::Unsigned, 1) => Cells::Bytes(Vec::new()),
            (Kind::Float, 4) => Cells::Singles(Vec::new()),
            (Kind::Text, _) => Cells::Texts { codes: Vec::new(), texts: Vec::new() },
            _ => Cells::Doubles(Vec::new()),
        };
        Self { element, cells }
    }

    /// Takes the elements at `start`, `start + stride`, ...
    fn extend(&mut self, bytes: &[u8], start: usize, stride: usize) {
        let element = self.element;
        let elements = bytes.chunks_exact(stride).map(|piece| &piece[start..start + element.size]);
        match &mut self.cells {
            Cells::Bytes(cells) => cells.extend(elements.map(|bytes| bytes[0])),
            Cells::Singles(cells) => cells.extend(elements.map(|bytes| element.number(bytes) as f32)),
            Cells::Doubles(cells) => cells.extend(elements.map(|bytes| element.number(bytes))),
            Cells::Texts { codes, texts } => {
                for text in elements.map(|bytes| element.text(bytes)) {
                    // Texts are labels: few, and most often the one just seen.
                    let code = texts.iter().rposition(|known| *known == text).unwrap_or_else(|| {
                        texts.push(text);
                        texts.len() - 1
                    });
                    codes.push(code as u32);
                }
            }
        }
    }
}
